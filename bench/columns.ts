/** Event columns that grow: what a generator appends to and what every peer replays. The widths are those of a trace. */
import { GFP_KERNEL } from '../assembly/replay/ops.ts';
import type { TraceBatch } from '../bindings/trace/arrow-reader.ts';

/** Nanoseconds between two events; no timer is ever armed in the suites, so that any step will do. */
const STEP_NS = 1000;

export class Columns implements TraceBatch {
  length = 0;
  firstRow = 0;
  opMap = Uint8Array.from({ length: 256 }, (_, code) => code);
  ts: BigUint64Array;
  index: BigUint64Array;
  task: Uint32Array;
  cgroup: Uint32Array;
  object: Uint32Array;
  count: Uint32Array;
  flags: Uint32Array;
  cpu: Uint16Array;
  gfp: Uint16Array;
  op: Uint8Array;
  // BigInt stores cost 50 ns each: the u64 columns are filled by halves.
  #ts: Uint32Array;
  #index: Uint32Array;

  constructor(capacity: number) {
    this.ts = new BigUint64Array(capacity);
    this.index = new BigUint64Array(capacity);
    this.task = new Uint32Array(capacity);
    this.cgroup = new Uint32Array(capacity);
    this.object = new Uint32Array(capacity);
    this.count = new Uint32Array(capacity);
    this.flags = new Uint32Array(capacity);
    this.cpu = new Uint16Array(capacity);
    // Every charge may block, as a page fault may: a charge without any reclaim bit would take no batch.
    this.gfp = new Uint16Array(capacity).fill(GFP_KERNEL);
    this.op = new Uint8Array(capacity);
    this.#ts = new Uint32Array(this.ts.buffer);
    this.#index = new Uint32Array(this.index.buffer);
  }

  get room(): number {
    return this.op.length - this.length;
  }

  /** Empties the columns; the next row's time is that of row `first` of the whole. */
  restart(first: number): void {
    this.length = 0;
    this.firstRow = first;
  }

  append(op: number, cpu: number, task: number, cgroup: number, frame: number, count: number, flags: number): void {
    const row = this.length++;
    const ns = (this.firstRow + row + 1) * STEP_NS;
    this.#ts[2 * row] = ns >>> 0;
    this.#ts[2 * row + 1] = Math.floor(ns / 2 ** 32);
    this.#index[2 * row] = frame;
    this.task[row] = task;
    this.cgroup[row] = cgroup;
    this.count[row] = count;
    this.flags[row] = flags;
    this.cpu[row] = cpu;
    this.op[row] = op;
  }

  name(): null {
    return null;
  }

  /** The columns in the order of COL_*, as bytes of the rows that are filled. */
  *bytes(): Generator<Uint8Array> {
    const n = this.length;
    const { ts, index, task, cgroup, object, count, flags, cpu, gfp, op } = this;
    for (const column of [ts, index, task, cgroup, object, count, flags, cpu, gfp, op])
      yield new Uint8Array(column.buffer, 0, n * column.BYTES_PER_ELEMENT);
  }
}
