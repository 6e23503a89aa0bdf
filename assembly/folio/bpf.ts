// BPF maps and programs: kernel memory that is charged to the objcg which the object itself holds, so that it stays when its maker goes
// and follows that objcg when its memcg is removed. kernel/bpf/syscall.c: bpf_map_save_memcg(), bpf_map_get_memcg(),
// bpf_map_kmalloc_node(), bpf_map_area_alloc(); kernel/bpf/hashtab.c: htab_map_alloc(), alloc_htab_elem().
//
// The table of a map (its buckets, and all elements of a preallocated map) is whole pages of vmalloc(), which are frames in the object's
// tree, or bytes of kmalloc() or per-CPU memory. An element that is allocated when it is inserted has bytes of its own, which are
// charged to the map's memcg at that time, whoever inserts: an interrupt, too.
//
//   BOND_RADIX:  key << 2  | 0: bytes + 1 | 1: objcg that pays, 0: nobody | 2: objcg that a recharge takes it from | 3: it came since
import { chargeMemcg } from '../charge/charge';
import { EBUSY, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC, PAGE_SHIFT } from '../constants';
import { chargeObjectTo, unchargeObject } from '../live';
import * as L from '../layout';
import { countLocal } from '../memcg/events';
import { nearestOnline } from '../memcg/memcg';
import { modStat } from '../memcg/stat';
import { bondAt, headerGet, headerSet, nrCpus, objectAt, outOfRange, policyOn, policyTables, ROOT } from '../memory';
import { forgetBond, objectMade } from '../policy/mount';
import { kmemPayerOf } from '../policy/payer';
import { answer, did, didAt, hasOption, setContext } from '../policy/policy';
import {
  GFP_DIRECT_RECLAIM, GFP_KERNEL, GFP_NORETRY, GFP_RETRY_MAYFAIL, KIND_PERCPU, KIND_SLAB, KIND_VMALLOC, OBJECT_BPF_MAP, OBJECT_BPF_PROG,
} from '../replay/ops';
import { kmemPayer } from '../task/task';
import { chargeWord, commitKmem, unchargeKmem } from './folio';
import { typeOf } from './mapping';
import { objcgMemcg } from './objcg';
import { allocPages } from './page-alloc';
import { NO_KEY, radixClear, radixDestroy, radixEntries, radixGet, radixNext, radixSet } from './radix';
import { giveFrame, placeAt, takeFrame } from './resident';

/** bpf_map_area_alloc(): up to PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER a table is kmalloc()ed. */
const KMALLOC_PAGES: u64 = 8;
/** Words of an element. */
export const ELEMENT_BYTES: u64 = 0;
export const ELEMENT_OWNER: u64 = 1;
export const ELEMENT_FROM: u64 = 2;
export const ELEMENT_LATE: u64 = 3;
/** Elements are this large at most (KMALLOC_MAX_SIZE), on one CPU. */
const MAX_ELEMENT: u64 = 1 << 22;

@inline export function isBpf(object: u32): bool {
  let type = typeOf(object);
  return type == OBJECT_BPF_MAP || type == OBJECT_BPF_PROG;
}
/** Its pages: page number → frame. */
@inline export function bpfPages(object: u32): usize {
  return objectAt(object) + L.OBJECT_RADIX;
}
@inline export function bpfElements(object: u32): usize {
  return bondAt(object) + L.BOND_RADIX;
}
/** The objcg that the object holds; 0: nobody pays for it. */
@inline export function bpfObjcg(object: u32): u32 {
  return load<u32>(bondAt(object), L.BOND_OBJCG);
}
/** Bytes of a table that is kmalloc()ed or per-CPU; 0: it is pages. */
@inline export function tableBytes(object: u32): u64 {
  return load<u32>(bondAt(object), L.BOND_BUCKET_KIND) == KIND_VMALLOC ? 0 : load<u64>(bondAt(object), L.BOND_BUCKET_BYTES);
}
@inline export function elementWord(object: u32, element: u64, word: u64): u32 {
  return radixGet(bpfElements(object), element | word);
}
/** A word that is there, or that joins others of its element, whose node has room for it. */
export function setElementWord(object: u32, element: u64, word: u64, value: u32): void {
  if (value) radixSet(bpfElements(object), element | word, value);
  else radixClear(bpfElements(object), element | word);
}
/** The first element at or behind `from`; NO_KEY: there is none. (Each has a word of its own that is not 0.) */
@inline export function nextElement(object: u32, from: u64): u64 {
  let key = radixNext(bpfElements(object), from);
  return key == NO_KEY ? NO_KEY : key & ~(<u64>3);
}
/** Bytes of an element; 0: of one that was allocated with the map. */
@inline export function bytesOf(object: u32, element: u64): u32 {
  return elementWord(object, element, ELEMENT_BYTES) - 1;
}

