/** The eight questions of the debates, answered from a machine at its end and from what was added up while it ran. One function each. */
import type { Machine } from '../machine.ts';
import type { PolicyFigures } from '../policy/figures.ts';
import { CONTEXTS, type Context } from '../policy/policy.ts';
import { PAGE_SIZE, ROOT_CGROUP } from '../trace/schema.ts';
import type {
  Attribution,
  AttributionTotal,
  Determinism,
  DeterminismTotal,
  Innocents,
  Movement,
  MovementTotal,
  Overrun,
  Questions,
  QuestionTotals,
  Refusals,
  Stranded,
  Work,
  WorkTotal,
} from './compare-result.ts';
import type { ByClock, Integrals } from './integrals.ts';
import { innocentsOf, type UseTable } from './uses.ts';

/** What the answers are made of. */
export interface Evidence {
  machine: Machine;
  /** at the end */
  uses: UseTable;
  integrals: Integrals;
  /** bills nobody: each pays its proportional share, whatever the machine charged */
  oracle: boolean;
}

const bytes = (pages: number) => Math.round(pages * PAGE_SIZE);
const NS = 1e-9;

/** Sums of a table over each cgroup and those below it. */
export function subtreeSums(machine: Machine, own: Float64Array): Float64Array {
  const sums = own.slice();
  const parentOf = (cgroup: number) => machine.cgroups.get(cgroup)?.parent ?? 0;
  for (const id of machine.cgroups.keys())
    for (let above = parentOf(id); above !== 0; above = parentOf(above)) sums[above]! += own[id]!;
  return sums;
}

/** 1. How far the charge is from the proportional share. */
export function attribution({ machine, uses, integrals, oracle }: Evidence): (cgroup: number) => Attribution {
  const own = oracle ? uses.share : uses.charged;
  const charged = subtreeSums(machine, own);
  const shares = subtreeSums(machine, uses.share);
  return (cgroup) => ({
    charged: bytes(charged[cgroup]!),
    proportional: bytes(shares[cgroup]!),
    difference: bytes(charged[cgroup]!) - bytes(shares[cgroup]!),
    own_charged: bytes(own[cgroup]!),
    own_proportional: bytes(uses.share[cgroup]!),
    error: bytes(Math.abs(own[cgroup]! - uses.share[cgroup]!)),
    mean_error: oracle ? 0 : bytes(integrals.meanError(cgroup)),
  });
}

/** 2. How much memory.current varies with the order in which the jobs start: the values of the permutations. */
export function determinism(values: readonly number[], exhaustive: boolean): Determinism {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const min = Math.min(...values);
  const max = Math.max(...values);
  const variance = n > 1 ? values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1) : 0;
  // Where all orders there are were run, the mean is no estimate.
  const half = exhaustive || n < 2 ? 0 : studentT(n - 1) * Math.sqrt(variance / n);
  return { permutations: n, min, max, spread: max - min, mean, ci95: [mean - half, mean + half] };
}

/** Two-sided 95 % quantile of Student's t: exact to three decimals up to 30 degrees of freedom, then Cornish and Fisher's series. */
export function studentT(degrees: number): number {
  const table = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
    2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
  ];
  if (degrees <= table.length) return table[degrees - 1]!;
  const z = 1.959964;
  return z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2);
}

/** 3. Kills and errors that hit a cgroup which, by its own use, was below its limit. */
export function innocents({ machine }: Evidence, cgroup: number): Innocents {
  return innocentsOf(machine, cgroup);
}

/** 4. How far above memory.max, how long, and why. */
export function overrun(figures: PolicyFigures, { over_page_ns, deficit_ns }: ByClock): Overrun {
  return {
    peak: bytes(figures.over_max_peak),
    now: bytes(figures.over),
    byte_s: over_page_ns * PAGE_SIZE * NS,
    force_charge: figures.force_charge,
    forced: mapValues(figures.forced, bytes),
    deficit_peak: bytes(figures.deficit_peak),
    deficit_ns,
  };
}

/** Bytes that are not rounded yet: thirds add up. */
type Unrounded = Stranded;

