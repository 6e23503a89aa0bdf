/** Every row of the debates has a test, and docs/debates/rows.md lists them with what they assert (update it with `-u`). */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PRESETS } from '../../bindings/policy/registry.ts';
import { ROWS } from './row.ts';

const here = import.meta.dirname;
const found = readdirSync(here)
  .filter((file) => file.endsWith('.test.ts'))
  .flatMap((file) => {
    const text = readFileSync(join(here, file), 'utf8');
    return [...text.matchAll(/\brow\(\s*'(\w+)',\s*(['"`])((?:\\.|(?!\2)[^\\])*)\2/g)].map((match) => ({
      id: match[1]!,
      sentence: match[3]!.replaceAll(/\\(.)/g, '$1'),
      file,
    }));
  });

test('each test of a row names one that there is', () => {
  expect(found.map(({ id }) => id).filter((id) => !ROWS.includes(id as never))).toEqual([]);
});

test('each row has a test', () => {
  expect(ROWS.filter((id) => !found.some((each) => each.id === id))).toEqual([]);
});

test('each row has a preset', () => {
  expect(ROWS.filter((id) => !PRESETS.some((policy) => policy.rows.includes(id)))).toEqual([]);
});

test('docs/debates/rows.md lists them', async () => {
  const lines = ROWS.flatMap((id) => {
    const presets = PRESETS.filter((policy) => policy.rows.includes(id)).map((policy) => `\`${policy.name}\``);
    return found
      .filter((each) => each.id === id)
      .map(({ sentence, file }) => `| ${id} | ${sentence} | ${presets.join(' ')} | \`${file}\` |`);
  });
  const text = `# The rows of the debates, and what is asserted of each\n\nOne test or more a row, in \`test/debates/\`: \`npm test -- debates\` runs them, and checks this list.\n\n| row | asserted | presets | test |\n|---|---|---|---|\n${lines.join('\n')}\n`;
  await expect(text).toMatchFileSnapshot('../../docs/debates/rows.md');
});