/** Memory that nobody pays for, at the memcg of who made the object. */
export function noteUnpaid(object: u32, bytes: i64): void {
  let creator = load<u32>(bondAt(object), L.BOND_CREATOR);
  if (bytes) didAt(creator ? creator : ROOT, L.PMC_UNPAID, bytes);
}

/** A call that fails with an errno of its own: nothing was done, and the trace goes on. */
export function fails(errno: i32): i32 {
  headerSet(L.H_CALL_REFUSED, errno == ENOMEM ? 1 : L.CALL_ERRNO + errno);
  return 0;
}

function refusedBy(objcg: u32): i32 {
  countLocal(objcg, L.EVENT_REFUSED, 1);
  return fails(ENOMEM);
}

/** The objcg that an allocation for the object charges now: of the memcg that its own objcg charges (set_active_memcg()). */
function allocationObjcg(object: u32): u32 {
  let objcg = bpfObjcg(object);
  if (!objcg) return 0;
  // The thread's kernel: the map keeps its memcg, removed or not.
  if (policyOn && hasOption(L.OPTION_OBJCG_STAYS)) return objcg;
  let memcg = nearestOnline(objcgMemcg(objcg));
  return memcg == ROOT ? 0 : memcg;
}

/** `pages` of vmalloc(), from page number `first` on. 0, -ENOMEM with nothing charged, or an errno of the trace. */
function chargePages(task: u32, cpu: u32, object: u32, objcg: u32, pages: u64, gfp: u32): i32 {
  for (let i: u64 = 0; i < pages; i++) {
    let errno = allocPages(task, cpu, 0, gfp);
    if (!errno) errno = chargeMemcg(task, cpu, objcgMemcg(objcg), 1, gfp);
    if (!errno) {
      let frame = takeFrame();
      modStat(objcgMemcg(objcg), L.STAT_KMEM, 1);
      commitKmem(frame, objcg, 0, KIND_VMALLOC);
      store<u64>(placeAt(frame), 0);
      if (radixSet(bpfPages(object), i, frame)) continue;
      unchargeKmem(cpu, frame, chargeWord(frame));
      giveFrame(frame);
      errno = fullNodes(object);
    }
    freePages(cpu, object);
    return errno;
  }
  return 0;
}

/** vfree() */
function freePages(cpu: u32, object: u32): void {
  let pages = bpfPages(object);
  for (let i = radixNext(pages, 0); i != NO_KEY; i = radixNext(pages, i + 1)) {
    let frame = radixGet(pages, i);
    unchargeKmem(cpu, frame, chargeWord(frame));
    giveFrame(frame);
  }
  radixDestroy(pages);
}

function fullNodes(object: u32): i32 {
  headerSet(L.H_FULL_TABLE, L.CAP_NODES);
  return outOfRange(L.FIELD_OBJECT, object, ENOSPC);
}

/** What the object's record says of its memory, besides who made it. */
function describe(object: u32, objcg: u32, kind: u32, bytes: u64): void {
  let bond = bondAt(object);
  store<u32>(bond, objcg, L.BOND_OBJCG);
  store<u32>(bond, kind, L.BOND_BUCKET_KIND);
  store<u64>(bond, bytes, L.BOND_BUCKET_BYTES);
}

/**
 * bpf(BPF_MAP_CREATE), or the place of a program: `pages` of `kind` (KIND_VMALLOC, KIND_SLAB or KIND_PERCPU: on each CPU; 0: what the
 * kernel takes for that size), charged to the task's objcg, or to that of `chosen` where the policy is to choose by a handle. A refused map
 * does not exist, and what the trace does to it means nothing. 0 or a negative errno.
 */
export function bpfNew(task: u32, cpu: u32, object: u32, type: u32, kind: u32, index: u64, chosen: u32): i32 {
  let pages = index & 0xffffffff;
  if (!kind) kind = pages && pages <= KMALLOC_PAGES ? KIND_SLAB : KIND_VMALLOC;
  if (kind != KIND_SLAB && kind != KIND_PERCPU && kind != KIND_VMALLOC) return outOfRange(L.FIELD_FLAGS, kind, EINVAL);
  let bytes = (pages << PAGE_SHIFT) * (kind == KIND_PERCPU ? nrCpus : 1);
  if (kind != KIND_VMALLOC && bytes > 0xfffff000) return outOfRange(L.FIELD_INDEX, pages, EINVAL);
  let errno = objectMade(task, object, type, 0, 0, chosen);
  if (errno || !policyTables) return errno;
  let objcg = task ? kmemPayer(task) : 0;
  if (policyOn && chosen && answer(L.POLICY_PAYER) == L.PAYER_HANDLE) {
    chosen = nearestOnline(chosen);
    objcg = chosen == ROOT ? 0 : kmemPayerOf(chosen);
  }
  describe(object, objcg, kind, bytes);
  if (!objcg) {
    noteUnpaid(object, bytes);
    return 0;
  }
  if (!pages) return 0;
  setContext(L.CONTEXT_KMEM);
  if (kind == KIND_VMALLOC) errno = chargePages(task, cpu, object, objcg, pages, GFP_KERNEL | GFP_RETRY_MAYFAIL);
  else errno = chargeObjectTo(task, cpu, objcg, <u32>bytes, kind, kind == KIND_SLAB ? GFP_KERNEL | GFP_NORETRY : GFP_KERNEL);
  if (!errno) return 0;
  describe(object, 0, 0, 0);
  store<u32>(bondAt(object), L.BOND_NOT_MADE, L.BOND_FLAGS);
  return errno == -ENOMEM ? refusedBy(objcg) : errno;
}

