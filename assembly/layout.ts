// The memory map. All state of a machine lies in one linear memory, in the regions below, at offsets that follow from the
// capacities alone. asc and tsc both read this file: no imports, no decorators; f64 because in both languages it is exact
// up to 2^53, so that "does not fit in 4 GiB" can be computed instead of wrapping.
//
//   0        1024     HEADER_END   CPU_BASE                                                total ≤ 4 GiB
//   | unused | header | ten columns | cpu counter memcg objcg event list task stat chunk swap folio log watch audit
//                                     object mm map node nodeuse place lruvec shadow slot folioslot slotcache inode write reader psi
//                                     psicpu psitask kill ring lock locked lru_add shrink huge node_owner bond policy_memcg loop_worker
//                                     users user_set cross |
//
// A region starts on a 128-byte line and holds `count` records of one stride. Record 0 is never used: id 0 is none. What every
// event touches (header, staged columns, CPUs) begins at a constant address: a constant is part of the instruction, a variable
// base costs a register and an addition each time.

/** Two cache lines: the span that x86's adjacent-line prefetcher makes two writers share. */
export const LINE: u32 = 128;
export const WASM_PAGE: u32 = 65536;
export const MEMORY_MAX: f64 = 4294967296;

// ---------------------------------------------------------------------------------------------- header
export const HEADER: u32 = 1024;
export const HEADER_END: u32 = 4096;
export const MAGIC: u32 = 0x4743434d; // "MCCG"
export const LAYOUT_VERSION: u32 = 3;

