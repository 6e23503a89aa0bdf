# Who is charged in subshells, pipes and background jobs: children stay where their parent was when it forked.
C=/sys/fs/cgroup
mkdir $C/a $C/b
where() { read -r line < /proc/$BASHPID/cgroup; echo "$1 ${line#0::}"; }
where script
( echo $BASHPID > $C/a/cgroup.procs; where subshell; ( where nested ); where again | cat )
where script
{ echo 0 > $C/b/cgroup.procs; } | cat; where 'after a pipe'
echo x | { echo 0 > $C/a/cgroup.procs; read -r _; where 'end of a pipe'; }
where script
x=$(echo 0 > $C/a/cgroup.procs; where substitution); echo "$x"
( echo 0 > $C/b/cgroup.procs; dd if=/dev/zero bs=1M count=2 2> /dev/null | cat > /tmp/f )
( echo 0 > $C/a/cgroup.procs; cat /tmp/f ) | dd of=/tmp/g bs=64k 2> /dev/null
for d in a b; do echo "$d shmem over 1M $(($(grep '^shmem ' $C/$d/memory.stat | cut -d ' ' -f 2) > 1000000))"; done
( echo 0 > $C/b/cgroup.procs; sleep 100 & echo $! > /tmp/pid ); read -r p < /tmp/pid
read -r line < /proc/$p/cgroup; echo "orphan ${line#0::}"
kill $p
