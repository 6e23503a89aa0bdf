# A service started anew in its cgroup finds what the first left behind: cache and events stay, anonymous memory is gone.
C=/sys/fs/cgroup
mkdir $C/svc; echo 8M > $C/svc/memory.max
dd if=/dev/zero of=/disk/f bs=1M count=3 2> /dev/null; sync; echo 3 > /proc/sys/vm/drop_caches
start() { bash -c "echo 0 > $C/svc/cgroup.procs; cat /disk/f > /dev/null; memtouch -d anon 3M"; }
p=$(start); echo "first $(cat $C/svc/memory.current)"
kill $p; sleep 0.2; echo "stopped $(cat $C/svc/memory.current)"
p=$(start); echo "second $(cat $C/svc/memory.current)"
kill $p; sleep 0.2
rmdir $C/svc; mkdir $C/svc; echo "new $(cat $C/svc/memory.current) $(cat $C/svc/memory.max)"
p=$(start); echo "third $(cat $C/svc/memory.current)"
kill $p
