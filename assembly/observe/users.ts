// Who uses which folio, beside the accounting: nothing of the model depends on it, and nothing is done without capacity `observe`.
//
// A folio has a number, that of the set of memcgs whose tasks have used it since it became resident. Sets are interned: each is a smaller
// set and one more memcg, the largest of all its ids, so that whoever comes first the set of the same memcgs is the same number. Set 0 is
// empty. There are few: as many as there are combinations of cgroups that share something.
import { memoryCounter, pageCounterRead } from '../counter/page-counter';
import * as L from '../layout';
import { memcgState, nextInSubtree, parentOf } from '../memcg/memcg';
import { statTotal } from '../memcg/stat';
import {
  flowBase, headerGet, headerGet64, headerSet, headerSet64, ROOT, userKillBase, userMemcgBase, usersBase,
  userSetBase, userSetsEnd, taskAt,
} from '../memory';
import { answer } from '../policy/policy';
import { isKilled, taskMemcg } from '../task/task';

/** Answer of a union that finds the table full. */
const NO_SET: u32 = 0xffffffff;

@inline function setAt(set: u32): usize {
  return userSetBase + <usize>set * L.USER_SET_STRIDE;
}
@inline function sizeOf(set: u32): u32 {
  return load<u32>(setAt(set), L.USER_SET_SIZE);
}
@inline function restOf(set: u32): u32 {
  return load<u32>(setAt(set), L.USER_SET_REST);
}
@inline function lastOf(set: u32): u32 {
  return load<u32>(setAt(set), L.USER_SET_MEMCG);
}
@inline function userAt(frame: u32): usize {
  return usersBase + (<usize>frame << 2);
}
@inline function get(word: u32): u32 {
  return headerGet(L.H_USERS + word);
}
@inline function put(word: u32, value: u32): void {
  headerSet(L.H_USERS + word, value);
}
function addPages(set: u32, pages: i64): void {
  let at = setAt(set);
  store<i64>(at, load<i64>(at, L.USER_SET_PAGES) + pages, L.USER_SET_PAGES);
}

/** Finds, or makes, the set of `rest` and `memcg`, which is greater than all in `rest`. NO_SET: the table is full. */
function intern(rest: u32, memcg: u32): u32 {
  let slot = setAt(1 + ((rest * 0x9e3779b1) ^ (memcg * 0x85ebca6b)) % userSetsEnd);
  for (let set = load<u32>(slot, L.USER_SET_HASH); set; set = load<u32>(setAt(set), L.USER_SET_NEXT))
    if (restOf(set) == rest && lastOf(set) == memcg) return set;
  let set = get(L.USERS_SETS) + 1;
  if (set > userSetsEnd) return NO_SET;
  put(L.USERS_SETS, set);
  let at = setAt(set);
  store<u32>(at, rest, L.USER_SET_REST);
  store<u32>(at, memcg, L.USER_SET_MEMCG);
  store<u32>(at, rest ? sizeOf(rest) + 1 : 1, L.USER_SET_SIZE);
  store<u32>(at, load<u32>(slot, L.USER_SET_HASH), L.USER_SET_NEXT);
  store<u32>(slot, set, L.USER_SET_HASH);
  return set;
}

/** The set with one memcg more. NO_SET: the table is full. */
function union(set: u32, memcg: u32): u32 {
  if (!set || lastOf(set) < memcg) return intern(set, memcg);
  if (lastOf(set) == memcg) return set;
  let rest = union(restOf(set), memcg);
  if (rest == restOf(set)) return set;
  return rest == NO_SET ? NO_SET : intern(rest, lastOf(set));
}

/** A task of `memcg` uses the folio. What finds the table full is counted; the folio keeps its set. */
export function noteUse(frame: u32, memcg: u32): void {
  let set = load<u32>(userAt(frame));
  if (set & L.USER_MADE_FOR) set = 0;
  if (!memcg || (set && lastOf(set) == memcg)) return;
  let more: u32;
  if (get(L.USERS_LAST_SET) == set && get(L.USERS_LAST_MEMCG) == memcg) more = get(L.USERS_LAST_UNION);
  else {
    more = union(set, memcg);
    if (more != NO_SET) {
      put(L.USERS_LAST_SET, set);
      put(L.USERS_LAST_MEMCG, memcg);
      put(L.USERS_LAST_UNION, more);
    }
  }
  if (more == set) return;
  if (more == NO_SET) {
    headerSet64(L.H_USERS + L.USERS_LOST, headerGet64(L.H_USERS + L.USERS_LOST) + 1);
    return;
  }
  if (set) addPages(set, -1);
  addPages(more, 1);
  store<u32>(userAt(frame), more);
  put(L.USERS_STALE, 1);
}

/** The folio is new, made for a task of `memcg`: until somebody uses it, it counts as used there. */
export function noteMade(frame: u32, memcg: u32): void {
  store<u32>(userAt(frame), memcg | L.USER_MADE_FOR);
}

/** The folio is free: nobody uses it. */
export function forgetUse(frame: u32): void {
  let set = load<u32>(userAt(frame));
  if (!set) return;
  if (!(set & L.USER_MADE_FOR)) addPages(set, -1);
  store<u32>(userAt(frame), 0);
  put(L.USERS_STALE, 1);
}

// --- shares

@inline function memcgRecord(memcg: u32): usize {
  return userMemcgBase + <usize>memcg * L.USER_MEMCG_STRIDE;
}

