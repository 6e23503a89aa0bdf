/**
 * Accesses out of a recording of frames: what tasks did to memory, without what the recorded kernel made of it. The `ftrace` importer
 * works out which frame is whose; this takes its rows, leaves out those that say what was resident, and puts in their place which page
 * was touched, written, read or given up. Frees and deletes inside reclaim are left out: what is reclaimed, a replay decides.
 *
 * A hit in what is resident leaves no line, unless a marker tells of it (io-marks.ts).
 */
import * as ops from '../../assembly/replay/ops.ts';
import type { TraceSink } from './arrow-writer.ts';
import { IO_PAGES, type IoMark, parseIoMark, parseUnlinkMark } from './io-marks.ts';
import type { MapMarks, MarkedMapping } from './map-marks.ts';
import { PAGE_SIZE } from './schema.ts';

/** Rows that tell what was resident, and how charges went. */
const DROPPED: ReadonlySet<number> = new Set([
  ops.OP_PAGE_ALLOC,
  ops.OP_PAGE_FREE,
  ops.OP_CHARGE,
  ops.OP_UNCHARGE_FLUSH,
  ops.OP_SPLIT,
  ops.OP_MIGRATE,
  ops.OP_RESIDENT,
  ops.OP_RECLAIM,
  ops.OP_RETURN_TO_USER,
  ops.OP_PROGRESS,
  ops.OP_OBJECT_NEW,
]);

/** First byte that no user address of four-level page tables reaches; faults above are the kernel's own. */
const USER_END = 2 ** 47;
/** Pages that no line gives an address are put where no address of a user is: beyond {@link USER_END}. */
const NOWHERE = 2 ** 35;
/** Pages that one page of page tables maps: log2. */
const TABLE_SHIFT = 9;
/** A read that shows no line for so long is over. */
const IO_IDLE_NS = 1e9;
/** Error code of a page fault (x86): it was a write; it fetched an instruction. */
const FAULT_WRITE = 2;
const FAULT_FETCH = 16;
/** Not resident, but the address space has it: swapped out. */
const ABSENT = 0;

/** What is known of an address space. */
interface Space {
  /** the frame of each private page, by virtual page number; ABSENT: the recorded kernel took it */
  pages: Map<number, number>;
  /** pages without an address so far */
  nowhere: number;
  /** the process's first task */
  owner: Actor;
  live: boolean;
}

/** A page that a task touched, to be written once it is known in which program. */
interface HeldTouch {
  page: number;
  frame: number;
  flags: number;
}

/** A file that a task reads or appends to, as a marker told. */
interface Io {
  mark: IoMark;
  /** 0: not yet known which */
  object: number;
  /** next page to be written as a row, next one that the recording brings in, and the end */
  next: number;
  fresh: number;
  end: number;
  /** time of its last line */
  at: number;
}

export interface TaskAccess {
  space: Space | null;
  /** address of the fault at hand in bytes, -1: none */
  address: number;
  code: number;
  /** the page of page tables that was allocated last in this fault */
  table: number;
  /** touches of the program that an exec is about to start */
  held: HeldTouch[];
  io: Io | null;
  /** object of tmpfs for what no line names, and its pages so far */
  unnamed: number;
  unnamedPages: number;
  /** where its latest insertion into the page cache ended */
  addObject: number;
  addEnd: number;
}

/** The importer's task, as far as this looks at it. */
export interface Actor {
  readonly id: number;
  readonly pid: number;
  readonly kernel: boolean;
  readonly comm: string;
  leader: Actor;
  exited: boolean;
  inReclaim: boolean;
  access: TaskAccess | null;
}

interface Named {
  object: number;
  pages: number;
}

export class Accesses implements TraceSink {
  readonly #sink: TraceSink;
  readonly #marks: MapMarks;
  /** rows by op */
  readonly written = new Float64Array(256);
  objects = 0;
  readonly #byInode = new Map<number, Map<number, number>>();
  readonly #byPath = new Map<string, Named>();