export const H_MAGIC: u32 = 0;
export const H_VERSION: u32 = 4;
// capacities (u32), in the order of CAP_*: room for 16
export const H_CAPACITY: u32 = 1088;
export const CAP_PAGES: u32 = 0;
export const CAP_CGROUPS: u32 = 1;
export const CAP_TASKS: u32 = 2;
export const CAP_CPUS: u32 = 3;
export const CAP_WORKERS: u32 = 4;
export const CAP_SWAP: u32 = 5;
export const CAP_WATCH: u32 = 6;
export const CAP_OBJECTS: u32 = 7;
export const CAP_MAPS: u32 = 8;
export const CAP_NODES: u32 = 9;
export const CAP_KILLS: u32 = 10;
export const CAP_RING: u32 = 11;
export const CAP_POLICIES: u32 = 12;
export const CAP_OBSERVE: u32 = 13;
export const NR_CAPACITIES: u32 = 14;
// profile
export const H_KERNEL: u32 = 48; // KERNEL_6_18 | KERNEL_6_1
export const H_SEED: u32 = 52;
export const KERNEL_6_18: u32 = 0;
export const KERNEL_6_1: u32 = 1;
// clock and timers (u64 nanoseconds)
export const H_NOW: u32 = 56;
export const H_NEXT_TIMER: u32 = 64;
// tables
export const H_MEMCG_END: u32 = 72; // one past the highest memcg id in use
export const H_TASK_END: u32 = 76;
export const H_PAGE_END: u32 = 80; // one past the highest frame ever charged
export const H_SWAP_END: u32 = 84;
export const H_FREE_CHUNK: u32 = 88; // head of the free list of log chunks
export const H_CHUNKS_USED: u32 = 92;
export const H_ROOT_DRIFT: u32 = 96; // i64 pages that Linux does not take back from the root's counter
// errors
export const H_ERROR_FIELD: u32 = 104; // FIELD_*
export const H_ERROR_VALUE: u32 = 112; // u64
export const H_FULL_TABLE: u32 = 120; // CAP_* of the table that is full
// audit: first discrepancy
export const H_AUDIT_ID: u32 = 124;
export const H_AUDIT_EXPECTED: u32 = 128; // i64
export const H_AUDIT_FOUND: u32 = 136; // i64
// watch log
export const H_WATCH_ON: u32 = 144;
export const H_WATCH_LENGTH: u32 = 148;
// what the recorded driver did (u32 each)
export const H_RECORDED: u32 = 152;
export const RECORDED_PARKED: u32 = 0;
export const RECORDED_UNDONE: u32 = 1;
export const RECORDED_RACED: u32 = 2;
export const RECORDED_FORCED: u32 = 3;
export const RECORDED_ATOMIC_FORCED: u32 = 4;
export const RECORDED_ATOMIC_FAILED: u32 = 5;
export const RECORDED_VICTIM: u32 = 6;
export const RECORDED_ABANDONED: u32 = 7;
export const RECORDED_SOFTIRQ: u32 = 8;
export const RECORDED_UNMATCHED: u32 = 9;
export const RECORDED_LOST_FREE: u32 = 10;
export const RECORDED_UNSEEN: u32 = 11;
export const NR_RECORDED: u32 = 12;
export const H_SINK: u32 = 256; // what group touch reads goes here, so that the reads are not optimised away
export const H_CURRENT_TASK: u32 = 260; // task and cpu of the event at hand, for the watch log
export const H_CURRENT_CPU: u32 = 264;
export const H_CURRENT_ROW: u32 = 268;
export const H_MAX_ORDER: u32 = 272; // largest folio order ever charged: how far a free frame's neighbours must be looked at
// statistics as the kernel shows them
export const H_STATISTICS: u32 = 448; // STATISTICS_*
export const H_STATS_THRESHOLD: u32 = 452; // 6.1: stats_flush_threshold
export const H_STATS_FLUSH_AT: u32 = 456; // u64 ns: the next periodic flush
export const H_STATS_PERIOD: u32 = 464; // u64 ns between two of them
export const STATISTICS_EXACT: u32 = 0;
export const STATISTICS_KERNEL: u32 = 1;
// modelled residency: which frames, nodes and map records are free
export const H_RESIDENCY: u32 = 276; // RESIDENCY_*
export const H_FREE_FRAME: u32 = 280; // head of the free list
export const H_FRAME_END: u32 = 284; // one past the highest frame ever handed out; 0 = none yet
export const H_FREE_NODE: u32 = 288;
export const H_NODE_END: u32 = 292;
export const H_NODES_LEFT: u32 = 296; // nodes that are free, on the list or never used
export const H_FREE_MAP: u32 = 300;
export const H_MAP_END: u32 = 304;
export const H_OBJECT_END: u32 = 308; // one past the highest object id in use
export const H_FREE_SHADOW: u32 = 312;
export const H_SHADOW_END: u32 = 316;
// the reclaim at hand (struct scan_control): one at a time, as there is one worker
export const H_SCAN_TARGET: u32 = 320; // memcg
export const H_SCAN_TO_RECLAIM: u32 = 324;
export const H_SCAN_RECLAIMED: u32 = 328;
export const H_SCAN_PRIORITY: u32 = 332;
export const H_SCAN_FLAGS: u32 = 336; // SCAN_*
export const H_SCAN_SWAPPINESS: u32 = 340;
export const H_SCAN_TASK: u32 = 344; // who reclaims, and where
export const H_SCAN_CPU: u32 = 348;
export const H_SWAPPINESS: u32 = 352; // vm.swappiness
export const H_SWAP_SLOTS: u32 = 356; // of the model's swap device; 0 = no swap
export const H_SWAP_USED: u32 = 360;
export const H_FREE_SLOT: u32 = 900; // head of the free list of swap slots
export const H_SLOT_END: u32 = 904; // one past the highest slot ever handed out; 0 = none yet
export const H_SLOT_CACHES: u32 = 908; // u32 1: freed slots wait in the CPUs' caches (6.1)
export const H_PAGEOUTS: u32 = 912; // of the inactive scan at hand: folios written
export const H_THROTTLED_NS: u32 = 368; // u64: what memory.high made tasks sleep
// kernel statistics: while reclaim handles a batch, what the kernel counts of it at once
export const H_RSTAT_HELD: u32 = 1600; // HOLD_*
export const H_RSTAT_ISOLATED: u32 = 1604; // pages taken off the list
export const H_RSTAT_PGPGOUT: u32 = 1608; // folios uncharged
export const HOLD_LIST: u32 = 1;
export const HOLD_PGPGOUT: u32 = 2;
export const H_SCAN_BATCH: u32 = 768; // u32[32]: folios taken off a list
export const SCAN_MAY_DEACTIVATE_ANON: u32 = 1;
export const SCAN_MAY_DEACTIVATE_FILE: u32 = 2;
export const SCAN_FORCE_DEACTIVATE: u32 = 4;
export const SCAN_SKIPPED_DEACTIVATE: u32 = 8;
export const SCAN_LOW_RECLAIM: u32 = 16;
export const SCAN_LOW_SKIPPED: u32 = 32;
export const SCAN_FULL_WALK: u32 = 64;
export const SCAN_CACHE_TRIM: u32 = 128;
export const SCAN_MAY_SWAP: u32 = 256;
export const SCAN_PROACTIVE: u32 = 512;
export const SCAN_GLOBAL: u32 = 1 << 16; // no memcg is the target: the machine itself is short (!cgroup_reclaim())
export const SCAN_KSWAPD: u32 = 1 << 17;
export const SCAN_FILE_IS_TINY: u32 = 1 << 18;
export const SCAN_NO_CACHE_TRIM: u32 = 1 << 19;
export const SCAN_CACHE_TRIM_FAILED: u32 = 1 << 20;
export const RESIDENCY_RECORDED: u32 = 0;
export const RESIDENCY_MODELLED: u32 = 1;
// pressure stall information (psi.ts): words 1152 to 1279
export const H_COSTS: u32 = 1152; // u32[5] ns, by COST_*
export const COST_SCAN: u32 = 0; // a page that reclaim looks at
export const COST_RECLAIMED: u32 = 1; // a page that it takes, on top
export const COST_SWAP_IN: u32 = 2; // a page read from swap
export const COST_FILE_READ: u32 = 3; // a page read from the disk
export const COST_SLICE: u32 = 4; // not a cost: how long after a row, or a stall, its task is taken to be at work
export const NR_COSTS: u32 = 5;
export const H_SCANNED: u32 = 1172; // u32 pages that the reclaim at hand has looked at, active ones too (H_SCAN_SCANNED: nr_scanned)
export const H_PSI_ON: u32 = 1176; // u32 1: something has stalled
export const H_PSI_QUEUED: u32 = 1180; // u32 tasks whose state will change by itself
export const H_PSI_NOW: u32 = 1184; // u64 ns: the latest time that the trace has told
export const H_PSI_TOTAL: u32 = 1192; // u64[2] ns some, full: what readPressure() answers
export const H_PSI_AVERAGE: u32 = 1208; // u32[6] of 2^11 a percent: some and full over 10, 60 and 300 s
// kills, and the ring of events
export const H_HZ: u32 = 1024; // ticks a second (CONFIG_HZ): a sleep for memory.high is a whole number of them
export const H_KILLS: u32 = 1028; // records in the table of kills
export const H_KILLS_LOST: u32 = 1032; // kills that found it full
export const H_VICTIMS: u32 = 1036; // tasks that the OOM killer took and that have not exited yet
export const H_TASK_ORDER: u32 = 1040; // u64: tasks that ever joined a cgroup, see TASK_JOINED
export const H_RING_HEAD: u32 = 1048; // u64: events ever written
export const H_RING_TAIL: u32 = 1056; // u64: the oldest that is still there
export const H_RING_LOST: u32 = 1064; // u64: events that were overwritten
export const H_RING_WAITS: u32 = 1072; // u32 1: replay stops before a row that could overwrite one
// the live call at hand (replay/call.ts): what it charged, and whether a limit refused it
export const H_CALL_CHARGED: u32 = 1664; // pages
export const H_CALL_REFUSED: u32 = 1668; // 1: by a limit (ENOMEM); CALL_*
export const CALL_NO_SPACE: u32 = 2; // a tmpfs is full, or who was chosen to pay for it
export const CALL_SIGBUS: u32 = 3; // a page fault that cannot be paid for
export const CALL_ERRNO: u32 = 0x100; // + errno: nothing was done
/** Mount options of cgroup2 that differ from those that systemd mounts it with. */
export const H_MOUNT: u32 = 1672; // MOUNT_*
export const MOUNT_NO_RECURSIVEPROT: u32 = 1;
export const MOUNT_LOCALEVENTS: u32 = 2;
export const MOUNT_HUGETLB_ACCOUNTING: u32 = 4;
/** What making a memcg charges to its parent: u32[4] bytes of slab, per-CPU, slab, per-CPU memory. */
export const H_MEMCG_COST: u32 = 1676;
export const NR_MEMCG_COSTS: u32 = 4;
export const H_RELEASE_CHECK: u32 = 1692; // u32 1: a dying memcg has lost a reference
export const H_UNSEEN_STOCK: u32 = 376; // sum over all memcgs of their unseen pages of KIND_STOCK: drains look for none while 0
// dirty pages and their way to the disk (folio/writeback.ts), readahead and fault-around
export const H_WRITE_HEAD: u32 = 1408; // u32 frames: the device's queue
export const H_WRITE_TAIL: u32 = 1412;
export const H_NR_WRITEBACK: u32 = 1416; // pages under writeback
export const H_NR_DIRTY: u32 = 1420; // dirty pages of files
export const H_WRITE_DONE_AT: u32 = 1424; // u64 ns: when the write at the head is done
export const H_WRITE_NS: u32 = 1432; // u64: what the device takes for one page; 0 = no time at all
export const H_WRITEBACK_AT: u32 = 1440; // u64 ns: when device or flusher must run next
export const H_FLUSH_AT: u32 = 1448; // u64 ns: when the flusher looks next
export const H_WRITE_STALL_NS: u32 = 1456; // u64: what tasks waited for the device
export const H_WRITE_CLOCK: u32 = 1464; // u64 ns: how far writeback has come, later than H_NOW where a task waited
export const H_DIRTY_FIRST: u32 = 1472; // u32 objects: the inodes that are dirty, the oldest first
export const H_DIRTY_LAST: u32 = 1476;
export const H_SCAN_DIRTY: u32 = 1484; // folios of files that the scan at hand met dirty or under writeback
export const H_SCAN_CONGESTED: u32 = 1488; // … those of them that it had met before
export const H_SCAN_UNQUEUED: u32 = 1492; // … dirty ones of the batch at hand that nobody writes
export const H_READAHEAD: u32 = 1496; // u32 pages (ra_pages); 0 = off
export const H_FAULT_AROUND: u32 = 1500; // u32 pages, a power of two; 0 or 1 = off
export const H_READER_STAMP: u32 = 1504; // u32 uses of readers
export const H_FREE_LOCK: u32 = 1508; // u32 head of the free list of locked ranges
export const H_LOCK_END: u32 = 1512;
export const H_FLUSHER: u32 = 1480; // u32 1: there is a flusher
// modelled residency: the machine's memory, one node of one zone (reclaim/watermark.ts)
export const H_FREE_PAGES: u32 = 1280; // frames that nobody uses
export const H_WMARK_MIN: u32 = 1284; // pages
export const H_WMARK_LOW: u32 = 1288;
export const H_WMARK_HIGH: u32 = 1292;
export const H_MIN_FREE_KBYTES: u32 = 1296; // vm.min_free_kbytes; 0 until boot() = from the size of memory
export const H_WATERMARK_SCALE: u32 = 1300; // vm.watermark_scale_factor; 0 until boot() = the default
export const H_KSWAPD_FAILURES: u32 = 1304; // runs of kswapd in a row that took nothing
export const H_SCAN_SCANNED: u32 = 1308; // sc->nr_scanned
export const H_VM_EVENT: u32 = 1312; // u64[NR_VM_EVENTS]: /proc/vmstat, where the memcgs' own statistics do not tell it
export const VM_PGSCAN_KSWAPD: u32 = 0;
export const VM_PGSCAN_DIRECT: u32 = 1; // of global reclaim alone, as in /proc/vmstat
export const VM_PGSTEAL_KSWAPD: u32 = 2;
export const VM_PGSTEAL_DIRECT: u32 = 3;
export const VM_ALLOCSTALL: u32 = 4;
export const VM_PAGEOUTRUN: u32 = 5;
export const VM_OOM_KILL: u32 = 6;
/** Not the kernel's: allocations that ended without a page (no reclaim allowed, or not tried harder). */
export const VM_ALLOC_FAILED: u32 = 7;
export const NR_VM_EVENTS: u32 = 8;
// what the rows at hand were found to be (replay/access.ts), and how long that holds
export const H_NODE_GENERATION: u32 = 1728; // u32: nodes of trees given back so far
export const H_LOOKED_UP_GENERATION: u32 = 1732; // u32: H_NODE_GENERATION then
// the page cache's own memory (folio/cache-nodes.ts): bytes charged for a node of its trees, and for a buffer head; 0: nobody pays
export const H_CACHE_NODE: u32 = 1744;
export const H_BUFFER_HEAD: u32 = 1748;
export const H_CALL_DONE: u32 = 1752; // u32 pages that the access at hand has come through (live calls)
// pages on their way to loop devices (folio/loop.ts), first in, first out; 1 while a worker is at one
export const H_LOOP_HEAD: u32 = 1756; // frame
export const H_LOOP_TAIL: u32 = 1760;
export const H_LOOP_BUSY: u32 = 1764;
export const H_LOOP_CALLER: u32 = 1768; // task in whose call a worker runs, which it may not die in the middle of; 0: none
// requests of the device's queue: pages that follow each other are one (folio/writeback.ts)
export const H_NR_REQUESTS: u32 = 1772;
export const H_REQUEST_MAX: u32 = 1788; // u32 pages of a request at most; 0 or 1: each page is one
export const H_REQUEST_KEY: u32 = 1776; // u64 what the last page of the last request was
export const H_REQUEST_PAGES: u32 = 1784; // u32 … and how many it has
export const H_LIST_CHANGES: u32 = 1736; // u64: pages that joined or left LRU lists so far
export const H_SCAN_SLOTS: u32 = 2048; // u32[32]: of the batch that reclaim has in hand, addresses of the words that point to its folios
export const H_WRITE_LATENCY: u32 = 2184; // u64 ns until a device that had nothing to do is at work
export const H_LOOPS: u32 = 2192; // 1 once a loop device was attached (folio/loop.ts)
export const H_RECLAIM_NS: u32 = 2176; // u64: how long reclaim was at work, by COST_SCAN
export const H_LOOKED_UP: u32 = 1792; // u32[64]: for each row of the group, the address of its page's word; 0: not known
// the policy at hand (policy/policy.ts): u32 each, 0 = what Linux 6.18 answers
export const H_POLICY: u32 = 2304;
export const POLICY_ON: u32 = 0; // 1: some answer is not Linux's
export const POLICY_PAYER: u32 = 4; // PAYER_*
export const POLICY_KMEM: u32 = 8; // KMEM_*
export const POLICY_WORKER: u32 = 12; // WORKER_*
export const POLICY_SHARE: u32 = 16; // SHARE_*
export const POLICY_OFFLINE: u32 = 20; // OFFLINE_*
export const POLICY_REUSE: u32 = 24; // REUSE_*
export const POLICY_REFUSED: u32 = 28; // u32[NR_CONTEXTS], REFUSED_*, by CONTEXT_*
export const POLICY_WAKE: u32 = 52; // WAKE_*: whether a charge that may not block wakes reclaim
export const POLICY_CHUNK: u32 = 56; // pages that a recharge takes at once; 0: all
export const POLICY_OPTIONS: u32 = 60; // OPTION_*
export const POLICY_CONTEXT: u32 = 64; // CONTEXT_* of the charge at hand; no part of the policy. One word of 64 bits with
export const POLICY_TARGET: u32 = 68; // u32 memcg that the policy chose to pay for the charge at hand; 0: the toucher's own pays
export const POLICY_TOUCHER: u32 = 84; // u32 memcg that would pay for it in Linux
export const POLICY_ERROR: u32 = 88; // u32 CALL_*: what a charge that the policy refused is to the call; 0: ENOMEM
export const POLICY_WORK_NS: u32 = 72; // u64: how long after it is queued a work item runs
export const PAYER_TOUCHER: u32 = 0;
export const PAYER_MOUNT: u32 = 1;
export const PAYER_CREATOR: u32 = 2;
export const PAYER_NAMED: u32 = 3;
export const PAYER_DOMAIN: u32 = 4;
export const PAYER_HANDLE: u32 = 5;
export const PAYER_NOBODY: u32 = 6; // the root: no limit, no bill
export const KMEM_TOUCHER: u32 = 0;
export const KMEM_NOBODY: u32 = 1;
export const WORKER_ISSUER: u32 = 0;
export const WORKER_ROOT: u32 = 1;
export const WORKER_INLINE: u32 = 2;
export const WORKER_ASSIGNED: u32 = 3;
export const WORKER_BACKCHARGE: u32 = 4;
export const WORKER_BACKCHARGE_METADATA: u32 = 5;
export const SHARE_STAY: u32 = 0;
export const SHARE_COMMON_ANCESTOR: u32 = 1;
export const OFFLINE_ZOMBIE: u32 = 0;
export const OFFLINE_REPARENT: u32 = 1;
export const OFFLINE_RELEASE: u32 = 2;
export const OFFLINE_DROP: u32 = 3;
export const REUSE_KEEP: u32 = 0;
export const REUSE_RECHARGE: u32 = 1;
export const CONTEXT_FAULT: u32 = 0; // a user page in a page fault: no channel for an error
export const CONTEXT_CALL: u32 = 1; // a user page in a system call
export const CONTEXT_KMEM: u32 = 2; // kernel memory in a system call
export const CONTEXT_ATOMIC: u32 = 3; // whatever may not block
export const CONTEXT_WORKER: u32 = 4; // a kernel thread on behalf of somebody else
export const CONTEXT_TARGET: u32 = 5; // a page whose payer was chosen (mount, creator, named, domain): the toucher is a stranger there
export const NR_CONTEXTS: u32 = 6;
export const REFUSED_KERNEL: u32 = 0;
export const REFUSED_ENOMEM: u32 = 1;
export const REFUSED_ERROR: u32 = 2;
export const REFUSED_OOM_IN_PLACE: u32 = 3;
export const REFUSED_RESTART_CALL: u32 = 4;
export const REFUSED_OVERCHARGE_RETURN: u32 = 5;
export const REFUSED_OVERCHARGE_WORK: u32 = 6;
export const REFUSED_FORCE: u32 = 7;
export const WAKE_NEVER: u32 = 0;
export const WAKE_ALWAYS: u32 = 1;
export const WAKE_IF_CACHE: u32 = 2;
export const OPTION_RECLAIM_FIRST: u32 = 1; // K3c
export const OPTION_NO_RECHECK: u32 = 2; // K3f: kill at the return even if the limit is kept again
export const OPTION_NO_SHORTCUT: u32 = 4; // B2a
export const OPTION_NAIVE: u32 = 8; // B2h
export const OPTION_BUCKETS_ONLY: u32 = 16; // B2f
export const OPTION_DEFAULT_CLASSES: u32 = 32; // P7a: page cache is persistent unless marked otherwise
export const OPTION_SWAPIN_ISSUER: u32 = 64; // L2d
export const OPTION_BACKCHARGE_KILL: u32 = 128; // L3
export const OPTION_ALL_TMPFS: u32 = 256; // L4: not only charges of loop workers fail, but all of tmpfs
export const OPTION_OBJCG_STAYS: u32 = 512; // B1: the thread's kernel
export const OPTION_ONE_WORKER: u32 = 1 << 16; // L2c: the issuer pays, but one worker does it for all of them
// what the policy did, in total: u64 each
export const H_POLICY_COUNTS: u32 = 2432;
export const DID_MOVED: u32 = 0;
export const DID_RECHARGED: u32 = 1;
export const DID_RELEASED: u32 = 2;
export const DID_SLOW_PATH: u32 = 3; // events that took the slow path: a hook did more than Linux would
export const DID_COUNTER_OPERATIONS: u32 = 4;
export const DID_WAKES: u32 = 5;
export const DID_WAKES_WASTED: u32 = 6;
export const DID_WORKERS: u32 = 7; // loop workers that exist
export const DID_WORKERS_PEAK: u32 = 8;
export const DID_WORKERS_MADE: u32 = 9;
export const DID_QUEUED_NS: u32 = 10;
export const DID_DEADLOCKS: u32 = 11;
export const DID_SKIPPED_VICTIMS: u32 = 12; // MMF_OOM_SKIP
export const DID_LOST_ENTRIES: u32 = 13; // B8
export const DID_ROLLED_BACK: u32 = 14; // recharges that failed
export const DID_REFUSED: u32 = 15; // rows that were refused with an errno: mounts, names of payers
export const DID_FREED: u32 = 16; // pages of removed cgroups that went before anybody paid for them again
export const DID_UNCLAIMED: u32 = 17; // … and that are still there, and nobody's
export const DID_STUCK_NS: u32 = 18; // that charges waited for victims that could not exit
export const NR_POLICY_COUNTS: u32 = 32;
// what is over its limit, and what calls are under way (policy/over.ts, policy/call.ts, policy/refused.ts)
export const H_OVER: u32 = 2880; // u32 memcgs that are above memory.max
export const H_LOCKS: u32 = 2884; // u32 tasks that hold a lock or wait for one; read with the next word
export const H_CALLS: u32 = 2888; // u32 tasks in a call that goes on after their last row
export const H_CALL_SERIAL: u32 = 2892; // u32 calls of several rows so far
export const H_CURRENT_OP: u32 = 2896; // u32 OP_* of the row at hand
export const H_WORK_AT: u32 = 2904; // u64 ns: when the next work item checks a limit; 0: none is queued
// who uses what (observe/users.ts); no part of the state
export const H_USERS: u32 = 2944;
export const USERS_SETS: u32 = 0; // u32 sets there are
export const USERS_STALE: u32 = 4; // u32 1: shares are to be worked out anew
export const USERS_ASKED: u32 = 8; // u32 pages of the charge that asks for a kill
export const USERS_FLOWS: u32 = 12; // u32 pairs of payers that pages went between
export const USERS_LAST_SET: u32 = 16; // u32 the union made last: of this set,
export const USERS_LAST_MEMCG: u32 = 20; // u32 and this memcg,
export const USERS_LAST_UNION: u32 = 24; // u32 is this one
export const USERS_LOST: u32 = 32; // u64 uses that found the table of sets full
export const USERS_FLOWS_LOST: u32 = 40; // u64 pages whose pair of payers found the table full
// what is under way: recharges, and reclaim that a charge has asked for (policy/reuse.ts, policy/wake.ts)
export const H_RECHARGES: u32 = 2688; // u32 objects that are being recharged
export const H_WAKE_AT: u32 = 2696; // u64 ns: when the first reclaim that was asked for runs; 0: none was
// 256 bytes: op code of the file at hand → the engine's (OP_*)
export const H_OP_MAP: u32 = 512;
// workers of loop devices (policy/worker.ts), deficits (policy/backcharge.ts)
export const H_LOOP_WORK: u32 = 3008; // LOOP_WORK_*: what the charge at hand is made for
export const LOOP_WORK_NONE: u32 = 0;
export const LOOP_WORK_DATA: u32 = 1; // a worker reads or writes pages of a backing object
export const LOOP_WORK_FORCED: u32 = 2; // … and the issuer is charged whatever its limits
export const H_LOOP_FREE: u32 = 3012; // u32 head of the free list of workers
export const H_LOOP_WORKER_END: u32 = 3016; // u32 one past the highest worker ever made; 0 = none yet
export const H_DEFICITS: u32 = 3020; // u32 memcgs that have a deficit
export const H_LOOP_TIMER: u32 = 3024; // u64 ns: when workers that are idle are looked at next; 0: there are none
export const H_DQUOTS: u32 = 3032; // u32 quota records in use

