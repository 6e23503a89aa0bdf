# The numbers that are not bytes: limits of the tree, pids.max, cgroup.freeze, cgroup.kill, memory.oom.group.
C=/sys/fs/cgroup
mkdir $C/a
put() { local e v=; e=$({ echo "$2" > $C/a/$1; } 2>&1); [ $1 = cgroup.kill ] || read -r v < $C/a/$1; echo "$1 <$2> ${e##*: } $v"; }
for v in 0 5 max -1 five 99999999999 2147483647 ''; do put cgroup.max.depth "$v"; done
for v in 7 max -3 ''; do put cgroup.max.descendants "$v"; done
for v in 0 10 max -1 4194304 4194305 ten; do put pids.max "$v"; done
for v in 0 1 2 -1 frozen; do put cgroup.freeze "$v"; done
put cgroup.freeze 0
for v in 0 2 kill 1; do put cgroup.kill "$v"; done
for v in -1 0x1 99999999999 ''; do put memory.oom.group "$v"; done
