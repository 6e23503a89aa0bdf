/**
 * Several workers on one memory, one hierarchy, one tight limit. Nothing may be lost, nothing may pass the limit, and when all is
 * given back nothing may be left.
 */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { GFP_KSWAPD_RECLAIM, KIND_PERCPU, KIND_SLAB, KNOB_MAX } from '../../assembly/replay/ops.ts';
import { type Kernel, Machine } from '../../bindings/machine.ts';

const LIMIT = 3000;
const ROUNDS = 60_000;
const DEPTH = 4;

interface Held {
  sockets: [memcg: number, pages: number][];
  objects: [objcg: number, bytes: number, kind: number][];
  raw: [memcg: number, counter: number, pages: bigint][];
  refused: number;
  /** highest watermark of the limited cgroup that the worker saw */
  peak: bigint;
}

async function hammer(workers: number, kernel: Kernel) {
  const machine = await Machine.boot({
    pages: 64,
    cgroups: 16,
    tasks: 16,
    cpus: workers,
    workers: 4,
    swap: 1,
    kernel,
  });
  // One chain: the limit on top, charges on every level of it.
  const memcgs: number[] = [];
  for (let depth = 0; depth < DEPTH; depth++) memcgs.push(machine.mkdir(`/${depth}`, memcgs.at(-1)));
  machine.writeKnob(memcgs[0]!, KNOB_MAX, BigInt(LIMIT));
  const tasks = Array.from({ length: workers }, (_, i) => machine.spawn(memcgs[DEPTH - 1 - (i % 2)]));
  const threads = tasks.map((task, worker) => {
    const workerData = {
      memory: machine.memory,
      worker,
      task,
      memcgs,
      file: fileURLToPath(new URL('../../build/engine.wasm', import.meta.url)),
      seed: 77 + worker,
      rounds: ROUNDS,
      // May not block: draining others' CPUs is for a kworker, and their stocks are theirs alone.
      gfp: GFP_KSWAPD_RECLAIM,
      kinds: [KIND_SLAB, KIND_PERCPU],
      counter: L.COUNTER_MEMORY,
      peakField: L.PC_WATERMARK,
    };
    return new Worker(new URL('./hammer.mjs', import.meta.url), { workerData });
  });
  const next = (thread: Worker) =>
    new Promise<unknown>((resolve, reject) => {
      thread.once('message', resolve);
      thread.once('error', reject);
      thread.once('exit', (code) => code && reject(new Error(`worker ended with ${code}`)));
    });
  try {
    await Promise.all(threads.map(next));
    const results = threads.map(next);
    for (const thread of threads) thread.postMessage('go');
    return { machine, memcgs, held: (await Promise.all(results)) as Held[] };
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);

describe.each([
  [2, '6.18'],
  [4, '6.18'],
  [2, '6.1'],
  [4, '6.1'],
] as const)('%i workers, kernel %s', (workers, kernel) => {
  it('lose nothing, pass no limit, leave nothing behind', async () => {
    const { machine, memcgs, held } = await hammer(workers, kernel);
    const { engine } = machine;
    const usage = (id: number) => Number(engine.pageCounterField(id, L.COUNTER_MEMORY, L.PC_USAGE));

    // It was tight: charges were refused, and something is held. (Not by each: who comes first may leave nothing to the others.)
    expect(sum(held.map((each) => each.refused))).toBeGreaterThan(0);
    expect(sum(held.map(({ sockets, objects, raw }) => sockets.length + objects.length + raw.length))).toBeGreaterThan(
      0,
    );
    for (const { peak } of held) expect(peak).toBeLessThanOrEqual(BigInt(LIMIT));
    expect(engine.pageCounterField(memcgs[0]!, L.COUNTER_MEMORY, L.PC_WATERMARK)).toBeLessThanOrEqual(BigInt(LIMIT));

    // The statistics are the sum of what each worker holds.
    expect(Number(engine.statTotal(1, L.STAT_SOCK))).toBe(
      sum(held.flatMap((each) => each.sockets).map(([, pages]) => pages)),
    );
    for (const [kind, row] of [
      [KIND_SLAB, L.STAT_SLAB],
      [KIND_PERCPU, L.STAT_PERCPU],
    ] as const)
      expect(Number(engine.statTotal(1, row))).toBe(
        sum(
          held
            .flatMap((each) => each.objects)
            .filter((o) => o[2] === kind)
            .map(([, bytes]) => bytes),
        ),
      );

    // The raw charges stand for nothing that the audit knows; without them every counter must add up.
    for (const [memcg, counter, pages] of held.flatMap((each) => each.raw))
      engine.pageCounterUncharge(memcg, counter, pages);
    expect(machine.audit()).toBeNull();
    const inUse = Number(engine.statTotal(1, L.STAT_SOCK) + engine.statTotal(1, L.STAT_KMEM));
    expect(usage(1)).toBeGreaterThanOrEqual(inUse);
    expect(usage(1) - inUse).toBeLessThanOrEqual(workers * 7 * 64); // the rest is in stocks

    // All is given back, each on its holder's CPU, and the stocks are drained: nothing is left on any level.
    for (const [cpu, { sockets, objects }] of held.entries()) {
      for (const [memcg, pages] of sockets) engine.unchargeSock(cpu, memcg, pages);
      for (const [objcg, bytes, kind] of objects) engine.unchargeObject(cpu, objcg, bytes, kind);
    }
    const drain = (now: bigint) => {
      engine.drainAllStock(1, 0);
      engine.advance(now);
    };
    drain(1_000_000n);
    drain(2_000_000n);
    // A byte stock that was drained leaves what is below a page in its objcg; the next to cache and drain it finds whole pages.
    for (const memcg of memcgs) {
      const task = machine.spawn(memcg);
      const objcg = engine.chargeObject(task, 0, 4096, KIND_SLAB, GFP_KSWAPD_RECLAIM);
      expect(objcg).toBe(memcg);
      engine.unchargeObject(0, objcg, 4096, KIND_SLAB);
    }
    drain(3_000_000n);
    drain(4_000_000n);
    for (const memcg of [1, ...memcgs]) expect(usage(memcg), `cgroup ${memcg}`).toBe(0);
    for (const row of [L.STAT_SOCK, L.STAT_KMEM, L.STAT_SLAB, L.STAT_PERCPU]) expect(engine.statTotal(1, row)).toBe(0n);
    expect(machine.audit()).toBeNull();
  });
});
