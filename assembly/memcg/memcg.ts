// The tree of memcgs. A cgroup id of a trace is the record's index: nothing is looked up. Dying cgroups stay in the tree,
// where their ancestors' figures and reclaim walks still see them, as long as the machine lives.
import * as L from '../layout';
import { cgroupsEnd, memcgAt, ROOT } from '../memory';

@inline export function memcgState(memcg: u32): u32 {
  return load<u32>(memcgAt(memcg), L.MEMCG_STATE);
}
@inline export function parentOf(memcg: u32): u32 {
  return load<u32>(memcgAt(memcg), L.MEMCG_PARENT);
}
/** An id that a trace or a caller may name: in the table and not free. */
@inline export function memcgExists(memcg: u32): bool {
  return memcg < cgroupsEnd && memcgState(memcg) != L.MEMCG_FREE;
}

/** mem_cgroup_is_descendant(): `memcg` is `root` or below it. */
export function isDescendant(memcg: u32, root: u32): bool {
  if (root == ROOT) return memcg != 0;
  for (let m = memcg; m; m = parentOf(m)) if (m == root) return true;
  return false;
}

/** The lowest memcg that both are in or below. */
export function commonAncestor(a: u32, b: u32): u32 {
  let x = a;
  let y = b;
  while (x != y) {
    if (load<u32>(memcgAt(x), L.MEMCG_DEPTH) >= load<u32>(memcgAt(y), L.MEMCG_DEPTH)) x = parentOf(x);
    else y = parentOf(y);
  }
  return x;
}

/** Pre-order walk of a subtree: the memcg after `memcg`, 0 at the end. */
export function nextInSubtree(memcg: u32, root: u32): u32 {
  let child = load<u32>(memcgAt(memcg), L.MEMCG_FIRST_CHILD);
  if (child) return child;
  for (let m = memcg; m != root; m = parentOf(m)) {
    let sibling = load<u32>(memcgAt(m), L.MEMCG_NEXT_SIBLING);
    if (sibling) return sibling;
  }
  return 0;
}

/** The nearest memcg, from this one upwards, that is online: where a dead cgroup's objcg and new charges go. */
export function nearestOnline(memcg: u32): u32 {
  let m = memcg;
  while (m != ROOT && memcgState(m) != L.MEMCG_ONLINE) m = parentOf(m);
  return m;
}
