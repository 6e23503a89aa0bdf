# memory.peak keeps the highest usage, its parent the highest of the sum; in 6.1 nothing resets it.
C=/sys/fs/cgroup
mkdir $C/s; echo +memory > $C/s/cgroup.subtree_control; mkdir $C/s/a $C/s/b
peaks() { local g v; for g in s s/a s/b; do read -r v < $C/$g/memory.peak; echo "$1 $g $v"; done; }
in_() { bash -c "echo 0 > $C/s/$1/cgroup.procs; dd if=/dev/zero of=/tmp/$1 bs=1M count=$2 2> /dev/null"; }
in_ a 4; peaks 'a 4M'
rm /tmp/a; in_ b 3; peaks 'b 3M'
in_ a 2; peaks 'a 2M'
rm /tmp/a /tmp/b; peaks removed
echo 0 > $C/s/a/memory.peak 2> /dev/null; echo "reset $?"
