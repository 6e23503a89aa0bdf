/**
 * The memory of large values: malloc(3) maps what is M_MMAP_THRESHOLD or more by itself, and gives it back when the value goes. Smaller values
 * lie in the heap that the program has anyway (footprint.ts), and so do the copies that expansions make for a moment.
 */
import type { Mapping } from '../kernel/syscalls.ts';
import type { Shell } from './shell.ts';
import { AssociativeArray, IndexedArray, type Variable } from './variables.ts';

/** DEFAULT_MMAP_THRESHOLD_MIN, bytes */
export const LARGE = 128 * 1024;
/** What malloc(3) keeps before a chunk that it has mapped, and the NUL behind a value. Bytes. */
const AROUND = 17;
const PAGE = 4096;

export class Heap {
  /** values that are mapped, by scope, name and subscript */
  readonly #values = new Map<string, { text: string; mapping: Mapping }>();
  /** what large values were assigned to since settle() */
  readonly #assigned = new Set<Variable>();

  constructor(parent?: Heap) {
    if (parent === undefined) return;
    this.#values = new Map(parent.#values);
  }

  /** A variable has a value now. */
  note(variable: Variable, text: string): void {
    if (text.length >= LARGE) this.#assigned.add(variable);
  }

  /** There is something to map, or there may be something to give back. */
  get unsettled(): boolean {
    return this.#assigned.size > 0 || this.#values.size > 0;
  }

  /** Maps what was assigned, and unmaps what is gone or has another value now. Who is out of memory is killed here. */
  async settle(shell: Shell): Promise<void> {
    const large = valuesOf(shell);
    for (const [key, { text, mapping }] of [...this.#values]) {
      const now = large.get(key);
      if (now?.text === text && !this.#assigned.has(now.variable)) continue;
      this.#values.delete(key);
      shell.process.munmap(mapping);
    }
    this.#assigned.clear();
    for (const [key, { text }] of large) {
      if (this.#values.has(key)) continue;
      const mapping = shell.process.mmap(Math.ceil((text.length + AROUND) / PAGE));
      this.#values.set(key, { text, mapping });
      await shell.process.touch(mapping, { write: true });
    }
  }
}

function valuesOf(shell: Shell): Map<string, { text: string; variable: Variable }> {
  const large = new Map<string, { text: string; variable: Variable }>();
  const add = (key: string, text: string, variable: Variable) => {
    if (text.length >= LARGE) large.set(key, { text, variable });
  };
  for (const [depth, { variables }] of shell.variables.scopes.entries()) {
    for (const [name, variable] of variables) {
      const { value } = variable;
      const key = `${depth} ${name}`;
      if (typeof value === 'string') add(key, value, variable);
      else if (value instanceof IndexedArray || value instanceof AssociativeArray)
        for (const [place, element] of value.values().entries()) add(`${key} ${place}`, element, variable);
    }
  }
  return large;
}
