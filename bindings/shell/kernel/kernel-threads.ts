/** The threads of the kernel that the parity guest has when a script begins: user-mode-linux 6.1. They do nothing that is seen. */

/** A thread of the kernel. */
export interface KernelThreadEntry {
  readonly pid: number;
  readonly comm: string;
  /** I (idle: a worker without work) or S */
  readonly state: 'I' | 'S';
  /** PF_NO_SETAFFINITY or no_cgroup_migration: stays in the root cgroup */
  readonly bound: boolean;
}

const worker = (pid: number, comm: string): KernelThreadEntry => ({ pid, comm, state: 'I', bound: true });
const sleeper = (pid: number, comm: string, bound = false): KernelThreadEntry => ({ pid, comm, state: 'S', bound });

export const KERNEL_THREADS: readonly KernelThreadEntry[] = [
  sleeper(2, 'kthreadd', true),
  worker(3, 'slub_flushwq'),
  worker(4, 'netns'),
  worker(5, 'kworker/0:0-events'),
  worker(6, 'kworker/0:0H-kblockd'),
  worker(7, 'kworker/u2:0-events_unbound'),
  worker(8, 'mm_percpu_wq'),
  { pid: 9, comm: 'rcu_tasks_trace_kthread', state: 'I', bound: false },
  sleeper(10, 'ksoftirqd/0', true),
  sleeper(11, 'kdevtmpfs'),
  worker(12, 'inet_frag_wq'),
  sleeper(13, 'kauditd'),
  sleeper(14, 'oom_reaper'),
  worker(15, 'writeback'),
  sleeper(16, 'kcompactd0'),
  worker(17, 'kintegrityd'),
  worker(18, 'kblockd'),
  worker(19, 'blkcg_punt_bio'),
  sleeper(20, 'watchdogd'),
  worker(21, 'kworker/0:1-events_power_efficient'),
  worker(22, 'kworker/u2:1-events_unbound'),
  sleeper(24, 'hwrng'),
  sleeper(31, 'kswapd0'),
  sleeper(33, 'jfsIO'),
  sleeper(34, 'jfsCommit'),
  sleeper(35, 'jfsSync'),
  worker(36, 'xfsalloc'),
  worker(37, 'xfs_mru_cache'),
  worker(39, 'kthrotld'),
  worker(574, 'kstrp'),
  worker(659, 'kworker/0:1H-kblockd'),
  worker(666, 'zswap-shrink'),
  sleeper(711, 'jbd2/ubda-8'),
  worker(712, 'ext4-rsv-conver'),
];
