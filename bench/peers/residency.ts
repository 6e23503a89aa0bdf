/**
 * Modelled residency of 6.18 in TypeScript on typed arrays, as far as the access suites go: one task, one cgroup under the root, one CPU,
 * clean files and private memory, no swap. What they never reach throws.
 */
import * as O from '../../assembly/replay/ops.ts';
import { type AccessWorkload, LISTS, STATISTICS } from '../accesses.ts';
import { BATCH_ROWS, type Peer } from '../peer.ts';

const BATCH = 64;
const CLUSTER = 32;
const PRIORITY = 12;
const UNLIMITED = 2 ** 51 - 1;
const NODE_SHIFT = 9;
const NODE = 1 << NODE_SHIFT;
const SHADOW = 0x80000000;
// of a folio
const ON_LIST = 3;
const REFERENCED = 4;
const WORKINGSET = 8;
const MAPPED = 16;
const INACTIVE_ANON = 0;
const INACTIVE_FILE = 2;
const ACTIVE_FILE = 3;
// figures, in the order of STATISTICS
const names = Object.keys(STATISTICS);
const S = Object.fromEntries(names.map((name, i) => [name, i]));
const ANON = S.anon!;
const FILE = S.file!;
const FILE_MAPPED = S.file_mapped!;
const REFAULT = S.workingset_refault_file!;
const ACTIVATE = S.workingset_activate_file!;
const RESTORE = S.workingset_restore_file!;
const SCAN = S.pgscan_direct!;
const STEAL = S.pgsteal_direct!;
const FAULT = S.pgfault!;
const MAJOR = S.pgmajfault!;
const REFILL = S.pgrefill!;
const PGACTIVATE = S.pgactivate!;
const DEACTIVATE = S.pgdeactivate!;
// words of the state
const USAGE = 0;
const WATERMARK = 1;
const ROOT_USAGE = 2;
const ROOT_WATERMARK = 3;
const STOCK = 4;
const MAX_EVENTS = 5;
const AGE = 6;
const ROOT_AGE = 7;
const FILE_COST = 8;
const ROOT_FILE_COST = 9;
const REFAULTS_SEEN = 10;
const FREE_FRAME = 11;
const FRAME_END = 12;
const FREE_SHADOW = 13;
const SHADOW_END = 14;
const LENGTH = 16;
const WORDS = LENGTH + 4;

/** Pages of an object or of an address space: by node of 512, made when first used. */
class Pages {
  readonly nodes = new Map<number, Uint32Array>();
  #last = -1;
  #node: Uint32Array = new Uint32Array(0);

