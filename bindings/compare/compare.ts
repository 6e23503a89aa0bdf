/** The same trace under several policies: it is read once, and each policy runs on a machine of its own, beside the others. */
import { DEFAULT_CAPACITIES, MODELLED_CAPACITIES, memorySize } from '../engine/capacities.ts';
import type { BootOptions, Residency } from '../machine.ts';
import { checkResidency, checkRows, isLowerBound } from '../policy/fit.ts';
import { type Policy, PolicyError } from '../policy/policy.ts';
import type { KnobOverride } from '../replay/replay.ts';
import { capacitiesFor, lookAt } from '../replay/residency.ts';
import { type CompareResult, type PolicyResult, QUESTIONS, type Question } from '../report/compare-result.ts';
import { diffOf } from '../report/diff.ts';
import { verdicts } from '../report/verdict.ts';
import { scriptPolicy } from '../shell/policy.ts';
import type { Trace } from '../trace/arrow-reader.ts';
import { InputError } from '../trace/input-error.ts';
import { PAGE_SIZE } from '../trace/schema.ts';
import { type Job, runJobs, workersFor } from './pool.ts';
import { addShuffle, type CompareSetup, type FinalCharges } from './run-policy.ts';
import type { ScriptSetup } from './run-script.ts';
import { type SharedTrace, shareTrace, traceOf } from './shared-trace.ts';
import { findJobs, permutations } from './shuffle.ts';

export interface CompareOptions {
  boot?: BootOptions;
  residency?: Residency | null;
  memoryPages?: number | null;
  overrides?: readonly KnobOverride[];
  /** ns; a hundredth of the trace unless told */
  sampleNs?: number | null;
  questions?: readonly Question[];
  /** permutations of the jobs' start order for every policy */
  shuffle?: number;
  /** names of two of the policies */
  diff?: readonly [string, string] | null;
  /** worker threads at most; as many as there are cores unless told */
  workers?: number | null;
  progress?(done: number, of: number): void;
}

/** Modelled where the trace has accesses: policies act on those. Throws InputError for a policy that cannot be had. */
async function residencyFor(shared: SharedTrace, asked: Residency | null): Promise<Residency> {
  const { frames, accesses } = await lookAt(traceOf(shared));
  if (asked === 'recorded' && !frames && accesses)
    throw new InputError(
      `${shared.path}: recorded residency needs frames (charge, uncharge), and this trace has accesses only`,
    );
  if (asked === 'modelled' && !accesses && frames)
    throw new InputError(
      `${shared.path}: modelled residency needs accesses (anon_touch, file_access), and this trace has frames only`,
    );
  return asked ?? (frames && !accesses ? 'recorded' : 'modelled');
}

