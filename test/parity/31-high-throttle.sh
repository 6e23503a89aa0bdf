# memory.high throttles tmpfs that cannot be reclaimed: under the mark no time passes, a little over it a little.
C=/sys/fs/cgroup
mkdir $C/a; echo 4M > $C/a/memory.high; echo 0 > $C/a/memory.swap.max
now() { local up; read -r up _ < /proc/uptime; echo ${up/./}; }
run() {
  local from=$(now)
  bash -c "echo 0 > $C/a/cgroup.procs; dd if=/dev/zero of=/tmp/f bs=256k count=$1 2> /dev/null"
  took=$(($(now) - from))
  echo "$1 $(cat $C/a/memory.current) $(grep '^high ' $C/a/memory.events)"
  rm /tmp/f
}
run 12; [ $took -lt 70 ]; echo "quickly $?"
run 15; [ $took -gt 70 ]; echo "slowly $?"
grep -E '^(max|oom) ' $C/a/memory.events
