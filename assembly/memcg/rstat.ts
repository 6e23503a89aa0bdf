// What memory.stat shows in Linux, which is not what is: a change stays with the CPU that made it until somebody flushes. Only in
// the `kernel` mode of statistics; stat.ts keeps the exact figures beside it in either mode. mm/memcontrol.c.
//
//   change ─► delta[cpu][memcg] ──flush──► shown[memcg] + pending[parent] ──the parent's flush──► shown[parent] …
//          └► updates: how much has changed since the last flush
//
// A reader flushes only when enough has changed; a kworker flushes everything every two seconds.
//   6.18: each memcg counts its subtree's updates, CPUs in batches of 64; a reader flushes its subtree above 64 × CPUs.
//   6.1:  each CPU counts all updates of all memcgs; beyond 64 it adds them, in 64s, to one threshold; a reader flushes the whole
//         tree when that exceeds the CPUs.
import { MEMCG_CHARGE_BATCH, PAGE_SHIFT, PAGE_SIZE } from '../constants';
import * as L from '../layout';
import {
  cgroupsEnd, cpuAt, headerGet, headerGet64, headerSet, headerSet64, kernel61, listBase, memcgAt, nrCpus, objcgAt, ROOT, rstatBase,
} from '../memory';
import { memcgExists, parentOf } from './memcg';

const SHOWN: u32 = 0;
const PENDING: u32 = 1;
const FIRST_CPU: u32 = 2;

/** A memcg's record of one part: SHOWN, PENDING, or a CPU's. */
@inline function partAt(part: u32, memcg: u32): usize {
  return rstatBase + (<usize>part * cgroupsEnd + memcg) * L.RSTAT_STRIDE;
}
@inline function rowOf(at: usize, row: u32): i64 {
  return load<i64>(at + (row << 3));
}
@inline function addRow(at: usize, row: u32, delta: i64): void {
  store<i64>(at + (row << 3), rowOf(at, row) + delta);
  store<u32>(at, 1, L.RSTAT_DIRTY);
}
@inline function magnitude(value: i64): u32 {
  return <u32>min<i64>(abs<i64>(value), u32.MAX_VALUE);
}

/** A change of one row, by the CPU at hand: __mod_memcg_lruvec_state(), mod_memcg_state(), count_memcg_events(). */
export function rstatChange(memcg: u32, row: u32, delta: i64): void {
  // Nothing in Linux counts what has no line of its own.
  if (row == L.STAT_KERNEL_OTHER) return;
  addRow(partAt(FIRST_CPU + headerGet(L.H_CURRENT_CPU), memcg), row, delta);
  let value = updateValue(row, delta);
  rstatUpdated(memcg, value);
  // Tmpfs counts as file, too: NR_FILE_PAGES and NR_SHMEM.
  if (row == L.STAT_SHMEM) rstatUpdated(memcg, value);
}

/** What a change counts as an update: 6.18 goes by pages (memcg_state_val_in_pages()), 6.1 by whatever the row is kept in. */
function updateValue(row: u32, delta: i64): u32 {
  if (row == L.STAT_SLAB || row == L.STAT_SLAB_RECLAIMABLE || row == L.STAT_PERCPU) {
    if (kernel61) return magnitude(delta);
    if (delta > 0) return max<u32>(magnitude(delta >> PAGE_SHIFT), 1);
    return magnitude((-delta + <i64>PAGE_SIZE - 1) >> PAGE_SHIFT);
  }
  // NR_KERNEL_STACK_KB
  if (row == L.STAT_KERNEL_STACK && kernel61) return magnitude(delta << (PAGE_SHIFT - 10));
  return magnitude(delta);
}

/** memcg_rstat_updated(). Also for what is counted without a row here: PGPGIN, PGPGOUT, MEMCG_SWAP. */
export function rstatUpdated(memcg: u32, value: u32): void {
  if (!value) return;
  let cpu = headerGet(L.H_CURRENT_CPU);
  if (kernel61) {
    let at = cpuAt(cpu);
    let updates = load<u32>(at, L.CPU_STATS_UPDATES) + value;
    if (updates > MEMCG_CHARGE_BATCH) {
      let threshold = headerGet(L.H_STATS_THRESHOLD);
      if (threshold <= nrCpus) headerSet(L.H_STATS_THRESHOLD, threshold + updates / MEMCG_CHARGE_BATCH);
      updates = 0;
    }
    store<u32>(at, updates, L.CPU_STATS_UPDATES);
    return;
  }
  for (let m = memcg; m; m = parentOf(m)) {
    if (flushable(m)) return;
    let at = partAt(FIRST_CPU + cpu, m);
    let updates = load<u32>(at, L.RSTAT_UPDATES) + value;
    if (updates >= MEMCG_CHARGE_BATCH) {
      let total = partAt(SHOWN, m);
      store<u32>(total, load<u32>(total, L.RSTAT_UPDATES) + updates, L.RSTAT_UPDATES);
      updates = 0;
    }
    store<u32>(at, updates, L.RSTAT_UPDATES);
  }
}

