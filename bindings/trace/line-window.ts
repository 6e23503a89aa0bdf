/**
 * Puts lines in the order of time. A recorder that reads the per-CPU buffers as they fill (trace_pipe, `trace-cmd stream`) prints each
 * CPU's lines in order, but a whole run of one CPU's may come after later ones of another's. The window holds back so many lines, as
 * positions in their chunks: strings and objects would be made old, line after line, by the time they are wanted.
 */
import type { LineSpans } from './ftrace.ts';

/** By lines: `trace-cmd stream` was seen to be late by 2300 of them, 1.5 s. */
const MAX_LINES = 16384;
/** and by text, so that long lines do not fill memory. */
const MAX_BYTES = 1 << 23;
const MASK = MAX_LINES - 1;
/** numbers kept of a line */
const STRIDE = 16;
const SECONDS = 0;
const NANOS = 1;

/** A chunk of text of which lines are in the window. */
interface Held {
  text: string;
  lines: number;
}

export class LineWindow {
  readonly #lines = new Float64Array(MAX_LINES * STRIDE);
  /** slots in the order of time, as a ring */
  readonly #order = new Int32Array(MAX_LINES);
  #head = 0;
  #tail = 0;
  readonly #free = new Int32Array(MAX_LINES);
  #nrFree = MAX_LINES;
  #bytes = 0;
  #held: Held[] = [];
  /** chunks before the first of `#held` */
  #gone = 0;
  /** of the line handed out last: its text and its line number */
  text = '';
  number = 0;

  constructor() {
    for (let i = 0; i < MAX_LINES; i++) this.#free[i] = MAX_LINES - 1 - i;
  }

  /** The lines pushed from now on are in `text`. */
  chunk(text: string): void {
    this.#held.push({ text, lines: 0 });
  }

  /** Adds a line of the latest chunk, after those that are not later. */
  push(spans: LineSpans, number: number, bytes: number): void {
    const lines = this.#lines;
    const slot = this.#free[--this.#nrFree]!;
    const at = slot * STRIDE;
    const { seconds, nanos } = spans;
    lines[at] = seconds;
    lines[at + 1] = nanos;
    lines[at + 2] = spans.comm;
    lines[at + 3] = spans.commEnd;
    lines[at + 4] = spans.pid;
    lines[at + 5] = spans.tgid;
    lines[at + 6] = spans.cpu;
    lines[at + 7] = spans.flags;
    lines[at + 8] = spans.flagsEnd;
    lines[at + 9] = spans.event;
    lines[at + 10] = spans.eventEnd;
    lines[at + 11] = spans.rest;
    lines[at + 12] = spans.end;
    lines[at + 13] = number;
    lines[at + 14] = this.#gone + this.#held.length - 1;
    lines[at + 15] = bytes;
    this.#held[this.#held.length - 1]!.lines++;
    this.#bytes += bytes;
    const order = this.#order;
    let to = this.#tail++;
    for (; to > this.#head; to--) {
      const before = order[(to - 1) & MASK]! * STRIDE;
      const earlier = lines[before + SECONDS]!;
      if (earlier < seconds || (earlier === seconds && lines[before + NANOS]! <= nanos)) break;
      order[to & MASK] = order[(to - 1) & MASK]!;
    }
    order[to & MASK] = slot;
  }

  /** No more fits. */
  get full(): boolean {
    return this.#nrFree === 0 || this.#bytes >= MAX_BYTES;
  }

  /** Takes the earliest line out, into `spans`, `text` and `number`. False: the window is empty. */
  shift(spans: LineSpans): boolean {
    if (this.#head === this.#tail) return false;
    const slot = this.#order[this.#head++ & MASK]!;
    const lines = this.#lines;
    const at = slot * STRIDE;
    spans.seconds = lines[at]!;
    spans.nanos = lines[at + 1]!;
    spans.comm = lines[at + 2]!;
    spans.commEnd = lines[at + 3]!;
    spans.pid = lines[at + 4]!;
    spans.tgid = lines[at + 5]!;
    spans.cpu = lines[at + 6]!;
    spans.flags = lines[at + 7]!;
    spans.flagsEnd = lines[at + 8]!;
    spans.event = lines[at + 9]!;
    spans.eventEnd = lines[at + 10]!;
    spans.rest = lines[at + 11]!;
    spans.end = lines[at + 12]!;
    this.number = lines[at + 13]!;
    const held = this.#held[lines[at + 14]! - this.#gone]!;
    this.#bytes -= lines[at + 15]!;
    this.#free[this.#nrFree++] = slot;
    if (this.text !== held.text) this.text = held.text;
    held.lines--;
    while (this.#held.length > 1 && this.#held[0]!.lines === 0) {
      this.#held.shift();
      this.#gone++;
    }
    return true;
  }
}
