# loop over tmpfs and over disk, written from a cgroup
set -u
C=/sys/fs/cgroup/l; mkdir $C
for where in /tmp /disk; do
  truncate -s 24M $where/img
  dev=$(losetup -f --show $where/img); echo "$dev over $where"
  bash -c "echo 0 > $C/cgroup.procs; dd if=/dev/zero of=$dev bs=1M count=12 conv=fsync status=none"
  echo "dd $?"
  awk -v w=$where '/^(file|shmem|file_dirty) /{print w, $1, $2}' $C/memory.stat
  stat -c '%s %b' $where/img
  losetup -d $dev
  sleep 0.1
  awk -v w=$where '/^(file|shmem) /{print w, $1, $2}' $C/memory.stat
  rm $where/img
  awk -v w=$where '/^(file|shmem) /{print w, $1, $2}' $C/memory.stat
done
