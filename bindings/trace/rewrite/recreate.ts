/**
 * Who takes up a pinned map frees it and makes it anew (debate row B8): the bill is right, the contents are lost.
 */
import * as O from '../../../assembly/replay/ops.ts';
import { BpfMaps } from './maps.ts';
import type { Emit, RewriteRun, TraceRewrite, TraceRow } from './rewrite.ts';

export const recreate: TraceRewrite = {
  name: 'recreate',
  summary: 'a pinned map is freed and made anew by its next user',
  options: {},
  begin: () => new Recreate(),
};

class Recreate implements RewriteRun {
  readonly #maps = new BpfMaps();

  row(row: TraceRow, emit: Emit): void {
    this.#maps.note(row);
    const map = row.op === O.OP_REOPEN ? this.#maps.get(row.object) : undefined;
    if (map === undefined) {
      emit(row);
      return;
    }
    const { ts, cpu, task, object } = row;
    emit({ ...row, op: O.OP_OBJECT_FREE, index: BigInt(object), flags: O.FLAG_IN_CALL });
    emit({ ...map.made, ts, cpu, task });
    map.elements.clear();
  }
}
