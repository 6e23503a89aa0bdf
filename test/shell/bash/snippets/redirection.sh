#### output
echo a > f; cat f; echo b >> f; cat f; > f; cat f; echo "x" >f 2>&1; cat f; echo to err >&2; echo y 1>f; cat f
#### input
printf '1\n2\n' > f; read x < f; echo $x; while read l; do echo "<$l>"; done < f; cat < f; { read a; read b; } < f; echo $a $b
#### both streams
{ echo o; echo e >&2; } > f 2>&1; cat f; { echo o; echo e >&2; } &> f; cat f; { echo o; echo e >&2; } &>> f; cat f; { echo o2; echo e2 >&2; } 2>&1 >g | cat; cat g
#### numbered descriptors
exec 3> f 4>&1; echo three >&3; echo four >&4; exec 3>&- 4>&-; cat f; exec 5< f; read x <&5; echo $x; exec 5<&-; echo no >&3; echo $?; read y <&7; echo $?
#### named descriptors
exec {fd}> f; echo hello >&$fd; [ $fd -ge 10 ] && echo big; exec {fd}>&-; cat f; echo x {v}>g; [ -n "$v" ] && echo kept; echo more >&$v; cat g
#### move descriptors
exec 3>f; echo a >&3; exec 4>&3-; echo b >&4; echo c >&3; exec 4>&-; cat f
#### read write
echo abc > f; exec 3<>f; read x <&3; echo $x; echo new >&3; exec 3>&-; cat f; echo z 1<>g; cat g
#### here documents
x=val; cat <<E
plain $x $(echo sub) $((1+2)) \$x "quoted" 'single' \\ `echo bt` ${x:+"q"} ${y:-'s'}
E
cat <<'E'
raw $x $(no) \$
E
cat <<-E
	tabs $x
		more
	E
