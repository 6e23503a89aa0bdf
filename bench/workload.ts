/**
 * The events of the suites: 48 leaf cgroups in a tree of depth 4, 8 CPUs, runs of the same cgroup, CPU and task of geometric
 * length, leaves of Zipf-like weight. A workload has rows that bring the machine to where the suite begins, then the timed ones.
 */
import * as L from '../assembly/layout.ts';
import * as O from '../assembly/replay/ops.ts';
import { Columns } from './columns.ts';
import { Random } from './random.ts';

export interface Workload {
  name: string;
  /** what the rows are, for the table */
  title: string;
  frames: number;
  cpus: number;
  /** parent of each cgroup, by id; ids 0 (none) and 1 (root) have 0 */
  parents: number[];
  /** cgroup of each task, by id; id 0 is none */
  taskCgroups: number[];
  columns: Columns;
  /** rows [0, prefill) are replayed before the clock starts */
  prefill: number;
  /** folios go on LRU lists: the peers with linked lists differ */
  lists: boolean;
}

const CPUS = 8;
export const LEAVES = 48;
const ROOT = 1;
export const FIRST_LEAF = 18;
const TASKS_PER_LEAF = 4;
const RUN_LENGTH = 32;
const UNCHARGE_RUN = 8;
const FREE_BATCH = 15;
const ZIPF_EXPONENT = 0.7;

/** Root → 4 → 12 → 48. */
export const PARENTS: number[] = [0, 0];
for (let i = 0; i < 4; i++) PARENTS.push(ROOT);
for (let i = 0; i < 12; i++) PARENTS.push(2 + Math.floor(i / 3));
for (let i = 0; i < LEAVES; i++) PARENTS.push(6 + Math.floor(i / 4));

const TASK_CGROUPS = [0, ...Array.from({ length: LEAVES * TASKS_PER_LEAF }, (_, t) => FIRST_LEAF + (t % LEAVES))];

export const LEAF_WEIGHTS = Array.from({ length: LEAVES }, (_, i) => (i + 1) ** -ZIPF_EXPONENT);
const TOTAL_WEIGHT = LEAF_WEIGHTS.reduce((sum, w) => sum + w);

const SOCK = O.KIND_SOCK << O.FLAG_KIND_SHIFT;

/** Who acts for the length of one run. */
interface Actor {
  leaf: number;
  cgroup: number;
  task: number;
  cpu: number;
}

export function pickLeaf(random: Random): number {
  let left = random.unit() * TOTAL_WEIGHT;
  let leaf = 0;
  while (leaf < LEAVES - 1 && left >= LEAF_WEIGHTS[leaf]!) left -= LEAF_WEIGHTS[leaf++]!;
  return leaf;
}

function actorOf(leaf: number, random: Random): Actor {
  const task = 1 + leaf + LEAVES * random.below(TASKS_PER_LEAF);
  return { leaf, cgroup: FIRST_LEAF + leaf, task, cpu: random.below(CPUS) };
}

function shape(name: string, title: string, frames: number, columns: Columns, prefill: number): Workload {
  const lists = name !== 'charge';
  return { name, title, frames, cpus: CPUS, parents: PARENTS, taskCgroups: TASK_CGROUPS, columns, prefill, lists };
}

/** Pages without a folio: stock and counters only. A coin says charge or free, as long as there is something to free. */
export function chargeUncharge(events: number): Workload {
  const random = new Random(1);
  const columns = new Columns(events);
  const charged = new Uint32Array(LEAVES);
  while (columns.room > 0) {
    const { leaf, cgroup, task, cpu } = actorOf(pickLeaf(random), random);
    for (let left = Math.min(random.runLength(RUN_LENGTH), columns.room); left > 0; left--) {
      const free = charged[leaf]! > 0 && random.bits() & 1;
      charged[leaf]! += free ? -1 : 1;
      columns.append(free ? O.OP_KMEM_FREE : O.OP_KMEM_CHARGE, cpu, task, cgroup, 0, 1, SOCK);
    }
  }
  return shape('charge', 'charge/uncharge', 1024, columns, 0);
}

/** Which frames are charged to which leaf; picks among the charged ones and the free ones are uniform. */
class Frames {
  readonly #free: Uint32Array;
  #freeLength: number;
  readonly #resident: number[][] = Array.from({ length: LEAVES }, () => []);

