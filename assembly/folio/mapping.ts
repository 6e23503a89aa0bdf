// The page cache: files, shmem objects, block devices, and who has which of their pages in his page tables. mm/filemap.c
// (filemap_read(), filemap_fault(), generic_perform_write()), mm/shmem.c (shmem_get_folio_gfp()), mm/truncate.c, mm/memory.c
// (zap_present_folio_ptes(), unmap_mapping_range()).
import { EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC } from '../constants';
import * as L from '../layout';
import { isDescendant } from '../memcg/memcg';
import { countLocal } from '../memcg/events';
import { modStat } from '../memcg/stat';
import {
  headerGet, headerSet, kernel61, mapAt, mapsEnd, mmAt, objectAt, objectsEnd, outOfRange, policyOn, policyTables, ROOT, taskAt, userSetsEnd,
} from '../memory';
import { noteUse } from '../observe/users';
import { payerOf } from '../policy/payer';
import { crossIo } from '../policy/cross';
import { evictFiles, forgetBond } from '../policy/mount';
import { contextNow, didAt, setCharge, setContext } from '../policy/policy';
import { claim } from '../policy/release';
import { onShare } from '../policy/share';
import { freeAllWorkers, inWorker, refusesTmpfs } from '../policy/worker';
import { refusesIo } from '../policy/room';
import { costOf, memstall } from '../psi';
import { dropShadow, evictionShadow, noteCost, refault, wasWorkingset } from '../reclaim/workingset';
import {
  FLAG_EXEC, FLAG_FAULT, FLAG_HOLES, FLAG_IN_CALL, FLAG_RANDOM, FLAG_READAHEAD, FLAG_WRITE, GFP_KERNEL, GFP_NORETRY, KIND_FILE, KIND_SHMEM,
  NR_OBJECT_TYPES, OBJECT_FILE, OBJECT_SHMEM, OBJECT_SUPER,
} from '../replay/ops';
import { ringEvicted, ringRefaulted } from '../ring';
import { folioPayer, isKilled, taskMemcg } from '../task/task';
import { chargeWord, ownerOf } from './folio';
import { lruAddDrain, lruAddDrainAll } from './lru-add';
import { referencedAnon } from './rmap';
import { dropSlot, duplicateSlot, folioSlot, slotFolio } from './slots';
import { addToSwap, freeSwap, freeSwapAndCache, recount, swapIn, uncount } from './swap-cache';
import { bpfFree, isBpf } from './bpf';
import { CALL_QUOTA } from './quota';
import { dirtyPages, forgetInode, giveBlocks, inodeReaches, inodeSize, setInodeSize, takeBlock } from './inode';
import { attachBuffers, chargeNodes, shrinkNodes } from './cache-nodes';
import { isLoop, loopRead } from './loop';
import { NO_KEY, radixClear, radixDestroy, radixGet, radixNext, radixSet } from './radix';
import { forgetLocks, mlockMapped, munlock, munlockMapped } from './mlock';
import { faultAround, faultReadahead, readBatch, readEnded, readsAhead } from './readahead';
import {
  activateFolio, countEvent, dirtyFolio, freeFolio, isAnonFolio, isDirty, mapcount, mapFolio, markAccessed, newFolio, placeAt,
  setReferenced, setWorkingset, stateOf, unmapFolio,
} from './resident';
import { balanceDirty, isWriteback, syncInode, waitForFolio } from './writeback';

@inline function pagesOf(object: u32): usize {
  return objectAt(object) + L.OBJECT_RADIX;
}
@inline function bitsOf(map: u32): usize {
  return mapAt(map) + L.MAP_RADIX;
}
@inline export function typeOf(object: u32): u32 {
  return load<u32>(objectAt(object), L.OBJECT_TYPE);
}
@inline function isShmem(object: u32): bool {
  return typeOf(object) == OBJECT_SHMEM;
}

/** The frame of a page; 0: it is not resident. What it has left in its place (a shadow, shmem's swap slot) does not count. */
@inline export function frameAt(object: u32, index: u64): u32 {
  let word = radixGet(pagesOf(object), index);
  return word & L.SHADOW_BIT ? 0 : word;
}

/** shmem: the page exists, in memory or in swap. */
export function hasEntry(object: u32, index: u64): bool {
  return radixGet(pagesOf(object), index) != 0;
}

