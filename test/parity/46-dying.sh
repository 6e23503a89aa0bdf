# A removed cgroup lives on while its memory does; a second instance begins at nothing and pays only for what is new.
C=/sys/fs/cgroup
mkdir $C/s; echo +memory > $C/s/cgroup.subtree_control
for i in 1 2 3; do
  mkdir $C/s/svc
  bash -c "echo 0 > $C/s/svc/cgroup.procs; dd if=/dev/zero of=/tmp/f$i bs=1M count=2 2> /dev/null"
  rmdir $C/s/svc
  echo "round $i parent $(cat $C/s/memory.current) $(grep dying $C/s/cgroup.stat)"
done
mkdir $C/s/svc; echo "fresh $(cat $C/s/svc/memory.current)"
bash -c "echo 0 > $C/s/svc/cgroup.procs; cat /tmp/f1 /tmp/f2 > /dev/null"
[ $(cat $C/s/svc/memory.current) -lt 1048576 ]; echo "reading costs little $?"
rm /tmp/f1 /tmp/f2 /tmp/f3; sleep 0.3
echo "removed $(cat $C/s/memory.current) $(grep dying $C/s/cgroup.stat)"
