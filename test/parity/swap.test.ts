/**
 * Swap beside Linux 6.1.192: a process in a cgroup of 32 MiB (memory.swap.max 64 MiB) writes 64 MiB of private memory, reads the first 16,
 * writes the next 16, unmaps the first 32 and exits. The figures of the kernel after each step, within 2 % (events 3 %). On its disk a write took a
 * while, so that reclaim met each page three times: young, written, and rotated to the tail once it was on the disk. How long a while
 * does not matter; on a device that takes no time reclaim meets it twice.
 */
import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { Machine } from '../../bindings/machine.ts';
import { batchOf, type HandRow } from '../replay/batch.ts';

const MIB = 256;
const BASE = 100_000;

/** memory.max events, pgscan, pgsteal, major faults, anon MiB, swap MiB, after each step: s10 of the project's captures. */
const KERNEL = [
  ['64 MiB written', 192, 32_900, 8309, 0, 31.32, 32.74],
  ['16 MiB read again', 282, 41_006, 12_385, 4096, 31.57, 32.73],
  ['16 MiB written again', 376, 57_309, 16_487, 8199, 31.64, 32.7],
  ['32 MiB unmapped', 376, 57_309, 16_487, 8199, 0.05, 32.2],
  ['exit', 376, 57_309, 16_487, 8199, 0, 0.2],
] as const;

function touch(from: number, pages: number, write: boolean, ts: number): HandRow[] {
  return Array.from({ length: pages }, (_, i) => {
    const index = BASE + from * MIB + i;
    return { op: O.OP_ANON_TOUCH, task: 1, index, count: 1, flags: write ? O.FLAG_WRITE : 0, ts: ts + i * 20_000 };
  });
}

describe.each([
  ['at once', 0n],
  ['20 us a page', 20_000n],
  ['200 us a page', 200_000n],
])('swap as in Linux 6.1, on a device that writes %s', (_, pageWriteNs) => {
  it('takes, returns and frees as many pages', async () => {
    const machine = await Machine.boot({ residency: 'modelled', kernel: '6.1', cpus: 2, swap: 1 << 16, pageWriteNs });
    machine.replay(
      batchOf([
        { op: O.OP_MKDIR, cgroup: 2, object: 1, name: '/sw' },
        { op: O.OP_WRITE_KNOB, cgroup: 2, count: O.KNOB_MAX, index: 32 * MIB },
        { op: O.OP_WRITE_KNOB, cgroup: 2, count: O.KNOB_SWAP_MAX, index: 64 * MIB },
        { op: O.OP_SPAWN, task: 1, cgroup: 2 },
      ]),
    );
    const steps: HandRow[][] = [
      touch(0, 64 * MIB, true, 1e9),
      touch(0, 16 * MIB, false, 3e9),
      touch(16, 16 * MIB, true, 5e9),
      [{ op: O.OP_ANON_FREE, task: 1, index: BASE, count: 32 * MIB, ts: 7e9 }],
      [{ op: O.OP_EXIT, task: 1, ts: 8e9 }],
    ];
    for (const [i, rows] of steps.entries()) {
      machine.replay(batchOf(rows));
      expect(machine.audit()).toBeNull();
      const [step, max, pgscan, pgsteal, major, anon, swap] = KERNEL[i]!;
      const figures = machine.figures(2);
      const stat = figures['memory.stat'];
      const near = (found: number, expected: number, least: number) =>
        expect(Math.abs(found - expected), step).toBeLessThanOrEqual(Math.max(0.02 * expected, least));
      near(stat.pgsteal!, pgsteal, 0);
      near(stat.pgmajfault!, major, 0);
      near(stat.anon! / 2 ** 20, anon, 0.6);
      near(figures['memory.swap.current'] / 2 ** 20, swap, 0.6);
      near(figures['memory.events'].max!, max, pageWriteNs ? 0.03 * max : 26);
      if (pageWriteNs) near(stat.pgscan!, pgscan, 0);
      else expect(stat.pgscan!).toBeLessThan(pgscan);
      expect(figures['memory.events']).toMatchObject({ oom: 0, oom_kill: 0 });
      expect(figures['memory.peak']).toBeLessThanOrEqual(32 * 2 ** 20);
    }
    // 6.1: what the last CPU freed last waits in its cache of slots, up to 64 of them.
    expect(machine.figures(2)['memory.swap.current']).toBeLessThanOrEqual(2 * 64 * 4096);
  });
});

/** A machine with a cgroup /a of `max` pages and a task in it, and 4096 slots. */
async function machineWith(max: number, kernel: '6.1' | '6.18' = '6.18'): Promise<Machine> {
  const options = { residency: 'modelled', kernel, cpus: 1, swap: 4096, pageWriteNs: 0n } as const;
  const machine = await Machine.boot({ ...options, build: 'debug' });
  const a = machine.mkdir('/a');
  machine.mkdir('/b');
  machine.writeKnob(a, O.KNOB_MAX, BigInt(max));
  for (const cgroup of [a, 3]) machine.spawn(cgroup);
  return machine;
}
const swapped = (machine: Machine, cgroup: number) => machine.figures(cgroup)['memory.swap.current'] / 4096;
const written = (pages: number): HandRow => {
  return { op: O.OP_ANON_TOUCH, task: 1, index: BASE, count: pages, flags: O.FLAG_WRITE };
};

