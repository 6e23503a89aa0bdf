/** The importer of public traces: what it concludes, from lines of every dialect, and what it does with bad ones. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as ops from '../../assembly/replay/ops.ts';
import { bootFor, replayTrace } from '../../bindings/replay/replay.ts';
import { openTrace } from '../../bindings/trace/arrow-reader.ts';
import { TraceWriter } from '../../bindings/trace/arrow-writer.ts';
import { CgroupMap } from '../../bindings/trace/cgroup-map.ts';
import { importFiles } from '../../bindings/trace/formats.ts';
import { InputError } from '../../bindings/trace/input-error.ts';
import { OP_NAMES } from '../../bindings/trace/schema.ts';
import { captureBytes } from '../captures/run.ts';
import { capture, line, opsOf, type Row, readRows, scratch } from './helpers.ts';

async function imported(lines: readonly string[], rules: string[] = [], file = capture(lines)) {
  const path = join(scratch(), 'trace.arrow');
  const writer = new TraceWriter(path, { source: 'test', clock: 'test' });
  try {
    const { report, highWater } = await importFiles([file], writer, { cgroups: await CgroupMap.parse(rules) });
    writer.close(highWater);
    return { rows: await readRows(path), report, path };
  } finally {
    writer.abort();
  }
}

const ANON = 'order=0 migratetype=1 gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO';
const USER = 'order=0 migratetype=1 gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_COMP';
const TABLE = 'order=0 migratetype=0 gfp_flags=GFP_KERNEL_ACCOUNT|__GFP_ZERO';
const READAHEAD =
  'order=0 migratetype=1 gfp_flags=GFP_NOFS|__GFP_HIGHMEM|__GFP_NOWARN|__GFP_NORETRY|__GFP_COMP|__GFP_HARDWALL|__GFP_MOVABLE';
const DENTRIES = 'order=0 migratetype=2 gfp_flags=GFP_KERNEL|__GFP_NOWARN|__GFP_NORETRY|__GFP_RECLAIMABLE';
const VECTOR = 'order=0 migratetype=0 gfp_flags=GFP_KERNEL|__GFP_NOWARN|__GFP_NORETRY';

let now = 0;
/** 50 µs later than the last line */
const tick = () => {
  now += 50;
  return now;
};
const alloc = (who: string, pfn: number, what: string, cpu = 0) =>
  line(tick(), who, 'mm_page_alloc', `page=00000000abcdef01 pfn=0x${pfn.toString(16)} ${what}`, cpu);
const free = (who: string, pfn: number, order = 0, cpu = 0) =>
  line(tick(), who, 'mm_page_free', `page=00000000abcdef01 pfn=0x${pfn.toString(16)} order=${order}`, cpu);
const event = (who: string, name: string, rest: string, cpu = 0) => line(tick(), who, name, rest, cpu);
/** Task w-7, in /a by an attach line; init is in the root. */
const BEGIN = () => [
  event('init-1', 'cgroup_mkdir', 'root=0 id=20 level=1 path=/a'),
  event('init-1', 'sched_process_fork', 'comm=init pid=1 child_comm=init child_pid=7'),
  event('init-1', 'cgroup_attach_task', 'dst_root=0 dst_id=20 dst_level=1 dst_path=/a pid=7 comm=w'),
];
const kindOf = (row: Row) => ((row.flags ?? 0) >> ops.FLAG_KIND_SHIFT) & ops.FLAG_KIND_MASK;
const charges = (rows: readonly Row[]) => rows.filter((row) => row.op === 'charge');

