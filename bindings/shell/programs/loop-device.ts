/** Loop devices as programs handle them: which there are, how they are attached and detached. */
import { SyscallError } from '../kernel/error.ts';
import type { Process } from '../kernel/syscalls.ts';
import { canonical } from './canonical.ts';
import { statOrUndefined } from './command.ts';

const LOOP_MAJOR = 7;

/** What a loop device is bound to: LOOP_GET_STATUS64 and what /sys shows. */
export interface LoopStatus {
  offset: number;
  sizelimit: number;
  autoclear: boolean;
  dev: number;
  ino: number;
  path: string;
  readonly: boolean;
}

interface LoopOptions {
  offset: number;
  sizelimit: number;
  readonly: boolean;
  autoclear: boolean;
}

/** Whether a path is a loop device. */
export function isLoop(process: Process, path: string): boolean {
  const stat = statOrUndefined(process, path);
  return stat?.type === 'block' && stat.rdev >> 8 === LOOP_MAJOR;
}

/** The loop devices, in the order of /sys/block. */
function loopDevices(process: Process): string[] {
  const names = (directory: string) =>
    statOrUndefined(process, directory) === undefined
      ? []
      : process.readdir(directory).filter((name) => /^loop\d+$/.test(name));
  const listed = names('/sys/block');
  return (listed.length > 0 ? listed : names('/dev'))
    .map((name) => `/dev/${name}`)
    .filter((path) => isLoop(process, path));
}

/** What a device is bound to, undefined when to nothing. @throws SyscallError */
export async function loopStatus(process: Process, path: string): Promise<LoopStatus | undefined> {
  const fd = await process.open(path, { read: true });
  try {
    return (await process.ioctl(fd, 'LOOP_GET_STATUS64')) as LoopStatus;
  } catch (error) {
    if (error instanceof SyscallError && error.errno === 'ENXIO') return undefined;
    throw error;
  } finally {
    process.close(fd);
  }
}

/** All that are bound. @throws SyscallError */
export async function boundLoops(process: Process): Promise<{ path: string; status: LoopStatus }[]> {
  const bound: { path: string; status: LoopStatus }[] = [];
  for (const path of loopDevices(process)) {
    const status = await loopStatus(process, path);
    if (status !== undefined) bound.push({ path, status });
  }
  return bound;
}

/** The first free device. @throws SyscallError */
export async function freeLoop(process: Process): Promise<string> {
  const fd = await process.open('/dev/loop-control', { read: true, write: true });
  try {
    return `/dev/loop${await process.ioctl(fd, 'LOOP_CTL_GET_FREE')}`;
  } finally {
    process.close(fd);
  }
}

/** Binds a device to a file, read-only if it cannot be written. @throws SyscallError */
export async function attachLoop(process: Process, device: string, file: string, options: LoopOptions): Promise<void> {
  let { readonly } = options;
  let backing: number;
  try {
    backing = await process.open(file, { read: true, write: !readonly });
  } catch (error) {
    if (readonly || !(error instanceof SyscallError) || !['EROFS', 'EACCES'].includes(error.errno)) throw error;
    backing = await process.open(file, { read: true });
    readonly = true;
  }
  try {
    const fd = await process.open(device, { read: true, write: !readonly });
    try {
      await process.ioctl(fd, 'LOOP_CONFIGURE', {
        file: process.file(backing),
        fileName: canonical(process, file, 'all'),
        offset: options.offset,
        sizelimit: options.sizelimit,
        autoclear: options.autoclear,
        readonly,
      });
    } finally {
      process.close(fd);
    }
  } finally {
    process.close(backing);
  }
}

/** LOOP_CLR_FD. @throws SyscallError */
export async function detachLoop(process: Process, device: string): Promise<void> {
  const fd = await process.open(device, { read: true });
  try {
    await process.ioctl(fd, 'LOOP_CLR_FD');
  } finally {
    process.close(fd);
  }
}
