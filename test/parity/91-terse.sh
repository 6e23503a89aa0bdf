# limits of three groups in the terse style of a mailing list: shmem by group, oom, what is left
C=/sys/fs/cgroup
mkdir $C/t{1..3}; for i in 1 2 3; do echo $((i*8))M >$C/t$i/memory.max; done
head -n 99 $C/t?/memory.max
for i in 1 2 3; do (echo 0 >$C/t$i/cgroup.procs; cat /dev/zero | head -c $((i*6))M >/tmp/z$i); done; wc -c /tmp/z?
grep ^shmem\  $C/t?/memory.stat
grep -H oom_kill\  $C/t?/memory.events | sed "s,$C/,,"
echo 2M >$C/t3/memory.max; echo $?; grep -c . $C/t3/cgroup.procs
grep '^oom ' $C/t3/memory.events | awk '{print ($2>0)}'
cat $C/t3/memory.max
rm /tmp/z?; rmdir $C/t?; ls -d $C/t* 2>&1
