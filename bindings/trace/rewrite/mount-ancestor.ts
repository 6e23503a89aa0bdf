/**
 * memcg= of each mount names the lowest common ancestor of the cgroups that use it (debate rows S2c, S2e): whoever sets up the mount knows
 * who will share it. Where that cgroup is not yet made, or is removed, the nearest one above it that is there.
 */
import * as O from '../../../assembly/replay/ops.ts';
import { ROOT_CGROUP } from '../schema.ts';
import { endsObject, ObjectLives } from './object-lives.ts';
import type { Emit, RewriteRun, TraceRewrite, TraceRow } from './rewrite.ts';
import { isTouch, Whereabouts } from './whereabouts.ts';

export const mountAncestor: TraceRewrite = {
  name: 'mount-ancestor',
  summary: 'memcg= of a mount names the common ancestor of the cgroups that use it',
  options: {},
  begin: () => new MountAncestor(),
};

interface Life {
  /** of a file: the mount that it is of; 0: none */
  mount: Life | null;
  sharers: Set<number>;
}

class MountAncestor implements RewriteRun {
  readonly #where = new Whereabouts();
  readonly #lives = new ObjectLives<Life>(() => ({ mount: null, sharers: new Set() }));
  readonly #parents = new Map<number, number>([[ROOT_CGROUP, 0]]);
  readonly #paths = new Map<number, string>([[ROOT_CGROUP, '/']]);
  /** cgroups that are there, in the second reading */
  readonly #present = new Set<number>([ROOT_CGROUP]);

  look(row: Readonly<TraceRow>): void {
    this.#where.see(row);
    if (row.op === O.OP_MKDIR) {
      this.#parents.set(row.cgroup, row.object);
      this.#paths.set(row.cgroup, row.name ?? `#${row.cgroup}`);
    }
    if (row.op === O.OP_OBJECT_NEW) {
      const mount = Number(row.index >> 32n);
      this.#lives.of(row.object).mount = mount ? this.#lives.of(mount) : null;
    }
    if (isTouch(row)) {
      const toucher = this.#where.toucher(row.task);
      const life = this.#lives.of(row.object);
      if (toucher !== null) (life.mount ?? life).sharers.add(toucher);
    }
    if (endsObject(row)) this.#lives.end(row.object);
  }

  looked(): void {
    this.#lives.again();
  }

  row(row: TraceRow, emit: Emit): void {
    if (row.op === O.OP_MKDIR) this.#present.add(row.cgroup);
    if (row.op === O.OP_RMDIR) this.#present.delete(row.cgroup);
    // Of objects that have a payer of their own (memfd, System V) likewise.
    const named = row.op === O.OP_MOUNT || (row.op === O.OP_OBJECT_NEW && row.cgroup !== 0);
    const target = named ? this.#ancestor(this.#lives.of(row.object).sharers) : 0;
    if (target !== 0) {
      row.cgroup = target;
      if (row.op === O.OP_MOUNT && row.name !== null)
        row.name = `${row.name.replace(/ memcg=\S*$/, '')} memcg=${this.#paths.get(target)}`;
    }
    emit(row);
    if (endsObject(row)) this.#lives.end(row.object);
  }

  #path(cgroup: number): number[] {
    const up: number[] = [];
    for (let at = cgroup; at; at = this.#parents.get(at) ?? 0) up.push(at);
    return up;
  }

  /** 0: nobody uses it. */
  #ancestor(sharers: ReadonlySet<number>): number {
    const [first, ...others] = [...sharers].map((cgroup) => this.#path(cgroup));
    if (first === undefined) return 0;
    return first.find((at) => others.every((path) => path.includes(at)) && this.#present.has(at)) ?? ROOT_CGROUP;
  }
}
