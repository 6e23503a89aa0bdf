# truncate: shrinking uncharges page by page, growing costs nothing, a hole read on tmpfs and on disk.
C=/sys/fs/cgroup
mkdir $C/a
show() { local v; read -r v < $C/a/memory.current; echo "$1 $v"; }
in_a() { bash -c "echo 0 > $C/a/cgroup.procs; $*"; }
in_a 'dd if=/dev/zero of=/tmp/f bs=1M count=4 2> /dev/null'; show written
truncate -s 3M /tmp/f; show 'to 3M'
truncate -s 1000001 /tmp/f; show 'to 1000001'
stat -c '%s %b' /tmp/f
truncate -s 64M /tmp/f; show 'to 64M'
in_a 'dd if=/tmp/f of=/dev/null bs=1M 2> /dev/null'; show 'holes read'
stat -c '%s %b' /tmp/f
truncate -s 0 /tmp/f; show 'to 0'
truncate -s 4M /disk/f; in_a 'cat /disk/f > /dev/null'; show 'disk holes read'
truncate -s +1M /disk/f; stat -c %s /disk/f
truncate -s -2M /disk/f; stat -c %s /disk/f; show 'disk shrunk'
truncate -s x /disk/f 2> /dev/null; echo "x $?"
