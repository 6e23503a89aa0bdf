# /proc/meminfo and /proc/vmstat: which keys there are, and figures that follow what is done.
grep -oE '^[A-Za-z_()]+' /proc/meminfo | head -n 24 | tr '\n' ' '; echo
grep -cE '^[a-z_0-9]+ [0-9]+$' /proc/vmstat
grep -oE '^(nr_free_pages|nr_inactive_anon|nr_active_file|nr_dirty|nr_writeback|nr_shmem|nr_mapped|workingset_refault_file|pgpgin|pswpin|pgfault|pgmajfault|pgscan_direct|pgsteal_direct|oom_kill|drop_pagecache|pgrotated) ' /proc/vmstat | tr '\n' ' '; echo
grep -E '^(SwapTotal|SwapFree|Mlocked|Unevictable):' /proc/meminfo
shmem() { grep '^Shmem:' /proc/meminfo; grep -E '^nr_shmem ' /proc/vmstat; }
shmem
dd if=/dev/zero of=/tmp/f bs=1M count=3 2> /dev/null
shmem
rm /tmp/f
shmem
mkdir /sys/fs/cgroup/a; echo 1M > /sys/fs/cgroup/a/memory.max
bash -c "echo 0 > /sys/fs/cgroup/a/cgroup.procs; memtouch anon 3M"; echo "status $?"
grep -E '^(oom_kill|pswpin|pswpout) ' /proc/vmstat
echo 1 > /proc/sys/vm/drop_caches; grep -E '^drop_' /proc/vmstat
