// What a recording leaves open. It shows a charge when it *begins*, never its answer, so the answer is worked out from what the
// task does next:
//
//   granted from stock or batch ──────────────────────────────────► committed
//   granted singly ─ next line is reclaim begin: had failed ─ undone ─┐
//   refused, may reclaim ───────────────────────────────── parked ◄───┘
//     parked ─ reclaim end: tried again, once after a drain ──────► committed, or still parked
//     parked ─ the task goes on ──────────────────────────────────► had succeeded: committed, limit or not
//     parked ─ the frame is freed, or an OOM victim goes on ──────► had failed: forgotten
//   refused, may not reclaim ─ high priority, no-fail: forced ────► else forgotten
//
// docs/recorded-replay.md has these rules (A1–C5) with what each was worth on the captures.
import { forceCharge, isRefusal, retryCharge } from '../charge/charge';
import { MAX_RECLAIM_RETRIES, PAGE_ALLOC_COSTLY } from '../constants';
import {
  memoryCounter, pageCounterCharge, pageCounterRead, pageCounterTryCharge, pageCounterUncharge,
} from '../counter/page-counter';
import { drainAllStock } from '../counter/stock';
import { chargeWord, clearFolio, commitFolio, commitKmem, largeFolioOf, memcgOf, pagesOf } from '../folio/folio';
import { grantBytes, objcgMemcg } from '../folio/objcg';
import { parentOf } from '../memcg/memcg';
import { modStat } from '../memcg/stat';
import { folioAt, headerGet64, ROOT, taskAt } from '../memory';
import * as L from '../layout';
import * as O from './ops';

/** An undone charge as it is parked: its reclaim has just begun. */
const UNDONE: u32 = L.WAITED_UNDONE | L.WAITED_RECLAIMED | L.WAITED_IN_RECLAIM;

export function counted(what: u32): void {
  let at = L.HEADER + L.H_RECORDED + (what << 2);
  store<u32>(at, load<u32>(at) + 1);
}

@inline export function pending(task: u32): u32 {
  return load<u32>(taskAt(task), L.TASK_PENDING);
}
@inline export function setPending(task: u32, bits: u32): void {
  store<u32>(taskAt(task), bits, L.TASK_PENDING);
}

/** What remains to be done once the pages are charged: the folio's owner is written, or the object's bytes (`bytes`) are accounted. */
export function grant(cpu: u32, memcg: u32, pages: u32, frame: u32, objcg: u32, bytes: u32, kind: u32, order: u32): void {
  if (!objcg) {
    if (frame) commitFolio(frame, memcg, order, kind);
    return;
  }
  let payer = objcgMemcg(objcg);
  // A dead cgroup's objcg that ended in the root: tryCharge() has charged nothing, but the root's counter takes it back later.
  if (payer == ROOT) pageCounterCharge(memoryCounter(ROOT), pages);
  if (frame) {
    modStat(payer, L.STAT_KMEM, pages);
    commitKmem(frame, objcg, order, kind);
  } else {
    grantBytes(cpu, objcg, bytes, pages, kind);
  }
}

/** Parks a refused charge until the task shows its answer. A charge that the task still had waiting had succeeded. */
export function park(
  task: u32, cpu: u32, memcg: u32, pages: u32, frame: u32, objcg: u32, bytes: u32, kind: u32, order: u32, flags: u32, over: u32,
): void {
  if (pending(task) & L.TASK_HAS_WAIT) succeedAnyway(task, cpu);
  let at = taskAt(task);
  store<u32>(at, memcg, L.WAIT_MEMCG);
  store<u32>(at, pages, L.WAIT_PAGES);
  store<u32>(at, frame, L.WAIT_FRAME);
  store<u32>(at, objcg, L.WAIT_OBJCG);
  store<u32>(at, bytes, L.WAIT_BYTES);
  store<u32>(at, kind | (order << 8), L.WAIT_STATE);
  store<u32>(at, flags, L.WAIT_FLAGS);
  store<u32>(at, over, L.WAIT_OVER);
  store<u32>(at, MAX_RECLAIM_RETRIES, L.WAIT_RETRIES);
  setPending(task, pending(task) | L.TASK_HAS_WAIT);
  if (frame) store<u32>(folioAt(frame), task, L.FOLIO_WAITER);
}

