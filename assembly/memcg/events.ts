// memory.events and memory.events.local. include/linux/memcontrol.h: __memcg_memory_event().
import * as L from '../layout';
import { eventBase, headerGet, memcgAt, ROOT } from '../memory';

@inline function at(memcg: u32, event: u32, part: u32): usize {
  return eventBase + <usize>memcg * L.EVENT_STRIDE + part + (event << 3);
}

/** Raises an event at a memcg: local there, total there and at every ancestor below the root. */
export function memcgEvent(memcg: u32, event: u32): void {
  if (memcg == ROOT) return;
  atomic.add<u64>(at(memcg, event, L.EVENT_LOCAL), 1);
  if (headerGet(L.H_MOUNT) & L.MOUNT_LOCALEVENTS) {
    atomic.add<u64>(at(memcg, event, L.EVENT_TOTAL), 1);
    return;
  }
  for (let m = memcg; m != ROOT; m = load<u32>(memcgAt(m), L.MEMCG_PARENT)) atomic.add<u64>(at(m, event, L.EVENT_TOTAL), 1);
}

export function eventCount(memcg: u32, event: u32, local: bool): u64 {
  return atomic.load<u64>(at(memcg, event, local ? L.EVENT_LOCAL : L.EVENT_TOTAL));
}

/** Counts `n` (pages, ns) at the memcg alone, in a local row. */
export function countLocal(memcg: u32, event: u32, n: u64): void {
  atomic.add<u64>(at(memcg, event, L.EVENT_LOCAL), n);
}
