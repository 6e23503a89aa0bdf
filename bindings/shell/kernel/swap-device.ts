/** swapon(2) and swapoff(2): the engine has one device, whoever's blocks it is. mm/swapfile.c. */
import * as L from '../../../assembly/layout.ts';
import { EngineError } from '../../machine.ts';
import { BlockDevice } from './block-device.ts';
import { bytesOf, textOf } from './bytes.ts';
import { DataInode } from './data-inode.ts';
import { SyscallError } from './error.ts';
import type { FileData } from './file-data.ts';
import { fput } from './fput.ts';
import type { Kernel, SwapDevices } from './kernel.ts';
import { type Caller, type Inode, type OpenFile, PAGE_SIZE } from './vfs.ts';

/** What mkswap(8) writes at the end of the first page. */
const MAGIC = 'SWAPSPACE2';
const MAGIC_AT = PAGE_SIZE - MAGIC.length;
/** union swap_header: version, last page, bad pages; little-endian. */
const INFO_AT = 1024;
/** What a device without a priority of its own gets: the first -2, the next less. */
const FIRST_PRIORITY = -2;

/** The page that mkswap(8) writes first on a device of so many bytes. */
export function swapHeader(size: number): Uint8Array {
  const page = new Uint8Array(PAGE_SIZE);
  const view = new DataView(page.buffer);
  view.setUint32(INFO_AT, 1, true);
  view.setUint32(INFO_AT + 4, Math.floor(size / PAGE_SIZE) - 1, true);
  page.set(bytesOf(MAGIC), MAGIC_AT);
  return page;
}

interface Active {
  readonly inode: Inode;
  readonly file: OpenFile;
  readonly device: BlockDevice | null;
  readonly path: string;
  readonly pages: number;
  readonly priority: number;
}

export class SwapArea implements SwapDevices {
  readonly #kernel: Kernel;
  #active: Active | null = null;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** read_swap_header(): slots that it has, the header's own page not counted. SyscallError EINVAL. */
  #slots(data: FileData, caller: Caller): number {
    const page = data.read(caller, 0, PAGE_SIZE);
    const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
    const magic = page.length === PAGE_SIZE ? textOf(page.subarray(MAGIC_AT)) : '';
    if (magic !== MAGIC || view.getUint32(INFO_AT, true) !== 1) throw new SyscallError('EINVAL');
    const last = view.getUint32(INFO_AT + 4, true);
    if (last === 0 || (last + 1) * PAGE_SIZE > data.size) throw new SyscallError('EINVAL');
    return last;
  }

  async swapon(file: OpenFile, caller: Caller): Promise<void> {
    const device = file.ops instanceof BlockDevice ? file.ops : null;
    const data = device?.data ?? (file.inode instanceof DataInode ? file.inode.data : null);
    // tmpfs has no bmap(): its files are no swap.
    if (data === null || data.type === 'shmem') throw new SyscallError('EINVAL');
    if (device !== null ? device.holder !== null || device.fileSystem?.mounts : this.#active?.inode === file.inode)
      throw new SyscallError('EBUSY');
    const pages = this.#slots(data, caller);
    // One device is what the model has: a second one would have to be chosen by priority.
    if (this.#active !== null) throw new SyscallError('ENOSPC');
    this.#do(() => this.#kernel.machine.swapon(Math.min(pages, this.#kernel.machine.capacities.swap)));
    if (device !== null) device.holder = 'swap';
    this.#active = { inode: file.inode, file, device, path: file.path, pages, priority: FIRST_PRIORITY };
  }

  async swapoff(inode: Inode, caller: Caller): Promise<void> {
    const active = this.#active;
    const same =
      active !== null && (active.inode === inode || (inode.type === 'block' && active.device?.rdev === inode.rdev));
    if (!same) throw new SyscallError('EINVAL');
    this.#do(() => this.#kernel.machine.swapoff(caller.task, caller.cpuId));
    this.#kernel.noteEvents();
    this.#active = null;
    if (active.device !== null) active.device.holder = null;
    await fput(active.file, this.#kernel, caller);
  }

  #do(call: () => void): void {
    try {
      call();
    } catch (error) {
      if (error instanceof EngineError) throw new SyscallError(error.errno);
      throw error;
    }
  }

  /** kB, as in /proc/swaps */
  list(): { path: string; type: 'partition' | 'file'; size: number; used: number; priority: number }[] {
    if (this.#active === null) return [];
    const { device, path, pages, priority } = this.#active;
    const kb = PAGE_SIZE / 1024;
    const slots = new Uint32Array(this.#kernel.machine.memory.buffer)[(L.HEADER + L.H_SWAP_USED) / 4]!;
    return [{ path, type: device === null ? 'file' : 'partition', size: pages * kb, used: slots * kb, priority }];
  }
}
