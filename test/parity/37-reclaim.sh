# memory.reclaim: from cache, from more than there is, without anything to take, and what it refuses.
C=/sys/fs/cgroup
mkdir $C/a $C/b
dd if=/dev/zero of=/disk/f bs=1M count=12 2> /dev/null; sync; echo 3 > /proc/sys/vm/drop_caches
put() { local e v; e=$({ echo "$1" > $C/a/memory.reclaim; } 2>&1); read -r v < $C/a/memory.current; echo "<$1> ${e##*: } $v"; }
bash -c "echo 0 > $C/a/cgroup.procs; dd if=/disk/f of=/dev/null bs=1M 2> /dev/null"
put 4M
put 1M
put 4095
put 0
put -1
put much
put '1M swappiness=10'
put 1G
put 1M
echo 1M > $C/b/memory.reclaim; echo "empty $?"
echo 4096 > $C/memory.reclaim; echo "root $?"
grep -E '^(low|high|max|oom) ' $C/a/memory.events