describe('swap', () => {
  it('is owed by who owned the page, whoever reads it back', async () => {
    const machine = await machineWith(500);
    machine.replay(
      batchOf([
        { op: O.OP_OBJECT_NEW, object: 1, count: O.OBJECT_SHMEM },
        { op: O.OP_FILE_ACCESS, task: 1, object: 1, count: 1000, flags: O.FLAG_WRITE },
      ]),
    );
    const out = swapped(machine, 2);
    expect(out).toBeGreaterThanOrEqual(500);
    machine.writeKnob(2, O.KNOB_MAX, 1200n);
    machine.replay(batchOf([{ op: O.OP_FILE_ACCESS, task: 2, object: 1, count: 1000 }]));
    // The entry's owner pays, not the reader; every slot is free.
    expect(machine.figures(3)['memory.current']).toBe(0);
    expect(machine.figures(2)['memory.stat']).toMatchObject({ shmem: 1000 * 4096, pgmajfault: 0 });
    expect(machine.figures(3)['memory.stat'].pswpin ?? 0).toBe(0);
    expect(Number(machine.engine.statTotal(2, L.STAT_PSWPIN))).toBe(out);
    expect(swapped(machine, 2)).toBe(0);
    expect(machine.audit()).toBeNull();
  });

  it('is charged to the reader once its owner is removed', async () => {
    const machine = await machineWith(300);
    machine.replay(
      batchOf([
        { op: O.OP_OBJECT_NEW, object: 1, count: O.OBJECT_SHMEM },
        { op: O.OP_FILE_ACCESS, task: 1, object: 1, count: 600, flags: O.FLAG_WRITE },
        { op: O.OP_EXIT, task: 1 },
      ]),
    );
    const out = swapped(machine, 2);
    machine.rmdir(2);
    machine.replay(batchOf([{ op: O.OP_FILE_ACCESS, task: 2, object: 1, count: 600 }]));
    expect(machine.usage(3)).toBeGreaterThanOrEqual(out);
    expect(Number(machine.engine.statTotal(3, L.STAT_SHMEM))).toBe(out);
    expect(machine.audit()).toBeNull();
  });

  it('a page that is in the swap cache alone keeps its removed cgroup alive, whoever owes the slot', async () => {
    const machine = await machineWith(300);
    const other = machine.mkdir('/c');
    machine.replay(batchOf([written(40), { op: O.OP_FORK, task: 1, object: 3 }]));
    machine.reclaim(2, 40 * 4096);
    machine.attach(1, 3);
    machine.attach(3, other);
    machine.attach(2, 1);
    machine.rmdir(2);
    expect(machine.cgroupStat(1)).toEqual({ nr_descendants: 2, nr_dying_descendants: 1 });
    // Read back by one of two: charged to /b, since the owner is gone, and left in the swap cache when the reader exits.
    machine.touchAnon(1, { vpn: BASE, pages: 10, write: false });
    machine.exit(1);
    expect(machine.usage(3)).toBeGreaterThanOrEqual(10);
    machine.rmdir(3);
    expect(machine.cgroupStat(1)).toEqual({ nr_descendants: 1, nr_dying_descendants: 2 });
    machine.exit(3);
    expect(machine.cgroupStat(1)).toEqual({ nr_descendants: 1, nr_dying_descendants: 0 });
    expect(machine.audit()).toBeNull();
  });

  it('follows fork: one slot, named by both, and copied when one writes', async () => {
    const machine = await machineWith(400);
    machine.replay(batchOf([written(400), { op: O.OP_FORK, task: 1, object: 3 }, { ...written(390), task: 3 }]));
    expect(machine.audit()).toBeNull();
    machine.replay(batchOf([{ op: O.OP_EXIT, task: 1 }]));
    machine.replay(batchOf([{ op: O.OP_ANON_TOUCH, task: 3, index: BASE, count: 400 }]));
    expect(machine.audit()).toBeNull();
    machine.replay(batchOf([{ op: O.OP_EXIT, task: 3 }]));
    expect(swapped(machine, 2)).toBe(0);
    expect(machine.usage(2)).toBeLessThanOrEqual(63);
  });

  it('refuses at memory.swap.max and when the device is full, and then kills', async () => {
    const limited = await machineWith(300);
    limited.writeKnob(2, O.KNOB_SWAP_MAX, 100n);
    limited.replay(batchOf([written(1000)]));
    expect(limited.figures(2)).toMatchObject({ 'memory.events': { oom_kill: 1 }, 'memory.swap.events': { high: 0 } });
    const { max, fail } = limited.figures(2)['memory.swap.events'];
    expect(max).toBeGreaterThan(0);
    expect(fail).toBe(max);
    expect(swapped(limited, 2)).toBe(0);
    const full = await machineWith(300);
    full.replay(batchOf([written(5000)]));
    expect(full.figures(2)['memory.events'].oom_kill).toBe(1);
    expect(full.audit()).toBeNull();
  });

  it('memory.swap.high makes the task sleep, and does not keep pages in memory', async () => {
    const machine = await machineWith(300);
    machine.writeKnob(2, O.KNOB_SWAP_HIGH, 100n);
    machine.replay(batchOf(Array.from({ length: 10 }, (_, i) => ({ ...written(100), index: BASE + 100 * i }))));
    expect(machine.figures(2)['memory.swap.events'].high).toBeGreaterThan(0);
    expect(swapped(machine, 2)).toBeGreaterThan(600);
    expect(machine.throttledNs(2)).toBeGreaterThan(0);
  });

  it('swapoff brings everything back, or stays when a limit refuses', async () => {
    const machine = await machineWith(400);
    machine.replay(
      batchOf([
        written(600),
        { op: O.OP_FORK, task: 1, object: 3 },
        { op: O.OP_OBJECT_NEW, object: 1, count: O.OBJECT_SHMEM },
        { op: O.OP_FILE_ACCESS, task: 3, object: 1, count: 300, flags: O.FLAG_WRITE },
      ]),
    );
    const before = swapped(machine, 2);
    expect(before).toBeGreaterThanOrEqual(500);
    machine.writeKnob(2, O.KNOB_MAX, 2000n);
    machine.swapoff();
    expect(swapped(machine, 2)).toBe(0);
    expect(machine.figures(2)['memory.stat']).toMatchObject({ anon: 600 * 4096, shmem: 300 * 4096, swapcached: 0 });
    expect(machine.audit()).toBeNull();
    expect(() => machine.swapoff()).toThrow('EINVAL');
    // Without a device nothing private is reclaimed.
    machine.writeKnob(2, O.KNOB_HIGH, 500n);
    expect(machine.figures(2)['memory.stat'].anon).toBe(600 * 4096);
    machine.swapon();
    expect(() => machine.swapon()).toThrow('EBUSY');
    machine.writeKnob(2, O.KNOB_HIGH, 500n);
    expect(machine.usage(2)).toBeLessThanOrEqual(500);
    expect(machine.audit()).toBeNull();
  });

  it('swapoff kills who has no room for what it has in swap, and goes on with the others', async () => {
    for (const kernel of ['6.18', '6.1'] as const) {
      const machine = await Machine.boot({ residency: 'modelled', kernel, cpus: 1, swap: 4096, build: 'debug' });
      for (const [path, limit] of [
        ['/a', 100n],
        ['/b', 5000n],
      ] as const) {
        const cgroup = machine.mkdir(path);
        machine.writeKnob(cgroup, O.KNOB_MAX, limit);
        const task = machine.spawn(cgroup);
        machine.touchAnon(task, { vpn: BASE, pages: 300 });
      }
      machine.reclaim(3, 200 * 4096);
      machine.swapoff();
      expect([machine.isKilled(1), machine.isKilled(2)]).toEqual([true, false]);
      expect(machine.figures(2)['memory.events']).toMatchObject({ oom_kill: 1 });
      expect([swapped(machine, 2), swapped(machine, 3)]).toEqual([0, 0]);
      expect(machine.figures(3)['memory.stat'].anon).toBe(300 * 4096);
      expect(machine.audit()).toBeNull();
      machine.swapon();
      machine.reclaim(3, 200 * 4096);
      expect(machine.audit()).toBeNull();
    }
  });

  it('is not used with swappiness 0, and before page cache with 200', async () => {
    const run = async (swappiness: number) => {
      const machine = await Machine.boot({ residency: 'modelled', cpus: 1, swap: 4096, swappiness });
      machine.mkdir('/a');
      machine.writeKnob(2, O.KNOB_MAX, 2000n);
      machine.spawn(2);
      const rows: HandRow[] = [written(1000), { op: O.OP_FILE_ACCESS, task: 1, object: 1, count: 900 }];
      // Twice, so that the page cache is active and no cheap prey.
      rows.push({ op: O.OP_FILE_ACCESS, task: 1, object: 1, count: 900 });
      rows.push({ ...written(600), index: 2 * BASE });
      machine.replay(batchOf(rows));
      return { out: swapped(machine, 2), file: machine.figures(2)['memory.stat'].file! / 4096 };
    };
    expect(await run(0)).toMatchObject({ out: 0 });
    const [low, high] = [await run(10), await run(200)];
    expect(high.out).toBeGreaterThan(low.out);
    expect(high.file).toBeGreaterThan(low.file);
  });
});
