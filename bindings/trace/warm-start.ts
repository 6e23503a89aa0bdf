/**
 * Warm start: what a snapshot of the cgroup tree says was charged before a recording began, as the rows that a trace begins with.
 * An importer that takes {@link ImportOptions.initial} calls {@link WarmStart.write} once, before its first row.
 */
import * as ops from '../../assembly/replay/ops.ts';
import type { CgroupTable } from './cgroup-table.ts';
import { type Initial, type InitialCgroup, readInitial } from './initial.ts';
import { KIND_UNTOLD, type PageOwners, readPageOwners } from './page-owners.ts';
import { KNOB_IDS, PAGE_COUNTER_MAX, PAGE_SIZE } from './schema.ts';

const NR_AMOUNTS = ops.KIND_STOCK + 1;
/** Rows of memory.stat by the kind that they are, in bytes. */
const STAT_OF_KIND: readonly [kind: number, name: string][] = [
  [ops.KIND_ANON, 'anon'],
  [ops.KIND_SHMEM, 'shmem'],
  [ops.KIND_KERNEL_STACK, 'kernel_stack'],
  [ops.KIND_PAGETABLE, 'pagetables'],
  [ops.KIND_VMALLOC, 'vmalloc'],
  [ops.KIND_SOCK, 'sock'],
];
/** What gives way where the statistics say more than memory.current: the least certain first. */
const CUT_FIRST = [ops.KIND_STOCK, ops.KIND_KERNEL_OTHER];

/** What the warm start brought and what it could not. Pages, unless the name says otherwise. */
export interface WarmReport {
  snapshot: string;
  /** memory cgroups */
  cgroups: number;
  tasks: number;
  /** in all, the root's left out */
  pages: number;
  /** of these: charged to the very frame, from --page-owners */
  by_frame: number;
  /** what memory.stat does not explain: pages that CPUs held in stock */
  stock: number;
  /** what memory.stat says beyond memory.current: left out */
  cut: number;
  /** owned frames beyond what memory.current says: charged all the same */
  beyond: number;
  /** owned frames of cgroups that the snapshot does not have: left out */
  foreign: number;
  /** cgroups of which the snapshot has one half */
  incomplete: number;
}

/** A cgroup's own pages by kind (KIND_*, KIND_STOCK), its descendants' left out. */
export interface OwnPages {
  cgroup: InitialCgroup;
  /** by kind, without slab and percpu memory */
  pages: number[];
  /** of slab objects and of percpu memory: they lie in as few whole pages as hold them, and what is left of the last is the objcg's */
  bytes: [kind: number, amount: number][];
}

/**
 * Own amounts of every memory cgroup but the root, parents first. They add up to memory.current, which includes the children's: what
 * memory.stat does not explain is KIND_STOCK where it has a line `kernel`, else other kernel memory.
 */
export function ownPages(initial: Initial): { own: OwnPages[]; cut: number } {
  const bytes = new Map<InitialCgroup, { current: number; stat: Map<string, number> }>();
  const memory = initial.cgroups.filter((cgroup) => cgroup.memory && cgroup.path !== '/');
  for (const cgroup of memory) bytes.set(cgroup, { current: cgroup.current, stat: new Map(cgroup.stat) });
  for (const cgroup of memory) {
    const above = cgroup.parent === null ? undefined : bytes.get(cgroup.parent);
    if (above === undefined) continue;
    above.current -= cgroup.current;
    for (const [name, amount] of cgroup.stat) above.stat.set(name, (above.stat.get(name) ?? 0) - amount);
  }
  let cut = 0;
  const own = memory.map((cgroup) => {
    const { current, stat } = bytes.get(cgroup)!;
    const pagesOf = (name: string) => Math.max(0, Math.floor((stat.get(name) ?? 0) / PAGE_SIZE));
    const pages = new Array<number>(NR_AMOUNTS).fill(0);
    for (const [kind, name] of STAT_OF_KIND) pages[kind] = pagesOf(name);
    // `file` includes shmem, and swap cache, whose pages `anon` has too while they are mapped.
    pages[ops.KIND_FILE] = Math.max(0, pagesOf('file') - pagesOf('shmem') - pagesOf('swapcached'));
    let total = Math.max(0, Math.floor(current / PAGE_SIZE));
    const bytesOf = (name: string) => Math.min(Math.max(0, stat.get(name) ?? 0), total * PAGE_SIZE);
    const slab = bytesOf('slab');
    const percpu = Math.min(bytesOf('percpu'), total * PAGE_SIZE - slab);
    const inPages = Math.ceil((slab + percpu) / PAGE_SIZE);
    total -= inPages;
    const detailed = sum(pages.slice(ops.KIND_KERNEL_STACK, ops.KIND_KERNEL_OTHER)) + inPages;
    pages[ops.KIND_KERNEL_OTHER] = Math.max(0, pagesOf('kernel') - detailed);
    const rest = total - sum(pages);
    if (rest >= 0) pages[stat.has('kernel') ? ops.KIND_STOCK : ops.KIND_KERNEL_OTHER]! += rest;
    else cut += cutTo(pages, -rest);
    return {
      cgroup,
      pages,
      bytes: [[ops.KIND_SLAB, slab] as [number, number], [ops.KIND_PERCPU, percpu] as [number, number]],
    };
  });
  return { own, cut };
}

