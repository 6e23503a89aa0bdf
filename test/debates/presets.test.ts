/** A policy is one file, one line of the registry, one page and one scenario: a preset that lacks one of them is told here. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SCENARIOS } from '../../bindings/generate/registry.ts';
import { HOOKS } from '../../bindings/policy/meaning.ts';
import { PRESETS } from '../../bindings/policy/registry.ts';
import { commandsOf } from './console.ts';
import { ROWS } from './row.ts';

const root = join(import.meta.dirname, '../..');
const names = (folder: string, extension: string) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith(extension))
    .map((file) => file.slice(0, -extension.length))
    .sort();
const presets = PRESETS.map((policy) => policy.name).sort();

test('each file of a preset is in the registry, and each preset has a file of its name', () => {
  expect(names('bindings/policy/presets', '.ts')).toEqual(presets);
});

test('each preset has a page, and each page a preset', () => {
  expect(names('docs/policies', '.md')).toEqual(presets);
});

test('each scenario has a file of its name', () => {
  expect(names('bindings/generate/scenarios', '.ts')).toEqual(SCENARIOS.map((scenario) => scenario.name).sort());
});

describe.each(PRESETS)('$name', ({ name, rows, scenario }) => {
  const path = join(root, 'docs/policies', `${name}.md`);
  const page = existsSync(path) ? readFileSync(path, 'utf8') : '';

  test('names a scenario that there is, and rows that there are', () => {
    expect(SCENARIOS.map((each) => each.name)).toContain(scenario);
    expect(rows.filter((row) => !ROWS.includes(row as never))).toEqual([]);
    expect(rows.length).toBeGreaterThan(0);
  });

  test('has a page with its title, its answers, its scenario and its debate', () => {
    expect(page).toMatch(new RegExp(`^# ${name}\n`));
    const commands = commandsOf(page).map(({ command }) => command);
    expect(commands).toContain(`memcharge policies ${name}`);
    expect(commands.filter((command) => command.startsWith(`memcharge generate ${scenario} `))).not.toEqual([]);
    expect(page).toMatch(/^Who: /m);
    expect(page).toMatch(/^What to look at: /m);
    expect(page).toMatch(/\]\(\.\.\/debates\/[\w-]+\.md\)/);
  });
});

test('each question is asked where the pages say', () => {
  expect(HOOKS.map(({ hook }) => hook).filter((hook) => !existsSync(join(root, `assembly/policy/${hook}.ts`)))).toEqual(
    [],
  );
});
