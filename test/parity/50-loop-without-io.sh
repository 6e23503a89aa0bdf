# The same without io on the way: the worker charges the root, nobody dies.
C=/sys/fs/cgroup
echo -io > $C/cgroup.subtree_control; echo "io off $?"
mkdir $C/b; echo 8M > $C/b/memory.max; echo 0 > $C/b/memory.swap.max
truncate -s 32M /tmp/backing; losetup /dev/loop0 /tmp/backing
bash -c "echo 0 > $C/b/cgroup.procs; dd if=/dev/zero of=/dev/loop0 bs=1M count=16 2> /dev/null"; echo "status $?"
sync
grep -E '^(oom|oom_kill) ' $C/b/memory.events
stat -c '%b' /tmp/backing
[ $(cat $C/b/memory.current) -lt 4194304 ]; echo "root was charged $?"
losetup -d /dev/loop0; echo "detached $?"
