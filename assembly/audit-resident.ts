// Conservation in modelled residency: every charged user folio is in exactly one object or in as many address spaces as its mapcount
// says, every map bit has its page, statistics of mapped and dirty pages add up, no node and no frame is lost.
import { differs, got } from './audit';
import { chargeWord, ownerOf } from './folio/folio';
import { isLruAdding, lruAddCount, lruAddFrame } from './folio/lru-add';
import { auditMlock } from './folio/mlock';
import { NO_KEY, radixGet, radixNext, radixNodes } from './folio/radix';
import { mapcount, stateOf } from './folio/resident';
import { hugePagesOf } from './folio/hugetlb';
import { isFound } from './folio/rmap';
import { folioSlot, slotCount, slotFolio } from './folio/slots';
import { swapOwner } from './folio/swap';
import { auditWriteback } from './folio/writeback';
import * as L from './layout';
import { eventCount } from './memcg/events';
import { memcgState, nextInSubtree } from './memcg/memcg';
import { statLocal, statTotal } from './memcg/stat';
import { cannotExit } from './policy/call';
import {
  folioAt, headerGet, headerGet64, hugeBase, inodeAt, mapAt, mmAt, nodesEnd, nrCpus, objectAt, pagesEnd, shrinkAt, slotBase, taskAt,
} from './memory';
import { isBpf } from './folio/bpf';
import { bondNodes } from './audit-bpf';
import { listLruBytes } from './reclaim/list-lru';
import { KIND_ANON, KIND_FILE, OBJECT_SHMEM, OBJECT_SUPER } from './replay/ops';

/** Adds to a folio's mapcount; the two passes of {@link auditMapcounts} cancel out. */
@inline function addMapcount(frame: u32, n: i32): void {
  store<i32>(folioAt(frame), load<i32>(folioAt(frame), L.FOLIO_MAPCOUNT) + n, L.FOLIO_MAPCOUNT);
}

/** Adds to a slot's count; the two passes cancel out. */
@inline function addToSlot(slot: u32, n: i32): void {
  let at = slotBase + <usize>slot * L.SLOT_STRIDE;
  store<i32>(at, load<i32>(at, L.SLOT_COUNT) + n, L.SLOT_COUNT);
}

/**
 * Adds `n` to the mapcount of every page, and to the count of every slot, for each address space that has it. Answers
 * the first word that leads nowhere, as a code.
 */
function addReferences(n: i32): u32 {
  let code: u32 = 0;
  for (let task: u32 = 1; task < headerGet(L.H_TASK_END); task++) {
    let pages = mmAt(task) + L.MM_RADIX;
    for (let v = radixNext(pages, 0); v != NO_KEY; v = radixNext(pages, v + 1)) {
      let word = radixGet(pages, v);
      if (word == L.ZERO_PAGE) continue;
      let frame = word & L.PTE_FRAME;
      if (word & L.PTE_SWAP) {
        addToSlot(frame, n);
        continue;
      }
      addMapcount(frame, n);
      if (!code && (!chargeWord(frame) || (stateOf(frame) & L.STATE_KIND_MASK) != KIND_ANON))
        code = differs(L.AUDIT_RESIDENT, frame, 1, 0);
    }
    for (let map = load<u32>(mmAt(task), L.MM_MAPS); map; map = load<u32>(mapAt(map), L.MAP_NEXT_OF_MM)) {
      let below = addMapped(map, n);
      if (!code) code = below;
    }
  }
  return code;
}

/** An entry that says that it alone has its page is right about it. */
function auditExclusive(): u32 {
  for (let task: u32 = 1; task < headerGet(L.H_TASK_END); task++) {
    let pages = mmAt(task) + L.MM_RADIX;
    for (let v = radixNext(pages, 0); v != NO_KEY; v = radixNext(pages, v + 1)) {
      let word = radixGet(pages, v);
      if (word & L.PTE_SWAP || !(word & L.PTE_EXCLUSIVE)) continue;
      let frame = word & L.PTE_FRAME;
      if (stateOf(frame) & L.STATE_SWAPCACHE) return differs(L.AUDIT_RESIDENT, frame, 0, 1);
      if (mapcount(frame) != 1) return differs(L.AUDIT_RESIDENT, frame, 1, mapcount(frame));
    }
  }
  return 0;
}

function addMapped(map: u32, n: i32): u32 {
  let code: u32 = 0;
  let bits = mapAt(map) + L.MAP_RADIX;
  let pages = objectAt(load<u32>(mapAt(map), L.MAP_OBJECT)) + L.OBJECT_RADIX;
  for (let key = radixNext(bits, 0); key != NO_KEY; key = radixNext(bits, key + 1)) {
    let word = radixGet(bits, key);
    for (let page: u32 = 0; page < 16; page++) {
      if (!((word >> (page << 1)) & 1)) continue;
      let frame = radixGet(pages, (key << 4) + page);
      if (frame && !(frame & L.SHADOW_BIT)) addMapcount(frame, n);
      else if (!code) code = differs(L.AUDIT_RESIDENT, map, 1, 0);
    }
  }
  return code;
}

