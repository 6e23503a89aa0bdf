import { describe, expect, it } from 'vitest';
import * as ops from '../../assembly/replay/ops.ts';
import { parsePages } from '../../bindings/trace/knobs.ts';
import { importLines, line, opsOf, page, VMEMMAP } from './helpers.ts';

const P = '..Zff';
const SLAB = ops.KIND_SLAB << ops.FLAG_KIND_SHIFT;
const alloc = (at: number, who: string, pfn: number, order = 0, flags = '.....') =>
  line(
    at,
    who,
    'mm_page_alloc',
    `page=00000000deadbeef pfn=0x${pfn.toString(16)} order=${order} migratetype=1 gfp_flags=GFP_KERNEL`,
    0,
    flags,
  );
const free = (at: number, who: string, pfn: number, order = 0, flags = '.....') =>
  line(at, who, 'mm_page_free', `page=00000000deadbeef pfn=0x${pfn.toString(16)} order=${order}`, 0, flags);
const charge = (at: number, who: string, pfn: number, cgid: number, base = VMEMMAP) =>
  line(at, who, 'charge', `(charge_memcg+0x5/0xf0) page=${page(pfn, base)} cgid=${cgid} gfp=0xcc0 flags=0x0`, 0, P);
const uncharge = (at: number, who: string, pfn: number, cgid: number, md = '0xffff888003d48000') =>
  line(
    at,
    who,
    'uncharge',
    `(x+0x5/0x1) page=${page(pfn)} md=${md} cgid=${cgid} kcgid=18446719884462663424 mapping=0x0`,
    0,
    P,
  );
const online = (at: number, cgid: number) =>
  line(at, 'sh-9', 'css_online', `(x+0x5/0x1) memcg=0xffff888005c70000 cgid=${cgid}`, 0, P);
const offline = (at: number, cgid: number) =>
  line(at, 'kw-8', 'css_offline', `(x+0x5/0x1) memcg=0xffff888005c70000 cgid=${cgid}`, 0, P);
const mkdir = (at: number, cgid: number, path: string) =>
  line(at, 'sh-9', 'cgroup_mkdir', `root=0 id=${cgid} level=1 path=${path}`);
const attach = (at: number, cgid: number, path: string, pid: number) =>
  line(at, 'sh-9', 'cgroup_attach_task', `dst_root=0 dst_id=${cgid} dst_level=1 dst_path=${path} pid=${pid} comm=a b`);
const objcg = (at: number, what: 'charge' | 'uncharge', cgid: number, size: number, cpu = 0, flags = P) =>
  line(at, 'w-5', `objcg_${what}`, `(x+0x5/0x1) cgid=${cgid} size=${size}`, cpu, flags);
const fault = (at: number, who: string) =>
  line(at, who, 'page_fault_user', 'address=0x1 ip=0x2 error_code=0x7', 0, 'd....');

it('keeps tasks that have exited while their last lines may come, and not for ever', async () => {
  const exit = (at: number, pid: number) => line(at, `w-${pid}`, 'sched_process_exit', `comm=w pid=${pid} prio=120`);
  const spawned = async (others: number) => {
    const exits = Array.from({ length: others }, (_, i) => exit(3 + i, 1000 + i));
    const { rows } = await importLines([online(1, 2), alloc(2, 'w-7', 5), exit(2, 7), ...exits, alloc(9000, 'w-7', 6)]);
    return rows.filter((row) => row.op === 'spawn' && row.index === 7).length;
  };
  expect(await spawned(1023)).toBe(1);
  expect(await spawned(1024)).toBe(2);
});

