/** Debate 5: kernel memory, and whatever else a system call charges, at the limit. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import * as O from '../../assembly/replay/ops.ts';
import { kmem } from '../../bindings/generate/scenarios/kmem.ts';
import { kmemRunaway } from '../../bindings/generate/scenarios/kmem-runaway.ts';
import { TraceBuilder } from '../../bindings/generate/trace-builder.ts';
import type { Machine } from '../../bindings/machine.ts';
import type { PolicyFigures } from '../../bindings/policy/figures.ts';
import { definePolicy, type SomeAnswers } from '../../bindings/policy/policy.ts';
import { runScript } from '../../bindings/shell/run.ts';
import { row } from './row.ts';
import { idOf, pagesOf, replayRows, rowsOf } from './run.ts';

const MAX = 16384; // 64M
const PRESETS = ['kmem-enomem', 'kmem-oom-retry', 'kmem-restart', 'kmem-overcharge-return', 'kmem-overcharge-work'];
const ATOMIC = O.GFP_KSWAPD_RECLAIM | O.GFP_HIGH;

const mix = (answers: SomeAnswers) => definePolicy({ name: 'mix', summary: '', rows: [], answers });
const at = (machine: Machine, path: string): PolicyFigures => machine.policyFigures(idOf(machine, path));
const victims = (machine: Machine) => machine.kills().map((kill) => kill.victim.name);
const events = (machine: Machine, path: string) => machine.figures(idOf(machine, path))['memory.events'];
/** Those that are not 0. */
const some = (counts: Record<string, number>) => Object.fromEntries(Object.entries(counts).filter(([, n]) => n !== 0));

/** What the figures of debates.md are about: what failed, who died, how far and how long it was above its limit. */
function outcome(machine: Machine) {
  const figures = at(machine, '/k');
  const counts = machine.policyCounts();
  return {
    enomem: some(figures.enomem),
    killed: victims(machine).join(' '),
    over: figures.over_max_peak * 4096,
    overNow: figures.over * 4096,
    restarts: figures.restarts,
    deadlocks: counts.deadlocks,
    skipped: counts.skipped_victims,
  };
}
const QUIET = { enomem: {}, killed: '', over: 0, overNow: 0, restarts: 0, deadlocks: 0, skipped: 0 };

/** A task asks for memory with a lock that W, the largest, waits for; V has 12M. */
function locked(other = 3072): TraceBuilder {
  const trace = new TraceBuilder().mkdir('/k', { 'memory.max': MAX });
  trace
    .spawn('A', '/k')
    .spawn('W', '/k')
    .touch('W', { pages: MAX - other - 64 });
  trace.spawn('V', '/k').touch('V', { pages: other });
  trace.touch('A', { pages: 64 });
  trace.lock('A', 1).lock('W', 1);
  trace.kmem('A', { pages: 256, order: 3, open: true });
  return trace.unlock('A', 1).wait(1000);
}

// --- K1

row(
  'K1',
  'kmem-enomem and linux-2017: the call of 8M ends with one ENOMEM at its first allocation; no kill, never above 64M',
  async () => {
    for (const policy of ['kmem-enomem', 'linux-2017']) {
      const machine = await replayRows(rowsOf(kmem), policy);
      expect(outcome(machine)).toEqual({ ...QUIET, enomem: { kmem: 1 } });
      expect(pagesOf(machine, '/k')).toBe(MAX);
      expect(events(machine, '/k')).toMatchObject({ oom: 1, oom_kill: 0 });
    }
  },
);

row(
  'K1',
  'kmem-enomem: what a call of 80 pages had charged when its 65th is refused goes back, and its lock is free',
  async () => {
    const trace = new TraceBuilder()
      .mkdir('/k', { 'memory.max': MAX })
      .spawn('T', '/k')
      .touch('T', { pages: MAX - 64 });
    trace.spawn('U', '/k');
    trace.lock('T', 1).kmem('T', { pages: 80, open: true });
    trace.unlock('T', 1).lock('U', 1).kmem('U', { pages: 8 });
    const machine = await replayRows(trace, 'kmem-enomem');
    machine.engine.drainAllStock(1, 0);
    expect(pagesOf(machine, '/k')).toBe(MAX - 64 + 8);
    expect(outcome(machine)).toEqual({ ...QUIET, enomem: { kmem: 1 } });
  },
);