// FIELD_*: which column or argument an ERANGE is about
export const FIELD_OP: u32 = 1;
export const FIELD_CPU: u32 = 2;
export const FIELD_TASK: u32 = 3;
export const FIELD_CGROUP: u32 = 4;
export const FIELD_OBJECT: u32 = 5;
export const FIELD_INDEX: u32 = 6;
export const FIELD_COUNT: u32 = 7;
export const FIELD_FLAGS: u32 = 8;

// ---------------------------------------------------------------------------------------------- staged columns
/** Rows that one batch may stage: few enough to stay in a second-level cache, many enough that a call costs nothing. */
export const COLUMN_ROWS: u32 = 16384;
/** Where a live call writes its row: into the line behind each column, past all that a batch stages. */
export const LIVE_ROW: u32 = COLUMN_ROWS;
// A line between the columns keeps the same row of all columns out of one set of the first-level cache.
export const COLUMN_TS: u32 = HEADER_END; // u64
export const COLUMN_INDEX: u32 = COLUMN_TS + 8 * COLUMN_ROWS + LINE; // u64
export const COLUMN_TASK: u32 = COLUMN_INDEX + 8 * COLUMN_ROWS + LINE; // u32
export const COLUMN_CGROUP: u32 = COLUMN_TASK + 4 * COLUMN_ROWS + LINE; // u32
export const COLUMN_OBJECT: u32 = COLUMN_CGROUP + 4 * COLUMN_ROWS + LINE; // u32
export const COLUMN_COUNT: u32 = COLUMN_OBJECT + 4 * COLUMN_ROWS + LINE; // u32
export const COLUMN_FLAGS: u32 = COLUMN_COUNT + 4 * COLUMN_ROWS + LINE; // u32
export const COLUMN_CPU: u32 = COLUMN_FLAGS + 4 * COLUMN_ROWS + LINE; // u16
export const COLUMN_GFP: u32 = COLUMN_CPU + 2 * COLUMN_ROWS + LINE; // u16
export const COLUMN_OP: u32 = COLUMN_GFP + 2 * COLUMN_ROWS + LINE; // u8
export const COLUMNS_END: u32 = COLUMN_OP + COLUMN_ROWS + LINE;

// ---------------------------------------------------------------------------------------------- per CPU (plain: one worker a CPU)
//   line 0  page stock       | line 1  byte stock, flush timer, random state
export const CPU_BASE: u32 = COLUMNS_END;
export const CPU_STRIDE: u32 = 256;
export const STOCK_HINT: u32 = 0; // slot that served last; 6.18 looks there first
export const STOCK_MEMCG: u32 = 8; // u32[7]
export const STOCK_PAGES: u32 = 36; // u32[7]
export const STOCK_SERVED_MEMCG: u32 = 64; // the page charge that this stock served last, for recorded.ts (rule B4)
export const STOCK_SERVED_PAGES: u32 = 68; // 0 when the CPU's last charge was not served from the stock
export const OBJ_STOCK_OBJCG: u32 = 128; // u32
export const OBJ_STOCK_BYTES: u32 = 132; // u32
export const CPU_FLUSH_AT: u32 = 136; // u64 ns: when the kworker drains this CPU (6.18: its page stock); NEVER when none is queued
export const CPU_RANDOM: u32 = 144; // u64
export const CPU_OBJ_FLUSH_AT: u32 = 152; // u64 ns: 6.18 drains the byte stock by a work item of its own
export const CPU_STATS_UPDATES: u32 = 160; // u32 6.1: updates that the flush threshold does not know yet
export const CPU_SLAB_BYTES: u32 = 164; // i32 slab bytes gathered in the byte stock, in kernel statistics only
export const CPU_SLAB_RECLAIMABLE_BYTES: u32 = 168; // i32 the same of objects that can be reclaimed

// ---------------------------------------------------------------------------------------------- page_counter
//   line 0: what every charge writes          line 1: what it only reads, and the protection sums
//   0 usage  8 watermark  16 local_watermark | 128 max  136 parent | 144 high 152 low 160 min
//                                            | 168 emin 176 elow | 184 min_usage 192 low_usage 200 children_min 208 children_low
export const COUNTER_STRIDE: u32 = 256;
export const NR_COUNTERS: u32 = 2; // memory, swap
export const COUNTER_MEMORY: u32 = 0;
export const COUNTER_SWAP: u32 = 1;
export const PC_USAGE: u32 = 0; // i64 pages, atomic
export const PC_WATERMARK: u32 = 8;
export const PC_LOCAL_WATERMARK: u32 = 16;
export const PC_MAX: u32 = 128;
export const PC_PARENT: u32 = 136; // u32 address of the parent's counter, 0 at the root
export const PC_PROTECTED: u32 = 140; // u32 0: never (swap); CAN_PROTECT: min and low were never set; PROTECTS: they propagate
export const CAN_PROTECT: u32 = 1;
export const PROTECTS: u32 = 2;
export const PC_HIGH: u32 = 144;
export const PC_LOW: u32 = 152;
export const PC_MIN: u32 = 160;
export const PC_EMIN: u32 = 168;
export const PC_ELOW: u32 = 176;
export const PC_MIN_USAGE: u32 = 184; // atomic
export const PC_LOW_USAGE: u32 = 192; // atomic
export const PC_CHILDREN_MIN_USAGE: u32 = 200; // atomic
export const PC_CHILDREN_LOW_USAGE: u32 = 208; // atomic

