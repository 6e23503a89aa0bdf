/**
 * The journal of a disk's file system: blocks that were changed are its own until their transaction is committed, which is five seconds after it
 * began, or when somebody asks for it; only then are their pages dirty. fs/jbd2/transaction.c: jbd2_journal_dirty_metadata(),
 * __jbd2_journal_temp_unlink_buffer(); fs/jbd2/commit.c.
 */
import type { BlockDevice } from './block-device.ts';
import type { Kernel } from './kernel.ts';
import type { Timer } from './scheduler.ts';

/** JBD2_DEFAULT_MAX_COMMIT_AGE */
const COMMIT_NS = 5_000_000_000n;

export class Journal {
  readonly #kernel: Kernel;
  readonly #device: BlockDevice;
  /** blocks that the running transaction has changed */
  readonly #changed = new Set<number>();
  #timer: Timer | null = null;

  constructor(kernel: Kernel, device: BlockDevice) {
    this.#kernel = kernel;
    this.#device = device;
  }

  /** A block of the device was changed. */
  add(block: number): void {
    this.#changed.add(block);
    const { scheduler } = this.#kernel;
    this.#timer ??= scheduler.at(scheduler.now + COMMIT_NS, () => this.commit(), { idle: true });
  }

  /** The running transaction is committed: what it changed is dirty now. */
  commit(): void {
    if (this.#timer !== null) this.#timer.cancelled = true;
    this.#timer = null;
    for (const index of this.#changed) this.#kernel.machine.dirty(this.#device.data.object, { index });
    this.#changed.clear();
  }
}
