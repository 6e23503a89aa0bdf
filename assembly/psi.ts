// memory.pressure: how long tasks wait for memory, in the time of the trace. kernel/sched/psi.c: psi_memstall_enter(),
// psi_group_change(), collect_percpu_times(), update_averages(), calc_avgs(), psi_show(). Nothing here takes part before the first stall.
//
// A task is in one of four states, on one CPU, from one moment to another:
//
//   idle ── a row ──► at work ── slice is over ──► idle          A stall that begins within another is put behind it, and what a
//     └─ memstall ──► in reclaim ──► asleep ──► at work          task reclaims itself comes before what it sleeps.
//
// Each of its cgroups counts that, CPU by CPU; times are taken when a count changes. Changes that come by themselves wait in a heap.
// The clock is cut to microseconds, as a recording's text has them, so that text and binary end in the same state.
import { NEVER, NS_PER_S } from './constants';
import * as L from './layout';
import { parentOf } from './memcg/memcg';
import {
  headerGet, headerGet64, headerSet, headerSet64, nodesEnd, nrCpus, psiBase, psiCpuBase, psiTaskBase, taskAt,
} from './memory';

/** ns */
@inline export function jiffy(): u64 {
  return NS_PER_S / <u64>headerGet(L.H_HZ);
}
/** psi_period: PSI_FREQ jiffies, ns. */
@inline function psiPeriod(): u64 {
  return (2 * <u64>headerGet(L.H_HZ) + 1) * jiffy();
}
const FSHIFT: u64 = 11;
const FIXED_1: u64 = 1 << FSHIFT;

const SOME: u32 = 0;
const FULL: u32 = 1;
const NONIDLE: u32 = 2;

@inline export function psiAt(memcg: u32): usize {
  return psiBase + <usize>memcg * L.PSI_STRIDE;
}
@inline export function psiCpuAt(memcg: u32, cpu: u32): usize {
  return psiCpuBase + (<usize>memcg * nrCpus + cpu) * L.PSI_CPU_STRIDE;
}
@inline export function psiTaskAt(task: u32): usize {
  return psiTaskBase + <usize>task * L.PSI_TASK_STRIDE;
}

/** What one unit of work takes (COST_*), ns. */
@inline export function costOf(which: u32): u64 {
  return load<u32>(L.HEADER + L.H_COSTS + (which << 2));
}
/** A time that does not wrap. */
@inline function after(time: u64, ns: u64): u64 {
  return time < NEVER - 1 - ns ? time + ns : NEVER - 1;
}

// --- one cgroup

/** psi_cgroup_alloc(): a cgroup is made. */
export function psiBorn(memcg: u32): void {
  if (nodesEnd == 1) return;
  memory.fill(psiAt(memcg), 0, L.PSI_STRIDE);
  store<u64>(psiAt(memcg), clock(), L.PSI_BORN);
  memory.fill(psiCpuAt(memcg, 0), 0, <usize>nrCpus * L.PSI_CPU_STRIDE);
}

/** The state of one CPU of a cgroup, as bits by SOME, FULL and NONIDLE. */
@inline function statesOf(at: usize): u32 {
  let works = load<u32>(at + ((L.STALL_WORKS - 1) << 2), L.PSI_COUNTS);
  let asleep = load<u32>(at + ((L.STALL_ASLEEP - 1) << 2), L.PSI_COUNTS);
  let reclaims = load<u32>(at + ((L.STALL_RECLAIMS - 1) << 2), L.PSI_COUNTS);
  if (!(asleep | reclaims)) return works ? 1 << NONIDLE : 0;
  // Who reclaims has the CPU: nothing productive could run there even if it were runnable.
  return (1 << NONIDLE) | (1 << SOME) | (!works || reclaims ? 1 << FULL : 0);
}

/** A time (SOME …) of one CPU since the last tick, as it is at `now`. */
@inline function timeOf(at: usize, which: u32, now: u64): u64 {
  let time = load<u64>(at + (which << 3), L.PSI_TIMES);
  return (statesOf(at) >> which) & 1 ? time + (now - load<u64>(at, L.PSI_SINCE)) : time;
}

