/** tmpfs: files of shmem pages, within a size and a number of inodes. mm/shmem.c; Documentation/filesystems/tmpfs.rst. */
import { DataInode } from './data-inode.ts';
import { asSyscall, PAYER_ERRNOS, SyscallError } from './error.ts';
import { FileData } from './file-data.ts';
import type { Kernel, Payer } from './kernel.ts';
import type { Extra } from './memory-fs.ts';
import { slabOf } from './slab.ts';
import { SlabDirectory, SlabFs } from './slab-fs.ts';
import { NO_QUOTA, type Owned, type QuotaOptions, quotaOption, quotaRoom, showQuota } from './tmpfs-quota.ts';
import { type Caller, type Inode, PAGE_SIZE, type StatFs } from './vfs.ts';

/** What a name adds to the size of its directory: BOGO_DIRENT_SIZE. */
const DIRENT_SIZE = 20;
/** The first number, which MemoryFs has given to its own root. */
const ROOT_INO = 1;

/** What `mount -t tmpfs -o` tells. */
interface TmpFsOptions {
  /** pages; 0: any number */
  blocks: number;
  /** 0: any number */
  inodes: number;
  mode: number;
  uid: number;
  gid: number;
  quota: QuotaOptions;
  /** which resource domain its files are for, under a policy that has such; '': none */
  domain: string;
}

/** memparse(): a number in C's notation with a suffix; bytes. SyscallError EINVAL. */
function memparse(text: string): { value: number; rest: string } {
  const match = /^(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)([kKmMgGtTpPeE]?)(.*)$/.exec(text);
  if (match === null) throw new SyscallError('EINVAL');
  const [, digits = '', suffix = '', rest = ''] = match;
  const octal = /^0[0-7]+$/.test(digits);
  const shift = ' kmgtpe'.indexOf(suffix.toLowerCase() || ' ');
  return { value: (octal ? Number.parseInt(digits, 8) : Number(digits)) * 1024 ** shift, rest };
}

function whole(text: string): number {
  const { value, rest } = memparse(text);
  if (rest !== '') throw new SyscallError('EINVAL');
  return value;
}

function inBase(text: string, base: 8 | 10): number {
  if (!(base === 8 ? /^[0-7]+$/ : /^[0-9]+$/).test(text)) throw new SyscallError('EINVAL');
  return Number.parseInt(text, base);
}

class TmpFile extends DataInode {
  declare readonly fs: TmpFs;
  readonly data: FileData;
  constructor(fs: TmpFs, ino: number, mode: number, caller: Caller, payer: number) {
    super(fs, ino, 'file', mode, caller.realtime);
    const { kernel, superBlock } = fs;
    this.data = new FileData(kernel, 'shmem', {
      superBlock,
      ...(fs.hasQuota && { quota: (user) => fs.quotaRoom(this, user) }),
      ...(kernel.policed && { made: { task: caller.task, payer } }),
    });
  }
  override open(file: { flags: { direct?: boolean } }): void {
    // 6.6 was the first that lets tmpfs files be opened with O_DIRECT.
    if (file.flags.direct && this.fs.kernel.machine.kernel === '6.1') throw new SyscallError('EINVAL');
  }
  override async fsync(): Promise<void> {}
  override evict(): void {
    this.data.evict();
    this.fs.evicted(this);
  }
}

class TmpDirectory extends SlabDirectory {
  override get size(): number {
    return DIRENT_SIZE * (2 + this.entries.size);
  }
}

export class TmpFs extends SlabFs {
  override readonly inodeObject = slabOf('shmem_inode_cache');
  // A dentry of tmpfs is pinned for as long as its name exists (simple_dentry_operations): no shrinker has it.
  override readonly dentryObject = slabOf('dentry', { pinned: true });
  override readonly root: TmpDirectory;
  /** the engine's object that has the limit */
  readonly superBlock: number;
  override readonly attributes: readonly string[];
  #options: TmpFsOptions;
  readonly #default: TmpFsOptions;
  /** who pays for all of it, under a policy that has that */
  #payer: Payer | null;

