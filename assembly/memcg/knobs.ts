// Writes to the control files that hold a number of pages. mm/memcontrol.c: memory_max_write(), memory_high_write(), …

import { EINVAL, ENOENT } from '../constants';
import { memoryCounter, pageCounterRead, pageCounterSetProtection, swapCounter } from '../counter/page-counter';
import { drainAllStock } from '../counter/stock';
import * as L from '../layout';
import { memcgAt, outOfRange, ROOT } from '../memory';
import { overLimitWritten } from '../policy/over';
import { KNOB_HIGH, KNOB_LOW, KNOB_MAX, KNOB_MIN, KNOB_OOM_GROUP, KNOB_RECLAIM, KNOB_SWAP_HIGH, KNOB_SWAP_MAX } from '../replay/ops';
import { memcgExists } from './memcg';

/** Stores a limit. A usage above the new max or high first gets the stocks back: they are charged, but nobody uses them. */
function setLimit(memcg: u32, field: u32, pages: i64, cpu: u32): void {
  let counter = memoryCounter(memcg);
  store<i64>(counter + field, pages);
  if (pageCounterRead(counter) > pages) drainAllStock(memcg, cpu);
  if (field == L.PC_MAX) overLimitWritten(memcg);
}

/** `value` in pages (oom.group: 0 or 1). The root has none of these files. */
export function writeKnob(memcg: u32, knob: u32, value: i64, cpu: u32): i32 {
  // memory.reclaim is no setting, and the root has it: what it does is reclaim/proactive.ts, in modelled residency alone.
  if (knob == KNOB_RECLAIM) return memcgExists(memcg) ? 0 : outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  if (!memcgExists(memcg) || memcg == ROOT) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  if (knob == KNOB_MAX) setLimit(memcg, L.PC_MAX, value, cpu);
  else if (knob == KNOB_HIGH) setLimit(memcg, L.PC_HIGH, value, cpu);
  else if (knob == KNOB_LOW) pageCounterSetProtection(memoryCounter(memcg), L.PC_LOW, value);
  else if (knob == KNOB_MIN) pageCounterSetProtection(memoryCounter(memcg), L.PC_MIN, value);
  else if (knob == KNOB_SWAP_MAX) store<i64>(swapCounter(memcg), value, L.PC_MAX);
  else if (knob == KNOB_SWAP_HIGH) store<i64>(swapCounter(memcg), value, L.PC_HIGH);
  else if (knob == KNOB_OOM_GROUP) store<u32>(memcgAt(memcg), value != 0 ? 1 : 0, L.MEMCG_OOM_GROUP);
  else return outOfRange(L.FIELD_COUNT, knob, EINVAL);
  return 0;
}

/** What a knob reads: pages, PAGE_COUNTER_MAX for "max". */
export function readKnob(memcg: u32, knob: u32): i64 {
  if (knob == KNOB_MAX) return load<i64>(memoryCounter(memcg), L.PC_MAX);
  if (knob == KNOB_HIGH) return load<i64>(memoryCounter(memcg), L.PC_HIGH);
  if (knob == KNOB_LOW) return load<i64>(memoryCounter(memcg), L.PC_LOW);
  if (knob == KNOB_MIN) return load<i64>(memoryCounter(memcg), L.PC_MIN);
  if (knob == KNOB_SWAP_MAX) return load<i64>(swapCounter(memcg), L.PC_MAX);
  if (knob == KNOB_SWAP_HIGH) return load<i64>(swapCounter(memcg), L.PC_HIGH);
  return load<u32>(memcgAt(memcg), L.MEMCG_OOM_GROUP);
}
