/** The file system cgroup2 in the tree of files: CgroupFs (bindings/cgroupfs) as inodes. */
import type { CgroupFs } from '../../cgroupfs/cgroupfs.ts';
import type { OpenFile as ControlFile } from '../../cgroupfs/open-file.ts';
import type { Processes, Thread } from '../../cgroupfs/processes.ts';
import { EngineError } from '../../engine/error.ts';
import { bytesOf, textOf } from './bytes.ts';
import { asSyscall, SyscallError } from './error.ts';
import type { Kernel } from './kernel.ts';
import { UserProcess } from './process.ts';
import { SIGKILL } from './signals.ts';
import type { FileType } from './syscalls.ts';
import { type Caller, FileSystem, Inode, type OpenFile, PAGE_SIZE, type StatFs } from './vfs.ts';

/** The kernel's processes, as cgroups know them. */
export function cgroupProcesses(kernel: Kernel): Processes {
  return {
    // In the order in which they came to be: init, the kernel's threads, the rest.
    *threads(): Iterable<Thread> {
      const of = ({ pid, task, status }: UserProcess) => ({
        tid: pid,
        pid,
        task,
        ...(status !== null && { dead: true }),
      });
      const init = kernel.processes.get(1);
      if (init !== undefined) yield of(init);
      for (const { pid, bound } of kernel.kernelThreads.values()) yield { tid: pid, pid, task: 0, bound };
      for (const process of kernel.processes.values()) if (process !== init) yield of(process);
    },
    kill: (pid) => kernel.processes.get(pid)?.send(SIGKILL),
    freeze: (pid, frozen) => kernel.processes.get(pid)?.freeze(frozen),
  };
}

export class Cgroup2Fs extends FileSystem {
  readonly type = 'cgroup2';
  readonly cgroups: CgroupFs;
  readonly time: bigint;
  readonly root: CgroupInode;
  /** by inode number: one inode for each file, as long as it is there */
  readonly #inodes = new Map<number, CgroupInode>();

  constructor(cgroups: CgroupFs, dev: number, time: bigint) {
    super(dev);
    this.cgroups = cgroups;
    this.time = time;
    this.root = new CgroupInode(this, cgroups.stat('/').inode, 'directory', '/', time);
    this.root.refresh();
  }
  /** cgroup_do_get_tree(): the root of who mounts it. */
  override rootFor(caller: Caller): Inode {
    const root = caller instanceof UserProcess ? caller.cgroupRoot : null;
    let at: CgroupInode = this.root;
    for (const name of root?.path.split('/').filter((word) => word !== '') ?? [])
      at = at.lookup(name, caller) as CgroupInode;
    return at;
  }
  override showOptions(): string[] {
    return [];
  }
  statfs(): StatFs {
    return { bsize: PAGE_SIZE, blocks: 0, bfree: 0, type: 'cgroup2fs' };
  }

  /** The inode of a path, or null. */
  inodeAt(path: string, parent: CgroupInode, name: string, time: bigint): CgroupInode | null {
    let stat: ReturnType<CgroupFs['stat']>;
    try {
      stat = this.cgroups.stat(path);
    } catch (error) {
      if (error instanceof EngineError && error.errno === 'ENOENT') return null;
      throw error;
    }
    let inode = this.#inodes.get(stat.inode);
    if (inode === undefined) {
      inode = new CgroupInode(this, stat.inode, stat.isDirectory ? 'directory' : 'file', path, time);
      inode.name = name;
      inode.parent = parent;
      this.#inodes.set(stat.inode, inode);
    }
    inode.refresh();
    return inode;
  }
  forget(inode: CgroupInode): void {
    this.#inodes.delete(inode.ino);
  }
}

/** A cgroup's directory or one of its files. */
export class CgroupInode extends Inode {
  /** in the hierarchy */
  readonly path: string;
  declare readonly fs: Cgroup2Fs;

