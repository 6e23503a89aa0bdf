#### if
if true; then echo 1; fi; if false; then echo no; else echo 2; fi; if false; then :; elif true; then echo 3; else echo no; fi; if false; then :; fi; echo $?
#### while and until
i=0; while [ $i -lt 3 ]; do echo $i; i=$((i+1)); done; until [ $i -eq 0 ]; do i=$((i-1)); done; echo $i; while false; do :; done; echo $?
#### for
for x in a "b c" $(echo d e); do echo "$x"; done; for x; do echo no; done; set -- p q; for x; do echo $x; done; for x in; do echo no; done; echo $? $x
#### for arithmetic
for ((i=0; i<3; i++)); do echo $i; done; for ((;;)); do break; done; for ((i=0,j=5;i<j;i++,j--)) { echo $i$j; }; echo $i
#### break and continue
for i in 1 2 3 4; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done; for i in 1 2; do for j in a b; do [ $j = b ] && continue 2; echo $i$j; done; done; for i in 1 2; do for j in a b; do break 2; done; done; echo $i$j; while :; do while :; do break 5; done; done; echo out
#### break outside
break; echo $?; continue; echo $?; f() { break; }; for i in 1 2; do f; echo $i; done
#### case
for w in apple banana cherry "" x.y; do case $w in a*) echo A;; b*|c*) echo BC;; "") echo empty;; ?.?) echo dot;; *) echo other;; esac; done
#### case fall through
for w in a b c; do case $w in a) echo a;& b) echo b;;& c) echo c;; *) echo star; esac; done; case x in y) :;; esac; echo $?
#### case with parens and patterns
case abc in (a?c) echo yes;; esac; case "a|b" in "a|b") echo bar;; esac; case $(echo sub) in s*b) echo sub;; esac; case a in [!b]) echo notb;; esac
#### select
printf '2\n9\n\n1\n' > in; PS3='pick: '; select x in one two three; do echo "$REPLY:$x"; [ "$x" = one ] && break; done < in; select y in a b; do echo no; done < /dev/null; echo $?
#### functions
f() { echo "$# $1"; return 3; }; f a b; echo $?; function g { echo g; }; g; function h() { echo h; }; h; k() ( echo sub; exit 4 ); k; echo $?; f2() if true; then echo iffy; fi; f2
#### recursion
fact() { if [ $1 -le 1 ]; then echo 1; else local r=$(fact $(($1-1))); echo $(($1*r)); fi; }; fact 6; fib() { (( $1 < 2 )) && { echo $1; return; }; echo $(( $(fib $(($1-1))) + $(fib $(($1-2))) )); }; fib 8
#### function redirections
f() { echo out; echo err >&2; } > o 2>&1; f; cat o; g() { read x; echo "got $x"; } <<< input; g
#### return values
f() { return; }; false; f; echo $?; g() { false; }; g; echo $?; h() { return 300; }; h; echo $?; k() { return -1; }; k; echo $?; return 1; echo $?
#### return in loops and sourced files
f() { for i in 1 2 3; do [ $i = 2 ] && return 7; echo $i; done; }; f; echo $?; echo 'echo in; return 5; echo no' > src; . ./src; echo $?
#### positional in functions
set -- a b; f() { echo "$@" $#; set -- x y z; echo "$@"; shift; echo $1; }; f 1 2; echo "$@"
#### and or lists
true && echo 1 || echo 2; false && echo 1 || echo 2; false || false || echo 3; true && false && echo no; echo $?; false || true && echo 4; ! true || echo 5; ! false && echo 6
#### groups and subshells
{ echo a; echo b; } | cat; (x=1; echo $x); echo "${x-unset}"; { y=1; }; echo $y; (exit 3); echo $?; { (exit 4); }; echo $?; ( (echo nested) ); (cd /; pwd); pwd | head -c 5 >/dev/null
#### pipelines
echo a b c | { read x y; echo "$y-$x"; }; printf '3\n1\n2\n' | while read n; do echo "n=$n"; done | cat; echo x | x=5; echo ${x-unset}; seq 5 | tail -n 2 | head -n 1
#### pipe status and pipefail
false | true; echo $?; set -o pipefail; false | true; echo $?; (exit 3) | (exit 2) | true; echo $?; set +o pipefail; (exit 3) | true; echo $?; ! false | true; echo $?
#### pipe stderr
{ echo out; echo err >&2; } |& cat; nosuchcmd |& cat
#### lastpipe
shopt -s lastpipe; echo hello | read x; echo $x; seq 3 | while read n; do s=$((s+n)); done; echo $s
#### negation
! true; echo $?; ! false; echo $?; ! (exit 5); echo $?; if ! false; then echo ok; fi; ! ! true; echo $?
#### time
{ time true; } 2>&1 | head -n 1; TIMEFORMAT='%%x'; time :; TIMEFORMAT=; time true; echo $?
#### conditionals strings
[[ a == a ]] && echo 1; [[ a = b ]] || echo 2; [[ abc == a* ]] && echo 3; [[ abc == "a*" ]] || echo 4; [[ a < b ]] && echo 5; [[ b > a && ! a > b ]] && echo 6; [[ -n x && -z "" ]] && echo 7; [[ ( a == b || c == c ) && d ]] && echo 8; [[ "" ]] || echo 9
#### conditionals numbers
[[ 1 -lt 2 ]] && echo 1; x=5; [[ x -eq 5 ]] && echo 2; [[ 1+1 -eq 2 ]] && echo 3; [[ 010 -eq 8 ]] && echo 4; [[ a -eq 0 ]] && echo 5; [[ 3 -ge 4 ]]; echo $?
#### regex
[[ abc123 =~ ^([a-z]+)([0-9]+)$ ]] && echo "${BASH_REMATCH[@]}"; [[ foo.bar =~ \. ]] && echo dot; [[ a.b =~ a"."b ]] && echo quoted; [[ axb =~ a"."b ]] || echo noquoted; r='^x(y|z)?'; [[ xy =~ $r ]] && echo "${BASH_REMATCH[1]}"; [[ no =~ yes ]]; echo $? ${#BASH_REMATCH[@]}
#### regex longest
[[ abcd =~ (a|ab)(c|bcd)? ]] && echo "${BASH_REMATCH[0]}" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"; [[ foobar =~ o{2} ]] && echo ${BASH_REMATCH[0]}; [[ "a b" =~ a[[:space:]]b ]] && echo sp
#### files in conditionals
touch f; mkdir d; [[ -f f && -d d && -e f && ! -e g ]] && echo 1; echo x > f; [[ -s f && -r f && -w f && ! -x f ]] && echo 2; [ -f f -a -d d ] && echo 3; [ -e g -o -e f ] && echo 4; [[ f -ef ./f ]] && echo 5
#### test builtin
test a = a; echo $?; test; echo $?; test ""; echo $?; test x; echo $?; test ! x; echo $?; [ a ]; echo $?; [ 1 -lt 2 ]; echo $?; [ "a b" = "a b" ]; echo $?; [ a \< b ]; echo $?; [ -z "" ]; echo $?; [ ! -z "" ]; echo $?; [ \( a = a \) ]; echo $?; [ -n "" -o x = x ]; echo $?
#### test errors
[ 1 -eq x ]; echo $?; [ a b ]; echo $?; [ a b c ]; echo $?; [ a = ]; echo $?; [ = ]; echo $?; [ 1 -eq 1; echo $?; [ a = b c d ]; echo $?; [ -f ]; echo $?; [ -q x ]; echo $?; test 1 -gt ''; echo $?
#### test -v and -o
x=1; a=(1 2); declare -A m=([k]=v); [[ -v x ]] && echo 1; [[ -v y ]] || echo 2; [[ -v a[1] ]] && echo 3; [[ -v a[5] ]] || echo 4; [[ -v m[k] ]] && echo 5; [[ -o errexit ]] || echo 6; set -e; [[ -o errexit ]] && echo 7
#### arithmetic command
((1)); echo $?; ((0)); echo $?; ((x=5)); echo $x; ((x++ > 5)) && echo no; echo $x; if ((x==6)); then echo six; fi; ((1/0)); echo $?; ((x y)); echo $?; (( ));  echo $?
#### let
let x=1+2 y=x*2; echo $x $y $?; let 0; echo $?; let; echo $?; let 'a b'; echo $?; let "z = 5" "z += 1"; echo $z
#### errexit
set -e; true; false || echo caught; if false; then :; fi; ! true; f() { false; echo "not after || "; }; f || echo handled; (false); echo not reached
#### errexit in functions
set -e; f() { false; echo in; }; f && echo yes; g() { echo g; return 3; }; g; echo not reached
#### errexit and substitutions
set -e; x=$(false; echo still); echo "$x"; echo $(false) ok; y=$(exit 3); echo not reached
#### errexit in subshells
(set -e; false; echo no); echo $?; (set -e; (exit 5); echo no) || echo "$?"; set -e; (false; echo no) ; echo not reached
#### errexit with pipes
set -e; false | true; echo 1; set -o pipefail; true | false || echo 2; false | true; echo not reached
#### errexit conditions
set -e; while false; do :; done; until true; do :; done; false && true; echo a; true && false; echo not reached
#### errexit arithmetic
set -e; ((0)) || echo 1; x=0; ((x++)) || true; echo $x; ((0)); echo not reached
#### errexit and negated test
set -e; [[ a = a ]]; ! [[ a = a ]]; echo here; [ a = b ]; echo not reached
#### errexit in command substitution with inherit
set -e; shopt -s inherit_errexit; x=$(false; echo no); echo not reached $x
#### errtrap
trap 'echo "ERR $? line $LINENO"' ERR; false; true; (exit 3); false || true; if false; then :; fi; f() { false; }; f; ! true; x=$(false); echo end
#### errtrap and errtrace
trap 'echo ERR' ERR; f() { false; true; }; f; set -E; f; (false; true); echo end
#### exit trap
trap 'echo bye $?' EXIT; echo hi; exit 3
#### exit trap with exit
trap 'echo in trap; exit 5' EXIT; false
#### exit trap in subshell
trap 'echo parent' EXIT; (echo sub); (trap 'echo subtrap' EXIT; echo sub2); x=$(trap 'echo cs' EXIT; echo body); echo "$x"
#### debug trap
trap 'echo "D: $BASH_COMMAND"' DEBUG; x=1; echo $x; for i in 1 2; do :; done; [[ a ]]; trap - DEBUG; echo end
#### return trap
f() { trap 'echo ret' RETURN; echo body; }; f; g() { echo g; }; g; trap - RETURN; g
#### signal traps
trap 'echo usr1' USR1; kill -USR1 $$; echo after; trap '' USR2; kill -USR2 $$; echo ignored; trap - USR1; trap
#### trap listing
trap 'echo "a b"' EXIT INT; trap '' TERM; trap; trap -p INT; trap - INT; trap -p INT; trap 'x' 15 0; trap -p; trap - EXIT
#### trap errors
trap x NOSUCH; echo $?; trap -x; echo $?; trap; trap 'echo hi'; echo $?
#### killed by a signal
bash -c 'kill -9 $$'; echo $?; bash -c 'kill -TERM $$'; echo $?; bash -c 'kill -SEGV $$'; echo $?; (kill -KILL $BASHPID); echo $?; (kill -HUP $BASHPID; echo no); echo $?
#### killed in places
bash -c 'kill -9 $$' | cat; echo $?; x=$(bash -c 'kill -9 $$'); echo $?; if bash -c 'kill -9 $$'; then :; fi; cat /dev/null | bash -c 'kill -9 $$'; bash -c 'kill -9 $$' || echo or; ! bash -c 'kill -9 $$'; f() { bash -c 'kill -9 $$'; }; f
{ bash -c 'kill -9 $$'; echo $?; } 2>/dev/null
for i in 1; do
  bash -c 'kill -9 $$' > /dev/null 2>&1
done
bash -c 'kill -ABRT $$' a "b c" $HOME
#### background
sleep 0.2 & wait; echo $?; (exit 3) & wait $!; echo $?; { echo bg; } & wait; false & wait $!; echo $?; wait 99999; echo $?; wait %5; echo $?
#### background killed
sleep 5 & kill -9 $!; wait $!; echo $?; sleep 5 & kill $!; wait $!; echo $?; sleep 5 & p=$!; kill -9 $p; sleep 0.1; echo next; wait $p; echo $?
#### wait -n
(sleep 0.3; exit 3) & (sleep 0.1; exit 4) & wait -n; echo $?; wait -n; echo $?; wait -n; echo $?
#### wait -p
(exit 6) & p=$!; wait -p v -n $p; echo $? $([ "$v" = $p ] && echo same)
#### jobs
sleep 1 & sleep 1 & jobs; jobs %1; kill %1 %2; wait; echo $?
#### jobs in pipes
sleep 0.2 | cat & jobs; wait; echo done
#### background reads nothing
echo data | { cat & wait; echo $?; }; { read x; echo "[$x]" $?; } & wait
#### dollar bang
: & a=$!; : & b=$!; [ $a != $b ] && echo different; wait $a $b; echo $?
#### kill builtin
kill -l 9; kill -l TERM; kill -l 137; kill; echo $?; kill -9; echo $?; kill abc; echo $?; kill -NOPE 1; echo $?; kill -0 $$; echo $?; kill 99999999; echo $?; kill %3; echo $?
#### trap wakes wait
trap 'echo got' USR1; (sleep 0.2; kill -USR1 $$) & (sleep 1) & wait $!; echo $?; wait; echo $?
#### trap after foreground
trap 'echo late' USR1; (sleep 0.1; kill -USR1 $$) & sleep 0.4; echo fg done
#### exec replaces
(exec seq 2; echo no); (exec nosuch; echo no); echo $?; (exec /etc; echo no); echo $?; exec 3>f; echo x >&3; exec 3>&-; cat f; exec bash -c 'echo last; exit 9'
#### exit codes
(exit 256); echo $?; (exit -1); echo $?; (exit); echo $?; (false; exit); echo $?; (exit abc); echo $?; nosuch; echo $?; ./s; echo $?; /; echo $?; exit 7
#### command not found in places
nosuch1 | cat; x=$(nosuch2); nosuch3 && echo no; nosuch4 || echo yes; (nosuch5); { nosuch6; } 2>/dev/null; nosuch7 2>/dev/null; echo $?
#### not executable
echo 'echo script $0 $1' > sc; ./sc; echo $?; bash sc arg; touch e; mkdir dd; ./dd; echo $?; ./nofile; echo $?; PATH=/nonexistent; ls; echo $?
#### eval
eval echo a b; x='echo $y'; y=5; eval $x; eval 'eval "echo nested"'; eval; echo $?; eval false; echo $?; eval 'if true; then echo multi
fi'; eval 'f() { echo defined; }'; f
#### eval syntax errors
eval 'echo )'; echo $?; eval 'if'; echo $?; eval 'echo "unterminated'; echo $?; eval 'done'; echo still
#### source
echo 'echo "in $1 $#"; x=sourced; f() { echo fn; }' > lib; . ./lib arg; echo $x; f; set -- p; source ./lib; . ./nofile; echo $?; .; echo $?
#### source status and nesting
echo 'false' > a; . ./a; echo $?; echo '. ./a; echo after' > b; . ./b; echo 'echo ${BASH_SOURCE[0]} $LINENO; nosuch' > c; . ./c
#### syntax error stops here
echo one
echo two
if then
echo three
#### unexpected tokens
echo a
echo b; )
#### unexpected end
echo a
if true; then
echo b
#### unclosed quote
echo a
echo "b
#### unexpected in list
echo first
echo x; ; echo y
#### unexpected done
for i in 1; do echo $i; done
done
#### set -n
set -n; echo no
echo no
#### set -v
set -v
echo a; echo b
x=1
#### xtrace
set -x; echo a "b c" '' $HOME; x=1 y='a b'; x=2 echo z; (echo sub); f() { echo $1; }; f arg; [[ a == a* ]]; ((1+1)); for i in 1; do :; done; case a in a) :;; esac; a=(1 2); echo $(echo cs); ls nofile 2>/dev/null; set +x; echo end
#### xtrace PS4
PS4='+$LINENO '; set -x; echo a
echo b
#### set options
set -e -u; echo $-; set +eu; set -o noglob; echo *; set +o noglob; set -o nosuch; echo $?; set -q; echo $?; shopt nosuch; echo $?; shopt -s nullglob; shopt nullglob; shopt -q nullglob; echo $?
#### set -o listing
set -o | head -n 5; set +o | head -n 3
#### noclobber
set -C; echo a > f; echo b > f; echo $?; echo c >| f; cat f; echo d >> f; cat f; echo x > /dev/null; echo $?
#### set -a
set -a; Z=1; bash -c 'echo $Z'; set +a; Y=2; bash -c 'echo ${Y-none}'
#### getopts
f() { local OPTIND o; while getopts ab:c o; do echo "$o ${OPTARG-none} $OPTIND"; done; shift $((OPTIND-1)); echo "rest $*"; }; f -a -b val -c x y; f -bval -ac; f -x; f -b; f -- -a; f a -b
#### getopts silent
while getopts :ab: o -a -b -z; do echo "$o ${OPTARG-none}"; done; OPTIND=1; while getopts :b: o -b; do echo "$o $OPTARG"; done
#### coproc
coproc cat; echo hi >&${COPROC[1]}; read x <&${COPROC[0]}; echo $x; eval "exec ${COPROC[1]}>&-"; wait
#### coproc named
coproc CO { read l; echo "got $l"; }; echo line >&${CO[1]}; read r <&${CO[0]}; echo "$r"; wait $CO_PID; echo $?
#### alias is off
alias x='echo hi' ; x; echo $?; unalias x 2>/dev/null; echo ok
#### command and builtin
command echo a; command -v echo; command -v cat; command -v nosuch; echo $?; command -V cd; f() { :; }; command -v f; builtin echo b; builtin nosuch; echo $?; echo() { builtin echo "wrapped $*"; }; echo x; command echo y
#### type
type cd; type -t cd if f cat; f() { echo; }; type -t f; type f; type nosuch; echo $?; type -p cat; type -a true | head -n 1; type if
#### hash
hash; cat /dev/null; hash -t cat; hash -r; hash -t cat; echo $?; hash nosuch; echo $?
#### deep nesting
if true; then for i in 1 2; do while :; do case $i in 1) { (echo deep $i); }; break;; *) break;; esac; done; done; fi
#### one line functions and keywords as arguments
echo if then else fi for while do done case esac; f() { echo in; }; if f; then echo ok; fi; echo { }; echo time !
#### semicolons and newlines
echo a;echo b
if true
then
echo c
fi
for i in 1 2
do echo $i
done
{ echo d
}
true &&
echo e ||
echo f
echo g |
cat
#### line continuation
echo one \
two; ec\
ho three; x=a\
b; echo $x
#### empty and colon
:; : a b c; echo $?; true; echo $?; false; echo $?
#### a stack that is full
bash -c 'f() { f; }; f' 2> /dev/null; echo $?
