/** The live door against the rows of a trace: the same actions, the same state to the last bit, limits and kills included. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as O from '../../assembly/replay/ops.ts';
import { type EngineError, Machine } from '../../bindings/index.ts';
import { batchOf, type HandRow } from './batch.ts';

const OPTIONS = { pages: 4096, cpus: 2, cgroups: 8, tasks: 64, objects: 8, maps: 128, nodes: 4096 };
const SLAB = O.KIND_SLAB << O.FLAG_KIND_SHIFT;
const RUNS = Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 300);

const action = fc.record({
  what: fc.constantFrom(
    'touch',
    'touch',
    'access',
    'access',
    'free',
    'unmap',
    'truncate',
    'fork',
    'exit',
    'exec',
    'attach',
    'kmem',
    'reclaim',
  ),
  task: fc.nat(20),
  cpu: fc.nat(1),
  object: fc.integer({ min: 1, max: 2 }),
  index: fc.nat(300),
  pages: fc.integer({ min: 1, max: 120 }),
  flag: fc.nat(3),
});

describe.each(['6.18', '6.1'] as const)('calls and rows of %s', (kernel) => {
  it('end in the same state', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
        const options = { residency: 'modelled', kernel, ...OPTIONS } as const;
        const [live, replayed] = [await Machine.boot(options), await Machine.boot(options)];
        const rows: HandRow[] = [];
        const row = (r: HandRow) => rows.push({ ts: 0, ...r });
        for (const [i, limit] of [300n, 150n].entries()) {
          const cgroup = live.mkdir(`/c${i}`);
          live.writeKnob(cgroup, i ? O.KNOB_HIGH : O.KNOB_MAX, limit);
          row({ op: O.OP_MKDIR, cgroup, object: 1, name: `/c${i}` });
          row({ op: O.OP_WRITE_KNOB, cgroup, count: i ? O.KNOB_HIGH : O.KNOB_MAX, index: Number(limit) });
          live.spawn(cgroup);
          row({ op: O.OP_SPAWN, task: i + 1, cgroup });
        }
        for (const type of ['file', 'shmem'] as const) {
          const object = live.newObject(type);
          row({ op: O.OP_OBJECT_NEW, object, count: type === 'file' ? O.OBJECT_FILE : O.OBJECT_SHMEM });
        }
        let tasks = 2;
        const gone = new Set<number>();
        for (const { what, task: which, cpu, object, index, pages, flag } of actions) {
          const task = 1 + (which % tasks);
          if (gone.has(task)) continue;
          const [write, fault] = [(flag & 1) !== 0, (flag & 2) !== 0];
          const flags = (write ? O.FLAG_WRITE : 0) | (fault ? O.FLAG_FAULT : 0);
          const base = { task, cpu };
          let result: { errno?: string; killed?: true } = {};
          if (what === 'touch') {
            result = live.touchAnon(task, { vpn: index, pages, write }, cpu);
            row({ op: O.OP_ANON_TOUCH, ...base, index, count: pages, flags: flags & O.FLAG_WRITE });
          } else if (what === 'access') {
            result = live.access(task, object, { index, pages, write, fault }, cpu);
            row({ op: O.OP_FILE_ACCESS, ...base, object, index, count: pages, flags });
          } else if (what === 'free') {
            result = live.freeAnon(task, { vpn: index, pages }, cpu);
            row({ op: O.OP_ANON_FREE, ...base, index, count: pages });
          } else if (what === 'unmap') {
            result = live.unmap(task, object, { index, pages }, cpu);
            row({ op: O.OP_UNMAP, ...base, object, index, count: pages });
          } else if (what === 'truncate') {
            result = live.truncate(task, object, { index, pages }, cpu);
            row({ op: O.OP_TRUNCATE, ...base, object, index, count: pages });
          } else if (what === 'fork') {
            const child = live.forkTask(task, { thread: fault }, cpu);
            expect(child).toBe(++tasks);
            row({ op: O.OP_FORK, ...base, object: child, flags: fault ? O.FLAG_THREAD : 0 });
          } else if (what === 'exit') {
            result = live.exit(task, cpu);
            row({ op: O.OP_EXIT, ...base });
            gone.add(task);
          } else if (what === 'exec') {
            result = live.exec(task, cpu);
            row({ op: O.OP_EXEC, ...base });
          } else if (what === 'attach') {
            result = live.attach(task, 1 + object, cpu);
            row({ op: O.OP_ATTACH, ...base, cgroup: 1 + object });
          } else if (what === 'kmem') {
            result = live.chargeKmem(task, { kind: 'slab', bytes: 8 * pages }, cpu);
            const slab = O.KIND_SLAB << O.FLAG_KIND_SHIFT;
            row({ op: O.OP_KMEM_CHARGE, ...base, count: 8 * pages, flags: slab, gfp: O.GFP_KERNEL });
          } else {
            const swappiness = kernel === '6.1' || !write ? null : 100;
            try {
              live.reclaim(1 + object, pages * 4096, { cpu, swappiness });
            } catch (error) {
              expect((error as { errno: string }).errno).toBe('EAGAIN');
            }
            // By nobody, as the call is.
            row({
              op: O.OP_WRITE_KNOB,
              cpu,
              cgroup: 1 + object,
              count: O.KNOB_RECLAIM,
              index: pages,
              object: swappiness === null ? 0 : swappiness + 1,
            });
          }
          if (result.killed || result.errno === 'ESRCH') gone.add(task);
        }
        replayed.replay(batchOf(rows));
        expect(live.digest()).toBe(replayed.digest());
        expect([live.audit(), replayed.audit()]).toEqual([null, null]);
      }),
      { numRuns: RUNS / 3, seed: 7 },
    );
  });
});

describe('a call', () => {
  const boot = () => Machine.boot({ residency: 'modelled', ...OPTIONS });

  it('tells what it charged, and what a limit refused', async () => {
    const machine = await boot();
    const cgroup = machine.mkdir('/a');
    const task = machine.spawn(cgroup);
    expect(machine.touchAnon(task, { vpn: 0, pages: 8 })).toEqual({ charged: 8 });
    expect(machine.touchAnon(task, { vpn: 4, pages: 8 })).toEqual({ charged: 4 });
    const other = machine.forkTask(task);
    expect(machine.touchAnon(other, { vpn: 0 })).toEqual({ charged: 1 });
    // Nobody may be killed: the charge fails.
    machine.setOomScoreAdj(task, -1000);
    machine.setOomScoreAdj(other, -1000);
    machine.writeKnob(cgroup, O.KNOB_MAX, 14n);
    expect(machine.touchAnon(task, { vpn: 100, pages: 4 })).toEqual({ charged: 1, errno: 'ENOMEM' });
    machine.setOomScoreAdj(task, 0);
    expect(machine.touchAnon(task, { vpn: 200 }).killed).toBe(true);
    expect(machine.touchAnon(task, { vpn: 300 })).toEqual({ charged: 0, errno: 'ESRCH', killed: true });
    expect(machine.exit(other)).toEqual({ charged: 0 });
    expect(machine.exit(other)).toEqual({ charged: 0, errno: 'ESRCH' });
    expect(machine.audit()).toBeNull();
  });

  it('throws one line where the caller is at fault', async () => {
    const machine = await boot();
    const task = machine.spawn();
    expect(() => machine.touchAnon(9, { vpn: 0 })).toThrow('touch: task 9: no such task');
    expect(() => machine.access(task, 77, { index: 0 })).toThrow('capacity objects');
    expect(() => machine.touchAnon(task, { vpn: 0 }, 5)).toThrow('cpu 5 is out of range');
    expect(() => machine.reclaim(5, 4096)).toThrow('ENOENT');
    expect(() => machine.reclaim(1, 4096, { swappiness: 201 })).toThrow('swappiness 201');
    expect(() => machine.reclaim(1, 4096)).toThrow('EAGAIN');
    const recorded = await Machine.boot({ pages: 16 });
    expect(() => recorded.touchAnon(recorded.spawn(), { vpn: 0 })).toThrow('only in modelled residency');
    await expect(Machine.boot({ kernel: '6.1', mountOptions: ['memory_hugetlb_accounting'] })).rejects.toThrow(
      'Linux 6.1 does not know it',
    );
  });
});

describe('bad input', () => {
  /** The errno, and that there is one line of it. */
  const refusal = (act: () => unknown): string => {
    try {
      act();
    } catch (error) {
      expect((error as Error).message.split('\n')).toHaveLength(1);
      return (error as EngineError).errno;
    }
    return 'none';
  };

  it('is refused before it does anything', async () => {
    const machine = await Machine.boot({ residency: 'modelled', ...OPTIONS });
    const [cgroup, gone] = [machine.mkdir('/a'), machine.mkdir('/b')];
    const task = machine.spawn(cgroup);
    machine.rmdir(gone);
    const before = machine.digest();
    const acts: [string, () => unknown][] = [
      ['EINVAL', () => machine.touchAnon(task, { vpn: -1 })],
      ['EINVAL', () => machine.touchAnon(task, { vpn: 0.5 })],
      ['EINVAL', () => machine.touchAnon(task, { vpn: 2n ** 64n })],
      ['EINVAL', () => machine.touchAnon(task, { vpn: 0, pages: -1 })],
      ['EINVAL', () => machine.touchAnon(task, { vpn: 0, pages: 2 ** 32 })],
      ['EINVAL', () => machine.touchAnon(-1, { vpn: 0 })],
      ['EINVAL', () => machine.chargeKmem(task, { kind: 'slab', bytes: -100 })],
      ['EINVAL', () => machine.chargeKmem(task, { kind: 'heap' as 'slab', bytes: 100 })],
      ['EINVAL', () => machine.chargeKmemPages(task, { kind: 'other', frame: 1, order: 10 })],
      ['EINVAL', () => machine.newObject('pipe' as 'file')],
      ['EINVAL', () => machine.setHugePages(-1)],
      ['EINVAL', () => machine.dropCaches(4 as 3)],
      ['EINVAL', () => machine.advance(-1n)],
      ['EINVAL', () => machine.setOomScoreAdj(task, -1001)],
      ['EINVAL', () => machine.writeKnob(cgroup, O.KNOB_MAX, -1n)],
      ['EINVAL', () => machine.writeKnob(cgroup, O.KNOB_OOM_GROUP, 2n)],
      ['EINVAL', () => machine.writeKnob(cgroup, O.KNOB_OOM_GROUP, null)],
      ['EINVAL', () => machine.writeKnob(cgroup, O.KNOB_RECLAIM, 1n)],
      ['EINVAL', () => machine.reclaim(cgroup, -4096)],
      ['EINVAL', () => machine.reclaim(cgroup, 0.5)],
      ['ENODEV', () => machine.writeKnob(gone, O.KNOB_MAX, 1n)],
      ['ENODEV', () => machine.reclaim(gone, 4096)],
      ['ENODEV', () => machine.spawn(gone)],
      ['ENODEV', () => machine.openPeak(gone)],
      ...[7, 0, -1, 1e6, Number.NaN].flatMap((none): [string, () => unknown][] => [
        ['ENOENT', () => machine.usage(none)],
        ['ENOENT', () => machine.memoryStat(none)],
        ['ENOENT', () => machine.figures(none)],
        ['ENOENT', () => machine.charged(none)],
        ['ENOENT', () => machine.refused(none)],
        ['ENOENT', () => machine.throttledNs(none)],
        ['ENOENT', () => machine.cgroupStat(none)],
        ['ENOENT', () => machine.openPeak(none)],
        ['ENOENT', () => machine.writeKnob(none, O.KNOB_MAX, 1n)],
        ['ENOENT', () => machine.spawn(none)],
      ]),
    ];
    for (const [errno, act] of acts) expect([String(act), refusal(act)]).toEqual([String(act), errno]);
    expect(machine.digest()).toBe(before);
    expect(machine.audit()).toBeNull();
    const recorded = await Machine.boot({ swap: 8 });
    expect(refusal(() => recorded.swapon())).toBe('EINVAL');
  });

  it('of boot is refused, also a name that is misspelt', async () => {
    for (const [options, message] of [
      [{ kernel: '5.4' }, 'kernel 5.4: not one of 6.18, 6.1'],
      [{ residency: 'modeled' }, 'residency modeled: not one of recorded, modelled'],
      [{ statistics: 'kernels' }, 'statistics kernels: not one of'],
      [{ page: 1000 }, 'boot option page: not one of pages,'],
      [{ costs: { swapin: 1 } }, 'cost swapin: not one of'],
      [{ seed: -1 }, 'seed -1: not a whole number'],
    ] as [object, string][])
      await expect(Machine.boot(options)).rejects.toThrow(message);
  });
});

