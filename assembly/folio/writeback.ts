// Dirty pages on their way to the disk. A device writes one page after the other, each in the time that H_WRITE_NS says (0: at once);
// a flusher gives it what has been dirty for long or is too much. mm/page-writeback.c (balance_dirty_pages(), wb_over_bg_thresh(),
// folio_end_writeback()), fs/fs-writeback.c (wb_workfn(), wb_check_old_data_flush(), wakeup_flusher_threads()).
//
//     dirtyFolio() → inode on b_dirty ── flusher ──→ startWriteback() → | device: first in, first out | → endWriteback()
//
// Who waits for the device (fsync, truncate, reclaim, a writer over the limit) waits in virtual time: the device's clock runs ahead of
// the trace's, whose times stand, and what was waited for is counted. So its bandwidth is never exceeded.
import {
  BLKDEV_DEFAULT_RQ, DIRTY_BACKGROUND_RATIO, DIRTY_EXPIRE_NS, DIRTY_RATIO, DIRTY_WRITEBACK_NS, NEVER, PAGE_COUNTER_MAX,
} from '../constants';
import { memoryCounter, pageCounterRead } from '../counter/page-counter';
import { differs } from '../audit';
import * as L from '../layout';
import { memcgState, parentOf } from '../memcg/memcg';
import { modStat, statLocal, statTotal } from '../memcg/stat';
import {
  folioAt, headerGet, headerGet64, headerSet, headerSet64, inodeAt, mmAt, objectAt, pagesEnd, ROOT, writeBase,
} from '../memory';
import { addTail, listAt, remove, sizePages } from '../reclaim/lru';
import { jiffy } from '../psi';
import { lruPages } from '../reclaim/workingset';
import { chargeWord, ownerOf } from './folio';
import { dirtyPages, nextDirty, oldestDirty } from './inode';
import { isLoopFolio, nextLoop, queueLoop, runLoop } from './loop';
import { folioSlot } from './slots';
import { NO_KEY, radixGet, radixNext } from './radix';
import { KIND_FILE } from '../replay/ops';
import { cleanFolio, placeAt, setState, stateOf } from './resident';

/** MIN_WRITEBACK_PAGES: what the flusher writes of one inode before it looks at the thresholds again (4 MiB). */
const CHUNK: u32 = 1024;
/** Pages that a task dirties before its first balance_dirty_pages(), and between two of them where the limit is near. */
const FIRST_PAUSE: u32 = 32;
const SHORT_PAUSE: u32 = 8;

// --- the device

/** The next write after this one in the device's queue. */
@inline function nextAt(frame: u32): usize {
  return writeBase + (<usize>frame << 2);
}
/** The frame that the device writes after this one; 0: it is the last. */
@inline export function nextWrite(frame: u32): u32 {
  return load<u32>(nextAt(frame));
}
/** The time that writeback has come to: the trace's, or later where somebody waited. */
@inline function clock(): u64 {
  return max<u64>(headerGet64(L.H_NOW), headerGet64(L.H_WRITE_CLOCK));
}
@inline export function isWriteback(frame: u32): bool {
  return (stateOf(frame) & L.STATE_WRITEBACK) != 0;
}

/** When the device or the flusher has something to do next. */
function arm(): void {
  let device = headerGet(L.H_WRITE_HEAD) ? headerGet64(L.H_WRITE_DONE_AT) : NEVER;
  headerSet64(L.H_WRITEBACK_AT, min<u64>(device, headerGet64(L.H_FLUSH_AT)));
}

/** folio_start_writeback(), after folio_clear_dirty_for_io(): the folio, of whatever kind, is given to the device. */
export function startWriteback(frame: u32): void {
  cleanFolio(frame);
  setState(frame, stateOf(frame) | L.STATE_WRITEBACK);
  modStat(ownerOf(chargeWord(frame)), L.STAT_FILE_WRITEBACK, 1);
  headerSet(L.H_NR_WRITEBACK, headerGet(L.H_NR_WRITEBACK) + 1);
  if (isLoopFolio(frame)) {
    queueLoop(frame);
    return;
  }
  let service = headerGet64(L.H_WRITE_NS);
  if (!service) {
    endWriteback(frame);
    return;
  }
  joinRequest(frame);
  store<u32>(nextAt(frame), 0);
  let tail = headerGet(L.H_WRITE_TAIL);
  headerSet(L.H_WRITE_TAIL, frame);
  if (tail) {
    store<u32>(nextAt(tail), frame);
    return;
  }
  headerSet(L.H_WRITE_HEAD, frame);
  headerSet64(L.H_WRITE_DONE_AT, clock() + headerGet64(L.H_WRITE_LATENCY) + service);
  arm();
}

