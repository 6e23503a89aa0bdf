/** /sys, as far as scripts look there: block devices and the place where cgroup2 is mounted. */
import type { Kernel } from './kernel.ts';
import type { Caller, Inode } from './vfs.ts';
import { FixedDirectory, TextFile, VirtualFs } from './virtual-fs.ts';

const SECTOR = 512;

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
      directory = new FixedDirectory(this.fs, 0o755);
      directory.parent = this;
      directory.name = name;
      const { rdev } = found;
      directory.add('dev', new TextFile(this.fs, { show: () => `${rdev >> 8}:${rdev & 255}\n` }));
      directory.add('ro', new TextFile(this.fs, { show: () => `${disk()?.readonly ? 1 : 0}\n` }));
      directory.add('size', new TextFile(this.fs, { show: () => `${Math.floor((disk()?.size ?? 0) / SECTOR)}\n` }));
      this.#known.set(name, directory);
    }
    return directory;
  }
  override readdir(): string[] {
    return this.#kernel.disks().map(({ name }) => name);
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
