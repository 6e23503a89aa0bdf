/** A world: a machine, its kernel, and the mounts that a guest's init makes. */

import { CgroupFs } from '../../cgroupfs/cgroupfs.ts';
import { GUEST } from '../../cgroupfs/config.ts';
import { type Kernel as KernelVersion, Machine } from '../../machine.ts';
import type { Policy } from '../../policy/policy.ts';
import { scriptPolicy } from '../policy.ts';
import { byteString, textOf } from './bytes.ts';
import { Cgroup2Fs, cgroupProcesses } from './cgroup-mount.ts';
import { CONSOLE, ConsoleNode, type ConsolePort, memoryDevices } from './devices.ts';
import { DiskFs } from './diskfs.ts';
import { Footprint } from './footprint.ts';
import { FOOTPRINT_6_1 } from './footprint-data-6.1.ts';
import { Kernel } from './kernel.ts';
import { MemoryFs, PlainFile, type TableDirectory } from './memory-fs.ts';
import { Mount, MountNamespace, type Path } from './mount.ts';
import { lookup } from './namei.ts';
import { programFile, UserProcess } from './process.ts';
import { ProcFs } from './procfs.ts';
import { BUFFER_HEAD_BYTES, CACHE_NODE_BYTES } from './slab.ts';
import { attachStorage, type Storage } from './storage.ts';
import type { Body, Program } from './syscalls.ts';
import { SysFs } from './sysfs.ts';
import { TmpFs } from './tmpfs.ts';
import { type Caller, type FileSystem, type Inode, OpenFile, PAGE_SIZE } from './vfs.ts';

export interface WorldOptions {
  /** which kernel's facts; 6.18 unless told */
  kernel?: KernelVersion;
  /** 1 unless told */
  cpus?: number;
  /** bytes; 1 GiB unless told */
  memory?: number;
  /** bytes of the swap device /dev/ubdb; 256 MiB unless told, 0: there is none */
  swap?: number;
  seed?: number;
  /** a charging policy: the name of a preset, or what definePolicy() answers; `linux` unless told. No rewrite of a trace */
  policy?: string | Policy;
  /** records of kills, and sets of users of pages that are told apart: capacities of the machine */
  kills?: number;
  observe?: number;
  /** looks at the machine at these intervals of virtual time, ns since the first process could begin */
  sample?: { every: bigint; take: (ts: bigint, machine: Machine) => void };
  programs?: ReadonlyMap<string, Program>;
  /** what is typed on standard input */
  stdin?: Uint8Array;
  /** told of all output at once */
  onOutput?: (bytes: Uint8Array, stream: 'stdout' | 'stderr') => void;
  /** the standard files are a terminal, as the guest's console is; true unless told */
  tty?: boolean;
}

/**
 * The guest's disks, as O_DIRECT shows them (dd bs=1M; 127 KiB in /sys/block/ubdb/queue/max_sectors_kb): ns to write a page of a long queue, pages of
 * one request. A disk is a thread of the host: while the guest computes it waits for a CPU before it begins. How long was not measured: the
 * millisecond is an estimate, chosen since two swap scripts then write as much as there (62 us were measured where the guest sleeps).
 */
const PAGE_WRITE_NS = 5_200n;
const REQUEST_PAGES = 31;
const WRITE_LATENCY_NS = 1_000_000n;
/** The guest's disk and swap device. */
const DISK_BYTES = 600 * 2 ** 20;
const SWAP_BYTES = 256 * 2 ** 20;
/** The pid of the first script in the guest: what boot and init took. */
const FIRST_PID = 715;
/** How long after boot it begins, ns. */
const BOOT_NS = 1_960_000_000n;
/** What the guest's init exports. */
const ENVIRONMENT = new Map([
  ['HOME', '/'],
  ['TERM', 'linux'],
  ['PATH', '/usr/bin'],
  ['PWD', '/'],
  ['SHLVL', '1'],
  ['_', '/usr/bin/bash'],
]);
/** sizeof(struct page) */
const STRUCT_PAGE = 64;
/** What else of 1 GiB is not `managed` in the guest: its image. Pages. */
const IMAGE_PAGES = 3955;
/** Frames of the machine that a guest of `memory` bytes has: the kernel's image, page structures and reserves are gone. */
function framesOf(memory: number): number {
  const frames = Math.floor(memory / PAGE_SIZE);
  return frames - Math.ceil((frames * STRUCT_PAGE) / PAGE_SIZE) - IMAGE_PAGES;
}

