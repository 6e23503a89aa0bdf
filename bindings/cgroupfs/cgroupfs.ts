/**
 * The file system cgroup2 of a machine: directories, control files, and who may do what. kernel/cgroup/cgroup.c: cgroup_mkdir(),
 * cgroup_rmdir(), cgroup_check_hierarchy_limits(); fs/kernfs; fs/namei.c.
 *
 * A cgroup that Machine.mkdir() or a trace made appears here with memory enabled on the way to it; one that is made here has a memcg of
 * the engine where its parent enables memory.
 */
import { EngineError } from '../engine/error.ts';
import type { Machine } from '../machine.ts';
import { DISTRIBUTION, type KernelConfig } from './config.ts';
import { type Controller, controllerBit, MEMORY } from './controllers.ts';
import { commonAncestor } from './core-files.ts';
import { type Attributes, type ControlFile, Directory } from './directory.ts';
import type { Credentials, Tree } from './file-type.ts';
import { isReadable } from './file-types.ts';
import { Hierarchy } from './hierarchy.ts';
import { Members } from './members.ts';
import { sortByHash } from './name-hash.ts';
import { OpenFile } from './open-file.ts';
import { allowed, EXECUTE, isCapable, READ, ROOT_USER, WRITE } from './permission.ts';
import { type Processes, TaskProcesses } from './processes.ts';
import type { SavedCgroupFs } from './saved.ts';

export interface CgroupFsOptions {
  /** what the kernel was built with; as distributions do unless told */
  config?: KernelConfig;
  /** what the root's cgroup.subtree_control has at the start; memory alone unless told */
  subtreeControl?: readonly Controller[];
  /** who runs the processes; the machine's tasks unless told */
  processes?: Processes;
  /** block devices, `major:minor`, that io.max knows; none unless told */
  devices?: readonly string[];
}

/** What stat(2) says. */
export interface CgroupStat extends Attributes {
  isDirectory: boolean;
  nlink: number;
}

export interface AccessMode {
  read?: boolean;
  write?: boolean;
}

export class CgroupFs {
  readonly #hierarchy: Hierarchy;
  readonly #members: Members;
  readonly #tree: Tree;
  readonly #plain: boolean;
  /** threads that were told to stand still */
  readonly #stopped = new Set<number>();

