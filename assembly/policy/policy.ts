// The policy at hand: six answers in the header, written by the bindings before attach() (bindings/policy/policy.ts). A hook asks
// `policyOn` first, which is a global of the instance, and does nothing more while every answer is Linux's.
import * as L from '../layout';
import { headerGet, headerSet, headerSet64, policyMemcgAt, policyTables } from '../memory';

/** One of the answers, POLICY_*. */
@inline export function answer(question: u32): u32 {
  return headerGet(L.H_POLICY + question);
}
@inline export function hasOption(option: u32): bool {
  return (headerGet(L.H_POLICY + L.POLICY_OPTIONS) & option) != 0;
}

/** What is charged next, to whom it would be in Linux, and where an error could go: CONTEXT_*. */
@inline export function setContext(context: u32): void {
  // and no target, which is the upper half
  headerSet64(L.H_POLICY + L.POLICY_CONTEXT, context);
}
@inline export function contextNow(): u32 {
  return headerGet(L.H_POLICY + L.POLICY_CONTEXT);
}

/** The same of a page that `toucher` would pay for in Linux, and `payer` does. */
export function setCharge(context: u32, payer: u32, toucher: u32): void {
  setContext(context);
  headerSet(L.H_POLICY + L.POLICY_TARGET, payer == toucher ? 0 : payer);
  headerSet(L.H_POLICY + L.POLICY_TOUCHER, toucher);
}
/** The policy chose `memcg` to pay for what somebody else touches: CONTEXT_TARGET. */
export function isTarget(memcg: u32): bool {
  return memcg == headerGet(L.H_POLICY + L.POLICY_TARGET);
}
/** What the charge that was just refused is to the call at hand, CALL_* or 1, which is asked once. */
export function takeRefusal(): u32 {
  let how = headerGet(L.H_POLICY + L.POLICY_ERROR);
  headerSet(L.H_POLICY + L.POLICY_ERROR, 0);
  return how ? how : 1;
}

/** A row cannot be: it is counted, and has done nothing; a live call has the errno. Answers 0, for a trace goes on. */
export function refuseRow(errno: u32): i32 {
  did(L.DID_REFUSED, 1);
  headerSet(L.H_CALL_REFUSED, L.CALL_ERRNO | errno);
  return 0;
}

/** Counts what the policy did, DID_*. */
export function did(what: u32, n: i64): void {
  let at = <usize>(L.HEADER + L.H_POLICY_COUNTS + (what << 3));
  store<i64>(at, load<i64>(at) + n);
}
@inline export function countDone(what: u32): i64 {
  return load<i64>(L.HEADER + L.H_POLICY_COUNTS + (what << 3));
}

/** Counts at one memcg, PMC_*. */
export function didAt(memcg: u32, what: u32, n: i64): void {
  if (!policyTables) return;
  let at = policyMemcgAt(memcg) + L.PM_COUNTS + (what << 3);
  store<i64>(at, load<i64>(at) + n);
}
@inline export function countAt(memcg: u32, what: u32): i64 {
  return policyTables ? load<i64>(policyMemcgAt(memcg) + L.PM_COUNTS + (what << 3)) : 0;
}
