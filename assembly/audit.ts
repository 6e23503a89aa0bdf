// Conservation: every counter is recomputed from the folios, objcgs, stocks, batches and swap entries that it stands for,
// every list is walked both ways. The first discrepancy is the answer. Cold code: clarity before speed.

import { addPrecharged, auditBpf, skippedPages } from './audit-bpf';
import { auditOver } from './policy/over';
import { auditWorkers } from './policy/worker';
import { auditPressure } from './audit-pressure';
import { auditResident } from './audit-resident';
import { MAX_FOLIO_ORDER, PAGE_SHIFT, PAGE_SIZE } from './constants';
import { memoryCounter, pageCounterRead, swapCounter } from './counter/page-counter';
import { chargeWord, orderOf, ownerOf, pagesOf } from './folio/folio';
import { objcgMemcg } from './folio/objcg';
import { isReleasedSlot, swapOwner } from './folio/swap';
import * as L from './layout';
import { unseen } from './memcg/before';
import { memcgState, nextInSubtree } from './memcg/memcg';
import { statPending, statShown } from './memcg/rstat';
import { statLocal, statTotal, thpStatOfKind } from './memcg/stat';
import {
  auditBase, chunkBase, cpuAt, folioAt, headerGet, headerGet64, headerSet, headerSet64, memcgAt, nrCpus, nrStockSlots, nrWorkers,
  objcgAt, ROOT, rstatBase, taskAt,
} from './memory';
import { nodeOwner } from './folio/radix';
import { mix64 } from './random';
import { frameAt, listAt, size, sizePages, walkDown, walkUp } from './reclaim/lru';
import { KIND_KERNEL_OTHER, KIND_KERNEL_STACK, KIND_PERCPU, KIND_SHMEM, KIND_SLAB, KIND_STOCK } from './replay/ops';

@inline function tally(id: u32, row: u32): usize {
  return auditBase + <usize>id * L.AUDIT_STRIDE + (row << 3);
}
@inline export function got(id: u32, row: u32): i64 {
  return load<i64>(tally(id, row));
}
@inline export function tallyAdd(id: u32, row: u32, n: i64): void {
  store<i64>(tally(id, row), got(id, row) + n);
}

/** Notes the first discrepancy. AUDIT_OK when both agree, else `code`. */
export function differs(code: u32, id: u32, expected: i64, found: i64): u32 {
  if (expected == found) return L.AUDIT_OK;
  headerSet(L.H_AUDIT_ID, id);
  headerSet64(L.H_AUDIT_EXPECTED, <u64>expected);
  headerSet64(L.H_AUDIT_FOUND, <u64>found);
  return code;
}

