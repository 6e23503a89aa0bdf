// Modelled residency: the trace says who touches what; what is resident, and who is charged for it, follows from the kernel's rules.
// A limit reclaims, throttles and kills, and so does a machine whose own memory is short.
import { chargeMemcg } from '../charge/charge';
import { handleOverHigh } from '../charge/high';
import { enforceLimit } from '../charge/limit';
import { forkKilled, setOomScoreAdj, victimsDie } from '../charge/oom';
import { EINVAL, ENOENT, ENOMEM, ENOSPC, ERANGE, ESRCH } from '../constants';
import { runTimers } from '../counter/stock';
import { chargeWord, commitKmem, unchargeBatch, unchargeFolio, unchargeKmem } from '../folio/folio';
import { anonFree, anonTouch } from '../folio/anon';
import { dropPagecache, fileAccess, fileDirty, objectFree, openObject, sync, truncate, unmapRange } from '../folio/mapping';
import { mlock, munlock } from '../folio/mlock';
import { objcgMemcg } from '../folio/objcg';
import { bpfNew, bpfReplaced, isBpf } from '../folio/bpf';
import { allocPages } from '../folio/page-alloc';
import { NO_KEY, radixClear, radixGet, radixSet } from '../folio/radix';
import { lruAddDrain } from '../folio/lru-add';
import { giveFrame, takeFrame } from '../folio/resident';
import { runLoop } from '../folio/loop';
import { runDevice } from '../folio/writeback';
import { chargeObjectTo, chargeSock, unchargeObject, unchargeSock } from '../live';
import { chargeInitial } from '../memcg/before';
import { chargeCost, releaseDying } from '../memcg/css';
import { countLocal } from '../memcg/events';
import { memcgExists } from '../memcg/memcg';
import { modStat, statLocal } from '../memcg/stat';
import {
  headerGet, headerGet64, headerSet, headerSet64, mmAt, nrCpus, objcgAt, objectAt, objectsEnd, outOfRange, policyOn, policyTables,
  ringEnd, ROOT, shrinkAt, taskAt, userSetsEnd, watchEnd,
} from '../memory';
import { settleDeficits, workOff } from '../policy/backcharge';
import { callGoesOn, cannotExit, endCall, isElsewhere, isUnwound, noteCallBytes, noteCallFrame, openCall } from '../policy/call';
import { objectMade, ownDirectory } from '../policy/mount';
import { answer, setContext } from '../policy/policy';
import { atReturnToUser } from '../policy/refused';
import { chargeNobody, freeNobodysBytes, freeNobodysFrame, kmemIsUnpaid } from '../policy/unpaid';
import { runWoken } from '../policy/wake';
import { watching, watchRoom } from '../observe';
import { psiClock, psiRuns } from '../psi';
import { listLruAdd, listLruDel, MAX_OBJECT } from '../reclaim/list-lru';
import { proactiveReclaim } from '../reclaim/proactive';
import { dropSlab } from '../reclaim/shrinker';
import { ringRoom } from '../ring';
import { isKilled, kmemPayer, taskExists } from '../task/task';
import * as L from '../layout';
import { accessInShort, LOOK_UP_ROWS, lookUp, slotOf } from './access';
import { policyEvent } from './policy-events';
import { NOT_STRUCTURE, structureEvent } from './structure';
import { counted } from './waiting';
import * as O from './ops';

/** Counter changes that one row can make, at most, while the watch log is on: rows of more pages are refused then. */
const WATCH_PER_ROW: u32 = 512;

/** Frames of kernel memory are the recorded machine's: this tree, object 0's, leads to the model's. */
@inline function kernelFrames(): usize {
  return objectAt(0) + L.OBJECT_RADIX;
}

