# More of the freezer: a frozen cgroup does not block rmdir of an empty one, stopped processes, children born frozen.
C=/sys/fs/cgroup
frozen() { echo "$1: $(grep frozen $C/a/cgroup.events)"; }
mkdir $C/a $C/b
echo 1 > $C/a/cgroup.freeze; frozen 'empty'
rmdir $C/a; echo "rmdir $?"
mkdir -p $C/a/c
sleep 100 & p=$!
kill -STOP $p; echo $p > $C/a/cgroup.procs
echo 1 > $C/a/cgroup.freeze; sleep 0.1; frozen 'stopped process'
kill -CONT $p; sleep 0.1; frozen 'continued'
kill $p; echo 0 > $C/a/cgroup.freeze; wait $p; echo "TERM and thawed $?"
echo 1 > $C/a/cgroup.freeze
mkdir $C/a/n; read -r v < $C/a/n/cgroup.freeze; echo "new child wish $v $(grep frozen $C/a/n/cgroup.events)"
bash -c "echo 0 > $C/a/n/cgroup.procs; echo never" & q=$!
sleep 0.3; grep -c . $C/a/n/cgroup.procs; frozen 'entered by itself'
echo $q > $C/b/cgroup.procs; wait $q; echo "thawed by moving $?"
sleep 100 & q=$!
echo $q > $C/a/c/cgroup.procs; echo 1 > $C/a/cgroup.kill; wait $q 2> /dev/null; echo "killed $?"
