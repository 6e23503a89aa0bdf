/** Debate 1: pages move to the lowest common ancestor of their owner and whoever touches them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EVENT_MAX, EVENT_OOM_KILL, LRU_INACTIVE_FILE } from '../../assembly/layout.ts';
import { KIND_ANON, KIND_FILE, KIND_SHMEM, KNOB_MAX } from '../../assembly/replay/ops.ts';
import { SCENARIOS } from '../../bindings/generate/registry.ts';
import { overProvision } from '../../bindings/generate/scenarios/over-provision.ts';
import { shared } from '../../bindings/generate/scenarios/shared.ts';
import { TraceBuilder } from '../../bindings/generate/trace-builder.ts';
import { type BootOptions, Machine } from '../../bindings/machine.ts';
import { row } from './row.ts';
import { idOf, pagesOf, replayRows, rowsOf } from './run.ts';

/** /pod/{a,b} and /x, live, with a task in each. */
async function pod(options: BootOptions = {}) {
  const machine = await Machine.boot({
    residency: 'modelled',
    policy: 'common-ancestor',
    pages: 1 << 16,
    cpus: 2,
    ring: 4096,
    ...options,
  });
  const top = machine.mkdir('/pod');
  const [a, b, x] = [machine.mkdir('/pod/a', top), machine.mkdir('/pod/b', top), machine.mkdir('/x')] as const;
  const tasks = { a: machine.spawn(a, 'a'), b: machine.spawn(b, 'b'), x: machine.spawn(x, 'x') };
  const own = (cgroup: number, kind = KIND_SHMEM) => Number(machine.engine.statLocal(cgroup, kind));
  const moved = () => machine.policyCounts().moved;
  return { machine, root: 1, top, a, b, x, tasks, own, moved };
}

row(
  'S3',
  'common-ancestor: libraries that unrelated jobs map end in the root, 512 pages; the private pages of each stay with it',
  async () => {
    const { machine, root, a, b, x, tasks, own } = await pod();
    const libc = machine.newObject('file', 512);
    for (const task of [tasks.a, tasks.b, tasks.x]) {
      machine.access(task, libc, { index: 0, pages: 512, fault: true, exec: true });
      machine.touchAnon(task, { vpn: 16, pages: 64 });
    }
    expect([own(root, KIND_FILE), own(a, KIND_FILE), own(b, KIND_FILE), own(x, KIND_FILE)]).toEqual([512, 0, 0, 0]);
    expect([a, b, x].map((cgroup) => own(cgroup, KIND_ANON))).toEqual([64, 64, 64]);
    expect(machine.policyFigures(root).moved_in).toBe(512);
    expect(machine.audit()).toBeNull();
  },
);

row(
  'S3',
  'common-ancestor: who is below the owner moves nothing; a hit through a mapping that is there moves nothing, a minor fault does',
  async () => {
    const { machine, top, a, b, x, tasks, own, moved } = await pod();
    const file = machine.newObject('shmem');
    const inPod = machine.spawn(top, 'pod');
    machine.access(inPod, file, { index: 0, pages: 8, write: true });
    machine.access(tasks.a, file, { index: 0, pages: 8 });
    expect([own(top), moved()]).toEqual([8, 0]);
    // b maps what is b's, and goes elsewhere: its mapping still says so, and is asked no more.
    machine.access(tasks.b, file, { index: 8, pages: 8, write: true, fault: true });
    machine.attach(tasks.b, x);
    machine.access(tasks.b, file, { index: 8, pages: 8, fault: true });
    expect([own(b), own(x), moved()]).toEqual([8, 0, 0]);
    machine.access(tasks.a, file, { index: 8, pages: 4, fault: true });
    expect([own(b), own(top), own(a), moved()]).toEqual([4, 12, 0, 4]);
    expect(machine.audit()).toBeNull();
  },
);