it('sync writes what is dirty, and drop_caches takes what is clean', async () => {
  const machine = await Machine.boot({ residency: 'modelled', ...OPTIONS });
  const cgroup = machine.mkdir('/a');
  const task = machine.spawn(cgroup);
  const [one, two] = [machine.newObject('file', 100), machine.newObject('file')];
  const file = () => machine.figures(cgroup)['memory.stat'].file! / 4096;
  machine.access(task, one, { index: 0, pages: 40, write: true });
  machine.access(task, two, { index: 0, pages: 20, write: true });
  expect(machine.dropCaches()).toEqual({ charged: 0 });
  expect([file(), machine.writeback().dirty]).toEqual([60, 60]);
  expect(machine.sync(task, one)).toEqual({ charged: 0 });
  // 40 pages at 20 µs.
  expect(machine.writeback()).toEqual({ dirty: 20, writeback: 0, waitedNs: 800_000n });
  machine.dropCaches(2);
  expect(file()).toBe(60);
  machine.dropCaches(1);
  expect(file()).toBe(20);
  machine.sync(task);
  machine.dropCaches();
  expect([file(), machine.writeback().dirty]).toEqual([0, 0]);
  expect(machine.audit()).toBeNull();
});

it('nothing is read ahead behind the end of an object whose size is told', async () => {
  for (const [size, resident] of [
    [10, 10],
    // 16 pages for a read of 8, and 32 more when the mark on page 8 is met.
    [100, 48],
  ] as const) {
    const machine = await Machine.boot({ residency: 'modelled', ...OPTIONS, readahead: 32 });
    const task = machine.spawn(machine.mkdir('/a'));
    const file = machine.newObject('file', size);
    machine.access(task, file, { index: 0, pages: 8 });
    machine.access(task, file, { index: 8, pages: 1 });
    expect(machine.figures(2)['memory.stat'].file! / 4096).toBe(resident);
  }
});

