# memory.current with nobody inside, with 4 MiB of anonymous memory, and with 4 MiB of a file: what memory.stat says beside it.
C=/sys/fs/cgroup
show() { local v; read -r v < $C/a/memory.current; echo "$1 current $v $(grep -E "$2" $C/a/memory.stat | tr '\n' ' ')"; }
mkdir $C/a
show empty '^(anon|file) '
p=$(bash -c "echo 0 > $C/a/cgroup.procs; memtouch -d anon 4M")
sleep 2.2
show anon '^(anon|inactive_anon|active_anon|pgfault) '
kill $p; sleep 0.2
show freed '^anon '
bash -c "echo 0 > $C/a/cgroup.procs; dd if=/dev/zero of=/disk/f bs=1M count=4 2> /dev/null; sync"
sleep 2.2
show file '^(file|file_dirty|inactive_file|active_file) '
rm /disk/f
show removed '^file '
