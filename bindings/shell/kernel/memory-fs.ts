/**
 * A plain file system in memory that charges nobody: the root file system and, by subclasses, others that live in memory. File contents
 * are the care of `makeFile`, so that subclasses can have them charged.
 */
import { SyscallError } from './error.ts';
import type { FileType } from './syscalls.ts';
import { type Caller, FileSystem, Inode, type OpenFile, PAGE_SIZE, type StatFs } from './vfs.ts';

/** What an inode is besides its type and mode. */
export interface Extra {
  rdev?: number;
  target?: string;
  /** of a file: the memcg that is chosen to pay for it; 0: none */
  payer?: number;
}

/** A directory whose entries are a table, oldest first. */
export class TableDirectory extends Inode {
  readonly entries = new Map<string, Inode>();
  declare readonly fs: MemoryFs;

  override lookup(name: string, _caller: Caller): Inode | null {
    return this.entries.get(name) ?? null;
  }
  override create(
    name: string,
    type: FileType,
    mode: number,
    caller: Caller,
    extra: { rdev?: number; target?: string } = {},
  ): Inode {
    const inode = this.fs.makeInode(type, mode, caller, extra);
    inode.uid = caller.uid;
    // A directory with set-gid hands its group down.
    const handsDown = (this.mode & 0o2000) !== 0;
    inode.gid = handsDown ? this.gid : caller.gid;
    if (handsDown && type === 'directory') inode.mode |= 0o2000;
    this.enter(name, inode);
    this.touched(caller);
    return inode;
  }
  override link(name: string, inode: Inode, caller: Caller): void {
    inode.nlink++;
    inode.ctime = caller.realtime;
    this.entries.set(name, inode);
    this.touched(caller);
  }
  override unlink(name: string, inode: Inode, caller: Caller): void | Promise<void> {
    if (inode instanceof TableDirectory && inode.entries.size > 0) throw new SyscallError('ENOTEMPTY');
    this.leave(name, inode);
    inode.ctime = caller.realtime;
    this.touched(caller);
  }
  override rename(from: string, inode: Inode, to: Inode, name: string, victim: Inode | null, caller: Caller): void {
    if (!(to instanceof TableDirectory)) throw new SyscallError('EXDEV');
    if (victim instanceof TableDirectory && victim.entries.size > 0) throw new SyscallError('ENOTEMPTY');
    if (victim !== null) to.leave(name, victim);
    this.entries.delete(from);
    if (inode.type === 'directory') this.nlink--;
    to.enter(name, inode);
    inode.ctime = caller.realtime;
    this.touched(caller);
    to.touched(caller);
  }
  override readdir(_caller: Caller): string[] {
    return [...this.entries.keys()];
  }

  protected enter(name: string, inode: Inode): void {
    this.entries.set(name, inode);
    if (inode.type !== 'directory') return;
    inode.parent = this;
    inode.name = name;
    this.nlink++;
  }
  protected leave(name: string, inode: Inode): void {
    this.entries.delete(name);
    inode.nlink -= inode.type === 'directory' ? 2 : 1;
    if (inode.type !== 'directory') return;
    inode.parent = null;
    this.nlink--;
  }
  protected touched(caller: Caller): void {
    this.mtime = caller.realtime;
    this.ctime = caller.realtime;
  }
}

/** A symbolic link, a device node or a fifo: what has no contents of its own. */
export class SpecialInode extends Inode {
  target = '';
  override get size(): number {
    return this.target.length;
  }
  override readlink(_caller: Caller): string {
    if (this.type !== 'symlink') throw new SyscallError('EINVAL');
    return this.target;
  }
}

/** A regular file whose bytes nobody is charged for. */
export class PlainFile extends Inode {
  #bytes: Uint8Array = new Uint8Array(0);
  #size = 0;
  override get size(): number {
    return this.#size;
  }
  override get blocks(): number {
    return Math.ceil(this.#size / PAGE_SIZE) * (PAGE_SIZE / 512);
  }
  /** All of it. */
  get contents(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }
  set contents(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#size = bytes.length;
  }
  override async read(_file: OpenFile, _caller: Caller, offset: number, count: number): Promise<Uint8Array> {
    return this.#bytes.slice(offset, Math.min(this.#size, offset + count));
  }
  override async write(_file: OpenFile, caller: Caller, offset: number, bytes: Uint8Array): Promise<number> {
    this.#reserve(offset + bytes.length);
    this.#bytes.set(bytes, offset);
    this.#size = Math.max(this.#size, offset + bytes.length);
    this.mtime = caller.realtime;
    this.ctime = caller.realtime;
    return bytes.length;
  }
  override async truncate(caller: Caller, size: number): Promise<void> {
    this.#reserve(size);
    if (size < this.#size) this.#bytes.fill(0, size, this.#size);
    this.#size = size;
    this.mtime = caller.realtime;
    this.ctime = caller.realtime;
  }
  override async fsync(): Promise<void> {}

  #reserve(size: number): void {
    if (size > 2 ** 30) throw new SyscallError('EFBIG');
    if (size <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(size, 2 * this.#bytes.length, 64));
    larger.set(this.contents);
    this.#bytes = larger;
  }
}

export class MemoryFs extends FileSystem {
  readonly type: string;
  readonly root: TableDirectory;
  #ino = 1;

  constructor(type: string, dev: number, time: bigint, mode = 0o755) {
    super(dev);
    this.type = type;
    this.root = new TableDirectory(this, this.nextIno(), 'directory', mode, time);
  }
  protected nextIno(): number {
    return this.#ino++;
  }
  statfs(): StatFs {
    return { bsize: PAGE_SIZE, blocks: 0, bfree: 0, type: this.type };
  }
  /** An inode that has no name yet. */
  makeInode(type: FileType, mode: number, caller: Caller, extra: Extra): Inode {
    const { rdev = 0, target = '' } = extra;
    if (type === 'file') return this.makeFile(mode, caller, extra);
    if (type === 'directory') return this.makeDirectory(mode, caller);
    const inode = new SpecialInode(this, this.nextIno(), type, type === 'symlink' ? 0o777 : mode, caller.realtime);
    inode.rdev = rdev;
    inode.target = target;
    return inode;
  }
  protected makeDirectory(mode: number, caller: Caller): Inode {
    return new TableDirectory(this, this.nextIno(), 'directory', mode, caller.realtime);
  }
  protected makeFile(mode: number, caller: Caller, _extra: Extra): Inode {
    return new PlainFile(this, this.nextIno(), 'file', mode, caller.realtime);
  }
}
