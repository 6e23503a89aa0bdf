/**
 * Which thread is in which cgroup, and what the pids controller counts of it. kernel/cgroup/cgroup.c: css_set_move_task(),
 * cgroup_exit(); kernel/cgroup/pids.c. A thread that exits stays where it was until somebody has waited for it: pids.current counts it,
 * cgroup.procs does not list it.
 */
import * as L from '../../assembly/layout.ts';
import { regionAt } from '../engine/capacities.ts';
import { EngineError } from '../engine/error.ts';
import type { Machine } from '../machine.ts';
import { PIDS } from './controllers.ts';
import type { Directory } from './directory.ts';
import type { PidsState } from './pids-state.ts';
import type { Processes, Thread } from './processes.ts';

interface Member {
  thread: Thread;
  directory: Directory;
  /** the engine's cgroup of its task, when it was last looked at */
  memcg: number;
  /** whose pids.current counts it, from its own cgroup upwards */
  counted: PidsState[];
  /** forked, and not seen among the host's threads yet */
  fresh: boolean;
}

/** The states of the pids controller that count who is in a cgroup: pids_charge(). */
function pidsAbove(directory: Directory): PidsState[] {
  const states: PidsState[] = [];
  for (const d of directory.upwards()) if (!d.isRoot && d.controllers & d.enabled & PIDS) states.push(d.pids);
  return states;
}

export class Members {
  readonly #machine: Machine;
  readonly #root: Directory;
  readonly #members = new Map<number, Member>();
  #words: Uint32Array;
  #tasks: number;
  processes: Processes;
  /** of the cgroups that have a memcg */
  readonly ofMemcg: ReadonlyMap<number, Directory>;

  constructor(machine: Machine, root: Directory, ofMemcg: ReadonlyMap<number, Directory>, processes: Processes) {
    this.#machine = machine;
    this.#root = root;
    this.ofMemcg = ofMemcg;
    this.processes = processes;
    this.#words = new Uint32Array(machine.memory.buffer);
    this.#tasks = regionAt(L.R_TASK, machine.capacities);
  }

