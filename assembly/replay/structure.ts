// The rows that mean the same in both residencies: cgroups, knobs, tasks, scopes.
import { writeKnob } from '../memcg/knobs';
import { mkdir, offline, removeBelow, rmdir } from '../memcg/lifecycle';
import { ROOT } from '../memory';
import { execProcess, exitProcess, forkProcess, spawnProcess } from '../task/process';
import { attach, enterScope, leaveScope } from '../task/task';
import * as L from '../layout';
import * as O from './ops';

/** The op is another driver's. */
export const NOT_STRUCTURE: i32 = 1;

/** One staged row. 0, a negative errno with H_ERROR_FIELD and H_ERROR_VALUE, or NOT_STRUCTURE. */
export function structureEvent(row: u32, op: u32, cpu: u32, task: u32, flags: u32, index: u64): i32 {
  let cgroup = load<u32>(<usize>row << 2, L.COLUMN_CGROUP);
  let object = load<u32>(<usize>row << 2, L.COLUMN_OBJECT);
  switch (op) {
    case O.OP_MKDIR:
      return mkdir(cgroup, object, index);
    case O.OP_RMDIR: {
      if (index) return removeBelow(cgroup, index - 1, cpu);
      let errno = rmdir(cgroup, true);
      if (!errno && !(flags & O.FLAG_OFFLINE_FOLLOWS)) errno = offline(cgroup, cpu);
      return errno;
    }
    case O.OP_OFFLINE:
      return offline(cgroup, cpu);
    case O.OP_ATTACH:
      return attach(task, cgroup);
    case O.OP_WRITE_KNOB:
      return writeKnob(cgroup, load<u32>(<usize>row << 2, L.COLUMN_COUNT), <i64>index, cpu);
    case O.OP_SPAWN:
      return spawnProcess(task, cpu, cgroup ? cgroup : ROOT, (flags & O.FLAG_KERNEL_THREAD) == 0);
    case O.OP_FORK:
      return forkProcess(task, cpu, object, (flags & O.FLAG_THREAD) != 0);
    case O.OP_EXEC:
      return execProcess(task, cpu);
    case O.OP_EXIT:
      return exitProcess(task, cpu);
    case O.OP_SCOPE_ENTER:
      return enterScope(task, cgroup);
    case O.OP_SCOPE_LEAVE:
      return leaveScope(task);
  }
  return NOT_STRUCTURE;
}
