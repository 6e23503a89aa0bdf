/**
 * Objects of a cache as page ranges of one file: an id of 64 bits to its first page and its pages. A cache trace has as many objects
 * as it has lines, nearly, so that the table is typed arrays: 20 bytes an object, and 4 for each slot of the hash, which is between
 * 3/8 and 3/4 full. Entries lie in blocks, so that growing copies nothing but slots.
 */

const BLOCK_BITS = 16;
const BLOCK = 1 << BLOCK_BITS;

export class ObjectRanges {
  /** objects seen */
  size = 0;
  /** pages given out: the size of the file */
  pages = 0;
  /** times that an object came back larger, and got a new range */
  grown = 0;
  /** times that an object came back smaller */
  shrunk = 0;
  #slots = new Uint32Array(1 << 12);
  readonly #low: Uint32Array[] = [];
  readonly #high: Uint32Array[] = [];
  readonly #start: Float64Array[] = [];
  readonly #count: Uint32Array[] = [];
  /** Set by {@link access}: first page of the object. */
  start = 0;
  /** Set by {@link access}: the range that the object has given up, because its size changed; no page: `oldCount` is 0. */
  oldStart = 0;
  oldCount = 0;

  /** The object `high`·2^32 + `low` is accessed and has `pages` pages (1 … 2^32 − 1): sets `start`, and what it gave up. */
  access(low: number, high: number, pages: number): void {
    this.oldCount = 0;
    const entry = this.#find(low, high);
    const block = entry >>> BLOCK_BITS;
    const at = entry & (BLOCK - 1);
    const count = this.#count[block]!;
    const starts = this.#start[block]!;
    const before = count[at]!;
    if (before === pages) {
      this.start = starts[at]!;
      return;
    }
    if (pages < before) {
      this.shrunk++;
      this.start = starts[at]!;
      this.oldStart = this.start + pages;
      this.oldCount = before - pages;
    } else {
      if (before > 0) {
        this.grown++;
        this.oldStart = starts[at]!;
        this.oldCount = before;
      }
      this.start = this.pages;
      starts[at] = this.pages;
      this.pages += pages;
    }
    count[at] = pages;
  }

  /** Number of the object's entry, a new one (of 0 pages) where it is seen for the first time. */
  #find(low: number, high: number): number {
    const mask = this.#slots.length - 1;
    let slot = mix(low, high) & mask;
    for (let number = this.#slots[slot]!; number !== 0; slot = (slot + 1) & mask, number = this.#slots[slot]!) {
      const block = (number - 1) >>> BLOCK_BITS;
      const at = (number - 1) & (BLOCK - 1);
      if (this.#low[block]![at] === low && this.#high[block]![at] === high) return number - 1;
    }
    const entry = this.size++;
    const block = entry >>> BLOCK_BITS;
    if (block === this.#low.length) {
      this.#low.push(new Uint32Array(BLOCK));
      this.#high.push(new Uint32Array(BLOCK));
      this.#start.push(new Float64Array(BLOCK));
      this.#count.push(new Uint32Array(BLOCK));
    }
    this.#low[block]![entry & (BLOCK - 1)] = low;
    this.#high[block]![entry & (BLOCK - 1)] = high;
    this.#slots[slot] = entry + 1;
    if (this.size * 4 > this.#slots.length * 3) this.#rehash();
    return entry;
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.size; entry++) {
      const block = entry >>> BLOCK_BITS;
      const at = entry & (BLOCK - 1);
      let slot = mix(this.#low[block]![at]!, this.#high[block]![at]!) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

function mix(low: number, high: number): number {
  let hash = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