  constructor(frames: number, random: Random) {
    this.#free = Uint32Array.from({ length: frames }, (_, i) => i + 1);
    this.#freeLength = frames;
    random.shuffle(this.#free);
  }

  take(leaf: number): number {
    const frame = this.#free[--this.#freeLength]!;
    this.#resident[leaf]!.push(frame);
    return frame;
  }

  resident(leaf: number): number {
    return this.#resident[leaf]!.length;
  }

  /** A random charged frame of the leaf goes free, at a random place among the free ones. */
  give(leaf: number, random: Random): number {
    const own = this.#resident[leaf]!;
    const at = random.below(own.length);
    const frame = own[at]!;
    own[at] = own[own.length - 1]!;
    own.pop();
    const place = random.below(++this.#freeLength);
    this.#free[this.#freeLength - 1] = this.#free[place]!;
    this.#free[place] = frame;
    return frame;
  }
}

/** Half of the folios are anonymous, half page cache. */
function chargeFolio(columns: Columns, { leaf, cgroup, task, cpu }: Actor, frames: Frames, random: Random): void {
  const kind = random.bits() & 1 ? O.KIND_FILE : O.KIND_ANON;
  columns.append(O.OP_CHARGE, cpu, task, cgroup, frames.take(leaf), 0, kind << O.FLAG_KIND_SHIFT);
}

function fill(columns: Columns, folios: number, frames: Frames, random: Random): void {
  for (let left = folios; left > 0; ) {
    const actor = actorOf(pickLeaf(random), random);
    for (let run = Math.min(random.runLength(RUN_LENGTH), left); run > 0; run--, left--)
      chargeFolio(columns, actor, frames, random);
  }
}

/** Charges as many folios as it uncharges, until `charges` are done. */
function churn(columns: Columns, charges: number, frames: Frames, random: Random): void {
  for (let left = charges; left > 0; ) {
    const actor = actorOf(pickLeaf(random), random);
    for (let run = random.runLength(RUN_LENGTH); run > 0 && left > 0; ) {
      const n = Math.min(random.runLength(UNCHARGE_RUN), left, frames.resident(actor.leaf));
      if (n === 0) break;
      left -= n;
      run -= 2 * n;
      for (let i = 0; i < n; i++) chargeFolio(columns, actor, frames, random);
      for (let i = 0; i < n; i++) {
        const frame = frames.give(actor.leaf, random);
        columns.append(O.OP_UNCHARGE, actor.cpu, actor.task, 0, frame, 0, 0);
      }
      columns.append(O.OP_UNCHARGE_FLUSH, actor.cpu, actor.task, 0, 0, 0, 0);
    }
  }
}

/**
 * A quarter of the frames are charged at any time. A list is compacted after about (LOG_SLACK - 1) × live additions: the prefill
 * goes half such a cycle, the timed rows a whole one, so that every list is compacted about once and its cost is in the figure.
 */
export function chargeWithList(frames: number): Workload {
  const random = new Random(2);
  const live = frames / 4;
  const cycle = (L.LOG_SLACK - 1) * live;
  // 2 rows for each charge and uncharge, and one flush for at least each pair.
  const columns = new Columns(live + 3 * (cycle / 2) + 3 * cycle);
  const table = new Frames(frames, random);
  fill(columns, live, table, random);
  churn(columns, cycle / 2, table, random);
  const prefill = columns.length;
  churn(columns, cycle, table, random);
  return shape('list', 'charge with list', frames, columns, prefill);
}

/** All frames are charged; the timed rows uncharge them in random order, in batches of one cgroup. */
export function frees(frames: number): Workload {
  const random = new Random(3);
  const columns = new Columns(frames + 2 * frames);
  const table = new Frames(frames, random);
  fill(columns, frames, table, random);
  const prefill = columns.length;
  for (let left = frames; left > 0; ) {
    let leaf = pickLeaf(random);
    while (table.resident(leaf) === 0) leaf = (leaf + 1) % LEAVES;
    const { task, cpu } = actorOf(leaf, random);
    const n = Math.min(random.runLength(FREE_BATCH), table.resident(leaf));
    left -= n;
    for (let i = 0; i < n; i++) columns.append(O.OP_UNCHARGE, cpu, task, 0, table.give(leaf, random), 0, 0);
    columns.append(O.OP_UNCHARGE_FLUSH, cpu, task, 0, 0, 0, 0);
  }
  return shape('frees', 'frees', frames, columns, prefill);
}