  node(index: number): Uint32Array {
    const key = Math.floor(index / NODE);
    if (key === this.#last) return this.#node;
    let node = this.nodes.get(key);
    if (node === undefined) {
      node = new Uint32Array(NODE);
      this.nodes.set(key, node);
    }
    this.#last = key;
    this.#node = node;
    return node;
  }

  forget(): void {
    this.#last = -1;
  }
}

export function residencyPeer({ columns, prefill, pages, max }: AccessWorkload): Peer {
  const limit = max ?? UNLIMITED;
  const words = new Float64Array(WORDS);
  const stats = new Float64Array(names.length);
  const state = new Uint8Array(pages + 1);
  // The lists are circles through the frames; four frames after the last are their ends.
  const newer = new Uint32Array(pages + 5);
  const older = new Uint32Array(pages + 5);
  /** page of the file that a frame holds; the next free frame of a free one */
  const place = new Uint32Array(pages + 1);
  const shadowAge = new Float64Array(2 * pages + 1);
  /** the folio was on the active list; of a free one, the next free */
  const shadowWord = new Uint32Array(2 * pages + 1);
  const file = new Pages();
  const heap = new Pages();
  const endOf = (list: number) => pages + 1 + list;
  for (let list = 0; list < 4; list++) newer[endOf(list)] = older[endOf(list)] = endOf(list);
  words[FRAME_END] = words[SHADOW_END] = 1;

  // --- lists

  function add(list: number, frame: number): void {
    const end = endOf(list);
    const newest = older[end]!;
    older[frame] = newest;
    newer[frame] = end;
    newer[newest] = frame;
    older[end] = frame;
    state[frame] = (state[frame]! & ~ON_LIST) | list;
    words[LENGTH + list]!++;
  }

  function remove(frame: number): void {
    const before = older[frame]!;
    const after = newer[frame]!;
    newer[before] = after;
    older[after] = before;
    words[LENGTH + (state[frame]! & ON_LIST)]!--;
  }

  // --- charges

  function tryCharge(n: number): boolean {
    if (words[USAGE]! + n > limit) return false;
    const usage = words[USAGE]! + n;
    const root = words[ROOT_USAGE]! + n;
    words[USAGE] = usage;
    words[ROOT_USAGE] = root;
    if (usage > words[WATERMARK]!) words[WATERMARK] = usage;
    if (root > words[ROOT_WATERMARK]!) words[ROOT_WATERMARK] = root;
    return true;
  }

  function uncharge(n: number): void {
    words[USAGE]! -= n;
    words[ROOT_USAGE]! -= n;
  }

  function charge(): void {
    if (words[STOCK]! > 0) {
      words[STOCK]!--;
      return;
    }
    if (tryCharge(BATCH)) {
      words[STOCK] = BATCH - 1;
      return;
    }
    while (!tryCharge(1)) {
      words[MAX_EVENTS]!++;
      if (tryToFree() === 0) throw new Error('nothing is ever out of memory');
    }
  }

  function newFolio(list: number, stat: number, at: number): number {
    let frame = words[FREE_FRAME]!;
    if (frame !== 0) {
      words[FREE_FRAME] = place[frame]!;
    } else {
      frame = words[FRAME_END]!;
      if (frame > pages) throw new Error('memory is never full');
      words[FRAME_END] = frame + 1;
    }
    // The frame is taken before the charge, as the engine does; reclaim frees others.
    charge();
    state[frame] = 0;
    place[frame] = at;
    add(list, frame);
    stats[stat]!++;
    return frame;
  }

  // --- reclaim

  function age(n: number): void {
    words[AGE]! += n;
    words[ROOT_AGE]! += n;
  }

  function noteCost(cost: number): void {
    if (cost === 0) return;
    const size = words[LENGTH]! + words[LENGTH + 1]! + words[LENGTH + 2]! + words[LENGTH + 3]!;
    for (let at = FILE_COST; at <= ROOT_FILE_COST; at++) {
      words[at]! += cost;
      if (words[at]! > Math.floor(size / 4)) words[at] = Math.floor(words[at]! / 2);
    }
  }

  function evict(frame: number): void {
    const index = place[frame]!;
    let shadow = words[FREE_SHADOW]!;
    if (shadow !== 0) {
      words[FREE_SHADOW] = shadowWord[shadow]!;
    } else {
      shadow = words[SHADOW_END]!;
      if (shadow > 2 * pages) throw new Error('there are never so many shadows');
      words[SHADOW_END] = shadow + 1;
    }
    shadowAge[shadow] = words[AGE]!;
    age(1);
    shadowWord[shadow] = state[frame]! & WORKINGSET;
    file.node(index)[index & (NODE - 1)] = (shadow | SHADOW) >>> 0;
    stats[FILE]!--;
    place[frame] = words[FREE_FRAME]!;
    words[FREE_FRAME] = frame;
  }

  /** Unmapped, clean, of a file: whatever is isolated goes. */
  function shrinkInactive(n: number): number {
    const end = endOf(INACTIVE_FILE);
    let taken = 0;
    for (let frame = newer[end]!; taken < n && frame !== end; taken++) {
      const next = newer[frame]!;
      if (state[frame]! & MAPPED) throw new Error('nothing mapped is ever reclaimed');
      remove(frame);
      evict(frame);
      frame = next;
    }
    stats[SCAN]! += taken;
    stats[STEAL]! += taken;
    if (taken > 0) uncharge(taken);
    return taken;
  }

  function shrinkActive(n: number): void {
    const end = endOf(ACTIVE_FILE);
    let taken = 0;
    for (let frame = newer[end]!; taken < n && frame !== end; taken++) {
      const next = newer[frame]!;
      if (state[frame]! & MAPPED) throw new Error('nothing mapped is ever reclaimed');
      remove(frame);
      state[frame]! |= WORKINGSET;
      add(INACTIVE_FILE, frame);
      frame = next;
    }
    stats[REFILL]! += taken;
    stats[DEACTIVATE]! += taken;
  }

  function inactiveIsLow(): boolean {
    const inactive = words[LENGTH + INACTIVE_FILE]!;
    const active = words[LENGTH + ACTIVE_FILE]!;
    const gigabytes = Math.floor((inactive + active) / 2 ** 18);
    return inactive * (gigabytes > 0 ? Math.floor(Math.sqrt(10 * gigabytes)) : 1) < active;
  }

  function tryToFree(): number {
    let reclaimed = 0;
    for (let priority = PRIORITY; priority >= 0 && reclaimed < CLUSTER; priority--) {
      const deactivate = stats[ACTIVATE] !== words[REFAULTS_SEEN] || inactiveIsLow();
      let inactive = words[LENGTH + INACTIVE_FILE]! >>> priority;
      let active = words[LENGTH + ACTIVE_FILE]! >>> priority;
      // shrink_lruvec(): without swap there is no anonymous memory to scan, so that enough is enough.
      for (let got = 0; (inactive > 0 || active > 0) && got < CLUSTER; reclaimed += got) {
        got = 0;
        const n = Math.min(inactive, CLUSTER);
        inactive -= n;
        if (n > 0) got = shrinkInactive(n);
        const m = Math.min(active, CLUSTER);
        active -= m;
        if (m > 0 && deactivate) shrinkActive(m);
      }
    }
    words[REFAULTS_SEEN] = stats[ACTIVATE]!;
    return reclaimed;
  }

  // --- accesses

  function activate(frame: number): void {
    remove(frame);
    add(ACTIVE_FILE, frame);
  }

  function refault(frame: number, shadow: number): void {
    stats[REFAULT]!++;
    const near = words[AGE]! - shadowAge[shadow]! <= words[LENGTH + ACTIVE_FILE]!;
    if (near) {
      age(1);
      stats[ACTIVATE]!++;
      activate(frame);
      if (shadowWord[shadow] !== 0) {
        state[frame]! |= WORKINGSET;
        stats[RESTORE]!++;
        noteCost(32);
      }
    }
    shadowWord[shadow] = words[FREE_SHADOW]!;
    words[FREE_SHADOW] = shadow;
  }

  function fileAccess(index: number, fault: boolean): void {
    let word = file.node(index)[index & (NODE - 1)]!;
    const fresh = word === 0 || word >= SHADOW;
    if (fresh) {
      const frame = newFolio(INACTIVE_FILE, FILE, index);
      file.node(index)[index & (NODE - 1)] = frame;
      // The charge may have evicted, but never this page, which was not there.
      if (word !== 0) refault(frame, word - SHADOW);
      word = frame;
    }
    const now = state[word]!;
    if (fault) {
      if (now & MAPPED) return;
      state[word] = now | MAPPED;
      stats[FILE_MAPPED]!++;
      stats[FAULT]!++;
      if (fresh) stats[MAJOR]!++;
    } else if (!(now & REFERENCED)) {
      state[word] = now | REFERENCED;
    } else if ((now & ON_LIST) === INACTIVE_FILE) {
      state[word] = now & ~REFERENCED;
      activate(word);
      stats[PGACTIVATE]!++;
      age(1);
    }
  }

  function anonTouch(vpn: number): void {
    const node = heap.node(vpn);
    const slot = vpn & (NODE - 1);
    if (node[slot] !== 0) return;
    node[slot] = newFolio(INACTIVE_ANON, ANON, 0);
    stats[FAULT]!++;
  }

  // --- rows

  const halves = new Uint32Array(columns.index.buffer);
  function replay(from: number, to: number): void {
    const { op: ops, flags, count } = columns;
    for (let row = from; row < to; row++) {
      if (count[row] !== 1) throw new Error('pages are accessed one by one');
      const index = halves[2 * row]! + halves[2 * row + 1]! * 2 ** 32;
      if (ops[row] === O.OP_FILE_ACCESS) fileAccess(index, (flags[row]! & O.FLAG_FAULT) !== 0);
      else if (ops[row] === O.OP_ANON_TOUCH && flags[row]! & O.FLAG_WRITE) anonTouch(index);
      else throw new Error(`no such row: ${row}`);
    }
  }
  const run = (from: number, to: number) => {
    for (let at = from; at < to; at += BATCH_ROWS) replay(at, Math.min(to, at + BATCH_ROWS));
  };
  run(0, prefill);
  const arrays = [words, stats, state, newer, older, place, shadowAge, shadowWord].map(
    (array) => new Uint8Array(array.buffer),
  );
  const start = arrays.map((array) => array.slice());
  const trees = [file, heap].map((tree) => new Map([...tree.nodes].map(([key, node]) => [key, node.slice()])));
  return {
    name: 'TypeScript',
    reset: () => {
      arrays.forEach((array, i) => {
        array.set(start[i]!);
      });
      [file, heap].forEach((tree, i) => {
        for (const [key, node] of tree.nodes) {
          const before = trees[i]!.get(key);
          if (before === undefined) tree.nodes.delete(key);
          else node.set(before);
        }
        tree.forget();
      });
    },
    round: () => {
      const began = process.hrtime.bigint();
      run(prefill, columns.length);
      return Number(process.hrtime.bigint() - began);
    },
    state: () => [
      ...stats,
      ...LISTS.map((_, list) => words[LENGTH + list]!),
      words[USAGE]!,
      words[WATERMARK]!,
      words[MAX_EVENTS]!,
    ],
    close: () => {},
  };
}
