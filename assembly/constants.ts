// Numbers that are the kernel's own, each with its source. Nothing here is ours to choose.

/** include/linux/memcontrol.h: MEMCG_CHARGE_BATCH, the pages that one trip to the counters takes. */
export const MEMCG_CHARGE_BATCH: u32 = 64;
/** mm/memcontrol.c: NR_MEMCG_STOCK, cached memcgs per CPU (6.18). */
export const NR_MEMCG_STOCK: u32 = 7;
/** include/linux/page_counter.h: PAGE_COUNTER_MAX = floor(LONG_MAX / PAGE_SIZE). */
export const PAGE_COUNTER_MAX: i64 = 2251799813685247;
/** mm/memcontrol.c: MAX_RECLAIM_RETRIES, fruitless reclaims of one charge before the OOM killer. */
export const MAX_RECLAIM_RETRIES: u32 = 16;
/** include/linux/mmzone.h: 1 << PAGE_ALLOC_COSTLY_ORDER, the largest charge (pages) for which any progress is reason to go on. */
export const PAGE_ALLOC_COSTLY: u32 = 8;
/** include/linux/swap.h: SWAP_CLUSTER_MAX, pages that one round of reclaim wants at least and scans at most. */
export const SWAP_CLUSTER_MAX: u32 = 32;
/** include/linux/pagevec.h: PAGEVEC_SIZE, folios that one batch takes: 31 in 6.18, 15 in 6.1. */
export const PAGEVEC_SIZE: u32 = 31;
export const PAGEVEC_SIZE_61: u32 = 15;
/** include/linux/mmzone.h: DEF_PRIORITY, where a reclaim begins: a 4096th of each list. */
export const DEF_PRIORITY: u32 = 12;
/** CONFIG_HZ of most distributions' kernels: jiffies a second, unless the machine is booted with another. */
export const DEFAULT_HZ: u32 = 250;
/** mm/page_alloc.c: calculate_min_free_kbytes() keeps vm.min_free_kbytes between these. */
export const MIN_FREE_KBYTES_LEAST: u64 = 128;
export const MIN_FREE_KBYTES_MOST: u64 = 262144;
/** mm/page_alloc.c: watermark_scale_factor, ten-thousandths of memory between two watermarks. */
export const WATERMARK_SCALE_FACTOR: u32 = 10;
/** include/linux/blkdev.h: BLKDEV_DEFAULT_RQ, requests that a device's queue holds. */
export const BLKDEV_DEFAULT_RQ: u32 = 128;
/**
 * How long until a victim that cannot exit is passed over: mm/oom_kill.c: OOM_REAPER_DELAY (2 s), then MAX_OOM_REAP_RETRIES (10) tries for
 * its mmap_lock, each followed by a sleep of HZ / 10.
 */
export const OOM_REAP_NS: u64 = 3000000000;
export const NS_PER_S: u64 = 1000000000;
export const PAGE_SHIFT: u32 = 12;
export const PAGE_SIZE: u32 = 4096;
/** Largest folio order that memcg charges on x86-64: a PMD-sized huge page. */
export const MAX_FOLIO_ORDER: u32 = 9;

/** "Not before the next event that is later than this": an unarmed timer. */
export const NEVER: u64 = 0xffffffffffffffff;
/** LOOP_IDLE_WORKER_TIMEOUT, drivers/block/loop.c: 60 s */
export const LOOP_IDLE_WORKER_NS: u64 = 60000000000;
/** Delay until the kworker of another CPU drains it: 0.3–0.65 ms measured on Linux 6.1, any value from 0.05 to 3 ms scores alike. */
export const REMOTE_DRAIN_NS: u64 = 400000;

/** kernel/sysctl.c, mm/page-writeback.c: vm.dirty_background_ratio, vm.dirty_ratio, in % of what could be dirty. */
export const DIRTY_BACKGROUND_RATIO: u64 = 10;
export const DIRTY_RATIO: u64 = 20;
/** mm/page-writeback.c: vm.dirty_writeback_centisecs, how often the flusher looks; vm.dirty_expire_centisecs, what it calls old. */
export const DIRTY_WRITEBACK_NS: u64 = 5000000000;
export const DIRTY_EXPIRE_NS: u64 = 30000000000;

// --- errno (include/uapi/asm-generic/errno-base.h, errno.h), returned negative
export const EPERM: i32 = 1;
export const ENOENT: i32 = 2;
export const ESRCH: i32 = 3;
export const EAGAIN: i32 = 11;
export const ENOMEM: i32 = 12;
export const EACCES: i32 = 13;
export const EBUSY: i32 = 16;
export const EEXIST: i32 = 17;
export const ENODEV: i32 = 19;
export const EINVAL: i32 = 22;
/** A table is full: header field FULL_TABLE names the capacity to raise. */
export const ENOSPC: i32 = 28;
/** An id lies outside its table: header fields ERROR_FIELD and ERROR_VALUE say which. */
export const ERANGE: i32 = 34;
/** A user has all of a tmpfs that his quota allows. */
export const EDQUOT: i32 = 122;