  // By frame: who has it. A private page has a virtual page number and spaces, one of a file an object and a page offset in it.
  readonly #pageOf = new Map<number, number>();
  readonly #spaces = new Map<number, Space | Set<Space>>();
  readonly #objectOf = new Map<number, number>();
  /** pages of page tables: whose, and which */
  readonly #tables = new Map<number, { space: Space; region: number }>();
  readonly #reading = new Set<Actor>();

  // The line at hand.
  #ts = 0;
  #cpu = 0;

  // Consecutive pages that go, in one row that is not yet written.
  #runOp = 0;
  #runTs = 0;
  #runCpu = 0;
  #runTask = 0;
  #runObject = 0;
  #runIndex = 0;
  #runCount = 0;

  // Counts for the report.
  addressless = 0;
  unnamed = 0;
  unknownFaults = 0;
  unseenReads = 0;
  unknownDeletes = 0;

  constructor(sink: TraceSink, marks: MapMarks) {
    this.#sink = sink;
    this.#marks = marks;
  }

  setBase(ns: bigint): void {
    this.#sink.setBase(ns);
  }

  /** A row of the importer: kept unless it says what was resident. */
  append(
    ts: number,
    cpu: number,
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
    if (DROPPED.has(op)) return;
    this.endRun();
    this.written[op]!++;
    this.#sink.append(ts, cpu, op, task, cgroup, object, index, count, flags, gfp, name);
  }

  // --- lines