/** Each page split evenly among those who use it: USER_SHARE of every memcg, pages. */
export function workOutShares(): void {
  if (!userSetsEnd || !get(L.USERS_STALE)) return;
  for (let memcg: u32 = 0; memcg < headerGet(L.H_MEMCG_END); memcg++) store<f64>(memcgRecord(memcg), 0, L.USER_SHARE);
  for (let set: u32 = 1; set <= get(L.USERS_SETS); set++) {
    let pages = load<i64>(setAt(set), L.USER_SET_PAGES);
    if (!pages) continue;
    let share = <f64>pages / <f64>sizeOf(set);
    for (let s = set; s; s = restOf(s)) {
      let at = memcgRecord(lastOf(s));
      store<f64>(at, load<f64>(at, L.USER_SHARE) + share, L.USER_SHARE);
    }
  }
  put(L.USERS_STALE, 0);
}

/**
 * Pages that the memcg and those below it would be charged for if each page were split among its users: their shares, and what is charged
 * to them beside user pages (kernel memory, stocks).
 */
function ownUse(memcg: u32): f64 {
  let use = <f64>(pageCounterRead(memoryCounter(memcg)) - userPages(memcg));
  for (let m = memcg; m; m = nextInSubtree(m, memcg)) use += load<f64>(memcgRecord(m), L.USER_SHARE);
  return use;
}

/** User pages that are charged to it and to those below it. */
function userPages(memcg: u32): i64 {
  return statTotal(memcg, L.STAT_ANON) + statTotal(memcg, L.STAT_FILE) + statTotal(memcg, L.STAT_SHMEM);
}

/** Own use, and that of all above, would leave room for `pages` more: a limit that strikes here strikes an innocent. */
function isInnocent(memcg: u32, pages: u32): bool {
  workOutShares();
  for (let m = memcg; m && m != ROOT; m = parentOf(m)) {
    let limit = load<i64>(memoryCounter(m), L.PC_MAX);
    // Sums of thirds are no whole numbers.
    if (ownUse(m) + <f64>pages > <f64>limit + 0.001) return false;
  }
  return true;
}

/** A charge of `pages` asks for a kill. */
@inline export function noteAsked(pages: u32): void {
  put(L.USERS_ASKED, pages);
}

/** A process is killed. */
export function noteKilled(process: u32): void {
  let memcg = taskMemcg(process);
  if (!isInnocent(memcg, max<u32>(1, get(L.USERS_ASKED)))) return;
  let at = memcgRecord(memcg);
  store<u64>(at, load<u64>(at, L.USER_KILLS) + 1, L.USER_KILLS);
}

/** … and the choice is kept as record `kill` of the table. */
export function noteKill(kill: u32, victim: u32): void {
  let at = userKillBase + <usize>kill * L.USER_KILL_STRIDE;
  let memcg = taskMemcg(victim);
  store<u32>(at, isInnocent(memcg, max<u32>(1, get(L.USERS_ASKED))) ? 1 : 0, L.USER_KILL_INNOCENT);
  store<f64>(at, ownUse(memcg), L.USER_KILL_USE);
  store<i64>(at, load<i64>(memoryCounter(memcg), L.PC_MAX), L.USER_KILL_LIMIT);
}

/**
 * A charge of `pages` that `task` made ends in an error. A worker's hits whom it works for; one without a task `memcg`, which was to
 * pay.
 */
export function noteRefused(task: u32, memcg: u32, pages: u32): void {
  // Who is killed has that counted.
  if (task && isKilled(task)) return;
  let active = task ? load<u32>(taskAt(task), L.TASK_ACTIVE_MEMCG) : 0;
  let hit = active ? active : task ? taskMemcg(task) : memcg;
  if (!isInnocent(hit, pages)) return;
  let at = memcgRecord(hit);
  store<u64>(at, load<u64>(at, L.USER_ERRORS) + 1, L.USER_ERRORS);
}

// --- flows

/** Pages are owed by `to` instead of `from` from now on. */
export function noteFlow(from: u32, to: u32, pages: i64): void {
  let gone = memcgState(from) != L.MEMCG_ONLINE;
  let offline = answer(L.POLICY_OFFLINE);
  let kind = answer(L.POLICY_SHARE) == L.SHARE_COMMON_ANCESTOR ? L.FLOW_MOVED : L.FLOW_RECHARGED;
  if (offline == L.OFFLINE_RELEASE && from == ROOT) kind = L.FLOW_CLAIMED;
  else if (offline == L.OFFLINE_RELEASE && gone && to == ROOT) kind = L.FLOW_RELEASED;
  else if (gone && to == parentOf(from)) kind = L.FLOW_REPARENTED;
  addFlow(kind, from, to, pages);
}

/** FLOW_* */
export function addFlow(kind: u32, from: u32, to: u32, pages: i64): void {
  let slot = (from * 0x9e3779b1 + to * 0x85ebca6b + kind) % L.NR_FLOWS;
  for (let i: u32 = 0; i < L.NR_FLOWS; i++) {
    let at = flowBase + <usize>((slot + i) % L.NR_FLOWS) * L.FLOW_STRIDE;
    let found = load<u32>(at, L.FLOW_KIND);
    if (!found) {
      store<u32>(at, kind, L.FLOW_KIND);
      store<u32>(at, from, L.FLOW_FROM);
      store<u32>(at, to, L.FLOW_TO);
      put(L.USERS_FLOWS, get(L.USERS_FLOWS) + 1);
    } else if (found != kind || load<u32>(at, L.FLOW_FROM) != from || load<u32>(at, L.FLOW_TO) != to) continue;
    store<i64>(at, load<i64>(at, L.FLOW_PAGES) + pages, L.FLOW_PAGES);
    return;
  }
  headerSet64(L.H_USERS + L.USERS_FLOWS_LOST, headerGet64(L.H_USERS + L.USERS_FLOWS_LOST) + <u64>pages);
}
