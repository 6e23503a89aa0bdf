/** A machine of fixed size that runs short: watermarks, kswapd, direct reclaim, the OOM killer. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { type BootOptions, type Kernel, Machine, type ReplayError } from '../../bindings/machine.ts';
import { minFreeKbytes, Stream, watermarks } from '../model/kswapd.ts';
import { batchOf, type HandRow } from './batch.ts';

const RUNS = Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 150);
const SMALL = { cgroups: 8, tasks: 16, cpus: 2, objects: 8, maps: 64, nodes: 8192 };

const boot = (options: BootOptions) => Machine.boot({ ...SMALL, residency: 'modelled', ...options });
const stat = (machine: Machine, memcg: number, row: number) => Number(machine.engine.statTotal(memcg, row));

/** Cgroups 2, 3, 4 below the root, with a task each: 1, 2, 3. */
const PEOPLE: HandRow[] = [
  ...[2, 3, 4].map((cgroup) => ({ op: O.OP_MKDIR, cgroup, object: 1, name: `/c${cgroup}` })),
  ...[2, 3, 4].map((cgroup, i) => ({ op: O.OP_SPAWN, task: i + 1, cgroup })),
];
const read = (task: number, object: number, index: number, count: number, flags = 0): HandRow => ({
  op: O.OP_FILE_ACCESS,
  task,
  object,
  index,
  count,
  flags,
});
const touch = (task: number, index: number, count: number): HandRow => ({
  op: O.OP_ANON_TOUCH,
  task,
  index,
  count,
  flags: O.FLAG_WRITE,
});
const knob = (cgroup: number, which: number, pages: number): HandRow => ({
  op: O.OP_WRITE_KNOB,
  cgroup,
  count: which,
  index: pages,
});

describe('watermarks', () => {
  it('are the reference model’s on machines of any size and setting', async () => {
    const sysctl = fc.record(
      { minFreeKbytes: fc.integer({ min: 1, max: 2000 }), watermarkScaleFactor: fc.integer({ min: 1, max: 3000 }) },
      { requiredKeys: [] },
    );
    const property = fc.asyncProperty(fc.integer({ min: 2000, max: 200_000 }), sysctl, async (pages, set) => {
      const machine = await boot({ pages, ...set });
      const { managed, min, low, high, nr_free_pages } = machine.vmstat();
      expect({ min, low, high }).toEqual(watermarks(pages, set.minFreeKbytes, set.watermarkScaleFactor));
      expect([managed, nr_free_pages]).toEqual([pages, pages]);
    });
    await fc.assert(property, { numRuns: Math.min(RUNS, 60) });
  });

  it('has the table of the kernel’s own comment (mm/page_alloc.c)', async () => {
    const megabytes = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096];
    const kbytes = [512, 724, 1024, 1448, 2048, 2896, 4096, 5792, 8192];
    for (const [i, mb] of megabytes.entries()) {
      const machine = await boot({ pages: mb * 256 });
      expect(machine.vmstat().min).toBe(Math.floor(kbytes[i]! / 4));
    }
    expect([8192, 16384].map((mb) => minFreeKbytes(mb * 256))).toEqual([11585, 16384]);
  });

  it('are those of /proc/zoneinfo, zone by zone', async () => {
    // Linux 6.x, 13 GB, vm.min_free_kbytes 67584: managed, min, low, high of DMA32 and Normal
    for (const [pages, min, low, high] of [
      [772_915, 3806, 4757, 5708],
      [2_654_208, 13_070, 16_337, 19_604],
    ] as const) {
      const machine = await boot({ pages, minFreeKbytes: min * 4 });
      expect(machine.vmstat()).toMatchObject({ min, low, high });
    }
  });

  it('are refused where nothing would be left', async () => {
    await expect(boot({ pages: 40 })).rejects.toThrow('capacity pages: 40 leaves nothing above the watermarks');
    await expect(boot({ pages: 4000, minFreeKbytes: 0 })).rejects.toThrow('minFreeKbytes: 0 is not a whole number');
    await expect(boot({ pages: 4000, watermarkScaleFactor: 3001 })).rejects.toThrow('from 1 to 3000');
  });
});