/** An id that may name an object. 0, or -EINVAL, -ENOSPC. */
function checkObject(object: u32): i32 {
  if (!object) return outOfRange(L.FIELD_OBJECT, object, EINVAL);
  if (object < objectsEnd) return 0;
  headerSet(L.H_FULL_TABLE, L.CAP_OBJECTS);
  return outOfRange(L.FIELD_OBJECT, object, ENOSPC);
}

/**
 * A new inode of this type (OBJECT_*), `size` pages long (0: nobody has told). -EEXIST: the id is in use, by an object that had pages or
 * was made before.
 */
export function objectNew(object: u32, type: u32, size: u64): i32 {
  let errno = checkObject(object);
  if (errno) return errno;
  if (type == 0 || type >= NR_OBJECT_TYPES) return outOfRange(L.FIELD_COUNT, type, EINVAL);
  if (typeOf(object)) return outOfRange(L.FIELD_OBJECT, object, EEXIST);
  store<u32>(objectAt(object), type, L.OBJECT_TYPE);
  setInodeSize(object, size);
  if (object >= headerGet(L.H_OBJECT_END)) headerSet(L.H_OBJECT_END, object + 1);
  return 0;
}

/** An object that is used before it is made known is a file. */
export function openObject(object: u32): i32 {
  let errno = checkObject(object);
  if (errno) return errno;
  if (!typeOf(object)) return objectNew(object, OBJECT_FILE, 0);
  // Kernel memory is nobody's to read.
  return isBpf(object) ? outOfRange(L.FIELD_OBJECT, object, EINVAL) : 0;
}

// --- which pages of an object an address space maps

/** The record of (mm, object); 0: the mm maps none of its pages. The one used last stands first. */
function findMap(mm: u32, object: u32): u32 {
  let previous: u32 = 0;
  for (let map = load<u32>(mmAt(mm), L.MM_MAPS); map; map = load<u32>(mapAt(map), L.MAP_NEXT_OF_MM)) {
    if (load<u32>(mapAt(map), L.MAP_OBJECT) == object) {
      if (previous) {
        store<u32>(mapAt(previous), load<u32>(mapAt(map), L.MAP_NEXT_OF_MM), L.MAP_NEXT_OF_MM);
        store<u32>(mapAt(map), load<u32>(mmAt(mm), L.MM_MAPS), L.MAP_NEXT_OF_MM);
        store<u32>(mmAt(mm), map, L.MM_MAPS);
      }
      return map;
    }
    previous = map;
  }
  return 0;
}

/** A record for (mm, object), first of both lists; 0: the table is full. */
function newMap(mm: u32, object: u32): u32 {
  let map = headerGet(L.H_FREE_MAP);
  if (map) headerSet(L.H_FREE_MAP, load<u32>(mapAt(map), L.MAP_NEXT_OF_MM));
  else {
    map = max<u32>(1, headerGet(L.H_MAP_END));
    if (map >= mapsEnd) return 0;
    headerSet(L.H_MAP_END, map + 1);
  }
  let at = mapAt(map);
  memory.fill(at, 0, L.MAP_STRIDE);
  store<u32>(at, mm, L.MAP_MM);
  store<u32>(at, object, L.MAP_OBJECT);
  store<u32>(at, load<u32>(mmAt(mm), L.MM_MAPS), L.MAP_NEXT_OF_MM);
  store<u32>(mmAt(mm), map, L.MM_MAPS);
  let first = load<u32>(objectAt(object), L.OBJECT_MAPS);
  store<u32>(at, first, L.MAP_NEXT_OF_OBJECT);
  if (first) store<u32>(mapAt(first), map, L.MAP_PREVIOUS_OF_OBJECT);
  store<u32>(objectAt(object), map, L.OBJECT_MAPS);
  return map;
}

/** mmap(): the mm may have pages of the object in its page tables from now on. 0 or a negative errno. */
export function mapObject(mm: u32, object: u32): i32 {
  let errno = openObject(object);
  if (errno || findMap(mm, object) || newMap(mm, object)) return errno;
  headerSet(L.H_FULL_TABLE, L.CAP_MAPS);
  return outOfRange(L.FIELD_OBJECT, object, ENOSPC);
}

