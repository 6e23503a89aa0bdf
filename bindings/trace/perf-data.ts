/**
 * The `perf-data` importer: perf.data itself, as `perf record` writes it to a file or to a pipe, compressed (`-z`) or not, to rows by
 * access. Records are put in the order of time as `perf script` does it.
 */
import { DamagedError } from '../codec/damaged.ts';
import { ZstdStream } from '../codec/zstd-decoder.ts';
import { ZSTD_MAGIC } from '../codec/zstd-format.ts';
import { AddressSpaces, FAULT_BEGIN, FAULT_END, FAULT_TRACE, NO, UNKNOWN, YES } from './address-space.ts';
import type { TraceSink } from './arrow-writer.ts';
import type { ByteSource } from './byte-source.ts';
import type { ImportOptions, ImportReport, ImportResult } from './import-report.ts';
import { InputError } from './input-error.ts';
import { type PerfAttr, parseAttr, resolveAttr, type SampleRest, u64, walkSample } from './perf-attr.ts';
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
  RECLAIM_BEGIN,
  RECLAIM_END,
  RSS_STAT,
  SCHED_EXEC,
  SCHED_EXIT,
  SCHED_FORK,
} from './perf-events.ts';
import { MAGIC, MAX_SECTION, openPerfFile, type PerfFile } from './perf-header.ts';
import { RecordWindow } from './record-window.ts';
import { parseTracingData, type TracepointField, type TracepointFormat } from './tracepoint-format.ts';

// PERF_RECORD_*: the kernel's, and from 64 on perf's own (tools/lib/perf/include/perf/event.h)
const MMAP = 1;
const LOST = 2;
const COMM = 3;
const EXIT = 4;
const FORK = 7;
const SAMPLE = 9;
const MMAP2 = 10;
const LOST_SAMPLES = 13;
const CGROUP = 19;
const FIRST_OF_PERF = 64;
const HEADER_ATTR = 64;
const HEADER_TRACING_DATA = 66;
const FINISHED_ROUND = 68;
const AUXTRACE = 71;
const COMPRESSED = 81;
const COMPRESSED2 = 83;
const NAMES: readonly (string | undefined)[] = [
  undefined,
  'MMAP',
  'LOST',
  'COMM',
  'EXIT',
  'THROTTLE',
  'UNTHROTTLE',
  'FORK',
  'READ',
  'SAMPLE',
  'MMAP2',
  'AUX',
  'ITRACE_START',
  'LOST_SAMPLES',
  'SWITCH',
  'SWITCH_CPU_WIDE',
  'NAMESPACES',
  'KSYMBOL',
  'BPF_EVENT',
  'CGROUP',
  'TEXT_POKE',
  'AUX_OUTPUT_HW_ID',
];

const MISC_CPUMODE = 7;
const MISC_KERNEL = 1;
const MISC_COMM_EXEC = 1 << 13;
const MISC_MMAP_BUILD_ID = 1 << 14;

const PROT_WRITE = 2;
const PROT_EXEC = 4;
const MAP_SHARED = 1;
// include/linux/gfp_types.h; these bits have had their places since 4.18
const GFP_MOVABLE = 0x8;
const GFP_WRITE = 0x1000;
const GFP_NORETRY = 0x10000;
const MEM_OP_LOAD = 2;
const MEM_OP_STORE = 4;

const U32 = 2 ** 32;
const PAGE = 4096;
const HEADER = 8;
const SECOND = 1e9;
const MAX_STEP_BACK = SECOND;
/** Records that wait for their turn: more than the buffers of most machines hold in a round. */
const WINDOW_BYTES = 1 << 26;
const MAX_IDS = 1 << 20;
/** Records of perf shrink by 10 to 100. */
const MAX_RATIO = 1000;

/** The beginning of perf.data, of whatever byte order and age. */
export function looksLikePerfData(head: string): boolean {
  return head.startsWith(MAGIC) || head.startsWith('2ELIFREP') || head.startsWith('PERFFILE');
}

