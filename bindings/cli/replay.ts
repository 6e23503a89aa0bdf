/** `memcharge replay TRACE`: the main job. */
import type { Command } from 'commander';
import type { BootOptions, Machine, Residency } from '../machine.ts';
import { checkResidency, checkRows, RowsSeen } from '../policy/fit.ts';
import type { Policy } from '../policy/policy.ts';
import { bootFor, type KnobOverride, type ReplayObserver, type ReplayOutcome, replayTrace } from '../replay/replay.ts';
import { lookAt, residencyOf } from '../replay/residency.ts';
import { WarmReplay } from '../replay/warm.ts';
import { Against, type AgainstReport } from '../report/against.ts';
import { Integrals } from '../report/integrals.ts';
import { addPolicyFigures } from '../report/policy-result.ts';
import { type ReplayResult, replayResult, type SampleResult, type UnseenStart } from '../report/result.ts';
import { readSamples, type Sample } from '../report/samples.ts';
import { table } from '../report/table.ts';
import { OBSERVED_SETS } from '../report/uses.ts';
import { openTrace } from '../trace/arrow-reader.ts';
import { type Initial, readInitial } from '../trace/initial.ts';
import { traceFor } from '../trace/rewrite/rewrite-trace.ts';
import { PAGE_SIZE, ROOT_CGROUP } from '../trace/schema.ts';
import type { TimeRange } from '../trace/time-range.ts';
import { EXIT_FAILURE, InputError } from './errors.ts';
import {
  addMachineOptions,
  bootOptions,
  type MachineOptions,
  modelledOnly,
  parseMemory,
  parseOverride,
  parseResidency,
} from './machine-options.ts';
import { Progress } from './progress.ts';
import { readPolicies } from './read-policy.ts';
import { addRange, parseRange, type RangeOptions } from './time-range.ts';
import { formatBytes, parseDuration } from './values.ts';
import { checkTarget, writeCgroupfs } from './write-cgroupfs.ts';

interface ReplayOptions extends RangeOptions, MachineOptions {
  policy?: string;
  sample?: string;
  sampleStat?: boolean;
  against?: string;
  initial?: string;
  explain?: boolean;
  audit?: boolean;
  cgroupfs?: string;
  json?: boolean;
}

/** Adds the command to `program`. */
export function addReplay(program: Command): void {
  const command = program
    .command('replay')
    .description('replay a trace through the model')
    .argument('<trace>', 'a trace (.arrow); - is standard input');
  addMachineOptions(command, 'recorded where the trace has frames');
  command
    .option('--policy <names>', 'a charging policy or several, separated by commas; or files of them (default: linux)')
    .option('--against <samples>', "compare with the kernel's own samples (samples.jsonl, plain or gzip)")
    .option(
      '--initial <snapshot>',
      'the cgroup tree just before the recording, for a trace that was imported without it',
    )
    .option('--explain', 'with --against: try whether a byte stock from before the recording explains misses')
    .option('--sample <interval>', 'memory.current of every cgroup at this interval, such as 50ms (with --json)')
    .option(
      '--sample-stat',
      'with --sample: memory.stat and memory.pressure, too (with kernel statistics each read of memory.stat may flush)',
    )
    .option('--audit', 'check conservation at the end; a discrepancy is a failure')
    .option('--cgroupfs <dir>', 'write the control files there as they are at the end, laid out as in /sys/fs/cgroup')
    .option('--json', 'print one JSON object');
  addRange(command, 'count events, take samples and compare from here on; what comes before is replayed all the same');
  command.action(runReplay);
}

/** How a trace is to be run. */
interface Setup {
  boot: BootOptions;
  /** null: none was asked for, and nothing beside Linux is looked at */
  policy: Policy | null;
  residency: Residency | null;
  memoryPages: number | null;
  overrides: readonly KnobOverride[];
  range: TimeRange;
  /** options given that mean nothing in recorded residency */
  modelledOnly: readonly string[];
}

