// Modelled residency: page frames handed out and taken back by the model itself, one folio a page. mm/page_alloc.c, mm/rmap.c
// (folio_add_file_rmap_ptes(), folio_remove_rmap_ptes()), mm/swap.c (folio_mark_accessed()), mm/page-writeback.c (folio_account_dirtied()).
import { chargeMemcg } from '../charge/charge';
import { ENOMEM } from '../constants';
import * as L from '../layout';
import { countLocal } from '../memcg/events';
import { rstatUpdated } from '../memcg/rstat';
import { modStat, statOfKind } from '../memcg/stat';
import { folioAt, headerGet, headerGet64, headerSet, pagesEnd, placeBase, policyOn, ROOT, rstatBase, userSetsEnd } from '../memory';
import { forgetUse, noteMade } from '../observe/users';
import { takeRefusal } from '../policy/policy';
import { unmark } from '../policy/release';
import { addHead, listAt, remove } from '../reclaim/lru';
import { ageNonresident } from '../reclaim/workingset';
import { GFP_KERNEL, GFP_NORETRY, KIND_ANON, KIND_FILE } from '../replay/ops';
import { folioPayer } from '../task/task';
import { chargeWord, makeChargeWord, newFolioList, noteFrame, ownerOf, unchargeFolio } from './folio';
import { inodeCleaned, inodeDirtied } from './inode';
import { isLruAdding, isLruAddingHere, lruAdd, lruAddForget } from './lru-add';
import { freeBuffers } from './cache-nodes';
import { forgetMlock } from './mlock';
import { waitForFolio, wakeFlusherLater } from './writeback';
import { allocPages } from './page-alloc';

/** The state word: kind, list, STATE_*. */
@inline export function stateOf(frame: u32): u32 {
  return load<u32>(folioAt(frame), L.FOLIO_STATE);
}
@inline export function setState(frame: u32, state: u32): void {
  store<u32>(folioAt(frame), state, L.FOLIO_STATE);
}
@inline function kindOf(frame: u32): u32 {
  return stateOf(frame) & L.STATE_KIND_MASK;
}
@inline export function mapcount(frame: u32): u32 {
  return load<u32>(folioAt(frame), L.FOLIO_MAPCOUNT);
}
@inline function setMapcount(frame: u32, count: u32): void {
  store<u32>(folioAt(frame), count, L.FOLIO_MAPCOUNT);
}

/** Where a frame's folio belongs: see PLACE_STRIDE. */
@inline export function placeAt(frame: u32): usize {
  return placeBase + (<usize>frame << 3);
}
@inline export function isAnonFolio(frame: u32): bool {
  return kindOf(frame) == KIND_ANON;
}

/** A frame that nobody uses; 0: there is none. Whether one may be taken is allocPages()'s to say. */
export function takeFrame(): u32 {
  let frame = headerGet(L.H_FREE_FRAME);
  let free = headerGet(L.H_FREE_PAGES);
  if (!free) return 0;
  headerSet(L.H_FREE_PAGES, free - 1);
  if (frame) {
    headerSet(L.H_FREE_FRAME, load<u32>(folioAt(frame), L.FOLIO_NEXT_FREE));
    store<u32>(folioAt(frame), 0, L.FOLIO_NEXT_FREE);
    return frame;
  }
  frame = max<u32>(1, headerGet(L.H_FRAME_END));
  assert(frame < pagesEnd);
  headerSet(L.H_FRAME_END, frame + 1);
  return frame;
}

/** The frame, whose charge is gone, is free again. */
export function giveFrame(frame: u32): void {
  store<u32>(folioAt(frame), headerGet(L.H_FREE_FRAME), L.FOLIO_NEXT_FREE);
  headerSet(L.H_FREE_FRAME, frame);
  headerSet(L.H_FREE_PAGES, headerGet(L.H_FREE_PAGES) + 1);
}

/**
 * A new folio of one page at `place` (placeAt()), charged to `memcg`; for the frame the machine may reclaim and kill, for the charge
 * the memcg may: its frame, or a negative errno. -ENOSPC: memory is full, and nobody is left to kill; -ENOMEM: the limit refused, which is
 * counted, or the task itself was killed: no error of the trace.
 */
export function newFolio(task: u32, cpu: u32, memcg: u32, kind: u32, place: u64, gfp: u32 = GFP_KERNEL): i32 {
  let errno = allocPages(task, cpu, 0, gfp);
  if (errno) return errno;
  let frame = takeFrame();
  if (chargeMemcg(task, cpu, memcg, 1, gfp)) {
    giveFrame(frame);
    // What is read ahead is nobody's loss.
    if (!(gfp & GFP_NORETRY)) {
      countLocal(memcg, L.EVENT_REFUSED, 1);
      headerSet(L.H_CALL_REFUSED, policyOn ? takeRefusal() : 1);
    }
    return -ENOMEM;
  }
  commitNew(cpu, frame, memcg, kind);
  store<u64>(placeAt(frame), place);
  if (userSetsEnd) noteMade(frame, task ? folioPayer(task, kind == KIND_ANON) : memcg);
  countLocal(memcg, L.EVENT_CHARGED + kind, 1);
  headerSet(L.H_CALL_CHARGED, headerGet(L.H_CALL_CHARGED) + 1);
  return frame;
}

