/** Debate 3: work that is done for somebody else, on traces and live machines. */
import { expect } from 'vitest';
import * as O from '../../assembly/replay/ops.ts';
import { loop } from '../../bindings/generate/scenarios/loop.ts';
import { loopMetadata } from '../../bindings/generate/scenarios/loop-metadata.ts';
import { loopQueue } from '../../bindings/generate/scenarios/loop-queue.ts';
import { TraceBuilder } from '../../bindings/generate/trace-builder.ts';
import { type BootOptions, Machine } from '../../bindings/machine.ts';
import { definePolicy, type Policy, type SomeAnswers } from '../../bindings/policy/policy.ts';
import { PAGE_SIZE } from '../../bindings/trace/schema.ts';
import { row } from './row.ts';
import { pagesOf, replayRows, rowsOf } from './run.ts';

const MIB = 256;
const S = 1_000_000_000;

function mixed(answers: SomeAnswers): Policy {
  return definePolicy({ name: 'mixed', summary: '', rows: [], answers });
}
const ALL_TMPFS = mixed({ refused: { worker: 'enomem' } });
const ONE_WORKER = mixed({ oneWorker: true });

/** A cgroup's figures, by its path. */
function figuresOf(machine: Machine, path: string) {
  const id = [...machine.cgroups].findLast(([, name]) => name.path === path)![0];
  return { id, ...machine.policyFigures(id) };
}
const killed = (machine: Machine) => machine.kills().map(({ victim }) => victim.name);

/** A machine with a tmpfs file behind a loop device, and cgroups with a task each. */
async function world(policy: string | Policy, names: readonly string[], options: BootOptions = {}) {
  const machine = await Machine.boot({ residency: 'modelled', pages: 65536, cpus: 1, policy, ...options });
  const backing = machine.newObject('shmem', 32768);
  const device = machine.newObject('block', 32768);
  machine.event('loop_configure', { object: device, count: backing });
  const cgroups = names.map((name) => machine.mkdir(`/${name}`));
  const tasks = cgroups.map((cgroup) => machine.spawn(cgroup));
  const write = (who: number, index: number, count = 1) =>
    machine.event('loop_io', { task: tasks[who]!, object: device, index, count, flags: O.FLAG_WRITE });
  return { machine, backing, device, cgroups, tasks, write };
}

row(
  'L1',
  'loop-root: 256M of backing are in the root, 0 in the 64M cgroup; only the part without a loop device kills',
  async () => {
    const machine = await replayRows(rowsOf(loop), 'loop-root');
    expect(killed(machine)).toEqual(['dd-tmpfs']);
    expect(machine.figures(1)['memory.stat']!.shmem).toBe(65536 * PAGE_SIZE);
    expect(pagesOf(machine, '/test.slice')).toBe(0);
  },
);

row(
  'L1a',
  'a machine of 128M, 256M through the device: loop-root kills a bystander of 48M, loop-issuer the writer',
  async () => {
    for (const [policy, victim, over] of [
      ['loop-root', 'bystander', 1],
      ['loop-issuer', 'dd', 2],
    ] as const) {
      const builder = new TraceBuilder();
      builder.mkdir('/test.slice', { 'memory.max': 64 * MIB, 'memory.swap.max': 0 }).mkdir('/idle');
      builder.spawn('bystander', '/idle').touch('bystander', { pages: 48 * MIB });
      builder.spawn('dd', '/test.slice').object('back', 'shmem', { pages: 131072 }).loopConfigure('loop0', 'back');
      for (let at = 0; at < (policy === 'loop-root' ? 100 * MIB : 256 * MIB); at += 256)
        builder.loopIo('dd', 'loop0', { index: at, pages: 256 });
      const machine = await replayRows(builder, policy, { memory: 128 * MIB });
      expect(machine.kills().map((kill) => [kill.victim.name, kill.cgroup])).toEqual([[victim, over]]);
    }
  },
);

