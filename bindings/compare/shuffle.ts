/**
 * The same jobs in another order. A job is a cgroup in which tasks touch or charge memory, with all rows of these tasks while they are there and
 * all rows about that cgroup; what is left (the tree above, tasks in the root) is the scene, which stays where it is. A job starts with its
 * first touch or charge. A permutation gives each job the start of another: all its rows move by the same time, so that what a job does, and
 * at what pace, stays as it was.
 *
 * What a row needs and has not got in the new order is made before it: cgroups above, objects, mounts, tasks. An object is made by whoever
 * comes first. What would take away what is still needed (rmdir, object_free, umount) waits until it is not. Ids that the trace uses again
 * are told apart first, frames of kernel pages too.
 */
import * as O from '../../assembly/replay/ops.ts';
import type { Trace, TraceBatch } from '../trace/arrow-reader.ts';
import { InputError } from '../trace/input-error.ts';
import type { TraceRow } from '../trace/rewrite/rewrite.ts';
import { ROOT_CGROUP } from '../trace/schema.ts';
import type { SharedTrace } from './shared-trace.ts';

/** A row, in the engine's codes. `at`: its turn in the trace. */
interface Row extends TraceRow {
  at: number;
}

/** What charges: a job starts with the first of these. */
const DOING: ReadonlySet<number> = new Set([
  O.OP_ANON_TOUCH,
  O.OP_FILE_ACCESS,
  O.OP_KMEM_CHARGE,
  O.OP_MAP_UPDATE,
  O.OP_PROG_LOAD,
  O.OP_LOOP_IO,
]);
/** Ops whose column `object` is an object. */
const OF_OBJECT: ReadonlySet<number> = new Set([
  O.OP_OBJECT_NEW,
  O.OP_OBJECT_FREE,
  O.OP_FILE_ACCESS,
  O.OP_FILE_DIRTY,
  O.OP_TRUNCATE,
  O.OP_MAP,
  O.OP_UNMAP,
  O.OP_MLOCK,
  O.OP_MUNLOCK,
  O.OP_SYNC,
  O.OP_MOUNT,
  O.OP_UMOUNT,
  O.OP_DOMAIN,
  O.OP_LOOP_CONFIGURE,
  O.OP_LOOP_IO,
  O.OP_MAP_UPDATE,
  O.OP_MAP_DELETE,
  O.OP_PROG_LOAD,
  O.OP_REOPEN,
  O.OP_RECHARGE,
]);
const MAKES_OBJECT: ReadonlySet<number> = new Set([O.OP_OBJECT_NEW, O.OP_MOUNT]);
const ENDS_OBJECT: ReadonlySet<number> = new Set([O.OP_OBJECT_FREE, O.OP_UMOUNT]);
/** Ops that put a task into the cgroup that they name. */
const ENTERS: ReadonlySet<number> = new Set([O.OP_SPAWN, O.OP_FORK, O.OP_ATTACH]);
/** No more orders than these are ever counted out. */
const MOST_PERMUTATIONS = 10_000;
/** Rows that are held one by one while they are put in order. */
const MOST_ROWS = 10_000_000;

export interface Jobs {
  /** ids of the cgroups that are jobs, by their start */
  cgroups: number[];
  /** their paths then */
  paths: string[];
  starts: bigint[];
  rows: readonly Row[];
  /** job of each row, -1: the scene */
  jobOf: Int32Array;
}

function rowsOf(trace: SharedTrace): Row[] {
  const rows: Row[] = [];
  for (const batch of trace.batches) {
    const names = new Map(batch.names);
    for (let i = 0; i < batch.length; i++)
      rows.push({
        ts: batch.ts[i]!,
        at: rows.length,
        op: batch.opMap[batch.op[i]!]!,
        cpu: batch.cpu[i]!,
        task: batch.task[i]!,
        cgroup: batch.cgroup[i]!,
        object: batch.object[i]!,
        index: batch.index[i]!,
        count: batch.count[i]!,
        flags: batch.flags[i]!,
        gfp: batch.gfp[i]!,
        name: names.get(i) ?? null,
      });
  }
  return rows;
}

