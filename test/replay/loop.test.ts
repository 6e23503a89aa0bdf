/**
 * The replay loop has a short way for the common rows and a long way for all. With the watch log on every row takes the long way, so
 * that the two can be compared: any rows, either way, must end in the same state.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import type { EngineBuild } from '../../bindings/engine/engine.ts';
import { type Kernel, Machine } from '../../bindings/machine.ts';
import type { TraceBatch } from '../../bindings/trace/arrow-reader.ts';

interface Row {
  op: number;
  cpu: number;
  task: number;
  cgroup: number;
  frame: number;
  order: number;
  kind: number;
  count: number;
  gfp: number;
  flags: number;
  gap: number;
}

const FRAMES = 96;
const TASKS = 4;
const CGROUPS = 6;
const CPUS = 3;
const RUNS = Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 300);

/** What a recording has most of comes most often. */
const op = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom(O.OP_CHARGE, O.OP_UNCHARGE) },
  { weight: 5, arbitrary: fc.constantFrom(O.OP_KMEM_CHARGE, O.OP_KMEM_FREE) },
  { weight: 3, arbitrary: fc.constantFrom(O.OP_PAGE_ALLOC, O.OP_PAGE_FREE, O.OP_RETURN_TO_USER, O.OP_PROGRESS) },
  { weight: 2, arbitrary: fc.constantFrom(O.OP_UNCHARGE_FLUSH, O.OP_RECLAIM, O.OP_WRITE_KNOB) },
  { weight: 1, arbitrary: fc.constantFrom(O.OP_INITIAL) },
  { weight: 1, arbitrary: fc.constantFrom(O.OP_SPLIT, O.OP_MIGRATE, O.OP_ATTACH, O.OP_MARK_VICTIM, O.OP_RESIDENT) },
);

const row: fc.Arbitrary<Row> = fc.record({
  op,
  cpu: fc.nat(CPUS - 1),
  task: fc.integer({ min: 1, max: TASKS }),
  cgroup: fc.integer({ min: 1, max: CGROUPS }),
  frame: fc.integer({ min: 1, max: FRAMES }),
  order: fc.oneof({ weight: 20, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) }),
  kind: fc.integer({ min: 0, max: O.NR_KINDS - 1 }),
  count: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 1, max: 8 }) },
    { weight: 1, arbitrary: fc.integer({ min: 60, max: 5000 }) },
  ),
  gfp: fc.constantFrom(O.GFP_KERNEL, O.GFP_KERNEL, O.GFP_KERNEL, 0, O.GFP_HIGH, O.GFP_KSWAPD_RECLAIM),
  flags: fc.constantFrom(0, 0, 0, 0, O.FLAG_EXISTING, O.FLAG_IRQ, O.FLAG_BEGIN, O.FLAG_RECLAIM, O.FLAG_IN_CHARGE),
  gap: fc.oneof({ weight: 5, arbitrary: fc.nat(1000) }, { weight: 1, arbitrary: fc.constant(500_000) }),
});

/** Makes a row one that the engine accepts: kinds that fit the op, ids where the op has them. */
function place(batch: TraceBatch, at: number, r: Row, ts: bigint): void {
  const user = r.kind % 3;
  let flags = r.flags;
  let index = BigInt(r.frame - (r.frame % (1 << r.order)) || 1 << r.order);
  let count = r.count;
  let { cgroup } = r;
  if (r.op === O.OP_CHARGE) flags |= r.order | (user << O.FLAG_KIND_SHIFT);
  if (r.op === O.OP_KMEM_CHARGE || r.op === O.OP_KMEM_FREE) {
    if (r.kind === O.KIND_SOCK || r.kind < 3) flags |= O.KIND_SOCK << O.FLAG_KIND_SHIFT;
    else if (r.kind === O.KIND_SLAB || r.kind === O.KIND_PERCPU) flags |= r.kind << O.FLAG_KIND_SHIFT;
    else {
      flags |= O.FLAG_BY_FRAME | r.order | (r.kind << O.FLAG_KIND_SHIFT);
      if (r.op === O.OP_KMEM_CHARGE) cgroup = 0;
    }
  }
  // The kind of what was never seen charged.
  if (r.op === O.OP_UNCHARGE) flags |= (r.kind % 9) << O.FLAG_KIND_SHIFT;
  if (r.op === O.OP_INITIAL) {
    flags = (r.count % (O.KIND_STOCK + 1)) << O.FLAG_KIND_SHIFT;
    index = BigInt(r.frame);
  }
  if (r.op === O.OP_WRITE_KNOB) {
    cgroup = 2 + (cgroup % (CGROUPS - 1));
    index = BigInt(r.frame * 8);
    count = 1 + (r.count % 4);
  }
  if (r.op === O.OP_MIGRATE) count = 1 + (r.count % FRAMES);
  batch.ts[at] = ts;
  batch.cpu[at] = r.cpu;
  batch.op[at] = r.op;
  batch.task[at] = r.task;
  batch.cgroup[at] = cgroup;
  batch.object[at] = r.op === O.OP_MARK_VICTIM ? 1 + (r.frame % TASKS) : 0;
  batch.index[at] = index;
  batch.count[at] = count;
  batch.flags[at] = flags;
  batch.gfp[at] = r.gfp;
}

