// Refaults: a page that was evicted leaves a shadow in its object, and its return is measured against the size of the lists.
// mm/workingset.c: workingset_eviction(), workingset_refault(), workingset_test_recent(), workingset_age_nonresident().
import { PAGE_COUNTER_MAX } from '../constants';
import { swapCounter } from '../counter/page-counter';
import * as L from '../layout';
import { memcgState, nextInSubtree, parentOf } from '../memcg/memcg';
import { statShown } from '../memcg/rstat';
import { modStat } from '../memcg/stat';
import { folioAt, headerGet, headerGet64, headerSet, kernel61, lruvecAt, pagesEnd, policyOn, rstatBase, shadowBase } from '../memory';
import { ageShift, shadowHeir } from '../policy/reparent';
import { listAt, sizePages } from './lru';

@inline function shadowAt(shadow: u32): usize {
  return shadowBase + <usize>shadow * L.SHADOW_STRIDE;
}

/** What a shadow says, for the digest: the memcg that was reclaimed and SHADOW_WORKINGSET; its age at that time. */
@inline export function shadowMemcg(word: u32): u32 {
  return load<u32>(shadowAt(word & ~L.SHADOW_BIT), L.SHADOW_MEMCG);
}
@inline export function shadowAge(word: u32): u64 {
  return load<u64>(shadowAt(word & ~L.SHADOW_BIT), L.SHADOW_AGE);
}

/** Counts `n` more folios through this lruvec and all above it: eviction and activation age what has been evicted. */
export function ageNonresident(memcg: u32, n: u32): void {
  for (let m = memcg; m; m = parentOf(m)) {
    let at = lruvecAt(m);
    store<u64>(at, load<u64>(at, L.LRUVEC_NONRESIDENT_AGE) + n, L.LRUVEC_NONRESIDENT_AGE);
  }
}

/** lruvec_page_state(): pages on one list of a memcg and all below it, as far as the kernel has flushed them. */
export function lruPages(memcg: u32, list: u32): u64 {
  if (rstatBase) return <u64>max<i64>(statShown(memcg, L.RSTAT_LISTS + list), 0);
  let pages: u64 = 0;
  for (let m = memcg; m; m = nextInSubtree(m, memcg)) pages += sizePages(listAt(m, list));
  return pages;
}

/** mem_cgroup_get_nr_swap_pages(): slots that the memcg may still take. */
export function swapLeft(memcg: u32): i64 {
  let left: i64 = <i64>headerGet(L.H_SWAP_SLOTS) - <i64>headerGet(L.H_SWAP_USED);
  for (let m = memcg; m && parentOf(m); m = parentOf(m)) {
    let counter = swapCounter(m);
    let max = load<i64>(counter, L.PC_MAX);
    if (max != PAGE_COUNTER_MAX) left = min<i64>(left, max - load<i64>(counter, L.PC_USAGE));
  }
  return max<i64>(left, 0);
}

/** workingset_eviction(): the word that stays in the object's place; 0 when the table of shadows is full. */
export function evictionShadow(frame: u32, target: u32): u32 {
  let age = load<u64>(lruvecAt(target), L.LRUVEC_NONRESIDENT_AGE);
  ageNonresident(target, 1);
  let shadow = headerGet(L.H_FREE_SHADOW);
  if (shadow) headerSet(L.H_FREE_SHADOW, load<u32>(shadowAt(shadow), L.SHADOW_MEMCG));
  else {
    shadow = max<u32>(1, headerGet(L.H_SHADOW_END));
    if (shadow > 2 * (pagesEnd - 1)) return 0;
    headerSet(L.H_SHADOW_END, shadow + 1);
  }
  let workingset = load<u32>(folioAt(frame), L.FOLIO_STATE) & L.STATE_WORKINGSET ? L.SHADOW_WORKINGSET : 0;
  store<u32>(shadowAt(shadow), target | workingset, L.SHADOW_MEMCG);
  store<u64>(shadowAt(shadow), age, L.SHADOW_AGE);
  return shadow | L.SHADOW_BIT;
}

/** The shadow is no longer wanted. */
export function dropShadow(word: u32): void {
  let shadow = word & ~L.SHADOW_BIT;
  store<u32>(shadowAt(shadow), headerGet(L.H_FREE_SHADOW), L.SHADOW_MEMCG);
  headerSet(L.H_FREE_SHADOW, shadow);
}

