/** Mounts, namespaces, permissions, proc. */
import { describe, expect, it } from 'vitest';
import type { Process } from '../../../bindings/shell/kernel/syscalls.ts';
import { errnoOf, readFile, run, SECOND, say, writeFile } from './helpers.ts';

describe('mounts', () => {
  it('cover a directory, stack, and go with umount', async () => {
    const { stdout } = await run(async (p) => {
      await writeFile(p, '/root/below', '');
      await p.mount('x', '/root', 'tmpfs', 'size=1m');
      await say(p, p.readdir('/root').join());
      await writeFile(p, '/root/first', '');
      await p.mount('y', '/root', 'tmpfs', 'size=1m');
      await say(p, p.readdir('/root').join());
      await p.umount('/root');
      await say(p, p.readdir('/root').join());
      p.chdir('/root');
      await say(p, `${p.getcwd()} ${await errnoOf(() => p.umount('/root'))}`);
      p.chdir('..');
      await say(p, `${p.getcwd()} ${await errnoOf(() => p.umount('/root'))}`);
      await say(p, p.readdir('/root').join());
      return 0;
    });
    expect(stdout).toBe('\n\nfirst\n/root EBUSY\n/ ok\nbelow\n');
  });

  it('fail as mount(2) and umount(2) do', async () => {
    const { stdout } = await run(async (p) => {
      await writeFile(p, '/root/file', '');
      for (const [source, target, type, options] of [
        ['x', '/nosuch', 'tmpfs', ''],
        ['x', '/root/file', 'tmpfs', ''],
        ['x', '/root', 'nosuchfs', ''],
        ['/nosuch', '/root', 'ext4', ''],
        ['/dev/null', '/root', 'ext4', ''],
        ['x', '/root', 'tmpfs', 'size=abc'],
      ] as const)
        await say(p, await errnoOf(() => p.mount(source, target, type, options)));
      for (const target of ['/nosuch', '/root', '/root/file', '/']) await say(p, await errnoOf(() => p.umount(target)));
      await say(p, await errnoOf(() => p.rmdir('/mnt')));
      await say(p, await errnoOf(() => p.rename('/mnt', '/x')));
      await say(p, await errnoOf(() => p.rename('/root/file', '/mnt/file')));
      await say(p, await errnoOf(() => p.link('/root/file', '/mnt/file')));
      return 0;
    });
    expect(stdout.split('\n').slice(0, -1)).toEqual([
      ...['ENOENT', 'ENOTDIR', 'ENODEV', 'ENOENT', 'ENOTBLK', 'EINVAL'],
      ...['ENOENT', 'EINVAL', 'EINVAL', 'EBUSY'],
      ...['EBUSY', 'EBUSY', 'EXDEV', 'EXDEV'],
    ]);
  });

  it('read-only refuses writers, and root too', async () => {
    const { stdout } = await run(async (p) => {
      await writeFile(p, '/mnt/f', 'x');
      await p.mount('', '/mnt', '', 'remount,ro');
      for (const call of [
        () => writeFile(p, '/mnt/f', 'y'),
        () => writeFile(p, '/mnt/g', 'y'),
        () => p.mkdir('/mnt/d'),
        () => p.unlink('/mnt/f'),
        () => p.chmod('/mnt/f', 0o600),
        () => p.truncate('/mnt/f', 0),
        () => readFile(p, '/mnt/f'),
        () => p.mount('', '/mnt', '', 'remount,rw'),
        () => writeFile(p, '/mnt/f', 'y'),
      ])
        await say(p, await errnoOf(call));
      return 0;
    });
    expect(stdout).toBe(`${'EROFS\n'.repeat(6)}ok\nok\nok\n`);
  });

  it("in a namespace of its own are nobody else's, and go with its last process", async () => {
    const { stdout, world } = await run(async (p) => {
      p.fork(async (c) => {
        c.unshare({ mount: true });
        await c.mount('x', '/tmp', 'tmpfs', '');
        await writeFile(c, '/tmp/f', 'x'.repeat(100_000));
        const [r] = c.pipe();
        c.fork(async (g) => {
          g.close(r);
          await g.sleep(2n * SECOND);
          await say(g, g.readdir('/tmp').join());
          return 0;
        });
        return 0;
      });
      await p.wait(-1);
      await say(p, `${p.readdir('/tmp').length} ${(await readFile(p, '/proc/mounts')).includes('x /tmp')}`);
      await say(p, String(world0(p) > 0));
      await p.sleep(5n * SECOND);
      await say(p, String(world0(p)));
      return 0;
    });
    // Pages of shmem in the machine.
    function world0(p: Process): number {
      return (p as unknown as { kernel: { machine: { statNow(): Record<string, number> } } }).kernel.machine.statNow()
        .shmem!;
    }
    expect(stdout).toBe('0 false\ntrue\nf\n0\n');
    expect(world.kernel.processes.size).toBe(1);
  });

  it('bind shows a directory elsewhere', async () => {
    const { stdout } = await run(async (p) => {
      await p.mkdir('/mnt/d');
      await writeFile(p, '/mnt/d/f', 'hello');
      await p.mkdir('/root/d');
      await p.mount('/mnt/d', '/root/d', '', 'bind');
      await say(p, await readFile(p, '/root/d/f'));
      p.chdir('/root/d');
      p.chdir('..');
      await say(p, p.getcwd());
      await p.umount('/root/d');
      await say(p, String(p.readdir('/root/d').length));
      return 0;
    });
    expect(stdout).toBe('hello\n/root\n0\n');
  });
});

