/**
 * The `ftrace` importer: the public tracepoints alone (allocations, frees, page cache, faults, forks, cgroups), in any dialect of ftrace
 * text, to events by frame. No line of such a recording says what is charged. It follows from what a page is for (classify.ts), from the
 * cgroup of the task that asked for it, and from when the page is given back; docs/trace-format.md says what cannot be known.
 */
import * as ops from '../../assembly/replay/ops.ts';
import { Accesses, type TaskAccess } from './accesses.ts';
import type { TraceSink } from './arrow-writer.ts';
import type { ByteSource } from './byte-source.ts';
import type { CgroupMap } from './cgroup-map.ts';
import { type Cgroup, CgroupTable, parentPath } from './cgroup-table.ts';
import {
  type AllocClass,
  CLASS_ANON,
  CLASS_CACHE,
  CLASS_KMEM,
  CLASS_SLAB,
  CLASS_USER,
  classify,
  type GfpTraits,
  gfpTraits,
  isForWrite,
  isReclaimable,
  isZeroed,
  kmemKind,
} from './classify.ts';
import { ExitedTasks } from './exited.ts';
import { decimalField, type FtraceCursor, field, fieldAt, fieldUpTo, hexField, keep } from './ftrace.ts';
import { runFtrace } from './ftrace-run.ts';
import type { ImportOptions, ImportReport, ImportResult } from './import-report.ts';
import { InodeIds } from './inode-ids.ts';
import { parseKnobWrite } from './knobs.ts';
import {
  clampU32,
  decimalOf,
  FieldError,
  faultsInProbe,
  fileOf,
  hexOf,
  orderOf,
  pageOffsetOf,
  pathOf,
} from './line-fields.ts';
import { MapMarks } from './map-marks.ts';
import {
  CGROUP_ATTACH_TASK,
  CGROUP_MKDIR,
  CGROUP_RELEASE,
  CGROUP_RMDIR,
  FILEMAP_ADD,
  FILEMAP_DELETE,
  MARK_VICTIM,
  MARK_WRITE,
  MM_PAGE_ALLOC,
  MM_PAGE_FREE,
  NO_RETRY,
  OOM_SCORE_ADJ,
  PAGE_FAULT_KERNEL,
  PAGE_FAULT_USER,
  PRINT,
  PUBLIC_EVENTS,
  RECLAIM_BEGIN,
  RECLAIM_END,
  SCHED_PROCESS_EXEC,
  SCHED_PROCESS_EXIT,
  SCHED_PROCESS_FORK,
  SLAB_ALLOC,
  SLAB_FREE,
  TASK_NEWTASK,
} from './public-events.ts';
import { CHARGED, KMEM, PublicFrames, SLAB } from './public-frames.ts';
import { OP_NAMES, PAGE_SIZE, ROOT_CGROUP } from './schema.ts';
import { UnseenMemory } from './unseen-memory.ts';
import type { WarmHost, WarmStart } from './warm-start.ts';

const SECOND = 1e9;
/** 52 bits of physical address: no machine has a frame beyond. */
const PFN_END = 2 ** 40;
/** Stacks have no frame number that a line would tell: theirs are beyond any real one. */
const STACK_PFNS = 2 ** 41;
/** THREAD_SIZE of x86-64 and arm64, in pages */
const STACK_PAGES = 4;
/** More than the engine has room for; a recording that names more frames is damaged. */
const MAX_FRAMES = 2 ** 27;
const MAX_IGNORED_NAMES = 1000;
const MAX_PATH = 4096;
/** Each level of a path may make a cgroup known: a bound for damaged lines, far beyond any real hierarchy. */
const MAX_DEPTH = 128;
/** `obj_full_size`: each object of an accounted cache carries a pointer to its objcg. */
const OBJCG_POINTER = 8;
/** A slab page's vector of objcgs is allocated in the same call as the page (`account_slab`): what comes later is for something else. */
const SAME_CALL_NS = 20_000;
const CLONE_THREAD = 0x10000;
/** Lines at which a read or write that a marker announced is over. */
const IO_OVER: ReadonlySet<number> = new Set([MARK_WRITE, SCHED_PROCESS_EXEC, SCHED_PROCESS_EXIT, SCHED_PROCESS_FORK]);
/** the device of block devices' own page cache */
const BDEV = 3;

interface Task {
  id: number;
  pid: number;
  comm: string;
  /** the thread group's leader, itself unless the recording tells otherwise */
  leader: Task;
  /** threads whose leader it is; null: none known */
  threads: Set<Task> | null;
  /** fork said that it is a thread, so the engine moves it with its leader */
  forkedAsThread: boolean;
  path: string;
  /** dense id of the memcg that it is in */
  cgroup: number;
  /** its cgroup comes from the command line, by its name */
  byComm: boolean;
  kernel: boolean;
  exited: boolean;
  /** number of its kernel stack + 1, 0 where none is charged */
  stack: number;
  /** its latest fault: error code, -1 after an allocation that it may have been for */
  fault: number;
  faultAddress: number;
  /** frees of pages that were charged since the last line that was none */
  openBatch: boolean;
  inReclaim: boolean;
  /** its last event was a charge */
  armed: boolean;
  /** it charged, and no later line showed that it left the charge */
  charged: boolean;
  /** frame of that charge, and whether it has reclaimed since: then a free of the frame means that the charge had failed */
  chargedFrame: number;
  chargeReclaims: boolean;
  /** an allocated page that may be charged once the task's next line tells as what; 0: none */
  pendFrame: number;
  pendOrder: number;
  pendGfp: number;
  pendWrite: boolean;
  pendClass: AllocClass;
  pendFault: number;
  pendAddress: number;
  /** the task's last line was the allocation of a slab page that is charged, at this time; -1: it was not */
  slabAt: number;
  /** a stack that an allocation shows (no CONFIG_VMAP_STACK) */
  stackSeen: boolean;
  /** pid of the thread that the task is about to fork (task_newtask) */
  newThread: number;
  /** what only an import of accesses knows of it */
  access: TaskAccess | null;
}

const EVENT_NAMES =
  'mm_page_alloc|mm_page_free|mm_filemap_add_to_page_cache|mm_filemap_delete_from_page_cache|page_fault_user|page_fault_kernel|' +
  'cgroup_mkdir|cgroup_attach_task|sched_process_fork|sched_process_exec|mm_vmscan_memcg_reclaim_begin';
const LOOKS = new RegExp(`^[^#\\n]*-\\d+ [^\\n]*\\d(?:us.?)?: +(?:\\(\\+\\d+\\) +)?(?:${EVENT_NAMES}): `, 'm');

/** A line of one of the tracepoints that bring pages in or out, in any dialect. */
export function looksLikeFtrace(head: string): boolean {
  return LOOKS.test(head);
}

/** See {@link Importer}. */
export async function importFtrace(
  sources: readonly ByteSource[],
  sink: TraceSink,
  options: ImportOptions = {},
): Promise<ImportResult> {
  const importer = new PublicImporter(
    sink,
    options.cgroups ?? null,
    options.initial ?? null,
    options.accesses === true,
  );
  const cursors = await runFtrace(sources, options, {
    dialects: true,
    isFirst: () => false,
    line: (cursor) => importer.line(cursor),
  });
  return importer.finish(cursors);
}

