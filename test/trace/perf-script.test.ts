import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as ops from '../../assembly/replay/ops.ts';
import { InputError } from '../../bindings/trace/input-error.ts';
import { emptyPerfLine, parsePerfLine } from '../../bindings/trace/perf-line.ts';
import { firstTouches, importBytes, importFile, type PerfRow, untimed } from './perf-helpers.ts';

const SHM = join(import.meta.dirname, 'fixtures', 'shm.perf-script.txt.gz');
const ROLES = ['pid:31850=/job/producer', 'pid:31851=/job/a', 'pid:31852=/job/b', 'pid:31853=/job/again', '*=/job'];
const TMPFS = '/dev/shm/memcharge-eco-demo';

const W = ops.FLAG_WRITE;
const F = ops.FLAG_FAULT;

let clock = 0;
/** One line; the columns are those of `-F comm,pid,tid,cpu,time,event,trace,addr`. */
function at(who: string, rest: string, cpu = 0): string {
  const [comm, pid, tid = pid] = who.split(' ');
  clock += 10;
  const time = `5.${String(clock).padStart(6, '0')}`;
  return `${comm!.padStart(16)} ${pid!.padStart(5)}/${tid!.padEnd(5)} [${String(cpu).padStart(3, '0')}] ${time.padStart(12)}: ${rest}`;
}
const mmap = (who: string, start: number, pages: number, what: string, prot = 'r--p', path = '//anon', offset = 0) => {
  const pid = who.split(' ')[1];
  return at(
    who,
    `PERF_RECORD_MMAP2 ${pid}/${pid}: [0x${(start * 4096).toString(16)}(0x${(pages * 4096).toString(16)}) @ ${offset === 0 ? '0' : `0x${(offset * 4096).toString(16)}`} ${what}]: ${prot} ${path}`,
  );
};
const sample = (who: string, page: number, name = 'page-faults') =>
  at(who, `${name}: ${(page * 4096 + 8).toString(16).padStart(16)}`);
const trap = (who: string, page: number, code: number) =>
  at(
    who,
    `exceptions:page_fault_user: address=0x${(page * 4096 + 8).toString(16)} ip=0x1 error_code=0x${code.toString(16)}               0`,
  );
const fork = (parent: number, pid: number, tid = pid) =>
  at(`sh ${parent}`, `PERF_RECORD_FORK(${pid}:${tid}):(${parent}:${parent})`);
const body = (rows: readonly PerfRow[], ...leaveOut: string[]) =>
  untimed(rows.filter((row) => !['spawn', 'object_new', 'map', ...leaveOut].includes(row.op)));

