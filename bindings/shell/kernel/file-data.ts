/**
 * The contents of a file or a block device, and its page cache: bytes, and the engine's object whose pages are charged. What is read and written
 * is there at once; what is resident, dirty and charged follows the kernel page by page. mm/filemap.c: filemap_read(),
 * generic_perform_write(), filemap_fault(); mm/shmem.c; mm/truncate.c.
 *
 * One call of read(2) or write(2) is one row of the engine, however many pages it has: so memory.high is looked at on the return to user mode.
 */
import { FLAG_WRITE } from '../../../assembly/replay/ops.ts';
import { errnoName } from '../../engine/errno.ts';
import type { Access, CallResult, ObjectType } from '../../live.ts';
import { asSyscall, PAYER_ERRNOS, SyscallError } from './error.ts';
import type { Kernel } from './kernel.ts';
import { Ranges } from './ranges.ts';
import { type ByteStore, SparseBytes } from './sparse-bytes.ts';
import { type Caller, PAGE_SIZE } from './vfs.ts';

/** Whoever gives blocks of a page's size to files: a disk. */
export interface BlockSpace {
  /** Blocks that the caller may take. */
  available(caller: Caller): number;
  /** So many more are in use (fewer, if negative). */
  use(blocks: number): void;
}

export interface FileDataOptions {
  bytes?: ByteStore;
  size?: number;
  /** of tmpfs: the engine's object that stands for its super block */
  superBlock?: number;
  /** pages that the caller may add at most: a quota */
  quota?: (caller: Caller) => number;
  /** under a policy that asks: the task that makes it, and the cgroup that is chosen to pay for it; 0: none */
  made?: { task: number; payer: number };
  /** of a disk's file system */
  space?: BlockSpace;
  /** of a device that is attached anew: the engine's object that it had until now; 0: none */
  object?: number;
  /** of a loop device: the file whose bytes these are, and where they begin */
  backing?: { data: FileData; start: number };
}

/** How a call of the engine ended: pages that it came through, and why not more. */
interface Outcome {
  done: number;
  /** SyscallError, or what unwinds a process; null: it came through */
  error: unknown;
}

const NO_BYTES = new Uint8Array(0);
const pageOf = (offset: number) => Math.floor(offset / PAGE_SIZE);
const pagesOf = (bytes: number) => Math.ceil(bytes / PAGE_SIZE);

export class FileData {
  readonly #kernel: Kernel;
  readonly type: ObjectType;
  readonly bytes: ByteStore;
  readonly #superBlock: number;
  readonly #space: BlockSpace | null;
  readonly #quota: ((caller: Caller) => number) | null;
  readonly #backing: { data: FileData; start: number } | null;
  /** blocks that exist; of tmpfs and devices the engine, or nobody, knows */
  readonly #blocks = new Ranges();
  #size: number;
  #object = 0;