/** See {@link Importer}. Takes one file. */
export async function importPerfData(
  sources: readonly ByteSource[],
  sink: TraceSink,
  { cgroups, onProgress }: ImportOptions = {},
): Promise<ImportResult> {
  const [source] = sources;
  if (source === undefined || sources.length > 1)
    throw new InputError(`${sources.map((s) => s.path).join(', ')}: perf.data is one file a recording`);
  const file = await openPerfFile(source);
  try {
    const data = new PerfData(file, sink, new AddressSpaces(sink, cgroups));
    await data.read(() =>
      onProgress?.({ bytes: source.bytesRead, bytesTotal: source.bytesTotal, lines: data.records }),
    );
    const report = data.finish();
    return { report, highWater: report.high_water };
  } finally {
    await file.close();
  }
}

class PerfData {
  readonly #path: string;
  readonly #file: PerfFile;
  readonly #sink: TraceSink;
  readonly #spaces: AddressSpaces;
  readonly #window: RecordWindow;
  readonly #attrs: PerfAttr[] = [];
  readonly #byId = new Map<number, PerfAttr>();
  #formats: ReadonlyMap<number, TracepointFormat>;
  readonly #sample: SampleRest = { rawAt: 0, rawSize: 0, memOp: 0, cgroup: 0 };
  readonly #mmap = emptyMmap();
  /** the samples of all events are laid out alike, so that one without an id is understood */
  #alike = true;
  /** all have their id at the same place */
  #sameId = true;

  records = 0;
  /** first time seen: the base, as two words */
  #baseHigh = -1;
  #baseLow = 0;
  #last = Number.NEGATIVE_INFINITY;
  /** offset in the file of the record at hand; 0 within a compressed one */
  #offset = 0;
  #flushTo = Number.NEGATIVE_INFINITY;

  readonly #zstd = new ZstdStream();
  #inflatedRest: Buffer = Buffer.alloc(0);
  #deflated = 0;
  #inflated = 0;
  #unknownIds = 0;
  #unreadable = 0;
  #unformatted = 0;

  constructor(file: PerfFile, sink: TraceSink, spaces: AddressSpaces) {
    this.#path = file.records.path;
    this.#file = file;
    this.#sink = sink;
    this.#spaces = spaces;
    this.#formats = file.formats;
    this.#window = new RecordWindow(WINDOW_BYTES, (bytes, at, size, ts) => this.#inOrder(bytes, at, size, ts));
    for (const { attr, ids } of file.attrs) this.#addAttr(attr, ids);
  }

