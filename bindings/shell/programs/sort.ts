/** sort(1) */
import { SyscallError } from '../kernel/error.ts';
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command } from './command.ts';
import { Input } from './input.ts';
import { versionCompare } from './ls.ts';
import { quote, quoteIfNeeded } from './quote.ts';
import { MONTHS } from './times.ts';

const LONG = {
  ...{ 'ignore-leading-blanks': 'b', 'dictionary-order': 'd', 'ignore-case': 'f', 'general-numeric-sort': 'g' },
  ...{ 'human-numeric-sort': 'h', 'ignore-nonprinting': 'i', 'month-sort': 'M', 'numeric-sort': 'n', reverse: 'r' },
  ...{ 'version-sort': 'V', 'check=?': 'c', 'key=': 'k', merge: 'm', 'output=': 'o', stable: 's', unique: 'u' },
  ...{
    'field-separator=': 't',
    'zero-terminated': 'z',
    'random-sort': 'R',
    'buffer-size=': 'S',
    'parallel=': 'parallel',
  },
  ...{ 'temporary-directory=': 'T', 'files0-from=': 'files0', 'batch-size=': 'batch', 'sort=': 'sort' },
};
const ORDERS = 'bdfghiMnrV';

interface Key {
  startField: number;
  startChar: number;
  /** 0: the end of the line */
  endField: number;
  endChar: number;
  flags: Set<string>;
  /** `b` given with the end position */
  endBlanks: boolean;
}

function position(
  c: Command,
  text: string,
  spec: string,
): { field: number; char: number; flags: string; rest: string } {
  const match = /^(\d+)(?:\.(\d+))?([bdfghiMnrRV]*)/.exec(text);
  if (match === null) c.fail(`invalid number at field start: invalid count at start of ${quote(text)}`);
  const rest = text.slice(match[0].length);
  if (rest !== '' && !rest.startsWith(','))
    c.fail(`stray character in field spec: invalid field specification ${quote(spec)}`);
  return { field: Number(match[1]), char: match[2] === undefined ? -1 : Number(match[2]), flags: match[3]!, rest };
}

function keyOf(c: Command, spec: string): Key {
  const start = position(c, spec, spec);
  if (start.field === 0) c.fail(`field number is zero: invalid field specification ${quote(spec)}`);
  if (start.char === 0) c.fail(`character offset is zero: invalid field specification ${quote(spec)}`);
  const key: Key = {
    ...{
      startField: start.field,
      startChar: start.char < 0 ? 1 : start.char,
      endField: 0,
      endChar: 0,
      endBlanks: false,
    },
    flags: new Set(start.flags),
  };
  if (start.rest !== '') {
    const end = position(c, start.rest.slice(1), spec);
    if (end.field === 0) c.fail(`field number is zero: invalid field specification ${quote(spec)}`);
    key.endField = end.field;
    key.endChar = Math.max(0, end.char);
    for (const flag of end.flags)
      if (flag === 'b') key.endBlanks = true;
      else key.flags.add(flag);
  }
  return key;
}

const BLANK = (char: string | undefined): boolean => char === ' ' || char === '\t';

/** Where each field begins and ends; without -t blanks before a field belong to it. */
function fieldsOf(line: string, separator: string | undefined): [number, number][] {
  const fields: [number, number][] = [];
  if (separator !== undefined) {
    let at = 0;
    for (const part of line.split(separator)) {
      fields.push([at, at + part.length]);
      at += part.length + 1;
    }
    return fields;
  }
  let at = 0;
  while (at < line.length) {
    const from = at;
    while (at < line.length && BLANK(line[at])) at++;
    while (at < line.length && !BLANK(line[at])) at++;
    fields.push([from, at]);
  }
  return fields;
}

function extract(line: string, key: Key, separator: string | undefined): string {
  const fields = fieldsOf(line, separator);
  const skipBlanks = (from: number, to: number) => {
    let at = from;
    while (at < to && BLANK(line[at])) at++;
    return at;
  };
  let start = line.length;
  const first = fields[key.startField - 1];
  if (first !== undefined) {
    start = key.flags.has('b') ? skipBlanks(first[0], line.length) : first[0];
    start = Math.min(line.length, start + key.startChar - 1);
  }
  let end = line.length;
  if (key.endField > 0) {
    const last = fields[key.endField - 1];
    if (last !== undefined) {
      if (key.endChar === 0) end = last[1];
      else end = Math.min(line.length, (key.endBlanks ? skipBlanks(last[0], line.length) : last[0]) + key.endChar);
    }
  }
  return line.slice(start, Math.max(start, end));
}