function batchOf(rows: readonly Row[]): TraceBatch {
  const n = rows.length;
  const batch: TraceBatch = {
    length: n,
    firstRow: 0,
    ts: new BigUint64Array(n),
    cpu: new Uint16Array(n),
    op: new Uint8Array(n),
    opMap: Uint8Array.from({ length: 256 }, (_, code) => code),
    task: new Uint32Array(n),
    cgroup: new Uint32Array(n),
    object: new Uint32Array(n),
    index: new BigUint64Array(n),
    count: new Uint32Array(n),
    flags: new Uint32Array(n),
    gfp: new Uint16Array(n),
    name: () => null,
  };
  let ts = 1n;
  for (const [at, r] of rows.entries()) {
    ts += BigInt(r.gap);
    place(batch, at, r, ts);
  }
  return batch;
}

async function boot(kernel: Kernel, build: EngineBuild = 'release'): Promise<Machine> {
  const machine = await Machine.boot({
    kernel,
    build,
    pages: FRAMES + 8,
    cgroups: CGROUPS,
    tasks: TASKS,
    cpus: CPUS,
    swap: 1,
    watch: 1024,
  });
  for (let id = 2; id <= CGROUPS; id++) machine.mkdir(`/${id}`, Math.floor(id / 2));
  for (let task = 1; task <= TASKS; task++) machine.spawn(task);
  return machine;
}

/** Replays by the short way, or with the watch log on by the long one. Answers the error, if the engine refused a row. */
function replay(machine: Machine, batch: TraceBatch, watched: boolean): string {
  machine.watch(watched);
  try {
    for (let at = 0; at < batch.length; ) {
      at = machine.replay(batch, at);
      machine.drainWatch(() => {});
    }
    return '';
  } catch (error) {
    return `${error}`;
  } finally {
    machine.watch(false);
  }
}

describe.each([
  ['6.18', 'release'],
  ['6.1', 'release'],
  ['6.18', 'debug'],
  ['6.1', 'debug'],
] as const)('%s, %s build', (kernel, build) => {
  test('the short way and the long way end in the same state, and it conserves', async () => {
    const start = await boot(kernel, build);
    let shortened = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 400, size: 'max' }), async (rows) => {
        const batch = batchOf(rows);
        const [short, long] = [await start.fork(), await start.fork()];
        const error = replay(short, batch, false);
        expect(replay(long, batch, true)).toBe(error);
        expect(short.digest()).toBe(long.digest());
        if (error === '') expect(short.audit()).toBeNull();
        if (error === '') shortened++;
      }),
      { numRuns: RUNS },
    );
    expect(shortened).toBeGreaterThan(RUNS / 4);
  });
});

