/**
 * What the kernel's side knows of files: inodes, open files, file systems. Subclasses are the file systems (memory-fs.ts, tmpfs.ts, …)
 * and the devices. Names are the kernel's (include/linux/fs.h).
 *
 * What fails throws SyscallError. Directory operations are synchronous (nobody sleeps in a lookup); reading and writing is not. Whoever
 * calls has checked permissions, read-only mounts, and that names are neither empty, `.` nor `..`.
 */
import type { CallResult } from '../../live.ts';
import type { Machine } from '../../machine.ts';
import { SyscallError } from './error.ts';
import type { Kernel, Payer } from './kernel.ts';
import type { WaitQueue } from './scheduler.ts';
import type { SlabObject } from './slab.ts';
import type { FileType, OpenFlags } from './syscalls.ts';

export const NAME_MAX = 255;
export const PAGE_SIZE = 4096;

/** Who asks: a process, or a kernel thread (flusher, worker of a loop device). */
export interface Caller {
  readonly kernel: Kernel;
  readonly pid: number;
  /** the engine's task */
  readonly task: number;
  readonly uid: number;
  readonly gid: number;
  /** CPU that it runs on */
  readonly cpuId: number;
  /** ns since boot; since the epoch */
  readonly now: bigint;
  readonly realtime: bigint;
  /**
   * One entry into the engine. Whoever the OOM killer took in it gets SIGKILL; if that is the caller itself, the exception that unwinds
   * a process is thrown. SyscallError ENOMEM where a limit refused.
   */
  charge(call: (machine: Machine, task: number, cpu: number) => CallResult): CallResult;
  /**
   * Sleeps until the queue is woken: true, or until then (ns since boot): false. It may be woken for nothing, as by a signal that a handler
   * took (SA_RESTART): look again at what is waited for. Not to be caught: what it throws where the process ends.
   */
  waitOn(queue: WaitQueue, options?: { until?: bigint; uninterruptible?: boolean }): Promise<boolean>;
  /** Time that the kernel takes for it, ns; the process may lose the CPU at its next return to user mode. */
  elapse(ns: number): void;
  /** Signals, as SIGPIPE, to the caller itself. */
  raise(signal: number): void;
}

/**
 * What can be done with an open file: of a regular file the inode itself, of a device its driver. The defaults are what the kernel
 * answers where a file system has no such operation.
 */
export abstract class FileOperations {
  /** lseek(2) works: what reads and writes go by OpenFile.offset */
  get seekable(): boolean {
    return true;
  }
  /** May refuse (ENXIO), or wait (a fifo for its other end). */
  open(_file: OpenFile, _caller: Caller): void | Promise<void> {}
  /** The last descriptor is gone. Never throws. */
  release(_file: OpenFile, _caller: Caller): void | Promise<void> {}
  /** At most `count` bytes from `offset` on; none at the end. They are the reader's own, or nobody changes them ever. */
  read(_file: OpenFile, _caller: Caller, _offset: number, _count: number): Promise<Uint8Array> {
    throw new SyscallError('EINVAL');
  }
  /** How many bytes were written (at least one, if there were any). With O_APPEND `offset` is the size. Nobody changes the bytes later. */
  write(_file: OpenFile, _caller: Caller, _offset: number, _bytes: Uint8Array): Promise<number> {
    throw new SyscallError('EINVAL');
  }
  /** Where lseek's `end` counts from. */
  end(file: OpenFile): number {
    return file.inode.size;
  }
  /** ftruncate(2), truncate(2) and O_TRUNC. */
  truncate(_caller: Caller, _size: number): Promise<void> {
    throw new SyscallError('EINVAL');
  }
  fallocate(
    _file: OpenFile,
    _caller: Caller,
    _offset: number,
    _length: number,
    _options: { keepSize: boolean; punchHole: boolean },
  ): Promise<void> {
    throw new SyscallError('EOPNOTSUPP');
  }
  fsync(_file: OpenFile, _caller: Caller): Promise<void> {
    throw new SyscallError('EINVAL');
  }
  ioctl(_file: OpenFile, _caller: Caller, _request: string, _argument: unknown): Promise<unknown> {
    throw new SyscallError('ENOTTY');
  }
  /** mmap(2): whether it can be mapped at all. SyscallError ENODEV. */
  mmap(_file: OpenFile, _caller: Caller): void {
    throw new SyscallError('ENODEV');
  }
  /** A fault of a mapping at page `index` of the file. SyscallError EFAULT: SIGBUS; ENOMEM: the process ends, too. */
  fault(
    _file: OpenFile,
    _caller: Caller,
    _index: number,
    _options: { write: boolean; exec?: boolean; random?: boolean },
  ): void | Promise<void> {
    throw new SyscallError('EFAULT');
  }
  /** munmap(2) of pages of the file. */
  unmap(_file: OpenFile, _caller: Caller, _index: number, _pages: number): void {}
  /** isatty(3) */
  get tty(): boolean {
    return false;
  }
}

/** open(2)'s result: what descriptors refer to, one or several (dup, fork). */
export class OpenFile {
  readonly inode: Inode;
  readonly ops: FileOperations;
  /** by which mount; null: none, as of pipes */
  readonly mount: MountReference | null;
  readonly flags: Readonly<OpenFlags>;
  /** what /proc/PID/fd shows */
  readonly path: string;
  offset = 0;
  /** descriptors, mappings and kernel users of it */
  references = 1;
  /** struct file, and who pays for it */
  slab: SlabObject | null = null;
  /** whatever the file operations want to keep */
  data: unknown = null;