it.each([
  'recorded',
  'modelled',
] as const)('the last bytes below 4 GiB are charged as a page (%s)', async (residency) => {
  for (const bytes of [2 ** 32 - 4096, 2 ** 32 - 4095, 2 ** 32 - 1]) {
    const machine = await Machine.boot({ ...OPTIONS, residency });
    const [cgroup, other] = [machine.mkdir('/a'), machine.mkdir('/b')];
    const rows = [
      { op: O.OP_SPAWN, task: 1, cgroup },
      { op: O.OP_SPAWN, task: 2, cgroup: other },
      { op: O.OP_KMEM_CHARGE, task: 1, cgroup, count: bytes, flags: SLAB, gfp: O.GFP_KERNEL },
    ];
    machine.replay(batchOf(rows));
    expect(machine.usage(cgroup)).toBe(Math.ceil(bytes / 4096));
    expect(machine.audit()).toBeNull();
    machine.replay(batchOf([{ op: O.OP_KMEM_FREE, task: 1, cgroup, count: bytes, flags: SLAB }]));
    expect(machine.figures(cgroup)['memory.stat'].slab).toBe(0);
    expect(machine.audit()).toBeNull();
  }
});

it('memory.reclaim takes what it is asked for, a quarter of the rest at a time, so that it hardly overshoots', async () => {
  const machine = await Machine.boot({ residency: 'modelled', ...OPTIONS });
  const cgroup = machine.mkdir('/a');
  const task = machine.spawn(cgroup);
  machine.access(task, 1, { index: 0, pages: 2000 });
  machine.reclaim(cgroup, 1000 * 4096);
  const stat = machine.memoryStat(cgroup);
  expect(stat.pgsteal_proactive).toBeGreaterThanOrEqual(1000);
  expect(stat.pgsteal_proactive).toBeLessThan(1064);
  expect(stat.pgsteal_direct).toBe(0);
});

