// The policy at hand: six answers in the header, written by the bindings before attach() (bindings/policy/policy.ts). A hook asks
// `policyOn` first, which is a global of the instance, and does nothing more while every answer is Linux's.
import * as L from '../layout';
import { headerGet, headerSet, policyMemcgAt, policyTables } from '../memory';

/** One of the answers, POLICY_*. */
@inline export function answer(question: u32): u32 {
  return headerGet(L.H_POLICY + question);
}
@inline export function hasOption(option: u32): bool {
  return (headerGet(L.H_POLICY + L.POLICY_OPTIONS) & option) != 0;
}

/** What is charged next, and where an error could go: CONTEXT_*. */
@inline export function setContext(context: u32): void {
  headerSet(L.H_POLICY + L.POLICY_CONTEXT, context);
}
@inline export function contextNow(): u32 {
  return headerGet(L.H_POLICY + L.POLICY_CONTEXT);
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
