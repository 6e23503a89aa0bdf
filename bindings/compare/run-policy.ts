/** One policy over one trace: a machine that observes, run to its end, and what it answers. */
import * as L from '../../assembly/layout.ts';
import type { BootOptions, Machine, Residency } from '../machine.ts';
import { LINUX, type Policy, type SomeAnswers } from '../policy/policy.ts';
import { bootFor, type KnobOverride, replayTrace } from '../replay/replay.ts';
import type {
  CompareCgroup,
  CompareKill,
  Determinism,
  Flow,
  PolicyResult,
  Series,
  SeriesOf,
  Uses,
} from '../report/compare-result.ts';
import { workFor } from '../report/cross.ts';
import { InstanceWatch } from '../report/instances.ts';
import { Integrals } from '../report/integrals.ts';
import { answers, determinism, subtreeSums } from '../report/questions.ts';
import { cgroupResults, killResults } from '../report/result.ts';
import { killUse, lookAtUses, lostUses, OBSERVED_SETS, readFlows, type UseTable } from '../report/uses.ts';
import type { Trace } from '../trace/arrow-reader.ts';
import { InputError } from '../trace/input-error.ts';
import { PAGE_SIZE, ROOT_CGROUP } from '../trace/schema.ts';

/** How every policy is run. */
export interface CompareSetup {
  boot: BootOptions;
  residency: Residency;
  memoryPages: number | null;
  overrides: readonly KnobOverride[];
  /** ns of trace time between two samples */
  sampleNs: number;
}

/** memory.current at the end, by cgroup id: what a permutation is run for. */
export type FinalCharges = [cgroup: number, bytes: number][];

const bytes = (pages: number) => Math.round(pages * PAGE_SIZE);

/** What a comparison has room for unless told. */
export const OBSERVED = { observe: OBSERVED_SETS, kills: 1024 };

async function boot(trace: Trace, policy: Policy, setup: CompareSetup): Promise<Machine> {
  const options: BootOptions = { ...OBSERVED, ...setup.boot, residency: setup.residency, policy };
  if (setup.residency === 'recorded') options.observe = 0;
  return await bootFor(trace, options, false, setup.memoryPages);
}

/** Final charges alone. */
export async function runForCharges(trace: Trace, policy: Policy, setup: CompareSetup): Promise<FinalCharges> {
  const machine = await boot(trace, policy, setup);
  await replayTrace(machine, trace, {}, setup.overrides);
  settle(machine);
  const current = currentOf(machine, policy, lookAtUses(machine));
  return [...machine.cgroups.keys()].filter((id) => id !== ROOT_CGROUP).map((id) => [id, current(id)]);
}

/** What stocks hold is charged, but nobody's page: it goes back, as it would at the next drain. */
function settle(machine: Machine): void {
  machine.engine.drainAllStock(ROOT_CGROUP, 0);
}

/** memory.current, bytes: what is charged, or, of the oracle, what would be fair. */
function currentOf(machine: Machine, policy: Policy, uses: UseTable): (cgroup: number) => number {
  if (policy.oracle === undefined) return (cgroup) => machine.usage(cgroup) * PAGE_SIZE;
  const shares = subtreeSums(machine, uses.share);
  return (cgroup) => bytes(shares[cgroup]!);
}

/** Looks at a machine while it runs. */
export class Watch {
  readonly policy: Policy;
  readonly integrals = new Integrals();
  readonly series: SeriesTaker;
  #before: number | null = null;

  constructor(policy: Policy) {
    this.policy = policy;
    this.series = new SeriesTaker(policy);
  }

