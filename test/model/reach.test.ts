/**
 * A property proves nothing about what its sequences never reach. These sequences (fixed seed) are counted: every rare path of the
 * model must have been taken, in the kernel that has it.
 */
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { operation } from './operations.ts';
import { PageCounter } from './page-counter.ts';
import { Pair } from './pair.ts';
import { Random } from './random.ts';
import { Cpu } from './stock.ts';

it.each(['6.18', '6.1'] as const)('random sequences reach the rare paths (kernel %s)', async (kernel) => {
  const evictions = vi.spyOn(Random.prototype, 'below');
  const refusals = vi.spyOn(PageCounter.prototype, 'tryCharge');
  const drains = vi.spyOn(Cpu.prototype, kernel === '6.1' ? 'drainBoth' : 'drainBytes');
  const reached = {
    zombieSlots: 0,
    deadObjcgs: 0,
    dyingFolios: 0,
    overMax: 0,
    protectedSums: 0,
    scopes: 0,
    threads: 0,
    unseen: 0,
    unseenStock: 0,
    deadUnseen: 0,
  };
  try {
    for (const operations of fc.sample(fc.array(operation, { minLength: 200, maxLength: 250 }), {
      numRuns: 200,
      seed: 1,
    })) {
      const pair = await Pair.boot({ kernel, seed: 3, cpus: 2 });
      pair.run(operations);
      for (const memcg of pair.model.memcgs.values()) {
        if (memcg.state === 'dying') {
          if (memcg.slots) reached.zombieSlots++;
          if (memcg.objcg.bytes || memcg.objcg.pages) reached.deadObjcgs++;
          if (memcg.lists.some((list) => list.length)) reached.dyingFolios++;
          if (memcg.unseen.some((pages) => pages > 0)) reached.deadUnseen++;
        }
        if (memcg.unseen.some((pages) => pages > 0)) reached.unseen++;
        if (memcg.unseen.at(-1)! > 0) reached.unseenStock++;
        if (memcg.memory.usage > memcg.memory.max) reached.overMax++;
        if (memcg.memory.childrenLowUsage && memcg.memory.childrenMinUsage) reached.protectedSums++;
      }
      for (const task of pair.model.tasks.values()) {
        if (task.scopes.length > 1) reached.scopes++;
        if (task.mm && task.mm !== task) reached.threads++;
      }
    }
    for (const [what, count] of Object.entries(reached)) expect(count, what).toBeGreaterThan(0);
    expect(refusals.mock.results.filter((result) => result.value !== null).length, 'refused charges').toBeGreaterThan(
      500,
    );
    expect(drains.mock.calls.length, 'drains').toBeGreaterThan(100);
    expect(evictions.mock.calls.length > 0, 'random evictions: 6.18 alone chooses').toBe(kernel === '6.18');
  } finally {
    vi.restoreAllMocks();
  }
});
