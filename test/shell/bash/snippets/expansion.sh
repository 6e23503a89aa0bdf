#### defaults
unset u; e=; v=val
echo "${u-a}" "${u:-a}" "${e-a}" "${e:-a}" "${v-a}" "${v:-a}"
echo "${u+a}" "${u:+a}" "${e+a}" "${e:+a}" "${v+a}" "${v:+a}"
echo "${u=b}" "$u" "${e:=c}" "$e"
#### default words split
set -- ${u:-a b "c d"} ; echo $#; printf '<%s>' "$@"; echo
set -- "${u:-a b "c d"}" ; echo $#; printf '<%s>' "$@"; echo
#### quotes in defaults
echo "${u:-'x'}" ${u:-'x y'} "${u:-"x"}" ${u:-"x  y"} "${u:-\}}" ${u:-\}} "${u:-a\"b}"
#### nested defaults
a=1; echo ${u:-${a:+${b:-deep}}} "${u:-${a}$((a+1))$(echo sub)}"
#### remove prefix and suffix
p=/usr/local/lib/libfoo.so.1.2
echo ${p#*/} ${p##*/} ${p%.*} ${p%%.*} ${p#nomatch} ${p%nomatch}
x=aaabbb; echo ${x#a} ${x##a*} ${x##+(a)} ${x%b} ${x%%b*}
#### remove quoted patterns
x='*ab*'; echo "${x#\*}" "${x#'*'}" "${x%"*"}" "${x#*}" "${x##*}"
y='*'; echo "${x#$y}" "${x##$y}|" "${x#"$y"}"
#### replace
x='a.b.c.d'; echo ${x/./-} ${x//./-} ${x/#a/X} ${x/%d/X} ${x/b} ${x//.} ${x/nope/z}
x=abcabc; echo ${x//[ac]/<&>} ${x/b*/Z} ${x//b/\&} ${x//b/'&'} "${x//b/"&"}"
#### replace with slashes
x=a/b/c; echo ${x//\//:} ${x/\/b/} "${x//'/'/_}"
r='[&]'; echo ${x/b/$r} "${x/b/"$r"}"
#### replace empty matches
x=abc; echo "${x/#/pre}" "${x/%/post}" "${x//}" "${x/}"
#### case modification
x='hello World'; echo "${x^}" "${x^^}" "${x,}" "${x,,}" "${x^^[a-l]}" "${x~~}" "${x~}"
y=ÄB; echo "${y,,}"
#### slices
x=0123456789; echo ${x:3} ${x:3:2} ${x: -3} ${x: -3:2} ${x:0:-4} ${x:(-5):3} ${x:2+1:1+1} "${x:20}" "${x:3:0}|"
n=2; echo ${x:n:n} ${x:$n} ${x:n?3:4:1}
#### positional slices
set -- a b c d e; echo "${@:2}" "${@:2:2}" "${@: -2}" "${@:0:1}" "${*:3:1}" "${@:1:0}|"
#### array slices
a=(zero one two three four); echo "${a[@]:1:2}" "${a[@]: -2}" "${a[*]:3}" "${a:1:2}"
b=([5]=x [7]=y [9]=z); echo "${b[@]:6}" "${b[@]:5:2}" "${#b[@]}" "${!b[@]}"
#### lengths
x=hello; a=(1 22 333); set -- p qq; echo ${#x} ${#a} ${#a[@]} ${#a[1]} ${#a[*]} ${#} ${#@} ${#*} ${#1} ${#2} ${##}
#### indirection
x=y; y=z; z=end; echo ${!x} ${!x:-d} "${!x/z/w}"; n=nope; echo "${!n:-unset}" 
a=(1 2 3); r='a[1]'; echo ${!r}; r='a[@]'; echo "${!r}"
#### name lists
abc1=x; abc2=y; abd=z; echo ${!abc*} "${!abc@}"; for n in "${!ab@}"; do echo $n; done
#### transformations
x="it's a \$test"; echo "${x@Q}"; y='a\tb\n'; echo "${y@E}"; echo "${x@U}" "${x@u}" "${x@L}"
declare -i n=5; echo "${n@A}" "${n@a}"; a=(1 'b c'); echo "${a[@]@Q}"; echo "${a[@]@A}"
z=$'tab\there'; echo "${z@Q}"; e=; echo "${e@Q}"
#### transformation of associative arrays
declare -A m=([k]=v); echo "${m[@]@A}" "${m[@]@K}" "${m@a}"
#### word splitting
x='  a  b   c '; echo $x; set -- $x; echo $#; IFS=:; y=a:b::c:; set -- $y; echo $#; printf '<%s>' "$@"; echo
#### splitting with mixed IFS
IFS=' :'; x=' a : b  c :: d '; set -- $x; echo $#; printf '<%s>' "$@"; echo
IFS=''; x='a b'; set -- $x; echo $#
#### splitting around quotes
x='a b'; set -- $x"c d"$x; printf '<%s>' "$@"; echo; set -- x$x; printf '<%s>' "$@"; echo; set -- $x' '; printf '<%s>' "$@"; echo
#### null fields
e=; set -- $e; echo $#; set -- "$e"; echo $#; set -- $e"" ; echo $#; set -- ''$e x; echo $#
IFS=,; y=,a,,b,; set -- $y; echo $#; printf '<%s>' "$@"; echo
#### quoted at
set -- 'a b' '' c; for i in "$@"; do echo "<$i>"; done; for i in $@; do echo "<$i>"; done; for i in "$*"; do echo "<$i>"; done; for i in "x$@y"; do echo "<$i>"; done
#### empty at
set --; set -- "$@"; echo $#; set -- "x$@"; echo $#; e=; set --; set -- "$@$e"; echo $#; set --; set -- "$@" "$@"; echo $#; set -- "" "$@"; echo $#
#### star with IFS
set -- a b c; IFS=-; echo "$*" $*; x="$*"; echo "$x"; x=$*; echo "$x"; IFS=; echo "$*"; unset IFS; echo "$*"
x="$@"; echo "$x"
#### arrays in strings
a=(1 '2 3' 4); IFS=,; echo "${a[*]}"; echo "${a[@]}"; x="${a[*]}"; echo "$x"; echo ${a[*]}
#### tilde
HOME=/h; echo ~ ~/x "~" \~ a~ x=~ x=a:~ ~nouser_x; y=~/b:~/c; echo $y; cd /tmp; echo ~+ 
#### braces
echo {a,b,c} x{1..5}y {5..1} {a..e} {01..10..3} {a,b}{1,2} {a,{b,c}}d {,x}y a{b}c {a..z..5} {-2..2} "{a,b}" \{a,b} {a,b\,c} ${u:-{x,y}}
#### braces with quotes
echo {"a b",c}d {$x,'$y'}z pre{"{",\}}post {a,b}$(echo {c,d}) {1..3}{a,b}
#### braces that are none
echo {} {a} {a,b a,b} {1..} {..3} {1..a} {a..3} x{,}y
#### arithmetic expansion
x=5; echo $((x*2+1)) $(( (x+1)**2 )) $((x>3?x:0)) $((x<<2|1)) $((~x)) $((!x)) $((-x%3)) $((x++)) $x $((--x)) $((0x1f+010+2#101+36#z))
#### arithmetic assignment
echo $((a=5,b=a*2,a+b)) $((a+=b)) $((a<<=1)) $((b%=4)) $a $b $((c[2]=7)) ${c[2]} $((c[2]++)) ${c[2]}
#### arithmetic variables
a=b; b=c; c=7; echo $((a)) $((a+1)); e='1+2'; echo $((e*2)) $(($e*2)); u=; echo $((u)) $((nope))
#### arithmetic logic short circuits
x=0; echo $((0 && x++)) $((1 || x++)) $x $((1 && ++x)) $x $((x ? 10 : (x=5))) $x
#### arithmetic errors go on at the next line
echo before; echo $((1/0)) same
echo after $?
echo $((1+)); echo same
echo after $?
echo $((08))
echo $((2#3))
echo $((5 5))
echo $((a b))
echo $((1=2))
echo $((x y = 3))
echo done
#### arithmetic more errors
echo $((3+*4))
echo $((1 ? 2))
echo $((1 ? : 2))
echo $((2**-1))
echo $((65#1))
echo $((1$))
echo $((@))
echo $((++5)) $((+ +5)) $((- -5)) $((!!5))
echo $((5++))
echo end
#### arithmetic wrap around
echo $((9223372036854775807+1)) $((-9223372036854775808)) $((1<<63)) $((1<<64)) $((-1>>1)) $((7/-2)) $((-7%3)) $((2**62*2))
#### command substitution
echo $(echo a; echo b) "$(echo a; echo b)" "$(printf 'x\n\n\n')" `echo old` `echo \`echo nested\`` "`echo "q q"`" $(echo ")") $(case x in x) echo cs;; esac)
#### status of substitution
x=$(exit 3); echo $?; x=$(false) y=$(true); echo $?; echo $(exit 5); echo $?; x=1; echo $?; local_x=$(exit 7) :; echo $?
#### read a file by substitution
printf 'line1\nline2\n' > f; x=$(<f); echo "$x"; echo "$(< f)"; x=$(<nofile); echo $? "[$x]"
#### substitution nests
echo $(echo $(echo $(echo deep) er) est) "$(echo "$(echo "a  b")")"
#### ansi quotes
echo $'a\tb\nc\\d\'e\x41\101\u0042' $'\e[0m' | cat -v; x=$'\x41'; echo $x; echo "$'no'"
#### locale quotes
echo $"hello $HOME"
#### quote removal
echo a"b"'c'\d "a\"b\\c\$d\`e\f" 'a\b' \\ \' "'" '"' a\
b "c\
d"
#### pathnames
touch a.c b.c .h ab abc; mkdir d; touch d/x d/y.c; echo *.c; echo *; echo ?b*; echo [ab].c; echo [!a].c; echo .h*; echo d/*; echo */*.c; echo nope*; echo "*.c" \*.c '*'.c
#### glob from variables
touch a1 a2; x='a*'; echo $x "$x" '$x'; y=a; echo $y*; z='[a]1'; echo $z
#### glob options
touch a b .c; shopt -s dotglob; echo *; shopt -u dotglob; shopt -s nullglob; echo x*y z; shopt -u nullglob; set -f; echo *; set +f; echo *
#### failglob
shopt -s failglob; echo nope*; echo no
echo next $?
#### extglob
shopt -s extglob
touch a ab abc b1 b2 foo.txt bar.md
echo !(a*|b*) @(a|ab) +(b[0-9]) ?(a)b *.@(txt|md) a*(b|c)
#### globstar
mkdir -p p/q/r; touch p/1 p/q/2 p/q/r/3; echo p/**; shopt -s globstar; echo p/**; echo p/**/; echo **/[0-9]
#### nocaseglob
touch Ab aB; shopt -s nocaseglob; echo a[b]; shopt -u nocaseglob; echo a[b]
#### globignore
touch a b c; GLOBIGNORE='b:c'; echo *
#### bracket classes
touch a1 B2 _x; echo [[:upper:]]* [[:alpha:]][[:digit:]] [^[:alpha:]]* [a-z]*
#### special parameters
set -- x y; echo $# $1 $2 "$3" ${10} $0 $?; false; echo $?; echo $-
#### positional above nine
set -- a b c d e f g h i j k; echo $10 ${10} ${11} ${#} "${@:10}"
#### shift
set -- a b c d; shift; echo $*; shift 2; echo $*; shift 5; echo $? $*; shift; echo $? $#
#### underscore
echo a b c; echo $_; true x y; echo $_; : "last arg"; echo "$_"
#### nounset
set -u; x=1; echo $x; echo ${y:-ok} ${y-ok} ${y+no}; echo "$@" $*; echo ${a[@]} ; echo $y; echo not reached
#### nounset array and positional
set -u; (echo $1); echo $?; (a=(); echo "${a[@]}" ok); (echo ${a[0]}); echo $?; (echo ${#nope}); echo $?; (echo $((nope+1))); echo $?
#### error if unset
(echo ${x:?}); echo $?; (echo ${x?custom message}); echo $?; x=; (echo ${x:?is null}); echo $?; (echo ${x?not null}ok); echo $?
echo ${y:?gone}; echo not reached
#### bad substitution
echo ${x!y}; echo no
echo next $?
echo "${a b}"
echo ${}
echo end
#### assign default
unset x; : ${x:=5}; echo $x; : ${a[2]:=q}; echo ${a[2]} ${#a[@]}; echo ${1:=no}
echo next
#### dollar alone
echo $ "$" a$ $'x'$ "$ a" $% $=
#### pid variables
[ $$ = $BASHPID ] && echo same; ([ $$ = $BASHPID ] || echo other); [ "$(echo $$)" = $$ ] && echo inherited; (echo $BASH_SUBSHELL; (echo $BASH_SUBSHELL)); echo $BASH_SUBSHELL
#### comments
echo a #b
echo a#b # c
# full
echo "#" '#' \# ${#} $(echo x # y
)
#### patterns with quotes in case
x='a*'; case 'a*' in "$x") echo 1;; esac; case ab in $x) echo 2;; esac; case ab in "$x") echo no;; *) echo 3;; esac; case '[x]' in '[x]') echo 4;; esac; case x in [x]) echo 5;; esac
#### case classes
for w in a 5 ' ' _ ''; do case $w in [[:alpha:]]) echo alpha;; [[:digit:]]) echo digit;; [[:space:]]) echo space;; '') echo empty;; *) echo other;; esac; done
#### param at with default
set --; echo "${@:-none}" "${*:-none}" "${1:-first}"; set -- ''; echo "[${@:-none}]" "[${1-x}]"
#### array expansions in words
a=(x y z); echo pre${a[@]}post; printf '<%s>' "pre${a[@]}post"; echo; printf '<%s>' "${a[@]/#/-}"; echo; printf '<%s>' "${a[@]%y}"; echo; echo "${a[@]^^}" "${#a[@]}"
#### empty array
a=(); echo "${#a[@]}" "${a[@]}" "${a[*]}" "${a[@]:-def}"; set -- "${a[@]}"; echo $#; set -- x"${a[@]}"; echo $#
