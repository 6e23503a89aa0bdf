/** A process: the syscalls of syscalls.ts over the kernel's state. */
import type { Directory } from '../../cgroupfs/directory.ts';
import { ROOT_USER } from '../../cgroupfs/permission.ts';
import type { CallResult } from '../../live.ts';
import type { Machine } from '../../machine.ts';
import { AddressSpace } from './address-space.ts';
import { bytesOf, textOf } from './bytes.ts';
import { CgroupInode } from './cgroup-mount.ts';
import { asSyscall, SyscallError } from './error.ts';
import { FdTable } from './fd-table.ts';
import { freeFile } from './fput.ts';
import { type FileMapping, FOREVER, type Kernel, type Payer } from './kernel.ts';
import { checkIdle, dropMount, Mount, type MountNamespace, mountOptions, type Path } from './mount.ts';
import {
  checkPermission,
  checkSticky,
  enter,
  isSpecial,
  type Last,
  lookup,
  lookupCreate,
  lookupLast,
  lookupParent,
  MAY_EXEC,
  MAY_READ,
  MAY_WRITE,
  mayChange,
  type Position,
  pathOf,
  permitted,
} from './namei.ts';
import { type Thread, WaitQueue } from './scheduler.ts';
import { defaultAction, NSIG, SIGBUS, SIGCHLD, SIGCONT, SIGKILL, SIGSEGV, SIGSTOP } from './signals.ts';
import { allocate, free, type SlabObject } from './slab.ts';
import type {
  Body,
  Disposition,
  FileType,
  Mapping,
  OpenFlags,
  Process,
  Program,
  Stat,
  WaitStatus,
} from './syscalls.ts';
import { type Caller, type FileOperations, type Inode, OpenFile } from './vfs.ts';
import { checkAttribute, setAttribute } from './xattr.ts';

/** What entering and leaving the kernel takes, ns. */
const SYSCALL_NS = 500n;
/** … a page fault: in the guest, whose processes are traced by its kernel */
const FAULT_NS = 100_000n;
/** … a fork, and an execve with what the program does before its first line: in the guest some ms each */
const FORK_NS = 2_000_000n;
const EXEC_NS = 10_000_000n;
/** Bytes that read(2) and write(2) copy in a ns. */
const COPY_BYTES_PER_NS = 8;
const COMM_LENGTH = 15;
/** BINPRM_MAX_RECURSION */
const MAX_INTERPRETERS = 5;
/** What execve(2) looks at. BINPRM_BUF_SIZE */
const BINPRM_BYTES = 256;
/** Path of the program in its file: see programFile(). */
const PROGRAM_MAGIC = '\x7fELF\x02\x01\x01\0memcharge ';

/** Ends a process: programs let it pass. */
class ProcessEnd extends Error {
  override name = 'ProcessEnd';
  readonly status: WaitStatus;
  constructor(status: WaitStatus) {
    super('the process ends');
    this.status = status;
  }
}

/** The beginning of an executable file of the world: which program it is. */
export function programFile(name: string): Uint8Array {
  return bytesOf(`${PROGRAM_MAGIC}${name}\n`);
}

/** Credentials, and where files are looked up. */
interface Context {
  uid: number;
  gid: number;
  umask: number;
  /** root of its cgroup namespace; null: the initial one */
  cgroupRoot: Directory | null;
  /** it is in a user namespace that somebody without privileges has made: what it may do there it may do with its own namespaces only */
  userNamespace: boolean;
  namespace: MountNamespace;
  root: Path;
  cwd: Path;
}

export class UserProcess implements Process, Caller {
  readonly kernel: Kernel;
  readonly pid: number;
  readonly task: number;
  /** none of init's */
  thread: Thread | undefined;
  parent: UserProcess | null;
  comm: string;
  /** /proc/PID/cmdline */
  argv: readonly string[] = [];
  /** the file that it runs */
  executable: Path | null = null;
  #context: Context;
  #env: ReadonlyMap<string, string>;
  pgid: number;
  sid: number;
  fds = new FdTable();
  readonly space: AddressSpace;
  /** children that live or have not been waited for, oldest first */
  readonly children = new Map<number, UserProcess>();
  /** set once it has ended */
  status: WaitStatus | null = null;
  readonly started: bigint;
  stopped = false;
  /** what /proc/PID/exe says */
  executablePath = '';
  oomScoreAdj = 0;
  /** the least that who is not root may set */
  oomScoreAdjMin = 0;
  #dispositions = new Map<number, Disposition>();
  #pending = new Set<number>();
  #handlersRun = 0;
  /** what release() and the like had to put off: Linux' task work */
  #work: (() => void | Promise<void>)[] = [];
  /** when it may return to user mode: memory.high, the disk */
  #sleepEnd = 0n;
  #exiting = false;
  #frozen = false;
  /** it did something in the kernel since it came from user mode, which the engine was told is not over */
  #called = false;
  /** what it does now is a page fault of user mode, and no part of a system call */
  #faults = false;
  /** exit_mm() is over */
  #left = false;
  readonly #childEnded = new WaitQueue();
  readonly #continued = new WaitQueue();

  constructor(
    kernel: Kernel,
    options: {
      pid: number;
      task: number;
      parent: UserProcess | null;
      comm: string;
      context: Context;
      env: ReadonlyMap<string, string>;
    },
  ) {
    this.kernel = kernel;
    this.pid = options.pid;
    this.task = options.task;
    this.parent = options.parent;
    this.comm = options.comm;
    this.#context = options.context;
    this.#env = options.env;
    this.pgid = options.parent?.pgid ?? 0;
    this.sid = options.parent?.sid ?? 0;
    this.space = new AddressSpace(kernel);
    this.started = kernel.scheduler.now;
    this.#context.namespace.users++;
    this.#hold(this.#context.cwd);
    this.#hold(this.#context.root);
    kernel.processes.set(this.pid, this);
    kernel.tasks.set(this.task, this);
    kernel.pids.set(this.task, this.pid);
    options.parent?.children.set(this.pid, this);
  }

  /** The engine does not know its task any more. */
  get ends(): boolean {
    return this.kernel.machine.isKilled(this.task) || this.#left;
  }
  get ppid(): number {
    return this.parent?.pid ?? 0;
  }
  get uid(): number {
    return this.#context.uid;
  }
  get gid(): number {
    return this.#context.gid;
  }
  get umask(): number {
    return this.#context.umask;
  }
  set umask(mask: number) {
    this.#context.umask = mask & 0o777;
  }
  get now(): bigint {
    return this.kernel.scheduler.now;
  }
  get realtime(): bigint {
    return this.kernel.realtime;
  }
  get cpuId(): number {
    return this.thread?.cpu ?? 0;
  }
  get env(): ReadonlyMap<string, string> {
    return this.#env;
  }
  get namespace(): MountNamespace {
    return this.#context.namespace;
  }
  /** The root of its cgroup namespace; null: the initial one. */
  get cgroupRoot(): Directory | null {
    return this.#context.cgroupRoot;
  }
  get root(): Path {
    return this.#context.root;
  }
  get cwd(): Path {
    return this.#context.cwd;
  }

  // ------------------------------------------------------------------------------------------------ its life

  /** Begins to run `body`, behind all that are ready. */
  begin(body: Body): void {
    this.thread = this.kernel.scheduler.start(
      () => `${this.comm} (${this.pid})`,
      async () => {
        let status: WaitStatus;
        try {
          await this.#return();
          status = { exit: (await body(this)) & 255 };
          this.#toUser();
        } catch (error) {
          if (!(error instanceof ProcessEnd)) throw error;
          status = error.status;
        }
        await this.#exit(status);
      },
    );
  }