/** The object is a map of the trace. 0, or a negative errno. */
function checkMap(object: u32): i32 {
  return object && object < headerGet(L.H_OBJECT_END) && typeOf(object) == OBJECT_BPF_MAP ? 0 : outOfRange(L.FIELD_OBJECT, object, ENOENT);
}

@inline function isMade(object: u32): bool {
  return !(load<u32>(bondAt(object), L.BOND_FLAGS) & L.BOND_NOT_MADE);
}

function countElements(object: u32, n: i64, bytes: i64): void {
  let bond = bondAt(object);
  store<i64>(bond, load<i64>(bond, L.BOND_ELEMENTS) + n, L.BOND_ELEMENTS);
  store<i64>(bond, load<i64>(bond, L.BOND_ELEMENT_BYTES) + bytes, L.BOND_ELEMENT_BYTES);
}

/**
 * bpf_map_update_elem(): an element of `bytes` (on each CPU, if it is per-CPU memory; 0: allocated with the map) at `key`; the one that was
 * there is freed afterwards. It is the map's memcg that pays; `gfp` says whether it may block, which no interrupt may (`task` 0). A refused
 * one changes nothing. 0 or a negative errno.
 */
export function mapUpdate(task: u32, cpu: u32, object: u32, key: u64, bytes: u64, kind: u32, gfp: u32): i32 {
  let errno = checkMap(object);
  if (errno) return errno;
  if (key >> 62) return outOfRange(L.FIELD_INDEX, key, EINVAL);
  if (!kind) kind = KIND_SLAB;
  if (kind != KIND_SLAB && kind != KIND_PERCPU) return outOfRange(L.FIELD_FLAGS, kind, EINVAL);
  if (bytes > MAX_ELEMENT) return outOfRange(L.FIELD_COUNT, bytes, EINVAL);
  if (!isMade(object)) return 0;
  let bond = bondAt(object);
  let known = load<u32>(bond, L.BOND_ELEMENT_KIND);
  // All elements of a map are of one kind.
  if (bytes && known && known != kind) return outOfRange(L.FIELD_FLAGS, kind, EINVAL);
  if (bytes) store<u32>(bond, kind, L.BOND_ELEMENT_KIND);
  else store<u32>(bond, load<u32>(bond, L.BOND_FLAGS) | L.BOND_PREALLOCATED, L.BOND_FLAGS);
  if (kind == KIND_PERCPU) bytes *= nrCpus;
  let objcg: u32 = 0;
  if (bytes) {
    objcg = allocationObjcg(object);
    setContext(L.CONTEXT_KMEM);
    if (objcg) errno = chargeObjectTo(task, cpu, objcg, <u32>bytes, kind, task ? gfp : gfp & ~GFP_DIRECT_RECLAIM);
    if (errno) {
      store<u32>(bond, load<u32>(bond, L.BOND_FLAGS) | L.BOND_REFUSED, L.BOND_FLAGS);
      return errno == -ENOMEM ? refusedBy(objcg) : errno;
    }
    if (!objcg) noteUnpaid(object, bytes);
  }
  let element = key << 2;
  freeElement(cpu, object, element);
  if (radixSet(bpfElements(object), element | ELEMENT_BYTES, <u32>bytes + 1)) {
    setElementWord(object, element, ELEMENT_OWNER, objcg);
    if (load<u32>(bond, L.BOND_BUSY)) setElementWord(object, element, ELEMENT_LATE, 1);
    countElements(object, 1, bytes);
    return 0;
  }
  if (objcg) unchargeObject(cpu, objcg, <u32>bytes, kind);
  else noteUnpaid(object, -(<i64>bytes));
  return fullNodes(object);
}

