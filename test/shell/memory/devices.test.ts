/** Loop devices, swap, shared memory: who pays, who dies, what is left. */
import { describe, expect, it } from 'vitest';
import * as L from '../../../assembly/layout.ts';
import { type Kernel, ops } from '../../../bindings/index.ts';
import { zeros } from '../../../bindings/shell/kernel/devices.ts';
import { SyscallError } from '../../../bindings/shell/kernel/error.ts';
import type { LoopConfig, LoopStatus } from '../../../bindings/shell/kernel/loop.ts';
import type { UserProcess } from '../../../bindings/shell/kernel/process.ts';
import { swapHeader } from '../../../bindings/shell/kernel/swap-device.ts';
import { World } from '../../../bindings/shell/kernel/world.ts';
import { inBody } from './in-body.ts';

const MIB = 2 ** 20;
const KERNELS: readonly Kernel[] = ['6.1', '6.18'];
const boot = (kernel: Kernel = '6.1') => World.boot({ kernel });
const exact = (world: World, cgroup: number, row: number) => Number(world.machine.engine.statTotal(cgroup, row));

async function errnoOf(call: () => unknown): Promise<string | null> {
  try {
    await call();
    return null;
  } catch (error) {
    if (error instanceof SyscallError) return error.errno;
    throw error;
  }
}

/** losetup /dev/loop0 FILE */
async function attach(process: UserProcess, path: string, config: Omit<LoopConfig, 'file'> = {}): Promise<void> {
  const fd = await process.open(path, { read: true, write: config.readonly !== true });
  const loop = await process.open('/dev/loop0', { read: true, write: true });
  try {
    await process.ioctl(loop, 'LOOP_CONFIGURE', { ...config, file: process.file(fd) });
  } finally {
    process.close(fd);
    process.close(loop);
  }
}

async function detach(process: UserProcess): Promise<void> {
  const loop = await process.open('/dev/loop0', { read: true });
  await process.ioctl(loop, 'LOOP_CLR_FD');
  process.close(loop);
  await process.sync();
}

async function sparse(process: UserProcess, path: string, size: number): Promise<void> {
  process.close(await process.open(path, { write: true, create: true }));
  await process.truncate(path, size);
}

async function writeLoop(process: UserProcess, mib: number): Promise<void> {
  const fd = await process.open('/dev/loop0', { write: true });
  for (let i = 0; i < mib; i++) await process.write(fd, zeros(MIB));
  process.close(fd);
}

