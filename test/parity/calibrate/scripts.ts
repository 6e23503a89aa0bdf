/** The scripts that measure in the guest what programs themselves use. */
import { HELD } from './programs.ts';

const PRELUDE = `C=/sys/fs/cgroup
echo x > /tmp/file; mknod /tmp/empty p; mknod /tmp/full p
exec 8<> /tmp/empty 9<> /tmp/full
dd if=/dev/zero bs=64k count=1 >&9 2> /dev/null
mkdir $C/last
# The batches of a CPU belong to the cgroup that was charged last, so that charging another one gives them back; and the reader of a
# memory.stat adds up what CPUs hold only after enough has changed.
settle() {
  bash -c "echo 0 > $C/last/cgroup.procs; dd if=/dev/zero of=/tmp/last bs=64k count=16 2> /dev/null"
  read -r x < $C/memory.stat
}
# Waits until a process has entered the cgroup h and then sleeps, seen four times in a row.
ready() {
  local still=0 line
  while [ $still -lt 4 ]; do
    read -r -t 0.1 x <&8
    still=$((still + 1))
    read -r line < /proc/$1/cgroup; [ "$line" = 0::/h ] || still=0
    read -r line < /proc/$1/stat; [[ $line == *') S '* ]] || still=0
  done
}
report() {
  local v; read -r v < $C/$1/memory.current; echo "current $v"
  while read -r key v; do
    case $key in anon|file|kernel|kernel_stack|pagetables|slab_reclaimable|slab_unreclaimable|percpu) echo "$key $v";; esac
  done < $C/$1/memory.stat
}
maps() { grep -E '^([0-9a-f]+-|Rss:|Anonymous:|Shared_Dirty:)' /proc/$1/smaps; }
`;

const quoted = (text: string): string => `'${text.replaceAll("'", `'"'"'`)}'`;

/**
 * Holds each program in a cgroup, one after the other (files of programs that nobody runs are not cached at all, so that two at a time would
 * share theirs); reports, and says which pages of its files are cached. The first section is what is cached before. */
export function heldScript(names: readonly string[]): string {
  const each = names.map(
    (name) => `
echo "= ${name}"
echo x > /tmp/gone; [ -d /tmp/folder ] || mkdir /tmp/folder
mkdir $C/h
bash -c ${quoted(`echo 0 > /sys/fs/cgroup/h/cgroup.procs; exec ${HELD[name]}`)} & p=$!
ready $p
settle
report h
maps $p
echo "cached"
cached $(grep -oE ' /(usr|lib).*' /proc/$p/maps | sort -u)
kill -9 $p; wait $p 2> /dev/null
read -r -t 0.1 x <&8; rmdir $C/h`,
  );
  return `${PRELUDE}
echo "= before"
echo "cached"
cached $(grep -oE ' /(usr|lib).*' /proc/$$/maps | sort -u)
${each.join('')}
`;
}

/** What bash is made to do in the script of forks, by name: each stands still at the end. */
const FORKS: Readonly<Record<string, string>> = {
  bash: 'read -r x <&8',
  'one subshell': '(read -r x <&8); true',
  'two subshells': '(read -r x <&8) & (read -r x <&8) & read -r y <&8; true',
  'three subshells': '(read -r x <&8) & (read -r x <&8) & (read -r x <&8) & read -r y <&8; true',
  'nested subshells': '( (read -r x <&8); true ); true',
  'one program': 'sleep 1000; true',
  'two programs': 'sleep 1000 & sleep 1000; true',
  'three programs': 'sleep 1000 & sleep 1000 & sleep 1000; true',
  'one program before': 'sleep 0; read -r x <&8; true',
  'pipe of two': '(read -r x <&8) | (read -r y); true',
  substitution: 'v=$(read -r x <&8); true',
  'here document': 'read -r x <<< text; read -r x <&8; true',
};

/** Objects that a process makes with builtins alone; each stands still at the end. */
const OBJECTS: Readonly<Record<string, string>> = {
  none: 'read -r x <&8',
  'open file': 'exec 5< /dev/null; read -r x <&8',
  'open program': 'exec 5< /usr/bin/sed; read -r x <&8',
  'two open files': 'exec 5< /dev/null 6< /dev/null; read -r x <&8',
  'tmpfs file': ': > /tmp/o1; read -r x <&8',
  'two tmpfs files': ': > /tmp/o2; : > /tmp/o3; read -r x <&8',
  'three tmpfs files': ': > /tmp/o4; : > /tmp/o5; : > /tmp/o6; read -r x <&8',
  'tmpfs page': 'echo x > /tmp/o7; read -r x <&8',
  'disk file': ': > /disk/o1; read -r x <&8',
  'two disk files': ': > /disk/o2; : > /disk/o3; read -r x <&8',
  'three disk files': ': > /disk/o4; : > /disk/o5; : > /disk/o6; read -r x <&8',
  'disk page': 'echo x > /disk/o7; read -r x <&8',
  'missing name': '[ -e /tmp/missing1 ]; read -r x <&8',
  'control file read': 'read -r x < /sys/fs/cgroup/memory.stat; read -r x <&8',
  'proc file read': 'read -r x < /proc/uptime; read -r x <&8',
  'proc self read': 'read -r x < /proc/self/stat; read -r x <&8',
};

