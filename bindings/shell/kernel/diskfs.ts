/**
 * The disk's file system: ext4 as far as memory is concerned. Files have a page cache whose dirty pages are written back to the device; blocks are
 * reserved when pages are written (delayed allocation: df shows them at once); inodes and directories are blocks of the device, whose page cache
 * holds them, charged to whoever reads them first. fs/ext4/inode.c, balloc.c: ext4_has_free_clusters(), ialloc.c.
 */
import type { BlockDevice } from './block-device.ts';
import { DataInode } from './data-inode.ts';
import { SyscallError } from './error.ts';
import { type BlockSpace, FileData } from './file-data.ts';
import { Journal } from './journal.ts';
import type { Kernel } from './kernel.ts';
import { slabOf } from './slab.ts';
import { SlabDirectory, SlabFs } from './slab-fs.ts';
import type { FileType } from './syscalls.ts';
import { type Caller, type Inode, type OpenFile, PAGE_SIZE, type StatFs } from './vfs.ts';

/** The root's inode number, and the first that is not reserved. The latter is lost+found's. */
const ROOT_INO = 2;
const FIRST_INO = 11;
const LOST_FOUND_BLOCKS = 4;
/** Inodes of 256 bytes in a block. */
const INODES_PER_BLOCK = 16;

/** What mkfs.ext4 makes of a device, in blocks of 4 KiB. */
interface Geometry {
  /** blocks that statfs(2) shows: without the journal, inode tables and other overhead */
  blocks: number;
  /** … of an empty file system */
  free: number;
  inodes: number;
  /** blocks that only root may take: 5 % */
  reserved: number;
  /** blocks that nobody may take: 2 %, 4096 at most (s_resv_clusters) */
  kept: number;
  /** block of the first inode table */
  table: number;
}

/**
 * mke2fs with its defaults for up to 512 GiB: a group has 32768 blocks; an inode for each 16 KiB, of 256 bytes; a journal of 16 MiB (from 512 MiB
 * on, 32 from 1 GiB, 64 from 2 GiB on, less below); overhead of a group's bitmaps and the copies of the super block, its descriptors and room for
 * more descriptors in groups 0, 1 and powers of 3, 5 and 7.
 */
function geometryOf(size: number): Geometry {
  const total = Math.floor(size / PAGE_SIZE);
  const groups = Math.ceil(total / 32768);
  const perGroup = Math.ceil(Math.ceil(((total / groups) * PAGE_SIZE) / 16384) / 16) * 16;
  const journal = total < 32768 ? 1024 : total < 262144 ? 4096 : total < 524288 ? 8192 : 16384;
  const copies = Array.from({ length: groups }, (_, g) => g).filter(
    (g) => g < 2 || [3, 5, 7].some((p) => isPower(g, p)),
  );
  const descriptors = Math.ceil((groups * 64) / PAGE_SIZE);
  const roomFor = Math.min(1024, Math.ceil((Math.min(2 ** 32, total * 1024) / 32768) * (64 / PAGE_SIZE)) - descriptors);
  const overhead =
    journal + groups * (2 + perGroup / INODES_PER_BLOCK) + copies.length * (1 + descriptors + Math.max(0, roomFor));
  const blocks = total - overhead;
  return {
    blocks,
    free: blocks - LOST_FOUND_BLOCKS - 2,
    inodes: groups * perGroup,
    reserved: Math.floor(total / 20),
    kept: Math.min(4096, Math.floor(total / 50)),
    table: 1 + descriptors + Math.max(0, roomFor) + 2 * 16,
  };
}

function isPower(n: number, of: number): boolean {
  let power = of;
  while (power < n) power *= of;
  return power === n;
}

class DiskFile extends DataInode {
  declare readonly fs: DiskFs;
  readonly data: FileData;
  constructor(fs: DiskFs, ino: number, mode: number, time: bigint) {
    super(fs, ino, 'file', mode, time);
    this.data = new FileData(fs.kernel, 'file', { space: fs.space });
  }
  /** ext4_sync_file(): the journal's transaction is committed, too. */
  override async fsync(file: OpenFile, caller: Caller): Promise<void> {
    await super.fsync(file, caller);
    this.fs.journal.commit();
  }
  override evict(): void {
    this.data.evict();
    this.fs.evicted(this);
  }
}

class DiskDirectory extends SlabDirectory {
  declare readonly fs: DiskFs;
  /** of the device: where its names are */
  block = 0;
  override get size(): number {
    return PAGE_SIZE;
  }
  override get blocks(): number {
    return PAGE_SIZE / 512;
  }
  override create(
    name: string,
    type: FileType,
    mode: number,
    caller: Caller,
    extra: { rdev?: number; target?: string } = {},
  ): Inode {
    const inode = super.create(name, type, mode, caller, extra);
    this.fs.metadata(caller, [this.block, this.fs.blockOfInode(inode.ino)], true);
    return inode;
  }
  override lookup(name: string, caller: Caller): Inode | null {
    const inode = super.lookup(name, caller);
    this.fs.read(caller, this, inode);
    return inode;
  }
  override evict(): void {
    this.fs.space.use(-1);
    this.fs.evicted(this);
  }
}

