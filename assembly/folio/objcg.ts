// obj_cgroup: who owns kernel memory. An objcg has the id of the memcg that it was made with and keeps it for life; after the
// memcg's death only its `memcg` swings to the parent. The byte stock of a CPU is keyed by that identity.
// mm/memcontrol.c: obj_cgroup_charge(), refill_obj_stock(), drain_obj_stock(), memcg_reparent_objcgs(), obj_cgroup_release().

import { PAGE_SHIFT, PAGE_SIZE } from '../constants';
import { memoryCounter, pageCounterUncharge } from '../counter/page-counter';
import { refillStock } from '../counter/stock';
import * as L from '../layout';
import { putMemcg } from '../memcg/css';
import { isDescendant, memcgState } from '../memcg/memcg';
import { rstatChange, rstatDrainSlab, rstatSlabChange } from '../memcg/rstat';
import { modStat, modStatExact } from '../memcg/stat';
import { cpuAt, kernel61, memcgAt, nrCpus, objcgAt, policyOn, ROOT, rstatBase } from '../memory';
import { hasOption } from '../policy/policy';
import { KIND_PERCPU, KIND_SLAB_RECLAIMABLE } from '../replay/ops';

/** The memcg that an objcg charges now: its own, or the nearest ancestor that was online when its memcgs died. */
@inline export function objcgMemcg(objcg: u32): u32 {
  return load<u32>(objcgAt(objcg), L.OBJCG_MEMCG);
}

/** obj_cgroup_uncharge_pages(): whole pages come back. Freed kernel pages go to the stock, unlike user pages. */
export function objcgUnchargePages(cpu: u32, objcg: u32, pages: u32): void {
  let memcg = objcgMemcg(objcg);
  modStat(memcg, L.STAT_KMEM, -(<i64>pages));
  // 6.18 leaves pages that were reparented to the root on the root's counter, which nobody reads.
  if (memcg == ROOT && !kernel61) rootKeeps(pages);
  else refillStock(cpu, memcg, pages);
}

function rootKeeps(pages: u32): void {
  atomic.add<i64>(L.HEADER + L.H_ROOT_DRIFT, pages);
}

/** Whole pages that hold `bytes`, of which the last page of 4 GiB may be the last. */
@inline export function pagesOfBytes(bytes: u32): u32 {
  return (bytes >> PAGE_SHIFT) + u32((bytes & (PAGE_SIZE - 1)) != 0);
}

/** consume_obj_stock(): a charge of bytes that this CPU's byte stock can serve. */
@inline export function consumeObjStock(cpu: u32, objcg: u32, bytes: u32): bool {
  let at = cpuAt(cpu);
  if (load<u32>(at, L.OBJ_STOCK_OBJCG) != objcg) return false;
  let left = load<u32>(at, L.OBJ_STOCK_BYTES);
  if (left < bytes) return false;
  store<u32>(at, left - bytes, L.OBJ_STOCK_BYTES);
  return true;
}

/**
 * drain_obj_stock(): whole pages are uncharged, the rest waits in the objcg for the next CPU that caches it. Answers the objcg
 * that was cached, whose reference the caller drops (releaseObjcg); 0 for none.
 */
export function drainObjStock(cpu: u32): u32 {
  let at = cpuAt(cpu);
  let objcg = load<u32>(at, L.OBJ_STOCK_OBJCG);
  if (!objcg) return 0;
  let bytes = load<u32>(at, L.OBJ_STOCK_BYTES);
  store<u32>(at, 0, L.OBJ_STOCK_OBJCG);
  store<u32>(at, 0, L.OBJ_STOCK_BYTES);
  if (rstatBase) rstatDrainSlab(cpu, objcgMemcg(objcg));
  let pages = bytes >> PAGE_SHIFT;
  if (pages) {
    if (kernel61) {
      objcgUnchargePages(cpu, objcg, pages);
    } else {
      unchargeDirectly(objcgMemcg(objcg), pages);
    }
  }
  atomic.add<u32>(objcgAt(objcg), bytes & (PAGE_SIZE - 1), L.OBJCG_CHARGED_BYTES);
  return objcg;
}

/** Kernel pages that go back to the counters past the page stock (6.18). */
function unchargeDirectly(memcg: u32, pages: u32): void {
  modStat(memcg, L.STAT_KMEM, -(<i64>pages));
  if (memcg == ROOT) rootKeeps(pages);
  else pageCounterUncharge(memoryCounter(memcg), pages);
}

/**
 * refill_obj_stock(): bytes enter this CPU's byte stock. Only an uncharge, or a change of objcg, gives whole pages back, and
 * then one page is kept: the test is `> PAGE_SIZE`.
 */
