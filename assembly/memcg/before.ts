// Warm start: what was charged before the trace began. Of most of it no frame is known: each memcg keeps, by kind, the pages that are
// charged to it and that no row of the trace brought ("unseen"), and what is given back without ever having been seen charged is
// taken from there. Bytes need no such store: they are live bytes of the memcg's objcg, as any object's are.
//
// KIND_STOCK are pages that no statistic explains: the stocks of CPUs, of which a snapshot cannot tell the CPU. The first CPUs that
// charge the memcg and find their stock empty get them (64 each); drain_all_stock() gives them back.

import { EINVAL, ENODEV, ENOENT, MEMCG_CHARGE_BATCH, PAGE_SHIFT, PAGE_SIZE } from '../constants';
import { memoryCounter, pageCounterCharge, pageCounterUncharge } from '../counter/page-counter';
import { refillStock } from '../counter/stock';
import { commitFolio, commitKmem, gather } from '../folio/folio';
import { accountBytes, objcgAccountPages, objcgMemcg, objcgUnchargePages, releaseObjcg } from '../folio/objcg';
import * as L from '../layout';
import { headerGet, headerSet, memcgAt, nrCpus, objcgAt, outOfRange, policyOn, ROOT, taskAt } from '../memory';
import { heirOf } from '../policy/reparent';
import {
  KIND_ANON, KIND_KERNEL_OTHER, KIND_KERNEL_STACK, KIND_PERCPU, KIND_SHMEM, KIND_SLAB, KIND_SOCK, KIND_STOCK,
} from '../replay/ops';
import { memcgExists, memcgState, nextInSubtree } from './memcg';
import { modStat, statOfKind } from './stat';

/** No kind has so many pages. */
const NONE: u32 = 0xff;
/** Pages of all kinds that a memcg can have unseen: 8 TiB. One kind may turn out to be another, so that the sum counts. */
const UNSEEN_MAX: u64 = 0x7fffffff;

/** Pages of a kind that are charged to a memcg (kernel memory: to its objcg) and that no row brought. */
@inline export function unseen(memcg: u32, kind: u32): u32 {
  return load<u32>(memcgAt(memcg) + (kind << 2), L.MEMCG_UNSEEN);
}
@inline function setUnseen(memcg: u32, kind: u32, pages: u32): void {
  store<u32>(memcgAt(memcg) + (kind << 2), pages, L.MEMCG_UNSEEN);
}
@inline function isBytes(kind: u32): bool {
  return kind == KIND_SLAB || kind == KIND_PERCPU;
}

/** Unseen pages of one kind change, with the statistics and the ledger that they count in. No counter moves. */
function account(memcg: u32, kind: u32, pages: i64): void {
  setUnseen(memcg, kind, <u32>(<i64>unseen(memcg, kind) + pages));
  if (kind == KIND_STOCK) {
    headerSet(L.H_UNSEEN_STOCK, <u32>(<i64>headerGet(L.H_UNSEEN_STOCK) + pages));
  } else if (kind <= KIND_SHMEM) {
    modStat(memcg, statOfKind(kind), pages);
  } else {
    modStat(objcgMemcg(memcg), statOfKind(kind), pages);
    objcgAccountPages(memcg, pages);
  }
}

/**
 * `pages` of a kind were charged to a memcg before the trace began: counted at every level, whatever the limits. The root is charged
 * for nothing. -ENOENT, -ENODEV (removed), -EINVAL: no such kind, or more pages than a machine has.
 */
export function chargeInitial(memcg: u32, kind: u32, pages: u64): i32 {
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  if (memcgState(memcg) != L.MEMCG_ONLINE) return outOfRange(L.FIELD_CGROUP, memcg, ENODEV);
  if (kind > KIND_STOCK) return outOfRange(L.FIELD_FLAGS, kind, EINVAL);
  let total = pages;
  for (let each: u32 = 0; each <= KIND_STOCK; each++) total += unseen(memcg, each);
  if (pages > UNSEEN_MAX || total > UNSEEN_MAX) return outOfRange(L.FIELD_INDEX, pages, EINVAL);
  if (memcg == ROOT) return 0;
  let n = <u32>pages;
  pageCounterCharge(memoryCounter(memcg), n);
  if (kind == KIND_STOCK) {
    // A CPU's stock holds no more than a batch of one memcg: the rest is something else that the statistics have not seen.
    let room = max<i64>(0, <i64>nrCpus * MEMCG_CHARGE_BATCH - unseen(memcg, KIND_STOCK));
    let held = <u32>min<i64>(n, room);
    account(memcg, KIND_STOCK, held);
    n -= held;
    kind = KIND_KERNEL_OTHER;
    if (!n) return 0;
  }
  if (kind == KIND_SOCK) {
    modStat(memcg, L.STAT_SOCK, n);
  } else {
    if (kind > KIND_SHMEM) {
      modStat(memcg, L.STAT_KMEM, n);
      noteKernel(memcg);
    }
    if (isBytes(kind)) accountBytes(memcg, kind, <i64>n << PAGE_SHIFT);
    else account(memcg, kind, n);
  }
  return 0;
}

