import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as ops from '../../assembly/replay/ops.ts';
import { InputError } from '../../bindings/trace/input-error.ts';
import { memcharge, scratch } from './helpers.ts';
import { DELETES, EXECS, FAULTS, PerfBuilder, S, TRAPS, USUAL, type Where } from './perf-data-builder.ts';
import { firstTouches, importBytes, importFile, type PerfRow, untimed } from './perf-helpers.ts';

const W = ops.FLAG_WRITE;
const F = ops.FLAG_FAULT;
const EVENTS = [FAULTS, TRAPS, DELETES, EXECS];
const FILE = { major: 254, minor: 0, inode: 5 };

let clock = 5_000_000_000;
const by = (pid: number, tid = pid, cpu = 0): Where => {
  clock += 1001;
  return { time: clock, pid, tid, cpu };
};
const START: Where = { time: 0, pid: 0 };
const body = (rows: readonly PerfRow[], ...leaveOut: string[]) =>
  untimed(rows.filter((row) => !['spawn', 'object_new', 'map', ...leaveOut].includes(row.op)));

const RECORDED = join(import.meta.dirname, 'fixtures', 'shm.perf.data.gz');

describe('a part of a real recording', () => {
  it('gives the rows that the text gives which perf script printed of it, in every column', async () => {
    const rules = ['pid:31850=/job/producer', 'pid:31851=/job/a', 'pid:31852=/job/b', 'pid:31853=/job/again', '*=/job'];
    const data = await importFile(RECORDED, rules);
    const text = await importFile(RECORDED.replace('.data', '-script.txt'), rules);
    expect(data.report.format).toBe('perf-data');
    expect(data.rows).toEqual(text.rows);
    expect(data.rows).toHaveLength(555);
    expect(firstTouches(data.rows, '/dev/shm/memcharge-eco-demo')).toEqual({
      '/job/producer': 16,
      '/job/a': 8,
      '/job/b': 8,
    });
    // Nothing differs in what is said of them, but for what perf itself writes between the records.
    expect(data.report.understood).toEqual(text.report.understood);
    expect(data.report.ignored).toEqual(text.report.ignored);
  });

  it('gives rows or one clear line when it is damaged', async () => {
    const good = gunzipSync(readFileSync(RECORDED));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 30 }),
        async (changes) => {
          const bytes = Buffer.from(good);
          for (const [at, value] of changes) bytes[at] = value;
          try {
            const { rows } = await importBytes(bytes, [], 'perf-data');
            for (const row of rows) expect(Object.values(row).every((v) => typeof v === 'string' || v >= 0)).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(InputError);
          }
        },
      ),
      { numRuns: 100 },
    );
  }, 60_000);
});

/** Four processes share a tmpfs file, as the recorded plan has it. */
function sharing(b: PerfBuilder): Buffer[] {
  const plan: [pid: number, from: number, to: number, write: boolean][] = [
    [11, 0, 1024, true],
    [12, 0, 1536, false],
    [13, 512, 2048, true],
    [14, 0, 2048, true],
  ];
  const records = [b.comm(START, 10, 10, 'perf-exec'), b.comm(by(10), 10, 10, 'python3', true)];
  for (const [pid, from, to, write] of plan) {
    const shm = { minor: 27, inode: 2, prot: 3, flags: 1 };
    records.push(b.fork(by(10), pid, pid, 10), b.mmap2(by(pid), 4096, 2048, '/dev/shm/demo', shm));
    for (let page = from; page < to; page++) {
      const at = by(pid);
      records.push(b.trap(at, 4096 + page, write ? 6 : 4), b.sample(FAULTS, at, { page: 4096 + page }));
    }
    records.push(b.exit(by(pid), pid));
  }
  for (let index = 0; index < 2048; index++) records.push(b.delete(by(10), 0, 27, 2, index));
  return records;
}

