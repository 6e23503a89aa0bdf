// LRU reparenting, as in the series of 2025 that ends dying memcgs: what a removed cgroup is charged for becomes its parent's own. Counters
// of the parent and above include it already; its own gives it back, so that nothing refers to it any more and it can be released.
// mm/memcontrol.c there: memcg_reparent_objcgs(), lruvec_reparent_lru() (list_splice_tail_init()).
//
// Ours: swap slots follow too, and shadows are measured against the parent's lists at the distance that they had.
import { pageCounterUnchargeBelow, memoryCounter, swapCounter } from '../counter/page-counter';
import { chargeWord, ownerOf } from '../folio/folio';
import { nextDirty, oldestDirty } from '../folio/inode';
import { lruAddCount, lruAddFrame } from '../folio/lru-add';
import { changeOwner } from '../folio/move';
import { moveSlots } from '../folio/swap';
import * as L from '../layout';
import { reparentUnseen } from '../memcg/before';
import { memcgState, nearestOnline, parentOf } from '../memcg/memcg';
import {
  folioAt, headerGet, inodeAt, lruvecAt, nodesEnd, nrCpus, policyMemcgAt, policyTables, ROOT, taskAt,
} from '../memory';
import { frameAt, listAt, spliceTail, walkUp } from '../reclaim/lru';
import { answer, did } from './policy';

/** The folio changes hands, and what policies know of it with it (`mark`: STATE_UNOWNED, or 0). */
@inline function change(cpu: u32, frame: u32, to: u32, mark: u32): u32 {
  let at = folioAt(frame);
  store<u32>(at, load<u32>(at, L.FOLIO_STATE) | mark, L.FOLIO_STATE);
  return changeOwner(cpu, frame, to);
}

/** All user folios of `memcg` are `to`'s, on its lists behind what was there (older), or in the CPUs' batches as they were. Their pages. */
export function moveAll(cpu: u32, memcg: u32, to: u32, mark: u32): i64 {
  let pages: i64 = 0;
  for (let which: u32 = 0; which < L.NR_LRU_LISTS; which++) {
    let list = listAt(memcg, which);
    for (let at = walkUp(list, 0); at; at = walkUp(list, at)) pages += change(cpu, frameAt(at), to, mark);
    spliceTail(list, listAt(to, which));
  }
  if (nodesEnd == 1) return pages;
  for (let other: u32 = 0; other < nrCpus; other++) {
    for (let i: u32 = 0; i < lruAddCount(other); i++) {
      let frame = lruAddFrame(other, i);
      if (ownerOf(chargeWord(frame)) == memcg) pages += change(cpu, frame, to, mark);
    }
  }
  return pages;
}

/** Inodes whose writeback is on the account of `memcg` are on that of `to`. */
export function moveWriteback(memcg: u32, to: u32): void {
  if (nodesEnd == 1) return;
  for (let object = oldestDirty(); object; object = nextDirty(object))
    if (load<u32>(inodeAt(object), L.INODE_WB) == memcg) store<u32>(inodeAt(object), to, L.INODE_WB);
}

/** Recorded residency: charges that wait, or may have to be undone, are the parent's. Answers pages of folios that are off the counters. */
function moveWaiting(memcg: u32, parent: u32): i64 {
  let undone: i64 = 0;
  for (let task: u32 = 1; task < headerGet(L.H_TASK_END); task++) {
    let at = taskAt(task);
    let bits = load<u32>(at, L.TASK_PENDING);
    if (bits & L.TASK_HAS_WAIT && load<u32>(at, L.WAIT_MEMCG) == memcg) {
      if (load<u32>(at, L.WAIT_FLAGS) & L.WAITED_UNDONE) undone += load<u32>(at, L.WAIT_PAGES);
      store<u32>(at, parent, L.WAIT_MEMCG);
    }
    if (bits & (L.TASK_HAS_SINGLE | L.TASK_HAS_LIFTED) && load<u32>(at, L.SINGLE_MEMCG) == memcg) {
      if (bits & L.TASK_HAS_LIFTED) undone += load<u32>(at, L.SINGLE_PAGES);
      store<u32>(at, parent, L.SINGLE_MEMCG);
    }
  }
  return undone;
}

/** mem_cgroup_css_offline() of a memcg: all that it has is `parent`'s. */
export function reparentAll(memcg: u32, parent: u32, cpu: u32): void {
  let pages = moveAll(cpu, memcg, parent, 0) + reparentUnseen(memcg, parent);
  if (headerGet(L.H_RESIDENCY) == L.RESIDENCY_RECORDED) pages -= moveWaiting(memcg, parent);
  did(L.DID_MOVED, pages);
  // The root's own folios are in no counter, not even its own.
  if (pages) pageCounterUnchargeBelow(memoryCounter(memcg), parent == ROOT ? <usize>0 : memoryCounter(parent), pages);
  let slots = moveSlots(memcg, parent);
  if (slots) pageCounterUnchargeBelow(swapCounter(memcg), parent == ROOT ? <usize>0 : swapCounter(parent), slots);
  moveWriteback(memcg, parent);
  if (!policyTables) return;
  let shift = load<u64>(lruvecAt(parent), L.LRUVEC_NONRESIDENT_AGE) - load<u64>(lruvecAt(memcg), L.LRUVEC_NONRESIDENT_AGE);
  store<u64>(policyMemcgAt(memcg), shift, L.PM_AGE_SHIFT);
}

/** Who is charged for what would be charged to `memcg`, which may be removed: then its heir is. */
export function heirOf(memcg: u32): u32 {
  if (answer(L.POLICY_OFFLINE) != L.OFFLINE_REPARENT || memcgState(memcg) != L.MEMCG_DYING) return memcg;
  return nearestOnline(memcg);
}

/** By how much the age of a shadow of `memcg` is to be raised to be one of {@link shadowHeir}'s. */
export function ageShift(memcg: u32): u64 {
  let shift: u64 = 0;
  let heir = shadowHeir(memcg);
  for (let m = memcg; m != heir; m = parentOf(m)) shift += load<u64>(policyMemcgAt(m), L.PM_AGE_SHIFT);
  return shift;
}

/** Whose lists a shadow of `memcg` is measured against. */
export function shadowHeir(memcg: u32): u32 {
  return policyTables ? heirOf(memcg) : memcg;
}
