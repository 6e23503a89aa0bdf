// Work that is done for somebody else: workerOf(). A loop device's pages are read and written by kernel threads; who runs, and who
// pays, is the question of debate 3. Linux 6.18 (drivers/block/loop.c: loop_queue_work(), loop_free_idle_workers()): each cgroup that
// issues I/O to a device has a worker there, made when it is first needed, which charges that cgroup, and goes when it was idle
// for a minute.
//
//     request of a cgroup → payer (loopPayer) → worker (workerFor) → | queue: one request after the other | → pages of the backing object
//
// Workers are a matter of time alone: memory changes when the request is issued. A request that finds its worker at work waits for it in
// virtual time, which is counted; what it takes itself is what the worker sleeps for memory.high and waits for the disk.
import { differs } from '../audit';
import { LOOP_IDLE_WORKER_NS } from '../constants';
import * as L from '../layout';
import { putMemcg } from '../memcg/css';
import { nearestOnline } from '../memcg/memcg';
import {
  bondAt, headerGet, headerGet64, headerSet, headerSet64, inodeAt, loopWorkerBase, policyOn, policyTables, ROOT,
} from '../memory';
import { watermarkOk } from '../reclaim/watermark';
import { answer, countAt, countDone, did, didAt, hasOption } from './policy';

@inline function workerAt(worker: u32): usize {
  return loopWorkerBase + <usize>worker * L.LOOP_WORKER_STRIDE;
}
@inline function nextOf(worker: u32): u32 {
  return load<u32>(workerAt(worker), L.LOOP_WORKER_NEXT);
}
/** The first worker of a device; 0: it has none. */
@inline export function firstWorker(object: u32): u32 {
  return policyTables ? load<u32>(bondAt(object), L.BOND_WORKERS) : 0;
}
/** The device's next worker after this one. */
@inline export function nextWorker(worker: u32): u32 {
  return nextOf(worker);
}
@inline export function workerMemcg(worker: u32): u32 {
  return load<u32>(workerAt(worker), L.LOOP_WORKER_MEMCG);
}
@inline export function busyUntil(worker: u32): u64 {
  return load<u64>(workerAt(worker), L.LOOP_WORKER_BUSY_UNTIL);
}

/** The memcg that pays for what a loop device does for the sake of one whose payer in Linux is `issuer`. */
export function loopPayer(object: u32, issuer: u32): u32 {
  let how = answer(L.POLICY_WORKER);
  if (how == L.WORKER_ROOT) return ROOT;
  if (how != L.WORKER_ASSIGNED) return issuer;
  let assigned = load<u32>(bondAt(object), L.BOND_PAYER);
  return assigned ? nearestOnline(assigned) : issuer;
}

/** The redirection is done by whoever issues the request, in its own context (L6). */
@inline export function worksInline(): bool {
  return policyOn && answer(L.POLICY_WORKER) == L.WORKER_INLINE;
}

/**
 * The issuer is charged whatever its limits, and answers for it afterwards. `metadata`: what a file system writes through the device's own
 * page cache; its data goes to the device directly.
 */
@inline export function isBackcharged(metadata: bool): bool {
  if (!policyOn) return false;
  let how = answer(L.POLICY_WORKER);
  return how == L.WORKER_BACKCHARGE || (how == L.WORKER_BACKCHARGE_METADATA && metadata);
}

/** Whose worker does what `payer` pays for. */
export function workOwner(payer: u32, metadata: bool): u32 {
  return policyOn && (hasOption(L.OPTION_ONE_WORKER) || isBackcharged(metadata)) ? ROOT : payer;
}

/** L4: the shortage of a charge is reported to who asked for the I/O, as what it is. (Linux' loop device knows EIO alone.) */
@inline export function tellsErrors(): bool {
  return policyOn && answer(L.POLICY_REFUSED + (L.CONTEXT_WORKER << 2)) != L.REFUSED_KERNEL;
}

/**
 * L4 with all of tmpfs as its scope: a system call's page of tmpfs is refused as a worker's is, unless the policy has an answer of its
 * own to those.
 */
@inline export function refusesTmpfs(): bool {
  return tellsErrors() && hasOption(L.OPTION_ALL_TMPFS);
}

