// Who was chosen to pay has no room: REFUSED_ERROR. Reclaim in its memory, then the OOM killer among its own; a toucher from elsewhere is
// never a victim. If nobody there can be killed the charge fails: ENOSPC of a system call, SIGBUS of a page fault, which in Linux would
// kill for ever or be retried for ever. Debate 1, rows S2b, S2c, S2g.
import { isRefusal, retryCharge } from '../charge/charge';
import { checkHigh } from '../charge/high';
import { dieOfSignal, isDying, memcgOom, victimsDie } from '../charge/oom';
import { ENOMEM, ENOSPC, MAX_RECLAIM_RETRIES, PAGE_ALLOC_COSTLY } from '../constants';
import { memoryCounter, pageCounterMargin } from '../counter/page-counter';
import { drainAllStock } from '../counter/stock';
import * as L from '../layout';
import { memcgEvent } from '../memcg/events';
import { headerGet, headerSet, nodesEnd } from '../memory';
import { memstallReclaim } from '../psi';
import { tryToFree } from '../reclaim/scan';
import { GFP_DIRECT_RECLAIM, GFP_HIGH, GFP_NOFAIL, GFP_NORETRY, GFP_RETRY_MAYFAIL } from '../replay/ops';
import { ringRefused } from '../ring';
import { AS_LINUX } from './refused';
import { crossStalled } from './cross';
import { contextNow, did, didAt } from './policy';

/**
 * try_charge_memcg() of `pages` to `memcg`, whose own limit or an ancestor's, `over`, has refused: as in Linux, but that the OOM killer
 * looks for its victim in and below `memcg` alone. 0; -ENOMEM: it is refused, and POLICY_ERROR says as what; AS_LINUX: it must be granted.
 */
export function chargeOrError(task: u32, cpu: u32, memcg: u32, over: u32, pages: u32, gfp: u32): i32 {
  if (gfp & (GFP_HIGH | GFP_NOFAIL) || nodesEnd == 1) return AS_LINUX;
  did(L.DID_SLOW_PATH, 1);
  let answer = over;
  if (gfp & GFP_DIRECT_RECLAIM) {
    let drained = false;
    let passedOom = false;
    let retries = MAX_RECLAIM_RETRIES;
    while (isRefusal(answer)) {
      over = answer;
      memcgEvent(over, L.EVENT_MAX);
      let reclaimed = tryToFree(task, cpu, over, pages, L.SCAN_MAY_SWAP, headerGet(L.H_SWAPPINESS));
      memstallReclaim(task, reclaimed);
      crossStalled(task, over, reclaimed);
      if (pageCounterMargin(memoryCounter(over)) < <i64>pages) {
        if (!drained) {
          drainAllStock(over, cpu);
          drained = true;
        } else if (gfp & GFP_NORETRY) return -ENOMEM;
        else if (!reclaimed || pages > PAGE_ALLOC_COSTLY) {
          if (retries-- == 0) {
            if (gfp & GFP_RETRY_MAYFAIL || (passedOom && isDying(task))) break;
            let room = victimsDie(cpu) && pageCounterMargin(memoryCounter(over)) >= <i64>pages;
            if (!room && !memcgOom(task, over, pages, memcg)) break;
            passedOom = true;
            retries = MAX_RECLAIM_RETRIES;
          }
        }
      }
      answer = retryCharge(cpu, memcg, pages);
    }
    if (!isRefusal(answer)) {
      checkHigh(task, cpu, memcg, pages, gfp);
      return 0;
    }
  }
  fail(task, memcg, pages);
  return -ENOMEM;
}

/** What the error is depends on where it can go; it is the toucher's. */
function fail(task: u32, memcg: u32, pages: u32): void {
  let context = contextNow();
  let toucher = headerGet(L.H_POLICY + L.POLICY_TOUCHER);
  if (context == L.CONTEXT_KMEM || context == L.CONTEXT_ATOMIC) {
    didAt(memcg, L.PMC_ENOMEM + context, 1);
    ringRefused(task, memcg, pages, ENOMEM);
    return;
  }
  let fault = context == L.CONTEXT_FAULT;
  headerSet(L.H_POLICY + L.POLICY_ERROR, fault ? L.CALL_SIGBUS : L.CALL_NO_SPACE);
  didAt(toucher, fault ? L.PMC_SIGBUS : L.PMC_ENOSPC, 1);
  // Hardly a program handles SIGBUS: the task of a trace dies of it. Who calls live decides himself.
  if (fault && task && headerGet(L.H_CURRENT_ROW) != L.LIVE_ROW) dieOfSignal(task);
  ringRefused(task, memcg, pages, fault ? ENOMEM : ENOSPC);
}
