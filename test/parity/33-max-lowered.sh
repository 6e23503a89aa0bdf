# Lowering memory.max below anonymous memory kills, the larger first; with oom.group all of the cgroup at once.
C=/sys/fs/cgroup
mkdir $C/a $C/b; echo 0 > $C/a/memory.swap.max; echo 0 > $C/b/memory.swap.max; echo 1 > $C/b/memory.oom.group
for d in a b; do
  q=$(bash -c "echo 0 > $C/$d/cgroup.procs; memtouch -d anon 200k")
  p=$(bash -c "echo 0 > $C/$d/cgroup.procs; memtouch -d anon 4M")
  echo 3M > $C/$d/memory.max; echo "$d write $?"
  sleep 0.1
  kill -0 $p 2> /dev/null; echo "$d larger $?"
  kill -0 $q 2> /dev/null; echo "$d smaller $?"
  grep -E '^(oom_kill|oom_group_kill) ' $C/$d/memory.events
  kill $q 2> /dev/null
done
true
