// How long a removed memcg lives, and what one costs by itself. kernel/cgroup/cgroup.c: css_release(); mm/memcontrol.c:
// mem_cgroup_alloc(), mem_cgroup_css_alloc(), mem_cgroup_css_free().
import { chargeObjectTo, unchargeObject } from '../live';
import * as L from '../layout';
import { cpuAt, headerGet, headerSet, memcgAt, nodesEnd, nrCpus, nrStockSlots, objcgAt, policyOn, ROOT, shrinkAt } from '../memory';
import { hasOption, setContext } from '../policy/policy';
import { pageCounterRead, swapCounter } from '../counter/page-counter';
import { heldByWorker } from '../policy/worker';
import { KIND_PERCPU, KIND_SLAB, KIND_STOCK } from '../replay/ops';
import { unseen } from './before';
import { memcgState, nearestOnline, nextInSubtree } from './memcg';
import { statLocal } from './stat';

/** Something holds a reference: a folio, a socket, a swap slot, a CPU's stock, a child. (Kernel memory does not: it was reparented.) */
function isPinned(memcg: u32): bool {
  for (let stat = L.STAT_ANON; stat <= L.STAT_SHMEM; stat++) if (statLocal(memcg, stat)) return true;
  // (A folio in the swap cache alone is in none of these rows.)
  if (statLocal(memcg, L.STAT_SWAPCACHED)) return true;
  if (statLocal(memcg, L.STAT_SOCK) || statLocal(memcg, L.STAT_HUGETLB) || pageCounterRead(swapCounter(memcg))) return true;
  // Where objcgs stay with their memcg, what they charge for does refer to it.
  let kmem = load<i64>(objcgAt(memcg), L.OBJCG_BYTES) != 0 || load<i64>(objcgAt(memcg), L.OBJCG_PAGES) != 0;
  if (kmem && policyOn && hasOption(L.OPTION_OBJCG_STAYS)) return true;
  for (let kind: u32 = 0; kind <= KIND_STOCK; kind++) if (unseen(memcg, kind)) return true;
  for (let cpu: u32 = 0; cpu < nrCpus; cpu++)
    for (let slot: u32 = 0; slot < nrStockSlots; slot++) if (load<u32>(cpuAt(cpu) + (slot << 2), L.STOCK_MEMCG) == memcg) return true;
  for (let child = load<u32>(memcgAt(memcg), L.MEMCG_FIRST_CHILD); child; child = load<u32>(memcgAt(child), L.MEMCG_NEXT_SIBLING))
    if (!isReleased(child)) return true;
  return false;
}

/** The memcg is gone from the kernel: removed, offline, and nothing refers to it. Its record stays, since rows may name it. */
export function isReleased(memcg: u32): bool {
  return memcgState(memcg) == L.MEMCG_DYING && !isPinned(memcg);
}

/** cgroup.stat: descendants that live, or (dying) that were removed and are still referred to. */
export function countDescendants(memcg: u32, dying: bool): u32 {
  let n: u32 = 0;
  for (let m = nextInSubtree(memcg, memcg); m; m = nextInSubtree(m, memcg)) {
    let state = memcgState(m);
    // A loop worker's reference is to the cgroup's css of io: it keeps the cgroup, not its memcg.
    let held = state == L.MEMCG_DYING && (isPinned(m) || heldByWorker(m));
    if (dying ? state == L.MEMCG_REMOVED || held : state == L.MEMCG_ONLINE) n++;
  }
  return n;
}

// --- what a memcg costs: boot options, 0 unless told; charged to its parent, in whose scope it is made

@inline function costBytes(i: u32): u32 {
  return headerGet(L.H_MEMCG_COST + (i << 2));
}
/** vmstats, vmstats_percpu, lruvec_stats, lruvec_stats_percpu */
@inline function costKind(i: u32): u32 {
  return i & 1 ? KIND_PERCPU : KIND_SLAB;
}

function unchargeCost(cpu: u32, objcg: u32, parts: u32): void {
  for (let i = parts; i-- > 0; ) if (costBytes(i)) unchargeObject(cpu, objcg, costBytes(i), costKind(i));
}

/** mem_cgroup_alloc() of a new child of `parent`. 0 or -ENOMEM: then nothing is charged. */
export function chargeCost(task: u32, cpu: u32, memcg: u32, parent: u32, gfp: u32): i32 {
  let objcg = nearestOnline(parent);
  if (nodesEnd == 1 || objcg == ROOT) return 0;
  setContext(L.CONTEXT_KMEM);
  for (let i: u32 = 0; i < L.NR_MEMCG_COSTS; i++) {
    let errno = costBytes(i) ? chargeObjectTo(task, cpu, objcg, costBytes(i), costKind(i), gfp) : 0;
    if (!errno) continue;
    unchargeCost(cpu, objcg, i);
    return errno;
  }
  store<u32>(shrinkAt(memcg), objcg, L.SHRINK_COST_OBJCG);
  return 0;
}

/** mem_cgroup_css_free() of every removed memcg that nothing refers to any more: what it cost goes back. */
export function releaseDying(cpu: u32): void {
  headerSet(L.H_RELEASE_CHECK, 0);
  if (nodesEnd == 1) return;
  for (let memcg: u32 = ROOT + 1; memcg < headerGet(L.H_MEMCG_END); memcg++) {
    let objcg = load<u32>(shrinkAt(memcg), L.SHRINK_COST_OBJCG);
    if (!objcg || !isReleased(memcg)) continue;
    store<u32>(shrinkAt(memcg), 0, L.SHRINK_COST_OBJCG);
    unchargeCost(cpu, objcg, L.NR_MEMCG_COSTS);
  }
}

/** A reference to a memcg was dropped: if it is dying, {@link releaseDying} looks after it when the event at hand is over. */
@inline export function putMemcg(memcg: u32): void {
  if (memcgState(memcg) == L.MEMCG_DYING) headerSet(L.H_RELEASE_CHECK, 1);
}
