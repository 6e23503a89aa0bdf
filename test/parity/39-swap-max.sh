# memory.swap.max: swap stops there, then memory.max kills; memory.swap.events counts.
C=/sys/fs/cgroup
swapon /dev/ubdb
mkdir $C/a; echo 2M > $C/a/memory.max; echo 1M > $C/a/memory.swap.max
bash -c "echo 0 > $C/a/cgroup.procs; memtouch anon 5M"; echo "status $?"
grep -E '^(oom|oom_kill) ' $C/a/memory.events
grep -cE '^max [1-9]' $C/a/memory.swap.events
grep -cE '^fail [1-9]' $C/a/memory.swap.events
echo "swap $(cat $C/a/memory.swap.current)"
echo 0 > $C/a/memory.swap.max
bash -c "echo 0 > $C/a/cgroup.procs; memtouch anon 3M"; echo "status $?"
grep -E '^(oom|oom_kill) ' $C/a/memory.events
