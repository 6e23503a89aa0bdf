// The per-CPU stock: pages that are already charged to a memcg and all its ancestors, but that nobody uses yet. One trip to
// the counters in 64 charges. mm/memcontrol.c: consume_stock(), refill_stock(), drain_stock(), drain_all_stock().
//
//   6.18: seven slots a CPU, a random one is evicted         6.1: one slot, shared with the byte stock's lock and drain

import { MEMCG_CHARGE_BATCH, NEVER, REMOTE_DRAIN_NS } from '../constants';
import { drainObjStock, objStockUnder, releaseObjcg } from '../folio/objcg';
import * as L from '../layout';
import { drainFromBefore } from '../memcg/before';
import { putMemcg } from '../memcg/css';
import { isDescendant } from '../memcg/memcg';
import { periodicFlush } from '../memcg/rstat';
import { cpuAt, headerGet, headerGet64, headerSet, headerSet64, kernel61, nrCpus, nrStockSlots, policyOn, rstatBase } from '../memory';
import { runWork } from '../policy/refused';
import { freeIdleWorkers, idleTimer } from '../policy/worker';
import { randomBelow } from '../random';
import { memoryCounter, pageCounterUncharge } from './page-counter';

@inline function slotMemcg(cpu: usize, slot: u32): u32 {
  return load<u32>(cpu + (slot << 2), L.STOCK_MEMCG);
}
@inline function slotPages(cpu: usize, slot: u32): u32 {
  return load<u32>(cpu + (slot << 2), L.STOCK_PAGES);
}

/** Takes `pages` from the slot that caches exactly this memcg. Checks no limit. False: nothing was taken. */
@inline export function consumeStock(cpu: u32, memcg: u32, pages: u32): bool {
  let at = cpuAt(cpu);
  let hint = load<u32>(at, L.STOCK_HINT);
  if (load<u32>(at + hint, L.STOCK_MEMCG) == memcg) {
    let left = load<u32>(at + hint, L.STOCK_PAGES);
    if (left < pages) return false;
    store<u32>(at + hint, left - pages, L.STOCK_PAGES);
    return true;
  }
  return consumeOtherSlot(at, memcg, pages);
}

function consumeOtherSlot(at: usize, memcg: u32, pages: u32): bool {
  for (let slot: u32 = 0; slot < nrStockSlots; slot++) {
    if (slotMemcg(at, slot) != memcg) continue;
    let left = slotPages(at, slot);
    if (left < pages) return false;
    store<u32>(at + (slot << 2), left - pages, L.STOCK_PAGES);
    store<u32>(at, slot << 2, L.STOCK_HINT);
    return true;
  }
  return false;
}

/** drain_stock(): gives a slot's pages back to the counters and frees the slot. */
function drainSlot(at: usize, slot: u32): void {
  let memcg = slotMemcg(at, slot);
  if (!memcg) return;
  let pages = slotPages(at, slot);
  store<u32>(at + (slot << 2), 0, L.STOCK_MEMCG);
  store<u32>(at + (slot << 2), 0, L.STOCK_PAGES);
  if (pages) pageCounterUncharge(memoryCounter(memcg), pages);
  putMemcg(memcg);
}

/** refill_stock(): puts charged pages into this CPU's stock, at the price of another memcg's slot if need be. */
@inline export function refillStock(cpu: u32, memcg: u32, pages: u32): void {
  let at = cpuAt(cpu);
  let hint = load<u32>(at, L.STOCK_HINT);
  let left = load<u32>(at + hint, L.STOCK_PAGES) + pages;
  if (load<u32>(at + hint, L.STOCK_MEMCG) == memcg && left <= MEMCG_CHARGE_BATCH) store<u32>(at + hint, left, L.STOCK_PAGES);
  else refillSlot(cpu, memcg, pages);
}

function refillSlot(cpu: u32, memcg: u32, pages: u32): void {
  let at = cpuAt(cpu);
  if (!kernel61 && pages > MEMCG_CHARGE_BATCH) {
    pageCounterUncharge(memoryCounter(memcg), pages);
    return;
  }
  let slot: u32 = 0;
  let empty: u32 = nrStockSlots;
  for (; slot < nrStockSlots; slot++) {
    let cached = slotMemcg(at, slot);
    if (cached == memcg) break;
    if (!cached && empty == nrStockSlots) empty = slot;
  }
  if (slot == nrStockSlots) {
    slot = empty;
    if (slot == nrStockSlots) {
      slot = nrStockSlots == 1 ? 0 : randomBelow(cpu, nrStockSlots);
      drainSlot(at, slot);
    }
    store<u32>(at + (slot << 2), memcg, L.STOCK_MEMCG);
  }
  let left = slotPages(at, slot) + pages;
  store<u32>(at + (slot << 2), left, L.STOCK_PAGES);
  store<u32>(at, slot << 2, L.STOCK_HINT);
  if (left > MEMCG_CHARGE_BATCH) drainSlot(at, slot);
}

/** Puts back what consumeStock() took, if the slot still caches the memcg. */
export function unconsumeStock(cpu: u32, memcg: u32, pages: u32): bool {
  let at = cpuAt(cpu);
  for (let slot: u32 = 0; slot < nrStockSlots; slot++) {
    if (slotMemcg(at, slot) != memcg) continue;
    store<u32>(at + (slot << 2), slotPages(at, slot) + pages, L.STOCK_PAGES);
    return true;
  }
  return false;
}

