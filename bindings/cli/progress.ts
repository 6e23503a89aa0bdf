/** A progress bar on stderr, and only where stderr is a terminal. Results go to stdout, so the two never mix. */
const WIDTH = 30;
const INTERVAL_MS = 100;

export class Progress {
  readonly #label: string;
  readonly #on: boolean;
  #last = 0;
  #drawn = false;

  constructor(label: string) {
    this.#label = label;
    this.#on = process.stderr.isTTY === true;
  }

  /** Draws, at most ten times a second. `total` 0: unknown, so no bar. `note` is a short text such as a count. */
  update(done: number, total: number, note: string): void {
    if (!this.#on) return;
    const now = Date.now();
    if (now - this.#last < INTERVAL_MS) return;
    this.#last = now;
    this.#drawn = true;
    let bar = '';
    if (total > 0) {
      const part = Math.min(1, done / total);
      const full = Math.round(part * WIDTH);
      bar = `[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${String(Math.floor(part * 100)).padStart(3)}% `;
    }
    process.stderr.write(`\r${this.#label} ${bar}${note}\u001b[K`);
  }

  /** Removes the bar. */
  end(): void {
    if (this.#drawn) process.stderr.write('\r\u001b[K');
    this.#drawn = false;
  }
}
