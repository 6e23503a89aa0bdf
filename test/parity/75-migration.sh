# Moving processes around: limits do not hinder entering, the parent of a pipe, exec keeps the cgroup, a zombie has left.
C=/sys/fs/cgroup
mkdir $C/a $C/b
echo 16k > $C/b/memory.max
p=$(bash -c "echo 0 > $C/a/cgroup.procs; memtouch -d anon 1M")
echo $p > $C/b/cgroup.procs; echo "entered $?"
kill -0 $p; echo "alive $?"
[ $(cat $C/b/memory.current) -lt 16384 ]; echo "nothing came along $?"
grep -E '^(max|oom_kill) ' $C/b/memory.events
kill $p
bash -c "echo 0 > $C/a/cgroup.procs; exec cat /proc/self/cgroup"
(sleep 0.1; exit 5) & z=$!
echo $z > $C/a/cgroup.procs; sleep 0.3
grep -c . $C/a/cgroup.procs; grep populated $C/a/cgroup.events
rmdir $C/a; echo "rmdir with a zombie $?"
wait $z; echo "zombie $?"
echo $z > $C/b/cgroup.procs 2> /dev/null; echo "gone $?"
