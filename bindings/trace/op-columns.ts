/** Which columns and flags each op uses: the tables of docs/trace-format.md as numbers. */
import * as O from '../../assembly/replay/ops.ts';
import { OP_CODES } from './schema.ts';

/** What is in a column of an op. */
export interface OpColumns {
  /** a task must be named */
  task: boolean;
  /** `''`: not used; `new`: gets its id here; `known`: was introduced; `own`: as known, 0 is the task's own */
  cgroup: '' | 'new' | 'known' | 'own';
  /** `object+`: must not be 0; `swappiness`: of memory.reclaim */
  object: '' | 'object' | 'object+' | 'newObject' | 'parent' | 'child' | 'victim' | 'swap' | 'swappiness';
  /** `adjustment`: -1000 to 1000, and 1000 */
  index: '' | 'frame' | 'number' | 'adjustment';
  /** `some`: at least 1 */
  count: '' | 'number' | 'some' | 'frame' | 'type' | 'knob' | 'drop';
  flags: number;
  gfp: boolean;
  name: '' | 'may' | 'must';
}

const NONE: OpColumns = {
  task: false,
  cgroup: '',
  object: '',
  index: '',
  count: '',
  flags: 0,
  gfp: false,
  name: '',
};

const ORDER = O.FLAG_ORDER_MASK;
const KIND = O.FLAG_KIND_MASK << O.FLAG_KIND_SHIFT;
const { FLAG_IRQ, FLAG_EXISTING, FLAG_WRITE, FLAG_SHARED, FLAG_FAULT, FLAG_READAHEAD, FLAG_EXEC } = O;

const TABLE: Record<string, Partial<OpColumns>> = {
  mkdir: { cgroup: 'new', object: 'parent', index: 'number', flags: FLAG_EXISTING, name: 'must' },
  rmdir: { cgroup: 'known', flags: O.FLAG_OFFLINE_FOLLOWS },
  offline: { cgroup: 'known' },
  attach: { task: true, cgroup: 'known' },
  write_knob: { cgroup: 'known', object: 'swappiness', index: 'number', count: 'knob', name: 'must' },
  spawn: { task: true, cgroup: 'own', index: 'number', flags: O.FLAG_KERNEL_THREAD, name: 'may' },
  fork: { task: true, object: 'child', index: 'number', flags: O.FLAG_THREAD, name: 'may' },
  exec: { task: true, name: 'may' },
  exit: { task: true },
  return_to_user: { task: true },
  progress: { task: true, flags: O.FLAG_RECLAIM | FLAG_IRQ },
  mark_victim: { object: 'victim' },
  object_new: { cgroup: 'own', object: 'newObject', index: 'number', count: 'type', flags: KIND, name: 'may' },
  object_free: { object: 'object+', index: 'number' },
  anon_touch: { task: true, index: 'number', count: 'some', flags: FLAG_WRITE },
  anon_free: { task: true, index: 'number', count: 'some' },
  file_access: {
    task: true,
    object: 'object+',
    index: 'number',
    count: 'some',
    flags: FLAG_WRITE | FLAG_FAULT | FLAG_READAHEAD | FLAG_EXEC,
  },
  file_dirty: { object: 'object+', index: 'number', count: 'some' },
  map: { task: true, object: 'object', index: 'number', count: 'some', flags: FLAG_WRITE | FLAG_SHARED | FLAG_EXEC },
  unmap: { task: true, object: 'object+', index: 'number', count: 'number' },
  truncate: { object: 'object+', index: 'number', count: 'number' },
  mlock: { task: true, object: 'object', index: 'number', count: 'some', flags: O.FLAG_ONFAULT },
  munlock: { task: true, object: 'object', index: 'number', count: 'some' },
  sync: { object: 'object' },
  drop_caches: { count: 'drop' },
  oom_score_adj: { task: true, index: 'adjustment' },
  page_alloc: { index: 'frame', flags: ORDER | FLAG_IRQ, gfp: true },
  page_free: { index: 'frame', flags: ORDER | FLAG_IRQ },
  charge: {
    cgroup: 'own',
    object: 'object',
    index: 'frame',
    count: 'number',
    flags: ORDER | KIND | FLAG_EXISTING | FLAG_IRQ,
    gfp: true,
  },
  uncharge: { cgroup: 'own', index: 'frame', flags: ORDER | FLAG_IRQ },
  uncharge_flush: { flags: FLAG_IRQ },
  split: { index: 'frame', flags: ORDER },
  migrate: { index: 'frame', count: 'frame', flags: ORDER },
  resident: { object: 'object+', index: 'frame', count: 'number' },
  kmem_charge: {
    cgroup: 'own',
    index: 'number',
    count: 'number',
    flags: O.FLAG_BY_FRAME | ORDER | KIND | FLAG_EXISTING | FLAG_IRQ | O.FLAG_RECLAIMABLE | O.FLAG_REFERENCED,
    gfp: true,
  },
  kmem_free: {
    cgroup: 'own',
    index: 'number',
    count: 'number',
    flags: O.FLAG_BY_FRAME | O.FLAG_IN_CHARGE | ORDER | KIND | FLAG_IRQ | O.FLAG_RECLAIMABLE,
  },
  swap_out: { object: 'swap', index: 'frame', count: 'some', flags: FLAG_EXISTING },
  swap_free: { object: 'swap', count: 'some' },
  reclaim: { count: 'number', flags: O.FLAG_BEGIN },
  initial: { cgroup: 'known', index: 'number', flags: KIND },
  mark: { name: 'must' },
  scope_enter: { task: true, cgroup: 'known' },
  scope_leave: { task: true },
  mount: { cgroup: 'own', object: 'newObject', count: 'number', name: 'may' },
  umount: { object: 'object+' },
  domain: { cgroup: 'own', object: 'object', index: 'number', name: 'may' },
  cred: { cgroup: 'own', index: 'number' },
  setns: { task: true, cgroup: 'own' },
  grant: { cgroup: 'known', index: 'number' },
  loop_configure: { object: 'object+', index: 'number', count: 'number' },
  loop_io: { task: true, cgroup: 'own', object: 'object+', index: 'number', count: 'some', flags: FLAG_WRITE },
  map_update: { object: 'object+', index: 'number', count: 'number', flags: KIND, gfp: true },
  map_delete: { object: 'object+', index: 'number' },
  prog_load: { task: true, object: 'object+', count: 'number', gfp: true },
  reopen: { task: true, object: 'object+' },
  recharge: { cgroup: 'own', object: 'object' },
  lock: { task: true, index: 'number' },
  unlock: { task: true, index: 'number' },
};

/** By op code; op 0, and ops without a row, use nothing. Every op may say that it was concluded. */
export const OP_COLUMNS: readonly OpColumns[] = (() => {
  const table: OpColumns[] = Array.from({ length: O.NR_OPS }, () => ({ ...NONE, flags: O.FLAG_INFERRED }));
  for (const [name, columns] of Object.entries(TABLE)) {
    // Any row may be a part of a system call that goes on.
    const flags = (columns.flags ?? 0) | O.FLAG_INFERRED | O.FLAG_IN_CALL;
    table[OP_CODES.get(name)!] = { ...NONE, ...columns, flags };
  }
  return table;
})();

/** All flags that version 1 knows. */
export const KNOWN_FLAGS = ((1 << 26) - 1) | O.FLAG_RECLAIMABLE | O.FLAG_REFERENCED;
/** All gfp bits that version 1 knows. */
export const KNOWN_GFP = (1 << 7) - 1;
