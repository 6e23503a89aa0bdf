// The LRU lists of a memcg: five, behind six functions (addHead addTail remove rotate isolate size). include/linux/mm_inline.h.
//
// A list is a log of frame numbers in chunks of 128. The folio stores the log position of its entry; an entry is valid only
// while both agree, so that removal is one store and nothing is unlinked:
//
//     tail → | · 17 · 4 | → | 9 · · 23 | → | 8 31 _ _ | ← head          · stale    _ free
//             oldest, next to be isolated           newest
//
// Both ends take entries: Linux puts folios at the tail when it rotates or deactivates them. When the stale entries are too
// many the list is squeezed in place, towards the tail: no memory is needed for that, and the cost is spread over the removals.
// One worker at a time may touch a memcg's lists.
import * as L from '../layout';
import {
  chunkBase, folioAt, headerGet, headerGet64, headerSet, headerSet64, listBase, logBase, nrChunks, rstatBase,
} from '../memory';
import { rstatListChange } from '../memcg/rstat';

@inline export function listAt(memcg: u32, list: u32): usize {
  return listBase + (<usize>memcg * L.NR_LRU_LISTS + list) * L.LIST_STRIDE;
}
@inline function entryAt(position: u32): usize {
  return logBase + (<usize>position << 2);
}
@inline function entry(position: u32): u32 {
  return load<u32>(entryAt(position));
}
@inline function position(frame: u32): u32 {
  return load<u32>(folioAt(frame), L.FOLIO_POSITION);
}
@inline function setPosition(frame: u32, at: u32): void {
  store<u32>(folioAt(frame), at, L.FOLIO_POSITION);
}
@inline function nextChunk(chunk: u32): u32 {
  return load<u32>(chunkBase + (<usize>chunk << 3));
}
@inline function setNextChunk(chunk: u32, next: u32): void {
  store<u32>(chunkBase + (<usize>chunk << 3), next);
}
@inline function previousChunk(chunk: u32): u32 {
  return load<u32>(chunkBase + (<usize>chunk << 3), 4);
}
@inline function setPreviousChunk(chunk: u32, previous: u32): void {
  store<u32>(chunkBase + (<usize>chunk << 3), previous, 4);
}

const OFFSET: u32 = L.CHUNK_ENTRIES - 1;

function takeChunk(): u32 {
  let chunk = headerGet(L.H_FREE_CHUNK);
  if (chunk) {
    headerSet(L.H_FREE_CHUNK, nextChunk(chunk));
  } else {
    chunk = headerGet(L.H_CHUNKS_USED) + 1;
    // Cannot fail: chunkCount() is the bound that compaction keeps.
    assert(chunk < nrChunks);
    headerSet(L.H_CHUNKS_USED, chunk);
  }
  setNextChunk(chunk, 0);
  setPreviousChunk(chunk, 0);
  return chunk;
}

function giveChunk(chunk: u32): void {
  setNextChunk(chunk, headerGet(L.H_FREE_CHUNK));
  headerSet(L.H_FREE_CHUNK, chunk);
}

/** Frees the chunks from `chunk` towards the head. */
function giveChain(chunk: u32): void {
  while (chunk) {
    let next = nextChunk(chunk);
    giveChunk(chunk);
    chunk = next;
  }
}

/** An empty list holds no chunk, so that many idle cgroups cost nothing. */
function clear(list: usize): void {
  giveChain(load<u32>(list, L.LIST_TAIL) >> L.CHUNK_SHIFT);
  store<u32>(list, 0, L.LIST_HEAD);
  store<u32>(list, 0, L.LIST_TAIL);
  store<u32>(list, 0, L.LIST_ENTRIES);
}

/** The head moved past its chunk's end: the next append goes to a fresh one. */
function growHead(list: usize, chunk: u32): void {
  let fresh = takeChunk();
  setNextChunk(chunk, fresh);
  setPreviousChunk(fresh, chunk);
  store<u32>(list, fresh << L.CHUNK_SHIFT, L.LIST_HEAD);
}

function begin(list: usize, offset: u32): void {
  let at = (takeChunk() << L.CHUNK_SHIFT) + offset;
  store<u32>(list, at, L.LIST_HEAD);
  store<u32>(list, at, L.LIST_TAIL);
}

