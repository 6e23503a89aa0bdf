/**
 * Puts lines in order of time that a recorder drained CPU by CPU: within a CPU they come in order, between CPUs the order is that in
 * which buffers were emptied. A line waits until the newest is so much later that no buffer can still hold an earlier one, or until
 * too many wait.
 */

interface Lane {
  times: number[];
  texts: string[];
  lines: number[];
  head: number;
}

export class CpuOrder {
  readonly #lanes = new Map<number, Lane>();
  /** lanes with waiting lines, a heap by their first time */
  readonly #heap: Lane[] = [];
  readonly #delay: number;
  readonly #limit: number;
  #newest = Number.NEGATIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;
  waiting = 0;
  /** lines that were earlier than one already given out: they are given out at its time */
  late = 0;
  /** The line that {@link next} has taken out. */
  time = 0;
  text = '';
  line = 0;

  /** Lines wait for `delay` ns, and `limit` of them at most. */
  constructor(delay: number, limit: number) {
    this.#delay = delay;
    this.#limit = limit;
  }

  /** Adds a line of a CPU. Within its CPU a time that goes back a little counts as that of the line before. */
  add(cpu: number, time: number, text: string, line: number): void {
    let lane = this.#lanes.get(cpu);
    if (lane === undefined) {
      lane = { times: [], texts: [], lines: [], head: 0 };
      this.#lanes.set(cpu, lane);
    }
    const { times } = lane;
    const empty = lane.head === times.length;
    times.push(empty ? time : Math.max(time, times[times.length - 1]!));
    lane.texts.push(text);
    lane.lines.push(line);
    if (time > this.#newest) this.#newest = time;
    this.waiting++;
    if (empty) {
      this.#heap.push(lane);
      this.#up(this.#heap.length - 1);
    }
  }

  /** Takes out the earliest line, where it need not wait any longer (or where `all` may go). False: there is none. */
  next(all: boolean): boolean {
    const lane = this.#heap[0];
    if (lane === undefined) return false;
    const { head } = lane;
    const time = lane.times[head]!;
    if (!all && this.waiting <= this.#limit && this.#newest - time < this.#delay) return false;
    this.time = time;
    if (time < this.#last) {
      this.late++;
      this.time = this.#last;
    }
    this.#last = this.time;
    this.text = lane.texts[head]!;
    this.line = lane.lines[head]!;
    lane.texts[head] = '';
    lane.head++;
    this.waiting--;
    if (lane.head === lane.times.length) {
      lane.times = [];
      lane.texts = [];
      lane.lines = [];
      lane.head = 0;
      const last = this.#heap.pop()!;
      if (this.#heap.length > 0) {
        this.#heap[0] = last;
        this.#down();
      }
    } else {
      if (lane.head >= 4096 && lane.head * 2 >= lane.times.length) {
        lane.times = lane.times.slice(lane.head);
        lane.texts = lane.texts.slice(lane.head);
        lane.lines = lane.lines.slice(lane.head);
        lane.head = 0;
      }
      this.#down();
    }
    return true;
  }

  #up(from: number): void {
    const heap = this.#heap;
    for (let at = from; at > 0; ) {
      const above = (at - 1) >> 1;
      if (first(heap[above]!) <= first(heap[at]!)) return;
      [heap[above], heap[at]] = [heap[at]!, heap[above]!];
      at = above;
    }
  }

  #down(): void {
    const heap = this.#heap;
    for (let at = 0; ; ) {
      let least = at;
      for (let child = 2 * at + 1; child <= 2 * at + 2 && child < heap.length; child++)
        if (first(heap[child]!) < first(heap[least]!)) least = child;
      if (least === at) return;
      [heap[least], heap[at]] = [heap[at]!, heap[least]!];
      at = least;
    }
  }
}

function first(lane: Lane): number {
  return lane.times[lane.head]!;
}