test('a batch longer than the staging columns is replayed in parts', async () => {
  const rows = Array.from({ length: 3 * L.COLUMN_ROWS + 5 }, (_, i): Row => {
    const even = i % 2 === 0;
    return {
      op: even ? O.OP_CHARGE : O.OP_UNCHARGE,
      cpu: 0,
      task: 1,
      cgroup: 4,
      frame: 1 + ((i >> 1) % FRAMES),
      order: 0,
      kind: 0,
      count: 0,
      gfp: O.GFP_KERNEL,
      flags: 0,
      gap: 10,
    };
  });
  const machine = await boot('6.18');
  expect(machine.replay(batchOf(rows))).toBe(rows.length);
  // The last row charges; each charge before it is in the one batch that is still open.
  expect(machine.figures(4)['memory.stat'].anon).toBe(4096);
  expect(machine.audit()).toBeNull();
});

// ------------------------------------------------------------------------------------------------ warm start, row by row

const NOTHING: Row = {
  op: O.OP_MARK,
  cpu: 0,
  task: 1,
  cgroup: 0,
  frame: 1,
  order: 0,
  kind: 0,
  count: 0,
  gfp: O.GFP_KERNEL,
  flags: 0,
  gap: 10,
};

/** A batch of rows given by their columns; `index` and `flags` as they are. */
function rowsOf(...rows: (Partial<Row> & { index?: number })[]): TraceBatch {
  const batch = batchOf(rows.map(() => NOTHING));
  rows.forEach((r, at) => {
    batch.op[at] = r.op ?? O.OP_MARK;
    batch.cgroup[at] = r.cgroup ?? 0;
    batch.index[at] = BigInt(r.index ?? 0);
    batch.count[at] = r.count ?? 0;
    batch.flags[at] = r.flags ?? 0;
    batch.gfp[at] = O.GFP_KERNEL;
  });
  return batch;
}

const kind = (which: number) => which << O.FLAG_KIND_SHIFT;
const PAGE = 4096;

