import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as O from '../../assembly/replay/ops.ts';
import { openTrace } from '../../bindings/trace/arrow-reader.ts';
import { TraceWriter } from '../../bindings/trace/arrow-writer.ts';
import { OP_CODES } from '../../bindings/trace/schema.ts';
import { sharingOf } from '../../bindings/trace/sharing.ts';
import { summarize } from '../../bindings/trace/summary.ts';
import { type TimeRange, WHOLE_TRACE } from '../../bindings/trace/time-range.ts';
import { memcharge, scratch } from './helpers.ts';

type R = [at: number, op: string, columns: { [key: string]: number | string | undefined }];

/** Rows at so many ms after 1000 s. */
function write(rows: readonly R[]): string {
  const path = join(scratch(), 't.arrow');
  const writer = new TraceWriter(path, { source: 'test', clock: 'none' });
  writer.setBase(1_000_000_000_000n);
  for (const [at, op, c] of rows) {
    const n = (key: string) => Number(c[key] ?? 0);
    writer.append(
      at * 1e6,
      0,
      OP_CODES.get(op)!,
      n('task'),
      n('cgroup'),
      n('object'),
      n('index'),
      n('count'),
      n('flags'),
      n('gfp'),
      (c.name as string | undefined) ?? null,
    );
  }
  writer.close({ pages: 64, cgroups: 4, tasks: 4, objects: 3, swap: 1, cpus: 1 });
  return path;
}

const TWO_SERVICES: R[] = [
  [0, 'mkdir', { cgroup: 2, object: 1, index: 7, name: '/a' }],
  [0, 'mkdir', { cgroup: 3, object: 1, index: 8, name: '/b' }],
  [0, 'spawn', { task: 1, cgroup: 2, index: 100, name: 'sh' }],
  [0, 'fork', { task: 1, object: 2, index: 101, name: 'web' }],
  [1, 'attach', { task: 2, cgroup: 3 }],
  [2, 'object_new', { object: 1, count: 1, name: '/lib/libc.so' }],
  [3, 'file_access', { task: 1, object: 1, index: 0, count: 10 }],
  [4, 'file_access', { task: 2, object: 1, index: 5, count: 10 }],
  [5, 'file_access', { task: 1, object: 1, index: 14, count: 1 }],
  [6, 'object_new', { object: 2, count: 1, name: '/log' }],
  [7, 'file_access', { task: 2, object: 2, index: 0, count: 3 }],
  [8, 'anon_touch', { task: 2, index: 99, count: 4, flags: O.FLAG_WRITE }],
];
const SECOND = 1_000_000_000n;

describe('summarize', () => {
  it('finds who has most', async () => {
    const { top, ops, events } = await summarize(await openTrace(write(TWO_SERVICES)));
    expect(events).toBe(12);
    expect(ops).toMatchObject({ file_access: 4, mkdir: 2, anon_touch: 1 });
    expect(top.objects).toEqual([
      { id: 1, name: '/lib/libc.so', events: 4, pages: 21 },
      { id: 2, name: '/log', events: 2, pages: 3 },
    ]);
    expect(top.cgroups.map((e) => [e.name, e.pages])).toEqual([
      ['/b', 17],
      ['/a', 11],
    ]);
    expect(top.tasks.map((e) => [e.name, e.pages])).toEqual([
      ['web', 17],
      ['sh', 11],
    ]);
  });

  it.each<[string, TimeRange, string[]]>([
    ['after the first row', { from: { after: 4_000_000n }, until: { after: 6_000_000n } }, ['4', '5', '6']],
    ['on the clock', { from: { at: 1000n * SECOND + 7_500_000n }, until: null }, ['8']],
    ['nothing', { from: { after: SECOND }, until: null }, []],
  ])('counts a range %s, knowing what was before', async (_, range, times) => {
    const { head, top } = await summarize(await openTrace(write(TWO_SERVICES)), { head: 100, range });
    expect(head.map((e) => String((BigInt(e.ts) - 1000n * SECOND) / 1_000_000n))).toEqual(times);
    for (const entry of top.cgroups) expect(['/a', '/b']).toContain(entry.name);
  });
});

