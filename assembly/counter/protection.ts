// Effective protection: how much of its min and low a memcg really gets, computed top-down as a reclaim walk visits it.
// mm/page_counter.c: effective_protection(), page_counter_calculate_protection().
import * as L from '../layout';
import { parentOf } from '../memcg/memcg';
import { headerGet } from '../memory';
import { memoryCounter, pageCounterRead } from './page-counter';

/**
 * What a child gets of its parent's effective protection, in pages. Too much claimed by the siblings: each gets its share of
 * what is there, by what it *uses* of its claim. Too little claimed: what is left over goes to usage above the claim
 * (mount option memory_recursiveprot).
 */
export function effectiveProtection(
  usage: i64,
  parentUsage: i64,
  setting: i64,
  parentEffective: i64,
  siblings: i64,
): i64 {
  let guarded = min<i64>(usage, setting);
  // Unsigned, as in Linux: with a claim of "max" the product wraps there too.
  if (siblings > parentEffective) return <i64>(<u64>(guarded * parentEffective) / <u64>siblings);
  let effective = guarded;
  let recursive = !(headerGet(L.H_MOUNT) & L.MOUNT_NO_RECURSIVEPROT);
  if (recursive && parentEffective > siblings && parentUsage > siblings && usage > guarded)
    effective += <i64>(<u64>((parentEffective - siblings) * (usage - guarded)) / <u64>(parentUsage - siblings));
  return effective;
}

/** Computes emin and elow of one memcg for a reclaim from `root`; its parent must have been visited first. */
export function calculateProtection(root: u32, memcg: u32): void {
  if (memcg == root) return; // the target's own protection does not count
  let counter = memoryCounter(memcg);
  let usage = pageCounterRead(counter);
  if (!usage) return;
  let parent = parentOf(memcg);
  if (parent == root) {
    store<i64>(counter, load<i64>(counter, L.PC_MIN), L.PC_EMIN);
    store<i64>(counter, load<i64>(counter, L.PC_LOW), L.PC_ELOW);
    return;
  }
  let up = memoryCounter(parent);
  calculateOne(counter, usage, up, L.PC_MIN, L.PC_EMIN, L.PC_CHILDREN_MIN_USAGE);
  calculateOne(counter, usage, up, L.PC_LOW, L.PC_ELOW, L.PC_CHILDREN_LOW_USAGE);
}

/** One of min or low: `setting` of the child against what the parent has to give and what the siblings claim. */
function calculateOne(counter: usize, usage: i64, up: usize, setting: u32, effective: u32, children: u32): void {
  let claimed = atomic.load<i64>(up + children);
  let granted = load<i64>(up + effective);
  store<i64>(counter + effective, effectiveProtection(usage, pageCounterRead(up), load<i64>(counter + setting), granted, claimed));
}
