// A 64-bit hash of the logical state in a canonical order: ids ascending, lists from tail to head. Capacities, addresses, log
// positions and the number of workers do not enter, so that equal machines have equal digests wherever and however they ran.

import { NEVER } from './constants';
import { memoryCounter, swapCounter } from './counter/page-counter';
import { lruAddCount, lruAddFrame } from './folio/lru-add';
import { bpfPages, isBpf } from './folio/bpf';
import { placeAt } from './folio/resident';
import { nextDirty, oldestDirty } from './folio/inode';
import { firstLock, lockAfter, lockWord } from './folio/mlock';
import { nextLoop } from './folio/loop';
import { NO_KEY, radixGet, radixNext, radixOwners } from './folio/radix';
import { cachedOf, cachedSlot, slotCount, slotWord } from './folio/slots';
import { readerAt } from './folio/readahead';
import { swapOwner } from './folio/swap';
import { nextWrite } from './folio/writeback';
import * as L from './layout';
import { eventCount } from './memcg/events';
import { unseen } from './memcg/before';
import { memcgState } from './memcg/memcg';
import { statPending, statShown, statUpdates } from './memcg/rstat';
import { statLocal } from './memcg/stat';
import {
  bondAt, cpuAt, folioAt, headerGet, headerGet64, hugeBase, inodeAt, lruvecAt, mapAt, memcgAt, mmAt, nrCpus, objcgAt, objectAt,
  policyMemcgAt, policyTables, rstatBase, shrinkAt, swapEnd, taskAt,
} from './memory';
import { countAt } from './policy/policy';
import { busyUntil, firstWorker, nextWorker, workerMemcg } from './policy/worker';
import { psiAt, psiCpuAt, psiSettle, psiTaskAt } from './psi';
import { mix64, seedOf } from './random';
import { frameAt, listAt, walkUp } from './reclaim/lru';
import { vmEvent } from './reclaim/watermark';
import { shadowAge, shadowMemcg } from './reclaim/workingset';
import { KIND_STOCK, OBJECT_SHMEM } from './replay/ops';

@inline function fold(hash: u64, value: u64): u64 {
  return mix64((hash ^ value) + 0x9e3779b97f4a7c15);
}

function foldCounter(hash: u64, counter: usize): u64 {
  for (let field: u32 = L.PC_USAGE; field <= L.PC_LOCAL_WATERMARK; field += 8) hash = fold(hash, load<u64>(counter + field));
  hash = fold(hash, load<u64>(counter, L.PC_MAX));
  for (let field: u32 = L.PC_HIGH; field <= L.PC_CHILDREN_LOW_USAGE; field += 8) hash = fold(hash, load<u64>(counter + field));
  return hash;
}

function foldMemcg(hash: u64, memcg: u32): u64 {
  let at = memcgAt(memcg);
  hash = fold(hash, (<u64>memcg << 32) | memcgState(memcg));
  hash = fold(hash, (<u64>load<u32>(at, L.MEMCG_PARENT) << 32) | load<u32>(at, L.MEMCG_NR_TASKS));
  hash = fold(hash, load<u32>(at, L.MEMCG_OOM_GROUP));
  hash = fold(hash, load<u64>(at, L.MEMCG_KERNEL_ID));
  hash = foldCounter(hash, memoryCounter(memcg));
  hash = foldCounter(hash, swapCounter(memcg));
  let objcg = objcgAt(memcg);
  hash = fold(hash, load<u64>(objcg, L.OBJCG_MEMCG)); // and nr_charged_bytes
  hash = fold(hash, load<u64>(objcg, L.OBJCG_BYTES));
  hash = fold(hash, load<u64>(objcg, L.OBJCG_PAGES));
  for (let event: u32 = 0; event < L.NR_EVENTS; event++) {
    hash = fold(hash, eventCount(memcg, event, true));
    hash = fold(hash, eventCount(memcg, event, false));
  }
  for (let stat: u32 = 0; stat <= L.STAT_KMEM; stat++) hash = fold(hash, <u64>statLocal(memcg, stat));
  // A row of memory.stat that never counted anything leaves no trace: a row added later changes no digest.
  for (let stat: u32 = L.STAT_KMEM + 1; stat < L.NR_STATS; stat++) {
    let value = statLocal(memcg, stat);
    if (value) hash = fold(fold(hash, stat), <u64>value);
  }
  if (rstatBase) hash = foldShown(hash, memcg);
  for (let kind: u32 = 0; kind <= KIND_STOCK; kind++) hash = fold(hash, unseen(memcg, kind));
  // A work item that waits; where there are no policies none does.
  let work = policyTables ? load<u64>(policyMemcgAt(memcg), L.PM_WORK_AT) : 0;
  if (work) hash = fold(hash, microseconds(work));
  hash = fold(hash, load<u32>(at, L.MEMCG_HAD_KERNEL));
  for (let which: u32 = 0; which < L.NR_LRU_LISTS; which++) {
    let list = listAt(memcg, which);
    for (let at = walkUp(list, 0); at; at = walkUp(list, at)) hash = fold(hash, frameAt(at));
    hash = fold(hash, which);
  }
  return hash;
}