/** One run of the trace. `prepare` sees the machine before the first event. */
async function runOnce(
  path: string,
  { boot, policy, residency, memoryPages, overrides, range, modelledOnly }: Setup,
  observer: ReplayObserver,
  prepare: (machine: Machine) => void = () => {},
  initial: Initial | null = null,
): Promise<{ machine: Machine; outcome: ReplayOutcome; result: ReplayResult }> {
  const opened = await openTrace(path);
  const warm = initial && new WarmReplay(initial);
  try {
    const looked = await lookAt(opened);
    const options: BootOptions = { ...boot, residency: residencyOf(looked, residency) };
    if (options.residency === 'recorded' && modelledOnly.length > 0)
      throw new InputError(
        `${modelledOnly[0]}: recorded residency has it from the trace; it is for --residency modelled`,
      );
    if (policy !== null) {
      checkResidency(policy, options.residency!, path);
      options.policy = policy;
      if (options.residency === 'modelled') options.observe ??= OBSERVED_SETS;
    }
    const trace = policy === null ? looked.trace : await traceFor(policy, looked.trace);
    const machine = await bootFor(trace, options, observer.change !== undefined, memoryPages, warm);
    prepare(machine);
    if (policy === null || options.residency === 'recorded') {
      const outcome = await replayTrace(machine, trace, observer, overrides, warm, range);
      return { machine, outcome, result: replayResult(machine, trace, outcome, boot.seed ?? 0) };
    }
    const integrals = new Integrals();
    let before: number | null = null;
    const { sample } = observer;
    const every = sample?.every ?? Math.max(1, Math.ceil((trace.durationNs ?? 100 * UNKNOWN_INTERVAL) / 100));
    const take = (ts: number) => {
      sample?.take(ts, machine);
      integrals.sample(machine, ts - (before ?? ts - every));
      before = ts;
    };
    const ended = (from: number, to: number) => integrals.end(machine, to - (before ?? from));
    const looking = { ...observer, sample: { every, take }, ended };
    const outcome = await replayTrace(machine, trace, looking, overrides, warm, range);
    const uses = integrals.sample(machine, 0);
    const result = replayResult(machine, trace, outcome, boot.seed ?? 0);
    addPolicyFigures(result.cgroups, machine, uses, integrals);
    return { machine, outcome, result };
  } finally {
    await opened.close();
  }
}

function comparing(against: Against): ReplayObserver {
  return {
    born: (memcg, kernelId, ts) => against.born(memcg, kernelId, ts),
    change: (change) => against.change(change),
    passed: (ts) => against.passed(ts),
    window: (from, until) =>
      against.window(from === null ? 0 : Number(from), until === null ? Number.POSITIVE_INFINITY : Number(until)),
  };
}

async function runReplay(path: string, options: ReplayOptions): Promise<void> {
  const policies = options.policy === undefined ? [null] : readPolicies(options.policy);
  const setup: Setup = {
    boot: bootOptions(options),
    policy: null,
    residency: parseResidency(options.residency),
    memoryPages: options.memory === undefined ? null : parseMemory(options.memory),
    modelledOnly: modelledOnly(options),
    overrides: options.set.map(parseOverride),
    range: parseRange(options),
  };
  if (options.cgroupfs !== undefined) checkTarget(options.cgroupfs);
  if (options.explain && options.against === undefined) throw new InputError('--explain needs --against');
  if (options.sample !== undefined && !options.json)
    throw new InputError('--sample needs --json: the samples go there');
  if (options.sampleStat && options.sample === undefined) throw new InputError('--sample-stat needs --sample');
  if ([path, options.against, options.initial].filter((each) => each === '-').length > 1)
    throw new InputError('standard input can be given once only');
  const initial = options.initial === undefined ? null : await readInitial(options.initial);
  const samples = options.against === undefined ? null : await readSamples(options.against);
  if (options.explain && path === '-')
    throw new InputError('--explain runs the trace several times: standard input cannot be');
  if (policies.length > 1 && path === '-')
    throw new InputError('--policy: several policies run the trace several times: standard input cannot be');
  if (policies.length > 1 && options.cgroupfs !== undefined)
    throw new InputError('--cgroupfs: several policies have no one state at the end');
  if (path !== '-') await checkNeeds(path, policies, setup.residency);
  const results: ReplayResult[] = [];
  for (const policy of policies) results.push(await replayOne(path, options, { ...setup, policy }, initial, samples));
  if (options.json) process.stdout.write(`${JSON.stringify(policies.length > 1 ? results : results[0])}\n`);
  else
    for (const result of results)
      process.stdout.write(policies.length > 1 ? `${result.policy}:\n${text(result)}\n` : text(result));
}

/** Throws InputError for a policy that needs rows which the trace does not have. */
async function checkNeeds(
  path: string,
  policies: readonly (Policy | null)[],
  residency: Residency | null,
): Promise<void> {
  const needy = policies.flatMap((policy) =>
    policy !== null && (policy.needs.length > 0 || policy.needsHits) ? [policy] : [],
  );
  if (needy.length === 0) return;
  const trace = await openTrace(path);
  try {
    const rows = new RowsSeen();
    for await (const batch of trace.batches()) rows.see(batch);
    for (const policy of needy) checkRows(policy, rows, residency, path);
  } finally {
    await trace.close();
  }
}

