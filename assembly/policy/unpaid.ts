// Kernel memory that nobody pays for (cgroup.memory=nokmem): what the rows of a trace charge is counted in bytes at the cgroup that would
// pay for it in Linux, and at no counter. Debate 4, row B8. (BPF objects count theirs themselves: folio/bpf.ts.)
//
//   BOND_RADIX of object 0:  frame of the recorded machine → memcg that would pay
import { PAGE_SHIFT } from '../constants';
import { NO_KEY, radixClear, radixGet, radixSet } from '../folio/radix';
import * as L from '../layout';
import { nearestOnline } from '../memcg/memcg';
import { bondAt, policyTables, ROOT, taskAt } from '../memory';
import { taskMemcg } from '../task/task';
import { answer, countAt, didAt } from './policy';

@inline function frames(): usize {
  return bondAt(0) + L.BOND_RADIX;
}

/** No kernel memory is charged. */
export function kmemIsUnpaid(): bool {
  return policyTables && (answer(L.POLICY_KMEM) == L.KMEM_NOBODY || answer(L.POLICY_PAYER) == L.PAYER_NOBODY);
}

/** Bytes that `objcg` (0: the task's) would be charged for; by frame `index`, or (NO_KEY) by the byte. False: the nodes are used up. */
export function chargeNobody(task: u32, objcg: u32, index: u64, order: u32, bytes: u64): bool {
  if (!objcg && task && load<u32>(taskAt(task), L.TASK_MM)) {
    let active = load<u32>(taskAt(task), L.TASK_ACTIVE_MEMCG);
    objcg = nearestOnline(active ? active : taskMemcg(task));
  }
  if (objcg <= ROOT) return true;
  if (index == NO_KEY) {
    didAt(objcg, L.PMC_UNPAID, bytes);
    return true;
  }
  for (let i = index; i < index + (1 << order); i++) {
    freeNobodysFrame(i);
    if (!radixSet(frames(), i, objcg)) return false;
    didAt(objcg, L.PMC_UNPAID, 1 << PAGE_SHIFT);
  }
  return true;
}

/** A recorded frame is free. False: nobody had it so. */
export function freeNobodysFrame(index: u64): bool {
  if (!policyTables) return false;
  let memcg = radixGet(frames(), index);
  if (!memcg) return false;
  radixClear(frames(), index);
  didAt(memcg, L.PMC_UNPAID, -(1 << PAGE_SHIFT));
  return true;
}

/** Bytes are free that `objcg` would have been charged for. False: it has no so many. */
export function freeNobodysBytes(objcg: u32, bytes: i64): bool {
  if (countAt(objcg, L.PMC_UNPAID) < bytes) return false;
  didAt(objcg, L.PMC_UNPAID, -bytes);
  return true;
}
