/**
 * One line of ftrace text: `comm-pid (tgid) [cpu] flags ts: event: rest`. Written by hand, by positions in the chunk, because a
 * regular expression per line costs more than everything else that an importer does. The comm may hold spaces, dashes and brackets;
 * the TGID column may be absent; the flags have four characters or five.
 *
 * In *dialects* mode the other forms that the kernel and trace-cmd print are taken too: no flags (`noirq-info`, `trace-cmd report`),
 * the latency format (`comm-pid cpu+flags 123us : event: …`, `trace-cmd report -l`), a time difference after the time stamp, and
 * lines without an event (the function tracers), whose event is then empty.
 */
import { InputError } from './input-error.ts';
import { LineWindow } from './line-window.ts';
import type { LineChunk, LineReader } from './lines.ts';

/** The parsed line. One object is reused for every line of a file. */
export interface FtraceLine {
  comm: string;
  pid: number;
  /** the process of the thread; -1 where the column is absent or unknown to the kernel */
  tgid: number;
  cpu: number;
  /** irqs-off, need-resched, hardirq/softirq, preempt-depth …; empty where the recording has no such column */
  flags: string;
  /** whole seconds of the time stamp */
  seconds: number;
  /** nanoseconds within the second; microsecond captures give multiples of 1000 */
  nanos: number;
  event: string;
  rest: string;
}

/** Where the columns of a line are in their text, and its numbers. Positions are those of the text; the ends are exclusive. */
export interface LineSpans {
  comm: number;
  commEnd: number;
  pid: number;
  tgid: number;
  cpu: number;
  flags: number;
  flagsEnd: number;
  seconds: number;
  nanos: number;
  event: number;
  eventEnd: number;
  rest: number;
  end: number;
}

/** A line that does not parse; the caller knows file and line number. */
export class FtraceSyntaxError extends Error {}

const SPACE = 32;
const DASH = 45;
const DOT = 46;
const ZERO = 48;
const NINE = 57;
const COLON = 58;
const OPEN = 40;
const PLUS = 43;

const POW10 = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

export function emptyLine(): FtraceLine {
  return { comm: '', pid: 0, tgid: -1, cpu: 0, flags: '', seconds: 0, nanos: 0, event: '', rest: '' };
}

export function emptySpans(): LineSpans {
  return {
    comm: 0,
    commEnd: 0,
    pid: 0,
    tgid: -1,
    cpu: 0,
    flags: 0,
    flagsEnd: 0,
    seconds: 0,
    nanos: 0,
    event: 0,
    eventEnd: 0,
    rest: 0,
    end: 0,
  };
}

const SCRATCH = emptySpans();

/**
 * Parses `text` from `start` to `end` (exclusive, without the newline) into `line`.
 * The strings in `line` are views of `text`: use {@link keep} for those that outlive the chunk.
 * Throws FtraceSyntaxError.
 */
export function parseLine(text: string, start: number, end: number, line: FtraceLine): void {
  const reason = parseBracketed(text, start, end, SCRATCH, false);
  if (reason !== null) throw new FtraceSyntaxError(reason);
  read(text, SCRATCH, line);
}

/** Fills `line` from where `spans` says that its columns are in `text`. */
export function read(text: string, spans: LineSpans, line: FtraceLine): void {
  line.comm = text.slice(spans.comm, spans.commEnd);
  line.pid = spans.pid;
  line.tgid = spans.tgid;
  line.cpu = spans.cpu;
  line.flags = text.slice(spans.flags, spans.flagsEnd);
  line.seconds = spans.seconds;
  line.nanos = spans.nanos;
  line.event = text.slice(spans.event, spans.eventEnd);
  line.rest = text.slice(spans.rest, spans.end);
}

/** A form of line of the dialects: with `[cpu]`, or with the CPU joined to the flags. */
export type LineForm = 'bracketed' | 'latency';

/**
 * As {@link parseLine}, for every dialect. `first` is the form to try first: the text of a marker may look like a line of the other
 * form. Answers the form, or throws FtraceSyntaxError.
 */
