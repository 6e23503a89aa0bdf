/**
 * Open files of memory.peak and memory.swap.peak. mm/memcontrol.c: peak_open(), peak_show(), peak_write(), peak_release() (6.18).
 *
 * A file that was never written shows the highest usage ever. A write resets it, for this open file alone: from then on it shows the
 * highest usage since. The high mark since the last reset is one for all; who was reset earlier keeps what it had, except a spike between
 * its reset and the next one's: at a reset the others are topped up with the usage of that moment only, as in the kernel.
 *
 * The mark is the engine's and goes with a snapshot; open files are their process's, and do not.
 */
import { EngineError } from '../engine/error.ts';
import { PAGE_SIZE } from '../trace/schema.ts';

/** The counter behind the file: pages. */
export interface PeakCounter {
  watermark(): number;
  localWatermark(): number;
  /** sets the local watermark to the usage, which is answered */
  reset(): number;
}

/** One open file. */
export class PeakFile {
  #counter: PeakCounter;
  /** open files that were written */
  #watchers: Set<PeakFile>;
  #writable: boolean;
  /** pages; null: never written */
  #value: number | null = null;

  constructor(counter: PeakCounter, watchers: Set<PeakFile>, writable: boolean) {
    this.#counter = counter;
    this.#watchers = watchers;
    this.#writable = writable;
  }

  /** Bytes. */
  read(): number {
    const pages =
      this.#value === null ? this.#counter.watermark() : Math.max(this.#value, this.#counter.localWatermark());
    return pages * PAGE_SIZE;
  }

  /** Any text, as long as there is some, resets the file. EngineError EINVAL in 6.1, where it can only be read. */
  write(text: string): void {
    if (!this.#writable) throw new EngineError('EINVAL', 'memory.peak: EINVAL: read only in 6.1');
    if (text === '') return;
    const usage = this.#counter.reset();
    for (const peer of this.#watchers) if (peer.#value! < usage) peer.#value = usage;
    this.#watchers.add(this);
    this.#value = usage;
  }

  close(): void {
    this.#watchers.delete(this);
  }
}
