// page_counter: how much a memcg and everything below it owes. mm/page_counter.c, include/linux/page_counter.h.
//
// A charge walks from the memcg to the root, adding first and looking at the limit afterwards, so that several CPUs may
// charge at once without a lock. Two inexactnesses follow, in Linux as here: while a charge is in flight the lower levels
// read too high, so that a smaller charge beside it can be refused (bounded by the larger one's size); and the watermarks
// that a charge raised below the level that refuses it stay raised.

import { PAGE_COUNTER_MAX } from '../constants';
import * as L from '../layout';
import { counterAt, headerGet, memcgOfCounter, nrWorkers, ROOT } from '../memory';
import { watch, watching } from '../observe';
import { overChanged } from '../policy/over';

@inline function parentOf(counter: usize): usize {
  return load<u32>(counter, L.PC_PARENT);
}

/** Adds to a usage and answers the sum. Atomic where several workers may do so at once; alone, a plain addition is as good. */
@inline function addUsage(counter: usize, pages: i64): i64 {
  if (nrWorkers > 1) return atomic.add<i64>(counter, pages, L.PC_USAGE) + pages;
  let usage = load<i64>(counter, L.PC_USAGE) + pages;
  store<i64>(counter, usage, L.PC_USAGE);
  return usage;
}

/** Usage in pages. */
@inline export function pageCounterRead(counter: usize): i64 {
  return atomic.load<i64>(counter, L.PC_USAGE);
}

/** page_counter_init(), with the memcg constructor's high = max. `parent` 0 is the root's. */
export function pageCounterInit(counter: usize, parent: usize, protection: bool): void {
  memory.fill(counter, 0, L.COUNTER_STRIDE);
  store<i64>(counter, PAGE_COUNTER_MAX, L.PC_MAX);
  store<i64>(counter, PAGE_COUNTER_MAX, L.PC_HIGH);
  store<u32>(counter, <u32>parent, L.PC_PARENT);
  store<u32>(counter, protection ? L.CAN_PROTECT : 0, L.PC_PROTECTED);
}

/** One of min or low: keeps the parent's sum of what its children have protected in step with this child's usage. */
@inline function propagateOne(counter: usize, parent: usize, usage: i64, limit: u32, own: u32, children: u32): void {
  let guarded = min<i64>(usage, load<i64>(counter + limit));
  if (guarded == atomic.load<i64>(counter + own)) return;
  let before = atomic.xchg<i64>(counter + own, guarded);
  if (guarded != before) atomic.add<i64>(parent + children, guarded - before);
}

/** propagate_protected_usage() */
export function propagateProtectedUsage(counter: usize, usage: i64): void {
  let parent = parentOf(counter);
  if (!parent) return;
  propagateOne(counter, parent, usage, L.PC_MIN, L.PC_MIN_USAGE, L.PC_CHILDREN_MIN_USAGE);
  propagateOne(counter, parent, usage, L.PC_LOW, L.PC_LOW_USAGE, L.PC_CHILDREN_LOW_USAGE);
}

@inline function raiseWatermarks(counter: usize, usage: i64): void {
  if (usage > load<i64>(counter, L.PC_LOCAL_WATERMARK)) {
    store<i64>(counter, usage, L.PC_LOCAL_WATERMARK);
    if (usage > load<i64>(counter, L.PC_WATERMARK)) store<i64>(counter, usage, L.PC_WATERMARK);
  }
}

/** page_counter_cancel(): takes back on one level. Linux warns once and forces a negative usage to 0; so do we, at the root. */
@inline function cancel(counter: usize, pages: i64, start: usize, kind: u32): void {
  let usage = addUsage(counter, -pages);
  if (usage < 0) {
    // Only the root can get here, when a recording frees what was charged before it began; the audit counts it as drift.
    assert(memcgOfCounter(counter) == ROOT);
    atomic.add<i64>(L.HEADER + L.H_ROOT_DRIFT, -usage);
    usage = 0;
    atomic.store<i64>(counter, 0, L.PC_USAGE);
  }
  if (load<u32>(counter, L.PC_PROTECTED) == L.PROTECTS) propagateProtectedUsage(counter, usage);
  if (watching()) watch(counter, start, usage, -pages, kind);
}

/**
 * page_counter_try_charge(): charges `pages` to the counter and all its ancestors, or to none.
 * Answers 0, or the first counter that refused. Usage may equal max: the comparison is strict.
 */