/** record_times() */
function recordTimes(at: usize, now: u64): void {
  for (let which = SOME; which <= NONIDLE; which++) store<u64>(at + (which << 3), timeOf(at, which, now), L.PSI_TIMES);
  store<u64>(at, now, L.PSI_SINCE);
}

/**
 * collect_percpu_times(): the cgroup's totals as they are at `now`, into H_PSI_TOTAL: each CPU's times weigh as many jiffies as it was not
 * idle. Changes nothing. Answers whether any CPU was not idle since the last tick.
 */
function collect(memcg: u32, now: u64): bool {
  let weights: u64 = 0;
  let some: u64 = 0;
  let full: u64 = 0;
  let busy = false;
  for (let cpu: u32 = 0; cpu < nrCpus; cpu++) {
    let at = psiCpuAt(memcg, cpu);
    let nonidle = timeOf(at, NONIDLE, now);
    if (!nonidle) continue;
    busy = true;
    let weight = nonidle / jiffy();
    weights += weight;
    some += timeOf(at, SOME, now) * weight;
    full += timeOf(at, FULL, now) * weight;
  }
  weights = max<u64>(weights, 1);
  headerSet64(L.H_PSI_TOTAL, load<u64>(psiAt(memcg), L.PSI_TOTAL) + some / weights);
  headerSet64(L.H_PSI_TOTAL + 8, load<u64>(psiAt(memcg) + 8, L.PSI_TOTAL) + full / weights);
  return busy;
}

/** calc_load(): one period of `active` % (2^11 a percent) into an average that decays by `exp`. */
function decayed(average: u64, exp: u64, active: u64): u64 {
  let sum = average * exp + active * (FIXED_1 - exp);
  // A rising average is rounded up, so that it gets to the top.
  return (active >= average ? sum + FIXED_1 - 1 : sum) >> FSHIFT;
}

/** fixed_power_int(): x^n. */
function power(x: u64, n: u64): u64 {
  let result = FIXED_1;
  for (let rest = n; rest; rest >>= 1) {
    if (rest & 1) result = (result * x + (FIXED_1 >> 1)) >> FSHIFT;
    x = (x * x + (FIXED_1 >> 1)) >> FSHIFT;
  }
  return result;
}

/** EXP_10s, EXP_60s, EXP_300s */
@inline function decayOf(window: u32): u64 {
  return window == 0 ? 1677 : window == 1 ? 1981 : 2034;
}

/** calc_avgs(): three averages at `at` take one sample of `time` in `period`, after `missed` periods without any. */
function average(at: usize, missed: u64, time: u64, period: u64): void {
  let percent = ((time * 100) / period) << FSHIFT;
  for (let window: u32 = 0; window < 3; window++) {
    let old: u64 = load<u32>(at + (window << 2));
    if (missed) old = decayed(old, power(decayOf(window), missed), 0);
    store<u32>(at + (window << 2), <u32>decayed(old, decayOf(window), percent));
  }
}

/** update_averages(), of what collect() found: `keep` in the cgroup's record, or only for who reads. */
function updateAverages(memcg: u32, now: u64, keep: bool): void {
  let at = psiAt(memcg);
  let averages = keep ? at + L.PSI_AVERAGE : <usize>L.HEADER + L.H_PSI_AVERAGE;
  let next = load<u64>(at, L.PSI_NEXT_UPDATE);
  let missed = (now - next) / psiPeriod();
  let period = now - (load<u64>(at, L.PSI_LAST_UPDATE) + missed * psiPeriod());
  for (let which = SOME; which <= FULL; which++) {
    let known = load<u64>(at + (which << 3), L.PSI_AVERAGED);
    let sample = min<u64>(headerGet64(L.H_PSI_TOTAL + (which << 3)) - known, period);
    average(averages + which * 12, missed, sample, period);
    if (keep) store<u64>(at + (which << 3), known + sample, L.PSI_AVERAGED);
  }
  if (!keep) return;
  store<u64>(at, now, L.PSI_LAST_UPDATE);
  store<u64>(at, next + (1 + missed) * psiPeriod(), L.PSI_NEXT_UPDATE);
}

