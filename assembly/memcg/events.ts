// memory.events and memory.events.local. include/linux/memcontrol.h: __memcg_memory_event().
import * as L from '../layout';
import { eventBase, headerGet, memcgAt, nrWorkers, ROOT } from '../memory';

@inline function at(memcg: u32, event: u32, part: u32): usize {
  return eventBase + <usize>memcg * L.EVENT_STRIDE + part + (event << 3);
}

/** Atomic where several workers may count at once; alone, a plain addition is as good, and stops nothing else that is under way. */
@inline function add(counter: usize, n: u64): void {
  if (nrWorkers > 1) atomic.add<u64>(counter, n);
  else store<u64>(counter, load<u64>(counter) + n);
}

/** Raises an event at a memcg: local there, total there and at every ancestor below the root. */
export function memcgEvent(memcg: u32, event: u32): void {
  if (memcg == ROOT) return;
  add(at(memcg, event, L.EVENT_LOCAL), 1);
  if (headerGet(L.H_MOUNT) & L.MOUNT_LOCALEVENTS) {
    add(at(memcg, event, L.EVENT_TOTAL), 1);
    return;
  }
  for (let m = memcg; m != ROOT; m = load<u32>(memcgAt(m), L.MEMCG_PARENT)) add(at(m, event, L.EVENT_TOTAL), 1);
}

export function eventCount(memcg: u32, event: u32, local: bool): u64 {
  return atomic.load<u64>(at(memcg, event, local ? L.EVENT_LOCAL : L.EVENT_TOTAL));
}

/** Counts `n` (pages, ns) at the memcg alone, in a local row. */
export function countLocal(memcg: u32, event: u32, n: u64): void {
  add(at(memcg, event, L.EVENT_LOCAL), n);
}
