// A pinned map or a cached inode is taken up again: onReuse(). Linux: its memory stays charged to whom it is charged to. Debate 4.
//
// REUSE_RECHARGE moves it to the new user, all or nothing, in three steps: the new memcg is charged for everything (pre-charge); only
// if all of that succeeded the old one is uncharged; then the owner is set (post-charge). With POLICY_CHUNK it does so piece by piece, and
// what was moved before a piece failed is charged back to the old memcg, by force where its limit has filled meanwhile.
//
// Levels at and above the common ancestor of old and new are not touched, not for a moment (but with OPTION_NO_SHORTCUT): they hold the
// same pages before and after. Between the rows of one recharge (FLAG_IN_CALL) others insert, delete, or remove a cgroup:
// elements that join meanwhile are seen at the end (but with OPTION_NAIVE), and each page is given back to whatever memcg its own objcg
// charges by then.
//
// The pre-charge is kept by source, the objcg that pays now: a common ancestor is that of the two ids in the tree, which removal does
// not change. Fields of BOND_RECHARGE: see below.
import { checkHigh } from '../charge/high';
import { EBUSY, EINVAL, ENOENT, ENOMEM, ENOSPC, MAX_RECLAIM_RETRIES, PAGE_SHIFT, PAGE_SIZE } from '../constants';
import {
  memoryCounter, pageCounterChargeBelow, pageCounterMargin, pageCounterTryChargeBelow, pageCounterUnchargeBelow,
} from '../counter/page-counter';
import { drainAllStock } from '../counter/stock';
import {
  bpfObjcg, bpfPages, bytesOf, ELEMENT_FROM, ELEMENT_LATE, ELEMENT_OWNER, elementWord, fails, isBpf, nextElement, noteUnpaid, setElementWord,
  tableBytes,
} from '../folio/bpf';
import { chargeWord, makeChargeWord, ownerOf, unchargeKmem } from '../folio/folio';
import { typeOf } from '../folio/mapping';
import { moveFolio } from '../folio/move';
import { accountBytes, consumeObjStock, objcgAccountPages, objcgMemcg, refillObjStock, releaseObjcg } from '../folio/objcg';
import { NO_KEY, radixClear, radixDestroy, radixEntries, radixGet, radixNext, radixSet } from '../folio/radix';
import { giveFrame, placeAt } from '../folio/resident';
import * as L from '../layout';
import { unchargeObject } from '../live';
import { countLocal, memcgEvent } from '../memcg/events';
import { commonAncestor, isDescendant, memcgExists, nearestOnline } from '../memcg/memcg';
import { modStat } from '../memcg/stat';
import {
  bondAt, cpuAt, folioAt, headerGet, headerSet, memcgOfCounter, nrCpus, nrStockSlots, objectAt, outOfRange, policyMemcgAt,
  ROOT,
} from '../memory';
import { lruPages, swapLeft } from '../reclaim/workingset';
import { tryToFree } from '../reclaim/scan';
import { GFP_KERNEL, OBJECT_BPF_PROG, OBJECT_SUPER } from '../replay/ops';
import { ringMoved } from '../ring';
import { folioPayer, kmemPayer } from '../task/task';
import { kmemPayerOf } from './payer';
import { answer, countDone, did, didAt, hasOption } from './policy';

// Fields of a recharge: u32 each.
const ALIVE: u64 = 0; // 1
const TO: u64 = 1; // the objcg (of a file: memcg) that is to pay
const PARTS: u64 = 2; // ALL | TABLE_ONLY
const TABLE_MOVED: u64 = 3; // bytes of a table of bytes that are at their new place, chunk by chunk
const FIRST_ENTRY: u64 = 4;
// … then by source, in the order of their first use, what is pre-charged:
const NR_ENTRIES: u64 = 10;
const ENTRY_WORDS: u64 = 6;
const FROM: u64 = 0; // objcg, or memcg; NOBODY: all that found the table full, for which there is no shortcut
const PAGES: u64 = 1; // whole pages
const BYTES: u64 = 2; // u64 in two words: bytes, of which the whole pages are charged like pages,
const PARTIAL: u64 = 4; // … and 1 page at all levels for the rest of the last
/** Of a file: where a page came from, in chunks that may be rolled back. */
const CAME_FROM: u64 = 64;

const ALL: u32 = 1;
const TABLE_ONLY: u32 = 2;
const NOBODY: u32 = 0xffffffff;

@inline function state(object: u32): usize {
  return bondAt(object) + L.BOND_RECHARGE;
}
@inline function get(object: u32, field: u64): u32 {
  return radixGet(state(object), field);
}
/** (The first field is there, and with it the node of all.) */
function put(object: u32, field: u64, value: u32): void {
  if (value) radixSet(state(object), field, value);
  else radixClear(state(object), field);
}
@inline function entryField(entry: u64, word: u64): u64 {
  return FIRST_ENTRY + entry * ENTRY_WORDS + word;
}
@inline function entryBytes(object: u32, entry: u64): u64 {
  return <u64>get(object, entryField(entry, BYTES)) | (<u64>get(object, entryField(entry, BYTES + 1)) << 32);
}
function setEntryBytes(object: u32, entry: u64, bytes: u64): void {
  put(object, entryField(entry, BYTES), <u32>bytes);
  put(object, entryField(entry, BYTES + 1), <u32>(bytes >> 32));
}

