/**
 * A snapshot of a cgroup tree that stock tools wrote just before a recording (`memcharge record-help snapshot`): one line
 * `id INODE ./PATH` a cgroup, and `./PATH/FILE:LINE` for every line of its control files.
 */
import { ByteSource } from './byte-source.ts';
import { keep } from './ftrace.ts';
import { InputError } from './input-error.ts';
import { parseKnobWrite } from './knobs.ts';
import { LineReader } from './lines.ts';
import { KNOB_IDS } from './schema.ts';

/** Charge words of the engine have 24 bits for a cgroup. */
const MAX_CGROUPS = 1 << 20;
const MAX_PIDS = 1 << 22;
/** The kernel's largest pid (PID_MAX_LIMIT). */
const PID_END = 1 << 22;

/** One cgroup of the snapshot, as its files said. Bytes, unless said otherwise. */
export interface InitialCgroup {
  path: string;
  /** the kernel's id */
  id: number;
  /** the nearest cgroup above that has a memory controller; null for the root */
  parent: InitialCgroup | null;
  /** its memory controller is on (it has a memory.current); the root always counts as one */
  memory: boolean;
  current: number;
  peak: number;
  swap: number;
  /** lines of memory.stat by name */
  stat: Map<string, number>;
  /** memory.events by name, counts */
  events: Map<string, number>;
  /** knobs that are not at their default, in pages (memory.oom.group: 1), by KNOB_IDS */
  knobs: Map<number, number>;
  /** pids of its processes and threads */
  pids: number[];
}

/** A parsed snapshot. */
export interface Initial {
  path: string;
  /** parents before children; the root first */
  cgroups: InitialCgroup[];
  /** cgroups that vanished, or came, while the snapshot was taken: the one half of them is missing */
  incomplete: number;
}

/** A knob's value that needs no row. */
const DEFAULTS: ReadonlyMap<string, string> = new Map([
  ['memory.max', 'max'],
  ['memory.high', 'max'],
  ['memory.low', '0'],
  ['memory.min', '0'],
  ['memory.swap.max', 'max'],
  ['memory.swap.high', 'max'],
  ['memory.oom.group', '0'],
]);
/** Files whose lines are one number each. */
const NUMBERS: ReadonlyMap<string, 'current' | 'peak' | 'swap'> = new Map([
  ['memory.current', 'current'],
  ['memory.peak', 'peak'],
  ['memory.swap.current', 'swap'],
] as const);
/** Files whose lines are `NAME NUMBER`. */
const TABLES: ReadonlyMap<string, 'stat' | 'events'> = new Map([
  ['memory.stat', 'stat'],
  ['memory.events', 'events'],
] as const);

/**
 * Reads a snapshot, plain or compressed. Throws InputError that names the file and the line for what is no line of a snapshot,
 * a value given twice, a number out of range; and for a snapshot without a cgroup that has a memory controller.
 */
export async function readInitial(path: string): Promise<Initial> {
  const source = await ByteSource.open(path);
  try {
    const reader = new LineReader(source);
    const parser = new Parser(source.path);
    for (let chunk = await reader.next(); chunk !== null; chunk = await reader.next()) {
      const { text } = chunk;
      let number = chunk.firstLine;
      for (let start = 0; start < text.length; number++) {
        const end = text.indexOf('\n', start);
        if (end > start) parser.line(text.slice(start, end), number);
        start = end + 1;
      }
    }
    return parser.finish();
  } finally {
    source.close();
  }
}

interface Draft extends InitialCgroup {
  seen: Set<string>;
}

class Parser {
  readonly #file: string;
  readonly #cgroups = new Map<string, Draft>();
  readonly #ids = new Map<number, string>();
  #pids = 0;

  constructor(file: string) {
    this.#file = file;
  }

  line(text: string, number: number): void {
    if (text.startsWith('id ')) {
      this.#id(text, number);
      return;
    }
    // A path may hold colons: the one that counts follows the name of a file.
    for (let colon = text.indexOf(':'); colon !== -1; colon = text.indexOf(':', colon + 1)) {
      const slash = text.lastIndexOf('/', colon);
      const file = text.slice(slash + 1, colon);
      if (slash === -1 || !/^(memory\.[\w.]+|cgroup\.(procs|threads|subtree_control))$/.test(file)) continue;
      this.#value(this.#pathOf(text.slice(0, slash), number), file, text.slice(colon + 1), number);
      return;
    }
    throw this.#error(number, 'not a line of a cgroup snapshot (neither `id NUMBER ./PATH` nor `./PATH/FILE:VALUE`)');
  }

