// Who pays for a new page: payerOf(). Linux: the toucher. Debates 1 and 2.
import { ROOT } from '../memory';
import * as L from '../layout';
import { answer } from './policy';

/** The memcg that is charged for a page of `object` (0: private memory) which `toucher` would pay for in Linux. */
export function payerOf(task: u32, object: u32, toucher: u32): u32 {
  if (answer(L.POLICY_PAYER) == L.PAYER_NOBODY) return ROOT;
  return toucher;
}

/** The same of kernel memory. 0: nobody is charged. */
export function kmemPayerOf(toucher: u32): u32 {
  return answer(L.POLICY_KMEM) == L.KMEM_NOBODY || answer(L.POLICY_PAYER) == L.PAYER_NOBODY ? 0 : toucher;
}
