// try_charge_memcg(): the stock, then a batch of 64, then the exact size. mm/memcontrol.c. What follows a refusal depends on
// who asks: a recording shows it (replay/waiting.ts); in modelled residency the charge reclaims, and in the end kills.

import { ENOMEM, MAX_RECLAIM_RETRIES, MEMCG_CHARGE_BATCH, PAGE_ALLOC_COSTLY } from '../constants';
import { memoryCounter, pageCounterCharge, pageCounterMargin, pageCounterTryCharge } from '../counter/page-counter';
import { consumeStock, drainAllStock, refillStock } from '../counter/stock';
import * as L from '../layout';
import { stockFromBefore } from '../memcg/before';
import { memcgEvent } from '../memcg/events';
import { cpuAt, headerGet, kernel61, memcgOfCounter, nodesEnd, policyOn, ROOT } from '../memory';
import { backcharge, backcharging } from '../policy/backcharge';
import { crossStalled } from '../policy/cross';
import { AS_LINUX, forcePast, insists, killsInPlace, noteRefused, onRefused, stillRefused } from '../policy/refused';
import { wakeReclaim } from '../policy/wake';
import { memstallReclaim } from '../psi';
import { tryToFree } from '../reclaim/scan';
import {
  GFP_DIRECT_RECLAIM, GFP_HIGH, GFP_KSWAPD_RECLAIM, GFP_NOFAIL, GFP_NORETRY, GFP_RETRY_MAYFAIL,
} from '../replay/ops';
import { checkHigh } from './high';
import { isDying, memcgOom, victimsDie } from './oom';

/** What tryCharge() answers beside the memcg that refused: granted by the stock, with a batch, or singly. */
export const BY_STOCK: u32 = 0;
export const BY_BATCH: u32 = 0x80000001;
export const SINGLY: u32 = 0x80000002;
/** True for a memcg id, whose limit refused. */
@inline export function isRefusal(answer: u32): bool {
  return <i32>answer > 0;
}

/** Charges `pages` to a memcg on a CPU. Answers how it was granted, or the memcg whose limit refused. The root pays nothing. */
@inline export function tryCharge(cpu: u32, memcg: u32, pages: u32, gfp: u32): u32 {
  if (memcg == ROOT) return BY_STOCK;
  if (pages <= MEMCG_CHARGE_BATCH && consumeStock(cpu, memcg, pages)) {
    noteServed(cpuAt(cpu), memcg, pages);
    return BY_STOCK;
  }
  return chargeCounters(cpu, memcg, pages, mayBatch(gfp));
}

/** Remembers the charge that this CPU's stock served last, for a recording's interrupt in between (recorded.ts, rule B4). */
@inline export function noteServed(cpu: usize, memcg: u32, pages: u32): void {
  store<u64>(cpu, <u64>memcg | (<u64>pages << 32), L.STOCK_SERVED_MEMCG);
}

/** 6.18: a caller that may not even spin (no reclaim bit at all) never takes a batch. */
@inline function mayBatch(gfp: u32): bool {
  return kernel61 || (gfp & (GFP_DIRECT_RECLAIM | GFP_KSWAPD_RECLAIM)) != 0;
}

/** A retry within the same charge: the exact size only. */
export function retryCharge(cpu: u32, memcg: u32, pages: u32): u32 {
  if (memcg == ROOT) return BY_STOCK;
  if (pages <= MEMCG_CHARGE_BATCH && consumeStock(cpu, memcg, pages)) return BY_STOCK;
  return chargeCounters(cpu, memcg, pages, false);
}

function chargeCounters(cpu: u32, memcg: u32, pages: u32, batched: bool): u32 {
  store<u64>(cpuAt(cpu), 0, L.STOCK_SERVED_MEMCG);
  if (stockFromBefore(cpu, memcg) && pages <= MEMCG_CHARGE_BATCH && consumeStock(cpu, memcg, pages)) return BY_STOCK;
  let counter = memoryCounter(memcg);
  if (batched && pages < MEMCG_CHARGE_BATCH && !pageCounterTryCharge(counter, MEMCG_CHARGE_BATCH)) {
    refillStock(cpu, memcg, MEMCG_CHARGE_BATCH - pages);
    return BY_BATCH;
  }
  let refused = pageCounterTryCharge(counter, pages);
  if (refused) return memcgOfCounter(refused);
  // A charge of a batch's size or more counts as a batch: what reclaims after it is memory.high.
  return batched && pages >= MEMCG_CHARGE_BATCH ? BY_BATCH : SINGLY;
}

