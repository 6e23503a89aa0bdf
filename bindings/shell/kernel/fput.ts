/** fget() and fput() of the kernel's own users of an open file: a loop device, swap. fs/file_table.c: __fput(). */
import type { Machine } from '../../machine.ts';
import type { Kernel } from './kernel.ts';
import { dropMount, Mount } from './mount.ts';
import { free } from './slab.ts';
import type { Caller, OpenFile } from './vfs.ts';

/** One user more. */
export function fget(file: OpenFile): OpenFile {
  file.references++;
  return file;
}

/** One user fewer; with the last, the file is closed, and what is left without a name goes. */
export async function fput(file: OpenFile, kernel: Kernel, caller: Caller): Promise<void> {
  if (--file.references > 0) return;
  const { inode, mount } = file;
  await file.ops.release(file, caller);
  freeFile(file, kernel.machine);
  if (--inode.opens === 0 && inode.nlink === 0) await inode.evict(caller);
  if (!(mount instanceof Mount) || --mount.users > 0 || mount.parent !== null || !mount.detached) return;
  await dropMount(mount, caller);
  if (mount.fs.mounts === 0) kernel.mounted.delete(mount.fs);
}

/** What struct file was charged as is given back. */
export function freeFile(file: OpenFile, machine: Machine): void {
  if (file.slab !== null) free(machine, file.slab);
  file.slab = null;
}
