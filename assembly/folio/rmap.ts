// From a private page to the page tables that have it. A page is shared only by fork, at the same virtual page number, so that the
// address spaces that fork made of one another (a ring) are all that need asking. mm/rmap.c: folio_referenced(), try_to_unmap(),
// anon_vma_fork().
import * as L from '../layout';
import { isDescendant } from '../memcg/memcg';
import { mmAt, objectAt } from '../memory';
import { taskMemcg } from '../task/task';
import { radixGet, radixSet } from './radix';
import { isAnonFolio, mapcount, placeAt, unmapFolio } from './resident';
import { duplicateSlot, folioSlot } from './slots';
import { uncount } from './swap-cache';

const VPN_MASK: u64 = (1 << L.PLACE_MM_SHIFT) - 1;

@inline export function anonPlace(mm: u32, vpn: u64): u64 {
  return (<u64>mm << L.PLACE_MM_SHIFT) | vpn;
}
@inline export function placeMm(frame: u32): u32 {
  return <u32>(load<u64>(placeAt(frame)) >> L.PLACE_MM_SHIFT);
}

@inline export function nextMm(mm: u32): u32 {
  return load<u32>(mmAt(mm), L.MM_NEXT);
}

/** The tree that has a folio, of its object or of the address space that it is found from, and its key there. */
@inline export function treeOfFolio(frame: u32): usize {
  return isAnonFolio(frame) ? mmAt(placeMm(frame)) + L.MM_RADIX : objectAt(<u32>(load<u64>(placeAt(frame)) >> 32)) + L.OBJECT_RADIX;
}
@inline export function keyOfFolio(frame: u32): u64 {
  return load<u64>(placeAt(frame)) & (isAnonFolio(frame) ? VPN_MASK : 0xffffffff);
}

/** A ring of one. */
export function beginRing(mm: u32): void {
  store<u32>(mmAt(mm), mm, L.MM_NEXT);
  store<u32>(mmAt(mm), mm, L.MM_PREVIOUS);
}

/** The child's pages are its parent's. */
export function joinRing(parent: u32, child: u32): void {
  let next = nextMm(parent);
  store<u32>(mmAt(child), next, L.MM_NEXT);
  store<u32>(mmAt(child), parent, L.MM_PREVIOUS);
  store<u32>(mmAt(next), child, L.MM_PREVIOUS);
  store<u32>(mmAt(parent), child, L.MM_NEXT);
}

/** The address space is gone; its pages that others have say so by now. */
export function leaveRing(mm: u32): void {
  let next = nextMm(mm);
  let previous = load<u32>(mmAt(mm), L.MM_PREVIOUS);
  store<u32>(mmAt(previous), next, L.MM_NEXT);
  store<u32>(mmAt(next), previous, L.MM_PREVIOUS);
  beginRing(mm);
}

@inline function maps(mm: u32, vpn: u64, frame: u32): bool {
  let word = radixGet(mmAt(mm) + L.MM_RADIX, vpn);
  return !(word & L.PTE_SWAP) && (word & L.PTE_FRAME) == frame;
}

/** The address space that a page is found from has given it up: another that has it takes its place. */
export function rehome(frame: u32, mm: u32, vpn: u64): void {
  let heir = nextMm(mm);
  while (!maps(heir, vpn, frame)) heir = nextMm(heir);
  store<u64>(placeAt(frame), anonPlace(heir, vpn));
}

/** A mapped private page is in the page table that its place names: for the audit. */
export function isFound(frame: u32): bool {
  return maps(placeMm(frame), load<u64>(placeAt(frame)) & VPN_MASK, frame);
}

/** The page table entry of a place (anonPlace()) names the slot. */
export function namesSlot(place: u64, slot: u32): bool {
  return radixGet(mmAt(<u32>(place >> L.PLACE_MM_SHIFT)) + L.MM_RADIX, place & VPN_MASK) == (slot | L.PTE_SWAP);
}

/** folio_referenced() of a private page: young entries, cleared. Address spaces outside the target do not count. */
export function referencedAnon(frame: u32, target: u32): u32 {
  let vpn = load<u64>(placeAt(frame)) & VPN_MASK;
  let left = mapcount(frame);
  let young: u32 = 0;
  for (let mm = placeMm(frame); left; mm = nextMm(mm)) {
    let pages = mmAt(mm) + L.MM_RADIX;
    if (!maps(mm, vpn, frame)) continue;
    left--;
    let word = radixGet(pages, vpn);
    if (!(word & L.PTE_YOUNG) || !isDescendant(taskMemcg(mm), target)) continue;
    young++;
    radixSet(pages, vpn, word & ~L.PTE_YOUNG);
  }
  return young;
}

/** try_to_unmap() of a private page in the swap cache: every entry names its slot from now on. */
export function unmapAnon(frame: u32): void {
  let vpn = load<u64>(placeAt(frame)) & VPN_MASK;
  let slot = folioSlot(frame);
  for (let mm = placeMm(frame); mapcount(frame); mm = nextMm(mm)) {
    if (!maps(mm, vpn, frame)) continue;
    radixSet(mmAt(mm) + L.MM_RADIX, vpn, slot | L.PTE_SWAP);
    duplicateSlot(slot);
    unmapFolio(frame);
  }
  uncount(frame);
}