/** Runs the comparison. Throws InputError for what the trace or the policies do not allow. */
export async function compareTrace(
  trace: Trace,
  policies: readonly Policy[],
  options: CompareOptions = {},
): Promise<CompareResult> {
  const shared = await shareTrace(trace);
  const residency = await residencyFor(shared, options.residency ?? null);
  for (const policy of policies) {
    checkResidency(policy, residency, shared.path);
    checkRows(policy, shared.rows, residency, shared.path);
  }
  const source = shared.metadata.find(([key]) => key === 'source')?.[1] ?? '';
  const boot = options.boot ?? {};
  const setup: CompareSetup = {
    boot,
    residency,
    memoryPages: options.memoryPages ?? null,
    overrides: options.overrides ?? [],
    sampleNs: options.sampleNs ?? Math.max(1, Math.ceil(shared.durationNs / 100)),
  };
  const shuffle = options.shuffle ?? 0;
  if (shuffle > 0 && residency !== 'modelled')
    throw new InputError('--shuffle: recorded residency follows the order that was recorded');
  const jobsFound = shuffle > 0 ? findJobs(shared) : null;
  const drawn = jobsFound && permutations(jobsFound.cgroups.length, shuffle, boot.seed ?? 0);
  const jobs: Job[] = policies.flatMap((policy): Job[] => {
    const bound = isLowerBound(policy, source);
    const orders = drawn?.orders ?? [];
    return [null, ...orders].map((order) => ({ policy, order, lowerBound: bound }));
  });
  const defaults = residency === 'modelled' ? MODELLED_CAPACITIES : DEFAULT_CAPACITIES;
  const { residency: _, ...least } = capacitiesFor(traceOf(shared), residency, setup.memoryPages);
  const size = memorySize({ ...defaults, ...(least as object), ...(capacitiesOf(boot) as object) });
  const workers = workersFor(jobs.length, size, options.workers ?? null);
  const answers = await runJobs({ trace: shared, setup }, jobs, workers, (done) =>
    options.progress?.(done, jobs.length),
  );
  const each = 1 + (drawn?.orders.length ?? 0);
  const results = policies.map((_, p): PolicyResult => {
    const [first, ...runs] = answers.slice(p * each, (p + 1) * each);
    if (first === undefined || !('result' in first)) throw new Error('a policy without a result');
    if (drawn !== null && jobsFound !== null)
      addShuffle(
        first.result,
        runs.flatMap((run): FinalCharges[] => ('charges' in run ? [run.charges] : [])),
        drawn.exhaustive,
        {
          permutations: drawn.orders.length,
          seed: boot.seed ?? 0,
          jobs: jobsFound.paths,
          orders: drawn.orders,
        },
      );
    return first.result;
  });
  const questions = [...(options.questions ?? QUESTIONS)];
  const result: CompareResult = {
    trace: { path: shared.path, kind: 'trace', events: shared.events, duration_ns: shared.durationNs },
    residency,
    kernel: boot.kernel ?? '6.18',
    seed: boot.seed ?? 0,
    machine: {
      memory: (boot.pages ?? setup.memoryPages ?? (residency === 'modelled' ? 1 << 20 : 0)) * PAGE_SIZE,
      swap: (boot.swap ?? 0) * PAGE_SIZE,
      cpus: boot.cpus ?? shared.highWater?.cpus ?? defaults.cpus,
    },
    sample_ns: setup.sampleNs,
    warnings: [],
    questions,
    policies: results,
    verdict: verdicts(questions, results),
  };
  if (options.diff) result.diff = diffOf(named(results, options.diff[0]), named(results, options.diff[1]));
  return result;
}

/** What a script's comparison may be told. */
export type ScriptOptions = Pick<CompareOptions, 'questions' | 'diff' | 'workers' | 'progress'>;

/** A script under several policies. Throws InputError for a policy that scripts cannot have. */
export async function compareScript(
  path: string,
  script: ScriptSetup,
  policies: readonly Policy[],
  options: ScriptOptions = {},
): Promise<CompareResult> {
  for (const policy of policies)
    try {
      scriptPolicy(policy);
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      throw new InputError(error.message);
    }
  const jobs = policies.map((policy): Job => ({ policy, order: null, lowerBound: false }));
  const pages = script.memory / PAGE_SIZE;
  const size = memorySize({ ...MODELLED_CAPACITIES, pages, cgroups: 4096, swap: script.swap / PAGE_SIZE });
  const workers = workersFor(jobs.length, size, options.workers ?? null);
  const answers = await runJobs({ script }, jobs, workers, (done) => options.progress?.(done, jobs.length));
  const results = answers.flatMap((answer) => ('result' in answer ? [answer.result] : []));
  const elapsed = answers.map((answer) => ('elapsedNs' in answer ? (answer.elapsedNs ?? 0) : 0));
  const questions = [...(options.questions ?? QUESTIONS)];
  const result: CompareResult = {
    trace: { path, kind: 'script', events: 0, duration_ns: Math.max(...elapsed) },
    residency: 'modelled',
    kernel: script.kernel,
    seed: script.seed,
    machine: { memory: script.memory, swap: script.swap, cpus: script.cpus },
    sample_ns: script.sampleNs,
    warnings: [],
    questions,
    policies: results,
    verdict: verdicts(questions, results),
  };
  if (options.diff) result.diff = diffOf(named(results, options.diff[0]), named(results, options.diff[1]));
  return result;
}

function named(results: readonly PolicyResult[], name: string): PolicyResult {
  const found = results.find(({ policy }) => policy.name === name);
  if (found === undefined) throw new InputError(`--diff ${name}: not one of the policies compared`);
  return found;
}

/** Of the options of boot() those that are capacities. */
function capacitiesOf(boot: BootOptions): BootOptions {
  return Object.fromEntries(Object.entries(boot).filter(([name]) => name in DEFAULT_CAPACITIES)) as BootOptions;
}
