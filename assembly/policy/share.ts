// Another cgroup touches a page that is charged already: onShare(). Linux: it stays where it is. Debate 1, rows S3, S3a.
//
//     /pod ─┬─ a   owner                 b touches it: the page is /pod's own from now on; a pays no more, /pod and all above it as before
//           └─ b   toucher               x, from elsewhere, touches it: the root's
import { pageCounterUnchargeBelow, memoryCounter } from '../counter/page-counter';
import { chargeWord, ownerOf, pagesOf } from '../folio/folio';
import { moveFolio } from '../folio/move';
import * as L from '../layout';
import { commonAncestor, isDescendant, nearestOnline } from '../memcg/memcg';
import { folioAt, ROOT } from '../memory';
import { ringPageMoved } from '../ring';
import { answer, did, didAt } from './policy';

/** A minor fault or a buffered access of a resident page: `toucher` would have paid for it in Linux if it had come first. */
export function onShare(task: u32, cpu: u32, frame: u32, toucher: u32): void {
  if (answer(L.POLICY_SHARE) == L.SHARE_COMMON_ANCESTOR) shareUp(cpu, frame, toucher);
}

/** The page moves to the lowest common ancestor of its owner and the toucher, unless the toucher is in or below its owner. */
export function shareUp(cpu: u32, frame: u32, toucher: u32): void {
  let word = chargeWord(frame);
  let owner = ownerOf(word);
  if (toucher == owner || word & L.CHARGE_KMEM || isDescendant(toucher, owner)) return;
  // Off its list and in no batch: reclaim has it in hand (folio_isolate_lru() fails).
  if (!load<u32>(folioAt(frame), L.FOLIO_POSITION) && !(load<u32>(folioAt(frame), L.FOLIO_STATE) & L.STATE_LRU_ADD)) return;
  moveUp(cpu, frame, nearestOnline(commonAncestor(owner, toucher)));
}

/**
 * A charged user folio becomes the page of `to`, an ancestor of its owner: levels below it are uncharged, it and those above it have it in
 * their usage already. (The root's own pages are in no counter.) No level is charged, so that no limit can refuse.
 */
function moveUp(cpu: u32, frame: u32, to: u32): void {
  let word = chargeWord(frame);
  let from = ownerOf(word);
  let pages = pagesOf(word);
  moveFolio(cpu, frame, to);
  let levels = pageCounterUnchargeBelow(memoryCounter(from), to == ROOT ? 0 : memoryCounter(to), pages);
  did(L.DID_SLOW_PATH, 1);
  did(L.DID_MOVED, pages);
  did(L.DID_COUNTER_OPERATIONS, levels);
  didAt(from, L.PMC_MOVED_OUT, pages);
  didAt(to, L.PMC_MOVED_IN, pages);
  ringPageMoved(frame, from, to, pages);
}

/** Who pays for a page of shmem that comes back from swap and is touched: who touches it; `owner`, as in Linux, where pages stay. */
export function swapInPayer(owner: u32, toucher: u32): u32 {
  return answer(L.POLICY_SHARE) == L.SHARE_COMMON_ANCESTOR ? toucher : owner;
}
