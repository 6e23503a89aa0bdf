// What becomes of one folio that reclaim has taken off an inactive list. mm/vmscan.c: shrink_folio_list(),
// folio_check_references(), pageout(), __remove_mapping().
import * as L from '../layout';
import { freeFolio, isAnonFolio, isDirty, mapcount, setState, stateOf } from '../folio/resident';
import { referencedBy, removeMapping, shmemSwapOut, unmapMapped } from '../folio/mapping';
import { unmapAnon } from '../folio/rmap';
import { folioSlot } from '../folio/slots';
import { addToSwap, deleteFromSwapCache, freeSwap, inSwapCache, swapFull } from '../folio/swap-cache';
import { isWriteback, startWriteback, waitForRequest } from '../folio/writeback';
import { chargeWord, ownerOf } from '../folio/folio';
import { modStat } from '../memcg/stat';
import { headerGet, headerSet, policyOn } from '../memory';
import { crossIo } from '../policy/cross';
import { KIND_FILE } from '../replay/ops';
import { ringEvicted } from '../ring';
import { evictionShadow } from './workingset';

/** Back to its list; to the active one; gone. */
export const KEEP: u32 = 0;
export const ACTIVATE: u32 = 1;
export const FREED: u32 = 2;
const RECLAIM: u32 = 3;

/**
 * folio_check_references(): the second chance. PAGEREF_RECLAIM_CLEAN says the same as PAGEREF_RECLAIM here: a dirty folio of a file is
 * not written by reclaim either way.
 */
function checkReferences(frame: u32, target: u32, file: bool): u32 {
  let references = referencedBy(frame, target);
  let executable = (references & 1) != 0;
  references >>= 1;
  let state = stateOf(frame);
  let wasReferenced = (state & L.STATE_REFERENCED) != 0;
  setState(frame, state & ~L.STATE_REFERENCED);
  if (references) {
    setState(frame, state | L.STATE_REFERENCED);
    if (wasReferenced || references > 1) return ACTIVATE;
    return executable && file ? ACTIVATE : KEEP;
  }
  return RECLAIM;
}

/** Takes the folio out of memory if it can. KEEP, ACTIVATE or FREED. */
export function shrinkFolio(frame: u32, target: u32, file: bool): u32 {
  let verdict = shrink(frame, target, file);
  // activate_locked: what cannot be swapped now need not hold a slot that others may want.
  if (verdict == ACTIVATE && inSwapCache(frame) && swapFull(frame)) freeSwap(headerGet(L.H_SCAN_CPU), frame);
  return verdict;
}

/** folio_check_dirty_writeback(): counts the folio of a file that is not on the disk yet. */
function noteUnwritten(frame: u32): void {
  let state = stateOf(frame);
  if (!(state & (L.STATE_DIRTY | L.STATE_WRITEBACK))) return;
  headerSet(L.H_SCAN_DIRTY, headerGet(L.H_SCAN_DIRTY) + 1);
  if (!(state & L.STATE_WRITEBACK)) headerSet(L.H_SCAN_UNQUEUED, headerGet(L.H_SCAN_UNQUEUED) + 1);
  else if (state & L.STATE_RECLAIM) headerSet(L.H_SCAN_CONGESTED, headerGet(L.H_SCAN_CONGESTED) + 1);
}

function shrink(frame: u32, target: u32, file: bool): u32 {
  if (file) noteUnwritten(frame);
  if (isWriteback(frame)) {
    // Case 2: out of the way; when it is written it comes to the tail.
    setState(frame, stateOf(frame) | L.STATE_RECLAIM);
    return ACTIVATE;
  }
  let verdict = checkReferences(frame, target, file);
  if (verdict < RECLAIM) return verdict;
  return (stateOf(frame) & L.STATE_KIND_MASK) == KIND_FILE ? shrinkFile(frame, target) : shrinkSwapBacked(frame, target);
}

function shrinkFile(frame: u32, target: u32): u32 {
  if (mapcount(frame)) unmapMapped(frame);
  if (isDirty(frame)) {
    // Reclaim does not write files: a dirty folio goes to the active list, out of the way of the flusher.
    setState(frame, stateOf(frame) | L.STATE_RECLAIM);
    return ACTIVATE;
  }
  removeMapping(frame, target);
  freeFolio(headerGet(L.H_SCAN_TASK), headerGet(L.H_SCAN_CPU), frame);
  return FREED;
}

/** Private memory and shmem: a slot, out of the page tables, written, gone; or some of that now and the rest in a later scan. */
function shrinkSwapBacked(frame: u32, target: u32): u32 {
  let anon = isAnonFolio(frame);
  if (anon && !inSwapCache(frame) && !addToSwap(frame)) return ACTIVATE;
  if (mapcount(frame)) {
    if (anon) unmapAnon(frame);
    else unmapMapped(frame);
  }
  if (!inSwapCache(frame) && !shmemSwapOut(frame)) return ACTIVATE;
  if (isDirty(frame)) {
    setState(frame, (stateOf(frame) & ~L.STATE_DIRTY) | L.STATE_RECLAIM);
    headerSet(L.H_PAGEOUTS, headerGet(L.H_PAGEOUTS) + 1);
    modStat(ownerOf(chargeWord(frame)), L.STAT_PSWPOUT, 1);
    if (policyOn) crossIo(headerGet(L.H_SCAN_TASK), ownerOf(chargeWord(frame)));
    waitForRequest();
    startWriteback(frame);
    if (isWriteback(frame)) return KEEP;
  }
  let cpu = headerGet(L.H_SCAN_CPU);
  ringEvicted(frame, ownerOf(chargeWord(frame)), folioSlot(frame));
  deleteFromSwapCache(cpu, frame, evictionShadow(frame, target));
  freeFolio(headerGet(L.H_SCAN_TASK), cpu, frame);
  return FREED;
}
