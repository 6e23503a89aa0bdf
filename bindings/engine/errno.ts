/** The errno values that the engine answers, by number. The names are the kernel's. */
import { constants } from 'node:os';

/** Other names of EAGAIN and EOPNOTSUPP. */
const ALIASES = new Set(['EWOULDBLOCK', 'ENOTSUP']);

const names = new Map(
  Object.entries(constants.errno)
    .filter(([name]) => !ALIASES.has(name))
    .map(([name, value]) => [value, name]),
);

/** `EBUSY` for 16. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}