describe('what is charged', () => {
  it('anonymous memory at once, to the cgroup of the task; what its children ask for too', async () => {
    const { rows } = await imported([
      ...BEGIN(),
      alloc('w-7', 16, ANON),
      event('w-7', 'sched_process_fork', 'comm=w pid=7 child_comm=w child_pid=8'),
      alloc('w-8', 17, ANON),
      alloc('init-1', 18, ANON),
    ]);
    expect(charges(rows).map((row) => [row.cgroup, kindOf(row)])).toEqual([
      [2, ops.KIND_ANON],
      [2, ops.KIND_ANON],
      [1, ops.KIND_ANON],
    ]);
  });

  it('a page for a file when it is added, and never if it is not', async () => {
    const { rows, report } = await imported([
      ...BEGIN(),
      alloc('w-7', 16, READAHEAD),
      event('w-7', 'mm_filemap_add_to_page_cache', 'dev 254:16 ino 18 pfn=0x10 ofs=8192 order=0'),
      alloc('w-7', 17, READAHEAD),
      free('w-7', 17),
      event('w-7', 'page_fault_user', 'address=0x1000 ip=0x1 error_code=0x4'),
    ]);
    expect(charges(rows)).toMatchObject([{ object: 1, count: 2, cgroup: 2 }]);
    expect(rows.find((row) => row.op === 'object_new')).toMatchObject({ object: 1, count: 1, name: '254:16:18' });
    expect(report.ambiguous['pages allocated for a file and never added to it']).toBe(1);
    expect(rows.filter((row) => row.op === 'uncharge')).toEqual([]);
  });

  it('a page for a file before the reclaim that its charge caused', async () => {
    const { rows } = await imported([
      ...BEGIN(),
      alloc('w-7', 16, READAHEAD),
      event('w-7', 'mm_vmscan_memcg_reclaim_begin', 'order=0 gfp_flags=GFP_KERNEL'),
      event('w-7', 'mm_vmscan_memcg_reclaim_end', 'nr_reclaimed=32'),
      event('w-7', 'mm_filemap_add_to_page_cache', 'dev 254:16 ino 18 pfn=0x10 ofs=0 order=0'),
    ]);
    expect(opsOf(rows).slice(-6)).toEqual(['page_alloc', 'charge', 'reclaim', 'reclaim', 'object_new', 'resident']);
  });

  it('copy on write as anonymous; a write to tmpfs, which no fault precedes, as shared memory; mappings by their marks', async () => {
    const fault = (address: number, code: number) =>
      event('w-7', 'page_fault_user', `address=0x${address.toString(16)} ip=0x1 error_code=0x${code}`);
    const { rows, report } = await imported([
      ...BEGIN(),
      fault(0x1000, 7),
      alloc('w-7', 16, USER),
      alloc('w-7', 17, USER),
      event('w-7', 'tracing_mark_write', 'MAP pid=7 file 0 /mnt/shm/f addr=0x100000 len=8192'),
      fault(0x101000, 6),
      alloc('w-7', 18, USER),
      fault(0x5000, 6),
      alloc('w-7', 19, USER),
      event('w-7', 'page_fault_user', 'address=0x6000 ip=0x1 error_code=0x14'),
      event('w-7', 'mm_filemap_delete_from_page_cache', 'dev 0:23 ino 2 pfn=0x13 ofs=0 order=0'),
    ]);
    expect(charges(rows).map(kindOf)).toEqual([ops.KIND_ANON, ops.KIND_SHMEM, ops.KIND_SHMEM, ops.KIND_ANON]);
    expect(report.ambiguous).toMatchObject({
      'pages taken for shared memory because no fault came before them': 1,
      'pages taken for anonymous because of a fault of their task': 1,
      'pages taken for anonymous that were shared memory': 1,
    });
  });

  it('page tables inside the allocator, and four pages of stack from fork to exit', async () => {
    const { rows, report } = await imported([
      ...BEGIN(),
      alloc('w-7', 16, TABLE),
      event('w-7', 'sched_process_fork', 'comm=w pid=7 child_comm=w child_pid=8'),
      free('w-7', 16),
      event('w-7', 'mm_page_free_batched', 'page=0 pfn=0x10 order=0'),
      event('w-8', 'sched_process_exit', 'comm=w pid=8 prio=120 group_dead=true'),
    ]);
    expect(opsOf(rows).slice(3)).toEqual([
      'kmem_charge',
      'page_alloc',
      ...Array(4).fill('kmem_charge'),
      'fork',
      'uncharge',
      'page_free',
      'uncharge_flush',
      'exit',
      ...Array(4).fill('kmem_free'),
    ]);
    const stacks = rows.filter((row) => row.op === 'kmem_charge' && kindOf(row) === ops.KIND_KERNEL_STACK);
    expect(stacks.every((row) => (row.flags! & ops.FLAG_INFERRED) !== 0)).toBe(true);
    expect(report.ambiguous['kernel stacks inferred from forks']).toBe(1);
  });

  it('pages of slab caches whole, but not the vectors of objcgs; objects alone where the recording shows them', async () => {
    const lines = [...BEGIN(), alloc('w-7', 16, DENTRIES)];
    now -= 45;
    lines.push(alloc('w-7', 17, VECTOR), alloc('w-7', 18, VECTOR), free('w-7', 16));
    const pages = await imported(lines);
    const bytes = (rows: readonly Row[]) =>
      rows.filter((row) => kindOf(row) === ops.KIND_SLAB).map((row) => [row.op, row.cgroup, row.count]);
    expect(bytes(pages.rows)).toEqual([
      ['kmem_charge', 2, 4096],
      ['kmem_charge', 2, 4096],
      ['kmem_free', 2, 4096],
    ]);
    const object = 'call_site=f+0x1 ptr=00000000deadbeef';
    const objects = await imported([
      ...lines.slice(0, 4),
      event(
        'w-7',
        'kmem_cache_alloc',
        `${object} bytes_req=192 bytes_alloc=192 gfp_flags=GFP_KERNEL node=-1 accounted=true`,
      ),
      alloc('w-7', 30, DENTRIES),
      event('ksoftirqd/0-12', 'kmem_cache_free', `${object} name=dentry`),
    ]);
    expect(bytes(objects.rows)).toEqual([
      ['kmem_charge', 2, 4096],
      ['kmem_free', 2, 4096],
      ['kmem_charge', 2, 200],
      ['kmem_free', 2, 200],
    ]);
  });

  it('nothing to the cgroup for a kernel thread, nor in an interrupt', async () => {
    const { rows } = await imported(
      [alloc('kworker/0:1-30', 16, TABLE), alloc('w-7', 17, TABLE).replace('.....', '..s1.'), alloc('w-7', 18, TABLE)],
      ['*=/rest'],
    );
    expect(rows.filter((row) => row.op === 'kmem_charge')).toMatchObject([{ index: 512 + 18 }]);
    expect(rows.filter((row) => row.op === 'mkdir')).toMatchObject([
      { cgroup: 2, flags: ops.FLAG_EXISTING, name: '/rest' },
    ]);
    expect(rows.find((row) => row.name === 'kworker/0:1')!.flags).toBe(ops.FLAG_KERNEL_THREAD);
  });

  it('a thread as its process, by the TGID column, wherever that moves', async () => {
    const thread = (text: string) => text.replace(/\( +8\)/, '(      7)');
    const { rows } = await imported([
      ...BEGIN(),
      event('w-7', 'sched_process_fork', 'comm=w pid=7 child_comm=w child_pid=8'),
      thread(alloc('w-8', 16, ANON)),
      event('init-1', 'cgroup_mkdir', 'root=0 id=30 level=1 path=/b'),
      event('init-1', 'cgroup_attach_task', 'dst_root=0 dst_id=30 dst_level=1 dst_path=/b pid=7 comm=w'),
      thread(alloc('w-8', 17, ANON)),
    ]);
    expect(charges(rows).map((row) => row.cgroup)).toEqual([2, 3]);
  });
});

