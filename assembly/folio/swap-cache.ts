// The swap cache: folios that have a slot. mm/swap_state.c (add_to_swap(), delete_from_swap_cache(), __read_swap_cache_async()),
// mm/swapfile.c (folio_free_swap(), free_swap_and_cache()), mm/memory.c (do_swap_page()).
import { ENOMEM } from '../constants';
import { pageCounterRead, swapCounter } from '../counter/page-counter';
import * as L from '../layout';
import { memcgState, parentOf } from '../memcg/memcg';
import { modStat } from '../memcg/stat';
import { policyOn, ROOT } from '../memory';
import { crossIo } from '../policy/cross';
import { unownedPayer } from '../policy/release';
import { swapInPayer } from '../policy/share';
import { swapinBillsIssuer } from '../policy/worker';
import { GFP_KERNEL, KIND_ANON } from '../replay/ops';
import { dropShadow } from '../reclaim/workingset';
import { costOf, memstall } from '../psi';
import { isKilled } from '../task/task';
import { chargeWord, ownerOf } from './folio';
import { refaultFolio } from './mapping';
import { freeFolio, mapcount, newFolio, setState, stateOf } from './resident';
import { namesSlot } from './rmap';
import { deviceFull, dropSlot, folioSlot, freeSlot, setFolioSlot, setSlotWord, slotCount, slotFolio, slotWord, takeSlot } from './slots';
import { swapOwner } from './swap';
import { isWriteback } from './writeback';

@inline export function inSwapCache(frame: u32): bool {
  return (stateOf(frame) & L.STATE_SWAPCACHE) != 0;
}
@inline function memcgOf(frame: u32): u32 {
  return ownerOf(chargeWord(frame));
}

/** A folio that is in the swap cache alone is in no row of memory.stat but `swapcached`. */
export function uncount(frame: u32): void {
  let state = stateOf(frame);
  setState(frame, state | L.STATE_UNCOUNTED);
  modStat(memcgOf(frame), state & L.STATE_KIND_MASK, -1);
}
/** It is mapped, or in its object, again. */
export function recount(frame: u32): void {
  let state = stateOf(frame);
  if (!(state & L.STATE_UNCOUNTED)) return;
  setState(frame, state & ~L.STATE_UNCOUNTED);
  modStat(memcgOf(frame), state & L.STATE_KIND_MASK, 1);
}

/** The folio and the slot belong together from now on. */
function addToSwapCache(frame: u32, slot: u32, state: u32): void {
  setState(frame, stateOf(frame) | L.STATE_SWAPCACHE | state);
  setFolioSlot(frame, slot);
  setSlotWord(slot, frame);
  modStat(memcgOf(frame), L.STAT_SWAPCACHED, 1);
}

/** add_to_swap(): the folio gets a slot, charged to its memcg, and is to be written there. False: there is none for it. */
export function addToSwap(frame: u32): bool {
  let slot = takeSlot(memcgOf(frame));
  if (!slot) return false;
  addToSwapCache(frame, slot, L.STATE_DIRTY);
  return true;
}

/** delete_from_swap_cache(); a slot that no entry names is free then. `shadow` stays in the folio's place, or 0. */
export function deleteFromSwapCache(cpu: u32, frame: u32, shadow: u32): void {
  let slot = folioSlot(frame);
  setState(frame, stateOf(frame) & ~(L.STATE_SWAPCACHE | L.STATE_DIRTY));
  setFolioSlot(frame, 0);
  setSlotWord(slot, shadow);
  modStat(memcgOf(frame), L.STAT_SWAPCACHED, -1);
  if (!slotCount(slot)) freeSlot(cpu, slot);
}

/** folio_free_swap(): gives up the slot of a folio that nobody else refers to by it. False: it is needed, or being written. */
export function freeSwap(cpu: u32, frame: u32): bool {
  if (!inSwapCache(frame) || isWriteback(frame) || slotCount(folioSlot(frame))) return false;
  deleteFromSwapCache(cpu, frame, 0);
  return true;
}

/** mem_cgroup_swap_full(): the device, or some level's swap limit, is more than half used. */
export function swapFull(frame: u32): bool {
  if (deviceFull()) return true;
  for (let m = memcgOf(frame); m && m != ROOT; m = parentOf(m)) {
    let counter = swapCounter(m);
    let usage = pageCounterRead(counter) * 2;
    if (usage >= load<i64>(counter, L.PC_HIGH) || usage >= load<i64>(counter, L.PC_MAX)) return true;
  }
  return false;
}

/** free_swap_and_cache(): an entry of a page table or of a shmem object goes, and with the last one the slot, and what is cached of it. */
export function freeSwapAndCache(task: u32, cpu: u32, slot: u32): void {
  if (dropSlot(slot)) return;
  let frame = slotFolio(slot);
  if (!frame) {
    freeSlot(cpu, slot);
    return;
  }
  if (mapcount(frame) && !swapFull(frame)) return;
  if (freeSwap(cpu, frame) && !mapcount(frame)) freeFolio(task, cpu, frame);
}

/**
 * The folio of a slot, read into the swap cache if it is not there: its frame, or a negative errno. It is charged to the memcg that
 * owes the slot as long as that is online, else to `payer`. `kind`: KIND_ANON or KIND_SHMEM; it is counted once it is mapped. `touched`: a
 * task accesses it.
 */
export function swapIn(task: u32, cpu: u32, slot: u32, payer: u32, kind: u32, place: u64, touched: bool = true): i32 {
  let owner = swapOwner(slot);
  if (!owner || memcgState(owner) != L.MEMCG_ONLINE || swapinBillsIssuer()) owner = payer;
  if (policyOn) owner = unownedPayer(owner, payer);
  if (policyOn && touched && kind != KIND_ANON) owner = swapInPayer(owner, payer);
  let got = newFolio(task, cpu, owner, kind, place, GFP_KERNEL);
  if (got < 0) return got;
  let frame = <u32>got;
  // Killed for the want of this very page: its address space is gone, and the slot with it. (For swapoff that may be anybody's.)
  if ((task && isKilled(task)) || (kind == KIND_ANON && !namesSlot(place, slot))) {
    freeFolio(task, cpu, frame);
    return -ENOMEM;
  }
  // The charge may have reclaimed, but no reclaim frees a slot that is referred to.
  let shadow = slotWord(slot);
  uncount(frame);
  addToSwapCache(frame, slot, 0);
  modStat(owner, L.STAT_PSWPIN, 1);
  if (policyOn) crossIo(task, owner);
  if (shadow) {
    refaultFolio(task, frame, shadow, true);
    dropShadow(shadow);
  }
  // swap_read_folio(): waiting for a page of the working set is pressure.
  if (stateOf(frame) & L.STATE_WORKINGSET) memstall(task, costOf(L.COST_SWAP_IN));
  return frame;
}
