/**
 * Block devices and their page cache, which is that of the device's own inode: as long as somebody has it open. block/bdev.c: blkdev_get_by_dev(),
 * blkdev_put(); block/fops.c.
 */
import { checkDirect, readerOf } from './data-inode.ts';
import { SyscallError } from './error.ts';
import { FileData } from './file-data.ts';
import type { Kernel } from './kernel.ts';
import { SparseBytes } from './sparse-bytes.ts';
import { type Caller, FileOperations, type FileSystem, type OpenFile } from './vfs.ts';

export class BlockDevice extends FileOperations {
  readonly kernel: Kernel;
  /** major << 8 | minor */
  readonly rdev: number;
  /** of /sys/block and /proc/swaps: `ubdb` */
  readonly name: string;
  /** descriptors, mounts, swapon */
  openers = 0;
  /** swap, or nothing: nobody else may write */
  holder: 'swap' | null = null;
  readonly = false;
  /** the file system on it, if it has one that can be mounted */
  fileSystem: FileSystem | null = null;
  data: FileData;

  constructor(kernel: Kernel, rdev: number, name: string, size: number) {
    super();
    this.kernel = kernel;
    this.rdev = rdev;
    this.name = name;
    this.data = new FileData(kernel, 'file', { bytes: new SparseBytes(), size });
  }

  override open(_file: OpenFile | null, _caller: Caller | null): void {
    this.openers++;
  }
  /** The last one who closes it writes what is dirty, and everything leaves memory (sync_blockdev(), kill_bdev()). */
  override release(_file: OpenFile | null, _caller: Caller | null): void | Promise<void> {
    if (--this.openers > 0) return;
    this.data.flush();
    this.data.invalidate();
  }
  override end(): number {
    return this.data.size;
  }
  override async read(file: OpenFile, caller: Caller, offset: number, count: number): Promise<Uint8Array> {
    if (file.flags.direct) {
      checkDirect(offset, count);
      return this.data.readDirect(caller, offset, count);
    }
    const reader = readerOf(file);
    const bytes = this.data.read(caller, offset, count, reader.previous);
    if (bytes.length > 0) reader.previous = offset + bytes.length;
    return bytes;
  }
  override async write(file: OpenFile, caller: Caller, offset: number, bytes: Uint8Array): Promise<number> {
    if (this.readonly) throw new SyscallError('EPERM');
    if (this.holder === 'swap') throw new SyscallError('ETXTBSY');
    if (bytes.length === 0) return 0;
    const part = bytes.subarray(0, Math.max(0, this.data.size - offset));
    if (part.length === 0) throw new SyscallError('ENOSPC');
    if (!file.flags.direct) return this.data.write(caller, offset, part);
    checkDirect(offset, part.length);
    return this.data.writeDirect(caller, offset, part);
  }
  override async fsync(_file: OpenFile, caller: Caller): Promise<void> {
    this.data.fsync(caller);
  }
  override async ioctl(_file: OpenFile, _caller: Caller, request: string, _argument: unknown): Promise<unknown> {
    switch (request) {
      case 'BLKGETSIZE64':
        return this.data.size;
      case 'BLKGETSIZE':
        return Math.floor(this.data.size / 512);
      case 'BLKSSZGET':
        return 512;
      case 'BLKROGET':
        return this.readonly ? 1 : 0;
      case 'BLKFLSBUF':
        this.data.flush();
        return 0;
    }
    throw new SyscallError('ENOTTY');
  }
  override mmap(): void {}
  override fault(
    _file: OpenFile,
    caller: Caller,
    index: number,
    options: { write: boolean; exec?: boolean; random?: boolean },
  ): void {
    this.data.fault(caller, index, options);
  }
  override unmap(_file: OpenFile, caller: Caller, index: number, pages: number): void {
    this.data.unmap(caller, index, pages);
  }
}
