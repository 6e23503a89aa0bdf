// The OOM killer of a memcg: when it is asked, whom it takes, and how they die. mm/memcontrol.c: mem_cgroup_oom(),
// mem_cgroup_out_of_memory(), mem_cgroup_get_max(), mem_cgroup_get_oom_group(); mm/oom_kill.c: out_of_memory(), oom_badness(),
// oom_evaluate_task(), oom_kill_process(), __oom_kill_process().
//
// A victim runs on until it next leaves the kernel. The task whose charge asked for the kill goes through its 17 fruitless reclaims all
// the same, and only then gives up: its own memory comes back at the end of the row (or of the live call). Others die beside it, on CPUs of
// their own: before the killer would be asked a second time, or else at that end too. So each kill raises `oom` once, which is the least
// that Linux shows: where a victim takes long to die, the killer is asked again and again meanwhile, aborts because there is one
// already, and each time counts. Everything that is killed here can die; the reaper, which comes 2 s later to a victim that cannot,
// never finds one.
//
// On a machine of one CPU the order is Linux' own: mem_cgroup_scan_tasks() lets others run after each process that it looks at
// (cond_resched() after fn(), in 6.1.y and 6.18 alike), and a victim that slept is the next to run. So whoever is asked while victims
// have not died yet looks at one process; if that is a victim it gives up, else it goes on without them, though their death
// may have made room: the second process goes too.
import { EINVAL, NEVER, PAGE_ALLOC_COSTLY, REMOTE_DRAIN_NS } from '../constants';
import { leaveMm } from '../folio/anon';
import { memoryCounter, pageCounterMargin, swapCounter } from '../counter/page-counter';
import { runTimers } from '../counter/stock';
import { unchargeBatch } from '../folio/folio';
import { measureMm } from '../folio/rss';
import { awaitWriteback } from '../folio/writeback';
import * as L from '../layout';
import { memcgEvent } from '../memcg/events';
import { isDescendant, parentOf } from '../memcg/memcg';
import {
  headerGet, headerGet64, headerSet64, headerSet, killAt, memcgAt, mmAt, nrCpus, outOfRange, pagesEnd, ROOT, taskAt, userSetsEnd,
} from '../memory';
import { noteAsked, noteKilled } from '../observe/users';
import { abandonCall, cannotExit, noteDeadlock, passVictims } from '../policy/call';
import { countVm } from '../reclaim/watermark';
import { ringKilled } from '../ring';
import { exit, fork, isKilled, taskMemcg } from '../task/task';
import { beginChoice, candidateAt, insertCandidate, recordKill } from './kills';

const OOM_SCORE_ADJ_MIN: i32 = -1000;

/** task_is_dying() */
@inline export function isDying(task: u32): bool {
  return task != 0 && isKilled(task);
}

/** The process of a task: what threads share, such as oom_score_adj, is its leader's. */
@inline function processOf(task: u32): u32 {
  let mm = load<u32>(taskAt(task), L.TASK_MM);
  return mm ? mm : task;
}
@inline function adjustment(process: u32): i32 {
  return load<i32>(mmAt(process), L.TASK_OOM_SCORE_ADJ);
}

/** /proc/PID/oom_score_adj: `value` + 1000. */
export function setOomScoreAdj(task: u32, value: u64): i32 {
  if (!task || value > 2000) return outOfRange(L.FIELD_INDEX, value, EINVAL);
  store<i32>(mmAt(processOf(task)), <i32>value - 1000, L.TASK_OOM_SCORE_ADJ);
  return 0;
}

/** A process with an mm that some thread of it still uses (find_lock_task_mm()); not init, not a kernel thread. */
@inline function isProcess(task: u32): bool {
  return (
    load<u32>(taskAt(task), L.TASK_STATE) != L.TASK_FREE &&
    load<u32>(taskAt(task), L.TASK_MM) == task &&
    load<u32>(mmAt(task), L.MM_USERS) != 0 &&
    !load<u32>(mmAt(task), L.TASK_UNKILLABLE)
  );
}

