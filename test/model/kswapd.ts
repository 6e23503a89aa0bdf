/**
 * Reference of the machine's own memory, plainly: the watermarks, and kswapd and direct reclaim (as 6.1 walks) over page cache that is
 * read once by one cgroup, which is a queue. Nothing is shared with the engine.
 */
export interface Watermarks {
  min: number;
  low: number;
  high: number;
}

export function minFreeKbytes(pages: number): number {
  return Math.min(262_144, Math.max(128, Math.floor(Math.sqrt(pages * 4 * 16))));
}

export function watermarks(pages: number, kbytes = minFreeKbytes(pages), scale = 10): Watermarks {
  const min = Math.floor(kbytes / 4);
  const distance = Math.max(Math.floor(min / 4), Math.floor((pages * scale) / 10_000));
  return { min, low: min + distance, high: min + 2 * distance };
}

/** A machine that reads pages which nobody reads again. */
export class Stream {
  free: number;
  cached = 0;
  /** … of these, on the reader's way to the list */
  #waiting = 0;
  scanned = 0;
  runs = 0;
  stalls = 0;
  readonly #marks: Watermarks;
  readonly #batch: number;

  constructor(pages: number, marks: Watermarks, kernel: '6.18' | '6.1') {
    this.free = pages;
    this.#marks = marks;
    this.#batch = kernel === '6.1' ? 15 : 31;
  }

  read(): void {
    if (this.free <= this.#marks.low) while (this.free <= this.#marks.high) this.#balance();
    this.free--;
    this.cached++;
    this.#waiting = (this.#waiting + 1) % this.#batch;
  }

  /** A page that is no page cache, for a task that may wait and does not wake kswapd. */
  allocate(): void {
    while (this.free <= this.#marks.min) this.#direct();
    this.free--;
  }

  /** What is planned of the list. Scanning it puts those there that still waited. */
  #plan(priority: number): number {
    const planned = (this.cached - this.#waiting) >> priority;
    if (planned > 0) this.#waiting = 0;
    return planned;
  }

  /** At least 32 pages; at priority 12 all that is planned of a list, later no more than needed. */
  #direct(): void {
    this.stalls++;
    let total = 0;
    for (let priority = 12; priority >= 0 && total < 32; priority--) {
      const planned = this.#plan(priority);
      let got = 0;
      while (got < planned && (got < 32 || priority === 12)) got += Math.min(32, planned - got);
      total += got;
      this.cached -= got;
    }
    this.free += total;
    this.scanned += total;
  }

  /** One run: from priority 12 on, a list gives its size >> priority, in batches of 32; harder when that was less than wanted. */
  #balance(): void {
    const wanted = Math.max(this.#marks.high, 32);
    this.runs++;
    for (let priority = 12; priority >= 1 && this.free <= this.#marks.high; ) {
      const planned = this.#plan(priority);
      let got = 0;
      while (got < planned && got < wanted) got += Math.min(32, planned - got);
      this.free += got;
      this.cached -= got;
      this.scanned += got;
      if (got < wanted) priority--;
    }
  }
}
