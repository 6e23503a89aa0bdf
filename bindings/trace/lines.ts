/**
 * Text in chunks of whole lines. A chunk is one latin1 string: one byte per character, so that positions are bytes and decoding is
 * a copy. Callers walk it with indexOf and decode to UTF-8 the few strings that they keep (see `keep` in ftrace.ts).
 */
import type { ByteSource } from './byte-source.ts';
import { InputError } from './input-error.ts';

/** Longer than any line of a recording by far. */
const MAX_LINE_BYTES = 1 << 20;
const NEWLINE = 10;

/** Whole lines: every line of `text` ends with a newline. */
export interface LineChunk {
  text: string;
  /** line number, from 1, of the first line */
  firstLine: number;
}

export class LineReader {
  readonly source: ByteSource;
  /** whole lines handed out so far */
  lines = 0;
  #rest: Buffer[] = [];
  #restBytes = 0;
  readonly #mayBeCut: boolean;
  /** the last line had no end and was left out */
  cut = false;

  /** `mayBeCut`: a last line without an end, as a recorder that was stopped leaves, is left out instead of refused. */
  constructor(source: ByteSource, mayBeCut = false) {
    this.source = source;
    this.#mayBeCut = mayBeCut;
  }

  get path(): string {
    return this.source.path;
  }

  /** The next lines, or null at the end. Throws InputError for a file that is cut or damaged. */
  async next(): Promise<LineChunk | null> {
    for (;;) {
      const value = await this.#pull();
      if (value === null) {
        if (this.#restBytes > 0 && !this.#mayBeCut)
          throw new InputError(
            `${this.path}:${this.lines + 1}: the last line is cut (no newline at the end of the file)`,
          );
        this.cut = this.#restBytes > 0;
        return null;
      }
      const end = value.lastIndexOf(NEWLINE) + 1;
      if (end === 0) {
        this.#rest.push(value);
        this.#restBytes += value.length;
        if (this.#restBytes > MAX_LINE_BYTES)
          throw new InputError(`${this.path}:${this.lines + 1}: not a text file (no end of line within 1 MiB)`);
        continue;
      }
      let text = value.toString('latin1', 0, end);
      if (this.#restBytes > 0) text = Buffer.concat(this.#rest).toString('latin1') + text;
      this.#rest = [];
      this.#restBytes = value.length - end;
      // A copy: a view would keep the whole chunk alive.
      if (this.#restBytes > 0) this.#rest.push(Buffer.from(value.subarray(end)));
      const firstLine = this.lines + 1;
      this.lines += countLines(text);
      return { text, firstLine };
    }
  }

  async #pull(): Promise<Buffer | null> {
    try {
      return await this.source.next();
    } catch (error) {
      throw error instanceof InputError ? new InputError(`${error.message} after line ${this.lines}`) : error;
    }
  }
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
