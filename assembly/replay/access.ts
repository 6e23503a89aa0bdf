// The short way of the commonest row of modelled residency: one page is accessed, it is there, and little or nothing changes. Rows are
// looked up in groups before their turn, so that their cache misses overlap: wasm has no prefetch. Whatever is not plain goes the long
// way (modelled.ts), which can do these rows too: this must only ever be a shorter way to the same state, and
// test/replay/short.test.ts compares the two.
import { swapOwner } from '../folio/swap';
import { slotWord } from '../folio/slots';
import { mapcount, markAccessed, setState, stateOf } from '../folio/resident';
import { isSlot, nearby, radixAbove, radixFound, radixNear, radixSlot } from '../folio/radix';
import {
  folioAt, headerGet, headerGet64, headerSet, headerSet64, mmAt, nodeBase, nrCpus, objectAt, objectsEnd, pagesEnd, shadowBase, slotBase,
  swapEnd, taskAt, tasksEnd,
} from '../memory';
import * as L from '../layout';
import { psiClock, psiRuns } from '../psi';
import * as O from './ops';

/** Rows that are looked up together. */
export const LOOK_UP_ROWS: u32 = 64;

@inline function opOf(row: u32): u32 {
  return load<u8>(load<u8>(row, L.COLUMN_OP), L.HEADER + L.H_OP_MAP);
}
@inline function indexOf(row: u32): u64 {
  return load<u64>(<usize>row << 3, L.COLUMN_INDEX);
}
/** Where a row's place among the looked up ones is. */
@inline function noteAt(row: u32): usize {
  return L.HEADER + L.H_LOOKED_UP + ((row & (LOOK_UP_ROWS - 1)) << 2);
}

/** The tree of pages of a row's object; of an id that is none, the page tables of nobody, which are empty. */
@inline function fileTreeOf(row: u32): usize {
  let object = load<u32>(<usize>row << 2, L.COLUMN_OBJECT);
  return object - 1 < objectsEnd - 1 ? objectAt(object) + L.OBJECT_RADIX : mmAt(0) + L.MM_RADIX;
}
/** The page tables of a row's task; those of task 0 are empty. */
@inline function anonTreeOf(row: u32): usize {
  let task = load<u32>(<usize>row << 2, L.COLUMN_TASK);
  return mmAt(load<u32>(taskAt(task < tasksEnd ? task : 0), L.TASK_MM)) + L.MM_RADIX;
}

/**
 * Walks to the pages of the rows [from, to), LOOK_UP_ROWS at most, and on to their folios, or what is in their place. Changes nothing but
 * what it notes. Each loop is short, so that many rows of it are under way at once.
 */
export function lookUp(from: u32, to: u32): void {
  let fileTree: usize = 0;
  let fileNear: u64 = 0;
  let filePrefix: u64 = 0;
  let anonTree: usize = 0;
  let anonNear: u64 = 0;
  let anonPrefix: u64 = 0;
  let sink: u32 = 0;
  headerSet(L.H_LOOKED_UP_GENERATION, headerGet(L.H_NODE_GENERATION));
  for (let row = from; row < to; row++) {
    let op = opOf(row);
    let key = indexOf(row);
    if (op == O.OP_FILE_ACCESS || op == O.OP_TRUNCATE) {
      let tree = fileTreeOf(row);
      if (tree != fileTree || nearby(fileNear, key) != filePrefix) {
        fileTree = tree;
        fileNear = radixNear(tree, key);
        filePrefix = nearby(fileNear, key);
      }
      store<u32>(noteAt(row), <u32>radixAbove(tree, fileNear, key));
    } else if (op == O.OP_ANON_TOUCH || op == O.OP_ANON_FREE) {
      let tree = anonTreeOf(row);
      if (tree != anonTree || nearby(anonNear, key) != anonPrefix) {
        anonTree = tree;
        anonNear = radixNear(tree, key);
        anonPrefix = nearby(anonNear, key);
      }
      store<u32>(noteAt(row), <u32>radixAbove(tree, anonNear, key));
    } else {
      store<u32>(noteAt(row), <u32>nodeBase);
    }
  }
  for (let row = from; row < to; row++) store<u32>(noteAt(row), <u32>radixSlot(load<u32>(noteAt(row)), indexOf(row)));
  for (let row = from; row < to; row++) sink += load<u32>(<usize>load<u32>(noteAt(row)));
  let words: u32 = 0;
  for (let row = from; row < to; row++) {
    let word = load<u32>(<usize>load<u32>(noteAt(row)));
    words |= word;
    // Of a page that is exclusive nothing more need be known.
    let frame = word & L.PTE_EXCLUSIVE ? 0 : word & L.PTE_FRAME;
    sink += load<u32>(word & L.SHADOW_BIT ? behind(row, word & ~L.SHADOW_BIT) : folioAt(frame));
  }
  if (words & L.PTE_SWAP) sink += lookBehind(from, to);
  headerSet(L.H_SINK, sink);
}

