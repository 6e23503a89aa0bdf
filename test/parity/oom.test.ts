/**
 * The OOM killer beside Linux. What the kernel showed is in each test: recordings of Linux 6.1.192 (2 CPUs), runs of Linux 6.1 on one CPU,
 * and the kernel's own selftests (tools/testing/selftests/cgroup/test_memcontrol.c), which name the same figures for 6.18.
 */
import { describe, expect, it } from 'vitest';
import * as O from '../../assembly/replay/ops.ts';
import { type BootOptions, Machine } from '../../bindings/machine.ts';
import { batchOf, type HandRow } from '../replay/batch.ts';

const MIB = 256;
const W = O.FLAG_WRITE;
const KERNELS = ['6.18', '6.1'] as const;

const mkdir = (cgroup: number, parent: number, name: string): HandRow => {
  return { op: O.OP_MKDIR, cgroup, object: parent, name };
};
const max = (cgroup: number, pages: number): HandRow => {
  return { op: O.OP_WRITE_KNOB, cgroup, count: O.KNOB_MAX, index: pages };
};
const group = (cgroup: number): HandRow => ({ op: O.OP_WRITE_KNOB, cgroup, count: O.KNOB_OOM_GROUP, index: 1 });
const spawn = (task: number, cgroup: number, name = 'wl'): HandRow => ({ op: O.OP_SPAWN, task, cgroup, name });
const touch = (task: number, index: number, count: number): HandRow => {
  return { op: O.OP_ANON_TOUCH, task, index, count, flags: W };
};
const adj = (task: number, value: number): HandRow => ({ op: O.OP_OOM_SCORE_ADJ, task, index: value + 1000 });

async function boot(options: BootOptions = {}): Promise<Machine> {
  return Machine.boot({ residency: 'modelled', pages: 1 << 17, cpus: 2, build: 'debug', ...options });
}

/** Plays rows and answers memory.events. */
function play(machine: Machine, rows: readonly HandRow[]): (cgroup: number) => Record<string, number> {
  machine.replay(batchOf(rows));
  expect(machine.audit()).toBeNull();
  return (cgroup) => machine.figures(cgroup)['memory.events']!;
}

