/** `memcharge replay` of traces of accesses: what the debates would try first, and what cannot be done yet. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as O from '../../assembly/replay/ops.ts';
import { TraceWriter } from '../../bindings/trace/arrow-writer.ts';
import type { HandRow } from '../replay/batch.ts';
import { memcharge, scratch } from '../trace/helpers.ts';

const MIB = 2 ** 20;

function write(rows: readonly HandRow[]): string {
  const path = join(scratch(), 't.arrow');
  const writer = new TraceWriter(path, { source: 'test', clock: 'test' });
  rows.forEach((r, i) => {
    const { cpu = 0, task = 0, cgroup = 0, object = 0, index = 0, count = 0, flags = 0, gfp = 0, name = null } = r;
    writer.append(r.ts ?? i * 1000, cpu, r.op, task, cgroup, object, index, count, flags, gfp, name);
  });
  writer.close({ pages: 1, cgroups: 8, tasks: 8, objects: 4, swap: 1, cpus: 1 });
  return path;
}

async function replay(rows: readonly HandRow[], ...args: string[]) {
  const done = await memcharge(['replay', write(rows), '--json', '--audit', ...args]);
  expect(done).toMatchObject({ code: 0, stderr: '' });
  return JSON.parse(done.stdout);
}

/** /pod/a, /pod/b and /x, a task in each, and a tmpfs file. */
const SHARED: HandRow[] = [
  { op: O.OP_MKDIR, cgroup: 2, object: 1, name: '/pod' },
  { op: O.OP_MKDIR, cgroup: 3, object: 2, name: '/pod/a' },
  { op: O.OP_MKDIR, cgroup: 4, object: 2, name: '/pod/b' },
  { op: O.OP_MKDIR, cgroup: 5, object: 1, name: '/x' },
  ...[3, 4, 5].map((cgroup, i) => ({ op: O.OP_SPAWN, task: i + 1, cgroup })),
  { op: O.OP_OBJECT_NEW, object: 1, count: O.OBJECT_SHMEM, name: '/dev/shm/cache' },
];
const touch = (task: number, flags = 0) => ({ op: O.OP_FILE_ACCESS, task, object: 1, count: 8192, flags });

