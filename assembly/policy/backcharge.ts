// I/O goes through as the root at once, and its issuer is charged afterwards (L3): past its limit, as far as needed. What is above the
// limit is a deficit, which the issuer works off: reclaim, whenever a task of the cgroup is back in user mode. What cannot be reclaimed
// (tmpfs without swap) is killed for, or stays (OPTION_BACKCHARGE_KILL). Of metadata alone (L3a) the cgroup's balance is kept: once it has
// been in deficit, as much as a request took is kept free below its limit for the next one, so that only the first ones overdraw.
import { isDying, outOfMemory } from '../charge/oom';
import { MAX_RECLAIM_RETRIES } from '../constants';
import { memoryCounter, pageCounterRead } from '../counter/page-counter';
import { drainAllStock } from '../counter/stock';
import { awaitWriteback } from '../folio/writeback';
import * as L from '../layout';
import { memcgEvent } from '../memcg/events';
import { parentOf } from '../memcg/memcg';
import { headerGet, headerGet64, headerSet, ROOT } from '../memory';
import { tryToFree } from '../reclaim/scan';
import { taskMemcg } from '../task/task';
import { answer, countAt, didAt, hasOption } from './policy';
import { forcePast } from './refused';

/** Pages above memory.max; negative: what may still be charged. */
@inline function past(memcg: u32): i64 {
  let counter = memoryCounter(memcg);
  return pageCounterRead(counter) - load<i64>(counter, L.PC_MAX);
}

/** The charge at hand is one that nobody refuses: its issuer answers for it later. */
@inline export function backcharging(): bool {
  return headerGet(L.H_LOOP_WORK) == L.LOOP_WORK_FORCED;
}

/** The limit of `over` refused a charge of `pages` to `memcg`: it is made all the same, and owed at every level whose limit it passes. */
export function backcharge(memcg: u32, over: u32, pages: u32): i32 {
  forcePast(memcg, over, pages, L.FORCED_BACKCHARGE, false);
  for (let m = memcg; m && m != ROOT; m = parentOf(m)) {
    let above = past(m);
    if (above > 0) owe(m, min<i64>(above, pages));
  }
  return 0;
}

function owe(memcg: u32, pages: i64): void {
  settle(memcg);
  if (!countAt(memcg, L.PMC_DEFICIT)) {
    headerSet(L.H_DEFICITS, headerGet(L.H_DEFICITS) + 1);
    didAt(memcg, L.PMC_DEFICIT_SINCE, headerGet64(L.H_NOW));
  }
  didAt(memcg, L.PMC_DEFICIT, pages);
  let more = countAt(memcg, L.PMC_DEFICIT) - countAt(memcg, L.PMC_DEFICIT_PEAK);
  if (more > 0) didAt(memcg, L.PMC_DEFICIT_PEAK, more);
}

/** Nobody owes more than he is above his limit; the time until now is counted. */
function settle(memcg: u32): void {
  let deficit = countAt(memcg, L.PMC_DEFICIT);
  if (!deficit) return;
  let since = countAt(memcg, L.PMC_DEFICIT_SINCE);
  let spent = <i64>headerGet64(L.H_NOW) - since;
  didAt(memcg, L.PMC_DEFICIT_NS, spent);
  didAt(memcg, L.PMC_DEFICIT_SINCE, spent);
  let left = max<i64>(0, min<i64>(deficit, past(memcg)));
  didAt(memcg, L.PMC_DEFICIT, left - deficit);
  if (left) return;
  didAt(memcg, L.PMC_DEFICIT_SINCE, -countAt(memcg, L.PMC_DEFICIT_SINCE));
  headerSet(L.H_DEFICITS, headerGet(L.H_DEFICITS) - 1);
}

/** A row is over: deficits that somebody's free or uncharge has made smaller are so, and the time in them is known. */
export function settleDeficits(): void {
  for (let memcg: u32 = ROOT + 1; headerGet(L.H_DEFICITS) && memcg < headerGet(L.H_MEMCG_END); memcg++) settle(memcg);
}

/** `pages` were charged to the memcg by a loop worker: what a request takes, for its balance. */
export function noteLoopCharge(memcg: u32, pages: u32): void {
  for (let m = memcg; m && m != ROOT; m = parentOf(m)) didAt(m, L.PMC_LOOP_CHARGED, pages);
}

/** The task is back in user mode: its cgroup works off what it owes, and makes room for what it will owe. */
export function workOff(task: u32, cpu: u32): void {
  if (isDying(task)) return;
  for (let m = taskMemcg(task); m && m != ROOT; m = parentOf(m)) {
    if (countAt(m, L.PMC_DEFICIT) || countAt(m, L.PMC_RESERVE)) pay(task, cpu, m);
    didAt(m, L.PMC_LOOP_CHARGED, -countAt(m, L.PMC_LOOP_CHARGED));
  }
}

function pay(task: u32, cpu: u32, memcg: u32): void {
  if (answer(L.POLICY_WORKER) == L.WORKER_BACKCHARGE_METADATA && countAt(memcg, L.PMC_DEFICIT)) {
    let more = countAt(memcg, L.PMC_LOOP_CHARGED) - countAt(memcg, L.PMC_RESERVE);
    if (more > 0) didAt(memcg, L.PMC_RESERVE, more);
  }
  drainAllStock(memcg, cpu);
  let reserve = countAt(memcg, L.PMC_RESERVE);
  let retries = MAX_RECLAIM_RETRIES;
  for (let wanted = past(memcg) + reserve; wanted > 0; wanted = past(memcg) + reserve) {
    if (tryToFree(task, cpu, memcg, <u32>min<i64>(wanted, i32.MAX_VALUE), L.SCAN_MAY_SWAP, headerGet(L.H_SWAPPINESS))) continue;
    if (!retries-- || !awaitWriteback(memcg)) break;
  }
  settle(memcg);
  if (!countAt(memcg, L.PMC_DEFICIT) || !hasOption(L.OPTION_BACKCHARGE_KILL)) return;
  memcgEvent(memcg, L.EVENT_OOM);
  outOfMemory(task, memcg);
}
