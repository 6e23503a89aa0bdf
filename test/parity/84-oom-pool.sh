# oom.group: a worker pool dies as a whole; the supervisor restarts it
C=/sys/fs/cgroup/pool; mkdir $C
echo 1 > $C/memory.oom.group; echo 24M > $C/memory.max; echo 0 > $C/memory.swap.max
spawn() { bash -c "echo 0 > $C/cgroup.procs; exec $*"; }
restarts=0
for sz in 4M 8M 40M 2M; do
  spawn sleep 100 & a=$!
  spawn sleep 100 & b=$!
  spawn memtouch anon $sz; rc=$?
  sleep 0.1
  alive=0; for q in $a $b; do kill -0 $q 2>/dev/null && ((alive++)); done
  echo "$sz rc=$rc alive=$alive"
  if (( rc != 0 )); then ((restarts++)); fi
  echo 1 > $C/cgroup.kill 2>/dev/null
  wait $a $b 2>/dev/null
done
echo restarts=$restarts
cat $C/memory.events
