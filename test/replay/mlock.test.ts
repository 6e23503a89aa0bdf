/** Locked memory: on the unevictable list, where reclaim does not look. (Who locks what, row by row: modelled.test.ts.) */
import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { type BootOptions, Machine } from '../../bindings/machine.ts';
import { batchOf, type HandRow } from './batch.ts';

const SMALL = { pages: 8192, cgroups: 8, tasks: 64, cpus: 2, objects: 8, maps: 512, nodes: 8192 };
const BEGIN: HandRow[] = [
  { op: O.OP_MKDIR, cgroup: 2, object: 1, name: '/c' },
  { op: O.OP_SPAWN, task: 1, cgroup: 2 },
];
async function boot(rows: readonly HandRow[], options: BootOptions = {}): Promise<Machine> {
  const machine = await Machine.boot({ ...SMALL, residency: 'modelled', ...options });
  machine.replay(batchOf([...BEGIN, ...rows]));
  expect(machine.audit()).toBeNull();
  return machine;
}
const row = (op: number, object: number, index: number, count: number, flags = 0, task = 1): HandRow => {
  return { op, task, object, index, count, flags };
};
const lock = (object: number, index: number, count: number, flags = 0) => row(O.OP_MLOCK, object, index, count, flags);
const unlock = (object: number, index: number, count: number) => row(O.OP_MUNLOCK, object, index, count);
const read = (index: number, count: number, flags = 0) => row(O.OP_FILE_ACCESS, 1, index, count, flags);
const touch = (index: number, count: number, task = 1) => row(O.OP_ANON_TOUCH, 0, index, count, O.FLAG_WRITE, task);
const limit = (pages: number): HandRow => ({ op: O.OP_WRITE_KNOB, cgroup: 2, count: O.KNOB_MAX, index: pages });
const unevictable = (machine: Machine) => machine.memoryStat(2).unevictable! / 4096;
const fileOf = (machine: Machine) => Number(machine.engine.statLocal(2, L.STAT_FILE));

describe('mlock', () => {
  it('brings pages in, or waits for their use, and shows them as unevictable', async () => {
    const machine = await boot([lock(0, 100, 10), lock(1, 0, 5), lock(0, 200, 10, O.FLAG_ONFAULT)]);
    expect(unevictable(machine)).toBe(15);
    expect(machine.memoryStat(2)).toMatchObject({
      anon: 10 * 4096,
      file: 5 * 4096,
      file_mapped: 5 * 4096,
      pgfault: 15,
    });
    machine.replay(batchOf([touch(195, 10), read(5, 1, O.FLAG_FAULT)]));
    expect(unevictable(machine)).toBe(20);
    machine.replay(batchOf([unlock(0, 205, 100), unlock(0, 100, 3), unlock(1, 0, 1)]));
    expect(unevictable(machine)).toBe(16);
    // munmap and exit end a lock, too.
    machine.replay(batchOf([row(O.OP_ANON_FREE, 0, 103, 2), row(O.OP_UNMAP, 1, 0, 0)]));
    expect(unevictable(machine)).toBe(10);
    machine.replay(batchOf([{ op: O.OP_EXIT, task: 1 }]));
    expect([unevictable(machine), fileOf(machine)]).toEqual([0, 6]);
    expect(machine.audit()).toBeNull();
  });

  it('keeps pages in memory under any pressure', async () => {
    const machine = await boot([limit(64), lock(1, 0, 20), read(100, 1000)]);
    expect(unevictable(machine)).toBe(20);
    machine.replay(batchOf([read(0, 20, O.FLAG_FAULT)]));
    // None of them had to come back.
    expect(machine.memoryStat(2)).toMatchObject({ pgmajfault: 20, workingset_refault_file: 0 });
    // Unlocked, they are the first to go.
    machine.replay(batchOf([unlock(1, 0, 20), row(O.OP_UNMAP, 1, 0, 0), read(2000, 1000)]));
    machine.replay(batchOf([read(0, 20, O.FLAG_FAULT)]));
    expect(machine.memoryStat(2).pgmajfault).toBe(40);
    expect(machine.audit()).toBeNull();
  });

  it('of more than the limit kills', async () => {
    const machine = await boot([limit(64), lock(1, 0, 100)]);
    expect(machine.figures(2)['memory.events'].oom_kill).toBe(1);
    expect(unevictable(machine)).toBe(0);
    expect(machine.audit()).toBeNull();
  });

  it('counts who locks a page: it is free when the last one lets it go, and a child does not inherit the lock', async () => {
    const machine = await boot([lock(0, 0, 4), { op: O.OP_FORK, task: 1, object: 2 }]);
    machine.replay(batchOf([unlock(0, 0, 4)]));
    expect(unevictable(machine)).toBe(0);
    machine.replay(
      batchOf([lock(0, 0, 4, O.FLAG_ONFAULT), row(O.OP_MLOCK, 0, 0, 4, O.FLAG_ONFAULT, 2), unlock(0, 0, 4)]),
    );
    expect(unevictable(machine)).toBe(4);
    // Copied on write: the copy is its owner's, and locked by it.
    machine.replay(batchOf([touch(0, 4, 2)]));
    expect([unevictable(machine), machine.memoryStat(2).anon]).toEqual([4, 8 * 4096]);
    machine.replay(batchOf([{ op: O.OP_EXIT, task: 2 }]));
    expect([unevictable(machine), machine.memoryStat(2).anon]).toEqual([0, 4 * 4096]);
    expect(machine.audit()).toBeNull();
  });

  it('says which capacity its ranges need', async () => {
    const machine = await boot([lock(0, 0, 100)], { maps: 3 });
    // Every other page: two more ranges fit, the next cut does not.
    machine.replay(batchOf([unlock(0, 10, 1), unlock(0, 20, 1)]));
    expect(() => machine.replay(batchOf([unlock(0, 30, 1)]))).toThrow(/raise capacity maps \(now 3\)/);
    // Nothing was done; what needs no cut goes on.
    expect(machine.audit()).toBeNull();
    expect(unevictable(machine)).toBe(98);
    machine.replay(batchOf([unlock(0, 0, 5), lock(0, 0, 100)]));
    expect(unevictable(machine)).toBe(100);
    expect(machine.audit()).toBeNull();
  });
});

describe('drop_caches', () => {
  it('leaves what is mapped, locked or dirty, and forgets what was evicted from inodes that have pages', async () => {
    const machine = await boot([limit(64), read(0, 200), { op: O.OP_DROP_CACHES, task: 1, count: 1 }]);
    expect(fileOf(machine)).toBe(0);
    machine.replay(batchOf([read(0, 20), limit(1000)]));
    // The shadows went with the pages.
    expect(machine.memoryStat(2).workingset_refault_file).toBe(0);
    const more = [lock(1, 0, 3), read(5, 2, O.FLAG_FAULT), read(30, 4, O.FLAG_WRITE), read(40, 50)];
    machine.replay(batchOf([...more, { op: O.OP_DROP_CACHES, task: 1, count: 3 }]));
    expect(fileOf(machine)).toBe(3 + 2 + 4);
    expect(machine.audit()).toBeNull();
  });
});