/** What is left after a program ended, by what it did. */
const LEFT: Readonly<Record<string, string>> = {
  nothing: 'true',
  'mkdir tmpfs': 'mkdir /tmp/l1',
  'tmpfs 1 page': 'dd if=/dev/zero of=/tmp/l2 bs=4k count=1 2> /dev/null',
  'tmpfs 63 pages': 'dd if=/dev/zero of=/tmp/l3 bs=4k count=63 2> /dev/null',
  'tmpfs 64 pages': 'dd if=/dev/zero of=/tmp/l4 bs=4k count=64 2> /dev/null',
  'tmpfs 65 pages': 'dd if=/dev/zero of=/tmp/l5 bs=4k count=65 2> /dev/null',
  'tmpfs 256 pages': 'dd if=/dev/zero of=/tmp/l6 bs=4k count=256 2> /dev/null',
  'disk 1 page': 'dd if=/dev/zero of=/disk/l2 bs=4k count=1 2> /dev/null',
  'disk 64 pages': 'dd if=/dev/zero of=/disk/l3 bs=4k count=64 2> /dev/null',
  'disk 256 pages': 'dd if=/dev/zero of=/disk/l4 bs=4k count=256 2> /dev/null',
  'disk 256 pages synced': 'dd if=/dev/zero of=/disk/l5 bs=4k count=256 conv=fsync 2> /dev/null',
  'disk 256 pages read': 'dd if=/disk/read of=/dev/null bs=4k 2> /dev/null',
  'child cgroup': 'mkdir /sys/fs/cgroup/CGROUP/x',
  'child cgroup with memory': 'mkdir /sys/fs/cgroup/CGROUP/m/x',
  'tmpfs mount': 'mkdir /tmp/mm; mount -t tmpfs tmpfs /tmp/mm',
  'shm segment': 'memtouch shm 4711 4096',
};

function stills(kinds: Readonly<Record<string, string>>, program: string): string {
  return Object.entries(kinds)
    .map(
      ([name, command]) => `
echo "= ${name}"
mkdir $C/h
bash -c 'echo 0 > /sys/fs/cgroup/h/cgroup.procs; exec "$@"' bash ${program} -c ${quoted(command)} & p=$!
ready $p
settle
report h
maps $p
for q in $(cat $C/h/cgroup.procs); do [ $q = $p ] || { echo "- child"; maps $q; }; done
echo 1 > $C/h/cgroup.kill; wait $p 2> /dev/null; sleep 0.1; rmdir $C/h`,
    )
    .join('');
}

/** The section of the child that memtouch leaves behind. */
export const DAEMON = 'memtouch child';
/** What memtouch is told to hold there. Pages. */
export const DAEMON_PAGES = 1;
const DAEMON_SCRIPT = `
echo "= ${DAEMON}"
mkdir $C/h
p=$(bash -c 'echo 0 > /sys/fs/cgroup/h/cgroup.procs; exec memtouch -d anon ${DAEMON_PAGES * 4}k')
settle
report h
maps $p
echo 1 > $C/h/cgroup.kill`;

/** Forks of bash that stand still: what parent and children use together; and memtouch's, which outlives its parent. */
export const forkScript = (): string => `${PRELUDE}${stills(FORKS, 'bash')}${DAEMON_SCRIPT}\n`;

/** Objects of the kernel that bash makes, and what is left of others when their maker has ended. */
export function objectScript(): string {
  const left = Object.entries(LEFT).map(
    ([name, command], i) => `
echo "= left by ${name}"
mkdir $C/l${i}; mkdir $C/l${i}/m 2> /dev/null
${name === 'child cgroup with memory' ? `rmdir $C/l${i}/m; echo +memory > $C/l${i}/cgroup.subtree_control; mkdir $C/l${i}/m; rmdir $C/l${i}/m; mkdir $C/l${i}/m` : ''}
bash -c ${quoted(`echo 0 > /sys/fs/cgroup/l${i}/cgroup.procs; ${command.replaceAll('CGROUP', `l${i}`)}; true`)}
sleep 0.1
settle
report l${i}`,
  );
  return `${PRELUDE}
dd if=/dev/zero of=/disk/read bs=4k count=256 2> /dev/null; sync; echo 3 > /proc/sys/vm/drop_caches
${stills(OBJECTS, 'bash')}
${left.join('')}
`;
}
