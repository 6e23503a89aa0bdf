// The live door: one call, one operation, answered at once with 0 or a negative errno. Ids come from outside and are checked.

import { chargeMemcg } from './charge/charge';
import { handleOverHigh } from './charge/high';
import { victimsDie } from './charge/oom';
import { EBUSY, EINVAL, ENOENT, ERANGE, ESRCH, PAGE_SHIFT, PAGE_SIZE } from './constants';
import { memoryCounter, pageCounterCharge } from './counter/page-counter';
import { refillStock, runTimers } from './counter/stock';
import {
  chargeWord, commitFolio, commitKmem, frameFits, largeFolioOf, memcgOf, migrateFolio, orderOf, splitFolio, unchargeFolio,
  unchargeKmem,
} from './folio/folio';
import { accountBytes, consumeObjStock, grantBytes, objcgMemcg, pagesOfBytes, refillObjStock, releaseObjcg } from './folio/objcg';
import { runDevice } from './folio/writeback';
import { chargeSwap, swapOwner, unchargeSwap } from './folio/swap';
import * as L from './layout';
import { chargeInitial, commitExisting, commitExistingBytes, commitExistingKmem, unchargeUnseen, unchargeUnseenKmem } from './memcg/before';
import { releaseDying } from './memcg/css';
import { memcgExists } from './memcg/memcg';
import { modStat } from './memcg/stat';
import {
  headerGet, headerGet64, headerSet, headerSet64, mmAt, nodesEnd, nrCpus, outOfRange, pagesEnd, policyOn, ROOT, swapEnd, taskAt,
} from './memory';
import { endCall } from './policy/call';
import { setContext } from './policy/policy';
import { atReturnToUser } from './policy/refused';
import { runWoken } from './policy/wake';
import { psiClock, readPressure as showPressure, stall } from './psi';
import * as O from './replay/ops';
import { folioPayer, isKilled, kmemPayer, taskExists } from './task/task';

/** The clock goes on; what is due until then runs. */
export function advance(now: u64): void {
  if (now >= headerGet64(L.H_NEXT_TIMER)) runTimers(now);
  if (now >= headerGet64(L.H_WRITEBACK_AT)) runDevice(now);
  if (now > headerGet64(L.H_NOW)) headerSet64(L.H_NOW, now);
  if (policyOn && headerGet64(L.H_WAKE_AT) && now >= headerGet64(L.H_WAKE_AT)) runWoken(now, 0);
  if (headerGet(L.H_RELEASE_CHECK)) releaseDying(0);
  psiClock(now);
}

/** True once the OOM killer took the task (modelled residency). It charges nothing any more, and has no children. */
export function taskKilled(task: u32): bool {
  return nodesEnd > 1 && taskExists(task) && isKilled(task);
}

/** A charge of a live call is over: whom it killed dies. */
@inline function decided(cpu: u32, answer: i32): i32 {
  victimsDie(cpu);
  return answer;
}

/** The task returns to user mode, and pays for what it is over memory.high: reclaim, or sleep (TASK_SLEEP_END). */
export function returnToUser(task: u32, cpu: u32): i32 {
  let errno = checkActor(task, cpu);
  if (errno || nodesEnd == 1) return errno;
  endCall(task);
  if (policyOn && load<u32>(taskAt(task), L.TASK_MM)) atReturnToUser(task, cpu);
  if (load<u32>(mmAt(task), L.TASK_OVER_HIGH)) handleOverHigh(task, cpu);
  return 0;
}

/** The same for a charge: -ESRCH also for a task that was killed. */
function checkCharger(task: u32, cpu: u32): i32 {
  let errno = checkActor(task, cpu);
  return !errno && taskKilled(task) ? outOfRange(L.FIELD_TASK, task, ESRCH) : errno;
}

function checkActor(task: u32, cpu: u32): i32 {
  if (cpu >= nrCpus) return outOfRange(L.FIELD_CPU, cpu, ERANGE);
  if (!taskExists(task)) return outOfRange(L.FIELD_TASK, task, ESRCH);
  headerSet(L.H_CURRENT_TASK, task);
  headerSet(L.H_CURRENT_CPU, cpu);
  return 0;
}

