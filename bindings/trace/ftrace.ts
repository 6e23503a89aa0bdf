/**
 * One line of ftrace text: `comm-pid (tgid) [cpu] flags ts: event: rest`. Written by hand, by positions in the chunk, because a
 * regular expression per line costs more than everything else that an importer does. The comm may hold spaces, dashes and brackets;
 * the TGID column may be absent; the flags have four characters or five.
 */
import { InputError } from './input-error.ts';
import type { LineChunk, LineReader } from './lines.ts';

/** The parsed line. One object is reused for every line of a file. */
export interface FtraceLine {
  comm: string;
  pid: number;
  cpu: number;
  flags: string;
  /** whole seconds of the time stamp */
  seconds: number;
  /** nanoseconds within the second; microsecond captures give multiples of 1000 */
  nanos: number;
  event: string;
  rest: string;
}

/** A line that does not parse; the caller knows file and line number. */
export class FtraceSyntaxError extends Error {}

const SPACE = 32;
const DASH = 45;
const DOT = 46;
const ZERO = 48;
const NINE = 57;
const COLON = 58;

const POW10 = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

export function emptyLine(): FtraceLine {
  return { comm: '', pid: 0, cpu: 0, flags: '', seconds: 0, nanos: 0, event: '', rest: '' };
}

/**
 * Parses `text` from `start` to `end` (exclusive, without the newline) into `line`.
 * The strings in `line` are views of `text`: use {@link keep} for those that outlive the chunk.
 * Throws FtraceSyntaxError.
 */
export function parseLine(text: string, start: number, end: number, line: FtraceLine): void {
  // A comm may hold "[0]": take the first bracket that has a time stamp after it and a pid before it.
  let reason = 'no [cpu] column';
  for (let open = text.indexOf('[', start); open !== -1 && open < end; open = text.indexOf('[', open + 1)) {
    const problem = parseFrom(text, start, end, open, line);
    if (problem === null) return;
    if (reason === 'no [cpu] column' || problem !== 'no [cpu] column') reason = problem;
  }
  throw new FtraceSyntaxError(reason);
}

function parseFrom(text: string, start: number, end: number, open: number, line: FtraceLine): string | null {
  let at = open + 1;
  let cpu = 0;
  const cpuStart = at;
  for (let c = text.charCodeAt(at); at < end && c >= ZERO && c <= NINE; c = text.charCodeAt(++at))
    cpu = cpu * 10 + c - ZERO;
  if (at === cpuStart || at + 1 >= end || text[at] !== ']' || text.charCodeAt(at + 1) !== SPACE)
    return 'no [cpu] column';
  if (cpu > 65535) return `cpu ${cpu} is out of range`;

  // Backwards: optional "(tgid)", then "comm-pid".
  let back = skipSpacesBack(text, start, open - 1);
  if (back >= start && text[back] === ')') {
    const paren = text.lastIndexOf('(', back);
    if (paren <= start) return 'no pid before the (tgid) column';
    back = skipSpacesBack(text, start, paren - 1);
  }
  let pid = 0;
  let digits = 0;
  for (
    let c = text.charCodeAt(back);
    back >= start && c >= ZERO && c <= NINE && digits < 10;
    c = text.charCodeAt(--back)
  ) {
    pid += (c - ZERO) * POW10[digits++]!;
  }
  if (digits === 0 || back < start || text.charCodeAt(back) !== DASH) return 'no comm-pid column';
  let comm = start;
  while (comm < back && text.charCodeAt(comm) === SPACE) comm++;
  if (pid > 0xffffffff) return 'the pid is out of range';

  // Forwards: flags, seconds.fraction, event.
  at += 2;
  while (at < end && text.charCodeAt(at) === SPACE) at++;
  const flagsStart = at;
  while (at < end && text.charCodeAt(at) !== SPACE) at++;
  const flagsEnd = at;
  if (flagsEnd - flagsStart < 4 || flagsEnd - flagsStart > 8) return 'no flags column (irqs-off, need-resched …)';
  while (at < end && text.charCodeAt(at) === SPACE) at++;
  let seconds = 0;
  const secondsStart = at;
  for (let c = text.charCodeAt(at); at < end && c >= ZERO && c <= NINE; c = text.charCodeAt(++at))
    seconds = seconds * 10 + c - ZERO;
  if (at === secondsStart || at - secondsStart > 10 || at >= end || text.charCodeAt(at) !== DOT)
    return 'no time stamp (seconds.fraction)';
  const fraction = ++at;
  let nanos = 0;
  for (let c = text.charCodeAt(at); at < end && c >= ZERO && c <= NINE; c = text.charCodeAt(++at))
    nanos = nanos * 10 + c - ZERO;
  const width = at - fraction;
  if (width === 0 || width > 9 || at >= end || text.charCodeAt(at) !== COLON) return 'no time stamp (seconds.fraction)';
  nanos *= POW10[9 - width]!;

  at++;
  while (at < end && text.charCodeAt(at) === SPACE) at++;
  const colon = text.indexOf(':', at);
  if (colon === -1 || colon >= end || colon === at) return 'no event name';
  line.comm = text.slice(comm, back);
  line.pid = pid;
  line.cpu = cpu;
  line.flags = text.slice(flagsStart, flagsEnd);
  line.seconds = seconds;
  line.nanos = nanos;
  line.event = text.slice(at, colon);
  const rest = colon + 1 < end && text.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1;
  line.rest = text.slice(rest, end);
  return null;
}

