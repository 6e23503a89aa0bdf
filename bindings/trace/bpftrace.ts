/**
 * What the bpftrace scripts in docs/record print, as text or in bpftrace's JSON (`-f json`), to rows: accesses from page faults, page
 * cache and system calls, tasks and cgroups; with the full script charges and uncharges by frame as well.
 */
import * as ops from '../../assembly/replay/ops.ts';
import type { TraceSink } from './arrow-writer.ts';
import {
  type BpftraceLine,
  cpuOf,
  emptyBpftraceLine,
  eventOf,
  LineProblem,
  parseBpftraceLine,
  timeOf,
} from './bpftrace-line.ts';
import type { ByteSource } from './byte-source.ts';
import { CpuOrder } from './cpu-order.ts';
import { ExitedTasks } from './exited.ts';
import { FrameTable } from './frames.ts';
import { keep } from './ftrace.ts';
import { hexGfp } from './gfp.ts';
import type { ImportOptions, ImportReport, ImportResult } from './import-report.ts';
import { InputError } from './input-error.ts';
import { LineReader } from './lines.ts';
import { RowWriter } from './row-writer.ts';
import { PAGE_SIZE, ROOT_CGROUP } from './schema.ts';
import { isPath } from './table.ts';

const SECOND = 1e9;
/** How far buffers of different CPUs may be apart, ns; and how many lines wait at most: more than one buffer of 16 MiB holds. */
const ORDER_NS = 5 * SECOND;
const ORDER_LINES = 1 << 18;
const U32_MAX = 0xffffffff;

// include/linux/mm_types.h: enum fault_flag
const FAULT_FLAG_WRITE = 0x01;
const FAULT_FLAG_TRIED = 0x20;
const FAULT_FLAG_USER = 0x40;
const FAULT_FLAG_UNSHARE = 0x400;
/** bit 0 of x86's error code: the page was there */
const ERROR_PRESENT = 1;
// include/linux/mm.h
const VM_SHARED = 0x8;
const VM_HUGETLB = 0x400000;
/** VM_IO, VM_DONTEXPAND, VM_PFNMAP, VM_MIXEDMAP: memory of a device, a ring of perf, the vdso; none of it is charged as a page */
const VM_SPECIAL = 0x4000 | 0x40000 | 0x400 | 0x10000000;
const CLONE_VM = 0x100;
/** faults on memory of an exec that is under way, until it is done */
const MAX_PENDING = 4096;
const STRUCT_PAGE = 64;
/** where struct page 0 is without KASLR, its low 52 bits */
const VMEMMAP = 0xa000000000000;

interface Task {
  id: number;
  tid: number;
  pid: number;
  /** kernel id of its cgroup */
  cgid: number;
  /** dense id of it */
  cgroup: number;
  exited: boolean;
  /** touches of the memory that an exec under way builds: page number, and whether it writes */
  pending: number[];
  /** object and page of its latest fault on a file, as long as only page-cache adds follow */
  faultObject: number;
  faultPage: number;
  /** what the frame that it charges next belongs to */
  heldPage: number;
  heldKind: number;
  heldObject: number;
  heldIndex: number;
  /** it charged, and no later line has shown that it left the charge */
  charged: boolean;
  openBatch: boolean;
}

interface FileObject {
  id: number;
  generation: number;
  tmpfs: boolean;
}

/** The first line of the scripts, or bpftrace's JSON. */
export function looksLikeBpftrace(head: string): boolean {
  return (
    /^(Attaching \d+ probes\.\.\.\n|[ \t]*\n)*(memcharge,1,(light|full)|cgroup,0,0,0,0,0,\d+,\/)/.test(head) ||
    isJson(head)
  );
}

