/** Debate 5, K3e: "too easy to runaway": many tasks are in system calls at once, and each passes the limit. */
import type { Scenario } from '../scenario.ts';
import { callAtOnce, callers, fullCgroup } from './kmem.ts';

export const kmemRunaway: Scenario = {
  name: 'kmem-runaway',
  summary: 'ten tasks of a full cgroup of 64M charge 8M of kernel memory each, in system calls that overlap',
  debate: 'kmem',
  options: {
    tasks: { default: 10, summary: 'how many' },
    max: { default: 16384, summary: 'memory.max, pages' },
    anon: { default: 15360, summary: 'pages of private memory of all of them together' },
    other: { default: 1024, summary: 'pages of private memory of V, which is in no call' },
    charge: { default: 2048, summary: 'pages of kernel memory that each call charges' },
    order: { default: 3, summary: 'of each allocation' },
  },
  build(trace, { tasks, max, anon, other, charge, order }) {
    const names = callers(Number(tasks));
    fullCgroup(trace, names, Number(max), Number(anon), Number(other));
    callAtOnce(trace, names, Number(charge), Number(order));
    trace.wait(1_000_000_000).row('mark', { name: 'end' });
  },
};
