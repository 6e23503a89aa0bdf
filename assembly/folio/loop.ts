// Loop devices: block devices whose pages are pages of another object. A kernel thread for each device reads and writes there, on behalf of
// the cgroup that the request is of: what it brings in is charged to that cgroup's memcg if the io controller tells cgroups apart
// (MEMCG_IO), and else to nobody. drivers/block/loop.c: loop_queue_rq(), loop_process_work(), lo_rw_aio(); fs/fs-writeback.c:
// wbc_init_bio().
//
//     startWriteback() → | pages for loop devices | → worker: a write to the backing object → endWriteback()
//
// The worker runs when the call that made the pages is over, or when somebody waits for them; also a charge whose cgroup has nothing left
// to reclaim but such pages waits (awaitWriteback()): then the worker runs in the middle of it, as it would on the same CPU.
import { EBUSY, EDQUOT, EINVAL, ENODEV, ENOENT, ENOSPC, ESRCH, PAGE_SIZE } from '../constants';
import * as L from '../layout';
import { memcgExists, nearestOnline } from '../memcg/memcg';
import {
  bondAt, headerGet, headerGet64, headerSet, inodeAt, memcgAt, mmAt, objectsEnd, outOfRange, policyOn, policyTables, ROOT, taskAt,
  tasksEnd, writeBase,
} from '../memory';
import { noteLoopCharge } from '../policy/backcharge';
import { answer, contextNow, did, didAt, setContext } from '../policy/policy';
import {
  endWork, freeAllWorkers, isBackcharged, loopPayer, overHighOf, setOverHigh, startWork, tellsErrors, workerFor, workOwner, worksInline,
} from '../policy/worker';
import { costOf } from '../psi';
import { FLAG_WRITE, KIND_FILE, OBJECT_BLOCK, OBJECT_SHMEM } from '../replay/ops';
import { taskExists, taskMemcg } from '../task/task';
import { unchargeBatch } from './folio';
import { dirtyPages, objectPages } from './inode';
import { CALL_QUOTA } from './quota';
import { fileAccess, frameAt, hasEntry, objectNew, truncate, typeOf } from './mapping';
import { placeAt, stateOf } from './resident';
import { endWriteback, syncInode } from './writeback';

/** The object is a loop device that is attached. */
@inline export function isLoop(object: u32): bool {
  return load<u32>(inodeAt(object), L.INODE_BACKING) != 0;
}
@inline function nextAt(frame: u32): usize {
  return writeBase + (<usize>frame << 2);
}

/** The folio is one of a loop device. */
@inline export function isLoopFolio(frame: u32): bool {
  return (stateOf(frame) & L.STATE_KIND_MASK) == KIND_FILE && isLoop(<u32>(load<u64>(placeAt(frame)) >> 32));
}

/**
 * LOOP_CONFIGURE, or (`backing` 0) LOOP_CLR_FD: the object's pages are those of `backing` from page `offset` on, which `worker`, a kernel
 * thread, reads and writes. Pages that the object has must be written before. -ENOENT: no such object; -ESRCH: no such task; -EBUSY: it
 * has a backing object.
 */
export function setBacking(object: u32, backing: u32, offset: u32, worker: u32): i32 {
  if (!object || object >= objectsEnd || !typeOf(object)) return outOfRange(L.FIELD_OBJECT, object, ENOENT);
  if (backing && (backing >= objectsEnd || !typeOf(backing))) return outOfRange(L.FIELD_OBJECT, backing, ENOENT);
  if (backing && (isLoop(object) || backing == object)) return outOfRange(L.FIELD_OBJECT, object, EBUSY);
  if (backing && (!taskExists(worker) || load<u32>(taskAt(worker), L.TASK_MM))) return outOfRange(L.FIELD_TASK, worker, ESRCH);
  bind(object, backing, offset, worker);
  return 0;
}

function bind(object: u32, backing: u32, offset: u32, worker: u32): void {
  runLoop(false);
  freeAllWorkers(object);
  let at = inodeAt(object);
  if (backing) headerSet(L.H_LOOPS, 1);
  store<u32>(at, backing, L.INODE_BACKING);
  store<u32>(at, backing ? offset : 0, L.INODE_BACKING_OFFSET);
  store<u32>(at, backing ? worker : 0, L.INODE_WORKER);
}