  /** Reads all records. Throws InputError. */
  async read(between: () => void): Promise<void> {
    const stream = this.#file.records;
    let left = this.#file.size;
    let rest: Buffer = Buffer.alloc(0);
    while (left > 0) {
      const chunk = await stream.chunk(Math.min(left, Number.MAX_SAFE_INTEGER));
      if (chunk === null) {
        if (this.#file.size !== Number.POSITIVE_INFINITY || (rest.length > 0 && !this.#file.unfinished))
          throw new InputError(`${this.#path}: cut at byte ${stream.position}`);
        rest = Buffer.alloc(0);
        break;
      }
      left -= chunk.length;
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const start = stream.position - bytes.length;
      let at = 0;
      while (at + HEADER <= bytes.length) {
        const size = bytes.readUInt16LE(at + 6);
        if (size < HEADER) throw this.#error(start + at, `a record of ${size} bytes`);
        if (at + size > bytes.length) break;
        const type = bytes.readUInt32LE(at);
        const follows = this.#follows(type, bytes, at, size, start + at);
        if (follows === 0) {
          this.#offset = start + at;
          this.#take(bytes, at, size);
          at += size;
          continue;
        }
        // Data after the record that its size leaves out.
        const inHand = bytes.length - at - size;
        if (follows > left + inHand) throw this.#error(start + at, `a record with ${follows} bytes of data after it`);
        this.records++;
        if (type === HEADER_TRACING_DATA) {
          if (this.#formats.size > 0) throw this.#error(start + at, 'tracing data for the second time');
          const first = bytes.subarray(at + size, Math.min(at + size + follows, bytes.length));
          const more = follows - first.length;
          left -= more;
          this.#formats = parseTracingData(Buffer.concat([first, await stream.take(more)]), this.#path);
          for (const attr of this.#attrs) attr.resolved = false;
          at += size + first.length;
          if (more > 0) break;
        } else {
          this.#spaces.count('PERF_RECORD_AUXTRACE', false);
          const more = follows - Math.min(follows, inHand);
          left -= more;
          if (!(await stream.skip(more))) throw new InputError(`${this.#path}: cut at byte ${stream.position}`);
          at += size + follows - more;
          if (more > 0) break;
        }
      }
      // A copy: a view would keep the chunk alive.
      rest = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at));
      between();
    }
    if (rest.length > 0) throw this.#error(stream.position - rest.length, 'the last record is cut');
    // perf record ends where its last buffer was full (zstd_compress_stream_to_records): the compressor keeps the rest.
    if (this.#inflatedRest.length > 0 && this.#zstd.between !== null && !this.#file.unfinished)
      throw new InputError(`${this.#path}: the last compressed record is cut`);
    this.#window.flush(Number.POSITIVE_INFINITY);
  }

  /** The end of the file. Throws InputError where nothing was recorded. */
  finish(): ImportReport {
    if (this.#attrs.length === 0) throw new InputError(`${this.#path}: no event was recorded`);
    const rest = this.#spaces.finish();
    rest.ambiguous['records of unknown events'] = this.#unknownIds;
    rest.ambiguous['tracepoints without the fields that are needed'] = this.#unreadable;
    rest.ambiguous['times that more records waited for their order than fit'] = this.#window.overflows;
    if (this.#unformatted > 0) rest.missing.push('formats of tracepoints: their events are left out');
    if (this.#file.unfinished) rest.missing.push('the end: the recorder was stopped before it could finish the file');
    else if (this.#zstd.between === null)
      rest.missing.push('the end: perf record left the last block of compressed records unfinished');
    const files = [{ path: this.#path, lines: this.records, events: this.records }];
    return { format: 'perf-data', files, lines: this.records, ...rest };
  }

  // --- records as they come

  /** How many bytes of data come after the record, beyond its size. */
  #follows(type: number, bytes: Buffer, at: number, size: number, offset: number): number {
    if (type === HEADER_TRACING_DATA) {
      if (size < HEADER + 4) throw this.#error(offset, 'a record of tracing data without a size');
      const follows = bytes.readUInt32LE(at + HEADER);
      if (follows > MAX_SECTION) throw this.#error(offset, `tracing data of ${follows} bytes`);
      return follows;
    }
    if (type === AUXTRACE) {
      if (size < HEADER + 8) throw this.#error(offset, 'a record of trace data without a size');
      return u64(bytes, at + HEADER);
    }
    return 0;
  }

  #take(bytes: Buffer, at: number, size: number): void {
    this.records++;
    const type = bytes.readUInt32LE(at);
    if (type === SAMPLE) {
      this.#takeSample(bytes, at, size);
      return;
    }
    if (type < FIRST_OF_PERF) {
      this.#takeRecord(type, bytes, at, size);
      return;
    }
    switch (type) {
      case HEADER_ATTR: {
        const where = `${this.#path}: byte ${this.#offset}`;
        const { attr, size: attrSize } = parseAttr(bytes, at + HEADER, at + size, where);
        this.#addAttr(attr, bytes.subarray(at + HEADER + attrSize, at + size));
        break;
      }
      case FINISHED_ROUND:
        // ordered_events__flush: a round may hold records older than the newest of the round before, but none older than all of it.
        this.#window.flush(this.#flushTo);
        this.#flushTo = this.#window.latest;
        break;
      case COMPRESSED:
        this.#inflate(bytes, at + HEADER, at + size);
        break;
      case COMPRESSED2: {
        const length = size < HEADER + 8 ? -1 : u64(bytes, at + HEADER);
        if (length < 0 || length > size - HEADER - 8)
          throw this.#error(this.#offset, 'a compressed record of impossible size');
        this.#inflate(bytes, at + HEADER + 8, at + HEADER + 8 + length);
        break;
      }
      default:
    }
  }

  #takeSample(bytes: Buffer, at: number, size: number): void {
    const attr = this.#attrOfSample(bytes, at, size);
    if (attr === null) return;
    if (!attr.resolved) resolveAttr(attr, this.#formats);
    if (attr.code === 0) {
      if (attr.format === null && attr.name.startsWith('tracepoint ')) this.#unformatted++;
      this.#spaces.count(attr.name, false);
      // It counts for the order of the others.
      if (attr.timeAt !== -1 && attr.timeAt + 8 <= size) {
        const ts = this.#time(bytes, at + attr.timeAt);
        if (ts > this.#window.latest) this.#window.latest = ts;
      }
      return;
    }
    if (attr.timeAt === -1) throw new InputError(`${this.#path}: samples without a time (perf record -T)`);
    if (attr.variableAt > size) throw this.#error(this.#offset, `a sample of ${size} bytes is cut`);
    if (attr.tidAt === -1) throw new InputError(`${this.#path}: samples without a pid`);
    if (!walkSample(bytes, at, at + size, attr, this.#sample))
      throw this.#error(this.#offset, `a sample of ${size} bytes is cut`);
    this.#window.push(this.#time(bytes, at + attr.timeAt), bytes, at, size);
  }

  #takeRecord(type: number, bytes: Buffer, at: number, size: number): void {
    const attr = this.#attrOfRecord(bytes, at, size);
    const timeAt = attr === null || attr.timeBack === 0 ? -1 : at + size - attr.timeBack;
    if (timeAt < at + HEADER || (bytes.readUInt32LE(timeAt) === 0 && bytes.readUInt32LE(timeAt + 4) === 0)) {
      // Of what was there before; perf, too, takes these at once.
      this.#spaces.atStart();
      this.#record(type, bytes, at, size - (attr?.trailer ?? 0));
      return;
    }
    this.#window.push(this.#time(bytes, timeAt), bytes, at, size);
  }

  #attrOfSample(bytes: Buffer, at: number, size: number): PerfAttr | null {
    const first = this.#attrs[0];
    if (first === undefined) throw this.#error(this.#offset, 'a sample before the attributes of its event');
    if (this.#attrs.length === 1) return first;
    if (first.idAt === -1 || !this.#sameId)
      throw new InputError(`${this.#path}: samples of several events, without an id that tells them apart`);
    if (first.idAt + 8 > size) throw this.#error(this.#offset, `a sample of ${size} bytes is cut`);
    const attr = this.#byId.get(u64(bytes, at + first.idAt));
    if (attr !== undefined) return attr;
    this.#unknownIds++;
    return null;
  }

  #attrOfRecord(bytes: Buffer, at: number, size: number): PerfAttr | null {
    const first = this.#attrs[0];
    if (first === undefined || first.trailer === 0 || first.trailer + HEADER > size) return null;
    if (this.#attrs.length === 1 || this.#alike || first.idBack === 0) return first;
    const attr = this.#byId.get(u64(bytes, at + size - first.idBack)) ?? first;
    return attr.trailer === 0 || attr.trailer + HEADER > size ? null : attr;
  }

  #addAttr(attr: PerfAttr, ids: Buffer): void {
    const first = this.#attrs[0];
    if (first !== undefined && (first.sampleType !== attr.sampleType || first.sampleIdAll !== attr.sampleIdAll))
      this.#alike = false;
    if (first !== undefined && first.idAt !== attr.idAt) this.#sameId = false;
    if (this.#attrs.length >= MAX_IDS || this.#byId.size + ids.length / 8 > MAX_IDS)
      throw new InputError(`${this.#path}: more than ${MAX_IDS} events`);
    this.#attrs.push(attr);
    for (let at = 0; at + 8 <= ids.length; at += 8) this.#byId.set(u64(ids, at), attr);
  }

  /** ns relative to the first time that was seen: exact in a double for 104 days. */
  #time(bytes: Buffer, at: number): number {
    const low = bytes.readUInt32LE(at);
    const high = bytes.readUInt32LE(at + 4);
    if (this.#baseHigh < 0) {
      this.#baseHigh = high;
      this.#baseLow = low;
      this.#sink.setBase(BigInt(high) * BigInt(U32) + BigInt(low));
    }
    return (high - this.#baseHigh) * U32 + low - this.#baseLow;
  }

  /** One zstd stream goes through all compressed records; records may go on in the next one. */
  #inflate(bytes: Buffer, from: number, to: number): void {
    const offset = this.#offset;
    if (this.#zstd.between === 'nothing' && (to - from < 4 || bytes.readUInt32LE(from) !== ZSTD_MAGIC))
      throw this.#error(offset, 'a compressed record without a beginning');
    this.#deflated += to - from;
    try {
      for (const piece of this.#zstd.push(bytes.subarray(from, to))) this.#inflatedBytes(piece, offset);
    } catch (error) {
      if (error instanceof DamagedError) throw this.#error(offset, `a damaged compressed record (${error.message})`);
      throw error;
    }
  }

  /** `data` is valid until this returns. */
  #inflatedBytes(data: Uint8Array, offset: number): void {
    this.#inflated += data.length;
    if (this.#inflated > MAX_RATIO * (this.#deflated + 16 * PAGE))
      throw this.#error(offset, 'a compressed record of impossible size');
    const rest = this.#inflatedRest;
    const view = Buffer.from(data.buffer, data.byteOffset, data.length);
    const bytes = rest.length === 0 ? view : Buffer.concat([rest, view]);
    let at = 0;
    while (at + HEADER <= bytes.length) {
      const size = bytes.readUInt16LE(at + 6);
      if (size < HEADER) throw this.#error(offset, `a record of ${size} bytes within a compressed one`);
      if (at + size > bytes.length) break;
      const type = bytes.readUInt32LE(at);
      if (type === COMPRESSED || type === COMPRESSED2 || type === HEADER_TRACING_DATA || type === AUXTRACE)
        throw this.#error(offset, `a record of type ${type} within a compressed one`);
      this.#offset = offset;
      this.#take(bytes, at, size);
      at += size;
    }
    this.#inflatedRest = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at));
  }

  // --- records in order

  #inOrder(bytes: Buffer, at: number, size: number, ts: number): void {
    if (ts < this.#last - MAX_STEP_BACK)
      throw new InputError(`${this.#path}: time goes backwards by ${((this.#last - ts) / SECOND).toFixed(6)} s`);
    if (ts > this.#last) this.#last = ts;
    const type = bytes.readUInt32LE(at);
    if (type !== SAMPLE) {
      const attr = this.#attrOfRecord(bytes, at, size)!;
      const end = at + size;
      const pid = attr.tidBack === 0 ? -1 : bytes.readInt32LE(end - attr.tidBack);
      const tid = attr.tidBack === 0 ? -1 : bytes.readInt32LE(end - attr.tidBack + 4);
      const cpu = attr.cpuBack === 0 ? 0 : bytes.readUInt32LE(end - attr.cpuBack);
      this.#spaces.at(ts, cpu & 0xffff, pid, tid, null, null);
      this.#record(type, bytes, at, size - attr.trailer);
      return;
    }
    const attr = this.#attrOfSample(bytes, at, size)!;
    const sample = this.#sample;
    walkSample(bytes, at, at + size, attr, sample);
    const pid = bytes.readInt32LE(at + attr.tidAt);
    const tid = bytes.readInt32LE(at + attr.tidAt + 4);
    const cpu = attr.cpuAt === -1 ? 0 : bytes.readUInt32LE(at + attr.cpuAt);
    this.#spaces.at(ts, cpu & 0xffff, pid, tid, null, null);
    this.#spaces.cgroupOfTask(sample.cgroup);
    const used = this.#event(attr, bytes, at);
    if (!used && attr.format !== null) this.#unreadable++;
    this.#spaces.count(attr.name, used);
  }

  /** A record that is no sample, `size` bytes without its trailer. */
  #record(type: number, bytes: Buffer, at: number, size: number): void {
    const spaces = this.#spaces;
    const known = NAMES[type];
    const name = known === undefined ? `PERF_RECORD_${type}` : `PERF_RECORD_${known}`;
    const misc = bytes.readUInt16LE(at + 4);
    const end = at + size;
    const i32 = (offset: number) => bytes.readInt32LE(at + offset);
    let used = true;
    if (type === COMM && size >= 16) {
      spaces.commRecord(i32(8), i32(12), cString(bytes, at + 16, end), (misc & MISC_COMM_EXEC) !== 0);
    } else if (type === FORK && size >= 24) {
      // pid, ppid, tid, ptid
      if (i32(16) > 0 && i32(8) > 0) spaces.forkRecord(i32(8), i32(16), i32(12), i32(20));
    } else if (type === EXIT && size >= 24) {
      spaces.exitRecord(i32(16));
    } else if (type === MMAP && size >= 40) {
      if ((misc & MISC_CPUMODE) !== MISC_KERNEL) this.#mapping(bytes, at, at + 40, end, misc, false);
    } else if (type === MMAP2 && size >= 72) {
      this.#mapping(bytes, at, at + 72, end, misc, true);
    } else if (type === CGROUP && size >= 16) {
      spaces.cgroupRecord(u64(bytes, at + 8), cString(bytes, at + 16, end));
    } else if (type === LOST && size >= 24) {
      spaces.countLost(name, u64(bytes, at + 16));
    } else if (type === LOST_SAMPLES && size >= 16) {
      spaces.countLost(name, u64(bytes, at + 8));
    } else used = false;
    spaces.count(name, used);
  }

  #mapping(bytes: Buffer, at: number, name: number, end: number, misc: number, second: boolean): void {
    const record = this.#mmap;
    record.pid = bytes.readInt32LE(at + 8);
    record.tid = bytes.readInt32LE(at + 12);
    record.start = pageAt(bytes, at + 16);
    record.pages = Math.ceil(u64(bytes, at + 24) / PAGE);
    record.offset = pageAt(bytes, at + 32);
    record.path = cString(bytes, name, end);
    record.major = -1;
    record.write = false;
    record.exec = false;
    record.shared = false;
    if (second) {
      if ((misc & MISC_MMAP_BUILD_ID) === 0) {
        record.major = bytes.readUInt32LE(at + 40);
        record.minor = bytes.readUInt32LE(at + 44);
        record.inode = inodeAt(bytes, at + 48);
        record.generation = u64(bytes, at + 56);
      }
      const protection = bytes.readUInt32LE(at + 64);
      record.write = (protection & PROT_WRITE) !== 0;
      record.exec = (protection & PROT_EXEC) !== 0;
      record.shared = (bytes.readUInt32LE(at + 68) & MAP_SHARED) !== 0;
    }
    this.#spaces.mmapRecord(record);
  }

  /** False: a field that is needed is missing. */
  #event(attr: PerfAttr, bytes: Buffer, at: number): boolean {
    const spaces = this.#spaces;
    const { code } = attr;
    if (code === PAGE_FAULTS || code === PAGE_FAULTS_END) {
      if (attr.addrAt === -1) {
        spaces.faultWithoutAddress();
        return false;
      }
      const { memOp } = this.#sample;
      const write = memOp === MEM_OP_STORE ? YES : memOp === MEM_OP_LOAD ? NO : UNKNOWN;
      spaces.fault(code === PAGE_FAULTS ? FAULT_BEGIN : FAULT_END, pageAt(bytes, at + attr.addrAt), write, UNKNOWN);
      return true;
    }
    const fields = attr.format?.fields;
    if (fields === undefined) return false;
    const place = (name: string) => this.#place(fields.get(name));
    const number = (name: string) => {
      const field = place(name);
      return field === null ? Number.NaN : integerAt(bytes, this.#sample.rawAt + field.offset, field.size);
    };
    switch (code) {
      case PAGE_FAULT_TRACE: {
        const address = place('address');
        const error = number('error_code');
        if (address === null || address.size !== 8 || Number.isNaN(error)) return false;
        const page = pageAt(bytes, this.#sample.rawAt + address.offset);
        // X86_PF_PROT, X86_PF_WRITE (arch/x86/include/asm/trap_pf.h)
        spaces.fault(FAULT_TRACE, page, error % 4 >= 2 ? YES : NO, error % 2 === 1 ? YES : NO);
        return true;
      }
      case FILEMAP_ADD:
      case FILEMAP_DELETE: {
        const ino = place('i_ino');
        const device = number('s_dev');
        const index = number('index');
        if (ino === null || ino.size !== 8 || Number.isNaN(device + index)) return false;
        const inode = inodeAt(bytes, this.#sample.rawAt + ino.offset);
        const order = number('order');
        if (order >= 20) return false;
        const pages = Number.isNaN(order) ? 1 : 2 ** order;
        const major = device >>> 20;
        const minor = device & 0xfffff;
        if (code === FILEMAP_ADD) spaces.filemapAdd(major, minor, inode, index, pages, number('pfn'));
        else spaces.filemapDelete(major, minor, inode, index, pages);
        return true;
      }
      case MM_PAGE_ALLOC: {
        const pfn = number('pfn');
        const gfp = number('gfp_flags');
        if (Number.isNaN(pfn + gfp)) return false;
        spaces.pageAlloc(pfn, allocationOf(gfp % U32));
        return true;
      }
      case RSS_STAT: {
        const member = number('member');
        if (Number.isNaN(member)) return false;
        spaces.rssStat(member, number('curr') === 1);
        return true;
      }
      case SCHED_FORK: {
        const child = number('child_pid');
        const comm = this.#string(bytes, fields.get('child_comm'));
        if (!(child > 0) || comm === null) return false;
        spaces.forkEvent(child, comm);
        return true;
      }
      case SCHED_EXEC:
        spaces.execEvent(this.#string(bytes, fields.get('filename')) ?? '');
        return true;
      case SCHED_EXIT:
        spaces.exitEvent();
        return true;
      case CGROUP_MKDIR:
      case CGROUP_RMDIR: {
        const path = this.#string(bytes, fields.get('path'));
        const id = number('id');
        if (path === null || !(id > 0)) return false;
        spaces.cgroupMade(number('root'), id, path, code === CGROUP_MKDIR);
        return true;
      }
      case CGROUP_ATTACH: {
        const path = this.#string(bytes, fields.get('dst_path'));
        const pid = number('pid');
        if (path === null || !(pid > 0)) return false;
        spaces.cgroupAttached(number('dst_root'), number('dst_id'), path, pid);
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

  /** A field that lies within the sample's tracepoint record. */
  #place(field: TracepointField | undefined): TracepointField | null {
    return field !== undefined && field.offset + field.size <= this.#sample.rawSize ? field : null;
  }

  #string(bytes: Buffer, field: TracepointField | undefined): string | null {
    const at = this.#place(field);
    if (at === null) return null;
    const { rawAt, rawSize } = this.#sample;
    if (at.location === 0) return cString(bytes, rawAt + at.offset, rawAt + at.offset + at.size);
    if (at.size !== 4) return null;
    const word = bytes.readUInt32LE(rawAt + at.offset);
    const offset = (word & 0xffff) + (at.location === 2 ? at.offset + at.size : 0);
    const end = offset + (word >>> 16);
    return end > rawSize ? null : cString(bytes, rawAt + offset, rawAt + end);
  }

  #error(offset: number, what: string): InputError {
    return new InputError(`${this.#path}: byte ${offset}: ${what}`);
  }
}

/** An unsigned integer of 1, 2, 4 or 8 bytes; NaN for other sizes. Above 2^53 the low digits are lost. */
function integerAt(bytes: Buffer, at: number, size: number): number {
  if (size === 8) return u64(bytes, at);
  if (size === 4) return bytes.readUInt32LE(at);
  if (size === 2) return bytes.readUInt16LE(at);
  return size === 1 ? bytes[at]! : Number.NaN;
}

/** The page number of a 64-bit address. */
function pageAt(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * 2 ** 20 + (bytes.readUInt32LE(at) >>> 12);
}

function inodeAt(bytes: Buffer, at: number): number | bigint {
  const inode = u64(bytes, at);
  return Number.isSafeInteger(inode) ? inode : bytes.readBigUInt64LE(at);
}

function cString(bytes: Buffer, from: number, end: number): string {
  let to = from;
  while (to < end && bytes[to] !== 0) to++;
  return bytes.toString('latin1', from, to);
}

function allocationOf(gfp: number): number {
  if ((gfp & GFP_WRITE) !== 0) return ALLOC_WRITE;
  if ((gfp & GFP_NORETRY) !== 0) return ALLOC_READAHEAD;
  return (gfp & GFP_MOVABLE) !== 0 ? ALLOC_READ : ALLOC_UNKNOWN;
}
