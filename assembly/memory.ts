// Where the regions of layout.ts begin. These globals are the only ones of the engine; attach() alone writes them, from the
// capacities in the header, so that every worker that instantiates the module on the same memory derives the same ones.

import { NR_MEMCG_STOCK } from './constants';
import * as L from './layout';

export let counterBase: usize = 0;
export let memcgBase: usize = 0;
export let objcgBase: usize = 0;
export let eventBase: usize = 0;
export let listBase: usize = 0;
export let taskBase: usize = 0;
export let statBase: usize = 0;
/** This worker's statistics. */
export let ownStatBase: usize = 0;
export let chunkBase: usize = 0;
export let swapBase: usize = 0;
export let folioBase: usize = 0;
export let logBase: usize = 0;
export let watchBase: usize = 0;
export let auditBase: usize = 0;
/** Statistics as the kernel shows them; 0 when they are exact. */
export let rstatBase: usize = 0;
export let objectBase: usize = 0;
export let mmBase: usize = 0;
export let mapBase: usize = 0;
export let nodeBase: usize = 0;
export let nodeUseBase: usize = 0;
export let nodeOwnerBase: usize = 0;
export let placeBase: usize = 0;
export let lruvecBase: usize = 0;
export let shadowBase: usize = 0;
export let slotBase: usize = 0;
export let folioSlotBase: usize = 0;
export let slotCacheBase: usize = 0;
export let inodeBase: usize = 0;
export let writeBase: usize = 0;
export let readerBase: usize = 0;
export let psiBase: usize = 0;
export let psiCpuBase: usize = 0;
export let psiTaskBase: usize = 0;
export let killBase: usize = 0;
export let ringBase: usize = 0;
export let locksBase: usize = 0;
export let lockedBase: usize = 0;
export let lruAddBase: usize = 0;
export let shrinkBase: usize = 0;
export let hugeBase: usize = 0;
export let bondBase: usize = 0;
export let policyMemcgBase: usize = 0;
export let loopWorkerBase: usize = 0;
export let usersBase: usize = 0;
export let userSetBase: usize = 0;
export let crossBase: usize = 0;
export let userMemcgBase: usize = 0;
export let userKillBase: usize = 0;
export let flowBase: usize = 0;
/** Some answer of the policy is not Linux's. While it is false, no hook costs more than this test. */
export let policyOn: bool = false;
/** There are tables for what policies know (capacity `policies`). */
export let policyTables: bool = false;
/** User sets that there may be; 0: nobody observes who uses which folio. */
export let userSetsEnd: u32 = 0;

export let pagesEnd: u32 = 0;
export let cgroupsEnd: u32 = 0;
export let tasksEnd: u32 = 0;
export let swapEnd: u32 = 0;
export let nrCpus: u32 = 0;
export let nrWorkers: u32 = 0;
export let watchEnd: u32 = 0;
export let objectsEnd: u32 = 0;
export let mapsEnd: u32 = 0;
export let killsEnd: u32 = 0;
/** Events that the ring holds; 0: there is none. */
export let ringEnd: u32 = 0;
/** 1 where there is no modelled residency */
export let nodesEnd: u32 = 0;
export let nrChunks: u32 = 0;
/** Stock slots of a CPU: 7 in 6.18, 1 in 6.1. */
export let nrStockSlots: u32 = 0;
export let kernel61: bool = false;

function capacity(which: u32): f64 {
  return <f64>load<u32>(L.HEADER + L.H_CAPACITY + (which << 2));
}

function at(region: u32): usize {
  return <usize>(
    L.regionOffset(
      region,
      capacity(L.CAP_PAGES),
      capacity(L.CAP_CGROUPS),
      capacity(L.CAP_TASKS),
      capacity(L.CAP_CPUS),
      capacity(L.CAP_WORKERS),
      capacity(L.CAP_SWAP),
      capacity(L.CAP_WATCH),
      capacity(L.CAP_OBJECTS),
      capacity(L.CAP_MAPS),
      capacity(L.CAP_NODES),
      capacity(L.CAP_KILLS),
      capacity(L.CAP_RING),
      capacity(L.CAP_POLICIES),
      capacity(L.CAP_OBSERVE),
    )
  );
}

