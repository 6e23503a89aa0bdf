/** /proc/PID. fs/proc/base.c, array.c. */
import { SyscallError } from './error.ts';
import type { Kernel } from './kernel.ts';
import type { KernelThreadEntry } from './kernel-threads.ts';
import { pathOf } from './namei.ts';
import { UserProcess } from './process.ts';
import { showMountinfo, showMounts } from './procfs.ts';
import { parseInt10, signalMask } from './procfs-text.ts';
import { type Caller, type Inode, PAGE_SIZE } from './vfs.ts';
import { FixedDirectory, TextFile, type TextFileOptions, type VirtualFs, VirtualLink } from './virtual-fs.ts';

const ALL_CAPABILITIES = '000001ffffffffff';
const NO_CAPABILITIES = '0000000000000000';
const USER_HZ_NS = 10_000_000n;
const COMM_LENGTH = 15;
const KIB = 1024;

/** /proc/PID/fd: a link for each descriptor. */
class FdDirectory extends FixedDirectory {
  readonly #process: UserProcess;
  readonly #links = new Map<number, { file: unknown; link: Inode }>();
  declare readonly fs: VirtualFs;
  constructor(fs: VirtualFs, process: UserProcess) {
    super(fs, 0o500);
    this.#process = process;
    this.uid = process.uid;
    this.gid = process.gid;
  }
  override lookup(name: string, _caller: Caller): Inode | null {
    const fd = /^[0-9]+$/.test(name) ? Number(name) : -1;
    if (!this.#process.fds.has(fd)) return null;
    const file = this.#process.fds.get(fd);
    const known = this.#links.get(fd);
    if (known?.file === file) return known.link;
    const link = new VirtualLink(
      this.fs,
      () => file.path,
      () => ({ mount: file.mount, inode: file.inode }),
    );
    link.mode = (file.flags.read ? 0o500 : 0) | (file.flags.write ? 0o300 : 0);
    this.#links.set(fd, { file, link });
    return link;
  }
  override readdir(): string[] {
    return this.#process.fds.list().map(({ fd }) => String(fd));
  }
}

export class ProcessDirectory extends FixedDirectory {
  readonly #of: UserProcess | KernelThreadEntry;
  readonly #kernel: Kernel;

