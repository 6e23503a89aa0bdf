#### killed lines
f() {
  :
  bash -c 'kill -9 $$'
  :
}
f
{
  :
  bash -c 'kill -9 $$'
  :
  cat /dev/null | bash -c 'kill -9 $$'
  (bash -c 'kill -9 $$')
  :
}
if true; then
  :
  bash -c 'kill -9 $$'
  (
    :
    bash -c 'kill -9 $$'
    :
  )
  :
fi
for i in 1
do
  :
  bash -c 'kill -9 $$'
  (bash -c 'kill -9 $$')
  case x in
    x)
     bash -c 'kill -9 $$'
     ;;
  esac
  bash -c 'kill -9 $$' \
    a b
done
while :
do
  bash -c 'kill -9 $$'
  break
done
bash -c 'kill -9 $$' \
  a \
  b
x=$(
:
bash -c 'kill -9 $$'
:
)
bash -c 'kill -9 $$' &&
:
g() {
  for i in 1; do
    bash -c 'kill -9 $$'
    f
  done
}
g
h() { g; }
h
sleep 1 &
kill -9 $!
h2() {
  :
  sleep 0.1
  :
}
h2
sleep 1 &
kill -9 $!
{
:
wait
:
}
eval ':
bash -c "kill -9 \$\$"
:'
! bash -c 'kill -9 $$'
until bash -c 'kill -9 $$'
do
break
done
(
:
bash -c 'kill -9 $$'
:
)
#### killed lines again
f()
{
  bash -c 'kill -9 $$'
}
f
function g
{
  bash -c 'kill -9 $$'
}
g
h() (
  :
  bash -c 'kill -9 $$'
  :
)
h
l() {
  for x in 1
  do
    bash -c 'kill -9 $$'
  done
  bash -c 'kill -9 $$'
} > /dev/null
l
x() {
  eval '
  bash -c "kill -9 \$\$"
  '
}
x
for ((i=0;i<1;i++))
do
 :
 bash -c 'kill -9 $$'
done
{
  nosuch < nofile
  { :; } < nofile
  if :; then :; fi < nofile
  ( : ) < nofile
  for i in 1; do :; done < nofile
  f < nofile
}
{ while :; do
  (exit 3); break; done
}
bash -c ':
:
bash -c "kill -9 \$\$"
:
{ 
bash -c "kill -9 \$\$"
}'
bash -c 'bash -c "kill -9 \$\$"; x=$(:
bash -c "kill -9 \$\$"; :); ( bash -c "kill -9 \$\$"; : )'
#### errors tell their lines
echo a
nosuch
cd /nonexistent

f() {
  nosuch
  cd /nonexistent
  echo $((1/0))
  echo no
}
f
if true; then

  nosuch \
    a b
  x=$(nosuch
  nosuch)
fi
for i in 1 2
do nosuch
done > /dev/null
cat <<E
$(nosuch)
E
nosuch <<E
text
E
case $(nosuch) in
x) ;;
esac
echo "a
b $(nosuch)" > /nodir/x
[ 1 -eq
]
[ 1 -eq x ] || nosuch
echo a | nosuch |
  cat
(
  nosuch
)
. ./nofile
printf '%d\n' x
#### no line
#-c nosuch; echo $0 $#
#### 
#-c nosuch
nosuch; f() { nosuch; }; f
cd /nonexistent
echo $((1/0)); echo no
echo next
