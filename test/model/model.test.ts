/**
 * The engine against the reference model: random trees, limits and operations, both kernels, both builds. After every call the
 * same answer, after every sequence the same state down to the last list entry, and a clean audit.
 */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { operation } from './operations.ts';
import { Pair, type World } from './pair.ts';

const RUNS = Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 150);

describe.each(['6.18', '6.1'] as const)('kernel %s', (kernel) => {
  it.each(['release', 'debug'] as const)('does what the model does (%s build)', { timeout: 0 }, async (build) => {
    const world: fc.Arbitrary<World> = fc.record({
      kernel: fc.constant(kernel),
      build: fc.constant(build),
      seed: fc.nat(),
      cpus: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(
        world,
        fc.array(operation, { minLength: 1, maxLength: 250, size: 'max' }),
        async (world, operations) => {
          const pair = await Pair.boot(world);
          pair.run(operations);
          await pair.compare();
        },
      ),
      { numRuns: RUNS },
    );
  });
});
