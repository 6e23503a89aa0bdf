/** canonicalize(3) of gnulib over the world's names. */
import { SyscallError } from '../kernel/error.ts';
import type { Process } from '../kernel/syscalls.ts';

/** How much of a path has to exist: all of it, all but the last component, or nothing. */
export type Existence = 'all' | 'directory' | 'none';

/** The absolute path without links, dots and double slashes. @throws SyscallError */
export function canonical(process: Process, path: string, existence: Existence, links = true): string {
  if (path === '') throw new SyscallError('ENOENT');
  let done = path.startsWith('/') ? '' : process.getcwd().replace(/\/+$/, '');
  let rest = path.split('/');
  let followed = 0;
  while (rest.length > 0) {
    const [name, ...others] = rest;
    rest = others;
    if (name === '' || name === '.') {
      // A trailing slash asks for a directory.
      if (name === '' && rest.length === 0 && existence === 'all' && process.stat(done || '/').type !== 'directory')
        throw new SyscallError('ENOTDIR');
      continue;
    }
    if (name === '..') {
      done = done.slice(0, Math.max(0, done.lastIndexOf('/')));
      continue;
    }
    const next = `${done}/${name}`;
    const last = rest.every((part) => part === '' || part === '.');
    try {
      const stat = process.lstat(next);
      if (stat.type === 'symlink' && links) {
        if (++followed > 40) throw new SyscallError('ELOOP');
        const target = process.readlink(next);
        if (target.startsWith('/')) done = '';
        rest = [...target.split('/'), ...rest];
        continue;
      }
      if (stat.type !== 'directory' && !last && existence !== 'none') throw new SyscallError('ENOTDIR');
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (
        error.errno === 'ELOOP' ||
        existence === 'all' ||
        (existence === 'directory' && !(last && error.errno === 'ENOENT'))
      )
        throw error;
    }
    done = next;
  }
  return done === '' ? '/' : done;
}