export function parseDialect(text: string, start: number, end: number, line: LineSpans, first: LineForm): LineForm {
  if (first === 'latency' && parseLatency(text, start, end, line) === null) return 'latency';
  const reason = parseBracketed(text, start, end, line, true);
  if (reason === null) return 'bracketed';
  if (first === 'bracketed' && parseLatency(text, start, end, line) === null) return 'latency';
  throw new FtraceSyntaxError(reason);
}

function parseBracketed(text: string, start: number, end: number, line: LineSpans, dialects: boolean): string | null {
  // A comm may hold "[0]": take the first bracket that has a time stamp after it and a pid before it.
  let reason = 'no [cpu] column';
  for (let open = text.indexOf('[', start); open !== -1 && open < end; open = text.indexOf('[', open + 1)) {
    const problem = parseFrom(text, start, end, open, line, dialects);
    if (problem === null) return null;
    if (reason === 'no [cpu] column' || problem !== 'no [cpu] column') reason = problem;
  }
  return reason;
}

function parseFrom(
  text: string,
  start: number,
  end: number,
  open: number,
  line: LineSpans,
  dialects: boolean,
): string | null {
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
  let tgid = -1;
  if (back >= start && text[back] === ')') {
    const paren = text.lastIndexOf('(', back);
    if (paren <= start) return 'no pid before the (tgid) column';
    tgid = tgidAt(text, paren + 1, back);
    back = skipSpacesBack(text, start, paren - 1);
  }
  const taskProblem = parseTask(text, start, back, line);
  if (taskProblem !== null) return taskProblem;

  // Forwards: flags, seconds.fraction, event.
  at += 2;
  while (at < end && text.charCodeAt(at) === SPACE) at++;
  const flagsStart = at;
  while (at < end && text.charCodeAt(at) !== SPACE) at++;
  let flagsEnd = at;
  if (dialects && isTimeStamp(text, flagsStart, flagsEnd)) {
    at = flagsStart;
    flagsEnd = flagsStart;
  } else if (flagsEnd - flagsStart < 4 || flagsEnd - flagsStart > 8) {
    return 'no flags column (irqs-off, need-resched …)';
  }
  while (at < end && text.charCodeAt(at) === SPACE) at++;
  line.tgid = tgid;
  line.cpu = cpu;
  line.flags = flagsStart;
  line.flagsEnd = flagsEnd;
  return parseTimeAndEvent(text, at, end, line, dialects);
}

/** The latency format: no brackets, the CPU stands before the flags without a space. */
function parseLatency(text: string, start: number, end: number, line: LineSpans): string | null {
  for (let dash = text.indexOf('-', start); dash !== -1 && dash < end; dash = text.indexOf('-', dash + 1)) {
    let at = dash + 1;
    const pidStart = at;
    for (let c = text.charCodeAt(at); at < end && c >= ZERO && c <= NINE; c = text.charCodeAt(++at));
    const pidEnd = at;
    if (pidEnd === pidStart || text.charCodeAt(at) !== SPACE) continue;
    while (at < end && text.charCodeAt(at) === SPACE) at++;
    let cpu = 0;
    const cpuStart = at;
    for (let c = text.charCodeAt(at); at < end && c >= ZERO && c <= NINE; c = text.charCodeAt(++at))
      cpu = cpu * 10 + c - ZERO;
    const flagsStart = at;
    while (at < end && text.charCodeAt(at) !== SPACE) at++;
    const flagsEnd = at;
    if (cpuStart === flagsStart || cpu > 65535 || flagsEnd - flagsStart < 4 || flagsEnd - flagsStart > 8) continue;
    while (at < end && text.charCodeAt(at) === SPACE) at++;
    if (parseTask(text, start, pidEnd - 1, line) !== null) continue;
    line.tgid = -1;
    line.cpu = cpu;
    line.flags = flagsStart;
    line.flagsEnd = flagsEnd;
    if (parseTimeAndEvent(text, at, end, line, true) === null) return null;
  }
  return 'no comm-pid and cpu columns';
}

/** `comm-pid` that ends at `back` (inclusive). */
function parseTask(text: string, start: number, last: number, line: LineSpans): string | null {
  let back = last;
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
  line.comm = comm;
  line.commEnd = back;
  line.pid = pid;
  return null;
}

