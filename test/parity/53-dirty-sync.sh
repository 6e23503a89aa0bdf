# Dirty pages of a cgroup: written, synced; removed before anything was written.
C=/sys/fs/cgroup
mkdir $C/a
show() { sleep 2.1; echo "$1 $(grep -E '^(file|file_dirty|file_writeback) ' $C/a/memory.stat | tr '\n' ' ')"; }
bash -c "echo 0 > $C/a/cgroup.procs; dd if=/dev/zero of=/disk/f bs=64k count=32 2> /dev/null"; show written
sync; show synced
dd if=/dev/zero of=/disk/g bs=64k count=32 conv=fsync 2> /dev/null; echo "fsync $?"
