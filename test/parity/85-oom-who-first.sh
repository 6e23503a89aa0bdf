# who dies first
C=/sys/fs/cgroup/adj; mkdir $C; echo 30M > $C/memory.max; echo 0 > $C/memory.swap.max
run() { bash -c "echo 0 > $C/cgroup.procs; echo $1 > /proc/self/oom_score_adj; exec memtouch -d anon $2"; }
a=$(run 0 12M); b=$(run 500 4M); c=$(run -1000 6M)
for p in $a $b $c; do cat /proc/$p/oom_score_adj; done
bash -c "echo 0 > $C/cgroup.procs; echo -900 > /proc/self/oom_score_adj; exec memtouch anon 10M"; echo "hog $?"
for p in $a $b $c; do kill -0 $p 2>/dev/null; echo -n "$? "; done; echo
bash -c "echo 0 > $C/cgroup.procs; echo -900 > /proc/self/oom_score_adj; exec memtouch anon 20M"; echo "hog $?"
for p in $a $b $c; do kill -0 $p 2>/dev/null; echo -n "$? "; done; echo
grep -E '^oom' $C/memory.events
echo 1 > $C/cgroup.kill; sleep 0.1; cat $C/cgroup.procs | wc -l
echo 2000 > /proc/self/oom_score_adj 2>/dev/null || echo "adj range"
cat /proc/self/oom_score_adj
