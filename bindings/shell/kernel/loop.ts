/**
 * Loop devices: a file as a block device. Its pages are written by a kernel thread, in the engine (assembly/folio/loop.ts), for whoever dirtied
 * them first. drivers/block/loop.c.
 *
 * Requests of ioctl(2) on /dev/loopN: LOOP_SET_FD (a descriptor's OpenFile), LOOP_CONFIGURE ({@link LoopConfig}), LOOP_CLR_FD, LOOP_GET_STATUS64
 * ({@link LoopStatus}), LOOP_SET_STATUS64, LOOP_SET_CAPACITY; on /dev/loop-control: LOOP_CTL_GET_FREE, which answers a number.
 */
import { BlockDevice } from './block-device.ts';
import { DataInode } from './data-inode.ts';
import { SyscallError } from './error.ts';
import { FileData } from './file-data.ts';
import { fget, fput } from './fput.ts';
import type { Kernel } from './kernel.ts';
import { ByteView, SparseBytes } from './sparse-bytes.ts';
import { type Caller, FileOperations, type OpenFile, PAGE_SIZE } from './vfs.ts';

export const LOOP_MAJOR = 7;
const SECTOR = 512;

/** struct loop_info64: where the device begins in the file, how long it is (0: to the end), in bytes. */
export interface LoopInfo {
  offset: number;
  sizelimit: number;
  /** LO_FLAGS_AUTOCLEAR: detached when nobody has it open */
  autoclear: boolean;
  /** what losetup(8) showed as the file, up to 63 bytes */
  fileName: string;
}

/** struct loop_config */
export interface LoopConfig extends Partial<LoopInfo> {
  file: OpenFile;
  readonly?: boolean;
}

/** LOOP_GET_STATUS64, and what /sys/block/loopN/loop shows. */
export interface LoopStatus extends LoopInfo {
  /** of the backing file */
  dev: number;
  ino: number;
  path: string;
  readonly: boolean;
}

/** The contents of what a descriptor refers to: of a regular file, or of a block device. SyscallError EINVAL. */
function contentsOf(file: OpenFile): FileData {
  if (file.inode instanceof DataInode) return file.inode.data;
  if (file.ops instanceof BlockDevice) return file.ops.data;
  throw new SyscallError('EINVAL');
}

interface Binding {
  readonly file: OpenFile;
  readonly backing: FileData;
  readonly info: LoopInfo;
}

export class LoopDevice extends BlockDevice {
  #bound: Binding | null = null;
  /** the kernel thread, made when it is first needed */
  #worker = 0;

  constructor(kernel: Kernel, index: number) {
    super(kernel, (LOOP_MAJOR << 8) | index, `loop${index}`, 0);
  }

  get bound(): boolean {
    return this.#bound !== null;
  }
  /** SyscallError ENXIO: it is not attached. */
  get status(): LoopStatus {
    const bound = this.#attached();
    const { inode, path } = bound.file;
    return { ...bound.info, dev: inode.fs.dev, ino: inode.ino, path, readonly: this.readonly };
  }
  #attached(): Binding {
    if (this.#bound === null) throw new SyscallError('ENXIO');
    return this.#bound;
  }

