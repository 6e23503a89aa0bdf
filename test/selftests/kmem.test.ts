/**
 * The kernel's own selftests of kernel memory in memory cgroups: tools/testing/selftests/cgroup/test_kmem.c of 6.18. Not here:
 * test_kmem_proc_kpagecgroup, which reads a file of /proc.
 *
 * What the kernel allocates for a program is the test's to say: 192 bytes a dentry with 8 for the pointer to its owner, and 1064 and 688
 * bytes a CPU for a memory cgroup's statistics, all as a recording of Linux 6.1 has them.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { Cgroups, KERNELS, PAGE, type Program } from './cgroup-util.ts';

let cg: Cgroups;
const boot = async (options: Parameters<typeof Cgroups.boot>[0]) => {
  cg = await Cgroups.boot(options);
};
afterEach(() => expect(cg.machine.audit()).toBeNull());

/** MAX_VMSTAT_ERROR */
const maxError = () => PAGE * 64 * cg.machine.capacities.cpus;
const MEMCG_COST = { percpu: [1064, 688] };

/** alloc_dcache(): stat() of `n` names that do not exist, which leaves as many negative dentries. */
function allocDcache(n: number): Program {
  return (run) => {
    for (let i = 0; i < n; i++)
      run.cg.machine.chargeKmem(run.task, { kind: 'slab', bytes: 192 + 8, reclaimable: true }, run.cpu);
    return true;
  };
}

/** fork() of a thread with its stack: memcg_charge_kernel_stack() charges each of its four pages. */
const STACK_PAGES = 4;
function startThread(run: Parameters<Program>[0], i: number): number {
  const thread = run.cg.machine.forkTask(run.task, { thread: true }, run.cpu);
  for (let page = 0; page < STACK_PAGES; page++)
    run.cg.machine.chargeKmemPages(run.task, { kind: 'kernel_stack', frame: STACK_PAGES * i + page }, run.cpu);
  return thread;
}
function endThread(run: Parameters<Program>[0], thread: number, i: number): void {
  run.cg.machine.exit(thread, run.cpu);
  for (let page = 0; page < STACK_PAGES; page++)
    run.cg.machine.freeKmemPages({ kind: 'kernel_stack', frame: STACK_PAGES * i + page }, run.cpu);
}

/** alloc_kmem_smp(): 2 × CPUs threads, each on a CPU of its own, with 100 dentries each. */
const allocKmemSmp: Program = (run) => {
  const { cpus } = run.cg.machine.capacities;
  const threads = Array.from({ length: 2 * cpus }, (_, i) => startThread(run, i));
  for (const [i, task] of threads.entries()) allocDcache(100)({ ...run, task, cpu: i % cpus });
  for (const [i, thread] of threads.entries()) endThread({ ...run, cpu: i % cpus }, thread, i);
  return true;
};

/** cg_run_in_subcgroups() */
function runInSubcgroups(parent: number, program: Program, times: number): void {
  for (let i = 0; i < times; i++) {
    const child = cg.create('child', parent);
    expect(cg.run(child, program)).toBe(true);
    cg.machine.rmdir(child);
    cg.machine.advance(cg.machine.now + 1_000_000_000n);
  }
}