describe('a recording of four processes that share a tmpfs file', () => {
  const RULES = ['pid:11=/producer', 'pid:12=/a', 'pid:13=/b', 'pid:14=/again', '*=/rest'];
  const b = new PerfBuilder(EVENTS);
  const records = sharing(b);

  it('shows who touched which page first, however it was written', async () => {
    const file = b.file(records);
    const want = await importBytes(file, RULES);
    expect(want.report.format).toBe('perf-data');
    expect(firstTouches(want.rows, '/dev/shm/demo')).toEqual({ '/producer': 1024, '/a': 512, '/b': 512 });
    expect(want.rows.filter((row) => row.op === 'file_access')).toHaveLength(1024 + 1536 + 1536 + 2048);
    expect(want.rows.filter((row) => row.op === 'truncate')).toMatchObject([{ count: 2048 }]);
    expect(want.report).toMatchObject({
      ignored: {},
      missing: [],
      understood: { 'page-faults': 6144, 'exceptions:page_fault_user': 6144 },
    });
    for (const other of [
      gzipSync(file),
      b.pipe(records),
      b.file(b.compressed(records, 50_000)),
      b.pipe(b.compressed(records, 4099)),
    ]) {
      const { rows } = await importBytes(other, RULES);
      expect(rows).toEqual(want.rows);
    }
  });

  it('can be read from standard input, formats after the records and all', async () => {
    const trace = join(scratch(), 'trace.arrow');
    for (const bytes of [b.file(records), gzipSync(b.file(records)), b.pipe(records)]) {
      const run = await memcharge(['import', '-', '--json', '-o', trace, '--cgroups', '*=/job'], bytes);
      expect(run.stderr).toBe('');
      expect(JSON.parse(run.stdout)).toMatchObject({ format: 'perf-data', written: { file_access: 6144 } });
    }
  }, 30_000);
});

describe('records', () => {
  const b = new PerfBuilder(EVENTS, USUAL | S.CGROUP);

  it('of processes, mappings and faults become the rows that their text becomes', async () => {
    const { rows } = await importBytes(
      b.file([
        b.comm(START, 7, 7, 'sh'),
        b.mmap2({ time: 0, pid: 7 }, 100, 8, '/lib/x', { ...FILE, offset: 3 }),
        b.trap(by(7), 100, 4),
        b.fork(by(7), 8, 8, 7),
        b.fork(by(7), 7, 9, 7),
        b.trap(by(7, 9), 101, 7),
        b.comm(by(8), 8, 8, 'ls', true),
        b.execTrace(by(8), '/bin/ls'),
        b.mmap2(by(8), 100, 8, '//anon'),
        b.trap(by(8), 101, 6),
        b.exit(by(8), 8),
      ]),
    );
    expect(untimed(rows)).toEqual([
      { op: 'spawn', task: 1, cgroup: 1, index: 7, name: 'sh' },
      { op: 'object_new', object: 1, count: 1, name: '/lib/x' },
      { op: 'map', task: 1, object: 1, index: 3, count: 8, flags: W },
      { op: 'file_access', task: 1, object: 1, index: 3, count: 1, flags: F },
      { op: 'fork', task: 1, object: 2, index: 8, name: 'sh' },
      { op: 'fork', task: 1, object: 3, index: 9, flags: ops.FLAG_THREAD, name: 'sh' },
      { op: 'unmap', task: 3, object: 1, index: 4, count: 1 },
      { op: 'anon_touch', task: 3, index: 101, count: 1, flags: W },
      { op: 'exec', task: 2, name: 'ls' },
      { op: 'anon_touch', task: 2, index: 101, count: 1, flags: W },
      { op: 'exit', task: 2 },
    ]);
  });

  it('place tasks by the cgroup of their samples', async () => {
    const { rows } = await importBytes(
      b.file([
        b.cgroup(START, 1, '/'),
        b.cgroup(START, 23, '/t'),
        b.sample(FAULTS, by(7), { page: 5, cgroup: 1 }),
        b.cgroup(by(7), 56, '/t/a'),
        b.sample(FAULTS, by(7), { page: 6, cgroup: 56 }),
        b.sample(FAULTS, by(7), { page: 7, cgroup: 99 }),
      ]),
      ['*=/never'],
    );
    expect(untimed(rows.filter((row) => row.op !== 'anon_touch'))).toEqual([
      { op: 'spawn', task: 1, cgroup: 1, index: 7 },
      { op: 'mkdir', cgroup: 2, object: 1, index: 23, flags: ops.FLAG_EXISTING, name: '/t' },
      { op: 'mkdir', cgroup: 3, object: 2, index: 56, name: '/t/a' },
      { op: 'attach', task: 1, cgroup: 3 },
      { op: 'mkdir', cgroup: 4, object: 1, flags: ops.FLAG_EXISTING, name: '/unknown-99' },
      { op: 'attach', task: 1, cgroup: 4 },
    ]);
  });

  it('say what was lost, and what is not used is counted by name', async () => {
    const { report } = await importBytes(
      b.file([b.sample(FAULTS, by(7), { page: 5 }), b.lost(by(7), 12), b.kernel(14, 0, by(7), Buffer.alloc(0))]),
    );
    expect(report.lost).toEqual({ PERF_RECORD_LOST: 12 });
    expect(report.ignored).toEqual({ PERF_RECORD_SWITCH: 1 });
  });

  it('of a mapping may name a build id, and inodes may be as large as they like', async () => {
    const big = 2n ** 63n + 5n;
    const mapped = b.mmap2(by(7), 300, 8, '/by/build-id', { inode: 9n });
    mapped.writeUInt16LE(mapped.readUInt16LE(4) | (1 << 14), 4);
    const { rows } = await importBytes(
      b.file([
        b.mmap2(by(7), 100, 8, '/a', { ...FILE, inode: big }),
        b.mmap2(by(7), 200, 8, '/b', { ...FILE, inode: big + 1n }),
        mapped,
        ...[100, 200, 300].map((page) => b.trap(by(7), page, 4)),
      ]),
    );
    expect(new Set(body(rows).map((row) => row.object)).size).toBe(3);
  });

  it('with a data source say whether a fault wrote', async () => {
    const { rows, report } = await importBytes(
      b.file([4, 2, 1].map((op, i) => b.sample(FAULTS, by(7), { page: 100 + i, op }))),
    );
    expect(body(rows).map((row) => row.flags ?? 0)).toEqual([W, 0, W]);
    expect(report.ambiguous['faults taken for writes']).toBe(1);
  });
});

