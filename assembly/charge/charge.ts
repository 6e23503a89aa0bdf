// try_charge_memcg(): the stock, then a batch of 64, then the exact size. mm/memcontrol.c. What follows a refusal depends on
// who asks: a recording knows (replay/recorded.ts), a live caller gets the kernel's answer for a task that cannot reclaim.
import * as L from '../layout';
import { ENOMEM, MEMCG_CHARGE_BATCH } from '../constants';
import { GFP_DIRECT_RECLAIM, GFP_HIGH, GFP_KSWAPD_RECLAIM, GFP_NOFAIL } from '../replay/ops';
import { cpuAt, kernel61, memcgOfCounter, ROOT } from '../memory';
import { memcgEvent } from '../memcg/events';
import { consumeStock, drainAllStock, refillStock } from '../counter/stock';
import { memoryCounter, pageCounterCharge, pageCounterTryCharge } from '../counter/page-counter';

/**
 * Charges `pages` to a memcg on a CPU. Answers 0, or the memcg whose limit refused. The CPU's STOCK_HOW then says how it was
 * granted. The root pays nothing.
 */
@inline export function tryCharge(cpu: u32, memcg: u32, pages: u32, gfp: u32): u32 {
  if (memcg == ROOT) return 0;
  if (pages <= MEMCG_CHARGE_BATCH && consumeStock(cpu, memcg, pages)) {
    store<u64>(cpuAt(cpu), <u64>memcg | (<u64>pages << 32), L.STOCK_SERVED_MEMCG);
    return 0;
  }
  return chargeCounters(cpu, memcg, pages, mayBatch(gfp));
}

/** 6.18: a caller that may not even spin (no reclaim bit at all) never takes a batch. */
@inline function mayBatch(gfp: u32): bool {
  return kernel61 || (gfp & (GFP_DIRECT_RECLAIM | GFP_KSWAPD_RECLAIM)) != 0;
}

/** A retry within the same charge: the exact size only. */
export function retryCharge(cpu: u32, memcg: u32, pages: u32): u32 {
  if (memcg == ROOT) return 0;
  if (pages <= MEMCG_CHARGE_BATCH && consumeStock(cpu, memcg, pages)) return 0;
  return chargeCounters(cpu, memcg, pages, false);
}

function chargeCounters(cpu: u32, memcg: u32, pages: u32, batched: bool): u32 {
  let at = cpuAt(cpu);
  store<u64>(at, 0, L.STOCK_SERVED_MEMCG);
  let counter = memoryCounter(memcg);
  if (batched && pages < MEMCG_CHARGE_BATCH && !pageCounterTryCharge(counter, MEMCG_CHARGE_BATCH)) {
    store<u32>(at, L.HOW_BATCH, L.STOCK_HOW);
    refillStock(cpu, memcg, MEMCG_CHARGE_BATCH - pages);
    return 0;
  }
  // A charge of a batch's size or more is granted "as a batch": what reclaims after it is memory.high.
  store<u32>(at, batched && pages >= MEMCG_CHARGE_BATCH ? L.HOW_BATCH : L.HOW_SINGLE, L.STOCK_HOW);
  let refused = pageCounterTryCharge(counter, pages);
  return refused ? memcgOfCounter(refused) : 0;
}

/** Charges whatever the limits say: the `force` label of try_charge_memcg(). */
export function forceCharge(memcg: u32, pages: u32): void {
  if (memcg != ROOT) pageCounterCharge(memoryCounter(memcg), pages);
}

/**
 * A charge for a live caller: after a refusal, a task that may block drains the stocks under the limit once and tries again;
 * high-priority and no-fail charges pass the limit. 0 or -ENOMEM.
 */
export function chargeMemcg(cpu: u32, memcg: u32, pages: u32, gfp: u32): i32 {
  let over = tryCharge(cpu, memcg, pages, gfp);
  if (!over) return 0;
  let raisedMax = false;
  if (gfp & GFP_DIRECT_RECLAIM) {
    memcgEvent(over, L.EVENT_MAX);
    raisedMax = true;
    drainAllStock(over, cpu);
    over = retryCharge(cpu, memcg, pages);
    if (!over) return 0;
  }
  if (!(gfp & (GFP_HIGH | GFP_NOFAIL))) return -ENOMEM;
  if (!raisedMax) memcgEvent(over, L.EVENT_MAX);
  forceCharge(memcg, pages);
  return 0;
}