/** The entry of a source; the last one is everybody else's. */
function entryOf(object: u32, from: u32): u64 {
  for (let entry: u64 = 0; entry < NR_ENTRIES - 1; entry++) {
    let source = get(object, entryField(entry, FROM));
    if (source == from) return entry;
    if (source) continue;
    put(object, entryField(entry, FROM), from);
    return entry;
  }
  put(object, entryField(NR_ENTRIES - 1, FROM), NOBODY);
  return NR_ENTRIES - 1;
}

// --- counters below the common ancestor

/** Where the shortcut between two ends; 0: there is none, every level is charged and uncharged. */
@inline function shortcut(from: u32, to: u32): u32 {
  return from == NOBODY || hasOption(L.OPTION_NO_SHORTCUT) ? 0 : commonAncestor(from, to);
}

/** `memcg` lies below `top`, or there is no top. */
@inline function isBelow(memcg: u32, top: u32): bool {
  return !top || (memcg != top && isDescendant(memcg, top));
}
@inline function stopAt(top: u32): usize {
  return top ? memoryCounter(top) : 0;
}
/** The level from which on pages of `memcg` are not counted by a move with this shortcut. */
@inline function skips(memcg: u32, top: u32, pages: i64): void {
  if (!top) return;
  let at = policyMemcgAt(isBelow(memcg, top) ? top : memcg);
  store<i64>(at, load<i64>(at, L.PM_SKIPPED) + pages, L.PM_SKIPPED);
}

/** Pages below a memcg that lie in stocks, or that reclaim might take. */
function couldGive(memcg: u32): i64 {
  let pages: i64 = <i64>lruPages(memcg, L.LRU_INACTIVE_FILE) + <i64>lruPages(memcg, L.LRU_ACTIVE_FILE);
  let swap = swapLeft(memcg);
  if (swap) pages += min<i64>(swap, <i64>lruPages(memcg, L.LRU_INACTIVE_ANON) + <i64>lruPages(memcg, L.LRU_ACTIVE_ANON));
  for (let cpu: u32 = 0; cpu < nrCpus; cpu++) {
    for (let slot: u32 = 0; slot < nrStockSlots; slot++) {
      let owner = load<u32>(cpuAt(cpu) + (slot << 2), L.STOCK_MEMCG);
      if (owner && isDescendant(owner, memcg)) pages += load<u32>(cpuAt(cpu) + (slot << 2), L.STOCK_PAGES);
    }
  }
  return pages;
}

/**
 * The limit of `over` refused `pages`: reclaims there, if that could help, and answers whether it did. Nobody is killed for the sake of a bill
 * (mem_cgroup_do_precharge() of cgroup v1: __GFP_NORETRY), and what cannot succeed changes nothing.
 */
function makesRoom(task: u32, cpu: u32, over: u32, pages: i64): bool {
  let counter = memoryCounter(over);
  if (pageCounterMargin(counter) + couldGive(over) < pages) return false;
  memcgEvent(over, L.EVENT_MAX);
  drainAllStock(over, cpu);
  let missing = pages - pageCounterMargin(counter);
  return missing <= 0 || tryToFree(task, cpu, over, <u32>missing, L.SCAN_MAY_SWAP, headerGet(L.H_SWAPPINESS)) != 0;
}

/** page_counter_try_charge() of a memcg's levels below `top`. */
function tryCharge(task: u32, cpu: u32, memcg: u32, top: u32, pages: i64, reclaims: bool): bool {
  did(L.DID_COUNTER_OPERATIONS, 1);
  if (!pages || !isBelow(memcg, top)) return true;
  for (let retries = MAX_RECLAIM_RETRIES; retries; retries--) {
    let over = pageCounterTryChargeBelow(memoryCounter(memcg), stopAt(top), pages);
    if (!over) return true;
    if (!reclaims || !makesRoom(task, cpu, memcgOfCounter(over), pages)) break;
  }
  return false;
}

function uncharge(memcg: u32, top: u32, pages: i64): void {
  if (pages && isBelow(memcg, top)) did(L.DID_COUNTER_OPERATIONS, pageCounterUnchargeBelow(memoryCounter(memcg), stopAt(top), pages));
}

/** Charges what must be charged, such as what goes back to its old payer: past a limit that has filled meanwhile. */
function chargeAnyway(memcg: u32, top: u32, pages: i64): void {
  did(L.DID_COUNTER_OPERATIONS, 1);
  if (!pages || !isBelow(memcg, top)) return;
  let over = pageCounterTryChargeBelow(memoryCounter(memcg), stopAt(top), pages);
  if (!over) return;
  let limit = memcgOfCounter(over);
  memcgEvent(limit, L.EVENT_MAX);
  pageCounterChargeBelow(memoryCounter(memcg), stopAt(top), pages);
  let at = policyMemcgAt(memcg) + L.PM_FORCED + (L.FORCED_ROLLBACK << 3);
  let past = min<i64>(pages, max<i64>(0, -pageCounterMargin(over)));
  store<i64>(at, load<i64>(at) + past);
  didAt(memcg, L.PMC_FORCE_CHARGE, 1);
}

// --- kernel memory: pre-charge, and what becomes of it