describe.each(KERNELS)('test_kmem of %s', (kernel) => {
  it('test_kmem_basic', async () => {
    await boot({ kernel });
    const memcg = cg.create('kmem_basic_test');
    expect(cg.run(memcg, allocDcache(100_000))).toBe(true);
    const slab0 = cg.stat(memcg, 'slab');
    expect(slab0).toBeGreaterThanOrEqual(1 << 20);
    cg.write(memcg, 'memory.high', '1M');
    // RCU callbacks, to flush freed dentries
    cg.machine.advance(1_000_000_000n);
    const slab1 = cg.stat(memcg, 'slab');
    expect(slab1).toBeGreaterThanOrEqual(0);
    expect(slab1).toBeLessThan(slab0 / 2);
    const current = cg.current(memcg);
    expect(current).toBeGreaterThan(0);
    expect(current).toBeLessThan(slab0 / 2);
  });

  it('test_kmem_memcg_deletion', async () => {
    await boot({ kernel, cgroups: 256, tasks: 2048, memcgCost: MEMCG_COST });
    const parent = cg.create('kmem_memcg_deletion_test');
    runInSubcgroups(parent, allocKmemSmp, 100);
    const current = cg.current(parent);
    const sum = ['anon', 'file', 'kernel', 'sock'].reduce((total, key) => total + cg.stat(parent, key), 0);
    expect(cg.stat(parent, 'slab')).toBe(100 * 4 * 100 * 200);
    expect(Math.abs(sum - current)).toBeLessThan(maxError());
  });

  it('test_kmem_kernel_stacks', async () => {
    await boot({ kernel, tasks: 2048 });
    const memcg = cg.create('kmem_kernel_stacks_test');
    const spawn1000Threads: Program = (run) => {
      for (let i = 0; i < 1000; i++) startThread(run, i);
      return run.cg.stat(run.cgroup, 'kernel_stack') >= PAGE * 1000;
    };
    expect(cg.run(memcg, spawn1000Threads)).toBe(true);
  });

  it('test_kmem_dead_cgroups', async () => {
    await boot({ kernel, memcgCost: MEMCG_COST });
    const parent = cg.create('kmem_dead_cgroups_test');
    const before = cg.stat(parent, 'percpu');
    // The kernel's helper passes NULL for the number of dentries.
    runInSubcgroups(parent, allocDcache(0), 30);
    expect(cg.machine.cgroupStat(parent)).toEqual({ nr_descendants: 0, nr_dying_descendants: 0 });
    expect(cg.stat(parent, 'percpu')).toBe(before);
  });

  it('test_percpu_basic', async () => {
    await boot({ kernel, cgroups: 1024, memcgCost: MEMCG_COST });
    const parent = cg.create('percpu_basic_test');
    for (let i = 0; i < 1000; i++) cg.create(`child_${i}`, parent);
    const [current, percpu, slab] = [cg.current(parent), cg.stat(parent, 'percpu'), cg.stat(parent, 'slab')];
    expect(current).toBeGreaterThan(0);
    // 4256 and 2752 bytes a cgroup on two CPUs, as the recording has it
    expect(percpu).toBe(1000 * (4256 + 2752));
    expect(Math.abs(current - percpu)).toBeLessThan(maxError());
    // as later versions of the test ask
    expect(Math.abs(current - (percpu + slab))).toBeLessThan(maxError());
  });
});

describe('a removed cgroup', () => {
  it('is dying as long as something of it is left, and then gives back what it cost', async () => {
    await boot({ memcgCost: { percpu: [1064, 688], slab: [1000, 2000] } });
    const { machine } = cg;
    const parent = cg.create('p');
    const child = cg.create('c', parent);
    const grandchild = cg.create('g', child);
    const cost = 4256 + 2752 + 3000;
    const own = () => machine.memoryStat(parent).percpu! + machine.memoryStat(parent).slab!;
    expect(own()).toBe(2 * cost);
    const task = machine.spawn(grandchild);
    machine.access(task, 1, { index: 0, pages: 10 });
    machine.exit(task);
    for (const cgroup of [grandchild, child]) machine.rmdir(cgroup);
    // The page cache of the grandchild keeps it, and it keeps the child.
    expect(machine.cgroupStat(parent)).toEqual({ nr_descendants: 0, nr_dying_descendants: 2 });
    expect(own()).toBe(2 * cost);
    machine.truncate(machine.spawn(), 1, { index: 0 });
    expect(machine.cgroupStat(parent)).toEqual({ nr_descendants: 0, nr_dying_descendants: 0 });
    expect(own()).toBe(0);
  });

  it('is not made where its parent cannot pay', async () => {
    await boot({ memcgCost: { slab: [4096 * 3] } });
    const parent = cg.create('p');
    cg.write(parent, 'memory.max', '12K');
    cg.create('first', parent);
    expect(() => cg.create('second', parent)).toThrow('mkdir /p/second: ENOMEM');
    expect(cg.machine.cgroupStat(parent).nr_descendants).toBe(1);
  });
});
