# /proc/sys/vm/drop_caches: clean cache goes, dirty and tmpfs stay.
C=/sys/fs/cgroup
mkdir $C/a
show() { local v; read -r v < $C/a/memory.current; echo "$1 $v"; }
bash -c "echo 0 > $C/a/cgroup.procs; dd if=/dev/zero of=/disk/f bs=1M count=4 2> /dev/null; dd if=/dev/zero of=/tmp/f bs=1M count=2 2> /dev/null"
show written
echo 1 > /proc/sys/vm/drop_caches; show 'dropped while dirty'
sync; show synced
echo 1 > /proc/sys/vm/drop_caches; show dropped
echo 2 > /proc/sys/vm/drop_caches; show 'slab dropped'
echo 5 > /proc/sys/vm/drop_caches; echo "5: $?"
echo x > /proc/sys/vm/drop_caches; echo "x: $?"
cat /proc/sys/vm/drop_caches 2> /dev/null; echo "read $?"
rm /tmp/f /disk/f; show removed
