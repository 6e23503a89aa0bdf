// The ABI: the only exported functions. Ids are u32, 0 = none; statuses are 0 or a negative errno; pages, bytes, nanoseconds.
// The bindings write the header (capacities, kernel, seed), call attach() in every instance and boot() in one.

import { DEFAULT_HZ, EINVAL, ENOENT, ERANGE, ESRCH, NEVER } from './constants';
import {
  pageCounterCharge as pcCharge,
  pageCounterTryCharge as pcTryCharge,
  pageCounterUncharge as pcUncharge,
} from './counter/page-counter';
import { calculateProtection as calculate } from './counter/protection';
import { enforceLimit } from './charge/limit';
import { victimsDie } from './charge/oom';
import { drainAllStock as drainAll } from './counter/stock';
import { chargeWord, orderOf, ownerOf, unchargeBatch } from './folio/folio';
import { setHugePool } from './folio/hugetlb';
import { initNodes } from './folio/radix';
import { initSlots } from './folio/slots';
import { swapOff as takeSwapOff } from './folio/swapoff';
import { initWriteback } from './folio/writeback';
import { taskKilled } from './live';
import * as L from './layout';
import { chargeCost, countDescendants, isReleased as isReleasedMemcg, releaseDying } from './memcg/css';
import { writeKnob as writeKnobTo } from './memcg/knobs';
import { initRoot, mkdir as mkdirMemcg, offline as offlineMemcg, rmdir as rmdirMemcg } from './memcg/lifecycle';
import { memcgExists } from './memcg/memcg';
import {
  attachMemory,
  counterAt,
  cpuAt,
  folioAt,
  headerGet,
  headerGet64,
  headerSet,
  headerSet64,
  memcgOfCounter,
  nodesEnd,
  nrCpus,
  outOfRange,
  pagesEnd,
  rstatBase,
  taskAt,
} from './memory';
import { overSettle as settleOver } from './policy/over';
import { seedRandom } from './random';
import { addHead, isolate as isolateFolio, listAt, rotate as rotateFolio, size } from './reclaim/lru';
import { shareUp } from './policy/share';
import { proactiveReclaim } from './reclaim/proactive';
import { initWatermarks } from './reclaim/watermark';
import { GFP_KERNEL } from './replay/ops';
import { execProcess, exitProcess, forkProcess, spawnProcess } from './task/process';
import { taskExists } from './task/task';

export { audit } from './audit';
export { swapOn } from './folio/swapoff';
export { setBacking, setIoMemcg, takeErrors } from './folio/loop';
export { hasEntry } from './folio/mapping';
export { objectPages, setInodeSize, setSuper, setSuperMax, superUsed } from './folio/inode';
export { quotaUsed, setObjectUid, setSuperQuota } from './folio/quota';
export { stateDigest } from './digest';
export {
  advance,
  chargeFolio,
  chargeKmemPages,
  chargeObject,
  chargeSock,
  memstall,
  migrate,
  readPressure,
  returnToUser,
  split,
  swapFree,
  swapOut,
  taskKilled,
  uncharge,
  unchargeKmemPages,
  unchargeObject,
  unchargeSock,
  warmCharge,
  warmFolio,
  warmObject,
  warmObjStock,
  warmUncharge,
  warmUnchargeKmem,
} from './live';
export { measureMm } from './folio/rss';
export { eventCount } from './memcg/events';
export { readKnob } from './memcg/knobs';
export { flushCgroup, flushStats, statShown } from './memcg/rstat';
export { statLocal, statTotal } from './memcg/stat';
export { workOutShares } from './observe/users';
export { replayRecorded } from './replay/loop';
export { call, hugeCall } from './replay/call';
export { replayModelled } from './replay/modelled';
export { attach as attachTask, enterScope, folioPayer, kmemPayer, leaveScope } from './task/task';

/** Derives this instance's addresses from the header. `worker` < CAP_WORKERS picks its own statistics. */
export function attach(worker: u32): void {
  attachMemory(worker);
}

