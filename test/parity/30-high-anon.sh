# memory.high without swap: anonymous memory goes over the mark, the task only sleeps; a write of memory.high reclaims cache.
C=/sys/fs/cgroup
mkdir $C/a $C/b
echo 4M > $C/a/memory.high; echo 0 > $C/a/memory.swap.max
bash -c "echo 0 > $C/a/cgroup.procs; memtouch anon 4100k"; echo "status $?"
grep -cE '^high [1-9]' $C/a/memory.events
grep -E '^(max|oom|oom_kill) ' $C/a/memory.events
bash -c "echo 0 > $C/b/cgroup.procs; dd if=/dev/zero of=/disk/f bs=1M count=12 2> /dev/null; sync"
echo "before $(cat $C/b/memory.current)"
echo 4M > $C/b/memory.high
echo "after $(cat $C/b/memory.current) $(grep '^high ' $C/b/memory.events)"
