// Swap slots: each is charged to the memcg whose page went there, until the slot (not the page) is freed.
// mm/memcontrol.c: __mem_cgroup_try_charge_swap(), __mem_cgroup_uncharge_swap().

import { ENOMEM } from '../constants';
import { pageCounterCharge, pageCounterRead, pageCounterTryCharge, pageCounterUncharge, swapCounter } from '../counter/page-counter';
import * as L from '../layout';
import { memcgEvent } from '../memcg/events';
import { putMemcg } from '../memcg/css';
import { memcgState, parentOf } from '../memcg/memcg';
import { rstatUpdated } from '../memcg/rstat';
import { headerGet, headerSet, memcgAt, policyMemcgAt, policyOn, policyTables, ROOT, rstatBase, swapBase } from '../memory';

@inline export function swapOwner(entry: u32): u32 {
  return load<u32>(swapBase + (<usize>entry << 2));
}
@inline function setSwapOwner(entry: u32, memcg: u32): void {
  store<u32>(swapBase + (<usize>entry << 2), memcg);
}

/** Slots that a memcg itself is charged for. There is no stock of slots: what its children do not owe is its own. */
export function ownSlots(memcg: u32): i64 {
  let slots = pageCounterRead(swapCounter(memcg));
  for (let child = load<u32>(memcgAt(memcg), L.MEMCG_FIRST_CHILD); child; child = load<u32>(memcgAt(child), L.MEMCG_NEXT_SIBLING))
    slots -= pageCounterRead(swapCounter(child));
  return slots;
}

/** mem_cgroup_id_get_online(): a memcg's id lives until it is offline and no slot refers to it any more. */
function nearestLiveId(memcg: u32): u32 {
  let m = memcg;
  while (m != ROOT && memcgState(m) == L.MEMCG_DYING && !ownSlots(m)) m = parentOf(m);
  return m;
}

/**
 * Charges `count` consecutive slots to the memcg, or to its nearest ancestor whose id is live. `recorded`: the kernel is known
 * to have had the room. 0 or -ENOMEM; the refusal is counted at the charging memcg, as Linux does, not at the limit's owner.
 */
export function chargeSwap(memcg: u32, entry: u32, count: u32, recorded: bool): i32 {
  memcg = nearestLiveId(memcg);
  if (memcg != ROOT) {
    if (recorded) pageCounterCharge(swapCounter(memcg), count);
    else if (pageCounterTryCharge(swapCounter(memcg), count)) {
      memcgEvent(memcg, L.EVENT_SWAP_MAX);
      memcgEvent(memcg, L.EVENT_SWAP_FAIL);
      return -ENOMEM;
    }
  }
  for (let e = entry; e < entry + count; e++) setSwapOwner(e, memcg);
  if (rstatBase) rstatUpdated(memcg, count); // MEMCG_SWAP
  if (entry + count > headerGet(L.H_SWAP_END)) headerSet(L.H_SWAP_END, entry + count);
  return 0;
}

/** The slots of a removed memcg are charged to nobody any more (policy/release.ts). */
@inline export function isReleasedSlot(memcg: u32): bool {
  return policyOn && policyTables && load<u32>(policyMemcgAt(memcg), L.PM_RELEASED) != 0;
}

/** All slots that a memcg owes are another's. The counters are the caller's. Answers how many there are. */
export function moveSlots(memcg: u32, to: u32): i64 {
  let slots = ownSlots(memcg);
  for (let entry: u32 = 1, left = slots; left > 0 && entry < headerGet(L.H_SWAP_END); entry++) {
    if (swapOwner(entry) != memcg) continue;
    setSwapOwner(entry, to);
    left--;
  }
  return slots;
}

/** Frees one slot. False: nobody had charged it. */
export function unchargeSwap(entry: u32): bool {
  let memcg = swapOwner(entry);
  if (!memcg) return false;
  setSwapOwner(entry, 0);
  if (memcg != ROOT && !isReleasedSlot(memcg)) pageCounterUncharge(swapCounter(memcg), 1);
  putMemcg(memcg);
  if (rstatBase) rstatUpdated(memcg, 1);
  return true;
}
