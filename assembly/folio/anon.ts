// Private memory of an address space: made by the first write, shared by fork until one side writes, in swap when reclaim took it.
// mm/memory.c (do_anonymous_page(), do_wp_page(), do_swap_page(), copy_page_range(), zap_pte_range()), kernel/fork.c (dup_mm(), mmput()).
import { EINVAL, ENOMEM, ENOSPC } from '../constants';
import * as L from '../layout';
import { headerSet, kernel61, mmAt, outOfRange, policyOn, taskAt, userSetsEnd } from '../memory';
import { noteUse } from '../observe/users';
import { payerOf } from '../policy/payer';
import { setCharge, setContext } from '../policy/policy';
import { claim } from '../policy/release';
import { KIND_ANON } from '../replay/ops';
import { folioPayer, isKilled, taskMemcg } from '../task/task';
import { copyHuge, unmapHugeAll } from './hugetlb';
import { isLruAdding, lruAddDrain } from './lru-add';
import { unmapAll } from './mapping';
import { firstLock, forgetAllLocks, isMlocked, mlockMapped, munlock, munlockMapped, munlockPrivate } from './mlock';
import { NO_KEY, radixClear, radixDestroy, radixGet, radixNext, radixSet } from './radix';
import { countEvent, freeFolio, mapcount, mapFolio, newFolio, placeAt, setState, stateOf, unmapFolio } from './resident';
import { anonPlace, beginRing, joinRing, leaveRing, placeMm, rehome } from './rmap';
import { dropSlot, duplicateSlot, folioSlot, slotCount, slotFolio } from './slots';
import { freeSwap, freeSwapAndCache, inSwapCache, recount, swapFull, swapIn, uncount } from './swap-cache';
import { waitForFolio } from './writeback';

/** Virtual page numbers of user space with five levels of page tables. */
const VPN_END: u64 = 1 << 44;

@inline function pagesOf(mm: u32): usize {
  return mmAt(mm) + L.MM_RADIX;
}
@inline function users(mm: u32): u32 {
  return load<u32>(mmAt(mm), L.MM_USERS);
}
@inline function setUsers(mm: u32, count: u32): void {
  store<u32>(mmAt(mm), count, L.MM_USERS);
}
@inline function isPresent(word: u32): bool {
  return word != 0 && !(word & L.PTE_SWAP);
}
@inline function isSwapped(word: u32): bool {
  return (word & L.PTE_SWAP) != 0 && word != L.ZERO_PAGE;
}

/** A folio that its last address space has left: what is in the swap cache goes with its slot (free_pages_and_swap_cache()). */
function freeAnon(task: u32, cpu: u32, frame: u32): void {
  if (!inSwapCache(frame) || freeSwap(cpu, frame)) freeFolio(task, cpu, frame);
  else uncount(frame);
}

/** An entry leaves the page tables: zap_pte_range(). */
@inline function dropPage(task: u32, cpu: u32, mm: u32, vpn: u64, word: u32): void {
  if (word == L.ZERO_PAGE) return;
  let frame = word & L.PTE_FRAME;
  if (word & L.PTE_SWAP) freeSwapAndCache(task, cpu, frame);
  else if (!unmapFolio(frame)) freeAnon(task, cpu, frame);
  else if (placeMm(frame) == mm) rehome(frame, mm, vpn);
}

function checkRange(vpn: u64, count: u32): i32 {
  if (vpn >= VPN_END || VPN_END - vpn < <u64>count) return outOfRange(L.FIELD_INDEX, vpn, EINVAL);
  return count ? 0 : outOfRange(L.FIELD_COUNT, count, EINVAL);
}

function fullNodes(): i32 {
  headerSet(L.H_FULL_TABLE, L.CAP_NODES);
  return outOfRange(L.FIELD_INDEX, 0, ENOSPC);
}

/** The page is in this page table alone, and no swap entry stands for another one's: wp_can_reuse_anon_folio(). */
@inline function isExclusive(frame: u32): bool {
  return mapcount(frame) == 1 && (!inSwapCache(frame) || !slotCount(folioSlot(frame)));
}

/** A write through an entry that may be written: what stands in swap of the page is out of date. */
@inline function writeMapped(mm: u32, frame: u32): void {
  let state = stateOf(frame);
  if ((state & (L.STATE_SWAPCACHE | L.STATE_DIRTY)) != L.STATE_SWAPCACHE) return;
  setState(frame, state | L.STATE_DIRTY);
  // 6.1 maps a page that was read back read-only, and the first write faults (do_wp_page()).
  if (kernel61) countEvent(taskMemcg(mm), L.STAT_PGFAULT);
}

/**
 * Pages [vpn, vpn + count) are touched. A write makes the page, or copies one that another address space has too; the owner of the
 * mm pays, whatever scope is active. A page in swap is read back. `inCall`: by a system call (MAP_POPULATE, mlock()), not by a page fault.
 * 0 or a negative errno.
 */
