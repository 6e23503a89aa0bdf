/** /sys, as far as scripts look there: block devices and the place where cgroup2 is mounted. */
import { sortByHash } from '../../cgroupfs/name-hash.ts';
import type { Disk, Kernel } from './kernel.ts';
import type { Caller, Inode } from './vfs.ts';
import { FixedDirectory, TextFile, VirtualFs } from './virtual-fs.ts';

const SECTOR = 512;

/** /sys/block/NAME; with `loop` while a file is attached to it. */
class DiskDirectory extends FixedDirectory {
  readonly #disk: () => Disk | undefined;
  readonly #loop: FixedDirectory;
  constructor(fs: SysFs, disk: () => Disk | undefined, { rdev }: Disk) {
    super(fs, 0o755);
    this.#disk = disk;
    this.add('dev', new TextFile(fs, { show: () => `${rdev >> 8}:${rdev & 255}\n` }));
    this.add('ro', new TextFile(fs, { show: () => `${disk()?.readonly ? 1 : 0}\n` }));
    this.add('size', new TextFile(fs, { show: () => `${Math.floor((disk()?.size ?? 0) / SECTOR)}\n` }));
    this.#loop = new FixedDirectory(fs, 0o755);
    this.#loop.parent = this;
    this.#loop.name = 'loop';
    for (const name of ['autoclear', 'backing_file', 'dio', 'offset', 'partscan', 'sizelimit'])
      this.#loop.add(name, new TextFile(fs, { strict: true, show: () => `${disk()?.loop?.[name] ?? ''}\n` }));
  }
  override lookup(name: string, caller: Caller): Inode | null {
    if (name === 'loop') return this.#disk()?.loop === undefined ? null : this.#loop;
    return super.lookup(name, caller);
  }
  override readdir(caller: Caller): string[] {
    const names = super.readdir(caller);
    return sortByHash(this.#disk()?.loop === undefined ? names : [...names, 'loop']);
  }
}

/** /sys/block and /sys/devices/virtual/block: whatever disks there are now. */
class BlockDirectory extends FixedDirectory {
  readonly #kernel: Kernel;
  readonly #known = new Map<string, FixedDirectory>();
  declare readonly fs: SysFs;
  constructor(fs: SysFs, kernel: Kernel) {
    super(fs, 0o755);
    this.#kernel = kernel;
  }
  override lookup(name: string, _caller: Caller): Inode | null {
    const disk = () => this.#kernel.disks().find((each) => each.name === name);
    const found = disk();
    if (found === undefined) return null;
    let directory = this.#known.get(name);
    if (directory === undefined) {
      directory = new DiskDirectory(this.fs, disk, found);
      directory.parent = this;
      directory.name = name;
      this.#known.set(name, directory);
    }
    return directory;
  }
  override readdir(): string[] {
    return sortByHash(this.#kernel.disks().map(({ name }) => name));
  }
}

export class SysFs extends VirtualFs {
  readonly type = 'sysfs';
  readonly root: FixedDirectory;
  constructor(kernel: Kernel, dev: number) {
    super(dev, kernel.realtime);
    this.root = new FixedDirectory(this);
    this.root.add('block', new BlockDirectory(this, kernel));
    const names = this.root.add('dev', new FixedDirectory(this, 0o755));
    names.add('block', new FixedDirectory(this, 0o755));
    const fs = this.root.add('fs', new FixedDirectory(this, 0o755));
    fs.add('cgroup', new FixedDirectory(this, 0o755));
    const kernelDirectory = this.root.add('kernel', new FixedDirectory(this, 0o755));
    kernelDirectory.add('cgroup', new FixedDirectory(this, 0o755));
    kernelDirectory.add('mm', new FixedDirectory(this, 0o755));
  }
}