row('S3', 'common-ancestor: resident pages that a fault maps around itself move with it: 16 of 16', async () => {
  const { machine, a, top, tasks, own, moved } = await pod({ faultAround: 16 });
  const libc = machine.newObject('file', 16);
  machine.access(tasks.a, libc, { index: 0, pages: 16 });
  machine.access(tasks.b, libc, { index: 3, fault: true });
  expect([own(a, KIND_FILE), own(top, KIND_FILE), moved()]).toEqual([0, 16, 16]);
  expect(machine.audit()).toBeNull();
});

row(
  'S3',
  'common-ancestor: mapped, dirty and locked pages take their rows of memory.stat along; /pod and the root show the same before and after',
  async () => {
    const { machine, top, a, tasks } = await pod({ pageWriteNs: 1_000_000n });
    const file = machine.newObject('file', 128);
    machine.access(tasks.a, file, { index: 0, pages: 128, write: true });
    machine.access(tasks.a, file, { index: 0, pages: 64, fault: true });
    machine.event('mlock', { task: tasks.a, object: file, index: 0, count: 16 });
    machine.event('file_dirty', { object: file, index: 0, count: 128 });
    const rows = ['file', 'file_mapped', 'file_dirty', 'inactive_file', 'active_file', 'unevictable'];
    const stat = (cgroup: number) => rows.map((name) => machine.memoryStat(cgroup)[name]! / 4096);
    const before = [stat(top), stat(1)];
    expect(stat(a).slice(0, 3)).toEqual([128, 64, 128]);
    machine.access(tasks.b, file, { index: 0, pages: 128 });
    expect(stat(a)).toEqual([0, 0, 0, 0, 0, 0]);
    // 64 pages were accessed for the second time: active now, wherever they are.
    expect([stat(top), stat(1)].map((each) => each.slice(0, 3))).toEqual(before.map((each) => each.slice(0, 3)));
    expect(stat(top).at(-1)).toBe(16);
    expect(machine.audit()).toBeNull();
    machine.sync(tasks.a, file);
    expect(machine.memoryStat(top).file_dirty).toBe(0);
    expect(machine.audit()).toBeNull();
  },
);

row('S3', 'common-ancestor: pages under writeback, and those that wait in a CPU for their list, move too', async () => {
  const { machine, a, top, tasks, own } = await pod({ pageWriteNs: 1_000_000n });
  const file = machine.newObject('file', 40);
  // 31 of 40 go to the list, 9 wait.
  machine.access(tasks.a, file, { index: 0, pages: 40, write: true }, 1);
  expect(machine.engine.lruSize(a, LRU_INACTIVE_FILE)).toBe(31);
  // Dirty for 30 s: the flusher has given them to the device, which is at the eleventh.
  machine.advance(30_010_500_000n);
  expect(machine.memoryStat(a).file_writeback).toBeGreaterThan(0);
  const written = machine.memoryStat(top).file_writeback;
  machine.access(tasks.b, file, { index: 0, pages: 40 }, 0);
  expect([own(a, KIND_FILE), own(top, KIND_FILE)]).toEqual([0, 40]);
  expect([machine.memoryStat(a).file_writeback, machine.memoryStat(top).file_writeback]).toEqual([0, written]);
  expect(machine.audit()).toBeNull();
  machine.sync(0);
  machine.access(tasks.a, file, { index: 0, pages: 40 }, 1);
  expect(machine.memoryStat(top).file_writeback).toBe(0);
  expect(machine.audit()).toBeNull();
});

row('S3', 'common-ancestor: a page that reclaim has in hand stays, and moves at the next touch', async () => {
  const { machine, a, top, tasks, own } = await pod();
  const file = machine.newObject('file', 31);
  machine.access(tasks.a, file, { index: 0, pages: 31, write: true });
  const frame = machine.engine.lruIsolate(a, LRU_INACTIVE_FILE);
  machine.access(tasks.b, file, { index: 0, pages: 31 });
  expect([own(a, KIND_FILE), own(top, KIND_FILE)]).toEqual([1, 30]);
  machine.engine.lruPutback(frame, LRU_INACTIVE_FILE);
  machine.access(tasks.b, file, { index: 0, pages: 31 });
  expect([own(a, KIND_FILE), own(top, KIND_FILE)]).toEqual([0, 31]);
  expect(machine.audit()).toBeNull();
});