function kmemCharge(row: u32, cpu: u32, task: u32, flags: u32, index: u64): i32 {
  if (task && flags & O.FLAG_IN_CALL) openCall(task);
  setContext(L.CONTEXT_KMEM);
  let objcg = load<u32>(<usize>row << 2, L.COLUMN_CGROUP);
  let count = load<u32>(<usize>row << 2, L.COLUMN_COUNT);
  let gfp: u32 = load<u16>(<usize>row << 1, L.COLUMN_GFP);
  let kind = (flags >> O.FLAG_KIND_SHIFT) & O.FLAG_KIND_MASK;
  if (objcg && !memcgExists(objcg)) return outOfRange(L.FIELD_CGROUP, objcg, ENOENT);
  if (kind == O.KIND_SOCK) return objcg ? chargeSock(cpu, objcg, count, gfp) : outOfRange(L.FIELD_CGROUP, 0, ENOENT);
  if (policyOn && kmemIsUnpaid()) {
    let byFrame = (flags & O.FLAG_BY_FRAME) != 0;
    return chargeNobody(task, objcg, byFrame ? index : NO_KEY, flags & O.FLAG_ORDER_MASK, count) ? 0 : full(L.CAP_NODES, index);
  }
  if (!objcg && task) objcg = kmemPayer(task);
  // The root pays for nothing, nor for those of its children that are gone.
  if (objcg <= ROOT || objcgMemcg(objcg) == ROOT) return 0;
  if (!(flags & O.FLAG_BY_FRAME)) {
    if (kind != O.KIND_SLAB && kind != O.KIND_PERCPU) return outOfRange(L.FIELD_FLAGS, flags, EINVAL);
    if (flags & O.FLAG_PINNED) return chargePinned(task, cpu, objcg, count, gfp);
    if (flags & O.FLAG_RECLAIMABLE) return chargeReclaimable(task, cpu, objcg, count, kind, gfp, (flags & O.FLAG_REFERENCED) != 0);
    let errno = chargeObjectTo(task, cpu, objcg, count, kind, gfp);
    if (errno) return unlessRefused(errno, objcg);
    if (task && headerGet(L.H_CALLS)) noteCallBytes(task, objcg, kind, <i32>count);
    return 0;
  }
  let order = flags & O.FLAG_ORDER_MASK;
  if (order > 9 || kind < O.KIND_KERNEL_STACK || kind > O.KIND_KERNEL_OTHER || kind == O.KIND_SLAB || kind == O.KIND_PERCPU)
    return outOfRange(L.FIELD_FLAGS, flags, EINVAL);
  let errno = allocPages(task, cpu, order, gfp);
  if (errno) return errno == -ENOMEM ? 0 : errno;
  errno = chargeMemcg(task, cpu, objcgMemcg(objcg), 1 << order, gfp);
  if (errno) return unlessRefused(errno, objcg);
  modStat(objcgMemcg(objcg), L.STAT_KMEM, 1 << order);
  // The audit and the digest look at object 0 too, where the trace has no other.
  if (!headerGet(L.H_OBJECT_END)) headerSet(L.H_OBJECT_END, 1);
  for (let i = index; i < index + (1 << order); i++) {
    freeKernelFrame(cpu, i);
    let frame = takeFrame();
    commitKmem(frame, objcg, 0, kind);
    if (task && headerGet(L.H_CALLS)) noteCallFrame(task, frame);
    if (radixSet(kernelFrames(), i, frame)) continue;
    // What no row could free again is not charged.
    unchargeKmem(cpu, frame, chargeWord(frame));
    giveFrame(frame);
    errno = full(L.CAP_NODES, index);
  }
  return errno;
}

/** An object that can be reclaimed joins the list of whom it is charged to. */
function chargeReclaimable(task: u32, cpu: u32, objcg: u32, bytes: u32, kind: u32, gfp: u32, referenced: bool): i32 {
  if (kind != O.KIND_SLAB) return outOfRange(L.FIELD_FLAGS, kind, EINVAL);
  if (!bytes || bytes > MAX_OBJECT) return outOfRange(L.FIELD_COUNT, bytes, EINVAL);
  let errno = chargeObjectTo(task, cpu, objcg, bytes, O.KIND_SLAB_RECLAIMABLE, gfp);
  if (errno) return unlessRefused(errno, objcg);
  if (listLruAdd(objcgMemcg(objcg), objcg, bytes, referenced)) return 0;
  unchargeObject(cpu, objcg, bytes, O.KIND_SLAB_RECLAIMABLE);
  return full(L.CAP_NODES, 0);
}

/** … or is in use, and joins none. */
function chargePinned(task: u32, cpu: u32, objcg: u32, bytes: u32, gfp: u32): i32 {
  let errno = chargeObjectTo(task, cpu, objcg, bytes, O.KIND_SLAB_RECLAIMABLE, gfp);
  if (errno) return unlessRefused(errno, objcg);
  addPinned(objcg, bytes);
  return 0;
}

function addPinned(objcg: u32, bytes: i64): void {
  store<i64>(shrinkAt(objcg), load<i64>(shrinkAt(objcg), L.SHRINK_PINNED) + bytes, L.SHRINK_PINNED);
}