  /** The next line's time and CPU. */
  at(ts: number, cpu: number): void {
    this.#ts = ts;
    this.#cpu = cpu;
    for (const task of this.#reading) if (ts - task.access!.io!.at > IO_IDLE_NS) this.#endIo(task);
  }

  /** A page fault begins. */
  fault(task: Actor, address: number, code: number): void {
    const access = accessOf(task);
    if (address >= USER_END) return;
    access.address = address;
    access.code = code;
    access.table = 0;
  }

  /**
   * A line of the task that shows that its fault is over: nothing was allocated for it. What it touched was there, or is a file's that
   * was in memory before the recording; or nobody pays for it.
   */
  faultOver(task: Actor): void {
    const { access } = task;
    if (access === null || access.address < 0) return;
    const { address, code } = access;
    access.address = -1;
    const page = Math.floor(address / PAGE_SIZE);
    const space = this.#spaceOf(task);
    this.#noteTable(access, space, page);
    const mapping = this.#marks.find(task.leader.pid, address);
    if (mapping?.as === 'shared') {
      this.#fileFault(task, mapping, page, code);
      return;
    }
    const known = space.pages.has(page);
    if (mapping === null && !known) this.unknownFaults++;
    this.#touch(task, page, known && (code & FAULT_WRITE) !== 0);
  }

  /** The task is in its program again: what it did to a file is over, and what was held is the program's. */
  inUser(task: Actor): void {
    const { access } = task;
    if (access === null) return;
    if (access.held.length > 0) this.#release(task, access);
  }

  /** A marker, an exec, a fork, an exit: no read or write goes on. */
  ioOver(task: Actor): void {
    if (task.access !== null && task.access.io !== null) this.#endIo(task);
  }

  /** A marker of the task. */
  mark(task: Actor, text: string): void {
    const unlinked = parseUnlinkMark(text);
    if (unlinked !== null) this.#byPath.delete(unlinked);
    const mark = parseIoMark(text);
    if (mark === null || mark.pid !== task.leader.pid || mark.pages === 0) return;
    const known = this.#byPath.get(mark.path);
    const start = mark.write ? (known?.pages ?? 0) : 0;
    accessOf(task).io = {
      mark,
      object: known?.object ?? 0,
      next: start,
      fresh: start,
      end: start + mark.pages,
      at: this.#ts,
    };
    this.#reading.add(task);
  }

  // --- pages that come

  /** A page of page tables was charged for the task. */
  table(task: Actor, frame: number): void {
    if (task.access !== null && task.access.address >= 0) task.access.table = frame;
  }

  /** A user's page was charged: anonymous, or shared memory (page cache comes by {@link added}). */
  charged(task: Actor, frame: number, order: number, shmem: boolean, zeroed: boolean): void {
    const access = accessOf(task);
    if (access.io?.mark.write && (shmem || (access.address < 0 && !zeroed))) {
      this.#filled(task, access.io, frame, order);
      return;
    }
    const { address, code } = access;
    // A read fault makes no private page, unless out of swap: then it is not zeroed.
    const fault = address >= 0 && !(zeroed && (code & FAULT_WRITE) === 0);
    const page = Math.floor(address / PAGE_SIZE);
    if (shmem) {
      access.address = -1;
      this.#shared(task, access, frame, order, address, code);
      return;
    }
    const space = this.#spaceOf(task);
    if (!fault) {
      // get_user_pages(): the arguments of a program that is about to start, as a rule.
      this.faultOver(task);
      this.addressless++;
      access.held.push({ page: -1, frame, flags: ops.FLAG_WRITE });
      return;
    }
    access.address = -1;
    this.#noteTable(access, space, page);
    // Reading what was never written allocates nothing: such a page comes from swap.
    const write = (code & FAULT_WRITE) !== 0 || !space.pages.has(page);
    if (access.held.length > 0) {
      access.held.push({ page, frame, flags: write ? ops.FLAG_WRITE : 0 });
      return;
    }
    const first = page - (page % 2 ** order);
    for (let i = 0; i < 2 ** order; i++) this.#own(space, first + i, frame + i);
    this.#touch(task, first, write, 2 ** order);
  }

  /** A page came into the page cache. `write`: a system call is about to fill it. */
  added(task: Actor, frame: number, order: number, dev: number, ino: number, index: number, write: boolean): void {
    const access = accessOf(task);
    const { io } = access;
    // What is read once through is as long as what is read.
    const size = io !== null && io.mark.ino === ino && !io.mark.write ? io.end : 0;
    const object = this.#inode(dev, ino, size);
    const pages = 2 ** order;
    for (let i = 0; i < pages; i++) this.#place(frame + i, object, index + i);
    if (io !== null && io.mark.ino === ino && (io.object === 0 || io.object === object)) {
      io.object = object;
      if (index >= io.next) this.#ioReached(task, io, index + pages - 1);
      io.at = this.#ts;
      return;
    }
    const goesOn = access.addObject === object && access.addEnd === index;
    access.addObject = object;
    access.addEnd = index + pages;
    // Which page of those that come in a fault was after, only its mapping tells.
    const fault = access.address >= 0;
    const flags = write ? ops.FLAG_WRITE : fault || goesOn ? ops.FLAG_READAHEAD : 0;
    this.#row(ops.OP_FILE_ACCESS, task.id, object, index, pages, flags);
  }

  // --- pages that go

  /** A page left the page cache. */
  removed(task: Actor, frame: number): void {
    const object = this.#objectOf.get(frame);
    if (object === undefined) {
      if (!reclaims(task)) this.unknownDeletes++;
      return;
    }
    const index = this.#pageOf.get(frame)!;
    this.#forget(frame);
    if (!reclaims(task)) this.#run(ops.OP_TRUNCATE, task.kernel ? 0 : task.id, object, index);
  }

  /** A charged page of a user was freed, by whomever. */
  freed(task: Actor, frame: number, order: number): void {
    for (let at = frame; at < frame + 2 ** order; at++) this.#freedOne(task, at);
  }

  /** The frame was given back because its charge had failed: the attempt stands, and the next fault tells more. */
  failed(frame: number): void {
    const page = this.#pageOf.get(frame);
    const spaces = this.#spaces.get(frame);
    if (page !== undefined && spaces !== undefined)
      for (const space of spaces instanceof Set ? spaces : [spaces])
        if (space.pages.get(page) === frame) space.pages.delete(page);
    this.#forget(frame);
  }

  /** A page of page tables goes: so did everything that it could map. */
  tableFreed(task: Actor, frame: number): void {
    const table = this.#tables.get(frame);
    if (table === undefined) return;
    this.#tables.delete(frame);
    const { space, region } = table;
    if (!space.live || reclaims(task) || task.leader.access?.space !== space) return;
    const first = region * 2 ** TABLE_SHIFT;
    for (let page = first; page < first + 2 ** TABLE_SHIFT; page++) {
      if (space.pages.get(page) !== ABSENT) continue;
      space.pages.delete(page);
      this.#run(ops.OP_ANON_FREE, task.id, 0, page);
    }
  }

  // --- tasks

  /** After the row of a fork that makes a process: the child has its parent's pages. */
  forked(parent: Actor, child: Actor): void {
    const from = parent.leader.access?.space;
    if (from == null || !from.live) return;
    const space: Space = { pages: new Map(from.pages), nowhere: from.nowhere, owner: child, live: true };
    accessOf(child).space = space;
    for (const [page, frame] of space.pages) if (frame !== ABSENT) this.#own(space, page, frame);
  }

  /** After the row of an exec: what was held is the new program's. */
  execed(task: Actor): void {
    const access = accessOf(task.leader);
    this.#end(access);
    this.#release(task, accessOf(task));
  }

  /** The task is gone, and, if it leads its process, so is its memory. */
  exited(task: Actor): void {
    if (task.access === null) return;
    this.#reading.delete(task);
    if (task.leader === task) this.#end(task.access);
    task.access = null;
  }

  /** Writes what is not yet written. */
  endRun(): void {
    const op = this.#runOp;
    if (op === 0) return;
    this.#runOp = 0;
    this.written[op]!++;
    this.#sink.append(
      this.#runTs,
      this.#runCpu,
      op,
      this.#runTask,
      0,
      this.#runObject,
      this.#runIndex,
      this.#runCount,
      0,
      0,
      null,
    );
  }

