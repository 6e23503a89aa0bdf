#!/bin/bash
# Shakeel Butt's questions: 256M through a loop device, whose file lies on $1 (/tmp: tmpfs, or /disk), in the cgroup $2 (root: in none).
# With $3 = swap the cgroup may swap.
FILE=$1/backing_file
CGROUP=/sys/fs/cgroup/$2
if [[ $2 != root ]]
then
    mkdir $CGROUP
    echo 64M > $CGROUP/memory.max
    [[ $3 = swap ]] || echo 0 > $CGROUP/memory.swap.max
fi
[[ $3 = swap ]] && swapon /dev/ubdb
unshare -m bash -c "
[[ $2 = root ]] || echo \$\$ > $CGROUP/cgroup.procs
[[ $1 = /tmp ]] && mount -t tmpfs -o size=512m tmpfs /tmp
truncate -s 512m $FILE
losetup /dev/loop0 $FILE
dd if=/dev/zero of=/dev/loop0 bs=1M count=256 2>/dev/null
echo dd exit \$?
if [[ $2 != root ]]
then
    grep oom_kill $CGROUP/memory.events
    cat $CGROUP/memory.peak $CGROUP/memory.swap.current
fi
losetup -D" || echo killed
[[ $2 = root ]] || grep oom_kill $CGROUP/memory.events
grep oom_kill /proc/vmstat