/**
 * The same from a trace (op loop_configure), which names no kernel thread: the engine has one of its own, and every cgroup counts as one
 * that io knows. The device is made if nobody has named it; `assigned` pays for it where the policy asks for that. -ENOENT, -EBUSY as
 * above; -EINVAL: it is a file of something else.
 */
export function loopConfigure(object: u32, backing: u32, offset: u64, assigned: u32): i32 {
  if (!object || object >= objectsEnd) return outOfRange(L.FIELD_OBJECT, object, ENOENT);
  if (!typeOf(object)) {
    let errno = objectNew(object, OBJECT_BLOCK, 0);
    if (errno) return errno;
  }
  if (typeOf(object) == OBJECT_SHMEM) return outOfRange(L.FIELD_OBJECT, object, EINVAL);
  if (backing && (backing >= objectsEnd || !typeOf(backing))) return outOfRange(L.FIELD_COUNT, backing, ENOENT);
  if (backing && (isLoop(object) || backing == object)) return outOfRange(L.FIELD_OBJECT, object, EBUSY);
  if (offset > 0xffffffff) return outOfRange(L.FIELD_INDEX, offset, EINVAL);
  if (assigned && !memcgExists(assigned)) return outOfRange(L.FIELD_CGROUP, assigned, ENOENT);
  bind(object, backing, <u32>offset, 0);
  store<u32>(bondAt(object), assigned, L.BOND_PAYER);
  return 0;
}

/** Who pays for what a loop device does for the sake of `memcg`: the memcg of the cgroup that the io controller knows it by. */
export function setIoMemcg(memcg: u32, payer: u32): i32 {
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  if (payer && !memcgExists(payer)) return outOfRange(L.FIELD_CGROUP, payer, ENOENT);
  store<u32>(memcgAt(memcg), payer, L.MEMCG_IO);
  return 0;
}

/**
 * bio_blkcg_css(), cgroup_get_e_css(): … and what is removed is its nearest living ancestor's. (Who does it himself needs nobody who knows
 * his cgroup.)
 */
function payerOf(object: u32, memcg: u32): u32 {
  let online = nearestOnline(memcg);
  if (isTraced(object) || worksInline()) return online;
  let payer = load<u32>(memcgAt(online), L.MEMCG_IO);
  return payer ? nearestOnline(payer) : ROOT;
}

/** The device was made by a row of a trace: the thread is the engine's. */
@inline function isTraced(object: u32): bool {
  return !load<u32>(inodeAt(object), L.INODE_WORKER);
}

/** The kernel thread that runs a device's work. The engine's own has the record behind the last task's, and no list knows it. */
@inline function threadOf(object: u32): u32 {
  let worker = load<u32>(inodeAt(object), L.INODE_WORKER);
  if (worker) return worker;
  store<u32>(taskAt(tasksEnd), ROOT, L.TASK_MEMCG);
  return tasksEnd;
}

/**
 * cleanup_offline_cgwb(): the memcg goes; what it dirtied first on loop devices is its parent's to write. A device's inode stays with
 * whoever dirtied it first (inode_attach_wb()), also when all of it is written, and when the device is attached anew.
 */
export function reparentLoops(memcg: u32, parent: u32): void {
  if (!headerGet(L.H_LOOPS)) return;
  for (let object: u32 = 0; object < headerGet(L.H_OBJECT_END); object++) {
    let at = inodeAt(object);
    if (load<u32>(at, L.INODE_WRITE_MEMCG) == memcg) store<u32>(at, parent, L.INODE_WRITE_MEMCG);
  }
}

/** How many pages could not be written since this was asked last (filemap_check_errors()), and << 24 the errno if that is not EIO. */
export function takeErrors(object: u32): u32 {
  if (!object || object >= objectsEnd) return 0;
  let errors = load<u32>(inodeAt(object), L.INODE_ERRORS);
  store<u32>(inodeAt(object), 0, L.INODE_ERRORS);
  return errors;
}

const EIO: u32 = 5;
const CALL_IO: u32 = L.CALL_ERRNO + EIO;