row(
  'L2',
  'loop-issuer: the issuer pays for 64M of backing and is killed; with io off for its cgroup the root pays',
  async () => {
    const machine = await replayRows(rowsOf(loop), 'loop-issuer');
    expect(killed(machine)).toEqual(['dd-tmpfs', 'dd']);
    expect(pagesOf(machine, '/test.slice')).toBe(16384);
    const plain = await Machine.boot({ residency: 'modelled', pages: 65536, cpus: 1, policy: 'loop-issuer' });
    const [backing, device] = [plain.newObject('shmem', 1024), plain.newObject('block', 1024)];
    plain.setBacking(device, { backing, worker: plain.spawnKernelThread() });
    const cgroup = plain.mkdir('/a');
    const task = plain.spawn(cgroup);
    plain.event('loop_io', { task, object: device, count: 64, flags: O.FLAG_WRITE });
    expect(plain.usage(cgroup)).toBe(0);
    plain.setIoMemcg(cgroup, cgroup);
    plain.event('loop_io', { task, object: device, index: 64, count: 64, flags: O.FLAG_WRITE });
    expect(plain.usage(cgroup)).toBe(64);
    expect(plain.audit()).toBeNull();
  },
);

row(
  'L2a',
  'in a scope of b a task of a: 64 anonymous pages bill a, 64 of page cache and 4096 bytes of slab b; the outer scope returns',
  async () => {
    const machine = await Machine.boot({ residency: 'modelled', pages: 65536, cpus: 1 });
    const [a, b, c] = ['/a', '/b', '/c'].map((path) => machine.mkdir(path)) as [number, number, number];
    const task = machine.spawn(a);
    const file = machine.newObject('shmem', 1024);
    const kmem = (cgroup: number) => machine.figures(cgroup)['memory.stat'].slab;
    machine.event('scope_enter', { task, cgroup: c });
    machine.event('scope_enter', { task, cgroup: b });
    machine.touchAnon(task, { vpn: 16, pages: 64 });
    machine.access(task, file, { index: 0, pages: 64, write: true });
    machine.chargeKmem(task, { kind: 'slab', bytes: 4096 });
    const shmem = (cgroup: number) => machine.figures(cgroup)['memory.stat'].shmem! / PAGE_SIZE;
    const anon = (cgroup: number) => machine.figures(cgroup)['memory.stat'].anon! / PAGE_SIZE;
    expect([anon(a), anon(b), shmem(a), shmem(b), kmem(b)]).toEqual([64, 0, 0, 64, 4096]);
    machine.event('scope_leave', { task });
    machine.access(task, file, { index: 64, pages: 64, write: true });
    expect([shmem(b), shmem(c)]).toEqual([64, 64]);
    machine.event('scope_leave', { task });
    machine.access(task, file, { index: 128, pages: 64, write: true });
    expect([shmem(a), shmem(c)]).toEqual([64, 64]);
    expect(machine.audit()).toBeNull();
  },
);

row(
  'L2b',
  'loop-issuer: workers 0, 1, 2, gone 60 s after their last request; a removed cgroup is held until then; none after a detach',
  async () => {
    const { machine, device, cgroups, tasks, write } = await world('loop-issuer', ['a', 'b']);
    const workers = () => machine.policyCounts().workers;
    const dying = () => machine.cgroupStat(1).nr_dying_descendants;
    expect(workers()).toBe(0);
    write(0, 0);
    expect(workers()).toBe(1);
    machine.advance(30n * BigInt(S));
    write(1, 1);
    expect([workers(), machine.policyFigures(cgroups[0]!).loop_workers]).toEqual([2, 1]);
    // a goes, and what it wrote: its worker alone keeps it.
    machine.exit(tasks[0]!);
    machine.event('truncate', { object: 1, index: 0, count: 1 });
    machine.rmdir(cgroups[0]!);
    machine.engine.drainAllStock(cgroups[0]!, 0);
    machine.advance(59n * BigInt(S));
    write(1, 1);
    expect([workers(), dying()]).toEqual([2, 1]);
    machine.advance(61n * BigInt(S));
    write(1, 1);
    expect([workers(), dying(), machine.policyFigures(cgroups[0]!).loop_workers]).toEqual([1, 0, 0]);
    // Detached, with an idle worker.
    machine.event('loop_configure', { object: device });
    expect([workers(), machine.policyFigures(cgroups[1]!).loop_workers]).toEqual([0, 0]);
    const { workers_made, workers_peak } = machine.policyCounts();
    expect([workers_made, workers_peak]).toEqual([2, 2]);
    expect(machine.audit()).toBeNull();
  },
);

row(
  'L2b',
  'loop-issuer: of 4097 cgroups the last finds the table full: the root does its work and pays, and no reference is left',
  async () => {
    const builder = new TraceBuilder();
    builder.object('back', 'shmem', { pages: 8192 }).loopConfigure('loop0', 'back');
    for (let i = 0; i <= 4096; i++) {
      builder.mkdir(`/c${i}`).spawn(`t${i}`, `/c${i}`).loopIo(`t${i}`, 'loop0', { index: i });
    }
    const machine = await replayRows(builder, 'loop-issuer', { cgroups: 5000 });
    expect(machine.policyCounts().workers).toBe(4096);
    expect([pagesOf(machine, '/c4095') > 0, pagesOf(machine, '/c4096')]).toEqual([true, 0]);
    expect(figuresOf(machine, '/c4096').loop_workers).toBe(0);
    expect(machine.figures(1)['memory.stat']!.shmem).toBe(4097 * PAGE_SIZE);
  },
);