/** From the time stamp on. */
function parseTimeAndEvent(text: string, from: number, end: number, line: LineSpans, dialects: boolean): string | null {
  let at = from;
  let seconds = 0;
  const secondsStart = at;
  for (let c = text.charCodeAt(at); at < end && c >= ZERO && c <= NINE; c = text.charCodeAt(++at))
    seconds = seconds * 10 + c - ZERO;
  if (dialects && at > secondsStart && at - secondsStart <= 15 && text.startsWith('us', at) && at + 2 < end) {
    // Microseconds since the first line, and a mark of how long the step was.
    line.seconds = Math.floor(seconds / 1e6);
    line.nanos = (seconds % 1e6) * 1000;
    at += 2;
    if (text.charCodeAt(at) !== COLON) at++;
    if (at >= end || text.charCodeAt(at) !== COLON) return 'no time stamp (microseconds)';
  } else {
    if (at === secondsStart || at - secondsStart > 10 || at >= end || text.charCodeAt(at) !== DOT)
      return 'no time stamp (seconds.fraction)';
    const fraction = ++at;
    let nanos = 0;
    for (let c = text.charCodeAt(at); at < end && c >= ZERO && c <= NINE; c = text.charCodeAt(++at))
      nanos = nanos * 10 + c - ZERO;
    const width = at - fraction;
    if (width === 0 || width > 9 || at >= end || text.charCodeAt(at) !== COLON)
      return 'no time stamp (seconds.fraction)';
    line.seconds = seconds;
    line.nanos = nanos * POW10[9 - width]!;
  }

  at++;
  while (at < end && text.charCodeAt(at) === SPACE) at++;
  if (dialects) {
    // trace-cmd report --ts-diff
    if (text.charCodeAt(at) === OPEN && text.charCodeAt(at + 1) === PLUS) {
      const close = text.indexOf(')', at);
      if (close !== -1 && close < end) at = close + 1;
      while (at < end && text.charCodeAt(at) === SPACE) at++;
    }
    const name = at;
    for (let c = text.charCodeAt(at); at < end && isWord(c); c = text.charCodeAt(++at));
    if (at === name || at >= end || text.charCodeAt(at) !== COLON) {
      // `function <-parent`, `<stack trace>`
      line.event = name;
      line.eventEnd = name;
      line.rest = name;
      line.end = end;
      return null;
    }
    line.event = name;
    line.eventEnd = at++;
    while (at < end && text.charCodeAt(at) === SPACE) at++;
    line.rest = at;
    line.end = end;
    return null;
  }
  const colon = text.indexOf(':', at);
  if (colon === -1 || colon >= end || colon === at) return 'no event name';
  line.event = at;
  line.eventEnd = colon;
  line.rest = colon + 1 < end && text.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1;
  line.end = end;
  return null;
}

function isWord(c: number): boolean {
  return (c >= 97 && c <= 122) || c === 95 || (c >= ZERO && c <= NINE) || (c >= 65 && c <= 90);
}

/** `123.456789:` from `start` to `end`: digits, and a colon at the end. */
function isTimeStamp(text: string, start: number, end: number): boolean {
  const c = text.charCodeAt(start);
  return end - start >= 4 && c >= ZERO && c <= NINE && text.charCodeAt(end - 1) === COLON;
}