  constructor(fs: VirtualFs, kernel: Kernel, of: UserProcess | KernelThreadEntry, thread = false) {
    super(fs);
    this.#of = of;
    this.#kernel = kernel;
    const process = of instanceof UserProcess ? of : null;
    const file = (name: string, options: TextFileOptions) => {
      const inode = this.add(name, new TextFile(fs, options));
      inode.uid = process?.uid ?? 0;
      inode.gid = process?.gid ?? 0;
    };
    const live = (show: (process: UserProcess) => string) => () =>
      process === null || process.status !== null ? '' : show(process);
    file('cgroup', {
      show: (caller) => `0::${kernel.cgroupPath(of.pid, caller instanceof UserProcess ? caller.cgroupRoot : null)}\n`,
    });
    file('cmdline', { show: live((p) => p.argv.map((word) => `${word}\0`).join('')) });
    file('comm', {
      mode: 0o644,
      show: () => `${of.comm}\n`,
      store: (text, caller) => {
        if (process === null || caller.pid !== process.pid) throw new SyscallError('EINVAL');
        process.comm = text.slice(0, COMM_LENGTH);
      },
    });
    file('environ', {
      mode: 0o400,
      show: live((p) => [...p.env].map(([name, value]) => `${name}=${value}\0`).join('')),
    });
    file('limits', { show: () => showLimits() });
    file('maps', { show: live((p) => showMaps(p)) });
    file('mountinfo', { show: live((p) => showMountinfo(p.namespace, p.root)) });
    file('mounts', { show: live((p) => showMounts(p.namespace, p.root)) });
    file('oom_adj', {
      mode: 0o644,
      show: () => `${process === null ? 0 : Math.trunc((process.oomScoreAdj * 17) / 1000)}\n`,
    });
    file('oom_score', { show: () => `${this.#oomScore()}\n` });
    file('oom_score_adj', {
      mode: 0o644,
      show: () => `${process?.oomScoreAdj ?? 0}\n`,
      store: (text, caller) => this.#setOomScoreAdj(text, caller),
    });
    file('stat', { show: () => this.#stat() });
    file('statm', { show: () => this.#statm() });
    file('status', { show: () => this.#status() });
    file('wchan', { show: () => '0' });
    if (process !== null) {
      this.add('fd', new FdDirectory(fs, process));
      const gone = () => {
        throw new SyscallError('ENOENT');
      };
      const to = (
        name: string,
        where: () => { text: string; mount: UserProcess['root']['mount']; inode: Inode } | null,
      ) =>
        this.add(
          name,
          new VirtualLink(
            fs,
            () => where()?.text ?? gone(),
            () => where() ?? gone(),
          ),
        );
      to('cwd', () => ({ ...process.cwd, text: pathOf(process.cwd, process.root) }));
      to('root', () => ({ ...process.root, text: '/' }));
      to('exe', () => process.executable && { ...process.executable, text: process.executablePath });
    }
    if (thread) return;
    const tasks = this.add('task', new FixedDirectory(fs));
    tasks.add(String(of.pid), new ProcessDirectory(fs, kernel, of, true));
  }

  get #process(): UserProcess | null {
    return this.#of instanceof UserProcess ? this.#of : null;
  }

  /** Threads of the kernel are kthreadd's, and it is nobody's. */
  get #kernelParent(): number {
    return this.#of.pid === 2 ? 0 : 2;
  }

  /** oom_score_adj_write(), __set_oom_adj() */
  #setOomScoreAdj(text: string, caller: Caller): void {
    const value = parseInt10(text);
    if (value === null || value < -1000 || value > 1000) throw new SyscallError('EINVAL');
    const process = this.#process;
    if (process === null || process.status !== null) throw new SyscallError('ESRCH');
    const capable = caller.uid === 0;
    if (!capable && value < process.oomScoreAdjMin) throw new SyscallError('EACCES');
    process.oomScoreAdj = value;
    if (capable) process.oomScoreAdjMin = value;
    this.#kernel.machine.setOomScoreAdj(process.task, value);
  }

  /** proc_oom_score() */
  #oomScore(): number {
    const process = this.#process;
    if (process === null || process.pid === 1 || process.oomScoreAdj === -1000 || process.status !== null) return 0;
    const { anon, file, shmem, swap, tables } = this.#kernel.residentOf(process);
    const swaps = this.#kernel.swap?.list() ?? [];
    const total =
      this.#kernel.machine.vmstat().managed + swaps.reduce((sum, { size }) => sum + (size * KIB) / PAGE_SIZE, 0);
    const badness = anon + file + shmem + swap + tables + Math.trunc((process.oomScoreAdj * total) / 1000);
    return Math.max(0, Math.trunc(((1000 + Math.trunc((badness * 1000) / total)) * 2) / 3));
  }

  get #state(): string {
    const process = this.#process;
    if (process === null) return (this.#of as KernelThreadEntry).state === 'I' ? 'I (idle)' : 'S (sleeping)';
    if (process.status !== null) return 'Z (zombie)';
    if (process.stopped) return 'T (stopped)';
    const { thread } = process;
    if (thread === undefined) return 'S (sleeping)';
    if (thread.state !== 'blocked') return 'R (running)';
    return thread.interruptible ? 'S (sleeping)' : 'D (disk sleep)';
  }

  #stat(): string {
    const process = this.#process;
    const { pid, comm } = this.#of;
    const ticks = (ns: bigint) => ns / USER_HZ_NS;
    const pages = process === null ? { anon: 0, file: 0, shmem: 0 } : this.#kernel.residentOf(process);
    const rss = pages.anon + pages.file + pages.shmem;
    const fields: (string | number | bigint)[] = [
      pid,
      `(${comm})`,
      this.#state[0]!,
      process?.ppid ?? this.#kernelParent,
      process?.pgid ?? 0,
      process?.sid ?? 0,
      0,
      -1,
      process === null ? 2097216 : 4194304,
      ...[0, 0, 0, 0],
      ticks(process?.thread?.total ?? 0n),
      ...[0, 0, 0, 20, 0, 1, 0],
      ticks(process?.started ?? 0n),
      (process?.space.size ?? 0) * PAGE_SIZE,
      rss,
      '18446744073709551615',
      ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      17,
      process?.thread?.cpu ?? 0,
      ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ];
    return `${fields.join(' ')}\n`;
  }

  #statm(): string {
    const process = this.#process;
    if (process === null || process.status !== null) return '0 0 0 0 0 0 0\n';
    const { anon, file, shmem } = this.#kernel.residentOf(process);
    return `${process.space.size} ${anon + file + shmem} ${file + shmem} 0 0 ${process.space.size} 0\n`;
  }