row(
  'S3',
  'common-ancestor: evicted file pages, and shmem in swap, start at their next toucher again: b 64 of each; linux: the owner of the swap entry',
  async () => {
    for (const policy of ['common-ancestor', 'linux']) {
      const { machine, top, a, b, tasks, own } = await pod({ policy, swap: 1 << 12 });
      const file = machine.newObject('file', 64);
      const shm = machine.newObject('shmem');
      machine.access(tasks.a, file, { index: 0, pages: 64 });
      machine.access(tasks.a, shm, { index: 0, pages: 64, write: true });
      const moving = policy === 'common-ancestor';
      for (let n = 0; n < 8 && own(a) + own(top) > 0; n++)
        try {
          machine.reclaim(top, 128 * 4096);
        } catch {}
      expect([own(a), own(a, KIND_FILE), own(top)]).toEqual([0, 0, 0]);
      machine.access(tasks.b, file, { index: 0, pages: 64 });
      machine.access(tasks.b, shm, { index: 0, pages: 64 });
      expect([own(b, KIND_FILE), own(b), own(a)]).toEqual(moving ? [64, 64, 0] : [64, 0, 64]);
      expect(Number(machine.engine.pageCounterField(a, 1, 0))).toBe(0);
      expect(machine.audit()).toBeNull();
    }
  },
);

row(
  'S3',
  'common-ancestor: a page in the swap cache that b finds there moves to /pod with its row swapcached',
  async () => {
    const { machine, top, a, tasks, own } = await pod({ swap: 1 << 12, pageWriteNs: 10_000_000n });
    const shm = machine.newObject('shmem');
    machine.access(tasks.a, shm, { index: 0, pages: 64, write: true });
    // Reclaim has given them to the device, which is slow: they are out of their object, in the swap cache, under writeback.
    for (let n = 0; n < 8 && !machine.memoryStat(a).swapcached; n++)
      try {
        machine.reclaim(a, 32 * 4096);
      } catch {}
    const cached = machine.memoryStat(a).swapcached! / 4096;
    expect(cached).toBeGreaterThan(0);
    machine.access(tasks.b, shm, { index: 0, pages: 64 });
    expect([own(a), own(top)]).toEqual([0, 64]);
    expect(machine.memoryStat(a).swapcached).toBe(0);
    expect(machine.policyFigures(top).moved_in).toBe(64);
    expect(machine.audit()).toBeNull();
  },
);

row(
  'S3',
  'common-ancestor: the pages of a removed cgroup move to the parent that it had, and it is released; under a parent that is removed too, to the next one that lives',
  async () => {
    const { machine, top, a, tasks, own } = await pod();
    const shm = machine.newObject('shmem');
    const deep = machine.mkdir('/pod/a/deep', a);
    const task = machine.spawn(deep, 'deep');
    machine.access(task, shm, { index: 0, pages: 96, write: true });
    machine.exit(task);
    machine.rmdir(deep);
    machine.access(tasks.a, shm, { index: 0, pages: 32 });
    expect([own(deep), own(a)]).toEqual([64, 32]);
    machine.exit(tasks.a);
    machine.rmdir(a);
    const again = machine.mkdir('/pod/a', top);
    machine.access(machine.spawn(again, 'again'), shm, { index: 0, pages: 96 });
    expect([own(deep), own(a), own(top), own(again)]).toEqual([0, 0, 96, 0]);
    machine.engine.drainAllStock(1, 0);
    expect([machine.isReleased(deep), machine.isReleased(a)]).toEqual([true, true]);
    expect(machine.audit()).toBeNull();
  },
);

