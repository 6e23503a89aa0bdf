/**
 * Nothing is shared (debate row S3d): namespaces give each cgroup a copy of its own of what several use. The first user keeps the object;
 * whoever comes from another cgroup has another one, which his first use of a page fills. Copies are of no mount, whose size was meant for
 * one.
 */
import * as O from '../../../assembly/replay/ops.ts';
import { endsObject, ObjectLives } from './object-lives.ts';
import type { Emit, FreshIds, RewriteRun, TraceRewrite, TraceRow } from './rewrite.ts';
import { isTouch, Whereabouts } from './whereabouts.ts';

export const privateCopies: TraceRewrite = {
  name: 'private-copies',
  summary: 'each cgroup has a copy of its own of what several use',
  options: {},
  begin: (ids) => new PrivateCopies(ids),
};

interface Life {
  /** cgroup → its copy; the first one's is the object itself */
  copies: Map<number, number>;
  /** process → copies that it has used: it may have come from another cgroup */
  used: Map<number, Set<number>>;
}

class PrivateCopies implements RewriteRun {
  readonly #ids: FreshIds;
  #where = new Whereabouts();
  readonly #lives = new ObjectLives<Life>(() => ({ copies: new Map(), used: new Map() }));

  constructor(ids: FreshIds) {
    this.#ids = ids;
  }

  look(row: Readonly<TraceRow>): void {
    this.#where.see(row);
    const toucher = isTouch(row) ? this.#where.toucher(row.task) : null;
    if (toucher !== null) {
      const { copies } = this.#lives.of(row.object);
      if (!copies.has(toucher)) copies.set(toucher, copies.size === 0 ? row.object : 0);
    }
    if (endsObject(row)) this.#lives.end(row.object);
  }

  looked(): void {
    for (const { copies } of this.#lives.all())
      for (const [cgroup, copy] of copies) if (copy === 0) copies.set(cgroup, this.#ids.object());
    this.#lives.again();
    this.#where = new Whereabouts();
  }

  row(row: TraceRow, emit: Emit): void {
    this.#where.see(row);
    const { object } = row;
    switch (row.op) {
      case O.OP_OBJECT_NEW:
        emit(row);
        for (const copy of this.#others(object))
          emit({ ...row, object: copy, cgroup: 0, index: row.index & 0xffffffffn });
        break;
      case O.OP_FILE_ACCESS:
      case O.OP_MLOCK:
      case O.OP_REOPEN:
        emit(object === 0 ? row : { ...row, object: this.#copyOf(row.task, object) });
        break;
      case O.OP_UNMAP:
      case O.OP_MUNLOCK: {
        const used = object === 0 ? undefined : this.#lives.of(object).used.get(this.#where.process(row.task));
        for (const copy of used ?? [object]) emit({ ...row, object: copy });
        break;
      }
      case O.OP_TRUNCATE:
      case O.OP_FILE_DIRTY:
      case O.OP_SYNC:
        if (row.task !== 0 && object !== 0) emit({ ...row, object: this.#copyOf(row.task, object) });
        else this.#all(row, emit);
        break;
      case O.OP_OBJECT_FREE:
        this.#all(row, emit);
        break;
      case O.OP_DOMAIN:
        if (object === 0) emit(row);
        else this.#all(row, emit);
        break;
      default:
        emit(row);
    }
    if (endsObject(row)) this.#lives.end(object);
  }

  /** Copies beside the object itself. */
  #others(object: number): number[] {
    return [...this.#lives.of(object).copies.values()].filter((copy) => copy !== object);
  }

  #all(row: TraceRow, emit: Emit): void {
    emit(row);
    if (row.object !== 0) for (const copy of this.#others(row.object)) emit({ ...row, object: copy });
  }

  #copyOf(task: number, object: number): number {
    const { copies, used } = this.#lives.of(object);
    const toucher = this.#where.toucher(task);
    const copy = (toucher === null ? undefined : copies.get(toucher)) ?? object;
    const process = this.#where.process(task);
    used.set(process, (used.get(process) ?? new Set()).add(copy));
    return copy;
  }
}
