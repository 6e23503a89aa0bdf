/**
 * Checks a trace against what docs/trace-format.md promises. An error is what a reader may rely on and cannot; a warning is what real
 * recordings contain (memory that was there before they began) or what does no harm.
 */
import * as O from '../../assembly/replay/ops.ts';
import type { Trace, TraceBatch } from './arrow-reader.ts';
import { InputError } from './input-error.ts';
import { KNOWN_FLAGS, KNOWN_GFP, OP_COLUMNS } from './op-columns.ts';
import { PagedBytes } from './paged.ts';
import { type HighWater, OP_NAMES, PAGE_COUNTER_MAX, ROOT_CGROUP } from './schema.ts';

export interface Problem {
  level: 'error' | 'warning';
  /** short name, as {@link ValidateReport.errors} counts them */
  kind: string;
  /** from 0; null: not of a row */
  row: number | null;
  /** column or metadata key, '' for the whole */
  field: string;
  message: string;
}

export interface ValidateReport {
  trace: string;
  events: number;
  /** counts by kind */
  errors: Record<string, number>;
  warnings: Record<string, number>;
  /** the first of them, errors and warnings each up to the limit */
  problems: Problem[];
}

const MAX_ORDER = 9;
const U32 = 2 ** 32;
/** Frame numbers are dense: beyond 32 bits none can be. */
const MAX_FRAME = U32 - 1;
const PAGE_MAX_HIGH = Number(PAGE_COUNTER_MAX >> 32n);

const KNOWN = 1;
const GONE = 2;
const ALLOCATED = 1;
const CHARGED = 2;

/** Reads the whole trace. `limit`: how many problems of each level are described. Never throws InputError for what is in the trace. */
export async function validateTrace(trace: Trace, limit = 20): Promise<ValidateReport> {
  const validator = new Validator(trace, limit);
  try {
    for await (const batch of trace.batches()) validator.batch(batch);
  } catch (error) {
    // What the reader itself refuses ends the reading.
    if (!(error instanceof InputError)) throw error;
    validator.unreadable(error.message.replace(`${trace.path}: `, ''));
    return validator.report;
  }
  validator.finish();
  return validator.report;
}

/** The report on a trace that cannot even be opened. */
export function unreadableReport(path: string, message: string): ValidateReport {
  const report: ValidateReport = { trace: path, events: 0, errors: { unreadable: 1 }, warnings: {}, problems: [] };
  report.problems.push({
    level: 'error',
    kind: 'unreadable',
    row: null,
    field: '',
    message: message.replace(`${path}: `, ''),
  });
  return report;
}

/** Checks batch by batch; {@link validateTrace} reads a whole trace with it. */
export class Validator {
  readonly report: ValidateReport;
  readonly #trace: Trace;
  readonly #limit: number;
  readonly #described = { error: 0, warning: 0 };
  readonly #tasks = new PagedBytes();
  readonly #cgroups = new PagedBytes();
  readonly #objects = new PagedBytes();
  readonly #frames = new PagedBytes();
  /** highest ids */
  readonly #high = { pages: 0, cgroups: ROOT_CGROUP, tasks: 0, objects: 0, swap: 0, cpus: -1 };
  #first: bigint | null = null;
  #last = 0n;
  #row = 0;

  constructor(trace: Trace, limit: number) {
    this.#trace = trace;
    this.#limit = limit;
    this.report = { trace: trace.path, events: 0, errors: {}, warnings: {}, problems: [] };
    this.#cgroups.set(ROOT_CGROUP, KNOWN);
    for (const key of ['page_size', 'source', 'clock'])
      if (!trace.metadata.has(key)) this.#warn('metadata missing', key, 'the metadata does not have it', null);
  }

  unreadable(message: string): void {
    this.#problem('error', 'unreadable', '', message, null);
  }

  batch(batch: TraceBatch): void {
    const { length, opMap, op, cpu } = batch;
    this.#first ??= batch.ts[0]!;
    this.#last = batch.ts[length - 1]!;
    const index = new Uint32Array(batch.index.buffer, batch.index.byteOffset, length * 2);
    let highCpu = this.#high.cpus;
    for (let i = 0; i < length; i++) {
      if (cpu[i]! > highCpu) highCpu = cpu[i]!;
      this.#row = batch.firstRow + i;
      this.#check(batch, i, opMap[op[i]!]!, index[i * 2]!, index[i * 2 + 1]!);
    }
    this.#high.cpus = highCpu;
    this.report.events += length;
  }

