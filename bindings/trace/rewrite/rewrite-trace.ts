/** Runs a rewrite over a trace: the rows that it answers, as a trace again. Memory is bounded by a batch, unless a stream must be read twice. */
import type { Policy, Rewrite } from '../../policy/policy.ts';
import type { Trace, TraceBatch } from '../arrow-reader.ts';
import { InputError } from '../input-error.ts';
import type { HighWater } from '../schema.ts';
import { KeptTrace } from './kept-trace.ts';
import type { FreshIds, RewriteOptions, RewriteRun, TraceRewrite, TraceRow } from './rewrite.ts';
import { RowBatch } from './row-batch.ts';
import { rewriteOf } from './table.ts';

/** Rows of a batch that is written; some more where the last row of the input was answered by many. */
const BATCH_ROWS = 16384;

/** The trace that a policy is replayed on: rewritten where the policy says so. */
export async function traceFor(policy: Policy, trace: Trace): Promise<Trace> {
  return policy.rewrite === undefined ? trace : await rewriteTrace(trace, policy.rewrite, policy.rewriteOptions);
}

/**
 * The trace as it would be if userspace did what `rewrite` says. The original is read while the answer is; closing the answer closes it.
 * Throws InputError: an option that is none, or makes no sense.
 */
export async function rewriteTrace(
  trace: Trace,
  rewrite: Rewrite | TraceRewrite,
  options: RewriteOptions = {},
): Promise<Trace> {
  const chosen = typeof rewrite === 'string' ? rewriteOf(rewrite) : rewrite;
  const ids = new Ids();
  const run = chosen.begin(ids, optionsOf(chosen, options));
  let source = trace;
  if (run.look) {
    // Where the trace can be opened again nothing is kept.
    const kept = trace.reopen ? null : new KeptTrace(trace);
    if (trace.highWater) ids.startAt(trace.highWater);
    const seen = await lookAt(trace, run, kept);
    if (!trace.highWater) ids.startAt(seen);
    ids.open = true;
    run.looked?.();
    ids.open = false;
    source = kept ?? (await trace.reopen!());
  } else if (trace.highWater) ids.startAt(trace.highWater);
  return new RewrittenTrace(source, trace, run, ids.marks);
}

/** The options of a rewrite: what is given, and the defaults of the rest. */
function optionsOf(rewrite: TraceRewrite, given: RewriteOptions): RewriteOptions {
  const unknown = Object.keys(given).find((name) => !(name in rewrite.options));
  if (unknown !== undefined) {
    const known = Object.keys(rewrite.options).join(', ') || 'it has none';
    throw new InputError(`rewrite ${rewrite.name}: no option ${unknown}: ${known}`);
  }
  return { ...Object.fromEntries(Object.entries(rewrite.options).map(([name, o]) => [name, o.default])), ...given };
}

/** Shows all rows to the rewrite. Answers the marks that the rows have. */
async function lookAt(trace: Trace, run: RewriteRun, kept: KeptTrace | null): Promise<HighWater> {
  const seen: HighWater = { pages: 1, cgroups: 2, tasks: 1, objects: 1, swap: 1, cpus: 1 };
  const row = emptyRow();
  for await (const batch of trace.batches()) {
    kept?.keep(batch);
    for (let i = 0; i < batch.length; i++) {
      readRow(batch, i, row);
      seen.cgroups = Math.max(seen.cgroups, row.cgroup + 1);
      seen.tasks = Math.max(seen.tasks, row.task + 1);
      // In some ops the column names a cgroup or a task: a mark that is higher than need be does no harm.
      seen.objects = Math.max(seen.objects, row.object + 1);
      seen.cpus = Math.max(seen.cpus, row.cpu + 1);
      run.look!(row);
    }
  }
  return seen;
}

class Ids implements FreshIds {
  marks: HighWater | null = null;
  /** ids may be taken */
  open = false;

  startAt(marks: HighWater): void {
    this.marks = { ...marks };
  }

  cgroup(): number {
    return this.#take('cgroups');
  }

  task(): number {
    return this.#take('tasks');
  }

  object(): number {
    return this.#take('objects');
  }

  #take(kind: keyof HighWater): number {
    if (!this.open || this.marks === null) throw new Error('a rewrite takes ids in looked()');
    return this.marks[kind]++;
  }
}

class RewrittenTrace implements Trace {
  readonly path: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly highWater: HighWater | null;
  /** not known before the end */
  readonly events = null;
  readonly durationNs: number | null;
  readonly #source: Trace;
  readonly #original: Trace;
  readonly #run: RewriteRun;

  constructor(source: Trace, original: Trace, run: RewriteRun, highWater: HighWater | null) {
    this.path = original.path;
    this.metadata = original.metadata;
    this.durationNs = original.durationNs;
    this.highWater = highWater;
    this.#source = source;
    this.#original = original;
    this.#run = run;
  }

  async *batches(): AsyncGenerator<TraceBatch> {
    const run = this.#run;
    const row = emptyRow();
    const out = new RowBatch(BATCH_ROWS);
    const emit = (answer: Readonly<TraceRow>) => out.push(answer);
    let last = 0n;
    try {
      for await (const batch of this.#source.batches()) {
        for (let i = 0; i < batch.length; i++) {
          readRow(batch, i, row);
          last = row.ts;
          run.row(row, emit);
          if (out.length >= BATCH_ROWS) yield out.take();
        }
      }
      run.end?.(last, emit);
      if (out.length > 0) yield out.take();
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    await this.#source.close();
    await this.#original.close();
  }
}

function emptyRow(): TraceRow {
  return {
    ts: 0n,
    cpu: 0,
    op: 0,
    task: 0,
    cgroup: 0,
    object: 0,
    index: 0n,
    count: 0,
    flags: 0,
    gfp: 0,
    name: null,
  };
}

function readRow(batch: TraceBatch, i: number, row: TraceRow): void {
  row.ts = batch.ts[i]!;
  row.cpu = batch.cpu[i]!;
  row.op = batch.opMap[batch.op[i]!]!;
  row.task = batch.task[i]!;
  row.cgroup = batch.cgroup[i]!;
  row.object = batch.object[i]!;
  row.index = batch.index[i]!;
  row.count = batch.count[i]!;
  row.flags = batch.flags[i]!;
  row.gfp = batch.gfp[i]!;
  row.name = batch.name(i);
}