/** 5. What is charged to dead cgroups, or to one that did not use it and was not chosen; what is used and charged to nobody. */
function unrounded({ integrals, machine, oracle }: Evidence, cgroup: number): Unrounded {
  // The oracle's machine charges nobody, so that no limit strikes; its bill has everything.
  if (oracle)
    return { dead: 0, dead_byte_s: 0, unasked: 0, unasked_byte_s: 0, unpaid: 0, unpaid_byte_s: 0, unclaimed: 0 };
  const last = integrals.last(cgroup);
  const sums = integrals.sums(cgroup);
  return {
    dead: last.dead * PAGE_SIZE,
    dead_byte_s: sums.dead * PAGE_SIZE * NS,
    unasked: last.unasked * PAGE_SIZE,
    unasked_byte_s: sums.unasked * PAGE_SIZE * NS,
    unpaid: last.unpaid * PAGE_SIZE,
    unpaid_byte_s: sums.unpaid * PAGE_SIZE * NS,
    unclaimed: machine.policyFigures(cgroup).unclaimed_bytes,
  };
}

function stranded(of: Unrounded): Stranded {
  return { ...of, dead: Math.round(of.dead), unasked: Math.round(of.unasked), unpaid: Math.round(of.unpaid) };
}

/** 6. Pages that changed their payer. */
export function movement(figures: PolicyFigures): Movement {
  const { moved_in, moved_out, recharged_in, recharged_out, released, unclaimed_bytes } = figures;
  return { moved_in, moved_out, recharged_in, recharged_out, released, unclaimed: unclaimed_bytes };
}

/** 7. The work that it took. */
export function pressure({ machine }: Evidence, cgroup: number, figures: PolicyFigures): Work {
  const stat = machine.memoryStat(cgroup);
  const sum = (...names: string[]) => names.reduce((total, name) => total + (stat[name] ?? 0), 0);
  return {
    scanned: sum('pgscan_kswapd', 'pgscan_direct', 'pgscan_khugepaged', 'pgscan_proactive'),
    reclaimed: sum('pgsteal_kswapd', 'pgsteal_direct', 'pgsteal_khugepaged', 'pgsteal_proactive'),
    refaulted: sum('workingset_refault_anon', 'workingset_refault_file'),
    scans_elsewhere: figures.scans_elsewhere,
    throttled_ns: machine.residency === 'modelled' ? machine.throttledNs(cgroup) : 0,
    queued_ns: figures.queued_ns,
    wakes: figures.wakes,
    wakes_wasted: figures.wakes_wasted,
    io_read_bytes: figures.io_read_bytes,
    io_written_bytes: figures.io_written_bytes,
  };
}

/** 8. Charges that ended in an error, by where they were made. */
export function refusals(figures: PolicyFigures): Refusals {
  const { enomem, enospc, edquot, sigbus, restarts } = figures;
  return { enomem, enospc, edquot, sigbus, restarts };
}

/** Answers all questions, for every cgroup but the root and in total. */
export function answers(
  evidence: Evidence,
  ofShuffle: (cgroup: number) => Determinism | null,
): { cgroups: Map<number, Questions>; totals: QuestionTotals } {
  const { machine, uses, integrals, oracle } = evidence;
  const attributionOf = attribution(evidence);
  const cgroups = new Map<number, Questions>();
  let root: Questions | null = null;
  for (const id of machine.cgroups.keys()) {
    const figures = machine.policyFigures(id);
    const all: Questions = {
      attribution: attributionOf(id),
      determinism: id === ROOT_CGROUP ? null : ofShuffle(id),
      innocents: innocents(evidence, id),
      overrun: overrun(figures, integrals.byClock(id, figures)),
      stranded: stranded(unrounded(evidence, id)),
      movement: movement(figures),
      pressure: pressure(evidence, id, figures),
      refusals: refusals(figures),
    };
    if (id === ROOT_CGROUP) root = all;
    else cgroups.set(id, all);
  }
  const all = [...cgroups.values()];
  const everywhere = [root!, ...all];
  const totals: QuestionTotals = {
    attribution: attributionTotal(root!, uses, integrals, oracle),
    determinism: determinismTotal(all),
    innocents: sumOf(everywhere.map((q) => q.innocents)),
    // Levels overlap: the highest of all is the highest anywhere, and sums would count a page once a level.
    overrun: overrunTotal(everywhere.map((q) => q.overrun)),
    stranded: stranded(sumOf([...machine.cgroups.keys()].map((id) => unrounded(evidence, id)))),
    movement: movementTotal(machine, all),
    pressure: workTotal(machine, root!, all),
    refusals: refusalsTotal(everywhere.map((q) => q.refusals)),
  };
  return { cgroups, totals };
}