/** Entries of shmem objects that name slots. */
function addShmem(n: i32): void {
  for (let object: u32 = 1; object < headerGet(L.H_OBJECT_END); object++) {
    if (load<u32>(objectAt(object), L.OBJECT_TYPE) != OBJECT_SHMEM) continue;
    let root = objectAt(object) + L.OBJECT_RADIX;
    for (let i = radixNext(root, 0); i != NO_KEY; i = radixNext(root, i + 1))
      if (radixGet(root, i) & L.SHADOW_BIT) addToSlot(radixGet(root, i) & ~L.SHADOW_BIT, n);
  }
}

/** Slots that are in use: their entries are counted out, they are owned or freed, and the folio of each knows it. */
function auditSlots(): u32 {
  let used: i64 = 0;
  for (let slot: u32 = 1; slot < headerGet(L.H_SLOT_END); slot++) {
    if (!swapOwner(slot)) continue;
    used++;
    let code = differs(L.AUDIT_SLOT, slot, 0, slotCount(slot));
    let frame = slotFolio(slot);
    if (!code && frame) code = differs(L.AUDIT_SLOT, slot, slot, stateOf(frame) & L.STATE_SWAPCACHE ? folioSlot(frame) : 0);
    if (code) return code;
  }
  let code = differs(L.AUDIT_SLOTS_USED, 0, used, headerGet(L.H_SWAP_USED));
  let free: i64 = 0;
  let end: i64 = headerGet(L.H_SLOT_END);
  // A slot that was freed twice closes a ring.
  for (let slot = headerGet(L.H_FREE_SLOT); slot && free < end; slot = slotCount(slot)) free++;
  return code ? code : differs(L.AUDIT_SLOTS_USED, 0, end - 1 - used, free);
}

function auditMapcounts(): u32 {
  let code = addReferences(-1);
  if (headerGet(L.H_SLOT_END)) addShmem(-1);
  for (let frame: u32 = 1; frame < headerGet(L.H_FRAME_END) && !code; frame++)
    if (chargeWord(frame)) code = differs(L.AUDIT_MAPCOUNT, frame, 0, load<i32>(folioAt(frame), L.FOLIO_MAPCOUNT));
  if (!code && headerGet(L.H_SLOT_END)) code = auditSlots();
  addReferences(1);
  if (headerGet(L.H_SLOT_END)) addShmem(1);
  return code;
}

/** Object 0, the kernel's pages, is there where no object was ever named. */
@inline function objectEnd(): u32 {
  return max<u32>(1, headerGet(L.H_OBJECT_END));
}

/** Pages of objects, their kinds; answers how many there are, or (negative) a code. */
function auditObjects(): i64 {
  let pages: i64 = 0;
  for (let object: u32 = 0; object < objectEnd(); object++) {
    let root = objectAt(object) + L.OBJECT_RADIX;
    let entries: i64 = 0;
    let shadows: i64 = 0;
    for (let i = radixNext(root, 0); i != NO_KEY; i = radixNext(root, i + 1)) {
      let frame = radixGet(root, i);
      if (frame & L.SHADOW_BIT) {
        shadows++;
        continue;
      }
      // Object 0 holds the kernel's pages.
      let word = chargeWord(frame);
      let kmem = (word & L.CHARGE_KMEM) != 0;
      let user = word && !kmem && (stateOf(frame) & L.STATE_KIND_MASK) != KIND_ANON;
      if (object && !isBpf(object) ? !user : !kmem) return -(<i64>differs(L.AUDIT_RESIDENT, frame, 1, 0));
      entries++;
    }
    let code = differs(L.AUDIT_RESIDENT, object, entries + shadows, load<u32>(root, L.RADIX_ENTRIES));
    if (code) return -(<i64>code);
    pages += entries;
  }
  return pages;
}

