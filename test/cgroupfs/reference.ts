/**
 * A second, plain model of cgroup2 for the property test: directories, the controllers memory, io and pids, processes, what they
 * charged. It says what each operation answers and what each cgroup shows, by the rules of Documentation/admin-guide/cgroup-v2.rst.
 */
export const CONTROLLERS = ['io', 'memory', 'pids'] as const;
export type Name = (typeof CONTROLLERS)[number];

/** What a page is charged to: it stays, whatever becomes of the directory. */
interface Account {
  readonly parent: Account | null;
  pages: number;
}

interface Node {
  readonly name: string;
  readonly parent: Node | null;
  readonly children: Map<string, Node>;
  readonly control: Set<Name>;
  account: Account | null;
  max: string;
  pidsMax: number;
  depth: number;
  descendants: number;
  /** pids, in the order in which they came */
  procs: number[];
}

function subtree(node: Node): Node[] {
  return [node, ...[...node.children.values()].flatMap(subtree)];
}

function upwards(node: Node): Node[] {
  return node.parent === null ? [node] : [node, ...upwards(node.parent)];
}

export class Reference {
  readonly root: Node;
  readonly accounts: Account[] = [];
  readonly pages = new Map<number, { account: Account; pages: number }[]>();

  constructor(control: readonly Name[]) {
    this.root = this.#node('', null);
    this.root.account = this.#account(null);
    for (const name of control) this.root.control.add(name);
  }

  #node(name: string, parent: Node | null): Node {
    const limits = { max: 'max', pidsMax: Number.POSITIVE_INFINITY, depth: Number.POSITIVE_INFINITY };
    const children = new Map<string, Node>();
    const control = new Set<Name>();
    return { name, parent, children, control, account: null, descendants: limits.depth, procs: [], ...limits };
  }

  #account(parent: Account | null): Account {
    const account = { parent, pages: 0 };
    this.accounts.push(account);
    return account;
  }

  path(node: Node): string {
    return `/${upwards(node)
      .reverse()
      .slice(1)
      .map(({ name }) => name)
      .join('/')}`;
  }

  all(): Node[] {
    return subtree(this.root);
  }

  shows(node: Node, name: Name): boolean {
    return node.parent?.control.has(name) ?? false;
  }

  /** The kernel keeps a memcg where io is enabled, shown or not. */
  #counts(node: Node): boolean {
    const { parent } = node;
    if (parent === null) return true;
    return this.#counts(parent) && (parent.control.has('memory') || parent.control.has('io'));
  }

  payer(node: Node): Account {
    return upwards(node).find(({ account }) => account !== null)!.account!;
  }

  /** anon of memory.stat, pages */
  anon({ account }: Node): number {
    const below = (a: Account | null): boolean => a !== null && (a === account || below(a.parent));
    return this.accounts.filter(below).reduce((sum, { pages }) => sum + pages, 0);
  }

  populated(node: Node): boolean {
    return subtree(node).some(({ procs }) => procs.length > 0);
  }

  pids(node: Node): number {
    return subtree(node).reduce((sum, { procs }) => sum + procs.length, 0);
  }

  home(pid: number): Node {
    return this.all().find(({ procs }) => procs.includes(pid))!;
  }

  /** Below a cgroup that has processes and threaded controllers for its children, or in one: such a cgroup is the root of threads. */
  #invalid(node: Node): boolean {
    return upwards(node)
      .slice(1)
      .some((above) => above.parent !== null && above.procs.length > 0 && above.control.has('pids'));
  }

  #canRootThreads(node: Node): boolean {
    if (node.parent === null) return true;
    return (
      !node.control.has('memory') &&
      !node.control.has('io') &&
      ![...node.children.values()].some((child) => this.populated(child))
    );
  }

  mkdir(parent: Node, name: string): string {
    if (parent.children.has(name)) return 'EEXIST';
    for (const [k, above] of upwards(parent).entries())
      if (subtree(above).length - 1 >= above.descendants || k >= above.depth) return 'EAGAIN';
    parent.children.set(name, this.#node(name, parent));
    this.#settle();
    return 'ok';
  }

  rmdir(node: Node): string {
    if (node.parent === null || this.populated(node) || node.children.size > 0) return 'EBUSY';
    node.parent.children.delete(node.name);
    return 'ok';
  }

  control(node: Node, changes: readonly { name: Name; on: boolean }[]): string {
    const wanted = new Map(changes.map(({ name, on }) => [name, on]));
    const enable: Name[] = [];
    for (const name of CONTROLLERS) {
      const on = wanted.get(name);
      if (on === undefined || on === node.control.has(name)) continue;
      if (on && node.parent !== null && !node.parent.control.has(name)) return 'ENOENT';
      if (!on && [...node.children.values()].some((child) => child.control.has(name))) return 'EBUSY';
      if (on) enable.push(name);
    }
    const change = [...wanted].some(([name, on]) => on !== node.control.has(name));
    if (!change) return 'ok';
    if (enable.length > 0) {
      if (this.#invalid(node)) return 'EOPNOTSUPP';
      const domain = enable.some((name) => name !== 'pids');
      const threads = node.procs.length > 0 && node.control.has('pids');
      if (node.parent !== null && domain && threads) return 'EOPNOTSUPP';
      if (node.parent !== null && node.procs.length > 0 && (domain || !this.#canRootThreads(node))) return 'EBUSY';
    }
    for (const [name, on] of wanted) {
      if (on) node.control.add(name);
      else node.control.delete(name);
    }
    this.#settle();
    return 'ok';
  }

  /** Accounts and settings come and go with the controllers. */
  #settle(): void {
    for (const node of this.all()) {
      if (node.parent === null) continue;
      if (!this.#counts(node)) node.account = null;
      else node.account ??= this.#account(this.payer(node.parent));
      if (!this.shows(node, 'memory')) node.max = 'max';
      if (!this.shows(node, 'pids')) node.pidsMax = Number.POSITIVE_INFINITY;
    }
  }

  move(pid: number, node: Node): string {
    if (this.#invalid(node)) return 'EOPNOTSUPP';
    if (!this.#canRootThreads(node) && node.control.size > 0) return 'EBUSY';
    const from = this.home(pid);
    if (from === node) return 'ok';
    from.procs = from.procs.filter((each) => each !== pid);
    node.procs.push(pid);
    return 'ok';
  }

  fork(parent: number, child: number): string {
    const node = this.home(parent);
    for (const above of upwards(node)) if (this.pids(above) >= above.pidsMax) return 'EAGAIN';
    node.procs.push(child);
    return 'ok';
  }

  kill(node: Node): void {
    for (const below of subtree(node)) {
      for (const pid of below.procs) this.release(pid);
      below.procs = [];
    }
  }

  touch(pid: number, pages: number): void {
    const account = this.payer(this.home(pid));
    account.pages += pages;
    this.pages.set(pid, [...(this.pages.get(pid) ?? []), { account, pages }]);
  }

  release(pid: number): void {
    for (const { account, pages } of this.pages.get(pid) ?? []) account.pages -= pages;
    this.pages.delete(pid);
  }
}
