# memory.oom.group on the parent: everything below dies, wherever the memory was asked for.
C=/sys/fs/cgroup
mkdir -p $C/a/b; echo +memory > $C/a/cgroup.subtree_control; mkdir $C/a/c
echo 4M > $C/a/memory.max; echo 0 > $C/a/memory.swap.max; echo 1 > $C/a/memory.oom.group
bash -c "echo 0 > $C/a/c/cgroup.procs; exec sleep 100" & c=$!
sleep 0.2
bash -c "echo 0 > $C/a/b/cgroup.procs; memtouch anon 8M"; echo "status $?"
wait $c; echo "sibling $?"
for d in a a/b a/c; do echo "$d $(grep -E '^oom' $C/$d/memory.events | tr '\n' ' ')"; done
for d in a a/b a/c; do echo "$d local $(grep -E '^oom' $C/$d/memory.events.local | tr '\n' ' ')"; done
