# memory.high throttles by how far the usage is over it: under the mark no time passes, a little over a little.
C=/sys/fs/cgroup
mkdir $C/a
echo 4M > $C/a/memory.high; echo 0 > $C/a/memory.swap.max
now() { local up; read -r up _ < /proc/uptime; echo ${up/./}; }
a=$(now)
bash -c "echo 0 > $C/a/cgroup.procs; memtouch anon 3500k"
b=$(now)
grep '^high ' $C/a/memory.events
bash -c "echo 0 > $C/a/cgroup.procs; memtouch anon 4500k"
c=$(now)
[ $((b - a)) -lt 70 ]; echo "under the mark quickly $?"
[ $((c - b)) -gt 70 ]; echo "over the mark slowly $?"
grep '^high ' $C/a/memory.events
