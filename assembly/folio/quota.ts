// Quotas of a tmpfs (6.6 and later, mm/shmem_quota.c): how many pages each user may have there, whoever writes them. It is the owner of
// the file who has them. root has no quota.
import { EDQUOT } from '../constants';
import * as L from '../layout';
import { bondAt, headerGet, headerSet, inodeAt, loopWorkerBase, policyTables } from '../memory';

/** The user has all that his quota allows. */
export const CALL_QUOTA: u32 = L.CALL_ERRNO + EDQUOT;

@inline function dquotAt(dquot: u32): usize {
  return loopWorkerBase + (L.NR_LOOP_WORKERS + 1) * L.LOOP_WORKER_STRIDE + <usize>dquot * L.DQUOT_STRIDE;
}

/** usrquota_block_hardlimit of a super block: pages for each user; 0: any number. */
export function setSuperQuota(sb: u32, pages: u32): void {
  if (policyTables) store<u32>(bondAt(sb), pages, L.BOND_QUOTA);
}

/** i_uid of an object, before it has pages. */
export function setObjectUid(object: u32, uid: u32): void {
  if (!policyTables) return;
  store<u32>(bondAt(object), uid, L.BOND_UID);
  store<u32>(bondAt(object), 0, L.BOND_DQUOT);
}

/** dqget(): the record of a user on a super block; 0: all of them are in use. */
function findDquot(sb: u32, uid: u32): u32 {
  let free: u32 = 0;
  let end = headerGet(L.H_DQUOTS);
  for (let dquot: u32 = 1; dquot <= end; dquot++) {
    let at = dquotAt(dquot);
    if (load<u32>(at, L.DQUOT_SUPER) == sb && load<u32>(at, L.DQUOT_UID) == uid) return dquot;
    if (!load<u32>(at, L.DQUOT_USED)) free = dquot;
  }
  if (!free) {
    if (end == L.NR_DQUOTS) return 0;
    free = end + 1;
    headerSet(L.H_DQUOTS, free);
  }
  store<u32>(dquotAt(free), sb, L.DQUOT_SUPER);
  store<u32>(dquotAt(free), uid, L.DQUOT_UID);
  store<u32>(dquotAt(free), 0, L.DQUOT_USED);
  return free;
}

/** dquot_alloc_block_nodirty(): one page more of a file. False: its owner has all that he may have. */
export function takeQuota(object: u32): bool {
  if (!policyTables) return true;
  let sb = load<u32>(inodeAt(object), L.INODE_SUPER);
  let limit = sb ? load<u32>(bondAt(sb), L.BOND_QUOTA) : 0;
  let uid = load<u32>(bondAt(object), L.BOND_UID);
  if (!limit || !uid) return true;
  let dquot = findDquot(sb, uid);
  if (!dquot || load<u32>(dquotAt(dquot), L.DQUOT_USED) >= limit) return false;
  store<u32>(dquotAt(dquot), load<u32>(dquotAt(dquot), L.DQUOT_USED) + 1, L.DQUOT_USED);
  store<u32>(bondAt(object), dquot, L.BOND_DQUOT);
  return true;
}

/** dquot_free_block_nodirty() */
export function giveQuota(object: u32, pages: u32): void {
  let dquot = policyTables ? load<u32>(bondAt(object), L.BOND_DQUOT) : 0;
  if (dquot) store<u32>(dquotAt(dquot), load<u32>(dquotAt(dquot), L.DQUOT_USED) - pages, L.DQUOT_USED);
}

/** What a user has on a super block, pages. */
export function quotaUsed(sb: u32, uid: u32): u32 {
  for (let dquot: u32 = 1; dquot <= headerGet(L.H_DQUOTS); dquot++) {
    let at = dquotAt(dquot);
    if (load<u32>(at, L.DQUOT_SUPER) == sb && load<u32>(at, L.DQUOT_UID) == uid) return load<u32>(at, L.DQUOT_USED);
  }
  return 0;
}
