/**
 * Recordings made up for the suites, one of each format: eight tasks at a time that are forked, fault on anonymous memory and on files,
 * read files, and exit after some two hundred events. At the end all of them have exited and every page is freed, so that such a
 * recording can follow itself.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { Bytes, FAULTS, PerfBuilder } from '../test/trace/perf-data-builder.ts';
import { Random } from './random.ts';

const TASKS = 8;
const CPUS = 2;
/** Short-lived tasks have seven digits, the first 2: whoever repeats a recording can give them others (see memory.ts). */
export const FIRST_PID = 2_000_000;
const FIRST_PFN = 0x10000;
const FILES = 64;
const FILE_PAGES = 1 << 12;
const HEAP = 0x55d000000;
const HEAP_PAGES = 1 << 18;
const LIFE = 200;
const GFP_ANON = 'GFP_HIGHUSER_MOVABLE|__GFP_ZERO';
const GFP_FILE = 'GFP_HIGHUSER_MOVABLE|__GFP_NORETRY|__GFP_NOWARN';
/** The first line's time, in µs. */
const BEGIN = 10_000_000;

interface Task {
  pid: number;
  cpu: number;
  left: number;
  /** next page of the heap */
  heap: number;
  frames: number[];
}

/** What a format makes of what happens. A page is its number, a time µs. */
interface Writer {
  begin(): void;
  fork(at: number, by: Task, child: Task): void;
  exit(at: number, task: Task): void;
  anon(at: number, task: Task, page: number, pfn: number): void;
  /** a page that is read; pfn 0: it was there already */
  file(at: number, task: Task, file: number, index: number, pfn: number): void;
  free(at: number, task: Task, pfn: number): void;
  /** lines or records so far */
  lines: number;
  end(): void;
}

/** Runs the tasks until the writer has about `lines` lines, then to their end. */
function play(out: Writer, lines: number): void {
  const random = new Random(5);
  const free: number[] = [];
  const cached = new Map<number, number>();
  const init: Task = { pid: 1, cpu: 0, left: 0, heap: HEAP, frames: [] };
  const tasks: Task[] = [];
  let pids = FIRST_PID;
  let pfns = FIRST_PFN;
  let at = BEGIN;
  const take = () => free.pop() ?? pfns++;
  const give = (task: Task, pfn: number) => {
    out.free(at++, task, pfn);
    free.push(pfn);
  };
  const exit = (task: Task) => {
    for (const pfn of task.frames) give(task, pfn);
    out.exit(at++, task);
    tasks.splice(tasks.indexOf(task), 1);
  };
  out.begin();
  while (out.lines < lines) {
    while (tasks.length < TASKS) {
      const left = random.runLength(LIFE);
      const child = { pid: pids++, cpu: random.below(CPUS), left, heap: HEAP + random.below(1 << 16), frames: [] };
      out.fork(at++, init, child);
      tasks.push(child);
    }
    const task = tasks[random.below(TASKS)]!;
    for (let run = Math.min(task.left, random.runLength(16)); run > 0; run--, task.left--) {
      at += 2;
      if (random.bits() & 1) {
        const pfn = take();
        task.frames.push(pfn);
        out.anon(at, task, task.heap++, pfn);
      } else {
        const file = random.below(FILES);
        const index = random.below(FILE_PAGES);
        const key = file * FILE_PAGES + index;
        const there = cached.has(key);
        if (!there) cached.set(key, take());
        out.file(at, task, file, index, there ? 0 : cached.get(key)!);
      }
    }
    if (task.left <= 0) exit(task);
  }
  for (const task of tasks.slice()) exit(task);
  for (const pfn of cached.values()) give(init, pfn);
  out.end();
}

/** A text file, written in large pieces. */
class Text {
  lines = 0;
  bytes = 0;
  readonly #fd: number;
  #parts: string[] = [];

  constructor(path: string) {
    this.#fd = openSync(path, 'w');
  }

