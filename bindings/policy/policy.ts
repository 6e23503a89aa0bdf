/**
 * A charging policy: six answers (docs/design: who pays, who pays for others' work, what sharing, removal, reuse and refusal do), what
 * userspace would do differently (a rewrite of the trace), and what it needs of a trace. The engine knows numbers only; names live here.
 */
import * as L from '../../assembly/layout.ts';
import { IMPOSSIBLE } from './mixes.ts';

/** Who pays for a new page. */
export const PAYERS = ['toucher', 'mount', 'creator', 'named', 'domain', 'handle', 'nobody'] as const;
/** … and for kernel memory. */
export const KMEM_PAYERS = ['toucher', 'nobody'] as const;
/** Who pays for work that is done for somebody else. */
export const WORKERS = ['issuer', 'root', 'inline', 'assigned', 'backcharge', 'backcharge-metadata'] as const;
/** What happens when another cgroup touches a page. */
export const SHARES = ['stay', 'common-ancestor'] as const;
/** What becomes of a removed cgroup's pages. */
export const OFFLINES = ['zombie', 'reparent', 'release', 'drop'] as const;
/** What happens when a pinned map or a cached inode is taken up again. */
export const REUSES = ['keep', 'recharge'] as const;
/** What happens when a charge cannot be paid. */
export const REFUSALS = [
  'kernel',
  'enomem',
  'error',
  'oom-in-place',
  'restart-call',
  'overcharge-return',
  'overcharge-work',
  'force',
] as const;
/** Where a charge is made, and so where an error could go. */
export const CONTEXTS = ['fault', 'call', 'kmem', 'atomic', 'worker', 'target'] as const;
/** Whether a charge that may not block wakes reclaim. */
export const WAKES = ['never', 'always', 'if-cache'] as const;
/** What userspace would do differently: rewrites of the trace (bindings/trace/rewrite/). */
export const REWRITES = [
  'layered',
  'same',
  'copy',
  'recreate',
  'preallocate',
  'private-copies',
  'mount-ancestor',
] as const;

export type Payer = (typeof PAYERS)[number];
export type KmemPayer = (typeof KMEM_PAYERS)[number];
export type Worker = (typeof WORKERS)[number];
export type Share = (typeof SHARES)[number];
export type Offline = (typeof OFFLINES)[number];
export type Reuse = (typeof REUSES)[number];
export type Refusal = (typeof REFUSALS)[number];
export type Context = (typeof CONTEXTS)[number];
export type Wake = (typeof WAKES)[number];
export type Rewrite = (typeof REWRITES)[number];

/** The answers, complete. */
export interface Answers {
  payer: Payer;
  kmem: KmemPayer;
  worker: Worker;
  share: Share;
  offline: Offline;
  reuse: Reuse;
  refused: Readonly<Record<Context, Refusal>>;
  wake: Wake;
  /** pages that a recharge takes at once; 0: all of an object */
  chunk: number;
  /** ns from queueing a work item until it runs */
  workDelay: number;
  /** K3c: reclaim before killing at the return to user mode */
  reclaimFirst: boolean;
  /** K3f: no kill at the return if the limit is kept again by then */
  recheck: boolean;
  /** B2a: a recharge does not charge levels at and above the common ancestor again */
  shortcut: boolean;
  /** B2h: what is inserted while a recharge goes on stays with the old payer */
  naive: boolean;
  /** B2f: of a BPF map only its buckets move, as in the RFC that was posted */
  bucketsOnly: boolean;
  /** P7a: page cache is persistent unless marked otherwise */
  defaultClasses: boolean;
  /** L2d: a page that a worker reads back from swap bills the issuer, not the entry's owner */
  swapinIssuer: boolean;
  /** L3: a deficit that cannot be worked off kills, instead of staying */
  backchargeKill: boolean;
  /** L2c: the issuer pays, but one worker of the device does it for all of them */
  oneWorker: boolean;
  /** L4: refused.worker is for all of tmpfs, too, not for loop workers only */
  allTmpfs: boolean;
  /** B1: kernel objects stay with the dying cgroup, as in the thread's kernel, instead of going to its parent */
  objcgStays: boolean;
}

export const LINUX: Readonly<Answers> = {
  payer: 'toucher',
  kmem: 'toucher',
  worker: 'issuer',
  share: 'stay',
  offline: 'zombie',
  reuse: 'keep',
  refused: { fault: 'kernel', call: 'kernel', kmem: 'kernel', atomic: 'kernel', worker: 'kernel', target: 'kernel' },
  wake: 'never',
  chunk: 0,
  workDelay: 1_000_000,
  reclaimFirst: false,
  recheck: true,
  shortcut: true,
  naive: false,
  bucketsOnly: false,
  defaultClasses: false,
  swapinIssuer: false,
  backchargeKill: false,
  oneWorker: false,
  allTmpfs: false,
  objcgStays: false,
};

