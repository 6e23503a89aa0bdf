# unshare -m: a tmpfs mounted in a namespace of its own ends with its last process, and so does its charge.
C=/sys/fs/cgroup
mkdir $C/a
unshare -m bash -c "echo 0 > $C/a/cgroup.procs; mount -t tmpfs tmpfs /mnt; dd if=/dev/zero of=/mnt/f bs=1M count=3 2> /dev/null; stat -c %s /mnt/f; read -r v < $C/a/memory.current; echo \"inside \$((v > 3145728))\""
echo "status $?"
stat /mnt/f 2> /dev/null; echo "outside $?"
sleep 0.2
[ $(cat $C/a/memory.current) -lt 1048576 ]; echo "gone $?"
mkdir /tmp/m; mount -t tmpfs -o size=8m tmpfs /tmp/m
bash -c "echo 0 > $C/a/cgroup.procs; dd if=/dev/zero of=/tmp/m/f bs=1M count=3 2> /dev/null"
grep '^shmem ' $C/a/memory.stat
( cd /tmp/m; umount /tmp/m 2> /dev/null; echo "busy $?" )
umount /tmp/m; echo "umount $?"
umount /tmp/m 2> /dev/null; echo "again $?"
[ $(cat $C/a/memory.current) -lt 1048576 ]; echo "freed $?"
mount -t nosuchfs x /tmp/m 2> /dev/null; echo "nosuchfs $?"
mount -t tmpfs tmpfs /tmp/nosuch 2> /dev/null; echo "nosuch $?"
unshare -m bash -c true; echo "unshare $?"