  line(text: string): void {
    this.lines++;
    if (this.#parts.push(text) === 1 << 14) this.#write();
  }

  #write(): void {
    if (this.#parts.length > 0) this.bytes += writeSync(this.#fd, `${this.#parts.join('\n')}\n`);
    this.#parts = [];
  }

  end(): void {
    this.#write();
    closeSync(this.#fd);
  }
}

const seconds = (at: number) => `${Math.floor(at / 1e6)}.${String(at % 1e6).padStart(6, '0')}`;
const hex = (n: number) => n.toString(16);
const comm = (task: Task) => (task.pid === 1 ? 'init' : 'worker');
const inode = (file: number) => 0x2000 + file;

class FtraceText extends Text implements Writer {
  event(at: number, task: Task, text: string): void {
    const who = `${comm(task)}-${String(task.pid).padEnd(7)}`.padStart(24);
    this.line(`${who} (${String(task.pid).padStart(7)}) [00${task.cpu}] ..... ${seconds(at).padStart(12)}: ${text}`);
  }

  begin(): void {
    this.line('# tracer: nop');
    this.line('#           TASK-PID       TGID    CPU#  |||||  TIMESTAMP  FUNCTION');
  }

  fork(at: number, by: Task, child: Task): void {
    this.event(
      at,
      by,
      `sched_process_fork: comm=${comm(by)} pid=${by.pid} child_comm=${comm(child)} child_pid=${child.pid}`,
    );
  }

  exit(at: number, task: Task): void {
    this.event(at, task, `sched_process_exit: comm=${comm(task)} pid=${task.pid} prio=120`);
  }

  anon(at: number, task: Task, page: number, pfn: number): void {
    this.event(at, task, `page_fault_user: address=0x${hex(page)}008 ip=0x460c48 error_code=0x6`);
    this.#alloc(at, task, pfn, GFP_ANON);
  }

  file(at: number, task: Task, file: number, index: number, pfn: number): void {
    if (pfn === 0) {
      this.event(at, task, `page_fault_user: address=0x7f${hex(index).padStart(7, '0')}008 ip=0x460c48 error_code=0x4`);
      return;
    }
    this.#alloc(at, task, pfn, GFP_FILE);
    const where = `dev 254:0 ino ${hex(inode(file))} pfn=0x${hex(pfn)} ofs=${index * 4096} order=0`;
    this.event(at, task, `mm_filemap_add_to_page_cache: ${where}`);
  }

  #alloc(at: number, task: Task, pfn: number, gfp: string): void {
    const page = hex(0x12345678 + pfn * 64).padStart(16, '0');
    const text = `page=${page} pfn=0x${hex(pfn)} order=0 migratetype=1 gfp_flags=${gfp}`;
    this.event(at, task, `mm_page_alloc: ${text}`);
  }

  free(at: number, task: Task, pfn: number): void {
    this.event(at, task, `mm_page_free: page=000000001d839b0e pfn=0x${hex(pfn)} order=0`);
  }
}

/** Files that every task maps, one after the other. */
const MAPPED = 0x7f0000000;
const pathOf = (file: number) => `/usr/lib/libpart${file}.so`;

class PerfText extends Text implements Writer {
  event(at: number, task: Task, name: string, text: string): void {
    const who = `${comm(task).padStart(16)} ${`${task.pid}/${task.pid}`.padEnd(15)}`;
    this.line(`${who} [00${task.cpu}] ${seconds(at).padStart(12)}: ${name.padStart(36)} ${text}`);
  }

  record(at: number, task: Task, text: string): void {
    const who = `${comm(task).padStart(16)} ${`${task.pid}/${task.pid}`.padEnd(15)}`;
    this.line(`${who} [00${task.cpu}] ${seconds(at).padStart(12)}: PERF_RECORD_${text}`);
  }

  begin(): void {}

  fork(at: number, by: Task, child: Task): void {
    this.record(at, by, `FORK(${child.pid}:${child.pid}):(${by.pid}:${by.pid})`);
    this.record(at, child, `COMM exec: ${comm(child)}:${child.pid}/${child.pid}`);
    const heap = `[0x${hex(HEAP)}000(0x${hex(HEAP_PAGES)}000) @ 0 00:00 0 0]`;
    this.record(at, child, `MMAP2 ${child.pid}/${child.pid}: ${heap}: rw-p [heap]`);
    for (let file = 0; file < 4; file++) {
      const where = `[0x${hex(MAPPED + file * FILE_PAGES)}000(0x${hex(FILE_PAGES)}000) @ 0 fe:00 ${inode(file)} 0]`;
      this.record(at, child, `MMAP2 ${child.pid}/${child.pid}: ${where}: r-xp ${pathOf(file)}`);
    }
  }

  exit(at: number, task: Task): void {
    this.record(at, task, `EXIT(${task.pid}:${task.pid}):(1:1)`);
  }

  anon(at: number, task: Task, page: number, pfn: number): void {
    this.#fault(at, task, `${hex(page)}008`, 6);
    this.#alloc(at, task, pfn, GFP_ANON);
  }

