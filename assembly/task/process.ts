// A task's life with its address space. kernel/fork.c: copy_process(), copy_mm(); fs/exec.c: exec_mmap(); kernel/exit.c: exit_mm().
// Where there is no modelled residency (no nodes) address spaces are not kept, and these are the calls of task.ts.
import { EINVAL } from '../constants';
import { copyMm, leaveMm, newMm, shareMm } from '../folio/anon';
import * as L from '../layout';
import { headerGet, mmAt, nodesEnd, outOfRange, taskAt, tasksEnd } from '../memory';
import { endCall } from '../policy/call';
import { exec, exit, fork, spawn, taskExists } from './task';

@inline function mmOf(task: u32): u32 {
  return load<u32>(taskAt(task), L.TASK_MM);
}
@inline function isLive(task: u32): bool {
  return load<u32>(taskAt(task), L.TASK_STATE) == L.TASK_LIVE;
}

/** What belongs to the task beside its record begins anew, for an id that is used again too. */
function initTask(task: u32): void {
  let at = mmAt(task);
  store<u32>(at, 0, L.TASK_OVER_HIGH);
  store<i32>(at, 0, L.TASK_OOM_SCORE_ADJ);
  store<u32>(at, 0, L.TASK_KILLED);
  store<u64>(at, 0, L.TASK_SLEEP_END);
  store<u32>(at, 0, L.TASK_UNKILLABLE);
  for (let field = L.TASK_CALL_SERIAL; field <= L.TASK_CALL_OBJCG; field += 4) store<u32>(at + field, 0);
  store<u64>(at, 0, L.TASK_CALL_BYTES);
  store<u32>(at, 0, L.TASK_OVERCHARGED);
  store<u32>(at, 0, L.TASK_RESTARTS);
  store<u32>(at, 0, L.TASK_UID);
  store<u32>(at, 0, L.TASK_NAMESPACE);
}

/** oom_score_adj is the process's (copy_signal()): a child begins with its parent's, and a thread that executes keeps it. */
@inline function copyAdjustment(from: u32, to: u32): void {
  store<i32>(mmAt(to), load<i32>(mmAt(from), L.TASK_OOM_SCORE_ADJ), L.TASK_OOM_SCORE_ADJ);
}

/** copy_creds(), copy_namespaces(): whose task it is, and which part of the tree it sees. */
@inline function copyCredentials(from: u32, to: u32): void {
  store<u32>(mmAt(to), load<u32>(mmAt(from), L.TASK_UID), L.TASK_UID);
  store<u32>(mmAt(to), load<u32>(mmAt(from), L.TASK_NAMESPACE), L.TASK_NAMESPACE);
}

/** The id of a leader is used again while threads run on its mm: their exits were not recorded. */
function reapThreads(task: u32, cpu: u32): void {
  if (task >= tasksEnd || !load<u32>(mmAt(task), L.MM_USERS) || isLive(task)) return;
  for (let t: u32 = 1; t < headerGet(L.H_TASK_END); t++) if (t != task && isLive(t) && mmOf(t) == task) exitProcess(t, cpu);
}

/** See spawn(). */
export function spawnProcess(task: u32, cpu: u32, memcg: u32, mm: bool): i32 {
  if (nodesEnd > 1) reapThreads(task, cpu);
  let errno = spawn(task, memcg, mm);
  if (errno || nodesEnd == 1) return errno;
  initTask(task);
  if (mm) newMm(task, cpu);
  return 0;
}

/** See fork(); the child's private memory is its parent's until one of them writes. */
export function forkProcess(parent: u32, cpu: u32, child: u32, thread: bool): i32 {
  // The id of a leader that has exited is not free while its threads run on the mm of that name.
  if (nodesEnd > 1 && taskExists(parent) && mmOf(parent) == child) return outOfRange(L.FIELD_OBJECT, child, EINVAL);
  if (nodesEnd > 1) reapThreads(child, cpu);
  let errno = fork(parent, child, thread);
  if (errno || nodesEnd == 1) return errno;
  initTask(child);
  copyCredentials(parent, child);
  let mm = mmOf(child);
  if (!mm) return 0;
  if (mm != child) {
    shareMm(mm);
    return 0;
  }
  copyAdjustment(mmOf(parent), child);
  newMm(child, cpu);
  return copyMm(mmOf(parent), child);
}

/** See exec(); the old address space goes once nobody uses it. */
export function execProcess(task: u32, cpu: u32): i32 {
  if (nodesEnd > 1 && taskExists(task) && isLive(task)) {
    if (mmOf(task)) copyAdjustment(mmOf(task), task);
    leaveMm(task, cpu);
  }
  let errno = exec(task);
  if (!errno && nodesEnd > 1 && isLive(task)) newMm(task, cpu);
  return errno;
}

/** See exit(); the last user's exit frees what the address space alone had. */
export function exitProcess(task: u32, cpu: u32): i32 {
  if (nodesEnd > 1 && taskExists(task)) endCall(task);
  if (nodesEnd > 1 && taskExists(task) && isLive(task)) leaveMm(task, cpu);
  return exit(task);
}
