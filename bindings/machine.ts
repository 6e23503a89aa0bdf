/**
 * A machine: one memory, one engine instance, and the names that the engine does not know. No accounting rule lives here.
 */
import * as L from '../assembly/layout.ts';
import * as O from '../assembly/replay/ops.ts';
import { CgroupFs, type CgroupFsOptions } from './cgroupfs/cgroupfs.ts';
import { PeakFile } from './cgroupfs/peak.ts';
import {
  type Capacities,
  CapacityError,
  DEFAULT_CAPACITIES,
  MODELLED_CAPACITIES,
  regionAt,
} from './engine/capacities.ts';
import { createMemory, type EngineBuild, type EngineExports, instantiate, readCapacities } from './engine/engine.ts';
import { errnoName } from './engine/errno.ts';
import { EngineError } from './engine/error.ts';
import { eventAt, type MachineEvent } from './engine/events.ts';
import { type Kill, killAt, tasksOfKill } from './engine/kills.ts';
import {
  type Access,
  type AnonRange,
  type CallResult,
  type EventColumns,
  type KernelObject,
  type KernelPages,
  type Making,
  type MemcgCost,
  MOUNT_OPTIONS,
  type MountOption,
  type ObjectKind,
  type ObjectRange,
  type ObjectType,
  type PageKind,
} from './live.ts';
import { type BpfObject, bpfObjects } from './policy/bpf-objects.ts';
import {
  type CrossFigure,
  POLICY_COUNTS,
  type PolicyCount,
  type PolicyFigures,
  policyFigures,
} from './policy/figures.ts';
import { isLinux, type Policy, PolicyError, writePolicy } from './policy/policy.ts';
import { presetOf } from './policy/registry.ts';
import { TaskNames } from './replay/task-names.ts';
import { statKeys } from './report/memory-stat.ts';
import {
  COST_NAMES,
  type Costs,
  DEFAULT_COSTS,
  type Pressure,
  pressureOf,
  writeCosts,
  wrongCost,
} from './report/pressure.ts';
import type { TraceBatch } from './trace/arrow-reader.ts';
import { OBJECT_TYPES, OP_CODES, PAGE_COUNTER_MAX, PAGE_SIZE, ROOT_CGROUP } from './trace/schema.ts';

export type Kernel = '6.18' | '6.1';

/** Whose view of the statistics: what is, or what memory.stat shows of it (docs/statistics.md). */
export type Statistics = 'exact' | 'kernel';

/** Between two flushes of the kernel's statistics: 2 s, and what the timer wheel makes of 500 ticks of 4 ms. */
const FLUSH_PERIOD_NS = 2_016_000_000n;
/** A disk that writes 200 MB/s. How long a write takes matters little to what is reclaimed; that it takes a while does. */
const PAGE_WRITE_NS = 20_000n;
/** Who says what is resident: the recording, by frame, or the model, from accesses. */
export type Residency = 'recorded' | 'modelled';

export interface BootOptions extends Partial<Capacities> {
  /** which kernel's facts to follow; 6.18 unless told */
  kernel?: Kernel;
  /** recorded unless told; modelled needs the capacities objects, maps and nodes, which then have defaults */
  residency?: Residency;
  /** seed of the random choices (stock eviction) */
  seed?: number;
  /** exact unless told; `kernel` takes one worker and 512 bytes a cgroup for each CPU and two more */
  statistics?: Statistics;
  /** `kernel` statistics: when the periodic flush runs first, and how often, ns; 2.016 s both unless told */
  firstFlush?: bigint;
  flushPeriod?: bigint;
  /** what cgroup2 is mounted with; `memory_recursiveprot` unless told, as systemd mounts it */
  mountOptions?: readonly MountOption[];
  /** modelled residency: what the structures of a cgroup cost its parent; nothing unless told, since a trace may have it */
  memcgCost?: MemcgCost;
  /** vm.swappiness, 0 to 200; 60 unless told. (The swap device of modelled residency is capacity `swap`.) */
  swappiness?: number;
  /** modelled residency: whether dirty pages are written by a flusher, as Linux does, or by `sync` alone; true unless told */
  flusher?: boolean;
  /** modelled residency: what the disk takes to write one page, ns; 20000 (200 MB/s) unless told; 0: no time at all */
  pageWriteNs?: bigint;
  /** modelled residency: what a disk that had nothing to do takes besides to begin, ns; 0 unless told */
  writeLatencyNs?: bigint;
  /** modelled residency: pages of one request to the disk at most (max_sectors_kb), of whose requests 128 wait; 1, each page is one, unless told */
  requestPages?: number;
  /** modelled residency: pages that Linux reads ahead at most (128 KiB by default); 0, nothing, unless told */
  readahead?: number;
  /** modelled residency: resident pages that a read fault maps together, a power of two (64 KiB in Linux); 0, one, unless told */
  faultAround?: number;
  /**
   * modelled residency: bytes charged for a node of the page cache's trees and for the buffer head of a page that is written to a disk, with
   * the pointers to their owners; nothing unless told, since a trace has rows of its own for slab (592 and 112 in Linux)
   */
  cacheNode?: number;
  bufferHead?: number;
  /** modelled residency: what its work takes, ns, for memory.pressure (docs/pressure.md); those not given are the defaults */
  costs?: Partial<Costs>;
  /** ticks a second of the kernel (CONFIG_HZ), 250 unless told: what memory.high makes a task sleep is a whole number of them */
  hz?: number;
  /** modelled residency: vm.min_free_kbytes; from the size of memory (capacity `pages`) unless told */
  minFreeKbytes?: number;
  /** modelled residency: vm.watermark_scale_factor, 1 to 3000; 10 unless told */
  watermarkScaleFactor?: number;
  /** a charging policy: the name of a preset, or what definePolicy() answers; `linux` unless told (modelled residency, but for a few) */
  policy?: string | Policy;
  /** `debug` asserts as it goes */
  build?: EngineBuild;
}

export { EngineError };

/** A row of a batch that the engine could not take: which row of the batch, which column, and why. */
export class ReplayError extends EngineError {
  override name = 'ReplayError';
  readonly row: number;
  readonly field: string;
  constructor(errno: string, row: number, field: string, message: string) {
    super(errno, message);
    this.row = row;
    this.field = field;
  }
}

/** The first thing that does not add up. */
export interface Discrepancy {
  what: string;
  /** memcg, objcg or frame, by what `what` is about */
  id: number;
  expected: bigint;
  found: bigint;
}

/** One change of one level of a memory counter, in the order of time. Pages. */
export interface CounterChange {
  ts: bigint;
  usage: number;
  memcg: number;
  start: number;
  delta: number;
  kind: number;
  task: number;
  cpu: number;
}

/** The machine's own memory: /proc/zoneinfo and /proc/vmstat of its one zone. Pages and counts. */
export interface VmStat {
  /** frames of the machine */
  managed: number;
  nr_free_pages: number;
  min: number;
  low: number;
  high: number;
  /** by kswapd, and by tasks that found the machine short; what a cgroup's limit took is in the cgroup's memory.stat alone */
  pgscan_kswapd: number;
  pgscan_direct: number;
  pgsteal_kswapd: number;
  pgsteal_direct: number;
  /** direct reclaims, and each of their retries */
  allocstall: number;
  /** runs of balance_pgdat() */
  pageoutrun: number;
  /** by whatever OOM */
  oom_kill: number;
  pswpin: number;
  pswpout: number;
  /** not the kernel's: allocations that may not wait, or not try harder, and ended without a page */
  allocations_failed: number;
}

/** What memory.stat and its neighbours say about one cgroup. Bytes. */
export interface MemcgFigures {
  'memory.current': number;
  'memory.peak': number;
  'memory.swap.current': number;
  'memory.stat': Record<string, number>;
  'memory.events': Record<string, number>;
  'memory.events.local': Record<string, number>;
  'memory.swap.events': Record<string, number>;
  /** modelled residency only */
  'memory.pressure'?: Pressure;
  dying: boolean;
}

/** A policy by its name, or as it is, that this residency can have. EngineError EINVAL. */
function policyFor(asked: string | Policy, residency: Residency): Policy {
  let policy: Policy;
  try {
    policy = typeof asked === 'string' ? presetOf(asked) : asked;
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new EngineError('EINVAL', error.message);
  }
  if (!policy.residency.includes(residency))
    throw new EngineError('EINVAL', `policy ${policy.name}: EINVAL: not in ${residency} residency`);
  return policy;
}

/** A number that fits a column of a trace. */
function isU32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 2 ** 32;
}

/** EngineError EINVAL for what is none of the words: TypeScript says so, too, but not to everybody. */
function checkWord(what: string, word: string, words: readonly string[]): void {
  if (!words.includes(word)) throw new EngineError('EINVAL', `${what} ${word}: not one of ${words.join(', ')}`);
}

/** What goes into columns of a row: whole numbers that are not negative. EngineError EINVAL. */
function checkColumns(doing: string, columns: Record<string, number | bigint>): void {
  for (const [name, value] of Object.entries(columns))
    if (
      typeof value === 'bigint' ? value < 0n || value >> 64n !== 0n : name === 'index' ? !isIndex(value) : !isU32(value)
    )
      throw new EngineError('EINVAL', `${doing}: ${name} ${value}: EINVAL: not a whole number that fits`);
}

function isIndex(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function checkSysctl(name: string, value: number | undefined, most: number): void {
  if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= most))
    throw new EngineError('EINVAL', `${name}: ${value} is not a whole number from 1 to ${most}`);
}

