# A write of memory.high reclaims cache down to it at once, and counts no event; page cache read over the mark counts.
C=/sys/fs/cgroup
mkdir $C/b
bash -c "echo 0 > $C/b/cgroup.procs; dd if=/dev/zero of=/disk/f bs=1M count=12 2> /dev/null; sync"
echo "before $(cat $C/b/memory.current)"
echo 4M > $C/b/memory.high
echo "after $(cat $C/b/memory.current) $(grep '^high ' $C/b/memory.events)"
bash -c "echo 0 > $C/b/cgroup.procs; dd if=/disk/f of=/dev/null bs=64k 2> /dev/null"
[ $(cat $C/b/memory.current) -lt 4718592 ]; echo "stays near it $?"
grep -E '^(high|max|oom) ' $C/b/memory.events
echo 0 > $C/b/memory.high; echo "to zero $? $(cat $C/b/memory.current)"