/** constrained_alloc(): pages that the memcg (mem_cgroup_get_max()) or the machine may have in memory and in swap. */
function totalPages(memcg: u32): i64 {
  if (memcg == ROOT) return <i64>(pagesEnd - 1) + headerGet(L.H_SWAP_SLOTS);
  let pages = load<i64>(memoryCounter(memcg), L.PC_MAX);
  if (headerGet(L.H_SWAPPINESS)) pages += min<i64>(load<i64>(swapCounter(memcg), L.PC_MAX), headerGet(L.H_SWAP_SLOTS));
  return max<i64>(pages, 1);
}

/** oom_badness() of the line behind the last: what it has in memory, in swap and in page tables, and a share of the limit. */
function badness(line: usize, total: i64): i64 {
  let pages: i64 = <i64>load<u32>(line, L.CANDIDATE_ANON) + load<u32>(line, L.CANDIDATE_FILE) + load<u32>(line, L.CANDIDATE_SHMEM);
  pages += <i64>load<u32>(line, L.CANDIDATE_SWAP) + load<u32>(line, L.CANDIDATE_PAGE_TABLES);
  return pages + <i64>load<i32>(line, L.CANDIDATE_ADJ) * (total / 1000);
}

/** Whether the walk of a subtree (parents first, siblings by age) comes to memcg `a` after it has come to `b`. */
function memcgAfter(a: u32, b: u32): bool {
  let x = a;
  let y = b;
  while (load<u32>(memcgAt(x), L.MEMCG_DEPTH) > load<u32>(memcgAt(y), L.MEMCG_DEPTH)) x = parentOf(x);
  while (load<u32>(memcgAt(y), L.MEMCG_DEPTH) > load<u32>(memcgAt(x), L.MEMCG_DEPTH)) y = parentOf(y);
  if (x == y) return a != x;
  while (parentOf(x) != parentOf(y)) {
    x = parentOf(x);
    y = parentOf(y);
  }
  return x > y; // ids are given out in the order of mkdir
}

/** Whether mem_cgroup_scan_tasks() comes to process `a` after `b`: by memcg, then in the order in which they joined it. */
function scannedAfter(a: u32, b: u32): bool {
  let x = taskMemcg(a);
  let y = taskMemcg(b);
  if (x != y) return memcgAfter(x, y);
  return load<u64>(mmAt(a), L.TASK_JOINED) > load<u64>(mmAt(b), L.TASK_JOINED);
}

/** The process below `top` that mem_cgroup_scan_tasks() comes to first; 0: there is none. */
function firstScanned(top: u32): u32 {
  let first: u32 = 0;
  for (let task: u32 = 1; task < headerGet(L.H_TASK_END); task++)
    if (isProcess(task) && isDescendant(taskMemcg(task), top) && (!first || scannedAfter(first, task))) first = task;
  return first;
}

/** cond_resched() of `task` in mem_cgroup_scan_tasks(): others who have been killed run, and are gone. */
function othersDie(task: u32): void {
  if (nrCpus == 1) victimsDie(headerGet(L.H_CURRENT_CPU), task);
}

