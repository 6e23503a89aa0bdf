# A task that moves leaves its memory charged where it was; what it touches next is charged where it is.
C=/sys/fs/cgroup
mkdir $C/a $C/b
show() { local a b; read -r a < $C/a/memory.current; read -r b < $C/b/memory.current; echo "$1 $a $b"; }
p=$(bash -c "echo 0 > $C/a/cgroup.procs; memtouch -d anon 3M"); show 'touched in a'
echo $p > $C/b/cgroup.procs; show 'moved to b'
echo 1M > $C/b/memory.max; echo "limit $?"; show 'b limited'
grep '^oom_kill ' $C/b/memory.events
rmdir $C/a; echo "rmdir a $?"
grep dying $C/cgroup.stat
kill $p; sleep 0.3
grep dying $C/cgroup.stat
