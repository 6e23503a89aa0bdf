/** Modelled residency against the reference model: any rows, page by page the same, and every counter conserved. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { type Kernel, Machine } from '../../bindings/machine.ts';
import { type Figures, Residency } from '../model/residency.ts';
import { batchOf, type HandRow } from './batch.ts';

const CGROUPS = 4;
const OBJECTS = 5;
const TASKS = 12;
const RUNS = Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 300);

/** Far-apart places, so that the trees grow, and neighbours, so that they fill. */
const PLACES = [0, 31, 32, 63, 64, 4095, 4096, 262_144, 2 ** 30, 2 ** 36 - 8];

interface Action {
  what: string;
  task: number;
  object: number;
  place: number;
  count: number;
  flag: number;
  cgroup: number;
}

const action: fc.Arbitrary<Action> = fc.record({
  what: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('anon_touch', 'file_access') },
    {
      weight: 2,
      arbitrary: fc.constantFrom('anon_free', 'unmap', 'truncate', 'fork', 'file_dirty', 'mlock', 'munlock'),
    },
    { weight: 1, arbitrary: fc.constantFrom('exec', 'exit', 'attach', 'object_free', 'sync', 'drop_caches', 'thread') },
  ),
  task: fc.nat(TASKS - 1),
  object: fc.integer({ min: 1, max: OBJECTS }),
  place: fc.nat(PLACES.length - 1),
  count: fc.integer({ min: 1, max: 40 }),
  flag: fc.nat(7),
  cgroup: fc.integer({ min: 1, max: CGROUPS }),
});

