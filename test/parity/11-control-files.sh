# The files of a new cgroup, of one whose parent enables nothing, and those that only the root has or lacks.
C=/sys/fs/cgroup
mkdir -p $C/a/b
ls $C/a | grep '^memory'
ls $C/a | grep '^cgroup'
ls $C/a | grep '^pids'
echo "b: $(ls $C/a/b | grep -c '^memory') $(ls $C/a/b | grep -c '^cgroup')"
echo "root: $(ls $C | grep '^memory' | tr '\n' ' ')"
for f in memory.current memory.max cgroup.type cgroup.events cgroup.kill cgroup.freeze pids.max cgroup.procs; do
  [ -e $C/$f ]; echo "root $f $?"
done
