/** Services by their paths: of nested paths that were made more than once, the outermost. */

/** `made`: how often each path was made. */
export function outermost(made: ReadonlyMap<string, number>): string[] {
  return [...made.keys()].filter((path) => serviceOf(made, path) === path);
}

/** The service that a path is, or lies in; null: it is of none. */
export function serviceOf(made: ReadonlyMap<string, number>, path: string): string | null {
  const again = (outer: string) => (made.get(outer) ?? 0) > 1;
  for (let slash = path.indexOf('/', 1); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    const outer = path.slice(0, slash);
    if (again(outer)) return outer;
  }
  return again(path) ? path : null;
}
