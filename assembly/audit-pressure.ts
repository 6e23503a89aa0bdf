// What pressure knows adds up: every cgroup counts the tasks of its subtree in the states that they are in, the heap is in order and has
// every task whose state will change, a time of full pressure is one of some, and none is longer than the time that has passed.
import { differs } from './audit';
import * as L from './layout';
import { parentOf } from './memcg/memcg';
import { headerGet, nodesEnd, nrCpus } from './memory';
import { psiAt, psiCpuAt, psiSettle, psiTaskAt } from './psi';
import { taskMemcg } from './task/task';

/** Adds `n` to the counts of every cgroup for each of its tasks; the two passes of {@link auditCounts} cancel out. */
function addTasks(n: i32): void {
  for (let task: u32 = 1; task < headerGet(L.H_TASK_END); task++) {
    let state = load<u32>(psiTaskAt(task), L.PSI_STATE);
    if (!state) continue;
    for (let m = taskMemcg(task); m; m = parentOf(m)) {
      let at = psiCpuAt(m, load<u32>(psiTaskAt(task), L.PSI_CPU)) + ((state - 1) << 2);
      store<i32>(at, load<i32>(at, L.PSI_COUNTS) + n, L.PSI_COUNTS);
    }
  }
}

function auditCounts(): u32 {
  let code: u32 = 0;
  addTasks(-1);
  for (let memcg: u32 = 1; memcg < headerGet(L.H_MEMCG_END) && !code; memcg++)
    for (let cpu: u32 = 0; cpu < nrCpus && !code; cpu++)
      for (let state: u32 = 0; state < 3 && !code; state++)
        code = differs(L.AUDIT_PRESSURE, memcg, 0, load<i32>(psiCpuAt(memcg, cpu) + (state << 2), L.PSI_COUNTS));
  addTasks(1);
  return code;
}

function auditQueue(): u32 {
  let end = headerGet(L.H_PSI_QUEUED);
  let code: u32 = 0;
  let stateful: u32 = 0;
  for (let task: u32 = 1; task < headerGet(L.H_TASK_END) && !code; task++) {
    let at = psiTaskAt(task);
    let place = load<u32>(at, L.PSI_PLACE);
    if (load<u32>(at, L.PSI_STATE)) stateful++;
    if (!place) continue;
    code = differs(L.AUDIT_PRESSURE, task, task, load<u32>(psiTaskAt(place), L.PSI_QUEUE));
    let above = load<u64>(psiTaskAt(load<u32>(psiTaskAt(max<u32>(place >> 1, 1)), L.PSI_QUEUE)), L.PSI_CHANGES);
    if (!code && above > load<u64>(at, L.PSI_CHANGES)) code = differs(L.AUDIT_PRESSURE, task, load<i64>(at, L.PSI_CHANGES), above);
  }
  return code ? code : differs(L.AUDIT_PRESSURE, 0, stateful, end);
}

function auditTimes(memcg: u32): u32 {
  let now = psiSettle(memcg);
  let at = psiAt(memcg);
  let some = load<u64>(at, L.PSI_TOTAL);
  let full = load<u64>(at + 8, L.PSI_TOTAL);
  if (full > some) return differs(L.AUDIT_PRESSURE, memcg, some, full);
  if (some > now - load<u64>(at, L.PSI_BORN)) return differs(L.AUDIT_PRESSURE, memcg, now - load<u64>(at, L.PSI_BORN), some);
  return L.AUDIT_OK;
}

/** The first thing of memory.pressure that does not add up, as an AUDIT_* code. */
export function auditPressure(): u32 {
  if (nodesEnd == 1 || !headerGet(L.H_PSI_ON)) return L.AUDIT_OK;
  let code: u32 = 0;
  for (let memcg: u32 = 1; memcg < headerGet(L.H_MEMCG_END) && !code; memcg++) code = auditTimes(memcg);
  if (!code) code = auditCounts();
  return code ? code : auditQueue();
}