describe.each<Kernel>(['6.18', '6.1'])('kswapd, kernel %s', (kernel) => {
  it('keeps memory free as the reference model does, page by page', async () => {
    const length = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 12 });
    const scale = fc.constantFrom(1, 10, 300);
    const property = fc.asyncProperty(
      fc.integer({ min: 500, max: 9000 }),
      scale,
      length,
      async (pages, factor, runs) => {
        const machine = await boot({ pages, kernel, watermarkScaleFactor: factor, build: 'debug' });
        const reference = new Stream(pages, watermarks(pages, undefined, factor), kernel);
        machine.replay(batchOf(PEOPLE));
        let at = 0;
        for (const count of runs) {
          machine.replay(batchOf([read(1, 1, at, count)]));
          at += count;
          for (let i = 0; i < count; i++) reference.read();
          const vm = machine.vmstat();
          expect([vm.nr_free_pages, vm.pgscan_kswapd, vm.pageoutrun]).toEqual([
            reference.free,
            reference.scanned,
            reference.runs,
          ]);
          expect(vm).toMatchObject({ pgsteal_kswapd: vm.pgscan_kswapd, pgscan_direct: 0, allocstall: 0, oom_kill: 0 });
          expect(stat(machine, 2, L.STAT_PGSTEAL_KSWAPD)).toBe(vm.pgsteal_kswapd);
        }
        expect(machine.audit()).toBeNull();
      },
    );
    await fc.assert(property, { numRuns: RUNS });
  });

  it('leaves free memory between low and high after much page cache', async () => {
    const machine = await boot({ pages: 65_536, kernel });
    machine.replay(batchOf([...PEOPLE, read(1, 1, 0, 300_000)]));
    const { nr_free_pages, low, high } = machine.vmstat();
    expect(nr_free_pages).toBeGreaterThanOrEqual(low);
    // A pass may overshoot by what it planned of one list.
    expect(nr_free_pages).toBeLessThanOrEqual(high + 64);
  });
});

describe('direct reclaim', () => {
  it('scans and takes as the reference model does, page by page (6.1, which walks all cgroups)', async () => {
    // Large enough, a list gives more than 32 pages at the first priority.
    const size = fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 500, max: 9000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 100_000, max: 400_000 }) },
    );
    const property = fc.asyncProperty(size, fc.nat(1000), async (pages, n) => {
      const machine = await boot({ pages, kernel: '6.1', build: 'debug' });
      const reference = new Stream(pages, watermarks(pages), '6.1');
      const cached = pages - machine.vmstat().low;
      machine.replay(batchOf([...PEOPLE, read(1, 1, 0, cached)]));
      for (let i = 0; i < cached; i++) reference.read();
      const flags = O.FLAG_BY_FRAME | (O.KIND_KERNEL_OTHER << O.FLAG_KIND_SHIFT);
      const count = Math.min(n, cached >> 1);
      const rows = Array.from({ length: count }, (_, index) => {
        return { op: O.OP_KMEM_CHARGE, task: 2, index, flags, gfp: O.GFP_DIRECT_RECLAIM };
      });
      machine.replay(batchOf(rows));
      for (let i = 0; i < count; i++) reference.allocate();
      const vm = machine.vmstat();
      expect([vm.nr_free_pages, vm.pgscan_direct, vm.allocstall]).toEqual([
        reference.free,
        reference.scanned,
        reference.stalls,
      ]);
      expect(vm).toMatchObject({ pgsteal_direct: vm.pgscan_direct, pageoutrun: 0 });
      expect(stat(machine, 2, L.STAT_PGSTEAL_DIRECT)).toBe(vm.pgsteal_direct);
      expect(machine.audit()).toBeNull();
    });
    await fc.assert(property, { numRuns: RUNS });
  });
});