/** What a preset or a policy file says: what it leaves out is as in Linux. */
export type SomeAnswers = Partial<Omit<Answers, 'refused'>> & {
  refused?: Refusal | Partial<Record<Context, Refusal>>;
};

/** A policy, as it is chosen by name or read from a file. */
export interface Policy {
  name: string;
  /** one line: what it does */
  summary: string;
  /** rows of the debates that it answers (docs/debates/) */
  rows: readonly string[];
  /** the scenario (bindings/generate/registry.ts) that shows it; '' of a policy that a file defines */
  scenario: string;
  answers: Answers;
  rewrite?: Rewrite;
  /** options of the rewrite; those left out have their defaults */
  rewriteOptions?: Readonly<Record<string, number | string>>;
  /** ops of which a trace must have at least one for the policy to differ from Linux; without: it is refused */
  needs: readonly string[];
  /** it needs hits (accesses of resident pages): on a trace of misses its result is a lower bound */
  needsHits: boolean;
  /** residencies that it can be replayed in */
  residency: readonly ('recorded' | 'modelled')[];
  /** accounting only: what is billed is the proportional share of the users, and no limit is kept */
  oracle?: true;
}

/** What a preset gives; the rest follows. */
export interface Preset {
  name: string;
  summary: string;
  rows: readonly string[];
  scenario: string;
  answers?: SomeAnswers;
  rewrite?: Rewrite;
  rewriteOptions?: Readonly<Record<string, number | string>>;
  needs?: readonly string[];
  needsHits?: boolean;
  residency?: readonly ('recorded' | 'modelled')[];
  oracle?: true;
}

/** Thrown for a policy that makes no sense; the message is one line without the name of where it stands. */
export class PolicyError extends Error {
  override name = 'PolicyError';
  /** the fields of the policy that it is about, the first the one that is refused; none where it is about no field */
  readonly fields: readonly string[];

  constructor(why: string, fields: readonly string[] = []) {
    super(fields.length === 0 ? why : `${fields[0]}: ${why}`);
    this.fields = fields;
  }
}

/** `some` over the answers of `base`. One word for refused is the answer in every context; without a target there is none for it. */
export function completeAnswers(base: Readonly<Answers>, some: SomeAnswers): Answers {
  const { refused: asked = {}, ...others } = some;
  const answers = { ...base, ...others };
  if (typeof asked !== 'string') return { ...answers, refused: { ...base.refused, ...asked } };
  const refused = Object.fromEntries(CONTEXTS.map((context) => [context, asked])) as Record<Context, Refusal>;
  const targets = answers.payer !== 'toucher' || answers.worker === 'assigned';
  return { ...answers, refused: targets ? refused : { ...refused, target: 'kernel' } };
}

/** Fills in Linux' answers, and checks that the answers can be combined. PolicyError says why they cannot. */
export function definePolicy(preset: Omit<Preset, 'scenario'> & Partial<Preset>): Policy {
  const {
    answers: some = {},
    needs = [],
    needsHits = false,
    residency = ['modelled'],
    scenario = '',
    ...rest
  } = preset;
  const answers = completeAnswers(LINUX, some);
  const mixed = { answers, rewrite: preset.rewrite, oracle: preset.oracle === true };
  const wrong = IMPOSSIBLE.find(({ meets }) => meets(mixed));
  if (wrong !== undefined) throw new PolicyError(wrong.why, wrong.fields);
  return { ...rest, scenario, answers, needs, needsHits, residency };
}

/** True when no answer differs from Linux 6.18. */
export function isLinux(answers: Answers): boolean {
  return JSON.stringify(sorted(answers)) === JSON.stringify(sorted(LINUX));
}

function sorted(answers: Answers): unknown[] {
  const { refused, workDelay: _, ...rest } = answers;
  return [...Object.entries(rest).sort(), ...Object.entries(refused).sort()];
}

