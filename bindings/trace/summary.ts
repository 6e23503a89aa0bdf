/** What is in a trace, by one pass over it: ops, tree, and which objects, cgroups and tasks have most. */
import * as O from '../../assembly/replay/ops.ts';
import type { Trace, TraceBatch } from './arrow-reader.ts';
import { OP_NAMES, ROOT_CGROUP } from './schema.ts';
import { firstAfter, resolve, type TimeRange, WHOLE_TRACE } from './time-range.ts';

export interface CgroupEntry {
  id: number;
  path: string | null;
  parent: number;
  existing: boolean;
  /** position in time of its mkdir, nanoseconds */
  ts: number;
}

export interface EventEntry {
  row: number;
  ts: string;
  cpu: number;
  op: string;
  task: number;
  cgroup: number;
  object: number;
  index: string;
  count: number;
  flags: number;
  gfp: number;
  name: string | null;
}

/** One object, cgroup or task. `events`: rows that name it; `pages`: touched or charged by those rows, again where again. */
export interface TopEntry {
  id: number;
  name: string | null;
  events: number;
  pages: number;
}

export interface Summary {
  events: number;
  durationNs: number;
  ops: Record<string, number>;
  cgroups: CgroupEntry[];
  head: EventEntry[];
  top: { objects: TopEntry[]; cgroups: TopEntry[]; tasks: TopEntry[] };
}

/** Ids beyond this are not counted one by one, whatever a trace claims. */
const MAX_IDS = 1 << 22;

/** Events and pages by dense id; grows with the ids that come. */
class Tally {
  #events = new Float64Array(1024);
  #pages = new Float64Array(1024);
  readonly names = new Map<number, string>();

  add(id: number, pages: number): void {
    if (id >= this.#events.length) {
      if (id >= MAX_IDS) return;
      const size = 2 ** Math.ceil(Math.log2(id + 1));
      this.#events = grown(this.#events, size);
      this.#pages = grown(this.#pages, size);
    }
    this.#events[id]!++;
    this.#pages[id]! += pages;
  }

  top(count: number): TopEntry[] {
    const ids: number[] = [];
    this.#events.forEach((events, id) => {
      if (events > 0 && id > 0) ids.push(id);
    });
    ids.sort((a, b) => this.#pages[b]! - this.#pages[a]! || this.#events[b]! - this.#events[a]! || a - b);
    return ids.slice(0, count).map((id) => ({
      id,
      name: this.names.get(id) ?? null,
      events: this.#events[id]!,
      pages: this.#pages[id]!,
    }));
  }
}

function grown(array: Float64Array<ArrayBuffer>, size: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(size);
  larger.set(array);
  return larger;
}

/** In which cgroup a task is, as rows tell. */
export class Residence {
  #of = new Uint32Array(1024);

  get(task: number): number {
    return this.#of[task] ?? 0;
  }

