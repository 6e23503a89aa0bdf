/**
 * What the instances of a service were charged (debate 2, rows P3 and P8): a cgroup that is made again under the path of one that was removed
 * is the next instance. For any machine and trace: hand {@link InstanceWatch.rows} to replayTrace(). Pages.
 */
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import type { Machine } from '../machine.ts';
import type { RowObserver } from '../replay/replay.ts';
import type { TraceBatch } from '../trace/arrow-reader.ts';
import { readInstanceMark } from '../trace/rewrite/instances.ts';
import { outermost } from '../trace/rewrite/services.ts';

export interface InstanceFigures {
  /** 1, 2 … */
  number: number;
  /** the cgroup that it ran in */
  cgroup: number;
  /** data (anonymous memory, page cache, shmem) that it was charged for when it ended; where the cgroup is not its own, what was added */
  pages: number;
  /** the same of kernel memory */
  kernel_pages: number;
  /** data ever charged to it, by the model; what was charged again counts again */
  charged: number;
  /** data that what outlives it had when it began, and when it ended: its parent, the entity, or the one cgroup of all instances */
  around_before: number;
  around_after: number;
}

export interface ServiceFigures {
  /** path of the instances; what outlives them stands around it */
  service: string;
  instances: InstanceFigures[];
  /** data of what outlives them, at the end */
  around: number;
  /** what the first instance is charged for more than the second: pages, and pages ever */
  difference: number;
  charged_difference: number;
  /** false: all run in one cgroup, and its figures do not tell what is the service's from what is the instance's */
  distinguished: boolean;
}

interface Snapshot {
  pages: number;
  kernel: number;
  charged: number;
}

interface Life extends InstanceFigures {
  path: string;
  around: number;
  start: Snapshot;
  done: boolean;
  own: boolean;
}

const OPS: ReadonlySet<number> = new Set([O.OP_MKDIR, O.OP_RMDIR, O.OP_OFFLINE, O.OP_MARK]);
const DATA = [L.STAT_ANON, L.STAT_FILE, L.STAT_SHMEM];

export class InstanceWatch {
  readonly #lives: Life[] = [];
  readonly #alive = new Map<number, Life>();
  readonly #made = new Map<string, number>();
  /** the trace was rewritten: marks tell of instances */
  #marked = false;

  /** What replayTrace() calls at each row that begins or ends a cgroup. */
  readonly rows: RowObserver = {
    ops: OPS,
    before: (machine, batch, row) => this.#before(machine, batch, row),
    after: (machine, batch, row) => this.#after(machine, batch, row),
  };

  #before(machine: Machine, batch: TraceBatch, row: number): void {
    const op = batch.opMap[batch.op[row]!]!;
    const cgroup = batch.cgroup[row]!;
    if (op === O.OP_MARK) this.#mark(machine, cgroup, batch.name(row));
    else if (op !== O.OP_MKDIR && !this.#marked) this.#end(machine, cgroup);
  }

  #after(machine: Machine, batch: TraceBatch, row: number): void {
    if (batch.opMap[batch.op[row]!] !== O.OP_MKDIR) return;
    const cgroup = batch.cgroup[row]!;
    const waiting = this.#lives.at(-1);
    // A mark comes before the cgroup that it is about.
    if (this.#marked && waiting?.cgroup === cgroup && waiting.around === 0) this.#settle(machine, waiting, true);
    const path = machine.cgroups.get(cgroup)?.path;
    if (this.#marked || path === undefined) return;
    const number = (this.#made.get(path) ?? 0) + 1;
    this.#made.set(path, number);
    this.#begin(machine, cgroup, path, number, true);
  }

  #mark(machine: Machine, cgroup: number, name: string | null): void {
    const mark = readInstanceMark(name);
    if (mark === null) return;
    if (!this.#marked) this.#lives.length = 0;
    this.#marked = true;
    if (mark.begins) this.#begin(machine, cgroup, mark.path, mark.number, !machine.cgroups.has(cgroup));
    else this.#end(machine, cgroup);
  }

  #begin(machine: Machine, cgroup: number, path: string, number: number, own: boolean): void {
    const start = machine.cgroups.has(cgroup) ? snapshot(machine, cgroup) : { pages: 0, kernel: 0, charged: 0 };
    const life: Life = {
      ...{ number, cgroup, path, start, own, done: false, around: 0 },
      ...{ pages: 0, kernel_pages: 0, charged: 0, around_before: 0, around_after: 0 },
    };
    this.#lives.push(life);
    this.#alive.set(cgroup, life);
    if (machine.cgroups.has(cgroup)) this.#settle(machine, life, own);
  }

  /** What stands around an instance: the cgroup itself where it is not the instance's own. */
  #settle(machine: Machine, life: Life, own: boolean): void {
    life.around = own ? machine.cgroups.get(life.cgroup)!.parent : life.cgroup;
    life.around_before = dataOf(machine, life.around);
  }

  #end(machine: Machine, cgroup: number): void {
    const life = this.#alive.get(cgroup);
    if (life === undefined || life.done) return;
    const now = snapshot(machine, cgroup);
    life.pages = now.pages - life.start.pages;
    life.kernel_pages = now.kernel - life.start.kernel;
    life.charged = now.charged - life.start.charged;
    life.around_after = dataOf(machine, life.around);
    life.done = true;
    this.#alive.delete(cgroup);
  }

  /** The services that had more than one instance. What still runs ends here: the machine stands at the end of the trace. */
  figures(machine: Machine): ServiceFigures[] {
    for (const cgroup of [...this.#alive.keys()]) this.#end(machine, cgroup);
    const paths = new Map<string, Life[]>();
    for (const life of this.#lives) paths.set(life.path, [...(paths.get(life.path) ?? []), life]);
    const services = this.#marked ? [...paths.keys()] : outermost(this.#made);
    return services.map((service) => {
      const lives = paths.get(service)!;
      const [first, second] = lives;
      return {
        service,
        instances: lives.map(({ path: _, around: __, start: ___, done: ____, own: _____, ...figures }) => figures),
        around: dataOf(machine, lives.at(-1)!.around),
        difference: first!.pages - (second?.pages ?? 0),
        charged_difference: first!.charged - (second?.charged ?? 0),
        distinguished: lives.every((life) => life.around !== life.cgroup),
      };
    });
  }
}

function total(machine: Machine, cgroup: number, rows: readonly number[]): number {
  return rows.reduce((sum, row) => sum + Number(machine.engine.statTotal(cgroup, row)), 0);
}

/** Data of a cgroup and all below it, pages, without what stocks hold. */
function dataOf(machine: Machine, cgroup: number): number {
  return total(machine, cgroup, DATA);
}

function snapshot(machine: Machine, cgroup: number): Snapshot {
  let charged = 0;
  for (const id of machine.cgroups.keys()) {
    if (!isBelow(machine, id, cgroup)) continue;
    for (const kind of [O.KIND_ANON, O.KIND_FILE, O.KIND_SHMEM])
      charged += Number(machine.engine.eventCount(id, L.EVENT_CHARGED + kind, 1));
  }
  return { pages: dataOf(machine, cgroup), kernel: total(machine, cgroup, [L.STAT_KMEM]), charged };
}

function isBelow(machine: Machine, cgroup: number, top: number): boolean {
  for (let id = cgroup; id > 0; id = machine.cgroups.get(id)?.parent ?? 0) if (id === top) return true;
  return false;
}
