/** The file systems and devices of a guest: tmpfs and ext4, the disk /dev/ubda, the swap device /dev/ubdb, loop devices, memfd, SysV shm. */
import { BlockDevice } from './block-device.ts';
import { DiskFs } from './diskfs.ts';
import { SyscallError } from './error.ts';
import type { Disk, Kernel } from './kernel.ts';
import { LoopControl, LoopDevice, loopDevices } from './loop.ts';
import { Shm } from './shm.ts';
import { SwapArea, swapHeader } from './swap-device.ts';
import { TmpFs } from './tmpfs.ts';

const UBD_MAJOR = 98;
/** Minor numbers of a disk and its partitions. */
const UBD_MINORS = 16;
const LOOP_CONTROL = (10 << 8) | 237;

export interface Storage {
  readonly disk: BlockDevice;
  readonly loops: readonly LoopDevice[];
}

/** Options of ext4 that change nothing here. SyscallError EINVAL for others. */
const EXT4_OPTIONS =
  /^(data=ordered|errors=(continue|remount-ro)|barrier(=[01])?|nobarrier|delalloc|auto_da_alloc|noauto_da_alloc|discard|nodiscard|user_xattr|acl|commit=\d+)$/;

/** drivers/block/loop.c: LOOP_ATTR_RO() */
function loopFiles(loop: LoopDevice): Record<string, string> {
  const { path, offset, sizelimit, autoclear } = loop.status;
  const files = { backing_file: path, offset, sizelimit, autoclear: Number(autoclear), partscan: 0, dio: 0 };
  return Object.fromEntries(Object.entries(files).map(([name, value]) => [name, String(value)]));
}

function diskOf(device: BlockDevice): Disk {
  const { name, rdev, readonly } = device;
  const bound = device instanceof LoopDevice && device.bound;
  return { name, rdev, size: device.data.size, readonly, ...(bound && { loop: loopFiles(device) }) };
}

/** What a kernel has built in; bytes of the disk and of the swap device (0: there is none). */
export function attachStorage(kernel: Kernel, sizes: { disk: number; swap: number }): Storage {
  const ubd = (index: number, name: string, size: number) => {
    const device = new BlockDevice(kernel, (UBD_MAJOR << 8) | (index * UBD_MINORS), name, size);
    kernel.blockDevices.set(device.rdev, device);
    return device;
  };
  const disk = ubd(0, 'ubda', sizes.disk);
  disk.fileSystem = new DiskFs(kernel, disk);
  const disks = [disk];
  if (sizes.swap > 0) {
    const swap = ubd(1, 'ubdb', sizes.swap);
    swap.data.bytes.write(0, swapHeader(sizes.swap));
    disks.push(swap);
  }
  const loops = loopDevices(kernel);
  disks.push(...loops);
  kernel.disks = () => disks.map((device) => diskOf(device));
  kernel.bufferPages = () => disks.reduce((sum, { data }) => sum + data.resident, 0);
  for (const loop of loops) kernel.blockDevices.set(loop.rdev, loop);
  kernel.charDevices.set(LOOP_CONTROL, new LoopControl(loops));

  kernel.fileSystems.set(
    'tmpfs',
    (_source, options, caller, _device, payer) => new TmpFs(kernel, options, caller, payer),
  );
  kernel.fileSystems.set('ext4', (_source, options, _caller, inode) => {
    if (inode === null) throw new SyscallError('ENOENT');
    if (inode.type !== 'block') throw new SyscallError('ENOTBLK');
    const device = kernel.device(inode);
    const fs = device instanceof BlockDevice ? device.fileSystem : null;
    if (!(fs instanceof DiskFs) || options.some((option) => !EXT4_OPTIONS.test(option)))
      throw new SyscallError('EINVAL');
    if (fs.mounts === 0) fs.mountedOn();
    return fs;
  });
  kernel.swap = new SwapArea(kernel);
  const internal = TmpFs.internal(kernel);
  kernel.sharedMemory = new Shm(kernel, internal);
  kernel.memfd = (_name, caller, payer) => internal.unnamed(0o777, caller, payer);
  return { disk, loops };
}
