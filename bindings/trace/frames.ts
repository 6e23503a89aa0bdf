/**
 * What the importer knows of each page frame, and its dense number. Frames are numbered by blocks of 512 (2 MiB), in the order in
 * which blocks are first seen, so that a huge folio stays contiguous; block 0 is left out, because frame 0 means none.
 */
const BLOCK = 512;
const SEEN = 0x80;

/** Dense frame numbers. */
export class FrameNumbers {
  readonly #blocks = new Map<number, number>();
  #lastKey = -1;
  #lastBlock = 0;
  /** highest dense frame number used + 1 */
  highWater = 1;

  /** The dense number of a page frame number. */
  dense(pfn: number): number {
    const key = Math.floor(pfn / BLOCK);
    if (key !== this.#lastKey) {
      let block = this.#blocks.get(key);
      if (block === undefined) {
        block = this.#blocks.size + 1;
        this.#blocks.set(key, block);
        this.reach((block + 1) * BLOCK);
      }
      this.#lastKey = key;
      this.#lastBlock = block;
    }
    return this.#lastBlock * BLOCK + (pfn % BLOCK);
  }

  /** Dense numbers given out so far, by whole blocks. */
  get size(): number {
    return this.#blocks.size * BLOCK;
  }

  /** Counts `frame` and the 2^order frames from it as used. */
  use(frame: number, order: number): void {
    const end = frame + (1 << order);
    if (end > this.highWater) this.highWater = end;
  }

  /** Blocks learned under a wrong base of struct page get their true numbers; those already known by pfn keep theirs. */
  rebase(blocksBefore: ReadonlySet<number>, shiftPfn: number): void {
    for (const key of blocksBefore) {
      const block = this.#blocks.get(key);
      const to = key + shiftPfn / BLOCK;
      if (block !== undefined && !this.#blocks.has(to)) this.#blocks.set(to, block);
    }
    this.#lastKey = -1;
  }

  /** Dense numbers below `end` are about to be used. */
  protected reach(_end: number): void {}
}

/** Frame numbers and what the probes' importer knows of each frame. */
export class FrameTable extends FrameNumbers {
  /** per dense frame: order of its latest allocation | (order of its charge + 1) << 4, 0 = not charged */
  #state = new Uint8Array(64 * BLOCK);
  /** per dense frame: order of its kmem charge + 1 (0 = not charged as kernel memory) | SEEN */
  #kmem = new Uint8Array(64 * BLOCK);

  allocated(frame: number, order: number): void {
    this.#state[frame] = (this.#state[frame]! & 0xf0) | order;
    this.#kmem[frame]! |= SEEN;
  }

  /** An allocation of `frame` was seen, so its order is known. */
  known(frame: number): boolean {
    return (this.#kmem[frame]! & SEEN) !== 0;
  }

  allocOrder(frame: number): number {
    return this.#state[frame]! & 0xf;
  }

  charged(frame: number, order: number): void {
    this.#state[frame] = (this.#state[frame]! & 0xf) | ((order + 1) << 4);
  }

  /** Order of the folio charged at `frame`, -1 if none was seen. */
  chargeOrder(frame: number): number {
    return (this.#state[frame]! >> 4) - 1;
  }

  uncharged(frame: number): void {
    this.#state[frame]! &= 0xf;
  }

  kmemCharged(frame: number, order: number): void {
    this.#kmem[frame] = (this.#kmem[frame]! & SEEN) | (order + 1);
  }

  /** Order of the kernel pages charged at `frame`, -1 if none were seen. */
  kmemOrder(frame: number): number {
    return (this.#kmem[frame]! & ~SEEN) - 1;
  }

  kmemUncharged(frame: number): void {
    this.#kmem[frame]! &= SEEN;
  }

  /** The head of the charged folio that `frame` lies strictly inside of, 0 if there is none. */
  headOver(frame: number): number {
    for (let order = 1; order <= 9; order++) {
      const head = frame - (frame % (1 << order));
      if (head !== frame && (this.#state[head]! >> 4) - 1 >= order) return head;
    }
    return 0;
  }

  /** A charged folio falls apart into single pages, each of them charged. */
  split(head: number, order: number): void {
    for (let frame = head; frame < head + (1 << order); frame++) this.#state[frame] = 1 << 4;
  }

  protected override reach(end: number): void {
    if (end <= this.#state.length) return;
    const size = this.#state.length * 2;
    const state = new Uint8Array(size);
    state.set(this.#state);
    this.#state = state;
    const kmem = new Uint8Array(size);
    kmem.set(this.#kmem);
    this.#kmem = kmem;
  }
}