/** A refused charge is what a limit is for; any other errno is the row's fault. */
function unlessRefused(errno: i32, memcg: u32): i32 {
  if (errno != -ENOMEM) return errno;
  countLocal(memcg, L.EVENT_REFUSED, 1);
  headerSet(L.H_CALL_REFUSED, 1);
  return 0;
}

function full(table: u32, index: u64): i32 {
  headerSet(L.H_FULL_TABLE, table);
  return outOfRange(L.FIELD_INDEX, index, ENOSPC);
}

/** Gives back the kernel page that a recorded frame stands for. False: none was charged. */
function freeKernelFrame(cpu: u32, index: u64): bool {
  let frame = radixGet(kernelFrames(), index);
  if (!frame) return policyOn && freeNobodysFrame(index);
  radixClear(kernelFrames(), index);
  unchargeKmem(cpu, frame, chargeWord(frame));
  giveFrame(frame);
  return true;
}

/** A kernel page that is given back by put_page() (page tables in mmu_gather, pipe buffers): by uncharge_folio(), past the stock. */
function uncharge(task: u32, cpu: u32, index: u64): i32 {
  let frame = radixGet(kernelFrames(), index);
  if (!frame) {
    if (policyOn) freeNobodysFrame(index);
    return 0;
  }
  radixClear(kernelFrames(), index);
  unchargeFolio(task, cpu, frame, chargeWord(frame));
  giveFrame(frame);
  return 0;
}

function kmemFree(row: u32, cpu: u32, flags: u32, index: u64): i32 {
  let objcg = load<u32>(<usize>row << 2, L.COLUMN_CGROUP);
  let count = load<u32>(<usize>row << 2, L.COLUMN_COUNT);
  let kind = (flags >> O.FLAG_KIND_SHIFT) & O.FLAG_KIND_MASK;
  if (flags & O.FLAG_BY_FRAME) {
    let order = flags & O.FLAG_ORDER_MASK;
    if (order > 9) return outOfRange(L.FIELD_FLAGS, flags, EINVAL);
    let any = false;
    for (let i = index; i < index + (1 << order); i++) any = freeKernelFrame(cpu, i) || any;
    if (!any) counted(L.RECORDED_UNMATCHED);
    return 0;
  }
  if (!objcg || !memcgExists(objcg)) return outOfRange(L.FIELD_CGROUP, objcg, ENOENT);
  if (objcg == ROOT) return 0;
  if (kind == O.KIND_SOCK) {
    if (statLocal(objcg, L.STAT_SOCK) >= <i64>count) return unchargeSock(cpu, objcg, count);
    counted(L.RECORDED_UNMATCHED);
    return 0;
  }
  if (kind != O.KIND_SLAB && kind != O.KIND_PERCPU) return outOfRange(L.FIELD_FLAGS, flags, EINVAL);
  if (policyOn && kmemIsUnpaid() && freeNobodysBytes(objcg, count)) return 0;
  if (flags & O.FLAG_PINNED) {
    if (load<i64>(shrinkAt(objcg), L.SHRINK_PINNED) < <i64>count) {
      counted(L.RECORDED_UNMATCHED);
      return 0;
    }
    addPinned(objcg, -(<i64>count));
    return unchargeObject(cpu, objcg, count, O.KIND_SLAB_RECLAIMABLE);
  }
  if (flags & O.FLAG_RECLAIMABLE) {
    // Reclaim may have been there before.
    if (listLruDel(objcgMemcg(objcg), objcg, count)) return unchargeObject(cpu, objcg, count, O.KIND_SLAB_RECLAIMABLE);
    counted(L.RECORDED_UNMATCHED);
    return 0;
  }
  if (load<i64>(objcgAt(objcg), L.OBJCG_BYTES) >= <i64>count) {
    if (headerGet(L.H_CALLS) && headerGet(L.H_CURRENT_TASK)) noteCallBytes(headerGet(L.H_CURRENT_TASK), objcg, kind, -(<i32>count));
    return unchargeObject(cpu, objcg, count, kind);
  }
  counted(L.RECORDED_UNMATCHED);
  return 0;
}

/** object_new of a BPF map or a program. */
function newBpf(row: u32, task: u32, cpu: u32, object: u32, type: u32, flags: u32, index: u64): i32 {
  let kind = (flags >> O.FLAG_KIND_SHIFT) & O.FLAG_KIND_MASK;
  return bpfNew(task, cpu, object, type, kind, index, load<u32>(<usize>row << 2, L.COLUMN_CGROUP));
}