/** Off its object's list, and free; the mm's list is the caller's. */
function freeMap(map: u32): void {
  let at = mapAt(map);
  let next = load<u32>(at, L.MAP_NEXT_OF_OBJECT);
  let previous = load<u32>(at, L.MAP_PREVIOUS_OF_OBJECT);
  if (next) store<u32>(mapAt(next), previous, L.MAP_PREVIOUS_OF_OBJECT);
  if (previous) store<u32>(mapAt(previous), next, L.MAP_NEXT_OF_OBJECT);
  else store<u32>(objectAt(load<u32>(at, L.MAP_OBJECT)), next, L.OBJECT_MAPS);
  store<u32>(at, 0, L.MAP_MM);
  store<u32>(at, headerGet(L.H_FREE_MAP), L.MAP_NEXT_OF_MM);
  headerSet(L.H_FREE_MAP, map);
}

// Two bits a page: it is in the page tables; its entry is young.
const MAPPED: u32 = 1;
const YOUNG: u32 = 2;
const EVERY_MAPPED: u32 = 0x55555555;

@inline function shiftOf(index: u64): u32 {
  return (<u32>index & 15) << 1;
}
@inline function mapsPage(map: u32, index: u64): bool {
  return ((radixGet(bitsOf(map), index >> 4) >> shiftOf(index)) & MAPPED) != 0;
}
/** The page is in the page tables and was just used. False: the nodes are used up. */
@inline function setMapped(map: u32, index: u64): bool {
  return radixSet(bitsOf(map), index >> 4, radixGet(bitsOf(map), index >> 4) | ((MAPPED | YOUNG) << shiftOf(index)));
}
function clearMapped(map: u32, index: u64): void {
  let word = radixGet(bitsOf(map), index >> 4) & ~((MAPPED | YOUNG) << shiftOf(index));
  if (word) radixSet(bitsOf(map), index >> 4, word);
  else radixClear(bitsOf(map), index >> 4);
}
/** ptep_clear_young(): whether the entry was young. */
function clearYoung(map: u32, index: u64): bool {
  let word = radixGet(bitsOf(map), index >> 4);
  let young = YOUNG << shiftOf(index);
  if (!(word & young)) return false;
  radixSet(bitsOf(map), index >> 4, word & ~young);
  return true;
}
@inline function isYoung(map: u32, index: u64): bool {
  return ((radixGet(bitsOf(map), index >> 4) >> shiftOf(index)) & YOUNG) != 0;
}

/** zap_present_folio_ptes(): a page leaves one address space; if its entry is young, that counts as an access. */
function zap(map: u32, index: u64): void {
  let frame = radixGet(pagesOf(load<u32>(mapAt(map), L.MAP_OBJECT)), index);
  if (isYoung(map, index)) markAccessed(frame);
  unmapFolio(frame);
  munlockMapped(load<u32>(mapAt(map), L.MAP_MM), load<u32>(mapAt(map), L.MAP_OBJECT), index, frame);
}

/** Takes the pages [from, to) of a map record out of its page tables. */
function zapRange(map: u32, from: u64, to: u64): void {
  let bits = bitsOf(map);
  for (let key = radixNext(bits, from >> 4); key != NO_KEY && key << 4 < to; key = radixNext(bits, key + 1)) {
    let word = radixGet(bits, key) & EVERY_MAPPED;
    for (let page: u32 = 0; page < 16; page++) {
      let index = (key << 4) + page;
      if (!((word >> (page << 1)) & 1) || index < from || index >= to) continue;
      zap(map, index);
      clearMapped(map, index);
    }
  }
}

/** findMap() that leaves the order as it is: for looking. */
export function mapOf(mm: u32, object: u32): u32 {
  let map = load<u32>(mmAt(mm), L.MM_MAPS);
  while (map && load<u32>(mapAt(map), L.MAP_OBJECT) != object) map = load<u32>(mapAt(map), L.MAP_NEXT_OF_MM);
  return map;
}

/** The first page from `index` on that a map record has in its page tables; NO_KEY: there is none. */
export function nextMapped(map: u32, index: u64): u64 {
  let bits = bitsOf(map);
  for (let key = radixNext(bits, index >> 4); key != NO_KEY; key = radixNext(bits, key + 1)) {
    let word = radixGet(bits, key) & EVERY_MAPPED;
    let first = key << 4 < index ? <u32>index & 15 : 0;
    word &= <u32>0xffffffff << (first << 1);
    if (word) return (key << 4) + (ctz(word) >> 1);
  }
  return NO_KEY;
}

