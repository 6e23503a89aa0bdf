/**
 * Traces written by hand or by a program: names become dense ids, each call one row. What it makes can be replayed as it is, or written to
 * a file. Sizes are in pages, times in nanoseconds.
 */
import * as O from '../../assembly/replay/ops.ts';
import type { EventColumns } from '../live.ts';
import type { Trace, TraceBatch } from '../trace/arrow-reader.ts';
import { BATCH_ROWS, type TraceSink, TraceWriter } from '../trace/arrow-writer.ts';
import { InputError } from '../trace/input-error.ts';
import { type HighWater, KNOB_IDS, OBJECT_TYPES, OP_CODES, PAGE_COUNTER_MAX, ROOT_CGROUP } from '../trace/schema.ts';

/** Columns of a row; those left out are 0. */
export interface RowColumns extends Partial<EventColumns> {
  name?: string | null;
}

interface Row extends Required<RowColumns> {
  ts: number;
  op: number;
}

/** How an access is made. */
export interface BuilderAccess {
  index?: number;
  pages?: number;
  write?: boolean;
  /** through a mapping */
  fault?: boolean;
  /** the system call goes on */
  inCall?: boolean;
}

/** What a BPF map's memory is: bytes of kmalloc(), pages of vmalloc(), or per-CPU memory. */
export type BpfKind = 'slab' | 'vmalloc' | 'percpu';
const BPF_KINDS: Readonly<Record<BpfKind, number>> = {
  slab: O.KIND_SLAB,
  vmalloc: O.KIND_VMALLOC,
  percpu: O.KIND_PERCPU,
};
const GFP_NOWAIT = O.GFP_KSWAPD_RECLAIM;
const GFP_ATOMIC = O.GFP_KSWAPD_RECLAIM | O.GFP_HIGH;

/**
 * The gfp with which a map that is not preallocated gets memory for an element in atomic context: GFP_ATOMIC, which may pass a limit, up to
 * 5.19 for all; GFP_NOWAIT, which may not, since 6.0 for hash tables, tries and devmaps (alloc_htab_elem(), lpm_trie_node_alloc(),
 * __dev_map_alloc_node(); alloc_bulk() of kernel/bpf/memalloc.c since 6.1), while sockhash kept GFP_ATOMIC (sock_hash_alloc_elem()).
 */
export function insertGfp(map: 'hash' | 'lpm_trie' | 'devmap' | 'sockhash', kernel: '5.19' | '6.1' | '6.18'): number {
  return kernel === '5.19' || map === 'sockhash' ? GFP_ATOMIC : GFP_NOWAIT;
}

/** Kernel memory that is charged. */
export interface BuilderKmem {
  pages?: number;
  /** of each allocation */
  order?: number;
  /** the system call goes on */
  open?: boolean;
  cgroup?: string;
  gfp?: number;
}

const US = 1000;
const KERNEL_OTHER = O.KIND_KERNEL_OTHER << O.FLAG_KIND_SHIFT;

function appendRow(sink: TraceSink, r: Row): void {
  sink.append(r.ts, r.cpu, r.op, r.task, r.cgroup, r.object, r.index, r.count, r.flags, r.gfp, r.name);
}

export class TraceBuilder {
  readonly rows: Row[] = [];
  /** ns between two rows, unless time is let pass with wait() */
  readonly step: number;
  now = 0;
  cpu = 0;
  readonly #cgroups = new Map<string, number>([['/', ROOT_CGROUP]]);
  readonly #tasks = new Map<string, number>();
  readonly #objects = new Map<string, number>();
  readonly #domains = new Map<string, number>();
  readonly #sink: TraceSink | null;
  #lastCgroup = ROOT_CGROUP;
  #lastTask = 0;
  #lastObject = 0;
  #nextFrame = 1 << 20;
  #cpus = 1;

  /** With a sink the rows go there at once and are not kept: memory stays bounded however long the trace is. */
  constructor({ step = US, sink = null }: { step?: number; sink?: TraceSink | null } = {}) {
    this.step = step;
    this.#sink = sink;
  }