describe.each(KERNELS)('the OOM killer, kernel %s', (kernel) => {
  it('test_memcg_oom_events: a process that outgrows 30 MiB is killed once', async () => {
    const machine = await boot({ kernel });
    const events = play(machine, [mkdir(2, 1, '/a'), max(2, 30 * MIB), spawn(1, 2), touch(1, 1, 100 * MIB)]);
    // It goes through 18 fruitless reclaims, and 17 more after it was killed.
    expect(events(2)).toMatchObject({ max: 35, oom: 1, oom_kill: 1, oom_group_kill: 0 });
    expect(machine.usage(2)).toBeLessThan(64);
    expect(machine.refused(2)).toBe(1);
  });

  it('a group: one holds 10 MiB, another outgrows 40 (recorded: max=35 oom=1 oom_kill=3 oom_group_kill=1)', async () => {
    const machine = await boot({ kernel });
    const events = play(machine, [
      mkdir(2, 1, '/og'),
      max(2, 40 * MIB),
      group(2),
      spawn(1, 2, 'holder'),
      spawn(2, 2, 'grower'),
      touch(1, 0x400, 2573), // anon-rss:10292kB
      touch(2, 0x400, 64 * MIB),
    ]);
    expect(events(2)).toEqual({ low: 0, high: 0, max: 35, oom: 1, oom_kill: 3, oom_group_kill: 1 });
    expect(machine.figures(2)['memory.peak']).toBe(40 * 2 ** 20);
    const [kill] = machine.kills();
    expect(kill).toMatchObject({
      cgroup: 2,
      usage: 40 * 2 ** 20,
      limit: 40 * 2 ** 20,
      victim: { task: 2, name: 'grower', cgroup: 2 },
      group: 2,
      processes: 2,
    });
    expect(kill!.candidates.map(({ name, anon }) => [name, anon])).toEqual([
      ['grower', (40 * MIB - 2573) * 4096],
      ['holder', 2573 * 4096],
    ]);
  });

  it('test_memcg_oom_group_score_events: -1000 survives its group, and the first victim counts twice', async () => {
    const machine = await boot({ kernel });
    const events = play(machine, [
      mkdir(2, 1, '/a'),
      max(2, 50 * MIB),
      group(2),
      ...[1, 2].flatMap((task) => [spawn(task, 2), touch(task, 1, MIB)]),
      adj(1, -1000),
      spawn(3, 2),
      touch(3, 1, 100 * MIB),
    ]);
    expect(events(2)).toMatchObject({ oom: 1, oom_kill: 3, oom_group_kill: 1 });
    expect([1, 2, 3].map((task) => machine.isKilled(task))).toEqual([false, true, true]);
    expect(machine.engine.statLocal(2, 0)).toBe(BigInt(MIB));
  });

  it('test_memcg_oom_group_parent_events: the topmost group up to the limit goes whole', async () => {
    const machine = await boot({ kernel });
    const events = play(machine, [
      mkdir(2, 1, '/p'),
      mkdir(3, 2, '/p/c'),
      mkdir(4, 2, '/p/d'),
      mkdir(5, 1, '/outside'),
      max(2, 80 * MIB),
      group(2),
      group(3),
      group(5),
      spawn(1, 4),
      spawn(2, 3),
      spawn(3, 5),
      touch(1, 1, 60 * MIB),
      touch(2, 1, 100 * MIB),
    ]);
    // The victim is the one of 60 MiB, in a cgroup that is no group itself.
    expect(machine.kills()).toMatchObject([{ cgroup: 2, victim: { task: 1, cgroup: 4 }, group: 2, processes: 2 }]);
    expect(events(2)).toMatchObject({ oom: 1, oom_kill: 3, oom_group_kill: 1 });
    expect(events(3)).toMatchObject({ oom: 0, oom_kill: 1, oom_group_kill: 0 });
    expect([1, 2, 3].map((task) => machine.isKilled(task))).toEqual([true, true, false]);
  });

  it('three nested limits: the events are those of the middle one, the last of equals dies, and the parent never', async () => {
    // Recorded: each of 8 children has its parent's 8 MiB; the parent has oom_score_adj -900. The first to go is the one forked last.
    const machine = await boot({ kernel });
    const children = Array.from({ length: 8 }, (_, i) => 10 + i);
    const wave = Array.from({ length: 16 }, (_, part) =>
      children.map((child, i) => ({ ...touch(child, 0x400 + 64 * part, 64), cpu: i % 2 })),
    );
    const events = play(machine, [
      mkdir(2, 1, '/a'),
      mkdir(3, 2, '/a/b'),
      mkdir(4, 3, '/a/b/c'),
      ...[64, 32, 48].map((mib, i) => max(2 + i, mib * MIB)),
      spawn(1, 4),
      adj(1, -900),
      touch(1, 0x400, 8 * MIB),
      ...children.flatMap((child) => [{ op: O.OP_FORK, task: 1, object: child }, adj(child, 0)]),
      ...wave.flat(),
    ]);
    const [first] = machine.kills();
    expect(first!.victim.task).toBe(17);
    expect(first!.candidates.map(({ task }) => task)).toEqual([17, 16, 15, 14, 13, 12, 11, 10, 1]);
    expect(first!.candidates.map(({ anon }) => anon)).toEqual(Array(9).fill(8 * 2 ** 20));
    const kills = machine.kills().length;
    expect(machine.isKilled(1)).toBe(false);
    expect(events(4)).toMatchObject({ max: 0, oom: 0, oom_kill: kills });
    expect(events(3)).toMatchObject({ oom: kills, oom_kill: kills });
    expect(events(2)).toEqual(events(3));
    // 18 fruitless reclaims and up to 17 more each.
    expect(events(3).max).toBe(35 * kills);
    expect(machine.figures(3)['memory.events.local']).toMatchObject({ oom: kills, oom_kill: 0 });
    // A batch that the middle refuses has raised the lowest one's watermark.
    expect(machine.figures(4)['memory.peak']).toBeGreaterThan(32 * 2 ** 20);
    expect(machine.figures(3)['memory.peak']).toBe(32 * 2 ** 20);
  });

  it('another than the one that asks: it goes on when the victim has died (three runs: oom 1 1 25, oom_kill 1)', async () => {
    const machine = await boot({ kernel });
    const events = play(machine, [
      mkdir(2, 1, '/a'),
      max(2, 64 * MIB),
      spawn(1, 2),
      touch(1, 1, 30 * MIB),
      spawn(2, 2),
      adj(2, -900),
      touch(2, 1, 50 * MIB),
    ]);
    expect(events(2)).toMatchObject({ max: 35, oom: 1, oom_kill: 1 });
    expect(machine.isKilled(2)).toBe(false);
    expect(machine.engine.statLocal(2, 0)).toBe(BigInt(50 * MIB));
    expect(machine.refused(2)).toBe(0);
  });

  it('memory.max written below three processes takes the largest first (runs: oom 4, 5 and 992, oom_kill 3)', async () => {
    const machine = await boot({ kernel });
    const rows = [30, 20, 25].flatMap((mib, i) => [spawn(i + 1, 2), touch(i + 1, 1, mib * MIB)]);
    const events = play(machine, [mkdir(2, 1, '/a'), ...rows, max(2, 10 * MIB)]);
    expect(machine.kills().map(({ victim }) => victim.task)).toEqual([1, 3, 2]);
    expect(events(2)).toMatchObject({ max: 0, oom: 3, oom_kill: 3 });
  });

  it('one CPU: the killer is asked again before the victim has run (Linux 6.1, a kernel of one CPU)', async () => {
    for (const [sizes, grouped, want] of [
      // MiB by age; SIGKILLed by order of age; oom, oom_kill
      [[1, 20], false, [1, 1, 2, 2]],
      [[20, 1], false, [1, 0, 2, 1]],
      [[20, 2, 21, 1], false, [1, 0, 1, 0, 3, 2]],
      [[2, 3, 20], true, [1, 1, 1, 1, 3]],
      [[20], true, [1, 1, 2]],
      [[20, 1], true, [1, 1, 1, 3]],
    ] as const) {
      const machine = await boot({ kernel, cpus: 1 });
      const rows = sizes.flatMap((mib, i) => [spawn(i + 1, 2), touch(i + 1, 1, mib * MIB)]);
      const before = [mkdir(2, 1, '/a'), ...(grouped ? [group(2)] : [])];
      const { oom, oom_kill } = play(machine, [...before, ...rows, max(2, 15 * MIB)])(2);
      expect([...sizes.map((_, i) => Number(machine.isKilled(i + 1))), oom, oom_kill]).toEqual(want);
    }
  });

  it('oom_score_adj counts a thousandth of the limit a point; children inherit it; negative totals can be chosen', async () => {
    const machine = await boot({ kernel });
    const pages = 10_999; // a thousandth is 10, not 10.999
    play(machine, [
      mkdir(2, 1, '/a'),
      max(2, pages),
      spawn(1, 2),
      adj(1, -999),
      { op: O.OP_FORK, task: 1, object: 2 },
      touch(2, 1, 5000),
      { op: O.OP_FORK, task: 2, object: 3, flags: O.FLAG_THREAD },
      adj(3, -500), // of the thread's process
      spawn(4, 2),
      adj(4, -1000),
      touch(4, 1, 20_000),
    ]);
    const [first] = machine.kills();
    // page tables of 5000 pages from page 1: 10 of 512 entries, and one of each level above
    expect(first!.candidates.map(({ task, points }) => [task, points])).toEqual([
      [2, 5000 + 12 - 500 * 10],
      [1, -999 * 10],
    ]);
    expect([2, 3].map((task) => machine.isKilled(task))).toEqual([true, true]);
    // Then the other goes, for nothing, and nobody is left.
    expect(machine.kills().map(({ victim }) => [victim.task, victim.points])).toEqual([
      [2, 12],
      [1, -9990],
    ]);
    expect(machine.isKilled(4)).toBe(false);
    expect(machine.figures(2)['memory.events']).toMatchObject({ oom: 3, oom_kill: 2 });
    expect(machine.engine.statLocal(2, 0)).toBe(BigInt(pages));
  });

  it('equals: the later in the walk of the tree, and in a cgroup who joined it later; init and kernel threads never', async () => {
    const order = async (...moves: HandRow[]) => {
      const machine = await boot({ kernel });
      play(machine, [
        mkdir(2, 1, '/a'),
        mkdir(3, 2, '/a/b'),
        mkdir(4, 3, '/a/b/x'),
        mkdir(5, 2, '/a/c'),
        { op: O.OP_SPAWN, task: 1, cgroup: 5, index: 1, name: 'init' },
        { op: O.OP_SPAWN, task: 2, cgroup: 5, flags: O.FLAG_KERNEL_THREAD },
        ...[3, 4, 5].map((task) => spawn(task, 2)),
        ...[1, 3, 4, 5].map((task) => touch(task, 1, 100)),
        ...moves,
        max(2, 1),
      ]);
      return machine.kills().map(({ victim }) => victim.task);
    };
    const to = (task: number, cgroup: number): HandRow => ({ op: O.OP_ATTACH, task, cgroup });
    expect(await order()).toEqual([5, 4, 3]);
    expect(await order(to(4, 4), to(4, 2))).toEqual([4, 5, 3]);
    // parents first, then siblings by age: 2, 3, 4, 5
    expect(await order(to(3, 4), to(5, 3))).toEqual([3, 5, 4]);
    expect(await order(to(3, 5), to(4, 4))).toEqual([3, 4, 5]);
  });

  it('does not ask for what it may not, and a process whose memory is charged elsewhere dies for nothing', async () => {
    const machine = await boot({ kernel });
    const events = play(machine, [
      mkdir(2, 1, '/a'),
      mkdir(3, 1, '/b'),
      spawn(1, 3),
      touch(1, 1, 1000),
      { op: O.OP_ATTACH, task: 1, cgroup: 2 },
      spawn(2, 2),
      touch(2, 1, 500),
      max(2, 500),
    ]);
    const flags = O.FLAG_BY_FRAME | (O.KIND_KERNEL_OTHER << O.FLAG_KIND_SHIFT);
    const kmem = (order: number, gfp: number): HandRow => {
      return { op: O.OP_KMEM_CHARGE, task: 2, index: 4096, flags: flags | order, gfp, ts: 1e6 };
    };
    // order 4; no retry; may fail; may not block
    play(machine, [
      kmem(4, O.GFP_KERNEL),
      kmem(0, O.GFP_KERNEL | O.GFP_NORETRY),
      kmem(0, O.GFP_KERNEL | O.GFP_RETRY_MAYFAIL),
      kmem(0, O.GFP_KSWAPD_RECLAIM),
    ]);
    expect(events(2)).toMatchObject({ oom: 0, oom_kill: 0 });
    expect(machine.refused(2)).toBe(4);
    play(machine, [{ ...touch(2, 1000, 1), ts: 2e6 }]);
    expect(machine.kills().map(({ victim }) => victim.task)).toEqual([1, 2]);
    expect(machine.engine.statLocal(3, 0)).toBe(0n);
  });
});

