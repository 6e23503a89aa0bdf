// Tasks, their cgroup, and who is charged for what they do. kernel/fork.c, kernel/exit.c, kernel/cgroup/cgroup.c (attach),
// mm/memcontrol.c: get_mem_cgroup_from_mm(), current_obj_cgroup(), set_active_memcg().

import { EINVAL, ENODEV, ENOENT, ENOSPC, ESRCH } from '../constants';
import { unchargeBatch } from '../folio/folio';
import * as L from '../layout';
import { memcgExists, memcgState, nearestOnline } from '../memcg/memcg';
import {
  headerGet, headerGet64, headerSet, headerSet64, memcgAt, mmAt, nodesEnd, outOfRange, policyOn, ROOT, taskAt, tasksEnd,
} from '../memory';
import { kmemPayerOf } from '../policy/payer';
import { rechargerExits } from '../policy/reuse';
import { psiExit, psiMove } from '../psi';

@inline export function taskExists(task: u32): bool {
  return task != 0 && task < tasksEnd && load<u32>(taskAt(task), L.TASK_STATE) != L.TASK_FREE;
}
@inline export function taskMemcg(task: u32): u32 {
  return load<u32>(taskAt(task), L.TASK_MEMCG);
}

/** The OOM killer took it (modelled residency). */
@inline export function isKilled(task: u32): bool {
  return load<u32>(mmAt(task), L.TASK_KILLED) != 0;
}

function countTask(memcg: u32, delta: i32): void {
  let at = memcgAt(memcg);
  store<i32>(at, load<i32>(at, L.MEMCG_NR_TASKS) + delta, L.MEMCG_NR_TASKS);
}

/** css_set_move_task(): who joins a cgroup stands last in it. (Kept where address spaces are.) */
function joined(task: u32): void {
  if (nodesEnd == 1) return;
  headerSet64(L.H_TASK_ORDER, headerGet64(L.H_TASK_ORDER) + 1);
  store<u64>(mmAt(task), headerGet64(L.H_TASK_ORDER), L.TASK_JOINED);
}

function create(task: u32, memcg: u32, mm: u32): i32 {
  if (task == 0 || task >= tasksEnd) {
    headerSet(L.H_FULL_TABLE, L.CAP_TASKS);
    return outOfRange(L.FIELD_TASK, task, ENOSPC);
  }
  let at = taskAt(task);
  if (load<u32>(at, L.TASK_STATE) == L.TASK_LIVE) return outOfRange(L.FIELD_TASK, task, EINVAL);
  // An id is used again: what its former task had freed last was one batch, which ended with it.
  if (load<u32>(at, L.TASK_PENDING) & L.TASK_HAS_BATCH) unchargeBatch(task);
  memory.fill(at, 0, L.TASK_STRIDE);
  store<u32>(at, L.TASK_LIVE, L.TASK_STATE);
  store<u32>(at, memcg, L.TASK_MEMCG);
  store<u32>(at, mm, L.TASK_MM);
  countTask(memcg, 1);
  joined(task);
  if (task >= headerGet(L.H_TASK_END)) headerSet(L.H_TASK_END, task + 1);
  return 0;
}

/** A task that no fork made known: with an mm of its own in `memcg`, or a kernel thread (`mm` false). */
export function spawn(task: u32, memcg: u32, mm: bool): i32 {
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  return create(task, memcg, mm ? task : 0);
}

/** fork: the child starts in its parent's cgroup, with an mm of its own, or as a thread with the parent's; a kernel thread's has none. */
export function fork(parent: u32, child: u32, thread: bool): i32 {
  if (!taskExists(parent)) return outOfRange(L.FIELD_TASK, parent, ESRCH);
  let mm = load<u32>(taskAt(parent), L.TASK_MM);
  let errno = create(child, taskMemcg(parent), thread || !mm ? mm : child);
  if (!errno && thread && mm) store<u32>(taskAt(mm), load<u32>(taskAt(mm), L.TASK_THREADS) + 1, L.TASK_THREADS);
  return errno;
}

/** A thread no longer uses its leader's mm: one thread fewer to look for when the leader moves. */
function leaveMm(task: u32): void {
  let mm = load<u32>(taskAt(task), L.TASK_MM);
  if (!mm || mm == task) return;
  let threads = load<u32>(taskAt(mm), L.TASK_THREADS);
  if (threads) store<u32>(taskAt(mm), threads - 1, L.TASK_THREADS);
}

/** exec: a fresh mm, owned by the task that called it. */
export function exec(task: u32): i32 {
  if (!taskExists(task)) return outOfRange(L.FIELD_TASK, task, ESRCH);
  // A task that has exited is no longer counted among its leader's threads.
  if (load<u32>(taskAt(task), L.TASK_STATE) == L.TASK_LIVE) leaveMm(task);
  store<u32>(taskAt(task), task, L.TASK_MM);
  return 0;
}