/** Ids that are used again get numbers of their own, beyond all. */
class Renaming {
  readonly #now = new Map<number, number>();
  readonly #used = new Set<number>();
  #next: number;

  constructor(next: number) {
    this.#next = next;
  }

  get end(): number {
    return this.#next;
  }

  make(id: number): number {
    const fresh = this.#used.has(id) ? this.#next++ : id;
    this.#used.add(id);
    this.#now.set(id, fresh);
    return fresh;
  }

  get(id: number): number {
    const now = this.#now.get(id);
    if (now !== undefined) return now;
    this.#used.add(id);
    this.#now.set(id, id);
    return id;
  }

  /** The id is free; what names it from here on is another. */
  free(id: number): void {
    this.#now.delete(id);
  }
}

/** Tells ids apart. Changes the rows; answers the marks. */
function rename(rows: readonly Row[]): { tasks: number; objects: number } {
  const most = (pick: (row: Row) => number) => rows.reduce((m, row) => Math.max(m, pick(row)), 0);
  const tasks = new Renaming(1 + most((row) => Math.max(row.task, row.op === O.OP_FORK ? row.object : 0)));
  const objects = new Renaming(1 + most((row) => (OF_OBJECT.has(row.op) ? row.object : 0)));
  let nextFrame = 1n;
  const frames = new Map<bigint, bigint>();
  for (const row of rows) {
    if (row.op === O.OP_FORK) {
      row.task = tasks.get(row.task);
      row.object = tasks.make(row.object);
      continue;
    }
    if (row.task !== 0) row.task = row.op === O.OP_SPAWN ? tasks.make(row.task) : tasks.get(row.task);
    if (row.object !== 0 && OF_OBJECT.has(row.op)) {
      const id = row.object;
      row.object = MAKES_OBJECT.has(row.op) ? objects.make(id) : objects.get(id);
      if (ENDS_OBJECT.has(row.op)) objects.free(id);
      // The mount that an object is of.
      if (row.op === O.OP_OBJECT_NEW && row.index >> 32n !== 0n)
        row.index = (row.index & 0xffffffffn) | (BigInt(objects.get(Number(row.index >> 32n))) << 32n);
    }
    const byFrame = (row.flags & O.FLAG_BY_FRAME) !== 0;
    const order = BigInt(row.flags & O.FLAG_ORDER_MASK);
    if (row.op === O.OP_KMEM_CHARGE && byFrame) {
      for (let i = 0n; i < 1n << order; i++) frames.set(row.index + i, nextFrame + i);
      row.index = nextFrame;
      nextFrame += 1n << order;
    } else if ((row.op === O.OP_KMEM_FREE && byFrame) || row.op === O.OP_UNCHARGE) {
      // A frame that nobody charged stays so.
      row.index = frames.get(row.index) ?? (1n << 40n) + row.index;
    }
  }
  return { tasks: tasks.end, objects: objects.end };
}

/** Finds the jobs of a trace. */
export function findJobs(trace: SharedTrace): Jobs & { marks: { tasks: number; objects: number } } {
  if (trace.events > MOST_ROWS)
    throw new InputError(
      `${trace.path}: --shuffle: ${trace.events} rows, at most ${MOST_ROWS} can be put in another order`,
    );
  const rows = rowsOf(trace);
  const marks = rename(rows);
  const paths = new Map<number, string>();
  const starts = new Map<number, { ts: bigint; at: number }>();
  walk(rows, (row, home) => {
    if (row.op === O.OP_MKDIR) paths.set(row.cgroup, row.name ?? `#${row.cgroup}`);
    if (!DOING.has(row.op)) return;
    const job = row.task !== 0 ? home : row.cgroup;
    if (job > ROOT_CGROUP && !starts.has(job)) starts.set(job, { ts: row.ts, at: row.at });
  });
  const cgroups = [...starts.keys()].sort((a, b) => starts.get(a)!.at - starts.get(b)!.at);
  const number = new Map(cgroups.map((id, i) => [id, i]));
  const jobOf = new Int32Array(rows.length).fill(-1);
  walk(rows, (row, home) => {
    jobOf[row.at] = number.get(row.task !== 0 ? home : row.cgroup) ?? -1;
  });
  return {
    cgroups,
    paths: cgroups.map((id) => paths.get(id) ?? `#${id}`),
    starts: cgroups.map((id) => starts.get(id)!.ts),
    rows,
    jobOf,
    marks,
  };
}

