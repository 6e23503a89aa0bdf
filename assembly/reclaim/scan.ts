// Reclaim from a memcg and all below it; from the root, when the machine itself is short. mm/vmscan.c:
// try_to_free_mem_cgroup_pages(), try_to_free_pages(), do_try_to_free_pages(), shrink_node(),
// shrink_node_memcgs(), shrink_lruvec(), shrink_inactive_list(), shrink_active_list().
import { DEF_PRIORITY, SWAP_CLUSTER_MAX } from '../constants';
import { memoryCounter, pageCounterRead } from '../counter/page-counter';
import { calculateProtection } from '../counter/protection';
import { unchargeBatch } from '../folio/folio';
import { lruAddDrain } from '../folio/lru-add';
import { referencedBy } from '../folio/mapping';
import { nearby, radixAbove, radixNear, radixSlot } from '../folio/radix';
import { keyOfFolio, treeOfFolio } from '../folio/rmap';
import { placeAt, setState, stateOf } from '../folio/resident';
import { folioSlot } from '../folio/slots';
import { congestionWait, deviceWorks, wakeFlusher } from '../folio/writeback';
import * as L from '../layout';
import { memcgEvent } from '../memcg/events';
import { nextInSubtree } from '../memcg/memcg';
import { costOf } from '../psi';
import { rstatHoldIsolated, rstatHoldPgpgout, rstatIsolated, rstatUncharged } from '../memcg/rstat';
import { modStat } from '../memcg/stat';
import { headerGet, headerSet, kernel61, lruvecAt, policyOn, ROOT, taskAt } from '../memory';
import { crossScanned } from '../policy/cross';
import { inactiveIsLow, prepareScan, scanCount, scanFlags, setScanFlags, snapshotRefaults } from './balance';
import { addHead, isolate, listAt, size, touchTail } from './lru';
import { ACTIVATE, FREED, shrinkFolio } from './shrink-folio';
import { shrinkSlab } from './shrinker';
import { countVm } from './watermark';
import { ageNonresident, noteCost } from './workingset';

/** Puts an isolated folio at the newest end of a list. */
function putBack(frame: u32, memcg: u32, list: u32): void {
  setState(frame, (stateOf(frame) & ~L.STATE_LIST_MASK) | (list << L.STATE_LIST_SHIFT));
  addHead(listAt(memcg, list), frame, 1);
}

/** Entries of a list that are read ahead for each folio that is wanted: some are stale. */
const TOUCH_PER_FOLIO: u32 = 2;

@inline function batchAt(i: u32): usize {
  return L.HEADER + L.H_SCAN_BATCH + (i << 2);
}

/** isolate_lru_folios(): takes up to `n` (at most SWAP_CLUSTER_MAX) of the oldest folios off a list. */
function isolateBatch(memcg: u32, list: u32, n: u32): u32 {
  let at = listAt(memcg, list);
  let taken: u32 = 0;
  touchTail(at, TOUCH_PER_FOLIO * n);
  rstatHoldIsolated();
  while (taken < n && size(at)) store<u32>(batchAt(taken++), isolate(at));
  rstatIsolated(at);
  touchBatch(taken, list == L.LRU_INACTIVE_ANON);
  return taken;
}

/** Reads where the folios of the batch belong and what points to them, so that their cache misses overlap. */
function touchBatch(taken: u32, swaps: bool): void {
  let sink: u64 = 0;
  for (let i: u32 = 0; i < taken; i++) sink += load<u64>(placeAt(load<u32>(batchAt(i))));
  if (swaps) for (let i: u32 = 0; i < taken; i++) sink += folioSlot(load<u32>(batchAt(i)));
  let tree: usize = 0;
  let near: u64 = 0;
  let prefix: u64 = 0;
  for (let i: u32 = 0; i < taken; i++) {
    let frame = load<u32>(batchAt(i));
    let its = treeOfFolio(frame);
    let key = keyOfFolio(frame);
    if (its != tree || nearby(near, key) != prefix) {
      tree = its;
      near = radixNear(its, key);
      prefix = nearby(near, key);
    }
    store<u32>(slotAt(i), <u32>radixAbove(its, near, key));
  }
  // The last digit of the key is that of the place.
  for (let i: u32 = 0; i < taken; i++)
    store<u32>(slotAt(i), <u32>radixSlot(load<u32>(slotAt(i)), load<u64>(placeAt(load<u32>(batchAt(i))))));
  for (let i: u32 = 0; i < taken; i++) sink += load<u32>(<usize>load<u32>(slotAt(i)));
  headerSet(L.H_SINK, <u32>sink);
}