/** Statistics of mapped and dirty pages, and that no charged folio is outside all objects and address spaces. */
function auditFolios(inObjects: i64): u32 {
  let others: i64 = 0;
  for (let memcg: u32 = 1; memcg < headerGet(L.H_MEMCG_END); memcg++) {
    if (memcgState(memcg) == L.MEMCG_FREE) continue;
    let mapped: i64 = 0;
    let dirty: i64 = 0;
    let cached: i64 = 0;
    let written: i64 = 0;
    for (let frame: u32 = 1; frame < headerGet(L.H_FRAME_END); frame++) {
      let word = chargeWord(frame);
      if (!word || word & L.CHARGE_KMEM || ownerOf(word) != memcg) continue;
      let kind = stateOf(frame) & L.STATE_KIND_MASK;
      if (kind != KIND_ANON && load<u32>(folioAt(frame), L.FOLIO_MAPCOUNT)) mapped++;
      if (kind == KIND_FILE && stateOf(frame) & L.STATE_DIRTY) dirty++;
      if (stateOf(frame) & L.STATE_SWAPCACHE) cached++;
      if (stateOf(frame) & L.STATE_WRITEBACK) written++;
    }
    let code = differs(L.AUDIT_FILE_MAPPED, memcg, mapped, statLocal(memcg, L.STAT_FILE_MAPPED));
    if (!code) code = differs(L.AUDIT_FILE_DIRTY, memcg, dirty, statLocal(memcg, L.STAT_FILE_DIRTY));
    if (!code) code = differs(L.AUDIT_SLOT, memcg, cached, statLocal(memcg, L.STAT_SWAPCACHED));
    if (!code) code = differs(L.AUDIT_WRITEBACK, memcg, written, statLocal(memcg, L.STAT_FILE_WRITEBACK));
    if (code) return code;
  }
  let free: i64 = 0;
  for (let frame: u32 = 1; frame < headerGet(L.H_FRAME_END); frame++) {
    let word = chargeWord(frame);
    if (!word) free++;
    else if (stateOf(frame) & L.STATE_UNCOUNTED) {
      // In the swap cache alone: its slot knows it.
      if (slotFolio(folioSlot(frame)) != frame) return differs(L.AUDIT_SLOT, frame, 1, 0);
    } else if (word & L.CHARGE_KMEM || (stateOf(frame) & L.STATE_KIND_MASK) != KIND_ANON) others++;
    else if (!load<u32>(folioAt(frame), L.FOLIO_MAPCOUNT)) return differs(L.AUDIT_MAPCOUNT, frame, 1, 0);
    else if (!isFound(frame)) return differs(L.AUDIT_RESIDENT, frame, 1, 0);
  }
  let code = differs(L.AUDIT_RESIDENT, 0, others, inObjects);
  let listed: i64 = 0;
  for (let frame = headerGet(L.H_FREE_FRAME); frame; frame = load<u32>(folioAt(frame), L.FOLIO_NEXT_FREE)) listed++;
  if (!code) code = differs(L.AUDIT_FRAMES, 0, free, listed);
  let never = <i64>pagesEnd - max<u32>(1, headerGet(L.H_FRAME_END));
  return code ? code : differs(L.AUDIT_FRAMES, 0, free + never, headerGet(L.H_FREE_PAGES));
}

function auditNodes(): u32 {
  let used: i64 = 0;
  let wrong: u32 = 0;
  for (let object: u32 = 0; object < objectEnd(); object++) {
    let nodes = radixNodes(objectAt(object) + L.OBJECT_RADIX);
    if (nodes == 0xffffffff) wrong = object;
    used += nodes;
  }
  for (let task: u32 = 1; task < headerGet(L.H_TASK_END); task++) {
    let nodes = radixNodes(mmAt(task) + L.MM_RADIX);
    if (nodes == 0xffffffff) wrong = task;
    used += nodes;
    for (let map = load<u32>(mmAt(task), L.MM_MAPS); map; map = load<u32>(mapAt(map), L.MAP_NEXT_OF_MM)) {
      let below = radixNodes(mapAt(map) + L.MAP_RADIX);
      if (below == 0xffffffff) wrong = map;
      used += below;
    }
  }
  for (let memcg: u32 = 1; memcg < headerGet(L.H_MEMCG_END); memcg++) {
    let nodes = radixNodes(shrinkAt(memcg) + L.SHRINK_RADIX);
    if (nodes == 0xffffffff) wrong = memcg;
    used += nodes;
  }
  let bonds = bondNodes();
  if (bonds == 0xffffffff) return differs(L.AUDIT_NODES, 0, 0, 1);
  used += bonds + radixNodes(hugeBase + L.HUGE_RADIX);
  if (wrong) return differs(L.AUDIT_NODES, wrong, 0, 1);
  return differs(L.AUDIT_NODES, 0, <i64>(nodesEnd - 1) - headerGet(L.H_NODES_LEFT), used);
}

