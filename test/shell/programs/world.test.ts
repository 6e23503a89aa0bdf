/** Programs that need the world's kernel: what they say was taken from a real one (Debian 12's programs on Linux 6.1). */
import { beforeAll, describe, expect, test } from 'vitest';
import type { World } from '../../../bindings/shell/kernel/world.ts';
import { bootPrograms } from './both.ts';

let world: World;
const run = async (line: string): Promise<{ out: string; exit: number }> => {
  const argv = line.split(' ');
  const { console: out, exit } = await world.run(argv[0]!, argv);
  world.machine.audit();
  return { out, exit };
};
const expectRuns = async (table: readonly (readonly [string, number, string])[]): Promise<void> => {
  for (const [line, exit, out] of table) expect({ line, ...(await run(line)) }).toEqual({ line, exit, out });
};

describe('programs of mounts and devices', () => {
  beforeAll(async () => {
    world = await bootPrograms();
  });

  test('losetup', async () => {
    await expectRuns([
      ['truncate -s 4m /tmp/a /tmp/b', 0, ''],
      ['losetup /dev/loop0 /nosuch', 1, 'losetup: /nosuch: failed to set up loop device: No such file or directory\n'],
      ['losetup /dev/loop0 /tmp/a', 0, ''],
      ['losetup /dev/loop0 /tmp/b', 1, 'losetup: /tmp/b: failed to set up loop device: Device or resource busy\n'],
      ['losetup /dev/loop1', 1, 'losetup: /dev/loop1: No such file or directory\n'],
      ['losetup -l -O NAME,BACK-FILE', 0, 'NAME       BACK-FILE\n/dev/loop0 /tmp/a\n'],
      [
        'losetup',
        0,
        'NAME       SIZELIMIT OFFSET AUTOCLEAR RO BACK-FILE DIO LOG-SEC\n' +
          '/dev/loop0         0      0         0  0 /tmp/a      0     512\n',
      ],
      ['losetup -j /tmp/b', 0, ''],
      ['losetup -f', 0, '/dev/loop1\n'],
      ['losetup -f --show /tmp/b', 0, '/dev/loop1\n'],
      ['losetup -d /dev/loop0', 0, ''],
      ['losetup -d /dev/loop0', 1, 'losetup: /dev/loop0: detach failed: No such device or address\n'],
      ['losetup -d /dev/loop77', 1, 'losetup: /dev/loop77: failed to use device: No such device\n'],
      ['losetup -D', 0, ''],
      ['losetup -a', 0, ''],
      ['losetup -z', 1, "losetup: invalid option -- 'z'\nTry 'losetup --help' for more information.\n"],
      ['losetup --show /tmp/a', 1, 'losetup: /tmp/a: failed to use device: No such device\n'],
      [
        'losetup /dev/nosuch /tmp/a',
        1,
        'losetup: /dev/nosuch: failed to set up loop device: No such file or directory\n',
      ],
      ['truncate -s 1000 /tmp/small', 0, ''],
      [
        'losetup /dev/loop0 /tmp/small',
        0,
        'losetup: /tmp/small: Warning: file does not fit into a 512-byte sector; the end of the file will be ignored.\n',
      ],
      ['losetup -c /dev/loop5', 1, 'losetup: /dev/loop5: set capacity failed: No such device or address\n'],
      ['losetup -D', 0, ''],
    ]);
  });

  test('swapon and swapoff', async () => {
    await expectRuns([
      ['swapon', 0, ''],
      ['swapon /dev/ubdb', 0, ''],
      ['swapon /dev/ubdb', 255, 'swapon: /dev/ubdb: swapon failed: Device or resource busy\n'],
      ['swapon /nosuch', 255, 'swapon: cannot open /nosuch: No such file or directory\n'],
      ['swapon -a', 1, 'swapon: failed to parse /etc/fstab: No such file or directory\n'],
      ['swapoff /nosuch', 4, 'swapoff: /nosuch: swapoff failed: No such file or directory\n'],
      ['swapoff /dev/ubdb', 0, ''],
      ['swapoff /dev/ubdb', 4, 'swapoff: /dev/ubdb: swapoff failed: Invalid argument\n'],
      ['swapoff', 16, "swapoff: bad usage\nTry 'swapoff --help' for more information.\n"],
      ['truncate -s 4m /tmp/sw', 0, ''],
      [
        'swapon /tmp/sw',
        255,
        'swapon: /tmp/sw: insecure permissions 0644, 0600 suggested.\nswapon: /tmp/sw: skipping - it appears to have holes.\n',
      ],
    ]);
  });

  test('mount and umount', async () => {
    const dmesg = '       dmesg(1) may have more information after failed mount system call.\n';
    await expectRuns([
      ['mount -t tmpfs tmpfs /nosuch', 32, `mount: /nosuch: mount point does not exist.\n${dmesg}`],
      ['mount -t tmpfs -o size=4m tmpfs /mnt', 0, ''],
      [
        'mount -t tmpfs -o size=zz tmpfs /mnt',
        32,
        `mount: /mnt: wrong fs type, bad option, bad superblock on tmpfs, missing codepage or helper program, or other error.\n${dmesg}`,
      ],
      ['mount -o remount,size=8m /root', 32, `mount: /root: mount point not mounted or bad option.\n${dmesg}`],
      ['mount /dev/ubda', 1, "mount: /dev/ubda: can't find in /etc/fstab.\n"],
      ['mount /dev/nosuch /mnt', 32, `mount: /mnt: special device /dev/nosuch does not exist.\n${dmesg}`],
      ['mount -v -t tmpfs none /mnt', 0, 'mount: none mounted on /mnt.\n'],
      ['umount -v /mnt', 0, 'umount: /mnt unmounted\n'],
      ['umount /mnt', 0, ''],
      ['umount /nosuch', 32, 'umount: /nosuch: no mount point specified.\n'],
      ['umount', 1, "umount: bad usage\nTry 'umount --help' for more information.\n"],
      ['umount /root', 32, 'umount: /root: not mounted.\n'],
    ]);
    expect((await run('mount -t ext4')).out).toBe('/dev/ubda on /disk type ext4 (rw,relatime)\n');
  });

  test('shared memory', async () => {
    await expectRuns([
      ['ipcmk -M 1m', 0, 'Shared memory id: 0\n'],
      ['ipcmk', 1, "ipcmk: bad usage\nTry 'ipcmk --help' for more information.\n"],
      ['ipcrm -m 0', 0, ''],
      ['ipcrm -m 77', 1, 'ipcrm: invalid id (77)\n'],
      ['ipcrm -M 0x1', 1, 'ipcrm: invalid key (0x1)\n'],
      ['memtouch shm 5 8k', 0, ''],
      ['ipcrm -M 5', 0, ''],
      ['ipcrm --shmem-id xyz', 1, "ipcrm: failed to parse argument: 'xyz'\n"],
    ]);
  });

  test('who runs what', async () => {
    await expectRuns([
      ['unshare nosuch', 127, 'unshare: failed to execute nosuch: No such file or directory\n'],
      ['unshare -m true', 0, ''],
      ['unshare -Z', 1, "unshare: invalid option -- 'Z'\nTry 'unshare --help' for more information.\n"],
      ['setpriv --reuid 1000 --regid 1000 --clear-groups id -u', 0, '1000\n'],
      ['setpriv', 1, 'setpriv: No program specified\n'],
      ['setpriv nosuch', 127, 'setpriv: failed to execute nosuch: No such file or directory\n'],
      ['setpriv --reuid abc true', 1, "setpriv: failed to parse reuid: 'abc'\n"],
      ['sudo echo hi', 0, 'hi\n'],
      [
        'memtouch',
        2,
        'usage: memtouch [-dp] [-m CGROUP] anon SIZE | read PATH SIZE | write PATH SIZE | shm KEY SIZE | memfd SIZE\n',
      ],
      ['memtouch read /nosuch 4k', 1, '/nosuch: No such file or directory\n'],
      ['memtouch anon 0', 1, 'memtouch: map: Invalid argument\n'],
    ]);
    const daemon = await run('memtouch -d anon 4M');
    expect(daemon.exit).toBe(0);
    expect(daemon.out).toMatch(/^\d+\n$/);
    expect((await run(`ps -o comm= -p ${daemon.out.trim()}`)).out).toBe('memtouch\n');
    expect((await run(`kill ${daemon.out.trim()}`)).exit).toBe(0);
  });

  test('dd to a full tmpfs says what it wrote', async () => {
    const copied = '1048576 bytes \\(1\\.0 MB, 1\\.0 MiB\\) copied, [\\d.e-]+ s, [\\d.]+ [GM]B/s\n';
    for (const [blocks, words, records] of [
      ['bs=300K', 'error writing', '4+0 records in\n3+0 records out\n'],
      ['ibs=300K obs=300K', 'writing to', '4+0 records in\n3+1 records out\n'],
      ['ibs=100K obs=300K', 'writing to', '12+0 records in\n3+1 records out\n'],
    ] as const) {
      const { out, exit } = await run(`dd if=/dev/zero of=/mnt/full ${blocks}`);
      expect(exit).toBe(1);
      expect(out).toMatch(
        new RegExp(`^dd: ${words} '/mnt/full': No space left on device\n${records.replaceAll('+', '\\+')}${copied}$`),
      );
      await run('rm /mnt/full');
    }
  });
});