describe('sharingOf', () => {
  it('tells distinct pages by cgroup, who was first, and what is shared', async () => {
    const path = write(TWO_SERVICES);
    const summary = await summarize(await openTrace(path), { top: 24 });
    const sharing = await sharingOf(await openTrace(path), summary, WHOLE_TRACE);
    expect(sharing).toEqual({
      by: 'cgroup',
      parties: [
        { id: 3, name: '/b' },
        { id: 2, name: '/a' },
      ],
      objects: [
        // 0–9 by /a, then 5–14 by /b: 5–9 are shared; page 14 then by /a as well.
        { id: 1, name: '/lib/libc.so', pages: 15, shared: 6, touched: [10, 11], first: [5, 10] },
        { id: 2, name: '/log', pages: 3, shared: 0, touched: [3, 0], first: [3, 0] },
      ],
    });
  });

  it('compares tasks where all are in one cgroup', async () => {
    const rows = TWO_SERVICES.filter(([, op]) => op !== 'attach');
    const path = write(rows);
    const summary = await summarize(await openTrace(path), { top: 24 });
    const sharing = await sharingOf(await openTrace(path), summary, WHOLE_TRACE);
    expect(sharing.by).toBe('task');
    expect(sharing.parties.map((p) => p.name)).toEqual(['web', 'sh']);
  });
});

describe('memcharge inspect', () => {
  it('prints tables, and one object with --json', async () => {
    const path = write(TWO_SERVICES);
    const text = await memcharge(['inspect', path, '--sharing', '--top', '1']);
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(
      /object +pages {2}shared +\/b #3 +\/a #2\n-.*\n\/lib\/libc\.so #1 +15 +6 +10 \(5\) +11 \(10\)\n/,
    );
    expect(text.stdout).not.toContain('/log #2');
    const json = JSON.parse((await memcharge(['inspect', path, '--sharing', '--json', '--until', '0.004'])).stdout);
    expect(json).toMatchObject({ events: 8, duration_ns: 4_000_000, sharing: { by: 'cgroup' } });
  });

  it.each([
    [['--sharing', '-'], /--sharing reads the trace twice/],
    [['x', '--from', '1h'], /--from 1h: not seconds from the first row/],
    [['x', '--until', '1.5ns'], /--until 1\.5ns: not/],
  ])('refuses %j', async (args, message) => {
    const done = await memcharge(['inspect', ...args]);
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).toMatch(message);
  });
});

describe('memcharge replay with a range', () => {
  const charges: R[] = [
    [0, 'mkdir', { cgroup: 2, object: 1, index: 7, name: '/a' }],
    [0, 'spawn', { task: 1, cgroup: 2, index: 100, name: 'sh' }],
    ...Array.from({ length: 10 }, (_, i): R => [10 * (i + 1), 'charge', { task: 1, cgroup: 2, index: i + 1, gfp: 3 }]),
  ];
  const run = async (path: string, ...args: string[]) =>
    JSON.parse((await memcharge(['replay', path, '--json', ...args])).stdout);

  it('stops at --until, and counts and samples from --from on with the same state', async () => {
    const path = write(charges);
    const whole = await run(path);
    const from = await run(path, '--from', '0.05', '--sample', '10ms');
    expect(from.state_digest).toBe(whole.state_digest);
    expect(from.trace).toMatchObject({ events: 6, duration_ns: 50_000_000 });
    expect(from.samples.map((s: { ts: number }) => s.ts / 1e6 - 1e6)).toEqual([60, 70, 80, 90, 100]);
    const until = await run(path, '--until', '1000055ms', '--sample', '20ms');
    expect(until.trace.events).toBe(7);
    expect(until.cgroups['/a']['memory.stat'].anon).toBe(5 * 4096);
    expect(until.samples).toHaveLength(2);
    expect(until.state_digest).not.toBe(whole.state_digest);
    // The same as a trace that ends there.
    const cut = await run(write(charges.filter(([at]) => at <= 55)));
    expect(cut.cgroups).toEqual(until.cgroups);
  });
});
