// Who pays for a new page: payerOf(). Linux: the toucher. Debates 1 and 2.
import { nearestOnline } from '../memcg/memcg';
import { bondAt, policyTables, ROOT } from '../memory';
import * as L from '../layout';
import { creatorPayer } from './creator';
import { domainPayer } from './domain';
import { mountPayer } from './mount';
import { namedPayer } from './named';
import { answer } from './policy';
import { heirOf } from './reparent';

/**
 * The memcg that is charged for a page of `object` (0: private memory) which `toucher` would pay for in Linux. A chosen one that is removed
 * passes it up, as to the nearest ancestor that lives.
 */
export function payerOf(task: u32, object: u32, toucher: u32): u32 {
  let chosen: u32 = 0;
  toucher = heirOf(toucher);
  switch (answer(L.POLICY_PAYER)) {
    case L.PAYER_TOUCHER:
      return toucher;
    case L.PAYER_NOBODY:
      return ROOT;
    case L.PAYER_MOUNT:
      if (object && policyTables) chosen = mountPayer(object);
      break;
    case L.PAYER_HANDLE:
      if (object && policyTables) chosen = load<u32>(bondAt(object), L.BOND_PAYER);
      break;
    case L.PAYER_CREATOR:
      return creatorPayer(task, object, toucher);
    case L.PAYER_NAMED:
      return namedPayer(task, object, toucher);
    case L.PAYER_DOMAIN:
      return domainPayer(task, object, toucher);
  }
  return chosen ? nearestOnline(chosen) : toucher;
}

/** The same of kernel memory. 0: nobody is charged. */
export function kmemPayerOf(toucher: u32): u32 {
  return answer(L.POLICY_KMEM) == L.KMEM_NOBODY || answer(L.POLICY_PAYER) == L.PAYER_NOBODY ? 0 : toucher;
}
