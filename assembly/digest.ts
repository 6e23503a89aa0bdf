// A 64-bit hash of the logical state in a canonical order: ids ascending, lists from tail to head. Capacities, addresses, log
// positions and the number of workers do not enter, so that equal machines have equal digests wherever and however they ran.

import { NEVER } from './constants';
import { memoryCounter, swapCounter } from './counter/page-counter';
import { swapOwner } from './folio/swap';
import * as L from './layout';
import { eventCount } from './memcg/events';
import { unseen } from './memcg/before';
import { memcgState } from './memcg/memcg';
import { statLocal } from './memcg/stat';
import { cpuAt, folioAt, headerGet, headerGet64, memcgAt, nrCpus, objcgAt, taskAt } from './memory';
import { mix64, seedOf } from './random';
import { frameAt, listAt, walkUp } from './reclaim/lru';
import { KIND_STOCK } from './replay/ops';

@inline function fold(hash: u64, value: u64): u64 {
  return mix64((hash ^ value) + 0x9e3779b97f4a7c15);
}

function foldCounter(hash: u64, counter: usize): u64 {
  for (let field: u32 = L.PC_USAGE; field <= L.PC_LOCAL_WATERMARK; field += 8) hash = fold(hash, load<u64>(counter + field));
  hash = fold(hash, load<u64>(counter, L.PC_MAX));
  for (let field: u32 = L.PC_HIGH; field <= L.PC_CHILDREN_LOW_USAGE; field += 8) hash = fold(hash, load<u64>(counter + field));
  return hash;
}

function foldMemcg(hash: u64, memcg: u32): u64 {
  let at = memcgAt(memcg);
  hash = fold(hash, (<u64>memcg << 32) | memcgState(memcg));
  hash = fold(hash, (<u64>load<u32>(at, L.MEMCG_PARENT) << 32) | load<u32>(at, L.MEMCG_NR_TASKS));
  hash = fold(hash, load<u32>(at, L.MEMCG_OOM_GROUP));
  hash = fold(hash, load<u64>(at, L.MEMCG_KERNEL_ID));
  hash = foldCounter(hash, memoryCounter(memcg));
  hash = foldCounter(hash, swapCounter(memcg));
  let objcg = objcgAt(memcg);
  hash = fold(hash, load<u64>(objcg, L.OBJCG_MEMCG)); // and nr_charged_bytes
  hash = fold(hash, load<u64>(objcg, L.OBJCG_BYTES));
  hash = fold(hash, load<u64>(objcg, L.OBJCG_PAGES));
  for (let event: u32 = 0; event < L.NR_EVENTS; event++) {
    hash = fold(hash, eventCount(memcg, event, true));
    hash = fold(hash, eventCount(memcg, event, false));
  }
  for (let stat: u32 = 0; stat < L.NR_STATS; stat++) hash = fold(hash, <u64>statLocal(memcg, stat));
  for (let kind: u32 = 0; kind <= KIND_STOCK; kind++) hash = fold(hash, unseen(memcg, kind));
  hash = fold(hash, load<u32>(at, L.MEMCG_HAD_KERNEL));
  for (let which: u32 = 0; which < L.NR_LRU_LISTS; which++) {
    let list = listAt(memcg, which);
    for (let at = walkUp(list, 0); at; at = walkUp(list, at)) hash = fold(hash, frameAt(at));
    hash = fold(hash, which);
  }
  return hash;
}

/** A CPU that never did anything leaves no trace, so that spare CPUs do not matter. */
function foldCpu(hash: u64, cpu: u32): u64 {
  let at = cpuAt(cpu);
  let flushAt = load<u64>(at, L.CPU_FLUSH_AT);
  let random = load<u64>(at, L.CPU_RANDOM);
  let used = flushAt != NEVER || load<u64>(at, L.CPU_OBJ_FLUSH_AT) != NEVER || random != seedOf(cpu, headerGet(L.H_SEED));
  for (let field: u32 = 0; field < L.CPU_FLUSH_AT; field += 8) used = used || load<u64>(at + field) != 0;
  if (!used) return hash;
  hash = fold(hash, cpu);
  for (let field: u32 = 0; field < L.CPU_STRIDE; field += 8) hash = fold(hash, load<u64>(at + field));
  return hash;
}

export function stateDigest(): u64 {
  let hash = fold(headerGet(L.H_KERNEL), headerGet64(L.H_NOW));
  hash = fold(hash, headerGet64(L.H_ROOT_DRIFT));
  for (let cpu: u32 = 0; cpu < nrCpus; cpu++) hash = foldCpu(hash, cpu);
  for (let memcg: u32 = 1; memcg < headerGet(L.H_MEMCG_END); memcg++) if (memcgState(memcg) != L.MEMCG_FREE) hash = foldMemcg(hash, memcg);
  for (let task: u32 = 1; task < headerGet(L.H_TASK_END); task++) {
    let at = taskAt(task);
    if (load<u32>(at, L.TASK_STATE) == L.TASK_FREE) continue;
    hash = fold(hash, task);
    for (let field: u32 = 0; field < L.TASK_STRIDE; field += 8) hash = fold(hash, load<u64>(at + field));
  }
  for (let frame: u32 = 1; frame < headerGet(L.H_PAGE_END); frame++) {
    let at = folioAt(frame);
    let word = load<u32>(at, L.FOLIO_CHARGE);
    let waiter = load<u32>(at, L.FOLIO_WAITER);
    if (!word && !waiter) continue;
    hash = fold(hash, (<u64>frame << 32) | word);
    hash = fold(hash, (<u64>waiter << 32) | load<u32>(at, L.FOLIO_STATE));
  }
  for (let entry: u32 = 1; entry < headerGet(L.H_SWAP_END); entry++) {
    let memcg = swapOwner(entry);
    if (memcg) hash = fold(hash, (<u64>entry << 32) | memcg);
  }
  return hash;
}
