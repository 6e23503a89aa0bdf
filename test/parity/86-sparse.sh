# sparse files, dd seek, notrunc, truncate shrink and grow
C=/sys/fs/cgroup/sp; mkdir $C; echo 0 > $C/cgroup.procs 2>/dev/null; echo $$ > $C/cgroup.procs
st() { stat -c '%n %s %b' "$1"; awk '/^file /{print "file", $2} /^shmem /{print "shmem", $2}' $C/memory.stat; }
cd /tmp
truncate -s 10M sp; st sp
dd if=/dev/zero of=sp bs=4k count=1 seek=100 conv=notrunc status=none; st sp
dd if=/dev/zero of=sp bs=1M count=2 seek=4 conv=notrunc status=none; st sp
truncate -s 5M sp; st sp
truncate -s +5M sp; st sp
cat sp > /dev/null; st sp
dd if=/dev/zero of=sp bs=1k count=3 status=none; st sp
cd /disk
dd if=/dev/zero of=sp bs=1M count=4 status=none; st sp
truncate -s 1M sp; st sp
truncate -s 0 sp; st sp
rm /tmp/sp sp
awk '/^(file|shmem) /{print}' $C/memory.stat
echo $$ > /sys/fs/cgroup/cgroup.procs; rmdir $C; echo $?
