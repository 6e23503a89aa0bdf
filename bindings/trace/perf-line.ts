/**
 * One line of `perf script`: `comm pid/tid [cpu] time: event: fields`, of which comm, pid, cpu may be missing (`perf script -F`).
 * Written by hand, by positions in the chunk, because a regular expression per line costs more than all the rest.
 */

/** The parsed line; one object is reused. Positions are those of the text that was parsed. */
export interface PerfLine {
  /** a view of the text; '' where the column is missing */
  comm: string;
  /** -1 where only the tid is printed */
  pid: number;
  tid: number;
  /** 0 where the column is missing, see `hasCpu` */
  cpu: number;
  hasCpu: boolean;
  seconds: number;
  /** nanoseconds within the second */
  nanos: number;
  /** event name, or PERF_RECORD_…; a view of the text */
  event: string;
  isRecord: boolean;
  /** the columns before the time: those of the next line are the same more often than not */
  columns: string;
  /** where the fields begin: after the event's name and `: `, or after the record's name */
  fields: number;
}

const TAB = 9;
const SPACE = 32;
const DASH = 45;
const DOT = 46;
const SLASH = 47;
const ZERO = 48;
const NINE = 57;
const COLON = 58;
const CLOSE = 93;

const POW10 = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
const U32_MAX = 0xffffffff;

export function emptyPerfLine(): PerfLine {
  return {
    comm: '',
    pid: 0,
    tid: 0,
    cpu: 0,
    hasCpu: false,
    seconds: 0,
    nanos: 0,
    event: '',
    isRecord: false,
    columns: '',
    fields: 0,
  };
}

/** Parses `text` from `start` to `end` (without the newline). False: it is no such line. */
export function parsePerfLine(text: string, start: number, end: number, line: PerfLine): boolean {
  const { columns } = line;
  if (columns !== '' && text.startsWith(columns, start)) {
    const colon = timeAfter(text, start + columns.length, end, line);
    if (colon !== -1) return eventAfter(text, colon + 2, end, line);
  }
  // A comm may hold a colon: take the first that ends a time stamp with a tid before it.
  for (let colon = text.indexOf(':', start); colon !== -1 && colon < end; colon = text.indexOf(':', colon + 1)) {
    if (!isDigit(text.charCodeAt(colon - 1)) || text.charCodeAt(colon + 1) !== SPACE) continue;
    if (timeBefore(text, start, colon, line) && eventAfter(text, colon + 2, end, line)) return true;
  }
  return false;
}

/** The time between `from` and a colon, whose position it answers; -1: there is none. */
function timeAfter(text: string, from: number, end: number, line: PerfLine): number {
  let at = from;
  while (at < end && text.charCodeAt(at) === SPACE) at++;
  const whole = at;
  let seconds = 0;
  let c = text.charCodeAt(at);
  for (; c >= ZERO && c <= NINE; c = text.charCodeAt(++at)) seconds = seconds * 10 + c - ZERO;
  if (at === whole || at - whole > 9 || c !== DOT) return -1;
  const fraction = ++at;
  let nanos = 0;
  c = text.charCodeAt(at);
  for (; c >= ZERO && c <= NINE; c = text.charCodeAt(++at)) nanos = nanos * 10 + c - ZERO;
  const width = at - fraction;
  if (width === 0 || width > 9 || at + 1 >= end || c !== COLON || text.charCodeAt(at + 1) !== SPACE) return -1;
  line.seconds = seconds;
  line.nanos = nanos * POW10[9 - width]!;
  return at;
}

