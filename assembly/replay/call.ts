// The live door to modelled residency: what a program does, one call an entry into the kernel. A call is a row of a trace that is
// written where no batch is, so that both doors do the same: timers, the event itself, the batch of uncharges, the return to user mode.
import { EINVAL, ENOMEM, ERANGE, ESRCH } from '../constants';
import * as L from '../layout';
import { headerGet, headerGet64, headerSet, nodesEnd, nrCpus, outOfRange, taskAt } from '../memory';
import { taskExists } from '../task/task';
import { finishRow, runEvent } from './modelled';
import { OP_SPAWN } from './ops';

/**
 * One op (OP_*) with the columns that it has in a trace, now. 0; -ENOMEM: a limit refused, and what was done until then stays done;
 * -ESRCH: the task does not live (any more); or what the row would answer, with H_ERROR_FIELD and H_ERROR_VALUE. H_CALL_CHARGED has the
 * pages that were charged. -EINVAL where residency is not modelled.
 */
export function call(op: u32, task: u32, cpu: u32, cgroup: u32, object: u32, index: u64, count: u32, flags: u32, gfp: u32): i32 {
  if (nodesEnd == 1) return outOfRange(L.FIELD_OP, op, EINVAL);
  let alive = taskExists(task) && load<u32>(taskAt(task), L.TASK_STATE) == L.TASK_LIVE;
  headerSet(L.H_CALL_CHARGED, 0);
  headerSet(L.H_CALL_REFUSED, 0);
  if (task && op != OP_SPAWN && !alive) return outOfRange(L.FIELD_TASK, task, ESRCH);
  if (cpu >= nrCpus) return outOfRange(L.FIELD_CPU, cpu, ERANGE);
  let row = <usize>L.LIVE_ROW;
  store<u64>(row << 3, headerGet64(L.H_NOW), L.COLUMN_TS);
  store<u64>(row << 3, index, L.COLUMN_INDEX);
  store<u32>(row << 2, task, L.COLUMN_TASK);
  store<u32>(row << 2, cgroup, L.COLUMN_CGROUP);
  store<u32>(row << 2, object, L.COLUMN_OBJECT);
  store<u32>(row << 2, count, L.COLUMN_COUNT);
  store<u32>(row << 2, flags, L.COLUMN_FLAGS);
  store<u16>(row << 1, <u16>cpu, L.COLUMN_CPU);
  store<u16>(row << 1, <u16>gfp, L.COLUMN_GFP);
  store<u8>(row, <u8>op, L.COLUMN_OP);
  let errno = runEvent(L.LIVE_ROW, op);
  finishRow(L.LIVE_ROW);
  if (errno) return errno;
  return headerGet(L.H_CALL_REFUSED) ? -ENOMEM : 0;
}
