// The end of a container tries to drop its page cache (debate row B6): what is clean, mapped nowhere and not being written goes
// (invalidate_mapping_pages(), as for vm.drop_caches); the rest stays with the dying memcg, as in Linux, and is reported.
import { PAGE_SHIFT } from '../constants';
import { chargeWord, pagesOf, unchargeBatch } from '../folio/folio';
import { lruAddDrainAll } from '../folio/lru-add';
import { forgetPage } from '../folio/mapping';
import { isDirty, mapcount, stateOf } from '../folio/resident';
import { isWriteback } from '../folio/writeback';
import * as L from '../layout';
import { statLocal } from '../memcg/stat';
import { headerGet, taskAt } from '../memory';
import { addHead, isolate, listAt, size } from '../reclaim/lru';
import { KIND_FILE } from '../replay/ops';
import { did, didAt } from './policy';
import { kernelBytes } from './release';

function droppable(frame: u32): bool {
  if ((stateOf(frame) & L.STATE_KIND_MASK) != KIND_FILE) return false;
  return !isDirty(frame) && !isWriteback(frame) && !mapcount(frame);
}

/** One list, once around: what stays keeps its order. Answers the pages that went. */
function dropFrom(task: u32, cpu: u32, list: usize): u32 {
  let dropped: u32 = 0;
  for (let left = size(list); left; left--) {
    let frame = isolate(list);
    if (droppable(frame)) {
      forgetPage(task, cpu, frame);
      dropped++;
    } else addHead(list, frame, pagesOf(chargeWord(frame)));
  }
  return dropped;
}

/** What can be dropped of a removed memcg's page cache is. */
export function dropCache(memcg: u32, cpu: u32): void {
  let task = headerGet(L.H_CURRENT_TASK);
  lruAddDrainAll();
  let dropped = dropFrom(task, cpu, listAt(memcg, L.LRU_INACTIVE_FILE)) + dropFrom(task, cpu, listAt(memcg, L.LRU_ACTIVE_FILE));
  if (load<u32>(taskAt(task), L.TASK_PENDING) & L.TASK_HAS_BATCH) unchargeBatch(task);
  did(L.DID_RELEASED, dropped);
  did(L.DID_FREED, dropped);
  didAt(memcg, L.PMC_RELEASED, dropped);
  let left: i64 = 0;
  for (let stat: u32 = L.STAT_ANON; stat <= L.STAT_SHMEM; stat++) left += statLocal(memcg, stat);
  didAt(memcg, L.PMC_UNCLAIMED, (left << PAGE_SHIFT) + kernelBytes(memcg));
}
