/**
 * The bytes of a file or of stdin, decompressed where its first bytes say that it is compressed (gzip, xz, zstd): what every
 * importer reads.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ByteQueue } from '../codec/byte-queue.ts';
import { DamagedError } from '../codec/damaged.ts';
import { unxz, XZ_MAGIC } from '../codec/xz.ts';
import { unzstd } from '../codec/zstd-decoder.ts';
import { SKIPPABLE_MAGIC, ZSTD_MAGIC } from '../codec/zstd-format.ts';
import { fileError, InputError, messageOf } from './input-error.ts';

export const CHUNK_BYTES = 1 << 18;

type Compression = 'gzip' | 'xz' | 'zstd';

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
  #compression: Compression | null = null;

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
      this.#ended = true;
      const compression = this.#compression;
      const { code } = error as NodeJS.ErrnoException;
      const decoding = error instanceof DamagedError || code?.startsWith('Z_') === true;
      if (compression === null || !decoding) throw error instanceof InputError ? error : fileError(this.path, error);
      const cut = code === 'Z_BUF_ERROR' || (error instanceof DamagedError && error.cut);
      throw new InputError(
        cut
          ? `${this.path}: the ${compression} file is cut`
          : `${this.path}: damaged ${compression} file (${messageOf(error)})`,
      );
    }
  }

  async *#open(): AsyncGenerator<Buffer, undefined> {
    const raw = this.#raw();
    let head: Buffer = Buffer.alloc(0);
    // A pipe may hand the first bytes out one by one.
    while (head.length < XZ_MAGIC.length) {
      const first = await raw.next();
      if (first.done) break;
      head = head.length === 0 ? first.value : Buffer.concat([head, first.value]);
    }
    this.#compression = compressionOf(head);
    switch (this.#compression) {
      case null:
        if (head.length > 0) yield head;
        yield* raw;
        return undefined;
      case 'gzip':
        yield* gunzip(head, raw);
        return undefined;
      case 'xz':
        yield* unxz(new ByteQueue(following(head, raw)));
        return undefined;
      case 'zstd':
        yield* unzstd(new ByteQueue(following(head, raw)));
        return undefined;
    }
  }

  async *#raw(): AsyncGenerator<Buffer, undefined> {
    for await (const bytes of this.#source) {
      this.bytesRead += (bytes as Buffer).length;
      yield bytes as Buffer;
    }
    return undefined;
  }
}

/** What the first bytes of a file say. Six of them tell. */
function compressionOf(head: Buffer): Compression | null {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head.subarray(0, XZ_MAGIC.length).equals(XZ_MAGIC)) return 'xz';
  if (head.length < 4) return null;
  const magic = head.readUInt32LE(0);
  // A zstd file may begin with frames to skip.
  return magic === ZSTD_MAGIC || (magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC ? 'zstd' : null;
}

async function* following(head: Buffer, raw: AsyncGenerator<Buffer, undefined>): AsyncGenerator<Buffer, undefined> {
  yield head;
  yield* raw;
  return undefined;
}

async function* gunzip(head: Buffer, raw: AsyncGenerator<Buffer, undefined>): AsyncGenerator<Buffer, undefined> {
  const decoder = createGunzip({ chunkSize: CHUNK_BYTES });
  const feed = (async () => {
    try {
      for (let bytes = head; ; ) {
        await new Promise<void>((resolve, reject) => {
          decoder.write(bytes, (error) => (error ? reject(error) : resolve()));
        });
        const next = await raw.next();
        if (next.done) break;
        bytes = next.value;
      }
      decoder.end();
    } catch (error) {
      decoder.destroy(error as Error);
    }
  })();
  for await (const bytes of decoder) yield bytes as Buffer;
  await feed;
  return undefined;
}
