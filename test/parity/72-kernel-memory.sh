# Names on tmpfs are kernel memory of who makes them; removed, they are gone; reclaim of dentries by drop_caches.
C=/sys/fs/cgroup
mkdir $C/a
over() { [ $(cat $C/a/memory.current) -gt $2 ]; echo "$1 over $2: $?"; }
bash -c "echo 0 > $C/a/cgroup.procs; cd /tmp; for i in {1..600}; do : > n\$i; done"
over 'made' 400000
sleep 2.2
grep -E '^(anon|file|shmem) ' $C/a/memory.stat
[ $(grep '^slab_unreclaimable ' $C/a/memory.stat | cut -d ' ' -f 2) -gt 400000 ]; echo "inodes $?"
[ $(grep '^slab_reclaimable ' $C/a/memory.stat | cut -d ' ' -f 2) -gt 100000 ]; echo "names $?"
rm /tmp/n*
over 'removed' 400000
bash -c "echo 0 > $C/a/cgroup.procs; cd /disk; for i in {1..200}; do : > n\$i; done"
over 'on disk' 200000
sync; echo 2 > /proc/sys/vm/drop_caches
over 'dropped' 200000
