/**
 * memory.low of three cgroups under a process that needs the memory, beside what real kernels of both profiles printed: a parent of
 * 200 MiB, three children with 50 MiB of a file each, read twice, of which 37.5, 12.5 and 0 are protected, and 148 MiB of private memory. What
 * bash, dd and the program used of themselves is the recording's: memory.current before, less the file, and the figures of the fourth
 * cgroup once its program had one page (Linux 6.1's; those of 6.18 were not recorded, and are taken to be the same).
 */
import { expect, it } from 'vitest';
import * as O from '../../assembly/replay/ops.ts';
import { type Kernel, Machine } from '../../bindings/machine.ts';
import { batchOf, type HandRow } from '../replay/batch.ts';

const FILE = 12800;
const KERNEL = (O.KIND_KERNEL_OTHER << O.FLAG_KIND_SHIFT) | O.FLAG_BY_FRAME;

interface Recorded {
  before: number[];
  after: number[];
  low: number[];
}
const RECORDED: Record<Kernel, Recorded> = {
  '6.1': { before: [12851, 12830, 12884], after: [9636, 3475, 1], low: [661, 661, 0] },
  '6.18': { before: [12873, 12873, 12874], after: [9544, 3466, 74], low: [666, 666, 0] },
};

it.each<Kernel>(['6.1', '6.18'])('protects as Linux %s does', async (kernel) => {
  const { before, after, low } = RECORDED[kernel];
  const machine = await Machine.boot({
    residency: 'modelled',
    kernel,
    statistics: kernel === '6.1' ? 'kernel' : 'exact',
    cpus: 1,
    hz: 100,
    swap: 0,
  });
  let frame = 1;
  let ts = 1;
  const run = (rows: HandRow[]) => machine.replay(batchOf(rows.map((row) => ({ ...row, ts: ts++ }))));
  const knob = (cgroup: number, count: number, mib: number): HandRow => {
    return { op: O.OP_WRITE_KNOB, cgroup, count, index: mib * 256 };
  };
  const kernelPages = (task: number, n: number): HandRow[] =>
    Array.from({ length: n }, () => ({ op: O.OP_KMEM_CHARGE, task, index: frame++, flags: KERNEL, gfp: O.GFP_KERNEL }));
  run([
    { op: O.OP_MKDIR, cgroup: 2, object: 1, name: '/p' },
    ...[3, 4, 5, 6].map((cgroup) => ({ op: O.OP_MKDIR, cgroup, object: 2, name: `/p/${cgroup}` })),
    knob(2, O.KNOB_MAX, 200),
    knob(2, O.KNOB_LOW, 50),
    knob(3, O.KNOB_LOW, 75),
    knob(4, O.KNOB_LOW, 25),
  ]);
  for (const [i, pages] of before.entries()) {
    const task = i + 1;
    run([{ op: O.OP_SPAWN, task, cgroup: 3 + i }, ...kernelPages(task, pages - FILE)]);
    for (let from = 0; from < 2 * FILE; from += 256)
      run([{ op: O.OP_FILE_ACCESS, task, object: task, index: from % FILE, count: 256 }]);
    run([{ op: O.OP_EXIT, task }]);
  }
  run([
    { op: O.OP_SPAWN, task: 4, cgroup: 6 },
    { op: O.OP_FILE_ACCESS, task: 4, object: 4, count: 184 },
    ...kernelPages(4, 16),
    { op: O.OP_ANON_TOUCH, task: 4, index: 1 << 20, count: 12, flags: O.FLAG_WRITE },
  ]);
  const touch = (i: number): HandRow => ({ op: O.OP_ANON_TOUCH, task: 4, index: i, count: 1, flags: O.FLAG_WRITE });
  // A page table for each 2 MiB.
  for (let i = 0; i < 148 * 256; i++) run([...(i % 512 ? [] : kernelPages(4, 1)), touch(i)]);
  const left = [3, 4, 5].map((cgroup) => machine.usage(cgroup));
  const events = [3, 4, 5].map((cgroup) => machine.figures(cgroup)['memory.events'].low!);
  // 6.1: each visit of the pass that breaks low, to the unit; pages within eight. 6.18 flushes its statistics by a timer alone, so that what
  // it decides by is as old as nobody recorded: within 3 %, and 64 pages.
  const exact = kernel === '6.1';
  for (const i of [0, 1]) {
    expect(Math.abs(left[i]! - after[i]!)).toBeLessThanOrEqual(exact ? 8 : 64);
    expect(Math.abs(events[i]! - low[i]!)).toBeLessThanOrEqual(exact ? 0 : 0.03 * low[i]!);
  }
  expect(events[2]).toBe(0);
  // Of the third nothing is left but what the model knows to be kernel memory, which no shrinker takes, and what its last CPU had in stock.
  expect(left[2]).toBeLessThanOrEqual(before[2]! - FILE + 64);
  expect(machine.audit()).toBeNull();
});
