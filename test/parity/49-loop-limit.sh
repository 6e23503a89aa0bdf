# Writing through a loop device over tmpfs in a cgroup with a limit and io enabled: its worker is charged, and it kills.
C=/sys/fs/cgroup
mkdir $C/b; echo 8M > $C/b/memory.max; echo 0 > $C/b/memory.swap.max
truncate -s 32M /tmp/backing; losetup /dev/loop0 /tmp/backing
bash -c "echo 0 > $C/b/cgroup.procs; dd if=/dev/zero of=/dev/loop0 bs=1M count=16 2> /dev/null"; echo "status $?"
grep -cE '^oom [1-9]' $C/b/memory.events
grep -cE '^oom_kill [1-9]' $C/b/memory.events
[ $(cat $C/b/memory.current) -gt 4194304 ]; echo "charged $?"
losetup -d /dev/loop0; rm /tmp/backing; echo "detached $?"
[ $(cat $C/b/memory.current) -lt 1048576 ]; echo "freed $?"
