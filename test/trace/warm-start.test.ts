/**
 * Warm start from a snapshot: a second of a real recording (Linux 6.1) of cgroups that existed before it, where one process frees 500
 * pages that nobody saw charged; and the rows, the report and the messages of the two commands that take a snapshot.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import * as O from '../../assembly/replay/ops.ts';
import { bootFor, replayTrace } from '../../bindings/replay/replay.ts';
import { WarmReplay } from '../../bindings/replay/warm.ts';
import { Against, type AgainstReport } from '../../bindings/report/against.ts';
import { readSamples } from '../../bindings/report/samples.ts';
import { openTrace } from '../../bindings/trace/arrow-reader.ts';
import { TraceWriter } from '../../bindings/trace/arrow-writer.ts';
import { importFiles } from '../../bindings/trace/formats.ts';
import { readInitial } from '../../bindings/trace/initial.ts';
import { type WarmReport, WarmStart } from '../../bindings/trace/warm-start.ts';
import { capture, line, memcharge, page, type Row, readRows, scratch } from './helpers.ts';

const real = (name: string) => fileURLToPath(new URL(`warm/${name}.gz`, import.meta.url));
const RECORDING = [real('truth.txt'), real('trace.txt')];

/** Imports with a warm start, or without. */
async function imported(files: readonly string[], warm?: WarmStart): Promise<string> {
  const path = join(scratch(), 'trace.arrow');
  const writer = new TraceWriter(path, { source: 'test', clock: 'test' });
  try {
    const { highWater } = await importFiles(files, writer, warm === undefined ? {} : { initial: warm });
    writer.close(highWater);
    return path;
  } finally {
    writer.abort();
  }
}

/** Replays beside the kernel's samples; the machine must add up. */
async function compared(path: string, warm: WarmReplay | null = null): Promise<AgainstReport> {
  const trace = await openTrace(path);
  try {
    const machine = await bootFor(trace, { kernel: '6.1' }, true, null, warm);
    const against = new Against(await readSamples(real('samples.jsonl')));
    const observer = {
      born: (memcg: number, id: number, ts: number) => against.born(memcg, id, ts),
      change: (change: Parameters<Against['change']>[0]) => against.change(change),
      passed: (ts: number) => against.passed(ts),
    };
    await replayTrace(machine, trace, observer, [], warm);
    expect(machine.audit()).toBeNull();
    return against.finish();
  } finally {
    await trace.close();
  }
}

describe('a real recording', () => {
  it('misses every sample without the snapshot', async () => {
    const { samples, exact } = await compared(await imported(RECORDING));
    expect([samples, exact]).toEqual([95, 0]);
  });

  it('meets every sample with it, whether import or replay is given it', async () => {
    const warm = await WarmStart.open(real('initial.txt'));
    const { samples, exact } = await compared(await imported(RECORDING, warm));
    expect([samples, exact]).toEqual([95, 95]);
    expect(warm.report).toMatchObject({ cgroups: 6, by_frame: 0, cut: 0, incomplete: 0 });
    const replay = new WarmReplay(await readInitial(real('initial.txt')));
    const cold = await compared(await imported(RECORDING), replay);
    expect([cold.samples, cold.exact]).toEqual([95, 95]);
  });

  it('would miss them if the snapshot said a page less', async () => {
    const { initial } = await WarmStart.open(real('initial.txt'));
    const quiet = initial.cgroups.find(({ path }) => path === '/quiet')!;
    quiet.current -= 4096;
    const report = await compared(await imported(RECORDING, new WarmStart(initial)));
    expect(report.cgroups['/quiet']).toMatchObject({ exact: 0, worst_bytes: 4096 });
    expect(report.exact).toBe(95 - 19);
  });
});

