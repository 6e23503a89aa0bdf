// try_charge_memcg(): the stock, then a batch of 64, then the exact size. mm/memcontrol.c. What follows a refusal depends on
// who asks: a recording shows it (replay/waiting.ts); a live caller gets an answer without reclaim and without the OOM killer.

import { ENOMEM, MEMCG_CHARGE_BATCH } from '../constants';
import { memoryCounter, pageCounterCharge, pageCounterTryCharge } from '../counter/page-counter';
import { consumeStock, drainAllStock, refillStock } from '../counter/stock';
import * as L from '../layout';
import { stockFromBefore } from '../memcg/before';
import { memcgEvent } from '../memcg/events';
import { cpuAt, kernel61, memcgOfCounter, ROOT } from '../memory';
import { GFP_DIRECT_RECLAIM, GFP_HIGH, GFP_KSWAPD_RECLAIM, GFP_NOFAIL } from '../replay/ops';

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
 * A charge for a live caller: after a refusal, a task that may block drains the stocks under the limit once and tries again;
 * high-priority and no-fail charges pass the limit. 0 or -ENOMEM. One `max` event a refusal: the kernel counts one more for each
 * fruitless reclaim, and there is no reclaim here yet.
 */
export function chargeMemcg(cpu: u32, memcg: u32, pages: u32, gfp: u32): i32 {
  let over = tryCharge(cpu, memcg, pages, gfp);
  if (!isRefusal(over)) return 0;
  let raisedMax = false;
  if (gfp & GFP_DIRECT_RECLAIM) {
    memcgEvent(over, L.EVENT_MAX);
    raisedMax = true;
    drainAllStock(over, cpu);
    over = retryCharge(cpu, memcg, pages);
    if (!isRefusal(over)) return 0;
  }
  if (!(gfp & (GFP_HIGH | GFP_NOFAIL))) return -ENOMEM;
  if (!raisedMax) memcgEvent(over, L.EVENT_MAX);
  forceCharge(memcg, pages);
  return 0;
}
