#!/bin/bash
# 256M by direct I/O, and then through the page cache with an fsync at the end, to a loop device on tmpfs, in 64M.
CGROUP=/sys/fs/cgroup/test.slice
mkdir $CGROUP
echo 64M > $CGROUP/memory.max
echo 0 > $CGROUP/memory.swap.max
bash -c "
echo \$\$ > $CGROUP/cgroup.procs
mount -t tmpfs -o size=512m tmpfs /tmp
truncate -s 512m /tmp/backing_file
losetup /dev/loop0 /tmp/backing_file
dd if=/dev/zero of=/dev/loop0 bs=1M count=256 oflag=direct
echo direct exit \$?
rm /tmp/backing_file
losetup -d /dev/loop0
truncate -s 512m /tmp/other_file
losetup /dev/loop0 /tmp/other_file
dd if=/dev/zero of=/dev/loop0 bs=1M count=256 conv=fsync
echo fsync exit \$?
"
grep oom_kill $CGROUP/memory.events