/** Sets up a zeroed memory whose header is written: the root memcg, CPUs without stock, timers unarmed. */
export function boot(): void {
  headerSet64(L.H_NEXT_TIMER, NEVER);
  if (!headerGet(L.H_HZ)) headerSet(L.H_HZ, DEFAULT_HZ);
  for (let cpu: u32 = 0; cpu < nrCpus; cpu++) {
    store<u64>(cpuAt(cpu), NEVER, L.CPU_FLUSH_AT);
    store<u64>(cpuAt(cpu), NEVER, L.CPU_OBJ_FLUSH_AT);
    seedRandom(cpu, headerGet(L.H_SEED));
  }
  if (rstatBase) {
    let period = headerGet64(L.H_STATS_PERIOD);
    if (!headerGet64(L.H_STATS_FLUSH_AT)) headerSet64(L.H_STATS_FLUSH_AT, period);
    headerSet64(L.H_NEXT_TIMER, headerGet64(L.H_STATS_FLUSH_AT));
  }
  initRoot();
  initNodes();
  initSlots();
  initWriteback();
  if (nodesEnd > 1) initWatermarks(pagesEnd - 1);
}

/** A task that no fork made known: with an mm of its own in `memcg`, or a kernel thread (`mm` false). */
export function spawn(task: u32, memcg: u32, mm: bool): i32 {
  return spawnProcess(task, 0, memcg, mm);
}
/** fork: the child starts in its parent's cgroup, with a copy of its mm, or as a thread on the same. */
export function fork(parent: u32, child: u32, thread: bool): i32 {
  if (taskKilled(parent)) return outOfRange(L.FIELD_TASK, parent, ESRCH);
  return forkProcess(parent, 0, child, thread);
}
/** exec: a fresh mm, owned by the task that called it. */
export function exec(task: u32): i32 {
  if (taskKilled(task)) return outOfRange(L.FIELD_TASK, task, ESRCH);
  return ended(task, execProcess(task, 0));
}
/** exit: the task leaves its cgroup's population, and its mm. What it charged stays charged where somebody else holds it. */
export function exit(task: u32): i32 {
  return ended(task, exitProcess(task, 0));
}
/** The pages that an address space gave up are uncharged. */
function ended(task: u32, errno: i32): i32 {
  return errno || nodesEnd == 1 ? errno : unchargeFlush(task);
}

/**
 * mkdir of a memory cgroup; `kernelId` is what the recorded kernel called it. -ENOMEM: its parent cannot pay for it (boot option
 * memcgCost), and it is removed again: the id is used up.
 */
export function mkdir(memcg: u32, parent: u32, kernelId: u64, cpu: u32): i32 {
  let errno = mkdirMemcg(memcg, parent, kernelId);
  if (errno) return errno;
  noteCpu(cpu);
  errno = chargeCost(0, cpu, memcg, parent, GFP_KERNEL);
  if (errno) rmdir(memcg, cpu);
  settle(cpu);
  return errno;
}

/** Victims of the OOM killer die, what nobody's batch holds is uncharged, and removed memcgs that nothing refers to are freed. */
function settle(cpu: u32): void {
  victimsDie(cpu);
  if (load<u32>(taskAt(0), L.TASK_PENDING) & L.TASK_HAS_BATCH) unchargeBatch(0);
  if (headerGet(L.H_RELEASE_CHECK)) releaseDying(cpu);
}

/** rmdir, and the offlining that follows it on a CPU. -EBUSY while tasks or children live there. */
export function rmdir(memcg: u32, cpu: u32): i32 {
  noteCpu(cpu);
  let errno = rmdirMemcg(memcg, false);
  if (!errno) errno = offlineMemcg(memcg, cpu);
  settle(cpu);
  return errno;
}

/** vm.nr_hugepages, of 2 MiB: answers how many there are; what is in use or reserved stays. -EINVAL where residency is not modelled. */
export function setHugePages(pages: u32): i32 {
  return nodesEnd == 1 ? -EINVAL : <i32>setHugePool(pages);
}

