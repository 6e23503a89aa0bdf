# memory.low: the same tree; protection gives way when nothing else is left, and counts as events.
C=/sys/fs/cgroup
for i in 0 1 2; do dd if=/dev/zero of=/disk/f$i bs=1M count=6 2> /dev/null; done; sync; echo 3 > /proc/sys/vm/drop_caches
mkdir -p $C/p/g; echo +memory > $C/p/cgroup.subtree_control; echo +memory > $C/p/g/cgroup.subtree_control
mkdir $C/p/hog $C/p/g/c0 $C/p/g/c1 $C/p/g/c2
echo 25M > $C/p/memory.max; echo 0 > $C/p/memory.swap.max
echo 6M > $C/p/memory.low; echo 6M > $C/p/g/memory.low; echo 9M > $C/p/g/c0/memory.low; echo 3M > $C/p/g/c1/memory.low
for i in 0 1 2; do bash -c "echo 0 > $C/p/g/c$i/cgroup.procs; dd if=/disk/f$i of=/dev/null bs=1M 2> /dev/null"; done
p=$(bash -c "echo 0 > $C/p/hog/cgroup.procs; memtouch -d anon 18M")
for d in g/c0 g/c1 g/c2; do echo "$d $(cat $C/p/$d/memory.current) $(grep '^low ' $C/p/$d/memory.events)"; done
kill $p; sleep 0.1
bash -c "echo 0 > $C/p/hog/cgroup.procs; memtouch anon 22M"; echo "status $?"
for d in g/c0 g/c1 g/c2; do echo "$d $(cat $C/p/$d/memory.current) $(grep -cE '^low [1-9]' $C/p/$d/memory.events)"; done
