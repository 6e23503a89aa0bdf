// A folio's charge: who owns it. Commit, uncharge in batches, migration, split. mm/memcontrol.c: commit_charge(),
// uncharge_folio(), uncharge_batch(), mem_cgroup_migrate(), folio_split_memcg_refs().

import { MAX_FOLIO_ORDER } from '../constants';
import { memoryCounter, pageCounterUncharge } from '../counter/page-counter';
import * as L from '../layout';
import { putMemcg } from '../memcg/css';
import { rstatPgpgout, rstatUpdated } from '../memcg/rstat';
import { modStat, statOfKind, thpStatOfKind } from '../memcg/stat';
import { folioAt, headerGet, headerSet, pagesEnd, ROOT, rstatBase, taskAt } from '../memory';
import { addHead, append, compactIfCrowded, listAt, remove, removed } from '../reclaim/lru';
import { KIND_FILE } from '../replay/ops';
import { objcgAccountPages, objcgMemcg, objcgUnchargePages, releaseObjcg } from './objcg';

@inline export function chargeWord(frame: u32): u32 {
  return load<u32>(folioAt(frame), L.FOLIO_CHARGE);
}
@inline export function makeChargeWord(owner: u32, order: u32, flags: u32): u32 {
  return (owner << L.CHARGE_OWNER_SHIFT) | (order << L.CHARGE_ORDER_SHIFT) | flags;
}
@inline export function ownerOf(word: u32): u32 {
  return word >> L.CHARGE_OWNER_SHIFT;
}
@inline export function orderOf(word: u32): u32 {
  return (word & L.CHARGE_ORDER_MASK) >> L.CHARGE_ORDER_SHIFT;
}
@inline export function pagesOf(word: u32): u32 {
  return 1 << orderOf(word);
}
/** The memcg that an uncharge of this folio goes to: folio_memcg(). */
@inline export function memcgOf(word: u32): u32 {
  return word & L.CHARGE_KMEM ? objcgMemcg(ownerOf(word)) : ownerOf(word);
}
/** A frame of `order` lies wholly in the table. */
@inline export function frameFits(frame: u32, order: u32): bool {
  return frame != 0 && order <= MAX_FOLIO_ORDER && frame < pagesEnd && (1 << order) <= <i32>(pagesEnd - frame);
}
/** First frame of the large folio that this frame is a later page of: it alone has the charge word. 0: of none. */
export function largeFolioOf(frame: u32): u32 {
  for (let order: u32 = 1; order <= headerGet(L.H_MAX_ORDER); order++) {
    let first = (frame >> order) << order;
    if (first != frame && orderOf(chargeWord(first)) >= order) return first;
  }
  return 0;
}
@inline function noteOrder(order: u32): void {
  if (order > headerGet(L.H_MAX_ORDER)) headerSet(L.H_MAX_ORDER, order);
}
@inline export function noteFrame(end: u32): void {
  if (end > headerGet(L.H_PAGE_END)) headerSet(L.H_PAGE_END, end);
}

/** The list that a new folio of this kind joins: shmem is reclaimed by swapping, so it sits with anonymous memory. */
@inline export function newFolioList(kind: u32): u32 {
  return kind == KIND_FILE ? L.LRU_INACTIVE_FILE : L.LRU_INACTIVE_ANON;
}

/** commit_charge() of a user folio: the owner is written and the folio joins its owner's LRU list. */
@inline export function commitFolio(frame: u32, memcg: u32, order: u32, kind: u32): void {
  let list = newFolioList(kind);
  let lruList = listAt(memcg, list);
  let pages: u32 = 1 << order;
  noteFrame(frame + pages);
  noteOrder(order);
  let at = append(lruList, frame, pages);
  store<u64>(folioAt(frame), <u64>makeChargeWord(memcg, order, 0) | (<u64>at << 32), L.FOLIO_CHARGE);
  store<u64>(folioAt(frame), kind | (list << L.STATE_LIST_SHIFT), L.FOLIO_STATE);
  compactIfCrowded(lruList);
  modStat(memcg, statOfKind(kind), pages);
  if (order == MAX_FOLIO_ORDER) modStat(memcg, thpStatOfKind(kind), pages);
  if (rstatBase) rstatUpdated(memcg, 1); // PGPGIN, by the folio
}

/** commit of whole kernel pages (__memcg_kmem_charge_page): the owner is an objcg, and the page is on no list. */
@inline export function commitKmem(frame: u32, objcg: u32, order: u32, kind: u32): void {
  let pages: u32 = 1 << order;
  noteFrame(frame + pages);
  noteOrder(order);
  store<u64>(folioAt(frame), makeChargeWord(objcg, order, L.CHARGE_KMEM), L.FOLIO_CHARGE);
  store<u64>(folioAt(frame), kind, L.FOLIO_STATE);
  accountKmem(objcg, kind, pages);
}

@inline function accountKmem(objcg: u32, kind: u32, pages: i64): void {
  modStat(objcgMemcg(objcg), statOfKind(kind), pages);
  objcgAccountPages(objcg, pages);
}

/** Forgets a folio's charge: off its list, out of its statistics. The counters are the caller's. */
@inline export function clearFolio(frame: u32, word: u32): void {
  let at = folioAt(frame);
  let state = load<u32>(at, L.FOLIO_STATE);
  let pages = pagesOf(word);
  let kind = state & L.STATE_KIND_MASK;
  let onList = load<u32>(at, L.FOLIO_POSITION) != 0;
  store<u64>(at, 0, L.FOLIO_CHARGE);
  store<u64>(at, 0, L.FOLIO_STATE);
  if (word & L.CHARGE_KMEM) {
    accountKmem(ownerOf(word), kind, -(<i64>pages));
  } else {
    let memcg = ownerOf(word);
    if (onList) removed(listAt(memcg, (state & L.STATE_LIST_MASK) >> L.STATE_LIST_SHIFT), pages);
    if (!(state & L.STATE_UNCOUNTED)) modStat(memcg, statOfKind(kind), -(<i64>pages));
    if (orderOf(word) == MAX_FOLIO_ORDER) modStat(memcg, thpStatOfKind(kind), -(<i64>pages));
    if (rstatBase) rstatPgpgout(memcg);
  }
}

