/** The processes of a machine, as far as cgroups know them. */
import * as L from '../../assembly/layout.ts';
import { regionAt } from '../engine/capacities.ts';
import type { Machine } from '../machine.ts';

/** A thread that exists. */
export interface Thread {
  readonly tid: number;
  /** the process: its leader's tid */
  readonly pid: number;
  /** the engine's task; 0: the engine does not know it, as of the kernel's own threads */
  readonly task: number;
  /** it has exited, and is still there: nobody waited for it, or it leads threads that live */
  readonly dead?: boolean;
  /** a thread of the kernel that may not be moved (PF_NO_SETAFFINITY) */
  readonly bound?: boolean;
  /** it stands still as its cgroup told it; as soon as it is told unless given */
  readonly frozen?: boolean;
}

/**
 * Who runs the processes. Where each of them is, the control files know themselves: the host tells them of forks (CgroupFs.fork()) and
 * answers what they ask here.
 */
export interface Processes {
  /** Every thread that exists, from its fork until somebody has waited for it. */
  threads(): Iterable<Thread>;
  /** SIGKILL for a process. */
  kill(pid: number): void;
  /** Stops a thread, or lets it go on: cgroup.freeze. */
  freeze?(tid: number, frozen: boolean): void;
  /** io.stat of a cgroup: lines that end with a newline. */
  ioStat?(path: string): string;
  /** cpu.stat of a cgroup: µs of user and of system time, of those in it and below. */
  cpuTime?(path: string): { user: number; system: number };
}

/** Plain machines: every task is a thread whose tid is the task's id, and nobody waits for the dead. */
export class TaskProcesses implements Processes {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  threads(): Thread[] {
    const { memory, capacities } = this.#machine;
    const words = new Uint32Array(memory.buffer);
    const base = regionAt(L.R_TASK, capacities);
    const end = words[(L.HEADER + L.H_TASK_END) / 4]!;
    const field = (task: number, at: number) => words[(base + task * L.TASK_STRIDE + at) / 4]!;
    const threads: Thread[] = [];
    const leaders = new Set<number>();
    for (let task = 1; task < end; task++) {
      if (field(task, L.TASK_STATE) !== L.TASK_LIVE) continue;
      const pid = field(task, L.TASK_MM) || task;
      threads.push({ tid: task, pid, task });
      leaders.add(pid);
    }
    for (const { tid } of threads) leaders.delete(tid);
    for (const pid of leaders) threads.push({ tid: pid, pid, task: pid, dead: true });
    return threads;
  }

  kill(pid: number): void {
    for (const thread of this.threads()) if (thread.pid === pid && !thread.dead) this.#machine.exit(thread.task);
  }
}