/** A folio is on a list or in one batch, and says so. */
function auditLists(): u32 {
  let waiting: i64 = 0;
  for (let frame: u32 = 1; frame < headerGet(L.H_FRAME_END); frame++) {
    let word = chargeWord(frame);
    if (!word || word & L.CHARGE_KMEM) continue;
    let listed = load<u32>(folioAt(frame), L.FOLIO_POSITION) != 0;
    if (listed == isLruAdding(frame)) return differs(L.AUDIT_LIST_MEMBERS, frame, 1, 0);
    if (!listed) waiting++;
  }
  let found: i64 = 0;
  for (let cpu: u32 = 0; cpu < nrCpus; cpu++) {
    for (let i: u32 = 0; i < lruAddCount(cpu); i++) {
      let frame = lruAddFrame(cpu, i);
      if (!chargeWord(frame) || !isLruAdding(frame)) return differs(L.AUDIT_LIST_MEMBERS, frame, 0, 1);
      found++;
    }
  }
  return differs(L.AUDIT_LIST_MEMBERS, 0, waiting, found);
}

/** What lies on the lists of reclaimable slab below a living memcg is what is charged for it. */
function auditSlab(): u32 {
  for (let memcg: u32 = 1; memcg < headerGet(L.H_MEMCG_END); memcg++) {
    let state = memcgState(memcg);
    if (state == L.MEMCG_FREE || state == L.MEMCG_DYING) continue;
    let listed: i64 = 0;
    for (let m = memcg; m; m = nextInSubtree(m, memcg)) {
      let bytes = listLruBytes(m);
      if (bytes < 0) return differs(L.AUDIT_STATISTIC, m, 0, bytes);
      listed += bytes + got(m, L.AUDIT_CACHE) + load<i64>(shrinkAt(m), L.SHRINK_PINNED);
    }
    let code = differs(L.AUDIT_STATISTIC, memcg, listed, statTotal(memcg, L.STAT_SLAB_RECLAIMABLE));
    if (code) return code;
  }
  return L.AUDIT_OK;
}

/** Huge pages, by who is charged, and the pool's own counts. */
function auditHuge(): u32 {
  let code = differs(L.AUDIT_RESIDENT, 0, 0, hugePagesOf(0));
  for (let memcg: u32 = 1; memcg < headerGet(L.H_MEMCG_END) && !code; memcg++)
    if (memcgState(memcg) != L.MEMCG_FREE)
      code = differs(L.AUDIT_STATISTIC, memcg, hugePagesOf(memcg), statLocal(memcg, L.STAT_HUGETLB));
  return code;
}

/** No victim outlives the row or the call that killed it, unless a lock keeps it; and every sleep is some cgroup's. */
function auditKills(): u32 {
  let victims: i64 = 0;
  let stuck: i64 = 0;
  for (let task: u32 = 1; task < headerGet(L.H_TASK_END); task++)
    if (load<u32>(taskAt(task), L.TASK_STATE) == L.TASK_LIVE && load<u32>(mmAt(task), L.TASK_KILLED)) {
      victims++;
      if (cannotExit(task)) stuck++;
    }
  let slept: i64 = 0;
  for (let memcg: u32 = 1; memcg < headerGet(L.H_MEMCG_END); memcg++) slept += <i64>eventCount(memcg, L.EVENT_THROTTLED_NS, true);
  let code = differs(L.AUDIT_TASKS, 0, 2 * stuck, victims + headerGet(L.H_VICTIMS));
  return code ? code : differs(L.AUDIT_STATISTIC, 0, <i64>headerGet64(L.H_THROTTLED_NS), slept);
}

/** What a super block says that its files have is what they have. */
function auditSupers(): u32 {
  let code: u32 = 0;
  for (let sb: u32 = 1; sb < headerGet(L.H_OBJECT_END) && !code; sb++) {
    if (load<u32>(objectAt(sb), L.OBJECT_TYPE) != OBJECT_SUPER) continue;
    let pages: i64 = 0;
    for (let object: u32 = 1; object < headerGet(L.H_OBJECT_END); object++)
      if (load<u32>(inodeAt(object), L.INODE_SUPER) == sb && load<u32>(objectAt(object), L.OBJECT_TYPE) == OBJECT_SHMEM)
        pages += load<u32>(objectAt(object) + L.OBJECT_RADIX, L.RADIX_ENTRIES);
    code = differs(L.AUDIT_RESIDENT, sb, pages, load<u32>(inodeAt(sb), L.INODE_SB_USED));
  }
  return code;
}

/** AUDIT_OK, or the first discrepancy with its id, expected and found values in the header. */
export function auditResident(): u32 {
  let code = auditMapcounts();
  if (!code) code = auditExclusive();
  if (code) return code;
  let inObjects = auditObjects();
  if (inObjects < 0) return <u32>-inObjects;
  code = auditFolios(inObjects);
  if (!code) code = auditLists();
  if (!code) code = auditWriteback();
  if (!code) code = auditMlock();
  if (!code) code = auditNodes();
  if (!code) code = auditKills();
  if (!code) code = auditHuge();
  if (!code) code = auditSupers();
  return code ? code : auditSlab();
}
