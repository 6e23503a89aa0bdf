/**
 * Every instance runs in the same cgroup (debate row P3): what is made again is not removed before. An instance's figures are then
 * differences against a snapshot, and marks in the trace tell where each begins and ends.
 */
import * as O from '../../../assembly/replay/ops.ts';
import { Instances, instanceMark } from './instances.ts';
import type { Emit, RewriteRun, TraceRewrite, TraceRow } from './rewrite.ts';

export const same: TraceRewrite = {
  name: 'same',
  summary: 'every instance of a service runs in the same cgroup, which is not removed in between',
  options: {},
  begin: () => new Same(),
};

class Same implements RewriteRun {
  readonly #instances = new Instances();
  /** the cgroup that stands for a path */
  readonly #first = new Map<string, number>();
  /** a later life's id → the first one's */
  readonly #stands = new Map<number, number>();

  look(row: Readonly<TraceRow>): void {
    this.#instances.look(row);
  }

  looked(): void {
    this.#instances.looked();
  }

  row(row: TraceRow, emit: Emit): void {
    const { op } = row;
    const life =
      op === O.OP_MKDIR || op === O.OP_RMDIR || op === O.OP_OFFLINE ? this.#instances.life(row.cgroup) : undefined;
    row.cgroup = this.#stands.get(row.cgroup) ?? row.cgroup;
    if (life === undefined || life.of === 1) {
      if (op === O.OP_MKDIR) row.object = this.#stands.get(row.object) ?? row.object;
      emit(row);
      return;
    }
    const service = this.#instances.service(life.path) === life.path;
    const begins = op === O.OP_MKDIR;
    const mark = () => {
      const name = instanceMark({ path: life.path, number: life.number, begins });
      emit({ ...row, op: O.OP_MARK, object: 0, index: 0n, count: 0, flags: 0, gfp: 0, name });
    };
    if (begins) {
      const first = this.#first.get(life.path);
      if (first === undefined) {
        this.#first.set(life.path, row.cgroup);
        row.object = this.#stands.get(row.object) ?? row.object;
        emit(row);
      } else {
        this.#stands.set(row.cgroup, first);
        row.cgroup = first;
      }
      if (service) mark();
      return;
    }
    if (service && op === O.OP_RMDIR) mark();
    if (life.number === life.of) emit(row);
  }
}
