# systemd-like slices: system.slice/{web,db}.service and user.slice; restart a service, keep its page cache
set -euo pipefail
CG=/sys/fs/cgroup
slice=$CG/system.slice
mkdir -p "$slice"
echo "+memory +pids" > "$slice/cgroup.subtree_control"
start() { # name size
  local name=$1 size=$2 dir=$slice/$1.service
  mkdir -p "$dir"
  bash -c 'echo $$ > "$1/cgroup.procs"; exec memtouch -d anon "$2"' _ "$dir" "$size"
}
stop() {
  local dir=$slice/$1.service
  echo 1 > "$dir/cgroup.kill"
  while grep -q 'populated 1' "$dir/cgroup.events"; do sleep 0.05; done
  rmdir "$dir"
}
report() {
  for d in "$slice"/*.service; do
    printf '%-14s anon=%d procs=%d\n' "${d##*/}" "$(awk '$1=="anon"{print int($2/1048576)}' "$d/memory.stat")" "$(wc -l < "$d/cgroup.procs")"
  done
  printf '%-14s %d MiB\n' system.slice $(( $(cat "$slice/memory.current") >> 20 ))
}
declare -A pid
pid[web]=$(start web 12M)
pid[db]=$(start db 30M)
report
stop web
report
pid[web]=$(start web 16M)
report
kill -0 "${pid[db]}" && echo "db still runs"
stop web; stop db
ls "$slice" | grep -c service || true
rmdir "$slice" && echo removed
