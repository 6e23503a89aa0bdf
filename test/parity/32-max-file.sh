# memory.max with a file: cache stays under the limit, events count, nobody dies; lowering the limit below the usage reclaims.
C=/sys/fs/cgroup
dd if=/dev/zero of=/disk/f bs=1M count=24 2> /dev/null; sync; echo 3 > /proc/sys/vm/drop_caches
mkdir $C/a; echo 8M > $C/a/memory.max
bash -c "echo 0 > $C/a/cgroup.procs; dd if=/disk/f of=/dev/null bs=64k 2> /dev/null"; echo "status $?"
echo "current $(cat $C/a/memory.current)"
cat $C/a/memory.events
echo 3M > $C/a/memory.max; echo "lowered $? $(cat $C/a/memory.current)"
echo 0 > $C/a/memory.max; echo "to zero $? $(cat $C/a/memory.current)"
grep -E '^(oom|oom_kill) ' $C/a/memory.events
