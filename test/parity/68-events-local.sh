# memory.events counts below, memory.events.local only here: max events by level.
C=/sys/fs/cgroup
mkdir $C/a; echo +memory > $C/a/cgroup.subtree_control; mkdir $C/a/b
dd if=/dev/zero of=/disk/f bs=1M count=6 2> /dev/null; sync; echo 3 > /proc/sys/vm/drop_caches
show() { local g; for g in a a/b; do echo "$1 $g $(grep '^max ' $C/$g/memory.events) local $(grep '^max ' $C/$g/memory.events.local)"; done; }
rd() { bash -c "echo 0 > $C/a/b/cgroup.procs; dd if=/disk/f of=/dev/null bs=64k 2> /dev/null"; }
echo 3M > $C/a/b/memory.max; rd; show b
echo max > $C/a/b/memory.max; echo 1 > /proc/sys/vm/drop_caches
echo 3M > $C/a/memory.max; rd; show a
rmdir $C/a/b; echo "left $(grep '^max ' $C/a/memory.events) local $(grep '^max ' $C/a/memory.events.local)"
