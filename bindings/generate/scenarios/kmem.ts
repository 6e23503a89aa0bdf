/** Debate 5: a full cgroup, one of whose tasks charges kernel memory in a system call. */
import type { Scenario } from '../scenario.ts';
import type { TraceBuilder } from '../trace-builder.ts';

/** How long the call takes after its last charge, ns. */
const CALL_NS = 5_000_000;

/** The tasks whose calls are under way at once: T, or T1, T2 … */
export function callers(tasks: number): string[] {
  return tasks === 1 ? ['T'] : Array.from({ length: tasks }, (_, i) => `T${i + 1}`);
}

/** A cgroup /k of `max` pages that is full: the callers share `anon` pages, V has `other`. */
export function fullCgroup(
  trace: TraceBuilder,
  names: readonly string[],
  max: number,
  anon: number,
  other: number,
): void {
  trace.mkdir('/k', { 'memory.max': max });
  const each = Math.floor(anon / names.length);
  for (const name of names) trace.spawn(name, '/k').touch(name, { pages: each });
  trace.spawn('V', '/k').touch('V', { pages: other });
}

/** The calls of the callers, all open at once, and their ends, one after the other. Each holds a lock of its own if `lock`. */
export function callAtOnce(
  trace: TraceBuilder,
  names: readonly string[],
  pages: number,
  order: number,
  lock = false,
): void {
  names.forEach((name, i) => {
    if (lock) trace.lock(name, i + 1);
    trace.kmem(name, { pages, order, open: true });
  });
  trace.wait(CALL_NS);
  names.forEach((name, i) => {
    if (lock) trace.unlock(name, i + 1, { open: true });
    trace.returnToUser(name);
  });
}

export const kmem: Scenario = {
  name: 'kmem',
  summary: 'T with 60M and V with 4M fill a cgroup of 64M; T charges 8M of kernel memory in one system call',
  debate: 'kmem',
  options: {
    max: { default: 16384, summary: 'memory.max, pages' },
    anon: { default: 15360, summary: 'pages of private memory of T' },
    other: { default: 1024, summary: '… and of V' },
    charge: { default: 2048, summary: 'pages of kernel memory that the call charges' },
    order: { default: 3, summary: 'of each allocation' },
    lock: { default: 0, summary: '1: T holds a lock over its call, without which it cannot exit' },
    thread: { default: 0, summary: '1: a kernel thread charges for T, on its behalf' },
  },
  build(trace, { max, anon, other, charge, order, lock, thread }) {
    fullCgroup(trace, ['T'], Number(max), Number(anon), Number(other));
    if (Number(thread)) {
      trace.spawn('kworker', '/', { kernelThread: true });
      trace.kmem('kworker', { pages: Number(charge), order: Number(order), cgroup: '/k' });
    } else {
      callAtOnce(trace, ['T'], Number(charge), Number(order), Number(lock) !== 0);
    }
    // A second in which nothing happens: what is over its limit stays so, or not.
    trace.wait(1_000_000_000).row('mark', { name: 'end' });
  },
};