  constructor(kernel: Kernel, options: readonly string[] = [], caller?: Caller, payer: Payer | null = null) {
    super(kernel, 'tmpfs', kernel.nextDev(), 0o1777);
    // shmem_default_max_blocks(), shmem_default_max_inodes(): half of memory
    const half = Math.floor(kernel.machine.capacities.pages / 2);
    this.#default = {
      blocks: half,
      inodes: half,
      mode: 0o1777,
      uid: caller?.uid ?? 0,
      gid: caller?.gid ?? 0,
      quota: NO_QUOTA,
      domain: '',
    };
    this.#options = this.#parse(options, this.#default);
    this.#payer = payer;
    const made = { task: caller?.task ?? 0, payer: payer?.memcg ?? 0 };
    this.superBlock = kernel.policed
      ? asSyscall(() => kernel.machine.newMount(0, made), PAYER_ERRNOS)
      : kernel.machine.newObject('shmem');
    // 6.6 was the first with attributes of users.
    this.attributes = kernel.machine.kernel === '6.1' ? ['trusted'] : ['user', 'trusted'];
    this.root = new TmpDirectory(this, ROOT_INO, 'directory', this.#options.mode, kernel.realtime);
    this.root.uid = this.#options.uid;
    this.root.gid = this.#options.gid;
    this.#limit();
  }

  /** … without any limit, for what has no mount: memfd_create(2), shmget(2). */
  static internal(kernel: Kernel): TmpFs {
    const fs = new TmpFs(kernel);
    fs.#options = { ...fs.#options, blocks: Number.POSITIVE_INFINITY, inodes: 0 };
    fs.#limit();
    return fs;
  }

