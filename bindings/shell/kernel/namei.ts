/** From paths to inodes. fs/namei.c. */
import { SyscallError } from './error.ts';
import type { MountNamespace, Path } from './mount.ts';
import { Mount } from './mount.ts';
import { type Caller, type Inode, NAME_MAX } from './vfs.ts';

const PATH_MAX = 4096;
const MAXSYMLINKS = 40;

/** Where a process stands. */
export interface Position {
  readonly caller: Caller;
  readonly namespace: MountNamespace;
  readonly root: Path;
  readonly cwd: Path;
}

/** What a path's last name is in its directory. */
export interface Last {
  readonly directory: Path;
  /** `.`, `..` or `/` where the path ends so */
  readonly name: string;
  /** what is there, its mounts followed but no symbolic link; null: nothing */
  readonly found: Path | null;
  /** the path ends in a slash */
  readonly slash: boolean;
}

export const MAY_READ = 4;
export const MAY_WRITE = 2;
export const MAY_EXEC = 1;

/** generic_permission(): root may all but execute what nobody may. */
export function permitted(inode: Inode, mask: number, { uid, gid }: { uid: number; gid: number }): boolean {
  const { mode } = inode;
  if (uid === 0) return (mask & MAY_EXEC) === 0 || inode.type === 'directory' || (mode & 0o111) !== 0;
  const shift = uid === inode.uid ? 6 : gid === inode.gid ? 3 : 0;
  return ((mode >> shift) & mask) === mask;
}

/** SyscallError EACCES. */
export function checkPermission(inode: Inode, mask: number, who: { uid: number; gid: number }): void {
  if (!permitted(inode, mask, who)) throw new SyscallError('EACCES');
}

/** May entries of the directory come and go? SyscallError EROFS, EACCES; ENOENT in one that is removed. */
export function mayChange({ mount, inode }: Path, caller: Caller): void {
  if (inode.nlink === 0) throw new SyscallError('ENOENT');
  checkPermission(inode, MAY_WRITE | MAY_EXEC, caller);
  if (mount.readonly) throw new SyscallError('EROFS');
}

/** In a sticky directory only owners remove. SyscallError EPERM. */
export function checkSticky(directory: Inode, victim: Inode, { uid }: { uid: number }): void {
  if ((directory.mode & 0o1000) !== 0 && uid !== 0 && uid !== victim.uid && uid !== directory.uid)
    throw new SyscallError('EPERM');
}

function upwards(at: Path, root: Path): Path {
  let { mount, inode } = at;
  if (mount === root.mount && inode === root.inode) return at;
  while (inode === mount.root) {
    if (mount.parent === null) return at;
    inode = mount.point!;
    mount = mount.parent;
    if (mount === root.mount && inode === root.inode) return { mount, inode };
  }
  return { mount, inode: inode.parent ?? inode };
}

/** Walks all but the last name. */
function walk(position: Position, path: string, from: Path, links: { left: number }): Omit<Last, 'found'> {
  if (path === '') throw new SyscallError('ENOENT');
  if (path.length >= PATH_MAX) throw new SyscallError('ENAMETOOLONG');
  const names = path.split('/').filter((name) => name !== '');
  const slash = path.endsWith('/');
  let at = path.startsWith('/') ? position.namespace.descend(position.root) : from;
  if (names.length === 0) return { directory: at, name: '/', slash };
  for (const name of names.slice(0, -1)) {
    at = step(position, at, name, links);
    if (at.inode.type !== 'directory') throw new SyscallError('ENOTDIR');
  }
  return { directory: at, name: names.at(-1)!, slash };
}

/** A path's end that is no name: LAST_ROOT, LAST_DOT, LAST_DOTDOT. */
export function isSpecial(name: string): boolean {
  return name === '/' || name === '.' || name === '..';
}

