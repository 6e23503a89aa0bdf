/**
 * A memory cgroup of the reference model with its figures, and the objcg that owns its kernel memory. Facts:
 * mm/memcontrol.c.
 */
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { PageCounter } from './page-counter.ts';

export class Memcg {
  readonly id: number;
  readonly parent: Memcg | null;
  readonly memory: PageCounter;
  readonly swap: PageCounter;
  readonly children: Memcg[] = [];
  state: 'online' | 'dying' = 'online';
  tasks = 0;
  oomGroup = 0;
  /** swap slots charged to this memcg itself */
  slots = 0;
  readonly stat: number[] = new Array(L.NR_STATS).fill(0);
  readonly eventsLocal: number[] = new Array(L.NR_EVENTS).fill(0);
  readonly eventsTotal: number[] = new Array(L.NR_EVENTS).fill(0);
  /** frames, newest first */
  readonly lists: number[][] = Array.from({ length: L.NR_LRU_LISTS }, () => []);
  readonly objcg: Objcg;
  /** pages by kind that were charged before, of frames that nobody knows */
  readonly unseen: number[] = new Array(O.KIND_STOCK + 1).fill(0);
  /** objcgs that charge this memcg: those of its dead children, the latest first, and its own */
  objcgs: Objcg[];

  constructor(id: number, parent: Memcg | null) {
    this.id = id;
    this.parent = parent;
    this.memory = new PageCounter(parent?.memory ?? null, true);
    this.swap = new PageCounter(parent?.swap ?? null, false);
    this.objcg = new Objcg(id, this);
    this.objcgs = [this.objcg];
    parent?.children.push(this);
  }

  get isRoot(): boolean {
    return this.parent === null;
  }

  isUnder(top: Memcg): boolean {
    return this === top || (this.parent?.isUnder(top) ?? false);
  }

  /** This memcg and everything below it, the dying included. */
  subtree(): Memcg[] {
    return [this, ...this.children.flatMap((child) => child.subtree())];
  }

  statTotal(row: number): number {
    return this.subtree().reduce((sum, memcg) => sum + memcg.stat[row]!, 0);
  }

  /** Local here; total here and above, below the root. */
  raise(event: number): void {
    if (this.isRoot) return;
    this.eventsLocal[event]!++;
    for (let m: Memcg | null = this; m && !m.isRoot; m = m.parent) m.eventsTotal[event]!++;
  }
}

/** Who owns kernel memory. The identity is for life; the memcg that pays becomes the parent when the first one dies. */
export class Objcg {
  readonly id: number;
  memcg: Memcg;
  /** memcg of birth: the objcg can be released only once that is dead */
  readonly origin: Memcg;
  /** left over from drained stocks: below a page, or a whole number of pages once nothing else is left */
  chargedBytes = 0;
  bytes = 0;
  pages = 0;
  /** it had kernel memory before */
  hadKernel = false;

  constructor(id: number, memcg: Memcg) {
    this.id = id;
    this.memcg = memcg;
    this.origin = memcg;
  }
}
