// Where I/O is refused instead of somebody killed (L4): who is told that there is no space must have the memory to be told. So I/O that is
// refused leaves to the tasks of a cgroup as much room as they have memory of their own, a batch at most (ours): below the limit, or in
// page
// cache that they can have when they need it. A cgroup that has nothing but what I/O brought is left none.
import { MEMCG_CHARGE_BATCH, PAGE_COUNTER_MAX } from '../constants';
import { memoryCounter, pageCounterMargin } from '../counter/page-counter';
import * as L from '../layout';
import { memcgEvent } from '../memcg/events';
import { parentOf } from '../memcg/memcg';
import { statTotal } from '../memcg/stat';
import { ROOT } from '../memory';
import { lruPages, swapLeft } from '../reclaim/workingset';
import { didAt } from './policy';
import { tellsErrors } from './worker';

/** Pages of the subtree that no I/O to tmpfs brought. */
@inline function ownPages(memcg: u32): i64 {
  return statTotal(memcg, L.STAT_ANON) + statTotal(memcg, L.STAT_FILE) + statTotal(memcg, L.STAT_KMEM);
}

/** A page of tmpfs that I/O would charge to `memcg` is refused, whether or not there is room for this one. Counted. */
export function refusesIo(memcg: u32): bool {
  if (!tellsErrors()) return false;
  for (let m = memcg; m && m != ROOT; m = parentOf(m)) {
    let counter = memoryCounter(m);
    if (load<i64>(counter, L.PC_MAX) == PAGE_COUNTER_MAX) continue;
    let room = pageCounterMargin(counter);
    if (room > <i64>MEMCG_CHARGE_BATCH || swapLeft(m) > 0) continue;
    room += <i64>(lruPages(m, L.LRU_INACTIVE_FILE) + lruPages(m, L.LRU_ACTIVE_FILE));
    if (room > min<i64>(<i64>MEMCG_CHARGE_BATCH, ownPages(m)) || !ownPages(m)) continue;
    memcgEvent(m, L.EVENT_MAX);
    didAt(memcg, L.PMC_ENOMEM + L.CONTEXT_WORKER, 1);
    return true;
  }
  return false;
}