// ---------------------------------------------------------------------------------------------- memcg, objcg
export const MEMCG_STRIDE: u32 = 128;
export const MEMCG_STATE: u32 = 0; // u32 MEMCG_FREE … MEMCG_DYING
export const MEMCG_PARENT: u32 = 4;
export const MEMCG_FIRST_CHILD: u32 = 8;
export const MEMCG_NEXT_SIBLING: u32 = 12;
export const MEMCG_DEPTH: u32 = 16;
export const MEMCG_NR_CHILDREN: u32 = 20; // online children
export const MEMCG_NR_TASKS: u32 = 24;
export const MEMCG_OOM_GROUP: u32 = 28;
export const MEMCG_KERNEL_ID: u32 = 32; // u64: the cgroup id of the kernel that was recorded
export const MEMCG_UNSEEN: u32 = 64; // u32[11] pages charged before the trace that no row brought, by KIND_*
export const MEMCG_HAD_KERNEL: u32 = 108; // u32 1: its objcg had kernel memory before the trace
export const MEMCG_IO: u32 = 116; // u32 memcg that pays for what loop devices do for its sake; 0: the root
export const MEMCG_LAST_CHILD: u32 = 112; // children are in the order of their making, as css_for_each_child() goes through them
export const MEMCG_FREE: u32 = 0;
export const MEMCG_ONLINE: u32 = 1;
export const MEMCG_REMOVED: u32 = 2; // rmdir done, css_offline still to come
export const MEMCG_DYING: u32 = 3;

export const OBJCG_STRIDE: u32 = 32;
export const OBJCG_MEMCG: u32 = 0; // u32: swings to the parent at offline
export const OBJCG_CHARGED_BYTES: u32 = 4; // u32 nr_charged_bytes: remainder below a page that no stock holds
export const OBJCG_BYTES: u32 = 8; // i64 bytes of live objects
export const OBJCG_FIRST: u32 = 16; // u32 memcg's list of objcgs: head (indexed by memcg)
export const OBJCG_NEXT: u32 = 20; // u32 next objcg on the list it is on
export const OBJCG_PAGES: u32 = 24; // i64 pages charged page by page (CHARGE_KMEM folios)

// ---------------------------------------------------------------------------------------------- memory.events
export const EVENT_STRIDE: u32 = 256;
export const EVENT_LOCAL: u32 = 0; // u64[16], atomic
export const EVENT_TOTAL: u32 = 128; // u64[16], atomic
export const EVENT_LOW: u32 = 0;
export const EVENT_HIGH: u32 = 1;
export const EVENT_MAX: u32 = 2;
export const EVENT_OOM: u32 = 3;
export const EVENT_OOM_KILL: u32 = 4;
export const EVENT_OOM_GROUP_KILL: u32 = 5;
export const EVENT_SWAP_HIGH: u32 = 6;
export const EVENT_SWAP_MAX: u32 = 7;
export const EVENT_SWAP_FAIL: u32 = 8;
export const NR_EVENTS: u32 = 9;
/** Not the kernel's: pages ever charged by the model, in local rows by KIND_ANON, KIND_FILE, KIND_SHMEM. */
export const EVENT_CHARGED: u32 = 12;
/** Not the kernel's: ns that memory.high made tasks of the cgroup sleep, in a local row. */
export const EVENT_THROTTLED_NS: u32 = 9;
/** Not the kernel's: charges that the model refused with ENOMEM, in a local row. */
export const EVENT_REFUSED: u32 = 15;

// ---------------------------------------------------------------------------------------------- statistics
// One array per worker, plain; a reader adds the workers' arrays. Pages, save for the rows that say bytes or events. What every
// charge writes comes first and shares a line pair; the rest are rows of memory.stat, in its order.
export const STAT_STRIDE: u32 = 512;
export const STAT_ANON: u32 = 0;
export const STAT_FILE: u32 = 1; // page cache without shmem; memory.stat's `file` is this plus shmem
export const STAT_SHMEM: u32 = 2;
export const STAT_KERNEL_STACK: u32 = 3;
export const STAT_PAGETABLES: u32 = 4;
export const STAT_SLAB: u32 = 5; // bytes, without those of STAT_SLAB_RECLAIMABLE
export const STAT_PERCPU: u32 = 6; // bytes
export const STAT_VMALLOC: u32 = 7;
export const STAT_KERNEL_OTHER: u32 = 8; // charged page by page, without a line of its own in memory.stat (pipe buffers …)
export const STAT_SOCK: u32 = 9;
export const STAT_KMEM: u32 = 10; // MEMCG_KMEM: whole pages charged through objcgs, slack of the byte stocks included
export const STAT_FILE_MAPPED: u32 = 11; // of file and shmem
export const STAT_FILE_DIRTY: u32 = 12;
export const STAT_FILE_WRITEBACK: u32 = 13;
export const STAT_SWAPCACHED: u32 = 14;
export const STAT_ANON_THP: u32 = 15; // of huge folios (order 9)
export const STAT_FILE_THP: u32 = 16;
export const STAT_SHMEM_THP: u32 = 17;
export const STAT_WORKINGSET_REFAULT_ANON: u32 = 18; // events, down to the end
export const STAT_WORKINGSET_REFAULT_FILE: u32 = 19;
export const STAT_WORKINGSET_ACTIVATE_ANON: u32 = 20;
export const STAT_WORKINGSET_ACTIVATE_FILE: u32 = 21;
export const STAT_WORKINGSET_RESTORE_ANON: u32 = 22;
export const STAT_WORKINGSET_RESTORE_FILE: u32 = 23;
export const STAT_WORKINGSET_NODERECLAIM: u32 = 24;
export const STAT_PSWPIN: u32 = 25;
export const STAT_PSWPOUT: u32 = 26;
export const STAT_PGSCAN_KSWAPD: u32 = 27;
export const STAT_PGSCAN_DIRECT: u32 = 28;
export const STAT_PGSCAN_KHUGEPAGED: u32 = 29;
export const STAT_PGSCAN_PROACTIVE: u32 = 30;
export const STAT_PGSTEAL_KSWAPD: u32 = 31;
export const STAT_PGSTEAL_DIRECT: u32 = 32;
export const STAT_PGSTEAL_KHUGEPAGED: u32 = 33;
export const STAT_PGSTEAL_PROACTIVE: u32 = 34;
export const STAT_PGFAULT: u32 = 35;
export const STAT_PGMAJFAULT: u32 = 36;
export const STAT_PGREFILL: u32 = 37;
export const STAT_PGACTIVATE: u32 = 38;
export const STAT_PGDEACTIVATE: u32 = 39;
export const STAT_PGLAZYFREE: u32 = 40;
export const STAT_PGLAZYFREED: u32 = 41;
export const STAT_SWPIN_ZERO: u32 = 42;
export const STAT_SWPOUT_ZERO: u32 = 43;
export const STAT_THP_FAULT_ALLOC: u32 = 44;
export const STAT_THP_COLLAPSE_ALLOC: u32 = 45;
export const STAT_THP_SWPOUT: u32 = 46;
export const STAT_THP_SWPOUT_FALLBACK: u32 = 47;
export const STAT_SLAB_RECLAIMABLE: u32 = 48; // bytes
export const STAT_HUGETLB: u32 = 49; // pages, with memory_hugetlb_accounting
export const NR_STATS: u32 = 50;

// Statistics as the kernel shows them (memcg/rstat.ts): behind the last region, and only when asked for. Parts of (cgroups + 1)
// records: what is shown, what children have pending, then one part per CPU.
export const RSTAT_STRIDE: u32 = 512;
export const RSTAT_LISTS: u32 = NR_STATS; // rows of the LRU lists' pages, by LRU_*, after the rows STAT_*
export const NR_RSTAT_ROWS: u32 = RSTAT_LISTS + 5;
export const RSTAT_UPDATES: u32 = 504; // u32
export const RSTAT_DIRTY: u32 = 508; // u32: some row may not be 0

// ---------------------------------------------------------------------------------------------- LRU lists
export const NR_LRU_LISTS: u32 = 5;
export const LRU_INACTIVE_ANON: u32 = 0;
export const LRU_ACTIVE_ANON: u32 = 1;
export const LRU_INACTIVE_FILE: u32 = 2;
export const LRU_ACTIVE_FILE: u32 = 3;
export const LRU_UNEVICTABLE: u32 = 4;
export const LIST_STRIDE: u32 = 32;
export const LIST_HEAD: u32 = 0; // u32 log position of the next append; 0 when the list has no chunk
export const LIST_TAIL: u32 = 4; // u32 log position of the oldest entry that may be valid
export const LIST_LIVE: u32 = 8; // u32 folios on the list
export const LIST_ENTRIES: u32 = 12; // u32 log entries between tail and head, stale ones included
export const LIST_PAGES: u32 = 16; // u32 pages of the folios: the lruvec's size as memory.stat shows it
export const CHUNK_ENTRIES: u32 = 128;
export const CHUNK_SHIFT: u32 = 7;
export const CHUNK_STRIDE: u32 = 8; // next (towards the head), previous
/** A list is compacted when more than LOG_SLACK × live + CHUNK_ENTRIES entries lie between its ends. */
export const LOG_SLACK: u32 = 3;

// ---------------------------------------------------------------------------------------------- folio
//   word 0                                        word 1         word 2                     word 3
//   | owner:24 | 0 | order:4 | KMEM OBJEXTS .. |  | log position |  | kind:4 list:3 flags |  | waiter |
//   owner = memcg id, or objcg id where KMEM is set (memcg_data of the kernel: page_memcg_data_flags)
export const FOLIO_STRIDE: u32 = 16;
export const FOLIO_CHARGE: u32 = 0;
export const FOLIO_POSITION: u32 = 4;
export const FOLIO_STATE: u32 = 8;
export const FOLIO_WAITER: u32 = 12; // u32 task whose charge of this frame waits
export const CHARGE_OBJEXTS: u32 = 1;
export const CHARGE_KMEM: u32 = 2;
export const CHARGE_ORDER_SHIFT: u32 = 4;
export const CHARGE_ORDER_MASK: u32 = 0xf0;
export const CHARGE_OWNER_SHIFT: u32 = 8;
export const STATE_KIND_MASK: u32 = 0xf;
export const STATE_LIST_SHIFT: u32 = 4;
export const STATE_LIST_MASK: u32 = 0x70;

// Folios that a CPU has not yet put on their lists: u32 how many, u32[31] frames.
export const LRU_ADD_STRIDE: u32 = 128;
export const LRU_ADD_FRAMES: u32 = 4;

