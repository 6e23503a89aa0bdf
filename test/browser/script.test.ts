/** A script in a browser prints what it prints here. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { runScript } from '../../bindings/index.ts';
import { inBrowser } from './page.ts';

test.each(['07-loop-cover-letter', '12-defaults', '41-tmpfs-two'])('%s', { timeout: 120_000 }, async (name) => {
  const source = await readFile(new URL(`../parity/${name}.sh`, import.meta.url), 'utf8');
  const there = await inBrowser(`
    const { runScript } = await import('/dist/bindings/shell/run.js');
    const { console, exit, world } = await runScript(${JSON.stringify(source)}, { kernel: '6.1', name: '/s/${name}.sh' });
    return { console, exit, digest: world.machine.digest(), audit: world.machine.audit() };`);
  const { console, exit, world } = await runScript(source, { kernel: '6.1', name: `/s/${name}.sh` });
  expect(there).toEqual({ console, exit, digest: world.machine.digest(), audit: null });
  expect(console.split('\n').length).toBeGreaterThan(3);
});
