/** Debate 1: who pays for shared memory. */
import { expect } from 'vitest';
import { KIND_SHMEM } from '../../assembly/replay/ops.ts';
import { shared } from '../../bindings/generate/scenarios/shared.ts';
import type { Machine } from '../../bindings/machine.ts';
import { row } from './row.ts';
import { idOf, pagesOf, replayRows, rowsOf } from './run.ts';

/** Pages of tmpfs that are a cgroup's own. */
function own(machine: Machine, path: string): number {
  return Number(machine.engine.statLocal(idOf(machine, path), KIND_SHMEM));
}

row('S1', 'linux: a 32M, b 0; in the other order a 0, b 32M', async () => {
  for (const [order, a, b] of [
    ['a,b,x', 8192, 0],
    ['b,a,x', 0, 8192],
  ] as const) {
    const machine = await replayRows(rowsOf(shared, { order }));
    // A stock of up to 63 pages is charged beside the data: drained, it is gone.
    machine.engine.drainAllStock(1, 0);
    expect([pagesOf(machine, '/pod/a'), pagesOf(machine, '/pod/b'), pagesOf(machine, '/pod')]).toEqual([a, b, 8192]);
  }
});
row('S2', 'memcg-mount, memcg=/pod: a = b = 0, pod 32M in both orders; memcg=/pod/a: a 32M in both', async () => {
  for (const [memcg, a, podOwn] of [
    ['/pod', 0, 8192],
    ['/pod/a', 8192, 0],
  ] as const) {
    for (const order of ['a,b,x', 'b,a,x', 'x,b,a']) {
      const machine = await replayRows(rowsOf(shared, { order, memcg }), 'memcg-mount');
      machine.engine.drainAllStock(1, 0);
      expect([own(machine, '/pod/a'), own(machine, '/pod/b'), own(machine, '/pod'), own(machine, '/x')]).toEqual([
        a,
        0,
        podOwn,
        0,
      ]);
      expect([pagesOf(machine, '/pod/a'), pagesOf(machine, '/pod/b'), pagesOf(machine, '/pod')]).toEqual([a, 0, 8192]);
    }
  }
});

row(
  'S3',
  'common-ancestor: a 32M; after b a = b = 0, pod own 32M, moved 8192; after x root own 32M, pod 0, moved 16384; in any order',
  async () => {
    const steps = async (order: string) => {
      const machine = await replayRows(rowsOf(shared, { order }), 'common-ancestor');
      machine.engine.drainAllStock(1, 0);
      const usage = ['/pod/a', '/pod/b', '/pod', '/x'].map((path) => pagesOf(machine, path));
      return [...usage, own(machine, '/pod'), own(machine, '/'), machine.policyCounts().moved];
    };
    expect(await steps('a')).toEqual([8192, 0, 8192, 0, 0, 0, 0]);
    expect(await steps('a,b')).toEqual([0, 0, 8192, 0, 8192, 0, 8192]);
    for (const order of ['a,b,x', 'b,a,x']) expect(await steps(order)).toEqual([0, 0, 0, 0, 0, 8192, 16384]);
  },
);