/** obj_cgroup_charge_pages(): whole pages for an objcg, below the shortcut's end. */
function reservePages(task: u32, cpu: u32, to: u32, top: u32, pages: i64): bool {
  let memcg = objcgMemcg(to);
  if (!tryCharge(task, cpu, memcg, top, pages, true)) return false;
  if (!pages) return true;
  modStat(memcg, L.STAT_KMEM, pages);
  skips(memcg, top, pages);
  return true;
}

function unreservePages(to: u32, top: u32, pages: i64): void {
  if (!pages) return;
  let memcg = objcgMemcg(to);
  uncharge(memcg, top, pages);
  modStat(memcg, L.STAT_KMEM, -pages);
  skips(memcg, top, -pages);
}

/** Pre-charges pages and bytes that `from` pays for. False: refused; what was reserved until then stays so. */
function reserve(task: u32, cpu: u32, object: u32, from: u32, pages: u32, bytes: u64): bool {
  let entry = entryOf(object, from);
  let to = get(object, TO);
  let top = shortcut(get(object, entryField(entry, FROM)), to);
  let before = entryBytes(object, entry);
  let whole = ((before + bytes) >> PAGE_SHIFT) - (before >> PAGE_SHIFT) + pages;
  if (!reservePages(task, cpu, to, top, whole)) return false;
  put(object, entryField(entry, PAGES), get(object, entryField(entry, PAGES)) + pages);
  setEntryBytes(object, entry, before + bytes);
  if (!((before + bytes) & (PAGE_SIZE - 1)) || get(object, entryField(entry, PARTIAL))) return true;
  if (!reservePages(task, cpu, to, 0, 1)) return false;
  put(object, entryField(entry, PARTIAL), 1);
  return true;
}

/** Takes every pre-charge back that was not used. */
function unreserveAll(object: u32): void {
  let to = get(object, TO);
  for (let entry: u64 = 0; entry < NR_ENTRIES; entry++) {
    let from = get(object, entryField(entry, FROM));
    if (!from) continue;
    let whole = <i64>get(object, entryField(entry, PAGES)) + <i64>(entryBytes(object, entry) >> PAGE_SHIFT);
    unreservePages(to, shortcut(from, to), whole);
    unreservePages(to, 0, get(object, entryField(entry, PARTIAL)));
    for (let word: u64 = 0; word < ENTRY_WORDS; word++) put(object, entryField(entry, word), 0);
  }
}

/** Pages that an object has pre-charged: for the audit. */
export function prechargedPages(object: u32): i64 {
  if (!radixEntries(state(object))) return 0;
  let pages: i64 = 0;
  for (let entry: u64 = 0; entry < NR_ENTRIES; entry++)
    pages += <i64>get(object, entryField(entry, PAGES)) + <i64>(entryBytes(object, entry) >> PAGE_SHIFT) + get(object, entryField(entry, PARTIAL));
  return pages;
}
/** The objcg that it is pre-charged to. */
export function prechargedTo(object: u32): u32 {
  return get(object, TO);
}

function counted(from: u32, to: u32, pages: i64): void {
  if (!pages) return;
  did(L.DID_RECHARGED, pages);
  didAt(from, L.PMC_RECHARGED_OUT, pages);
  didAt(to, L.PMC_RECHARGED_IN, pages);
  ringMoved(from, to, pages);
}

/** The owner of a kernel page becomes another; counters and MEMCG_KMEM are the caller's. */
function setPageOwner(frame: u32, from: u32, to: u32): void {
  let at = folioAt(frame);
  let kind = load<u32>(at, L.FOLIO_STATE) & L.STATE_KIND_MASK;
  store<u32>(at, makeChargeWord(to, 0, L.CHARGE_KMEM), L.FOLIO_CHARGE);
  modStat(objcgMemcg(from), kind, -1);
  modStat(objcgMemcg(to), kind, 1);
  objcgAccountPages(from, -1);
  objcgAccountPages(to, 1);
}

/** Uncharges whole pages from an objcg and drops what their move had skipped. */
function giveUp(from: u32, top: u32, pages: i64): void {
  if (!pages) return;
  let memcg = objcgMemcg(from);
  uncharge(memcg, top, pages);
  modStat(memcg, L.STAT_KMEM, -pages);
  skips(memcg, top, -pages);
}

/** Moves `pages` reserved pages of an entry: uncharge and post-charge of frames is done, this is the counters'. */
function settlePages(object: u32, from: u32, pages: u32): void {
  if (!pages) return;
  let entry = entryOf(object, from);
  let to = get(object, TO);
  giveUp(from, shortcut(get(object, entryField(entry, FROM)), to), pages);
  put(object, entryField(entry, PAGES), get(object, entryField(entry, PAGES)) - pages);
}

/** Bytes below a page return to a byte stock; a page that they fill is not kept there. */
function giveRest(cpu: u32, objcg: u32, bytes: u32): void {
  refillObjStock(cpu, objcg, bytes, true);
  let at = cpuAt(cpu);
  if (load<u32>(at, L.OBJ_STOCK_OBJCG) != objcg || load<u32>(at, L.OBJ_STOCK_BYTES) < PAGE_SIZE) return;
  store<u32>(at, load<u32>(at, L.OBJ_STOCK_BYTES) - PAGE_SIZE, L.OBJ_STOCK_BYTES);
  giveUp(objcg, 0, 1);
}

