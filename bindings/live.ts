/** What a program does, in calls of a machine with modelled residency: one call is one entry into the kernel. */

/** What came of a call. */
export interface CallResult {
  /** pages of user memory that were charged, to whomever; kernel memory is not among them */
  charged: number;
  /**
   * `ENOSPC`: a tmpfs is full, or (by policy) who was chosen to pay for it. `EACCES`, `ENOENT` of a mount: who asks may not charge that
   * cgroup, or does not see it; nothing was done. `ENOMEM`: a limit refused, and nobody could be killed for it; what was done until then stays done. `ESRCH`: the task has exited, or
   * was killed before.
   */
  errno?: string;
  /** by policy: of a page fault that whoever was chosen to pay cannot pay for; the task goes on, as one that handles the signal does */
  signal?: 'SIGBUS';
  /** of an access that ended early: pages that it came through */
  done?: number;
  /** the OOM killer took the task, now or before */
  killed?: true;
}

/** Columns of a row of a trace; what an op does not use is 0. */
export interface EventColumns {
  cpu: number;
  task: number;
  cgroup: number;
  object: number;
  index: number;
  count: number;
  flags: number;
  gfp: number;
}

/** Pages of a task's private memory. */
export interface AnonRange {
  /** virtual page number of the first */
  vpn: number | bigint;
  /** how many; 1 unless told */
  pages?: number;
}

/** Pages of an object. */
export interface ObjectRange {
  /** page offset of the first */
  index: number | bigint;
  /** how many; 1 unless told */
  pages?: number;
}

/** By a mapping (`fault`), or else by read(2) or write(2). */
export interface Access extends ObjectRange {
  write?: boolean;
  fault?: boolean;
  /** the mapping is executable */
  exec?: boolean;
  /** of shmem: a read of what was never written makes no page */
  holes?: boolean;
  /** of a mapping: MADV_RANDOM, nothing is read ahead */
  random?: boolean;
}

export type ObjectType = 'file' | 'shmem' | 'block' | 'bpf_map' | 'bpf_prog';

/** How an object came to be. */
export interface Making {
  /** who makes it; 0: nobody known */
  task?: number;
  /** the mount that it is of; 0: none */
  mount?: number;
  /** the cgroup that is chosen to pay for it; 0: none */
  payer?: number;
}

/** Kernel memory that is counted by the byte. */
export type ObjectKind = 'slab' | 'percpu';
/** Kernel memory that is counted by the page. */
export type PageKind = 'kernel_stack' | 'pagetable' | 'vmalloc' | 'other';

/** An object of kernel memory. */
export interface KernelObject {
  kind: ObjectKind;
  /** what is charged for it: with the pointer to its owner (8 bytes) that Linux adds to slab objects */
  bytes: number;
  /** slab that reclaim can take back, such as dentries: it joins its memcg's list, oldest first */
  reclaimable?: boolean;
  /** … and has been used again since: reclaim passes it over once */
  referenced?: boolean;
  /** reclaimable slab that is in use for as long as it lives, as dentries of tmpfs are: it is on no list */
  pinned?: boolean;
}

/** Whole kernel pages. */
export interface KernelPages {
  kind: PageKind;
  /** number of the first: the model takes frames of its own for them */
  frame: number | bigint;
  /** 2^order pages, 0 to 9; 0 unless told */
  order?: number;
}

/** What the structures of a memory cgroup are charged to its parent (mem_cgroup_alloc()). */
export interface MemcgCost {
  /** bytes a CPU of vmstats_percpu and lruvec_stats_percpu: 1064 and 688 in Debian's 6.1 */
  percpu?: readonly number[];
  /** bytes charged for slab objects, such as vmstats and lruvec_stats in 6.18 */
  slab?: readonly number[];
}

/** Options of the mount of cgroup2 that change what memory cgroups do; the names are the kernel's. */
export const MOUNT_OPTIONS = ['memory_recursiveprot', 'memory_localevents', 'memory_hugetlb_accounting'] as const;
export type MountOption = (typeof MOUNT_OPTIONS)[number];