  constructor(
    inode: Inode,
    ops: FileOperations,
    flags: Readonly<OpenFlags>,
    mount: MountReference | null,
    path: string,
  ) {
    this.inode = inode;
    this.ops = ops;
    this.flags = flags;
    this.mount = mount;
    this.path = path;
  }
}

/** What keeps a mount busy. */
export interface MountReference {
  readonly fs: FileSystem;
  /** open files, directories that processes are in */
  users: number;
}

/** statfs(2), in blocks of `bsize` bytes */
export interface StatFs {
  bsize: number;
  blocks: number;
  bfree: number;
  /** for those who are not root; bfree unless told */
  bavail?: number;
  files?: number;
  ffree?: number;
  /** the name of its magic number */
  type: string;
}

/** A file system that is mounted at least once: a super block. */
export abstract class FileSystem {
  /** what mount(8) calls it */
  abstract readonly type: string;
  /** major << 8 | minor, stat's st_dev */
  readonly dev: number;
  abstract readonly root: Inode;
  /** for a read-only medium */
  readonly = false;
  /** mounts of it, in whatever namespace */
  mounts = 0;
  /** whose extended attributes it keeps: `user`, `trusted` */
  readonly attributes: readonly string[] = [];
  constructor(dev: number) {
    this.dev = dev;
  }
  /** What a mount of it by the caller shows first: `root`, unless it is a cgroup namespace's. */
  rootFor(_caller: Caller): Inode {
    return this.root;
  }
  /** The options that /proc/mounts shows after rw,relatime: `size=1024k` */
  showOptions(): string[] {
    return [];
  }
  abstract statfs(): StatFs;
  /** mount -o remount,… ; `payer`: memcg= of a policy that has it. SyscallError EINVAL. */
  remount(_options: readonly string[], _caller: Caller, _payer: Payer | null): void {}
  /** sync(2), syncfs(2) */
  sync(_caller: Caller): void | Promise<void> {}
  /** The last mount is gone, and the last open file: everything goes. */
  unmount(_caller: Caller): void | Promise<void> {}
}

/** A file, directory, link, device, fifo. */
export abstract class Inode extends FileOperations {
  readonly fs: FileSystem;
  readonly ino: number;
  readonly type: FileType;
  mode: number;
  uid = 0;
  gid = 0;
  nlink: number;
  /** major << 8 | minor */
  rdev = 0;
  atime: bigint;
  mtime: bigint;
  ctime: bigint;
  /** of a directory: where it hangs, and its name there; null: a root, or removed */
  parent: Inode | null = null;
  name = '';
  /** how many have it open, or are in it: an inode without names goes when none does (release of the last: evict()) */
  opens = 0;

  constructor(fs: FileSystem, ino: number, type: FileType, mode: number, time: bigint) {
    super();
    this.fs = fs;
    this.ino = ino;
    this.type = type;
    this.mode = mode;
    this.nlink = type === 'directory' ? 2 : 1;
    this.atime = time;
    this.mtime = time;
    this.ctime = time;
  }

  #xattrs: Map<string, string> | null = null;
  /** extended attributes, by name */
  get xattrs(): Map<string, string> {
    this.#xattrs ??= new Map();
    return this.#xattrs;
  }
  /** One was set, or (`null`) is gone. */
  attributeChanged(_name: string, _value: string | null): void {}

  /** st_size */
  get size(): number {
    return 0;
  }
  /** st_blocks, of 512 bytes */
  get blocks(): number {
    return 0;
  }
  get blksize(): number {
    return PAGE_SIZE;
  }

  /** No name and no user is left. */
  evict(_caller: Caller): void | Promise<void> {}
  /** chmod(2), chown(2) and utimes(2), after the checks; a file system may refuse (EPERM) or note. */
  setattr(change: { mode?: number; uid?: number; gid?: number; atime?: bigint; mtime?: bigint }, caller: Caller): void {
    Object.assign(this, change);
    this.ctime = caller.realtime;
  }

  // ------------------------------------------------------------------------------- of directories
  /** The entry of that name, or null. */
  lookup(_name: string, _caller: Caller): Inode | null {
    throw new SyscallError('ENOTDIR');
  }
  /** A new entry, with its owner set; `name` is free. EPERM where the file system has no such thing. */
  create(
    _name: string,
    _type: FileType,
    _mode: number,
    _caller: Caller,
    _extra: { rdev?: number; target?: string },
  ): Inode {
    throw new SyscallError('EPERM');
  }
  /** link(2): another name for `inode`. */
  link(_name: string, _inode: Inode, _caller: Caller): void {
    throw new SyscallError('EPERM');
  }
  /** unlink(2) and rmdir(2) (which checks ENOTEMPTY here). The inode is evicted by the caller if nobody uses it. */
  unlink(_name: string, _inode: Inode, _caller: Caller): void | Promise<void> {
    throw new SyscallError('EPERM');
  }
  /** rename(2) of `inode` to `name` in `to`, over `victim` if there is one (types fit; ENOTEMPTY is checked here). */
  rename(_from: string, _inode: Inode, _to: Inode, _name: string, _victim: Inode | null, _caller: Caller): void {
    throw new SyscallError('EPERM');
  }
  /** Names, without `.` and `..`, in the order of the file system. */
  readdir(_caller: Caller): string[] {
    throw new SyscallError('ENOTDIR');
  }
  // ------------------------------------------------------------------------------- of symbolic links
  readlink(_caller: Caller): string {
    throw new SyscallError('EINVAL');
  }
  /** A magic link of proc leads to an inode, whatever its text says: where to; null: go by the text. */
  follow(_caller: Caller): { mount: MountReference | null; inode: Inode } | null {
    return null;
  }
}