function attributionTotal(root: Questions, uses: UseTable, integrals: Integrals, oracle: boolean): AttributionTotal {
  const { charged, proportional } = root.attribution;
  const error = uses.charged.reduce((sum, pages, id) => sum + Math.abs(pages - uses.share[id]!), 0);
  return {
    charged,
    proportional,
    error: oracle ? 0 : bytes(error),
    mean_error: oracle ? 0 : bytes(integrals.meanErrors),
  };
}

function determinismTotal(all: readonly Questions[]): DeterminismTotal | null {
  const known = all.flatMap(({ determinism: it }) => (it === null ? [] : [it]));
  if (known.length === 0) return null;
  const spreads = known.map((it) => it.spread);
  return {
    permutations: Math.max(...known.map((it) => it.permutations)),
    worst_spread: Math.max(...spreads),
    sum_spread: spreads.reduce((sum, spread) => sum + spread, 0),
  };
}

function overrunTotal(all: readonly Overrun[]): Overrun {
  const most = (pick: (it: Overrun) => number) => Math.max(0, ...all.map(pick));
  const sum = (pick: (it: Overrun) => number) => all.reduce((total, it) => total + pick(it), 0);
  return {
    peak: most((it) => it.peak),
    now: most((it) => it.now),
    byte_s: most((it) => it.byte_s),
    force_charge: sum((it) => it.force_charge),
    forced: sumOf(all.map((it) => it.forced)),
    deficit_peak: most((it) => it.deficit_peak),
    deficit_ns: sum((it) => it.deficit_ns),
  };
}

function movementTotal(machine: Machine, all: readonly Questions[]): MovementTotal {
  const { moved, recharged, released, rolled_back, counter_operations, slow_path, lost_entries } =
    machine.policyCounts();
  const unclaimed = all.reduce((sum, q) => sum + q.movement.unclaimed, 0);
  return { moved, recharged, released, unclaimed, rolled_back, counter_operations, slow_path, lost_entries };
}

function workTotal(machine: Machine, root: Questions, all: readonly Questions[]): WorkTotal {
  const { workers_peak, workers_made, deadlocks, skipped_victims, queued_ns, wakes, wakes_wasted } =
    machine.policyCounts();
  const { scanned, reclaimed, refaulted } = root.pressure;
  const own = [root, ...all].map((q) => q.pressure);
  const sum = (pick: (it: Work) => number) => own.reduce((total, it) => total + pick(it), 0);
  return {
    scanned,
    reclaimed,
    refaulted,
    scans_elsewhere: sum((it) => it.scans_elsewhere),
    throttled_ns: sum((it) => it.throttled_ns),
    queued_ns,
    wakes,
    wakes_wasted,
    io_read_bytes: sum((it) => it.io_read_bytes),
    io_written_bytes: sum((it) => it.io_written_bytes),
    workers_peak,
    workers_made,
    deadlocks,
    skipped_victims,
  };
}

function refusalsTotal(all: readonly Refusals[]): Refusals {
  const { enospc, edquot, sigbus, restarts } = sumOf(
    all.map(({ enospc, edquot, sigbus, restarts }) => ({ enospc, edquot, sigbus, restarts })),
  );
  const enomem = sumOf(all.map((it) => it.enomem)) as Record<Context, number>;
  for (const context of CONTEXTS) enomem[context] ??= 0;
  return { enomem, enospc, edquot, sigbus, restarts };
}

function sumOf<T extends object>(all: readonly T[]): T {
  const sum = {} as Record<string, number>;
  for (const each of all)
    for (const [key, value] of Object.entries(each as Record<string, number>)) sum[key] = (sum[key] ?? 0) + value;
  return sum as T;
}

function mapValues<K extends string>(values: Record<K, number>, f: (value: number) => number): Record<K, number> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, f(value as number)])) as Record<
    K,
    number
  >;
}