  /** The marks that the rows so far need. */
  get marks(): HighWater {
    const { pages, cgroups, tasks, objects, swap, cpus } = this.#high;
    return {
      pages: pages + 1,
      cgroups: cgroups + 1,
      tasks: tasks + 1,
      objects: objects + 1,
      swap: swap + 1,
      cpus: Math.max(1, cpus + 1),
    };
  }

  finish(): void {
    const { highWater, durationNs } = this.#trace;
    const found = this.marks;
    if (highWater !== null)
      for (const [key, mark] of Object.entries(highWater) as [keyof HighWater, number][]) {
        const field = `memcharge.capacity.${key}`;
        if (mark < found[key]) this.#error('mark', field, `is ${mark}, but the rows need ${found[key]}`, null);
        else if (mark > found[key])
          this.#warn('mark', field, `is ${mark}, though the rows need ${found[key]} only`, null);
      }
    const duration = this.#first === null ? 0 : Number(this.#last - this.#first);
    if (durationNs !== null && durationNs !== duration)
      this.#error('duration', 'memcharge.duration_ns', `is ${durationNs}, but the rows span ${duration}`, null);
  }

  #check(batch: TraceBatch, i: number, op: number, low: number, high: number): void {
    const use = OP_COLUMNS[op]!;
    const task = batch.task[i]!;
    const flags = batch.flags[i]!;
    if (flags !== 0) this.#checkFlags(op, flags, use.flags);
    if (op === O.OP_SPAWN) this.#introduceTask('task', task);
    else if (task !== 0) {
      if (this.#tasks.get(task) === 0) this.#unknownTask('task', task);
    } else if (use.task) this.#error('task 0', 'task', `${OP_NAMES[op]} needs a task`);
    this.#checkCgroup(op, use.cgroup, batch.cgroup[i]!);
    this.#checkObject(op, use.object, batch.object[i]!, batch.count[i]!);
    this.#checkIndex(op, use.index, low, high, flags);
    this.#checkCount(op, use.count, batch.count[i]!, flags);
    const gfp = batch.gfp[i]!;
    if (gfp !== 0) {
      if (!use.gfp) this.#unused(op, 'gfp', gfp);
      else if ((gfp & ~KNOWN_GFP) !== 0) this.#error('gfp', 'gfp', `unknown bits 0x${gfp.toString(16)}`);
    }
    const name = batch.name(i);
    if (name === null) {
      if (use.name === 'must') this.#error('name missing', 'name', `${OP_NAMES[op]} needs a name`);
    } else if (use.name === '') this.#unused(op, 'name', 1);
    switch (op) {
      case O.OP_PAGE_ALLOC:
      case O.OP_PAGE_FREE:
      case O.OP_CHARGE:
      case O.OP_UNCHARGE:
      case O.OP_SPLIT:
      case O.OP_MIGRATE:
      case O.OP_RESIDENT:
      case O.OP_SWAP_OUT:
        this.#frame(op, low + high * U32, flags & O.FLAG_ORDER_MASK, batch.count[i]!);
        break;
      case O.OP_KMEM_CHARGE:
      case O.OP_KMEM_FREE:
        if ((flags & O.FLAG_BY_FRAME) !== 0) this.#frame(op, low + high * U32, flags & O.FLAG_ORDER_MASK, 0);
        break;
      case O.OP_SWAP_FREE:
        this.#swap(batch.object[i]!, batch.count[i]!);
        break;
      case O.OP_WRITE_KNOB:
        if (high > PAGE_MAX_HIGH) this.#error('knob value', 'index', 'is more than the kernel counts');
        else if (batch.count[i] === O.KNOB_OOM_GROUP && low + high > 1)
          this.#error('knob value', 'index', 'memory.oom.group takes 0 or 1');
        break;
    }
    if (op === O.OP_SWAP_OUT) this.#swap(batch.object[i]!, batch.count[i]!);
  }

