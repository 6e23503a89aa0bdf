# Lowering memory.max below anonymous memory kills; what is protected by oom_score_adj stays, over the limit.
C=/sys/fs/cgroup
mkdir $C/a $C/b; echo 0 > $C/a/memory.swap.max; echo 0 > $C/b/memory.swap.max
p=$(bash -c "echo 0 > $C/a/cgroup.procs; memtouch -d anon 4M")
echo 2M > $C/a/memory.max; echo "write $?"
sleep 0.1
kill -0 $p 2> /dev/null; echo "alive $?"
grep -E '^(oom_kill|oom_group_kill) ' $C/a/memory.events
[ $(cat $C/a/memory.current) -lt 1048576 ]; echo "freed $?"
p=$(bash -c "echo 0 > $C/b/cgroup.procs; echo -1000 > /proc/self/oom_score_adj; memtouch -d anon 4M")
echo 2M > $C/b/memory.max; echo "write $? $(cat $C/b/memory.max)"
sleep 0.1
kill -0 $p; echo "alive $?"
grep -E '^(oom|oom_kill) ' $C/b/memory.events
[ $(cat $C/b/memory.current) -gt 4194304 ]; echo "over the limit $?"
kill $p