/** What the kernel would show, and what it still holds back. */
function foldShown(hash: u64, memcg: u32): u64 {
  for (let row: u32 = 0; row < L.NR_RSTAT_ROWS; row++) {
    let shown = statShown(memcg, row);
    let pending = statPending(memcg, row);
    if (shown != 0 || pending != 0) hash = fold(fold(fold(hash, row), <u64>shown), <u64>pending);
  }
  for (let cpu: u32 = 0; cpu <= nrCpus; cpu++) {
    let updates = statUpdates(memcg, cpu);
    if (updates) hash = fold(hash, (<u64>(cpu == nrCpus ? 0 : cpu + 1) << 32) | updates);
  }
  return hash;
}

/** Times count to the microsecond: what the text of a recording has, so that it ends in the same state as its binary form. */
@inline function microseconds(time: u64): u64 {
  return time == NEVER ? time : time / 1000;
}

/** A CPU that never did anything leaves no trace, so that spare CPUs do not matter. */
function foldCpu(hash: u64, cpu: u32): u64 {
  let at = cpuAt(cpu);
  let flushAt = load<u64>(at, L.CPU_FLUSH_AT);
  let random = load<u64>(at, L.CPU_RANDOM);
  let used = flushAt != NEVER || load<u64>(at, L.CPU_OBJ_FLUSH_AT) != NEVER || random != seedOf(cpu, headerGet(L.H_SEED));
  for (let field: u32 = 0; field < L.CPU_FLUSH_AT; field += 8) used = used || load<u64>(at + field) != 0;
  if (!used) return hash;
  hash = fold(hash, cpu);
  for (let field: u32 = 0; field < L.CPU_STRIDE; field += 8) {
    let value = load<u64>(at + field);
    hash = fold(hash, field == L.CPU_FLUSH_AT || field == L.CPU_OBJ_FLUSH_AT ? microseconds(value) : value);
  }
  return hash;
}

/** A tree of pages: keys and words, ascending. */
function foldTree(hash: u64, root: usize): u64 {
  for (let key = radixNext(root, 0); key != NO_KEY; key = radixNext(root, key + 1)) hash = fold(fold(hash, key), radixGet(root, key));
  return hash;
}

/** The same of private memory. What an entry knows of others by heart is not state. */
function foldPageTable(hash: u64, root: usize): u64 {
  for (let key = radixNext(root, 0); key != NO_KEY; key = radixNext(root, key + 1)) {
    let word = radixGet(root, key);
    hash = fold(fold(hash, key), word & L.PTE_SWAP ? word : word & ~L.PTE_EXCLUSIVE);
  }
  return hash;
}

/** A call that is not over: its locks, and what it has charged past a limit. */
function foldCall(hash: u64, at: usize): u64 {
  let overcharged = load<u32>(at, L.TASK_OVERCHARGED);
  if (overcharged) hash = fold(fold(hash, L.TASK_OVERCHARGED), overcharged);
  if (!load<u32>(at, L.TASK_IN_CALL)) return hash;
  hash = fold(fold(hash, L.TASK_IN_CALL), load<u32>(at, L.TASK_IN_CALL));
  return fold(hash, (<u64>load<u32>(at, L.TASK_HOLDS) << 32) | load<u32>(at, L.TASK_WANTS));
}

