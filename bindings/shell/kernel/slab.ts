/** Slab objects that somebody pays for: inodes and dentries. mm/slab.h: memcg_slab_pre_alloc_hook(). */
import type { KernelObject } from '../../live.ts';
import type { Machine } from '../../machine.ts';
import type { Caller } from './vfs.ts';

/** An object, and the cgroup that was charged for it; 0: nobody was. */
export interface SlabObject {
  readonly payer: number;
  readonly object: KernelObject;
}

/** The pointer to its owner that an accounted object has beside it. obj_full_size() */
const OWNER_BYTES = 8;

/** Strides of slab caches in bytes: objsize of /proc/slabinfo, Debian's user-mode-linux 6.1. */
const STRIDES = {
  dentry: 192,
  shmem_inode_cache: 720,
  ext4_inode_cache: 1088,
} as const;

/** A node of the page cache's trees (radix_tree_node), a buffer head: what `Machine.boot` is told to charge for them. Bytes. */
export const CACHE_NODE_BYTES = 584 + OWNER_BYTES;
export const BUFFER_HEAD_BYTES = 104 + OWNER_BYTES;

/** What is charged for an object of a cache; `how` reclaim can have it. */
export function slabOf(
  cache: keyof typeof STRIDES,
  how: { reclaimable?: boolean; pinned?: boolean } = {},
): KernelObject {
  return { kind: 'slab', bytes: STRIDES[cache] + OWNER_BYTES, ...how };
}

/** kmem_cache_alloc() with __GFP_ACCOUNT, on behalf of the caller. SyscallError ENOMEM. */
export function allocate(caller: Caller, object: KernelObject): SlabObject {
  const { machine } = caller.kernel;
  const payer = caller.task === 0 ? 0 : machine.engine.kmemPayer(caller.task);
  if (payer !== 0) caller.charge((m, task, cpu) => m.chargeKmem(task, object, cpu));
  return { payer, object };
}

/** kmem_cache_free(). */
export function free(machine: Machine, { payer, object }: SlabObject): void {
  if (payer !== 0) machine.freeKmem(payer, object);
}
