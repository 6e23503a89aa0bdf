// Birth and death of a memcg. mm/memcontrol.c: mem_cgroup_css_alloc(), mem_cgroup_css_offline(), memcg_reparent_objcgs();
// kernel/cgroup/cgroup.c: cgroup_mkdir(), cgroup_destroy_locked().

import { EBUSY, EEXIST, ENODEV, ENOENT, ENOSPC } from '../constants';
import { memoryCounter, pageCounterInit, pageCounterSetProtection, swapCounter } from '../counter/page-counter';
import { drainAllStock } from '../counter/stock';
import { reparentLoops } from '../folio/loop';
import { releaseObjcg, reparentObjcgs } from '../folio/objcg';
import * as L from '../layout';
import { cgroupsEnd, headerGet, headerSet, memcgAt, nodesEnd, objcgAt, outOfRange, policyOn, ROOT } from '../memory';
import { onOffline } from '../policy/offline';
import { hasOption, refuseRow } from '../policy/policy';
import { psiBorn } from '../psi';
import { reparentShrinker } from '../reclaim/shrinker';
import { ringMoved } from '../ring';
import { putMemcg } from './css';
import { memcgExists, memcgState } from './memcg';
import { statLocal, statTotal } from './stat';

function initMemcg(memcg: u32, parent: u32, kernelId: u64): void {
  let at = memcgAt(memcg);
  memory.fill(at, 0, L.MEMCG_STRIDE);
  store<u32>(at, L.MEMCG_ONLINE, L.MEMCG_STATE);
  store<u32>(at, parent, L.MEMCG_PARENT);
  store<u64>(at, kernelId, L.MEMCG_KERNEL_ID);
  pageCounterInit(memoryCounter(memcg), parent ? memoryCounter(parent) : 0, true);
  pageCounterInit(swapCounter(memcg), parent ? swapCounter(parent) : 0, false);
  // One objcg per memcg, with the same id. (Linux gives the root none; ours stands for the dead objcgs that end there.)
  let objcg = objcgAt(memcg);
  memory.fill(objcg, 0, L.OBJCG_STRIDE);
  store<u32>(objcg, memcg, L.OBJCG_MEMCG);
  store<u32>(objcg, memcg, L.OBJCG_FIRST);
  psiBorn(memcg);
  if (memcg >= headerGet(L.H_MEMCG_END)) headerSet(L.H_MEMCG_END, memcg + 1);
}

/** The root, at boot. */
export function initRoot(): void {
  initMemcg(ROOT, 0, 1);
}

/**
 * css_online(): makes `memcg` a child of `parent`. `kernelId` is the cgroup id that the recorded kernel printed.
 * -ENOSPC (raise cgroups), -EEXIST, -ENOENT (no such parent), -ENODEV (the parent is removed).
 */
export function mkdir(memcg: u32, parent: u32, kernelId: u64): i32 {
  if (memcg == 0 || memcg >= cgroupsEnd) {
    headerSet(L.H_FULL_TABLE, L.CAP_CGROUPS);
    return outOfRange(L.FIELD_CGROUP, memcg, ENOSPC);
  }
  if (memcgState(memcg) != L.MEMCG_FREE) return outOfRange(L.FIELD_CGROUP, memcg, EEXIST);
  if (!memcgExists(parent)) return outOfRange(L.FIELD_OBJECT, parent, ENOENT);
  if (memcgState(parent) != L.MEMCG_ONLINE) return outOfRange(L.FIELD_OBJECT, parent, ENODEV);
  initMemcg(memcg, parent, kernelId);
  let at = memcgAt(memcg);
  let up = memcgAt(parent);
  store<u32>(at, load<u32>(up, L.MEMCG_DEPTH) + 1, L.MEMCG_DEPTH);
  let last = load<u32>(up, L.MEMCG_LAST_CHILD);
  if (last) store<u32>(memcgAt(last), memcg, L.MEMCG_NEXT_SIBLING);
  else store<u32>(up, memcg, L.MEMCG_FIRST_CHILD);
  store<u32>(up, memcg, L.MEMCG_LAST_CHILD);
  store<u32>(up, load<u32>(up, L.MEMCG_NR_CHILDREN) + 1, L.MEMCG_NR_CHILDREN);
  return 0;
}