/** cgroup.stat: descendants that live, or (`dying`) that were removed and that something refers to still. */
export function nrDescendants(memcg: u32, dying: bool): u32 {
  return memcgExists(memcg) ? countDescendants(memcg, dying) : 0;
}

/** The memcg is removed, and nothing refers to it any more. */
export function isReleased(memcg: u32): bool {
  return memcgExists(memcg) && isReleasedMemcg(memcg);
}

/**
 * Writes a knob (KNOB_*) from a CPU. `value` in pages; oom.group: 0 or 1. In modelled residency a limit below the usage reclaims and
 * kills, as in Linux.
 */
export function writeKnob(memcg: u32, knob: u32, value: i64, cpu: u32): i32 {
  noteCpu(cpu);
  let errno = writeKnobTo(memcg, knob, value, cpu);
  if (errno || nodesEnd == 1) return errno;
  enforceLimit(0, cpu, memcg, knob);
  settle(cpu);
  return 0;
}

/** swapoff() by a task (0: somebody outside all cgroups) on a CPU. See swapOff() of folio/swapoff.ts. */
export function swapOff(task: u32, cpu: u32): i32 {
  if (cpu >= nrCpus) return outOfRange(L.FIELD_CPU, cpu, ERANGE);
  if (task && !taskExists(task)) return outOfRange(L.FIELD_TASK, task, ESRCH);
  noteCpu(cpu);
  let errno = takeSwapOff(task, cpu);
  if (load<u32>(taskAt(task), L.TASK_PENDING) & L.TASK_HAS_BATCH) unchargeBatch(task);
  settle(cpu);
  return errno;
}

/** Whose statistics change from here on. */
function noteCpu(cpu: u32): void {
  if (cpu < nrCpus) headerSet(L.H_CURRENT_CPU, cpu);
}

/** uncharge_batch(): ends the task's batch. */
export function unchargeFlush(task: u32): i32 {
  if (!taskExists(task)) return outOfRange(L.FIELD_TASK, task, ESRCH);
  if (load<u32>(taskAt(task), L.TASK_PENDING) & L.TASK_HAS_BATCH) unchargeBatch(task);
  return 0;
}

/** drain_all_stock(memcg), as seen from one CPU. */
export function drainAllStock(memcg: u32, cpu: u32): i32 {
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  if (cpu >= nrCpus) return outOfRange(L.FIELD_CPU, cpu, ERANGE);
  noteCpu(cpu);
  drainAll(memcg, cpu);
  return 0;
}

/** page_counter_try_charge() of one counter (COUNTER_MEMORY, COUNTER_SWAP): 0, or the memcg that refused. */
export function pageCounterTryCharge(memcg: u32, counter: u32, pages: i64): u32 {
  let refused = pcTryCharge(counterAt(memcg, counter), pages);
  return refused ? memcgOfCounter(refused) : 0;
}
/** page_counter_charge() */
export function pageCounterCharge(memcg: u32, counter: u32, pages: i64): void {
  pcCharge(counterAt(memcg, counter), pages);
}
/** The figures of what is above memory.max (PM_OVER…) are brought up to the clock. */
export function overSettle(): void {
  settleOver();
}
/** page_counter_uncharge() */
export function pageCounterUncharge(memcg: u32, counter: u32, pages: i64): void {
  pcUncharge(counterAt(memcg, counter), pages);
}
/** A field (PC_*) of a counter. */
export function pageCounterField(memcg: u32, counter: u32, field: u32): i64 {
  return load<i64>(counterAt(memcg, counter) + field);
}
/** page_counter_calculate_protection() for a reclaim from `root`; parents first. */
export function calculateProtection(root: u32, memcg: u32): void {
  calculate(root, memcg);
}

