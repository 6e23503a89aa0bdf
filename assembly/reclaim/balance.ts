// How much of which list is scanned. mm/vmscan.c: prepare_scan_control(), get_scan_count(), inactive_is_low(),
// apply_proportional_protection().
import { SWAP_CLUSTER_MAX } from '../constants';
import { memoryCounter, pageCounterRead } from '../counter/page-counter';
import * as L from '../layout';
import { memcgState } from '../memcg/memcg';
import { flushForReclaim, statShown } from '../memcg/rstat';
import { statTotal } from '../memcg/stat';
import { headerGet, headerSet, lruvecAt, ROOT, rstatBase } from '../memory';
import { listAt, sizePages } from './lru';
import { intSqrt } from './watermark';
import { lruPages, swapLeft } from './workingset';

@inline export function scanFlags(): u32 {
  return headerGet(L.H_SCAN_FLAGS);
}
@inline export function setScanFlags(flags: u32): void {
  headerSet(L.H_SCAN_FLAGS, flags);
}

/** inactive_is_low(): the larger the lists, the smaller a share the inactive one needs. */
export function inactiveIsLow(memcg: u32, file: bool): bool {
  let inactive = lruPages(memcg, file ? L.LRU_INACTIVE_FILE : L.LRU_INACTIVE_ANON);
  let active = lruPages(memcg, file ? L.LRU_ACTIVE_FILE : L.LRU_ACTIVE_ANON);
  let gigabytes = (inactive + active) >> 18;
  let ratio: u64 = gigabytes ? intSqrt(10 * gigabytes) : 1;
  return inactive * ratio < active;
}

/** lruvec_page_state() of a WORKINGSET_ACTIVATE row. */
@inline function activations(memcg: u32, row: u32): i64 {
  return rstatBase ? statShown(memcg, row) : statTotal(memcg, row);
}

/** prepare_scan_control(): decided from the target, once a pass. */
export function prepareScan(target: u32): void {
  if (rstatBase) flushForReclaim(target);
  let decided = L.SCAN_MAY_DEACTIVATE_ANON | L.SCAN_MAY_DEACTIVATE_FILE | L.SCAN_CACHE_TRIM | L.SCAN_FILE_IS_TINY;
  let flags = scanFlags() & ~decided;
  if (flags & L.SCAN_FORCE_DEACTIVATE) flags |= L.SCAN_MAY_DEACTIVATE_ANON | L.SCAN_MAY_DEACTIVATE_FILE;
  else {
    let at = lruvecAt(target);
    if (activations(target, L.STAT_WORKINGSET_ACTIVATE_ANON) != load<i64>(at, L.LRUVEC_REFAULTS_ANON) || inactiveIsLow(target, false))
      flags |= L.SCAN_MAY_DEACTIVATE_ANON;
    if (activations(target, L.STAT_WORKINGSET_ACTIVATE_FILE) != load<i64>(at, L.LRUVEC_REFAULTS_FILE) || inactiveIsLow(target, true))
      flags |= L.SCAN_MAY_DEACTIVATE_FILE;
  }
  // Much inactive page cache, none of it refaulting: leave anonymous memory alone.
  let plenty = lruPages(target, L.LRU_INACTIVE_FILE) >> headerGet(L.H_SCAN_PRIORITY) != 0;
  if (plenty && !(flags & (L.SCAN_MAY_DEACTIVATE_FILE | L.SCAN_NO_CACHE_TRIM))) flags |= L.SCAN_CACHE_TRIM;
  if (flags & L.SCAN_GLOBAL && fileIsTiny(flags)) flags |= L.SCAN_FILE_IS_TINY;
  setScanFlags(flags);
}

/** The machine could not be balanced with all its page cache, and anonymous memory that is not thrashing is there to take. */
function fileIsTiny(flags: u32): bool {
  if (flags & L.SCAN_MAY_DEACTIVATE_ANON) return false;
  let file = lruPages(ROOT, L.LRU_ACTIVE_FILE) + lruPages(ROOT, L.LRU_INACTIVE_FILE);
  if (file + headerGet(L.H_FREE_PAGES) > headerGet(L.H_WMARK_HIGH)) return false;
  return lruPages(ROOT, L.LRU_INACTIVE_ANON) >> headerGet(L.H_SCAN_PRIORITY) != 0;
}

