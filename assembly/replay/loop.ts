// The loop over staged rows. Nine rows of ten are a charge that the stock serves, an uncharge that joins its batch, or a note that
// concerns nobody. Those are done here, without a call and without a result to test: `break` leaves the switch for the long way,
// `continue` is done. (V8 spills every value that lives across a call, and materialises the bool of an inlined function.)
// Every other row goes to replayEvent(), which can do these too: what is below must only ever be a shorter way to the same state,
// and test/replay/loop.test.ts compares the two.

import { noteServed } from '../charge/charge';
import { MEMCG_CHARGE_BATCH } from '../constants';
import { makeChargeWord, newFolioList, noteFrame } from '../folio/folio';
import * as L from '../layout';
import { modStatExact, setStat, statOfKind, statOwn } from '../memcg/stat';
import {
  cpuAt, folioAt, headerGet, headerGet64, headerSet, headerSet64, nrCpus, pagesEnd, policyOn, ringEnd, ROOT, rstatBase, taskAt,
  tasksEnd,
} from '../memory';
import { watching, watchRoom } from '../observe';
import { ringRoom } from '../ring';
import { appendFast, listAt, removedFast } from '../reclaim/lru';
import * as O from './ops';
import { replayEvent } from './recorded';

/** Rows whose folio words are read ahead: about twenty cache misses can be in flight at once. */
const TOUCH_GROUP: u32 = 64;
/** Groups that are not touched after one in which no row had a frame. */
const UNTOUCHED_GROUPS: u32 = 15;
/** Counter changes that one event can make, at most: leave that much room in the watch log before taking the next. */
const WATCH_PER_EVENT: u32 = 512;
/** Kind and order bits of the flags of a socket charge. */
const KIND_FLAGS: u32 = O.FLAG_KIND_MASK << O.FLAG_KIND_SHIFT;
const SOCK_FLAGS: u32 = O.KIND_SOCK << O.FLAG_KIND_SHIFT;
const SHMEM_FLAGS: u32 = O.KIND_SHMEM << O.FLAG_KIND_SHIFT;

@inline function opOf(row: u32): u32 {
  return load<u8>(load<u8>(row, L.COLUMN_OP), L.HEADER + L.H_OP_MAP);
}
@inline function flagsOf(row: u32): u32 {
  return load<u32>(<usize>row << 2, L.COLUMN_FLAGS);
}
@inline function cgroupOf(row: u32): u32 {
  return load<u32>(<usize>row << 2, L.COLUMN_CGROUP);
}
@inline function countOf(row: u32): u32 {
  return load<u32>(<usize>row << 2, L.COLUMN_COUNT);
}
@inline function indexOf(row: u32): u64 {
  return load<u64>(<usize>row << 3, L.COLUMN_INDEX);
}
@inline function timeOf(row: u32): u64 {
  return load<u64>(<usize>row << 3, L.COLUMN_TS);
}
/** A frame of the table, not 0. */
@inline function isFrame(index: u64): bool {
  return index - 1 < <u64>(pagesEnd - 1);
}
/** The CPU's address plus the offset of the stock slot that served last. */
@inline function hintedSlot(cpu: usize): usize {
  return cpu + load<u32>(cpu, L.STOCK_HINT);
}

/** Reads the folio words of the rows [from, to), so that their cache misses overlap. Answers whether any row had a frame. */
function touchGroup(from: u32, to: u32): bool {
  let sink: u32 = 0;
  let any: u64 = 0;
  let first = folioAt(0);
  let end: u64 = pagesEnd;
  for (let row = from; row < to; row++) {
    let index = indexOf(row);
    any |= index;
    sink += load<u32>(first + (index < end ? <usize>index << 4 : 0));
  }
  headerSet(L.H_SINK, sink);
  return any != 0;
}

/**
 * Replays the staged rows [from, to). Answers the row after the last one processed (less than `to` when the watch log must be
 * drained first), or -errno; then H_ERROR_FIELD and H_ERROR_VALUE tell the column, and H_CURRENT_ROW the row.
 */