row(
  'K1',
  "the cover letter's script, unmodified: linux-2017: dd's writes get ENOMEM, oom_kill 0, 0; linux: 0, 1, 3",
  async () => {
    const script = readFileSync(join(import.meta.dirname, '../parity/07-loop-cover-letter.sh'), 'utf8');
    // Programs' own memory left out: another dd runs outside, so that dd's code is not the cgroup's, to be reclaimed and missed.
    const source = `sleep 1000 | dd of=/dev/null 2> /dev/null &\n${script}`;
    const { stdout, stderr, world } = await runScript(source, { policy: 'linux-2017' });
    expect(stdout.match(/oom_kill \d+/g)).toEqual(['oom_kill 0', 'oom_kill 0', 'oom_kill 0']);
    expect(stderr).toContain("dd: error writing '/tmp/file': Cannot allocate memory");
    // Through the loop device it is the worker that is refused; a buffered dd need not hear of it.
    const { machine } = world.kernel;
    expect(at(machine, '/test.slice').enomem.call).toBeGreaterThan(0);
    expect(at(machine, '/test.slice').enomem.worker).toBeGreaterThan(0);
    const now = await runScript(source, { policy: 'linux' });
    expect(now.stdout.match(/oom_kill \d+/g)).toEqual(['oom_kill 0', 'oom_kill 1', 'oom_kill 3']);
  },
);

row(
  'K1a',
  'linux-2017: MAP_POPULATE of 80M in a 64M cgroup populates 64M, the call goes on, nobody dies; a later fault kills',
  async () => {
    const trace = new TraceBuilder().mkdir('/k', { 'memory.max': MAX }).spawn('T', '/k');
    // mmap(MAP_POPULATE), and what the call does after it.
    trace.touch('T', { pages: 20480, inCall: true }).returnToUser('T');
    const machine = await replayRows(trace, 'linux-2017');
    expect(pagesOf(machine, '/k')).toBe(MAX);
    expect(outcome(machine)).toEqual({ ...QUIET, enomem: { call: 1 } });
    trace.touch('T', { index: 16 + MAX, pages: 1 });
    expect(victims(await replayRows(trace, 'linux-2017'))).toEqual(['T']);
    // Linux kills in the middle of the call.
    trace.rows.pop();
    expect(victims(await replayRows(trace, 'linux'))).toEqual(['T']);
  },
);

row(
  'K1',
  'kmem-enomem: a call that fails gives back the slab that it had before: 256K charged, then 1M refused, and memory.stat slab is 0',
  async () => {
    const trace = new TraceBuilder().mkdir('/k', { 'memory.max': 1024 }).spawn('T', '/k').touch('T', { pages: 850 });
    const slab = (O.KIND_SLAB << O.FLAG_KIND_SHIFT) | O.FLAG_IN_CALL;
    const columns = { task: trace.task('T'), cgroup: trace.cgroup('/k'), gfp: O.GFP_KERNEL, flags: slab };
    for (let i = 0; i < 64; i++) trace.row('kmem_charge', { ...columns, count: 4096 });
    trace.kmem('T', { pages: 256 });
    const machine = await replayRows(trace, 'kmem-enomem');
    expect(at(machine, '/k').enomem.kmem).toBe(1);
    expect(machine.memoryStat(idOf(machine, '/k')).slab).toBe(0);
    expect(pagesOf(machine, '/k')).toBeLessThan(850 + 64 + 2);
  },
);

// --- K2

row(
  'K2',
  'kmem-oom-retry and linux: T (60M) is killed inside its own charge; no ENOMEM is told, never above 64M',
  async () => {
    for (const policy of ['linux', 'kmem-oom-retry']) {
      const machine = await replayRows(rowsOf(kmem), policy);
      expect(outcome(machine)).toEqual({ ...QUIET, killed: 'T' });
      expect(machine.kills()[0]!.ts).toBeLessThan(10_000);
      expect(pagesOf(machine, '/k')).toBe(1024);
    }
  },
);

