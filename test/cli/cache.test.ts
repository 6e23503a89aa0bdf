/** `memcharge replay` with readahead, fault-around, a disk that takes its time, and without a flusher. */
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
    writer.append(r.ts ?? i * 1000, cpu, r.op, task, cgroup, object, index, count, flags, gfp, name);
  });
  writer.close({ pages: 1, cgroups: 8, tasks: 8, objects: 4, swap: 1, cpus: 1 });
  return path;
}

const ROWS: HandRow[] = [
  { op: O.OP_MKDIR, cgroup: 2, object: 1, name: '/c' },
  { op: O.OP_SPAWN, task: 1, cgroup: 2 },
  { op: O.OP_OBJECT_NEW, object: 1, index: 1000, count: O.OBJECT_FILE, name: '/f' },
  { op: O.OP_FILE_ACCESS, task: 1, object: 1, index: 0, count: 1 },
  { op: O.OP_FILE_ACCESS, task: 1, object: 1, index: 3, count: 1, flags: O.FLAG_FAULT },
  { op: O.OP_FILE_ACCESS, task: 1, object: 1, index: 500, count: 10, flags: O.FLAG_WRITE },
  { op: O.OP_SYNC, ts: 1e6 },
  { op: O.OP_MLOCK, task: 1, object: 0, index: 7, count: 3, flags: O.FLAG_ONFAULT, ts: 2e6 },
];

async function replay(path: string, ...args: string[]) {
  const done = await memcharge(['replay', path, '--json', '--audit', ...args]);
  expect(done).toMatchObject({ code: 0, stderr: '' });
  return JSON.parse(done.stdout);
}

describe('replay of page cache', () => {
  it('reads nothing ahead unless told, and writes as fast as it is told', async () => {
    const path = write(ROWS);
    const stat = (result: { cgroups: Record<string, { 'memory.stat': Record<string, number> }> }) =>
      result.cgroups['/c']!['memory.stat'];
    const plain = await replay(path, '--write-rate', '0');
    expect(stat(plain)).toMatchObject({ file: 12 * 4096, file_mapped: 4096, pgmajfault: 1 });
    expect(plain.writeback).toEqual({ dirty: 0, writeback: 0, waited_ns: 0 });
    const full = await replay(path, '--readahead', '128K', '--fault-around', '64K', '--write-rate', '40M');
    // The read brought pages 0–3, with the mark on 1: the fault found 3, and 0 and 2 beside it.
    expect(stat(full)).toMatchObject({ file: 14 * 4096, file_mapped: 3 * 4096, pgmajfault: 0 });
    expect(full.writeback.waited_ns).toBe(10 * Math.floor(1e9 / 10240));
    expect((await memcharge(['validate', path])).code).toBe(0);
  });

  it('says in one line what an option takes', async () => {
    const path = write(ROWS);
    for (const [args, message] of [
      [['--readahead', 'far'], '--readahead far: not a size from 4K to 4G, such as 64K'],
      [['--readahead', '100'], '--readahead 100: not a size from 4K'],
      [['--fault-around', '12K'], '--fault-around 12K: not a power of two'],
      [['--fault-around', '1G'], '--fault-around 1G: not a size from 4K to 2M'],
      [['--write-rate', '1'], '--write-rate 1: not a size'],
    ] as const) {
      const done = await memcharge(['replay', path, ...args]);
      expect(done.code).not.toBe(0);
      expect(done.stderr).toContain(message);
      expect(done.stderr.trim().split('\n')).toHaveLength(1);
    }
    const frames = write([
      { op: O.OP_MKDIR, cgroup: 2, object: 1, name: '/c' },
      { op: O.OP_SPAWN, task: 1, cgroup: 2 },
      { op: O.OP_PAGE_ALLOC, task: 1, index: 1, gfp: O.GFP_KERNEL },
    ]);
    const recorded = await memcharge(['replay', frames, '--no-flusher']);
    expect(recorded.code).not.toBe(0);
    expect(recorded.stderr).toContain('--no-flusher: recorded residency has it from the trace');
  });
});
