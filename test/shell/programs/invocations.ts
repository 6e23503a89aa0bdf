/**
 * What scripts ask of programs, and what they get wrong: each line is run by the machine's programs and by ours (both.ts). A leading `~`
 * compares sorted lines of the output: the order of a directory is its file system's. A leading `!` leaves the text of the errors out, where
 * the machine's program says more than ours does.
 */
export const INVOCATIONS = String.raw`
cat f
cat f g e n
cat -n f n w
cat -b w
cat -s w
cat -A bin
cat -v bin
cat -e w
cat -t w
cat -E f
cat -T w
cat -ns w w
cat -nb w
cat --number f
cat --num f
cat --show f
cat -z f
cat --nosuch f
cat --number=3 f
cat nosuch
cat f nosuch g
cat d
cat 'sp ace' 'no such'
cat "it's"
cat a:b
cat - < f
cat < g
cat f - n < g
cat -u f
cat /proc/nosuch/x f/x
cat -- -n
head f
head -n 1 f g
head -1 f
head -2 f g
head -n2 w
head -c 5 f
head -c5 f g e
head -q -n1 f g
head -v -n1 f
head -n -1 f
head -n -10 f
head -c -4 f
head -n 0 f
head -n x f
head -c 1k long
head -n 1K long
head -c 1kB long
head -n 99999999999999999999999 f
head nosuch f
head d
head -z -n1 f
head -n
head -n 5 long < f
head -n 2 < g
head --lines=2 g
head --bytes=3 g
head --lin 2 g
head -5 nosuch
head --zzz
tail f
tail -n 1 f g
tail -1 f
tail -n 1 n
tail -n 2 < long
tail -n +2 f
tail -n +3 f g
tail +2 f
tail -c 4 f
tail -c +4 f
tail -c 100 f
tail -n 0 f
tail -n 2000 long
tail -n +2999 long
tail -n x f
tail -q -n1 f g
tail -v -n1 f
tail nosuch f
tail d
tail -3 w
tail -c 2 < g
tail e
tail -n 3 e n
tail -5c f
tail -n +0 f
seq 3
seq 2 5
seq 1 2 9
seq 10 -3 0
seq 5 1
seq 0
seq -2 2
seq 0.5 2
seq 1 0.25 2
seq 1.0 3
seq -s , 5
seq -s '' 3
seq -w 8 11
seq -w -5 5 10
seq -w 1 0.5 3
seq -f '%03g' 3
seq -f '%.2f!' 1 2
seq -f 'a%%%gb' 2
seq -f '%d' 2
seq -f 'x' 2
seq -f '%g%g' 2
seq
seq 1 2 3 4
seq a
seq 1 0 5
seq 1e2 101
seq 3 --
seq --separator=: 3
seq -z
seq 1000000 1000003
wc f
wc f g
wc -l f g e
wc -w w
wc -c f bin
wc -lw w
wc -L w f
wc -m f
wc < f
wc -l < long
wc -c < f
wc -c d
wc nosuch f
wc nosuch
wc -l long long
wc -z
wc bin
wc - < f
wc n
rm f
rm f g nosuch
rm -f nosuch
rm -f nosuch f
rm d
~rm -r d
~rm -rv d
rm -v f l
rm
rm -f
rm -d d
rm -d d/sub d
rm -rf d nosuch
rm -r .
rm -r d/.
rm -r /
rm -z
rm -- f
rm l ; cat f
rm 'no such'
rm --recursive --force d
rm -rf d/ ; rm -rf f/
rm f/x
rm d/
mkdir a
mkdir d
mkdir f
mkdir a/b
mkdir -p a/b/c
mkdir -p d
mkdir -p f
mkdir -p f/x
mkdir -pv a/b d/b
mkdir -v a b
mkdir -m 700 a
mkdir -m u=rwx,go= a
mkdir -m 7777 a
mkdir -m zz a
mkdir -pm 711 a/b
mkdir
mkdir -z a
mkdir a b d c
mkdir -p a/../b
mkdir 'x y' ; mkdir 'x y'
mkdir -p ''
mkdir ''
mkdir a/
mkdir l
mkdir broken
rmdir d
rmdir d/sub
rmdir nosuch
rmdir f
rmdir
rmdir -p d/sub
mkdir -p a/b/c ; rmdir -p a/b/c
mkdir -p a/b/c ; rmdir -pv a/b/c
rmdir --ignore-fail-on-non-empty d
rmdir -v d/sub
rmdir d/sub/
mkdir a ; rmdir a a
ls
ls -a
ls -A
ls -1
ls d f
ls d nosuch f
ls nosuch
ls -d d
ls -d
ls -R d
ls -r
ls -F
ls -p
ls -m
ls -C
ls -x
ls -C -w 40
ls -w 0 -C
ls -Q
ls -b
ls -S f g e bin
ls -Sr f g e bin
ls -go f g bin
ls -goh f bin long
ls -gon --time-style=+x l
ls -go --time-style=+%s f
ls -go --time-style=long-iso f
ls -go --time-style=full-iso f
ls -go --full-time f
ls -d d/ l broken
ls l broken
ls -L l
ls -U f
ls -X f csv
ls -v f g
ls -z
ls --color=never f
ls 'sp ace'
ls d/
ls -1 d d/sub
ls f/
ls -ad .
ls --sort=size f bin
cp f a
cp f a ; cp g a
cp f d
cp f g d
cp f g nosuch
cp f nosuch/a
cp nosuch a
cp f
cp
cp d a
~cp -r d a
~cp -rv d a
cp -v f a
cp -v f d
cp f f
cp f ./f
cp l a
cp -P l a
cp -d l a
cp -r l a
cp broken a
cp f broken
cp -a d a ; ls -go --time-style=+%s a/x
cp -p f a ; ls -go --time-style=+%s a
cp -n f g
cp -f f g
cp -u f g
cp -t d f g
cp -t nosuch f
cp -t f g
cp -T f d
cp d f
cp -r d f
cp -r d/ a
cp -l f a
cp -s f a
cp -z f a
cp e a
cp --remove-destination f g
cp 'sp ace' 'new name'
cp -r d a ; cp -r d a
cp -rT d a ; cp -rT d a
cp bin d/
cp f g h
cp f d/x/
cp -r f a
cp f nosuch/
cp --sparse=always long a
mv f a
mv f g
mv f d
mv f g d
mv f nosuch/a
mv nosuch a
mv f
mv
mv d a
mv d d/sub
mv f f
mv f ./f
mv -v f a
mv -n f g
mv -t d f g
mv -T f d
mv f d/x
mv d f
mv d/x f
mv f g nosuch
mv l a
mv -z
mv -u f g
mv d/ a
mv f a/
mv e f
ln f a
ln -s f a
ln -s nosuch a
ln nosuch a
ln d a
ln f g
ln -f f g
ln -s f g
ln -sf d g
ln -s f d
ln -s f l
ln -sfn d l
ln -sv f a
ln -v f a
ln -s d/x
ln d/x
ln f g nosuch
ln -t d f
ln
ln -s f nosuch/a
ln f nosuch/a
ln -T f d
ln -z
ln f f
stat -c %s f
stat -c '%n %s %F %a %A %h' f l e
stat -c '%04a %6s|%-6s|' f
stat -c '%N' l 'sp ace'
stat -c '%Y %X' f
stat -c '%y' f
stat --printf '%n\t%s\n' f g
stat --printf '%a' f
stat -L -c %F l
stat -c '%F %t %T' /dev/null
stat nosuch
stat -c %s nosuch f
stat
stat -z
stat -c '%%' f
stat -c '%' f
stat -c '%f' f d
stat -c '%B' f
stat -c '%#a' f
stat -c 'plain' f
stat -f nosuch
touch a
touch a b c
touch f
touch -c a
touch nosuch/a
touch
touch -d '2001-02-03 04:05:06' a ; stat -c %y a
touch -d @1000 a ; stat -c '%X %Y' a
touch -r f a ; stat -c %Y a
touch -t 202001020304.05 a ; stat -c %Y a
touch -a -d @5 f ; stat -c '%X %Y' f
touch -m -d @5 f ; stat -c '%X %Y' f
touch -d garbage a
touch -r nosuch a
touch -z
touch -t 99 a
touch d ; touch l
touch -h l
touch f/a
chmod 600 f ; stat -c %a f
chmod u+x f ; stat -c %a f
chmod a-r,u+w f ; stat -c %a f
chmod +x f ; stat -c %a f
chmod go= f ; stat -c %a f
chmod u=rwx,g=u,o=g f ; stat -c %a f
chmod -x f ; stat -c %a f
chmod a+X f d ; stat -c %a f d
chmod u+s,g+s,+t f ; stat -c %a f
chmod 4755 f ; chmod 755 f ; stat -c %a f
chmod g+s d ; chmod 755 d ; stat -c %a d
chmod -R 700 d
chmod -v 600 f
chmod -c 600 f g
chmod -v 644 f
chmod zz f
chmod 9 f
chmod 600
chmod
chmod 600 nosuch
chmod -f 600 nosuch
chmod --reference=d f
chmod -R u+x,g-w d
chmod 77777 f
chmod u+rw,o=r f ; stat -c %A f
readlink l
readlink f
readlink -v f
readlink nosuch
readlink
readlink l broken
readlink -n l
readlink -z
readlink -f /
readlink -e nosuch
readlink -m /a/../b/./c//d
readlink -m a/..//../../../../../../..
realpath -m /a/../b/c/
realpath /nosuch/x
realpath -e /nosuch
realpath --relative-to=/a/b -m /a/c/d
realpath -s -m /a/./b/..
realpath
realpath -z
realpath -q /nosuch/x
basename /a/b/c
basename c.txt .txt
basename .txt .txt
basename /a/b/
basename /
basename //
basename ''
basename
basename a b c
basename -a /a/b c/d
basename -s .c a.c /x/b.c
basename -z a
basename -q
dirname /a/b
dirname a
dirname a/b/ /x /
dirname
dirname -z a/b
dirname //a//b//
dirname ''
truncate -s 10 a
truncate -s 3 f
truncate -s +5 f
truncate -s -5 f
truncate -s '<3' f
truncate -s '>100' f
truncate -s %10 f
truncate -s /4 f
truncate -s 1K a b
truncate -s 1KB a
truncate -c -s 5 a
truncate -r g f
truncate -r g -s +3 f
truncate
truncate -s 5
truncate a
truncate -s x a
truncate -s 5 nosuch/a
truncate -s 5 d
truncate -s /0 f
truncate -z
truncate --size=0 f
truncate -s 1Q a
truncate -s '' a
sort g
sort -n g
sort -r g
sort -nr g
sort dup
sort -u dup
sort -f dup
sort -fu dup
sort -t : -k 2 csv
sort -t: -k2,2n csv
sort -k 2 w
sort -k1.2 f
sort -k1,1r -k2n stat
sort -k2n stat
sort -k2nr events
sort -k2,2nr -k1,1 events
sort -c g
sort -C g
sort -c f
sort -o a g
sort -h g
sort -g g
sort -V g
sort -b w
sort -d w
sort -m f g
sort nosuch
sort d
sort -z
sort -t ab g
sort -t '' g
sort -k 0 g
sort -k x g
sort -nk2 events
sort -s -k1,1 dup
sort e n f
sort -M f
sort --reverse --numeric-sort g
sort -n -u g g
sort - < g
sort -k 1b,1 w
sort -nh g
sort -c -u dup
sort -k 2,1 csv
uniq dup
uniq -c dup
uniq -d dup
uniq -u dup
uniq -i dup
uniq -D dup
uniq -ci dup
uniq -f 1 csv
uniq -s 1 dup
uniq -w 1 f
uniq nosuch
uniq -z
uniq dup a
uniq a b c
uniq -f x dup
uniq - < dup
uniq -cD dup
cut -d: -f1 csv
cut -d: -f2- csv
cut -d: -f1,3 csv
cut -d: -f-2 csv
cut -d: -f 3,1 csv
cut -s -d: -f2 csv
cut -c 2 f
cut -c 2-3 f
cut -c -2,4 f
cut -b 1,3- f
cut -d ' ' -f 2 events
cut -d' ' -f1 stat events
cut -f 1 w
cut --complement -d: -f 2 csv
cut --output-delimiter=+ -d: -f1,2 csv
cut -c 1-2,4-5 --output-delimiter=- f
cut
cut -d: csv
cut -f
cut -f 0 csv
cut -f x csv
cut -f 3-1 csv
cut -f - csv
cut -c 0 csv
cut -d ab -f 1 csv
cut -d: -c 1 csv
cut -s -c 1 csv
cut -f 1 -c 1 csv
cut -f 1 nosuch f
cut -z
cut -d: -f 9 csv
cut -d '' -f 1 csv
cut -f1 d
cut -f 1,,2 csv
tr a b < f
tr abc xyz < f
tr a-z A-Z < f
tr '[:lower:]' '[:upper:]' < f
tr -d a < f
tr -d '\n' < f
tr -s a < f
tr -s '\n' < w
tr -s ' ' < w
tr ' ' '\n' < w
tr -cd '0-9\n' < events
tr -c 'a-z\n' . < bin
tr -d '[:space:]' < w
tr -ds a l < f
tr abcdef x < f
tr -t abcdef x < f
tr '\141' '\x' < f
tr a '\t' < f
tr 'a-c' '[x*]' < f
tr 'abc' '[x*2]y' < f
tr '[:digit:]' x < g
tr z-a x < f
tr a < f
tr < f
tr a b c < f
tr -d a b < f
tr '[:nosuch:]' x < f
tr a '[:digit:]' < f
tr -z < f
tr a '' < f
tr '\\' x < f
tr -s a-z < dup
tr -cs 'a-z' '\n' < w
tr 'a\-z' 'xyz' < f
tr '[=a=]' x < f
tr '[a]' '<>!' < f
tr -sc 'a-z' ' ' < f
tee a < f
tee a b < f
tee -a f < g
tee d < f
tee nosuch/a b < f
tee -z
tee < f
tee --append f < n
rev f n
rev nosuch
rev < f
paste f g
paste -d: f g n
paste -s f g
paste -s -d ',' g
paste -d ',;' f g dup
paste - - < g
paste nosuch
paste -z
paste f e
date -u -d @0
date -u -d @1700000000 +%F_%T
date -u -d '2024-02-29 12:34:56' +%s
date -u -d '2024-02-29 12:34:56.123456789' '+%s.%N %3N'
date -d @86399 '+%a %A %b %B %c %C %d %D %e %F %g %G %H %I %j %k %l %m %M %n %p %P %q %r %R %s %S %t %T %u %U %V %w %W %x %X %y %Y %z %:z %Z %%'
date -d @1700000000 '+%-d %_d %^a %#Z %10Y %_H %-H %05d'
date -d @0 -R
date -d @0 -Iseconds
date -d @0 -I
date -d @0 --rfc-3339=seconds
date -d 'garbage' +%s
date -d '2024-01-31 + 1 day' +%F
date -d '2024-01-31 2 days ago' +%F
date -d '@0 +1 hour' +%s
date -d '1 Jan 2020' +%s
date -d 'Jan 1, 2020 10:00' +%s
date +%s x
date -z
date -d @5 +
date -r f +%s
date -r nosuch
date -I5
date '+%Q%1%!' -d @0
env -i A=1 B=2
env -i
env -i A=1 printenvx
env -u HOME -u PATH -u TZ -u LC_ALL
env nosuch
env -z
env A=b /usr/bin/echo hi
env - X=y
env -i /usr/bin/false
env -C nosuch true
env -u '' true
nohup true < f
nohup nosuch
nohup
nice -n 0 true
nice -n x true
nice nosuch
setsid
setsid nosuch
setsid -w true
setsid -w false
setsid -z
timeout 5 true
timeout 5 false
timeout 0 true
timeout 0.05 sleep 5
timeout -s KILL 0.05 sleep 5
timeout -s 9 --preserve-status 0.05 sleep 5
timeout --preserve-status 0.05 sleep 5
timeout -k 0.05 0.05 sleep 5
timeout -s INT 0.05 sleep 5
timeout -v 0.05 sleep 5
timeout --foreground 0.05 sleep 5
timeout 5 nosuch
timeout 5
timeout
timeout x true
timeout -s NOSUCH 1 true
timeout -z
timeout 1s true
timeout 1x true
timeout 5 false ; true
sleep 0
sleep 0.01 0.01
sleep x
sleep 1 y
sleep
sleep -z
sleep -- 0
sleep 0s 0m 0h 0d
sleep -1
/usr/bin/echo a b
/usr/bin/echo -n a
/usr/bin/echo -e 'a\tb\n\0101\x41\c d'
/usr/bin/echo -E 'a\tb'
/usr/bin/echo -ne 'a\\b'
/usr/bin/echo -q
/usr/bin/echo -- a
/usr/bin/echo
/usr/bin/echo -e 'x\q'
/usr/bin/printf 'a\n'
/usr/bin/printf '%s\n' a b c
/usr/bin/printf '%s-%s\n' a b c
/usr/bin/printf '%d %i %o %x %X %u\n' 10 -5 8 255 255 7
/usr/bin/printf '%5d|%-5d|%05d|%+d\n' 1 2 3 4
/usr/bin/printf '%.3f %e %g %G\n' 3.14159 1234.5 0.0001 1e20
/usr/bin/printf '%10.3s|\n' abcdef
/usr/bin/printf '%c%c\n' abc def
/usr/bin/printf '%b\n' 'a\tb\0101'
/usr/bin/printf '%q\n' 'a b' plain "it's"
/usr/bin/printf '%%\n'
/usr/bin/printf '%d\n' abc
/usr/bin/printf '%d\n' 12x
/usr/bin/printf '%d\n' 0x1f 010 "'A"
/usr/bin/printf '%d\n' 99999999999999999999
/usr/bin/printf '%f\n' xyz
/usr/bin/printf '%z\n' 1
/usr/bin/printf '%*d|%-*d|\n' 5 1 5 2
/usr/bin/printf '\101\x41\u00e9\n'
/usr/bin/printf 'a\cb'
/usr/bin/printf '%s\n'
/usr/bin/printf '%d\n'
/usr/bin/printf 'x\n' extra
/usr/bin/printf
/usr/bin/printf -- '%s\n' -a
/usr/bin/printf '%#x %#o\n' 255 8
/usr/bin/printf '% d\n' 5
/usr/bin/printf '%x\n' -1
/usr/bin/printf '%g %g %g %g\n' 100000 1000000 0.0001 0.00001
/usr/bin/printf '%s'
/usr/bin/printf '%5%\n'
/usr/bin/printf '%.0f %.0f %.0f\n' 0.5 1.5 2.5
/usr/bin/printf '%a\n' 1
/usr/bin/test a
/usr/bin/test ''
/usr/bin/test
/usr/bin/test -f f
/usr/bin/test -d f
/usr/bin/test -d d
/usr/bin/test -e nosuch
/usr/bin/test -s e
/usr/bin/test -s f
/usr/bin/test -L l
/usr/bin/test -h f
/usr/bin/test -r f -a -w f
/usr/bin/test -x f
/usr/bin/test 1 -eq 1
/usr/bin/test 1 -lt 2 -a 3 -gt 4
/usr/bin/test 1 -lt 2 -o 3 -gt 4
/usr/bin/test a = b
/usr/bin/test a != b
/usr/bin/test ! a
/usr/bin/test ! ''
/usr/bin/test '(' a ')'
/usr/bin/test '(' a = a ')' -a b
/usr/bin/test -n ''
/usr/bin/test -z ''
/usr/bin/test x -eq 1
/usr/bin/test 1 -eq
/usr/bin/test a b
/usr/bin/test a b c
/usr/bin/test -q f
/usr/bin/test f -nt nosuch
/usr/bin/test f -ef l
/usr/bin/test a = a extra
/usr/bin/test ' 5 ' -eq 5
'/usr/bin/[' a = a ']'
'/usr/bin/[' a = a
/usr/bin/test -c /dev/null
/usr/bin/test -t 0 < f
/usr/bin/test '(' a
expr 1 + 2
expr 3 - 5
expr 2 '*' 3 + 4
expr 7 / 2
expr 7 % 3
expr -7 / 2
expr 1 / 0
expr a + 1
expr 1 '<' 2
expr abc '<' abd
expr 10 '>' 9
expr a = a
expr a != a
expr '(' 1 + 2 ')' '*' 3
expr abc : 'a\(.\)c'
expr abc : a.
expr abc : x
expr length abcdef
expr substr abcdef 2 3
expr index abcdef cd
expr match abc 'a.'
expr 0 '|' 5
expr '' '|' ''
expr 1 '&' 2
expr 0 '&' 2
expr
expr 1 +
expr 1 2
expr '(' 1
expr 0
expr ''
expr 99999999999999999999 + 1
expr abc : '\('
expr + length
expr 5 '>=' 5 '&' 3
pwd extra -z
tty
tty -s
tty x
uname -s
uname -m
uname -o
uname -z
uname x
id -Z
id -ng -u
id -n
nproc x
nproc --ignore=1000
nproc --ignore=x
true a b
false
sync nosuch
sync -d
sync -df f
sync f
mktemp -u XX
mktemp nosuch/XXXX
mktemp -d nosuch/aXXXXb
mktemp a b
mktemp abXXXcd/e
mktemp --suffix=x abc
mknod
mknod a
mknod a b
mknod a p ; stat -c %F a
mknod a p 1 2
mknod a z 1 2
mknod -m 600 a p
mkfifo a
mkfifo f
mkfifo -m 600 a b
mkfifo
mkfifo -m zz a
kill -l 9
/usr/bin/kill -l KILL
/usr/bin/kill -l TERM
grep alpha f
grep -v alpha f
grep -c a f
grep -n a f g
grep -i ALPHA f
grep -l a f g csv
grep -L a f g csv
grep -q a f
grep -q zzz f
grep -o 'a.' f
grep -on a f
grep -w the w
grep -w a dup
grep -x alpha f
grep -x 'a.*' f
grep -E '^(oom|oom_kill) ' events
grep '^oom ' events
grep -E 'o{2}' events
grep 'o\{2\}' events
grep 'oom\|low' events
grep -F . f
grep -F 'a:b' csv
grep -F -x 'x' csv
grep -e a -e b f
grep -f f f
grep -h a f csv
grep -H a f
grep nosuch f
grep a nosuch
grep -s a nosuch
grep a nosuch f
grep a d
grep
grep -z
grep --nosuch a f
grep -A 1 9 g
grep -B 1 9 g
grep -C 1 9 g
grep -A1 -n 9 g
grep -1 9 g
grep -B1 -A1 -e 10 -e 33 g
grep -A 0 -e 10 -e 33 g
grep -m 1 a f
grep -m 2 -c a f
grep -m1 -A1 a f
grep '[[:digit:]]' events
grep '[^a-z0-9_ ]' events csv
grep '^$' w
grep -c '' e n f
grep '' e
grep -v '' f
grep -E 'a|b' f
grep -E '(a)(l)\2?' f
grep '\(a\)l.*\1' f
grep -E '^.{5}$' f
grep -E 'x?' f
grep -E '[' f
grep '[' f
grep -E '(' f
grep '\(' f
grep -E ')' f
grep 'a\{1' f
grep -E 'a{1' f
grep '\' f
grep -E '*a' f
grep '*a' f
grep '[[:foo:]]' f
grep '[b-a]' f
grep 'a\{2,1\}' f
grep -E '(*a)' f
grep -E '{1}a' f
grep -E 'a|+b' f
grep -E '^*a' f
grep '\)' f
grep '\{1\}a' f
grep -E 'a{1,2}{3}' f
grep -E 'a{99999}' f
grep '^*a' f
grep '[[:alpha:' f
grep '[a' f
grep '[^' f
~grep -r y d
~grep -rn z .
grep -r zz d/sub
~grep -rl y d
~grep -r --include=x . d
~grep -r --exclude=x . d
grep -b a f
grep -Z -l a f
grep a < f
grep -H a < f
grep a - f < g
grep --label=foo -H a - < f
grep -A x a f
grep -m x a f
grep '\bthe\b' w
grep '\<q' w
grep 'k\>' w
grep '\w\+' f
grep -E '\s' w
grep -o '[a-z]*' f
grep -ob a f
grep -io A f
grep -y A f
grep -vc a f
grep -xv alpha f
grep -E 'oom(_kill)?' -o events
grep -oE 'a|al|alp' f
grep -oE '(a|ab)(c|bcd)' n
grep a bin
grep -c a bin
grep -a b bin
grep -lv a f g
grep -nv a g
egrep 'a|b' f
fgrep a.b f
grep -- -x f
grep -e
grep --count a f
grep --max-count=1 a f
grep -w '' w
grep -E 'a+b*|^g' f
grep -ho a f csv
grep -cH a f
xargs < f
xargs echo x < f
xargs -n 1 < f
xargs -n 2 echo y < f
xargs -I{} echo '<{}>' < f
xargs -I X echo X X < w
xargs -L 1 < w
xargs -d '\n' < w
xargs -0 < n
xargs < e
xargs -r echo none < e
xargs -t < f
xargs -n x < f
xargs nosuch < f
xargs false < f
xargs -z < f
xargs -n 0 < f
xargs < csv
~find . -type f
~find d
~find . -name 'x*'
~find . -maxdepth 1 -type d
~find d -mindepth 1
~find . -type l
~find . -name f -o -name g
~find . ! -name '*' -o -type d
~find . -empty
~find . -type f -size +1k
~find . -type f -size -5c
find d/sub -delete
find nosuch
find f -print
find f -print0
find f -printf '%p %f %h %s %m %y\n'
find f -exec echo '<{}>' ';'
find d -name x -exec echo {} +
find f -newer nosuch
find f -zzz
find f -name
find f g -name g
find f -type q
find f -perm 644
find f -perm -600
find f -perm /111
find f '(' -name f
~find . -path './d/*'
~find d -depth -type f
~find . -name sub -prune -o -type f -print
find f -maxdepth x
find f -links 1
find f -exec false ';' -print
find f -quit
find f -iname F
find f ! -name g
~find . -regex './[fg]'
~find d -not -type d -a -name y
awk '{print}' f
awk '{print $1}' events
awk '{print $2, $1}' events
awk '$1 == "oom_kill" {print $2}' events
awk '/^oom / {print $2}' events
awk '{s += $2} END {print s}' stat
awk '{s += $2} END {printf "%d %.2f %s\n", s, s / 3, s}' stat
awk -F: '{print $2}' csv
awk -F : -v OFS=- '{$1 = $1; print}' csv
awk 'NR == 2' f
awk 'NR > 1 && NR < 3 {print NR ": " $0}' f
awk 'END {print NR, NF}' f
awk 'BEGIN {print 1 + 2, 3 * 4, 7 / 2, 7 % 3, 2 ^ 10, -3}'
awk 'BEGIN {print 1e6, 1e20, 0.1, 1/3, 100000 * 100000, 123456789}'
awk 'BEGIN {print 1 == 1.0, "a" < "b", "10" < "9", 10 < 9}'
awk '{print ($1 < 5)}' g
awk '{print ($1 < "5")}' g
awk 'BEGIN {x["a"] = 1; x["b"]; if ("a" in x) print "yes"; delete x["a"]; print ("a" in x), length(x)}'
awk 'BEGIN {n = split("a b c", p); for (i = n; i > 0; i--) print i, p[i]}'
awk 'BEGIN {n = split("a:b:c", p, ":"); print n, p[2]}'
awk 'BEGIN {n = split("a1b22c", p, /[0-9]+/); print n, p[3]}'
awk 'BEGIN {print length("hello"), substr("hello", 2, 3), substr("hello", 0), substr("hello", -1, 3), index("hello", "ll")}'
awk 'BEGIN {s = "aaa"; print gsub(/a/, "b&", s), s; print sub("b", "[&]", s), s}'
awk '{gsub(/[aeiou]/, "<&>"); print}' f
awk '{sub(/a$/, "X"); print; print $1}' f
awk 'BEGIN {print match("foobar", /o+/), RSTART, RLENGTH; print match("x", /y/), RSTART, RLENGTH}'
awk 'BEGIN {print toupper("abC"), tolower("ABc")}'
awk 'BEGIN {printf "%5d|%-5s|%05.1f|%x|%c|%c|%%\n", 42, "ab", 3.14159, 255, 65, "hello"}'
awk 'BEGIN {printf("%s %s\n", "a", "b"); printf "no newline"}'
awk 'BEGIN {i = 0; while (i < 3) {print i++; if (i == 2) continue}; do i--; while (i > 0); print i}'
awk 'BEGIN {for (i = 0; i < 5; i++) {if (i == 3) break; print i}}'
awk 'function f(a, b) {b = a * 2; return b} BEGIN {print f(21), b}'
awk 'function fact(n) {return n <= 1 ? 1 : n * fact(n - 1)} BEGIN {print fact(10)}'
awk 'function fill(a) {a["k"] = "v"} BEGIN {fill(x); print x["k"]}'
awk 'BEGIN {exit 3} END {print "end"}'
awk '{exit} END {print NR}' f
awk 'NR == 1 {next} {print}' f
awk '/beta/, /gamma/' f
awk '/alpha/, /beta/ {print NR}' f
awk '!/a$/' f w
awk '$0 ~ "et" {print "m"} $0 !~ /et/ {print "n"}' f
awk -v x=5 -v y=a 'BEGIN {print x + 1, y}'
awk '{print x, $0}' x=1 f x=2 n
awk '{print FILENAME, FNR, NR}' f g
awk 'BEGIN {while ((getline line < "f") > 0) n++; print n, line}'
awk 'BEGIN {print (getline x < "nosuch")}'
awk 'NR == 1 {getline; print} END {print NR}' f
awk '{getline y; print y}' f
awk '{print > "out"} END {close("out"); while ((getline l < "out") > 0) print "r", l}' f
awk '{print $1 >> "g"}' f
awk 'BEGIN {print "x" > "/dev/stdout"}'
awk 'BEGIN {RS = ""} {print NR ":" $1 ":" NF}' w
awk 'BEGIN {RS = ":"} {print}' csv
awk 'BEGIN {FS = ","; OFS = ";"} {$3 = "z"; print NF; print}' f
awk '{$5 = "five"; print; print NF}' n
awk '{NF = 1; print}' events
awk '{print $NF, $(NF - 1)}' events
awk 'BEGIN {print length()}'
awk '{print length}' f
awk 'BEGIN {a = "10"; b = 9; print (a > b), (a + 0 > b)}'
awk 'BEGIN {print substr("hello", 2)}'
awk 'BEGIN {print 1 " " 2, 3 4; print 1 - 1, 1 " " -1}'
awk 'BEGIN {x = y = 2; x += 3; y ^= 3; print x, y, x++ + ++x}'
awk 'BEGIN {print 1 ? "a" : "b", !0, !"", !"a"}'
awk 'BEGIN {$0 = "a b c"; print $2; $2 = ""; print; print NF}'
awk 'BEGIN {CONVFMT = "%.2g"; a = 3.14159; b = a ""; print b; OFMT = "%.3g"; print a}'
awk 'BEGIN {print index("a.b", "."), "a.b" ~ /a\.b/, "axb" ~ "a\\.b"}'
awk 'BEGIN {print int(3.9), int(-3.9), sqrt(16), exp(0), log(1)}'
awk 'BEGIN {printf "%s\n"}'
awk 'BEGIN {print -1 " " -1, 2 ** 3}'
awk 'BEGIN { if (!("x" in a)) print "none"; if (a["x"] == "") print "empty"; print length(a) }'
awk 'BEGIN { a[1, 2] = 3; for (k in a) { split(k, p, SUBSEP); print p[1], p[2] }; if ((1, 2) in a) print "in" }'
awk 'BEGIN{print ENVIRON["LC_ALL"], ARGC, ARGV[1]}' q
awk '{ print NR % 2 ? "odd" : "even" }' f
awk '{ c[$1]++ } END { print c["a"], c["b"], c["c"] }' dup
awk $'\n# comment\nBEGIN { x = 1 } ; { y = x\nprint y } # more\n' f
awk 'BEGIN { print "a\tb\\n\"q\"\101" }'
awk '$2 > max { max = $2; name = $1 } END { print name, max }' events
awk '$2 >= 12 && $1 ~ /^m/ || NR == 1' events
awk -f nosuch f
!awk '{' f
!awk 'BEGIN {print (}'
awk '{print}' nosuch
awk 'BEGIN {print 1 / 0}'
awk 'BEGIN { getline; print "got " $0 }' f
awk 'BEGIN { while (i++ < 3) s = s i; print s }'
awk '{ print substr($0, index($0, "a")) }' f
awk -F '[: ]' '{print $2}' csv events
awk -F '\t' '{print $1}' w
awk -F '|' '{print NF}' f
awk -F. '{print NF}' f
awk '/a|e{1}/' f
awk 'END { print $0 }' f
awk 'BEGIN { printf "%d %d\n", "12abc", "0x1A" }'
awk 'BEGIN { print length("a" "bc") }'
awk 'BEGIN { print 010 + 0, "010" + 0, 1e3, "1e3" + 0, ".5" + 0, "+5" + 0 }'
awk 'BEGIN { print substr("abc", 0, 2), substr("abc", 2, 100), substr("abc", 5) "|" }'
awk 'BEGIN { print toupper(substr("abc", 1, 1)) substr("abc", 2) }'
sed '' f
sed p f
sed -n p f
sed -n 2p f
sed -n '$p' f
sed -n 2,3p f
sed -n '/beta/p' f
sed -n '/alpha/,/beta/p' f
sed -n '2,$p' f
sed 2d f
sed '2!d' f
sed '/b/d' f
sed 2q f
sed 'q5' f
sed '2Q' f
sed 's/a/X/' f
sed 's/a/X/g' f
sed 's/a/X/2' f
sed 's/a/X/2g' f
sed 's/A/X/I' f
sed -n 's/a/X/p' f
sed 's/\(.\)\(.\)/\2\1/' f
sed -E 's/(.)(.)/\2\1/' f
sed 's/.*/<&>/' f
sed 's/.*/\&/' f
sed 's|a|/|g' f
sed 's,a,\,,' f
sed 's/x*/-/g' f
sed 's/a*/-/g' f
sed 's/b*/-/2' f
sed 's/[aeiou]//g' f
sed 's/[/]/x/' f
sed 's/a\|e/X/g' f
sed -E 's/a|e/X/g' f
sed -E 's/(a|al|alp)+/<&>/' f
sed 's/^/> /' f
sed 's/$/ </' f
sed 's/a/\n/' f
sed $'s/a/x\\\ny/' f
sed 's/\(a\).*/\U\1&/' f
sed 's/.*/\u&/' f
sed 's/\w\+/\L\u&/g' f
sed -e 's/a/1/' -e 's/b/2/' f
sed -n -e 1p -e 3p f
sed '1d;3d' f
sed -n '1{p;p}' f
sed -n '/a/{s/a/A/;p}' f
sed 'y/abc/xyz/' f
sed 'y/a\nb/xyz/' f
sed = f
sed -n '$=' f
sed $'a\\\nafter' f
sed '2a after' f
sed '2i before' f
sed '2c changed' f
sed '1,2c changed' f
sed '$!d' f
sed '1!G;h;$!d' f
sed 'N;s/\n/ /' f
sed '$!N;P;D' dup
sed ':a;N;$!ba;s/\n/,/g' f
sed -n 'h;n;G;p' f
sed x f
sed n\;d g
sed 'n;n;s/./X/' g
sed -n l w
sed -n 'l 20' w
sed '0,/b/d' f
sed '1~2d' g
sed '2,+1d' g
sed '2,~4d' g
sed -s -n '$p' f g
sed -n '$p' f g
sed F f
sed z f
sed -n '/a/=' f
sed 's/a/b/w out' f
sed 'w out' f
sed '1r g' f
sed '$r g' n
sed 'R g' f
sed -i 's/a/X/' f
sed -i.bak 's/a/X/' f g
sed -n -i p f
sed -i 2d f ; cat f
sed 's/o$/X/' n
sed p n
sed '$a end' n
sed p n f
sed -z 's/\n/,/g' f
sed nosuch f
sed s/a f
sed s/a/b f
sed 's/a/b/q' f
sed 's/a/b/gg' f
sed 's/a/\1/' f
sed 's/\(a/b/' f
sed -E 's/(a/b/' f
sed 's/a\{1/x/' f
sed -E 's/*a/x/' f
sed 'k' f
sed '{p' f
sed 'p}' f
sed '1,p' f
sed 'b nolabel' f
sed ':' f
sed 'y/a/bc/' f
sed p nosuch
sed p nosuch f
sed p d
sed -n '/[/p' f
sed -f nosuch f
sed a f
sed 'p x' f
sed '1!!p' f
sed 's/a/b/0' f
sed '0p' f
sed -E 's/([a-z]+) ([0-9]+)/\2 \1/' events
sed -n 's/^oom_kill //p' events
sed 's/ .*//' stat
sed -n '/^anon/s/[^0-9]//gp' stat
sed 's/.*=\([^ ]*\).*/\1/' stat
sed -n '/max/,/oom_kill/{/oom/p}' events
sed -n '2{p;q}' long
sed '/^$/d' w
sed -e :a -e 's/^.\{1,8\}$/ &/;ta' f
sed 's/a/X/;ta;s/$/ none/;:a' f
sed -n '3,1p' f
sed '2,4{=;d}' g
sed '/alpha/!s/a/_/g' f
sed 's/[[:space:]]\+/ /g' w
sed 's/\bthe\b/THE/g' w
sed 's/\s/_/g;s/\S/x/' w
sed '$d' f
sed '$!N;$!D' f
sed T f
sed 's/a/b/;T;s/$/!/' f
sed '#n' f
sed $'# comment\np' f
sed -n '\,beta,p' f
sed -n '\xbetaxp' f
sed --expression=p f
sed --quiet p f
sed -n '/BETA/Ip' f
sed 's/$/\t|/' f
sed 'i\  indented' f
sed $'1i\\\none\\\ntwo' f
sed '2{s/b/X/;s/e/Y/}' f
sed '//d' f
sed '/a/s//X/' f
sed 5q long
sed -n '10,12p;12q' long
sed 's/line/&/;2999,$!d' long
sed 's/a/b/;;p' f
sed '1d;;' f
sed '}' f
sed '{;p;}' f
sed '{p};p' f
sed 's/a/x/ ; s/b/y/' f
dd if=f status=none
dd if=f of=a status=none
dd if=f of=a bs=4 count=2 status=noxfer
dd if=f of=a bs=4 skip=1 count=1 status=noxfer
dd if=f of=a bs=4 seek=2 status=noxfer
dd if=f of=g conv=notrunc bs=3 count=1 status=noxfer
dd if=f of=g bs=3 count=1 status=noxfer
dd if=f of=g bs=3 count=1 seek=1 conv=notrunc status=noxfer
dd if=nosuch of=a
dd if=f of=nosuch/a
dd if=f of=d
dd if=d of=a status=noxfer
dd if=f of=a conv=nocreat
dd if=f of=g conv=excl
dd if=f of=a conv=ucase status=noxfer
dd if=f of=a conv=lcase,sync bs=8 status=noxfer
dd if=f of=a conv=swab status=noxfer
dd if=f of=a ibs=3 obs=5 status=noxfer
dd if=f of=a bs=1K count=1 iflag=fullblock status=noxfer
dd if=f of=a bs=2x3 count=1 status=noxfer
dd if=f of=a bs=1kB status=noxfer
dd if=f of=a count=5 iflag=count_bytes status=noxfer
dd if=f of=a count=5B status=noxfer
dd if=f of=a skip=6 iflag=skip_bytes bs=4 status=noxfer
dd if=f of=a bs=4 seek=3 oflag=seek_bytes status=noxfer
dd if=f of=g oflag=append conv=notrunc status=noxfer
dd if=f of=a conv=fsync,fdatasync status=noxfer
dd if=/dev/zero of=a bs=1M count=0 seek=1 status=noxfer
dd if=/dev/zero of=a bs=1000 count=3 status=noxfer
dd if=/dev/zero of=a bs=1000 count=3 conv=sparse status=noxfer
dd if=f of=a skip=100 status=noxfer
dd if=f of=a bs=0
dd if=f of=a bs=x
dd if=f of=a nosuch=3
dd foo
dd if=f of=a conv=foo
dd if=f of=a iflag=foo
dd if=f of=a status=foo
dd if=f of=a count=-1
dd --zzz
dd bs=2 count=2 status=noxfer < f
dd of=/dev/full if=f status=noxfer
dd if=f of=a conv=notrunc,foo
dd if=f of=a conv=lcase,ucase
dd if=f of=a bs=5 conv=sync status=noxfer
dd if=f of=a ibs=4 conv=sync status=noxfer
`
  .trim()
  .split('\n');
