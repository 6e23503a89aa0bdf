/**
 * The `perf-script` importer: text that `perf script` printed of a recording with page faults and their addresses, in whatever
 * selection of fields (`-F`), to rows by access.
 */
import { AddressSpaces, FAULT_BEGIN, FAULT_END, FAULT_TRACE, NO, UNKNOWN, YES } from './address-space.ts';
import type { TraceSink } from './arrow-writer.ts';
import type { ByteSource } from './byte-source.ts';
import { decimalAt, decimalField, field, fieldAt, fieldUpTo } from './ftrace.ts';
import type { ImportOptions, ImportReport, ImportResult } from './import-report.ts';
import { InputError } from './input-error.ts';
import { LineReader } from './lines.ts';
import {
  ALLOC_READ,
  ALLOC_READAHEAD,
  ALLOC_UNKNOWN,
  ALLOC_WRITE,
  CGROUP_ATTACH,
  CGROUP_MKDIR,
  CGROUP_RMDIR,
  emptyMmap,
  FILEMAP_ADD,
  FILEMAP_DELETE,
  MM_PAGE_ALLOC,
  PAGE_FAULT_TRACE,
  PAGE_FAULTS,
  PAGE_FAULTS_END,
  PERF_EVENTS,
  RECLAIM_BEGIN,
  RECLAIM_END,
  RSS_MEMBERS,
  RSS_STAT,
  SCHED_EXEC,
  SCHED_EXIT,
  SCHED_FORK,
} from './perf-events.ts';
import { emptyPerfLine, hex, hexEnd, integer, isDigit, parsePerfLine } from './perf-line.ts';

const SECOND = 1e9;
/** Further back than perf's ordering of events can miss: the file is not one recording in its order. */
const MAX_STEP_BACK = SECOND;
const PAGE = 4096;
/** `%16llx` */
const ADDRESS_WIDTH = 16;
const HEAD_LINES = 500;
const SOME_LINES = 1000;

/** A line of `perf script` with an event name as perf has them: lines of ftrace have other columns. */
export function looksLikePerfScript(head: string): boolean {
  const line = emptyPerfLine();
  for (let start = 0, n = 0; n < HEAD_LINES; n++) {
    const end = head.indexOf('\n', start);
    if (end === -1) return false;
    if (parsePerfLine(head, start, end, line)) {
      if (line.isRecord || eventCode(line.event) !== 0 || /^[\w-]+:[\w-]+(:[a-zA-Z]+)?$/.test(line.event)) return true;
    }
    start = end + 1;
  }
  return false;
}

/** See {@link Importer}. Takes one file. */
export async function importPerfScript(
  sources: readonly ByteSource[],
  sink: TraceSink,
  { cgroups, onProgress }: ImportOptions = {},
): Promise<ImportResult> {
  const [source] = sources;
  if (source === undefined || sources.length > 1)
    throw new InputError(`${sources.map((s) => s.path).join(', ')}: perf script text is one file a recording`);
  const reader = new LineReader(source);
  const text = new PerfScript(source.path, sink, new AddressSpaces(sink, cgroups));
  for (;;) {
    const chunk = await reader.next();
    if (chunk === null) break;
    text.lines(chunk.text, chunk.firstLine);
    onProgress?.({ bytes: source.bytesRead, bytesTotal: source.bytesTotal, lines: reader.lines });
  }
  const report = text.finish(reader.lines);
  return { report, highWater: report.high_water };
}

class PerfScript {
  readonly #path: string;
  readonly #sink: TraceSink;
  readonly #spaces: AddressSpaces;
  readonly #line = emptyPerfLine();
  readonly #mmap = emptyMmap();
  /** event name as printed → code; grows by what is seen */
  readonly #codes = new Map<string, number>();
  #base = -1;
  #last = 0;
  #events = 0;
  #strange = 0;
  #firstStrange = 0;
  #chains = 0;
  #withoutCpu = 0;
  #micros = true;

  constructor(path: string, sink: TraceSink, spaces: AddressSpaces) {
    this.#path = path;
    this.#sink = sink;
    this.#spaces = spaces;
  }