it("gives back a victim's kernel pages when its exit on the recorded machine did", async () => {
  const machine = await boot();
  const flags = O.FLAG_BY_FRAME | (O.KIND_KERNEL_STACK << O.FLAG_KIND_SHIFT) | 2;
  const kernelStack = () => machine.figures(2)['memory.stat']!.kernel_stack;
  play(machine, [
    mkdir(2, 1, '/a'),
    max(2, 100),
    spawn(1, 2),
    { op: O.OP_KMEM_CHARGE, task: 1, index: 512, flags, gfp: O.GFP_KERNEL },
    touch(1, 1, 200),
    // What it would have charged later it does not.
    { op: O.OP_KMEM_CHARGE, task: 1, index: 1024, flags, gfp: O.GFP_KERNEL },
  ]);
  expect(machine.isKilled(1)).toBe(true);
  expect(kernelStack()).toBe(4 * 4096);
  play(machine, [
    { op: O.OP_KMEM_FREE, task: 1, index: 512, flags, ts: 1e6 },
    { op: O.OP_KMEM_FREE, task: 1, index: 1024, flags, ts: 2e6 },
    { op: O.OP_EXIT, task: 1, ts: 3e6 },
  ]);
  expect(kernelStack()).toBe(0);
});

it('tells an embedder who was killed, and takes no more charges from them', async () => {
  const machine = await boot();
  const jobs = machine.mkdir('/jobs');
  machine.writeKnob(jobs, O.KNOB_MAX, 100n);
  const [task, thread, other] = [machine.spawn(jobs, 'leader'), 2, 3];
  machine.engine.fork(task, thread, 1);
  machine.engine.spawn(other, jobs, 1);
  const stack = (who: number, order: number) =>
    machine.engine.chargeKmemPages(who, 0, 4096, order, O.KIND_KERNEL_STACK, O.GFP_KERNEL);
  machine.replay(batchOf([touch(thread, 1, 90)]));
  expect(stack(other, 3)).toBe(0);
  expect(machine.engine.chargeKmemPages(other, 0, 8192, 3, O.KIND_KERNEL_STACK, O.GFP_KERNEL)).toBe(0);
  expect([task, thread, other].map((who) => machine.isKilled(who))).toEqual([true, true, false]);
  expect(stack(thread, 0)).toBe(-3);
  expect(machine.engine.fork(task, 4, 0)).toBe(-3);
  expect(machine.engine.exec(task)).toBe(-3);
  expect(machine.engine.exit(task)).toBe(0);
  const copy = await Machine.restore(machine.snapshot());
  expect(copy.kills()[0]!.victim).toMatchObject({ task, name: 'leader' });
  expect(copy.kills()).toEqual(machine.kills());
  expect((await copy.fork()).kills()).toEqual(machine.kills());
});

it('counts the kills that find the table full, and the candidates that a record has no room for', async () => {
  const machine = await boot({ kills: 2 });
  const tasks = Array.from({ length: 40 }, (_, i) => i + 1);
  play(machine, [
    mkdir(2, 1, '/a'),
    ...tasks.flatMap((task) => [spawn(task, 2), touch(task, 1, 100 + ((task * 7) % 40))]),
    max(2, 4400),
  ]);
  expect(machine.kills().length + machine.killsLost).toBe(machine.figures(2)['memory.events'].oom_kill);
  expect(machine.kills().map(({ candidates, omitted }) => [candidates.length, omitted])).toEqual([
    [32, 8],
    [32, 7],
  ]);
  expect(machine.killsLost).toBeGreaterThan(0);
  const [first] = machine.kills();
  expect(first!.candidates.map(({ points }) => points)).toEqual(
    tasks
      .map((task) => 103 + ((task * 7) % 40))
      .sort((a, b) => b - a)
      .slice(0, 32),
  );
});
