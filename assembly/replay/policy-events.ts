// The rows that only charging policies and their mechanisms read: mounts, domains, credentials, loop devices, BPF maps, locks.
// Under Linux' own answers most of them change nothing that is charged.
import { EINVAL } from '../constants';
import { loopConfigure, loopIo } from '../folio/loop';
import * as L from '../layout';
import { mapDelete, mapUpdate, progLoad } from '../folio/bpf';
import { releaseLock, takeLock } from '../policy/call';
import { outOfRange, policyTables } from '../memory';
import { declareDomain, markObject } from '../policy/domain';
import { mountAt, setCredentials, setNamespace, unmount } from '../policy/mount';
import { recharge, reopen } from '../policy/reuse';
import { grantAt } from '../policy/named';
import * as O from './ops';

/** One staged row of modelled residency, OP_MOUNT and above. 0, or -errno with H_ERROR_FIELD and H_ERROR_VALUE. */
export function policyEvent(row: u32, op: u32, cpu: u32, task: u32, flags: u32, index: u64): i32 {
  if (op >= O.NR_OPS) return outOfRange(L.FIELD_OP, load<u8>(row, L.COLUMN_OP), EINVAL);
  if (op == O.OP_LOCK) return takeLock(task, index);
  if (op == O.OP_UNLOCK) {
    releaseLock(task);
    return 0;
  }
  if (!policyTables) return 0;
  let cgroup = load<u32>(<usize>row << 2, L.COLUMN_CGROUP);
  let object = load<u32>(<usize>row << 2, L.COLUMN_OBJECT);
  let count = load<u32>(<usize>row << 2, L.COLUMN_COUNT);
  let gfp: u32 = load<u16>(<usize>row << 1, L.COLUMN_GFP);
  switch (op) {
    case O.OP_MOUNT:
      return mountAt(task, cgroup, object, count);
    case O.OP_UMOUNT:
      return unmount(task, cpu, object);
    case O.OP_DOMAIN:
      return cgroup ? declareDomain(cgroup, <u32>index) : markObject(object, <u32>index);
    case O.OP_GRANT:
      return grantAt(cgroup, <u32>index);
    case O.OP_CRED:
      return setCredentials(task, cgroup, index);
    case O.OP_SETNS:
      return setNamespace(task, cgroup);
    case O.OP_MAP_UPDATE:
      return mapUpdate(flags & O.FLAG_IRQ ? 0 : task, cpu, object, index, count, (flags >> O.FLAG_KIND_SHIFT) & O.FLAG_KIND_MASK, gfp);
    case O.OP_MAP_DELETE:
      return mapDelete(cpu, object, index);
    case O.OP_PROG_LOAD:
      return progLoad(task, cpu, object, count, gfp);
    case O.OP_REOPEN:
      return reopen(task, cpu, object, (flags & O.FLAG_IN_CALL) != 0);
    case O.OP_RECHARGE:
      return recharge(task, cpu, object, cgroup, (flags & O.FLAG_IN_CALL) != 0);
    case O.OP_LOOP_CONFIGURE:
      return loopConfigure(object, count, index, cgroup);
    case O.OP_LOOP_IO:
      return loopIo(task, cpu, object, index, count, (flags & O.FLAG_WRITE) != 0, cgroup);
  }
  return 0;
}