describe('the layout of samples', () => {
  it('is found for every choice of fields', async () => {
    const optional = Object.values(S).filter((bit) => bit !== S.TID && bit !== S.TIME && bit !== S.RAW);
    await fc.assert(
      fc.asyncProperty(fc.subarray(optional), fc.nat(3), async (bits, extra) => {
        const type = bits.reduce((all, bit) => all | bit, S.TID | S.TIME | S.RAW | S.ADDR);
        const events = (type & (S.ID | S.IDENTIFIER)) === 0 ? [FAULTS] : [FAULTS, TRAPS];
        const b = new PerfBuilder(events, type, extra);
        const records = [
          b.mmap2(by(7, 8, 3), 100, 8, '/a', FILE),
          events.length === 2 ? b.trap(by(7, 8, 3), 101, 4) : b.sample(FAULTS, by(7, 8, 3), { page: 101, op: 2 }),
          b.exit(by(7, 8, 3), 7, 8),
        ];
        const { rows } = await importBytes(b.file(records));
        const fault = rows.find((row) => row.op === 'file_access')!;
        expect(fault).toMatchObject({ object: 1, index: 1, ...((type & S.CPU) === 0 ? {} : { cpu: 3 }) });
        expect(rows.at(-1)).toMatchObject({ op: 'exit', ns: clock });
      }),
      { numRuns: 150 },
    );
  });
});

describe('the order of records', () => {
  it('is that of time, whatever CPU and round they come in', async () => {
    const b = new PerfBuilder();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.tuple(fc.nat(1), fc.integer({ min: 1, max: 9 })), { maxLength: 12 }), { maxLength: 6 }),
        async (rounds) => {
          // Each round has what both CPUs saw up to its end, CPU after CPU; a CPU may be a round behind the other.
          let now = 1_000_000;
          const records: Buffer[] = [];
          let late: Buffer[] = [];
          const pages: number[] = [];
          for (const round of rounds) {
            const cpus: [Buffer[], Buffer[]] = [[], []];
            for (const [cpu, step] of round) {
              now += step;
              cpus[cpu]!.push(b.sample(FAULTS, { time: now, pid: 7, cpu }, { page: pages.length + 1 }));
              pages.push(pages.length + 1);
            }
            records.push(...late, ...cpus[0], b.round());
            late = cpus[1];
          }
          records.push(...late);
          if (pages.length === 0) return;
          const { rows, report } = await importBytes(b.file(records));
          expect(rows.filter((row) => row.op === 'anon_touch').map((row) => row.index)).toEqual(pages);
          expect(report.ambiguous['events out of order']).toBe(0);
        },
      ),
      { numRuns: 100 },
    );
  });
});

/** A tiny address space, page by page: what the rows must say, by another way. */
type Page = { kind: 'anon' } | { kind: 'file'; name: string; index: number; shared: boolean };