/** A row of a killed task: the child or the object that it names for the first time is named all the same, for others. */
function passedOver(op: u32, task: u32, object: u32): i32 {
  if (op == O.OP_FORK) return forkKilled(task, object);
  let names = op == O.OP_FILE_ACCESS || op == O.OP_FILE_DIRTY || op == O.OP_TRUNCATE || op == O.OP_UNMAP || op == O.OP_SYNC;
  return object && (names || op == O.OP_MLOCK) ? openObject(object) : 0;
}

/** What a task without an address space cannot do. */
function usesMm(op: u32, flags: u32): bool {
  if (op == O.OP_FILE_ACCESS) return (flags & O.FLAG_FAULT) != 0;
  if (op == O.OP_ANON_TOUCH || op == O.OP_ANON_FREE || op == O.OP_UNMAP) return true;
  return op == O.OP_MLOCK || op == O.OP_MUNLOCK || op == O.OP_FORK || op == O.OP_EXEC;
}

/** One staged row. 0, or -errno with H_ERROR_FIELD and H_ERROR_VALUE telling the column. */
function modelledEvent(row: u32): i32 {
  return runEvent(row, load<u8>(load<u8>(row, L.COLUMN_OP), L.HEADER + L.H_OP_MAP));
}

/** The same with the op (OP_*) known: live calls have no map of op codes. */
export function runEvent(row: u32, op: u32): i32 {
  let cpu: u32 = load<u16>(<usize>row << 1, L.COLUMN_CPU);
  let task = load<u32>(<usize>row << 2, L.COLUMN_TASK);
  let object = load<u32>(<usize>row << 2, L.COLUMN_OBJECT);
  let flags = load<u32>(<usize>row << 2, L.COLUMN_FLAGS);
  let count = load<u32>(<usize>row << 2, L.COLUMN_COUNT);
  let now = load<u64>(<usize>row << 3, L.COLUMN_TS);
  let index = load<u64>(<usize>row << 3, L.COLUMN_INDEX);
  headerSet(L.H_CURRENT_ROW, row);
  headerSet(L.H_CURRENT_CPU, cpu);
  headerSet(L.H_CURRENT_TASK, task);
  headerSet(L.H_CURRENT_OP, op);
  if (cpu >= nrCpus) return outOfRange(L.FIELD_CPU, cpu, ERANGE);
  if (now >= headerGet64(L.H_NEXT_TIMER)) runTimers(now);
  if (now >= headerGet64(L.H_WRITEBACK_AT)) runDevice(now);
  headerSet64(L.H_NOW, now);
  if (policyOn && headerGet64(L.H_WAKE_AT) && now >= headerGet64(L.H_WAKE_AT)) runWoken(now, cpu);
  psiClock(now);
  if (op != O.OP_SPAWN && task != 0 && !taskExists(task)) return outOfRange(L.FIELD_TASK, task, ESRCH);
  // What a killed task did on the recorded machine it does not do here.
  // (Inodes come and go as they did there: later rows name them. Kernel pages, such as its stack, are given back when they were.)
  let inode = op == O.OP_OBJECT_NEW || op == O.OP_OBJECT_FREE;
  let frees = op == O.OP_UNCHARGE || (op == O.OP_KMEM_FREE && (flags & O.FLAG_BY_FRAME) != 0);
  if (task && op != O.OP_SPAWN) {
    // (Unless it has a lock, without which it cannot exit: what it is at it brings to its end.)
    if (isKilled(task) && !inode && !frees && !cannotExit(task)) return passedOver(op, task, object);
    if (headerGet(L.H_CALLS) && !inode && isUnwound(task, op, flags)) return passedOver(op, task, object);
    let live = load<u32>(taskAt(task), L.TASK_STATE) == L.TASK_LIVE;
    // The last that a task does it does without its address space: a recording tells its exit before that.
    if (!live && usesMm(op, flags)) return passedOver(op, task, object);
    // Somebody else moves a task; every other row is its own doing.
    if (headerGet(L.H_PSI_ON) && live && op != O.OP_ATTACH) psiRuns(task, cpu);
  }
  switch (op) {
    case O.OP_FILE_ACCESS:
      return fileAccess(task, cpu, object, index, count, flags);
    case O.OP_ANON_TOUCH:
      return anonTouch(task, cpu, index, count, (flags & O.FLAG_WRITE) != 0, (flags & O.FLAG_IN_CALL) != 0);
    case O.OP_ANON_FREE:
      return anonFree(task, cpu, index, count);
    case O.OP_UNMAP:
      return unmapRange(task, object, index, count);
    case O.OP_TRUNCATE:
      return truncate(task, cpu, object, index, count);
    case O.OP_FILE_DIRTY:
      return fileDirty(object, index, count);
    case O.OP_MLOCK:
      return mlock(task, cpu, object, index, count, flags);
    case O.OP_MUNLOCK:
      return munlock(task, object, index, count);
    case O.OP_OBJECT_NEW:
      if (count == O.OBJECT_BPF_MAP || count == O.OBJECT_BPF_PROG)
        return newBpf(row, task, cpu, object, count, flags, index);
      return objectMade(task, object, count, index & 0xffffffff, <u32>(index >> 32), load<u32>(<usize>row << 2, L.COLUMN_CGROUP));
    case O.OP_OBJECT_FREE:
      if (index && policyTables && object < objectsEnd && isBpf(object)) bpfReplaced(cpu, object, <u32>index);
      return objectFree(task, cpu, object);
    case O.OP_SYNC:
      lruAddDrain(cpu); // write_cache_pages() and filemap_fdatawait_range() release their batches
      return sync(object);
    case O.OP_DROP_CACHES:
      if (count & 1) dropPagecache(task, cpu);
      if (count & 2) dropSlab(cpu);
      return 0;
    case O.OP_INITIAL:
      return chargeInitial(load<u32>(<usize>row << 2, L.COLUMN_CGROUP), (flags >> O.FLAG_KIND_SHIFT) & O.FLAG_KIND_MASK, index);
    case O.OP_KMEM_CHARGE:
      return kmemCharge(row, cpu, task, flags, index);
    case O.OP_KMEM_FREE:
      return kmemFree(row, cpu, flags, index);
    case O.OP_UNCHARGE:
      return uncharge(task, cpu, index);
    // What the recorded machine did with its pages says nothing about this one.
    case O.OP_PAGE_ALLOC:
    case O.OP_PAGE_FREE:
    case O.OP_CHARGE:
    case O.OP_UNCHARGE_FLUSH:
    case O.OP_SPLIT:
    case O.OP_MIGRATE:
    case O.OP_SWAP_OUT:
    case O.OP_SWAP_FREE:
    case O.OP_RECLAIM:
    case O.OP_MARK_VICTIM:
    case O.OP_RESIDENT:
    case O.OP_RETURN_TO_USER:
    case O.OP_PROGRESS:
    case O.OP_MARK:
    // An empty mapping costs nothing.
    case O.OP_MAP:
      return 0;
    case O.OP_OOM_SCORE_ADJ:
      return setOomScoreAdj(task, index);
  }
  if (op >= O.OP_MOUNT) return policyEvent(row, op, cpu, task, flags, index);
  let errno = structureEvent(row, op, cpu, task, flags, index);
  if (op == O.OP_SPAWN && index == 1 && !errno) store<u32>(mmAt(task), 1, L.TASK_UNKILLABLE); // pid 1
  // It was made on the recorded machine: here it is, whatever the limits.
  if (op == O.OP_MKDIR && !errno && !(flags & O.FLAG_EXISTING))
    chargeCost(task, cpu, load<u32>(<usize>row << 2, L.COLUMN_CGROUP), object, O.GFP_KERNEL | O.GFP_NOFAIL);
  if (op == O.OP_MKDIR && !errno && policyTables) ownDirectory(load<u32>(<usize>row << 2, L.COLUMN_CGROUP), task);
  if (op == O.OP_WRITE_KNOB && !errno) {
    let cgroup = load<u32>(<usize>row << 2, L.COLUMN_CGROUP);
    // What the writer of memory.reclaim was told does not matter here.
    if (count == O.KNOB_RECLAIM) proactiveReclaim(task, cpu, cgroup, index, object);
    else enforceLimit(task, cpu, cgroup, count);
  }
  return errno == NOT_STRUCTURE ? outOfRange(L.FIELD_OP, load<u8>(row, L.COLUMN_OP), EINVAL) : errno;
}

