/**
 * The kernel's own selftests of memory cgroups, with the kernel's own tolerances: tools/testing/selftests/cgroup/test_memcontrol.c of
 * 6.18 and of 6.1. Not here: test_memcg_subtree_control (control files of the hierarchy), test_memcg_sock (a network).
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { MountOption } from '../../bindings/index.ts';
import {
  allocAnon,
  allocAnonNoexit,
  Cgroups,
  KERNELS,
  MB,
  PAGE,
  type Program,
  readPagecache,
  reclaimUntil,
  TempFile,
  valuesClose,
  withTempFile,
} from './cgroup-util.ts';

const PAGE_COUNTER_MAX = 2251799813685247n;
const RECURSIVE: readonly (readonly MountOption[])[] = [['memory_recursiveprot'], []];

let cg: Cgroups;
const boot = async (options: Parameters<typeof Cgroups.boot>[0]) => {
  cg = await Cgroups.boot(options);
};
/** After each test everything adds up. */
afterEach(() => expect(cg.machine.audit()).toBeNull());

/** alloc_anon_50M_check() */
const anon50MCheck: Program = (run) => {
  if (!allocAnonNoexit(MB(50))(run)) return false;
  const current = run.cg.current(run.cgroup);
  if (current < MB(50) || !valuesClose(MB(50), current, 3)) return false;
  const anon = run.cg.stat(run.cgroup, 'anon');
  return anon >= 0 && valuesClose(anon, current, 3);
};

/** alloc_pagecache_50M_check() */
const pagecache50MCheck = withTempFile((file) => (run) => {
  if (!readPagecache(file, MB(50))(run)) return false;
  const current = run.cg.current(run.cgroup);
  return current >= MB(50) && valuesClose(run.cg.stat(run.cgroup, 'file'), current, 10);
});

/** alloc_pagecache_max_30M() */
const pagecacheMax30M = withTempFile((file) => (run) => {
  const thirty = BigInt(MB(30) / PAGE);
  if (run.cg.limit(run.cgroup, 'memory.high') !== thirty && run.cg.limit(run.cgroup, 'memory.max') !== thirty)
    return false;
  return readPagecache(file, MB(50))(run) && valuesClose(run.cg.current(run.cgroup), MB(30), 5);
});

