/**
 * The rows that an importer of accesses writes: puts them at the current time and CPU, and introduces tasks, cgroups and objects when
 * they are used for the first time, under dense ids. Counts what it writes, for the report.
 */
import * as ops from '../../assembly/replay/ops.ts';
import type { TraceSink } from './arrow-writer.ts';
import type { CgroupMap } from './cgroup-map.ts';
import { type HighWater, OP_NAMES, ROOT_CGROUP } from './schema.ts';

const SECOND = 1e9;

export class RowWriter {
  readonly #sink: TraceSink;
  readonly #cgroups: CgroupMap | undefined;
  /** rows by op */
  readonly #written = new Float64Array(OP_NAMES.length);
  readonly #paths = new Map<string, number>([['/', ROOT_CGROUP]]);
  /** path by dense cgroup id */
  readonly #pathOf: string[] = ['', '/'];
  #base = -1;
  #first = 0;
  /** time of the rows to come: ns since the first second */
  #ts = 0;
  #cpu = 0;
  #maxCpu = -1;
  tasks = 0;
  objects = 0;
  /** highest frame number + 1 */
  pages = 1;
  /** highest swap entry + 1 */
  swap = 1;
  /** tasks that no rule of --cgroups and nothing in the recording puts anywhere: they are in the root */
  unplaced = 0;

  constructor(sink: TraceSink, cgroups?: CgroupMap) {
    this.#sink = sink;
    this.#cgroups = cgroups;
  }

  /** The rows from here on are of this time (not before that of the last) and CPU. */
  at(seconds: number, nanos: number, cpu: number): void {
    if (this.#base < 0) {
      this.#base = seconds;
      this.#first = nanos;
      this.#sink.setBase(BigInt(seconds) * BigInt(SECOND));
    }
    this.#ts = (seconds - this.#base) * SECOND + nanos;
    this.#cpu = cpu;
    if (cpu > this.#maxCpu) this.#maxCpu = cpu;
  }

  row(
    op: number,
    task: number,
    cgroup: number,
    object: number,
    index: number,
    count: number,
    flags: number,
    gfp: number,
    name: string | null,
  ): void {
    this.#written[op]!++;
    this.#sink.append(this.#ts, this.#cpu, op, task, cgroup, object, index, count, flags, gfp, name);
  }

  /** Dense id of the cgroup at `path` (which begins with a slash); it is made, its parents before it, where it is new. */
  cgroupAt(path: string, kernelId = 0): number {
    const known = this.#paths.get(path);
    if (known !== undefined) return known;
    const slash = path.lastIndexOf('/');
    const parent = this.cgroupAt(slash <= 0 ? '/' : path.slice(0, slash));
    return this.newCgroup(path, parent, kernelId, ops.FLAG_EXISTING | ops.FLAG_INFERRED);
  }

  /** The cgroup at `path` if there is one, else 0. */
  findCgroup(path: string): number {
    return this.#paths.get(path) ?? 0;
  }

  /** Makes a cgroup. One that had this path before is forgotten. */
  newCgroup(path: string, parent: number, kernelId: number, flags: number, task = 0): number {
    const id = this.#pathOf.length;
    this.#paths.set(path, id);
    this.#pathOf.push(path);
    this.row(ops.OP_MKDIR, task, id, parent, kernelId, 0, flags, 0, path);
    return id;
  }

  /** The cgroup goes: its path may be used again. */
  removeCgroup(id: number): void {
    this.row(ops.OP_RMDIR, 0, id, 0, 0, 0, 0, 0, null);
    const path = this.#pathOf[id]!;
    if (this.#paths.get(path) === id) this.#paths.delete(path);
  }

  pathOf(cgroup: number): string {
    return this.#pathOf[cgroup]!;
  }

  get cgroups(): number {
    return this.#pathOf.length - 1;
  }

  /** The cgroup that a rule of `--cgroups` names for a process; 0: none does. */
  cgroupByRule(pid: number, comm: string): number {
    const path = this.#cgroups?.of(pid, comm) ?? null;
    return path === null ? 0 : this.cgroupAt(path);
  }

  /** A task that is seen for the first time, in `cgroup`; 0: where a rule puts it, else in the root. Answers its id. */
  spawn(pid: number, comm: string, cgroup: number, flags = 0): number {
    let where = cgroup !== 0 ? cgroup : this.cgroupByRule(pid, comm);
    if (where === 0) {
      where = ROOT_CGROUP;
      this.unplaced++;
    }
    this.lastPlace = where;
    this.row(ops.OP_SPAWN, ++this.tasks, where, 0, pid, 0, flags, 0, comm);
    return this.tasks;
  }
  /** where the last spawned task is */
  lastPlace = 0;

  /** An object that is named for the first time. `pages` 0: its size is not known. */
  newObject(type: number, pages: number, name: string): number {
    this.row(ops.OP_OBJECT_NEW, 0, 0, ++this.objects, pages, type, 0, 0, name);
    return this.objects;
  }

  get duration(): number {
    return this.#base < 0 ? 0 : this.#ts - this.#first;
  }

  get highWater(): HighWater {
    return {
      pages: this.pages,
      cgroups: this.#pathOf.length,
      tasks: this.tasks + 1,
      objects: this.objects + 1,
      swap: this.swap,
      cpus: this.#maxCpu + 1,
    };
  }

  /** The fields of the report that tell what was written. */
  get report(): { written: Record<string, number>; events: number; duration_ns: number; high_water: HighWater } {
    const written: Record<string, number> = {};
    let events = 0;
    OP_NAMES.forEach((name, op) => {
      const count = this.#written[op]!;
      if (count > 0) written[name] = count;
      events += count;
    });
    return { written, events, duration_ns: this.duration, high_water: this.highWater };
  }
}