function isJson(head: string): boolean {
  return /^\s*\{"type": "(attached_probes|printf|lost_events)", "data": /.test(head);
}

/** See {@link Importer}. */
export async function importBpftrace(
  sources: readonly ByteSource[],
  sink: TraceSink,
  options: ImportOptions,
): Promise<ImportResult> {
  const importer = new Importer(sink, options);
  const bytesTotal = sources.some((s) => s.bytesTotal === 0) ? 0 : sources.reduce((sum, s) => sum + s.bytesTotal, 0);
  const readers = sources.map((source) => new LineReader(source));
  for (const reader of readers) {
    await importer.read(reader, () => {
      let bytes = 0;
      let lines = 0;
      for (const r of readers) {
        bytes += r.source.bytesRead;
        lines += r.lines;
      }
      options.onProgress?.({ bytes, bytesTotal, lines });
    });
  }
  return importer.finish();
}

class Importer {
  readonly #rows: RowWriter;
  readonly #order = new CpuOrder(ORDER_NS, ORDER_LINES);
  readonly #line: BpftraceLine = emptyBpftraceLine();
  readonly #tasks = new Map<number, Task>();
  readonly #exited = new ExitedTasks<Task>();
  /** kernel id → dense id */
  readonly #cgroups = new Map<number, number>([[1, ROOT_CGROUP]]);
  /** kernel id → path, of cgroups from before the recording */
  readonly #paths = new Map<number, string>();
  readonly #objects = new Map<string, FileObject>();
  readonly #names = new Map<string, string>();
  readonly #frames = new FrameTable();
  readonly #files: ImportReport['files'] = [];
  readonly #understood = new Map<string, number>();
  readonly #ignored = new Map<string, number>();
  readonly #lost = new Map<string, number>();
  #path = '';
  #version = '';
  #vmemmap = VMEMMAP;
  /** the run of pages that consecutive lines add or delete, written when it ends */
  #runOp = 0;
  #runTask = 0;
  #runObject = 0;
  #runIndex = 0;
  #runCount = 0;
  #runFlags = 0;
  #runSeconds = 0;
  #runNanos = 0;
  #runCpu = 0;
  /** the lines that may go on with the run: event, file, thread, cgroup */
  #runEvent = '';
  #runInode = '';
  #runTid = 0;
  #runCgid = 0;
  /** time of the line at hand */
  #seconds = 0;
  #nanos = 0;
  #tried = 0;
  #foreign = 0;
  #unknownCgroups = 0;
  #unknownFiles = 0;
  #readahead = 0;
  #unmatched = 0;
  #splits = 0;

  constructor(sink: TraceSink, options: ImportOptions) {
    this.#rows = new RowWriter(sink, options.cgroups);
  }

  /** Reads a file to its end. Throws InputError. */
  async read(reader: LineReader, progress: () => void): Promise<void> {
    this.#path = reader.path;
    let events = 0;
    let json: boolean | null = null;
    for (let chunk = await reader.next(); chunk !== null; chunk = await reader.next()) {
      const { text } = chunk;
      json ??= isJson(text);
      let { firstLine: number } = chunk;
      for (let at = 0; at < text.length; number++) {
        const end = text.indexOf('\n', at);
        const stop = end > at && text.charCodeAt(end - 1) === 13 ? end - 1 : end;
        if (stop > at) {
          if (json) events += this.#json(text.slice(at, stop), number);
          else events += this.#text(text, at, stop, number);
        }
        at = end + 1;
      }
      progress();
    }
    // Several files are parts of one recording in their order, so that the next one's lines come later.
    while (this.#order.next(true)) this.#take();
    this.#flushRun();
    if (events === 0) throw new InputError(`${reader.path}: no event of the bpftrace scripts in this file`);
    this.#files.push({ path: reader.path, lines: reader.lines, events });
  }

  finish(): ImportResult {
    const report: ImportReport = {
      format: 'bpftrace',
      files: this.#files,
      lines: this.#files.reduce((sum, file) => sum + file.lines, 0),
      understood: Object.fromEntries([...this.#understood].sort()),
      ignored: Object.fromEntries([...this.#ignored].sort()),
      ...this.#rows.report,
      lost: Object.fromEntries(this.#lost),
      ambiguous: {
        'cgroups from before the recording, their path not known': this.#unknownCgroups,
        'lines that came too late for the order of time': this.#order.late,
        'faults on the memory of another process': this.#foreign,
        'faults tried again, counted once': this.#tried,
        'deletes of files that nobody used before': this.#unknownFiles,
        'pages taken to be read ahead, because they came with a fault': this.#readahead,
        'uncharges without a charge': this.#unmatched,
        'huge folios split': this.#splits,
      },
      unknowable: [
        'pages that a fault maps besides its own (fault-around), and accesses of pages that are mapped already',
        'read(2) and write(2) of what is in the page cache already, and whether a page that comes in is being read or written',
        'huge pages behind a fault: it counts as one page',
        'what munmap of a file unmaps; of private memory it is followed',
        ...(this.#version === 'full'
          ? ['slab memory, which is charged by the byte', 'stacks, page tables and other kernel pages apart']
          : []),
      ],
      missing: this.#version === '' ? ['the header line of the script'] : [],
    };
    return { report, highWater: report.high_water };
  }

  #text(text: string, start: number, end: number, number: number): number {
    const event = eventOf(text, start, end);
    if (event === null) {
      this.#other(text.slice(start, end), number);
      return 0;
    }
    if (event === 'cgroup') {
      this.#place(text.slice(start, end), number);
      return 0;
    }
    try {
      const time = timeOf(text, start, end);
      this.#order.add(cpuOf(text, end), time, text.slice(start, end), number);
    } catch (error) {
      this.#refuse(error, event, number);
    }
    while (this.#order.next(false)) this.#take();
    return 1;
  }

  #json(text: string, number: number): number {
    let message: { type?: unknown; data?: unknown } | null;
    try {
      message = JSON.parse(Buffer.from(text, 'latin1').toString('utf8'));
    } catch {
      throw new InputError(`${this.#path}:${number}: not JSON, as bpftrace -f json prints it`);
    }
    const data = message?.data;
    if (message?.type === 'printf' && typeof data === 'string') {
      const line = Buffer.from(data, 'utf8').toString('latin1');
      let events = 0;
      for (let at = 0; at < line.length; ) {
        let end = line.indexOf('\n', at);
        if (end === -1) end = line.length;
        if (end > at) events += this.#text(line, at, end, number);
        at = end + 1;
      }
      return events;
    }
    if (message?.type === 'lost_events') {
      const count = Number((data as { events?: unknown } | null)?.events);
      this.#count(this.#lost, 'events', Number.isSafeInteger(count) && count > 0 ? count : 1);
    } else this.#count(this.#ignored, `bpftrace: ${String(message?.type).slice(0, 40)}`);
    return 0;
  }

  /** A line that is no event: bpftrace's own words. */
  #other(text: string, number: number): void {
    const header = /^memcharge,(\d+),(light|full)(?:,([0-9a-f]{1,16}))?$/.exec(text);
    const lost = /^Lost (\d{1,15}) events$/i.exec(text);
    if (header !== null) {
      if (header[1] !== '1')
        throw new InputError(`${this.#path}:${number}: a script of version ${header[1]}, known is 1`);
      this.#version = header[2]!;
      if (header[3] !== undefined) this.#vmemmap = Number.parseInt(header[3].slice(-13), 16);
    } else if (lost !== null) this.#count(this.#lost, 'events', Number(lost[1]));
    else if (/^Attaching \d+ probes?\.\.\.$/.test(text) || /^\s*$/.test(text))
      this.#count(this.#ignored, 'words of bpftrace');
    else if (text.startsWith('@')) this.#count(this.#ignored, 'maps of bpftrace');
    else if (/^[a-z]{1,16},\d+,\d+,\d+,\d+,\d+/.test(text))
      this.#count(this.#ignored, text.slice(0, text.indexOf(',')));
    else if (
      this.#files.length === 0 &&
      this.#version === '' &&
      this.#understood.size === 0 &&
      this.#order.waiting === 0
    )
      throw new InputError(`${this.#path}:${number}: not a line of the bpftrace scripts`);
    // A command or a file may have a line break in its name.
    else this.#count(this.#ignored, 'lines that are no event');
  }

  /** `cgroup,0,0,0,0,0,ID,PATH`: a cgroup from before the recording, as find(1) prints it. */
  #place(text: string, number: number): void {
    try {
      parseBpftraceLine(text, this.#line);
    } catch (error) {
      this.#refuse(error, 'cgroup', number);
    }
    const path = keep(this.#line.text).replace(/\/+$/, '') || '/';
    if (!isPath(path))
      throw new InputError(`${this.#path}:${number}: cgroup: field path: ${JSON.stringify(path)} is not a path`);
    if (path !== '/') this.#paths.set(this.#line.values[5]!, path);
    this.#count(this.#understood, 'cgroup');
  }

  #refuse(error: unknown, event: string, number: number): never {
    if (error instanceof LineProblem) throw new InputError(`${this.#path}:${number}: ${event}: ${error.message}`);
    throw error;
  }

  #count(map: Map<string, number>, key: string, by = 1): void {
    const known = map.get(key);
    // Names come from a view of the chunk.
    if (known === undefined) {
      if (map.size < 1000) map.set(keep(key), by);
    } else map.set(key, known + by);
  }

  /** Takes the line that the order gave out. */
  #take(): void {
    const order = this.#order;
    const line = this.#line;
    try {
      parseBpftraceLine(order.text, line);
    } catch (error) {
      this.#refuse(error, order.text.slice(0, order.text.indexOf(',')), order.line);
    }
    const { event, values } = line;
    this.#count(this.#understood, event);
    if (event === 'name') {
      this.#names.set(keep(line.inode), keep(line.text));
      return;
    }
    if (event === 'end') return;
    const pages = event === 'add' || event === 'delete' || event === 'write';
    const goesOn =
      pages &&
      event === this.#runEvent &&
      line.inode === this.#runInode &&
      values[3] === this.#runTid &&
      values[4] === this.#runCgid;
    if (!goesOn) this.#flushRun();
    this.#seconds = Math.floor(order.time / SECOND);
    this.#nanos = order.time - this.#seconds * SECOND;
    this.#rows.at(this.#seconds, this.#nanos, values[1]!);
    const task = this.#task();
    if (!pages) task.faultObject = 0;
    const uncharges = event === 'uncharge' || event === 'kuncharge';
    if (task.openBatch && !uncharges) {
      task.openBatch = false;
      this.#rows.row(ops.OP_UNCHARGE_FLUSH, task.id, 0, 0, 0, 0, 0, 0, null);
    }
    if (task.charged && !uncharges && event !== 'alloc' && event !== 'refused') {
      task.charged = false;
      const user = (event === 'anon' || event === 'file') && (values[6]! & FAULT_FLAG_USER) !== 0;
      this.#rows.row(user ? ops.OP_RETURN_TO_USER : ops.OP_PROGRESS, task.id, 0, 0, 0, 0, 0, 0, null);
    }
    this.#dispatch(event, task);
  }

  #dispatch(event: string, task: Task): void {
    switch (event) {
      case 'anon':
        this.#anonFault(task);
        return;
      case 'file':
        this.#fileFault(task);
        return;
      case 'add':
        this.#add(task);
        return;
      case 'delete':
        this.#delete(task);
        return;
      case 'write':
        this.#write(task);
        return;
      case 'unmap':
        this.#unmap(task);
        return;
      case 'fork':
        this.#fork(task);
        return;
      case 'exec':
        this.#exec(task);
        return;
      case 'exit':
        this.#exit(task);
        return;
      case 'mkdir':
      case 'rmdir':
      case 'attach':
        this.#cgroupEvent(event);
        return;
      default:
        this.#frameEvent(event, task);
    }
  }

  // --- tasks and cgroups

  /** The task of the line, introduced and moved as its cgroup id says. */
  #task(): Task {
    const { values, text, event } = this.#line;
    const cpu = values[1]!;
    const pid = values[2]!;
    // Every CPU has an idle task of its own, and all are 0.
    const tid = values[3] === 0 ? -1 - cpu : values[3]!;
    const cgid = values[4]!;
    const known = this.#tasks.get(tid);
    if (known !== undefined) {
      if (known.cgid !== cgid) this.#move(known, cgid);
      return known;
    }
    const named = ['anon', 'file', 'add', 'delete', 'write', 'exit'].includes(event);
    return this.#newTask(tid, pid, cgid, named ? keep(text) : '');
  }

  #newTask(tid: number, pid: number, cgid: number, comm: string): Task {
    // A rule of --cgroups speaks for those that the recording has in the root.
    const cgroup = cgid <= 1 ? 0 : this.#cgroup(cgid);
    const id = this.#rows.spawn(Math.max(0, tid), comm, cgroup);
    return this.#keepTask(id, tid, pid, cgid, this.#rows.lastPlace);
  }

  #keepTask(id: number, tid: number, pid: number, cgid: number, cgroup: number): Task {
    const task: Task = {
      id,
      tid,
      pid,
      cgid,
      cgroup,
      exited: false,
      pending: [],
      faultObject: 0,
      faultPage: 0,
      heldPage: -1,
      heldKind: 0,
      heldObject: 0,
      heldIndex: 0,
      charged: false,
      openBatch: false,
    };
    this.#tasks.set(tid, task);
    return task;
  }

  #exit(task: Task): void {
    if (task.exited) return;
    task.exited = true;
    this.#rows.row(ops.OP_EXIT, task.id, 0, 0, 0, 0, 0, 0, null);
    const oldest = this.#exited.add(task);
    if (oldest !== null && this.#tasks.get(oldest.tid) === oldest) this.#tasks.delete(oldest.tid);
  }

  #move(task: Task, cgid: number): void {
    task.cgid = cgid;
    if (task.exited) return;
    const cgroup = this.#cgroup(cgid);
    if (task.cgroup === cgroup) return;
    task.cgroup = cgroup;
    this.#rows.row(ops.OP_ATTACH, task.id, cgroup, 0, 0, 0, 0, 0, null);
  }

  /** Dense id of the cgroup with this kernel id. */
  #cgroup(cgid: number): number {
    const known = this.#cgroups.get(cgid);
    if (known !== undefined) return known;
    const path = this.#paths.get(cgid);
    if (path === undefined) this.#unknownCgroups++;
    const id = this.#existing(cgid, path ?? `/unknown-${cgid}`);
    this.#cgroups.set(cgid, id);
    return id;
  }

  #existing(cgid: number, path: string): number {
    const there = this.#rows.findCgroup(path);
    if (there !== 0) return there;
    const slash = path.lastIndexOf('/');
    const above = slash <= 0 ? '/' : path.slice(0, slash);
    let parent = this.#rows.findCgroup(above);
    if (parent === 0) {
      // Its own id, where the list of paths has it.
      let id = 0;
      for (const [known, at] of this.#paths) if (at === above) id = known;
      parent = id === 0 ? this.#rows.cgroupAt(above) : this.#cgroup(id);
    }
    return this.#rows.newCgroup(path, parent, cgid, ops.FLAG_EXISTING);
  }

  #cgroupEvent(event: string): void {
    const { values, text } = this.#line;
    const cgid = values[6]!;
    if (values[5] !== 0) {
      this.#count(this.#ignored, 'cgroups of version 1');
      return;
    }
    if (event === 'mkdir') {
      const path = keep(text);
      if (!isPath(path) || path === '/')
        throw new InputError(
          `${this.#path}:${this.#order.line}: mkdir: field path: ${JSON.stringify(path.slice(0, 80))} is not a path of a cgroup`,
        );
      const slash = path.lastIndexOf('/');
      const parent = this.#rows.cgroupAt(slash <= 0 ? '/' : path.slice(0, slash));
      this.#cgroups.set(cgid, this.#rows.newCgroup(path, parent, cgid, 0));
    } else if (event === 'rmdir') {
      const id = this.#cgroup(cgid);
      if (id !== ROOT_CGROUP) this.#rows.removeCgroup(id);
      this.#cgroups.delete(cgid);
    } else {
      const pid = values[7]!;
      for (const task of this.#tasks.values())
        if (task.pid === pid && !task.exited && task.cgid !== cgid) this.#move(task, cgid);
    }
  }

  #fork(task: Task): void {
    const { values, text } = this.#line;
    const child = values[5]!;
    const shares = (values[6]! & CLONE_VM) !== 0;
    // CLONE_THREAD: the child is in the parent's process.
    const pid = (values[6]! & 0x10000) !== 0 ? task.pid : child;
    const id = ++this.#rows.tasks;
    this.#rows.row(ops.OP_FORK, task.id, 0, id, child, 0, shares ? ops.FLAG_THREAD : 0, 0, keep(text));
    this.#keepTask(id, child, pid, task.cgid, task.cgroup);
  }

  #exec(task: Task): void {
    this.#rows.row(ops.OP_EXEC, task.id, 0, 0, 0, 0, 0, 0, keep(this.#line.text));
    const { pending } = task;
    for (let i = 0; i < pending.length; i += 2)
      this.#rows.row(ops.OP_ANON_TOUCH, task.id, 0, 0, pending[i]!, 1, pending[i + 1]!, 0, null);
    task.pending = [];
  }

  // --- faults

  #anonFault(task: Task): void {
    const { values } = this.#line;
    const flags = values[6]!;
    if ((flags & FAULT_FLAG_TRIED) !== 0) {
      this.#tried++;
      return;
    }
    const page = Math.floor(values[8]! / PAGE_SIZE);
    const write = (flags & (FAULT_FLAG_WRITE | FAULT_FLAG_UNSHARE)) !== 0 ? ops.FLAG_WRITE : 0;
    const owner = values[5]!;
    if (owner !== 0 && owner === task.pid) {
      // execve fills the stack of the memory to come; the event of the exec ends the old one.
      if (task.pending.length < MAX_PENDING) task.pending.push(page, write);
      return;
    }
    const whose = this.#owner(task, owner);
    this.#rows.row(ops.OP_ANON_TOUCH, whose.id, 0, 0, page, 1, write, 0, null);
  }

  /** The task whose memory a fault is on: ptrace and the like fault for others. */
  #owner(task: Task, owner: number): Task {
    if (owner === 0 || owner === task.pid) return task;
    this.#foreign++;
    return this.#tasks.get(owner) ?? this.#newTask(owner, owner, 1, '');
  }

  #fileFault(task: Task): void {
    const { values } = this.#line;
    const vmFlags = values[9]!;
    // No bit above 31 matters, and what is above 2^31 would be negative.
    if ((vmFlags & (VM_SPECIAL | VM_HUGETLB)) !== 0) {
      this.#count(
        this.#ignored,
        (vmFlags & VM_HUGETLB) !== 0 ? 'faults on hugetlb pages' : 'faults on memory of devices',
      );
      return;
    }
    const flags = values[6]!;
    if ((flags & FAULT_FLAG_TRIED) !== 0) {
      this.#tried++;
      return;
    }
    const rows = this.#rows;
    const whose = this.#owner(task, values[5]!);
    const object = this.#object(values[12]!, values[14] === 1).id;
    const page = values[13]!;
    const write = (flags & (FAULT_FLAG_WRITE | FAULT_FLAG_UNSHARE)) !== 0;
    task.faultObject = object;
    task.faultPage = page;
    if ((vmFlags & VM_SHARED) !== 0 || !write) {
      rows.row(
        ops.OP_FILE_ACCESS,
        whose.id,
        0,
        object,
        page,
        1,
        ops.FLAG_FAULT | (write ? ops.FLAG_WRITE : 0),
        0,
        null,
      );
      return;
    }
    // A copy of the file's page becomes private.
    if ((values[7]! & ERROR_PRESENT) !== 0) rows.row(ops.OP_UNMAP, whose.id, 0, object, page, 1, 0, 0, null);
    else rows.row(ops.OP_FILE_ACCESS, whose.id, 0, object, page, 1, ops.FLAG_READAHEAD, 0, null);
    rows.row(ops.OP_ANON_TOUCH, whose.id, 0, 0, Math.floor(values[8]! / PAGE_SIZE), 1, ops.FLAG_WRITE, 0, null);
  }

  /** The file of the line. `generation` −1: the line does not tell. */
  #object(generation: number, tmpfs: boolean): FileObject {
    const { inode } = this.#line;
    const known = this.#objects.get(inode);
    if (known !== undefined) {
      if (generation < 0 || known.generation === generation) return known;
      if (known.generation < 0) {
        known.generation = generation;
        return known;
      }
      // The inode number is another file's now.
      this.#flushRun();
      this.#rows.row(ops.OP_OBJECT_FREE, 0, 0, known.id, 0, 0, 0, 0, null);
    }
    this.#flushRun();
    const key = keep(inode);
    const [dev, number] = key.split(',');
    // Kernel-internal dev_t: 12 bits of major, 20 of minor.
    const at = `${Math.floor(Number(dev) / 2 ** 20)}:${Number(dev) % 2 ** 20}:${number}`;
    const name = this.#names.get(key);
    const id = this.#rows.newObject(
      tmpfs ? ops.OBJECT_SHMEM : ops.OBJECT_FILE,
      0,
      name === undefined || name === '' ? at : `${at} ${name}`,
    );
    const object = { id, generation, tmpfs };
    this.#objects.set(key, object);
    return object;
  }

  #unmap(task: Task): void {
    const { values } = this.#line;
    const pages = Math.ceil(values[6]! / PAGE_SIZE);
    const first = Math.floor(values[5]! / PAGE_SIZE);
    // The call itself refuses what is not aligned, empty or beyond the address space.
    if (values[5]! % PAGE_SIZE !== 0 || pages === 0 || pages > U32_MAX || first + pages > 2 ** 52) return;
    this.#rows.row(ops.OP_ANON_FREE, task.id, 0, 0, first, pages, 0, 0, null);
  }

  // --- page cache

  #add(task: Task): void {
    const { values } = this.#line;
    const page = values[7]!;
    const count = 1 << Math.min(values[8]!, 20);
    const object = this.#object(-1, false).id;
    if (task.faultObject !== object) {
      this.#run(ops.OP_FILE_ACCESS, task.id, object, page, count, 0);
      return;
    }
    // Brought in by the fault just before: its own page is in the trace already.
    const own = task.faultPage >= page && task.faultPage < page + count;
    if (own && count === 1) return;
    this.#readahead += own ? count - 1 : count;
    this.#run(ops.OP_FILE_ACCESS, task.id, object, page, count, ops.FLAG_READAHEAD);
  }

  #delete(task: Task): void {
    const { values, inode } = this.#line;
    const object = this.#objects.get(inode);
    if (object === undefined) {
      this.#unknownFiles++;
      return;
    }
    this.#run(ops.OP_TRUNCATE, task.id, object.id, values[7]!, 1 << Math.min(values[8]!, 20), 0);
  }

  #write(task: Task): void {
    const { values } = this.#line;
    const position = values[8]!;
    const length = values[9]!;
    if (length === 0 || position > 2 ** 52 || length > 2 ** 40) return;
    const first = Math.floor(position / PAGE_SIZE);
    const count = Math.floor((position + length - 1) / PAGE_SIZE) - first + 1;
    const object = this.#object(values[7]!, values[10] === 1).id;
    this.#run(ops.OP_FILE_ACCESS, task.id, object, first, count, ops.FLAG_WRITE);
  }

  /** Pages that come or go one by one are one row. */
  #run(op: number, task: number, object: number, index: number, count: number, flags: number): void {
    if (
      this.#runOp === op &&
      this.#runTask === task &&
      this.#runObject === object &&
      this.#runFlags === flags &&
      index === this.#runIndex + this.#runCount &&
      this.#runCount + count <= U32_MAX
    ) {
      this.#runCount += count;
      return;
    }
    this.#flushRun();
    this.#runOp = op;
    this.#runTask = task;
    this.#runObject = object;
    this.#runIndex = index;
    this.#runCount = count;
    this.#runFlags = flags;
    const { event, inode, values } = this.#line;
    this.#runSeconds = this.#seconds;
    this.#runNanos = this.#nanos;
    this.#runCpu = values[1]!;
    this.#runEvent = event;
    this.#runInode = inode;
    this.#runTid = values[3]!;
    this.#runCgid = values[4]!;
  }

  #flushRun(): void {
    if (this.#runOp === 0) return;
    // At the time of its first line: nothing was written since.
    this.#rows.at(this.#runSeconds, this.#runNanos, this.#runCpu);
    this.#rows.row(
      this.#runOp,
      this.#runTask,
      0,
      this.#runObject,
      this.#runIndex,
      this.#runCount,
      this.#runFlags,
      0,
      null,
    );
    this.#runOp = 0;
    this.#rows.at(this.#seconds, this.#nanos, this.#line.values[1]!);
  }

  // --- frames

  #frame(address: number): number {
    // Differences of the low 52 bits: both addresses have the same high ones.
    const pfn = Math.floor((address - this.#vmemmap) / STRUCT_PAGE);
    if (pfn < 0 || pfn >= 2 ** 36)
      throw new InputError(
        `${this.#path}:${this.#order.line}: ${this.#line.event}: ${address.toString(16)} is no struct page`,
      );
    return this.#frames.dense(pfn);
  }

  #frameEvent(event: string, task: Task): void {
    const { values } = this.#line;
    const rows = this.#rows;
    const frames = this.#frames;
    if (event === 'alloc') {
      const order = values[6]!;
      if (order <= 9) frames.allocated(frames.dense(values[5]! % 2 ** 36), order);
      return;
    }
    if (event === 'holds') {
      task.heldPage = values[5]!;
      const tmpfs = values[9] === 1;
      task.heldKind = tmpfs ? ops.KIND_SHMEM : ops.KIND_FILE;
      task.heldObject = this.#object(-1, tmpfs).id;
      task.heldIndex = values[8]!;
      return;
    }
    const frame = this.#frame(values[5]!);
    if (event === 'charge') this.#charge(task, frame);
    else if (event === 'refused') {
      const order = Math.max(0, frames.chargeOrder(frame));
      frames.uncharged(frame);
      rows.row(ops.OP_PAGE_FREE, task.id, 0, 0, frame, 0, order, 0, null);
    } else if (event === 'uncharge') this.#uncharge(task, frame);
    else if (event === 'kcharge') {
      const order = Math.min(values[6]!, 9);
      frames.kmemCharged(frame, order);
      this.#use(frame, order);
      const flags = order | (ops.KIND_KERNEL_OTHER << ops.FLAG_KIND_SHIFT) | ops.FLAG_BY_FRAME;
      rows.row(ops.OP_KMEM_CHARGE, task.id, 0, 0, frame, 0, flags, ops.GFP_KERNEL | ops.GFP_ACCOUNT, null);
      task.charged = true;
    } else if (event === 'kuncharge') {
      const order = frames.kmemOrder(frame);
      if (order < 0) {
        this.#unmatched++;
        return;
      }
      frames.kmemUncharged(frame);
      rows.row(ops.OP_KMEM_FREE, task.id, 0, 0, frame, 0, order | ops.FLAG_BY_FRAME, 0, null);
    } else if (event === 'migrate') {
      const to = this.#frame(values[6]!);
      const order = Math.max(0, frames.chargeOrder(frame));
      frames.uncharged(frame);
      frames.charged(to, order);
      this.#use(to, order);
      rows.row(ops.OP_MIGRATE, task.id, 0, 0, frame, to, order, 0, null);
    }
  }

  #charge(task: Task, frame: number): void {
    const { values } = this.#line;
    const held = task.heldPage === values[5];
    task.heldPage = -1;
    const order = this.#frames.allocOrder(frame);
    this.#frames.charged(frame, order);
    this.#use(frame, order);
    const kind = held ? task.heldKind : ops.KIND_ANON;
    this.#rows.row(
      ops.OP_CHARGE,
      task.id,
      this.#cgroup(values[6]!),
      held ? task.heldObject : 0,
      frame,
      held ? Math.min(task.heldIndex, U32_MAX) : 0,
      order | (kind << ops.FLAG_KIND_SHIFT),
      hexGfp(values[7]!),
      null,
    );
    task.charged = true;
  }

  #uncharge(task: Task, frame: number): void {
    const cgid = this.#line.values[6]!;
    const frames = this.#frames;
    const rows = this.#rows;
    task.openBatch = true;
    if (cgid === 0) {
      const order = Math.max(0, frames.kmemOrder(frame));
      if (frames.kmemOrder(frame) < 0) this.#unmatched++;
      frames.kmemUncharged(frame);
      rows.row(ops.OP_UNCHARGE, task.id, task.cgroup, 0, frame, 0, order, 0, null);
      this.#use(frame, order);
      return;
    }
    let order = frames.chargeOrder(frame);
    if (order < 0) {
      const head = frames.headOver(frame);
      if (head === 0) this.#unmatched++;
      else {
        const whole = frames.chargeOrder(head);
        rows.row(ops.OP_SPLIT, task.id, 0, 0, head, 0, whole, 0, null);
        frames.split(head, whole);
        this.#splits++;
      }
      order = 0;
    }
    frames.uncharged(frame);
    this.#use(frame, order);
    rows.row(ops.OP_UNCHARGE, task.id, this.#cgroup(cgid), 0, frame, 0, order, 0, null);
  }

  #use(frame: number, order: number): void {
    this.#frames.use(frame, order);
    if (this.#frames.highWater > this.#rows.pages) this.#rows.pages = this.#frames.highWater;
  }
}
