/** Fields of a line that importers of ftrace text need, with an error that names file, line and field. */
import { decimalAt, decimalField, type FtraceCursor, fieldAt, fieldUpTo, hexField, keep } from './ftrace.ts';
import { InputError } from './input-error.ts';
import { PAGE_SIZE } from './schema.ts';

const U32_MAX = 0xffffffff;
/** MAX_ORDER of any kernel is below this. */
const MAX_ORDER = 18;

/** A line without a field that it must have, or with one that makes no sense. */
export class FieldError extends InputError {
  /** the message without file and line */
  readonly problem: string;

  constructor(cursor: FtraceCursor, problem: string) {
    super(`${cursor.reader.path}:${cursor.lineNumber}: ${problem}`);
    this.problem = problem;
  }
}

/** A decimal field that must be there and not negative. Throws FieldError. */
export function decimalOf(cursor: FtraceCursor, key: string): number {
  const value = decimalField(cursor.line.rest, key);
  if (Number.isNaN(value) || value < 0) throw new FieldError(cursor, `no number ${key} in ${cursor.line.event}`);
  return value;
}

/** A hexadecimal field that must be there: see hexField. Throws FieldError. */
export function hexOf(cursor: FtraceCursor, key: string): number {
  const value = hexField(cursor.line.rest, key);
  if (Number.isNaN(value)) throw new FieldError(cursor, `no hexadecimal number ${key} in ${cursor.line.event}`);
  return value;
}

/** The `order=` of an allocation. Throws FieldError. */
export function orderOf(cursor: FtraceCursor): number {
  const order = decimalOf(cursor, 'order=');
  if (order > MAX_ORDER) throw new FieldError(cursor, `order ${order} is out of range`);
  return order;
}

/** A path, up to the key `before` or to the end of the line. Throws FieldError. */
export function pathOf(cursor: FtraceCursor, key: string, before?: string): string {
  const { rest, event } = cursor.line;
  let text: string | null;
  if (before === undefined) {
    const at = fieldAt(rest, key);
    text = at === -1 ? null : rest.slice(at);
  } else {
    text = fieldUpTo(rest, key, before);
  }
  if (text?.[0] !== '/') throw new FieldError(cursor, `no path in ${event} (${key})`);
  return keep(text);
}

/** `dev 254:16 ino 18 pfn=0x26ad4 ofs=4096 order=0`: the device as major × 2^20 + minor, and the inode. Throws FieldError. */
export function fileOf(cursor: FtraceCursor): { dev: number; ino: number } {
  const { rest, event } = cursor.line;
  const dev = fieldAt(rest, 'dev ');
  const colon = rest.indexOf(':', dev);
  const major = dev === -1 || colon === -1 ? Number.NaN : decimalAt(rest.slice(dev, colon), 0);
  const minor = colon === -1 ? Number.NaN : decimalAt(rest, colon + 1);
  const ino = hexField(rest, 'ino ');
  if (Number.isNaN(major) || Number.isNaN(minor) || Number.isNaN(ino))
    throw new FieldError(cursor, `no device and inode in ${event}`);
  return { dev: major * 2 ** 20 + minor, ino };
}

/** The `ofs=` of a page in its file, in pages. Throws FieldError. */
export function pageOffsetOf(cursor: FtraceCursor): number {
  return clampU32(Math.floor(decimalOf(cursor, 'ofs=') / PAGE_SIZE));
}

/** A number for a column of 32 bits: what is larger becomes the largest, what is none becomes 0. */
export function clampU32(value: number): number {
  return value >= 0 ? Math.min(value, U32_MAX) : 0;
}

/**
 * A fault that a probe made by following a pointer that leads nowhere: in NMI context (Z, z) where the probe is a breakpoint, with
 * preemption off where it is a jump or an ftrace call. No such fault brings a page in: `do_user_addr_fault` gives up when
 * `faulthandler_disabled`.
 */
export function faultsInProbe(flags: string): boolean {
  const context = flags.charCodeAt(2) | 32;
  return context === 122 || flags[3] !== '.';
}
