/** Debate 1: who pays for shared memory. */
import { expect } from 'vitest';
import { shared } from '../../bindings/generate/scenarios/shared.ts';
import { row } from './row.ts';
import { pagesOf, replayRows, rowsOf } from './run.ts';

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
