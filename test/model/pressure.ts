/**
 * Reference model of memory.pressure: what every task did from when to when, as a list; a cgroup's figures are integrals over that list, and
 * the averages are summed up from its beginning each time. Shares nothing with the engine. Times in ns, BigInt, whole microseconds.
 */

const JIFFY = 4_000_000n;
export const PERIOD = 501n * JIFFY;

type State = 'works' | 'asleep' | 'reclaims';

interface Span {
  memcg: number;
  cpu: number;
  state: State;
  from: bigint;
  to: bigint;
}

interface Plan {
  memcg: number;
  cpu: number;
  /** what it will do, if nothing else comes: reclaim until, then sleep until, then work until */
  until: Record<State, bigint>;
  /** its spans are written up to here */
  written: bigint;
}

interface Figures {
  some: bigint;
  full: bigint;
}

export interface Reading {
  total: Figures;
  /** 2^11 a percent: some and full over 10, 60 and 300 s */
  averages: bigint[];
}

const later = (a: bigint, b: bigint) => (a > b ? a : b);
const sooner = (a: bigint, b: bigint) => (a < b ? a : b);

export class PressureModel {
  readonly parents = new Map<number, number>([[1, 0]]);
  readonly #born = new Map<number, bigint>([[1, 0n]]);
  readonly #homes = new Map<number, number>();
  readonly #plans = new Map<number, Plan>();
  readonly #spans: Span[] = [];
  readonly #slice: bigint;
  readonly #cpus: number;
  #stalled = false;

  constructor(cpus: number, slice: bigint) {
    this.#cpus = cpus;
    this.#slice = slice;
  }

  mkdir(memcg: number, parent: number, now: bigint): void {
    this.parents.set(memcg, parent);
    this.#born.set(memcg, now);
  }

  spawn(task: number, memcg: number): void {
    this.#homes.set(task, memcg);
  }

  lives(task: number): boolean {
    return this.#homes.has(task);
  }