/** Each row with the cgroup that its task is in, or that the row puts it into. */
function walk(rows: readonly Row[], each: (row: Row, home: number) => void): void {
  const homes = new Map<number, number>();
  for (const row of rows) {
    if (row.op === O.OP_SPAWN || row.op === O.OP_ATTACH)
      homes.set(row.task, row.cgroup || (homes.get(row.task) ?? ROOT_CGROUP));
    if (row.op === O.OP_FORK) homes.set(row.object, row.cgroup || (homes.get(row.task) ?? ROOT_CGROUP));
    each(row, homes.get(row.task) ?? ROOT_CGROUP);
  }
}

/**
 * Orders to run, each the jobs by their place: all that there are if they are no more than asked for, else `count` different ones by chance.
 */
export function permutations(jobs: number, count: number, seed: number): { orders: number[][]; exhaustive: boolean } {
  let all = 1;
  for (let n = 2; n <= jobs && all <= MOST_PERMUTATIONS; n++) all *= n;
  if (all <= count) return { orders: everyOrder(Array.from({ length: jobs }, (_, i) => i)), exhaustive: true };
  const random = generator(seed);
  const orders = new Map<string, number[]>();
  while (orders.size < count) {
    const order = Array.from({ length: jobs }, (_, i) => i);
    for (let i = jobs - 1; i > 0; i--) {
      const j = random(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    orders.set(order.join(), order);
  }
  return { orders: [...orders.values()], exhaustive: false };
}

function everyOrder(of: number[]): number[][] {
  if (of.length <= 1) return [of];
  return of.flatMap((first) => everyOrder(of.filter((other) => other !== first)).map((rest) => [first, ...rest]));
}

/** splitmix64: whole numbers below `n`. */
function generator(seed: number): (n: number) => number {
  let state = BigInt(seed);
  const next = () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  };
  return (n) => Number(next() % BigInt(n));
}

/** The trace with its jobs in this order: `order[place]` is the job that starts when the job of that place did. */
export function shuffled(trace: SharedTrace, jobs: ReturnType<typeof findJobs>, order: readonly number[]): Trace {
  const shift = new Map<number, bigint>();
  order.forEach((job, place) => {
    shift.set(job, jobs.starts[place]! - jobs.starts[job]!);
  });
  const first = jobs.rows[0]?.ts ?? 0n;
  // Of rows at one time the scene comes first, then the jobs by their new place.
  const placeOf = new Map(order.map((job, place) => [job, place]));
  const moved = jobs.rows.map((row) => {
    const job = jobs.jobOf[row.at]!;
    const ts = row.ts + (shift.get(job) ?? 0n);
    return { row, ts: ts < first ? first : ts, place: placeOf.get(job) ?? -1 };
  });
  moved.sort((a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : a.place - b.place || a.row.at - b.row.at));
  const rows = new Repair(moved).run();
  return asTrace(trace, rows, jobs.marks);
}

/** A cgroup while the rows are put in order: what is in it, and what is still to come there. */
interface Place {
  parent: number;
  children: number;
  tasks: number;
  toCome: number;
  removed: boolean;
}

/** Puts right what the new order has made impossible. */
class Repair {
  readonly #moved: readonly { row: Row; ts: bigint }[];
  readonly #out: Row[] = [];
  /** rows that are written */
  readonly #done = new Set<number>();
  /** the row that makes a cgroup, task, object */
  readonly #makers = { cgroup: new Map<number, Row>(), task: new Map<number, Row>(), object: new Map<number, Row>() };
  readonly #usesLeft = new Map<number, number>();
  readonly #cgroups = new Map<number, Place>();
  /** where living tasks are */
  readonly #homes = new Map<number, number>();
  readonly #born = new Set<number>();
  #waiting: Row[] = [];
  #now = 0n;

  constructor(moved: readonly { row: Row; ts: bigint }[]) {
    this.#moved = moved;
    for (const { row } of moved) {
      if (row.op === O.OP_MKDIR) {
        this.#makers.cgroup.set(row.cgroup, row);
        this.#place(row.object).toCome++;
      }
      if (ENTERS.has(row.op)) this.#place(row.cgroup).toCome++;
      if (row.op === O.OP_SPAWN) this.#makers.task.set(row.task, row);
      if (row.op === O.OP_FORK) this.#makers.task.set(row.object, row);
      if (!OF_OBJECT.has(row.op) || row.object === 0) continue;
      if (MAKES_OBJECT.has(row.op)) this.#makers.object.set(row.object, row);
      else if (!ENDS_OBJECT.has(row.op)) this.#usesLeft.set(row.object, (this.#usesLeft.get(row.object) ?? 0) + 1);
    }
  }

  #place(cgroup: number): Place {
    let place = this.#cgroups.get(cgroup);
    if (place === undefined) {
      place = { parent: 0, children: 0, tasks: 0, toCome: 0, removed: false };
      this.#cgroups.set(cgroup, place);
    }
    return place;
  }

  run(): Row[] {
    for (const { row, ts } of this.#moved) {
      if (ts > this.#now) this.#now = ts;
      this.#write(row, 0);
      this.#retry();
    }
    // What is needed to the end is never taken away.
    return this.#out;
  }

  #write(row: Row, asker: number): void {
    if (this.#done.has(row.at)) return;
    if (this.#mustWait(row)) {
      this.#waiting.push(row);
      return;
    }
    this.#done.add(row.at);
    this.#need('cgroup', row.op === O.OP_MKDIR ? row.object : row.cgroup, row);
    if (row.op === O.OP_FORK && !this.#alive(row.task)) {
      this.#spawnInstead(row);
      return;
    }
    // Whoever comes first makes the object.
    const maker = row.op === O.OP_OBJECT_NEW && asker !== 0 && row.task !== 0 ? asker : row.task;
    this.#need('task', maker, row);
    // What a dead parent's child, or a task that is gone, did is not done.
    if (maker !== 0 && row.op !== O.OP_SPAWN && !this.#born.has(maker) && this.#makers.task.has(maker)) {
      this.#used(row);
      return;
    }
    if (OF_OBJECT.has(row.op) && !MAKES_OBJECT.has(row.op)) this.#need('object', row.object, row);
    if (row.op === O.OP_OBJECT_NEW) this.#need('object', Number(row.index >> 32n), row);
    this.#emit(maker === row.task ? row : { ...row, task: maker });
    this.#used(row);
  }

  #need(what: 'cgroup' | 'task' | 'object', id: number, row: Row): void {
    const maker = id === 0 ? undefined : this.#makers[what].get(id);
    if (maker !== undefined && maker !== row) this.#write(maker, row.task);
  }

  #used(row: Row): void {
    if (!OF_OBJECT.has(row.op) || row.object === 0 || MAKES_OBJECT.has(row.op) || ENDS_OBJECT.has(row.op)) return;
    this.#usesLeft.set(row.object, this.#usesLeft.get(row.object)! - 1);
  }

  #alive(task: number): boolean {
    // A task that no row makes was there before.
    return this.#homes.has(task) || !this.#makers.task.has(task);
  }

  #spawnInstead(row: Row): void {
    this.#need('cgroup', row.cgroup, row);
    this.#place(row.cgroup).toCome--;
    this.#place(row.cgroup || ROOT_CGROUP).toCome++;
    this.#emit({ ...row, op: O.OP_SPAWN, task: row.object, object: 0, cgroup: row.cgroup || ROOT_CGROUP });
  }

  #mustWait(row: Row): boolean {
    if (ENDS_OBJECT.has(row.op)) return (this.#usesLeft.get(row.object) ?? 0) > 0;
    if (row.op === O.OP_OFFLINE) return !this.#place(row.cgroup).removed;
    if (row.op !== O.OP_RMDIR) return false;
    const { children, tasks, toCome } = this.#place(row.cgroup);
    return children + tasks + toCome > 0;
  }

  #retry(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const row of waiting) this.#write(row, 0);
  }

  #enter(task: number, cgroup: number): void {
    this.#leave(task);
    this.#born.add(task);
    this.#homes.set(task, cgroup);
    this.#place(cgroup).tasks++;
  }

  #leave(task: number): void {
    const home = this.#homes.get(task);
    if (home !== undefined) this.#place(home).tasks--;
    this.#homes.delete(task);
  }

  #emit(row: Row): void {
    if (ENTERS.has(row.op)) this.#place(row.cgroup).toCome--;
    if (row.op === O.OP_MKDIR) {
      this.#place(row.cgroup).parent = row.object;
      this.#place(row.object).children++;
      this.#place(row.object).toCome--;
    } else if (row.op === O.OP_RMDIR) {
      this.#place(row.cgroup).removed = true;
      this.#place(this.#place(row.cgroup).parent).children--;
    } else if (row.op === O.OP_SPAWN || row.op === O.OP_ATTACH) this.#enter(row.task, row.cgroup);
    else if (row.op === O.OP_FORK) this.#enter(row.object, row.cgroup || (this.#homes.get(row.task) ?? ROOT_CGROUP));
    else if (row.op === O.OP_EXIT) this.#leave(row.task);
    this.#out.push({ ...row, ts: this.#now });
  }
}

