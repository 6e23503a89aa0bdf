/**
 * The reference model: what the engine's live door should do, in plain objects, small enough to be seen right. It answers the
 * same calls with the same statuses; ids are looked up in maps, lists are arrays, nothing is packed or cached.
 */
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import type { Capacities } from '../../bindings/engine/capacities.ts';
import type { Kernel } from '../../bindings/machine.ts';
import { Memcg, type Objcg } from './cgroup.ts';
import { type Folio, Frames, firstList, ownerId, pagesOf, payerOf } from './folio.ts';
import { calculateProtection, type PageCounter } from './page-counter.ts';
import { Random } from './random.ts';
import { BATCH, Cpu, PAGE } from './stock.ts';
import { Task } from './tasks.ts';

const ERRNO = {
  ENOENT: 2,
  ESRCH: 3,
  ENOMEM: 12,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENOSPC: 28,
  ERANGE: 34,
};
const fail = (errno: keyof typeof ERRNO) => -ERRNO[errno];
const RECLAIM_BITS = O.GFP_DIRECT_RECLAIM | O.GFP_KSWAPD_RECLAIM;
const MAX_SCOPES = 6;
/** order of a folio as large as a PMD maps: the rows anon_thp, file_thp, shmem_thp, which have the order of the kinds */
const HUGE = 9;
const BYTES: readonly number[] = [O.KIND_SLAB, O.KIND_PERCPU];

export class Model {
  readonly kernel61: boolean;
  readonly capacities: Capacities;
  readonly memcgs = new Map<number, Memcg>();
  readonly tasks = new Map<number, Task>();
  readonly cpus: Cpu[] = [];
  readonly frames: Frames;
  readonly swap = new Map<number, Memcg>();
  readonly root: Memcg;
  now = 0n;

  constructor(kernel: Kernel, seed: number, capacities: Capacities) {
    this.kernel61 = kernel === '6.1';
    this.capacities = capacities;
    this.frames = new Frames(capacities.pages);
    this.root = new Memcg(1, null);
    this.memcgs.set(1, this.root);
    for (let cpu = 0; cpu < capacities.cpus; cpu++)
      this.cpus.push(new Cpu(this.kernel61, new Random(seed, cpu), this.cpus));
  }

  // ---------------------------------------------------------------------------------------------- time

  /** Kworkers that are due by `now` run in the order of their times. */
  advance(now: bigint): void {
    const due = (cpu: Cpu) => {
      const times = [cpu.pagesAt, cpu.bytesAt, now + 1n].filter((time) => time !== null);
      return times.toSorted((a, b) => Number(a - b))[0]!;
    };
    for (;;) {
      const cpu = this.cpus.reduce((a, b) => (due(b) < due(a) ? b : a));
      const at = due(cpu);
      if (at > now) break;
      this.now = at;
      if (cpu.pagesAt === at) {
        cpu.pagesAt = null;
        if (this.kernel61) cpu.drainBoth();
        else cpu.drainPages();
      } else {
        cpu.bytesAt = null;
        cpu.drainBytes();
      }
    }
    if (now > this.now) this.now = now;
  }

