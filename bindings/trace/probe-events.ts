/** The lines that the memcg-probes importer understands, by event name: public tracepoints and kprobes inside the controller. */

// Event codes. Public ones are below FIRST_PROBE.
export const MM_PAGE_FREE = 1;
export const MM_PAGE_FREE_BATCHED = 2;
export const CGROUP_MKDIR = 3;
export const CGROUP_RMDIR = 4;
export const CGROUP_ATTACH_TASK = 5;
export const CGROUP_RELEASE = 6;
export const SCHED_PROCESS_FORK = 7;
export const SCHED_PROCESS_EXEC = 8;
export const SCHED_PROCESS_EXIT = 9;
export const RECLAIM_BEGIN = 10;
export const RECLAIM_END = 11;
export const MM_PAGE_ALLOC = 12;
export const SHRINK_INACTIVE = 13;
export const FILEMAP_ADD_PUBLIC = 14;
export const PAGE_FAULT_USER = 15;
export const PAGE_FAULT_KERNEL = 16;
export const MARK_VICTIM = 17;
export const FILEMAP_DELETE = 18;
export const MARK_WRITE = 19;
export const FIRST_PROBE = 32;
export const CSS_ONLINE = 32;
export const CSS_OFFLINE = 33;
export const CHARGE = 34;
export const UNCHARGE = 35;
export const KMEM_CHARGE_PAGE = 36;
export const KMEM_UNCHARGE_PAGE = 37;
export const OBJCG_CHARGE = 38;
export const OBJCG_UNCHARGE = 39;
export const FILEMAP_ADD = 40;
export const SHMEM_ADD = 41;
export const MIGRATE = 42;
export const SWAPOUT = 43;
export const SWAP_CHARGE = 44;
export const SWAP_UNCHARGE = 45;
export const FIRST_CHECK = 64;

export const EVENTS = new Map<string, number>([
  ['mm_page_free', MM_PAGE_FREE],
  ['mm_page_free_batched', MM_PAGE_FREE_BATCHED],
  ['cgroup_mkdir', CGROUP_MKDIR],
  ['cgroup_rmdir', CGROUP_RMDIR],
  ['cgroup_attach_task', CGROUP_ATTACH_TASK],
  ['cgroup_release', CGROUP_RELEASE],
  ['sched_process_fork', SCHED_PROCESS_FORK],
  ['sched_process_exec', SCHED_PROCESS_EXEC],
  ['sched_process_exit', SCHED_PROCESS_EXIT],
  ['mm_vmscan_memcg_reclaim_begin', RECLAIM_BEGIN],
  ['mm_vmscan_memcg_reclaim_end', RECLAIM_END],
  ['mm_page_alloc', MM_PAGE_ALLOC],
  ['mm_vmscan_lru_shrink_inactive', SHRINK_INACTIVE],
  ['mm_filemap_add_to_page_cache', FILEMAP_ADD_PUBLIC],
  ['page_fault_user', PAGE_FAULT_USER],
  ['page_fault_kernel', PAGE_FAULT_KERNEL],
  ['mark_victim', MARK_VICTIM],
  ['mm_filemap_delete_from_page_cache', FILEMAP_DELETE],
  ['tracing_mark_write', MARK_WRITE],
  ['css_online', CSS_ONLINE],
  ['css_offline', CSS_OFFLINE],
  ['charge', CHARGE],
  ['uncharge', UNCHARGE],
  ['kmem_charge_page', KMEM_CHARGE_PAGE],
  ['kmem_uncharge_page', KMEM_UNCHARGE_PAGE],
  ['objcg_charge', OBJCG_CHARGE],
  ['objcg_uncharge', OBJCG_UNCHARGE],
  ['filemap_add', FILEMAP_ADD],
  ['shmem_add', SHMEM_ADD],
  ['migrate', MIGRATE],
  ['swapout', SWAPOUT],
  ['swap_charge', SWAP_CHARGE],
  ['swap_uncharge', SWAP_UNCHARGE],
  ['pc_try_charge', FIRST_CHECK],
  ['pc_try_charge_ret', FIRST_CHECK],
  ['pc_charge', FIRST_CHECK],
  ['pc_uncharge', FIRST_CHECK],
  ['try_charge', FIRST_CHECK],
  ['objcg_uncharge_pages', FIRST_CHECK],
]);

/**
 * Lines after which a refused charge of the task cannot be said to have gone on: frees, uncharges and what reclaim does. Every other
 * counted line shows that the task left the charge.
 */
export const NO_RETRY = new Set([
  MM_PAGE_FREE,
  MM_PAGE_FREE_BATCHED,
  UNCHARGE,
  FILEMAP_ADD,
  SHMEM_ADD,
  SWAPOUT,
  SWAP_CHARGE,
  SWAP_UNCHARGE,
  MM_PAGE_ALLOC,
  FILEMAP_DELETE,
  SHRINK_INACTIVE,
  MARK_VICTIM,
]);
