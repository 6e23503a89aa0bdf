// Memory loses its payer when its cgroup is removed, and the next one that is seen to touch it is charged (debate row P4). Until then it is
// resident and nobody's: off every counter, on the root's lists, where only the machine's own reclaim finds it, and marked STATE_UNOWNED.
//
//   released = recharged + freed + unclaimed
//
// What is seen is what the kernel sees: buffered reads and writes, page faults, pages found in the swap cache. Kernel memory has no next
// touch: it stays where Linux leaves it, with the parent, and is reported (PMC_UNCLAIMED, bytes). (Ours.) So do sockets' buffers.
//
// A refused charge ends the access, as that of a new page would (ours; the debate does not say): the page stays as it was.
import { chargeMemcg } from '../charge/charge';
import { ENOMEM, PAGE_SHIFT } from '../constants';
import { memoryCounter, pageCounterUncharge, swapCounter } from '../counter/page-counter';
import { chargeWord, ownerOf } from '../folio/folio';
import { moveFolio } from '../folio/move';
import { ownSlots } from '../folio/swap';
import * as L from '../layout';
import { countLocal } from '../memcg/events';
import { statLocal } from '../memcg/stat';
import { folioAt, headerGet, headerSet, objcgAt, policyMemcgAt, ROOT } from '../memory';
import { GFP_KERNEL } from '../replay/ops';
import { answer, countDone, did, didAt } from './policy';
import { moveAll, moveWriteback } from './reparent';

@inline function isUnowned(frame: u32): bool {
  return (load<u32>(folioAt(frame), L.FOLIO_STATE) & L.STATE_UNOWNED) != 0;
}

/** Bytes of kernel memory, sockets' buffers among it, that a removed memcg leaves to others. */
export function kernelBytes(memcg: u32): i64 {
  let at = objcgAt(memcg);
  return load<i64>(at, L.OBJCG_BYTES) + ((load<i64>(at, L.OBJCG_PAGES) + statLocal(memcg, L.STAT_SOCK)) << PAGE_SHIFT);
}

/** Nobody pays any more for what `memcg` has. */
export function releaseAll(memcg: u32, cpu: u32): void {
  let pages = moveAll(cpu, memcg, ROOT, L.STATE_UNOWNED);
  if (pages) pageCounterUncharge(memoryCounter(memcg), pages);
  let slots = ownSlots(memcg);
  if (slots) pageCounterUncharge(swapCounter(memcg), slots);
  store<u32>(policyMemcgAt(memcg), 1, L.PM_RELEASED);
  moveWriteback(memcg, ROOT);
  did(L.DID_RELEASED, pages);
  did(L.DID_UNCLAIMED, pages);
  didAt(memcg, L.PMC_RELEASED, pages);
  didAt(memcg, L.PMC_UNCLAIMED, kernelBytes(memcg));
}

/** The folio's mark goes: somebody pays for it (`recharged`), or it is gone. */
export function unmark(frame: u32, recharged: bool): void {
  let at = folioAt(frame);
  store<u32>(at, load<u32>(at, L.FOLIO_STATE) & ~L.STATE_UNOWNED, L.FOLIO_STATE);
  did(L.DID_UNCLAIMED, -1);
  did(recharged ? L.DID_RECHARGED : L.DID_FREED, 1);
}

/** What nobody paid for when it was swapped out counts as the root's: who touches it next pays for it, and not its owner as in Linux. */
export function unownedPayer(owner: u32, toucher: u32): u32 {
  return owner == ROOT && answer(L.POLICY_OFFLINE) == L.OFFLINE_RELEASE ? toucher : owner;
}

/** A resident folio is touched: if it is nobody's, `payer` is charged for it. 0, or -ENOMEM: that was refused. */
@inline export function claim(task: u32, cpu: u32, frame: u32, payer: u32): i32 {
  return countDone(L.DID_UNCLAIMED) && isUnowned(frame) ? charge(task, cpu, frame, payer) : 0;
}

function charge(task: u32, cpu: u32, frame: u32, payer: u32): i32 {
  did(L.DID_SLOW_PATH, 1);
  if (chargeMemcg(task, cpu, payer, 1, GFP_KERNEL)) {
    countLocal(payer, L.EVENT_REFUSED, 1);
    headerSet(L.H_CALL_REFUSED, 1);
    return -ENOMEM;
  }
  // The charge may have killed, and with a task its memory.
  if (!chargeWord(frame) || !isUnowned(frame)) {
    if (payer != ROOT) pageCounterUncharge(memoryCounter(payer), 1);
    return 0;
  }
  unmark(frame, true);
  if (ownerOf(chargeWord(frame)) != payer) moveFolio(cpu, frame, payer);
  didAt(payer, L.PMC_RECHARGED_IN, 1);
  countLocal(payer, L.EVENT_CHARGED + (load<u32>(folioAt(frame), L.FOLIO_STATE) & L.STATE_KIND_MASK), 1);
  headerSet(L.H_CALL_CHARGED, headerGet(L.H_CALL_CHARGED) + 1);
  return 0;
}
