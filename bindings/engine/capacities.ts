/**
 * How large a machine can grow. Everything is laid out at boot from these counts (assembly/layout.ts); nothing grows later.
 */
import * as L from '../../assembly/layout.ts';

/** Highest id of each table, and sizes of the staging areas. */
export interface Capacities {
  /** frames: highest frame number */
  pages: number;
  cgroups: number;
  tasks: number;
  cpus: number;
  /** instances that may run at once, each with its own statistics */
  workers: number;
  /** swap slots */
  swap: number;
  /** entries of the watch log; 0 switches it off for good */
  watch: number;
  /** files, shmem objects, block devices */
  objects: number;
  /** pairs of an address space and an object that it maps */
  maps: number;
  /** nodes of 64 pages in the trees of objects and address spaces; 0 where only recorded residency is wanted */
  nodes: number;
  /** kills that are recorded, with up to 32 candidates each */
  kills: number;
  /** events that the ring holds (`Machine.drain()`); 0: there is none */
  ring: number;
  /** 1: there are tables for what charging policies know of objects and cgroups; 0: only Linux's own answers can be given */
  policies: number;
  /** sets of cgroups that use a page together; 0: nobody observes who uses what */
  observe: number;
}

export const DEFAULT_CAPACITIES: Readonly<Capacities> = {
  pages: 1 << 20,
  cgroups: 1024,
  tasks: 1 << 16,
  cpus: 8,
  workers: 1,
  swap: 1 << 16,
  watch: 0,
  objects: 0,
  maps: 0,
  nodes: 0,
  kills: 64,
  ring: 0,
  policies: 0,
  observe: 0,
};

/** Beside these, modelled residency has objects and address spaces: see capacity `nodes`. */
export const MODELLED_CAPACITIES: Readonly<Capacities> = {
  ...DEFAULT_CAPACITIES,
  swap: 0,
  objects: 1 << 16,
  maps: 1 << 18,
  nodes: 1 << 18,
  policies: 1,
};

/** Names in the order of CAP_*, which is their order in the header. */
export const CAPACITY_NAMES: readonly (keyof Capacities)[] = [
  'pages',
  'cgroups',
  'tasks',
  'cpus',
  'workers',
  'swap',
  'watch',
  'objects',
  'maps',
  'nodes',
  'kills',
  'ring',
  'policies',
  'observe',
];

/** Names of the regions in the order of R_*. */
export const REGION_NAMES: readonly string[] = [
  'cpu',
  'counter',
  'memcg',
  'objcg',
  'event',
  'list',
  'task',
  'stat',
  'chunk',
  'swap',
  'folio',
  'log',
  'watch',
  'audit',
  'object',
  'mm',
  'map',
  'node',
  'nodeuse',
  'place',
  'lruvec',
  'shadow',
  'slot',
  'folioslot',
  'slotcache',
  'inode',
  'write',
  'reader',
  'psi',
  'psicpu',
  'psitask',
  'kill',
  'ring',
  'lock',
  'locked',
  'lru_add',
  'shrink',
  'huge',
  'node_owner',
  'bond',
  'policy_memcg',
  'loop_worker',
  'users',
  'user_set',
  'cross',
];

export interface Region {
  name: string;
  offset: number;
  size: number;
}

function measure(f: typeof L.regionSize, region: number, c: Capacities): number {
  return f(
    region,
    c.pages,
    c.cgroups,
    c.tasks,
    c.cpus,
    c.workers,
    c.swap,
    c.watch,
    c.objects,
    c.maps,
    c.nodes,
    c.kills,
    c.ring,
    c.policies,
    c.observe,
  );
}

/** The memory map for these capacities, in order: header, staged columns, then every region. Addresses and sizes in bytes. */
export function memoryMap(capacities: Capacities): Region[] {
  return [
    { name: 'header', offset: L.HEADER, size: L.HEADER_END - L.HEADER },
    { name: 'columns', offset: L.COLUMN_TS, size: L.COLUMNS_END - L.COLUMN_TS },
    ...REGION_NAMES.map((name, region) => ({
      name,
      offset: measure(L.regionOffset, region, capacities),
      size: measure(L.regionSize, region, capacities),
    })),
  ];
}

/** Address of a region (R_*). */
export function regionAt(region: number, capacities: Capacities): number {
  return measure(L.regionOffset, region, capacities);
}

/** Bytes of the whole map. */
export function memorySize(capacities: Capacities): number {
  return measure(L.regionOffset, L.NR_REGIONS, capacities);
}

/** Bytes that kernel statistics take on top. */
export function kernelStatisticsSize(capacities: Capacities): number {
  return L.rstatSize(capacities.cgroups, capacities.cpus);
}

/** Thrown by `Machine.boot` when the capacities make no sense or do not fit in 4 GiB together. */
export class CapacityError extends Error {
  override name = 'CapacityError';
}

const MAY_BE_NONE: ReadonlySet<keyof Capacities> = new Set([
  'swap',
  'watch',
  'objects',
  'maps',
  'nodes',
  'kills',
  'ring',
  'policies',
  'observe',
]);

/** Checks the capacities; the message names the one to change. */
export function checkCapacities(capacities: Capacities, kernelStatistics = false): void {
  for (const name of CAPACITY_NAMES) {
    const value = capacities[name];
    const least = MAY_BE_NONE.has(name) ? 0 : 1;
    if (!Number.isInteger(value) || value < least || value >= 2 ** 32)
      throw new CapacityError(`capacity ${name}: ${value} is not a whole number from ${least} to 4294967295`);
  }
  // The owner of a folio has 24 bits in the charge word.
  if (capacities.cgroups >= 1 << 24)
    throw new CapacityError(`capacity cgroups: ${capacities.cgroups} exceeds 16777215`);
  if (capacities.policies > 1) throw new CapacityError(`capacity policies: ${capacities.policies}: 0 or 1`);
  // A page table word has 27 bits for a frame or a slot, the place of a private page 20 for its address space.
  if (capacities.nodes > 0) {
    for (const [name, end] of [
      ['pages', L.PTE_FRAME],
      ['swap', L.PTE_FRAME],
      ['tasks', 2 ** (64 - L.PLACE_MM_SHIFT) - 1],
    ] as const)
      if (capacities[name] > end)
        throw new CapacityError(`capacity ${name}: ${capacities[name]} exceeds ${end}, the most of modelled residency`);
  }
  // A flush reads and clears what the CPUs hold back, without a lock.
  if (kernelStatistics && capacities.workers > 1)
    throw new CapacityError(`capacity workers: kernel statistics take 1, not ${capacities.workers}`);
  const shown = kernelStatistics ? kernelStatisticsSize(capacities) : 0;
  const size = memorySize(capacities) + shown;
  if (size <= L.MEMORY_MAX) return;
  if (shown > L.MEMORY_MAX / 2)
    throw new CapacityError(
      `kernel statistics need ${(shown / 2 ** 30).toFixed(2)} GiB of 4 GiB; lower capacity cgroups or cpus`,
    );
  const largest = memoryMap(capacities).reduce((a, b) => (b.size > a.size ? b : a));
  const gib = (size / 2 ** 30).toFixed(2);
  throw new CapacityError(
    `capacities need ${gib} GiB of 4 GiB; the largest region is '${largest.name}' with ${(largest.size / 2 ** 30).toFixed(2)} GiB`,
  );
}
