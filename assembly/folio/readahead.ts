// Reading ahead of use, and mapping around a fault. mm/readahead.c (page_cache_sync_ra(), page_cache_async_ra(), do_page_cache_ra()),
// mm/filemap.c (filemap_get_pages(), do_sync_mmap_readahead(), do_async_mmap_readahead(), filemap_map_pages()), mm/memory.c
// (do_fault_around()). Where the two kernels differ the branch says so. Folios have one page here: a large folio of 6.18 is as many.
//
//     start                 start + size - async_size            start + size
//     | read because asked .. | PG_readahead · ahead of use ...... |          reading the marked page starts the next window
//
// The kernel keeps this state in the open file (struct file_ra_state). A trace names the task and the object: it is kept by address
// space and object, in a table of a fixed size. What falls out of the table is as if the file had been opened anew.
import * as L from '../layout';
import { headerGet, headerSet, inodeAt, kernel61, readerBase, taskAt, tasksEnd } from '../memory';
import { FLAG_EXEC, GFP_KERNEL, GFP_NORETRY, OBJECT_FILE } from '../replay/ops';
import { mix64 } from '../random';
import { inodeSize } from './inode';
import { addFolio, frameAt, mapAround, typeOf } from './mapping';
import { setState, stateOf } from './resident';

/** mm/filemap.c: misses in a mapping after which read-around does more harm than good, and where the count stops. */
const MMAP_LOTSAMISS: u32 = 100;
const MMAP_MISS_MAX: u32 = 10 * MMAP_LOTSAMISS;
/** include/linux/pagevec.h: folios that a read looks up at a time. */
const BATCH_618: u32 = 31;
const BATCH_61: u32 = 15;
const WAYS: u32 = 4;
const NOWHERE: u32 = 0xffffffff;

@inline function readaheadPages(): u32 {
  return headerGet(L.H_READAHEAD);
}
/** Reads of the object are worth looking at: readahead is on, and it is a file's. A block device is mostly read by its file system. */
@inline export function readsAhead(object: u32): bool {
  return readaheadPages() != 0 && typeOf(object) == OBJECT_FILE;
}

/** The state of (mm, object), made if it is not there, at the cost of the one in its bucket that was used least recently. */
function readerOf(task: u32, object: u32): usize {
  let mm = task ? load<u32>(taskAt(task), L.TASK_MM) : 0;
  if (!mm) mm = (task == tasksEnd ? 0 : task) | 0x80000000; // (the engine's own thread is the same on every machine)
  let generation = load<u32>(inodeAt(object), L.INODE_GENERATION);
  let bucket = <u32>mix64((<u64>mm << 32) | object) & (L.NR_READERS / WAYS - 1);
  let stamp = headerGet(L.H_READER_STAMP) + 1;
  headerSet(L.H_READER_STAMP, stamp);
  let at = readerBase + <usize>(bucket * WAYS) * L.READER_STRIDE;
  let oldest = at;
  for (let way: u32 = 0; way < WAYS; way++, at += L.READER_STRIDE) {
    if (
      load<u32>(at, L.READER_MM) == mm && load<u32>(at, L.READER_OBJECT) == object && load<u32>(at, L.READER_GENERATION) == generation
    ) {
      store<u32>(at, stamp, L.READER_STAMP);
      return at;
    }
    // The stamp may wrap: what counts is the distance.
    if (stamp - load<u32>(at, L.READER_STAMP) > stamp - load<u32>(oldest, L.READER_STAMP)) oldest = at;
  }
  memory.fill(oldest, 0, L.READER_STRIDE);
  store<u32>(oldest, mm, L.READER_MM);
  store<u32>(oldest, object, L.READER_OBJECT);
  store<u32>(oldest, generation, L.READER_GENERATION);
  store<u32>(oldest, NOWHERE, L.READER_PREVIOUS);
  store<u32>(oldest, stamp, L.READER_STAMP);
  return oldest;
}

function roundUpPowerOfTwo(n: u32): u32 {
  return n <= 1 ? 1 : <u32>1 << (32 - clz<u32>(n - 1));
}

/** get_init_ra_size(): the first window, from the size of the request. */
function initialSize(request: u32, most: u32): u32 {
  let size = roundUpPowerOfTwo(min<u32>(request, most));
  if (size <= most / 32) return size * 4;
  return size <= most / 4 ? size * 2 : most;
}

/** get_next_ra_size() */
function nextSize(size: u32, most: u32): u32 {
  if (size < most / 16) return 4 * size;
  return size <= most / 2 ? 2 * size : most;
}