export function replayRecorded(from: u32, to: u32): i32 {
  if (watching() || rstatBase || ringEnd || policyOn) return replaySingly(from, to);
  // A page of a large folio has no charge word of its own: with such folios about, charges and allocations look at their neighbours.
  let smallOnly = headerGet(L.H_MAX_ORDER) == 0;
  let groupEnd = from;
  let untouched: u32 = 0;
  for (let row = from; row < to; row++) {
    if (row == groupEnd) {
      groupEnd = min<u32>(to, row + TOUCH_GROUP);
      if (untouched) untouched--;
      else if (!touchGroup(row, groupEnd)) untouched = UNTOUCHED_GROUPS;
    }
    let cpuId: u32 = load<u16>(<usize>row << 1, L.COLUMN_CPU);
    let taskId = load<u32>(<usize>row << 2, L.COLUMN_TASK);
    if (cpuId < nrCpus) if (taskId - 1 < tasksEnd - 1) if (timeOf(row) < headerGet64(L.H_NEXT_TIMER)) {
      let task = taskAt(taskId);
      // State and open questions in one word. An open uncharge batch is no question: only its own ops look at it.
      let word = load<u64>(task) & ~(<u64>L.TASK_HAS_BATCH << 32);
      if (word - 1 < L.TASK_EXITED) switch (opOf(row)) {
        case O.OP_CHARGE: {
          // one user page, which the hinted slot serves
          let flags = flagsOf(row) & (KIND_FLAGS | O.FLAG_ORDER_MASK | O.FLAG_EXISTING);
          let memcg = cgroupOf(row);
          let index = indexOf(row);
          if (flags > SHMEM_FLAGS) break;
          if (flags & O.FLAG_ORDER_MASK) break;
          if (memcg <= ROOT) break; // no slot caches memcg 0, and the root's slot (6.1) serves no charge
          if (!isFrame(index)) break;
          if (!smallOnly) break;
          let cpu = cpuAt(cpuId);
          let slot = hintedSlot(cpu);
          if (load<u32>(slot, L.STOCK_MEMCG) != memcg) break;
          let left = load<u32>(slot, L.STOCK_PAGES);
          if (!left) break;
          let frame = <u32>index;
          let folio = folioAt(frame);
          if (load<u32>(folio, L.FOLIO_CHARGE) | load<u32>(folio, L.FOLIO_WAITER)) break;
          let kind = flags >> O.FLAG_KIND_SHIFT;
          let list = newFolioList(kind);
          let at = appendFast(listAt(memcg, list), frame, 1);
          if (!at) break;
          store<u32>(slot, left - 1, L.STOCK_PAGES);
          noteServed(cpu, memcg, 1);
          noteFrame(frame + 1);
          store<u64>(folio, <u64>makeChargeWord(memcg, 0, 0) | (<u64>at << 32), L.FOLIO_CHARGE);
          store<u64>(folio, kind | (list << L.STATE_LIST_SHIFT), L.FOLIO_STATE);
          modStatExact(memcg, statOfKind(kind), 1);
          continue;
        }
        case O.OP_UNCHARGE: {
          // one listed user page, which opens its task's batch or joins it
          let index = indexOf(row);
          if (!isFrame(index)) break;
          let folio = folioAt(<u32>index);
          let charge = load<u64>(folio, L.FOLIO_CHARGE);
          let memcg = <u32>charge >> L.CHARGE_OWNER_SHIFT;
          if (<u32>charge & 0xff) break; // large, or kernel memory
          if (memcg <= ROOT) break;
          if (!(charge >> 32)) break; // on no list
          let batched = load<u32>(task, L.TASK_PENDING);
          if (batched) if (load<u32>(task, L.GATHER_MEMCG) != memcg) break;
          let state = load<u32>(folio, L.FOLIO_STATE);
          if (load<u32>(folio, L.FOLIO_WAITER)) break;
          if (!removedFast(listAt(memcg, (state & L.STATE_LIST_MASK) >> L.STATE_LIST_SHIFT), 1)) break;
          if (!batched) {
            store<u32>(task, L.TASK_HAS_BATCH, L.TASK_PENDING);
            store<u32>(task, memcg, L.GATHER_MEMCG);
          }
          store<u32>(task, load<u32>(task, L.GATHER_PAGES) + 1, L.GATHER_PAGES);
          store<u64>(folio, 0, L.FOLIO_CHARGE);
          store<u64>(folio, 0, L.FOLIO_STATE);
          modStatExact(memcg, statOfKind(state & L.STATE_KIND_MASK), -1);
          continue;
        }
        case O.OP_KMEM_CHARGE:
        case O.OP_KMEM_FREE: {
          // Socket buffers, which the hinted slot serves or takes back. Both in one: whether a row charges or frees is what no branch
          // predictor knows.
          if ((flagsOf(row) & (KIND_FLAGS | O.FLAG_EXISTING)) != SOCK_FLAGS) break;
          let memcg = cgroupOf(row);
          let pages = countOf(row);
          let cpu = cpuAt(cpuId);
          let slot = hintedSlot(cpu);
          if (memcg <= ROOT) break;
          if (pages > MEMCG_CHARGE_BATCH) break;
          if (load<u32>(slot, L.STOCK_MEMCG) != memcg) break;
          let frees = opOf(row) == O.OP_KMEM_FREE;
          let left = load<u32>(slot, L.STOCK_PAGES) + select<u32>(pages, 0 - pages, frees);
          if (left > MEMCG_CHARGE_BATCH) break; // too many, or (below 0) too few
          let sock = statOwn(memcg, L.STAT_SOCK) + select<i64>(-(<i64>pages), <i64>pages, frees);
          if (sock < 0) break; // never seen charged
          store<u32>(slot, left, L.STOCK_PAGES);
          let servedMemcg = select<u32>(load<u32>(cpu, L.STOCK_SERVED_MEMCG), memcg, frees);
          noteServed(cpu, servedMemcg, select<u32>(load<u32>(cpu, L.STOCK_SERVED_PAGES), pages, frees));
          setStat(memcg, L.STAT_SOCK, sock);
          continue;
        }
        case O.OP_PAGE_ALLOC:
        case O.OP_PAGE_FREE: {
          // of a page that is not charged, and for which no charge waits
          let index = indexOf(row);
          if (!isFrame(index)) break;
          if (!smallOnly) break;
          let folio = folioAt(<u32>index);
          if (load<u32>(folio, L.FOLIO_CHARGE) | load<u32>(folio, L.FOLIO_WAITER)) break;
          continue;
        }
        case O.OP_RETURN_TO_USER:
        case O.OP_PROGRESS:
        case O.OP_RESIDENT:
        case O.OP_MARK:
          continue;
      }
    }
    let errno = replayEvent(row);
    if (errno) return errno;
    smallOnly = headerGet(L.H_MAX_ORDER) == 0;
  }
  if (to > from) headerSet64(L.H_NOW, timeOf(to - 1));
  return to;
}

/** The same with the watch log or the ring on, or with kernel statistics: every row the long way, and only as many as there is room for. */
function replaySingly(from: u32, to: u32): i32 {
  let watched = watching();
  for (let row = from; row < to; row++) {
    if (watched && !watchRoom(WATCH_PER_EVENT)) return row;
    if (ringEnd && !ringRoom(1)) return row;
    let errno = replayEvent(row);
    if (errno) return errno;
  }
  return to;
}