/** Derives every address from the header. Called once per instance, before anything else. */
export function attachMemory(worker: u32): void {
  counterBase = at(L.R_COUNTER);
  memcgBase = at(L.R_MEMCG);
  objcgBase = at(L.R_OBJCG);
  eventBase = at(L.R_EVENT);
  listBase = at(L.R_LIST);
  taskBase = at(L.R_TASK);
  statBase = at(L.R_STAT);
  chunkBase = at(L.R_CHUNK);
  swapBase = at(L.R_SWAP);
  folioBase = at(L.R_FOLIO);
  logBase = at(L.R_LOG);
  watchBase = at(L.R_WATCH);
  auditBase = at(L.R_AUDIT);
  rstatBase = load<u32>(L.HEADER + L.H_STATISTICS) == L.STATISTICS_KERNEL ? at(L.NR_REGIONS) : 0;
  objectBase = at(L.R_OBJECT);
  mmBase = at(L.R_MM);
  mapBase = at(L.R_MAP);
  nodeBase = at(L.R_NODE);
  nodeUseBase = at(L.R_NODE_USE);
  nodeOwnerBase = at(L.R_NODE_OWNER);
  placeBase = at(L.R_PLACE);
  lruvecBase = at(L.R_LRUVEC);
  shadowBase = at(L.R_SHADOW);
  slotBase = at(L.R_SLOT);
  folioSlotBase = at(L.R_FOLIO_SLOT);
  slotCacheBase = at(L.R_SLOT_CACHE);
  inodeBase = at(L.R_INODE);
  writeBase = at(L.R_WRITE);
  readerBase = at(L.R_READER);
  psiBase = at(L.R_PSI);
  psiCpuBase = at(L.R_PSI_CPU);
  psiTaskBase = at(L.R_PSI_TASK);
  killBase = at(L.R_KILL);
  ringBase = at(L.R_RING);
  locksBase = at(L.R_LOCK);
  lockedBase = at(L.R_LOCKED);
  lruAddBase = at(L.R_LRU_ADD);
  shrinkBase = at(L.R_SHRINK);
  hugeBase = at(L.R_HUGE);
  bondBase = at(L.R_BOND);
  policyMemcgBase = at(L.R_POLICY_MEMCG);
  loopWorkerBase = at(L.R_LOOP_WORKER);
  usersBase = at(L.R_USERS);
  userSetBase = at(L.R_USER_SET);
  crossBase = at(L.R_CROSS);
  userMemcgBase = userSetBase + <usize>L.userMemcgsAt(capacity(L.CAP_OBSERVE));
  userKillBase = userSetBase + <usize>L.userKillsAt(capacity(L.CAP_CGROUPS), capacity(L.CAP_OBSERVE));
  flowBase = userSetBase + <usize>L.userFlowsAt(capacity(L.CAP_CGROUPS), capacity(L.CAP_KILLS), capacity(L.CAP_OBSERVE));
  policyTables = capacity(L.CAP_POLICIES) != 0 && capacity(L.CAP_NODES) != 0;
  userSetsEnd = capacity(L.CAP_NODES) != 0 ? <u32>capacity(L.CAP_OBSERVE) : 0;
  // Who observes wants to know in what context a charge was made, whatever the policy: Linux' answers give what Linux gives, only slower.
  policyOn = load<u32>(L.HEADER + L.H_POLICY, L.POLICY_ON) != 0 || (userSetsEnd != 0 && policyTables);
  pagesEnd = <u32>capacity(L.CAP_PAGES) + 1;
  cgroupsEnd = <u32>capacity(L.CAP_CGROUPS) + 1;
  tasksEnd = <u32>capacity(L.CAP_TASKS) + 1;
  swapEnd = <u32>capacity(L.CAP_SWAP) + 1;
  nrCpus = <u32>capacity(L.CAP_CPUS);
  nrWorkers = <u32>capacity(L.CAP_WORKERS);
  watchEnd = <u32>capacity(L.CAP_WATCH);
  objectsEnd = <u32>capacity(L.CAP_OBJECTS) + 1;
  mapsEnd = <u32>capacity(L.CAP_MAPS) + 1;
  nodesEnd = <u32>capacity(L.CAP_NODES) + 1;
  killsEnd = <u32>capacity(L.CAP_KILLS) + 1;
  ringEnd = <u32>capacity(L.CAP_RING);
  nrChunks = <u32>L.chunkCount(capacity(L.CAP_PAGES), capacity(L.CAP_CGROUPS));
  kernel61 = load<u32>(L.HEADER + L.H_KERNEL) == L.KERNEL_6_1;
  nrStockSlots = kernel61 ? 1 : NR_MEMCG_STOCK;
  ownStatBase = statBase + <usize>worker * <usize>cgroupsEnd * L.STAT_STRIDE;
}