row(
  'K2',
  'linux and kmem-oom-retry: the victim waits for the lock of who charges: passed over after 3 s, then V dies and it goes on',
  async () => {
    for (const policy of ['linux', 'kmem-oom-retry']) {
      const machine = await replayRows(locked(), policy);
      expect(outcome(machine)).toEqual({ ...QUIET, killed: 'W V', skipped: 1 });
      expect(machine.policyCounts().stuck_ns).toBe(3_000_000_000);
      // W had to wait for the lock to die: only A is left, with what it asked for.
      machine.engine.drainAllStock(1, 0);
      expect(pagesOf(machine, '/k')).toBe(64 + 256);
    }
  },
);

row(
  'K2',
  'linux and kmem-oom-retry: there is no other victim: a deadlock is reported, and the charge ends in ENOMEM',
  async () => {
    const trace = new TraceBuilder().mkdir('/k', { 'memory.max': MAX });
    trace.spawn('A', '/').oomScoreAdj('A', -1000).attach('A', '/k').spawn('W', '/k').touch('W', { pages: MAX });
    trace.lock('A', 1).lock('W', 1).kmem('A', { pages: 8, order: 3, open: true });
    trace.unlock('A', 1);
    for (const policy of ['linux', 'kmem-oom-retry']) {
      const machine = await replayRows(trace, policy, { ring: 4096 });
      expect(outcome(machine)).toEqual({ ...QUIET, enomem: { kmem: 1 }, killed: 'W', deadlocks: 1, skipped: 1 });
      expect([...machine.drain()]).toContainEqual(expect.objectContaining({ type: 'refused', errno: 'EDEADLK' }));
      expect(pagesOf(machine, '/k')).toBe(0);
    }
  },
);

row(
  'K2',
  'kmem-oom-retry: T holds a lock: stuck until it is passed over, then V (4M), not enough: deadlock, ENOMEM',
  async () => {
    const machine = await replayRows(rowsOf(kmem, { lock: 1 }), 'kmem-oom-retry');
    expect(outcome(machine)).toEqual({ ...QUIET, killed: 'T V', deadlocks: 1, skipped: 1 });
    expect(machine.policyCounts().stuck_ns).toBe(3_000_000_000);
    machine.engine.drainAllStock(1, 0);
    // The call has failed, and given back what it had; T is dead.
    expect(pagesOf(machine, '/k')).toBe(0);
  },
);

row(
  'K2r',
  'kmem-restart: attempts 2, over_max 0, oom_kill 1: the lock is let go, W dies at once, no deadlock, no skip',
  async () => {
    const machine = await replayRows(locked(), 'kmem-restart');
    expect(outcome(machine)).toEqual({ ...QUIET, killed: 'W', restarts: 1 });
    expect(events(machine, '/k').oom_kill).toBe(1);
    expect(machine.policyCounts().stuck_ns).toBe(0);
    machine.engine.drainAllStock(1, 0);
    expect(pagesOf(machine, '/k')).toBe(3072 + 64 + 256);
  },
);

row(
  'K2r',
  "kmem-restart: T's call of 8M: T is killed at its return, before a second attempt; no overage, nothing of the call stays",
  async () => {
    for (const lock of [0, 1]) {
      const machine = await replayRows(rowsOf(kmem, { lock }), 'kmem-restart');
      expect(outcome(machine)).toEqual({ ...QUIET, killed: 'T' });
      expect(pagesOf(machine, '/k')).toBe(1024);
    }
  },
);

// --- K3

row(
  'K3',
  'kmem-overcharge-return: 8,388,608 bytes over until the return, 5 ms after the last charge; then T dies, and it is gone',
  async () => {
    const machine = await replayRows(rowsOf(kmem), 'kmem-overcharge-return');
    expect(outcome(machine)).toEqual({ ...QUIET, killed: 'T', over: 8_388_608 });
    // 256 charges of 8 pages, a microsecond apart, and 5 ms more
    const charging = (8 * 1000 * (256 * 255)) / 2;
    expect(at(machine, '/k').over_page_ns).toBe(charging + 2048 * (5_000_000 + 1000));
    expect(at(machine, '/k').forced).toMatchObject({ overcharge: 2048 });
    expect(pagesOf(machine, '/k')).toBe(1024 + 2048);
  },
);