describe.each(KERNELS)('a loop device under Linux %s', (kernel) => {
  it('is written for nobody where the io controller does not tell cgroups apart', async () => {
    const world = await boot(kernel);
    const { machine } = world;
    await inBody(world, '/job', async (process, cgroup) => {
      machine.writeKnob(cgroup, ops.KNOB_MAX, 4096n);
      machine.writeKnob(cgroup, ops.KNOB_SWAP_MAX, 0n);
      await sparse(process, '/tmp/f', 64 * MIB);
      await attach(process, '/tmp/f');
      await writeLoop(process, 64);
      expect(process.stat('/tmp/f').blocks).toBe((64 * MIB) / 512);
      expect(exact(world, cgroup, L.STAT_SHMEM)).toBe(0);
      expect(machine.figures(cgroup)['memory.events'].oom).toBe(0);
      expect(machine.figures(1)['memory.stat'].shmem).toBe(64 * MIB);
    });
    expect(machine.audit()).toBeNull();
  });

  it('is written for the cgroup that dirtied it where it does, and kills there', async () => {
    const world = await boot(kernel);
    const { machine } = world;
    let cgroup = 0;
    const status = await inBody(world, '/job', async (process, id) => {
      cgroup = id;
      machine.setIoMemcg(cgroup, cgroup);
      machine.writeKnob(cgroup, ops.KNOB_MAX, 4096n);
      machine.writeKnob(cgroup, ops.KNOB_SWAP_MAX, 0n);
      await sparse(process, '/tmp/f', 64 * MIB);
      await attach(process, '/tmp/f');
      await writeLoop(process, 64);
    });
    expect(status).toEqual({ signal: 9 });
    // shmem of the backing file has filled it; the worker, whom nobody kills, got none for the rest
    expect(machine.figures(cgroup)['memory.events'].oom_kill).toBe(1);
    expect(exact(world, cgroup, L.STAT_SHMEM)).toBeGreaterThan(3500);
    await inBody(world, '/', async (process) => {
      await detach(process);
      await process.unlink('/tmp/f');
    });
    expect(exact(world, cgroup, L.STAT_SHMEM)).toBe(0);
    expect(machine.audit()).toBeNull();
  });

  it('is read for who reads, and a hole of tmpfs stays one', async () => {
    const world = await boot(kernel);
    const { machine } = world;
    await inBody(world, '/job', async (process, cgroup) => {
      machine.setIoMemcg(cgroup, cgroup);
      await sparse(process, '/tmp/f', 8 * MIB);
      await attach(process, '/tmp/f');
      const fd = await process.open('/dev/loop0', { read: true });
      for (let i = 0; i < 8; i++) expect((await process.read(fd, MIB)).length).toBe(MIB);
      expect(exact(world, cgroup, L.STAT_FILE)).toBe(2048);
      expect(exact(world, cgroup, L.STAT_SHMEM)).toBe(0);
      process.close(fd);
      await process.sync();
      expect(exact(world, cgroup, L.STAT_FILE)).toBe(0);
    });
    // A file on the disk is read into the page cache of its own, too.
    await inBody(world, '/other', async (process, cgroup) => {
      await detach(process);
      machine.setIoMemcg(cgroup, cgroup);
      const fd = await process.open('/disk/f', { write: true, create: true });
      for (let i = 0; i < 4; i++) await process.write(fd, zeros(MIB));
      process.close(fd);
      await process.sync();
      machine.dropCaches(1);
      await attach(process, '/disk/f');
      const loop = await process.open('/dev/loop0', { read: true });
      for (let i = 0; i < 4; i++) await process.read(loop, MIB);
      expect(exact(world, cgroup, L.STAT_FILE)).toBeGreaterThanOrEqual(2048);
    });
    expect(machine.audit()).toBeNull();
  });

  it('makes its file last when it is told to: nothing of it stays dirty but what the journal has committed', async () => {
    const world = await boot(kernel);
    await inBody(world, '/job', async (process, cgroup) => {
      world.machine.setIoMemcg(cgroup, cgroup);
      await sparse(process, '/disk/f', 8 * MIB);
      await attach(process, '/disk/f');
      const fd = await process.open('/dev/loop0', { write: true });
      for (let i = 0; i < 4; i++) await process.write(fd, zeros(MIB));
      expect(exact(world, cgroup, L.STAT_FILE_DIRTY)).toBe(1024);
      await process.fsync(fd);
      // The directory and the inode's block: Linux 6.1 says file_dirty 8192.
      expect(exact(world, cgroup, L.STAT_FILE_DIRTY)).toBe(2);
      process.close(fd);
      await process.sync();
    });
    expect(world.machine.audit()).toBeNull();
  });

  it('carries the bytes of its file, from an offset on, as far as it is told', async () => {
    const world = await boot(kernel);
    await inBody(world, '/', async (process) => {
      const fd = await process.open('/tmp/f', { read: true, write: true, create: true });
      await process.write(
        fd,
        Uint8Array.from({ length: 16384 }, (_, i) => i >> 8),
      );
      await attach(process, '/tmp/f', { offset: 4096, sizelimit: 8192 });
      const loop = await process.open('/dev/loop0', { read: true, write: true });
      expect(await process.ioctl(loop, 'BLKGETSIZE64')).toBe(8192);
      const bytes = await process.read(loop, 100_000);
      expect([bytes.length, bytes[0], bytes[8191]]).toEqual([8192, 16, 47]);
      process.lseek(loop, 8000, 'set');
      expect(await process.write(loop, new Uint8Array(1000).fill(255))).toBe(192);
      expect(await errnoOf(() => process.write(loop, new Uint8Array(1)))).toBe('ENOSPC');
      process.lseek(fd, 4096 + 8000, 'set');
      expect((await process.read(fd, 193)).slice(191)).toEqual(Uint8Array.of(255, 48));
      const status = (await process.ioctl(loop, 'LOOP_GET_STATUS64')) as LoopStatus;
      expect(status).toMatchObject({ offset: 4096, sizelimit: 8192, path: '/tmp/f', ino: process.fstat(fd).ino });
    });
    expect(world.machine.audit()).toBeNull();
  });

  it('is busy, free, read-only and gone when Linux says so', async () => {
    const world = await boot(kernel);
    await inBody(world, '/', async (process) => {
      await sparse(process, '/mnt/f', MIB);
      const control = await process.open('/dev/loop-control', { read: true });
      expect(await process.ioctl(control, 'LOOP_CTL_GET_FREE')).toBe(0);
      await attach(process, '/mnt/f', { readonly: true });
      expect(await process.ioctl(control, 'LOOP_CTL_GET_FREE')).toBe(1);
      expect(await errnoOf(() => attach(process, '/mnt/f'))).toBe('EBUSY');
      const one = await process.open('/dev/loop0', { read: true, write: true });
      expect(await errnoOf(() => process.write(one, zeros(MIB)))).toBe('EPERM');
      // Detached while another has it open: when that one closes it.
      await detach(process);
      expect((await process.read(one, 512)).length).toBe(512);
      process.close(one);
      await process.sync();
      const two = await process.open('/dev/loop0', { read: true, write: true });
      expect(await errnoOf(() => process.ioctl(two, 'LOOP_CLR_FD'))).toBe('ENXIO');
      expect((await process.read(two, 512)).length).toBe(0);
      expect(await errnoOf(() => process.write(two, zeros(MIB)))).toBe('ENOSPC');
      const directory = await process.open('/mnt', { read: true });
      expect(await errnoOf(() => process.ioctl(two, 'LOOP_SET_FD', process.file(directory)))).toBe('EINVAL');
    });
    expect(world.machine.audit()).toBeNull();
  });
});

