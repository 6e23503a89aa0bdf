// Locked memory: which ranges of an address space are locked (VM_LOCKED), and how many address spaces lock a page. A page that one does
// lies on the unevictable list, where reclaim never looks. mm/mlock.c: do_mlock(), mlock_folio(), munlock_folio(), mm/rmap.c.
//
//     mm → | object  from  to | → | object  from  to |          ranges of one object neither overlap nor touch
//
// What the kernel gathers in batches of 31 happens at once here; RLIMIT_MEMLOCK is not modelled.
import { EINVAL, ENOSPC } from '../constants';
import { differs } from '../audit';
import * as L from '../layout';
import { folioAt, headerGet, headerSet, locksBase, lockedBase, mapsEnd, mmAt, outOfRange, taskAt } from '../memory';
import { addHead, listAt, remove } from '../reclaim/lru';
import { FLAG_FAULT, FLAG_IN_CALL, FLAG_ONFAULT } from '../replay/ops';
import { isKilled } from '../task/task';
import { anonFrame, anonTouch, nextAnon } from './anon';
import { chargeWord, newFolioList, ownerOf } from './folio';
import { isLruAdding, lruAddForget } from './lru-add';
import { fileAccess, frameAt, mapObject, mapOf, nextMapped } from './mapping';
import { NO_KEY } from './radix';
import { setState, stateOf } from './resident';

@inline function lockAt(lock: u32): usize {
  return locksBase + <usize>lock * L.LOCK_STRIDE;
}
@inline function nextLock(lock: u32): u32 {
  return load<u32>(lockAt(lock), L.LOCK_NEXT);
}
@inline function objectOf(lock: u32): u32 {
  return load<u32>(lockAt(lock), L.LOCK_OBJECT);
}
@inline function fromOf(lock: u32): u64 {
  return load<u64>(lockAt(lock), L.LOCK_FROM);
}
@inline function toOf(lock: u32): u64 {
  return load<u64>(lockAt(lock), L.LOCK_TO);
}
@inline export function firstLock(mm: u32): u32 {
  return load<u32>(mmAt(mm), L.MM_LOCKS);
}
@inline function lockedCount(frame: u32): usize {
  return lockedBase + (<usize>frame << 2);
}
/** PG_mlocked */
@inline export function isMlocked(frame: u32): bool {
  return (stateOf(frame) & L.STATE_MLOCKED) != 0;
}

// --- folios

/** Puts the folio, which is on a list or in a batch unless reclaim has it in hand, on another list. */
function moveTo(frame: u32, list: u32): void {
  let memcg = ownerOf(chargeWord(frame));
  let adding = isLruAdding(frame);
  if (adding) lruAddForget(headerGet(L.H_CURRENT_CPU), frame);
  let state = stateOf(frame);
  let listed = load<u32>(folioAt(frame), L.FOLIO_POSITION) != 0;
  if (listed) remove(listAt(memcg, (state & L.STATE_LIST_MASK) >> L.STATE_LIST_SHIFT), frame, 1);
  setState(frame, (state & ~L.STATE_LIST_MASK) | (list << L.STATE_LIST_SHIFT));
  if (listed || adding) addHead(listAt(memcg, list), frame, 1);
}

/** mlock_folio(): one address space more locks it. */
function mlockFolio(frame: u32): void {
  let count = load<u32>(lockedCount(frame));
  store<u32>(lockedCount(frame), count + 1);
  if (count) return;
  setState(frame, stateOf(frame) | L.STATE_MLOCKED);
  moveTo(frame, L.LRU_UNEVICTABLE);
}

/** munlock_folio(): one fewer. With the last it is inactive, as if it were new. */
function munlockFolio(frame: u32): void {
  let count = load<u32>(lockedCount(frame)) - 1;
  store<u32>(lockedCount(frame), count);
  if (count) return;
  let state = stateOf(frame) & ~L.STATE_MLOCKED;
  setState(frame, state);
  moveTo(frame, newFolioList(state & L.STATE_KIND_MASK));
}

/** The folio is freed, whoever locked it. */
@inline export function forgetMlock(frame: u32): void {
  if (isMlocked(frame)) store<u32>(lockedCount(frame), 0);
}

/** The range that page `index` of `object` (0: private memory) lies in; 0: it is not locked. */
function lockOf(mm: u32, object: u32, index: u64): u32 {
  for (let lock = firstLock(mm); lock; lock = nextLock(lock))
    if (objectOf(lock) == object && index >= fromOf(lock) && index < toOf(lock)) return lock;
  return 0;
}

/** mlock_vma_folio(): a page joins the page tables of the mm; where its range is locked, so is it. */
@inline export function mlockMapped(mm: u32, object: u32, index: u64, frame: u32): void {
  if (firstLock(mm) && lockOf(mm, object, index)) mlockFolio(frame);
}
/** munlock_vma_folio(): a page leaves them, and another takes its place. */
@inline export function munlockMapped(mm: u32, object: u32, index: u64, frame: u32): void {
  if (firstLock(mm) && lockOf(mm, object, index)) munlockFolio(frame);
}

