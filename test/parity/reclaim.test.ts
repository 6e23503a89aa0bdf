/**
 * Reclaim at memory.max beside Linux 6.1.192: a process in a cgroup of 64 MiB reads a file of 128 MiB twice, 64 KiB at a time. The
 * kernel's own memory.events and memory.stat after each pass, to the page; 0.36 MiB of kernel memory and 31 pages of the program are
 * the recording's.
 */
import { expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { Machine } from '../../bindings/machine.ts';
import { batchOf } from '../replay/batch.ts';

it.each([0, 32])('scans, reclaims and refaults as many pages as Linux, reading %i pages ahead', async (readahead) => {
  const machine = await Machine.boot({ residency: 'modelled', kernel: '6.1', cpus: 2, readahead });
  const bytes = 92 * 4096;
  machine.replay(
    batchOf([
      { op: O.OP_MKDIR, cgroup: 2, object: 1, name: '/lim' },
      { op: O.OP_WRITE_KNOB, cgroup: 2, count: O.KNOB_MAX, index: 16384 },
      { op: O.OP_SPAWN, task: 1, cgroup: 2 },
      { op: O.OP_OBJECT_NEW, object: 1, index: 32768, count: O.OBJECT_FILE },
      { op: O.OP_ANON_TOUCH, task: 1, index: 1, count: 31, flags: O.FLAG_WRITE },
      { op: O.OP_KMEM_CHARGE, task: 1, count: bytes, flags: O.KIND_SLAB << O.FLAG_KIND_SHIFT, gfp: O.GFP_KERNEL },
    ]),
  );
  const pass = Array.from({ length: 2048 }, (_, i) => ({
    op: O.OP_FILE_ACCESS,
    task: 1,
    object: 1,
    index: 16 * i,
    count: 16,
    ts: 1e6 + i,
  }));
  const stat = (row: number) => Number(machine.engine.statTotal(2, row));
  const figures = () => ({
    max: machine.figures(2)['memory.events'].max,
    pgscan: stat(L.STAT_PGSCAN_DIRECT),
    pgsteal: stat(L.STAT_PGSTEAL_DIRECT),
    refaults: stat(L.STAT_WORKINGSET_REFAULT_FILE),
    peak: machine.figures(2)['memory.peak'],
  });
  machine.replay(batchOf(pass));
  expect(figures()).toEqual({ max: 295, pgscan: 16520, pgsteal: 16520, refaults: 0, peak: 64 << 20 });
  machine.replay(batchOf(pass.map((row) => ({ ...row, ts: row.ts + 1e6 }))));
  expect(figures()).toEqual({ max: 880, pgscan: 49280, pgsteal: 49280, refaults: 32768, peak: 64 << 20 });
  expect(machine.audit()).toBeNull();
});

/**
 * In front of which of its first 352 pages the same recording pauses for more than 60 µs between two insertions into the page cache: in
 * front of each window, while the one before it is copied, and a few times for an interrupt.
 */
const PAUSES = [
  1, 6, 27, 32, 47, 55, 64, 68, 96, 114, 128, 159, 160, 177, 187, 192, 208, 222, 223, 224, 231, 234, 256, 288, 306, 307,
  320,
];

it('reads ahead in the windows that Linux did', async () => {
  const machine = await Machine.boot({ residency: 'modelled', kernel: '6.1', readahead: 32 });
  machine.replay(
    batchOf([
      { op: O.OP_MKDIR, cgroup: 2, object: 1, name: '/lim' },
      { op: O.OP_SPAWN, task: 1, cgroup: 2 },
      { op: O.OP_OBJECT_NEW, object: 1, index: 32768, count: O.OBJECT_FILE },
    ]),
  );
  const ends: number[] = [];
  for (let index = 0; index < 320; index += 16) {
    machine.replay(batchOf([{ op: O.OP_FILE_ACCESS, task: 1, object: 1, index, count: 16, ts: 1e6 }]));
    const end = Number(machine.engine.statLocal(2, L.STAT_FILE));
    if (end !== ends.at(-1)) ends.push(end);
  }
  // Windows of 32 pages, eleven of them, and the kernel pauses in front of each.
  expect(ends).toEqual(Array.from({ length: 11 }, (_, i) => 32 * (i + 1)));
  expect(PAUSES).toEqual(expect.arrayContaining(ends.slice(0, -1)));
});