/** Charges whatever the limits say: the `force` label of try_charge_memcg(). */
export function forceCharge(memcg: u32, pages: u32): void {
  if (memcg != ROOT) pageCounterCharge(memoryCounter(memcg), pages);
}

/**
 * try_charge_memcg(), entire: after a refusal a task that may block reclaims, drains the stocks once, and goes on while there is
 * progress or room, at most MAX_RECLAIM_RETRIES fruitless times before the OOM killer is asked; high-priority and no-fail charges pass
 * the limit in the end. 0 or -ENOMEM. Without modelled residency there is nothing that reclaim could take: one drain, one more try.
 */
export function chargeMemcg(task: u32, cpu: u32, memcg: u32, pages: u32, gfp: u32): i32 {
  let answer = tryCharge(cpu, memcg, pages, gfp);
  if (!isRefusal(answer)) {
    let batch = answer == BY_BATCH ? max<u32>(MEMCG_CHARGE_BATCH, pages) : pages;
    if (answer != BY_STOCK && nodesEnd > 1) checkHigh(task, cpu, memcg, batch, gfp);
    return 0;
  }
  if (policyOn) {
    let answered = backcharging() ? backcharge(memcg, answer, pages) : onRefused(task, cpu, memcg, answer, pages, gfp);
    if (answered != AS_LINUX) return answered;
  }
  if (policyOn && (gfp & (GFP_DIRECT_RECLAIM | GFP_KSWAPD_RECLAIM)) == GFP_KSWAPD_RECLAIM) wakeReclaim(answer);
  let raisedMax = false;
  if (gfp & GFP_DIRECT_RECLAIM) {
    let drained = false;
    let passedOom = false;
    let retries = MAX_RECLAIM_RETRIES;
    while (isRefusal(answer)) {
      let over = answer;
      // Without modelled residency a second refusal is the answer: Linux would count its fruitless reclaims too.
      if (drained && nodesEnd == 1) break;
      memcgEvent(over, L.EVENT_MAX);
      raisedMax = true;
      let reclaimed = nodesEnd > 1 ? tryToFree(task, cpu, over, pages, L.SCAN_MAY_SWAP, headerGet(L.H_SWAPPINESS)) : 0;
      if (nodesEnd > 1) memstallReclaim(task, reclaimed);
      if (policyOn) crossStalled(task, over, reclaimed);
      if (pageCounterMargin(memoryCounter(over)) < <i64>pages) {
        if (!drained) {
          drainAllStock(over, cpu);
          drained = true;
        } else if (gfp & GFP_NORETRY) break;
        else if (!reclaimed || pages > PAGE_ALLOC_COSTLY) {
          if (retries-- == 0) {
            if (gfp & GFP_RETRY_MAYFAIL) break;
            if (passedOom && isDying(task) && !(policyOn && insists(task, memcg, gfp))) break;
            if (policyOn && !killsInPlace(task, memcg, gfp)) break;
            // Whom the last round's kill hit is dead by now.
            let room = victimsDie(cpu) && pageCounterMargin(memoryCounter(over)) >= <i64>pages;
            if (!room && !memcgOom(task, over, pages, 0, policyOn && insists(task, memcg, gfp))) break;
            passedOom = true;
            retries = MAX_RECLAIM_RETRIES;
          }
        }
      }
      answer = retryCharge(cpu, memcg, pages);
    }
    if (!isRefusal(answer)) {
      if (answer != BY_STOCK && nodesEnd > 1) checkHigh(task, cpu, memcg, pages, gfp);
      return 0;
    }
  }
  if (policyOn) {
    let answered = stillRefused(task, cpu, memcg, answer, pages, gfp, raisedMax);
    if (answered != AS_LINUX) return answered;
  }
  if (!(gfp & (GFP_HIGH | GFP_NOFAIL))) {
    noteRefused(task, memcg, pages, gfp);
    return -ENOMEM;
  }
  forcePast(memcg, answer, pages, gfp & GFP_NOFAIL ? L.FORCED_NOFAIL : L.FORCED_HIGH, raisedMax);
  return 0;
}
