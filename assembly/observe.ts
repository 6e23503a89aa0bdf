// What can be watched while the engine runs. Nothing hot depends on it: counters are touched once per 64 charges, and the
// one test of a header word is all that an unwatched run pays.
import * as L from './layout';
import { counterBase, headerGet, headerGet64, headerSet, memcgOfCounter, watchBase, watchEnd } from './memory';

@inline export function watching(): bool {
  return headerGet(L.H_WATCH_ON) != 0;
}

/** True while fewer than `entries` more changes fit: replay stops in time, so that the log never loses one. */
@inline export function watchRoom(entries: u32): bool {
  return headerGet(L.H_WATCH_LENGTH) + entries <= watchEnd;
}

/** Notes one change of one memory counter: at what time, by whom, which level, and what it read afterwards. */
export function watch(counter: usize, start: usize, usage: i64, delta: i64, kind: u32): void {
  if ((counter - counterBase) % (L.NR_COUNTERS * L.COUNTER_STRIDE) != 0) return; // swap
  let n = headerGet(L.H_WATCH_LENGTH);
  if (n >= watchEnd) return;
  let at = watchBase + <usize>n * L.WATCH_STRIDE;
  store<u64>(at, headerGet64(L.H_NOW), L.WATCH_TS);
  store<i64>(at, usage, L.WATCH_USAGE);
  store<u32>(at, memcgOfCounter(counter), L.WATCH_MEMCG);
  store<u32>(at, memcgOfCounter(start), L.WATCH_START);
  store<i32>(at, <i32>delta, L.WATCH_DELTA);
  store<u32>(at, kind, L.WATCH_KIND);
  store<u32>(at, headerGet(L.H_CURRENT_TASK), L.WATCH_TASK);
  store<u32>(at, headerGet(L.H_CURRENT_CPU), L.WATCH_CPU);
  headerSet(L.H_WATCH_LENGTH, n + 1);
}