  constructor(kernel: Kernel, type: ObjectType, options: FileDataOptions = {}) {
    this.#kernel = kernel;
    this.type = type;
    this.bytes = options.bytes ?? new SparseBytes();
    this.#size = options.size ?? 0;
    this.#superBlock = options.superBlock ?? 0;
    this.#space = options.space ?? null;
    this.#quota = options.quota ?? null;
    this.#backing = options.backing ?? null;
    this.#object = options.object ?? 0;
    if (this.#object !== 0) this.#resize(this.#size);
    else if (options.made !== undefined) {
      const { superBlock: mount = 0, made } = options;
      const make = () => kernel.machine.newObject(type, pagesOf(this.#size), { ...made, mount });
      this.#object = asSyscall(make, PAYER_ERRNOS);
    }
  }

  get kernel(): Kernel {
    return this.#kernel;
  }
  /** i_size, bytes */
  get size(): number {
    return this.#size;
  }
  /** Pages that exist: of tmpfs in memory and in swap, of a disk blocks. */
  get pages(): number {
    if (this.#space !== null) return this.#blocks.size;
    return this.#object === 0 ? 0 : this.#kernel.machine.engine.objectPages(this.#object);
  }
  /** The engine's object, made when it is first needed. */
  get object(): number {
    if (this.#object !== 0) return this.#object;
    const { machine } = this.#kernel;
    this.#object = machine.newObject(this.type, pagesOf(this.#size));
    if (this.#superBlock !== 0) machine.engine.setSuper(this.#object, this.#superBlock);
    return this.#object;
  }
  /** Pages in memory, of what has no pages elsewhere. */
  get resident(): number {
    return this.untouched ? 0 : this.#kernel.machine.engine.objectPages(this.#object);
  }
  /** The engine's object if there is one, else 0. */
  get made(): number {
    return this.#object;
  }
  /** Nothing of it is in memory, or ever was. */
  get untouched(): boolean {
    return this.#object === 0;
  }
  get #shmem(): boolean {
    return this.type === 'shmem';
  }

  #access(caller: Caller, access: Access & { pages: number }): Outcome {
    const { object } = this;
    let result: CallResult | null = null;
    try {
      result = caller.charge((machine, task, cpu) => (result = machine.access(task, object, access, cpu)));
    } catch (error) {
      // What was done until then stays done.
      return { done: (result as CallResult | null)?.done ?? 0, error };
    }
    // Who was chosen to pay has no room: SIGBUS, as what a fault makes of EFAULT.
    const errno = result.signal ? 'EFAULT' : result.errno;
    if (errno) return { done: result.done ?? 0, error: new SyscallError(errno) };
    return { done: access.pages, error: null };
  }

  /** At most `count` bytes from `offset` on. `previous`: where the reader's last read ended (a page is not used twice for being read in parts). */
  read(caller: Caller, offset: number, count: number, previous = 0): Uint8Array {
    const length = Math.min(count, this.#size - offset);
    if (length <= 0) return NO_BYTES;
    const end = pageOf(offset + length - 1) + 1;
    let first = pageOf(offset);
    const again = this.#shmem ? offset % PAGE_SIZE !== 0 : previous > 0 && pageOf(previous - 1) === first;
    if (again && !this.untouched) first++;
    if (first === end || (this.#shmem && this.untouched)) return this.bytes.read(offset, length);
    const { done, error } = this.#access(caller, { index: first, pages: end - first, holes: this.#shmem });
    if (error === null) return this.bytes.read(offset, length);
    const read = Math.min(length, (first + done) * PAGE_SIZE - offset);
    if (read <= 0 || !(error instanceof SyscallError)) throw error;
    return this.bytes.read(offset, read);
  }

  /** Writes what there is room for, and answers how much that was. SyscallError ENOSPC, ENOMEM where it is nothing. */
  write(caller: Caller, offset: number, bytes: Uint8Array): number {
    if (bytes.length === 0) return 0;
    const first = pageOf(offset);
    let end = pageOf(offset + bytes.length - 1) + 1;
    if (this.#space !== null) end = this.#blocks.reach(first, end, this.#space.available(caller));
    if (end === first) throw new SyscallError('ENOSPC');
    if (this.#quota !== null) end = this.#within(this.#quota(caller), first, end);
    if (end === first) throw new SyscallError('EDQUOT');
    const { done, error } = this.#access(caller, { index: first, pages: end - first, write: true });
    const written = Math.min(bytes.length, (first + done) * PAGE_SIZE - offset);
    if (written > 0) this.#put(offset, bytes.subarray(0, written));
    if (error !== null && (written <= 0 || !(error instanceof SyscallError))) throw error;
    return written;
  }

  /** The end of what can be written of pages [first, end) with so many more. */
  #within(room: number, first: number, end: number): number {
    let left = room;
    for (let at = first; at < end; at++) if (!this.#exists(at) && --left < 0) return at;
    return end;
  }

  /** Bytes that get into the file, whoever's memory they go through. */
  #put(offset: number, bytes: Uint8Array): void {
    this.allocate(offset, bytes.length);
    this.bytes.write(offset, bytes);
    if (offset + bytes.length > this.#size) this.#resize(offset + bytes.length);
  }

  /** Blocks for a range of bytes, as far as the file has none. */
  allocate(offset: number, length: number): void {
    if (this.#backing !== null) this.#backing.data.allocate(this.#backing.start + offset, length);
    if (this.#space !== null) this.#space.use(this.#blocks.add(pageOf(offset), pageOf(offset + length - 1) + 1));
  }

  #resize(size: number): void {
    this.#size = size;
    if (this.#object !== 0) this.#kernel.machine.engine.setInodeSize(this.#object, BigInt(pagesOf(size)));
  }

  /** Past the page cache (O_DIRECT): what is cached there is written, and goes. */
  readDirect(caller: Caller, offset: number, count: number): Uint8Array {
    const length = Math.min(count, this.#size - offset);
    if (length <= 0) return NO_BYTES;
    this.#invalidate(caller, offset, length);
    if (this.#backing !== null) this.#request(caller, offset, length, false);
    return this.bytes.read(offset, length);
  }
  writeDirect(caller: Caller, offset: number, bytes: Uint8Array): number {
    const first = pageOf(offset);
    let end = pageOf(offset + bytes.length - 1) + 1;
    if (this.#space !== null) end = this.#blocks.reach(first, end, this.#space.available(caller));
    const written = Math.min(bytes.length, end * PAGE_SIZE - offset);
    if (written <= 0) throw new SyscallError('ENOSPC');
    this.#invalidate(caller, offset, written);
    if (this.#backing === null) this.#put(offset, bytes.subarray(0, written));
    else this.#request(caller, offset, written, true, bytes);
    return written;
  }
  /** Of a loop device: its worker reads or writes the file. SyscallError EIO, or what the policy says. */
  #request(caller: Caller, offset: number, length: number, write: boolean, bytes: Uint8Array = NO_BYTES): void {
    const index = pageOf(offset);
    const count = pageOf(offset + length - 1) + 1 - index;
    const { object } = this;
    let done = count;
    let error: SyscallError | null = null;
    caller.charge((machine, task, cpu) => {
      const columns = { task, cpu, object, index, count, flags: write ? FLAG_WRITE : 0 };
      const result = machine.event('loop_io', columns);
      if (result.errno) error = new SyscallError(result.errno);
      done = result.done ?? count;
      return result;
    });
    const through = Math.max(0, Math.min(length, (index + done) * PAGE_SIZE - offset));
    if (write && through > 0) this.#put(offset, bytes.subarray(0, through));
    // __blkdev_direct_IO(): a part that failed is the call's error, whatever came of the rest.
    if (error !== null) throw error;
  }
  /** kiocb_invalidate_pages() */
  #invalidate(caller: Caller, offset: number, length: number): void {
    if (this.untouched) return;
    const index = pageOf(offset);
    this.fsync(caller);
    caller.charge((machine, task, cpu) =>
      machine.truncate(task, this.object, { index, pages: pageOf(offset + length - 1) + 1 - index }, cpu),
    );
    this.#resize(this.#size);
  }

  /** A fault of a mapping at a page. SyscallError EFAULT: SIGBUS; ENOMEM. */
  fault(caller: Caller, index: number, options: { write: boolean; exec?: boolean; random?: boolean }): void {
    if (index >= pagesOf(this.#size)) throw new SyscallError('EFAULT');
    const { write } = options;
    const makes = write && this.#space !== null && !this.#blocks.has(index);
    if (makes && this.#space.available(caller) < 1) throw new SyscallError('EFAULT');
    if (this.#quota !== null && this.#within(this.#quota(caller), index, index + 1) === index)
      throw new SyscallError('EFAULT');
    const { error } = this.#access(caller, { ...options, index, pages: 1, fault: true });
    if (error instanceof SyscallError && error.errno === 'ENOSPC') throw new SyscallError('EFAULT');
    if (error !== null) throw error;
    if (makes) this.allocate(index * PAGE_SIZE, PAGE_SIZE);
  }

  /** munmap(2) */
  unmap(caller: Caller, index: number, pages: number): void {
    if (!this.untouched) caller.charge((machine, task, cpu) => machine.unmap(task, this.object, { index, pages }, cpu));
  }

  /** A page exists: it is more than a hole. */
  #exists(index: number): boolean {
    if (this.#space !== null) return this.#blocks.has(index);
    return !this.untouched && this.#kernel.machine.engine.hasEntry(this.#object, BigInt(index)) !== 0;
  }

  /** ftruncate(2): the rest of the last page is cleared, which brings it into memory. SyscallError ENOMEM. */
  truncate(caller: Caller, size: number): void {
    const before = this.#size;
    const pages = pagesOf(size);
    if (size < before) {
      if (size % PAGE_SIZE !== 0 && this.#exists(pages - 1)) {
        const { error } = this.#access(caller, { index: pages - 1, pages: 1, write: true });
        if (error !== null) throw error;
      }
      this.#cut(caller, pages, 0);
      this.bytes.clear(size);
      this.#space?.use(-this.#blocks.remove(pages, Number.POSITIVE_INFINITY));
    }
    if (size !== before) this.#resize(size);
  }

  /** Pages leave memory; `pages` 0: to the end. */
  #cut(caller: Caller, index: number, pages: number): void {
    if (!this.untouched)
      caller.charge((machine, task, cpu) => machine.truncate(task, this.object, { index, pages }, cpu));
  }

  /** FALLOC_FL_PUNCH_HOLE */
  punch(caller: Caller, offset: number, length: number): void {
    const from = pagesOf(offset);
    const to = pageOf(offset + length);
    this.bytes.clear(offset, length);
    for (const index of new Set([pageOf(offset), to]))
      if ((index < from || index === to) && index * PAGE_SIZE !== offset + length && this.#exists(index)) {
        const { error } = this.#access(caller, { index, pages: 1, write: true });
        if (error !== null) throw error;
      }
    if (from >= to) return;
    this.#cut(caller, from, to - from);
    this.#space?.use(-this.#blocks.remove(from, to));
  }

  /** fallocate(2): pages (tmpfs) or blocks (a disk) for a range, or none of them. SyscallError ENOSPC, ENOMEM. */
  fallocate(caller: Caller, offset: number, length: number, keepSize: boolean): void {
    const from = pageOf(offset);
    const to = pageOf(offset + length - 1) + 1;
    if (this.#space !== null) {
      if (to - from - this.#blocks.count(from, to) > this.#space.available(caller)) throw new SyscallError('ENOSPC');
      this.allocate(offset, length);
    } else {
      if (this.#quota !== null && this.#within(this.#quota(caller), from, to) < to) throw new SyscallError('EDQUOT');
      this.#fill(caller, from, to);
    }
    if (!keepSize && offset + length > this.#size) this.#resize(offset + length);
  }

  /** shmem_fallocate(): pages that are missing are made; if one cannot be, those made for it go again (shmem_undo_range()). */
  #fill(caller: Caller, from: number, to: number): void {
    const made: { from: number; to: number }[] = [];
    for (let at = from; at < to; ) {
      let end = at;
      while (end < to && !this.#exists(end)) end++;
      if (end === at) {
        at++;
        continue;
      }
      const { done, error } = this.#access(caller, { index: at, pages: end - at, write: true });
      made.push({ from: at, to: at + done });
      if (error !== null) {
        if (!(error instanceof SyscallError)) throw error;
        for (const range of made) if (range.to > range.from) this.#cut(caller, range.from, range.to - range.from);
        throw error;
      }
      at = end;
    }
  }

  /** fsync(2). SyscallError EIO, under some policies ENOSPC or EDQUOT: something could not be written. */
  fsync(caller: Caller): void {
    if (this.untouched || this.#shmem) return;
    caller.charge((machine, task, cpu) => machine.sync(task, this.object, cpu));
    const errors = this.#kernel.machine.engine.takeErrors(this.#object);
    if (errors !== 0) throw new SyscallError(errors >>> 24 === 0 ? 'EIO' : errnoName(errors >>> 24));
  }

  /** What is dirty is written, on behalf of nobody. False: something could not be. */
  flush(): boolean {
    if (this.untouched || this.#shmem) return true;
    this.#kernel.machine.sync(0, this.#object);
    this.#kernel.noteEvents();
    return this.#kernel.machine.engine.takeErrors(this.#object) === 0;
  }

  /** kill_bdev(): everything leaves memory; bytes and inode stay. */
  invalidate(): void {
    if (this.untouched) return;
    this.#kernel.machine.truncate(0, this.#object, { index: 0 });
    this.#resize(this.#size);
  }

  /** Everything leaves memory; the bytes stay (umount), unless it was all that there is of them. */
  forget(): void {
    if (this.untouched) return;
    this.#kernel.machine.freeObject(0, this.#object);
    this.#object = 0;
  }

  /** The inode is gone, and with it its pages and blocks. */
  evict(): void {
    this.forget();
    this.#space?.use(-this.#blocks.remove(0, Number.POSITIVE_INFINITY));
  }
}
