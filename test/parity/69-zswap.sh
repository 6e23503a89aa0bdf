# The zswap files and the swap files of a machine without zswap in use and without pressure files.
C=/sys/fs/cgroup
mkdir $C/a
for f in memory.zswap.current memory.zswap.max; do cat $C/a/$f; done
echo 1M > $C/a/memory.zswap.max; cat $C/a/memory.zswap.max
echo x > $C/a/memory.zswap.max 2> /dev/null; echo "x $?"
ls $C/a | grep -c pressure
ls $C/a | grep -v -e '^memory' -e '^cgroup' -e '^pids' | tr '\n' ' '; echo
ls $C | grep -v -e '^memory' -e '^cgroup' | tr '\n' ' '; echo
cat $C/a/cpu.stat | cut -d ' ' -f 1 | tr '\n' ' '; echo
