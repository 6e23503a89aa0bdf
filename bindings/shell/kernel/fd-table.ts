/** Descriptors of a process. fs/file.c. */
import { SyscallError } from './error.ts';
import type { OpenFile } from './vfs.ts';

/** RLIMIT_NOFILE of the guest's init */
const NOFILE = 1024;

export class FdTable {
  readonly #files: ({ file: OpenFile; closeOnExec: boolean } | undefined)[] = [];

  /** SyscallError EBADF. */
  get(fd: number): OpenFile {
    const entry = this.#files[fd];
    if (entry === undefined) throw new SyscallError('EBADF');
    return entry.file;
  }
  has(fd: number): boolean {
    return this.#files[fd] !== undefined;
  }
  /** The lowest free descriptor not below `least`. SyscallError EINVAL, EMFILE. */
  free(least = 0): number {
    if (!Number.isInteger(least) || least < 0 || least >= NOFILE) throw new SyscallError('EINVAL');
    let fd = least;
    while (this.#files[fd] !== undefined) fd++;
    if (fd >= NOFILE) throw new SyscallError('EMFILE');
    return fd;
  }
  /** Puts a file there, whose reference it takes over. */
  set(fd: number, file: OpenFile): void {
    if (!Number.isInteger(fd) || fd < 0 || fd >= NOFILE) throw new SyscallError('EBADF');
    this.#files[fd] = { file, closeOnExec: false };
  }
  /** Takes it out: its reference is the caller's. */
  take(fd: number): OpenFile {
    const file = this.get(fd);
    this.#files[fd] = undefined;
    return file;
  }
  setCloseOnExec(fd: number, on: boolean): void {
    this.get(fd);
    this.#files[fd]!.closeOnExec = on;
  }
  /** Those that are open, in order. */
  list(): { fd: number; file: OpenFile; closeOnExec: boolean }[] {
    return this.#files.flatMap((entry, fd) => (entry === undefined ? [] : [{ fd, ...entry }]));
  }
  /** fork(2): the same open files once more. */
  copy(): FdTable {
    const copy = new FdTable();
    for (const { fd, file, closeOnExec } of this.list()) {
      file.references++;
      copy.#files[fd] = { file, closeOnExec };
    }
    return copy;
  }
}
