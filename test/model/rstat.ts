/**
 * Reference model of what memory.stat shows: plain maps, one number per CPU, cgroup and row. Facts: mm/memcontrol.c of 6.18
 * (memcg_rstat_updated(), mem_cgroup_css_rstat_flush()) and of 6.1 (the same with one threshold for the machine).
 */
export interface RstatGroup {
  readonly id: number;
  readonly parent: RstatGroup | null;
  readonly children: RstatGroup[];
}

const BATCH = 64;

class Sums {
  readonly #values = new Map<string, number>();

  get(...key: (number | string)[]): number {
    return this.#values.get(key.join()) ?? 0;
  }
  add(delta: number, ...key: (number | string)[]): void {
    this.#values.set(key.join(), this.get(...key) + delta);
  }
  take(...key: (number | string)[]): number {
    const value = this.get(...key);
    this.#values.delete(key.join());
    return value;
  }
}

export class Rstat {
  readonly #kernel61: boolean;
  readonly #cpus: number;
  readonly #rows: number;
  /** cpu, cgroup, row: changed there, and not flushed */
  readonly #held = new Sums();
  /** cgroup, row: flushed from a child, and not by this cgroup */
  readonly #pending = new Sums();
  readonly #shown = new Sums();
  /** cpu, cgroup (6.1: cpu): updates that the sum below does not know */
  readonly #cpuUpdates = new Sums();
  /** cgroup (6.1: the machine's threshold) */
  readonly #updates = new Sums();
  /** the next flush of everything, ns */
  flushAt: bigint;
  readonly #period: bigint;

  constructor(kernel61: boolean, cpus: number, rows: number, first: bigint, period: bigint) {
    this.#kernel61 = kernel61;
    this.#cpus = cpus;
    this.#rows = rows;
    this.flushAt = first;
    this.#period = period;
  }

  change(group: RstatGroup, cpu: number, row: number, delta: number): void {
    this.#held.add(delta, cpu, group.id, row);
  }

  /** `value`: how much an update counts, in the kernel's unit. */
  updated(group: RstatGroup, cpu: number, value: number): void {
    if (value === 0) return;
    if (this.#kernel61) {
      this.#cpuUpdates.add(value, cpu);
      if (this.#cpuUpdates.get(cpu) <= BATCH) return;
      const updates = this.#cpuUpdates.take(cpu);
      if (this.#updates.get() <= this.#cpus) this.#updates.add(Math.floor(updates / BATCH));
      return;
    }
    for (let g: RstatGroup | null = group; g; g = g.parent) {
      if (this.#flushable(g)) return;
      this.#cpuUpdates.add(value, cpu, g.id);
      if (this.#cpuUpdates.get(cpu, g.id) >= BATCH) this.#updates.add(this.#cpuUpdates.take(cpu, g.id), g.id);
    }
  }

  #flushable(group: RstatGroup): boolean {
    return this.#kernel61 ? this.#updates.get() > this.#cpus : this.#updates.get(group.id) > BATCH * this.#cpus;
  }

  /** A read of memory.stat: flushes if enough has changed. */
  read(group: RstatGroup, root: RstatGroup): void {
    if (this.#flushable(group)) this.#flush(this.#kernel61 ? root : group);
  }

  shown(group: RstatGroup, row: number): number {
    return this.#shown.get(group.id, row);
  }

  /** The kworker's flushes up to `now`. */
  advance(now: bigint, root: RstatGroup): void {
    for (; this.flushAt <= now; this.flushAt += this.#period) this.#flush(root);
  }

  #flush(top: RstatGroup): void {
    if (this.#kernel61) this.#updates.take();
    this.#flushTree(top);
  }

  #flushTree(group: RstatGroup): void {
    for (const child of group.children) this.#flushTree(child);
    if (!this.#kernel61) this.#updates.take(group.id);
    for (let cpu = 0; cpu < this.#cpus && !this.#kernel61; cpu++) this.#cpuUpdates.take(cpu, group.id);
    for (let row = 0; row < this.#rows; row++) {
      let delta = this.#pending.take(group.id, row);
      for (let cpu = 0; cpu < this.#cpus; cpu++) delta += this.#held.take(cpu, group.id, row);
      this.#shown.add(delta, group.id, row);
      if (group.parent) this.#pending.add(delta, group.parent.id, row);
    }
  }
}