@inline function crowded(list: usize): bool {
  return load<u32>(list, L.LIST_ENTRIES) > L.LOG_SLACK * load<u32>(list, L.LIST_LIVE) + L.CHUNK_ENTRIES;
}

/** Moves the valid entries together, towards the tail, and frees the chunks that this empties. */
function compact(list: usize): void {
  let head = load<u32>(list, L.LIST_HEAD);
  let read = load<u32>(list, L.LIST_TAIL);
  let write = read;
  while (read != head) {
    let frame = entry(read);
    if (position(frame) == read) {
      store<u32>(entryAt(write), frame);
      setPosition(frame, write);
      write = (write & OFFSET) == OFFSET ? nextChunk(write >> L.CHUNK_SHIFT) << L.CHUNK_SHIFT : write + 1;
    }
    read = (read & OFFSET) == OFFSET ? nextChunk(read >> L.CHUNK_SHIFT) << L.CHUNK_SHIFT : read + 1;
  }
  let last = write >> L.CHUNK_SHIFT;
  giveChain(nextChunk(last));
  setNextChunk(last, 0);
  store<u32>(list, write, L.LIST_HEAD);
  store<u32>(list, load<u32>(list, L.LIST_LIVE), L.LIST_ENTRIES);
}

@inline function count(list: usize, pages: u32): void {
  store<u32>(list, load<u32>(list, L.LIST_LIVE) + 1, L.LIST_LIVE);
  store<u32>(list, load<u32>(list, L.LIST_ENTRIES) + 1, L.LIST_ENTRIES);
  store<u32>(list, load<u32>(list, L.LIST_PAGES) + pages, L.LIST_PAGES);
  noteChange(pages);
  if (rstatBase) rstatListChange(list, pages);
}

/** By how much any lruvec may have grown or shrunk: see noteCost(). */
@inline function noteChange(pages: u32): void {
  headerSet64(L.H_LIST_CHANGES, headerGet64(L.H_LIST_CHANGES) + pages);
}

/** To be called once the appended folio's position is stored: an entry whose folio disagrees would be dropped. */
@inline export function compactIfCrowded(list: usize): void {
  if (crowded(list)) compact(list);
}

/** Appends at the newest end and answers the position, which the caller stores in the folio. */
@inline export function append(list: usize, frame: u32, pages: u32): u32 {
  let at = load<u32>(list, L.LIST_HEAD);
  if (!at) {
    begin(list, 0);
    at = load<u32>(list, L.LIST_HEAD);
  }
  store<u32>(entryAt(at), frame);
  if ((at & OFFSET) == OFFSET) growHead(list, at >> L.CHUNK_SHIFT);
  else store<u32>(list, at + 1, L.LIST_HEAD);
  count(list, pages);
  return at;
}

/**
 * Appends without leaving the line of code: answers the position, or 0, having done nothing, when the append would need a chunk
 * or a compaction.
 */
@inline export function appendFast(list: usize, frame: u32, pages: u32): u32 {
  let at = load<u32>(list, L.LIST_HEAD);
  let live = load<u32>(list, L.LIST_LIVE) + 1;
  let entries = load<u32>(list, L.LIST_ENTRIES) + 1;
  if (at == 0 || (at & OFFSET) == OFFSET || entries > L.LOG_SLACK * live + L.CHUNK_ENTRIES) return 0;
  store<u32>(entryAt(at), frame);
  store<u32>(list, at + 1, L.LIST_HEAD);
  store<u32>(list, live, L.LIST_LIVE);
  store<u32>(list, entries, L.LIST_ENTRIES);
  store<u32>(list, load<u32>(list, L.LIST_PAGES) + pages, L.LIST_PAGES);
  return at;
}

/** The list's side of a removal if that is all there is to do; false, having done nothing, when chunks would be freed. */
@inline export function removedFast(list: usize, pages: u32): bool {
  let live = load<u32>(list, L.LIST_LIVE) - 1;
  if (live == 0 || load<u32>(list, L.LIST_ENTRIES) > L.LOG_SLACK * live + L.CHUNK_ENTRIES) return false;
  store<u32>(list, live, L.LIST_LIVE);
  store<u32>(list, load<u32>(list, L.LIST_PAGES) - pages, L.LIST_PAGES);
  return true;
}