it('memory.reclaim takes at its last attempt what waits in the batch of another CPU', async () => {
  for (const kernel of ['6.18', '6.1'] as const) {
    const machine = await Machine.boot({ residency: 'modelled', ...OPTIONS, kernel, cpus: 2 });
    const cgroup = machine.mkdir('/a');
    machine.access(machine.spawn(cgroup), 1, { index: 0, pages: 10 }, 1);
    expect(machine.memoryStat(cgroup)).toMatchObject({ file: 10 * 4096, inactive_file: 0 });
    machine.reclaim(cgroup, 8 * 4096, { cpu: 0 });
    expect(machine.memoryStat(cgroup)).toMatchObject({ file: 0, inactive_file: 0 });
    expect(machine.audit()).toBeNull();
  }
});

it('exec of a process whose threads still run: they live on the new address space, which ends with the last of them', async () => {
  for (const last of ['leader', 'thread']) {
    const machine = await Machine.boot({ residency: 'modelled', ...OPTIONS });
    const cgroup = machine.mkdir('/a');
    const leader = machine.spawn(cgroup);
    machine.touchAnon(leader, { vpn: 0, pages: 20 });
    const thread = machine.forkTask(leader, { thread: true });
    machine.exec(leader);
    expect(machine.memoryStat(cgroup).anon).toBe(0);
    machine.touchAnon(leader, { vpn: 100, pages: 30 });
    machine.exit(last === 'leader' ? thread : leader);
    expect(machine.memoryStat(cgroup).anon).toBe(30 * 4096);
    expect(machine.audit()).toBeNull();
    machine.exit(last === 'leader' ? leader : thread);
    expect(machine.memoryStat(cgroup).anon).toBe(0);
    expect(machine.audit()).toBeNull();
  }
});