// In modelled residency word 3 means something else. (Word 1 must stay 0 in a free frame, or a stale log entry would come alive.)
export const FOLIO_MAPCOUNT: u32 = FOLIO_WAITER; // u32 address spaces whose page tables point here
export const FOLIO_NEXT_FREE: u32 = FOLIO_WAITER; // u32 of an uncharged frame
export const STATE_REFERENCED: u32 = 1 << 7; // PG_referenced
export const STATE_DIRTY: u32 = 1 << 8; // PG_dirty
export const STATE_WORKINGSET: u32 = 1 << 9; // PG_workingset
export const STATE_WRITEBACK: u32 = 1 << 10; // PG_writeback
export const STATE_RECLAIM: u32 = 1 << 11; // PG_reclaim: to be taken as soon as it is written
export const STATE_SWAPCACHE: u32 = 1 << 12; // PG_swapcache: it has a slot (folioSlot)
export const STATE_UNCOUNTED: u32 = 1 << 15; // in the swap cache alone: in neither anon nor shmem of memory.stat
export const STATE_MLOCKED: u32 = 1 << 13; // PG_mlocked
export const STATE_READAHEAD: u32 = 1 << 14; // PG_readahead: its use starts the next window
export const STATE_REQUEST: u32 = 1 << 18; // under writeback: the first page of its request
export const STATE_UNOWNED: u32 = 1 << 24; // its cgroup is removed and nobody pays for it: its owner is the root, see policy/release.ts
export const STATE_BUFFERS: u32 = 1 << 17; // it has a buffer head, which its owner's objcg pays for
export const STATE_LRU_ADD: u32 = 1 << 16; // on no list yet: in a CPU's batch (folio/lru-add.ts)
/** u32 per frame: the next write in the device's queue. */
export const WRITE_STRIDE: u32 = 4;
/**
 * u64 per frame: where its folio belongs. Of a page of an object: object << 32 | page offset; of anonymous memory: an address space of
 * those that have it << PLACE_MM_SHIFT | virtual page number.
 */
export const PLACE_STRIDE: u32 = 8;
export const PLACE_MM_SHIFT: u32 = 44;
/** The word of a page that was evicted: of a file, a shadow entry instead of a frame; of shmem, a swap slot. */
export const SHADOW_BIT: u32 = 1 << 31;
// A word of a page table (anonymous memory): a frame and these, or PTE_SWAP and a slot, or ZERO_PAGE.
export const PTE_SWAP: u32 = 1 << 31;
export const PTE_YOUNG: u32 = 1 << 30;
/** This entry alone points to the page, and no slot of swap holds it: a write changes nothing. No part of the logical state. */
export const PTE_EXCLUSIVE: u32 = 1 << 29;
export const PTE_FRAME: u32 = (1 << 27) - 1;
/** The page table entry points to the zero page: read, never written. Nobody is charged for it. */
export const ZERO_PAGE: u32 = 0xffffffff;
// struct swap_info_struct: per slot the page table and shmem entries that name it, and the folio in the swap cache or the shadow that
// it left there.
export const SLOT_STRIDE: u32 = 8;
export const SLOT_COUNT: u32 = 0; // u32; the next free one of a free slot
export const SLOT_FRAME: u32 = 4; // u32 frame, or SHADOW_BIT | shadow; 0
// struct swap_slots_cache (6.1): slots that a CPU has freed, and that are still charged
export const SLOT_CACHE_SIZE: u32 = 64;
export const SLOT_CACHE_STRIDE: u32 = 260;
export const SLOT_CACHE_LENGTH: u32 = 256; // after u32[64]
export const SHADOW_STRIDE: u32 = 16;
export const SHADOW_MEMCG: u32 = 0; // u32 memcg that was the reclaim's target | SHADOW_WORKINGSET; the free list's link
export const SHADOW_WORKINGSET: u32 = 1 << 31;
export const SHADOW_AGE: u32 = 8; // u64
// struct lruvec, beside its lists
export const LRUVEC_STRIDE: u32 = 64;
export const LRUVEC_ANON_COST: u32 = 0; // u64
export const LRUVEC_FILE_COST: u32 = 8;
export const LRUVEC_NONRESIDENT_AGE: u32 = 16;
export const LRUVEC_REFAULTS_ANON: u32 = 24; // i64: activations of refaults when a reclaim of this memcg ended last
export const LRUVEC_REFAULTS_FILE: u32 = 32;
export const LRUVEC_SIZE: u32 = 48; // u64: evictable pages of the subtree when they were counted last,
export const LRUVEC_SIZE_AT: u32 = 56; // u64: H_LIST_CHANGES then
export const LRUVEC_POSITION: u32 = 40; // u32: where the shared walk of this subtree stands (struct mem_cgroup_reclaim_iter)

// what slab shrinkers know of a memcg (reclaim/list-lru.ts, reclaim/shrinker.ts)
export const SHRINK_STRIDE: u32 = 128;
export const SHRINK_RADIX: u32 = 0; // the list of reclaimable objects, in runs
export const SHRINK_HEAD: u32 = 24; // u64 number of the oldest run
export const SHRINK_TAIL: u32 = 32; // u64 one past the newest
export const SHRINK_OBJECTS: u32 = 40; // u64
export const SHRINK_DEFERRED: u32 = 48; // u64 nr_deferred
export const SHRINK_PINNED: u32 = 64; // u64 bytes of reclaimable slab that is in use and on no list, by objcg
export const SHRINK_COST_OBJCG: u32 = 56; // u32 who pays for the memcg itself; 0 = nobody

// the pool of huge pages (folio/hugetlb.ts): one record
export const HUGE_STRIDE: u32 = 64;
export const HUGE_RADIX: u32 = 0;
export const HUGE_POOL: u32 = 24; // u32 huge pages
export const HUGE_USED: u32 = 28;
export const HUGE_RESERVED: u32 = 32;

// ---------------------------------------------------------------------------------------------- task
export const TASK_STRIDE: u32 = 128;
export const TASK_STATE: u32 = 0; // u32 TASK_FREE | TASK_LIVE | TASK_EXITED
export const TASK_PENDING: u32 = 4; // u32 TASK_HAS_*: with TASK_STATE one read, and 0 lets the hot path skip everything below
export const TASK_MEMCG: u32 = 8;
export const TASK_MM: u32 = 12; // u32 task that owns the mm; 0 for a kernel thread
export const TASK_ACTIVE_MEMCG: u32 = 16; // u32 set_active_memcg(): 0 = none
// the uncharge batch that is being gathered (struct uncharge_gather)
export const GATHER_MEMCG: u32 = 20;
export const GATHER_PAGES: u32 = 24;
export const GATHER_KMEM: u32 = 28;
// the charge that waits for its answer: see replay/recorded.ts
export const WAIT_MEMCG: u32 = 32;
export const WAIT_PAGES: u32 = 36;
export const WAIT_FRAME: u32 = 40;
export const WAIT_OVER: u32 = 44; // the memcg that refused last
export const WAIT_BYTES: u32 = 48; // of the object, to be accounted once granted
export const WAIT_OBJCG: u32 = 52;
export const WAIT_RETRIES: u32 = 56;
export const WAIT_STATE: u32 = 60;
export const WAIT_FLAGS: u32 = 64; // WAITED_*
// the charge that was granted singly, until the task's next line shows whether it really was
export const SINGLE_MEMCG: u32 = 68;
export const SINGLE_PAGES: u32 = 72;
export const SINGLE_FRAME: u32 = 76;
// a charge that the stock served, given back to it until the interrupt inside it is over (SINGLE_MEMCG, SINGLE_PAGES say which)
// a charged frame that the task freed without an uncharge: a failed attempt, once time has gone on
export const FREED_FRAME: u32 = 80;
export const FREED_AT: u32 = 88; // u64
// scopes of set_active_memcg that are open, innermost last; deeper nesting than this is refused
export const TASK_SCOPES: u32 = 96; // u32 depth
export const TASK_SCOPE: u32 = 100; // u32[6]
export const MAX_SCOPES: u32 = 6;
export const TASK_THREADS: u32 = 124; // threads that share this task's mm
export const TASK_FREE: u32 = 0;
export const TASK_LIVE: u32 = 1;
export const TASK_EXITED: u32 = 2;
export const TASK_HAS_BATCH: u32 = 1;
export const TASK_HAS_WAIT: u32 = 2;
export const TASK_HAS_SINGLE: u32 = 4;
export const TASK_HAS_FREED: u32 = 8;
export const TASK_HAS_LIFTED: u32 = 16;
export const WAITED_DRAINED: u32 = 1;
export const WAITED_RECLAIMED: u32 = 2;
export const WAITED_IN_RECLAIM: u32 = 4;
export const WAITED_UNDONE: u32 = 8;
export const WAITED_VICTIM: u32 = 16;
export const WAITED_OOM: u32 = 32;

