/**
 * One instance of the engine on one memory. Thin: it writes the header, instantiates, and gives typed access to the exports.
 * The WebAssembly API is used as it is: the engine has no runtime, strings or managed objects that a loader could help with.
 */
import * as L from '../../assembly/layout.ts';
import { CAPACITY_NAMES, type Capacities, checkCapacities, kernelStatisticsSize, memorySize } from './capacities.ts';

/** The engine's exports: see assembly/index.ts. Statuses are 0 or a negative errno. */
export interface EngineExports {
  attach(worker: number): void;
  boot(): void;
  replayRecorded(from: number, to: number): number;
  replayModelled(from: number, to: number): number;
  call(
    op: number,
    task: number,
    cpu: number,
    cgroup: number,
    object: number,
    index: bigint,
    count: number,
    flags: number,
    gfp: number,
  ): number;
  hugeCall(what: number, task: number, cpu: number, hvpn: bigint, pages: number): number;
  setHugePages(pages: number): number;
  reclaim(memcg: number, cpu: number, pages: bigint, swappiness: number): number;
  resetLocalWatermark(memcg: number, counter: number): bigint;
  advance(now: bigint): void;
  audit(): number;
  stateDigest(): bigint;
  mkdir(memcg: number, parent: number, kernelId: bigint, cpu?: number): number;
  nrDescendants(memcg: number, dying: number): number;
  isReleased(memcg: number): number;
  rmdir(memcg: number, cpu: number): number;
  writeKnob(memcg: number, knob: number, value: bigint, cpu: number): number;
  readKnob(memcg: number, knob: number): bigint;
  spawn(task: number, memcg: number, mm: number): number;
  fork(parent: number, child: number, thread: number): number;
  exec(task: number): number;
  exit(task: number): number;
  attachTask(task: number, memcg: number): number;
  /** LOOP_CONFIGURE (backing 0: LOOP_CLR_FD): see assembly/folio/loop.ts. Offsets in pages. */
  setBacking(object: number, backing: number, offset: number, worker: number): number;
  setIoMemcg(memcg: number, payer: number): number;
  /** pages that could not be written, and << 24 the errno if that is not EIO */
  takeErrors(object: number): number;
  /** tmpfs: the super block (an object) of a file, its limit and what is used of it, in pages; pages of a file. */
  setSuper(object: number, sb: number): void;
  setSuperMax(sb: number, pages: number): void;
  superUsed(sb: number): number;
  /** … its quota: pages that each user but root may have there (0: any number), whose a file is, and what a user has */
  setSuperQuota(sb: number, pages: number): void;
  setObjectUid(object: number, uid: number): void;
  quotaUsed(sb: number, uid: number): number;
  objectPages(object: number): number;
  /** tmpfs: 1 if the page exists, in memory or in swap */
  hasEntry(object: number, index: bigint): number;
  /** i_size in pages */
  setInodeSize(object: number, pages: bigint): void;
  enterScope(task: number, memcg: number): number;
  leaveScope(task: number): number;
  folioPayer(task: number, explicitMm: number): number;
  kmemPayer(task: number): number;
  chargeFolio(
    task: number,
    cpu: number,
    memcg: number,
    frame: number,
    order: number,
    kind: number,
    gfp: number,
  ): number;
  /** writes CANDIDATE_* of an mm (the id of the task that owns it) at an address */
  measureMm(mm: number, at: number): void;
  taskKilled(task: number): number;
  returnToUser(task: number, cpu: number): number;
  uncharge(task: number, cpu: number, frame: number): number;
  unchargeFlush(task: number): number;
  chargeKmemPages(task: number, cpu: number, frame: number, order: number, kind: number, gfp: number): number;
  unchargeKmemPages(cpu: number, frame: number): number;
  chargeObject(task: number, cpu: number, bytes: number, kind: number, gfp: number): number;
  unchargeObject(cpu: number, objcg: number, bytes: number, kind: number): number;
  chargeSock(cpu: number, memcg: number, pages: number, gfp: number): number;
  unchargeSock(cpu: number, memcg: number, pages: number): number;
  migrate(from: number, to: number): number;
  split(frame: number): number;
  swapOut(frame: number, entry: number): number;
  swapFree(entry: number): number;
  swapOn(slots: number): number;
  swapOff(task: number, cpu: number): number;
  drainAllStock(memcg: number, cpu: number): number;
  warmCharge(memcg: number, kind: number, pages: number): number;
  warmFolio(memcg: number, frame: number, order: number, kind: number): number;
  warmObject(memcg: number, kind: number, bytes: number): number;
  warmObjStock(cpu: number, objcg: number, bytes: number): number;
  warmUncharge(task: number, cpu: number, memcg: number, kind: number, pages: number): number;
  warmUnchargeKmem(cpu: number, objcg: number, kind: number, pages: number): number;
  pageCounterTryCharge(memcg: number, counter: number, pages: bigint): number;
  pageCounterCharge(memcg: number, counter: number, pages: bigint): void;
  pageCounterUncharge(memcg: number, counter: number, pages: bigint): void;
  pageCounterField(memcg: number, counter: number, field: number): bigint;
  calculateProtection(root: number, memcg: number): void;
  flushStats(memcg: number): void;
  flushCgroup(memcg: number): void;
  statShown(memcg: number, row: number): bigint;
  statLocal(memcg: number, stat: number): bigint;
  statTotal(memcg: number, stat: number): bigint;
  eventCount(memcg: number, event: number, local: number): bigint;
  memstall(task: number, cpu: number, ns: bigint, reclaims: number): number;
  readPressure(memcg: number): number;
  overSettle(): void;
  folioOwner(frame: number): number;
  /** observed: USER_SHARE of every memcg is current after this */
  workOutShares(): void;
  lruSize(memcg: number, list: number): number;
  shareFolio(frame: number, memcg: number, cpu: number): number;
  lruIsolate(memcg: number, list: number): number;
  lruPutback(frame: number, list: number): number;
  lruRotate(frame: number): number;
}