// --- ranges

/** The first page from `index` on that the mm has in its page tables, of an object or (0) of its private memory. */
@inline function nextPresent(mm: u32, object: u32, map: u32, index: u64): u64 {
  return object ? nextMapped(map, index) : nextAnon(mm, index);
}

/** Locks (`lock`) or unlocks what is present of [from, to) and was not yet, or was. */
function apply(mm: u32, object: u32, from: u64, to: u64, lock: bool): void {
  let map = object ? mapOf(mm, object) : 0;
  if (object && !map) return;
  for (let i = nextPresent(mm, object, map, from); i != NO_KEY && i < to; i = nextPresent(mm, object, map, i + 1)) {
    let frame = object ? frameAt(object, i) : anonFrame(mm, i);
    if (!frame || (lockOf(mm, object, i) != 0) == lock) continue;
    if (lock) mlockFolio(frame);
    else munlockFolio(frame);
  }
}

/** The table has a record left. */
function hasRoom(): bool {
  return headerGet(L.H_FREE_LOCK) != 0 || max<u32>(1, headerGet(L.H_LOCK_END)) < mapsEnd;
}

/** A range more, for which there is room. */
function newLock(mm: u32, object: u32, from: u64, to: u64): void {
  let lock = headerGet(L.H_FREE_LOCK);
  if (lock) headerSet(L.H_FREE_LOCK, nextLock(lock));
  else {
    lock = max<u32>(1, headerGet(L.H_LOCK_END));
    headerSet(L.H_LOCK_END, lock + 1);
  }
  let at = lockAt(lock);
  store<u32>(at, firstLock(mm), L.LOCK_NEXT);
  store<u32>(at, object, L.LOCK_OBJECT);
  store<u64>(at, from, L.LOCK_FROM);
  store<u64>(at, to, L.LOCK_TO);
  store<u32>(mmAt(mm), lock, L.MM_LOCKS);
}

/** Takes a range off the mm's list; `previous` is the one in front of it, 0 where it is the first. */
function freeLock(mm: u32, lock: u32, previous: u32): void {
  if (previous) store<u32>(lockAt(previous), nextLock(lock), L.LOCK_NEXT);
  else store<u32>(mmAt(mm), nextLock(lock), L.MM_LOCKS);
  store<u32>(lockAt(lock), headerGet(L.H_FREE_LOCK), L.LOCK_NEXT);
  headerSet(L.H_FREE_LOCK, lock);
}

function fullLocks(index: u64): i32 {
  headerSet(L.H_FULL_TABLE, L.CAP_MAPS);
  return outOfRange(L.FIELD_INDEX, index, ENOSPC);
}

/** A locked range of the object overlaps or touches [from, to). */
function meets(mm: u32, object: u32, from: u64, to: u64): bool {
  for (let lock = firstLock(mm); lock; lock = nextLock(lock))
    if (objectOf(lock) == object && fromOf(lock) <= to && toOf(lock) >= from) return true;
  return false;
}

/** [from, to) of the object is locked: one range with those that it overlaps or touches. */
function addRange(mm: u32, object: u32, from: u64, to: u64): void {
  let previous: u32 = 0;
  for (let lock = firstLock(mm); lock; ) {
    let next = nextLock(lock);
    if (objectOf(lock) == object && fromOf(lock) <= to && toOf(lock) >= from) {
      from = min<u64>(from, fromOf(lock));
      to = max<u64>(to, toOf(lock));
      freeLock(mm, lock, previous);
    } else previous = lock;
    lock = next;
  }
  newLock(mm, object, from, to);
}

/** [from, to) of the object is not locked any more. A range that is cut in two needs room for one more. */
function removeRange(mm: u32, object: u32, from: u64, to: u64): void {
  let inside = lockOf(mm, object, from);
  if (inside && fromOf(inside) < from && toOf(inside) > to) {
    let end = toOf(inside);
    newLock(mm, object, to, end);
    store<u64>(lockAt(inside), from, L.LOCK_TO);
    return;
  }
  let previous: u32 = 0;
  for (let lock = firstLock(mm); lock; ) {
    let next = nextLock(lock);
    if (objectOf(lock) == object && fromOf(lock) < to && toOf(lock) > from) {
      if (fromOf(lock) >= from && toOf(lock) <= to) {
        freeLock(mm, lock, previous);
        lock = next;
        continue;
      }
      if (fromOf(lock) < from) store<u64>(lockAt(lock), from, L.LOCK_TO);
      else store<u64>(lockAt(lock), to, L.LOCK_FROM);
    }
    previous = lock;
    lock = next;
  }
}

