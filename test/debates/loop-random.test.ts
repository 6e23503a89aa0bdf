/** Debate 3: random devices, cgroups and I/O under every answer to who works: the audit holds, and no worker is left behind. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TraceBuilder } from '../../bindings/generate/trace-builder.ts';
import { definePolicy, type SomeAnswers } from '../../bindings/policy/policy.ts';
import { replayRows } from './run.ts';

const ANSWERS: Readonly<Record<string, SomeAnswers>> = {
  issuer: {},
  'issuer, swap-in': { swapinIssuer: true },
  'one worker': { oneWorker: true },
  root: { worker: 'root' },
  inline: { worker: 'inline' },
  assigned: { worker: 'assigned' },
  backcharge: { worker: 'backcharge' },
  'backcharge, kill': { worker: 'backcharge', backchargeKill: true },
  metadata: { worker: 'backcharge-metadata' },
  enospc: { refused: { worker: 'enomem' }, loopOnly: true },
  'enospc, all': { refused: { worker: 'enomem' } },
};

const DEVICES = 3;
const CGROUPS = 4;
const step = fc.record({
  what: fc.constantFrom(
    'io',
    'io',
    'io',
    'io',
    'buffered',
    'buffered',
    'sync',
    'touch',
    'wait',
    'limit',
    'rmdir',
    'detach',
    'trim',
  ),
  who: fc.nat(CGROUPS - 1),
  device: fc.nat(DEVICES - 1),
  at: fc.nat(900),
  pages: fc.integer({ min: 1, max: 100 }),
  write: fc.boolean(),
});

function rows(steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]): TraceBuilder {
  const builder = new TraceBuilder({ step: 1_000_000 });
  const lives = Array.from({ length: CGROUPS }, () => true);
  const attached = Array.from({ length: DEVICES }, () => true);
  for (let i = 0; i < CGROUPS; i++) builder.mkdir(`/c${i}`, { 'memory.max': 256 }).spawn(`t${i}`, `/c${i}`);
  for (let i = 0; i < DEVICES; i++) {
    builder.object(`back${i}`, i === 2 ? 'file' : 'shmem', { pages: 1024 });
    builder.loopConfigure(`loop${i}`, `back${i}`, i === 1 ? { assigned: '/c0' } : {});
  }
  for (const { what, who, device, at, pages, write } of steps) {
    const task = `t${who}`;
    const loop = `loop${device}`;
    const ids = { task: builder.task(task), object: builder.objectId(loop) };
    if (what === 'wait') builder.wait(pages * 1_000_000_000);
    else if (what === 'detach') {
      builder.row('sync', { object: ids.object });
      builder.loopConfigure(loop, attached[device] ? null : `back${device}`);
      attached[device] = !attached[device];
    } else if (!lives[who]) continue;
    else if (what === 'rmdir') {
      if (who < 2) continue;
      builder.exit(task).rmdir(`/c${who}`);
      lives[who] = false;
    } else if (what === 'io' && attached[device]) builder.loopIo(task, loop, { index: at, pages, write });
    else if (what === 'buffered') builder.access(task, loop, { index: at, pages, write });
    else if (what === 'sync') builder.row('sync', ids);
    else if (what === 'touch') builder.touch(task, { index: at, pages });
    else if (what === 'limit') builder.writeKnob(`/c${who}`, write ? 'memory.high' : 'memory.max', 64 + 4 * pages);
    else if (what === 'trim')
      builder.row('truncate', { object: builder.objectId(`back${device}`), index: at, count: pages });
  }
  // In the end all is written and detached.
  builder.row('sync', {});
  for (let i = 0; i < DEVICES; i++) if (attached[i]) builder.loopConfigure(`loop${i}`, null);
  return builder;
}

test.each(Object.entries(ANSWERS))('%s: random I/O leaves no worker, and no counter below 0', async (name, answers) => {
  const policy = definePolicy({ name, summary: '', rows: [], answers });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 150 }),
      fc.constantFrom(0, 300),
      async (steps, swap) => {
        const machine = await replayRows(rows(steps), policy, { memory: 8192, swap });
        const { workers, workers_made, workers_peak, queued_ns } = machine.policyCounts();
        expect(workers).toBe(0);
        expect(workers_made).toBeGreaterThanOrEqual(workers_peak);
        expect(queued_ns).toBeGreaterThanOrEqual(0);
        for (const id of machine.cgroups.keys()) {
          const figures = machine.policyFigures(id);
          expect(figures.loop_workers).toBe(0);
          expect(figures.deficit).toBeLessThanOrEqual(figures.deficit_peak);
          for (const [key, value] of Object.entries(figures))
            if (typeof value === 'number') expect(value, `${key} of ${machine.pathOf(id)}`).toBeGreaterThanOrEqual(0);
        }
        const again = await replayRows(rows(steps), policy, { memory: 8192, swap });
        expect(again.digest()).toBe(machine.digest());
      },
    ),
    { numRuns: Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 25) },
  );
});
