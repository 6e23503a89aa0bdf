/** The importer's cgroups: kernel ids, paths, and the dense ids of those that have a memory controller. */
import { ROOT_CGROUP } from './schema.ts';

export interface Cgroup {
  /** the kernel's id, 1 for the root */
  cgid: number;
  /** null until a line names it */
  path: string | null;
  /** dense id of its latest memcg, 0 if it never had one */
  id: number;
  /** that memcg is online */
  live: boolean;
  /** dense id of the memcg's parent */
  parent: number;
}

export class CgroupTable {
  readonly #byCgid = new Map<number, Cgroup>();
  /** cgroups with a live memcg, by path */
  readonly #live = new Map<string, Cgroup>();
  /** dense id → dense id of its parent; 0 for the root and for what is not yet placed */
  readonly #parents: number[] = [0, 0];
  readonly #online: boolean[] = [false, true];
  readonly root: Cgroup = { cgid: 1, path: '/', id: ROOT_CGROUP, live: true, parent: 0 };

  constructor() {
    this.#byCgid.set(1, this.root);
    this.#live.set('/', this.root);
  }

  /** highest dense id + 1 */
  get highWater(): number {
    return this.#parents.length;
  }

  get(cgid: number): Cgroup | undefined {
    return this.#byCgid.get(cgid);
  }

  getOrAdd(cgid: number): Cgroup {
    let cgroup = this.#byCgid.get(cgid);
    if (cgroup === undefined) {
      cgroup = { cgid, path: null, id: 0, live: false, parent: 0 };
      this.#byCgid.set(cgid, cgroup);
    }
    return cgroup;
  }

  /** The kernel's id of a cgroup that was known by its path alone. */
  learnId(cgroup: Cgroup, cgid: number): void {
    this.#byCgid.delete(cgroup.cgid);
    cgroup.cgid = cgid;
    this.#byCgid.set(cgid, cgroup);
  }

  /** Live cgroups below `path`, the deepest first. */
  below(path: string): Cgroup[] {
    const inside = path === '/' ? '/' : `${path}/`;
    const found = [...this.#live].filter(([at]) => at !== '/' && at.startsWith(inside)).map(([, cgroup]) => cgroup);
    return found.sort((a, b) => b.path!.split('/').length - a.path!.split('/').length);
  }

  /** Gives the cgroup a new memcg: a dense id of its own. It is found by path only once it is placed. */
  online(cgroup: Cgroup): void {
    cgroup.id = this.#parents.length;
    cgroup.live = true;
    cgroup.parent = ROOT_CGROUP;
    this.#parents.push(ROOT_CGROUP);
    this.#online.push(true);
  }

  /** Puts a live memcg where its path says, and answers its parent's dense id. */
  place(cgroup: Cgroup, path: string): number {
    cgroup.path = path;
    const parent = this.nearest(parentPath(path)).id;
    cgroup.parent = parent;
    this.#parents[cgroup.id] = parent;
    if (cgroup.live) this.#live.set(path, cgroup);
    return parent;
  }

  /** A name learned too late to place the memcg: it is found by it from now on, and stays under the parent that it was given. */
  rename(cgroup: Cgroup, path: string): void {
    if (cgroup.live && !this.#live.has(path)) this.#live.set(path, cgroup);
    cgroup.path = path;
  }

  offline(cgroup: Cgroup): void {
    cgroup.live = false;
    this.#online[cgroup.id] = false;
    if (cgroup.path !== null && this.#live.get(cgroup.path) === cgroup) this.#live.delete(cgroup.path);
  }

  /** The cgroup with a live memcg at `path`, if there is one. */
  at(path: string): Cgroup | undefined {
    return this.#live.get(path);
  }

  /** The nearest cgroup with a live memcg, from `path` upwards. */
  nearest(path: string): Cgroup {
    for (let at = path; at !== '/'; at = parentPath(at)) {
      const cgroup = this.#live.get(at);
      if (cgroup !== undefined) return cgroup;
    }
    return this.root;
  }

  /** Dense id of the nearest online memcg above the memcg `id`. */
  onlineAbove(id: number): number {
    let at = this.#parents[id] ?? 0;
    while (at !== 0 && !this.#online[at]) at = this.#parents[at]!;
    return at === 0 ? ROOT_CGROUP : at;
  }
}

/** The path above `path`; of `/` itself `/`. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}