describe('protection under global reclaim', () => {
  const PAGES = 4000;
  /** Cgroup 2 has 1000 pages of a file and asks for `pages` of protection; 3 streams. */
  const guarded = (which: number, pages: number): HandRow[] => [...PEOPLE, knob(2, which, pages), read(1, 1, 0, 1000)];

  it.each([
    O.KNOB_MIN,
    O.KNOB_LOW,
  ])('keeps what is protected while there is something else (knob %i)', async (which) => {
    const machine = await boot({ pages: PAGES });
    machine.replay(batchOf([...guarded(which, 1500), read(2, 2, 0, 20_000)]));
    expect(stat(machine, 2, L.STAT_FILE)).toBe(1000);
    expect(stat(machine, 2, L.STAT_PGSCAN_KSWAPD) + stat(machine, 2, L.STAT_PGSCAN_DIRECT)).toBe(0);
    expect(machine.figures(2)['memory.events'].low).toBe(0);
    // Unprotected it goes like the rest, in proportion to its size.
    const bare = await boot({ pages: PAGES });
    bare.replay(batchOf([...guarded(which, 0), read(2, 2, 0, 20_000)]));
    expect(stat(bare, 2, L.STAT_FILE)).toBeLessThan(200);
  });

  it('breaks low when nothing else is left: direct reclaim does, kswapd does not', async () => {
    const machine = await boot({ pages: PAGES });
    machine.replay(batchOf([...guarded(O.KNOB_LOW, 1500), touch(2, 1, 3500)]));
    const vm = machine.vmstat();
    expect(vm).toMatchObject({ oom_kill: 0, pgscan_kswapd: 0 });
    expect(vm.pgsteal_direct).toBeGreaterThanOrEqual(500);
    expect(vm.allocstall).toBeGreaterThan(0);
    expect(machine.figures(2)['memory.events'].low).toBeGreaterThan(0);
    expect(machine.audit()).toBeNull();
  });

  it('never breaks min: it kills', async () => {
    const machine = await boot({ pages: PAGES });
    machine.replay(batchOf([...guarded(O.KNOB_MIN, 1500), touch(2, 1, 3500)]));
    expect(machine.vmstat()).toMatchObject({ oom_kill: 1, pgsteal_direct: 0, pgsteal_kswapd: 0 });
    expect(stat(machine, 2, L.STAT_FILE)).toBe(1000);
  });
});

describe('the OOM killer of the machine', () => {
  it('takes the largest process and counts a kill at its cgroup, but no oom', async () => {
    const machine = await boot({ pages: 4000 });
    machine.replay(batchOf([...PEOPLE, touch(1, 1, 2000), touch(2, 1, 1500), touch(3, 1, 1000)]));
    const events = (memcg: number) => machine.figures(memcg)['memory.events'];
    expect(events(2)).toMatchObject({ oom: 0, oom_kill: 1, max: 0 });
    expect([events(3).oom_kill, events(4).oom_kill]).toEqual([0, 0]);
    expect([2, 3, 4].map((memcg) => stat(machine, memcg, L.STAT_ANON))).toEqual([0, 1500, 1000]);
    expect(machine.vmstat().oom_kill).toBe(1);
    expect(machine.audit()).toBeNull();
  });

  it('weighs oom_score_adj against RAM, and never takes -1000', async () => {
    const adj = (task: number, value: number): HandRow => ({ op: O.OP_OOM_SCORE_ADJ, task, index: value + 1000 });
    const killed = async (first: number, second: number) => {
      const machine = await boot({ pages: 4000 });
      const rows = [adj(1, first), adj(2, second), touch(1, 1, 2000), touch(2, 1, 1500), touch(3, 1, 1000)];
      machine.replay(batchOf([...PEOPLE, ...rows]));
      return [2, 3, 4].map((memcg) => machine.figures(memcg)['memory.events'].oom_kill);
    };
    expect(await killed(0, 0)).toEqual([1, 0, 0]);
    // 4000 / 1000 = 4 points each: 500 between them are 125 of these.
    expect(await killed(0, 124)).toEqual([1, 0, 0]);
    expect(await killed(0, 126)).toEqual([0, 1, 0]);
    expect(await killed(-1000, 0)).toEqual([0, 1, 0]);
  });

  it('kills a whole group below the root', async () => {
    const machine = await boot({ pages: 4000 });
    const group = [
      { op: O.OP_WRITE_KNOB, cgroup: 2, count: O.KNOB_OOM_GROUP, index: 1 },
      { op: O.OP_SPAWN, task: 4, cgroup: 2 },
    ];
    machine.replay(batchOf([...PEOPLE, ...group, touch(4, 1, 100), touch(1, 1, 2000), touch(2, 1, 2000)]));
    expect(machine.figures(2)['memory.events']).toMatchObject({ oom: 0, oom_group_kill: 1, oom_kill: 3 });
    expect([stat(machine, 2, L.STAT_ANON), stat(machine, 3, L.STAT_ANON)]).toEqual([0, 2000]);
  });

  it('has nobody left in the end, which is an error in one line', async () => {
    const machine = await boot({ pages: 1000 });
    const full = [{ op: O.OP_OBJECT_NEW, object: 1, count: O.OBJECT_SHMEM }, read(1, 1, 0, 500, O.FLAG_WRITE)];
    machine.replay(batchOf([...PEOPLE, ...full]));
    const more = batchOf([read(0, 1, 500, 500, O.FLAG_WRITE)]);
    expect(() => machine.replay(more)).toThrow(
      /memory is full \(1000 pages\) and no process is left to kill, where Linux panics.*--memory/,
    );
    expect(machine.vmstat()).toMatchObject({ oom_kill: 3, nr_free_pages: machine.vmstat().min });
    expect(machine.audit()).toBeNull();
  });
});

