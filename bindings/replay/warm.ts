/**
 * Warm start of a trace that carries none: the state of a snapshot is set up before the first row, and the trace's own names for
 * cgroups that existed then (`mkdir EXISTING`, by kernel id, else by path) come to mean those that stand already.
 */
import * as O from '../../assembly/replay/ops.ts';
import type { Machine } from '../machine.ts';
import type { TraceBatch } from '../trace/arrow-reader.ts';
import type { Initial } from '../trace/initial.ts';
import { InputError } from '../trace/input-error.ts';
import { ROOT_CGROUP } from '../trace/schema.ts';
import { ownPages, piecesOf } from '../trace/warm-start.ts';

export class WarmReplay {
  readonly #initial: Initial;
  /** kernel id → engine id */
  readonly #byKernelId = new Map<number, number>();
  readonly #byPath = new Map<string, number>();
  /** pid → engine id of its memcg, until the trace shows the task */
  readonly #byPid = new Map<number, number>();
  /** the trace's id → engine id, where they differ */
  readonly #renamed = new Map<number, number>();

  constructor(initial: Initial) {
    this.#initial = initial;
  }

  /** Cgroups that the machine must have room for, beside the trace's own. */
  get cgroups(): number {
    return this.#initial.cgroups.filter(({ path, memory }) => memory && path !== '/').length;
  }

  /**
   * Makes the snapshot's cgroups, at the last ids of the machine, with their limits and what is charged to them. Calls `born` when one
   * stands and `done` when all of it is charged. Throws InputError for amounts that no machine has.
   */
  begin(machine: Machine, born: (id: number) => void, done: (id: number) => void): void {
    const { engine } = machine;
    const { own } = ownPages(this.#initial);
    let next = machine.capacities.cgroups - own.length + 1;
    const check = (status: number, path: string) => {
      if (status !== 0) throw new InputError(`${this.#initial.path}: ${path} cannot be set up (errno ${-status})`);
    };
    this.#byPath.set('/', ROOT_CGROUP);
    for (const { cgroup, pages, bytes } of own) {
      const id = next++;
      const { path } = cgroup;
      const parent = this.#byPath.get(cgroup.parent?.path ?? '/')!;
      check(engine.mkdir(id, parent, BigInt(cgroup.id)), path);
      machine.cgroups.set(id, { path, kernelId: BigInt(cgroup.id), parent });
      born(id);
      for (const [knob, value] of cgroup.knobs) check(engine.writeKnob(id, knob, BigInt(value), 0), path);
      for (const [kind, amount] of bytes)
        for (const piece of piecesOf(amount)) check(engine.warmObject(id, kind, piece), path);
      pages.forEach((count, kind) => {
        if (count > 0) check(engine.warmCharge(id, kind, Math.min(count, 0xffffffff)), path);
      });
      this.#byKernelId.set(cgroup.id, id);
      this.#byPath.set(path, id);
      done(id);
    }
    for (const { path, memory, parent, pids } of this.#initial.cgroups) {
      const id = this.#byPath.get(memory ? path : (parent?.path ?? '/'))!;
      if (id !== ROOT_CGROUP) for (const pid of pids) this.#byPid.set(pid, id);
    }
  }

  /** A batch with the trace's ids replaced. Throws InputError where the trace has a warm start of its own. */
  batch(batch: TraceBatch, path: string): TraceBatch {
    const op = batch.op.slice();
    const cgroup = batch.cgroup.slice();
    const object = batch.object.slice();
    const opMap = batch.opMap.slice();
    // A row that has nothing left to do becomes a mark, by a code that this file may not have.
    let mark = opMap.indexOf(O.OP_MARK);
    if (mark < 0) {
      mark = opMap.indexOf(0);
      opMap[mark] = O.OP_MARK;
    }
    for (let row = 0; row < batch.length; row++) {
      const it = batch.opMap[op[row]!]!;
      if (it === O.OP_INITIAL || (it === O.OP_CHARGE && (batch.flags[row]! & O.FLAG_EXISTING) !== 0))
        throw new InputError(
          `${path}: row ${batch.firstRow + row}: the trace has a warm start of its own; --initial would count it twice`,
        );
      if (it === O.OP_MKDIR) {
        if (this.#existing(batch, row)) op[row] = mark;
        else object[row] = this.#renamed.get(object[row]!) ?? object[row]!;
        continue;
      }
      if (it === O.OP_SPAWN) this.#spawn(batch, row, cgroup);
      else if (it === O.OP_FORK) this.#byPid.delete(Number(batch.index[row]!));
      if (this.#renamed.size > 0) cgroup[row] = this.#renamed.get(cgroup[row]!) ?? cgroup[row]!;
    }
    return { ...batch, op, opMap, cgroup, object, name: (row) => batch.name(row) };
  }

  /** True for the `mkdir` of a cgroup that stands already. */
  #existing(batch: TraceBatch, row: number): boolean {
    if ((batch.flags[row]! & O.FLAG_EXISTING) === 0) {
      this.#renamed.delete(batch.cgroup[row]!);
      return false;
    }
    const id = this.#byKernelId.get(Number(batch.index[row]!)) ?? this.#byPath.get(batch.name(row) ?? '');
    if (id === undefined) return false;
    this.#renamed.set(batch.cgroup[row]!, id);
    return true;
  }

  /** A task from before the recording, of which the trace says nothing: the snapshot knows where it was. */
  #spawn(batch: TraceBatch, row: number, cgroup: Uint32Array): void {
    const pid = Number(batch.index[row]!);
    const id = this.#byPid.get(pid);
    if (id === undefined) return;
    this.#byPid.delete(pid);
    if (cgroup[row]! <= ROOT_CGROUP && (batch.flags[row]! & O.FLAG_KERNEL_THREAD) === 0) cgroup[row] = id;
  }
}
