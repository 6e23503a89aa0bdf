// Private memory of an address space: made by the first write, shared by fork until one side writes. mm/memory.c
// (do_anonymous_page(), do_wp_page(), copy_page_range()), kernel/fork.c (dup_mm(), mmput()).
import { EINVAL, ENOMEM, ENOSPC } from '../constants';
import * as L from '../layout';
import { headerSet, mmAt, outOfRange, taskAt } from '../memory';
import { KIND_ANON } from '../replay/ops';
import { folioPayer, isKilled, taskMemcg } from '../task/task';
import { lruAddDrain } from './lru-add';
import { mappedPages, unmapAll } from './mapping';
import { NO_KEY, radixClear, radixDestroy, radixGet, radixNext, radixSet } from './radix';
import { countEvent, freeFolio, mapcount, mapFolio, newFolio, unmapFolio } from './resident';

/** The page table entry points to the zero page: read, never written. Nobody is charged for it. */
export const ZERO_PAGE: u32 = 0xffffffff;
/** Virtual page numbers of a 57-bit address space. */
const VPN_END: u64 = 1 << 45;

@inline function pagesOf(mm: u32): usize {
  return mmAt(mm) + L.MM_RADIX;
}
@inline function users(mm: u32): u32 {
  return load<u32>(mmAt(mm), L.MM_USERS);
}
@inline function setUsers(mm: u32, count: u32): void {
  store<u32>(mmAt(mm), count, L.MM_USERS);
}

/** A page leaves the address space; the last one that had it frees it. */
@inline function dropPage(task: u32, cpu: u32, word: u32): void {
  if (word != ZERO_PAGE && !unmapFolio(word)) freeFolio(task, cpu, word);
}

function checkRange(vpn: u64, count: u32): i32 {
  if (vpn >= VPN_END || VPN_END - vpn < <u64>count) return outOfRange(L.FIELD_INDEX, vpn, EINVAL);
  return count ? 0 : outOfRange(L.FIELD_COUNT, count, EINVAL);
}

function fullNodes(): i32 {
  headerSet(L.H_FULL_TABLE, L.CAP_NODES);
  return outOfRange(L.FIELD_INDEX, 0, ENOSPC);
}

/**
 * Pages [vpn, vpn + count) are touched. A write makes the page, or copies one that another address space has too; the owner of the
 * mm pays, whatever scope is active. 0 or a negative errno.
 */
export function anonTouch(task: u32, cpu: u32, vpn: u64, count: u32, write: bool): i32 {
  let errno = checkRange(vpn, count);
  if (errno) return errno;
  let mm = load<u32>(taskAt(task), L.TASK_MM);
  if (!mm) return outOfRange(L.FIELD_TASK, task, EINVAL);
  let payer = folioPayer(task, true);
  let pages = pagesOf(mm);
  for (let v = vpn; v < vpn + count; v++) {
    let word = radixGet(pages, v);
    if (!write) {
      if (word) continue;
      if (!radixSet(pages, v, ZERO_PAGE)) return fullNodes();
      countEvent(taskMemcg(mm), L.STAT_PGFAULT);
      continue;
    }
    // wp_can_reuse_anon_folio(): its only owner writes on.
    if (word && word != ZERO_PAGE && mapcount(word) == 1) continue;
    let frame = newFolio(task, cpu, payer, KIND_ANON, 0);
    if (frame < 0) return frame == -ENOMEM ? 0 : frame;
    // Killed for the want of this very page: the address space is gone.
    if (isKilled(task)) {
      freeFolio(task, cpu, <u32>frame);
      return 0;
    }
    if (!radixSet(pages, v, <u32>frame)) {
      freeFolio(task, cpu, <u32>frame);
      return fullNodes();
    }
    mapFolio(<u32>frame);
    countEvent(taskMemcg(mm), L.STAT_PGFAULT);
    if (word) dropPage(task, cpu, word);
  }
  return 0;
}

/** munmap(), MADV_DONTNEED: pages [vpn, vpn + count) leave the address space. */
export function anonFree(task: u32, cpu: u32, vpn: u64, count: u32): i32 {
  let errno = checkRange(vpn, count);
  if (errno) return errno;
  let mm = load<u32>(taskAt(task), L.TASK_MM);
  if (!mm) return outOfRange(L.FIELD_TASK, task, EINVAL);
  let pages = pagesOf(mm);
  lruAddDrain(cpu); // zap_page_range_single()
  for (let v = radixNext(pages, vpn); v < vpn + count; v = radixNext(pages, v + 1)) {
    let word = radixGet(pages, v);
    radixClear(pages, v);
    dropPage(task, cpu, word);
  }
  return 0;
}

// --- the life of an address space

/** exit_mmap(): everything leaves. */
function destroyMm(task: u32, cpu: u32, mm: u32): void {
  let pages = pagesOf(mm);
  lruAddDrain(cpu);
  for (let v = radixNext(pages, 0); v != NO_KEY; v = radixNext(pages, v + 1)) dropPage(task, cpu, radixGet(pages, v));
  radixDestroy(pages);
  unmapAll(mm);
}

/** The task begins with an address space of its own, empty. */
export function newMm(task: u32, cpu: u32): void {
  // An exec while others still run on the old one: the kernel has killed or moved them by now.
  if (users(task)) destroyMm(task, cpu, task);
  setUsers(task, 1);
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
 * copy_page_range(): the child's page tables point to the parent's private pages. Mapped files are left to faults, as
 * vma_needs_copy() does. -ENOSPC: nodes are used up.
 */
export function copyMm(parent: u32, child: u32): i32 {
  let from = pagesOf(parent);
  let to = pagesOf(child);
  for (let v = radixNext(from, 0); v != NO_KEY; v = radixNext(from, v + 1)) {
    let word = radixGet(from, v);
    if (!radixSet(to, v, word)) return fullNodes();
    if (word != ZERO_PAGE) mapFolio(word);
  }
  return 0;
}

/** get_mm_rss(): private pages and mapped pages of files in the page tables of a process. */
export function rssPages(mm: u32): u64 {
  let pages: u64 = 0;
  let anon = pagesOf(mm);
  for (let v = radixNext(anon, 0); v != NO_KEY; v = radixNext(anon, v + 1)) if (radixGet(anon, v) != ZERO_PAGE) pages++;
  return pages + mappedPages(mm);
}
