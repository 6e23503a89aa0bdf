/**
 * Puts lines in the order of time. A recorder that reads the per-CPU buffers as they fill (trace_pipe, `trace-cmd stream`) prints each
 * CPU's lines in order, but a whole run of one CPU's may come after later ones of another's. The window holds back so many lines.
 */
import { emptyLine, type FtraceLine } from './ftrace.ts';

/** By lines: `trace-cmd stream` was seen to be late by 2300 of them, 1.5 s. */
const MAX_LINES = 16384;
/** and by text, so that long lines do not fill memory. */
const MAX_BYTES = 1 << 23;
const MASK = MAX_LINES * 2 - 1;

export interface WindowLine extends FtraceLine {
  /** line number in its file */
  number: number;
  bytes: number;
}

export class LineWindow {
  readonly #ring: (WindowLine | undefined)[] = new Array(MASK + 1).fill(undefined);
  #head = 0;
  #tail = 0;
  #bytes = 0;
  readonly #free: WindowLine[] = [];
  /** the line handed out last, free again with the next one */
  #out: WindowLine | null = null;

  /** A line to parse into: give it to {@link push}, or back to {@link discard}. */
  take(): WindowLine {
    return this.#free.pop() ?? { ...emptyLine(), number: 0, bytes: 0 };
  }

  discard(line: WindowLine): void {
    this.#free.push(line);
  }

  /** Adds a line, after those that are not later. */
  push(line: WindowLine): void {
    const ring = this.#ring;
    let at = this.#tail++;
    for (; at > this.#head; at--) {
      const before = ring[(at - 1) & MASK]!;
      if (before.seconds < line.seconds || (before.seconds === line.seconds && before.nanos <= line.nanos)) break;
      ring[at & MASK] = before;
    }
    ring[at & MASK] = line;
    this.#bytes += line.bytes;
  }

  /** No more fits. */
  get full(): boolean {
    return this.#tail - this.#head >= MAX_LINES || this.#bytes >= MAX_BYTES;
  }

  /** The earliest line, out of the window; null: it is empty. Valid until the next call. */
  shift(): WindowLine | null {
    if (this.#out !== null) this.#free.push(this.#out);
    this.#out = null;
    if (this.#head === this.#tail) return null;
    const line = this.#ring[this.#head & MASK]!;
    this.#ring[this.#head++ & MASK] = undefined;
    this.#bytes -= line.bytes;
    this.#out = line;
    return line;
  }
}