const FIELD_NAMES = ['', 'op', 'cpu', 'task', 'cgroup', 'object', 'index', 'count', 'flags', 'ts'];
const AUDIT_NAMES = [
  '',
  'memory usage',
  'swap usage',
  'kernel memory',
  'bytes of an objcg',
  'statistic',
  'list size',
  'list pages',
  'owner on a list',
  'list order',
  'folios on lists',
  'log chunks',
  'protection',
  'watermark',
  'tasks of a cgroup',
  'mapcount',
  'mapped pages',
  'dirty pages',
  'resident page',
  'radix nodes',
  'page frames',
  'statistics shown',
  'entries that name a swap slot',
  'swap slots in use',
  'pages under writeback',
  'dirty inodes',
  'pressure',
  'locked page',
  'memory of a BPF object',
  'loop workers',
  'pages above memory.max',
];
const EVENT_NAMES = ['low', 'high', 'max', 'oom', 'oom_kill', 'oom_group_kill'] as const;
const SWAP_EVENT_NAMES = ['high', 'max', 'fail'] as const;

/** The name a cgroup has: its path, the kernel's id, its parent. */
export interface CgroupName {
  path: string;
  kernelId: bigint;
  parent: number;
}

/** The header's word of mount options. EngineError EINVAL for one that the kernel does not know. */
function mountWord(options: readonly MountOption[], kernel: Kernel): number {
  for (const option of options)
    if (!MOUNT_OPTIONS.includes(option) || (kernel === '6.1' && option === 'memory_hugetlb_accounting'))
      throw new EngineError('EINVAL', `mount option ${option}: Linux ${kernel} does not know it`);
  return (
    (options.includes('memory_recursiveprot') ? 0 : L.MOUNT_NO_RECURSIVEPROT) |
    (options.includes('memory_localevents') ? L.MOUNT_LOCALEVENTS : 0) |
    (options.includes('memory_hugetlb_accounting') ? L.MOUNT_HUGETLB_ACCOUNTING : 0)
  );
}

/** The header's words of what a memcg costs, in the order in which it is allocated. */
function costWords({ percpu = [], slab = [] }: MemcgCost, cpus: number): number[] {
  const bytes = [...percpu, ...slab];
  if (percpu.length > 2 || slab.length > 2 || bytes.some((n) => !Number.isInteger(n) || n < 0 || n > 1 << 20))
    throw new EngineError('EINVAL', 'memcgCost: at most two sizes of percpu and two of slab, in bytes');
  // pcpu_obj_full_size(): a pointer to the owner for every four bytes.
  const charged = (size = 0) => size * cpus + Math.floor(size / 4) * 8;
  return [slab[0] ?? 0, charged(percpu[0]), slab[1] ?? 0, charged(percpu[1])];
}

const PAGE_KINDS: Readonly<Record<PageKind, number>> = {
  kernel_stack: O.KIND_KERNEL_STACK,
  pagetable: O.KIND_PAGETABLE,
  vmalloc: O.KIND_VMALLOC,
  other: O.KIND_KERNEL_OTHER,
};
const OBJECT_KINDS: Readonly<Record<ObjectKind, number>> = { slab: O.KIND_SLAB, percpu: O.KIND_PERCPU };

function objectFlags({ kind, reclaimable, referenced, pinned }: KernelObject): number {
  checkWord('kind', kind, Object.keys(OBJECT_KINDS));
  const flags =
    (reclaimable || pinned ? O.FLAG_RECLAIMABLE : 0) |
    (referenced ? O.FLAG_REFERENCED : 0) |
    (pinned ? O.FLAG_PINNED : 0);
  return flags | (OBJECT_KINDS[kind] << O.FLAG_KIND_SHIFT);
}

function pageFlags(kind: PageKind, order: number): number {
  checkWord('kind', kind, Object.keys(PAGE_KINDS));
  if (!Number.isInteger(order) || order < 0 || order > 9)
    throw new EngineError('EINVAL', `order ${order}: not a whole number from 0 to 9`);
  return O.FLAG_BY_FRAME | (PAGE_KINDS[kind] << O.FLAG_KIND_SHIFT) | order;
}

export class Machine {
  /** Calls of the live door; statuses are 0 or a negative errno. Most callers want the methods of this class. */
  readonly engine: EngineExports;
  readonly memory: WebAssembly.Memory;
  readonly capacities: Readonly<Capacities>;
  readonly kernel: Kernel;
  readonly statistics: Statistics;
  readonly residency: Residency;
  readonly policy: Policy;
  /** Names of the cgroups, by id. */
  readonly cgroups: Map<number, CgroupName>;
  #build: EngineBuild;
  #u32: Uint32Array;
  #u64: BigUint64Array;
  #base: Record<'list' | 'watch' | 'kill' | 'ring', number>;
  readonly #taskNames: TaskNames;
  /** records of the table of kills whose names are kept */
  #named: number;
  /** ids of objects that are free again */
  #freeObjects: number[] = [];
  /** peak files that were written, by cgroup and counter */
  #peaks = new Map<string, Set<PeakFile>>();
  #cgroupfs: CgroupFs | null = null;
  /**
   * What live calls are while it is set: parts of a system call that goes on (FLAG_IN_CALL). Its end is `event('return_to_user', { task })`, or a call
   * without. Only policies ask.
   */
  inCall = false;
  /** names of resource domains, by number from MARK_NAMED on */
  #domainNames: string[] = [];

  private constructor(
    memory: WebAssembly.Memory,
    engine: EngineExports,
    cgroups: Map<number, CgroupName>,
    build: EngineBuild,
    taskNames: TaskNames,
    policy: Policy,
  ) {
    this.policy = policy;
    this.memory = memory;
    this.engine = engine;
    this.cgroups = cgroups;
    this.capacities = readCapacities(memory);
    this.#build = build;
    this.#taskNames = taskNames;
    this.#u32 = new Uint32Array(memory.buffer);
    this.#u64 = new BigUint64Array(memory.buffer);
    this.kernel = this.#header(L.H_KERNEL) === L.KERNEL_6_1 ? '6.1' : '6.18';
    this.statistics = this.#header(L.H_STATISTICS) === L.STATISTICS_KERNEL ? 'kernel' : 'exact';
    const c = this.capacities;
    this.residency = this.#header(L.H_RESIDENCY) === L.RESIDENCY_MODELLED ? 'modelled' : 'recorded';
    const at = (region: number) => regionAt(region, c);
    this.#base = { list: at(L.R_LIST), watch: at(L.R_WATCH), kill: at(L.R_KILL), ring: at(L.R_RING) };
    this.#named = this.#header(L.H_KILLS);
  }

