/** What the journal of the disk has is not dirty before its transaction is committed. Each line is what Linux 6.1 printed. */
import { expect, test } from 'vitest';
import { runScript } from '../../../bindings/shell/run.ts';

test('blocks that a new file changes are dirty only when the journal was committed', async () => {
  const script = `C=/sys/fs/cgroup; mkdir $C/a
dirty() { sleep 2.1; grep '^file_dirty ' $C/a/memory.stat; }
(echo 0 > $C/a/cgroup.procs; dd if=/dev/zero of=/disk/f bs=64k count=32 2> /dev/null); dirty
sync; dirty
(echo 0 > $C/a/cgroup.procs; dd if=/dev/zero of=/disk/g bs=64k count=32 conv=fsync 2> /dev/null); dirty`;
  const { stdout } = await runScript(script, { kernel: '6.1' });
  expect(stdout.split('\n').slice(0, -1)).toEqual(['file_dirty 2097152', 'file_dirty 0', 'file_dirty 8192']);
});
