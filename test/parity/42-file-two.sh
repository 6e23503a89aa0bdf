# A file on disk read by two cgroups: the first pays; after drop_caches the other does.
C=/sys/fs/cgroup
dd if=/dev/zero of=/disk/f bs=1M count=6 2> /dev/null; sync; echo 3 > /proc/sys/vm/drop_caches
mkdir $C/a $C/b
show() { local a b; read -r a < $C/a/memory.current; read -r b < $C/b/memory.current; echo "$1 $a $b"; }
rd() { bash -c "echo 0 > $C/$1/cgroup.procs; dd if=/disk/f of=/dev/null bs=$2 count=$3 2> /dev/null"; }
rd a 1M 3; show 'a read half'
rd b 1M 6; show 'b read all'
rd a 1M 6; show 'a read all'
echo 1 > /proc/sys/vm/drop_caches; show 'dropped'
rd b 64k 16; show 'b read 1M'
rd a 1M 6; show 'a read all'