  /** The end of the recording. */
  finish(): void {
    for (const task of [...this.#reading]) this.#endIo(task);
    this.endRun();
  }

  // --- private memory

  #spaceOf(task: Actor): Space {
    const access = accessOf(task.leader);
    access.space ??= { pages: new Map(), nowhere: 0, owner: task.leader, live: true };
    return access.space;
  }

  /** The address space is gone, with all that it had. */
  #end(access: TaskAccess): void {
    const { space } = access;
    if (space === null) return;
    access.space = null;
    space.live = false;
    for (const frame of space.pages.values()) {
      const spaces = this.#spaces.get(frame);
      if (spaces instanceof Set) spaces.delete(space);
      else if (spaces === space) this.#forget(frame);
    }
    space.pages.clear();
  }

  #own(space: Space, page: number, frame: number): void {
    space.pages.set(page, frame);
    const before = this.#spaces.get(frame);
    if (before === undefined || this.#pageOf.get(frame) !== page) this.#spaces.set(frame, space);
    else if (before instanceof Set) before.add(space);
    else if (before !== space) this.#spaces.set(frame, new Set([before, space]));
    this.#pageOf.set(frame, page);
  }

  #noteTable(access: TaskAccess, space: Space, page: number): void {
    if (access.table !== 0) this.#tables.set(access.table, { space, region: Math.floor(page / 2 ** TABLE_SHIFT) });
    access.table = 0;
  }

  #touch(task: Actor, page: number, write: boolean, count = 1): void {
    this.#row(ops.OP_ANON_TOUCH, task.id, 0, page, count, write ? ops.FLAG_WRITE : 0);
  }

  #release(task: Actor, access: TaskAccess): void {
    const { held } = access;
    access.held = [];
    const space = this.#spaceOf(task);
    for (const { page, frame, flags } of held) {
      const at = page >= 0 ? page : NOWHERE + space.nowhere++;
      this.#own(space, at, frame);
      this.#touch(task, at, (flags & ops.FLAG_WRITE) !== 0);
    }
  }

  #freedOne(task: Actor, frame: number): void {
    const spaces = this.#spaces.get(frame);
    const page = this.#pageOf.get(frame);
    this.#forget(frame);
    if (spaces === undefined || page === undefined) return;
    const taken = reclaims(task);
    for (const space of spaces instanceof Set ? spaces : [spaces]) {
      if (!space.live || space.pages.get(page) !== frame) continue;
      if (taken) {
        space.pages.set(page, ABSENT);
        continue;
      }
      space.pages.delete(page);
      const owner = task.leader.access?.space === space ? task : space.owner;
      if (owner.exited) continue;
      this.#fillGap(space, owner, page);
      this.#run(ops.OP_ANON_FREE, owner.id, 0, page);
    }
  }

  /** Swapped-out pages between two that go together went with them. */
  #fillGap(space: Space, owner: Actor, page: number): void {
    if (this.#runOp !== ops.OP_ANON_FREE || this.#runTask !== owner.id) return;
    const from = this.#runIndex + this.#runCount;
    if (page <= from || page - from > 2 ** TABLE_SHIFT) return;
    for (let at = from; at < page; at++) if (space.pages.get(at) !== ABSENT) return;
    for (let at = from; at < page; at++) {
      space.pages.delete(at);
      this.#run(ops.OP_ANON_FREE, owner.id, 0, at);
    }
  }

  #forget(frame: number): void {
    this.#spaces.delete(frame);
    this.#pageOf.delete(frame);
    this.#objectOf.delete(frame);
  }

  // --- files

  #place(frame: number, object: number, index: number): void {
    this.#spaces.delete(frame);
    this.#objectOf.set(frame, object);
    this.#pageOf.set(frame, index);
  }

  #new(type: number, name: string, pages = 0): number {
    this.endRun();
    this.written[ops.OP_OBJECT_NEW]!++;
    const id = ++this.objects;
    this.#sink.append(this.#ts, this.#cpu, ops.OP_OBJECT_NEW, 0, 0, id, pages, type, 0, 0, name);
    return id;
  }

  /** The file of this device and inode; `pages` is its size, 0: not known. */
  #inode(dev: number, ino: number, pages: number): number {
    let inodes = this.#byInode.get(dev);
    if (inodes === undefined) {
      inodes = new Map();
      this.#byInode.set(dev, inodes);
    }
    let object = inodes.get(ino);
    if (object === undefined) {
      const name = `${Math.floor(dev / 2 ** 20)}:${dev % 2 ** 20}:${ino.toString(16)}`;
      object = this.#new(dev === BDEV ? ops.OBJECT_BLOCK : ops.OBJECT_FILE, name, pages);
      inodes.set(ino, object);
    }
    return object;
  }

  /** The object at a path that a marker names; made as shared memory, of which no other line tells. */
  #atPath(path: string): Named {
    let named = this.#byPath.get(path);
    if (named === undefined) {
      named = { object: this.#new(ops.OBJECT_SHMEM, path), pages: 0 };
      this.#byPath.set(path, named);
    }
    return named;
  }

  /** A page of tmpfs that a write(2) is about to fill: the next one of the file. */
  #filled(task: Actor, io: Io, frame: number, order: number): void {
    // A fault before it was on the buffer.
    this.faultOver(task);
    if (io.object === 0) io.object = this.#atPath(io.mark.path).object;
    for (let i = 0; i < 2 ** order; i++) this.#place(frame + i, io.object, io.fresh++);
    if (io.fresh > io.next) this.#ioReached(task, io, io.fresh - 1);
    io.at = this.#ts;
  }

  /** A page of shared memory was charged. */
  #shared(task: Actor, access: TaskAccess, frame: number, order: number, address: number, code: number): void {
    const pages = 2 ** order;
    const mapping = address >= 0 ? this.#marks.find(task.leader.pid, address) : null;
    if (mapping?.as === 'shared') {
      const page = Math.floor(address / PAGE_SIZE);
      this.#noteTable(access, this.#spaceOf(task), page);
      const index = this.#fileFault(task, mapping, page, code);
      this.#place(frame, this.#atPath(mapping.path!).object, index);
      return;
    }
    this.unnamed++;
    if (access.unnamed === 0) access.unnamed = this.#new(ops.OBJECT_SHMEM, `unnamed shared memory of pid ${task.pid}`);
    const index = access.unnamedPages;
    access.unnamedPages += pages;
    for (let i = 0; i < pages; i++) this.#place(frame + i, access.unnamed, index + i);
    const how = address >= 0 ? ops.FLAG_FAULT : 0;
    const write = address < 0 || code & FAULT_WRITE ? ops.FLAG_WRITE : 0;
    this.#row(ops.OP_FILE_ACCESS, task.id, access.unnamed, index, pages, how | write);
  }

  /** A fault in a mapping of a file. Answers the page offset in it. */
  #fileFault(task: Actor, mapping: MarkedMapping, page: number, code: number): number {
    const index = page - Math.floor(mapping.start / PAGE_SIZE);
    const flags = ops.FLAG_FAULT | (code & FAULT_WRITE ? ops.FLAG_WRITE : 0) | (code & FAULT_FETCH ? ops.FLAG_EXEC : 0);
    this.#row(ops.OP_FILE_ACCESS, task.id, this.#atPath(mapping.path!).object, index, 1, flags);
    return index;
  }

  /** The system calls up to the one that has page `index` have begun. */
  #ioReached(task: Actor, io: Io, index: number): void {
    const flags = io.mark.write ? ops.FLAG_WRITE : 0;
    while (io.next <= index && io.next < io.end) {
      const count = Math.min(IO_PAGES - (io.next % IO_PAGES), io.end - io.next);
      this.#row(ops.OP_FILE_ACCESS, task.id, io.object, io.next, count, flags);
      io.next += count;
    }
    const named = this.#byPath.get(io.mark.path);
    if (named === undefined) this.#byPath.set(io.mark.path, { object: io.object, pages: io.end });
    else named.pages = Math.max(named.pages, io.end);
  }

  /** A read or write is over: what it has not shown was there. */
  #endIo(task: Actor): void {
    const access = task.access!;
    const io = access.io!;
    access.io = null;
    this.#reading.delete(task);
    // No page of the file came in, now or before: its pages are from before the recording, and paid for.
    if (io.object === 0) this.unseenReads++;
    else this.#ioReached(task, io, io.end - 1);
  }

  // --- rows

  #row(op: number, task: number, object: number, index: number, count: number, flags: number): void {
    this.endRun();
    this.written[op]!++;
    this.#sink.append(this.#ts, this.#cpu, op, task, 0, object, index, count, flags, 0, null);
  }

  /** Pages that go one by one, and in order. */
  #run(op: number, task: number, object: number, index: number): void {
    const goesOn =
      this.#runOp === op &&
      this.#runTask === task &&
      this.#runObject === object &&
      this.#runIndex + this.#runCount === index;
    if (goesOn) {
      this.#runCount++;
      return;
    }
    this.endRun();
    this.#runOp = op;
    this.#runTs = this.#ts;
    this.#runCpu = this.#cpu;
    this.#runTask = task;
    this.#runObject = object;
    this.#runIndex = index;
    this.#runCount = 1;
  }
}

/** the device of block devices' own page cache */
const BDEV = 3;

function accessOf(task: Actor): TaskAccess {
  task.access ??= {
    space: null,
    address: -1,
    code: 0,
    table: 0,
    held: [],
    io: null,
    unnamed: 0,
    unnamedPages: 0,
    addObject: 0,
    addEnd: 0,
  };
  return task.access;
}

/** What it frees, the recorded kernel took: in reclaim, or from a process that was killed. */
function reclaims(task: Actor): boolean {
  return task.inReclaim || (task.kernel && /^(?:kswapd|oom_reaper|khugepaged|kcompactd)/.test(task.comm));
}
