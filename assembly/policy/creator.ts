// Userspace places a resource where it is to be charged: it is made in the persistent cgroup while no instance runs, and its pages go to
// the cgroup that made it, as long as that is the toucher's own or an ancestor of it; else to the toucher. Debate 2, row P5.
//
// Of a file on a mount it is who mounted ("the cgroup which created the [tmpfs] instance").
import * as L from '../layout';
import { isDescendant } from '../memcg/memcg';
import { bondAt, policyTables } from '../memory';

/** The memcg that made a resource; 0: nobody knows. */
function creatorOf(object: u32): u32 {
  let mount = load<u32>(bondAt(object), L.BOND_SUPER);
  let mounted = mount ? load<u32>(bondAt(mount), L.BOND_CREATOR) : 0;
  return mounted ? mounted : load<u32>(bondAt(object), L.BOND_CREATOR);
}

/** The memcg that is charged for a page of `object` (0: private memory) which `toucher` would pay for in Linux. */
export function creatorPayer(task: u32, object: u32, toucher: u32): u32 {
  if (!object || !policyTables) return toucher;
  let creator = creatorOf(object);
  return creator && isDescendant(toucher, creator) ? creator : toucher;
}
