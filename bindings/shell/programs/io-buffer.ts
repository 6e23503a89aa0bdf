/** The buffer that a program reads into: its pages are anonymous memory, charged when a read first fills them. */
import type { Mapping, Process } from '../kernel/syscalls.ts';

const PAGE = 4096;
/** M_MMAP_THRESHOLD of glibc: larger allocations are mappings of their own, smaller ones lie on the heap */
const MMAP_THRESHOLD = 128 * 1024;

export class IoBuffer {
  readonly #process: Process;
  readonly #size: number;
  readonly #free: number;
  #mapping: Mapping | undefined;
  #touched: number;

  /**
   * A buffer of `size` bytes that is aligned to a page. `known` pages are part of what the program uses anyway (footprint), and are not
   * charged again.
   */
  constructor(process: Process, size: number, known = 0) {
    this.#process = process;
    this.#size = size;
    this.#free = known;
    this.#touched = known;
  }

  /** A read has put `bytes` bytes at the start of the buffer. */
  async filled(bytes: number): Promise<void> {
    if (this.#size <= PAGE || bytes === 0) return;
    // malloc's own header of a mapping lies in a page of its own, before the aligned buffer.
    const header = this.#size >= MMAP_THRESHOLD ? 1 : 0;
    const pages = header + Math.ceil(bytes / PAGE);
    if (pages <= this.#touched) return;
    this.#mapping ??= this.#process.mmap(header + Math.ceil(this.#size / PAGE) - this.#free);
    await this.#process.touch(this.#mapping, {
      from: this.#touched - this.#free,
      pages: pages - this.#touched,
      write: true,
    });
    this.#touched = pages;
  }
}