row(
  'L2c',
  'ten requests of a, 1 s each by memory.high, then one of b: b waits 10 s with one worker, 0 with one for each',
  async () => {
    const one = await replayRows(rowsOf(loopQueue), ONE_WORKER, { cpus: 1 });
    expect(figuresOf(one, '/b').queued_ns / S).toBeCloseTo(10, 3);
    expect(one.policyCounts().workers_made).toBe(1);
    const two = await replayRows(rowsOf(loopQueue), 'loop-issuer', { cpus: 1 });
    expect(figuresOf(two, '/b').queued_ns).toBe(0);
    // a waits for itself alone: 1 + 2 + … + 9 s.
    expect(figuresOf(two, '/a').queued_ns / S).toBeCloseTo(45, 3);
    expect(two.policyCounts().workers_made).toBe(2);
    // What the root pays for is held up by nobody's memory.high.
    const root = await replayRows(rowsOf(loopQueue), 'loop-root', { cpus: 1 });
    expect(figuresOf(root, '/b').queued_ns).toBe(0);
  },
);

row('L2d', '16 backing pages of a are in swap and read for b: loop-issuer bills b, linux a', async () => {
  for (const [policy, a, b] of [
    ['linux', 16, 0],
    ['loop-issuer', 0, 16],
  ] as const) {
    const { machine, cgroups, tasks, device, write } = await world(policy, ['a', 'b'], { swap: 4096, pageWriteNs: 0n });
    write(0, 0, 16);
    machine.event('write_knob', { cgroup: cgroups[0]!, count: O.KNOB_RECLAIM, index: 64 });
    const shmem = (i: number) => machine.figures(cgroups[i]!)['memory.stat'].shmem! / PAGE_SIZE;
    expect([shmem(0), machine.figures(cgroups[0]!)['memory.swap.current']]).toEqual([0, 16 * PAGE_SIZE]);
    machine.event('loop_io', { task: tasks[1]!, object: device, count: 16 });
    expect([shmem(0), shmem(1)]).toEqual([a, b]);
    expect(machine.audit()).toBeNull();
  }
});

row(
  'L2e',
  'a writes 64 pages, b reads 16: 262144 bytes written of a, 65536 read of b; under loop-root both of the root; buffered as direct',
  async () => {
    for (const policy of ['linux', 'loop-issuer', 'loop-root'] as const) {
      const { machine, cgroups, tasks, device, write } = await world(policy, ['a', 'b']);
      write(0, 0, 64);
      machine.event('loop_io', { task: tasks[1]!, object: device, count: 16 });
      const io = (id: number) => [machine.policyFigures(id).io_written_bytes, machine.policyFigures(id).io_read_bytes];
      const bytes = [64 * PAGE_SIZE, 16 * PAGE_SIZE];
      const [wrote, read] = bytes as [number, number];
      const root = policy === 'loop-root';
      expect([io(1), io(cgroups[0]!), io(cgroups[1]!)]).toEqual(
        root
          ? [bytes, [0, 0], [0, 0]]
          : [
              [0, 0],
              [wrote, 0],
              [0, read],
            ],
      );
      machine.access(tasks[0]!, device, { index: 1024, pages: 8, write: true });
      machine.sync(tasks[0]!, device);
      expect(io(root ? 1 : cgroups[0]!)[0]).toBe(wrote + 8 * PAGE_SIZE);
    }
  },
);

row(
  'L3',
  'loop-backcharge without swap: no kill by the device, 49152 pages (201326592 bytes) above the limit, a deficit until the end',
  async () => {
    const machine = await replayRows(rowsOf(loop, { first: 0 }), 'loop-backcharge');
    const figures = figuresOf(machine, '/test.slice');
    expect(killed(machine)).toEqual([]);
    expect(pagesOf(machine, '/test.slice') - 16384).toBe(49152);
    expect([figures.deficit, figures.deficit_peak]).toEqual([49152, 49152]);
    // From the 65th of 256 requests on, 1 µs each, to the exit.
    expect(figures.deficit_ns).toBe(192_000);
  },
);

