/** A set of whole numbers, kept as ranges: blocks of a file that exist. */
export class Ranges {
  /** [from, to) in order, not touching each other */
  #ranges: { from: number; to: number }[] = [];
  #size = 0;

  /** How many numbers it has. */
  get size(): number {
    return this.#size;
  }

  /** The first range that ends behind `at`. */
  #find(at: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ranges[middle]!.to <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  has(at: number): boolean {
    const range = this.#ranges[this.#find(at)];
    return range !== undefined && range.from <= at;
  }

  /** Those of [from, to) that it has. */
  count(from: number, to: number): number {
    let sum = 0;
    for (let i = this.#find(from); i < this.#ranges.length && this.#ranges[i]!.from < to; i++)
      sum += Math.min(to, this.#ranges[i]!.to) - Math.max(from, this.#ranges[i]!.from);
    return sum;
  }

  /** The first number from `from` on that it has not. */
  firstMissing(from: number): number {
    const range = this.#ranges[this.#find(from)];
    return range !== undefined && range.from <= from ? range.to : from;
  }

  /** The least `to` such that [from, to) has `room` + 1 numbers that are missing, or `most`: how far `room` new ones reach. */
  reach(from: number, most: number, room: number): number {
    let left = room;
    let at = this.firstMissing(from);
    while (at < most) {
      const next = this.#ranges[this.#find(at)];
      const gap = Math.min(most, next === undefined ? most : next.from) - at;
      if (gap > left) return at + left;
      left -= gap;
      at = this.firstMissing(at + gap);
    }
    return most;
  }

  /** Adds [from, to); answers how many are new. */
  add(from: number, to: number): number {
    if (from >= to) return 0;
    const added = to - from - this.count(from, to);
    let first = this.#find(from);
    if (first > 0 && this.#ranges[first - 1]!.to === from) first--;
    let last = first;
    const merged = { from, to };
    while (last < this.#ranges.length && this.#ranges[last]!.from <= to) {
      merged.from = Math.min(merged.from, this.#ranges[last]!.from);
      merged.to = Math.max(merged.to, this.#ranges[last]!.to);
      last++;
    }
    this.#ranges.splice(first, last - first, merged);
    this.#size += added;
    return added;
  }

  /** Takes [from, to) away; answers how many it had. */
  remove(from: number, to: number): number {
    const removed = this.count(from, to);
    if (removed === 0) return 0;
    const first = this.#find(from);
    let last = first;
    const rest: { from: number; to: number }[] = [];
    for (; last < this.#ranges.length && this.#ranges[last]!.from < to; last++) {
      const range = this.#ranges[last]!;
      if (range.from < from) rest.push({ from: range.from, to: from });
      if (range.to > to) rest.push({ from: to, to: range.to });
    }
    this.#ranges.splice(first, last - first, ...rest);
    this.#size -= removed;
    return removed;
  }
}
