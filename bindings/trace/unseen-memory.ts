/**
 * Kernel memory that no line of a public trace shows (objects in slab pages that were there before, the memory of a cgroup itself), as
 * far as an OOM kill tells of it: when `mem_cgroup_out_of_memory()` chooses a victim, the stocks have been drained and the usage is the
 * limit. What the lines do not account for is there, unseen.
 */

/** Usage by cgroup as the lines tell it: pages of the cgroup and all below it, by dense id. */
export class UnseenMemory {
  readonly #parents: number[] = [];
  readonly #limits = new Map<number, number>();
  readonly #known: number[] = [];
  readonly #ownerOf = new Map<number, { cgroup: number; pages: number }>();
  /** pages concluded so far and not given back, by the cgroup of whoever met the limit */
  readonly #unseen = new Map<number, number>();
  /** pages concluded in all */
  concluded = 0;

  born(cgroup: number, parent: number): void {
    this.#parents[cgroup] = parent;
    this.#known[cgroup] = 0;
  }

  /** memory.max in pages. */
  limit(cgroup: number, pages: number): void {
    this.#limits.set(cgroup, pages);
  }

  charge(frame: number, pages: number, cgroup: number): void {
    this.uncharge(frame);
    this.#ownerOf.set(frame, { cgroup, pages });
    this.#add(cgroup, pages);
  }

  uncharge(frame: number): void {
    const owner = this.#ownerOf.get(frame);
    if (owner === undefined) return;
    this.#ownerOf.delete(frame);
    this.#add(owner.cgroup, -owner.pages);
  }

  /**
   * The OOM killer chooses a victim for a task in `cgroup` whose charge of `pages`, counted here already, is not granted. Answers how
   * many pages are unseen beside those concluded before (negative: so many less); 0 where no limit of a cgroup above is known.
   */
  atLimit(cgroup: number, pages: number): number {
    // The limit that was met is the one that has least room left, as far as the lines tell.
    let least = Number.POSITIVE_INFINITY;
    for (let at = cgroup; at > 1; at = this.#parents[at] ?? 0) {
      const limit = this.#limits.get(at);
      if (limit !== undefined) least = Math.min(least, limit - ((this.#known[at] ?? 0) - pages));
    }
    const before = this.#unseen.get(cgroup) ?? 0;
    if (least === Number.POSITIVE_INFINITY || before + least < 0) return 0;
    this.#unseen.set(cgroup, before + least);
    this.#add(cgroup, least);
    this.concluded += Math.max(0, least);
    return least;
  }

  /** One of `processes` processes of a cgroup has gone: so many pages with it. */
  shareOf(cgroup: number, processes: number): number {
    const all = this.#unseen.get(cgroup) ?? 0;
    const pages = Math.ceil(all / processes);
    if (pages === all) this.#unseen.delete(cgroup);
    else this.#unseen.set(cgroup, all - pages);
    this.#add(cgroup, -pages);
    return pages;
  }

  has(cgroup: number): boolean {
    return this.#unseen.has(cgroup);
  }

  #add(cgroup: number, pages: number): void {
    for (let at = cgroup; at > 1; at = this.#parents[at] ?? 0) this.#known[at] = (this.#known[at] ?? 0) + pages;
  }
}