/** snapshot_refaults(): what the next reclaim of this target compares with. */
export function snapshotRefaults(target: u32): void {
  let at = lruvecAt(target);
  store<i64>(at, activations(target, L.STAT_WORKINGSET_ACTIVATE_ANON), L.LRUVEC_REFAULTS_ANON);
  store<i64>(at, activations(target, L.STAT_WORKINGSET_ACTIVATE_FILE), L.LRUVEC_REFAULTS_FILE);
}

/** Both types are scanned by their size alone. */
const EQUAL: u32 = 0;
const FRACT: u32 = 1;
const ANON: u32 = 2;
const FILE: u32 = 3;

function balanceOf(memcg: u32): u32 {
  let flags = scanFlags();
  let swappiness = headerGet(L.H_SCAN_SWAPPINESS);
  if (!(flags & L.SCAN_MAY_SWAP) || swapLeft(memcg) == 0) return FILE;
  // The machine swaps rather than kill, whatever swappiness says.
  if (swappiness == 0 && !(flags & L.SCAN_GLOBAL)) return FILE;
  if (swappiness == 201) return ANON;
  if (headerGet(L.H_SCAN_PRIORITY) == 0 && swappiness) return EQUAL;
  if (flags & L.SCAN_FILE_IS_TINY) return ANON;
  return flags & L.SCAN_CACHE_TRIM ? FILE : FRACT;
}

/** apply_proportional_protection(): a memcg over its protection gives in proportion to how far over it is. */
function afterProtection(memcg: u32, scan: u64): u64 {
  if (memcg == headerGet(L.H_SCAN_TARGET)) return scan;
  let counter = memoryCounter(memcg);
  let emin = load<i64>(counter, L.PC_EMIN);
  let elow = load<i64>(counter, L.PC_ELOW);
  if (!emin && !elow) return scan;
  let protection = emin;
  if (!(scanFlags() & L.SCAN_LOW_RECLAIM) && elow > emin) {
    protection = elow;
    setScanFlags(scanFlags() | L.SCAN_LOW_SKIPPED);
  }
  let usage = max<i64>(pageCounterRead(counter), protection);
  scan -= scan * <u64>protection / <u64>(usage + 1);
  return max<u64>(scan, SWAP_CLUSTER_MAX);
}

/** get_scan_count(): pages of `list` of one memcg to scan in this pass. */
export function scanCount(memcg: u32, list: u32): u32 {
  let file = list >= L.LRU_INACTIVE_FILE;
  let size: u64 = sizePages(listAt(memcg, list));
  let scan = afterProtection(memcg, size) >> headerGet(L.H_SCAN_PRIORITY);
  let offline = memcgState(memcg) == L.MEMCG_DYING;
  if (!scan && offline) scan = min<u64>(size, SWAP_CLUSTER_MAX);
  let balance = balanceOf(memcg);
  if (balance == EQUAL) return <u32>scan;
  if (balance == ANON) return file ? 0 : <u32>scan;
  if (balance == FILE) return file ? <u32>scan : 0;
  // calculate_pressure_balance(): costs are those of the target.
  let at = lruvecAt(headerGet(L.H_SCAN_TARGET));
  let swappiness: u64 = headerGet(L.H_SCAN_SWAPPINESS);
  let total = load<u64>(at, L.LRUVEC_ANON_COST) + load<u64>(at, L.LRUVEC_FILE_COST);
  let anonCost = total + load<u64>(at, L.LRUVEC_ANON_COST);
  let fileCost = total + load<u64>(at, L.LRUVEC_FILE_COST);
  total = anonCost + fileCost;
  let anonPart = swappiness * (total + 1) / (anonCost + 1);
  let filePart = (200 - swappiness) * (total + 1) / (fileCost + 1);
  let part = file ? filePart : anonPart;
  let sum = anonPart + filePart;
  return <u32>(offline ? (scan * part + sum - 1) / sum : scan * part / sum);
}