/** The mm goes: exit_mmap() of its mapped files. */
export function unmapAll(mm: u32): void {
  let map = load<u32>(mmAt(mm), L.MM_MAPS);
  while (map) {
    let next = load<u32>(mapAt(map), L.MAP_NEXT_OF_MM);
    zapRange(map, 0, NO_KEY);
    freeMap(map);
    map = next;
  }
  store<u32>(mmAt(mm), 0, L.MM_MAPS);
}

/** munmap() of pages [index, index + count) of an object; count 0: to its end. Pages stay in the page cache. */
export function unmapRange(task: u32, object: u32, index: u64, count: u32): i32 {
  let errno = openObject(object);
  if (errno) return errno;
  let mm = load<u32>(taskAt(task), L.TASK_MM);
  let map = mm ? findMap(mm, object) : 0;
  lruAddDrain(headerGet(L.H_CURRENT_CPU)); // unmap_region()
  if (map) zapRange(map, index, count ? index + count : NO_KEY);
  return munlock(task, object, index, count);
}

/** unmap_mapping_range(): a page that goes leaves every address space that has it. */
function unmapEverywhere(object: u32, index: u64, frame: u32): void {
  for (let map = load<u32>(objectAt(object), L.OBJECT_MAPS); map && mapcount(frame); map = load<u32>(mapAt(map), L.MAP_NEXT_OF_OBJECT)) {
    if (!mapsPage(map, index)) continue;
    unmapFolio(frame);
    clearMapped(map, index);
  }
}

// --- access

/**
 * A task reads or writes pages [index, index + count) of an object, by a system call or through a mapping (FLAG_FAULT). What is not
 * resident is charged to the payer of page cache: the active memcg, else the owner of the task's mm. A refused charge ends the access,
 * as it ends the system call. 0 or a negative errno.
 */