const numeric = /^[ \t]*(-?)(\d*)(?:\.(\d*))?/;

/** -n: by the text, so that no digit is lost. */
function compareNumbers(a: string, b: string): number {
  const parse = (text: string) => {
    const [, sign, whole, fraction = ''] = numeric.exec(text)!;
    const digits = whole!.replace(/^0+/, '');
    const rest = fraction.replace(/0+$/, '');
    return { sign: digits === '' && rest === '' ? 0 : sign === '-' ? -1 : 1, digits, rest };
  };
  const [x, y] = [parse(a), parse(b)];
  if (x.sign !== y.sign) return x.sign - y.sign;
  const size = x.digits.length - y.digits.length || text(x.digits, y.digits) || text(x.rest, y.rest);
  return x.sign < 0 ? -size : size;
}

const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function general(line: string): number {
  const match = /^\s*[-+]?(\d+\.?\d*(e[-+]?\d+)?|\.\d+(e[-+]?\d+)?|inf(inity)?)/i.exec(line);
  if (match === null) return Number.NEGATIVE_INFINITY;
  const number = match[0].trim().toLowerCase();
  return number.includes('inf')
    ? number.startsWith('-')
      ? -Number.MAX_VALUE
      : Number.POSITIVE_INFINITY
    : Number(number);
}

function compareHuman(a: string, b: string): number {
  const power = (line: string) => {
    const match = /^[ \t]*(-?)[\d.]*\d[\d.]*([KkMGTPEZY]?)/.exec(line);
    if (match === null || compareNumbers(line, '0') === 0) return 0;
    const order = 'KMGTPEZY'.indexOf(match[2]!.toUpperCase() || '?') + 1;
    return match[1] === '-' ? -order : order;
  };
  return power(a) - power(b) || compareNumbers(a, b);
}

const month = (line: string): number =>
  MONTHS.findIndex((name) => name.slice(0, 3).toUpperCase() === line.trimStart().slice(0, 3).toUpperCase()) + 1;

function compareBy(flags: ReadonlySet<string>, a: string, b: string): number {
  if (flags.has('n')) return compareNumbers(a, b);
  if (flags.has('g')) return general(a) - general(b) || 0;
  if (flags.has('h')) return compareHuman(a, b);
  if (flags.has('M')) return month(a) - month(b);
  const fold = (line: string) => {
    let out = line;
    if (flags.has('d')) out = out.replace(/[^A-Za-z0-9 \t]/g, '');
    if (flags.has('i')) out = out.replace(/[^ -~]/g, '');
    return flags.has('f') ? out.toUpperCase() : out;
  };
  const [x, y] = [fold(a), fold(b)];
  return flags.has('V') ? (x === y ? 0 : versionCompare(x, y)) : text(x, y);
}

/** -m: of the first lines of all files always the least. */
function merged(files: string[][], compare: (a: string, b: string) => number): string[] {
  const out: string[] = [];
  const heads = files.map(() => 0);
  for (;;) {
    let least = -1;
    for (const [i, file] of files.entries())
      if (heads[i]! < file.length && (least < 0 || compare(file[heads[i]!]!, files[least]![heads[least]!]!) < 0))
        least = i;
    if (least < 0) return out;
    out.push(files[least]![heads[least]!++]!);
  }
}