/** Values of a run that observes are taken so often in a trace that does not tell how long it is, ns. */
const UNKNOWN_INTERVAL = 100_000_000;

async function replayOne(
  path: string,
  options: ReplayOptions,
  setup: Setup,
  initial: Initial | null,
  samples: readonly Sample[] | null,
): Promise<ReplayResult> {
  const against = samples && new Against(samples);
  const taken: SampleResult[] = [];
  const progress = new Progress('replay');
  const observer: ReplayObserver = {
    ...(against ? comparing(against) : {}),
    progress: (events) => progress.update(events, 0, `${events.toLocaleString('en')} events`),
  };
  if (options.sample !== undefined)
    observer.sample = {
      every: parseDuration('--sample', options.sample),
      take: (ts, machine) => collectSample(taken, ts, machine, options.sample!, options.sampleStat === true),
    };
  try {
    const { machine, result } = await runOnce(path, setup, observer, undefined, initial);
    progress.end();
    if (result.residency === 'recorded' && setup.overrides.length > 0)
      process.stderr.write(
        'memcharge: warning: recorded residency: what is resident is as it was recorded, whatever --set says; --residency modelled reclaims and kills\n',
      );
    if (result.residency === 'recorded' && options.cost.length > 0)
      process.stderr.write('memcharge: warning: --cost: a recording does not show who waits, only the model does\n');
    if (options.sample !== undefined) result.samples = taken;
    if (options.audit && auditFails(machine, result)) process.exitCode = EXIT_FAILURE;
    if (against && samples) {
      result.against = against.finish();
      if (options.explain) result.against.unseen_start = await explain(path, setup, samples, result.against, initial);
    }
    if (options.cgroupfs !== undefined) writeCgroupfs(options.cgroupfs, machine.cgroupfs);
    return result;
  } finally {
    progress.end();
  }
}

/** More samples than anybody can look at, and than fit in one JSON object. */
const MAX_SAMPLES = 1_000_000;
/** What memory.stat and memory.pressure add to a sample's values, about. */
const STAT_VALUES = 28;

function collectSample(taken: SampleResult[], ts: number, machine: Machine, interval: string, stat: boolean): void {
  if (taken.length * Math.max(1, machine.cgroups.size) * (stat ? STAT_VALUES : 1) >= MAX_SAMPLES)
    throw new InputError(`--sample ${interval}: more than ${MAX_SAMPLES} values; take a longer interval`);
  taken.push(takeSample(ts, machine, stat));
}

/** Parents before children, as one reads a tree: with kernel statistics a read may flush, and what is read later shows more. */
function takeSample(ts: number, machine: Machine, stat: boolean): SampleResult {
  const cgroups: SampleResult['cgroups'] = Object.create(null);
  for (const id of machine.cgroups.keys())
    if (id !== ROOT_CGROUP && !machine.isRemoved(id))
      cgroups[machine.pathOf(id)] = {
        'memory.current': machine.usage(id) * PAGE_SIZE,
        ...(stat ? { 'memory.stat': machine.memoryStat(id) } : {}),
        ...(stat && machine.residency === 'modelled' ? { 'memory.pressure': machine.pressure(id) } : {}),
      };
  return { ts, cgroups };
}

function auditFails(machine: Machine, result: ReplayResult): boolean {
  const found = machine.audit();
  if (found === null) {
    result.audit = 'ok';
    return false;
  }
  process.stderr.write(
    `memcharge: audit: ${found.what} of ${found.id}: expected ${found.expected}, found ${found.found}\n`,
  );
  return true;
}

/**
 * What a recording cannot show: the byte stock that a CPU held when it began. Tries one page of a dead cgroup's objcg on each
 * CPU, and answers the one that makes most samples exact, if any does.
 */
async function explain(
  path: string,
  setup: Setup,
  samples: readonly Sample[],
  report: AgainstReport,
  initial: Initial | null,
): Promise<UnseenStart | null> {
  if (report.misses.other === 0) return null;
  let best: UnseenStart | null = null;
  let cpus = 1;
  for (let cpu = 0; cpu < cpus; cpu++) {
    const against = new Against(samples);
    const prepare = (machine: Machine) => {
      cpus = machine.capacities.cpus;
      machine.engine.warmObjStock(cpu, ROOT_CGROUP, PAGE_SIZE);
    };
    await runOnce(path, setup, comparing(against), prepare, initial);
    const { exact } = against.finish();
    if (exact > (best?.exact ?? report.exact)) best = { cpu, bytes: PAGE_SIZE, explains: exact - report.exact, exact };
  }
  return best;
}

