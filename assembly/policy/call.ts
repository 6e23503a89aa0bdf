// System calls that are more than one row (FLAG_IN_CALL), and the locks that they hold (ops `lock`, `unlock`). A call that is refused
// kernel memory, or a page that it writes, ends there: its locks are released, its kernel memory is given back, and its other rows do not
// happen. Debate 5, K2: a victim that holds a lock, or waits for one, cannot exit; nor can the reaper take what is its, so that
// after some time it is passed over.
import { isDying } from '../charge/oom';
import { EBUSY, EINVAL, OOM_REAP_NS } from '../constants';
import { chargeWord, unchargeKmem } from '../folio/folio';
import { NO_KEY, radixClear, radixGet, radixNext } from '../folio/radix';
import { giveFrame, placeAt } from '../folio/resident';
import * as L from '../layout';
import { unchargeObject } from '../live';
import { isDescendant } from '../memcg/memcg';
import { headerGet, headerSet, mmAt, nodesEnd, objectAt, outOfRange, taskAt } from '../memory';
import { memstall } from '../psi';
import {
  FLAG_FAULT, FLAG_IN_CALL, FLAG_IRQ, KIND_PERCPU, KIND_SLAB, OP_ATTACH, OP_EXIT, OP_FILE_ACCESS, OP_KMEM_CHARGE, OP_MARK_VICTIM,
  OP_OOM_SCORE_ADJ, OP_RETURN_TO_USER, OP_UNLOCK,
} from '../replay/ops';
import { ringRefused } from '../ring';
import { isKilled, taskMemcg } from '../task/task';
import { did } from './policy';

const EDEADLK: i32 = 35;

@inline function word(task: u32, field: u32): u32 {
  return load<u32>(mmAt(task) + field);
}
@inline function setWord(task: u32, field: u32, value: u32): void {
  store<u32>(mmAt(task) + field, value);
}
@inline function isLive(task: u32): bool {
  return load<u32>(taskAt(task), L.TASK_STATE) == L.TASK_LIVE;
}

// --- locks

/** Who holds a lock; 0: nobody. */
function holderOf(lock: u32): u32 {
  if (!headerGet(L.H_LOCKS)) return 0;
  for (let t: u32 = 1; t < headerGet(L.H_TASK_END); t++) if (word(t, L.TASK_HOLDS) == lock) return t;
  return 0;
}

function countLocks(n: i32): void {
  headerSet(L.H_LOCKS, headerGet(L.H_LOCKS) + n);
}

/** mutex_lock(): the task holds the lock from now on, or waits until its holder is done with it. -EBUSY: it holds or awaits one already. */
export function takeLock(task: u32, lock: u64): i32 {
  if (!task || !lock || lock > u32.MAX_VALUE) return outOfRange(L.FIELD_INDEX, lock, EINVAL);
  if (word(task, L.TASK_HOLDS) || word(task, L.TASK_WANTS)) return outOfRange(L.FIELD_INDEX, lock, EBUSY);
  setWord(task, holderOf(<u32>lock) ? L.TASK_WANTS : L.TASK_HOLDS, <u32>lock);
  countLocks(1);
  return 0;
}

/** mutex_unlock(): of those who wait the one with the lowest id holds it next; who was killed meanwhile only comes by. */
export function releaseLock(task: u32): void {
  let lock = word(task, L.TASK_HOLDS);
  if (word(task, L.TASK_WANTS)) countLocks(-1);
  setWord(task, L.TASK_WANTS, 0);
  if (!lock) return;
  setWord(task, L.TASK_HOLDS, 0);
  countLocks(-1);
  let next: u32 = 0;
  for (let t: u32 = 1; t < headerGet(L.H_TASK_END); t++) {
    if (word(t, L.TASK_WANTS) != lock || (next && !isKilled(t))) continue;
    setWord(t, L.TASK_WANTS, 0);
    if (isKilled(t) || !isLive(t)) {
      countLocks(-1);
    } else {
      setWord(t, L.TASK_HOLDS, lock);
      next = t;
    }
  }
}

/** The task's call is unwound, and will be begun again: the lock that it lets go of meanwhile, 0: none. Nobody takes it in between. */
export function suspendLock(task: u32): u32 {
  let lock = word(task, L.TASK_HOLDS);
  if (!lock) return 0;
  setWord(task, L.TASK_HOLDS, 0);
  countLocks(-1);
  return lock;
}