@inline export function waitFlags(task: u32): u32 {
  return load<u32>(taskAt(task), L.WAIT_FLAGS);
}
@inline export function setWaitFlags(task: u32, flags: u32): void {
  store<u32>(taskAt(task), flags, L.WAIT_FLAGS);
}

/** The charge no longer waits. */
function unpark(task: u32): void {
  let at = taskAt(task);
  setPending(task, pending(task) & ~L.TASK_HAS_WAIT);
  let frame = load<u32>(at, L.WAIT_FRAME);
  if (frame) store<u32>(folioAt(frame), 0, L.FOLIO_WAITER);
}

/** The pages of the waiting charge are charged: it ends. An undone charge had kept all but its pages. */
function grantWaiting(task: u32, cpu: u32): void {
  let at = taskAt(task);
  unpark(task);
  if (waitFlags(task) & L.WAITED_UNDONE) return;
  let state = load<u32>(at, L.WAIT_STATE);
  let frame = load<u32>(at, L.WAIT_FRAME);
  // While it waited the frame may have been charged anew: then the trace lost a free in between.
  if (frame) makeWay(frame, state >> 8);
  grant(
    cpu, load<u32>(at, L.WAIT_MEMCG), load<u32>(at, L.WAIT_PAGES), frame, load<u32>(at, L.WAIT_OBJCG),
    load<u32>(at, L.WAIT_BYTES), state & 0xff, state >> 8,
  );
}

/**
 * The task went on although the model refuses: it had been granted in a moment that the trace does not show. An OOM victim
 * instead had given up: only a dying task leaves the loop without its pages (try_charge_memcg, passed_oom).
 */
function succeedAnyway(task: u32, cpu: u32): void {
  if (waitFlags(task) & L.WAITED_VICTIM) {
    counted(L.RECORDED_VICTIM);
    forget(task);
    return;
  }
  counted(waitFlags(task) & L.WAITED_RECLAIMED ? L.RECORDED_FORCED : L.RECORDED_RACED);
  forceCharge(load<u32>(taskAt(task), L.WAIT_MEMCG), load<u32>(taskAt(task), L.WAIT_PAGES));
  grantWaiting(task, cpu);
}

/** The attempt failed in reality: nothing was charged. What an undone charge had committed is taken back. */
function forget(task: u32): void {
  let at = taskAt(task);
  let frame = load<u32>(at, L.WAIT_FRAME);
  let undone = (waitFlags(task) & L.WAITED_UNDONE) != 0;
  unpark(task);
  if (!undone) return;
  let word = frame ? chargeWord(frame) : 0;
  if (word) {
    // Its pages are off the counters already: only the folio forgets.
    if (word & L.CHARGE_KMEM) modStat(memcgOf(word), L.STAT_KMEM, -(<i64>pagesOf(word)));
    clearFolio(frame, word);
  } else {
    // Bytes are in the byte stock, perhaps handed out again: the pages behind them must stay.
    forceCharge(load<u32>(at, L.WAIT_MEMCG), load<u32>(at, L.WAIT_PAGES));
  }
}

/** The level that would refuse so many pages now; the memcg itself if none would. */
function refusing(memcg: u32, pages: u32): u32 {
  for (let m = memcg; m != ROOT; m = parentOf(m)) if (marginOf(m) < <i64>pages) return m;
  return memcg;
}

/** mem_cgroup_margin(): pages below the limit; less than none where the usage is above it. */
function marginOf(memcg: u32): i64 {
  let counter = memoryCounter(memcg);
  return load<i64>(counter, L.PC_MAX) - pageCounterRead(counter);
}

/** Tries the waiting charge at its exact size. True: it no longer waits. */
function tryWaiting(task: u32, cpu: u32): bool {
  let at = taskAt(task);
  let answer = retryCharge(cpu, load<u32>(at, L.WAIT_MEMCG), load<u32>(at, L.WAIT_PAGES));
  if (isRefusal(answer)) {
    store<u32>(at, answer, L.WAIT_OVER);
    return false;
  }
  grantWaiting(task, cpu);
  return true;
}