/** select_bad_process(): the worst process in the subtree of `over`; of equals the one scanned last. 0: there is none. */
function selectVictim(over: u32): u32 {
  let total = totalPages(over);
  let line = candidateAt(0, L.KILL_CANDIDATES);
  beginChoice();
  for (let task: u32 = 1; task < headerGet(L.H_TASK_END); task++) {
    if (!isProcess(task) || isKilled(task) || adjustment(task) == OOM_SCORE_ADJ_MIN || !isDescendant(taskMemcg(task), over)) continue;
    store<u32>(line, task, L.CANDIDATE_TASK);
    store<u32>(line, taskMemcg(task), L.CANDIDATE_MEMCG);
    store<i32>(line, adjustment(task), L.CANDIDATE_ADJ);
    measureMm(task, line);
    let points = badness(line, total);
    store<i64>(line, points, L.CANDIDATE_POINTS);
    let n = load<u32>(killAt(0), L.KILL_NR_CANDIDATES);
    let i: u32 = 0;
    while (i < n) {
      let other = candidateAt(0, i);
      let theirs = load<i64>(other, L.CANDIDATE_POINTS);
      if (points > theirs || (points == theirs && scannedAfter(task, load<u32>(other, L.CANDIDATE_TASK)))) break;
      i++;
    }
    insertCandidate(i);
  }
  return load<u32>(killAt(0), L.KILL_NR_CANDIDATES) ? load<u32>(candidateAt(0, 0), L.CANDIDATE_TASK) : 0;
}

/** mem_cgroup_get_oom_group(): the topmost cgroup, from the victim's up to `over`, that wants to die whole. */
function oomGroup(victim: u32, over: u32): u32 {
  let group: u32 = 0;
  for (let m = taskMemcg(victim); m && m != ROOT; m = parentOf(m)) {
    if (load<u32>(memcgAt(m), L.MEMCG_OOM_GROUP)) group = m;
    if (m == over) break;
  }
  return group;
}

/** __oom_kill_process(): SIGKILL to all that share the mm. Answers whether it was not dying already. */
function killProcess(process: u32, over: u32, group: u32): bool {
  memcgEvent(taskMemcg(process), L.EVENT_OOM_KILL);
  countVm(L.VM_OOM_KILL, 1);
  if (isKilled(process)) return false;
  if (userSetsEnd) noteKilled(process);
  endProcess(process);
  ringKilled(process, over, group);
  return true;
}

/** get_signal() of a signal that nobody handles: the process of `task` dies, as its own doing. */
export function dieOfSignal(task: u32): void {
  if (!isKilled(processOf(task))) endProcess(processOf(task));
}

/** All threads of the process are dead when the row, or the call, is over. */
function endProcess(process: u32): void {
  for (let t: u32 = 1; t < headerGet(L.H_TASK_END); t++) {
    if (load<u32>(taskAt(t), L.TASK_STATE) != L.TASK_LIVE || load<u32>(taskAt(t), L.TASK_MM) != process) continue;
    store<u32>(mmAt(t), 1, L.TASK_KILLED);
    headerSet(L.H_VICTIMS, headerGet(L.H_VICTIMS) + 1);
  }
  // A leader that had exited before its threads
  store<u32>(mmAt(process), 1, L.TASK_KILLED);
}

/** do_exit() of every victim but `asker` (0: all): what they had in memory is free. False: there was none. */
export function victimsDie(cpu: u32, asker: u32 = 0): bool {
  if (!headerGet(L.H_VICTIMS)) return false;
  let caller = headerGet(L.H_LOOP_CALLER);
  let left: u32 = 0;
  let died = false;
  for (let t: u32 = 1; t < headerGet(L.H_TASK_END); t++) {
    if (load<u32>(taskAt(t), L.TASK_STATE) != L.TASK_LIVE || !isKilled(t)) continue;
    // In whose call a loop worker runs dies when that is over.
    if ((caller && processOf(t) == processOf(caller)) || (asker && processOf(t) == processOf(asker))) {
      left++;
      continue;
    }
    if (cannotExit(t)) {
      left++;
      continue;
    }
    died = true;
    if (headerGet(L.H_CALLS)) abandonCall(t, cpu);
    leaveMm(t, cpu);
    if (load<u32>(taskAt(t), L.TASK_PENDING) & L.TASK_HAS_BATCH) unchargeBatch(t);
    store<u32>(mmAt(t), 0, L.TASK_OVER_HIGH);
    exit(t);
  }
  headerSet(L.H_VICTIMS, left);
  return died;
}

