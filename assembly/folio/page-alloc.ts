// May an allocation have its pages? mm/page_alloc.c: get_page_from_freelist(), __alloc_pages_slowpath(), should_reclaim_retry(),
// __alloc_pages_may_oom(). One node, one zone; frames need not lie together, so that a large order is only more of them.
import { globalOom, isDying } from '../charge/oom';
import { awaitWriteback } from './writeback';
import { ENOMEM, ENOSPC, MAX_RECLAIM_RETRIES, PAGE_ALLOC_COSTLY } from '../constants';
import * as L from '../layout';
import { headerGet, headerSet, outOfRange, ROOT } from '../memory';
import { wakeKswapd } from '../reclaim/kswapd';
import { tryToFreePages } from '../reclaim/scan';
import { countVm, minMark, watermarkOk } from '../reclaim/watermark';
import { lruPages, swapLeft } from '../reclaim/workingset';
import { GFP_DIRECT_RECLAIM, GFP_KSWAPD_RECLAIM, GFP_NOFAIL, GFP_NORETRY, GFP_RETRY_MAYFAIL } from '../replay/ops';

/**
 * Makes sure that a task on a CPU may take `1 << order` frames: 0, and then it must take them before the next call, or a negative errno.
 * -ENOMEM: not these, as the flags allow no more effort, which is counted, or as the task was killed for them. -ENOSPC: memory is full
 * and there is nobody left to kill, where Linux panics; H_FULL_TABLE is CAP_PAGES then.
 */
export function allocPages(task: u32, cpu: u32, order: u32, gfp: u32): i32 {
  return watermarkOk(order, headerGet(L.H_WMARK_LOW)) ? 0 : slowPath(task, cpu, order, gfp);
}

function slowPath(task: u32, cpu: u32, order: u32, gfp: u32): i32 {
  let mark = minMark(gfp);
  let costly = <u32>1 << order > PAGE_ALLOC_COSTLY;
  let fruitless: u32 = 0;
  for (;;) {
    if (gfp & GFP_KSWAPD_RECLAIM) wakeKswapd(cpu);
    if (watermarkOk(order, mark)) return 0;
    if (!(gfp & GFP_DIRECT_RECLAIM)) return noPage(order, gfp);
    let progress = tryToFreePages(task, cpu) != 0;
    if (watermarkOk(order, mark)) return 0;
    if (gfp & GFP_NORETRY || (costly && !(gfp & GFP_RETRY_MAYFAIL))) return noPage(order, gfp);
    fruitless = progress && !costly ? 0 : fruitless + 1;
    if (fruitless <= MAX_RECLAIM_RETRIES && couldSucceed(order, mark)) continue;
    if (costly || gfp & GFP_RETRY_MAYFAIL) return noPage(order, gfp);
    if (awaitWriteback(ROOT)) {
      fruitless = 0;
      continue;
    }
    if (!globalOom(task, cpu)) {
      headerSet(L.H_FULL_TABLE, L.CAP_PAGES);
      return outOfRange(L.FIELD_INDEX, 0, ENOSPC);
    }
    if (isDying(task)) return -ENOMEM;
    if (gfp & GFP_NOFAIL && watermarkOk(order, 0)) break;
    fruitless = 0;
  }
  return 0;
}

/** zone_reclaimable_pages(): would it succeed if everything reclaimable were reclaimed? */
function couldSucceed(order: u32, mark: u32): bool {
  let pages = lruPages(ROOT, L.LRU_INACTIVE_FILE) + lruPages(ROOT, L.LRU_ACTIVE_FILE);
  if (swapLeft(ROOT) > 0) pages += lruPages(ROOT, L.LRU_INACTIVE_ANON) + lruPages(ROOT, L.LRU_ACTIVE_ANON);
  // Free pages stand in for none, so that kswapd is not waited for in vain (throttle_direct_reclaim()).
  if (!pages) pages = headerGet(L.H_FREE_PAGES);
  return pages + headerGet(L.H_FREE_PAGES) >= <u64>(1 << order) + mark;
}

/** No page, unless it must not fail: then whatever is left is its. */
function noPage(order: u32, gfp: u32): i32 {
  if (gfp & GFP_NOFAIL && watermarkOk(order, 0)) return 0;
  countVm(L.VM_ALLOC_FAILED, 1);
  return -ENOMEM;
}