/** A user folio that was charged before the trace, and whose frame is known. The frame is free. */
export function commitExisting(memcg: u32, frame: u32, order: u32, kind: u32): void {
  if (memcg != ROOT) pageCounterCharge(memoryCounter(memcg), 1 << order);
  commitFolio(frame, memcg, order, kind);
}

/** The same of kernel pages. The objcg of a dead cgroup that ended in the root is counted there. */
export function commitExistingKmem(objcg: u32, frame: u32, order: u32, kind: u32): void {
  let memcg = objcgMemcg(objcg);
  pageCounterCharge(memoryCounter(memcg), 1 << order);
  modStat(memcg, L.STAT_KMEM, 1 << order);
  commitKmem(frame, objcg, order, kind);
  noteKernel(objcg);
}

@inline function noteKernel(objcg: u32): void {
  store<u32>(memcgAt(objcg), 1, L.MEMCG_HAD_KERNEL);
}

/** The same of objects: what the last page has left over waits in the objcg, as after a drain of a byte stock. */
export function commitExistingBytes(objcg: u32, bytes: u32, kind: u32): void {
  let at = objcgAt(objcg);
  let rest: u64 = load<u32>(at, L.OBJCG_CHARGED_BYTES);
  noteKernel(objcg);
  if (rest < bytes) {
    let pages = (<u64>bytes - rest + PAGE_SIZE - 1) >> PAGE_SHIFT;
    let memcg = objcgMemcg(objcg);
    pageCounterCharge(memoryCounter(memcg), pages);
    modStat(memcg, L.STAT_KMEM, pages);
    rest += pages << PAGE_SHIFT;
  }
  store<u32>(at, <u32>(rest - bytes), L.OBJCG_CHARGED_BYTES);
  accountBytes(objcg, kind, bytes);
}

/** What was taken for one kind turns out to be another: statistics follow, the counters do not change. */
function turnInto(memcg: u32, from: u32, to: u32, pages: u32): void {
  let kmem: i64 = (<i64>(to > KIND_SHMEM) - <i64>(from > KIND_SHMEM && from != KIND_STOCK)) * pages;
  account(memcg, from, -(<i64>pages));
  account(memcg, to, pages);
  if (kmem) modStat(objcgMemcg(memcg), L.STAT_KMEM, kmem);
}

/** Of the kinds `first` to `last`: the wanted one if it has so many pages unseen, else the one that has most. */
function kindWith(memcg: u32, wanted: u32, first: u32, last: u32, pages: u32): u32 {
  if (wanted >= first && wanted <= last && unseen(memcg, wanted) >= pages) return wanted;
  let best = NONE;
  for (let kind = first; kind <= last; kind++) {
    if (unseen(memcg, kind) < pages) continue;
    if (best == NONE || unseen(memcg, kind) > unseen(memcg, best)) best = kind;
  }
  return best;
}

/** A kind of user memory that has so many pages unseen; if the statistics lagged, what they did not explain is user memory. */
function userKind(memcg: u32, wanted: u32, pages: u32): u32 {
  let kind = kindWith(memcg, wanted, KIND_ANON, KIND_SHMEM, pages);
  if (kind != NONE) return kind;
  let from = unseen(memcg, KIND_STOCK) >= pages ? KIND_STOCK : KIND_KERNEL_OTHER;
  // Kernel memory of a dead cgroup counts in its parent: it cannot become the dead one's pages.
  if (unseen(memcg, from) < pages || memcgState(memcg) == L.MEMCG_DYING) return NONE;
  kind = wanted <= KIND_SHMEM ? wanted : KIND_ANON;
  turnInto(memcg, from, kind, pages);
  return kind;
}

function kernelKind(objcg: u32, wanted: u32, pages: u32): u32 {
  let kind = kindWith(objcg, isBytes(wanted) ? NONE : wanted, KIND_KERNEL_STACK, KIND_KERNEL_OTHER, pages);
  if (kind != NONE) return kind;
  if (unseen(objcg, KIND_STOCK) < pages) return NONE;
  turnInto(objcg, KIND_STOCK, KIND_KERNEL_OTHER, pages);
  return KIND_KERNEL_OTHER;
}

/**
 * Kernel memory from before is given back, and its owner as printed does not have it: a dead cgroup's objcg prints its heir. The first
 * objcg, of those that charge the same memcg, that has so many unseen pages or else (`pages` 0) so many bytes; 0: none.
 */
function deadOwner(objcg: u32, kind: u32, pages: u32, bytes: i64): u32 {
  let memcg = objcgMemcg(objcg);
  for (let o = load<u32>(objcgAt(memcg), L.OBJCG_FIRST); o; o = load<u32>(objcgAt(o), L.OBJCG_NEXT)) {
    if (o == objcg || o == ROOT || !load<u32>(memcgAt(o), L.MEMCG_HAD_KERNEL)) continue;
    if (pages ? kernelKind(o, kind, pages) != NONE : load<i64>(objcgAt(o), L.OBJCG_BYTES) >= bytes) return o;
  }
  return 0;
}