  finish(): Initial {
    const cgroups: InitialCgroup[] = [];
    const byPath = new Map<string, InitialCgroup>();
    let incomplete = 0;
    // A parent's path is shorter than its child's, and a prefix of it.
    const drafts = [...this.#cgroups.values()].sort(
      (a, b) => a.path.length - b.path.length || (a.path < b.path ? -1 : 1),
    );
    if (this.#ids.size === 0) throw new InputError(`${this.#file}: no cgroup in it (no line \`id NUMBER ./PATH\`)`);
    for (const { seen, ...cgroup } of drafts) {
      if (cgroup.id === 0 || (seen.size === 0 && cgroup.path !== '/')) {
        incomplete++;
        continue;
      }
      if (cgroup.path !== '/') cgroup.parent = above(byPath, cgroup.path);
      byPath.set(cgroup.path, cgroup);
      cgroups.push(cgroup);
    }
    if (byPath.get('/') === undefined) throw new InputError(`${this.#file}: no line \`id NUMBER .\` for the root`);
    if (!cgroups.some((cgroup) => cgroup.memory && cgroup.path !== '/'))
      throw new InputError(`${this.#file}: no memory.current of any cgroup: is the memory controller on?`);
    return { path: this.#file, cgroups, incomplete };
  }

  #id(text: string, number: number): void {
    const space = text.indexOf(' ', 3);
    const id = decimal(text.slice(3, space));
    if (space === -1 || id === null || id === 0) throw this.#error(number, 'field id: not a cgroup id');
    const path = this.#pathOf(text.slice(space + 1), number);
    const cgroup = this.#at(path, number);
    if (cgroup.id !== 0) throw this.#error(number, `${path} is listed twice`);
    const other = this.#ids.get(id);
    if (other !== undefined) throw this.#error(number, `id ${id} is that of ${other} already`);
    cgroup.id = id;
    this.#ids.set(id, path);
  }

  /** `.` or `./a/b` as the path of a cgroup. */
  #pathOf(text: string, number: number): string {
    if (text === '.') return '/';
    if (!text.startsWith('./') || text.length === 2 || text.endsWith('/') || text.includes('//'))
      throw this.#error(number, `${JSON.stringify(text.slice(0, 80))} is no path below the cgroup tree (./a/b)`);
    return keep(text.slice(1));
  }

  #at(path: string, number: number): Draft {
    let cgroup = this.#cgroups.get(path);
    if (cgroup === undefined) {
      if (this.#cgroups.size >= MAX_CGROUPS) throw this.#error(number, `more than ${MAX_CGROUPS} cgroups`);
      cgroup = {
        path,
        id: 0,
        parent: null,
        memory: path === '/',
        current: 0,
        peak: 0,
        swap: 0,
        stat: new Map(),
        events: new Map(),
        knobs: new Map(),
        pids: [],
        seen: new Set(),
      };
      this.#cgroups.set(path, cgroup);
    }
    return cgroup;
  }

  #value(path: string, file: string, value: string, number: number): void {
    const cgroup = this.#at(path, number);
    if (file === 'cgroup.procs' || file === 'cgroup.threads') {
      const pid = decimal(value);
      if (pid === null || pid > PID_END) throw this.#error(number, `field ${file}: ${quote(value)} is not a pid`);
      if (++this.#pids > MAX_PIDS) throw this.#error(number, `more than ${MAX_PIDS} pids`);
      // 0: a process of another pid namespace
      if (pid > 0) cgroup.pids.push(pid);
      cgroup.seen.add('cgroup');
      return;
    }
    const table = TABLES.get(file);
    const column = NUMBERS.get(file);
    if (table !== undefined) {
      const space = value.indexOf(' ');
      const name = value.slice(0, space);
      const amount = decimal(value.slice(space + 1));
      if (space <= 0 || amount === null) throw this.#error(number, `field ${file}: ${quote(value)} is not NAME NUMBER`);
      if (cgroup[table].has(name)) throw this.#error(number, `${path}: ${name} of ${file} is given twice`);
      cgroup[table].set(keep(name), amount);
    } else if (column !== undefined || KNOB_IDS.has(file)) {
      if (cgroup.seen.has(file)) throw this.#error(number, `${path}: ${file} is given twice`);
      if (column === undefined) {
        const knob = parseKnobWrite(`x/${file} ${value}`);
        if (knob === null) throw this.#error(number, `field ${file}: ${quote(value)} is no value of this file`);
        if (value !== DEFAULTS.get(file)) cgroup.knobs.set(knob.knob, knob.value);
      } else {
        const amount = decimal(value);
        if (amount === null) throw this.#error(number, `field ${file}: ${quote(value)} is not a number of bytes`);
        cgroup[column] = amount;
        if (column === 'current') cgroup.memory = true;
      }
    }
    cgroup.seen.add(file);
  }

  #error(line: number, what: string): InputError {
    return new InputError(`${this.#file}:${line}: ${what}`);
  }
}

function above(byPath: ReadonlyMap<string, InitialCgroup>, path: string): InitialCgroup | null {
  for (let at = path; at !== '/'; ) {
    const slash = at.lastIndexOf('/');
    at = slash <= 0 ? '/' : at.slice(0, slash);
    const cgroup = byPath.get(at);
    if (cgroup?.memory) return cgroup;
  }
  return null;
}

/** A whole number up to 2^53; null for anything else. */
function decimal(text: string): number | null {
  if (!/^\d{1,16}$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

function quote(value: string): string {
  return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
}