// --- header words
@inline export function headerGet(field: u32): u32 {
  return load<u32>(L.HEADER + field);
}
@inline export function headerSet(field: u32, value: u32): void {
  store<u32>(L.HEADER + field, value);
}
@inline export function headerGet64(field: u32): u64 {
  return load<u64>(L.HEADER + field);
}
@inline export function headerSet64(field: u32, value: u64): void {
  store<u64>(L.HEADER + field, value);
}

// --- records
@inline export function cpuAt(cpu: u32): usize {
  return <usize>L.CPU_BASE + <usize>cpu * L.CPU_STRIDE;
}
@inline export function memcgAt(memcg: u32): usize {
  return memcgBase + <usize>memcg * L.MEMCG_STRIDE;
}
@inline export function objcgAt(objcg: u32): usize {
  return objcgBase + <usize>objcg * L.OBJCG_STRIDE;
}
@inline export function taskAt(task: u32): usize {
  return taskBase + <usize>task * L.TASK_STRIDE;
}
@inline export function folioAt(frame: u32): usize {
  return folioBase + <usize>frame * L.FOLIO_STRIDE;
}
@inline export function objectAt(object: u32): usize {
  return objectBase + <usize>object * L.OBJECT_STRIDE;
}
@inline export function inodeAt(object: u32): usize {
  return inodeBase + <usize>object * L.INODE_STRIDE;
}
/** The mm that a task owns. */
@inline export function mmAt(task: u32): usize {
  return mmBase + <usize>task * L.MM_STRIDE;
}
@inline export function killAt(kill: u32): usize {
  return killBase + <usize>kill * L.KILL_STRIDE;
}
@inline export function mapAt(map: u32): usize {
  return mapBase + <usize>map * L.MAP_STRIDE;
}
@inline export function lruvecAt(memcg: u32): usize {
  return lruvecBase + <usize>memcg * L.LRUVEC_STRIDE;
}
@inline export function shrinkAt(memcg: u32): usize {
  return shrinkBase + <usize>memcg * L.SHRINK_STRIDE;
}
/** What policies know of an object; only where there are tables. */
@inline export function bondAt(object: u32): usize {
  return bondBase + <usize>object * L.BOND_STRIDE;
}
/** What policies know of a memcg; only where there are tables. */
@inline export function policyMemcgAt(memcg: u32): usize {
  return policyMemcgBase + <usize>memcg * L.PM_STRIDE;
}
@inline export function counterAt(memcg: u32, counter: u32): usize {
  return counterBase + (<usize>memcg * L.NR_COUNTERS + counter) * L.COUNTER_STRIDE;
}
/** The memcg that a counter belongs to. */
@inline export function memcgOfCounter(counter: usize): u32 {
  return <u32>((counter - counterBase) / (L.NR_COUNTERS * L.COUNTER_STRIDE));
}

/** Notes which id was out of range, for the bindings' message, and answers -ERANGE. */
export function outOfRange(field: u32, value: u64, errno: i32): i32 {
  headerSet(L.H_ERROR_FIELD, field);
  headerSet64(L.H_ERROR_VALUE, value);
  return -errno;
}

/** Root memcg: every chain of counters ends there, it has no limit, and its own folios are not charged. */
export const ROOT: u32 = 1;
