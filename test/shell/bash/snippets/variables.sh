#### append
x=a; x+=b; echo $x; declare -i n=3; n+=4; echo $n; a=(1); a+=(2 3); echo "${a[@]}"; a+=x; echo "${a[@]}"; a[1]+=y; echo "${a[@]}"
#### integer attribute
declare -i n; n=3+4; echo $n; n="2 * n"; echo $n; n=abc; echo $n; n+=1; echo $n
declare +i n; n=1+1; echo $n
#### letters
declare -l low=ABC; echo $low; low=DeF; echo $low; declare -u up; up=abc; echo $up; declare -c cap=hELLO; echo $cap
#### indexed arrays
a=(a b c); echo ${a} ${a[0]} ${a[2]} ${a[-1]} ${#a[@]}; a[10]=x; echo ${#a[@]} ${!a[@]}; unset 'a[1]'; echo ${!a[@]} "${a[@]}"; unset a; echo "${a[@]}|"
#### array with subscripts
a=([3]=c [1]=a b [0]=z); echo "${!a[@]}" "${a[@]}"; i=2; a[i+1]=d; a[$i]=e; echo "${a[@]}"; a=("${a[@]}" new); echo "${a[@]}"
#### array from globs and splitting
touch f1 f2; x='p q'; a=(f* $x "$x"); echo ${#a[@]}; printf '<%s>' "${a[@]}"; echo
#### bad subscripts
a=(1 2); a[-5]=x; echo $?
echo ${a[-5]}; echo $?
a[]=x; echo $?
echo end
#### associative arrays
declare -A m; m[one]=1; m["two words"]=2; m[$((1+1))]=3; k=one; echo ${m[one]} "${m[two words]}" ${m[2]} ${m[$k]} ${#m[@]}; unset 'm[one]'; echo ${#m[@]} "${m[one]-gone}"
#### associative order
declare -A m=([apple]=1 [banana]=2 [cherry]=3 [date]=4 [elder]=5 [fig]=6 [grape]=7); echo "${!m[@]}"; echo "${m[@]}"; for k in "${!m[@]}"; do echo "$k=${m[$k]}"; done
#### associative pairs
declare -A m=(a 1 b 2 "c d" 3); echo "${m[a]}${m[b]}${m[c d]}"; m+=([e]=5); echo ${#m[@]}; declare -p m
#### declare -p
x=1; declare -i n=2; declare -r r=3; declare -x e='a b'; a=(1 "b c" $'d\n'); declare -A m=([k]='v"q'); declare u; declare -p x n r e a m u; declare -p nope; echo $?
#### declare prints quoting
x='$a`b"c\d'; declare -p x; y=$'new\nline'; declare -p y; z=; declare -p z
#### local
f() { local x=2 y; echo $x "${y-unset}"; x=3; g; echo $x; }; g() { echo g$x; x=4; }; x=1; f; echo $x
#### local of arrays and attributes
f() { local -a a=(1 2); local -i n=2+3; local -A m=([x]=y); local -r r=5; echo ${a[1]} $n ${m[x]} $r; declare -p a n; }; f; echo "${a[@]-none}" ${n-none}
#### local without value hides
x=global; f() { local x; echo "${x-unset}"; x=inner; unset x; echo "${x-unset again}"; }; f; echo $x
#### declare in functions is local
f() { declare x=in; declare -g y=out; typeset z=in; }; f; echo "${x-none}" $y "${z-none}"
#### dynamic scope and unset
f() { local v=f; g; echo after $v; }; g() { unset v; echo "in g ${v-unset}"; }; v=top; f; echo $v
#### readonly
readonly r=1; r=2; echo not here
echo next $?
declare -r s=1; unset s; echo $?; r+=x
echo end
#### readonly arrays
declare -ra a=(1 2); a[0]=5; echo x
echo $? ${a[0]}
a+=(3)
echo ${#a[@]}
#### export
export A=1; B=2; export B; export -n A; bash -c 'echo "${A-unset} ${B-unset}"'; C=3 bash -c 'echo $C'; echo "${C-unset}"; export D; bash -c 'echo "${D-unset}"'; D=4; bash -c 'echo $D'
#### exported names in subshell changes
export X=1; (X=2; bash -c 'echo $X'); echo $X; X=5 eval 'echo $X'; echo $X
#### temporary environment
x=1; f() { echo "f sees $x"; x=changed; }; x=tmp f; echo $x; x=2 y=3 bash -c 'echo $x $y'; IFS=: read a b <<< 1:2; echo $a $b "${IFS@Q}"
#### assignments before builtins
x=5 true; echo ${x-none}; x=6 :; echo ${x-none}; x=7 eval 'echo $x'; echo ${x-none}
#### assignments order
a=1 b=$a c=$b; echo $a $b $c; x=1; x=2 y=$x; echo $y
#### nameref
declare -n r=t; t=1; echo $r; r=2; echo $t; f() { local -n v=$1; v=($2 $3); }; f arr a b; echo "${arr[@]}"; declare -n e='arr[1]'; echo $e; e=z; echo ${arr[1]}; echo ${!r}; unset -n r; echo ${r-gone} $t
#### nameref loops
for n in a b; do declare -n ref=$n; ref=val$n; unset -n ref; done; echo $a $b
#### set lists
set -- b a; x1=1; (set | while read -r l; do case $l in x1=*) echo "$l";; esac; done)
#### set quoting
v='a b'; w="it's"; n=$'l\n2'; (set | { while IFS= read -r l; do case $l in v=*|w=*|n=*) echo "$l";; esac; done; })
#### unset things
x=1; f() { echo f; }; unset x; echo ${x-unset}; unset f; f; x=v; x() { echo fn; }; unset x; echo ${x-unset}; x; unset -f x; x; unset -v nope; echo $?
#### invalid names
export 1x=3; echo $?; declare 'a b=c'; echo $?; readonly -x; echo $?; unset 1a; echo $?; local z; echo $?
#### random and seconds
RANDOM=42; a=$RANDOM; RANDOM=42; [ $a = $RANDOM ] && echo same; [[ $SECONDS =~ ^[0-9]+$ ]] && echo num; SECONDS=100; echo $SECONDS; echo $RANDOM
#### random sequence
RANDOM=1; echo $RANDOM $RANDOM $RANDOM; RANDOM=12345; echo $RANDOM $RANDOM
#### lineno
echo $LINENO
echo $LINENO; f() { echo $LINENO
echo $LINENO; }
f
eval 'echo $LINENO
echo $LINENO'
(echo $LINENO)
echo $(echo $LINENO)
#### funcname
f() { echo ${FUNCNAME[0]} ${#FUNCNAME[@]} "${FUNCNAME[@]}" ${BASH_LINENO[0]} "${BASH_SOURCE[@]}"; g; }
g() { echo "${FUNCNAME[@]}" "${BASH_LINENO[@]}"; }
f
echo "${FUNCNAME[0]-none}"
#### caller
f() { caller; caller 0; g; }
g() { caller 0; caller 1; caller 5; echo $?; }
f
#### pipestatus
true | false | true; echo ${PIPESTATUS[@]}; (exit 3) | (exit 4); echo "${PIPESTATUS[*]}" ; false; echo ${PIPESTATUS[@]}; ! true | false; echo ${PIPESTATUS[@]}
#### bash variables
echo $BASH_VERSION ${BASH_VERSINFO[0]} $OSTYPE $UID $EUID; [ -n "$PPID" ] && echo ppid; echo $SHLVL $OPTIND "${PS4}" "$PWD" "${OLDPWD-no}"
#### bash command
trap 'echo "err: $BASH_COMMAND"' ERR; false a "b c" $HOME > /dev/null; [[ a = b ]]; ((0)); (exit 4); echo $BASH_COMMAND
#### mapfile
printf 'a\nb\nc' > f; mapfile -t x < f; echo ${#x[@]} "${x[@]}"; mapfile x < f; printf '<%s>' "${x[@]}"; echo; readarray -n 1 -s 1 -t y < f; echo ${y[@]}; mapfile -t -O 5 x < f; echo ${!x[@]}; mapfile -d b z < f; printf '<%s>' "${z[@]}"
#### declare listing of functions
f() { echo hi; }; g() { :; }; declare -F; declare -F f; declare -f f; declare -F nope; echo $?
#### declare conversions
a=x; declare -a a; echo ${a[0]}; declare -A a; echo $?; declare -A m; declare -a m; echo $?
#### array compound quoting
x='a b'; arr=("$x" '*' \* "[z]=q"); printf '<%s>' "${arr[@]}"; echo; arr=([0]=$x [1]="$x"); printf '<%s>' "${arr[@]}"; echo
#### array copy
a=(1 "2 3" ''); b=("${a[@]}"); echo ${#b[@]}; c=(${a[@]}); echo ${#c[@]}; b[5]=x; c=("${b[@]}"); echo "${!c[@]}"
#### array in arithmetic
a=(5 6 7); echo $((a[0]+a[1]*a[2])) $((a)); i=1; echo $((a[i]++)) ${a[1]} $((a[i+1]-=2)) ${a[2]}; declare -A m=([x]=3); echo $((m[x]+1)); ((m[y]=4)); echo ${m[y]}
#### printf -v
printf -v x '%03d' 7; echo $x; printf -v 'a[2]' '%s-%s' p q; echo ${a[2]} ${#a[@]}; printf -v 1x y; echo $?
#### read only in function
f() { local -r c=1; c=2; echo unreachable; }; f; echo "after"
echo next
#### local outside and errors
local x=1; echo $?; f() { local 1x; echo $?; local -Z q; echo $?; }; f
#### typeset and export -p
typeset -x V=1; export -p | while read -r a b c; do case $c in V=*) echo "$a $b $c";; esac; done
#### arrays are not exported
export ARR=(1 2); bash -c 'echo "${ARR-none}"'
