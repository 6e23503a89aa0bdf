/**
 * What tasks are called (`comm`), from the rows that tell, and what those of a kill were called when it happened: the engine knows no
 * strings.
 */
import * as O from '../../assembly/replay/ops.ts';
import type { TraceBatch } from '../trace/arrow-reader.ts';

/** TASK_COMM_LEN, without the 0 at the end */
const COMM_LENGTH = 15;
/** Rows that name a task. */
const NAMING = [O.OP_SPAWN, O.OP_FORK, O.OP_EXEC];

type Names = [number, string][];

export class TaskNames {
  #names = new Map<number, string>();
  /** by number of the kill */
  #atKills = new Map<number, Map<number, string>>();

  set(task: number, name: string): void {
    this.#names.set(task, name);
  }

  get(task: number): string | null {
    return this.#names.get(task) ?? null;
  }

  /** What a task was called at a kill. */
  at(kill: number, task: number): string | null {
    return this.#atKills.get(kill)?.get(task) ?? null;
  }

  /** Learns from rows [from, to) of a batch. Few rows name a task: the search is left to indexOf. */
  learn(batch: TraceBatch, from: number, to: number): void {
    const ops = batch.op.subarray(0, to);
    const codes = NAMING.map((op) => batch.opMap.indexOf(op)).filter((code) => code >= 0);
    const next = codes.map((code) => ops.indexOf(code, from));
    for (;;) {
      const row = Math.min(...next.filter((r) => r >= 0));
      if (row === Number.POSITIVE_INFINITY) return;
      this.#row(batch, row);
      for (const [i, r] of next.entries()) if (r === row) next[i] = ops.indexOf(codes[i]!, row + 1);
    }
  }

  #row(batch: TraceBatch, row: number): void {
    const name = batch.name(row);
    const task = batch.task[row]!;
    switch (batch.opMap[batch.op[row]!]) {
      case O.OP_SPAWN:
        if (name === null) this.#names.delete(task);
        else this.#names.set(task, name);
        break;
      case O.OP_FORK: {
        const its = name ?? this.#names.get(task);
        if (its !== undefined) this.#names.set(batch.object[row]!, its);
        break;
      }
      default:
        // exec tells the file
        if (name !== null) this.#names.set(task, name.slice(name.lastIndexOf('/') + 1).slice(0, COMM_LENGTH));
    }
  }

  /** A kill was just recorded: the names of these tasks stay with it. */
  keep(kill: number, tasks: readonly number[]): void {
    const names = new Map<number, string>();
    for (const task of tasks) {
      const name = this.#names.get(task);
      if (name !== undefined) names.set(task, name);
    }
    this.#atKills.set(kill, names);
  }

  toJSON(): { names: Names; kills: [number, Names][] } {
    return { names: [...this.#names], kills: [...this.#atKills].map(([kill, names]) => [kill, [...names]]) };
  }

  static from(json: { names: Names; kills: [number, Names][] } | undefined): TaskNames {
    const made = new TaskNames();
    if (json === undefined) return made;
    made.#names = new Map(json.names);
    made.#atKills = new Map(json.kills.map(([kill, names]) => [kill, new Map(names)]));
    return made;
  }
}