/** psi_avgs_work(): the cgroup's clock ticks. Where nothing happens any more it stops. */
function tick(memcg: u32, now: u64): void {
  let at = psiAt(memcg);
  let busy = collect(memcg, now);
  for (let cpu: u32 = 0; cpu < nrCpus; cpu++) {
    store<u64>(psiCpuAt(memcg, cpu), now, L.PSI_SINCE);
    memory.fill(psiCpuAt(memcg, cpu) + L.PSI_TIMES, 0, 24);
  }
  store<u64>(at, headerGet64(L.H_PSI_TOTAL), L.PSI_TOTAL);
  store<u64>(at + 8, headerGet64(L.H_PSI_TOTAL + 8), L.PSI_TOTAL);
  if (now >= load<u64>(at, L.PSI_NEXT_UPDATE)) updateAverages(memcg, now, true);
  store<u64>(at, busy ? load<u64>(at, L.PSI_NEXT_UPDATE) : NEVER, L.PSI_DUE);
}

/** The ticks that are due until `now`: what lies between is known, as no count has changed since. */
function settle(memcg: u32, now: u64): void {
  let at = psiAt(memcg);
  if (!load<u64>(at, L.PSI_DUE)) return;
  while (load<u64>(at, L.PSI_DUE) <= now) tick(memcg, load<u64>(at, L.PSI_DUE));
}

/** psi_group_change(): a task of the cgroup or below goes from one state to another. */
function groupChange(memcg: u32, cpu: u32, from: u32, to: u32, now: u64): void {
  let group = psiAt(memcg);
  let due = load<u64>(group, L.PSI_DUE);
  if (!due) {
    // Its clock has ticked since the cgroup was made, as its tasks were at work; there was nothing to see.
    let born = load<u64>(group, L.PSI_BORN);
    let last = now - ((now - born) % psiPeriod());
    store<u64>(group, last, L.PSI_LAST_UPDATE);
    store<u64>(group, last + psiPeriod(), L.PSI_NEXT_UPDATE);
    store<u64>(group, last + psiPeriod(), L.PSI_DUE);
  } else {
    settle(memcg, now);
    if (load<u64>(group, L.PSI_DUE) == NEVER) store<u64>(group, now + psiPeriod(), L.PSI_DUE);
  }
  let at = psiCpuAt(memcg, cpu);
  recordTimes(at, now);
  if (from) bump(at, from, -1);
  if (to) bump(at, to, 1);
}

@inline function bump(at: usize, state: u32, n: i32): void {
  let count = at + ((state - 1) << 2);
  store<i32>(count, load<i32>(count, L.PSI_COUNTS) + n, L.PSI_COUNTS);
}

// --- one task

@inline function stateOf(task: u32): u32 {
  return load<u32>(psiTaskAt(task), L.PSI_STATE);
}

/** psi_task_change(): in the task's cgroup and all above. */
function enter(task: u32, state: u32, now: u64): void {
  let at = psiTaskAt(task);
  let old = load<u32>(at, L.PSI_STATE);
  if (old == state) return;
  let cpu = load<u32>(at, L.PSI_CPU);
  for (let m = load<u32>(at, L.PSI_MEMCG); m; m = parentOf(m)) groupChange(m, cpu, old, state, now);
  store<u32>(at, state, L.PSI_STATE);
}

/** Puts the task into the state that it is in at `now`, and says when that will change. */
function follow(task: u32, now: u64): void {
  let at = psiTaskAt(task);
  let reclaims = load<u64>(at, L.PSI_RECLAIMS_UNTIL);
  let stalls = load<u64>(at, L.PSI_STALLS_UNTIL);
  let works = load<u64>(at, L.PSI_WORKS_UNTIL);
  if (now < reclaims) {
    enter(task, L.STALL_RECLAIMS, now);
    queue(task, reclaims);
  } else if (now < stalls) {
    enter(task, L.STALL_ASLEEP, now);
    queue(task, stalls);
  } else if (now < works) {
    enter(task, L.STALL_WORKS, now);
    queue(task, works);
  } else {
    enter(task, L.STALL_IDLE, now);
    unqueue(task);
  }
}

