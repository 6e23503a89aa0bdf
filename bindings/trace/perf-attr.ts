/** `perf_event_attr` and the layout of the records that it asks for (include/uapi/linux/perf_event.h). */
import { InputError } from './input-error.ts';
import { PERF_EVENTS } from './perf-events.ts';
import type { TracepointFormat } from './tracepoint-format.ts';

export const TYPE_SOFTWARE = 1;
export const TYPE_TRACEPOINT = 2;

// PERF_SAMPLE_*
const S_IP = 1;
const S_TID = 1 << 1;
const S_TIME = 1 << 2;
const S_ADDR = 1 << 3;
const S_READ = 1 << 4;
const S_CALLCHAIN = 1 << 5;
const S_ID = 1 << 6;
const S_CPU = 1 << 7;
const S_PERIOD = 1 << 8;
const S_STREAM_ID = 1 << 9;
const S_RAW = 1 << 10;
const S_BRANCH_STACK = 1 << 11;
const S_REGS_USER = 1 << 12;
const S_STACK_USER = 1 << 13;
const S_WEIGHT = 1 << 14;
const S_DATA_SRC = 1 << 15;
const S_IDENTIFIER = 1 << 16;
const S_TRANSACTION = 1 << 17;
const S_REGS_INTR = 1 << 18;
const S_PHYS_ADDR = 1 << 19;
const S_CGROUP = 1 << 21;
const S_WEIGHT_STRUCT = 1 << 24;

/** PERF_FORMAT_* */
const READ_ENABLED = 1;
const READ_RUNNING = 2;
const READ_ID = 4;
const READ_GROUP = 8;
const READ_LOST = 16;

const BRANCH_HW_INDEX = 1 << 17;
const BRANCH_COUNTERS = 1 << 19;
const SAMPLE_ID_ALL = 1 << 18;

/** PERF_ATTR_SIZE_VER0 */
const MIN_SIZE = 64;
const MAX_SIZE = 4096;
const HEADER = 8;

const SOFTWARE_NAMES = [
  'cpu-clock',
  'task-clock',
  'page-faults',
  'context-switches',
  'cpu-migrations',
  'minor-faults',
  'major-faults',
  'alignment-faults',
  'emulation-faults',
  'dummy',
  'bpf-output',
  'cgroup-switches',
];

export interface PerfAttr {
  type: number;
  config: number;
  sampleType: number;
  readFormat: number;
  sampleIdAll: boolean;
  branchType: number;
  userRegs: number;
  interruptRegs: number;
  /** offsets in a sample record; -1: not there */
  tidAt: number;
  timeAt: number;
  addrAt: number;
  idAt: number;
  cpuAt: number;
  /** where the parts of variable size begin */
  variableAt: number;
  /** offsets in the trailer of other records, from their end; 0: not there */
  tidBack: number;
  timeBack: number;
  idBack: number;
  cpuBack: number;
  trailer: number;
  /** once its tracepoint's format is known: name as `perf script` prints it, and code (0: not used) */
  name: string;
  code: number;
  format: TracepointFormat | null;
  resolved: boolean;
}

/** The attr at `at` of `bytes`. Throws InputError that begins with `where`. */
export function parseAttr(bytes: Buffer, at: number, end: number, where: string): { attr: PerfAttr; size: number } {
  if (end - at < MIN_SIZE || end > bytes.length) throw new InputError(`${where}: the attributes of an event are cut`);
  // perf wrote no size in 2009.
  const size = bytes.readUInt32LE(at + 4) || MIN_SIZE;
  if (size < MIN_SIZE || size > MAX_SIZE || size > end - at)
    throw new InputError(`${where}: the attributes of an event have an impossible size (${size})`);
  const u32 = (offset: number) => (offset + 4 <= size ? bytes.readUInt32LE(at + offset) : 0);
  const popcount = (offset: number) => bits(u32(offset)) + bits(u32(offset + 4));
  const sampleType = u32(24);
  if (u32(28) !== 0) throw new InputError(`${where}: samples have a field that memcharge does not know`);
  const attr: PerfAttr = {
    type: u32(0),
    config: u32(8) + u32(12) * 2 ** 32,
    sampleType,
    readFormat: u32(32),
    sampleIdAll: (u32(40) & SAMPLE_ID_ALL) !== 0,
    branchType: u32(72),
    userRegs: popcount(80),
    interruptRegs: popcount(96),
    tidAt: -1,
    timeAt: -1,
    addrAt: -1,
    idAt: -1,
    cpuAt: -1,
    variableAt: HEADER,
    tidBack: 0,
    timeBack: 0,
    idBack: 0,
    cpuBack: 0,
    trailer: 0,
    name: '',
    code: 0,
    format: null,
    resolved: false,
  };
  const has = (bit: number) => (sampleType & bit) !== 0;
  let next = HEADER;
  const place = (bit: number) => {
    if (!has(bit)) return -1;
    next += 8;
    return next - 8;
  };
  const identifier = place(S_IDENTIFIER);
  place(S_IP);
  attr.tidAt = place(S_TID);
  attr.timeAt = place(S_TIME);
  attr.addrAt = place(S_ADDR);
  const id = place(S_ID);
  attr.idAt = identifier === -1 ? id : identifier;
  place(S_STREAM_ID);
  attr.cpuAt = place(S_CPU);
  place(S_PERIOD);
  attr.variableAt = next;
  if (attr.sampleIdAll) {
    let back = 0;
    const placeBack = (bit: number) => {
      if (!has(bit)) return 0;
      back += 8;
      return back;
    };
    const identifierBack = placeBack(S_IDENTIFIER);
    attr.cpuBack = placeBack(S_CPU);
    placeBack(S_STREAM_ID);
    const idBack = placeBack(S_ID);
    attr.idBack = identifierBack === 0 ? idBack : identifierBack;
    attr.timeBack = placeBack(S_TIME);
    attr.tidBack = placeBack(S_TID);
    attr.trailer = back;
  }
  return { attr, size };
}

