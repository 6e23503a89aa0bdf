/**
 * Reference model of modelled residency: sets and maps, one object a page, nothing shared with the engine. What is resident, who
 * pays, who maps it, on which list it is. It knows no counters and no stocks: the engine's audit ties those to the pages.
 */
export interface Page {
  memcg: number;
  kind: 'anon' | 'file' | 'shmem';
  dirty: boolean;
  referenced: boolean;
  active: boolean;
  /** address spaces that have it in their page tables */
  mms: Set<Mm>;
  /** those of them that have locked it */
  lockedBy: Set<Mm>;
}

/** An address space. */
export interface Mm {
  owner: number;
  users: Set<number>;
  /** virtual page number → page; null is the zero page */
  anon: Map<number, Page | null>;
  /** mapped pages of objects, by `object:index` */
  mapped: Map<string, Page>;
  /** locked pages, there or not, by `object:index`; object 0 is private memory */
  locks: Set<string>;
}

interface Inode {
  type: 'file' | 'shmem' | 'block';
  pages: Map<number, Page>;
}

export interface Figures {
  anon: number;
  file: number;
  shmem: number;
  mapped: number;
  dirty: number;
  active: number;
  unevictable: number;
  faults: number;
  majors: number;
  activated: number;
}

export class Residency {
  readonly inodes = new Map<number, Inode>();
  readonly tasks = new Map<number, { memcg: number; mm: Mm | null; alive: boolean }>();
  readonly #events = new Map<number, { faults: number; majors: number; activated: number }>();

  events(memcg: number): { faults: number; majors: number; activated: number } {
    let events = this.#events.get(memcg);
    if (events === undefined) {
      events = { faults: 0, majors: 0, activated: 0 };
      this.#events.set(memcg, events);
    }
    return events;
  }

  spawn(task: number, memcg: number): void {
    this.tasks.set(task, { memcg, mm: this.#newMm(task), alive: true });
  }

  kernelThread(task: number, memcg: number): void {
    this.tasks.set(task, { memcg, mm: null, alive: true });
  }

  #newMm(owner: number): Mm {
    return { owner, users: new Set([owner]), anon: new Map(), mapped: new Map(), locks: new Set() };
  }

  attach(task: number, memcg: number): void {
    const moved = this.tasks.get(task)!;
    moved.memcg = memcg;
    // The whole process moves, if it is the leader that is moved.
    for (const user of moved.mm?.users ?? []) if (moved.mm?.owner === task) this.tasks.get(user)!.memcg = memcg;
  }

  /** Who pays for what the task brings in: the cgroup of its mm's owner; 1 without an mm. */
  payer(task: number): number {
    const { mm } = this.tasks.get(task)!;
    return mm === null ? 1 : this.tasks.get(mm.owner)!.memcg;
  }

  fork(parent: number, child: number, thread: boolean): void {
    const { memcg, mm } = this.tasks.get(parent)!;
    if (mm === null) {
      this.kernelThread(child, memcg);
    } else if (thread) {
      mm.users.add(child);
      this.tasks.set(child, { memcg, mm, alive: true });
    } else {
      const copy = this.#newMm(child);
      for (const [vpn, page] of mm.anon) {
        copy.anon.set(vpn, page);
        page?.mms.add(copy);
      }
      this.tasks.set(child, { memcg, mm: copy, alive: true });
    }
  }

  exec(task: number): void {
    this.#leave(task);
    this.tasks.get(task)!.mm = this.#newMm(task);
  }

  exit(task: number): void {
    this.#leave(task);
    this.tasks.get(task)!.alive = false;
  }

  #leave(task: number): void {
    const { mm } = this.tasks.get(task)!;
    if (mm === null) return;
    mm.users.delete(task);
    if (mm.users.size > 0) return;
    for (const page of mm.anon.values()) if (page) this.#drop(mm, page);
    mm.anon.clear();
    for (const page of mm.mapped.values()) this.#zap(mm, page);
    mm.mapped.clear();
    mm.locks.clear();
  }

