// A charge cannot be paid: onRefused(). Linux: reclaim, then the OOM killer, in place. Debates 1, 3, 4 and 5.
//
// Reclaim is tried under every answer, by the kernel's own loop (charge/charge.ts): what the answers differ in is what happens when that
// does not help, by CONTEXT_* of the charge. Who asked not to be tried for hard (__GFP_NORETRY, __GFP_RETRY_MAYFAIL) is told so under all of
// them, and who may not fail (__GFP_NOFAIL) never does.
import { isDying } from '../charge/oom';
import { ENOMEM } from '../constants';
import { memoryCounter, pageCounterCharge } from '../counter/page-counter';
import * as L from '../layout';
import { memcgEvent } from '../memcg/events';
import { headerSet, ROOT, taskAt } from '../memory';
import { GFP_DIRECT_RECLAIM, GFP_HIGH, GFP_NOFAIL, GFP_NORETRY, GFP_RETRY_MAYFAIL } from '../replay/ops';
import { ringRefused } from '../ring';
import { answer, contextNow, didAt, isTarget } from './policy';
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

/** Counts a charge that failed, at whom it was to be charged to. */
export function noteRefused(task: u32, memcg: u32, pages: u32, gfp: u32): void {
  didAt(memcg, L.PMC_ENOMEM + contextOf(task, memcg, gfp), 1);
  ringRefused(task, memcg, pages, ENOMEM);
}

/** The charge passes all limits, for a reason FORCED_*. */
export function forcePast(memcg: u32, over: u32, pages: u32, reason: u32, raisedMax: bool): void {
  if (!raisedMax) memcgEvent(over, L.EVENT_MAX);
  if (memcg != ROOT) pageCounterCharge(memoryCounter(memcg), pages);
  didAt(memcg, L.PMC_FORCE_CHARGE, 1);
}

/**
 * The limit of `over` refused a charge of `pages` to `memcg`, before anything was reclaimed. AS_LINUX: the kernel's loop tries to make room
 * first; or 0: it was charged all the same, or a negative errno.
 */
export function onRefused(task: u32, cpu: u32, memcg: u32, over: u32, pages: u32, gfp: u32): i32 {
  // try_charge() of 2017: "Unlike in global OOM situations, memcg is not in a physical memory shortage": who is dying passes.
  if (answerIn(contextOf(task, memcg, gfp)) == L.REFUSED_ENOMEM && isDying(task)) {
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
      headerSet(L.H_CALL_REFUSED, L.CALL_NO_SPACE);
    }
    return -ENOMEM;
  }
  forcePast(memcg, over, pages, gfp & GFP_HIGH ? L.FORCED_HIGH : L.FORCED_OVERCHARGE, raisedMax);
  return 0;
}

/** The task is back in user mode: it answers for what it charged past a limit. */
export function atReturnToUser(task: u32, cpu: u32): void {}