/** T charges 64 pages past the limit of /a, is moved to /b while it is in the call, and charges 32 past that one's. */
function movedInCall(): TraceBuilder {
  const trace = new TraceBuilder();
  for (const path of ['/a', '/b']) trace.mkdir(path, { 'memory.max': 1024 });
  trace.spawn('U', '/a').touch('U', { pages: 1024 }).spawn('V', '/b').touch('V', { pages: 1024 });
  trace.spawn('T', '/a').kmem('T', { pages: 64, open: true });
  trace.attach('T', '/b').kmem('T', { pages: 32, open: true });
  return trace.wait(1_000_000).returnToUser('T').wait(1_000_000);
}

row(
  'K3a',
  'kmem-overcharge-return: moved in its call, T remembers /b alone: /b is right at the return, /a 64 over until its next charge',
  async () => {
    const machine = await replayRows(movedInCall(), 'kmem-overcharge-return');
    expect(victims(machine)).toEqual(['V']);
    expect([at(machine, '/a').over, at(machine, '/b').over]).toEqual([64, 0]);
    expect([at(machine, '/a').over_max_peak, at(machine, '/b').over_max_peak]).toEqual([64, 32]);
    const later = movedInCall().spawn('S', '/a');
    later.kmem('S');
    const after = await replayRows(later, 'kmem-overcharge-return');
    expect(victims(after)).toEqual(['V', 'U']);
    expect([at(after, '/a').over, at(after, '/a').over_max_peak]).toEqual([0, 65]);
  },
);

row(
  'K3b',
  'a kernel thread charges 8M for T: kmem-overcharge-return: 8,388,608 over a second later; with a work item: gone after 1 ms',
  async () => {
    const machine = await replayRows(rowsOf(kmem, { thread: 1 }), 'kmem-overcharge-return');
    expect(outcome(machine)).toEqual({ ...QUIET, over: 8_388_608, overNow: 8_388_608 });
    const both = mix({ refused: { call: 'overcharge-return', kmem: 'overcharge-return', worker: 'overcharge-work' } });
    for (const policy of [both, 'kmem-overcharge-work']) {
      const other = await replayRows(rowsOf(kmem, { thread: 1 }), policy);
      expect(outcome(other)).toEqual({ ...QUIET, killed: 'T', over: 8_388_608 });
      expect(Number(other.kills()[0]!.ts) - Number(chargedFirst({ thread: 1 }))).toBe(1_000_000);
    }
  },
);

/** When the first kernel memory of the scenario is charged, ns. */
function chargedFirst(options: Record<string, number> = {}): number {
  return rowsOf(kmem, options).rows.find((each) => each.flags & O.FLAG_BY_FRAME)!.ts;
}

/** 30M of T, and 34M of page cache that V has locked until T is in its call. */
function unlockedMeanwhile(): TraceBuilder {
  const trace = new TraceBuilder().mkdir('/k', { 'memory.max': MAX });
  trace.spawn('T', '/k').touch('T', { pages: 7680 }).spawn('V', '/k').object('/file', 'file', { pages: 8704 });
  trace.row('mlock', { task: trace.task('V'), object: trace.objectId('/file'), count: 8704 });
  trace.kmem('T', { pages: 2048, order: 3, open: true });
  trace.row('munlock', { task: trace.task('V'), object: trace.objectId('/file'), count: 8704 });
  return trace.row('unmap', { task: trace.task('V'), object: trace.objectId('/file'), count: 8704 }).returnToUser('T');
}

row('K3c', 'reclaimFirst: 8M of cache that has come free is taken at the return, kills 0; without: 1', async () => {
  const refused = { call: 'overcharge-return', kmem: 'overcharge-return' } as const;
  const kills = await replayRows(unlockedMeanwhile(), mix({ refused }));
  expect(outcome(kills)).toEqual({ ...QUIET, killed: 'T', over: 8_388_608 });
  const reclaims = await replayRows(unlockedMeanwhile(), mix({ refused, reclaimFirst: true }));
  expect(outcome(reclaims)).toEqual({ ...QUIET, over: 8_388_608 });
  expect(pagesOf(reclaims, '/k')).toBeLessThanOrEqual(MAX);
});

