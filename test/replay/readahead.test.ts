/** Readahead and fault-around: the kernel's windows, one by one, and what must hold whatever is read. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { type BootOptions, type Kernel, Machine } from '../../bindings/machine.ts';
import { batchOf, type HandRow } from './batch.ts';

const RUNS = Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 150);
const SMALL = { pages: 8192, cgroups: 8, tasks: 64, cpus: 2, objects: 8, maps: 512, nodes: 8192 };
const SIZE = 4096;

async function boot(options: BootOptions = {}, size = SIZE): Promise<Machine> {
  const machine = await Machine.boot({ ...SMALL, residency: 'modelled', readahead: 32, faultAround: 16, ...options });
  machine.replay(
    batchOf([
      { op: O.OP_MKDIR, cgroup: 2, object: 1, name: '/c' },
      { op: O.OP_SPAWN, task: 1, cgroup: 2 },
      { op: O.OP_SPAWN, task: 2, cgroup: 2 },
      { op: O.OP_OBJECT_NEW, object: 1, index: size, count: O.OBJECT_FILE },
      { op: O.OP_OBJECT_NEW, object: 2, index: size, count: O.OBJECT_SHMEM },
    ]),
  );
  return machine;
}

const access = (index: number, count: number, flags = 0, task = 1, object = 1): HandRow => {
  return { op: O.OP_FILE_ACCESS, task, object, index, count, flags, ts: 1e6 };
};
const stat = (machine: Machine, row: number) => Number(machine.engine.statLocal(2, row));
const resident = (machine: Machine) => stat(machine, L.STAT_FILE);
const mapped = (machine: Machine) => stat(machine, L.STAT_FILE_MAPPED);
const faults = (machine: Machine) => stat(machine, L.STAT_PGFAULT);
const majors = (machine: Machine) => stat(machine, L.STAT_PGMAJFAULT);

/** Pages in the cache after each of these reads of one page. */
function afterReads(machine: Machine, indices: readonly number[], task = 1): number[] {
  return indices.map((index) => {
    machine.replay(batchOf([access(index, 1, 0, task)]));
    return resident(machine);
  });
}