/** `release` for use, `debug` with assertions for the engine's own tests. */
export type EngineBuild = 'release' | 'debug';

const modules = new Map<EngineBuild, Promise<WebAssembly.Module>>();

/** From the package's files; in a browser, from where they lie beside this module. */
async function readEngine(name: string): Promise<WebAssembly.Module> {
  if (typeof process === 'undefined' || !process.versions?.node)
    return WebAssembly.compileStreaming(fetch(new URL(`../../../build/${name}`, import.meta.url)));
  const [{ readFile }, { createRequire }] = await Promise.all([import('node:fs/promises'), import('node:module')]);
  return WebAssembly.compile(await readFile(createRequire(import.meta.url).resolve(`memcharge/${name}`)));
}

/** Compiles the engine once per process. */
export function compileEngine(build: EngineBuild = 'release'): Promise<WebAssembly.Module> {
  let module = modules.get(build);
  if (!module) {
    module = readEngine(build === 'release' ? 'engine.wasm' : 'engine.debug.wasm');
    modules.set(build, module);
  }
  return module;
}

/** When the kernel's periodic flush of the statistics runs: ns. */
export interface FlushTimes {
  first: bigint;
  period: bigint;
}

/** vm.swappiness of a kernel that nobody told another: mm/vmscan.c. */
const SWAPPINESS = 60;

/**
 * A memory just large enough for the capacities, with the header written. Untouched pages cost nothing. `flush`: statistics are
 * the kernel's; null: exact.
 */
export function createMemory(
  capacities: Capacities,
  kernel: number,
  seed: number,
  flush: FlushTimes | null = null,
): WebAssembly.Memory {
  checkCapacities(capacities, flush !== null);
  const extra = flush ? kernelStatisticsSize(capacities) : 0;
  const pages = Math.ceil((memorySize(capacities) + extra) / L.WASM_PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: 65536, shared: true });
  const header = new Uint32Array(memory.buffer, L.HEADER, (L.HEADER_END - L.HEADER) / 4);
  header[L.H_MAGIC / 4] = L.MAGIC;
  header[L.H_VERSION / 4] = L.LAYOUT_VERSION;
  for (const [i, name] of CAPACITY_NAMES.entries()) header[L.H_CAPACITY / 4 + i] = capacities[name];
  header[L.H_KERNEL / 4] = kernel;
  header[L.H_SEED / 4] = seed;
  header[L.H_SWAPPINESS / 4] = SWAPPINESS;
  header[L.H_STATISTICS / 4] = flush ? L.STATISTICS_KERNEL : L.STATISTICS_EXACT;
  if (flush) {
    const times = new BigUint64Array(memory.buffer, L.HEADER, (L.HEADER_END - L.HEADER) / 8);
    times[L.H_STATS_FLUSH_AT / 8] = flush.first;
    times[L.H_STATS_PERIOD / 8] = flush.period;
  }
  return memory;
}

/** Reads the capacities back from a memory's header. */
export function readCapacities(memory: WebAssembly.Memory): Capacities {
  const header = new Uint32Array(memory.buffer, L.HEADER, (L.HEADER_END - L.HEADER) / 4);
  if (header[L.H_MAGIC / 4] !== L.MAGIC) throw new Error('not a memory of memcharge');
  if (header[L.H_VERSION / 4] !== L.LAYOUT_VERSION)
    throw new Error(`memory layout ${header[L.H_VERSION / 4]}, this engine has ${L.LAYOUT_VERSION}`);
  const capacities: Partial<Capacities> = {};
  for (const [i, name] of CAPACITY_NAMES.entries()) capacities[name] = header[L.H_CAPACITY / 4 + i]!;
  return capacities as Capacities;
}

/** Instantiates the engine on a memory. Every worker does so; one of them calls `boot()` once. */
export async function instantiate(
  memory: WebAssembly.Memory,
  worker = 0,
  build: EngineBuild = 'release',
): Promise<EngineExports> {
  const abort = (_message: number, _file: number, line: number, column: number) => {
    throw new Error(`assertion failed in the engine at ${line}:${column}`);
  };
  const instance = await WebAssembly.instantiate(await compileEngine(build), { env: { memory, abort } });
  const engine = instance.exports as unknown as EngineExports;
  engine.attach(worker);
  return engine;
}
