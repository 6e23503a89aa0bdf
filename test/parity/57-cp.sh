# cp within a cgroup pays for both files if neither was cached, for the copy alone if the first was.
C=/sys/fs/cgroup
dd if=/dev/zero of=/disk/f bs=1M count=3 2> /dev/null; sync; echo 3 > /proc/sys/vm/drop_caches
mkdir $C/a $C/b $C/c
bash -c "echo 0 > $C/a/cgroup.procs; cp /disk/f /disk/g"; echo "cold $(cat $C/a/memory.current)"
bash -c "echo 0 > $C/b/cgroup.procs; cp /disk/f /disk/h"; echo "warm $(cat $C/b/memory.current)"
bash -c "echo 0 > $C/c/cgroup.procs; cp /disk/f /tmp/f"; echo "to tmpfs $(cat $C/c/memory.current)"
stat -c '%n %s' /disk/f /disk/g /disk/h /tmp/f
cp /disk/nosuch /tmp 2> /dev/null; echo "nosuch $?"
cp /disk/f /disk 2> /dev/null; echo "itself $?"
