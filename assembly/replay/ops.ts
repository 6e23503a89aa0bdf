// The event vocabulary, read by the engine and by the bindings: op codes, flag bits, gfp bits, knob ids.
// No imports and no decorators, so that asc and tsc both accept the file. docs/trace-format.md has a row per op.

// --- op codes: the engine's own numbers. A trace carries names; the reader maps each file's codes to these.
export const OP_MKDIR: u32 = 1;
export const OP_RMDIR: u32 = 2;
export const OP_OFFLINE: u32 = 3;
export const OP_ATTACH: u32 = 4;
export const OP_WRITE_KNOB: u32 = 5;
export const OP_SPAWN: u32 = 6;
export const OP_FORK: u32 = 7;
export const OP_EXEC: u32 = 8;
export const OP_EXIT: u32 = 9;
export const OP_RETURN_TO_USER: u32 = 10;
export const OP_PROGRESS: u32 = 11;
export const OP_KMEM_CHARGE: u32 = 12;
export const OP_KMEM_FREE: u32 = 13;
export const OP_PAGE_ALLOC: u32 = 14;
export const OP_PAGE_FREE: u32 = 15;
export const OP_CHARGE: u32 = 16;
export const OP_UNCHARGE: u32 = 17;
export const OP_UNCHARGE_FLUSH: u32 = 18;
export const OP_SPLIT: u32 = 19;
export const OP_MIGRATE: u32 = 20;
export const OP_SWAP_OUT: u32 = 21;
export const OP_SWAP_FREE: u32 = 22;
export const OP_RECLAIM: u32 = 23;
export const OP_MARK_VICTIM: u32 = 24;
export const OP_RESIDENT: u32 = 25;
export const OP_SCOPE_ENTER: u32 = 26;
export const OP_SCOPE_LEAVE: u32 = 27;
export const OP_MARK: u32 = 28;
// what the trace says of accesses: modelled residency decides from these what is resident
export const OP_OBJECT_NEW: u32 = 29;
export const OP_OBJECT_FREE: u32 = 30;
export const OP_ANON_TOUCH: u32 = 31;
export const OP_ANON_FREE: u32 = 32;
export const OP_MAP: u32 = 33;
export const OP_UNMAP: u32 = 34;
export const OP_FILE_ACCESS: u32 = 35;
export const OP_FILE_DIRTY: u32 = 36;
export const OP_TRUNCATE: u32 = 37;
export const OP_MLOCK: u32 = 38;
export const OP_MUNLOCK: u32 = 39;
export const OP_SYNC: u32 = 40;
export const OP_DROP_CACHES: u32 = 41;
export const OP_OOM_SCORE_ADJ: u32 = 42;
export const OP_INITIAL: u32 = 43;
// what charging policies answer to: see docs/trace-format.md
export const OP_MOUNT: u32 = 44;
export const OP_UMOUNT: u32 = 45;
export const OP_DOMAIN: u32 = 46;
export const OP_CRED: u32 = 47;
export const OP_SETNS: u32 = 48;
export const OP_GRANT: u32 = 49;
export const OP_LOOP_CONFIGURE: u32 = 50;
export const OP_LOOP_IO: u32 = 51;
export const OP_MAP_UPDATE: u32 = 52;
export const OP_MAP_DELETE: u32 = 53;
export const OP_PROG_LOAD: u32 = 54;
export const OP_REOPEN: u32 = 55;
export const OP_RECHARGE: u32 = 56;
export const OP_LOCK: u32 = 57;
export const OP_UNLOCK: u32 = 58;
export const NR_OPS: u32 = 59;

// --- flags column
/** bits 0–4: order of the folio or of the page allocation (0–9 for a charge). */
export const FLAG_ORDER_MASK: u32 = 0x1f;
/** bits 5–8: what the charged memory is, one of KIND_*. */
export const FLAG_KIND_SHIFT: u32 = 5;
export const FLAG_KIND_MASK: u32 = 0xf;
/** The event ran in interrupt context: `task` is merely the task that was interrupted. */
export const FLAG_IRQ: u32 = 1 << 9;
/** kmem_charge, kmem_free: whole pages named by frame (index, order) instead of bytes (count). */
export const FLAG_BY_FRAME: u32 = 1 << 10;
/** mkdir: the cgroup existed before the trace began. charge, kmem_charge, swap_out: so did what is charged: no limit is asked. */
export const FLAG_EXISTING: u32 = 1 << 11;
/** rmdir: the css goes offline later, by an `offline` event of its own. */
export const FLAG_OFFLINE_FOLLOWS: u32 = 1 << 12;
/** fork: the child is a thread; it shares the mm of `task`. */
export const FLAG_THREAD: u32 = 1 << 13;
/** reclaim: begin (set) or end (clear). */
export const FLAG_BEGIN: u32 = 1 << 14;
/** progress: seen inside reclaim or on a path that frees; says nothing about a charge that waits. */
export const FLAG_RECLAIM: u32 = 1 << 15;

