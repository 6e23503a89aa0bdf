# System V shared memory outlives its process and stays charged until ipcrm; a second cgroup attaches for free.
C=/sys/fs/cgroup
mkdir $C/a $C/b
show() { local a b; read -r a < $C/a/memory.current; read -r b < $C/b/memory.current; echo "$1 $a $b"; }
bash -c "echo 0 > $C/a/cgroup.procs; memtouch shm 77 3M"; echo "status $?"; show 'a made'
bash -c "echo 0 > $C/b/cgroup.procs; memtouch shm 77 3M"; echo "status $?"; show 'b attached'
grep -h '^shmem ' $C/a/memory.stat
ipcrm -M 77; echo "ipcrm $?"; show 'removed'
ipcrm -M 77 2> /dev/null; echo "ipcrm $?"
p=$(bash -c "echo 0 > $C/b/cgroup.procs; memtouch -d shm 78 2M"); show 'b holds'
ipcrm -M 78; show 'removed but attached'
kill $p; sleep 0.2; show 'killed'
bash -c "echo 0 > $C/a/cgroup.procs; memtouch shm 79 1M"
memtouch shm 79 2M 2>&1; echo "larger $?"