export function anonTouch(task: u32, cpu: u32, vpn: u64, count: u32, write: bool, inCall: bool): i32 {
  let errno = checkRange(vpn, count);
  if (errno) return errno;
  let mm = load<u32>(taskAt(task), L.TASK_MM);
  if (!mm) return outOfRange(L.FIELD_TASK, task, EINVAL);
  let payer = folioPayer(task, true);
  let context: u32 = inCall ? L.CONTEXT_CALL : L.CONTEXT_FAULT;
  setContext(context);
  if (policyOn) {
    let toucher = payer;
    payer = payerOf(task, 0, toucher);
    setCharge(context, payer, toucher);
  }
  let pages = pagesOf(mm);
  for (let v = vpn; v < vpn + count; v++) {
    let word = radixGet(pages, v);
    if (isSwapped(word)) {
      errno = swapFault(task, cpu, mm, payer, v, word & L.PTE_FRAME, write);
      if (errno) return errno == -ENOMEM ? 0 : errno;
      word = radixGet(pages, v);
    }
    if (isPresent(word)) {
      let frame = word & L.PTE_FRAME;
      if (!(word & L.PTE_YOUNG)) radixSet(pages, v, word | L.PTE_YOUNG);
      if (userSetsEnd) noteUse(frame, taskMemcg(mm));
      if (!write) continue;
      if (isExclusive(frame)) {
        writeMapped(mm, frame);
        continue;
      }
    } else if (!write) {
      if (word) continue;
      if (!radixSet(pages, v, L.ZERO_PAGE)) return fullNodes();
      countEvent(taskMemcg(mm), L.STAT_PGFAULT);
      continue;
    }
    let frame = newFolio(task, cpu, payer, KIND_ANON, anonPlace(mm, v));
    if (frame < 0) return frame == -ENOMEM ? 0 : frame;
    // Killed for the want of this very page: the address space is gone.
    if (isKilled(task)) {
      freeFolio(task, cpu, <u32>frame);
      return 0;
    }
    // The charge may have reclaimed the very page that is being copied.
    word = radixGet(pages, v);
    if (!radixSet(pages, v, <u32>frame | L.PTE_YOUNG | L.PTE_EXCLUSIVE)) {
      freeFolio(task, cpu, <u32>frame);
      return fullNodes();
    }
    if (userSetsEnd) noteUse(<u32>frame, taskMemcg(mm));
    mapFolio(<u32>frame);
    mlockMapped(mm, 0, v, <u32>frame);
    countEvent(taskMemcg(mm), L.STAT_PGFAULT);
    if (isPresent(word)) munlockMapped(mm, 0, v, word & L.PTE_FRAME);
    if (word) dropPage(task, cpu, mm, v, word);
  }
  return 0;
}

/** The page of a slot is in the page tables again. */
function mapSwapped(mm: u32, vpn: u64, frame: u32): void {
  if (!mapcount(frame)) store<u64>(placeAt(frame), anonPlace(mm, vpn));
  mapFolio(frame);
  if (userSetsEnd) noteUse(frame, taskMemcg(mm));
  recount(frame);
  radixSet(pagesOf(mm), vpn, frame | L.PTE_YOUNG);
  mlockMapped(mm, 0, vpn, frame);
}

/** do_swap_page(): the page of a slot comes back into the page tables. -ENOMEM: its charge was refused. */
function swapFault(task: u32, cpu: u32, mm: u32, payer: u32, vpn: u64, slot: u32, write: bool): i32 {
  let frame = slotFolio(slot);
  let major = !frame;
  if (major) {
    let got = swapIn(task, cpu, slot, payer, KIND_ANON, anonPlace(mm, vpn));
    if (got < 0) return got;
    frame = <u32>got;
  } else if (policyOn) {
    if (claim(task, cpu, frame, payer)) return -ENOMEM;
    if (isKilled(task)) return -ENOMEM;
  }
  // A write must know whether the batch's reference is the only other one.
  if (write && isLruAdding(frame)) lruAddDrain(cpu);
  mapSwapped(mm, vpn, frame);
  countEvent(taskMemcg(mm), L.STAT_PGFAULT);
  if (major) countEvent(taskMemcg(mm), L.STAT_PGMAJFAULT);
  dropSlot(slot);
  // should_try_to_free_swap(): the slot is wanted elsewhere, or a write makes its content useless.
  if (swapFull(frame) || isMlocked(frame) || (write && mapcount(frame) == 1)) freeSwap(cpu, frame);
  if (write && inSwapCache(frame) && isExclusive(frame)) setState(frame, stateOf(frame) | L.STATE_DIRTY);
  return 0;
}

