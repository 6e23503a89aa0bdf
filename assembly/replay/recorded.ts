// Recorded residency: the trace says what is charged and freed; the model keeps the counters and stocks. One staged row becomes the
// calls that the kernel made; waiting.ts settles the charges whose answer only later rows show.
import { forceCharge, isRefusal, SINGLY, tryCharge } from '../charge/charge';
import { beginChoice, recordKill } from '../charge/kills';
import { EINVAL, ENOENT, ERANGE, ESRCH, MAX_FOLIO_ORDER } from '../constants';
import { refillStock, runTimers, unconsumeStock } from '../counter/stock';
import {
  chargeWord, frameFits, gather, largeFolioOf, memcgOf, migrateFolio, orderOf, splitFolio, unchargeBatch, unchargeFolio,
  unchargeKmem,
} from '../folio/folio';
import { accountBytes, consumeObjStock, objcgMemcg, pagesOfBytes, refillObjStock, releaseObjcg } from '../folio/objcg';
import { chargeSwap, swapOwner, unchargeSwap } from '../folio/swap';
import {
  chargeInitial, commitExisting, commitExistingBytes, commitExistingKmem, ownerOfBytes, unchargeUnseen, unchargeUnseenKmem,
} from '../memcg/before';
import { memcgEvent } from '../memcg/events';
import { memcgExists } from '../memcg/memcg';
import { flushForReclaim, rstatUpdated } from '../memcg/rstat';
import { modStat, statLocal } from '../memcg/stat';
import {
  cpuAt, headerGet64, headerSet, headerSet64, nrCpus, objcgAt, outOfRange, pagesEnd, policyOn, ROOT, rstatBase, swapEnd, taskAt,
} from '../memory';
import { payerOf } from '../policy/payer';
import { ringKilled } from '../ring';
import { folioPayer, kmemPayer, taskExists, taskMemcg } from '../task/task';
import {
  counted, grant, lostFree, makeWay, noteSingle, park, pending, setPending, settle, setWaitFlags, unchargeNow, waiterFailed,
  waiterSucceeded, waitFlags,
} from './waiting';
import * as L from '../layout';
import { NOT_STRUCTURE, structureEvent } from './structure';
import * as O from './ops';

/**
 * A charge of `pages` to `memcg`: a folio (frame, no objcg), kernel pages (frame and objcg), or the pages behind an object of
 * an object (objcg and its `bytes`).
 */
@inline function charge(
  task: u32, cpu: u32, memcg: u32, pages: u32, frame: u32, objcg: u32, bytes: u32, kind: u32, order: u32, gfp: u32,
): void {
  let answer = tryCharge(cpu, memcg, pages, gfp);
  if (isRefusal(answer)) refused(task, cpu, memcg, pages, frame, objcg, bytes, kind, order, gfp, answer);
  else {
    if (answer == SINGLY && task) noteSingle(task, memcg, pages, frame);
    grant(cpu, memcg, pages, frame, objcg, bytes, kind, order);
  }
}

function refused(
  task: u32, cpu: u32, memcg: u32, pages: u32, frame: u32, objcg: u32, bytes: u32, kind: u32, order: u32, gfp: u32, over: u32,
): void {
  if (gfp & O.GFP_DIRECT_RECLAIM && task) {
    counted(L.RECORDED_PARKED);
    park(task, cpu, memcg, pages, frame, objcg, bytes, kind, order, 0, over);
  } else if (gfp & (O.GFP_HIGH | O.GFP_NOFAIL)) {
    counted(L.RECORDED_ATOMIC_FORCED);
    memcgEvent(over, L.EVENT_MAX);
    forceCharge(memcg, pages);
    grant(cpu, memcg, pages, frame, objcg, bytes, kind, order);
  } else {
    counted(L.RECORDED_ATOMIC_FAILED);
  }
}

@inline function kindOf(flags: u32): u32 {
  return (flags >> O.FLAG_KIND_SHIFT) & O.FLAG_KIND_MASK;
}

/** Checks the frame of a row: ERANGE outside the table, EINVAL where a folio of this order cannot begin. */
@inline function checkFrame(index: u64, order: u32): i32 {
  if (index >= pagesEnd || !frameFits(<u32>index, order)) return outOfRange(L.FIELD_INDEX, index, ERANGE);
  if (<u32>index & ((1 << order) - 1)) return outOfRange(L.FIELD_INDEX, index, EINVAL);
  return 0;
}

