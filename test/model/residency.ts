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
  /** CPU in whose batch it waits for its list */
  waiting: number | null;
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
  /** CPU that does what comes next */
  cpu = 0;
  /** pages on their way to the lists, by CPU; so many go at once */
  readonly #batches = new Map<number, Page[]>();
  readonly #batchSize: number;
  readonly #faultsOfMajor: number;
  readonly #events = new Map<number, { faults: number; majors: number; activated: number }>();

  constructor(kernel: '6.18' | '6.1' = '6.18') {
    this.#batchSize = kernel === '6.1' ? 15 : 31;
    this.#faultsOfMajor = kernel === '6.1' ? 2 : 1;
  }

  /** The page joins its list with the CPU's next batch. */
  #add(page: Page): void {
    const batch = this.#batches.get(this.cpu) ?? [];
    this.#batches.set(this.cpu, batch);
    batch.push(page);
    page.waiting = this.cpu;
    if (batch.length === this.#batchSize) this.drain();
  }

  /** lru_add_drain(): of the CPU at hand, or of all. */
  drain(all = false): void {
    for (const [cpu, batch] of this.#batches)
      if (all || cpu === this.cpu) for (const page of batch.splice(0)) page.waiting = null;
  }

  /** Nobody has the page any more. */
  #release(page: Page): void {
    if (page.waiting === null) return;
    this.drain();
    if (page.waiting === null) return;
    const batch = this.#batches.get(page.waiting)!;
    batch.splice(batch.indexOf(page), 1);
    page.waiting = null;
  }

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
    this.drain();
    for (const page of mm.anon.values()) if (page) this.#leaveAnon(mm, page);
    mm.anon.clear();
    for (const page of mm.mapped.values()) this.#zap(mm, page);
    mm.mapped.clear();
    mm.locks.clear();
  }

  #drop(mm: Mm, page: Page): void {
    page.mms.delete(mm);
    page.lockedBy.delete(mm);
  }

  #leaveAnon(mm: Mm, page: Page): void {
    this.#drop(mm, page);
    if (page.mms.size === 0) this.#release(page);
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
    if (page.lockedBy.size === 0) this.#release(page);
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
      // A page in a batch is made active there, which counts nothing; one in another CPU's is not found.
      if (page.waiting === null) this.events(page.memcg).activated++;
      page.active = page.waiting === null || page.waiting === this.cpu;
      page.referenced = false;
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
    this.#add(copy);
    this.#join(mm, `0:${vpn}`, copy);
    this.events(memcg).faults++;
  }

  #newPage(memcg: number, kind: Page['kind']): Page {
    return {
      memcg,
      kind,
      dirty: false,
      referenced: false,
      active: false,
      mms: new Set(),
      waiting: null,
      lockedBy: new Set(),
    };
  }

  anonFree(task: number, vpn: number): void {
    const mm = this.tasks.get(task)!.mm!;
    const page = mm.anon.get(vpn);
    if (page) this.#leaveAnon(mm, page);
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
      this.#add(page);
    }
    if (how.ahead) return;
    if (how.fault) {
      const mm = this.tasks.get(task)!.mm!;
      if (!page.mms.has(mm)) {
        this.#join(mm, `${id}:${index}`, page);
        mm.mapped.set(`${id}:${index}`, page);
        const { memcg } = this.tasks.get(mm.owner)!;
        const major = fresh && !shmem;
        this.events(memcg).faults += major ? this.#faultsOfMajor : 1;
        if (major) this.events(memcg).majors++;
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
    this.#release(page);
  }

  objectFree(id: number): void {
    this.drain();
    for (const index of [...this.inodes.get(id)!.pages.keys()]) this.truncate(id, index);
    for (const { mm } of this.tasks.values())
      for (const key of mm?.locks ?? []) if (key.startsWith(`${id}:`)) mm!.locks.delete(key);
    this.inodes.delete(id);
  }

  sync(id: number): void {
    if (id !== 0) this.object(id);
    this.drain();
    for (const [i, inode] of this.inodes)
      if (id === 0 || id === i) for (const page of inode.pages.values()) page.dirty = false;
  }

  dropCaches(): void {
    this.drain(true);
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
      active: count((p) => p.active && p.waiting === null),
      unevictable: count((p) => p.lockedBy.size > 0 && p.waiting === null),
      ...this.events(memcg),
    };
  }
}
