# Making and removing cgroups: names, order, who is busy.
C=/sys/fs/cgroup
last() { local e; e=$("$@" 2>&1); echo "$* $? ${e##*: }"; }
last mkdir $C/a
last mkdir $C/a
last mkdir $C/no/such
last mkdir $C/memory.stat
last mkdir $C/a/memory.mine
last mkdir "$C/two
lines"
last mkdir -p $C/a/b/c
last rmdir $C/a
last rmdir $C/a/b/c
last rmdir $C/a/b/c
last rmdir $C/a/b
sleep 100 & p=$!
echo $p > $C/a/cgroup.procs
last rmdir $C/a
kill $p; wait $p; echo "wait $?"
last rmdir $C/a
mkdir $C/.hidden "$C/with space" $C/ümlaut; ls -A $C | grep -v -e '\.' -e '^s' | sort
last rmdir $C/.hidden
rm -r $C/ümlaut 2>/dev/null; echo "rm -r $?"
