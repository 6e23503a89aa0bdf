# cgroup.kill ends every process of the subtree, by SIGKILL, and nothing beside it.
C=/sys/fs/cgroup
mkdir -p $C/a/b $C/c
for d in a a/b a/b c; do bash -c "echo 0 > $C/$d/cgroup.procs; exec sleep 100" & pids="$pids $!"; done
sleep 0.3
for d in a a/b c; do echo "$d $(grep -c . $C/$d/cgroup.procs)"; done
echo 1 > $C/a/cgroup.kill
i=0
for p in $pids; do i=$((i + 1)); [ $i = 4 ] && kill $p; wait $p 2> /dev/null; echo "process $i $?"; done
for d in a a/b c; do echo "$d $(grep -c . $C/$d/cgroup.procs) $(grep populated $C/$d/cgroup.events)"; done
echo 1 > $C/a/cgroup.kill; echo "again $?"
