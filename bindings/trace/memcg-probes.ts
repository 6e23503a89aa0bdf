/**
 * The `memcg-probes` importer: kernel probes on the memory controller and the public tracepoints beside them, as ftrace text, to
 * events by frame. It puts lines in the right order, gives dense ids and names owners; every accounting rule is the engine's.
 *
 * Two kinds of lines, told apart by event name, in any number of files: *probes* (charge, uncharge, css_online …) and *public* ones
 * (mm_page_alloc, cgroup_mkdir, sched_process_fork …). Probes that merely check (pc_*, try_charge, objcg_uncharge_pages) are never used.
 */
import * as ops from '../../assembly/replay/ops.ts';
import type { TraceSink } from './arrow-writer.ts';
import type { ByteSource } from './byte-source.ts';
import { type Cgroup, CgroupTable } from './cgroup-table.ts';
import { ExitedTasks } from './exited.ts';
import { FrameTable } from './frames.ts';
import { decimalField, type FtraceCursor, field, fieldAt, fieldUpTo, hexAt, hexField, keep } from './ftrace.ts';
import { runFtrace } from './ftrace-run.ts';
import { hexGfp, symbolicGfp } from './gfp.ts';
import { type HeldEvent, HoldQueue } from './hold.ts';
import { ObjcgIdentity } from './identity.ts';
import type { ImportOptions, ImportReport, ImportResult } from './import-report.ts';
import { InodeIds } from './inode-ids.ts';
import { InputError } from './input-error.ts';
import { parseKnobWrite } from './knobs.ts';
import { clampU32, decimalOf, faultsInProbe, fileOf, hexOf, orderOf, pageOffsetOf, pathOf } from './line-fields.ts';
import {
  CGROUP_ATTACH_TASK,
  CGROUP_MKDIR,
  CGROUP_RELEASE,
  CGROUP_RMDIR,
  CHARGE,
  CSS_OFFLINE,
  CSS_ONLINE,
  EVENTS,
  FILEMAP_ADD,
  FILEMAP_ADD_PUBLIC,
  FIRST_CHECK,
  FIRST_PROBE,
  KMEM_CHARGE_PAGE,
  KMEM_UNCHARGE_PAGE,
  MARK_VICTIM,
  MARK_WRITE,
  MIGRATE,
  MM_PAGE_ALLOC,
  MM_PAGE_FREE,
  NO_RETRY,
  OBJCG_CHARGE,
  OBJCG_UNCHARGE,
  PAGE_FAULT_KERNEL,
  PAGE_FAULT_USER,
  RECLAIM_BEGIN,
  RECLAIM_END,
  SCHED_PROCESS_EXEC,
  SCHED_PROCESS_EXIT,
  SCHED_PROCESS_FORK,
  SHMEM_ADD,
  SWAP_CHARGE,
  SWAP_UNCHARGE,
  UNCHARGE,
} from './probe-events.ts';
import { type HighWater, OP_NAMES, ROOT_CGROUP } from './schema.ts';
import type { WarmHost, WarmStart } from './warm-start.ts';

const SECOND = 1e9;
const HOLD_EVENTS = 1 << 18;
const GIB = 2 ** 30;
const STRUCT_PAGE = 64;
const FRAMES_PER_GIB = GIB / STRUCT_PAGE;
/** kernfs ids count up from 1: what is larger is a pointer read through the wrong type */
const CGID_END = 2 ** 31;

interface Task {
  id: number;
  pid: number;
  /** path of its cgroup; null: never seen attached, so wherever it was before the recording */
  path: string | null;
  /** dense id of the memcg that it is in */
  cgroup: number;
  exited: boolean;
  /** it uncharged pages and has not yet shown a line that ends the batch */
  openBatch: boolean;
  inReclaim: boolean;
  /** its last event was a charge */
  armed: boolean;
  /** it charged, and no later line showed that it left the charge */
  charged: boolean;
  lastAllocPfn: number;
  /** its latest page-cache insertion, until the next charge: struct page address, kind, object, page offset */
  addPage: number;
  addKind: number;
  addObject: number;
  addIndex: number;
  /** an uncharge of a huge folio's head that waits for its next line */
  huge: { split: HeldEvent; uncharge: HeldEvent; order: number } | null;
}

/** A line of a kernel probe on the memory controller: these names are the probes' own. */
export function looksLikeMemcgProbes(head: string): boolean {
  return /^[^#\n]*\[\d+\] +[^ \n]{4,8} +\d+\.\d+: (css_online|css_offline|objcg_charge|objcg_uncharge|kmem_charge_page|kmem_uncharge_page|charge|uncharge|filemap_add|shmem_add|swap_charge|swap_uncharge): /m.test(
    head,
  );
}

/** See {@link Importer}. */
export async function importMemcgProbes(
  sources: readonly ByteSource[],
  sink: TraceSink,
  options: ImportOptions = {},
): Promise<ImportResult> {
  const importer = new Importer(sink, options.initial ?? null);
  const cursors = await runFtrace(sources, options, {
    dialects: false,
    isFirst: (event) => (EVENTS.get(event) ?? 0) < FIRST_PROBE,
    line: (cursor) => importer.line(cursor),
  });
  return importer.finish(cursors);
}