/** drain_all_stock() under the limit that refused: once for each charge. False: it has been done. */
function drainOnce(task: u32, cpu: u32): bool {
  if (waitFlags(task) & L.WAITED_DRAINED) return false;
  setWaitFlags(task, waitFlags(task) | L.WAITED_DRAINED);
  drainAllStock(load<u32>(taskAt(task), L.WAIT_OVER), cpu);
  return true;
}

/**
 * What try_charge_memcg() does after a reclaim: it tries again if there is room now, or after the one drain, or if there was progress,
 * or if one of the 16 retries is left. Else the OOM killer comes first, and the charge is tried when that has returned.
 */
function reclaimEnded(task: u32, cpu: u32, reclaimed: u32): void {
  let at = taskAt(task);
  setWaitFlags(task, waitFlags(task) & ~L.WAITED_IN_RECLAIM);
  let pages = load<u32>(at, L.WAIT_PAGES);
  if (marginOf(load<u32>(at, L.WAIT_OVER)) < <i64>pages && !drainOnce(task, cpu) && !(reclaimed && pages <= PAGE_ALLOC_COSTLY)) {
    let retries = load<u32>(at, L.WAIT_RETRIES);
    if (!retries) {
      setWaitFlags(task, waitFlags(task) | L.WAITED_OOM);
      store<u32>(at, MAX_RECLAIM_RETRIES, L.WAIT_RETRIES);
      return;
    }
    store<u32>(at, retries - 1, L.WAIT_RETRIES);
  }
  tryWaiting(task, cpu);
}

/** The next reclaim of a waiting charge begins. After the OOM killer it was tried in between, and refused: else it would not reclaim. */
function reclaimBegan(task: u32): void {
  if (waitFlags(task) & L.WAITED_OOM) {
    setWaitFlags(task, waitFlags(task) & ~L.WAITED_OOM);
    let memcg = load<u32>(taskAt(task), L.WAIT_MEMCG);
    let pages = load<u32>(taskAt(task), L.WAIT_PAGES);
    if (marginOf(refusing(memcg, pages)) < <i64>pages) pageCounterTryCharge(memoryCounter(memcg), pages);
  }
  setWaitFlags(task, waitFlags(task) | L.WAITED_RECLAIMED | L.WAITED_IN_RECLAIM);
}

/** The last try, because the task goes on: as it is, then after the drain if there was none. True: it no longer waits. */
function retryWaiting(task: u32, cpu: u32): bool {
  return tryWaiting(task, cpu) || (drainOnce(task, cpu) && tryWaiting(task, cpu));
}

/** Takes a folio's pages straight off the counters. */
export function unchargeNow(frame: u32): void {
  let word = chargeWord(frame);
  let memcg = memcgOf(word);
  if (word & L.CHARGE_KMEM) modStat(memcg, L.STAT_KMEM, -(<i64>pagesOf(word)));
  if (memcg != ROOT || word & L.CHARGE_KMEM) pageCounterUncharge(memoryCounter(memcg), pagesOf(word));
  clearFolio(frame, word);
}

// ------------------------------------------------------------------------------------------------ what a task's next line tells

/** Ops that say nothing about a charge that waits: they free, or they happen inside the charge. */
@inline function tellsNothing(op: u32, flags: u32): bool {
  const silent: u32 =
    (1 << O.OP_PAGE_ALLOC) | (1 << O.OP_PAGE_FREE) | (1 << O.OP_UNCHARGE) | (1 << O.OP_UNCHARGE_FLUSH) | (1 << O.OP_SPLIT) |
    (1 << O.OP_MIGRATE) | (1 << O.OP_SWAP_OUT) | (1 << O.OP_SWAP_FREE) | (1 << O.OP_MARK_VICTIM);
  return ((silent >> op) & 1) != 0 || (op == O.OP_PROGRESS && (flags & O.FLAG_RECLAIM) != 0);
}

/** A singly granted charge can be undone as long as its frame (if it had one) has not changed hands. */
function stillCharged(task: usize): bool {
  let frame = load<u32>(task, L.SINGLE_FRAME);
  if (!frame) return true;
  let word = chargeWord(frame);
  return word != 0 && memcgOf(word) == load<u32>(task, L.SINGLE_MEMCG) && pagesOf(word) == load<u32>(task, L.SINGLE_PAGES);
}

