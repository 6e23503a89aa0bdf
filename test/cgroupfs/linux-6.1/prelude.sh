C=/sys/fs/cgroup
declare -A P N
clean() { local t=${1##*: }; case $1 in *"write error"*) echo "write: $t";; *) echo "open: $t";; esac; }
# names for pids
names() { local p o=; for p in "$@"; do o="$o ${N[$p]-?}"; done; echo "$o"; }
w() { local e; e=$( { echo -n -e "$2" > "$C$1"; } 2>&1 ) && echo "w $1 '$2' => ok" || echo "w $1 '$2' => $(clean "$e")"; }
m() { local e; e=$(mkdir "$C$1" 2>&1) && echo "m $1 => ok" || echo "m $1 => ${e##*: }"; }
r() { local e; e=$(rmdir "$C$1" 2>&1) && echo "r $1 => ok" || echo "r $1 => ${e##*: }"; }
c() { local e; e=$(cat "$C$1" 2>&1); local s=$?; [ $s = 0 ] && echo "c $1 => $(echo -n "$e" | tr '\n' '|')" || echo "c $1 => error ${e##*: }"; }
l() { local e; e=$(ls -1f "$C$1" 2>&1) && echo "l $1 => $(echo -n "$e" | tr '\n' ' ')" || echo "l $1 => error ${e##*: }"; }
# new process NAME
s() { sleep 1000 & P[$1]=$!; N[$!]=$1; echo "s $1 => ok"; }
# move NAME to dir
v() { local e; e=$( { echo "${P[$1]}" > "$C$2"; } 2>&1 ) && echo "v $1 $2 => ok" || echo "v $1 $2 => $(clean "$e")"; }
p() { local e; e=$(cat "$C$1" 2>&1) && echo "p $1 =>$(names $e)" || echo "p $1 => error ${e##*: }"; }
k() { kill -9 ${P[$1]}; wait ${P[$1]} 2>/dev/null; echo "k $1 => ok"; }
