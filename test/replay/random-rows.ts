/** Rows at random, most of which make sense: for machines that have {@link CGROUPS}, {@link TASKS} and {@link OBJECTS} of them. */

import * as O from '../../assembly/replay/ops.ts';
import type { Random } from '../../bench/random.ts';
import type { HandRow } from './batch.ts';

export const CGROUPS = 12;
export const TASKS = 40;
export const OBJECTS = 12;

/** Ops by how often they come. */
const WEIGHTS: readonly [number, number][] = [
  [O.OP_ANON_TOUCH, 300],
  [O.OP_FILE_ACCESS, 300],
  [O.OP_ANON_FREE, 40],
  [O.OP_UNMAP, 25],
  [O.OP_MAP, 5],
  [O.OP_TRUNCATE, 15],
  [O.OP_FILE_DIRTY, 10],
  [O.OP_MLOCK, 10],
  [O.OP_MUNLOCK, 12],
  [O.OP_SYNC, 4],
  [O.OP_DROP_CACHES, 1],
  [O.OP_OBJECT_NEW, 6],
  [O.OP_OBJECT_FREE, 4],
  [O.OP_SPAWN, 30],
  [O.OP_FORK, 25],
  [O.OP_EXEC, 8],
  [O.OP_EXIT, 15],
  [O.OP_ATTACH, 8],
  [O.OP_WRITE_KNOB, 20],
  [O.OP_OOM_SCORE_ADJ, 5],
  [O.OP_KMEM_CHARGE, 30],
  [O.OP_KMEM_FREE, 25],
  [O.OP_MKDIR, 6],
  [O.OP_RMDIR, 5],
  [O.OP_OFFLINE, 2],
  [O.OP_SCOPE_ENTER, 3],
  [O.OP_SCOPE_LEAVE, 3],
  [O.OP_UNCHARGE, 5],
  [O.OP_RETURN_TO_USER, 5],
];
const TOTAL = WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);

function pickOp(random: Random): number {
  let left = random.below(TOTAL);
  for (const [op, weight] of WEIGHTS) {
    left -= weight;
    if (left < 0) return op;
  }
  return O.OP_MARK;
}

/** Mostly small, sometimes at the edge of what the column holds. */
function index(random: Random): number {
  switch (random.below(40)) {
    case 0:
      return 2 ** 32 - random.below(64);
    case 1:
      return 2 ** 44 - random.below(64);
    case 2:
      return random.below(2 ** 50);
    default:
      return random.below(600);
  }
}

function kmem(random: Random, op: number): Partial<HandRow> {
  const kind = 3 + random.below(8);
  const frame = kind !== O.KIND_SLAB && kind !== O.KIND_PERCPU && kind !== O.KIND_SOCK;
  const shape = frame ? O.FLAG_BY_FRAME | random.below(3) : random.below(3) === 0 ? O.FLAG_RECLAIMABLE : 0;
  const cgroup = frame && op === O.OP_KMEM_CHARGE ? 0 : random.below(CGROUPS + 2);
  const gfp = [O.GFP_KERNEL, O.GFP_HIGH, 0, O.GFP_KERNEL | O.GFP_NOFAIL, O.GFP_KERNEL | O.GFP_NORETRY][
    random.below(5)
  ]!;
  return { flags: (kind << O.FLAG_KIND_SHIFT) | shape, cgroup, count: 1 + random.below(9000), gfp };
}

export function randomRow(random: Random, ts: number): HandRow {
  const op = pickOp(random);
  const base: HandRow = {
    op,
    ts,
    cpu: random.below(50) === 0 ? 3 : random.below(2),
    task: random.below(TASKS + 1),
    cgroup: 1 + random.below(CGROUPS + 1),
    object: random.below(OBJECTS + 2),
    index: index(random),
    count: random.below(30) === 0 ? random.below(3000) : random.below(40),
    flags: 0,
  };
  switch (op) {
    case O.OP_ANON_TOUCH:
      return { ...base, flags: random.below(4) ? O.FLAG_WRITE : 0 };
    case O.OP_FILE_ACCESS: {
      const write = random.below(3) ? 0 : O.FLAG_WRITE;
      const how = [0, O.FLAG_FAULT, O.FLAG_READAHEAD, O.FLAG_FAULT | O.FLAG_EXEC][random.below(4)]!;
      return { ...base, flags: write | how };
    }
    case O.OP_MLOCK:
      return { ...base, object: random.below(2) ? 0 : base.object!, flags: random.below(2) ? O.FLAG_ONFAULT : 0 };
    case O.OP_MUNLOCK:
      return { ...base, object: random.below(2) ? 0 : base.object! };
    case O.OP_OBJECT_NEW:
      return { ...base, count: random.below(O.NR_OBJECT_TYPES + 1), index: random.below(700) };
    case O.OP_SPAWN:
      return { ...base, flags: random.below(10) ? 0 : O.FLAG_KERNEL_THREAD };
    case O.OP_FORK:
      return { ...base, object: random.below(TASKS + 2), flags: random.below(4) ? 0 : O.FLAG_THREAD };
    case O.OP_WRITE_KNOB: {
      const knob = random.below(O.NR_KNOBS + 1);
      const pages = random.below(10) ? random.below(900) : 2_251_799_813_685_247;
      return { ...base, count: knob, index: pages, object: knob === O.KNOB_RECLAIM ? random.below(204) : 0, name: 'x' };
    }
    case O.OP_OOM_SCORE_ADJ:
      return { ...base, index: random.below(2003) };
    case O.OP_DROP_CACHES:
      return { ...base, count: random.below(4) };
    case O.OP_KMEM_CHARGE:
    case O.OP_KMEM_FREE:
      return { ...base, ...kmem(random, op) };
    case O.OP_MKDIR:
      return { ...base, object: 1 + random.below(CGROUPS), name: `/c${base.cgroup}` };
    case O.OP_SCOPE_ENTER:
      return { ...base, object: random.below(CGROUPS) };
    default:
      return base;
  }
}

/** The cgroups, and tasks in them, that every run begins with. */
export function beginning(): HandRow[] {
  const born = Array.from({ length: CGROUPS - 1 }, (_, i) => {
    return { op: O.OP_MKDIR, cgroup: i + 2, object: i < 4 ? 1 : 2 + (i % 4), index: i + 2, name: `/c${i + 2}` };
  });
  const started = Array.from({ length: 20 }, (_, i) => ({ op: O.OP_SPAWN, task: i + 1, cgroup: 1 + (i % CGROUPS) }));
  return [...born, ...started];
}