describe.each(KERNELS)('test_memcontrol of %s', (kernel) => {
  it('test_memcg_current_peak', async () => {
    await boot({ kernel });
    const memcg = cg.create('memcg_test');
    const peak = cg.machine.openPeak(memcg);
    expect([cg.current(memcg), peak.read()]).toEqual([0, 0]);
    expect(cg.run(memcg, anon50MCheck)).toBe(true);
    expect(peak.read()).toBeGreaterThanOrEqual(MB(50));
    if (kernel === '6.1') {
      expect(() => peak.write('r')).toThrow('EINVAL');
      expect(cg.run(memcg, pagecache50MCheck)).toBe(true);
      expect(peak.read()).toBeGreaterThanOrEqual(MB(50));
      return;
    }
    const [fd1, fd2, fd3] = [cg.machine.openPeak(memcg), cg.machine.openPeak(memcg), cg.machine.openPeak(memcg)];
    for (const fd of [fd1, fd2, fd3]) fd.write('reset\n');
    expect(peak.read()).toBeGreaterThanOrEqual(MB(50));
    expect(fd1.read()).toBeLessThanOrEqual(MB(30));
    fd2.close();
    const fd4 = cg.machine.openPeak(memcg);
    fd4.write('reset\n');
    expect(cg.run(memcg, pagecache50MCheck)).toBe(true);
    for (const fd of [peak, fd1, fd4]) expect(fd.read()).toBeGreaterThanOrEqual(MB(50));
  });

  describe.each(RECURSIVE)('mounted with %s', (...mountOptions) => {
    it.each(['memory.min', 'memory.low'])('test_memcg_%s', async (attribute) => {
      const min = attribute === 'memory.min';
      await boot({ kernel, mountOptions });
      const file = new TempFile(cg.machine);
      const parent0 = cg.create('memcg_test_0');
      expect(cg.limit(parent0, attribute)).toBe(0n);
      cg.write(parent0, 'memory.max', '200M');
      cg.write(parent0, 'memory.swap.max', '0');
      const parent1 = cg.create('memcg_test_1', parent0);
      const parent2 = cg.create('memcg_test_2', parent0);
      const children = [0, 1, 2, 3].map((i) => cg.create(`child_memcg_${i}`, parent1));
      for (const child of children.slice(0, 3)) cg.start(child, readPagecache(file, MB(50)));
      cg.write(parent1, attribute, '50M');
      for (const [i, value] of ['75M', '25M', '0', '500M'].entries()) cg.write(children[i]!, attribute, value);
      expect(valuesClose(cg.current(parent1), MB(150), 3)).toBe(true);

      expect(cg.run(parent2, allocAnon(MB(148)))).toBe(true);
      expect(valuesClose(cg.current(parent1), MB(50), 3)).toBe(true);
      const current = children.map((child) => cg.current(child));
      expect(valuesClose(current[0]!, MB(29), kernel === '6.1' ? 10 : 15)).toBe(true);
      expect(valuesClose(current[1]!, MB(21), kernel === '6.1' ? 10 : 20)).toBe(true);
      expect(current[3]).toBe(0);

      // memory.min keeps 170M from fitting, memory.low does not.
      expect(cg.run(parent2, allocAnon(MB(170)))).toBe(!min);
      expect(valuesClose(cg.current(parent1), min ? MB(50) : MB(30), 3)).toBe(true);
      if (kernel !== '6.1') expect(reclaimUntil(cg, children[0]!, MB(10))).toBe(true);
      if (min) return;
      for (const [i, child] of children.entries()) {
        expect(cg.event(child, 'oom')).toBe(0);
        // Something of the parent's protection may come down to the child that has none.
        if (i === 2 && mountOptions.includes('memory_recursiveprot')) continue;
        const low = cg.event(child, 'low');
        if (i <= 1) expect(low).toBeGreaterThan(0);
        else expect(low).toBe(0);
      }
    });
  });

  it('test_memcg_high', async () => {
    await boot({ kernel });
    const memcg = cg.create('memcg_test');
    expect(cg.limit(memcg, 'memory.high')).toBe(PAGE_COUNTER_MAX);
    cg.write(memcg, 'memory.swap.max', '0');
    cg.write(memcg, 'memory.high', '30M');
    expect(cg.run(memcg, allocAnon(MB(31)))).toBe(true);
    expect(cg.run(memcg, pagecache50MCheck)).toBe(false);
    expect(cg.run(memcg, pagecacheMax30M)).toBe(true);
    expect(cg.event(memcg, 'high')).toBeGreaterThan(0);
  });

  it('test_memcg_high_sync', async () => {
    await boot({ kernel });
    const memcg = cg.create('memcg_test');
    cg.write(memcg, 'memory.swap.max', '0');
    cg.write(memcg, 'memory.high', '30M');
    cg.write(memcg, 'memory.max', '140M');
    // One mlock() faults in 200M. A watcher of memory.events wakes at its first event: how far has the call come by then?
    const first = async (pages: number) => {
      const fork = new Cgroups(await cg.machine.fork());
      const task = fork.machine.spawn(memcg);
      fork.machine.mlock(task, { vpn: 1, pages });
      return { high: fork.event(memcg, 'high'), max: fork.event(memcg, 'max'), current: fork.current(memcg) };
    };
    let [quiet, heard] = [0, MB(200) / PAGE];
    while (heard - quiet > 1) {
      const middle = (quiet + heard) >> 1;
      if ((await first(middle)).high > 0) heard = middle;
      else quiet = middle;
    }
    const { high, max, current } = await first(heard);
    expect([high > 0, max]).toEqual([true, 0]);
    expect(current).toBeLessThan(MB(140));
  });

  it('test_memcg_max', async () => {
    await boot({ kernel });
    const memcg = cg.create('memcg_test');
    expect(cg.limit(memcg, 'memory.max')).toBe(PAGE_COUNTER_MAX);
    cg.write(memcg, 'memory.swap.max', '0');
    cg.write(memcg, 'memory.max', '30M');
    expect(cg.run(memcg, allocAnon(MB(100)))).toBe(false);
    expect(cg.run(memcg, pagecacheMax30M)).toBe(true);
    const current = cg.current(memcg);
    expect(current <= MB(30) && current > 0).toBe(true);
    expect(cg.event(memcg, 'max')).toBeGreaterThan(0);
  });

  it.each([0, 1 << 16])('test_memcg_reclaim, %i slots of swap', async (swap) => {
    await boot({ kernel, swap });
    const memcg = cg.create('memcg_test');
    expect(cg.current(memcg)).toBe(0);
    cg.start(memcg, readPagecache(new TempFile(cg.machine), MB(50)));
    if (swap) cg.start(memcg, allocAnonNoexit(MB(50)));
    expect(valuesClose(cg.current(memcg), swap ? MB(100) : MB(50), 10)).toBe(true);
    expect(reclaimUntil(cg, memcg, MB(30))).toBe(true);
  });

  it('test_memcg_swap_max_peak', async () => {
    const later = kernel !== '6.1';
    await boot({ kernel, swap: 1 << 16 });
    const { machine } = cg;
    const memcg = cg.create('memcg_test');
    const files = later ? (['memory', 'swap'] as const) : [];
    /** Of the whole life, and (as far as 6.1 has them) of an open file that is reset. */
    const peaks = files.map((which) => machine.openPeak(memcg, which));
    const fds = files.map((which) => machine.openPeak(memcg, which));
    const read = (of: typeof fds) => of.map((file) => file.read());
    expect(cg.swapCurrent(memcg)).toBe(0);
    expect(read(peaks)).toEqual(files.map(() => 0));
    for (const fd of fds) fd.write('reset');
    expect(cg.limit(memcg, 'memory.swap.max')).toBe(PAGE_COUNTER_MAX);
    cg.write(memcg, 'memory.swap.max', '30M');
    cg.write(memcg, 'memory.max', '30M');
    expect(cg.run(memcg, allocAnon(MB(100)))).toBe(false);
    expect(cg.machine.figures(memcg)['memory.events']).toMatchObject({ oom: 1, oom_kill: 1 });
    for (const peak of [...read(peaks), ...read(fds)]) expect(peak).toBeGreaterThanOrEqual(MB(29));

    const others = files.map((which) => machine.openPeak(memcg, which));
    for (const other of others) {
      other.write('reset');
      other.close();
    }
    for (const peak of read(peaks)) expect(peak).toBeGreaterThanOrEqual(MB(29));
    for (const fd of fds) fd.write('reset');
    for (const [i, most] of later ? [MB(1), MB(10)].entries() : []) expect(fds[i]!.read()).toBeLessThanOrEqual(most);
    for (const peak of read(peaks)) expect(peak).toBeGreaterThanOrEqual(MB(29));

    const anon50MCheckSwap: Program = (run) => {
      if (!allocAnonNoexit(MB(50))(run)) return false;
      const [memory, swap] = [cg.current(memcg), cg.swapCurrent(memcg)];
      return memory > 0 && valuesClose(memory, MB(30), 3) && swap > 0 && valuesClose(memory + swap, MB(50), 3);
    };
    expect(cg.run(memcg, anon50MCheckSwap)).toBe(true);
    expect(cg.event(memcg, 'max')).toBeGreaterThan(0);
    for (const peak of read(peaks)) expect(peak).toBeGreaterThanOrEqual(MB(29));
    for (const [i, least] of later ? [MB(29), MB(19)].entries() : [])
      expect(fds[i]!.read()).toBeGreaterThanOrEqual(least);
  });

  it('test_memcg_oom_events', async () => {
    await boot({ kernel });
    const memcg = cg.create('memcg_test');
    cg.write(memcg, 'memory.max', '30M');
    cg.write(memcg, 'memory.swap.max', '0');
    expect(cg.run(memcg, allocAnon(MB(100)))).toBe(false);
    expect(cg.machine.figures(memcg)['memory.events']).toMatchObject({ oom: 1, oom_kill: 1 });
  });

  it.each([true, false])('test_memcg_oom_group_leaf_events, memory_localevents %s', async (local) => {
    await boot({
      kernel,
      mountOptions: local ? ['memory_localevents', 'memory_recursiveprot'] : ['memory_recursiveprot'],
    });
    const parent = cg.create('memcg_test_0');
    const child = cg.create('memcg_test_1', parent);
    cg.write(child, 'memory.max', '50M');
    cg.write(child, 'memory.swap.max', '0');
    cg.write(child, 'memory.oom.group', '1');
    // What the kernel's test starts in the parent does not come to be: the parent may hold no processes.
    const others = [cg.start(child, allocAnonNoexit(MB(1))), cg.start(child, allocAnonNoexit(MB(1)))];
    expect(cg.run(child, allocAnon(MB(100)))).toBe(false);
    expect(cg.living(others)).toEqual([]);
    expect(cg.event(child, 'oom_kill')).toBeGreaterThan(0);
    if (local) expect(cg.event(parent, 'oom_kill')).toBe(0);
    else expect(cg.event(parent, 'oom_kill')).toBeGreaterThan(0);
  });

  it('test_memcg_oom_group_parent_events', async () => {
    await boot({ kernel });
    // The child has no memory controller of its own: its processes are the parent's.
    const parent = cg.create('memcg_test_0');
    cg.write(parent, 'memory.max', '80M');
    cg.write(parent, 'memory.swap.max', '0');
    cg.write(parent, 'memory.oom.group', '1');
    const others = [60, 1, 1].map((size) => cg.start(parent, allocAnonNoexit(MB(size))));
    expect(cg.run(parent, allocAnon(MB(100)))).toBe(false);
    expect(cg.living(others)).toEqual([]);
  });

  it('test_memcg_oom_group_score_events', async () => {
    await boot({ kernel });
    const memcg = cg.create('memcg_test_0');
    cg.write(memcg, 'memory.max', '50M');
    cg.write(memcg, 'memory.swap.max', '0');
    cg.write(memcg, 'memory.oom.group', '1');
    const safe = cg.start(memcg, (run) => {
      run.cg.machine.setOomScoreAdj(run.task, -1000);
      return allocAnonNoexit(MB(1))(run);
    });
    const other = cg.start(memcg, allocAnonNoexit(MB(1)));
    expect(cg.run(memcg, allocAnon(MB(100)))).toBe(false);
    expect(cg.event(memcg, 'oom_kill')).toBe(3);
    expect(cg.living([safe, other])).toEqual([safe]);
  });
});
