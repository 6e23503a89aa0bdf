// Userspace names the payer of a resource when it makes it. Debate 2, row P6: "we must ensure that a descendant can't move charges up or
// across the tree without the ancestors allowing it".
//
//        g          LCA      up: g and all that are skipped on the way there must allow it
//      ┌─┴─┐
//      c   d                 across: g as before, and d and t
//      │   │
//      a   t                 a names t: c and g (up), d and t (across). Down into one's own subtree: what is below.
import { ENOENT, EPERM } from '../constants';
import * as L from '../layout';
import { commonAncestor, isDescendant, memcgExists, memcgState, nearestOnline, parentOf } from '../memcg/memcg';
import { bondAt, mmAt, outOfRange, policyMemcgAt, policyTables } from '../memory';
import { taskMemcg } from '../task/task';

@inline function allows(memcg: u32): bool {
  return load<u32>(policyMemcgAt(memcg), L.PM_GRANTS) != 0;
}

/** Whether a task (0: nobody known, who may) may name `target`: 0; ENOENT: it is not there for it; EPERM: some cgroup does not allow it. */
export function mayName(task: u32, target: u32): u32 {
  if (memcgState(target) != L.MEMCG_ONLINE) return ENOENT;
  if (!task) return 0;
  let namespace = load<u32>(mmAt(task), L.TASK_NAMESPACE);
  if (namespace && !isDescendant(target, namespace)) return ENOENT;
  let own = taskMemcg(task);
  let top = commonAncestor(own, target);
  for (let m = own; m != top; m = parentOf(m)) if (m != own && !allows(m)) return EPERM;
  if (top != own && !allows(top)) return EPERM;
  for (let m = target; m != top; m = parentOf(m)) if (!allows(m)) return EPERM;
  return 0;
}

/** A cgroup allows (1), or forbids (0), that others name it, or one below or beside it by way of it. Who was named stays. */
export function grantAt(memcg: u32, allowed: u32): i32 {
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  store<u32>(policyMemcgAt(memcg), allowed ? 1 : 0, L.PM_GRANTS);
  return 0;
}

/** The memcg that is charged for a page of `object` (0: private memory) which `toucher` would pay for in Linux. */
export function namedPayer(task: u32, object: u32, toucher: u32): u32 {
  if (!object || !policyTables) return toucher;
  let named = load<u32>(bondAt(object), L.BOND_PAYER);
  if (named) return nearestOnline(named);
  let mount = load<u32>(bondAt(object), L.BOND_SUPER);
  named = mount ? load<u32>(bondAt(mount), L.BOND_PAYER) : 0;
  return named ? nearestOnline(named) : toucher;
}
