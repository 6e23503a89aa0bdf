/**
 * What `memcharge compare --json` prints, and what its report draws: one object. Bytes and nanoseconds everywhere, `*_byte_s` are byte-seconds,
 * counts are whole. Cgroups are paths as in `replay --json`: a removed one is `PATH (deleted)#ID`. docs/json.md describes every key.
 */
import type { Forced } from '../policy/figures.ts';
import type { Context, SomeAnswers } from '../policy/policy.ts';
import type { WorkFor } from './cross.ts';
import type { ServiceFigures } from './instances.ts';
import type { CgroupResult, KillResult } from './result.ts';

/** The eight questions, by the names that `--question` takes, in their order. */
export const QUESTIONS = [
  'attribution',
  'determinism',
  'innocents',
  'overrun',
  'stranded',
  'movement',
  'pressure',
  'refusals',
] as const;
export type Question = (typeof QUESTIONS)[number];

/** What user pages (anon, file, shmem) that are resident have been charged, beside each page split evenly among the cgroups that used it. */
export interface Attribution {
  /** charged to the cgroup with its descendants, and their share */
  charged: number;
  proportional: number;
  /** charged - proportional */
  difference: number;
  /** the same of the cgroup itself, without descendants */
  own_charged: number;
  own_proportional: number;
  /** |own_charged - own_proportional| at the end, and its mean over the samples */
  error: number;
  mean_error: number;
}
/** In total: sums over all cgroups, the root too. A page that one wrong cgroup pays for counts twice: where it is, and where it is not. */
export interface AttributionTotal {
  charged: number;
  proportional: number;
  error: number;
  mean_error: number;
}

/** memory.current at the end over the permutations of the jobs' start order; null without --shuffle. */
export interface Determinism {
  permutations: number;
  min: number;
  max: number;
  /** max - min */
  spread: number;
  mean: number;
  /** confidence interval of the mean, 95 % (Student) */
  ci95: [number, number];
}
export interface DeterminismTotal {
  permutations: number;
  /** largest spread of a cgroup, and their sum */
  worst_spread: number;
  sum_spread: number;
}

/** What hit a cgroup although its own use, and that of every cgroup above it, was below its limit. */
export interface Innocents {
  /** processes killed, and charges that ended in an error */
  kills: number;
  errors: number;
}

/** Above memory.max: at most, now, and integrated. */
export interface Overrun {
  peak: number;
  now: number;
  byte_s: number;
  /** charges that were forced */
  force_charge: number;
  /** bytes charged past the limit, by reason */
  forced: Record<Forced, number>;
  deficit_peak: number;
  deficit_ns: number;
}

/** Charged to who should not pay. `now`: at the end. */
export interface Stranded {
  /** charged to the removed cgroup */
  dead: number;
  dead_byte_s: number;
  /** charged to a cgroup whose tasks have not used it, and that nobody has chosen as its payer */
  unasked: number;
  unasked_byte_s: number;
  /** used, and charged to nobody: by user */
  unpaid: number;
  unpaid_byte_s: number;
  /** non-pageable memory whose payer went, and that no touch can claim */
  unclaimed: number;
}

/** Pages that changed their payer. */
export interface Movement {
  moved_in: number;
  moved_out: number;
  recharged_in: number;
  recharged_out: number;
  released: number;
  unclaimed: number;
}
export interface MovementTotal {
  moved: number;
  recharged: number;
  released: number;
  unclaimed: number;
  rolled_back: number;
  counter_operations: number;
  slow_path: number;
  lost_entries: number;
}

/** What it costs. Pages and ns; of the cgroup with its descendants, but times and `scans_elsewhere`, which are its own. */
export interface Work {
  scanned: number;
  reclaimed: number;
  refaulted: number;
  scans_elsewhere: number;
  throttled_ns: number;
  queued_ns: number;
  wakes: number;
  wakes_wasted: number;
  io_read_bytes: number;
  io_written_bytes: number;
}
export interface WorkTotal extends Work {
  workers_peak: number;
  workers_made: number;
  deadlocks: number;
  skipped_victims: number;
}

/** Charges that ended in an error, of the cgroup itself; enomem by where the charge was made. */
export interface Refusals {
  enomem: Record<Context, number>;
  enospc: number;
  edquot: number;
  sigbus: number;
  restarts: number;
}