row(
  'S3',
  'common-ancestor: folios of 2 MiB and 64 KiB move whole: 512 and 16 pages, the row file_thp with the first',
  async () => {
    const machine = await Machine.boot({ pages: 4096, cpus: 2, policies: 1 });
    const top = machine.mkdir('/pod');
    const [a, b] = [machine.mkdir('/pod/a', top), machine.mkdir('/pod/b', top)];
    const task = machine.spawn(a);
    const { engine } = machine;
    expect(engine.chargeFolio(task, 0, a, 512, 9, KIND_FILE, 3)).toBe(0);
    expect(engine.chargeFolio(task, 0, a, 1024, 4, KIND_SHMEM, 3)).toBe(0);
    const thp = (cgroup: number) => Number(engine.statLocal(cgroup, 16));
    engine.drainAllStock(1, 0);
    expect([machine.usage(a), machine.usage(top), thp(a)]).toEqual([528, 528, 512]);
    expect([engine.shareFolio(512, b, 0), engine.shareFolio(1024, b, 0)]).toEqual([top, top]);
    expect([machine.usage(a), machine.usage(top), thp(a), thp(top)]).toEqual([0, 528, 0, 512]);
    expect([engine.lruSize(a, LRU_INACTIVE_FILE), engine.lruSize(top, LRU_INACTIVE_FILE)]).toEqual([0, 1]);
    expect(machine.policyCounts().moved).toBe(528);
    expect(engine.shareFolio(512, 1, 0)).toBe(1);
    expect([machine.usage(top), machine.usage(1)]).toEqual([16, 16]);
    expect(machine.audit()).toBeNull();
  },
);

row(
  'S3',
  'common-ancestor: the ring has an event `moved` for each page, with its object, from where and to where',
  async () => {
    const { machine, a, top, tasks } = await pod();
    const shm = machine.newObject('shmem');
    machine.access(tasks.a, shm, { index: 0, pages: 3, write: true });
    machine.access(tasks.b, shm, { index: 0, pages: 3 });
    expect([...machine.drain()]).toEqual(
      Array.from({ length: 3 }, () => ({ type: 'moved', ts: 0n, cgroup: a, to: top, pages: 1, object: shm })),
    );
  },
);

row(
  'S3a',
  'common-ancestor, memory.max 8192 pages at /pod and 8192 at a: 8192 pages move to /pod, no limit is hit by it, and the peak of /pod stays 8192',
  async () => {
    const trace = new TraceBuilder();
    trace
      .mkdir('/pod', { 'memory.max': 8192 })
      .mkdir('/pod/a', { 'memory.max': 8192 })
      .mkdir('/pod/b', { 'memory.max': 0 });
    trace.spawn('a', '/pod/a').spawn('b', '/pod/b').object('f', 'shmem');
    trace.access('a', 'f', { pages: 8192, write: true });
    const max = (machine: Machine, path: string) =>
      Number(machine.engine.eventCount(idOf(machine, path), EVENT_MAX, 0));
    const before = await replayRows(trace, 'common-ancestor');
    trace.access('b', 'f', { pages: 8192 });
    const machine = await replayRows(trace, 'common-ancestor');
    expect(machine.policyFigures(idOf(machine, '/pod')).moved_in).toBe(8192);
    for (const path of ['/pod', '/pod/a', '/pod/b']) expect(max(machine, path)).toBe(max(before, path));
    expect([pagesOf(machine, '/pod'), pagesOf(machine, '/pod/a')]).toEqual([8192, 0]);
    expect(machine.figures(idOf(machine, '/pod'))['memory.peak']).toBe(8192 * 4096);
    expect(machine.kills()).toEqual([]);
  },
);