/** Adds up unseen pages, folios, stocks, batches, waiting charges and swap entries. Answers the folios that say they are on a list. */
function addUp(): i64 {
  let end = headerGet(L.H_MEMCG_END);
  memory.fill(auditBase, 0, <usize>end * L.AUDIT_STRIDE);
  let listed: i64 = 0;
  let pageEnd = headerGet(L.H_PAGE_END);
  for (let frame: u32 = 1; frame < pageEnd; ) {
    let word = chargeWord(frame);
    if (!word) {
      frame++;
      continue;
    }
    let state = load<u32>(folioAt(frame), L.FOLIO_STATE);
    let kind = state & L.STATE_KIND_MASK;
    tallyAdd(ownerOf(word), state & L.STATE_UNCOUNTED ? L.AUDIT_UNCOUNTED : L.AUDIT_KIND + kind, pagesOf(word));
    if (!(word & L.CHARGE_KMEM) && orderOf(word) == MAX_FOLIO_ORDER) tallyAdd(ownerOf(word), L.AUDIT_THP + kind, pagesOf(word));
    if (state & L.STATE_BUFFERS) tallyAdd(ownerOf(word), L.AUDIT_CACHE, headerGet(L.H_BUFFER_HEAD));
    if (load<u32>(folioAt(frame), L.FOLIO_POSITION)) listed++;
    frame += pagesOf(word);
  }
  if (headerGet(L.H_CACHE_NODE))
    for (let node: u32 = 1; node < headerGet(L.H_NODE_END); node++)
      if (nodeOwner(node) > ROOT) tallyAdd(nodeOwner(node), L.AUDIT_CACHE, headerGet(L.H_CACHE_NODE));
  for (let memcg: u32 = 1; memcg < end; memcg++) {
    for (let kind: u32 = 0; kind <= KIND_KERNEL_OTHER; kind++) tallyAdd(memcg, L.AUDIT_KIND + kind, unseen(memcg, kind));
    tallyAdd(memcg, L.AUDIT_STOCK, unseen(memcg, KIND_STOCK));
  }
  for (let cpu: u32 = 0; cpu < nrCpus; cpu++) {
    let at = cpuAt(cpu);
    for (let slot: u32 = 0; slot < nrStockSlots; slot++) {
      let memcg = load<u32>(at + (slot << 2), L.STOCK_MEMCG);
      if (memcg) tallyAdd(memcg, L.AUDIT_STOCK, load<u32>(at + (slot << 2), L.STOCK_PAGES));
    }
    let objcg = load<u32>(at, L.OBJ_STOCK_OBJCG);
    if (objcg) tallyAdd(objcg, L.AUDIT_STOCK_BYTES, load<u32>(at, L.OBJ_STOCK_BYTES));
  }
  let taskEnd = headerGet(L.H_TASK_END);
  for (let task: u32 = 1; task < taskEnd; task++) {
    let at = taskAt(task);
    let bits = load<u32>(at, L.TASK_PENDING);
    if (bits & L.TASK_HAS_BATCH) {
      let kmem: i64 = load<u32>(at, L.GATHER_KMEM);
      tallyAdd(load<u32>(at, L.GATHER_MEMCG), L.AUDIT_GATHERED, <i64>load<u32>(at, L.GATHER_PAGES) - kmem);
      tallyAdd(load<u32>(at, L.GATHER_MEMCG), L.AUDIT_GATHERED_KMEM, kmem);
    }
    if (bits & L.TASK_HAS_LIFTED) tallyAdd(load<u32>(at, L.SINGLE_MEMCG), L.AUDIT_UNDONE, load<u32>(at, L.SINGLE_PAGES));
    if (bits & L.TASK_HAS_WAIT && load<u32>(at, L.WAIT_FLAGS) & L.WAITED_UNDONE)
      tallyAdd(load<u32>(at, L.WAIT_MEMCG), L.AUDIT_UNDONE, load<u32>(at, L.WAIT_PAGES));
  }
  addPrecharged();
  let swapTop = headerGet(L.H_SWAP_END);
  for (let entry: u32 = 1; entry < swapTop; entry++) {
    let memcg = swapOwner(entry);
    if (memcg && !isReleasedSlot(memcg)) tallyAdd(memcg, L.AUDIT_SWAP, 1);
  }
  return listed;
}

/** What one memcg itself adds to the memory counters from its own level upwards. */
function ownCharge(memcg: u32): i64 {
  let pages = statLocal(memcg, L.STAT_KMEM) + statLocal(memcg, L.STAT_SOCK);
  if (memcg != ROOT) pages += statLocal(memcg, L.STAT_HUGETLB);
  pages += got(memcg, L.AUDIT_STOCK) + got(memcg, L.AUDIT_GATHERED) - got(memcg, L.AUDIT_UNDONE) - skippedPages(memcg);
  // The root's own folios are not counted.
  if (memcg == ROOT) return pages;
  for (let kind: u32 = 0; kind <= KIND_SHMEM; kind++) pages += got(memcg, L.AUDIT_KIND + kind);
  return pages + got(memcg, L.AUDIT_UNCOUNTED);
}

function auditCounters(memcg: u32): u32 {
  let memory: i64 = 0;
  let swap: i64 = 0;
  for (let m = memcg; m; m = nextInSubtree(m, memcg)) {
    memory += ownCharge(m);
    if (m != ROOT) swap += got(m, L.AUDIT_SWAP);
  }
  if (memcg == ROOT) memory += <i64>headerGet64(L.H_ROOT_DRIFT);
  let counter = memoryCounter(memcg);
  let code = differs(L.AUDIT_MEMORY_USAGE, memcg, memory, pageCounterRead(counter));
  if (!code) code = differs(L.AUDIT_SWAP_USAGE, memcg, swap, pageCounterRead(swapCounter(memcg)));
  // Workers raise watermarks without a lock, as CPUs do in Linux: with several, one may lose the race.
  if (!code && nrWorkers == 1 && load<i64>(counter, L.PC_WATERMARK) < pageCounterRead(counter))
    code = differs(L.AUDIT_WATERMARK, memcg, pageCounterRead(counter), load<i64>(counter, L.PC_WATERMARK));
  return code;
}