@inline function slotAt(i: u32): usize {
  return L.HEADER + L.H_SCAN_SLOTS + (i << 2);
}

/** Pages that reclaim looked at, on either list: what it costs in time. */
@inline function noteScanned(memcg: u32, pages: u32): void {
  if (policyOn) crossScanned(memcg, pages);
  headerSet(L.H_SCANNED, headerGet(L.H_SCANNED) + pages);
  deviceWorks(pages * costOf(L.COST_SCAN));
}

/** PGSCAN_*: who scans, reclaimer_offset(); /proc/vmstat counts what no memcg's limit asked for. */
function countScanned(memcg: u32, pages: u32): void {
  let flags = scanFlags();
  noteScanned(memcg, pages);
  headerSet(L.H_SCAN_SCANNED, headerGet(L.H_SCAN_SCANNED) + pages);
  let who = flags & L.SCAN_KSWAPD ? L.STAT_PGSCAN_KSWAPD : flags & L.SCAN_PROACTIVE ? L.STAT_PGSCAN_PROACTIVE : L.STAT_PGSCAN_DIRECT;
  modStat(memcg, who, pages);
  if (flags & L.SCAN_GLOBAL) countVm(flags & L.SCAN_KSWAPD ? L.VM_PGSCAN_KSWAPD : L.VM_PGSCAN_DIRECT, pages);
}

/** PGSTEAL_* */
function countStolen(memcg: u32, pages: u32): void {
  let flags = scanFlags();
  let who = flags & L.SCAN_KSWAPD ? L.STAT_PGSTEAL_KSWAPD : flags & L.SCAN_PROACTIVE ? L.STAT_PGSTEAL_PROACTIVE : L.STAT_PGSTEAL_DIRECT;
  modStat(memcg, who, pages);
  if (flags & L.SCAN_GLOBAL) countVm(flags & L.SCAN_KSWAPD ? L.VM_PGSTEAL_KSWAPD : L.VM_PGSTEAL_DIRECT, pages);
}

/** shrink_inactive_list(): answers the pages reclaimed. */
function shrinkInactive(memcg: u32, list: u32, n: u32): u32 {
  let file = list == L.LRU_INACTIVE_FILE;
  lruAddDrain(headerGet(L.H_SCAN_CPU));
  let taken = isolateBatch(memcg, list, n);
  if (!taken) return 0;
  countScanned(memcg, taken);
  let target = headerGet(L.H_SCAN_TARGET);
  let reclaimed: u32 = 0;
  rstatHoldPgpgout();
  headerSet(L.H_PAGEOUTS, 0);
  headerSet(L.H_SCAN_UNQUEUED, 0);
  for (let i: u32 = 0; i < taken; i++) {
    let frame = load<u32>(batchAt(i));
    let verdict = shrinkFolio(frame, target, file);
    if (verdict == FREED) {
      store<u32>(batchAt(i), 0);
      reclaimed++;
    } else if (verdict == ACTIVATE) {
      modStat(memcg, L.STAT_PGACTIVATE, 1);
      store<u32>(batchAt(i), frame | L.SHADOW_BIT);
    }
  }
  // mem_cgroup_uncharge_folios() of all that goes
  let task = headerGet(L.H_SCAN_TASK);
  if (load<u32>(taskAt(task), L.TASK_PENDING) & L.TASK_HAS_BATCH) unchargeBatch(task);
  rstatUncharged(memcg);
  for (let i: u32 = 0; i < taken; i++) {
    let entry = load<u32>(batchAt(i));
    if (!entry) continue;
    let frame = entry & ~L.SHADOW_BIT;
    if (entry != frame) ageNonresident(memcg, 1); // move_folios_to_lru(): it is active
    putBack(frame, memcg, entry == frame ? list : list + 1);
  }
  countStolen(memcg, reclaimed);
  let pageouts = headerGet(L.H_PAGEOUTS);
  noteCost(memcg, file, kernel61 ? pageouts : pageouts * SWAP_CLUSTER_MAX + taken - reclaimed);
  if (headerGet(L.H_SCAN_UNQUEUED) == taken) wakeFlusher();
  return reclaimed;
}

