# memory.min as in the kernel's selftest, an eighth of its size: siblings share the parent's protection, a hog takes the rest.
C=/sys/fs/cgroup
for i in 0 1 2 3; do dd if=/dev/zero of=/disk/f$i bs=1M count=6 2> /dev/null; done; sync; echo 3 > /proc/sys/vm/drop_caches
mkdir -p $C/p/g; echo +memory > $C/p/cgroup.subtree_control; echo +memory > $C/p/g/cgroup.subtree_control
mkdir $C/p/hog $C/p/g/c0 $C/p/g/c1 $C/p/g/c2 $C/p/g/c3
echo 25M > $C/p/memory.max; echo 0 > $C/p/memory.swap.max
echo 6M > $C/p/memory.min; echo 6M > $C/p/g/memory.min
echo 9M > $C/p/g/c0/memory.min; echo 3M > $C/p/g/c1/memory.min; echo 0 > $C/p/g/c2/memory.min; echo 60M > $C/p/g/c3/memory.min
for i in 0 1 2; do bash -c "echo 0 > $C/p/g/c$i/cgroup.procs; dd if=/disk/f$i of=/dev/null bs=1M 2> /dev/null"; done
for i in 0 1 2; do echo "before c$i $(cat $C/p/g/c$i/memory.current)"; done
p=$(bash -c "echo 0 > $C/p/hog/cgroup.procs; memtouch -d anon 18M")
for d in g/c0 g/c1 g/c2 g; do echo "$d $(cat $C/p/$d/memory.current)"; done
bash -c "echo 0 > $C/p/hog/cgroup.procs; memtouch anon 10M"; echo "status $?"
for d in g/c0 g/c1 g/c2 hog; do echo "$d $(grep -E '^(low|oom_kill) ' $C/p/$d/memory.events | tr '\n' ' ')"; done
kill $p 2> /dev/null; true
