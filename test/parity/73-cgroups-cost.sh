# Child cgroups cost their parent kernel memory, until they are gone for good.
C=/sys/fs/cgroup
mkdir $C/a; echo +memory > $C/a/cgroup.subtree_control
echo "none $(cat $C/a/memory.current)"
mkdir $C/a/{1..20}
sleep 2.2
[ $(cat $C/a/memory.current) -gt 100000 ]; echo "twenty $?"
[ $(grep '^percpu ' $C/a/memory.stat | cut -d ' ' -f 2) -gt 100000 ]; echo "percpu $?"
rmdir $C/a/{1..20}
sleep 0.5
cat $C/a/cgroup.stat
sleep 2.2
[ $(grep '^percpu ' $C/a/memory.stat | cut -d ' ' -f 2) -lt 50000 ]; echo "percpu gone $?"