/** It goes on, on this CPU and in this cgroup. */
function follows(task: u32, cpu: u32, memcg: u32, now: u64): void {
  let at = psiTaskAt(task);
  if (load<u32>(at, L.PSI_CPU) != cpu || load<u32>(at, L.PSI_MEMCG) != memcg) {
    enter(task, L.STALL_IDLE, now);
    store<u32>(at, cpu, L.PSI_CPU);
    store<u32>(at, memcg, L.PSI_MEMCG);
  }
  follow(task, now);
}

// --- the heap of tasks, by when their state changes next

@inline function keyOf(task: u32): u64 {
  return load<u64>(psiTaskAt(task), L.PSI_CHANGES);
}
@inline function queued(place: u32): u32 {
  return load<u32>(psiTaskAt(place), L.PSI_QUEUE);
}
@inline function put(place: u32, task: u32): void {
  store<u32>(psiTaskAt(place), task, L.PSI_QUEUE);
  store<u32>(psiTaskAt(task), place, L.PSI_PLACE);
}

/** Finds the place of a task that may stand too deep or too high. */
function sift(task: u32, from: u32): void {
  let place = from;
  let key = keyOf(task);
  while (place > 1 && keyOf(queued(place >> 1)) > key) {
    put(place, queued(place >> 1));
    place >>= 1;
  }
  let end = headerGet(L.H_PSI_QUEUED);
  for (;;) {
    let child = place << 1;
    if (child > end) break;
    if (child < end && keyOf(queued(child + 1)) < keyOf(queued(child))) child++;
    if (keyOf(queued(child)) >= key) break;
    put(place, queued(child));
    place = child;
  }
  put(place, task);
}

function queue(task: u32, time: u64): void {
  store<u64>(psiTaskAt(task), time, L.PSI_CHANGES);
  let place = load<u32>(psiTaskAt(task), L.PSI_PLACE);
  if (!place) {
    place = headerGet(L.H_PSI_QUEUED) + 1;
    headerSet(L.H_PSI_QUEUED, place);
    put(place, task);
  }
  sift(task, place);
}

function unqueue(task: u32): void {
  let place = load<u32>(psiTaskAt(task), L.PSI_PLACE);
  if (!place) return;
  let end = headerGet(L.H_PSI_QUEUED);
  let last = queued(end);
  headerSet(L.H_PSI_QUEUED, end - 1);
  store<u32>(psiTaskAt(end), 0, L.PSI_QUEUE);
  store<u32>(psiTaskAt(task), 0, L.PSI_PLACE);
  if (last != task) sift(last, place);
}

/** The trace's clock, in whole microseconds. */
function clock(): u64 {
  let now = headerGet64(L.H_PSI_NOW);
  return now - (now % 1000);
}

/** The trace has come to `now`. H_NOW will not do: it runs ahead for a moment where the OOM killer waits for the kworkers. */
@inline export function psiClock(now: u64): void {
  if (now > headerGet64(L.H_PSI_NOW)) headerSet64(L.H_PSI_NOW, now);
}

/** Makes the changes that were due until the trace's now, and answers that. */
function catchUp(): u64 {
  let now = clock();
  while (headerGet(L.H_PSI_QUEUED)) {
    let task = queued(1);
    let due = keyOf(task);
    if (due > now) break;
    follow(task, due);
  }
  return now;
}

// --- what happens to a task

/** A row of a task: it is at work on this CPU, and will be for a slice. Only once something has stalled (H_PSI_ON). */
export function psiRuns(task: u32, cpu: u32): void {
  let now = catchUp();
  let at = psiTaskAt(task);
  store<u64>(at, max<u64>(load<u64>(at, L.PSI_WORKS_UNTIL), after(now, costOf(L.COST_SLICE))), L.PSI_WORKS_UNTIL);
  // The heap may know too early a time: the task is looked at then, and stays where it is.
  if (load<u32>(at, L.PSI_STATE) && load<u32>(at, L.PSI_CPU) == cpu) return;
  follows(task, cpu, load<u32>(taskAt(task), L.TASK_MEMCG), now);
}

