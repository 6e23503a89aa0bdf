/** Parity with Linux: captures replayed from their accesses alone, the model's figures beside the kernel's at every labelled sample. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Figure, LINUX_61, type PhaseFigures, runModelled } from './modelled.ts';
import { captureBytes, publicFiles } from './run.ts';

async function replayed(name: string, boot = LINUX_61) {
  const { files, samples } = publicFiles(join(import.meta.dirname, name));
  return runModelled(files[0], samples, boot);
}

function only(phases: readonly PhaseFigures[], figures: readonly Figure[]) {
  const pick = (all: PhaseFigures['kernel'] | null) => figures.map((figure) => all?.[figure] ?? null);
  return {
    model: phases.map(({ phase, path, model }) => [phase, path, ...pick(model)]),
    kernel: phases.map(({ phase, path, kernel }) => [phase, path, ...pick(kernel)]),
  };
}

const EVENTS: Figure[] = ['max', 'high', 'oom', 'oom_kill', 'oom_group_kill'];
const RECLAIM: Figure[] = ['pgscan', 'pgsteal', 'refault_anon', 'refault_file', 'pgmajfault'];
const MEMORY: Figure[] = ['anon', 'file', 'shmem', 'swap', 'peak'];

describe('s05-limit-reclaim: 128 MiB read twice in 64', () => {
  test.each([
    ['as Linux reads ahead', LINUX_61],
    ['without readahead', { kernel: '6.1' } as const],
  ])('events, scans, refaults and memory are the kernel’s at every phase, %s', async (_, boot) => {
    const { phases, machine } = await replayed('s05-limit-reclaim', boot);
    const { model, kernel } = only(phases, [...EVENTS, ...RECLAIM, ...MEMORY]);
    expect(model).toEqual(kernel);
    const at = (label: string) => phases.find(({ phase }) => phase === label)!.model;
    expect(at('pass1')).toMatchObject({ max: 295, pgscan: 16520, pgsteal: 16520, refault_file: 0, peak: 16384 });
    expect(at('pass2')).toMatchObject({ max: 880, pgscan: 49280, pgsteal: 49280, refault_file: 32768, peak: 16384 });
    expect(machine.audit()).toBeNull();
  });

  test('what the recorded kernel reclaimed is in no row: with twice the memory nothing is reclaimed or read again', async () => {
    const { files, samples } = publicFiles(join(import.meta.dirname, 's05-limit-reclaim'));
    const text = (await captureBytes(files[0])).toString('latin1');
    const folder = await mkdtemp(join(tmpdir(), 'memcharge-limit-'));
    try {
      const path = join(folder, 'trace.txt');
      await writeFile(
        path,
        text.replace('KNOB write /lim/memory.max 64M', 'KNOB write /lim/memory.max 256M'),
        'latin1',
      );
      const { phases } = await runModelled(path, samples);
      const pass2 = phases.find(({ phase }) => phase === 'pass2')!.model;
      expect(pass2).toMatchObject({ max: 0, pgscan: 0, pgsteal: 0, refault_file: 0, file: 32771 });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

test('s06-high-throttle: memory.high events, usage and anonymous memory are the kernel’s at every step', async () => {
  const { phases, machine } = await replayed('s06-high-throttle');
  const living = phases.filter(({ phase }) => !phase.startsWith('exited'));
  const { model, kernel } = only(living, [...EVENTS, ...RECLAIM, ...MEMORY, 'current']);
  expect(model).toEqual(kernel);
  expect(phases.find(({ phase }) => phase === 'touched-64M')!.model).toMatchObject({ high: 2194, anon: 16398 });
  expect(machine.audit()).toBeNull();
});

test('s09-oom-group: the group that the kernel killed is killed, for one OOM', async () => {
  const { phases, killed, machine } = await replayed('s09-oom-group');
  const { model, kernel } = only(phases, ['max', 'oom', 'oom_kill', 'oom_group_kill', 'peak', 'swap', 'pgscan']);
  expect(model).toEqual(kernel);
  const pids = (who: typeof killed.model) => who.map(({ comm, pid }) => `${comm} ${pid}`).sort();
  expect(pids(killed.kernel)).toEqual(['wl 1000', 'wl 998']);
  expect(pids(killed.model)).toEqual(pids(killed.kernel));
  expect(phases.at(-1)!.model).toMatchObject({ max: 35, oom: 1, oom_kill: 3, oom_group_kill: 1 });
  expect(machine.audit()).toBeNull();
});

describe('s11-fork-storm: a limit above two others, eight children at once', () => {
  test('anonymous memory is the kernel’s at every phase, and the model kills whom the kernel killed', async () => {
    const { phases, killed, machine } = await replayed('s11-fork-storm');
    const { model, kernel } = only(phases, ['anon', 'file', 'shmem', 'swap', 'pgscan']);
    expect(model).toEqual(kernel);
    const pids = (who: typeof killed.model) => who.map(({ pid }) => pid);
    expect(pids(killed.kernel)).toEqual([1215, 1214, 1213]);
    expect(pids(killed.kernel).slice(0, 2)).toEqual(pids(killed.model).slice(0, 2));
    for (const pid of pids(killed.model)) expect(pids(killed.kernel)).toContain(pid);
    expect(machine.audit()).toBeNull();
  });
});

test('s01-anon-touch: usage, anonymous memory and peak are the kernel’s at every phase', async () => {
  const { phases, machine } = await replayed('s01-anon-touch');
  const { model, kernel } = only(phases, [...EVENTS, ...RECLAIM, ...MEMORY, 'current']);
  expect(model).toEqual(kernel);
  expect(machine.audit()).toBeNull();
});
