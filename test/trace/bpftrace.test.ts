/** The bpftrace importer, on lines written here and on a cut of a recording of Linux 6.1 (every 16th page of its shared file). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as ops from '../../assembly/replay/ops.ts';
import { CpuOrder } from '../../bindings/trace/cpu-order.ts';
import type { Row } from './helpers.ts';
import { importBytes, refusal, survive } from './tables.ts';

const root = join(import.meta.dirname, '../..');
const recording = gunzipSync(readFileSync(join(import.meta.dirname, 'bpftrace/light.csv.gz')));
const HEADER = 'memcharge,1,light\n';
/** A line: event, µs, cpu, pid, tid, cgroup, and the rest. */
const at = (event: string, us: number, who: string, rest: string, cpu = 0) =>
  `${event},${us * 1000},${cpu},${who}${rest === '' ? '' : `,${rest}`}\n`;
const A = '10,10,56';
const FILE = '266338304,131,7';

async function rowsOf(...lines: string[]): Promise<Row[]> {
  return (await importBytes(HEADER + lines.join(''))).rows;
}
const memory = (rows: readonly Row[]) =>
  rows
    .filter((row) => !['mkdir', 'spawn', 'object_new'].includes(row.op))
    .map(({ op, task, object, index = 0, count, flags }) => [op, task, object, index, count, flags]);

describe('faults', () => {
  test('on files: shared and private, read and written, there already or not', async () => {
    const rows = await rowsOf(
      at('name', 1, A, '266338304,131,libc.so.6'),
      at('file', 2, A, `0,596,4,7f0000001abc,71,${FILE},5,0,cat`),
      at('file', 3, A, `0,597,6,7f0000002abc,fb,${FILE},6,0,cat`),
      at('file', 4, A, `0,597,6,7f0000003abc,73,${FILE},7,0,cat`),
      at('file', 5, A, `0,597,7,7f0000004abc,73,${FILE},8,0,cat`),
      at('file', 6, A, '0,597,6,7f0000005abc,fb,23,14,99,0,1,cat'),
    );
    expect(rows.filter((row) => row.op === 'object_new').map((row) => [row.name, row.count])).toEqual([
      ['254:0:131 libc.so.6', ops.OBJECT_FILE],
      ['0:23:14', ops.OBJECT_SHMEM],
    ]);
    expect(memory(rows)).toEqual([
      ['file_access', 1, 1, 5, 1, ops.FLAG_FAULT],
      ['file_access', 1, 1, 6, 1, ops.FLAG_FAULT | ops.FLAG_WRITE],
      ['file_access', 1, 1, 7, 1, ops.FLAG_READAHEAD],
      ['anon_touch', 1, undefined, 0x7f0000003, 1, ops.FLAG_WRITE],
      ['unmap', 1, 1, 8, 1, undefined],
      ['anon_touch', 1, undefined, 0x7f0000004, 1, ops.FLAG_WRITE],
      ['file_access', 1, 2, 0, 1, ops.FLAG_FAULT | ops.FLAG_WRITE],
    ]);
  });

  test('on memory of devices and hugetlb pages, and tried again, are left out and counted', async () => {
    const { rows, report } = await importBytes(
      HEADER +
        at('file', 2, A, `0,596,4,7f0000001abc,c0600fb,${FILE},5,0,cat`) +
        at('file', 2, A, `0,596,4,7f0000001abc,4000fb,${FILE},5,0,cat`) +
        at('anon', 2, A, '0,628,4,7f0000001abc,cat'),
    );
    expect(memory(rows)).toEqual([]);
    expect(report.ignored).toMatchObject({ 'faults on memory of devices': 1, 'faults on hugetlb pages': 1 });
    expect(report.ambiguous).toMatchObject({ 'faults tried again, counted once': 1 });
  });

  test('of an exec under way count for the memory after it, of others for whose memory it is', async () => {
    const rows = await rowsOf(
      at('anon', 1, A, '10,597,0,7fffffffe000,sh'),
      at('exec', 2, A, '10,/bin/a,b'),
      at('anon', 3, '20,20,1', '10,597,0,5000,gdb'),
    );
    expect(rows.map((row) => [row.op, row.task, row.index, row.name])).toEqual([
      ['mkdir', undefined, 56, '/unknown-56'],
      ['spawn', 1, 10, 'sh'],
      ['exec', 1, undefined, '/bin/a,b'],
      ['anon_touch', 1, 0x7fffffffe, undefined],
      ['spawn', 2, 20, 'gdb'],
      ['anon_touch', 1, 5, undefined],
    ]);
  });

  test('an inode number that another file has got is another object', async () => {
    const rows = await rowsOf(
      at('file', 1, A, '0,596,4,7f0000001abc,71,1,131,7,5,0,cat'),
      at('file', 2, A, '0,596,4,7f0000001abc,71,1,131,8,5,0,cat'),
      at('file', 3, A, '0,596,4,7f0000001abc,71,1,18446744073709551615,8,5,0,cat'),
    );
    expect(
      rows.filter((row) => row.object !== undefined && row.op !== 'mkdir').map((row) => [row.op, row.object]),
    ).toEqual([
      ['object_new', 1],
      ['file_access', 1],
      ['object_free', 1],
      ['object_new', 2],
      ['file_access', 2],
      ['object_new', 3],
      ['file_access', 3],
    ]);
  });
});

