# memory.oom.group on a leaf: all its processes die, those of the parent live.
C=/sys/fs/cgroup
mkdir -p $C/a/b; echo +memory > $C/a/cgroup.subtree_control; mkdir $C/a/c
echo 4M > $C/a/memory.max; echo 0 > $C/a/memory.swap.max; echo 1 > $C/a/b/memory.oom.group
bash -c "echo 0 > $C/a/c/cgroup.procs; exec sleep 100" & c=$!
bash -c "echo 0 > $C/a/b/cgroup.procs; exec sleep 100" & b=$!
sleep 0.2
bash -c "echo 0 > $C/a/b/cgroup.procs; memtouch anon 8M"; echo "status $?"
sleep 0.1
kill -0 $c; echo "sibling $?"
kill -0 $b 2> /dev/null; echo "member $?"
for d in a a/b a/c; do echo "$d $(grep -E '^oom' $C/$d/memory.events | tr '\n' ' ')"; done
for d in a a/b; do echo "$d local $(grep -E '^oom' $C/$d/memory.events.local | tr '\n' ' ')"; done
kill $c
