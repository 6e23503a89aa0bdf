/** `import --accesses`: who touched what, out of ftrace text. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as ops from '../../assembly/replay/ops.ts';
import { openTrace } from '../../bindings/trace/arrow-reader.ts';
import { TraceWriter } from '../../bindings/trace/arrow-writer.ts';
import { importFiles } from '../../bindings/trace/formats.ts';
import { validateTrace } from '../../bindings/trace/validate.ts';
import { capture, line, memcharge, type Row, readRows, scratch } from './helpers.ts';

const ANON = 'order=0 migratetype=1 gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO';
const USER = 'order=0 migratetype=1 gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_COMP';
const TABLE = 'order=0 migratetype=0 gfp_flags=GFP_KERNEL_ACCOUNT|__GFP_ZERO';
const READAHEAD =
  'order=0 migratetype=1 gfp_flags=GFP_NOFS|__GFP_HIGHMEM|__GFP_NOWARN|__GFP_NORETRY|__GFP_COMP|__GFP_HARDWALL|__GFP_MOVABLE';

let now = 0;
const event = (who: string, name: string, rest: string) => {
  now += 50;
  return line(now, who, name, rest);
};
const alloc = (who: string, pfn: number, what: string) =>
  event(who, 'mm_page_alloc', `pfn=0x${pfn.toString(16)} ${what}`);
const free = (who: string, pfn: number) => event(who, 'mm_page_free', `pfn=0x${pfn.toString(16)} order=0`);
const fault = (who: string, page: number, code: number, kernel = false) =>
  event(
    who,
    kernel ? 'page_fault_kernel' : 'page_fault_user',
    `address=0x${(page * 4096 + 8).toString(16)} ip=0x401000 error_code=0x${code.toString(16)}`,
  );
const mark = (who: string, text: string) => event(who, 'tracing_mark_write', text);
const add = (who: string, pfn: number, page: number) =>
  event(who, 'mm_filemap_add_to_page_cache', `dev 254:16 ino c pfn=0x${pfn.toString(16)} ofs=${page * 4096} order=0`);
const remove = (who: string, pfn: number, page: number) =>
  event(
    who,
    'mm_filemap_delete_from_page_cache',
    `dev 254:16 ino c pfn=0x${pfn.toString(16)} ofs=${page * 4096} order=0`,
  );
const reclaim = (who: string, inside: readonly string[]) => [
  event(who, 'mm_vmscan_memcg_reclaim_begin', 'order=0 gfp_flags=GFP_KERNEL'),
  ...inside,
  event(who, 'mm_vmscan_memcg_reclaim_end', `nr_reclaimed=${inside.length}`),
];
/** Task w-7, in /a by an attach line; init is in the root. */
const begin = () => [
  event('init-1', 'cgroup_mkdir', 'root=0 id=20 level=1 path=/a'),
  event('init-1', 'sched_process_fork', 'comm=init pid=1 child_comm=init child_pid=7'),
  event('init-1', 'cgroup_attach_task', 'dst_root=0 dst_id=20 dst_level=1 dst_path=/a pid=7 comm=w'),
];

async function imported(lines: readonly string[]) {
  const path = join(scratch(), 'trace.arrow');
  const writer = new TraceWriter(path, { source: 'test', clock: 'test' });
  const { report, highWater } = await importFiles([capture(lines)], writer, { accesses: true });
  writer.close(highWater);
  const trace = await openTrace(path);
  expect((await validateTrace(trace)).errors).toEqual({});
  await trace.close();
  return { rows: await readRows(path), report };
}

const ACCESSES = new Set(['anon_touch', 'anon_free', 'file_access', 'truncate', 'exec', 'fork', 'object_new']);
const short = (rows: readonly Row[]) =>
  rows
    .filter(({ op }) => ACCESSES.has(op))
    .map(({ op, index = 0, count = 0, flags = 0 }) =>
      [op, index, count, flags & ops.FLAG_WRITE ? 'w' : ''].join(' ').trim(),
    );
const touches = (rows: readonly Row[]) => short(rows).filter((text) => text.startsWith('anon'));

