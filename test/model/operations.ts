/**
 * Random operations. One is a name and three numbers; what the numbers mean is decided when it runs, by the state that the model
 * has then, so that most operations hit something that exists and any sequence can be cut anywhere by shrinking.
 */
import fc from 'fast-check';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { type Folio, pagesOf } from './folio.ts';
import type { Model } from './model.ts';
import { UNLIMITED } from './page-counter.ts';

/** A call of the live door: both sides get it, both must answer the same. */
export type Call = [name: string, ...args: (number | bigint)[]];

/** What is handed out and must be given back by size: the model does not keep it, as the kernel does not. */
export interface Ledger {
  objects: { objcg: number; bytes: number; kind: number }[];
  sockets: { memcg: number; pages: number }[];
}

export interface Operation {
  name: keyof typeof OPERATIONS;
  a: number;
  b: number;
  c: number;
}

const GFPS = [
  O.GFP_KERNEL,
  O.GFP_KERNEL,
  O.GFP_KERNEL,
  O.GFP_KSWAPD_RECLAIM,
  O.GFP_HIGH | O.GFP_KSWAPD_RECLAIM,
  0,
  O.GFP_KERNEL | O.GFP_NOFAIL,
  O.GFP_HIGH,
];
const USER_KINDS = [O.KIND_ANON, O.KIND_FILE, O.KIND_SHMEM];
const PAGE_KINDS = [O.KIND_KERNEL_STACK, O.KIND_PAGETABLE, O.KIND_VMALLOC, O.KIND_KERNEL_OTHER];
const BYTE_KINDS = [O.KIND_SLAB, O.KIND_PERCPU];
const ORDERS = [0, 0, 0, 0, 1, 2, 3, 4, 6, 7, 9];
const SIZES = [8, 64, 192, 1000, 2048, 4000, 4096, 4097, 8192, 9000, 40_000, 300_000];
const BEFORE = [0, 1, 5, 17, 40, 64, 100, 200, 300, 0x7fffff00, 0xffffffff];
const LIMITS = [0, 1, 40, 63, 64, 65, 100, 128, 200, 500, UNLIMITED];

const pick = <T>(from: readonly T[], n: number): T => from[n % from.length]!;

/** The chosen operation as calls. */
type Expand = (model: Model, ledger: Ledger, a: number, b: number, c: number) => Call[];

/** Mostly an id in use; now and then one that is not. */
function anyMemcg(model: Model, n: number): number {
  return n % 16 === 15 ? n % (model.capacities.cgroups + 3) : pick([...model.memcgs.keys()], n);
}
function anyTask(model: Model, n: number): number {
  return n % 16 === 15 || model.tasks.size === 0 ? n % (model.capacities.tasks + 2) : pick([...model.tasks.keys()], n);
}
/** An id for a new task. That of a former task is free again only once no thread runs on its mm: the pid is not, either. */
function newTask(model: Model, n: number): number {
  const id = n % (model.capacities.tasks + 2);
  const former = model.tasks.get(id);
  const mmInUse = [...model.tasks.values()].some((task) => task !== former && task.mm === former);
  return former && mmInUse ? model.capacities.tasks + 1 : id;
}
function anyCpu(model: Model, n: number): number {
  return n % model.cpus.length;
}
/** A frame where a folio of this order may or may not fit: aligned but for one time in eight. */
function anyFrame(model: Model, n: number, order: number): number {
  const frame = n % (model.capacities.pages + 2);
  return n % 8 === 7 ? frame : frame - (frame % 2 ** order);
}
function folios(model: Model, wanted: (folio: Folio) => boolean): Folio[] {
  return [...model.frames.folios.values()].filter(wanted);
}
function anyFolio(model: Model, n: number, wanted: (folio: Folio) => boolean = () => true): number {
  const found = folios(model, wanted);
  return n % 16 === 15 || found.length === 0 ? n % (model.capacities.pages + 2) : pick(found, n).frame;
}
function freeFrames(model: Model, count: number): number[] {
  const taken = new Set<number>();
  for (const folio of model.frames.folios.values()) for (let i = 0; i < pagesOf(folio); i++) taken.add(folio.frame + i);
  const free: number[] = [];
  for (let f = 1; f <= model.capacities.pages && free.length < count; f++) if (!taken.has(f)) free.push(f);
  return free;
}