/** min_usage and low_usage follow the usage; the parent's sums follow the children. */
function auditProtection(memcg: u32): u32 {
  let counter = memoryCounter(memcg);
  let usage = pageCounterRead(counter);
  let code: u32 = 0;
  if (memcg != ROOT) {
    code = differs(L.AUDIT_PROTECTION, memcg, min<i64>(usage, load<i64>(counter, L.PC_MIN)), load<i64>(counter, L.PC_MIN_USAGE));
    if (!code) code = differs(L.AUDIT_PROTECTION, memcg, min<i64>(usage, load<i64>(counter, L.PC_LOW)), load<i64>(counter, L.PC_LOW_USAGE));
  }
  let minSum: i64 = 0;
  let lowSum: i64 = 0;
  for (let child = load<u32>(memcgAt(memcg), L.MEMCG_FIRST_CHILD); child; child = load<u32>(memcgAt(child), L.MEMCG_NEXT_SIBLING)) {
    minSum += load<i64>(memoryCounter(child), L.PC_MIN_USAGE);
    lowSum += load<i64>(memoryCounter(child), L.PC_LOW_USAGE);
  }
  if (!code) code = differs(L.AUDIT_PROTECTION, memcg, minSum, load<i64>(counter, L.PC_CHILDREN_MIN_USAGE));
  if (!code) code = differs(L.AUDIT_PROTECTION, memcg, lowSum, load<i64>(counter, L.PC_CHILDREN_LOW_USAGE));
  return code;
}

/** Kernel memory: what the statistics of a living subtree say against the objcgs that charge it. */
function auditKmem(memcg: u32): u32 {
  let pages: i64 = 0;
  let bytes: i64 = 0;
  let end = headerGet(L.H_MEMCG_END);
  for (let objcg: u32 = 1; objcg < end; objcg++) {
    if (memcgState(objcg) == L.MEMCG_FREE || !under(objcgMemcg(objcg), memcg)) continue;
    for (let kind = KIND_KERNEL_STACK; kind <= KIND_KERNEL_OTHER; kind++) pages += got(objcg, L.AUDIT_KIND + kind);
    pages += got(objcg, L.AUDIT_BYTE_PAGES);
    bytes += load<i64>(objcgAt(objcg), L.OBJCG_BYTES);
  }
  for (let m = memcg; m; m = nextInSubtree(m, memcg)) pages += got(m, L.AUDIT_GATHERED_KMEM);
  let code = differs(L.AUDIT_KMEM, memcg, pages, statTotal(memcg, L.STAT_KMEM));
  let said = statTotal(memcg, L.STAT_SLAB) + statTotal(memcg, L.STAT_SLAB_RECLAIMABLE) + statTotal(memcg, L.STAT_PERCPU);
  if (!code) code = differs(L.AUDIT_STATISTIC, memcg, bytes, said);
  for (let kind = KIND_KERNEL_STACK; kind <= KIND_KERNEL_OTHER && !code; kind++) {
    if (kind == KIND_SLAB || kind == KIND_PERCPU) continue;
    pages = 0;
    for (let objcg: u32 = 1; objcg < end; objcg++)
      if (memcgState(objcg) != L.MEMCG_FREE && under(objcgMemcg(objcg), memcg)) pages += got(objcg, L.AUDIT_KIND + kind);
    code = differs(L.AUDIT_STATISTIC, memcg, pages, statTotal(memcg, kind));
  }
  return code;
}

function under(memcg: u32, root: u32): bool {
  for (let m = memcg; m; m = load<u32>(memcgAt(m), L.MEMCG_PARENT)) if (m == root) return true;
  return false;
}

