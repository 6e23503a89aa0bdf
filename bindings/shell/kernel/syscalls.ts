/**
 * What a program of the shell's world can ask its kernel for: the syscalls of Linux, by their names. Programs (bindings/shell/programs)
 * and bash (bindings/shell/bash) know nothing else of the world.
 *
 * Paths, arguments and environment are byte strings (bytes.ts). A syscall that fails throws SyscallError. Whatever may block or take time
 * is asynchronous; one process runs at a time, from one such call to the next, in virtual time (scheduler.ts). A process that a signal
 * ends is unwound by an exception that programs must let pass: catch SyscallError only.
 */

/** Open flags, by name: the access mode, and what else is wanted. */
export interface OpenFlags {
  read?: boolean;
  write?: boolean;
  create?: boolean;
  exclusive?: boolean;
  truncate?: boolean;
  append?: boolean;
  directory?: boolean;
  nonblock?: boolean;
  /** O_DIRECT */
  direct?: boolean;
  /** O_NOFOLLOW */
  nofollow?: boolean;
}

export type FileType = 'file' | 'directory' | 'symlink' | 'fifo' | 'char' | 'block';

/** stat(2). Times in ns of virtual time since the epoch. */
export interface Stat {
  dev: number;
  ino: number;
  type: FileType;
  /** permission bits, with set-uid, set-gid and sticky */
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  /** major << 8 | minor, of device nodes */
  rdev: number;
  size: number;
  /** of 512 bytes */
  blocks: number;
  blksize: number;
  atime: bigint;
  mtime: bigint;
  ctime: bigint;
}

/** How a process ended: exit(3)'s status, or the signal that killed it. */
export type WaitStatus = { exit: number } | { signal: number };

/** What sigaction(2) sets. A handler runs when the process next returns from a syscall (bash itself only notes the signal there). */
export type Disposition = 'default' | 'ignore' | ((signal: number) => void);

/** A mapping of a process: its first virtual page, and what it maps. */
export interface Mapping {
  /** virtual page number of the first page */
  readonly vpn: number;
  readonly pages: number;
}

/** What runs in a process: resolves to its exit status, 0 to 255. */
export type Body = (process: Process) => Promise<number>;
/** A program: what an executable file of the world does. argv[0] is the name that it was called by. */
export type Program = (process: Process, argv: readonly string[]) => Promise<number>;

export interface Process {
  readonly pid: number;
  readonly ppid: number;
  /** the engine's task */
  readonly task: number;
  /** /proc/PID/comm */
  comm: string;
  readonly uid: number;
  readonly gid: number;
  umask: number;
  /** RLIMITs, times and the like are not modelled; virtual time is, in ns since boot */
  readonly now: bigint;
  /** CLOCK_REALTIME, ns since the epoch: a fixed start plus `now` */
  readonly realtime: bigint;

  // -------------------------------------------------------------------------------- files
  /** open(2): a descriptor, the lowest that is free. */
  open(path: string, flags: OpenFlags, mode?: number): Promise<number>;
  close(fd: number): void;
  /** dup2(2); `from` must be open. */
  dup2(from: number, to: number): void;
  /** fcntl(F_DUPFD): the lowest free descriptor not below `least`. */
  dupAbove(fd: number, least: number): number;
  isOpen(fd: number): boolean;
  /** FD_CLOEXEC */
  setCloseOnExec(fd: number, on: boolean): void;
  /** pipe(2): [read end, write end] */
  pipe(): [number, number];
  /** At most `count` bytes; none at the end of the file. */
  read(fd: number, count: number): Promise<Uint8Array>;
  /** All of the bytes, or what could be written (a short write, as ENOSPC in the middle) — then the next call tells why. */
  write(fd: number, bytes: Uint8Array): Promise<number>;
  /** lseek(2): the new offset. ESPIPE. `data` and `hole` are SEEK_DATA and SEEK_HOLE; ENXIO past the end. */
  lseek(fd: number, offset: number, whence: 'set' | 'cur' | 'end' | 'data' | 'hole'): number;
  ftruncate(fd: number, size: number): Promise<void>;
  truncate(path: string, size: number): Promise<void>;
  /** fallocate(2) */
  fallocate(
    fd: number,
    offset: number,
    length: number,
    options?: { keepSize?: boolean; punchHole?: boolean },
  ): Promise<void>;
  /** fsync(2) */
  fsync(fd: number): Promise<void>;
  /** sync(2) */
  sync(): Promise<void>;
  isatty(fd: number): boolean;
  /** memfd_create(2); `payer`: path of the cgroup that pays for it, under a policy that has that. EINVAL, EBADF, ENOENT, EACCES, EPERM. */
  memfdCreate(name: string, options?: { payer?: string }): number;