describe('who is not root', () => {
  const asUser = (body: (c: Process) => Promise<void>, before?: (p: Process) => Promise<void>) =>
    run(async (p) => {
      await before?.(p);
      p.fork(async (c) => {
        c.setgid(1000);
        c.setuid(1000);
        await body(c);
        return 0;
      });
      await p.wait(-1);
      return 0;
    });

  it('goes by the permission bits', async () => {
    const { stdout } = await asUser(
      async (c) => {
        for (const call of [
          () => readFile(c, '/root/open'),
          () => readFile(c, '/root/closed'),
          () => readFile(c, '/root/hidden/f'),
          () => writeFile(c, '/root/open', ''),
          () => writeFile(c, '/root/new', ''),
          () => writeFile(c, '/tmp/mine', 'x'),
          () => c.unlink('/tmp/theirs'),
          () => c.unlink('/tmp/mine'),
          () => c.chmod('/root/open', 0o777),
          () => c.chown('/tmp', 1000, 1000),
          () => c.mount('x', '/mnt', 'tmpfs', ''),
          () => c.unshare({ mount: true }),
          () => c.swapon('/dev/ubdb'),
          () => c.mknod('/tmp/n', 'char', 0o600, 259),
          () => c.setuid(0),
          () => writeFile(c, '/proc/sys/vm/drop_caches', '3'),
          () => writeFile(c, '/sys/fs/cgroup/cgroup.procs', '0'),
          () => c.mkdir('/sys/fs/cgroup/u'),
          () => readFile(c, '/proc/1/environ'),
          () => c.readdir('/proc/1/fd'),
          () => c.exec('/root/open', [], c.env),
        ])
          await say(c, await errnoOf(call));
      },
      async (p) => {
        await writeFile(p, '/root/open', 'a');
        await writeFile(p, '/root/closed', 'a');
        p.chmod('/root/closed', 0o600);
        await p.mkdir('/root/hidden', 0o700);
        await writeFile(p, '/root/hidden/f', 'a');
        await writeFile(p, '/tmp/theirs', 'a');
      },
    );
    expect(stdout.split('\n').slice(0, -1)).toEqual([
      ...['ok', 'EACCES', 'EACCES', 'EACCES', 'EACCES', 'ok', 'EPERM', 'ok', 'EPERM', 'EPERM'],
      ...['EPERM', 'EPERM', 'EPERM', 'EPERM', 'EPERM', 'EACCES', 'EACCES', 'EACCES', 'EACCES', 'EACCES', 'EACCES'],
    ]);
  });

  it('gives cgroup.procs of a directory of theirs processes of theirs', async () => {
    const { stdout } = await asUser(
      async (c) => {
        await say(c, await errnoOf(() => c.mkdir('/sys/fs/cgroup/u/a')));
        await say(c, await errnoOf(() => writeFile(c, '/sys/fs/cgroup/u/a/cgroup.procs', String(c.pid))));
        await say(c, (await readFile(c, '/proc/self/cgroup')).trim());
      },
      async (p) => {
        await p.mkdir('/sys/fs/cgroup/u');
        for (const name of ['', '/cgroup.procs', '/cgroup.subtree_control'])
          p.chown(`/sys/fs/cgroup/u${name}`, 1000, 1000);
      },
    );
    // The common ancestor is the root's, which is not theirs to write.
    expect(stdout).toBe('ok\nEACCES\n0::/\n');
  });
});

