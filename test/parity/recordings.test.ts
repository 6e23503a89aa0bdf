/** The scripts and their recordings belong together. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compare } from './compare.ts';
import { recorded, scripts } from './recordings.ts';

const all = scripts();

it('has three runs of Linux 6.1 of each script, that end with an exit status', () => {
  for (const { name } of all) {
    const runs = recorded(name, '6.1');
    expect(runs, name).toHaveLength(3);
    for (const run of runs!) expect(run.at(-1), name).toMatch(/^exit \d+$/);
  }
});

it('has three runs of Linux 6.18 of the ten scripts that were given', () => {
  const given = all.filter(({ name }) => recorded(name, '6.18') !== null);
  expect(given.map(({ name }) => name.slice(0, 2))).toEqual([
    '01',
    '02',
    '03',
    '04',
    '05',
    '06',
    '07',
    '08',
    '09',
    '10',
  ]);
});

it('keeps no recording without a script', () => {
  const files = readdirSync(join(import.meta.dirname, 'recordings'));
  const names = new Set(all.map(({ name }) => name));
  const stray = files.filter((file) => !names.has(file.replace(/\.6\.1(8)?\.json$/, '')));
  expect(stray).toEqual([]);
});

it('prints what does not hang on chance: the runs of Linux 6.1 agree with each other tolerantly', () => {
  const apart: string[] = [];
  for (const { name } of all) {
    const runs = recorded(name, '6.1')!;
    for (const run of runs) {
      const { tolerant, of } = compare([runs[0]!], run);
      if (tolerant < of) apart.push(name);
    }
  }
  expect([...new Set(apart)]).toEqual([]);
});
