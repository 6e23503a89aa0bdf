/**
 * Extended attributes. fs/xattr.c: xattr_permission(). One of them is heard by a charging policy whose payers are resource domains: it says which
 * domain a file is for.
 */
import { SyscallError } from './error.ts';
import { type MAY_READ, MAY_WRITE } from './namei.ts';
import type { Caller, Inode } from './vfs.ts';

/** `persistent`: for the nearest domain; `shared`; or the name of a domain. */
export const DOMAIN_ATTRIBUTE = 'user.memcg_domain';

/** XATTR_NAME_MAX, XATTR_SIZE_MAX */
const NAME_MOST = 255;
const VALUE_MOST = 65536;

/** SyscallError EOPNOTSUPP, EPERM, ENODATA, and as of `permission`. */
export function checkAttribute(
  inode: Inode,
  name: string,
  caller: Caller,
  want: typeof MAY_READ | typeof MAY_WRITE,
  permission: () => void,
): void {
  const dot = name.indexOf('.');
  const space = name.slice(0, dot);
  if (name.length > NAME_MOST) throw new SyscallError('ERANGE');
  if (dot <= 0 || !inode.fs.attributes.includes(space)) throw new SyscallError('EOPNOTSUPP');
  if (dot === name.length - 1) throw new SyscallError('EINVAL');
  const refused = () => new SyscallError(want === MAY_WRITE ? 'EPERM' : 'ENODATA');
  if (space === 'trusted') {
    if (caller.uid !== 0) throw refused();
    return;
  }
  if (inode.type !== 'file' && inode.type !== 'directory') throw refused();
  permission();
}

/** setxattr(2), or removexattr(2) with `null`, after the checks. SyscallError E2BIG, ENODATA. */
export function setAttribute(inode: Inode, name: string, value: string | null): void {
  if (value !== null && value.length > VALUE_MOST) throw new SyscallError('E2BIG');
  if (value === null) {
    if (!inode.xattrs.delete(name)) throw new SyscallError('ENODATA');
  } else inode.xattrs.set(name, value);
  inode.attributeChanged(name, value);
}
