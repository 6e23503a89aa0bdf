/** Who pays for what, file system by file system: figures of a machine beside those of Linux 6.1 (Debian's user-mode-linux). */
import { describe, expect, it } from 'vitest';
import * as L from '../../../assembly/layout.ts';
import { ops } from '../../../bindings/index.ts';
import { zeros } from '../../../bindings/shell/kernel/devices.ts';
import { SyscallError } from '../../../bindings/shell/kernel/error.ts';
import type { UserProcess } from '../../../bindings/shell/kernel/process.ts';
import { BUFFER_HEAD_BYTES, CACHE_NODE_BYTES } from '../../../bindings/shell/kernel/slab.ts';
import { World } from '../../../bindings/shell/kernel/world.ts';
import { inBody } from './in-body.ts';

const MIB = 2 ** 20;
const PAGE = 4096;
const boot = () => World.boot({ kernel: '6.1' });

/** Writes zeros, a MiB a call, as dd does; answers the bytes written and the errno that ended it. */
async function fill(process: UserProcess, path: string, mib: number): Promise<{ bytes: number; errno: string | null }> {
  const fd = await process.open(path, { write: true, create: true });
  let bytes = 0;
  let errno: string | null = null;
  try {
    while (bytes < mib * MIB) bytes += await process.write(fd, zeros(MIB));
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    errno = error.errno;
  }
  process.close(fd);
  return { bytes, errno };
}

async function drain(process: UserProcess, path: string): Promise<number> {
  const fd = await process.open(path, { read: true });
  let bytes = 0;
  for (let got = 1; got > 0; bytes += got) got = (await process.read(fd, MIB)).length;
  process.close(fd);
  return bytes;
}

const stat = (world: World, cgroup: number) => world.machine.memoryStat(cgroup) as Record<string, number>;

/** What is, flushed or not: bytes of slab, pages of a kind. */
const exact = (world: World, cgroup: number, row: number) => Number(world.machine.engine.statTotal(cgroup, row));

async function errnoOf(call: () => Promise<unknown>): Promise<string | null> {
  try {
    await call();
    return null;
  } catch (error) {
    if (error instanceof SyscallError) return error.errno;
    throw error;
  }
}

