# memory_recursiveprot: protection that no child claims is shared by usage; without the mount option it protects nobody.
C=/sys/fs/cgroup
for i in 0 1; do dd if=/dev/zero of=/disk/f$i bs=1M count=6 2> /dev/null; done
for o in nomemory_recursiveprot memory_recursiveprot; do
  [ $o = memory_recursiveprot ] && mount -o remount,$o /sys/fs/cgroup
  sync; echo 3 > /proc/sys/vm/drop_caches
  mkdir $C/p; echo +memory > $C/p/cgroup.subtree_control; mkdir $C/p/g; echo +memory > $C/p/g/cgroup.subtree_control
  mkdir $C/p/g/c0 $C/p/g/c1 $C/p/hog
  echo 20M > $C/p/memory.max; echo 0 > $C/p/memory.swap.max; echo 8M > $C/p/memory.min; echo 8M > $C/p/g/memory.min
  for i in 0 1; do bash -c "echo 0 > $C/p/g/c$i/cgroup.procs; dd if=/disk/f$i of=/dev/null bs=1M 2> /dev/null"; done
  bash -c "echo 0 > $C/p/hog/cgroup.procs; dd if=/dev/zero of=/tmp/h bs=1M count=11 2> /dev/null"
  for i in 0 1; do echo "$o c$i $(cat $C/p/g/c$i/memory.current)"; done
  rm /tmp/h; rmdir $C/p/g/c0 $C/p/g/c1 $C/p/g $C/p/hog $C/p
done