describe('private memory', () => {
  it('is touched where a fault allocates, and freed where its frame is; a fault that allocates nothing only reads', async () => {
    const { rows } = await imported([
      ...begin(),
      fault('w-7', 1000, 6),
      alloc('w-7', 16, ANON),
      fault('w-7', 1001, 6),
      alloc('w-7', 17, ANON),
      fault('w-7', 2000, 4),
      // Its only owner writes on.
      fault('w-7', 1000, 7),
      free('w-7', 16),
      free('w-7', 17),
      event('w-7', 'sched_process_exit', 'comm=w pid=7 prio=120'),
    ]);
    expect(touches(rows)).toEqual([
      'anon_touch 1000 1 w',
      'anon_touch 1001 1 w',
      'anon_touch 2000 1',
      'anon_touch 1000 1 w',
      'anon_free 1000 2',
    ]);
    for (const { op } of rows) expect(['charge', 'uncharge', 'page_alloc', 'page_free', 'progress']).not.toContain(op);
  });

  it('that the recorded kernel reclaimed is not freed; it is when the page tables above it go', async () => {
    const { rows } = await imported([
      ...begin(),
      fault('w-7', 1024, 6),
      alloc('w-7', 15, TABLE),
      alloc('w-7', 16, ANON),
      fault('w-7', 1025, 6),
      alloc('w-7', 17, ANON),
      ...reclaim('w-7', [free('w-7', 16)]),
      fault('w-7', 3000, 4),
      // munmap(): what is there goes first, then the table
      free('w-7', 17),
      free('w-7', 15),
    ]);
    expect(touches(rows)).toEqual([
      'anon_touch 1024 1 w',
      'anon_touch 1025 1 w',
      'anon_touch 3000 1',
      'anon_free 1025 1',
      'anon_free 1024 1',
    ]);
  });

  it('comes back from swap by a read', async () => {
    const { rows } = await imported([
      ...begin(),
      fault('w-7', 1024, 6),
      alloc('w-7', 16, ANON),
      fault('w-7', 1025, 6),
      alloc('w-7', 17, ANON),
      ...reclaim('w-7', [free('w-7', 16)]),
      fault('w-7', 1024, 4),
      alloc('w-7', 18, USER),
      mark('w-7', 'PHASE over'),
    ]);
    expect(touches(rows).slice(2)).toEqual(['anon_touch 1024 1']);
  });

  it('of a child is copied where it writes, and its parent keeps its own', async () => {
    const { rows } = await imported([
      ...begin(),
      fault('w-7', 1000, 6),
      alloc('w-7', 16, ANON),
      event('w-7', 'sched_process_fork', 'comm=w pid=7 child_comm=w child_pid=8'),
      fault('w-8', 1000, 7),
      alloc('w-8', 17, USER),
      free('w-8', 17),
      free('w-7', 16),
    ]);
    const who = rows.filter(({ op }) => op.startsWith('anon')).map(({ op, task, index }) => [op, task, index]);
    expect(who).toEqual([
      ['anon_touch', 2, 1000],
      ['anon_touch', 3, 1000],
      ['anon_free', 3, 1000],
      ['anon_free', 2, 1000],
    ]);
  });

  it('that an exec fills before its line is the new program’s', async () => {
    const { rows } = await imported([
      ...begin(),
      fault('w-7', 1000, 6),
      alloc('w-7', 16, ANON),
      fault('w-7', 1200, 4),
      // arguments, the end of the old program, the new one's stack
      alloc('w-7', 17, ANON),
      free('w-7', 16),
      fault('w-7', 3000, 2, true),
      alloc('w-7', 18, ANON),
      event('w-7', 'sched_process_exec', 'filename=/bin/x pid=7 old_pid=7'),
      fault('w-7', 1000, 6),
      alloc('w-7', 19, ANON),
    ]);
    const shown = short(rows);
    expect(shown.slice(shown.indexOf('anon_free 1000 1'))).toEqual([
      'anon_free 1000 1',
      'exec 0 0',
      `anon_touch ${2 ** 35} 1 w`,
      'anon_touch 3000 1 w',
      'anon_touch 1000 1 w',
    ]);
  });
});