/** A frame that is free to be charged with a folio of this order, naturally aligned as the kernel's are: no page of it is. */
function checkFree(frame: u32, order: u32): i32 {
  if (!frameFits(frame, order)) return outOfRange(L.FIELD_INDEX, frame, ERANGE);
  if (frame & ((1 << order) - 1)) return outOfRange(L.FIELD_INDEX, frame, EINVAL);
  if (largeFolioOf(frame)) return outOfRange(L.FIELD_INDEX, frame, EBUSY);
  for (let f = frame; f < frame + (1 << order); f++) if (chargeWord(f)) return outOfRange(L.FIELD_INDEX, f, EBUSY);
  return 0;
}

/**
 * mem_cgroup_charge(): a user folio of 2^order pages (kind KIND_ANON, KIND_FILE or KIND_SHMEM). `memcg` 0: who pays follows
 * from the task. -ENOMEM at the limit, -EBUSY when the frame is charged already.
 */
export function chargeFolio(task: u32, cpu: u32, memcg: u32, frame: u32, order: u32, kind: u32, gfp: u32): i32 {
  let errno = checkCharger(task, cpu);
  if (errno) return errno;
  if (kind > O.KIND_SHMEM) return outOfRange(L.FIELD_FLAGS, kind, EINVAL);
  errno = checkFree(frame, order);
  if (errno) return errno;
  if (!memcg) memcg = folioPayer(task, kind == O.KIND_ANON);
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  setContext(L.CONTEXT_FAULT);
  errno = decided(cpu, chargeMemcg(task, cpu, memcg, 1 << order, gfp));
  if (!errno) commitFolio(frame, memcg, order, kind);
  return errno;
}

/** uncharge_folio(): adds a folio to the task's batch, which unchargeFlush() ends. -ENOENT: not charged. */
export function uncharge(task: u32, cpu: u32, frame: u32): i32 {
  let errno = checkActor(task, cpu);
  if (errno) return errno;
  if (frame == 0 || frame >= pagesEnd) return outOfRange(L.FIELD_INDEX, frame, ERANGE);
  let word = chargeWord(frame);
  if (!word) return outOfRange(L.FIELD_INDEX, frame, ENOENT);
  unchargeFolio(task, cpu, frame, word);
  return 0;
}

/** __memcg_kmem_charge_page(): whole kernel pages. 0 also when nobody is charged for them (root, kernel thread). */
export function chargeKmemPages(task: u32, cpu: u32, frame: u32, order: u32, kind: u32, gfp: u32): i32 {
  let errno = checkCharger(task, cpu);
  if (errno) return errno;
  if (kind < O.KIND_KERNEL_STACK || kind > O.KIND_KERNEL_OTHER || kind == O.KIND_SLAB || kind == O.KIND_PERCPU)
    return outOfRange(L.FIELD_FLAGS, kind, EINVAL);
  errno = checkFree(frame, order);
  if (errno) return errno;
  let objcg = kmemPayer(task);
  if (!objcg) return 0;
  let memcg = objcgMemcg(objcg);
  setContext(L.CONTEXT_KMEM);
  errno = decided(cpu, chargeMemcg(task, cpu, memcg, 1 << order, gfp));
  if (errno) return errno;
  modStat(memcg, L.STAT_KMEM, 1 << order);
  commitKmem(frame, objcg, order, kind);
  return 0;
}

/** __memcg_kmem_uncharge_page(): through the stock. 0 also when nobody was charged. */
export function unchargeKmemPages(cpu: u32, frame: u32): i32 {
  if (cpu >= nrCpus) return outOfRange(L.FIELD_CPU, cpu, ERANGE);
  if (frame == 0 || frame >= pagesEnd) return outOfRange(L.FIELD_INDEX, frame, ERANGE);
  let word = chargeWord(frame);
  if (!word) return 0;
  if (!(word & L.CHARGE_KMEM)) return outOfRange(L.FIELD_INDEX, frame, EINVAL);
  headerSet(L.H_CURRENT_CPU, cpu);
  unchargeKmem(cpu, frame, word);
  return 0;
}

/**
 * obj_cgroup_charge(): `bytes` of kernel memory (KIND_SLAB, KIND_PERCPU) for the task. Answers the objcg that pays, which the
 * caller keeps for unchargeObject(); 0 when nobody does; or -errno.
 */
export function chargeObject(task: u32, cpu: u32, bytes: u32, kind: u32, gfp: u32): i32 {
  let errno = checkCharger(task, cpu);
  if (errno) return errno;
  if (kind != O.KIND_SLAB && kind != O.KIND_PERCPU) return outOfRange(L.FIELD_FLAGS, kind, EINVAL);
  let objcg = kmemPayer(task);
  if (!objcg) return 0;
  setContext(L.CONTEXT_KMEM);
  errno = decided(cpu, chargeObjectTo(task, cpu, objcg, bytes, kind, gfp));
  return errno ? errno : objcg;
}

