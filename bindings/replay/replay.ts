/** Feeds a trace to a machine: batches, slices at sampling times, progress. */
import { COLUMN_ROWS } from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import type { MachineEvent } from '../engine/events.ts';
import { type BootOptions, type CounterChange, Machine, ReplayError } from '../machine.ts';
import type { Trace, TraceBatch } from '../trace/arrow-reader.ts';
import { InputError } from '../trace/input-error.ts';
import { KNOB_IDS } from '../trace/schema.ts';
import { firstAfter, resolve, type TimeRange, WHOLE_TRACE } from '../trace/time-range.ts';
import { capacitiesFor } from './residency.ts';
import type { WarmReplay } from './warm.ts';

/** `--set PATH:KNOB=VALUE`: written as soon as the cgroup is there, and whatever the trace writes to that knob, this is what is written. */
export interface KnobOverride {
  /** not the root, which has no such files */
  path: string;
  knob: string;
  /** pages */
  value: bigint;
}

/** What a caller may watch while a trace runs. All times are ns on the trace's clock. */
export interface ReplayObserver {
  /** a cgroup came online */
  born?(memcg: number, kernelId: number, ts: number): void;
  /** a counter changed; asking for this costs speed */
  change?(change: CounterChange): void;
  /** what the ring of events (capacity `ring`) holds, in order; without this the newest stay there, for `Machine.drain()` */
  event?(event: MachineEvent): void;
  /** called before the first row where a range is given: what is counted begins at `from` and ends at `until`; null: no such end */
  window?(from: bigint | null, until: bigint | null): void;
  /** everything up to and including `ts` is done */
  passed?(ts: number): void;
  /** called every `every` ns of trace time with the machine as it stood then */
  sample?: { every: number; take(ts: number, machine: Machine): void };
  /** the last row is done, or the range is over, at `to`; the first was at `from`. What was left due then still runs: time goes on for that */
  ended?(from: number, to: number, machine: Machine): void;
  /** called now and then */
  progress?(events: number): void;
  /** called at each row of some ops */
  rows?: RowObserver;
}

/** Who looks at the machine right before and right after rows of some ops (OP_*). `row` is a row of the batch. */
export interface RowObserver {
  ops: ReadonlySet<number>;
  before?(machine: Machine, batch: TraceBatch, row: number): void;
  after?(machine: Machine, batch: TraceBatch, row: number): void;
}

export interface ReplayOutcome {
  /** rows in the range */
  events: number;
  /** rows run, those before the range too */
  replayed: number;
  /** ns between the first of them and the last */
  durationNs: number;
  /** ns of the first row and the last that were run; 0 without any */
  fromNs: number;
  toNs: number;
  /** seconds spent in reading, staging and running */
  elapsed: number;
  /** seconds of these spent in the engine */
  engine: number;
}

/** Watch log entries when changes are asked for: room for a slice, cheap to drain. */
const WATCH_ENTRIES = 1 << 16;

/** Boots a machine that is large enough for a trace. Throws InputError when that does not fit in 4 GiB. */
export async function bootFor(
  trace: Trace,
  options: BootOptions,
  watch: boolean,
  memoryPages: number | null = null,
  warm: WarmReplay | null = null,
): Promise<Machine> {
  try {
    const least = capacitiesFor(trace, options.residency ?? 'recorded', memoryPages, warm?.cgroups ?? 0);
    return await Machine.boot({ ...least, watch: watch ? WATCH_ENTRIES : 0, ...options });
  } catch (error) {
    if (error instanceof Error && error.name === 'CapacityError')
      throw new InputError(`${trace.path}: ${error.message}`);
    throw error;
  }
}

/**
 * Runs a trace up to the end of `range`. Its beginning changes nothing of what is run, since the state must be right: events and samples
 * are counted from there on. Throws InputError that names the file, the row and the field for an event that cannot be. */
export async function replayTrace(
  machine: Machine,
  trace: Trace,
  observer: ReplayObserver = {},
  overrides: readonly KnobOverride[] = [],
  warm: WarmReplay | null = null,
  range: TimeRange = WHOLE_TRACE,
): Promise<ReplayOutcome> {
  const started = performance.now();
  const run = new Run(machine, trace, observer, overrides, range);
  machine.watch(observer.change !== undefined);
  machine.keepEvents(observer.event !== undefined);
  if (warm) run.begin(warm);
  for await (const batch of trace.batches()) {
    run.batch(warm ? warm.batch(batch, trace.path) : batch);
    observer.progress?.(run.events);
    if (run.stopped) break;
  }
  run.end();
  return {
    events: run.events,
    replayed: run.replayed,
    durationNs: run.durationNs,
    fromNs: run.fromNs,
    toNs: run.toNs,
    elapsed: (performance.now() - started) / 1000,
    engine: run.engineMs / 1000,
  };
}

