# limits at several levels
base=/sys/fs/cgroup/L0; d=$base; mkdir $d
for i in 1 2 3 4; do echo +memory > $d/cgroup.subtree_control; d=$d/L$i; mkdir $d; echo $((64 / i))M > $d/memory.max; done
echo 0 > $base/memory.swap.max
d=$base; for i in 1 2 3 4; do d=$d/L$i; echo "L$i $(cat $d/memory.max)"; done
bash -c "echo 0 > $d/cgroup.procs; memtouch anon 14M"; echo $?
bash -c "echo 0 > $d/cgroup.procs; memtouch anon 18M"; echo $?
d=$base; for i in 1 2 3 4; do d=$d/L$i; echo "L$i $(awk '/^(max|oom_kill) /{printf "%s %s ", $1, ($2>0)}' $d/memory.events) local $(awk '/^(oom_kill) /{printf "%s %s ", $1, $2}' $d/memory.events.local)"; done
cat $base/cgroup.stat | head -2
echo 2 > $base/cgroup.max.depth 2>/dev/null; mkdir $base/L1/L2/L3/x 2>/dev/null; echo "depth $?"
echo 1 > $base/L1/cgroup.max.descendants; mkdir $base/L1/y 2>/dev/null; echo "desc $?"
while [[ $d != /sys/fs/cgroup ]]; do rmdir $d || break; d=${d%/*}; done; [ -d $base ]; echo $?