/** What the block layer knows a page by: its slot, or its place in its object. */
@inline function requestKey(frame: u32): u64 {
  if (stateOf(frame) & L.STATE_SWAPCACHE) return (<u64>1 << 63) | folioSlot(frame);
  return load<u64>(placeAt(frame));
}

/** blk_attempt_plug_merge(): a page that follows the last one on the disk joins its request, and else begins one. */
function joinRequest(frame: u32): void {
  let key = requestKey(frame);
  let pages = headerGet(L.H_REQUEST_PAGES);
  let joins = headerGet(L.H_WRITE_HEAD) != 0 && pages < headerGet(L.H_REQUEST_MAX) && key == headerGet64(L.H_REQUEST_KEY) + 1;
  headerSet64(L.H_REQUEST_KEY, key);
  headerSet(L.H_REQUEST_PAGES, joins ? pages + 1 : 1);
  if (joins) return;
  setState(frame, stateOf(frame) | L.STATE_REQUEST);
  headerSet(L.H_NR_REQUESTS, headerGet(L.H_NR_REQUESTS) + 1);
}

/** folio_end_writeback(): the folio is on the disk. What reclaim has waited for goes to where it is found next. */
export function endWriteback(frame: u32): void {
  let state = stateOf(frame);
  setState(frame, state & ~(L.STATE_WRITEBACK | L.STATE_RECLAIM));
  modStat(ownerOf(chargeWord(frame)), L.STAT_FILE_WRITEBACK, -1);
  headerSet(L.H_NR_WRITEBACK, headerGet(L.H_NR_WRITEBACK) - 1);
  if (state & L.STATE_RECLAIM) rotateReclaimable(frame);
}

/** folio_rotate_reclaimable(): to the tail of its inactive list, unless it is dirty again, unevictable, or in somebody's hands. */
function rotateReclaimable(frame: u32): void {
  let state = stateOf(frame);
  let list = (state & L.STATE_LIST_MASK) >> L.STATE_LIST_SHIFT;
  if (state & L.STATE_DIRTY || list == L.LRU_UNEVICTABLE || !load<u32>(folioAt(frame), L.FOLIO_POSITION)) return;
  let memcg = ownerOf(chargeWord(frame));
  let inactive = list & ~1;
  remove(listAt(memcg, list), frame, 1);
  setState(frame, (state & ~L.STATE_LIST_MASK) | (inactive << L.STATE_LIST_SHIFT));
  addTail(listAt(memcg, inactive), frame, 1);
}

/** The write at the head of the queue is done. */
function finishOne(): void {
  let frame = headerGet(L.H_WRITE_HEAD);
  let next = load<u32>(nextAt(frame));
  headerSet(L.H_WRITE_HEAD, next);
  if (next) headerSet64(L.H_WRITE_DONE_AT, headerGet64(L.H_WRITE_DONE_AT) + headerGet64(L.H_WRITE_NS));
  else headerSet(L.H_WRITE_TAIL, 0);
  store<u32>(nextAt(frame), 0);
  if (stateOf(frame) & L.STATE_REQUEST) {
    setState(frame, stateOf(frame) & ~L.STATE_REQUEST);
    headerSet(L.H_NR_REQUESTS, headerGet(L.H_NR_REQUESTS) - 1);
  }
  endWriteback(frame);
}