/** shrink_active_list(): the oldest become inactive, save for code that is in use. */
function shrinkActive(memcg: u32, list: u32, n: u32): void {
  let file = list == L.LRU_ACTIVE_FILE;
  lruAddDrain(headerGet(L.H_SCAN_CPU));
  let taken = isolateBatch(memcg, list, n);
  if (!taken) return;
  noteScanned(memcg, taken);
  let target = headerGet(L.H_SCAN_TARGET);
  let rotated: u32 = 0;
  modStat(memcg, L.STAT_PGREFILL, taken);
  for (let i: u32 = 0; i < taken; i++) {
    let frame = load<u32>(batchAt(i));
    // Bit 0: a mapping that is executable referenced it. Asking makes the page table entries old.
    if (referencedBy(frame, target) & 1 && file) {
      rotated++;
      ageNonresident(memcg, 1);
      putBack(frame, memcg, list);
    } else {
      setState(frame, stateOf(frame) | L.STATE_WORKINGSET);
      putBack(frame, memcg, list - 1);
    }
  }
  modStat(memcg, L.STAT_PGDEACTIVATE, taken - rotated);
  if (!kernel61) noteCost(memcg, file, rotated);
}

function shrinkList(memcg: u32, list: u32, n: u32): u32 {
  if (list == L.LRU_INACTIVE_ANON || list == L.LRU_INACTIVE_FILE) return shrinkInactive(memcg, list, n);
  let may = list == L.LRU_ACTIVE_ANON ? L.SCAN_MAY_DEACTIVATE_ANON : L.SCAN_MAY_DEACTIVATE_FILE;
  if (scanFlags() & may) shrinkActive(memcg, list, n);
  else setScanFlags(scanFlags() | L.SCAN_SKIPPED_DEACTIVATE);
  return 0;
}

/** shrink_lruvec(): the lists of one memcg, 32 pages of each in turn. */
function shrinkLruvec(memcg: u32): void {
  let inactiveAnon = scanCount(memcg, L.LRU_INACTIVE_ANON);
  let activeAnon = scanCount(memcg, L.LRU_ACTIVE_ANON);
  let inactiveFile = scanCount(memcg, L.LRU_INACTIVE_FILE);
  let activeFile = scanCount(memcg, L.LRU_ACTIVE_FILE);
  let targetInactiveAnon = inactiveAnon;
  let targetActiveAnon = activeAnon;
  let targetInactiveFile = inactiveFile;
  let targetActiveFile = activeFile;
  let wanted = headerGet(L.H_SCAN_TO_RECLAIM);
  let got: u32 = 0;
  // Direct reclaim of the machine begins fair: at first it scans what was planned of each list.
  let flags = scanFlags();
  let proportional = (flags & L.SCAN_GLOBAL) && !(flags & L.SCAN_KSWAPD) && headerGet(L.H_SCAN_PRIORITY) == DEF_PRIORITY;
  while (inactiveAnon || activeFile || inactiveFile) {
    let n = min<u32>(inactiveAnon, SWAP_CLUSTER_MAX);
    inactiveAnon -= n;
    if (n) got += shrinkList(memcg, L.LRU_INACTIVE_ANON, n);
    n = min<u32>(activeAnon, SWAP_CLUSTER_MAX);
    activeAnon -= n;
    if (n) got += shrinkList(memcg, L.LRU_ACTIVE_ANON, n);
    n = min<u32>(inactiveFile, SWAP_CLUSTER_MAX);
    inactiveFile -= n;
    if (n) got += shrinkList(memcg, L.LRU_INACTIVE_FILE, n);
    n = min<u32>(activeFile, SWAP_CLUSTER_MAX);
    activeFile -= n;
    if (n) got += shrinkList(memcg, L.LRU_ACTIVE_FILE, n);
    if (got < wanted || proportional) continue;
    // Enough: the type with less left stops, and the other goes on to the same share of its target, if that is not yet reached.
    let file = inactiveFile + activeFile;
    let anon = inactiveAnon + activeAnon;
    if (!file || !anon) break;
    if (file > anon) {
      let percent = (anon * 100) / (targetInactiveAnon + targetActiveAnon + 1);
      inactiveAnon = 0;
      activeAnon = 0;
      inactiveFile = remainder(targetInactiveFile, inactiveFile, percent);
      activeFile = remainder(targetActiveFile, activeFile, percent);
    } else {
      let percent = (file * 100) / (targetInactiveFile + targetActiveFile + 1);
      inactiveFile = 0;
      activeFile = 0;
      inactiveAnon = remainder(targetInactiveAnon, inactiveAnon, percent);
      activeAnon = remainder(targetActiveAnon, activeAnon, percent);
    }
  }
  headerSet(L.H_SCAN_RECLAIMED, headerGet(L.H_SCAN_RECLAIMED) + got);
  // can_age_anon_pages(): with swap, anonymous memory ages even where it is not scanned.
  if (headerGet(L.H_SWAP_SLOTS) && inactiveIsLow(memcg, false)) shrinkActive(memcg, L.LRU_ACTIVE_ANON, SWAP_CLUSTER_MAX);
}

