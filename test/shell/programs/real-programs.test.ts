/** Our programs print, fail and leave behind what the machine's programs do (GNU coreutils 9.1 and its like of Debian 12). */
import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import type { World } from '../../../bindings/shell/kernel/world.ts';
import { bootPrograms, runOurs, runReal, stepsOf } from './both.ts';
import { INVOCATIONS } from './invocations.ts';

const sorted = (text: string): string => text.split('\n').sort().join('\n');

describe('programs beside the machine’s own', () => {
  let world: World;
  beforeAll(async () => {
    world = await bootPrograms();
  });

  test('the machine has them all', () => {
    const names = new Set(
      INVOCATIONS.flatMap((line) => stepsOf(line.replace(/^[~!]/, '')).map(({ argv }) => argv[0]!)),
    );
    const missing = [...names].filter((name) => spawnSync('which', [name]).status !== 0);
    expect(missing).toEqual([]);
    expect(INVOCATIONS.length).toBeGreaterThan(300);
  });

  const groups = new Map<string, string[]>();
  for (const line of INVOCATIONS) {
    const name = line.replace(/^[~!]/, '').split(' ')[0]!;
    groups.set(name, [...(groups.get(name) ?? []), line]);
  }
  for (const [name, lines] of groups)
    test(`${name}: ${lines.length} invocations`, async () => {
      for (const line of lines) {
        const steps = stepsOf(line.replace(/^[~!]/, ''));
        const [ours, real] = [await runOurs(world, steps), runReal(steps)];
        if (line.startsWith('~'))
          for (const outcome of [ours, real]) {
            outcome.stdout = sorted(outcome.stdout);
            outcome.stderr = sorted(outcome.stderr);
          }
        if (line.startsWith('!')) ours.stderr = real.stderr = '';
        expect({ line, ...ours }).toEqual({ line, ...real });
      }
      world.machine.audit();
    });
});
