/**
 * The keys of memory.stat: how each is made of the engine's rows, in the order in which each kernel prints them. mm/memcontrol.c:
 * memory_stats[], memcg_vm_event_stat[], memcg_stat_format().
 */
import * as L from '../../assembly/layout.ts';
import { PAGE_SIZE } from '../trace/schema.ts';

/**
 * Who can tell a key's value. `recorded`: a recording of charges does, and so does modelled residency. `modelled`: only a machine that
 * decides itself what is resident; a recording of charges shows no mappings, faults or scans.
 */
export type Known = 'recorded' | 'modelled';

export interface StatKey {
  readonly name: string;
  /** rows STAT_* or RSTAT_LISTS + LRU_*, added up */
  readonly rows: readonly number[];
  /** what 1 in the rows is in the file */
  readonly unit: number;
  readonly known: Known;
  /** only 6.18 prints it */
  readonly since618: boolean;
}

function key(name: string, rows: number | readonly number[], unit: number, known: Known, since618 = false): StatKey {
  return { name, rows: typeof rows === 'number' ? [rows] : rows, unit, known, since618 };
}
const pages = (name: string, rows: number | readonly number[], known: Known = 'recorded') =>
  key(name, rows, PAGE_SIZE, known);
const bytes = (name: string, rows: number | readonly number[], known: Known = 'recorded') => key(name, rows, 1, known);
const count = (name: string, rows: number | readonly number[]) => key(name, rows, 1, 'modelled');
const later = (name: string, row: number) => key(name, row, 1, 'modelled', true);
const list = (name: string, lru: number) => pages(name, L.RSTAT_LISTS + lru);

const SCANS_61 = [L.STAT_PGSCAN_KSWAPD, L.STAT_PGSCAN_DIRECT];
const STEALS_61 = [L.STAT_PGSTEAL_KSWAPD, L.STAT_PGSTEAL_DIRECT];

/**
 * Not here: pglazyfree and pglazyfreed (no trace says MADV_FREE), zswap, NUMA balancing and demotion (not modelled).
 */
const KEYS: readonly StatKey[] = [
  pages('anon', L.STAT_ANON),
  pages('file', [L.STAT_FILE, L.STAT_SHMEM]),
  pages('kernel', L.STAT_KMEM),
  pages('kernel_stack', L.STAT_KERNEL_STACK),
  pages('pagetables', L.STAT_PAGETABLES),
  bytes('percpu', L.STAT_PERCPU),
  pages('sock', L.STAT_SOCK),
  pages('vmalloc', L.STAT_VMALLOC),
  pages('shmem', L.STAT_SHMEM),
  pages('file_mapped', L.STAT_FILE_MAPPED, 'modelled'),
  pages('file_dirty', L.STAT_FILE_DIRTY, 'modelled'),
  pages('file_writeback', L.STAT_FILE_WRITEBACK, 'modelled'),
  pages('swapcached', L.STAT_SWAPCACHED, 'modelled'),
  pages('anon_thp', L.STAT_ANON_THP),
  pages('file_thp', L.STAT_FILE_THP),
  pages('shmem_thp', L.STAT_SHMEM_THP),
  list('inactive_anon', L.LRU_INACTIVE_ANON),
  list('active_anon', L.LRU_ACTIVE_ANON),
  list('inactive_file', L.LRU_INACTIVE_FILE),
  list('active_file', L.LRU_ACTIVE_FILE),
  list('unevictable', L.LRU_UNEVICTABLE),
  bytes('slab_reclaimable', L.STAT_SLAB_RECLAIMABLE, 'modelled'),
  bytes('slab_unreclaimable', L.STAT_SLAB, 'modelled'),
  bytes('slab', [L.STAT_SLAB_RECLAIMABLE, L.STAT_SLAB]),
  key('hugetlb', L.STAT_HUGETLB, PAGE_SIZE, 'modelled', true),
  count('workingset_refault_anon', L.STAT_WORKINGSET_REFAULT_ANON),
  count('workingset_refault_file', L.STAT_WORKINGSET_REFAULT_FILE),
  count('workingset_activate_anon', L.STAT_WORKINGSET_ACTIVATE_ANON),
  count('workingset_activate_file', L.STAT_WORKINGSET_ACTIVATE_FILE),
  count('workingset_restore_anon', L.STAT_WORKINGSET_RESTORE_ANON),
  count('workingset_restore_file', L.STAT_WORKINGSET_RESTORE_FILE),
  count('workingset_nodereclaim', L.STAT_WORKINGSET_NODERECLAIM),
  count('pgscan', [...SCANS_61, L.STAT_PGSCAN_KHUGEPAGED, L.STAT_PGSCAN_PROACTIVE]),
  count('pgsteal', [...STEALS_61, L.STAT_PGSTEAL_KHUGEPAGED, L.STAT_PGSTEAL_PROACTIVE]),
  later('pswpin', L.STAT_PSWPIN),
  later('pswpout', L.STAT_PSWPOUT),
  count('pgscan_kswapd', L.STAT_PGSCAN_KSWAPD),
  count('pgscan_direct', L.STAT_PGSCAN_DIRECT),
  later('pgscan_khugepaged', L.STAT_PGSCAN_KHUGEPAGED),
  later('pgscan_proactive', L.STAT_PGSCAN_PROACTIVE),
  count('pgsteal_kswapd', L.STAT_PGSTEAL_KSWAPD),
  count('pgsteal_direct', L.STAT_PGSTEAL_DIRECT),
  later('pgsteal_khugepaged', L.STAT_PGSTEAL_KHUGEPAGED),
  later('pgsteal_proactive', L.STAT_PGSTEAL_PROACTIVE),
  count('pgfault', L.STAT_PGFAULT),
  count('pgmajfault', L.STAT_PGMAJFAULT),
  count('pgrefill', L.STAT_PGREFILL),
  count('pgactivate', L.STAT_PGACTIVATE),
  count('pgdeactivate', L.STAT_PGDEACTIVATE),
  later('swpin_zero', L.STAT_SWPIN_ZERO),
  later('swpout_zero', L.STAT_SWPOUT_ZERO),
  count('thp_fault_alloc', L.STAT_THP_FAULT_ALLOC),
  count('thp_collapse_alloc', L.STAT_THP_COLLAPSE_ALLOC),
  later('thp_swpout', L.STAT_THP_SWPOUT),
  later('thp_swpout_fallback', L.STAT_THP_SWPOUT_FALLBACK),
];

/** The keys that a machine can tell, in the kernel's order. `hugetlb`: mounted with memory_hugetlb_accounting. */
export function statKeys(kernel: '6.18' | '6.1', residency: Known, hugetlb = false): readonly StatKey[] {
  return KEYS.filter(
    ({ name, known, since618 }) =>
      (residency === 'modelled' || known === 'recorded') &&
      (kernel === '6.18' || !since618) &&
      (hugetlb || name !== 'hugetlb'),
  );
}