row(
  'K3d',
  'kmem-overcharge-return: 8M of tmpfs in one write(): 8,388,608 over, T dies at the return and its pages stay',
  async () => {
    const trace = new TraceBuilder().mkdir('/k', { 'memory.max': MAX }).spawn('T', '/k').touch('T', { pages: 15360 });
    trace.spawn('V', '/k').touch('V', { pages: 1024 }).object('/shm/x', 'shmem', { pages: 2048, by: 'T' });
    trace.access('T', '/shm/x', { pages: 2048, write: true });
    const machine = await replayRows(trace, 'kmem-overcharge-return');
    expect(outcome(machine)).toEqual({ ...QUIET, killed: 'T', over: 8_388_608 });
    expect(pagesOf(machine, '/k')).toBe(1024 + 2048);
    // The same write fails, or kills, under the others, and none of them is ever over.
    for (const policy of ['linux', 'kmem-enomem', 'kmem-oom-retry', 'kmem-restart'])
      expect(outcome(await replayRows(trace, policy))).toMatchObject({ over: 0 });
    expect(outcome(await replayRows(trace, 'kmem-enomem'))).toEqual({ ...QUIET, enomem: { call: 1 } });
  },
);

row(
  'K3e',
  'kmem-overcharge-return: ten calls of 8M at once: peak 83,886,080, the sum of their charges; under the others 0',
  async () => {
    const machine = await replayRows(rowsOf(kmemRunaway), 'kmem-overcharge-return');
    expect(outcome(machine)).toMatchObject({ over: 83_886_080, overNow: 0 });
    expect(at(machine, '/k').forced.overcharge * 4096).toBe(83_886_080);
    // The first that returns kills until the limit is kept: six of ten, whose calls give back what they had.
    expect(victims(machine)).toEqual(['T10', 'T9', 'T8', 'T7', 'T6', 'T5']);
    for (const policy of ['linux', 'kmem-enomem', 'kmem-oom-retry', 'kmem-restart'])
      expect(outcome(await replayRows(rowsOf(kmemRunaway), policy))).toMatchObject({ over: 0 });
    for (const tasks of [1, 3, 20])
      expect(outcome(await replayRows(rowsOf(kmemRunaway, { tasks }), 'kmem-overcharge-return')).over).toBe(
        tasks * 8_388_608,
      );
  },
);

row(
  'K3f',
  'a name buffer of 4 KiB past the limit, freed before the return: no kill; without the recheck: 1',
  async () => {
    const trace = new TraceBuilder().mkdir('/k', { 'memory.max': MAX }).spawn('T', '/k').touch('T', { pages: MAX });
    const name = trace.kmem('T', { open: true });
    trace.kmemFree('T', name, { open: true }).returnToUser('T');
    const machine = await replayRows(trace, 'kmem-overcharge-return');
    expect(outcome(machine)).toEqual({ ...QUIET, over: 4096 });
    const refused = { call: 'overcharge-return', kmem: 'overcharge-return' } as const;
    expect(outcome(await replayRows(trace, mix({ refused, recheck: false })))).toEqual({
      ...QUIET,
      killed: 'T',
      over: 4096,
    });
  },
);

// --- K4

row(
  'K4',
  'kmem-overcharge-work: 8,388,608 over until the work item, 1 ms after the first charge (3 ms if so told); then T dies',
  async () => {
    for (const [policy, delay] of [
      ['kmem-overcharge-work', 1_000_000],
      [mix({ refused: { kmem: 'overcharge-work' }, workDelay: 3_000_000 }), 3_000_000],
    ] as const) {
      const machine = await replayRows(rowsOf(kmem), policy);
      expect(outcome(machine)).toEqual({ ...QUIET, killed: 'T', over: 8_388_608 });
      expect(Number(machine.kills()[0]!.ts)).toBe(chargedFirst() + delay);
      const charging = (8 * 1000 * (256 * 255)) / 2;
      expect(at(machine, '/k').over_page_ns).toBe(charging + 2048 * (delay - 255_000));
    }
  },
);