const DEV_NODES: readonly (readonly [string, 'char' | 'block', number, number, number])[] = [
  ['console', 'char', 0o600, 5, 1],
  ['full', 'char', 0o666, 1, 7],
  ['kmsg', 'char', 0o644, 1, 11],
  ['loop-control', 'char', 0o600, 10, 237],
  ...Array.from({ length: 8 }, (_, i) => [`loop${i}`, 'block', 0o600, 7, i] as const),
  ['null', 'char', 0o666, 1, 3],
  ['ptmx', 'char', 0o666, 5, 2],
  ['random', 'char', 0o666, 1, 8],
  ['tty', 'char', 0o666, 5, 0],
  ['ubda', 'block', 0o600, 98, 0],
  ['ubdb', 'block', 0o600, 98, 16],
  ['urandom', 'char', 0o666, 1, 9],
  ['zero', 'char', 0o666, 1, 5],
];

/** What came of a run. */
export interface RunResult {
  /** exit status as a shell sees it: 128 and the signal for who was killed */
  exit: number;
  stdout: string;
  stderr: string;
  /** both, in order */
  console: string;
}

export class World {
  readonly machine: Machine;
  readonly kernel: Kernel;
  readonly init: UserProcess;
  readonly storage: Storage;
  readonly #output: { stream: 'stdout' | 'stderr'; bytes: Uint8Array }[] = [];
  #root!: Path;

  private constructor(machine: Machine, options: WorldOptions) {
    const { cpus = 1, programs = new Map(), seed = 0, stdin = new Uint8Array(0), tty = true } = options;
    this.machine = machine;
    machine.advance(BOOT_NS);
    this.kernel = new Kernel(machine, { cpus, programs, footprint: new Footprint(FOOTPRINT_6_1), firstPid: FIRST_PID });
    let typed = 0;
    const port: ConsolePort = {
      tty,
      input: (count) => {
        const bytes = stdin.subarray(typed, typed + count);
        typed += bytes.length;
        return bytes;
      },
      output: (bytes, stream) => {
        this.#output.push({ stream, bytes: bytes.slice() });
        options.onOutput?.(bytes, stream);
      },
    };
    for (const [number, driver] of memoryDevices(seed, port)) this.kernel.charDevices.set(number, driver);
    this.storage = attachStorage(this.kernel, { disk: DISK_BYTES, swap: options.swap ?? SWAP_BYTES });
    this.init = this.#begin();
    const { sample } = options;
    if (sample !== undefined) this.kernel.sampleEvery(sample.every, (now) => sample.take(now - BOOT_NS, machine));
  }

  /** PolicyError: no such policy, or none for scripts. */
  static async boot(options: WorldOptions = {}): Promise<World> {
    const { kernel = '6.18', cpus = 1, memory = 2 ** 30, swap = SWAP_BYTES, seed = 0 } = options;
    const policy = scriptPolicy(options.policy ?? 'linux');
    const machine = await Machine.boot({
      kernel,
      cpus,
      seed,
      policy,
      residency: 'modelled',
      statistics: 'kernel',
      pages: framesOf(memory),
      swap: swap / PAGE_SIZE,
      cacheNode: CACHE_NODE_BYTES,
      bufferHead: BUFFER_HEAD_BYTES,
      pageWriteNs: PAGE_WRITE_NS,
      writeLatencyNs: WRITE_LATENCY_NS,
      requestPages: REQUEST_PAGES,
      readahead: 32,
      faultAround: 16,
      hz: 100,
      ...(options.kills !== undefined && { kills: options.kills }),
      ...(options.observe !== undefined && { observe: options.observe }),
      cgroups: 4096,
      ring: 4096,
      // The guest mounts cgroup2 without memory_recursiveprot.
      mountOptions: [],
      // vmstats_percpu and lruvec_stats_percpu of the guest's 6.1: memory.stat of a parent of one has percpu 5064.
      memcgCost: kernel === '6.1' ? { percpu: [1016, 672] } : {},
    });
    if (swap > 0) machine.swapoff();
    machine.keepEvents(false);
    return new World(machine, options);
  }