/** lruvec_add_folio(): at the head, the newest. `frame` is on no list. */
export function addHead(list: usize, frame: u32, pages: u32): void {
  setPosition(frame, append(list, frame, pages));
  compactIfCrowded(list);
}

/** lruvec_add_folio_tail(): at the tail, next to be isolated. `frame` is on no list. */
export function addTail(list: usize, frame: u32, pages: u32): void {
  let at = load<u32>(list, L.LIST_TAIL);
  if (!at) {
    begin(list, OFFSET);
    at = load<u32>(list, L.LIST_TAIL);
  }
  if ((at & OFFSET) == 0) {
    let chunk = at >> L.CHUNK_SHIFT;
    let fresh = takeChunk();
    setNextChunk(fresh, chunk);
    setPreviousChunk(chunk, fresh);
    at = (fresh << L.CHUNK_SHIFT) + L.CHUNK_ENTRIES;
  }
  at--;
  store<u32>(entryAt(at), frame);
  setPosition(frame, at);
  store<u32>(list, at, L.LIST_TAIL);
  count(list, pages);
  compactIfCrowded(list);
}

/** lruvec_del_folio(): off its list; the entry goes stale. */
@inline export function remove(list: usize, frame: u32, pages: u32): void {
  setPosition(frame, 0);
  removed(list, pages);
}

/** The list's side of a removal, for a caller that has cleared the folio's position itself. */
@inline export function removed(list: usize, pages: u32): void {
  let live = load<u32>(list, L.LIST_LIVE) - 1;
  store<u32>(list, live, L.LIST_LIVE);
  store<u32>(list, load<u32>(list, L.LIST_PAGES) - pages, L.LIST_PAGES);
  noteChange(pages);
  if (rstatBase) rstatListChange(list, -(<i64>pages));
  if (load<u32>(list, L.LIST_ENTRIES) > L.LOG_SLACK * live + L.CHUNK_ENTRIES) squeeze(list, live);
  else if (!live) clear(list);
}

function squeeze(list: usize, live: u32): void {
  if (live) compact(list);
  else clear(list);
}

/** lruvec_move_tail(), folio_rotate_reclaimable(): to the tail, so that it is isolated next. */
export function rotate(list: usize, frame: u32, pages: u32): void {
  remove(list, frame, pages);
  addTail(list, frame, pages);
}

/** Reads the folios of the next entries at the tail, `entries` of them at most, so that their cache misses overlap. */
export function touchTail(list: usize, entries: u32): void {
  let at = load<u32>(list, L.LIST_TAIL);
  let head = load<u32>(list, L.LIST_HEAD);
  let sink: u32 = 0;
  while (entries && at != head) {
    let last = (at & ~OFFSET) + OFFSET;
    let end = min<u32>(at + entries, last + 1);
    if (head >> L.CHUNK_SHIFT == at >> L.CHUNK_SHIFT) end = min<u32>(end, head);
    entries -= end - at;
    for (; at < end; at++) sink += position(entry(at));
    if (at > last) at = nextChunk(last >> L.CHUNK_SHIFT) << L.CHUNK_SHIFT;
  }
  headerSet(L.H_SINK, sink);
}

/**
 * list_splice_tail_init(): all folios of `from` are on `to` now, in their order, older than those that were there. Their entries stay where
 * they are: the logs become one, and what lay free at the seam counts as stale.
 */