describe('merge', () => {
  it('puts public lines first at equal times and keeps the order within a file', async () => {
    const truth = [charge(100, 'w-5', 0x1001, 1), charge(100, 'w-5', 0x1002, 1), charge(101, 'w-5', 0x1003, 1)];
    const trace = [alloc(100, 'w-5', 0x1001), alloc(100, 'w-5', 0x1002), alloc(101, 'w-5', 0x1003)];
    const want = ['page_alloc', 'page_alloc', 'charge', 'charge', 'page_alloc', 'charge'];
    expect(opsOf((await importLines(truth, trace)).rows)).toEqual(want);
    expect(opsOf((await importLines(trace, truth)).rows)).toEqual(want);
  });

  it('refuses time that goes backwards, with file and line', async () => {
    await expect(importLines(['# comment', alloc(1000, 'w-5', 1), alloc(799, 'w-5', 2)])).rejects.toThrow(
      /capture\.txt:3: time goes backwards: 0\.000799 after 0\.001000/,
    );
  });

  it('takes a small step of the clock for the same time, and counts it', async () => {
    const { rows, report } = await importLines(
      [charge(100, 'w-5', 0x1001, 1)],
      [alloc(1000, 'w-5', 1), alloc(800, 'w-5', 2)],
    );
    expect(report.ambiguous['small steps of the clock']).toBe(1);
    const times = rows.map((row) => row.us);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('says that the probes are missing', async () => {
    await expect(importLines([alloc(100, 'w-5', 1)])).rejects.toThrow(/no probe lines/);
  });

  it('refuses lost events and lines that do not parse', async () => {
    await expect(importLines([charge(1, 'w-5', 1, 1), 'CPU:1 [LOST 52 EVENTS]'])).rejects.toThrow(
      ':2: the recording is incomplete: CPU 1 lost 52 events',
    );
    await expect(importLines([charge(1, 'w-5', 1, 1), 'garbage'])).rejects.toThrow(
      ':2: not a line of ftrace text: no [cpu] column',
    );
    await expect(importLines([line(1, 'w-5', 'charge', 'page=0xffffea0000000040 cgid=1')])).rejects.toThrow(
      ':1: no hexadecimal number gfp= in charge',
    );
  });

  it('gives the same without the lines that only check', async () => {
    const truth = [
      online(1, 50),
      charge(100, 'w-5', 0x1001, 50),
      line(101, 'w-5', 'try_charge', 'cgid=50 gfp=0xcc0 nr=1', 0, P),
      fault(102, 'w-5'),
    ];
    const check = await importLines(truth, [mkdir(2, 50, '/a')]);
    const without = await importLines(
      truth.filter((l) => !l.includes('try_charge')),
      [mkdir(2, 50, '/a')],
    );
    expect(check.rows).toEqual(without.rows);
    expect(check.report.ignored).toEqual({ try_charge: 1 });
  });
});

describe('cgroups', () => {
  it('take their path from a mkdir before or after they come online', async () => {
    const { rows } = await importLines(
      [online(10, 50), charge(11, 'w-5', 0x1001, 50), online(30, 60)],
      [mkdir(12, 50, '/a'), mkdir(20, 60, '/a/b c')],
    );
    const made = rows.filter((r) => r.op === 'mkdir');
    expect(made).toMatchObject([
      { us: 10, cgroup: 2, object: 1, index: 50, name: '/a' },
      { us: 30, cgroup: 3, object: 2, index: 60, name: '/a/b c' },
    ]);
    expect(rows.find((r) => r.op === 'charge')!.cgroup).toBe(2);
    expect(rows.map((r) => r.us)).toEqual(rows.map((r) => r.us).toSorted((a, b) => a - b));
  });

  it('get a name of their own after a second, or without the public trace', async () => {
    const late = await importLines([online(10, 50), charge(11, 'w-5', 0x1001, 50)], [mkdir(2_000_000, 50, '/a')]);
    expect(late.rows.find((r) => r.op === 'mkdir')!.name).toBe('/unknown-50');
    const alone = await importLines([online(10, 50), charge(11, 'w-5', 0x1001, 50)]);
    expect(alone.rows.find((r) => r.op === 'mkdir')).toMatchObject({ name: '/unknown-50', object: 1 });
    expect(alone.report.missing).toEqual(['the public trace']);
  });

  it('that existed before are made when a probe first names them', async () => {
    const { rows, report } = await importLines([charge(11, 'w-5', 0x1001, 77)], [attach(5, 77, '/old', 5)]);
    expect(rows.find((r) => r.op === 'mkdir')).toMatchObject({
      us: 11,
      cgroup: 2,
      object: 1,
      index: 77,
      flags: ops.FLAG_EXISTING,
      name: '/old',
    });
    expect(opsOf(rows)).toEqual(['attach', 'mkdir', 'attach', 'charge']);
    expect(rows.filter((r) => r.op === 'attach').map((r) => r.cgroup)).toEqual([1, 2]);
    expect(report.ambiguous['cgroups from before the recording']).toBe(1);
  });

  it('are new ones each time that memory is switched on, with the tasks that sit there', async () => {
    const { rows } = await importLines(
      [online(20, 50), offline(40, 50), online(50, 50), charge(60, 'w-5', 0x1001, 50)],
      [mkdir(1, 50, '/a'), mkdir(2, 51, '/a/sub'), attach(3, 51, '/a/sub', 5)],
    );
    expect(rows.filter((r) => r.op !== 'spawn').map((r) => [r.op, r.cgroup])).toEqual([
      ['attach', 1],
      ['mkdir', 2],
      ['attach', 2],
      ['offline', 2],
      ['mkdir', 3],
      ['attach', 3],
      ['charge', 3],
    ]);
  });

  it('know the knobs written to them', async () => {
    const knob = (at: number, text: string) => line(at, 'sh-9', 'tracing_mark_write', text);
    const { rows } = await importLines(
      [online(1, 50), charge(50, 'w-5', 0x1001, 50)],
      [
        mkdir(2, 50, '/a'),
        knob(3, 'KNOB write /a/memory.max 96M'),
        knob(4, 'KNOB write /a/memory.high max'),
        knob(5, 'KNOB write /a/memory.oom.group 1'),
        knob(6, 'KNOB write /b/memory.max 1M'),
        knob(7, 'PHASE x'),
      ],
    );
    expect(rows.filter((r) => r.op === 'write_knob' || r.op === 'mark')).toMatchObject([
      { cgroup: 2, count: ops.KNOB_MAX, index: 24576, name: '/a/memory.max 96M' },
      { cgroup: 2, count: ops.KNOB_HIGH, index: 2251799813685247 },
      { cgroup: 2, count: ops.KNOB_OOM_GROUP, index: 1 },
      { op: 'mark', name: 'KNOB write /b/memory.max 1M' },
      { op: 'mark', name: 'PHASE x' },
    ]);
    expect([parsePages('4097'), parsePages('1g'), parsePages('x'), parsePages('0x2000')]).toEqual([1, 262144, null, 2]);
  });
});

describe('tasks', () => {
  it('get a new id at fork and at first sight, even for the same pid', async () => {
    const fork = (at: number) => line(at, 'sh-9', 'sched_process_fork', 'comm=sh pid=9 child_comm=a b child_pid=5');
    const { rows } = await importLines(
      [charge(11, 'w-5', 0x1001, 1), charge(21, 'w-5', 0x1002, 1)],
      [fork(10), fork(20)],
    );
    expect(rows.filter((r) => r.op === 'fork')).toMatchObject([
      { task: 1, object: 2, index: 5, name: 'a b' },
      { task: 1, object: 3, index: 5 },
    ]);
    expect(rows.filter((r) => r.op === 'charge').map((r) => r.task)).toEqual([2, 3]);
  });
});

describe('frames', () => {
  it('are the same for both kinds of lines, also above the first GiB of struct pages', async () => {
    const high = 0x2000000 + 5;
    const base = VMEMMAP + 0x140000000n;
    const { rows, report } = await importLines(
      [charge(11, 'w-5', high, 1, base), charge(13, 'w-5', 0x1234, 1, base)],
      [alloc(10, 'w-5', high), alloc(12, 'w-5', 0x1234), free(20, 'w-5', high)],
    );
    const frames = rows.filter((r) => r.index !== undefined && r.op !== 'spawn').map((r) => [r.op, r.index]);
    expect(frames).toEqual([
      ['page_alloc', 512 + 5],
      ['charge', 512 + 5],
      ['page_alloc', 1024 + 0x34],
      ['charge', 1024 + 0x34],
      ['page_free', 512 + 5],
    ]);
    expect(report.ambiguous['frames before the base of struct page']).toBe(0);
    expect(report.high_water.pages).toBe(1024 + 0x34 + 1);
  });

  it('must come from one recording', async () => {
    await expect(
      importLines(
        [charge(11, 'w-5', 0x1234, 1), charge(13, 'w-5', 0x1235, 1, VMEMMAP + 0x40000000n)],
        [alloc(10, 'w-5', 0x1234), alloc(12, 'w-5', 0x1235)],
      ),
    ).rejects.toThrow(/do not agree/);
  });

  it('carry kind, object and offset of page cache', async () => {
    const add = (at: number, what: string, pfn: number, index: number) =>
      line(at, 'w-5', what, `(x+0x5/0x1) page=${page(pfn)} index=${index} ino=18 dev=0xfe00010`, 0, P);
    const { rows } = await importLines(
      [
        add(10, 'filemap_add', 0x1001, 7),
        charge(11, 'w-5', 0x1001, 1),
        charge(12, 'w-5', 0x1001, 1),
        add(13, 'shmem_add', 0x1002, 8),
        charge(14, 'w-5', 0x1002, 1),
      ],
      [line(20, 'w-5', 'mm_filemap_add_to_page_cache', 'dev 254:16 ino 12 pfn=0x1001 ofs=28672 order=0')],
    );
    expect(rows.filter((r) => r.op === 'charge').map((r) => [r.flags ?? 0, r.object, r.count])).toEqual([
      [ops.KIND_FILE << 5, 1, 7],
      [0, undefined, undefined],
      [ops.KIND_SHMEM << 5, 1, 8],
    ]);
    expect(rows.find((r) => r.op === 'resident')).toMatchObject({ object: 1, count: 7, index: 513 });
  });
});

describe('huge folios', () => {
  const huge = [alloc(1, 'w-5', 0x1000, 9), charge(2, 'w-5', 0x1000, 1)];

  it('are uncharged whole', async () => {
    const { rows } = await importLines([...huge, uncharge(10, 'w-5', 0x1000, 1), free(11, 'w-5', 0x1000, 9)]);
    expect(rows.find((r) => r.op === 'charge')!.flags).toBe(9);
    expect(opsOf(rows, 'progress')).toEqual(['page_alloc', 'charge', 'uncharge', 'uncharge_flush', 'page_free']);
    expect(rows.find((r) => r.op === 'uncharge')!.flags).toBe(9);
  });

  it.each([
    [
      'the next uncharge',
      [uncharge(10, 'w-5', 0x1000, 1), uncharge(11, 'w-5', 0x1001, 1)],
      ['split', 'uncharge', 'uncharge'],
    ],
    [
      'a tail that goes first',
      [uncharge(10, 'w-5', 0x1005, 1), uncharge(11, 'w-5', 0x1000, 1)],
      ['split', 'uncharge', 'uncharge'],
    ],
    [
      'a free of the head alone',
      [uncharge(10, 'w-5', 0x1000, 1), free(11, 'w-5', 0x1000)],
      ['split', 'uncharge', 'uncharge_flush', 'page_free'],
    ],
  ])('are split when %s shows it', async (_, lines, want) => {
    const { rows, report } = await importLines([...huge, ...lines]);
    expect(opsOf(rows, 'progress').slice(2)).toEqual(want);
    expect(rows.find((r) => r.op === 'split')).toMatchObject({ index: 512, flags: 9 });
    expect(rows.filter((r) => r.op === 'uncharge').every((r) => r.flags === undefined)).toBe(true);
    expect(report.ambiguous['huge folios split']).toBe(1);
  });

  it('do not hold up other tasks for more than a second', async () => {
    const { rows } = await importLines([
      ...huge,
      uncharge(10, 'w-5', 0x1000, 1),
      charge(11, 'x-6', 0x3000, 1),
      charge(1_500_000, 'x-6', 0x3001, 1),
    ]);
    expect(opsOf(rows, 'progress')).toEqual(['page_alloc', 'charge', 'uncharge', 'charge', 'charge']);
  });

  it('of order 10 are allocated in pieces that stay contiguous', async () => {
    const { rows } = await importLines([charge(1, 'w-5', 0x1000, 1), alloc(2, 'w-5', 0x2000, 10)]);
    expect(rows.filter((r) => r.op === 'page_alloc').map((r) => [r.index, r.flags])).toEqual([
      [1024, 9],
      [1536, 9],
    ]);
  });
});

describe('uncharge batches', () => {
  it('end at the next line of the task that is neither an uncharge nor in interrupt context', async () => {
    const { rows } = await importLines([
      charge(1, 'w-5', 0x1001, 1),
      uncharge(10, 'w-5', 0x1001, 1),
      objcg(11, 'uncharge', 1, 64),
      free(12, 'w-5', 0x1009, 0, '..s1.'),
      uncharge(13, 'x-6', 0x1002, 1, '0x0'),
      free(14, 'w-5', 0x1001),
      free(15, 'w-5', 0x1002),
    ]);
    expect(opsOf(rows)).toEqual([
      'charge',
      'uncharge',
      'kmem_free',
      'page_free',
      'uncharge_flush',
      'page_free',
      'page_free',
    ]);
    expect(rows.find((r) => r.op === 'page_free')!.flags).toBe(ops.FLAG_IRQ);
  });
});

describe('probes that are no breakpoints', () => {
  const lookup = (at: number, flags: string) =>
    line(at, 'w-5', 'page_fault_kernel', 'address=0x3ffff ip=copy_user_generic_string error_code=0x0', 0, flags);

  it('fault with preemption off, which ends no uncharge batch; a true fault does', async () => {
    const truth = [
      charge(1, 'w-5', 0x1001, 1),
      charge(2, 'w-5', 0x1002, 1),
      uncharge(5, 'w-5', 0x1001, 1),
      uncharge(7, 'w-5', 0x1002, 1),
    ];
    const flushes = async (flags: string) => {
      const { rows } = await importLines(truth, [alloc(0, 'w-5', 0x1001), lookup(6, flags), free(9, 'w-5', 0x1001)]);
      return rows.filter((row) => row.op === 'uncharge_flush').map((row) => row.us);
    };
    expect(await flushes('d..2.')).toEqual([9]);
    expect(await flushes('d.Z1.')).toEqual([9]);
    expect(await flushes('d....')).toEqual([6, 9]);
  });

  it('show the interrupt that they run in', async () => {
    const { rows } = await importLines([
      online(1, 50),
      objcg(2, 'charge', 50, 64, 0, '.....'),
      objcg(3, 'uncharge', 50, 64, 0, '..s1.'),
    ]);
    expect(rows.at(-1)).toMatchObject({ op: 'kmem_free', flags: SLAB | ops.FLAG_IRQ | ops.FLAG_IN_CHARGE });
  });
});

describe('a free inside a charge', () => {
  const freed = async (between: string[], flags = P) => {
    const { rows } = await importLines([online(0, 50), ...between, objcg(9, 'uncharge', 50, 64, 0, flags)]);
    return rows.at(-1)!.flags! & ops.FLAG_IN_CHARGE;
  };
  const own = [objcg(1, 'charge', 50, 64), charge(2, 'w-5', 0x1001, 50)];

  it('comes right after the charge of its own task', async () => {
    expect(await freed(own)).toBe(ops.FLAG_IN_CHARGE);
  });

  it('is none once another task has run on that CPU', async () => {
    expect(await freed([...own, charge(3, 'x-6', 0x1002, 50)])).toBe(0);
    expect(
      await freed([...own, line(3, 'x-6', 'charge', `page=${page(0x1002)} cgid=50 gfp=0xcc0 flags=0x0`, 1, P)]),
    ).toBe(ops.FLAG_IN_CHARGE);
  });

  it('is none after a charge of the root, which no stock serves', async () => {
    expect(await freed([...own, charge(3, 'w-5', 0x1002, 1)])).toBe(0);
  });

  it('is none where the probe shows that no interrupt runs', async () => {
    expect(await freed(own, '.....')).toBe(0);
  });
});

describe('objcg identities', () => {
  const tree = [online(1, 50), online(3, 60), online(5, 70)];
  const names = [mkdir(2, 50, '/a'), mkdir(4, 60, '/a/b'), mkdir(6, 70, '/a/c')];

  it('are found by the size that is outstanding', async () => {
    const { rows, report } = await importLines(
      [
        ...tree,
        objcg(10, 'charge', 60, 64),
        objcg(11, 'charge', 70, 96),
        objcg(12, 'charge', 50, 32),
        offline(20, 60),
        offline(21, 70),
        objcg(30, 'uncharge', 50, 64),
        objcg(31, 'uncharge', 50, 96),
        objcg(32, 'uncharge', 50, 32),
        objcg(33, 'uncharge', 1, 32),
      ],
      names,
    );
    expect(rows.filter((r) => r.op === 'kmem_free').map((r) => r.cgroup)).toEqual([3, 4, 2, 1]);
    expect(report.ambiguous['objcgs that could be another']).toBe(0);
    expect(report.ambiguous['objects freed without a charge']).toBe(1);
  });

  it('prefer the one last used on the CPU, else the latest to die', async () => {
    const { rows, report } = await importLines(
      [
        ...tree,
        ...[10, 11, 12].map((at) => objcg(at, 'charge', 60, 64, 1)),
        ...[13, 14, 15].map((at) => objcg(at, 'charge', 70, 64, 0)),
        objcg(16, 'charge', 60, 8, 1),
        offline(20, 60),
        offline(21, 70),
        objcg(30, 'uncharge', 50, 8, 1),
        objcg(31, 'uncharge', 50, 64, 1),
        objcg(32, 'uncharge', 50, 64, 0),
      ],
      names,
    );
    expect(rows.filter((r) => r.op === 'kmem_free').map((r) => r.cgroup)).toEqual([3, 3, 4]);
    expect(report.ambiguous['objcgs that could be another']).toBe(2);
  });

  it('charge atomically where interrupts are off', async () => {
    const { rows } = await importLines([objcg(1, 'charge', 1, 64), objcg(2, 'charge', 1, 64, 0, 'd.Zff')]);
    expect(rows.filter((r) => r.op === 'kmem_charge').map((r) => r.gfp)).toEqual([
      ops.GFP_KERNEL,
      ops.GFP_KSWAPD_RECLAIM,
    ]);
  });
});

describe('kernel pages', () => {
  it('are given back only if they were seen charged', async () => {
    const kmem = (at: number, what: string, pfn: number, more: string) =>
      line(at, 'w-5', what, `(x+0x5/0x1) page=${page(pfn)} ${more}`, 0, P);
    const { rows, report } = await importLines([
      kmem(1, 'kmem_charge_page', 0x1000, 'gfp=0x400dc0 order=1'),
      kmem(2, 'kmem_uncharge_page', 0x1000, 'order=1 kcgid=50'),
      kmem(3, 'kmem_uncharge_page', 0x1000, 'order=1 kcgid=1'),
      kmem(4, 'kmem_uncharge_page', 0x2000, 'order=0 kcgid=18446719884454420800'),
    ]);
    expect(rows.filter((r) => r.op.startsWith('kmem'))).toMatchObject([
      { flags: ops.FLAG_BY_FRAME | (ops.KIND_PAGETABLE << 5) | 1, index: 512, gfp: ops.GFP_KERNEL | ops.GFP_ACCOUNT },
      { op: 'kmem_free', flags: ops.FLAG_BY_FRAME | 1, index: 512 },
    ]);
    expect(report.ambiguous['kernel pages freed without a charge']).toBe(2);
    expect(report.ambiguous['cgroups from before the recording']).toBe(0);
  });
});

describe('swap', () => {
  it('numbers entries densely, and frees them by runs', async () => {
    const out = (at: number, pfn: number, entry: string) =>
      line(at, 'w-5', 'swap_charge', `(x+0x5/0x1) page=${page(pfn)} entry=${entry}`, 0, P);
    const back = (at: number, entry: string, nr: number) =>
      line(at, 'w-5', 'swap_uncharge', `(x+0x0/0x1) entry=${entry} nr=${nr}`, 0, P);
    const { rows, report } = await importLines([
      out(1, 0x1000, '0x10'),
      out(2, 0x1001, '0x11'),
      out(3, 0x1002, '0x13'),
      out(4, 0x1003, '0x12'),
      out(5, 0x1004, '0x400000000000010'),
      back(10, '0x10', 4),
      back(11, '0x400000000000010', 1),
      back(12, '0x99', 1),
    ]);
    expect(rows.filter((r) => r.op.startsWith('swap')).map((r) => [r.op, r.object, r.count])).toEqual([
      ['swap_out', 1, 1],
      ['swap_out', 2, 1],
      ['swap_out', 3, 1],
      ['swap_out', 4, 1],
      ['swap_out', 5, 1],
      ['swap_free', 1, 2],
      ['swap_free', 4, 1],
      ['swap_free', 3, 1],
      ['swap_free', 5, 1],
    ]);
    expect(report.ambiguous['swap entries freed without a charge']).toBe(1);
  });
});

describe('what became of a charge', () => {
  const begin = (at: number) => line(at, 'w-5', 'mm_vmscan_memcg_reclaim_begin', 'order=0 gfp_flags=GFP_KERNEL');
  const end = (at: number) => line(at, 'w-5', 'mm_vmscan_memcg_reclaim_end', 'nr_reclaimed=32');

  it('shows at the next fault, once', async () => {
    const { rows } = await importLines([
      charge(1, 'w-5', 0x1001, 1),
      fault(2, 'w-5'),
      fault(3, 'w-5'),
      charge(4, 'w-5', 0x1002, 1),
      charge(5, 'w-5', 0x1003, 1),
    ]);
    expect(opsOf(rows)).toEqual(['charge', 'return_to_user', 'charge', 'charge']);
  });

  it('stays open over frees, interrupts and reclaim', async () => {
    const { rows } = await importLines([
      charge(1, 'w-5', 0x1001, 1),
      line(2, 'w-5', 'page_fault_kernel', 'address=0x1 ip=x error_code=0x0', 0, 'd.Z1.'),
      line(3, 'w-5', 'mm_page_free_batched', 'page=0 pfn=0x99 order=0', 0, '..s1.'),
      line(4, 'w-5', 'mm_page_free_batched', 'page=0 pfn=0x99 order=0'),
      begin(5),
      fault(6, 'w-5'),
      end(7),
      fault(8, 'w-5'),
    ]);
    expect(rows.filter((r) => r.op !== 'spawn').map((r) => [r.op, r.us, r.flags ?? 0])).toEqual([
      ['charge', 1, 0],
      ['progress', 4, ops.FLAG_RECLAIM],
      ['reclaim', 5, ops.FLAG_BEGIN],
      ['reclaim', 7, 0],
      ['return_to_user', 8, 0],
    ]);
  });

  it('shows as progress at a kernel fault', async () => {
    const { rows } = await importLines([
      charge(1, 'w-5', 0x1001, 1),
      line(2, 'w-5', 'page_fault_kernel', 'address=0x1 ip=x error_code=0x0', 0, 'd....'),
    ]);
    expect(rows.at(-1)).toEqual({ op: 'progress', us: 2, task: 1 });
  });
});