/** Turns actions into rows that make sense at that point, and does the same to the reference. */
function play(actions: readonly Action[], reference: Residency): HandRow[] {
  const rows: HandRow[] = [];
  for (let memcg = 2; memcg <= CGROUPS; memcg++)
    rows.push({ op: O.OP_MKDIR, cgroup: memcg, object: memcg === 4 ? 3 : 1, index: memcg, name: `/c${memcg}` });
  for (const [task, memcg] of [2, 3, 1].entries()) {
    rows.push({ op: O.OP_SPAWN, task: task + 1, cgroup: memcg });
    reference.spawn(task + 1, memcg);
  }
  rows.push({ op: O.OP_SPAWN, task: 4, cgroup: 2, flags: O.FLAG_KERNEL_THREAD });
  reference.kernelThread(4, 2);
  rows.push({ op: O.OP_OBJECT_NEW, object: 1, count: O.OBJECT_SHMEM });
  reference.object(1, 'shmem');
  let next = 5;
  for (const a of actions) {
    const alive = [...reference.tasks].filter(([, t]) => t.alive).map(([id]) => id);
    if (alive.length === 0) break;
    const task = alive[a.task % alive.length]!;
    const { mm } = reference.tasks.get(task)!;
    const isAnon = a.what.startsWith('anon');
    const index = isAnon ? PLACES[a.place]! : Math.min(PLACES[a.place]!, 2 ** 32 - 64);
    const pages = Array.from({ length: a.count }, (_, i) => index + i);
    const row = { task, cpu: a.flag & 1, index, count: a.count };
    const write = (a.flag & 1) !== 0;
    reference.cpu = ['exec', 'exit', 'attach', 'object_free', 'sync', 'drop_caches'].includes(a.what) ? 0 : row.cpu;
    switch (a.what) {
      case 'anon_touch':
        if (!mm) break;
        rows.push({ op: O.OP_ANON_TOUCH, ...row, flags: write ? O.FLAG_WRITE : 0 });
        for (const p of pages) reference.anonTouch(task, p, write);
        break;
      case 'anon_free':
        if (!mm) break;
        rows.push({ op: O.OP_ANON_FREE, ...row });
        reference.drain();
        for (const p of pages) reference.anonFree(task, p);
        break;
      case 'file_access': {
        const fault = mm !== null && (a.flag & 2) !== 0;
        const ahead = (a.flag & 6) === 4;
        const flags = (write ? O.FLAG_WRITE : 0) | (fault ? O.FLAG_FAULT : 0) | (ahead ? O.FLAG_READAHEAD : 0);
        rows.push({ op: O.OP_FILE_ACCESS, ...row, object: a.object, flags });
        for (const p of pages) reference.fileAccess(task, a.object, p, { write, fault, ahead });
        break;
      }
      case 'file_dirty':
        rows.push({ op: O.OP_FILE_DIRTY, ...row, object: a.object });
        for (const p of pages) reference.fileDirty(a.object, p);
        break;
      case 'unmap': {
        const all = a.flag === 0;
        rows.push({ op: O.OP_UNMAP, ...row, object: a.object, count: all ? 0 : a.count });
        reference.object(a.object);
        reference.drain();
        const to = all ? Number.POSITIVE_INFINITY : index + a.count;
        // In the order of pages, as page tables are walked.
        const places = new Set([...(mm?.mapped.keys() ?? []), ...(mm?.locks ?? [])]);
        const mapped = [...places].map((key) => key.split(':').map(Number) as [number, number]);
        for (const [object, p] of mapped.sort((x, y) => x[1] - y[1]))
          if (object === a.object && p >= index && p < to) reference.unmap(task, object, p);
        break;
      }
      case 'mlock':
      case 'munlock': {
        if (!mm) break;
        const object = (a.flag & 1) !== 0 ? a.object : 0;
        const first = object === 0 ? PLACES[a.place]! : index;
        const lock = a.what === 'mlock';
        const later = lock && (a.flag & 2) !== 0;
        const op = lock ? O.OP_MLOCK : O.OP_MUNLOCK;
        rows.push({ ...row, op, object, index: first, flags: later ? O.FLAG_ONFAULT : 0 });
        // All are locked before the first is brought in.
        for (let p = first; p < first + a.count; p++) {
          if (lock) reference.mlock(task, object, p, false);
          else reference.munlock(task, object, p);
        }
        for (let p = first; lock && !later && p < first + a.count; p++) reference.mlock(task, object, p, true);
        break;
      }
      case 'truncate': {
        const all = a.flag < 2;
        rows.push({ op: O.OP_TRUNCATE, ...row, task: write ? task : 0, object: a.object, count: all ? 0 : a.count });
        const to = all ? Number.POSITIVE_INFINITY : index + a.count;
        reference.drain();
        for (const p of [...reference.object(a.object).pages.keys()])
          if (p >= index && p < to) reference.truncate(a.object, p);
        break;
      }
      case 'object_free':
        if (!reference.inodes.has(a.object)) break;
        rows.push({ op: O.OP_OBJECT_FREE, task, object: a.object });
        reference.objectFree(a.object);
        rows.push({ op: O.OP_OBJECT_NEW, object: a.object, count: 1 + (a.flag % 3) });
        reference.object(a.object, (['file', 'shmem', 'block'] as const)[a.flag % 3]!);
        break;
      case 'sync':
        rows.push({ op: O.OP_SYNC, object: write ? a.object : 0 });
        reference.sync(write ? a.object : 0);
        break;
      case 'drop_caches':
        rows.push({ op: O.OP_DROP_CACHES, task, count: 1 + (a.flag % 3) });
        if (a.flag % 3 !== 1) reference.dropCaches();
        break;
      case 'fork':
      case 'thread':
        if (next > TASKS * 4) break;
        rows.push({ op: O.OP_FORK, task, object: next, flags: a.what === 'thread' ? O.FLAG_THREAD : 0 });
        reference.fork(task, next, a.what === 'thread');
        next++;
        break;
      case 'exec':
        // The kernel ends the other threads of the process first, and a kernel thread does not exec.
        if (!mm || (mm.owner === task && mm.users.size > 1)) break;
        rows.push({ op: O.OP_EXEC, task });
        reference.exec(task);
        break;
      case 'exit':
        rows.push({ op: O.OP_EXIT, task });
        reference.exit(task);
        break;
      case 'attach':
        // Threads move with their leader.
        if (mm && mm.owner !== task) break;
        rows.push({ op: O.OP_ATTACH, task, cgroup: a.cgroup });
        reference.attach(task, a.cgroup);
        break;
    }
  }
  return rows;
}

function engineFigures(machine: Machine, memcg: number): Figures {
  const stat = (row: number) => Number(machine.engine.statLocal(memcg, row));
  return {
    anon: stat(L.STAT_ANON),
    file: stat(L.STAT_FILE),
    shmem: stat(L.STAT_SHMEM),
    mapped: stat(L.STAT_FILE_MAPPED),
    dirty: stat(L.STAT_FILE_DIRTY),
    active: machine.engine.lruSize(memcg, L.LRU_ACTIVE_ANON) + machine.engine.lruSize(memcg, L.LRU_ACTIVE_FILE),
    unevictable: machine.engine.lruSize(memcg, L.LRU_UNEVICTABLE),
    faults: stat(L.STAT_PGFAULT),
    majors: stat(L.STAT_PGMAJFAULT),
    activated: stat(L.STAT_PGACTIVATE),
  };
}

const SMALL = { pages: 8192, cgroups: 8, tasks: 64, cpus: 2, objects: 8, maps: 512, nodes: 8192 };

