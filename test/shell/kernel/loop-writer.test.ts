/** Who pays for what a loop device writes: who dirtied the device first, and for good. Each line is what Linux 6.1 printed. */
import { expect, test } from 'vitest';
import { runScript } from '../../../bindings/shell/run.ts';

const lines = async (source: string) => (await runScript(source, { kernel: '6.1' })).stdout.split('\n').slice(0, -1);

const BEGIN = `C=/sys/fs/cgroup; mkdir $C/p
echo '+memory +io' > $C/p/cgroup.subtree_control; mkdir $C/p/a
shmem() { grep '^shmem ' $1/memory.stat; }
write() { dd if=/dev/zero of=/dev/loop0 bs=1M count=$1 2> /dev/null; }
truncate -s 8M /tmp/f; losetup /dev/loop0 /tmp/f
(echo 0 > $C/p/a/cgroup.procs; write 1); sleep 2.1; shmem $C/p/a`;

test('the first who dirtied it pays for what others write later', async () => {
  expect(await lines(`${BEGIN}\nwrite 3; sleep 2.1; shmem $C/p/a`)).toEqual(['shmem 1048576', 'shmem 3145728']);
});

test('… also after the device was attached anew', async () => {
  const again = `truncate -s 8M /tmp/g; losetup -d /dev/loop0; losetup /dev/loop0 /tmp/g; write 2; sleep 2.1; shmem $C/p/a`;
  expect(await lines(`${BEGIN}\n${again}`)).toEqual(['shmem 1048576', 'shmem 3145728']);
});

test('… and when his cgroup is gone its parent does', async () => {
  const orphan = 'rmdir $C/p/a; write 3; sleep 2.1; shmem $C/p';
  expect(await lines(`${BEGIN}\n${orphan}`)).toEqual(['shmem 1048576', 'shmem 3145728']);
});
