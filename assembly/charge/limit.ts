// A limit below the usage: the write itself reclaims towards it. mm/memcontrol.c: memory_max_write(), memory_high_write().
import { MAX_RECLAIM_RETRIES } from '../constants';
import { memoryCounter, pageCounterRead } from '../counter/page-counter';
import { awaitWriteback } from '../folio/writeback';
import * as L from '../layout';
import { memcgEvent } from '../memcg/events';
import { headerGet, nrCpus } from '../memory';
import { KNOB_HIGH, KNOB_MAX } from '../replay/ops';
import { tryToFree } from '../reclaim/scan';
import { isDying, outOfMemory, victimsDie } from './oom';

/** After `knob` was written (and the stocks were drained): reclaims until the usage is below it, and for memory.max kills. */
export function enforceLimit(task: u32, cpu: u32, memcg: u32, knob: u32): void {
  if (knob != KNOB_MAX && knob != KNOB_HIGH) return;
  let counter = memoryCounter(memcg);
  let limit = load<i64>(counter + (knob == KNOB_MAX ? L.PC_MAX : L.PC_HIGH));
  let retries = MAX_RECLAIM_RETRIES;
  for (;;) {
    let over = pageCounterRead(counter) - limit;
    if (over <= 0 || isDying(task)) return;
    if (retries || knob == KNOB_HIGH) {
      let pages = <u32>min<i64>(over, i32.MAX_VALUE);
      if (tryToFree(task, cpu, memcg, pages, L.SCAN_MAY_SWAP, headerGet(L.H_SWAPPINESS))) continue;
      // memory_high_write() tries once more.
      if (retries-- == 0) return;
      continue;
    }
    if (awaitWriteback(memcg)) {
      retries = MAX_RECLAIM_RETRIES;
      continue;
    }
    memcgEvent(memcg, L.EVENT_OOM);
    if (!outOfMemory(task, memcg)) return;
    // Nothing takes time here but the victim's death. (A writer who is the victim has a signal pending, and stops.) One CPU has no time
    // for it before the killer is asked again.
    if (nrCpus > 1 && !isDying(task)) victimsDie(cpu);
  }
}
