/** What a child has that outlives the parent whose program it runs, as measured on Linux 6.1. */
import { expect, it } from 'vitest';
import { runScript } from '../../../bindings/index.ts';

it('a daemon maps its program again, and has none of the pages that its parent wrote later', async () => {
  const { stdout } = await runScript(
    `G=/sys/fs/cgroup/a; mkdir $G
    p=$(bash -c "echo 0 > $G/cgroup.procs; memtouch -d anon 4M")
    grep -E '^(anon|file_mapped) ' $G/memory.stat
    echo 1 > /proc/sys/vm/drop_caches; grep '^file ' $G/memory.stat
    grep RssFile /proc/$p/status
    kill $p; sleep 0.1; grep file_mapped $G/memory.stat`,
    { kernel: '6.1' },
  );
  expect(stdout).toBe('anon 4239360\nfile_mapped 266240\nfile 266240\nRssFile:\t     260 kB\nfile_mapped 0\n');
});
