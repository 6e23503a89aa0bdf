# A file read again and again through a cgroup that is too small: refaults, activations, scans.
C=/sys/fs/cgroup
dd if=/dev/zero of=/disk/f bs=1M count=5 2> /dev/null; sync; echo 3 > /proc/sys/vm/drop_caches
mkdir $C/a; echo 4M > $C/a/memory.max; echo 0 > $C/a/memory.swap.max
for i in 1 2 3; do
  bash -c "echo 0 > $C/a/cgroup.procs; dd if=/disk/f of=/dev/null bs=64k 2> /dev/null"
  echo "pass $i $(grep -E '^(pgscan|pgsteal|workingset_refault_file|workingset_activate_file) ' $C/a/memory.stat | tr '\n' ' ')"
done
grep -E '^(max|oom) ' $C/a/memory.events