// ---------------------------------------------------------------------------------------------- address spaces
// A radix tree (folio/radix.ts) from a key to a word; its root is part of the record that owns it.
//   0 node  4 height  8 last leaf's key >> 6, + 1 (0: none)  16 last leaf  20 words that are not 0
export const RADIX_NODE: u32 = 0;
export const RADIX_HEIGHT: u32 = 4;
export const RADIX_LAST: u32 = 8;
export const RADIX_LAST_NODE: u32 = 16;
export const RADIX_ENTRIES: u32 = 20;
export const NODE_STRIDE: u32 = 256; // 64 words
// struct address_space: what a file, a shmem object or a block device has in memory
export const OBJECT_STRIDE: u32 = 32;
export const OBJECT_TYPE: u32 = 0; // OBJECT_FILE …, 0 = free
export const OBJECT_MAPS: u32 = 4; // head of i_mmap: the address spaces that map it
export const OBJECT_RADIX: u32 = 8; // page offset → frame
// of the inode of an object, beside its pages (folio/inode.ts)
export const INODE_STRIDE: u32 = 72;
export const INODE_SIZE: u32 = 0; // u32 pages (i_size), as far as the trace has told
export const INODE_DIRTY: u32 = 4; // u32 dirty pages
export const INODE_DIRTIED_WHEN: u32 = 8; // u64 ns
export const INODE_NEXT: u32 = 16; // u32 objects: list of the dirty inodes
export const INODE_PREVIOUS: u32 = 20;
export const INODE_WB: u32 = 24; // u32 memcg whose writeback it is: the owner of the page that was dirtied first
export const INODE_WRITE_INDEX: u32 = 28; // u32 page offset where the flusher goes on (writeback_index)
export const INODE_GENERATION: u32 = 32; // u32: how often this id was freed
// of a loop device (folio/loop.ts)
export const INODE_BACKING: u32 = 36; // u32 object that its pages are pages of; 0: it is none
export const INODE_BACKING_OFFSET: u32 = 40; // u32 page offset of its first page there
export const INODE_WORKER: u32 = 44; // u32 the kernel thread that reads and writes there
export const INODE_ERRORS: u32 = 48; // u32 pages that could not be written there (mapping_set_error())
// of tmpfs (mm/shmem.c, struct shmem_sb_info): a file's super block is an object, too, which has no pages but a limit
export const INODE_SUPER: u32 = 52; // u32 object; 0: nothing limits it
export const INODE_SB_MAX: u32 = 56; // u32 pages that its files may have, in memory or in swap; 0: any number (max_blocks)
export const INODE_SB_USED: u32 = 60; // u32 (used_blocks)
export const INODE_WRITE_MEMCG: u32 = 64; // u32 i_wb of a loop device: INODE_WB at its first dirty page, for good
// struct file_ra_state (folio/readahead.ts), by address space and object: a table with four places for each hash
export const NR_READERS: u32 = 16384;
export const READER_STRIDE: u32 = 40;
export const READER_MM: u32 = 0; // u32 mm, or kernel thread | 1 << 31; 0 = free
export const READER_OBJECT: u32 = 4;
export const READER_START: u32 = 8; // u32 page offset of the window
export const READER_SIZE: u32 = 12; // u32 pages
export const READER_ASYNC: u32 = 16; // u32 of them ahead of use
export const READER_PREVIOUS: u32 = 20; // u32 page offset behind the last read (prev_pos)
export const READER_MMAP_MISS: u32 = 24;
export const READER_STAMP: u32 = 28; // u32 when it was used last
export const READER_GENERATION: u32 = 32; // u32 INODE_GENERATION of the object
// struct mm_struct, by the id of the task that owns it
export const MM_STRIDE: u32 = 128;
export const MM_USERS: u32 = 0; // tasks that run on it; 0 = free
export const MM_MAPS: u32 = 4; // head of its map records
export const MM_RADIX: u32 = 8; // virtual page number → page table word
// the address spaces that fork has made of one another, in a ring: a page is shared only within it, at one virtual page number
export const MM_NEXT: u32 = 44;
export const MM_PREVIOUS: u32 = 48;
// of the task itself
export const TASK_OVER_HIGH: u32 = 32; // u32 memcg_nr_pages_over_high
export const TASK_OOM_SCORE_ADJ: u32 = 36; // i32
export const TASK_KILLED: u32 = 40; // u32 1: by the OOM killer; KILLED_SKIP: and it cannot exit (MMF_OOM_SKIP)
export const KILLED_SKIP: u32 = 2;
export const TASK_SLEEP_END: u32 = 64; // u64 ns: when the task wakes up from what memory.high made it sleep
export const TASK_JOINED: u32 = 72; // u64: its turn among all that ever joined a cgroup: the order of cgroup.procs
export const TASK_UNKILLABLE: u32 = 80; // u32 1: init
export const TASK_NR_DIRTIED: u32 = 112; // u16 nr_dirtied: pages since its last balance_dirty_pages()
export const TASK_DIRTIED_PAUSE: u32 = 114; // u16 nr_dirtied_pause: how many there may be
export const MM_LOCKS: u32 = 116; // u32 head of its locked ranges
// what charging policies know of a task
export const TASK_IN_CALL: u32 = 52; // u32 CALL_*: its system call goes on
export const CALL_OPEN: u32 = 1;
export const CALL_FAILED: u32 = 2; // … and has failed: what follows of it does not happen
export const CALL_FAILED_LOCKED: u32 = 3; // … until it would have unlocked
export const TASK_OVERCHARGED: u32 = 56; // u32 memcg that it has charged past the limit, and answers for at its return to user mode
export const TASK_UID: u32 = 60; // u32
export const TASK_NAMESPACE: u32 = 84; // u32 memcg at the root of its cgroup namespace; 0: the initial one
export const TASK_HOLDS: u32 = 88; // u32 lock that it holds (op `lock`)
export const TASK_RESTARTS: u32 = 92; // u32 system calls that were begun again
export const TASK_WANTS: u32 = 96; // u32 lock that it waits for
export const TASK_CALL_SERIAL: u32 = 104; // u32 of the call: its kernel pages have it as their place
export const TASK_CALL_OBJCG: u32 = 108; // u32 objcg that it charged bytes of slab to
export const TASK_CALL_BYTES: u32 = 120; // u32[2]: of KIND_SLAB, of KIND_PERCPU
// a locked range of one mm (folio/mlock.ts)
export const LOCK_STRIDE: u32 = 24;
export const LOCK_NEXT: u32 = 0; // u32, also the link of the free list
export const LOCK_OBJECT: u32 = 4; // u32; 0: private memory
export const LOCK_FROM: u32 = 8; // u64 pages
export const LOCK_TO: u32 = 16; // u64
/** u32 per frame: address spaces that have locked it. */
export const LOCKED_STRIDE: u32 = 4;
// which pages of one object one mm has in its page tables
export const MAP_STRIDE: u32 = 48;
export const MAP_MM: u32 = 0;
export const MAP_OBJECT: u32 = 4;
export const MAP_NEXT_OF_MM: u32 = 8; // also the link of the free list
export const MAP_NEXT_OF_OBJECT: u32 = 12;
export const MAP_PREVIOUS_OF_OBJECT: u32 = 16;
export const MAP_EXECUTABLE: u32 = 20; // u32 1: one of the mappings is (VM_EXEC)
export const MAP_RADIX: u32 = 24; // page offset >> 4 → two bits a page: mapped, young

// ---------------------------------------------------------------------------------------------- policies
// What a policy knows of an object: who is to pay for it, and what a BPF map consists of (policy/payer.ts, folio/bpf.ts).
export const BOND_STRIDE: u32 = 128;
export const BOND_PAYER: u32 = 0; // u32 memcg chosen at its making: by handle, by name, or the one that a device is assigned to
export const BOND_CREATOR: u32 = 4; // u32 memcg of the task that made it
export const BOND_SUPER: u32 = 8; // u32 object: the mount that it is of
export const BOND_MARK: u32 = 12; // u32 MARK_*
export const BOND_OBJCG: u32 = 16; // u32 of a map or a program: the objcg that it holds
export const BOND_BUSY: u32 = 20; // u32 task that recharges it
export const BOND_BUCKET_KIND: u32 = 24; // u32 KIND_*: slab, vmalloc or percpu
export const BOND_ELEMENT_KIND: u32 = 28; // u32
export const BOND_BUCKET_BYTES: u32 = 32; // u64
export const BOND_ELEMENT_BYTES: u32 = 40; // u64
export const BOND_ELEMENTS: u32 = 48; // u64
export const BOND_RADIX: u32 = 56; // key → element, 24 bytes
export const BOND_FLAGS: u32 = 80; // u32 BOND_*
export const BOND_RECHARGE: u32 = 88; // of a recharge: field (policy/reuse.ts) → word, 24 bytes
export const BOND_DQUOT: u32 = 112; // u32 of a file of a tmpfs with quotas: the record of its owner; 0: not looked up yet
export const BOND_UID: u32 = 116; // u32 whose file it is (i_uid)
export const BOND_WORKERS: u32 = 120; // u32 of a loop device: its workers
export const BOND_QUOTA: u32 = 124; // u32 of a super block: pages that each user but root may have there; 0: any number
export const BOND_PREALLOCATED: u32 = 1;
export const BOND_REFUSED: u32 = 4; // an insertion was refused
export const BOND_NOT_MADE: u32 = 2; // its making was refused: rows that name it mean nothing
// What a policy knows of a memcg, and what it did there.
export const PM_STRIDE: u32 = 448;
export const PM_UID: u32 = 0; // u32 who owns its cgroup.procs
export const PM_DOMAIN: u32 = 4; // u32 id of the domain's name; DOMAIN_UNNAMED; 0: it is none
export const PM_GRANTS: u32 = 8; // u32 1: it allows that others name it as payer (P6)
export const PM_OVER: u32 = 16; // i64 pages above memory.max now
export const PM_OVER_SINCE: u32 = 24; // u64 ns
export const PM_OVER_PEAK: u32 = 32; // i64 pages
export const PM_OVER_PAGE_NS: u32 = 40; // u64, pages × ns
export const PM_FORCED: u32 = 48; // u64[8] pages charged past the limit, by FORCED_*
export const PM_COUNTS: u32 = 112; // u64[NR_PM_COUNTS], by PMC_*
export const PM_SKIPPED: u32 = 368; // i64 pages that recharges under way charged below this level, which counts them once
export const PM_WAKE_AT: u32 = 376; // u64 ns: when the reclaim runs that a charge has asked for; 0: none has
export const FORCED_DYING: u32 = 0;
export const FORCED_NOFAIL: u32 = 1;
export const FORCED_HIGH: u32 = 2; // high priority (atomic)
export const FORCED_OVERCHARGE: u32 = 3; // to be reconciled
export const FORCED_BACKCHARGE: u32 = 4;
export const FORCED_ROLLBACK: u32 = 5; // of a recharge
export const FORCED_MOVE: u32 = 6;
export const FORCED_LIMIT: u32 = 7; // the limit was lowered
export const PMC_MOVED_IN: u32 = 0;
export const PMC_MOVED_OUT: u32 = 1;
export const PMC_RECHARGED_IN: u32 = 2;
export const PMC_RECHARGED_OUT: u32 = 3;
export const PMC_RELEASED: u32 = 4;
export const PMC_UNCLAIMED: u32 = 5; // bytes
export const PMC_ENOMEM: u32 = 6; // 6 rows, by CONTEXT_*
export const PMC_ENOSPC: u32 = 12;
export const PMC_EDQUOT: u32 = 13;
export const PMC_SIGBUS: u32 = 14;
export const PMC_RESTARTS: u32 = 15;
export const PMC_QUEUED_NS: u32 = 16;
export const PMC_IO_READ: u32 = 17; // bytes
export const PMC_IO_WRITTEN: u32 = 18; // bytes
export const PMC_DEFICIT: u32 = 19; // pages that it has still to work off
export const PMC_DEFICIT_PEAK: u32 = 20;
export const PMC_DEFICIT_NS: u32 = 21;
export const PMC_DEFICIT_SINCE: u32 = 22;
export const PMC_SCANS_ELSEWHERE: u32 = 23; // pages that its tasks scanned in others' memory
export const PMC_WAKES: u32 = 24;
export const PMC_WAKES_WASTED: u32 = 25;
export const PMC_FORCE_CHARGE: u32 = 26; // charges that were forced (events)
export const PMC_UNPAID: u32 = 27; // bytes of kernel memory, there now, that its tasks made and nobody pays for
export const PMC_WAKES_RECLAIMED: u32 = 28; // pages that reclaim took which a charge had woken
export const PMC_LOOP_CHARGED: u32 = 29; // pages that loop workers charged to it since its issuer was back in user mode last
export const PMC_LOOP_WORKERS: u32 = 30; // references that loop workers hold
export const PMC_RESERVE: u32 = 31; // pages that are kept free below its limit for what will be charged afterwards
export const NR_PM_COUNTS: u32 = 32;
// of a removed memcg, behind the counts (policy/reparent.ts, policy/release.ts)
export const PM_AGE_SHIFT: u32 = 392; // u64 LRUVEC_NONRESIDENT_AGE of its parent less its own when its folios became its parent's
export const PM_RELEASED: u32 = 400; // u32 1: what it had is nobody's, swap slots too
export const PM_WORK_AT: u32 = 384; // u64 ns: when a work item checks the limit; 0: none is queued
// Who uses a folio (observe): u32 per frame, a set of memcgs. Set 0 is empty; each other one is another set and one memcg more.
export const USER_SET_STRIDE: u32 = 32;
export const USER_SET_REST: u32 = 0; // u32 the set without its last member
export const USER_SET_MEMCG: u32 = 4; // u32 last member
export const USER_SET_SIZE: u32 = 8; // u32 members
export const USER_SET_PAGES: u32 = 16; // i64 pages that this set uses now
export const USER_SET_NEXT: u32 = 12; // u32 of the same hash
export const USER_SET_HASH: u32 = 24; // u32 head of the sets with this hash (by slot, not of this set)
/** A folio that nobody has used yet: the rest of its word is the memcg of the task that had it made (read ahead). */
export const USER_MADE_FOR: u32 = 1 << 31;
// Behind the sets: of each memcg, of each kill, and the pages that went from one payer to another.
export const USER_MEMCG_STRIDE: u32 = 32;
export const USER_SHARE: u32 = 0; // f64 pages: its share of all that it uses; current unless USERS_STALE
export const USER_KILLS: u32 = 8; // u64 innocent processes killed in it
export const USER_ERRORS: u32 = 16; // u64 charges that ended in an error although it was innocent
export const USER_KILL_STRIDE: u32 = 24;
export const USER_KILL_USE: u32 = 0; // f64 pages: own use of the victim's memcg and what is below it
export const USER_KILL_INNOCENT: u32 = 8; // u32
export const USER_KILL_LIMIT: u32 = 16; // i64 memory.max of the victim's memcg
export const NR_FLOWS: u32 = 4096;
export const FLOW_STRIDE: u32 = 24;
export const FLOW_KIND: u32 = 0; // u32 FLOW_*; 0: free
export const FLOW_FROM: u32 = 4; // u32 memcg
export const FLOW_TO: u32 = 8; // u32
export const FLOW_PAGES: u32 = 16; // i64
export const FLOW_MOVED: u32 = 1;
export const FLOW_RECHARGED: u32 = 2;
export const FLOW_REPARENTED: u32 = 3;
export const FLOW_RELEASED: u32 = 4;
export const FLOW_CLAIMED: u32 = 5;
// loop workers (policy/worker.ts)
export const NR_LOOP_WORKERS: u32 = 4096;
// who did what for whose memory (policy/cross.ts): a hash of pairs; record 0 has what found it full
export const NR_CROSS: u32 = 4096;
export const CROSS_STRIDE: u32 = 32;
export const CROSS_DOER: u32 = 0; // u32 memcg of the task; 0: free
export const CROSS_OWNER: u32 = 4; // u32 memcg whose memory it is
export const CROSS_SCANNED: u32 = 8; // u64 pages
export const CROSS_STALL_NS: u32 = 16; // u64
export const CROSS_IO: u32 = 24; // u64 pages that were read or written
export const LOOP_WORKER_STRIDE: u32 = 64;
export const LOOP_WORKER_DEVICE: u32 = 0; // u32 object; 0 = free
export const LOOP_WORKER_MEMCG: u32 = 4; // u32 whose work it does; ROOT: the device's own
export const LOOP_WORKER_NEXT: u32 = 8; // u32 of the device; also the link of the free list
export const LOOP_WORKER_OVER_HIGH: u32 = 12; // u32 TASK_OVER_HIGH of the thread that runs it
export const LOOP_WORKER_BUSY_UNTIL: u32 = 16; // u64 ns: when all that was queued so far is done; idle from then on (last_ran_at)
// what a user has on a tmpfs with quotas (struct quota_id): in the same region, behind the workers
export const NR_DQUOTS: u32 = 1024;
export const DQUOT_STRIDE: u32 = 16;
export const DQUOT_SUPER: u32 = 0; // u32 object
export const DQUOT_UID: u32 = 4; // u32
export const DQUOT_USED: u32 = 8; // u32 pages