function text(result: ReplayResult): string {
  const parts: string[] = [];
  const { against, trace } = result;
  if (against) {
    const rows = against.phases.map(({ phase, path, model, kernel }) => [
      phase,
      path,
      model === null ? '-' : String(model),
      String(kernel),
      model === null ? 'no value' : model === kernel ? 'exact' : signed(model - kernel),
    ]);
    parts.push(table(['phase', 'cgroup', 'model', 'kernel', 'difference'], rows, 2));
    const scores = Object.entries(against.cgroups).map(([path, s]) => [
      path,
      String(s.samples),
      String(s.exact),
      formatBytes(s.worst_bytes),
    ]);
    parts.push(table(['cgroup', 'samples', 'exact', 'worst'], scores));
    const share = ((100 * against.exact) / Math.max(1, against.samples)).toFixed(2);
    const { in_flight, no_value, other } = against.misses;
    parts.push(
      `${against.exact} of ${against.samples} samples of memory.current exact (${share} %), worst ${formatBytes(against.worst_bytes)}` +
        (against.exact === against.samples
          ? ''
          : `\nmissed: ${in_flight} with an operation in flight, ${no_value} without a value, ${other} other`),
    );
    if (against.unseen_start) {
      const { cpu, bytes, explains } = against.unseen_start;
      parts.push(
        `${explains} of the misses are exact if CPU ${cpu}'s byte stock held ${bytes} bytes of a dead cgroup when the recording began`,
      );
    }
  } else {
    const rows = Object.entries(result.cgroups).map(([path, c]) => [
      path,
      ...[c['memory.current'], c['memory.peak'], c['memory.swap.current']].map(String),
      ...['anon', 'file', 'kernel'].map((key) => String(c['memory.stat'][key])),
      String(c['memory.events'].max),
      String(c['memory.events'].oom_kill),
    ]);
    const header = ['cgroup', 'current', 'peak', 'swap', 'anon', 'file', 'kernel', 'max', 'oom_kill'];
    parts.push(table(header, rows));
  }
  if (result.kills.length > 0) parts.push(killTable(result));
  const rate = (result.events_per_s / 1e6).toFixed(1);
  const engineRate = (trace.events / Math.max(1e-9, result.engine_s) / 1e6).toFixed(1);
  parts.push(
    `${trace.path}: ${trace.events} events over ${(trace.duration_ns / 1e9).toFixed(3)} s replayed in ${result.elapsed_s.toFixed(2)} s, ` +
      `${rate} M events/s (the engine alone ${engineRate}); ${result.residency} residency, kernel ${result.kernel}, digest ${result.state_digest}${result.audit ? ', audit ok' : ''}`,
  );
  return `${parts.join('\n\n')}\n`;
}

/** Kills that a terminal shows. */
const KILLS_SHOWN = 20;

/** Who was killed, for which limit, and of how many; of a recorded kill only who. */
function killTable({ kills, kills_lost = 0, residency }: ReplayResult): string {
  const told = residency === 'modelled';
  const sizes = ['anon', 'file', 'shmem', 'swap'] as const;
  const rows = kills
    .slice(0, KILLS_SHOWN)
    .map(({ ts, cgroup, usage, victim, group, processes, candidates, omitted }) => {
      const task = victim.name === null ? String(victim.task) : `${victim.task} ${victim.name}`;
      const whole = group === null ? cgroup : `${cgroup} (all ${processes} of ${group})`;
      const who = [(ts / 1e9).toFixed(6), whole, task];
      const [first] = candidates;
      if (!told || first === undefined) return who;
      const of = String(candidates.length + omitted);
      return [
        ...who,
        formatBytes(usage ?? 0),
        ...sizes.map((key) => formatBytes(first[key])),
        ...[first.oom_score_adj, first.points, of].map(String),
      ];
    });
  const header = ['killed at s', told ? 'limit of' : 'cgroup', 'task'];
  const shown = table(told ? [...header, 'usage', ...sizes, 'adj', 'points', 'of'] : header, rows, 3);
  const more = kills.length - rows.length + kills_lost;
  if (more === 0) return shown;
  return `${shown}\n… and ${more} more${kills_lost > 0 ? `, ${kills_lost} of them beyond --capacity kills` : ''}`;
}

function signed(bytes: number): string {
  return bytes > 0 ? `+${bytes}` : String(bytes);
}
