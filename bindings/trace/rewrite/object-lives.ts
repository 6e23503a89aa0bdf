/** Objects of a trace, whose ids may be used again: each life of one by itself, as both readings of the trace come to them. */
import * as O from '../../../assembly/replay/ops.ts';
import type { TraceRow } from './rewrite.ts';

/** What the first reading has noted of a life is found again in the second. */
export class ObjectLives<T> {
  readonly #lives = new Map<number, T[]>();
  readonly #number = new Map<number, number>();
  readonly #fresh: () => T;

  constructor(fresh: () => T) {
    this.#fresh = fresh;
  }

  /** To be called after an object's end was seen to: what comes under its id is another one. */
  end(object: number): void {
    this.#number.set(object, this.#at(object) + 1);
  }

  #at(object: number): number {
    return this.#number.get(object) ?? 0;
  }

  /** What is known of the life at hand. */
  of(object: number): T {
    const lives = this.#lives.get(object) ?? [];
    this.#lives.set(object, lives);
    const at = this.#at(object);
    while (lives.length <= at) lives.push(this.#fresh());
    return lives[at]!;
  }

  *all(): Generator<T> {
    for (const lives of this.#lives.values()) yield* lives;
  }

  /** The second reading begins. */
  again(): void {
    this.#number.clear();
  }
}

/** The row ends the object that it names. */
export function endsObject(row: Readonly<TraceRow>): boolean {
  return row.op === O.OP_OBJECT_FREE || row.op === O.OP_UMOUNT;
}
