/**
 * Instances live under a cgroup that outlives them (debate rows P2, P2a): the service's own path becomes that entity, and each instance a
 * child of it. The entity is made at first use.
 */
import * as O from '../../../assembly/replay/ops.ts';
import { InputError } from '../input-error.ts';
import { Instances, instanceMark } from './instances.ts';
import type { Emit, FreshIds, RewriteOptions, RewriteRun, TraceRewrite, TraceRow } from './rewrite.ts';

export const layered: TraceRewrite = {
  name: 'layered',
  summary: 'instances of a service are children of a cgroup that outlives them',
  options: {
    controller: {
      default: 'instance',
      summary: 'instance: it has a memory controller of its own; entity: it has none, and the entity pays',
    },
    threshold: {
      default: -1,
      summary: 'pages: when the last instance has gone the entity is removed, if no more is left in it; -1: it stays',
    },
  },
  begin: (ids, options) => new Layered(ids, options),
};

/** `index` of an rmdir that asks for no threshold, but may find the cgroup gone already. */
const ANY_LEFT = 1n << 40n;

class Layered implements RewriteRun {
  readonly #ids: FreshIds;
  readonly #instances = new Instances();
  /** service → its entity's id */
  readonly #entities = new Map<string, number>();
  /** the parents of entities that were made: id → entities */
  readonly #under = new Map<number, number[]>();
  /** without a controller of the instance: its id, and those below → the entity's */
  readonly #stands = new Map<number, number>();
  readonly #own: boolean;
  readonly #threshold: number;

  constructor(ids: FreshIds, { controller, threshold }: RewriteOptions) {
    if (controller !== 'instance' && controller !== 'entity')
      throw new InputError(`rewrite layered: controller ${controller}: instance or entity`);
    if (!Number.isInteger(threshold) || Number(threshold) < -1)
      throw new InputError(`rewrite layered: threshold ${threshold}: not a number of pages`);
    this.#ids = ids;
    this.#own = controller === 'instance';
    this.#threshold = Number(threshold);
  }

  look(row: Readonly<TraceRow>): void {
    this.#instances.look(row);
  }

  looked(): void {
    this.#instances.looked();
    for (const service of this.#instances.services) this.#entities.set(service, this.#ids.cgroup());
  }

  row(row: TraceRow, emit: Emit): void {
    const { op } = row;
    if (op === O.OP_RMDIR || op === O.OP_OFFLINE)
      for (const entity of this.#under.get(row.cgroup) ?? []) this.#remove(entity, row, ANY_LEFT, emit);
    const life =
      op === O.OP_MKDIR || op === O.OP_RMDIR || op === O.OP_OFFLINE ? this.#instances.life(row.cgroup) : undefined;
    const service = life === undefined ? null : this.#instances.service(life.path);
    if (life === undefined || service === null) {
      row.cgroup = this.#stands.get(row.cgroup) ?? row.cgroup;
      emit(row);
      return;
    }
    const entity = this.#entities.get(service)!;
    if (service !== life.path) this.#inside(row, service, emit);
    else if (op === O.OP_MKDIR) this.#begins(row, life.path, life.number, entity, emit);
    else {
      if (op === O.OP_RMDIR) this.#mark(row, life.path, life.number, false, emit);
      if (this.#own) emit(row);
      const { op: ends } = row;
      const follows = ends === O.OP_RMDIR && (row.flags & O.FLAG_OFFLINE_FOLLOWS) !== 0;
      if (life.number === life.of && this.#threshold >= 0 && !follows)
        this.#remove(entity, row, BigInt(this.#threshold) + 1n, emit);
    }
  }

  #begins(row: TraceRow, path: string, number: number, entity: number, emit: Emit): void {
    if (number === 1) {
      this.#instances.kernelId++;
      emit({ ...row, cgroup: entity, index: this.#instances.kernelId });
      this.#under.set(row.object, [...(this.#under.get(row.object) ?? []), entity]);
    }
    this.#mark(row, path, number, true, emit);
    if (this.#own) emit({ ...row, object: entity, name: `${path}/instance-${number}` });
    else this.#stands.set(row.cgroup, entity);
  }

  /** A cgroup inside an instance. */
  #inside(row: TraceRow, service: string, emit: Emit): void {
    if (row.op === O.OP_MKDIR) {
      const parent = this.#stands.get(row.object);
      if (parent !== undefined) {
        this.#stands.set(row.cgroup, parent);
        return;
      }
      const number = this.#number(row.object);
      row.name = `${service}/instance-${number}${row.name!.slice(service.length)}`;
      this.#inner.set(row.cgroup, number);
    }
    if (this.#own) emit(row);
  }

  /** number of the instance that a cgroup inside one is of */
  readonly #inner = new Map<number, number>();

  #number(parent: number): number {
    return this.#inner.get(parent) ?? this.#instances.life(parent)!.number;
  }

  #mark(row: TraceRow, path: string, number: number, begins: boolean, emit: Emit): void {
    const cgroup = this.#own ? row.cgroup : this.#entities.get(path)!;
    const name = instanceMark({ path, number, begins });
    emit({ ...row, op: O.OP_MARK, cgroup, object: 0, index: 0n, count: 0, flags: 0, gfp: 0, name });
  }

  #remove(entity: number, row: TraceRow, left: bigint, emit: Emit): void {
    emit({ ...row, op: O.OP_RMDIR, cgroup: entity, object: 0, index: left, count: 0, flags: 0, gfp: 0, name: null });
  }
}
