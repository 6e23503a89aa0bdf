/**
 * The events of the suite `limits`: accesses and frees of single pages by 48 leaf cgroups in a tree of depth 4, on 8 CPUs. Half of the
 * pages are a file's, half private memory, at random; each leaf has its own. Packed into two words an event, which is what the C peers
 * read; the engine gets columns that are filled from them batch by batch, outside the clock.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import * as O from '../assembly/replay/ops.ts';
import type { TraceBatch } from '../bindings/trace/arrow-reader.ts';
import { Columns } from './columns.ts';
import { BATCH_ROWS } from './peer.ts';
import { Random } from './random.ts';
import { FIRST_LEAF, LEAF_WEIGHTS, LEAVES, PARENTS, pickLeaf } from './workload.ts';

const CPUS = 8;
const RUN_LENGTH = 32;
/** Of the accesses, how many go anywhere; the others are skewed: rank = u⁵ × pages. */
const UNIFORM = 0.1;
const SKEW = 5;
const FREE = 2;
const FILE = 4;
/** Virtual page number where the private memory of a leaf's task begins. */
const HEAP = 0x55d000000;

export interface YardstickWorkload {
  title: string;
  pages: number;
  cpus: number;
  /** parent of each cgroup, by id */
  parents: number[];
  /** memory.max in pages, by cgroup id; null for none */
  limits: (number | null)[];
  /** two words an event: page; op (2 bits), file (bit 2), CPU (from bit 8), cgroup (from bit 16) */
  events: Uint32Array;
  /** page → its offset in the file, or in the private memory, of its leaf */
  offsets: Uint32Array;
}

/** Where the pages of each leaf begin, by weight; the last entry is the end. */
function shares(pages: number): number[] {
  const total = LEAF_WEIGHTS.reduce((sum, weight) => sum + weight);
  let before = 0;
  const bases = LEAF_WEIGHTS.map((weight) => {
    const base = Math.floor((before / total) * pages);
    before += weight;
    return base;
  });
  return [...bases, pages];
}

/** Events of which about 73 % access a page that is there already, while no limit takes it away; half of the others free one. */
export function accessesAndFrees(pages: number, count: number): YardstickWorkload {
  const random = new Random(11);
  const bases = shares(pages);
  const byRank = Uint32Array.from({ length: pages }, (_, page) => page);
  for (let leaf = 0; leaf < LEAVES; leaf++) random.shuffle(byRank.subarray(bases[leaf], bases[leaf + 1]));
  const isFile = new Uint8Array(pages);
  const offsets = new Uint32Array(pages);
  for (let leaf = 0; leaf < LEAVES; leaf++) {
    const next = [0, 0];
    for (let page = bases[leaf]!; page < bases[leaf + 1]!; page++) {
      isFile[page] = Math.imul(page, 2654435761) >>> 31;
      offsets[page] = next[isFile[page]!]!++;
    }
  }
  const resident = new Uint8Array(pages);
  const events = new Uint32Array(2 * count);
  let left = 0;
  let leaf = 0;
  let cpu = 0;
  for (let i = 0; i < count; i++) {
    if (left-- <= 0) {
      leaf = pickLeaf(random);
      cpu = random.below(CPUS);
      left = random.runLength(RUN_LENGTH);
    }
    const size = bases[leaf + 1]! - bases[leaf]!;
    const uniform = random.unit() < UNIFORM;
    const place = random.unit();
    const page = byRank[bases[leaf]! + Math.floor((uniform ? place : place ** SKEW) * size)]!;
    const op = resident[page] && uniform ? FREE : 0;
    resident[page] = op === FREE ? 0 : 1;
    events[2 * i] = page;
    events[2 * i + 1] = op | (isFile[page]! ? FILE : 0) | (cpu << 8) | ((FIRST_LEAF + leaf) << 16);
  }
  const limits = PARENTS.map(() => null);
  return { title: 'accesses and frees', pages, cpus: CPUS, parents: PARENTS, limits, events, offsets };
}

/** The same events with a limit for each leaf, at this share of its pages. */
export function limited(workload: YardstickWorkload, share: number): YardstickWorkload {
  const bases = shares(workload.pages);
  const limits = workload.parents.map((_, id) => {
    const leaf = id - FIRST_LEAF;
    return leaf < 0 ? null : Math.max(256, Math.floor((bases[leaf + 1]! - bases[leaf]!) * share));
  });
  return { ...workload, title: `under limits at ${share * 100} %`, limits };
}

/** What the engine replays: the rows of up to BATCH_ROWS events at a time, in the same columns again and again. */
export class Rows {
  readonly #workload: YardstickWorkload;
  readonly #columns = new Columns(BATCH_ROWS);

  constructor(workload: YardstickWorkload) {
    this.#workload = workload;
  }

  /** The rows of the events [from, to). */
  fill(from: number, to: number): TraceBatch {
    const { events, offsets } = this.#workload;
    const columns = this.#columns;
    columns.restart(from);
    for (let i = from; i < to; i++) {
      const what = events[2 * i + 1]!;
      const offset = offsets[events[2 * i]!]!;
      const cpu = (what >> 8) & 255;
      // A leaf has one task and one file, of the same number.
      const leaf = 1 + (what >> 16) - FIRST_LEAF;
      const row = columns.length;
      if (what & FILE) {
        columns.append((what & 3) === FREE ? O.OP_TRUNCATE : O.OP_FILE_ACCESS, cpu, leaf, 0, offset, 1, 0);
        columns.object[row] = leaf;
      } else {
        const op = (what & 3) === FREE ? O.OP_ANON_FREE : O.OP_ANON_TOUCH;
        columns.append(op, cpu, leaf, 0, HEAP + offset, 1, O.FLAG_WRITE);
        columns.object[row] = 0;
      }
    }
    return columns;
  }
}

/** Writes a workload where the C peers read it. Their cgroups are numbered as here; id 0 is nobody's. */
export function writeYardstick(workload: YardstickWorkload, path: string): void {
  const { pages, parents, limits, events } = workload;
  const none = 0xffffffff;
  const words = Uint32Array.of(
    ...[pages, parents.length, events.length / 2, 0],
    ...parents.map((parent) => (parent === 0 ? none : parent)),
    ...limits.map((limit) => limit ?? 0x7fffffff),
  );
  const fd = openSync(path, 'w');
  try {
    writeSync(fd, words);
    const bytes = new Uint8Array(events.buffer);
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, Math.min(1 << 28, bytes.length - at));
  } finally {
    closeSync(fd);
  }
}
