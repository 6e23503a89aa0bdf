/** The kernel's global state: processes, devices, file systems, mounts, and the machine whose memory all of it is. */
import * as L from '../../../assembly/layout.ts';
import type { CgroupFs } from '../../cgroupfs/cgroupfs.ts';
import type { Directory } from '../../cgroupfs/directory.ts';
import type { CallResult, KernelPages, PageKind } from '../../live.ts';
import type { Machine } from '../../machine.ts';
import { isLinux } from '../../policy/policy.ts';
import { ROOT_CGROUP } from '../../trace/schema.ts';
import { SyscallError } from './error.ts';
import type { Footprint } from './footprint.ts';
import { KERNEL_THREADS, type KernelThreadEntry } from './kernel-threads.ts';
import { MemoryFs } from './memory-fs.ts';
import { Pipe } from './pipe.ts';
import type { UserProcess } from './process.ts';
import { Scheduler, type Thread, WaitQueue } from './scheduler.ts';
import { SIGKILL } from './signals.ts';
import type { Mapping, Program } from './syscalls.ts';
import type { Caller, FileOperations, FileSystem, Inode, OpenFile } from './vfs.ts';

const PID_MAX = 32768;
const RESERVED_PIDS = 300;
/** Where CLOCK_REALTIME stands at boot: 2025-01-01 00:00:00 UTC. */
const BOOT_REALTIME = 1_735_689_600_000_000_000n;

/** Makes a file system of a type for mount(2). SyscallError EINVAL, ENOTBLK, ENODEV … */
export type MountType = (
  source: string,
  options: readonly string[],
  caller: Caller,
  device: Inode | null,
  payer: Payer | null,
) => FileSystem | Promise<FileSystem>;

/** A cgroup that is chosen to pay for others' pages, and how /proc/mounts shows it. */
export interface Payer {
  readonly memcg: number;
  readonly path: string;
}

/** swapon(2) and what /proc/swaps shows. */
export interface SwapDevices {
  swapon(file: OpenFile, caller: Caller): Promise<void>;
  swapoff(inode: Inode, caller: Caller): Promise<void>;
  /** sizes in KiB */
  list(): { path: string; type: 'partition' | 'file'; size: number; used: number; priority: number }[];
}

/** SysV shared memory. */
export interface SharedMemory {
  get(
    key: number,
    size: number,
    options: { create?: boolean; exclusive?: boolean; mode?: number },
    caller: Caller,
    payer: Payer | null,
  ): number;
  /** The segment as a file that is attached: its release detaches. */
  attach(id: number, caller: Caller): { file: OpenFile; pages: number };
  remove(id: number, caller: Caller): void;
  /** bytes; times in s since the epoch */
  list(): {
    id: number;
    key: number;
    size: number;
    uid: number;
    mode: number;
    nattch: number;
    cpid?: number;
    lpid?: number;
    atime?: number;
    dtime?: number;
    ctime?: number;
    rss?: number;
    swap?: number;
  }[];
}

/** A disk, as /sys/block shows it. Bytes. */
export interface Disk {
  readonly name: string;
  readonly rdev: number;
  readonly size: number;
  readonly readonly: boolean;
  /** files of its directory `loop`, by name: a loop device that is attached has them */
  readonly loop?: Readonly<Record<string, string>> | undefined;
}

/** Beside processes: a thread of the kernel, as a flusher or a loop device's worker. It has an engine's task in the root cgroup. */
class KernelThread implements Caller {
  readonly kernel: Kernel;
  readonly pid: number;
  readonly task: number;
  readonly uid = 0;
  readonly gid = 0;
  readonly comm: string;
  /** loop workers and flushers are workers of the kernel, which stay where they are */
  readonly state = 'I';
  readonly bound = true;
  thread!: Thread;

  constructor(kernel: Kernel, comm: string) {
    this.kernel = kernel;
    this.comm = comm;
    this.pid = kernel.nextPid();
    this.task = kernel.machine.spawnKernelThread();
  }
  get cpuId(): number {
    return this.thread.cpu;
  }
  get now(): bigint {
    return this.kernel.scheduler.now;
  }
  get realtime(): bigint {
    return this.kernel.realtime;
  }
  charge(call: (machine: Machine, task: number, cpu: number) => CallResult): CallResult {
    const result = call(this.kernel.machine, this.task, this.cpuId);
    this.kernel.noteEvents();
    if (result.errno) throw new SyscallError(result.errno);
    return result;
  }
  async waitOn(queue: WaitQueue, options: { until?: bigint } = {}): Promise<boolean> {
    return (await this.kernel.scheduler.block(this.thread, queue, options.until ?? null, false)) !== 'timeout';
  }
  elapse(ns: number): void {
    this.kernel.scheduler.elapse(BigInt(Math.round(ns)));
  }
  raise(): void {}
}