/** __memcg_kmem_uncharge_page(): a kernel folio's pages go back through the stock. */
export function unchargeKmem(cpu: u32, frame: u32, word: u32): void {
  let objcg = ownerOf(word);
  clearFolio(frame, word);
  objcgUnchargePages(cpu, objcg, pagesOf(word));
  releaseObjcg(cpu, objcg);
}

// --- uncharge in batches: struct uncharge_gather, kept in the task that frees

/** uncharge_batch(): one counter operation for all that was gathered. */
export function unchargeBatch(task: u32): void {
  let at = taskAt(task);
  let memcg = load<u32>(at, L.GATHER_MEMCG);
  let pages = load<u32>(at, L.GATHER_PAGES);
  let kmem = load<u32>(at, L.GATHER_KMEM);
  store<u32>(at, load<u32>(at, L.TASK_PENDING) & ~L.TASK_HAS_BATCH, L.TASK_PENDING);
  store<u32>(at, 0, L.GATHER_MEMCG);
  store<u32>(at, 0, L.GATHER_PAGES);
  store<u32>(at, 0, L.GATHER_KMEM);
  if (kmem) modStat(memcg, L.STAT_KMEM, -(<i64>kmem));
  // The root has pages here only of kernel memory, which its dead children had counted.
  if (pages) pageCounterUncharge(memoryCounter(memcg), pages);
  putMemcg(memcg);
}

/** uncharge_folio(): adds a folio to the task's batch; another memcg flushes what was gathered before. */
@inline export function unchargeFolio(task: u32, cpu: u32, frame: u32, word: u32): void {
  let memcg = memcgOf(word);
  gather(task, memcg);
  let at = taskAt(task);
  let pages = pagesOf(word);
  // The root's own folios were never counted; kernel pages of its dead children were.
  if (memcg != ROOT || word & L.CHARGE_KMEM) {
    store<u32>(at, load<u32>(at, L.GATHER_PAGES) + pages, L.GATHER_PAGES);
    if (word & L.CHARGE_KMEM) store<u32>(at, load<u32>(at, L.GATHER_KMEM) + pages, L.GATHER_KMEM);
  }
  clearFolio(frame, word);
  if (word & L.CHARGE_KMEM) releaseObjcg(cpu, ownerOf(word));
}

/** Opens the task's batch for `memcg`, closing one that was for another. */
@inline export function gather(task: u32, memcg: u32): void {
  let at = taskAt(task);
  let pending = load<u32>(at, L.TASK_PENDING);
  if (pending & L.TASK_HAS_BATCH) {
    if (load<u32>(at, L.GATHER_MEMCG) == memcg) return;
    unchargeBatch(task);
    pending = load<u32>(at, L.TASK_PENDING);
  }
  store<u32>(at, pending | L.TASK_HAS_BATCH, L.TASK_PENDING);
  store<u32>(at, memcg, L.GATHER_MEMCG);
}

/** mem_cgroup_migrate(): the charge moves to another frame; no counter changes. False: the new frame is charged already. */
export function migrateFolio(from: u32, to: u32): bool {
  let word = chargeWord(from);
  if (chargeWord(to)) return false;
  let state = load<u32>(folioAt(from), L.FOLIO_STATE);
  let pages = pagesOf(word);
  let onList = load<u32>(folioAt(from), L.FOLIO_POSITION) != 0;
  noteFrame(to + pages);
  store<u64>(folioAt(to), word, L.FOLIO_CHARGE);
  store<u64>(folioAt(to), state, L.FOLIO_STATE);
  if (onList) {
    // The new folio enters the LRU as any folio does: at the head.
    let list = listAt(ownerOf(word), (state & L.STATE_LIST_MASK) >> L.STATE_LIST_SHIFT);
    remove(list, from, pages);
    addHead(list, to, pages);
  }
  store<u64>(folioAt(from), 0, L.FOLIO_CHARGE);
  store<u64>(folioAt(from), 0, L.FOLIO_STATE);
  return true;
}

/** folio_split_memcg_refs(): every page of a large folio becomes a folio of its own with the same owner. */
export function splitFolio(frame: u32): void {
  let word = chargeWord(frame);
  let pages = pagesOf(word);
  if (pages == 1) return;
  let state = load<u32>(folioAt(frame), L.FOLIO_STATE);
  let onList = load<u32>(folioAt(frame), L.FOLIO_POSITION) != 0;
  let list = listAt(ownerOf(word), (state & L.STATE_LIST_MASK) >> L.STATE_LIST_SHIFT);
  if (onList) remove(list, frame, pages);
  if (!(word & L.CHARGE_KMEM) && orderOf(word) == MAX_FOLIO_ORDER)
    modStat(ownerOf(word), thpStatOfKind(state & L.STATE_KIND_MASK), -(<i64>pages));
  word = makeChargeWord(ownerOf(word), 0, word & (L.CHARGE_KMEM | L.CHARGE_OBJEXTS));
  for (let f = frame; f < frame + pages; f++) {
    store<u64>(folioAt(f), word, L.FOLIO_CHARGE);
    store<u64>(folioAt(f), state, L.FOLIO_STATE);
    if (onList) addHead(list, f, 1);
  }
}