/** Gives the event its name and code. */
export function resolveAttr(attr: PerfAttr, formats: ReadonlyMap<number, TracepointFormat>): void {
  attr.resolved = true;
  if (attr.type === TYPE_TRACEPOINT) {
    attr.format = formats.get(attr.config) ?? null;
    attr.name = attr.format === null ? `tracepoint ${attr.config}` : `${attr.format.system}:${attr.format.name}`;
  } else {
    const software = attr.type === TYPE_SOFTWARE ? SOFTWARE_NAMES[attr.config] : undefined;
    attr.name = software ?? `event ${attr.type}:${attr.config}`;
  }
  attr.code = PERF_EVENTS.get(attr.name) ?? 0;
}

/** What a sample has besides the parts at fixed offsets; one object is reused. */
export interface SampleRest {
  /** the tracepoint's record; 0 bytes where there is none */
  rawAt: number;
  rawSize: number;
  /** PERF_MEM_OP_* of the data source, 0 where it is not known */
  memOp: number;
  /** 0 where the sample does not say */
  cgroup: number;
}

/** Walks the parts of variable size of the sample from `at` to `end`. False: the record is too short for them. */
export function walkSample(bytes: Buffer, at: number, end: number, attr: PerfAttr, rest: SampleRest): boolean {
  rest.rawSize = 0;
  rest.memOp = 0;
  rest.cgroup = 0;
  const { sampleType } = attr;
  let next = at + attr.variableAt;
  if ((sampleType & S_READ) !== 0) {
    const format = attr.readFormat;
    const each = 8 + ((format & READ_ID) === 0 ? 0 : 8) + ((format & READ_LOST) === 0 ? 0 : 8);
    const group = (format & READ_GROUP) !== 0;
    const values = group ? countAt(bytes, next, end) : 1;
    next += (group ? 8 : 0) + values * each;
    next += ((format & READ_ENABLED) === 0 ? 0 : 8) + ((format & READ_RUNNING) === 0 ? 0 : 8);
  }
  if ((sampleType & S_CALLCHAIN) !== 0) next += 8 + countAt(bytes, next, end) * 8;
  if ((sampleType & S_RAW) !== 0) {
    if (next + 4 > end) return false;
    rest.rawSize = bytes.readUInt32LE(next);
    rest.rawAt = next + 4;
    next += 4 + rest.rawSize;
  }
  if ((sampleType & S_BRANCH_STACK) !== 0) {
    const each = (attr.branchType & BRANCH_COUNTERS) === 0 ? 24 : 32;
    next += 8 + countAt(bytes, next, end) * each + ((attr.branchType & BRANCH_HW_INDEX) === 0 ? 0 : 8);
  }
  if ((sampleType & S_REGS_USER) !== 0) next += 8 + (countAt(bytes, next, end) === 0 ? 0 : attr.userRegs * 8);
  if ((sampleType & S_STACK_USER) !== 0) {
    const size = countAt(bytes, next, end);
    next += 8 + (size === 0 ? 0 : size + 8);
  }
  if ((sampleType & (S_WEIGHT | S_WEIGHT_STRUCT)) !== 0) next += 8;
  if ((sampleType & S_DATA_SRC) !== 0) {
    if (next + 8 > end) return false;
    rest.memOp = bytes[next]! & 31;
    next += 8;
  }
  if ((sampleType & S_TRANSACTION) !== 0) next += 8;
  if ((sampleType & S_REGS_INTR) !== 0) next += 8 + (countAt(bytes, next, end) === 0 ? 0 : attr.interruptRegs * 8);
  if ((sampleType & S_PHYS_ADDR) !== 0) next += 8;
  if ((sampleType & S_CGROUP) !== 0) {
    rest.cgroup = countAt(bytes, next, end);
    next += 8;
  }
  return next <= end;
}

/** 64 bits, or more than any record has where the record ends before: a hostile count may be anything, and a double holds it. */
function countAt(bytes: Buffer, at: number, end: number): number {
  return at + 8 <= end ? u64(bytes, at) : Number.POSITIVE_INFINITY;
}

/** 64 bits as a double. */
export function u64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * 2 ** 32 + bytes.readUInt32LE(at);
}

function bits(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count++;
  return count;
}
