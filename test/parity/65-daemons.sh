# Daemons in the background: memory stays charged while they live; the order in which they end does not matter.
C=/sys/fs/cgroup
mkdir -p $C/s; echo +memory > $C/s/cgroup.subtree_control; mkdir $C/s/a $C/s/b
anon() { local g=; for g in s/a s/b s; do echo "$1 $g $(($(cat $C/$g/memory.current) / 1048576))"; done; }
p=$(bash -c "echo 0 > $C/s/a/cgroup.procs; memtouch -d anon 2200k")
q=$(bash -c "echo 0 > $C/s/b/cgroup.procs; memtouch -d anon 3200k")
r=$(bash -c "echo 0 > $C/s/b/cgroup.procs; memtouch -d anon 200k")
anon three
kill -0 $p $q $r; echo "alive $?"
kill $p; sleep 0.2; anon 'without p'
kill $r; sleep 0.2
rmdir $C/s/b 2> /dev/null; echo "busy $?"
kill $q; sleep 0.2; anon none
rmdir $C/s/a $C/s/b $C/s; echo "rmdir $?"
