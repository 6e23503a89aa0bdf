# Removed cgroups that hold page cache die with it: by removal of the file, drop_caches, memory.reclaim of the parent.
C=/sys/fs/cgroup
mkdir $C/s; echo +memory > $C/s/cgroup.subtree_control
dying() { sleep 0.2; echo "$1 $(grep dying $C/s/cgroup.stat) $(($(cat $C/s/memory.current) / 262144))"; }
one() { mkdir $C/s/x; bash -c "echo 0 > $C/s/x/cgroup.procs; cat /disk/$1 > /dev/null"; rmdir $C/s/x; }
for i in 1 2 3 4; do dd if=/dev/zero of=/disk/$i bs=256k count=3 2> /dev/null; done; sync; echo 1 > /proc/sys/vm/drop_caches
# What was dropped of bash and its libraries, the root reads again.
bash -c "cat /dev/null; rmdir /nosuch 2> /dev/null"
one 1; dying first
one 2; dying second
rm /disk/1; dying 'first file removed'
echo 1 > /proc/sys/vm/drop_caches; dying dropped
one 3; one 4; dying 'two more'
echo 10M > $C/s/memory.reclaim 2> /dev/null; dying reclaimed
mkdir $C/s/x; bash -c "echo 0 > $C/s/x/cgroup.procs; dd if=/dev/zero of=/tmp/5 bs=256k count=3 2> /dev/null"; rmdir $C/s/x; dying 'on tmpfs'
echo 1 > /proc/sys/vm/drop_caches; dying 'not dropped'
rm /tmp/5; dying removed
