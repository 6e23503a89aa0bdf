// Reclaim that somebody asks for by writing memory.reclaim. mm/vmscan.c: user_proactive_reclaim() (6.18); mm/memcontrol.c:
// memory_reclaim() (6.1).
import { EAGAIN, MAX_RECLAIM_RETRIES, PAGE_COUNTER_MAX } from '../constants';
import { lruAddDrainAll } from '../folio/lru-add';
import * as L from '../layout';
import { headerGet, kernel61 } from '../memory';
import { tryToFree } from './scan';

/**
 * Takes `pages` from `memcg` and below, on behalf of a task on a CPU. `swappiness` + 1, 0 = vm.swappiness. 0, or -EAGAIN after seventeen
 * fruitless reclaims. 6.18 asks for a quarter of the remainder at a time; 6.1 for all of it, and counts it as direct reclaim.
 */
export function proactiveReclaim(task: u32, cpu: u32, memcg: u32, pages: u64, swappiness: u32): i32 {
  let flags = kernel61 ? L.SCAN_MAY_SWAP : L.SCAN_MAY_SWAP | L.SCAN_PROACTIVE;
  let preference = swappiness && !kernel61 ? swappiness - 1 : headerGet(L.H_SWAPPINESS);
  let wanted = min<u64>(pages, PAGE_COUNTER_MAX);
  let reclaimed: u64 = 0;
  let retries = MAX_RECLAIM_RETRIES;
  while (reclaimed < wanted) {
    let left = wanted - reclaimed;
    if (!kernel61) left /= 4;
    // The last attempt: folios that wait in some CPU's batch can be taken once they are on their lists.
    if (!retries) lruAddDrainAll();
    let got = tryToFree(task, cpu, memcg, <u32>min<u64>(left, i32.MAX_VALUE), flags, preference);
    if (!got && retries-- == 0) return -EAGAIN;
    reclaimed += got;
  }
  return 0;
}