describe('random processes', () => {
  const step = fc.record({
    what: fc.constantFrom('map', 'map', 'anon', 'fork', 'exec', 'exit', 'fault', 'fault', 'fault', 'fault'),
    who: fc.nat(3),
    start: fc.nat(30),
    pages: fc.integer({ min: 1, max: 12 }),
    inode: fc.integer({ min: 1, max: 3 }),
    shared: fc.boolean(),
    write: fc.boolean(),
  });

  it('touch what a page-by-page model says, and text and perf.data agree in every column', async () => {
    const b = new PerfBuilder([FAULTS, TRAPS]);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        const records: Buffer[] = [];
        const text: string[] = [];
        const spaces = new Map<number, Map<number, Page>>([[101, new Map()]]);
        const want: string[] = [];
        let pid = 101;
        const line = (at: Where, rest: string) => {
          const time = `${Math.floor(Number(at.time) / 1e9)}.${String(Number(at.time) % 1e9).padStart(9, '0')}`;
          text.push(`${':x'.padStart(16)} ${at.pid}/${at.tid} [000] ${time}: ${rest}`);
        };
        for (const s of steps) {
          const alive = [...spaces.keys()];
          if (alive.length === 0) break;
          const who = alive[s.who % alive.length]!;
          const space = spaces.get(who)!;
          const at = by(who);
          const hex = (page: number) => (page * 4096).toString(16);
          if (s.what === 'map' || s.what === 'anon') {
            const anon = s.what === 'anon';
            const name = anon ? '//anon' : `/f${s.inode}`;
            const more = { major: 8, minor: 1, inode: s.inode, offset: s.start, flags: s.shared ? 1 : 2 };
            records.push(b.mmap2(at, 100 + s.start, s.pages, name, anon ? {} : more));
            const what = anon ? '@ 0 00:00 0 0' : `@ 0x${hex(s.start)} 08:01 ${s.inode} 0`;
            const prot = anon || !s.shared ? 'rw-p' : 'rw-s';
            const range = `[0x${hex(100 + s.start)}(0x${hex(s.pages)}) ${what}]`;
            line(at, `PERF_RECORD_MMAP2 ${who}/${who}: ${range}: ${prot} ${name}`);
            for (let i = 0; i < s.pages; i++)
              space.set(
                100 + s.start + i,
                anon ? { kind: 'anon' } : { kind: 'file', name, index: s.start + i, shared: s.shared },
              );
          } else if (s.what === 'fork') {
            pid++;
            records.push(b.fork(at, pid, pid, who));
            line(at, `PERF_RECORD_FORK(${pid}:${pid}):(${who}:${who})`);
            spaces.set(pid, new Map(space));
          } else if (s.what === 'exec') {
            records.push(b.comm(at, who, who, 'new', true));
            line(at, `PERF_RECORD_COMM exec: new:${who}/${who}`);
            spaces.set(who, new Map());
          } else if (s.what === 'exit') {
            records.push(b.exit(at, who));
            line(at, `PERF_RECORD_EXIT(${who}:${who}):(0:0)`);
            spaces.delete(who);
          } else {
            const page = 100 + s.start;
            records.push(b.trap(at, page, s.write ? 6 : 4));
            line(at, `exceptions:page_fault_user: address=0x${hex(page)} ip=0x1 error_code=0x${s.write ? 6 : 4}   0`);
            const there = space.get(page);
            const w = s.write ? ' write' : '';
            if (there?.kind !== 'file') want.push(`${who} anon ${page}${w}`);
            else if (there.shared || !s.write) want.push(`${who} ${there.name} ${there.index} fault${w}`);
            else want.push(`${who} ${there.name} ${there.index}`, `${who} anon ${page} write`);
          }
        }
        if (records.length === 0) return;
        const { rows } = await importBytes(b.file(records));
        const pids = new Map<number, number>();
        const names = new Map<number, string>();
        const got: string[] = [];
        for (const row of rows) {
          if (row.op === 'spawn') pids.set(row.task!, row.index!);
          if (row.op === 'fork') pids.set(row.object!, row.index!);
          if (row.op === 'object_new') names.set(row.object!, row.name!);
          const flags = `${((row.flags ?? 0) & F) === 0 ? '' : ' fault'}${((row.flags ?? 0) & W) === 0 ? '' : ' write'}`;
          if (row.op === 'anon_touch') got.push(`${pids.get(row.task!)} anon ${row.index}${flags}`);
          if (row.op === 'file_access')
            got.push(`${pids.get(row.task!)} ${names.get(row.object!)} ${row.index ?? 0}${flags}`);
        }
        expect(got).toEqual(want);
        expect((await importBytes(text)).rows).toEqual(rows);
      }),
      { numRuns: 200 },
    );
  });
});