/** Moves `bytes` of a source whose pre-charge is in an entry; what was freed since that was made is given back. */
function settleBytes(cpu: u32, object: u32, from: u32, bytes: u64): void {
  let entry = entryOf(object, from);
  let to = get(object, TO);
  let source = get(object, entryField(entry, FROM));
  let top = shortcut(source, to);
  let reserved = entryBytes(object, entry);
  let whole = bytes >> PAGE_SHIFT;
  let left = source == NOBODY ? reserved - bytes : 0;
  unreservePages(to, top, <i64>(reserved >> PAGE_SHIFT) - <i64>whole - <i64>(left >> PAGE_SHIFT));
  let partial: i64 = get(object, entryField(entry, PARTIAL));
  let leftPartial: i64 = left & (PAGE_SIZE - 1) ? 1 : 0;
  let needs: i64 = (bytes & (PAGE_SIZE - 1) ? 1 : 0) + leftPartial;
  if (needs > partial) {
    // The rest was a whole page before something was freed: that page is back in a moment.
    chargeAnyway(objcgMemcg(to), 0, needs - partial);
    modStat(objcgMemcg(to), L.STAT_KMEM, needs - partial);
  } else unreservePages(to, 0, partial - needs);
  put(object, entryField(entry, PARTIAL), <u32>leftPartial);
  setEntryBytes(object, entry, left);
  giveUp(from, top, whole);
}

// --- maps and programs

/** Pages that a piece may have. */
@inline function chunkPages(): u64 {
  let chunk = answer(L.POLICY_CHUNK);
  return chunk ? chunk : 0xffffffff;
}

/**
 * Pre-charges what is not at its new place, a piece of it at most: pages, the table's bytes, elements. 1: nothing is left after it; 0: there
 * is more; or -ENOMEM.
 */
function prechargeObject(task: u32, cpu: u32, object: u32): i32 {
  let to = get(object, TO);
  let left = <i64>(chunkPages() << PAGE_SHIFT);
  let pages = bpfPages(object);
  let run: u32 = 0;
  let source: u32 = 0;
  let more = false;
  for (let i = radixNext(pages, 0); i != NO_KEY; i = radixNext(pages, i + 1)) {
    let from = ownerOf(chargeWord(radixGet(pages, i)));
    if (from == to) continue;
    more = left < <i64>PAGE_SIZE;
    if (more) break;
    left -= PAGE_SIZE;
    if (from != source) {
      if (run && !reserve(task, cpu, object, source, run, 0)) return -ENOMEM;
      run = 0;
      source = from;
    }
    run++;
  }
  if (run && !reserve(task, cpu, object, source, run, 0)) return -ENOMEM;
  let objcg = bpfObjcg(object);
  let bytes = objcg != to ? tableBytes(object) - get(object, TABLE_MOVED) : 0;
  if (bytes) {
    let piece = min<u64>(bytes, left & ~(<i64>PAGE_SIZE - 1));
    left -= piece;
    more = piece < bytes;
    if (piece && !reserve(task, cpu, object, objcg, 0, piece)) return -ENOMEM;
  }
  if (more) return 0;
  return get(object, PARTS) == TABLE_ONLY ? 1 : prechargeElements(task, cpu, object, left);
}

/** The same of elements that are not reserved yet, of `left` bytes at most; the first of a piece may be larger than it. */
function prechargeElements(task: u32, cpu: u32, object: u32, left: i64): i32 {
  let to = get(object, TO);
  let whole = <i64>(chunkPages() << PAGE_SHIFT);
  let source: u32 = 0;
  let sum: u64 = 0;
  let done = 1;
  for (let e = nextElement(object, 0); e != NO_KEY; e = nextElement(object, e + 4)) {
    let from = elementWord(object, e, ELEMENT_OWNER);
    if (!from || from == to || elementWord(object, e, ELEMENT_FROM)) continue;
    if (elementWord(object, e, ELEMENT_LATE) && hasOption(L.OPTION_NAIVE)) continue;
    let bytes: i64 = bytesOf(object, e);
    if (bytes > left && left != whole) {
      done = 0;
      break;
    }
    left -= bytes;
    if (from != source) {
      if (sum && !reserve(task, cpu, object, source, 0, sum)) return -ENOMEM;
      sum = 0;
      source = from;
    }
    sum += bytes;
    setElementWord(object, e, ELEMENT_FROM, from);
  }
  if (sum && !reserve(task, cpu, object, source, 0, sum)) return -ENOMEM;
  return done;
}