describe.each<Kernel>(['6.18', '6.1'])('readahead of reads, kernel %s', (kernel) => {
  it('opens a window of four pages and doubles it up to 128 KiB', async () => {
    const machine = await boot({ kernel });
    // 4 pages, the mark on page 1; then 8, 16, 32, 32, each asked for by the first page of the one before.
    expect(afterReads(machine, [0, 1, 2, 3, 4, 5, 11, 12, 27, 28, 59, 60])).toEqual([
      4, 12, 12, 12, 28, 28, 28, 60, 60, 92, 92, 124,
    ]);
    expect(machine.audit()).toBeNull();
  });

  it('begins with the largest window for a read of 64 KiB', async () => {
    const machine = await boot({ kernel });
    const counts = [0, 16, 32, 48, 64].map((index) => {
      machine.replay(batchOf([access(index, 16)]));
      return resident(machine);
    });
    // 0–31, marked at 16; then 32 at a time, asked for by reads of 16, 32, 64.
    expect(counts).toEqual([32, 64, 96, 96, 128]);
  });

  it('reads what is asked for somewhere in the file, and no more', async () => {
    const machine = await boot({ kernel });
    expect(afterReads(machine, [1000, 500, 3000])).toEqual([1, 2, 3]);
    // The page behind the last one read: a stream.
    expect(afterReads(machine, [3001])).toEqual([7]);
  });

  it('takes the pages that another stream left for a sign', async () => {
    const machine = await boot({ kernel });
    // A few pages in front of it are there: it goes on with as many and one.
    const left = Array.from({ length: 6 }, (_, i) => access(100 + i, 1, O.FLAG_READAHEAD, 2));
    machine.replay(batchOf(left));
    expect(afterReads(machine, [106])).toEqual([6 + 7]);
    // … twice as many where they reach to the beginning of the file.
    const other = await boot({ kernel });
    other.replay(batchOf(Array.from({ length: 6 }, (_, i) => access(i, 1, O.FLAG_READAHEAD, 2))));
    expect(afterReads(other, [6])).toEqual([6 + 13]);
  });

  it('keeps the windows of two readers apart', async () => {
    const machine = await boot({ kernel });
    const alone = [0, 1, 2, 3, 4];
    expect(afterReads(machine, alone)).toEqual([4, 12, 12, 12, 28]);
    // Far away, from its own beginning: 2000 and 2001 are a stream of task 2.
    expect(afterReads(machine, [2000, 2001], 2)).toEqual([29, 33]);
    expect(afterReads(machine, [12])).toEqual([33 + 32]);
  });

  it('ends at the end of the file', async () => {
    const machine = await boot({ kernel }, 10);
    expect(afterReads(machine, [0, 1, 4, 9])).toEqual([4, 10, 10, 10]);
    // A write behind the end moves it.
    machine.replay(batchOf([access(39, 1, O.FLAG_WRITE)]));
    expect(resident(machine)).toBe(11);
    // Page 10 is missing and follows page 9.
    expect(afterReads(machine, [10])).toEqual([15]);
    // truncate moves it back.
    machine.replay(batchOf([{ op: O.OP_TRUNCATE, task: 1, object: 1, index: 5 }]));
    expect(resident(machine)).toBe(5);
    expect(afterReads(machine, [4])).toEqual([5]);
  });

  it('reads nothing ahead of a file whose size nobody has told, nor of shared memory', async () => {
    const machine = await boot({ kernel }, 0);
    expect(afterReads(machine, [0, 1, 2, 3, 4, 5])).toEqual([1, 2, 3, 4, 5, 6]);
    machine.replay(batchOf([access(0, 1, 0, 1, 2)]));
    expect(stat(machine, L.STAT_SHMEM)).toBe(1);
  });

  it('leaves pages read ahead unreferenced, charges the reader, and kills nobody for them', async () => {
    const machine = await boot({ kernel });
    const limits = { op: O.OP_WRITE_KNOB, cgroup: 2, count: O.KNOB_MAX };
    // (A limit below a CPU's batch of new pages does kill: see linux-6.1/batch.steps.)
    machine.replay(batchOf([{ ...limits, index: 40 }, access(0, 64)]));
    expect(machine.figures(2)['memory.events'].oom_kill).toBe(0);
    expect(machine.usage(2)).toBeLessThanOrEqual(40);
    expect(machine.refused(2)).toBe(0);
    // Anonymous memory fills the limit: nothing can be read ahead, and what is read itself is refused or kills.
    const full = await boot({ kernel });
    full.replay(batchOf([{ op: O.OP_ANON_TOUCH, task: 2, index: 0, count: 40, flags: O.FLAG_WRITE }]));
    full.replay(batchOf([{ ...limits, index: 40 }, access(0, 64)]));
    expect(full.figures(2)['memory.events'].oom_kill).toBe(1);
    expect(full.audit()).toBeNull();
  });
});

describe('the table of readers', () => {
  it('forgets, and nothing fails, where more files are read at once than it holds', async () => {
    const readers = 20_000;
    const machine = await boot({ pages: 1 << 18, nodes: 1 << 16, tasks: readers + 2 }, 1 << 20);
    const tasks = Array.from({ length: readers }, (_, i) => i + 3);
    machine.replay(batchOf(tasks.map((task) => ({ op: O.OP_SPAWN, task, cgroup: 2 }))));
    const place = (task: number) => 40 * task;
    for (const offset of [0, 1]) machine.replay(batchOf(tasks.map((task) => access(place(task) + offset, 1, 0, task))));
    // A page each where the reader had to begin anew; four behind it where the stream was known.
    const known = (resident(machine) - 2 * readers) / 3;
    expect(Number.isInteger(known)).toBe(true);
    expect(known).toBeLessThanOrEqual(16_384);
    // The last one of the first pass was not pushed out by the next few.
    const last = await boot({ pages: 1 << 18, nodes: 1 << 16, tasks: readers + 2 }, 1 << 20);
    last.replay(batchOf(tasks.map((task) => ({ op: O.OP_SPAWN, task, cgroup: 2 }))));
    last.replay(batchOf(tasks.map((task) => access(place(task), 1, 0, task))));
    last.replay(batchOf([access(place(readers) + 1, 1, 0, readers)]));
    expect(resident(last)).toBe(readers + 4);
    expect(last.audit()).toBeNull();
  });
});