export class Kernel {
  readonly machine: Machine;
  /** some answer of the charging policy is not Linux' */
  readonly policed: boolean;
  readonly scheduler: Scheduler;
  readonly footprint: Footprint;
  readonly programs: ReadonlyMap<string, Program>;
  /** by pid: processes and zombies */
  readonly processes = new Map<number, UserProcess>();
  /** by the engine's task */
  readonly tasks = new Map<number, UserProcess>();
  /** pids by the engine's task, also of those that are gone */
  readonly pids = new Map<number, number>();
  /** engine's tasks of processes that are gone, oldest first */
  readonly freeTasks: number[] = [];
  readonly kernelThreads = new Map<number, KernelThreadEntry>(KERNEL_THREADS.map((each) => [each.pid, each]));
  /** drivers by device number */
  readonly charDevices = new Map<number, FileOperations>();
  readonly blockDevices = new Map<number, FileOperations>();
  readonly fileSystems = new Map<string, MountType>();
  /** of fifos, while they are open */
  readonly #fifos = new WeakMap<Inode, Pipe>();
  swap: SwapDevices | null = null;
  sharedMemory: SharedMemory | null = null;
  /** memfd_create(2): a file without a name */
  memfd: ((name: string, caller: Caller, payer: Payer | null) => Inode) | null = null;
  /** file systems that are mounted, in the order of their first mount */
  readonly mounted = new Set<FileSystem>();
  /** the control files of cgroup2 */
  cgroups: CgroupFs | null = null;
  /** disks that /sys/block lists, and /proc/partitions where they have a size */
  disks: () => readonly Disk[] = () => [];
  /** pages of the page cache that belong to block devices: Buffers */
  bufferPages: () => number = () => 0;
  /** what drop_caches does beside what the engine does */
  onDropCaches: (what: 1 | 2 | 3, caller: Caller) => void = () => {};
  /** writes to drop_caches */
  readonly dropped = { pagecache: 0, slab: 0 };
  readonly cpus: number;
  hostname = '(none)';
  /** told of every process that has ended */
  onExit: (process: UserProcess) => void = () => {};
  readonly #pipeFs: MemoryFs;
  #pid: number;
  #frame = 1;
  #mountId = 16;
  #dev = 15;
  readonly #u64: BigUint64Array;
  #sample: { every: bigint; next: bigint; take: (now: bigint) => void } | null = null;

  constructor(
    machine: Machine,
    options: { cpus: number; programs: ReadonlyMap<string, Program>; footprint: Footprint; firstPid: number },
  ) {
    this.machine = machine;
    this.policed = !isLinux(machine.policy.answers);
    this.programs = options.programs;
    this.footprint = options.footprint;
    this.#pid = options.firstPid;
    this.cpus = options.cpus;
    this.#u64 = new BigUint64Array(machine.memory.buffer);
    this.#pipeFs = new MemoryFs('pipefs', 13, BOOT_REALTIME);
    this.scheduler = new Scheduler(machine.now, options.cpus, (now) => {
      this.#passTo(now);
      this.noteEvents();
    });
  }