function skipSpacesBack(text: string, start: number, from: number): number {
  let at = from;
  while (at >= start && text.charCodeAt(at) === SPACE) at--;
  return at;
}

/**
 * Position after `key` (such as `pfn=`) in `rest`, -1 where it is missing. The key must stand at the beginning or after a space,
 * a bracket or a parenthesis, so that `pid=` does not find `old_pid=`.
 */
export function fieldAt(rest: string, key: string): number {
  for (let at = rest.indexOf(key); at !== -1; at = rest.indexOf(key, at + 1)) {
    if (at === 0 || rest.charCodeAt(at - 1) === SPACE) return at + key.length;
  }
  return -1;
}

/** The text of a field up to the next space, or null. A view of `rest`: see {@link keep}. */
export function field(rest: string, key: string): string | null {
  const at = fieldAt(rest, key);
  if (at === -1) return null;
  const end = rest.indexOf(' ', at);
  return end === -1 ? rest.slice(at) : rest.slice(at, end);
}

/** A field's text up to the key `before` (which may follow after spaces): for names that may hold spaces. */
export function fieldUpTo(rest: string, key: string, before: string): string | null {
  const at = fieldAt(rest, key);
  if (at === -1) return null;
  const end = rest.indexOf(` ${before}`, at);
  return end === -1 ? rest.slice(at) : rest.slice(at, end);
}

/** A decimal field (which may be negative) as a number, NaN where it is missing or no number. Above 2^53 the low digits are lost. */
export function decimalField(rest: string, key: string): number {
  const at = fieldAt(rest, key);
  return at === -1 ? Number.NaN : decimalAt(rest, at);
}

/** A decimal number at a position of `rest` that ends at a space or the end; NaN otherwise. */
export function decimalAt(rest: string, start: number): number {
  let at = start;
  const negative = rest.charCodeAt(at) === DASH;
  if (negative) at++;
  const first = at;
  let value = 0;
  let c = rest.charCodeAt(at);
  for (; c >= ZERO && c <= NINE; c = rest.charCodeAt(++at)) value = value * 10 + c - ZERO;
  if (at === first || (at < rest.length && c !== SPACE)) return Number.NaN;
  return negative ? -value : value;
}

/**
 * A hexadecimal field, with or without 0x, as a number made of its low 48 bits (12 digits): a kernel address has 64, of which the
 * upper 16 say nothing. NaN where it is missing or no number.
 */
export function hexField(rest: string, key: string): number {
  const at = fieldAt(rest, key);
  return at === -1 ? Number.NaN : hexAt(rest, at);
}

