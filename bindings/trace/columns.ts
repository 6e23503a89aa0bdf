/**
 * The column mapping of tables, `--columns`: pairs of a trace column and where its value comes from.
 *
 *   ts=time:us        column `time`, in microseconds (s, ms, us, ns)
 *   index=addr:bytes  column `addr` in bytes, to pages; :hex where it is hexadecimal without 0x; both may stand
 *   index=#3          third column, where there is no header
 *   cgroup:=/jobs/a   the same value on every row
 *   op.R=file_access  what the value R of the op column means; op.W=file_access+WRITE, op.x=ignore, op.*=… for all others
 */
import * as ops from '../../assembly/replay/ops.ts';
import { parseFlags, quoted } from './flag-names.ts';
import { InputError } from './input-error.ts';
import { OP_CODES } from './schema.ts';

/** What a column of the table can be mapped to: the columns of the schema, and what names a process or describes an object. */
export const TARGETS = [
  'ts',
  'cpu',
  'op',
  'task',
  'cgroup',
  'object',
  'index',
  'count',
  'flags',
  'gfp',
  'name',
  'comm',
  'type',
  'size',
] as const;
export type Target = (typeof TARGETS)[number];
/** Columns that every trace has: what a table without a mapping may have. */
export const SCHEMA_TARGETS: readonly Target[] = TARGETS.slice(0, 11);

/** Where the value of a target comes from. */
export interface Source {
  /** name of the column, or `#N`; null: a constant */
  column: string | null;
  constant: string;
  /** ts: its unit as a power of ten of a nanosecond */
  exponent: number;
  bytes: boolean;
  hex: boolean;
}

/** What a value of the op column means. */
export interface OpMeaning {
  /** engine op code; 0: the row is ignored */
  op: number;
  flags: number;
}

export interface Mapping {
  sources: Map<Target, Source>;
  /** by the value in the table; `*` for all others */
  meanings: Map<string, OpMeaning>;
  /** given by the user; else the table's columns are the schema's */
  explicit: boolean;
  delimiter: string | null;
  header: boolean;
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ['s', 9],
  ['ms', 6],
  ['us', 3],
  ['ns', 0],
]);
const DELIMITERS: ReadonlyMap<string, string> = new Map([
  ['comma', ','],
  ['semicolon', ';'],
  ['tab', '\t'],
  ['\\t', '\t'],
  ['pipe', '|'],
  ['space', ' '],
]);

/**
 * Splits the texts of `--columns` at commas into pairs; a column name that holds commas stands in double quotes. A later pair replaces
 * an earlier one. Throws InputError.
 */
export function parseColumns(options: readonly string[]): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const option of options) {
    let at = 0;
    while (at < option.length) {
      const equals = option.indexOf('=', at);
      const key = equals === -1 ? option.slice(at) : option.slice(at, equals);
      if (equals === -1 || key.trim() === '')
        throw new InputError(`--columns: ${quoted(option.slice(at))} is not NAME=COLUMN`);
      at = equals + 1;
      let value = '';
      if (key.trim() === 'delimiter' && (option[at + 1] === ',' || at + 1 === option.length))
        value = option[at++] ?? '';
      else {
        let open = false;
        for (; at < option.length && (open || option[at] !== ','); at++) {
          if (option[at] === '"') open = !open;
          value += option[at];
        }
        if (open) throw new InputError(`--columns: a quote is never closed in ${quoted(value)}`);
      }
      at++;
      // NAME:=VALUE is a constant: kept as "=VALUE".
      if (key.endsWith(':')) pairs.set(key.slice(0, -1).trim(), `=${value}`);
      else pairs.set(key.trim(), value);
    }
  }
  return pairs;
}

/** Reads a mapping. Throws InputError that names the pair. */
export function mappingOf(columns: ReadonlyMap<string, string> | undefined): Mapping {
  const mapping: Mapping = {
    sources: new Map(),
    meanings: new Map(),
    explicit: columns !== undefined && columns.size > 0,
    delimiter: null,
    header: true,
  };
  for (const [key, value] of columns ?? []) {
    const fail = (what: string): never => {
      throw new InputError(`--columns: ${key}=${value}: ${what}`);
    };
    if (value === '' || value === '=') fail('no column is named');
    if (key === 'delimiter') {
      mapping.delimiter = DELIMITERS.get(value) ?? value;
      if (mapping.delimiter.length !== 1 || /["\r\n]/.test(mapping.delimiter) || mapping.delimiter.charCodeAt(0) > 126)
        fail(`a delimiter is one character, or one of ${[...DELIMITERS.keys()].join(', ')}`);
    } else if (key === 'header') {
      if (value !== 'yes' && value !== 'no') fail('yes or no');
      mapping.header = value === 'yes';
    } else if (key.startsWith('op.')) {
      mapping.meanings.set(key.slice(3), meaningOf(value) ?? fail('not OP, OP+FLAG or ignore'));
    } else if ((TARGETS as readonly string[]).includes(key)) {
      mapping.sources.set(key as Target, sourceOf(key as Target, value, fail));
    } else fail(`${quoted(key)} is no column of a trace; known: ${TARGETS.join(', ')}, op.VALUE, delimiter, header`);
  }
  return mapping;
}

/** `file_access+WRITE` and the like; null where it is none. */
export function meaningOf(text: string): OpMeaning | null {
  if (text === 'ignore') return { op: 0, flags: 0 };
  const [name, ...words] = text.split('+');
  const op = OP_CODES.get(name!);
  if (op === undefined) return null;
  const flags = words.length === 0 ? 0 : parseFlags(words.join('|'));
  return typeof flags === 'number' ? { op, flags } : null;
}

function sourceOf(target: Target, value: string, fail: (what: string) => never): Source {
  const source: Source = { column: null, constant: '', exponent: 0, bytes: false, hex: false };
  if (value.startsWith('=')) {
    source.constant = unquoted(value.slice(1));
    return source;
  }
  const quoteEnd = value.startsWith('"') ? value.lastIndexOf('"') : -1;
  // Suffixes from the end, as long as they are known: a column's name may hold colons.
  let name = value;
  for (let colon = name.lastIndexOf(':'); colon > Math.max(0, quoteEnd); colon = name.lastIndexOf(':')) {
    const suffix = name.slice(colon + 1);
    if (target === 'ts' && UNITS.has(suffix)) source.exponent = UNITS.get(suffix)!;
    else if ((target === 'index' || target === 'count') && suffix === 'bytes') source.bytes = true;
    else if (target !== 'ts' && suffix === 'hex') source.hex = true;
    else if (quoteEnd > 0) fail(`${quoted(suffix)} is no unit of ${target}`);
    else break;
    name = name.slice(0, colon);
  }
  source.column = unquoted(name);
  return source;
}

function unquoted(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}

/** Types of object by the names that `type` takes. */
export const OBJECT_TYPE_NAMES: ReadonlyMap<string, number> = new Map([
  ['file', ops.OBJECT_FILE],
  ['shmem', ops.OBJECT_SHMEM],
  ['block', ops.OBJECT_BLOCK],
]);
