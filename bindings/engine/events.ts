/** The ring of events: what the engine noted (assembly/ring.ts), as objects. */
import * as L from '../../assembly/layout.ts';
import { errnoName } from './errno.ts';

/** A page: of an object at a page offset, or (object 0) of the private memory of `task`'s address space at a virtual page number. */
interface PageOf {
  object: number;
  task: number;
  index: number;
}

/** Cgroups and tasks by id; `ts` in ns. */
export type MachineEvent =
  /** a page left memory: to the swap slot `slot`, or (0) it was clean and is dropped */
  | ({ type: 'evicted'; ts: bigint; cgroup: number; slot: number } & PageOf)
  /** it is back; `active`: missed so soon that it is active at once */
  | ({ type: 'refaulted'; ts: bigint; cgroup: number; active: boolean } & PageOf)
  /** memory.high made a task sleep for `ns` */
  | { type: 'throttled'; ts: bigint; cgroup: number; task: number; ns: number }
  /** a charge of `pages` failed */
  | { type: 'refused'; ts: bigint; cgroup: number; task: number; pages: number; errno: string }
  /** the OOM killer took the task, for the limit of `cgroup`; `group`: the cgroup that went whole, 0 = none */
  | { type: 'killed'; ts: bigint; cgroup: number; task: number; group: number }
  /** `pages` of kernel memory changed hands when `cgroup` went offline; or those of `object`, since another cgroup touched them */
  | { type: 'moved'; ts: bigint; cgroup: number; to: number; pages: number; object?: number };

/** The event at byte address `at`. */
export function eventAt(memory: ArrayBufferLike, at: number): MachineEvent {
  const view = new DataView(memory as ArrayBuffer, at, L.RING_STRIDE);
  const word = (field: number) => view.getUint32(field, true);
  const ts = view.getBigUint64(L.RING_TS, true);
  const value = Number(view.getBigUint64(L.RING_VALUE, true));
  const cgroup = word(L.RING_MEMCG);
  const task = word(L.RING_TASK);
  const a = word(L.RING_A);
  const page = { object: word(L.RING_OBJECT), task, index: value };
  switch (word(L.RING_TYPE)) {
    case L.RING_EVICTED:
      return { type: 'evicted', ts, cgroup, slot: a, ...page };
    case L.RING_REFAULTED:
      return { type: 'refaulted', ts, cgroup, active: a !== 0, ...page };
    case L.RING_THROTTLED:
      return { type: 'throttled', ts, cgroup, task, ns: value };
    case L.RING_REFUSED:
      return { type: 'refused', ts, cgroup, task, pages: value, errno: errnoName(a) };
    case L.RING_KILLED:
      return { type: 'killed', ts, cgroup, task, group: a };
    default:
      return { type: 'moved', ts, cgroup, to: a, pages: value, ...(page.object ? { object: page.object } : {}) };
  }
}