describe('bad files', () => {
  const b = new PerfBuilder(EVENTS, USUAL | S.CGROUP | S.CALLCHAIN | S.REGS_USER);
  const some = () => [
    b.comm(START, 7, 7, 'sh'),
    b.mmap2(by(7), 100, 8, '/lib/x', FILE),
    b.trap(by(7), 100, 4),
    b.sample(FAULTS, by(7), { page: 100, cgroup: 5 }),
    b.round(),
    b.fork(by(7), 8, 8, 7),
    b.execTrace(by(8), '/bin/ls'),
    b.delete(by(8), 254, 0, 5, 1),
    b.exit(by(8), 8),
  ];
  const refused = async (bytes: Buffer) =>
    importBytes(bytes, [], 'perf-data').then(
      () => 'taken',
      (error) => {
        expect(error).toBeInstanceOf(InputError);
        return (error as Error).message;
      },
    );

  it('are refused with what is wrong and where', async () => {
    const good = b.file(some());
    expect(await refused(b.file(some(), { magic: '2ELIFREP' }))).toMatch(/big-endian/);
    expect(await refused(b.file(some(), { magic: 'PERFFILE' }))).toMatch(/before 2012/);
    expect(await refused(Buffer.from('hello\n'))).toMatch(/not a perf.data file/);
    expect(await refused(good.subarray(0, 60))).toMatch(/recording: cut at byte 60/);
    expect(await refused(b.pipe(some()).subarray(0, -3))).toMatch(/cut/);
    expect(await refused(b.file([Buffer.alloc(8)]))).toMatch(/byte \d+: a record of 0 bytes/);
    expect(await refused(b.pipe([b.record(81, 0, Buffer.from('damaged zstd stream'))]))).toMatch(/without a beginning/);
    const bomb = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(await refused(b.pipe([b.record(81, 0, bomb)]))).toMatch(
      /byte \d+: .*needs a window of \d+ MiB, 128 at most/,
    );
    const short = b.sample(FAULTS, by(7), { page: 5 });
    short.writeUInt32LE(1000, short.length - 6 * 8);
    expect(await refused(b.file([short]))).toMatch(/byte \d+: a sample of \d+ bytes is cut/);
    const backwards = [
      b.sample(FAULTS, { time: 9e9, pid: 1 }, { page: 1 }),
      b.round(),
      b.round(),
      b.sample(FAULTS, { time: 3e9, pid: 1 }, { page: 1 }),
    ];
    expect(await refused(b.file(backwards))).toMatch(/time goes backwards by 6/);
  });

  it('give no more than a zstd stream of repeated bytes can be trusted for', async () => {
    // Blocks of one byte that stands for 128 KiB, of which 12000 fit into one record: records of 0 bytes are refused at once, so
    // these are long ones of a type that nobody knows.
    const blocks = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 9 << 3])];
    for (let i = 0; i < 12000; i++) {
      const head = (131072 << 3) | 2;
      blocks.push(Buffer.of(head & 255, (head >> 8) & 255, head >> 16, 0x40));
    }
    expect(await refused(b.pipe([b.record(81, 0, Buffer.concat(blocks))]))).toMatch(
      /a compressed record of impossible size/,
    );
  });

  /** A frame of one stored block, the last or not. */
  const frame = (bytes: Buffer, last: boolean) => {
    const head = (bytes.length << 3) | Number(last);
    return Buffer.concat([
      Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0, 9 << 3, head & 255, (head >> 8) & 255, head >> 16),
      bytes,
    ]);
  };
  const trap = (page: number) => b.sample(FAULTS, by(7), { page });

  it('take several zstd frames, wherever they and the records in them begin and end', async () => {
    const all = Buffer.concat([trap(1), trap(2), trap(3)]);
    const [head, tail] = [all.subarray(0, 70), all.subarray(70)];
    const stream = Buffer.concat([frame(head, true), frame(tail, false)]);
    const expected = await importBytes(b.pipe([all]), [], 'perf-data');
    expect(expected.rows.filter((row) => row.op === 'anon_touch')).toHaveLength(3);
    for (let cut = 4; cut < stream.length; cut++) {
      const pieces = [b.record(81, 0, stream.subarray(0, cut)), b.record(81, 0, stream.subarray(cut))];
      const { rows } = await importBytes(b.pipe(pieces), [], 'perf-data');
      expect(rows).toEqual(expected.rows);
    }
  });

  it('are refused where a frame in the middle of a record asks for too much, or is none', async () => {
    const good = frame(trap(1), true);
    const before = b.pipe([]).length;
    const behind = async (bytes: readonly number[]) =>
      refused(b.pipe([b.record(81, 0, Buffer.concat([good, Buffer.from(bytes)]))]));
    const at = `recording: byte ${before}: a damaged compressed record`;
    expect(await behind([0x28, 0xb5, 0x2f, 0xfd, 0, 0xff, 0, 0, 0])).toContain(`${at} (needs a window of`);
    expect(await behind([0x28, 0xb5, 0x2f, 0xfd, 0xe0, ...Array(8).fill(0x7f)])).toContain(`${at} (needs a window of`);
    expect(await behind([0x28, 0xb5, 0x2f, 0xfd, 1, 9 << 3, 7])).toContain(`${at} (needs a dictionary`);
    expect(await behind([1, 2, 3, 4])).toContain(`${at} (something else where a zstd frame should begin)`);
    expect(await behind([0x28, 0xb5, 0x2f, 0xfd, 0, 9 << 3, 0x06, 0, 0])).toContain(`${at} (unknown block)`);
  });

  it('of perf record -z end with whole blocks, or say that the last one is missing', async () => {
    const stream = Buffer.concat([frame(trap(1), true), frame(trap(2), true)]);
    const first = frame(trap(1), true).length;
    const bytes = b.pipe([b.record(81, 0, stream.subarray(0, -5))]);
    const { rows, report } = await importBytes(bytes, [], 'perf-data');
    expect(rows.filter((row) => row.op === 'anon_touch')).toHaveLength(1);
    expect(report.missing.join()).toContain('left the last block of compressed records unfinished');
    const whole = await importBytes(b.pipe([b.record(81, 0, stream.subarray(0, first))]), [], 'perf-data');
    expect(whole.report.missing.join()).not.toContain('unfinished');
    const half = frame(trap(1).subarray(0, 30), false);
    expect(await refused(b.pipe([b.record(81, 0, half)]))).toContain('the last compressed record is cut');
  });

  it('that were cut anywhere, are rows or one clear line', async () => {
    for (const good of [b.file(some()), b.pipe(some()), b.file(b.compressed(some(), 150))])
      for (let length = 0; length < good.length; length += 13) await refused(good.subarray(0, length));
  });

  it('a recorder that was killed leaves what it wrote until then', async () => {
    const cut = new PerfBuilder([FAULTS]);
    const bytes = cut.file([cut.sample(FAULTS, by(7), { page: 5 }), cut.sample(FAULTS, by(7), { page: 6 })]);
    bytes.writeUInt32LE(0, 48);
    const { rows, report } = await importBytes(bytes.subarray(0, bytes.length - 40), [], 'perf-data');
    expect(rows.filter((row) => row.op === 'anon_touch').length).toBeGreaterThan(0);
    expect(report.missing.join()).toContain('stopped before it could finish');
  });

  it('of any kind give rows or one clear line', async () => {
    const seeds = [b.file(some()), b.pipe(some()), b.file(b.compressed(some(), 201))];
    await fc.assert(
      fc.asyncProperty(
        fc.nat(2),
        fc.array(
          fc.tuple(fc.nat(), fc.constantFrom(0, 1, 7, 8, 0x7f, 0x80, 0xff, 66, 71, 81), fc.integer({ min: 1, max: 8 })),
          {
            minLength: 1,
            maxLength: 6,
          },
        ),
        async (seed, changes) => {
          const bytes = Buffer.from(seeds[seed]!);
          for (const [at, value, width] of changes) {
            const from = at % bytes.length;
            bytes.fill(value, from, Math.min(from + width, bytes.length));
          }
          await refused(bytes);
        },
      ),
      { numRuns: Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 1000) },
    );
  }, 60_000);

  it('leave no trace behind, and one line on stderr', async () => {
    const folder = scratch();
    const path = join(folder, 'bad.data');
    writeFileSync(path, b.file(some()).subarray(0, 700));
    const run = await memcharge(['import', path, '-o', join(folder, 't.arrow')]);
    expect(run.code).toBe(2);
    expect(run.stderr.trim().split('\n')).toHaveLength(1);
    expect(run.stderr).toContain('bad.data');
  });
});
