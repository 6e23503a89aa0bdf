/**
 * What the pages of docs/debates/ and docs/policies/ show is what their commands print. `npx vitest run test/debates/pages.test.ts -u` writes
 * into the pages what they print now (after `npm run build`).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandsOf, rerun } from './console.ts';

const docs = join(import.meta.dirname, '../../docs');

/** The listing of the rows is made by its own test. */
const GENERATED = ['debates/rows.md'];

function pagesIn(folder: string): string[] {
  if (!existsSync(join(docs, folder))) return [];
  return readdirSync(join(docs, folder))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `${folder}/${file}`)
    .filter((page) => !GENERATED.includes(page))
    .sort();
}

describe.each([...pagesIn('debates'), ...pagesIn('policies')])('%s', (page) => {
  const path = join(docs, page);
  const markdown = readFileSync(path, 'utf8');

  test('has commands', () => {
    expect(commandsOf(markdown).map(({ command }) => command)).not.toEqual([]);
  });

  test('shows what they print', { timeout: 600_000 }, async () => {
    const beside = path.slice(0, -'.md'.length);
    await expect(await rerun(markdown, existsSync(beside) ? beside : undefined)).toMatchFileSnapshot(path);
  });
});

describe('the runner of pages', () => {
  const page = (shown: string) => `# Title\n\n\`\`\`console\n${shown}\`\`\`\n\ntail\n`;

  test('runs all blocks in one directory, standard error included, and shows what is not so', async () => {
    const shown = page('$ echo a; echo b >&2\na\nb\n$ echo c >f\n$ false\n$ echo \\\n> d\nd\n') + page('$ cat f\nc\n');
    expect(await rerun(shown)).toBe(shown);
    expect(commandsOf(shown).map((each) => each.shown)).toEqual(['a\nb\n', '', '', 'd\n', 'c\n']);
    expect(await rerun(page('$ echo a\nb\n'))).toBe(page('$ echo a\na\n'));
    expect(await rerun(page('$ printf a\n'))).toBe(page('$ printf a\na\n'));
  });

  test('has memcharge on the path, and the files beside the page', async () => {
    expect(await rerun(page('$ memcharge generate nope; echo $?\n'))).toMatch(
      /\nmemcharge: no scenario nope: .*\n2\n```/,
    );
    expect(await rerun(page('$ ls\n'), join(docs, 'record'))).toContain(`\n${readdirSync(join(docs, 'record'))[0]}\n`);
  });

  test('refuses a block without a command', () => {
    expect(() => commandsOf(page('a\n'))).toThrow('which is no command');
  });
});