  #limit(): void {
    const { blocks } = this.#options;
    const most = blocks >= 2 ** 32 ? 0 : blocks;
    this.kernel.machine.engine.setSuperMax(this.superBlock, most);
  }

  /** shmem_parse_options(). SyscallError EINVAL. */
  #parse(words: readonly string[], before: TmpFsOptions): TmpFsOptions {
    const options = { ...before };
    for (const word of words) {
      const at = word.indexOf('=');
      const [name, value] = at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
      if (name === 'size') options.blocks = Math.ceil(this.#size(value) / PAGE_SIZE);
      else if (name === 'nr_blocks') options.blocks = whole(value);
      else if (name === 'nr_inodes') options.inodes = whole(value);
      else if (name === 'mode') options.mode = inBase(value, 8) & 0o7777;
      else if (name === 'uid') options.uid = inBase(value, 10);
      else if (name === 'gid') options.gid = inBase(value, 10);
      else if (name === 'memcg_domain' && value !== '' && this.kernel.machine.policy.answers.payer === 'domain')
        options.domain = value;
      else if (this.kernel.machine.kernel !== '6.1' && /quota/.test(name)) {
        const quota = quotaOption(options.quota, name, value, whole);
        if (quota === null) throw new SyscallError('EINVAL');
        options.quota = quota;
      }
      // Not for transparent huge pages, which no machine here has.
      else throw new SyscallError('EINVAL');
    }
    return options;
  }
  #size(text: string): number {
    const { value, rest } = memparse(text);
    if (rest === '') return value;
    if (rest !== '%') throw new SyscallError('EINVAL');
    return (value * this.kernel.machine.capacities.pages * PAGE_SIZE) / 100;
  }

  get #used(): number {
    return this.kernel.machine.engine.superUsed(this.superBlock);
  }

  override remount(words: readonly string[], caller: Caller, payer: Payer | null): void {
    const options = this.#parse(words, this.#options);
    // "None of the quota related mount options can be set or changed on remount."
    if (JSON.stringify(options.quota) !== JSON.stringify(this.#options.quota)) throw new SyscallError('EINVAL');
    if (options.blocks < this.#used) throw new SyscallError('EINVAL');
    if (options.inodes > 0 && options.inodes < this.inodes) throw new SyscallError('EINVAL');
    if (payer !== null) {
      const made = { task: caller.task, payer: payer.memcg };
      asSyscall(() => this.kernel.machine.remount(this.superBlock, made), PAYER_ERRNOS);
      this.#payer = payer;
    }
    this.#options = options;
    this.#limit();
  }
  override showOptions(): string[] {
    const { blocks, inodes, mode, uid, gid, quota, domain } = this.#options;
    return [
      ...(blocks === this.#default.blocks ? [] : [`size=${blocks * (PAGE_SIZE / 1024)}k`]),
      ...(inodes === this.#default.inodes ? [] : [`nr_inodes=${inodes}`]),
      ...(mode === 0o1777 ? [] : [`mode=${mode.toString(8).padStart(3, '0')}`]),
      ...(uid === 0 ? [] : [`uid=${uid}`]),
      ...(gid === 0 ? [] : [`gid=${gid}`]),
      ...showQuota(quota),
      ...(domain === '' ? [] : [`memcg_domain=${domain}`]),
      ...(this.#payer === null ? [] : [`memcg=${this.#payer.path}`]),
    ];
  }
  override statfs(): StatFs {
    const { blocks, inodes } = this.#options;
    const bfree = blocks - Math.min(blocks, this.#used);
    const ffree = inodes === 0 ? 0 : inodes - this.inodes;
    return { bsize: PAGE_SIZE, blocks, bfree, bavail: bfree, files: inodes, ffree, type: 'tmpfs' };
  }

  protected override reserveInode(caller: Caller): void {
    const { inodes, quota } = this.#options;
    if (inodes > 0 && this.inodes >= inodes) throw new SyscallError('ENOSPC');
    const theirs = (is: (inode: Owned) => boolean) => this.allInodes().filter(is).length;
    if (quotaRoom(quota, 'inodes', caller, caller.uid, theirs) < 1) throw new SyscallError('EDQUOT');
  }
  get hasQuota(): boolean {
    return this.#options.quota.on.length > 0;
  }
  /** Pages that the caller may still add to a file. */
  quotaRoom(file: Owned, caller: Caller): number {
    const theirs = (is: (inode: Owned) => boolean) =>
      this.allInodes().reduce((sum, inode) => sum + (inode instanceof TmpFile && is(inode) ? inode.data.pages : 0), 0);
    const bytes = (is: (inode: Owned) => boolean) => theirs(is) * PAGE_SIZE;
    return Math.floor(quotaRoom(this.#options.quota, 'blocks', file, caller.uid, bytes) / PAGE_SIZE);
  }
  protected override makeFile(mode: number, caller: Caller, { payer = 0 }: Extra): Inode {
    const file = new TmpFile(this, this.nextIno(), mode, caller, payer);
    const { domain } = this.#options;
    if (domain !== '') this.kernel.machine.markObject(file.data.object, domain);
    return file;
  }
  protected override makeDirectory(mode: number, caller: Caller): Inode {
    return new TmpDirectory(this, this.nextIno(), 'directory', mode, caller.realtime);
  }
  /** A file that has no name; `payer`: who was chosen to pay for it. */
  unnamed(mode: number, caller: Caller, payer: Payer | null): Inode & { data: FileData } {
    const inode = this.makeInode('file', mode, caller, { payer: payer?.memcg ?? 0 }) as TmpFile;
    inode.nlink = 0;
    inode.uid = caller.uid;
    inode.gid = caller.gid;
    return inode;
  }

  /** shmem_put_super(): nothing of it stays. */
  override unmount(): void {
    for (const inode of this.allInodes()) {
      if (inode instanceof SlabDirectory) inode.dropDentries();
      if (inode instanceof TmpFile) inode.data.evict();
      this.evicted(inode);
    }
    this.root.dropDentries();
    this.kernel.machine.freeObject(0, this.superBlock);
  }
}
