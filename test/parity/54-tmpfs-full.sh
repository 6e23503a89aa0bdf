# A tmpfs has a size: writes end with ENOSPC, what was written stays charged; a limit below the size kills first.
C=/sys/fs/cgroup
mkdir $C/a $C/b /tmp/m; mount -t tmpfs -o size=2m tmpfs /tmp/m; echo "mount $?"
bash -c "echo 0 > $C/a/cgroup.procs; dd if=/dev/zero of=/tmp/m/f bs=256k count=16 2>&1 | grep -o 'No space left on device'"
stat -c '%s %b' /tmp/m/f
grep '^shmem ' $C/a/memory.stat
truncate -s 100M /tmp/m/g; echo "sparse $?"
dd if=/dev/zero of=/tmp/m/h bs=4k count=1 2> /dev/null; echo "one page $?"
stat -c '%s' /tmp/m/h
rm /tmp/m/f; dd if=/dev/zero of=/tmp/m/h bs=4k count=1 2> /dev/null; echo "one page $?"
mount -o remount,size=8m /tmp/m; echo "remount $?"
echo 4M > $C/b/memory.max; echo 0 > $C/b/memory.swap.max
bash -c "echo 0 > $C/b/cgroup.procs; exec dd if=/dev/zero of=/tmp/m/i bs=256k count=28 2> /dev/null"; echo "limit $?"
grep -E '^(oom|oom_kill) ' $C/b/memory.events
umount /tmp/m; echo "umount $?"
[ $(cat $C/b/memory.current) -lt 1048576 ]; echo "freed $?"
