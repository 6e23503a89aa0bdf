# A loop device over a tmpfs file: setting up, listing, size, writing through it, who is charged for the file's pages.
C=/sys/fs/cgroup
mkdir $C/a
truncate -s 16M /tmp/backing
losetup /dev/loop0 /tmp/backing; echo "losetup $?"
losetup -a | grep -c '/dev/loop0'
losetup /dev/loop0 /tmp/backing 2> /dev/null; echo "busy $?"
losetup -f
bash -c "echo 0 > $C/a/cgroup.procs; dd if=/dev/zero of=/dev/loop0 bs=1M count=4 2> /dev/null; sync"; echo "dd $?"
sleep 2.2
grep -E '^(shmem|file) ' $C/a/memory.stat
echo "current $(cat $C/a/memory.current)"
dd if=/dev/zero of=/dev/loop0 bs=1M count=20 2> /dev/null; echo "beyond the end $?"
losetup -d /dev/loop0; echo "detach $?"
losetup -d /dev/loop0 2> /dev/null; echo "again $?"
losetup -a | wc -l
echo "current $(cat $C/a/memory.current)"
rm /tmp/backing
echo "current $(cat $C/a/memory.current)"