describe('what is given back', () => {
  it('a charge that failed is not: its page is freed after its reclaim', async () => {
    const { rows } = await imported([
      ...BEGIN(),
      alloc('w-7', 16, ANON),
      event('w-7', 'mm_vmscan_memcg_reclaim_begin', 'order=0 gfp_flags=GFP_KERNEL'),
      event('w-7', 'mm_vmscan_memcg_reclaim_end', 'nr_reclaimed=0'),
      free('w-7', 16),
    ]);
    expect(opsOf(rows).slice(-3)).toEqual(['reclaim', 'reclaim', 'page_free']);
  });

  it('a huge folio page by page after a split', async () => {
    const { rows, report } = await imported([
      ...BEGIN(),
      alloc('w-7', 512, 'order=9 migratetype=1 gfp_flags=GFP_TRANSHUGE'),
      free('w-7', 513),
      free('w-7', 512),
    ]);
    expect(opsOf(rows, 'page_alloc', 'page_free').slice(3)).toEqual([
      'charge',
      'split',
      'uncharge',
      'uncharge',
      'uncharge_flush',
    ]);
    expect(report.ambiguous['huge folios split']).toBe(1);
  });

  it('a free of a frame never seen is counted; so is a frame allocated twice, which is given back first', async () => {
    const { rows, report } = await imported([
      ...BEGIN(),
      free('w-7', 99),
      alloc('w-7', 16, ANON),
      alloc('w-7', 16, ANON),
    ]);
    expect(report.lost).toEqual({ 'frees that were not seen': 1 });
    expect(report.ambiguous['frees of pages from before the recording, and of kernel stacks']).toBe(1);
    expect(opsOf(rows, 'page_alloc').slice(3)).toEqual(['charge', 'uncharge', 'charge', 'uncharge_flush']);
  });
});