export function fileAccess(task: u32, cpu: u32, object: u32, index: u64, count: u32, flags: u32): i32 {
  let errno = openObject(object);
  if (errno) return errno;
  if (!count) return outOfRange(L.FIELD_COUNT, count, EINVAL);
  if (index + count > 0x100000000 || index + count < index) return outOfRange(L.FIELD_INDEX, index, EINVAL);
  let mm = task ? load<u32>(taskAt(task), L.TASK_MM) : 0;
  let fault = (flags & FLAG_FAULT) != 0 && (flags & FLAG_READAHEAD) == 0;
  if (fault && !mm) return outOfRange(L.FIELD_TASK, task, EINVAL);
  let map: u32 = 0;
  if (fault) {
    map = findMap(mm, object);
    if (!map) {
      errno = mapObject(mm, object);
      if (errno) return errno;
      map = findMap(mm, object);
    }
    if (flags & FLAG_EXEC) store<u32>(mapAt(map), 1, L.MAP_EXECUTABLE);
  }
  let toucher = task ? folioPayer(task, false) : ROOT;
  // A fault that a system call makes (MAP_POPULATE, mlock(), a buffer) is that call's: it can be told of an error.
  let shmem = isShmem(object);
  let context: u32 = fault && !(flags & FLAG_IN_CALL) ? L.CONTEXT_FAULT : L.CONTEXT_CALL;
  if (policyOn && !fault && inWorker(shmem)) context = L.CONTEXT_WORKER;
  setContext(context);
  let payer = policyOn ? payerOf(task, object, toucher) : toucher;
  let ahead = readsAhead(object);
  if (ahead) inodeReaches(object, index + count);
  let reading = ahead && !(flags & (FLAG_READAHEAD | FLAG_FAULT | FLAG_WRITE));
  let faulting = fault && (ahead || headerGet(L.H_FAULT_AROUND) > 1);
  let batch = index;
  for (let i = index; i < index + count; i++) {
    // Each time anew: a loop device's worker may have been at work for the page before.
    if (policyOn) setCharge(context, payer, toucher);
    let frame = frameAt(object, i);
    // What is read ahead for the sake of this very page was not there when it was wanted.
    let fresh = !frame;
    let known = fault && mapsPage(map, i);
    let around = false;
    if (faulting && !known) {
      around = !(flags & FLAG_WRITE) && faultAround(task, map, object, i);
      if (ahead && !around && !(flags & FLAG_RANDOM)) faultReadahead(task, cpu, payer, object, i, flags);
      frame = frameAt(object, i);
    } else if (reading && i == batch) {
      batch = readBatch(task, cpu, payer, object, i, index + count);
      frame = frameAt(object, i);
    }
    // shmem makes its pages or has them in swap; a file's come from the disk
    let major = fresh && !shmem;
    let slot: u32 = shmem && !frame ? radixGet(pagesOf(object), i) & ~L.SHADOW_BIT : 0;
    // shmem_file_read_iter(): a hole is read as zeros, and stays one.
    if (shmem && flags & FLAG_HOLES && !frame && !slot) {
      headerSet(L.H_CALL_DONE, headerGet(L.H_CALL_DONE) + 1);
      continue;
    }
    if (slot) {
      fresh = false;
      major = !slotFolio(slot);
      let got = shmemSwapIn(task, cpu, slot, payer, (<u64>object << 32) | i, true);
      if (got < 0) return got == -ENOMEM ? 0 : got;
      frame = <u32>got;
    } else if (!frame) {
      // readahead_gfp_mask(): what is only read ahead is not worth a second try, nor a kill.
      let gfp = flags & FLAG_READAHEAD ? GFP_KERNEL | GFP_NORETRY : GFP_KERNEL;
      let got = addFolio(task, cpu, payer, object, i, fault || !(flags & FLAG_WRITE), gfp);
      if (got < 0) return got == -ENOMEM ? 0 : got;
      frame = <u32>got;
      // Killed for the want of this very page: it stays in the page cache, and the access is over.
      if (task && isKilled(task)) return 0;
    }
    if (flags & FLAG_READAHEAD) continue;
    if (policyOn && !known) {
      if (claim(task, cpu, frame, payer)) return 0;
      if (task && isKilled(task)) return 0;
      onShare(task, cpu, frame, toucher);
    }
    if (userSetsEnd) noteUse(frame, toucher);
    if (fault) {
      if (!setMapped(map, i)) return fullNodes(object);
      if (!known) {
        if (!around) {
          mapFolio(frame);
          mlockMapped(mm, object, i, frame);
        }
        countEvent(taskMemcg(mm), L.STAT_PGFAULT);
        if (major) {
          countEvent(taskMemcg(mm), L.STAT_PGMAJFAULT);
          // It waits for the disk without mmap_lock and begins anew; 6.1's handle_mm_fault() counts both times.
          if (kernel61) countEvent(taskMemcg(mm), L.STAT_PGFAULT);
        }
      }
    } else if (shmem && fresh && flags & FLAG_WRITE) {
      setReferenced(frame);
    } else if (shmem || !(flags & FLAG_WRITE)) {
      // generic_perform_write() leaves a file's page as it is.
      markAccessed(frame);
    }
    if (flags & FLAG_WRITE && !shmem) {
      let newly = dirtyFolio(frame);
      attachBuffers(task, cpu, frame);
      if (newly) balanceDirty(task, object);
    }
    headerSet(L.H_CALL_DONE, headerGet(L.H_CALL_DONE) + 1);
  }
  if (reading) readEnded(task, object, index + count);
  return 0;
}

/**
 * filemap_add_folio(): a page that is not resident is charged to `payer` and joins its object. `reading`: it comes from the disk, so
 * that it may be a refault; a page that will be overwritten is none (__GFP_WRITE). Its frame, or a negative errno: see newFolio().
 */
export function addFolio(task: u32, cpu: u32, payer: u32, object: u32, index: u64, reading: bool, gfp: u32): i32 {
  if (!isShmem(object)) return makeFolio(task, cpu, payer, object, index, reading, gfp);
  let refused = policyOn && contextNow() == L.CONTEXT_WORKER && refusesIo(payer) ? L.CALL_NO_SPACE : takeBlock(object);
  if (refused) {
    headerSet(L.H_CALL_REFUSED, refused);
    if (refused == CALL_QUOTA) didAt(payer, L.PMC_EDQUOT, 1);
    return -ENOMEM;
  }
  let got = makeFolio(task, cpu, payer, object, index, reading, gfp);
  if (got >= 0) return got;
  giveBlocks(object, 1);
  // L4: whatever it is that a tmpfs is short of.
  if (got == -ENOMEM && headerGet(L.H_CALL_REFUSED) && refusesTmpfs() && contextNow() == L.CONTEXT_WORKER)
    headerSet(L.H_CALL_REFUSED, L.CALL_NO_SPACE);
  return got;
}