describe('kernel pages', () => {
  const kmem = (index: number, gfp: number, order = 0): HandRow => ({
    op: O.OP_KMEM_CHARGE,
    task: 1,
    index,
    flags: O.FLAG_BY_FRAME | (O.KIND_KERNEL_OTHER << O.FLAG_KIND_SHIFT) | order,
    gfp,
  });
  const ATOMIC = O.GFP_HIGH | O.GFP_KSWAPD_RECLAIM;
  const many = (n: number, gfp: number, from: number) => Array.from({ length: n }, (_, i) => kmem(from + i, gfp));

  it('take frames, and go as far below min as their flags allow', async () => {
    const machine = await boot({ pages: 4000 });
    const { min } = machine.vmstat();
    // Anonymous memory to the brim: nobody can reclaim, and the next ordinary page would have to kill.
    machine.replay(batchOf([...PEOPLE, touch(2, 1, 4000 - min)]));
    expect(machine.vmstat()).toMatchObject({ nr_free_pages: min, oom_kill: 0 });
    machine.replay(batchOf([kmem(1, O.GFP_KSWAPD_RECLAIM)]));
    expect(machine.vmstat()).toMatchObject({ nr_free_pages: min, allocations_failed: 1 });
    machine.replay(batchOf(many(min, O.GFP_HIGH | O.GFP_KERNEL | O.GFP_NORETRY, 100)));
    const half = min - Math.floor(min / 2);
    expect(machine.vmstat()).toMatchObject({ nr_free_pages: half, allocations_failed: 1 + half, oom_kill: 0 });
    machine.replay(batchOf(many(min, ATOMIC, 1000)));
    expect(machine.vmstat().nr_free_pages).toBe(half - Math.floor(half / 4));
    expect(stat(machine, 2, L.STAT_KMEM)).toBe(min - machine.vmstat().nr_free_pages);
    expect(machine.audit()).toBeNull();
  });

  it('leave nothing charged that no row could free, where the nodes are used up', async () => {
    const machine = await Machine.boot({ residency: 'modelled', pages: 4000, nodes: 8, cpus: 1, build: 'debug' });
    machine.replay(
      batchOf([
        { op: O.OP_MKDIR, cgroup: 2, object: 1 },
        { op: O.OP_SPAWN, task: 1, cgroup: 2 },
      ]),
    );
    const flags = O.FLAG_BY_FRAME | (O.KIND_KERNEL_STACK << O.FLAG_KIND_SHIFT) | 2;
    const row = (i: number) => ({ op: O.OP_KMEM_CHARGE, task: 1, index: 4096 * i + 62, flags, gfp: O.GFP_KERNEL });
    const replay = () => machine.replay(batchOf(Array.from({ length: 9 }, (_, i) => row(i))));
    expect(replay).toThrow('raise capacity nodes');
    expect(machine.audit()).toBeNull();
  });

  it('wake no kswapd without its flag: the task reclaims for itself, 32 pages or so at a time', async () => {
    const machine = await boot({ pages: 4000 });
    const { min, low } = machine.vmstat();
    machine.replay(batchOf([...PEOPLE, read(2, 1, 0, 4000 - low)]));
    machine.replay(batchOf(many(1000, O.GFP_DIRECT_RECLAIM, 1)));
    const vm = machine.vmstat();
    expect(vm).toMatchObject({ pgscan_kswapd: 0, pageoutrun: 0, oom_kill: 0 });
    expect(vm.pgsteal_direct).toBe(stat(machine, 3, L.STAT_PGSTEAL_DIRECT));
    expect(vm.nr_free_pages).toBe(low - 1000 + vm.pgsteal_direct);
    expect(vm.nr_free_pages).toBeGreaterThanOrEqual(min);
    expect(vm.nr_free_pages).toBeLessThanOrEqual(min + 64);
    // Every stall took at least SWAP_CLUSTER_MAX.
    expect(vm.pgsteal_direct).toBeGreaterThanOrEqual(32 * vm.allocstall);
    expect(machine.audit()).toBeNull();
  });
});