/**
 * rmdir: the directory goes; the css goes offline later. Page cache does not keep it. A recording knows that the kernel
 * allowed it (`recorded`); otherwise -EBUSY while tasks or children live there.
 */
export function rmdir(memcg: u32, recorded: bool): i32 {
  if (memcg == ROOT) return -EBUSY;
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  let at = memcgAt(memcg);
  if (load<u32>(at, L.MEMCG_STATE) != L.MEMCG_ONLINE) return outOfRange(L.FIELD_CGROUP, memcg, ENODEV);
  if (load<u32>(at, L.MEMCG_NR_CHILDREN) || (!recorded && load<u32>(at, L.MEMCG_NR_TASKS))) return -EBUSY;
  store<u32>(at, L.MEMCG_REMOVED, L.MEMCG_STATE);
  let up = memcgAt(load<u32>(at, L.MEMCG_PARENT));
  store<u32>(up, load<u32>(up, L.MEMCG_NR_CHILDREN) - 1, L.MEMCG_NR_CHILDREN);
  return 0;
}

/** Pages that a memcg and all below it have, without what stocks hold. */
function pagesLeft(memcg: u32): u64 {
  let pages = statTotal(memcg, L.STAT_KMEM) + statTotal(memcg, L.STAT_SOCK) + statTotal(memcg, L.STAT_HUGETLB);
  for (let stat: u32 = L.STAT_ANON; stat <= L.STAT_SHMEM; stat++) pages += statTotal(memcg, stat);
  return <u64>max<i64>(pages, 0);
}

/**
 * rmdir on condition that no more than `pages` are left (debate row P2a): EBUSY, as a refused row, where more are, or somebody lives there.
 * One that is gone already is gone.
 */
export function removeBelow(memcg: u32, pages: u64, cpu: u32): i32 {
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  if (memcgState(memcg) != L.MEMCG_ONLINE) return 0;
  if (pagesLeft(memcg) > pages) return refuseRow(EBUSY);
  let errno = rmdir(memcg, false);
  return errno == -EBUSY ? refuseRow(EBUSY) : errno ? errno : offline(memcg, cpu);
}

/**
 * mem_cgroup_css_offline(): protection ends, kernel memory moves to the parent by its objcgs, stocks are drained. LRU folios
 * stay charged to the dying memcg. `max`, `high` and `swap.max` stay as they were.
 */
export function offline(memcg: u32, cpu: u32): i32 {
  if (!memcgExists(memcg) || memcg == ROOT) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  if (memcgState(memcg) == L.MEMCG_ONLINE) {
    // The memory controller was switched off, not the cgroup removed.
    let errno = rmdir(memcg, true);
    if (errno) return errno;
  }
  if (memcgState(memcg) != L.MEMCG_REMOVED) return outOfRange(L.FIELD_CGROUP, memcg, ENODEV);
  pageCounterSetProtection(memoryCounter(memcg), L.PC_MIN, 0);
  pageCounterSetProtection(memoryCounter(memcg), L.PC_LOW, 0);
  store<u32>(memcgAt(memcg), L.MEMCG_DYING, L.MEMCG_STATE);
  let parent = load<u32>(memcgAt(memcg), L.MEMCG_PARENT);
  let stays = policyOn && hasOption(L.OPTION_OBJCG_STAYS);
  if (!stays) ringMoved(memcg, parent, <u64>max<i64>(0, statLocal(memcg, L.STAT_KMEM)));
  // 6.1 moves the objcgs first; nothing comes in between.
  if (nodesEnd > 1) reparentShrinker(memcg, parent);
  if (!stays) reparentObjcgs(memcg);
  if (nodesEnd > 1) reparentLoops(memcg, parent);
  if (policyOn) onOffline(memcg, parent, cpu);
  drainAllStock(memcg, cpu);
  releaseObjcg(cpu, memcg);
  putMemcg(memcg);
  return 0;
}
