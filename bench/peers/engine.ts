/**
 * The recorded driver's hot paths in TypeScript on typed arrays: the algorithm of assembly/ and of engine.c, as one would write it
 * for V8. Counters are plain. What the suites never reach (limits, timers, waiting charges) is tested for, and throws.
 */
import * as O from '../../assembly/replay/ops.ts';
import { BATCH_ROWS, HASH_START, hashWord, LISTS, type Peer, SLOTS } from '../peer.ts';
import type { Workload } from '../workload.ts';

const ROOT = 1;
const BATCH = 64;
const UNLIMITED = 2 ** 51 - 1;
const HAS_BATCH = 1;
const HAS_OTHER = 14;
const INACTIVE_ANON = 0;
const INACTIVE_FILE = 2;
const STATS = 16;
const CHUNK_SHIFT = 7;
const CHUNK = 1 << CHUNK_SHIFT;
const OFFSET = CHUNK - 1;
const LOG_SLACK = 3;
const TOUCH_GROUP = 64;
// fields of a list
const HEAD = 0;
const TAIL = 1;
const LIVE = 2;
const ENTRIES = 3;
const PAGES = 4;

/** Rows of one batch; u64 columns by halves, because BigInt arithmetic allocates. */
class Staged {
  readonly ts = new Uint32Array(2 * BATCH_ROWS);
  readonly index = new Uint32Array(2 * BATCH_ROWS);
  readonly task = new Uint32Array(BATCH_ROWS);
  readonly cgroup = new Uint32Array(BATCH_ROWS);
  readonly object = new Uint32Array(BATCH_ROWS);
  readonly count = new Uint32Array(BATCH_ROWS);
  readonly flags = new Uint32Array(BATCH_ROWS);
  readonly cpu = new Uint16Array(BATCH_ROWS);
  readonly gfp = new Uint16Array(BATCH_ROWS);
  readonly op = new Uint8Array(BATCH_ROWS);

  fill(from: Workload['columns'], start: number, end: number): void {
    this.ts.set(new Uint32Array(from.ts.buffer, 8 * start, 2 * (end - start)));
    this.index.set(new Uint32Array(from.index.buffer, 8 * start, 2 * (end - start)));
    for (const name of ['task', 'cgroup', 'object', 'count', 'flags', 'cpu', 'gfp', 'op'] as const)
      this[name].set(from[name].subarray(start, end));
  }
}