/**
 * do_page_cache_ra(): brings in what is not resident of [start, start + pages), up to the end of the file, and marks the page that begins
 * the last `lookahead` of them. A charge that a limit refuses ends it: such a charge reclaims, but asks for no OOM kill.
 */
function readPages(task: u32, cpu: u32, payer: u32, object: u32, start: u64, pages: u32, lookahead: u32): void {
  let size = inodeSize(object);
  if (start >= size) return;
  pages = <u32>min<u64>(pages, size - start);
  let mark = lookahead <= pages ? start + (pages - lookahead) : size;
  for (let i = start; i < start + pages; i++) {
    if (frameAt(object, i)) continue;
    let frame = addFolio(task, cpu, payer, object, i, true, GFP_KERNEL | GFP_NORETRY);
    // Full tables are noticed by the access itself, which needs the same.
    if (frame <= 0) return;
    if (i == mark) setState(<u32>frame, stateOf(<u32>frame) | L.STATE_READAHEAD);
  }
}

/** page_cache_ra_order(): the window that the state says. */
function readWindow(task: u32, cpu: u32, payer: u32, object: u32, at: usize): void {
  readPages(task, cpu, payer, object, load<u32>(at, L.READER_START), load<u32>(at, L.READER_SIZE), load<u32>(at, L.READER_ASYNC));
}

function setWindow(at: usize, start: u64, size: u32, ahead: u32): void {
  store<u32>(at, <u32>start, L.READER_START);
  store<u32>(at, size, L.READER_SIZE);
  store<u32>(at, ahead, L.READER_ASYNC);
}

/** page_cache_prev_miss(): resident pages in front of `index`, without a gap; `most` of them at most. */
function pagesBefore(object: u32, index: u64, most: u32): u32 {
  let n: u32 = 0;
  while (n < most && n < <u32>index && frameAt(object, index - 1 - n)) n++;
  return n;
}

/** page_cache_sync_ra(): page `index` is asked for, with `request` - 1 behind it, and is not there. */
function syncReadahead(task: u32, cpu: u32, payer: u32, object: u32, at: usize, index: u64, request: u32): void {
  let most = readaheadPages();
  let previous = load<u32>(at, L.READER_PREVIOUS);
  let sequential = previous != NOWHERE && index >= previous && index - previous <= 1;
  // 6.1 looks for the expected page first, here too; 6.18 leaves that to the mark.
  if (kernel61 && index && expectedReadahead(task, cpu, payer, object, at, index)) return;
  if (!index || request > most || sequential) {
    let size = initialSize(request, most);
    setWindow(at, index, size, size > request ? size - request : kernel61 ? size : size >> 1);
    // 6.1: a read that would hit its own mark takes the next window at once.
    if (kernel61 && size <= request) widen(at, most);
    readWindow(task, cpu, payer, object, at);
    return;
  }
  let before = pagesBefore(object, index, most);
  if (before <= request) {
    // A small read somewhere: as it is, and the state stays.
    readPages(task, cpu, payer, object, index, request, 0);
    return;
  }
  // All from the beginning of the file: a long stream.
  let contiguous: u32 = before >= <u32>index ? 2 * before : before;
  setWindow(at, index, min<u32>(contiguous + request, most), 1);
  readWindow(task, cpu, payer, object, at);
}

/** 6.1, ondemand_readahead(): the page where the next window was to be asked for. False: it is not. */
function expectedReadahead(task: u32, cpu: u32, payer: u32, object: u32, at: usize, index: u64): bool {
  let start: u64 = load<u32>(at, L.READER_START);
  let size = load<u32>(at, L.READER_SIZE);
  if (!size || (index != start + size && index != start + size - load<u32>(at, L.READER_ASYNC))) return false;
  let most = readaheadPages();
  let next = nextSize(size, most);
  setWindow(at, start + size, next, next);
  if (index == start + size) widen(at, most);
  readWindow(task, cpu, payer, object, at);
  return true;
}

/** 6.1, ondemand_readahead(), readit: two windows in one. */
function widen(at: usize, most: u32): void {
  let size = load<u32>(at, L.READER_SIZE);
  let more = nextSize(size, most);
  if (size + more <= most) setWindow(at, load<u32>(at, L.READER_START), size + more, more);
  else setWindow(at, load<u32>(at, L.READER_START), most, most >> 1);
}

