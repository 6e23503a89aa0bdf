/** Dirty pages: the flusher, the device, the limits, and what reclaim does with what is not written yet. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { type BootOptions, Machine } from '../../bindings/machine.ts';
import { Writeback } from '../model/writeback.ts';
import { batchOf, type HandRow } from './batch.ts';

const RUNS = Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 150);
const SMALL = { pages: 8192, cgroups: 8, tasks: 64, cpus: 2, objects: 8, maps: 512, nodes: 8192 };
const SECOND = 1e9;
const boot = (options: BootOptions = {}) => Machine.boot({ ...SMALL, residency: 'modelled', ...options });

const BEGIN: HandRow[] = [
  { op: O.OP_MKDIR, cgroup: 2, object: 1, name: '/c' },
  { op: O.OP_SPAWN, task: 1, cgroup: 2 },
];
const limit = (pages: number): HandRow => ({ op: O.OP_WRITE_KNOB, cgroup: 2, count: O.KNOB_MAX, index: pages });
const write = (index: number, count: number, ts = 0): HandRow => {
  return { op: O.OP_FILE_ACCESS, task: 1, object: 1, index, count, flags: O.FLAG_WRITE, ts };
};
const dirtyOf = (machine: Machine, memcg = 2) => Number(machine.engine.statLocal(memcg, L.STAT_FILE_DIRTY));
const writebackOf = (machine: Machine) => Number(machine.engine.statLocal(2, L.STAT_FILE_WRITEBACK));

describe('the flusher', () => {
  it('writes an inode that is dirty for thirty seconds, when it looks next', async () => {
    const machine = await boot();
    machine.replay(batchOf([...BEGIN, write(0, 10, 1 * SECOND), write(20, 1, 28 * SECOND)]));
    expect(dirtyOf(machine)).toBe(11);
    // It looks every 5 s from 5 s after the first write: at 31 s the inode is 30 s old, with all of its pages.
    machine.engine.advance(BigInt(31 * SECOND - 1));
    expect(dirtyOf(machine)).toBe(11);
    machine.engine.advance(BigInt(31 * SECOND));
    expect(dirtyOf(machine)).toBe(0);
    expect(machine.audit()).toBeNull();
  });

  it('starts at the background threshold, and a writer waits at the limit', async () => {
    // 1 ms a page: a task that writes faster than that is held up.
    const machine = await boot({ pages: 10_000, pageWriteNs: 1_000_000n });
    machine.replay(batchOf([...BEGIN, write(0, 900)]));
    expect(machine.writeback()).toMatchObject({ dirty: 900, writeback: 0, waitedNs: 0n });
    machine.replay(batchOf([write(900, 200, 1)]));
    // 10 % of 10,000 pages: a chunk of 1024 of the inode went to the device.
    const { dirty, writeback } = machine.writeback();
    expect(dirty).toBeLessThan(1000);
    expect(writeback).toBeGreaterThan(0);
    machine.replay(batchOf([write(1100, 4000, 2)]));
    const after = machine.writeback();
    expect(after.dirty + after.writeback).toBeLessThanOrEqual(2000 + 32);
    // 5100 pages were written in no time: what is not in memory any more took its millisecond each, since 1.
    const done = 5100 - after.dirty - after.writeback;
    expect(after.waitedNs).toBe(BigInt(done) * 1_000_000n - 1n);
    expect(machine.audit()).toBeNull();
  });

  it('keeps the dirty pages of a cgroup below the share of its limit', async () => {
    const machine = await boot({ pageWriteNs: 1000n });
    machine.replay(batchOf([...BEGIN, limit(1000), write(0, 3000)]));
    const unwritten = dirtyOf(machine) + writebackOf(machine);
    expect(unwritten).toBeLessThanOrEqual(200 + 32);
    expect(machine.figures(2)['memory.events'].oom_kill).toBe(0);
    expect(machine.usage(2)).toBeLessThanOrEqual(1000);
    expect(machine.audit()).toBeNull();
  });

  it('can be switched off: then only sync cleans', async () => {
    const machine = await boot({ flusher: false });
    machine.replay(batchOf([...BEGIN, write(0, 4000)]));
    machine.engine.advance(BigInt(1000 * SECOND));
    expect(dirtyOf(machine)).toBe(4000);
    machine.replay(batchOf([{ op: O.OP_SYNC, ts: 2000 * SECOND }]));
    expect(dirtyOf(machine)).toBe(0);
    expect(machine.audit()).toBeNull();
  });
});

describe('the device', () => {
  it('takes its time for each page, first in, first out, and sync waits', async () => {
    const machine = await boot({ pageWriteNs: 1_000_000n });
    machine.replay(batchOf([...BEGIN, write(0, 100), { op: O.OP_SYNC, object: 1, ts: 7 }]));
    expect(machine.writeback()).toEqual({ dirty: 0, writeback: 0, waitedNs: 100_000_000n });
    // The device is ahead of the trace: a second sync finds it busy until 100 ms + 7.
    machine.replay(batchOf([write(0, 1, 50_000_000), { op: O.OP_SYNC, object: 1, ts: 60_000_000 }]));
    expect(machine.writeback().waitedNs).toBe(101_000_000n);
    expect(machine.audit()).toBeNull();
  });

  it('shows pages under writeback until they are done', async () => {
    const machine = await boot({ pageWriteNs: 1_000_000n });
    machine.replay(batchOf([...BEGIN, write(0, 100)]));
    machine.engine.advance(BigInt(30 * SECOND));
    expect([dirtyOf(machine), writebackOf(machine)]).toEqual([0, 100]);
    machine.engine.advance(BigInt(30 * SECOND + 40_000_000));
    expect([dirtyOf(machine), writebackOf(machine)]).toEqual([0, 60]);
    // A page that is dirtied while it is written is dirty once more, and stays in the queue.
    machine.replay(batchOf([write(99, 1, 30 * SECOND + 41_000_000)]));
    expect([dirtyOf(machine), writebackOf(machine)]).toEqual([1, 59]);
    // drop_caches leaves both alone.
    machine.replay(batchOf([{ op: O.OP_DROP_CACHES, task: 1, count: 1, ts: 30 * SECOND + 41_000_001 }]));
    expect(Number(machine.engine.statLocal(2, L.STAT_FILE))).toBe(59);
    expect(machine.audit()).toBeNull();
    // truncate waits for what is written, and takes the rest as it is.
    machine.replay(batchOf([{ op: O.OP_TRUNCATE, task: 1, object: 1, ts: 30 * SECOND + 41_000_002 }]));
    expect(machine.writeback()).toEqual({ dirty: 0, writeback: 0, waitedNs: 59_000_000n - 2n });
    expect(machine.usage(2)).toBeLessThan(64);
    expect(machine.audit()).toBeNull();
  });
});

describe('reclaim of dirty page cache', () => {
  const full = (index: number, count: number): HandRow => ({
    op: O.OP_FILE_ACCESS,
    task: 1,
    object: 1,
    index,
    count,
    flags: O.FLAG_WRITE | O.FLAG_FAULT,
  });

  it.each([
    0n,
    1000n,
    10_000_000n,
  ])('does not kill where the flusher can clean, at %i ns a page', async (pageWriteNs) => {
    const machine = await boot({ pageWriteNs });
    machine.replay(batchOf([...BEGIN, limit(256), full(0, 4000)]));
    const { 'memory.events': events } = machine.figures(2);
    expect(events).toMatchObject({ oom: 0, oom_kill: 0 });
    expect(events.max).toBeGreaterThan(0);
    expect(machine.usage(2)).toBeLessThanOrEqual(256);
    expect(Number(machine.engine.statLocal(2, L.STAT_PGSTEAL_DIRECT))).toBeGreaterThanOrEqual(4000 - 256);
    expect(machine.audit()).toBeNull();
  });

  it('kills without a flusher', async () => {
    const machine = await boot({ flusher: false });
    machine.replay(batchOf([...BEGIN, limit(256), full(0, 400)]));
    expect(machine.figures(2)['memory.events'].oom_kill).toBe(1);
    expect(machine.audit()).toBeNull();
  });

  it('a lower memory.max is reached by writing, not by killing', async () => {
    const machine = await boot({ pageWriteNs: 10_000_000n });
    const dirty = { op: O.OP_FILE_DIRTY, object: 1, index: 0, count: 500, ts: 1 };
    const read = { op: O.OP_FILE_ACCESS, task: 1, object: 1, index: 0, count: 500 };
    machine.replay(batchOf([...BEGIN, read, dirty, { ...limit(100), ts: 2 }]));
    expect(machine.figures(2)['memory.events']).toMatchObject({ oom: 0, oom_kill: 0 });
    expect(machine.usage(2)).toBeLessThanOrEqual(100);
    expect(machine.audit()).toBeNull();
  });
});

describe('any rows', () => {
  const action = fc.record({
    what: fc.constantFrom('write', 'write', 'write', 'read', 'dirty', 'truncate', 'sync', 'wait', 'wait'),
    object: fc.integer({ min: 1, max: 4 }),
    index: fc.nat(40),
    count: fc.integer({ min: 1, max: 12 }),
    // from a device that is faster than the events to a night
    pause: fc.constantFrom(0, 1000, 1_000_000, 40_000_000, 3 * SECOND, 31 * SECOND, 36_000 * SECOND),
  });

  it('agree with the reference model after each', async () => {
    const property = fc.asyncProperty(
      fc.array(action, { minLength: 1, maxLength: 60 }),
      fc.constantFrom(0, 1000, 5_000_000, 900_000_000),
      async (actions, service) => {
        const machine = await boot({ pageWriteNs: BigInt(service), build: 'debug' });
        const reference = new Writeback(service);
        const resident = new Map<number, Set<number>>([1, 2, 3, 4].map((object) => [object, new Set()]));
        machine.replay(batchOf(BEGIN));
        let ts = 0;
        const rows: HandRow[] = [...BEGIN];
        for (const { what, object, index, count, pause } of actions) {
          ts += pause;
          reference.advance(ts);
          const here = resident.get(object)!;
          const pages = Array.from({ length: count }, (_, i) => index + i);
          const row = { task: 1, object, index, count, ts };
          if (what === 'write' || what === 'read') {
            rows.push({ op: O.OP_FILE_ACCESS, ...row, flags: what === 'write' ? O.FLAG_WRITE : 0 });
            for (const page of pages) {
              here.add(page);
              if (what === 'write') reference.makeDirty(ts, object, page);
            }
          } else if (what === 'dirty') {
            rows.push({ op: O.OP_FILE_DIRTY, ...row });
            for (const page of pages) if (here.has(page)) reference.makeDirty(ts, object, page);
          } else if (what === 'truncate') {
            rows.push({ op: O.OP_TRUNCATE, ...row });
            for (const page of pages) {
              if (!here.delete(page)) continue;
              reference.wait(object, page);
              reference.clean(object, page);
            }
          } else if (what === 'sync') {
            rows.push({ op: O.OP_SYNC, object, ts });
            reference.sync(object, here);
          } else {
            rows.push({ op: O.OP_PROGRESS, task: 1, ts });
          }
          machine.replay(batchOf([rows.at(-1)!]));
          expect(machine.audit()).toBeNull();
          const dirty = [...reference.dirty.values()].reduce((sum, { pages }) => sum + pages.size, 0);
          expect(machine.writeback()).toEqual({
            dirty,
            writeback: reference.queue.length,
            waitedNs: BigInt(reference.waited),
          });
        }
        const again = await boot({ pageWriteNs: BigInt(service), pages: 9000 });
        again.replay(batchOf(rows));
        expect(again.digest()).toBe(machine.digest());
      },
    );
    await fc.assert(property, { numRuns: RUNS });
  });

  it('are conserved under any limit, and always end', async () => {
    const access = fc.record({
      index: fc.nat(600),
      count: fc.integer({ min: 1, max: 200 }),
      flags: fc.constantFrom(0, O.FLAG_WRITE, O.FLAG_FAULT, O.FLAG_WRITE | O.FLAG_FAULT),
      pause: fc.constantFrom(0, 1_000_000, 10 * SECOND),
    });
    const property = fc.asyncProperty(
      fc.array(access, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 0, max: 300 }),
      fc.constantFrom(0n, 100_000n, 50_000_000n),
      async (accesses, pages, pageWriteNs) => {
        const machine = await boot({ pageWriteNs, build: 'debug' });
        machine.replay(batchOf([...BEGIN, limit(pages)]));
        let ts = 0;
        for (const { index, count, flags, pause } of accesses) {
          ts += pause;
          machine.replay(batchOf([{ op: O.OP_FILE_ACCESS, task: 1, object: 1, index, count, flags, ts }]));
          expect(machine.audit()).toBeNull();
          expect(machine.usage(2)).toBeLessThanOrEqual(pages);
        }
        // Page cache alone never kills where more fits than a CPU's batch of new pages, which reclaim cannot take.
        if (pages > 31) expect(machine.figures(2)['memory.events'].oom_kill).toBe(0);
      },
    );
    await fc.assert(property, { numRuns: RUNS });
  });
});