cat <<"A B"
quoted delimiter $x
A B
#### here document in function and loop
f() { cat <<E
in $1
E
}; f a; f b; for i in 1 2; do cat <<E; done
loop $i
E
#### two here documents
cat <<A; cat <<B
one
A
two
B
cat <<A - <<B
x
A
y
B
#### here document to a pipe and a variable
cat <<E | while read l; do echo "[$l]"; done
l1
l2
E
x=$(cat <<E
inside
E
); echo "$x"
#### here document without end
cat <<E
text
#### empty here document
cat <<E
E
echo end
#### lists in here documents
IFS=:; set -- a b; a=(p q)
cat <<E
$* ${a[*]} $@ "$*" ${*:1} ${x:-$*}
E
cat <<< $*; cat <<< ${a[*]}; y=$*; echo "$y" "${z:-$*}" ${z:-$*}
#### here strings
x='a  b'; cat <<< $x; cat <<< "$x"; cat <<< 'q'; read a b <<< "1 2"; echo $b; cat <<< "$(printf 'l1\nl2\n')"; cat <<< ''
#### long here document
x=$(seq 2000); cat <<E | tail -n 1
$x
E
wc -c <<< "$x"
#### failures
cat < nofile; echo $?; echo x > /nodir/f; echo $?; echo x > .; echo $?; : < nofile; echo $?; < nofile; echo $?; f() { echo body; }; f < nofile; echo $?; { echo g; } < nofile; echo $?; ( echo s ) < nofile; echo $?; for i in 1; do echo l; done < nofile; echo $?; exec 9< nofile; echo $?
#### ambiguous
x='a b'; echo hi > $x; echo $?; e=; echo hi > $e; echo $?; echo hi > "$e"; echo $?; echo y > $x"q"; touch g1 g2; echo z > g*; echo $?
#### bad descriptors
echo x >&9; echo $?; cat <&9; echo $?; exec 1>&9; echo $? ; echo still; echo x 2>&nofd; echo $?; cat nofd
#### close standard streams
(echo x >&-); echo $?; (exec >&-; echo y); echo $?; (read z <&-); echo $?; (ls nofile 2>&-); cat <&- 2>/dev/null; echo $?
#### dev files
echo a > /dev/null; cat /dev/null; { echo b > /dev/stdout; echo c > /dev/stderr; echo f > /dev/fd/1; } 2>&1 | cat; echo d | cat /dev/stdin; cat /dev/fd/0 <<< e
#### full device
echo x > /dev/full; echo $?; printf 'a\nb\n' > /dev/full; echo $?; printf y > /dev/full; echo $?; { echo q; } > /dev/full; echo $?; pwd > /dev/full; echo $?
#### process substitution
cat <(echo a) <(echo b); while read l; do echo "got $l"; done < <(printf '1\n2\n'); echo x > >(cat); wait $!; x=$(cat <(echo in) ); echo $x
#### process substitution names
case <(:) in /dev/fd/*) echo fd;; esac; f() { cat "$1"; }; f <(echo arg)
#### order of redirections
{ echo a; echo b >&2; } 2>&1 >f | cat; cat f; echo x >f >g; cat f g; { echo in; } 3>&1 >&2 2>&3 | cat
#### redirection of compounds
if true; then echo y; fi > f; cat f; while read x; do echo "$x!"; done <<< "one"; { echo a; echo b; } > f; (echo c; echo d) >> f; cat f; case x in x) echo z;; esac > f; cat f; [[ a ]] > f; ((1)) > f; wc -c < f
#### redirection of functions and builtins undone
f() { echo in; }; f > g; cat g; echo after; read x < g; echo $x; eval 'echo e' > g; cat g; . /dev/stdin <<< 'echo sourced'; cd / > g2 2>/dev/null; pwd
#### redirection before command
> f echo a; cat f; < f cat; 2>/dev/null ls nofile; <<< x cat; > f; echo $?; x=1 > f; echo $x
#### redirection only commands
> new; [ -f new ] && echo made; < new; echo $?; >> new < new; echo $?; 3>new; echo $?
#### assignment with failing redirection
x=5 > /nodir/x; echo $? "${x-unset}"; y=6 cat < nofile; echo $?
#### stdin shared
printf 'a\nb\nc\nd\n' > f; { read x; cat; } < f; echo "[$x]"; { read x; read y; head -n 1; } < f; { head -n 1; } < f
#### append creates and positions
echo 1 >> f; { echo 2; echo 3; } >> f; exec 3>>f; echo 4 >&3; echo 5 >> f; echo 6 >&3; cat f
#### subshell descriptors
exec 3>f; (echo sub >&3); echo main >&3; exec 3>&-; cat f; (exec 4>g; echo y >&4); echo z >&4; cat g
#### read options
printf 'a b c\n' > f; read x y < f; echo "$x|$y"; read -a arr < f; echo ${#arr[@]}; read -n 3 x < f; echo "[$x]"; read -N 4 x < f; echo "[$x]"; read -d b x < f; echo "[$x]"; printf 'a\\tb\\\nc\n' > g; read x < g; echo "$x"; read -r x < g; echo "$x"; read < f; echo "$REPLY"
#### read fields
IFS=: read a b c <<< 'x:y:z:w'; echo "$a|$b|$c"; read a b <<< '  lead  trail  '; echo "[$a][$b]"; IFS= read x <<< '  keep  '; echo "[$x]"; read x <<< '  strip  '; echo "[$x]"; IFS=, read -a v <<< 'a,,b,'; echo ${#v[@]}; IFS=: read a b <<< 'p:q:'; echo "$a|$b"; read a b c <<< one; echo "$a|$b|$c"
#### read status
read x < /dev/null; echo $?; printf noeol > f; read x < f; echo $? $x; read -u 9 x; echo $?; read 1x <<< a; echo $?; read -t x y; echo $?; read -q; echo $?
#### read in loops
printf 'k1=v1\nk2=v2\n' | while IFS== read -r k v; do echo "$k -> $v"; done; printf 'a b\nc d\n' > f; while read x y; do echo $y $x; done < f; while read -r l || [ -n "$l" ]; do echo "$l"; done <<< "$(printf 'x\ny')"
#### echo
echo; echo -n a; echo b; echo -e 'a\tb\\n\x41\0101\c no'; echo; echo -E 'a\tb'; echo -ne 'x\n'; echo -x; echo -- a; echo -nE y; echo; echo "a  b" c; echo -e 'a\cb' d; echo
#### printf
printf '%s\n' a b; printf '%d %i %u\n' 5 -3 7; printf '%5d|%-5d|%05d|%+d\n' 42 42 42 42; printf '%x %X %o %#x %#o\n' 255 255 8 255 8; printf '%c%c\n' abc d; printf '%s %s\n' only; printf '%%\n'; printf 'no newline'; printf '\n'
#### printf strings
printf '%10s|%-10s|%.3s|%10.2s|\n' abc abc abcdef abcdef; printf '%*s|%-*s|%.*s\n' 5 a 5 b 2 xyz; printf '%b\n' 'a\tb\n\x41\0101'; printf '%q\n' 'a b' "it's" '$x' '' a; printf '%s' $'nul\n'
#### printf floats
printf '%f %.2f %e %g %G %.3e\n' 3.14159 2.5 12345.678 0.0001 1e10 1234.5; printf '%5.1f|%-8.2f|%08.3f\n' 2.25 2.25 -2.25; printf '%g %g %g\n' 100000 1000000 0.00001; printf '%f\n' abc; echo $?
#### printf numbers
printf '%d\n' 0x1f 010 "'a" '"b' -5 +7; printf '%d\n' 3x; echo $?; printf '%d\n' ''; echo $?; printf '%d\n' 99999999999999999999; echo $?; printf '%u\n' -1; printf '%d %d\n' 1 2 3
#### printf escapes and errors
printf 'a\tb\101\x41\\\n'; printf '%z\n'; echo $?; printf; echo $?; printf '%s' ; echo; printf 'x%' ; echo $?; printf -- '-%s\n' a; printf -x; echo $?; printf '\u0041\n'; printf 'stop\c here'; echo
#### printf reuse
printf '%s=%d\n' a 1 b 2 c; printf 'lit\n' a b c; printf '%s,' 1 2 3; echo; printf '%(%Y)T\n' 0; printf '%(%F %T)T\n' 86399
#### pwd and cd
cd /; pwd; cd /tmp; pwd; echo $OLDPWD; cd -; pwd; cd; pwd; cd /nonexistent; echo $?; cd /tmp /x; echo $?; mkdir -p /tmp/memcharge-cd/q 2>/dev/null; cd /tmp/memcharge-cd/q; cd ../..; pwd; cd .; pwd; HOME=/tmp; cd; pwd; rm -r /tmp/memcharge-cd
#### directory stack
cd /; pushd /tmp; dirs; pushd /usr; dirs -v; pushd; popd; pushd +1; popd +1; dirs -p; popd; popd; echo $?; dirs +5; echo $?
#### umask
umask; umask 027; umask; umask -S; umask u=rwx,g=rx,o=; umask; umask 9; echo $?; umask -p
#### ulimit and times
ulimit -c; ulimit -z 2>/dev/null; echo $?; times | wc -l
#### enable
enable -n cd; type -t cd; enable -n; enable cd; type -t cd; enable nosuch; echo $?
#### exit in pipes and groups
{ echo a; exit 3; echo b; }; echo no
#### broken pipe
{ for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 0.05; done; echo "done $?" >&2; } | head -n 1; echo ${PIPESTATUS[@]}
#### big pipe
seq 20000 | tail -n 1; seq 2000 | while read x; do y=$x; done; echo $y; seq 100000 | head -n 2
