# cgroup.freeze: the wish, the state of the subtree, moving in and out, killing what is frozen.
C=/sys/fs/cgroup
frozen() { echo "$1: $(for d in a a/b; do read -r w < $C/$d/cgroup.freeze; echo "$d wish $w $(grep frozen $C/$d/cgroup.events)"; done | tr '\n' ' ')"; }
mkdir -p $C/a/b
sleep 100 & p=$!
echo $p > $C/a/b/cgroup.procs
frozen start
echo 1 > $C/a/cgroup.freeze; sleep 0.1
frozen 'a frozen'
echo 1 > $C/a/b/cgroup.freeze; echo 0 > $C/a/cgroup.freeze; sleep 0.1
frozen 'b frozen'
echo $p > $C/a/cgroup.procs; sleep 0.1
frozen 'moved to a'
echo $p > $C/a/b/cgroup.procs; sleep 0.1
kill -9 $p; wait $p 2> /dev/null; echo "wait $?"
frozen killed
echo 0 > $C/a/b/cgroup.freeze
frozen end