  /** do_exit() */
  async #exit(status: WaitStatus): Promise<void> {
    this.#exiting = true;
    const { kernel } = this;
    for (const { fd } of this.fds.list()) this.#release(this.fds.take(fd));
    for (const { file } of this.space.clear(this)) this.#release(file);
    kernel.footprint.exited(kernel, this);
    if (!kernel.machine.isKilled(this.task)) kernel.machine.exit(this.task, this.cpuId);
    this.#left = true;
    this.#drop(this.#context.cwd);
    this.#drop(this.#context.root);
    this.#leaveNamespace(this.#context.namespace);
    for (let work = this.#work.shift(); work !== undefined; work = this.#work.shift()) await work();
    kernel.noteEvents();
    kernel.tasks.delete(this.task);
    // forget_original_parent()
    const init = kernel.processes.get(1)!;
    for (const child of this.children.values()) {
      child.parent = init;
      init.children.set(child.pid, child);
      if (child.status !== null) init.send(SIGCHLD);
    }
    this.children.clear();
    this.status = status;
    const parent = this.parent ?? init;
    if (parent.pid === 1 || parent.disposition(SIGCHLD) === 'ignore') parent.#reap(this);
    parent.send(SIGCHLD);
    kernel.scheduler.wake(parent.#childEnded);
    kernel.onExit(this);
  }

  /** release_task() */
  #reap(child: UserProcess): void {
    this.children.delete(child.pid);
    this.kernel.processes.delete(child.pid);
    this.kernel.freeTasks.push(child.task);
    this.kernel.footprint.reaped(this.kernel, child);
  }

  fork(body: Body): UserProcess {
    this.#enter();
    return this.spawn(body);
  }

