/**
 * Tasks that have exited, kept while their last lines may still come: on other CPUs, or out of order. Without an end to that an importer
 * would hold a task for every pid that there ever was.
 */

/** Exited tasks are remembered as long as so many others have not exited since. */
const KEPT = 1024;

export class ExitedTasks<Task> {
  readonly #ring: Task[] = [];
  #exits = 0;

  /** `task` has exited; answers the one that can be forgotten now, null for none. */
  add(task: Task): Task | null {
    const slot = this.#exits++ % KEPT;
    const oldest = this.#ring[slot] ?? null;
    this.#ring[slot] = task;
    return oldest;
  }
}
