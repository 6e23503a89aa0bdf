/**
 * Contents of files and devices: bytes of which most may be zeros, kept by page. A page of zeros takes nothing, and what comes from the
 * shared buffer of zeros (devices.ts) is known by its identity: `dd if=/dev/zero` copies nothing.
 */
import { areZeros, zeros } from './devices.ts';
import { PAGE_SIZE } from './vfs.ts';

/** Where bytes are kept. Offsets and counts are whole numbers of bytes, not negative. */
export interface ByteStore {
  /** `count` bytes from `offset` on; what was never written is zeros. Nobody may change them. */
  read(offset: number, count: number): Uint8Array;
  /** The bytes are not kept: the caller may change them later. */
  write(offset: number, bytes: Uint8Array): void;
  /** Zeros from `offset` on, `count` of them (all that follow unless told). */
  clear(offset: number, count?: number): void;
}

export class SparseBytes implements ByteStore {
  readonly #pages = new Map<number, Uint8Array>();

  read(offset: number, count: number): Uint8Array {
    const last = Math.floor((offset + count - 1) / PAGE_SIZE);
    let bytes: Uint8Array | null = null;
    for (let index = Math.floor(offset / PAGE_SIZE); this.#pages.size > 0 && index <= last; index++) {
      const page = this.#pages.get(index);
      if (page === undefined) continue;
      bytes ??= new Uint8Array(count);
      const start = index * PAGE_SIZE;
      const from = Math.max(offset, start);
      const to = Math.min(offset + count, start + PAGE_SIZE);
      bytes.set(page.subarray(from - start, to - start), from - offset);
    }
    return bytes ?? zeros(count);
  }

  write(offset: number, bytes: Uint8Array): void {
    if (areZeros(bytes)) {
      this.clear(offset, bytes.length);
      return;
    }
    for (let done = 0; done < bytes.length; ) {
      const index = Math.floor((offset + done) / PAGE_SIZE);
      const at = offset + done - index * PAGE_SIZE;
      const part = bytes.subarray(done, done + PAGE_SIZE - at);
      let page = this.#pages.get(index);
      if (page === undefined) {
        page = new Uint8Array(PAGE_SIZE);
        this.#pages.set(index, page);
      }
      page.set(part, at);
      done += part.length;
    }
  }

  clear(offset: number, count = Number.POSITIVE_INFINITY): void {
    const end = offset + count;
    const first = Math.floor(offset / PAGE_SIZE);
    const last = Math.floor((end - 1) / PAGE_SIZE);
    if (this.#pages.size === 0 || count <= 0) return;
    const clearIn = (index: number, page: Uint8Array) => {
      const start = index * PAGE_SIZE;
      if (offset <= start && end >= start + PAGE_SIZE) this.#pages.delete(index);
      else page.fill(0, Math.max(0, offset - start), Math.min(PAGE_SIZE, end - start));
    };
    // By what there is less of: pages of the range, or pages at all.
    if (last - first > this.#pages.size) {
      for (const [index, page] of this.#pages) if (index >= first && index <= last) clearIn(index, page);
      return;
    }
    for (let index = first; index <= last; index++) {
      const page = this.#pages.get(index);
      if (page !== undefined) clearIn(index, page);
    }
  }

  /** Pages that are kept because something other than zeros was written there. */
  get kept(): number {
    return this.#pages.size;
  }
}

/** Bytes that are a part of others: of a loop device, those of its backing file from `start` on. */
export class ByteView implements ByteStore {
  readonly #of: ByteStore;
  readonly #start: number;
  readonly #size: number;
  constructor(of: ByteStore, start: number, size: number) {
    this.#of = of;
    this.#start = start;
    this.#size = size;
  }
  read(offset: number, count: number): Uint8Array {
    return this.#of.read(this.#start + offset, count);
  }
  write(offset: number, bytes: Uint8Array): void {
    this.#of.write(this.#start + offset, bytes);
  }
  clear(offset: number, count = this.#size - offset): void {
    this.#of.clear(this.#start + offset, count);
  }
}