  file(at: number, task: Task, file: number, index: number, pfn: number): void {
    this.#fault(at, task, `${hex(MAPPED + (file % 4) * FILE_PAGES + index)}010`, 4);
    if (pfn === 0) return;
    this.#alloc(at, task, pfn, GFP_FILE);
    const where = `dev 254:0 ino ${hex(inode(file))} pfn=0x${hex(pfn)} ofs=${index * 4096} order=0               0`;
    this.event(at, task, 'filemap:mm_filemap_add_to_page_cache:', where);
  }

  #fault(at: number, task: Task, address: string, code: number): void {
    this.event(
      at,
      task,
      'exceptions:page_fault_user:',
      `address=0x${address} ip=0x460c48 error_code=0x${code}               0`,
    );
    this.event(at, task, 'page-faults:', `    ${address}`);
  }

  #alloc(at: number, task: Task, pfn: number, gfp: string): void {
    const text = `page=0x${hex(pfn)} pfn=0x${hex(pfn)} order=0 migratetype=1 gfp_flags=${gfp}               0`;
    this.event(at, task, 'kmem:mm_page_alloc:', text);
  }

  free(at: number, task: Task, pfn: number): void {
    this.event(at, task, 'kmem:mm_page_free:', `page=0x${hex(pfn)} pfn=0x${hex(pfn)} order=0               0`);
  }
}

/** What docs/record's light script prints. */
class BpftraceText extends Text implements Writer {
  readonly #named = new Set<number>();

  event(at: number, task: Task, name: string, rest: string): void {
    this.line(`${name},${at * 1000},${task.cpu},${task.pid},${task.pid},1,${rest}`);
  }

  begin(): void {
    this.line('memcharge,1,light');
  }

  fork(at: number, by: Task, child: Task): void {
    this.event(at, by, 'fork', `${child.pid},0,${comm(child)}`);
  }

  exit(at: number, task: Task): void {
    this.event(at, task, 'exit', comm(task));
  }

  anon(at: number, task: Task, page: number): void {
    this.event(at, task, 'anon', `0,597,6,${hex(page)}008,${comm(task)}`);
  }

  file(at: number, task: Task, file: number, index: number): void {
    const ino = inode(file);
    if (!this.#named.has(file)) this.event(at, task, 'name', `266338304,${ino},libpart${file}.so`);
    this.#named.add(file);
    const address = hex(MAPPED + file * FILE_PAGES + index);
    this.event(at, task, 'file', `0,596,4,${address}abc,71,266338304,${ino},7,${index},0,${comm(task)}`);
  }

  free(): void {}
}

/** perf.data of page faults with mappings, as `perf record -d` writes it. */
class PerfData implements Writer {
  lines = 0;
  readonly #path: string;
  readonly #builder = new PerfBuilder([FAULTS]);
  readonly #bytes = new Bytes();

  constructor(path: string) {
    this.#path = path;
  }

  #add(record: Buffer): void {
    this.lines++;
    this.#bytes.raw(record);
    if (this.lines % 1024 === 0) this.#bytes.raw(this.#builder.round());
  }