  /** One row, by the op's name. */
  row(op: string, columns: RowColumns = {}): this {
    const code = OP_CODES.get(op);
    if (code === undefined) throw new Error(`no op ${op}`);
    const none = { task: 0, cgroup: 0, object: 0, index: 0, count: 0, flags: 0, gfp: 0, name: null, cpu: this.cpu };
    const r: Row = { ...none, ...columns, ts: this.now, op: code };
    if (this.#sink === null) this.rows.push(r);
    else appendRow(this.#sink, r);
    this.#cpus = Math.max(this.#cpus, r.cpu + 1);
    this.now += this.step;
    return this;
  }

  /** Time passes, ns. */
  wait(ns: number): this {
    this.now += ns;
    return this;
  }

  /** The id of a cgroup that exists. */
  cgroup(path: string): number {
    const id = this.#cgroups.get(path);
    if (id === undefined) throw new InputError(`no cgroup ${path}`);
    return id;
  }

  /** The id of a task that exists. */
  task(name: string): number {
    const id = this.#tasks.get(name);
    if (id === undefined) throw new InputError(`no task ${name}`);
    return id;
  }

  /** The id of an object that exists. */
  objectId(name: string): number {
    const id = this.#objects.get(name);
    if (id === undefined) throw new InputError(`no object ${name}`);
    return id;
  }

  /**
   * Makes a cgroup, whose parent must exist, with these knobs (pages; null: max), by a task whose user its files are then. Made again under
   * its path, it is another one.
   */
  mkdir(path: string, knobs: Record<string, number | null> = {}, { by }: { by?: string } = {}): this {
    const id = ++this.#lastCgroup;
    const parent = path.slice(0, path.lastIndexOf('/')) || '/';
    const task = by === undefined ? 0 : this.task(by);
    this.row('mkdir', { task, cgroup: id, object: this.cgroup(parent), index: 1000 + id, name: path });
    this.#cgroups.set(path, id);
    for (const [knob, pages] of Object.entries(knobs)) this.writeKnob(path, knob, pages);
    return this;
  }

  rmdir(path: string): this {
    return this.row('rmdir', { cgroup: this.cgroup(path) });
  }

  /** Pages; null: max. memory.oom.group: 0 or 1. */
  writeKnob(path: string, knob: string, pages: number | null): this {
    const count = KNOB_IDS.get(knob);
    if (count === undefined) throw new InputError(`no knob ${knob}`);
    const index = pages === null ? Number(PAGE_COUNTER_MAX) : pages;
    const value = pages === null ? 'max' : String(pages * 4096);
    return this.row('write_knob', { cgroup: this.cgroup(path), count, index, name: `${path}/${knob} ${value}` });
  }

  /** A task in a cgroup. */
  spawn(
    name: string,
    cgroup: string,
    { kernelThread = false, uid = 0 }: { kernelThread?: boolean; uid?: number } = {},
  ): this {
    const task = ++this.#lastTask;
    this.#tasks.set(name, task);
    const flags = kernelThread ? O.FLAG_KERNEL_THREAD : 0;
    this.row('spawn', { task, cgroup: this.cgroup(cgroup), index: 100 + task, flags, name });
    return uid ? this.row('cred', { task, index: uid }) : this;
  }

  /** The task is that user's from now on, and so are its children. */
  cred(task: string, uid: number): this {
    return this.row('cred', { task: this.task(task), index: uid });
  }

  /** A cgroup's files are given to that user. */
  chown(cgroup: string, uid: number): this {
    return this.row('cred', { cgroup: this.cgroup(cgroup), index: uid });
  }

  /** The root of a task's cgroup namespace; null: the initial one. */
  setns(task: string, cgroup: string | null): this {
    return this.row('setns', { task: this.task(task), cgroup: cgroup === null ? 0 : this.cgroup(cgroup) });
  }

  /** A child of a task. */
  fork(task: string, child: string): this {
    const id = ++this.#lastTask;
    this.#tasks.set(child, id);
    return this.row('fork', { task: this.task(task), object: id, name: child });
  }

  exit(task: string): this {
    return this.row('exit', { task: this.task(task) });
  }

  attach(task: string, cgroup: string): this {
    return this.row('attach', { task: this.task(task), cgroup: this.cgroup(cgroup) });
  }

  /**
   * A file, shmem object, block device, BPF map …: `pages` its size, `by` the task that makes it, `payer` the cgroup chosen for it (handle,
   * name, assignment), `mount` the mount that it is of.
   */
  object(
    name: string,
    type: 'file' | 'shmem' | 'block' | 'bpf_map' | 'bpf_prog',
    {
      pages = 0,
      by,
      payer,
      mount,
      kind,
    }: { pages?: number; by?: string; payer?: string; mount?: string; kind?: BpfKind } = {},
  ): this {
    const object = this.newObjectId(name);
    return this.row('object_new', {
      object,
      task: by === undefined ? 0 : this.task(by),
      cgroup: payer === undefined ? 0 : this.cgroup(payer),
      count: OBJECT_TYPES.indexOf(type),
      index: pages + (mount === undefined ? 0 : this.objectId(mount) * 2 ** 32),
      flags: kind === undefined ? 0 : BPF_KINDS[kind] << O.FLAG_KIND_SHIFT,
      name,
    });
  }

  /**
   * An element joins a BPF map: `bytes` of memory of its own (0: it was allocated with the map), `by` a task or an interrupt, which may not
   * block; `gfp` of what the kernel asks for it with (see insertGfp()).
   */
  mapUpdate(
    map: string,
    key: number,
    {
      bytes = 0,
      by,
      kind = 'slab',
      gfp = by === undefined ? GFP_NOWAIT : O.GFP_KERNEL,
    }: { bytes?: number; by?: string; kind?: Exclude<BpfKind, 'vmalloc'>; gfp?: number } = {},
  ): this {
    return this.row('map_update', {
      task: by === undefined ? 0 : this.task(by),
      object: this.objectId(map),
      index: key,
      count: bytes,
      flags: BPF_KINDS[kind] << O.FLAG_KIND_SHIFT,
      gfp,
    });
  }

  /** An element leaves a BPF map. */
  mapDelete(map: string, key: number, by?: string): this {
    return this.row('map_delete', {
      task: by === undefined ? 0 : this.task(by),
      object: this.objectId(map),
      index: key,
    });
  }

  /** A BPF program is loaded, `pages` long. */
  progLoad(program: string, pages: number, by: string): this {
    return this.row('prog_load', {
      task: this.task(by),
      object: this.objectId(program),
      count: pages,
      gfp: O.GFP_KERNEL,
    });
  }

  /** A task takes up a pinned map, or opens a file again. `inCall`: it is not done with it. */
  reopen(object: string, by: string, { inCall = false }: { inCall?: boolean } = {}): this {
    return this.row('reopen', {
      task: this.task(by),
      object: this.objectId(object),
      flags: inCall ? O.FLAG_IN_CALL : 0,
    });
  }

  /** A task asks that an object be charged to a cgroup: its own, unless told. `inCall`: it is not done with it. */
  recharge(object: string, by: string, { to, inCall = false }: { to?: string; inCall?: boolean } = {}): this {
    return this.row('recharge', {
      task: this.task(by),
      object: this.objectId(object),
      cgroup: to === undefined ? 0 : this.cgroup(to),
      flags: inCall ? O.FLAG_IN_CALL : 0,
    });
  }

  /** The id of an object that a row of the caller's own makes known. */
  newObjectId(name: string): number {
    const object = ++this.#lastObject;
    this.#objects.set(name, object);
    return object;
  }

  objectFree(name: string, task?: string): this {
    return this.row('object_free', { object: this.objectId(name), task: task === undefined ? 0 : this.task(task) });
  }

  /** mount(2) of a tmpfs: `memcg` is its payer (memcg=), `pages` its size (0: none is set). */
  mount(name: string, { by, memcg, pages = 0 }: { by?: string; memcg?: string; pages?: number } = {}): this {
    const object = this.newObjectId(name);
    return this.row('mount', {
      object,
      task: by === undefined ? 0 : this.task(by),
      cgroup: memcg === undefined ? 0 : this.cgroup(memcg),
      count: pages,
      name: memcg === undefined ? name : `${name} memcg=${memcg}`,
    });
  }

  umount(name: string): this {
    return this.row('umount', { object: this.objectId(name) });
  }

  /** A task reads or writes pages of an object. */
  access(
    task: string,
    object: string,
    { index = 0, pages = 1, write = false, fault = false, inCall = false }: BuilderAccess,
  ): this {
    const flags = (write ? O.FLAG_WRITE : 0) | (fault ? O.FLAG_FAULT : 0) | (inCall ? O.FLAG_IN_CALL : 0);
    return this.row('file_access', {
      task: this.task(task),
      object: this.objectId(object),
      index,
      count: pages,
      flags,
    });
  }

  /** A loop device is attached to its backing object (null: detached); `assigned` is the cgroup that it is assigned to, offset in pages. */
  loopConfigure(
    device: string,
    backing: string | null,
    { assigned, offset = 0 }: { assigned?: string; offset?: number } = {},
  ): this {
    if (!this.#objects.has(device)) this.object(device, 'block');
    return this.row('loop_configure', {
      object: this.objectId(device),
      cgroup: assigned === undefined ? 0 : this.cgroup(assigned),
      count: backing === null ? 0 : this.objectId(backing),
      index: offset,
      name: device,
    });
  }

  /** Direct I/O to a loop device, past its own page cache. */
  loopIo(
    task: string,
    device: string,
    { index = 0, pages = 1, write = true, cgroup }: BuilderAccess & { cgroup?: string } = {},
  ): this {
    return this.row('loop_io', {
      task: this.task(task),
      object: this.objectId(device),
      cgroup: cgroup === undefined ? 0 : this.cgroup(cgroup),
      index,
      count: pages,
      flags: write ? O.FLAG_WRITE : 0,
    });
  }

  /** A task touches its private memory. `inCall`: a system call does it for the task (MAP_POPULATE). */
  touch(task: string, { index = 16, pages = 1, write = true, inCall = false }: BuilderAccess): this {
    const flags = (write ? O.FLAG_WRITE : 0) | (inCall ? O.FLAG_IN_CALL : 0);
    return this.row('anon_touch', { task: this.task(task), index, count: pages, flags });
  }

  /**
   * A system call charges `pages` of kernel memory in allocations of 2^order, a row each. `open`: it goes on after them. `cgroup`: who pays,
   * where it is not the task's own. Answers the frames, for {@link kmemFree}.
   */
  kmem(
    task: string | null,
    { pages = 1, order = 0, open = false, cgroup, gfp = O.GFP_KERNEL }: BuilderKmem = {},
  ): readonly number[] {
    const frames: number[] = [];
    for (let done = 0; done < pages; done += 1 << order) {
      const frame = this.#nextFrame;
      this.#nextFrame += 1 << 9;
      frames.push(frame);
      const goesOn = open || done + (1 << order) < pages;
      this.row('kmem_charge', {
        task: task === null ? 0 : this.task(task),
        cgroup: cgroup === undefined ? 0 : this.cgroup(cgroup),
        index: frame,
        flags: O.FLAG_BY_FRAME | order | KERNEL_OTHER | (goesOn ? O.FLAG_IN_CALL : 0),
        gfp,
      });
    }
    return frames;
  }

  /** Kernel memory is given back, by the frames that kmem() answered. */
  kmemFree(
    task: string | null,
    frames: readonly number[],
    { order = 0, open = false }: { order?: number; open?: boolean } = {},
  ): this {
    for (const index of frames)
      this.row('kmem_free', {
        task: task === null ? 0 : this.task(task),
        index,
        flags: O.FLAG_BY_FRAME | order | KERNEL_OTHER | (open ? O.FLAG_IN_CALL : 0),
      });
    return this;
  }

  /** A task takes a lock, which it has until it unlocks it or returns to user mode; if another one has it, it waits. */
  lock(task: string, lock: number): this {
    return this.row('lock', { task: this.task(task), index: lock, flags: O.FLAG_IN_CALL });
  }

  unlock(task: string, lock: number, { open = false }: { open?: boolean } = {}): this {
    return this.row('unlock', { task: this.task(task), index: lock, flags: open ? O.FLAG_IN_CALL : 0 });
  }

  returnToUser(task: string): this {
    return this.row('return_to_user', { task: this.task(task) });
  }

  oomScoreAdj(task: string, value: number): this {
    return this.row('oom_score_adj', { task: this.task(task), index: value + 1000 });
  }

  /** A cgroup declares itself a resource domain. */
  domain(cgroup: string, name = ''): this {
    return this.row('domain', { cgroup: this.cgroup(cgroup), index: this.domainId(name), name });
  }

  /** A cgroup allows, or forbids, that others name it, or one beyond it, as payer. */
  grant(cgroup: string, allowed = true): this {
    return this.row('grant', { cgroup: this.cgroup(cgroup), index: allowed ? 1 : 0 });
  }

  /** A write to memory.reclaim: so many pages are asked for. */
  reclaim(cgroup: string, pages: number): this {
    const name = `${cgroup}/memory.reclaim ${pages * 4096}`;
    return this.row('write_knob', { cgroup: this.cgroup(cgroup), count: O.KNOB_RECLAIM, index: pages, name });
  }

  /** Kernel memory (slab) that a task makes, and that nothing frees. */
  kernelMemory(task: string, bytes: number): this {
    const flags = O.KIND_SLAB << O.FLAG_KIND_SHIFT;
    return this.row('kmem_charge', { task: this.task(task), count: bytes, flags, gfp: O.GFP_KERNEL });
  }

  /** A resource is marked: persistent, shared, or for the domain of that name. */
  markObject(object: string, mark: 'persistent' | 'shared' | { domain: string }): this {
    const index =
      mark === 'persistent' ? O.MARK_PERSISTENT : mark === 'shared' ? O.MARK_SHARED : this.domainId(mark.domain);
    return this.row('domain', {
      object: this.objectId(object),
      index,
      name: typeof mark === 'string' ? mark : mark.domain,
    });
  }

  /** The number of a domain's name. */
  domainId(name: string): number {
    if (name === '') return O.DOMAIN_UNNAMED;
    const id = this.#domains.get(name) ?? O.MARK_NAMED + this.#domains.size;
    this.#domains.set(name, id);
    return id;
  }

  /** Writes the rows as a trace file. Throws InputError where it cannot. */
  async write(path: string): Promise<void> {
    const writer = new TraceWriter(path, { source: 'generate', clock: 'monotonic' });
    try {
      writer.setBase(0n);
      for (const r of this.rows) appendRow(writer, r);
      writer.close(this.highWater());
    } catch (error) {
      writer.abort();
      throw error;
    }
  }

  /** How many of each id there are. */
  highWater(): HighWater {
    return {
      pages: 1,
      cgroups: this.#lastCgroup + 1,
      tasks: this.#lastTask + 1,
      objects: this.#lastObject + 1,
      swap: 1,
      cpus: this.#cpus,
    };
  }

  /** The rows as a trace that is in memory, to be replayed as often as wanted. */
  trace(path = 'trace'): Trace {
    const rows = this.rows;
    const opMap = Uint8Array.from({ length: 256 }, (_, code) => (code < O.NR_OPS ? code : 0));
    async function* batches(): AsyncGenerator<TraceBatch> {
      for (let from = 0; from < rows.length; from += BATCH_ROWS) {
        const part = rows.slice(from, from + BATCH_ROWS);
        yield {
          length: part.length,
          firstRow: from,
          ts: BigUint64Array.from(part, (r) => BigInt(r.ts)),
          cpu: Uint16Array.from(part, (r) => r.cpu),
          op: Uint8Array.from(part, (r) => r.op),
          opMap,
          task: Uint32Array.from(part, (r) => r.task),
          cgroup: Uint32Array.from(part, (r) => r.cgroup),
          object: Uint32Array.from(part, (r) => r.object),
          index: BigUint64Array.from(part, (r) => BigInt(r.index)),
          count: Uint32Array.from(part, (r) => r.count),
          flags: Uint32Array.from(part, (r) => r.flags),
          gfp: Uint16Array.from(part, (r) => r.gfp),
          name: (row) => part[row]!.name,
        };
      }
    }
    return {
      path,
      metadata: new Map(),
      highWater: this.highWater(),
      events: rows.length,
      durationNs: rows.length === 0 ? 0 : rows.at(-1)!.ts - rows[0]!.ts,
      batches,
      reopen: async () => this.trace(path),
      close: async () => {},
    };
  }
}
