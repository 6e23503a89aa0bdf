# swapon and swapoff: twice, a file that is no swap, what /proc/swaps and /proc/meminfo say; swapoff brings pages back.
C=/sys/fs/cgroup
cat /proc/swaps | wc -l
swapon /dev/ubdb; echo "first $?"
swapon /dev/ubdb 2> /dev/null; echo "second $?"
grep -c /dev/ubdb /proc/swaps
grep -E '^Swap(Total|Cached)' /proc/meminfo
mkdir $C/a; echo 1M > $C/a/memory.max
p=$(bash -c "echo 0 > $C/a/cgroup.procs; memtouch -d anon 2M")
[ $(cat $C/a/memory.swap.current) -gt 1000000 ]; echo "in swap $?"
echo max > $C/a/memory.max
swapoff /dev/ubdb; echo "off $?"
cat $C/a/memory.swap.current
[ $(cat $C/a/memory.current) -gt 2097152 ]; echo "back $?"
grep -E '^SwapTotal' /proc/meminfo
swapoff /dev/ubdb 2> /dev/null; echo "again $?"
swapon /disk 2> /dev/null; echo "directory $?"
swapon /dev/nosuch 2> /dev/null; echo "nosuch $?"
kill $p
