// The live door to modelled residency: what a program does, one call an entry into the kernel. A call is a row of a trace that is
// written where no batch is, so that both doors do the same: timers, the event itself, the batch of uncharges, the return to user mode.
import { EINVAL, ENOMEM, ERANGE, ESRCH } from '../constants';
import { mapHuge, touchHuge, unmapHuge } from '../folio/hugetlb';
import * as L from '../layout';
import { headerGet, headerGet64, headerSet, nodesEnd, nrCpus, outOfRange, taskAt, tasksEnd } from '../memory';
import { taskExists } from '../task/task';
import { finishRow, runEvent } from './modelled';
import { HUGE_MAP, HUGE_UNMAP, HUGE_WRITE, OP_SPAWN } from './ops';

/** Who calls, from where: what every call begins with, and what finishRow() goes by. */
function enter(op: u32, task: u32, cpu: u32): i32 {
  if (nodesEnd == 1) return outOfRange(L.FIELD_OP, op, EINVAL);
  let alive = taskExists(task) && load<u32>(taskAt(task), L.TASK_STATE) == L.TASK_LIVE;
  headerSet(L.H_CALL_CHARGED, 0);
  headerSet(L.H_CALL_REFUSED, 0);
  headerSet(L.H_CALL_DONE, 0);
  if (task && op != OP_SPAWN && !alive) return outOfRange(L.FIELD_TASK, task, ESRCH);
  if (cpu >= nrCpus) return outOfRange(L.FIELD_CPU, cpu, ERANGE);
  store<u32>(<usize>L.LIVE_ROW << 2, task, L.COLUMN_TASK);
  store<u16>(<usize>L.LIVE_ROW << 1, <u16>cpu, L.COLUMN_CPU);
  return 0;
}

/**
 * One op (OP_*) with the columns that it has in a trace, now. 0; -ENOMEM: a limit refused, and what was done until then stays done;
 * -ESRCH: the task does not live (any more); or what the row would answer, with H_ERROR_FIELD and H_ERROR_VALUE. H_CALL_CHARGED has the
 * pages that were charged. -EINVAL where residency is not modelled.
 */
export function call(op: u32, task: u32, cpu: u32, cgroup: u32, object: u32, index: u64, count: u32, flags: u32, gfp: u32): i32 {
  let errno = enter(op, task, cpu);
  if (errno) return errno;
  let row = <usize>L.LIVE_ROW;
  store<u64>(row << 3, headerGet64(L.H_NOW), L.COLUMN_TS);
  store<u64>(row << 3, index, L.COLUMN_INDEX);
  store<u32>(row << 2, cgroup, L.COLUMN_CGROUP);
  store<u32>(row << 2, object, L.COLUMN_OBJECT);
  store<u32>(row << 2, count, L.COLUMN_COUNT);
  store<u32>(row << 2, flags, L.COLUMN_FLAGS);
  store<u16>(row << 1, <u16>gfp, L.COLUMN_GFP);
  store<u8>(row, <u8>op, L.COLUMN_OP);
  errno = runEvent(L.LIVE_ROW, op);
  // (A spawn may name a task for which there is no record: then it was refused, and there is nobody who returns.)
  if (task < tasksEnd) finishRow(L.LIVE_ROW);
  if (errno) return errno;
  return headerGet(L.H_CALL_REFUSED) ? -ENOMEM : 0;
}

/**
 * What a task does with private memory of huge pages, HUGE_*: the pages [hvpn, hvpn + pages), by number of 2 MiB. No row of a trace has
 * that. As call(); -ENOMEM also where the pool has not enough.
 */
export function hugeCall(what: u32, task: u32, cpu: u32, hvpn: u64, pages: u32): i32 {
  let errno = enter(what, task, cpu);
  if (errno) return errno;
  headerSet(L.H_CURRENT_ROW, L.LIVE_ROW);
  headerSet(L.H_CURRENT_TASK, task);
  headerSet(L.H_CURRENT_CPU, cpu);
  if (what == HUGE_MAP) errno = mapHuge(task, hvpn, pages);
  else if (what == HUGE_UNMAP) errno = unmapHuge(task, hvpn, pages);
  else errno = touchHuge(task, cpu, hvpn, pages, what == HUGE_WRITE);
  finishRow(L.LIVE_ROW);
  return errno;
}