class PublicImporter {
  readonly #sink: TraceSink;
  readonly #map: CgroupMap | null;
  readonly #warm: WarmStart | null;
  readonly #frames = new PublicFrames();
  readonly #cgroups = new CgroupTable();
  readonly #tasks = new Map<number, Task>();
  readonly #objects = new InodeIds();
  readonly #marks = new MapMarks();
  /** null: the trace is to have frames */
  readonly #accesses: Accesses | null;
  readonly #unseen: UnseenMemory | null;
  readonly #exited = new ExitedTasks<Task>();
  #taskCount = 0;
  #unknownCgroups = 0;
  /** dense id → live children */
  readonly #children: number[] = [];
  /** dense id of the payer of a slab page's objects, by frame */
  readonly #slabOwners = new Map<number, number>();
  /** accounted objects, by address: owner and bytes */
  readonly #objs = new Map<number, { cgroup: number; bytes: number }>();
  #sawObjects = false;
  #stacks = 0;
  readonly #freeStacks: number[] = [];
  /** the task that showed the last line on each CPU */
  readonly #onCpu: (Task | undefined)[] = [];

  // The line at hand.
  #cursor!: FtraceCursor;
  #rest = '';
  #ts = 0;
  #cpu = 0;
  #irq = false;
  #task!: Task;
  #own = false;
  #irqFlag = 0;

  #baseSeconds = -1;
  #firstTs = 0;
  #cpus = 0;
  readonly #written = new Float64Array(256);
  readonly #understood = new Map<number, number>();
  readonly #ignored = new Map<string, number>();
  #ignoredOthers = 0;

  // Counts for the report.
  #failed = 0;
  #existing = 0;
  #spawned = 0;
  #lostFrees = 0;
  #lostExits = 0;
  #unseenFrees = 0;
  #addedUnseen = 0;
  #splits = 0;
  #otherHierarchies = 0;
  #artefacts = 0;
  #guessedShmem = 0;
  #guessedAnon = 0;
  #wrongGuess = 0;
  #neverAdded = 0;
  #inferredStacks = 0;
  #slabPages = 0;
  #slabVectors = 0;
  #namelessObjects = 0;

  constructor(sink: TraceSink, map: CgroupMap | null, warm: WarmStart | null, accesses: boolean) {
    this.#accesses = accesses ? new Accesses(sink, this.#marks) : null;
    this.#unseen = accesses ? new UnseenMemory() : null;
    this.#sink = this.#accesses ?? sink;
    this.#map = map;
    this.#warm = warm;
  }

  /** Takes the cursor's current line. Throws InputError where too many lines lack a field. */
  line(cursor: FtraceCursor): void {
    try {
      this.#line(cursor);
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      cursor.damaged(error.problem);
    }
  }

  #line(cursor: FtraceCursor): void {
    const { line } = cursor;
    let code = PUBLIC_EVENTS.get(line.event) ?? 0;
    let rest = line.rest;
    if (code === PRINT) {
      const text = markerOf(rest);
      code = text === null ? 0 : MARK_WRITE;
      if (text !== null) rest = text;
    }
    const { flags } = line;
    if (code === PAGE_FAULT_KERNEL && flags.length >= 4 && faultsInProbe(flags)) {
      this.#artefacts++;
      code = 0;
    }
    if (code === 0) {
      this.#ignore(line.event);
      return;
    }
    this.#understood.set(code, (this.#understood.get(code) ?? 0) + 1);
    if (this.#baseSeconds < 0) {
      this.#baseSeconds = line.seconds;
      this.#sink.setBase(BigInt(line.seconds) * 1_000_000_000n);
      this.#firstTs = line.nanos;
      this.#warm?.write(this.#host(line.nanos));
    }
    this.#cursor = cursor;
    this.#rest = rest;
    this.#ts = (line.seconds - this.#baseSeconds) * SECOND + line.nanos;
    this.#cpu = line.cpu;
    if (line.cpu >= this.#cpus) this.#cpus = line.cpu + 1;
    this.#accesses?.at(this.#ts, line.cpu);
    const third = flags.charCodeAt(2) | 32;
    // h, H: hardirq; s, S: softirq
    this.#irq = third === 104 || third === 115;
    this.#irqFlag = this.#irq ? ops.FLAG_IRQ : 0;
    this.#own = false;
    // Every CPU has an idle task of its own, and all print pid 0.
    const pid = line.pid === 0 ? -1 - line.cpu : line.pid;
    const task = this.#tasks.get(pid) ?? this.#spawn(pid, line.comm);
    this.#task = task;
    if (line.tgid >= 0 && line.tgid !== task.leader.pid && pid > 0) this.#joinGroup(task, line.tgid);
    if (task.byComm && task.comm !== line.comm) this.#renamed(task, line.comm);
    if (this.#irq) {
      this.#dispatch(code);
      return;
    }

    const before = this.#onCpu[line.cpu];
    if (before !== task) {
      // Another task on the CPU: what was allocated there has been charged, unless it waits to be added to the page cache; and what was
      // freed there has been given back.
      if (before !== undefined && before.pendFrame !== 0 && before.pendClass === CLASS_USER) this.#settle(before);
      if (before?.openBatch) {
        before.openBatch = false;
        this.#eventOf(before, ops.OP_UNCHARGE_FLUSH, 0, 0);
        this.#own = false;
      }
      this.#onCpu[line.cpu] = task;
    }
    if (task.openBatch && code !== MM_PAGE_FREE) {
      task.openBatch = false;
      this.#emit(ops.OP_UNCHARGE_FLUSH, 0, 0, 0, 0, 0, 0, null);
    }
    if (task.pendFrame !== 0) this.#nextLine(task, code);
    if (this.#accesses !== null) this.#accessLine(this.#accesses, task, code);
    const { slabAt } = task;
    task.slabAt = -1;
    const retry = !task.inReclaim && !NO_RETRY.has(code);
    const { charged } = task;
    if (retry) task.charged = false;
    this.#dispatch(code, slabAt);
    if (this.#own) return;
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
      row: (op, task, cgroup, object, index, count, flags, name) => {
        this.#written[op]!++;
        this.#sink.append(ts, 0, op, task, cgroup, object, index, count, flags, 0, name);
      },
      task: (pid, cgroup, path) => {
        const task = this.#newTask(pid, '', null);
        task.path = path;
        task.cgroup = cgroup;
        return task.id;
      },
      frame: (pfn, order, kernel) => {
        const frame = frames.dense(pfn);
        frames.use(frame, order);
        frames.allocated(frame, order);
        frames.charge(frame, order, kernel ? KMEM : CHARGED, 0);
        return frame;
      },
    };
  }

  /** What the line says of the task's access before it. */
  #accessLine(accesses: Accesses, task: Task, code: number): void {
    // A fault may allocate, reclaim and read a file before it is over.
    const frees = code === MM_PAGE_FREE || code === FILEMAP_DELETE;
    if (frees ? !task.inReclaim : !NO_RETRY.has(code) && code !== FILEMAP_ADD) accesses.faultOver(task);
    if (code === PAGE_FAULT_USER || code === MARK_WRITE) accesses.inUser(task);
    if (IO_OVER.has(code)) accesses.ioOver(task);
  }

