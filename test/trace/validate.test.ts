import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as O from '../../assembly/replay/ops.ts';
import { openTrace } from '../../bindings/trace/arrow-reader.ts';
import { TraceWriter } from '../../bindings/trace/arrow-writer.ts';
import { importFiles } from '../../bindings/trace/formats.ts';
import { OP_CODES } from '../../bindings/trace/schema.ts';
import { validateTrace } from '../../bindings/trace/validate.ts';
import { memcharge, scratch } from './helpers.ts';

const MARKS = { pages: 1, cgroups: 2, tasks: 2, objects: 1, swap: 1, cpus: 1 };

interface R {
  op: string;
  ts?: number;
  task?: number;
  cgroup?: number;
  object?: number;
  index?: number;
  count?: number;
  flags?: number;
  gfp?: number;
  name?: string;
}

function write(rows: readonly R[], marks: Partial<typeof MARKS> = {}): string {
  const path = join(scratch(), 't.arrow');
  const writer = new TraceWriter(path, { source: 'test', clock: 'none' });
  for (const r of rows)
    writer.append(
      r.ts ?? 0,
      0,
      OP_CODES.get(r.op)!,
      r.task ?? 0,
      r.cgroup ?? 0,
      r.object ?? 0,
      r.index ?? 0,
      r.count ?? 0,
      r.flags ?? 0,
      r.gfp ?? 0,
      r.name ?? null,
    );
  writer.close({ ...MARKS, ...marks });
  return path;
}

const SPAWN: R = { op: 'spawn', task: 1, index: 100, name: 'sh' };
const KIND = (kind: number) => kind << O.FLAG_KIND_SHIFT;

async function check(rows: readonly R[], marks: Partial<typeof MARKS> = {}) {
  return validateTrace(await openTrace(write([SPAWN, ...rows], marks)));
}

