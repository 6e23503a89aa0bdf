# cgroup.max.depth and cgroup.max.descendants: the errno of mkdir, and lowering below what is there.
C=/sys/fs/cgroup
try() { local e; e=$(mkdir $C/$1 2>&1); echo "mkdir $1 $? ${e##*: }"; }
mkdir $C/a
echo 1 > $C/a/cgroup.max.depth
try a/b
try a/b/c
echo 0 > $C/a/cgroup.max.depth
try a/d
echo max > $C/a/cgroup.max.depth; echo 2 > $C/a/cgroup.max.descendants
try a/d
try a/e
try a/b/f
cat $C/a/cgroup.stat
echo 1 > $C/a/cgroup.max.descendants; cat $C/a/cgroup.max.descendants
rmdir $C/a/d; try a/d
rmdir $C/a/b; try a/d
cat $C/a/cgroup.stat
