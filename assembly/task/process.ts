// A task's life with its address space. kernel/fork.c: copy_process(), copy_mm(); fs/exec.c: exec_mmap(); kernel/exit.c: exit_mm().
// Where there is no modelled residency (no nodes) address spaces are not kept, and these are the calls of task.ts.
import { copyMm, leaveMm, newMm, shareMm } from '../folio/anon';
import * as L from '../layout';
import { nodesEnd, taskAt } from '../memory';
import { exec, exit, fork, spawn, taskExists } from './task';

@inline function mmOf(task: u32): u32 {
  return load<u32>(taskAt(task), L.TASK_MM);
}
@inline function isLive(task: u32): bool {
  return load<u32>(taskAt(task), L.TASK_STATE) == L.TASK_LIVE;
}

/** See spawn(). */
export function spawnProcess(task: u32, cpu: u32, memcg: u32, mm: bool): i32 {
  let errno = spawn(task, memcg, mm);
  if (!errno && mm && nodesEnd > 1) newMm(task, cpu);
  return errno;
}

/** See fork(); the child's private memory is its parent's until one of them writes. */
export function forkProcess(parent: u32, cpu: u32, child: u32, thread: bool): i32 {
  let errno = fork(parent, child, thread);
  if (errno || nodesEnd == 1) return errno;
  let mm = mmOf(child);
  if (!mm) return 0;
  if (mm != child) {
    shareMm(mm);
    return 0;
  }
  newMm(child, cpu);
  return copyMm(mmOf(parent), child);
}

/** See exec(); the old address space goes once nobody uses it. */
export function execProcess(task: u32, cpu: u32): i32 {
  if (nodesEnd > 1 && taskExists(task) && isLive(task)) leaveMm(task, cpu);
  let errno = exec(task);
  if (!errno && nodesEnd > 1 && isLive(task)) newMm(task, cpu);
  return errno;
}

/** See exit(); the last user's exit frees what the address space alone had. */
export function exitProcess(task: u32, cpu: u32): i32 {
  if (nodesEnd > 1 && taskExists(task) && isLive(task)) leaveMm(task, cpu);
  return exit(task);
}