describe('validateTrace', () => {
  it('finds nothing in a trace that keeps every promise', async () => {
    const report = await check(
      [
        { op: 'mkdir', cgroup: 2, object: 1, index: 7, name: '/a' },
        { op: 'attach', task: 1, cgroup: 2 },
        { op: 'write_knob', cgroup: 2, count: O.KNOB_MAX, index: 2251799813685247, name: '/a/memory.max max' },
        { op: 'fork', task: 1, object: 2, index: 101, name: 'sh' },
        { op: 'object_new', object: 1, count: O.OBJECT_FILE, index: 10, name: '/lib' },
        { op: 'file_access', task: 2, object: 1, count: 4, flags: O.FLAG_FAULT },
        { op: 'anon_touch', task: 2, index: 0x7fff0, count: 1, flags: O.FLAG_WRITE },
        { op: 'page_alloc', task: 2, index: 512, flags: 9, gfp: 3 },
        { op: 'charge', task: 2, cgroup: 2, index: 512, flags: 9, gfp: 3 },
        { op: 'uncharge', cgroup: 2, index: 512, flags: 9 },
        { op: 'page_free', index: 512, flags: 9 },
        { op: 'object_free', object: 1 },
        { op: 'exit', task: 2 },
      ],
      { pages: 1024, cgroups: 3, tasks: 3, objects: 2 },
    );
    expect(report).toMatchObject({ events: 14, errors: {}, warnings: {}, problems: [] });
  });

  it.each<[string, R[], string, string, string]>([
    ['a task before its fork', [{ op: 'exit', task: 9 }], 'task unknown', 'task', 'task 9 is used before'],
    ['an op without its task', [{ op: 'exit' }], 'task 0', 'task', 'exit needs a task'],
    ['a task twice', [SPAWN], 'id reused', 'task', 'task 1 is known already'],
    ['a cgroup before its mkdir', [{ op: 'attach', task: 1, cgroup: 5 }], 'cgroup unknown', 'cgroup', 'cgroup 5'],
    ['a parent before its mkdir', [{ op: 'mkdir', cgroup: 2, object: 3, name: '/a' }], 'cgroup unknown', 'object', '3'],
    ['the root made', [{ op: 'mkdir', cgroup: 1, object: 1, name: '/a' }], 'id reused', 'cgroup', 'cgroup 1'],
    ['the root removed', [{ op: 'rmdir', cgroup: 1 }], 'root removed', 'cgroup', 'root'],
    ['a cgroup without a path', [{ op: 'mkdir', cgroup: 2, object: 1 }], 'name missing', 'name', 'mkdir needs'],
    ['a file that is none', [{ op: 'file_access', task: 1, count: 1 }], 'object 0', 'object', 'needs an object'],
    [
      'an object after its end',
      [
        { op: 'file_dirty', object: 1, count: 1 },
        { op: 'object_free', object: 1 },
        { op: 'file_dirty', object: 1, count: 1 },
      ],
      'object gone',
      'object',
      'after its object_free',
    ],
    ['an object of no type', [{ op: 'object_new', object: 1, count: 7 }], 'object type', 'count', '7'],
    ['an access to nothing', [{ op: 'anon_touch', task: 1 }], 'count 0', 'count', 'anon_touch of no pages'],
    ['bytes of nothing', [{ op: 'kmem_free', cgroup: 1, flags: KIND(5) }], 'count 0', 'count', 'of nothing'],
    ['an order', [{ op: 'page_alloc', index: 1024, flags: 10 }], 'order', 'flags', 'order 10, 9 at most'],
    ['a kind', [{ op: 'charge', cgroup: 1, index: 1, flags: KIND(12) }], 'unknown kind', 'flags', 'kind 12'],
    ['a flag', [{ op: 'exit', task: 1, flags: 2 ** 31 }], 'unknown flags', 'flags', '80000000'],
    ['a gfp bit', [{ op: 'page_alloc', index: 1, gfp: 256 }], 'gfp', 'gfp', '0x100'],
    ['a knob', [{ op: 'write_knob', cgroup: 1, count: 9, name: 'x' }], 'unknown knob', 'count', 'knob 9'],
    ['a switch', [{ op: 'write_knob', cgroup: 1, count: 7, index: 2, name: 'x' }], 'knob value', 'index', '0 or 1'],
    ['frame 0', [{ op: 'uncharge', cgroup: 1 }], 'frame 0', 'index', 'uncharge needs a frame'],
    ['a crooked block', [{ op: 'page_alloc', index: 6, flags: 2 }], 'alignment', 'index', 'its 4 pages'],
    ['a frame far out', [{ op: 'page_alloc', index: 2 ** 40 }], 'frame', 'index', 'beyond'],
    ['drop_caches', [{ op: 'drop_caches', count: 4 }], 'drop_caches', 'count', 'not 1, 2 or 3'],
    ['oom_score_adj', [{ op: 'oom_score_adj', task: 1, index: 2001 }], 'oom_score_adj', 'index', 'beyond 2000'],
    ['swap entry 0', [{ op: 'swap_free', count: 1 }], 'swap entry 0', 'object', 'needs a swap entry'],
  ])('finds an error: %s', async (_, rows, kind, field, message) => {
    const report = await check(rows, { pages: 2 ** 31, cgroups: 20, tasks: 20, objects: 20 });
    expect(report.errors).toEqual({ [kind]: 1 });
    const problem = report.problems.find((p) => p.level === 'error')!;
    expect(problem).toMatchObject({ kind, field, row: rows.length });
    expect(problem.message).toContain(message);
  });

  it.each<[string, R[], string]>([
    ['the end of a frame that was there before', [{ op: 'page_free', index: 5 }], 'free'],
    ['an uncharge of what was charged before', [{ op: 'uncharge', cgroup: 1, index: 5 }], 'uncharge'],
    [
      'two charges of a frame',
      [
        { op: 'charge', cgroup: 1, index: 5 },
        { op: 'charge', cgroup: 1, index: 5 },
      ],
      'charge twice',
    ],
    ['what an op does not use', [{ op: 'exit', task: 1, index: 5 }], 'unused'],
    ['ids that leave some out', [{ op: 'object_new', object: 3, count: 1 }], 'not dense'],
  ])('warns of %s', async (_, rows, kind) => {
    const report = await check(rows, { pages: 6, objects: 4 });
    expect(report.errors).toEqual({});
    expect(report.warnings[kind]).toBe(1);
  });

  it('compares the marks and the duration with the rows', async () => {
    const report = await check([{ op: 'page_alloc', index: 8, flags: 3, ts: 5 }], { pages: 12, tasks: 9, cpus: 4 });
    expect(report.errors).toEqual({ mark: 1 });
    expect(report.problems).toEqual([
      {
        level: 'error',
        kind: 'mark',
        row: null,
        field: 'memcharge.capacity.pages',
        message: 'is 12, but the rows need 16',
      },
      expect.objectContaining({ level: 'warning', field: 'memcharge.capacity.tasks' }),
      expect.objectContaining({ level: 'warning', field: 'memcharge.capacity.cpus' }),
    ]);
  });

  it('finds no error in what the importer makes of a real capture', async () => {
    const path = join(scratch(), 't.arrow');
    const folder = join(import.meta.dirname, '../captures/s11-fork-storm');
    const writer = new TraceWriter(path, { source: 'test', clock: 'recorded' });
    const { highWater } = await importFiles([join(folder, 'truth.txt.xz'), join(folder, 'trace.txt.xz')], writer);
    writer.close(highWater);
    const report = await validateTrace(await openTrace(path));
    expect(report.errors).toEqual({});
    expect(Object.keys(report.warnings).sort()).toEqual(['free', 'uncharge']);
    expect(report.events).toBe(160058);
  });
});

describe('memcharge validate', () => {
  it('prints a line an error, counts, and exits with 1; warnings alone are fine', async () => {
    const bad = write([SPAWN, { op: 'exit', task: 9 }, { op: 'exit', task: 10 }]);
    const fine = write([SPAWN, { op: 'page_free', index: 5 }], { pages: 6 });
    const done = await memcharge(['validate', fine, bad, '--limit', '1']);
    expect(done.code).toBe(1);
    expect(done.stderr).toBe('');
    expect(done.stdout.split('\n')).toEqual([
      `${fine}: warning: row 1: index: frame 5 was not allocated`,
      `${fine}: 2 events, 0 errors, 1 warnings (free 1)`,
      `${bad}: row 1: task: task 9 is used before its spawn or fork`,
      `${bad}: 3 events, 3 errors (task unknown 2, mark 1), 0 warnings`,
      '',
    ]);
    const json = await memcharge(['validate', fine, '--json']);
    expect(json.code).toBe(0);
    expect(JSON.parse(json.stdout)).toMatchObject({ trace: fine, events: 2, errors: {}, warnings: { free: 1 } });
  });

  it('reports what cannot be read as an error, and what is not there as bad usage', async () => {
    const path = join(scratch(), 'x');
    writeFileSync(path, 'this is no trace at all\n');
    const done = await memcharge(['validate', path]);
    expect(done).toMatchObject({ code: 1, stderr: '' });
    expect(done.stdout).toContain(`${path}: not an Arrow IPC file or stream\n`);
    expect(await memcharge(['validate', `${path}y`])).toMatchObject({ code: 2, stdout: '' });
  });
});