/** unuse_mm(): what an address space has in swap is read back, old. 0 or a negative errno; -ENOMEM: a charge was refused. */
export function unuseMm(task: u32, cpu: u32, mm: u32): i32 {
  let pages = pagesOf(mm);
  for (let v = radixNext(pages, 0); v != NO_KEY; v = radixNext(pages, v + 1)) {
    let word = radixGet(pages, v);
    if (!isSwapped(word)) continue;
    let slot = word & L.PTE_FRAME;
    let frame = slotFolio(slot);
    if (!frame) {
      let got = swapIn(task, cpu, slot, taskMemcg(mm), KIND_ANON, anonPlace(mm, v));
      // Its owner died of that: nothing is left to read back.
      if (got == -ENOMEM && !users(mm)) return 0;
      if (got < 0) return got;
      frame = <u32>got;
    }
    waitForFolio(frame);
    mapSwapped(mm, v, frame);
    radixSet(pages, v, frame);
    dropSlot(slot);
    freeSwap(cpu, frame);
  }
  return 0;
}

/** munmap(), MADV_DONTNEED: pages [vpn, vpn + count) leave the address space. */
export function anonFree(task: u32, cpu: u32, vpn: u64, count: u32): i32 {
  let errno = checkRange(vpn, count);
  if (errno) return errno;
  let mm = load<u32>(taskAt(task), L.TASK_MM);
  if (!mm) return outOfRange(L.FIELD_TASK, task, EINVAL);
  errno = munlock(task, 0, vpn, count);
  if (errno) return errno;
  let pages = pagesOf(mm);
  lruAddDrain(cpu); // zap_page_range_single()
  for (let v = radixNext(pages, vpn); v < vpn + count; v = radixNext(pages, v + 1)) {
    let word = radixGet(pages, v);
    radixClear(pages, v);
    dropPage(task, cpu, mm, v, word);
  }
  return 0;
}

// --- the life of an address space

/** exit_mmap(): everything leaves. */
function destroyMm(task: u32, cpu: u32, mm: u32): void {
  if (firstLock(mm)) munlockPrivate(mm);
  let pages = pagesOf(mm);
  lruAddDrain(cpu);
  for (let v = radixNext(pages, 0); v != NO_KEY; v = radixNext(pages, v + 1)) dropPage(task, cpu, mm, v, radixGet(pages, v));
  radixDestroy(pages);
  leaveRing(mm);
  unmapAll(mm);
  forgetAllLocks(mm);
  unmapHugeAll(mm);
}

/** The task begins with an address space of its own, empty. */
export function newMm(task: u32, cpu: u32): void {
  // An exec while others still run on the old one: the kernel has killed them by now (de_thread()), or else they would have kept it. Here
  // it goes, and they are users of the new one until they exit.
  if (users(task) || load<u32>(pagesOf(task), L.RADIX_ENTRIES)) destroyMm(task, cpu, task);
  beginRing(task);
  setUsers(task, users(task) + 1);
  store<u32>(mmAt(task), 0, L.TASK_NR_DIRTIED); // and TASK_DIRTIED_PAUSE
}

/** One more task runs on the mm: CLONE_VM. */
export function shareMm(mm: u32): void {
  setUsers(mm, users(mm) + 1);
}

/** mmput(): the task leaves its mm; the last one takes it down. */
export function leaveMm(task: u32, cpu: u32): void {
  let mm = load<u32>(taskAt(task), L.TASK_MM);
  if (!mm || !users(mm)) return;
  setUsers(mm, users(mm) - 1);
  if (!users(mm)) destroyMm(task, cpu, mm);
}

/**
 * copy_page_range(): the child's page tables point to the parent's private pages and slots, old. Mapped files are left to faults, as
 * vma_needs_copy() does. -ENOSPC: nodes are used up.
 */
export function copyMm(parent: u32, child: u32): i32 {
  let from = pagesOf(parent);
  let to = pagesOf(child);
  joinRing(parent, child);
  for (let v = radixNext(from, 0); v != NO_KEY; v = radixNext(from, v + 1)) {
    let word = radixGet(from, v);
    if (isPresent(word) && word & L.PTE_EXCLUSIVE) {
      word &= ~L.PTE_EXCLUSIVE;
      radixSet(from, v, word);
    }
    if (!radixSet(to, v, word == L.ZERO_PAGE ? word : word & ~L.PTE_YOUNG)) return fullNodes();
    if (isSwapped(word)) duplicateSlot(word & L.PTE_FRAME);
    else if (isPresent(word)) mapFolio(word & L.PTE_FRAME);
  }
  return copyHuge(parent, child);
}

/** The page of private memory at `vpn`; 0: there is none, or it is the zero page, or in swap. */
export function anonFrame(mm: u32, vpn: u64): u32 {
  let word = radixGet(pagesOf(mm), vpn);
  return isPresent(word) ? word & L.PTE_FRAME : 0;
}
/** The first page of private memory from `vpn` on that the page tables know; NO_KEY: there is none. */
export function nextAnon(mm: u32, vpn: u64): u64 {
  return radixNext(pagesOf(mm), vpn);
}