/** Of pages that come back from swap: who owes the slot, and the shadow that the page has left there. */
function lookBehind(from: u32, to: u32): u32 {
  let sink: u32 = 0;
  for (let row = from; row < to; row++) {
    let word = load<u32>(<usize>load<u32>(noteAt(row)));
    if (word & L.PTE_SWAP && opOf(row) == O.OP_ANON_TOUCH && word != L.ZERO_PAGE) sink += behindSlot(word & ~L.PTE_SWAP);
  }
  return sink;
}

function behindSlot(slot: u32): u32 {
  let word = slotWord(slot);
  return swapOwner(slot) + (word & L.SHADOW_BIT ? load<u32>(shadowBase + <usize>(word & ~L.SHADOW_BIT) * L.SHADOW_STRIDE) : word);
}

/** What stands for a page that is not there: the slot of a private one, the shadow of a file's. */
@inline function behind(row: u32, id: u32): usize {
  let op = opOf(row);
  if (op == O.OP_ANON_TOUCH || op == O.OP_ANON_FREE) return id < swapEnd ? slotBase + <usize>id * L.SLOT_STRIDE : slotBase;
  return id <= 2 * (pagesEnd - 1) ? shadowBase + <usize>id * L.SHADOW_STRIDE : shadowBase;
}

/** The address of the word of a row's page; 0: there is no leaf for it, or it is not known any more. */
@inline export function slotOf(row: u32): usize {
  if (headerGet(L.H_LOOKED_UP_GENERATION) != headerGet(L.H_NODE_GENERATION)) return 0;
  let slot = <usize>load<u32>(noteAt(row));
  return isSlot(slot) ? slot : 0;
}

/** read(2) of a resident page, or a touch of private memory that nobody shares. False: nothing was done, the row is for the long way. */
export function accessInShort(row: u32, slot: usize): bool {
  if (!slot) return false;
  let op = opOf(row);
  let cpu: u32 = load<u16>(<usize>row << 1, L.COLUMN_CPU);
  let task = load<u32>(<usize>row << 2, L.COLUMN_TASK);
  let flags = load<u32>(<usize>row << 2, L.COLUMN_FLAGS);
  let word = load<u32>(slot);
  // A live or exited task without an open batch.
  if (task - 1 >= tasksEnd - 1 || load<u64>(taskAt(task)) - 1 >= L.TASK_EXITED) return false;
  let own = mmAt(task);
  if (load<u32>(own, L.TASK_KILLED) | load<u32>(own, L.TASK_OVER_HIGH)) return false;
  if (headerGet(L.H_VICTIMS) | headerGet(L.H_RELEASE_CHECK)) return false;
  let now = load<u64>(<usize>row << 3, L.COLUMN_TS);
  if (cpu >= nrCpus || now >= headerGet64(L.H_NEXT_TIMER) || now >= headerGet64(L.H_WRITEBACK_AT)) return false;
  if (load<u32>(<usize>row << 2, L.COLUMN_COUNT) != 1 || !word || word & L.PTE_SWAP) {
    foundFor(row, op, slot);
    return false;
  }
  let frame = word & L.PTE_FRAME;
  let state: u32 = 0;
  if (op == O.OP_FILE_ACCESS) {
    if (flags || headerGet(L.H_READAHEAD)) return false;
    state = stateOf(frame);
    if ((state & L.STATE_KIND_MASK) > O.KIND_SHMEM) return false;
  } else {
    if (op != O.OP_ANON_TOUCH) return false;
    if (flags & O.FLAG_WRITE && !(word & L.PTE_EXCLUSIVE)) {
      if (mapcount(frame) != 1 || stateOf(frame) & L.STATE_SWAPCACHE) return false;
      store<u32>(slot, word | L.PTE_EXCLUSIVE);
      word |= L.PTE_EXCLUSIVE;
    }
  }
  headerSet(L.H_CURRENT_ROW, row);
  headerSet(L.H_CURRENT_CPU, cpu);
  headerSet(L.H_CURRENT_TASK, task);
  headerSet64(L.H_NOW, now);
  psiClock(now);
  if (headerGet(L.H_PSI_ON)) psiRuns(task, cpu);
  if (op == O.OP_ANON_TOUCH) {
    if (!(word & L.PTE_YOUNG)) store<u32>(slot, word | L.PTE_YOUNG);
    return true;
  }
  if (!(state & L.STATE_REFERENCED)) setState(frame, state | L.STATE_REFERENCED);
  else markAccessed(frame);
  return true;
}

/** The long way need not look for the leaf again. */
@inline function foundFor(row: u32, op: u32, slot: usize): void {
  let tree = op == O.OP_FILE_ACCESS || op == O.OP_TRUNCATE ? fileTreeOf(row) : anonTreeOf(row);
  radixFound(tree, indexOf(row), slot);
}
