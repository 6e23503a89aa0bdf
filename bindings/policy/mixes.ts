/** Answers that contradict each other: each with the fields that meet, and why they cannot. docs/policies.md lists them. */
import type { Answers, Context, Refusal, Rewrite } from './policy.ts';

/** What is asked of a mix. */
export interface Mixed {
  answers: Answers;
  rewrite: Rewrite | undefined;
  oracle: boolean;
}

/** A contradiction. */
export interface Mix {
  /** the fields that meet, such as refused.fault; the one that is refused first */
  fields: readonly string[];
  meets: (mixed: Mixed) => boolean;
  why: string;
}

const LOOP_ROOT = ['root', 'backcharge', 'backcharge-metadata'];

/** A way to refuse that a context does not have. */
function noWay(context: Context, ways: readonly Refusal[], why: string): Mix {
  return {
    fields: [`refused.${context}`],
    meets: ({ answers }) => ways.includes(answers.refused[context]),
    why: `${ways.join(' and ')}: ${why}`,
  };
}

/** An answer that refines another one, which was not given. */
function refines(field: keyof Answers, of: string, meets: (answers: Answers) => boolean, why: string): Mix {
  return { fields: [field, of], meets: ({ answers }) => meets(answers), why };
}

const overReturn = ({ refused }: Answers) => Object.values(refused).includes('overcharge-return');
const overWork = ({ refused }: Answers) => Object.values(refused).includes('overcharge-work');

