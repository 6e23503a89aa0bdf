/** Kills as `memcharge replay` shows them: who, by which name, of whom, and what did not fit. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as O from '../../assembly/replay/ops.ts';
import { TraceWriter } from '../../bindings/trace/arrow-writer.ts';
import type { HandRow } from '../replay/batch.ts';
import { memcharge, scratch } from '../trace/helpers.ts';

function write(rows: readonly HandRow[]): string {
  const path = join(scratch(), 't.arrow');
  const writer = new TraceWriter(path, { source: 'test', clock: 'test' });
  rows.forEach((r, i) => {
    const { cpu = 0, task = 0, cgroup = 0, object = 0, index = 0, count = 0, flags = 0, gfp = 0, name = null } = r;
    writer.append(r.ts ?? i * 1_000_000, cpu, r.op, task, cgroup, object, index, count, flags, gfp, name);
  });
  writer.close({ pages: 8, cgroups: 8, tasks: 8, objects: 4, swap: 1, cpus: 1 });
  return path;
}

const START: HandRow[] = [
  { op: O.OP_MKDIR, cgroup: 2, object: 1, name: '/jobs' },
  { op: O.OP_MKDIR, cgroup: 3, object: 2, name: '/jobs/a' },
  { op: O.OP_SPAWN, task: 1, cgroup: 3, index: 100, name: 'server' },
  { op: O.OP_SPAWN, task: 2, cgroup: 3, index: 101, name: 'bash' },
  { op: O.OP_EXEC, task: 2, name: '/usr/bin/python3.11-config-x' },
  { op: O.OP_FORK, task: 2, object: 3, index: 102 },
];
const touch = (task: number, count: number): HandRow => {
  return { op: O.OP_ANON_TOUCH, task, index: 1, count, flags: O.FLAG_WRITE };
};

describe('kills', () => {
  const rows: HandRow[] = [
    ...START,
    { op: O.OP_WRITE_KNOB, cgroup: 2, count: O.KNOB_MAX, index: 2560, name: '/jobs/memory.max 10M' },
    { op: O.OP_OOM_SCORE_ADJ, task: 1, index: 1000 - 50 },
    touch(1, 1024),
    touch(3, 2048),
    { op: O.OP_EXEC, task: 3, name: '/bin/never' },
    touch(2, 2048),
  ];

  it('are in the JSON with names, candidates and what memory.high cost', async () => {
    const done = await memcharge(['replay', write(rows), '--json', '--audit']);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    const { kills, cgroups } = JSON.parse(done.stdout);
    const mib = 2 ** 20;
    const server = {
      task: 1,
      name: 'server',
      cgroup: '/jobs/a',
      anon: 4 * mib,
      oom_score_adj: -50,
      points: 1024 + 5 - 100,
    };
    const python = { cgroup: '/jobs/a', anon: 6 * mib, file: 0, shmem: 0, swap: 0, oom_score_adj: 0, points: 1536 + 6 };
    const name = 'python3.11-conf';
    expect(kills).toMatchObject([
      {
        ts: 9_000_000,
        cgroup: '/jobs',
        usage: 10 * mib,
        limit: 10 * mib,
        victim: { task: 3, name, cgroup: '/jobs/a', points: 1542 },
        group: null,
        processes: 1,
        candidates: [{ ...python, task: 3, name, pagetables: 6 * 4096 }, server, { task: 2, name, anon: 0, points: 0 }],
        omitted: 0,
      },
      { ts: 11_000_000, victim: { task: 2, name }, candidates: [{ ...python, task: 2 }, server] },
    ]);
    expect(cgroups['/jobs/a'].memcharge).toMatchObject({ throttled_ns: 0, refused: { enomem: 2 } });
  });

  it('are a table on the terminal, which says what it leaves out', async () => {
    const path = write(rows);
    const done = await memcharge(['replay', path]);
    expect(done.stdout).toMatch(/^killed at s +limit of +task +usage +anon +file +shmem +swap +adj +points +of$/m);
    expect(done.stdout).toMatch(
      /^0\.009000 +\/jobs +3 python3\.11-conf +10\.00 MiB +6\.00 MiB +0 B +0 B +0 B +0 +1542 +3$/m,
    );
    expect(done.stdout).not.toContain('more');
    const cut = await memcharge(['replay', path, '--capacity', 'kills=1']);
    expect(cut.stdout).toContain('… and 1 more, 1 of them beyond --capacity kills');
    const json = JSON.parse((await memcharge(['replay', path, '--json', '--capacity', 'kills=1'])).stdout);
    expect([json.kills.length, json.kills_lost]).toEqual([1, 1]);
  });

  it('of a recording are those that it tells of', async () => {
    const path = write([...START, { op: O.OP_PAGE_ALLOC, task: 1, index: 1 }, { op: O.OP_MARK_VICTIM, object: 1 }]);
    const done = await memcharge(['replay', path]);
    expect(done.stdout).toMatch(/^killed at s +cgroup +task\n[- ]+\n0\.007000 +\/jobs\/a +1 server$/m);
    const { kills } = JSON.parse((await memcharge(['replay', path, '--json'])).stdout);
    expect(kills).toEqual([
      {
        ts: 7_000_000,
        cgroup: '/jobs/a',
        usage: null,
        limit: null,
        victim: { task: 1, name: 'server', cgroup: '/jobs/a', points: null },
        group: null,
        processes: 1,
        candidates: [],
        omitted: 0,
      },
    ]);
  });
});
