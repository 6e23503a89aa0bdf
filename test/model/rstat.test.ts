/**
 * Kernel statistics against their reference model: random changes on random CPUs, reads, the clock. After every read and at the end the
 * same figures are shown for every row of every cgroup, and the audit finds that what is shown and what is held back is what is.
 */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { type Kernel, Machine } from '../../bindings/machine.ts';
import { batchOf, type HandRow } from '../replay/batch.ts';
import { Rstat, type RstatGroup } from './rstat.ts';

const PERIOD = 2_016_000_000n;
const PAGE = 4096;

interface Group extends RstatGroup {
  readonly parent: Group | null;
  readonly children: Group[];
  task: number;
  removed: boolean;
}
interface Charge {
  group: Group;
  frame: number;
  order: number;
  kind: number;
}

type Step =
  | { do: 'mkdir'; pick: number }
  | { do: 'rmdir'; pick: number }
  | { do: 'charge'; pick: number; cpu: number; kind: number; huge: boolean; times: number }
  | { do: 'free'; pick: number; cpu: number; times: number }
  | { do: 'sock'; pick: number; cpu: number; pages: number }
  | { do: 'read'; pick: number }
  | { do: 'wait'; ms: number };

const pick = fc.nat(1 << 16);
const cpu = fc.nat(2);
const USER = [O.KIND_ANON, O.KIND_ANON, O.KIND_FILE, O.KIND_SHMEM];
const KERNEL = [O.KIND_KERNEL_STACK, O.KIND_PAGETABLE, O.KIND_VMALLOC, O.KIND_KERNEL_OTHER];
const times = fc.integer({ min: 1, max: 70 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('mkdir' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rmdir' as const), pick }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('charge' as const),
      pick,
      cpu,
      kind: fc.constantFrom(...USER, ...KERNEL),
      huge: fc.nat(15).map((n) => n === 0),
      times,
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('free' as const), pick, cpu, times }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('sock' as const), pick, cpu, pages: fc.integer({ min: -40, max: 40 }) }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('read' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(2500) }) },
);

class Run {
  readonly machine: Machine;
  readonly model: Rstat;
  readonly kernel61: boolean;
  readonly root: Group = { id: 1, parent: null, children: [], task: 0, removed: false };
  readonly groups: Group[] = [];
  readonly charges: Charge[] = [];
  readonly sockets = new Map<Group, number>();
  #frame = 512;
  #now = 0n;

  constructor(machine: Machine) {
    this.machine = machine;
    this.kernel61 = machine.kernel === '6.1';
    this.model = new Rstat(this.kernel61, machine.capacities.cpus, L.NR_RSTAT_ROWS, PERIOD, PERIOD);
    this.mkdir(this.root);
  }

  mkdir(parent: Group): void {
    if (this.groups.length >= 10 || parent.removed) return;
    const id = this.machine.mkdir(`/${this.groups.length}`, parent.id);
    const group: Group = { id, parent, children: [], task: this.machine.spawn(id), removed: false };
    parent.children.push(group);
    this.groups.push(group);
  }

  rmdir(group: Group): void {
    if (group.removed || group.children.some((child) => !child.removed)) return;
    expect(this.machine.engine.exit(group.task)).toBe(0);
    this.machine.rmdir(group.id);
    group.removed = true;
  }

