/** What the importer of public traces knows of each page frame, by dense number. */
import { FrameNumbers } from './frames.ts';

/** Nobody is charged for it. */
export const FREE_OF_CHARGE = 0;
/** a folio of a user's memory or of a file */
export const CHARGED = 1;
/** kernel memory, charged by the page */
export const KMEM = 2;
/** a page of a slab cache, charged as so many bytes */
export const SLAB = 3;

const LIVE = 1 << 4;
const OWNER_SHIFT = 5;
const OWNER_MASK = 3 << OWNER_SHIFT;
/** a task has it in hand: it may be about to be charged */
const PENDING = 1 << 7;
const CHARGE_ORDER_SHIFT = 8;
const KIND_SHIFT = 12;
const KIND_MASK = 3 << KIND_SHIFT;

export class PublicFrames extends FrameNumbers {
  /** order of the allocation (head only) | LIVE | owner | PENDING | order of the charge << 8 | kind << 12 */
  #state = new Uint16Array(1 << 15);

  /** Any page of the block is allocated, as far as the lines tell. */
  anyLive(frame: number, order: number): boolean {
    const end = frame + (1 << order);
    for (let at = frame; at < end; at++) if (this.#state[at]! & LIVE) return true;
    return false;
  }

  live(frame: number): boolean {
    return (this.#state[frame]! & LIVE) !== 0;
  }

  allocated(frame: number, order: number): void {
    if (order === 0) {
      this.#state[frame] = LIVE;
      return;
    }
    this.#state.fill(LIVE, frame, frame + (1 << order));
    this.#state[frame]! |= order;
  }

  freed(frame: number, order: number): void {
    if (order === 0) this.#state[frame] = 0;
    else this.#state.fill(0, frame, frame + (1 << order));
  }

  allocOrder(frame: number): number {
    return this.#state[frame]! & 0xf;
  }

  /** FREE_OF_CHARGE, CHARGED, KMEM or SLAB */
  owner(frame: number): number {
    return (this.#state[frame]! & OWNER_MASK) >> OWNER_SHIFT;
  }

  chargeOrder(frame: number): number {
    return (this.#state[frame]! >> CHARGE_ORDER_SHIFT) & 0xf;
  }

  kind(frame: number): number {
    return (this.#state[frame]! & KIND_MASK) >> KIND_SHIFT;
  }

  charge(frame: number, order: number, owner: number, kind: number): void {
    const kept = this.#state[frame]! & (0xf | LIVE);
    this.#state[frame] = kept | (owner << OWNER_SHIFT) | (order << CHARGE_ORDER_SHIFT) | ((kind & 3) << KIND_SHIFT);
  }

  uncharge(frame: number): void {
    this.#state[frame]! &= 0xf | LIVE;
  }

  setPending(frame: number): void {
    this.#state[frame]! |= PENDING;
  }

  pending(frame: number): boolean {
    return (this.#state[frame]! & PENDING) !== 0;
  }

  clearPending(frame: number): void {
    this.#state[frame]! &= ~PENDING;
  }

  /** The head of the charged folio that `frame` lies strictly inside of, 0 if there is none. */
  headOver(frame: number): number {
    for (let order = 1; order <= 9; order++) {
      const head = frame - (frame % (1 << order));
      if (head !== frame && this.owner(head) === CHARGED && this.chargeOrder(head) >= order) return head;
    }
    return 0;
  }

  /** A charged folio falls apart into single pages, each of them charged. */
  split(head: number): void {
    const order = this.chargeOrder(head);
    const kind = this.kind(head);
    const end = head + (1 << order);
    for (let at = head; at < end; at++) {
      this.#state[at]! &= LIVE;
      this.charge(at, 0, CHARGED, kind);
    }
  }

  protected override reach(end: number): void {
    if (end <= this.#state.length) return;
    const state = new Uint16Array(Math.max(end, this.#state.length * 2));
    state.set(this.#state);
    this.#state = state;
  }
}