class Importer {
  readonly #queue: HoldQueue;
  readonly #sink: TraceSink;
  readonly #frames = new FrameTable();
  readonly #cgroups = new CgroupTable();
  readonly #identity = new ObjcgIdentity(ROOT_CGROUP);
  readonly #tasks = new Map<number, Task>();
  readonly #exited = new ExitedTasks<Task>();
  #taskCount = 0;
  readonly #objects = new InodeIds();
  readonly #swap = new Map<number, number>();
  /** mkdir events that wait for their path, by kernel id */
  readonly #unnamed = new Map<number, { event: HeldEvent; cgroup: Cgroup }>();

  // The line at hand.
  #cursor!: FtraceCursor;
  #rest = '';
  #ts = 0;
  #cpu = 0;
  #irq = false;
  /** the flags column shows the probe's own exception, so an interrupt cannot be told from its task */
  #masked = false;
  #task!: Task;
  #own = false;

  /** per CPU: the task whose charge was the last, as long as no other task has shown a line there */
  readonly #chargerOn: (Task | null)[] = [];
  #baseSeconds = -1;
  #firstTs = 0;
  #lastTs = 0;
  #cpus = 0;
  /** address of the struct page of pfn 0; -1 until an address is seen, a guess until an allocation confirms it */
  #vmemmap = -1;
  #vmemmapSure = false;
  readonly #guessedBlocks = new Set<number>();

  readonly #understood = new Map<number, number>();
  readonly #ignored = new Map<string, number>();
  #probeLines = 0;
  #publicLines = 0;
  #unknownOrder = 0;
  #existing = 0;
  #nameless = 0;
  #splits = 0;
  #framesBeforeBase = 0;
  #unmatchedUncharges = 0;
  #unmatchedKmem = 0;
  #unmatchedSwap = 0;
  #badCgids = 0;

  readonly #warm: WarmStart | null;
  /** frames uncharged that no line charged, until they are freed: who was charged; only then is their order known */
  readonly #unknownOrders = new Map<number, { cgroup: number; flags: number }>();

  constructor(sink: TraceSink, warm: WarmStart | null) {
    this.#sink = sink;
    this.#warm = warm;
    this.#queue = new HoldQueue(sink, SECOND, HOLD_EVENTS);
  }