  /** One row changes; what that counts as an update differs by kernel and row. */
  #change(group: Group, cpu: number, row: number, delta: number): void {
    if (row === L.STAT_KERNEL_OTHER) return;
    this.model.change(group, cpu, row, delta);
    const kib = row === L.STAT_KERNEL_STACK && this.kernel61;
    const value = Math.abs(delta) * (kib ? PAGE / 1024 : 1);
    this.model.updated(group, cpu, value);
    if (row === L.STAT_SHMEM) this.model.updated(group, cpu, value);
  }

  /** Kernel memory of a removed cgroup has moved to its nearest ancestor that is not. */
  #payer(group: Group): Group {
    return group.removed && group.parent ? this.#payer(group.parent) : group;
  }

  #account({ group, order, kind }: Charge, cpu: number, sign: number): void {
    const pages = sign * 2 ** order;
    if (kind > O.KIND_SHMEM) {
      const payer = this.#payer(group);
      const rows = sign > 0 ? [L.STAT_KMEM, kind] : [kind, L.STAT_KMEM];
      for (const row of rows) this.#change(payer, cpu, row, pages);
      return;
    }
    const list = kind === O.KIND_FILE ? L.LRU_INACTIVE_FILE : L.LRU_INACTIVE_ANON;
    this.#change(group, cpu, L.RSTAT_LISTS + list, pages);
    this.#change(group, cpu, kind, pages);
    if (order === 9) this.#change(group, cpu, L.STAT_ANON_THP + kind, pages);
    this.model.updated(group, cpu, 1);
  }

  charge(group: Group, cpu: number, kind: number, huge: boolean): void {
    const order = huge && kind <= O.KIND_SHMEM ? 9 : 0;
    const frame = Math.ceil(this.#frame / 2 ** order) * 2 ** order;
    if (group.removed || frame + 2 ** order >= this.machine.capacities.pages) return;
    this.#frame = frame + 2 ** order;
    const { engine } = this.machine;
    const answer =
      kind <= O.KIND_SHMEM
        ? engine.chargeFolio(group.task, cpu, 0, frame, order, kind, O.GFP_KERNEL)
        : engine.chargeKmemPages(group.task, cpu, frame, order, kind, O.GFP_KERNEL);
    expect(answer).toBe(0);
    const charge = { group, frame, order, kind };
    this.charges.push(charge);
    this.#account(charge, cpu, 1);
  }

  free(at: number, cpu: number): void {
    const [charge] = this.charges.splice(at % Math.max(1, this.charges.length), 1);
    if (!charge) return;
    const { engine } = this.machine;
    const task = this.groups[0]!.task;
    if (charge.kind > O.KIND_SHMEM) expect(engine.unchargeKmemPages(cpu, charge.frame)).toBe(0);
    else if (this.groups[0]!.removed) {
      this.charges.push(charge); // nobody left to free it
      return;
    } else {
      expect(engine.uncharge(task, cpu, charge.frame)).toBe(0);
      expect(engine.unchargeFlush(task)).toBe(0);
    }
    this.#account(charge, cpu, -1);
  }

  sock(group: Group, cpu: number, pages: number): void {
    const held = this.sockets.get(group) ?? 0;
    if (group.removed || pages === 0 || held + pages < 0) return;
    this.sockets.set(group, held + pages);
    const { engine } = this.machine;
    if (pages > 0) expect(engine.chargeSock(cpu, group.id, pages, O.GFP_KERNEL)).toBe(0);
    else expect(engine.unchargeSock(cpu, group.id, -pages)).toBe(0);
    this.#change(group, cpu, L.STAT_SOCK, pages);
  }

  read(group: Group): void {
    this.machine.engine.flushStats(group.id);
    this.model.read(group, this.root);
    this.compare();
  }

  wait(ms: number): void {
    this.#now += BigInt(ms) * 1_000_000n;
    this.machine.engine.advance(this.#now);
    this.model.advance(this.#now, this.root);
  }

  compare(): void {
    for (const group of [this.root, ...this.groups])
      for (let row = 0; row < L.NR_RSTAT_ROWS; row++) {
        const shown = Number(this.machine.engine.statShown(group.id, row));
        if (shown !== this.model.shown(group, row))
          throw new Error(`row ${row} of cgroup ${group.id}: ${shown}, not ${this.model.shown(group, row)}`);
      }
  }

  step(step: Step): void {
    const groups = [this.root, ...this.groups];
    const group = 'pick' in step ? groups[step.pick % groups.length]! : this.root;
    const cpus = this.machine.capacities.cpus;
    if (step.do === 'mkdir') this.mkdir(group);
    else if (step.do === 'read') this.read(group);
    else if (step.do === 'wait') this.wait(step.ms);
    else if (step.do === 'free') for (let i = 0; i < step.times; i++) this.free(step.pick + i, step.cpu % cpus);
    else if (group === this.root) return;
    else if (step.do === 'rmdir') this.rmdir(group);
    else if (step.do === 'sock') this.sock(group, step.cpu % cpus, step.pages);
    else for (let i = 0; i < step.times; i++) this.charge(group, step.cpu % cpus, step.kind, step.huge && i === 0);
  }
}

const SMALL = { pages: 16384, cgroups: 12, tasks: 12, swap: 0 };
const RUNS = Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 200);

describe.each(['6.18', '6.1'] as const)('kernel %s', (kernel) => {
  it('shows what the model shows', { timeout: 0 }, async () => {
    let flushedByRead = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(step, { maxLength: 150, size: 'max' }),
        async (cpus, steps) => {
          const machine = await Machine.boot({ ...SMALL, cpus, kernel, statistics: 'kernel' });
          const run = new Run(machine);
          for (const step of steps) {
            run.step(step);
            if (step.do === 'read' && Number(machine.engine.statShown(1, L.STAT_ANON)) > 0) flushedByRead++;
          }
          run.compare();
          expect(machine.audit()).toBeNull();
          // Two periods later everything is shown.
          run.wait(2_016);
          run.compare();
          for (const group of run.groups)
            for (let row = 0; row < L.NR_STATS; row++)
              if (row !== L.STAT_KERNEL_OTHER)
                expect(machine.engine.statShown(group.id, row)).toBe(machine.engine.statTotal(group.id, row));
        },
      ),
      { numRuns: RUNS },
    );
    expect(flushedByRead).toBeGreaterThan(RUNS);
  });
});