export function spliceTail(from: usize, to: usize): void {
  let live = load<u32>(from, L.LIST_LIVE);
  if (!live) return;
  let pages = load<u32>(from, L.LIST_PAGES);
  let entries = load<u32>(from, L.LIST_ENTRIES);
  let head = load<u32>(from, L.LIST_HEAD);
  let tail = load<u32>(to, L.LIST_TAIL);
  if (tail) {
    setNextChunk(head >> L.CHUNK_SHIFT, tail >> L.CHUNK_SHIFT);
    setPreviousChunk(tail >> L.CHUNK_SHIFT, head >> L.CHUNK_SHIFT);
    // A stale entry's folio is elsewhere, and a free one's is none: neither agrees with its position.
    for (let at = head; at >> L.CHUNK_SHIFT == head >> L.CHUNK_SHIFT; at++) store<u32>(entryAt(at), 0);
    for (let at = tail & ~OFFSET; at < tail; at++) store<u32>(entryAt(at), 0);
    entries += L.CHUNK_ENTRIES - (head & OFFSET) + (tail & OFFSET);
  } else {
    store<u32>(to, head, L.LIST_HEAD);
  }
  store<u32>(to, load<u32>(from, L.LIST_TAIL), L.LIST_TAIL);
  store<u32>(to, load<u32>(to, L.LIST_ENTRIES) + entries, L.LIST_ENTRIES);
  store<u32>(to, load<u32>(to, L.LIST_LIVE) + live, L.LIST_LIVE);
  store<u32>(to, load<u32>(to, L.LIST_PAGES) + pages, L.LIST_PAGES);
  memory.fill(from, 0, L.LIST_STRIDE);
  noteChange(pages);
  if (rstatBase) {
    rstatListChange(from, -(<i64>pages));
    rstatListChange(to, pages);
  }
  compactIfCrowded(to);
}

/** Takes the oldest folio off the list (isolate_lru_folios() takes one after the other); 0 when the list is empty. */
export function isolate(list: usize): u32 {
  if (!load<u32>(list, L.LIST_LIVE)) return 0;
  let at = load<u32>(list, L.LIST_TAIL);
  let frame: u32 = 0;
  let valid = false;
  do {
    frame = entry(at);
    valid = position(frame) == at;
    if ((at & OFFSET) == OFFSET) {
      let chunk = at >> L.CHUNK_SHIFT;
      let next = nextChunk(chunk);
      giveChunk(chunk);
      setPreviousChunk(next, 0);
      at = next << L.CHUNK_SHIFT;
    } else at++;
    store<u32>(list, at, L.LIST_TAIL);
    store<u32>(list, load<u32>(list, L.LIST_ENTRIES) - 1, L.LIST_ENTRIES);
  } while (!valid);
  let order = (load<u32>(folioAt(frame), L.FOLIO_CHARGE) & L.CHARGE_ORDER_MASK) >> L.CHARGE_ORDER_SHIFT;
  remove(list, frame, 1 << order);
  return frame;
}

/** Folios on the list. */
@inline export function size(list: usize): u32 {
  return load<u32>(list, L.LIST_LIVE);
}
/** Pages of the folios on the list: what memory.stat shows. */
@inline export function sizePages(list: usize): u32 {
  return load<u32>(list, L.LIST_PAGES);
}

// --- read-only walk, for the audit and the digest

/** First valid entry at or after a log position, towards the head; 0 at the end. `from` 0 begins at the tail. */
export function walkUp(list: usize, from: u32): u32 {
  let head = load<u32>(list, L.LIST_HEAD);
  let at = from ? from : load<u32>(list, L.LIST_TAIL);
  if (from) at = step(at);
  while (at != head) {
    if (position(entry(at)) == at) return at;
    at = step(at);
  }
  return 0;
}

@inline function step(at: u32): u32 {
  return (at & OFFSET) == OFFSET ? nextChunk(at >> L.CHUNK_SHIFT) << L.CHUNK_SHIFT : at + 1;
}

/** Last valid entry before a log position, towards the tail; 0 at the end. `from` 0 begins at the head. */
export function walkDown(list: usize, from: u32): u32 {
  let tail = load<u32>(list, L.LIST_TAIL);
  let at = from ? from : load<u32>(list, L.LIST_HEAD);
  while (at != tail) {
    at = (at & OFFSET) == 0 ? (previousChunk(at >> L.CHUNK_SHIFT) << L.CHUNK_SHIFT) + OFFSET : at - 1;
    if (position(entry(at)) == at) return at;
  }
  return 0;
}

/** The frame at a log position. */
@inline export function frameAt(at: u32): u32 {
  return entry(at);
}