/** Settles what the task's earlier lines left open, before its next line is processed. */
export function settle(task: u32, cpu: u32, op: u32, flags: u32, frame: u32, reclaimed: u32): void {
  let at = taskAt(task);
  let bits = load<u32>(at, L.TASK_PENDING);
  if (bits & L.TASK_HAS_FREED) settleFreed(task, op, frame);
  if (op == O.OP_UNCHARGE_FLUSH) return;
  if (bits & L.TASK_HAS_SINGLE) {
    setPending(task, pending(task) & ~L.TASK_HAS_SINGLE);
    if (op == O.OP_RECLAIM && flags & O.FLAG_BEGIN && stillCharged(at)) {
      counted(L.RECORDED_UNDONE);
      let memcg = load<u32>(at, L.SINGLE_MEMCG);
      let pages = load<u32>(at, L.SINGLE_PAGES);
      pageCounterUncharge(memoryCounter(memcg), pages);
      park(task, cpu, memcg, pages, load<u32>(at, L.SINGLE_FRAME), 0, 0, 0, 0, UNDONE, refusing(memcg, pages));
      return;
    }
  }
  if (!(bits & L.TASK_HAS_WAIT)) return;
  if (op == O.OP_RECLAIM) {
    if (flags & O.FLAG_BEGIN) reclaimBegan(task);
    else reclaimEnded(task, cpu, reclaimed);
  } else if (!(waitFlags(task) & L.WAITED_IN_RECLAIM) && !tellsNothing(op, flags)) {
    if (!(waitFlags(task) & L.WAITED_RECLAIMED) || !retryWaiting(task, cpu)) succeedAnyway(task, cpu);
  }
}

/** A charged frame that was freed, and that no uncharge line of the same instant followed: the charge had failed. */
function settleFreed(task: u32, op: u32, frame: u32): void {
  let at = taskAt(task);
  let freed = load<u32>(at, L.FREED_FRAME);
  if (chargeWord(freed) && headerGet64(L.H_NOW) == load<u64>(at, L.FREED_AT)) {
    if (op == O.OP_UNCHARGE || op == O.OP_UNCHARGE_FLUSH) return;
  }
  setPending(task, pending(task) & ~L.TASK_HAS_FREED);
  if (!chargeWord(freed) || headerGet64(L.H_NOW) == load<u64>(at, L.FREED_AT)) return;
  counted(L.RECORDED_ABANDONED);
  unchargeNow(freed);
}

/** A frame that the trace charges or allocates anew although the model holds it charged: its uncharge was lost. */
export function lostFree(frame: u32): void {
  counted(L.RECORDED_LOST_FREE);
  unchargeNow(frame);
}

/** The task whose charge of this frame waits; 0 when none does. */
@inline function waiterOf(frame: u32): u32 {
  return load<u32>(folioAt(frame), L.FOLIO_WAITER);
}

/** A charge that waits for this frame had failed: the frame is in other hands. */
@inline export function waiterFailed(frame: u32): void {
  let waiter = waiterOf(frame);
  if (!waiter) return;
  counted(L.RECORDED_ABANDONED);
  forget(waiter);
}

/** A charge that waits for this frame had succeeded: what happens to the frame now happens to a charged one only. */
@inline export function waiterSucceeded(frame: u32, cpu: u32): void {
  let waiter = waiterOf(frame);
  if (waiter) succeedAnyway(waiter, cpu);
}

/** Makes way for a folio of 2^order pages: no page of it may be charged, alone or as a part of a large folio. */
export function makeWay(frame: u32, order: u32): void {
  for (let f = frame; f < frame + (1 << order); f++) {
    waiterFailed(f);
    if (chargeWord(f)) lostFree(f);
  }
  let large = largeFolioOf(frame);
  if (!large) return;
  waiterFailed(large);
  if (chargeWord(large)) lostFree(large);
}

export function noteSingle(task: u32, memcg: u32, pages: u32, frame: u32): void {
  let at = taskAt(task);
  store<u32>(at, memcg, L.SINGLE_MEMCG);
  store<u32>(at, pages, L.SINGLE_PAGES);
  store<u32>(at, frame, L.SINGLE_FRAME);
  setPending(task, pending(task) | L.TASK_HAS_SINGLE);
}
