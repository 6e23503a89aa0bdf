/**
 * Which object cgroup (objcg) gave bytes back. An objcg keeps its identity and its left-over bytes when its cgroup goes offline, but the
 * probe then prints its nearest online ancestor's cgid, so a printed cgid stands for several objcgs. The sizes that are outstanding
 * settle it almost always. Identities are the dense ids of the cgroups that the objcgs were made with.
 */
interface Dead {
  id: number;
  /** order of death: candidates are tried from the latest */
  seq: number;
}

export class ObjcgIdentity {
  readonly #root: number;
  /** online cgroup → the offlined ones whose objcgs now charge it */
  readonly #heirs = new Map<number, Dead[]>();
  readonly #dead = new Map<number, Dead>();
  /** identity → size → objects that were charged and not yet given back */
  readonly #outstanding = new Map<number, Map<number, number>>();
  readonly #live = new Map<number, number>();
  /** per CPU: the identity last charged or given back there */
  readonly #last: number[] = [];
  #deaths = 0;
  /** uncharges that more than one objcg could have made */
  ambiguous = 0;
  /** uncharges with no outstanding object of their size */
  unmatched = 0;

  constructor(root: number) {
    this.#root = root;
  }

  charge(identity: number, size: number, cpu: number): void {
    this.#add(identity, size, 1);
    this.#last[cpu] = identity;
  }

  /** Answers the identity of an uncharge that the probe reports for `reported`. */
  uncharge(reported: number, size: number, cpu: number): number {
    const identity = this.#find(reported, size, cpu);
    this.#add(identity, size, -1);
    this.#last[cpu] = identity;
    return identity;
  }

  #find(reported: number, size: number, cpu: number): number {
    const heirs = this.#heirs.get(reported);
    const own = reported !== this.#root && this.#has(reported, size);
    let found = own ? reported : 0;
    let good = own ? 1 : 0;
    if (heirs !== undefined) {
      for (let i = heirs.length - 1; i >= 0; i--) {
        const { id } = heirs[i]!;
        if ((this.#live.get(id) ?? 0) <= 0) heirs.splice(i, 1);
        else if (this.#has(id, size)) {
          good++;
          if (found === 0) found = id;
        }
      }
    }
    if (good === 0) {
      this.unmatched++;
      return reported;
    }
    if (good > 1) {
      this.ambiguous++;
      const last = this.#last[cpu];
      if (last !== undefined && last !== found && this.#has(last, size)) {
        if (last === reported && own) return last;
        const dead = this.#dead.get(last);
        if (dead !== undefined && heirs?.includes(dead)) return last;
      }
    }
    return found;
  }

  /** `id` goes offline; `heir` is its nearest online ancestor. */
  offline(id: number, heir: number): void {
    const self: Dead = { id, seq: ++this.#deaths };
    this.#dead.set(id, self);
    const inherited = this.#heirs.get(id) ?? [];
    this.#heirs.delete(id);
    const list = [...(this.#heirs.get(heir) ?? []), ...inherited, self];
    list.sort((a, b) => a.seq - b.seq);
    this.#heirs.set(heir, list);
    // Offline drains the byte stocks under the cgroup.
    for (let cpu = 0; cpu < this.#last.length; cpu++) {
      const last = this.#last[cpu];
      if (last === id || inherited.some((dead) => dead.id === last)) this.#last[cpu] = 0;
    }
  }

  #has(identity: number, size: number): boolean {
    return (this.#outstanding.get(identity)?.get(size) ?? 0) > 0;
  }

  #add(identity: number, size: number, by: number): void {
    let sizes = this.#outstanding.get(identity);
    if (sizes === undefined) {
      sizes = new Map();
      this.#outstanding.set(identity, sizes);
    }
    // What was charged before the recording is given back too: that must not hide an object charged later.
    const after = Math.max(0, (sizes.get(size) ?? 0) + by);
    const change = after - (sizes.get(size) ?? 0);
    if (after === 0) sizes.delete(size);
    else sizes.set(size, after);
    this.#live.set(identity, (this.#live.get(identity) ?? 0) + change);
  }
}
