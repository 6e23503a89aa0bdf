/**
 * One CPU of the reference model: pages and bytes that are charged but not used yet. 6.18 has seven slots of pages, and a byte
 * stock of its own; 6.1 has one slot, drained together with the bytes.
 */
import * as L from '../../assembly/layout.ts';
import type { Memcg, Objcg } from './cgroup.ts';
import type { Random } from './random.ts';

export const BATCH = 64;
export const PAGE = 4096;
const REMOTE_DRAIN_NS = 400_000n;

export class Cpu {
  readonly kernel61: boolean;
  readonly random: Random;
  readonly slots: ({ memcg: Memcg; pages: number } | null)[];
  objcg: Objcg | null = null;
  bytes = 0;
  /** when the kworkers drain; `bytesAt` is 6.18's second work item */
  pagesAt: bigint | null = null;
  bytesAt: bigint | null = null;
  readonly #all: readonly Cpu[];

  constructor(kernel61: boolean, random: Random, all: readonly Cpu[]) {
    this.kernel61 = kernel61;
    this.random = random;
    this.slots = new Array(kernel61 ? 1 : 7).fill(null);
    this.#all = all;
  }

  // ---------------------------------------------------------------------------------------------- pages

  consume(memcg: Memcg, pages: number): boolean {
    const slot = this.slots.find((s) => s?.memcg === memcg);
    if (!slot || pages > BATCH || slot.pages < pages) return false;
    slot.pages -= pages;
    return true;
  }

  refill(memcg: Memcg, pages: number): void {
    if (!this.kernel61 && pages > BATCH) {
      memcg.memory.uncharge(pages);
      return;
    }
    let i = this.slots.findIndex((s) => s?.memcg === memcg);
    if (i < 0) {
      i = this.slots.indexOf(null);
      if (i < 0) {
        i = this.kernel61 ? 0 : this.random.below(this.slots.length);
        this.#drainSlot(i);
      }
      this.slots[i] = { memcg, pages: 0 };
    }
    this.slots[i]!.pages += pages;
    if (this.slots[i]!.pages > BATCH) this.#drainSlot(i);
  }

  #drainSlot(i: number): void {
    const slot = this.slots[i];
    this.slots[i] = null;
    slot?.memcg.memory.uncharge(slot.pages);
  }

  drainPages(): void {
    for (const i of this.slots.keys()) this.#drainSlot(i);
  }

  // ---------------------------------------------------------------------------------------------- bytes

  consumeBytes(objcg: Objcg, bytes: number): boolean {
    if (this.objcg !== objcg || this.bytes < bytes) return false;
    this.bytes -= bytes;
    return true;
  }

  refillBytes(objcg: Objcg, bytes: number, allowUncharge: boolean): void {
    let giveBack = allowUncharge;
    if (this.objcg !== objcg) {
      this.release(this.#takeBytes());
      this.objcg = objcg;
      this.bytes = objcg.chargedBytes;
      objcg.chargedBytes = 0;
      giveBack = true;
    }
    this.bytes += bytes;
    if (!giveBack || this.bytes <= PAGE) return; // exactly one page is kept
    const pages = Math.floor(this.bytes / PAGE);
    this.bytes %= PAGE;
    this.unchargeKernelPages(objcg, pages);
  }

  /** Kernel pages come back to the stock; 6.18 leaves on the root's counter what was reparented to it. */
  unchargeKernelPages(objcg: Objcg, pages: number): void {
    objcg.memcg.stat[L.STAT_KMEM]! -= pages;
    if (this.kernel61 || !objcg.memcg.isRoot) this.refill(objcg.memcg, pages);
  }

  /** … and past the stock, where 6.18 does so. */
  #unchargeDirectly(objcg: Objcg, pages: number): void {
    if (this.kernel61) {
      this.unchargeKernelPages(objcg, pages);
      return;
    }
    objcg.memcg.stat[L.STAT_KMEM]! -= pages;
    if (!objcg.memcg.isRoot) objcg.memcg.memory.uncharge(pages);
  }

  /** Empties the byte stock. The objcg's reference is for the caller to drop. */
  #takeBytes(): Objcg | null {
    const { objcg, bytes } = this;
    if (!objcg) return null;
    this.objcg = null;
    this.bytes = 0;
    if (bytes >= PAGE) this.#unchargeDirectly(objcg, Math.floor(bytes / PAGE));
    objcg.chargedBytes += bytes % PAGE;
    return objcg;
  }

  /** The last reference to a dead cgroup's objcg is gone: no object, no page, no stock. What is left over is whole pages. */
  release(objcg: Objcg | null): void {
    if (objcg?.origin.state !== 'dying' || objcg.bytes || objcg.pages) return;
    if (this.#all.some((cpu) => cpu.objcg === objcg) || !objcg.chargedBytes || objcg.chargedBytes % PAGE) return;
    const pages = objcg.chargedBytes / PAGE;
    objcg.chargedBytes = 0;
    this.#unchargeDirectly(objcg, pages);
  }

  drainBytes(): void {
    this.release(this.#takeBytes());
  }

  /** 6.1: one structure. The reference is dropped last, so that its pages may enter the stock just emptied. */
  drainBoth(): void {
    const objcg = this.#takeBytes();
    this.drainPages();
    this.release(objcg);
  }

  // ---------------------------------------------------------------------------------------------- drain_all_stock()

  /** What this CPU does when somebody drains `top`'s subtree: at once if it is that somebody's CPU, else by a kworker. */
  askToDrain(top: Memcg, now: bigint, here: boolean): void {
    const pages = this.slots.some((s) => s && s.pages > 0 && s.memcg.isUnder(top));
    const bytes = this.objcg?.memcg.isUnder(top) ?? false;
    const due = now + REMOTE_DRAIN_NS;
    if (this.kernel61) {
      if ((!pages && !bytes) || this.pagesAt !== null) return;
      if (here) this.drainBoth();
      else this.pagesAt = due;
      return;
    }
    if (pages && this.pagesAt === null) {
      if (here) this.drainPages();
      else this.pagesAt = due;
    }
    if (bytes && this.bytesAt === null) {
      if (here) this.drainBytes();
      else this.bytesAt = due;
    }
  }
}