/** kmem_free: it may have run inside the task's preceding charge (a softirq), and then it came first. */
export const FLAG_IN_CHARGE: u32 = 1 << 16;
/** spawn: a kernel thread, without an mm; its page cache is charged to the root, its kernel memory to nobody. */
export const FLAG_KERNEL_THREAD: u32 = 1 << 17;
/** anon_touch, file_access, map: for writing. */
export const FLAG_WRITE: u32 = 1 << 18;
/** file_access: through a mapping, which maps the page from then on; else by a system call. */
export const FLAG_FAULT: u32 = 1 << 19;
/** file_access: brought in ahead of use. */
export const FLAG_READAHEAD: u32 = 1 << 20;
/** The importer concluded this row from others; no line of the recording says it. No effect on replay. */
export const FLAG_INFERRED: u32 = 1 << 21;
/** map: shared (MAP_SHARED); else private. */
export const FLAG_SHARED: u32 = 1 << 22;
/** map, file_access with FAULT: the mapping is executable. */
export const FLAG_EXEC: u32 = 1 << 23;
/** mlock: pages are locked as they are faulted in (MLOCK_ONFAULT); without it they are brought in at once. */
export const FLAG_ONFAULT: u32 = 1 << 24;

/** The system call goes on after this row: the task is not back in user mode until a row without it, or `return_to_user`. */
export const FLAG_IN_CALL: u32 = 1 << 25;
/** kmem_charge, kmem_free of slab bytes: an object that reclaim can take back (a dentry, an inode), on its memcg's list. */
export const FLAG_RECLAIMABLE: u32 = 1 << 26;
/** kmem_charge with RECLAIMABLE: it has been used again since; reclaim passes it over once. */
export const FLAG_REFERENCED: u32 = 1 << 27;

/** file_access of a mapping by a live call: MADV_RANDOM, nothing is read ahead. */
export const FLAG_RANDOM: u32 = 1 << 30;
/** file_access of shmem by a live call: a read of what was never written makes no page. */
export const FLAG_HOLES: u32 = 1 << 28;
/** kmem_charge, kmem_free of RECLAIMABLE slab by a live call: it is in use, and on no list (a dentry of tmpfs). */
export const FLAG_PINNED: u32 = 1 << 29;

export const KIND_ANON: u32 = 0;
export const KIND_FILE: u32 = 1;
export const KIND_SHMEM: u32 = 2;
export const KIND_KERNEL_STACK: u32 = 3;
export const KIND_PAGETABLE: u32 = 4;
export const KIND_SLAB: u32 = 5;
export const KIND_PERCPU: u32 = 6;
export const KIND_VMALLOC: u32 = 7;
export const KIND_KERNEL_OTHER: u32 = 8;
/** kmem_charge, kmem_free: buffers of a socket; `count` is pages, `cgroup` the memcg that the socket was made in. */
export const KIND_SOCK: u32 = 9;
export const NR_KINDS: u32 = 10;
/** initial: what no statistic explains, which is what CPUs held in stock. */
export const KIND_STOCK: u32 = 10;
/** In no row: what KIND_SLAB with FLAG_RECLAIMABLE is to the engine. */
export const KIND_SLAB_RECLAIMABLE: u32 = 11;

// --- gfp column: the few properties of a gfp mask that the charge path reads (include/linux/gfp_types.h)
export const GFP_DIRECT_RECLAIM: u32 = 1 << 0;
export const GFP_KSWAPD_RECLAIM: u32 = 1 << 1;
export const GFP_HIGH: u32 = 1 << 2;
export const GFP_NOFAIL: u32 = 1 << 3;
export const GFP_NORETRY: u32 = 1 << 4;
export const GFP_RETRY_MAYFAIL: u32 = 1 << 5;
export const GFP_ACCOUNT: u32 = 1 << 6;
export const GFP_KERNEL: u32 = 3;

// --- knob ids (count column of write_knob). Values are in pages; PAGE_COUNTER_MAX is "max".
export const KNOB_MAX: u32 = 1;
export const KNOB_HIGH: u32 = 2;
export const KNOB_LOW: u32 = 3;
export const KNOB_MIN: u32 = 4;
export const KNOB_SWAP_MAX: u32 = 5;
export const KNOB_SWAP_HIGH: u32 = 6;
export const KNOB_OOM_GROUP: u32 = 7;
/** memory.reclaim: index = pages; object = swappiness + 1 (RECLAIM_SWAPPINESS_MAX + 1 = "max"), 0 where none was written. */
export const KNOB_RECLAIM: u32 = 8;
export const NR_KNOBS: u32 = 9;
/** "swappiness=max": anonymous memory only (SWAPPINESS_ANON_ONLY, include/linux/swap.h). */
export const RECLAIM_SWAPPINESS_MAX: u32 = 201;

// --- types of object (count column of object_new)
export const OBJECT_FILE: u32 = 1;
/** tmpfs file, memfd, System V segment, shared anonymous mapping */
export const OBJECT_SHMEM: u32 = 2;
/** a block device's own page cache */
export const OBJECT_BLOCK: u32 = 3;
/** a BPF map: its pages are kernel memory (folio/bpf.ts) */
export const OBJECT_BPF_MAP: u32 = 4;
export const OBJECT_BPF_PROG: u32 = 5;
/** the super block of a mount: it has no pages, but a limit and a payer */
export const OBJECT_SUPER: u32 = 6;
export const NR_OBJECT_TYPES: u32 = 7;

// --- marks of a resource (index column of `domain` that names an object): which domain it is for
export const MARK_NONE: u32 = 0;
export const MARK_PERSISTENT: u32 = 1;
export const MARK_SHARED: u32 = 2;
/** Ids of domain names begin here; a domain without a name is DOMAIN_UNNAMED. */
export const MARK_NAMED: u32 = 16;
export const DOMAIN_UNNAMED: u32 = 1;

// --- what hugeCall() does (no row of a trace has it)
export const HUGE_MAP: u32 = 0;
export const HUGE_READ: u32 = 1;
export const HUGE_WRITE: u32 = 2;
export const HUGE_UNMAP: u32 = 3;
