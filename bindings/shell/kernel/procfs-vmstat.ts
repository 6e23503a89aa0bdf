/** The keys of /proc/vmstat, in the order in which the kernel prints them. mm/vmstat.c: vmstat_text[]. */
const KEYS_6_1 =
  'nr_free_pages nr_zone_inactive_anon nr_zone_active_anon nr_zone_inactive_file nr_zone_active_file ' +
  'nr_zone_unevictable nr_zone_write_pending nr_mlock nr_bounce nr_zspages nr_free_cma nr_inactive_anon ' +
  'nr_active_anon nr_inactive_file nr_active_file nr_unevictable nr_slab_reclaimable ' +
  'nr_slab_unreclaimable nr_isolated_anon nr_isolated_file workingset_nodes workingset_refault_anon ' +
  'workingset_refault_file workingset_activate_anon workingset_activate_file workingset_restore_anon ' +
  'workingset_restore_file workingset_nodereclaim nr_anon_pages nr_mapped nr_file_pages nr_dirty ' +
  'nr_writeback nr_writeback_temp nr_shmem nr_shmem_hugepages nr_shmem_pmdmapped nr_file_hugepages ' +
  'nr_file_pmdmapped nr_anon_transparent_hugepages nr_vmscan_write nr_vmscan_immediate_reclaim ' +
  'nr_dirtied nr_written nr_throttled_written nr_kernel_misc_reclaimable nr_foll_pin_acquired ' +
  'nr_foll_pin_released nr_kernel_stack nr_page_table_pages nr_sec_page_table_pages nr_swapcached ' +
  'nr_dirty_threshold nr_dirty_background_threshold pgpgin pgpgout pswpin pswpout pgalloc_normal ' +
  'pgalloc_movable allocstall_normal allocstall_movable pgskip_normal pgskip_movable pgfree pgactivate ' +
  'pgdeactivate pglazyfree pgfault pgmajfault pglazyfreed pgrefill pgreuse pgsteal_kswapd ' +
  'pgsteal_direct pgdemote_kswapd pgdemote_direct pgscan_kswapd pgscan_direct pgscan_direct_throttle ' +
  'pgscan_anon pgscan_file pgsteal_anon pgsteal_file pginodesteal slabs_scanned kswapd_inodesteal ' +
  'kswapd_low_wmark_hit_quickly kswapd_high_wmark_hit_quickly pageoutrun pgrotated drop_pagecache ' +
  'drop_slab oom_kill pgmigrate_success pgmigrate_fail thp_migration_success thp_migration_fail ' +
  'thp_migration_split compact_migrate_scanned compact_free_scanned compact_isolated compact_stall ' +
  'compact_fail compact_success compact_daemon_wake compact_daemon_migrate_scanned ' +
  'compact_daemon_free_scanned unevictable_pgs_culled unevictable_pgs_scanned unevictable_pgs_rescued ' +
  'unevictable_pgs_mlocked unevictable_pgs_munlocked unevictable_pgs_cleared unevictable_pgs_stranded ' +
  'balloon_inflate balloon_deflate balloon_migrate swap_ra swap_ra_hit zswpin zswpout nr_unstable ';

/** 6.18 has no guest here: the keys of 6.1, where no recording shows others. */
export const PROC_VMSTAT: Readonly<Record<'6.1' | '6.18', readonly string[]>> = {
  '6.1': KEYS_6_1.trim().split(' '),
  '6.18': KEYS_6_1.trim().split(' '),
};