describe('swap', () => {
  it('is a device with a header; one who holds it keeps others from writing', async () => {
    const world = await boot();
    const { machine } = world;
    await inBody(world, '/job', async (process, cgroup) => {
      expect(await errnoOf(() => process.swapon('/dev/ubda'))).toBe('EBUSY');
      expect(await errnoOf(() => process.swapon('/nope'))).toBe('ENOENT');
      expect(await errnoOf(() => process.swapoff('/dev/ubdb'))).toBe('EINVAL');
      await process.swapon('/dev/ubdb');
      expect(world.kernel.swap!.list()).toEqual([
        { path: '/dev/ubdb', type: 'partition', size: 262140, used: 0, priority: -2 },
      ]);
      expect(await errnoOf(() => process.swapon('/dev/ubdb'))).toBe('EBUSY');
      const fd = await process.open('/dev/ubdb', { write: true });
      expect(await errnoOf(() => process.write(fd, zeros(MIB)))).toBe('ETXTBSY');
      machine.writeKnob(cgroup, ops.KNOB_MAX, 8192n);
      const mapping = process.mmap(16384);
      await process.touch(mapping, { write: true });
      expect(machine.figures(cgroup)['memory.swap.current']).toBeGreaterThan(32 * MIB);
      expect(world.kernel.swap!.list()[0]!.used).toBeGreaterThan(32 * 1024);
      machine.writeKnob(cgroup, ops.KNOB_MAX, null);
      await process.swapoff('/dev/ubdb');
      expect(machine.figures(cgroup)['memory.swap.current']).toBe(0);
      expect(world.kernel.swap!.list()).toEqual([]);
      expect(await process.write(fd, zeros(MIB))).toBe(MIB);
      process.close(fd);
      // … and with it the header
      expect(await errnoOf(() => process.swapon('/dev/ubdb'))).toBe('EINVAL');
    });
    expect(machine.audit()).toBeNull();
  });

  it('takes shmem out of memory, and gives it back with the file', async () => {
    const world = await boot();
    const { machine } = world;
    await inBody(world, '/job', async (process, cgroup) => {
      await process.swapon('/dev/ubdb');
      machine.writeKnob(cgroup, ops.KNOB_MAX, 8192n);
      const fd = await process.open('/tmp/f', { read: true, write: true, create: true });
      for (let i = 0; i < 64; i++) await process.write(fd, zeros(MIB));
      expect(process.fstat(fd).blocks).toBe((64 * MIB) / 512);
      // Linux: 37703680 of 64 MiB
      expect(machine.figures(cgroup)['memory.swap.current']).toBeGreaterThan(32 * MIB);
      expect(machine.figures(cgroup)['memory.events'].oom).toBe(0);
      // What is still on its way to the device keeps its slot when the file goes.
      await process.sleep(1_000_000_000n);
      await process.ftruncate(fd, 0);
      expect(machine.figures(cgroup)['memory.swap.current']).toBeLessThan(MIB);
      expect(process.statfs('/tmp').bfree).toBe(65536);
    });
    expect(machine.audit()).toBeNull();
  });

  it('may be a file on the disk, not one of tmpfs', async () => {
    const world = await boot();
    await inBody(world, '/', async (process) => {
      for (const path of ['/disk/swap', '/tmp/swap']) {
        const fd = await process.open(path, { write: true, create: true });
        for (let i = 0; i < 8; i++) await process.write(fd, zeros(MIB));
        process.lseek(fd, 0, 'set');
        await process.write(fd, swapHeader(8 * MIB));
        process.close(fd);
      }
      expect(await errnoOf(() => process.swapon('/tmp/swap'))).toBe('EINVAL');
      await process.swapon('/disk/swap');
      expect(world.kernel.swap!.list()[0]).toMatchObject({ path: '/disk/swap', type: 'file', size: 8188 });
      await process.swapoff('/disk/swap');
    });
    expect(world.machine.audit()).toBeNull();
  });
});