/** memcg_vmstats_needs_flush() of 6.18; in 6.1 the memcg does not matter. */
@inline function flushable(memcg: u32): bool {
  if (kernel61) return headerGet(L.H_STATS_THRESHOLD) > nrCpus;
  return load<u32>(partAt(SHOWN, memcg), L.RSTAT_UPDATES) > MEMCG_CHARGE_BATCH * nrCpus;
}

/** A folio joined or left an LRU list: update_lru_size(). */
export function rstatListChange(list: usize, pages: i64): void {
  if (headerGet(L.H_RSTAT_HELD) & L.HOLD_LIST) {
    headerSet(L.H_RSTAT_ISOLATED, headerGet(L.H_RSTAT_ISOLATED) + <u32>-pages);
    return;
  }
  let index = <u32>((list - listBase) / L.LIST_STRIDE);
  rstatChange(index / L.NR_LRU_LISTS, L.RSTAT_LISTS + (index % L.NR_LRU_LISTS), pages);
}

/** isolate_lru_folios() begins: what it takes off a list is one change, update_lru_sizes(). */
export function rstatHoldIsolated(): void {
  if (rstatBase) headerSet(L.H_RSTAT_HELD, headerGet(L.H_RSTAT_HELD) | L.HOLD_LIST);
}

/** … and ends. */
export function rstatIsolated(list: usize): void {
  if (!rstatBase) return;
  headerSet(L.H_RSTAT_HELD, headerGet(L.H_RSTAT_HELD) & ~L.HOLD_LIST);
  let pages = headerGet(L.H_RSTAT_ISOLATED);
  headerSet(L.H_RSTAT_ISOLATED, 0);
  if (pages) rstatListChange(list, -(<i64>pages));
}

/** PGPGOUT of one folio. */
export function rstatPgpgout(memcg: u32): void {
  if (headerGet(L.H_RSTAT_HELD) & L.HOLD_PGPGOUT) headerSet(L.H_RSTAT_PGPGOUT, headerGet(L.H_RSTAT_PGPGOUT) + 1);
  else rstatUpdated(memcg, 1);
}

/** A batch of folios of one memcg is about to be uncharged: uncharge_batch() counts them at once. */
export function rstatHoldPgpgout(): void {
  if (rstatBase) headerSet(L.H_RSTAT_HELD, headerGet(L.H_RSTAT_HELD) | L.HOLD_PGPGOUT);
}

/** It is uncharged. */
export function rstatUncharged(memcg: u32): void {
  if (!rstatBase) return;
  headerSet(L.H_RSTAT_HELD, headerGet(L.H_RSTAT_HELD) & ~L.HOLD_PGPGOUT);
  rstatUpdated(memcg, headerGet(L.H_RSTAT_PGPGOUT));
  headerSet(L.H_RSTAT_PGPGOUT, 0);
}

/**
 * Slab bytes of an objcg change: they gather in the CPU's byte stock, which caches this objcg, and become a change beyond a page.
 * The first one is held back whatever its size: mod_objcg_state(), in 6.18 __account_obj_stock(). Reclaimable and unreclaimable slab
 * (the row) are gathered each for itself.
 */
export function rstatSlabChange(objcg: u32, bytes: i64, row: u32): void {
  let at = cpuAt(headerGet(L.H_CURRENT_CPU)) + (row == L.STAT_SLAB ? L.CPU_SLAB_BYTES : L.CPU_SLAB_RECLAIMABLE_BYTES);
  let gathered = load<i32>(at);
  let total = <i64>gathered + bytes;
  if (gathered && abs<i64>(total) > <i64>PAGE_SIZE) {
    rstatChange(load<u32>(objcgAt(objcg), L.OBJCG_MEMCG), row, total);
    total = 0;
  }
  store<i32>(at, <i32>total);
}

/** drain_obj_stock(): the gathered slab bytes of the objcg that this CPU caches become a change. */
export function rstatDrainSlab(cpu: u32, memcg: u32): void {
  let at = cpuAt(cpu);
  let gathered = load<i32>(at, L.CPU_SLAB_BYTES);
  store<i32>(at, 0, L.CPU_SLAB_BYTES);
  if (gathered) rstatChange(memcg, L.STAT_SLAB, gathered);
  gathered = load<i32>(at, L.CPU_SLAB_RECLAIMABLE_BYTES);
  store<i32>(at, 0, L.CPU_SLAB_RECLAIMABLE_BYTES);
  if (gathered) rstatChange(memcg, L.STAT_SLAB_RECLAIMABLE, gathered);
}