/** What a kill, an oom_score_adj and a sleep have left on a task; nothing where there was none. */
function foldOwn(hash: u64, at: usize): u64 {
  let kill = (<u64>load<u32>(at, L.TASK_OOM_SCORE_ADJ) << 32) | (load<u32>(at, L.TASK_UNKILLABLE) << 1) | load<u32>(at, L.TASK_KILLED);
  if (kill) hash = fold(hash, kill);
  hash = foldCall(hash, at);
  let sleep = load<u64>(at, L.TASK_SLEEP_END);
  return sleep ? fold(hash, microseconds(sleep)) : hash;
}

/** What reclaim goes by beside the lists: ages, costs, refaults, and where its walk stands. A lruvec that has none leaves no trace. */
function foldLruvec(hash: u64, memcg: u32): u64 {
  for (let field: u32 = 0; field <= L.LRUVEC_POSITION; field += 8) {
    let value = load<u64>(lruvecAt(memcg) + field);
    if (value) hash = fold(fold(hash, (<u64>memcg << 32) | field), value);
  }
  return hash;
}

/** The shadow that a word names: whom it was evicted from, and when. */
@inline function foldShadow(hash: u64, word: u32): u64 {
  return fold(fold(hash, shadowMemcg(word)), shadowAge(word));
}

/** A tree of an object, with what its shadows say. (Of shmem they are slots.) */
function foldObject(hash: u64, object: u32): u64 {
  let root = objectAt(object) + L.OBJECT_RADIX;
  let shmem = load<u32>(objectAt(object), L.OBJECT_TYPE) == OBJECT_SHMEM;
  for (let key = radixNext(root, 0); key != NO_KEY; key = radixNext(root, key + 1)) {
    let word = radixGet(root, key);
    hash = fold(fold(hash, key), word);
    if (word & L.SHADOW_BIT && !shmem) hash = foldShadow(hash, word);
  }
  return hash;
}

/** What an inode is besides: a loop device, of a tmpfs. Where it is neither this leaves no trace. */
function foldInode(hash: u64, object: u32): u64 {
  for (let field = L.INODE_BACKING; field <= L.INODE_WRITE_MEMCG; field += 4) {
    let word = load<u32>(inodeAt(object) + field);
    if (word) hash = fold(fold(hash, field), word);
  }
  return headerGet(L.H_CACHE_NODE) ? radixOwners(objectAt(object) + L.OBJECT_RADIX, hash) : hash;
}

/** A BPF object: who pays, what it has beside its pages, and how far a recharge has come. */
function foldBpf(hash: u64, object: u32): u64 {
  let bond = bondAt(object);
  for (let field = L.BOND_OBJCG; field < L.BOND_RADIX; field += 4) hash = fold(hash, load<u32>(bond + field));
  hash = fold(hash, load<u32>(bond, L.BOND_FLAGS));
  hash = foldTree(foldTree(hash, bond + L.BOND_RADIX), bond + L.BOND_RECHARGE);
  if (!load<u32>(bond, L.BOND_BUSY)) return hash;
  let pages = bpfPages(object);
  for (let i = radixNext(pages, 0); i != NO_KEY; i = radixNext(pages, i + 1)) hash = fold(hash, load<u64>(placeAt(radixGet(pages, i))));
  return hash;
}