  /** The last row is done. */
  end(ts: number, machine: Machine, begun: number): void {
    this.integrals.end(machine, ts - (this.#before ?? begun));
    this.#before = ts;
  }

  /** A sample at `ts`; the first counts for the time since `begun`. Answers who used what. */
  take(ts: number, machine: Machine, begun: number): UseTable {
    const uses = this.integrals.sample(machine, ts - (this.#before ?? begun));
    this.#before = ts;
    this.series.take(ts, machine, uses);
    return uses;
  }
}

export async function runPolicy(
  trace: Trace,
  policy: Policy,
  setup: CompareSetup,
  lowerBound: boolean,
): Promise<PolicyResult> {
  const machine = await boot(trace, policy, setup);
  const watch = new Watch(policy);
  const instances = new InstanceWatch();
  const take = (ts: number) => void watch.take(ts, machine, ts - setup.sampleNs);
  const outcome = await replayTrace(
    machine,
    trace,
    {
      rows: instances.rows,
      sample: { every: setup.sampleNs, take },
      ended: (from, to) => watch.end(to, machine, from),
    },
    setup.overrides,
  );
  const services = instances.figures(machine);
  return {
    ...resultOf(machine, watch, { from: outcome.fromNs, to: outcome.toNs }, lowerBound),
    elapsed_s: outcome.elapsed,
    engine_s: outcome.engine,
    ...(services.length > 0 ? { services } : {}),
  };
}

/** What a machine that has come to its end, at `span.to`, says. */
export function resultOf(
  machine: Machine,
  watch: Watch,
  span: { from: number; to: number },
  lowerBound: boolean,
): Omit<PolicyResult, 'elapsed_s' | 'engine_s'> {
  const { policy, integrals, series } = watch;
  const digest = machine.digest();
  settle(machine);
  const uses = watch.take(span.to, machine, span.from);
  const evidence = { machine, uses, integrals, oracle: policy.oracle === true };
  const { cgroups, totals } = answers(evidence, () => null);
  const current = currentOf(machine, policy, uses);
  const results: Record<string, CompareCgroup> = Object.create(null);
  for (const [path, result] of Object.entries(cgroupResults(machine))) {
    const { id } = result;
    results[path] = { ...result, 'memory.current': current(id), questions: cgroups.get(id)! };
    if (policy.oracle) results[path]['memory.peak'] = series.peakOf(id);
  }
  return {
    policy: {
      name: policy.name,
      summary: policy.summary,
      rows: [...policy.rows],
      answers: differing(policy),
      rewrite: policy.rewrite ?? null,
      oracle: policy.oracle === true,
    },
    lower_bound: lowerBound,
    warnings: warningsOf(machine, policy, lowerBound),
    state_digest: digest,
    cgroups: results,
    totals,
    series: series.result(machine),
    flows: flowsOf(machine),
    uses: usesOf(machine, uses, policy),
    work: workFor(machine),
    kills: killsOf(machine),
    kills_lost: machine.killsLost,
  };
}

/** Answers that differ from Linux. */
function differing({ answers: all }: Policy): SomeAnswers {
  const linux = LINUX as unknown as Record<string, unknown>;
  const differ = Object.entries(all).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(linux[key]));
  return Object.fromEntries(differ) as SomeAnswers;
}

function warningsOf(machine: Machine, policy: Policy, lowerBound: boolean): string[] {
  const warnings: string[] = [];
  if (lowerBound)
    warnings.push('the trace does not show accesses of resident pages: what this policy moves is a lower bound');
  if (machine.residency === 'recorded')
    warnings.push(
      'recorded residency: a recording does not show who uses what, each counts as user of what it is charged for',
    );
  const lost = lostUses(machine);
  if (lost > 0)
    warnings.push(
      `${lost} uses found the table of user sets full: raise --capacity observe (now ${machine.capacities.observe})`,
    );
  if (machine.killsLost > 0) warnings.push(`${machine.killsLost} kills found their table full: raise --capacity kills`);
  if (policy.oracle) warnings.push('no limit is kept: memory.current is the proportional share of an unlimited run');
  return warnings;
}

function flowsOf(machine: Machine): Flow[] {
  return readFlows(machine).map(({ kind, from, to, pages }) => ({
    kind,
    from: kind === 'claimed' ? null : machine.pathOf(from),
    to: kind === 'released' ? null : machine.pathOf(to),
    pages,
  }));
}

function usesOf(machine: Machine, { paidBy }: UseTable, policy: Policy): Uses {
  const ids = [...machine.cgroups.keys()];
  const users = ids.filter((id) => paidBy.has(id));
  // The oracle bills everybody for what he uses.
  if (policy.oracle) {
    const sums = users.map((user) => [...paidBy.get(user)!.values()].reduce((sum, pages) => sum + pages, 0));
    const paths = users.map((user) => machine.pathOf(user));
    return { users: paths, payers: paths, bytes: sums.map((sum, u) => sums.map((_, p) => (u === p ? bytes(sum) : 0))) };
  }
  const payers = ids.filter((id) => users.some((user) => paidBy.get(user)!.has(id)));
  return {
    users: users.map((id) => machine.pathOf(id)),
    payers: payers.map((id) => machine.pathOf(id)),
    bytes: users.map((user) => payers.map((payer) => bytes(paidBy.get(user)!.get(payer) ?? 0))),
  };
}

function killsOf(machine: Machine): CompareKill[] {
  return killResults(machine).map((kill, index) => {
    const { own_use, own_limit, innocent } = killUse(machine, index) ?? {
      own_use: 0,
      own_limit: null,
      innocent: false,
    };
    return { ...kill, innocent, own_use: bytes(own_use), own_limit: own_limit === null ? null : bytes(own_limit) };
  });
}

/** More values than anybody can look at. */
const MAX_VALUES = 4_000_000;

/** Samples of the tree, column by column. */
class SeriesTaker {
  readonly #policy: Policy;
  readonly #ts: number[] = [];
  readonly #columns = new Map<number, SeriesOf>();

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  take(ts: number, machine: Machine, uses: UseTable): void {
    const row = this.#ts.length;
    if (row * machine.cgroups.size * 6 > MAX_VALUES)
      throw new InputError(`--sample: more than ${MAX_VALUES} values a policy; take a longer interval`);
    this.#ts.push(ts);
    const shares = subtreeSums(machine, uses.share);
    const current = currentOf(machine, this.#policy, uses);
    const { engine } = machine;
    for (const id of machine.cgroups.keys()) {
      if (id === ROOT_CGROUP) continue;
      let columns = this.#columns.get(id);
      if (columns === undefined) {
        const absent = () => Array.from({ length: row }, (): number | null => null);
        columns = {
          current: absent(),
          anon: absent(),
          file: absent(),
          shmem: absent(),
          kernel: absent(),
          proportional: absent(),
        };
        this.#columns.set(id, columns);
      }
      const stat = (which: number) => Number(engine.statTotal(id, which)) * PAGE_SIZE;
      columns.current.push(current(id));
      columns.anon.push(stat(L.STAT_ANON));
      columns.file.push(stat(L.STAT_FILE));
      columns.shmem.push(stat(L.STAT_SHMEM));
      columns.kernel.push(stat(L.STAT_KMEM));
      columns.proportional.push(bytes(shares[id]!));
    }
  }

  peakOf(cgroup: number): number {
    return Math.max(0, ...(this.#columns.get(cgroup)?.current ?? []).map((value) => value ?? 0));
  }

  result(machine: Machine): Series {
    const cgroups: Series['cgroups'] = Object.create(null);
    for (const [id, columns] of this.#columns) cgroups[machine.pathOf(id)] = columns;
    return { ts: this.#ts, cgroups };
  }
}

/** What the permutations say about each cgroup of a result. */
export function addShuffle(
  result: PolicyResult,
  runs: readonly FinalCharges[],
  exhaustive: boolean,
  about: { permutations: number; seed: number; jobs: string[]; orders: number[][] },
): void {
  const byRun = runs.map((run) => new Map(run));
  const current: Record<string, (number | null)[]> = Object.create(null);
  const spreads: Determinism[] = [];
  for (const [path, cgroup] of Object.entries(result.cgroups)) {
    const values = byRun.map((run) => run.get(cgroup.id) ?? null);
    current[path] = values;
    const known = values.filter((value) => value !== null);
    if (known.length === 0) continue;
    cgroup.questions.determinism = determinism(known, exhaustive);
    spreads.push(cgroup.questions.determinism);
  }
  result.totals.determinism = {
    permutations: about.permutations,
    worst_spread: Math.max(0, ...spreads.map((it) => it.spread)),
    sum_spread: spreads.reduce((sum, it) => sum + it.spread, 0),
  };
  result.shuffle = { ...about, current };
}
