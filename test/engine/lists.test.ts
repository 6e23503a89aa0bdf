/** The append log behind the LRU lists: millions of adds and removes on both ends, against a plain array. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { GFP_KERNEL, KIND_ANON } from '../../assembly/replay/ops.ts';
import { regionAt } from '../../bindings/engine/capacities.ts';
import { Machine } from '../../bindings/machine.ts';

const chunksUsed = (machine: Machine) =>
  new DataView(machine.memory.buffer).getUint32(L.HEADER + L.H_CHUNKS_USED, true);

/** A machine with `folios` charged to one cgroup, oldest first. */
async function charged(folios: number) {
  const machine = await Machine.boot({ pages: folios, cgroups: 4, tasks: 2, cpus: 1, swap: 1 });
  const memcg = machine.mkdir('/a');
  const task = machine.spawn(memcg);
  for (let frame = 1; frame <= folios; frame++)
    if (machine.engine.chargeFolio(task, 0, 0, frame, 0, KIND_ANON, GFP_KERNEL)) throw new Error('not charged');
  return { machine, memcg, engine: machine.engine, list: L.LRU_INACTIVE_ANON };
}

describe('the append log of a list', () => {
  it('keeps within its chunks under two million moves', async () => {
    const folios = 3000;
    const { machine, engine, memcg, list } = await charged(folios);
    const bound = L.chunkCount(folios, 4) - 1;
    let random = 1;
    let worst = 0;
    for (let i = 0; i < 2_000_000; i++) {
      random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
      // Three ways to make stale entries: in the middle, at the tail, and from the tail to another list's head.
      const frame = 1 + (random % folios);
      if (random & 0x10000000) engine.lruRotate(frame);
      else {
        const oldest = engine.lruIsolate(memcg, random & 0x20000000 ? list : L.LRU_ACTIVE_ANON);
        if (oldest) engine.lruPutback(oldest, random & 0x40000000 ? list : L.LRU_ACTIVE_ANON);
      }
      if ((i & 0xfff) === 0) worst = Math.max(worst, chunksUsed(machine));
    }
    expect(worst).toBeLessThanOrEqual(bound);
    expect(worst).toBeGreaterThan(Math.ceil(folios / L.CHUNK_ENTRIES));
    expect(engine.lruSize(memcg, list) + engine.lruSize(memcg, L.LRU_ACTIVE_ANON)).toBe(folios);
    expect(machine.audit()).toBeNull();
  });

  it('never needs more than one chunk a live folio and list end, however the lists are spread', async () => {
    // One folio on each of many lists is the worst case of the bound's second term.
    const cgroups = 64;
    const machine = await Machine.boot({ pages: 400, cgroups, tasks: 2, cpus: 1, swap: 1 });
    const task = machine.spawn();
    const memcgs = Array.from({ length: cgroups - 1 }, (_, i) => machine.mkdir(`/${i}`));
    for (let frame = 1; frame <= 400; frame++)
      machine.engine.chargeFolio(task, 0, memcgs[frame % memcgs.length]!, frame, 0, KIND_ANON, GFP_KERNEL);
    for (let round = 0; round < 400; round++)
      for (const memcg of memcgs)
        for (const from of [0, 1, 2, 3, 4]) {
          const frame = machine.engine.lruIsolate(memcg, from);
          if (frame) machine.engine.lruPutback(frame, (from + round) % L.NR_LRU_LISTS);
        }
    expect(chunksUsed(machine)).toBeLessThan(L.chunkCount(400, cgroups));
    expect(machine.audit()).toBeNull();
  });

  it('orders like a plain array, at both ends, through compaction', { timeout: 0 }, async () => {
    const folios = 300;
    const move = fc.record({ kind: fc.constantFrom('rotate', 'cycle', 'isolate', 'back'), n: fc.nat(0xffff) });
    await fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 100, maxLength: 3000, size: 'max' }), async (moves) => {
        const { machine, engine, memcg, list } = await charged(folios);
        const expected = Array.from({ length: folios }, (_, i) => i + 1); // oldest first
        const aside: number[] = [];
        for (const { kind, n } of moves) {
          if (kind === 'rotate' && expected.length) {
            const [frame] = expected.splice(n % expected.length, 1);
            engine.lruRotate(frame!);
            expected.unshift(frame!);
          } else if (kind === 'back' && aside.length) {
            const frame = aside.pop()!;
            engine.lruPutback(frame, list);
            expected.push(frame);
          } else if (kind === 'isolate' || kind === 'cycle') {
            const frame = engine.lruIsolate(memcg, list);
            expect(frame).toBe(expected.shift() ?? 0);
            if (frame && kind === 'cycle') {
              engine.lruPutback(frame, list);
              expected.push(frame);
            } else if (frame) aside.push(frame);
          }
        }
        expect(machine.audit()).toBeNull();
        expect(Array.from(expected, () => engine.lruIsolate(memcg, list))).toEqual(expected);
        expect(engine.lruIsolate(memcg, list)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('gives every chunk back when the list is empty, so that idle cgroups cost nothing', async () => {
    const { machine, engine, memcg, list } = await charged(1000);
    while (engine.lruIsolate(memcg, list)) {}
    let free = 0;
    const view = new DataView(machine.memory.buffer);
    const c = machine.capacities;
    const chunks = regionAt(L.R_CHUNK, c);
    for (let chunk = view.getUint32(L.HEADER + L.H_FREE_CHUNK, true); chunk; free++)
      chunk = view.getUint32(chunks + chunk * L.CHUNK_STRIDE, true);
    expect(free).toBe(chunksUsed(machine));
  });
});