describe('cgroups', () => {
  it('from before the recording, with those above them; limits by marks; a removal takes what is below', async () => {
    const { rows } = await imported([
      event('init-1', 'cgroup_attach_task', 'dst_root=0 dst_id=40 dst_level=2 dst_path=/x/y pid=7 comm=w'),
      event('init-1', 'tracing_mark_write', 'KNOB write /x/memory.max 1M'),
      event('init-1', 'cgroup_rmdir', 'root=0 id=39 level=1 path=/x'),
      event('init-1', 'cgroup_mkdir', 'root=3 id=1 level=1 path=/v1'),
    ]);
    expect(opsOf(rows)).toEqual(['mkdir', 'mkdir', 'attach', 'write_knob', 'rmdir', 'rmdir']);
    expect(rows.filter((row) => row.op === 'mkdir')).toMatchObject([
      { name: '/x' },
      { name: '/x/y', object: 2, index: 40 },
    ]);
    expect(rows.at(-2)).toMatchObject({ cgroup: 3, flags: ops.FLAG_INFERRED });
  });
});

// --- dialects: one recording, as different recorders print it

const FIXTURE = (await captureBytes(join(import.meta.dirname, '../captures/s01-anon-touch/trace.txt.xz'))).toString(
  'latin1',
);
const LINE = /^( *)(.+)-(\d+) +\( *(\d+|-+)\) \[(\d+)\] (\S+) +(\d+)\.(\d+): (\w+): (.*)$/;
interface Columns {
  comm: string;
  pid: string;
  tgid: string;
  cpu: string;
  flags: string;
  us: number;
  event: string;
  rest: string;
}
/** Lines that say the same with and without a flags column: no interrupts, no faults of probes. */
const RECORDING: Columns[] = FIXTURE.split('\n')
  .map((text) => LINE.exec(text))
  .filter(
    (parts) => parts !== null && parts[6]![2] === '.' && (parts[9] !== 'page_fault_kernel' || parts[6]![3] === '.'),
  )
  .slice(0, 6000)
  .map((parts) => {
    const [, , comm, pid, tgid, cpu, flags, seconds, micros, event, rest] = parts as unknown as string[];
    return {
      comm: comm!,
      pid: pid!,
      tgid: tgid!,
      cpu: cpu!,
      flags: flags!,
      us: Number(seconds) * 1e6 + Number(micros),
      event: event!,
      rest: rest!,
    };
  });
const seconds = (us: number) => `${Math.floor(us / 1e6)}.${String(us % 1e6).padStart(6, '0')}`;
const task = ({ comm, pid }: Columns) => `${`${comm}-${pid}`.padStart(20)}`;
const padded = ({ event, rest }: Columns) =>
  event === 'tracing_mark_write'
    ? `${'print:'.padEnd(21)} ${event}: ${rest}`
    : `${`${event}:`.padEnd(21)} ${rest.replace('page=0000', 'page=0xffffffff8839')}`;