describe('files', () => {
  it('that a marker names are read 64 KiB at a time, as pages come in, and to the end', async () => {
    const lines = [...begin(), mark('w-7', `FREAD pid=7 /data/f ino=c size=${40 * 4096}`)];
    for (let page = 0; page < 20; page++) lines.push(alloc('w-7', 100 + page, READAHEAD), add('w-7', 100 + page, page));
    lines.push(...reclaim('w-7', [remove('w-7', 100, 0), free('w-7', 100)]));
    lines.push(mark('w-7', 'PHASE over'), remove('w-7', 101, 1), free('w-7', 101));
    const { rows } = await imported(lines);
    expect(short(rows).slice(1)).toEqual([
      'object_new 40 1',
      'file_access 0 16',
      'file_access 16 16',
      'file_access 32 8',
      'truncate 1 1',
    ]);
    expect(rows.find(({ op }) => op === 'object_new')).toMatchObject({ object: 1, name: '254:16:c' });
  });

  it('without a marker come in as the lines say: the first page asked for, the next ones ahead', async () => {
    const { rows } = await imported([
      ...begin(),
      alloc('w-7', 100, READAHEAD),
      add('w-7', 100, 4),
      alloc('w-7', 101, READAHEAD),
      add('w-7', 101, 5),
    ]);
    const reads = rows.filter(({ op }) => op === 'file_access');
    expect(reads.map(({ index, flags = 0 }) => [index, flags & ops.FLAG_READAHEAD])).toEqual([
      [4, 0],
      [5, ops.FLAG_READAHEAD],
    ]);
  });

  it('of tmpfs are written as their pages are made, appended to, and mapped', async () => {
    const write = (pfn: number, pages: number) => Array.from({ length: pages }, (_, i) => alloc('w-7', pfn + i, USER));
    const { rows } = await imported([
      ...begin(),
      mark('w-7', `FWRITE pid=7 /mnt/f ino=2 size=${4 * 4096}`),
      ...write(200, 4),
      mark('w-7', `FWRITE pid=7 /mnt/f ino=2 size=${3 * 4096}`),
      ...write(300, 3),
      mark('w-7', `MAP pid=7 file 0 /mnt/f addr=0x${(5000 * 4096).toString(16)} len=${8 * 4096}`),
      fault('w-7', 5007, 6),
      alloc('w-7', 400, USER),
      fault('w-7', 5001, 4),
      mark('w-7', 'PHASE over'),
    ]);
    expect(short(rows).slice(1)).toEqual([
      'object_new 0 2',
      'file_access 0 4 w',
      'file_access 4 3 w',
      'file_access 7 1 w',
      'file_access 1 1',
    ]);
  });
});

it('kernel memory that no line shows is concluded from an OOM kill, and goes with its processes', async () => {
  const { rows } = await imported([
    ...begin(),
    mark('init-1', 'KNOB write /a/memory.max 40K'),
    ...[1, 2, 3, 4].flatMap((n) => [fault('w-7', 1000 + n, 6), alloc('w-7', 15 + n, ANON)]),
    fault('w-7', 1005, 6),
    alloc('w-7', 20, ANON),
    ...reclaim('w-7', []),
    event('w-7', 'mark_victim', 'pid=7 comm=w total-vm=1kB'),
    event('w-7', 'sched_process_exit', 'comm=w pid=7 prio=120'),
  ]);
  // Ten pages are the limit, and four were granted.
  const slab = rows.filter(({ op, flags = 0 }) => op.startsWith('kmem') && flags & ops.FLAG_INFERRED);
  expect(slab.map(({ op, count }) => [op, count])).toEqual([
    ...Array.from({ length: 6 }, () => ['kmem_charge', 4096]),
    ['kmem_free', 6 * 4096],
  ]);
});

describe('memcharge import --accesses', () => {
  it('says where it cannot be', async () => {
    const csv = capture(['ts,op,task,cgroup', '1,mkdir,,2'], 'a.csv');
    const out = join(scratch(), 't.arrow');
    const other = await memcharge(['import', csv, '-o', out, '--accesses']);
    expect(other).toMatchObject({ code: 2, stdout: '' });
    expect(other.stderr).toMatch(/^memcharge: --accesses: only for ftrace; [^\n]*\n$/);
    const owners = await memcharge(['import', csv, '-o', out, '--accesses', '--initial', csv, '--page-owners', csv]);
    expect(owners.stderr).toMatch(/^memcharge: --page-owners tells of frames[^\n]*\n$/);
  });

  it('makes a trace that is replayed modelled without being told', async () => {
    const text = capture([...begin(), fault('w-7', 1000, 6), alloc('w-7', 15, TABLE), alloc('w-7', 16, ANON)]);
    const out = join(scratch(), 't.arrow');
    expect(await memcharge(['import', text, '-o', out, '--accesses'])).toMatchObject({ code: 0, stderr: '' });
    const done = await memcharge(['replay', out, '--json', '--audit']);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    const result = JSON.parse(done.stdout);
    expect(result.residency).toBe('modelled');
    expect(result.cgroups['/a']['memory.stat']).toMatchObject({ anon: 4096, pagetables: 4096 });
  });
});