  /** Takes whole lines. Throws InputError. */
  lines(text: string, firstLine: number): void {
    let number = firstLine;
    for (let start = 0; start < text.length; number++) {
      const newline = text.indexOf('\n', start);
      let end = newline;
      if (end > start && text.charCodeAt(end - 1) === 13) end--;
      const first = text.charCodeAt(start);
      if (end === start || first === 35) {
        // empty, or a comment
      } else if (first === 9) {
        this.#chains++;
      } else if (parsePerfLine(text, start, end, this.#line)) {
        this.#event(text, end, number);
      } else if (isChain(text, start, end)) {
        this.#chains++;
      } else {
        if (this.#events === 0)
          throw new InputError(
            `${this.#path}:${number}: not a line of perf script (comm pid/tid [cpu] time: event: …, with pid or tid and time)`,
          );
        if (this.#strange++ === 0) this.#firstStrange = number;
        // Nor is the rest worth reading.
        if (this.#strange > SOME_LINES && this.#strange > this.#events) this.#refuse(number);
      }
      start = newline + 1;
    }
  }

  /** The end of the text. Throws InputError where there was none. */
  finish(lines: number): ImportReport {
    if (this.#events === 0) throw new InputError(`${this.#path}: no event in this file`);
    if (this.#strange > this.#events) this.#refuse(lines);
    const rest = this.#spaces.finish();
    if (this.#chains > 0) rest.ignored['call chains, lines of'] = this.#chains;
    rest.ambiguous['lines that are no event'] = this.#strange;
    if (this.#withoutCpu > 0) rest.missing.push('the CPU (perf script -F +cpu)');
    if (this.#micros) rest.unknowable.push('time below a microsecond (perf script --ns prints it)');
    const files = [{ path: this.#path, lines, events: this.#events }];
    return { format: 'perf-script', files, lines, ...rest };
  }

  #event(text: string, end: number, number: number): void {
    const line = this.#line;
    const spaces = this.#spaces;
    this.#events++;
    const { event } = line;
    if (line.isRecord && line.seconds === 0 && line.nanos === 0) {
      spaces.atStart();
    } else {
      let code = 0;
      if (!line.isRecord) {
        code = this.#codeOf(event);
        if (code === 0) {
          spaces.count(event, false);
          return;
        }
      }
      if (this.#base < 0) {
        this.#base = line.seconds;
        this.#sink.setBase(BigInt(line.seconds) * 1_000_000_000n);
      }
      const ts = (line.seconds - this.#base) * SECOND + line.nanos;
      if (ts < this.#last - MAX_STEP_BACK)
        throw new InputError(
          `${this.#path}:${number}: time goes backwards by ${((this.#last - ts) / SECOND).toFixed(6)} s`,
        );
      if (ts > this.#last) this.#last = ts;
      if (this.#micros && line.nanos % 1000 !== 0) this.#micros = false;
      if (!line.hasCpu) this.#withoutCpu++;
      if (code !== 0) {
        const rest = text.slice(line.fields, end);
        spaces.at(ts, line.cpu, line.pid, line.tid, line.comm === '' ? null : line.comm, cgroupOf(rest));
        spaces.count(event, this.#fields(code, rest));
        return;
      }
      spaces.at(ts, line.cpu, line.pid, line.tid, null, null);
    }
    spaces.count(event, this.#record(event, text.slice(line.fields, end)));
  }

  #refuse(lines: number): never {
    throw new InputError(
      `${this.#path}:${this.#firstStrange}: not a line of perf script, and neither are most others (${this.#strange} of ${lines})`,
    );
  }

  #codeOf(event: string): number {
    let code = this.#codes.get(event);
    if (code === undefined) {
      code = eventCode(event);
      if (this.#codes.size < 4096) this.#codes.set(Buffer.from(event, 'latin1').toString('latin1'), code);
    }
    return code;
  }

  /** The fields of an event. False: one that is needed is missing. */
  #fields(code: number, rest: string): boolean {
    const spaces = this.#spaces;
    switch (code) {
      case PAGE_FAULTS:
      case PAGE_FAULTS_END: {
        const page = pageOfSample(rest);
        if (Number.isNaN(page)) {
          spaces.faultWithoutAddress();
          return false;
        }
        spaces.fault(code === PAGE_FAULTS ? FAULT_BEGIN : FAULT_END, page, writeOf(rest), UNKNOWN);
        return true;
      }
      case PAGE_FAULT_TRACE: {
        const address = fieldAt(rest, 'address=0x');
        const error = fieldAt(rest, 'error_code=0x');
        if (address === -1 || error === -1) return false;
        const page = hex(rest, address, hexEnd(rest, address, rest.length), 3);
        const bits = hex(rest, error, hexEnd(rest, error, rest.length), 0);
        if (Number.isNaN(page) || Number.isNaN(bits)) return false;
        // X86_PF_PROT, X86_PF_WRITE (arch/x86/include/asm/trap_pf.h)
        spaces.fault(FAULT_TRACE, page, bits % 4 >= 2 ? YES : NO, bits % 2 === 1 ? YES : NO);
        return true;
      }
      case FILEMAP_ADD:
      case FILEMAP_DELETE:
        return this.#filemap(code, rest);
      case MM_PAGE_ALLOC: {
        const pfn = frameOf(rest);
        if (Number.isNaN(pfn)) return false;
        spaces.pageAlloc(pfn, allocationOf(rest));
        return true;
      }
      case RSS_STAT: {
        const name = field(rest, 'type=');
        const member = name === null ? decimalField(rest, 'member=') : (RSS_MEMBERS.get(name) ?? -1);
        if (Number.isNaN(member)) return false;
        spaces.rssStat(member, fieldAt(rest, 'curr=1') !== -1);
        return true;
      }
      case SCHED_FORK: {
        const child = decimalField(rest, 'child_pid=');
        const comm = fieldUpTo(rest, 'child_comm=', 'child_pid=');
        if (!(child > 0) || comm === null) return false;
        spaces.forkEvent(child, comm);
        return true;
      }
      case SCHED_EXEC:
        spaces.execEvent(fieldUpTo(rest, 'filename=', 'pid=') ?? '');
        return true;
      case SCHED_EXIT:
        spaces.exitEvent();
        return true;
      case CGROUP_MKDIR:
      case CGROUP_RMDIR: {
        const path = fieldAt(rest, 'path=');
        const id = decimalField(rest, 'id=');
        if (path === -1 || !(id > 0)) return false;
        spaces.cgroupMade(decimalField(rest, 'root='), id, pathAt(rest, path), code === CGROUP_MKDIR);
        return true;
      }
      case CGROUP_ATTACH: {
        const path = fieldUpTo(rest, 'dst_path=', 'pid=');
        const pid = decimalField(rest, 'pid=');
        if (path === null || !(pid > 0)) return false;
        spaces.cgroupAttached(decimalField(rest, 'dst_root='), decimalField(rest, 'dst_id='), path, pid);
        return true;
      }
      case RECLAIM_BEGIN:
      case RECLAIM_END:
        spaces.reclaim(code === RECLAIM_BEGIN);
        return true;
      default:
        return false;
    }
  }

  /** `dev 254:0 ino 3facb pfn=0x1edfdb ofs=2633728 order=0`; older kernels print no order. */
  #filemap(code: number, rest: string): boolean {
    const dev = fieldAt(rest, 'dev ');
    const ino = fieldAt(rest, 'ino ');
    const ofs = decimalField(rest, 'ofs=');
    if (dev === -1 || ino === -1 || !(ofs >= 0 && ofs < 2 ** 63)) return false;
    const colon = rest.indexOf(':', dev);
    const major = integer(rest, dev, colon);
    const minor = decimalAt(rest, colon + 1);
    const to = hexEnd(rest, ino, rest.length);
    const low = hex(rest, ino, to, 0);
    if (!(major >= 0 && minor >= 0) || Number.isNaN(low)) return false;
    const inode = Number.isSafeInteger(low) ? low : BigInt(`0x${rest.slice(ino, to)}`);
    const order = fieldAt(rest, 'order=') === -1 ? 0 : decimalField(rest, 'order=');
    if (!(order >= 0 && order < 20)) return false;
    const index = Math.floor(ofs / PAGE);
    if (code === FILEMAP_ADD) this.#spaces.filemapAdd(major, minor, inode, index, 2 ** order, frameOf(rest));
    else this.#spaces.filemapDelete(major, minor, inode, index, 2 ** order);
    return true;
  }

  /** A PERF_RECORD_ line. False: not used. */
  #record(name: string, rest: string): boolean {
    const spaces = this.#spaces;
    switch (name) {
      case 'PERF_RECORD_COMM': {
        const exec = rest.startsWith(' exec: ');
        const from = exec ? 7 : 2;
        const colon = rest.lastIndexOf(':');
        const slash = rest.indexOf('/', colon);
        const pid = integer(rest, colon + 1, slash);
        const tid = integer(rest, slash + 1, rest.length);
        if (colon < from || Number.isNaN(pid) || Number.isNaN(tid)) return false;
        spaces.commRecord(pid, tid, rest.slice(from, colon), exec);
        return true;
      }
      case 'PERF_RECORD_FORK':
      case 'PERF_RECORD_EXIT': {
        // (pid:tid):(parent's pid:tid)
        const a = rest.indexOf(':');
        const b = rest.indexOf('):(', a);
        const c = rest.indexOf(':', b + 3);
        const pid = integer(rest, 1, a);
        const tid = integer(rest, a + 1, b);
        const parentPid = integer(rest, b + 3, c);
        const parentTid = integer(rest, c + 1, rest.length - 1);
        if (b === -1 || !(tid > 0) || !(pid > 0) || Number.isNaN(parentPid) || Number.isNaN(parentTid)) return false;
        if (name === 'PERF_RECORD_FORK') spaces.forkRecord(pid, tid, parentPid, parentTid);
        else spaces.exitRecord(tid);
        return true;
      }
      case 'PERF_RECORD_MMAP':
      case 'PERF_RECORD_MMAP2':
        return this.#mapping(rest);
      case 'PERF_RECORD_CGROUP': {
        const at = fieldAt(rest, 'cgroup: ');
        const space = rest.indexOf(' ', at);
        const id = at === -1 || space === -1 ? Number.NaN : Number(rest.slice(at, space));
        if (!(id > 0)) return false;
        spaces.cgroupRecord(id, rest.slice(space + 1));
        return true;
      }
      case 'PERF_RECORD_LOST':
      case 'PERF_RECORD_LOST_SAMPLES': {
        const count = decimalField(rest, 'lost ');
        spaces.countLost(name, count > 0 ? count : 1);
        return true;
      }
      default:
        return false;
    }
  }

  /** ` PID/TID: [0xADDRESS(0xLENGTH) @ OFFSET MAJ:MIN INODE GENERATION]: rw-p PATH`; `<BUILD ID>` in place of the inode; MMAP: `r PATH`. */
  #mapping(rest: string): boolean {
    const record = this.#mmap;
    const slash = rest.indexOf('/');
    const colon = rest.indexOf(': [0x', slash);
    const open = rest.indexOf('(0x', colon);
    const close = rest.indexOf(') @ ', open);
    const bracket = rest.indexOf(']: ', close);
    if (slash === -1 || colon === -1 || open === -1 || close === -1 || bracket === -1) return false;
    record.pid = integer(rest, 1, slash);
    record.tid = integer(rest, slash + 1, colon);
    record.start = hex(rest, colon + 5, open, 3);
    record.pages = Math.ceil(hex(rest, open + 3, close, 0) / PAGE);
    const offset = rest.startsWith('0x', close + 4) ? close + 6 : close + 4;
    const offsetEnd = hexEnd(rest, offset, bracket);
    record.offset = hex(rest, offset, offsetEnd, 3);
    if (Number.isNaN(record.start + record.pages + record.offset + record.pid + record.tid)) return false;
    record.major = -1;
    const prot = bracket + 3;
    const space = rest.indexOf(' ', prot);
    if (space === -1) return false;
    record.path = rest.slice(space + 1);
    record.write = rest.charCodeAt(prot + 1) === 119;
    record.exec = rest.charCodeAt(prot + 2) === 120;
    record.shared = rest.charCodeAt(prot + 3) === 115;
    if (offsetEnd < bracket && rest.charCodeAt(offsetEnd + 1) !== 60) {
      const minor = rest.indexOf(':', offsetEnd);
      const inode = rest.indexOf(' ', minor);
      const generation = rest.indexOf(' ', inode + 1);
      if (minor === -1 || inode === -1 || generation === -1 || generation > bracket) return false;
      record.major = hex(rest, offsetEnd + 1, minor, 0);
      record.minor = hex(rest, minor + 1, inode, 0);
      const number = rest.slice(inode + 1, generation);
      if (!/^\d{1,20}$/.test(number)) return false;
      record.inode = number.length > 15 ? exact(BigInt(number)) : Number(number);
      record.generation = Number(rest.slice(generation + 1, bracket));
      if (!(record.major <= 0xffffffff && record.minor <= 0xffffffff && record.generation >= 0)) return false;
    }
    this.#spaces.mmapRecord(record);
    return true;
  }
}

/** Code of an event by its printed name, which may end in modifiers (`:u`, `:ppp`); 0: none that is used. */
export function eventCode(event: string): number {
  const code = PERF_EVENTS.get(event);
  if (code !== undefined) return code;
  const colon = event.lastIndexOf(':');
  if (colon === -1 || !/^[a-zA-Z]+$/.test(event.slice(colon + 1))) return 0;
  return PERF_EVENTS.get(event.slice(0, colon)) ?? 0;
}

/**
 * The page of a sample's address, which is printed as `%16llx` after the event; an instruction pointer alone comes after one more
 * space. NaN where there is none.
 */
function pageOfSample(rest: string): number {
  let from = 0;
  while (from < rest.length && rest.charCodeAt(from) === 32) from++;
  const to = hexEnd(rest, from, rest.length);
  if (to === from || (to < rest.length && rest.charCodeAt(to) !== 32)) return Number.NaN;
  // Trailing fields alone, such as `(/usr/bin/dso)`, begin with no number; an ip has its own width.
  if (to === ADDRESS_WIDTH + 1) return Number.NaN;
  return hex(rest, from, to, 3);
}

/** perf's data source, where it is printed: of page faults it is known on few machines. */
function writeOf(rest: string): number {
  const op = rest.indexOf('|OP ');
  if (op === -1) return UNKNOWN;
  if (rest.startsWith('STORE', op + 4)) return YES;
  return rest.startsWith('LOAD', op + 4) ? NO : UNKNOWN;
}

function allocationOf(rest: string): number {
  if (rest.includes('__GFP_WRITE')) return ALLOC_WRITE;
  if (rest.includes('__GFP_NORETRY')) return ALLOC_READAHEAD;
  return rest.includes('__GFP_MOVABLE') || rest.includes('GFP_HIGHUSER_MOVABLE') ? ALLOC_READ : ALLOC_UNKNOWN;
}

/** `pfn=0x1edfdb`, before 5.13 `pfn=2023387`. */
function frameOf(rest: string): number {
  const at = fieldAt(rest, 'pfn=');
  if (at === -1) return Number.NaN;
  return rest.startsWith('0x', at) ? hex(rest, at + 2, hexEnd(rest, at + 2, rest.length), 0) : decimalAt(rest, at);
}

/** `-F +cgroup` prints the path last; other paths come with `=` or `(` before them. */
function cgroupOf(rest: string): string | null {
  if (rest.length <= ADDRESS_WIDTH) return null;
  const at = rest.lastIndexOf(' /');
  return at === -1 || rest.indexOf(')', at) !== -1 ? null : rest.slice(at + 1);
}

/** A path up to the sample's address, which is printed after it with at least two spaces. */
function pathAt(rest: string, at: number): string {
  const end = rest.indexOf('  ', at);
  return end === -1 ? rest.slice(at) : rest.slice(at, end);
}

/** An entry of a call chain whose tab has become spaces: an address, then a symbol. */
function isChain(text: string, start: number, end: number): boolean {
  let at = start;
  while (at < end && text.charCodeAt(at) === 32) at++;
  if (at === start) return false;
  const to = hexEnd(text, at, end);
  return to > at && (to === end || text.charCodeAt(to) === 32) && (to - at > 4 || isDigit(text.charCodeAt(at)));
}

function exact(inode: bigint): number | bigint {
  return inode <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(inode) : inode;
}