/** What is left of a target of which `left` was not scanned yet, when only (100 - percent) % are wanted. */
function remainder(target: u32, left: u32, percent: u32): u32 {
  let scanned = target - left;
  let goal = (target * (100 - percent)) / 100;
  return goal - min<u32>(goal, scanned);
}

/** mem_cgroup_iter(): the next memcg of the shared walk of a subtree; 0: it has come to the end. */
function nextShared(root: u32, first: bool): u32 {
  let at = lruvecAt(root);
  let position = load<u32>(at, L.LRUVEC_POSITION);
  let next = position ? nextInSubtree(position, root) : root;
  // A walk that starts just at the end starts over, so that it sees at least one.
  if (!next && first) next = root;
  store<u32>(at, next, L.LRUVEC_POSITION);
  return next;
}

/** shrink_node_memcgs(): one pass over the subtree, or over a part of it. */
function shrinkMemcgs(target: u32): void {
  // 6.1 walks the whole subtree every time.
  let partial = !(scanFlags() & L.SCAN_FULL_WALK);
  let first = true;
  let memcg: u32 = 0;
  for (;;) {
    memcg = partial ? nextShared(target, first) : first ? target : nextInSubtree(memcg, target);
    first = false;
    if (!memcg) return;
    calculateProtection(target, memcg);
    if (!protectedFrom(target, memcg)) {
      shrinkLruvec(memcg);
      shrinkSlab(memcg, headerGet(L.H_SCAN_CPU), headerGet(L.H_SCAN_PRIORITY));
    }
    if (partial && headerGet(L.H_SCAN_RECLAIMED) >= headerGet(L.H_SCAN_TO_RECLAIM)) return;
  }
}

/** Below its effective min; or below its effective low, unless there was nothing else to take. */
function protectedFrom(target: u32, memcg: u32): bool {
  if (memcg == ROOT || memcg == target) return false;
  let counter = memoryCounter(memcg);
  let usage = pageCounterRead(counter);
  if (load<i64>(counter, L.PC_EMIN) >= usage) return true;
  if (load<i64>(counter, L.PC_ELOW) < usage) return false;
  if (!(scanFlags() & L.SCAN_LOW_RECLAIM)) {
    setScanFlags(scanFlags() | L.SCAN_LOW_SKIPPED);
    return true;
  }
  memcgEvent(memcg, L.EVENT_LOW);
  return false;
}

/** shrink_node(): one pass at the priority that is set. Progress, whoever makes it, wakes a kswapd that had given up. */
export function shrinkNode(target: u32): void {
  let before = headerGet(L.H_SCAN_RECLAIMED);
  prepareScan(target);
  shrinkMemcgs(target);
  if (headerGet(L.H_SCAN_RECLAIMED) != before) headerSet(L.H_KSWAPD_FAILURES, 0);
  else if (scanFlags() & L.SCAN_CACHE_TRIM) setScanFlags(scanFlags() | L.SCAN_CACHE_TRIM_FAILED);
}