/** Bytes of live objects, in stocks and left over add up to whole pages. */
function auditBytes(objcg: u32): u32 {
  let at = objcgAt(objcg);
  let bytes = load<i64>(at, L.OBJCG_BYTES) + got(objcg, L.AUDIT_STOCK_BYTES) + load<u32>(at, L.OBJCG_CHARGED_BYTES);
  tallyAdd(objcg, L.AUDIT_BYTE_PAGES, bytes >> PAGE_SHIFT);
  let code = differs(L.AUDIT_OBJCG_BYTES, objcg, 0, bytes & (PAGE_SIZE - 1));
  let pages: i64 = 0;
  for (let kind = KIND_KERNEL_STACK; kind <= KIND_KERNEL_OTHER; kind++) pages += got(objcg, L.AUDIT_KIND + kind);
  if (!code) code = differs(L.AUDIT_OBJCG_BYTES, objcg, pages, load<i64>(at, L.OBJCG_PAGES));
  return code;
}

/** One list, from both ends: members, sizes, order. */
function auditList(memcg: u32, which: u32): u32 {
  let list = listAt(memcg, which);
  let folios: i64 = 0;
  let pages: i64 = 0;
  let upHash: u64 = 0;
  for (let at = walkUp(list, 0); at; at = walkUp(list, at)) {
    let frame = frameAt(at);
    let word = chargeWord(frame);
    let said = (load<u32>(folioAt(frame), L.FOLIO_STATE) & L.STATE_LIST_MASK) >> L.STATE_LIST_SHIFT;
    let code = differs(L.AUDIT_LIST_OWNER, frame, memcg << L.CHARGE_OWNER_SHIFT, word & ~L.CHARGE_ORDER_MASK);
    if (!code) code = differs(L.AUDIT_LIST_OWNER, frame, which, said);
    if (code) return code;
    folios++;
    pages += pagesOf(word);
    upHash += mix64((<u64>frame << 32) | <u64>folios);
  }
  let code = differs(L.AUDIT_LIST_SIZE, memcg, folios, size(list));
  if (!code) code = differs(L.AUDIT_LIST_PAGES, memcg, pages, sizePages(list));
  if (code) return code;
  let downHash: u64 = 0;
  for (let at = walkDown(list, 0); at; at = walkDown(list, at)) {
    downHash += mix64((<u64>frameAt(at) << 32) | <u64>folios);
    folios--;
  }
  return differs(L.AUDIT_LIST_ORDER, memcg, <i64>upHash, <i64>downHash);
}

/** Every chunk is on one list or free. */
function auditChunks(): u32 {
  let found: i64 = 0;
  for (let chunk = headerGet(L.H_FREE_CHUNK); chunk; chunk = load<u32>(chunkBase + (<usize>chunk << 3))) found++;
  let end = headerGet(L.H_MEMCG_END);
  for (let memcg: u32 = 1; memcg < end; memcg++) {
    for (let which: u32 = 0; which < L.NR_LRU_LISTS; which++) {
      let chunk = load<u32>(listAt(memcg, which), L.LIST_TAIL) >> L.CHUNK_SHIFT;
      for (; chunk; chunk = load<u32>(chunkBase + (<usize>chunk << 3))) found++;
    }
  }
  return differs(L.AUDIT_CHUNKS, 0, headerGet(L.H_CHUNKS_USED), found);
}

/** A memcg's exact own figure of a row as the kernel counts it; what has no row of its own in Linux counts nothing. */
function ownOf(memcg: u32, row: u32): i64 {
  if (row == L.STAT_KERNEL_OTHER) return 0;
  return row < L.NR_STATS ? statLocal(memcg, row) : sizePages(listAt(memcg, row - L.RSTAT_LISTS));
}