/** See memstall() and memstallReclaim(). */
export function stall(task: u32, ns: u64, reclaims: bool): void {
  if (!ns || !task || nodesEnd == 1 || load<u32>(taskAt(task), L.TASK_STATE) != L.TASK_LIVE) return;
  headerSet(L.H_PSI_ON, 1);
  let now = catchUp();
  let at = psiTaskAt(task);
  let until = after(max<u64>(now, load<u64>(at, L.PSI_STALLS_UNTIL)), ns);
  store<u64>(at, until, L.PSI_STALLS_UNTIL);
  if (reclaims) store<u64>(at, after(max<u64>(now, load<u64>(at, L.PSI_RECLAIMS_UNTIL)), ns), L.PSI_RECLAIMS_UNTIL);
  store<u64>(at, max<u64>(load<u64>(at, L.PSI_WORKS_UNTIL), after(until, costOf(L.COST_SLICE))), L.PSI_WORKS_UNTIL);
  follows(task, headerGet(L.H_CURRENT_CPU), load<u32>(taskAt(task), L.TASK_MEMCG), now);
}

/**
 * psi_memstall_enter() to psi_memstall_leave(), asleep: the task waits `ns` for memory, from now or from the end of its stall on.
 * Task 0 is nobody. A kernel thread counts in its cgroup as any task.
 */
export function memstall(task: u32, ns: u64): void {
  stall(task, ns, false);
}

/** The same around the direct reclaim that just ended: the task was busy with H_SCANNED pages, `reclaimed` of which went. */
export function memstallReclaim(task: u32, reclaimed: u32): void {
  stall(task, <u64>headerGet(L.H_SCANNED) * costOf(L.COST_SCAN) + <u64>reclaimed * costOf(L.COST_RECLAIMED), true);
}

/** cgroup_move_task(): its stall goes on in another cgroup. Only once something has stalled. */
export function psiMove(task: u32, memcg: u32): void {
  let now = catchUp();
  if (stateOf(task)) follows(task, load<u32>(psiTaskAt(task), L.PSI_CPU), memcg, now);
}

/** psi_dequeue() of a task that exits: nothing of it waits any more. Only once something has stalled. */
export function psiExit(task: u32): void {
  let now = catchUp();
  let at = psiTaskAt(task);
  enter(task, L.STALL_IDLE, now);
  unqueue(task);
  memory.fill(at, 0, L.PSI_QUEUE);
}

// --- who reads

/** Brings a cgroup to the trace's now. Readers may do so at any time: it makes no difference to what comes later. */
export function psiSettle(memcg: u32): u64 {
  let now = catchUp();
  settle(memcg, now);
  return now;
}

/**
 * psi_show(): memory.pressure of a cgroup at this moment, into H_PSI_TOTAL (ns) and H_PSI_AVERAGE (2^11 a percent). In Linux each read is
 * a sample of its own, which changes later ones by a little; here nobody else sees it.
 */
export function readPressure(memcg: u32): void {
  memory.fill(L.HEADER + L.H_PSI_TOTAL, 0, 16 + 24);
  if (nodesEnd == 1 || !headerGet(L.H_PSI_ON)) return;
  let now = psiSettle(memcg);
  let at = psiAt(memcg);
  if (!load<u64>(at, L.PSI_DUE)) {
    memory.fill(L.HEADER + L.H_PSI_TOTAL, 0, 16 + 24);
    return;
  }
  collect(memcg, now);
  memory.copy(L.HEADER + L.H_PSI_AVERAGE, at + L.PSI_AVERAGE, 24);
  if (now >= load<u64>(at, L.PSI_NEXT_UPDATE)) updateAverages(memcg, now, false);
}
