# memory.swap.max and memory.swap.high: numbers, errors, and no swap device behind them.
C=/sys/fs/cgroup
mkdir $C/a
put() { local e v; e=$({ echo "$2" > $C/a/$1; } 2>&1); read -r v < $C/a/$1; echo "$1 <$2> ${e##*: } $v"; }
for k in memory.swap.max memory.swap.high; do
  for v in 0 4096 65537 16M max -1 ten ''; do put $k "$v"; done
done
put memory.swap.current 1
put memory.swap.events 1
cat $C/a/memory.swap.current $C/a/memory.swap.events
