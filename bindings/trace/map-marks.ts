/**
 * `MAP pid=1187 anon 0 addr=0x7fad5bf5e000 len=8388608` and `MAP pid=288 file 0 /mnt/shm/f1 addr=… len=…`: mappings that a recording's
 * markers tell (the number is the recorder's own). They settle what a page that was brought in by a fault is.
 */

/** What a page of the mapping is that no page-cache line names: anonymous, or shared memory (a file of tmpfs). */
export type MappedAs = 'private' | 'shared';

/** Addresses in bytes; `path` is null for anonymous memory. */
export interface MarkedMapping {
  start: number;
  end: number;
  as: MappedAs;
  path: string | null;
}

/** Newer ones push out the oldest beyond this. */
const MAX_MAPPINGS = 256;

export class MapMarks {
  readonly #byPid = new Map<number, MarkedMapping[]>();

  /** Takes a marker's text; true if it tells of a mapping. */
  mark(text: string): boolean {
    if (!text.startsWith('MAP pid=')) return false;
    const parts = /^MAP pid=(\d{1,10}) (anon|file) \d{1,9}(?: (.*))? addr=0x([0-9a-f]{1,12}) len=(\d{1,15})$/.exec(
      text,
    );
    if (parts === null) return false;
    const pid = Number(parts[1]);
    const start = Number.parseInt(parts[4]!, 16);
    const mappings = this.#byPid.get(pid) ?? [];
    const as = parts[2] === 'file' ? 'shared' : 'private';
    mappings.push({ start, end: start + Number(parts[5]), as, path: as === 'shared' ? (parts[3] ?? '') : null });
    if (mappings.length > MAX_MAPPINGS) mappings.shift();
    this.#byPid.set(pid, mappings);
    return true;
  }

  /** What the process has at `address`, by its latest marker there; null: no marker tells. */
  at(pid: number, address: number): MappedAs | null {
    return this.find(pid, address)?.as ?? null;
  }

  /** The latest mapping of the process that has `address`; null: no marker tells. */
  find(pid: number, address: number): MarkedMapping | null {
    const mappings = this.#byPid.get(pid);
    if (mappings === undefined) return null;
    for (let i = mappings.length - 1; i >= 0; i--) {
      const { start, end } = mappings[i]!;
      if (address >= start && address < end) return mappings[i]!;
    }
    return null;
  }

  /** The child has what its parent has. */
  fork(parent: number, child: number): void {
    const mappings = this.#byPid.get(parent);
    if (mappings !== undefined) this.#byPid.set(child, mappings.slice());
  }

  /** exec and exit end the address space. */
  drop(pid: number): void {
    this.#byPid.delete(pid);
  }
}
