/**
 * Texts to dense numbers, by their bytes: what a table calls a task, a cgroup or an object is looked up once a row, and making a
 * string for it would cost more than the rest of the row. Open addressing over typed arrays; the bytes are kept in blocks, so that
 * growing copies numbers only.
 */

/** A block holds at least one text of any length that a line may have. */
const BLOCK_BYTES = 1 << 20;

export class Intern {
  /** texts seen; their numbers are 1 … size */
  size = 0;
  #slots = new Uint32Array(1 << 10);
  #hashes = new Uint32Array(1 << 10);
  /** per number: where its bytes are, as block and offset, and how many */
  #block = new Uint32Array(1 << 10);
  #offset = new Uint32Array(1 << 10);
  #length = new Uint32Array(1 << 10);
  readonly #blocks: Uint8Array[] = [];
  #free = BLOCK_BYTES;

  /** The number of `bytes[start … end)`, a new one where it is seen for the first time (`size` then is that number). */
  of(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashOf(bytes, start, end);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let id = this.#slots[slot]!; id !== 0; slot = (slot + 1) & mask, id = this.#slots[slot]!) {
      if (this.#hashes[id] === hash && this.#same(id, bytes, start, end)) return id;
    }
    return this.#add(slot, hash, bytes, start, end);
  }

  /** The text with this number. */
  text(id: number): string {
    const from = this.#offset[id]!;
    return Buffer.from(this.#blocks[this.#block[id]!]!.subarray(from, from + this.#length[id]!)).toString('utf8');
  }

  #same(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#length[id] !== end - start) return false;
    const block = this.#blocks[this.#block[id]!]!;
    let from = this.#offset[id]!;
    for (let at = start; at < end; at++, from++) if (block[from] !== bytes[at]) return false;
    return true;
  }

  #add(slot: number, hash: number, bytes: Uint8Array, start: number, end: number): number {
    const id = ++this.size;
    if (id === this.#hashes.length) {
      this.#hashes = doubled(this.#hashes);
      this.#block = doubled(this.#block);
      this.#offset = doubled(this.#offset);
      this.#length = doubled(this.#length);
    }
    const length = end - start;
    if (this.#blocks.length === 0 || this.#free + length > BLOCK_BYTES) {
      this.#blocks.push(new Uint8Array(Math.max(BLOCK_BYTES, length)));
      this.#free = 0;
    }
    this.#blocks[this.#blocks.length - 1]!.set(bytes.subarray(start, end), this.#free);
    this.#block[id] = this.#blocks.length - 1;
    this.#offset[id] = this.#free;
    this.#length[id] = length;
    this.#hashes[id] = hash;
    this.#free += length;
    this.#slots[slot] = id;
    if (this.size * 4 > this.#slots.length * 3) this.#rehash();
    return id;
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let id = 1; id <= this.size; id++) {
      let slot = this.#hashes[id]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.#slots = slots;
  }
}

/** FNV-1a with a last mix, since the low bits choose the slot. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

function doubled(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const twice = new Uint32Array(array.length * 2);
  twice.set(array);
  return twice;
}
