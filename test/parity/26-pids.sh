# pids.max: fork fails, pids.events counts; moving in is never refused.
C=/sys/fs/cgroup
show() { echo "$1: $(cat $C/a/pids.current $C/a/pids.events | tr '\n' ' ')"; }
mkdir $C/a
echo 2 > $C/a/pids.max
for i in 1 2 3; do sleep 100 & p[$i]=$!; echo $! > $C/a/cgroup.procs; done
show 'three moved in'
bash -c "echo 0 > $C/a/cgroup.procs; exec timeout 5 sleep 0" 2> /dev/null; echo "status $?"
show 'fork refused'
kill ${p[1]} ${p[2]} ${p[3]}; wait
show 'after kill'
bash -c "echo 0 > $C/a/cgroup.procs; exec timeout 5 sleep 0"; echo "status $?"
show 'one fork'
bash -c "echo 0 > $C/a/cgroup.procs; (exit 3); echo inner \$?"; echo "status $?"
echo 0 > $C/a/pids.max; cat $C/a/pids.max
