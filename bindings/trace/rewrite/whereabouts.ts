/** Where the tasks of a trace are: the memcg that would pay for what each touches in an object, as the engine has it (folio_payer). */
import * as O from '../../../assembly/replay/ops.ts';
import { ROOT_CGROUP } from '../schema.ts';
import type { TraceRow } from './rewrite.ts';

interface Place {
  cgroup: number;
  /** whose address space it uses */
  process: number;
  /** set_active_memcg(), innermost last */
  scopes: number[];
}

export class Whereabouts {
  readonly #tasks = new Map<number, Place>();

  /** To be called with every row, before what it says is asked for. */
  see(row: Readonly<TraceRow>): void {
    const place = this.#tasks.get(row.task);
    switch (row.op) {
      case O.OP_SPAWN:
        this.#tasks.set(row.task, { cgroup: row.cgroup || ROOT_CGROUP, process: row.task, scopes: [] });
        break;
      case O.OP_FORK: {
        if (place === undefined) break;
        const process = row.flags & O.FLAG_THREAD ? place.process : row.object;
        this.#tasks.set(row.object, { cgroup: place.cgroup, process, scopes: [] });
        break;
      }
      case O.OP_EXEC:
        if (place !== undefined) place.process = row.task;
        break;
      case O.OP_ATTACH:
        for (const [task, each] of this.#tasks)
          if (task === row.task || each.process === row.task) each.cgroup = row.cgroup;
        break;
      case O.OP_SCOPE_ENTER:
        place?.scopes.push(row.cgroup);
        break;
      case O.OP_SCOPE_LEAVE:
        place?.scopes.pop();
        break;
      case O.OP_EXIT:
        // A leader whose threads live on is where they are.
        if (
          place !== undefined &&
          ![...this.#tasks].some(([task, each]) => task !== row.task && each.process === row.task)
        )
          this.#tasks.delete(row.task);
        break;
    }
  }

  /** The cgroup whose touch a touch of the task is; null: nobody knows the task. */
  toucher(task: number): number | null {
    const place = this.#tasks.get(task);
    if (place === undefined) return null;
    return place.scopes.at(-1) || (this.#tasks.get(place.process)?.cgroup ?? place.cgroup);
  }

  /** The process of a task. */
  process(task: number): number {
    return this.#tasks.get(task)?.process ?? task;
  }

  lives(task: number): boolean {
    return this.#tasks.has(task);
  }
}

/** The row is a task's use of pages of an object. */
export function isTouch(row: Readonly<TraceRow>): boolean {
  if (row.op === O.OP_FILE_ACCESS) return (row.flags & O.FLAG_READAHEAD) === 0;
  return row.op === O.OP_MLOCK && row.object !== 0;
}