/** A child that a killed task had on the recorded machine: it never lives here, and later rows may name it. */
export function forkKilled(parent: u32, child: u32): i32 {
  let errno = fork(parent, child, true);
  if (errno) return errno;
  store<u32>(mmAt(child), 1, L.TASK_KILLED);
  return exit(child);
}

/**
 * mem_cgroup_oom(): the limit of `over` cannot be kept otherwise. True: it is worth trying again. False: nobody can be killed, or the
 * charge is too large to ask. `within`: who may be killed, over's subtree unless told. `insists`: see outOfMemory().
 */
export function memcgOom(task: u32, over: u32, pages: u32, within: u32 = 0, insists: bool = false): bool {
  // PAGE_ALLOC_COSTLY_ORDER: larger charges fail instead.
  if (pages > PAGE_ALLOC_COSTLY) return false;
  if (awaitWriteback(over)) return true;
  if (userSetsEnd) noteAsked(pages);
  memcgEvent(over, L.EVENT_OOM);
  // Sixteen fruitless reclaims take longer than a kworker takes to drain its CPU; then somebody has made room.
  if (headerGet64(L.H_NEXT_TIMER) != NEVER) {
    let now = headerGet64(L.H_NOW);
    runTimers(now + REMOTE_DRAIN_NS, task);
    // The row goes on at its own time.
    headerSet64(L.H_NOW, now);
  }
  let order = pages > 1 ? 32 - clz<u32>(pages - 1) : 0;
  if (pageCounterMargin(memoryCounter(over)) >= <i64>1 << order) return true;
  return outOfMemory(task, over, within, insists);
}

/**
 * out_of_memory() of the machine: no memcg counts an `oom`, and any process may have to go. Who is not the task that asks dies at once:
 * the task waits for nothing else. False: there is none, and Linux panics.
 */
export function globalOom(task: u32, cpu: u32): bool {
  if (userSetsEnd) noteAsked(1);
  if (!outOfMemory(task, ROOT)) return false;
  if (!isDying(task)) victimsDie(cpu);
  return true;
}

/**
 * out_of_memory(): kills the worst process below `over`, or its whole group. `task` asks, and if it is dying already that will do
 * (task_will_free_mem(); 6.1 looks at it sooner), unless it `insists`, as it cannot exit before it has what it asks for. `within` (0:
 * `over`): only who is in or below it may be killed. False: there is none to kill.
 */
export function outOfMemory(task: u32, over: u32, within: u32 = 0, insists: bool = false): bool {
  if (isDying(task) && !insists) return true;
  if (!within) within = over;
  if (headerGet(L.H_LOCKS)) passVictims(task, within);
  if (nrCpus == 1 && over != ROOT && headerGet(L.H_VICTIMS)) {
    let first = firstScanned(within);
    // In whose call a loop worker asks cannot die before that is over: the reaper comes, and it is passed over (MMF_OOM_SKIP).
    let caller = headerGet(L.H_LOOP_CALLER);
    let abort = first != 0 && isKilled(first) && !(caller && processOf(first) == processOf(caller));
    othersDie(task);
    if (abort) return true;
  }
  let victim = selectVictim(within);
  if (!victim) {
    if (headerGet(L.H_LOCKS)) noteDeadlock(task, within);
    return false;
  }
  let group = oomGroup(victim, within);
  killProcess(victim, over, group);
  let processes: u32 = 1;
  if (group) {
    memcgEvent(group, L.EVENT_OOM_GROUP_KILL);
    // The first victim still has its mm, and is counted again, unless another one is looked at before it.
    if (nrCpus == 1 && firstScanned(group) != victim) othersDie(task);
    for (let t: u32 = 1; t < headerGet(L.H_TASK_END); t++)
      if (isProcess(t) && adjustment(t) != OOM_SCORE_ADJ_MIN && isDescendant(taskMemcg(t), group))
        if (killProcess(t, over, group)) processes++;
    othersDie(task);
  }
  recordKill(victim, over, group, processes);
  return true;
}
