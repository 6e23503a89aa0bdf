/** The ring of events: from it the life of every page can be told again, and nothing is lost unless that is said. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { type BootOptions, Machine } from '../../bindings/machine.ts';
import { batchOf, type HandRow } from './batch.ts';

const RUNS = Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 60);
const boot = (options: BootOptions) =>
  Machine.boot({ residency: 'modelled', pages: 1 << 14, cgroups: 8, tasks: 16, cpus: 2, build: 'debug', ...options });

const START: HandRow[] = [
  { op: O.OP_MKDIR, cgroup: 2, object: 1, name: '/a' },
  { op: O.OP_MKDIR, cgroup: 3, object: 2, name: '/a/b' },
  { op: O.OP_WRITE_KNOB, cgroup: 2, count: O.KNOB_MAX, index: 700 },
  { op: O.OP_WRITE_KNOB, cgroup: 3, count: O.KNOB_MAX, index: 300 },
  { op: O.OP_SPAWN, task: 1, cgroup: 2 },
  { op: O.OP_SPAWN, task: 2, cgroup: 3 },
];
const accesses = fc.array(
  fc.record({
    task: fc.integer({ min: 1, max: 2 }),
    object: fc.integer({ min: 1, max: 3 }),
    index: fc.nat(900),
    count: fc.integer({ min: 1, max: 200 }),
    flags: fc.constantFrom(0, O.FLAG_FAULT),
  }),
  { minLength: 5, maxLength: 60 },
);

describe('the ring of events', () => {
  it('tells which pages left and which came back, as many as memory.stat counts', async () => {
    const property = fc.asyncProperty(accesses, fc.constantFrom(64, 100_000), async (some, ring) => {
      const machine = await boot({ ring });
      const rows: HandRow[] = [...START, ...some.map((access) => ({ op: O.OP_FILE_ACCESS, ...access }))];
      const batch = batchOf(rows);
      const resident = new Set<string>();
      const gone = new Set<string>();
      const counts = { evicted: 0, refaulted: 0, active: 0 };
      for (let row = 0; row < rows.length; row++) {
        expect(machine.replay(batch, row, row + 1)).toBe(row + 1);
        const page = ({ object, index }: { object: number; index: number }) => `${object}:${index}`;
        // Inside a row a page is there before it may leave; the row's own pages are known.
        const { op, object = 0, index = 0, count = 0 } = rows[row]!;
        if (op === O.OP_FILE_ACCESS) for (let i = index; i < index + count; i++) resident.add(`${object}:${i}`);
        for (const event of machine.drain()) {
          if (machine.eventsLost > 0) continue;
          expect(event.ts).toBe(BigInt(row));
          if (event.type === 'evicted') {
            expect(event).toMatchObject({ task: 0, slot: 0 });
            expect(resident.delete(page(event))).toBe(true);
            gone.add(page(event));
            counts.evicted++;
          } else if (event.type === 'refaulted') {
            expect(gone.delete(page(event))).toBe(true);
            resident.add(page(event));
            counts.refaulted++;
            if (event.active) counts.active++;
          } else expect(event.type).toBe('refused');
        }
      }
      const total = (stat: number) => Number(machine.engine.statTotal(2, stat));
      if (machine.eventsLost === 0) {
        expect(counts.evicted).toBe(total(L.STAT_PGSTEAL_DIRECT));
        expect(counts.refaulted).toBe(total(L.STAT_WORKINGSET_REFAULT_FILE));
        expect(counts.active).toBe(total(L.STAT_WORKINGSET_ACTIVATE_FILE));
        if (machine.refused(2) + machine.refused(3) === 0) expect(resident.size).toBe(total(L.STAT_FILE));
      } else expect(ring).toBe(64);
      expect(machine.audit()).toBeNull();
      // Events are no part of the state.
      const without = await boot({});
      without.replay(batch);
      expect(without.digest()).toBe(machine.digest());
    });
    await fc.assert(property, { numRuns: RUNS });
  });

  /** Reads 128 pages at a time in a cgroup of 300, round and round. */
  const CHURN: HandRow[] = Array.from({ length: 200 }, (_, i) => {
    return { op: O.OP_FILE_ACCESS, task: 2, object: 1, index: (i * 128) % 1024, count: 128 };
  });

  it('makes replay stop before a row that could overwrite events; drained, it goes on and loses none', async () => {
    const machine = await boot({ ring: 2048 });
    const batch = batchOf([...START, ...CHURN]);
    let events = 0;
    let stops = 0;
    for (let row = 0; row < batch.length; stops++) {
      row = machine.replay(batch, row);
      for (const _ of machine.drain()) events++;
    }
    expect(stops).toBeGreaterThan(5);
    expect(machine.eventsLost).toBe(0);
    const stat = (row: number) => Number(machine.engine.statTotal(2, row));
    expect(events).toBe(stat(L.STAT_PGSTEAL_DIRECT) + stat(L.STAT_WORKINGSET_REFAULT_FILE));
  });

  it('overwrites the oldest where nobody waits, and counts them', async () => {
    const machine = await boot({ ring: 100 });
    machine.keepEvents(false);
    const batch = batchOf([...START, ...CHURN]);
    expect(machine.replay(batch)).toBe(batch.length);
    const stat = (row: number) => Number(machine.engine.statTotal(2, row));
    const all = stat(L.STAT_PGSTEAL_DIRECT) + stat(L.STAT_WORKINGSET_REFAULT_FILE);
    expect(machine.eventsLost).toBe(all - 100);
    // A loop that is left early leaves the rest where it is.
    for (const { ts } of machine.drain()) {
      expect(ts).toBeGreaterThan(200n);
      break;
    }
    expect([...machine.drain()]).toHaveLength(99);
  });

  it('tells what was refused, killed, slept and moved', async () => {
    const machine = await boot({ ring: 1000 });
    const flags = O.FLAG_BY_FRAME | (O.KIND_KERNEL_STACK << O.FLAG_KIND_SHIFT);
    const batch = batchOf([
      ...START,
      { op: O.OP_SPAWN, task: 3, cgroup: 3 },
      { op: O.OP_KMEM_CHARGE, task: 3, index: 512, flags: flags | 2, gfp: O.GFP_KERNEL },
      { op: O.OP_WRITE_KNOB, cgroup: 3, count: O.KNOB_HIGH, index: 100 },
      { op: O.OP_ANON_TOUCH, task: 2, index: 1, count: 400, flags: O.FLAG_WRITE },
      { op: O.OP_EXIT, task: 3 },
      { op: O.OP_RMDIR, cgroup: 3 },
    ]);
    expect(machine.replay(batch)).toBe(batch.length);
    const events = [...machine.drain()];
    expect(events.filter(({ type }) => type !== 'throttled')).toEqual([
      { type: 'killed', ts: 9n, cgroup: 3, task: 2, group: 0 },
      { type: 'refused', ts: 9n, cgroup: 3, task: 2, pages: 1, errno: 'ENOMEM' },
      { type: 'moved', ts: 11n, cgroup: 3, to: 2, pages: 4 },
    ]);
    expect(events[0]!.type).toBe('throttled');
    expect(machine.audit()).toBeNull();
  });

  it('follows kills and offlining in a recording, too', async () => {
    const machine = await Machine.boot({ ring: 16, cgroups: 8, tasks: 8, pages: 64, cpus: 1 });
    const batch = batchOf([
      { op: O.OP_MKDIR, cgroup: 2, object: 1, name: '/a' },
      { op: O.OP_SPAWN, task: 1, cgroup: 2, name: 'stress' },
      { op: O.OP_MARK_VICTIM, object: 1 },
      { op: O.OP_EXEC, task: 1, name: '/bin/later' },
    ]);
    let row = 0;
    while (row < batch.length) {
      row = machine.replay(batch, row);
      expect([...machine.drain()].length).toBeLessThanOrEqual(1);
    }
    expect(machine.kills()).toMatchObject([
      {
        ts: 2n,
        cgroup: 2,
        usage: null,
        limit: null,
        victim: { task: 1, name: 'stress', points: null },
        candidates: [],
      },
    ]);
  });
});