/** page_cache_async_ra(): a marked page is used; the next window is read before it is needed. */
function asyncReadahead(task: u32, cpu: u32, payer: u32, object: u32, at: usize, frame: u32, index: u64, request: u32): void {
  let state = stateOf(frame);
  if (state & L.STATE_WRITEBACK) return;
  setState(frame, state & ~L.STATE_READAHEAD);
  let most = readaheadPages();
  let start = load<u32>(at, L.READER_START);
  let size = load<u32>(at, L.READER_SIZE);
  if (size && index == <u64>start + size - load<u32>(at, L.READER_ASYNC)) {
    let next = nextSize(size, most);
    setWindow(at, <u64>start + size, next, next);
  } else {
    // A mark that another stream left: what lies ahead of it without a gap was its window.
    let miss = index + 1;
    while (miss - index <= most && frameAt(object, miss)) miss++;
    if (miss - index > most) return;
    let next = nextSize(<u32>(miss - index) + request, most);
    setWindow(at, miss, next, next);
  }
  readWindow(task, cpu, payer, object, at);
}

/**
 * filemap_get_pages(): a read of [index, end) comes to `index`. Brings in what it needs and what will be needed, and answers where the
 * folios end that it looked up: there it must be asked again.
 */
export function readBatch(task: u32, cpu: u32, payer: u32, object: u32, index: u64, end: u64): u64 {
  let at = readerOf(task, object);
  if (!frameAt(object, index)) syncReadahead(task, cpu, payer, object, at, index, <u32>(end - index));
  let batch = min<u64>(end, index + (kernel61 ? BATCH_61 : BATCH_618));
  let last: u32 = 0;
  let next = index;
  while (next < batch) {
    let frame = frameAt(object, next);
    if (!frame) break;
    last = frame;
    next++;
    if (stateOf(frame) & L.STATE_READAHEAD) break;
  }
  if (last && stateOf(last) & L.STATE_READAHEAD) asyncReadahead(task, cpu, payer, object, at, last, next - 1, <u32>(end - (next - 1)));
  return max<u64>(next, index + 1);
}

/** filemap_read(): the read has come to `end`. */
export function readEnded(task: u32, object: u32, end: u64): void {
  store<u32>(readerOf(task, object), <u32>end, L.READER_PREVIOUS);
}

/** filemap_fault(): what a fault on page `index` reads besides. */
export function faultReadahead(task: u32, cpu: u32, payer: u32, object: u32, index: u64, flags: u32): void {
  let at = readerOf(task, object);
  let misses = load<u32>(at, L.READER_MMAP_MISS);
  let frame = frameAt(object, index);
  let most = readaheadPages();
  if (frame) {
    if (misses) store<u32>(at, misses - 1, L.READER_MMAP_MISS);
    if (stateOf(frame) & L.STATE_READAHEAD) asyncReadahead(task, cpu, payer, object, at, frame, index, most);
    return;
  }
  if (misses < MMAP_MISS_MAX) store<u32>(at, ++misses, L.READER_MMAP_MISS);
  if (misses > MMAP_LOTSAMISS) return;
  // 6.18: code is read from the fault on, without a mark. (The kernel stops at the end of the mapping, which a trace does not tell.)
  if (flags & FLAG_EXEC && !kernel61) setWindow(at, index, most, 0);
  else setWindow(at, index - min<u64>(index, most / 2), most, most / 4);
  readWindow(task, cpu, payer, object, at);
}

/**
 * do_fault_around(): a read fault on a resident page maps its resident neighbours, too; a marked page is left to a fault of its own. The
 * window is aligned in the file; the kernel aligns it in the address space, and stops at the mapping's ends. False: not this way.
 */
export function faultAround(task: u32, map: u32, object: u32, index: u64): bool {
  let pages = headerGet(L.H_FAULT_AROUND);
  if (pages <= 1) return false;
  let frame = frameAt(object, index);
  let from = index & ~(<u64>pages - 1);
  let mapped = mapAround(map, object, from, from + pages);
  if (mapped && readsAhead(object)) {
    let at = readerOf(task, object);
    let misses = load<u32>(at, L.READER_MMAP_MISS);
    store<u32>(at, misses - min<u32>(misses, mapped), L.READER_MMAP_MISS);
  }
  return frame != 0 && !(stateOf(frame) & L.STATE_READAHEAD);
}

/** Entries of the table that are in use, for the digest. */
@inline export function readerAt(entry: u32): usize {
  return readerBase + <usize>entry * L.READER_STRIDE;
}
