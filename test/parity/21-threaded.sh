# cgroup.type threaded: the parent becomes the domain, memory stays outside, cgroup.threads instead of cgroup.procs.
C=/sys/fs/cgroup
sleep 100 & p=$!
put() { local e; e=$({ echo "${2/P/$p}" > $C/$1; } 2>&1); echo "$1 <$2> ${e##*: }"; }
types() { local d v; for d in "$@"; do read -r v < $C/$d/cgroup.type; echo "$d is $v"; done; }
mkdir -p $C/a/t/u $C/a/v
types a a/t
put a/t/cgroup.type domain
put a/t/cgroup.type thread
put a/t/cgroup.type threaded
types a a/t a/t/u a/v
put a/t/u/cgroup.procs 0
put a/t/u/cgroup.type threaded
put a/v/cgroup.type threaded
types a a/t/u a/v
put a/cgroup.subtree_control +memory
put a/cgroup.subtree_control +pids
put a/t/cgroup.threads P
put a/cgroup.procs P
put a/t/cgroup.threads P
put a/t/u/cgroup.procs P
cat $C/a/t/cgroup.procs 2>&1 | grep -o 'Operation not supported'
grep -c . $C/a/t/u/cgroup.threads
grep -c . $C/a/cgroup.procs
cat /proc/$p/cgroup
put a/t/cgroup.type domain
kill $p; wait $p
rmdir $C/a/t/u $C/a/t; types a a/v
