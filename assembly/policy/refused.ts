// A charge cannot be paid: onRefused(). Linux: reclaim, then the OOM killer, in place. Debates 1, 3, 4 and 5.
import * as L from '../layout';
import { answer, contextOf } from './policy';
import { chargeOrError } from './target';

/** The kernel's own way is taken. */
export const AS_LINUX: i32 = 1;

/**
 * The limit of `over` refused a charge of `pages` to `memcg`, before anything was reclaimed. AS_LINUX; or 0: it was charged all the same,
 * or a negative errno.
 */
export function onRefused(task: u32, cpu: u32, memcg: u32, over: u32, pages: u32, gfp: u32): i32 {
  let how = answer(L.POLICY_REFUSED + (contextOf(memcg) << 2));
  if (how == L.REFUSED_ERROR) return chargeOrError(task, cpu, memcg, over, pages, gfp);
  return AS_LINUX;
}

/** The task is back in user mode: it answers for what it charged past a limit. */
export function atReturnToUser(task: u32, cpu: u32): void {}