/** Modelled residency: what every object has in memory, and every address space in its page tables. */
function foldResident(hash: u64): u64 {
  for (let object: u32 = 0; object < headerGet(L.H_OBJECT_END); object++) {
    hash = fold(hash, load<u32>(objectAt(object), L.OBJECT_TYPE));
    hash = foldObject(hash, object);
    hash = foldInode(hash, object);
    if (policyTables && isBpf(object)) hash = foldBpf(hash, object);
    // In the order of the object's list, which is that of first use.
    for (let map = load<u32>(objectAt(object), L.OBJECT_MAPS); map; map = load<u32>(mapAt(map), L.MAP_NEXT_OF_OBJECT)) {
      hash = fold(hash, load<u32>(mapAt(map), L.MAP_MM));
      if (load<u32>(mapAt(map), L.MAP_EXECUTABLE)) hash = fold(hash, 1);
      hash = foldTree(hash, mapAt(map) + L.MAP_RADIX);
    }
  }
  for (let cpu: u32 = 0; cpu < nrCpus; cpu++)
    for (let i: u32 = 0; i < lruAddCount(cpu); i++) hash = fold(fold(hash, cpu), lruAddFrame(cpu, i));
  let latest: u64 = 0;
  for (let task: u32 = 1; task < headerGet(L.H_TASK_END); task++) {
    // Who joined his cgroup when, where that is not the order of ids: the OOM killer goes by it.
    let joined = load<u64>(mmAt(task), L.TASK_JOINED);
    if (joined < latest) hash = fold(fold(hash, task), joined);
    latest = max<u64>(latest, joined);
    hash = fold(hash, load<u32>(mmAt(task), L.MM_USERS));
    hash = foldPageTable(hash, mmAt(task) + L.MM_RADIX);
    hash = foldOwn(hash, mmAt(task));
    for (let lock = firstLock(task); lock; lock = lockAfter(lock))
      hash = fold(fold(fold(hash, lockWord(lock, L.LOCK_NEXT) >> 32), lockWord(lock, L.LOCK_FROM)), lockWord(lock, L.LOCK_TO));
  }
  for (let slot: u32 = 1; slot < headerGet(L.H_SLOT_END); slot++) {
    if (!swapOwner(slot)) continue;
    hash = fold(fold(hash, (<u64>slot << 32) | slotCount(slot)), slotWord(slot));
    if (slotWord(slot) & L.SHADOW_BIT) hash = foldShadow(hash, slotWord(slot));
  }
  if (headerGet(L.H_SLOT_END) && headerGet(L.H_SWAP_SLOTS) != swapEnd - 1) hash = fold(hash, headerGet(L.H_SWAP_SLOTS));
  if (headerGet(L.H_SLOT_CACHES))
    for (let cpu: u32 = 0; cpu < nrCpus; cpu++) for (let i: u32 = 0; i < cachedOf(cpu); i++) hash = fold(hash, cachedSlot(cpu, i));
  return hash;
}

/** What is to be written, since when, and what the device has to do. Where nothing was ever dirty this leaves no trace. */
function foldWriteback(hash: u64): u64 {
  for (let object = oldestDirty(); object; object = nextDirty(object)) {
    let at = inodeAt(object);
    hash = fold(hash, (<u64>object << 32) | load<u32>(at, L.INODE_WB));
    hash = fold(fold(hash, microseconds(load<u64>(at, L.INODE_DIRTIED_WHEN))), load<u32>(at, L.INODE_WRITE_INDEX));
  }
  for (let frame = headerGet(L.H_WRITE_HEAD); frame; frame = nextWrite(frame)) hash = fold(hash, frame);
  for (let frame = nextLoop(0); frame; frame = nextLoop(frame)) hash = fold(fold(hash, L.H_LOOP_HEAD), frame);
  if (headerGet(L.H_WRITE_HEAD)) {
    hash = fold(hash, headerGet64(L.H_WRITE_DONE_AT));
    if (headerGet(L.H_REQUEST_MAX)) hash = fold(fold(hash, headerGet64(L.H_REQUEST_KEY)), headerGet(L.H_REQUEST_PAGES));
  }
  if (headerGet64(L.H_FLUSH_AT) != NEVER) hash = fold(hash, microseconds(headerGet64(L.H_FLUSH_AT)));
  if (headerGet64(L.H_WRITE_CLOCK) > headerGet64(L.H_NOW)) hash = fold(hash, headerGet64(L.H_WRITE_CLOCK));
  for (let task: u32 = 0; task < headerGet(L.H_TASK_END); task++) {
    let dirtied = load<u32>(mmAt(task), L.TASK_NR_DIRTIED); // and TASK_DIRTIED_PAUSE
    if (dirtied) hash = fold(fold(hash, task), dirtied);
  }
  return hash;
}

/** Who reads which file how far, where readahead is on. */
function foldReaders(hash: u64): u64 {
  for (let entry: u32 = 0; entry < L.NR_READERS; entry++) {
    let at = readerAt(entry);
    if (!load<u32>(at, L.READER_MM)) continue;
    hash = fold(hash, entry);
    for (let field: u32 = 0; field < L.READER_STRIDE; field += 8) hash = fold(hash, load<u64>(at + field));
  }
  for (let object: u32 = 1; object < headerGet(L.H_OBJECT_END); object++) hash = fold(hash, load<u32>(inodeAt(object), L.INODE_SIZE));
  return hash;
}