/** drain_stock_fully() */
function drainPageStock(cpu: u32): void {
  let at = cpuAt(cpu);
  for (let slot: u32 = 0; slot < nrStockSlots; slot++) drainSlot(at, slot);
}

/** drain_local_obj_stock() of 6.18. */
function drainByteStock(cpu: u32): void {
  releaseObjcg(cpu, drainObjStock(cpu));
}

/**
 * drain_local_stock() of 6.1: bytes first, because their whole pages go through the page stock; then the slot; and last the
 * reference to the objcg, whose pages, if that was the last one, enter the stock anew.
 */
function drainLocalStock(cpu: u32): void {
  let objcg = drainObjStock(cpu);
  drainPageStock(cpu);
  releaseObjcg(cpu, objcg);
}

function stockUnder(cpu: u32, root: u32): bool {
  let at = cpuAt(cpu);
  for (let slot: u32 = 0; slot < nrStockSlots; slot++) {
    if (slotPages(at, slot) && isDescendant(slotMemcg(at, slot), root)) return true;
  }
  return false;
}

/** Queues a kworker's drain of a CPU. */
function queue(cpu: u32, timer: u32): void {
  let due = headerGet64(L.H_NOW) + REMOTE_DRAIN_NS;
  store<u64>(cpuAt(cpu) + timer, due);
  if (due < headerGet64(L.H_NEXT_TIMER)) headerSet64(L.H_NEXT_TIMER, due);
}

/** True while a kworker is queued for the stock (FLUSHING_CACHED_CHARGE): nobody else drains it until then, its own CPU included. */
@inline function queued(cpu: u32, timer: u32): bool {
  return load<u64>(cpuAt(cpu) + timer) != NEVER;
}

/**
 * drain_all_stock(): every CPU that holds something of the subtree gives back all that it holds, unrelated memcgs included.
 * This CPU at once; the others when their kworker runs. In 6.18 page stock and byte stock are looked at and drained each for
 * itself; in 6.1 they are one structure, drained together.
 */
export function drainAllStock(root: u32, thisCpu: u32): void {
  drainFromBefore(root);
  for (let cpu: u32 = 0; cpu < nrCpus; cpu++) {
    let bytes = objStockUnder(cpu, root);
    if (!queued(cpu, L.CPU_FLUSH_AT) && (stockUnder(cpu, root) || (kernel61 && bytes))) {
      if (cpu != thisCpu) queue(cpu, L.CPU_FLUSH_AT);
      else if (kernel61) drainLocalStock(cpu);
      else drainPageStock(cpu);
    }
    if (!kernel61 && bytes && !queued(cpu, L.CPU_OBJ_FLUSH_AT)) {
      if (cpu != thisCpu) queue(cpu, L.CPU_OBJ_FLUSH_AT);
      else drainByteStock(cpu);
    }
  }
}

/**
 * Runs the kworkers that are due at or before `now`, in the order of their times; the clock follows them. `asker` is in a charge
 * meanwhile.
 */
export function runTimers(now: u64, asker: u32 = 0): void {
  let task = headerGet(L.H_CURRENT_TASK);
  let current = headerGet(L.H_CURRENT_CPU);
  headerSet(L.H_CURRENT_TASK, 0);
  for (;;) {
    let first = NEVER;
    let cpu: u32 = 0;
    let timer = L.CPU_FLUSH_AT;
    for (let c: u32 = 0; c < nrCpus; c++) {
      let due = load<u64>(cpuAt(c), L.CPU_FLUSH_AT);
      if (due < first) {
        first = due;
        cpu = c;
        timer = L.CPU_FLUSH_AT;
      }
      due = load<u64>(cpuAt(c), L.CPU_OBJ_FLUSH_AT);
      if (due < first) {
        first = due;
        cpu = c;
        timer = L.CPU_OBJ_FLUSH_AT;
      }
    }
    let work = policyOn && headerGet64(L.H_WORK_AT) ? headerGet64(L.H_WORK_AT) : NEVER;
    let idle = idleTimer(NEVER);
    if (work <= min<u64>(first, now) && work <= idle) {
      headerSet64(L.H_NOW, work);
      runWork(current, asker);
      continue;
    }
    if (idle <= min<u64>(first, now)) {
      freeIdleWorkers(idle);
      continue;
    }
    if (rstatBase && headerGet64(L.H_STATS_FLUSH_AT) <= min<u64>(first, now)) {
      periodicFlush(min<u64>(first, now));
      continue;
    }
    let next = min<u64>(min<u64>(first, idle), work);
    headerSet64(L.H_NEXT_TIMER, rstatBase ? min<u64>(next, headerGet64(L.H_STATS_FLUSH_AT)) : next);
    if (first == NEVER || first > now) break;
    store<u64>(cpuAt(cpu) + timer, NEVER);
    headerSet64(L.H_NOW, first);
    headerSet(L.H_CURRENT_CPU, cpu);
    if (timer == L.CPU_OBJ_FLUSH_AT) drainByteStock(cpu);
    else if (kernel61) drainLocalStock(cpu);
    else drainPageStock(cpu);
  }
  headerSet(L.H_CURRENT_TASK, task);
  headerSet(L.H_CURRENT_CPU, current);
}
