/**
 * The model beside the kernel: every sampled memory.current against the values that the model's counter had while the sample
 * was taken. *Exact* means that one of them is equal. A sample for which the model has no value is a miss.
 */
import * as L from '../../assembly/layout.ts';
import type { CounterChange } from '../machine.ts';
import { PAGE_SIZE } from '../trace/schema.ts';
import type { Sample } from './samples.ts';

/** An operation this old at most, in ns, may still have been in flight when a sample was read. */
const IN_FLIGHT_NS = 3_000_000;

export interface Score {
  samples: number;
  exact: number;
  worst_bytes: number;
}

/**
 * Why a sample was missed. `in_flight`: with a CPU's last counter operation taken back the model agrees (the kernel had not
 * done it yet when the sample was read). `no_value`: the model does not know the cgroup then. `other`: a real miss.
 */
export type MissKind = 'in_flight' | 'no_value' | 'other';

export interface Miss {
  /** ns */
  ts: number;
  path: string;
  /** bytes, the model's nearest value minus the kernel's; null without a value */
  difference: number | null;
  kind: MissKind;
}

/** One cgroup at one marked phase. Bytes. */
export interface PhaseRow {
  ts: number;
  phase: string;
  path: string;
  model: number | null;
  kernel: number;
}

export interface AgainstReport extends Score {
  /** samples within 2 % or 1 MiB of the kernel's: see {@link isNear} */
  near: number;
  cgroups: Record<string, Score>;
  misses: Record<MissKind, number>;
  /** the first misses, for a person to look at */
  first_misses: Miss[];
  phases: PhaseRow[];
}

/** What the model's counter read, from `ts[i]` on, in pages. */
class Series {
  readonly ts: number[] = [];
  readonly usage: number[] = [];

  push(ts: number, usage: number): void {
    this.ts.push(ts);
    this.usage.push(usage);
  }

  /** Index of the last entry at or before `ts`; -1 when there is none. */
  at(ts: number): number {
    let low = 0;
    let high = this.ts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ts[middle]! <= ts) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Forgets what is older than the entry that counts at `ts`. */
  prune(ts: number): void {
    const keep = this.at(ts);
    if (keep < 4096) return;
    this.ts.splice(0, keep);
    this.usage.splice(0, keep);
  }
}

/** What one task did to the counters at one instant on one CPU. */
interface Operation {
  ts: number;
  task: number;
  /** net change by memcg, in pages */
  delta: Map<number, number>;
}

/** Cgroups of the machine, by the kernel's id, as they come and go. */
interface Life {
  memcg: number;
  from: number;
}

const FIRST_MISSES = 1000;

/** Within 2 % or 1 MiB: what a recording without probes is measured by. Bytes. */
export function isNear(difference: number, kernel: number): boolean {
  return difference <= Math.max(kernel * 0.02, 2 ** 20);
}

