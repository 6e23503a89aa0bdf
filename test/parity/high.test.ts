/**
 * memory.high: what a task that charges above it sleeps. The figures of the first test are calculate_high_delay()'s for 64 pages and
 * memory.high = 100 MiB (mm/memcontrol.c), evaluated outside the engine.
 */
import { expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { type BootOptions, Machine } from '../../bindings/machine.ts';
import { Peek } from '../model/peek.ts';
import { batchOf, type HandRow } from '../replay/batch.ts';

const MIB = 256;
const W = O.FLAG_WRITE;
const high = (cgroup: number, pages: number, knob = O.KNOB_HIGH): HandRow => {
  return { op: O.OP_WRITE_KNOB, cgroup, count: knob, index: pages };
};
const boot = (options: BootOptions = {}) =>
  Machine.boot({ residency: 'modelled', pages: 1 << 16, ring: 4096, build: 'debug', ...options });

/** The sleep of a row of 64 pages that brings the usage to so many MiB, ms. */
async function sleeps(hz: number, mib: readonly number[]): Promise<number[]> {
  const machine = await boot({ hz });
  const rows = Array.from({ length: 120 * 4 }, (_, i): HandRow => {
    return { op: O.OP_ANON_TOUCH, task: 1, index: 64 * i, count: 64, flags: W, ts: 1e6 * (i + 1) };
  });
  machine.replay(
    batchOf([
      { op: O.OP_MKDIR, cgroup: 2, object: 1, name: '/a' },
      high(2, 100 * MIB),
      { op: O.OP_SPAWN, task: 1, cgroup: 2, ts: 9 },
      ...rows,
    ]),
  );
  const slept = new Map<bigint, number>();
  let sum = 0;
  for (const event of machine.drain()) {
    if (event.type !== 'throttled') continue;
    expect(event).toMatchObject({ cgroup: 2, task: 1 });
    slept.set(event.ts, event.ns / 1e6);
    sum += event.ns;
  }
  expect(machine.throttledNs(2)).toBe(sum);
  expect(machine.audit()).toBeNull();
  return mib.map((m) => slept.get(BigInt(m * 4 * 1e6)) ?? 0);
}

it('sleeps with the square of the overage, in jiffies, 2 s at most and never 10 ms or less', async () => {
  const mib = [100, 101, 102, 105, 110, 115, 118, 120];
  expect(await sleeps(1000, mib)).toEqual([0, 0, 25, 159, 639, 1439, 2000, 2000]);
  expect(await sleeps(250, mib)).toEqual([0, 0, 24, 156, 636, 1436, 2000, 2000]);
});

it('is noticed at every level, and once more than 64 pages wait already inside the row', async () => {
  const machine = await boot();
  const rows = (count: number): HandRow[] => [
    { op: O.OP_MKDIR, cgroup: 2, object: 1, name: '/a' },
    { op: O.OP_MKDIR, cgroup: 3, object: 2, name: '/a/b' },
    high(2, 1000),
    { op: O.OP_SPAWN, task: 1, cgroup: 3 },
    { op: O.OP_ANON_TOUCH, task: 1, index: 1, count, flags: W },
  ];
  // 19 × 64 = 1216: the batches at 1024, 1088, 1152 and 1216 are above. Two inside the row, one pair left for its end each.
  machine.replay(batchOf(rows(1216)));
  const events = machine.figures(3)['memory.events'];
  expect(events.high).toBe(0);
  // Each time 17 fruitless rounds, each an event: three batches beyond 64 + 64.
  expect(machine.figures(2)['memory.events'].high! % 17).toBe(0);
  expect(machine.figures(2)['memory.events'].high).toBe(34);
  // It is the task's cgroup that sleeps, not the one whose mark it is.
  expect(machine.throttledNs(2)).toBe(0);
  expect(machine.throttledNs(3)).toBeGreaterThan(0);
});

it('adds swap above memory.swap.high, which counts events of its own', async () => {
  const machine = await boot();
  machine.replay(
    batchOf([
      { op: O.OP_MKDIR, cgroup: 2, object: 1, name: '/a' },
      high(2, 100, O.KNOB_SWAP_HIGH),
      { op: O.OP_SPAWN, task: 1, cgroup: 2 },
    ]),
  );
  machine.engine.pageCounterCharge(2, L.COUNTER_SWAP, 150n);
  machine.replay(batchOf([{ op: O.OP_ANON_TOUCH, task: 1, index: 1, count: 64, flags: W, ts: 50 }]));
  // overage 0.5: 0.25 × 2^40 × 250 >> 34 = 4000 jiffies, of which 500 are slept; 17 rounds look at swap.
  expect(machine.figures(2)['memory.swap.events'].high).toBe(17);
  expect(machine.throttledNs(2)).toBe(2e9);
  const end = () => new Peek(machine).i64(L.R_MM, L.MM_STRIDE, 1, L.TASK_SLEEP_END);
  expect(end()).toBe(50n + 2_000_000_000n);
  // A sleep that begins before the last one has ended begins at its end.
  machine.replay(batchOf([{ op: O.OP_ANON_TOUCH, task: 1, index: 100, count: 64, flags: W, ts: 1e9 }]));
  expect(end()).toBe(50n + 4_000_000_000n);
  expect(machine.throttledNs(2)).toBe(4e9);
  machine.engine.pageCounterUncharge(2, L.COUNTER_SWAP, 150n);
  expect(machine.audit()).toBeNull();
});

it('live: what is over memory.high waits for the return to user mode', async () => {
  const machine = await boot();
  const jobs = machine.mkdir('/jobs');
  machine.writeKnob(jobs, O.KNOB_HIGH, 4n);
  const task = machine.spawn(jobs);
  expect(machine.engine.chargeKmemPages(task, 0, 1024, 4, O.KIND_KERNEL_OTHER, O.GFP_KERNEL)).toBe(0);
  expect(machine.throttledNs(jobs)).toBe(0);
  expect(machine.engine.returnToUser(task, 0)).toBe(0);
  expect(machine.throttledNs(jobs)).toBe(2e9);
  expect(machine.engine.returnToUser(task, 0)).toBe(0);
  expect(machine.throttledNs(jobs)).toBe(2e9);
});

it('takes no HZ that no kernel has', async () => {
  await expect(Machine.boot({ hz: 0 })).rejects.toThrow('hz 0: not a whole number');
});