test('page-cache lines become runs: read ahead after a fault, read otherwise; deleted and written ones, too', async () => {
  const page = (event: string, us: number, index: number, order = 0) =>
    at(event, us, A, `266338304,131,${index},${order},cat`);
  const rows = await rowsOf(
    at('file', 1, A, `0,596,4,7f0000001abc,71,${FILE},5,0,cat`),
    page('add', 2, 5),
    page('add', 3, 6),
    page('add', 4, 7),
    at('anon', 5, A, '0,597,6,1000,cat'),
    page('add', 6, 8, 2),
    page('add', 7, 12),
    page('add', 8, 20),
    page('delete', 9, 5),
    page('delete', 10, 6),
    at('write', 11, A, `${FILE},4095,2,1,cat`),
    at('unmap', 12, A, '7f0000001000,8193'),
    at('unmap', 13, A, '7f0000001001,8193'),
  );
  expect(rows.map((row) => row.us)).toEqual([...rows.map((row) => row.us)].sort((a, b) => a - b));
  expect(memory(rows).slice(1)).toEqual([
    ['file_access', 1, 1, 6, 2, ops.FLAG_READAHEAD],
    ['anon_touch', 1, undefined, 1, 1, ops.FLAG_WRITE],
    ['file_access', 1, 1, 8, 5, undefined],
    ['file_access', 1, 1, 20, 1, undefined],
    ['truncate', 1, 1, 5, 2, undefined],
    ['file_access', 1, 1, 0, 2, ops.FLAG_WRITE],
    ['anon_free', 1, undefined, 0x7f0000001, 3, undefined],
  ]);
});

test('tasks that have exited are kept while their last lines may come, and not for ever', async () => {
  const touch = (us: number, pid: number) => at('anon', us, `${pid},${pid},56`, '0,597,6,519258,w');
  const exit = (us: number, pid: number) => at('exit', us, `${pid},${pid},56`, 'w');
  const others = (count: number) => Array.from({ length: count }, (_, i) => exit(10 + i, 1000 + i));
  const spawned = async (count: number) =>
    (await rowsOf(touch(1, 7), exit(2, 7), ...others(count), touch(5000, 7))).filter((row) => row.op === 'spawn')
      .length;
  expect(await spawned(1023)).toBe(1 + 1023);
  expect(await spawned(1024)).toBe(1 + 1024 + 1);
});

test('tasks and cgroups: fork with and without shared memory, moves of a process with its threads, paths from before', async () => {
  const rows = await rowsOf(
    'cgroup,0,0,0,0,0,40,/user\n',
    'cgroup,0,0,0,0,0,56,/user/a\n',
    at('fork', 1, A, '11,1200000,sh'),
    at('fork', 2, A, '12,3d0f00,sh'),
    at('mkdir', 3, '10,10,56', '0,99,/user/b'),
    at('mkdir', 3, '10,10,56', '4,98,/v1'),
    at('attach', 4, '10,10,56', '0,99,10,/user/b'),
    at('exit', 5, '10,12,99', 'sh'),
    at('exit', 6, '11,11,99', 'sh'),
    at('rmdir', 7, '10,10,99', '0,99,/user/b'),
    at('end', 8, '1,1,1', ''),
  );
  expect(rows.map(({ op, task, cgroup, object, flags, name }) => [op, task, cgroup, object, flags, name])).toEqual([
    ['mkdir', undefined, 2, 1, ops.FLAG_EXISTING, '/user'],
    ['mkdir', undefined, 3, 2, ops.FLAG_EXISTING, '/user/a'],
    ['spawn', 1, 3, undefined, undefined, ''],
    ['fork', 1, undefined, 2, undefined, 'sh'],
    ['fork', 1, undefined, 3, ops.FLAG_THREAD, 'sh'],
    ['mkdir', undefined, 4, 2, undefined, '/user/b'],
    ['attach', 1, 4, undefined, undefined, undefined],
    ['attach', 3, 4, undefined, undefined, undefined],
    ['exit', 3, undefined, undefined, undefined, undefined],
    // No line moved it: its own line shows another cgroup.
    ['attach', 2, 4, undefined, undefined, undefined],
    ['exit', 2, undefined, undefined, undefined, undefined],
    ['rmdir', undefined, 4, undefined, undefined, undefined],
  ]);
});