/** commit_charge() of a folio of one page that joins its list with the CPU's next batch. */
function commitNew(cpu: u32, frame: u32, memcg: u32, kind: u32): void {
  noteFrame(frame + 1);
  store<u64>(folioAt(frame), makeChargeWord(memcg, 0, 0), L.FOLIO_CHARGE);
  setState(frame, kind | (newFolioList(kind) << L.STATE_LIST_SHIFT));
  modStat(memcg, statOfKind(kind), 1);
  if (rstatBase) rstatUpdated(memcg, 1); // PGPGIN
  lruAdd(cpu, frame);
}

/** The last use of a folio is gone: it is uncharged in the task's batch and its frame is free. */
export function freeFolio(task: u32, cpu: u32, frame: u32): void {
  if (stateOf(frame) & L.STATE_WRITEBACK) waitForFolio(frame);
  if (userSetsEnd) forgetUse(frame);
  if (policyOn && stateOf(frame) & L.STATE_UNOWNED) unmark(frame, false);
  forgetMlock(frame);
  cleanFolio(frame);
  freeBuffers(cpu, frame);
  if (isLruAdding(frame)) lruAddForget(cpu, frame);
  unchargeFolio(task, cpu, frame, chargeWord(frame));
  giveFrame(frame);
}

/** One address space more has the folio in its page tables. */
@inline export function mapFolio(frame: u32): void {
  let count = mapcount(frame);
  setMapcount(frame, count + 1);
  if (!count && kindOf(frame) != KIND_ANON) modStat(ownerOf(chargeWord(frame)), L.STAT_FILE_MAPPED, 1);
}

/** One fewer. Answers how many are left. */
@inline export function unmapFolio(frame: u32): u32 {
  let left = mapcount(frame) - 1;
  setMapcount(frame, left);
  if (!left && kindOf(frame) != KIND_ANON) modStat(ownerOf(chargeWord(frame)), L.STAT_FILE_MAPPED, -1);
  return left;
}

/** folio_set_referenced() */
@inline export function setReferenced(frame: u32): void {
  setState(frame, stateOf(frame) | L.STATE_REFERENCED);
}

/** folio_mark_accessed(): the first access is noted, the second moves an inactive folio to the active list. */
export function markAccessed(frame: u32): void {
  let state = stateOf(frame);
  if (!(state & L.STATE_REFERENCED)) {
    setState(frame, state | L.STATE_REFERENCED);
    return;
  }
  let list = (state & L.STATE_LIST_MASK) >> L.STATE_LIST_SHIFT;
  if (list != L.LRU_INACTIVE_ANON && list != L.LRU_INACTIVE_FILE) return;
  setState(frame, state & ~L.STATE_REFERENCED);
  let memcg = ownerOf(chargeWord(frame));
  if (!isLruAdding(frame)) {
    activateFolio(frame);
    modStat(memcg, L.STAT_PGACTIVATE, 1);
  } else if (isLruAddingHere(headerGet(L.H_CURRENT_CPU), frame)) {
    activateFolio(frame); // __lru_cache_activate_folio() counts nothing
  }
  ageNonresident(memcg, 1); // workingset_activation()
}

/** Moves an inactive folio to the active list of its kind, which follows the inactive one. */
export function activateFolio(frame: u32): void {
  let state = stateOf(frame);
  let list = (state & L.STATE_LIST_MASK) >> L.STATE_LIST_SHIFT;
  let memcg = ownerOf(chargeWord(frame));
  if (!isLruAdding(frame)) remove(listAt(memcg, list), frame, 1);
  setState(frame, (state & ~L.STATE_LIST_MASK) | ((list + 1) << L.STATE_LIST_SHIFT));
  if (isLruAdding(frame)) return;
  addHead(listAt(memcg, list + 1), frame, 1);
}

/** folio_set_workingset() */
export function setWorkingset(frame: u32): void {
  setState(frame, stateOf(frame) | L.STATE_WORKINGSET);
}

/** folio_account_dirtied(): counted for what is written back to a disk; shmem is not. True: it was clean. */
@inline export function dirtyFolio(frame: u32): bool {
  return kindOf(frame) == KIND_FILE && !(stateOf(frame) & L.STATE_DIRTY) && makeDirty(frame);
}

function makeDirty(frame: u32): bool {
  // folio_mark_dirty(): PG_reclaim goes, and PG_readahead with it, which is the same bit.
  setState(frame, (stateOf(frame) | L.STATE_DIRTY) & ~(L.STATE_RECLAIM | L.STATE_READAHEAD));
  let memcg = ownerOf(chargeWord(frame));
  modStat(memcg, L.STAT_FILE_DIRTY, 1);
  inodeDirtied(<u32>(load<u64>(placeAt(frame)) >> 32), memcg, headerGet64(L.H_NOW));
  wakeFlusherLater();
  return true;
}

/** The folio was written back, or goes away. */
export function cleanFolio(frame: u32): void {
  let state = stateOf(frame);
  if (!(state & L.STATE_DIRTY) || kindOf(frame) != KIND_FILE) return;
  setState(frame, state & ~L.STATE_DIRTY);
  modStat(ownerOf(chargeWord(frame)), L.STAT_FILE_DIRTY, -1);
  inodeCleaned(<u32>(load<u64>(placeAt(frame)) >> 32));
}

@inline export function isDirty(frame: u32): bool {
  return (stateOf(frame) & L.STATE_DIRTY) != 0;
}

/** count_memcg_event_mm(): an event of the cgroup whose address space it is; the root has none to show. */
@inline export function countEvent(memcg: u32, stat: u32): void {
  if (memcg != ROOT) modStat(memcg, stat, 1);
}