/** mem_cgroup_css_rstat_flush(): what CPUs and children have changed is shown now, and pending at the parent. */
function flushMemcg(memcg: u32): void {
  let shown = partAt(SHOWN, memcg);
  let parent = parentOf(memcg);
  store<u32>(shown, 0, L.RSTAT_UPDATES);
  for (let part: u32 = PENDING; part < FIRST_CPU + nrCpus; part++) {
    let at = partAt(part, memcg);
    store<u32>(at, 0, L.RSTAT_UPDATES);
    if (!load<u32>(at, L.RSTAT_DIRTY)) continue;
    for (let row: u32 = 0; row < L.NR_RSTAT_ROWS; row++) {
      let delta = rowOf(at, row);
      if (!delta) continue;
      store<i64>(shown + (row << 3), rowOf(shown, row) + delta);
      if (parent) addRow(partAt(PENDING, parent), row, delta);
      store<i64>(at + (row << 3), 0);
    }
    store<u32>(at, 0, L.RSTAT_DIRTY);
  }
}

@inline function firstLeaf(memcg: u32): u32 {
  let child = load<u32>(memcgAt(memcg), L.MEMCG_FIRST_CHILD);
  while (child) {
    memcg = child;
    child = load<u32>(memcgAt(memcg), L.MEMCG_FIRST_CHILD);
  }
  return memcg;
}

/** css_rstat_flush(): the subtree, children first. */
function flushSubtree(top: u32): void {
  for (let m = firstLeaf(top); ; ) {
    flushMemcg(m);
    if (m == top) return;
    let sibling = load<u32>(memcgAt(m), L.MEMCG_NEXT_SIBLING);
    m = sibling ? firstLeaf(sibling) : parentOf(m);
  }
}

/** do_flush_stats(), __mem_cgroup_flush_stats(memcg, force). */
function flushNow(memcg: u32): void {
  flushSubtree(kernel61 ? ROOT : memcg);
  if (kernel61) headerSet(L.H_STATS_THRESHOLD, 0);
}

/**
 * mem_cgroup_flush_stats(): what a reader of memory.stat does first, and reclaim in 6.1 (prepare_scan_count()). 6.18's reclaim asks
 * with a rate limit, which holds as long as the periodic flush is not late: here it never is.
 */
export function flushStats(memcg: u32): void {
  if (rstatBase && memcgExists(memcg) && flushable(memcg)) flushNow(memcg);
}

/** cgroup_rstat_flush(): whoever reads cpu.stat flushes the subtree, memory and all; the counts towards a flush stay in 6.1. */
export function flushCgroup(memcg: u32): void {
  if (rstatBase && memcgExists(memcg)) flushSubtree(memcg);
}

/** Reclaim of a memcg begins: shrink_node(). */
@inline export function flushForReclaim(memcg: u32): void {
  if (kernel61) flushStats(memcg);
}

/** What memory.stat shows of a row (STAT_*, or RSTAT_LISTS + LRU_*), flushed or not. 0 when the mode is off. */
export function statShown(memcg: u32, row: u32): i64 {
  return rstatBase && memcgExists(memcg) && row < L.NR_RSTAT_ROWS ? rowOf(partAt(SHOWN, memcg), row) : 0;
}

/** What is not shown yet of a memcg's own changes and of its children's. */
export function statPending(memcg: u32, row: u32): i64 {
  let sum: i64 = 0;
  for (let part: u32 = PENDING; part < FIRST_CPU + nrCpus; part++) sum += rowOf(partAt(part, memcg), row);
  return sum;
}

/** Updates counted towards the next flush: by the memcg (`cpu` = nrCpus) or by one CPU for it. */
@inline export function statUpdates(memcg: u32, cpu: u32): u32 {
  return load<u32>(cpu == nrCpus ? partAt(SHOWN, memcg) : partAt(FIRST_CPU + cpu, memcg), L.RSTAT_UPDATES);
}

/**
 * flush_memcg_stats_dwork(), due at or before `until`; nothing changes before that. Flushing once stands for all the periods
 * in between.
 */
export function periodicFlush(until: u64): void {
  let period = headerGet64(L.H_STATS_PERIOD);
  let at = headerGet64(L.H_STATS_FLUSH_AT);
  at += ((until - at) / period) * period;
  headerSet64(L.H_NOW, at);
  flushNow(ROOT);
  headerSet64(L.H_STATS_FLUSH_AT, at + period);
}
