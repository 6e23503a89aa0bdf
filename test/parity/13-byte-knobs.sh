# What memory.min, low and high take for a number of bytes, and the errno of what they refuse.
C=/sys/fs/cgroup
mkdir $C/a
put() { local e v; e=$({ echo "$2" > $C/a/$1; } 2>&1); read -r v < $C/a/$1; echo "$1 <$2> ${e##*: } $v"; }
for v in 4096 4095 4097 010 0x10000 1k 2K 3m 1G 1T max MAX ' 8M ' 5m5 '5 M' 10KB -4096 1.5M K +8192; do put memory.low "$v"; done
put memory.min 1P
put memory.min 16E
put memory.min 18446744073709551615
put memory.high 9223372036854775807
put memory.high 9223372036854771712
printf 12M > $C/a/memory.min; cat $C/a/memory.min
printf '' > $C/a/memory.min; cat $C/a/memory.min
printf '\n' > $C/a/memory.min; cat $C/a/memory.min
