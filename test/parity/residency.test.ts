/**
 * Modelled residency beside Linux. The workload was run on Linux 6.1.192 (2 CPUs, no swap, no huge pages; a static program, each
 * process in a cgroup of its own below /t), and memory.stat was read 2.6 s after each step, when statistics had been flushed. Here are
 * its accesses, and the kernel's figures in pages: anon, file, shmem, file_mapped, active_anon + active_file of pages that were
 * activated, pgactivate. Pages that the program itself needs (data, stack) are declared: `own` counts them.
 */
import { expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { Machine } from '../../bindings/machine.ts';
import { batchOf, type HandRow } from '../replay/batch.ts';

const W = O.FLAG_WRITE;
const FAULT = O.FLAG_FAULT;
const cgroups = ['', 't', 'a', 'b', 'bc', 'c1', 'c2', 'c3', 'd1', 'd2', 'e', 'f'];
const id = (name: string) => cgroups.indexOf(name) + 1;
/** Where the mapping of a step lies, and where the program's own pages do. */
const AREA = 0x7f00_0000;
const OWN = 0x400;

const spawn = (name: string, own: number): HandRow[] => [
  { op: O.OP_SPAWN, task: id(name), cgroup: id(name) },
  { op: O.OP_ANON_TOUCH, task: id(name), index: OWN, count: own, flags: W },
];
const anon = (name: string, from: number, to: number, flags = W): HandRow => {
  return { op: O.OP_ANON_TOUCH, task: id(name), index: AREA + from, count: to - from, flags };
};
const own = (name: string, from: number, to: number): HandRow => {
  return { op: O.OP_ANON_TOUCH, task: id(name), index: OWN + from, count: to - from, flags: W };
};
const file = (name: string, object: number, from: number, to: number, flags: number): HandRow => {
  return { op: O.OP_FILE_ACCESS, task: id(name), object, index: from, count: to - from, flags };
};
const exit = (name: string): HandRow => ({ op: O.OP_EXIT, task: id(name) });

const TMPFS = 1;
const EXT4 = 2;
/** inode table, bitmaps: the block device's own page cache */
const METADATA = 3;

interface Kernel {
  anon?: number;
  file?: number;
  shmem?: number;
  mapped?: number;
  activated?: number;
}
const steps: [step: string, rows: HandRow[], kernel: Record<string, Kernel>][] = [
  ['a0 a process of 15 pages', spawn('a', 15), { a: { anon: 15 }, t: { anon: 15 } }],
  ['a1 512 pages are read: the zero page', [anon('a', 0, 512, 0), own('a', 15, 16)], { a: { anon: 16 } }],
  ['a2 1024 pages are written', [anon('a', 512, 1536)], { a: { anon: 1040 } }],
  [
    'a3 munmap of the second half',
    [{ op: O.OP_ANON_FREE, task: id('a'), index: AREA + 1024, count: 1024 }],
    { a: { anon: 528 }, t: { anon: 528 } },
  ],
  ['b0 1024 pages are written', [...spawn('b', 14), anon('b', 0, 1024)], { b: { anon: 1038 }, t: { anon: 1566 } }],
  [
    'b1 fork; the child copies ten pages of its own before it is moved',
    [
      { op: O.OP_FORK, task: id('b'), object: id('bc') },
      own('bc', 0, 10),
      { op: O.OP_ATTACH, task: id('bc'), cgroup: id('bc') },
    ],
    { b: { anon: 1048 }, bc: { anon: 0 } },
  ],
  [
    'b2 the child writes 300 pages and reads the rest',
    [anon('bc', 0, 300), own('bc', 10, 11), anon('bc', 300, 1024, 0)],
    { b: { anon: 1048 }, bc: { anon: 301 } },
  ],
  ['b3 the parent exits first', [exit('b')], { b: { anon: 737 }, bc: { anon: 301 } }],
  ['b4 the child exits', [exit('bc')], { b: { anon: 0 }, bc: { anon: 0 }, t: { anon: 528 } }],
  [
    'c0 1024 pages of a tmpfs file are written through a mapping',
    [
      { op: O.OP_OBJECT_NEW, object: TMPFS, count: O.OBJECT_SHMEM },
      ...spawn('c1', 16),
      file('c1', TMPFS, 0, 1024, W | FAULT),
    ],
    { c1: { anon: 16, file: 1024, shmem: 1024, mapped: 1024 } },
  ],
  [
    'c1 another cgroup reads the first 1536',
    [...spawn('c2', 15), file('c2', TMPFS, 0, 1536, FAULT)],
    { c1: { shmem: 1024, mapped: 1024 }, c2: { anon: 15, shmem: 512, mapped: 512 } },
  ],
  [
    'c2 a third writes pages 512 to 2047',
    [...spawn('c3', 15), file('c3', TMPFS, 512, 2048, W | FAULT)],
    {
      c1: { shmem: 1024 },
      c2: { shmem: 512 },
      c3: { anon: 15, shmem: 512, mapped: 512 },
      t: { shmem: 2048, mapped: 2048 },
    },
  ],
  [
    'c3 the first two exit, the file is unlinked but still mapped',
    [exit('c1'), exit('c2')],
    {
      c1: { anon: 0, shmem: 1024, mapped: 512, activated: 1024 },
      c2: { anon: 0, shmem: 512, mapped: 512, activated: 0 },
      c3: { shmem: 512, mapped: 512, activated: 0 },
      t: { shmem: 2048, mapped: 1536, activated: 1024 },
    },
  ],
  [
    'c4 the third exits, the file goes',
    [exit('c3'), { op: O.OP_OBJECT_FREE, object: TMPFS }],
    {
      c1: { shmem: 0, mapped: 0, activated: 1024 },
      c2: { activated: 512 },
      c3: { activated: 0 },
      t: { shmem: 0, activated: 1536 },
    },
  ],
  [
    'd0 write(2) of 1000 pages to an ext4 file, fsync',
    [
      ...spawn('d1', 16),
      ...Array.from({ length: 1000 }, (_, i) => file('d1', EXT4, i, i + 1, W)),
      { op: O.OP_OBJECT_NEW, object: METADATA, count: O.OBJECT_BLOCK },
      file('d1', METADATA, 0, 4, O.FLAG_READAHEAD),
      { op: O.OP_SYNC, object: EXT4 },
    ],
    { d1: { anon: 16, file: 1004, shmem: 0, mapped: 0 } },
  ],
  [
    'd1 posix_fadvise(DONTNEED): clean pages go',
    [{ op: O.OP_TRUNCATE, task: id('d1'), object: EXT4 }],
    { d1: { file: 4 }, t: { file: 4 } },
  ],
  [
    'd2 another cgroup reads the file by read(2)',
    [...spawn('d2', 17), ...Array.from({ length: 1000 }, (_, i) => file('d2', EXT4, i, i + 1, 0))],
    { d1: { file: 4 }, d2: { anon: 17, file: 1000, mapped: 0, activated: 0 } },
  ],
  [
    'd3 and writes 100 pages of a private mapping of it',
    [file('d2', EXT4, 100, 200, O.FLAG_READAHEAD), anon('d2', 100, 200)],
    { d2: { anon: 117, file: 1000, mapped: 0, activated: 0 } },
  ],
  [
    'd4 truncate to 400 pages',
    [{ op: O.OP_TRUNCATE, task: id('d1'), object: EXT4, index: 400 }],
    { d2: { anon: 117, file: 400 } },
  ],
  [
    'd5 unlink, and both exit',
    [exit('d2'), { op: O.OP_OBJECT_FREE, object: EXT4 }, exit('d1')],
    { d1: { anon: 0, file: 4 }, d2: { anon: 0, file: 0 }, t: { anon: 528, file: 4 } },
  ],
  ['e0 500 pages are written', [...spawn('e', 15), anon('e', 0, 500)], { e: { anon: 515 } }],
  [
    'e1 MADV_DONTNEED of 100',
    [{ op: O.OP_ANON_FREE, task: id('e'), index: AREA + 100, count: 100 }],
    { e: { anon: 415 } },
  ],
  ['e2 which are written again', [anon('e', 100, 200)], { e: { anon: 515 } }],
  [
    'f1 four threads write 17 pages each',
    [
      ...spawn('f', 15),
      ...[0, 1, 2, 3].flatMap((i): HandRow[] => [
        { op: O.OP_FORK, task: id('f'), object: 20 + i, flags: O.FLAG_THREAD },
        { op: O.OP_ANON_TOUCH, task: 20 + i, index: AREA + 1000 * i, count: 17, flags: W },
      ]),
    ],
    { f: { anon: 83 } },
  ],
  [
    'f2 they unmap 16 each and end; their stacks stay with the process',
    [0, 1, 2, 3].flatMap((i): HandRow[] => [
      { op: O.OP_ANON_FREE, task: 20 + i, index: AREA + 1000 * i, count: 16 },
      { op: O.OP_EXIT, task: 20 + i },
    ]),
    { f: { anon: 19 } },
  ],
  ['z0 all exit', [exit('a'), exit('e'), exit('f')], { t: { anon: 0, file: 4 } }],
];

it('agrees with Linux 6.1 after every step', async () => {
  const machine = await Machine.boot({ residency: 'modelled', kernel: '6.1', cpus: 1, pages: 1 << 14 });
  const mkdirs = cgroups.slice(1).map((name, i) => {
    return {
      op: O.OP_MKDIR,
      cgroup: id(name),
      object: i === 0 ? 1 : id('t'),
      index: 10 + i,
      name: i === 0 ? '/t' : `/t/${name}`,
    };
  });
  machine.replay(batchOf(mkdirs));
  let ts = 1e6;
  for (const [step, rows, kernel] of steps) {
    machine.replay(batchOf(rows.map((row) => ({ ...row, ts: ts++ }))));
    expect(machine.audit(), step).toBeNull();
    for (const [name, expected] of Object.entries(kernel)) {
      const stat = machine.figures(id(name))['memory.stat'];
      const found: Record<keyof Kernel, number> = {
        anon: stat.anon! / 4096,
        file: stat.file! / 4096,
        shmem: stat.shmem! / 4096,
        mapped: Number(machine.engine.statTotal(id(name), L.STAT_FILE_MAPPED)),
        activated: Number(machine.engine.statTotal(id(name), L.STAT_PGACTIVATE)),
      };
      const compared = Object.fromEntries(Object.keys(expected).map((key) => [key, found[key as keyof Kernel]]));
      expect({ step, name, ...compared }).toEqual({ step, name, ...expected });
    }
  }
});