/** A row is an entry into the kernel: on the way back to user mode the task pays for what it is over memory.high. */
@inline function returnToUser(row: u32): void {
  let task = load<u32>(<usize>row << 2, L.COLUMN_TASK);
  if (!task || !load<u32>(mmAt(task), L.TASK_OVER_HIGH)) return;
  // A kernel thread never gets there.
  if (load<u32>(taskAt(task), L.TASK_MM)) handleOverHigh(task, load<u16>(<usize>row << 1, L.COLUMN_CPU));
}

/** … and for what the policy let it charge past a limit. A call that goes on (FLAG_IN_CALL, a lock) is not over yet. */
function callReturn(row: u32, flags: u32): void {
  let task = load<u32>(<usize>row << 2, L.COLUMN_TASK);
  if (policyOn && headerGet(L.H_DEFICITS)) settleDeficits();
  if (!task || isElsewhere(headerGet(L.H_CURRENT_OP), flags)) return;
  if (callGoesOn(task, headerGet(L.H_CURRENT_OP), flags)) {
    openCall(task);
    return;
  }
  if (headerGet(L.H_CALLS)) {
    // What failed is not over before the last of its rows; that one has ended it.
    if (load<u32>(mmAt(task), L.TASK_IN_CALL) >= L.CALL_FAILED && headerGet(L.H_CURRENT_OP) != O.OP_RETURN_TO_USER) return;
    endCall(task);
  }
  if (!policyOn || !load<u32>(taskAt(task), L.TASK_MM)) return;
  if (answer(L.POLICY_WORKER) >= L.WORKER_BACKCHARGE) workOff(task, load<u16>(<usize>row << 1, L.COLUMN_CPU));
  atReturnToUser(task, load<u16>(<usize>row << 1, L.COLUMN_CPU));
}

