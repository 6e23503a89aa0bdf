/** A charged folio of the reference model, and the frames that folios occupy. */
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import type { Memcg, Objcg } from './cgroup.ts';

export interface Folio {
  frame: number;
  order: number;
  kind: number;
  /** user memory: the memcg itself; kernel memory: an objcg */
  owner: { memcg: Memcg; objcg?: undefined } | { objcg: Objcg; memcg?: undefined };
  /** LRU list it is on, or was isolated from */
  list: number;
  onList: boolean;
}

/** Who an uncharge goes to today. */
export function payerOf(folio: Folio): Memcg {
  return folio.owner.memcg ?? folio.owner.objcg.memcg;
}

export function pagesOf(folio: Folio): number {
  return 2 ** folio.order;
}

export function ownerId(folio: Folio): number {
  return folio.owner.memcg?.id ?? folio.owner.objcg!.id;
}

/** Shmem is reclaimed by swapping, so it sits with anonymous memory. */
export function firstList(kind: number): number {
  return kind === O.KIND_FILE ? L.LRU_INACTIVE_FILE : L.LRU_INACTIVE_ANON;
}

/** Folios by the frame that they begin at. */
export class Frames {
  readonly folios = new Map<number, Folio>();
  readonly capacity: number;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  exists(frame: number): boolean {
    return frame > 0 && frame <= this.capacity;
  }

  /** 0, or why a folio cannot begin here: outside the table, not naturally aligned, or a page of it is taken. */
  refuses(frame: number, order: number): 'ERANGE' | 'EINVAL' | 'EBUSY' | null {
    const end = frame + 2 ** order;
    if (order > 9 || !this.exists(frame) || !this.exists(end - 1)) return 'ERANGE';
    if (frame % 2 ** order) return 'EINVAL';
    for (const other of this.folios.values())
      if (other.frame < end && frame < other.frame + pagesOf(other)) return 'EBUSY';
    return null;
  }
}
