# Limits on three levels: the nearest that is full acts, its own events count there and above.
C=/sys/fs/cgroup
mkdir -p $C/a; echo +memory > $C/a/cgroup.subtree_control
mkdir -p $C/a/b; echo +memory > $C/a/b/cgroup.subtree_control; mkdir $C/a/b/c $C/a/b/d
for g in a a/b a/b/c a/b/d; do echo 0 > $C/$g/memory.swap.max; done
echo 6M > $C/a/memory.max; echo 4M > $C/a/b/memory.max; echo 2M > $C/a/b/c/memory.max
show() { local g; for g in a a/b a/b/c a/b/d; do echo "$1 $g $(grep -E '^(oom|oom_kill) ' $C/$g/memory.events | tr '\n' ' ')local $(grep -E '^(oom|oom_kill) ' $C/$g/memory.events.local | tr '\n' ' ')"; done; }
bash -c "echo 0 > $C/a/b/c/cgroup.procs; memtouch anon 3M"; echo "c $?"
show c
bash -c "echo 0 > $C/a/b/d/cgroup.procs; memtouch anon 5M"; echo "d $?"
show d
echo 1M > $C/a/memory.max
bash -c "echo 0 > $C/a/b/d/cgroup.procs; memtouch anon 1500k"; echo "a $?"
show a