  /** get_loop_size(), bytes */
  #sizeOf(backing: FileData, { offset, sizelimit }: LoopInfo): number {
    const rest = Math.max(0, backing.size - offset);
    const size = sizelimit > 0 ? Math.min(sizelimit, rest) : rest;
    return Math.floor(size / SECTOR) * SECTOR;
  }

  /** The device's contents are those of the file from now on. */
  #bind(backing: FileData, info: LoopInfo): void {
    const { machine } = this.kernel;
    if (this.#worker === 0) this.#worker = machine.spawnKernelThread();
    const size = this.#sizeOf(backing, info);
    this.data = new FileData(this.kernel, 'file', {
      bytes: new ByteView(backing.bytes, info.offset, size),
      size,
      backing: { data: backing, start: info.offset },
      object: this.data.made,
    });
    // (The engine knows pages: an offset within one counts as its beginning.)
    const offset = Math.floor(info.offset / PAGE_SIZE);
    machine.setBacking(this.data.object, { backing: backing.object, offset, worker: this.#worker });
  }

  /** What is dirty is written, and nothing of the device stays in memory. */
  #drop(): void {
    this.data.flush();
    this.data.invalidate();
    if (!this.data.untouched) this.kernel.machine.setBacking(this.data.object, null);
  }

  /** loop_configure(). SyscallError EBUSY, EINVAL, EBADF. */
  configure(config: LoopConfig): void {
    const { file, offset = 0, sizelimit = 0, autoclear = false, fileName = file.path } = config;
    if (this.#bound !== null) throw new SyscallError('EBUSY');
    // loop_validate_file(): not in a ring
    for (let ops = file.ops; ops instanceof LoopDevice; ops = ops.#attached().file.ops)
      if (ops === this || !ops.bound) throw new SyscallError(ops === this ? 'EBADF' : 'EINVAL');
    if (file.inode.type !== 'file' && file.inode.type !== 'block') throw new SyscallError('EINVAL');
    const backing = contentsOf(file);
    if (offset < 0 || sizelimit < 0) throw new SyscallError('EOVERFLOW');
    this.readonly = config.readonly === true || file.flags.write !== true;
    const info = { offset, sizelimit, autoclear, fileName };
    this.#bind(backing, info);
    this.#bound = { file: fget(file), backing, info };
  }

  /** LOOP_CLR_FD: at once, or when the others who have it open have closed it. SyscallError ENXIO. */
  async clear(caller: Caller): Promise<void> {
    const bound = this.#attached();
    if (this.openers > 1) bound.info.autoclear = true;
    else await this.#unbind(caller);
  }

  #unbind(caller: Caller): Promise<void> {
    const bound = this.#attached();
    this.#drop();
    this.data = new FileData(this.kernel, 'file', { bytes: new SparseBytes(), size: 0, object: this.data.made });
    this.readonly = false;
    this.#bound = null;
    return fput(bound.file, this.kernel, caller);
  }

  /** blkdev_fsync(): when all is in the file, the device is told to make it last, which the worker does by fsync of the file. */
  override async fsync(file: OpenFile, caller: Caller): Promise<void> {
    await super.fsync(file, caller);
    const bound = this.#bound;
    if (bound !== null && !this.readonly) await bound.file.ops.fsync(bound.file, this.kernel.bootCaller());
  }

  override release(_file: OpenFile | null, caller: Caller | null): void | Promise<void> {
    if (--this.openers > 0 || this.#bound === null) return;
    if (this.#bound.info.autoclear) return this.#unbind(caller ?? this.kernel.bootCaller());
    this.#reset(this.#bound.info);
  }

  /** Nothing stays in memory; where the device begins may be another place from now on. */
  #reset(info: LoopInfo): void {
    const bound = this.#attached();
    this.#drop();
    Object.assign(bound.info, info);
    this.#bind(bound.backing, bound.info);
  }

  override async ioctl(file: OpenFile, caller: Caller, request: string, argument: unknown): Promise<unknown> {
    switch (request) {
      case 'LOOP_SET_FD':
        this.configure({ file: argument as OpenFile });
        return 0;
      case 'LOOP_CONFIGURE':
        this.configure(argument as LoopConfig);
        return 0;
      case 'LOOP_CLR_FD':
        await this.clear(caller);
        return 0;
      case 'LOOP_GET_STATUS64':
        return this.status;
      case 'LOOP_SET_STATUS64':
        this.#reset({ ...this.#attached().info, ...(argument as Partial<LoopInfo>) });
        return 0;
      case 'LOOP_SET_CAPACITY':
        this.#reset(this.#attached().info);
        return 0;
    }
    return super.ioctl(file, caller, request, argument);
  }
}

/** /dev/loop-control */
export class LoopControl extends FileOperations {
  readonly #loops: readonly LoopDevice[];
  constructor(loops: readonly LoopDevice[]) {
    super();
    this.#loops = loops;
  }
  override async ioctl(_file: OpenFile, _caller: Caller, request: string): Promise<unknown> {
    if (request !== 'LOOP_CTL_GET_FREE') throw new SyscallError('ENOTTY');
    const free = this.#loops.findIndex((loop) => !loop.bound);
    // Linux would make another device.
    if (free < 0) throw new SyscallError('ENOSPC');
    return free;
  }
}

/** The devices that there are from the start: the module's default of eight. */
export function loopDevices(kernel: Kernel): LoopDevice[] {
  return Array.from({ length: 8 }, (_, index) => new LoopDevice(kernel, index));
}
