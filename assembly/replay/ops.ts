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
export const NR_OPS: u32 = 29;

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
/** mkdir: the cgroup existed before the trace began; what it was charged then is unknown. */
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
export const NR_KNOBS: u32 = 8;