/** mapping_set_error() */
function setError(object: u32, call: u32): void {
  let at = inodeAt(object);
  let errors = load<u32>(at, L.INODE_ERRORS);
  let errno = call == L.CALL_NO_SPACE ? ENOSPC : call == CALL_QUOTA ? EDQUOT : 0;
  store<u32>(at, (errno ? errno << 24 : errors & 0xff000000) | min<u32>((errors & 0xffffff) + 1, 0xffffff), L.INODE_ERRORS);
}

/** What a request's submitter is told, CALL_*: Linux' loop device knows EIO alone. */
function told(refused: u32): u32 {
  if (!tellsErrors()) return CALL_IO;
  return refused == CALL_QUOTA ? CALL_QUOTA : L.CALL_NO_SPACE;
}

/**
 * A request of a cgroup's at a device begins: who pays for it, and (<< 32) whose worker does it. A worker that cannot be made is not waited
 * for: the root's does it, and the root pays.
 */
function assign(object: u32, issuer: u32, metadata: bool): u64 {
  let payer = policyOn ? loopPayer(object, issuer) : issuer;
  if (!policyTables || worksInline()) return payer;
  let owner = workOwner(payer, metadata);
  let worker = workerFor(object, owner);
  if (!worker && owner != ROOT) {
    payer = ROOT;
    worker = workerFor(object, ROOT);
  }
  if (payer != issuer || owner != payer) did(L.DID_SLOW_PATH, 1);
  return (<u64>worker << 32) | payer;
}

/** What the work of threads takes: their sleeps for memory.high, and their waits for the disk. */
@inline function slept(): u64 {
  return headerGet64(L.H_THROTTLED_NS) + headerGet64(L.H_WRITE_STALL_NS);
}

/**
 * loop_handle_cmd(): one page, as {@link assign} has told. `forced`: whatever the limits. `who` issued it, 0: the flusher. 0, or why it
 * could not be read or written: CALL_*, or 1 for a limit.
 */
function transfer(object: u32, index: u64, assigned: u64, write: bool, forced: bool, who: u32): u32 {
  let payer = <u32>assigned;
  let worker = <u32>(assigned >> 32);
  let at = inodeAt(object);
  let backing = load<u32>(at, L.INODE_BACKING);
  let page = index + load<u32>(at, L.INODE_BACKING_OFFSET);
  // shmem_file_read_iter(): what is a hole is read as zeros, and stays one.
  if (!write && typeOf(backing) == OBJECT_SHMEM && !hasEntry(backing, page)) {
    didAt(payer, L.PMC_IO_READ, PAGE_SIZE);
    return 0;
  }
  let task = headerGet(L.H_CURRENT_TASK);
  let charged = headerGet(L.H_CALL_CHARGED);
  let refused = headerGet(L.H_CALL_REFUSED);
  let done = headerGet(L.H_CALL_DONE);
  let context = contextNow();
  let target = answer(L.POLICY_TARGET);
  let toucher = answer(L.POLICY_TOUCHER);
  let error = answer(L.POLICY_ERROR);
  let work = headerGet(L.H_LOOP_WORK);
  let inline = worksInline() && who != 0;
  let actor = inline ? who : threadOf(object);
  let active = load<u32>(taskAt(actor), L.TASK_ACTIVE_MEMCG);
  headerSet(L.H_CURRENT_TASK, actor);
  headerSet(L.H_CALL_CHARGED, 0);
  headerSet(L.H_CALL_REFUSED, 0);
  if (!inline) headerSet(L.H_LOOP_WORK, forced ? L.LOOP_WORK_FORCED : L.LOOP_WORK_DATA);
  if (worker) store<u32>(mmAt(actor), overHighOf(worker), L.TASK_OVER_HIGH);
  store<u32>(taskAt(actor), payer, L.TASK_ACTIVE_MEMCG);
  let errno = fileAccess(actor, headerGet(L.H_CURRENT_CPU), backing, page, 1, write ? FLAG_WRITE : 0);
  store<u32>(taskAt(actor), active, L.TASK_ACTIVE_MEMCG);
  if (!inline && load<u32>(taskAt(actor), L.TASK_PENDING) & L.TASK_HAS_BATCH) unchargeBatch(actor);
  if (worker) setOverHigh(worker, handOver(actor, forced, who));
  let ended = errno && !headerGet(L.H_CALL_REFUSED) ? 1 : headerGet(L.H_CALL_REFUSED);
  if (!ended) didAt(payer, write ? L.PMC_IO_WRITTEN : L.PMC_IO_READ, PAGE_SIZE);
  if (policyTables && headerGet(L.H_CALL_CHARGED)) noteLoopCharge(payer, headerGet(L.H_CALL_CHARGED));
  headerSet(L.H_LOOP_WORK, work);
  headerSet(L.H_CURRENT_TASK, task);
  headerSet(L.H_CALL_CHARGED, charged);
  headerSet(L.H_CALL_REFUSED, refused);
  headerSet(L.H_CALL_DONE, done);
  setContext(context);
  headerSet(L.H_POLICY + L.POLICY_TARGET, target);
  headerSet(L.H_POLICY + L.POLICY_TOUCHER, toucher);
  headerSet(L.H_POLICY + L.POLICY_ERROR, error);
  return ended;
}

