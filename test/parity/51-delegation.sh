# Delegation: an owner without rights makes and removes cgroups below, moves its own processes within, and nothing else.
C=/sys/fs/cgroup
mkdir $C/d $C/other; chown 1000 $C/d $C/d/cgroup.procs $C/d/cgroup.subtree_control $C/d/cgroup.threads
as() { setpriv --reuid 1000 --regid 1000 --clear-groups bash -c "$1" 2>&1 | grep -oE '(Permission denied|Operation not permitted|done.*|[0-9]+)$'; }
as "mkdir $C/d/x && echo done"
as "mkdir $C/x && echo done"
as "echo 1M > $C/d/x/memory.max && echo done"
as "echo 1M > $C/d/memory.max && echo done"
as "echo +memory > $C/d/cgroup.subtree_control && echo done"
as "echo 1M > $C/d/x/memory.max && echo done; cat $C/d/x/memory.max"
as "echo \$\$ > $C/d/x/cgroup.procs && echo done"
bash -c "echo 0 > $C/d/x/cgroup.procs; exec setpriv --reuid 1000 --regid 1000 --clear-groups bash -c 'mkdir $C/d/y; echo 0 > $C/d/y/cgroup.procs && echo moved; echo 0 > $C/other/cgroup.procs; echo 0 > $C/cgroup.procs; cat /proc/self/cgroup'" 2> /dev/null
as "rmdir $C/d/y && echo done"
as "rmdir $C/other && echo done"
stat -c '%u %a' $C/d $C/d/x $C/d/x/memory.max $C/d/memory.max
chown 0 $C/d/x/memory.max; chmod 600 $C/d/x/memory.max; stat -c '%u %a' $C/d/x/memory.max
as "cat $C/d/x/memory.max"
