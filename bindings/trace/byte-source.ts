/**
 * The bytes of a file or of stdin, decompressed where its first bytes say that it is compressed: what every importer reads.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { fileError, InputError, messageOf } from './input-error.ts';

export const CHUNK_BYTES = 1 << 18;

export class ByteSource {
  /** the path, or "standard input": how messages name it */
  readonly path: string;
  /** bytes read from the file so far, compressed if it is */
  bytesRead = 0;
  /** size of the file in bytes, 0 where unknown (pipes) */
  readonly bytesTotal: number;
  #source: Readable;
  #chunks: AsyncIterator<Buffer, undefined>;
  /** read ahead by {@link peek}, oldest first */
  #ahead: Buffer[] = [];
  #ended = false;
  #compression: 'gzip' | null = null;

  private constructor(path: string, source: Readable, bytesTotal: number) {
    this.path = path;
    this.#source = source;
    // Whoever reads hears of an error; one after nobody reads any more must not end the process.
    source.on('error', () => {});
    this.bytesTotal = bytesTotal;
    this.#chunks = this.#open();
  }

  /** Opens `path`, or stdin for `-`. Throws InputError where it cannot be read. */
  static async open(path: string): Promise<ByteSource> {
    if (path === '-') return new ByteSource('standard input', process.stdin, 0);
    try {
      const info = await stat(path);
      if (info.isDirectory()) throw new InputError(`${path}: is a directory`);
      const source = createReadStream(path, { highWaterMark: CHUNK_BYTES });
      return new ByteSource(path, source, info.isFile() ? info.size : 0);
    } catch (error) {
      throw error instanceof InputError ? error : fileError(path, error);
    }
  }

  /** The first bytes, `bytes` of them or all there are, without taking them. To be called before {@link next}. */
  async peek(bytes: number): Promise<Buffer> {
    let length = this.#ahead.reduce((sum, chunk) => sum + chunk.length, 0);
    while (length < bytes && !this.#ended) {
      const chunk = await this.#pull();
      if (chunk === null) break;
      this.#ahead.push(chunk);
      length += chunk.length;
    }
    if (this.#ahead.length > 1) this.#ahead = [Buffer.concat(this.#ahead)];
    return (this.#ahead[0] ?? Buffer.alloc(0)).subarray(0, bytes);
  }

  /** The next bytes, never none; null at the end. Throws InputError for a file that is cut or damaged. */
  async next(): Promise<Buffer | null> {
    return this.#ahead.shift() ?? (this.#ended ? null : this.#pull());
  }

  /** Releases the file; safe to call twice. */
  close(): void {
    if (this.path !== 'standard input') this.#source.destroy();
  }

  async #pull(): Promise<Buffer | null> {
    try {
      const { value, done } = await this.#chunks.next();
      if (!done) return value;
      this.#ended = true;
      return null;
    } catch (error) {
      if (this.#compression === null) throw fileError(this.path, error);
      const cut = (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR';
      const { path } = this;
      throw new InputError(cut ? `${path}: the gzip file is cut` : `${path}: damaged gzip file (${messageOf(error)})`);
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
    this.#compression = 'gzip';
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