/** Uncharge and post-charge of all that is reserved. */
function commitObject(cpu: u32, object: u32): void {
  let to = get(object, TO);
  let pages = bpfPages(object);
  for (let entry: u64 = 0; entry < NR_ENTRIES; entry++) {
    let source = get(object, entryField(entry, FROM));
    if (!source) continue;
    let left = get(object, entryField(entry, PAGES));
    let run: u32 = 0;
    let from: u32 = 0;
    for (let i = radixNext(pages, 0); i != NO_KEY && left; i = radixNext(pages, i + 1)) {
      let frame = radixGet(pages, i);
      let owner = ownerOf(chargeWord(frame));
      if (owner == to || entryOf(object, owner) != entry) continue;
      if (owner != from) {
        settlePages(object, from, run);
        run = 0;
        from = owner;
      }
      setPageOwner(frame, owner, to);
      store<u64>(placeAt(frame), owner);
      run++;
      left--;
    }
    settlePages(object, from, run);
  }
  let objcg = bpfObjcg(object);
  if (objcg != to) commitBytes(cpu, object, objcg);
  for (let e = nextElement(object, 0); e != NO_KEY; e = nextElement(object, e + 4)) {
    let from = elementWord(object, e, ELEMENT_FROM);
    if (from && elementWord(object, e, ELEMENT_OWNER) == from) commitBytes(cpu, object, from);
  }
  unreserveAll(object);
}

/** The table's bytes that are reserved with the objcg that has it, besides `elements` bytes of elements. */
function tablePiece(object: u32, from: u32, elements: u64): u64 {
  if (from != bpfObjcg(object)) return 0;
  let reserved = entryBytes(object, entryOf(object, from));
  return min<u64>(tableBytes(object) - get(object, TABLE_MOVED), reserved > elements ? reserved - elements : 0);
}

/** Table and elements of one source: their pre-charge is used, and they are the new owner's. */
function commitBytes(cpu: u32, object: u32, from: u32): void {
  let bond = bondAt(object);
  let to = get(object, TO);
  let elements: u64 = 0;
  for (let e = nextElement(object, 0); e != NO_KEY; e = nextElement(object, e + 4)) {
    if (elementWord(object, e, ELEMENT_FROM) != from || elementWord(object, e, ELEMENT_OWNER) != from) continue;
    elements += bytesOf(object, e);
    setElementWord(object, e, ELEMENT_OWNER, to);
  }
  let table = tablePiece(object, from, elements);
  let bytes = table + elements;
  if (!bytes) return;
  settleBytes(cpu, object, from, bytes);
  put(object, TABLE_MOVED, get(object, TABLE_MOVED) + <u32>table);
  let rest = <u32>bytes & (PAGE_SIZE - 1);
  refillObjStock(cpu, to, rest ? PAGE_SIZE - rest : 0, false);
  if (table) accountBytes(to, load<u32>(bond, L.BOND_BUCKET_KIND), table);
  if (elements) accountBytes(to, load<u32>(bond, L.BOND_ELEMENT_KIND), elements);
  giveRest(cpu, from, rest);
  if (table) accountBytes(from, load<u32>(bond, L.BOND_BUCKET_KIND), -(<i64>table));
  if (elements) accountBytes(from, load<u32>(bond, L.BOND_ELEMENT_KIND), -(<i64>elements));
  releaseObjcg(cpu, from);
}

/** A piece failed: what was moved before goes back to where it came from, whatever the limits there; nothing is reserved any more. */
function rollBack(cpu: u32, object: u32): void {
  let to = get(object, TO);
  unreserveAll(object);
  let pages = bpfPages(object);
  let run: i64 = 0;
  let source: u32 = 0;
  for (let i = radixNext(pages, 0); ; i = radixNext(pages, i + 1)) {
    let frame = i == NO_KEY ? 0 : radixGet(pages, i);
    let from: u32 = frame && ownerOf(chargeWord(frame)) == to ? <u32>load<u64>(placeAt(frame)) : 0;
    if (run && (i == NO_KEY || from != source)) {
      takeBack(to, source, run);
      run = 0;
    }
    if (i == NO_KEY) break;
    if (!from) continue;
    source = from;
    setPageOwner(frame, to, from);
    run++;
  }
  let moved = get(object, TABLE_MOVED);
  if (moved) takeBackBytes(cpu, to, bpfObjcg(object), load<u32>(bondAt(object), L.BOND_BUCKET_KIND), moved);
  put(object, TABLE_MOVED, 0);
  rollBackElements(cpu, object, to);
}

function rollBackElements(cpu: u32, object: u32, to: u32): void {
  let kind = load<u32>(bondAt(object), L.BOND_ELEMENT_KIND);
  for (;;) {
    let source: u32 = 0;
    let sum: u64 = 0;
    for (let e = nextElement(object, 0); e != NO_KEY; e = nextElement(object, e + 4)) {
      let from = elementWord(object, e, ELEMENT_FROM);
      if (!from || elementWord(object, e, ELEMENT_OWNER) != to) continue;
      if (!source) source = from;
      if (source != from) continue;
      sum += bytesOf(object, e);
      setElementWord(object, e, ELEMENT_OWNER, from);
    }
    if (!source) return;
    takeBackBytes(cpu, to, source, kind, sum);
  }
}

/** Counters of pages that were moved from `from` to `to` and are its again. */
function takeBack(to: u32, from: u32, pages: i64): void {
  let top = shortcut(from, to);
  let memcg = objcgMemcg(to);
  uncharge(memcg, top, pages);
  modStat(memcg, L.STAT_KMEM, -pages);
  skips(memcg, top, -pages);
  memcg = objcgMemcg(from);
  chargeAnyway(memcg, top, pages);
  modStat(memcg, L.STAT_KMEM, pages);
  skips(memcg, top, pages);
}

