/** Quotas of tmpfs, since 6.6: hard limits for every user and group but root. mm/shmem_quota.c; fs/quota/dquot.c: dquot_alloc_space(). */
import { SyscallError } from './error.ts';

/** Whose limit it is: a user's, a group's. */
const KINDS = ['usr', 'grp'] as const;
type Kind = (typeof KINDS)[number];

/** QIF_DQBLKSIZE_BITS and s64: SHMEM_QUOTA_MAX_SPC_LIMIT, SHMEM_QUOTA_MAX_INO_LIMIT */
const MOST = 2 ** 63 - 1;

export interface QuotaOptions {
  /** which are on */
  readonly on: readonly Kind[];
  /** bytes, and inodes; 0: no limit */
  readonly blocks: Readonly<Record<Kind, number>>;
  readonly inodes: Readonly<Record<Kind, number>>;
}

export const NO_QUOTA: QuotaOptions = { on: [], blocks: { usr: 0, grp: 0 }, inodes: { usr: 0, grp: 0 } };

/** What a word of mount's options changes; null: it is about something else. SyscallError EINVAL. */
export function quotaOption(
  options: QuotaOptions,
  name: string,
  value: string,
  parse: (text: string) => number,
): QuotaOptions | null {
  const on = name === 'quota' ? KINDS : KINDS.filter((kind) => name === `${kind}quota`);
  if (on.length > 0 && value === '')
    return { ...options, on: KINDS.filter((kind) => on.includes(kind) || options.on.includes(kind)) };
  const match = /^(usr|grp)quota_(block|inode)_hardlimit$/.exec(name);
  if (match === null) return null;
  const limit = parse(value);
  if (limit === 0 || limit > MOST) throw new SyscallError('EINVAL');
  const kind = match[1] as Kind;
  return match[2] === 'block'
    ? { ...options, blocks: { ...options.blocks, [kind]: limit } }
    : { ...options, inodes: { ...options.inodes, [kind]: limit } };
}

/** What /proc/mounts shows: shmem_show_options(). */
export function showQuota({ on, blocks, inodes }: QuotaOptions): string[] {
  const limits = KINDS.flatMap((kind) => [
    ...(blocks[kind] === 0 ? [] : [`${kind}quota_block_hardlimit=${blocks[kind]}`]),
    ...(inodes[kind] === 0 ? [] : [`${kind}quota_inode_hardlimit=${inodes[kind]}`]),
  ]);
  return [...on.map((kind) => `${kind}quota`), ...limits];
}

/** An inode's owners, and what it has. */
export interface Owned {
  readonly uid: number;
  readonly gid: number;
}

/**
 * How much more the owners of an inode may have, of what `used` counts for inodes that are theirs. Root (CAP_SYS_RESOURCE) is not limited, nor is what
 * root owns: ignore_hardlimit(), shmem_acquire_dquot().
 */
export function quotaRoom(
  { on, blocks, inodes }: QuotaOptions,
  what: 'blocks' | 'inodes',
  owner: Owned,
  uid: number,
  used: (isTheirs: (inode: Owned) => boolean) => number,
): number {
  if (uid === 0) return Number.POSITIVE_INFINITY;
  const limits = what === 'blocks' ? blocks : inodes;
  const rooms = on.map((kind) => {
    const field = kind === 'usr' ? 'uid' : 'gid';
    if (limits[kind] === 0 || owner[field] === 0) return Number.POSITIVE_INFINITY;
    return limits[kind] - used((inode) => inode[field] === owner[field]);
  });
  return Math.max(0, Math.min(Number.POSITIVE_INFINITY, ...rooms));
}
