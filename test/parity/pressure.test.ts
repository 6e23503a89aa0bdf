/**
 * Pressure beside Linux 6.18.44, and what the model's own work adds to it. The averages are the same arithmetic for every resource, so that
 * a real machine's /proc/pressure/cpu can tell: `some` of it, each time its averages changed, in a minute with two bursts of load.
 */
import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { regionAt } from '../../bindings/engine/capacities.ts';
import { type BootOptions, Machine } from '../../bindings/machine.ts';
import { batchOf, type HandRow } from '../replay/batch.ts';

/** avg10, avg60 and avg300 before the first period. */
const BEFORE = [0.68, 2.82, 1.79];
/** Of each period: what `total` grew by, µs, and the averages after it. */
const PERIODS: [number, number, number, number][] = [
  [48485, 0.92, 2.79, 1.79],
  [100020, 1.47, 2.83, 1.81],
  [95520, 1.93, 2.87, 1.82],
  [63482, 2.12, 2.88, 1.83],
  [0, 1.74, 2.78, 1.82],
  [7756, 1.42, 2.69, 1.8],
  [7905, 1.16, 2.6, 1.79],
  [4088, 0.95, 2.52, 1.78],
  [16233, 0.78, 2.43, 1.77],
  [7808, 0.64, 2.35, 1.75],
  [3958, 0.52, 2.28, 1.74],
  [0, 0.42, 2.2, 1.73],
  [9790, 0.35, 2.13, 1.72],
  [84928, 1.01, 2.19, 1.73],
  [471189, 4.99, 2.87, 1.88],
  [85722, 4.81, 2.91, 1.89],
  [202553, 5.75, 3.14, 1.95],
  [14438, 4.71, 3.04, 1.94],
  [55496, 4.22, 3.0, 1.94],
  [153870, 4.72, 3.13, 1.97],
  [130305, 4.95, 3.23, 2.0],
  [89846, 4.78, 3.25, 2.01],
  [0, 3.91, 3.15, 2.0],
  [3258, 3.2, 3.04, 1.98],
  [0, 2.62, 2.94, 1.97],
  [3960, 2.14, 2.85, 1.96],
  [0, 1.75, 2.75, 1.94],
  [0, 1.44, 2.66, 1.93],
  [0, 1.17, 2.57, 1.92],
  [0, 0.96, 2.49, 1.9],
  [0, 0.79, 2.41, 1.89],
];
const PERIOD = 2_004_000_000;
const CPUS = { residency: 'modelled', pages: 40_000, cpus: 1 } as const;

describe('the averages', () => {
  it('are those of a real kernel, from the same stalls', async () => {
    const machine = await Machine.boot(CPUS);
    machine.replay(
      batchOf([
        { op: O.OP_MKDIR, cgroup: 2, object: 1, name: '/a' },
        { op: O.OP_SPAWN, task: 1, cgroup: 2 },
      ]),
    );
    // What the averages were is printed to two decimals, cut off.
    const record = new DataView(machine.memory.buffer, regionAt(L.R_PSI, machine.capacities) + 2 * L.PSI_STRIDE);
    for (const [i, average] of BEFORE.entries())
      record.setUint32(L.PSI_AVERAGE + 4 * i, Math.round((average + 0.005) * 2048), true);
    let total = 0;
    for (const [period, [grew, avg10, avg60, avg300]] of PERIODS.entries()) {
      machine.replay(batchOf([{ op: O.OP_PROGRESS, task: 1, ts: period * PERIOD + 1e6 }]));
      machine.engine.memstall(1, 0, BigInt(grew) * 1000n, 0);
      machine.engine.advance(BigInt((period + 1) * PERIOD));
      total += grew;
      const { some } = machine.pressure(2);
      expect(some.total).toBe(total);
      expect(Math.abs(some.avg10 - avg10)).toBeLessThanOrEqual(0.015);
      expect(Math.abs(some.avg60 - avg60)).toBeLessThanOrEqual(0.015);
      expect(Math.abs(some.avg300 - avg300)).toBeLessThanOrEqual(0.015);
    }
    expect(machine.audit()).toBeNull();
  });
});

const LIMIT = 1000;
const mkdir = (knob: number): HandRow[] => [
  { op: O.OP_MKDIR, cgroup: 2, object: 1, name: '/a' },
  { op: O.OP_WRITE_KNOB, cgroup: 2, count: knob, index: LIMIT },
  { op: O.OP_SPAWN, task: 1, cgroup: 2 },
  { op: O.OP_MKDIR, cgroup: 3, object: 1, name: '/b' },
];
const reads = (ts: number, index: number, count: number): HandRow => ({
  op: O.OP_FILE_ACCESS,
  task: 1,
  object: 1,
  ts,
  index,
  count,
});

async function played(rows: readonly HandRow[], options: BootOptions = {}): Promise<Machine> {
  const machine = await Machine.boot({ ...CPUS, ...options });
  machine.replay(batchOf(rows));
  machine.engine.advance(BigInt(rows.at(-1)!.ts ?? 0) + 100_000_000_000n);
  expect(machine.audit()).toBeNull();
  return machine;
}