/** The same of bytes: the rest comes out of the byte stock that it was left in, if that is there still. */
function takeBackBytes(cpu: u32, to: u32, from: u32, kind: u32, bytes: u64): void {
  let rest = <u32>bytes & (PAGE_SIZE - 1);
  takeBack(to, from, bytes >> PAGE_SHIFT);
  giveRest(cpu, to, rest);
  accountBytes(to, kind, -(<i64>bytes));
  releaseObjcg(cpu, to);
  if (rest && !consumeObjStock(cpu, from, rest)) {
    let memcg = objcgMemcg(from);
    refillObjStock(cpu, from, 0, false);
    if (!consumeObjStock(cpu, from, rest)) {
      chargeAnyway(memcg, 0, 1);
      modStat(memcg, L.STAT_KMEM, 1);
      refillObjStock(cpu, from, PAGE_SIZE - rest, false);
    }
  }
  accountBytes(from, kind, bytes);
}

/** Nothing came from anywhere any more. */
function forgetMarks(object: u32): void {
  for (let e = nextElement(object, 0); e != NO_KEY; e = nextElement(object, e + 4)) {
    setElementWord(object, e, ELEMENT_FROM, 0);
    setElementWord(object, e, ELEMENT_LATE, 0);
  }
  let pages = bpfPages(object);
  for (let i = radixNext(pages, 0); i != NO_KEY; i = radixNext(pages, i + 1)) store<u64>(placeAt(radixGet(pages, i)), 0);
}