function createEngine(workload: Workload) {
  const { frames, cpus: nrCpus, parents, taskCgroups } = workload;
  const cgroups = parents.length;
  const tasks = taskCgroups.length;
  const nrChunks = 1 + Math.ceil((LOG_SLACK * frames) / CHUNK) + 4 * Math.min(LISTS * (cgroups - 1), frames);

  const usage = new Float64Array(cgroups);
  const watermark = new Float64Array(cgroups);
  const localWatermark = new Float64Array(cgroups);
  const limit = new Float64Array(cgroups).fill(UNLIMITED);
  const minimum = new Float64Array(cgroups);
  const low = new Float64Array(cgroups);
  const minUsage = new Float64Array(cgroups);
  const lowUsage = new Float64Array(cgroups);
  const childrenMin = new Float64Array(cgroups);
  const childrenLow = new Float64Array(cgroups);
  const parent = Int32Array.from(parents);
  const online = new Uint8Array(cgroups).fill(1, 1);
  const stats = new Float64Array(cgroups * STATS);
  const stockHint = new Int32Array(nrCpus);
  const stockMemcg = new Int32Array(nrCpus * SLOTS);
  const stockPages = new Int32Array(nrCpus * SLOTS);
  const servedMemcg = new Int32Array(nrCpus);
  const servedPages = new Int32Array(nrCpus);
  const stockHow = new Int32Array(nrCpus);
  const random = BigUint64Array.from({ length: nrCpus }, (_, cpu) => mix64(BigInt(cpu + 1)));
  const taskLive = new Uint8Array(tasks).fill(1, 1);
  const taskPending = new Int32Array(tasks);
  const gatherMemcg = new Int32Array(tasks);
  const gatherPages = new Int32Array(tasks);
  // one record of four words a folio: charge, position, state, waiter
  const folios = new Int32Array(4 * (frames + 1));
  const lists = new Int32Array(8 * LISTS * cgroups);
  const log = new Int32Array(nrChunks * CHUNK);
  const chunkNext = new Int32Array(nrChunks);
  const chunkPrevious = new Int32Array(nrChunks);
  // page end, free chunk, chunks used, what group touch read
  const header = new Int32Array(4);
  const staged = new Staged();
  const opMap = Uint8Array.from({ length: 256 }, (_, code) => code);
  const nextTimer = Number.POSITIVE_INFINITY;
  let now = 0;

  function propagate(c: number, value: number): void {
    const up = parent[c]!;
    if (!up) return;
    const guardedMin = Math.min(value, minimum[c]!);
    if (guardedMin !== minUsage[c]) {
      childrenMin[up]! += guardedMin - minUsage[c]!;
      minUsage[c] = guardedMin;
    }
    const guardedLow = Math.min(value, low[c]!);
    if (guardedLow !== lowUsage[c]) {
      childrenLow[up]! += guardedLow - lowUsage[c]!;
      lowUsage[c] = guardedLow;
    }
  }

  function uncharge(memcg: number, pages: number): void {
    for (let c = memcg; c; c = parent[c]!) {
      const left = usage[c]! - pages;
      usage[c] = left;
      if (left < 0) throw new Error('usage below zero');
      propagate(c, left);
    }
  }

  function tryChargeCounters(memcg: number, pages: number): boolean {
    for (let c = memcg; c; c = parent[c]!) {
      const grown = usage[c]! + pages;
      usage[c] = grown;
      if (grown > limit[c]!) return false;
      propagate(c, grown);
      if (grown > localWatermark[c]!) {
        localWatermark[c] = grown;
        if (grown > watermark[c]!) watermark[c] = grown;
      }
    }
    return true;
  }

  function randomSlot(cpu: number): number {
    random[cpu] = BigInt.asUintN(64, random[cpu]! + 0x9e3779b97f4a7c15n);
    return Number(((mix64(random[cpu]!) >> 32n) * BigInt(SLOTS)) >> 32n);
  }

  function consumeOtherSlot(cpu: number, memcg: number, pages: number): boolean {
    const at = cpu * SLOTS;
    for (let slot = 0; slot < SLOTS; slot++) {
      if (stockMemcg[at + slot] !== memcg) continue;
      const left = stockPages[at + slot]!;
      if (left < pages) return false;
      stockPages[at + slot] = left - pages;
      stockHint[cpu] = slot;
      return true;
    }
    return false;
  }

  function consumeStock(cpu: number, memcg: number, pages: number): boolean {
    const at = cpu * SLOTS + stockHint[cpu]!;
    if (stockMemcg[at] !== memcg) return consumeOtherSlot(cpu, memcg, pages);
    const left = stockPages[at]!;
    if (left < pages) return false;
    stockPages[at] = left - pages;
    return true;
  }

  function drainSlot(at: number): void {
    const memcg = stockMemcg[at]!;
    if (!memcg) return;
    const pages = stockPages[at]!;
    stockMemcg[at] = 0;
    stockPages[at] = 0;
    if (pages) uncharge(memcg, pages);
  }

  function refillSlot(cpu: number, memcg: number, pages: number): void {
    if (pages > BATCH) {
      uncharge(memcg, pages);
      return;
    }
    const base = cpu * SLOTS;
    let slot = 0;
    let empty = SLOTS;
    for (; slot < SLOTS; slot++) {
      const cached = stockMemcg[base + slot]!;
      if (cached === memcg) break;
      if (!cached && empty === SLOTS) empty = slot;
    }
    if (slot === SLOTS) {
      slot = empty;
      if (slot === SLOTS) {
        slot = randomSlot(cpu);
        drainSlot(base + slot);
      }
      stockMemcg[base + slot] = memcg;
    }
    const left = stockPages[base + slot]! + pages;
    stockPages[base + slot] = left;
    stockHint[cpu] = slot;
    if (left > BATCH) drainSlot(base + slot);
  }

  function refillStock(cpu: number, memcg: number, pages: number): void {
    const at = cpu * SLOTS + stockHint[cpu]!;
    const left = stockPages[at]! + pages;
    if (stockMemcg[at] === memcg && left <= BATCH) stockPages[at] = left;
    else refillSlot(cpu, memcg, pages);
  }

  function tryCharge(cpu: number, memcg: number, pages: number): void {
    if (memcg === ROOT) return;
    if (pages <= BATCH && consumeStock(cpu, memcg, pages)) {
      servedMemcg[cpu] = memcg;
      servedPages[cpu] = pages;
      return;
    }
    servedMemcg[cpu] = 0;
    servedPages[cpu] = 0;
    if (pages >= BATCH || !tryChargeCounters(memcg, BATCH)) throw new Error('a limit refused');
    stockHow[cpu] = 1;
    refillStock(cpu, memcg, BATCH - pages);
  }

  function takeChunk(): number {
    let chunk = header[1]!;
    if (chunk) header[1] = chunkNext[chunk]!;
    else header[2] = chunk = header[2]! + 1;
    chunkNext[chunk] = 0;
    chunkPrevious[chunk] = 0;
    return chunk;
  }

  function giveChain(first: number): void {
    for (let chunk = first; chunk; ) {
      const next = chunkNext[chunk]!;
      chunkNext[chunk] = header[1]!;
      header[1] = chunk;
      chunk = next;
    }
  }

  function step(at: number): number {
    return (at & OFFSET) === OFFSET ? chunkNext[at >> CHUNK_SHIFT]! << CHUNK_SHIFT : at + 1;
  }

  function clear(list: number): void {
    giveChain(lists[list + TAIL]! >> CHUNK_SHIFT);
    lists[list + HEAD] = 0;
    lists[list + TAIL] = 0;
    lists[list + ENTRIES] = 0;
  }

  function compact(list: number): void {
    const head = lists[list + HEAD]!;
    let read = lists[list + TAIL]!;
    let write = read;
    while (read !== head) {
      const frame = log[read]!;
      if (folios[4 * frame + 1] === read) {
        log[write] = frame;
        folios[4 * frame + 1] = write;
        write = step(write);
      }
      read = step(read);
    }
    const last = write >> CHUNK_SHIFT;
    giveChain(chunkNext[last]!);
    chunkNext[last] = 0;
    lists[list + HEAD] = write;
    lists[list + ENTRIES] = lists[list + LIVE]!;
  }

  function commitFolio(frame: number, memcg: number, order: number, kind: number): void {
    const which = kind === O.KIND_FILE ? INACTIVE_FILE : INACTIVE_ANON;
    const list = 8 * (memcg * LISTS + which);
    const pages = 1 << order;
    if (frame + pages > header[0]!) header[0] = frame + pages;
    let at = lists[list + HEAD]!;
    if (!at) {
      at = takeChunk() << CHUNK_SHIFT;
      lists[list + TAIL] = at;
    }
    log[at] = frame;
    if ((at & OFFSET) === OFFSET) {
      const fresh = takeChunk();
      chunkNext[at >> CHUNK_SHIFT] = fresh;
      chunkPrevious[fresh] = at >> CHUNK_SHIFT;
      lists[list + HEAD] = fresh << CHUNK_SHIFT;
    } else {
      lists[list + HEAD] = at + 1;
    }
    const live = lists[list + LIVE]! + 1;
    const entries = lists[list + ENTRIES]! + 1;
    lists[list + LIVE] = live;
    lists[list + ENTRIES] = entries;
    lists[list + PAGES]! += pages;
    const folio = 4 * frame;
    folios[folio] = (memcg << 8) | (order << 4);
    folios[folio + 1] = at;
    folios[folio + 2] = kind | (which << 4);
    folios[folio + 3] = 0;
    if (entries > LOG_SLACK * live + CHUNK) compact(list);
    stats[memcg * STATS + kind]! += pages;
  }

  function clearFolio(frame: number, word: number): void {
    const folio = 4 * frame;
    const state = folios[folio + 2]!;
    const kind = state & 0xf;
    const memcg = word >> 8;
    const pages = 1 << ((word >> 4) & 0xf);
    const onList = folios[folio + 1] !== 0;
    folios[folio] = 0;
    folios[folio + 1] = 0;
    folios[folio + 2] = 0;
    folios[folio + 3] = 0;
    if (onList) {
      const list = 8 * (memcg * LISTS + ((state >> 4) & 7));
      const live = lists[list + LIVE]! - 1;
      lists[list + LIVE] = live;
      lists[list + PAGES]! -= pages;
      if (lists[list + ENTRIES]! > LOG_SLACK * live + CHUNK) {
        if (live) compact(list);
        else clear(list);
      } else if (!live) {
        clear(list);
      }
    }
    stats[memcg * STATS + kind]! -= pages;
  }

  function unchargeBatch(task: number): void {
    const memcg = gatherMemcg[task]!;
    const pages = gatherPages[task]!;
    taskPending[task]! &= ~HAS_BATCH;
    gatherMemcg[task] = 0;
    gatherPages[task] = 0;
    if (pages && memcg !== ROOT) uncharge(memcg, pages);
  }

  function unchargeFolio(task: number, frame: number, word: number): void {
    const memcg = word >> 8;
    if (!(taskPending[task]! & HAS_BATCH) || gatherMemcg[task] !== memcg) {
      if (taskPending[task]! & HAS_BATCH) unchargeBatch(task);
      taskPending[task]! |= HAS_BATCH;
      gatherMemcg[task] = memcg;
    }
    if (memcg !== ROOT) gatherPages[task]! += 1 << ((word >> 4) & 0xf);
    clearFolio(frame, word);
  }

  /** Reads the folios of the next events, so that their cache misses overlap, as the engine does. */
  function touchGroup(from: number, to: number): void {
    const { index } = staged;
    let sum = 0;
    for (let i = from; i < to; i++) {
      const frame = index[2 * i]!;
      sum = (sum + folios[frame <= frames ? 4 * frame : 0]!) | 0;
    }
    header[3] = sum;
  }

  /** Replays the staged rows [0, to); answers the row after the last one done. */
  function replay(to: number): number {
    const { ts, index, task: taskColumn, cgroup, count, flags: flagsColumn, cpu: cpuColumn, op: opColumn } = staged;
    for (let i = 0; i < to; i++) {
      if (i % TOUCH_GROUP === 0) touchGroup(i, Math.min(to, i + TOUCH_GROUP));
      const op = opMap[opColumn[i]!]!;
      const cpu = cpuColumn[i]!;
      const task = taskColumn[i]!;
      const flags = flagsColumn[i]!;
      const frame = index[2 * i]!;
      const at = ts[2 * i + 1]! * 4294967296 + ts[2 * i]!;
      if (cpu >= nrCpus) return i;
      if (at >= nextTimer) throw new Error('no timer is armed');
      now = at;
      if (op !== O.OP_SPAWN && task !== 0) {
        if (task >= tasks || !taskLive[task]) return i;
        const pending = taskPending[task]!;
        if (pending && !(flags & O.FLAG_IRQ) && pending & HAS_OTHER) throw new Error('no charge waits');
      }
      switch (op) {
        case O.OP_CHARGE: {
          const order = flags & O.FLAG_ORDER_MASK;
          const kind = (flags >> O.FLAG_KIND_SHIFT) & O.FLAG_KIND_MASK;
          const memcg = cgroup[i]!;
          if (index[2 * i + 1] || frame === 0 || frame > frames || order > 9 || 1 << order > frames + 1 - frame)
            return i;
          if (kind > O.KIND_SHMEM || memcg >= cgroups || !online[memcg] || folios[4 * frame]) return i;
          tryCharge(cpu, memcg, 1 << order);
          if (memcg !== ROOT && !servedPages[cpu] && stockHow[cpu] === 2) throw new Error('nothing is charged singly');
          commitFolio(frame, memcg, order, kind);
          break;
        }
        case O.OP_UNCHARGE: {
          if (index[2 * i + 1] || frame === 0 || frame > frames) return i;
          const word = folios[4 * frame]!;
          if (!word || !task) return i;
          unchargeFolio(task, frame, word);
          break;
        }
        case O.OP_UNCHARGE_FLUSH:
          if (taskPending[task]! & HAS_BATCH) unchargeBatch(task);
          break;
        case O.OP_KMEM_CHARGE:
        case O.OP_KMEM_FREE: {
          const memcg = cgroup[i]!;
          const pages = count[i]!;
          if (((flags >> O.FLAG_KIND_SHIFT) & O.FLAG_KIND_MASK) !== O.KIND_SOCK) return i;
          if (memcg >= cgroups || !online[memcg]) return i;
          if (memcg === ROOT) break;
          if (op === O.OP_KMEM_CHARGE) {
            tryCharge(cpu, memcg, pages);
            stats[memcg * STATS + O.KIND_SOCK]! += pages;
          } else {
            stats[memcg * STATS + O.KIND_SOCK]! -= pages;
            refillStock(cpu, memcg, pages);
          }
          break;
        }
        default:
          return i;
      }
    }
    return to;
  }

  function state(): number[] {
    const figures: number[] = [];
    let order = HASH_START;
    for (let id = 1; id < cgroups; id++) {
      figures.push(usage[id]!, watermark[id]!, localWatermark[id]!);
      for (const stat of [O.KIND_ANON, O.KIND_FILE, O.KIND_SOCK]) figures.push(stats[id * STATS + stat]!);
      for (let which = 0; which < LISTS; which++) {
        const list = 8 * (id * LISTS + which);
        figures.push(lists[list + LIVE]!, lists[list + PAGES]!);
        for (let at = lists[list + TAIL]!; at !== lists[list + HEAD]; at = step(at))
          if (folios[4 * log[at]! + 1] === at) order = hashWord(order, log[at]!);
      }
    }
    for (let cpu = 0; cpu < nrCpus; cpu++) {
      figures.push(stockHint[cpu]!);
      for (let slot = cpu * SLOTS; slot < (cpu + 1) * SLOTS; slot++) figures.push(stockMemcg[slot]!, stockPages[slot]!);
    }
    let owners = HASH_START;
    for (let frame = 1; frame <= frames; frame++) owners = hashWord(owners, folios[4 * frame]!);
    figures.push(owners, order);
    return figures;
  }

  const arrays = [
    [usage, watermark, localWatermark, minUsage, lowUsage, childrenMin, childrenLow, stats, random],
    [stockHint, stockMemcg, stockPages, servedMemcg, servedPages, stockHow, taskPending, gatherMemcg, gatherPages],
    [folios, lists, log, chunkNext, chunkPrevious, header],
  ].flat();
  return { staged, replay, state, arrays, clock: () => now };
}

