/** Variables: scalars, indexed and associative arrays, their attributes, and the scopes of functions. */

/** An indexed array: sparse, in the order of the indices. */
export class IndexedArray {
  private items = new Map<number, string>();
  private highest = -1;
  private sorted = true;

  get size(): number {
    return this.items.size;
  }
  /** The highest index; -1 if empty. */
  get last(): number {
    return this.highest;
  }
  get(index: number): string | undefined {
    return this.items.get(index);
  }
  set(index: number, value: string): void {
    if (index > this.highest) this.highest = index;
    else if (!this.items.has(index)) this.sorted = false;
    this.items.set(index, value);
  }
  delete(index: number): void {
    if (this.items.delete(index) && index === this.highest) this.highest = Math.max(-1, ...this.items.keys());
  }
  private order(): void {
    if (this.sorted) return;
    this.items = new Map([...this.items].sort((a, b) => a[0] - b[0]));
    this.sorted = true;
  }
  keys(): number[] {
    this.order();
    return [...this.items.keys()];
  }
  values(): string[] {
    this.order();
    return [...this.items.values()];
  }
  copy(): IndexedArray {
    const copy = new IndexedArray();
    copy.items = new Map(this.items);
    copy.highest = this.highest;
    copy.sorted = this.sorted;
    return copy;
  }
  static from(values: readonly string[]): IndexedArray {
    const array = new IndexedArray();
    for (const [i, value] of values.entries()) array.set(i, value);
    return array;
  }
}

const BUCKETS = 1024;

/** The bucket of a key in bash's hash table: FNV-1. */
function bucket(key: string, buckets: number): number {
  let hash = 2166136261;
  for (let i = 0; i < key.length; i++) {
    hash = Math.imul(hash, 16777619);
    hash ^= key.charCodeAt(i);
  }
  return (hash >>> 0) & (buckets - 1);
}

/** An associative array: in the order of bash's hash table, newest first within a bucket. */
export class AssociativeArray {
  private readonly items = new Map<string, string>();
  private buckets = BUCKETS;

  get size(): number {
    return this.items.size;
  }
  get(key: string): string | undefined {
    return this.items.get(key);
  }
  set(key: string, value: string): void {
    if (!this.items.has(key) && this.items.size >= this.buckets * 2) this.buckets *= 4;
    this.items.set(key, value);
  }
  delete(key: string): void {
    this.items.delete(key);
  }
  keys(): string[] {
    const all = [...this.items.keys()].map((key, i) => [bucket(key, this.buckets), -i, key] as const);
    return all.sort((a, b) => a[0] - b[0] || a[1] - b[1]).map((entry) => entry[2]);
  }
  values(): string[] {
    return this.keys().map((key) => this.items.get(key)!);
  }
  copy(): AssociativeArray {
    const copy = new AssociativeArray();
    for (const [key, value] of this.items) copy.items.set(key, value);
    copy.buckets = this.buckets;
    return copy;
  }
}

export type Value = string | IndexedArray | AssociativeArray | undefined;

export interface Variable {
  /** undefined: declared, but unset */
  value: Value;
  exported: boolean;
  readonly: boolean;
  integer: boolean;
  nameref: boolean;
  /** declared an array, but without a value */
  arrayDeclared: '' | 'a' | 'A';
  /** `l`, `u` or `c` */
  letters: '' | 'l' | 'u' | 'c';
  /** a value that the shell makes up whenever it is asked (dynamic.ts) */
  dynamic: boolean;
}

/** A variable with no attribute but, if asked for, export. */
export function variable(value: Value, exported = false): Variable {
  return {
    value,
    exported,
    readonly: false,
    integer: false,
    nameref: false,
    letters: '',
    arrayDeclared: '',
    dynamic: false,
  };
}

function copyOf(v: Variable): Variable {
  const { value } = v;
  return {
    ...v,
    value: typeof value === 'string' || value === undefined ? value : value.copy(),
  };
}

export interface Scope {
  readonly variables: Map<string, Variable>;
  /** `function`: a function's locals; `environment`: what stands before a command */
  readonly kind: 'global' | 'function' | 'environment';
}

/** All variables of a shell: the innermost scope last. */
export class Variables {
  scopes: Scope[] = [{ variables: new Map(), kind: 'global' }];

  get global(): Scope {
    return this.scopes[0]!;
  }

  find(name: string): Variable | undefined {
    for (let i = this.scopes.length - 1; i >= 0; i--) {
      const found = this.scopes[i]!.variables.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The scope that a name is found in. */
  scopeOf(name: string): Scope | undefined {
    return this.scopes.findLast((scope) => scope.variables.has(name));
  }

  /** The scope of the innermost function; the global one outside of functions. */
  get local(): Scope {
    return this.scopes.findLast((scope) => scope.kind !== 'environment')!;
  }

  /** Every visible name. */
  names(): string[] {
    const names = new Set<string>();
    for (const scope of this.scopes) for (const name of scope.variables.keys()) names.add(name);
    return [...names].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }

  copy(): Variables {
    const copy = new Variables();
    copy.scopes = this.scopes.map((scope) => ({
      kind: scope.kind,
      variables: new Map([...scope.variables].map(([name, v]) => [name, copyOf(v)])),
    }));
    return copy;
  }
}