describe('tmpfs', () => {
  it('charges pages and nodes to who writes, and forgets them with the name', async () => {
    const world = await boot();
    await inBody(world, '/job', async (process, cgroup) => {
      const before = world.machine.figures(cgroup)['memory.current'];
      expect(await fill(process, '/tmp/f', 40)).toEqual({ bytes: 40 * MIB, errno: null });
      expect(stat(world, cgroup).shmem).toBe(40 * MIB);
      // 160 leaves, three nodes above them, a root; Linux shows 95712 with two dentries, as far as it has flushed
      expect(exact(world, cgroup, L.STAT_SLAB_RECLAIMABLE)).toBe(164 * CACHE_NODE_BYTES + 200);
      expect(process.stat('/tmp/f').blocks).toBe((40 * MIB) / 512);
      await process.unlink('/tmp/f');
      expect(stat(world, cgroup).shmem).toBe(0);
      // what is left of it is in the stock: a batch at most
      expect(world.machine.figures(cgroup)['memory.current'] - before).toBeLessThanOrEqual(64 * PAGE);
    });
    expect(world.machine.audit()).toBeNull();
  });

  it('is full at its size, to the page; a file beyond it keeps what fitted', async () => {
    const world = await boot();
    await inBody(world, '/', async (process) => {
      expect(await fill(process, '/mnt/a', 3)).toEqual({ bytes: MIB, errno: 'ENOSPC' });
      expect(process.statfs('/mnt')).toMatchObject({ blocks: 256, bfree: 0 });
      // The name is there all the same, as Linux has it.
      expect(await fill(process, '/mnt/b', 1)).toEqual({ bytes: 0, errno: 'ENOSPC' });
      expect(process.stat('/mnt/b').size).toBe(0);
      await process.unlink('/mnt/a');
      expect(process.statfs('/mnt').bfree).toBe(256);
    });
  });

  it('reads holes without a page; a mapping makes one, and past the size is SIGBUS', async () => {
    const world = await boot();
    const status = await inBody(world, '/job', async (process, cgroup) => {
      const fd = await process.open('/mnt/sparse', { read: true, write: true, create: true });
      await process.ftruncate(fd, 5 * MIB);
      expect(await drain(process, '/mnt/sparse')).toBe(5 * MIB);
      expect(process.fstat(fd).blocks).toBe(0);
      const mapping = process.mmapFile(fd, { pages: 1280 });
      await process.touch(mapping, { pages: 256 });
      expect(process.fstat(fd).blocks).toBe(2048);
      expect(stat(world, cgroup).shmem).toBe(MIB);
      await process.touch(mapping, { from: 256, pages: 1 });
    });
    expect(status).toEqual({ signal: 7 });
    expect(world.machine.audit()).toBeNull();
  });

  it('holds what is unlinked until it is closed, and all of it until umount', async () => {
    const world = await boot();
    await inBody(world, '/job', async (process, cgroup) => {
      await process.mkdir('/root/m');
      await process.mount('tmpfs', '/root/m', 'tmpfs', 'size=8m');
      const fd = await process.open('/root/m/f', { read: true, write: true, create: true });
      await process.write(fd, zeros(MIB));
      await process.unlink('/root/m/f');
      expect(stat(world, cgroup).shmem).toBe(MIB);
      expect(await errnoOf(() => process.umount('/root/m'))).toBe('EBUSY');
      process.close(fd);
      await process.sync();
      expect(stat(world, cgroup).shmem).toBe(0);
      await fill(process, '/root/m/g', 2);
      await process.mkdir('/root/m/d');
      await fill(process, '/root/m/d/h', 2);
      expect(stat(world, cgroup).shmem).toBe(4 * MIB);
      await process.umount('/root/m');
      expect(stat(world, cgroup).shmem).toBe(0);
    });
    expect(world.machine.audit()).toBeNull();
  });

  it('goes with the last process of its mount namespace', async () => {
    const world = await boot();
    await inBody(world, '/job', async (process, cgroup) => {
      process.fork(async (child) => {
        child.unshare({ mount: true });
        await child.mount('tmpfs', '/mnt', 'tmpfs', 'size=16m');
        await fill(child as UserProcess, '/mnt/f', 4);
        return 0;
      });
      await process.wait(-1);
      expect(stat(world, cgroup).shmem).toBe(0);
      expect(process.statfs('/mnt')).toMatchObject({ blocks: 256, bfree: 256 });
    });
    expect(world.machine.audit()).toBeNull();
  });

  it.each([
    ['size=10k', { blocks: 3, files: 'half' }, ['size=12k']],
    ['nr_blocks=10', { blocks: 10, files: 'half' }, ['size=40k']],
    ['nr_inodes=3', { blocks: 'half', files: 3 }, ['nr_inodes=3']],
    ['mode=700', { blocks: 'half', files: 'half' }, ['mode=700']],
    ['size=1m,nr_inodes=0', { blocks: 256, files: 0 }, ['size=1024k', 'nr_inodes=0']],
  ] as const)('is mounted with %s', async (options, expected, shown) => {
    const world = await boot();
    const half = Math.floor(world.machine.capacities.pages / 2);
    await inBody(world, '/', async (process) => {
      await process.mount('tmpfs', '/mnt', 'tmpfs', options);
      const got = process.statfs('/mnt') as unknown as Record<string, unknown>;
      for (const [key, value] of Object.entries(expected)) expect(got[key]).toBe(value === 'half' ? half : value);
      const fs = [...world.kernel.mounted].at(-1)!;
      expect(fs.showOptions()).toEqual(shown);
    });
  });

  it.each(['size=abc', 'foo=1', 'huge=always', 'mode=9', 'size=10q'])('refuses %s', async (options) => {
    const world = await boot();
    await inBody(world, '/', async (process) => {
      expect(await errnoOf(() => process.mount('tmpfs', '/mnt', 'tmpfs', options))).toBe('EINVAL');
    });
  });

  it('has as many inodes as it was told', async () => {
    const world = await boot();
    await inBody(world, '/', async (process) => {
      await process.mount('tmpfs', '/mnt', 'tmpfs', 'nr_inodes=3');
      for (const name of ['a', 'b']) process.close(await process.open(`/mnt/${name}`, { write: true, create: true }));
      expect(await errnoOf(() => process.open('/mnt/c', { write: true, create: true }))).toBe('ENOSPC');
      await process.unlink('/mnt/a');
      expect(await errnoOf(() => process.open('/mnt/c', { write: true, create: true }))).toBeNull();
    });
  });

  it('allocates all of a range or nothing', async () => {
    const world = await boot();
    await inBody(world, '/', async (process) => {
      const fd = await process.open('/mnt/f', { write: true, create: true });
      expect(await errnoOf(() => process.fallocate(fd, 0, 5 * MIB))).toBe('ENOSPC');
      expect(process.statfs('/mnt').bfree).toBe(256);
      await process.fallocate(fd, 0, 512 * 1024);
      expect(process.fstat(fd)).toMatchObject({ size: 512 * 1024, blocks: 1024 });
      await process.fallocate(fd, PAGE, 2 * PAGE, { punchHole: true, keepSize: true });
      expect(process.fstat(fd).blocks).toBe(1024 - 16);
    });
  });
});