/** The objcg, this one or a dead one that it stands for, that has unseen pages to give back; 0: none. */
function ownerOfPages(objcg: u32, kind: u32, pages: u32): u32 {
  return kernelKind(objcg, kind, pages) != NONE ? objcg : deadOwner(objcg, kind, pages, 0);
}

/**
 * uncharge_folio() of pages whose charge no row brought: they join the task's batch, or without a task leave the counters at once.
 * `kind` is what they are if that is known. False: the memcg has no such pages unseen, and nothing happened.
 */
export function unchargeUnseen(task: u32, cpu: u32, memcg: u32, kind: u32, pages: u32): bool {
  let kernel = kind > KIND_SHMEM;
  if (policyOn && !kernel) memcg = heirOf(memcg);
  if (memcg == ROOT) return false;
  if (kernel) memcg = ownerOfPages(memcg, kind, pages);
  if (!memcg) return false;
  kind = kernel ? kernelKind(memcg, kind, pages) : userKind(memcg, kind, pages);
  if (kind == NONE) return false;
  account(memcg, kind, -(<i64>pages));
  let payer = kernel ? objcgMemcg(memcg) : memcg;
  if (task) {
    gather(task, payer);
    let at = taskAt(task);
    store<u32>(at, load<u32>(at, L.GATHER_PAGES) + pages, L.GATHER_PAGES);
    if (kernel) store<u32>(at, load<u32>(at, L.GATHER_KMEM) + pages, L.GATHER_KMEM);
  } else {
    if (kernel) modStat(payer, L.STAT_KMEM, -(<i64>pages));
    pageCounterUncharge(memoryCounter(payer), pages);
  }
  if (kernel) releaseObjcg(cpu, memcg);
  return true;
}

/** __memcg_kmem_uncharge_page() of pages whose charge no row brought: through the stock. False: the objcg has none unseen. */
export function unchargeUnseenKmem(cpu: u32, objcg: u32, kind: u32, pages: u32): bool {
  if (objcg == ROOT) return false;
  objcg = ownerOfPages(objcg, kind, pages);
  if (!objcg) return false;
  kind = kernelKind(objcg, kind, pages);
  account(objcg, kind, -(<i64>pages));
  objcgUnchargePages(cpu, objcg, pages);
  releaseObjcg(cpu, objcg);
  return true;
}

/**
 * More bytes of objects are given back than the objcg has. They are a dead cgroup's, or unseen kernel pages were objects. Answers the objcg
 * that has them; 0: nobody.
 */
export function ownerOfBytes(objcg: u32, bytes: i64): u32 {
  let dead = deadOwner(objcg, 0, 0, bytes);
  if (dead) return dead;
  let pages = <u32>((bytes - load<i64>(objcgAt(objcg), L.OBJCG_BYTES) + PAGE_SIZE - 1) >> PAGE_SHIFT);
  if (objcg == ROOT || kernelKind(objcg, KIND_KERNEL_OTHER, pages) != KIND_KERNEL_OTHER) return 0;
  account(objcg, KIND_KERNEL_OTHER, -(<i64>pages));
  accountBytes(objcg, KIND_SLAB, <i64>pages << PAGE_SHIFT);
  return objcg;
}

/**
 * User pages that no row brought pass to the parent of a removed memcg (policy/reparent.ts); the root keeps none, since it is charged for
 * nothing. Answers how many they are; the counters are the caller's.
 */
export function reparentUnseen(memcg: u32, parent: u32): i64 {
  let moved: i64 = 0;
  for (let kind: u32 = KIND_ANON; kind <= KIND_SHMEM; kind++) {
    let pages: i64 = unseen(memcg, kind);
    if (!pages) continue;
    account(memcg, kind, -pages);
    if (parent != ROOT) account(parent, kind, pages);
    moved += pages;
  }
  return moved;
}

/** A CPU finds no stock of this memcg: it may be the one that had some when the trace began. True: it has now. */
export function stockFromBefore(cpu: u32, memcg: u32): bool {
  let pages = min<u32>(unseen(memcg, KIND_STOCK), MEMCG_CHARGE_BATCH);
  if (!pages) return false;
  account(memcg, KIND_STOCK, -(<i64>pages));
  refillStock(cpu, memcg, pages);
  return true;
}

/** drain_all_stock(): stocks from before the trace that hold something of the subtree, on whatever CPU. */
export function drainFromBefore(root: u32): void {
  if (!headerGet(L.H_UNSEEN_STOCK)) return;
  for (let memcg = root; memcg; memcg = nextInSubtree(memcg, root)) {
    let pages = unseen(memcg, KIND_STOCK);
    if (!pages) continue;
    account(memcg, KIND_STOCK, -(<i64>pages));
    pageCounterUncharge(memoryCounter(memcg), pages);
  }
}