/** The number of a `(  123)` column, -1 for `(-------)`. */
function tgidAt(text: string, start: number, end: number): number {
  let at = start;
  while (at < end && text.charCodeAt(at) === SPACE) at++;
  let value = 0;
  const first = at;
  for (let c = text.charCodeAt(at); at < end && c >= ZERO && c <= NINE; c = text.charCodeAt(++at))
    value = value * 10 + c - ZERO;
  return at === first || at !== end || value > 0xffffffff ? -1 : value;
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

/**
 * The ring buffer's clock may step back by this much, in ns, when a CPU adjusts it (the kernel then says "Ring buffer clock went
 * backwards"; 0.1 ms was seen). More means that the file is not one recording in its order.
 */
const CLOCK_STEP_NS = 200_000;

/** What lines without an event say of the recording; dialects mode only, else such a line is refused. */
export interface RecorderNotes {
  /** events that the recorder says it dropped, where it says how many */
  lost: number;
  /** places at which it says that events are missing */
  gaps: number;
  /** events written into the buffer and overwritten before the `trace` file was read, from its header */
  overwritten: number;
  /** lost events by the summary that a recorder prints at its end */
  summary: number;
  /** the last line had no end */
  cut: number;
  /** lines that are none, as another program's output in between leaves them, or that lack a field */
  damaged: number;
  /** lines of the function tracers, stack traces, headers of trace-cmd */
  noise: number;
}

/**
 * Walks the event lines of one capture, in step with its chunks. In dialects mode the lines come in the order of time even where the
 * file's CPUs do not: see LineWindow.
 */
export class FtraceCursor {
  readonly reader: LineReader;
  /** the current line: valid until the next one */
  readonly line: FtraceLine = emptyLine();
  /** line number of the current line */
  lineNumber = 0;
  /** event lines parsed so far */
  events = 0;
  /** lines that were a little earlier than the one before of their CPU: taken to be at the same time */
  clockSteps = 0;
  done = false;
  readonly notes: RecorderNotes = { lost: 0, gaps: 0, overwritten: 0, summary: 0, cut: 0, damaged: 0, noise: 0 };
  #form: LineForm = 'bracketed';
  readonly #window: LineWindow | null;
  /** time of each CPU's latest line, while the window is in use */
  readonly #cpuSeconds: number[] = [];
  readonly #cpuNanos: number[] = [];
  /** line number of what was read last */
  #read = 0;
  #ended = false;
  #chunk: LineChunk | null = null;
  #at = 0;

  /** With `dialects`, every form of ftrace text is taken, and lost events are counted instead of refused. */
  constructor(reader: LineReader, dialects = false) {
    this.reader = reader;
    this.#window = dialects ? new LineWindow() : null;
  }

  /**
   * Moves to the next event line. False: either the chunk is used up (call {@link fill}) or the file has ended (`done`).
   * Throws InputError for a line that does not parse and for time that goes backwards.
   */
  advance(): boolean {
    if (this.#window !== null) return this.#advanceWindow(this.#window);
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
      if (end === start || text.charCodeAt(start) === 35) continue;
      const { seconds, nanos } = line;
      try {
        parseLine(text, start, end, line);
      } catch (error) {
        if (error instanceof FtraceSyntaxError) this.#refuse(text.slice(start, end), error.message);
        throw error;
      }
      const step = (line.seconds - seconds) * 1e9 + line.nanos - nanos;
      if (step < 0) {
        if (step < -CLOCK_STEP_NS) throw this.#backwards(line, seconds, nanos);
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

  /** {@link advance} in dialects mode: the earliest line of the window, once that is full or the file is read. */
  #advanceWindow(window: LineWindow): boolean {
    if (!this.#ended && !this.#fillWindow(window)) return false;
    const { line } = this;
    const { seconds, nanos } = line;
    if (!window.shift(SCRATCH)) {
      this.done = this.#ended;
      return false;
    }
    this.lineNumber = window.number;
    if (SCRATCH.seconds < seconds || (SCRATCH.seconds === seconds && SCRATCH.nanos < nanos)) {
      // Later than the window is long.
      if ((SCRATCH.seconds - seconds) * 1e9 + SCRATCH.nanos - nanos < -CLOCK_STEP_NS)
        throw this.#backwards(SCRATCH, seconds, nanos);
      SCRATCH.seconds = seconds;
      SCRATCH.nanos = nanos;
      this.clockSteps++;
    }
    read(window.text, SCRATCH, line);
    this.events++;
    return true;
  }

  /** Reads lines until the window is full: true. False: the chunk is used up. */
  #fillWindow(window: LineWindow): boolean {
    const chunk = this.#chunk;
    while (!window.full) {
      if (chunk === null || this.#at >= chunk.text.length) {
        this.#chunk = null;
        return false;
      }
      const { text } = chunk;
      const start = this.#at;
      let end = text.indexOf('\n', start);
      this.#at = end + 1;
      this.#read++;
      if (end > start && text.charCodeAt(end - 1) === 13) end--;
      if (end === start) continue;
      if (text.charCodeAt(start) === 35) {
        this.#header(text.slice(start, Math.min(end, start + 200)));
        continue;
      }
      try {
        this.#form = parseDialect(text, start, end, SCRATCH, this.#form);
      } catch (error) {
        if (!(error instanceof FtraceSyntaxError)) throw error;
        if (this.#note(text.slice(start, Math.min(end, start + 200)))) continue;
        this.damaged(`not a line of ftrace text: ${error.message}`, this.#read);
        continue;
      }
      this.#checkCpu(SCRATCH);
      window.push(SCRATCH, this.#read, end - start);
    }
    return true;
  }

  /** Each CPU's lines are in order. */
  #checkCpu(line: LineSpans): void {
    const seconds = this.#cpuSeconds[line.cpu];
    if (seconds !== undefined) {
      const nanos = this.#cpuNanos[line.cpu]!;
      const step = (line.seconds - seconds) * 1e9 + line.nanos - nanos;
      if (step < 0) {
        if (step < -CLOCK_STEP_NS) {
          this.lineNumber = this.#read;
          throw this.#backwards(line, seconds, nanos);
        }
        line.seconds = seconds;
        line.nanos = nanos;
        this.clockSteps++;
      }
    }
    this.#cpuSeconds[line.cpu] = line.seconds;
    this.#cpuNanos[line.cpu] = line.nanos;
  }

  /** Reads the next chunk; sets `done` at the end of the file. */
  async fill(): Promise<void> {
    this.#chunk = await this.reader.next();
    this.#at = 0;
    if (this.#chunk !== null) {
      this.#window?.chunk(this.#chunk.text);
      return;
    }
    this.#ended = true;
    // With a window there are lines left to hand out.
    if (this.#window === null) this.done = true;
    this.notes.cut = this.reader.cut ? 1 : 0;
  }

  /**
   * A line is left out because it is damaged. Throws InputError where that is not an accident any more: more than two, and more than
   * one in a thousand.
   */
  damaged(message: string, number = this.lineNumber): void {
    this.notes.damaged++;
    if (this.notes.damaged > 2 + this.events / 1000) throw new InputError(`${this.reader.path}:${number}: ${message}`);
  }

  /** An InputError that names the file and the current line. */
  error(message: string): InputError {
    return new InputError(`${this.reader.path}:${this.lineNumber}: ${message}`);
  }

  #backwards(line: { seconds: number; nanos: number }, seconds: number, nanos: number): InputError {
    return this.error(`time goes backwards: ${time(line.seconds, line.nanos)} after ${time(seconds, nanos)}`);
  }

  /** `# entries-in-buffer/entries-written: 688/37210   #P:2`, and `# latency: 0 us, #688/37210, CPU#0` of the latency format. */
  #header(text: string): void {
    const entries = /^# (?:entries-in-buffer\/entries-written: |latency: \d+ us, #)(\d{1,15})\/(\d{1,15})/.exec(text);
    if (entries !== null) this.notes.overwritten += Math.max(0, Number(entries[2]) - Number(entries[1]));
  }

  /** A line that is no event but known: true. */
  #note(text: string): boolean {
    // The kernel's "CPU:1 [LOST 226 EVENTS]", trace-cmd's "CPU:0 [113 EVENTS DROPPED]"; without a number where that is not known.
    const lost = /^CPU:\d+ \[(?:LOST (?:(\d{1,15}) )?EVENTS|(?:(\d{1,15}) )?EVENTS DROPPED)\]$/.exec(text);
    if (lost !== null) {
      this.notes.gaps++;
      this.notes.lost += Number(lost[1] ?? lost[2] ?? 0);
      return true;
    }
    const summary = /^CPU \d+: (\d{1,15}) events lost$/.exec(text);
    if (summary !== null) {
      this.notes.summary += Number(summary[1]);
      return true;
    }
    const known = /^(?:cpus=\d+|version = \d+|CPU \d+ is empty|\s*=> |\s*\d+\) |\s*-{3,}|\s*\|)/.test(text);
    if (known) this.notes.noise++;
    return known;
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