row(
  'S3b',
  'common-ancestor as linux: a, limited to 64M, is killed in its 80M before b arrives, oom_kill 1, a.peak 16384 pages in both; memcg-mount: no kill',
  async () => {
    for (const [policy, peak, kills] of [
      ['linux', 16384, 1],
      ['common-ancestor', 16384, 1],
      ['memcg-mount', 0, 0],
    ] as const) {
      const machine = await replayRows(rowsOf(overProvision), policy);
      const a = idOf(machine, '/pod/a');
      expect(machine.figures(a)['memory.peak']! / 4096).toBe(peak);
      expect(Number(machine.engine.eventCount(a, EVENT_OOM_KILL, 1))).toBe(kills);
      expect(machine.kills().map(({ victim }) => victim.name)).toEqual(kills ? ['a'] : []);
    }
  },
);

row(
  'S3c',
  'common-ancestor against linux, `shared` and scenarios without limits: each cgroup pays less or the same; where pages moved to, /pod, the same 8192',
  async () => {
    const bill = async (trace: TraceBuilder, policy: string) => {
      const machine = await replayRows(trace, policy);
      machine.engine.drainAllStock(1, 0);
      return new Map(
        [...machine.cgroups].filter(([id]) => id > 1).map(([id, { path }]) => [`${path} ${id}`, machine.usage(id)]),
      );
    };
    for (const [name, options] of [
      ['shared', { order: 'a,b' }],
      ['shared', {}],
      ['shared-file', {}],
      ['pod-tmpfs', {}],
    ] as const) {
      const scenario = SCENARIOS.find((each) => each.name === name)!;
      const today = await bill(rowsOf(scenario, options), 'linux');
      const moved = await bill(rowsOf(scenario, options), 'common-ancestor');
      for (const [cgroup, pages] of today) expect(moved.get(cgroup)).toBeLessThanOrEqual(pages);
      expect([...moved].some(([cgroup, pages]) => pages < today.get(cgroup)!)).toBe(true);
    }
    const today = await bill(rowsOf(shared, { order: 'a,b' }), 'linux');
    const moved = await bill(rowsOf(shared, { order: 'a,b' }), 'common-ancestor');
    expect([...today.values()].map((pages, i) => [...moved.values()][i]! - pages)).toEqual([0, -8192, 0, 0]);
  },
);

// ------------------------------------------------------------------------------------------------ against a plain model

/** A tree of six cgroups, parents first; a task in each. */
const PARENTS = [0, 0, 1, 1, 2, 0] as const;

interface Access {
  who: number;
  object: number;
  index: number;
  pages: number;
  how: 'read' | 'write' | 'fault' | 'truncate' | 'attach';
  to: number;
}

const accesses: fc.Arbitrary<Access[]> = fc.array(
  fc.record({
    who: fc.nat(PARENTS.length - 1),
    object: fc.nat(2),
    index: fc.nat(40),
    pages: fc.integer({ min: 1, max: 20 }),
    how: fc.constantFrom('read', 'write', 'fault', 'fault', 'truncate', 'attach'),
    to: fc.nat(PARENTS.length - 1),
  }),
  { minLength: 5, maxLength: 60 },
);

/** What the proposal says, word for word: sets of ancestors, a map of owners. Cgroup 0 is the root. */
class Plain {
  readonly owner = new Map<string, number>();
  readonly mapped = new Set<string>();
  readonly cgroup = PARENTS.map((_, i) => i + 1);
  moved = 0;

  up(cgroup: number): number[] {
    return cgroup === 0 ? [0] : [cgroup, ...this.up(PARENTS[cgroup - 1]!)];
  }

  step({ who, object, index, pages, how, to }: Access): void {
    if (how === 'attach') this.cgroup[who] = to + 1;
    for (let i = index; i < index + pages && how !== 'attach'; i++) {
      const page = `${object}:${i}`;
      const toucher = this.cgroup[who]!;
      if (how === 'truncate') {
        this.owner.delete(page);
        for (const other of PARENTS.keys()) this.mapped.delete(`${other} ${page}`);
        continue;
      }
      const owner = this.owner.get(page);
      const known = how === 'fault' && this.mapped.has(`${who} ${page}`);
      if (owner === undefined) this.owner.set(page, toucher);
      else if (!known && !this.up(toucher).includes(owner)) {
        this.owner.set(page, this.up(owner).find((each) => this.up(toucher).includes(each))!);
        this.moved++;
      }
      if (how === 'fault') this.mapped.add(`${who} ${page}`);
    }
  }