/** What a thread is over memory.high it pays for itself; of what is charged afterwards that is its issuer's affair. */
function handOver(actor: u32, forced: bool, who: u32): u32 {
  let pages = load<u32>(mmAt(actor), L.TASK_OVER_HIGH);
  store<u32>(mmAt(actor), 0, L.TASK_OVER_HIGH);
  if (!forced) return pages;
  if (who) store<u32>(mmAt(who), load<u32>(mmAt(who), L.TASK_OVER_HIGH) + pages, L.TASK_OVER_HIGH);
  return 0;
}

/** For whom the task at hand issues I/O: a loop device's thread for whom it works. */
function issuerOf(task: u32): u32 {
  if (!task) return ROOT;
  if (task != tasksEnd) return taskMemcg(task);
  let active = load<u32>(taskAt(task), L.TASK_ACTIVE_MEMCG);
  return active ? active : ROOT;
}

/** A page of a loop device is read, by the task at hand. */
export function loopRead(object: u32, index: u64): void {
  let task = headerGet(L.H_CURRENT_TASK);
  let caller = headerGet(L.H_LOOP_CALLER);
  headerSet(L.H_LOOP_CALLER, task);
  direct(object, index, 1, issuerOf(task), false, true, task == tasksEnd ? 0 : task);
  headerSet(L.H_LOOP_CALLER, caller);
}

/** One request, which somebody waits for. The pages that it came through, and << 32 why not more. */
function direct(object: u32, index: u64, count: u32, memcg: u32, write: bool, metadata: bool, who: u32): u64 {
  let issuer = payerOf(object, memcg);
  let assigned = assign(object, issuer, metadata);
  let forced = isBackcharged(metadata);
  let worker = <u32>(assigned >> 32);
  let started = startWork(worker, memcg);
  let before = slept();
  let disk: u64 = 0;
  let backing = load<u32>(inodeAt(object), L.INODE_BACKING);
  let offset = load<u32>(inodeAt(object), L.INODE_BACKING_OFFSET);
  let refused: u32 = 0;
  let i: u32 = 0;
  for (; i < count; i++) {
    if (!write && typeOf(backing) != OBJECT_SHMEM && !frameAt(backing, index + i + offset)) disk += costOf(L.COST_FILE_READ);
    refused = transfer(object, index + i, assigned, write, forced, who);
    if (refused) break;
  }
  endWork(worker, started, slept() - before + disk);
  if (refused) noteError(<u32>assigned, refused, count - i);
  return (<u64>refused << 32) | i;
}

/** Pages of a request that failed: counted at their payer as what its submitter is told. */
function noteError(payer: u32, refused: u32, pages: u32): void {
  let call = told(refused);
  if (call == L.CALL_NO_SPACE) didAt(payer, L.PMC_ENOSPC, pages);
  // (CALL_QUOTA was counted page by page.)
  else if (call == CALL_QUOTA && pages > 1) didAt(payer, L.PMC_EDQUOT, pages - 1);
}

