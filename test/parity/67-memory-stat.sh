# memory.stat: its keys in order, and what a file on tmpfs and one on disk move.
C=/sys/fs/cgroup
mkdir $C/a
cut -d ' ' -f 1 $C/a/memory.stat | tr '\n' ' '; echo
grep -vc ' 0$' $C/a/memory.stat
cut -d ' ' -f 1 $C/memory.stat | wc -l
dd if=/dev/zero of=/disk/f bs=1M count=2 2> /dev/null; sync; echo 3 > /proc/sys/vm/drop_caches
bash -c "echo 0 > $C/a/cgroup.procs; dd if=/dev/zero of=/tmp/f bs=1M count=1 2> /dev/null; cat /disk/f > /dev/null"
sleep 2.2
grep -E '^(file|shmem|inactive_anon|active_anon|inactive_file|active_file|file_mapped|unevictable) ' $C/a/memory.stat
bash -c "echo 0 > $C/a/cgroup.procs; cat /disk/f > /dev/null"
grep -E '^(inactive_file|active_file|pgactivate|workingset_refault_file) ' $C/a/memory.stat
grep -E '^(anon_thp|file_thp|shmem_thp|sock|vmalloc|zswap) ' $C/a/memory.stat