function sum(pages: readonly number[]): number {
  return pages.reduce((total, n) => total + n, 0);
}

/** Takes `excess` pages away. Answers how many. */
function cutTo(pages: number[], excess: number): number {
  let left = excess;
  const kinds = pages.map((_, kind) => kind).sort((a, b) => pages[b]! - pages[a]!);
  for (const kind of [...CUT_FIRST, ...kinds]) {
    const taken = Math.min(left, pages[kind]!);
    pages[kind]! -= taken;
    left -= taken;
  }
  return excess - left;
}

/** What an importer lends: its tables, and the way out. */
export interface WarmHost {
  cgroups: CgroupTable;
  /** one row at the recording's first time, on CPU 0, by no task unless `task` says */
  row(
    op: number,
    task: number,
    cgroup: number,
    object: number,
    index: number,
    count: number,
    flags: number,
    name: string | null,
  ): void;
  /** notes a task that exists, in a memcg (dense id) and at a path, and answers its dense id; its `spawn` is written here */
  task(pid: number, cgroup: number, path: string): number;
  /** notes that 2^order frames from `pfn` on are charged (`kernel`: as kernel memory), and answers the dense number of the first */
  frame(pfn: number, order: number, kernel: boolean): number;
}

export class WarmStart {
  readonly initial: Initial;
  readonly #owners: PageOwners | null;
  /** of the rows that {@link write} wrote; null until then */
  report: WarmReport | null = null;

  constructor(initial: Initial, owners: PageOwners | null = null) {
    this.initial = initial;
    this.#owners = owners;
  }

  /** Reads a snapshot, and page owners (`KPAGECGROUP[,KPAGEFLAGS]`) if given. Throws InputError. */
  static async open(snapshot: string, pageOwners?: string): Promise<WarmStart> {
    const initial = await readInitial(snapshot);
    return new WarmStart(initial, pageOwners === undefined ? null : await readPageOwners(pageOwners));
  }

  /** Writes the rows that the trace begins with: cgroups, their limits, their tasks, and what is charged to them. */
  write(host: WarmHost): void {
    const { own, cut } = ownPages(this.initial);
    const report: WarmReport = {
      snapshot: this.initial.path,
      cgroups: own.length,
      tasks: 0,
      pages: 0,
      by_frame: 0,
      stock: 0,
      cut,
      beyond: 0,
      foreign: 0,
      incomplete: this.initial.incomplete,
    };
    this.report = report;
    for (const cgroup of this.initial.cgroups) this.#cgroup(host, cgroup);
    for (const cgroup of this.initial.cgroups) report.tasks += this.#tasks(host, cgroup);
    if (this.#owners !== null) writeFrames(host, this.#owners, own, report);
    for (const { cgroup, pages, bytes } of own) {
      const { id } = host.cgroups.get(cgroup.id)!;
      for (const [kind, amount] of bytes)
        for (const piece of piecesOf(amount))
          host.row(ops.OP_KMEM_CHARGE, 0, id, 0, 0, piece, (kind << ops.FLAG_KIND_SHIFT) | ops.FLAG_EXISTING, null);
      report.pages += Math.ceil(bytes.reduce((total, [, amount]) => total + amount, 0) / PAGE_SIZE);
      pages.forEach((count, kind) => {
        if (count === 0) return;
        host.row(ops.OP_INITIAL, 0, id, 0, count, 0, kind << ops.FLAG_KIND_SHIFT, null);
        report.pages += count;
      });
      report.stock += pages[ops.KIND_STOCK]!;
    }
    report.pages += report.by_frame;
  }

  #cgroup({ cgroups, row }: WarmHost, { id, path, memory, knobs }: InitialCgroup): void {
    if (path === '/') return;
    const cgroup = cgroups.getOrAdd(id);
    if (!memory) {
      // Its tasks are in the nearest memcg above; memory may be switched on later.
      cgroups.rename(cgroup, path);
      return;
    }
    cgroups.online(cgroup);
    const parent = cgroups.place(cgroup, path);
    row(ops.OP_MKDIR, 0, cgroup.id, parent, id, 0, ops.FLAG_EXISTING, path);
    for (const [knob, value] of knobs)
      row(ops.OP_WRITE_KNOB, 0, cgroup.id, 0, value, knob, 0, knobText(path, knob, value));
  }

