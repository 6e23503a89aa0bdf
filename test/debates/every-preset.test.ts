/** Whatever happens, and under every policy: what is charged is somebody's, no counter goes below 0, and parents have what children have. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Policy } from '../../bindings/policy/policy.ts';
import { PRESETS } from '../../bindings/policy/registry.ts';
import { checkRandom, settings } from './random-check.ts';
import { stepsUpTo } from './random-rows.ts';

const numRuns = Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 3);
const longest = Number(process.env.MEMCHARGE_FUZZ_STEPS ?? 120);
const within = process.env.MEMCHARGE_FUZZ_MS ? { interruptAfterTimeLimit: Number(process.env.MEMCHARGE_FUZZ_MS) } : {};
const seed = process.env.MEMCHARGE_FUZZ_SEED ? { seed: Number(process.env.MEMCHARGE_FUZZ_SEED) } : {};

/** Most of the cases come to their end. */
async function hold(policy: Policy, runs: number): Promise<void> {
  let ended = 0;
  let begun = 0;
  const property = fc.asyncProperty(stepsUpTo(longest), settings, async (list, setting) => {
    begun++;
    if (await checkRandom(list, policy, setting)) ended++;
  });
  await fc.assert(property, { numRuns: runs, ...seed, ...within });
  expect(ended).toBeGreaterThan(begun / 3);
}

test.each(PRESETS)('$name: conservation', (policy) => hold(policy, numRuns), 3_600_000);