export function refillObjStock(cpu: u32, objcg: u32, bytes: u32, allowUncharge: bool): void {
  let at = cpuAt(cpu);
  if (load<u32>(at, L.OBJ_STOCK_OBJCG) != objcg) {
    releaseObjcg(cpu, drainObjStock(cpu));
    store<u32>(at, objcg, L.OBJ_STOCK_OBJCG);
    store<u32>(at, atomic.xchg<u32>(objcgAt(objcg), 0, L.OBJCG_CHARGED_BYTES), L.OBJ_STOCK_BYTES);
    allowUncharge = true;
  }
  let left = <u64>load<u32>(at, L.OBJ_STOCK_BYTES) + bytes;
  if (allowUncharge && left > PAGE_SIZE) {
    store<u32>(at, <u32>left & (PAGE_SIZE - 1), L.OBJ_STOCK_BYTES);
    objcgUnchargePages(cpu, objcg, <u32>(left >> PAGE_SHIFT));
  } else {
    store<u32>(at, <u32>left, L.OBJ_STOCK_BYTES);
  }
}

/**
 * The pages behind a charge of bytes are charged: what is left of them enters the byte stock. A slab object's statistics are kept
 * there too, so that the stock comes to cache the objcg even when nothing is left.
 */
export function grantBytes(cpu: u32, objcg: u32, bytes: u32, pages: u32, kind: u32): void {
  modStat(objcgMemcg(objcg), L.STAT_KMEM, pages);
  let rest = (pages << PAGE_SHIFT) - bytes;
  if (rest || kind != KIND_PERCPU) refillObjStock(cpu, objcg, rest, false);
  accountBytes(objcg, kind, bytes);
}

/** The drain condition of the byte stock: its objcg charges something under `root`. The bytes are not looked at. */
export function objStockUnder(cpu: u32, root: u32): bool {
  let objcg = load<u32>(cpuAt(cpu), L.OBJ_STOCK_OBJCG);
  return objcg != 0 && isDescendant(objcgMemcg(objcg), root);
}

/** Live bytes of an objcg change: slab (or percpu) of its memcg, and the ledger that the audit adds up. */
export function accountBytes(objcg: u32, kind: u32, bytes: i64): void {
  let row = kind == KIND_PERCPU ? L.STAT_PERCPU : kind == KIND_SLAB_RECLAIMABLE ? L.STAT_SLAB_RECLAIMABLE : L.STAT_SLAB;
  modStatExact(objcgMemcg(objcg), row, bytes);
  if (rstatBase) {
    if (kind != KIND_PERCPU) rstatSlabChange(objcg, bytes, row);
    else rstatChange(objcgMemcg(objcg), row, bytes);
  }
  atomic.add<i64>(objcgAt(objcg), bytes, L.OBJCG_BYTES);
}
@inline export function objcgAccountPages(objcg: u32, pages: i64): void {
  atomic.add<i64>(objcgAt(objcg), pages, L.OBJCG_PAGES);
}

/** obj_cgroup_release(): the last object of a dead memcg's objcg is gone, and no CPU caches it: its rest is whole pages. */
export function releaseObjcg(cpu: u32, objcg: u32): void {
  if (objcg <= ROOT || memcgState(objcg) != L.MEMCG_DYING) return;
  let at = objcgAt(objcg);
  if (load<i64>(at, L.OBJCG_BYTES) != 0 || load<i64>(at, L.OBJCG_PAGES) != 0) return;
  if (policyOn && hasOption(L.OPTION_OBJCG_STAYS)) putMemcg(objcg);
  let rest = load<u32>(at, L.OBJCG_CHARGED_BYTES);
  if (rest == 0 || rest & (PAGE_SIZE - 1)) return;
  for (let c: u32 = 0; c < nrCpus; c++) if (load<u32>(cpuAt(c), L.OBJ_STOCK_OBJCG) == objcg) return;
  store<u32>(at, 0, L.OBJCG_CHARGED_BYTES);
  if (kernel61) objcgUnchargePages(cpu, objcg, rest >> PAGE_SHIFT);
  else unchargeDirectly(objcgMemcg(objcg), rest >> PAGE_SHIFT);
}

/**
 * memcg_reparent_objcgs(): the memcg's objcg and all that it had inherited now charge its parent. Counters do not change: the
 * parent's already includes them; the dead memcg's own keeps the stale pages for ever, unseen.
 */
export function reparentObjcgs(memcg: u32): void {
  let parent = load<u32>(memcgAt(memcg), L.MEMCG_PARENT);
  let first = load<u32>(objcgAt(memcg), L.OBJCG_FIRST);
  let last: u32 = 0;
  for (let o = first; o; o = load<u32>(objcgAt(o), L.OBJCG_NEXT)) {
    store<u32>(objcgAt(o), parent, L.OBJCG_MEMCG);
    last = o;
  }
  store<u32>(objcgAt(last), load<u32>(objcgAt(parent), L.OBJCG_FIRST), L.OBJCG_NEXT);
  store<u32>(objcgAt(parent), first, L.OBJCG_FIRST);
  store<u32>(objcgAt(memcg), 0, L.OBJCG_FIRST);
}