export class Against {
  #samples: readonly Sample[];
  readonly #series = new Map<number, Series>();
  readonly #lives = new Map<number, Life[]>();
  readonly #operations: Operation[][] = [];
  #next = 0;
  readonly #report: AgainstReport = {
    samples: 0,
    exact: 0,
    near: 0,
    worst_bytes: 0,
    // Paths come from outside: no prototype, so that none of them is special.
    cgroups: Object.create(null) as Record<string, Score>,
    misses: { in_flight: 0, no_value: 0, other: 0 },
    first_misses: [],
    phases: [],
  };

  constructor(samples: readonly Sample[]) {
    this.#samples = samples;
  }

  /** Leaves out the samples that were not taken between `from` and `until` (ns). To be called before anything else. */
  window(from: number, until: number): void {
    this.#samples = this.#samples.filter((sample) => sample.from >= from && sample.to <= until);
  }

  /** A cgroup came online at `ts` (ns). */
  born(memcg: number, kernelId: number, ts: number): void {
    const lives = this.#lives.get(kernelId) ?? [];
    lives.push({ memcg, from: ts });
    this.#lives.set(kernelId, lives);
    const series = new Series();
    series.push(ts, 0);
    this.#series.set(memcg, series);
  }

  /** A counter changed. */
  change(change: CounterChange): void {
    if (change.kind === L.WATCH_REFUSED) return;
    const ts = Number(change.ts);
    this.#series.get(change.memcg)?.push(ts, change.usage);
    this.#operations[change.cpu] ??= [];
    const operations = this.#operations[change.cpu]!;
    let last = operations[operations.length - 1];
    if (last?.ts !== ts || last.task !== change.task) {
      last = { ts, task: change.task, delta: new Map() };
      operations.push(last);
    }
    last.delta.set(change.memcg, (last.delta.get(change.memcg) ?? 0) + change.delta);
  }

  /** The replay has done everything up to and including `ts`: samples that end there can be judged. */
  passed(ts: number): void {
    const first = this.#next;
    while (this.#next < this.#samples.length && this.#samples[this.#next]!.to <= ts)
      this.#judge(this.#samples[this.#next++]!);
    const sample = this.#samples[this.#next];
    if (this.#next === first && sample) return;
    const old = (sample?.from ?? ts) - IN_FLIGHT_NS;
    for (const series of this.#series.values()) series.prune(old);
    for (const operations of this.#operations) {
      const keep = operations?.findIndex((operation) => operation.ts >= old) ?? -1;
      if (keep > 0) operations.splice(0, keep);
    }
  }

  /** Judges what is left; the replay is over. */
  finish(): AgainstReport {
    this.passed(Number.POSITIVE_INFINITY);
    return this.#report;
  }

  #judge(sample: Sample): void {
    for (const { path, id, current } of sample.cgroups) {
      const kernel = current / PAGE_SIZE;
      const life = this.#lives.get(id)?.findLast((l) => l.from <= sample.to);
      const series = life && this.#series.get(life.memcg);
      const values = series ? this.#values(series, sample) : [];
      const nearest = values.reduce(
        (best, value) => (Math.abs(value - kernel) < Math.abs(best - kernel) ? value : best),
        values[0] ?? Number.NaN,
      );
      const exact = nearest === kernel;
      const worst = Number.isNaN(nearest) ? current : Math.abs(nearest - kernel) * PAGE_SIZE;
      this.#report.cgroups[path] ??= { samples: 0, exact: 0, worst_bytes: 0 };
      const own = this.#report.cgroups[path]!;
      for (const score of [this.#report, own]) {
        score.samples++;
        if (exact) score.exact++;
        score.worst_bytes = Math.max(score.worst_bytes, worst);
      }
      if (isNear(worst, current)) this.#report.near++;
      if (sample.label !== null) {
        const model = Number.isNaN(nearest) ? null : nearest * PAGE_SIZE;
        this.#report.phases.push({ ts: sample.from, phase: sample.label, path, model, kernel: current });
      }
      if (exact) continue;
      const kind =
        !life || values.length === 0 ? 'no_value' : this.#missKind(life.memcg, sample.from, values[0]!, kernel);
      this.#report.misses[kind]++;
      if (this.#report.first_misses.length < FIRST_MISSES) {
        const difference = Number.isNaN(nearest) ? null : (nearest - kernel) * PAGE_SIZE;
        this.#report.first_misses.push({ ts: sample.from, path, difference, kind });
      }
    }
  }

  /** Every value within [from, to]: the one that stood at `from`, and each one taken on until `to`. */
  #values(series: Series, sample: Sample): number[] {
    const from = Math.max(0, series.at(sample.from));
    return series.usage.slice(from, series.at(sample.to) + 1);
  }

  /** Would the sample agree, had some CPU's last operation not been done yet? */
  #missKind(memcg: number, from: number, usage: number, kernel: number): MissKind {
    const deltas: number[] = [];
    for (const operations of this.#operations) {
      const last = operations?.findLast((operation) => operation.ts <= from);
      if (last && from - last.ts < IN_FLIGHT_NS && last.delta.has(memcg)) deltas.push(last.delta.get(memcg)!);
    }
    const all = deltas.reduce((sum, delta) => sum + delta, 0);
    return [...deltas, all].some((delta) => delta !== 0 && usage - delta === kernel) ? 'in_flight' : 'other';
  }
}