/**
 * workingset_refault(): a page has come back, to `memcg`. Counts it, and answers whether it left so short a time ago that it would
 * have stayed, had the lists been all one: it is to be active then. `*workingset*` of the folio is set by the caller where
 * {@link wasWorkingset} says so.
 */
export function refault(memcg: u32, word: u32, anon: bool): bool {
  let at = shadowAt(word & ~L.SHADOW_BIT);
  let type: u32 = anon ? 0 : 1;
  modStat(memcg, L.STAT_WORKINGSET_REFAULT_ANON + type, 1);
  let evictor = load<u32>(at, L.SHADOW_MEMCG) & ~L.SHADOW_WORKINGSET;
  if (memcgState(evictor) == L.MEMCG_FREE) return false;
  let age = load<u64>(at, L.SHADOW_AGE);
  if (policyOn && memcgState(evictor) == L.MEMCG_DYING) {
    age += ageShift(evictor);
    evictor = shadowHeir(evictor);
  }
  let distance = load<u64>(lruvecAt(evictor), L.LRUVEC_NONRESIDENT_AGE) - age;
  let size = lruPages(evictor, L.LRU_ACTIVE_FILE);
  if (anon) size += lruPages(evictor, L.LRU_INACTIVE_FILE);
  if (swapLeft(kernel61 ? memcg : evictor) > 0) {
    size += lruPages(evictor, L.LRU_ACTIVE_ANON);
    if (!anon) size += lruPages(evictor, L.LRU_INACTIVE_ANON);
  }
  if (distance > size) return false;
  ageNonresident(memcg, 1);
  modStat(memcg, L.STAT_WORKINGSET_ACTIVATE_ANON + type, 1);
  return true;
}

/** The folio was on an active list once before it was evicted. */
@inline export function wasWorkingset(word: u32): bool {
  return (load<u32>(shadowAt(word & ~L.SHADOW_BIT), L.SHADOW_MEMCG) & L.SHADOW_WORKINGSET) != 0;
}

/** lruvec_lru_size() of all evictable lists, which is kept for the next time. */
function countSize(memcg: u32): u64 {
  let size: u64 = 0;
  for (let list: u32 = 0; list < L.LRU_UNEVICTABLE; list++) size += lruPages(memcg, list);
  store<u64>(lruvecAt(memcg), size, L.LRUVEC_SIZE);
  store<u64>(lruvecAt(memcg), headerGet64(L.H_LIST_CHANGES), L.LRUVEC_SIZE_AT);
  return size;
}

/** cost > lruvec_size / 4. The size is counted anew only where what has changed since it was counted could make a difference. */
@inline function isOverQuarter(memcg: u32, cost: u64): bool {
  // What the kernel has flushed changes at other times.
  if (rstatBase) return cost > countSize(memcg) / 4;
  let at = lruvecAt(memcg);
  let changes = headerGet64(L.H_LIST_CHANGES) - load<u64>(at, L.LRUVEC_SIZE_AT);
  let size = load<u64>(at, L.LRUVEC_SIZE);
  if (cost <= (size - min<u64>(size, changes)) / 4) return false;
  return cost > (size + changes) / 4 || cost > countSize(memcg) / 4;
}

/** lru_note_cost(): what reclaim of one type cost, at the lruvec and all above it; old costs fade as new ones come. */
export function noteCost(memcg: u32, file: bool, cost: u64): void {
  if (!cost) return;
  for (let m = memcg; m; m = parentOf(m)) {
    let at = lruvecAt(m);
    let which = file ? L.LRUVEC_FILE_COST : L.LRUVEC_ANON_COST;
    store<u64>(at + which, load<u64>(at + which) + cost);
    let anonCost = load<u64>(at, L.LRUVEC_ANON_COST);
    let fileCost = load<u64>(at, L.LRUVEC_FILE_COST);
    if (isOverQuarter(m, anonCost + fileCost)) {
      store<u64>(at, anonCost / 2, L.LRUVEC_ANON_COST);
      store<u64>(at, fileCost / 2, L.LRUVEC_FILE_COST);
    }
  }
}