describe('readahead of faults', () => {
  it('reads 32 pages around the fault, and on from the mark', async () => {
    const machine = await boot({ faultAround: 0 });
    machine.replay(batchOf([access(100, 1, O.FLAG_FAULT)]));
    // 84–115, the mark on 108
    expect([resident(machine), mapped(machine), faults(machine), majors(machine)]).toEqual([32, 1, 1, 1]);
    machine.replay(batchOf([access(84, 24, O.FLAG_FAULT)]));
    expect([resident(machine), mapped(machine), faults(machine), majors(machine)]).toEqual([32, 24, 24, 1]);
    machine.replay(batchOf([access(108, 1, O.FLAG_FAULT)]));
    expect([resident(machine), mapped(machine), majors(machine)]).toEqual([64, 25, 1]);
    expect(machine.audit()).toBeNull();
  });

  it('begins at the file where the fault is near it', async () => {
    const machine = await boot();
    machine.replay(batchOf([access(3, 1, O.FLAG_FAULT | O.FLAG_WRITE)]));
    expect([resident(machine), mapped(machine)]).toEqual([32, 1]);
  });

  it('reads code from the fault on in 6.18, around it in 6.1', async () => {
    const flags = O.FLAG_FAULT | O.FLAG_EXEC;
    for (const [kernel, last] of [
      ['6.18', 131],
      ['6.1', 115],
    ] as const) {
      const machine = await boot({ kernel });
      machine.replay(batchOf([access(100, 1, flags)]));
      expect(resident(machine)).toBe(32);
      expect(majors(machine)).toBe(1);
      machine.replay(batchOf([access(last, 1, flags)]));
      expect(majors(machine)).toBe(1);
      // The page in front of the fault was read around it, but not from it on.
      machine.replay(batchOf([access(99, 1, flags)]));
      expect(majors(machine)).toBe(kernel === '6.18' ? 2 : 1);
    }
  });

  it('gives read-around up after a hundred misses', async () => {
    const machine = await boot({ faultAround: 0 }, 1 << 20);
    // Far apart: each is a miss.
    for (let i = 0; i < 100; i++) machine.replay(batchOf([access(1000 + 64 * i, 1, O.FLAG_FAULT)]));
    expect(resident(machine)).toBe(3200);
    machine.replay(batchOf([access(500_000, 1, O.FLAG_FAULT)]));
    expect(resident(machine)).toBe(3201);
    // Hits count back.
    machine.replay(batchOf([access(1001, 4, O.FLAG_FAULT), access(600_000, 1, O.FLAG_FAULT)]));
    expect(resident(machine)).toBe(3201 + 32);
  });
});

describe('fault-around', () => {
  it('maps what is resident of sixteen aligned pages with one fault, but for a marked one', async () => {
    const machine = await boot();
    machine.replay(batchOf([access(100, 1, O.FLAG_FAULT)]));
    expect([mapped(machine), faults(machine)]).toEqual([1, 1]);
    // 96–111 without 108, which has the mark
    machine.replay(batchOf([access(101, 1, O.FLAG_FAULT)]));
    expect([mapped(machine), faults(machine), majors(machine)]).toEqual([15, 2, 1]);
    machine.replay(batchOf([access(96, 12, O.FLAG_FAULT), access(109, 3, O.FLAG_FAULT)]));
    expect(faults(machine)).toBe(2);
    // The marked page's own fault reads on.
    machine.replay(batchOf([access(108, 1, O.FLAG_FAULT)]));
    expect([mapped(machine), faults(machine), resident(machine)]).toEqual([16, 3, 64]);
    expect(machine.audit()).toBeNull();
  });

  it('is for reads alone, of files and of shared memory', async () => {
    const machine = await boot({ readahead: 0 });
    machine.replay(batchOf([access(0, 16), access(0, 1, O.FLAG_FAULT | O.FLAG_WRITE)]));
    expect(mapped(machine)).toBe(1);
    machine.replay(batchOf([access(16, 16, 0, 1, 2), access(20, 1, O.FLAG_FAULT, 1, 2)]));
    expect(mapped(machine)).toBe(17);
    // A neighbour that is not resident stays so.
    machine.replay(batchOf([access(8, 1, O.FLAG_FAULT, 1, 2)]));
    expect(mapped(machine)).toBe(18);
    expect(stat(machine, L.STAT_SHMEM)).toBe(17);
  });

  it('leaves young entries: what it mapped is found referenced once', async () => {
    const machine = await boot({ readahead: 0 });
    machine.replay(batchOf([access(0, 16), access(0, 1, O.FLAG_FAULT), { op: O.OP_SYNC }]));
    // Young and read before: all sixteen become active where reclaim looks at them.
    machine.replay(batchOf([{ op: O.OP_WRITE_KNOB, cgroup: 2, count: O.KNOB_HIGH, index: 1, ts: 2e6 }]));
    expect(stat(machine, L.STAT_PGACTIVATE)).toBeGreaterThanOrEqual(16);
  });
});

