/** Rows that become a batch. Its columns are used again for the next one, as those of a reader are. */
import * as O from '../../../assembly/replay/ops.ts';
import type { TraceBatch } from '../arrow-reader.ts';
import type { TraceRow } from './rewrite.ts';

/** The engine's own codes. */
const OP_MAP = Uint8Array.from({ length: 256 }, (_, code) => (code < O.NR_OPS ? code : 0));

export class RowBatch {
  length = 0;
  #firstRow = 0;
  #lastTs = 0n;
  #columns: Columns;
  #names: (string | null)[] = [];

  constructor(rows: number) {
    this.#columns = columnsOf(rows);
  }

  push(row: Readonly<TraceRow>): void {
    if (row.ts < this.#lastTs) throw new Error(`a rewrite goes back in time: ${row.ts} after ${this.#lastTs}`);
    this.#lastTs = row.ts;
    const i = this.length++;
    if (i === this.#columns.ts.length) this.#columns = grown(this.#columns);
    const columns = this.#columns;
    columns.ts[i] = row.ts;
    columns.cpu[i] = row.cpu;
    columns.op[i] = row.op;
    columns.task[i] = row.task;
    columns.cgroup[i] = row.cgroup;
    columns.object[i] = row.object;
    columns.index[i] = row.index;
    columns.count[i] = row.count;
    columns.flags[i] = row.flags;
    columns.gfp[i] = row.gfp;
    this.#names[i] = row.name;
  }

  /** The rows so far: valid until the next push(). */
  take(): TraceBatch {
    const { length } = this;
    const c = this.#columns;
    const names = this.#names;
    const batch: TraceBatch = {
      length,
      firstRow: this.#firstRow,
      ts: c.ts.subarray(0, length),
      cpu: c.cpu.subarray(0, length),
      op: c.op.subarray(0, length),
      opMap: OP_MAP,
      task: c.task.subarray(0, length),
      cgroup: c.cgroup.subarray(0, length),
      object: c.object.subarray(0, length),
      index: c.index.subarray(0, length),
      count: c.count.subarray(0, length),
      flags: c.flags.subarray(0, length),
      gfp: c.gfp.subarray(0, length),
      name: (row) => names[row]!,
    };
    this.#firstRow += length;
    this.length = 0;
    return batch;
  }
}

function columnsOf(rows: number) {
  return {
    ts: new BigUint64Array(rows),
    cpu: new Uint16Array(rows),
    op: new Uint8Array(rows),
    task: new Uint32Array(rows),
    cgroup: new Uint32Array(rows),
    object: new Uint32Array(rows),
    index: new BigUint64Array(rows),
    count: new Uint32Array(rows),
    flags: new Uint32Array(rows),
    gfp: new Uint16Array(rows),
  };
}

type Columns = ReturnType<typeof columnsOf>;

function grown(columns: Columns): Columns {
  const more = columnsOf(2 * columns.ts.length);
  for (const name of Object.keys(more) as (keyof Columns)[])
    (more[name] as Uint8Array).set(columns[name] as Uint8Array);
  return more;
}
