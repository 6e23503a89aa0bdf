// What the model knows of an inode beside its pages: how long it is, and whether it is dirty. fs/fs-writeback.c (struct bdi_writeback:
// b_dirty, in the order of dirtied_when), include/linux/fs.h (i_size).
import * as L from '../layout';
import { headerGet, headerSet, inodeAt, objectAt } from '../memory';
import { CALL_QUOTA, giveQuota, takeQuota } from './quota';

@inline export function dirtyPages(object: u32): u32 {
  return load<u32>(inodeAt(object), L.INODE_DIRTY);
}
/** The inode that is dirty for longest; 0: none is. */
@inline export function oldestDirty(): u32 {
  return headerGet(L.H_DIRTY_FIRST);
}
/** The inode that became dirty next after this one. */
@inline export function nextDirty(object: u32): u32 {
  return load<u32>(inodeAt(object), L.INODE_NEXT);
}

/** A page of the inode became dirty. The first one puts it on the list: since `now`, on the account of `memcg` (inode_attach_wb()). */
export function inodeDirtied(object: u32, memcg: u32, now: u64): void {
  let at = inodeAt(object);
  let pages = load<u32>(at, L.INODE_DIRTY);
  store<u32>(at, pages + 1, L.INODE_DIRTY);
  headerSet(L.H_NR_DIRTY, headerGet(L.H_NR_DIRTY) + 1);
  if (pages) return;
  store<u64>(at, now, L.INODE_DIRTIED_WHEN);
  store<u32>(at, memcg, L.INODE_WB);
  if (!load<u32>(at, L.INODE_WRITE_MEMCG) && load<u32>(at, L.INODE_BACKING)) store<u32>(at, memcg, L.INODE_WRITE_MEMCG);
  let last = headerGet(L.H_DIRTY_LAST);
  store<u32>(at, last, L.INODE_PREVIOUS);
  store<u32>(at, 0, L.INODE_NEXT);
  if (last) store<u32>(inodeAt(last), object, L.INODE_NEXT);
  else headerSet(L.H_DIRTY_FIRST, object);
  headerSet(L.H_DIRTY_LAST, object);
}

/** A page of the inode is dirty no more. With the last one it leaves the list. */
export function inodeCleaned(object: u32): void {
  let at = inodeAt(object);
  let pages = load<u32>(at, L.INODE_DIRTY) - 1;
  store<u32>(at, pages, L.INODE_DIRTY);
  headerSet(L.H_NR_DIRTY, headerGet(L.H_NR_DIRTY) - 1);
  if (pages) return;
  let next = load<u32>(at, L.INODE_NEXT);
  let previous = load<u32>(at, L.INODE_PREVIOUS);
  if (next) store<u32>(inodeAt(next), previous, L.INODE_PREVIOUS);
  else headerSet(L.H_DIRTY_LAST, previous);
  if (previous) store<u32>(inodeAt(previous), next, L.INODE_NEXT);
  else headerSet(L.H_DIRTY_FIRST, next);
  store<u64>(at, 0, L.INODE_DIRTIED_WHEN);
  store<u64>(at, 0, L.INODE_NEXT); // and INODE_PREVIOUS
  store<u64>(at, 0, L.INODE_WB); // and INODE_WRITE_INDEX
}

/**
 * i_size in pages, as far as the trace has told: by `object_new`, by accesses, by a `truncate` to it. So a file whose size nobody has told
 * ends, for readahead, where it was accessed last: nothing is read that may not exist.
 */
@inline export function inodeSize(object: u32): u64 {
  return load<u32>(inodeAt(object), L.INODE_SIZE);
}
export function setInodeSize(object: u32, pages: u64): void {
  store<u32>(inodeAt(object), <u32>min<u64>(pages, 0xffffffff), L.INODE_SIZE);
}
/** An access shows that the file reaches so far. */
@inline export function inodeReaches(object: u32, pages: u64): void {
  if (pages > inodeSize(object)) setInodeSize(object, pages);
}
/** shmem_inode_acct_blocks(): one page more of a file. 0; CALL_NO_SPACE: its tmpfs is full; CALL_QUOTA: its owner may have no more. */
export function takeBlock(object: u32): u32 {
  let sb = load<u32>(inodeAt(object), L.INODE_SUPER);
  if (!sb) return 0;
  let at = inodeAt(sb);
  let used = load<u32>(at, L.INODE_SB_USED);
  let most = load<u32>(at, L.INODE_SB_MAX);
  if (most && used >= most) return L.CALL_NO_SPACE;
  if (!takeQuota(object)) return CALL_QUOTA;
  store<u32>(at, used + 1, L.INODE_SB_USED);
  return 0;
}
/** shmem_inode_unacct_blocks() */
export function giveBlocks(object: u32, pages: u32): void {
  let sb = load<u32>(inodeAt(object), L.INODE_SUPER);
  if (!sb) return;
  store<u32>(inodeAt(sb), load<u32>(inodeAt(sb), L.INODE_SB_USED) - pages, L.INODE_SB_USED);
  giveQuota(object, pages);
}
/** The super block (another object; 0: none) that a new shmem object belongs to. */
export function setSuper(object: u32, sb: u32): void {
  store<u32>(inodeAt(object), sb, L.INODE_SUPER);
}
/** A super block's limit in pages; 0: any number. */
export function setSuperMax(sb: u32, pages: u32): void {
  store<u32>(inodeAt(sb), pages, L.INODE_SB_MAX);
}
export function superUsed(sb: u32): u32 {
  return load<u32>(inodeAt(sb), L.INODE_SB_USED);
}

/** i_blocks of a shmem object: its pages, in memory and in swap. */
export function objectPages(object: u32): u32 {
  return load<u32>(objectAt(object) + L.OBJECT_RADIX, L.RADIX_ENTRIES);
}

/** The inode is gone; its id may be used again. */
export function forgetInode(object: u32): void {
  let at = inodeAt(object);
  store<u32>(at, 0, L.INODE_SIZE);
  memory.fill(at + L.INODE_BACKING, 0, L.INODE_STRIDE - L.INODE_BACKING);
  store<u32>(at, load<u32>(at, L.INODE_GENERATION) + 1, L.INODE_GENERATION);
}