  #drop(mm: Mm, page: Page): void {
    page.mms.delete(mm);
    page.lockedBy.delete(mm);
  }

  #zap(mm: Mm, page: Page): void {
    this.#accessed(page);
    this.#drop(mm, page);
  }

  /** A page joins the page tables of the mm: where its place is locked, so is it. */
  #join(mm: Mm, key: string, page: Page): void {
    page.mms.add(mm);
    if (mm.locks.has(key)) this.#lock(mm, page);
  }

  /** On the unevictable list, from where it comes back inactive. */
  #lock(mm: Mm, page: Page): void {
    page.lockedBy.add(mm);
    page.active = false;
  }

  mlock(task: number, object: number, index: number, populate: boolean): void {
    const mm = this.tasks.get(task)!.mm!;
    const key = `${object}:${index}`;
    if (object !== 0) this.object(object);
    mm.locks.add(key);
    const page = object === 0 ? mm.anon.get(index) : mm.mapped.get(key);
    if (page) this.#lock(mm, page);
    if (!populate) return;
    if (object === 0) this.anonTouch(task, index, true);
    else this.fileAccess(task, object, index, { write: false, fault: true, ahead: false });
  }

  munlock(task: number, object: number, index: number): void {
    const mm = this.tasks.get(task)!.mm!;
    const key = `${object}:${index}`;
    mm.locks.delete(key);
    const page = object === 0 ? mm.anon.get(index) : mm.mapped.get(key);
    page?.lockedBy.delete(mm);
  }

  #accessed(page: Page): void {
    if (!page.referenced) {
      page.referenced = true;
    } else if (page.lockedBy.size === 0 && !page.active) {
      page.active = true;
      page.referenced = false;
      this.events(page.memcg).activated++;
    }
  }

  /** Pages that a fork shares and nobody has left are garbage: there is nothing to free here. */
  anonTouch(task: number, vpn: number, write: boolean): void {
    const mm = this.tasks.get(task)!.mm!;
    const page = mm.anon.get(vpn);
    const { memcg } = this.tasks.get(mm.owner)!;
    if (!write) {
      if (page === undefined) {
        mm.anon.set(vpn, null);
        this.events(memcg).faults++;
      }
      return;
    }
    if (page && page.mms.size === 1) return;
    if (page) this.#drop(mm, page);
    const copy = this.#newPage(this.payer(task), 'anon');
    mm.anon.set(vpn, copy);
    this.#join(mm, `0:${vpn}`, copy);
    this.events(memcg).faults++;
  }

  #newPage(memcg: number, kind: Page['kind']): Page {
    return { memcg, kind, dirty: false, referenced: false, active: false, mms: new Set(), lockedBy: new Set() };
  }

  anonFree(task: number, vpn: number): void {
    const mm = this.tasks.get(task)!.mm!;
    const page = mm.anon.get(vpn);
    if (page) this.#drop(mm, page);
    mm.anon.delete(vpn);
    mm.locks.delete(`0:${vpn}`);
  }

  object(id: number, type: Inode['type'] = 'file'): Inode {
    let inode = this.inodes.get(id);
    if (inode === undefined) {
      inode = { type, pages: new Map() };
      this.inodes.set(id, inode);
    }
    return inode;
  }

  fileAccess(task: number, id: number, index: number, how: { write: boolean; fault: boolean; ahead: boolean }): void {
    const inode = this.object(id);
    const shmem = inode.type === 'shmem';
    let page = inode.pages.get(index);
    const fresh = page === undefined;
    if (page === undefined) {
      const kind = shmem ? 'shmem' : 'file';
      page = this.#newPage(this.payer(task), kind);
      inode.pages.set(index, page);
    }
    if (how.ahead) return;
    if (how.fault) {
      const mm = this.tasks.get(task)!.mm!;
      if (!page.mms.has(mm)) {
        this.#join(mm, `${id}:${index}`, page);
        mm.mapped.set(`${id}:${index}`, page);
        const { memcg } = this.tasks.get(mm.owner)!;
        this.events(memcg).faults++;
        if (fresh && !shmem) this.events(memcg).majors++;
      }
    } else if (shmem && fresh && how.write) {
      page.referenced = true;
    } else if (shmem || !how.write) {
      this.#accessed(page);
    }
    if (how.write && !shmem) page.dirty = true;
  }

  fileDirty(id: number, index: number): void {
    const inode = this.object(id);
    const page = inode.pages.get(index);
    if (page && inode.type !== 'shmem') page.dirty = true;
  }

  unmap(task: number, id: number, index: number): void {
    this.object(id);
    const { mm } = this.tasks.get(task)!;
    mm?.locks.delete(`${id}:${index}`);
    const page = mm?.mapped.get(`${id}:${index}`);
    if (!mm || !page) return;
    this.#zap(mm, page);
    mm.mapped.delete(`${id}:${index}`);
  }

  truncate(id: number, index: number): void {
    const inode = this.object(id);
    const page = inode.pages.get(index);
    if (!page) return;
    for (const mm of page.mms) mm.mapped.delete(`${id}:${index}`);
    inode.pages.delete(index);
  }

  objectFree(id: number): void {
    for (const index of [...this.inodes.get(id)!.pages.keys()]) this.truncate(id, index);
    for (const { mm } of this.tasks.values())
      for (const key of mm?.locks ?? []) if (key.startsWith(`${id}:`)) mm!.locks.delete(key);
    this.inodes.delete(id);
  }

  sync(id: number): void {
    if (id !== 0) this.object(id);
    for (const [i, inode] of this.inodes)
      if (id === 0 || id === i) for (const page of inode.pages.values()) page.dirty = false;
  }

  dropCaches(): void {
    for (const [, inode] of this.inodes) {
      if (inode.type === 'shmem') continue;
      for (const [index, page] of [...inode.pages]) if (!page.dirty && page.mms.size === 0) inode.pages.delete(index);
    }
  }

  /** What one cgroup itself is charged, in pages. */
  figures(memcg: number): Figures {
    const pages = new Set<Page>();
    for (const { pages: resident } of this.inodes.values()) for (const page of resident.values()) pages.add(page);
    for (const { mm } of this.tasks.values()) for (const page of mm?.anon.values() ?? []) if (page) pages.add(page);
    const own = [...pages].filter((page) => page.memcg === memcg);
    const count = (which: (page: Page) => boolean) => own.filter(which).length;
    return {
      anon: count((p) => p.kind === 'anon'),
      file: count((p) => p.kind === 'file'),
      shmem: count((p) => p.kind === 'shmem'),
      mapped: count((p) => p.kind !== 'anon' && p.mms.size > 0),
      dirty: count((p) => p.dirty),
      active: count((p) => p.active),
      unevictable: count((p) => p.lockedBy.size > 0),
      ...this.events(memcg),
    };
  }
}