  set(task: number, cgroup: number): void {
    if (task >= this.#of.length) {
      if (task >= MAX_IDS) return;
      const larger = new Uint32Array(2 ** Math.ceil(Math.log2(task + 1)));
      larger.set(this.#of);
      this.#of = larger;
    }
    this.#of[task] = cgroup;
  }

  /** Takes what a row says of it. */
  follow(op: number, task: number, cgroup: number, object: number): void {
    if (op === O.OP_SPAWN) this.set(task, cgroup === 0 ? ROOT_CGROUP : cgroup);
    else if (op === O.OP_ATTACH) this.set(task, cgroup);
    else if (op === O.OP_FORK) this.set(object, this.get(task));
  }
}

/** Pages that a row touches or charges; 0 for other ops. */
export function pagesOf(op: number, count: number, flags: number): number {
  switch (op) {
    case O.OP_FILE_ACCESS:
    case O.OP_ANON_TOUCH:
      return count;
    case O.OP_CHARGE:
      return 2 ** Math.min(9, flags & O.FLAG_ORDER_MASK);
    case O.OP_KMEM_CHARGE:
      return (flags & O.FLAG_BY_FRAME) !== 0 ? 2 ** Math.min(9, flags & O.FLAG_ORDER_MASK) : 0;
    default:
      return 0;
  }
}

/** Whether the object column of this op is an object. */
export function namesObject(op: number): boolean {
  return OBJECT_OPS[op] === 1;
}

const OBJECT_OPS = new Uint8Array(256);
for (const op of [
  O.OP_OBJECT_NEW,
  O.OP_OBJECT_FREE,
  O.OP_FILE_ACCESS,
  O.OP_FILE_DIRTY,
  O.OP_MAP,
  O.OP_UNMAP,
  O.OP_TRUNCATE,
  O.OP_MLOCK,
  O.OP_MUNLOCK,
  O.OP_SYNC,
  O.OP_CHARGE,
  O.OP_RESIDENT,
])
  OBJECT_OPS[op] = 1;

/**
 * Reads a trace. Of rows before the range only the structure counts (names, tree, who is where). `head`: so many events are kept;
 * `top`: so many entries of each table. Throws InputError.
 */
export async function summarize(
  trace: Trace,
  options: { head?: number; top?: number; range?: TimeRange } = {},
): Promise<Summary> {
  const { head = 0, top = 10, range = WHOLE_TRACE } = options;
  const histogram = new Float64Array(256);
  const objects = new Tally();
  const tasks = new Tally();
  const cgroupTally = new Tally();
  const residence = new Residence();
  const cgroups: CgroupEntry[] = [{ id: ROOT_CGROUP, path: '/', parent: 0, existing: true, ts: 0 }];
  cgroupTally.names.set(ROOT_CGROUP, '/');
  const events: EventEntry[] = [];
  let start = -1n;
  let window = { from: 0n, until: null as bigint | null };
  let count = 0;
  let first = 0n;
  let last = 0n;
  for await (const batch of trace.batches()) {
    const { ts, opMap } = batch;
    if (start < 0n) {
      start = ts[0]!;
      window = resolve(range, start);
    }
    const end = window.until === null ? batch.length : firstAfter(ts, 0, batch.length, window.until);
    const begin = window.from <= ts[0]! ? 0 : firstAfter(ts, 0, end, window.from - 1n);
    for (let row = 0; row < end; row++) {
      const op = opMap[batch.op[row]!]!;
      const task = batch.task[row]!;
      const object = batch.object[row]!;
      let cgroup = batch.cgroup[row]!;
      switch (op) {
        case O.OP_MKDIR:
          cgroups.push({
            id: cgroup,
            path: batch.name(row),
            parent: object,
            existing: (batch.flags[row]! & O.FLAG_EXISTING) !== 0,
            ts: Number(ts[row]! - start),
          });
          rename(cgroupTally, cgroup, batch.name(row));
          break;
        case O.OP_SPAWN:
        case O.OP_ATTACH:
          residence.follow(op, task, cgroup, object);
          if (op === O.OP_SPAWN) rename(tasks, task, batch.name(row));
          break;
        case O.OP_FORK:
          residence.follow(op, task, cgroup, object);
          rename(tasks, object, batch.name(row));
          break;
        case O.OP_EXEC:
          rename(tasks, task, batch.name(row));
          break;
        case O.OP_OBJECT_NEW:
          rename(objects, object, batch.name(row));
          break;
      }
      if (row < begin) continue;
      histogram[op]!++;
      const pages = pagesOf(op, batch.count[row]!, batch.flags[row]!);
      if (cgroup === 0) cgroup = residence.get(task);
      if (cgroup !== 0) cgroupTally.add(cgroup, pages);
      if (task !== 0) tasks.add(task, pages);
      if (object !== 0 && OBJECT_OPS[op] === 1) objects.add(object, pages);
    }
    if (begin < end) {
      if (count === 0) first = ts[begin]!;
      last = ts[end - 1]!;
      count += end - begin;
    }
    for (let row = begin; row < end && events.length < head; row++) events.push(eventAt(batch, row));
    if (end < batch.length) break;
  }
  const ops: Record<string, number> = {};
  OP_NAMES.forEach((name, op) => {
    if (histogram[op]! > 0) ops[name] = histogram[op]!;
  });
  return {
    events: count,
    durationNs: Number(last - first),
    ops,
    cgroups,
    head: events,
    top: { objects: objects.top(top), cgroups: cgroupTally.top(top), tasks: tasks.top(top) },
  };
}

function rename(tally: Tally, id: number, name: string | null): void {
  if (name !== null && id < MAX_IDS) tally.names.set(id, name);
}

function eventAt(batch: TraceBatch, row: number): EventEntry {
  return {
    row: batch.firstRow + row,
    ts: String(batch.ts[row]),
    cpu: batch.cpu[row]!,
    op: OP_NAMES[batch.opMap[batch.op[row]!]!]!,
    task: batch.task[row]!,
    cgroup: batch.cgroup[row]!,
    object: batch.object[row]!,
    index: String(batch.index[row]),
    count: batch.count[row]!,
    flags: batch.flags[row]!,
    gfp: batch.gfp[row]!,
    name: batch.name(row),
  };
}
