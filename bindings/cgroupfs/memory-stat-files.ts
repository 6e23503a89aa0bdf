/**
 * memory.stat and memory.numa_stat with every key that the kernel prints, in its order: mm/memcontrol.c: memory_stats[],
 * memcg_vm_event_stat[], memcg_stat_format(), memory_numa_stat_show(). What the machine cannot tell (bindings/report/memory-stat.ts) is 0.
 */
import type { Kernel } from '../machine.ts';
import type { KernelConfig } from './config.ts';
import type { Directory } from './directory.ts';
import type { Tree } from './file-type.ts';

interface Key {
  name: string;
  kernel?: Kernel;
  config?: keyof KernelConfig;
  /** the node counts it, too: it is in memory.numa_stat */
  node: boolean;
}

type Options = Omit<Key, 'name' | 'node'>;
const node = (names: string, options: Options = {}): Key[] =>
  names.split(' ').map((name) => ({ name, node: true, ...options }));
const memcg = (names: string, options: Options = {}): Key[] =>
  names.split(' ').map((name) => ({ name, node: false, ...options }));
const since618: Options = { kernel: '6.18' };
const thp: Options = { config: 'TRANSPARENT_HUGEPAGE' };
const balancing: Options = { kernel: '6.18', config: 'NUMA_BALANCING' };

const KEYS: readonly Key[] = [
  ...node('anon file'),
  ...memcg('kernel'),
  ...node('kernel_stack pagetables sec_pagetables'),
  ...memcg('percpu sock vmalloc'),
  ...node('shmem'),
  ...memcg('zswap zswapped'),
  ...node('file_mapped file_dirty file_writeback swapcached'),
  ...node('anon_thp file_thp shmem_thp', thp),
  ...node('inactive_anon active_anon inactive_file active_file unevictable slab_reclaimable slab_unreclaimable'),
  ...memcg('slab'),
  ...node('hugetlb', since618),
  ...node('workingset_refault_anon workingset_refault_file workingset_activate_anon workingset_activate_file'),
  ...node('workingset_restore_anon workingset_restore_file workingset_nodereclaim'),
  ...node('pgdemote_kswapd pgdemote_direct pgdemote_khugepaged pgdemote_proactive', since618),
  ...node('pgpromote_success', balancing),
  ...memcg('pgscan pgsteal'),
  ...memcg('pswpin pswpout', since618),
  ...memcg('pgscan_kswapd pgscan_direct'),
  ...memcg('pgscan_khugepaged pgscan_proactive', since618),
  ...memcg('pgsteal_kswapd pgsteal_direct'),
  ...memcg('pgsteal_khugepaged pgsteal_proactive', since618),
  ...memcg('pgfault pgmajfault pgrefill pgactivate pgdeactivate pglazyfree pglazyfreed'),
  ...memcg('swpin_zero swpout_zero', since618),
  ...memcg('zswpin zswpout'),
  ...memcg('zswpwb', since618),
  ...memcg('thp_fault_alloc thp_collapse_alloc', thp),
  ...memcg('thp_swpout thp_swpout_fallback', { ...since618, ...thp }),
  ...memcg('numa_pages_migrated numa_pte_updates numa_hint_faults', balancing),
];

/** `hugetlb` is there where cgroup2 is mounted with memory_hugetlb_accounting: the machine has a figure for it then. */
function printed({ kernel, config }: Tree, figures: Record<string, number>): Key[] {
  return KEYS.filter(
    (key) =>
      (key.kernel ?? kernel) === kernel &&
      (key.config === undefined || config[key.config]) &&
      (key.name !== 'hugetlb' || figures[key.name] !== undefined),
  );
}

export function showStat(tree: Tree, d: Directory): string {
  const figures = tree.machine.memoryStat(d.memcg);
  return printed(tree, figures)
    .map(({ name }) => `${name} ${figures[name] ?? 0}\n`)
    .join('');
}

/** The machine has one node. */
export function showNumaStat(tree: Tree, d: Directory): string {
  const figures = tree.machine.memoryStat(d.memcg);
  return printed(tree, figures)
    .filter((key) => key.node)
    .map(({ name }) => `${name} N0=${figures[name] ?? 0}\n`)
    .join('');
}
