/**
 * A line that the scripts in docs/record print: EVENT,nsecs,cpu,pid,tid,cgroup,FIELDS. Numbers are decimal or hexadecimal as the
 * event says; the last field may be a text with commas.
 */
import { quoted } from './flag-names.ts';
import { keep } from './ftrace.ts';

/** What is wrong with a line. */
export class LineProblem extends Error {}

const COMMON = ['nsecs', 'cpu', 'pid', 'tid', 'cgroup'];
/** The fields of each event after the common ones; `x` in front: hexadecimal; `$`: the text that ends the line. */
const FIELDS: Record<string, string> = {
  anon: 'owner flags error xaddress $comm',
  file: 'owner flags error xaddress xvm_flags dev inode generation page tmpfs $comm',
  name: 'dev inode $name',
  add: 'dev inode page order $comm',
  delete: 'dev inode page order $comm',
  write: 'dev inode generation position length tmpfs $comm',
  unmap: 'xaddress length',
  fork: 'child xclone_flags $comm',
  exec: 'old_tid $file',
  exit: '$comm',
  mkdir: 'hierarchy id $path',
  rmdir: 'hierarchy id $path',
  attach: 'hierarchy id pid $path',
  cgroup: 'id $path',
  alloc: 'frame order',
  holds: 'xpage dev inode index tmpfs',
  charge: 'xpage id xgfp',
  refused: 'xpage',
  uncharge: 'xpage id',
  kcharge: 'xpage order',
  kuncharge: 'xpage order',
  migrate: 'xfrom xto',
  end: '',
};

interface Shape {
  event: string;
  names: string[];
  hex: boolean[];
  text: boolean;
  /** position of `dev` among the numbers, −1 */
  dev: number;
}

const SHAPES: ReadonlyMap<string, Shape> = new Map(
  Object.entries(FIELDS).map(([event, fields]) => {
    const all = fields === '' ? [] : fields.split(' ');
    const numbers = all.filter((name) => !name.startsWith('$'));
    const names = [...COMMON, ...numbers.map((name) => (/^x[a-z]/.test(name) ? name.slice(1) : name))];
    const hex = [...COMMON.map(() => false), ...numbers.map((name) => /^x[a-z]/.test(name))];
    return [event, { event, names, hex, text: all.length > numbers.length, dev: names.indexOf('dev') }] as const;
  }),
);

const COMMA = 44;
const ZERO = 48;
/** 52 bits of a hexadecimal number: all of a user address, and what tells kernel addresses apart */
const HEX_DIGITS = 13;

export interface BpftraceLine {
  event: string;
  /** the numbers, common ones first; of a 64-bit hexadecimal number the low 52 bits */
  values: Float64Array;
  /** the text at the end; a latin1 view, see `keep` */
  text: string;
  /** `dev,inode` as written, where the event has them: 64 bits that no double holds */
  inode: string;
}

export function emptyBpftraceLine(): BpftraceLine {
  return { event: '', values: new Float64Array(16), text: '', inode: '' };
}

/** The event that a line names; null: it is none of the scripts'. A view, no copy. */
export function eventOf(text: string, start: number, end: number): string | null {
  const comma = text.indexOf(',', start);
  if (comma === -1 || comma >= end || comma - start > 12) return null;
  const event = text.slice(start, comma);
  return SHAPES.has(event) ? event : null;
}

/** Time and CPU of a line, of which {@link eventOf} knows the event: what the order needs. Throws LineProblem. */
export function timeOf(text: string, start: number, end: number): number {
  const from = text.indexOf(',', start) + 1;
  let to = from;
  let value = 0;
  for (; to < end; to++) {
    const digit = text.charCodeAt(to) - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (to === from || to >= end || text.charCodeAt(to) !== COMMA || value > 2 ** 53) problem(text, from, end, 'nsecs');
  cpuEnd = to + 1;
  return value;
}
let cpuEnd = 0;

/** The CPU of the line that {@link timeOf} has just read. Throws LineProblem. */
export function cpuOf(text: string, end: number): number {
  const from = cpuEnd;
  let to = from;
  let value = 0;
  for (; to < end; to++) {
    const digit = text.charCodeAt(to) - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (to === from || to >= end || text.charCodeAt(to) !== COMMA || value > 0xffff) problem(text, from, end, 'cpu');
  return value;
}

/** Parses `text`, a whole line. Throws LineProblem. */
export function parseBpftraceLine(text: string, line: BpftraceLine): void {
  const comma = text.indexOf(',');
  const shape = SHAPES.get(text.slice(0, comma))!;
  line.event = shape.event;
  const { names, hex } = shape;
  const { values } = line;
  const end = text.length;
  let at = comma + 1;
  let inode = 0;
  for (let i = 0; i < names.length; i++) {
    const from = at;
    if (i === shape.dev) inode = at;
    let value = 0;
    if (hex[i]) {
      let stop = text.indexOf(',', at);
      if (stop === -1) stop = end;
      if (stop - from > 16 || stop === from) problem(text, from, end, names[i]!);
      for (at = from; at < stop; at++) {
        const c = text.charCodeAt(at);
        let digit = c - ZERO;
        if (digit < 0 || digit > 9) {
          digit = (c | 32) - 87;
          if (digit < 10 || digit > 15) problem(text, from, end, names[i]!);
        }
        if (stop - at <= HEX_DIGITS) value = value * 16 + digit;
      }
    } else {
      for (; at < end; at++) {
        const digit = text.charCodeAt(at) - ZERO;
        if (digit < 0 || digit > 9) break;
        value = value * 10 + digit;
      }
      if (at === from || at - from > 20) problem(text, from, end, names[i]!);
    }
    const last = i === names.length - 1;
    if (at === end && (!last || shape.text)) throw new LineProblem(`field ${names[i]}: the line is cut after it`);
    if (at < end && (text.charCodeAt(at) !== COMMA || (last && !shape.text))) problem(text, from, end, names[i]!);
    values[i] = value;
    if (i === shape.dev + 1 && shape.dev !== -1) line.inode = text.slice(inode, at);
    at++;
  }
  line.text = shape.text ? text.slice(at) : '';
}

function problem(text: string, from: number, end: number, name: string): never {
  let to = text.indexOf(',', from);
  if (to === -1 || to > end) to = end;
  const what = from >= end ? 'the line is cut before it' : `${quoted(keep(text.slice(from, to)))} is not its number`;
  throw new LineProblem(`field ${name}: ${what}`);
}