  /** init, which has the mounts of the guest. */
  #begin(): UserProcess {
    const { kernel } = this;
    const caller = kernel.bootCaller();
    const rootFs = new MemoryFs('hostfs', kernel.nextDev(), kernel.realtime);
    const rootMount = new Mount(kernel.nextMountId(), rootFs, rootFs.root, '/dev/root', []);
    const namespace = new MountNamespace(rootMount);
    this.#root = { mount: rootMount, inode: rootFs.root };
    kernel.mounted.add(rootFs);
    this.#makeRoot(rootFs.root, caller);
    const init = new UserProcess(kernel, {
      pid: 1,
      task: this.machine.spawn(undefined, 'init'),
      parent: null,
      comm: 'init',
      context: {
        uid: 0,
        gid: 0,
        umask: 0o022,
        cgroupRoot: null,
        userNamespace: false,
        namespace,
        root: this.#root,
        cwd: this.#root,
      },
      env: ENVIRONMENT,
    });
    const position = { caller, namespace, root: this.#root, cwd: this.#root };
    const mountAt = (path: string, fs: FileSystem, source: string) => {
      namespace.attach(new Mount(kernel.nextMountId(), fs, fs.root, source, []), lookup(position, path));
      kernel.mounted.add(fs);
    };
    const dev = new MemoryFs('devtmpfs', kernel.nextDev(), kernel.realtime);
    for (const [name, type, mode, major, minor] of DEV_NODES)
      dev.root.create(name, type, mode, caller, { rdev: (major << 8) | minor });
    for (const [name, target] of [
      ['fd', '/proc/self/fd'],
      ['stdin', '/proc/self/fd/0'],
      ['stdout', '/proc/self/fd/1'],
      ['stderr', '/proc/self/fd/2'],
    ] as const)
      dev.root.create(name, 'symlink', 0o777, caller, { target });
    dev.root.create('shm', 'directory', 0o755, caller, {});
    mountAt('/dev', dev, 'devtmpfs');
    mountAt('/proc', new ProcFs(kernel, kernel.nextDev()), 'proc');
    const sys = new SysFs(kernel, kernel.nextDev());
    mountAt('/sys', sys, 'sysfs');
    const cgroups = new CgroupFs(this.machine, {
      config: GUEST,
      subtreeControl: ['memory', 'io', 'pids'],
      processes: cgroupProcesses(kernel),
      devices: ['98:0', '98:16', ...Array.from({ length: 8 }, (_, loop) => `7:${loop}`)],
    });
    kernel.cgroups = cgroups;
    const cgroup2 = new Cgroup2Fs(cgroups, kernel.nextDev(), kernel.realtime);
    mountAt('/sys/fs/cgroup', cgroup2, 'cgroup2');
    const { fileSystems } = kernel;
    fileSystems.set('sysfs', () => sys);
    fileSystems.set('proc', () => new ProcFs(kernel, kernel.nextDev()));
    fileSystems.set('cgroup2', () => cgroup2);
    fileSystems.set('devtmpfs', () => dev);
    mountAt('/tmp', new TmpFs(kernel, ['size=256m'], caller), 'tmpfs');
    mountAt('/mnt', new TmpFs(kernel, ['size=1m'], caller), 'tmpfs');
    const { fileSystem } = this.storage.disk;
    if (fileSystem instanceof DiskFs) {
      fileSystem.mountedOn();
      mountAt('/disk', fileSystem, '/dev/ubda');
    }
    this.#standardFiles(init, dev);
    return init;
  }