function makeFolio(task: u32, cpu: u32, payer: u32, object: u32, index: u64, reading: bool, gfp: u32): i32 {
  let got = newFolio(task, cpu, payer, isShmem(object) ? KIND_SHMEM : KIND_FILE, (<u64>object << 32) | index, gfp);
  if (got < 0) return got;
  let frame = <u32>got;
  let shadow = radixGet(pagesOf(object), index);
  if (!radixSet(pagesOf(object), index, frame)) {
    freeFolio(task, cpu, frame);
    return fullNodes(object);
  }
  if (shadow) {
    if (reading) refaultFolio(task, frame, shadow, false);
    dropShadow(shadow);
  }
  let errno = chargeNodes(task, cpu, pagesOf(object), index, gfp);
  if (errno) return unmade(task, cpu, payer, object, index, gfp, frame);
  // What was charged for the nodes may have cost the page itself.
  if (frameAt(object, index) != frame) return makeFolio(task, cpu, payer, object, index, reading, gfp);
  if (policyOn && reading && !isShmem(object)) crossIo(task, ownerOf(chargeWord(frame)));
  if (reading && isLoop(object)) loopRead(object, index);
  return got;
}

/** __filemap_add_folio(): there was no memory for a node, and so there is no page. */
function unmade(task: u32, cpu: u32, payer: u32, object: u32, index: u64, gfp: u32, frame: u32): i32 {
  if (!(gfp & GFP_NORETRY)) {
    countLocal(payer, L.EVENT_REFUSED, 1);
    headerSet(L.H_CALL_REFUSED, 1);
  }
  if (frameAt(object, index) != frame) return -ENOMEM;
  radixClear(pagesOf(object), index);
  shrinkNodes(pagesOf(object));
  freeFolio(task, cpu, frame);
  return -ENOMEM;
}

/**
 * filemap_map_pages(): the resident pages of [from, to) that no mark is on join the map's page tables, with young entries, as on x86.
 * Answers how many did that were never active before.
 */
export function mapAround(map: u32, object: u32, from: u64, to: u64): u32 {
  let mapped: u32 = 0;
  for (let i = from; i < to; i++) {
    let frame = frameAt(object, i);
    if (!frame || stateOf(frame) & L.STATE_READAHEAD || mapsPage(map, i)) continue;
    if (!setMapped(map, i)) break;
    mapFolio(frame);
    mlockMapped(load<u32>(mapAt(map), L.MAP_MM), object, i, frame);
    if (policyOn) shareAround(frame);
    if (!(stateOf(frame) & L.STATE_WORKINGSET)) mapped++;
  }
  return mapped;
}

/** A page is mapped beside the one that faulted: the task will not fault for it. */
function shareAround(frame: u32): void {
  let task = headerGet(L.H_CURRENT_TASK);
  if (task) onShare(task, headerGet(L.H_CURRENT_CPU), frame, folioPayer(task, false));
}

/**
 * A page that was evicted has come back: active at once if it was missed soon. `anon`: from swap. The
 * task, if any, waits until it is read.
 */
export function refaultFolio(task: u32, frame: u32, shadow: u32, anon: bool): void {
  let memcg = ownerOf(chargeWord(frame));
  let active = refault(memcg, shadow, anon);
  ringRefaulted(frame, memcg, active);
  if (!active) return;
  activateFolio(frame);
  if (!wasWorkingset(shadow)) return;
  setWorkingset(frame);
  // filemap_read_folio(), swap_read_folio(), folio_wait_bit_common(): to wait for a page of the working set is pressure, for a new one not.
  memstall(task, costOf(anon ? L.COST_SWAP_IN : L.COST_FILE_READ));
  modStat(memcg, L.STAT_WORKINGSET_RESTORE_ANON + (anon ? 0 : 1), 1);
  noteCost(memcg, !anon, kernel61 ? 1 : 32);
}

// --- what reclaim asks

/** shmem_swapin_folio(): a page in swap is in its object again, and gives up its slot. Its frame, or a negative errno. */
function shmemSwapIn(task: u32, cpu: u32, slot: u32, payer: u32, place: u64, touched: bool): i32 {
  let frame = slotFolio(slot);
  if (!frame) {
    let got = swapIn(task, cpu, slot, payer, KIND_SHMEM, place, touched);
    if (got < 0) return got;
    frame = <u32>got;
  }
  waitForFolio(frame);
  radixSet(pagesOf(<u32>(place >> 32)), place & 0xffffffff, frame);
  recount(frame);
  dropSlot(slot);
  freeSwap(cpu, frame);
  return frame;
}

