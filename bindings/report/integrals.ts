/**
 * What is added up while a trace runs, from samples at a fixed interval of its time: each value counts for the time since the sample before
 * it. The figures are therefore exact to one interval. What the machine adds up by itself is read where the trace ends.
 */
import type { Machine } from '../machine.ts';
import type { PolicyFigures } from '../policy/figures.ts';
import { ROOT_CGROUP } from '../trace/schema.ts';
import { lookAtUses, type UseTable } from './uses.ts';

/** Pages of a cgroup that it should not pay for, or that it uses and nobody pays for. Integrated: page-nanoseconds. */
export interface Misplaced {
  dead: number;
  unasked: number;
  unpaid: number;
}

/** What a machine adds up itself, by its clock. */
export type ByClock = Pick<PolicyFigures, 'over_page_ns' | 'deficit_ns'>;

const NONE: Readonly<Misplaced> = { dead: 0, unasked: 0, unpaid: 0 };

export class Integrals {
  #samples = 0;
  #errors = 0;
  readonly #error = new Map<number, number>();
  readonly #sums = new Map<number, Misplaced>();
  #last = new Map<number, Misplaced>();
  #atEnd: Map<number, ByClock> | null = null;

  /** `ns` since the sample before, or since the first row. Answers who used what at this moment. */
  sample(machine: Machine, ns: number): UseTable {
    const uses = lookAtUses(machine);
    this.#samples++;
    this.#last = misplaced(machine, uses);
    for (const id of machine.cgroups.keys()) {
      const error = Math.abs(uses.charged[id]! - uses.share[id]!);
      this.#errors += error;
      this.#error.set(id, (this.#error.get(id) ?? 0) + error);
    }
    this.#add(this.#last, ns);
    return uses;
  }

  /** The last row is done, `ns` after the last sample: what the clock does from here on is no part of the trace. */
  end(machine: Machine, ns: number): void {
    this.#add(misplaced(machine, lookAtUses(machine)), ns);
    this.#atEnd = new Map([...machine.cgroups.keys()].map((id) => [id, machine.policyFigures(id)]));
  }

  #add(misplaced: ReadonlyMap<number, Misplaced>, ns: number): void {
    for (const [id, now] of misplaced) {
      const sum = this.#sums.get(id) ?? { ...NONE };
      sum.dead += now.dead * ns;
      sum.unasked += now.unasked * ns;
      sum.unpaid += now.unpaid * ns;
      this.#sums.set(id, sum);
    }
  }

  /** Time above limits and in deficit, up to end() where that was called, else until now (`figures`). */
  byClock(cgroup: number, figures: PolicyFigures): ByClock {
    return this.#atEnd?.get(cgroup) ?? figures;
  }

  /** Mean distance of what a cgroup itself is charged from its share, pages. */
  meanError(cgroup: number): number {
    return this.#samples === 0 ? 0 : (this.#error.get(cgroup) ?? 0) / this.#samples;
  }

  /** … and of all of them together. */
  get meanErrors(): number {
    return this.#samples === 0 ? 0 : this.#errors / this.#samples;
  }

  sums(cgroup: number): Misplaced {
    return this.#sums.get(cgroup) ?? NONE;
  }

  /** As it was at the last sample, pages. */
  last(cgroup: number): Misplaced {
    return this.#last.get(cgroup) ?? NONE;
  }
}

/** Only cgroups that have any. */
function misplaced(machine: Machine, uses: UseTable): Map<number, Misplaced> {
  const found = new Map<number, Misplaced>();
  // What is charged to a cgroup itself: its counter without its children's.
  const own = new Map<number, number>();
  for (const id of machine.cgroups.keys()) own.set(id, machine.usage(id));
  for (const [id, { parent }] of machine.cgroups)
    if (own.has(parent)) own.set(parent, own.get(parent)! - machine.usage(id));
  for (const id of machine.cgroups.keys()) {
    const unpaid = uses.unpaid[id]!;
    if (id === ROOT_CGROUP) {
      // What dead cgroups left to the root is paid by nobody.
      if (unpaid + uses.inherited[id]! > 0) found.set(id, { ...NONE, unpaid: unpaid + uses.inherited[id]! });
      continue;
    }
    const dead = machine.isRemoved(id) ? Math.max(0, own.get(id)!) : 0;
    const unasked = machine.isRemoved(id) ? 0 : uses.unasked[id]! + uses.inherited[id]!;
    if (dead + unasked + unpaid > 0) found.set(id, { dead, unasked, unpaid });
  }
  return found;
}