const SNAPSHOT = [
  'id 1 .',
  'id 5 ./a',
  'id 9 ./a/b',
  './a/memory.current:409600',
  './a/memory.max:819200',
  './a/memory.stat:anon 40960',
  './a/memory.stat:kernel 40960',
  './a/memory.stat:pagetables 12288',
  './a/memory.stat:slab 5000',
  './a/memory.stat:sock 4096',
  './a/b/memory.current:81920',
  './a/b/memory.stat:anon 40960',
  './a/b/memory.stat:kernel 0',
  './a/b/cgroup.procs:70',
];
/** A line of a process that the snapshot knows, and an uncharge that no charge came before. */
const LINES = [
  line(10, 'bash-70', 'uncharge', `page=${page(512)} md=0xffff8880deadbe00 cgid=9 kcgid=0 mapping=0xffff8881deadbe01`),
  line(11, 'bash-70', 'uncharge', `page=${page(513)} md=0xffff8880deadbe00 cgid=9 kcgid=0 mapping=0x0`),
  line(12, 'bash-70', 'uncharge', `page=${page(514)} md=0xffff8880deadbe02 cgid=0 kcgid=5 mapping=0x0`),
  line(13, 'bash-70', 'kmem_uncharge_page', `page=${page(516)} order=1 kcgid=5`),
  line(14, 'bash-70', 'kmem_uncharge_page', `page=${page(520)} order=0 kcgid=1`),
  line(15, 'bash-70', 'charge', `page=${page(600)} cgid=9 gfp=0xcc0 flags=0x0`),
];

function owners(at: Record<number, [ino: number, flags: number]>): string {
  const files = [0, 1].map((which) => {
    const words = new BigUint64Array(1024);
    for (const [pfn, it] of Object.entries(at)) words[Number(pfn)] = BigInt(it[which]!);
    const path = join(scratch(), `words${which}.bin`);
    writeFileSync(path, Buffer.from(words.buffer));
    return path;
  });
  return files.join(',');
}

async function rowsWith(pageOwners?: string): Promise<{ rows: Row[]; report: WarmReport }> {
  const warm = await WarmStart.open(capture(SNAPSHOT), pageOwners);
  const rows = await readRows(await imported([capture(LINES)], warm));
  return { rows, report: warm.report! };
}

const kind = (which: number) => which << O.FLAG_KIND_SHIFT;
const existing = O.FLAG_EXISTING;

describe('the rows of a warm start', () => {
  it('are cgroups, limits, tasks and amounts, before the first row of the recording', async () => {
    const { rows, report } = await rowsWith();
    const us = 10;
    const initial = (cgroup: number, index: number, which: number): Row => {
      const row: Row = { op: 'initial', us, cgroup, index };
      return which === 0 ? row : { ...row, flags: kind(which) };
    };
    expect(rows.slice(0, 13)).toEqual([
      { op: 'mkdir', us, cgroup: 2, object: 1, index: 5, flags: existing, name: '/a' },
      { op: 'write_knob', us, cgroup: 2, index: 200, count: O.KNOB_MAX, name: '/a/memory.max 819200' },
      { op: 'mkdir', us, cgroup: 3, object: 2, index: 9, flags: existing, name: '/a/b' },
      { op: 'spawn', us, task: 1, cgroup: 3, index: 70 },
      { op: 'kmem_charge', us, cgroup: 2, count: 5000, flags: kind(O.KIND_SLAB) | existing },
      initial(2, 3, O.KIND_PAGETABLE),
      initial(2, 5, O.KIND_KERNEL_OTHER),
      initial(2, 1, O.KIND_SOCK),
      initial(2, 69, O.KIND_STOCK),
      initial(3, 10, O.KIND_ANON),
      initial(3, 10, O.KIND_STOCK),
      { op: 'uncharge', us, task: 1, cgroup: 3, index: 512 },
      { op: 'uncharge', us: 11, task: 1, cgroup: 3, index: 513, flags: kind(O.KIND_FILE) },
    ]);
    expect(rows.slice(13).map(({ op, cgroup, flags }) => [op, cgroup, flags])).toEqual([
      ['uncharge', 2, kind(O.KIND_PAGETABLE)],
      ['kmem_free', 2, kind(O.KIND_KERNEL_STACK) | O.FLAG_BY_FRAME | 1],
      ['uncharge_flush', undefined, undefined],
      ['charge', 3, undefined],
    ]);
    expect(report).toMatchObject({ cgroups: 2, tasks: 1, pages: 100, by_frame: 0, stock: 79, cut: 0 });
  });

  it('name the frames whose owner is known, and leave the rest as amounts', async () => {
    const ANON = 1 << 12;
    const { rows, report } = await rowsWith(
      owners({ 512: [9, ANON], 514: [5, 1 << 26], 516: [5, 0], 700: [77, ANON], 800: [1, ANON] }),
    );
    expect(
      rows.filter(({ op, index = 0, flags = 0 }) => op !== 'mkdir' && (flags & existing) !== 0 && index > 0),
    ).toEqual([
      { op: 'charge', us: 10, cgroup: 3, index: 512, flags: existing },
      { op: 'kmem_charge', us: 10, cgroup: 2, index: 514, flags: kind(O.KIND_PAGETABLE) | existing | O.FLAG_BY_FRAME },
      {
        op: 'kmem_charge',
        us: 10,
        cgroup: 2,
        index: 516,
        flags: kind(O.KIND_KERNEL_OTHER) | existing | O.FLAG_BY_FRAME,
      },
    ]);
    expect(rows.find(({ op, cgroup }) => op === 'initial' && cgroup === 3)).toMatchObject({ index: 9 });
    // The second page of an order-1 allocation says no owner: it is given back as an amount.
    const freed = rows.filter(({ op }) => op === 'kmem_free');
    expect(freed.map(({ cgroup, index }) => [cgroup, index])).toEqual([
      [undefined, 516],
      [2, 517],
    ]);
    expect(report).toMatchObject({ pages: 100, by_frame: 3, foreign: 1, beyond: 0 });
  });
});