const BATCH = 1 << 16;

function asTrace(trace: SharedTrace, rows: readonly Row[], marks: { tasks: number; objects: number }): Trace {
  const opMap = Uint8Array.from({ length: 256 }, (_, code) => (code < O.NR_OPS ? code : 0));
  async function* batches(): AsyncGenerator<TraceBatch> {
    for (let from = 0; from < rows.length; from += BATCH) {
      const part = rows.slice(from, from + BATCH);
      yield {
        length: part.length,
        firstRow: from,
        ts: BigUint64Array.from(part, (row) => row.ts),
        cpu: Uint16Array.from(part, (row) => row.cpu),
        op: Uint8Array.from(part, (row) => row.op),
        opMap,
        task: Uint32Array.from(part, (row) => row.task),
        cgroup: Uint32Array.from(part, (row) => row.cgroup),
        object: Uint32Array.from(part, (row) => row.object),
        index: BigUint64Array.from(part, (row) => row.index),
        count: Uint32Array.from(part, (row) => row.count),
        flags: Uint32Array.from(part, (row) => row.flags),
        gfp: Uint16Array.from(part, (row) => row.gfp),
        name: (row) => part[row]!.name,
      };
    }
  }
  const high = trace.highWater && {
    ...trace.highWater,
    tasks: Math.max(trace.highWater.tasks, marks.tasks),
    objects: Math.max(trace.highWater.objects, marks.objects),
  };
  const last = rows.at(-1)?.ts ?? 0n;
  return {
    path: trace.path,
    metadata: new Map(trace.metadata),
    highWater: high,
    events: rows.length,
    durationNs: Number(last - (rows[0]?.ts ?? 0n)),
    batches,
    close: async () => {},
  };
}