/** Pages that the row freed are uncharged together (free_pages_and_swap_cache(): mem_cgroup_uncharge_folios()). */
@inline function endBatch(row: u32): void {
  // Rows without a task gather in record 0, which is no task's.
  let task = load<u32>(<usize>row << 2, L.COLUMN_TASK);
  if (load<u32>(taskAt(task), L.TASK_PENDING) & L.TASK_HAS_BATCH) unchargeBatch(task);
}

/** What follows every event: uncharges, deaths, the end of removed memcgs, and what the task pays before it is back in user mode. */
@inline export function finishRow(row: u32): void {
  endBatch(row);
  if (headerGet(L.H_LOOP_HEAD)) runLoop(false);
  if (headerGet(L.H_VICTIMS)) victimsDie(load<u16>(<usize>row << 1, L.COLUMN_CPU));
  if (headerGet(L.H_RELEASE_CHECK)) releaseDying(load<u16>(<usize>row << 1, L.COLUMN_CPU));
  let flags = load<u32>(<usize>row << 2, L.COLUMN_FLAGS);
  // (H_LOCKS and H_CALLS, in one read)
  if (policyOn || headerGet64(L.H_LOCKS) || flags & O.FLAG_IN_CALL) {
    callReturn(row, flags);
    // Who could not exit before a lock was let go.
    if (headerGet(L.H_VICTIMS)) victimsDie(load<u16>(<usize>row << 1, L.COLUMN_CPU));
  }
  returnToUser(row);
}

/**
 * Replays the staged rows [from, to). Answers the row after the last one processed (less than `to` when the watch log must be
 * drained first), or -errno; then H_ERROR_FIELD and H_ERROR_VALUE tell the column, and H_CURRENT_ROW the row.
 */
export function replayModelled(from: u32, to: u32): i32 {
  // Who listens hears of every row: the short way is for when nobody does.
  let listens = watching() || ringEnd != 0 || headerGet(L.H_BUFFER_HEAD) != 0 || policyOn || userSetsEnd != 0;
  // (Nor while some call goes on that its task's next row may end.)
  let short = !listens && !headerGet(L.H_CALLS);
  let groupEnd = from;
  for (let row = from; row < to; row++) {
    if (row == groupEnd) {
      groupEnd = min<u32>(to, row + LOOK_UP_ROWS);
      lookUp(row, groupEnd);
    }
    if (short && accessInShort(row, slotOf(row))) continue;
    // A row that makes kswapd run changes many more: half of a large log is kept for it.
    if (watching() && !watchRoom(max<u32>(WATCH_PER_ROW, watchEnd >> 1))) return row;
    if (ringEnd && !ringRoom(load<u32>(<usize>row << 2, L.COLUMN_COUNT))) return row;
    let errno = modelledEvent(row);
    if (errno) return errno;
    finishRow(row);
    short = !listens && !headerGet(L.H_CALLS);
  }
  return to;
}