/** shmem_unuse(): what an object has in swap is read back. 0 or a negative errno. */
export function unuseObject(task: u32, cpu: u32, object: u32): i32 {
  if (!isShmem(object)) return 0;
  let pages = pagesOf(object);
  let payer = policyOn ? payerOf(task, object, ROOT) : ROOT;
  if (policyOn) setCharge(L.CONTEXT_CALL, payer, ROOT);
  for (let i = radixNext(pages, 0); i != NO_KEY; i = radixNext(pages, i + 1)) {
    let word = radixGet(pages, i);
    if (!(word & L.SHADOW_BIT)) continue;
    let got = shmemSwapIn(task, cpu, word & ~L.SHADOW_BIT, payer, (<u64>object << 32) | i, false);
    if (got < 0) return got;
  }
  return 0;
}

/** shmem_writeout(): the page leaves its object for a slot. False: there is none for it. */
export function shmemSwapOut(frame: u32): bool {
  let place = load<u64>(placeAt(frame));
  if (!addToSwap(frame)) return false;
  let slot = folioSlot(frame);
  duplicateSlot(slot);
  radixSet(pagesOf(<u32>(place >> 32)), place & 0xffffffff, slot | L.SHADOW_BIT);
  uncount(frame);
  return true;
}

/** folio_referenced(): young page table entries that point to the folio, cleared: their number << 1, bit 0: one was executable. */
export function referencedBy(frame: u32, target: u32): u32 {
  if (!mapcount(frame)) return 0;
  if (isAnonFolio(frame)) return referencedAnon(frame, target) << 1;
  let place = load<u64>(placeAt(frame));
  let index = place & 0xffffffff;
  let young: u32 = 0;
  let executable: u32 = 0;
  for (let map = load<u32>(objectAt(<u32>(place >> 32)), L.OBJECT_MAPS); map; map = load<u32>(mapAt(map), L.MAP_NEXT_OF_OBJECT)) {
    // Mappings of tasks outside the target do not count.
    if (!mapsPage(map, index) || !isDescendant(taskMemcg(load<u32>(mapAt(map), L.MAP_MM)), target)) continue;
    if (!clearYoung(map, index)) continue;
    young++;
    if (load<u32>(mapAt(map), L.MAP_EXECUTABLE)) executable = 1;
  }
  return (young << 1) | executable;
}

/** try_to_unmap() of a page of an object. */
export function unmapMapped(frame: u32): void {
  let place = load<u64>(placeAt(frame));
  unmapEverywhere(<u32>(place >> 32), place & 0xffffffff, frame);
}

/** __remove_mapping() of a folio of a file: it leaves the page cache, and a shadow in its place. */
export function removeMapping(frame: u32, target: u32): void {
  let place = load<u64>(placeAt(frame));
  let pages = pagesOf(<u32>(place >> 32));
  ringEvicted(frame, ownerOf(chargeWord(frame)), 0);
  let shadow = evictionShadow(frame, target);
  if (shadow) radixSet(pages, place & 0xffffffff, shadow);
  else {
    radixClear(pages, place & 0xffffffff);
    shrinkNodes(pages);
  }
}

function fullNodes(object: u32): i32 {
  headerSet(L.H_FULL_TABLE, L.CAP_NODES);
  return outOfRange(L.FIELD_OBJECT, object, ENOSPC);
}

/** Resident pages of [index, index + count) are dirty. */
export function fileDirty(object: u32, index: u64, count: u32): i32 {
  let errno = openObject(object);
  if (errno) return errno;
  let end = index + count;
  for (let i = radixNext(pagesOf(object), index); i < end; i = radixNext(pagesOf(object), i + 1)) {
    let frame = frameAt(object, i);
    if (frame) dirtyFolio(frame);
  }
  return 0;
}

/** truncate_inode_pages_range(): pages from `index` go, `count` of them or (0) all, out of every address space too. */
export function truncate(task: u32, cpu: u32, object: u32, index: u64, count: u32): i32 {
  let errno = openObject(object);
  if (errno) return errno;
  let end = count ? index + count : NO_KEY;
  if (!count && inodeSize(object) > index) setInodeSize(object, index);
  let pages = pagesOf(object);
  let shmem = isShmem(object);
  lruAddDrain(cpu); // folio_batch_release()
  for (let i = radixNext(pages, index); i < end; i = radixNext(pages, i + 1)) {
    let word = radixGet(pages, i);
    radixClear(pages, i);
    if (shmem) giveBlocks(object, 1);
    if (word & L.SHADOW_BIT) {
      if (shmem) freeSwapAndCache(task, cpu, word & ~L.SHADOW_BIT);
      else dropShadow(word);
      continue;
    }
    unmapEverywhere(object, i, word);
    freeFolio(task, cpu, word);
  }
  shrinkNodes(pages);
  return 0;
}