  constructor(fs: Cgroup2Fs, ino: number, type: FileType, path: string, time: bigint) {
    super(fs, ino, type, 0, time);
    this.path = path;
  }

  /** Mode, owner and links as they are now. */
  refresh(): void {
    const { mode, uid, gid, nlink } = this.fs.cgroups.stat(this.path);
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
    this.nlink = nlink;
  }
  #below(name: string): string {
    return this.path === '/' ? `/${name}` : `${this.path}/${name}`;
  }

  override lookup(name: string, caller: Caller): Inode | null {
    if (this.type !== 'directory') throw new SyscallError('ENOTDIR');
    if (this.nlink === 0) return null;
    return asSyscall(() => this.fs.inodeAt(this.#below(name), this, name, caller.realtime));
  }
  override create(name: string, type: FileType, mode: number, caller: Caller): Inode {
    if (type === 'file') throw new SyscallError('EACCES');
    if (type !== 'directory') throw new SyscallError('EPERM');
    const { uid, gid } = caller;
    asSyscall(() => this.fs.cgroups.mkdir(this.#below(name), { mode, credentials: { uid, gid } }));
    caller.kernel.noteEvents();
    this.refresh();
    return this.lookup(name, caller)!;
  }
  override unlink(name: string, inode: Inode, caller: Caller): void {
    if (!(inode instanceof CgroupInode) || inode.type !== 'directory') throw new SyscallError('EPERM');
    const { uid, gid } = caller;
    asSyscall(() => this.fs.cgroups.rmdir(this.#below(name), { credentials: { uid, gid } }));
    caller.kernel.noteEvents();
    inode.nlink = 0;
    inode.parent = null;
    this.fs.forget(inode);
    this.refresh();
  }
  override readdir(_caller: Caller): string[] {
    if (this.nlink === 0) return [];
    return asSyscall(() => this.fs.cgroups.list(this.path));
  }
  override setattr(change: { mode?: number; uid?: number; gid?: number; atime?: bigint; mtime?: bigint }): void {
    const { mode, uid = this.uid, gid = this.gid } = change;
    asSyscall(() => {
      if (mode !== undefined) this.fs.cgroups.chmod(this.path, mode);
      if (uid !== this.uid || gid !== this.gid) this.fs.cgroups.chown(this.path, uid, gid);
    });
    if (change.mtime !== undefined) this.mtime = change.mtime;
    if (change.atime !== undefined) this.atime = change.atime;
    this.refresh();
  }

  // ------------------------------------------------------------------------------------------------ files

  override open(file: OpenFile, caller: Caller): void {
    if (this.type === 'directory') return;
    const { read = false, write = false } = file.flags;
    const credentials = { uid: caller.uid, gid: caller.gid };
    const control = asSyscall(() => this.fs.cgroups.open(this.path, { read, write }, { credentials }));
    file.data = { control, text: null } satisfies OpenControl;
  }
  override release(file: OpenFile): void {
    if (this.type !== 'directory') (file.data as OpenControl).control.close();
  }
  override async read(file: OpenFile, caller: Caller, offset: number, count: number): Promise<Uint8Array> {
    const open = file.data as OpenControl;
    // What was begun is read to its end, whatever changes meanwhile.
    if (offset === 0 || open.text === null) open.text = bytesOf(asSyscall(() => open.control.read()));
    caller.kernel.noteEvents();
    return open.text.slice(offset, offset + count);
  }
  override async write(file: OpenFile, caller: Caller, _offset: number, bytes: Uint8Array): Promise<number> {
    const { control } = file.data as OpenControl;
    try {
      asSyscall(() => control.write(textOf(bytes), caller.pid));
    } finally {
      caller.kernel.noteEvents();
    }
    return bytes.length;
  }
  /** `>` opens with O_TRUNC, which changes nothing. */
  override async truncate(): Promise<void> {}
}

/** An open control file, and what was read of it. */
interface OpenControl {
  readonly control: ControlFile;
  text: Uint8Array | null;
}
