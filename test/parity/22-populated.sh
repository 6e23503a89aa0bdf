# cgroup.events and cgroup.stat: populated from below, descendants alive and dying.
C=/sys/fs/cgroup
show() { echo "$1: $(for d in a a/b a/b/c; do [ -d $C/$d ] && grep populated $C/$d/cgroup.events; done | tr '\n' ' ')$(head -n 1 $C/a/cgroup.stat)"; }
mkdir -p $C/a/b/c
show empty
sleep 100 & p=$!
echo $p > $C/a/b/c/cgroup.procs
show 'in c'
echo $p > $C/a/b/cgroup.procs
show 'in b'
rmdir $C/a/b/c
show 'without c'
kill $p; wait $p
show dead
rmdir $C/a/b
show 'without b'
