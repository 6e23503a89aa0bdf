/**
 * Who takes up a pinned map makes a new one in his own cgroup, copies what is in the old one, has the outer map point to the new one, and
 * frees the old (debate row B5): for a while both are there. Where the new one cannot be made, or not be filled, the old one stays.
 */
import * as O from '../../../assembly/replay/ops.ts';
import { BpfMaps } from './maps.ts';
import type { Emit, FreshIds, RewriteRun, TraceRewrite, TraceRow } from './rewrite.ts';

/** Ops whose object may be a map. */
const NAMES_MAP: ReadonlySet<number> = new Set([
  O.OP_OBJECT_FREE,
  O.OP_MAP_UPDATE,
  O.OP_MAP_DELETE,
  O.OP_REOPEN,
  O.OP_RECHARGE,
]);

export const copy: TraceRewrite = {
  name: 'copy',
  summary: 'a pinned map is copied into a new one by its next user, which takes its place in a map of maps',
  options: {},
  begin: (ids) => new Copy(ids),
};

class Copy implements RewriteRun {
  readonly #ids: FreshIds;
  readonly #maps = new BpfMaps();
  readonly #seen = new Set<number>();
  #copies = 0;
  #fresh: number[] = [];
  /** a map's id → that of the copy that stands in its place */
  readonly #stands = new Map<number, number>();

  constructor(ids: FreshIds) {
    this.#ids = ids;
  }

  look(row: Readonly<TraceRow>): void {
    if (row.op === O.OP_OBJECT_NEW && row.count === O.OBJECT_BPF_MAP) this.#seen.add(row.object);
    if (row.op === O.OP_REOPEN && this.#seen.has(row.object)) this.#copies++;
  }

  looked(): void {
    this.#fresh = Array.from({ length: this.#copies }, () => this.#ids.object());
  }

  row(row: TraceRow, emit: Emit): void {
    const original = row.object;
    this.#maps.note(row);
    if (NAMES_MAP.has(row.op)) row.object = this.#stands.get(original) ?? original;
    if (row.op === O.OP_OBJECT_FREE) this.#stands.delete(original);
    const map = row.op === O.OP_REOPEN ? this.#maps.get(original) : undefined;
    if (map === undefined) {
      emit(row);
      return;
    }
    const { ts, cpu, task } = row;
    const inCall = O.FLAG_IN_CALL;
    const fresh = this.#fresh.pop()!;
    emit({ ...map.made, ts, cpu, task, object: fresh, flags: map.made.flags | inCall });
    for (const element of map.elements.values()) {
      const flags = (element.flags & ~O.FLAG_IRQ) | inCall;
      emit({ ...element, ts, cpu, task, object: fresh, flags, gfp: O.GFP_KERNEL });
    }
    emit({ ...row, op: O.OP_OBJECT_FREE, index: BigInt(fresh), flags: 0 });
    this.#stands.set(original, fresh);
  }
}
