// memory.high: noticed when a charge goes to the counters, paid for on the return to user mode. mm/memcontrol.c:
// try_charge_memcg() (from done_restock on), reclaim_high(), __mem_cgroup_handle_over_high().
import { MAX_RECLAIM_RETRIES, MEMCG_CHARGE_BATCH, NS_PER_S, SWAP_CLUSTER_MAX } from '../constants';
import { memoryCounter, pageCounterRead, swapCounter } from '../counter/page-counter';
import * as L from '../layout';
import { countLocal, memcgEvent } from '../memcg/events';
import { parentOf } from '../memcg/memcg';
import { headerGet, headerGet64, headerSet64, kernel61, mmAt, policyOn, ROOT, taskAt } from '../memory';
import { backcharging } from '../policy/backcharge';
import { memstall, memstallReclaim } from '../psi';
import { tryToFree } from '../reclaim/scan';
import { GFP_DIRECT_RECLAIM } from '../replay/ops';
import { ringThrottled } from '../ring';
import { folioPayer, taskMemcg } from '../task/task';
import { isDying } from './oom';

const MEMCG_DELAY_PRECISION_SHIFT: u64 = 20;
const MEMCG_DELAY_SCALING_SHIFT: u64 = 14;

@inline function isOverHigh(counter: usize): bool {
  return pageCounterRead(counter) > load<i64>(counter, L.PC_HIGH);
}

/** A charge of `batch` pages went to the counters: the first level that is over its high makes the task remember it. */
export function checkHigh(task: u32, cpu: u32, memcg: u32, batch: u32, gfp: u32): void {
  for (let m = memcg; m && m != ROOT; m = parentOf(m)) {
    let over = isOverHigh(memoryCounter(m));
    if (!task) {
      // In an interrupt: a kworker reclaims soon after (high_work_func()); the charge is done already, so that it may be now.
      if (!over) continue;
      reclaimHigh(0, cpu, m, MEMCG_CHARGE_BATCH);
      return;
    }
    if (!over && !isOverHigh(swapCounter(m))) continue;
    store<u32>(mmAt(task), load<u32>(mmAt(task), L.TASK_OVER_HIGH) + batch, L.TASK_OVER_HIGH);
    break;
  }
  // (What is charged afterwards holds up nobody but its issuer.)
  if (task && load<u32>(mmAt(task), L.TASK_OVER_HIGH) > MEMCG_CHARGE_BATCH && gfp & GFP_DIRECT_RECLAIM && !(policyOn && backcharging()))
    handleOverHigh(task, cpu);
}

/** reclaim_high(): every level that is over its high counts the event and gives pages. */
function reclaimHigh(task: u32, cpu: u32, memcg: u32, pages: u32): u32 {
  let reclaimed: u32 = 0;
  for (let m = memcg; m && m != ROOT; m = parentOf(m)) {
    if (!isOverHigh(memoryCounter(m))) continue;
    memcgEvent(m, L.EVENT_HIGH);
    let got = tryToFree(task, cpu, m, pages, L.SCAN_MAY_SWAP, headerGet(L.H_SWAPPINESS));
    memstallReclaim(task, got);
    reclaimed += got;
  }
  return reclaimed;
}

/** calculate_overage() */
@inline function overage(counter: usize): u64 {
  let usage = <u64>pageCounterRead(counter);
  let high = <u64>load<i64>(counter, L.PC_HIGH);
  return usage <= high ? 0 : ((usage - high) << MEMCG_DELAY_PRECISION_SHIFT) / max<u64>(high, 1);
}

/** mem_find_max_overage(): the worst level. */
function worstMemory(memcg: u32): u64 {
  let worst: u64 = 0;
  for (let m = memcg; m && m != ROOT; m = parentOf(m)) worst = max<u64>(worst, overage(memoryCounter(m)));
  return worst;
}

/** swap_find_max_overage(): each level that is over its swap.high counts that as an event. */
function worstSwap(memcg: u32): u64 {
  let worst: u64 = 0;
  for (let m = memcg; m && m != ROOT; m = parentOf(m)) {
    let over = overage(swapCounter(m));
    if (over) memcgEvent(m, L.EVENT_SWAP_HIGH);
    worst = max<u64>(worst, over);
  }
  return worst;
}

/** calculate_high_delay(), in jiffies: grows with the square of the overage, and with the pages charged. */
function delay(pages: u32, worst: u64): u64 {
  let jiffies = ((worst * worst * <u64>headerGet(L.H_HZ)) >> MEMCG_DELAY_PRECISION_SHIFT) >> MEMCG_DELAY_SCALING_SHIFT;
  return (jiffies * pages) / MEMCG_CHARGE_BATCH;
}

/** __mem_cgroup_handle_over_high(): reclaim, and if that does not help, sleep: at most 2 s, and not for 10 ms or less. */
export function handleOverHigh(task: u32, cpu: u32): void {
  let pages = load<u32>(mmAt(task), L.TASK_OVER_HIGH);
  store<u32>(mmAt(task), 0, L.TASK_OVER_HIGH);
  // get_mem_cgroup_from_mm(): a task without an mm has its active memcg, or the root.
  let memcg = folioPayer(task, load<u32>(taskAt(task), L.TASK_MM) != 0);
  let hz = <u64>headerGet(L.H_HZ);
  let retries = MAX_RECLAIM_RETRIES;
  let wanted = pages;
  for (;;) {
    if (!kernel61 && isDying(task)) return;
    let reclaimed = reclaimHigh(task, cpu, memcg, wanted);
    let penalty = delay(pages, worstMemory(memcg));
    penalty = min<u64>(penalty + delay(pages, worstSwap(memcg)), 2 * hz);
    if (penalty <= hz / 100) return;
    if (!reclaimed && retries-- == 0) {
      // schedule_timeout_killable(): who is dying does not sleep.
      if (!isDying(task)) throttle(task, (penalty * NS_PER_S) / hz);
      return;
    }
    wanted = SWAP_CLUSTER_MAX;
  }
}

/**
 * The task sleeps for `ns`; if it is asleep still, from the end of that on. The times of the trace stand: what it does later it does at
 * its recorded time all the same.
 */
export function throttle(task: u32, ns: u64): void {
  let memcg = taskMemcg(task);
  let begin = max<u64>(headerGet64(L.H_NOW), load<u64>(mmAt(task), L.TASK_SLEEP_END));
  store<u64>(mmAt(task), begin + ns, L.TASK_SLEEP_END);
  headerSet64(L.H_THROTTLED_NS, headerGet64(L.H_THROTTLED_NS) + ns);
  countLocal(memcg, L.EVENT_THROTTLED_NS, ns);
  ringThrottled(task, memcg, ns);
  memstall(task, ns);
}
