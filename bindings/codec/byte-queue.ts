/** Bytes that come in chunks of any size, taken in pieces of any size. */
import { DamagedError } from './damaged.ts';

export class ByteQueue {
  /** bytes taken so far */
  taken = 0;
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;
  #ended = false;

  constructor(source: AsyncIterator<Uint8Array>) {
    this.#source = source;
  }

  /** Bytes at hand without waiting. */
  get ready(): number {
    return this.#chunk.length - this.#at;
  }

  /** Waits until `bytes` are at hand; false where the input ends before. Holds `bytes` and a chunk at most. */
  async fill(bytes: number): Promise<boolean> {
    if (this.ready >= bytes) return true;
    const parts = [this.#chunk.subarray(this.#at)];
    let length = parts[0]!.length;
    while (length < bytes && !this.#ended) {
      const next = await this.#source.next();
      if (next.done) {
        this.#ended = true;
        break;
      }
      parts.push(next.value);
      length += next.value.length;
    }
    this.#chunk = parts.length === 1 ? parts[0]! : Buffer.concat(parts, length);
    this.#at = 0;
    return length >= bytes;
  }

  /** The next `bytes`, which are a view; throws DamagedError where the input ends before. */
  async take(bytes: number): Promise<Uint8Array> {
    if (this.ready < bytes && !(await this.fill(bytes))) throw new DamagedError('unexpected end', true);
    return this.takeReady(bytes);
  }

  /** As take, of bytes that are at hand. */
  takeReady(bytes: number): Uint8Array {
    const from = this.#at;
    this.#at += bytes;
    this.taken += bytes;
    return this.#chunk.subarray(from, from + bytes);
  }

  async byte(): Promise<number> {
    if (this.ready < 1 && !(await this.fill(1))) throw new DamagedError('unexpected end', true);
    this.taken++;
    return this.#chunk[this.#at++]!;
  }

  /** The next byte without taking it; -1 at the end. */
  async peek(): Promise<number> {
    return this.ready > 0 || (await this.fill(1)) ? this.#chunk[this.#at]! : -1;
  }
}