  /** Writes down what a task has done until now. */
  #write(plan: Plan, now: bigint): void {
    for (const state of ['reclaims', 'asleep', 'works'] as const) {
      const to = sooner(now, plan.until[state]);
      if (to <= plan.written) continue;
      this.#spans.push({ memcg: plan.memcg, cpu: plan.cpu, state, from: plan.written, to });
      plan.written = to;
    }
    plan.written = now;
  }

  #plan(task: number, cpu: number, now: bigint): Plan {
    const memcg = this.#homes.get(task)!;
    const plan = this.#plans.get(task) ?? {
      memcg,
      cpu,
      until: { reclaims: 0n, asleep: 0n, works: 0n },
      written: now,
    };
    this.#plans.set(task, plan);
    this.#write(plan, now);
    plan.cpu = cpu;
    plan.memcg = memcg;
    return plan;
  }

  runs(task: number, cpu: number, now: bigint): void {
    if (!this.#stalled) return;
    const plan = this.#plan(task, cpu, now);
    plan.until.works = later(plan.until.works, now + this.#slice);
    // Also what lasts no time wakes a clock.
    if (plan.until.works > now) this.#spans.push({ memcg: plan.memcg, cpu, state: 'works', from: now, to: now });
  }

  stalls(task: number, cpu: number, ns: bigint, reclaims: boolean, now: bigint): void {
    if (ns === 0n) return;
    this.#stalled = true;
    const plan = this.#plan(task, cpu, now);
    plan.until.asleep = later(plan.until.asleep, now) + ns;
    if (reclaims) plan.until.reclaims = later(plan.until.reclaims, now) + ns;
    plan.until.works = later(plan.until.works, plan.until.asleep + this.#slice);
  }

  moves(task: number, memcg: number, now: bigint): void {
    const plan = this.#plans.get(task);
    if (plan) this.#write(plan, now);
    this.#homes.set(task, memcg);
    if (plan) plan.memcg = memcg;
  }

  exits(task: number, now: bigint): void {
    const plan = this.#plans.get(task);
    if (plan) this.#write(plan, now);
    this.#plans.delete(task);
    this.#homes.delete(task);
  }

  /** What `now` would show of a cgroup. */
  read(memcg: number, now: bigint): Reading {
    for (const plan of this.#plans.values()) this.#write(plan, now);
    const spans = this.#spans.filter((span) => this.#under(span.memcg, memcg));
    const total: Figures = { some: 0n, full: 0n };
    const averages = [0n, 0n, 0n, 0n, 0n, 0n];
    const starts = spans.map((span) => span.from).sort((a, b) => (a < b ? -1 : 1));
    if (starts.length === 0) return { total, averages };
    const born = this.#born.get(memcg)!;
    let last = starts[0]! - ((starts[0]! - born) % PERIOD);
    let next = last + PERIOD;
    let tick: bigint | null = next;
    let window = starts[0]!;
    const averaged: Figures = { some: 0n, full: 0n };
    const sample = (at: bigint): boolean => {
      const { some, full, busy } = this.#weighed(spans, window, at);
      total.some += some;
      total.full += full;
      window = at;
      return busy;
    };
    const update = (at: bigint): void => {
      const missed = (at - next) / PERIOD;
      const length = at - (last + missed * PERIOD);
      for (const [i, which] of (['some', 'full'] as const).entries()) {
        const time = sooner(total[which] - averaged[which], length);
        averaged[which] += time;
        for (const [j, exp] of [1677n, 1981n, 2034n].entries())
          averages[3 * i + j] = averageOf(averages[3 * i + j]!, exp, missed, ((time * 100n) / length) * 2048n);
      }
      last = at;
      next += (1n + missed) * PERIOD;
    };
    for (;;) {
      if (tick === null) {
        const wake = starts.find((start) => start >= window);
        if (wake === undefined || wake + PERIOD > now) break;
        tick = wake + PERIOD;
      }
      if (tick > now) break;
      const busy = sample(tick);
      if (tick >= next) update(tick);
      tick = busy ? next : null;
    }
    sample(now);
    if (now >= next) update(now);
    return { total, averages };
  }

  #under(memcg: number, root: number): boolean {
    for (let m = memcg; m !== 0; m = this.parents.get(m)!) if (m === root) return true;
    return false;
  }

  /** Each CPU's share of [from, to), weighed by the jiffies in which it was not idle. */
  #weighed(spans: readonly Span[], from: bigint, to: bigint): Figures & { busy: boolean } {
    let [some, full, weights, busy] = [0n, 0n, 0n, false];
    for (let cpu = 0; cpu < this.#cpus; cpu++) {
      const own = spans.filter((span) => span.cpu === cpu && span.from < to && span.to > from);
      const cuts = [...new Set([from, to, ...own.flatMap((span) => [span.from, span.to])])]
        .filter((cut) => cut >= from && cut <= to)
        .sort((a, b) => (a < b ? -1 : 1));
      const time = { some: 0n, full: 0n, nonidle: 0n };
      for (const [i, cut] of cuts.slice(0, -1).entries()) {
        const states = own.filter((span) => span.from <= cut && span.to > cut).map((span) => span.state);
        const length = cuts[i + 1]! - cut;
        if (states.length > 0) time.nonidle += length;
        if (!states.some((state) => state !== 'works')) continue;
        time.some += length;
        if (!states.includes('works') || states.includes('reclaims')) time.full += length;
      }
      const weight = time.nonidle / JIFFY;
      busy ||= time.nonidle > 0n;
      weights += weight;
      some += time.some * weight;
      full += time.full * weight;
    }
    return weights === 0n ? { some: 0n, full: 0n, busy } : { some: some / weights, full: full / weights, busy };
  }
}

/** A decaying average in fixed point of 2^11, after `missed` empty periods and one of `active`; what rises is rounded up. */
function averageOf(old: bigint, exp: bigint, missed: bigint, active: bigint): bigint {
  const round = (load: bigint, factor: bigint, value: bigint) => {
    const sum = load * factor + value * (2048n - factor);
    return value >= load ? (sum + 2047n) / 2048n : sum / 2048n;
  };
  let load = old;
  if (missed > 0n) {
    // exp^missed by squaring, each product rounded to nearest.
    let [power, base] = [2048n, exp];
    for (let bits = missed; bits > 0n; bits /= 2n) {
      if (bits % 2n === 1n) power = (power * base + 1024n) / 2048n;
      base = (base * base + 1024n) / 2048n;
    }
    load = round(load, power, 0n);
  }
  return round(load, exp, active);
}