test('--cgroups speaks for tasks that the recording has in the root', async () => {
  const text = HEADER + at('anon', 1, '10,10,1', '0,597,6,1000,cat') + at('anon', 2, '11,11,56', '0,597,6,1000,cat');
  const { rows } = await importBytes(text, { cgroups: ['comm:cat=/cats'] });
  expect(rows.filter((row) => row.op === 'spawn').map((row) => row.cgroup)).toEqual([2, 3]);
  expect(rows.filter((row) => row.op === 'mkdir').map((row) => row.name)).toEqual(['/cats', '/unknown-56']);
});

test('the full script: charges by frame, with what they hold, refusals, kernel pages, migration', async () => {
  const base = 0xfffff5a500000000n;
  const frame = (pfn: number) => (base + BigInt(pfn) * 64n).toString(16);
  const { rows } = await importBytes(
    `memcharge,1,full,${base.toString(16)}\n` +
      at('holds', 1, A, `${frame(1000)},23,14,3,1`) +
      at('charge', 1, A, `${frame(1000)},56,cc0`) +
      at('alloc', 2, A, '1536,2') +
      at('charge', 2, A, `${frame(1536)},56,cc0`) +
      at('refused', 3, A, frame(1536)) +
      at('kcharge', 4, A, `${frame(1001)},0`) +
      at('migrate', 5, A, `${frame(1000)},${frame(1002)}`) +
      at('uncharge', 6, A, `${frame(1002)},56`) +
      at('kuncharge', 7, A, `${frame(1001)},0`) +
      at('exit', 8, A, 'cat'),
  );
  // Blocks of 512 frames in order of first use: 512…1023 is block 1, 1536…2047 block 2.
  expect(
    rows.slice(2).map(({ op, cgroup, object, index = 0, count, flags }) => [op, cgroup, object, index, count, flags]),
  ).toEqual([
    ['object_new', undefined, 1, 0, ops.OBJECT_SHMEM, undefined],
    ['charge', 2, 1, 1000, 3, ops.KIND_SHMEM << ops.FLAG_KIND_SHIFT],
    ['progress', undefined, undefined, 0, undefined, undefined],
    ['charge', 2, undefined, 1024, undefined, 2],
    ['page_free', undefined, undefined, 1024, undefined, 2],
    ['progress', undefined, undefined, 0, undefined, undefined],
    [
      'kmem_charge',
      undefined,
      undefined,
      1001,
      undefined,
      (ops.KIND_KERNEL_OTHER << ops.FLAG_KIND_SHIFT) | ops.FLAG_BY_FRAME,
    ],
    ['progress', undefined, undefined, 0, undefined, undefined],
    ['migrate', undefined, undefined, 1000, 1002, undefined],
    ['uncharge', 2, undefined, 1002, undefined, undefined],
    ['kmem_free', undefined, undefined, 1001, undefined, ops.FLAG_BY_FRAME],
    ['uncharge_flush', undefined, undefined, 0, undefined, undefined],
    ['exit', undefined, undefined, 0, undefined, undefined],
  ]);
});

