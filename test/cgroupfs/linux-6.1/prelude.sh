# Steps on the control files, one a line, as test/cgroupfs/steps.ts takes them too. Sourced by a script for the guest of the parity
# tests, followed by the steps; what is printed is the recording. (`t` needs threads.c, compiled, as /usr/bin/threads.)
C=/sys/fs/cgroup
declare -A P N
AS=
clean() { local t=${1##*: }; case $1 in *"write error"*) echo "write: $t";; *) echo "open: $t";; esac; }
names() { local p o=; for p in "$@"; do o="$o ${N[$p]-?}"; done; echo "$o"; }
# w FILE TEXT: write, by a subshell. AS is empty, or the user that does it.
w() { local e; e=$( { $AS bash -c 'echo -n -e "$2" > "$1"' bash "$C$1" "$2"; } 2>&1 ) && echo "w $1 '$2' => ok" || echo "w $1 '$2' => $(clean "$e")"; }
m() { local e; e=$($AS mkdir "$C$1" 2>&1) && echo "m $1 => ok" || echo "m $1 => ${e##*: }"; }
r() { local e; e=$($AS rmdir "$C$1" 2>&1) && echo "r $1 => ok" || echo "r $1 => ${e##*: }"; }
c() { local e; e=$($AS cat "$C$1" 2>&1); local s=$?; [ $s = 0 ] && echo "c $1 => $(echo -n "$e" | tr '\n' '|')" || echo "c $1 => error ${e##*: }"; }
l() { local e; e=$($AS ls -1f "$C$1" 2>&1) && echo "l $1 => $(echo -n "$e" | tr '\n' ' ')" || echo "l $1 => error ${e##*: }"; }
# S PATH: mode, owner, group, links, inode; g the same of a whole cgroup's files
S() { local e; e=$(stat -c '%a %u %g %h %i' "$C$1" 2>&1) && echo "S $1 => $e" || echo "S $1 => ${e##*: }"; }
# s NAME: a process; t NAME N: one with N more threads, NAME.1, NAME.2 …; v NAME FILE: its pid is written; k NAME: killed and waited for
s() { sleep 1000 & P[$1]=$!; N[$!]=$1; echo "s $1 => ok"; }
t() { local i=0 k; threads $2 & P[$1]=$!; N[$!]=$1; sleep 0.2; for k in $(ls /proc/${P[$1]}/task); do [ $k = ${P[$1]} ] && continue; i=$((i + 1)); P[$1.$i]=$k; N[$k]=$1.$i; done; echo "t $1 $2 => ok"; }
v() { local e; e=$( { $AS bash -c 'echo "$2" > "$1"' bash "$C$2" "${P[$1]}"; } 2>&1 ) && echo "v $1 $2 => ok" || echo "v $1 $2 => $(clean "$e")"; }
p() { local e; e=$(cat "$C$1" 2>&1) && echo "p $1 =>$(names $e)" || echo "p $1 => error ${e##*: }"; }
k() { kill -9 ${P[$1]} 2>/dev/null; wait ${P[$1]} 2>/dev/null; echo "k $1 => ok"; }
# x NAME: the leader of threads ends; z NAME: a process is killed, and nobody waits for it
x() { kill -USR1 ${P[$1]}; sleep 0.2; echo "x $1 => ok"; }
z() { local f=/tmp/z.$1; bash -c 'sleep 1000 & echo $! > '$f'; kill -STOP $$' & Z=$!; sleep 0.2; P[$1]=$(cat $f); N[${P[$1]}]=$1; echo "z $1 => ok"; }
d() { kill -9 ${P[$1]}; sleep 0.2; echo "d $1 => ok"; }
# where NAME is
q() { echo "q $1 => $(sed 's/^0:://' /proc/${P[$1]}/cgroup)"; }
# chown, chmod; U N: from here on as that user
o() { chown -h $2:$2 "$C$1"; echo "o $1 $2 => ok"; }
h() { local e; e=$($AS chmod $2 "$C$1" 2>&1) && echo "h $1 $2 => ok" || echo "h $1 $2 => ${e##*: }"; }
U() { [ $1 = 0 ] && AS= || AS="setpriv --reuid $1 --regid $1 --clear-groups"; echo "U $1 => ok"; }
