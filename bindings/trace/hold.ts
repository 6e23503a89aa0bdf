/**
 * The way out of an importer: events go to the sink at once, unless one of them still waits for something that a later line tells
 * (a cgroup's path, whether a huge folio was split). Then they queue behind it, so that order and time stay as they were.
 */
import type { TraceSink } from './arrow-writer.ts';

/** An event that waits in the queue. `op` 0 is dropped when its turn comes. */
export interface HeldEvent {
  ts: number;
  cpu: number;
  op: number;
  task: number;
  cgroup: number;
  object: number;
  index: number;
  count: number;
  flags: number;
  gfp: number;
  name: string | null;
  /** the queue stops here until this is false */
  waits: boolean;
  /** called when the queue cannot wait any longer: decide with what is known */
  expire: (() => void) | null;
}

export class HoldQueue {
  readonly #sink: TraceSink;
  readonly #maxNs: number;
  readonly #maxEvents: number;
  #queue: HeldEvent[] = [];
  #head = 0;
  /** events written, by op code */
  readonly written = new Float64Array(256);
  /** the queue's longest */
  longest = 0;

  constructor(sink: TraceSink, maxNs: number, maxEvents: number) {
    this.#sink = sink;
    this.#maxNs = maxNs;
    this.#maxEvents = maxEvents;
  }

  push(
    ts: number,
    cpu: number,
    op: number,
    task: number,
    cgroup: number,
    object: number,
    index: number,
    count: number,
    flags: number,
    gfp: number,
    name: string | null,
  ): void {
    if (this.#queue.length === 0) {
      this.written[op]!++;
      this.#sink.append(ts, cpu, op, task, cgroup, object, index, count, flags, gfp, name);
      return;
    }
    this.hold({ ts, cpu, op, task, cgroup, object, index, count, flags, gfp, name, waits: false, expire: null });
  }

  /** Queues an event that may wait; clear `waits` and call {@link release} once it is decided. */
  hold(event: HeldEvent): HeldEvent {
    this.#queue.push(event);
    const length = this.#queue.length - this.#head;
    if (length > this.longest) this.longest = length;
    if (length > this.#maxEvents) this.#expireFirst();
    return event;
  }

  /** Writes what no longer waits. */
  release(): void {
    const queue = this.#queue;
    let head = this.#head;
    while (head < queue.length) {
      const e = queue[head]!;
      if (e.waits) break;
      head++;
      if (e.op === 0) continue;
      this.written[e.op]!++;
      this.#sink.append(e.ts, e.cpu, e.op, e.task, e.cgroup, e.object, e.index, e.count, e.flags, e.gfp, e.name);
    }
    this.#head = head;
    if (head === queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (head > 65536 && head * 2 > queue.length) {
      this.#queue = queue.slice(head);
      this.#head = 0;
    }
  }

  /** Decides what has waited for too long at trace time `ts`. Cheap when nothing waits. */
  tick(ts: number): void {
    while (this.#queue.length > 0 && ts - this.#queue[this.#head]!.ts > this.#maxNs) this.#expireFirst();
  }

  /** The end of the input: decides everything. */
  finish(): void {
    while (this.#queue.length > 0) this.#expireFirst();
  }

  #expireFirst(): void {
    const first = this.#queue[this.#head]!;
    if (first.waits) {
      first.expire?.();
      first.waits = false;
    }
    this.release();
  }
}