/**
 * Direct I/O (op loop_io): pages [index, index + count) of a loop device are read or written past its own page cache, for the sake of the
 * task's cgroup, or of `cgroup`. What is cached of them is written first, and goes where it is written over. H_CALL_DONE: pages that came
 * through; H_CALL_REFUSED: why not all of them. -ENODEV: it is no loop device; -ENOENT, -EINVAL.
 */
export function loopIo(task: u32, cpu: u32, object: u32, index: u64, count: u32, write: bool, cgroup: u32): i32 {
  if (!object || object >= objectsEnd || !isLoop(object)) return outOfRange(L.FIELD_OBJECT, object, ENODEV);
  if (cgroup && !memcgExists(cgroup)) return outOfRange(L.FIELD_CGROUP, cgroup, ENOENT);
  if (!count) return outOfRange(L.FIELD_COUNT, count, EINVAL);
  if (index + count > 0x100000000 || index + count < index) return outOfRange(L.FIELD_INDEX, index, EINVAL);
  let caller = headerGet(L.H_LOOP_CALLER);
  headerSet(L.H_LOOP_CALLER, task);
  if (objectPages(object)) {
    if (dirtyPages(object)) syncInode(object);
    runLoop(true);
    headerSet(L.H_LOOP_CALLER, task);
    if (write) truncate(task, cpu, object, index, count);
  }
  let ended = direct(object, index, count, cgroup ? cgroup : issuerOf(task), write, false, task);
  headerSet(L.H_LOOP_CALLER, caller);
  headerSet(L.H_CALL_DONE, <u32>ended);
  if (ended >> 32) headerSet(L.H_CALL_REFUSED, told(<u32>(ended >> 32)));
  return 0;
}

/** loop_queue_work() */
export function queueLoop(frame: u32): void {
  store<u32>(nextAt(frame), 0);
  let tail = headerGet(L.H_LOOP_TAIL);
  headerSet(L.H_LOOP_TAIL, frame);
  if (tail) store<u32>(nextAt(tail), frame);
  else headerSet(L.H_LOOP_HEAD, frame);
}

/**
 * loop_process_work(): the workers write what there is to write. A worker that must itself wait for memory does not wait for what it would
 * write. `within` a call of the task at hand, which is not dead before that is over, whoever kills it.
 */
export function runLoop(within: bool): void {
  if (headerGet(L.H_LOOP_BUSY) || !headerGet(L.H_LOOP_HEAD)) return;
  headerSet(L.H_LOOP_BUSY, 1);
  if (within) headerSet(L.H_LOOP_CALLER, headerGet(L.H_CURRENT_TASK));
  let last: u64 = 0; // the place of the page before
  let assigned: u64 = 0;
  let started: u64 = 0;
  let before: u64 = 0;
  let forced = isBackcharged(true);
  for (let frame = headerGet(L.H_LOOP_HEAD); frame; frame = headerGet(L.H_LOOP_HEAD)) {
    let next = load<u32>(nextAt(frame));
    headerSet(L.H_LOOP_HEAD, next);
    if (!next) headerSet(L.H_LOOP_TAIL, 0);
    store<u32>(nextAt(frame), 0);
    let place = load<u64>(placeAt(frame));
    let object = <u32>(place >> 32);
    // Pages that follow each other are one request.
    if (place != last + 1) {
      if (last) endWork(<u32>(assigned >> 32), started, slept() - before);
      let memcg = load<u32>(inodeAt(object), L.INODE_WRITE_MEMCG);
      if (!memcg) memcg = ROOT;
      assigned = assign(object, payerOf(object, memcg), true);
      started = startWork(<u32>(assigned >> 32), memcg);
      before = slept();
    }
    last = place;
    let refused = transfer(object, place & 0xffffffff, assigned, true, forced, 0);
    if (refused) {
      setError(object, told(refused));
      noteError(<u32>assigned, refused, 1);
    }
    endWriteback(frame);
  }
  if (last) endWork(<u32>(assigned >> 32), started, slept() - before);
  headerSet(L.H_LOOP_BUSY, 0);
  if (within) headerSet(L.H_LOOP_CALLER, 0);
}

/** The next page that waits for a worker after this one; of 0 the first. */
@inline export function nextLoop(frame: u32): u32 {
  return frame ? load<u32>(nextAt(frame)) : headerGet(L.H_LOOP_HEAD);
}