/** Kernel statistics: what a memcg shows and what it and its CPUs hold back is what is: its own, and what its children show. */
function auditShown(memcg: u32): u32 {
  let code: u32 = 0;
  for (let row: u32 = 0; row < L.NR_RSTAT_ROWS && !code; row++) {
    if (row == L.STAT_SLAB || row == L.STAT_SLAB_RECLAIMABLE) continue;
    let expected = ownOf(memcg, row);
    for (let child = load<u32>(memcgAt(memcg), L.MEMCG_FIRST_CHILD); child; child = load<u32>(memcgAt(child), L.MEMCG_NEXT_SIBLING))
      expected += statShown(child, row);
    code = differs(L.AUDIT_SHOWN, memcg, expected, statShown(memcg, row) + statPending(memcg, row));
  }
  // Bytes of slab wait in the stocks, too, and a removed memcg's change hands with its objcg: only the whole subtree adds up.
  if (code || memcgState(memcg) == L.MEMCG_DYING) return code;
  code = auditSlabShown(memcg, L.STAT_SLAB, L.CPU_SLAB_BYTES);
  return code ? code : auditSlabShown(memcg, L.STAT_SLAB_RECLAIMABLE, L.CPU_SLAB_RECLAIMABLE_BYTES);
}

function auditSlabShown(memcg: u32, row: u32, gathered: u32): u32 {
  let found = statShown(memcg, row);
  for (let m = memcg; m; m = nextInSubtree(m, memcg)) found += statPending(m, row);
  for (let cpu: u32 = 0; cpu < nrCpus; cpu++) {
    let objcg = load<u32>(cpuAt(cpu), L.OBJ_STOCK_OBJCG);
    if (objcg && under(objcgMemcg(objcg), memcg)) found += load<i32>(cpuAt(cpu) + gathered);
  }
  return differs(L.AUDIT_SHOWN, memcg, statTotal(memcg, row), found);
}

function auditTasks(): u32 {
  let end = headerGet(L.H_MEMCG_END);
  for (let memcg: u32 = 1; memcg < end; memcg++) {
    let found: i64 = 0;
    for (let task: u32 = 1; task < headerGet(L.H_TASK_END); task++)
      if (load<u32>(taskAt(task), L.TASK_STATE) == L.TASK_LIVE && load<u32>(taskAt(task), L.TASK_MEMCG) == memcg) found++;
    let code = differs(L.AUDIT_TASKS, memcg, found, load<i32>(memcgAt(memcg), L.MEMCG_NR_TASKS));
    if (code) return code;
  }
  return L.AUDIT_OK;
}

/** Recomputes everything. AUDIT_OK, or the first discrepancy (AUDIT_*) with its id, expected and found values in the header. */
export function audit(): u32 {
  let listed = addUp();
  let end = headerGet(L.H_MEMCG_END);
  let code: u32 = 0;
  let onLists: i64 = 0;
  for (let memcg: u32 = 1; memcg < end && !code; memcg++) if (memcgState(memcg) != L.MEMCG_FREE) code = auditBytes(memcg);
  for (let memcg: u32 = 1; memcg < end && !code; memcg++) {
    let state = memcgState(memcg);
    if (state == L.MEMCG_FREE) continue;
    code = auditCounters(memcg);
    if (!code) code = auditProtection(memcg);
    if (!code && state != L.MEMCG_DYING) code = auditKmem(memcg);
    if (!code && rstatBase) code = auditShown(memcg);
    for (let kind: u32 = 0; kind <= KIND_SHMEM && !code; kind++)
      code = differs(L.AUDIT_STATISTIC, memcg, got(memcg, L.AUDIT_KIND + kind), statLocal(memcg, kind));
    for (let kind: u32 = 0; kind <= KIND_SHMEM && !code; kind++)
      code = differs(L.AUDIT_STATISTIC, memcg, got(memcg, L.AUDIT_THP + kind), statLocal(memcg, thpStatOfKind(kind)));
    for (let which: u32 = 0; which < L.NR_LRU_LISTS && !code; which++) {
      code = auditList(memcg, which);
      onLists += size(listAt(memcg, which));
    }
  }
  if (!code) code = differs(L.AUDIT_LIST_MEMBERS, 0, listed, onLists);
  if (!code) code = auditChunks();
  if (!code) code = auditTasks();
  if (!code) code = auditBpf();
  if (!code && headerGet(L.H_RESIDENCY) == L.RESIDENCY_MODELLED) code = auditResident();
  if (!code) code = auditPressure();
  if (!code) code = auditWorkers();
  if (!code) code = auditOver();
  return code;
}