/** A killed task that is still in the middle of what it does: with a lock, or without one that it needs. */
export function cannotExit(task: u32): bool {
  if (!headerGet(L.H_LOCKS)) return false;
  return word(task, L.TASK_HOLDS) != 0 || (word(task, L.TASK_WANTS) != 0 && holderOf(word(task, L.TASK_WANTS)) != 0);
}

/** `victim` goes only when `asker` lets go of its lock: it is the asker, or waits for it, or for one who does. */
function waitsFor(victim: u32, asker: u32): bool {
  let t = victim;
  for (let steps = headerGet(L.H_LOCKS); steps && t; steps--) {
    if (t == asker) return true;
    let wants = word(t, L.TASK_WANTS);
    t = wants ? holderOf(wants) : 0;
  }
  return t == asker;
}

/**
 * oom_reap_task(): victims below `over` that cannot exit keep the killer from another choice until the reaper, whose trylock fails each
 * time, marks them as not worth waiting for (MMF_OOM_SKIP). `asker` is stuck in its charge for so long.
 */
export function passVictims(asker: u32, over: u32): void {
  let passed: i64 = 0;
  for (let t: u32 = 1; t < headerGet(L.H_TASK_END); t++) {
    if (word(t, L.TASK_KILLED) != 1 || !isLive(t) || !isDescendant(taskMemcg(t), over) || !cannotExit(t)) continue;
    setWord(t, L.TASK_KILLED, L.KILLED_SKIP);
    passed++;
  }
  if (!passed) return;
  did(L.DID_SKIPPED_VICTIMS, passed);
  did(L.DID_STUCK_NS, OOM_REAP_NS);
  if (asker) memstall(asker, OOM_REAP_NS);
}

/** Nobody is left to kill below `over`. If that is because the victims wait for the asker itself, it is a deadlock, and said. */
export function noteDeadlock(asker: u32, over: u32): void {
  for (let t: u32 = 1; asker && t < headerGet(L.H_TASK_END); t++) {
    if (!isKilled(t) || !isLive(t) || !isDescendant(taskMemcg(t), over) || !cannotExit(t) || !waitsFor(t, asker)) continue;
    did(L.DID_DEADLOCKS, 1);
    ringRefused(asker, over, 0, EDEADLK);
    return;
  }
}

// --- calls

/** A row of a call that has not ended: kernel memory that it charges can be told from then on. */
export function openCall(task: u32): void {
  if (word(task, L.TASK_IN_CALL)) return;
  setWord(task, L.TASK_IN_CALL, L.CALL_OPEN);
  headerSet(L.H_CALLS, headerGet(L.H_CALLS) + 1);
  headerSet(L.H_CALL_SERIAL, headerGet(L.H_CALL_SERIAL) + 1);
  setWord(task, L.TASK_CALL_SERIAL, headerGet(L.H_CALL_SERIAL));
  forgetBytes(task);
}

/** The call is over, however it ended: back in user mode nobody holds a lock. */
export function endCall(task: u32): void {
  if (headerGet(L.H_LOCKS)) releaseLock(task);
  if (!word(task, L.TASK_IN_CALL)) return;
  setWord(task, L.TASK_IN_CALL, 0);
  headerSet(L.H_CALLS, headerGet(L.H_CALLS) - 1);
}

/** The row is somebody else's doing, or an interrupt's: it says nothing about where the task is. */
@inline export function isElsewhere(op: u32, flags: u32): bool {
  return op == OP_ATTACH || op == OP_OOM_SCORE_ADJ || op == OP_MARK_VICTIM || (flags & FLAG_IRQ) != 0;
}

/** The task's call goes on after this row. */
@inline export function callGoesOn(task: u32, op: u32, flags: u32): bool {
  if (op == OP_RETURN_TO_USER || op == OP_EXIT) return false;
  return (flags & FLAG_IN_CALL) != 0 || word(task, L.TASK_HOLDS) != 0 || word(task, L.TASK_WANTS) != 0;
}

/** The row is of a call that has failed, and does not happen. The last one of them ends the call. */
export function isUnwound(task: u32, op: u32, flags: u32): bool {
  let state = word(task, L.TASK_IN_CALL);
  if (state < L.CALL_FAILED || isElsewhere(op, flags)) return false;
  if (op == OP_RETURN_TO_USER || op == OP_EXIT) return false;
  if (!(flags & FLAG_IN_CALL) && (state == L.CALL_FAILED || op == OP_UNLOCK)) endCall(task);
  return true;
}

/** A live call, which has its errno: who makes it gives back itself what he had before. */
@inline function isLiveCall(): bool {
  return headerGet(L.H_CURRENT_ROW) == L.LIVE_ROW;
}

