/** `memcharge replay` and where `import` writes, as a user meets them: options, samples, bad input. */
import { execFile } from 'node:child_process';
import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const capture = (file: string) => join(root, 'test/captures/thp-split', file);

async function memcharge(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = join(root, 'bindings/cli/main.ts');
  try {
    return { code: 0, ...(await run(process.execPath, ['--import', 'tsx', main, ...args], { cwd: root })) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

let folder: string;
let trace: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'memcharge-replay-'));
  trace = join(folder, 't.arrow');
  const done = await memcharge('import', capture('truth.txt.gz'), capture('trace.txt.gz'), '-o', trace);
  expect(done).toMatchObject({ code: 0, stderr: '' });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('replay', () => {
  test('--statistics kernel shows what memory.stat shows, at samples, too; memory.current is the same', async () => {
    const run = async (...options: string[]) => {
      const done = await memcharge('replay', trace, '--kernel', '6.1', '--json', '--audit', ...options);
      expect(done).toMatchObject({ code: 0, stderr: '' });
      return JSON.parse(done.stdout);
    };
    const sampling = ['--sample', '1ms', '--sample-stat'];
    const exact = await run(...sampling);
    const kernel = await run('--statistics', 'kernel', ...sampling);
    expect([exact.statistics, kernel.statistics]).toEqual(['exact', 'kernel']);
    const column = (result: typeof exact, key: (cgroup: Record<string, Record<string, number>>) => unknown) =>
      result.samples.map(({ ts, cgroups }: { ts: number; cgroups: object }) => [ts, Object.values(cgroups).map(key)]);
    const current = (cgroup: Record<string, unknown>) => cgroup['memory.current'];
    const anon = (cgroup: Record<string, Record<string, number>>) => cgroup['memory.stat']!.anon;
    expect(column(kernel, current)).toEqual(column(exact, current));
    expect(column(kernel, anon)).not.toEqual(column(exact, anon));
    expect(kernel.samples.length).toBeGreaterThan(100);
    const plain = await run('--sample', '1ms');
    for (const { cgroups } of plain.samples)
      for (const cgroup of Object.values(cgroups)) expect(Object.keys(cgroup as object)).toEqual(['memory.current']);
  });

  test('--json prints the documented object', async () => {
    const against = ['--against', capture('samples.jsonl.gz')];
    const done = await memcharge(
      'replay',
      trace,
      '--kernel',
      '6.1',
      '--json',
      '--audit',
      '--sample',
      '100ms',
      ...against,
    );
    expect(done).toMatchObject({ code: 0, stderr: '' });
    const result = JSON.parse(done.stdout);
    expect(result).toMatchObject({
      trace: { path: trace },
      policy: 'linux',
      residency: 'recorded',
      kernel: '6.1',
      seed: 0,
      audit: 'ok',
      against: { samples: 18, exact: 18, worst_bytes: 0 },
    });
    expect(result.state_digest).toMatch(/^[0-9a-f]{16}$/);
    for (const cgroup of Object.values(result.cgroups))
      expect(Object.keys(cgroup as object)).toEqual(
        expect.arrayContaining(['memory.current', 'memory.peak', 'memory.stat', 'memory.events', 'dying', 'parent']),
      );
    expect(result.samples.length).toBeGreaterThan(2);
  });

  test('--set changes the outcome: with another limit the machine ends elsewhere', async () => {
    const path = Object.keys(JSON.parse((await memcharge('replay', trace, '--json')).stdout).cgroups)[0]!.split(
      ' ',
    )[0]!;
    const digest = async (...args: string[]) =>
      JSON.parse((await memcharge('replay', trace, '--json', '--audit', ...args)).stdout).state_digest;
    expect(await digest('--set', `${path}:memory.max=1M`)).not.toBe(await digest());
  });

  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const sample = (cgroups: string) => `{"t":1,"t_end":1,"label":null,"cgroups":${cgroups}}\n`;
  const bad: [string, () => string[], RegExp][] = [
    [
      'a cgroup that is not there',
      () => ['--set', '/nosuch:memory.max=1M'],
      /t\.arrow: no cgroup \/nosuch to set memory\.max of/,
    ],
    ['a knob of the root', () => ['--set', '/:memory.max=1M'], /the root has no memory\.max/],
    ['too many samples', () => ['--sample', '1ns', '--json'], /--sample 1ns: more than 1000000 values/],
    ['samples that go nowhere', () => ['--sample', '1s'], /--sample needs --json/],
    ['statistics of nobody', () => ['--statistics', 'fuzzy'], /--statistics fuzzy: exact or kernel/],
    ['a statistic of no sample', () => ['--sample-stat', '--json'], /--sample-stat needs --sample/],
    ['an explanation of nothing', () => ['--explain'], /--explain needs --against/],
    ['a sample that is null', () => ['--against', file('null', 'null\n')], /null: line 1: not an object/],
    ['cgroups in a list', () => ['--against', file('list', sample('[]'))], /line 1: field cgroups: not an object/],
    [
      'half a byte',
      () => ['--against', file('half', sample('{"/a":{"id":1,"current":0.5}}'))],
      /cgroups\.\/a\.current: not a number of bytes/,
    ],
    [
      'nothing to compare',
      () => ['--against', file('none', sample('{"/":{"id":1}}'))],
      /none: no sample of memory\.current/,
    ],
    [
      'a table that is too small',
      () => ['--capacity', 'pages=10'],
      /row \d+: index \d+ is out of range; raise capacity pages/,
    ],
  ];
  test.each(bad)('%s: one line, status 2', async (_what, args, message) => {
    const done = await memcharge('replay', trace, ...args());
    expect(done.stderr).toMatch(message);
    expect(done.stderr.trim().split('\n')).toHaveLength(1);
    expect(done).toMatchObject({ code: 2, stdout: '' });
  });

  test('only samples between --from and --until are compared', async () => {
    const samples = capture('samples.jsonl.gz');
    const score = async (...args: string[]) =>
      JSON.parse((await memcharge('replay', trace, '--kernel', '6.1', '--json', '--against', samples, ...args)).stdout);
    const whole = await score();
    const half = whole.trace.duration_ns / 2e9;
    const first = await score('--until', half.toFixed(6));
    const second = await score('--from', half.toFixed(6));
    expect(first.against.samples).toBeGreaterThan(0);
    expect(second.against.samples).toBeGreaterThan(0);
    // One may have been taken while the clock passed the middle.
    const lost = whole.against.samples - first.against.samples - second.against.samples;
    expect(lost).toBeGreaterThanOrEqual(0);
    expect(lost).toBeLessThan(10);
    expect(first.trace.events + second.trace.events).toBe(whole.trace.events);
    expect(second.state_digest).toBe(whole.state_digest);
  });

  test('a cgroup may have any name', async () => {
    const odd = file(
      'odd',
      sample(
        '{"__proto__x":{"id":9,"current":4096},"toString":{"id":9,"current":4096},"/\\u001b[31m":{"id":9,"current":0}}',
      ),
    );
    const done = await memcharge('replay', trace, '--against', odd);
    expect(done.code).toBe(0);
    expect(done.stdout).toContain('toString');
    expect(done.stdout).not.toContain('\u001b');
    const json = await memcharge('replay', trace, '--json', '--against', odd);
    expect(JSON.parse(json.stdout).against).toMatchObject({ samples: 3, misses: { no_value: 3 } });
  });
});

describe('where import writes', () => {
  const importTo = (path: string) => memcharge('import', capture('truth.txt.gz'), capture('trace.txt.gz'), '-o', path);

  test('behind a symbolic link, to its target', async () => {
    const target = join(folder, 'target.arrow');
    const link = join(folder, 'link.arrow');
    writeFileSync(target, '');
    symlinkSync(target, link);
    expect((await importTo(link)).code).toBe(0);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(lstatSync(target).size).toBeGreaterThan(1000);
  });

  test('not over a pipe', async () => {
    const pipe = join(folder, 'pipe');
    await run('mkfifo', [pipe]);
    expect(await importTo(pipe)).toMatchObject({
      code: 2,
      stderr: `memcharge: ${pipe}: exists and is not a regular file\n`,
    });
    expect(lstatSync(pipe).isFIFO()).toBe(true);
    // A stream, with the report beside it.
    const stream = await importTo('-');
    expect(stream).toMatchObject({ code: 0, stderr: expect.stringMatching(/^-: \d+ events/) });
    expect(stream.stdout.length).toBeGreaterThan(1000);
    expect(await importTo('')).toMatchObject({ code: 2 });
    expect(existsSync(join(root, '-'))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('one capture given twice is refused', async () => {
    const truth = capture('truth.txt.gz');
    const done = await memcharge('import', truth, truth, '-o', join(folder, 'twice.arrow'));
    expect(done).toMatchObject({ code: 2, stderr: `memcharge: ${truth}: given twice\n` });
  });
});
