# Anonymous memory over memory.max with a swap device: the rest goes to swap; memory.swap.current and /proc/swaps.
C=/sys/fs/cgroup
swapon /dev/ubdb; echo "swapon $?"
mkdir $C/a; echo 2M > $C/a/memory.max
p=$(bash -c "echo 0 > $C/a/cgroup.procs; memtouch -d anon 6M")
echo "current $(cat $C/a/memory.current)"
echo "swap $(cat $C/a/memory.swap.current)"
grep -E '^(oom|oom_kill) ' $C/a/memory.events
cat $C/a/memory.swap.events
kill $p; sleep 0.2
echo "after $(cat $C/a/memory.swap.current)"
swapoff /dev/ubdb; echo "swapoff $?"
echo "swap $(cat $C/a/memory.swap.current)"