/** Socket buffers: pages without a folio. A charge that fails drops packets; what is granted is counted. */
@inline function chargeSock(task: u32, cpu: u32, memcg: u32, pages: u32, gfp: u32): void {
  let over = tryCharge(cpu, memcg, pages, gfp);
  if (isRefusal(over)) {
    if (!(gfp & (O.GFP_HIGH | O.GFP_NOFAIL))) {
      counted(L.RECORDED_ATOMIC_FAILED);
      return;
    }
    counted(L.RECORDED_ATOMIC_FORCED);
    memcgEvent(over, L.EVENT_MAX);
    forceCharge(memcg, pages);
  }
  modStat(memcg, L.STAT_SOCK, pages);
}

@inline function freeSock(cpu: u32, memcg: u32, pages: u32): void {
  if (statLocal(memcg, L.STAT_SOCK) < <i64>pages) {
    counted(L.RECORDED_UNMATCHED);
    return;
  }
  modStat(memcg, L.STAT_SOCK, -(<i64>pages));
  refillStock(cpu, memcg, pages);
}

function chargeBytes(task: u32, cpu: u32, objcg: u32, bytes: u32, kind: u32, gfp: u32): void {
  if (consumeObjStock(cpu, objcg, bytes)) {
    accountBytes(objcg, kind, bytes);
    store<u64>(cpuAt(cpu), 0, L.STOCK_SERVED_MEMCG);
    return;
  }
  let pages = pagesOfBytes(bytes);
  charge(task, cpu, objcgMemcg(objcg), pages, 0, objcg, bytes, kind, 0, gfp);
}

/** Frees bytes. Rule B4, `inCharge`: an interrupt freed them inside the task's charge, before the stock served that in reality. */
function freeBytes(task: u32, cpu: u32, objcg: u32, bytes: u32, kind: u32, inCharge: bool): void {
  // More than was seen charged: an object from before the recording. Only in the root is it known whose it was: nobody's any more.
  if (objcg != ROOT && load<i64>(objcgAt(objcg), L.OBJCG_BYTES) < <i64>bytes) {
    let owner = ownerOfBytes(objcg, bytes);
    counted(owner ? L.RECORDED_UNSEEN : L.RECORDED_UNMATCHED);
    if (!owner) return;
    objcg = owner;
  }
  if (inCharge && task) liftCharge(task, cpu, objcgMemcg(objcg));
  refillObjStock(cpu, objcg, bytes, true);
  accountBytes(objcg, kind, -(<i64>bytes));
  releaseObjcg(cpu, objcg);
}

/** Gives the pages of the charge that the CPU's stock served last back to it: an interrupt's frees come first. */
function liftCharge(task: u32, cpu: u32, freeing: u32): void {
  let at = cpuAt(cpu);
  let memcg = load<u32>(at, L.STOCK_SERVED_MEMCG);
  let pages = load<u32>(at, L.STOCK_SERVED_PAGES);
  if (pending(task) || !pages || memcg == freeing || freeing == ROOT) return;
  if (!unconsumeStock(cpu, memcg, pages)) return;
  counted(L.RECORDED_SOFTIRQ);
  store<u32>(taskAt(task), memcg, L.SINGLE_MEMCG);
  store<u32>(taskAt(task), pages, L.SINGLE_PAGES);
  setPending(task, L.TASK_HAS_LIFTED);
}

/** The interrupt is over: the charge that it had interrupted is made. Its folio or object has been there all along. */
function lowerCharge(task: u32, cpu: u32): void {
  setPending(task, pending(task) & ~L.TASK_HAS_LIFTED);
  charge(task, cpu, load<u32>(taskAt(task), L.SINGLE_MEMCG), load<u32>(taskAt(task), L.SINGLE_PAGES), 0, 0, 0, 0, 0, O.GFP_KERNEL);
}

function freeKmemPages(cpu: u32, frame: u32, flags: u32, objcg: u32): void {
  waiterSucceeded(frame, cpu);
  let word = chargeWord(frame);
  if (!(word & L.CHARGE_KMEM)) {
    // Charged before the trace, if the row says by whom.
    let fromBefore = !word && memcgExists(objcg) && unchargeUnseenKmem(cpu, objcg, kindOf(flags), 1 << (flags & O.FLAG_ORDER_MASK));
    counted(fromBefore ? L.RECORDED_UNSEEN : L.RECORDED_UNMATCHED);
    return;
  }
  unchargeKmem(cpu, frame, word);
}

/** uncharge_folio() of a frame that no row charged: it was before, if its owner has such pages. Either way it ends another's batch. */
function unchargeUncharged(task: u32, cpu: u32, memcg: u32, flags: u32): void {
  let owner = memcg && memcgExists(memcg) ? memcg : ROOT;
  let order = flags & O.FLAG_ORDER_MASK;
  if (order <= MAX_FOLIO_ORDER && unchargeUnseen(task, cpu, owner, kindOf(flags), 1 << order)) {
    counted(L.RECORDED_UNSEEN);
    return;
  }
  counted(L.RECORDED_UNMATCHED);
  if (task) gather(task, owner);
}