describe('what was charged before the trace', () => {
  test('is counted at every level whatever the limit, with no stock, and audited', async () => {
    const machine = await boot('6.1');
    machine.writeKnob(2, O.KNOB_MAX, 10n);
    machine.replay(
      rowsOf(
        { op: O.OP_INITIAL, cgroup: 4, index: 100, flags: kind(O.KIND_ANON) },
        { op: O.OP_INITIAL, cgroup: 4, index: 20, flags: kind(O.KIND_PAGETABLE) },
        { op: O.OP_CHARGE, cgroup: 4, index: 7, flags: kind(O.KIND_FILE) | O.FLAG_EXISTING },
        {
          op: O.OP_KMEM_CHARGE,
          cgroup: 4,
          index: 8,
          flags: kind(O.KIND_KERNEL_STACK) | O.FLAG_EXISTING | O.FLAG_BY_FRAME | 2,
        },
        { op: O.OP_KMEM_CHARGE, cgroup: 4, count: 5000, flags: kind(O.KIND_SLAB) | O.FLAG_EXISTING },
        { op: O.OP_KMEM_CHARGE, cgroup: 4, count: 3, flags: kind(O.KIND_SOCK) | O.FLAG_EXISTING },
      ),
    );
    const pages = 100 + 20 + 1 + 4 + 2 + 3;
    for (const id of [4, 2, 1]) expect(machine.usage(id)).toBe(pages);
    const { 'memory.stat': stat, 'memory.events': events } = machine.figures(4);
    expect(stat).toMatchObject({
      anon: 100 * PAGE,
      file: PAGE,
      pagetables: 20 * PAGE,
      kernel_stack: 4 * PAGE,
      slab: 5000,
    });
    expect(stat).toMatchObject({ kernel: 26 * PAGE, sock: 3 * PAGE });
    expect(events.max).toBe(0);
    expect(machine.audit()).toBeNull();
  });

  test('is what uncharges of uncharged frames take from, and never below zero', async () => {
    const machine = await boot('6.18');
    machine.replay(
      rowsOf(
        { op: O.OP_INITIAL, cgroup: 4, index: 2, flags: kind(O.KIND_ANON) },
        { op: O.OP_INITIAL, cgroup: 4, index: 3, flags: kind(O.KIND_FILE) },
        // of anonymous memory there are two: the third is taken to be file
        ...[10, 11, 12].map((index) => ({ op: O.OP_UNCHARGE, cgroup: 4, index })),
        { op: O.OP_UNCHARGE_FLUSH },
      ),
    );
    expect(machine.figures(4)['memory.stat']).toMatchObject({ anon: 0, file: 2 * PAGE });
    expect(machine.usage(2)).toBe(2);
    expect(machine.recordedCounts()).toMatchObject({ unseen: 3, unmatched: 0 });
    machine.replay(
      rowsOf(...[13, 14, 15].map((index) => ({ op: O.OP_UNCHARGE, cgroup: 4, index, flags: kind(O.KIND_FILE) })), {
        op: O.OP_UNCHARGE_FLUSH,
      }),
    );
    expect(machine.usage(4)).toBe(0);
    expect(machine.recordedCounts()).toMatchObject({ unseen: 5, unmatched: 1 });
    expect(machine.audit()).toBeNull();
  });

  test("goes with the dead cgroup's kernel memory, whose owner is printed as its heir", async () => {
    const machine = await boot('6.1');
    machine.replay(
      rowsOf(
        { op: O.OP_INITIAL, cgroup: 4, index: 6, flags: kind(O.KIND_PAGETABLE) },
        { op: O.OP_KMEM_CHARGE, cgroup: 4, count: 8192, flags: kind(O.KIND_SLAB) | O.FLAG_EXISTING },
        { op: O.OP_RMDIR, cgroup: 4 },
        // 2 is the parent: it has none of its own
        { op: O.OP_KMEM_FREE, cgroup: 2, index: 20, flags: kind(O.KIND_PAGETABLE) | O.FLAG_BY_FRAME | 1 },
        { op: O.OP_UNCHARGE, cgroup: 2, index: 21, flags: kind(O.KIND_PAGETABLE) },
        { op: O.OP_UNCHARGE_FLUSH },
        { op: O.OP_KMEM_FREE, cgroup: 2, count: 8192, flags: kind(O.KIND_SLAB) },
      ),
    );
    expect(machine.recordedCounts()).toMatchObject({ unseen: 3, unmatched: 0 });
    machine.engine.drainAllStock(1, 0);
    expect(machine.usage(2)).toBe(3);
    expect(machine.audit()).toBeNull();
  });

  test('bytes beyond those known are found in kernel pages that nothing explains', async () => {
    const machine = await boot('6.1');
    machine.replay(
      rowsOf(
        { op: O.OP_INITIAL, cgroup: 4, index: 3, flags: kind(O.KIND_KERNEL_OTHER) },
        { op: O.OP_KMEM_FREE, cgroup: 4, count: 5000, flags: kind(O.KIND_SLAB) },
        { op: O.OP_KMEM_FREE, cgroup: 4, count: 9000, flags: kind(O.KIND_SLAB) },
      ),
    );
    expect(machine.recordedCounts()).toMatchObject({ unseen: 1, unmatched: 1 });
    expect(machine.audit()).toBeNull();
  });

  test('a stock from before serves the CPU that charges first; offline gives the rest back', async () => {
    const machine = await boot('6.1');
    machine.replay(
      rowsOf(
        { op: O.OP_INITIAL, cgroup: 4, index: 70, flags: kind(O.KIND_STOCK) },
        { op: O.OP_CHARGE, cgroup: 4, index: 5, flags: kind(O.KIND_ANON) },
      ),
    );
    expect(machine.usage(4)).toBe(70);
    expect(machine.audit()).toBeNull();
    machine.replay(rowsOf({ op: O.OP_RMDIR, cgroup: 4 }));
    expect(machine.usage(2)).toBe(1);
    expect(machine.audit()).toBeNull();
  });

  test.each([
    ['a cgroup that is not there', { cgroup: 60 }, 'cgroup 60: no such cgroup'],
    ['a kind that is none', { flags: kind(11) }, 'flags 11: EINVAL'],
    ['more pages than a machine has', { index: 2 ** 31 }, 'index 2147483648: EINVAL'],
  ])('refuses %s', async (_what, wrong, message) => {
    const machine = await boot('6.18');
    const batch = rowsOf({ op: O.OP_INITIAL, cgroup: 4, index: 1, ...wrong });
    expect(() => machine.replay(batch)).toThrow(message);
    expect(machine.audit()).toBeNull();
  });
});
