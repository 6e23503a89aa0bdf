# Files that cannot be written, read, made or removed by hand, and what the root does not have.
C=/sys/fs/cgroup
mkdir $C/a
last() { local e; e=$("$@" 2>&1); echo "$* $? ${e##*: }"; }
write() { local e; e=$({ echo "$2" > $1; } 2>&1); echo "$1 <$2> $? ${e##*: }"; }
for f in memory.current memory.stat memory.events memory.peak memory.numa_stat cgroup.events cgroup.stat cgroup.controllers pids.current nosuch; do
  write $C/a/$f 1
done
write $C/memory.max 1G
write $C/cgroup.freeze 1
last cat $C/a/cgroup.kill
last cat $C/a/memory.reclaim
last cat $C/a/memory.nosuch
last cat $C/a
last rm $C/a/memory.max
last rmdir $C/a/memory.max
last touch $C/a/file
last mkdir $C/a/memory.max
stat -c '%a %F' $C/a $C/a/memory.current $C/a/memory.max $C/a/cgroup.kill $C/a/cgroup.procs