  #dispatch(code: number, slabAt = -1): void {
    switch (code) {
      case MM_PAGE_ALLOC:
        this.#pageAlloc(slabAt);
        break;
      case MM_PAGE_FREE:
        this.#pageFree();
        break;
      case FILEMAP_ADD:
        this.#add();
        break;
      case FILEMAP_DELETE:
        this.#removed();
        break;
      case PAGE_FAULT_USER:
      case PAGE_FAULT_KERNEL:
        this.#task.fault = hexOf(this.#cursor, 'error_code=');
        this.#task.faultAddress = hexField(this.#rest, 'address=');
        if (!this.#irq) this.#accesses?.fault(this.#task, this.#task.faultAddress, this.#task.fault);
        break;
      case RECLAIM_BEGIN:
        this.#task.inReclaim = true;
        this.#task.chargeReclaims = true;
        this.#event(ops.OP_RECLAIM, 0, 0, 0, 0, ops.FLAG_BEGIN);
        break;
      case RECLAIM_END:
        this.#event(ops.OP_RECLAIM, 0, 0, 0, clampU32(decimalField(this.#rest, 'nr_reclaimed=')), 0);
        this.#task.inReclaim = false;
        break;
      case CGROUP_MKDIR:
      case CGROUP_RMDIR:
      case CGROUP_RELEASE:
        if (decimalField(this.#rest, 'root=') > 0) this.#otherHierarchies++;
        else this.#cgroupLine(code);
        break;
      case CGROUP_ATTACH_TASK:
        if (decimalField(this.#rest, 'dst_root=') > 0) this.#otherHierarchies++;
        else this.#attach();
        break;
      case TASK_NEWTASK: {
        const flags = hexField(this.#rest, 'clone_flags=');
        this.#task.newThread = Math.floor(flags / CLONE_THREAD) % 2 === 1 ? decimalOf(this.#cursor, 'pid=') : -1;
        break;
      }
      case SCHED_PROCESS_FORK:
        this.#fork();
        break;
      case SCHED_PROCESS_EXEC:
        this.#marks.drop(this.#task.leader.pid);
        this.#event(ops.OP_EXEC, 0, 0, 0, 0, 0, 0, keep(fieldUpTo(this.#rest, 'filename=', 'pid=') ?? ''));
        this.#accesses?.execed(this.#task);
        break;
      case SCHED_PROCESS_EXIT:
        this.#event(ops.OP_EXIT, 0, 0, 0, 0, 0);
        this.#exit(this.#task);
        break;
      case MARK_VICTIM: {
        const victim = this.#named('total-vm=');
        if (this.#unseen !== null) this.#atLimit(this.#unseen, this.#task);
        this.#event(ops.OP_MARK_VICTIM, 0, victim.id, 0, 0, 0);
        break;
      }
      case OOM_SCORE_ADJ: {
        const score = decimalField(this.#rest, 'oom_score_adj=');
        const of = this.#named('oom_score_adj=');
        if (score >= -1000 && score <= 1000) this.#eventOf(of, ops.OP_OOM_SCORE_ADJ, 0, 0, score + 1000);
        break;
      }
      case SLAB_ALLOC:
        this.#objectAlloc();
        break;
      case SLAB_FREE:
        this.#objectFree();
        break;
      case MARK_WRITE:
        this.#mark();
        break;
      default:
        return;
    }
  }

  /** The end of all files. */
  finish(cursors: readonly FtraceCursor[]): ImportResult {
    this.#irq = false;
    this.#irqFlag = 0;
    for (const task of this.#tasks.values()) {
      if (task.pendFrame !== 0 && task.pendClass === CLASS_USER) this.#settle(task);
      if (task.openBatch) this.#eventOf(task, ops.OP_UNCHARGE_FLUSH, 0, 0);
    }
    this.#accesses?.finish();
    const highWater = {
      pages: this.#frames.highWater,
      cgroups: this.#cgroups.highWater,
      tasks: this.#taskCount + 1,
      objects: (this.#accesses ?? { objects: this.#objects.count }).objects + 1,
      swap: 1,
      cpus: Math.max(1, this.#cpus),
    };
    const understood: Record<string, number> = {};
    for (const [name, code] of PUBLIC_EVENTS) {
      const count = this.#understood.get(code);
      // Names of one code are other spellings of the same event.
      if (count !== undefined) {
        understood[name] = count;
        this.#understood.delete(code);
      }
    }
    const written: Record<string, number> = {};
    let events = 0;
    OP_NAMES.forEach((name, op) => {
      const count = (this.#accesses?.written ?? this.#written)[op]!;
      if (count > 0) written[name] = count;
      events += count;
    });
    if (this.#ignoredOthers > 0) this.#ignored.set('(others)', this.#ignoredOthers);
    const noted = (key: keyof FtraceCursor['notes']) => cursors.reduce((sum, cursor) => sum + cursor.notes[key], 0);
    const lost: Record<string, number> = {
      'events dropped by the recorder': noted('lost'),
      'places with dropped events': noted('gaps'),
      'events overwritten before they were read': noted('overwritten'),
      "lost events by the recorder's summary": noted('summary'),
      'cut last lines': noted('cut'),
      'damaged lines': noted('damaged'),
      'frees that were not seen': this.#lostFrees,
      'exits that were not seen': this.#lostExits,
    };
    for (const key of Object.keys(lost)) if (lost[key] === 0) delete lost[key];
    const saw = (code: number) => written[OP_NAMES[code]!] !== undefined;
    const report: ImportReport = {
      format: 'ftrace',
      files: cursors.map((c) => ({ path: c.reader.path, lines: c.reader.lines, events: c.events })),
      lines: cursors.reduce((sum, c) => sum + c.reader.lines, 0),
      understood,
      ignored: Object.fromEntries([...this.#ignored].sort()),
      written,
      events,
      duration_ns: Math.max(0, this.#ts - this.#firstTs),
      high_water: highWater,
      lost,
      ambiguous: {
        'tasks from before the recording': this.#spawned,
        'cgroups from before the recording': this.#existing,
        'frees of pages from before the recording, and of kernel stacks': this.#unseenFrees,
        'pages added to a file whose allocation was not seen': this.#addedUnseen,
        'pages allocated for a file and never added to it': this.#neverAdded,
        'allocations that failed': this.#failed,
        'huge folios split': this.#splits,
        'pages taken for shared memory because no fault came before them': this.#guessedShmem,
        'pages taken for anonymous because of a fault of their task': this.#guessedAnon,
        'pages taken for anonymous that were shared memory': this.#wrongGuess,
        'kernel stacks inferred from forks': this.#inferredStacks,
        'slab pages taken for charged': this.#slabPages,
        'slab pages taken for vectors of objcgs': this.#slabVectors,
        'objects whose address is not printed': this.#namelessObjects,
        ...this.#accessCounts(),
        'lines of cgroups in another hierarchy': this.#otherHierarchies,
        'faults made by a probe': this.#artefacts,
        'small steps of the clock': cursors.reduce((sum, cursor) => sum + cursor.clockSteps, 0),
        'lines without an event': noted('noise'),
      },
      unknowable: [
        this.#sawObjects
          ? 'objects are charged by kmem_cache_alloc lines that say accounted; which cgroup an object given to another task belongs to does not show'
          : 'slab memory is charged by the object and shows only as pages: a page of a slab cache counts whole for the cgroup that grew the cache',
        'kernel stacks: 4 pages at each fork, given back at exit',
        'the memory of a cgroup itself (about 10 KiB, charged to its parent)',
        'charges by a kernel thread for somebody else (a loop device, khugepaged), page migration, swap entries',
        'at the beginning: pages already charged, and what the per-CPU stocks hold',
        ...(this.#accesses === null
          ? []
          : [
              'accesses of what is resident, by read(2), write(2) or through page tables, but for reads and writes that a marker announces',
            ]),
      ],
      missing: [
        understood.mm_page_alloc !== undefined ? '' : 'mm_page_alloc: nothing is charged but page cache',
        understood.mm_page_free !== undefined ? '' : 'mm_page_free: nothing is given back',
        saw(ops.OP_FORK) ? '' : 'sched_process_fork: no task inherits a cgroup, and no kernel stack is seen',
        saw(ops.OP_ATTACH) || saw(ops.OP_MKDIR) ? '' : 'cgroup lines: everything is in the root unless --cgroups tells',
      ].filter((text) => text !== ''),
    };
    return { report, highWater };
  }

  /** What an import of accesses had to guess. */
  #accessCounts(): Record<string, number> {
    if (this.#accesses === null || this.#unseen === null) return {};
    return {
      'faults that allocate nothing, in no known mapping: taken for reads that nobody pays for':
        this.#accesses.unknownFaults,
      'private pages without an address': this.#accesses.addressless,
      'pages of shared memory that no marker names': this.#accesses.unnamed,
      'announced reads and writes of files that were in memory before the recording': this.#accesses.unseenReads,
      'pages deleted from files that never brought them in': this.#accesses.unknownDeletes,
      'pages of kernel memory concluded from OOM kills': this.#unseen.concluded,
    };
  }

  #ignore(event: string): void {
    const count = this.#ignored.get(event);
    if (count !== undefined) this.#ignored.set(event, count + 1);
    else if (this.#ignored.size < MAX_IGNORED_NAMES) this.#ignored.set(event === '' ? '' : keep(event), 1);
    else this.#ignoredOthers++;
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
  ): void {
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
    if (!this.#irq) task.armed = false;
    this.#written[op]!++;
    this.#sink.append(this.#ts, this.#cpu, op, task.id, cgroup, object, index, count, flags | this.#irqFlag, gfp, name);
  }

  /** An event of another task than the one whose line it is. */
  #eventOf(task: Task, op: number, cgroup: number, count: number, index = 0): void {
    this.#own = true;
    this.#written[op]!++;
    this.#sink.append(this.#ts, this.#cpu, op, task.id, cgroup, 0, index, count, 0, 0, null);
  }

  // --- tasks

  #newTask(pid: number, comm: string, parent: Task | null): Task {
    const task: Task = {
      id: ++this.#taskCount,
      pid,
      comm,
      leader: null as unknown as Task,
      threads: null,
      forkedAsThread: false,
      path: parent?.path ?? '/',
      cgroup: parent?.cgroup ?? ROOT_CGROUP,
      byComm: parent?.byComm ?? false,
      kernel: parent?.kernel ?? false,
      exited: false,
      stack: 0,
      fault: -1,
      faultAddress: 0,
      openBatch: false,
      inReclaim: false,
      armed: false,
      charged: false,
      chargedFrame: 0,
      chargeReclaims: false,
      pendFrame: 0,
      pendOrder: 0,
      pendGfp: 0,
      pendWrite: false,
      pendClass: CLASS_USER,
      pendFault: -1,
      pendAddress: 0,
      slabAt: -1,
      stackSeen: false,
      newThread: -1,
      access: null,
    };
    task.leader = task;
    this.#tasks.set(pid, task);
    return task;
  }

  /** A task that no fork made known. */
  #spawn(pid: number, comm: string): Task {
    const name = keep(comm);
    const task = this.#newTask(pid, name, null);
    task.kernel = isKernelThread(pid, name);
    if (pid > 0) this.#spawned++;
    const path = task.kernel ? null : (this.#map?.of(pid, name) ?? null);
    if (path !== null) {
      task.path = path;
      task.cgroup = this.#at(path).id;
      task.byComm = this.#map!.byCommand;
    }
    this.#written[ops.OP_SPAWN]!++;
    const flags = task.kernel ? ops.FLAG_KERNEL_THREAD : 0;
    this.#sink.append(
      this.#ts,
      this.#cpu,
      ops.OP_SPAWN,
      task.id,
      task.cgroup,
      0,
      Math.max(0, pid),
      0,
      flags,
      0,
      pid > 0 ? name : 'swapper',
    );
    return task;
  }

  /** The TGID column says that the task is a thread of another. */
  #joinGroup(task: Task, tgid: number): void {
    if (tgid === 0) return;
    let leader = tgid === task.pid ? task : this.#tasks.get(tgid)?.leader;
    if (leader === undefined) {
      // What is known of the thread is known of its process.
      leader = this.#spawn(tgid, task.comm);
      if (leader.cgroup !== task.cgroup) this.#move(leader, task.path, task.cgroup);
    }
    this.#setLeader(task, leader);
    if (task.cgroup !== leader.cgroup) this.#move(task, leader.path, leader.cgroup);
  }

  #setLeader(task: Task, leader: Task): void {
    task.leader.threads?.delete(task);
    task.leader = leader;
    if (leader === task) return;
    leader.threads ??= new Set();
    leader.threads.add(task);
  }

  #renamed(task: Task, comm: string): void {
    task.comm = keep(comm);
    const path = this.#map!.of(task.pid, task.comm);
    if (path === null || path === task.path) return;
    this.#move(task, path, this.#at(path).id);
  }

  #move(task: Task, path: string, cgroup: number): void {
    task.path = path;
    task.cgroup = cgroup;
    this.#eventOf(task, ops.OP_ATTACH, cgroup, 0);
  }

  #fork(): void {
    const parent = this.#task;
    const pid = decimalOf(this.#cursor, 'child_pid=');
    const old = this.#tasks.get(pid);
    if (old !== undefined && old !== parent && !old.exited) {
      this.#lostExits++;
      this.#eventOf(old, ops.OP_EXIT, 0, 0);
      this.#exit(old);
    }
    const comm = keep(fieldUpTo(this.#rest, 'child_comm=', 'child_pid=') ?? '');
    const child = this.#newTask(pid, comm, parent);
    if (!parent.kernel && !parent.stackSeen && parent.leader.cgroup !== ROOT_CGROUP) this.#chargeStack(child);
    parent.stackSeen = false;
    const thread = parent.newThread === pid;
    parent.newThread = -1;
    if (thread) {
      child.forkedAsThread = true;
      this.#setLeader(child, parent.leader);
    } else {
      this.#marks.fork(parent.leader.pid, pid);
    }
    this.#event(ops.OP_FORK, 0, child.id, pid, 0, thread ? ops.FLAG_THREAD : 0, 0, comm);
    if (!thread) this.#accesses?.forked(parent, child);
  }

  /** `alloc_thread_stack_node`: the pages come from the vmalloc bulk allocator, which has no tracepoint, or from a cache of old stacks. */
  #chargeStack(child: Task): void {
    const stack = this.#freeStacks.pop() ?? this.#stacks++;
    child.stack = stack + 1;
    this.#inferredStacks++;
    for (let i = 0; i < STACK_PAGES; i++) {
      const frame = this.#frames.dense(STACK_PFNS + stack * STACK_PAGES + i);
      this.#frames.use(frame, 0);
      const flags = (ops.KIND_KERNEL_STACK << ops.FLAG_KIND_SHIFT) | ops.FLAG_BY_FRAME | ops.FLAG_INFERRED;
      this.#unseen?.charge(frame, 1, this.#payer(this.#task));
      this.#event(ops.OP_KMEM_CHARGE, 0, 0, frame, 0, flags, ops.GFP_KERNEL);
    }
    this.#arm(this.#task, 0);
  }

  /** `exit_task_stack_account`, at the end of do_exit(). */
  #freeStack(task: Task): void {
    const stack = task.stack - 1;
    task.stack = 0;
    if (stack < 0) return;
    this.#freeStacks.push(stack);
    for (let i = 0; i < STACK_PAGES; i++) {
      const frame = this.#frames.dense(STACK_PFNS + stack * STACK_PAGES + i);
      this.#unseen?.uncharge(frame);
      this.#event(ops.OP_KMEM_FREE, 0, 0, frame, 0, ops.FLAG_BY_FRAME | ops.FLAG_INFERRED);
    }
  }

  #exit(task: Task): void {
    this.#freeStack(task);
    if (!task.exited && task.leader === task && this.#unseen?.has(task.cgroup)) this.#gone(this.#unseen, task);
    if (task.leader === task) this.#marks.drop(task.pid);
    if (task.exited) return;
    task.exited = true;
    this.#accesses?.exited(task);
    const oldest = this.#exited.add(task);
    if (oldest !== null) this.#forget(oldest);
  }

  /** Drops what is kept of a task that exited long ago. */
  #forget(task: Task): void {
    if (task.pendFrame !== 0 && task.pendClass === CLASS_USER) this.#settle(task);
    this.#setLeader(task, task);
    if (this.#tasks.get(task.pid) === task) this.#tasks.delete(task.pid);
  }

  /** The task that the line's `pid=` names, spawned if need be. */
  #named(afterComm: string): Task {
    const pid = decimalOf(this.#cursor, 'pid=');
    return this.#tasks.get(pid) ?? this.#spawn(pid, fieldUpTo(this.#rest, 'comm=', afterComm) ?? '');
  }

  #attach(): void {
    const cgid = decimalOf(this.#cursor, 'dst_id=');
    // trace-cmd report -R prints the fields in another order.
    const before = this.#rest.indexOf(' pid=') < this.#rest.indexOf(' dst_path=') ? 'comm=' : 'pid=';
    const path = this.#path('dst_path=', before);
    const pid = decimalOf(this.#cursor, 'pid=');
    const cgroup = this.#learn(cgid, path);
    const comm = fieldAt(this.#rest, 'comm=');
    const moved = (this.#tasks.get(pid) ?? this.#spawn(pid, comm === -1 ? '' : this.#rest.slice(comm))).leader;
    moved.byComm = false;
    this.#move(moved, path, cgroup.id);
    if (moved.threads !== null) {
      for (const thread of moved.threads) {
        if (!thread.forkedAsThread) this.#move(thread, path, cgroup.id);
        thread.path = path;
        thread.cgroup = cgroup.id;
      }
    }
    this.#task.armed = false;
  }

  // --- cgroups

  #path(key: string, before?: string): string {
    const path = pathOf(this.#cursor, key, before);
    if (
      path !== '/' &&
      (path.length > MAX_PATH || path.split('/').length > MAX_DEPTH || path.endsWith('/') || path.includes('//'))
    )
      throw new FieldError(this.#cursor, `${key} is no path of a cgroup`);
    return path;
  }

  #cgroupLine(code: number): void {
    const cgid = decimalOf(this.#cursor, 'id=');
    const path = this.#path('path=');
    if (code === CGROUP_RELEASE) return;
    if (code === CGROUP_RMDIR) {
      const cgroup = this.#learn(cgid, path);
      if (cgroup.live && cgroup.id !== ROOT_CGROUP) this.#rmdir(cgroup, 0);
      return;
    }
    if (path === '/') return;
    // One of the same path whose removal was not seen.
    const old = this.#cgroups.at(path);
    if (old !== undefined && old.cgid > 0 && old.cgid !== cgid) this.#rmdir(old, ops.FLAG_INFERRED);
    const known = this.#cgroups.get(cgid);
    if (known?.live) return;
    this.#mkdir(cgid, path, 0);
  }

  /** The cgroup of this kernel id and path; one never seen existed before the recording. */
  #learn(cgid: number, path: string): Cgroup {
    if (path === '/') return this.#cgroups.root;
    const known = this.#cgroups.get(cgid);
    if (known?.live) return known;
    const at = this.#cgroups.at(path);
    if (at !== undefined) {
      if (at.cgid < 0) {
        this.#cgroups.learnId(at, cgid);
        return at;
      }
      this.#rmdir(at, ops.FLAG_INFERRED);
    }
    this.#existing++;
    return this.#mkdir(cgid, path, ops.FLAG_EXISTING);
  }

  /** The cgroup at a path that a rule or a line names without an id. */
  #at(path: string): Cgroup {
    if (path === '/') return this.#cgroups.root;
    const known = this.#cgroups.at(path);
    if (known !== undefined) return known;
    this.#existing++;
    return this.#mkdir(-++this.#unknownCgroups, path, ops.FLAG_EXISTING);
  }

  #mkdir(cgid: number, path: string, flags: number): Cgroup {
    // From the top: what is above it is there.
    const missing: string[] = [];
    for (let at = parentPath(path); at !== '/' && this.#cgroups.at(at) === undefined; at = parentPath(at))
      missing.push(at);
    for (const above of missing.reverse()) this.#at(above);
    const cgroup = this.#cgroups.getOrAdd(cgid);
    this.#cgroups.online(cgroup);
    const parent = this.#cgroups.place(cgroup, path);
    this.#unseen?.born(cgroup.id, parent);
    this.#children[parent] = (this.#children[parent] ?? 0) + 1;
    this.#own = true;
    this.#written[ops.OP_MKDIR]!++;
    // One from before the recording was made by no task of it.
    const by = flags === 0 ? this.#task.id : 0;
    const id = Math.max(0, cgid);
    this.#sink.append(this.#ts, this.#cpu, ops.OP_MKDIR, by, cgroup.id, parent, id, 0, flags, 0, path);
    return cgroup;
  }

  #rmdir(cgroup: Cgroup, flags: number): void {
    // A directory with children cannot go: their removal was not seen.
    if ((this.#children[cgroup.id] ?? 0) > 0)
      for (const child of this.#cgroups.below(cgroup.path!)) this.#rmdirOne(child, ops.FLAG_INFERRED);
    this.#rmdirOne(cgroup, flags);
  }

  #rmdirOne(cgroup: Cgroup, flags: number): void {
    this.#event(ops.OP_RMDIR, cgroup.id, 0, 0, 0, flags);
    this.#children[cgroup.parent] = (this.#children[cgroup.parent] ?? 1) - 1;
    this.#cgroups.offline(cgroup);
  }

  #mark(): void {
    const text = keep(this.#rest);
    this.#marks.mark(text);
    this.#accesses?.mark(this.#task, text);
    if (text.startsWith('KNOB write ')) {
      const write = parseKnobWrite(text.slice(11));
      const cgroup = write === null ? undefined : this.#cgroups.at(write.path);
      if (write !== null && cgroup !== undefined) {
        if (write.knob === ops.KNOB_MAX) this.#unseen?.limit(cgroup.id, write.value);
        this.#event(ops.OP_WRITE_KNOB, cgroup.id, write.swappiness, write.value, write.knob, 0, 0, text.slice(11));
        return;
      }
    }
    this.#event(ops.OP_MARK, 0, 0, 0, 0, 0, 0, text);
  }

  // --- charges

  /** An OOM kill: what the lines do not account for up to the limit is kernel memory that none of them shows. */
  #atLimit(unseen: UnseenMemory, task: Task): void {
    // A kill of the machine's own lack of memory says nothing about a limit.
    if (!task.chargeReclaims || this.#sawObjects) return;
    const cgroup = this.#payer(task);
    const inHand = task.charged ? 1 << this.#frames.chargeOrder(task.chargedFrame) : 0;
    const pages = unseen.atLimit(cgroup, inHand);
    const flags = (ops.KIND_SLAB << ops.FLAG_KIND_SHIFT) | ops.FLAG_INFERRED;
    // Page by page, as objects come: a charge of many pages at once would not reach the OOM killer.
    for (let i = 0; i < pages; i++) this.#event(ops.OP_KMEM_CHARGE, cgroup, 0, 0, PAGE_SIZE, flags, ops.GFP_KERNEL);
    if (pages < 0) this.#giveBack(cgroup, -pages);
  }

  /** A process exits: with it goes its share of what was concluded, as if all of its cgroup had as much. */
  #gone(unseen: UnseenMemory, process: Task): void {
    let processes = 1;
    for (const other of this.#tasks.values())
      if (other !== process && other.leader === other && !other.exited && other.cgroup === process.cgroup) processes++;
    this.#giveBack(process.cgroup, unseen.shareOf(process.cgroup, processes));
  }

  #giveBack(cgroup: number, pages: number): void {
    if (pages === 0) return;
    const flags = (ops.KIND_SLAB << ops.FLAG_KIND_SHIFT) | ops.FLAG_INFERRED;
    // No task's doing: one that a replay has killed does nothing more.
    this.#own = true;
    this.#written[ops.OP_KMEM_FREE]!++;
    this.#sink.append(this.#ts, this.#cpu, ops.OP_KMEM_FREE, 0, cgroup, 0, 0, pages * PAGE_SIZE, flags, 0, null);
  }

  /** Dense id of who pays for what the task asks for. A thread's memory is its process's. */
  #payer(task: Task): number {
    return task.leader.cgroup;
  }

  /** The task has just charged: its next lines tell how that ended. */
  #arm(task: Task, frame: number): void {
    task.armed = true;
    task.charged = true;
    task.chargedFrame = frame;
    task.chargeReclaims = false;
  }

  #charge(
    task: Task,
    frame: number,
    order: number,
    kind: number,
    object: number,
    index: number,
    gfp: number,
    zeroed = false,
  ): void {
    this.#frames.charge(frame, order, CHARGED, kind);
    this.#unseen?.charge(frame, 1 << order, this.#payer(task));
    if (kind !== ops.KIND_FILE) this.#accesses?.charged(task, frame, order, kind === ops.KIND_SHMEM, zeroed);
    const line = this.#task;
    this.#task = task;
    const flags = order | (kind << ops.FLAG_KIND_SHIFT);
    this.#event(ops.OP_CHARGE, this.#payer(task), object, frame, index, flags, gfp);
    this.#task = line;
    this.#arm(task, frame);
  }

  /** Takes the charges off a block that is about to be used anew, or that is freed. */
  #uncharge(frame: number, order: number, flags: number): void {
    const frames = this.#frames;
    const end = frame + (1 << order);
    const head = frames.headOver(frame);
    if (head !== 0) this.#split(head);
    for (let at = frame; at < end; ) {
      const owner = frames.owner(at);
      if (owner === 0) {
        at++;
        continue;
      }
      const charged = frames.chargeOrder(at);
      if (owner === CHARGED && at + (1 << charged) > end) this.#split(at);
      const of = owner === CHARGED ? frames.chargeOrder(at) : charged;
      if (owner === KMEM) this.#accesses?.tableFreed(this.#task, at);
      if (owner === SLAB) {
        this.#freeSlab(at, of, flags);
      } else if (owner === CHARGED && this.#accesses !== null) {
        this.#accesses.freed(this.#task, at, of);
      } else if (owner === KMEM && of > 0) {
        // free_pages(): __memcg_kmem_uncharge_page
        this.#event(ops.OP_KMEM_FREE, 0, 0, at, 0, of | ops.FLAG_BY_FRAME | flags);
      } else {
        // put_page() and free_pages_and_swap_cache(): uncharge_folio, kernel pages too
        this.#event(ops.OP_UNCHARGE, 0, 0, at, 0, of | flags);
        this.#task.openBatch = of === 0;
        // A large folio is given back by itself (__folio_put_large).
        if (of > 0) this.#event(ops.OP_UNCHARGE_FLUSH, 0, 0, 0, 0, 0);
      }
      this.#unseen?.uncharge(at);
      frames.uncharge(at);
      at += 1 << of;
    }
  }

  #split(head: number): void {
    this.#splits++;
    this.#event(ops.OP_SPLIT, 0, 0, head, 0, this.#frames.chargeOrder(head));
    this.#frames.split(head);
  }

  // --- pages

  #pfn(): number {
    const pfn = hexOf(this.#cursor, 'pfn=');
    if (pfn >= PFN_END) throw new FieldError(this.#cursor, `pfn=${field(this.#rest, 'pfn=')} is out of range`);
    return pfn;
  }

  #frame(pfn: number): number {
    const frame = this.#frames.dense(pfn);
    if (frame >= MAX_FRAMES)
      throw this.#cursor.error(`pages of more than ${MAX_FRAMES / 2 ** 18} GiB of memory: is the recording damaged?`);
    return frame;
  }

  /** The order of the line's block, whose first frame is `pfn`. */
  #blockOrder(pfn: number): number {
    // mm_page_free_batched and raw reports may leave it out.
    const order = fieldAt(this.#rest, 'order=') === -1 ? 0 : orderOf(this.#cursor);
    if (pfn % 2 ** order !== 0) throw new FieldError(this.#cursor, `no block of order ${order} begins at this pfn=`);
    return order;
  }

  #pageAlloc(slabAt: number): void {
    const pfn = this.#pfn();
    const task = this.#task;
    if (pfn === 0) {
      this.#failed++;
      return;
    }
    const order = this.#blockOrder(pfn);
    const gfp = gfpTraits(this.#rest);
    const { fault } = task;
    // An interrupt allocates for itself, whatever task it found on the CPU.
    const kind = this.#irq ? 0 : classify(gfp, order, (fault & 3) === 3 && fault > 0);
    if (!this.#irq && kind !== CLASS_KMEM) task.fault = -1;
    if (kind === CLASS_KMEM && order === 2) task.stackSeen = true;
    // Above order 9 the dense numbers are not contiguous: several blocks.
    const piece = Math.min(order, 9);
    const frames = this.#frames;
    for (let at = pfn; at < pfn + 2 ** order; at += 2 ** piece) {
      const frame = this.#frame(at);
      frames.use(frame, piece);
      if (frames.anyLive(frame, piece)) {
        this.#lostFrees++;
        this.#uncharge(frame, piece, ops.FLAG_INFERRED);
      }
      frames.allocated(frame, piece);
      if (kind === CLASS_KMEM) this.#chargeKmem(task, frame, piece, gfp);
      this.#event(ops.OP_PAGE_ALLOC, 0, 0, frame, 0, piece, gfp.gfp);
      if (frames.owner(frame) === KMEM) this.#arm(task, frame);
      else if (kind === CLASS_ANON) this.#charge(task, frame, piece, ops.KIND_ANON, 0, 0, gfp.gfp, isZeroed(gfp));
      else if (kind === CLASS_SLAB) this.#slabPage(task, frame, piece, gfp, slabAt);
      else if (kind === CLASS_CACHE || kind === CLASS_USER) {
        task.pendFrame = frame;
        task.pendOrder = piece;
        task.pendGfp = gfp.gfp;
        task.pendWrite = isForWrite(gfp);
        task.pendClass = kind;
        task.pendFault = fault;
        task.pendAddress = task.faultAddress;
        frames.setPending(frame);
      }
    }
  }

  /** `__memcg_kmem_charge_page`, inside the allocator. Nobody pays in the root, or for a kernel thread. */
  #chargeKmem(task: Task, frame: number, order: number, gfp: GfpTraits): void {
    if (task.kernel || this.#payer(task) === ROOT_CGROUP) return;
    const kind = kmemKind(gfp);
    this.#frames.charge(frame, order, KMEM, 0);
    this.#unseen?.charge(frame, 1 << order, this.#payer(task));
    const flags = order | (kind << ops.FLAG_KIND_SHIFT) | ops.FLAG_BY_FRAME;
    this.#event(ops.OP_KMEM_CHARGE, 0, 0, frame, 0, flags, gfp.gfp);
    if (order === 0 && kind === ops.KIND_PAGETABLE) this.#accesses?.table(task, frame);
  }

  /** The task's next line after an allocation whose charge is open. */
  #nextLine(task: Task, code: number): void {
    const frame = task.pendFrame;
    if (code === FILEMAP_ADD || code === MM_PAGE_FREE) {
      if (this.#frames.dense(this.#pfn()) === frame) {
        task.pendFrame = 0;
        if (code === MM_PAGE_FREE && task.pendClass === CLASS_CACHE) this.#neverAdded++;
        // #add charges it; a free finds it uncharged.
        return;
      }
    }
    if (task.pendClass === CLASS_USER) {
      this.#settle(task);
    } else if (code === RECLAIM_BEGIN) {
      // The charge of a page on its way into a file has met a limit.
      task.pendFrame = 0;
      if (!this.#frames.pending(frame)) return;
      this.#charge(task, frame, task.pendOrder, ops.KIND_FILE, 0, 0, task.pendGfp);
      this.#own = false;
    } else if (!this.#frames.pending(frame)) {
      task.pendFrame = 0;
    }
  }

  /** Charges a user's page that the task has in hand: the best guess of what it is. */
  #settle(task: Task): void {
    const frame = task.pendFrame;
    task.pendFrame = 0;
    // Freed, or added by another task.
    if (!this.#frames.pending(frame)) return;
    let kind: number = ops.KIND_SHMEM;
    if (task.pendFault >= 0) {
      const as = this.#marks.at(task.leader.pid, task.pendAddress);
      // A read brings in no anonymous page but from swap, and nothing is swapped before something reclaims.
      const read = (task.pendFault & 2) === 0 && !this.#understood.has(RECLAIM_BEGIN);
      if (as === 'private' || (as === null && !read)) kind = ops.KIND_ANON;
      if (as === null && read) this.#guessedShmem++;
      else if (as === null) this.#guessedAnon++;
    } else {
      this.#guessedShmem++;
    }
    const own = this.#own;
    this.#charge(task, frame, task.pendOrder, kind, 0, 0, task.pendGfp);
    this.#own = own;
  }

  #pageFree(): void {
    const pfn = this.#pfn();
    const order = this.#blockOrder(pfn);
    const piece = Math.min(order, 9);
    const frames = this.#frames;
    const task = this.#task;
    for (let at = pfn; at < pfn + 2 ** order; at += 2 ** piece) {
      const frame = this.#frame(at);
      if (!frames.anyLive(frame, piece)) {
        this.#unseenFrees++;
        continue;
      }
      const failed = !this.#irq && task.charged && task.chargeReclaims && task.chargedFrame === frame;
      if (failed) {
        frames.uncharge(frame);
        this.#unseen?.uncharge(frame);
        this.#accesses?.failed(frame);
      } else this.#uncharge(frame, piece, 0);
      this.#event(ops.OP_PAGE_FREE, 0, 0, frame, 0, piece);
      frames.freed(frame, piece);
    }
  }

  #add(): void {
    const frames = this.#frames;
    const task = this.#task;
    const frame = this.#frame(this.#pfn());
    const { dev, ino } = this.#file();
    const index = this.#pageOffset();
    const count = this.#objects.count;
    const write = frames.pending(frame) && task.pendWrite;
    const object = this.#objects.id(dev, ino);
    if (object > count) {
      const type = dev === BDEV ? ops.OBJECT_BLOCK : ops.OBJECT_FILE;
      const name = `${Math.floor(dev / 2 ** 20)}:${dev % 2 ** 20}:${ino.toString(16)}`;
      this.#event(ops.OP_OBJECT_NEW, 0, object, 0, type, 0, 0, name);
    }
    if (frames.owner(frame) === CHARGED) {
      this.#accesses?.added(task, frame, frames.chargeOrder(frame), dev, ino, index, write);
      frames.charge(frame, frames.chargeOrder(frame), CHARGED, ops.KIND_FILE);
      this.#event(ops.OP_RESIDENT, 0, object, frame, index, 0);
      return;
    }
    let order = frames.allocOrder(frame);
    if (!frames.live(frame)) {
      this.#addedUnseen++;
      order = fieldAt(this.#rest, 'order=') === -1 ? 0 : Math.min(9, orderOf(this.#cursor));
      if (frame % 2 ** order !== 0) order = 0;
      frames.use(frame, order);
      frames.allocated(frame, order);
    } else if (frames.owner(frame) !== 0) {
      // A slab page or a page table is no page cache: its free was not seen.
      this.#lostFrees++;
      this.#uncharge(frame, 0, ops.FLAG_INFERRED);
    }
    const gfp = frames.pending(frame) && task.pendGfp !== 0 ? task.pendGfp : ops.GFP_KERNEL;
    this.#accesses?.added(task, frame, order, dev, ino, index, write);
    this.#charge(task, frame, order, ops.KIND_FILE, object, index, gfp);
    // The line comes after the charge: it is over.
    task.charged = false;
    task.armed = false;
  }

  #file(): { dev: number; ino: number } {
    const raw = fieldAt(this.#rest, 's_dev=') !== -1;
    return raw ? { dev: decimalOf(this.#cursor, 's_dev='), ino: hexOf(this.#cursor, 'i_ino=') } : fileOf(this.#cursor);
  }

  #pageOffset(): number {
    return fieldAt(this.#rest, 'ofs=') === -1 ? clampU32(hexOf(this.#cursor, 'index=')) : pageOffsetOf(this.#cursor);
  }

  /** A page left the page cache; one that was never added was a page of tmpfs, whose additions have no tracepoint. */
  #removed(): void {
    const frame = this.#frames.dense(this.#pfn());
    this.#accesses?.removed(this.#task, frame);
    if (this.#frames.owner(frame) !== CHARGED || this.#frames.kind(frame) !== ops.KIND_ANON) return;
    this.#wrongGuess++;
    this.#frames.charge(frame, this.#frames.chargeOrder(frame), CHARGED, ops.KIND_SHMEM);
  }

  // --- kernel objects

  /** A page of a slab cache, where the recording does not show the objects in it. */
  #slabPage(task: Task, frame: number, order: number, gfp: GfpTraits, slabAt: number): void {
    const cgroup = this.#payer(task);
    if (this.#sawObjects || task.kernel || cgroup === ROOT_CGROUP) return;
    if (order === 0 && !isReclaimable(gfp) && slabAt >= 0 && this.#ts - slabAt <= SAME_CALL_NS) {
      this.#slabVectors++;
      return;
    }
    task.slabAt = this.#ts;
    this.#slabPages++;
    this.#frames.charge(frame, order, SLAB, 0);
    this.#unseen?.charge(frame, 1 << order, cgroup);
    this.#slabOwners.set(frame, cgroup);
    const flags = (ops.KIND_SLAB << ops.FLAG_KIND_SHIFT) | ops.FLAG_INFERRED;
    this.#event(ops.OP_KMEM_CHARGE, cgroup, 0, 0, PAGE_SIZE << order, flags, ops.GFP_KERNEL);
    this.#arm(task, 0);
  }

  #freeSlab(frame: number, order: number, flags: number): void {
    const cgroup = this.#slabOwners.get(frame);
    if (cgroup === undefined) return;
    this.#slabOwners.delete(frame);
    const bits = (ops.KIND_SLAB << ops.FLAG_KIND_SHIFT) | ops.FLAG_INFERRED | flags;
    this.#event(ops.OP_KMEM_FREE, cgroup, 0, 0, PAGE_SIZE << order, bits);
  }

  /** `kmem_cache_alloc … accounted=true`: then objects are charged one by one, and slab pages are not. */
  #objectAlloc(): void {
    const accounted = field(this.#rest, 'accounted=');
    if (accounted === null) return;
    if (!this.#sawObjects) {
      this.#sawObjects = true;
      for (const frame of [...this.#slabOwners.keys()]) {
        this.#freeSlab(frame, this.#frames.chargeOrder(frame), 0);
        this.#frames.uncharge(frame);
      }
    }
    const cgroup = this.#payer(this.#task);
    if (accounted !== 'true' || this.#irq || this.#task.kernel || cgroup === ROOT_CGROUP) return;
    const pointer = hexField(this.#rest, 'ptr=');
    if (Number.isNaN(pointer)) {
      this.#namelessObjects++;
      return;
    }
    if (pointer === 0) return;
    const old = this.#objs.get(pointer);
    if (old !== undefined) {
      this.#lostFrees++;
      this.#freeBytes(old, ops.FLAG_INFERRED);
    }
    const bytes = clampU32(decimalOf(this.#cursor, 'bytes_alloc=') + OBJCG_POINTER);
    this.#objs.set(pointer, { cgroup, bytes });
    const gfp = gfpTraits(this.#rest).gfp;
    this.#event(ops.OP_KMEM_CHARGE, cgroup, 0, 0, bytes, ops.KIND_SLAB << ops.FLAG_KIND_SHIFT, gfp);
    this.#arm(this.#task, 0);
  }

  #objectFree(): void {
    const pointer = hexField(this.#rest, 'ptr=');
    const object = this.#objs.get(pointer);
    if (object === undefined) return;
    this.#objs.delete(pointer);
    this.#freeBytes(object, 0);
  }

  #freeBytes({ cgroup, bytes }: { cgroup: number; bytes: number }, flags: number): void {
    this.#event(ops.OP_KMEM_FREE, cgroup, 0, 0, bytes, (ops.KIND_SLAB << ops.FLAG_KIND_SHIFT) | flags);
  }
}

/** `tracing_mark_write: TEXT`, or `ip=tracing_mark_write buf=TEXT` of a raw report; null: a trace_printk of the kernel's. */
function markerOf(rest: string): string | null {
  for (const before of ['tracing_mark_write: ', 'ip=tracing_mark_write buf='])
    if (rest.startsWith(before)) return rest.slice(before.length);
  return null;
}

/** Tasks without memory of their own, by the names that the kernel gives them: their memory is the root's. */
function isKernelThread(pid: number, comm: string): boolean {
  return (
    pid <= 0 ||
    pid === 2 ||
    /^(?:kworker\/|ksoftirqd\/|migration\/|rcu_|rcuo|kswapd|kcompactd|khugepaged|ksmd|jbd2\/|cpuhp\/|idle_inject\/|oom_reaper|kthreadd)/.test(
      comm,
    )
  );
}
