/**
 * Which files there are, and which keys memory.stat has, on each kernel. 6.1 as the guest listed them (linux-6.1); 6.18 and what
 * distributions build by the kernels' tables: kernel/cgroup/cgroup.c, mm/memcontrol.c, kernel/cgroup/pids.c.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import type { CgroupFs } from '../../bindings/cgroupfs/cgroupfs.ts';
import { DISTRIBUTION, GUEST, type Kernel, type KernelConfig, Machine } from '../../bindings/index.ts';

const CAPACITIES = { pages: 1 << 12, cpus: 1, cgroups: 8, tasks: 8, objects: 8, maps: 8, nodes: 256, swap: 0 };
const all = ['cpu', 'io', 'memory', 'pids'] as const;

async function boot(kernel: Kernel, config: KernelConfig): Promise<CgroupFs> {
  const machine = await Machine.boot({ ...CAPACITIES, residency: 'modelled', kernel });
  const fs = machine.mountCgroupfs({ config, subtreeControl: all });
  fs.mkdir('/a');
  return fs;
}

const words = (text: string) => text.split(/\s+/).filter((word) => word !== '');
const ROOT = words(`cgroup.controllers cgroup.max.depth cgroup.max.descendants cgroup.procs cgroup.stat
  cgroup.subtree_control cgroup.threads cpu.stat io.stat memory.reclaim memory.stat`);
const CGROUP = words(`cgroup.controllers cgroup.events cgroup.freeze cgroup.kill cgroup.max.depth cgroup.max.descendants
  cgroup.procs cgroup.stat cgroup.subtree_control cgroup.threads cgroup.type
  cpu.idle cpu.max cpu.max.burst cpu.stat cpu.weight cpu.weight.nice io.max io.stat
  memory.current memory.events memory.events.local memory.high memory.low memory.max memory.min memory.oom.group
  memory.peak memory.reclaim memory.stat memory.swap.current memory.swap.events memory.swap.high memory.swap.max
  memory.zswap.current memory.zswap.max pids.current pids.events pids.max pids.peak`);
const LATER_ROOT = words('cpu.stat.local memory.zswap.writeback');
const LATER = words('cpu.stat.local memory.swap.peak memory.zswap.writeback pids.events.local');
const BUILT_IN = words('cgroup.pressure cpu.pressure io.pressure memory.numa_stat memory.pressure');

describe.each([
  ['6.1', GUEST, ROOT, CGROUP],
  ['6.1', DISTRIBUTION, [...ROOT, ...BUILT_IN], [...CGROUP, ...BUILT_IN]],
  ['6.18', GUEST, [...ROOT, ...LATER_ROOT], [...CGROUP, ...LATER]],
  ['6.18', DISTRIBUTION, [...ROOT, ...LATER_ROOT, ...BUILT_IN], [...CGROUP, ...LATER, ...BUILT_IN]],
] as const)('Linux %s, %o', (kernel, config, root, cgroup) => {
  let fs: CgroupFs;
  beforeAll(async () => {
    fs = await boot(kernel, config);
  });

  test('has these files', () => {
    expect(fs.list('/').sort()).toEqual([...root, 'a'].sort());
    expect(fs.list('/a').sort()).toEqual([...cgroup].sort());
  });

  test('says something in every file that can be read', () => {
    const empty: string[] = [];
    fs.dump((path, text) => {
      if (text === null) return;
      if (text === '') empty.push(path);
      else expect(text, path).toMatch(/^[^\n]+\n([^\n]+\n)*$/);
    });
    expect(empty.sort()).toEqual(
      words(
        '/a/cgroup.procs /a/cgroup.subtree_control /a/cgroup.threads /a/io.max /a/io.stat /cgroup.procs /cgroup.threads /io.stat',
      ),
    );
  });

  test('cannot be written where the kernel has no handler', () => {
    const readOnly = [...cgroup].filter((name) => (fs.stat(`/a/${name}`).mode & 0o200) === 0);
    expect(readOnly.sort()).toEqual(
      words(`cgroup.controllers cgroup.events cgroup.stat cpu.stat cpu.stat.local io.stat memory.current memory.events
        memory.events.local memory.numa_stat memory.peak memory.stat memory.swap.current memory.swap.events
        memory.zswap.current pids.current pids.events pids.events.local pids.peak`).filter(
        (name) => cgroup.includes(name) && (kernel === '6.1' || name !== 'memory.peak'),
      ),
    );
  });
});

const HEAD = `anon file kernel kernel_stack pagetables sec_pagetables percpu sock vmalloc shmem zswap zswapped
  file_mapped file_dirty file_writeback swapcached`;
const LISTS = `inactive_anon active_anon inactive_file active_file unevictable slab_reclaimable slab_unreclaimable slab`;
const WORKINGSET = `workingset_refault_anon workingset_refault_file workingset_activate_anon workingset_activate_file
  workingset_restore_anon workingset_restore_file workingset_nodereclaim`;
const FAULTS = 'pgfault pgmajfault pgrefill pgactivate pgdeactivate pglazyfree pglazyfreed';
const KEYS = {
  guest61: `${HEAD} ${LISTS} ${WORKINGSET} pgscan pgsteal pgscan_kswapd pgscan_direct pgsteal_kswapd pgsteal_direct
    ${FAULTS} zswpin zswpout`,
  distribution61: `${HEAD} anon_thp file_thp shmem_thp ${LISTS} ${WORKINGSET} pgscan pgsteal pgscan_kswapd pgscan_direct
    pgsteal_kswapd pgsteal_direct ${FAULTS} zswpin zswpout thp_fault_alloc thp_collapse_alloc`,
  guest618: `${HEAD} ${LISTS} ${WORKINGSET} pgdemote_kswapd pgdemote_direct pgdemote_khugepaged pgdemote_proactive
    pgscan pgsteal pswpin pswpout pgscan_kswapd pgscan_direct pgscan_khugepaged pgscan_proactive
    pgsteal_kswapd pgsteal_direct pgsteal_khugepaged pgsteal_proactive ${FAULTS} swpin_zero swpout_zero
    zswpin zswpout zswpwb`,
  distribution618: `${HEAD} anon_thp file_thp shmem_thp ${LISTS} ${WORKINGSET} pgdemote_kswapd pgdemote_direct
    pgdemote_khugepaged pgdemote_proactive pgpromote_success pgscan pgsteal pswpin pswpout pgscan_kswapd pgscan_direct
    pgscan_khugepaged pgscan_proactive pgsteal_kswapd pgsteal_direct pgsteal_khugepaged pgsteal_proactive ${FAULTS}
    swpin_zero swpout_zero zswpin zswpout zswpwb thp_fault_alloc thp_collapse_alloc thp_swpout thp_swpout_fallback
    numa_pages_migrated numa_pte_updates numa_hint_faults`,
} as const;

test.each([
  ['6.1', GUEST, KEYS.guest61],
  ['6.1', DISTRIBUTION, KEYS.distribution61],
  ['6.18', GUEST, KEYS.guest618],
  ['6.18', DISTRIBUTION, KEYS.distribution618],
] as const)('memory.stat of Linux %s, %o', async (kernel, config, keys) => {
  const fs = await boot(kernel, config);
  for (const path of ['/memory.stat', '/a/memory.stat'])
    expect(fs.read(path).match(/^\w+(?= \d+$)/gm)).toEqual(words(keys));
  if (!config.NUMA) return;
  const nodes = words(keys).filter(
    (key) =>
      /^(anon|file|shmem|kernel_stack|.*pagetables|swapcached|.*_thp|(in)?active_|unevictable|slab_|workingset|pgdemote|pgpromote)/.test(
        key,
      ) && !key.startsWith('numa'),
  );
  expect(fs.read('/a/memory.numa_stat')).toBe(nodes.map((key) => `${key} N0=0\n`).join(''));
});

test('memory.stat has hugetlb where it is accounted', async () => {
  const mountOptions = ['memory_hugetlb_accounting'] as const;
  const machine = await Machine.boot({ ...CAPACITIES, residency: 'modelled', mountOptions });
  expect(machine.cgroupfs.read('/memory.stat')).toMatch(/\nslab \d+\nhugetlb 0\nworkingset_refault_anon/);
});

test('cgroup.pressure hides and shows the pressure files', async () => {
  const fs = await boot('6.18', DISTRIBUTION);
  const line = 'avg10=0.00 avg60=0.00 avg300=0.00 total=0';
  for (const name of ['io', 'memory', 'cpu'])
    expect(fs.read(`/a/${name}.pressure`)).toBe(`some ${line}\nfull ${line}\n`);
  expect(() => fs.write('/a/memory.pressure', 'some 150000 1000000')).toThrow(/EOPNOTSUPP: triggers/);
  fs.write('/a/cgroup.pressure', '0\n');
  expect(fs.read('/a/cgroup.pressure')).toBe('0\n');
  expect(fs.list('/a').filter((name) => name.endsWith('.pressure'))).toEqual(['cgroup.pressure']);
  expect(() => fs.read('/a/memory.pressure')).toThrow(/ENOENT/);
  expect(() => fs.mkdir('/a/memory.pressure')).toThrow(/EEXIST/);
  expect(() => fs.write('/a/cgroup.pressure', '2')).toThrow(/ERANGE/);
  expect(() => fs.write('/a/cgroup.pressure', 'on')).toThrow(/EINVAL/);
  fs.write('/a/cgroup.pressure', '1');
  expect(fs.read('/a/memory.pressure')).toBe(`some ${line}\nfull ${line}\n`);
});