  #standardFiles(init: UserProcess, dev: MemoryFs): void {
    const driver = this.kernel.charDevices.get(CONSOLE)!;
    for (const fd of [0, 1, 2]) {
      const node = new ConsoleNode(dev, 2 ** 20 + fd, 'char', 0o600, this.kernel.realtime);
      node.rdev = CONSOLE;
      node.stream = fd === 2 ? 'stderr' : 'stdout';
      node.opens = 1;
      init.fds.set(fd, new OpenFile(node, driver, { read: true, write: true }, null, '/dev/console'));
    }
  }

  #directory(root: TableDirectory, path: string, caller: Caller): Inode {
    let at: Inode = root;
    for (const name of path.split('/').filter((word) => word !== ''))
      at = at.lookup(name, caller) ?? at.create(name, 'directory', 0o755, caller, {});
    return at;
  }

  #makeRoot(root: TableDirectory, caller: Caller): void {
    for (const path of [
      'dev',
      'disk',
      'etc',
      'lib',
      'lib64',
      'mnt',
      'proc',
      'root',
      'run',
      's',
      'sys',
      'tmp',
      'usr/bin',
      'var/tmp',
    ])
      this.#directory(root, path, caller);
    root.create('bin', 'symlink', 0o777, caller, { target: 'usr/bin' });
    root.create('sbin', 'symlink', 0o777, caller, { target: 'usr/bin' });
    const bin = this.#directory(root, 'usr/bin', caller);
    for (const name of this.kernel.programs.keys()) {
      const file = bin.create(name, 'file', 0o755, caller, {});
      if (file instanceof PlainFile) file.contents = programFile(name);
    }
    if (!this.kernel.programs.has('sh') && this.kernel.programs.has('bash'))
      bin.create('sh', 'symlink', 0o777, caller, { target: 'bash' });
  }

  /** Virtual time since the first process could begin, ns. */
  get elapsed(): bigint {
    return this.kernel.scheduler.now - BOOT_NS;
  }

  /** Puts a file into the root file system: the script that is to run. */
  writeFile(path: string, contents: Uint8Array, mode = 0o644): void {
    const caller = this.kernel.bootCaller();
    const slash = path.lastIndexOf('/');
    const file = this.#directory(this.#root.inode as TableDirectory, path.slice(0, slash), caller).create(
      path.slice(slash + 1),
      'file',
      mode,
      caller,
      {},
    );
    if (file instanceof PlainFile) file.contents = contents;
  }

  /** A child of init executes a program of /usr/bin; what it printed, and how it ended. Arguments are JavaScript strings. */
  run(program: string, argv: readonly string[] = [program]): Promise<RunResult> {
    const words = argv.map(byteString);
    return this.runBody((process) => process.exec(`/usr/bin/${byteString(program)}`, words, process.env));
  }

  /** A child of init runs `body`. Throws DeadlockError, and what the body throws that is no syscall's error. */
  async runBody(body: Body): Promise<RunResult> {
    const { kernel } = this;
    const from = this.#output.length;
    const child = this.init.spawn(body);
    kernel.onExit = (process) => {
      if (process === child) kernel.scheduler.stop();
    };
    await kernel.scheduler.run();
    const status = child.status!;
    const output = this.#output.slice(from);
    const textIn = (streams: readonly string[]) =>
      output.map(({ stream, bytes }) => (streams.includes(stream) ? textOf(bytes) : '')).join('');
    return {
      exit: 'exit' in status ? status.exit : 128 + status.signal,
      stdout: textIn(['stdout']),
      stderr: textIn(['stderr']),
      console: textIn(['stdout', 'stderr']),
    };
  }
}