/** The entry of a directory, its mounts followed; null: there is none. */
export function enter(position: Position, at: Path, name: string): Path | null {
  if (at.inode.type !== 'directory') throw new SyscallError('ENOTDIR');
  checkPermission(at.inode, MAY_EXEC, position.caller);
  if (name === '/' || name === '.') return at;
  if (name === '..') return position.namespace.descend(upwards(at, position.root));
  if (name.length > NAME_MAX) throw new SyscallError('ENAMETOOLONG');
  const inode = at.inode.lookup(name, position.caller);
  return inode === null ? null : position.namespace.descend({ mount: at.mount, inode });
}

function followLink(position: Position, directory: Path, link: Path, links: { left: number }): Path {
  if (links.left-- === 0) throw new SyscallError('ELOOP');
  const magic = link.inode.follow(position.caller);
  if (magic !== null) return { mount: magic.mount instanceof Mount ? magic.mount : link.mount, inode: magic.inode };
  return resolve(position, link.inode.readlink(position.caller), directory, links);
}

/** One name on: links are followed. */
function step(position: Position, at: Path, name: string, links: { left: number }): Path {
  const found = enter(position, at, name);
  if (found === null) throw new SyscallError('ENOENT');
  return found.inode.type === 'symlink' ? followLink(position, at, found, links) : found;
}

function resolve(position: Position, path: string, from: Path, links: { left: number }): Path {
  const { directory, name, slash } = walk(position, path, from, links);
  const found = step(position, directory, name, links);
  if (slash && found.inode.type !== 'directory') throw new SyscallError('ENOTDIR');
  return found;
}

/** What a path leads to. `nofollow`: a link at its end is what is meant, unless a slash follows it. */
export function lookup(position: Position, path: string, options: { nofollow?: boolean } = {}): Path {
  if (!options.nofollow || path.endsWith('/')) return resolve(position, path, position.cwd, { left: MAXSYMLINKS });
  const { found } = lookupLast(position, path);
  if (found === null) throw new SyscallError('ENOENT');
  return found;
}

/** The directory that a path ends in, and what is there of its last name. */
export function lookupLast(position: Position, path: string): Last {
  const last = walk(position, path, position.cwd, { left: MAXSYMLINKS });
  return { ...last, found: enter(position, last.directory, last.name) };
}

/** The directory that a path ends in and its last name, whatever is there. */
export function lookupParent(position: Position, path: string): Omit<Last, 'found'> {
  return walk(position, path, position.cwd, { left: MAXSYMLINKS });
}

/** As lookupLast(), behind the symbolic links at the end: where open(O_CREAT) creates. SyscallError EISDIR: it ends in a slash. */
export function lookupCreate(position: Position, path: string): Last {
  const links = { left: MAXSYMLINKS };
  let from = position.cwd;
  let text = path;
  for (;;) {
    const last = walk(position, text, from, links);
    if (last.slash && !isSpecial(last.name)) throw new SyscallError('EISDIR');
    const found = enter(position, last.directory, last.name);
    if (found === null || found.inode.type !== 'symlink') return { ...last, found };
    if (links.left-- === 0) throw new SyscallError('ELOOP');
    const magic = found.inode.follow(position.caller);
    if (magic !== null)
      return {
        ...last,
        found: { mount: magic.mount instanceof Mount ? magic.mount : found.mount, inode: magic.inode },
      };
    text = found.inode.readlink(position.caller);
    from = last.directory;
  }
}

/** The absolute path of a directory as seen from a root: d_path(); of a file, with its name. */
export function pathOf(at: Path, root: Path, name?: string): string {
  const names: string[] = name === undefined ? [] : [name];
  let { mount, inode } = at;
  let deleted = false;
  while (!(mount === root.mount && inode === root.inode)) {
    if (inode === mount.root) {
      if (mount.parent === null) break;
      inode = mount.point!;
      mount = mount.parent;
      continue;
    }
    names.unshift(inode.name);
    if (inode.parent === null) {
      deleted = true;
      break;
    }
    inode = inode.parent;
  }
  return `/${names.join('/')}${deleted ? ' (deleted)' : ''}`;
}
