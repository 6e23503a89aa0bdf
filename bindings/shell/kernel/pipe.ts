/**
 * Pipes and fifos. fs/pipe.c: 16 buffers of a page; a write that begins within a page goes on in the last buffer if it fits there. The
 * pages are charged to who writes; two of them are kept for later (tmp_page).
 */
import type { KernelPages } from '../../live.ts';
import { SyscallError } from './error.ts';
import { WaitQueue } from './scheduler.ts';
import { SIGPIPE } from './signals.ts';
import { free, type SlabObject } from './slab.ts';
import { type Caller, FileOperations, type OpenFile, PAGE_SIZE } from './vfs.ts';

/** PIPE_DEF_BUFFERS */
const BUFFERS = 16;
const SPARE_PAGES = 2;

interface Buffer {
  bytes: Uint8Array;
  from: number;
  to: number;
  page: KernelPages;
}

/** A pipe: both ends of it. */
export class Pipe extends FileOperations {
  /** struct pipe_inode_info and its buffers, and who pays for them */
  slab: SlabObject | null = null;
  #buffers: Buffer[] = [];
  #spare: KernelPages[] = [];
  #readers = 0;
  #writers = 0;
  #anonymous = false;
  /** openings ever, for fifos that wait for their other end */
  #readerOpens = 0;
  #writerOpens = 0;
  readonly #readable = new WaitQueue();
  readonly #writable = new WaitQueue();
  readonly #opened = new WaitQueue();

  override get seekable(): boolean {
    return false;
  }

  /** The ends of pipe(2): nobody to wait for, now and when one is opened again by way of /proc/self/fd. */
  connect(): void {
    this.#anonymous = true;
    this.#readers++;
    this.#writers++;
  }

  /** fifo_open() */
  override async open(file: OpenFile, caller: Caller): Promise<void> {
    const { read = false, write = false, nonblock = false } = file.flags;
    const { scheduler } = caller.kernel;
    if (write && !read && nonblock && this.#readers === 0) throw new SyscallError('ENXIO');
    if (read) {
      this.#readers++;
      this.#readerOpens++;
    }
    if (write) {
      this.#writers++;
      this.#writerOpens++;
    }
    scheduler.wake(this.#opened);
    if (nonblock || (read && write) || this.#anonymous) return;
    const partners = () => (read ? this.#writerOpens : this.#readerOpens);
    const present = read ? this.#writers : this.#readers;
    if (present > 0) return;
    const seen = partners();
    try {
      while (partners() === seen) await caller.waitOn(this.#opened);
    } catch (error) {
      // Unwound before the descriptor was there: nobody will release it.
      if (read) this.#readers--;
      if (write) this.#writers--;
      throw error;
    }
  }

  override release(file: OpenFile, caller: Caller): void {
    const { scheduler } = caller.kernel;
    if (file.flags.read) this.#readers--;
    if (file.flags.write) this.#writers--;
    if (this.#writers === 0) scheduler.wake(this.#readable);
    if (this.#readers === 0) scheduler.wake(this.#writable);
    if (this.#readers > 0 || this.#writers > 0) return;
    for (const page of [...this.#buffers.map((buffer) => buffer.page), ...this.#spare])
      caller.kernel.freePage(page, caller);
    this.#buffers = [];
    this.#spare = [];
    if (this.slab !== null) free(caller.kernel.machine, this.slab);
    this.slab = null;
  }

  override async read(file: OpenFile, caller: Caller, _offset: number, count: number): Promise<Uint8Array> {
    if (count === 0) return new Uint8Array(0);
    while (this.#buffers.length === 0) {
      if (this.#writers === 0) return new Uint8Array(0);
      if (file.flags.nonblock) throw new SyscallError('EAGAIN');
      await caller.waitOn(this.#readable);
    }
    const wasFull = this.#buffers.length === BUFFERS;
    const parts: Uint8Array[] = [];
    let left = count;
    while (left > 0 && this.#buffers.length > 0) {
      const buffer = this.#buffers[0]!;
      const n = Math.min(left, buffer.to - buffer.from);
      parts.push(buffer.bytes.subarray(buffer.from, buffer.from + n));
      buffer.from += n;
      left -= n;
      if (buffer.from < buffer.to) break;
      this.#buffers.shift();
      if (this.#spare.length < SPARE_PAGES) this.#spare.push(buffer.page);
      else caller.kernel.freePage(buffer.page, caller);
    }
    if (wasFull && this.#buffers.length < BUFFERS) caller.kernel.scheduler.wake(this.#writable);
    const all = new Uint8Array(count - left);
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  override async write(file: OpenFile, caller: Caller, _offset: number, bytes: Uint8Array): Promise<number> {
    let done = 0;
    const last = this.#buffers.at(-1);
    const head = bytes.length % PAGE_SIZE;
    this.#checkReaders(caller);
    if (last !== undefined && head > 0 && last.to + head <= last.bytes.length) {
      last.bytes.set(bytes.subarray(0, head), last.to);
      last.to += head;
      done = head;
    }
    while (done < bytes.length) {
      if (this.#readers === 0) {
        if (done > 0) return done;
        this.#checkReaders(caller);
      }
      if (this.#buffers.length === BUFFERS) {
        if (file.flags.nonblock) {
          if (done > 0) return done;
          throw new SyscallError('EAGAIN');
        }
        caller.kernel.scheduler.wake(this.#readable);
        await caller.waitOn(this.#writable);
        continue;
      }
      const part = bytes.subarray(done, done + PAGE_SIZE);
      let page: KernelPages;
      try {
        page = this.#spare.pop() ?? caller.kernel.allocatePage(caller, 'other');
      } catch (error) {
        if (done > 0 && error instanceof SyscallError) break;
        throw error;
      }
      const buffer = new Uint8Array(PAGE_SIZE);
      buffer.set(part);
      this.#buffers.push({ bytes: buffer, from: 0, to: part.length, page });
      done += part.length;
    }
    if (done > 0) caller.kernel.scheduler.wake(this.#readable);
    return done;
  }

  #checkReaders(caller: Caller): void {
    if (this.#readers > 0) return;
    caller.raise(SIGPIPE);
    throw new SyscallError('EPIPE');
  }
}
