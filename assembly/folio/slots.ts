// Slots of the swap device: which are free, who refers to one, and who is charged for it. mm/swapfile.c (get_swap_pages(),
// swap_duplicate(), swap_entry_free()), mm/swap_slots.c (free_swap_slot(), of 6.1).
import { ENOMEM } from '../constants';
import * as L from '../layout';
import { memcgEvent } from '../memcg/events';
import { folioSlotBase, headerGet, headerSet, kernel61, nrCpus, slotBase, slotCacheBase, swapEnd } from '../memory';
import { dropShadow } from '../reclaim/workingset';
import { chargeSwap, unchargeSwap } from './swap';

/** mm/swap_slots.c: with fewer free slots than this a CPU the caches are drained and rest, with more than the other they work again. */
const THRESHOLD_DEACTIVATE_SWAP_SLOTS_CACHE: u32 = 2 * L.SLOT_CACHE_SIZE;
const THRESHOLD_ACTIVATE_SWAP_SLOTS_CACHE: u32 = 5 * L.SLOT_CACHE_SIZE;

@inline function slotAt(slot: u32): usize {
  return slotBase + <usize>slot * L.SLOT_STRIDE;
}
/** Entries of page tables and of shmem objects that name the slot: swap_count(). */
@inline export function slotCount(slot: u32): u32 {
  return load<u32>(slotAt(slot), L.SLOT_COUNT);
}
@inline function setSlotCount(slot: u32, count: u32): void {
  store<u32>(slotAt(slot), count, L.SLOT_COUNT);
}
/** The folio in the swap cache; 0: there is none. */
@inline export function slotFolio(slot: u32): u32 {
  let word = slotWord(slot);
  return word & L.SHADOW_BIT ? 0 : word;
}
/** The folio in the swap cache, or the shadow that it left, or 0. */
@inline export function slotWord(slot: u32): u32 {
  return load<u32>(slotAt(slot), L.SLOT_FRAME);
}
@inline export function setSlotWord(slot: u32, word: u32): void {
  store<u32>(slotAt(slot), word, L.SLOT_FRAME);
}

/** The slot of a folio that is in the swap cache: folio->swap. */
@inline export function folioSlot(frame: u32): u32 {
  return load<u32>(folioSlotBase + (<usize>frame << 2));
}
@inline export function setFolioSlot(frame: u32, slot: u32): void {
  store<u32>(folioSlotBase + (<usize>frame << 2), slot);
}

/** At boot the device has as many slots as the table. */
export function initSlots(): void {
  if (headerGet(L.H_RESIDENCY) == L.RESIDENCY_MODELLED) headerSet(L.H_SWAP_SLOTS, swapEnd - 1);
}

/** get_nr_swap_pages(); none while the device is taken out of use. */
@inline export function slotsLeft(): u32 {
  let slots = headerGet(L.H_SWAP_SLOTS);
  let used = headerGet(L.H_SWAP_USED);
  return slots > used ? slots - used : 0;
}
/** vm_swap_full(): less than half of the device is free. */
@inline export function deviceFull(): bool {
  return slotsLeft() * 2 < headerGet(L.H_SWAP_SLOTS);
}

/**
 * folio_alloc_swap(): a slot, charged to `memcg` or its nearest ancestor whose id lives. 0: the device is full, or memory.swap.max
 * refuses; both are counted at the memcg.
 */
export function takeSlot(memcg: u32): u32 {
  if (kernel61) checkCaches();
  let slot: u32 = 0;
  if (slotsLeft()) {
    slot = headerGet(L.H_FREE_SLOT);
    if (slot) headerSet(L.H_FREE_SLOT, slotCount(slot));
    else {
      slot = max<u32>(1, headerGet(L.H_SLOT_END));
      headerSet(L.H_SLOT_END, slot + 1);
    }
  }
  if (!slot) {
    memcgEvent(memcg, L.EVENT_SWAP_FAIL);
    return 0;
  }
  headerSet(L.H_SWAP_USED, headerGet(L.H_SWAP_USED) + 1);
  setSlotCount(slot, 0);
  setSlotWord(slot, 0);
  if (chargeSwap(memcg, slot, 1, false) == -ENOMEM) {
    giveSlot(slot);
    return 0;
  }
  return slot;
}

