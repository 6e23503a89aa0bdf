/**
 * The executor beside the bash of this machine: the same scripts, the same standard output, exit status and messages. A machine without
 * bash 5.2 fails: there is nothing to compare with.
 *
 * MEMCHARGE_BASH_RUNS says how many random programs (100), MEMCHARGE_BASH_SEED which (a fixed one; `clock`: others each time).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { Executor, type Outcome, realBash } from './compare.ts';
import { program } from './generate.ts';

const directory = join(import.meta.dirname, 'snippets');
const { MEMCHARGE_BASH_RUNS: runs = '100', MEMCHARGE_BASH_SEED: seed = '5' } = process.env;

let executor: Executor;
beforeAll(async () => {
  expect(realBash('echo $BASH_VERSION').stdout).toMatch(/^5\.2\./);
  executor = await Executor.boot();
});

for (const file of readdirSync(directory).sort()) {
  describe(file, () => {
    const cases = readFileSync(join(directory, file), 'utf8')
      .split(/^#### ?/m)
      .slice(1);
    for (const [i, text] of cases.entries()) {
      const newline = text.indexOf('\n');
      const script = text.slice(newline + 1);
      // `#-c STRING` on the first line: the rest is what -c is given
      const args = script.startsWith('#-c ') ? ['-c', script.slice(4).trimEnd()] : ['s'];
      // The real bash of a busy machine is late now and then where jobs end beside it.
      test(`${i + 1}: ${text.slice(0, newline)}`, { retry: 2 }, async () => {
        expect(await executor.run(script, args)).toEqual(realBash(script, args));
      });
    }
  });
}

describe('random programs', () => {
  /** Two processes of a pipeline may complain in either order. */
  const sorted = ({ stdout, stderr, exit }: Outcome) => ({ stdout, stderr: stderr.split('\n').sort(), exit });

  test('do what they do in bash', { timeout: 3_600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(program, async (script) => {
        expect(sorted(await executor.run(script))).toEqual(sorted(realBash(script)));
      }),
      { seed: seed === 'clock' ? Date.now() : Number(seed), numRuns: Number(runs), endOnFailure: false },
    );
  });
});