  /** Takes the cursor's current line. */
  line(cursor: FtraceCursor): void {
    const { line } = cursor;
    const code = EVENTS.get(line.event) ?? 0;
    const third = line.flags.charCodeAt(2) | 32;
    if (code === 0 || code >= FIRST_CHECK || (code === PAGE_FAULT_KERNEL && faultsInProbe(line.flags))) {
      const name = this.#ignored.has(line.event) ? line.event : keep(line.event);
      this.#ignored.set(name, (this.#ignored.get(name) ?? 0) + 1);
      return;
    }
    this.#understood.set(code, (this.#understood.get(code) ?? 0) + 1);
    const isPublic = code < FIRST_PROBE;
    if (isPublic) this.#publicLines++;
    else this.#probeLines++;
    if (this.#baseSeconds < 0) {
      this.#baseSeconds = line.seconds;
      this.#sink.setBase(BigInt(line.seconds) * 1_000_000_000n);
      this.#firstTs = line.nanos;
      this.#warm?.write(this.#host(line.nanos));
    }
    this.#cursor = cursor;
    this.#rest = line.rest;
    this.#ts = (line.seconds - this.#baseSeconds) * SECOND + line.nanos;
    this.#lastTs = this.#ts;
    this.#cpu = line.cpu;
    if (line.cpu >= this.#cpus) this.#cpus = line.cpu + 1;
    // h, H: hardirq; s, S: softirq. A probe that runs in a breakpoint's exception shows Z or z instead, whatever it interrupted.
    this.#irq = third === 104 || third === 115;
    this.#masked = third === 122;
    this.#queue.tick(this.#ts);
    // Every CPU has an idle task of its own, and all print pid 0.
    const pid = line.pid === 0 ? -1 - line.cpu : line.pid;
    const task = this.#tasks.get(pid) ?? this.#spawn(pid, line.comm);
    this.#task = task;
    // Another task on the CPU: what was charged there is done.
    if (this.#chargerOn[line.cpu] !== task) this.#chargerOn[line.cpu] = null;

    const batchGoesOn = code === UNCHARGE || code === OBJCG_UNCHARGE || code === KMEM_UNCHARGE_PAGE;
    if (task.huge !== null && !this.#irq && code !== OBJCG_UNCHARGE && code !== KMEM_UNCHARGE_PAGE)
      this.#settleHuge(task, code);
    if (code === MM_PAGE_FREE && this.#unknownOrders.size > 0) this.#unchargeTails();
    if (task.openBatch && !batchGoesOn && !this.#irq) {
      task.openBatch = false;
      this.#emit(ops.OP_UNCHARGE_FLUSH, 0, 0, 0, 0, 0, 0, null);
    }
    const retry =
      !this.#irq && !task.inReclaim && !NO_RETRY.has(code) && code !== RECLAIM_BEGIN && code !== RECLAIM_END;
    this.#own = false;
    const { charged } = task;
    if (retry) task.charged = false;
    this.#dispatch(code);
    if (this.#own || this.#irq) return;
    // The line has no event of its own: it may still say how the task's last charge went.
    if (retry && charged)
      this.#emit(code === PAGE_FAULT_USER ? ops.OP_RETURN_TO_USER : ops.OP_PROGRESS, 0, 0, 0, 0, 0, 0, null);
    else if (task.armed) this.#emit(ops.OP_PROGRESS, 0, 0, 0, 0, ops.FLAG_RECLAIM, 0, null);
  }

  /** What a warm start needs of this importer, at its first time. */
  #host(ts: number): WarmHost {
    const frames = this.#frames;
    return {
      cgroups: this.#cgroups,
      row: (op, task, cgroup, object, index, count, flags, name) =>
        this.#queue.push(ts, 0, op, task, cgroup, object, index, count, flags, 0, name),
      task: (pid, cgroup, path) => this.#newTask(pid, path, cgroup).id,
      frame: (pfn, order, kernel) => {
        const frame = frames.dense(pfn);
        frames.use(frame, order);
        if (kernel) frames.kmemCharged(frame, order);
        else frames.charged(frame, order);
        return frame;
      },
    };
  }

  /** The end of all files. Throws InputError where the probes are missing. */
  finish(cursors: readonly FtraceCursor[]): ImportResult {
    if (this.#probeLines === 0) {
      throw new InputError(
        `${cursors.map((c) => c.reader.path).join(', ')}: no probe lines (charge, uncharge, css_online …): the file with the kernel probes is missing`,
      );
    }
    for (const task of this.#tasks.values()) if (task.huge !== null) this.#settleHuge(task, 0);
    this.#queue.finish();
    const highWater: HighWater = {
      pages: this.#frames.highWater,
      cgroups: this.#cgroups.highWater,
      tasks: this.#taskCount + 1,
      objects: this.#objects.count + 1,
      swap: this.#swap.size + 1,
      cpus: this.#cpus,
    };
    const names = [...EVENTS].map(([name, code]) => [code, name] as const);
    const written: Record<string, number> = {};
    let events = 0;
    OP_NAMES.forEach((name, op) => {
      const count = this.#queue.written[op]!;
      if (count > 0) written[name] = count;
      events += count;
    });
    const report: ImportReport = {
      format: 'memcg-probes',
      files: cursors.map((c) => ({ path: c.reader.path, lines: c.reader.lines, events: c.events })),
      lines: cursors.reduce((sum, c) => sum + c.reader.lines, 0),
      understood: Object.fromEntries(
        names.filter(([c]) => this.#understood.has(c)).map(([c, n]) => [n, this.#understood.get(c)!]),
      ),
      ignored: Object.fromEntries([...this.#ignored].sort()),
      written,
      events,
      duration_ns: this.#lastTs - this.#firstTs,
      high_water: highWater,
      lost: {},
      ambiguous: {
        'cgroups from before the recording': this.#existing,
        'cgroups without a name': this.#nameless,
        'objcgs that could be another': this.#identity.ambiguous,
        'frames of unknown order': this.#unknownOrder,
        'frames before the base of struct page': this.#framesBeforeBase,
        'huge folios split': this.#splits,
        'small steps of the clock': cursors.reduce((sum, cursor) => sum + cursor.clockSteps, 0),
        'uncharges without a charge': this.#unmatchedUncharges,
        'kernel pages freed without a charge': this.#unmatchedKmem,
        'objects freed without a charge': this.#identity.unmatched,
        'swap entries freed without a charge': this.#unmatchedSwap,
        'impossible cgroup ids': this.#badCgids,
      },
      unknowable: [
        'gfp of a charge of bytes: the probe does not print it; interrupts off is taken to mean that it may not sleep',
        'page tables, slab and per-cpu memory are told apart by guess; their sum, and every counter, is exact',
      ],
      missing: this.#publicLines === 0 ? ['the public trace'] : [],
    };
    return { report, highWater };
  }

  #dispatch(code: number): void {
    switch (code) {
      case MM_PAGE_ALLOC:
        this.#pageAlloc();
        break;
      case MM_PAGE_FREE:
        this.#pageFree();
        break;
      case CHARGE:
        this.#charge();
        break;
      case UNCHARGE:
        this.#uncharge();
        break;
      case FILEMAP_ADD:
        this.#add(ops.KIND_FILE);
        break;
      case SHMEM_ADD:
        this.#add(ops.KIND_SHMEM);
        break;
      case KMEM_CHARGE_PAGE:
        this.#kmemCharge();
        break;
      case KMEM_UNCHARGE_PAGE:
        this.#kmemUncharge();
        break;
      case OBJCG_CHARGE:
        this.#objcgCharge();
        break;
      case OBJCG_UNCHARGE:
        this.#objcgUncharge();
        break;
      case FILEMAP_ADD_PUBLIC:
        this.#resident();
        break;
      case SWAP_CHARGE:
        this.#swapCharge();
        break;
      case SWAP_UNCHARGE:
        this.#swapUncharge();
        break;
      case MIGRATE:
        this.#migrate();
        break;
      case RECLAIM_BEGIN:
        this.#task.inReclaim = true;
        this.#event(ops.OP_RECLAIM, 0, 0, 0, 0, ops.FLAG_BEGIN);
        break;
      case RECLAIM_END: {
        const reclaimed = decimalField(this.#rest, 'nr_reclaimed=');
        this.#event(ops.OP_RECLAIM, 0, 0, 0, clampU32(reclaimed), 0);
        this.#task.inReclaim = false;
        return;
      }
      case CSS_ONLINE:
        this.#cssOnline();
        break;
      case CSS_OFFLINE:
        this.#cssOffline();
        break;
      case CGROUP_MKDIR:
        this.#learnPath(decimalOf(this.#cursor, 'id='), pathOf(this.#cursor, 'path='), true);
        return;
      case CGROUP_RELEASE:
        this.#learnPath(decimalOf(this.#cursor, 'id='), pathOf(this.#cursor, 'path='));
        return;
      case CGROUP_RMDIR:
        this.#rmdir();
        break;
      case CGROUP_ATTACH_TASK:
        this.#attach();
        break;
      case SCHED_PROCESS_FORK:
        this.#fork();
        break;
      case SCHED_PROCESS_EXEC:
        this.#event(ops.OP_EXEC, 0, 0, 0, 0, 0, 0, keep(fieldUpTo(this.#rest, 'filename=', 'pid=') ?? ''));
        break;
      case SCHED_PROCESS_EXIT:
        this.#event(ops.OP_EXIT, 0, 0, 0, 0, 0);
        this.#exit(this.#task);
        break;
      case MARK_VICTIM:
        this.#markVictim();
        break;
      case MARK_WRITE:
        this.#mark();
        break;
      default:
        return;
    }
  }

  // --- events out

  /** An event that the line itself stands for. */
  #event(
    op: number,
    cgroup: number,
    object: number,
    index: number,
    count: number,
    flags: number,
    gfp = 0,
    name: string | null = null,
  ) {
    this.#own = true;
    this.#emit(op, cgroup, object, index, count, flags, gfp, name);
  }

  #emit(
    op: number,
    cgroup: number,
    object: number,
    index: number,
    count: number,
    flags: number,
    gfp: number,
    name: string | null,
  ): void {
    const task = this.#task;
    const irq = this.#irq ? ops.FLAG_IRQ : 0;
    if (!this.#irq) task.armed = false;
    this.#queue.push(this.#ts, this.#cpu, op, task.id, cgroup, object, index, count, flags | irq, gfp, name);
  }

  #hold(
    op: number,
    cgroup: number,
    object: number,
    index: number,
    count: number,
    flags: number,
    name: string | null,
  ): HeldEvent {
    if (!this.#irq) this.#task.armed = false;
    const { id } = this.#task;
    return this.#queue.hold({
      ts: this.#ts,
      cpu: this.#cpu,
      op,
      task: id,
      cgroup,
      object,
      index,
      count,
      flags,
      gfp: 0,
      name,
      waits: true,
      expire: null,
    });
  }

  // --- tasks

  #newTask(pid: number, path: string | null, cgroup: number): Task {
    const task: Task = {
      id: ++this.#taskCount,
      pid,
      path,
      cgroup,
      exited: false,
      openBatch: false,
      inReclaim: false,
      armed: false,
      charged: false,
      lastAllocPfn: -1,
      addPage: -1,
      addKind: 0,
      addObject: 0,
      addIndex: 0,
      huge: null,
    };
    this.#tasks.set(pid, task);
    return task;
  }

  #spawn(pid: number, comm: string): Task {
    const task = this.#newTask(pid, null, ROOT_CGROUP);
    this.#queue.push(this.#ts, this.#cpu, ops.OP_SPAWN, task.id, ROOT_CGROUP, 0, Math.max(0, pid), 0, 0, 0, keep(comm));
    return task;
  }

  #fork(): void {
    const parent = this.#task;
    const pid = decimalOf(this.#cursor, 'child_pid=');
    const old = this.#tasks.get(pid);
    if (old !== undefined && old.huge !== null) this.#settleHuge(old, 0);
    const child = this.#newTask(pid, parent.path, parent.cgroup);
    const name = keep(fieldUpTo(this.#rest, 'child_comm=', 'child_pid=') ?? '');
    this.#event(ops.OP_FORK, 0, child.id, pid, 0, 0, 0, name);
  }

  #attach(): void {
    const cgid = decimalOf(this.#cursor, 'dst_id=');
    const path = pathOf(this.#cursor, 'dst_path=', 'pid=');
    const pid = decimalOf(this.#cursor, 'pid=');
    this.#learnPath(cgid, path);
    const moved =
      this.#tasks.get(pid) ??
      this.#spawn(pid, fieldAt(this.#rest, 'comm=') === -1 ? '' : this.#rest.slice(fieldAt(this.#rest, 'comm=')));
    moved.path = path;
    moved.cgroup = this.#cgroups.nearest(path).id;
    this.#own = true;
    // The task of the event is the one that moves, not the one that writes cgroup.procs.
    const writer = this.#task;
    this.#task = moved;
    this.#emit(ops.OP_ATTACH, moved.cgroup, 0, 0, 0, 0, 0, null);
    this.#task = writer;
    writer.armed = false;
  }

  #markVictim(): void {
    const pid = decimalOf(this.#cursor, 'pid=');
    const comm = fieldUpTo(this.#rest, 'comm=', 'total-vm=') ?? '';
    const victim = this.#tasks.get(pid) ?? this.#spawn(pid, comm);
    this.#event(ops.OP_MARK_VICTIM, 0, victim.id, 0, 0, 0);
  }

  // --- cgroups

  /** A public line names a cgroup; a `fresh` one has no tasks yet. */
  #learnPath(cgid: number, path: string, fresh = false): void {
    const cgroup = this.#cgroups.getOrAdd(cgid);
    const waiting = this.#unnamed.get(cgid);
    if (waiting === undefined) {
      if (cgroup.path === null) this.#cgroups.rename(cgroup, path);
    } else {
      this.#name(waiting.cgroup, waiting.event, path);
      // Looking through all tasks for every new cgroup would be quadratic.
      if (!fresh) this.#moveIn(waiting.cgroup);
      this.#queue.release();
    }
  }

  #cssOnline(): void {
    const cgid = decimalOf(this.#cursor, 'cgid=');
    if (cgid === 1) return;
    const cgroup = this.#cgroups.getOrAdd(cgid);
    if (this.#unnamed.has(cgid)) this.#giveUpName(cgid);
    if (cgroup.live) this.#cgroups.offline(cgroup);
    this.#own = true;
    this.#mkdir(cgroup, 0);
  }

  #mkdir(cgroup: Cgroup, flags: number): void {
    const { path, cgid } = cgroup;
    this.#cgroups.online(cgroup);
    if (path !== null) {
      const parent = this.#cgroups.place(cgroup, path);
      this.#emit(ops.OP_MKDIR, cgroup.id, parent, cgid, 0, flags, 0, path);
      this.#moveIn(cgroup);
      return;
    }
    const event = this.#hold(ops.OP_MKDIR, cgroup.id, ROOT_CGROUP, cgid, 0, flags, null);
    event.expire = () => this.#giveUpName(cgid);
    this.#unnamed.set(cgid, { event, cgroup });
  }

  #name(cgroup: Cgroup, event: HeldEvent, path: string): void {
    this.#unnamed.delete(cgroup.cgid);
    event.object = this.#cgroups.place(cgroup, path);
    event.name = path;
    event.waits = false;
  }

  #giveUpName(cgid: number): void {
    const waiting = this.#unnamed.get(cgid);
    if (waiting === undefined) return;
    this.#nameless++;
    this.#name(waiting.cgroup, waiting.event, `/unknown-${cgid}`);
    // The true path may still come, for the tasks that are attached there.
    waiting.cgroup.path = null;
  }

  /** Memory was switched on in a cgroup that has tasks already: they are in the new memcg now. */
  #moveIn(cgroup: Cgroup): void {
    const { path } = cgroup;
    if (path === null) return;
    const inside = path === '/' ? '/' : `${path}/`;
    const writer = this.#task;
    for (const task of this.#tasks.values()) {
      if (task.path === null || task.exited || (task.path !== path && !task.path.startsWith(inside))) continue;
      const { id } = this.#cgroups.nearest(task.path);
      if (id === task.cgroup) continue;
      task.cgroup = id;
      this.#queue.push(this.#ts, this.#cpu, ops.OP_ATTACH, task.id, id, 0, 0, 0, 0, 0, null);
    }
    this.#task = writer;
  }

  #exit(task: Task): void {
    if (task.exited) return;
    task.exited = true;
    const oldest = this.#exited.add(task);
    if (oldest === null) return;
    if (oldest.huge !== null) this.#settleHuge(oldest, 0);
    if (this.#tasks.get(oldest.pid) === oldest) this.#tasks.delete(oldest.pid);
  }

  #cssOffline(): void {
    const cgroup = this.#cgroups.get(decimalOf(this.#cursor, 'cgid='));
    if (cgroup === undefined || cgroup.id === 0 || cgroup.id === ROOT_CGROUP) return;
    this.#event(ops.OP_OFFLINE, cgroup.id, 0, 0, 0, 0);
    this.#cgroups.offline(cgroup);
    this.#identity.offline(cgroup.id, this.#cgroups.onlineAbove(cgroup.id));
  }

  #rmdir(): void {
    const cgid = decimalOf(this.#cursor, 'id=');
    this.#learnPath(cgid, pathOf(this.#cursor, 'path='));
    const cgroup = this.#cgroups.get(cgid);
    if (cgroup?.live) this.#event(ops.OP_RMDIR, cgroup.id, 0, 0, 0, ops.FLAG_OFFLINE_FOLLOWS);
  }

  /** Dense id of the memcg that a probe names. One never seen online existed before the recording. */
  #memcg(cgid: number): number {
    if (cgid === 1) return ROOT_CGROUP;
    if (!(cgid > 0 && cgid < CGID_END)) {
      this.#badCgids++;
      return ROOT_CGROUP;
    }
    const cgroup = this.#cgroups.getOrAdd(cgid);
    if (cgroup.id === 0) {
      this.#existing++;
      const { armed } = this.#task;
      this.#mkdir(cgroup, ops.FLAG_EXISTING);
      this.#task.armed = armed;
    }
    return cgroup.id;
  }

  #mark(): void {
    const text = keep(this.#rest);
    if (text.startsWith('KNOB write ')) {
      const write = parseKnobWrite(text.slice(11));
      const cgroup = write === null ? undefined : this.#cgroups.at(write.path);
      if (write !== null && cgroup !== undefined) {
        this.#event(ops.OP_WRITE_KNOB, cgroup.id, write.swappiness, write.value, write.knob, 0, 0, text.slice(11));
        return;
      }
    }
    this.#event(ops.OP_MARK, 0, 0, 0, 0, 0, 0, text);
  }

  // --- pages

  #pageAlloc(): void {
    const pfn = hexOf(this.#cursor, 'pfn=');
    if (pfn === 0) return;
    const order = orderOf(this.#cursor);
    this.#task.lastAllocPfn = pfn;
    const gfp = symbolicGfp(this.#rest);
    // Above order 9 the dense numbers are not contiguous: several blocks.
    const piece = Math.min(order, 9);
    for (let at = pfn; at < pfn + 2 ** order; at += 2 ** piece) {
      const frame = this.#frames.dense(at);
      this.#frames.use(frame, piece);
      this.#frames.allocated(frame, piece);
      this.#event(ops.OP_PAGE_ALLOC, 0, 0, frame, 0, piece, gfp);
    }
  }

  #pageFree(): void {
    const pfn = hexOf(this.#cursor, 'pfn=');
    const order = orderOf(this.#cursor);
    const piece = Math.min(order, 9);
    for (let at = pfn; at < pfn + 2 ** order; at += 2 ** piece) {
      const frame = this.#frames.dense(at);
      this.#frames.use(frame, piece);
      // An uncharge comes before the free; what is still charged was an attempt that failed.
      this.#frames.uncharged(frame);
      this.#event(ops.OP_PAGE_FREE, 0, 0, frame, 0, piece);
    }
  }

  /** Dense frame of a struct page address. */
  #page(key: string): number {
    const address = hexOf(this.#cursor, key);
    if (address % STRUCT_PAGE !== 0 || address === 0) throw this.#cursor.error(`${key} is no address of a struct page`);
    return this.#pageAt(address);
  }

  #pageAt(address: number): number {
    if (!this.#vmemmapSure) {
      const pfn = this.#task.lastAllocPfn;
      const base = address - pfn * STRUCT_PAGE;
      if (pfn >= 0 && base > 0 && base % GIB === 0) {
        if (this.#vmemmap >= 0 && this.#vmemmap !== base)
          this.#frames.rebase(this.#guessedBlocks, (this.#vmemmap - base) / STRUCT_PAGE);
        this.#vmemmap = base;
        this.#vmemmapSure = true;
      } else {
        // The base is a multiple of 1 GiB, and below 64 GiB of memory the address lies in its first GiB.
        if (this.#vmemmap < 0) this.#vmemmap = address - (address % GIB);
        this.#framesBeforeBase++;
        this.#guessedBlocks.add(Math.floor((address - this.#vmemmap) / STRUCT_PAGE / 512));
      }
    }
    let pfn = (address - this.#vmemmap) / STRUCT_PAGE;
    if (pfn < 0) {
      if (this.#vmemmapSure) throw this.#cursor.error('a struct page below the base that earlier lines show');
      // A guess that was too high; frames so far keep their numbers.
      const lower = address - (address % GIB);
      this.#frames.rebase(this.#guessedBlocks, (this.#vmemmap - lower) / STRUCT_PAGE);
      this.#vmemmap = lower;
      pfn = (address - lower) / STRUCT_PAGE;
    }
    const last = this.#task.lastAllocPfn;
    if (this.#vmemmapSure && last !== pfn && last >= 0 && (last - pfn) % FRAMES_PER_GIB === 0)
      throw this.#cursor.error('the struct page addresses do not agree with each other: not one recording?');
    const frame = this.#frames.dense(pfn);
    this.#frames.use(frame, 0);
    return frame;
  }

  #add(kind: number): void {
    const task = this.#task;
    task.addPage = hexOf(this.#cursor, 'page=');
    task.addKind = kind;
    task.addObject = this.#objects.id(hexOf(this.#cursor, 'dev='), decimalOf(this.#cursor, 'ino='));
    task.addIndex = clampU32(decimalOf(this.#cursor, 'index='));
  }

  #resident(): void {
    const { dev, ino } = fileOf(this.#cursor);
    const frame = this.#frames.dense(hexOf(this.#cursor, 'pfn='));
    this.#frames.use(frame, 0);
    this.#event(ops.OP_RESIDENT, 0, this.#objects.id(dev, ino), frame, pageOffsetOf(this.#cursor), 0);
  }

  #charge(): void {
    const task = this.#task;
    const address = hexOf(this.#cursor, 'page=');
    const frame = this.#page('page=');
    const gfp = hexGfp(hexOf(this.#cursor, 'gfp='));
    const order = Math.min(this.#frames.allocOrder(frame), 9);
    if (order === 0 && !this.#frames.known(frame)) this.#unknownOrder++;
    let kind: number = ops.KIND_ANON;
    let object = 0;
    let count = 0;
    if (task.addPage === address) {
      kind = task.addKind;
      object = task.addObject;
      count = task.addIndex;
    }
    task.addPage = -1;
    const cgroup = this.#memcg(decimalOf(this.#cursor, 'cgid='));
    this.#frames.use(frame, order);
    this.#frames.charged(frame, order);
    this.#event(ops.OP_CHARGE, cgroup, object, frame, count, order | (kind << ops.FLAG_KIND_SHIFT), gfp);
    this.#arm(cgroup);
  }

  /** The task has just charged: its next lines tell how that ended. */
  #arm(cgroup: number): void {
    this.#task.armed = true;
    // The root has no stock: its charges do nothing that an interrupt could come before.
    this.#chargerOn[this.#cpu] = cgroup === ROOT_CGROUP ? null : this.#task;
    this.#task.charged = true;
  }

  #uncharge(): void {
    const rest = this.#rest;
    const md = this.#mdWord();
    if (md === 0) return;
    const task = this.#task;
    const frame = this.#page('page=');
    const kernel = (md & 2) !== 0;
    const cgid = decimalField(rest, kernel ? 'kcgid=' : 'cgid=');
    const cgroup = this.#memcg(cgid);
    const frames = this.#frames;
    if (kernel) {
      const order = frames.kmemOrder(frame);
      const before = order < 0 && frames.chargeOrder(frame) < 0;
      if (before) this.#unmatchedUncharges++;
      frames.kmemUncharged(frame);
      frames.uncharged(frame);
      // Page tables are freed in such batches.
      const kind = before ? ops.KIND_PAGETABLE << ops.FLAG_KIND_SHIFT : 0;
      this.#event(ops.OP_UNCHARGE, cgroup, 0, frame, 0, Math.max(0, order) | kind);
      task.openBatch = true;
      return;
    }
    let order = frames.chargeOrder(frame);
    let kind = 0;
    if (order < 0) {
      const head = frames.headOver(frame);
      if (head !== 0) {
        const whole = frames.chargeOrder(head);
        this.#emit(ops.OP_SPLIT, 0, 0, head, 0, whole, 0, null);
        frames.split(head, whole);
        this.#splits++;
      } else {
        this.#unmatchedUncharges++;
        // Anonymous pages keep their mapping until they are freed, marked by bit 0; page cache has lost it (PAGE_MAPPING_ANON).
        if (hexField(this.#rest, 'mapping=') % 2 === 0) kind = ops.KIND_FILE << ops.FLAG_KIND_SHIFT;
        this.#unknownOrders.set(frame, { cgroup, flags: kind });
      }
      order = 0;
    }
    frames.uncharged(frame);
    frames.kmemUncharged(frame);
    if (order === 0) {
      this.#event(ops.OP_UNCHARGE, cgroup, 0, frame, 0, kind);
    } else {
      // Whole or split before? The task's next line tells. Until then nothing leaves after this point.
      this.#own = true;
      const split = this.#hold(0, 0, 0, frame, 0, order, null);
      const uncharge = this.#hold(ops.OP_UNCHARGE, cgroup, 0, frame, 0, order, null);
      const give = () => this.#settleHuge(task, 0);
      split.expire = give;
      uncharge.expire = give;
      task.huge = { split, uncharge, order };
    }
    task.openBatch = true;
  }

  /** A folio from before the recording, uncharged as one page, is freed: if it was large, its other pages were uncharged with it. */
  #unchargeTails(): void {
    const frame = this.#frames.dense(hexOf(this.#cursor, 'pfn='));
    const head = this.#unknownOrders.get(frame);
    if (head === undefined) return;
    this.#unknownOrders.delete(frame);
    const order = Math.min(orderOf(this.#cursor), 9);
    if (frame % 2 ** order !== 0) return;
    this.#frames.use(frame, order);
    for (let tail = 0; tail < order; tail++)
      this.#emit(ops.OP_UNCHARGE, head.cgroup, 0, frame + 2 ** tail, 0, tail | head.flags, 0, null);
    if (order > 0) this.#task.openBatch = true;
  }

  /** Zero, or the low bits of the folio's memcg_data with bit 2 set where it is not zero. */
  #mdWord(): number {
    const at = fieldAt(this.#rest, 'md=');
    const value = at === -1 ? Number.NaN : hexAt(this.#rest, at);
    if (Number.isNaN(value)) throw this.#cursor.error('no hexadecimal number md= in uncharge');
    // Only bits 0 and 1 matter beyond zero or not.
    return value === 0 ? 0 : (value % 4) | 4;
  }

  /** Decides a held uncharge of a huge folio's head by its task's next line (`code`; 0: nothing more is known). */
  #settleHuge(task: Task, code: number): void {
    const huge = task.huge;
    if (huge === null) return;
    task.huge = null;
    const { split, uncharge, order } = huge;
    const head = uncharge.index;
    let wasSplit = false;
    if (code === UNCHARGE && this.#mdWord() !== 0) {
      const frame = this.#page('page=');
      wasSplit = frame > head && frame < head + 2 ** order;
    } else if (code === MM_PAGE_FREE) {
      wasSplit = this.#frames.dense(hexOf(this.#cursor, 'pfn=')) === head && orderOf(this.#cursor) < order;
    }
    if (wasSplit) {
      split.op = ops.OP_SPLIT;
      uncharge.flags = 0;
      this.#frames.split(head, order);
      this.#frames.uncharged(head);
      this.#splits++;
    }
    split.waits = false;
    uncharge.waits = false;
    this.#queue.release();
  }

  #kmemCharge(): void {
    const frame = this.#page('page=');
    const mask = hexOf(this.#cursor, 'gfp=');
    const order = Math.min(orderOf(this.#cursor), 9);
    const account = (mask & 0x400000) !== 0;
    const zero = (mask & 0x100) !== 0;
    const kind = !account ? ops.KIND_KERNEL_STACK : zero ? ops.KIND_PAGETABLE : ops.KIND_KERNEL_OTHER;
    this.#frames.use(frame, order);
    this.#frames.kmemCharged(frame, order);
    this.#event(
      ops.OP_KMEM_CHARGE,
      0,
      0,
      frame,
      0,
      order | (kind << ops.FLAG_KIND_SHIFT) | ops.FLAG_BY_FRAME,
      hexGfp(mask),
    );
    this.#arm(this.#task.cgroup);
  }

  #kmemUncharge(): void {
    const frame = this.#page('page=');
    const order = this.#frames.kmemOrder(frame);
    if (order < 0) {
      // Uncharged stack pages pass here too, with garbage for an owner.
      this.#unmatchedKmem++;
      this.#kmemFromBefore(frame, Math.min(orderOf(this.#cursor), 9));
      return;
    }
    this.#frames.kmemUncharged(frame);
    const freed = Math.min(orderOf(this.#cursor), 9);
    this.#event(ops.OP_KMEM_FREE, 0, 0, frame, 0, freed | ops.FLAG_BY_FRAME);
    // Of pages that are no compound page, only the first says who owns them: the snapshot of owners has the others not.
    for (let rest = order; rest < freed; rest++) this.#kmemFromBefore(frame + 2 ** rest, rest);
  }

  /** Kernel pages charged before the recording: a warm start may have what they are taken from, if the owner is a real one. */
  #kmemFromBefore(frame: number, order: number): void {
    const cgroup = this.#cgroups.get(decimalField(this.#rest, 'kcgid='));
    if (cgroup === undefined || cgroup.id <= ROOT_CGROUP) return;
    const flags = order | ops.FLAG_BY_FRAME | (ops.KIND_KERNEL_STACK << ops.FLAG_KIND_SHIFT);
    this.#event(ops.OP_KMEM_FREE, cgroup.id, 0, frame, 0, flags);
  }

  #objcgCharge(): void {
    const size = clampU32(decimalOf(this.#cursor, 'size='));
    const cgroup = this.#memcg(decimalOf(this.#cursor, 'cgid='));
    this.#identity.charge(cgroup, size, this.#cpu);
    // The probe has no gfp. Interrupts off (d, D) means that the caller may not sleep.
    const atomic = (this.#cursor.line.flags.charCodeAt(0) | 32) === 100;
    const gfp = atomic ? ops.GFP_KSWAPD_RECLAIM : ops.GFP_KERNEL;
    this.#event(ops.OP_KMEM_CHARGE, cgroup, 0, 0, size, ops.KIND_SLAB << ops.FLAG_KIND_SHIFT, gfp);
    this.#arm(cgroup);
  }

  #objcgUncharge(): void {
    const size = clampU32(decimalOf(this.#cursor, 'size='));
    const reported = this.#memcg(decimalOf(this.#cursor, 'cgid='));
    const cgroup = this.#identity.uncharge(reported, size, this.#cpu);
    // Right after a charge on the same CPU: a softirq that ran inside the charge, if the stock served it; the engine knows.
    const interrupt = this.#irq || this.#masked;
    const inCharge =
      interrupt && this.#task.armed && this.#chargerOn[this.#cpu] === this.#task ? ops.FLAG_IN_CHARGE : 0;
    this.#event(ops.OP_KMEM_FREE, cgroup, 0, 0, size, (ops.KIND_SLAB << ops.FLAG_KIND_SHIFT) | inCharge);
    // A softirq frees many: the charge that it interrupted still waits.
    if (inCharge !== 0) this.#task.armed = true;
  }

  #migrate(): void {
    const from = this.#page('old=');
    const to = this.#page('new=');
    const order = Math.max(0, this.#frames.chargeOrder(from));
    this.#frames.use(to, order);
    this.#frames.charged(to, order);
    this.#event(ops.OP_MIGRATE, 0, 0, from, to, order);
  }

  #swapEntry(key: string): number {
    const at = fieldAt(this.#rest, key);
    const word = at === -1 ? null : field(this.#rest, key);
    const low = at === -1 ? Number.NaN : hexAt(this.#rest, at);
    if (word === null || Number.isNaN(low))
      throw this.#cursor.error(`no swap entry ${key} in ${this.#cursor.line.event}`);
    // The swap type is in the top 5 of 64 bits, beyond a double: move it down to bit 47.
    const digits = word.startsWith('0x') ? word.slice(2) : word;
    const top = digits.length > 12 ? Number.parseInt(digits.slice(0, -12), 16) : 0;
    return (top >> 10) * 2 ** 47 + (low % 2 ** 47);
  }

  #swapCharge(): void {
    const frame = this.#page('page=');
    const entry = this.#swapEntry('entry=');
    const pages = 1 << Math.max(0, this.#frames.chargeOrder(frame));
    for (let i = 0; i < pages; i++) if (!this.#swap.has(entry + i)) this.#swap.set(entry + i, this.#swap.size + 1);
    this.#event(ops.OP_SWAP_OUT, 0, this.#swap.get(entry)!, frame, pages, 0);
  }

  #swapUncharge(): void {
    const entry = this.#swapEntry('entry=');
    const pages = decimalOf(this.#cursor, 'nr=');
    if (pages > 65536) throw this.#cursor.error(`nr=${pages} swap entries are out of range`);
    let start = 0;
    let run = 0;
    for (let i = 0; i < pages; i++) {
      const id = this.#swap.get(entry + i);
      if (id === undefined) {
        this.#unmatchedSwap++;
        continue;
      }
      if (run > 0 && id === start + run) {
        run++;
        continue;
      }
      if (run > 0) this.#event(ops.OP_SWAP_FREE, 0, start, 0, run, 0);
      start = id;
      run = 1;
    }
    if (run > 0) this.#event(ops.OP_SWAP_FREE, 0, start, 0, run, 0);
  }
}