/** Where a call's bytes of KIND_SLAB or KIND_PERCPU are counted. */
@inline function bytesField(kind: u32): u32 {
  return L.TASK_CALL_BYTES + (kind == KIND_SLAB ? 0 : 4);
}

/**
 * Bytes of objects that a call charges (or frees again), to be given back if it fails: of the objcg that it charges first. (Objects that
 * can be reclaimed are not among them: they stay for whoever asks for them next.)
 */
export function noteCallBytes(task: u32, objcg: u32, kind: u32, bytes: i32): void {
  if (!word(task, L.TASK_IN_CALL) || isLiveCall()) return;
  if (!word(task, L.TASK_CALL_OBJCG) && bytes > 0) setWord(task, L.TASK_CALL_OBJCG, objcg);
  if (word(task, L.TASK_CALL_OBJCG) != objcg) return;
  let field = bytesField(kind);
  setWord(task, field, <u32>max<i32>(0, <i32>word(task, field) + bytes));
}

/** … and a page, by its frame. */
export function noteCallFrame(task: u32, frame: u32): void {
  if (word(task, L.TASK_IN_CALL) && !isLiveCall()) store<u64>(placeAt(frame), word(task, L.TASK_CALL_SERIAL));
}

function forgetBytes(task: u32): void {
  setWord(task, L.TASK_CALL_OBJCG, 0);
  setWord(task, bytesField(KIND_SLAB), 0);
  setWord(task, bytesField(KIND_PERCPU), 0);
}

/** The kernel memory that an unfinished call has charged goes back. */
function undoKmem(task: u32, cpu: u32): void {
  let serial = <u64>word(task, L.TASK_CALL_SERIAL);
  let tree = objectAt(0) + L.OBJECT_RADIX;
  for (let key = radixNext(tree, 0); key != NO_KEY; key = radixNext(tree, key + 1)) {
    let frame = radixGet(tree, key);
    if (load<u64>(placeAt(frame)) != serial) continue;
    radixClear(tree, key);
    unchargeKmem(cpu, frame, chargeWord(frame));
    giveFrame(frame);
  }
  let objcg = word(task, L.TASK_CALL_OBJCG);
  if (objcg && word(task, bytesField(KIND_SLAB))) unchargeObject(cpu, objcg, word(task, bytesField(KIND_SLAB)), KIND_SLAB);
  if (objcg && word(task, bytesField(KIND_PERCPU))) unchargeObject(cpu, objcg, word(task, bytesField(KIND_PERCPU)), KIND_PERCPU);
  forgetBytes(task);
}

/**
 * A charge of `task` was refused for good. If the row at hand is of a call of several (or the task holds a lock), and a channel for an
 * error is what it has, the call has failed: it lets go of its locks, and gives back the kernel memory that it has charged.
 */
export function failCall(task: u32, cpu: u32): void {
  let row = <usize>headerGet(L.H_CURRENT_ROW);
  if (!task || nodesEnd == 1 || load<u32>(row << 2, L.COLUMN_TASK) != task) return;
  let op = headerGet(L.H_CURRENT_OP);
  let flags = load<u32>(row << 2, L.COLUMN_FLAGS);
  if (op != OP_KMEM_CHARGE && (op != OP_FILE_ACCESS || flags & FLAG_FAULT)) return;
  let holds = word(task, L.TASK_HOLDS) != 0;
  let state = word(task, L.TASK_IN_CALL);
  if (!holds && !state && !(flags & FLAG_IN_CALL)) return;
  if (holds) releaseLock(task);
  if (isLiveCall()) return;
  if (state) undoKmem(task, cpu);
  // A row that ends its call has nothing after it.
  if (!(flags & FLAG_IN_CALL) && !holds) return;
  openCall(task);
  setWord(task, L.TASK_IN_CALL, holds && !(flags & FLAG_IN_CALL) ? L.CALL_FAILED_LOCKED : L.CALL_FAILED);
}

/** A victim dies: what it was in the middle of is unwound. */
export function abandonCall(task: u32, cpu: u32): void {
  if (word(task, L.TASK_IN_CALL)) undoKmem(task, cpu);
  endCall(task);
}

/** A task that is killed in the middle of a charge, and whose charge may not fail all the same: it has a lock, and tries on. */
export function triesOn(task: u32): bool {
  return headerGet(L.H_LOCKS) != 0 && isDying(task) && word(task, L.TASK_HOLDS) != 0;
}