  // -------------------------------------------------------------------------------- names
  stat(path: string): Stat;
  lstat(path: string): Stat;
  fstat(fd: number): Stat;
  /** access(2) with the effective uid; `mode` of r, w, x */
  access(path: string, mode: { read?: boolean; write?: boolean; execute?: boolean }): boolean;
  mkdir(path: string, mode?: number): Promise<void>;
  rmdir(path: string): Promise<void>;
  unlink(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  link(from: string, to: string): void;
  symlink(target: string, path: string): void;
  readlink(path: string): string;
  mknod(path: string, type: FileType, mode: number, rdev?: number): void;
  chmod(path: string, mode: number): void;
  chown(path: string, uid: number, gid: number): void;
  utimes(path: string, atime: bigint, mtime: bigint): void;
  /** setxattr(2), removexattr(2) (`null`). EOPNOTSUPP, EPERM, ENODATA, EROFS, EACCES; what a charging policy makes of user.memcg_domain. */
  setxattr(path: string, name: string, value: string | null, options?: { nofollow?: boolean }): void;
  /** ENODATA */
  getxattr(path: string, name: string, options?: { nofollow?: boolean }): string;
  listxattr(path: string, options?: { nofollow?: boolean }): string[];
  /** The names in a directory in the order of its file system, without `.` and `..`. */
  readdir(path: string): string[];
  /** statfs(2), in blocks of `bsize` bytes */
  statfs(path: string): { bsize: number; blocks: number; bfree: number; type: string };
  chdir(path: string): void;
  getcwd(): string;

  // -------------------------------------------------------------------------------- mounts and devices
  mount(source: string, target: string, type: string, options: string): Promise<void>;
  umount(target: string, options?: { lazy?: boolean }): Promise<void>;
  /** unshare(2): new namespaces of its own. */
  unshare(what: {
    mount?: boolean;
    cgroup?: boolean;
    pid?: boolean;
    ipc?: boolean;
    uts?: boolean;
    net?: boolean;
    user?: boolean;
  }): void;
  /** Device control by name: losetup's LOOP_SET_FD … see devices. */
  ioctl(fd: number, request: string, argument?: unknown): Promise<unknown>;
  /** The open file behind a descriptor, for requests that name one (LOOP_CONFIGURE). EBADF. */
  file(fd: number): unknown;
  swapon(path: string): Promise<void>;
  swapoff(path: string): Promise<void>;

  // -------------------------------------------------------------------------------- processes
  /** fork(2): a child that runs `body`; it starts when the parent blocks or its slice ends. */
  fork(body: Body): Process;
  /** execve(2): the program takes the process over; resolves when it has ended, with its status. ENOENT, EACCES, ENOEXEC … before that. */
  exec(path: string, argv: readonly string[], env: ReadonlyMap<string, string>): Promise<number>;
  /** The environment that the program was given. */
  readonly env: ReadonlyMap<string, string>;
  /** waitpid(2): `pid` -1 is any child. null with `nohang` while none has ended. ECHILD. EINTR when a handler of a signal has run. */
  wait(pid: number, options?: { nohang?: boolean }): Promise<{ pid: number; status: WaitStatus } | null>;
  /** kill(2): `pid` 0 and negative ones are process groups. */
  kill(pid: number, signal: number): void;
  sigaction(signal: number, disposition: Disposition): void;
  /** The disposition that the process has for a signal: a shell may not trap what was ignored when it began. */
  disposition(signal: number): Disposition;
  setsid(): number;
  setpgid(pid: number, pgid: number): void;
  getpgid(): number;
  setuid(uid: number): void;
  setgid(gid: number): void;
  /** nanosleep(2), ns of virtual time. True: slept to the end; false: a signal's handler ran. */
  sleep(ns: bigint): Promise<boolean>;
  /** pause(2) */
  pause(): Promise<void>;
  /** Computes for so long: virtual time goes on, and others may run when the slice is over. */
  cpu(ns: number): Promise<void>;
  /** _exit(2): never returns. */
  exit(status: number): never;

  // -------------------------------------------------------------------------------- memory
  /** mmap(MAP_PRIVATE | MAP_ANONYMOUS), untouched. */
  mmap(pages: number): Mapping;
  /** mmap(MAP_SHARED) of an open file, from a page on. EACCES as in Linux. */
  mmapFile(fd: number, options: { index?: number; pages: number; write?: boolean; random?: boolean }): Mapping;
  /** Touches pages of a mapping, each a fault of its own if need be. A mapping past the end of its file: SIGBUS. */
  touch(mapping: Mapping, options?: { from?: number; pages?: number; write?: boolean }): Promise<void>;
  /** MAP_POPULATE of a mapping that was just made, and mincore(2): how many of its pages, from the first on, are there. */
  populate(mapping: Mapping, options?: { write?: boolean }): Promise<number>;
  munmap(mapping: Mapping): void;
  mlock(mapping: Mapping): Promise<void>;
  /** shmget(2): the segment's id; `key` 0 is IPC_PRIVATE; `payer` as of memfdCreate(). */
  shmget(
    key: number,
    size: number,
    options: { create?: boolean; exclusive?: boolean; mode?: number; payer?: string },
  ): number;
  shmat(id: number): Mapping;
  /** IPC_RMID */
  shmRemove(id: number): void;
  /** Segments that exist: what /proc/sysvipc/shm and ipcs show. */
  shmList(): { id: number; key: number; size: number; uid: number; mode: number; nattch: number }[];
}
