// Slab objects that reclaim can take back (dentries, inodes), a list a memcg, oldest first. mm/list_lru.c: list_lru_add(),
// list_lru_del(), memcg_reparent_list_lrus(); fs/dcache.c: dentry_lru_isolate().
//
// Neighbours of one size and one owner are one run. A list is a queue of runs in a radix tree: key 2 × n is the run's word, 2 × n + 1 its
// objcg; n counts on at the newest end, and down where a child's list joins at the oldest.
//
//     word: | referenced:1 | objects:17 | bytes of each:14 |
import * as L from '../layout';
import { NO_KEY, radixClear, radixGet, radixNext, radixSet } from '../folio/radix';
import { unchargeObject } from '../live';
import { shrinkAt } from '../memory';
import { KIND_SLAB_RECLAIMABLE } from '../replay/ops';

const SIZE_BITS: u32 = 14;
/** The largest object that a slab cache has is of 8 KiB, and a pointer to its owner. */
export const MAX_OBJECT: u32 = (1 << SIZE_BITS) - 1;
const MAX_COUNT: u32 = (1 << 17) - 1;
const REFERENCED: u32 = 1 << 31;
/** Where the queue of an empty list begins: room both ways. */
const MIDDLE: u64 = 1 << 40;

@inline function tree(memcg: u32): usize {
  return shrinkAt(memcg) + L.SHRINK_RADIX;
}
@inline function head(memcg: u32): u64 {
  return load<u64>(shrinkAt(memcg), L.SHRINK_HEAD);
}
@inline function tail(memcg: u32): u64 {
  return load<u64>(shrinkAt(memcg), L.SHRINK_TAIL);
}
@inline function setHead(memcg: u32, n: u64): void {
  store<u64>(shrinkAt(memcg), n, L.SHRINK_HEAD);
}
@inline function setTail(memcg: u32, n: u64): void {
  store<u64>(shrinkAt(memcg), n, L.SHRINK_TAIL);
}
@inline function sizeOf(word: u32): u32 {
  return word & MAX_OBJECT;
}
@inline function countOf(word: u32): u32 {
  return (word & ~REFERENCED) >> SIZE_BITS;
}
@inline function wordAt(memcg: u32, n: u64): u32 {
  return radixGet(tree(memcg), n << 1);
}
@inline function ownerAt(memcg: u32, n: u64): u32 {
  return radixGet(tree(memcg), (n << 1) | 1);
}

/** Objects on the list: list_lru_shrink_count(). */
@inline export function listLruCount(memcg: u32): u64 {
  return load<u64>(shrinkAt(memcg), L.SHRINK_OBJECTS);
}
function addCount(memcg: u32, n: i64): void {
  store<i64>(shrinkAt(memcg), load<i64>(shrinkAt(memcg), L.SHRINK_OBJECTS) + n, L.SHRINK_OBJECTS);
}

/** Writes a run at a place that is free. False, nothing done: the nodes are used up. */
function setRun(memcg: u32, n: u64, word: u32, objcg: u32): bool {
  if (!radixSet(tree(memcg), n << 1, word)) return false;
  // Never the first of its leaf: neighbours share one.
  radixSet(tree(memcg), (n << 1) | 1, objcg);
  return true;
}
function clearRun(memcg: u32, n: u64): void {
  radixClear(tree(memcg), n << 1);
  radixClear(tree(memcg), (n << 1) | 1);
}

/** Puts `count` objects at the newest end. False, nothing done: the nodes are used up. */
function append(memcg: u32, objcg: u32, bytes: u32, count: u32, referenced: u32): bool {
  if (!listLruCount(memcg)) {
    setHead(memcg, MIDDLE);
    setTail(memcg, MIDDLE);
  }
  let n = tail(memcg);
  let last = n > head(memcg) ? wordAt(memcg, n - 1) : 0;
  let same = last && sizeOf(last) == bytes && (last & REFERENCED) == referenced && ownerAt(memcg, n - 1) == objcg;
  if (same && countOf(last) + count <= MAX_COUNT) radixSet(tree(memcg), (n - 1) << 1, last + (count << SIZE_BITS));
  else {
    if (!setRun(memcg, n, bytes | (count << SIZE_BITS) | referenced, objcg)) return false;
    setTail(memcg, n + 1);
  }
  addCount(memcg, count);
  return true;
}