  /** The engine's cgroup of a task. */
  #memcgOf({ task }: Thread): number {
    return task ? this.#words[(this.#tasks + task * L.TASK_STRIDE + L.TASK_MEMCG) / 4]! : 0;
  }

  /** The turn of a task among all that ever joined a cgroup, low word; 0 where residency is not modelled. */
  #joined({ task }: Thread): number {
    if (this.#machine.residency !== 'modelled' || !task) return 0;
    return this.#words[(regionAt(L.R_MM, this.#machine.capacities) + task * L.MM_STRIDE + L.TASK_JOINED) / 4]!;
  }

  /** Takes over what happened behind our back: threads that came, went, died, or were moved by the machine itself. */
  sync(): void {
    const seen = new Set<number>();
    const strangers: Thread[] = [];
    for (const thread of this.processes.threads()) {
      seen.add(thread.tid);
      const member = this.#members.get(thread.tid);
      if (member === undefined || (!member.fresh && member.thread.task !== thread.task)) {
        strangers.push(thread);
        continue;
      }
      member.thread = thread;
      if (member.fresh) {
        member.fresh = false;
        member.memcg = this.#memcgOf(thread);
      }
      if (thread.dead) this.#died(member);
      const memcg = this.#memcgOf(thread);
      if (thread.task && memcg !== member.memcg && !thread.dead) strangers.push(thread);
    }
    // A child that its host never listed has come and gone since it was forked.
    for (const tid of this.#members.keys()) if (!seen.has(tid)) this.forget(tid);
    strangers.sort((a, b) => this.#joined(a) - this.#joined(b) || a.tid - b.tid);
    for (const thread of strangers) {
      const directory = this.ofMemcg.get(this.#memcgOf(thread)) ?? this.#root;
      const member = this.#members.get(thread.tid);
      if (member !== undefined && member.thread.task === thread.task) this.#place(member, directory);
      else this.#admit(thread, directory, false);
    }
  }

  #admit(thread: Thread, directory: Directory, fresh: boolean): void {
    this.forget(thread.tid);
    const member = { thread, directory, memcg: this.#memcgOf(thread), counted: pidsAbove(directory), fresh };
    this.#members.set(thread.tid, member);
    for (const pids of member.counted) pids.peak = Math.max(pids.peak, ++pids.current);
    if (!thread.dead) directory.live.add(thread.tid);
  }

  #died({ thread, directory }: Member): void {
    directory.live.delete(thread.tid);
  }

  /** The thread is gone for good, or never came to be. */
  forget(tid: number): void {
    const member = this.#members.get(tid);
    if (member === undefined) return;
    for (const pids of member.counted) pids.current--;
    member.directory.live.delete(tid);
    this.#members.delete(tid);
  }

  /** Somebody else may say where the threads of a process are: they are asked for anew. */
  forgetProcess(pid: number): void {
    for (const [tid, { thread }] of this.#members) if (thread.pid === pid) this.forget(tid);
  }

  /** css_set_move_task() of one thread, and what the pids controller counts: pids_can_attach(). */
  #place(member: Member, directory: Directory): void {
    const { thread } = member;
    member.directory.live.delete(thread.tid);
    member.directory = directory;
    if (!thread.dead) directory.live.add(thread.tid);
    this.#recount(member);
    member.memcg = this.#memcgOf(thread);
  }

  /** The new ones count it before the old ones let it go, as the kernel does: an ancestor's peak shows it. */
  #recount(member: Member): void {
    const counted = pidsAbove(member.directory);
    const [own] = counted;
    if (own === member.counted[0]) return;
    for (const pids of counted) pids.peak = Math.max(pids.peak, ++pids.current);
    for (const pids of member.counted) pids.current--;
    member.counted = counted;
  }

  /** Has the engine charge a thread's cgroup from now on. The leader's task pays for the process: the engine moves its threads with it. */
  #attach(member: Member): void {
    const { thread, directory } = member;
    const memcg = directory.effectiveMemcg;
    if (thread.task && this.#memcgOf(thread) !== memcg) this.#machine.engine.attachTask(thread.task, memcg);
    member.memcg = this.#memcgOf(thread);
  }

  /** After controllers came or went: whoever is in these cgroups belongs to the new states. */
  migrate(directories: Iterable<Directory>): void {
    for (const directory of directories)
      for (const tid of directory.live) {
        const member = this.#members.get(tid)!;
        this.#recount(member);
        this.#attach(member);
        const leader = this.#members.get(member.thread.pid);
        if (leader?.thread.dead) this.#attachLeader(leader, directory);
      }
  }

  #attachLeader({ thread }: Member, directory: Directory): void {
    const memcg = directory.effectiveMemcg;
    if (thread.task && this.#memcgOf(thread) !== memcg) this.#machine.engine.attachTask(thread.task, memcg);
  }

  /**
   * fork(2) of a thread: the child is where its parent is. EngineError EAGAIN where pids.max does not allow it, and the event is counted:
   * pids_can_fork().
   */
  fork(parent: number, tid: number): void {
    const member = this.#members.get(parent);
    const directory = member?.directory ?? this.#root;
    const states = pidsAbove(directory);
    const charged: PidsState[] = [];
    for (const pids of states) {
      pids.current++;
      charged.push(pids);
      if (BigInt(pids.current) > pids.limit) {
        for (const each of charged) each.current--;
        this.#refuse(states, pids);
        throw new EngineError('EAGAIN', `fork in ${directory.path}: EAGAIN: pids.max`);
      }
      pids.peak = Math.max(pids.peak, pids.current);
    }
    for (const pids of charged) pids.current--;
    this.#admit({ tid, pid: tid, task: 0 }, directory, true);
  }

  /** pids_event(): 6.1 counts a refused fork where the task is, 6.18 from the limit upwards. */
  #refuse(states: PidsState[], over: PidsState): void {
    if (this.#machine.kernel === '6.1') {
      states[0]!.events++;
      return;
    }
    over.localEvents++;
    for (const pids of states.slice(states.indexOf(over))) pids.events++;
  }

  directoryOf(tid: number): Directory | null {
    return this.#members.get(tid)?.directory ?? null;
  }

  find(tid: number): Thread | null {
    const member = this.#members.get(tid);
    return member === undefined || member.fresh ? null : member.thread;
  }

  /** The threads of a process that live, and its leader even if it does not. */
  process(pid: number): Thread[] {
    return [...this.#members.values()].map(({ thread }) => thread).filter((thread) => thread.pid === pid);
  }

  /** Moves threads that live: cgroup_attach_task(). */
  move(threads: readonly Thread[], directory: Directory): void {
    for (const thread of threads) {
      const member = this.#members.get(thread.tid)!;
      if (thread.dead || member.directory === directory) continue;
      this.#place(member, directory);
    }
    for (const thread of threads) {
      const member = this.#members.get(thread.tid)!;
      if (!thread.dead) this.#attach(member);
      else if (threads.some(({ dead }) => !dead)) this.#attachLeader(member, directory);
    }
  }

  /** What cgroup.threads lists. */
  threadsIn(directory: Directory): number[] {
    return [...directory.live];
  }

  /** What cgroup.procs lists: leaders, in the order in which they came, and last those that are dead and whose threads live. */
  processesIn(directories: Iterable<Directory>): number[] {
    const living: number[] = [];
    const dead: number[] = [];
    for (const directory of directories) {
      for (const tid of directory.live) if (this.#members.get(tid)!.thread.pid === tid) living.push(tid);
      for (const [tid, { thread, directory: at }] of this.#members)
        if (at === directory && thread.dead && thread.pid === tid && this.process(tid).some((t) => !t.dead))
          dead.push(tid);
    }
    return [...living, ...dead];
  }

  /** Every thread here has come to a stand. The kernel's own never do. */
  allFrozen(directory: Directory): boolean {
    return [...directory.live].every((tid) => {
      const { frozen, task } = this.#members.get(tid)!.thread;
      return frozen ?? task !== 0;
    });
  }

  /** The engine's tasks in a cgroup, for a snapshot. */
  tasksIn({ live }: Directory): number[] {
    return [...live].map((tid) => this.#members.get(tid)!.thread.task).filter((task) => task !== 0);
  }

  /** … and from one, where tasks are the processes: they are there in their order, and counted; peaks stay what they were. */
  restore(directory: Directory, tasks: readonly number[]): void {
    const threads = new Map([...this.processes.threads()].map((thread) => [thread.tid, thread]));
    const peaks = pidsAbove(directory).map((pids) => [pids, pids.peak] as const);
    for (const task of tasks) {
      const thread = threads.get(task);
      if (thread !== undefined) this.#admit(thread, directory, false);
    }
    for (const [pids, peak] of peaks) pids.peak = peak;
  }

  /** Threads in a removed cgroup (the dead that nobody waited for). */
  *deadIn(directory: Directory): Generator<Thread, void, undefined> {
    for (const { thread, directory: at } of this.#members.values()) if (at === directory && thread.dead) yield thread;
  }
}