row(
  'L3',
  'loop-backcharge with swap: each request of 256 pages overdraws by 256 at most, and is worked off at once: deficit 0',
  async () => {
    const machine = await replayRows(rowsOf(loop, { first: 0, swap: 65536 }), 'loop-backcharge', { swap: 65536 });
    const figures = figuresOf(machine, '/test.slice');
    expect(killed(machine)).toEqual([]);
    expect([figures.deficit, figures.deficit_peak]).toEqual([0, 256]);
    expect(pagesOf(machine, '/test.slice')).toBeLessThanOrEqual(16384);
  },
);

row('L3', 'loop-backcharge with backchargeKill: the request that overdraws by 256 pages kills its issuer', async () => {
  const kill = mixed({ worker: 'backcharge', backchargeKill: true });
  const machine = await replayRows(rowsOf(loop, { first: 0 }), kill);
  expect(killed(machine)).toEqual(['dd']);
  expect(figuresOf(machine, '/test.slice').deficit_peak).toBe(256);
});

row(
  'L3a',
  'metadata alone is charged afterwards: the first round of ten overdraws, no later one does; all of it, and every round does',
  async () => {
    const peak = async (worker: 'backcharge' | 'backcharge-metadata', rounds: number) => {
      const machine = await replayRows(rowsOf(loopMetadata, { rounds }), mixed({ worker }));
      const { deficit, deficit_peak, force_charge } = figuresOf(machine, '/fs');
      expect([deficit, killed(machine)]).toEqual([0, []]);
      return { deficit_peak, force_charge };
    };
    const first = await peak('backcharge-metadata', 1);
    expect(first.force_charge).toBeGreaterThan(0);
    expect(await peak('backcharge-metadata', 10)).toEqual(first);
    const all = await peak('backcharge', 1);
    expect((await peak('backcharge', 10)).force_charge).toBeGreaterThan(5 * all.force_charge);
  },
);

row(
  'L4',
  'loop-enospc: 0 kills by the device, 49152 pages (192M) refused with ENOSPC from the 65th record on; all tmpfs: no kill at all',
  async () => {
    for (const [policy, kills] of [
      ['loop-enospc', ['dd-tmpfs']],
      [ALL_TMPFS, []],
    ] as const) {
      const machine = await replayRows(rowsOf(loop), policy);
      expect(killed(machine)).toEqual(kills);
      expect(pagesOf(machine, '/test.slice')).toBe(16384);
      expect(figuresOf(machine, '/test.slice').enospc).toBe(49152);
    }
    const { machine, cgroups, write } = await world('loop-enospc', ['a']);
    machine.cgroupfs.write('/a/memory.max', '64M');
    expect(cgroups).toHaveLength(1);
    const answers = Array.from({ length: 66 }, (_, i) => write(0, i * 256, 256).errno);
    expect(answers.indexOf('ENOSPC')).toBe(64);
  },
);

row(
  'L4a',
  'tmpfs is full: ENOSPC; the cgroup, nobody left to kill: ENOMEM; a quota of 64 pages: EDQUOT, not for root',
  async () => {
    const machine = await Machine.boot({ residency: 'modelled', pages: 65536, cpus: 1 });
    const { engine } = machine;
    const sb = machine.newObject('shmem', 0);
    const cgroup = machine.mkdir('/a');
    const task = machine.spawn(cgroup);
    const file = (uid: number) => {
      const object = machine.newObject('shmem', 0);
      engine.setSuper(object, sb);
      engine.setObjectUid(object, uid);
      return object;
    };
    const write = (object: number, pages: number) => {
      const { errno, done = pages } = machine.access(task, object, { index: 0, pages, write: true });
      return [errno, done];
    };
    engine.setSuperQuota(sb, 64);
    const own = file(1000);
    expect(write(own, 100)).toEqual(['EDQUOT', 64]);
    expect(write(file(1000), 1)).toEqual(['EDQUOT', 0]);
    expect(write(file(1001), 64)).toEqual([undefined, 64]);
    expect(write(file(0), 100)).toEqual([undefined, 100]);
    expect(engine.quotaUsed(sb, 1000)).toBe(64);
    machine.truncate(task, own, { index: 32 });
    expect([engine.quotaUsed(sb, 1000), engine.superUsed(sb)]).toEqual([32, 196]);
    engine.setSuperMax(sb, 200);
    expect(write(file(0), 10)).toEqual(['ENOSPC', 4]);
    engine.setSuperMax(sb, 0);
    machine.cgroupfs.write('/a/memory.max', '2M');
    machine.setOomScoreAdj(task, -1000);
    const [errno] = write(file(0), 1000);
    expect(errno).toBe('ENOMEM');
    expect(machine.figures(cgroup)['memory.events'].oom_kill).toBe(0);
    expect(machine.audit()).toBeNull();
  },
);

