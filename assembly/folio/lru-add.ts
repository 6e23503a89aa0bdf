// Folios on their way to the LRU lists: a CPU gathers them and takes the list's lock once for all. Until then they are on no list: they
// count in no figure of it, and reclaim cannot take them. mm/swap.c: folio_add_lru(), lru_add(), lru_add_drain(),
// __lru_cache_activate_folio(). (Activations wait in such a batch, too, if the kernel is built for several CPUs; those are not modelled.)
//
//   | count | 15 frames (6.1) or 31 (6.18), the oldest first |
import { PAGEVEC_SIZE, PAGEVEC_SIZE_61 } from '../constants';
import * as L from '../layout';
import { folioAt, kernel61, lruAddBase, nrCpus } from '../memory';
import { addHead, listAt } from '../reclaim/lru';
import { chargeWord, ownerOf } from './folio';

@inline function batchAt(cpu: u32): usize {
  return lruAddBase + <usize>cpu * L.LRU_ADD_STRIDE;
}
@inline function entryAt(batch: usize, i: u32): usize {
  return batch + L.LRU_ADD_FRAMES + (i << 2);
}
@inline function state(frame: u32): u32 {
  return load<u32>(folioAt(frame), L.FOLIO_STATE);
}

/** The folio waits for its list in some CPU's batch. */
@inline export function isLruAdding(frame: u32): bool {
  return (state(frame) & L.STATE_LRU_ADD) != 0;
}
/** Folios that wait in a CPU's batch. */
@inline export function lruAddCount(cpu: u32): u32 {
  return load<u32>(batchAt(cpu));
}
/** One of them, 0 the oldest. */
@inline export function lruAddFrame(cpu: u32, i: u32): u32 {
  return load<u32>(entryAt(batchAt(cpu), i));
}

/** folio_add_lru(): a folio whose state word names its list joins it with this CPU's next batch. */
export function lruAdd(cpu: u32, frame: u32): void {
  let batch = batchAt(cpu);
  let count = load<u32>(batch);
  store<u32>(folioAt(frame), state(frame) | L.STATE_LRU_ADD, L.FOLIO_STATE);
  store<u32>(entryAt(batch, count), frame);
  store<u32>(batch, count + 1);
  if (count + 1 == (kernel61 ? PAGEVEC_SIZE_61 : PAGEVEC_SIZE)) lruAddDrain(cpu);
}

/** lru_add_drain(): what this CPU has gathered goes to its lists, at the newest end. */
export function lruAddDrain(cpu: u32): void {
  let batch = batchAt(cpu);
  let count = load<u32>(batch);
  if (!count) return;
  store<u32>(batch, 0);
  for (let i: u32 = 0; i < count; i++) {
    let frame = load<u32>(entryAt(batch, i));
    store<u32>(entryAt(batch, i), 0);
    let now = state(frame) & ~L.STATE_LRU_ADD;
    store<u32>(folioAt(frame), now, L.FOLIO_STATE);
    addHead(listAt(ownerOf(chargeWord(frame)), (now & L.STATE_LIST_MASK) >> L.STATE_LIST_SHIFT), frame, 1);
  }
}

/** lru_add_drain_all() */
export function lruAddDrainAll(): void {
  for (let cpu: u32 = 0; cpu < nrCpus; cpu++) lruAddDrain(cpu);
}

function find(cpu: u32, frame: u32): u32 {
  let batch = batchAt(cpu);
  let count = load<u32>(batch);
  let i: u32 = 0;
  while (i < count && load<u32>(entryAt(batch, i)) != frame) i++;
  return i;
}

/** Whether the folio is in this CPU's batch: __lru_cache_activate_folio() looks in no other. */
export function isLruAddingHere(cpu: u32, frame: u32): bool {
  return find(cpu, frame) < lruAddCount(cpu);
}

/**
 * The folio goes before it ever was on a list. Pages are released after an lru_add_drain(), so that it is in another CPU's batch; there
 * it would stay charged until that is full, here it goes at once.
 */
export function lruAddForget(cpu: u32, frame: u32): void {
  lruAddDrain(cpu);
  if (!isLruAdding(frame)) return;
  for (let other: u32 = 0; other < nrCpus; other++) {
    let batch = batchAt(other);
    let count = load<u32>(batch);
    let i = find(other, frame);
    if (i == count) continue;
    memory.copy(entryAt(batch, i), entryAt(batch, i + 1), (count - 1 - i) << 2);
    store<u32>(entryAt(batch, count - 1), 0);
    store<u32>(batch, count - 1);
    store<u32>(folioAt(frame), state(frame) & ~L.STATE_LRU_ADD, L.FOLIO_STATE);
    return;
  }
}
