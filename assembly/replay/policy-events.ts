// The rows that only charging policies and their mechanisms read: mounts, domains, credentials, loop devices, BPF maps, locks.
// Under Linux' own answers most of them change nothing that is charged.
import { EINVAL } from '../constants';
import * as L from '../layout';
import { outOfRange, policyTables } from '../memory';
import { mountAt, setCredentials, setNamespace, unmount } from '../policy/mount';
import * as O from './ops';

/** One staged row of modelled residency, OP_MOUNT and above. 0, or -errno with H_ERROR_FIELD and H_ERROR_VALUE. */
export function policyEvent(row: u32, op: u32, cpu: u32, task: u32, flags: u32, index: u64): i32 {
  if (op >= O.NR_OPS) return outOfRange(L.FIELD_OP, load<u8>(row, L.COLUMN_OP), EINVAL);
  if (!policyTables) return 0;
  let cgroup = load<u32>(<usize>row << 2, L.COLUMN_CGROUP);
  let object = load<u32>(<usize>row << 2, L.COLUMN_OBJECT);
  let count = load<u32>(<usize>row << 2, L.COLUMN_COUNT);
  switch (op) {
    case O.OP_MOUNT:
      return mountAt(task, cgroup, object, count);
    case O.OP_UMOUNT:
      return unmount(task, cpu, object);
    case O.OP_CRED:
      return setCredentials(task, cgroup, index);
    case O.OP_SETNS:
      return setNamespace(task, cgroup);
  }
  return 0;
}
