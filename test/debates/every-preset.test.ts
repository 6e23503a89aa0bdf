/** Whatever happens, and under every policy: what is charged is somebody's, no counter goes below 0, and parents have what children have. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as L from '../../assembly/layout.ts';
import type { Machine } from '../../bindings/machine.ts';
import { PRESETS } from '../../bindings/policy/registry.ts';
import { rowsOfSteps, steps } from './random-rows.ts';
import { replayRows } from './run.ts';

function checkCounters(machine: Machine): void {
  const { engine } = machine;
  for (const which of [L.COUNTER_MEMORY, L.COUNTER_SWAP]) {
    const children = new Map<number, bigint>();
    for (const [id, { parent }] of machine.cgroups) {
      const usage = engine.pageCounterField(id, which, L.PC_USAGE);
      expect(usage, `usage of ${machine.pathOf(id)}`).toBeGreaterThanOrEqual(0n);
      children.set(parent, (children.get(parent) ?? 0n) + usage);
    }
    for (const [id, sum] of children)
      if (id > 1)
        expect(engine.pageCounterField(id, which, L.PC_USAGE), `usage of ${machine.pathOf(id)}`).toBeGreaterThanOrEqual(
          sum,
        );
  }
  for (const id of machine.cgroups.keys())
    for (let stat = 0; stat < L.NR_STATS; stat++)
      expect(engine.statLocal(id, stat), `statistic ${stat} of ${machine.pathOf(id)}`).toBeGreaterThanOrEqual(0n);
}

test.each(PRESETS.filter((policy) => policy.rewrite === undefined))('$name: conservation', async (policy) => {
  await fc.assert(
    fc.asyncProperty(steps, fc.constantFrom(0, 200), async (list, swap) => {
      const machine = await replayRows(rowsOfSteps(list), policy, { memory: 8192, swap, build: 'debug' });
      checkCounters(machine);
      const again = await replayRows(rowsOfSteps(list), policy, { memory: 8192, swap });
      expect(again.digest()).toBe(machine.digest());
    }),
    { numRuns: Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 25) },
  );
});
