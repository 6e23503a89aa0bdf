// A charge cannot be paid: onRefused(). Linux: reclaim, then the OOM killer, in place. Debates 1, 3, 4 and 5.
//
// Reclaim is tried under every answer, by the kernel's own loop (charge/charge.ts): what the answers differ in is what happens when that
// does not help, by CONTEXT_* of the charge. Who asked not to be tried for hard (__GFP_NORETRY, __GFP_RETRY_MAYFAIL) is told so under all
// of them, and who may not fail (__GFP_NOFAIL) never does.
import { isRefusal, retryCharge } from '../charge/charge';
import { isDying, outOfMemory, victimsDie } from '../charge/oom';
import { ENOMEM, MAX_RECLAIM_RETRIES } from '../constants';
import { memoryCounter, pageCounterCharge } from '../counter/page-counter';
import { drainAllStock } from '../counter/stock';
import * as L from '../layout';
import { memcgEvent } from '../memcg/events';
import { headerGet, headerGet64, headerSet, headerSet64, mmAt, nodesEnd, policyMemcgAt, ROOT, taskAt } from '../memory';
import { tryToFree } from '../reclaim/scan';
import { GFP_DIRECT_RECLAIM, GFP_HIGH, GFP_NOFAIL, GFP_NORETRY, GFP_RETRY_MAYFAIL } from '../replay/ops';
import { ringRefused } from '../ring';
import { failCall, suspendLock, takeLock, triesOn } from './call';
import { noteForced, pagesOver } from './over';
import { answer, contextNow, didAt, hasOption, isTarget } from './policy';
import { chargeOrError } from './target';

/** The kernel's own way is taken. */
export const AS_LINUX: i32 = 1;

/** Where the charge at hand is made, CONTEXT_*: what may not block is atomic, and what a kernel thread does a worker's, wherever. */
export function contextOf(task: u32, memcg: u32, gfp: u32): u32 {
  if (!(gfp & GFP_DIRECT_RECLAIM)) return L.CONTEXT_ATOMIC;
  if (isTarget(memcg)) return L.CONTEXT_TARGET;
  if (task && !load<u32>(taskAt(task), L.TASK_MM)) return L.CONTEXT_WORKER;
  return contextNow();
}

/** The policy's answer to a charge in this context, REFUSED_*. */
@inline function answerIn(context: u32): u32 {
  return answer(L.POLICY_REFUSED + (context << 2));
}

/** The charge has a channel for an error by its own wish, or may not fail at all. */
@inline function isSettled(gfp: u32): bool {
  return (gfp & (GFP_NORETRY | GFP_RETRY_MAYFAIL | GFP_NOFAIL)) != 0;
}

/** Killed, or on its way out (PF_EXITING). */
function isExiting(task: u32): bool {
  return task != 0 && (isDying(task) || load<u32>(taskAt(task), L.TASK_STATE) == L.TASK_EXITED);
}

/** Counts a charge that failed, at whom it was to be charged to. (Nobody is told where the task is dying, or it is only read ahead.) */
export function noteRefused(task: u32, memcg: u32, pages: u32, gfp: u32): void {
  let told = !(gfp & GFP_NORETRY);
  if (told && (nodesEnd == 1 || !isDying(task))) didAt(memcg, L.PMC_ENOMEM + contextOf(task, memcg, gfp), 1);
  ringRefused(task, memcg, pages, ENOMEM);
  if (told) failCall(task, headerGet(L.H_CURRENT_CPU));
}

/** The charge passes all limits, for a reason FORCED_*. */
export function forcePast(memcg: u32, over: u32, pages: u32, reason: u32, raisedMax: bool): void {
  if (!raisedMax) memcgEvent(over, L.EVENT_MAX);
  if (memcg == ROOT) return;
  pageCounterCharge(memoryCounter(memcg), pages);
  noteForced(memcg, pages, reason);
  didAt(memcg, L.PMC_FORCE_CHARGE, 1);
}

/**
 * The limit of `over` refused a charge of `pages` to `memcg`, before anything was reclaimed. AS_LINUX: the kernel's loop tries to make room
 * first; or 0: it was charged all the same, or a negative errno.
 */
export function onRefused(task: u32, cpu: u32, memcg: u32, over: u32, pages: u32, gfp: u32): i32 {
  // try_charge() of 2017: "Unlike in global OOM situations, memcg is not in a physical memory shortage": who is dying passes.
  if (answerIn(contextOf(task, memcg, gfp)) == L.REFUSED_ENOMEM && isExiting(task)) {
    forcePast(memcg, over, pages, L.FORCED_DYING, false);
    return 0;
  }
  if (isTarget(memcg) && answerIn(L.CONTEXT_TARGET) == L.REFUSED_ERROR) return chargeOrError(task, cpu, memcg, over, pages, gfp);
  return AS_LINUX;
}

/** Reclaim was of no use: whether the OOM killer is asked inside of the charge. */
export function killsInPlace(task: u32, memcg: u32, gfp: u32): bool {
  let how = answerIn(contextOf(task, memcg, gfp));
  return how == L.REFUSED_KERNEL || how == L.REFUSED_OOM_IN_PLACE || isSettled(gfp);
}