  /** copy_process(), also on behalf of init, which has no thread. */
  spawn(body: Body): UserProcess {
    const { kernel } = this;
    const pid = kernel.nextPid();
    // cgroup_can_fork()
    asSyscall(() => kernel.cgroups?.fork(this.pid, pid));
    const task = kernel.machine.forkTask(this.task, kernel.taskAgain(), this.cpuId);
    kernel.noteEvents();
    const child = new UserProcess(kernel, {
      pid,
      task,
      parent: this,
      comm: this.comm,
      context: { ...this.#context },
      env: this.#env,
    });
    child.argv = this.argv;
    child.executable = this.executable;
    child.fds = this.fds.copy();
    child.#dispositions = new Map(this.#dispositions);
    child.executablePath = this.executablePath;
    child.oomScoreAdj = this.oomScoreAdj;
    child.oomScoreAdjMin = this.oomScoreAdjMin;
    kernel.scheduler.elapse(FORK_NS);
    kernel.footprint.forked(kernel, this, child);
    this.space.copyInto(child.space, this);
    child.begin(body);
    kernel.footprint.copied(kernel, this, child);
    return child;
  }

  async exec(path: string, argv: readonly string[], env: ReadonlyMap<string, string>): Promise<number> {
    await this.#begin();
    let at = path;
    let words = [...argv];
    for (let depth = 0; ; depth++) {
      const found = lookup(this.#position(), at);
      const { inode } = found;
      if (inode.type !== 'file' || found.mount.flags.has('noexec')) throw new SyscallError('EACCES');
      checkPermission(inode, MAY_EXEC, this);
      const head = await this.#head(found);
      if (head.startsWith('#!')) {
        if (depth === MAX_INTERPRETERS) throw new SyscallError('ELOOP');
        const line = head
          .slice(2)
          .split('\n')[0]!
          .replace(/^[ \t]+|[ \t]+$/g, '');
        if (line === '') throw new SyscallError('ENOEXEC');
        const [interpreter, argument] = [line.split(/[ \t]/)[0]!, line.replace(/^[^ \t]+[ \t]*/, '')];
        words = [interpreter, ...(argument === '' ? [] : [argument]), at, ...words.slice(1)];
        at = interpreter;
        continue;
      }
      const name = head.startsWith(PROGRAM_MAGIC) ? head.slice(PROGRAM_MAGIC.length).split('\n')[0]! : '';
      const program = this.kernel.programs.get(name);
      if (program === undefined) throw new SyscallError('ENOEXEC');
      // The script's name is what ps shows, not its interpreter's.
      this.comm = path.slice(path.lastIndexOf('/') + 1, path.length).slice(0, COMM_LENGTH);
      this.kernel.machine.nameTask(this.task, this.comm);
      const file = lookupCreate(this.#position(), at);
      this.executablePath = pathOf(file.directory, this.root, file.name);
      return this.#run(program, name, found, words, env);
    }
  }

  /** The first bytes of a file that is to be executed. */
  async #head({ inode, mount }: Path): Promise<string> {
    const file = new OpenFile(inode, inode, { read: true }, mount, '');
    await inode.open(file, this);
    const bytes = await inode.read(file, this, 0, BINPRM_BYTES);
    await inode.release(file, this);
    return textOf(bytes);
  }

  /** begin_new_exec() and what follows; the program's exit status. */
  async #run(
    program: Program,
    name: string,
    executable: Path,
    argv: readonly string[],
    env: ReadonlyMap<string, string>,
  ): Promise<number> {
    const { kernel } = this;
    for (const { file } of this.space.clear(this)) this.#release(file);
    try {
      kernel.footprint.executed(kernel, this, name);
    } catch (error) {
      // Behind the point of no return: bprm_execve()
      if (error instanceof SyscallError) throw new ProcessEnd({ signal: SIGSEGV });
      throw error;
    }
    for (const { fd, closeOnExec } of this.fds.list()) if (closeOnExec) this.#release(this.fds.take(fd));
    for (const [signal, disposition] of this.#dispositions)
      if (typeof disposition === 'function') this.#dispositions.delete(signal);
    this.argv = argv;
    this.executable = executable;
    this.#env = new Map(env);
    kernel.scheduler.elapse(EXEC_NS);
    await this.#return();
    return program(this, argv);
  }

  exit(status: number): never {
    throw new ProcessEnd({ exit: status & 255 });
  }

  // ------------------------------------------------------------------------------------------------ entering and leaving the kernel

  /** A syscall begins. */
  #enter(): void {
    if (this.kernel.scheduler.current !== this.thread && !this.#exiting)
      throw new Error(`${this.comm} (${this.pid}) asks for something and does not run`);
    this.#toUser();
    this.kernel.scheduler.elapse(SYSCALL_NS);
    if (this.#pending.size > 0) this.#deliver();
  }

  /** An asynchronous syscall begins: what was put off comes first. */
  async #begin(): Promise<void> {
    this.#enter();
    if (
      this.#work.length > 0 ||
      this.#sleepEnd > this.now ||
      this.kernel.scheduler.overdue ||
      this.stopped ||
      this.#frozen
    )
      await this.#return();
  }

  /** Back to user mode: task work, sleeps that memory.high or the disk asked for, signals, the end of the slice. */
  async #return(): Promise<void> {
    for (let work = this.#work.shift(); work !== undefined; work = this.#work.shift()) await work();
    this.#toUser();
    while (this.#sleepEnd > this.now) {
      await this.kernel.scheduler.block(this.thread!, null, this.#sleepEnd, false);
      if (this.#pending.has(SIGKILL)) break;
    }
    if (this.#pending.size > 0) this.#deliver();
    while (this.stopped || this.#frozen) {
      await this.kernel.scheduler.block(this.thread!, this.#continued, null, false);
      this.#deliver();
    }
    if (this.kernel.scheduler.overdue) await this.kernel.scheduler.yield(this.thread!);
    if (this.#pending.size > 0) this.#deliver();
    this.#runOn();
    if (this.#sleepEnd > this.now) await this.kernel.scheduler.block(this.thread!, null, this.#sleepEnd, false);
  }

  /** In user mode: what it runs from may have to be read again. */
  #runOn(): void {
    if (this.#exiting) return;
    try {
      this.kernel.footprint.runsOn(this.kernel, this);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      throw new ProcessEnd({ signal: SIGKILL });
    }
  }

  charge(call: (machine: Machine, task: number, cpu: number) => CallResult): CallResult {
    if (!this.kernel.policed) return this.#charge(call);
    const { machine } = this.kernel;
    machine.inCall = this.#called = !this.#faults;
    try {
      return this.#charge(call);
    } finally {
      machine.inCall = false;
    }
  }

  /** A page fault of user mode: an entry of its own, at whose end the process answers for what it charged. */
  userFault<T>(fault: () => T): T {
    this.#faults = true;
    try {
      return fault();
    } finally {
      this.#faults = false;
    }
  }

  /**
   * The system call is over, whether it failed or not, and the process answers for what it charged past a limit: resume_user_mode_work(). Nobody
   * sees when exactly between the call's end and the next thing that it does.
   */
  #toUser(): void {
    if (!this.#called || this.#exiting) return;
    this.#called = false;
    const { task, cpuId } = this;
    if (!this.ends) this.#charge((machine) => machine.event('return_to_user', { task, cpu: cpuId }));
  }

  #charge(call: (machine: Machine, task: number, cpu: number) => CallResult): CallResult {
    const { kernel } = this;
    const waited = kernel.diskWaits;
    const worked = kernel.reclaimWork;
    const result = call(kernel.machine, this.task, this.cpuId);
    kernel.noteEvents();
    const wait = kernel.diskWaits - waited;
    if (kernel.reclaimWork > worked) kernel.scheduler.elapse(kernel.reclaimWork - worked);
    if (wait > 0n) this.owe(wait);
    if (!this.#exiting && (result.killed || result.errno === 'ESRCH')) throw new ProcessEnd({ signal: SIGKILL });
    if (result.errno === 'ENOMEM') throw new SyscallError('ENOMEM');
    // A fault that who was chosen to pay cannot pay for.
    if (result.signal !== undefined) throw new SyscallError('EFAULT');
    return result;
  }

  /** It sleeps for so long before it returns to user mode. */
  owe(ns: bigint): void {
    this.#sleepEnd = (this.#sleepEnd > this.now ? this.#sleepEnd : this.now) + ns;
  }

  elapse(ns: number): void {
    this.kernel.scheduler.elapse(BigInt(Math.round(ns)));
  }

  async waitOn(queue: WaitQueue, options: { until?: bigint; uninterruptible?: boolean } = {}): Promise<boolean> {
    return (await this.#sleepOn(queue, options)) !== 'timeout';
  }

  /** … `handled`: a handler ran. */
  async #sleepOn(
    queue: WaitQueue | null,
    options: { until?: bigint | undefined; uninterruptible?: boolean | undefined } = {},
  ): Promise<'woken' | 'timeout' | 'handled'> {
    const interruptible = !options.uninterruptible && !this.#exiting;
    if (interruptible && this.#pending.size > 0 && this.#deliver()) return 'handled';
    const wake = await this.kernel.scheduler.block(this.thread!, queue, options.until ?? null, interruptible);
    if (this.#exiting) return wake === 'timeout' ? 'timeout' : 'woken';
    if (this.#pending.size > 0 && (interruptible || this.#pending.has(SIGKILL))) {
      const handled = this.#deliver();
      if (handled && wake === 'interrupted') return 'handled';
    }
    if (this.stopped || this.#frozen) await this.#return();
    return wake === 'timeout' ? 'timeout' : 'woken';
  }

  // ------------------------------------------------------------------------------------------------ signals

  /** send_signal(): to a process that lives. */
  send(signal: number): void {
    if (this.status !== null || this.pid === 1) return;
    const { scheduler } = this.kernel;
    if (signal === SIGCONT || signal === SIGKILL) {
      this.stopped = false;
      if (signal === SIGKILL) this.#frozen = false;
      scheduler.wake(this.#continued);
    }
    const disposition = this.disposition(signal);
    if (disposition === 'ignore' || (disposition === 'default' && defaultAction(signal) === 'ignore')) return;
    this.#pending.add(signal);
    if (this.thread !== undefined) scheduler.interrupt(this.thread, signal === SIGKILL);
  }

  /** cgroup.freeze: it stands still at its next return to user mode, or in the sleep that it is in. */
  freeze(frozen: boolean): void {
    this.#frozen = frozen;
    if (!frozen) this.kernel.scheduler.wake(this.#continued);
  }

  raise(signal: number): void {
    this.send(signal);
  }

  /** do_signal(): true if a handler ran; throws where the process ends. */
  #deliver(): boolean {
    if (this.#exiting) return false;
    let handled = false;
    if (this.#pending.has(SIGKILL)) throw new ProcessEnd({ signal: SIGKILL });
    for (const signal of [...this.#pending].sort((a, b) => a - b)) {
      this.#pending.delete(signal);
      const disposition = this.disposition(signal);
      if (typeof disposition === 'function') {
        disposition(signal);
        this.#handlersRun++;
        handled = true;
      } else if (disposition === 'default') {
        const action = defaultAction(signal);
        if (action === 'terminate') throw new ProcessEnd({ signal });
        if (action === 'stop') this.stopped = true;
      }
    }
    return handled;
  }

  kill(pid: number, signal: number): void {
    this.#enter();
    if (!Number.isInteger(signal) || signal < 0 || signal > NSIG) throw new SyscallError('EINVAL');
    const all = [...this.kernel.processes.values()];
    const targets =
      pid > 0
        ? all.filter((process) => process.pid === pid)
        : pid === -1
          ? all.filter((process) => process.pid !== 1 && process !== this)
          : all.filter((process) => process.pgid === (pid === 0 ? this.pgid : -pid));
    if (targets.length === 0) throw new SyscallError('ESRCH');
    const allowed = targets.filter((target) => this.uid === 0 || this.uid === target.uid);
    if (allowed.length === 0) throw new SyscallError('EPERM');
    if (signal === 0) return;
    for (const target of allowed) target.send(signal);
    if (this.#pending.size > 0) this.#deliver();
  }

  sigaction(signal: number, disposition: Disposition): void {
    if (signal === SIGKILL || signal === SIGSTOP || !(signal >= 1 && signal <= NSIG)) throw new SyscallError('EINVAL');
    if (disposition === 'default') this.#dispositions.delete(signal);
    else this.#dispositions.set(signal, disposition);
    if (disposition === 'ignore') this.#pending.delete(signal);
  }

  disposition(signal: number): Disposition {
    return this.#dispositions.get(signal) ?? 'default';
  }

  /** Signals that wait, that are ignored, that have handlers: what /proc/PID/status shows. */
  get signals(): { pending: number[]; ignored: number[]; caught: number[] } {
    const those = (is: (disposition: Disposition) => boolean) =>
      [...this.#dispositions].filter(([, disposition]) => is(disposition)).map(([signal]) => signal);
    return {
      pending: [...this.#pending],
      ignored: those((disposition) => disposition === 'ignore'),
      caught: those((disposition) => typeof disposition === 'function'),
    };
  }

  async wait(pid: number, options: { nohang?: boolean } = {}): Promise<{ pid: number; status: WaitStatus } | null> {
    await this.#begin();
    for (;;) {
      const candidates = [...this.children.values()].filter((child) =>
        pid > 0 ? child.pid === pid : pid === -1 || child.pgid === (pid === 0 ? this.pgid : -pid),
      );
      if (candidates.length === 0) throw new SyscallError('ECHILD');
      const ended = candidates.find((child) => child.status !== null);
      if (ended !== undefined) {
        this.#reap(ended);
        return { pid: ended.pid, status: ended.status! };
      }
      if (options.nohang) return null;
      if ((await this.#sleepOn(this.#childEnded)) === 'handled') throw new SyscallError('EINTR');
    }
  }

  setsid(): number {
    this.#enter();
    if ([...this.kernel.processes.values()].some((process) => process.pgid === this.pid))
      throw new SyscallError('EPERM');
    this.sid = this.pid;
    this.pgid = this.pid;
    return this.sid;
  }

  setpgid(pid: number, pgid: number): void {
    this.#enter();
    const target = pid === 0 || pid === this.pid ? this : this.children.get(pid);
    if (target === undefined) throw new SyscallError('ESRCH');
    const group = pgid === 0 ? target.pid : pgid;
    if (pgid < 0) throw new SyscallError('EINVAL');
    if (target.sid !== this.sid || target.sid === target.pid) throw new SyscallError('EPERM');
    const known = [...this.kernel.processes.values()].some(
      (process) => process.pgid === group && process.sid === this.sid,
    );
    if (group !== target.pid && !known) throw new SyscallError('EPERM');
    target.pgid = group;
  }

  getpgid(): number {
    return this.pgid;
  }

  setuid(uid: number): void {
    this.#enter();
    if (this.uid !== 0 && uid !== this.uid) throw new SyscallError('EPERM');
    this.#context.uid = uid;
  }

  setgid(gid: number): void {
    this.#enter();
    if (this.uid !== 0 && gid !== this.gid) throw new SyscallError('EPERM');
    this.#context.gid = gid;
  }

  async sleep(ns: bigint): Promise<boolean> {
    // A handler that runs on the way in counts too, as with ppoll(2): nobody can miss the signal that it waits for.
    const before = this.#handlersRun;
    await this.#begin();
    if (this.#handlersRun !== before) return false;
    const until = this.now + ns;
    do {
      if ((await this.#sleepOn(null, { until })) === 'handled') return this.now >= until;
    } while (this.now < until);
    await this.#return();
    return true;
  }

  async pause(): Promise<void> {
    await this.#begin();
    while ((await this.#sleepOn(FOREVER)) !== 'handled');
  }

  async cpu(ns: number): Promise<void> {
    this.#toUser();
    this.elapse(ns);
    if (this.kernel.scheduler.overdue || this.#pending.size > 0 || this.#sleepEnd > this.now) await this.#return();
  }

  // ------------------------------------------------------------------------------------------------ names

  #position(): Position {
    return { caller: this, namespace: this.namespace, root: this.root, cwd: this.cwd };
  }

  #hold({ mount, inode }: Path): void {
    mount.users++;
    inode.opens++;
  }

  #drop({ mount, inode }: Path): void {
    this.#unuse(mount);
    this.#close(inode);
  }

  /** The inode has a user less. */
  #close(inode: Inode): void {
    if (--inode.opens === 0 && inode.nlink === 0) this.#later(() => inode.evict(this));
  }

  /** The mount has a user less; detached, it goes with its last. */
  #unuse(mount: Mount): void {
    if (--mount.users === 0 && mount.parent === null && mount.detached) this.#later(() => dropMount(mount, this));
  }

  /** Does it before the process returns to user mode: before anybody else runs, and before its own next asynchronous syscall. */
  #later(work: () => void | Promise<void>): void {
    this.#work.push(work);
  }

  #stat({ inode }: Path): Stat {
    const { ino, type, mode, nlink, uid, gid, rdev, size, blocks, blksize, atime, mtime, ctime } = inode;
    return { dev: inode.fs.dev, ino, type, mode, nlink, uid, gid, rdev, size, blocks, blksize, atime, mtime, ctime };
  }

  stat(path: string): Stat {
    this.#enter();
    return this.#stat(lookup(this.#position(), path));
  }

  lstat(path: string): Stat {
    this.#enter();
    return this.#stat(lookup(this.#position(), path, { nofollow: true }));
  }

  fstat(fd: number): Stat {
    this.#enter();
    const { inode } = this.fds.get(fd);
    return this.#stat({ inode, mount: this.root.mount });
  }

  access(path: string, mode: { read?: boolean; write?: boolean; execute?: boolean }): boolean {
    this.#enter();
    try {
      const { mount, inode } = lookup(this.#position(), path);
      const mask = (mode.read ? MAY_READ : 0) | (mode.write ? MAY_WRITE : 0) | (mode.execute ? MAY_EXEC : 0);
      if (!permitted(inode, mask, this)) return false;
      const data = inode.type === 'file' || inode.type === 'directory' || inode.type === 'symlink';
      if (mode.execute && inode.type === 'file' && mount.flags.has('noexec')) return false;
      return !(mode.write && data && mount.readonly);
    } catch (error) {
      if (error instanceof SyscallError) return false;
      throw error;
    }
  }

  /** Where a new entry goes. SyscallError EEXIST. */
  #vacant(path: string, directory = false): Last {
    const last = lookupLast(this.#position(), path);
    if (last.found !== null) throw new SyscallError('EEXIST');
    if (last.slash && !directory) throw new SyscallError('ENOENT');
    mayChange(last.directory, this);
    return last;
  }

  async mkdir(path: string, mode = 0o777): Promise<void> {
    await this.#begin();
    const { directory, name } = this.#vacant(path, true);
    directory.inode.create(name, 'directory', mode & 0o1777 & ~this.umask, this, {});
    await this.#return();
  }

  /** What a path names, to be taken away. */
  #occupied(path: string): Last & { found: Path } {
    const last = lookupLast(this.#position(), path);
    if (last.found === null) throw new SyscallError('ENOENT');
    return { ...last, found: last.found };
  }

  async rmdir(path: string): Promise<void> {
    await this.#begin();
    const { directory, name, found } = this.#occupied(path);
    if (name === '/') throw new SyscallError('EBUSY');
    if (name === '.') throw new SyscallError('EINVAL');
    if (name === '..') throw new SyscallError('ENOTEMPTY');
    mayChange(directory, this);
    checkSticky(directory.inode, found.inode, this);
    if (found.inode.type !== 'directory') throw new SyscallError('ENOTDIR');
    if (found.mount !== directory.mount) throw new SyscallError('EBUSY');
    await directory.inode.unlink(name, found.inode, this);
    if (found.inode.opens === 0) await found.inode.evict(this);
    await this.#return();
  }

  async unlink(path: string): Promise<void> {
    await this.#begin();
    const { directory, name, found, slash } = this.#occupied(path);
    if (isSpecial(name)) throw new SyscallError('EISDIR');
    if (slash) throw new SyscallError(found.inode.type === 'directory' ? 'EISDIR' : 'ENOTDIR');
    mayChange(directory, this);
    checkSticky(directory.inode, found.inode, this);
    if (found.inode.type === 'directory') throw new SyscallError('EISDIR');
    if (found.mount !== directory.mount) throw new SyscallError('EBUSY');
    await directory.inode.unlink(name, found.inode, this);
    if (found.inode.nlink === 0 && found.inode.opens === 0) await found.inode.evict(this);
    await this.#return();
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#begin();
    const old = lookupParent(this.#position(), from);
    const target = lookupParent(this.#position(), to);
    if (old.directory.mount !== target.directory.mount) throw new SyscallError('EXDEV');
    for (const { name } of [old, target]) if (isSpecial(name)) throw new SyscallError('EBUSY');
    const source = enter(this.#position(), old.directory, old.name);
    if (source === null) throw new SyscallError('ENOENT');
    const over = enter(this.#position(), target.directory, target.name);
    const { inode } = source;
    const victim = over?.inode ?? null;
    if (inode.type !== 'directory' && (old.slash || target.slash)) throw new SyscallError('ENOTDIR');
    // A directory does not go below itself.
    for (let up: Inode | null = target.directory.inode; up !== null; up = up.parent)
      if (up === inode) throw new SyscallError('EINVAL');
    for (let up: Inode | null = old.directory.inode; up !== null; up = up.parent)
      if (up === victim) throw new SyscallError('ENOTEMPTY');
    if (inode === victim) return;
    mayChange(old.directory, this);
    checkSticky(old.directory.inode, inode, this);
    mayChange(target.directory, this);
    if (victim !== null) {
      checkSticky(target.directory.inode, victim, this);
      if (inode.type === 'directory' && victim.type !== 'directory') throw new SyscallError('ENOTDIR');
      if (inode.type !== 'directory' && victim.type === 'directory') throw new SyscallError('EISDIR');
    }
    if (source.mount !== old.directory.mount || (over !== null && over.mount !== target.directory.mount))
      throw new SyscallError('EBUSY');
    old.directory.inode.rename(old.name, inode, target.directory.inode, target.name, victim, this);
    if (victim !== null && victim.nlink === 0 && victim.opens === 0) await victim.evict(this);
    await this.#return();
  }

  #lastOf(path: string): Last {
    return lookupLast(this.#position(), path);
  }

  link(from: string, to: string): void {
    this.#enter();
    const source = lookup(this.#position(), from, { nofollow: true });
    const { directory, name } = this.#vacant(to);
    if (directory.mount !== source.mount) throw new SyscallError('EXDEV');
    if (source.inode.type === 'directory') throw new SyscallError('EPERM');
    directory.inode.link(name, source.inode, this);
  }

  symlink(target: string, path: string): void {
    this.#enter();
    if (target === '') throw new SyscallError('ENOENT');
    const { directory, name } = this.#vacant(path);
    directory.inode.create(name, 'symlink', 0o777, this, { target });
  }

  readlink(path: string): string {
    this.#enter();
    const { inode } = lookup(this.#position(), path, { nofollow: true });
    return inode.readlink(this);
  }

  mknod(path: string, type: FileType, mode: number, rdev = 0): void {
    this.#enter();
    if (type === 'directory' || type === 'symlink') throw new SyscallError('EPERM');
    if ((type === 'char' || type === 'block') && this.uid !== 0) throw new SyscallError('EPERM');
    const { directory, name } = this.#vacant(path);
    directory.inode.create(name, type, mode & 0o7777 & ~this.umask, this, { rdev });
  }

  /** What is to be changed by its owner. SyscallError EPERM, EROFS. */
  #owned(path: string): Inode {
    const { inode, mount } = lookup(this.#position(), path);
    if (mount.readonly) throw new SyscallError('EROFS');
    if (this.uid !== 0 && this.uid !== inode.uid) throw new SyscallError('EPERM');
    return inode;
  }

  chmod(path: string, mode: number): void {
    this.#enter();
    this.#owned(path).setattr({ mode: mode & 0o7777 }, this);
  }

  chown(path: string, uid: number, gid: number): void {
    this.#enter();
    const inode = this.#owned(path);
    if (this.uid !== 0 && ((uid !== -1 && uid !== inode.uid) || (gid !== -1 && gid !== this.gid)))
      throw new SyscallError('EPERM');
    const clear = inode.type === 'file' ? { mode: inode.mode & ~0o6000 } : {};
    inode.setattr({ ...(uid === -1 ? {} : { uid }), ...(gid === -1 ? {} : { gid }), ...clear }, this);
  }

  utimes(path: string, atime: bigint, mtime: bigint): void {
    this.#enter();
    this.#owned(path).setattr({ atime, mtime }, this);
  }

  #attribute(path: string, name: string, want: typeof MAY_READ | typeof MAY_WRITE, nofollow: boolean): Inode {
    const { inode, mount } = lookup(this.#position(), path, { nofollow });
    if (want === MAY_WRITE && mount.readonly) throw new SyscallError('EROFS');
    checkAttribute(inode, name, this, want, () => checkPermission(inode, want, this));
    return inode;
  }

  setxattr(path: string, name: string, value: string | null, { nofollow = false }: { nofollow?: boolean } = {}): void {
    this.#enter();
    setAttribute(this.#attribute(path, name, MAY_WRITE, nofollow), name, value);
  }

  getxattr(path: string, name: string, { nofollow = false }: { nofollow?: boolean } = {}): string {
    this.#enter();
    const value = this.#attribute(path, name, MAY_READ, nofollow).xattrs.get(name);
    if (value === undefined) throw new SyscallError('ENODATA');
    return value;
  }

  listxattr(path: string, { nofollow = false }: { nofollow?: boolean } = {}): string[] {
    this.#enter();
    const { inode } = lookup(this.#position(), path, { nofollow });
    // Of trusted ones, those hear who may read them.
    return [...inode.xattrs.keys()].filter((name) => this.uid === 0 || !name.startsWith('trusted.'));
  }

  readdir(path: string): string[] {
    this.#enter();
    const { inode } = lookup(this.#position(), path);
    if (inode.type !== 'directory') throw new SyscallError('ENOTDIR');
    checkPermission(inode, MAY_READ, this);
    return inode.readdir(this);
  }

  statfs(path: string): { bsize: number; blocks: number; bfree: number; type: string } {
    this.#enter();
    return lookup(this.#position(), path).inode.fs.statfs();
  }

  chdir(path: string): void {
    this.#enter();
    const to = lookup(this.#position(), path);
    if (to.inode.type !== 'directory') throw new SyscallError('ENOTDIR');
    checkPermission(to.inode, MAY_EXEC, this);
    const from = this.#context.cwd;
    this.#hold(to);
    this.#context.cwd = to;
    this.#drop(from);
  }

  getcwd(): string {
    this.#enter();
    if (this.cwd.inode.nlink === 0) throw new SyscallError('ENOENT');
    return pathOf(this.cwd, this.root);
  }

  // ------------------------------------------------------------------------------------------------ files

  async open(path: string, flags: OpenFlags, mode = 0o666): Promise<number> {
    await this.#begin();
    const fd = this.fds.free();
    const file = await this.#openCharged(path, flags, mode);
    this.fds.set(fd, file);
    await this.#return();
    return fd;
  }

  /** alloc_empty_file() comes first. */
  async #openCharged(path: string, flags: OpenFlags, mode: number): Promise<OpenFile> {
    const slab = this.#allocateFile();
    try {
      const file = await this.#open(path, flags, mode);
      file.slab = slab;
      return file;
    } catch (error) {
      free(this.kernel.machine, slab);
      throw error;
    }
  }

  #allocateFile(): SlabObject {
    return allocate(this, { kind: 'slab', bytes: this.kernel.footprint.data.objects.file });
  }

  async #open(path: string, flags: OpenFlags, mode: number): Promise<OpenFile> {
    const { at, name, created } = this.#openName(path, flags, mode);
    const { inode, mount } = at;
    if (inode.type === 'symlink') throw new SyscallError('ELOOP');
    if (inode.type === 'directory' && (flags.write || flags.create)) throw new SyscallError('EISDIR');
    if (inode.type !== 'directory' && flags.directory) throw new SyscallError('ENOTDIR');
    if (!created) {
      checkPermission(inode, (flags.read ? MAY_READ : 0) | (flags.write || flags.truncate ? MAY_WRITE : 0), this);
      const data = inode.type === 'file' || inode.type === 'directory';
      if ((flags.write || flags.truncate) && data && mount.readonly) throw new SyscallError('EROFS');
      if ((inode.type === 'char' || inode.type === 'block') && mount.flags.has('nodev'))
        throw new SyscallError('EACCES');
    }
    const ops = this.#operations(inode);
    const file = new OpenFile(inode, ops, flags, mount, pathOf(name.directory, this.root, name.last));
    this.#hold(at);
    try {
      await ops.open(file, this);
      if (flags.truncate && inode.type === 'file' && !created) await inode.truncate(this, 0);
    } catch (error) {
      this.#drop(at);
      throw error;
    }
    return file;
  }

  #operations(inode: Inode): FileOperations {
    if (inode.type === 'fifo') return this.kernel.fifo(inode);
    if (inode.type === 'char' || inode.type === 'block') return this.kernel.device(inode);
    return inode;
  }

  /** What open(2) opens or makes; and under which name /proc/PID/fd shows it. */
  #openName(
    path: string,
    flags: OpenFlags,
    mode: number,
  ): { at: Path; name: { directory: Path; last?: string }; created: boolean } {
    if (!flags.create) {
      const at = lookup(this.#position(), path, { nofollow: flags.nofollow ?? false });
      return { at, name: this.#nameOf(path, at), created: false };
    }
    const { name: end, slash } = lookupParent(this.#position(), path);
    if (slash && !isSpecial(end)) throw new SyscallError('EISDIR');
    const last = flags.exclusive || flags.nofollow ? this.#lastOf(path) : lookupCreate(this.#position(), path);
    if (last.found !== null) {
      if (flags.exclusive) throw new SyscallError('EEXIST');
      return { at: last.found, name: { directory: last.directory, last: last.name }, created: false };
    }
    mayChange(last.directory, this);
    const { directory, name } = last;
    const inode = directory.inode.create(name, 'file', mode & 0o7777 & ~this.umask, this, {});
    return { at: { mount: directory.mount, inode }, name: { directory, last: name }, created: true };
  }

  #nameOf(path: string, at: Path): { directory: Path; last?: string } {
    if (at.inode.type === 'directory') return { directory: at };
    const { directory, name } = lookupCreate(this.#position(), path);
    return { directory, last: name };
  }

  /** A reference to an open file is gone. */
  #release(file: OpenFile): void {
    if (--file.references > 0) return;
    this.#later(() => file.ops.release(file, this));
    this.#later(() => freeFile(file, this.kernel.machine));
    if (file.mount instanceof Mount) this.#unuse(file.mount);
    this.#close(file.inode);
  }

  close(fd: number): void {
    this.#enter();
    this.#release(this.fds.take(fd));
  }

  dup2(from: number, to: number): void {
    this.#enter();
    const file = this.fds.get(from);
    if (from === to) return;
    file.references++;
    const old = this.fds.has(to) ? this.fds.take(to) : null;
    this.fds.set(to, file);
    if (old !== null) this.#release(old);
  }

  dupAbove(fd: number, least: number): number {
    this.#enter();
    const file = this.fds.get(fd);
    const free = this.fds.free(least);
    file.references++;
    this.fds.set(free, file);
    return free;
  }

  isOpen(fd: number): boolean {
    return this.fds.has(fd);
  }

  setCloseOnExec(fd: number, on: boolean): void {
    this.fds.setCloseOnExec(fd, on);
  }

  pipe(): [number, number] {
    this.#enter();
    const inode = this.kernel.pipeInode(this);
    // the same one when it is opened again by way of /proc/self/fd
    const pipe = this.kernel.fifo(inode);
    pipe.connect();
    const path = `pipe:[${inode.ino}]`;
    inode.opens = 2;
    pipe.slab = allocate(this, { kind: 'slab', bytes: this.kernel.footprint.data.objects.pipe });
    const end = (flags: OpenFlags) => {
      const fd = this.fds.free();
      const file = new OpenFile(inode, pipe, flags, null, path);
      file.slab = this.#allocateFile();
      this.fds.set(fd, file);
      return fd;
    };
    const reader = end({ read: true });
    return [reader, end({ write: true })];
  }

  async read(fd: number, count: number): Promise<Uint8Array> {
    await this.#begin();
    const file = this.fds.get(fd);
    if (!file.flags.read) throw new SyscallError('EBADF');
    if (file.inode.type === 'directory') throw new SyscallError('EISDIR');
    const bytes = await this.#using(file, () => file.ops.read(file, this, file.offset, count));
    if (file.ops.seekable) file.offset += bytes.length;
    this.elapse(bytes.length / COPY_BYTES_PER_NS);
    await this.#return();
    return bytes;
  }

  async write(fd: number, bytes: Uint8Array): Promise<number> {
    await this.#begin();
    const file = this.fds.get(fd);
    if (!file.flags.write) throw new SyscallError('EBADF');
    const offset = file.flags.append && file.ops.seekable ? file.ops.end(file) : file.offset;
    let written: number;
    try {
      written = await this.#using(file, () => file.ops.write(file, this, offset, bytes));
    } catch (error) {
      if (error instanceof SyscallError && error.errno === 'EPIPE') await this.#return();
      throw error;
    }
    if (file.ops.seekable) file.offset = offset + written;
    this.elapse(written / COPY_BYTES_PER_NS);
    await this.#return();
    return written;
  }

  /** Keeps a file open while it is used: another process, or a handler, could close it. */
  async #using<T>(file: OpenFile, use: () => Promise<T>): Promise<T> {
    file.references++;
    try {
      return await use();
    } finally {
      this.#release(file);
    }
  }

  lseek(fd: number, offset: number, whence: 'set' | 'cur' | 'end'): number {
    this.#enter();
    const file = this.fds.get(fd);
    if (!file.ops.seekable) throw new SyscallError('ESPIPE');
    const base = whence === 'set' ? 0 : whence === 'cur' ? file.offset : file.ops.end(file);
    if (base + offset < 0) throw new SyscallError('EINVAL');
    file.offset = base + offset;
    return file.offset;
  }

  async ftruncate(fd: number, size: number): Promise<void> {
    await this.#begin();
    const file = this.fds.get(fd);
    if (size < 0 || !file.flags.write || file.inode.type !== 'file') throw new SyscallError('EINVAL');
    await file.inode.truncate(this, size);
    await this.#return();
  }

  async truncate(path: string, size: number): Promise<void> {
    await this.#begin();
    const { inode, mount } = lookup(this.#position(), path);
    if (inode.type === 'directory') throw new SyscallError('EISDIR');
    if (size < 0 || inode.type !== 'file') throw new SyscallError('EINVAL');
    checkPermission(inode, MAY_WRITE, this);
    if (mount.readonly) throw new SyscallError('EROFS');
    await inode.truncate(this, size);
    await this.#return();
  }

  async fallocate(
    fd: number,
    offset: number,
    length: number,
    { keepSize = false, punchHole = false }: { keepSize?: boolean; punchHole?: boolean } = {},
  ): Promise<void> {
    await this.#begin();
    const file = this.fds.get(fd);
    if (offset < 0 || length <= 0) throw new SyscallError('EINVAL');
    if (!file.flags.write) throw new SyscallError('EBADF');
    if (file.inode.type === 'fifo') throw new SyscallError('ESPIPE');
    if (file.inode.type === 'directory') throw new SyscallError('EISDIR');
    if (file.inode.type === 'char') throw new SyscallError('ENODEV');
    await file.ops.fallocate(file, this, offset, length, { keepSize, punchHole });
    await this.#return();
  }

  async fsync(fd: number): Promise<void> {
    await this.#begin();
    const file = this.fds.get(fd);
    await file.ops.fsync(file, this);
    await this.#return();
  }

  async sync(): Promise<void> {
    await this.#begin();
    for (const fs of this.kernel.mounted) await fs.sync(this);
    this.charge((machine, task, cpu) => machine.sync(task, 0, cpu));
    await this.#return();
  }

  isatty(fd: number): boolean {
    return this.fds.has(fd) && this.fds.get(fd).ops.tty;
  }

  memfdCreate(name: string, options: { payer?: string } = {}): number {
    this.#enter();
    if (this.kernel.memfd === null) throw new SyscallError('ENOSYS');
    if (name.length > 249) throw new SyscallError('EINVAL');
    const payer = options.payer === undefined ? null : this.#payerAt(options.payer);
    const inode = this.kernel.memfd(name, this, payer);
    inode.opens++;
    const fd = this.fds.free();
    this.fds.set(fd, new OpenFile(inode, inode, { read: true, write: true }, null, `/memfd:${name} (deleted)`));
    return fd;
  }

  async ioctl(fd: number, request: string, argument?: unknown): Promise<unknown> {
    await this.#begin();
    const file = this.fds.get(fd);
    const answer = await file.ops.ioctl(file, this, request, argument);
    await this.#return();
    return answer;
  }

  /** The open file behind a descriptor: LOOP_SET_FD takes one. SyscallError EBADF. */
  file(fd: number): OpenFile {
    return this.fds.get(fd);
  }

  // ------------------------------------------------------------------------------------------------ mounts and devices

  #privileged(): void {
    if (this.uid !== 0) throw new SyscallError('EPERM');
  }

  /** may_mount(): root, or whoever has a mount namespace of their user namespace. There a file system must be made for it (FS_USERNS_MOUNT). */
  #mayMount(type: string | null): void {
    if (this.uid === 0) return;
    if (!this.#context.userNamespace || !this.namespace.ofUsers) throw new SyscallError('EPERM');
    if (type !== null && type !== 'tmpfs') throw new SyscallError('EPERM');
  }

  async mount(source: string, target: string, type: string, options: string): Promise<void> {
    await this.#begin();
    this.#mayMount(null);
    const at = lookup(this.#position(), target);
    const { flags, rest: words, bind, rbind, remount, propagation } = mountOptions(options);
    const { kernel, namespace } = this;
    if (propagation) return;
    if (remount) {
      if (at.inode !== at.mount.root) throw new SyscallError('EINVAL');
      const { rest, payer } = this.#payerOption(at.mount.fs.type, words);
      at.mount.fs.remount(rest, this, payer);
      at.mount.flags.clear();
      for (const flag of flags) at.mount.flags.add(flag);
      return;
    }
    let mount: Mount;
    if (bind) {
      const from = lookup(this.#position(), source);
      if ((from.inode.type === 'directory') !== (at.inode.type === 'directory')) throw new SyscallError('ENOTDIR');
      mount = new Mount(kernel.nextMountId(), from.mount.fs, from.inode, from.mount.source, from.mount.flags);
      if (rbind && [...from.mount.children.keys()].length > 0) throw new SyscallError('EINVAL');
    } else {
      if (at.inode.type !== 'directory') throw new SyscallError('ENOTDIR');
      const make = kernel.fileSystems.get(type);
      if (make === undefined) throw new SyscallError('ENODEV');
      this.#mayMount(type);
      const device = source.startsWith('/') ? this.#deviceOf(source) : null;
      const { rest, payer } = this.#payerOption(type, words);
      const fs = await make(source, rest, this, device, payer);
      if (fs.mounts > 0 && at.inode === at.mount.root && at.mount.fs === fs) throw new SyscallError('EBUSY');
      kernel.mounted.add(fs);
      mount = new Mount(kernel.nextMountId(), fs, fs.rootFor(this), source, flags);
    }
    namespace.attach(mount, at);
    await this.#return();
  }

  /** memcg=PATH of a mount, which Linux does not know: a policy brings it. SyscallError EINVAL, and as of #payerAt(). */
  #payerOption(type: string, words: readonly string[]): { rest: string[]; payer: Payer | null } {
    const rest = words.filter((word) => !word.startsWith('memcg='));
    const given = words.find((word) => word.startsWith('memcg='));
    if (given === undefined) return { rest, payer: null };
    if (type !== 'tmpfs') throw new SyscallError('EINVAL');
    return { rest, payer: this.#payerAt(given.slice('memcg='.length)) };
  }

  /**
   * The cgroup that a path of cgroup2 names as the payer of others' pages. SyscallError EINVAL: not under this policy; EBADF: no cgroup; ENOENT,
   * EACCES; where userspace names the payer, the engine says who may (EPERM).
   */
  #payerAt(path: string): Payer {
    const { cgroups, machine } = this.kernel;
    const { payer } = machine.policy.answers;
    if (cgroups === null || (payer !== 'mount' && payer !== 'named')) throw new SyscallError('EINVAL');
    const at = lookup(this.#position(), path);
    const { inode } = at;
    if (!(inode instanceof CgroupInode) || inode.type !== 'directory') throw new SyscallError('EBADF');
    const credentials = payer === 'named' ? ROOT_USER : { uid: this.uid, gid: this.gid };
    const memcg = asSyscall(() => cgroups.payerFor(this.pid, inode.path, credentials));
    return { memcg, path: pathOf(at, this.root) };
  }

  #deviceOf(source: string): Inode | null {
    try {
      return lookup(this.#position(), source).inode;
    } catch (error) {
      if (error instanceof SyscallError) return null;
      throw error;
    }
  }

  async umount(target: string, options: { lazy?: boolean } = {}): Promise<void> {
    await this.#begin();
    const at = lookup(this.#position(), target);
    this.#mayMount(null);
    if (at.inode !== at.mount.root) throw new SyscallError('EINVAL');
    if (!options.lazy || at.mount.parent === null) checkIdle(at.mount);
    for (const mount of this.namespace.detach(at.mount)) {
      mount.detached = true;
      if (mount.users === 0) await this.#dropMount(mount);
    }
    await this.#return();
  }

  async #dropMount(mount: Mount): Promise<void> {
    await dropMount(mount, this);
    if (mount.fs.mounts === 0) this.kernel.mounted.delete(mount.fs);
  }

  /** The last process of a namespace takes its mounts along. */
  #leaveNamespace(namespace: MountNamespace): void {
    if (--namespace.users > 0) return;
    for (const mount of namespace.detach(namespace.root)) {
      mount.detached = true;
      if (mount.users === 0) this.#later(() => this.#dropMount(mount));
    }
  }

  unshare(what: {
    mount?: boolean;
    cgroup?: boolean;
    pid?: boolean;
    ipc?: boolean;
    uts?: boolean;
    net?: boolean;
    user?: boolean;
  }): void {
    this.#enter();
    if (what.user) this.#context.userNamespace = true;
    else if (!this.#context.userNamespace) this.#privileged();
    for (const kind of ['pid', 'ipc', 'uts', 'net'] as const) if (what[kind]) throw new SyscallError('EINVAL');
    if (what.mount) {
      const { namespace, moved } = this.namespace.copy(() => this.kernel.nextMountId());
      const move = (path: Path): Path => ({ mount: moved.get(path.mount)!, inode: path.inode });
      const { cwd, root, namespace: old } = this.#context;
      namespace.ofUsers = this.uid !== 0;
      namespace.users++;
      this.#context.namespace = namespace;
      this.#context.cwd = move(cwd);
      this.#context.root = move(root);
      this.#hold(this.#context.cwd);
      this.#hold(this.#context.root);
      this.#drop(cwd);
      this.#drop(root);
      this.#leaveNamespace(old);
    }
    if (what.cgroup && this.kernel.cgroups !== null) {
      const { task } = this;
      const root = this.kernel.cgroups.directoryOf(this.pid);
      this.#context.cgroupRoot = root;
      this.charge((machine) => machine.event('setns', { task, cgroup: root.effectiveMemcg }));
    }
  }

  async swapon(path: string): Promise<void> {
    await this.#begin();
    this.#privileged();
    if (this.kernel.swap === null) throw new SyscallError('ENOSYS');
    const file = await this.#openCharged(path, { read: true, write: true }, 0);
    try {
      await this.kernel.swap.swapon(file, this);
    } catch (error) {
      this.#release(file);
      throw error;
    }
    await this.#return();
  }

  async swapoff(path: string): Promise<void> {
    await this.#begin();
    this.#privileged();
    if (this.kernel.swap === null) throw new SyscallError('ENOSYS');
    await this.kernel.swap.swapoff(lookup(this.#position(), path).inode, this);
    await this.#return();
  }

  // ------------------------------------------------------------------------------------------------ memory

  mmap(pages: number): Mapping {
    this.#enter();
    if (!Number.isInteger(pages) || pages <= 0) throw new SyscallError('EINVAL');
    const mapping = { vpn: this.space.place(pages), pages };
    this.space.anon.add(mapping);
    return mapping;
  }

  mmapFile(fd: number, options: { index?: number; pages: number; write?: boolean; random?: boolean }): Mapping {
    this.#enter();
    const file = this.fds.get(fd);
    const { index = 0, pages, write = false } = options;
    if (pages <= 0) throw new SyscallError('EINVAL');
    if (!file.flags.read || (write && !file.flags.write)) throw new SyscallError('EACCES');
    file.ops.mmap(file, this);
    file.references++;
    return this.#mapFile(file, index, pages, write);
  }

  #mapFile(file: OpenFile, index: number, pages: number, write: boolean): FileMapping {
    const mapping: FileMapping = { vpn: this.space.place(pages), pages, file, index, write };
    this.space.files.add(mapping);
    return mapping;
  }

  async touch(mapping: Mapping, options: { from?: number; pages?: number; write?: boolean } = {}): Promise<void> {
    const { from = 0, pages = mapping.pages - from, write = false } = options;
    const shared = this.space.files.has(mapping as FileMapping) ? (mapping as FileMapping) : null;
    const { scheduler } = this.kernel;
    await this.#begin();
    try {
      for (let page = from; page < from + pages; page++) {
        scheduler.elapse(FAULT_NS);
        this.space.fault(mapping.vpn + page, this);
        const fault = this.userFault(() => this.#fault(mapping, shared, page, write));
        if (fault !== undefined) await fault;
        if (this.#pending.size > 0 || this.#sleepEnd > this.now || scheduler.overdue) await this.#return();
        else this.#runOn();
      }
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      // Out of memory without a victim: the fault would be tried for ever; Linux kills who faults (pagefault_out_of_memory()).
      throw new ProcessEnd({ signal: error.errno === 'ENOMEM' ? SIGKILL : SIGBUS });
    }
  }

  /** mm_populate(): what MAP_POPULATE does before mmap(2) returns. It never fails: it ends where a page cannot be had. */
  async populate(mapping: Mapping, options: { write?: boolean } = {}): Promise<number> {
    const { write = false } = options;
    const shared = this.space.files.has(mapping as FileMapping) ? (mapping as FileMapping) : null;
    await this.#begin();
    let page = 0;
    try {
      for (; page < mapping.pages; page++) {
        this.kernel.scheduler.elapse(SYSCALL_NS);
        this.space.fault(mapping.vpn + page, this);
        const fault = this.#fault(mapping, shared, page, write);
        if (fault !== undefined) await fault;
      }
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    }
    await this.#return();
    return page;
  }

  /** One page of a mapping. */
  #fault(mapping: Mapping, shared: FileMapping | null, page: number, write: boolean): void | Promise<void> {
    if (shared !== null) return shared.file.ops.fault(shared.file, this, shared.index + page, { write });
    this.charge((machine, task, cpu) => machine.touchAnon(task, { vpn: mapping.vpn + page, write }, cpu));
  }

  munmap(mapping: Mapping): void {
    this.#enter();
    const shared = mapping as FileMapping;
    if (this.space.files.delete(shared)) {
      shared.file.ops.unmap(shared.file, this, shared.index, shared.pages);
      this.#release(shared.file);
    } else if (this.space.anon.delete(mapping))
      this.charge((machine, task, cpu) => machine.freeAnon(task, { vpn: mapping.vpn, pages: mapping.pages }, cpu));
    else throw new SyscallError('EINVAL');
    this.space.release(mapping, this);
  }

  async mlock(mapping: Mapping): Promise<void> {
    await this.#begin();
    if (!this.space.anon.has(mapping)) throw new SyscallError('ENOMEM');
    for (let page = 0; page < mapping.pages; page++) this.space.fault(mapping.vpn + page, this);
    this.charge((machine, task, cpu) => machine.mlock(task, { vpn: mapping.vpn, pages: mapping.pages }, cpu));
    await this.#return();
  }

  shmget(
    key: number,
    size: number,
    options: { create?: boolean; exclusive?: boolean; mode?: number; payer?: string },
  ): number {
    this.#enter();
    if (this.kernel.sharedMemory === null) throw new SyscallError('ENOSYS');
    const payer = options.payer === undefined ? null : this.#payerAt(options.payer);
    return this.kernel.sharedMemory.get(key, size, options, this, payer);
  }

  shmat(id: number): Mapping {
    this.#enter();
    if (this.kernel.sharedMemory === null) throw new SyscallError('ENOSYS');
    const { file, pages } = this.kernel.sharedMemory.attach(id, this);
    return this.#mapFile(file, 0, pages, true);
  }

  shmRemove(id: number): void {
    this.#enter();
    if (this.kernel.sharedMemory === null) throw new SyscallError('ENOSYS');
    this.kernel.sharedMemory.remove(id, this);
  }

  shmList(): { id: number; key: number; size: number; uid: number; mode: number; nattch: number }[] {
    return this.kernel.sharedMemory?.list() ?? [];
  }
}