// ---------------------------------------------------------------------------------------------- pressure
// struct psi_group, by memcg
export const PSI_STRIDE: u32 = 96;
export const PSI_BORN: u32 = 0; // u64 ns: when the cgroup was made; its periods count from there
export const PSI_DUE: u32 = 8; // u64 ns: when its clock ticks next; 0: nothing has happened yet, NEVER: the clock has stopped
export const PSI_LAST_UPDATE: u32 = 16; // u64 ns
export const PSI_NEXT_UPDATE: u32 = 24; // u64 ns
export const PSI_TOTAL: u32 = 32; // u64[2] ns: some, full
export const PSI_AVERAGED: u32 = 48; // u64[2] ns of these that the averages know
export const PSI_AVERAGE: u32 = 64; // u32[6] of 2^11 a percent
// struct psi_group_cpu: (cgroups + 1) × cpus records
export const PSI_CPU_STRIDE: u32 = 48;
export const PSI_COUNTS: u32 = 0; // u32[3] tasks at work, asleep in a stall, in reclaim: by STALL_* - 1
export const PSI_SINCE: u32 = 16; // u64 ns: up to when the times below are
export const PSI_TIMES: u32 = 24; // u64[3] ns since the last tick: some, full, not idle
// what pressure knows of a task; the word QUEUE belongs to the heap, not to the task
export const PSI_TASK_STRIDE: u32 = 64;
export const PSI_STATE: u32 = 0; // u32 STALL_*
export const PSI_CPU: u32 = 4; // u32, and
export const PSI_MEMCG: u32 = 8; // u32: where it is counted
export const PSI_PLACE: u32 = 12; // u32 of the heap; 0: not in it
export const PSI_RECLAIMS_UNTIL: u32 = 16; // u64 ns
export const PSI_STALLS_UNTIL: u32 = 24; // u64 ns
export const PSI_WORKS_UNTIL: u32 = 32; // u64 ns
export const PSI_CHANGES: u32 = 40; // u64 ns: the heap's key
export const PSI_QUEUE: u32 = 48; // u32 task at this place of the heap
export const STALL_IDLE: u32 = 0;
export const STALL_WORKS: u32 = 1;
export const STALL_ASLEEP: u32 = 2;
export const STALL_RECLAIMS: u32 = 3;

// ---------------------------------------------------------------------------------------------- watch log
export const WATCH_STRIDE: u32 = 48;
export const WATCH_TS: u32 = 0; // u64
export const WATCH_USAGE: u32 = 8; // i64 pages after the change
export const WATCH_MEMCG: u32 = 16; // the level that changed
export const WATCH_START: u32 = 20; // the memcg whose charge or uncharge it is
export const WATCH_DELTA: u32 = 24; // i32 pages
export const WATCH_KIND: u32 = 28; // WATCH_TRY …
export const WATCH_TASK: u32 = 32;
export const WATCH_CPU: u32 = 36;
export const WATCH_TRY: u32 = 1; // page_counter_try_charge, a level granted
export const WATCH_REFUSED: u32 = 2; // page_counter_try_charge, refused: one entry, memcg = the level that refused
export const WATCH_UNDO: u32 = 3; // a level taken back after a refusal higher up
export const WATCH_CHARGE: u32 = 4; // page_counter_charge
export const WATCH_UNCHARGE: u32 = 5; // page_counter_uncharge

// ---------------------------------------------------------------------------------------------- kills
// One record a kill, with a line for each process that could have been chosen: the KILL_CANDIDATES worst, the worst first. Pages.
// Record 0 is where the killer makes its choice; the line behind the last is for the process that it looks at.
export const KILL_CANDIDATES: u32 = 32;
export const KILL_TS: u32 = 0; // u64
export const KILL_POINTS: u32 = 8; // i64
export const KILL_USAGE: u32 = 16; // i64 memory.current of KILL_OVER
export const KILL_LIMIT: u32 = 24; // i64 its memory.max
export const KILL_OVER: u32 = 32; // u32 memcg whose limit could not be kept; of a recorded kill 0
export const KILL_VICTIM: u32 = 36; // u32 task
export const KILL_MEMCG: u32 = 40; // u32 the victim's memcg
export const KILL_GROUP: u32 = 44; // u32 memcg that went whole (memory.oom.group); 0 = only the victim
export const KILL_PROCESSES: u32 = 48; // u32 processes killed
export const KILL_NR_CANDIDATES: u32 = 52; // u32 recorded
export const KILL_OMITTED: u32 = 56; // u32 candidates beyond KILL_CANDIDATES
export const KILL_ROW: u32 = 60; // u32 staged row; only the bindings read it, for the names
export const KILL_HEAD: u32 = 64;
export const CANDIDATE_POINTS: u32 = 0; // i64
export const CANDIDATE_TASK: u32 = 8;
export const CANDIDATE_MEMCG: u32 = 12;
export const CANDIDATE_ANON: u32 = 16;
export const CANDIDATE_FILE: u32 = 20;
export const CANDIDATE_SHMEM: u32 = 24;
export const CANDIDATE_SWAP: u32 = 28; // swap entries
export const CANDIDATE_PAGE_TABLES: u32 = 32; // that its private memory needs
export const CANDIDATE_ADJ: u32 = 36; // i32 oom_score_adj
export const CANDIDATE_STRIDE: u32 = 40;
export const KILL_STRIDE: u32 = 1408; // KILL_HEAD + (KILL_CANDIDATES + 1) * CANDIDATE_STRIDE, and whole lines

// ---------------------------------------------------------------------------------------------- ring of events
//             memcg         object  task       a                        value
//   evicted   charged       or 0    or 0 (mm)  swap slot or 0           page offset, virtual page number
//   refaulted charged       or 0    or 0 (mm)  1: active at once        page offset, virtual page number
//   throttled the task's            yes                                 ns
//   refused   asked to pay          or 0       errno                    pages
//   killed    the limit's           yes        memcg of the group or 0
//   moved     from          or 0             to (memcg)               pages: of kernel memory, or of the object
export const RING_STRIDE: u32 = 40;
export const RING_TS: u32 = 0; // u64
export const RING_VALUE: u32 = 8; // u64
export const RING_TYPE: u32 = 16; // RING_EVICTED …
export const RING_MEMCG: u32 = 20;
export const RING_OBJECT: u32 = 24;
export const RING_TASK: u32 = 28;
export const RING_A: u32 = 32;
export const RING_EVICTED: u32 = 1;
export const RING_REFAULTED: u32 = 2;
export const RING_THROTTLED: u32 = 3;
export const RING_REFUSED: u32 = 4;
export const RING_KILLED: u32 = 5;
export const RING_MOVED: u32 = 6;