const MASK64 = (1n << 64n) - 1n;

/** SplitMix64's output function, as the engine's random.ts. */
function mix64(x: bigint): bigint {
  const a = ((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK64;
  const b = ((a ^ (a >> 27n)) * 0x94d049bb133111ebn) & MASK64;
  return b ^ (b >> 31n);
}

export function typescriptPeer(workload: Workload): Peer {
  const { columns, prefill } = workload;
  const engine = createEngine(workload);
  const run = (from: number, to: number) => {
    let ns = 0n;
    for (let at = from; at < to; at += BATCH_ROWS) {
      const end = Math.min(to, at + BATCH_ROWS);
      engine.staged.fill(columns, at, end);
      const began = process.hrtime.bigint();
      const done = engine.replay(end - at);
      ns += process.hrtime.bigint() - began;
      if (done !== end - at) throw new Error(`TypeScript refuses row ${at + done}`);
    }
    return Number(ns);
  };
  run(0, prefill);
  const bytes = engine.arrays.map((array) => new Uint8Array(array.buffer));
  const start = bytes.map((array) => array.slice());
  return {
    name: 'TypeScript',
    reset: () => {
      for (const [i, array] of bytes.entries()) array.set(start[i]!);
    },
    round: () => run(prefill, columns.length),
    state: engine.state,
    close: () => {},
  };
}
