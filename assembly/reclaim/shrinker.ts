// Slab shrinkers: how much of a memcg's reclaimable slab a round of reclaim looks at. mm/shrinker.c (6.1: mm/vmscan.c): shrink_slab(),
// do_shrink_slab(), reparent_shrinker_deferred(); fs/super.c: super_cache_scan(); fs/drop_caches.c: drop_slab(). All objects stand for
// those of one superblock. Linux frees dentries and inodes after an RCU grace period; here they are free at once. Either way they are no
// progress of a memcg's reclaim: 6.18 does not count slab there, and 6.1 only what is freed within.
import * as L from '../layout';
import { nextInSubtree } from '../memcg/memcg';
import { ROOT, shrinkAt } from '../memory';
import { listLruCount, listLruWalk, reparentListLru } from './list-lru';

/** fs/super.c: alloc_super(), s_shrink->batch: objects that one call looks at. (SHRINK_BATCH is 128.) */
const BATCH: u64 = 1024;
/** include/linux/shrinker.h */
const DEFAULT_SEEKS: u64 = 2;

@inline function deferred(memcg: u32): u64 {
  return load<u64>(shrinkAt(memcg), L.SHRINK_DEFERRED);
}
@inline function setDeferred(memcg: u32, objects: u64): void {
  store<u64>(shrinkAt(memcg), objects, L.SHRINK_DEFERRED);
}

/**
 * shrink_slab() of one memcg at a priority: a share of its objects like the share of pages, and what earlier rounds left for being less
 * than a batch. Answers the objects freed.
 */
export function shrinkSlab(memcg: u32, cpu: u32, priority: u32): u64 {
  let freeable = listLruCount(memcg);
  if (!freeable) return 0;
  let left = deferred(memcg);
  let delta = ((freeable >> priority) * 4) / DEFAULT_SEEKS;
  let total = min<u64>((left >> priority) + delta, 2 * freeable);
  let scanned: u64 = 0;
  let freed: u64 = 0;
  while (total >= BATCH || total >= freeable) {
    let n = min<u64>(BATCH, total);
    freed += listLruWalk(memcg, cpu, n);
    total -= n;
    scanned += n;
  }
  let next = left + delta > scanned ? left + delta - scanned : 0;
  setDeferred(memcg, min<u64>(next, 2 * freeable));
  return freed;
}

/** At offline: objects and deferred work go to the parent. */
export function reparentShrinker(memcg: u32, parent: u32): void {
  reparentListLru(memcg, parent);
  setDeferred(parent, deferred(parent) + deferred(memcg));
  setDeferred(memcg, 0);
}

/** drop_slab(): `echo 2 > /proc/sys/vm/drop_caches`. Until a round frees little: ever less is enough to stop. */
export function dropSlab(cpu: u32): void {
  let shift: u64 = 0;
  for (;;) {
    let freed: u64 = 0;
    for (let m: u32 = ROOT; m; m = nextInSubtree(m, ROOT)) freed += shrinkSlab(m, cpu, 0);
    if (freed >> shift++ <= 1) return;
  }
}