/** Where the error of a system call's page could go: to who caused a worker's I/O, or (L4) as one of tmpfs, on which such I/O ends. */
@inline export function inWorker(shmem: bool): bool {
  return headerGet(L.H_LOOP_WORK) != L.LOOP_WORK_NONE || (shmem && refusesTmpfs());
}

/** L2d: a page that the charge at hand brings back from swap is charged to who caused it, not to who owes the slot. */
@inline export function swapinBillsIssuer(): bool {
  return policyOn && headerGet(L.H_LOOP_WORK) != L.LOOP_WORK_NONE && hasOption(L.OPTION_SWAPIN_ISSUER);
}

/**
 * loop_queue_work(): the worker of a device for a cgroup, made if there is none; ROOT's is the device's own, and holds no reference. 0: it
 * cannot be made, as the machine has no page without reclaim (GFP_NOWAIT), or there are too many.
 */
export function workerFor(object: u32, memcg: u32): u32 {
  if (!policyTables) return 0;
  let last: u32 = 0;
  for (let worker = firstWorker(object); worker; worker = nextOf(worker)) {
    if (workerMemcg(worker) == memcg) return worker;
    last = worker;
  }
  if (memcg != ROOT && !watermarkOk(0, headerGet(L.H_WMARK_MIN))) return 0;
  let worker = headerGet(L.H_LOOP_FREE);
  if (worker) headerSet(L.H_LOOP_FREE, nextOf(worker));
  else {
    worker = max<u32>(1, headerGet(L.H_LOOP_WORKER_END));
    if (worker > L.NR_LOOP_WORKERS) return 0;
    headerSet(L.H_LOOP_WORKER_END, worker + 1);
  }
  let at = workerAt(worker);
  memory.fill(at, 0, L.LOOP_WORKER_STRIDE);
  store<u32>(at, object, L.LOOP_WORKER_DEVICE);
  store<u32>(at, memcg, L.LOOP_WORKER_MEMCG);
  if (last) store<u32>(workerAt(last), worker, L.LOOP_WORKER_NEXT);
  else store<u32>(bondAt(object), worker, L.BOND_WORKERS);
  if (memcg != ROOT) didAt(memcg, L.PMC_LOOP_WORKERS, 1);
  did(L.DID_WORKERS_MADE, 1);
  did(L.DID_WORKERS, 1);
  if (countDone(L.DID_WORKERS) > countDone(L.DID_WORKERS_PEAK)) did(L.DID_WORKERS_PEAK, 1);
  return worker;
}

/** A request joins the worker's queue: when it will be its turn, ns. What it waits for that is counted, at `issuer`, too. */
export function startWork(worker: u32, issuer: u32): u64 {
  let now = headerGet64(L.H_NOW);
  let free = worker ? busyUntil(worker) : 0;
  if (free <= now) return now;
  did(L.DID_QUEUED_NS, free - now);
  didAt(issuer, L.PMC_QUEUED_NS, free - now);
  return free;
}

/** … and is done after `ns`. If no other comes the worker is idle from then on. */
export function endWork(worker: u32, started: u64, ns: u64): void {
  if (!worker) return;
  store<u64>(workerAt(worker), started + ns, L.LOOP_WORKER_BUSY_UNTIL);
  armTimer(started + ns + LOOP_IDLE_WORKER_NS);
}

/** The pages over memory.high that the thread has still to pay for when it next runs this worker. */
@inline export function overHighOf(worker: u32): u32 {
  return worker ? load<u32>(workerAt(worker), L.LOOP_WORKER_OVER_HIGH) : 0;
}
@inline export function setOverHigh(worker: u32, pages: u32): void {
  if (worker) store<u32>(workerAt(worker), pages, L.LOOP_WORKER_OVER_HIGH);
}

/** timer_reduce() */
function armTimer(due: u64): void {
  let timer = headerGet64(L.H_LOOP_TIMER);
  if (timer && timer <= due) return;
  headerSet64(L.H_LOOP_TIMER, due);
  if (due < headerGet64(L.H_NEXT_TIMER)) headerSet64(L.H_NEXT_TIMER, due);
}