row(
  'L4b',
  'linux: metadata in user context kills app, not the dirtier; loop-enospc: nobody; loop-root: ENOSPC when 512M are full',
  async () => {
    // The dirtier has brought the device to the limit; the larger app then writes metadata.
    const build = () => {
      const builder = new TraceBuilder();
      builder.mkdir('/fs', { 'memory.max': 64 * MIB, 'memory.swap.max': 0 });
      builder.spawn('dirtier', '/fs').spawn('app', '/fs').touch('app', { pages: 1024 });
      builder.object('back', 'shmem', { pages: 131072 }).loopConfigure('loop0', 'back');
      builder.loopIo('dirtier', 'loop0', { pages: 15360 - 128 });
      builder.access('dirtier', 'loop0', { index: 65536, pages: 512, write: true });
      return builder.row('sync', { task: builder.task('dirtier'), object: builder.objectId('loop0') });
    };
    const linux = await replayRows(build(), 'linux');
    expect(killed(linux)).toEqual(['app']);
    const enospc = await replayRows(build(), 'loop-enospc');
    expect(killed(enospc)).toEqual([]);
    expect(figuresOf(enospc, '/fs').enospc).toBeGreaterThan(0);
    // Metadata that nobody is charged for ends where the tmpfs does.
    const machine = await Machine.boot({
      residency: 'modelled',
      pages: 1 << 18,
      cpus: 1,
      policy: mixed({ worker: 'root', refused: { worker: 'enomem' } }),
    });
    const [sb, backing, device] = [0, 131072, 131072].map((size) => machine.newObject(size ? 'shmem' : 'shmem', size));
    machine.freeObject(0, device!);
    const block = machine.newObject('block', 262144);
    machine.engine.setSuper(backing!, sb!);
    machine.engine.setSuperMax(sb!, 131072);
    machine.event('loop_configure', { object: block, count: backing! });
    const cgroup = machine.mkdir('/a');
    machine.cgroupfs.write('/a/memory.max', '64M');
    const task = machine.spawn(cgroup);
    const results = Array.from({ length: 520 }, (_, i) =>
      machine.event('loop_io', { task, object: block, index: i * 256, count: 256, flags: O.FLAG_WRITE }),
    );
    expect(results.findIndex(({ errno }) => errno === 'ENOSPC')).toBe(512);
    expect([machine.usage(cgroup), machine.kills()]).toEqual([0, []]);
  },
);

row('L6', 'loop-inline: bill and kills as under loop-issuer, and 0 workers are made', async () => {
  const [inline, issuer] = [
    await replayRows(rowsOf(loop), 'loop-inline'),
    await replayRows(rowsOf(loop), 'loop-issuer'),
  ];
  expect(killed(inline)).toEqual(killed(issuer));
  expect(pagesOf(inline, '/test.slice')).toBe(pagesOf(issuer, '/test.slice'));
  expect([inline.policyCounts().workers_made, issuer.policyCounts().workers_made]).toEqual([0, 1]);
  // In its own context the issuer waits for nobody.
  const queue = await replayRows(rowsOf(loopQueue), 'loop-inline', { cpus: 1 });
  expect(queue.policyCounts().queued_ns).toBe(0);
});

row(
  'L7',
  'loop-assigned: a and b write 64 pages each, the cgroup of the device pays for 128, whoever issues',
  async () => {
    for (const order of [
      ['a', 'b'],
      ['b', 'a'],
    ]) {
      const builder = new TraceBuilder();
      builder.mkdir('/a').mkdir('/b').mkdir('/device').spawn('a', '/a').spawn('b', '/b');
      builder.object('back', 'shmem', { pages: 1024 }).loopConfigure('loop0', 'back', { assigned: '/device' });
      order.forEach((who, i) => {
        builder.loopIo(who, 'loop0', { index: 64 * i, pages: 64 });
      });
      const machine = await replayRows(builder, 'loop-assigned');
      expect(['/a', '/b', '/device'].map((path) => pagesOf(machine, path))).toEqual([0, 0, 128]);
      expect(figuresOf(machine, '/device').io_written_bytes).toBe(128 * PAGE_SIZE);
    }
  },
);