/** Pressure, once something has stalled: times that were counted, and what is still to come of each task. */
function foldPressure(hash: u64): u64 {
  for (let memcg: u32 = 1; memcg < headerGet(L.H_MEMCG_END); memcg++) {
    psiSettle(memcg);
    for (let field: u32 = 0; field < L.PSI_STRIDE; field += 8) hash = fold(hash, load<u64>(psiAt(memcg) + field));
    for (let cpu: u32 = 0; cpu < nrCpus; cpu++) {
      // A CPU that never did anything leaves no trace.
      if (!load<u64>(psiCpuAt(memcg, cpu), L.PSI_SINCE)) continue;
      for (let field: u32 = 0; field < L.PSI_CPU_STRIDE; field += 8) hash = fold(hash, load<u64>(psiCpuAt(memcg, cpu) + field));
    }
  }
  for (let task: u32 = 1; task < headerGet(L.H_TASK_END); task++) {
    let at = psiTaskAt(task);
    let state = load<u32>(at, L.PSI_STATE);
    if (!state) continue;
    hash = fold(fold(hash, (<u64>task << 32) | state), load<u64>(at, L.PSI_CPU));
    for (let field: u32 = L.PSI_RECLAIMS_UNTIL; field <= L.PSI_WORKS_UNTIL; field += 8) hash = fold(hash, load<u64>(at + field));
  }
  return hash;
}

/** What the machine's own reclaim has done. Where there was none this leaves no trace. */
function foldVm(hash: u64): u64 {
  let failures = headerGet(L.H_KSWAPD_FAILURES);
  if (failures) hash = fold(fold(hash, L.NR_VM_EVENTS), failures);
  // Kills are told by their memcgs and their victims.
  for (let event: u32 = 0; event < L.VM_OOM_KILL; event++) if (vmEvent(event)) hash = fold(fold(hash, event), vmEvent(event));
  return hash;
}

/** Reclaimable slab: the runs of the list, oldest first. One that never was leaves no trace. */
function foldShrinker(hash: u64, memcg: u32): u64 {
  let at = shrinkAt(memcg);
  let deferred = load<u64>(at, L.SHRINK_DEFERRED);
  if (deferred) hash = fold(fold(hash, memcg), deferred);
  let io = load<u32>(memcgAt(memcg), L.MEMCG_IO);
  if (io) hash = fold(fold(hash, (<u64>memcg << 32) | L.MEMCG_IO), io);
  let payer = load<u32>(at, L.SHRINK_COST_OBJCG);
  if (payer) hash = fold(fold(hash, memcg), payer);
  let tree = at + L.SHRINK_RADIX;
  for (let key = radixNext(tree, 0); key != NO_KEY; key = radixNext(tree, key + 1)) hash = fold(hash, radixGet(tree, key));
  return hash;
}

/** What a policy goes by beside the charges: payers, creators, marks, owners, domains, users. Nothing of that leaves no trace. */
function foldPolicy(hash: u64): u64 {
  for (let object: u32 = 1; object < headerGet(L.H_OBJECT_END); object++)
    for (let field = L.BOND_PAYER; field <= L.BOND_MARK; field += 4) {
      let word = load<u32>(bondAt(object) + field);
      if (word) hash = fold(fold(hash, (<u64>object << 32) | field), word);
    }
  for (let memcg: u32 = 1; memcg < headerGet(L.H_MEMCG_END); memcg++) {
    let at = policyMemcgAt(memcg);
    for (let field = L.PM_UID; field <= L.PM_GRANTS; field += 4) {
      let word = load<u32>(at + field);
      if (word) hash = fold(fold(hash, (<u64>memcg << 32) | field), word);
    }
    for (let field = L.PM_SKIPPED; field <= L.PM_WAKE_AT; field += 8) {
      let word = load<u64>(at + field);
      if (word) hash = fold(fold(hash, (<u64>memcg << 32) | field), word);
    }
    let shift = load<u64>(at, L.PM_AGE_SHIFT);
    if (shift | load<u32>(at, L.PM_RELEASED)) hash = fold(fold(hash, (<u64>memcg << 32) | L.PM_AGE_SHIFT), shift);
  }
  hash = foldTree(hash, bondAt(0) + L.BOND_RADIX); // unpaid frames
  for (let task: u32 = 1; task < headerGet(L.H_TASK_END); task++) {
    let uid = load<u32>(mmAt(task), L.TASK_UID);
    let namespace = load<u32>(mmAt(task), L.TASK_NAMESPACE);
    if (uid | namespace) hash = fold(fold(fold(hash, task), uid), namespace);
  }
  return hash;
}