function freeWorker(worker: u32): void {
  let memcg = workerMemcg(worker);
  store<u32>(workerAt(worker), 0, L.LOOP_WORKER_DEVICE);
  store<u32>(workerAt(worker), headerGet(L.H_LOOP_FREE), L.LOOP_WORKER_NEXT);
  headerSet(L.H_LOOP_FREE, worker);
  did(L.DID_WORKERS, -1);
  if (memcg == ROOT) return;
  didAt(memcg, L.PMC_LOOP_WORKERS, -1);
  putMemcg(memcg);
}

/** loop_free_idle_workers() of one device: those idle since `idle` or longer go; the device's own stays until it is detached. */
function freeIdle(object: u32, idle: u64): void {
  let kept: u32 = 0;
  let worker = firstWorker(object);
  while (worker) {
    let next = nextOf(worker);
    let until = busyUntil(worker);
    if (workerMemcg(worker) == ROOT || until > idle) {
      if (workerMemcg(worker) != ROOT) armTimer(until + LOOP_IDLE_WORKER_NS);
      kept = worker;
    } else {
      if (kept) store<u32>(workerAt(kept), next, L.LOOP_WORKER_NEXT);
      else store<u32>(bondAt(object), next, L.BOND_WORKERS);
      freeWorker(worker);
    }
    worker = next;
  }
}

/** When {@link freeIdleWorkers} has something to look at next, ns; NEVER where no worker is. */
@inline export function idleTimer(never: u64): u64 {
  let timer = headerGet64(L.H_LOOP_TIMER);
  return timer ? timer : never;
}

/** loop_free_idle_workers_timer(), of all devices. */
export function freeIdleWorkers(now: u64): void {
  headerSet64(L.H_LOOP_TIMER, 0);
  let idle = now > LOOP_IDLE_WORKER_NS ? now - LOOP_IDLE_WORKER_NS : 0;
  for (let object: u32 = 1; object < headerGet(L.H_OBJECT_END); object++) if (firstWorker(object)) freeIdle(object, idle);
}

/** __loop_clr_fd(): the device is detached; its workers go, idle or not. */
export function freeAllWorkers(object: u32): void {
  if (!policyTables) return;
  let worker = firstWorker(object);
  store<u32>(bondAt(object), 0, L.BOND_WORKERS);
  while (worker) {
    let next = nextOf(worker);
    freeWorker(worker);
    worker = next;
  }
}

/** A loop worker holds a reference to the cgroup. */
@inline export function heldByWorker(memcg: u32): bool {
  return countAt(memcg, L.PMC_LOOP_WORKERS) != 0;
}

/** Every worker is on the list of one device, which is attached, and is counted; every reference is a worker's. 0, or AUDIT_LOOP. */
export function auditWorkers(): u32 {
  if (!policyTables) return 0;
  let found: i64 = 0;
  for (let object: u32 = 1; object < headerGet(L.H_OBJECT_END); object++) {
    for (let worker = firstWorker(object); worker; worker = nextOf(worker)) {
      let device = load<u32>(workerAt(worker), L.LOOP_WORKER_DEVICE);
      if (device != object || !load<u32>(inodeAt(object), L.INODE_BACKING)) return differs(L.AUDIT_LOOP, worker, object, device);
      found++;
    }
  }
  let free: i64 = 0;
  for (let worker = headerGet(L.H_LOOP_FREE); worker; worker = nextOf(worker)) free++;
  let made: i64 = max<u32>(1, headerGet(L.H_LOOP_WORKER_END)) - 1;
  let code = differs(L.AUDIT_LOOP, 0, made, found + free);
  for (let memcg = ROOT; memcg < headerGet(L.H_MEMCG_END) && !code; memcg++) {
    let workers: i64 = 0;
    for (let worker: u32 = 1; worker < headerGet(L.H_LOOP_WORKER_END); worker++)
      if (load<u32>(workerAt(worker), L.LOOP_WORKER_DEVICE) && workerMemcg(worker) == memcg && memcg != ROOT) workers++;
    code = differs(L.AUDIT_LOOP, memcg, workers, countAt(memcg, L.PMC_LOOP_WORKERS));
  }
  return code;
}
