# a shared memory directory between services: writer pays, overwriter does not, after restart it is the restarted service's no more
C=/sys/fs/cgroup; mkdir $C/w1 $C/w2 /tmp/shared
as() { local g=$1; shift; bash -c "echo 0 > $C/$g/cgroup.procs; $*"; }
s() { echo "$1: w1 $(awk '/^shmem /{print $2}' $C/w1/memory.stat) w2 $(awk '/^shmem /{print $2}' $C/w2/memory.stat)"; }
as w1 dd if=/dev/zero of=/tmp/shared/a bs=1M count=4 status=none; s write
as w2 dd if=/dev/zero of=/tmp/shared/a bs=1M count=4 conv=notrunc status=none; s overwrite
as w2 dd if=/dev/zero of=/tmp/shared/a bs=1M count=4 status=none; s truncated
as w1 'cat /tmp/shared/a > /tmp/shared/b'; s copy
as w2 rm /tmp/shared/b; s rm
as w1 'fallocate -l 3M /tmp/shared/c'; s fallocate
as w2 'memtouch write /tmp/shared/c 3M'; s touched
as w1 'fallocate -p -o 0 -l 1M /tmp/shared/c'; s punched
rmdir $C/w1; echo "rmdir $?"; mkdir $C/w1
s 'new w1'
as w1 'cat /tmp/shared/c > /dev/null'; s read
rm -rf /tmp/shared; s end