// --- K5

/** One charge at a full limit in each context, with a task of its own each time; who is there to die is T, with all of it. */
function inContext(context: string): TraceBuilder {
  const trace = new TraceBuilder().mkdir('/k', { 'memory.max': MAX }).spawn('T', '/k').touch('T', { pages: MAX });
  trace.spawn('A', '/').oomScoreAdj('A', -1000).attach('A', '/k').spawn('kworker', '/', { kernelThread: true });
  trace.object('/shm/x', 'shmem', { pages: 16, by: 'A' });
  if (context === 'fault') trace.touch('A', {});
  if (context === 'tmpfs fault') trace.access('A', '/shm/x', { write: true, fault: true });
  if (context === 'populate') trace.touch('A', { inCall: true }).returnToUser('A');
  if (context === 'mlock') trace.row('mlock', { task: trace.task('A'), index: 16, count: 1 });
  if (context === 'write') trace.access('A', '/shm/x', { write: true });
  if (context === 'kmem') trace.kmem('A');
  if (context === 'kmem bytes')
    trace.row('kmem_charge', {
      task: trace.task('A'),
      count: 512,
      flags: O.KIND_SLAB << O.FLAG_KIND_SHIFT,
      gfp: O.GFP_KERNEL,
    });
  if (context === 'atomic') trace.kmem('A', { gfp: ATOMIC });
  if (context === 'nowait') trace.kmem('A', { gfp: O.GFP_KSWAPD_RECLAIM });
  if (context === 'worker') trace.kmem('kworker', { cgroup: '/k' });
  return trace;
}

row(
  'K5',
  'kills by context: linux in all that may block, linux-2017 in page faults alone; atomic charges are forced, or fail in 2017',
  async () => {
    const contexts = [
      'fault',
      'tmpfs fault',
      'populate',
      'mlock',
      'write',
      'kmem',
      'kmem bytes',
      'atomic',
      'nowait',
      'worker',
    ];
    const table: Record<string, string[]> = {};
    for (const policy of ['linux', 'linux-2017', 'kmem-enomem']) {
      table[policy] = [];
      for (const context of contexts) {
        const machine = await replayRows(inContext(context), policy);
        const { killed, enomem, over } = outcome(machine);
        table[policy]!.push(killed ? 'kill' : over ? 'over' : `ENOMEM ${Object.keys(enomem).join()}`);
      }
    }
    const kill = 'kill';
    expect(table).toEqual({
      linux: [kill, kill, kill, kill, kill, kill, kill, 'over', 'ENOMEM atomic', kill],
      'linux-2017': [
        ...[kill, kill, 'ENOMEM call', 'ENOMEM call', 'ENOMEM call', 'ENOMEM kmem', 'ENOMEM kmem'],
        ...['ENOMEM atomic', 'ENOMEM atomic', 'ENOMEM worker'],
      ],
      'kmem-enomem': [
        ...[kill, kill, 'ENOMEM call', 'ENOMEM call', 'ENOMEM call', 'ENOMEM kmem', 'ENOMEM kmem', 'over'],
        ...['ENOMEM atomic', kill],
      ],
    });
  },
);

row(
  'K5',
  'what comes back from swap is charged as the access that asks for it: a fault kills, a read() gets ENOMEM under linux-2017',
  async () => {
    const swapped = () => {
      const trace = new TraceBuilder()
        .mkdir('/k')
        .spawn('T', '/k')
        .spawn('A', '/')
        .oomScoreAdj('A', -1000)
        .attach('A', '/k');
      trace.object('/shm/x', 'shmem', { pages: 64, by: 'A' }).access('A', '/shm/x', { pages: 64, write: true });
      trace.touch('A', { pages: 64 });
      trace.row('write_knob', {
        cgroup: trace.cgroup('/k'),
        count: O.KNOB_RECLAIM,
        index: 128,
        name: '/k/memory.reclaim',
      });
      // What is in swap stays there: there is room for no more.
      trace.writeKnob('/k', 'memory.swap.max', 0).writeKnob('/k', 'memory.max', 128);
      return trace.touch('T', { pages: 128 });
    };
    const boot = { swap: 1024 };
    const read = await replayRows(swapped().access('A', '/shm/x', { pages: 64 }), 'linux-2017', boot);
    expect(outcome(read)).toEqual({ ...QUIET, enomem: { call: 1 } });
    const fault = await replayRows(swapped().touch('A', { pages: 64 }), 'linux-2017', boot);
    expect(outcome(fault)).toEqual({ ...QUIET, killed: 'T' });
  },
);

