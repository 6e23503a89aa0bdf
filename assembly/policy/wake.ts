// A charge that may not block has found the limit: whether it wakes reclaim, which then runs by itself. Linux: never; nobody reclaims for
// a memcg that is only charged from interrupts. Debate 4, which asks for a worker like that of memory.high (high_work_func()).
import { MEMCG_CHARGE_BATCH } from '../constants';
import * as L from '../layout';
import { headerGet, headerGet64, headerSet64, policyMemcgAt } from '../memory';
import { lruPages } from '../reclaim/workingset';
import { tryToFree } from '../reclaim/scan';
import { answer, did, didAt } from './policy';

/** The limit of `over` refused such a charge. */
export function wakeReclaim(over: u32): void {
  let how = answer(L.POLICY_WAKE);
  // While it is queued a work item is not queued again.
  if (how == L.WAKE_NEVER || load<u64>(policyMemcgAt(over), L.PM_WAKE_AT)) return;
  if (how == L.WAKE_IF_CACHE && !lruPages(over, L.LRU_INACTIVE_FILE) && !lruPages(over, L.LRU_ACTIVE_FILE)) return;
  did(L.DID_WAKES, 1);
  didAt(over, L.PMC_WAKES, 1);
  let due = max<u64>(1, headerGet64(L.H_NOW) + load<u64>(L.HEADER + L.H_POLICY, L.POLICY_WORK_NS));
  store<u64>(policyMemcgAt(over), due, L.PM_WAKE_AT);
  let first = headerGet64(L.H_WAKE_AT);
  if (!first || due < first) headerSet64(L.H_WAKE_AT, due);
}

/** The work items that are due at `now`: each reclaims a batch. */
export function runWoken(now: u64, cpu: u32): void {
  let next: u64 = 0;
  for (let memcg: u32 = 1; memcg < headerGet(L.H_MEMCG_END); memcg++) {
    let due = load<u64>(policyMemcgAt(memcg), L.PM_WAKE_AT);
    if (!due) continue;
    if (due > now) {
      if (!next || due < next) next = due;
      continue;
    }
    store<u64>(policyMemcgAt(memcg), 0, L.PM_WAKE_AT);
    let reclaimed = tryToFree(0, cpu, memcg, MEMCG_CHARGE_BATCH, L.SCAN_MAY_SWAP, headerGet(L.H_SWAPPINESS));
    didAt(memcg, L.PMC_WAKES_RECLAIMED, reclaimed);
    if (reclaimed) continue;
    did(L.DID_WAKES_WASTED, 1);
    didAt(memcg, L.PMC_WAKES_WASTED, 1);
  }
  headerSet64(L.H_WAKE_AT, next);
}