const DIALECTS: [name: string, print: (columns: Columns, i: number) => string, head?: string][] = [
  [
    'trace with TGID',
    (c) => `${task(c)} (${c.tgid.padStart(7)}) [${c.cpu}] ${c.flags} ${seconds(c.us)}: ${c.event}: ${c.rest}`,
  ],
  ['four flags', (c) => `${task(c)} [${c.cpu}] ${c.flags.slice(0, 4)} ${seconds(c.us)}: ${c.event}: ${c.rest}`],
  ['noirq-info', (c) => `${task(c)}     [${c.cpu}]    ${seconds(c.us)}: ${c.event}: ${c.rest}`],
  [
    'noirq-info with TGID',
    (c) => `${task(c)} (${c.tgid.padStart(7)}) [${c.cpu}]    ${seconds(c.us)}: ${c.event}: ${c.rest}`,
  ],
  [
    'latency-format',
    (c, i) => `${task(c)}  ${Number(c.cpu)}${c.flags} ${c.us}us${' !+#'[i % 4]}: ${c.event}: ${c.rest}`,
    '# latency: 0 us, #6000/6000, CPU#0',
  ],
  ['trace-cmd report', (c) => `${task(c)}   [${c.cpu}]  ${seconds(c.us)}: ${padded(c)}`, 'cpus=2'],
  ['trace-cmd report -t', (c) => `${task(c)}   [${c.cpu}]  ${seconds(c.us)}000: ${padded(c)}`, 'cpus=2'],
  [
    'trace-cmd report with flags',
    (c) => `${task(c)}   [${c.cpu}] ${c.flags}  ${seconds(c.us)}: ${padded(c)}`,
    'version = 7\ncpus=2',
  ],
  [
    'trace-cmd report -l',
    (c) => `${task(c)}     ${Number(c.cpu)}${c.flags}  ${seconds(c.us)}: ${padded(c)}`,
    'cpus=2\nCPU 1 is empty',
  ],
  [
    'trace-cmd report --ts-diff',
    (c, i) => `${task(c)}   [${c.cpu}]  ${seconds(c.us)}: ${i === 0 ? '' : '(+12)  '} ${padded(c)}`,
    'cpus=2',
  ],
];

describe('dialects', () => {
  let plain: Row[];
  beforeAll(async () => {
    plain = (
      await imported(RECORDING.map((c) => `${task(c)} [${c.cpu}] ${c.flags}  ${seconds(c.us)}: ${c.event}: ${c.rest}`))
    ).rows;
    expect(plain.filter((row) => row.op === 'charge').length).toBeGreaterThan(1000);
  });

  it.each(DIALECTS)('%s: the same trace', async (_, print, head) => {
    const { rows, report } = await imported([...(head === undefined ? [] : [head]), ...RECORDING.map(print)]);
    expect(rows).toEqual(plain);
    expect(report.format).toBe('ftrace');
    expect(report.lost).toEqual({});
  });

  it('CPUs out of step, as trace_pipe prints them: the same trace', async () => {
    const print = DIALECTS[1]![1];
    const lines: string[] = [];
    // Runs of one CPU's lines, late by up to 900 lines.
    for (let at = 0; at < RECORDING.length; at += 900) {
      const run = RECORDING.slice(at, at + 900);
      lines.push(...run.filter((c) => c.cpu !== '000').map(print), ...run.filter((c) => c.cpu === '000').map(print));
    }
    expect(new Set(RECORDING.map((c) => c.cpu)).size).toBe(2);
    const { rows } = await imported(lines);
    // Equal times of two CPUs have no order of their own.
    const key = (row: Row) => JSON.stringify({ ...row, task: 0 });
    expect(rows.length).toBe(plain.length);
    expect(new Set(rows.map(key)).size).toBe(new Set(plain.map(key)).size);
    for (let i = 1; i < rows.length; i++) expect(rows[i]!.us).toBeGreaterThanOrEqual(rows[i - 1]!.us);
  });

  it('trace-cmd report -R: other names of fields', async () => {
    const { rows } = await imported([
      'cpus=2',
      '  init-1   [000]  1.000001: cgroup_mkdir:          root=0 level=1 id=20 path=/a',
      '  w-7      [001]  1.000002: cgroup_attach_task:    dst_root=0 dst_level=1 dst_id=20 pid=7 dst_path=/a comm=w x',
      '  w-7      [001]  1.000003: mm_page_alloc:         pfn=0x3 order=0 gfp_flags=0x140dca migratetype=1',
      '  w-7      [001]  1.000004: mm_page_alloc:         pfn=0x4 order=0 gfp_flags=0x400dc0 migratetype=0',
      '  w-7      [001]  1.000005: mm_page_alloc:         pfn=0x5 order=0 gfp_flags=0x152c4a migratetype=1',
      '  w-7      [001]  1.000006: mm_filemap_add_to_page_cache:  pfn=0x5 i_ino=1f index=0x6 s_dev=266338304 order=0',
      '  w-7      [001]  1.000007: print:                 ip=tracing_mark_write buf=step 1',
    ]);
    expect(opsOf(rows, 'page_alloc')).toEqual([
      'mkdir',
      'attach',
      'charge',
      'kmem_charge',
      'object_new',
      'charge',
      'mark',
    ]);
    expect(rows.find((row) => row.op === 'object_new')!.name).toBe('254:0:1f');
    expect(charges(rows)).toMatchObject([{ cgroup: 2 }, { cgroup: 2, count: 6, object: 1 }]);
    expect(rows.at(-1)!.name).toBe('step 1');
  });

  it('counts what the recorder lost, in all wordings, and what is no event', async () => {
    const { report, rows } = await imported(
      [],
      [],
      (() => {
        const path = join(scratch(), 'pipe.txt');
        const text = [
          '# tracer: nop',
          '# entries-in-buffer/entries-written: 688/1000   #P:2',
          'CPU:1 [LOST 226 EVENTS]',
          'CPU:0 [LOST EVENTS]',
          'CPU:0 [113 EVENTS DROPPED]',
          'CPU:1 [EVENTS DROPPED]',
          alloc('w-7', 16, ANON),
          ' w-7 [000] .....  900.000001: do_fault <-handle_mm_fault',
          ' w-7 [000] .....  900.000002: <stack trace>',
          ' => do_user_addr_fault',
          ' w-7 [000] .....  900.000003: sched_switch: prev_comm=w',
          'root@host:~# ls',
          'CPU 1: 7119 events lost',
          ' w-7 [000] .....  900.000004: mm_page_alloc: page=0 pfn=0x',
        ].join('\n');
        writeFileSync(path, text);
        return path;
      })(),
    );
    expect(report.lost).toEqual({
      'events dropped by the recorder': 339,
      'places with dropped events': 4,
      'events overwritten before they were read': 312,
      "lost events by the recorder's summary": 7119,
      'cut last lines': 1,
      'damaged lines': 1,
    });
    expect(report.ignored).toEqual({ '': 2, sched_switch: 1 });
    expect(charges(rows).length).toBe(1);
  });
});

