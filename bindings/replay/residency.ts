/**
 * Which residency a trace is replayed in, and how large a machine must be for it. A trace with frames can be followed as recorded; one
 * with accesses alone must be modelled.
 */
import * as O from '../../assembly/replay/ops.ts';
import type { Capacities } from '../engine/capacities.ts';
import type { BootOptions, Residency } from '../machine.ts';
import type { Trace, TraceBatch } from '../trace/arrow-reader.ts';
import { copyBatch } from '../trace/copy-batch.ts';
import { InputError } from '../trace/input-error.ts';

/** Ops that only recorded residency reads: what is charged, frame by frame. (Kernel pages are uncharged in both.) */
const FRAME_OPS: ReadonlySet<number> = new Set([O.OP_CHARGE, O.OP_PAGE_ALLOC, O.OP_PAGE_FREE]);
/** Ops that only modelled residency reads: who touches what. */
const ACCESS_OPS: ReadonlySet<number> = new Set([O.OP_ANON_TOUCH, O.OP_FILE_ACCESS]);
/** Rows looked at before a trace without frames counts as one without. */
const LOOK_ROWS = 1 << 17;

/** A trace whose first batches were looked at; they are handed out again. */
export interface LookedAt {
  trace: Trace;
  frames: boolean;
  accesses: boolean;
}

/** Looks at the first rows of a trace. The trace answered is to be used instead of the one given. */
export async function lookAt(trace: Trace): Promise<LookedAt> {
  const source = trace.batches()[Symbol.asyncIterator]();
  const ahead: TraceBatch[] = [];
  let frames = false;
  let accesses = false;
  let rows = 0;
  while (rows < LOOK_ROWS && !(frames && accesses)) {
    // The reader uses a batch's memory again for the next one.
    const last = ahead.pop();
    if (last !== undefined) ahead.push(copyBatch(last));
    const next = await source.next();
    if (next.done) break;
    ahead.push(next.value);
    rows += next.value.length;
    const seen = new Set(next.value.op);
    for (const code of seen) {
      frames ||= FRAME_OPS.has(next.value.opMap[code]!);
      accesses ||= ACCESS_OPS.has(next.value.opMap[code]!);
    }
  }
  async function* batches(): AsyncGenerator<TraceBatch> {
    for (let batch = ahead.shift(); batch !== undefined; batch = ahead.shift()) yield batch;
    for (let next = await source.next(); !next.done; next = await source.next()) yield next.value;
  }
  return { trace: { ...trace, batches, close: () => trace.close() }, frames, accesses };
}

/** The residency asked for, or else recorded where the trace has frames. Throws InputError where the trace cannot be replayed so. */
export function residencyOf({ trace, frames, accesses }: LookedAt, asked: Residency | null): Residency {
  if (asked === 'modelled' && frames && !accesses)
    throw new InputError(
      `${trace.path}: modelled residency needs accesses (anon_touch, file_access), and this trace has frames only`,
    );
  if (asked === 'recorded' && accesses && !frames)
    throw new InputError(
      `${trace.path}: recorded residency needs frames (charge, uncharge), and this trace has accesses only`,
    );
  return asked ?? (accesses && !frames ? 'modelled' : 'recorded');
}

/**
 * Capacities that follow from a trace's high-water marks; of those that it does not tell, the machine's defaults stand. `moreCgroups`
 * are those of a warm start.
 */
export function capacitiesFor(
  trace: Trace,
  residency: Residency,
  memoryPages: number | null,
  moreCgroups = 0,
): BootOptions {
  const high = trace.highWater;
  const least: Partial<Capacities> = high
    ? { cgroups: high.cgroups + moreCgroups, tasks: high.tasks, cpus: high.cpus }
    : {};
  if (high && residency === 'recorded') Object.assign(least, { pages: high.pages, swap: high.swap });
  if (residency === 'recorded') return { residency, ...least };
  const pages = memoryPages ?? MEMORY_PAGES;
  if (high) Object.assign(least, { objects: high.objects, maps: Math.max(1 << 16, 8 * (high.tasks + high.objects)) });
  // A node holds 64 pages where they lie together; stray pages need up to six nodes each.
  return { residency, ...least, pages, nodes: Math.max(1 << 14, pages >> 2) };
}

/** 4 GiB, unless `--memory` tells. */
const MEMORY_PAGES = 1 << 20;