/** See {@link hexField}. */
export function hexAt(rest: string, start: number): number {
  let at = rest.charCodeAt(start) === ZERO && (rest.charCodeAt(start + 1) | 32) === 120 ? start + 2 : start;
  const first = at;
  let end = at;
  while (end < rest.length && rest.charCodeAt(end) !== SPACE) end++;
  if (end === first || end - first > 16) return Number.NaN;
  if (end - first > 12) at = end - 12;
  let value = 0;
  for (; at < end; at++) {
    const c = rest.charCodeAt(at);
    let digit = c - ZERO;
    if (digit < 0 || digit > 9) {
      digit = (c | 32) - 87;
      if (digit < 10 || digit > 15) return Number.NaN;
    }
    value = value * 16 + digit;
  }
  return value;
}

/** A copy of `text` that does not hold on to its chunk, decoded: chunks are latin1, names are UTF-8. */
export function keep(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}

/** Walks the event lines of one capture, in step with its chunks. */
/**
 * The ring buffer's clock may step back by this much, in ns, when a CPU adjusts it (the kernel then says "Ring buffer clock went
 * backwards"; 0.1 ms was seen). More means that the file is not one recording in its order.
 */
const CLOCK_STEP_NS = 200_000;

export class FtraceCursor {
  readonly reader: LineReader;
  readonly line: FtraceLine = emptyLine();
  /** line number of the current line */
  lineNumber = 0;
  /** event lines parsed so far */
  events = 0;
  /** lines that were a little earlier than the one before: taken to be at the same time */
  clockSteps = 0;
  done = false;
  #chunk: LineChunk | null = null;
  #at = 0;

  constructor(reader: LineReader) {
    this.reader = reader;
  }

  /**
   * Moves to the next event line. False: either the chunk is used up (call {@link fill}) or the file has ended (`done`).
   * Throws InputError for a line that does not parse and for time that goes backwards.
   */
  advance(): boolean {
    const chunk = this.#chunk;
    if (chunk === null) return false;
    const { text } = chunk;
    const { line } = this;
    while (this.#at < text.length) {
      const start = this.#at;
      let end = text.indexOf('\n', start);
      this.#at = end + 1;
      this.lineNumber++;
      if (end > start && text.charCodeAt(end - 1) === 13) end--;
      const first = text.charCodeAt(start);
      if (end === start || first === 35) continue;
      const { seconds, nanos } = line;
      try {
        parseLine(text, start, end, line);
      } catch (error) {
        if (error instanceof FtraceSyntaxError) this.#refuse(text.slice(start, end), error.message);
        throw error;
      }
      const step = (line.seconds - seconds) * 1e9 + line.nanos - nanos;
      if (step < 0) {
        if (step < -CLOCK_STEP_NS)
          throw this.error(`time goes backwards: ${time(line.seconds, line.nanos)} after ${time(seconds, nanos)}`);
        line.seconds = seconds;
        line.nanos = nanos;
        this.clockSteps++;
      }
      this.events++;
      return true;
    }
    this.#chunk = null;
    return false;
  }

  /** Reads the next chunk; sets `done` at the end of the file. */
  async fill(): Promise<void> {
    this.#chunk = await this.reader.next();
    this.#at = 0;
    if (this.#chunk === null) this.done = true;
  }

  /** An InputError that names the file and the current line. */
  error(message: string): InputError {
    return new InputError(`${this.reader.path}:${this.lineNumber}: ${message}`);
  }

  #refuse(text: string, reason: string): never {
    const lost = /^CPU:(\d+) \[LOST (\d+ )?EVENTS\]/.exec(text);
    if (lost) throw this.error(`the recording is incomplete: CPU ${lost[1]} lost ${lost[2] ?? ''}events`);
    throw this.error(`not a line of ftrace text: ${reason}`);
  }
}

function time(seconds: number, nanos: number): string {
  return `${seconds}.${String(nanos).padStart(9, '0')}`.replace(/000$/, '');
}
