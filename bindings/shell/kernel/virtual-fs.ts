/** File systems whose files the kernel writes as they are read: proc, sysfs. fs/seq_file.c, fs/proc/generic.c. */
import { bytesOf, textOf } from './bytes.ts';
import { SyscallError } from './error.ts';
import { type Caller, FileSystem, Inode, type OpenFile, PAGE_SIZE, type StatFs } from './vfs.ts';

/** What a file says and takes. */
export interface TextFileOptions {
  mode?: number;
  /** its text now; none: it cannot be read (EINVAL, or EACCES where `strict`) */
  show?: (caller: Caller) => string;
  /** what one write(2) does; none: EINVAL */
  store?: (text: string, caller: Caller) => void;
  /** even root goes by the mode: sysctl_perm() */
  strict?: boolean;
}

/** A file of text. */
export class TextFile extends Inode {
  readonly #options: TextFileOptions;
  constructor(fs: VirtualFs, options: TextFileOptions) {
    super(fs, fs.nextIno(), 'file', options.mode ?? 0o444, fs.time);
    this.#options = options;
  }
  override open(file: OpenFile): void {
    if (!this.#options.strict) return;
    const bits = this.mode >> 6;
    if ((file.flags.read && !(bits & 4)) || (file.flags.write && !(bits & 2))) throw new SyscallError('EACCES');
  }
  override async read(file: OpenFile, caller: Caller, offset: number, count: number): Promise<Uint8Array> {
    const { show } = this.#options;
    if (show === undefined) throw new SyscallError('EINVAL');
    // What was begun is read to its end, whatever changes meanwhile.
    if (offset === 0 || !(file.data instanceof Uint8Array)) file.data = bytesOf(show(caller));
    return (file.data as Uint8Array).slice(offset, offset + count);
  }
  override async write(_file: OpenFile, caller: Caller, _offset: number, bytes: Uint8Array): Promise<number> {
    const { store } = this.#options;
    if (store === undefined) throw new SyscallError('EIO');
    store(textOf(bytes), caller);
    return bytes.length;
  }
  /** `>` opens with O_TRUNC, which changes nothing. */
  override async truncate(): Promise<void> {}
  override setattr(): void {
    throw new SyscallError('EPERM');
  }
}

/** A directory whose entries are there from the start. */
export class FixedDirectory extends Inode {
  readonly #entries = new Map<string, Inode>();
  constructor(fs: VirtualFs, mode = 0o555) {
    super(fs, fs.nextIno(), 'directory', mode, fs.time);
  }
  /** Adds an entry. */
  add<T extends Inode>(name: string, inode: T): T {
    this.#entries.set(name, inode);
    if (inode.type === 'directory') {
      inode.parent = this;
      inode.name = name;
      this.nlink++;
    }
    return inode;
  }
  override lookup(name: string, _caller: Caller): Inode | null {
    return this.#entries.get(name) ?? null;
  }
  override readdir(_caller: Caller): string[] {
    return [...this.#entries.keys()];
  }
}

/** A symbolic link whose target is found when it is read. */
export class VirtualLink extends Inode {
  readonly #target: (caller: Caller) => string;
  readonly #magic: ((caller: Caller) => ReturnType<Inode['follow']>) | null;
  constructor(
    fs: VirtualFs,
    target: (caller: Caller) => string,
    magic: ((caller: Caller) => ReturnType<Inode['follow']>) | null = null,
  ) {
    super(fs, fs.nextIno(), 'symlink', 0o777, fs.time);
    this.#target = target;
    this.#magic = magic;
  }
  override readlink(caller: Caller): string {
    return this.#target(caller);
  }
  override follow(caller: Caller): ReturnType<Inode['follow']> {
    return this.#magic?.(caller) ?? null;
  }
}

export abstract class VirtualFs extends FileSystem {
  readonly time: bigint;
  #ino = 1;
  constructor(dev: number, time: bigint) {
    super(dev);
    this.time = time;
  }
  nextIno(): number {
    return this.#ino++;
  }
  statfs(): StatFs {
    return { bsize: PAGE_SIZE, blocks: 0, bfree: 0, type: this.type };
  }
}
