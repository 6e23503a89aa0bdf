/** A trace that cannot be opened again, kept in memory while it is read for the first time. */
import type { Trace, TraceBatch } from '../arrow-reader.ts';
import type { HighWater } from '../schema.ts';

export class KeptTrace implements Trace {
  readonly path: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly highWater: HighWater | null;
  readonly events: number | null;
  readonly durationNs: number | null;
  readonly #original: Trace;
  readonly #batches: TraceBatch[] = [];

  constructor(original: Trace) {
    this.path = original.path;
    this.metadata = original.metadata;
    this.highWater = original.highWater;
    this.events = original.events;
    this.durationNs = original.durationNs;
    this.#original = original;
  }

  /** A batch is only valid until the next one is asked for: it is copied. */
  keep(batch: TraceBatch): void {
    const names = Array.from({ length: batch.length }, (_, row) => batch.name(row));
    const named = names.some((name) => name !== null);
    this.#batches.push({
      length: batch.length,
      firstRow: batch.firstRow,
      ts: batch.ts.slice(),
      cpu: batch.cpu.slice(),
      op: batch.op.slice(),
      opMap: batch.opMap.slice(),
      task: batch.task.slice(),
      cgroup: batch.cgroup.slice(),
      object: batch.object.slice(),
      index: batch.index.slice(),
      count: batch.count.slice(),
      flags: batch.flags.slice(),
      gfp: batch.gfp.slice(),
      name: named ? (row) => names[row]! : () => null,
    });
  }

  async *batches(): AsyncGenerator<TraceBatch> {
    yield* this.#batches;
  }

  close(): Promise<void> {
    return this.#original.close();
  }
}
