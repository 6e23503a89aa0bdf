/** What each answer of a policy means, in words: what `memcharge policies` and docs/policies.md say of it. */
import type {
  Answers,
  Context,
  KmemPayer,
  Offline,
  Payer,
  Refusal,
  Reuse,
  Rewrite,
  Share,
  Wake,
  Worker,
} from './policy.ts';

/** A question that a policy answers by one word. */
export interface Question {
  /** the field of a policy that answers it */
  field: 'payer' | 'kmem' | 'worker' | 'share' | 'offline' | 'reuse' | 'refused' | 'wake';
  asks: string;
  /** where the engine asks it: assembly/policy/FILE.ts */
  hook: string;
  answers: Readonly<Record<string, string>>;
}

const PAYER: Readonly<Record<Payer, string>> = {
  toucher: 'the cgroup of the task that touches it first',
  mount: 'the cgroup that memcg= of its mount names; of other mounts the toucher',
  creator: 'the cgroup that created its object, as long as that is an ancestor of the toucher; else the toucher',
  named: 'the cgroup that its object names, where the cgroups on the way allow it',
  domain: 'the nearest resource domain above the toucher that its object is marked for; else the toucher',
  handle: 'the cgroup chosen by a handle when its object was made; else the toucher',
  nobody: 'nobody: no limit is kept',
};
const KMEM: Readonly<Record<KmemPayer, string>> = {
  toucher: 'the cgroup of the task that allocates it',
  nobody: 'nobody',
};
const WORKER: Readonly<Record<Worker, string>> = {
  issuer: 'the issuer: each cgroup that issues I/O has a worker of its own',
  root: 'the root: one worker for each loop device',
  inline: 'the issuer, in whose own context the work is done',
  assigned: 'the cgroup that the loop device is assigned to, whoever issues',
  backcharge: 'the root at once, and the issuer afterwards, who works off a deficit',
  'backcharge-metadata': 'data the issuer; metadata the root at once and the issuer afterwards',
};
const SHARE: Readonly<Record<Share, string>> = {
  stay: 'nothing: it stays where it is charged',
  'common-ancestor': "it moves to the lowest common ancestor of its payer and the toucher's cgroup",
};
const OFFLINE: Readonly<Record<Offline, string>> = {
  zombie: 'they stay charged to the dying cgroup, and count in its parent',
  reparent: "they become the parent's own",
  release: 'they lose their payer, and the next toucher is charged',
  drop: 'page cache is dropped, as far as it can be',
};
const REUSE: Readonly<Record<Reuse, string>> = {
  keep: 'nothing: it stays where it is charged',
  recharge: 'all of it is charged to its new user, or nothing',
};
const REFUSED: Readonly<Record<Refusal, string>> = {
  kernel: 'as Linux 6.18: reclaim, then the OOM killer, then an error',
  enomem: 'reclaim, then ENOMEM: nobody is killed',
  error: "reclaim, then a kill in the target's subtree, else ENOSPC, or SIGBUS in a page fault",
  'oom-in-place': 'the OOM killer runs inside the charge, which is tried again',
  'restart-call': 'the call fails, lets go of its locks, kills at its end and is begun again',
  'overcharge-return': 'it passes over the limit, and the task answers for it at its return to user mode',
  'overcharge-work': 'it passes over the limit, and a work item answers for it',
  force: 'it passes over the limit, and is counted',
};
const WAKE: Readonly<Record<Wake, string>> = {
  never: 'no',
  always: 'yes',
  'if-cache': 'only if there is page cache to take',
};

/** The questions, in their order. */
export const HOOKS: readonly Question[] = [
  { field: 'payer', asks: 'Who pays for a new page?', hook: 'payer', answers: PAYER },
  { field: 'kmem', asks: '… and for kernel memory?', hook: 'payer', answers: KMEM },
  { field: 'worker', asks: '… and for work that is done for somebody else?', hook: 'worker', answers: WORKER },
  { field: 'share', asks: 'Another cgroup touches a page: what happens to it?', hook: 'share', answers: SHARE },
  { field: 'offline', asks: 'A cgroup is removed: what becomes of its pages?', hook: 'offline', answers: OFFLINE },
  {
    field: 'reuse',
    asks: 'A pinned map or a cached file is taken up again: what happens to its charge?',
    hook: 'reuse',
    answers: REUSE,
  },
  { field: 'refused', asks: 'A charge cannot be paid: what happens?', hook: 'refused', answers: REFUSED },
  { field: 'wake', asks: 'Does a charge that may not block wake reclaim?', hook: 'refused', answers: WAKE },
];

/** Where a charge is made, and so where an error could go. */
export const CONTEXT_MEANINGS: Readonly<Record<Context, string>> = {
  fault: 'a page fault: no call that could return an error, SIGBUS at most',
  call: 'user pages in a system call: write(), fallocate(), mmap(MAP_POPULATE)',
  kmem: 'kernel memory in a system call',
  atomic: 'a charge that may not block: insertions into a BPF map',
  worker: 'a kernel thread that works for somebody else: the loop device',
  target: "the payer is not the toucher's own cgroup, nor above it",
};

/** Answers that are numbers or yes and no. */
export type Option = Exclude<keyof Answers, Question['field']>;

/** What each does when it is set, and its unit. */
export const OPTION_MEANINGS: Readonly<Record<Option, string>> = {
  chunk: 'pages that a recharge takes at once; 0: all of an object',
  workDelay: 'ns from queueing a work item until it runs',
  reclaimFirst: 'reclaim before a kill at the return to user mode',
  recheck: 'no kill at the return to user mode if the limit is kept again by then',
  shortcut: 'a recharge does not charge levels at and above the common ancestor again',
  naive: 'what is inserted while a recharge goes on stays with the old payer',
  bucketsOnly: 'of a BPF map only its buckets are recharged',
  defaultClasses: 'page cache is persistent unless it is marked otherwise',
  swapinIssuer: "a page that a worker reads back from swap bills the issuer, not the entry's owner",
  oneWorker: 'one worker a device does the work of all, each charged to its issuer',
  backchargeKill: 'a deficit that cannot be worked off kills, instead of staying',
  allTmpfs: 'refused.worker is for all of tmpfs, too, not for loop workers only',
  objcgStays: 'kernel objects stay with the dying cgroup, instead of going to its parent',
};

/** What userspace would do differently: the trace is rewritten before it is replayed. */
export const REWRITE_MEANINGS: Readonly<Record<Rewrite, string>> = {
  layered: 'each instance lives in a cgroup of its own under one that survives its restarts',
  same: 'every instance runs in the same cgroup',
  copy: 'a map that is taken up again is copied into a new one, which takes its place',
  recreate: 'a map that is taken up again is freed and made anew, empty',
  preallocate: 'who makes a shared object touches all of it first',
  'private-copies': 'each cgroup has a copy of its own of what it would share',
  'mount-ancestor': 'memcg= names the lowest common ancestor of those who use the mount',
};