describe('cuts of real recordings', () => {
  const cut = (name: string) => imported([], [], join(import.meta.dirname, 'dialects', `${name}.txt.gz`));
  /** A row without what a form of report leaves out: the end of a long command. */
  const short = (row: Row) => ({ ...row, name: row.op === 'spawn' ? row.name!.slice(0, 8) : row.name });

  it.each([
    'report-R',
    'report-l',
    'report-tdiff',
  ])('trace-cmd %s is the recording that report prints', async (name) => {
    const { rows, report } = await cut(name);
    expect(rows.map(short)).toEqual((await cut('report')).rows.map(short));
    expect(report.lost).toEqual({});
    expect(charges(rows).length).toBeGreaterThan(10);
  });

  it('trace_pipe of a buffer that overran, the latency format, and a stream with a line torn in two', async () => {
    const pipe = (await cut('pipe-tiny')).report;
    expect(pipe.lost).toMatchObject({ 'events dropped by the recorder': 226, 'places with dropped events': 1 });
    const latency = (await cut('latency')).report;
    expect(latency.lost).toEqual({});
    expect(latency.files[0]!.events).toBeGreaterThan(90);
    expect((await cut('stream')).report.lost).toEqual({ 'damaged lines': 2 });
  });
});

describe('bad input', () => {
  it.each([
    [
      'time that goes backwards on a CPU',
      [line(5e6, 'w-7', 'mm_page_free', 'pfn=0x1 order=0'), line(4e6, 'w-7', 'mm_page_free', 'pfn=0x1 order=0')],
      /:2: time goes backwards: 4.000000 after 5.000000$/,
    ],
    [
      'lines that are none, again and again',
      [alloc('w-7', 1, ANON), 'a', 'b', 'c'],
      /:4: not a line of ftrace text: no \[cpu\] column$/,
    ],
    [
      'fields that are missing, again and again',
      [...Array(4)].map((_, i) => line(i, 'w-7', 'mm_page_alloc', 'order=0')),
      /:\d: no hexadecimal number pfn= in mm_page_alloc$/,
    ],
    [
      'blocks that begin where none can',
      [...Array(4)].map((_, i) => line(i, 'w-7', 'mm_page_free', 'pfn=0x3 order=1')),
      /no block of order 1 begins at this pfn=$/,
    ],
    [
      'frames that no machine has',
      [...Array(4)].map((_, i) => line(i, 'w-7', 'mm_page_free', 'pfn=0xffffffffffff order=0')),
      /pfn=0xffffffffffff is out of range$/,
    ],
  ])('refuses %s with file and line', async (_, lines, message) => {
    await expect(imported(lines)).rejects.toThrow(InputError);
    await expect(imported(lines)).rejects.toThrow(message);
  });

  const folder = mkdtempSync(join(tmpdir(), 'memcharge-mutants-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('takes a thousand mutants of a recording or refuses each in one line; what it takes can be replayed', async () => {
    // The part with the cgroup, the process and its exit is thin: every tenth line of the touching, and all others.
    const lines = FIXTURE.split('\n').filter((text, i) => i % 60 === 0 || /cgroup|sched|mark|ACCOUNT/.test(text));
    const text = lines.join('\n');
    const path = join(folder, 'mutant.txt');
    const arrow = join(folder, 'mutant.arrow');
    let taken = 0;
    let refused = 0;
    const position = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const mutation = fc.tuple(
      fc.constantFrom('byte', 'cut', 'drop', 'repeat', 'swap', 'digits', 'kill'),
      position,
      position,
      fc.nat(255),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 12 }), async (mutations) => {
        const mutant = mutations.reduce(mutate, text);
        writeFileSync(path, mutant, 'latin1');
        const writer = new TraceWriter(arrow, { source: 'test', clock: 'test' });
        try {
          const { highWater } = await importFiles([path], writer, { format: 'ftrace' });
          writer.close(highWater);
          if (taken++ % 10 === 0) await replay(arrow);
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
          expect(error.message).toMatch(/^[^\n]*mutant[^\n]*$/);
          refused++;
        } finally {
          writer.abort();
        }
      }),
      { numRuns: 1000 },
    );
    expect(taken).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(50);
  });
});

