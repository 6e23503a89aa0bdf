// Loop devices: block devices whose pages are pages of another object. A kernel thread for each device reads and writes there, on behalf of
// the cgroup that the request is of: what it brings in is charged to that cgroup's memcg if the io controller tells cgroups apart
// (MEMCG_IO), and else to nobody. drivers/block/loop.c: loop_queue_rq(), loop_process_work(), lo_rw_aio(); fs/fs-writeback.c:
// wbc_init_bio().
//
//     startWriteback() → | pages for loop devices | → worker: a write to the backing object → endWriteback()
//
// The worker runs when the call that made the pages is over, or when somebody waits for them; also a charge whose cgroup has nothing left
// to reclaim but such pages waits (awaitWriteback()): then the worker runs in the middle of it, as it would on the same CPU.
import { EBUSY, ENOENT, ESRCH } from '../constants';
import * as L from '../layout';
import { memcgExists, nearestOnline } from '../memcg/memcg';
import { headerGet, headerSet, inodeAt, memcgAt, objectsEnd, outOfRange, policyOn, ROOT, taskAt, writeBase } from '../memory';
import { contextNow, setContext } from '../policy/policy';
import { loopPayer } from '../policy/worker';
import { FLAG_WRITE, KIND_FILE, OBJECT_SHMEM } from '../replay/ops';
import { enterScope, leaveScope, taskExists, taskMemcg } from '../task/task';
import { unchargeBatch } from './folio';
import { fileAccess, hasEntry, typeOf } from './mapping';
import { placeAt, stateOf } from './resident';
import { endWriteback } from './writeback';

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
  runLoop(false);
  let at = inodeAt(object);
  if (backing) headerSet(L.H_LOOPS, 1);
  store<u32>(at, backing, L.INODE_BACKING);
  store<u32>(at, backing ? offset : 0, L.INODE_BACKING_OFFSET);
  store<u32>(at, backing ? worker : 0, L.INODE_WORKER);
  return 0;
}

/** Who pays for what a loop device does for the sake of `memcg`: the memcg of the cgroup that the io controller knows it by. */
export function setIoMemcg(memcg: u32, payer: u32): i32 {
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  if (payer && !memcgExists(payer)) return outOfRange(L.FIELD_CGROUP, payer, ENOENT);
  store<u32>(memcgAt(memcg), payer, L.MEMCG_IO);
  return 0;
}

/** bio_blkcg_css(), cgroup_get_e_css(): … and what is removed is its nearest living ancestor's. */
function payerOf(memcg: u32): u32 {
  let payer = load<u32>(memcgAt(nearestOnline(memcg)), L.MEMCG_IO);
  return payer ? nearestOnline(payer) : ROOT;
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

/** How many pages could not be written since this was asked last (filemap_check_errors()). */
export function takeErrors(object: u32): u32 {
  if (!object || object >= objectsEnd) return 0;
  let errors = load<u32>(inodeAt(object), L.INODE_ERRORS);
  store<u32>(inodeAt(object), 0, L.INODE_ERRORS);
  return errors;
}

/** loop_handle_cmd(): one page, for the sake of `memcg`. False: it could not be read or written. */
function transfer(object: u32, index: u64, memcg: u32, write: bool): bool {
  let at = inodeAt(object);
  let backing = load<u32>(at, L.INODE_BACKING);
  let worker = load<u32>(at, L.INODE_WORKER);
  let page = index + load<u32>(at, L.INODE_BACKING_OFFSET);
  // shmem_file_read_iter(): what is a hole is read as zeros, and stays one.
  if (!write && typeOf(backing) == OBJECT_SHMEM && !hasEntry(backing, page)) return true;
  let task = headerGet(L.H_CURRENT_TASK);
  let charged = headerGet(L.H_CALL_CHARGED);
  let refused = headerGet(L.H_CALL_REFUSED);
  let done = headerGet(L.H_CALL_DONE);
  let context = contextNow();
  headerSet(L.H_CURRENT_TASK, worker);
  headerSet(L.H_CALL_REFUSED, 0);
  let payer = payerOf(memcg);
  enterScope(worker, policyOn ? loopPayer(object, memcg, payer) : payer);
  let errno = fileAccess(worker, headerGet(L.H_CURRENT_CPU), backing, page, 1, write ? FLAG_WRITE : 0);
  leaveScope(worker);
  if (load<u32>(taskAt(worker), L.TASK_PENDING) & L.TASK_HAS_BATCH) unchargeBatch(worker);
  let ok = !errno && !headerGet(L.H_CALL_REFUSED);
  headerSet(L.H_CURRENT_TASK, task);
  headerSet(L.H_CALL_CHARGED, charged);
  headerSet(L.H_CALL_REFUSED, refused);
  headerSet(L.H_CALL_DONE, done);
  setContext(context);
  return ok;
}

/** A page of a loop device is read, by the task at hand. */
export function loopRead(object: u32, index: u64): void {
  let task = headerGet(L.H_CURRENT_TASK);
  let caller = headerGet(L.H_LOOP_CALLER);
  headerSet(L.H_LOOP_CALLER, task);
  transfer(object, index, task ? taskMemcg(task) : ROOT, false);
  headerSet(L.H_LOOP_CALLER, caller);
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
  for (let frame = headerGet(L.H_LOOP_HEAD); frame; frame = headerGet(L.H_LOOP_HEAD)) {
    let next = load<u32>(nextAt(frame));
    headerSet(L.H_LOOP_HEAD, next);
    if (!next) headerSet(L.H_LOOP_TAIL, 0);
    store<u32>(nextAt(frame), 0);
    let place = load<u64>(placeAt(frame));
    let object = <u32>(place >> 32);
    let memcg = load<u32>(inodeAt(object), L.INODE_WRITE_MEMCG);
    if (!transfer(object, place & 0xffffffff, memcg ? memcg : ROOT, true))
      store<u32>(inodeAt(object), load<u32>(inodeAt(object), L.INODE_ERRORS) + 1, L.INODE_ERRORS);
    endWriteback(frame);
  }
  headerSet(L.H_LOOP_BUSY, 0);
  if (within) headerSet(L.H_LOOP_CALLER, 0);
}

/** The next page that waits for a worker after this one; of 0 the first. */
@inline export function nextLoop(frame: u32): u32 {
  return frame ? load<u32>(nextAt(frame)) : headerGet(L.H_LOOP_HEAD);
}