describe('any rows', () => {
  const action = fc.record({
    task: fc.constantFrom(1, 2),
    object: fc.constantFrom(1, 1, 2),
    index: fc.nat(300),
    count: fc.integer({ min: 1, max: 40 }),
    flags: fc.constantFrom(0, 0, 0, O.FLAG_FAULT, O.FLAG_FAULT | O.FLAG_EXEC, O.FLAG_WRITE, O.FLAG_READAHEAD),
    op: fc.constantFrom(O.OP_FILE_ACCESS, O.OP_FILE_ACCESS, O.OP_FILE_ACCESS, O.OP_TRUNCATE, O.OP_OBJECT_FREE),
  });

  it('read what is asked for, nothing behind the end, and conserve every page', async () => {
    const property = fc.asyncProperty(
      fc.array(action, { minLength: 1, maxLength: 40 }),
      fc.constantFrom<Kernel>('6.1', '6.18'),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(null, 0, 5, 60, 200),
      async (actions, kernel, readahead, limit) => {
        const options = { kernel, readahead, faultAround: 8, build: 'debug' as const };
        const machine = await boot(options, 320);
        const rows: HandRow[] = [];
        if (limit !== null) rows.push({ op: O.OP_WRITE_KNOB, cgroup: 2, count: O.KNOB_MAX, index: limit });
        machine.replay(batchOf(rows));
        let end = 320;
        for (const { op, task, object, index, count, flags } of actions) {
          if (op === O.OP_OBJECT_FREE) {
            if (object === 2) continue;
            rows.push({ op, task, object, ts: 1e6 });
            machine.replay(batchOf([rows.at(-1)!]));
            rows.push({ op: O.OP_OBJECT_NEW, object, index, count: O.OBJECT_FILE, ts: 1e6 });
            end = index;
          } else if (op === O.OP_TRUNCATE) {
            rows.push({ op, task, object, index, ts: 1e6 });
            if (object === 1) end = Math.min(end, index);
          } else {
            rows.push(access(index, count, flags, task, object));
            if (object === 1) end = Math.max(end, index + count);
          }
          machine.replay(batchOf([rows.at(-1)!]));
          expect(machine.audit()).toBeNull();
          expect(resident(machine)).toBeLessThanOrEqual(end);
          if (limit !== null) expect(machine.usage(2)).toBeLessThanOrEqual(limit);
          else if (op === O.OP_FILE_ACCESS) {
            // Once more: all of it is there, so that nothing is read but what a mark asks for.
            const before = majors(machine);
            rows.push(access(index, count, O.FLAG_FAULT, task, object));
            machine.replay(batchOf([rows.at(-1)!]));
            expect(majors(machine)).toBe(before);
          }
        }
        const again = await boot({ ...options, build: 'release', pages: 9000, nodes: 9000 }, 320);
        again.replay(batchOf(rows));
        expect(again.digest()).toBe(machine.digest());
      },
    );
    await fc.assert(property, { numRuns: RUNS });
  });
});
