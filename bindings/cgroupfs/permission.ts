/** Who may do what with a file or a directory: fs/namei.c: generic_permission(). */
import type { Attributes } from './directory.ts';
import type { Credentials } from './file-type.ts';

export const ROOT_USER: Credentials = { uid: 0, gid: 0 };

export const READ = 4;
export const WRITE = 2;
export const EXECUTE = 1;

export function isCapable({ uid, capable = uid === 0 }: Credentials): boolean {
  return capable;
}

/** Every bit of `wanted` is given. */
export function allowed({ mode, uid, gid }: Attributes, wanted: number, credentials: Credentials): boolean {
  if (isCapable(credentials)) return true;
  const member = credentials.gid === gid || (credentials.groups ?? []).includes(gid);
  const bits = credentials.uid === uid ? mode >> 6 : member ? mode >> 3 : mode;
  return (bits & wanted) === wanted;
}