// ---------------------------------------------------------------------------------------------- audit
// What the audit adds up for each memcg (or objcg: same ids), one i64 each.
export const AUDIT_STRIDE: u32 = 168;
export const AUDIT_KIND: u32 = 0; // 9 rows, by KIND_* up to KIND_KERNEL_OTHER: pages of the folios of that kind; owner = memcg or objcg
export const AUDIT_BYTE_PAGES: u32 = 9; // pages behind an objcg's bytes
export const AUDIT_STOCK: u32 = 10;
export const AUDIT_GATHERED: u32 = 11; // user pages in open uncharge batches
export const AUDIT_GATHERED_KMEM: u32 = 12;
export const AUDIT_UNDONE: u32 = 13; // pages whose charge was undone while the folio waits
export const AUDIT_SWAP: u32 = 14;
export const AUDIT_STOCK_BYTES: u32 = 15;
export const AUDIT_THP: u32 = 16; // 3 rows: pages of huge folios that are anon, file, shmem
export const AUDIT_CACHE: u32 = 20; // bytes of the page cache's nodes and buffer heads, by objcg
export const AUDIT_UNCOUNTED: u32 = 19; // charged, but in the swap cache alone
// answers of audit(), with H_AUDIT_ID, H_AUDIT_EXPECTED and H_AUDIT_FOUND
export const AUDIT_OK: u32 = 0;
export const AUDIT_MEMORY_USAGE: u32 = 1;
export const AUDIT_SWAP_USAGE: u32 = 2;
export const AUDIT_KMEM: u32 = 3;
export const AUDIT_OBJCG_BYTES: u32 = 4;
export const AUDIT_STATISTIC: u32 = 5;
export const AUDIT_LIST_SIZE: u32 = 6;
export const AUDIT_LIST_PAGES: u32 = 7;
export const AUDIT_LIST_OWNER: u32 = 8;
export const AUDIT_LIST_ORDER: u32 = 9;
export const AUDIT_LIST_MEMBERS: u32 = 10;
export const AUDIT_CHUNKS: u32 = 11;
export const AUDIT_PROTECTION: u32 = 12;
export const AUDIT_WATERMARK: u32 = 13;
export const AUDIT_TASKS: u32 = 14;
export const AUDIT_MAPCOUNT: u32 = 15;
export const AUDIT_FILE_MAPPED: u32 = 16;
export const AUDIT_FILE_DIRTY: u32 = 17;
export const AUDIT_RESIDENT: u32 = 18;
export const AUDIT_NODES: u32 = 19;
export const AUDIT_FRAMES: u32 = 20;
export const AUDIT_SHOWN: u32 = 21;
export const AUDIT_SLOT: u32 = 22;
export const AUDIT_SLOTS_USED: u32 = 23;
export const AUDIT_WRITEBACK: u32 = 24;
export const AUDIT_DIRTY_INODES: u32 = 25;
export const AUDIT_PRESSURE: u32 = 26;
export const AUDIT_MLOCK: u32 = 27;
export const AUDIT_BPF: u32 = 28;
export const AUDIT_LOOP: u32 = 29;
export const AUDIT_OVER: u32 = 30;

// ---------------------------------------------------------------------------------------------- regions
export const R_CPU: u32 = 0;
export const R_COUNTER: u32 = 1;
export const R_MEMCG: u32 = 2;
export const R_OBJCG: u32 = 3;
export const R_EVENT: u32 = 4;
export const R_LIST: u32 = 5;
export const R_TASK: u32 = 6;
export const R_STAT: u32 = 7;
export const R_CHUNK: u32 = 8;
export const R_SWAP: u32 = 9;
export const R_FOLIO: u32 = 10;
export const R_LOG: u32 = 11;
export const R_WATCH: u32 = 12;
export const R_AUDIT: u32 = 13;
export const R_OBJECT: u32 = 14;
export const R_MM: u32 = 15;
export const R_MAP: u32 = 16;
export const R_NODE: u32 = 17;
export const R_NODE_USE: u32 = 18;
export const R_PLACE: u32 = 19;
export const R_LRUVEC: u32 = 20;
export const R_SHADOW: u32 = 21;
export const R_SLOT: u32 = 22;
export const R_FOLIO_SLOT: u32 = 23;
export const R_SLOT_CACHE: u32 = 24;
export const R_INODE: u32 = 25;
export const R_WRITE: u32 = 26;
export const R_READER: u32 = 27;
export const R_PSI: u32 = 28;
export const R_PSI_CPU: u32 = 29;
export const R_PSI_TASK: u32 = 30;
export const R_KILL: u32 = 31;
export const R_RING: u32 = 32;
export const R_LOCK: u32 = 33;
export const R_LOCKED: u32 = 34;
export const R_LRU_ADD: u32 = 35;
export const R_SHRINK: u32 = 36;
export const R_HUGE: u32 = 37;
/** u32 per node of a page cache's tree: the objcg that pays for it; ROOT: nobody does; 0: the kernel has no such node */
export const R_NODE_OWNER: u32 = 38;
export const R_BOND: u32 = 39;
export const R_POLICY_MEMCG: u32 = 40;
export const R_LOOP_WORKER: u32 = 41;
export const R_USERS: u32 = 42;
export const R_USER_SET: u32 = 43;
export const R_CROSS: u32 = 44;
export const NR_REGIONS: u32 = 45;

export function alignLine(bytes: f64): f64 {
  return Math.ceil(bytes / LINE) * LINE;
}

/**
 * Chunks that the lists can never exceed: compaction keeps every list below LOG_SLACK × live + CHUNK_ENTRIES entries, and
 * both ends of a list may lie in a chunk that is partly used. Chunk 0 is never used: position 0 means "on no list".
 */
export function chunkCount(pages: f64, cgroups: f64): f64 {
  return 1 + Math.ceil((LOG_SLACK * pages) / CHUNK_ENTRIES) + 4 * Math.min(NR_LRU_LISTS * cgroups, pages);
}

/** Parts of the last region, from its beginning: after the sets what is known of memcgs, of kills, and the flows. */
export function userMemcgsAt(observe: f64): f64 {
  return (observe + 1) * USER_SET_STRIDE;
}
export function userKillsAt(cgroups: f64, observe: f64): f64 {
  return userMemcgsAt(observe) + (cgroups + 1) * USER_MEMCG_STRIDE;
}
export function userFlowsAt(cgroups: f64, kills: f64, observe: f64): f64 {
  return userKillsAt(cgroups, observe) + (kills + 1) * USER_KILL_STRIDE;
}

/** Bytes of one region. Capacities are counts of usable ids; record 0 comes on top. */
export function regionSize(
  region: u32,
  pages: f64,
  cgroups: f64,
  tasks: f64,
  cpus: f64,
  workers: f64,
  swap: f64,
  watch: f64,
  objects: f64,
  maps: f64,
  nodes: f64,
  kills: f64,
  ring: f64,
  policies: f64,
  observe: f64,
): f64 {
  if (region == R_CPU) return cpus * CPU_STRIDE;
  if (region == R_COUNTER) return (cgroups + 1) * NR_COUNTERS * COUNTER_STRIDE;
  if (region == R_MEMCG) return (cgroups + 1) * MEMCG_STRIDE;
  if (region == R_OBJCG) return (cgroups + 1) * OBJCG_STRIDE;
  if (region == R_EVENT) return (cgroups + 1) * EVENT_STRIDE;
  if (region == R_LIST) return (cgroups + 1) * NR_LRU_LISTS * LIST_STRIDE;
  // (One more, behind the last, for the kernel thread that runs the work of loop devices.)
  if (region == R_TASK) return (tasks + 1 + policies) * TASK_STRIDE;
  if (region == R_STAT) return workers * (cgroups + 1) * STAT_STRIDE;
  if (region == R_CHUNK) return chunkCount(pages, cgroups) * CHUNK_STRIDE;
  if (region == R_SWAP) return (swap + 1) * 4;
  if (region == R_FOLIO) return (pages + 1) * FOLIO_STRIDE;
  if (region == R_LOG) return chunkCount(pages, cgroups) * CHUNK_ENTRIES * 4;
  if (region == R_WATCH) return watch * WATCH_STRIDE;
  if (region == R_AUDIT) return (cgroups + 1) * AUDIT_STRIDE;
  if (region == R_KILL) return (kills + 1) * KILL_STRIDE;
  if (region == R_RING) return ring * RING_STRIDE;
  // What modelled residency alone needs takes no room where there are no nodes.
  if (nodes == 0) return 0;
  if (region == R_OBJECT) return (objects + 1) * OBJECT_STRIDE;
  if (region == R_MM) return (tasks + 1 + policies) * MM_STRIDE;
  if (region == R_MAP) return (maps + 1) * MAP_STRIDE;
  if (region == R_NODE) return (nodes + 1) * NODE_STRIDE;
  if (region == R_NODE_USE) return (nodes + 1) * 4;
  if (region == R_PLACE) return (pages + 1) * PLACE_STRIDE;
  if (region == R_LRU_ADD) return cpus * LRU_ADD_STRIDE;
  if (region == R_LRUVEC) return (cgroups + 1) * LRUVEC_STRIDE;
  if (region == R_INODE) return (objects + 1) * INODE_STRIDE;
  if (region == R_READER) return NR_READERS * READER_STRIDE;
  if (region == R_LOCK) return (maps + 1) * LOCK_STRIDE;
  if (region == R_LOCKED) return (pages + 1) * LOCKED_STRIDE;
  if (region == R_WRITE) return (pages + 1) * WRITE_STRIDE;
  if (region == R_PSI) return (cgroups + 1) * PSI_STRIDE;
  if (region == R_PSI_CPU) return (cgroups + 1) * cpus * PSI_CPU_STRIDE;
  if (region == R_PSI_TASK) return (tasks + 1) * PSI_TASK_STRIDE;
  // Linux keeps about as many nodes with shadows as memory has pages to compare with.
  if (region == R_SHADOW) return (2 * pages + 1) * SHADOW_STRIDE;
  if (region == R_HUGE) return HUGE_STRIDE;
  if (region == R_SHRINK) return (cgroups + 1) * SHRINK_STRIDE;
  if (region == R_NODE_OWNER) return (nodes + 1) * 4;
  if (region == R_BOND) return policies == 0 ? 0 : (objects + 1) * BOND_STRIDE;
  if (region == R_POLICY_MEMCG) return policies == 0 ? 0 : (cgroups + 1) * PM_STRIDE;
  if (region == R_LOOP_WORKER) return policies == 0 ? 0 : (NR_LOOP_WORKERS + 1) * LOOP_WORKER_STRIDE + (NR_DQUOTS + 1) * DQUOT_STRIDE;
  if (region == R_CROSS) return policies == 0 ? 0 : (NR_CROSS + 1) * CROSS_STRIDE;
  if (region == R_USERS) return observe == 0 ? 0 : (pages + 1) * 4;
  if (region == R_USER_SET) {
    if (observe == 0) return 0;
    return userFlowsAt(cgroups, kills, observe) + NR_FLOWS * FLOW_STRIDE;
  }
  if (swap == 0) return 0;
  if (region == R_SLOT) return (swap + 1) * SLOT_STRIDE;
  if (region == R_FOLIO_SLOT) return (pages + 1) * 4;
  return cpus * SLOT_CACHE_STRIDE;
}

/** Address of a region: the previous one plus its size; the first one follows the columns. `regionOffset(NR_REGIONS, …)` is the total. */
export function regionOffset(
  region: u32,
  pages: f64,
  cgroups: f64,
  tasks: f64,
  cpus: f64,
  workers: f64,
  swap: f64,
  watch: f64,
  objects: f64,
  maps: f64,
  nodes: f64,
  kills: f64,
  ring: f64,
  policies: f64,
  observe: f64,
): f64 {
  let at: f64 = CPU_BASE;
  for (let r: u32 = 0; r < region; r++)
    at += alignLine(regionSize(r, pages, cgroups, tasks, cpus, workers, swap, watch, objects, maps, nodes, kills, ring, policies, observe));
  return at;
}

/** Bytes behind the last region for kernel statistics. */
export function rstatSize(cgroups: f64, cpus: f64): f64 {
  return alignLine((2 + cpus) * (cgroups + 1) * RSTAT_STRIDE);
}