/** The same once it is known which objcg pays. 0 or -ENOMEM. */
export function chargeObjectTo(task: u32, cpu: u32, objcg: u32, bytes: u32, kind: u32, gfp: u32): i32 {
  if (!consumeObjStock(cpu, objcg, bytes)) {
    let pages = pagesOfBytes(bytes);
    let errno = chargeMemcg(task, cpu, objcgMemcg(objcg), pages, gfp);
    if (!errno) grantBytes(cpu, objcg, bytes, pages, kind);
    return errno;
  }
  accountBytes(objcg, kind, bytes);
  return 0;
}

/** obj_cgroup_uncharge(): into the CPU's byte stock. */
export function unchargeObject(cpu: u32, objcg: u32, bytes: u32, kind: u32): i32 {
  if (cpu >= nrCpus) return outOfRange(L.FIELD_CPU, cpu, ERANGE);
  if (objcg <= ROOT || !memcgExists(objcg)) return outOfRange(L.FIELD_CGROUP, objcg, ENOENT);
  headerSet(L.H_CURRENT_CPU, cpu);
  refillObjStock(cpu, objcg, bytes, true);
  accountBytes(objcg, kind, -(<i64>bytes));
  releaseObjcg(cpu, objcg);
  return 0;
}

/** mem_cgroup_sk_charge(): buffers of a socket that was made in `memcg`. -ENOMEM at the limit. */
export function chargeSock(cpu: u32, memcg: u32, pages: u32, gfp: u32): i32 {
  if (cpu >= nrCpus) return outOfRange(L.FIELD_CPU, cpu, ERANGE);
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  if (memcg == ROOT) return 0;
  headerSet(L.H_CURRENT_CPU, cpu);
  let errno = decided(cpu, chargeMemcg(0, cpu, memcg, pages, gfp));
  if (!errno) modStat(memcg, L.STAT_SOCK, pages);
  return errno;
}

/** mem_cgroup_sk_uncharge(): the pages go to the stock. */
export function unchargeSock(cpu: u32, memcg: u32, pages: u32): i32 {
  if (cpu >= nrCpus) return outOfRange(L.FIELD_CPU, cpu, ERANGE);
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  if (memcg == ROOT) return 0;
  headerSet(L.H_CURRENT_CPU, cpu);
  modStat(memcg, L.STAT_SOCK, -(<i64>pages));
  refillStock(cpu, memcg, pages);
  return 0;
}

/**
 * psi_memstall_enter() to psi_memstall_leave(): the task waits `ns` for memory, asleep or (`reclaims`) at work for it. What the model does
 * itself it counts itself: this is for a caller who knows of another wait. -EINVAL without modelled residency.
 */
export function memstall(task: u32, cpu: u32, ns: u64, reclaims: bool): i32 {
  let errno = checkActor(task, cpu);
  if (errno) return errno;
  if (nodesEnd == 1) return -EINVAL;
  stall(task, ns, reclaims);
  return 0;
}

/** psi_show(): memory.pressure of a cgroup into the header, see psi.ts. -ENOENT: there is no such cgroup. */
export function readPressure(memcg: u32): i32 {
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  showPressure(memcg);
  return 0;
}

/** mem_cgroup_migrate(). -ENOENT: `from` is not charged; -EBUSY: `to` is. */
export function migrate(from: u32, to: u32): i32 {
  if (from == 0 || from >= pagesEnd) return outOfRange(L.FIELD_INDEX, from, ERANGE);
  let word = chargeWord(from);
  if (!word) return outOfRange(L.FIELD_INDEX, from, ENOENT);
  let errno = checkFree(to, orderOf(word));
  if (!errno) migrateFolio(from, to);
  return errno;
}

/** split_page_memcg(). -ENOENT: not charged. */
export function split(frame: u32): i32 {
  if (frame == 0 || frame >= pagesEnd) return outOfRange(L.FIELD_INDEX, frame, ERANGE);
  if (!chargeWord(frame)) return outOfRange(L.FIELD_INDEX, frame, ENOENT);
  splitFolio(frame);
  return 0;
}