export const sort: Program = command(
  async (c: Command) => {
    const { options, operands } = c.parse('bcCdfghik:mMno:rRsS:t:T:uVz', LONG);
    const flags = new Set<string>();
    const keys: Key[] = [];
    let separator: string | undefined;
    let output: string | undefined;
    let end = '\n';
    let check: '' | 'c' | 'C' = '';
    let stable = false;
    let unique = false;
    let merge = false;
    for (const { key, value, given } of options) {
      if (ORDERS.includes(key)) flags.add(key);
      else if (key === 'k') keys.push(keyOf(c, value));
      else if (key === 't') {
        if (value === '') c.fail('empty tab');
        if (value.length > 1 && value !== '\\0') c.fail(`multi-character tab ${quote(value)}`);
        separator = value === '\\0' ? '\0' : value;
      } else if (key === 'o') output = value;
      else if (key === 'z') end = '\0';
      else if (key === 'c' || key === 'C') check = given && /^(quiet|silent)$/.test(value) ? 'C' : key;
      else if (key === 's') stable = true;
      else if (key === 'u') unique = true;
      else if (key === 'm') merge = true;
      else if (!['S', 'T', 'parallel', 'batch'].includes(key))
        c.fail(`option ${key.length > 1 ? '--' : '-'}${key} is not supported`);
    }
    for (const key of keys)
      if (key.flags.size === 0 && !key.endBlanks) {
        for (const flag of flags) key.flags.add(flag);
        if (flags.has('b')) key.endBlanks = true;
      }
    const modes = (set: ReadonlySet<string>) => [...'ghMnV'].filter((flag) => set.has(flag)).join('');
    for (const set of [flags, ...keys.map((key) => key.flags)])
      if (modes(set).length > 1) c.fail(`options '-${modes(set)}' are incompatible`);
    const byKeys = (a: string, b: string): number => {
      for (const key of keys) {
        const order = compareBy(key.flags, extract(a, key, separator), extract(b, key, separator));
        if (order !== 0) return key.flags.has('r') ? -order : order;
      }
      if (keys.length === 0 && modes(flags) + [...'dfib'].filter((flag) => flags.has(flag)).join('') !== '') {
        const whole: Key = { startField: 1, startChar: 1, endField: 0, endChar: 0, endBlanks: false, flags };
        const order = compareBy(flags, extract(a, whole, separator), extract(b, whole, separator));
        if (order !== 0) return flags.has('r') ? -order : order;
      }
      return 0;
    };
    const special = keys.length > 0 || [...flags].some((flag) => flag !== 'r');
    const compare = (a: string, b: string): number => {
      const order = byKeys(a, b);
      if (order !== 0 || (special && (stable || unique))) return order;
      return flags.has('r') ? -text(a, b) : text(a, b);
    };
    if (check !== '' && operands.length > 1) c.fail(`extra operand ${quote(operands[1]!)} not allowed with -${check}`);
    const lines: string[] = [];
    const starts: number[] = [];
    for (const name of operands.length === 0 ? ['-'] : operands) {
      const opened = name === '-' ? { value: 0 } : await attempt(() => c.process.open(name, { read: true }));
      if ('error' in opened) c.fail(`cannot read: ${quoteIfNeeded(name)}: ${opened.error.message}`);
      starts.push(lines.length);
      const input = new Input(c.process, opened.value, 32 * 1024);
      try {
        for (let line = await input.line(end); line !== null; line = await input.line(end)) {
          const before = lines.at(-1);
          lines.push(line.text);
          if (check === '' || before === undefined) continue;
          const order = compare(before, line.text);
          if (order < 0 || (order === 0 && !unique)) continue;
          if (check === 'c') await c.warn(`${name}:${lines.length}: disorder: ${line.text}`);
          return 1;
        }
      } catch (error) {
        if (!(error instanceof SyscallError)) throw error;
        c.fail(`read failed: ${quoteIfNeeded(name)}: ${error.message}`);
      }
      if (opened.value !== 0) c.process.close(opened.value);
    }
    if (check !== '') return 0;
    const sorted = merge
      ? merged(
          starts.map((from, i) => lines.slice(from, starts[i + 1])),
          compare,
        )
      : lines.sort(compare);
    const kept = unique ? sorted.filter((line, i) => i === 0 || compare(sorted[i - 1]!, line) !== 0) : sorted;
    if (output !== undefined) {
      const path = output;
      const opened = await attempt(() => c.process.open(path, { write: true, create: true, truncate: true }, 0o666));
      if ('error' in opened) c.fail(`open failed: ${quoteIfNeeded(path)}: ${opened.error.message}`);
      c.process.dup2(opened.value, 1);
      c.process.close(opened.value);
    }
    for (const line of kept) await c.out.write(line + end);
    return 0;
  },
  { trouble: 2 },
);
