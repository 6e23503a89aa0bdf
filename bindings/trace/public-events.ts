/** The public tracepoints that the `ftrace` importer understands, by event name. */

export const MM_PAGE_ALLOC = 1;
export const MM_PAGE_FREE = 2;
export const MM_PAGE_FREE_BATCHED = 3;
export const FILEMAP_ADD = 4;
export const FILEMAP_DELETE = 5;
export const PAGE_FAULT_USER = 6;
export const PAGE_FAULT_KERNEL = 7;
export const CGROUP_MKDIR = 8;
export const CGROUP_RMDIR = 9;
export const CGROUP_RELEASE = 10;
export const CGROUP_ATTACH_TASK = 11;
export const SCHED_PROCESS_FORK = 12;
export const SCHED_PROCESS_EXEC = 13;
export const SCHED_PROCESS_EXIT = 14;
export const TASK_NEWTASK = 15;
export const RECLAIM_BEGIN = 16;
export const RECLAIM_END = 17;
export const SHRINK_INACTIVE = 18;
export const WRITE_FOLIO = 19;
export const MARK_VICTIM = 20;
export const OOM_SCORE_ADJ = 21;
export const SLAB_ALLOC = 22;
export const SLAB_FREE = 23;
export const MARK_WRITE = 24;
/** trace-cmd's names of a marker: `print: … tracing_mark_write: TEXT` */
export const PRINT = 25;

export const PUBLIC_EVENTS: ReadonlyMap<string, number> = new Map([
  ['mm_page_alloc', MM_PAGE_ALLOC],
  ['mm_page_free', MM_PAGE_FREE],
  ['mm_page_free_batched', MM_PAGE_FREE_BATCHED],
  ['mm_filemap_add_to_page_cache', FILEMAP_ADD],
  ['mm_filemap_delete_from_page_cache', FILEMAP_DELETE],
  ['page_fault_user', PAGE_FAULT_USER],
  ['page_fault_kernel', PAGE_FAULT_KERNEL],
  ['cgroup_mkdir', CGROUP_MKDIR],
  ['cgroup_rmdir', CGROUP_RMDIR],
  ['cgroup_release', CGROUP_RELEASE],
  ['cgroup_attach_task', CGROUP_ATTACH_TASK],
  ['sched_process_fork', SCHED_PROCESS_FORK],
  ['sched_process_exec', SCHED_PROCESS_EXEC],
  ['sched_process_exit', SCHED_PROCESS_EXIT],
  ['task_newtask', TASK_NEWTASK],
  ['mm_vmscan_memcg_reclaim_begin', RECLAIM_BEGIN],
  ['mm_vmscan_memcg_reclaim_end', RECLAIM_END],
  ['mm_vmscan_lru_shrink_inactive', SHRINK_INACTIVE],
  ['mm_vmscan_write_folio', WRITE_FOLIO],
  ['mm_vmscan_writepage', WRITE_FOLIO],
  ['mark_victim', MARK_VICTIM],
  ['oom_score_adj_update', OOM_SCORE_ADJ],
  ['kmem_cache_alloc', SLAB_ALLOC],
  ['kmem_cache_alloc_node', SLAB_ALLOC],
  ['kmalloc', SLAB_ALLOC],
  ['kmalloc_node', SLAB_ALLOC],
  ['kmem_cache_free', SLAB_FREE],
  ['kfree', SLAB_FREE],
  ['tracing_mark_write', MARK_WRITE],
  ['print', PRINT],
  ['bprint', PRINT],
]);

/**
 * Lines after which a refused charge of the task cannot be said to have gone on: frees, allocations (a charge may allocate before it
 * ends) and what reclaim does. Every other line shows that the task left the charge.
 */
export const NO_RETRY: ReadonlySet<number> = new Set([
  MM_PAGE_FREE,
  MM_PAGE_FREE_BATCHED,
  MM_PAGE_ALLOC,
  FILEMAP_DELETE,
  SHRINK_INACTIVE,
  WRITE_FOLIO,
  MARK_VICTIM,
  RECLAIM_BEGIN,
  RECLAIM_END,
  SLAB_ALLOC,
  SLAB_FREE,
]);