  /** The machine's clock goes on, and who looks at it at intervals does. */
  #passTo(now: bigint): void {
    const { machine } = this;
    for (const sample = this.#sample; sample !== null && sample.next <= now; sample.next += sample.every) {
      machine.advance(sample.next);
      sample.take(sample.next);
    }
    machine.advance(now);
  }

  /** From now on somebody looks at the machine whenever so much time has passed. */
  sampleEvery(every: bigint, take: (now: bigint) => void): void {
    if (every <= 0n) throw new Error(`samples every ${every} ns`);
    this.#sample = { every, next: this.scheduler.now + every, take };
  }

  get realtime(): bigint {
    return BOOT_REALTIME + this.scheduler.now;
  }
  /** PID_MAX_DEFAULT wraps to 300 (RESERVED_PIDS). */
  nextPid(): number {
    while (this.processes.has(this.#pid) || this.kernelThreads.has(this.#pid) || this.#pid >= PID_MAX)
      this.#pid = this.#pid >= PID_MAX ? RESERVED_PIDS : this.#pid + 1;
    return this.#pid++;
  }
  /** The id of a task that is gone, once the engine's table is half full: until then kills() can tell all tasks apart. */
  taskAgain(): { again?: number } {
    if (this.pids.size < this.machine.capacities.tasks / 2) return {};
    const again = this.freeTasks.shift();
    return again === undefined ? {} : { again };
  }
  get lastPid(): number {
    return this.#pid - 1;
  }
  /** uname -r, uname -v */
  get release(): string {
    return this.machine.kernel === '6.1' ? '6.1.176' : '6.18.0';
  }
  get version(): string {
    return '#1 Sat Jul  4 15:38:16 UTC 2026';
  }
  /** num_cgroups of /proc/cgroups */
  cgroupCount(): number {
    return 1 + this.machine.cgroupStat(ROOT_CGROUP).nr_descendants;
  }
  /** What /proc/PID/cgroup says after `0::`, to who is in the cgroup namespace of that root. */
  cgroupPath(pid: number, namespace: Directory | null): string {
    return this.cgroups?.cgroupOf(pid, namespace) ?? '/';
  }
  /** Pages that a process has, by kind. */
  residentOf(process: UserProcess): { anon: number; file: number; shmem: number; swap: number; tables: number } {
    return {
      ...this.machine.residentOf(process.task),
      tables: this.footprint.tablesOf(process) + process.space.tables,
    };
  }
  /** A write to vm.drop_caches. */
  dropCaches(what: 1 | 2 | 3, caller: Caller): void {
    this.onDropCaches(what, caller);
    this.machine.dropCaches(what, caller.cpuId);
    this.noteEvents();
  }
  nextMountId(): number {
    return this.#mountId++;
  }
  /** A device number for a file system without a device: major 0. */
  nextDev(): number {
    return this.#dev++;
  }

  /** A kernel thread; it ends when `body` does. */
  startThread(comm: string, body: (caller: Caller) => Promise<void>): Caller {
    const caller = new KernelThread(this, comm);
    this.kernelThreads.set(caller.pid, caller);
    caller.thread = this.scheduler.start(
      () => comm,
      async () => {
        await body(caller);
        this.machine.exit(caller.task, caller.cpuId);
        this.kernelThreads.delete(caller.pid);
      },
    );
    return caller;
  }

  /** Who makes what is there from the start: root, whom nothing is charged to. */
  bootCaller(): Caller {
    const fail = () => {
      throw new Error('nobody waits while the world boots');
    };
    const charge = (call: (machine: Machine, task: number, cpu: number) => CallResult) => call(this.machine, 0, 0);
    const { realtime } = this;
    return {
      kernel: this,
      pid: 1,
      task: 0,
      uid: 0,
      gid: 0,
      cpuId: 0,
      now: this.scheduler.now,
      realtime,
      charge,
      waitOn: fail,
      elapse() {},
      raise() {},
    };
  }

  /** The inode of a pipe, which has no name. */
  pipeInode(caller: Caller): Inode {
    const inode = this.#pipeFs.makeInode('fifo', 0o600, caller, {});
    inode.nlink = 1;
    inode.uid = caller.uid;
    inode.gid = caller.gid;
    return inode;
  }

  /** The pipe behind a fifo's inode. */
  fifo(inode: Inode): Pipe {
    const known = this.#fifos.get(inode);
    if (known !== undefined) return known;
    const pipe = new Pipe();
    this.#fifos.set(inode, pipe);
    return pipe;
  }

  /** Driver of a device node. SyscallError ENXIO. */
  device(inode: Inode): FileOperations {
    const ops = (inode.type === 'char' ? this.charDevices : this.blockDevices).get(inode.rdev);
    if (ops === undefined) throw new SyscallError('ENXIO');
    return ops;
  }

  // ------------------------------------------------------------------------------------------------ memory

  /** A page (or 2^order) of kernel memory that the caller pays for. SyscallError ENOMEM. */
  allocatePage(caller: Caller, kind: PageKind, order = 0): KernelPages {
    const page: KernelPages = { kind, frame: this.#frame, order };
    this.#frame += 1 << order;
    caller.charge((machine, task, cpu) => machine.chargeKmemPages(task, page, cpu));
    return page;
  }
  /** Whom kernel memory of a task is charged to; 0: nobody. */
  kmemPayer(task: number): number {
    return this.machine.engine.kmemPayer(task);
  }
  /** Page tables and pipe buffers go by put_page() with the batch of who frees them, stacks by __free_pages(). */
  freePage(page: KernelPages, caller: Caller): void {
    const { cpuId } = caller;
    if (page.kind === 'kernel_stack') this.machine.freeKmemPages(page, cpuId);
    else this.machine.putKmemPage(this.tasks.get(caller.task)?.ends ? 0 : caller.task, page.frame, cpuId);
  }

  /** ns that reclaim was at work until now. */
  get reclaimWork(): bigint {
    return this.#u64[(L.HEADER + L.H_RECLAIM_NS) / 8]!;
  }
  /** ns that tasks waited for the disk until now. */
  get diskWaits(): bigint {
    return this.#u64[(L.HEADER + L.H_WRITE_STALL_NS) / 8]!;
  }

  /** After every call of the machine: who was killed, who has to sleep. */
  noteEvents(): void {
    for (const event of this.machine.drain()) {
      if (event.type === 'killed') this.tasks.get(event.task)?.send(SIGKILL);
      else if (event.type === 'throttled') this.tasks.get(event.task)?.owe(BigInt(event.ns));
    }
  }
}

/** A queue that nobody ever wakes: pause(2). */
export const FOREVER = new WaitQueue();

/** A file, or memory, in an address space. */
export interface FileMapping extends Mapping {
  readonly file: OpenFile;
  /** page of the file that is mapped first */
  readonly index: number;
  readonly write: boolean;
}
