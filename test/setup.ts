/**
 * Property tests run from one seed, so that the same commit passes or fails wherever it is tested. `npm run fuzz` takes a seed from
 * the clock and many more sequences; a failure prints both, and MEMCHARGE_FUZZ_SEED repeats it.
 */
import fc from 'fast-check';

const asked = process.env.MEMCHARGE_FUZZ_SEED ?? '20261121';
fc.configureGlobal({ seed: asked === 'clock' ? Date.now() & 0x7fffffff : Number(asked) });