class Run {
  events = 0;
  replayed = 0;
  engineMs = 0;
  readonly #overridden = new Set<KnobOverride>();
  readonly #machine: Machine;
  readonly #trace: Trace;
  readonly #observer: ReplayObserver;
  readonly #overrides: readonly KnobOverride[];
  /** the end of the range has been passed */
  stopped = false;
  readonly #range: TimeRange;
  #from = -1n;
  #until: bigint | null = null;
  /** of the rows that count */
  #first = -1n;
  #last = 0n;
  /** of the first row that was run */
  #begun = -1n;
  #nextSample = 0n;

  constructor(
    machine: Machine,
    trace: Trace,
    observer: ReplayObserver,
    overrides: readonly KnobOverride[],
    range: TimeRange,
  ) {
    this.#range = range;
    this.#machine = machine;
    this.#trace = trace;
    this.#observer = observer;
    this.#overrides = overrides;
  }

  get durationNs(): number {
    return this.#first < 0n ? 0 : Number(this.#last - this.#first);
  }

  get fromNs(): number {
    return Math.max(0, Number(this.#begun));
  }

  get toNs(): number {
    return Number(this.#last);
  }

  /** The state of a snapshot, before the first row. */
  begin(warm: WarmReplay): void {
    const { born, change } = this.#observer;
    const machine = this.#machine;
    warm.begin(
      machine,
      (id) => born?.(id, Number(machine.cgroups.get(id)!.kernelId), 0),
      (id) => {
        this.#override(id);
        if (change) machine.drainWatch((c) => change(c));
      },
    );
  }

  batch(batch: TraceBatch): void {
    if (batch.length === 0) return;
    const { ts } = batch;
    if (this.#begun < 0n) this.#begun = ts[0]!;
    if (this.#from < 0n) {
      const { from, until } = resolve(this.#range, ts[0]!);
      this.#from = from;
      this.#until = until;
      this.#nextSample = from + BigInt(this.#observer.sample?.every ?? 0);
      const begins = this.#range.from === null ? null : from;
      if (begins !== null || until !== null) this.#observer.window?.(begins, until);
    }
    const end = this.#until === null ? batch.length : firstAfter(ts, 0, batch.length, this.#until);
    this.stopped = end < batch.length;
    for (let from = 0; from < end; from += COLUMN_ROWS) this.#part(batch, from, Math.min(end, from + COLUMN_ROWS));
    if (end === 0) return;
    this.replayed += end;
    this.#last = ts[end - 1]!;
    const begin = firstAfter(ts, 0, end, this.#from - 1n);
    if (begin < end && this.#first < 0n) this.#first = ts[begin]!;
    this.events += end - begin;
  }

  /** Stages rows [from, to) and runs them, stopping where a sample is due, a knob is to be set or the watch log is full. */
  #part(batch: TraceBatch, from: number, to: number): void {
    this.#machine.stage(batch, from, to);
    let row = from;
    while (row < to) {
      const stop = this.#stopBefore(batch, row, to);
      if (row < stop && this.#watched(batch, row)) {
        this.#observer.rows?.before?.(this.#machine, batch, row);
        while (row < stop) row = this.#run(batch, row, stop, from);
        this.#observer.rows?.after?.(this.#machine, batch, row - 1);
      }
      while (row < stop) row = this.#run(batch, row, stop, from);
      this.#takeSamples(batch, row);
    }
  }

  #run(batch: TraceBatch, row: number, stop: number, offset: number): number {
    const machine = this.#machine;
    this.#overrule(batch, stop - 1, offset);
    try {
      const started = performance.now();
      const done = offset + machine.run(batch, row - offset, stop - offset, offset);
      this.engineMs += performance.now() - started;
      this.#report(batch, row, done);
      return done;
    } catch (error) {
      if (!(error instanceof ReplayError)) throw error;
      const message = `${this.#trace.path}: row ${batch.firstRow + error.row}: ${error.message}`;
      // A trace that tells its marks and exceeds them is damaged; one that does not needs a hint.
      const table = this.#trace.highWater === null ? /raise capacity (\w+)/.exec(message)?.[1] : undefined;
      throw new InputError(
        table === undefined ? message : `${message}: a stream does not tell its size, --capacity ${table}=N does`,
      );
    }
  }

  #events(): void {
    const { event } = this.#observer;
    if (event) for (const each of this.#machine.drain()) event(each);
  }

  #report(batch: TraceBatch, from: number, to: number): void {
    const { born, change, passed } = this.#observer;
    if (born || this.#overrides.length > 0) {
      for (let row = from; row < to; row++) {
        const op = batch.opMap[batch.op[row]!];
        if (op !== O.OP_MKDIR) continue;
        born?.(batch.cgroup[row]!, Number(batch.index[row]!), Number(batch.ts[row]!));
        this.#override(batch.cgroup[row]!);
      }
    }
    if (change) this.#machine.drainWatch((c) => change(c));
    this.#events();
    // The next row may lie at the same instant: only what is before it is over.
    if (passed && to > from) passed(Number(batch.ts[to - 1]!) - 1);
  }

  /** Where the run must pause at the latest: after a sample's time, after a row that an override follows, or that one overrules. */
  #stopBefore(batch: TraceBatch, row: number, to: number): number {
    let stop = to;
    if (this.#observer.sample) stop = Math.max(row, firstAfter(batch.ts, row, to, this.#nextSample));
    if (this.#observer.rows) {
      // A row that is looked at is run by itself.
      for (let r = row; r < stop; r++) if (this.#watched(batch, r)) stop = r === row ? r + 1 : r;
    }
    if (this.#overrides.length > 0) {
      for (let r = row; r < stop; r++) {
        const op = batch.opMap[batch.op[r]!];
        if (op === O.OP_MKDIR || op === O.OP_WRITE_KNOB) return r + 1;
      }
    }
    return stop;
  }

  #watched(batch: TraceBatch, row: number): boolean {
    return this.#observer.rows?.ops.has(batch.opMap[batch.op[row]!]!) ?? false;
  }

  #takeSamples(batch: TraceBatch, row: number): void {
    const { sample } = this.#observer;
    if (!sample) return;
    const next = row < batch.length ? batch.ts[row]! : -1n;
    // At the end of a batch the next batch's first row decides.
    while (next >= 0n && next > this.#nextSample && (this.#until === null || this.#nextSample <= this.#until))
      this.#sampleNow();
  }

  #sampleNow(): void {
    const { sample } = this.#observer;
    if (!sample) return;
    this.#machine.engine.advance(this.#nextSample);
    sample.take(Number(this.#nextSample), this.#machine);
    this.#nextSample += BigInt(sample.every);
  }

  #override(memcg: number): void {
    const path = this.#machine.cgroups.get(memcg)?.path;
    for (const override of this.#overrides) {
      if (override.path !== path) continue;
      this.#machine.engine.writeKnob(memcg, KNOB_IDS.get(override.knob)!, override.value, 0);
      this.#overridden.add(override);
    }
  }

  /** A staged write to a knob that is overridden writes the override. The trace's value would reclaim, or kill, before it was put right. */
  #overrule(batch: TraceBatch, row: number, offset: number): void {
    if (this.#overrides.length === 0 || batch.opMap[batch.op[row]!] !== O.OP_WRITE_KNOB) return;
    const path = this.#machine.cgroups.get(batch.cgroup[row]!)?.path;
    const override = this.#overrides.findLast((o) => o.path === path && KNOB_IDS.get(o.knob) === batch.count[row]);
    if (override) this.#machine.restage(row - offset, override.value);
  }

  /** The trace is over: kworkers that it left due still run, as they did after the recording. */
  end(): void {
    const { change, sample } = this.#observer;
    // Where a range ends, time does not go on.
    const last = this.stopped ? this.#until! : this.#last;
    while (sample && this.#from >= 0n && this.#nextSample <= last) this.#sampleNow();
    if (this.#observer.ended && this.#begun >= 0n) {
      this.#machine.engine.advance(last);
      this.#observer.ended(this.fromNs, Number(last), this.#machine);
    }
    const end = this.stopped ? last : last + 1_000_000_000n;
    this.#machine.engine.advance(end);
    if (change) this.#machine.drainWatch((c) => change(c));
    this.#events();
    this.#observer.passed?.(Number(end));
    const idle = this.#overrides.find((override) => !this.#overridden.has(override));
    if (idle) throw new InputError(`${this.#trace.path}: no cgroup ${idle.path} to set ${idle.knob} of`);
  }
}