/** __mem_cgroup_try_charge_swap(): one slot for a charged frame. -ENOMEM at memory.swap.max. */
export function swapOut(frame: u32, entry: u32): i32 {
  if (frame == 0 || frame >= pagesEnd) return outOfRange(L.FIELD_INDEX, frame, ERANGE);
  if (entry == 0 || entry >= swapEnd) return outOfRange(L.FIELD_OBJECT, entry, ERANGE);
  if (!chargeWord(frame)) return outOfRange(L.FIELD_INDEX, frame, ENOENT);
  if (swapOwner(entry)) return outOfRange(L.FIELD_OBJECT, entry, EBUSY);
  return chargeSwap(memcgOf(chargeWord(frame)), entry, 1, false);
}

/** __mem_cgroup_uncharge_swap(): one slot. -ENOENT: not charged. */
export function swapFree(entry: u32): i32 {
  if (entry == 0 || entry >= swapEnd) return outOfRange(L.FIELD_OBJECT, entry, ERANGE);
  return unchargeSwap(entry) ? 0 : outOfRange(L.FIELD_OBJECT, entry, ENOENT);
}

/**
 * Warm start: what a CPU's byte stock held when a recording began. The page behind it is charged, so that it can be given back.
 * `objcg` ROOT stands for a dead cgroup's that ends there.
 */
export function warmObjStock(cpu: u32, objcg: u32, bytes: u32): i32 {
  if (cpu >= nrCpus) return outOfRange(L.FIELD_CPU, cpu, ERANGE);
  if (!memcgExists(objcg)) return outOfRange(L.FIELD_CGROUP, objcg, ENOENT);
  if (bytes & (PAGE_SIZE - 1)) return outOfRange(L.FIELD_COUNT, bytes, EINVAL);
  let pages = bytes >> PAGE_SHIFT;
  let memcg = objcgMemcg(objcg);
  headerSet(L.H_CURRENT_CPU, cpu);
  pageCounterCharge(memoryCounter(memcg), pages);
  modStat(memcg, L.STAT_KMEM, pages);
  refillObjStock(cpu, objcg, bytes, false);
  return 0;
}

/** Warm start: `pages` of a kind (KIND_*, KIND_STOCK) that were charged to a memcg before, of frames that nobody knows. */
export function warmCharge(memcg: u32, kind: u32, pages: u32): i32 {
  return chargeInitial(memcg, kind, pages);
}

/** Warm start: a folio, or whole kernel pages, charged before. Past every limit and stock. -EBUSY: the frame is charged already. */
export function warmFolio(memcg: u32, frame: u32, order: u32, kind: u32): i32 {
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  if (kind > O.KIND_KERNEL_OTHER || kind == O.KIND_SLAB || kind == O.KIND_PERCPU) return outOfRange(L.FIELD_FLAGS, kind, EINVAL);
  let errno = checkFree(frame, order);
  if (errno) return errno;
  if (kind > O.KIND_SHMEM) commitExistingKmem(memcg, frame, order, kind);
  else commitExisting(memcg, frame, order, kind);
  return 0;
}

/** Warm start: bytes of objects (KIND_SLAB, KIND_PERCPU) charged before. What is over of their last page waits in the objcg. */
export function warmObject(memcg: u32, kind: u32, bytes: u32): i32 {
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  if (kind != O.KIND_SLAB && kind != O.KIND_PERCPU) return outOfRange(L.FIELD_FLAGS, kind, EINVAL);
  commitExistingBytes(memcg, bytes, kind);
  return 0;
}

/** uncharge_folio() of pages from before, into the task's batch (task 0: at once). -ENOENT: the memcg has no such pages left. */
export function warmUncharge(task: u32, cpu: u32, memcg: u32, kind: u32, pages: u32): i32 {
  if (cpu >= nrCpus) return outOfRange(L.FIELD_CPU, cpu, ERANGE);
  if (task && !taskExists(task)) return outOfRange(L.FIELD_TASK, task, ESRCH);
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  return unchargeUnseen(task, cpu, memcg, kind, pages) ? 0 : outOfRange(L.FIELD_COUNT, pages, ENOENT);
}

/** __memcg_kmem_uncharge_page() of pages from before, through the stock. -ENOENT: the objcg has none left. */
export function warmUnchargeKmem(cpu: u32, objcg: u32, kind: u32, pages: u32): i32 {
  if (cpu >= nrCpus) return outOfRange(L.FIELD_CPU, cpu, ERANGE);
  if (!memcgExists(objcg)) return outOfRange(L.FIELD_CGROUP, objcg, ENOENT);
  return unchargeUnseenKmem(cpu, objcg, kind, pages) ? 0 : outOfRange(L.FIELD_COUNT, pages, ENOENT);
}