/** Every memcg's oldest active anonymous pages become inactive, where those are few: kswapd_age_node(), age_active_anon() in 6.1. */
export function ageAnon(): void {
  if (!headerGet(L.H_SWAP_SLOTS) || !inactiveIsLow(ROOT, false)) return;
  for (let memcg = ROOT; memcg; memcg = nextInSubtree(memcg, ROOT)) shrinkActive(memcg, L.LRU_ACTIVE_ANON, SWAP_CLUSTER_MAX);
}

/** struct scan_control of a reclaim that is to begin. */
export function beginScan(task: u32, cpu: u32, target: u32, pages: u32, flags: u32, swappiness: u32): void {
  headerSet(L.H_SCAN_TASK, task);
  headerSet(L.H_SCAN_CPU, cpu);
  headerSet(L.H_SCAN_TARGET, target);
  headerSet(L.H_SCAN_TO_RECLAIM, max<u32>(pages, SWAP_CLUSTER_MAX));
  headerSet(L.H_SCAN_SWAPPINESS, swappiness);
  headerSet(L.H_SCAN_RECLAIMED, 0);
  headerSet(L.H_SCANNED, 0);
  setScanFlags(flags | (kernel61 ? L.SCAN_FULL_WALK : 0));
}

/**
 * try_to_free_mem_cgroup_pages(): reclaims from `target` and below, at least `pages` if it can, on behalf of a task on a CPU. Answers
 * the pages reclaimed: often more, seldom fewer than SWAP_CLUSTER_MAX, 0 when there is nothing to take. H_SCANNED is what it looked at.
 */
export function tryToFree(task: u32, cpu: u32, target: u32, pages: u32, flags: u32, swappiness: u32): u32 {
  beginScan(task, cpu, target, pages, flags, swappiness);
  return doTryToFree(target);
}

/** try_to_free_pages(): a task that finds the machine short of memory reclaims for itself, from all memcgs. Answers the pages reclaimed. */
export function tryToFreePages(task: u32, cpu: u32): u32 {
  beginScan(task, cpu, ROOT, SWAP_CLUSTER_MAX, L.SCAN_MAY_SWAP | L.SCAN_GLOBAL, headerGet(L.H_SWAPPINESS));
  return doTryToFree(ROOT);
}

/** do_try_to_free_pages() */
function doTryToFree(target: u32): u32 {
  let congested = false; // LRUVEC_CGROUP_CONGESTED
  for (;;) {
    if (scanFlags() & L.SCAN_GLOBAL) countVm(L.VM_ALLOCSTALL, 1);
    for (let priority = <i32>DEF_PRIORITY; priority >= 0; priority--) {
      headerSet(L.H_SCAN_PRIORITY, priority);
      headerSet(L.H_SCAN_DIRTY, 0);
      headerSet(L.H_SCAN_CONGESTED, 0);
      shrinkNode(target);
      // shrink_node(): whatever is dirty here waits for the device, and from now on so does this reclaim.
      let dirty = headerGet(L.H_SCAN_DIRTY);
      congested = congested || (dirty != 0 && dirty == headerGet(L.H_SCAN_CONGESTED));
      if (congested) congestionWait();
      if (headerGet(L.H_SCAN_RECLAIMED) >= headerGet(L.H_SCAN_TO_RECLAIM)) break;
    }
    snapshotRefaults(target);
    let reclaimed = headerGet(L.H_SCAN_RECLAIMED);
    if (reclaimed) return reclaimed;
    let now = scanFlags();
    if (!(now & L.SCAN_FULL_WALK)) setScanFlags(now | L.SCAN_FULL_WALK);
    else if (now & L.SCAN_SKIPPED_DEACTIVATE && !(now & L.SCAN_FORCE_DEACTIVATE))
      setScanFlags((now | L.SCAN_FORCE_DEACTIVATE) & ~L.SCAN_SKIPPED_DEACTIVATE);
    else if (now & L.SCAN_LOW_SKIPPED && !(now & L.SCAN_LOW_RECLAIM))
      setScanFlags((now | L.SCAN_LOW_RECLAIM) & ~(L.SCAN_LOW_SKIPPED | L.SCAN_FORCE_DEACTIVATE));
    else break;
  }
  return 0;
}
