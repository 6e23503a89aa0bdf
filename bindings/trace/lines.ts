/**
 * Text in chunks of whole lines, from plain or gzip files (told apart by content) or stdin. A chunk is one latin1 string: one
 * byte per character, so that positions are bytes and decoding is a copy. Callers walk it with indexOf and decode to UTF-8 the
 * few strings that they keep (see `keep` in ftrace.ts).
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { fileError, InputError, messageOf } from './input-error.ts';

const CHUNK_BYTES = 1 << 18;
/** Longer than any ftrace line by far; what exceeds it is not a capture. */
const MAX_LINE_BYTES = 1 << 20;
const NEWLINE = 10;

/** Whole lines: every line of `text` ends with a newline. */
export interface LineChunk {
  text: string;
  /** line number, from 1, of the first line */
  firstLine: number;
}

export class LineReader {
  readonly path: string;
  /** bytes read from the file so far, compressed if it is */
  bytesRead = 0;
  /** size of the file in bytes, 0 where unknown (pipes) */
  readonly bytesTotal: number;
  /** whole lines handed out so far */
  lines = 0;
  #source: Readable;
  #chunks: AsyncIterator<Buffer>;
  #rest: Buffer[] = [];
  #restBytes = 0;
  #gzip = false;

  private constructor(path: string, source: Readable, bytesTotal: number) {
    this.path = path;
    this.#source = source;
    this.bytesTotal = bytesTotal;
    this.#chunks = this.#open();
  }

  /** Opens `path`, or stdin for `-`. Throws InputError where it cannot be read. */
  static async open(path: string): Promise<LineReader> {
    if (path === '-') return new LineReader('standard input', process.stdin, 0);
    try {
      const info = await stat(path);
      if (info.isDirectory()) throw new InputError(`${path}: is a directory`);
      const source = createReadStream(path, { highWaterMark: CHUNK_BYTES });
      return new LineReader(path, source, info.isFile() ? info.size : 0);
    } catch (error) {
      throw error instanceof InputError ? error : fileError(path, error);
    }
  }

  /** The next lines, or null at the end. Throws InputError for a file that is cut or damaged. */
  async next(): Promise<LineChunk | null> {
    for (;;) {
      const { value, done } = await this.#pull();
      if (done) {
        if (this.#restBytes > 0)
          throw new InputError(
            `${this.path}:${this.lines + 1}: the last line is cut (no newline at the end of the file)`,
          );
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

  /** Releases the file; safe to call twice. */
  close(): void {
    if (this.path !== 'standard input') this.#source.destroy();
  }

  async #pull(): Promise<IteratorResult<Buffer, undefined>> {
    try {
      return await this.#chunks.next();
    } catch (error) {
      if (this.#gzip) {
        const cut = (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR';
        throw new InputError(
          `${this.path}: ${cut ? 'the gzip file is cut' : `damaged gzip file (${messageOf(error)})`} after line ${this.lines}`,
        );
      }
      throw fileError(this.path, error);
    }
  }

  async *#open(): AsyncGenerator<Buffer, undefined> {
    const raw = this.#raw();
    let head: Buffer = Buffer.alloc(0);
    // Two bytes tell gzip; a pipe may hand them out one by one.
    while (head.length < 2) {
      const first = await raw.next();
      if (first.done) break;
      head = head.length === 0 ? first.value : Buffer.concat([head, first.value]);
    }
    if (head[0] !== 0x1f || head[1] !== 0x8b) {
      if (head.length > 0) yield head;
      yield* raw;
      return undefined;
    }
    this.#gzip = true;
    const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
    const feed = (async () => {
      try {
        for (let bytes = head; ; ) {
          await new Promise<void>((resolve, reject) => {
            gunzip.write(bytes, (error) => (error ? reject(error) : resolve()));
          });
          const next = await raw.next();
          if (next.done) break;
          bytes = next.value;
        }
        gunzip.end();
      } catch (error) {
        gunzip.destroy(error as Error);
      }
    })();
    for await (const bytes of gunzip) yield bytes as Buffer;
    await feed;
    return undefined;
  }

  async *#raw(): AsyncGenerator<Buffer, undefined> {
    for await (const bytes of this.#source) {
      this.bytesRead += (bytes as Buffer).length;
      yield bytes as Buffer;
    }
    return undefined;
  }
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