// --- anything, on a machine that is too small

interface Deed {
  what: 'read' | 'map' | 'write' | 'shmem' | 'anon' | 'free' | 'truncate' | 'sync' | 'drop' | 'kmem' | 'fork';
  task: number;
  object: number;
  index: number;
  count: number;
  gfp: number;
}

const deed = (kinds: readonly Deed['what'][]): fc.Arbitrary<Deed> =>
  fc.record({
    what: fc.constantFrom(...kinds),
    task: fc.nat(3),
    object: fc.integer({ min: 2, max: 4 }),
    index: fc.nat(700),
    count: fc.integer({ min: 1, max: 120 }),
    gfp: fc.constantFrom(O.GFP_KERNEL, O.GFP_KSWAPD_RECLAIM, O.GFP_HIGH | O.GFP_KSWAPD_RECLAIM, O.GFP_DIRECT_RECLAIM),
  });

function rowOf(d: Deed, i: number): HandRow {
  const { object, index, count } = d;
  // What needs no address space may be the kernel's own doing, for the root.
  const task = ['read', 'write', 'shmem', 'truncate', 'drop'].includes(d.what) ? d.task : Math.max(1, d.task);
  const kmem = O.FLAG_BY_FRAME | (O.KIND_KERNEL_OTHER << O.FLAG_KIND_SHIFT) | (count & 3);
  switch (d.what) {
    case 'read':
      return read(task, object, index, count);
    case 'map':
      return read(task, object, index, count, O.FLAG_FAULT | (count & 1 ? O.FLAG_EXEC : 0));
    case 'write':
      return read(task, object, index, count, O.FLAG_WRITE);
    case 'shmem':
      return read(task, 1, index, count, O.FLAG_WRITE);
    case 'anon':
      return touch(task, index, count);
    case 'free':
      return { op: O.OP_ANON_FREE, task, index, count };
    case 'truncate':
      return { op: O.OP_TRUNCATE, task, object, index, count };
    case 'sync':
      return { op: O.OP_SYNC };
    case 'drop':
      return { op: O.OP_DROP_CACHES, task, count: 1 };
    case 'kmem':
      return { op: O.OP_KMEM_CHARGE, task, index: 8 * i, flags: kmem, gfp: d.gfp };
    case 'fork':
      return { op: O.OP_FORK, task, object: 4 + (i % 12) };
  }
}

