// How far, for how long and why a memcg is above its memory.max: the fourth question (Overrun) and row K6 of debate 5. It follows from the
// counters alone, so that whoever charges past a limit need only say why. While nobody is over (H_OVER), an uncharge asks one word;
// a charge that fits asks nothing, since it changes no level that is over.
import { differs } from '../audit';
import { memoryCounter, pageCounterRead } from '../counter/page-counter';
import * as L from '../layout';
import { parentOf } from '../memcg/memcg';
import { headerGet, headerGet64, headerSet, policyMemcgAt, policyTables, ROOT } from '../memory';

/** Pages above memory.max; 0 where it is kept. */
export function pagesOver(memcg: u32): i64 {
  let counter = memoryCounter(memcg);
  return max<i64>(0, pageCounterRead(counter) - load<i64>(counter, L.PC_MAX));
}

/** What a memcg was over until now is added up, and how far it is now is noted. */
function settle(memcg: u32): void {
  let at = policyMemcgAt(memcg);
  let before = load<i64>(at, L.PM_OVER);
  let over = pagesOver(memcg);
  if (!before && !over) return;
  // A charge that waits for kworkers runs ahead of its row's time (memcgOom()), and comes back to it.
  let since = load<u64>(at, L.PM_OVER_SINCE);
  let now = headerGet64(L.H_NOW);
  if (before) {
    now = max<u64>(now, since);
    store<u64>(at, load<u64>(at, L.PM_OVER_PAGE_NS) + <u64>before * (now - since), L.PM_OVER_PAGE_NS);
  }
  store<u64>(at, now, L.PM_OVER_SINCE);
  store<i64>(at, over, L.PM_OVER);
  store<i64>(at, max<i64>(over, load<i64>(at, L.PM_OVER_PEAK)), L.PM_OVER_PEAK);
  if (!before) headerSet(L.H_OVER, headerGet(L.H_OVER) + 1);
  else if (!over) headerSet(L.H_OVER, headerGet(L.H_OVER) - 1);
}

/** The memory counter of `memcg` and its ancestors has changed otherwise than by a charge that fits. */
export function overChanged(memcg: u32): void {
  if (!policyTables) return;
  for (let m = memcg; m > ROOT; m = parentOf(m)) settle(m);
}

/** Pages were charged to `memcg` whatever the limits, for a reason FORCED_*: those above a level's limit are noted there. */
export function noteForced(memcg: u32, pages: i64, reason: u32): void {
  if (!policyTables) return;
  for (let m = memcg; m > ROOT; m = parentOf(m)) {
    let past = min<i64>(pages, pagesOver(m));
    let at = policyMemcgAt(m) + (reason << 3);
    if (past) store<i64>(at, load<i64>(at, L.PM_FORCED) + past, L.PM_FORCED);
  }
}

/** memory.max was written: what is above the new one counts as FORCED_LIMIT, if it was not among the `before` pages above the old one. */
export function overLimitWritten(memcg: u32, before: i64): void {
  if (!policyTables) return;
  settle(memcg);
  let more = load<i64>(policyMemcgAt(memcg), L.PM_OVER) - before;
  let at = policyMemcgAt(memcg) + (L.FORCED_LIMIT << 3);
  if (more > 0) store<i64>(at, load<i64>(at, L.PM_FORCED) + more, L.PM_FORCED);
}

/** All figures are brought up to the clock. */
export function overSettle(): void {
  if (!policyTables || !headerGet(L.H_OVER)) return;
  for (let memcg: u32 = ROOT + 1; memcg < headerGet(L.H_MEMCG_END); memcg++) settle(memcg);
}

/** What is noted of every memcg is what its counter says, and so many are over. 0, or AUDIT_OVER. */
export function auditOver(): u32 {
  if (!policyTables) return 0;
  let found: i64 = 0;
  for (let memcg: u32 = ROOT + 1; memcg < headerGet(L.H_MEMCG_END); memcg++) {
    let noted = load<i64>(policyMemcgAt(memcg), L.PM_OVER);
    let code = differs(L.AUDIT_OVER, memcg, pagesOver(memcg), noted);
    if (code) return code;
    if (noted) found++;
  }
  return differs(L.AUDIT_OVER, 0, found, headerGet(L.H_OVER));
}