/** Device and flusher do what is due at or before `now`, in the order of time. */
export function runDevice(now: u64): void {
  while (headerGet64(L.H_WRITEBACK_AT) <= now) {
    let due = headerGet64(L.H_WRITEBACK_AT);
    if (due > headerGet64(L.H_WRITE_CLOCK)) headerSet64(L.H_WRITE_CLOCK, due);
    if (headerGet64(L.H_FLUSH_AT) <= due) flushPeriodically(due);
    else finishOne();
    arm();
  }
}

/** Somebody waits until the write at the head is done; what this takes from now on is counted. */
function waitForOne(): void {
  let from = clock();
  let done = headerGet64(L.H_WRITE_DONE_AT);
  if (done > from) {
    headerSet64(L.H_WRITE_CLOCK, done);
    headerSet64(L.H_WRITE_STALL_NS, headerGet64(L.H_WRITE_STALL_NS) + (done - from));
  }
  finishOne();
}

/** Waits until the device has nothing left to do. */
export function waitForDevice(): void {
  runLoop(true);
  while (headerGet(L.H_WRITE_HEAD)) waitForOne();
  arm();
}

/** blk_mq_get_request(): who would give the device one more than its queue holds waits until one is done. */
export function waitForRequest(): void {
  while (headerGet(L.H_WRITE_HEAD) && headerGet(L.H_NR_REQUESTS) >= BLKDEV_DEFAULT_RQ) waitForOne();
  arm();
}

/** folio_wait_writeback() */
export function waitForFolio(frame: u32): void {
  if (isWriteback(frame) && isLoopFolio(frame)) {
    runLoop(true);
    return;
  }
  while (isWriteback(frame) && headerGet(L.H_WRITE_HEAD)) waitForOne();
  arm();
}

/** reclaim_throttle(VMSCAN_THROTTLE_CONGESTED): all that reclaim met waits for the device; so does reclaim, a jiffy at most. */
export function congestionWait(): void {
  if (!headerGet(L.H_WRITE_HEAD)) return;
  let until = clock() + jiffy();
  headerSet64(L.H_WRITE_STALL_NS, headerGet64(L.H_WRITE_STALL_NS) + jiffy());
  runDevice(until);
  headerSet64(L.H_WRITE_CLOCK, until);
}

/** Somebody is at work for `ns`, not waiting: the device goes on meanwhile. */
export function deviceWorks(ns: u64): void {
  headerSet64(L.H_RECLAIM_NS, headerGet64(L.H_RECLAIM_NS) + ns);
  if (!headerGet(L.H_WRITE_HEAD) || !ns) return;
  let until = clock() + ns;
  runDevice(until);
  headerSet64(L.H_WRITE_CLOCK, until);
}

// --- the flusher

@inline function flusherOn(): bool {
  return headerGet(L.H_FLUSHER) != 0;
}

/** wb_wakeup_delayed(): an inode became dirty; the flusher will look in five seconds. */
export function wakeFlusherLater(): void {
  if (!flusherOn() || headerGet64(L.H_FLUSH_AT) != NEVER) return;
  headerSet64(L.H_FLUSH_AT, clock() + DIRTY_WRITEBACK_NS);
  arm();
}

/** do_writepages(): up to `most` dirty pages of an inode, on from where the last time ended. What is being written is left out. */
function writeInode(object: u32, most: u32): u32 {
  let pages = objectAt(object) + L.OBJECT_RADIX;
  let from: u64 = load<u32>(inodeAt(object), L.INODE_WRITE_INDEX);
  let started: u32 = 0;
  let index = radixNext(pages, from);
  let wrapped = false;
  while (started < most && dirtyPages(object)) {
    if (index == NO_KEY || (wrapped && index >= from)) {
      if (wrapped || !from) break;
      wrapped = true;
      index = radixNext(pages, 0);
      continue;
    }
    let frame = radixGet(pages, index);
    if (!(frame & L.SHADOW_BIT) && (stateOf(frame) & (L.STATE_DIRTY | L.STATE_WRITEBACK)) == L.STATE_DIRTY) {
      startWriteback(frame);
      started++;
    }
    index = radixNext(pages, index + 1);
  }
  if (dirtyPages(object)) store<u32>(inodeAt(object), index == NO_KEY ? 0 : <u32>index, L.INODE_WRITE_INDEX);
  return started;
}

