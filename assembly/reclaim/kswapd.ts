// kswapd: keeps memory free ahead of those who want it. mm/vmscan.c: wakeup_kswapd(), kswapd(), balance_pgdat(),
// kswapd_shrink_node(), pgdat_balanced().
//
// Here it runs to its end where it is woken, as if on a CPU of its own that is fast enough: nothing is allocated meanwhile. What it cannot
// free, those who allocate must.
import { DEF_PRIORITY, MAX_RECLAIM_RETRIES, SWAP_CLUSTER_MAX } from '../constants';
import * as L from '../layout';
import { headerGet, headerSet, kernel61, ROOT } from '../memory';
import { scanFlags, setScanFlags, snapshotRefaults } from './balance';
import { ageAnon, beginScan, shrinkNode } from './scan';
import { countVm, watermarkOk } from './watermark';

@inline function isBalanced(): bool {
  return watermarkOk(0, headerGet(L.H_WMARK_HIGH));
}
@inline function isHopeless(): bool {
  return headerGet(L.H_KSWAPD_FAILURES) >= MAX_RECLAIM_RETRIES;
}

/** wakeup_kswapd(): it goes on until the high watermark is reached, or until it has failed so often in a row that it is hopeless. */
export function wakeKswapd(cpu: u32): void {
  if (isHopeless() || isBalanced()) return;
  // What it uncharges is not the doing of whoever woke it.
  let task = headerGet(L.H_CURRENT_TASK);
  headerSet(L.H_CURRENT_TASK, 0);
  while (!isHopeless() && !isBalanced()) balancePgdat(cpu);
  headerSet(L.H_CURRENT_TASK, task);
}

/** balance_pgdat(), without boosts: passes over all memcgs, of which none is the target, harder while too little is found. */
function balancePgdat(cpu: u32): void {
  countVm(L.VM_PAGEOUTRUN, 1);
  let wanted = max<u32>(headerGet(L.H_WMARK_HIGH), SWAP_CLUSTER_MAX);
  let who = L.SCAN_MAY_SWAP | L.SCAN_GLOBAL | L.SCAN_KSWAPD | L.SCAN_FULL_WALK;
  beginScan(0, cpu, ROOT, wanted, who, headerGet(L.H_SWAPPINESS));
  for (;;) {
    for (let priority = DEF_PRIORITY; priority >= 1 && !isBalanced(); ) {
      let before = headerGet(L.H_SCAN_RECLAIMED);
      headerSet(L.H_SCAN_PRIORITY, priority);
      headerSet(L.H_SCAN_SCANNED, 0);
      ageAnon();
      shrinkNode(ROOT);
      if (headerGet(L.H_SCAN_SCANNED) < wanted || headerGet(L.H_SCAN_RECLAIMED) == before) priority--;
    }
    if (headerGet(L.H_SCAN_RECLAIMED) || isBalanced()) break;
    // 6.18: once more with anonymous memory, if it was left alone for page cache that could not be taken.
    let flags = scanFlags();
    if (kernel61 || flags & L.SCAN_NO_CACHE_TRIM || !(flags & L.SCAN_CACHE_TRIM_FAILED)) {
      headerSet(L.H_KSWAPD_FAILURES, headerGet(L.H_KSWAPD_FAILURES) + 1);
      break;
    }
    setScanFlags(flags | L.SCAN_NO_CACHE_TRIM);
  }
  snapshotRefaults(ROOT);
}