describe('proc', () => {
  it('has the processes that are there', async () => {
    const { stdout } = await run(async (p) => {
      const child = p.fork(async (c) => {
        await c.sleep(SECOND);
        return 0;
      });
      await p.sleep(SECOND / 2n);
      const state = async () => (await readFile(p, `/proc/${child.pid}/stat`)).split(' ')[2];
      const seen = [await state()];
      await p.sleep(SECOND);
      seen.push((await state())!, String((await readFile(p, `/proc/${child.pid}/cmdline`)).length));
      await p.wait(-1);
      seen.push(await errnoOf(() => readFile(p, `/proc/${child.pid}/stat`)));
      await say(p, seen.join(' '));
      await say(p, `${p.readlink('/proc/self')} ${p.readlink('/proc/self/fd/1')} ${p.readlink('/proc/self/cwd')}`);
      for (const call of [
        () => p.mkdir('/proc/x'),
        () => p.unlink('/proc/meminfo'),
        () => writeFile(p, '/proc/meminfo', 'x'),
        () => writeFile(p, '/proc/nosuch', 'x'),
        () => readFile(p, '/proc/sys/vm/drop_caches'),
      ])
        await say(p, await errnoOf(call));
      return 0;
    });
    expect(stdout).toBe('S Z 0 ENOENT\n715 /dev/console /\nENOENT\nEPERM\nEIO\nENOENT\nEACCES\n');
  });

  it('knobs take what the kernel takes', async () => {
    const { stdout } = await run(async (p) => {
      for (const [path, values] of [
        ['/proc/sys/vm/drop_caches', ['0', '5', 'abc', '', '-1', '4', '1\n']],
        ['/proc/sys/vm/swappiness', ['201', '-1', '100', 'abc', ' 7 \n', '7x']],
        ['/proc/self/oom_score_adj', ['1001', '-1001', '5', 'abc', '7x', '', '0x10']],
      ] as const)
        for (const value of values) await say(p, await errnoOf(() => writeFile(p, path, value)));
      await say(p, (await readFile(p, '/proc/sys/vm/swappiness')).trim());
      await say(p, (await readFile(p, '/proc/self/oom_score_adj')).trim());
      return 0;
    });
    expect(stdout.split('\n').slice(0, -1)).toEqual([
      // A sysctl takes an empty write for nothing.
      ...['EINVAL', 'EINVAL', 'EINVAL', 'ok', 'EINVAL', 'ok', 'ok'],
      ...['EINVAL', 'EINVAL', 'ok', 'EINVAL', 'ok', 'EINVAL'],
      ...['EINVAL', 'EINVAL', 'ok', 'EINVAL', 'EINVAL', 'EINVAL', 'ok'],
      '7',
      '16',
    ]);
  });

  it('oom_score_adj decides who dies', async () => {
    const { stdout } = await run(async (p) => {
      const dir = '/sys/fs/cgroup/a';
      await p.mkdir(dir);
      await writeFile(p, `${dir}/memory.swap.max`, '0');
      // (The first that joined is the first that is looked at: were it another one, it would go too before the victim has run.)
      const pids = ['500', '0', '-1000'].map(
        (adj) =>
          p.fork(async (c) => {
            await writeFile(c, `${dir}/cgroup.procs`, '0');
            await writeFile(c, '/proc/self/oom_score_adj', adj);
            await c.touch(c.mmap(1000), { write: true });
            await c.sleep(100n * SECOND);
            return 0;
          }).pid,
      );
      await p.sleep(SECOND);
      await writeFile(p, `${dir}/memory.max`, '10M');
      const { pid, status } = (await p.wait(-1))!;
      await say(p, `${pids.indexOf(pid)} ${JSON.stringify(status)}`);
      return 0;
    });
    expect(stdout).toBe('0 {"signal":9}\n');
  });

  it('meminfo and vmstat follow the machine', async () => {
    const { stdout } = await run(async (p) => {
      const value = async (path: string, key: string) =>
        Number(new RegExp(`^${key}:? +(\\d+)`, 'm').exec(await readFile(p, path))![1]);
      const before = [await value('/proc/meminfo', 'AnonPages'), await value('/proc/vmstat', 'nr_anon_pages')];
      await p.touch(p.mmap(1000), { write: true });
      await say(p, `${(await value('/proc/meminfo', 'AnonPages')) - before[0]!}`);
      await say(p, `${(await value('/proc/vmstat', 'nr_anon_pages')) - before[1]!}`);
      await say(p, String(await value('/proc/meminfo', 'MemTotal')));
      return 0;
    });
    expect(stdout).toBe('4000\n1000\n1016372\n');
  });
});