export function pageCounterTryCharge(counter: usize, pages: i64): usize {
  let c = counter;
  do {
    let usage = addUsage(c, pages);
    if (usage > load<i64>(c, L.PC_MAX)) {
      addUsage(c, -pages);
      if (watching()) watch(c, counter, usage - pages, pages, L.WATCH_REFUSED);
      for (let d = counter; d != c; d = parentOf(d)) cancel(d, pages, counter, L.WATCH_UNDO);
      return c;
    }
    if (load<u32>(c, L.PC_PROTECTED) == L.PROTECTS) propagateProtectedUsage(c, usage);
    raiseWatermarks(c, usage);
    if (watching()) watch(c, counter, usage, pages, L.WATCH_TRY);
    c = parentOf(c);
  } while (c);
  return 0;
}

/** How far the levels above a memory counter are over their limits may have changed. */
function noteOver(counter: usize): void {
  let memcg = memcgOfCounter(counter);
  if (counter == memoryCounter(memcg)) overChanged(memcg);
}

/** page_counter_charge(): charges every level, whatever the limits. */
export function pageCounterCharge(counter: usize, pages: i64): void {
  for (let c = counter; c; c = parentOf(c)) {
    let usage = addUsage(c, pages);
    if (load<u32>(c, L.PC_PROTECTED) == L.PROTECTS) propagateProtectedUsage(c, usage);
    raiseWatermarks(c, usage);
    if (watching()) watch(c, counter, usage, pages, L.WATCH_CHARGE);
  }
  noteOver(counter);
}

/** page_counter_uncharge(): takes back on every level. */
export function pageCounterUncharge(counter: usize, pages: i64): void {
  for (let c = counter; c; c = parentOf(c)) cancel(c, pages, counter, L.WATCH_UNCHARGE);
  if (headerGet(L.H_OVER)) noteOver(counter);
}

// --- the same of the levels below an ancestor, which keeps its usage, as do those above it (`stop` 0: of all levels)

/** Charges `pages` to the levels from `counter` to below `stop`, or to none. Answers 0, or the counter that refused. */
export function pageCounterTryChargeBelow(counter: usize, stop: usize, pages: i64): usize {
  for (let c = counter; c && c != stop; c = parentOf(c)) {
    let usage = addUsage(c, pages);
    if (usage > load<i64>(c, L.PC_MAX)) {
      addUsage(c, -pages);
      if (watching()) watch(c, counter, usage - pages, pages, L.WATCH_REFUSED);
      for (let d = counter; d != c; d = parentOf(d)) cancel(d, pages, counter, L.WATCH_UNDO);
      return c;
    }
    if (load<u32>(c, L.PC_PROTECTED) == L.PROTECTS) propagateProtectedUsage(c, usage);
    raiseWatermarks(c, usage);
    if (watching()) watch(c, counter, usage, pages, L.WATCH_TRY);
  }
  return 0;
}

/** … whatever the limits. */
export function pageCounterChargeBelow(counter: usize, stop: usize, pages: i64): void {
  for (let c = counter; c && c != stop; c = parentOf(c)) {
    let usage = addUsage(c, pages);
    if (load<u32>(c, L.PC_PROTECTED) == L.PROTECTS) propagateProtectedUsage(c, usage);
    raiseWatermarks(c, usage);
    if (watching()) watch(c, counter, usage, pages, L.WATCH_CHARGE);
  }
  noteOver(counter);
}

/** Takes back from the levels from `counter` to below `stop`. Answers how many they are. */
export function pageCounterUnchargeBelow(counter: usize, stop: usize, pages: i64): u32 {
  let levels: u32 = 0;
  for (let c = counter; c && c != stop; c = parentOf(c)) {
    cancel(c, pages, counter, L.WATCH_UNCHARGE);
    levels++;
  }
  if (headerGet(L.H_OVER)) noteOver(counter);
  return levels;
}

/** page_counter_set_min(), page_counter_set_low(): stores and lets every level up to the root follow. */
export function pageCounterSetProtection(counter: usize, field: u32, pages: i64): void {
  store<i64>(counter + field, pages);
  if (pages && load<u32>(counter, L.PC_PROTECTED)) store<u32>(counter, L.PROTECTS, L.PC_PROTECTED);
  for (let c = counter; c; c = parentOf(c)) propagateProtectedUsage(c, pageCounterRead(c));
}

/** The memory counter of a memcg. */
@inline export function memoryCounter(memcg: u32): usize {
  return counterAt(memcg, L.COUNTER_MEMORY);
}
/** The swap counter of a memcg. */
@inline export function swapCounter(memcg: u32): usize {
  return counterAt(memcg, L.COUNTER_SWAP);
}

/** mem_cgroup_margin(): pages that the counter's own limit still allows; negative where it is over. */
@inline export function pageCounterMargin(counter: usize): i64 {
  return load<i64>(counter, L.PC_MAX) - pageCounterRead(counter);
}
