/** /proc: processes, memory, and the knobs of vm. fs/proc. Keys and formats are those of the parity guest's kernel. */

import { SyscallError } from './error.ts';
import type { Kernel } from './kernel.ts';
import type { Mount, MountNamespace, Path } from './mount.ts';
import { pathOf } from './namei.ts';
import { UserProcess } from './process.ts';
import { ProcessDirectory } from './procfs-process.ts';
import { mangle, meminfoLine, seconds } from './procfs-text.ts';
import { PROC_VMSTAT } from './procfs-vmstat.ts';
import { sysctlDirectory } from './sysctl.ts';
import { type Caller, type Inode, PAGE_SIZE } from './vfs.ts';
import { FixedDirectory, TextFile, VirtualFs, VirtualLink } from './virtual-fs.ts';

const KIB_PER_PAGE = PAGE_SIZE / 1024;
/** vm.dirty_ratio, vm.dirty_background_ratio */
const DIRTY_RATIO = 20;
const DIRTY_BACKGROUND_RATIO = 10;
/** a tick of USER_HZ, 100 a second */
const USER_HZ_NS = 10_000_000n;

class ProcRoot extends FixedDirectory {
  readonly #kernel: Kernel;
  readonly #processes = new Map<number, { of: unknown; directory: Inode }>();
  declare readonly fs: ProcFs;
  constructor(fs: ProcFs, kernel: Kernel) {
    super(fs);
    this.#kernel = kernel;
  }
  override lookup(name: string, caller: Caller): Inode | null {
    if (!/^[1-9][0-9]*$/.test(name)) return super.lookup(name, caller);
    const pid = Number(name);
    const of = this.#kernel.processes.get(pid) ?? this.#kernel.kernelThreads.get(pid);
    if (of === undefined) return null;
    const known = this.#processes.get(pid);
    if (known !== undefined && known.of === of) return known.directory;
    const directory = new ProcessDirectory(this.fs, this.#kernel, of);
    directory.parent = this;
    directory.name = name;
    this.#processes.set(pid, { of, directory });
    return directory;
  }
  override readdir(caller: Caller): string[] {
    for (const pid of this.#processes.keys())
      if (!this.#kernel.processes.has(pid) && !this.#kernel.kernelThreads.has(pid)) this.#processes.delete(pid);
    const pids = [...this.#kernel.processes.keys(), ...this.#kernel.kernelThreads.keys()].sort((a, b) => a - b);
    return [...super.readdir(caller), ...pids.map(String)];
  }
  override create(): Inode {
    throw new SyscallError('ENOENT');
  }
}

export class ProcFs extends VirtualFs {
  readonly type = 'proc';
  readonly root: FixedDirectory;

  constructor(kernel: Kernel, dev: number) {
    super(dev, kernel.realtime);
    this.root = new ProcRoot(this, kernel);
    const file = (name: string, show: (caller: Caller) => string) => this.root.add(name, new TextFile(this, { show }));
    const self = (caller: Caller) => (caller instanceof UserProcess ? String(caller.pid) : '1');
    this.root.add('self', new VirtualLink(this, self));
    this.root.add('thread-self', new VirtualLink(this, (caller) => `${self(caller)}/task/${self(caller)}`));
    this.root.add('mounts', new VirtualLink(this, () => 'self/mounts'));
    file('cgroups', () => showCgroups(kernel));
    file('cmdline', () => 'mem=1G root=98:0 console=tty0\n');
    file('filesystems', () => showFileSystems(kernel));
    file('loadavg', () => showLoadavg(kernel));
    file('meminfo', () => showMeminfo(kernel));
    file('partitions', () => `major minor  #blocks  name\n\n${showPartitions(kernel)}`);
    file('stat', () => showStat(kernel));
    file('swaps', () => showSwaps(kernel));
    file('uptime', () => `${seconds(kernel.scheduler.now)} ${seconds(kernel.scheduler.idle)}\n`);
    file('version', () => `Linux version ${kernel.release} (memcharge) ${kernel.version}\n`);
    file('vmstat', () => showVmstat(kernel));
    const ipc = this.root.add('sysvipc', new FixedDirectory(this));
    ipc.add('shm', new TextFile(this, { show: () => showShm(kernel) }));
    this.root.add('sys', sysctlDirectory(this, kernel));
  }
}

// ------------------------------------------------------------------------------------------------ memory

function kib(pages: number): number {
  return pages * KIB_PER_PAGE;
}

/** Pages of the whole machine, by the names of memory.stat: what the counters say at this moment. */
function nodeStat(kernel: Kernel): Record<string, number> {
  return kernel.machine.statNow();
}

function showMeminfo(kernel: Kernel): string {
  const { machine } = kernel;
  const vm = machine.vmstat();
  const stat = nodeStat(kernel);
  const of = (name: string) => (stat[name] ?? 0) / 1024;
  const swaps = kernel.swap?.list() ?? [];
  const swapTotal = swaps.reduce((sum, { size }) => sum + size, 0);
  const swapUsed = swaps.reduce((sum, { used }) => sum + used, 0);
  const free = kib(vm.nr_free_pages);
  const lowWatermark = kib(vm.low);
  const file = of('active_file') + of('inactive_file');
  const reclaimable = of('slab_reclaimable');
  // si_mem_available()
  const reserve = kib(vm.high);
  const available =
    free - reserve + file - Math.min(file / 2, lowWatermark) + reclaimable - Math.min(reclaimable / 2, lowWatermark);
  const rows: [string, number][] = [
    ['MemTotal', kib(vm.managed)],
    ['MemFree', free],
    ['MemAvailable', available],
    ['Buffers', kernel.bufferPages() * KIB_PER_PAGE],
    ['Cached', of('file') - kernel.bufferPages() * KIB_PER_PAGE],
    ['SwapCached', of('swapcached')],
    ['Active', of('active_anon') + of('active_file')],
    ['Inactive', of('inactive_anon') + of('inactive_file')],
    ['Active(anon)', of('active_anon')],
    ['Inactive(anon)', of('inactive_anon')],
    ['Active(file)', of('active_file')],
    ['Inactive(file)', of('inactive_file')],
    ['Unevictable', of('unevictable')],
    ['Mlocked', of('unevictable')],
    ['SwapTotal', swapTotal],
    ['SwapFree', swapTotal - swapUsed],
    ['Zswap', 0],
    ['Zswapped', 0],
    ['Dirty', of('file_dirty')],
    ['Writeback', of('file_writeback')],
    ['AnonPages', of('anon')],
    ['Mapped', of('file_mapped')],
    ['Shmem', of('shmem')],
    ['KReclaimable', reclaimable],
    ['Slab', of('slab')],
    ['SReclaimable', reclaimable],
    ['SUnreclaim', of('slab_unreclaimable')],
    ['KernelStack', of('kernel_stack')],
    ['PageTables', of('pagetables')],
    ['SecPageTables', 0],
    ['NFS_Unstable', 0],
    ['Bounce', 0],
    ['WritebackTmp', 0],
    ['CommitLimit', kib(vm.managed) / 2 + swapTotal],
    ['Committed_AS', of('anon') + of('shmem')],
    ['VmallocTotal', 533_078_000],
    ['VmallocUsed', 5_960],
    ['VmallocChunk', 0],
    ['Percpu', of('percpu')],
  ];
  return rows.map(([name, value]) => meminfoLine(name, value)).join('');
}

function showVmstat(kernel: Kernel): string {
  const { machine } = kernel;
  const vm = machine.vmstat();
  const stat = nodeStat(kernel);
  const pages = (name: string) => (stat[name] ?? 0) / PAGE_SIZE;
  const count = (name: string) => stat[name] ?? 0;
  const values: Record<string, number> = {
    nr_free_pages: vm.nr_free_pages,
    nr_slab_reclaimable: Math.ceil(pages('slab_reclaimable')),
    nr_slab_unreclaimable: Math.ceil(pages('slab_unreclaimable')),
    nr_anon_pages: pages('anon'),
    nr_mapped: pages('file_mapped'),
    nr_file_pages: pages('file') + pages('swapcached'),
    nr_dirty: pages('file_dirty'),
    nr_zone_write_pending: pages('file_dirty') + pages('file_writeback'),
    nr_writeback: pages('file_writeback'),
    nr_shmem: pages('shmem'),
    nr_mlock: pages('unevictable'),
    nr_kernel_stack: count('kernel_stack') / 1024,
    nr_page_table_pages: pages('pagetables'),
    nr_swapcached: pages('swapcached'),
    pswpin: vm.pswpin,
    pswpout: vm.pswpout,
    allocstall_normal: vm.allocstall,
    pgsteal_kswapd: vm.pgsteal_kswapd,
    pgsteal_direct: count('pgsteal_direct') || vm.pgsteal_direct,
    pgscan_kswapd: vm.pgscan_kswapd,
    pgscan_direct: count('pgscan_direct') || vm.pgscan_direct,
    pageoutrun: vm.pageoutrun,
    oom_kill: vm.oom_kill,
    drop_pagecache: kernel.dropped.pagecache,
    drop_slab: kernel.dropped.slab,
  };
  for (const list of ['inactive_anon', 'active_anon', 'inactive_file', 'active_file', 'unevictable']) {
    values[`nr_${list}`] = pages(list);
    values[`nr_zone_${list}`] = pages(list);
  }
  for (const name of ['pgfault', 'pgmajfault', 'pgrefill', 'pgactivate', 'pgdeactivate']) values[name] = count(name);
  for (const what of ['refault', 'activate', 'restore'])
    for (const kind of ['anon', 'file']) values[`workingset_${what}_${kind}`] = count(`workingset_${what}_${kind}`);
  values.workingset_nodereclaim = count('workingset_nodereclaim');
  // global_dirty_limits(): shares of what could be dirty
  const dirtyable = vm.nr_free_pages - vm.high + pages('inactive_file') + pages('active_file');
  values.nr_dirty_threshold = Math.max(0, Math.floor((dirtyable * DIRTY_RATIO) / 100));
  values.nr_dirty_background_threshold = Math.max(0, Math.floor((dirtyable * DIRTY_BACKGROUND_RATIO) / 100));
  return PROC_VMSTAT[kernel.machine.kernel].map((name) => `${name} ${Math.round(values[name] ?? 0)}\n`).join('');
}

function showSwaps(kernel: Kernel): string {
  const head = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n';
  const rows = (kernel.swap?.list() ?? []).map(({ path, type, size, used, priority }) => {
    const number = (kib: number) => {
      const text = String(kib);
      return `${text}\t${text.length < 8 ? '\t' : ''}`;
    };
    return `${path}${' '.repeat(Math.max(1, 40 - path.length))}${type}${type === 'file' ? '\t\t' : '\t'}${number(size)}${number(used)}${priority}\n`;
  });
  return head + rows.join('');
}

function showShm(kernel: Kernel): string {
  const head =
    '       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n';
  const rows = (kernel.sharedMemory?.list() ?? []).map((segment) => {
    const { key, id, mode, size, nattch, uid } = segment;
    const pad = (value: number | string, width: number) => String(value).padStart(width);
    const bits = mode.toString(8);
    return `${pad(key, 10)} ${pad(id, 10)}  ${pad(bits, 4)} ${pad(size, 21)} ${pad(segment.cpid ?? 0, 5)} ${pad(segment.lpid ?? 0, 5)} ${pad(nattch, 5)} ${pad(uid, 5)} ${pad(0, 5)} ${pad(uid, 5)} ${pad(0, 5)} ${pad(segment.atime ?? 0, 10)} ${pad(segment.dtime ?? 0, 10)} ${pad(segment.ctime ?? 0, 10)} ${pad(segment.rss ?? 0, 21)} ${pad(segment.swap ?? 0, 21)}\n`;
  });
  return head + rows.join('');
}

// ------------------------------------------------------------------------------------------------ the rest

function showCgroups(kernel: Kernel): string {
  const names = ['cpu', 'cpuacct', 'blkio', 'memory', 'devices', 'freezer', 'net_cls', 'pids'];
  const cgroups = kernel.cgroupCount();
  return `#subsys_name\thierarchy\tnum_cgroups\tenabled\n${names.map((name) => `${name}\t0\t${cgroups}\t1\n`).join('')}`;
}

/** Those that need no device, then those that do. */
function showFileSystems(kernel: Kernel): string {
  const device = new Set(['ext4', 'ext3', 'ext2']);
  const names = [...kernel.fileSystems.keys()];
  const hostfs = names.includes('hostfs') ? names : [...names, 'hostfs'];
  return hostfs.map((name) => `${device.has(name) ? '' : 'nodev'}\t${name}\n`).join('');
}

function showLoadavg(kernel: Kernel): string {
  const { runnable } = kernel.scheduler;
  const all = kernel.processes.size + kernel.kernelThreads.size;
  return `0.00 0.00 0.00 ${Math.max(1, runnable)}/${all} ${kernel.lastPid}\n`;
}

/** show_partition(): what has a size */
function showPartitions(kernel: Kernel): string {
  const words = (rdev: number, size: number) =>
    `${String(rdev >> 8).padStart(4)} ${String(rdev & 255).padStart(8)} ${String(Math.floor(size / 1024)).padStart(10)}`;
  const disks = kernel.disks().filter(({ size }) => size > 0);
  return disks.map(({ name, rdev, size }) => `${words(rdev, size)} ${name}\n`).join('');
}

function showStat(kernel: Kernel): string {
  const { scheduler } = kernel;
  const ticks = (ns: bigint) => ns / USER_HZ_NS;
  const busy = ticks(scheduler.now - scheduler.idle);
  const idle = ticks(scheduler.idle);
  const cpus = Array.from({ length: kernel.cpus }, (_, i) => `cpu${i} ${i === 0 ? busy : 0} 0 0 ${idle} 0 0 0 0 0 0\n`);
  const bootSeconds = (kernel.realtime - scheduler.now) / 1_000_000_000n;
  return `cpu  ${busy} 0 0 ${idle} 0 0 0 0 0 0\n${cpus.join('')}ctxt ${scheduler.switches}\nbtime ${bootSeconds}\nprocesses ${kernel.lastPid}\nprocs_running ${Math.max(1, scheduler.runnable)}\nprocs_blocked 0\n`;
}

/** The mounts that can be seen from a root, with the path of each. */
function visible(namespace: MountNamespace, root: Path): { mount: Mount; at: string }[] {
  return namespace.mounts.map((mount) => ({
    mount,
    at: mount.parent === null ? '/' : pathOf({ mount, inode: mount.root }, root),
  }));
}

function mountFlags(mount: Mount): string {
  const flags = ['nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime'].filter((flag) => mount.flags.has(flag));
  const time = mount.flags.has('noatime') || mount.flags.has('strictatime') ? [] : ['relatime'];
  return [mount.flags.has('ro') ? 'ro' : 'rw', ...flags, ...time].join(',');
}

/** /proc/PID/mounts: of a mount that is read-only or of a super block that is. */
export function showMounts(namespace: MountNamespace, root: Path): string {
  return visible(namespace, root)
    .map(({ mount, at }) => {
      const flags = mountFlags(mount);
      const options = [mount.fs.readonly ? flags.replace(/^rw/, 'ro') : flags, ...mount.fs.showOptions()].join(',');
      return `${mangle(mount.source)} ${mangle(at)} ${mount.fs.type} ${options} 0 0\n`;
    })
    .join('');
}

/** /proc/PID/mountinfo */
export function showMountinfo(namespace: MountNamespace, root: Path): string {
  return visible(namespace, root)
    .map(({ mount, at }) => {
      const { dev } = mount.fs;
      const below =
        mount.root === mount.fs.root ? '/' : pathOf({ mount, inode: mount.root }, { mount, inode: mount.fs.root });
      const superOptions = [mount.fs.readonly ? 'ro' : 'rw', ...mount.fs.showOptions()].join(',');
      return `${mount.id} ${mount.parent?.id ?? 1} ${dev >> 8}:${dev & 255} ${mangle(below)} ${mangle(at)} ${mountFlags(mount)} - ${mount.fs.type} ${mangle(mount.source)} ${superOptions}\n`;
    })
    .join('');
}
