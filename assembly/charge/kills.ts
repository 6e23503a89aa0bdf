// The table of kills: whom the OOM killer took, for which limit, and who else could have been taken. mm/oom_kill.c: dump_header(),
// dump_tasks().
import { memoryCounter, pageCounterRead } from '../counter/page-counter';
import * as L from '../layout';
import { headerGet, headerGet64, headerSet, killAt, killsEnd, userSetsEnd } from '../memory';
import { noteKill } from '../observe/users';
import { taskMemcg } from '../task/task';

/** The i-th line of a record; the one behind the last is for the process that is being looked at. */
@inline export function candidateAt(kill: u32, i: u32): usize {
  return killAt(kill) + L.KILL_HEAD + <usize>i * L.CANDIDATE_STRIDE;
}

/** A new choice begins in record 0. */
export function beginChoice(): void {
  memory.fill(killAt(0), 0, L.KILL_HEAD);
}

/** Moves the line behind the last to place `i` of the choice. The last goes where there are too many. */
export function insertCandidate(i: u32): void {
  let head = killAt(0);
  let n = load<u32>(head, L.KILL_NR_CANDIDATES);
  if (n == L.KILL_CANDIDATES) store<u32>(head, load<u32>(head, L.KILL_OMITTED) + 1, L.KILL_OMITTED);
  else store<u32>(head, ++n, L.KILL_NR_CANDIDATES);
  if (i >= n) return;
  memory.copy(candidateAt(0, i + 1), candidateAt(0, i), (n - 1 - i) * L.CANDIDATE_STRIDE);
  memory.copy(candidateAt(0, i), candidateAt(0, L.KILL_CANDIDATES), L.CANDIDATE_STRIDE);
}

/** Keeps the choice: `victim`, for the limit of `over` (0: a recording does not tell). What finds the table full is counted. */
export function recordKill(victim: u32, over: u32, group: u32, processes: u32): void {
  let kill = headerGet(L.H_KILLS) + 1;
  if (kill >= killsEnd) {
    headerSet(L.H_KILLS_LOST, headerGet(L.H_KILLS_LOST) + 1);
    return;
  }
  headerSet(L.H_KILLS, kill);
  let at = killAt(kill);
  memory.copy(at, killAt(0), L.KILL_STRIDE);
  store<u64>(at, headerGet64(L.H_NOW), L.KILL_TS);
  if (over) {
    store<i64>(at, load<i64>(candidateAt(0, 0), L.CANDIDATE_POINTS), L.KILL_POINTS);
    store<i64>(at, pageCounterRead(memoryCounter(over)), L.KILL_USAGE);
    store<i64>(at, load<i64>(memoryCounter(over), L.PC_MAX), L.KILL_LIMIT);
  }
  store<u32>(at, over, L.KILL_OVER);
  store<u32>(at, victim, L.KILL_VICTIM);
  store<u32>(at, taskMemcg(victim), L.KILL_MEMCG);
  store<u32>(at, group, L.KILL_GROUP);
  store<u32>(at, processes, L.KILL_PROCESSES);
  store<u32>(at, headerGet(L.H_CURRENT_ROW), L.KILL_ROW);
  if (userSetsEnd) noteKill(kill, victim);
}