  /**
   * A fresh machine with the root cgroup only. Throws CapacityError when the capacities do not fit in 4 GiB together.
   *
   * @example const machine = await Machine.boot({ pages: 1 << 20, cpus: 2, kernel: '6.1' });
   */
  static async boot(options: BootOptions = {}): Promise<Machine> {
    const {
      kernel = '6.18',
      residency = 'recorded',
      seed = 0,
      build = 'release',
      statistics = 'exact',
      flushPeriod = FLUSH_PERIOD_NS,
      firstFlush = flushPeriod,
      mountOptions = ['memory_recursiveprot'],
      memcgCost = {},
      swappiness = null,
      flusher = true,
      pageWriteNs = PAGE_WRITE_NS,
      writeLatencyNs = 0n,
      requestPages = 1,
      readahead = 0,
      faultAround = 0,
      cacheNode = 0,
      bufferHead = 0,
      costs: given = {},
      hz = 250,
      minFreeKbytes,
      watermarkScaleFactor,
      policy: asked = 'linux',
      ...capacities
    } = options;
    checkWord('kernel', kernel, ['6.18', '6.1']);
    checkWord('residency', residency, ['recorded', 'modelled']);
    const policy = policyFor(asked, residency);
    checkWord('statistics', statistics, ['exact', 'kernel']);
    for (const name of Object.keys(capacities)) checkWord('boot option', name, Object.keys(DEFAULT_CAPACITIES));
    for (const name of Object.keys(given)) checkWord('cost', name, COST_NAMES);
    if (!isU32(seed)) throw new EngineError('EINVAL', `seed ${seed}: not a whole number from 0 to 4294967295`);
    if (flushPeriod <= 0n || firstFlush <= 0n)
      throw new EngineError('EINVAL', 'the periodic flush needs times above 0');
    const costs = { ...DEFAULT_COSTS, ...given };
    const wrong = wrongCost(costs);
    if (wrong !== null) throw new EngineError('EINVAL', wrong);
    if (!Number.isInteger(hz) || hz < 1 || hz > 1_000_000)
      throw new EngineError('EINVAL', `hz ${hz}: not a whole number from 1 to 1000000`);
    checkSysctl('minFreeKbytes', minFreeKbytes, 2 ** 32 - 1);
    checkSysctl('watermarkScaleFactor', watermarkScaleFactor, 3000);
    const flush = statistics === 'kernel' ? { first: firstFlush, period: flushPeriod } : null;
    const profile = kernel === '6.1' ? L.KERNEL_6_1 : L.KERNEL_6_18;
    if (capacities.policies === 0 && !isLinux(policy.answers))
      throw new EngineError('EINVAL', `policy ${policy.name}: EINVAL: it needs capacity policies: 1`);
    const defaults = residency === 'modelled' ? MODELLED_CAPACITIES : DEFAULT_CAPACITIES;
    const memory = createMemory({ ...defaults, ...capacities }, profile, seed, flush);
    const mode = residency === 'modelled' ? L.RESIDENCY_MODELLED : L.RESIDENCY_RECORDED;
    const words = new Uint32Array(memory.buffer);
    words[(L.HEADER + L.H_RESIDENCY) / 4] = mode;
    writePolicy(words, new BigUint64Array(memory.buffer), policy.answers);
    if (swappiness !== null) {
      if (!(Number.isInteger(swappiness) && swappiness >= 0 && swappiness <= 200))
        throw new EngineError('EINVAL', `swappiness ${swappiness} is not a whole number from 0 to 200`);
      words[(L.HEADER + L.H_SWAPPINESS) / 4] = swappiness;
    }
    if (residency === 'modelled') {
      if (pageWriteNs < 0n || pageWriteNs >= 1n << 40n)
        throw new EngineError('EINVAL', `pageWriteNs ${pageWriteNs}: a page takes from 0 to 2^40 ns`);
      if (!Number.isInteger(readahead) || readahead < 0 || readahead > 1 << 20)
        throw new EngineError('EINVAL', `readahead ${readahead}: from 0 to 1048576 pages`);
      if (!Number.isInteger(Math.log2(Math.max(1, faultAround))) || faultAround < 0 || faultAround > 512)
        throw new EngineError('EINVAL', `faultAround ${faultAround}: 0, or a power of two up to 512 pages`);
      if (![cacheNode, bufferHead].every((bytes) => isU32(bytes) && bytes <= PAGE_SIZE))
        throw new EngineError('EINVAL', `cacheNode ${cacheNode}, bufferHead ${bufferHead}: from 0 to 4096 bytes`);
      if (writeLatencyNs < 0n || writeLatencyNs >= 1n << 40n)
        throw new EngineError('EINVAL', `writeLatencyNs ${writeLatencyNs}: from 0 to 2^40 ns`);
      new BigUint64Array(memory.buffer)[(L.HEADER + L.H_WRITE_LATENCY) / 8] = writeLatencyNs;
      if (!Number.isInteger(requestPages) || requestPages < 1 || requestPages > 1 << 16)
        throw new EngineError('EINVAL', `requestPages ${requestPages}: from 1 to 65536 pages`);
      words[(L.HEADER + L.H_REQUEST_MAX) / 4] = requestPages === 1 ? 0 : requestPages;
      words[(L.HEADER + L.H_CACHE_NODE) / 4] = cacheNode;
      words[(L.HEADER + L.H_BUFFER_HEAD) / 4] = bufferHead;
      words[(L.HEADER + L.H_READAHEAD) / 4] = readahead;
      words[(L.HEADER + L.H_FAULT_AROUND) / 4] = faultAround;
      words[(L.HEADER + L.H_FLUSHER) / 4] = flusher ? 1 : 0;
      new BigUint64Array(memory.buffer)[(L.HEADER + L.H_WRITE_NS) / 8] = pageWriteNs;
    }
    writeCosts(new Uint32Array(memory.buffer, L.HEADER), costs);
    words[(L.HEADER + L.H_HZ) / 4] = hz;
    words[(L.HEADER + L.H_RING_WAITS) / 4] = 1;
    words[(L.HEADER + L.H_MIN_FREE_KBYTES) / 4] = minFreeKbytes ?? 0;
    words[(L.HEADER + L.H_WATERMARK_SCALE) / 4] = watermarkScaleFactor ?? 0;
    words[(L.HEADER + L.H_MOUNT) / 4] = mountWord(mountOptions, kernel);
    words.set(costWords(memcgCost, { ...defaults, ...capacities }.cpus), (L.HEADER + L.H_MEMCG_COST) / 4);
    const engine = await instantiate(memory, 0, build);
    engine.boot();
    const root: CgroupName = { path: '/', kernelId: 1n, parent: 0 };
    const machine = new Machine(memory, engine, new Map([[ROOT_CGROUP, root]]), build, new TaskNames(), policy);
    if (residency === 'modelled') machine.#checkWatermarks();
    return machine;
  }

