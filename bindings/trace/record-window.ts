/**
 * Records of several CPUs into one order of time, in bounded memory. perf writes buffer after buffer, so that records come in
 * ascending runs; the runs are merged. A record is copied in and handed out where it lies.
 */

/** Takes the record of `size` bytes at `at` of `bytes`, which are the window's own and change after the call. */
export type Deliver = (bytes: Buffer, at: number, size: number, ts: number) => void;

const FIRST_BYTES = 1 << 20;
const FIRST_RECORDS = 1 << 14;

export class RecordWindow {
  readonly #deliver: Deliver;
  readonly #maxBytes: number;
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #used = 0;
  #ts = new Float64Array(FIRST_RECORDS);
  #at = new Uint32Array(FIRST_RECORDS);
  #records = 0;
  /** index of the first record of each run; within a run times ascend */
  #runs: number[] = [];
  /** latest time that came in */
  latest = Number.NEGATIVE_INFINITY;
  /** times that the window was full, so that half of it went out early */
  overflows = 0;

  constructor(maxBytes: number, deliver: Deliver) {
    this.#maxBytes = maxBytes;
    this.#deliver = deliver;
  }

  push(ts: number, bytes: Buffer, at: number, size: number): void {
    if (this.#used + size > this.#maxBytes) {
      this.overflows++;
      this.#drain(Number.POSITIVE_INFINITY, Math.ceil(this.#records / 2));
    }
    if (this.#used + size > this.#bytes.length) this.#growBytes(size);
    const n = this.#records;
    if (n === this.#ts.length) this.#growRecords();
    bytes.copy(this.#bytes, this.#used, at, at + size);
    if (n === 0 || ts < this.#ts[n - 1]!) this.#runs.push(n);
    this.#ts[n] = ts;
    this.#at[n] = this.#used;
    this.#used += size;
    this.#records = n + 1;
    if (ts > this.latest) this.latest = ts;
  }

  /** Hands out what is not later than `limit`, in order of time; at equal times as it came in. */
  flush(limit: number): void {
    if (this.#records > 0) this.#drain(limit, Number.POSITIVE_INFINITY);
  }

  #drain(limit: number, most: number): void {
    const ts = this.#ts;
    const ends = [...this.#runs.slice(1), this.#records];
    const next = this.#runs.slice();
    // A heap of runs by the time of their next record, then by age.
    const heap: number[] = [];
    const before = (a: number, b: number) => {
      const difference = ts[next[a]!]! - ts[next[b]!]!;
      return difference < 0 || (difference === 0 && a < b);
    };
    const sink = (from: number) => {
      let hole = from;
      const run = heap[hole]!;
      for (let child = hole * 2 + 1; child < heap.length; child = hole * 2 + 1) {
        if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
        if (!before(heap[child]!, run)) break;
        heap[hole] = heap[child]!;
        hole = child;
      }
      heap[hole] = run;
    };
    next.forEach((_, run) => {
      heap.push(run);
    });
    for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(i);
    let left = most;
    while (heap.length > 0 && left > 0) {
      const run = heap[0]!;
      const record = next[run]!;
      if (ts[record]! > limit) break;
      const at = this.#at[record]!;
      this.#deliver(this.#bytes, at, this.#endOf(record) - at, ts[record]!);
      left--;
      next[run] = record + 1;
      if (record + 1 === ends[run]) {
        const last = heap.pop()!;
        if (heap.length === 0) break;
        heap[0] = last;
      }
      sink(0);
    }
    this.#keep(next, ends);
  }

  #endOf(record: number): number {
    return record + 1 < this.#records ? this.#at[record + 1]! : this.#used;
  }

  /** Moves what is left to the front; runs stay as they were. */
  #keep(next: readonly number[], ends: readonly number[]): void {
    const runs: number[] = [];
    let records = 0;
    let used = 0;
    for (let run = 0; run < next.length; run++) {
      const from = next[run]!;
      const to = ends[run]!;
      if (from === to) continue;
      const start = this.#at[from]!;
      const end = this.#endOf(to - 1);
      this.#bytes.copyWithin(used, start, end);
      if (records === 0 || this.#ts[from]! < this.#ts[records - 1]!) runs.push(records);
      for (let record = from; record < to; record++, records++) {
        this.#ts[records] = this.#ts[record]!;
        this.#at[records] = this.#at[record]! - start + used;
      }
      used += end - start;
    }
    this.#runs = runs;
    this.#records = records;
    this.#used = used;
  }

  #growBytes(size: number): void {
    let length = this.#bytes.length;
    while (length < this.#used + size) length *= 2;
    const bytes = Buffer.allocUnsafe(length);
    this.#bytes.copy(bytes, 0, 0, this.#used);
    this.#bytes = bytes;
  }

  #growRecords(): void {
    const ts = new Float64Array(this.#ts.length * 2);
    ts.set(this.#ts);
    this.#ts = ts;
    const at = new Uint32Array(this.#at.length * 2);
    at.set(this.#at);
    this.#at = at;
  }
}