export const IMPOSSIBLE: readonly Mix[] = [
  {
    fields: ['refused.worker', 'worker'],
    meets: ({ answers }) => answers.worker === 'backcharge' && answers.refused.worker !== 'kernel',
    why: 'backcharge refuses nothing: refused.worker would never be asked',
  },
  {
    fields: ['share', 'payer'],
    meets: ({ answers }) => answers.share === 'common-ancestor' && answers.payer !== 'toucher',
    why: 'common-ancestor moves what its toucher paid for: with another payer somebody has been chosen on purpose',
  },
  {
    fields: ['share', 'rewrite'],
    meets: ({ answers, rewrite }) => answers.share === 'common-ancestor' && rewrite === 'private-copies',
    why: 'common-ancestor has nothing to move: rewrite private-copies shares nothing',
  },
  {
    fields: ['kmem', 'payer'],
    meets: ({ answers }) => answers.payer === 'nobody' && answers.kmem !== 'nobody',
    why: 'payer nobody charges nobody for kernel memory, either: kmem is nobody, too',
  },
  {
    fields: ['worker', 'payer'],
    meets: ({ answers }) =>
      answers.payer === 'nobody' && ['assigned', 'backcharge', 'backcharge-metadata'].includes(answers.worker),
    why: 'assigned and backcharge choose who pays for the work: with payer nobody there is no bill',
  },
  {
    fields: ['offline', 'payer'],
    meets: ({ answers }) => answers.payer === 'nobody' && answers.offline !== 'zombie',
    why: 'with payer nobody a removed cgroup has no pages that could be reparented, released or dropped',
  },
  {
    fields: ['reuse', 'payer'],
    meets: ({ answers }) => answers.payer === 'nobody' && answers.reuse === 'recharge',
    why: 'recharge moves a bill: with payer nobody there is none',
  },
  {
    fields: ['refused', 'payer'],
    meets: ({ answers }) =>
      answers.payer === 'nobody' && Object.values(answers.refused).some((how) => how !== 'kernel'),
    why: 'payer nobody has no limit that could refuse',
  },
  {
    fields: ['wake', 'payer'],
    meets: ({ answers }) => answers.payer === 'nobody' && answers.wake !== 'never',
    why: 'payer nobody has no limit at which reclaim could be woken',
  },
  {
    fields: ['refused.kmem', 'kmem'],
    meets: ({ answers }) => answers.kmem === 'nobody' && answers.refused.kmem !== 'kernel',
    why: "kernel memory that is nobody's is never refused",
  },
  {
    fields: ['refused.atomic', 'kmem'],
    meets: ({ answers }) => answers.kmem === 'nobody' && answers.refused.atomic !== 'kernel',
    why: "what is charged without blocking is kernel memory: that which is nobody's is never refused",
  },
  {
    fields: ['wake', 'kmem'],
    meets: ({ answers }) => answers.kmem === 'nobody' && answers.wake !== 'never',
    why: "what is charged without blocking is kernel memory: that which is nobody's wakes nothing",
  },
  {
    fields: ['refused.target', 'payer'],
    meets: ({ answers }) =>
      answers.payer === 'toucher' && answers.worker !== 'assigned' && answers.refused.target !== 'kernel',
    why: 'payer toucher has no target: nobody is chosen to pay for others',
  },
  noWay('fault', ['restart-call'], 'a page fault is no system call that could be begun again'),
  noWay('target', ['restart-call'], 'it may be a page fault, which is no system call that could be begun again'),
  noWay('kmem', ['error'], 'ENOSPC and SIGBUS are for pages of files: kernel memory has enomem'),
  noWay('atomic', ['restart-call', 'oom-in-place', 'error'], 'a charge that may not block cannot wait for a kill'),
  noWay('worker', ['restart-call'], 'what a kernel thread does is no system call that could be restarted'),
  refines('naive', 'reuse', (a) => a.naive && a.reuse === 'keep', 'a way to recharge, and reuse is keep'),
  refines('chunk', 'reuse', (a) => a.chunk > 0 && a.reuse === 'keep', 'a way to recharge, and reuse is keep'),
  refines('shortcut', 'reuse', (a) => !a.shortcut && a.reuse === 'keep', 'a way to recharge, and reuse is keep'),
  refines('bucketsOnly', 'reuse', (a) => a.bucketsOnly && a.reuse === 'keep', 'a way to recharge, and reuse is keep'),
  refines(
    'bucketsOnly',
    'kmem',
    (a) => a.bucketsOnly && a.kmem === 'nobody',
    "buckets of maps are kernel memory, which is nobody's",
  ),
  refines(
    'objcgStays',
    'kmem',
    (a) => a.objcgStays && a.kmem === 'nobody',
    "kernel objects are kernel memory, which is nobody's",
  ),
  refines(
    'reclaimFirst',
    'refused',
    (a) => a.reclaimFirst && !overReturn(a),
    'a way of overcharge-return, which refused has nowhere',
  ),
  refines(
    'recheck',
    'refused',
    (a) => !a.recheck && !overReturn(a),
    'a way of overcharge-return, which refused has nowhere',
  ),
  refines(
    'workDelay',
    'refused',
    (a) => a.workDelay !== 1_000_000 && !overWork(a),
    'a work item is queued by overcharge-work alone, which refused has nowhere',
  ),
  refines(
    'defaultClasses',
    'payer',
    (a) => a.defaultClasses && a.payer !== 'domain',
    'classes tell which domain pays, and payer is not domain',
  ),
  refines(
    'swapinIssuer',
    'worker',
    (a) => a.swapinIssuer && (a.worker === 'assigned' || LOOP_ROOT.includes(a.worker)),
    'the worker does not work in the name of its issuer',
  ),
  refines(
    'backchargeKill',
    'worker',
    (a) => a.backchargeKill && !a.worker.startsWith('backcharge'),
    'only backcharge has a deficit',
  ),
  refines(
    'oneWorker',
    'worker',
    (a) => a.oneWorker && a.worker !== 'issuer' && a.worker !== 'backcharge-metadata',
    'it is about the workers of issuers, of which there are none',
  ),
  refines(
    'allTmpfs',
    'refused',
    (a) => a.allTmpfs && a.refused.worker === 'kernel',
    'it widens refused.worker, which is as in Linux',
  ),
  {
    fields: ['rewrite', 'payer'],
    meets: ({ answers, rewrite }) => rewrite === 'mount-ancestor' && answers.payer !== 'mount',
    why: 'mount-ancestor changes memcg= of mounts, which payer mount alone heeds',
  },
  {
    fields: ['rewrite', 'reuse'],
    meets: ({ answers, rewrite }) => (rewrite === 'copy' || rewrite === 'recreate') && answers.reuse === 'recharge',
    why: 'copy and recreate make a new map where recharge would take up the old one',
  },
  {
    fields: ['payer'],
    meets: ({ answers, oracle, rewrite }) => oracle && (answers.payer !== 'nobody' || rewrite !== undefined),
    why: 'an oracle splits what is used as it is: nobody is charged, and nothing rewritten',
  },
];