/** wb_check_old_data_flush() and wb_check_background_flush(), every five seconds while something is dirty. */
function flushPeriodically(now: u64): void {
  let object = oldestDirty();
  while (object && load<u64>(inodeAt(object), L.INODE_DIRTIED_WHEN) + DIRTY_EXPIRE_NS <= now) {
    let next = nextDirty(object);
    writeInode(object, 0xffffffff);
    object = next;
  }
  flushBackground();
  headerSet64(L.H_FLUSH_AT, oldestDirty() ? now + DIRTY_WRITEBACK_NS : NEVER);
}

/** wakeup_flusher_threads(): reclaim has met nothing but dirty pages; all that is dirty is to be written. */
export function wakeFlusher(): void {
  if (!flusherOn()) return;
  let object = oldestDirty();
  while (object) {
    let next = nextDirty(object);
    writeInode(object, 0xffffffff);
    object = next;
  }
}

/** wb_writeback() of background work: the oldest first, until the domains of the inode's cgroup are below their thresholds. */
function flushBackground(): void {
  let avail = dirtyableMemory();
  let below: u32 = 0; // the cgroup that was found below its threshold last: nothing is dirtied meanwhile
  let object = oldestDirty();
  while (object) {
    let next = nextDirty(object);
    let memcg = load<u32>(inodeAt(object), L.INODE_WB);
    while (dirtyPages(object) && memcg != below) {
      if (!overBackground(memcg, avail)) below = memcg;
      else if (!writeInode(object, CHUNK)) break;
    }
    object = next;
  }
}

/** fsync(): all of an inode is written, and waited for. */
export function syncInode(object: u32): void {
  let pages = objectAt(object) + L.OBJECT_RADIX;
  let last: u32 = 0;
  for (let i = radixNext(pages, 0); i != NO_KEY; i = radixNext(pages, i + 1)) {
    let frame = radixGet(pages, i);
    if (frame & L.SHADOW_BIT) continue;
    if (stateOf(frame) & L.STATE_DIRTY) {
      waitForFolio(frame);
      startWriteback(frame);
    }
    if (isWriteback(frame)) last = frame;
  }
  // First in, first out: what was given to the device last is done last, but an older write may be of a later page.
  for (let i = last ? radixNext(pages, 0) : NO_KEY; i != NO_KEY; i = radixNext(pages, i + 1)) {
    let frame = radixGet(pages, i);
    if (!(frame & L.SHADOW_BIT)) waitForFolio(frame);
  }
}

/**
 * A charge to `over` is about to fail: sixteen fruitless reclaims of the whole cgroup take longer than the flusher and the device need
 * to make room. True: pages of it are clean now that were not.
 */
export function awaitWriteback(over: u32): bool {
  let before = unwritten(over);
  if (!before) return false;
  wakeFlusher();
  waitForDevice();
  return unwritten(over) < before;
}

function unwritten(memcg: u32): i64 {
  return statTotal(memcg, L.STAT_FILE_DIRTY) + statTotal(memcg, L.STAT_FILE_WRITEBACK);
}

// --- how much may be dirty

/** global_dirtyable_memory(): memory that is free or page cache. The machine's reserves are not taken off. */
function dirtyableMemory(): u64 {
  let used: u64 = 0;
  for (let memcg = ROOT; memcg < headerGet(L.H_MEMCG_END); memcg++) {
    if (memcgState(memcg) == L.MEMCG_FREE) continue;
    used += sizePages(listAt(memcg, L.LRU_INACTIVE_ANON)) + sizePages(listAt(memcg, L.LRU_ACTIVE_ANON));
    used += sizePages(listAt(memcg, L.LRU_UNEVICTABLE)) + <u64>max<i64>(0, statLocal(memcg, L.STAT_KMEM));
  }
  let all: u64 = pagesEnd - 1;
  return all - min<u64>(all, used);
}

