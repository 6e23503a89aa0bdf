/** What programs use beside what they ask for, while they run. */
import { expect, it } from 'vitest';
import { runScript } from '../../../bindings/shell/run.ts';

it('a program whose file was reclaimed reads it again as it runs on (Linux 6.1: 22, 66 and 88 pages of dd stolen)', async () => {
  const { stdout } = await runScript(
    `C=/sys/fs/cgroup
    for n in 14 15 16; do
      mkdir $C/a$n; echo 4M > $C/a$n/memory.high; echo 0 > $C/a$n/memory.swap.max
      bash -c "echo 0 > $C/a$n/cgroup.procs; dd if=/dev/zero of=/tmp/f bs=256k count=$n 2> /dev/null"
      grep '^pgsteal ' $C/a$n/memory.stat
      rm /tmp/f
    done`,
    { kernel: '6.1' },
  );
  expect(stdout).toBe('pgsteal 22\npgsteal 66\npgsteal 88\n');
});

it('a shell that waits for a program holds the pages that it copied after the fork (Linux 6.1: 16)', async () => {
  const { stdout } = await runScript(
    `C=/sys/fs/cgroup; mkdir $C/a $C/b
    bash -c "echo 0 > $C/a/cgroup.procs; sleep 9; true" &
    bash -c "echo 0 > $C/b/cgroup.procs; exec sleep 9" &
    sleep 3
    for d in a b; do while read -r key bytes; do [ $key = anon ] && echo $((bytes / 4096)); done < $C/$d/memory.stat; done`,
    { kernel: '6.1' },
  );
  expect(stdout).toBe('39\n23\n');
});