describe('replay of accesses', () => {
  it('charges shared memory to whoever touches it first', async () => {
    const ab = await replay([...SHARED, touch(1, O.FLAG_WRITE), touch(2), touch(3)]);
    expect(ab.residency).toBe('modelled');
    const current = (result: typeof ab) =>
      Object.entries<{ 'memory.current': number }>(result.cgroups).map(([path, c]) => [
        path,
        c['memory.current'] / MIB,
      ]);
    expect(current(ab)).toEqual([
      ['/pod', 32],
      ['/pod/a', 32],
      ['/pod/b', 0],
      ['/x', 0],
    ]);
    const ba = await replay([...SHARED, touch(2, O.FLAG_WRITE), touch(1), touch(3)]);
    expect(current(ba)).toEqual([
      ['/pod', 32],
      ['/pod/a', 0],
      ['/pod/b', 32],
      ['/x', 0],
    ]);
    expect(ba.cgroups['/pod/b'].memcharge.charged).toEqual({ anon: 0, file: 0, shmem: 32 * MIB });
    expect(ba.cgroups['/pod/b']['memory.stat']).toMatchObject({ shmem: 32 * MIB, file: 32 * MIB, anon: 0 });
  });

  it('copies private memory when one side of a fork writes, and frees it when the last one has gone', async () => {
    const rows: HandRow[] = [
      { op: O.OP_ANON_TOUCH, task: 1, index: 1000, count: 1024, flags: O.FLAG_WRITE },
      { op: O.OP_FORK, task: 1, object: 4 },
      { op: O.OP_ATTACH, task: 4, cgroup: 5 },
      { op: O.OP_ANON_TOUCH, task: 4, index: 1000, count: 300, flags: O.FLAG_WRITE },
      { op: O.OP_ANON_TOUCH, task: 4, index: 1000, count: 1024 },
      { op: O.OP_EXIT, task: 1 },
    ];
    const { cgroups } = await replay([...SHARED, ...rows]);
    // The child keeps 724 of its parent's pages alive, and they stay with the parent's cgroup.
    expect(cgroups['/pod/a']['memory.stat'].anon).toBe(724 * 4096);
    expect(cgroups['/x']['memory.stat'].anon).toBe(300 * 4096);
    const gone = await replay([...SHARED, ...rows, { op: O.OP_EXIT, task: 4 }]);
    expect(gone.cgroups['/pod/a']['memory.stat'].anon).toBe(0);
    expect(gone.cgroups['/x']['memory.stat'].anon).toBe(0);
  });

  it('reclaims page cache at the limit, and kills where there is nothing to reclaim', async () => {
    const limit = { op: O.OP_WRITE_KNOB, cgroup: 3, index: 1024, count: O.KNOB_MAX, name: '/pod/a/memory.max 4M' };
    const read = { op: O.OP_FILE_ACCESS, task: 1, object: 2, count: 4096 };
    const cache = await replay([...SHARED, limit, read]);
    expect(cache.cgroups['/pod/a']).toMatchObject({ 'memory.peak': 4 * MIB, 'memory.events': { oom: 0, oom_kill: 0 } });
    expect(cache.cgroups['/pod/a'].memcharge.charged.file).toBe(16 * MIB);
    // tmpfs cannot be reclaimed without swap, and a kill does not free it.
    const shmem = await replay([...SHARED, limit, touch(1, O.FLAG_WRITE), touch(2)]);
    expect(shmem.cgroups['/pod/a']).toMatchObject({
      'memory.events': { oom: 1, oom_kill: 1 },
      memcharge: { charged: { shmem: 4 * MIB }, refused: { enomem: 1 } },
    });
    expect(shmem.cgroups['/pod/b'].memcharge.charged.shmem).toBe(28 * MIB);
  });

  it('reclaims towards a limit that is written below the usage, and kills for it', async () => {
    const rows: HandRow[] = [
      { op: O.OP_FILE_ACCESS, task: 1, object: 2, count: 10_000 },
      { op: O.OP_ANON_TOUCH, task: 1, index: 1, count: 2000, flags: O.FLAG_WRITE },
    ];
    const max = (pages: number) => ({
      op: O.OP_WRITE_KNOB,
      cgroup: 3,
      index: pages,
      count: O.KNOB_MAX,
      name: '/pod/a/memory.max',
    });
    const cache = (await replay([...SHARED, ...rows, max(5000)])).cgroups['/pod/a'];
    expect(cache['memory.current']).toBeLessThanOrEqual(5000 * 4096);
    expect(cache).toMatchObject({
      'memory.stat': { anon: 2000 * 4096 },
      'memory.events': { max: 0, oom: 0, oom_kill: 0 },
    });
    const anon = (await replay([...SHARED, ...rows, max(1000)])).cgroups['/pod/a'];
    expect(anon).toMatchObject({ 'memory.stat': { anon: 0 }, 'memory.events': { oom_kill: 1 } });
    const high = { ...max(5000), count: O.KNOB_HIGH };
    expect((await replay([...SHARED, ...rows, high])).cgroups['/pod/a']['memory.current']).toBeLessThanOrEqual(
      5000 * 4096,
    );
  });

  it('writes what --set says instead of what the trace writes to that knob, and nothing more', async () => {
    const use = { op: O.OP_ANON_TOUCH, task: 1, index: 1, count: 2000, flags: O.FLAG_WRITE };
    const write = (knob: number, file: string, index: number) => ({
      ...{ op: O.OP_WRITE_KNOB, cgroup: 3, index, count: knob, name: `/pod/a/${file}` },
    });
    const max = (pages: number) => write(O.KNOB_MAX, 'memory.max', pages);
    const lower = [...SHARED, use, max(1000), use];
    expect((await replay(lower)).kills).toHaveLength(1);
    const spared = await replay(lower, '--set', '/pod/a:memory.max=64M');
    expect(spared.kills).toEqual([]);
    expect(spared.cgroups['/pod/a']['memory.stat'].anon).toBe(2000 * 4096);
    // As if the trace itself had said so. A write to another knob does not write this one again.
    const limits = (pages: number) => [
      ...SHARED,
      write(O.KNOB_HIGH, 'memory.high', pages),
      { op: O.OP_FILE_ACCESS, task: 1, object: 2, count: 4000 },
      max(10_000),
      write(O.KNOB_HIGH, 'memory.high', pages),
      { op: O.OP_FILE_ACCESS, task: 1, object: 2, count: 4000 },
    ];
    const told = await replay(limits(9000), '--set', '/pod/a:memory.high=2000K');
    const said = await replay(limits(500));
    expect(told.state_digest).toBe(said.state_digest);
    expect(told.cgroups['/pod/a']['memory.events'].high).toBeGreaterThan(0);
  });

  it('reclaims and kills for a machine that is too small', async () => {
    const args = ['--memory', '8M', '--min-free-kbytes', '1024', '--watermark-scale-factor', '300'];
    const rows: HandRow[] = [
      { op: O.OP_FILE_ACCESS, task: 1, object: 2, count: 5000 },
      { op: O.OP_ANON_TOUCH, task: 2, index: 1, count: 1500, flags: O.FLAG_WRITE },
      { op: O.OP_ANON_TOUCH, task: 3, index: 1, count: 1000, flags: O.FLAG_WRITE },
    ];
    const { machine, cgroups } = await replay([...SHARED, ...rows], ...args);
    expect(machine).toMatchObject({ managed: 2048, min: 256, low: 320, high: 384, oom_kill: 1 });
    expect(machine.pgsteal_kswapd).toBeGreaterThan(3000);
    expect(cgroups['/pod/b']).toMatchObject({ 'memory.events': { oom: 0, oom_kill: 1 }, 'memory.stat': { anon: 0 } });
    expect(cgroups['/x']).toMatchObject({ 'memory.events': { oom_kill: 0 }, 'memory.stat': { anon: 1000 * 4096 } });
    const path = write([...SHARED, touch(1)]);
    const wrong = await memcharge(['replay', path, '--watermark-scale-factor', '3001']);
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(wrong.stderr).toMatch(/^memcharge: --watermark-scale-factor 3001: not a whole number from 1 to 3000\n$/);
  });

  it('says how long tasks waited, by what the work costs', async () => {
    const limit = { op: O.OP_WRITE_KNOB, cgroup: 3, index: 1024, count: O.KNOB_MAX, name: '/pod/a/memory.max 4M' };
    const reads = Array.from({ length: 64 }, (_, i) => {
      return { op: O.OP_FILE_ACCESS, task: 1, object: 2, index: 64 * i, count: 64, ts: 1e9 + 1e8 * i };
    });
    const run = (...args: string[]) => replay([...SHARED, limit, ...reads], ...args);
    const slow = await run('--cost', 'scan=20us', '--cost', 'reclaimed=0', '--sample', '1s', '--sample-stat');
    const { some, full } = slow.cgroups['/pod/a']['memory.pressure'];
    expect(some.total).toBe(20 * slow.cgroups['/pod/a']['memory.stat'].pgscan);
    expect(some.avg10).toBeGreaterThan(0);
    expect(full).toEqual(some);
    expect(slow.pressure.some.total).toBe(some.total);
    expect(slow.cgroups['/x']['memory.pressure'].some.total).toBe(0);
    const totals = slow.samples.map((s: typeof slow) => s.cgroups['/pod/a']['memory.pressure'].some.total);
    expect(totals).toEqual([...totals].sort((a, b) => a - b));
    expect(new Set(totals).size).toBeGreaterThan(3);
    // Who looks changes nothing.
    expect((await run('--cost', 'scan=20us', '--cost', 'reclaimed=0')).state_digest).toBe(slow.state_digest);
    const free = await run('--cost', 'scan=0');
    expect(free.cgroups['/pod/a']['memory.pressure'].some).toEqual({ avg10: 0, avg60: 0, avg300: 0, total: 0 });
  });

  it('refuses costs that it does not know, in one line', async () => {
    const path = write(SHARED);
    for (const [cost, message] of [
      ['scan', 'NAME=TIME with NAME one of scan, reclaimed, swapIn, fileRead, slice'],
      ['write=1us', 'NAME=TIME with NAME one of'],
      ['scan=1', 'not a duration such as'],
      ['scan=2s', '1s at most'],
    ] as const) {
      const done = await memcharge(['replay', path, '--cost', cost]);
      expect(done).toMatchObject({ code: 2, stdout: '' });
      expect(done.stderr).toContain(message);
      expect(done.stderr.trim().split('\n')).toHaveLength(1);
    }
  });

  it('says which table is full', async () => {
    const path = write([...SHARED, touch(1)]);
    const small = await memcharge(['replay', path, '--memory', '128K']);
    expect(small).toMatchObject({ code: 2, stdout: '' });
    expect(small.stderr).toMatch(/capacity pages: 32 leaves nothing above the watermarks \(min 32, low 40, high 48/);
    const nodes = await memcharge(['replay', path, '--capacity', 'nodes=20']);
    expect(nodes.stderr).toMatch(/row 8: .*raise capacity nodes \(now 20\)/);
  });

  it('refuses an option that a recording answers, in one line', async () => {
    const path = write([...SHARED, { op: O.OP_CHARGE, task: 1, cgroup: 3, index: 1 }, touch(1)]);
    expect((await memcharge(['replay', path])).code).toBe(0);
    const options = [['--memory', '1G'], ['--swap', '1M'], ['--no-flusher']];
    for (const option of options) {
      const done = await memcharge(['replay', path, ...option]);
      expect(done).toMatchObject({ code: 2, stdout: '' });
      expect(done.stderr).toBe(
        `memcharge: ${option[0]}: recorded residency has it from the trace; it is for --residency modelled\n`,
      );
    }
    expect((await memcharge(['replay', path, '--residency', 'modelled', ...options.flat()])).code).toBe(0);
  });

  it('refuses to model a trace that has frames only', async () => {
    const path = write([{ op: O.OP_PAGE_ALLOC, index: 1 }]);
    const done = await memcharge(['replay', path, '--residency', 'modelled']);
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).toContain('modelled residency needs accesses');
  });
});