const OPERATIONS = {
  mkdir: (m, _l, a, b) => [
    ['mkdir', a % 8 === 7 ? a % (m.capacities.cgroups + 3) : m.memcgs.size + 1, anyMemcg(m, b), 0n],
  ],
  /** A cgroup with a few children. */
  tree: (m, _l, a, b) => {
    const first = m.memcgs.size + 1;
    const call = (id: number, parent: number): Call => ['mkdir', id, parent, 0n];
    return [call(first, anyMemcg(m, a)), ...Array.from({ length: 1 + (b % 4) }, (_, i) => call(first + 1 + i, first))];
  },
  rmdir: (m, _l, a, b) => [['rmdir', anyMemcg(m, a), anyCpu(m, b)]],
  /** A cgroup that a workload has just left. */
  abandon: (m, _l, a, b) => {
    const memcg = anyMemcg(m, a);
    const exits = [...m.tasks]
      .filter(([, task]) => task.live && task.memcg.id === memcg)
      .map(([id]): Call => ['exit', id]);
    return [...exits, ['rmdir', memcg, anyCpu(m, b)]];
  },
  limit: (m, _l, a, b, c) => [
    [
      'writeKnob',
      anyMemcg(m, a),
      pick([O.KNOB_MAX, O.KNOB_MAX, O.KNOB_HIGH, O.KNOB_SWAP_MAX, O.KNOB_SWAP_HIGH], b),
      BigInt(pick(LIMITS, c)),
      anyCpu(m, a + b),
    ],
  ],
  protect: (m, _l, a, b, c) => [
    ['writeKnob', anyMemcg(m, a), pick([O.KNOB_MIN, O.KNOB_LOW, O.KNOB_OOM_GROUP, 99], b), BigInt(pick(LIMITS, c)), 0],
  ],
  spawn: (m, _l, a, b, c) => [
    ['spawn', newTask(m, a % 4 ? (m.tasks.size % m.capacities.tasks) + 1 : a), anyMemcg(m, b), c % 5 ? 1 : 0],
  ],
  fork: (m, _l, a, b, c) => {
    const parent = anyTask(m, a);
    const child = newTask(m, b);
    return parent === child ? [] : [['fork', parent, child, c % 2]];
  },
  exec: (m, _l, a) => [['exec', anyTask(m, a)]],
  exit: (m, _l, a) => [['exit', anyTask(m, a)]],
  attach: (m, _l, a, b) => [['attachTask', anyTask(m, a), anyMemcg(m, b)]],
  enterScope: (m, _l, a, b) => [['enterScope', anyTask(m, a), b % 6 ? anyMemcg(m, b) : 0]],
  leaveScope: (m, _l, a) => [['leaveScope', anyTask(m, a)]],
  charge: (m, _l, a, b, c) => {
    const order = pick(ORDERS, b);
    return [
      [
        'chargeFolio',
        anyTask(m, a),
        anyCpu(m, b),
        c % 4 ? 0 : anyMemcg(m, c),
        anyFrame(m, c, order),
        order,
        pick(USER_KINDS, a + c),
        pick(GFPS, b + c),
      ],
    ];
  },
  chargeMany: (m, _l, a, b, c) =>
    freeFrames(m, 1 + (a % 90)).map(
      (frame): Call => [
        'chargeFolio',
        anyTask(m, b),
        anyCpu(m, a),
        c % 2 ? 0 : anyMemcg(m, c),
        frame,
        0,
        pick(USER_KINDS, a),
        O.GFP_KERNEL,
      ],
    ),
  uncharge: (m, _l, a, b, c) => [['uncharge', anyTask(m, a), anyCpu(m, b), anyFolio(m, c)]],
  unchargeMany: (m, _l, a, b, c) =>
    folios(m, (f) => (f.frame + c) % 4 > 0)
      .slice(0, a % 100)
      .map((f): Call => ['uncharge', anyTask(m, b), anyCpu(m, a), f.frame]),
  flush: (m, _l, a) => [['unchargeFlush', anyTask(m, a)]],
  chargeKmem: (m, _l, a, b, c) => {
    const order = pick([0, 0, 1, 2, 5, 6, 7], b);
    return [
      [
        'chargeKmemPages',
        anyTask(m, a),
        anyCpu(m, b),
        anyFrame(m, c, order),
        order,
        pick(PAGE_KINDS, a + c),
        pick(GFPS, c),
      ],
    ];
  },
  unchargeKmem: (m, _l, a, b) => [
    ['unchargeKmemPages', anyCpu(m, a), anyFolio(m, b, (f) => f.owner.objcg !== undefined)],
  ],
  chargeObject: (m, _l, a, b, c) => [
    ['chargeObject', anyTask(m, a), anyCpu(m, b), pick(SIZES, c), pick(BYTE_KINDS, b + c), pick(GFPS, a + b)],
  ],
  unchargeObject: (m, l, a, b) => {
    if (l.objects.length === 0) return [];
    const [object] = l.objects.splice(b % l.objects.length, 1);
    return [['unchargeObject', anyCpu(m, a), object!.objcg, object!.bytes, object!.kind]];
  },
  chargeSock: (m, _l, a, b, c) => [['chargeSock', anyCpu(m, a), anyMemcg(m, b), 1 + (c % 80), pick(GFPS, a + c)]],
  /** One small charge in every cgroup: more stocks than a CPU has slots. */
  everywhere: (m, _l, a, b) =>
    [...m.memcgs.keys()].map((id): Call => ['chargeSock', anyCpu(m, a), id, 1 + (b % 3), O.GFP_KERNEL]),
  unchargeSock: (m, l, a, b) => {
    if (l.sockets.length === 0) return [];
    const [socket] = l.sockets.splice(b % l.sockets.length, 1);
    return [['unchargeSock', anyCpu(m, a), socket!.memcg, socket!.pages]];
  },
  migrate: (m, _l, a, b) => {
    const from = anyFolio(m, a);
    return [['migrate', from, anyFrame(m, b, m.frames.folios.get(from)?.order ?? 0)]];
  },
  split: (m, _l, a) => [['split', anyFolio(m, a, (f) => f.order > 0)]],
  isolate: (m, _l, a, b) => [['lruIsolate', pick([...m.memcgs.keys()], a), b % L.NR_LRU_LISTS]],
  putback: (m, _l, a, b) => [
    ['lruPutback', anyFolio(m, a, (f) => !f.onList && f.owner.memcg !== undefined), b % (L.NR_LRU_LISTS + 1)],
  ],
  rotate: (m, _l, a) => [['lruRotate', anyFolio(m, a, (f) => f.onList)]],
  swapOut: (m, _l, a, b) => [['swapOut', anyFolio(m, a), b % (m.capacities.swap + 2)]],
  swapFree: (m, _l, a, b) => [
    ['swapFree', a % 8 && m.swap.size ? pick([...m.swap.keys()], b) : b % (m.capacities.swap + 2)],
  ],
  warmCharge: (m, _l, a, b, c) => [['warmCharge', anyMemcg(m, a), b % (O.KIND_STOCK + 2), pick(BEFORE, c)]],
  /** What several kinds of memory held before. */
  warmMemcg: (m, _l, a, b) =>
    [O.KIND_ANON, O.KIND_FILE, O.KIND_PAGETABLE, O.KIND_STOCK].map(
      (kind): Call => ['warmCharge', anyMemcg(m, a), kind, pick(BEFORE, b + kind)],
    ),
  warmFolio: (m, _l, a, b, c) => {
    const order = pick(ORDERS, b);
    return [['warmFolio', anyMemcg(m, a), anyFrame(m, c, order), order, pick([...USER_KINDS, ...PAGE_KINDS], a + c)]];
  },
  warmObject: (m, _l, a, b, c) => [['warmObject', anyMemcg(m, a), pick(BYTE_KINDS, b), pick(SIZES, c)]],
  warmUncharge: (m, _l, a, b, c) => {
    const kinds = [...USER_KINDS, ...PAGE_KINDS, O.KIND_SLAB];
    const task = b % 5 ? anyTask(m, b) : 0;
    return [['warmUncharge', task, anyCpu(m, c), anyMemcg(m, a), pick(kinds, a + c), 2 ** (b % 4 ? 0 : c % 6)]];
  },
  warmUnchargeKmem: (m, _l, a, b, c) => [
    ['warmUnchargeKmem', anyCpu(m, c), anyMemcg(m, a), pick(PAGE_KINDS, b + c), 2 ** (c % 3)],
  ],
  drain: (m, _l, a, b) => [['drainAllStock', anyMemcg(m, a), anyCpu(m, b)]],
  advance: (m, _l, a) => [['advance', m.now + BigInt(pick([0, 1, 100_000, 399_999, 400_000, 1_000_000], a))]],
  /** A reclaim walk from some cgroup: every memcg below it, parents first. */
  walk: (m, _l, a) => {
    const top = m.memcgs.get(pick([...m.memcgs.keys()], a))!;
    return top.subtree().map((memcg): Call => ['calculateProtection', top.id, memcg.id]);
  },
} satisfies Record<string, Expand>;

/** How often: charges and frees before structure. */
const WEIGHTS: Partial<Record<keyof typeof OPERATIONS, number>> = {
  mkdir: 3,
  charge: 4,
  chargeMany: 4,
  warmMemcg: 2,
  warmUncharge: 3,
  uncharge: 3,
  unchargeMany: 2,
  chargeObject: 6,
  unchargeObject: 6,
  chargeKmem: 3,
  unchargeKmem: 3,
  chargeSock: 3,
  unchargeSock: 3,
  spawn: 3,
  limit: 2,
  advance: 2,
  abandon: 2,
  flush: 2,
};

const names = Object.keys(OPERATIONS) as (keyof typeof OPERATIONS)[];

export const operation: fc.Arbitrary<Operation> = fc.record({
  name: fc.constantFrom(...names.flatMap((name) => new Array(WEIGHTS[name] ?? 1).fill(name) as typeof names)),
  a: fc.nat(0xffff),
  b: fc.nat(0xffff),
  c: fc.nat(0xffff),
});

export function expand({ name, a, b, c }: Operation, model: Model, ledger: Ledger): Call[] {
  return (OPERATIONS[name] as Expand)(model, ledger, a, b, c);
}