/**
 * peak_write() of memory.peak or memory.swap.peak: the local watermark starts over at the usage, which is answered. Pages. What each
 * open file makes of it is the bindings' (bindings/cgroupfs/peak.ts).
 */
export function resetLocalWatermark(memcg: u32, counter: u32): i64 {
  let usage = load<i64>(counterAt(memcg, counter), L.PC_USAGE);
  store<i64>(counterAt(memcg, counter), usage, L.PC_LOCAL_WATERMARK);
  return usage;
}

/**
 * A write to memory.reclaim from a CPU: 0, or -EAGAIN when so much cannot be had. `swappiness` + 1, 0 = vm.swappiness. -EINVAL where
 * residency is not modelled.
 */
export function reclaim(memcg: u32, cpu: u32, pages: u64, swappiness: u32): i32 {
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  if (cpu >= nrCpus) return outOfRange(L.FIELD_CPU, cpu, ERANGE);
  if (nodesEnd == 1) return -EINVAL;
  noteCpu(cpu);
  let errno = proactiveReclaim(0, cpu, memcg, pages, swappiness);
  settle(cpu);
  return errno;
}

/** Owner of a frame: its memcg, or its objcg for kernel pages; 0 when it is not charged. */
export function folioOwner(frame: u32): u32 {
  return frame < pagesEnd ? ownerOf(chargeWord(frame)) : 0;
}

/**
 * Another memcg touches the folio at `frame`, of whatever order: as under the policy common-ancestor it belongs to their lowest common
 * ancestor from now on, unless it is in reclaim's hands. Answers its owner; -EINVAL: no user folio.
 */
export function shareFolio(frame: u32, memcg: u32, cpu: u32): i32 {
  if (frame == 0 || frame >= pagesEnd) return outOfRange(L.FIELD_INDEX, frame, ERANGE);
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  if (!chargeWord(frame) || chargeWord(frame) & L.CHARGE_KMEM) return -EINVAL;
  noteCpu(cpu);
  shareUp(cpu, frame, memcg);
  settle(cpu);
  return ownerOf(chargeWord(frame));
}

/** Folios on one of a memcg's lists (LRU_*). */
export function lruSize(memcg: u32, list: u32): u32 {
  return size(listAt(memcg, list));
}
/** Takes the oldest folio off a list; it stays charged, on no list. 0: the list is empty. */
export function lruIsolate(memcg: u32, list: u32): u32 {
  return isolateFolio(listAt(memcg, list));
}
/** Puts an isolated folio back at the newest end of a list of its owner. */
export function lruPutback(frame: u32, list: u32): i32 {
  if (frame == 0 || frame >= pagesEnd) return outOfRange(L.FIELD_INDEX, frame, ERANGE);
  let word = chargeWord(frame);
  if (!word || word & L.CHARGE_KMEM || list >= L.NR_LRU_LISTS || load<u32>(folioAt(frame), L.FOLIO_POSITION))
    return -EINVAL;
  setList(frame, list);
  addHead(listAt(ownerOf(word), list), frame, 1 << orderOf(word));
  return 0;
}
/** folio_rotate_reclaimable(): moves a folio to the oldest end of its list. */
export function lruRotate(frame: u32): i32 {
  if (frame == 0 || frame >= pagesEnd) return outOfRange(L.FIELD_INDEX, frame, ERANGE);
  let word = chargeWord(frame);
  if (!word || !load<u32>(folioAt(frame), L.FOLIO_POSITION)) return -EINVAL;
  let list = (load<u32>(folioAt(frame), L.FOLIO_STATE) & L.STATE_LIST_MASK) >> L.STATE_LIST_SHIFT;
  rotateFolio(listAt(ownerOf(word), list), frame, 1 << orderOf(word));
  return 0;
}
function setList(frame: u32, list: u32): void {
  let state = load<u32>(folioAt(frame), L.FOLIO_STATE) & ~L.STATE_LIST_MASK;
  store<u32>(folioAt(frame), state | (list << L.STATE_LIST_SHIFT), L.FOLIO_STATE);
}