describe('a recording of Linux 6.1', () => {
  test('says who touched the shared file first: 1024, 512 and 512 pages, of which every 16th is here', async () => {
    const { rows, report } = await importBytes(recording);
    expect(report.format).toBe('bpftrace');
    expect(report.lost).toEqual({});
    const paths = new Map<number, string>();
    const tasks = new Map<number, number>();
    let shared = 0;
    const seen = new Set<number>();
    const first = new Map<string, number>();
    for (const row of rows) {
      if (row.op === 'mkdir') paths.set(row.cgroup!, row.name!);
      if (row.op === 'spawn' || row.op === 'attach') tasks.set(row.task!, row.cgroup!);
      if (row.op === 'fork') tasks.set(row.object!, tasks.get(row.task!)!);
      if (row.op === 'object_new' && row.name!.startsWith('0:23:14')) shared = row.object!;
      if (row.op !== 'file_access' || row.object !== shared || seen.has(row.index ?? 0)) continue;
      seen.add(row.index ?? 0);
      const path = paths.get(tasks.get(row.task!)!)!;
      first.set(path, (first.get(path) ?? 0) + 1);
    }
    expect([...first]).toEqual([
      ['/t/c1', 64],
      ['/t/c2', 32],
      ['/t/c3', 32],
    ]);
  });

  test('is the same as JSON, and in any order of its CPUs', async () => {
    const lines = recording.toString('latin1').trimEnd().split('\n');
    const { rows } = await importBytes(recording);
    const json = lines.map(
      (line) =>
        `${JSON.stringify({ type: 'printf', data: `${line}\n` })
          .replace(/":/g, '": ')
          .replace(',"data', ', "data')}\n`,
    );
    const fromJson = await importBytes(`{"type": "attached_probes", "data": {"probes": 16}}\n${json.join('')}`);
    expect(fromJson.report.format).toBe('bpftrace');
    expect(fromJson.rows).toEqual(rows);
    // As a recorder does that empties one buffer after the other.
    const cpu = (line: string) => line.split(',')[2]!;
    const drained: string[] = [HEADER.trimEnd()];
    for (let from = 0; from < lines.length; from += 64)
      for (const which of ['1', '0'])
        drained.push(...lines.slice(from, from + 64).filter((line) => cpu(line) === which));
    expect((await importBytes(`${drained.join('\n')}\n`)).rows).toEqual(rows);
  });

  test('counts what the recorder lost', async () => {
    const text = `Attaching 16 probes...\n${HEADER}Lost 7 events\n${at('exit', 1, A, 'x')}Lost 5 events\n@map[1]: 2\n`;
    expect((await importBytes(text)).report.lost).toEqual({ events: 12 });
    const json = `{"type": "lost_events", "data": {"events": 9}}\n{"type": "printf", "data": "exit,1,0,1,1,1,x\\n"}\n`;
    expect((await importBytes(json)).report.lost).toEqual({ events: 9 });
  });

  test('a thousand damaged recordings are read or refused in one line', async () => {
    const some = recording.subarray(0, recording.indexOf(10, 6000) + 1);
    expect(await survive(some, 1000, { format: 'bpftrace' })).toBeGreaterThan(200);
  }, 60_000);
});

test.each([
  [`${HEADER}exit,1,0,10\n`, 'input:2: exit: field pid: the line is cut after it'],
  [`${HEADER}exit,x,0,10,10,1,sh\n`, 'input:2: exit: field nsecs: "x" is not its number'],
  [`${HEADER}exit,1,70000,10,10,1,sh\n`, 'input:2: exit: field cpu: "70000" is not its number'],
  [`${HEADER}anon,1,0,10,10,1,0,597,6,xyz,sh\n`, 'input:2: anon: field address: "xyz" is not its number'],
  [`${HEADER}unmap,1,0,10,10,1,1000,12,13\n`, 'input:2: unmap: field length: "12" is not its number'],
  [`${HEADER}mkdir,1,0,10,10,1,0,99,a/b\n`, 'input:2: mkdir: field path: "a/b" is not a path of a cgroup'],
  ['memcharge,2,light\nexit,1,0,10,10,1,sh\n', 'input:1: a script of version 2, known is 1'],
  [`${HEADER}exit,1,0,10,10,1,sh`, 'input:2: the last line is cut (no newline at the end of the file)'],
  [HEADER, 'input: no event of the bpftrace scripts in this file'],
  ['what is this\n', 'input:1: not a line of the bpftrace scripts'],
])('%j is refused', async (text, message) => {
  expect(await refusal(text, { format: 'bpftrace' })).toBe(message);
});

test('the order of time is found again, however CPUs are drained', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(7), fc.nat(20), fc.nat(50)), { maxLength: 300 }), (bursts) => {
      // Each burst: a CPU, so many lines of it, each so much later than the CPU's last.
      const times = new Map<number, number>();
      const order = new CpuOrder(1e9, 1e6);
      let added = 0;
      for (const [cpu, lines, step] of bursts) {
        for (let i = 0; i < lines; i++) {
          const time = (times.get(cpu) ?? 0) + step;
          times.set(cpu, time);
          order.add(cpu, time, `${cpu}`, added++);
        }
      }
      const out: number[] = [];
      const last = new Map<string, number>();
      while (order.next(true)) {
        expect(last.get(order.text) ?? -1).toBeLessThan(order.line);
        last.set(order.text, order.line);
        out.push(order.time);
      }
      expect(out).toHaveLength(added);
      expect(out).toEqual([...out].sort((a, b) => a - b));
      expect(order.late).toBe(0);
    }),
  );
});

test('the full script does all that the light one does', () => {
  const script = (name: string) => readFileSync(join(root, `docs/record/${name}.bt`), 'utf8');
  const probes = (text: string) =>
    text.slice(text.indexOf('// The error code'), text.indexOf('// alloc:')).split('END\n')[0]!.trim();
  expect(probes(script('memcharge-light').replace('END\n', '// alloc:'))).toBe(probes(script('memcharge-full')));
});
