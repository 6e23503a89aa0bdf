// Who did work for whose memory: CPU of reclaim, paging I/O and stalls stay with the task that allocates, whoever pays for the memory.
// Debate 1, row S2f. A table of pairs, while a policy is on: doer × owner → pages scanned, ns of stall, pages read or written. It is told,
// not part of the state.
import * as L from '../layout';
import { isDescendant } from '../memcg/memcg';
import { crossBase, headerGet, policyTables } from '../memory';
import { costOf } from '../psi';
import { taskMemcg } from '../task/task';
import { didAt } from './policy';

@inline function pairAt(i: u32): usize {
  return crossBase + <usize>i * L.CROSS_STRIDE;
}

/** The record of a pair; record 0, which is nobody's, where the table is full. */
function pairOf(doer: u32, owner: u32): usize {
  let i = (doer * 0x9e3779b1 + owner * 0x85ebca6b) % L.NR_CROSS;
  for (let n: u32 = 0; n < L.NR_CROSS; n++) {
    let at = pairAt(1 + ((i + n) % L.NR_CROSS));
    if (!load<u32>(at, L.CROSS_DOER)) {
      store<u32>(at, doer, L.CROSS_DOER);
      store<u32>(at, owner, L.CROSS_OWNER);
      return at;
    }
    if (load<u32>(at, L.CROSS_DOER) == doer && load<u32>(at, L.CROSS_OWNER) == owner) return at;
  }
  return pairAt(0);
}

function add(task: u32, owner: u32, field: u32, n: u64): void {
  // kswapd and other kernel threads work for nobody in particular.
  if (!task || !policyTables) return;
  let at = pairOf(taskMemcg(task), owner) + field;
  store<u64>(at, load<u64>(at) + n);
}

/** The reclaim at hand looks at pages of `owner`. */
export function crossScanned(owner: u32, pages: u32): void {
  let task = headerGet(L.H_SCAN_TASK);
  add(task, owner, L.CROSS_SCANNED, pages);
  if (task && !isDescendant(owner, taskMemcg(task))) didAt(taskMemcg(task), L.PMC_SCANS_ELSEWHERE, pages);
}

/** The task has stalled for the limit of `owner`: the reclaim that is over, which took so many pages. */
export function crossStalled(task: u32, owner: u32, reclaimed: u32): void {
  add(task, owner, L.CROSS_STALL_NS, <u64>headerGet(L.H_SCANNED) * costOf(L.COST_SCAN) + <u64>reclaimed * costOf(L.COST_RECLAIMED));
}

/** A page of `owner` is read or written for the sake of the task. */
export function crossIo(task: u32, owner: u32): void {
  add(task, owner, L.CROSS_IO, 1);
}