/** evict(): the inode and all its pages go; the id may be used again. -ENOENT: there is no such object. */
export function objectFree(task: u32, cpu: u32, object: u32): i32 {
  let errno = checkObject(object);
  if (errno) return errno;
  if (!typeOf(object)) return outOfRange(L.FIELD_OBJECT, object, ENOENT);
  if (typeOf(object) == OBJECT_SUPER) evictFiles(task, cpu, object);
  if (isBpf(object)) {
    if (bpfFree(cpu, object)) return 0;
  } else truncate(task, cpu, object, 0, 0);
  // Map records outlive the pages: their mm ends them. They must not find this id again.
  for (let map = load<u32>(objectAt(object), L.OBJECT_MAPS); map; ) {
    let next = load<u32>(mapAt(map), L.MAP_NEXT_OF_OBJECT);
    forgetLocks(load<u32>(mapAt(map), L.MAP_MM), object);
    unlinkFromMm(map);
    freeMap(map);
    map = next;
  }
  radixDestroy(pagesOf(object));
  freeAllWorkers(object);
  forgetInode(object);
  if (policyTables) forgetBond(object);
  store<u32>(objectAt(object), 0, L.OBJECT_TYPE);
  return 0;
}

/** Takes a map record off its mm's list. */
function unlinkFromMm(map: u32): void {
  let mm = load<u32>(mapAt(map), L.MAP_MM);
  // Finding it puts it first.
  findMap(mm, load<u32>(mapAt(map), L.MAP_OBJECT));
  store<u32>(mmAt(mm), load<u32>(mapAt(map), L.MAP_NEXT_OF_MM), L.MM_MAPS);
}

/** sync, fsync: the dirty pages of an object, or (0) of all, are written; the task waits. */
export function sync(object: u32): i32 {
  let end = headerGet(L.H_OBJECT_END);
  if (object) {
    let errno = openObject(object);
    if (errno) return errno;
    end = object + 1;
  }
  for (let o = object ? object : 1; o < end; o++) if (dirtyPages(o) || headerGet(L.H_NR_WRITEBACK)) syncInode(o);
  return 0;
}

/**
 * drop_pagecache_sb(): pages of files that are clean, not being written and in no address space go, and what evicted pages have left
 * (invalidate_mapping_pages()).
 */
export function dropPagecache(task: u32, cpu: u32): void {
  let end = headerGet(L.H_OBJECT_END);
  lruAddDrainAll(); // drop_caches_sysctl_handler()
  for (let object: u32 = 1; object < end; object++) {
    if (isShmem(object) || isBpf(object)) continue;
    let pages = pagesOf(object);
    if (!isResident(pages)) continue;
    for (let i = radixNext(pages, 0); i != NO_KEY; i = radixNext(pages, i + 1)) {
      let word = radixGet(pages, i);
      if (word & L.SHADOW_BIT) dropShadow(word);
      else if (isDirty(word) || isWriteback(word) || mapcount(word)) continue;
      radixClear(pages, i);
      if (!(word & L.SHADOW_BIT)) freeFolio(task, cpu, word);
    }
    shrinkNodes(pages);
  }
}

/** invalidate_mapping_pages() of one folio of a file that is mapped nowhere, and on no list: it leaves nothing. */
export function forgetPage(task: u32, cpu: u32, frame: u32): void {
  let place = load<u64>(placeAt(frame));
  let pages = pagesOf(<u32>(place >> 32));
  radixClear(pages, place & 0xffffffff);
  freeFolio(task, cpu, frame);
  shrinkNodes(pages);
}

/** Some page is in memory: inodes that have none (nrpages) are passed over, whatever shadows they have. */
function isResident(pages: usize): bool {
  for (let i = radixNext(pages, 0); i != NO_KEY; i = radixNext(pages, i + 1)) if (!(radixGet(pages, i) & L.SHADOW_BIT)) return true;
  return false;
}
