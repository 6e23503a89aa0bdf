# ENOSPC when the mount is smaller than the limit, OOM kill when larger
C=/sys/fs/cgroup/box; mkdir $C; echo 12M > $C/memory.max; echo 0 > $C/memory.swap.max
try() {
  local size=$1
  unshare -m bash -c '
    echo 0 > '$C'/cgroup.procs
    mkdir -p /tmp/m; mount -t tmpfs -o size='$size',mode=700 none /tmp/m || exit 9
    dd if=/dev/zero of=/tmp/m/f bs=256k count=80 2>&1 | tail -n 1 | cut -d, -f1
    echo "pipe ${PIPESTATUS[0]}"
    ls -l /tmp/m | awk "NR>1{print \$5, \$NF}"
  '
  echo "size $size -> $?"
}
try 8m
sleep 0.1
cat $C/memory.events | grep -v '^low'
try 32m
sleep 0.1
cat $C/memory.events | grep oom
cat $C/memory.current