/** mem_cgroup_wb_stats(): what the cgroup may still take, at every level. */
function headroom(memcg: u32): u64 {
  let room: u64 = PAGE_COUNTER_MAX;
  for (let m = memcg; parentOf(m); m = parentOf(m)) {
    let counter = memoryCounter(m);
    let ceiling = <u64>min<i64>(load<i64>(counter, L.PC_MAX), load<i64>(counter, L.PC_HIGH));
    room = min<u64>(room, ceiling - min<u64>(ceiling, <u64>pageCounterRead(counter)));
  }
  return room;
}

/** mdtc_calc_avail(): page cache of the cgroup, and what it may add to it out of what others leave. */
function available(memcg: u32, dirty: u64, globalAvail: u64, globalDirty: u64): u64 {
  let file = lruPages(memcg, L.LRU_INACTIVE_FILE) + lruPages(memcg, L.LRU_ACTIVE_FILE);
  let clean = file - min<u64>(file, dirty);
  let globalClean = globalAvail - min<u64>(globalAvail, globalDirty);
  return file + min<u64>(headroom(memcg), globalClean - min<u64>(globalClean, clean));
}

/** domain_dirty_limits(): the share of `avail`, in the kernel's arithmetic. */
@inline function share(avail: u64, ratio: u64): u64 {
  return (((ratio * 4096) / 100) * avail) / 4096;
}

/** Dirty pages of a domain; the root's are the machine's. */
@inline function dirtyOf(memcg: u32, writeback: bool): u64 {
  if (memcg == ROOT) return <u64>headerGet(L.H_NR_DIRTY) + (writeback ? headerGet(L.H_NR_WRITEBACK) : 0);
  return <u64>statTotal(memcg, L.STAT_FILE_DIRTY) + (writeback ? <u64>statTotal(memcg, L.STAT_FILE_WRITEBACK) : 0);
}

/** domain_dirty_avail() */
function availableTo(memcg: u32, globalAvail: u64, writeback: bool): u64 {
  return memcg == ROOT ? globalAvail : available(memcg, dirtyOf(memcg, writeback), globalAvail, dirtyOf(ROOT, writeback));
}

/** wb_over_bg_thresh(): too much is dirty in the machine, or in the cgroup whose writeback it is. */
function overBackground(memcg: u32, avail: u64): bool {
  if (dirtyOf(ROOT, false) > share(avail, DIRTY_BACKGROUND_RATIO)) return true;
  return memcg != ROOT && dirtyOf(memcg, false) > share(availableTo(memcg, avail, false), DIRTY_BACKGROUND_RATIO);
}

/** dirty_poll_interval(): the square root of what is left. */
function pollInterval(dirty: u64, threshold: u64): u32 {
  if (threshold <= dirty) return 1;
  return <u32>1 << ((63 - <u32>clz<u64>(threshold - dirty)) >> 1);
}

/** balance_dirty_pages_ratelimited(): the task has dirtied a page of the object; now and then it looks how much is dirty. */
export function balanceDirty(task: u32, object: u32): void {
  if (!flusherOn()) return;
  let at = mmAt(task);
  let dirtied = <u32>load<u16>(at, L.TASK_NR_DIRTIED) + 1;
  store<u16>(at, <u16>dirtied, L.TASK_NR_DIRTIED);
  let pause: u32 = load<u16>(at, L.TASK_DIRTIED_PAUSE);
  if (!pause) pause = FIRST_PAUSE;
  if (dirtied < pause) return;
  store<u16>(at, 0, L.TASK_NR_DIRTIED);
  // The square root of 32 bits: it fits.
  store<u16>(at, <u16>balanceDirtyPages(load<u32>(inodeAt(object), L.INODE_WB)), L.TASK_DIRTIED_PAUSE);
}

/**
 * balance_dirty_pages(): over the background threshold the flusher starts; half way from there to the limit it does for the cgroup's
 * sake, too; over the limit the task waits for the device. Answers how many pages the task may dirty before it must look again.
 */
function balanceDirtyPages(memcg: u32): u32 {
  if (!memcg) memcg = ROOT;
  let avail = dirtyableMemory();
  if (dirtyOf(ROOT, true) > share(avail, DIRTY_BACKGROUND_RATIO)) flushBackground();
  let pause = freerun(ROOT, avail);
  if (memcg != ROOT && pause) pause = min<u32>(pause, freerun(memcg, avail));
  if (pause) return pause;
  flushBackground();
  runLoop(true);
  while (headerGet(L.H_WRITE_HEAD) && (overLimit(ROOT, avail) || (memcg != ROOT && overLimit(memcg, avail))))
    for (let i = 0; i < 32 && headerGet(L.H_WRITE_HEAD); i++) waitForOne();
  arm();
  return SHORT_PAUSE;
}