// --- rows

/**
 * mlock(), mlock2(): pages [index, index + count) of an object that the task maps, or (object 0) of its private memory, are locked, and
 * brought in, unless FLAG_ONFAULT says that they will be when they are used. 0 or a negative errno.
 */
export function mlock(task: u32, cpu: u32, object: u32, index: u64, count: u32, flags: u32): i32 {
  let mm = task ? load<u32>(taskAt(task), L.TASK_MM) : 0;
  if (!mm) return outOfRange(L.FIELD_TASK, task, EINVAL);
  if (!count) return outOfRange(L.FIELD_COUNT, count, EINVAL);
  if (index + count < index) return outOfRange(L.FIELD_INDEX, index, EINVAL);
  let errno = object ? mapObject(mm, object) : 0;
  if (errno) return errno;
  if (!hasRoom() && !meets(mm, object, index, index + count)) return fullLocks(index);
  apply(mm, object, index, index + count, true);
  addRange(mm, object, index, index + count);
  if (flags & FLAG_ONFAULT || isKilled(task)) return 0;
  // populate_vma_page_range(): private memory is written, an object is read.
  return object ? fileAccess(task, cpu, object, index, count, FLAG_FAULT | FLAG_IN_CALL) : anonTouch(task, cpu, index, count, true, true);
}

/** munlock(), munmap(): what was locked of pages [index, index + count), or (count 0) of all from `index` on, is not any more. */
export function munlock(task: u32, object: u32, index: u64, count: u32): i32 {
  let mm = task ? load<u32>(taskAt(task), L.TASK_MM) : 0;
  if (!mm || !firstLock(mm)) return 0;
  let to = count ? index + count : NO_KEY;
  let inside = lockOf(mm, object, index);
  if (inside && fromOf(inside) < index && toOf(inside) > to && !hasRoom()) return fullLocks(index);
  apply(mm, object, index, to, false);
  removeRange(mm, object, index, to);
  return 0;
}

/** exit_mmap() begins: private pages that a child has, too, are locked by it alone, if at all. (Those of objects: munlockMapped().) */
export function munlockPrivate(mm: u32): void {
  for (let lock = firstLock(mm); lock; lock = nextLock(lock))
    if (!objectOf(lock)) apply(mm, 0, fromOf(lock), toOf(lock), false);
}

/** exit_mmap() ends: no range is left. */
export function forgetAllLocks(mm: u32): void {
  while (firstLock(mm)) freeLock(mm, firstLock(mm), 0);
}

/** The object is gone, and its pages with it: nobody locks them any more. */
export function forgetLocks(mm: u32, object: u32): void {
  removeRange(mm, object, 0, NO_KEY);
}

// --- audit and digest

/** Adds `n` to the count of every page for each address space that locks it. */
function addCounts(n: i32): void {
  for (let mm: u32 = 1; mm < headerGet(L.H_TASK_END); mm++) {
    for (let lock = firstLock(mm); lock; lock = nextLock(lock)) {
      let object = objectOf(lock);
      let map = object ? mapOf(mm, object) : 0;
      if (object && !map) continue;
      for (let i = nextPresent(mm, object, map, fromOf(lock)); i != NO_KEY && i < toOf(lock); i = nextPresent(mm, object, map, i + 1)) {
        let frame = object ? frameAt(object, i) : anonFrame(mm, i);
        if (frame) store<u32>(lockedCount(frame), load<u32>(lockedCount(frame)) + n);
      }
    }
  }
}

/** Every page is locked as often as address spaces do, and unevictable where one does. 0, or the code of the first discrepancy. */
export function auditMlock(): u32 {
  let code: u32 = 0;
  for (let frame: u32 = 1; frame < headerGet(L.H_FRAME_END) && !code; frame++) {
    let locked = load<u32>(lockedCount(frame)) != 0;
    let listed = (stateOf(frame) & L.STATE_LIST_MASK) >> L.STATE_LIST_SHIFT == L.LRU_UNEVICTABLE;
    code = differs(L.AUDIT_MLOCK, frame, locked, isMlocked(frame));
    if (!code) code = differs(L.AUDIT_MLOCK, frame, locked, listed);
  }
  if (code || !headerGet(L.H_LOCK_END)) return code;
  addCounts(-1);
  for (let frame: u32 = 1; frame < headerGet(L.H_FRAME_END) && !code; frame++)
    code = differs(L.AUDIT_MLOCK, frame, 0, load<i32>(lockedCount(frame)));
  addCounts(1);
  return code;
}

/** The ranges of an mm one after the other, for the digest: answers the next one, and what it says by `field`. */
@inline export function lockAfter(lock: u32): u32 {
  return nextLock(lock);
}
@inline export function lockWord(lock: u32, field: u32): u64 {
  return load<u64>(lockAt(lock) + field);
}