/** A recording: `pages` anonymous pages charged on the CPUs in turn, by one task in /a. */
async function touched(kernel: Kernel, pages: number, cpus: number[]): Promise<Machine> {
  const machine = await Machine.boot({ ...SMALL, cpus: 2, kernel, statistics: 'kernel' });
  const rows: HandRow[] = [
    { op: O.OP_MKDIR, cgroup: 2, object: 1, index: 100, name: '/a' },
    { op: O.OP_SPAWN, task: 1, cgroup: 2 },
  ];
  for (let i = 0; i < pages; i++)
    rows.push({
      op: O.OP_CHARGE,
      ts: 1000 + i,
      task: 1,
      cpu: cpus[i % cpus.length]!,
      cgroup: 2,
      index: 8 + i,
      gfp: O.GFP_KERNEL,
    });
  machine.replay(batchOf(rows));
  return machine;
}
const anon = (machine: Machine) => machine.memoryStat(2).anon! / PAGE;

describe('a reader outside the cgroup, as measured on Linux 6.1 with 2 CPUs', () => {
  test.each([1, 8, 32])('%i pages are not seen at once, and are after the periodic flush', async (pages) => {
    for (const cpus of [[0], [0, 1]]) {
      const machine = await touched('6.1', pages, cpus);
      expect(anon(machine)).toBe(0);
      machine.engine.advance(PERIOD - 1n);
      expect(anon(machine)).toBe(0);
      machine.engine.advance(PERIOD);
      expect(anon(machine)).toBe(pages);
    }
  });
  test.each([63, 64, 65, 100, 128, 200, 1000])('%i pages on one CPU are seen at once', async (pages) => {
    // What is held back after the last 64 updates of the CPU is seen too: the flush takes everything.
    expect(anon(await touched('6.1', pages, [0]))).toBe(pages);
  });
});

describe('6.18', () => {
  test('a reader flushes its own subtree, beyond 64 updates a CPU; siblings keep theirs', async () => {
    const machine = await touched('6.18', 60, [0]);
    const sibling = machine.mkdir('/b');
    expect(machine.engine.chargeSock(1, sibling, 10, O.GFP_KERNEL)).toBe(0);
    expect(machine.memoryStat(sibling).sock).toBe(0);
    expect(anon(machine)).toBe(60);
    expect(machine.memoryStat(sibling).sock).toBe(0);
    // The root is not flushed by its child's reader.
    expect(Number(machine.engine.statShown(1, L.STAT_ANON))).toBe(0);
    machine.engine.advance(PERIOD);
    expect(machine.memoryStat(sibling).sock).toBe(10 * PAGE);
    expect(Number(machine.engine.statShown(1, L.STAT_ANON))).toBe(60);
  });
});

