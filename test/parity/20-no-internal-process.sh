# A cgroup with processes enables no memory for children; one that does takes no processes. The root is exempt.
C=/sys/fs/cgroup
mkdir -p $C/a/b
sleep 100 & p=$!
put() { local e; e=$({ echo "${2/P/$p}" > $C/$1; } 2>&1); echo "$1 <$2> ${e##*: }"; }
put a/cgroup.procs P
put a/cgroup.subtree_control +memory
put a/cgroup.subtree_control '+memory +pids'
put a/b/cgroup.procs P
put a/cgroup.subtree_control +memory
put a/cgroup.procs P
put a/cgroup.procs 0
put a/b/cgroup.subtree_control +memory
put cgroup.procs P
put a/cgroup.procs P
put a/cgroup.subtree_control -memory
put a/cgroup.procs P
put a/cgroup.subtree_control +pids
put a/b/cgroup.procs P
put cgroup.procs P
put a/b/cgroup.procs P
cat $C/a/cgroup.type $C/a/b/cgroup.type
cat /proc/$p/cgroup
kill $p