function mutate(text: string, [what, a, b, byte]: [string, number, number, number]): string {
  const at = Math.floor(a * text.length);
  const start = text.lastIndexOf('\n', at) + 1;
  const end = text.indexOf('\n', at) + 1 || text.length;
  const other = text.lastIndexOf('\n', Math.floor(b * text.length)) + 1;
  switch (what) {
    case 'byte':
      return text.slice(0, at) + String.fromCharCode(byte) + text.slice(at + 1);
    case 'cut':
      return b < 0.3 ? text.slice(0, at) : text;
    case 'drop':
      return text.slice(0, start) + text.slice(end);
    case 'repeat':
      return text.slice(0, end) + text.slice(start, end).repeat(1 + (byte % 5)) + text.slice(end);
    case 'swap':
      return b < 0.1 ? text.slice(0, other) + text.slice(start, end) + text.slice(other) : text;
    case 'digits':
      return (
        text.slice(0, start) +
        text.slice(start, end).replace(/=(0x)?[0-9a-f]+/, `=$1${'f'.repeat(byte % 14)}9`) +
        text.slice(end)
      );
    default:
      // Everything of one kind of line in the second half.
      return (
        text.slice(0, at) +
        text
          .slice(at)
          .replaceAll(['mm_page_free:', 'sched_process_exit:', 'cgroup_mkdir:', 'cgroup_rmdir:'][byte % 4]!, 'x:')
      );
  }
}

async function replay(path: string): Promise<void> {
  const trace = await openTrace(path);
  try {
    const machine = await bootFor(trace, { kernel: '6.1' }, false);
    await replayTrace(machine, trace, {});
    expect(machine.audit()).toBeNull();
  } finally {
    await trace.close();
  }
}

it('writes ops that the schema knows', async () => {
  const { report } = await imported([...BEGIN(), alloc('w-7', 16, ANON)]);
  for (const op of Object.keys(report.written)) expect(OP_NAMES).toContain(op);
});