describe('what stalls', () => {
  const cold = [...mkdir(O.KNOB_MAX), ...Array.from({ length: 100 }, (_, i) => reads(1e9 + 1e7 * i, 32 * i, 32))];
  const scanned = (machine: Machine) =>
    machine.memoryStat(2).pgscan_direct! + Number(machine.engine.statTotal(2, L.STAT_PGREFILL));

  it('is direct reclaim, by the pages that it looks at and takes', async () => {
    const machine = await played(cold, { costs: { scan: 5000, reclaimed: 1000 } });
    const us = scanned(machine) * 5 + machine.memoryStat(2).pgsteal_direct!;
    expect(us).toBeGreaterThan(5 * 2000);
    const { some, full } = machine.pressure(2);
    expect(some.total).toBe(us);
    // The only task of the cgroup, and it has the CPU.
    expect(full).toEqual(some);
    expect(machine.pressure(1)).toEqual(machine.pressure(2));
    expect(machine.pressure(3).some.total).toBe(0);
    expect(machine.figures(2)['memory.pressure']).toEqual(machine.pressure(2));
  });

  it('is a page of the working set that is read again, not one that is new', async () => {
    // Used twice, so that it is active; pushed out by new pages, used twice in their turn; and missed soon.
    const pass = (ts: number, first: number, pages: number) =>
      Array.from({ length: pages / 16 }, (_, i) => reads(ts + 1e6 * i, first + 16 * i, 16));
    const machine = await played(
      [
        ...mkdir(O.KNOB_MAX),
        ...pass(1e9, 0, 800),
        ...pass(2e9, 0, 800),
        ...pass(3e9, 2000, 640),
        ...pass(4e9, 2000, 640),
        ...pass(5e9, 0, 800),
      ],
      { costs: { scan: 0, fileRead: 80_000 } },
    );
    const restored = machine.memoryStat(2).workingset_restore_file!;
    expect(restored).toBeGreaterThan(0);
    expect(restored).toBeLessThan(machine.memoryStat(2).workingset_refault_file!);
    expect(machine.pressure(2).some.total).toBe(80 * restored);
  });

  it('is the sleep of memory.high', async () => {
    const rows = Array.from(
      { length: 30 },
      (_, i): HandRow => ({
        op: O.OP_ANON_TOUCH,
        task: 1,
        ts: 1e9 + 1e6 * i,
        index: 64 * i,
        count: 64,
        flags: O.FLAG_WRITE,
      }),
    );
    const machine = await played([...mkdir(O.KNOB_HIGH), ...rows], { costs: { scan: 0 } });
    const slept = new DataView(machine.memory.buffer, L.HEADER).getBigUint64(L.H_THROTTLED_NS, true);
    expect(slept).toBeGreaterThan(1_000_000_000n);
    expect(machine.pressure(2).some.total).toBe(Number(slept / 1000n));
  });

  it('is nothing, and leaves no trace, where there is no limit or no cost', async () => {
    const [limited, free] = [cold, cold.filter(({ op }) => op !== O.OP_WRITE_KNOB)];
    const costs = { scan: 900_000, reclaimed: 900_000, swapIn: 900_000, fileRead: 900_000, slice: 1 };
    const none = { scan: 0, reclaimed: 0, swapIn: 0, fileRead: 0 };
    const quiet = await played(free);
    expect((await played(free, { costs })).digest()).toBe(quiet.digest());
    expect(quiet.pressure(1).some).toEqual({ avg10: 0, avg60: 0, avg300: 0, total: 0 });
    expect((await played(limited, { costs: none })).pressure(1).some.total).toBe(0);
    expect((await played(limited)).digest()).not.toBe((await played(limited, { costs: none })).digest());
  });

  it('weighs CPUs by the time in which they are at work', async () => {
    // One of two tasks stalls half of the time, on a CPU of its own, while the other one works.
    const machine = await Machine.boot({ ...CPUS, cpus: 2 });
    machine.replay(batchOf([...mkdir(O.KNOB_MAX), { op: O.OP_SPAWN, task: 2, cgroup: 2 }]));
    for (let ms = 1; ms < 6_012; ms += 2) {
      const ts = 1e6 * ms;
      machine.replay(batchOf([1, 2].map((task) => ({ op: O.OP_PROGRESS, task, cpu: task - 1, ts }))));
      machine.engine.memstall(1, 0, 1_000_000n, 0);
    }
    const { some, full } = machine.pressure(2);
    expect(some.total).toBeGreaterThan(0.249 * 6_012_000);
    expect(some.total).toBeLessThan(0.251 * 6_012_000);
    expect(full.total).toBe(some.total);
    expect(machine.audit()).toBeNull();
  });

  it('ends with the task, and moves with it', async () => {
    const machine = await Machine.boot({ ...CPUS, costs: { slice: 0 } });
    machine.replay(batchOf([...mkdir(O.KNOB_MAX), { op: O.OP_SPAWN, task: 2, cgroup: 2, ts: 1e9 }]));
    machine.engine.memstall(1, 0, 10_000_000_000n, 0);
    machine.replay(batchOf([{ op: O.OP_ATTACH, task: 1, cgroup: 3, ts: 2e9 }]));
    machine.replay(batchOf([{ op: O.OP_EXIT, task: 1, ts: 3.5e9 }]));
    machine.engine.advance(20_000_000_000n);
    expect([1, 2, 3].map((cgroup) => machine.pressure(cgroup).some.total)).toEqual([2.5e6, 1e6, 1.5e6]);
    expect(machine.audit()).toBeNull();
  });
});

it('refuses costs that are none, and tasks that are not there, in one line', async () => {
  await expect(Machine.boot({ ...CPUS, costs: { scan: -1 } })).rejects.toThrow(
    'cost scan: -1 is not a whole number of nanoseconds from 0 to 1000000000',
  );
  const machine = await Machine.boot(CPUS);
  expect(machine.engine.memstall(9, 0, 1n, 0)).toBeLessThan(0);
  expect(() => machine.pressure(7)).toThrow('memory.pressure of #7: ENOENT');
});
