/**
 * Reference model of writeback, of order-free sets and one list: which pages of which inode are dirty since when, what the device has in
 * its queue, when the flusher looks. Times are ns. It knows no limits and no thresholds: the rows that are compared stay below them.
 */
export interface Written {
  object: number;
  index: number;
}

const LOOK = 5_000_000_000;
const OLD = 30_000_000_000;

export class Writeback {
  readonly dirty = new Map<number, { since: number; pages: Set<number> }>();
  readonly queue: Written[] = [];
  readonly service: number;
  clock = 0;
  waited = 0;
  #doneAt = 0;
  #flushAt = Number.POSITIVE_INFINITY;

  constructor(service: number) {
    this.service = service;
  }

  /** Time goes on to `now`: what is due is done. */
  advance(now: number): void {
    for (;;) {
      const device = this.queue.length > 0 ? this.#doneAt : Number.POSITIVE_INFINITY;
      const due = Math.min(device, this.#flushAt);
      if (due > now) break;
      this.clock = Math.max(this.clock, due);
      if (this.#flushAt <= due) this.#flush(due);
      else this.#finish();
    }
    this.clock = Math.max(this.clock, now);
  }

  #flush(now: number): void {
    // In the order in which they became dirty: a Map keeps it, and a clean inode is deleted.
    for (const [object, { since }] of [...this.dirty]) if (since + OLD <= now) this.#write(object);
    this.#flushAt = this.dirty.size > 0 ? now + LOOK : Number.POSITIVE_INFINITY;
  }

  isWritten(object: number, index: number): boolean {
    return this.queue.some((write) => write.object === object && write.index === index);
  }

  #write(object: number): void {
    const pages = [...(this.dirty.get(object)?.pages ?? [])].sort((a, b) => a - b);
    for (const index of pages) if (!this.isWritten(object, index)) this.#start(object, index);
  }

  #start(object: number, index: number): void {
    this.clean(object, index);
    if (this.service === 0) return;
    if (this.queue.push({ object, index }) === 1) this.#doneAt = this.clock + this.service;
  }

  #finish(): void {
    this.queue.shift();
    this.#doneAt += this.service;
  }

  /** Somebody waits until a page is written. */
  wait(object: number, index: number): void {
    while (this.isWritten(object, index)) {
      this.waited += Math.max(0, this.#doneAt - this.clock);
      this.clock = Math.max(this.clock, this.#doneAt);
      this.#finish();
    }
  }

  makeDirty(now: number, object: number, index: number): void {
    let inode = this.dirty.get(object);
    if (inode === undefined) {
      inode = { since: now, pages: new Set() };
      this.dirty.set(object, inode);
    }
    inode.pages.add(index);
    if (this.#flushAt === Number.POSITIVE_INFINITY) this.#flushAt = this.clock + LOOK;
  }

  clean(object: number, index: number): void {
    const inode = this.dirty.get(object);
    inode?.pages.delete(index);
    if (inode?.pages.size === 0) this.dirty.delete(object);
  }

  sync(object: number, pages: Iterable<number>): void {
    const sorted = [...pages].sort((a, b) => a - b);
    for (const index of sorted) {
      if (!this.dirty.get(object)?.pages.has(index)) continue;
      this.wait(object, index);
      this.#start(object, index);
    }
    for (const index of sorted) this.wait(object, index);
  }
}