/** Nothing that the kernel's loop did made room. AS_LINUX: it fails, or is forced; 0: it was charged; or a negative errno. */
export function stillRefused(task: u32, cpu: u32, memcg: u32, over: u32, pages: u32, gfp: u32, raisedMax: bool): i32 {
  let context = contextOf(task, memcg, gfp);
  let how = answerIn(context);
  if (how == L.REFUSED_KERNEL || how == L.REFUSED_OOM_IN_PLACE || isSettled(gfp)) return AS_LINUX;
  if (how == L.REFUSED_ENOMEM || how == L.REFUSED_ERROR) {
    // It is an OOM that is only not followed by a kill.
    if (context != L.CONTEXT_ATOMIC) memcgEvent(over, L.EVENT_OOM);
    if (how == L.REFUSED_ENOMEM) {
      noteRefused(task, memcg, pages, gfp);
    } else {
      didAt(memcg, L.PMC_ENOSPC, 1);
      ringRefused(task, memcg, pages, ENOMEM);
      headerSet(L.H_POLICY + L.POLICY_ERROR, L.CALL_NO_SPACE);
      failCall(task, cpu);
    }
    return -ENOMEM;
  }
  if (how == L.REFUSED_RESTART_CALL) return restartCall(task, cpu, memcg, over, pages, gfp);
  forcePast(memcg, over, pages, gfp & GFP_HIGH ? L.FORCED_HIGH : L.FORCED_OVERCHARGE, raisedMax);
  if (how == L.REFUSED_OVERCHARGE_RETURN && task) store<u32>(mmAt(task), over, L.TASK_OVERCHARGED);
  if (how == L.REFUSED_OVERCHARGE_WORK) queueWork(over);
  return 0;
}

/**
 * K2r: the call fails and lets go of its locks; the OOM killer runs when it is about to return, and then the call begins again, and
 * comes as far as it was: what it had charged it charges again. Until there is room, or nobody left to kill.
 */
function restartCall(task: u32, cpu: u32, memcg: u32, over: u32, pages: u32, gfp: u32): i32 {
  while (task && !isDying(task)) {
    memcgEvent(over, L.EVENT_OOM);
    let lock = suspendLock(task);
    let killed = outOfMemory(task, over);
    if (killed && !isDying(task)) victimsDie(cpu, task);
    if (lock) takeLock(task, lock);
    if (!killed || isDying(task)) break;
    store<u32>(mmAt(task), load<u32>(mmAt(task), L.TASK_RESTARTS) + 1, L.TASK_RESTARTS);
    didAt(memcg, L.PMC_RESTARTS, 1);
    let answered = retryCharge(cpu, memcg, pages);
    if (!isRefusal(answered)) return 0;
    over = answered;
  }
  noteRefused(task, memcg, pages, gfp);
  return -ENOMEM;
}

/**
 * What is above the limit of `memcg` is brought below it: by reclaim if the policy says so, then by kills, until it is or nobody can be
 * killed. `asker`, if any, is in the middle of something, and dies later.
 */
function reconcile(task: u32, cpu: u32, memcg: u32, asker: u32): void {
  let must = hasOption(L.OPTION_NO_RECHECK);
  if (pagesOver(memcg)) drainAllStock(memcg, cpu);
  if (hasOption(L.OPTION_RECLAIM_FIRST)) {
    let retries = MAX_RECLAIM_RETRIES;
    for (let over = pagesOver(memcg); over; over = pagesOver(memcg)) {
      let pages = <u32>min<i64>(over, i32.MAX_VALUE);
      if (!tryToFree(task, cpu, memcg, pages, L.SCAN_MAY_SWAP, headerGet(L.H_SWAPPINESS)) && retries-- == 0) break;
    }
  }
  while (pagesOver(memcg) || must) {
    must = false;
    memcgEvent(memcg, L.EVENT_OOM);
    if (!outOfMemory(0, memcg)) return;
    victimsDie(cpu, asker);
    // Who cannot die yet makes room when it can.
    if (isDying(asker) || headerGet(L.H_VICTIMS)) return;
  }
}

/** A work item will look after the limit of a memcg: POLICY_WORK_NS from now, if none is queued yet. */
function queueWork(memcg: u32): void {
  let at = policyMemcgAt(memcg);
  if (load<u64>(at, L.PM_WORK_AT)) return;
  let due = headerGet64(L.H_NOW) + headerGet64(L.H_POLICY + L.POLICY_WORK_NS);
  store<u64>(at, due, L.PM_WORK_AT);
  if (!headerGet64(L.H_WORK_AT) || due < headerGet64(L.H_WORK_AT)) headerSet64(L.H_WORK_AT, due);
  if (due < headerGet64(L.H_NEXT_TIMER)) headerSet64(L.H_NEXT_TIMER, due);
}

/** K4: the work items that are due. `asker` is the task that is in the middle of a charge, if any. */
export function runWork(cpu: u32, asker: u32): void {
  let now = headerGet64(L.H_NOW);
  let next: u64 = 0;
  // None is queued while these run: nobody charges in them.
  headerSet64(L.H_WORK_AT, 0);
  for (let memcg: u32 = ROOT + 1; memcg < headerGet(L.H_MEMCG_END); memcg++) {
    let due = load<u64>(policyMemcgAt(memcg), L.PM_WORK_AT);
    if (due && due <= now) {
      store<u64>(policyMemcgAt(memcg), 0, L.PM_WORK_AT);
      reconcile(0, cpu, memcg, asker);
    } else if (due && (!next || due < next)) {
      next = due;
    }
  }
  headerSet64(L.H_WORK_AT, next);
}

/** A task that was killed inside of its own charge goes on: with its lock it cannot exit, and its charge may not fail. */
export function insists(task: u32, memcg: u32, gfp: u32): bool {
  return triesOn(task) && answerIn(contextOf(task, memcg, gfp)) == L.REFUSED_OOM_IN_PLACE;
}

/** The task is back in user mode: it answers for what it charged past a limit. */
export function atReturnToUser(task: u32, cpu: u32): void {
  let memcg = load<u32>(mmAt(task), L.TASK_OVERCHARGED);
  if (!memcg) return;
  store<u32>(mmAt(task), 0, L.TASK_OVERCHARGED);
  if (!isDying(task)) reconcile(task, cpu, memcg, 0);
}
