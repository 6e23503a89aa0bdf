/**
 * Just enough of a WebAssembly binary reader to ask what a module contains: its sections, its imports and exports, which function
 * calls which, and which sets a global. Sections are read from the binary; instructions from its
 * text form.
 */
export interface Section {
  id: number;
  bytes: Uint8Array;
}

export const SECTION = {
  import: 2,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
};

/** Reads LEB128 numbers, names and single bytes from the front. */
export class Reader {
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.at >= this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new Error('module is cut');
    return byte;
  }

  leb(): number {
    let result = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      result += (byte & 127) * scale;
      if (byte < 128) return result;
    }
  }

  take(length: number): Uint8Array {
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  name(): string {
    return new TextDecoder().decode(this.take(this.leb()));
  }
}

export function sections(module: Uint8Array): Section[] {
  const reader = new Reader(module);
  if (new TextDecoder().decode(reader.take(4)) !== '\0asm') throw new Error('not a WebAssembly module');
  reader.take(4);
  const found: Section[] = [];
  while (!reader.done) {
    const id = reader.byte();
    found.push({ id, bytes: reader.take(reader.leb()) });
  }
  return found;
}

/** Offset and length of the active data segments. */
export function dataSegments(module: Uint8Array): { offset: number; length: number }[] {
  const section = sections(module).find(({ id }) => id === SECTION.data);
  if (!section) return [];
  const reader = new Reader(section.bytes);
  return Array.from({ length: reader.leb() }, () => {
    if (reader.leb() !== 0 || reader.byte() !== 0x41) throw new Error('segment of a kind that asc does not make');
    const offset = reader.leb();
    reader.byte(); // end
    const length = reader.leb();
    reader.take(length);
    return { offset, length };
  });
}

/** What each function of the text form does: whom it calls, and whether it sets a global. */
export interface Body {
  calls: Set<string>;
  setsGlobal: boolean;
}

export function bodies(text: string): { functions: Map<string, Body>; exports: Map<string, string> } {
  const functions = new Map<string, Body>();
  const exports = new Map<string, string>();
  let current: Body | undefined;
  for (const line of text.split('\n')) {
    const head = /^ \(func (\$\S+)/.exec(line);
    if (head) {
      current = { calls: new Set(), setsGlobal: false };
      functions.set(head[1]!, current);
    }
    const exported = /^ \(export "(.+?)" \(func (\$[^)]+)\)\)/.exec(line);
    if (exported) exports.set(exported[1]!, exported[2]!);
    for (const call of line.matchAll(/\b(?:return_)?call (\$[^\s)]+)/g)) current?.calls.add(call[1]!);
    if (line.includes('global.set') && current) current.setsGlobal = true;
  }
  return { functions, exports };
}

/** Everything that a function may run. */
export function reachable(functions: Map<string, Body>, from: string, seen = new Set<string>()): Set<string> {
  if (seen.has(from)) return seen;
  seen.add(from);
  for (const callee of functions.get(from)?.calls ?? []) reachable(functions, callee, seen);
  return seen;
}
