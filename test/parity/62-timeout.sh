# timeout: 124 when it had to end its command, the command's own status otherwise, 137 with KILL.
timeout 0.2 sleep 5; echo "ended $?"
timeout 5 sleep 0; echo "in time $?"
timeout 5 bash -c 'exit 3'; echo "status $?"
timeout -s KILL 0.2 sleep 5; echo "killed $?"
timeout 5 nosuch 2> /dev/null; echo "nosuch $?"
timeout 5 /disk 2> /dev/null; echo "not a program $?"
timeout x sleep 1 2> /dev/null; echo "usage $?"
C=/sys/fs/cgroup; mkdir $C/a
bash -c "echo 0 > $C/a/cgroup.procs; exec timeout 0.2 sleep 5"; echo "in a $?"
grep -c . $C/a/cgroup.procs
rmdir $C/a; echo "rmdir $?"
