/** Random numbers that are the same for the same seed, wherever and whenever a scenario is made. */

/** mulberry32: 32 bits of state, enough for a workload. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number in [0, n). */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  /** A whole number in [0, n), small ones more often: half of all draws are in the first eighth. */
  skewed(n: number): number {
    return Math.floor(this.next() ** 3 * n);
  }

  /** Waiting times of events that come `mean` apart on average. */
  gap(mean: number): number {
    return 1 + Math.floor(-Math.log(1 - this.next()) * mean);
  }
}
