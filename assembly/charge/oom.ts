// The OOM killer of a memcg: whom it takes, and what goes with it. mm/memcontrol.c: mem_cgroup_oom(); mm/oom_kill.c: out_of_memory(),
// oom_badness(), oom_kill_process(). A victim dies at once: on the recorded machine it would have run on for a moment.
import { EINVAL, NEVER, PAGE_COUNTER_MAX, REMOTE_DRAIN_NS } from '../constants';
import { leaveMm, rssPages } from '../folio/anon';
import { memoryCounter, pageCounterMargin } from '../counter/page-counter';
import { runTimers } from '../counter/stock';
import { unchargeBatch } from '../folio/folio';
import { awaitWriteback } from '../folio/writeback';
import * as L from '../layout';
import { memcgEvent } from '../memcg/events';
import { isDescendant, parentOf } from '../memcg/memcg';
import { headerGet, headerGet64, memcgAt, mmAt, outOfRange, ROOT, taskAt } from '../memory';
import { exit, fork, isKilled, taskMemcg } from '../task/task';

const OOM_SCORE_ADJ_MIN: i32 = -1000;
/** order 3: larger charges fail instead (PAGE_ALLOC_COSTLY_ORDER). */
const COSTLY_PAGES: u32 = 8;

/** task_is_dying() */
@inline export function isDying(task: u32): bool {
  return task != 0 && isKilled(task);
}
@inline function adjustment(task: u32): i32 {
  return load<i32>(mmAt(task), L.TASK_OOM_SCORE_ADJ);
}

/** /proc/PID/oom_score_adj: `value` + 1000. */
export function setOomScoreAdj(task: u32, value: u64): i32 {
  if (!task || value > 2000) return outOfRange(L.FIELD_INDEX, value, EINVAL);
  store<i32>(mmAt(task), <i32>value - 1000, L.TASK_OOM_SCORE_ADJ);
  return 0;
}

/** A process that lives, with an mm of its own. */
@inline function isProcess(task: u32): bool {
  return load<u32>(taskAt(task), L.TASK_STATE) == L.TASK_LIVE && load<u32>(taskAt(task), L.TASK_MM) == task && !isKilled(task);
}

/** oom_badness(): rss, and a share of the limit for oom_score_adj. */
function badness(task: u32, totalPages: i64): i64 {
  return <i64>rssPages(task) + <i64>adjustment(task) * (totalPages / 1000);
}

/** select_bad_process(): the worst in the subtree of `over`; of equals the last. 0: there is none. */
function selectVictim(over: u32): u32 {
  let limit = load<i64>(memoryCounter(over), L.PC_MAX);
  let chosen: u32 = 0;
  let most: i64 = 0;
  for (let task: u32 = 1; task < headerGet(L.H_TASK_END); task++) {
    if (!isProcess(task) || adjustment(task) == OOM_SCORE_ADJ_MIN || !isDescendant(taskMemcg(task), over)) continue;
    let points = badness(task, min<i64>(limit, PAGE_COUNTER_MAX));
    if (chosen && points < most) continue;
    chosen = task;
    most = points;
  }
  return chosen;
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

/** __oom_kill_process(): SIGKILL, and everything that shares the mm goes with it. */
function killProcess(task: u32, cpu: u32): void {
  memcgEvent(taskMemcg(task), L.EVENT_OOM_KILL);
  for (let t: u32 = 1; t < headerGet(L.H_TASK_END); t++) {
    if (load<u32>(taskAt(t), L.TASK_STATE) != L.TASK_LIVE || load<u32>(taskAt(t), L.TASK_MM) != task) continue;
    store<u32>(mmAt(t), 1, L.TASK_KILLED);
    leaveMm(t, cpu);
    if (load<u32>(taskAt(t), L.TASK_PENDING) & L.TASK_HAS_BATCH) unchargeBatch(t);
    exit(t);
  }
}

/** A child that a killed task had on the recorded machine: it never lives here, and later rows may name it. */
export function forkKilled(parent: u32, child: u32): i32 {
  let errno = fork(parent, child, true);
  if (errno) return errno;
  store<u32>(mmAt(child), 1, L.TASK_KILLED);
  return exit(child);
}

/** mem_cgroup_oom(): the limit of `over` cannot be kept otherwise. False: nobody can be killed, or the charge is too large to ask. */
export function memcgOom(task: u32, cpu: u32, over: u32, pages: u32): bool {
  if (pages > COSTLY_PAGES) return false;
  if (awaitWriteback(over)) return true;
  memcgEvent(over, L.EVENT_OOM);
  // Sixteen fruitless reclaims take longer than a kworker takes to drain its CPU; then somebody has made room.
  if (headerGet64(L.H_NEXT_TIMER) != NEVER) runTimers(headerGet64(L.H_NOW) + REMOTE_DRAIN_NS);
  if (pageCounterMargin(memoryCounter(over)) >= <i64>pages) return true;
  return killInMemcg(over, cpu);
}

/** out_of_memory(): kills the worst process below `over`, or its whole group. False: there is none to kill. */
export function killInMemcg(over: u32, cpu: u32): bool {
  let victim = selectVictim(over);
  if (!victim) return false;
  let group = oomGroup(victim, over);
  // The first victim still has its mm when the group is scanned, and is counted twice.
  if (group) memcgEvent(taskMemcg(victim), L.EVENT_OOM_KILL);
  else killProcess(victim, cpu);
  if (group) {
    memcgEvent(group, L.EVENT_OOM_GROUP_KILL);
    for (let t: u32 = 1; t < headerGet(L.H_TASK_END); t++)
      if (isProcess(t) && adjustment(t) != OOM_SCORE_ADJ_MIN && isDescendant(taskMemcg(t), group)) killProcess(t, cpu);
  }
  return true;
}