/** list_lru_add(): an object of `bytes` that `objcg` is charged for. False, nothing done: the nodes are used up. */
export function listLruAdd(memcg: u32, objcg: u32, bytes: u32, referenced: bool): bool {
  return append(memcg, objcg, bytes, 1, referenced ? REFERENCED : 0);
}

/** Takes `count` objects off run `n`, which goes when it is empty. */
function takeFrom(memcg: u32, n: u64, count: u32): void {
  let word = wordAt(memcg, n) - (count << SIZE_BITS);
  addCount(memcg, -(<i64>count));
  if (countOf(word)) {
    radixSet(tree(memcg), n << 1, word);
    return;
  }
  clearRun(memcg, n);
  if (n + 1 == tail(memcg)) setTail(memcg, n);
  else if (n == head(memcg)) setHead(memcg, n + 1);
}

/** The first run that is not empty, from `n` on; NO_KEY: there is none. */
@inline function runFrom(memcg: u32, n: u64): u64 {
  let key = radixNext(tree(memcg), n << 1);
  return key == NO_KEY ? NO_KEY : key >> 1;
}

/** list_lru_del(): the oldest object of this size and owner leaves the list; it stays charged. False: there is none. */
export function listLruDel(memcg: u32, objcg: u32, bytes: u32): bool {
  for (let n = runFrom(memcg, 0); n != NO_KEY; n = runFrom(memcg, n + 1)) {
    if (sizeOf(wordAt(memcg, n)) != bytes || ownerAt(memcg, n) != objcg) continue;
    takeFrom(memcg, n, 1);
    return true;
  }
  return false;
}

/**
 * list_lru_shrink_walk(): looks at `n` objects, oldest first. One that was used since it came is passed over once, to the newest end; the
 * others are freed on `cpu`. Answers how many.
 */
export function listLruWalk(memcg: u32, cpu: u32, n: u64): u64 {
  let freed: u64 = 0;
  while (n && listLruCount(memcg)) {
    let run = runFrom(memcg, head(memcg));
    let word = wordAt(memcg, run);
    let objcg = ownerAt(memcg, run);
    let count = <u32>min<u64>(n, countOf(word));
    n -= count;
    takeFrom(memcg, run, count);
    // (Without a node for the run that it would be, the object has had its second chance.)
    if (word & REFERENCED && append(memcg, objcg, sizeOf(word), count, 0)) continue;
    for (let i: u32 = 0; i < count; i++) unchargeObject(cpu, objcg, sizeOf(word), KIND_SLAB_RECLAIMABLE);
    freed += count;
  }
  return freed;
}

/**
 * memcg_reparent_list_lrus(): the dead memcg's objects go before its parent's own, in their order. Where nodes are used up the rest stays,
 * and reclaim finds it there.
 */
export function reparentListLru(memcg: u32, parent: u32): void {
  if (!listLruCount(memcg)) return;
  if (!listLruCount(parent)) {
    setHead(parent, MIDDLE);
    setTail(parent, MIDDLE);
  }
  for (let n = tail(memcg); n-- > head(memcg); ) {
    let word = wordAt(memcg, n);
    if (!word) continue;
    if (!setRun(parent, head(parent) - 1, word, ownerAt(memcg, n))) return;
    setHead(parent, head(parent) - 1);
    addCount(parent, countOf(word));
    takeFrom(memcg, n, countOf(word));
  }
}

/** Bytes of the objects on the list, for the audit; -1: their number is wrong. */
export function listLruBytes(memcg: u32): i64 {
  let bytes: i64 = 0;
  let count: u64 = 0;
  for (let n = runFrom(memcg, 0); n != NO_KEY; n = runFrom(memcg, n + 1)) {
    let word = wordAt(memcg, n);
    bytes += <i64>sizeOf(word) * countOf(word);
    count += countOf(word);
  }
  return count == listLruCount(memcg) ? bytes : -1;
}