/** dirty_freerun_ceiling(): below the middle of both thresholds nobody is held up. Answers the pages until the next look; 0: above. */
function freerun(memcg: u32, globalAvail: u64): u32 {
  let avail = availableTo(memcg, globalAvail, true);
  let limit = share(avail, DIRTY_RATIO);
  let dirty = dirtyOf(memcg, true);
  return dirty <= (limit + share(avail, DIRTY_BACKGROUND_RATIO)) / 2 ? pollInterval(dirty, limit) : 0;
}

function overLimit(memcg: u32, globalAvail: u64): bool {
  return dirtyOf(memcg, true) > share(availableTo(memcg, globalAvail, true), DIRTY_RATIO);
}

/** The device's queue, the list of dirty inodes and the machine's sums; 0, or the code of the first discrepancy. */
export function auditWriteback(): u32 {
  let queued: i64 = 0;
  for (let frame = headerGet(L.H_WRITE_HEAD); frame; frame = nextWrite(frame)) {
    if (!isWriteback(frame) || !chargeWord(frame)) return differs(L.AUDIT_WRITEBACK, frame, 1, 0);
    queued++;
  }
  let written: i64 = 0;
  let dirty: i64 = 0;
  for (let frame: u32 = 1; frame < headerGet(L.H_FRAME_END); frame++) {
    if (!chargeWord(frame)) continue;
    if (isWriteback(frame)) written++;
    if ((stateOf(frame) & (L.STATE_DIRTY | L.STATE_KIND_MASK)) == (L.STATE_DIRTY | KIND_FILE)) dirty++;
  }
  for (let frame = nextLoop(0); frame; frame = nextLoop(frame)) {
    if (!isWriteback(frame) || !isLoopFolio(frame)) return differs(L.AUDIT_WRITEBACK, frame, 1, 0);
    queued++;
  }
  let requests: i64 = 0;
  for (let frame = headerGet(L.H_WRITE_HEAD); frame; frame = nextWrite(frame)) if (stateOf(frame) & L.STATE_REQUEST) requests++;
  let code = differs(L.AUDIT_WRITEBACK, 0, requests, headerGet(L.H_NR_REQUESTS));
  if (!code) code = differs(L.AUDIT_WRITEBACK, 0, written, queued);
  if (!code) code = differs(L.AUDIT_WRITEBACK, 0, written, headerGet(L.H_NR_WRITEBACK));
  if (!code) code = differs(L.AUDIT_FILE_DIRTY, 0, dirty, headerGet(L.H_NR_DIRTY));
  let counted: i64 = 0;
  let since: u64 = 0;
  for (let object = oldestDirty(); object && !code; object = nextDirty(object)) {
    let found: i64 = 0;
    let pages = objectAt(object) + L.OBJECT_RADIX;
    for (let i = radixNext(pages, 0); i != NO_KEY; i = radixNext(pages, i + 1)) {
      let frame = radixGet(pages, i);
      if (!(frame & L.SHADOW_BIT) && stateOf(frame) & L.STATE_DIRTY) found++;
    }
    code = differs(L.AUDIT_DIRTY_INODES, object, found, dirtyPages(object));
    if (!code && load<u64>(inodeAt(object), L.INODE_DIRTIED_WHEN) < since) code = differs(L.AUDIT_DIRTY_INODES, object, 1, 0);
    since = load<u64>(inodeAt(object), L.INODE_DIRTIED_WHEN);
    counted += found;
  }
  return code ? code : differs(L.AUDIT_DIRTY_INODES, 0, dirty, counted);
}

/** No timer is armed. */
export function initWriteback(): void {
  headerSet64(L.H_FLUSH_AT, NEVER);
  headerSet64(L.H_WRITEBACK_AT, NEVER);
}
