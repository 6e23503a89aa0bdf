/**
 * The event schema: columns, op names, knob names. The numbers live in assembly/replay/ops.ts, which the engine reads too.
 * A trace is an Arrow IPC file or stream with these columns and the metadata of {@link traceMetadata}.
 */
import * as ops from '../../assembly/replay/ops.ts';

export const SCHEMA_VERSION = '1';

/** Op names, indexed by the engine's op code; 0 is no op. */
export const OP_NAMES: readonly string[] = [
  '',
  'mkdir',
  'rmdir',
  'offline',
  'attach',
  'write_knob',
  'spawn',
  'fork',
  'exec',
  'exit',
  'return_to_user',
  'progress',
  'kmem_charge',
  'kmem_free',
  'page_alloc',
  'page_free',
  'charge',
  'uncharge',
  'uncharge_flush',
  'split',
  'migrate',
  'swap_out',
  'swap_free',
  'reclaim',
  'mark_victim',
  'resident',
  'scope_enter',
  'scope_leave',
  'mark',
  'object_new',
  'object_free',
  'anon_touch',
  'anon_free',
  'map',
  'unmap',
  'file_access',
  'file_dirty',
  'truncate',
  'mlock',
  'munlock',
  'sync',
  'drop_caches',
  'oom_score_adj',
  'initial',
  'mount',
  'umount',
  'domain',
  'cred',
  'setns',
  'grant',
  'loop_configure',
  'loop_io',
  'map_update',
  'map_delete',
  'prog_load',
  'reopen',
  'recharge',
  'lock',
  'unlock',
];

/** Types of object (count column of `object_new`), by the names that `inspect` prints. */
export const OBJECT_TYPES: readonly string[] = ['', 'file', 'shmem', 'block', 'bpf_map', 'bpf_prog', 'super'];

/** Op code by name. */
export const OP_CODES: ReadonlyMap<string, number> = new Map(
  OP_NAMES.map((name, code) => [name, code] as const).filter(([name]) => name !== ''),
);

/** Control files that `write_knob` knows, with their ids. */
export const KNOB_IDS: ReadonlyMap<string, number> = new Map([
  ['memory.max', ops.KNOB_MAX],
  ['memory.high', ops.KNOB_HIGH],
  ['memory.low', ops.KNOB_LOW],
  ['memory.min', ops.KNOB_MIN],
  ['memory.swap.max', ops.KNOB_SWAP_MAX],
  ['memory.swap.high', ops.KNOB_SWAP_HIGH],
  ['memory.oom.group', ops.KNOB_OOM_GROUP],
]);

/** The "max" of a limit: floor(LONG_MAX / 4096) pages (include/linux/page_counter.h). */
export const PAGE_COUNTER_MAX = 2251799813685247n;
export const PAGE_SIZE = 4096;

/** Dense id of the root cgroup in every trace; 0 is none. */
export const ROOT_CGROUP = 1;

/** High-water marks of the ids of a trace: what `boot` must be given, at least, to replay it. */
export interface HighWater {
  /** highest frame number + 1 */
  pages: number;
  cgroups: number;
  tasks: number;
  objects: number;
  swap: number;
  cpus: number;
}
