# oom_score_adj decides who dies; -1000 protects, even in a group that is killed as a whole.
C=/sys/fs/cgroup
mkdir $C/a; echo 8M > $C/a/memory.max; echo 0 > $C/a/memory.swap.max
cat /proc/self/oom_score_adj
hold() { bash -c "echo 0 > $C/a/cgroup.procs; echo $1 > /proc/self/oom_score_adj; memtouch -d anon $2"; }
big=$(hold -1000 4M)
small=$(hold 1000 1M)
cat /proc/$big/oom_score_adj /proc/$small/oom_score_adj
bash -c "echo 0 > $C/a/cgroup.procs; memtouch anon 3500k"; echo "status $?"
kill -0 $small 2> /dev/null; echo "small $?"
kill -0 $big 2> /dev/null; echo "big $?"
grep -E '^oom' $C/a/memory.events
echo 1 > $C/a/memory.oom.group
bash -c "echo 0 > $C/a/cgroup.procs; memtouch anon 8M"; echo "status $?"
kill -0 $big 2> /dev/null; echo "big $?"
grep -E '^oom' $C/a/memory.events
echo 1001 > /proc/self/oom_score_adj; echo "too much $?"
kill $big
