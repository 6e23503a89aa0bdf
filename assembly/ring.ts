// What happened, for an embedder: a ring of records that Machine.drain() takes out. Without a capacity `ring` every hook is one test.
// Where nobody drains, the oldest are overwritten and counted; replay stops before a row for which there may be no room.
import * as L from './layout';
import { folioAt, headerGet, headerGet64, headerSet64, placeBase, ringBase, ringEnd, userSetsEnd } from './memory';
import { addFlow, noteRefused } from './observe/users';
import { KIND_ANON } from './replay/ops';

/** Room for what a row may do beside two events a page. */
const ROW_EVENTS: u64 = 512;

/** False: the ring holds events that a row of `pages` pages could overwrite. (One that is empty has done what it can.) */
export function ringRoom(pages: u32): bool {
  let used = headerGet64(L.H_RING_HEAD) - headerGet64(L.H_RING_TAIL);
  return !used || !headerGet(L.H_RING_WAITS) || <u64>ringEnd - used >= 2 * <u64>pages + ROW_EVENTS;
}

function note(type: u32, memcg: u32, object: u32, task: u32, a: u32, value: u64): void {
  let head = headerGet64(L.H_RING_HEAD);
  let tail = headerGet64(L.H_RING_TAIL);
  if (head - tail == <u64>ringEnd) {
    headerSet64(L.H_RING_TAIL, tail + 1);
    headerSet64(L.H_RING_LOST, headerGet64(L.H_RING_LOST) + 1);
  }
  let at = ringBase + <usize>(head % <u64>ringEnd) * L.RING_STRIDE;
  store<u64>(at, headerGet64(L.H_NOW), L.RING_TS);
  store<u64>(at, value, L.RING_VALUE);
  store<u32>(at, type, L.RING_TYPE);
  store<u32>(at, memcg, L.RING_MEMCG);
  store<u32>(at, object, L.RING_OBJECT);
  store<u32>(at, task, L.RING_TASK);
  store<u32>(at, a, L.RING_A);
  headerSet64(L.H_RING_HEAD, head + 1);
}

/** An event about a page, told by its frame's place. */
function notePage(type: u32, frame: u32, memcg: u32, a: u32): void {
  let place = load<u64>(placeBase + (<usize>frame << 3));
  if ((load<u32>(folioAt(frame), L.FOLIO_STATE) & L.STATE_KIND_MASK) == KIND_ANON)
    note(type, memcg, 0, <u32>(place >> L.PLACE_MM_SHIFT), a, place & ((<u64>1 << L.PLACE_MM_SHIFT) - 1));
  else note(type, memcg, <u32>(place >> 32), 0, a, place & 0xffffffff);
}

/** A page left memory; `slot` of swap has it now, 0: none, it was clean. */
export function ringEvicted(frame: u32, memcg: u32, slot: u32): void {
  if (ringEnd) notePage(L.RING_EVICTED, frame, memcg, slot);
}

/** A page that was evicted is back; `active`: it was missed so soon that it is active at once. */
export function ringRefaulted(frame: u32, memcg: u32, active: bool): void {
  if (ringEnd) notePage(L.RING_REFAULTED, frame, memcg, active ? 1 : 0);
}

/** memory.high made a task sleep. */
export function ringThrottled(task: u32, memcg: u32, ns: u64): void {
  if (ringEnd) note(L.RING_THROTTLED, memcg, 0, task, 0, ns);
}

/** A charge of `pages` failed. */
export function ringRefused(task: u32, memcg: u32, pages: u32, errno: i32): void {
  if (userSetsEnd) noteRefused(task, memcg, pages);
  if (ringEnd) note(L.RING_REFUSED, memcg, 0, task, <u32>errno, pages);
}

/** The OOM killer took a process, for the limit of `over`. */
export function ringKilled(task: u32, over: u32, group: u32): void {
  if (ringEnd) note(L.RING_KILLED, over, 0, task, group, 0);
}

/** A page of an object has another owner: another cgroup touched it. */
export function ringPageMoved(frame: u32, from: u32, to: u32, pages: u32): void {
  if (ringEnd) note(L.RING_MOVED, from, <u32>(load<u64>(placeBase + (<usize>frame << 3)) >> 32), 0, to, pages);
}

/** Pages of kernel memory are owed by another cgroup from now on. */
export function ringMoved(from: u32, to: u32, pages: u64): void {
  if (userSetsEnd && pages) addFlow(L.FLOW_REPARENTED, from, to, <i64>pages);
  if (ringEnd && pages) note(L.RING_MOVED, from, 0, 0, to, pages);
}
