/**
 * The engine against the reference model: random trees, limits and operations, both kernels, both builds. After every call the
 * same answer, after every sequence the same state down to the last list entry, and a clean audit. MEMCHARGE_FUZZ_RUNS sets the
 * number of sequences for each of the four.
 */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { modelProperty } from './property.ts';

const RUNS = Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 1000);

describe.each(['6.18', '6.1'] as const)('kernel %s', (kernel) => {
  it.each(['release', 'debug'] as const)('does what the model does (%s build)', { timeout: 0 }, async (build) => {
    await fc.assert(modelProperty(kernel, build), { numRuns: RUNS });
  });
});
