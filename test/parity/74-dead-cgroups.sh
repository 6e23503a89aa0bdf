# Removed cgroups that hold page cache die at reclaim: by drop_caches, by memory.reclaim of the parent, by removal of the file.
C=/sys/fs/cgroup
mkdir $C/s; echo +memory > $C/s/cgroup.subtree_control
dying() { sleep 0.1; echo "$1 $(grep dying $C/s/cgroup.stat) $(($(cat $C/s/memory.current) / 262144))"; }
one() { mkdir $C/s/x; bash -c "echo 0 > $C/s/x/cgroup.procs; dd if=/dev/zero of=$1 bs=256k count=3 2> /dev/null; sync $1"; rmdir $C/s/x; }
one /disk/1; dying first
one /disk/2; dying second
rm /disk/1; dying 'first file removed'
echo 1 > /proc/sys/vm/drop_caches; dying dropped
one /disk/3; one /disk/4; dying 'two more'
echo 10M > $C/s/memory.reclaim 2> /dev/null; dying reclaimed
one /tmp/5; dying 'on tmpfs'
echo 1 > /proc/sys/vm/drop_caches; dying 'dropped'
rm /tmp/5; dying removed
