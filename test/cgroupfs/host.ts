/** A host of processes for the tests: a shell and what it starts, beside two threads of the kernel, of which 2 stays where it is and 3 does not. */
import type { CgroupFs } from '../../bindings/cgroupfs/cgroupfs.ts';
import type { Processes, Thread } from '../../bindings/cgroupfs/processes.ts';
import type { Machine } from '../../bindings/machine.ts';

/** pids are not tasks' ids. */
const FIRST_PID = 700;

export class Host implements Processes {
  readonly machine: Machine;
  readonly #threads = new Map<number, Thread>();
  readonly stopped = new Set<number>();
  /** processes that nobody waits for */
  readonly orphans = new Set<number>();
  #nextPid = FIRST_PID;
  shell = 0;

  constructor(machine: Machine) {
    this.machine = machine;
    this.#threads.set(1, { tid: 1, pid: 1, task: machine.spawn() });
    this.#threads.set(2, { tid: 2, pid: 2, task: 0, bound: true });
    this.#threads.set(3, { tid: 3, pid: 3, task: 0 });
    this.shell = 1;
  }

  threads(): Iterable<Thread> {
    return this.#threads.values();
  }

  /** The child of a process, where that is; it lives until it is killed. EngineError EAGAIN. */
  fork(fs: CgroupFs, parent: number, thread = false): number {
    const tid = this.#nextPid++;
    fs.fork(parent, tid);
    const { task, pid } = this.#threads.get(parent)!;
    this.#threads.set(tid, { tid, pid: thread ? pid : tid, task: this.machine.forkTask(task, { thread }) });
    return tid;
  }

  /** Its threads end; it stays until it is waited for. */
  kill(pid: number): void {
    for (const [tid, thread] of this.#threads) if (thread.pid === pid && !thread.dead) this.exitThread(tid);
  }

  exitThread(tid: number): void {
    const thread = this.#threads.get(tid)!;
    this.machine.exit(thread.task);
    this.#threads.set(tid, { ...thread, dead: true });
  }

  reap(pid: number): void {
    for (const [tid, thread] of this.#threads) if (thread.pid === pid) this.#threads.delete(tid);
  }

  /** Waits for all that are dead, as bash does between commands. */
  reapAll(): void {
    const living = new Set([...this.#threads.values()].filter(({ dead }) => !dead).map(({ pid }) => pid));
    for (const { pid } of [...this.#threads.values()]) if (!living.has(pid) && !this.orphans.has(pid)) this.reap(pid);
  }

  freeze(tid: number, frozen: boolean): void {
    if (frozen) this.stopped.add(tid);
    else this.stopped.delete(tid);
  }
}
