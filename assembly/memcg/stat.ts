// Statistics of a memcg, exact: one plain array per worker, added up by whoever reads. A memcg's array holds what is its own;
// the hierarchical figure of memory.stat is the sum over the subtree, dying cgroups included. mm/memcontrol.c: mod_memcg_state().
import * as L from '../layout';
import { cgroupsEnd, nrWorkers, ownStatBase, rstatBase, statBase } from '../memory';
import { nextInSubtree } from './memcg';
import { rstatChange } from './rstat';

@inline function ownAt(memcg: u32, stat: u32): usize {
  return ownStatBase + <usize>memcg * L.STAT_STRIDE + (stat << 3);
}
/** This worker's part of a memcg's own figure. */
@inline export function statOwn(memcg: u32, stat: u32): i64 {
  return load<i64>(ownAt(memcg, stat));
}
@inline export function setStat(memcg: u32, stat: u32, value: i64): void {
  store<i64>(ownAt(memcg, stat), value);
}
export function modStat(memcg: u32, stat: u32, delta: i64): void {
  modStatExact(memcg, stat, delta);
  if (rstatBase) rstatChange(memcg, stat, delta);
}
/** The same where it is known, or somebody else's business, that the kernel's view is off. */
@inline export function modStatExact(memcg: u32, stat: u32, delta: i64): void {
  setStat(memcg, stat, statOwn(memcg, stat) + delta);
}

/** The memcg's own figure, without its descendants. */
export function statLocal(memcg: u32, stat: u32): i64 {
  let sum: i64 = 0;
  for (let worker: u32 = 0; worker < nrWorkers; worker++)
    sum += load<i64>(statBase + (<usize>worker * cgroupsEnd + memcg) * L.STAT_STRIDE + (stat << 3));
  return sum;
}

/** The figure of memory.stat: the memcg and everything below it. */
export function statTotal(memcg: u32, stat: u32): i64 {
  let sum: i64 = 0;
  for (let m = memcg; m; m = nextInSubtree(m, memcg)) sum += statLocal(m, stat);
  return sum;
}

/** Row that counts the huge folios of a kind (KIND_ANON, KIND_FILE, KIND_SHMEM). */
@inline export function thpStatOfKind(kind: u32): u32 {
  return L.STAT_ANON_THP + kind;
}
/** Row of memory.stat that a kind of charged memory (KIND_*) counts in; they have the same order. */
@inline export function statOfKind(kind: u32): u32 {
  return kind;
}