describe('slab', () => {
  test.each([
    '6.18',
    '6.1',
  ] as const)('%s: gathers in the byte stock, and is a change beyond a page', async (kernel) => {
    const machine = await Machine.boot({ ...SMALL, cpus: 1, kernel, statistics: 'kernel' });
    const { engine } = machine;
    const memcg = machine.mkdir('/a');
    const task = machine.spawn(memcg);
    let now = 0n;
    const settled = () => {
      now += PERIOD;
      engine.advance(now);
      expect(machine.audit()).toBeNull();
      return machine.memoryStat(memcg).slab;
    };
    const charge = (bytes: number) =>
      expect(engine.chargeObject(task, 0, bytes, O.KIND_SLAB, O.GFP_KERNEL)).toBe(memcg);
    charge(5000);
    expect(settled()).toBe(0); // the first is held back, whatever its size
    charge(8);
    expect(settled()).toBe(5008);
    charge(4000);
    expect(settled()).toBe(5008);
    charge(96);
    expect(settled()).toBe(5008); // a page is not beyond a page
    charge(8);
    expect(settled()).toBe(5008 + 4104);
    expect(engine.unchargeObject(0, memcg, 5000, O.KIND_SLAB)).toBe(0);
    expect(settled()).toBe(5008 + 4104);
    engine.drainAllStock(memcg, 0);
    expect(settled()).toBe(8 + 4104);
    expect(Number(engine.statTotal(memcg, L.STAT_SLAB))).toBe(8 + 4104);
  });
});

test('a snapshot keeps what is held back', async () => {
  const machine = await touched('6.1', 32, [0]);
  const twin = await Machine.restore(machine.snapshot());
  expect(twin.statistics).toBe('kernel');
  expect(twin.digest()).toBe(machine.digest());
  twin.engine.advance(PERIOD);
  expect([anon(twin), anon(machine)]).toEqual([32, 0]);
});

test('what cannot be is refused', async () => {
  await expect(Machine.boot({ statistics: 'kernel', workers: 2 })).rejects.toThrow(
    /capacity workers: kernel statistics take 1/,
  );
  await expect(Machine.boot({ statistics: 'kernel', cgroups: 100_000, cpus: 128 })).rejects.toThrow(
    /kernel statistics need/,
  );
  await expect(Machine.boot({ statistics: 'kernel', flushPeriod: 0n })).rejects.toThrow(/above 0/);
});

test('a change that the kernel view misses is found by the audit', async () => {
  const machine = await touched('6.1', 32, [0]);
  const rows = new BigInt64Array(machine.memory.buffer);
  const { regionAt } = await import('../../bindings/engine/capacities.ts');
  const shown = regionAt(L.NR_REGIONS, machine.capacities) + 2 * L.RSTAT_STRIDE;
  rows[shown / 8 + L.STAT_ANON]! += 1n;
  expect(machine.audit()).toMatchObject({ what: 'statistics shown', id: 1, expected: 1n, found: 0n });
});

test('modelled residency: mapped and dirty pages and faults lag, too', async () => {
  const machine = await Machine.boot({
    ...SMALL,
    cpus: 2,
    kernel: '6.18',
    statistics: 'kernel',
    residency: 'modelled',
  });
  const access = { op: O.OP_FILE_ACCESS, task: 1, object: 1 };
  machine.replay(
    batchOf([
      { op: O.OP_MKDIR, cgroup: 2, object: 1, index: 100, name: '/a' },
      { op: O.OP_SPAWN, task: 1, cgroup: 2 },
      { op: O.OP_OBJECT_NEW, object: 1, count: O.OBJECT_FILE, name: '/file' },
      { ...access, index: 0, count: 10, flags: O.FLAG_FAULT },
      { ...access, index: 10, count: 5, flags: O.FLAG_WRITE, cpu: 1 },
    ]),
  );
  const stat = () => {
    expect(machine.audit()).toBeNull();
    const { file, file_mapped, file_dirty, pgfault } = machine.memoryStat(2);
    return [file! / PAGE, file_mapped! / PAGE, file_dirty! / PAGE, pgfault! > 0];
  };
  expect(stat()).toEqual([0, 0, 0, false]);
  machine.engine.advance(PERIOD);
  expect(stat()).toEqual([15, 10, 5, true]);
});