function pageFree(task: u32, frame: u32): void {
  waiterFailed(frame);
  let word = chargeWord(frame);
  if (!word || word & L.CHARGE_KMEM || !task) return;
  store<u32>(taskAt(task), frame, L.FREED_FRAME);
  store<u64>(taskAt(task), headerGet64(L.H_NOW), L.FREED_AT);
  setPending(task, pending(task) | L.TASK_HAS_FREED);
}

function markVictim(victim: u32): void {
  if (pending(victim) & L.TASK_HAS_WAIT) setWaitFlags(victim, waitFlags(victim) | L.WAITED_VICTIM);
  memcgEvent(taskMemcg(victim), L.EVENT_OOM_KILL);
}

/** One staged row, whatever it is. 0, or -errno with H_ERROR_FIELD and H_ERROR_VALUE telling the column. */
export function replayEvent(row: u32): i32 {
  let op: u32 = load<u8>(load<u8>(row, L.COLUMN_OP), L.HEADER + L.H_OP_MAP);
  let cpu: u32 = load<u16>(<usize>row << 1, L.COLUMN_CPU);
  let task = load<u32>(<usize>row << 2, L.COLUMN_TASK);
  let flags = load<u32>(<usize>row << 2, L.COLUMN_FLAGS);
  let now = load<u64>(<usize>row << 3, L.COLUMN_TS);
  let index = load<u64>(<usize>row << 3, L.COLUMN_INDEX);
  headerSet(L.H_CURRENT_ROW, row);
  headerSet(L.H_CURRENT_CPU, cpu);
  headerSet(L.H_CURRENT_TASK, task);
  if (cpu >= nrCpus) return outOfRange(L.FIELD_CPU, cpu, ERANGE);
  if (now >= headerGet64(L.H_NEXT_TIMER)) runTimers(now);
  headerSet64(L.H_NOW, now);
  if (op != O.OP_SPAWN && task != 0) {
    if (!taskExists(task)) return outOfRange(L.FIELD_TASK, task, ESRCH);
    if (pending(task) & L.TASK_HAS_LIFTED && !(op == O.OP_KMEM_FREE && flags & O.FLAG_IN_CHARGE)) lowerCharge(task, cpu);
    if (pending(task) && !(flags & O.FLAG_IRQ)) settle(task, cpu, op, flags, <u32>index, load<u32>(<usize>row << 2, L.COLUMN_COUNT));
  }
  let errno: i32 = 0;
  let frame = <u32>index;

  switch (op) {
    case O.OP_CHARGE: {
      let order = flags & O.FLAG_ORDER_MASK;
      errno = checkFrame(index, order);
      if (errno) return errno;
      let kind = kindOf(flags);
      if (kind > O.KIND_SHMEM) return outOfRange(L.FIELD_FLAGS, flags, EINVAL);
      let memcg = load<u32>(<usize>row << 2, L.COLUMN_CGROUP);
      if (!memcg) memcg = task ? folioPayer(task, kind == O.KIND_ANON) : ROOT;
      if (policyOn) memcg = payerOf(task, 0, memcg);
      if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
      makeWay(frame, order);
      // A recording of charges has no faults, but they count towards the next flush: anonymous memory comes by one (PGFAULT).
      if (rstatBase && task && kind == O.KIND_ANON) rstatUpdated(memcg, 1);
      if (flags & O.FLAG_EXISTING) commitExisting(memcg, frame, order, kind);
      else charge(task, cpu, memcg, 1 << order, frame, 0, 0, kind, order, load<u16>(<usize>row << 1, L.COLUMN_GFP));
      break;
    }
    case O.OP_UNCHARGE: {
      if (index == 0 || index >= pagesEnd) return outOfRange(L.FIELD_INDEX, index, ERANGE);
      waiterSucceeded(frame, cpu);
      let word = chargeWord(frame);
      if (word && task) unchargeFolio(task, cpu, frame, word);
      else if (word) unchargeNow(frame);
      else unchargeUncharged(task, cpu, load<u32>(<usize>row << 2, L.COLUMN_CGROUP), flags);
      break;
    }
    case O.OP_UNCHARGE_FLUSH:
      if (pending(task) & L.TASK_HAS_BATCH) unchargeBatch(task);
      break;
    case O.OP_KMEM_CHARGE: {
      let objcg = load<u32>(<usize>row << 2, L.COLUMN_CGROUP);
      let kind = kindOf(flags);
      let gfp: u32 = load<u16>(<usize>row << 1, L.COLUMN_GFP);
      if (kind == O.KIND_SOCK) {
        if (!memcgExists(objcg)) return outOfRange(L.FIELD_CGROUP, objcg, ENOENT);
        let pages = load<u32>(<usize>row << 2, L.COLUMN_COUNT);
        if (flags & O.FLAG_EXISTING) errno = chargeInitial(objcg, kind, pages);
        else if (objcg != ROOT) chargeSock(task, cpu, objcg, pages, gfp);
        break;
      }
      if (objcg && !memcgExists(objcg)) return outOfRange(L.FIELD_CGROUP, objcg, ENOENT);
      if (!objcg && task) objcg = kmemPayer(task);
      if (flags & O.FLAG_BY_FRAME) {
        let order = flags & O.FLAG_ORDER_MASK;
        errno = checkFrame(index, order);
        if (errno) return errno;
        if (kind < O.KIND_KERNEL_STACK || kind > O.KIND_KERNEL_OTHER || kind == O.KIND_SLAB || kind == O.KIND_PERCPU)
          return outOfRange(L.FIELD_FLAGS, flags, EINVAL);
        makeWay(frame, order);
        if (!objcg) break;
        if (flags & O.FLAG_EXISTING) commitExistingKmem(objcg, frame, order, kind);
        else charge(task, cpu, objcgMemcg(objcg), 1 << order, frame, objcg, 0, kind, order, gfp);
      } else if (objcg) {
        if (kind != O.KIND_SLAB && kind != O.KIND_PERCPU) return outOfRange(L.FIELD_FLAGS, flags, EINVAL);
        let bytes = load<u32>(<usize>row << 2, L.COLUMN_COUNT);
        if (flags & O.FLAG_EXISTING) commitExistingBytes(objcg, bytes, kind);
        else chargeBytes(task, cpu, objcg, bytes, kind, gfp);
      }
      break;
    }
    case O.OP_KMEM_FREE: {
      if (kindOf(flags) == O.KIND_SOCK) {
        let memcg = load<u32>(<usize>row << 2, L.COLUMN_CGROUP);
        if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
        if (memcg != ROOT) freeSock(cpu, memcg, load<u32>(<usize>row << 2, L.COLUMN_COUNT));
        break;
      }
      if (flags & O.FLAG_BY_FRAME) {
        if (index == 0 || index >= pagesEnd) return outOfRange(L.FIELD_INDEX, index, ERANGE);
        freeKmemPages(cpu, frame, flags, load<u32>(<usize>row << 2, L.COLUMN_CGROUP));
      } else {
        let objcg = load<u32>(<usize>row << 2, L.COLUMN_CGROUP);
        if (!objcg || !memcgExists(objcg)) return outOfRange(L.FIELD_CGROUP, objcg, ENOENT);
        let kind = kindOf(flags);
        freeBytes(task, cpu, objcg, load<u32>(<usize>row << 2, L.COLUMN_COUNT), kind, (flags & O.FLAG_IN_CHARGE) != 0);
      }
      break;
    }
    case O.OP_PAGE_ALLOC: {
      if (index == 0 || index >= pagesEnd) return outOfRange(L.FIELD_INDEX, index, ERANGE);
      // Accounted kernel pages are charged inside the allocator, before it reports the allocation; user pages after it.
      let large = largeFolioOf(frame);
      let first = large ? large : frame;
      let word = chargeWord(first);
      if (word && !(word & L.CHARGE_KMEM)) {
        waiterFailed(first);
        if (chargeWord(first)) lostFree(first);
      }
      break;
    }
    case O.OP_PAGE_FREE:
      if (index == 0 || index >= pagesEnd) return outOfRange(L.FIELD_INDEX, index, ERANGE);
      pageFree(flags & O.FLAG_IRQ ? 0 : task, frame);
      break;
    case O.OP_RETURN_TO_USER:
    case O.OP_PROGRESS:
    case O.OP_RESIDENT:
    case O.OP_MARK:
      break; // settle() did what they are for
    case O.OP_RECLAIM:
      if (flags & O.FLAG_BEGIN && rstatBase) flushForReclaim(ROOT);
      if (flags & O.FLAG_BEGIN && task && pending(task) & L.TASK_HAS_WAIT) reclaimBegins(task);
      break;
    case O.OP_SPLIT:
      if (index == 0 || index >= pagesEnd) return outOfRange(L.FIELD_INDEX, index, ERANGE);
      waiterSucceeded(frame, cpu);
      if (chargeWord(frame)) splitFolio(frame);
      else counted(L.RECORDED_UNMATCHED);
      break;
    case O.OP_MIGRATE: {
      let to = load<u32>(<usize>row << 2, L.COLUMN_COUNT);
      if (index == 0 || index >= pagesEnd) return outOfRange(L.FIELD_INDEX, index, ERANGE);
      waiterSucceeded(frame, cpu);
      let order = orderOf(chargeWord(frame));
      if (!frameFits(to, order)) return outOfRange(L.FIELD_COUNT, to, ERANGE);
      if (to & ((1 << order) - 1)) return outOfRange(L.FIELD_COUNT, to, EINVAL);
      if (!chargeWord(frame)) counted(L.RECORDED_UNMATCHED);
      else if (frame != to) {
        makeWay(to, order);
        // Where the target lay within the folio itself, the trace lost more than a free.
        if (chargeWord(frame)) migrateFolio(frame, to);
      }
      break;
    }
    case O.OP_SWAP_OUT: {
      let entry = load<u32>(<usize>row << 2, L.COLUMN_OBJECT);
      let count = load<u32>(<usize>row << 2, L.COLUMN_COUNT);
      if (entry == 0 || entry >= swapEnd || count > swapEnd - entry) return outOfRange(L.FIELD_OBJECT, entry, ERANGE);
      if (index == 0 || index >= pagesEnd) return outOfRange(L.FIELD_INDEX, index, ERANGE);
      for (let e = entry; e < entry + count; e++) if (swapOwner(e)) unchargeSwap(e);
      let word = chargeWord(frame);
      if (word) chargeSwap(memcgOf(word), entry, count, true);
      else counted(L.RECORDED_UNMATCHED);
      break;
    }
    case O.OP_SWAP_FREE: {
      let entry = load<u32>(<usize>row << 2, L.COLUMN_OBJECT);
      let count = load<u32>(<usize>row << 2, L.COLUMN_COUNT);
      if (entry == 0 || entry >= swapEnd || count > swapEnd - entry) return outOfRange(L.FIELD_OBJECT, entry, ERANGE);
      for (let e = entry; e < entry + count; e++) if (!unchargeSwap(e)) counted(L.RECORDED_UNMATCHED);
      break;
    }
    case O.OP_MARK_VICTIM: {
      let victim = load<u32>(<usize>row << 2, L.COLUMN_OBJECT);
      if (!taskExists(victim)) return outOfRange(L.FIELD_OBJECT, victim, ESRCH);
      markVictim(victim);
      beginChoice();
      recordKill(victim, 0, 0, 1);
      ringKilled(victim, taskMemcg(victim), 0);
      break;
    }
    case O.OP_INITIAL:
      errno = chargeInitial(load<u32>(<usize>row << 2, L.COLUMN_CGROUP), kindOf(flags), index);
      break;
    case O.OP_OBJECT_NEW:
    case O.OP_OBJECT_FREE:
    case O.OP_ANON_TOUCH:
    case O.OP_ANON_FREE:
    case O.OP_MAP:
    case O.OP_UNMAP:
    case O.OP_FILE_ACCESS:
    case O.OP_FILE_DIRTY:
    case O.OP_TRUNCATE:
    case O.OP_MLOCK:
    case O.OP_MUNLOCK:
    case O.OP_SYNC:
    case O.OP_DROP_CACHES:
    case O.OP_OOM_SCORE_ADJ:
    case O.OP_MOUNT:
    case O.OP_UMOUNT:
    case O.OP_DOMAIN:
    case O.OP_CRED:
    case O.OP_SETNS:
    case O.OP_GRANT:
    case O.OP_LOOP_CONFIGURE:
    case O.OP_LOOP_IO:
    case O.OP_MAP_UPDATE:
    case O.OP_MAP_DELETE:
    case O.OP_PROG_LOAD:
    case O.OP_REOPEN:
    case O.OP_RECHARGE:
    case O.OP_LOCK:
    case O.OP_UNLOCK:
      break; // accesses: what is resident is the recording's to say
    default:
      errno = structureEvent(row, op, cpu, task, flags, index);
      if (errno == NOT_STRUCTURE) return outOfRange(L.FIELD_OP, load<u8>(row, L.COLUMN_OP), EINVAL);
  }
  return errno;
}

/** Each reclaim that a waiting charge begins is one `max` event at the limit that refused it (try_charge_memcg). */
function reclaimBegins(task: u32): void {
  memcgEvent(load<u32>(taskAt(task), L.WAIT_OVER), L.EVENT_MAX);
}
