// Mounts, and who pays for what is on them. mm/shmem.c (struct shmem_sb_info), with an option memcg= that Linux does not have: all pages of
// the mount are charged to that memcg, whoever touches them. Debate 1, rows S2, S2a, S2d.
//
//     mount = object of type SUPER, its size limit in INODE_SB_MAX, its payer in BOND_PAYER
//       └─ file = object with INODE_SUPER, BOND_SUPER; BOND_CREATOR: who made it; BOND_PAYER: a payer of its own (memfd, SysV, POSIX shm)
//
// Who may mount with memcg=: uid 0; else who owns cgroup.procs of the target and of the lowest common ancestor of it and his own cgroup, as
// for moving himself there. A target outside his cgroup namespace, or one that is removed, does not exist for him.
import { EACCES, EINVAL, ENOENT } from '../constants';
import { objectFree, objectNew, typeOf } from '../folio/mapping';
import { setSuper, setSuperMax } from '../folio/inode';
import * as L from '../layout';
import { commonAncestor, isDescendant, memcgExists, memcgState } from '../memcg/memcg';
import { bondAt, headerGet, inodeAt, mmAt, objectsEnd, outOfRange, policyMemcgAt, policyTables } from '../memory';
import { OBJECT_SUPER } from '../replay/ops';
import { taskMemcg } from '../task/task';
import { mayName } from './named';
import { answer, refuseRow } from './policy';

@inline function uidOf(task: u32): u32 {
  return task ? load<u32>(mmAt(task), L.TASK_UID) : 0;
}
@inline function ownerUid(memcg: u32): u32 {
  return load<u32>(policyMemcgAt(memcg), L.PM_UID);
}

/** mkdir by a task: the directory's files are its user's. */
export function ownDirectory(memcg: u32, task: u32): void {
  store<u32>(policyMemcgAt(memcg), uidOf(task), L.PM_UID);
}

/** Whether the task (0: nobody known, root) may make `memcg` pay. 0, EACCES or ENOENT. */
function mayCharge(task: u32, memcg: u32): u32 {
  if (memcgState(memcg) != L.MEMCG_ONLINE) return ENOENT;
  if (!task) return 0;
  let namespace = load<u32>(mmAt(task), L.TASK_NAMESPACE);
  if (namespace && !isDescendant(memcg, namespace)) return ENOENT;
  let uid = uidOf(task);
  if (!uid) return 0;
  return ownerUid(memcg) == uid && ownerUid(commonAncestor(taskMemcg(task), memcg)) == uid ? 0 : EACCES;
}

/** Whether the payer that a row names may be had: 0, or the errno for which the row is refused. */
function refusal(task: u32, memcg: u32): u32 {
  if (!memcg) return 0;
  let payer = answer(L.POLICY_PAYER);
  if (payer == L.PAYER_NAMED) return mayName(task, memcg);
  return payer == L.PAYER_MOUNT ? mayCharge(task, memcg) : 0;
}

/**
 * mount(2) of a tmpfs as object `mount`: `memcg` pays (0: who touches), `pages` are its size (0: any). Of one that is mounted: a remount, after
 * which new pages are charged to another one. 0 or a negative errno.
 */
export function mountAt(task: u32, memcg: u32, mount: u32, pages: u32): i32 {
  if (memcg && !memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  let refused = refusal(task, memcg);
  if (refused) return refuseRow(refused);
  if (mount && mount < objectsEnd && typeOf(mount) == OBJECT_SUPER) {
    setSuperMax(mount, pages);
    store<u32>(bondAt(mount), memcg, L.BOND_PAYER);
    return 0;
  }
  let errno = objectNew(mount, OBJECT_SUPER, 0);
  if (errno) return errno;
  setSuperMax(mount, pages);
  forgetBond(mount);
  store<u32>(bondAt(mount), memcg, L.BOND_PAYER);
  store<u32>(bondAt(mount), task ? taskMemcg(task) : 0, L.BOND_CREATOR);
  return 0;
}

/** umount(2), after which nobody has the file system: its files go (evict_inodes()). One that was never mounted, being refused, is none. */
export function unmount(task: u32, cpu: u32, mount: u32): i32 {
  if (!mount || mount >= objectsEnd || !typeOf(mount)) return 0;
  if (typeOf(mount) != OBJECT_SUPER) return outOfRange(L.FIELD_OBJECT, mount, EINVAL);
  return objectFree(task, cpu, mount);
}

/** The files of a super block that goes. */
export function evictFiles(task: u32, cpu: u32, mount: u32): void {
  for (let object: u32 = 1; object < headerGet(L.H_OBJECT_END); object++)
    if (object != mount && typeOf(object) && load<u32>(inodeAt(object), L.INODE_SUPER) == mount) objectFree(task, cpu, object);
}

/**
 * A task makes a resource of this type: on a mount (0, or one that was refused: on none), with a payer of its own (0: none). What becomes
 * of that payer is the policy's to say; one that may not be charged is none, and a live call makes nothing then.
 */
export function objectMade(task: u32, object: u32, type: u32, size: u64, mount: u32, payer: u32): i32 {
  if (payer && !memcgExists(payer)) return outOfRange(L.FIELD_CGROUP, payer, ENOENT);
  let refused = policyTables ? refusal(task, payer) : 0;
  // What a trace goes on to name is made all the same, and has no payer of its own.
  if (refused && headerGet(L.H_CURRENT_ROW) == L.LIVE_ROW) return refuseRow(refused);
  let errno = objectNew(object, type, size);
  if (errno || !policyTables) return errno;
  forgetBond(object);
  let at = bondAt(object);
  if (!refused) store<u32>(at, payer, L.BOND_PAYER);
  store<u32>(at, task ? taskMemcg(task) : 0, L.BOND_CREATOR);
  if (mount && mount < objectsEnd && typeOf(mount) == OBJECT_SUPER) {
    store<u32>(at, mount, L.BOND_SUPER);
    setSuper(object, mount);
  }
  return refused ? refuseRow(refused) : 0;
}

/** The resource is gone, or another one begins under its id. */
export function forgetBond(object: u32): void {
  memory.fill(bondAt(object), 0, L.BOND_STRIDE);
}

/** setuid() of a task; or (`memcg`) chown of a cgroup's files to that user. */
export function setCredentials(task: u32, memcg: u32, uid: u64): i32 {
  if (memcg && !memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  if (uid > 0xffffffff) return outOfRange(L.FIELD_INDEX, uid, EINVAL);
  if (memcg) store<u32>(policyMemcgAt(memcg), <u32>uid, L.PM_UID);
  else if (task) store<u32>(mmAt(task), <u32>uid, L.TASK_UID);
  else return outOfRange(L.FIELD_TASK, 0, EINVAL);
  return 0;
}

/** setns(), unshare(CLONE_NEWCGROUP): the root of the task's cgroup namespace; 0: the initial one. */
export function setNamespace(task: u32, memcg: u32): i32 {
  if (!task) return outOfRange(L.FIELD_TASK, 0, EINVAL);
  if (memcg && !memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  store<u32>(mmAt(task), memcg, L.TASK_NAMESPACE);
  return 0;
}

/** The memcg that memcg= names for an object, or that it was made with; 0: none. */
export function mountPayer(object: u32): u32 {
  let at = bondAt(object);
  let own = load<u32>(at, L.BOND_PAYER);
  if (own) return own;
  let mount = load<u32>(at, L.BOND_SUPER);
  return mount ? load<u32>(bondAt(mount), L.BOND_PAYER) : 0;
}