/** The answers for one cgroup. */
export interface Questions {
  attribution: Attribution;
  determinism: Determinism | null;
  innocents: Innocents;
  overrun: Overrun;
  stranded: Stranded;
  movement: Movement;
  pressure: Work;
  refusals: Refusals;
}
/** … and for all of them. */
export interface QuestionTotals {
  attribution: AttributionTotal;
  determinism: DeterminismTotal | null;
  innocents: Innocents;
  overrun: Overrun;
  stranded: Stranded;
  movement: MovementTotal;
  pressure: WorkTotal;
  refusals: Refusals;
}

/** A cgroup at the end: the figures of `replay --json`, and the eight answers. */
export interface CompareCgroup extends CgroupResult {
  questions: Questions;
}

/** Samples: the values at `ts[i]` are at index i of every array; null where the cgroup was not there. With descendants, as memory.current. */
export interface Series {
  ts: number[];
  cgroups: Record<string, SeriesOf>;
}
export interface SeriesOf {
  /** memory.current */
  current: (number | null)[];
  anon: (number | null)[];
  /** page cache without shmem */
  file: (number | null)[];
  shmem: (number | null)[];
  kernel: (number | null)[];
  /** proportional share of user pages */
  proportional: (number | null)[];
}

/** Pages that went from one payer to another. `released`: from a removed cgroup to nobody (`to` null), `claimed`: from nobody to a toucher. */
export interface Flow {
  kind: 'moved' | 'recharged' | 'reparented' | 'released' | 'claimed';
  from: string | null;
  to: string | null;
  pages: number;
}

/** Who pays for whose use, at the end: bytes[u][p] of what users[u] uses (its share of each page) is charged to payers[p]. */
export interface Uses {
  users: string[];
  /** `/` is the root: nobody */
  payers: string[];
  bytes: number[][];
}

/** A kill, and whether it hit an innocent. */
export interface CompareKill extends KillResult {
  innocent: boolean;
  /** at that time, of the victim's cgroup: own use, and memory.max (null: none) */
  own_use: number;
  own_limit: number | null;
}

/** How jobs were permuted. */
export interface ShuffleResult {
  permutations: number;
  seed: number;
  /** cgroups that are jobs, in the order of the trace */
  jobs: string[];
  /** the orders that were run, as indexes of `jobs` */
  orders: number[][];
  /** memory.current at the end by cgroup and permutation; null where it is gone */
  current: Record<string, (number | null)[]>;
}

/** What one policy made of it. */
export interface PolicyResult {
  policy: {
    name: string;
    summary: string;
    rows: string[];
    /** answers that differ from Linux */
    answers: SomeAnswers;
    rewrite: string | null;
    oracle: boolean;
  };
  /** hits are missing in the trace, and the policy acts on hits: what it does is a lower bound */
  lower_bound: boolean;
  /** what to know about these figures, a line each */
  warnings: string[];
  elapsed_s: number;
  engine_s: number;
  state_digest: string;
  cgroups: Record<string, CompareCgroup>;
  totals: QuestionTotals;
  series: Series;
  flows: Flow[];
  uses: Uses;
  /** who did work for whose memory */
  work: WorkFor[];
  kills: CompareKill[];
  kills_lost: number;
  /** services that were stopped and started again: what each instance was charged for; pages */
  services?: ServiceFigures[];
  shuffle?: ShuffleResult;
  /** of a script: what it printed, and its exit status */
  script?: { stdout: string; stderr: string; exit: number };
}

/** Differences b - a of every figure that differs, by cgroup; a cgroup that only one of them has counts as 0 in the other. */
export interface DiffResult {
  a: string;
  b: string;
  cgroups: Record<string, Record<string, { a: number; b: number; difference: number }>>;
}

/** How well the policies do in one question: totals, the smallest first. */
export interface Verdict {
  question: Question;
  /** what is compared: a key of the question's totals */
  figure: string;
  /** policies and their value, the best first; those that are equal share a rank */
  ranking: { policy: string; value: number; rank: number }[];
}

export interface CompareResult {
  trace: { path: string; kind: 'trace' | 'script'; events: number; duration_ns: number };
  residency: 'recorded' | 'modelled';
  kernel: string;
  seed: number;
  machine: { memory: number; swap: number; cpus: number };
  /** ns of trace time between two samples; integrals and means are sums over these */
  sample_ns: number;
  /** cgroups by the sets in which they used pages could not all be told apart: sets beyond capacity `observe` */
  warnings: string[];
  questions: Question[];
  policies: PolicyResult[];
  verdict: Verdict[];
  diff?: DiffResult;
}