// --- K6

row(
  'K6',
  'linux: 5 no-fail and 3 high-priority pages over, then a limit lowered by 16 that cannot be kept: over by reason 5, 3, 16',
  async () => {
    const trace = new TraceBuilder().mkdir('/k', { 'memory.max': MAX });
    trace.spawn('A', '/').oomScoreAdj('A', -1000).attach('A', '/k').touch('A', { pages: MAX });
    trace.kmem('A', { pages: 5, gfp: O.GFP_KERNEL | O.GFP_NOFAIL });
    trace.kmem('A', { pages: 3, gfp: ATOMIC });
    trace.writeKnob('/k', 'memory.max', MAX - 16);
    const machine = await replayRows(trace, 'linux');
    const { forced, over, over_max_peak, force_charge } = at(machine, '/k');
    expect(some(forced)).toEqual({ nofail: 5, high_priority: 3, limit_lowered: 16 });
    expect([over, over_max_peak, force_charge]).toEqual([24, 24, 8]);
  },
);

row(
  'K6',
  'linux-2017: a task on its way out passes the limit by 7 pages, as dying; in 6.18 it is refused like others',
  async () => {
    const trace = new TraceBuilder().mkdir('/k', { 'memory.max': MAX });
    trace.spawn('A', '/').oomScoreAdj('A', -1000).attach('A', '/k').touch('A', { pages: MAX });
    trace.spawn('E', '/k').exit('E');
    trace.kmem('E', { pages: 7, order: 0 });
    const machine = await replayRows(trace, 'linux-2017');
    expect(some(at(machine, '/k').forced)).toEqual({ dying: 7 });
    expect(outcome(machine)).toEqual({ ...QUIET, over: 7 * 4096, overNow: 7 * 4096 });
    expect(outcome(await replayRows(trace, 'linux'))).toMatchObject({ over: 0, killed: '' });
  },
);

row(
  'K6',
  'levels: a no-fail charge of 64 pages to /p/c counts at /p (max 64M) alone, where c has no limit',
  async () => {
    const trace = new TraceBuilder().mkdir('/p', { 'memory.max': MAX }).mkdir('/p/c');
    trace.spawn('A', '/').oomScoreAdj('A', -1000).attach('A', '/p/c').touch('A', { pages: MAX });
    const frames = trace.kmem('A', { pages: 64, gfp: O.GFP_KERNEL | O.GFP_NOFAIL });
    trace.wait(2_000_000).kmemFree('A', frames);
    const machine = await replayRows(trace, 'linux', { cpus: 1 });
    machine.engine.drainAllStock(1, 0);
    expect([some(at(machine, '/p').forced), some(at(machine, '/p/c').forced)]).toEqual([{ nofail: 64 }, {}]);
    expect([at(machine, '/p').over_max_peak, at(machine, '/p').over, at(machine, '/p/c').over_max_peak]).toEqual([
      64, 0, 0,
    ]);
  },
);

row(
  'K3',
  'every kmem policy on the same trace: T (60M) and V (4M) in 64M, a call of 8M: what fails, who dies, how far over',
  async () => {
    const table: Record<string, unknown> = {};
    for (const policy of PRESETS) {
      const { enomem, killed, over } = outcome(await replayRows(rowsOf(kmem), policy));
      table[policy] = [enomem, killed, over];
    }
    expect(table).toEqual({
      'kmem-enomem': [{ kmem: 1 }, '', 0],
      'kmem-oom-retry': [{}, 'T', 0],
      'kmem-restart': [{}, 'T', 0],
      'kmem-overcharge-return': [{}, 'T', 8_388_608],
      'kmem-overcharge-work': [{}, 'T', 8_388_608],
    });
  },
);
