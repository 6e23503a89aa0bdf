/** SysV shared memory: files of a tmpfs that nobody sees. ipc/shm.c, ipc/util.c. */
import { SyscallError } from './error.ts';
import type { FileData } from './file-data.ts';
import type { Kernel, Payer, SharedMemory } from './kernel.ts';
import { TmpFs } from './tmpfs.ts';
import { type Caller, FileOperations, type Inode, OpenFile, PAGE_SIZE } from './vfs.ts';

/** IPCMNI: segments at most. */
const SHMMNI = 4096;

interface Segment {
  readonly id: number;
  /** 0: IPC_PRIVATE, or marked for removal */
  key: number;
  readonly size: number;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly inode: Inode & { data: FileData };
  /** attachments: an open file for each shmat(2), shared by the children of whoever called it */
  readonly files: Set<OpenFile>;
  /** IPC_RMID: it goes with its last attachment */
  removed: boolean;
}

/** What can be done with what shmat(2) attached: shm_vm_ops, shm_file_operations. */
class Attachment extends FileOperations {
  readonly #data: FileData;
  readonly #detach: () => void;
  constructor({ inode }: Segment, detach: () => void) {
    super();
    this.#data = inode.data;
    this.#detach = detach;
  }
  override release(): void {
    this.#detach();
  }
  override mmap(): void {}
  override fault(_file: OpenFile, caller: Caller, index: number, options: { write: boolean }): void {
    this.#data.fault(caller, index, options);
  }
  override unmap(_file: OpenFile, caller: Caller, index: number, pages: number): void {
    this.#data.unmap(caller, index, pages);
  }
}

export class Shm implements SharedMemory {
  readonly #kernel: Kernel;
  readonly #fs: TmpFs;
  readonly #segments = new Map<number, Segment>();
  #next = 0;

  constructor(kernel: Kernel, fs: TmpFs = TmpFs.internal(kernel)) {
    this.#kernel = kernel;
    this.#fs = fs;
  }

  #of(id: number): Segment {
    const segment = this.#segments.get(id);
    if (segment === undefined) throw new SyscallError('EINVAL');
    return segment;
  }
  #mayUse(segment: Segment, caller: Caller, bits: number): boolean {
    if (caller.uid === 0) return true;
    const shift = caller.uid === segment.uid ? 6 : caller.gid === segment.gid ? 3 : 0;
    return ((segment.mode >> shift) & bits) === bits;
  }

  get(
    key: number,
    size: number,
    options: { create?: boolean; exclusive?: boolean; mode?: number },
    caller: Caller,
    payer: Payer | null,
  ): number {
    const known = key === 0 ? undefined : [...this.#segments.values()].find((segment) => segment.key === key);
    if (known !== undefined) {
      if (options.create && options.exclusive) throw new SyscallError('EEXIST');
      if (size > known.size) throw new SyscallError('EINVAL');
      if (!this.#mayUse(known, caller, ((options.mode ?? 0) >> 6) & 6)) throw new SyscallError('EACCES');
      return known.id;
    }
    if (key !== 0 && !options.create) throw new SyscallError('ENOENT');
    if (size < 1) throw new SyscallError('EINVAL');
    if (this.#segments.size >= SHMMNI) throw new SyscallError('ENOSPC');
    const inode = this.#fs.unnamed(0o600, caller, payer);
    // It stays without an attachment, and without a name, until IPC_RMID.
    inode.nlink = 1;
    inode.data.truncate(caller, size);
    const id = this.#next++;
    const mode = (options.mode ?? 0) & 0o777;
    const { uid, gid } = caller;
    this.#segments.set(id, { id, key, size, uid, gid, mode, inode, files: new Set(), removed: false });
    return id;
  }

  attach(id: number, caller: Caller): { file: OpenFile; pages: number } {
    const segment = this.#of(id);
    if (!this.#mayUse(segment, caller, 6)) throw new SyscallError('EACCES');
    const { inode } = segment;
    const path = `/SYSV${segment.key.toString(16).padStart(8, '0')} (deleted)`;
    const ops = new Attachment(segment, () => this.#detached(segment, file));
    const file: OpenFile = new OpenFile(inode, ops, { read: true, write: true }, null, path);
    inode.opens++;
    segment.files.add(file);
    return { file, pages: Math.ceil(segment.size / PAGE_SIZE) };
  }

  /** shm_close() */
  #detached(segment: Segment, file: OpenFile): void {
    segment.files.delete(file);
    if (segment.removed && segment.files.size === 0) this.#destroy(segment);
  }

  /** IPC_RMID */
  remove(id: number, caller: Caller): void {
    const segment = this.#of(id);
    if (caller.uid !== 0 && caller.uid !== segment.uid) throw new SyscallError('EPERM');
    segment.removed = true;
    segment.key = 0;
    if (segment.files.size === 0) this.#destroy(segment);
  }

  #destroy(segment: Segment): void {
    this.#segments.delete(segment.id);
    if (segment.inode.opens === 0) segment.inode.evict(this.#kernel.bootCaller());
  }

  list(): { id: number; key: number; size: number; uid: number; mode: number; nattch: number }[] {
    return [...this.#segments.values()].map(({ id, key, size, uid, mode, files, removed }) => {
      const nattch = [...files].reduce((sum, file) => sum + file.references, 0);
      // SHM_DEST is shown in the mode.
      return { id, key, size, uid, mode: mode | (removed ? 0o1000 : 0), nattch };
    });
  }
}
