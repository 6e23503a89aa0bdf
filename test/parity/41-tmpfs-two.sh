# A tmpfs file of two cgroups: who writes first pays, whoever reads later does not; removing uncharges.
C=/sys/fs/cgroup
mkdir $C/a $C/b
show() { local a b; read -r a < $C/a/memory.current; read -r b < $C/b/memory.current; echo "$1 $a $b"; }
bash -c "echo 0 > $C/a/cgroup.procs; dd if=/dev/zero of=/tmp/f bs=1M count=6 2> /dev/null"; show 'a wrote'
bash -c "echo 0 > $C/b/cgroup.procs; cat /tmp/f > /dev/null"; show 'b read'
bash -c "echo 0 > $C/b/cgroup.procs; dd if=/dev/zero of=/tmp/f bs=1M count=8 conv=notrunc 2> /dev/null"; show 'b wrote on'
bash -c "echo 0 > $C/b/cgroup.procs; memtouch read /tmp/f 2M"; show 'b mapped'
truncate -s 4M /tmp/f; show 'truncated'
rm /tmp/f; show 'removed'
grep -h -E '^shmem ' $C/a/memory.stat $C/b/memory.stat
