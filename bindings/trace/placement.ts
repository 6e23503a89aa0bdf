/** Cgroups by path: dense ids, with a `mkdir` for each cgroup and for its parents before it is used. */
import { ROOT_CGROUP } from './schema.ts';

/**
 * How a `mkdir` row is written: dense id, parent's dense id, the kernel's id (0 = unknown), path as latin1, and whether it was made
 * just now or was there before.
 */
export type Mkdir = (cgroup: number, parent: number, kernelId: number, path: string, made: boolean) => void;

export class Placement {
  readonly #byPath = new Map<string, number>([['/', ROOT_CGROUP]]);
  readonly #paths = new Map<number, string>();
  readonly #kernelIds = new Map<string, number>();
  readonly #mkdir: Mkdir;
  #count = 1;

  constructor(mkdir: Mkdir) {
    this.#mkdir = mkdir;
  }

  /** highest dense id + 1 */
  get highWater(): number {
    return this.#count + 1;
  }

  /** The recording names the cgroup with this kernel id. */
  name(kernelId: number, path: string): void {
    this.#paths.set(kernelId, path);
    this.#kernelIds.set(path, kernelId);
  }

  /** Path of a kernel id: `/unknown-ID` where the recording does not name it. */
  pathOf(kernelId: number): string {
    return this.#paths.get(kernelId) ?? `/unknown-${kernelId}`;
  }

  /** The recording shows how the cgroup at `path` is made. */
  make(path: string): void {
    if (!this.#byPath.has(path)) this.#add(path, true);
  }

  /** Dense id of the cgroup at `path`; where it is new, it and its parents were there before. */
  at(path: string): number {
    return this.#byPath.get(path) ?? this.#add(path, false);
  }

  #add(path: string, made: boolean): number {
    // From the top down, in a loop: a hostile path may be deep.
    let parent = ROOT_CGROUP;
    for (let slash = path.indexOf('/', 1); ; slash = path.indexOf('/', slash + 1)) {
      const end = slash === -1 ? path.length : slash;
      const here = path.slice(0, end);
      let id = here === '' || here.endsWith('/') ? parent : this.#byPath.get(here);
      if (id === undefined) {
        id = ++this.#count;
        this.#byPath.set(here, id);
        const last = end === path.length;
        this.#mkdir(id, parent, this.#kernelIds.get(here) ?? 0, here, last && made);
      }
      parent = id;
      if (slash === -1) return parent;
    }
  }

  /** The cgroup at `path` is gone; answers its dense id, 0 where it was never used. A later one of that name is another. */
  remove(path: string): number {
    const id = path === '/' ? 0 : (this.#byPath.get(path) ?? 0);
    if (id !== 0) this.#byPath.delete(path);
    return id;
  }
}