  /** `saved`: as toJSON() has it, with the machine's tasks for processes. */
  constructor(machine: Machine, options: CgroupFsOptions = {}, saved: SavedCgroupFs | null = null) {
    const { config = DISTRIBUTION, subtreeControl = ['memory'], devices = [] } = { ...options, ...saved };
    const { processes = new TaskProcesses(machine) } = options;
    this.#plain = options.processes === undefined;
    const hierarchy = new Hierarchy(machine, config, saved);
    const members = new Members(machine, hierarchy.root, hierarchy.ofMemcg, processes);
    this.#hierarchy = hierarchy;
    this.#members = members;
    this.#tree = {
      machine,
      kernel: machine.kernel,
      config,
      root: hierarchy.root,
      members,
      processes,
      devices,
      setSubtreeControl: (d, set, by) =>
        hierarchy.apply(d, members, by, () => {
          d.subtreeControl = set;
        }),
      makeThreaded: (d, by) =>
        hierarchy.apply(d, members, by, () => {
          const { domain } = d.parent!;
          for (const each of d.subtree()) if (each === d || each.isThreaded) each.domain = domain;
        }),
      mayWriteProcs: (d, by) => allowed(d.files.get('cgroup.procs')!, WRITE, by),
      refreeze: (d) => this.#refreeze(d),
      showPressure: (d, shown) => hierarchy.showPressure(d, shown),
      nrDying: (d) => hierarchy.nrDying(d, members),
      nrDyingOf: (d, controller) => hierarchy.nrDyingOf(d, controller, members),
    };
    if (saved === null) {
      const set = subtreeControl.reduce((bits, name) => bits | controllerBit(name), 0);
      this.#tree.setSubtreeControl(hierarchy.root, set, ROOT_USER);
    } else hierarchy.restoreMembers(saved, members);
    this.#sync();
  }

  #sync(): void {
    this.#hierarchy.sync(this.#members);
    this.#members.sync();
    for (const tid of this.#stopped) if (this.#members.directoryOf(tid) === null) this.#stopped.delete(tid);
  }

  /** The threads of a cgroup and below stop, or go on, as its cgroup.freeze and those above say. */
  #refreeze(directory: Directory): void {
    const { processes } = this.#tree;
    for (const d of directory.subtree())
      for (const tid of d.live) {
        const frozen = d.isFreezing;
        if (this.#stopped.has(tid) === frozen) continue;
        if (frozen) this.#stopped.add(tid);
        else this.#stopped.delete(tid);
        processes.freeze?.(tid, frozen);
      }
  }

  // ------------------------------------------------------------------------------------------------ paths

  /** What a path names. EngineError ENOENT, ENOTDIR, EACCES. */
  #lookup(path: string, doing: string, by: Credentials): Directory | ControlFile {
    let at: Directory | ControlFile = this.#tree.root;
    for (const name of path.split('/')) {
      if (name === '') continue;
      if (!(at instanceof Directory)) throw new EngineError('ENOTDIR', `${doing} ${path}: ENOTDIR`);
      if (!allowed(at, EXECUTE, by)) throw new EngineError('EACCES', `${doing} ${path}: EACCES`);
      if (name === '.') continue;
      if (name === '..') {
        at = at.parent ?? at;
        continue;
      }
      const file = at.files.get(name);
      const next: Directory | ControlFile | undefined = file?.present ? file : at.children.get(name);
      if (next === undefined) throw new EngineError('ENOENT', `${doing} ${path}: ENOENT`);
      at = next;
    }
    if (path.endsWith('/') && !(at instanceof Directory)) throw new EngineError('ENOTDIR', `${doing} ${path}: ENOTDIR`);
    return at;
  }

  /** The directory that a name is to be made in or taken from, and the name. */
  #parentOf(path: string, doing: string, by: Credentials): { parent: Directory; name: string } {
    const trimmed = path.replace(/\/+$/, '');
    const slash = trimmed.lastIndexOf('/');
    const parent = this.#lookup(`${trimmed.slice(0, slash + 1)}`, doing, by);
    if (!(parent instanceof Directory)) throw new EngineError('ENOTDIR', `${doing} ${path}: ENOTDIR`);
    return { parent, name: trimmed.slice(slash + 1) };
  }

  // ------------------------------------------------------------------------------------------------ directories

  /**
   * mkdir(2). EngineError EEXIST, ENOENT, ENOTDIR, EACCES; EAGAIN: cgroup.max.depth or .descendants of one above; EINVAL: a newline in
   * the name; ENOMEM: its parent cannot pay for it. The caller takes its umask off `mode`.
   */
  mkdir(
    path: string,
    { mode = 0o755, credentials = ROOT_USER }: { mode?: number; credentials?: Credentials } = {},
  ): void {
    this.#sync();
    const doing = 'mkdir';
    const { parent, name } = this.#parentOf(path, doing, credentials);
    const refuse = (errno: string, why = '') => new EngineError(errno, `mkdir ${path}: ${errno}${why}`);
    const special = name === '' || name === '.' || name === '..';
    if (!allowed(parent, EXECUTE, credentials)) throw refuse('EACCES');
    if (special || parent.children.has(name) || parent.files.has(name)) throw refuse('EEXIST');
    if (!allowed(parent, WRITE | EXECUTE, credentials)) throw refuse('EACCES');
    if (name.includes('\n')) throw refuse('EINVAL', ': a newline in the name');
    let depth = 0;
    for (const d of parent.upwards()) {
      if (d.nrDescendants >= d.maxDescendants) throw refuse('EAGAIN', `: cgroup.max.descendants of ${d.path}`);
      if (depth++ >= d.maxDepth) throw refuse('EAGAIN', `: cgroup.max.depth of ${d.path}`);
    }
    this.#hierarchy.mkdir(parent, name, mode & 0o1777, credentials);
  }

  /** rmdir(2). EngineError EBUSY: it has processes or children; ENOENT, ENOTDIR, EACCES, EINVAL, ENOTEMPTY. */
  rmdir(path: string, { credentials = ROOT_USER }: { credentials?: Credentials } = {}): void {
    this.#sync();
    const refuse = (errno: string, why = '') => new EngineError(errno, `rmdir ${path}: ${errno}${why}`);
    const { parent, name } = this.#parentOf(path, 'rmdir', credentials);
    if (name === '') throw refuse('EBUSY', ': the root');
    if (name === '.') throw refuse('EINVAL');
    if (name === '..') throw refuse('ENOTEMPTY');
    const directory = this.#lookup(path, 'rmdir', credentials);
    if (!allowed(parent, WRITE | EXECUTE, credentials)) throw refuse('EACCES');
    if (parent.mode & 0o1000 && !isCapable(credentials) && ![parent.uid, directory.uid].includes(credentials.uid))
      throw refuse('EPERM');
    if (!(directory instanceof Directory)) throw refuse('ENOTDIR');
    if (directory.isPopulated) throw refuse('EBUSY', ': it has processes');
    if (directory.children.size > 0) throw refuse('EBUSY', ': it has cgroups below it');
    this.#hierarchy.remove(directory);
  }

  /** The names in a directory in the order of readdir(3), without `.` and `..`. EngineError ENOENT, ENOTDIR, EACCES. */
  list(path: string, { credentials = ROOT_USER }: { credentials?: Credentials } = {}): string[] {
    this.#sync();
    const directory = this.#lookup(path, 'list', credentials);
    if (!(directory instanceof Directory)) throw new EngineError('ENOTDIR', `list ${path}: ENOTDIR`);
    if (!allowed(directory, READ, credentials)) throw new EngineError('EACCES', `list ${path}: EACCES`);
    const files = [...directory.files.values()].filter((file) => file.present);
    return sortByHash([...files.map((file) => file.type.name), ...directory.children.keys()]);
  }

  // ------------------------------------------------------------------------------------------------ files

  /**
   * open(2). EngineError ENOENT, ENOTDIR, EISDIR; EACCES: its mode does not allow it, or it is not there and `create` is wanted: nobody
   * can make files here.
   */
  open(
    path: string,
    { read = false, write = false, create = false }: AccessMode & { create?: boolean } = { read: true },
    { credentials = ROOT_USER }: { credentials?: Credentials } = {},
  ): OpenFile {
    this.#sync();
    let file: Directory | ControlFile;
    try {
      file = this.#lookup(path, 'open of', credentials);
    } catch (error) {
      if (!create || !(error instanceof EngineError) || error.errno !== 'ENOENT') throw error;
      this.#parentOf(path, 'open of', credentials);
      throw new EngineError('EACCES', `open of ${path}: EACCES: nobody can make files here`);
    }
    if (file instanceof Directory) throw new EngineError('EISDIR', `open of ${path}: EISDIR`);
    if (!allowed(file, (read ? READ : 0) | (write ? WRITE : 0), credentials))
      throw new EngineError('EACCES', `open of ${path}: EACCES`);
    return new OpenFile(this.#tree, file, credentials, () => this.#sync());
  }

  /** What a control file says. EngineError as of open() and OpenFile.read(). */
  read(path: string, by: { credentials?: Credentials } = {}): string {
    const file = this.open(path, { read: true }, by);
    try {
      return file.read();
    } finally {
      file.close();
    }
  }

  /**
   * `echo -n TEXT > FILE` by a process: what it may do is judged by the credentials, and 0 in cgroup.procs is the `writer`. EngineError as
   * of open() (a file that is not there: EACCES) and OpenFile.write().
   */
  write(
    path: string,
    text: string,
    { writer = 0, credentials = ROOT_USER }: { writer?: number; credentials?: Credentials } = {},
  ): void {
    const file = this.open(path, { write: true, create: true }, { credentials });
    try {
      file.write(text, writer);
    } finally {
      file.close();
    }
  }

  /** stat(2). EngineError ENOENT, ENOTDIR, EACCES. */
  stat(path: string, { credentials = ROOT_USER }: { credentials?: Credentials } = {}): CgroupStat {
    this.#sync();
    const at = this.#lookup(path, 'stat', credentials);
    const { inode, mode, uid, gid } = at;
    const isDirectory = at instanceof Directory;
    return { inode, mode, uid, gid, isDirectory, nlink: isDirectory ? 2 + at.children.size : 1 };
  }

  /** chmod(2). EngineError EPERM: neither the owner nor root; ENOENT, ENOTDIR, EACCES. */
  chmod(path: string, mode: number, { credentials = ROOT_USER }: { credentials?: Credentials } = {}): void {
    this.#sync();
    const at = this.#lookup(path, 'chmod', credentials);
    if (!isCapable(credentials) && credentials.uid !== at.uid) throw new EngineError('EPERM', `chmod ${path}: EPERM`);
    at.mode = mode & 0o7777;
  }

  /** chown(2): delegation. EngineError EPERM: not root, and not the owner who gives it to a group of theirs. */
  chown(path: string, uid: number, gid: number, { credentials = ROOT_USER }: { credentials?: Credentials } = {}): void {
    this.#sync();
    const at = this.#lookup(path, 'chown', credentials);
    const groups = [credentials.gid, ...(credentials.groups ?? [])];
    const own = credentials.uid === at.uid && uid === at.uid && (gid === at.gid || groups.includes(gid));
    if (!isCapable(credentials) && !own) throw new EngineError('EPERM', `chown ${path}: EPERM`);
    at.uid = uid;
    at.gid = gid;
  }

  // ------------------------------------------------------------------------------------------------ processes

  /**
   * fork(2) or clone(2) of a thread, before the host has made the child: it will be where its parent is. EngineError EAGAIN where
   * pids.max does not allow it. The host lists the child among its threads before it calls anything else here, or calls forkFailed().
   */
  fork(parent: number, child: number): void {
    this.#sync();
    this.#members.fork(parent, child);
  }

  /** The child of fork() did not come to be. */
  forkFailed(child: number): void {
    this.#members.forget(child);
  }

  /** The machine's own fork and attach: what they do is heard of only where its tasks are the processes. */
  taskForks(task: number, child: number): void {
    if (this.#plain) this.fork(task, child);
  }
  taskForkFailed(child: number): void {
    if (this.#plain) this.forkFailed(child);
  }
  taskAttached(task: number): void {
    if (this.#plain) this.#members.forgetProcess(task);
  }

  /** The cgroup that a thread is in. EngineError ESRCH. */
  directoryOf(tid: number): Directory {
    this.#sync();
    const directory = this.#members.directoryOf(tid);
    if (directory === null) throw new EngineError('ESRCH', `cgroup of ${tid}: ESRCH`);
    return directory;
  }

  /** What /proc/PID/cgroup says after `0::`, to who is in the cgroup namespace of that root. EngineError ESRCH. */
  cgroupOf(tid: number, namespace: Directory | null = null): string {
    const directory = this.directoryOf(tid);
    const path = namespace === null ? directory.path : directory.pathFrom(namespace);
    return directory.removed ? `${path} (deleted)` : path;
  }

  /**
   * The memcg of a cgroup that a thread wants others' pages to be charged to. It must be one that the thread could move itself to: who may write
   * its cgroup.procs and that of their common ancestor. EngineError EACCES; ENOENT: it is not there, or without memory; ENOTDIR, ESRCH.
   */
  payerFor(tid: number, path: string, credentials: Credentials): number {
    const from = this.directoryOf(tid);
    const refuse = (errno: string, why = '') => new EngineError(errno, `charging to ${path}: ${errno}${why}`);
    const to = this.#lookup(path, 'charging to', credentials);
    if (!(to instanceof Directory)) throw refuse('ENOTDIR');
    for (const d of [to, commonAncestor(from, to)])
      if (!this.#tree.mayWriteProcs(d, credentials)) throw refuse('EACCES', `: cgroup.procs of ${d.path}`);
    if (!(to.controllers & to.enabled & MEMORY)) throw refuse('ENOENT', ': memory is not enabled there');
    return to.memcg;
  }

  /** The engine's cgroup that a directory's processes are charged to: its own, or that of the nearest one above that has one. */
  memcgOf(path: string): number {
    this.#sync();
    const directory = this.#lookup(path, 'memcg of', ROOT_USER);
    if (!(directory instanceof Directory)) throw new EngineError('ENOTDIR', `memcg of ${path}: ENOTDIR`);
    return directory.effectiveMemcg;
  }

  // ------------------------------------------------------------------------------------------------ the whole

  /** For Machine.snapshot(). A host of processes is not in it: in the copy, the machine's tasks are the processes. */
  toJSON(): SavedCgroupFs {
    this.#sync();
    const { config, devices } = this.#tree;
    return { config, devices, ...this.#hierarchy.save(this.#members) };
  }

  /** Hands out every file that can be read, with its path and what it says, directories (`null`) before what is in them. */
  dump(write: (path: string, text: string | null) => void): void {
    this.#sync();
    for (const directory of this.#tree.root.subtree()) {
      write(directory.path, null);
      for (const file of directory.files.values()) {
        const { name } = file.type;
        if (!file.present || !isReadable(file.type) || (name === 'cgroup.procs' && directory.isThreaded)) continue;
        // Nothing happens in between.
        const open = new OpenFile(this.#tree, file, ROOT_USER, () => {});
        write(`${directory.isRoot ? '' : directory.path}/${name}`, open.read());
        open.close();
      }
    }
  }
}
