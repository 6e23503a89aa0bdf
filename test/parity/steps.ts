/**
 * Plays an experiment of test/parity/linux-6.1 through the model: the same steps that the kernel was given, as rows. What a worker
 * uses of itself (its stack and buffer, its page tables, open files) is the recording's, from the `show ready` of its cgroup; what the
 * kernel spends on a file's or a mapping's pages follows from its own structures, below.
 */
import { readFileSync } from 'node:fs';
import * as O from '../../assembly/replay/ops.ts';
import { type Kernel, Machine } from '../../bindings/machine.ts';
import { batchOf, type HandRow } from '../replay/batch.ts';

/** struct xa_node, its freelist pointer, and the pointer to its owner (obj_full_size()): for 64 pages of a file, and for 64 of these. */
const XA_NODE = 576 + 8 + 8;
/** struct vm_area_struct, likewise. */
const VM_AREA = 144 + 8;
/** struct file, by SLAB_HWCACHE_ALIGN, and the pointer to its owner. */
const FILE = 256 + 8;
/** Pages that one page table maps. */
const PTRS_PER_PTE = 512;

/** What a cgroup's files said at one `show`: keys that are 0 are left out; bytes and counts as the kernel prints them. */
export type Figures = Record<string, number>;
export interface Shown {
  at: string;
  of: string;
  /** a number where every run printed the same, else one for each run */
  figures: Record<string, number | number[]>;
}
export interface Recording {
  runs: number;
  shows: Shown[];
}

const BY_FRAME = (O.KIND_KERNEL_OTHER << O.FLAG_KIND_SHIFT) | O.FLAG_BY_FRAME;

interface Worker {
  task: number;
  group: string;
  /** parts of 512 pages of its anonymous memory that have a page table */
  tables: Set<number>;
  /** mappings that have a directory, and (FILE:PART) parts that have a table */
  mapped: Set<string>;
}

const EVENTS = ['low', 'high', 'max', 'oom', 'oom_kill', 'oom_group_kill'];
const KNOBS: Record<string, number> = {
  'memory.max': O.KNOB_MAX,
  'memory.high': O.KNOB_HIGH,
  'memory.low': O.KNOB_LOW,
  'memory.min': O.KNOB_MIN,
  'memory.swap.max': O.KNOB_SWAP_MAX,
  'memory.swap.high': O.KNOB_SWAP_HIGH,
  'memory.oom.group': O.KNOB_OOM_GROUP,
};

export function recordingOf(name: string): Recording {
  return JSON.parse(readFileSync(new URL(`linux-6.1/${name}.json`, import.meta.url), 'utf8'));
}

/** The kernel's value of a figure: [least, most] of its runs. */
export function spread(shown: Shown, key: string): [number, number] {
  const value = shown.figures[key] ?? 0;
  return Array.isArray(value) ? [Math.min(...value), Math.max(...value)] : [value, value];
}

export function figuresOf(machine: Machine, id: number): Figures {
  machine.engine.flushCgroup(id); // the kernel's cpu.stat was read, too
  const figures = machine.figures(id);
  const all: Figures = {
    current: figures['memory.current'],
    peak: figures['memory.peak'],
    swap: figures['memory.swap.current'],
    ...figures['memory.stat'],
  };
  for (const key of EVENTS) all[`events.${key}`] = figures['memory.events'][key] ?? 0;
  for (const [key, value] of Object.entries(figures['memory.swap.events'])) all[`swap.events.${key}`] = value;
  return all;
}

/** Pages of kernel memory that workers use beside what is reckoned here, by the number of the `show` that tells it. */
type Unexplained = Map<number, { group: string; pages: number }[]>;

/**
 * Plays the steps of `name`, and hands over each `show` with the model's figures. Twice: kernel memory that the rules above do not
 * explain (a page here and there) is the recording's, too, and is charged from the step on after which the kernel showed it.
 */
export async function play(
  name: string,
  kernel: Kernel,
  compare: (shown: Shown, model: Figures) => void,
): Promise<Machine> {
  const unexplained: Unexplained = new Map();
  const sofar = new Map<string, number>();
  let shows = 0;
  await playOnce(name, kernel, new Map(), (shown, model) => {
    // What a killed worker gave back it had until then.
    const before = sofar.get(shown.of) ?? 0;
    let pages = Math.round((spread(shown, 'kernel')[0] - model.kernel!) / 4096);
    if (spread(shown, 'events.oom_kill')[1]) pages = Math.max(pages, before);
    // A parent's are its own and its children's, which are shown after it.
    unexplained.set(shows, [{ group: shown.of, pages: pages - before }]);
    sofar.set(shown.of, pages);
    for (let back = shows - 1; shown.of.lastIndexOf('/') > 0 && back >= 0; back--) {
      const above = unexplained.get(back)![0]!;
      if (!shown.of.startsWith(`${above.group}/`)) continue;
      above.pages -= unexplained.get(shows)![0]!.pages;
      break;
    }
    shows++;
  });
  return playOnce(name, kernel, unexplained, compare);
}

