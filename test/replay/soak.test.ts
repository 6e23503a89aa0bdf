/**
 * Rows at random, valid or not (`npm run soak`: a million of them), on small machines where everything is short: limits, swap, page frames, tables. Nothing may trap
 * or go on for ever; a row that makes no sense is refused with its field; the audit passes all along, and so does every limit.
 */
import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { Random } from '../../bench/random.ts';
import { type Kernel, Machine, ReplayError } from '../../bindings/machine.ts';
import { batchOf, type HandRow } from './batch.ts';
import { beginning, CGROUPS, OBJECTS, randomRow, TASKS } from './random-rows.ts';

const ROWS = Number(process.env.MEMCHARGE_SOAK_ROWS ?? 20_000);
const BATCH = 100;
/** Runs the rows; those that are refused are left out. Answers how many were. */
function replay(machine: Machine, rows: readonly HandRow[]): number {
  const batch = batchOf(rows);
  let refused = 0;
  for (let at = 0; at < rows.length; ) {
    try {
      at = machine.replay(batch, at);
    } catch (error) {
      if (!(error instanceof ReplayError)) throw error;
      expect(error.message.length).toBeGreaterThan(5);
      refused++;
      at = error.row + 1;
    }
  }
  return refused;
}

const SMALL = { pages: 3000, cgroups: CGROUPS, tasks: TASKS, cpus: 2, objects: OBJECTS, maps: 200, nodes: 1500 };

describe.each<[Kernel, number, bigint, 'release' | 'debug', 'exact' | 'kernel']>([
  ['6.18', 700, 20_000n, 'debug', 'exact'],
  ['6.1', 700, 20_000n, 'debug', 'exact'],
  ['6.18', 0, 0n, 'release', 'kernel'],
  ['6.1', 4000, 1_000_000n, 'release', 'exact'],
])('kernel %s, %i slots, %i ns a write, %s build, %s statistics', (kernel, swap, pageWriteNs, build, statistics) => {
  it('survives', { timeout: 600_000 }, async () => {
    const options = { ...SMALL, kernel, swap, pageWriteNs, build, statistics, residency: 'modelled' } as const;
    const machine = await Machine.boot({ ...options, readahead: 32, faultAround: 16, ring: 4096, minFreeKbytes: 256 });
    machine.keepEvents(false);
    const random = new Random(swap + 7);
    expect(replay(machine, beginning())).toBe(0);
    let ts = 1000;
    let refused = 0;
    for (let done = 0; done < ROWS; done += BATCH) {
      const rows = Array.from({ length: BATCH }, () => {
        ts += random.below(200) ? random.below(5000) : random.below(2_000_000_000);
        return randomRow(random, ts);
      });
      refused += replay(machine, rows);
      if (done % (100 * BATCH) === 0) {
        expect(machine.audit()).toBeNull();
        for (const _ of machine.drain());
      }
    }
    expect(machine.audit()).toBeNull();
    const events = (which: number) => {
      let sum = 0;
      for (let memcg = 2; memcg <= CGROUPS; memcg++) sum += Number(machine.engine.eventCount(memcg, which, 1));
      return sum;
    };
    // It reached what it is for.
    expect(refused).toBeGreaterThan(ROWS / 100);
    expect(refused).toBeLessThan((2 * ROWS) / 3);
    const { pgscan_kswapd, oom_kill, pswpin } = machine.vmstat();
    expect(Math.min(events(L.EVENT_MAX), events(L.EVENT_HIGH), events(L.EVENT_OOM_KILL), oom_kill)).toBeGreaterThan(0);
    expect(pgscan_kswapd).toBeGreaterThan(0);
    if (swap) expect(pswpin).toBeGreaterThan(0);
  });
});