describe('SysV shared memory and memfd', () => {
  it('belongs to who touches it first, and stays without anybody attached', async () => {
    const world = await boot();
    const { machine } = world;
    let first = 0;
    await inBody(world, '/first', async (process, cgroup) => {
      first = cgroup;
      const id = process.shmget(7, 4 * MIB + 1, { create: true, mode: 0o600 });
      const mapping = process.shmat(id);
      expect(mapping.pages).toBe(1025);
      await process.touch(mapping, { pages: 1024, write: true });
      expect(exact(world, cgroup, L.STAT_SHMEM)).toBe(1024);
      expect(process.shmList()).toMatchObject([{ id, key: 7, size: 4 * MIB + 1, nattch: 1 }]);
    });
    expect(exact(world, first, L.STAT_SHMEM)).toBe(1024);
    await inBody(world, '/second', async (process, cgroup) => {
      const id = process.shmget(7, 0, {});
      expect(await errnoOf(() => process.shmget(7, 0, { create: true, exclusive: true }))).toBe('EEXIST');
      expect(await errnoOf(() => process.shmget(7, 5 * MIB, {}))).toBe('EINVAL');
      expect(await errnoOf(() => process.shmget(8, 1, {}))).toBe('ENOENT');
      const mapping = process.shmat(id);
      await process.touch(mapping, { write: true });
      expect(exact(world, cgroup, L.STAT_SHMEM)).toBe(1);
      process.shmRemove(id);
      // Removed, and there until the last one lets it go.
      expect(process.shmList()).toMatchObject([{ id, key: 0, nattch: 1 }]);
      expect(await errnoOf(() => process.shmget(7, 0, {}))).toBe('ENOENT');
      process.munmap(mapping);
      await process.sync();
      expect(process.shmList()).toEqual([]);
      expect(exact(world, cgroup, L.STAT_SHMEM)).toBe(0);
    });
    expect(exact(world, first, L.STAT_SHMEM)).toBe(0);
    expect(machine.audit()).toBeNull();
  });

  it('a memfd goes with its last descriptor or mapping', async () => {
    const world = await boot();
    await inBody(world, '/job', async (process, cgroup) => {
      const fd = process.memfdCreate('x');
      await process.write(fd, zeros(MIB));
      const mapping = process.mmapFile(fd, { pages: 256, write: true });
      await process.touch(mapping);
      process.close(fd);
      await process.sync();
      expect(exact(world, cgroup, L.STAT_SHMEM)).toBe(256);
      process.munmap(mapping);
      await process.sync();
      expect(exact(world, cgroup, L.STAT_SHMEM)).toBe(0);
    });
    expect(world.machine.audit()).toBeNull();
  });
});
