# cgroup.subtree_control: what may be switched on and off, and what appears below.
C=/sys/fs/cgroup
mkdir -p $C/a/b/c
put() { local e v; e=$({ echo "$2" > $C/$1/cgroup.subtree_control; } 2>&1); read -r v < $C/$1/cgroup.subtree_control; echo "$1 <$2> ${e##*: } [$v]"; }
cat $C/cgroup.controllers $C/cgroup.subtree_control
put a/b +memory
put a '+memory +pids'
put a '+memory -pids'
put a '+memory -memory +memory'
put a memory
put a +nosuch
put a '+cpuset'
put a '+io nosuch'
put a ''
put a/b +memory
put a -memory
put a/b -memory
put a -memory
put a -memory
[ -e $C/a/b/memory.max ]; echo "b has memory.max: $?"
put a +memory
echo 4M > $C/a/b/memory.max
put a -memory
put a +memory
cat $C/a/b/memory.max $C/a/b/cgroup.controllers
put '' -pids
ls $C/a | grep -c '^pids'