export class DiskFs extends SlabFs {
  // Dentries and inodes of a disk's file system wait on their memcg's list for somebody to use them again.
  override readonly inodeObject = slabOf('ext4_inode_cache', { reclaimable: true });
  override readonly dentryObject = slabOf('dentry', { reclaimable: true });
  override readonly root: DiskDirectory;
  override readonly attributes = ['user', 'trusted'];
  readonly device: BlockDevice;
  readonly journal: Journal;
  readonly space: BlockSpace;
  readonly #geometry: Geometry;
  #used = 0;
  readonly #inos = new Set<number>([FIRST_INO]);
  #lowest = FIRST_INO + 1;
  #nextDirectory = 0;
  /** inodes and directories whose blocks have been read since the mount */
  readonly #known = new Set<Inode>();

  constructor(kernel: Kernel, device: BlockDevice) {
    super(kernel, 'ext4', device.rdev, 0o755);
    this.device = device;
    this.journal = new Journal(kernel, device);
    this.#geometry = geometryOf(device.data.size);
    this.space = {
      available: (caller) =>
        Math.max(0, this.#free - this.#geometry.kept - (caller.uid === 0 ? 0 : this.#geometry.reserved)),
      use: (blocks) => {
        this.#used += blocks;
      },
    };
    this.root = new DiskDirectory(this, ROOT_INO, 'directory', 0o755, kernel.realtime);
    this.root.block = this.#newDirectoryBlock();
    const lost = new DiskDirectory(this, FIRST_INO, 'directory', 0o700, kernel.realtime);
    lost.block = this.#newDirectoryBlock();
    this.root.adopt('lost+found', lost);
    this.#known.add(this.root);
  }

  get #free(): number {
    return this.#geometry.free - this.#used;
  }
  /** A block of the device for a directory's names, in the data blocks behind the first group's inode table. */
  #newDirectoryBlock(): number {
    return this.#geometry.table + Math.ceil(this.#geometry.inodes / INODES_PER_BLOCK) + this.#nextDirectory++;
  }
  /** The block of the inode table where an inode is. */
  blockOfInode(ino: number): number {
    return this.#geometry.table + Math.floor((ino - 1) / INODES_PER_BLOCK);
  }

  /**
   * Blocks of the device are read, three times as a rule: to be looked at, to be changed, and as they are. What is changed is the journal's
   * until it is committed (jbddirty), not dirty.
   */
  metadata(caller: Caller, blocks: readonly number[], write: boolean): void {
    const { object } = this.device.data;
    for (const index of blocks) {
      caller.charge((machine, task, cpu) => machine.access(task, object, { index }, cpu));
      if (!write) continue;
      caller.charge((machine, task, cpu) => machine.access(task, object, { index }, cpu));
      caller.charge((machine, task, cpu) => machine.access(task, object, { index }, cpu));
      this.journal.add(index);
    }
  }
  /** ext4_lookup(), ext4_iget(): the first time, what a name leads to is read from the device. */
  read(caller: Caller, directory: DiskDirectory, inode: Inode | null): void {
    if (!this.#known.has(directory)) {
      this.#known.add(directory);
      this.metadata(caller, [directory.block], false);
    }
    if (inode === null || this.#known.has(inode)) return;
    this.#known.add(inode);
    this.metadata(caller, [this.blockOfInode(inode.ino)], false);
  }

  override statfs(): StatFs {
    const { blocks, inodes, kept, reserved } = this.#geometry;
    const bfree = this.#free;
    const bavail = Math.max(0, bfree - kept - reserved);
    return {
      bsize: PAGE_SIZE,
      blocks,
      bfree,
      bavail,
      files: inodes,
      ffree: inodes - 10 - this.#inos.size,
      type: 'ext2/ext3',
    };
  }

  protected override reserveInode(): void {
    if (this.#inos.size + FIRST_INO > this.#geometry.inodes) throw new SyscallError('ENOSPC');
  }
  /** The lowest that is free. find_next_zero_bit() */
  protected override nextIno(): number {
    if (!(#inos in this)) return ROOT_INO; // MemoryFs makes a root of its own first
    while (this.#inos.has(this.#lowest)) this.#lowest++;
    this.#inos.add(this.#lowest);
    return this.#lowest;
  }
  protected override inodeGone(inode: Inode): void {
    this.#inos.delete(inode.ino);
    this.#known.delete(inode);
    this.#lowest = Math.min(this.#lowest, inode.ino);
  }
  protected override makeFile(mode: number, caller: Caller): Inode {
    const file = new DiskFile(this, this.nextIno(), mode, caller.realtime);
    this.#known.add(file);
    return file;
  }
  protected override makeDirectory(mode: number, caller: Caller): Inode {
    if (this.space.available(caller) < 1) throw new SyscallError('ENOSPC');
    this.space.use(1);
    const directory = new DiskDirectory(this, this.nextIno(), 'directory', mode, caller.realtime);
    directory.block = this.#newDirectoryBlock();
    this.#known.add(directory);
    return directory;
  }

  /** ext4_sync_fs(): the journal is committed; what it had is written with all that is dirty. */
  override sync(): void {
    this.journal.commit();
  }
  /** mount(2): the device is held open. */
  mountedOn(): void {
    this.device.open(null, null);
  }
  /** What is dirty is written; then nothing of it stays in memory, and everything on the device. */
  override unmount(): void | Promise<void> {
    const inodes = this.allInodes();
    for (const inode of inodes)
      if (inode instanceof DiskFile) {
        inode.data.flush();
        inode.data.forget();
      }
    this.journal.commit();
    this.dropSlab();
    this.#known.clear();
    return this.device.release(null, null);
  }
}
