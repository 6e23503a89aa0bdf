#!/bin/bash
# A kill frees no data of tmpfs: what was written before it is read back, and the next write is killed, too.
CGROUP=/sys/fs/cgroup/test.slice
mkdir $CGROUP
echo 64M > $CGROUP/memory.max
echo 0 > $CGROUP/memory.swap.max
mount -t tmpfs -o size=512m tmpfs /mnt
truncate -s 512m /mnt/backing_file
losetup /dev/loop0 /mnt/backing_file
yes memcharge | head -c 8M > /mnt/data
write() { bash -c "echo \$\$ > $CGROUP/cgroup.procs; exec dd $*" 2>/dev/null; echo exit $?; }
write if=/mnt/data of=/dev/loop0 bs=1M conv=fsync
write if=/dev/zero of=/dev/loop0 bs=1M seek=8 count=248
grep oom_kill $CGROUP/memory.events
[[ $(dd if=/dev/loop0 bs=1M count=8 2>/dev/null | uniq -c) == $(uniq -c < /mnt/data) ]] && echo identical
write if=/dev/zero of=/dev/loop0 bs=1M seek=256 count=8 conv=fsync
grep oom_kill $CGROUP/memory.events