  #drain(top: Memcg, here: number): void {
    for (const memcg of top.subtree()) {
      memcg.memory.uncharge(memcg.unseen[O.KIND_STOCK]!);
      memcg.unseen[O.KIND_STOCK] = 0;
    }
    for (const [cpu, it] of this.cpus.entries()) it.askToDrain(top, this.now, cpu === here);
  }

  // ---------------------------------------------------------------------------------------------- cgroups

  mkdir(id: number, parentId: number): number {
    if (id === 0 || id > this.capacities.cgroups) return fail('ENOSPC');
    if (this.memcgs.has(id)) return fail('EEXIST');
    const parent = this.memcgs.get(parentId);
    if (!parent) return fail('ENOENT');
    if (parent.state !== 'online') return fail('ENODEV');
    this.memcgs.set(id, new Memcg(id, parent));
    return 0;
  }

  /** Protection ends, kernel memory goes to the parent by its objcgs, stocks are drained; folios stay where they are. */
  rmdir(id: number, cpu: number): number {
    const memcg = this.memcgs.get(id);
    if (id === 1) return fail('EBUSY');
    if (!memcg) return fail('ENOENT');
    if (memcg.state !== 'online') return fail('ENODEV');
    if (memcg.tasks || memcg.children.some((child) => child.state === 'online')) return fail('EBUSY');
    memcg.state = 'dying';
    memcg.memory.protect('min', 0);
    memcg.memory.protect('low', 0);
    for (const objcg of memcg.objcgs) objcg.memcg = memcg.parent!;
    memcg.parent!.objcgs.unshift(...memcg.objcgs);
    memcg.objcgs = [];
    this.#drain(memcg, cpu);
    this.cpus[cpu]!.release(memcg.objcg);
    return 0;
  }

  writeKnob(id: number, knob: number, value: bigint, cpu: number): number {
    const memcg = this.memcgs.get(id);
    if (!memcg || memcg.isRoot) return fail('ENOENT');
    const pages = Number(value);
    if (knob === O.KNOB_LOW) memcg.memory.protect('low', pages);
    else if (knob === O.KNOB_MIN) memcg.memory.protect('min', pages);
    else if (knob === O.KNOB_SWAP_MAX) memcg.swap.max = pages;
    else if (knob === O.KNOB_SWAP_HIGH) memcg.swap.high = pages;
    else if (knob === O.KNOB_OOM_GROUP) memcg.oomGroup = pages ? 1 : 0;
    else if (knob === O.KNOB_MAX || knob === O.KNOB_HIGH) {
      memcg.memory[knob === O.KNOB_MAX ? 'max' : 'high'] = pages;
      if (memcg.memory.usage > pages) this.#drain(memcg, cpu);
    } else return fail('EINVAL');
    return 0;
  }

  drainAllStock(id: number, cpu: number): number {
    const memcg = this.memcgs.get(id);
    if (!memcg) return fail('ENOENT');
    this.#drain(memcg, cpu);
    return 0;
  }

  calculateProtection(root: number, id: number): void {
    calculateProtection(this.memcgs.get(root)!.memory, this.memcgs.get(id)!.memory);
  }

  // ---------------------------------------------------------------------------------------------- tasks

  #create(id: number, memcg: Memcg): Task | number {
    if (id === 0 || id > this.capacities.tasks) return fail('ENOSPC');
    const former = this.tasks.get(id);
    if (former?.live) return fail('EINVAL');
    if (former) this.#endBatch(former);
    const task = new Task(memcg);
    this.tasks.set(id, task);
    return task;
  }

  spawn(id: number, memcgId: number, mm: number): number {
    const memcg = this.memcgs.get(memcgId);
    if (!memcg) return fail('ENOENT');
    const task = this.#create(id, memcg);
    if (typeof task === 'number') return task;
    task.mm = mm ? task : null;
    return 0;
  }

  fork(parentId: number, childId: number, thread: number): number {
    const parent = this.tasks.get(parentId);
    if (!parent) return fail('ESRCH');
    const child = this.#create(childId, parent.memcg);
    if (typeof child === 'number') return child;
    child.mm = thread || !parent.mm ? parent.mm : child;
    return 0;
  }

  exec(id: number): number {
    const task = this.tasks.get(id);
    if (!task) return fail('ESRCH');
    task.mm = task;
    return 0;
  }

  exit(id: number): number {
    const task = this.tasks.get(id);
    if (!task) return fail('ESRCH');
    task.exit();
    return 0;
  }

  /** The process moves with its threads. No charge follows. */
  attachTask(id: number, memcgId: number): number {
    const task = this.tasks.get(id);
    const memcg = this.memcgs.get(memcgId);
    if (!task) return fail('ESRCH');
    if (!memcg) return fail('ENOENT');
    if (memcg.state !== 'online') return fail('ENODEV');
    task.move(memcg);
    for (const thread of this.tasks.values())
      if (thread !== task && thread.live && thread.mm === task) thread.move(memcg);
    return 0;
  }

  enterScope(id: number, memcgId: number): number {
    const task = this.tasks.get(id);
    if (!task) return fail('ESRCH');
    if (memcgId && !this.memcgs.has(memcgId)) return fail('ENOENT');
    if (task.scopes.length === MAX_SCOPES) return fail('EINVAL');
    task.scopes.push(this.memcgs.get(memcgId) ?? null);
    return 0;
  }

  leaveScope(id: number): number {
    const task = this.tasks.get(id);
    if (!task) return fail('ESRCH');
    if (task.scopes.length === 0) return fail('EINVAL');
    task.scopes.pop();
    return 0;
  }

  // ---------------------------------------------------------------------------------------------- try_charge_memcg()

  /** Stock, then a batch of 64, then the exact size. Answers the memcg whose limit refused. */
  #tryCharge(cpu: number, memcg: Memcg, pages: number, batched: boolean): Memcg | null {
    const it = this.cpus[cpu]!;
    if (it.consume(memcg, pages)) return null;
    const before = Math.min(memcg.unseen[O.KIND_STOCK]!, BATCH);
    if (before > 0) {
      memcg.unseen[O.KIND_STOCK]! -= before;
      it.refill(memcg, before);
      if (it.consume(memcg, pages)) return null;
    }
    if (batched && pages < BATCH && !memcg.memory.tryCharge(BATCH)) {
      it.refill(memcg, BATCH - pages);
      return null;
    }
    const refused = memcg.memory.tryCharge(pages);
    return refused && this.#memcgOf(refused);
  }

  #memcgOf(counter: PageCounter): Memcg {
    return [...this.memcgs.values()].find((memcg) => memcg.memory === counter)!;
  }

  /** The live caller's loop: nothing can be reclaimed, so it drains once and then fails or goes past the limit. */
  #charge(cpu: number, memcg: Memcg, pages: number, gfp: number): number {
    if (memcg.isRoot) return 0;
    const batched = this.kernel61 || (gfp & RECLAIM_BITS) !== 0;
    let over = this.#tryCharge(cpu, memcg, pages, batched);
    if (!over) return 0;
    const mayBlock = (gfp & O.GFP_DIRECT_RECLAIM) !== 0;
    if (mayBlock) {
      over.raise(L.EVENT_MAX);
      this.#drain(over, cpu);
      over = this.#tryCharge(cpu, memcg, pages, false);
      if (!over) return 0;
    }
    if (!(gfp & (O.GFP_HIGH | O.GFP_NOFAIL))) return fail('ENOMEM');
    if (!mayBlock) over.raise(L.EVENT_MAX);
    memcg.memory.charge(pages);
    return 0;
  }

  // ---------------------------------------------------------------------------------------------- folios

  chargeFolio(
    taskId: number,
    cpu: number,
    memcgId: number,
    frame: number,
    order: number,
    kind: number,
    gfp: number,
  ): number {
    const task = this.tasks.get(taskId);
    if (!task) return fail('ESRCH');
    const refuses = this.frames.refuses(frame, order);
    if (refuses) return fail(refuses);
    const memcg = memcgId ? this.memcgs.get(memcgId) : task.folioPayer(kind === O.KIND_ANON, this.root);
    if (!memcg) return fail('ENOENT');
    const errno = this.#charge(cpu, memcg, 2 ** order, gfp);
    if (errno) return errno;
    memcg.stat[kind]! += 2 ** order;
    if (order === HUGE) memcg.stat[L.STAT_ANON_THP + kind]! += 2 ** order;
    this.#enter({ frame, order, kind, owner: { memcg }, list: firstList(kind), onList: true });
    return 0;
  }

  /** A folio takes its frame, and the newest place of its list. */
  #enter(folio: Folio): void {
    this.frames.folios.set(folio.frame, folio);
    if (folio.onList) this.#listOf(folio).unshift(folio.frame);
  }

  /** … and leaves both. */
  #leave(folio: Folio): void {
    this.frames.folios.delete(folio.frame);
    if (folio.onList) this.#unlist(folio);
  }

  #listOf(folio: Folio): number[] {
    return folio.owner.memcg!.lists[folio.list]!;
  }

  #unlist(folio: Folio): void {
    const list = this.#listOf(folio);
    list.splice(list.indexOf(folio.frame), 1);
  }

  #forget(folio: Folio): void {
    this.#leave(folio);
    payerOf(folio).stat[folio.kind]! -= pagesOf(folio);
    this.#forgetHuge(folio);
    if (folio.owner.objcg) folio.owner.objcg.pages -= pagesOf(folio);
  }

  /** A huge folio is gone, or in pieces. */
  #forgetHuge(folio: Folio): void {
    if (folio.order === HUGE && folio.owner.memcg)
      folio.owner.memcg.stat[L.STAT_ANON_THP + folio.kind]! -= pagesOf(folio);
  }

  /** The task gathers what it frees of one memcg. */
  uncharge(taskId: number, cpu: number, frame: number): number {
    const task = this.tasks.get(taskId);
    if (!task) return fail('ESRCH');
    if (!this.frames.exists(frame)) return fail('ERANGE');
    const folio = this.frames.folios.get(frame);
    if (!folio) return fail('ENOENT');
    const memcg = payerOf(folio);
    if (task.batch?.memcg !== memcg) {
      this.#endBatch(task);
      task.batch = { memcg, pages: 0, kernelPages: 0 };
    }
    const { objcg } = folio.owner;
    // The root's own folios were never counted.
    if (objcg || !memcg.isRoot) task.batch!.pages += pagesOf(folio);
    if (objcg) task.batch!.kernelPages += pagesOf(folio);
    this.#forget(folio);
    if (objcg) this.cpus[cpu]!.release(objcg);
    return 0;
  }

  unchargeFlush(taskId: number): number {
    const task = this.tasks.get(taskId);
    if (!task) return fail('ESRCH');
    this.#endBatch(task);
    return 0;
  }

  #endBatch(task: Task): void {
    const { batch } = task;
    task.batch = null;
    if (!batch) return;
    batch.memcg.stat[L.STAT_KMEM]! -= batch.kernelPages;
    batch.memcg.memory.uncharge(batch.pages);
  }

  migrate(from: number, to: number): number {
    if (!this.frames.exists(from)) return fail('ERANGE');
    const folio = this.frames.folios.get(from);
    if (!folio) return fail('ENOENT');
    const refuses = this.frames.refuses(to, folio.order);
    if (refuses) return fail(refuses);
    this.#leave(folio);
    folio.frame = to;
    this.#enter(folio);
    return 0;
  }

  /** Every page becomes a folio of its own. */
  split(frame: number): number {
    if (!this.frames.exists(frame)) return fail('ERANGE');
    const folio = this.frames.folios.get(frame);
    if (!folio) return fail('ENOENT');
    if (folio.order === 0) return 0;
    this.#leave(folio);
    this.#forgetHuge(folio);
    for (let f = frame; f < frame + pagesOf(folio); f++) this.#enter({ ...folio, frame: f, order: 0 });
    return 0;
  }

  folioOwner(frame: number): number {
    const folio = this.frames.folios.get(frame);
    return folio ? ownerId(folio) : 0;
  }

  // ---------------------------------------------------------------------------------------------- LRU lists

  lruIsolate(memcgId: number, list: number): number {
    const frame = this.memcgs.get(memcgId)!.lists[list]!.pop() ?? 0;
    if (frame) this.frames.folios.get(frame)!.onList = false;
    return frame;
  }

  lruPutback(frame: number, list: number): number {
    if (!this.frames.exists(frame)) return fail('ERANGE');
    const folio = this.frames.folios.get(frame);
    if (!folio?.owner.memcg || list >= L.NR_LRU_LISTS || folio.onList) return fail('EINVAL');
    folio.list = list;
    folio.onList = true;
    this.#listOf(folio).unshift(frame);
    return 0;
  }

  lruRotate(frame: number): number {
    if (!this.frames.exists(frame)) return fail('ERANGE');
    const folio = this.frames.folios.get(frame);
    if (!folio?.onList) return fail('EINVAL');
    this.#unlist(folio);
    this.#listOf(folio).push(frame);
    return 0;
  }

  // ---------------------------------------------------------------------------------------------- kernel memory

  chargeKmemPages(taskId: number, cpu: number, frame: number, order: number, kind: number, gfp: number): number {
    const task = this.tasks.get(taskId);
    if (!task) return fail('ESRCH');
    const refuses = this.frames.refuses(frame, order);
    if (refuses) return fail(refuses);
    const objcg = task.kernelPayer();
    if (!objcg) return 0;
    const errno = this.#chargeKernelPages(cpu, objcg, 2 ** order, gfp);
    if (errno) return errno;
    objcg.memcg.stat[kind]! += 2 ** order;
    objcg.pages += 2 ** order;
    this.#enter({ frame, order, kind, owner: { objcg }, list: 0, onList: false });
    return 0;
  }

  #chargeKernelPages(cpu: number, objcg: Objcg, pages: number, gfp: number): number {
    const errno = this.#charge(cpu, objcg.memcg, pages, gfp);
    if (!errno) objcg.memcg.stat[L.STAT_KMEM]! += pages;
    return errno;
  }

  unchargeKmemPages(cpu: number, frame: number): number {
    if (!this.frames.exists(frame)) return fail('ERANGE');
    const folio = this.frames.folios.get(frame);
    if (!folio) return 0;
    const { objcg } = folio.owner;
    if (!objcg) return fail('EINVAL');
    this.#forget(folio);
    this.cpus[cpu]!.unchargeKernelPages(objcg, pagesOf(folio));
    this.cpus[cpu]!.release(objcg);
    return 0;
  }

  /** Answers the objcg that pays; 0: nobody does. */
  chargeObject(taskId: number, cpu: number, bytes: number, kind: number, gfp: number): number {
    const task = this.tasks.get(taskId);
    if (!task) return fail('ESRCH');
    const objcg = task.kernelPayer();
    if (!objcg) return 0;
    const it = this.cpus[cpu]!;
    if (!it.consumeBytes(objcg, bytes)) {
      const pages = Math.ceil(bytes / PAGE);
      const errno = this.#chargeKernelPages(cpu, objcg, pages, gfp);
      if (errno) return errno;
      const rest = pages * PAGE - bytes;
      if (rest || kind === O.KIND_SLAB) it.refillBytes(objcg, rest, false);
    }
    this.#accountBytes(objcg, kind, bytes);
    return objcg.id;
  }

  unchargeObject(cpu: number, objcgId: number, bytes: number, kind: number): number {
    const memcg = this.memcgs.get(objcgId);
    if (!memcg || memcg.isRoot) return fail('ENOENT');
    this.#accountBytes(memcg.objcg, kind, -bytes);
    this.cpus[cpu]!.refillBytes(memcg.objcg, bytes, true);
    this.cpus[cpu]!.release(memcg.objcg);
    return 0;
  }

  #accountBytes(objcg: Objcg, kind: number, bytes: number): void {
    objcg.memcg.stat[kind]! += bytes;
    objcg.bytes += bytes;
  }

  chargeSock(cpu: number, memcgId: number, pages: number, gfp: number): number {
    const memcg = this.memcgs.get(memcgId);
    if (!memcg) return fail('ENOENT');
    if (memcg.isRoot) return 0;
    const errno = this.#charge(cpu, memcg, pages, gfp);
    if (!errno) memcg.stat[L.STAT_SOCK]! += pages;
    return errno;
  }

  unchargeSock(cpu: number, memcgId: number, pages: number): number {
    const memcg = this.memcgs.get(memcgId);
    if (!memcg) return fail('ENOENT');
    if (memcg.isRoot) return 0;
    memcg.stat[L.STAT_SOCK]! -= pages;
    this.cpus[cpu]!.refill(memcg, pages);
    return 0;
  }

  // ---------------------------------------------------------------------------------------------- swap

  /** A slot is charged to the folio's memcg, or to the nearest ancestor whose id lives: slots keep a dead one's alive. */
  swapOut(frame: number, entry: number): number {
    if (!this.frames.exists(frame) || entry === 0 || entry > this.capacities.swap) return fail('ERANGE');
    const folio = this.frames.folios.get(frame);
    if (!folio) return fail('ENOENT');
    if (this.swap.has(entry)) return fail('EBUSY');
    let memcg = payerOf(folio);
    while (memcg.parent && memcg.state === 'dying' && memcg.slots === 0) memcg = memcg.parent;
    if (!memcg.isRoot && memcg.swap.tryCharge(1)) {
      memcg.raise(L.EVENT_SWAP_MAX);
      memcg.raise(L.EVENT_SWAP_FAIL);
      return fail('ENOMEM');
    }
    memcg.slots++;
    this.swap.set(entry, memcg);
    return 0;
  }

  swapFree(entry: number): number {
    if (entry === 0 || entry > this.capacities.swap) return fail('ERANGE');
    const memcg = this.swap.get(entry);
    if (!memcg) return fail('ENOENT');
    this.swap.delete(entry);
    memcg.slots--;
    if (!memcg.isRoot) memcg.swap.uncharge(1);
    return 0;
  }

  // ---------------------------------------------------------------------------------------------- warm start

  warmCharge(id: number, kind: number, pages: number): number {
    const memcg = this.memcgs.get(id);
    if (!memcg) return fail('ENOENT');
    if (memcg.state !== 'online') return fail('ENODEV');
    const { unseen } = memcg;
    if (kind > O.KIND_STOCK || unseen.reduce((sum, n) => sum + n, pages) > 0x7fffffff) return fail('EINVAL');
    if (memcg.isRoot) return 0;
    memcg.memory.charge(pages);
    if (kind !== O.KIND_STOCK) {
      this.#addBefore(memcg, kind, pages);
      return 0;
    }
    // Every CPU can hold one batch; more than that is something else.
    const stock = Math.min(pages, this.cpus.length * BATCH - unseen[O.KIND_STOCK]!);
    unseen[O.KIND_STOCK]! += stock;
    if (pages > stock) this.#addBefore(memcg, O.KIND_KERNEL_OTHER, pages - stock);
    return 0;
  }

  #addBefore(memcg: Memcg, kind: number, pages: number): void {
    if (kind === O.KIND_SOCK) {
      memcg.stat[L.STAT_SOCK]! += pages;
      return;
    }
    if (kind > O.KIND_SHMEM) {
      memcg.stat[L.STAT_KMEM]! += pages;
      memcg.objcg.hadKernel = true;
    }
    if (BYTES.includes(kind)) this.#accountBytes(memcg.objcg, kind, pages * PAGE);
    else this.#moveUnseen(memcg, kind, pages);
  }

  /** Unseen pages of a kind with a statistic come or go; no counter moves. */
  #moveUnseen(memcg: Memcg, kind: number, pages: number): void {
    memcg.unseen[kind]! += pages;
    if (kind === O.KIND_STOCK) return;
    const kernel = kind > O.KIND_SHMEM;
    (kernel ? memcg.objcg.memcg : memcg).stat[kind]! += pages;
    if (kernel) memcg.objcg.pages += pages;
  }

  warmFolio(id: number, frame: number, order: number, kind: number): number {
    const memcg = this.memcgs.get(id);
    if (!memcg) return fail('ENOENT');
    const refuses = this.frames.refuses(frame, order);
    if (refuses) return fail(refuses);
    const pages = 2 ** order;
    if (kind <= O.KIND_SHMEM) {
      if (!memcg.isRoot) memcg.memory.charge(pages);
      memcg.stat[kind]! += pages;
      if (order === HUGE) memcg.stat[L.STAT_ANON_THP + kind]! += pages;
      this.#enter({ frame, order, kind, owner: { memcg }, list: firstList(kind), onList: true });
      return 0;
    }
    const { objcg } = memcg;
    objcg.hadKernel = true;
    objcg.memcg.memory.charge(pages);
    objcg.memcg.stat[L.STAT_KMEM]! += pages;
    objcg.memcg.stat[kind]! += pages;
    objcg.pages += pages;
    this.#enter({ frame, order, kind, owner: { objcg }, list: 0, onList: false });
    return 0;
  }

  /** Objects lie in as few whole pages as hold them together with what was left over. */
  warmObject(id: number, kind: number, bytes: number): number {
    const memcg = this.memcgs.get(id);
    if (!memcg) return fail('ENOENT');
    const { objcg } = memcg;
    objcg.hadKernel = true;
    const pages = Math.max(0, Math.ceil((bytes - objcg.chargedBytes) / PAGE));
    objcg.memcg.memory.charge(pages);
    objcg.memcg.stat[L.STAT_KMEM]! += pages;
    objcg.chargedBytes += pages * PAGE - bytes;
    this.#accountBytes(objcg, kind, bytes);
    return 0;
  }

  /** The kind of [from, to] to take pages of: the wanted one, else the one that has most, the lowest first. */
  #kindOf(memcg: Memcg, wanted: number, from: number, to: number, pages: number): number | null {
    const kinds = memcg.unseen.map((_, kind) => kind).filter((kind) => kind >= from && kind <= to);
    const enough = kinds.filter((kind) => memcg.unseen[kind]! >= pages);
    if (enough.includes(wanted)) return wanted;
    return enough.toSorted((a, b) => memcg.unseen[b]! - memcg.unseen[a]! || a - b)[0] ?? null;
  }

  #userKind(memcg: Memcg, wanted: number, pages: number): number | null {
    const kind = this.#kindOf(memcg, wanted, O.KIND_ANON, O.KIND_SHMEM, pages);
    if (kind !== null) return kind;
    const from = memcg.unseen[O.KIND_STOCK]! >= pages ? O.KIND_STOCK : O.KIND_KERNEL_OTHER;
    if (memcg.unseen[from]! < pages || memcg.state === 'dying') return null;
    this.#moveUnseen(memcg, from, -pages);
    if (from === O.KIND_KERNEL_OTHER) memcg.stat[L.STAT_KMEM]! -= pages;
    this.#moveUnseen(memcg, wanted, pages);
    return wanted;
  }

  #kernelKind(memcg: Memcg, wanted: number, pages: number): number | null {
    const kind = this.#kindOf(
      memcg,
      BYTES.includes(wanted) ? -1 : wanted,
      O.KIND_KERNEL_STACK,
      O.KIND_KERNEL_OTHER,
      pages,
    );
    if (kind !== null || memcg.unseen[O.KIND_STOCK]! < pages) return kind;
    this.#moveUnseen(memcg, O.KIND_STOCK, -pages);
    memcg.stat[L.STAT_KMEM]! += pages;
    this.#moveUnseen(memcg, O.KIND_KERNEL_OTHER, pages);
    return O.KIND_KERNEL_OTHER;
  }

  /** Who has such kernel pages: the named one, or a dead one whose objcg charges the same memcg. */
  #kernelOwner(memcg: Memcg, kind: number, pages: number): [Memcg, number] | null {
    const others = memcg.objcg.memcg.objcgs.map((objcg) => objcg.origin);
    for (const owner of [memcg, ...others]) {
      if (owner !== memcg && (owner.isRoot || !owner.objcg.hadKernel)) continue;
      const found = this.#kernelKind(owner, kind, pages);
      if (found !== null) return [owner, found];
    }
    return null;
  }

  warmUncharge(taskId: number, cpu: number, id: number, wanted: number, pages: number): number {
    const task = taskId ? this.tasks.get(taskId) : null;
    if (task === undefined) return fail('ESRCH');
    const memcg = this.memcgs.get(id);
    if (!memcg || memcg.isRoot) return fail('ENOENT');
    const kernel = wanted > O.KIND_SHMEM;
    let from = memcg;
    let kind: number | null;
    if (kernel) {
      const found = this.#kernelOwner(memcg, wanted, pages);
      if (!found) return fail('ENOENT');
      [from, kind] = found;
    } else kind = this.#userKind(memcg, wanted, pages);
    if (kind === null) return fail('ENOENT');
    this.#moveUnseen(from, kind, -pages);
    const payer = kernel ? from.objcg.memcg : from;
    if (task) {
      if (task.batch?.memcg !== payer) {
        this.#endBatch(task);
        task.batch = { memcg: payer, pages: 0, kernelPages: 0 };
      }
      task.batch!.pages += pages;
      if (kernel) task.batch!.kernelPages += pages;
    } else {
      if (kernel) payer.stat[L.STAT_KMEM]! -= pages;
      payer.memory.uncharge(pages);
    }
    if (kernel) this.cpus[cpu]!.release(from.objcg);
    return 0;
  }

  warmUnchargeKmem(cpu: number, id: number, wanted: number, pages: number): number {
    const memcg = this.memcgs.get(id);
    const found = memcg && !memcg.isRoot ? this.#kernelOwner(memcg, wanted, pages) : null;
    if (!found) return fail('ENOENT');
    const [{ objcg }, kind] = found;
    this.#moveUnseen(found[0], kind, -pages);
    this.cpus[cpu]!.unchargeKernelPages(objcg, pages);
    this.cpus[cpu]!.release(objcg);
    return 0;
  }
}
