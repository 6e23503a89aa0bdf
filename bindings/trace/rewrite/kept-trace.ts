/** A trace that cannot be opened again, kept in memory while it is read for the first time. */
import type { Trace, TraceBatch } from '../arrow-reader.ts';
import { copyBatch } from '../copy-batch.ts';
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
    this.#batches.push(copyBatch(batch));
  }

  async *batches(): AsyncGenerator<TraceBatch> {
    yield* this.#batches;
  }

  close(): Promise<void> {
    return this.#original.close();
  }
}