  #checkWatermarks(): void {
    const { managed, min, low, high } = this.vmstat();
    if (high >= managed)
      throw new CapacityError(
        `capacity pages: ${managed} leaves nothing above the watermarks (min ${min}, low ${low}, high ${high} pages): more memory, or a smaller min_free_kbytes`,
      );
  }

  /** The whole machine as bytes: names, then memory. */
  snapshot(): Uint8Array {
    this.#nameKills();
    const cgroupfs = this.#cgroupfs?.toJSON();
    const names = [...this.cgroups].map(([id, { path, kernelId, parent }]) => [id, path, String(kernelId), parent]);
    const head = new TextEncoder().encode(
      JSON.stringify({
        build: this.#build,
        cgroups: names,
        tasks: this.#taskNames,
        cgroupfs,
        policy: this.policy,
        domains: this.#domainNames,
      }),
    );
    const bytes = new Uint8Array(8 + head.length + this.memory.buffer.byteLength);
    new DataView(bytes.buffer).setUint32(0, L.MAGIC, true);
    new DataView(bytes.buffer).setUint32(4, head.length, true);
    bytes.set(head, 8);
    bytes.set(new Uint8Array(this.memory.buffer), 8 + head.length);
    return bytes;
  }

  /** The machine of a snapshot, as it was. */
  static async restore(snapshot: Uint8Array): Promise<Machine> {
    const view = new DataView(snapshot.buffer, snapshot.byteOffset, snapshot.byteLength);
    if (snapshot.byteLength < 8 || view.getUint32(0, true) !== L.MAGIC) throw new Error('not a snapshot of memcharge');
    const headEnd = 8 + view.getUint32(4, true);
    const head = JSON.parse(new TextDecoder().decode(snapshot.subarray(8, headEnd)));
    const state = snapshot.subarray(headEnd);
    const pages = state.length / L.WASM_PAGE;
    if (!Number.isInteger(pages)) throw new Error('snapshot is cut');
    const memory = new WebAssembly.Memory({ initial: pages, maximum: 65536, shared: true });
    new Uint8Array(memory.buffer).set(state);
    const names = (head.cgroups as [number, string, string, number][]).map(
      ([id, path, kernelId, parent]) => [id, { path, kernelId: BigInt(kernelId), parent }] as const,
    );
    const engine = await instantiate(memory, 0, head.build);
    const machine = new Machine(memory, engine, new Map(names), head.build, TaskNames.from(head.tasks), head.policy);
    machine.#domainNames = head.domains ?? [];
    if (head.cgroupfs) machine.#cgroupfs = new CgroupFs(machine, {}, head.cgroupfs);
    return machine;
  }

  /**
   * A second machine that stands where this one stands; from here on each goes its own way, under another policy if one is given. What is
   * charged already stays charged as it is. EngineError EINVAL: the policy cannot be had with this residency, or without its tables.
   */
  async fork({ policy: asked = this.policy }: { policy?: string | Policy } = {}): Promise<Machine> {
    const policy = policyFor(asked, this.residency);
    if (!this.capacities.policies && !isLinux(policy.answers))
      throw new EngineError('EINVAL', `policy ${policy.name}: EINVAL: it needs capacity policies: 1`);
    this.#nameKills();
    const cgroupfs = this.#cgroupfs?.toJSON();
    const memory = new WebAssembly.Memory({
      initial: this.memory.buffer.byteLength / L.WASM_PAGE,
      maximum: 65536,
      shared: true,
    });
    new Uint8Array(memory.buffer).set(new Uint8Array(this.memory.buffer));
    writePolicy(new Uint32Array(memory.buffer), new BigUint64Array(memory.buffer), policy.answers);
    const engine = await instantiate(memory, 0, this.#build);
    const tasks = TaskNames.from(this.#taskNames.toJSON());
    const machine = new Machine(memory, engine, new Map(this.cgroups), this.#build, tasks, policy);
    machine.#domainNames = [...this.#domainNames];
    if (cgroupfs) machine.#cgroupfs = new CgroupFs(machine, {}, cgroupfs);
    return machine;
  }

  #header(field: number): number {
    return this.#u32[(L.HEADER + field) / 4]!;
  }

  /** Turns a status into an exception. */
  #check(status: number, doing: string): number {
    if (status >= 0) return status;
    const errno = errnoName(-status);
    throw new EngineError(errno, `${doing}: ${errno}${this.#fullTable(errno)}`);
  }

  #fullTable(errno: string): string {
    if (errno !== 'ENOSPC') return '';
    const name = Object.keys(DEFAULT_CAPACITIES)[this.#header(L.H_FULL_TABLE)] as keyof Capacities;
    if (name === 'pages' && this.residency === 'modelled')
      return `: memory is full (${this.capacities.pages} pages) and no process is left to kill, where Linux panics (System is deadlocked on memory): give it more (--memory)`;
    return `: the table is full, raise capacity ${name} (now ${this.capacities[name]})`;
  }

  // ------------------------------------------------------------------------------------------------ live

  /**
   * Makes a cgroup under `parent` and answers its id. EngineError ENOSPC when the table is full, ENODEV under a removed one, ENOMEM when
   * its parent cannot pay for it (option memcgCost).
   */
  mkdir(path: string, parent = ROOT_CGROUP, kernelId = 0n, cpu = 0): number {
    const id = this.#header(L.H_MEMCG_END);
    this.#check(this.engine.mkdir(id, parent, kernelId, cpu), `mkdir ${path}`);
    this.cgroups.set(id, { path, kernelId, parent });
    return id;
  }

  /** Removes a cgroup; what is charged to it stays charged. EngineError EBUSY while tasks or children live there. */
  rmdir(cgroup: number, cpu = 0): void {
    this.#check(this.engine.rmdir(cgroup, cpu), `rmdir ${this.pathOf(cgroup)}`);
  }

  /**
   * Writes a knob (KNOB_*) in pages; `null` is "max"; 0 or 1 for memory.oom.group. EngineError ENODEV: the cgroup is removed; EINVAL: no value
   * that the kernel takes, or memory.reclaim, which is reclaim().
   */
  writeKnob(cgroup: number, knob: number, pages: bigint | null, cpu = 0): void {
    const value = pages === null ? PAGE_COUNTER_MAX : pages;
    const most = knob === O.KNOB_OOM_GROUP ? 1n : PAGE_COUNTER_MAX;
    this.#present(cgroup, `write to ${this.pathOf(cgroup)}`);
    if (
      knob === O.KNOB_RECLAIM ||
      typeof value !== 'bigint' ||
      value < 0n ||
      (pages === null && most === 1n) ||
      value > most
    )
      throw new EngineError('EINVAL', `write to ${this.pathOf(cgroup)}: EINVAL: ${value} to knob ${knob}`);
    this.#check(this.engine.writeKnob(cgroup, knob, value, cpu), `write to ${this.pathOf(cgroup)}`);
  }

  /**
   * The control files: cgroup2 as /sys/fs/cgroup shows it (docs/cgroupfs.md).
   *
   * @example machine.cgroupfs.write('/jobs/memory.max', '64M');
   */
  get cgroupfs(): CgroupFs {
    this.#cgroupfs ??= new CgroupFs(this);
    return this.#cgroupfs;
  }

  /** … with options of their own. EngineError EBUSY: they are in use already. */
  mountCgroupfs(options: CgroupFsOptions): CgroupFs {
    if (this.#cgroupfs !== null) throw new EngineError('EBUSY', 'mount of cgroup2: EBUSY: it is mounted');
    this.#cgroupfs = new CgroupFs(this, options);
    return this.#cgroupfs;
  }

  /** Makes a task in a cgroup and answers its id; `name` is what it is called in kills(). EngineError ENODEV: the cgroup is removed. */
  spawn(cgroup = ROOT_CGROUP, name: string | null = null): number {
    this.#present(cgroup, `spawn in ${this.pathOf(cgroup)}`);
    const id = Math.max(1, this.#header(L.H_TASK_END));
    this.#check(this.engine.spawn(id, cgroup, 1), `spawn in ${this.pathOf(cgroup)}`);
    if (name !== null) this.#taskNames.set(id, name);
    return id;
  }

  /** What the task is called from now on, in kills() to come: comm. */
  nameTask(task: number, name: string): void {
    this.#nameKills();
    this.#taskNames.set(task, name);
  }

  // ------------------------------------------------------------------------- live, in modelled residency

  /** One row of a trace, now: see assembly/replay/call.ts. Throws what is the caller's fault. */
  #call(
    doing: string,
    op: number,
    row: {
      task?: number;
      cpu?: number;
      cgroup?: number;
      object?: number;
      index?: number | bigint;
      count?: number;
      flags?: number;
      gfp?: number;
    },
  ): CallResult {
    const { task = 0, cpu = 0, cgroup = 0, object = 0, index = 0, count = 0, gfp = 0 } = row;
    let { flags = 0 } = row;
    checkColumns(doing, { task, cpu, cgroup, object, index, count });
    if (this.inCall && task !== 0) flags |= O.FLAG_IN_CALL;
    return this.#result(doing, task, this.engine.call(op, task, cpu, cgroup, object, BigInt(index), count, flags, gfp));
  }

  /** What came of a live call, by its status. */
  #result(doing: string, task: number, status: number): CallResult {
    this.#nameKills();
    const result: CallResult = { charged: this.#header(L.H_CALL_CHARGED) };
    if (task && this.engine.taskKilled(task)) result.killed = true;
    if (status >= 0) return result;
    const refused = this.#header(L.H_CALL_REFUSED);
    if (refused === L.CALL_NO_SPACE) return { ...result, errno: 'ENOSPC' };
    if (refused === L.CALL_SIGBUS) return { ...result, signal: 'SIGBUS' };
    if (refused >= L.CALL_ERRNO) return { ...result, errno: errnoName(refused - L.CALL_ERRNO) };
    const errno = errnoName(-status);
    const field = FIELD_NAMES[this.#header(L.H_ERROR_FIELD)]!;
    const value = this.#u64[(L.HEADER + L.H_ERROR_VALUE) / 8]!;
    if (errno === 'ENOMEM' || (errno === 'ESRCH' && field === 'task' && this.#wasTask(task))) {
      if (!result.killed || errno === 'ESRCH') result.errno = errno;
      return result;
    }
    if (this.residency !== 'modelled') throw new EngineError(errno, `${doing}: ${errno}: only in modelled residency`);
    throw new EngineError(errno, `${doing}: ${this.#explain(errno, field, value)}${this.#fullTable(errno)}`);
  }

  /** The id was given to a task once. */
  #wasTask(task: number): boolean {
    const base = regionAt(L.R_TASK, this.capacities);
    return (
      task > 0 &&
      task <= this.capacities.tasks &&
      this.#u32[(base + task * L.TASK_STRIDE + L.TASK_STATE) / 4] !== L.TASK_FREE
    );
  }

  /**
   * Any op of modelled residency by its name, with the columns that docs/trace-format.md gives it, now: for what has no method of its own.
   * EngineError EINVAL: there is no such op.
   */
  event(op: string, columns: Partial<EventColumns> = {}): CallResult {
    const code = OP_CODES.get(op);
    if (code === undefined) throw new EngineError('EINVAL', `op ${op}: EINVAL: there is none`);
    const result = this.#call(op, code, columns);
    if (result.errno || result.killed) result.done = this.#header(L.H_CALL_DONE);
    return result;
  }

  /** The number that stands for a domain's name in rows, from MARK_NAMED on; one that is new where it has none yet. */
  #domainNumber(name: string): number {
    const known = this.#domainNames.indexOf(name);
    return O.MARK_NAMED + (known >= 0 ? known : this.#domainNames.push(name) - 1);
  }

  /** A word of what policies know of a cgroup, PM_*. 0 without capacity `policies`. */
  #policyWord(cgroup: number, field: number): number {
    if (this.capacities.policies === 0 || this.capacities.nodes === 0) return 0;
    return this.#u32[(regionAt(L.R_POLICY_MEMCG, this.capacities) + cgroup * L.PM_STRIDE + field) / 4]!;
  }

  /**
   * The cgroup declares itself a resource domain, of this name or of none (`''`); with `null` it is none any more. EngineError EEXIST: one above or
   * below has the name.
   */
  setDomain(cgroup: number, name: string | null): void {
    const index = name === null ? 0 : name === '' ? O.DOMAIN_UNNAMED : this.#domainNumber(name);
    this.#present(cgroup, `domain of ${this.pathOf(cgroup)}`);
    const { errno } = this.#call('domain', O.OP_DOMAIN, { cgroup, index });
    if (errno) throw new EngineError(errno, `domain of ${this.pathOf(cgroup)}: ${errno}`);
  }

  /** The name of a resource domain, `''` where it has none; null: the cgroup is no domain. */
  domainOf(cgroup: number): string | null {
    const domain = this.#policyWord(cgroup, L.PM_DOMAIN);
    return domain === 0 ? null : domain < O.MARK_NAMED ? '' : (this.#domainNames[domain - O.MARK_NAMED] ?? '');
  }

  /** The object is for the nearest resource domain (`persistent`), for a shared one, or for the one of a name; null: it is for none. */
  markObject(object: number, mark: string | null): void {
    const known: Readonly<Record<string, number>> = { persistent: O.MARK_PERSISTENT, shared: O.MARK_SHARED };
    const index = mark === null ? O.MARK_NONE : (known[mark] ?? this.#domainNumber(mark));
    this.#call('mark', O.OP_DOMAIN, { object, index });
  }

  /** Whether others may name the cgroup as the payer of their resources. */
  allowPayer(cgroup: number, allow: boolean): void {
    this.#present(cgroup, `grant of ${this.pathOf(cgroup)}`);
    this.#call('grant', O.OP_GRANT, { cgroup, index: allow ? 1 : 0 });
  }

  allowsPayer(cgroup: number): boolean {
    return this.#policyWord(cgroup, L.PM_GRANTS) !== 0;
  }

  /** What the policy did so far, in total: figures of docs/policies.md. */
  policyCounts(): Record<PolicyCount, number> {
    const at = (L.HEADER + L.H_POLICY_COUNTS) / 8;
    return Object.fromEntries(POLICY_COUNTS.map((name, i) => [name, Number(this.#i64(at + i))])) as Record<
      PolicyCount,
      number
    >;
  }

  /** … and at one cgroup. All 0 without capacity `policies`. */
  policyFigures(cgroup: number): PolicyFigures {
    const base = regionAt(L.R_POLICY_MEMCG, this.capacities) + cgroup * L.PM_STRIDE;
    const tables = this.capacities.policies !== 0 && this.capacities.nodes !== 0;
    if (tables) this.engine.overSettle();
    const read = (offset: number) => (tables ? Number(this.#i64((base + offset) / 8)) : 0);
    return policyFigures(read);
  }

  /**
   * Who did what for whose memory, while a policy was on: pages that tasks of `doer` scanned in memory of `owner`, what they stalled for its
   * limit (ns), and pages that were read or written for their sake. Cgroups by id, in that order; 0: pairs that found the table full.
   */
  policyCross(): CrossFigure[] {
    const base = regionAt(L.R_CROSS, this.capacities);
    if (this.capacities.policies === 0 || this.capacities.nodes === 0) return [];
    const pairs: CrossFigure[] = [];
    for (let i = 0; i <= L.NR_CROSS; i++) {
      const at = base + i * L.CROSS_STRIDE;
      const read = (field: number) => Number(this.#i64((at + field) / 8));
      const [scanned, stallNs, ioPages] = [read(L.CROSS_SCANNED), read(L.CROSS_STALL_NS), read(L.CROSS_IO)];
      const [doer, owner] = [this.#u32[(at + L.CROSS_DOER) / 4]!, this.#u32[(at + L.CROSS_OWNER) / 4]!];
      if (scanned || stallNs || ioPages) pairs.push({ doer, owner, scanned, stallNs, ioPages });
    }
    return pairs.sort((a, b) => a.doer - b.doer || a.owner - b.owner);
  }

  /** BPF maps and programs, and who pays for each. None without capacity `policies`. */
  bpfObjects(): BpfObject[] {
    if (this.capacities.policies === 0 || this.capacities.nodes === 0) return [];
    const path = (cgroup: number) => this.pathOf(cgroup);
    return bpfObjects(this.#u32, this.#u64, this.capacities, this.#header(L.H_OBJECT_END), path);
  }

  #i64(at: number): bigint {
    return BigInt.asIntN(64, this.#u64[at]!);
  }

  /** The clock goes on to `now` (ns); what is due until then runs. A time that has passed changes nothing. EngineError EINVAL below 0. */
  advance(now: bigint): void {
    if (typeof now !== 'bigint' || now < 0n || now >> 63n !== 0n)
      throw new EngineError('EINVAL', `advance: ${now}: EINVAL: not a time in ns`);
    this.engine.advance(now);
  }

  /** The clock, ns. */
  get now(): bigint {
    return this.#u64[(L.HEADER + L.H_NOW) / 8]!;
  }

  /**
   * A task touches its private memory; a write makes pages, or copies shared ones. Several pages are one entry into the kernel, as of
   * mlock(2).
   */
  touchAnon(task: number, { vpn, pages = 1, write = true }: AnonRange & { write?: boolean }, cpu = 0): CallResult {
    const flags = write ? O.FLAG_WRITE : 0;
    return this.#call('touch', O.OP_ANON_TOUCH, { task, cpu, index: vpn, count: pages, flags });
  }

  /** munmap(2), MADV_DONTNEED: pages leave the task's address space. */
  freeAnon(task: number, { vpn, pages = 1 }: AnonRange, cpu = 0): CallResult {
    return this.#call('free', O.OP_ANON_FREE, { task, cpu, index: vpn, count: pages });
  }

  /** mlock(2) of private memory. */
  mlock(task: number, { vpn, pages = 1 }: AnonRange, cpu = 0): CallResult {
    return this.#call('mlock', O.OP_MLOCK, { task, cpu, index: vpn, count: pages });
  }

  /** munlock(2) of private memory. */
  munlock(task: number, { vpn, pages = 1 }: AnonRange, cpu = 0): CallResult {
    return this.#call('munlock', O.OP_MUNLOCK, { task, cpu, index: vpn, count: pages });
  }

  /** vm.nr_hugepages: a pool of so many pages of 2 MiB, beside the machine's `pages`. Answers its size: what is in use or reserved stays. */
  setHugePages(pages: number): number {
    checkColumns('nr_hugepages', { pages });
    return this.#check(this.engine.setHugePages(pages), 'nr_hugepages');
  }

  /** mmap(MAP_PRIVATE | MAP_HUGETLB): reserves pages of 2 MiB, the first at `vpn`. `ENOMEM`: the pool has not so many left. */
  mapHuge(task: number, { vpn, pages = 1 }: AnonRange, cpu = 0): CallResult {
    return this.#huge('mmap', O.HUGE_MAP, task, vpn, pages, cpu);
  }

  /**
   * Touches pages of 2 MiB, whose first touch takes them from the pool, be it a read. They are charged only where cgroup2 is mounted with
   * memory_hugetlb_accounting; `ENOMEM` where a limit refuses (nobody is killed for one).
   */
  touchHuge(task: number, { vpn, pages = 1, write = true }: AnonRange & { write?: boolean }, cpu = 0): CallResult {
    return this.#huge('touch', write ? O.HUGE_WRITE : O.HUGE_READ, task, vpn, pages, cpu);
  }

  /** munmap(2) of pages of 2 MiB. */
  unmapHuge(task: number, { vpn, pages = 1 }: AnonRange, cpu = 0): CallResult {
    return this.#huge('munmap', O.HUGE_UNMAP, task, vpn, pages, cpu);
  }

  #huge(doing: string, what: number, task: number, vpn: number | bigint, pages: number, cpu: number): CallResult {
    checkColumns(doing, { task, cpu, index: vpn, count: pages });
    if (BigInt(vpn) % 512n !== 0n)
      throw new EngineError('EINVAL', `${doing}: EINVAL: ${vpn} is not a multiple of 512 pages`);
    return this.#result(doing, task, this.engine.hugeCall(what, task, cpu, BigInt(vpn) / 512n, pages));
  }

  /**
   * A new file, shmem object or block device: its id. `made` is what policies ask. `pages` is its size, behind which nothing is read ahead (0: unknown). EngineError
   * ENOSPC when the table is full.
   */
  newObject(type: ObjectType, pages = 0, made: Making = {}): number {
    checkWord('type', type, OBJECT_TYPES.slice(1));
    const { task = 0, mount = 0, payer = 0 } = made;
    const index = mount === 0 ? pages : BigInt(pages) | (BigInt(mount) << 32n);
    const count = OBJECT_TYPES.indexOf(type);
    return this.#make(`new ${type}`, O.OP_OBJECT_NEW, { task, cgroup: payer, count, index });
  }

  /** A mount: an object without pages, but with a size (`pages`, 0: any) for what lies on it, and (where the policy has it) a payer. */
  newMount(pages = 0, { task = 0, payer = 0 }: Omit<Making, 'mount'> = {}): number {
    return this.#make('mount', O.OP_MOUNT, { task, cgroup: payer, count: pages });
  }

  /** Another payer of a mount, for pages to come. EngineError: the policy refuses it. */
  remount(mount: number, { task = 0, payer = 0 }: Omit<Making, 'mount'>, pages = 0): void {
    const { errno } = this.#call('remount', O.OP_MOUNT, { task, cgroup: payer, object: mount, count: pages });
    if (errno) throw new EngineError(errno, `remount: ${errno}`);
  }

  /** An object comes to be: its id. EngineError: the policy refuses it, and nothing was made; or the table is full. */
  #make(
    doing: string,
    op: number,
    columns: { task: number; cgroup: number; count: number; index?: number | bigint },
  ): number {
    const object = this.#freeObjects.pop() ?? Math.max(1, this.#header(L.H_OBJECT_END));
    const { errno } = this.#call(doing, op, { ...columns, object });
    if (errno === undefined) return object;
    this.#freeObjects.push(object);
    throw new EngineError(errno, `${doing}: ${errno}`);
  }

  /**
   * A kernel thread: page cache that it brings in is charged to nobody, unless it acts for a cgroup (engine.enterScope()). Its name is in no list
   * of processes that may be killed.
   */
  spawnKernelThread(): number {
    const id = Math.max(1, this.#header(L.H_TASK_END));
    this.#check(this.engine.spawn(id, ROOT_CGROUP, 0), 'kernel thread');
    return id;
  }

  /**
   * The object becomes a loop device: its pages are those of `backing` from page `offset` on, read and written by `worker`, a kernel thread; with
   * `null` it is none any more. What is dirty is written before, by sync(). EngineError EBUSY: it is one.
   */
  setBacking(object: number, to: { backing: number; offset?: number; worker: number } | null): void {
    const { backing = 0, offset = 0, worker = 0 } = to ?? {};
    checkColumns('loop', { object, backing, offset, worker });
    this.#check(this.engine.setBacking(object, backing, offset, worker), 'loop');
  }

  /** Who pays for what loop devices do for a cgroup: the memcg of the cgroup as which the io controller knows it; null: nobody, as of the root. */
  setIoMemcg(cgroup: number, payer: number | null): void {
    this.#check(this.engine.setIoMemcg(cgroup, payer ?? 0), 'io');
  }

  /** fsync(2) of an object, or sync(2) of all (0): the task waits until what is dirty is written. */
  sync(task: number, object = 0, cpu = 0): CallResult {
    return this.#call('sync', O.OP_SYNC, { task, cpu, object });
  }

  /** A write to vm.drop_caches: 1 page cache that is clean and not mapped, 2 reclaimable slab, 3 both. */
  dropCaches(what: 1 | 2 | 3 = 3, cpu = 0): CallResult {
    if (![1, 2, 3].includes(what)) throw new EngineError('EINVAL', `drop_caches: EINVAL: ${what} is not 1, 2 or 3`);
    return this.#call('drop_caches', O.OP_DROP_CACHES, { cpu, count: what });
  }

  /** The object and all its pages go. */
  freeObject(task: number, object: number, cpu = 0): CallResult {
    const result = this.#call('free object', O.OP_OBJECT_FREE, { task, cpu, object });
    this.#freeObjects.push(object);
    return result;
  }

  /** A task reads or writes pages of an object. */
  access(
    task: number,
    object: number,
    { index, pages = 1, write, fault, exec, holes, random }: Access,
    cpu = 0,
  ): CallResult {
    const how = (write ? O.FLAG_WRITE : 0) | (fault ? O.FLAG_FAULT : 0) | (exec ? O.FLAG_EXEC : 0);
    const flags = how | (holes ? O.FLAG_HOLES : 0) | (random ? O.FLAG_RANDOM : 0);
    const result = this.#call('access', O.OP_FILE_ACCESS, { task, cpu, object, index, count: pages, flags });
    if (result.errno || result.signal || result.killed) result.done = this.#header(L.H_CALL_DONE);
    return result;
  }

  /** Pages of an object that are in memory become dirty, whoever changed them: what a journal had kept clean until now. */
  dirty(object: number, { index, pages = 1 }: ObjectRange, cpu = 0): CallResult {
    return this.#call('dirty', O.OP_FILE_DIRTY, { task: 0, cpu, object, index, count: pages });
  }

  /** munmap(2) of an object: its pages leave the task's address space and stay in the page cache. `pages` 0: to the end. */
  unmap(task: number, object: number, { index, pages = 0 }: ObjectRange, cpu = 0): CallResult {
    return this.#call('unmap', O.OP_UNMAP, { task, cpu, object, index, count: pages });
  }

  /** ftruncate(2), hole punching: pages of the object go. `pages` 0: to the end. */
  truncate(task: number, object: number, { index, pages = 0 }: ObjectRange, cpu = 0): CallResult {
    return this.#call('truncate', O.OP_TRUNCATE, { task, cpu, object, index, count: pages });
  }

  /**
   * fork(2), or with `thread` a thread that shares the memory: the child's id, which is `again`, that of a task that has exited, or a new
   * one. EngineError EAGAIN where pids.max of the control files does not allow it. (`fork()` is of the whole machine.)
   */
  forkTask(task: number, { thread = false, again }: { thread?: boolean; again?: number } = {}, cpu = 0): number {
    const child = again ?? Math.max(1, this.#header(L.H_TASK_END));
    this.#cgroupfs?.taskForks(task, child);
    const { errno } = this.#call('fork', O.OP_FORK, { task, cpu, object: child, flags: thread ? O.FLAG_THREAD : 0 });
    if (errno) this.#cgroupfs?.taskForkFailed(child);
    if (errno) throw new EngineError(errno, `fork: ${errno}: task ${task} does not live`);
    const name = this.#taskNames.get(task);
    if (name !== null) this.#taskNames.set(child, name);
    return child;
  }

  /** execve(2): the task begins with a fresh address space. */
  exec(task: number, cpu = 0): CallResult {
    return this.#call('exec', O.OP_EXEC, { task, cpu });
  }

  /** The task ends, and gives back what it alone had. */
  exit(task: number, cpu = 0): CallResult {
    return this.#call('exit', O.OP_EXIT, { task, cpu });
  }

  /** cgroup.procs: the task's process moves; what it has stays charged where it was. EngineError ENODEV: the cgroup is removed. */
  attach(task: number, cgroup: number, cpu = 0): CallResult {
    const result = this.#call('attach', O.OP_ATTACH, { task, cpu, cgroup });
    this.#cgroupfs?.taskAttached(task);
    return result;
  }

  /** /proc/PID/oom_score_adj, -1000 to 1000. */
  setOomScoreAdj(task: number, value: number): CallResult {
    return this.#call('oom_score_adj', O.OP_OOM_SCORE_ADJ, { task, index: value + 1000 });
  }

  /** Kernel memory by the byte that the task asks for: an object of a slab cache, or per-CPU memory of all CPUs together. */
  chargeKmem(task: number, object: KernelObject, cpu = 0): CallResult {
    const { bytes } = object;
    const flags = objectFlags(object);
    return this.#call('kmem', O.OP_KMEM_CHARGE, { task, cpu, count: bytes, flags, gfp: O.GFP_KERNEL });
  }

  /** Gives back bytes that were charged to the cgroup, which may be removed by now. */
  freeKmem(cgroup: number, object: KernelObject, cpu = 0): CallResult {
    const { bytes } = object;
    const flags = objectFlags({ ...object, referenced: false });
    return this.#call('free kmem', O.OP_KMEM_FREE, { cpu, cgroup, count: bytes, flags });
  }

  /** 2^order whole kernel pages that the task asks for, from `frame` on: any number that the caller knows them by. */
  chargeKmemPages(task: number, { kind, frame, order = 0 }: KernelPages, cpu = 0): CallResult {
    const flags = pageFlags(kind, order);
    return this.#call('kmem', O.OP_KMEM_CHARGE, { task, cpu, index: frame, flags, gfp: O.GFP_KERNEL });
  }

  /** Gives such pages back. */
  freeKmemPages({ kind, frame, order = 0 }: KernelPages, cpu = 0): CallResult {
    const flags = pageFlags(kind, order);
    return this.#call('free kmem', O.OP_KMEM_FREE, { cpu, index: frame, flags });
  }

  /**
   * Gives back such a page by put_page(): with the task's batch of uncharges and past the CPU's stock, as page tables and pipe buffers go.
   * `task` 0: nobody's.
   */
  putKmemPage(task: number, frame: number | bigint, cpu = 0): CallResult {
    return this.#call('put', O.OP_UNCHARGE, { task, cpu, index: frame });
  }

  /**
   * memory.reclaim: takes `bytes` from the cgroup and all below it, or throws EngineError EAGAIN: so much cannot be had, and what was
   * taken is gone. `swappiness` (6.18): 0 to 200, `max` for anonymous memory only; vm.swappiness unless told. The text that is written
   * to the file is parseReclaim()'s to read.
   */
  reclaim(
    cgroup: number,
    bytes: number | bigint,
    { swappiness = null, cpu = 0 }: { swappiness?: number | 'max' | null; cpu?: number } = {},
  ): void {
    const doing = `write to memory.reclaim of ${this.pathOf(cgroup)}`;
    const word = swappiness === null ? 0 : (swappiness === 'max' ? O.RECLAIM_SWAPPINESS_MAX : swappiness) + 1;
    const known = swappiness === 'max' || (word === Math.trunc(word) && word >= 0 && word <= O.RECLAIM_SWAPPINESS_MAX);
    if (swappiness !== null && (!known || this.kernel === '6.1'))
      throw new EngineError('EINVAL', `${doing}: EINVAL: swappiness ${swappiness}`);
    this.#present(cgroup, doing);
    if (typeof bytes === 'bigint' ? bytes < 0n || bytes >> 64n !== 0n : !isIndex(bytes))
      throw new EngineError('EINVAL', `${doing}: EINVAL: ${bytes} bytes`);
    this.#check(this.engine.reclaim(cgroup, cpu, BigInt(bytes) / BigInt(PAGE_SIZE), word), doing);
  }

  /** Opens memory.peak, or memory.swap.peak (6.18). EngineError ENOENT where the kernel has no such file. */
  openPeak(cgroup: number, which: 'memory' | 'swap' = 'memory'): PeakFile {
    if (cgroup === ROOT_CGROUP || (which === 'swap' && this.kernel === '6.1'))
      throw new EngineError(
        'ENOENT',
        `${which === 'swap' ? 'memory.swap' : 'memory'}.peak of ${this.pathOf(cgroup)}: ENOENT`,
      );
    checkWord('counter', which, ['memory', 'swap']);
    this.#present(cgroup, `open of ${which}.peak`);
    const index = which === 'swap' ? L.COUNTER_SWAP : L.COUNTER_MEMORY;
    const key = `${cgroup} ${which}`;
    const watchers = this.#peaks.get(key) ?? new Set();
    this.#peaks.set(key, watchers);
    const field = (name: number) => Number(this.engine.pageCounterField(cgroup, index, name));
    const counter = {
      watermark: () => field(L.PC_WATERMARK),
      localWatermark: () => field(L.PC_LOCAL_WATERMARK),
      reset: () => Number(this.engine.resetLocalWatermark(cgroup, index)),
    };
    return new PeakFile(counter, watchers, this.kernel !== '6.1');
  }

  /** True once the OOM killer took the task (modelled residency): later charges, forks and execs of it answer ESRCH. */
  isKilled(task: number): boolean {
    return this.engine.taskKilled(task) !== 0;
  }

  // ------------------------------------------------------------------------------------------------ what happened

  /**
   * Takes the events out of the ring (capacity `ring`), oldest first. An event that was handed out is gone, also where the loop is left
   * early.
   *
   * @example for (const event of machine.drain()) if (event.type === 'killed') console.log(event.task);
   */
  *drain(): Generator<MachineEvent, void, undefined> {
    const { ring } = this.capacities;
    const tail = (L.HEADER + L.H_RING_TAIL) / 8;
    while (this.#u64[tail]! < this.#u64[(L.HEADER + L.H_RING_HEAD) / 8]!) {
      const at = this.#base.ring + Number(this.#u64[tail]! % BigInt(ring)) * L.RING_STRIDE;
      const event = eventAt(this.memory.buffer, at);
      this.#u64[tail]! += 1n;
      yield event;
    }
  }

  /** Events that were overwritten before anybody took them out. */
  get eventsLost(): number {
    return Number(this.#u64[(L.HEADER + L.H_RING_LOST) / 8]!);
  }

  /**
   * Whether replay() stops before a row that could overwrite events (as it does from the start), so that drain() loses none, or goes on and
   * the newest remain.
   */
  keepEvents(on: boolean): void {
    this.#u32[(L.HEADER + L.H_RING_WAITS) / 4] = on ? 1 : 0;
  }

  /** Every kill that the table (capacity `kills`) had room for, in the order of time. */
  kills(): Kill[] {
    this.#nameKills();
    return Array.from({ length: this.#header(L.H_KILLS) }, (_, i) =>
      killAt(this.memory.buffer, this.#base.kill, i + 1, (task) => this.#taskNames.at(i + 1, task)),
    );
  }

  /** Kills that found the table full. */
  get killsLost(): number {
    return this.#header(L.H_KILLS_LOST);
  }

  /** Modelled residency: ns that memory.high made tasks sleep while they were in the cgroup itself. */
  throttledNs(cgroup: number): number {
    this.#known(cgroup, 'throttledNs');
    return Number(this.engine.eventCount(cgroup, L.EVENT_THROTTLED_NS, 1));
  }

  /** New kills keep the names that tasks have now. */
  #nameKills(): void {
    for (; this.#named < this.#header(L.H_KILLS); this.#named++) {
      const kill = this.#named + 1;
      this.#taskNames.keep(kill, tasksOfKill(this.memory.buffer, this.#base.kill, kill));
    }
  }

  /** Learns what tasks are called from rows [from, to), `offset` being staged row 0, and what those of new kills were called. */
  #nameTasks(batch: TraceBatch, from: number, to: number, offset: number): void {
    let row = from;
    for (; this.#named < this.#header(L.H_KILLS); this.#named++) {
      const kill = this.#named + 1;
      const at = offset + this.#u32[(this.#base.kill + kill * L.KILL_STRIDE + L.KILL_ROW) / 4]!;
      this.#taskNames.learn(batch, row, at);
      row = at;
      this.#taskNames.keep(kill, tasksOfKill(this.memory.buffer, this.#base.kill, kill));
    }
    this.#taskNames.learn(batch, row, to);
  }

  /**
   * Modelled residency: a swap device of so many slots, as many as capacity `swap` unless told. (A machine boots with one if it has that
   * capacity.) EngineError EBUSY: there is one; EINVAL: more slots than the capacity, or none.
   */
  swapon(slots = this.capacities.swap): void {
    if (this.residency !== 'modelled' || !isU32(slots))
      throw new EngineError(
        'EINVAL',
        `swapon of ${slots} slots: EINVAL${isU32(slots) ? ': only in modelled residency' : ''}`,
      );
    this.#check(this.engine.swapOn(slots), `swapon of ${slots} slots`);
  }

  /** swapoff: everything in swap comes back to memory. EngineError EINVAL: no device; ENOMEM: a limit refused, the device stays. */
  swapoff(task = 0, cpu = 0): void {
    this.#check(this.engine.swapOff(task, cpu), 'swapoff');
  }

  // ------------------------------------------------------------------------------------------------ replay

  /**
   * Replays rows [from, to) of a batch in the machine's residency. Answers the row after the last one done: less than `to` when the
   * watch log or the ring of events is full and must be drained first. Throws ReplayError.
   */
  replay(batch: TraceBatch, from = 0, to = batch.length): number {
    let row = from;
    while (row < to) {
      const end = Math.min(to, row + L.COLUMN_ROWS);
      this.stage(batch, row, end);
      const done = row + this.run(batch, 0, end - row, row);
      if (done < end) return done;
      row = done;
    }
    return row;
  }

  /** Copies rows [from, to) of a batch into the staging columns, to its rows [0, to - from): COLUMN_ROWS of them at most. */
  stage(batch: TraceBatch, from: number, to: number): void {
    const { buffer } = this.memory;
    const n = to - from;
    if (n > L.COLUMN_ROWS)
      throw new EngineError('EINVAL', `batch of ${n} rows, at most ${L.COLUMN_ROWS} can be staged`);
    new BigUint64Array(buffer, L.COLUMN_TS, n).set(batch.ts.subarray(from, to));
    new BigUint64Array(buffer, L.COLUMN_INDEX, n).set(batch.index.subarray(from, to));
    new Uint32Array(buffer, L.COLUMN_TASK, n).set(batch.task.subarray(from, to));
    new Uint32Array(buffer, L.COLUMN_CGROUP, n).set(batch.cgroup.subarray(from, to));
    new Uint32Array(buffer, L.COLUMN_OBJECT, n).set(batch.object.subarray(from, to));
    new Uint32Array(buffer, L.COLUMN_COUNT, n).set(batch.count.subarray(from, to));
    new Uint32Array(buffer, L.COLUMN_FLAGS, n).set(batch.flags.subarray(from, to));
    new Uint16Array(buffer, L.COLUMN_CPU, n).set(batch.cpu.subarray(from, to));
    new Uint16Array(buffer, L.COLUMN_GFP, n).set(batch.gfp.subarray(from, to));
    new Uint8Array(buffer, L.COLUMN_OP, n).set(batch.op.subarray(from, to));
    new Uint8Array(buffer, L.HEADER + L.H_OP_MAP, 256).set(batch.opMap);
  }

  /** Another `index` for a row that is staged. */
  restage(row: number, index: bigint): void {
    new BigUint64Array(this.memory.buffer, L.COLUMN_INDEX, L.COLUMN_ROWS)[row] = index;
  }

  /** Runs staged rows [from, to); `offset` is the batch row that staged row 0 came from. */
  run(batch: TraceBatch, from: number, to: number, offset: number): number {
    const { engine } = this;
    this.#nameKills();
    const done = this.residency === 'modelled' ? engine.replayModelled(from, to) : engine.replayRecorded(from, to);
    const last = done >= 0 ? done : this.#header(L.H_CURRENT_ROW);
    this.#nameCgroups(batch, offset + from, offset + last);
    this.#nameTasks(batch, offset + from, offset + last, offset);
    if (done >= 0) return done;
    const errno = errnoName(-done);
    const row = offset + last;
    const field = FIELD_NAMES[this.#header(L.H_ERROR_FIELD)]!;
    const value = this.#u64[(L.HEADER + L.H_ERROR_VALUE) / 8]!;
    throw new ReplayError(errno, row, field, `${this.#explain(errno, field, value)}${this.#fullTable(errno)}`);
  }

  #explain(errno: string, field: string, value: bigint): string {
    const capacity = { index: 'pages', count: 'pages', cgroup: 'cgroups', task: 'tasks', object: 'swap', cpu: 'cpus' }[
      field
    ];
    switch (errno) {
      case 'ERANGE':
        return `${field} ${value} is out of range; raise capacity ${capacity}`;
      case 'ESRCH':
        return `${field} ${value}: no such task`;
      case 'ENOENT':
        return `${field} ${value}: no such cgroup`;
      case 'ENODEV':
        if (this.#header(L.H_CURRENT_OP) === O.OP_LOOP_IO)
          return `${field} ${value}: the loop device has no backing object`;
        return `${field} ${value}: the cgroup is removed`;
      case 'EEXIST':
        return `${field} ${value}: exists already`;
      case 'EBUSY':
        return 'cgroup still has children';
      default:
        return `${field} ${value}: ${errno}`;
    }
  }

  /** Learns the names that mkdir rows give. Few rows do: the search is left to indexOf. */
  #nameCgroups(batch: TraceBatch, from: number, to: number): void {
    const code = batch.opMap.indexOf(O.OP_MKDIR);
    if (code < 0) return;
    const ops = batch.op.subarray(0, to);
    for (let row = ops.indexOf(code, from); row >= 0; row = ops.indexOf(code, row + 1)) {
      const id = batch.cgroup[row]!;
      const path = batch.name(row) ?? `/unknown-${batch.index[row]}`;
      this.cgroups.set(id, { path, kernelId: batch.index[row]!, parent: batch.object[row]! });
    }
  }

  /** Switches the watch log on or off; it needs a capacity `watch`. */
  watch(on: boolean): void {
    this.#u32[(L.HEADER + L.H_WATCH_ON) / 4] = on ? 1 : 0;
  }

  /** Takes the changes that the watch log holds, oldest first, and empties it. */
  drainWatch(each: (change: CounterChange) => void): void {
    const n = this.#header(L.H_WATCH_LENGTH);
    const signed = new Int32Array(this.memory.buffer);
    for (let i = 0; i < n; i++) {
      const at = this.#base.watch + i * L.WATCH_STRIDE;
      const word = (field: number) => this.#u32[(at + field) / 4]!;
      each({
        ts: this.#u64[(at + L.WATCH_TS) / 8]!,
        usage: Number(BigInt.asIntN(64, this.#u64[(at + L.WATCH_USAGE) / 8]!)),
        memcg: word(L.WATCH_MEMCG),
        start: word(L.WATCH_START),
        delta: signed[(at + L.WATCH_DELTA) / 4]!,
        kind: word(L.WATCH_KIND),
        task: word(L.WATCH_TASK),
        cpu: word(L.WATCH_CPU),
      });
    }
    this.#u32[(L.HEADER + L.H_WATCH_LENGTH) / 4] = 0;
  }

  // ------------------------------------------------------------------------------------------------ figures

  /** A cgroup's path, or `PATH (deleted)#ID` once it is removed. */
  pathOf(cgroup: number): string {
    const name = this.cgroups.get(cgroup)?.path ?? `#${cgroup}`;
    return this.isRemoved(cgroup) ? `${name} (deleted)#${cgroup}` : name;
  }

  /** EngineError ENOENT: there was never a cgroup of that id. */
  #known(cgroup: number, doing: string): void {
    if (!Number.isInteger(cgroup) || cgroup < ROOT_CGROUP || cgroup >= this.#header(L.H_MEMCG_END))
      throw new EngineError('ENOENT', `${doing}: ENOENT: no cgroup ${cgroup}`);
  }

  /** … or ENODEV: it is removed, and its files are gone. */
  #present(cgroup: number, doing: string): void {
    this.#known(cgroup, doing);
    if (this.isRemoved(cgroup)) throw new EngineError('ENODEV', `${doing}: ENODEV: the cgroup is removed`);
  }

  /** True from rmdir on. */
  isRemoved(cgroup: number): boolean {
    const base = regionAt(L.R_MEMCG, this.capacities);
    return this.#u32[(base + cgroup * L.MEMCG_STRIDE + L.MEMCG_STATE) / 4]! >= L.MEMCG_REMOVED;
  }

  /** True for a removed cgroup that nothing refers to any more: Linux has freed it. */
  isReleased(cgroup: number): boolean {
    this.#known(cgroup, 'isReleased');
    return this.engine.isReleased(cgroup) !== 0;
  }

  /** memory.current in pages. */
  usage(cgroup: number): number {
    this.#known(cgroup, 'usage');
    return Number(this.engine.pageCounterField(cgroup, L.COUNTER_MEMORY, L.PC_USAGE));
  }

  /**
   * Reads memory.stat, in the kernel's order. With `kernel` statistics this is the kernel's own read: it flushes if enough has
   * changed, and shows what was flushed. Keys that the residency cannot tell are left out.
   */
  memoryStat(cgroup: number): Record<string, number> {
    this.#known(cgroup, 'memory.stat');
    const shown = this.statistics === 'kernel';
    if (shown) this.engine.flushStats(cgroup);
    const value = (row: number) => {
      if (shown) return Number(this.engine.statShown(cgroup, row));
      if (row >= L.RSTAT_LISTS) return this.#lruPages(cgroup, row - L.RSTAT_LISTS);
      return Number(this.engine.statTotal(cgroup, row));
    };
    return Object.fromEntries(
      statKeys(this.kernel, this.residency, (this.#header(L.H_MOUNT) & L.MOUNT_HUGETLB_ACCOUNTING) !== 0).map(
        ({ name, rows, unit }) => [name, rows.reduce((sum, row) => sum + Math.max(0, value(row)), 0) * unit],
      ),
    );
  }

  /** Modelled residency: what the counters of the whole machine say at this moment, by the names of memory.stat and in its units. */
  statNow(): Record<string, number> {
    const value = (row: number) =>
      row >= L.RSTAT_LISTS
        ? this.#lruPages(ROOT_CGROUP, row - L.RSTAT_LISTS)
        : Number(this.engine.statTotal(ROOT_CGROUP, row));
    return Object.fromEntries(
      statKeys(this.kernel, this.residency).map(({ name, rows, unit }) => [
        name,
        rows.reduce((sum, row) => sum + Math.max(0, value(row)), 0) * unit,
      ]),
    );
  }

  /** Modelled residency: pages that a task has in memory and in swap, and page tables that its private memory needs: oom_badness(). */
  residentOf(task: number): { anon: number; file: number; shmem: number; swap: number; pagetables: number } {
    const tasks = regionAt(L.R_TASK, this.capacities);
    const mm = this.#u32[(tasks + task * L.TASK_STRIDE + L.TASK_MM) / 4]!;
    if (!this.#wasTask(task) || mm === 0) return { anon: 0, file: 0, shmem: 0, swap: 0, pagetables: 0 };
    // The line behind those of the choice that is being made: nobody is, now.
    const line = this.#base.kill + L.KILL_HEAD + L.KILL_CANDIDATES * L.CANDIDATE_STRIDE;
    this.engine.measureMm(mm, line);
    const word = (field: number) => this.#u32[(line + field) / 4]!;
    return {
      anon: word(L.CANDIDATE_ANON),
      file: word(L.CANDIDATE_FILE),
      shmem: word(L.CANDIDATE_SHMEM),
      swap: word(L.CANDIDATE_SWAP),
      pagetables: word(L.CANDIDATE_PAGE_TABLES),
    };
  }

  /** cgroup.stat: descendants that live, and removed ones that something refers to still. */
  cgroupStat(cgroup: number): { nr_descendants: number; nr_dying_descendants: number } {
    this.#known(cgroup, 'cgroup.stat');
    const count = (dying: number) => this.engine.nrDescendants(cgroup, dying);
    return { nr_descendants: count(0), nr_dying_descendants: count(1) };
  }

  /** The figures of one cgroup, in bytes, under the kernel's own names. Reads memory.stat: see memoryStat(). */
  figures(cgroup: number): MemcgFigures {
    this.#known(cgroup, 'figures');
    const bytes = (pages: bigint) => Number(pages) * PAGE_SIZE;
    const counter = (which: number, field: number) => bytes(this.engine.pageCounterField(cgroup, which, field));
    const events = (local: number) =>
      Object.fromEntries(
        EVENT_NAMES.map((name, event) => [name, Number(this.engine.eventCount(cgroup, event, local))]),
      );
    return {
      'memory.current': counter(L.COUNTER_MEMORY, L.PC_USAGE),
      'memory.peak': counter(L.COUNTER_MEMORY, L.PC_WATERMARK),
      'memory.swap.current': counter(L.COUNTER_SWAP, L.PC_USAGE),
      'memory.stat': this.memoryStat(cgroup),
      'memory.events': events(0),
      'memory.events.local': events(1),
      'memory.swap.events': Object.fromEntries(
        SWAP_EVENT_NAMES.map((name, event) => [
          name,
          Number(this.engine.eventCount(cgroup, L.EVENT_SWAP_HIGH + event, 0)),
        ]),
      ),
      ...(this.residency === 'modelled' ? { 'memory.pressure': this.pressure(cgroup) } : {}),
      dying: this.isRemoved(cgroup),
    };
  }

  /**
   * Modelled residency: memory.pressure at this moment; of the root, what /proc/pressure/memory says of the whole machine. All 0 in
   * recorded residency, which does not show who waits.
   */
  pressure(cgroup: number): Pressure {
    this.#check(this.engine.readPressure(cgroup), `memory.pressure of ${this.pathOf(cgroup)}`);
    return pressureOf(this.memory);
  }

  /** Pages on a list of the whole subtree. */
  #lruPages(cgroup: number, list: number): number {
    const own = (this.#base.list + (cgroup * L.NR_LRU_LISTS + list) * L.LIST_STRIDE + L.LIST_PAGES) / 4;
    let sum = this.#u32[own]!;
    for (const [id, { parent }] of this.cgroups) if (parent === cgroup) sum += this.#lruPages(id, list);
    return sum;
  }

  /** Modelled residency: what was ever charged to the cgroup itself, whether it still is or not. Bytes. */
  charged(cgroup: number): { anon: number; file: number; shmem: number } {
    this.#known(cgroup, 'charged');
    const ever = (kind: number) => Number(this.engine.eventCount(cgroup, L.EVENT_CHARGED + kind, 1)) * PAGE_SIZE;
    return { anon: ever(O.KIND_ANON), file: ever(O.KIND_FILE), shmem: ever(O.KIND_SHMEM) };
  }

  /** Modelled residency: charges to the cgroup itself that its limits refused in the end. */
  refused(cgroup: number): number {
    this.#known(cgroup, 'refused');
    return Number(this.engine.eventCount(cgroup, L.EVENT_REFUSED, 1));
  }

  /** Modelled residency: dirty pages of files and pages under writeback in the machine, and how long tasks waited for the disk (ns). */
  writeback(): { dirty: number; writeback: number; waitedNs: bigint } {
    return {
      dirty: this.#header(L.H_NR_DIRTY),
      writeback: this.#header(L.H_NR_WRITEBACK),
      waitedNs: this.#u64[(L.HEADER + L.H_WRITE_STALL_NS) / 8]!,
    };
  }

  /** Modelled residency: the machine's free memory, its watermarks, and what its own reclaim has done. */
  vmstat(): VmStat {
    const event = (which: number) => Number(this.#u64[(L.HEADER + L.H_VM_EVENT) / 8 + which]!);
    const swapped = (stat: number) => Number(this.engine.statTotal(ROOT_CGROUP, stat));
    return {
      managed: this.capacities.pages,
      nr_free_pages: this.#header(L.H_FREE_PAGES),
      min: this.#header(L.H_WMARK_MIN),
      low: this.#header(L.H_WMARK_LOW),
      high: this.#header(L.H_WMARK_HIGH),
      pgscan_kswapd: event(L.VM_PGSCAN_KSWAPD),
      pgscan_direct: event(L.VM_PGSCAN_DIRECT),
      pgsteal_kswapd: event(L.VM_PGSTEAL_KSWAPD),
      pgsteal_direct: event(L.VM_PGSTEAL_DIRECT),
      allocstall: event(L.VM_ALLOCSTALL),
      pageoutrun: event(L.VM_PAGEOUTRUN),
      oom_kill: event(L.VM_OOM_KILL),
      pswpin: swapped(L.STAT_PSWPIN),
      pswpout: swapped(L.STAT_PSWPOUT),
      allocations_failed: event(L.VM_ALLOC_FAILED),
    };
  }

  /** What the recorded driver had to do, by name. */
  recordedCounts(): Record<string, number> {
    const names = [
      'parked',
      'undone',
      'raced',
      'forced',
      'atomic_forced',
      'atomic_failed',
      'victim',
      'abandoned',
      'softirq_in_charge',
      'unmatched',
      'lost_free',
      'unseen',
    ];
    return Object.fromEntries(names.map((name, i) => [name, this.#header(L.H_RECORDED + 4 * i)]));
  }

  /** A 64-bit hash of the logical state, 16 hex digits. */
  digest(): string {
    return BigInt.asUintN(64, this.engine.stateDigest()).toString(16).padStart(16, '0');
  }

  /** Recomputes every counter from what it stands for; `null` when all agrees. */
  audit(): Discrepancy | null {
    const code = this.engine.audit();
    if (code === L.AUDIT_OK) return null;
    const signed = (field: number) => BigInt.asIntN(64, this.#u64[(L.HEADER + field) / 8]!);
    return {
      what: AUDIT_NAMES[code] ?? `code ${code}`,
      id: this.#header(L.H_AUDIT_ID),
      expected: signed(L.H_AUDIT_EXPECTED),
      found: signed(L.H_AUDIT_FOUND),
    };
  }
}
