/** Reads what the measuring scripts printed in the guest. */

/** What one cgroup with a held program said. Bytes, except pages. */
export interface Held {
  readonly stat: ReadonlyMap<string, number>;
  /** private pages of all mappings */
  readonly anon: number;
  /** pages mapped of each file */
  readonly mapped: ReadonlyMap<string, number>;
  /** pages of each file, and which of them are in the page cache */
  readonly files: ReadonlyMap<string, CachedFile>;
}

/** A file's length and the ranges that are cached, in pages. */
export interface CachedFile {
  readonly pages: number;
  readonly ranges: readonly (readonly [first: number, count: number])[];
}

/** Sections that begin with `= NAME`, as lines. */
export function sections(lines: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let current: string[] | null = null;
  for (const line of lines) {
    if (line.startsWith('= ')) {
      current = [];
      found.set(line.slice(2), current);
    } else current?.push(line);
  }
  return found;
}

/** One section of the script of held programs: memory.current, memory.stat, then the mappings. */
export function held(lines: readonly string[]): Held {
  const stat = new Map<string, number>();
  const mapped = new Map<string, number>();
  let anon = 0;
  const files = new Map<string, CachedFile>();
  let path = '';
  let rss = 0;
  for (const line of lines) {
    const map = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+\s*(.*)$/.exec(line);
    const field = /^(\w+):\s+(\d+) kB$/.exec(line);
    const file = /^(\/\S+) (\d+)((?: \d+\+\d+)*)$/.exec(line);
    const key = /^(\w+) (\d+)$/.exec(line);
    if (map !== null) path = map[1]!;
    else if (field !== null) {
      const pages = Number(field[2]) / 4;
      if (field[1] === 'Rss') rss = pages;
      if (field[1] !== 'Anonymous') continue;
      anon += pages;
      if (path.startsWith('/') && rss > pages) mapped.set(path, (mapped.get(path) ?? 0) + rss - pages);
    } else if (file !== null) {
      const ranges = [...file[3]!.matchAll(/(\d+)\+(\d+)/g)].map(
        (range) => [Number(range[1]), Number(range[2])] as const,
      );
      files.set(file[1]!, { pages: Math.ceil(Number(file[2]) / 4096), ranges });
    } else if (key !== null) stat.set(key[1]!, Number(key[2]));
  }
  return { stat, anon, mapped, files };
}