/** exit: the task leaves its cgroup's population. What it charged stays charged. */
export function exit(task: u32): i32 {
  if (!taskExists(task)) return outOfRange(L.FIELD_TASK, task, ESRCH);
  if (headerGet(L.H_RECHARGES)) rechargerExits(task, headerGet(L.H_CURRENT_CPU));
  let at = taskAt(task);
  if (load<u32>(at, L.TASK_STATE) == L.TASK_LIVE) {
    countTask(load<u32>(at, L.TASK_MEMCG), -1);
    leaveMm(task);
    if (headerGet(L.H_PSI_ON)) psiExit(task);
  }
  store<u32>(at, L.TASK_EXITED, L.TASK_STATE);
  return 0;
}

function move(task: u32, memcg: u32): void {
  let at = taskAt(task);
  if (load<u32>(at, L.TASK_STATE) == L.TASK_LIVE) {
    countTask(load<u32>(at, L.TASK_MEMCG), -1);
    countTask(memcg, 1);
    joined(task);
  }
  store<u32>(at, memcg, L.TASK_MEMCG);
  if (headerGet(L.H_PSI_ON)) psiMove(task, memcg);
}

/** cgroup.procs: the process moves, with all its threads. No charge follows. -ENODEV: the cgroup is removed. */
export function attach(task: u32, memcg: u32): i32 {
  if (!taskExists(task)) return outOfRange(L.FIELD_TASK, task, ESRCH);
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  if (memcgState(memcg) != L.MEMCG_ONLINE) return outOfRange(L.FIELD_CGROUP, memcg, ENODEV);
  move(task, memcg);
  if (load<u32>(taskAt(task), L.TASK_THREADS)) {
    let end = headerGet(L.H_TASK_END);
    for (let t: u32 = 1; t < end; t++) {
      if (t != task && load<u32>(taskAt(t), L.TASK_STATE) == L.TASK_LIVE && load<u32>(taskAt(t), L.TASK_MM) == task) move(t, memcg);
    }
  }
  return 0;
}

/** set_active_memcg(memcg): a scope opens; scopes nest. `memcg` ROOT = charge nobody, 0 = default rules. */
export function enterScope(task: u32, memcg: u32): i32 {
  if (!taskExists(task)) return outOfRange(L.FIELD_TASK, task, ESRCH);
  if (memcg && !memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  let at = taskAt(task);
  let depth = load<u32>(at, L.TASK_SCOPES);
  if (depth == L.MAX_SCOPES) return outOfRange(L.FIELD_TASK, task, EINVAL);
  store<u32>(at + (depth << 2), load<u32>(at, L.TASK_ACTIVE_MEMCG), L.TASK_SCOPE);
  store<u32>(at, depth + 1, L.TASK_SCOPES);
  store<u32>(at, memcg, L.TASK_ACTIVE_MEMCG);
  return 0;
}

/** set_active_memcg(old): the innermost scope closes, and the one around it counts again. */
export function leaveScope(task: u32): i32 {
  if (!taskExists(task)) return outOfRange(L.FIELD_TASK, task, ESRCH);
  let at = taskAt(task);
  let depth = load<u32>(at, L.TASK_SCOPES);
  if (depth == 0) return outOfRange(L.FIELD_TASK, task, EINVAL);
  store<u32>(at, depth - 1, L.TASK_SCOPES);
  store<u32>(at, load<u32>(at + ((depth - 1) << 2), L.TASK_SCOPE), L.TASK_ACTIVE_MEMCG);
  return 0;
}

/**
 * get_mem_cgroup_from_mm(): who pays for a folio. An explicit mm (anonymous memory) beats the active memcg; it is the mm's
 * owner that counts, not the thread that faults.
 */
export function folioPayer(task: u32, explicitMm: bool): u32 {
  let at = taskAt(task);
  if (!explicitMm) {
    let active = load<u32>(at, L.TASK_ACTIVE_MEMCG);
    if (active) return active;
  }
  let mm = load<u32>(at, L.TASK_MM);
  return mm ? taskMemcg(mm) : ROOT;
}

/** current_obj_cgroup(): whose objcg pays for kernel memory; 0 = not accounted. Dead cgroups pass it up. */
export function kmemPayer(task: u32): u32 {
  let at = taskAt(task);
  let memcg = load<u32>(at, L.TASK_ACTIVE_MEMCG);
  if (!memcg) {
    if (!load<u32>(at, L.TASK_MM)) return 0;
    memcg = taskMemcg(task);
  }
  memcg = nearestOnline(memcg);
  if (memcg == ROOT) return 0;
  return policyOn ? kmemPayerOf(memcg) : memcg;
}