describe('the recording of four processes that share a tmpfs file', () => {
  it('is told from other formats, and shows who touched which page first', async () => {
    const { rows, report } = await importFile(SHM, ROLES);
    expect(report.format).toBe('perf-script');
    // Every 64th page of 2048: the plan is 1024, 512, 512, 0.
    expect(firstTouches(rows, TMPFS)).toEqual({ '/job/producer': 16, '/job/a': 8, '/job/b': 8 });
    const accesses = rows.filter(
      (r) => r.op === 'file_access' && r.object === rows.find((o) => o.name === TMPFS)!.object,
    );
    // Each page that three of them wrote faults; of those that the fourth read, the kernel maps neighbours without a fault.
    expect(accesses.filter((r) => r.flags === (F | W))).toHaveLength((1024 + 1536 + 2048) / 64);
    expect(rows.find((row) => row.name === TMPFS)).toMatchObject({ op: 'object_new', count: ops.OBJECT_SHMEM });
    expect(report.ambiguous['faults outside any known mapping']).toBe(0);
    expect(report.missing).toEqual([]);
    const times = rows.map((row) => row.ns);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('has one access for the two events of a fault', async () => {
    const text = gunzipSync(readFileSync(SHM)).toString().split('\n').slice(0, -1);
    const both = await importBytes(text, ROLES);
    const traceOnly = await importBytes(
      text.filter((line) => !line.includes('page-faults:')),
      ROLES,
    );
    expect(untimed(both.rows)).toEqual(untimed(traceOnly.rows));
    const faults = text.filter((line) => line.includes('page-faults:')).length;
    const touches = both.rows.filter((r) => r.op === 'anon_touch' || ((r.flags ?? 0) & F) !== 0).length;
    expect(touches + both.report.ambiguous['faults on special mappings']!).toBe(faults);
  });
});

describe('faults', () => {
  it('of a private file: a read maps the page, a write copies it, and takes a mapped one out', async () => {
    const { rows } = await importBytes([
      mmap('a 7', 16, 8, 'fe:00 5 1', 'rw-p', '/lib/x', 3),
      trap('a 7', 16, 4),
      trap('a 7', 17, 6),
      trap('a 7', 16, 7),
    ]);
    expect(body(rows)).toEqual([
      { op: 'file_access', task: 1, object: 1, index: 3, count: 1, flags: F },
      { op: 'file_access', task: 1, object: 1, index: 4, count: 1, flags: ops.FLAG_READAHEAD },
      { op: 'anon_touch', task: 1, index: 17, count: 1, flags: W },
      { op: 'unmap', task: 1, object: 1, index: 3, count: 1 },
      { op: 'anon_touch', task: 1, index: 16, count: 1, flags: W },
    ]);
    expect(rows.find((row) => row.op === 'map')).toMatchObject({ object: 1, index: 3, count: 8, flags: W });
  });

  it('of anonymous memory, of a stack and a heap that have grown, and of nothing known', async () => {
    const { rows, report } = await importBytes([
      mmap('a 7', 100, 8, '00:00 0 0', 'rw-p', '//anon'),
      mmap('a 7', 200, 8, '00:00 0 0', 'rw-p', '[heap]'),
      mmap('a 7', 900000, 8, '00:00 0 0', 'rw-p', '[stack]'),
      trap('a 7', 100, 4),
      trap('a 7', 209, 6),
      trap('a 7', 899999, 6),
      trap('a 7', 90, 6),
    ]);
    expect(body(rows).map((row) => [row.op, row.index, row.flags ?? 0])).toEqual([
      ['anon_touch', 100, 0],
      ['anon_touch', 209, W],
      ['anon_touch', 899999, W],
      ['anon_touch', 90, W],
    ]);
    expect(report.ambiguous['faults outside any known mapping']).toBe(1);
  });

  it('without an error code are taken for writes of private writable memory, and counted', async () => {
    const { rows, report } = await importBytes([
      mmap('a 7', 100, 8, '00:00 0 0', 'rw-p', '//anon'),
      mmap('a 7', 200, 8, 'fe:00 5 1', 'r-xp', '/bin/x'),
      mmap('a 7', 300, 8, '00:01 9 1', 'rw-s', '/memfd:x (deleted)'),
      sample('a 7', 101),
      sample('a 7', 201, 'page-faults:u'),
      sample('a 7', 301),
    ]);
    expect(body(rows).map((row) => [row.op, row.index, row.flags])).toEqual([
      ['anon_touch', 101, W],
      ['file_access', 1, F | ops.FLAG_EXEC],
      ['file_access', 1, F],
    ]);
    expect(rows.filter((row) => row.op === 'object_new').map((row) => row.count)).toEqual([1, 2]);
    expect(report.ambiguous).toMatchObject({
      'faults taken for writes': 1,
      'faults on writable shared mappings taken for reads': 1,
    });
  });

  it('on the vdso, on devices and on kernel addresses touch nothing that is charged', async () => {
    const { rows, report } = await importBytes([
      mmap('a 7', 100, 2, '00:00 0 0', 'r-xp', '[vdso]'),
      mmap('a 7', 200, 2, '00:05 9 1', 'rw-s', '/dev/dri/card0'),
      trap('a 7', 100, 4),
      trap('a 7', 200, 6),
      at('a 7', 'exceptions:page_fault_kernel: address=0xffffffffff600000 ip=x error_code=0x0               0'),
    ]);
    expect(body(rows)).toEqual([]);
    expect(report.ambiguous).toMatchObject({ 'faults on special mappings': 2, 'faults on kernel addresses': 1 });
  });

  it('without addresses: the report says what is missing', async () => {
    const { rows, report } = await importBytes([
      at('a 7', 'page-faults:  ffffffff817554ea elf_load+0x28a ([kernel.kallsyms])'),
    ]);
    expect(rows).toEqual([]);
    expect(report.missing.join()).toContain('addresses of page faults');
  });
});

describe('address spaces', () => {
  it('are copied by fork, shared by threads, cleared by exec', async () => {
    const { rows } = await importBytes([
      mmap('sh 7', 100, 8, 'fe:00 5 1', 'r--s', '/f'),
      fork(7, 8),
      fork(7, 7, 9),
      trap('sh 8', 101, 4),
      trap('sh 7 9', 102, 4),
      at('sh 8', 'PERF_RECORD_COMM exec: ls:8/8'),
      trap('ls 8', 103, 6),
      at('sh 7 9', 'PERF_RECORD_EXIT(7:9):(7:7)'),
      trap('sh 7', 104, 4),
    ]);
    expect(body(rows)).toEqual([
      { op: 'fork', task: 1, object: 2, index: 8 },
      { op: 'fork', task: 1, object: 3, index: 9, flags: ops.FLAG_THREAD },
      { op: 'file_access', task: 2, object: 1, index: 1, count: 1, flags: F },
      { op: 'file_access', task: 3, object: 1, index: 2, count: 1, flags: F },
      { op: 'exec', task: 2, name: 'ls' },
      { op: 'anon_touch', task: 2, index: 103, count: 1, flags: W },
      { op: 'exit', task: 3 },
      { op: 'file_access', task: 1, object: 1, index: 4, count: 1, flags: F },
    ]);
  });

  it('know what was there before the recording, and show it with the first row of a task', async () => {
    const early = (rest: string) => `            init     0/0     [000]     0.000000: ${rest}`;
    const { rows } = await importBytes([
      early('PERF_RECORD_COMM: worker:70/70'),
      early('PERF_RECORD_FORK(70:71):(70:70)'),
      early('PERF_RECORD_COMM: helper:70/71'),
      early('PERF_RECORD_MMAP2 70/70: [0x64000(0x8000) @ 0 fe:00 5 0]: r--s /f'),
      early('PERF_RECORD_COMM: idle:80/80'),
      trap('helper 70 71', 101, 4),
    ]);
    expect(untimed(rows)).toEqual([
      { op: 'spawn', task: 1, cgroup: 1, index: 70, name: 'worker' },
      { op: 'object_new', object: 1, count: 1, name: '/f' },
      { op: 'map', task: 1, object: 1, count: 8, flags: ops.FLAG_SHARED },
      { op: 'fork', task: 1, object: 2, index: 71, flags: ops.FLAG_THREAD, name: 'helper' },
      { op: 'file_access', task: 2, object: 1, index: 1, count: 1, flags: F },
    ]);
  });

  it('lose what another mapping takes the place of; mprotect takes nothing', async () => {
    const { rows } = await importBytes([
      mmap('a 7', 100, 8, 'fe:00 5 1', 'rw-p', '/f'),
      mmap('a 7', 102, 2, 'fe:00 5 1', 'r--p', '/f', 2),
      mmap('a 7', 104, 2, 'fe:00 6 1', 'r--s', '/g'),
      mmap('a 7', 105, 2, '00:00 0 0', 'rw-p', '//anon'),
      mmap('a 7', 105, 2, '00:00 0 0', 'rw-p', '//anon'),
      trap('a 7', 107, 4),
    ]);
    expect(body(rows)).toEqual([
      { op: 'unmap', task: 1, object: 1, index: 4, count: 2 },
      { op: 'anon_free', task: 1, index: 104, count: 2 },
      { op: 'unmap', task: 1, object: 2, index: 1, count: 1 },
      { op: 'unmap', task: 1, object: 1, index: 6, count: 1 },
      { op: 'anon_free', task: 1, index: 106, count: 1 },
      { op: 'anon_free', task: 1, index: 105, count: 2 },
      { op: 'file_access', task: 1, object: 1, index: 7, count: 1, flags: F },
    ]);
  });

  it('see another program in another stack, where exec is not recorded', async () => {
    const { rows } = await importBytes([
      mmap('a 7', 900, 8, '00:00 0 0', 'rw-p', '[stack]'),
      mmap('a 7', 100, 8, 'fe:00 5 1', 'rw-s', '/f'),
      mmap('b 7', 800, 8, '00:00 0 0', 'rw-p', '[stack]'),
      at('b 7', 'sched:sched_process_exec: filename=/bin/b pid=7 old_pid=7               0'),
      trap('b 7', 101, 6),
    ]);
    expect(body(rows)).toEqual([
      { op: 'exec', task: 1, flags: ops.FLAG_INFERRED },
      { op: 'anon_touch', task: 1, index: 101, count: 1, flags: W },
    ]);
  });
});

describe('the page cache', () => {
  const add = (who: string, index: number, gfp = '', dev = '254:0', order = 0) => [
    at(
      who,
      `kmem:mm_page_alloc: page=0x${index} pfn=0x${index} order=0 migratetype=1 gfp_flags=GFP_NOFS${gfp}          0`,
    ),
    at(
      who,
      `filemap:mm_filemap_add_to_page_cache: dev ${dev} ino 5 pfn=0x${index} ofs=${index * 4096} order=${order}               0`,
    ),
  ];
  const remove = (who: string, index: number, dev = '254:0') =>
    at(
      who,
      `filemap:mm_filemap_delete_from_page_cache: dev ${dev} ino 5 pfn=0x1 ofs=${index * 4096} order=0               0`,
    );
  const AHEAD = '|__GFP_MOVABLE|__GFP_NORETRY';

  it('gets the pages around a fault ahead of use', async () => {
    const { rows } = await importBytes([
      mmap('a 7', 100, 64, 'fe:00 5 1', 'r--p', '/f'),
      trap('a 7', 102, 4),
      ...[1, 2, 3, 4].flatMap((index) => add('a 7', index, AHEAD)),
    ]);
    expect(body(rows).map((row) => [row.index, row.count, row.flags])).toEqual([
      [2, 1, F],
      [1, 1, ops.FLAG_READAHEAD],
      [3, 2, ops.FLAG_READAHEAD],
    ]);
  });

  it('gets the first page of a read because it was asked for, those of a write because they were written', async () => {
    const { rows } = await importBytes([
      ...[10, 11, 12].flatMap((index) => add('a 7', index, AHEAD)),
      ...[20, 21].flatMap((index) => add('a 7', index, '|__GFP_MOVABLE|__GFP_WRITE')),
    ]);
    expect(body(rows).map((row) => [row.index, row.count, row.flags ?? 0])).toEqual([
      [10, 1, 0],
      [11, 2, ops.FLAG_READAHEAD],
      [20, 2, W],
    ]);
    expect(rows.find((row) => row.op === 'object_new')).toMatchObject({ name: '254:0:5', count: ops.OBJECT_FILE });
  });

  it('loses runs of pages by truncation, but not by reclaim', async () => {
    const { rows, report } = await importBytes([
      ...add('a 7', 1, AHEAD),
      remove('kswapd0 50', 9),
      at('a 7', 'vmscan:mm_vmscan_direct_reclaim_begin: order=0 gfp_flags=GFP_KERNEL               0'),
      remove('a 7', 8),
      at('a 7', 'vmscan:mm_vmscan_direct_reclaim_end: nr_reclaimed=1               0'),
      ...[1, 2, 3].map((index) => remove('a 7', index)),
      remove('a 7', 1, '254:9'),
    ]);
    expect(body(rows, 'file_access')).toEqual([{ op: 'truncate', task: 1, object: 1, index: 1, count: 3 }]);
    expect(report.ambiguous['pages deleted of files never seen']).toBe(1);
  });

  it('tells tmpfs from a file system without a device by what the recording shows', async () => {
    const first = [mmap('a 7', 100, 8, '00:2a 5 1', 'rw-s', '/tmp/x'), trap('a 7', 100, 6)];
    const rss = (type: string) => at('a 7', `kmem:rss_stat: mm_id=1 curr=1 type=${type} size=4096B               0`);
    const typeOf = async (lines: string[]) => {
      const { rows, report } = await importBytes(lines);
      const doubt = report.ambiguous['objects without a block device whose type was guessed'];
      const object = rows.find((row) => row.op === 'object_new' && row.name === '/tmp/x');
      return [object!.count, doubt];
    };
    const evidence = at('a 7', 'kmem:rss_stat: mm_id=1 curr=1 type=MM_ANONPAGES size=4096B               0');
    expect(await typeOf([evidence, ...first, rss('MM_SHMEMPAGES')])).toEqual([ops.OBJECT_SHMEM, 0]);
    // Old kernels sum up many faults, of all kinds: only shared memory is proof.
    expect(await typeOf([evidence, ...first, rss('MM_FILEPAGES')])).toEqual([ops.OBJECT_FILE, 1]);
    expect(await typeOf([evidence, ...first, rss('MM_FILEPAGES'), rss('MM_SHMEMPAGES')])).toEqual([
      ops.OBJECT_SHMEM,
      0,
    ]);
    expect(await typeOf([evidence, ...first, ...add('a 7', 3, AHEAD, '0:42')])).toEqual([ops.OBJECT_FILE, 0]);
    expect(await typeOf(first)).toEqual([ops.OBJECT_FILE, 1]);
    expect(await typeOf([evidence, ...first])).toEqual([ops.OBJECT_FILE, 1]);
  });
});

describe('cgroups', () => {
  it('come from the recording where it has them', async () => {
    const { rows, report } = await importBytes(
      [
        `${sample('a 7', 100)} /jobs/one`,
        `${sample('a 7', 101)} /jobs/two`,
        at('a 7', 'cgroup:cgroup_mkdir: root=0 id=77 level=1 path=/late               0'),
        at(
          'a 7',
          'cgroup:cgroup_attach_task: dst_root=0 dst_id=77 dst_level=1 dst_path=/late pid=7 comm=a               0',
        ),
        at('a 7', 'cgroup:cgroup_rmdir: root=0 id=77 level=1 path=/late               0'),
      ],
      ['*=/never'],
    );
    expect(untimed(rows.filter((row) => row.op !== 'anon_touch'))).toEqual([
      { op: 'mkdir', cgroup: 2, object: 1, flags: ops.FLAG_EXISTING, name: '/jobs' },
      { op: 'mkdir', cgroup: 3, object: 2, flags: ops.FLAG_EXISTING, name: '/jobs/one' },
      { op: 'spawn', task: 1, cgroup: 3, index: 7, name: 'a' },
      { op: 'mkdir', cgroup: 4, object: 2, flags: ops.FLAG_EXISTING, name: '/jobs/two' },
      { op: 'attach', task: 1, cgroup: 4 },
      { op: 'mkdir', cgroup: 5, object: 1, index: 77, name: '/late' },
      { op: 'attach', task: 1, cgroup: 5 },
      { op: 'rmdir', cgroup: 5 },
    ]);
    expect(report.unknowable.join()).not.toContain('in which cgroup');
  });

  it('come from rules otherwise: by pid, by command when it changes, else where the parent is', async () => {
    const { rows, report } = await importBytes(
      [
        sample('sh 7', 100),
        fork(7, 8),
        fork(7, 9),
        at('sh 8', 'PERF_RECORD_COMM exec: gcc:8/8'),
        at('sh 9', 'PERF_RECORD_COMM exec: ls:9/9'),
      ],
      ['pid:9=/nine', 'comm:gcc=/build', '*=/rest'],
    );
    const paths = new Map(rows.filter((row) => row.op === 'mkdir').map((row) => [row.cgroup, row.name]));
    const placed = rows.filter((row) => row.op === 'spawn' || row.op === 'attach');
    expect(placed.map((row) => [row.task, paths.get(row.cgroup)])).toEqual([
      [1, '/rest'],
      [3, '/nine'],
      [2, '/build'],
    ]);
    expect(report.unknowable.join()).toContain('as --cgroups says');
  });

  it('are unknown without either, and the report says how to help it', async () => {
    const { report } = await importBytes([sample('a 7', 100)]);
    expect(report.unknowable.join()).toContain("--cgroups '*=/job'");
  });
});

describe('dialects of perf script', () => {
  const parsed = (text: string) => {
    const line = emptyPerfLine();
    return parsePerfLine(text, 0, text.length, line)
      ? [line.comm, line.pid, line.tid, line.cpu, line.seconds, line.nanos, line.event, text.slice(line.fields).trim()]
      : null;
  };

  it.each([
    ['kworker/0:1-ev     9 [003]   12.000001: a:b: x', ['kworker/0:1-ev', -1, 9, 3, 12, 1000, 'a:b', 'x']],
    ['my prog 5 12/34 [000] 1.5: page-faults:  1', ['my prog 5', 12, 34, 0, 1, 500_000_000, 'page-faults', '1']],
    [
      'w1.sh 30276 [001] K      1678.411667649:          1 page-faults:u: 5',
      ['w1.sh', -1, 30276, 1, 1678, 411667649, 'page-faults:u', '5'],
    ],
    ['a 12/34 1.000000: PERF_RECORD_COMM exec: b:1/2', ['a', 12, 34, 0, 1, 0, 'PERF_RECORD_COMM', 'exec: b:1/2']],
    [' 12/34 [001] 1.000000: cpu/mem-loads,ldlat=30/P:  1', ['', 12, 34, 1, 1, 0, 'cpu/mem-loads,ldlat=30/P', '1']],
    [':-1    -1/-1    [000]  3.000000: a:b:', [':-1', -1, -1, 0, 3, 0, 'a:b', '']],
  ])('%s', (text, want) => {
    expect(parsed(text)).toEqual(want);
  });

  it('has no line in ftrace text, in chains or in prose', () => {
    expect(parsed('  kn-397     (    397) [001] d..1.   115.930977: cgroup_mkdir: root=0 id=254')).toBeNull();
    expect(parsed('          ffffffff817554ea elf_load+0x28a ([kernel.kallsyms])')).toBeNull();
    expect(parsed('It took 3.5: seconds: really')).toBeNull();
  });

  it('give the same rows with call chains, symbols, periods, nanoseconds and comments', async () => {
    const plain = [mmap('a 7', 100, 8, 'fe:00 5 1', 'rw-s', '/f'), sample('a 7', 100), sample('a 7', 101)];
    const rich = plain.flatMap((line, i) => [
      '# comment',
      '',
      line
        .replace(/(\.\d+):/, '$1000:')
        .replace('page-faults:', '     1 page-faults:')
        .replace(/$/, i === 0 ? '' : ' main+0x1 (/f)     7f42d0eafb70 _start+0x0 (/usr/lib/ld.so)'),
      ...(i === 0
        ? []
        : ['\t    7f42d0eafb70 _start+0x0 (/usr/lib/ld.so)', '            7f42d0eafb71 [unknown] ([stack])', '']),
    ]);
    const a = await importBytes(plain);
    const b = await importBytes(rich);
    expect(b.rows).toEqual(a.rows);
    expect(b.report.ignored).toEqual({ 'call chains, lines of': 4 });
  });

  it('count what was lost', async () => {
    const { report } = await importBytes([at('a 7', 'PERF_RECORD_LOST lost 123'), sample('a 7', 1)]);
    expect(report.lost).toEqual({ PERF_RECORD_LOST: 123 });
  });
});

describe('bad text', () => {
  it('is refused with file and line', async () => {
    const refuse = (lines: string[]) => importBytes(lines, [], 'perf-script');
    await expect(refuse(['# a', 'nonsense'])).rejects.toThrow(/recording:2: not a line of perf script/);
    await expect(refuse([])).rejects.toThrow(/recording: no event in this file/);
    await expect(refuse(['a 7 5.000000: page-faults: 1', 'a 7 3.000000: page-faults: 1'])).rejects.toThrow(
      /recording:2: time goes backwards by 2/,
    );
    const prose = Array.from({ length: 5000 }, () => 'x');
    await expect(refuse([sample('a 7', 1), ...prose])).rejects.toThrow(/recording:2: .*\(1001 of 1002\)/);
    await expect(refuse([sample('a 7', 1), 'b', 'c', 'd'])).rejects.toThrow(/recording:2: .*neither are most others/);
  });

  it('of any kind gives rows or one clear line', async () => {
    const good = gunzipSync(readFileSync(SHM)).toString('latin1').split('\n').slice(0, 260);
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(fc.nat(), fc.nat(), fc.constantFrom('0', ' ', ':', '/', '(', 'ffffffffffffffff', '-', '\t', '\0')),
          {
            minLength: 1,
            maxLength: 40,
          },
        ),
        async (changes) => {
          const lines = [...good];
          for (const [n, at, what] of changes) {
            const line = lines[n % lines.length]!;
            const i = at % (line.length + 1);
            lines[n % lines.length] = line.slice(0, i) + what + line.slice(i + 1);
          }
          try {
            const { rows } = await importBytes(Buffer.from(`${lines.join('\n')}\n`, 'latin1'), ROLES, 'perf-script');
            for (const row of rows) expect(Object.values(row).every((v) => typeof v === 'string' || v >= 0)).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(InputError);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