  #where(at: number, task: Task) {
    return { time: at * 1000, pid: task.pid, cpu: task.cpu };
  }

  begin(): void {}

  fork(at: number, by: Task, child: Task): void {
    this.#add(this.#builder.fork(this.#where(at, by), child.pid, child.pid, by.pid));
    this.#add(this.#builder.comm(this.#where(at, child), child.pid, child.pid, comm(child), true));
    this.#add(this.#builder.mmap2(this.#where(at, child), HEAP, HEAP_PAGES, '[heap]'));
    for (let file = 0; file < 4; file++) {
      const start = MAPPED + file * FILE_PAGES;
      const of = { major: 254, inode: inode(file), prot: 5 };
      this.#add(this.#builder.mmap2(this.#where(at, child), start, FILE_PAGES, pathOf(file), of));
    }
  }

  exit(at: number, task: Task): void {
    this.#add(this.#builder.exit(this.#where(at, task), task.pid));
  }

  anon(at: number, task: Task, page: number): void {
    this.#add(this.#builder.sample(FAULTS, this.#where(at, task), { page }));
  }

  file(at: number, task: Task, file: number, index: number): void {
    const page = MAPPED + (file % 4) * FILE_PAGES + index;
    this.#add(this.#builder.sample(FAULTS, this.#where(at, task), { page }));
  }

  free(): void {}

  end(): void {
    const fd = openSync(this.#path, 'w');
    writeSync(fd, this.#builder.file([this.#bytes.done()]));
    closeSync(fd);
  }
}

/** Accesses alone, one after the other: what the tables and cache traces have. */
abstract class Accesses extends Text implements Writer {
  abstract access(at: number, object: number, index: number): void;

  begin(): void {}
  fork(): void {}
  exit(): void {}
  free(): void {}

  anon(at: number, task: Task, page: number): void {
    this.access(at, FILES + (task.pid % TASKS), page - HEAP);
  }

  file(at: number, _task: Task, file: number, index: number): void {
    this.access(at, file, index);
  }
}

class NdjsonText extends Accesses {
  override begin(): void {
    this.line('{"ts":1000,"op":"mkdir","cgroup":2,"object":1,"name":"/a"}');
    this.line('{"ts":1000,"op":"spawn","task":1,"cgroup":2,"index":42,"name":"reader"}');
    for (let object = 1; object <= FILES + TASKS; object++)
      this.line(`{"ts":1000,"op":"object_new","object":${object},"count":1,"name":"/f${object}"}`);
  }

  access(at: number, object: number, index: number): void {
    this.line(
      `{"ts":${at * 1000},"op":"file_access","task":1,"object":${object + 1},"index":${index},"count":1,"flags":"fault"}`,
    );
  }
}

class CsvText extends Accesses {
  override begin(): void {
    this.line('ts,op,cpu,task,cgroup,object,index,count,flags,name');
    this.line('1000,mkdir,0,0,2,1,0,0,,/a');
    this.line('1000,spawn,0,1,2,0,42,0,,reader');
    for (let object = 1; object <= FILES + TASKS; object++)
      this.line(`1000,object_new,0,0,0,${object},0,1,,/f${object}`);
  }

  access(at: number, object: number, index: number): void {
    this.line(`${at * 1000},file_access,1,1,0,${object + 1},${index},1,fault,`);
  }
}

class CacheCsvText extends Accesses {
  override begin(): void {
    this.line('time,id,size');
  }

  access(at: number, object: number, index: number): void {
    this.line(`${Math.floor(at / 1e6)},${object * 2 ** 20 + (index >> 2)},${1 + (index % 4) * 4096}`);
  }
}

/** Records of 24 bytes. */
class OracleGeneral implements Writer {
  lines = 0;
  readonly #fd: number;
  readonly #bytes = Buffer.alloc(24 << 12);
  #used = 0;

  constructor(path: string) {
    this.#fd = openSync(path, 'w');
  }

  begin(): void {}
  fork(): void {}
  exit(): void {}
  free(): void {}

  anon(at: number, task: Task, page: number): void {
    this.file(at, task, FILES + (task.pid % TASKS), page - HEAP);
  }

  file(at: number, _task: Task, file: number, index: number): void {
    const bytes = this.#bytes;
    const from = this.#used;
    bytes.writeUInt32LE(Math.floor(at / 1e6), from);
    bytes.writeBigUInt64LE(BigInt(file * 2 ** 20 + (index >> 2)), from + 4);
    bytes.writeUInt32LE(1 + (index % 4) * 4096, from + 12);
    bytes.writeBigInt64LE(-1n, from + 16);
    this.lines++;
    this.#used = from + 24;
    if (this.#used === bytes.length) this.#write();
  }

  #write(): void {
    writeSync(this.#fd, this.#bytes, 0, this.#used);
    this.#used = 0;
  }

  end(): void {
    this.#write();
    closeSync(this.#fd);
  }
}

/** By the name of the format: who writes a recording of it. `memcg-probes` has a file of its own (capture.ts). */
const WRITERS: ReadonlyMap<string, new (path: string) => Writer> = new Map<string, new (path: string) => Writer>([
  ['perf-data', PerfData],
  ['perf-script', PerfText],
  ['ftrace', FtraceText],
  ['bpftrace', BpftraceText],
  ['oracle-general', OracleGeneral],
  ['cache-csv', CacheCsvText],
  ['ndjson', NdjsonText],
  ['csv', CsvText],
]);

/** Writes a recording of `format` with about `lines` lines or records to `path`; answers how many there are. */
export function writeRecording(format: string, path: string, lines: number): number {
  const Made = WRITERS.get(format);
  if (Made === undefined) throw new Error(`no recording is made up for ${format}`);
  const writer = new Made(path);
  play(writer, lines);
  return writer.lines;
}