function timeBefore(text: string, start: number, colon: number, line: PerfLine): boolean {
  let at = colon - 1;
  let nanos = 0;
  let digits = 0;
  for (let c = text.charCodeAt(at); at >= start && isDigit(c) && digits < 10; c = text.charCodeAt(--at))
    nanos += (c - ZERO) * POW10[digits++]!;
  if (digits === 0 || digits > 9 || at < start || text.charCodeAt(at) !== DOT) return false;
  nanos *= POW10[9 - digits]!;
  at--;
  let seconds = 0;
  digits = 0;
  for (let c = text.charCodeAt(at); at >= start && isDigit(c) && digits < 10; c = text.charCodeAt(--at))
    seconds += (c - ZERO) * POW10[digits++]!;
  if (digits === 0 || digits === 10) return false;
  if (at < start || text.charCodeAt(at) !== SPACE) return false;
  at = spacesBefore(text, start, at);
  if (at < start) return false;
  const columnsEnd = at + 2;
  // `-F +misc`: a few letters.
  let c = text.charCodeAt(at);
  if (c !== CLOSE && !isDigit(c)) {
    const word = at;
    while (at >= start && isLetter(text.charCodeAt(at))) at--;
    if (at === word || word - at > 4) return false;
    at = spacesBefore(text, start, at);
    if (at < start) return false;
    c = text.charCodeAt(at);
  }
  let cpu = 0;
  let hasCpu = false;
  if (c === CLOSE) {
    digits = 0;
    at--;
    for (c = text.charCodeAt(at); at >= start && isDigit(c) && digits < 6; c = text.charCodeAt(--at))
      cpu += (c - ZERO) * POW10[digits++]!;
    if (digits === 0 || at <= start || c !== 91 || cpu > 65535) return false;
    hasCpu = true;
    at = spacesBefore(text, start, at - 1);
  }
  const end = at;
  while (at >= start && isDigit(text.charCodeAt(at))) at--;
  if (at >= start && text.charCodeAt(at) === DASH) at--;
  const tid = integer(text, at + 1, end + 1);
  let pid = -1;
  if (at >= start && text.charCodeAt(at) === SLASH) {
    const slash = at--;
    while (at >= start && isDigit(text.charCodeAt(at))) at--;
    if (at >= start && text.charCodeAt(at) === DASH) at--;
    pid = integer(text, at + 1, slash);
  }
  if (Number.isNaN(tid) || Number.isNaN(pid) || (at >= start && text.charCodeAt(at) !== SPACE)) return false;
  at = spacesBefore(text, start, at);
  let comm = start;
  while (comm <= at && text.charCodeAt(comm) === SPACE) comm++;
  // A copy, so that the chunk may go.
  line.columns = Buffer.from(text.slice(start, columnsEnd), 'latin1').toString('latin1');
  line.comm = line.columns.slice(comm - start, at + 1 - start);
  line.pid = pid;
  line.tid = tid;
  line.cpu = cpu;
  line.hasCpu = hasCpu;
  line.seconds = seconds;
  line.nanos = nanos;
  return true;
}

function eventAfter(text: string, from: number, end: number, line: PerfLine): boolean {
  let at = from;
  while (at < end && text.charCodeAt(at) === SPACE) at++;
  if (text.startsWith('PERF_RECORD_', at)) {
    const name = at;
    for (at += 12; at < end; at++) {
      const c = text.charCodeAt(at);
      if (c !== 95 && !isDigit(c) && (c < 65 || c > 90)) break;
    }
    line.event = text.slice(name, at);
    line.isRecord = true;
    line.fields = at;
    return true;
  }
  // The period, if it is printed, and then the name up to a colon before a space.
  let name = at;
  while (at < end && isDigit(text.charCodeAt(at))) at++;
  if (at > name && text.charCodeAt(at) === SPACE) {
    while (at < end && text.charCodeAt(at) === SPACE) at++;
    name = at;
  }
  for (;;) {
    const colon = text.indexOf(':', at);
    if (colon === -1 || colon >= end || colon === name) return false;
    const c = text.charCodeAt(colon + 1);
    if (colon + 1 === end || c === SPACE || c === TAB) {
      line.event = text.slice(name, colon);
      line.isRecord = false;
      line.fields = Math.min(colon + 2, end);
      return true;
    }
    at = colon + 1;
  }
}

/** A decimal integer of at most ten digits, which may be negative; NaN otherwise. */
export function integer(text: string, from: number, end: number): number {
  const negative = text.charCodeAt(from) === DASH;
  const first = negative ? from + 1 : from;
  if (first >= end || end - first > 10) return Number.NaN;
  let value = 0;
  for (let at = first; at < end; at++) {
    const c = text.charCodeAt(at);
    if (!isDigit(c)) return Number.NaN;
    value = value * 10 + c - ZERO;
  }
  if (value > U32_MAX) return Number.NaN;
  return negative ? -value : value;
}

/** Position of the first character from `at` on that is no hexadecimal digit. */
export function hexEnd(text: string, at: number, end: number): number {
  let to = at;
  while (to < end && hexDigit(text.charCodeAt(to)) >= 0) to++;
  return to;
}

/** The hexadecimal number between two positions without its last `drop` digits; NaN where it has none or more than 16. */
export function hex(text: string, from: number, to: number, drop: number): number {
  if (to <= from || to - from > 16) return Number.NaN;
  let value = 0;
  for (let at = from; at < to - drop; at++) {
    const digit = hexDigit(text.charCodeAt(at));
    if (digit < 0) return Number.NaN;
    value = value * 16 + digit;
  }
  return value;
}

function hexDigit(c: number): number {
  if (c >= ZERO && c <= NINE) return c - ZERO;
  const letter = c | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

function spacesBefore(text: string, start: number, from: number): number {
  let at = from;
  while (at >= start && text.charCodeAt(at) === SPACE) at--;
  return at;
}

export function isDigit(c: number): boolean {
  return c >= ZERO && c <= NINE;
}

function isLetter(c: number): boolean {
  return (c | 32) >= 97 && (c | 32) <= 122;
}