  /** Pages that each cgroup but the root has in its counter: its own and those below. */
  usage(): number[] {
    return PARENTS.map((_, i) => [...this.owner.values()].filter((owner) => this.up(owner).includes(i + 1)).length);
  }
}

test.each([
  'shmem',
  'file',
] as const)('S3, property: against a plain model, %s, step by step: usage of every cgroup, pages moved, audit; under linux the same pages, and no cgroup pays less', async (type) => {
  const blank = await Machine.boot({
    residency: 'modelled',
    policy: 'common-ancestor',
    pages: 4096,
    cpus: 1,
    objects: 64,
    maps: 256,
    nodes: 4096,
    tasks: 64,
    cgroups: 16,
  });
  await fc.assert(
    fc.asyncProperty(accesses, async (steps) => {
      const machines = [await blank.fork(), await blank.fork({ policy: 'linux' })] as const;
      for (const machine of machines) {
        const ids: number[] = [1];
        for (const [i, parent] of PARENTS.entries()) ids.push(machine.mkdir(`/c${i}`, ids[parent]!));
        for (const id of ids.slice(1)) machine.spawn(id);
        for (let object = 0; object < 3; object++) machine.newObject(type, 64);
      }
      const plain = new Plain();
      const usage = (machine: Machine) => {
        machine.engine.drainAllStock(1, 0);
        return PARENTS.map((_, i) => machine.usage(i + 2));
      };
      for (const step of steps) {
        plain.step(step);
        for (const machine of machines) {
          const { who, object, index, pages, how, to } = step;
          if (how === 'attach') machine.attach(who + 1, to + 2);
          else if (how === 'truncate') machine.truncate(who + 1, object + 1, { index, pages });
          else machine.access(who + 1, object + 1, { index, pages, write: how === 'write', fault: how === 'fault' });
          expect(machine.audit()).toBeNull();
        }
        const [moving, today] = machines.map(usage) as [number[], number[]];
        expect(moving).toEqual(plain.usage());
        expect(machines[0].policyCounts().moved).toBe(plain.moved);
        for (const [i, pages] of moving.entries()) expect(pages).toBeLessThanOrEqual(today[i]!);
        const resident = (machine: Machine) =>
          Number(machine.engine.statTotal(1, type === 'file' ? KIND_FILE : KIND_SHMEM));
        expect(resident(machines[0])).toBe(plain.owner.size);
        expect(resident(machines[1])).toBe(plain.owner.size);
      }
    }),
    { numRuns: 40, seed: 11 },
  );
}, 120_000);

row(
  'S3',
  'common-ancestor: what moves away ends what its payer was above its limit: 40 pages over, 0 once b has touched all 64',
  async () => {
    const { machine, a, tasks } = await pod({ cpus: 1 });
    const file = machine.newObject('shmem');
    machine.access(tasks.a, file, { index: 0, pages: 64, write: true });
    machine.engine.drainAllStock(1, 0);
    machine.writeKnob(a, KNOB_MAX, 24n);
    expect(machine.usage(a)).toBe(64);
    const before = machine.policyFigures(a);
    expect([before.over, before.over_max_peak]).toEqual([40, 40]);
    machine.access(tasks.b, file, { index: 0, pages: 64 });
    // (Asking for the figures would settle them.)
    expect(machine.audit()).toBeNull();
    expect([machine.usage(a), machine.policyFigures(a).over]).toEqual([0, 0]);
    expect(machine.audit()).toBeNull();
  },
);
