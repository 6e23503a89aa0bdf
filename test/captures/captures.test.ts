/** Parity with Linux: real captures, replayed to the byte. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agreement, kernelCalls } from './kernel-calls.ts';
import { type CaptureRun, captureBytes, captureFiles, nearness, publicFiles, runCapture } from './run.ts';

const capture = (name: string) => captureFiles(join(import.meta.dirname, name));

describe('s01-anon-touch: one process touches and unmaps anonymous memory', () => {
  const { files, samples } = capture('s01-anon-touch');
  let run: CaptureRun;
  beforeAll(async () => {
    run = await runCapture(files, samples);
  });

  test('every sample of memory.current is exact', () => {
    expect(run.against).toMatchObject({ samples: 171, exact: 171, worst_bytes: 0 });
  });

  test("the engine's counter calls are the kernel's, one by one", async () => {
    const kernel = await kernelCalls(files[0]);
    expect([...kernel.values()].map((calls) => calls.length)).toEqual([232]);
    expect(run.calls).toEqual(kernel);
  });

  test('what is left conserves', () => {
    expect(run.machine.audit()).toBeNull();
  });

  test('a second run has the same digest', async () => {
    expect((await runCapture(files, samples)).machine.digest()).toBe(run.machine.digest());
  });
});

describe('s11-fork-storm: three nested limits, copy on write, three OOM kills, reparenting', () => {
  const { files, samples } = capture('s11-fork-storm');
  let run: CaptureRun;
  beforeAll(async () => {
    run = await runCapture(files, samples);
  });

  test('every sample of memory.current is exact', () => {
    expect(run.against).toMatchObject({ samples: 655, exact: 655, worst_bytes: 0 });
  });

  test('max and oom_kill are counted where the kernel counts them', () => {
    const events = Object.fromEntries(
      [...run.machine.cgroups].map(([id, { path }]) => {
        const figures = run.machine.figures(id);
        const { max, oom_kill } = figures['memory.events'];
        return [path, [max, oom_kill, figures['memory.events.local'].max, figures['memory.events.local'].oom_kill]];
      }),
    );
    // scenario figures of the recording: /a/b max=561, oom_kill=3, local to /a/b and /a/b/c
    expect(events).toMatchObject({ '/a': [561, 3, 0, 0], '/a/b': [561, 3, 561, 0], '/a/b/c': [0, 3, 0, 3] });
  });

  test("a failing charge has raised the child's peak above its parent's limit", () => {
    const id = [...run.machine.cgroups].find(([, { path }]) => path === '/a/b/c')![0];
    expect(run.machine.figures(id)['memory.peak']).toBe(33_812_480);
  });

  test('nested reparenting leaves nothing behind', () => {
    expect(run.machine.audit()).toBeNull();
    for (const [id, { path }] of run.machine.cgroups) if (path !== '/') expect(run.machine.isRemoved(id)).toBe(true);
  });

  test('6.18 replays it too, and conserves', async () => {
    const later = await runCapture(files, samples, { kernel: '6.18' });
    expect(later.machine.audit()).toBeNull();
    expect(later.machine.digest()).not.toBe(run.machine.digest());
  });
});

describe('thp-split: three huge folios, one cut, one split, one unmapped whole', () => {
  const { files, samples } = capture('thp-split');
  let run: CaptureRun;
  beforeAll(async () => {
    run = await runCapture(files, samples);
  });

  test('every sample of memory.current is exact: 64 KiB cut out of a huge folio stay charged', () => {
    expect(run.against).toMatchObject({ samples: 18, exact: 18, worst_bytes: 0 });
  });

  test("the engine's counter calls are the kernel's, one by one", async () => {
    const kernel = await kernelCalls(files[0]);
    expect([...kernel.values()].map((calls) => calls.filter((call) => call === '+512' || call === '-512'))).toEqual([
      ['+512', '+512', '+512', '-512', '-512'],
    ]);
    expect(run.calls).toEqual(kernel);
  });

  test('one split is seen, and what is left conserves', () => {
    expect(run.report.ambiguous['huge folios split']).toBe(1);
    expect(run.machine.audit()).toBeNull();
  });
});

describe('the public trace alone, without any probe', () => {
  test.each([
    ['s01-anon-touch', { samples: 3, exact: 3 }, { samples: 171 }],
    ['s11-fork-storm', { samples: 12 }, { samples: 655 }],
    ['thp-split', {}, { samples: 18 }],
  ])('%s: every sample within 2 %% or 1 MiB', async (name, settled, all) => {
    const { files, samples } = publicFiles(join(import.meta.dirname, name));
    const run = await runCapture(files, samples);
    expect(run.report.format).toBe('ftrace');
    const near = nearness(run);
    expect(near.settled).toMatchObject({ ...settled, within: near.settled.samples });
    expect(near.all).toMatchObject({ ...all, within: near.all.samples });
    expect(run.machine.audit()).toBeNull();
  });

  test('the tolerance is no free pass: without the lines of the attaches hardly a sample is near', async () => {
    const { files, samples } = publicFiles(join(import.meta.dirname, 's11-fork-storm'));
    const text = (await captureBytes(files[0])).toString('latin1');
    const folder = await mkdtemp(join(tmpdir(), 'memcharge-near-'));
    try {
      const path = join(folder, 'trace.txt');
      await writeFile(path, text.replaceAll('cgroup_attach_task:', 'cgroup_other:'), 'latin1');
      const { settled } = nearness(await runCapture([path], samples));
      expect(settled.within).toBeLessThan(settled.samples / 2 + 1);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('what the importer is fed', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'memcharge-fed-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('the check-only probes change nothing: without them, and in plain text, the machine ends the same', async () => {
    const { files, samples } = capture('s01-anon-touch');
    const whole = await runCapture(files, samples);
    const lines = (await captureBytes(files[0])).toString('latin1').split('\n');
    const kept = lines.filter((line) => !/: (pc_\w+|try_charge|objcg_uncharge_pages): /.test(line));
    expect(kept.length).toBeLessThan(lines.length - 10_000);
    const truth = join(folder, 'truth.txt');
    await writeFile(truth, kept.join('\n'), 'latin1');
    const without = await runCapture([truth, files[1]], samples);
    expect(without.machine.digest()).toBe(whole.machine.digest());
  });

  test('a wrong owner would be noticed: one charge moved to the root costs samples', async () => {
    const { files, samples } = capture('s01-anon-touch');
    const text = (await captureBytes(files[0])).toString('latin1');
    const wrong = join(folder, 'wrong.txt.gz');
    let left = 64;
    await writeFile(
      wrong,
      gzipSync(
        Buffer.from(
          text.replace(/( charge: .*)cgid=23/g, (all, head) => (left-- > 0 ? `${head}cgid=1` : all)),
          'latin1',
        ),
      ),
    );
    const run = await runCapture([wrong, files[1]], samples);
    expect(run.against.exact).toBeLessThan(171);
    const calls = agreement(await kernelCalls(files[0]), run.calls);
    expect(calls[0]!.equal).toBeLessThan(calls[0]!.calls);
  });
});
