# cgroup.procs: moving oneself and others, children follow, what is refused; /proc/PID/cgroup.
C=/sys/fs/cgroup
put() { local e; e=$({ echo "$2" > $C/$1; } 2>&1); echo "$1 <$2> ${e##*: }"; }
mkdir $C/a $C/b
echo $$ > $C/a/cgroup.procs; cat /proc/self/cgroup
sleep 100 & p=$!
grep -c . $C/a/cgroup.procs
grep -x $p $C/a/cgroup.procs > /dev/null; echo "child there $?"
echo 0 > $C/b/cgroup.procs; cat /proc/$$/cgroup /proc/$p/cgroup
echo $p > $C/b/cgroup.procs; cat /proc/$p/cgroup
put b/cgroup.procs 99999
put b/cgroup.procs -1
put b/cgroup.procs abc
put b/cgroup.procs ''
put b/cgroup.procs 2
put b/cgroup.procs '1 2'
put nosuch/cgroup.procs 0
kill $p; wait $p; echo "wait $?"
read -r first < $C/b/cgroup.procs; [ $first = $$ ]; echo "only me $?"
echo 0 > $C/cgroup.procs; grep populated $C/a/cgroup.events $C/b/cgroup.events
rmdir $C/a $C/b; echo "rmdir $?"
