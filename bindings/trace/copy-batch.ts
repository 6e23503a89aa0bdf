/** A batch that outlives the next one: a reader uses a batch's memory again. */
import type { TraceBatch } from './arrow-reader.ts';

/** The batch with columns and names of its own. */
export function copyBatch(batch: TraceBatch): TraceBatch {
  const names = Array.from({ length: batch.length }, (_, row) => batch.name(row));
  const named = names.some((name) => name !== null);
  return {
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
  };
}