  #status(): string {
    const process = this.#process;
    const { pid, comm } = this.#of;
    const lines: [string, string | number][] = [['Name', comm]];
    if (process !== null) lines.push(['Umask', process.umask.toString(8).padStart(4, '0')]);
    const uid = process?.uid ?? 0;
    const gid = process?.gid ?? 0;
    lines.push(
      ['State', this.#state],
      ['Tgid', pid],
      ['Ngid', 0],
      ['Pid', pid],
      ['PPid', process?.ppid ?? this.#kernelParent],
      ['TracerPid', 0],
      ['Uid', `${uid}\t${uid}\t${uid}\t${uid}`],
      ['Gid', `${gid}\t${gid}\t${gid}\t${gid}`],
      ['FDSize', process === null ? 64 : 256],
      ['Groups', ' '],
      ['NStgid', pid],
      ['NSpid', pid],
      ['NSpgid', process?.pgid ?? 0],
      ['NSsid', process?.sid ?? 0],
    );
    if (process !== null && process.status === null) lines.push(...this.#memoryLines(process));
    const signals = process?.signals ?? { pending: [], ignored: [], caught: [] };
    const capabilities = uid === 0 ? ALL_CAPABILITIES : NO_CAPABILITIES;
    lines.push(
      ['Threads', 1],
      ['SigQ', '0/3970'],
      ['SigPnd', signalMask([])],
      ['ShdPnd', signalMask(signals.pending)],
      ['SigBlk', signalMask([])],
      ['SigIgn', signalMask(signals.ignored)],
      ['SigCgt', signalMask(signals.caught)],
      ['CapInh', NO_CAPABILITIES],
      ['CapPrm', capabilities],
      ['CapEff', capabilities],
      ['CapBnd', ALL_CAPABILITIES],
      ['CapAmb', NO_CAPABILITIES],
      ['NoNewPrivs', 0],
      ['Seccomp', 0],
      ['Seccomp_filters', 0],
      ['Speculation_Store_Bypass', 'unknown'],
      ['SpeculationIndirectBranch', 'unsupported'],
      ['Cpus_allowed', ((1n << BigInt(this.#kernel.cpus)) - 1n).toString(16)],
      ['Cpus_allowed_list', this.#kernel.cpus === 1 ? '0' : `0-${this.#kernel.cpus - 1}`],
      ['voluntary_ctxt_switches', 0],
      ['nonvoluntary_ctxt_switches', 0],
    );
    return lines.map(([name, value]) => `${name}:\t${value}\n`).join('');
  }

  #memoryLines(process: UserProcess): [string, string][] {
    const { anon, file, shmem, swap } = this.#kernel.residentOf(process);
    const kib = (pages: number) => `${String((pages * PAGE_SIZE) / KIB).padStart(8)} kB`;
    const size = process.space.size;
    return [
      ['VmPeak', kib(size)],
      ['VmSize', kib(size)],
      ['VmLck', kib(0)],
      ['VmPin', kib(0)],
      ['VmHWM', kib(anon + file + shmem)],
      ['VmRSS', kib(anon + file + shmem)],
      ['RssAnon', kib(anon)],
      ['RssFile', kib(file)],
      ['RssShmem', kib(shmem)],
      ['VmData', kib(size)],
      ['VmStk', kib(33)],
      ['VmExe', kib(5)],
      ['VmLib', kib(381)],
      ['VmPTE', kib(process.space.tables)],
      ['VmSwap', kib(swap)],
      ['CoreDumping', '0'],
      ['THP_enabled', '0'],
    ];
  }
}

function showMaps(process: UserProcess): string {
  const hex = (vpn: number) => (BigInt(vpn) * BigInt(PAGE_SIZE)).toString(16).padStart(8, '0');
  const rows = [
    ...[...process.space.anon].map((m) => ({ ...m, flags: 'rw-p', offset: 0, what: '00:00 0 ' })),
    ...[...process.space.files].map((m) => {
      const { dev } = m.file.inode.fs;
      const device = `${(dev >> 8).toString(16).padStart(2, '0')}:${(dev & 255).toString(16).padStart(2, '0')}`;
      const what = `${device} ${m.file.inode.ino}`;
      return {
        ...m,
        flags: m.write ? 'rw-s' : 'r--s',
        offset: m.index * PAGE_SIZE,
        what: `${what.padEnd(39)} ${m.file.path}`,
      };
    }),
  ].sort((a, b) => a.vpn - b.vpn);
  return rows
    .map(
      (m) => `${hex(m.vpn)}-${hex(m.vpn + m.pages)} ${m.flags} ${m.offset.toString(16).padStart(8, '0')} ${m.what}\n`,
    )
    .join('');
}

/** What the guest's init hands down; nothing here changes it. */
function showLimits(): string {
  const rows: [string, string, string, string][] = [
    ['Limit', 'Soft Limit', 'Hard Limit', 'Units'],
    ['Max cpu time', 'unlimited', 'unlimited', 'seconds'],
    ['Max file size', 'unlimited', 'unlimited', 'bytes'],
    ['Max data size', 'unlimited', 'unlimited', 'bytes'],
    ['Max stack size', '8388608', 'unlimited', 'bytes'],
    ['Max core file size', '0', 'unlimited', 'bytes'],
    ['Max resident set', 'unlimited', 'unlimited', 'bytes'],
    ['Max processes', '3970', '3970', 'processes'],
    ['Max open files', '1024', '4096', 'files'],
    ['Max locked memory', '8388608', '8388608', 'bytes'],
    ['Max address space', 'unlimited', 'unlimited', 'bytes'],
    ['Max file locks', 'unlimited', 'unlimited', 'locks'],
    ['Max pending signals', '3970', '3970', 'signals'],
    ['Max msgqueue size', '819200', '819200', 'bytes'],
    ['Max nice priority', '0', '0', ''],
    ['Max realtime priority', '0', '0', ''],
    ['Max realtime timeout', 'unlimited', 'unlimited', 'us'],
  ];
  return rows
    .map(([name, soft, hard, unit]) => `${name.padEnd(25)} ${soft.padEnd(20)} ${hard.padEnd(20)} ${unit.padEnd(10)}\n`)
    .join('');
}