describe.each<[Kernel, 'release' | 'debug']>([
  ['6.18', 'release'],
  ['6.1', 'debug'],
])('modelled residency, kernel %s, %s build', (kernel, build) => {
  it('agrees with the reference model page by page', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 80 }), async (actions) => {
        const reference = new Residency(kernel);
        const batch = batchOf(play(actions, reference));
        const machine = await Machine.boot({ ...SMALL, kernel, build, residency: 'modelled' });
        expect(machine.replay(batch)).toBe(batch.length);
        expect(machine.audit()).toBeNull();
        for (let memcg = 2; memcg <= CGROUPS; memcg++)
          expect(engineFigures(machine, memcg)).toEqual(reference.figures(memcg));
        // Elsewhere, cut otherwise, with other capacities: the same state.
        const other = await Machine.boot({ ...SMALL, pages: 9000, nodes: 9000, kernel, build, residency: 'modelled' });
        const middle = batch.length >> 1;
        other.replay(batch, 0, middle);
        const fork = await other.fork();
        fork.replay(batch, middle);
        expect(fork.digest()).toBe(machine.digest());
        // When everybody has gone and every object is freed, nothing is left.
        const end = [...reference.tasks].filter(([, t]) => t.alive).map(([task]) => ({ op: O.OP_EXIT, task, ts: 1e6 }));
        const free = [...reference.inodes.keys()].map((object) => ({ op: O.OP_OBJECT_FREE, object, ts: 1e6 }));
        machine.replay(batchOf([...end, ...free]));
        expect(machine.audit()).toBeNull();
        for (let memcg = 2; memcg <= CGROUPS; memcg++)
          expect(engineFigures(machine, memcg)).toMatchObject({ anon: 0, file: 0, shmem: 0, mapped: 0, dirty: 0 });
      }),
      { numRuns: RUNS },
    );
  });
});

describe.each<[string, Kernel, number, bigint]>([
  ['', '6.18', 0, 0n],
  [' with a little swap', '6.18', 150, 0n],
  [' with much swap, kernel 6.1', '6.1', 3000, 0n],
  [' with swap on a slow disk', '6.18', 1000, 500n],
])('modelled residency under limits%s', (_, kernel, swap, pageWriteNs) => {
  it('keeps every limit, conserves every page and always ends', async () => {
    const limits = fc.array(
      fc.record({ memcg: fc.integer({ min: 2, max: CGROUPS }), pages: fc.integer({ min: 0, max: 300 }) }),
    );
    const property = fc.asyncProperty(
      fc.array(action, { minLength: 20, maxLength: 120 }),
      limits,
      async (actions, some) => {
        const rows = play(actions, new Residency());
        const which = [O.KNOB_MAX, O.KNOB_MAX, O.KNOB_HIGH, O.KNOB_MAX, O.KNOB_SWAP_MAX];
        const knobs = some.map(({ memcg, pages }, i) => {
          return { op: O.OP_WRITE_KNOB, cgroup: memcg, index: pages, count: which[i % which.length]! };
        });
        const mkdirs = rows.findIndex((row) => row.op !== O.OP_MKDIR);
        const batch = batchOf([...rows.slice(0, mkdirs), ...knobs, ...rows.slice(mkdirs)]);
        const machine = await Machine.boot({
          ...SMALL,
          kernel,
          swap,
          pageWriteNs,
          build: 'debug',
          residency: 'modelled',
        });
        for (let row = 0; row < batch.length; row += 10) {
          machine.replay(batch, row, Math.min(batch.length, row + 10));
          expect(machine.audit()).toBeNull();
          for (let memcg = 2; memcg <= CGROUPS; memcg++) {
            const max = Number(machine.engine.pageCounterField(memcg, L.COUNTER_MEMORY, L.PC_MAX));
            if (row >= mkdirs + knobs.length) expect(machine.usage(memcg)).toBeLessThanOrEqual(max);
            const swapMax = machine.engine.pageCounterField(memcg, L.COUNTER_SWAP, L.PC_MAX);
            const swapped = machine.engine.pageCounterField(memcg, L.COUNTER_SWAP, L.PC_USAGE);
            if (row >= mkdirs + knobs.length) expect(swapped).toBeLessThanOrEqual(swapMax);
          }
        }
        const again = await Machine.boot({ ...SMALL, pages: 9000, kernel, swap, pageWriteNs, residency: 'modelled' });
        again.replay(batch);
        expect(again.digest()).toBe(machine.digest());
      },
    );
    await fc.assert(property, { numRuns: RUNS });
  });
});