/**
 * What loop workers and deficits are to a policy: who works for whom until when, who owes what, which quotas there are. Under Linux' own
 * answers workers are the scheduler's affair, and no state.
 */
function foldLoops(hash: u64): u64 {
  for (let object: u32 = 1; object < headerGet(L.H_OBJECT_END); object++) {
    for (let worker = firstWorker(object); worker; worker = nextWorker(worker))
      hash = fold(fold(hash, (<u64>object << 32) | workerMemcg(worker)), microseconds(busyUntil(worker)));
    let quota = load<u32>(bondAt(object), L.BOND_QUOTA);
    if (quota) hash = fold(fold(hash, (<u64>object << 32) | L.BOND_QUOTA), quota);
  }
  for (let memcg: u32 = 1; memcg < headerGet(L.H_MEMCG_END); memcg++) {
    let deficit = countAt(memcg, L.PMC_DEFICIT);
    if (deficit) hash = fold(fold(hash, (<u64>memcg << 32) | L.PMC_DEFICIT), deficit);
    let reserve = countAt(memcg, L.PMC_RESERVE);
    if (reserve) hash = fold(fold(hash, (<u64>memcg << 32) | L.PMC_RESERVE), reserve);
  }
  return hash;
}

export function stateDigest(): u64 {
  let hash = fold(headerGet(L.H_KERNEL), microseconds(headerGet64(L.H_NOW)));
  hash = fold(hash, headerGet64(L.H_ROOT_DRIFT));
  // Who only observes (policyOn, too) changes no state.
  let answers = policyTables && headerGet(L.H_POLICY + L.POLICY_ON) != 0;
  if (rstatBase) hash = fold(fold(hash, headerGet(L.H_STATS_THRESHOLD)), headerGet64(L.H_STATS_FLUSH_AT));
  for (let cpu: u32 = 0; cpu < nrCpus; cpu++) hash = foldCpu(hash, cpu);
  for (let memcg: u32 = 1; memcg < headerGet(L.H_MEMCG_END); memcg++) if (memcgState(memcg) != L.MEMCG_FREE) hash = foldMemcg(hash, memcg);
  for (let task: u32 = 1; task < headerGet(L.H_TASK_END); task++) {
    let at = taskAt(task);
    if (load<u32>(at, L.TASK_STATE) == L.TASK_FREE) continue;
    hash = fold(hash, task);
    for (let field: u32 = 0; field < L.TASK_STRIDE; field += 8) hash = fold(hash, load<u64>(at + field));
  }
  for (let frame: u32 = 1; frame < headerGet(L.H_PAGE_END); frame++) {
    let at = folioAt(frame);
    let word = load<u32>(at, L.FOLIO_CHARGE);
    let waiter = load<u32>(at, L.FOLIO_WAITER);
    if (!word && !waiter) continue;
    hash = fold(hash, (<u64>frame << 32) | word);
    hash = fold(hash, (<u64>waiter << 32) | load<u32>(at, L.FOLIO_STATE));
  }
  if (headerGet(L.H_RESIDENCY) == L.RESIDENCY_MODELLED) {
    hash = foldWriteback(foldResident(hash));
    if (headerGet(L.H_READAHEAD)) hash = foldReaders(hash);
    for (let memcg: u32 = 1; memcg < headerGet(L.H_MEMCG_END); memcg++) hash = foldShrinker(foldLruvec(hash, memcg), memcg);
    let pool = load<u32>(hugeBase, L.HUGE_POOL);
    if (pool) hash = foldTree(fold(hash, pool), hugeBase + L.HUGE_RADIX);
    if (answers) hash = foldPolicy(hash);
  }
  if (headerGet(L.H_PSI_ON)) hash = foldPressure(hash);
  if (answers) hash = foldLoops(hash);
  hash = foldVm(hash);
  for (let entry: u32 = 1; entry < headerGet(L.H_SWAP_END); entry++) {
    let memcg = swapOwner(entry);
    if (memcg) hash = fold(hash, (<u64>entry << 32) | memcg);
  }
  return hash;
}
