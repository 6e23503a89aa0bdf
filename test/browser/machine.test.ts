/** The engine in a browser: the same figures as here. */
import { expect, test } from 'vitest';
import { Machine } from '../../bindings/index.ts';
import { inBrowser } from './page.ts';

const STEPS = `
  const machine = await Machine.boot({ residency: 'modelled', pages: 1 << 14, seed: 1 });
  const jobs = machine.mkdir('/jobs');
  machine.writeKnob(jobs, 1, 512n);
  const task = machine.spawn(jobs);
  const file = machine.newObject('file');
  for (let index = 0; index < 1000; index++) machine.access(task, file, { index });
  return { digest: machine.digest(), stat: machine.memoryStat(jobs), audit: machine.audit() };`;

test('a browser boots a machine, and its digest is the one that Node has', { timeout: 120_000 }, async () => {
  const there = await inBrowser(`const { Machine } = await import('/dist/bindings/machine.js'); ${STEPS}`);
  const here = await new Function('Machine', `return (async () => { ${STEPS} })()`)(Machine);
  expect(there).toEqual(here);
  expect(here.audit).toBeNull();
  expect(here.stat.pgsteal).toBeGreaterThan(0);
});