it('a huge folio from before is uncharged whole, once its free says how large it is', async () => {
  const lines = [
    line(
      10,
      'bash-70',
      'uncharge',
      `page=${page(1024)} md=0xffff8880deadbe00 cgid=9 kcgid=0 mapping=0xffff8881deadbe01`,
    ),
    line(11, 'bash-70', 'mm_page_free', 'page=00000000deadbeef pfn=0x400 order=2'),
    line(12, 'bash-70', 'mm_page_free', 'page=00000000deadbeef pfn=0x500 order=0'),
  ];
  const rows = await readRows(await imported([capture(lines)], await WarmStart.open(capture(SNAPSHOT))));
  const frees = rows.filter(({ us, op }) => us > 10 || op === 'uncharge');
  expect(frees.map(({ op, cgroup, index, flags }) => [op, cgroup, index, flags])).toEqual([
    ['uncharge', 3, 512, undefined],
    ['uncharge', 3, 513, undefined],
    ['uncharge', 3, 514, 1],
    ['uncharge_flush', undefined, undefined, undefined],
    ['page_free', undefined, 512, 2],
    ['page_free', undefined, 768, undefined],
  ]);
});

describe('the commands', () => {
  it('say what the snapshot brought', async () => {
    const trace = join(scratch(), 't.arrow');
    const done = await memcharge(['import', ...RECORDING, '--initial', real('initial.txt'), '-o', trace, '--json']);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(done.stdout).initial).toMatchObject({ snapshot: real('initial.txt'), cgroups: 6 });
    const twice = await memcharge(['replay', trace, '--initial', real('initial.txt')]);
    expect(twice.code).toBe(2);
    expect(twice.stderr).toMatch(/^memcharge: \S+t\.arrow: row \d+: the trace has a warm start of its own; .*\n$/);
  });

  it('replay --initial gives every cgroup its figures and obeys --set', async () => {
    const trace = await imported(RECORDING);
    const args = ['replay', trace, '--initial', real('initial.txt'), '--kernel', '6.1', '--json', '--audit'];
    const done = await memcharge([...args, '--set', '/quiet:memory.max=1M']);
    expect(done.code).toBe(0);
    expect(done.stderr).toMatch(/^memcharge: warning: recorded residency: [^\n]*\n$/);
    const { cgroups, audit } = JSON.parse(done.stdout);
    expect(audit).toBe('ok');
    expect(cgroups['/quiet']).toMatchObject({ kernel_id: 155, 'memory.current': 569344 });
    expect(cgroups['/svc']['memory.current']).toBe(15642624);
  });

  it.each([
    [['import', ...RECORDING, '-o', 'x.arrow', '--page-owners', 'f'], '--page-owners needs --initial'],
    [['import', ...RECORDING, '-o', 'x.arrow', '--initial', '/nonexistent'], '/nonexistent: '],
    [['import', ...RECORDING, '-o', 'x.arrow', '--initial', '-'], 'cannot be read from standard input'],
    [['import', ...RECORDING, '-o', real('initial.txt'), '--initial', real('initial.txt')], 'is one of the captures'],
    [['replay', '-', '--initial', '-'], 'standard input can be given once only'],
  ])('%j ends with one line and status 2', async (args, message) => {
    const done = await memcharge(args);
    expect(done.code).toBe(2);
    expect(done.stderr).toContain(message);
    expect(done.stderr).toMatch(/^memcharge: [^\n]*\n$/);
  });
});