/** The slot is free on the device. */
function giveSlot(slot: u32): void {
  setSlotCount(slot, headerGet(L.H_FREE_SLOT));
  headerSet(L.H_FREE_SLOT, slot);
  headerSet(L.H_SWAP_USED, headerGet(L.H_SWAP_USED) - 1);
}

/** swap_entry_free(): nobody refers to the slot any more, and the memcg no longer owes it. */
function releaseSlot(slot: u32): void {
  unchargeSwap(slot);
  giveSlot(slot);
}

/** free_swap_slot(): the last reference is gone. 6.1 lets the CPU gather 64 of them before it gives them back. */
export function freeSlot(cpu: u32, slot: u32): void {
  let word = slotWord(slot);
  if (word) {
    dropShadow(word);
    setSlotWord(slot, 0);
  }
  if (!headerGet(L.H_SLOT_CACHES)) {
    releaseSlot(slot);
    return;
  }
  let cache = slotCacheBase + <usize>cpu * L.SLOT_CACHE_STRIDE;
  if (load<u32>(cache, L.SLOT_CACHE_LENGTH) == L.SLOT_CACHE_SIZE) drainCache(cache);
  let length = load<u32>(cache, L.SLOT_CACHE_LENGTH);
  store<u32>(cache + (<usize>length << 2), slot);
  store<u32>(cache, length + 1, L.SLOT_CACHE_LENGTH);
}

/** swapcache_free_entries() of one CPU. */
function drainCache(cache: usize): void {
  for (let i: u32 = 0; i < load<u32>(cache, L.SLOT_CACHE_LENGTH); i++) releaseSlot(load<u32>(cache + (<usize>i << 2)));
  store<u32>(cache, 0, L.SLOT_CACHE_LENGTH);
}

/** Those of one CPU. */
@inline export function cachedOf(cpu: u32): u32 {
  return load<u32>(slotCacheBase + <usize>cpu * L.SLOT_CACHE_STRIDE, L.SLOT_CACHE_LENGTH);
}
@inline export function cachedSlot(cpu: u32, i: u32): u32 {
  return load<u32>(slotCacheBase + <usize>cpu * L.SLOT_CACHE_STRIDE + (<usize>i << 2));
}

/** drain_slots_cache(), reenable_swap_slots_cache_unlock() */
function useCaches(use: bool): void {
  headerSet(L.H_SLOT_CACHES, use ? 1 : 0);
  if (use) return;
  for (let cpu: u32 = 0; cpu < nrCpus; cpu++) drainCache(slotCacheBase + <usize>cpu * L.SLOT_CACHE_STRIDE);
}

/** check_cache_active() */
function checkCaches(): void {
  let left = slotsLeft();
  if (!headerGet(L.H_SLOT_CACHES)) {
    if (left > nrCpus * THRESHOLD_ACTIVATE_SWAP_SLOTS_CACHE) useCaches(true);
  } else if (left < nrCpus * THRESHOLD_DEACTIVATE_SWAP_SLOTS_CACHE) useCaches(false);
}

/** One entry more names the slot: swap_duplicate(). */
@inline export function duplicateSlot(slot: u32): void {
  setSlotCount(slot, slotCount(slot) + 1);
}
/** One fewer. Answers how many are left. */
@inline export function dropSlot(slot: u32): u32 {
  let left = slotCount(slot) - 1;
  setSlotCount(slot, left);
  return left;
}

/** From here on no slot is handed out, and none waits in a cache. Answers how many the device had. */
export function closeSlots(): u32 {
  if (headerGet(L.H_SLOT_CACHES)) useCaches(false);
  let slots = headerGet(L.H_SWAP_SLOTS);
  headerSet(L.H_SWAP_SLOTS, 0);
  return slots;
}
