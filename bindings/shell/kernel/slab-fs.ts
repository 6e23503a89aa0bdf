/**
 * A file system in memory whose inodes and directory entries are slab objects that somebody pays for: what tmpfs and the disk's file system
 * have in common. Its subclasses say which caches they are of, what contents files have, and how many inodes there may be.
 */
import type { KernelObject } from '../../live.ts';
import { SyscallError } from './error.ts';
import type { Kernel } from './kernel.ts';
import { type Extra, MemoryFs, SpecialInode, TableDirectory } from './memory-fs.ts';
import { allocate, free, type SlabObject } from './slab.ts';
import type { FileType } from './syscalls.ts';
import type { Caller, Inode } from './vfs.ts';

export abstract class SlabFs extends MemoryFs {
  readonly kernel: Kernel;
  /** what is charged for an inode, and for a name */
  abstract readonly inodeObject: KernelObject;
  abstract readonly dentryObject: KernelObject;
  readonly #inodes = new Map<Inode, SlabObject>();

  constructor(kernel: Kernel, type: string, dev: number, mode: number) {
    super(type, dev, kernel.realtime, mode);
    this.kernel = kernel;
  }

  /** Inodes in use, with the root. */
  get inodes(): number {
    return this.#inodes.size + 1;
  }
  /** May there be one more? SyscallError ENOSPC. */
  protected reserveInode(_caller: Caller): void {}
  /** The inode of a regular file. */
  protected abstract override makeFile(mode: number, caller: Caller, extra: Extra): Inode;
  /** Its number may be given again. */
  protected inodeGone(_inode: Inode): void {}

  override makeInode(type: FileType, mode: number, caller: Caller, extra: Extra): Inode {
    this.reserveInode(caller);
    const slab = allocate(caller, this.inodeObject);
    try {
      const inode = this.makeOf(type, mode, caller, extra);
      this.#inodes.set(inode, slab);
      return inode;
    } catch (error) {
      if (error instanceof SyscallError) free(this.kernel.machine, slab);
      throw error;
    }
  }
  protected makeOf(type: FileType, mode: number, caller: Caller, extra: Extra): Inode {
    const { rdev = 0, target = '' } = extra;
    if (type === 'file') return this.makeFile(mode, caller, extra);
    if (type === 'directory') return this.makeDirectory(mode, caller);
    const inode = new SlabSpecial(this, this.nextIno(), type, type === 'symlink' ? 0o777 : mode, caller.realtime);
    inode.rdev = rdev;
    inode.target = target;
    return inode;
  }
  protected override makeDirectory(mode: number, caller: Caller): Inode {
    return new SlabDirectory(this, this.nextIno(), 'directory', mode, caller.realtime);
  }

  /** evict_inode(): the inode is gone. */
  evicted(inode: Inode): void {
    const slab = this.#inodes.get(inode);
    if (slab === undefined) return;
    this.#inodes.delete(inode);
    free(this.kernel.machine, slab);
    this.inodeGone(inode);
  }

  /** Inodes and names leave memory, and stay on their device. */
  protected dropSlab(): void {
    for (const [inode, slab] of this.#inodes) {
      free(this.kernel.machine, slab);
      this.#inodes.set(inode, { ...slab, payer: 0 });
      if (inode instanceof SlabDirectory) inode.dropDentries();
    }
    if (this.root instanceof SlabDirectory) this.root.dropDentries();
  }

  /** Every inode, without the root. */
  protected allInodes(): Inode[] {
    return [...this.#inodes.keys()];
  }
}

/** A directory whose names are dentries. */
export class SlabDirectory extends TableDirectory {
  declare readonly fs: SlabFs;
  readonly #dentries = new Map<string, SlabObject>();

  override create(
    name: string,
    type: FileType,
    mode: number,
    caller: Caller,
    extra: { rdev?: number; target?: string } = {},
  ): Inode {
    const dentry = allocate(caller, this.fs.dentryObject);
    try {
      const inode = super.create(name, type, mode, caller, extra);
      this.#dentries.set(name, dentry);
      return inode;
    } catch (error) {
      if (error instanceof SyscallError) free(this.fs.kernel.machine, dentry);
      throw error;
    }
  }
  override link(name: string, inode: Inode, caller: Caller): void {
    this.#dentries.set(name, allocate(caller, this.fs.dentryObject));
    super.link(name, inode, caller);
  }
  override rename(from: string, inode: Inode, to: Inode, name: string, victim: Inode | null, caller: Caller): void {
    super.rename(from, inode, to, name, victim, caller);
    // d_move(): the dentry goes with the name.
    const dentry = this.#dentries.get(from);
    this.#dentries.delete(from);
    if (dentry !== undefined && to instanceof SlabDirectory) to.#dentries.set(name, dentry);
  }
  protected override leave(name: string, inode: Inode): void {
    super.leave(name, inode);
    const dentry = this.#dentries.get(name);
    if (dentry !== undefined) free(this.fs.kernel.machine, dentry);
    this.#dentries.delete(name);
  }
  /** An entry that is there from the start, for which nobody pays. */
  adopt(name: string, inode: Inode): void {
    this.enter(name, inode);
  }
  /** The names' memory goes: umount(2). */
  dropDentries(): void {
    for (const dentry of this.#dentries.values()) free(this.fs.kernel.machine, dentry);
    this.#dentries.clear();
  }
  override evict(_caller: Caller): void {
    this.fs.evicted(this);
  }
}

/** A symbolic link, a fifo or a device node. */
class SlabSpecial extends SpecialInode {
  declare readonly fs: SlabFs;
  override evict(_caller: Caller): void {
    this.fs.evicted(this);
  }
}