async function playOnce(
  name: string,
  kernel: Kernel,
  unexplained: Unexplained,
  compare: (shown: Shown, model: Figures) => void,
): Promise<Machine> {
  const recording = recordingOf(name);
  const steps = readFileSync(new URL(`linux-6.1/${name}.steps`, import.meta.url), 'utf8')
    .split('\n')
    .map((step) => step.replace(/#.*/, '').trim());
  const machine = await Machine.boot({
    residency: 'modelled',
    kernel,
    statistics: 'kernel',
    cpus: 1,
    hz: 100,
    pages: 1 << 18,
    nodes: 1 << 17,
    // 256 MiB, less the page that says what it is
    swap: steps.includes('swapon') ? 65535 : 0,
  });
  const groups = new Map<string, number>([['/', 1]]);
  const workers = new Map<string, Worker>();
  const objects = new Map<string, { id: number; nodes: Set<number>; owners: number[] }>();
  let nextTask = 2;
  let nextObject = 1;
  let ts = 1;
  let shows = 0;
  const faults = new Map<string, number>();
  const run = (rows: HandRow[]) => machine.replay(batchOf(rows.map((row) => ({ ...row, ts: ts++ }))));
  run([{ op: O.OP_SPAWN, task: 1, cgroup: 1 }]);

  /** Rows of `count` pages from `from`, in pieces that end where a further structure of the kernel is needed. */
  const pieces = (
    from: number,
    count: number,
    size: number,
    have: Set<number>,
    first: (piece: number) => HandRow[],
  ) => {
    const rows: { rows: HandRow[]; from: number; count: number }[] = [];
    for (let i = from; i < from + count; ) {
      const piece = Math.floor(i / size);
      const end = Math.min(from + count, (piece + 1) * size);
      rows.push({ rows: have.has(piece) ? [] : first(piece), from: i, count: end - i });
      have.add(piece);
      i = end;
    }
    return rows;
  };
  const slab = (task: number, bytes: number): HandRow => {
    return { op: O.OP_KMEM_CHARGE, task, count: bytes, flags: O.KIND_SLAB << O.FLAG_KIND_SHIFT, gfp: O.GFP_KERNEL };
  };
  let kernelFrame = 1;
  /** kernel pages of a cgroup, the oldest first */
  const frames = new Map<number, number[]>();
  /** Who allocates for a cgroup: its worker, else the one that runs the steps. */
  const explained = new Set<number>();
  const taskOf = (cgroup: number) => [...workers.values()].find(({ group }) => groups.get(group) === cgroup)?.task ?? 1;
  const kernelPage = (cgroup: number, kind: number): HandRow => {
    const flags = (kind << O.FLAG_KIND_SHIFT) | O.FLAG_BY_FRAME;
    frames.set(cgroup, [...(frames.get(cgroup) ?? []), kernelFrame]);
    return { op: O.OP_KMEM_CHARGE, task: taskOf(cgroup), cgroup, index: kernelFrame++, flags, gfp: O.GFP_KERNEL };
  };
  /** What the shows from `first` on say beside the rules, from now on. */
  const explain = (first: number, count: number) => {
    explained.add(first);
    for (let show = first; show < first + count; show++)
      for (const { group, pages } of unexplained.get(show) ?? []) {
        for (let i = 0; i < pages; i++) run([kernelPage(groups.get(group)!, O.KIND_KERNEL_OTHER)]);
        for (let i = 0; i < -pages; i++)
          run([
            {
              op: O.OP_KMEM_FREE,
              cgroup: groups.get(group)!,
              index: frames.get(groups.get(group)!)!.shift()!,
              flags: BY_FRAME,
            },
          ]);
      }
  };
  const object = (file: string) => {
    let known = objects.get(file);
    if (known === undefined) {
      known = { id: nextObject++, nodes: new Set(), owners: [] };
      objects.set(file, known);
      run([{ op: O.OP_OBJECT_NEW, object: known.id, count: file.startsWith('/tmp') ? O.OBJECT_SHMEM : O.OBJECT_FILE }]);
    }
    return known;
  };
  const access = (task: number, file: string, from: number, count: number, flags: number): HandRow[] => {
    const { id, nodes, owners } = object(file);
    const cgroup = groups.get([...workers.values()].find((worker) => worker.task === task)?.group ?? '/')!;
    const node = (): HandRow => {
      owners.push(cgroup);
      return slab(task, XA_NODE);
    };
    const grow = (piece: number): HandRow[] => {
      if (task === 1) return [];
      const rows = [node()];
      // xas_create(): a second page of 64 makes a node above, and that grows likewise.
      for (let level = 1, n = piece; n > 0; level++) {
        const above = n >> 6;
        if (!nodes.has(level * 1e6 + above)) rows.push(node());
        nodes.add(level * 1e6 + above);
        n = above;
      }
      return rows;
    };
    const pages = (index: number, n: number): HandRow[] => [
      { op: O.OP_FILE_ACCESS, task, object: id, index, count: n, flags },
    ];
    // Pages, and then the node that they needed: what is over memory.high is paid for after the pages, as at the end of a read(2).
    return pieces(from, count, 64, nodes, grow).flatMap((piece) => [...pages(piece.from, piece.count), ...piece.rows]);
  };
  /** Page tables for a part of a mapping that had none: the first part needs the directory above, too. */
  const tables = (worker: Worker, mapping: string): HandRow[] => {
    const first = !worker.mapped.has(mapping);
    worker.mapped.add(mapping);
    return Array.from({ length: first ? 2 : 1 }, () => kernelPage(groups.get(worker.group)!, O.KIND_PAGETABLE));
  };
  const touch = (worker: Worker, from: number, count: number, flags: number): HandRow[] =>
    pieces(from, count, PTRS_PER_PTE, worker.tables, () => tables(worker, 'anon')).flatMap((piece) => [
      ...piece.rows,
      { op: O.OP_ANON_TOUCH, task: worker.task, index: (1 << 20) + piece.from, count: piece.count, flags },
    ]);

  const nextShow = (line: string) => steps.slice(steps.indexOf(line) + 1).find((step) => step.startsWith('show'));
  for (const line of steps) {
    const [verb, ...args] = line.split(/ +/);
    if (!verb) continue;
    const number = (i: number) => Number(args[i]);
    const worker = workers.get(verb);
    if (worker !== undefined) {
      const { task } = worker;
      const write = args[3] === 'w' || args[4] === 'w' ? O.FLAG_WRITE : 0;
      switch (args[0]) {
        case 'open':
          object(args[1]!);
          run([slab(task, FILE)]);
          break;
        case 'read':
          for (let i = number(2); i < number(2) + number(3); i += number(4)) {
            const n = Math.min(number(4), number(2) + number(3) - i);
            // A read(2) brings in all its pages, then copies one after the other.
            const rows = access(task, args[1]!, i, n, O.FLAG_READAHEAD);
            run([...rows, ...access(task, args[1]!, i, n, 0)]);
          }
          break;
        case 'write':
          for (let i = number(2); i < number(2) + number(3); i += number(4))
            run(access(task, args[1]!, i, Math.min(number(4), number(2) + number(3) - i), O.FLAG_WRITE));
          break;
        case 'map':
          for (let i = number(2); i < number(2) + number(3); i++) {
            const key = `${args[1]}:${Math.floor(i / PTRS_PER_PTE)}`;
            // The mapping is cut out of a larger one: two areas.
            if (!worker.mapped.has(args[1]!)) run([slab(task, VM_AREA), slab(task, VM_AREA)]);
            if (!worker.mapped.has(key)) run(tables(worker, args[1]!));
            worker.mapped.add(key);
            run(access(task, args[1]!, i, 1, write | O.FLAG_FAULT | (args[4] === 'x' ? O.FLAG_EXEC : 0)));
          }
          break;
        case 'touch':
          for (let i = number(1); i < number(1) + number(2); i++) run(touch(worker, i, 1, write));
          break;
        case 'free':
          run([{ op: O.OP_ANON_FREE, task, index: (1 << 20) + number(1), count: number(2) }]);
          break;
        case 'adj':
          run([{ op: O.OP_OOM_SCORE_ADJ, task, index: number(1) + 1000 }]);
          break;
        case 'exit':
          run([{ op: O.OP_EXIT, task }]);
          // free_pgtables(), and what else the worker had
          for (const index of frames.get(groups.get(worker.group)!) ?? [])
            run([{ op: O.OP_KMEM_FREE, cgroup: groups.get(worker.group)!, index, flags: BY_FRAME }]);
          frames.delete(groups.get(worker.group)!);
          break;
        default:
          throw new Error(`no such step: ${line}`);
      }
      continue;
    }
    switch (verb) {
      case 'mkdir': {
        const id = groups.size + 1;
        const up = groups.get(args[0]!.slice(0, args[0]!.lastIndexOf('/')) || '/')!;
        groups.set(args[0]!, id);
        run([{ op: O.OP_MKDIR, cgroup: id, object: up, index: id, name: args[0]! }]);
        break;
      }
      case 'set': {
        const knob = KNOBS[args[1]!];
        if (knob === undefined) throw new Error(`no such knob: ${line}`);
        const bytes =
          args[2] === 'max' ? 2251799813685247n : BigInt(args[2]!) / (knob === O.KNOB_OOM_GROUP ? 1n : 4096n);
        run([{ op: O.OP_WRITE_KNOB, task: 1, cgroup: groups.get(args[0]!)!, count: knob, index: Number(bytes) }]);
        break;
      }
      case 'file': {
        const { id, nodes } = object(args[0]!);
        run([
          { op: O.OP_FILE_ACCESS, task: 1, object: id, index: 0, count: number(1), flags: O.FLAG_WRITE },
          { op: O.OP_SYNC, object: id },
        ]);
        nodes.clear();
        break;
      }
      case 'spawn': {
        // What a cgroup has before its first worker was charged when its children were made.
        const next = nextShow(line);
        if (next?.startsWith('show ready') && !explained.has(shows)) explain(shows, next.split(/ +/).length - 2);
        const group = args[1]!;
        const ready = recording.shows.find(({ at, of }) => at === 'ready' && of === group);
        const task = nextTask++;
        workers.set(args[0]!, { task, group, tables: new Set(), mapped: new Set() });
        run([{ op: O.OP_SPAWN, task, cgroup: groups.get(group)! }]);
        if (ready !== undefined) {
          const pages = (shown: Shown, key: string) => spread(shown, key)[0] / 4096;
          // The workers of a cgroup are alike. Slab is told only where another cgroup's objects have taken the CPU's byte stock.
          const alike = steps.filter((step) => step.startsWith('spawn') && step.endsWith(` ${group}`)).length;
          const own = pages(ready, 'anon') / alike;
          const objects = spread(ready, 'slab')[0] / alike;
          if (objects) run([slab(task, objects)]);
          for (let i = Math.ceil(objects / 4096); i < pages(ready, 'kernel') / alike; i++)
            run([kernelPage(groups.get(group)!, O.KIND_KERNEL_OTHER)]);
          run([{ op: O.OP_ANON_TOUCH, task, index: 1, count: own, flags: O.FLAG_WRITE }]);
          // What it used for a moment only, as the last worker shows; freeing it puts its pages on their lists.
          const last = recording.shows.filter(({ at }) => at === 'ready').find(({ of }) => /^\/z/.test(of))!;
          const moment = pages(last, 'peak') - pages(last, 'current');
          run([{ op: O.OP_ANON_TOUCH, task, index: 1 + own, count: moment, flags: O.FLAG_WRITE }]);
          run([{ op: O.OP_ANON_FREE, task, index: 1 + own, count: moment }]);
        }
        break;
      }
      case 'drop':
        for (const { nodes, owners } of objects.values()) {
          for (const cgroup of owners)
            run([{ op: O.OP_KMEM_FREE, cgroup, count: XA_NODE, flags: O.KIND_SLAB << O.FLAG_KIND_SHIFT }]);
          owners.length = 0;
          nodes.clear();
        }
        run([{ op: O.OP_DROP_CACHES, task: 1, count: number(0) }]);
        break;
      case 'sync':
        run([{ op: O.OP_SYNC, object: 0 }]);
        break;
      case 'sleep':
        ts += number(0) * 1_000_000;
        break;
      case 'swapon':
        break;
      case 'show':
        for (const of of args.slice(1)) {
          const shown = recording.shows[shows++]!;
          if (shown.at !== args[0] || shown.of !== of)
            throw new Error(`recorded: ${shown.at} ${shown.of}, not ${line}`);
          const figures = figuresOf(machine, groups.get(of)!);
          // Faults on the program's own pages.
          if (args[0] === 'ready') faults.set(of, spread(shown, 'pgfault')[0] - figures.pgfault!);
          figures.pgfault! += faults.get(of) ?? 0;
          compare(shown, figures);
        }
        {
          const next = nextShow(line);
          if (next !== undefined && !next.startsWith('show ready')) explain(shows, next.split(/ +/).length - 2);
        }
        break;
      default:
        throw new Error(`no such step: ${line}`);
    }
  }
  return machine;
}