  #tasks({ cgroups, row, task }: WarmHost, { path, pids }: InitialCgroup): number {
    // A task is in the root unless something tells otherwise; kernel threads are there too.
    if (path === '/') return 0;
    const memcg = cgroups.nearest(path).id;
    const known = new Set(pids);
    for (const pid of known) row(ops.OP_SPAWN, task(pid, memcg, path), memcg, 0, pid, 0, 0, null);
    return known.size;
  }
}

/** Amounts of bytes that fit the count of a row, whole pages but the last. */
export function piecesOf(bytes: number): number[] {
  const piece = 2 ** 31;
  const pieces = new Array<number>(Math.floor(bytes / piece)).fill(piece);
  return bytes % piece === 0 ? pieces : [...pieces, bytes % piece];
}

function knobText(path: string, knob: number, value: number): string {
  const file = [...KNOB_IDS].find(([, id]) => id === knob)![0];
  const text =
    knob === ops.KNOB_OOM_GROUP
      ? String(value)
      : value === Number(PAGE_COUNTER_MAX)
        ? 'max'
        : String(value * PAGE_SIZE);
  return `${path}/${file} ${text}`;
}

/** Charges every owned frame, and takes it from what its cgroup has of its kind. */
function writeFrames(host: WarmHost, owners: PageOwners, own: readonly OwnPages[], report: WarmReport): void {
  const byIno = new Map(own.map((each) => [each.cgroup.id, each]));
  owners.forEach((pfn, count, ino, kind, order) => {
    const owner = byIno.get(ino);
    const size = 2 ** order;
    if (owner === undefined) {
      report.foreign += count * size;
      return;
    }
    const { id } = host.cgroups.get(ino)!;
    for (let i = 0; i < count; i++) {
      const is = settleKind(owner.pages, kind, size);
      const kernel = is > ops.KIND_SHMEM;
      const frame = host.frame(pfn + i * size, order, kernel);
      const flags = order | (is << ops.FLAG_KIND_SHIFT) | ops.FLAG_EXISTING | (kernel ? ops.FLAG_BY_FRAME : 0);
      host.row(kernel ? ops.OP_KMEM_CHARGE : ops.OP_CHARGE, 0, id, 0, frame, 0, flags, null);
      report.by_frame += size;
      report.beyond += size - take(owner.pages, is, size);
    }
  });
}

/** kpageflags knows no kernel stacks and no vmalloc areas; without it nothing is known: then it is what is left to be found. */
function settleKind(pages: readonly number[], kind: number, size: number): number {
  if (kind === ops.KIND_KERNEL_OTHER) {
    if (pages[ops.KIND_KERNEL_STACK]! >= size) return ops.KIND_KERNEL_STACK;
    return pages[ops.KIND_VMALLOC]! >= size ? ops.KIND_VMALLOC : kind;
  }
  if (kind !== KIND_UNTOLD) return kind;
  const untold = [
    ops.KIND_ANON,
    ops.KIND_FILE,
    ops.KIND_SHMEM,
    ops.KIND_PAGETABLE,
    ops.KIND_KERNEL_STACK,
    ops.KIND_VMALLOC,
  ];
  return untold.find((each) => pages[each]! >= size) ?? ops.KIND_KERNEL_OTHER;
}

/** Takes `size` pages: of their kind, else of what is least certain, so that the sum stays memory.current. Answers how many there were. */
function take(pages: number[], kind: number, size: number): number {
  let left = size;
  const from = (each: number) => {
    const taken = Math.min(left, pages[each]!);
    pages[each]! -= taken;
    left -= taken;
  };
  from(kind);
  if (left > 0) from(ops.KIND_STOCK);
  if (left > 0) left -= cutTo(pages, left);
  return size - left;
}
