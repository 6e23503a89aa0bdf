# container-style nesting with delegation: pod/{sidecar,app}, tmpfs in own mount namespace
CG=/sys/fs/cgroup
pod=$CG/kubepods/pod1
mkdir -p $pod
for d in $CG/kubepods $pod; do echo "+memory +pids" > $d/cgroup.subtree_control; done
mkdir $pod/app $pod/sidecar
echo 40M > $pod/memory.max; echo 0 > $pod/memory.swap.max
echo 32M > $pod/app/memory.max
unshare -m bash -c '
  echo $$ > '$pod'/app/cgroup.procs
  mkdir -p /tmp/ct && mount -t tmpfs -o size=16m tmpfs /tmp/ct
  dd if=/dev/zero of=/tmp/ct/a bs=1M count=10 2>/dev/null; echo "write 10M: $?"
  dd if=/dev/zero of=/tmp/ct/b bs=1M count=10 2>/dev/null; echo "write 10M more: $?"
  stat -c "%n %s" /tmp/ct/a /tmp/ct/b
  stat -f -c "%T %b %f %S" /tmp/ct
  memtouch anon 8M; echo "anon 8M: $?"
  memtouch anon 24M; echo "anon 24M: $?"
  grep -E "^(anon|shmem) " '$pod'/app/memory.stat
'
echo "container: $?"
sleep 0.2
cat $pod/app/memory.events
awk '$1=="shmem"{print $2}' $pod/app/memory.stat
ls /tmp
echo "pod peak $(( $(cat $pod/memory.peak) / 1024 / 1024 ))"
rmdir $pod/app $pod/sidecar $pod $CG/kubepods && echo gone