describe('the disk', () => {
  it('charges pages, nodes and buffer heads to who writes; a reader of what is cached pays nothing', async () => {
    const world = await boot();
    let writer = 0;
    await inBody(world, '/writer', async (process, cgroup) => {
      writer = cgroup;
      await fill(process, '/disk/f', 40);
      const { file = 0, slab_reclaimable: slab = 0 } = stat(world, cgroup);
      // Linux: 41951232 (with two blocks of metadata), and 1244968 of slab
      expect(file).toBe(40 * MIB + 2 * PAGE);
      expect(Math.abs(slab - 10240 * BUFFER_HEAD_BYTES - 164 * CACHE_NODE_BYTES)).toBeLessThan(3 * PAGE);
      await process.sync();
      expect(world.machine.writeback()).toMatchObject({ dirty: 0, writeback: 0 });
    });
    await inBody(world, '/reader', async (process, cgroup) => {
      expect(await drain(process, '/disk/f')).toBe(40 * MIB);
      expect(stat(world, cgroup).file).toBe(0);
      world.machine.dropCaches();
      expect(stat(world, writer).file).toBe(0);
      await drain(process, '/disk/f');
      expect(stat(world, cgroup).file).toBeGreaterThanOrEqual(40 * MIB);
    });
    expect(world.machine.audit()).toBeNull();
  });

  it('shows blocks as they are reserved, and is full where Linux is', async () => {
    const world = await boot();
    await inBody(world, '/', async (process) => {
      expect(process.statfs('/disk')).toMatchObject({ blocks: 146866, bfree: 146860, bavail: 136108, ffree: 38389 });
      await fill(process, '/disk/f', 40);
      expect(process.statfs('/disk')).toMatchObject({ bfree: 136620, bavail: 125868, ffree: 38388 });
      expect(process.stat('/disk/f')).toMatchObject({ ino: 12, blocks: 81920 });
      await process.mkdir('/disk/d');
      expect(process.statfs('/disk').bfree).toBe(136619);
      await process.truncate('/disk/f', 5000);
      expect(process.stat('/disk/f').blocks).toBe(16);
      await process.unlink('/disk/f');
      expect(await fill(process, '/disk/big', 700)).toEqual({ bytes: (146859 - 3072) * PAGE, errno: 'ENOSPC' });
      expect(process.statfs('/disk')).toMatchObject({ bfree: 3072, bavail: 0 });
    });
    expect(world.machine.audit()).toBeNull();
  });

  it('keeps files over umount, and nothing of them in memory', async () => {
    const world = await boot();
    await inBody(world, '/job', async (process, cgroup) => {
      const fd = await process.open('/disk/f', { write: true, create: true });
      await process.write(
        fd,
        Uint8Array.from({ length: 5000 }, (_, i) => i & 255),
      );
      process.close(fd);
      await process.umount('/disk');
      expect(stat(world, cgroup).file).toBe(0);
      expect(await errnoOf(() => process.open('/disk/f', { read: true }))).toBe('ENOENT');
      await process.mount('/dev/ubda', '/disk', 'ext4', '');
      const again = await process.open('/disk/f', { read: true });
      const bytes = await process.read(again, 10_000);
      expect(bytes.length).toBe(5000);
      expect(bytes[4999]).toBe(4999 & 255);
      // the file's, and two of metadata
      expect(exact(world, cgroup, ops.KIND_FILE)).toBe(4);
    });
    expect(world.machine.audit()).toBeNull();
  });

  it('lets a limit reclaim its clean pages, and waits for the dirty ones', async () => {
    const world = await boot();
    await inBody(world, '/job', async (process, cgroup) => {
      world.machine.writeKnob(cgroup, ops.KNOB_MAX, 8192n);
      expect(await fill(process, '/disk/f', 96)).toEqual({ bytes: 96 * MIB, errno: null });
      const { 'memory.current': current, 'memory.events': events } = world.machine.figures(cgroup);
      expect(current).toBeLessThanOrEqual(32 * MIB);
      // Linux: 316, with what dd itself uses
      expect(events.max).toBeGreaterThan(280);
      expect(events.max).toBeLessThan(340);
      expect(events.oom).toBe(0);
    });
    expect(world.machine.audit()).toBeNull();
  });
});

describe('a block device', () => {
  it('has a page cache of its own for as long as somebody has it open', async () => {
    const world = await boot();
    await inBody(world, '/job', async (process, cgroup) => {
      const fd = await process.open('/dev/ubdb', { read: true, write: true });
      for (let i = 0; i < 10; i++) await process.write(fd, zeros(MIB));
      expect(stat(world, cgroup).file).toBe(10 * MIB);
      expect(process.lseek(fd, 0, 'end')).toBe(256 * MIB);
      expect(await errnoOf(() => process.write(fd, zeros(10)))).toBe('ENOSPC');
      process.close(fd);
      await process.sync();
      expect(stat(world, cgroup)).toMatchObject({ file: 0, file_dirty: 0 });
      const direct = await process.open('/dev/ubdb', { read: true, direct: true });
      expect((await process.read(direct, MIB)).length).toBe(MIB);
      expect(stat(world, cgroup).file).toBe(0);
      expect(await errnoOf(() => process.read(direct, 100))).toBe('EINVAL');
    });
    expect(world.machine.audit()).toBeNull();
  });
});
