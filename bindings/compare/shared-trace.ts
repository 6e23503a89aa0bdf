/**
 * A trace read once into memory that worker threads share: its columns lie in SharedArrayBuffers, and each worker has a Trace over the same
 * bytes. 41 bytes a row, and the names.
 */
import { RowsSeen } from '../policy/fit.ts';
import type { Trace, TraceBatch } from '../trace/arrow-reader.ts';
import type { HighWater } from '../trace/schema.ts';

interface SharedBatch extends Omit<TraceBatch, 'name'> {
  /** rows that have a name */
  names: [number, string][];
}

/** What a worker is given. */
export interface SharedTrace {
  path: string;
  metadata: [string, string][];
  highWater: HighWater | null;
  events: number;
  durationNs: number;
  batches: SharedBatch[];
  /** what its rows show */
  rows: Pick<RowsSeen, 'ops' | 'hits'>;
}

type Column = Uint8Array | Uint16Array | Uint32Array | BigUint64Array;

function shared<T extends Column>(column: T): T {
  const bytes = new SharedArrayBuffer(column.byteLength);
  const copy = new (column.constructor as new (buffer: SharedArrayBuffer) => T)(bytes);
  // The two types of element are the same.
  (copy as Uint8Array).set(column as Uint8Array);
  return copy;
}

/** Reads a trace to its end. Throws InputError as reading does. */
export async function shareTrace(trace: Trace, progress: (events: number) => void = () => {}): Promise<SharedTrace> {
  const batches: SharedBatch[] = [];
  const rows = new RowsSeen();
  let events = 0;
  for await (const batch of trace.batches()) {
    if (batch.length === 0) continue;
    const names: [number, string][] = [];
    for (let row = 0; row < batch.length; row++) {
      const name = batch.name(row);
      if (name !== null) names.push([row, name]);
    }
    rows.see(batch);
    batches.push({
      length: batch.length,
      firstRow: batch.firstRow,
      ts: shared(batch.ts),
      cpu: shared(batch.cpu),
      op: shared(batch.op),
      opMap: batch.opMap.slice(),
      task: shared(batch.task),
      cgroup: shared(batch.cgroup),
      object: shared(batch.object),
      index: shared(batch.index),
      count: shared(batch.count),
      flags: shared(batch.flags),
      gfp: shared(batch.gfp),
      names,
    });
    events += batch.length;
    progress(events);
  }
  const first = batches[0];
  const last = batches.at(-1);
  return {
    path: trace.path,
    metadata: [...trace.metadata],
    highWater: trace.highWater,
    events,
    durationNs: first && last ? Number(last.ts[last.length - 1]! - first.ts[0]!) : 0,
    batches,
    rows: { ops: rows.ops, hits: rows.hits },
  };
}

/** A trace over the shared columns, to be read as often as wanted. */
export function traceOf(from: SharedTrace): Trace {
  async function* batches(): AsyncGenerator<TraceBatch> {
    for (const { names, ...batch } of from.batches) {
      const byRow = new Map(names);
      yield { ...batch, name: (row) => byRow.get(row) ?? null };
    }
  }
  return {
    path: from.path,
    metadata: new Map(from.metadata),
    highWater: from.highWater,
    events: from.events,
    durationNs: from.durationNs,
    batches,
    close: async () => {},
  };
}