/** Counts what was moved, by where it came from, in whole pages. Answers how many. */
function countMoved(object: u32): i64 {
  let to = get(object, TO);
  let total: i64 = 0;
  let run: i64 = 0;
  let source: u32 = 0;
  let pages = bpfPages(object);
  for (let i = radixNext(pages, 0); i != NO_KEY; i = radixNext(pages, i + 1)) {
    let from = <u32>load<u64>(placeAt(radixGet(pages, i)));
    if (from != source) {
      if (source) counted(source, to, run);
      source = from;
      run = 0;
    }
    run++;
    if (from) total++;
  }
  if (source) counted(source, to, run);
  let bytes: u64 = get(object, TABLE_MOVED);
  source = bpfObjcg(object);
  for (let e = nextElement(object, 0); e != NO_KEY; e = nextElement(object, e + 4)) {
    let from = elementWord(object, e, ELEMENT_FROM);
    if (!from) continue;
    if (from != source) {
      counted(source, to, (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT);
      total += (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
      bytes = 0;
      source = from;
    }
    bytes += bytesOf(object, e);
  }
  counted(source, to, (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT);
  return total + ((bytes + PAGE_SIZE - 1) >> PAGE_SHIFT);
}

/** The object is nobody's business any more. */
function end(object: u32): void {
  radixDestroy(state(object));
  store<u32>(bondAt(object), 0, L.BOND_BUSY);
  headerSet(L.H_RECHARGES, headerGet(L.H_RECHARGES) - 1);
}

/** It failed, or whoever did it is gone: everything is as before. */
function abort(cpu: u32, object: u32): void {
  rollBack(cpu, object);
  forgetMarks(object);
  end(object);
  did(L.DID_ROLLED_BACK, 1);
}

/** The new payer has all of it. */
function complete(task: u32, cpu: u32, object: u32): void {
  let to = get(object, TO);
  let moved = countMoved(object);
  forgetMarks(object);
  store<u32>(bondAt(object), to, L.BOND_OBJCG);
  end(object);
  if (task && moved) checkHigh(task, cpu, objcgMemcg(to), <u32>min<i64>(moved, i32.MAX_VALUE), GFP_KERNEL);
}

function refused(cpu: u32, object: u32): i32 {
  let to = get(object, TO);
  abort(cpu, object);
  countLocal(to, L.EVENT_REFUSED, 1);
  didAt(to, L.PMC_ENOMEM + L.CONTEXT_KMEM, 1);
  return fails(ENOMEM);
}

/** One row of a recharge of a map or a program that has begun. `goesOn`: more rows will follow. */
function proceed(task: u32, cpu: u32, object: u32, goesOn: bool): i32 {
  let chunked = answer(L.POLICY_CHUNK) != 0;
  if (!chunked) {
    // The first row pre-charges all; the last one looks for what has come since, and moves.
    let known = prechargedPages(object) != 0;
    if (!known && prechargeObject(task, cpu, object) < 0) return refused(cpu, object);
    if (goesOn) return 0;
    if (known && get(object, PARTS) != TABLE_ONLY && prechargeElements(task, cpu, object, i64.MAX_VALUE) < 0) return refused(cpu, object);
    commitObject(cpu, object);
    complete(task, cpu, object);
    return 0;
  }
  for (;;) {
    let done = prechargeObject(task, cpu, object);
    if (done < 0) return refused(cpu, object);
    commitObject(cpu, object);
    if (goesOn) return 0;
    if (!done) continue;
    complete(task, cpu, object);
    return 0;
  }
}

/** Nobody is to pay from now on (the root): what is charged is given back. */
function unpay(cpu: u32, object: u32): void {
  let pages = bpfPages(object);
  let bytes = tableBytes(object);
  let objcg = bpfObjcg(object);
  if (!objcg) return;
  for (let i = radixNext(pages, 0); i != NO_KEY; i = radixNext(pages, i + 1)) {
    let frame = radixGet(pages, i);
    unchargeKmem(cpu, frame, chargeWord(frame));
    giveFrame(frame);
  }
  radixDestroy(pages);
  let bond = bondAt(object);
  if (bytes) unchargeObject(cpu, objcg, <u32>bytes, load<u32>(bond, L.BOND_BUCKET_KIND));
  let freed = load<i64>(bond, L.BOND_BUCKET_BYTES);
  for (let e = nextElement(object, 0); e != NO_KEY; e = nextElement(object, e + 4)) {
    let owner = elementWord(object, e, ELEMENT_OWNER);
    if (!owner) continue;
    unchargeObject(cpu, owner, bytesOf(object, e), load<u32>(bond, L.BOND_ELEMENT_KIND));
    setElementWord(object, e, ELEMENT_OWNER, 0);
    freed += bytesOf(object, e);
  }
  store<u32>(bond, 0, L.BOND_OBJCG);
  noteUnpaid(object, freed);
}

/** A map or a program is to be charged to the objcg `to`. */
function rechargeBpf(task: u32, cpu: u32, object: u32, to: u32, parts: u32, goesOn: bool): i32 {
  let bond = bondAt(object);
  let busy = load<u32>(bond, L.BOND_BUSY);
  let by = task ? task : NOBODY;
  if (busy) return busy == by ? proceed(task, cpu, object, goesOn) : fails(EBUSY);
  // What nobody pays for stays nobody's.
  if (!bpfObjcg(object)) return 0;
  if (!to) {
    unpay(cpu, object);
    return 0;
  }
  if (!radixSet(state(object), ALIVE, 1)) {
    headerSet(L.H_FULL_TABLE, L.CAP_NODES);
    return outOfRange(L.FIELD_OBJECT, object, ENOSPC);
  }
  put(object, TO, to);
  put(object, PARTS, parts);
  store<u32>(bond, by, L.BOND_BUSY);
  headerSet(L.H_RECHARGES, headerGet(L.H_RECHARGES) + 1);
  return proceed(task, cpu, object, goesOn);
}

/** A task ends in the middle of its recharges. */
export function rechargerExits(task: u32, cpu: u32): void {
  for (let object: u32 = 1; object < headerGet(L.H_OBJECT_END) && headerGet(L.H_RECHARGES); object++)
    if (load<u32>(bondAt(object), L.BOND_BUSY) == task) abort(cpu, object);
}

// --- page cache

/** Levels that a move of user pages between two memcgs does not touch; the root is charged for none of its own. */
@inline function fileShortcut(from: u32, to: u32): u32 {
  return from == NOBODY || from == ROOT || to == ROOT ? 0 : shortcut(from, to);
}
@inline function unchargeFile(memcg: u32, top: u32, pages: i64): void {
  if (memcg != ROOT) uncharge(memcg, top, pages);
}

/** Pre-charges the pages of one source. */
function reserveFile(task: u32, cpu: u32, object: u32, from: u32, pages: u32): bool {
  let entry = entryOf(object, from);
  let to = get(object, TO);
  let top = fileShortcut(get(object, entryField(entry, FROM)), to);
  // Reclaim for the sake of the next piece would take the last one.
  if (to != ROOT && !tryCharge(task, cpu, to, top, pages, !answer(L.POLICY_CHUNK))) return false;
  put(object, entryField(entry, PAGES), get(object, entryField(entry, PAGES)) + pages);
  return true;
}

function unreserveFile(object: u32): void {
  let to = get(object, TO);
  for (let entry: u64 = 0; entry < NR_ENTRIES; entry++) {
    let from = get(object, entryField(entry, FROM));
    if (!from) continue;
    unchargeFile(to, fileShortcut(from, to), get(object, entryField(entry, PAGES)));
    put(object, entryField(entry, PAGES), 0);
    put(object, entryField(entry, FROM), 0);
  }
}

/** Pre-charges resident pages that are another's, a piece of them at most. 1: none is left after it; 0: there are more; or -ENOMEM. */
function prechargeFile(task: u32, cpu: u32, object: u32): i32 {
  let to = get(object, TO);
  let pages = objectAt(object) + L.OBJECT_RADIX;
  let left = chunkPages();
  let run: u32 = 0;
  let source: u32 = 0;
  let done = 1;
  for (let i = radixNext(pages, 0); i != NO_KEY; i = radixNext(pages, i + 1)) {
    let word = radixGet(pages, i);
    if (word & L.SHADOW_BIT) continue;
    let from = ownerOf(chargeWord(word));
    if (from == to) continue;
    if (!left) {
      done = 0;
      break;
    }
    left--;
    if (from != source) {
      if (run && !reserveFile(task, cpu, object, source, run)) return -ENOMEM;
      run = 0;
      source = from;
    }
    run++;
  }
  return run && !reserveFile(task, cpu, object, source, run) ? -ENOMEM : done;
}

/** Uncharges the old owners of the pages that are reserved, and moves them. */
function commitFile(cpu: u32, object: u32): void {
  let to = get(object, TO);
  let pages = objectAt(object) + L.OBJECT_RADIX;
  for (let i = radixNext(pages, 0); i != NO_KEY; i = radixNext(pages, i + 1)) {
    let frame = radixGet(pages, i);
    if (frame & L.SHADOW_BIT) continue;
    let from = ownerOf(chargeWord(frame));
    if (from == to) continue;
    let entry = entryOf(object, from);
    let left = get(object, entryField(entry, PAGES));
    // (What the pre-charge has reclaimed of this very file is no more.)
    if (!left || (answer(L.POLICY_CHUNK) && !radixSet(state(object), CAME_FROM + i, from))) continue;
    put(object, entryField(entry, PAGES), left - 1);
    unchargeFile(from, fileShortcut(get(object, entryField(entry, FROM)), to), 1);
    moveFolio(cpu, frame, to);
    counted(from, to, 1);
  }
  unreserveFile(object);
}

/** What was moved by pieces before goes back. */
function rollBackFile(cpu: u32, object: u32): void {
  let to = get(object, TO);
  unreserveFile(object);
  for (let field = radixNext(state(object), CAME_FROM); field != NO_KEY; field = radixNext(state(object), field + 1)) {
    let frame = radixGet(objectAt(object) + L.OBJECT_RADIX, field - CAME_FROM);
    let from = get(object, field);
    if (!frame || frame & L.SHADOW_BIT || ownerOf(chargeWord(frame)) != to) continue;
    let top = fileShortcut(from, to);
    unchargeFile(to, top, 1);
    if (from != ROOT) chargeAnyway(from, top, 1);
    moveFolio(cpu, frame, from);
    did(L.DID_RECHARGED, -1);
    didAt(from, L.PMC_RECHARGED_OUT, -1);
    didAt(to, L.PMC_RECHARGED_IN, -1);
  }
}

/** A file is opened by its next user: what it has in the page cache is charged to that one's memcg, all or nothing. */
function rechargeFile(task: u32, cpu: u32, object: u32, to: u32): i32 {
  if (!radixSet(state(object), ALIVE, 1)) {
    headerSet(L.H_FULL_TABLE, L.CAP_NODES);
    return outOfRange(L.FIELD_OBJECT, object, ENOSPC);
  }
  put(object, TO, to);
  let done = 0;
  let before = countDone(L.DID_RECHARGED);
  while (!done) {
    done = prechargeFile(task, cpu, object);
    if (done >= 0) commitFile(cpu, object);
  }
  if (done < 0) {
    rollBackFile(cpu, object);
    did(L.DID_ROLLED_BACK, 1);
    countLocal(to, L.EVENT_REFUSED, 1);
    didAt(to, L.PMC_ENOMEM + L.CONTEXT_CALL, 1);
  }
  radixDestroy(state(object));
  if (done < 0) return fails(ENOMEM);
  let moved = countDone(L.DID_RECHARGED) - before;
  if (task && moved && to != ROOT) checkHigh(task, cpu, to, <u32>min<i64>(moved, i32.MAX_VALUE), GFP_KERNEL);
  return 0;
}

// --- the rows

/** The object is one of the trace, and not a super block. */
function checkReused(object: u32): i32 {
  let known = object && object < headerGet(L.H_OBJECT_END) && typeOf(object) && typeOf(object) != OBJECT_SUPER;
  return known ? 0 : outOfRange(L.FIELD_OBJECT, object, ENOENT);
}

@inline function isRecharged(object: u32): bool {
  if (load<u32>(bondAt(object), L.BOND_BUSY)) return true;
  return answer(L.POLICY_REUSE) == L.REUSE_RECHARGE && !(load<u32>(bondAt(object), L.BOND_FLAGS) & L.BOND_NOT_MADE);
}

/**
 * A task takes up a pinned map again (libbpf's bpf_object__reuse_map()), or opens a file that the generation before has left in the page
 * cache. A program has no such moment. 0, also where the call fails (H_CALL_REFUSED), or a negative errno.
 */
export function reopen(task: u32, cpu: u32, object: u32, goesOn: bool): i32 {
  let errno = checkReused(object);
  if (errno || !isRecharged(object) || typeOf(object) == OBJECT_BPF_PROG) return errno;
  did(L.DID_SLOW_PATH, 1);
  if (!isBpf(object)) return rechargeFile(task, cpu, object, folioPayer(task, false));
  return rechargeBpf(task, cpu, object, kmemPayer(task), hasOption(L.OPTION_BUCKETS_ONLY) ? TABLE_ONLY : ALL, goesOn);
}

/** The explicit request, for whatever object: it is charged to `cgroup` from now on, 0: to the task's. */
export function recharge(task: u32, cpu: u32, object: u32, cgroup: u32, goesOn: bool): i32 {
  let errno = checkReused(object);
  if (errno) return errno;
  if (cgroup && !memcgExists(cgroup)) return outOfRange(L.FIELD_CGROUP, cgroup, ENOENT);
  if (!cgroup && !task) return outOfRange(L.FIELD_CGROUP, cgroup, EINVAL);
  if (!isRecharged(object)) return 0;
  did(L.DID_SLOW_PATH, 1);
  let to = cgroup ? nearestOnline(cgroup) : 0;
  if (!isBpf(object)) return rechargeFile(task, cpu, object, to ? to : folioPayer(task, false));
  let objcg = to ? (to == ROOT ? 0 : kmemPayerOf(to)) : kmemPayer(task);
  return rechargeBpf(task, cpu, object, objcg, ALL, goesOn);
}