/** An element goes; true: there was one. */
function freeElement(cpu: u32, object: u32, element: u64): bool {
  if (!elementWord(object, element, ELEMENT_BYTES)) return false;
  let bytes = bytesOf(object, element);
  let owner = elementWord(object, element, ELEMENT_OWNER);
  for (let word: u64 = 0; word <= ELEMENT_LATE; word++) radixClear(bpfElements(object), element | word);
  countElements(object, -1, -(<i64>bytes));
  if (!owner) noteUnpaid(object, -(<i64>bytes));
  else if (bytes) unchargeObject(cpu, owner, bytes, load<u32>(bondAt(object), L.BOND_ELEMENT_KIND));
  return true;
}

/** bpf_map_delete_elem(). 0 or a negative errno of the trace. */
export function mapDelete(cpu: u32, object: u32, key: u64): i32 {
  let errno = checkMap(object);
  if (errno) return errno;
  if (key >> 62) return outOfRange(L.FIELD_INDEX, key, EINVAL);
  return !isMade(object) || freeElement(cpu, object, key << 2) ? 0 : fails(ENOENT);
}

/** bpf(BPF_PROG_LOAD): `pages` of vmalloc(), charged to the loader. -EEXIST: the program is loaded. */
export function progLoad(task: u32, cpu: u32, object: u32, pages: u32, gfp: u32): i32 {
  let known = object && object < headerGet(L.H_OBJECT_END) ? typeOf(object) : 0;
  if (!known) {
    let errno = bpfNew(task, cpu, object, OBJECT_BPF_PROG, 0, 0, 0);
    if (errno) return errno;
  } else if (known != OBJECT_BPF_PROG) return outOfRange(L.FIELD_OBJECT, object, EINVAL);
  if (load<u64>(bondAt(object), L.BOND_BUCKET_BYTES)) return outOfRange(L.FIELD_OBJECT, object, EEXIST);
  if (!isMade(object)) return 0;
  // Who loads it pays, unless its payer was known before.
  let objcg = allocationObjcg(object);
  if (!objcg && task) objcg = kmemPayer(task);
  describe(object, objcg, KIND_VMALLOC, <u64>pages << PAGE_SHIFT);
  if (!objcg) {
    noteUnpaid(object, <i64>pages << PAGE_SHIFT);
    return 0;
  }
  setContext(L.CONTEXT_KMEM);
  let errno = chargePages(task, cpu, object, objcg, pages, gfp ? gfp : GFP_KERNEL);
  if (!errno) return 0;
  describe(object, 0, 0, 0);
  return errno == -ENOMEM ? refusedBy(objcg) : errno;
}

/** The last reference is gone: all that the object has goes. -EBUSY for the call: a recharge holds one. */
export function bpfFree(cpu: u32, object: u32): i32 {
  if (!policyTables) return 0;
  let bond = bondAt(object);
  if (load<u32>(bond, L.BOND_BUSY)) {
    fails(EBUSY);
    return -EBUSY;
  }
  for (let element = nextElement(object, 0); element != NO_KEY; element = nextElement(object, element)) freeElement(cpu, object, element);
  let objcg = load<u32>(bond, L.BOND_OBJCG);
  let bytes = tableBytes(object);
  if (radixEntries(bpfPages(object))) freePages(cpu, object);
  else if (!objcg) noteUnpaid(object, -load<i64>(bond, L.BOND_BUCKET_BYTES));
  else if (bytes) unchargeObject(cpu, objcg, <u32>bytes, load<u32>(bond, L.BOND_BUCKET_KIND));
  forgetBond(object);
  return 0;
}

/**
 * The map's place is taken by another (map-in-map: an outer map points to that from now on), or by itself made anew: entries that the other
 * lacks are lost. Where the copy could not be made, or not wholly, it is given up: what is there of it goes, and rows that name it mean
 * this map, which stays.
 */
export function bpfReplaced(cpu: u32, object: u32, by: u32): void {
  if (by == object || by >= headerGet(L.H_OBJECT_END) || typeOf(by) != OBJECT_BPF_MAP) {
    did(L.DID_LOST_ENTRIES, load<i64>(bondAt(object), L.BOND_ELEMENTS));
    return;
  }
  if (!(load<u32>(bondAt(by), L.BOND_FLAGS) & (L.BOND_NOT_MADE | L.BOND_REFUSED))) {
    did(L.DID_LOST_ENTRIES, max<i64>(0, load<i64>(bondAt(object), L.BOND_ELEMENTS) - load<i64>(bondAt(by), L.BOND_ELEMENTS)));
    return;
  }
  bpfFree(cpu, by);
  did(L.DID_ROLLED_BACK, 1);
  headerSet(L.H_CALL_REFUSED, 1);
  // They change names: the one that is freed under its own is empty.
  memory.copy(bondAt(by), bondAt(object), L.BOND_STRIDE);
  memory.copy(objectAt(by), objectAt(object), L.OBJECT_STRIDE);
  forgetBond(object);
  memory.fill(bpfPages(object), 0, L.OBJECT_STRIDE - L.OBJECT_RADIX);
}
