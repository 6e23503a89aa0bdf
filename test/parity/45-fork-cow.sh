# Fork shares pages: the child pays for the page tables and for what it writes, in the cgroup where it writes.
C=/sys/fs/cgroup
mkdir $C/a $C/b
show() { local a b; read -r a < $C/a/memory.current; read -r b < $C/b/memory.current; echo "$1 $(((a + 524288) / 1048576)) $(((b + 524288) / 1048576))"; }
bash -c "
echo 0 > $C/a/cgroup.procs
x=\$(printf '%3000000d' 0)
read -r v < $C/a/memory.current; echo \"parent has its string \$((v > 3000000))\"
(echo 0 > $C/b/cgroup.procs; read -r v < $C/b/memory.current; echo \"child shares \$((v < 1000000))\"
 y=\$x\$x; read -r v < $C/b/memory.current; echo \"child wrote \$((v > 6000000)) \${#y}\")
read -r v < $C/b/memory.current; echo \"child ended \$((v < 1000000))\"
"
show 'all ended'
