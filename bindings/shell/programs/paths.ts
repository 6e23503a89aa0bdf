/** Paths as text, as gnulib's dirname module sees them. */

/** The path without trailing slashes, but `/`. */
export function stripSlashes(path: string): string {
  const bare = path.replace(/\/+$/, '');
  return bare === '' && path !== '' ? '/' : bare;
}

/** The last component, without trailing slashes; `/` of the root. */
export function baseName(path: string): string {
  const bare = stripSlashes(path);
  return bare === '/' ? '/' : bare.slice(bare.lastIndexOf('/') + 1);
}

/** What stands before the last component; `.` when nothing does. */
export function dirName(path: string): string {
  const bare = stripSlashes(path);
  const at = bare.lastIndexOf('/');
  if (at < 0) return '.';
  return stripSlashes(bare.slice(0, at + 1));
}

/** `directory/name`, with one slash. */
export function joinPath(directory: string, name: string): string {
  return directory.endsWith('/') ? directory + name.replace(/^\/+/, '') : `${directory}/${name.replace(/^\/+/, '')}`;
}