const START: HandRow[] = [...PEOPLE, { op: O.OP_OBJECT_NEW, object: 1, count: O.OBJECT_SHMEM }];
const ALL = ['read', 'map', 'write', 'shmem', 'anon', 'free', 'truncate', 'sync', 'drop', 'kmem'] as const;

describe.each<Kernel>(['6.18', '6.1'])('a machine that is too small, kernel %s', (kernel) => {
  it('ends every row, loses no frame, and does the same however the rows are cut', async () => {
    const deeds = fc.array(deed(ALL), { minLength: 30, maxLength: 120 });
    const reached = { kswapd: 0, direct: 0, kill: 0, failed: 0, full: 0 };
    const property = fc.asyncProperty(fc.integer({ min: 200, max: 1200 }), deeds, async (pages, list) => {
      const batch = batchOf([...START, ...list.map(rowOf)]);
      const machine = await boot({ pages, kernel, build: 'debug' });
      let done = batch.length;
      for (let row = 0; row < done; row += 8) {
        try {
          machine.replay(batch, row, Math.min(batch.length, row + 8));
        } catch (error) {
          // Only when there is nobody left.
          expect((error as ReplayError).errno).toBe('ENOSPC');
          expect(machine.vmstat().oom_kill).toBe(3);
          done = (error as ReplayError).row;
        }
        expect(machine.audit()).toBeNull();
        const { nr_free_pages, managed } = machine.vmstat();
        expect(nr_free_pages).toBeGreaterThanOrEqual(0);
        expect(nr_free_pages).toBeLessThanOrEqual(managed);
      }
      const vm = machine.vmstat();
      if (vm.pgsteal_kswapd > 0) reached.kswapd++;
      if (vm.pgsteal_direct > 0) reached.direct++;
      if (vm.oom_kill > 0) reached.kill++;
      if (vm.allocations_failed > 0) reached.failed++;
      if (done < batch.length) reached.full++;
      if (done < batch.length) return;
      const again = await boot({ pages, kernel });
      const middle = batch.length >> 1;
      again.replay(batch, 0, middle);
      const fork = await again.fork();
      fork.replay(batch, middle);
      again.replay(batch, middle);
      expect([fork.digest(), again.digest()]).toEqual([machine.digest(), machine.digest()]);
      expect(fork.vmstat()).toEqual(machine.vmstat());
    });
    await fc.assert(property, { numRuns: RUNS });
    if (RUNS >= 100) for (const [what, times] of Object.entries(reached)) expect(times, what).toBeGreaterThan(0);
  });

  it('neither fails nor kills while clean page cache is left, and breaks no min meanwhile', async () => {
    // At most 3 × 120 anonymous pages and 200 guarded ones on a machine of 1000: the rest is page cache.
    const deeds = fc.array(deed(['read', 'map', 'anon', 'sync']), { minLength: 40, maxLength: 160 });
    let short = 0;
    const property = fc.asyncProperty(deeds, async (list) => {
      const rows = list.map((d, i) => rowOf(d.what === 'anon' ? { ...d, index: 1 } : d, i));
      const guard = [knob(2, O.KNOB_MIN, 600), read(1, 5, 0, 200)];
      const batch = batchOf([
        ...START,
        ...guard,
        ...rows.filter((row) => row.task !== 1 || row.op === O.OP_ANON_TOUCH),
      ]);
      const machine = await boot({ pages: 1000, kernel, build: 'debug' });
      machine.replay(batch);
      const vm = machine.vmstat();
      if (vm.pgsteal_kswapd > 0) short++;
      expect(vm).toMatchObject({ oom_kill: 0, allocations_failed: 0 });
      expect(vm.nr_free_pages).toBeGreaterThanOrEqual(vm.min);
      expect(stat(machine, 2, L.STAT_FILE)).toBe(200);
      expect(stat(machine, 2, L.STAT_PGSTEAL_KSWAPD) + stat(machine, 2, L.STAT_PGSTEAL_DIRECT)).toBe(0);
      expect(machine.audit()).toBeNull();
    });
    await fc.assert(property, { numRuns: RUNS });
    expect(short).toBeGreaterThan(RUNS / 4);
  });
});
