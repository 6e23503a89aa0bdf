// memory.high: noticed when a charge goes to the counters, paid for on the return to user mode. mm/memcontrol.c:
// try_charge_memcg() (from done_restock on), reclaim_high(), __mem_cgroup_handle_over_high().
import { MAX_RECLAIM_RETRIES, MEMCG_CHARGE_BATCH, SWAP_CLUSTER_MAX } from '../constants';
import { memoryCounter, pageCounterRead } from '../counter/page-counter';
import * as L from '../layout';
import { memcgEvent } from '../memcg/events';
import { parentOf } from '../memcg/memcg';
import { headerGet, headerGet64, headerSet64, mmAt, ROOT, taskAt } from '../memory';
import { memstall, memstallReclaim } from '../psi';
import { tryToFree } from '../reclaim/scan';
import { GFP_DIRECT_RECLAIM } from '../replay/ops';
import { taskMemcg } from '../task/task';
import { isDying } from './oom';

/** Jiffies a second of the kernel that is modelled. */
const HZ: u64 = 250;
const MEMCG_DELAY_PRECISION_SHIFT: u64 = 20;
const MEMCG_DELAY_SCALING_SHIFT: u64 = 14;
const MEMCG_MAX_HIGH_DELAY: u64 = 2 * HZ;

@inline function isOverHigh(memcg: u32): bool {
  let counter = memoryCounter(memcg);
  return pageCounterRead(counter) > load<i64>(counter, L.PC_HIGH);
}

/** A charge of `batch` pages went to the counters: the first level that is over its high makes the task remember it. */
export function checkHigh(task: u32, cpu: u32, memcg: u32, batch: u32, gfp: u32): void {
  for (let m = memcg; m && m != ROOT; m = parentOf(m)) {
    if (!isOverHigh(m)) continue;
    if (!task) {
      // high_work_func(), in its own time
      reclaimHigh(0, cpu, m, MEMCG_CHARGE_BATCH);
      return;
    }
    store<u32>(mmAt(task), load<u32>(mmAt(task), L.TASK_OVER_HIGH) + batch, L.TASK_OVER_HIGH);
    break;
  }
  if (task && load<u32>(mmAt(task), L.TASK_OVER_HIGH) > MEMCG_CHARGE_BATCH && gfp & GFP_DIRECT_RECLAIM) handleOverHigh(task, cpu);
}

/** reclaim_high(): every level that is over its high counts the event and gives pages. */
function reclaimHigh(task: u32, cpu: u32, memcg: u32, pages: u32): u32 {
  let reclaimed: u32 = 0;
  for (let m = memcg; m && m != ROOT; m = parentOf(m)) {
    if (!isOverHigh(m)) continue;
    memcgEvent(m, L.EVENT_HIGH);
    let got = tryToFree(task, cpu, m, pages, L.SCAN_MAY_SWAP, headerGet(L.H_SWAPPINESS));
    memstallReclaim(task, got);
    reclaimed += got;
  }
  return reclaimed;
}

/** calculate_overage() of the worst level. */
function worstOverage(memcg: u32): u64 {
  let worst: u64 = 0;
  for (let m = memcg; m && m != ROOT; m = parentOf(m)) {
    let counter = memoryCounter(m);
    let usage = <u64>pageCounterRead(counter);
    let high = <u64>load<i64>(counter, L.PC_HIGH);
    if (usage <= high) continue;
    worst = max<u64>(worst, ((usage - high) << MEMCG_DELAY_PRECISION_SHIFT) / max<u64>(high, 1));
  }
  return worst;
}

/** calculate_high_delay(), in jiffies: grows with the square of the overage, and with the pages charged. */
function delay(pages: u32, overage: u64): u64 {
  let jiffies = ((overage * overage * HZ) >> MEMCG_DELAY_PRECISION_SHIFT) >> MEMCG_DELAY_SCALING_SHIFT;
  return min<u64>((jiffies * pages) / MEMCG_CHARGE_BATCH, MEMCG_MAX_HIGH_DELAY);
}

/** __mem_cgroup_handle_over_high(): reclaim, and if that does not help, sleep. The sleep is counted; the trace's times stand. */
export function handleOverHigh(task: u32, cpu: u32): void {
  let pages = load<u32>(mmAt(task), L.TASK_OVER_HIGH);
  store<u32>(mmAt(task), 0, L.TASK_OVER_HIGH);
  let mm = load<u32>(taskAt(task), L.TASK_MM);
  let memcg = mm ? taskMemcg(mm) : ROOT;
  let retries = MAX_RECLAIM_RETRIES;
  let wanted = pages;
  for (;;) {
    if (isDying(task)) return;
    let reclaimed = reclaimHigh(task, cpu, memcg, wanted);
    let penalty = delay(pages, worstOverage(memcg));
    if (penalty <= HZ / 100) return;
    if (!reclaimed && retries-- == 0) {
      headerSet64(L.H_THROTTLED_NS, headerGet64(L.H_THROTTLED_NS) + penalty * (1000000000 / HZ));
      memstall(task, penalty * (1000000000 / HZ));
      return;
    }
    wanted = SWAP_CLUSTER_MAX;
  }
}
