# What the control files of a new cgroup say.
C=/sys/fs/cgroup
mkdir $C/a
for f in memory.current memory.min memory.low memory.high memory.max memory.peak memory.oom.group memory.swap.current memory.swap.high memory.swap.max \
  cgroup.type cgroup.max.depth cgroup.max.descendants cgroup.freeze cgroup.controllers cgroup.subtree_control pids.max pids.current; do
  if read -r v < $C/a/$f; then echo "$f <$v>"; else echo "$f nothing"; fi
done
for f in memory.events memory.events.local memory.swap.events cgroup.events cgroup.stat pids.events; do
  while read -r key value; do echo "$f $key $value"; done < $C/a/$f
done