  #checkFlags(op: number, flags: number, allowed: number): void {
    if ((flags & ~KNOWN_FLAGS) !== 0) this.#error('unknown flags', 'flags', `0x${flags.toString(16)}`);
    else if ((flags & ~allowed) !== 0)
      this.#warn('unused', 'flags', `${OP_NAMES[op]} does not use 0x${(flags & ~allowed).toString(16)}`);
    if ((flags & allowed & O.FLAG_ORDER_MASK) > MAX_ORDER)
      this.#error('order', 'flags', `order ${flags & O.FLAG_ORDER_MASK}, ${MAX_ORDER} at most`);
    const kind = (flags >> O.FLAG_KIND_SHIFT) & O.FLAG_KIND_MASK;
    if (kind >= O.NR_KINDS && !(kind === O.KIND_STOCK && op === O.OP_INITIAL))
      this.#error('unknown kind', 'flags', `kind ${kind}`);
  }

  #introduceTask(field: string, id: number): void {
    if (id === 0) {
      this.#error('task 0', field, 'a task needs an id');
      return;
    }
    if (this.#tasks.get(id) !== 0) this.#error('id reused', field, `task ${id} is known already`);
    if (id > this.#high.tasks + 1) this.#warn('not dense', field, `task ${id} follows ${this.#high.tasks}`);
    this.#know(this.#tasks, 'tasks', id);
  }

  #unknownTask(field: string, id: number): void {
    this.#error('task unknown', field, `task ${id} is used before its spawn or fork`);
    this.#know(this.#tasks, 'tasks', id);
  }

  #checkCgroup(op: number, use: string, id: number): void {
    if (use === '') {
      if (id !== 0) this.#unused(op, 'cgroup', id);
      return;
    }
    if (use === 'new') {
      if (id === 0) this.#error('cgroup 0', 'cgroup', 'a cgroup needs an id');
      else if (this.#cgroups.get(id) !== 0) this.#error('id reused', 'cgroup', `cgroup ${id} is known already`);
      if (id > this.#high.cgroups + 1) this.#warn('not dense', 'cgroup', `cgroup ${id} follows ${this.#high.cgroups}`);
      if (id !== 0) this.#know(this.#cgroups, 'cgroups', id);
      return;
    }
    if (id === 0) {
      if (use === 'known') this.#error('cgroup 0', 'cgroup', `${OP_NAMES[op]} needs a cgroup`);
      return;
    }
    if (this.#cgroups.get(id) === 0) {
      this.#error('cgroup unknown', 'cgroup', `cgroup ${id} is used before its mkdir`);
      this.#know(this.#cgroups, 'cgroups', id);
    }
    if (id === ROOT_CGROUP && (op === O.OP_RMDIR || op === O.OP_OFFLINE))
      this.#error('root removed', 'cgroup', 'the root cannot go');
  }

  #checkObject(op: number, use: string, id: number, count: number): void {
    switch (use) {
      case '':
        if (id !== 0) this.#unused(op, 'object', id);
        return;
      case 'parent':
        if (id === 0 || this.#cgroups.get(id) === 0)
          this.#error('cgroup unknown', 'object', `parent ${id} is used before its mkdir`);
        return;
      case 'child':
        this.#introduceTask('object', id);
        return;
      case 'victim':
        if (id === 0) this.#error('task 0', 'object', 'there is no victim');
        else if (this.#tasks.get(id) === 0) this.#unknownTask('object', id);
        return;
      case 'swap':
        if (id === 0) this.#error('swap entry 0', 'object', `${OP_NAMES[op]} needs a swap entry`);
        return;
      case 'swappiness':
        if (id !== 0 && count !== O.KNOB_RECLAIM) this.#unused(op, 'object', id);
        else if (id > O.RECLAIM_SWAPPINESS_MAX + 1)
          this.#error('swappiness', 'object', `${id} is beyond 202, which is max`);
        return;
    }
    if (id === 0) {
      if (use !== 'object') this.#error('object 0', 'object', `${OP_NAMES[op]} needs an object`);
      return;
    }
    const state = this.#objects.get(id);
    if (use === 'newObject') {
      if (state !== 0) this.#error('id reused', 'object', `object ${id} is known already`);
    } else if (state === GONE) {
      this.#error('object gone', 'object', `object ${id} is used after its object_free`);
    } else if (state === 0 && op === O.OP_OBJECT_FREE) {
      this.#warn('object unknown', 'object', `object ${id} was never used`);
    }
    if (state === 0 && id > this.#high.objects + 1)
      this.#warn('not dense', 'object', `object ${id} follows ${this.#high.objects}`);
    if (op === O.OP_OBJECT_FREE) this.#objects.set(id, GONE);
    else if (state === 0) this.#know(this.#objects, 'objects', id);
    if (id > this.#high.objects) this.#high.objects = id;
  }

  #checkIndex(op: number, use: string, low: number, high: number, flags: number): void {
    if (use === '') {
      if (low !== 0 || high !== 0) this.#unused(op, 'index', low + high * U32);
    } else if (op === O.OP_KMEM_CHARGE || op === O.OP_KMEM_FREE) {
      if ((flags & O.FLAG_BY_FRAME) === 0 && (low !== 0 || high !== 0)) this.#unused(op, 'index', low + high * U32);
    }
  }

  #checkCount(op: number, use: string, count: number, flags: number): void {
    switch (use) {
      case '':
        if (count !== 0) this.#unused(op, 'count', count);
        return;
      case 'some':
        if (count === 0) this.#error('count 0', 'count', `${OP_NAMES[op]} of no pages`);
        return;
      case 'type':
        if (count === 0 || count >= O.NR_OBJECT_TYPES) this.#error('object type', 'count', `unknown type ${count}`);
        return;
      case 'knob':
        if (count === 0 || count >= O.NR_KNOBS) this.#error('unknown knob', 'count', `knob ${count}`);
        return;
      case 'drop':
        if (count === 0 || count > 3) this.#error('drop_caches', 'count', `${count} is not 1, 2 or 3`);
        return;
    }
    if ((op === O.OP_KMEM_CHARGE || op === O.OP_KMEM_FREE) && count === 0 && (flags & O.FLAG_BY_FRAME) === 0)
      this.#error('count 0', 'count', `${OP_NAMES[op]} of nothing`);
  }

  /** A block of frames: numbers, alignment, and whether it was there. */
  #frame(op: number, frame: number, order: number, count: number): void {
    if (frame === 0) {
      this.#error('frame 0', 'index', `${OP_NAMES[op]} needs a frame`);
      return;
    }
    const pages = op === O.OP_SWAP_OUT ? Math.max(1, count) : 2 ** Math.min(order, MAX_ORDER);
    const last = frame + pages - 1;
    if (last > MAX_FRAME) {
      this.#error('frame', 'index', `frame ${last} is beyond what a trace can have`);
      return;
    }
    if (last > this.#high.pages) this.#high.pages = last;
    if (op !== O.OP_SWAP_OUT && frame % pages !== 0)
      this.#error('alignment', 'index', `frame ${frame} is not aligned to its ${pages} pages`);
    const frames = this.#frames;
    const state = frames.get(frame);
    switch (op) {
      case O.OP_PAGE_ALLOC:
        if ((state & ALLOCATED) !== 0) this.#warn('alloc twice', 'index', `frame ${frame} was not freed before`);
        for (let f = frame; f <= last; f++) frames.set(f, frames.get(f) | ALLOCATED);
        break;
      case O.OP_PAGE_FREE:
        if ((state & ALLOCATED) === 0) this.#warn('free', 'index', `frame ${frame} was not allocated`);
        for (let f = frame; f <= last; f++) frames.set(f, 0);
        break;
      case O.OP_CHARGE:
      case O.OP_KMEM_CHARGE:
        if ((state & CHARGED) !== 0) this.#warn('charge twice', 'index', `frame ${frame} is charged already`);
        for (let f = frame; f <= last; f++) frames.set(f, frames.get(f) | CHARGED);
        break;
      case O.OP_UNCHARGE:
      case O.OP_KMEM_FREE:
        if ((state & CHARGED) === 0) this.#warn('uncharge', 'index', `frame ${frame} was not charged`);
        for (let f = frame; f <= last; f++) frames.set(f, frames.get(f) & ~CHARGED);
        break;
      case O.OP_MIGRATE:
        if (count === 0) this.#error('frame 0', 'count', 'migrate needs a new frame');
        else if (count + pages - 1 > MAX_FRAME) this.#error('frame', 'count', 'beyond what a trace can have');
        else {
          if (count + pages - 1 > this.#high.pages) this.#high.pages = count + pages - 1;
          for (let k = 0; k < pages; k++) {
            if ((frames.get(frame + k) & CHARGED) !== 0) frames.set(count + k, frames.get(count + k) | CHARGED);
            frames.set(frame + k, frames.get(frame + k) & ~CHARGED);
          }
        }
        break;
    }
  }

  #swap(entry: number, count: number): void {
    const last = entry + Math.max(1, count) - 1;
    if (last >= U32) this.#error('swap entry', 'object', `entry ${last} is beyond what a trace can have`);
    else if (entry > 0 && last > this.#high.swap) this.#high.swap = last;
  }

  #know(table: PagedBytes, kind: 'tasks' | 'cgroups' | 'objects', id: number): void {
    table.set(id, KNOWN);
    if (id > this.#high[kind]) this.#high[kind] = id;
  }

  #unused(op: number, field: string, value: number): void {
    this.#warn(
      'unused',
      field,
      `${OP_NAMES[op]} does not use it, so it is 0, not ${field === 'name' ? 'a text' : value}`,
    );
  }

  #error(kind: string, field: string, message: string, row: number | null = this.#row): void {
    this.#problem('error', kind, field, message, row);
  }

  #warn(kind: string, field: string, message: string, row: number | null = this.#row): void {
    this.#problem('warning', kind, field, message, row);
  }

  #problem(level: 'error' | 'warning', kind: string, field: string, message: string, row: number | null): void {
    const counts = level === 'error' ? this.report.errors : this.report.warnings;
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (this.#described[level]++ < this.#limit) this.report.problems.push({ level, kind, row, field, message });
  }
}
