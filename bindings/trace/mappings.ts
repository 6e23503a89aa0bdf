/**
 * What is mapped where in one address space, by page. Mappings never change once made, so that a fork shares them; nothing tells of
 * munmap, so that a mapping stays until another takes its place.
 */
import type { MappedObject } from './object-table.ts';

export const MAPPED_ANON = 0;
export const MAPPED_OBJECT = 1;
/** vdso, device memory, hugetlb …: pages that no cgroup is charged for at a fault */
export const MAPPED_SPECIAL = 2;

export interface Mapping {
  /** first page and the one after the last */
  start: number;
  end: number;
  kind: number;
  /** null where `kind` is not MAPPED_OBJECT */
  object: MappedObject | null;
  /** page offset of `start` in the object */
  offset: number;
  write: boolean;
  exec: boolean;
  shared: boolean;
  grows: '' | 'up' | 'down';
}

/** Above the default vm.max_map_count by far: more are left-overs that munmap has taken away. */
const MAX_MAPPINGS = 1 << 17;

export class AddressSpace {
  /** in order of `start`, without overlap */
  #maps: Mapping[] = [];
  /** another address space has the same array */
  #borrowed = false;
  #last: Mapping | null = null;
  /** mappings that had to be forgotten */
  forgotten = 0;

  get size(): number {
    return this.#maps.length;
  }

  [Symbol.iterator](): IterableIterator<Mapping> {
    return this.#maps[Symbol.iterator]();
  }

  /** A copy, as fork makes one. */
  fork(): AddressSpace {
    const copy = new AddressSpace();
    copy.#maps = this.#maps;
    this.#borrowed = true;
    copy.#borrowed = true;
    return copy;
  }

  find(page: number): Mapping | null {
    const last = this.#last;
    if (last !== null && page >= last.start && page < last.end) return last;
    const found = this.#maps[this.#after(page) - 1];
    if (found === undefined || page >= found.end) return null;
    this.#last = found;
    return found;
  }

  /** The nearest mapping that begins above `page`. */
  above(page: number): Mapping | undefined {
    return this.#maps[this.#after(page)];
  }

  /** The nearest mapping that begins at or below `page`. */
  below(page: number): Mapping | undefined {
    return this.#maps[this.#after(page) - 1];
  }

  /** Puts `mapping` in its place; `replaced` is called for what was there, once for each old mapping, with the pages that go. */
  map(mapping: Mapping, replaced: (old: Mapping, start: number, end: number) => void): void {
    if (this.#borrowed) {
      this.#maps = this.#maps.slice();
      this.#borrowed = false;
    }
    this.#last = null;
    const maps = this.#maps;
    const { start, end } = mapping;
    let from = this.#after(start);
    const before = maps[from - 1];
    if (before !== undefined && before.end > start) from--;
    let to = from;
    const pieces: Mapping[] = [mapping];
    for (let old = maps[to]; old !== undefined && old.start < end; old = maps[++to]) {
      if (old.start < start) pieces.unshift({ ...old, end: start });
      if (old.end > end) pieces.push({ ...old, start: end, offset: old.offset + end - old.start });
      replaced(old, Math.max(old.start, start), Math.min(old.end, end));
    }
    if (to - from === 1 && pieces.length === 1) maps[from] = mapping;
    else maps.splice(from, to - from, ...pieces);
    if (maps.length > MAX_MAPPINGS) {
      // Every second one: those that are still used will be seen as anonymous memory, which is counted.
      this.#maps = maps.filter((m, i) => i % 2 === 0 || m === mapping);
      this.forgotten += maps.length - this.#maps.length;
    }
  }

  /** Index of the first mapping that begins above `page`. */
  #after(page: number): number {
    let low = 0;
    let high = this.#maps.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#maps[middle]!.start <= page) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