/** The engine's numbers of the answers. */
const PAYER_NUMBERS: Readonly<Record<Payer, number>> = {
  toucher: L.PAYER_TOUCHER,
  mount: L.PAYER_MOUNT,
  creator: L.PAYER_CREATOR,
  named: L.PAYER_NAMED,
  domain: L.PAYER_DOMAIN,
  handle: L.PAYER_HANDLE,
  nobody: L.PAYER_NOBODY,
};
const KMEM_NUMBERS: Readonly<Record<KmemPayer, number>> = { toucher: L.KMEM_TOUCHER, nobody: L.KMEM_NOBODY };
const WORKER_NUMBERS: Readonly<Record<Worker, number>> = {
  issuer: L.WORKER_ISSUER,
  root: L.WORKER_ROOT,
  inline: L.WORKER_INLINE,
  assigned: L.WORKER_ASSIGNED,
  backcharge: L.WORKER_BACKCHARGE,
  'backcharge-metadata': L.WORKER_BACKCHARGE_METADATA,
};
const SHARE_NUMBERS: Readonly<Record<Share, number>> = {
  stay: L.SHARE_STAY,
  'common-ancestor': L.SHARE_COMMON_ANCESTOR,
};
const OFFLINE_NUMBERS: Readonly<Record<Offline, number>> = {
  zombie: L.OFFLINE_ZOMBIE,
  reparent: L.OFFLINE_REPARENT,
  release: L.OFFLINE_RELEASE,
  drop: L.OFFLINE_DROP,
};
const REUSE_NUMBERS: Readonly<Record<Reuse, number>> = { keep: L.REUSE_KEEP, recharge: L.REUSE_RECHARGE };
const REFUSED_NUMBERS: Readonly<Record<Refusal, number>> = {
  kernel: L.REFUSED_KERNEL,
  enomem: L.REFUSED_ENOMEM,
  error: L.REFUSED_ERROR,
  'oom-in-place': L.REFUSED_OOM_IN_PLACE,
  'restart-call': L.REFUSED_RESTART_CALL,
  'overcharge-return': L.REFUSED_OVERCHARGE_RETURN,
  'overcharge-work': L.REFUSED_OVERCHARGE_WORK,
  force: L.REFUSED_FORCE,
};
const WAKE_NUMBERS: Readonly<Record<Wake, number>> = {
  never: L.WAKE_NEVER,
  always: L.WAKE_ALWAYS,
  'if-cache': L.WAKE_IF_CACHE,
};

/** Writes the answers into the header of a machine whose engine attaches afterwards. Views of the whole memory. */
export function writePolicy(u32: Uint32Array, u64: BigUint64Array, answers: Answers): void {
  const at = (L.HEADER + L.H_POLICY) / 4;
  const put = (field: number, value: number) => {
    u32[at + field / 4] = value;
  };
  put(L.POLICY_ON, isLinux(answers) ? 0 : 1);
  put(L.POLICY_PAYER, PAYER_NUMBERS[answers.payer]);
  put(L.POLICY_KMEM, KMEM_NUMBERS[answers.kmem]);
  put(L.POLICY_WORKER, WORKER_NUMBERS[answers.worker]);
  put(L.POLICY_SHARE, SHARE_NUMBERS[answers.share]);
  put(L.POLICY_OFFLINE, OFFLINE_NUMBERS[answers.offline]);
  put(L.POLICY_REUSE, REUSE_NUMBERS[answers.reuse]);
  CONTEXTS.forEach((context, i) => {
    put(L.POLICY_REFUSED + 4 * i, REFUSED_NUMBERS[answers.refused[context]]);
  });
  put(L.POLICY_WAKE, WAKE_NUMBERS[answers.wake]);
  put(L.POLICY_CHUNK, answers.chunk);
  put(
    L.POLICY_OPTIONS,
    (answers.reclaimFirst ? L.OPTION_RECLAIM_FIRST : 0) |
      (answers.recheck ? 0 : L.OPTION_NO_RECHECK) |
      (answers.shortcut ? 0 : L.OPTION_NO_SHORTCUT) |
      (answers.naive ? L.OPTION_NAIVE : 0) |
      (answers.bucketsOnly ? L.OPTION_BUCKETS_ONLY : 0) |
      (answers.defaultClasses ? L.OPTION_DEFAULT_CLASSES : 0) |
      (answers.swapinIssuer ? L.OPTION_SWAPIN_ISSUER : 0) |
      (answers.backchargeKill ? L.OPTION_BACKCHARGE_KILL : 0) |
      (answers.oneWorker ? L.OPTION_ONE_WORKER : 0) |
      (answers.allTmpfs ? L.OPTION_ALL_TMPFS : 0) |
      (answers.objcgStays ? L.OPTION_OBJCG_STAYS : 0),
  );
  u64[(L.HEADER + L.H_POLICY + L.POLICY_WORK_NS) / 8] = BigInt(answers.workDelay);
}
