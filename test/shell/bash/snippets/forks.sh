#### who forks and who is replaced
i='bash -c "echo \$\$ >> ids"'
try() {
  : > ids
  bash -c "$1" > /dev/null 2>&1
  b= n=0
  while { read -r a; read -r b; } < ids; [ -z "$b" ] && [ $n -lt 200 ]; do sleep 0.01; n=$((n + 1)); done
  if [ "$a" = "$b" ]; then echo "replaced: $1"; else echo "forked: $1"; fi
}
m='echo $BASHPID > ids'
try "$m; $i"
try "$m
$i"
try "$m && $i"
try "$m && : && $i"
try "$m; : ; $i"
try "$m; : && $i"
try "$m; $i; :"
try "$m; $i > /dev/null"
try "$m; { $i; }"
try "$m; if :; then $i; fi"
try "$m; ! $i"
try "$m; eval '$i'"
try "$m; command $i"
try "$m; exec $i"
try "trap : EXIT; $m; $i"
try "trap : USR1; $m; $i"
try "trap '' USR1; $m; $i"
try "set -e; $m; $i"
try "$m; x=1 $i"
try "$m; $i;"
try "$m; $i # comment"
try "$m; $i
"
try "$m; $i
:"
try "($m; $i)"
try "($m; $i > /dev/null)"
try "($m && $i)"
try "($m; : && $i)"
try "($m; ($i))"
try "($m; if :; then $i; fi)"
try "($m; { $i; })"
try "(trap : EXIT; $m; $i)"
try "trap : USR1; ($m; $i)"
try "($m; $i; :)"
try "($m; $i) | cat"
try "{ $m; $i; } | cat"
try ": | { $m; $i; }"
try "($m; $i) & wait"
try "{ $m; $i; } & wait"
try "$m && $i & wait"
try "x=\$($m; $i)"
try "x=\$($m; $i > /dev/null)"
try "x=\$($m; ($i))"
try "x=\$($m && $i)"
try "x=\$(trap : EXIT; $m; $i)"
try "x=\`$m; :; bash -c 'echo \$\$ >> ids'\`"
try "cat <($m; $i)"
try "f() { $m; $i; }; f"
try "f() ($m; $i); f"
try "f() { $m; $i; }; f | cat"
try "($m; ! $i)"
try "for x in 1; do ($m; $i); done"
try "($m; $i) && :"
try "while ($m; $i); do break; done"
#### substitution of a file forks nobody
echo hi > f; a=$BASHPID; x=$(<f); (exit 0); echo "$x"
#### pids go up by one
(echo $BASHPID) > a; (echo $BASHPID) > b; read x < a; read y < b; [ $((y - x)) -ge 1 ] && echo up
#### who knows the jobs
sleep 3 & sleep 3 &
jobs | wc -l
{ jobs; } | wc -l
( jobs ) | wc -l
echo "$(jobs | wc -l) $(jobs > f; wc -l < f) $( (jobs) | wc -l)"
f() { jobs -p; }; f | wc -l
for i in 1; do jobs; done | wc -l
x=$(jobs -p); set -- $x; echo $#
eval jobs | wc -l
jobs -r | cat; jobs
wait; echo $?
