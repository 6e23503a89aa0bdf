# dd: direct, sync, fsync, skip, append, notrunc, excl, and what it says of bad arguments
C=/sys/fs/cgroup/dd; mkdir $C
ing() { bash -c "echo 0 > $C/cgroup.procs; $*"; }
f() { awk -v n="$1" '/^(file|file_dirty) /{s=s" "$1" "$2} END{print n s}' $C/memory.stat; }
ing dd if=/dev/zero of=/disk/o1 bs=1M count=4 oflag=direct status=none; echo "direct $?"; f direct
ing dd if=/dev/zero of=/disk/o2 bs=1M count=4 oflag=sync status=none; echo "sync $?"; f sync
ing dd if=/dev/zero of=/disk/o3 bs=1M count=4 conv=fsync status=none; f fsync
ing dd if=/dev/zero of=/disk/o4 bs=1M count=4 status=none; f plain
ing dd if=/disk/o1 of=/dev/null bs=1M iflag=direct status=none; f 'direct read'
ing dd if=/disk/o1 of=/dev/null bs=512 status=none; f read
ing dd if=/disk/o4 of=/dev/null bs=1M skip=2 count=1 2>&1 | head -2
ing dd if=/dev/zero of=/tmp/o5 bs=1M count=1 oflag=direct 2>&1 | head -1
ing dd if=/dev/zero of=/disk/o6 bs=1000 count=10 oflag=direct 2>&1 | head -1
ing dd if=/nosuch of=/dev/null 2>&1
ing dd bs=1x 2>&1
ing "echo hello | dd bs=1 count=3 status=none; echo"
ing "printf 'abcdefghij' | dd bs=2 skip=1 count=2 2>/dev/null; echo"
ing dd if=/dev/zero of=/disk/o4 bs=1M count=1 conv=notrunc,fsync status=none; stat -c %s /disk/o4
ing dd if=/dev/zero of=/disk/o4 bs=1M count=1 oflag=append conv=notrunc status=none; stat -c %s /disk/o4
ing dd if=/dev/zero of=/disk/o4 bs=1M count=1 conv=excl 2>&1 | head -1
rm /disk/o*; f rm
