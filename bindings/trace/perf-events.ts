/** The events of perf that mean something to the importers, by name: what `perf script` prints and perf.data calls them. */

/** Software event: the handler of page faults began (`perf_sw_event` in `do_user_addr_fault`). */
export const PAGE_FAULTS = 1;
/** Software events at the end of a fault: the same fault as PAGE_FAULTS where both are recorded. */
export const PAGE_FAULTS_END = 2;
/** Tracepoints of x86 before the handler, which alone have the error code. */
export const PAGE_FAULT_TRACE = 3;
export const FILEMAP_ADD = 4;
export const FILEMAP_DELETE = 5;
export const MM_PAGE_ALLOC = 6;
export const RSS_STAT = 7;
export const SCHED_FORK = 8;
export const SCHED_EXEC = 9;
export const SCHED_EXIT = 10;
export const CGROUP_MKDIR = 11;
export const CGROUP_RMDIR = 12;
export const CGROUP_ATTACH = 13;
export const RECLAIM_BEGIN = 14;
export const RECLAIM_END = 15;

/** Event code by name, without modifiers such as `:u`. */
export const PERF_EVENTS: ReadonlyMap<string, number> = new Map([
  ['page-faults', PAGE_FAULTS],
  ['faults', PAGE_FAULTS],
  ['minor-faults', PAGE_FAULTS_END],
  ['major-faults', PAGE_FAULTS_END],
  ['exceptions:page_fault_user', PAGE_FAULT_TRACE],
  ['exceptions:page_fault_kernel', PAGE_FAULT_TRACE],
  ['filemap:mm_filemap_add_to_page_cache', FILEMAP_ADD],
  ['filemap:mm_filemap_delete_from_page_cache', FILEMAP_DELETE],
  ['kmem:mm_page_alloc', MM_PAGE_ALLOC],
  ['kmem:rss_stat', RSS_STAT],
  ['sched:sched_process_fork', SCHED_FORK],
  ['sched:sched_process_exec', SCHED_EXEC],
  ['sched:sched_process_exit', SCHED_EXIT],
  ['cgroup:cgroup_mkdir', CGROUP_MKDIR],
  ['cgroup:cgroup_rmdir', CGROUP_RMDIR],
  ['cgroup:cgroup_attach_task', CGROUP_ATTACH],
  ['cgroup:cgroup_transfer_tasks', CGROUP_ATTACH],
  ['vmscan:mm_vmscan_direct_reclaim_begin', RECLAIM_BEGIN],
  ['vmscan:mm_vmscan_memcg_reclaim_begin', RECLAIM_BEGIN],
  ['vmscan:mm_vmscan_direct_reclaim_end', RECLAIM_END],
  ['vmscan:mm_vmscan_memcg_reclaim_end', RECLAIM_END],
]);

/** Members of `rss_stat` (include/linux/mm_types_task.h), which has had these numbers since 4.5. */
export const RSS_MEMBERS: ReadonlyMap<string, number> = new Map([
  ['MM_FILEPAGES', 0],
  ['MM_ANONPAGES', 1],
  ['MM_SWAPENTS', 2],
  ['MM_SHMEMPAGES', 3],
]);
export const MM_FILEPAGES = 0;
export const MM_SHMEMPAGES = 3;

/** What the allocation before an insertion into the page cache was for. */
export const ALLOC_UNKNOWN = 0;
/** `__GFP_WRITE`: `write(2)` allocates so in `__filemap_get_folio`. */
export const ALLOC_WRITE = 1;
/** `__GFP_NORETRY`: `readahead_gfp_mask`. */
export const ALLOC_READAHEAD = 2;
export const ALLOC_READ = 3;

/** One mapping as PERF_RECORD_MMAP2 has it; one object is reused for every record. */
export interface MmapRecord {
  pid: number;
  tid: number;
  /** first page, by number */
  start: number;
  pages: number;
  /** offset in pages */
  offset: number;
  /** -1: the record has no device and inode (MMAP, or a build id in their place) */
  major: number;
  minor: number;
  /** above 2^53 a BigInt */
  inode: number | bigint;
  /** 0 = unknown: mappings that perf read from /proc have none */
  generation: number;
  write: boolean;
  exec: boolean;
  shared: boolean;
  /** as latin1 */
  path: string;
}

export function emptyMmap(): MmapRecord {
  return {
    pid: 0,
    tid: 0,
    start: 0,
    pages: 0,
    offset: 0,
    major: 0,
    minor: 0,
    inode: 0,
    generation: 0,
    write: false,
    exec: false,
    shared: false,
    path: '',
  };
}
