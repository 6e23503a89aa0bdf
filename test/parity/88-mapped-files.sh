# mmap writes of files, memtouch write/read on disk and tmpfs
C=/sys/fs/cgroup/w; mkdir $C
p=$(bash -c "echo 0 > $C/cgroup.procs; memtouch -d write /disk/m 6M")
f() { awk -v n="$1" '/^(anon|file|shmem|file_mapped|file_dirty) /{s=s" "$1" "$2} END{print n s}' $C/memory.stat; }
f disk; stat -c '%s' /disk/m
sync; f synced
kill $p; sleep 0.1; f killed
q=$(bash -c "echo 0 > $C/cgroup.procs; memtouch -d write /tmp/m 5M"); f tmpfs
kill $q; sleep 0.1; f killed
rm /tmp/m; f rm
echo 1 > /proc/sys/vm/drop_caches; f drop
r=$(bash -c "echo 0 > $C/cgroup.procs; memtouch -d read /disk/m 6M"); f read
truncate -s 2M /disk/m; f truncated
kill $r; sleep 0.1; rm /disk/m; f end
echo 4M > $C/memory.max; echo 0 > $C/memory.swap.max
bash -c "echo 0 > $C/cgroup.procs; memtouch write /disk/n 16M"; echo "file $?"
bash -c "echo 0 > $C/cgroup.procs; memtouch write /tmp/n 16M"; echo "tmpfs $?"
awk '/^oom_kill/{print}' $C/memory.events
