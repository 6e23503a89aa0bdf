/**
 * What the kernel was built with, as far as it decides which control files there are and which lines they have. The names are the
 * kernel's options without CONFIG_.
 */
export interface KernelConfig {
  /** the files *.pressure */
  readonly PSI: boolean;
  /** anon_thp and its like in memory.stat */
  readonly TRANSPARENT_HUGEPAGE: boolean;
  /** memory.numa_stat */
  readonly NUMA: boolean;
  /** numa_pages_migrated and its like in memory.stat of 6.18 */
  readonly NUMA_BALANCING: boolean;
}

/** What distributions build for servers. */
export const DISTRIBUTION: KernelConfig = {
  PSI: true,
  TRANSPARENT_HUGEPAGE: true,
  NUMA: true,
  NUMA_BALANCING: true,
};

/** The guest that `memcharge run` is compared with: User Mode Linux has none of it. */
export const GUEST: KernelConfig = { PSI: false, TRANSPARENT_HUGEPAGE: false, NUMA: false, NUMA_BALANCING: false };
