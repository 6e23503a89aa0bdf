// A cgroup is removed: onOffline(). Linux 6.18: its folios stay charged to it, a zombie. Debate 2.
import * as L from '../layout';
import { policyTables } from '../memory';
import { dropCache } from './drop';
import { answer } from './policy';
import { releaseAll } from './release';
import { reparentAll } from './reparent';

/** After the kernel's own work of mem_cgroup_css_offline(): what becomes of the folios of `memcg`. */
export function onOffline(memcg: u32, parent: u32, cpu: u32): void {
  switch (answer(L.POLICY_OFFLINE)) {
    case L.OFFLINE_REPARENT:
      reparentAll(memcg, parent, cpu);
      break;
    case L.OFFLINE_RELEASE:
      if (policyTables) releaseAll(memcg, cpu);
      break;
    case L.OFFLINE_DROP:
      if (policyTables) dropCache(memcg, cpu);
      break;
  }
}
