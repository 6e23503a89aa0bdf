// hugetlbfs as private anonymous mappings have it (MAP_HUGETLB): a pool of 2 MiB pages, reserved at mmap(), taken at the first touch, be it
// a read. Only with the mount option memory_hugetlb_accounting is a page charged, when it is taken, to the memcg of who touches it; pool
// and reservations are free. mm/hugetlb.c: hugetlb_reserve_pages(), hugetlb_no_page(), hugetlb_wp(), copy_hugetlb_page_range(),
// alloc_hugetlb_folio(), free_huge_folio(); mm/memcontrol.c: mem_cgroup_charge_hugetlb(). The pool lies beside the machine's `pages`.
//
// One tree: mm << 36 | huge page number of the address → RESERVED, PROMISED, or the id of a page; 2 × id → its memcg, 2 × id + 1 → address
// spaces that have it. (No mm has the id 0.)
import { chargeMemcg } from '../charge/charge';
import { EINVAL, ENOMEM, ENOSPC } from '../constants';
import { memoryCounter, pageCounterUncharge } from '../counter/page-counter';
import * as L from '../layout';
import { putMemcg } from '../memcg/css';
import { countLocal } from '../memcg/events';
import { modStat } from '../memcg/stat';
import { headerGet, headerSet, hugeBase, outOfRange, ROOT, taskAt } from '../memory';
import { GFP_KERNEL, GFP_RETRY_MAYFAIL } from '../replay/ops';
import { taskMemcg } from '../task/task';
import { NO_KEY, radixClear, radixGet, radixNext, radixSet } from './radix';

/** Pages of 4 KiB in one. */
export const HUGE_PAGES: u32 = 512;
const VPN_BITS: u64 = 36;
/** Huge page numbers of a 57-bit address space. */
const HVPN_END: u64 = 1 << VPN_BITS;
/** Mapped, not touched: a page of the pool is set aside for it; or (after a fork) is not, and may be refused. */
const RESERVED: u32 = 0xffffffff;
const PROMISED: u32 = 0xfffffffe;

@inline function tree(): usize {
  return hugeBase + L.HUGE_RADIX;
}
@inline function poolSize(): u32 {
  return load<u32>(hugeBase, L.HUGE_POOL);
}
@inline function inUse(): u32 {
  return load<u32>(hugeBase, L.HUGE_USED);
}
@inline function reserved(): u32 {
  return load<u32>(hugeBase, L.HUGE_RESERVED);
}
function add(field: u32, n: i32): void {
  store<i32>(hugeBase + field, load<i32>(hugeBase + field) + n);
}
@inline function isPage(word: u32): bool {
  return word != 0 && word < PROMISED;
}
@inline function keyOf(mm: u32, hvpn: u64): u64 {
  return (<u64>mm << VPN_BITS) | hvpn;
}
@inline function ownerKey(id: u32): u64 {
  return <u64>id << 1;
}
@inline function usersKey(id: u32): u64 {
  return (<u64>id << 1) | 1;
}
@inline function accounts(): bool {
  return (headerGet(L.H_MOUNT) & L.MOUNT_HUGETLB_ACCOUNTING) != 0;
}

function fullNodes(): i32 {
  headerSet(L.H_FULL_TABLE, L.CAP_NODES);
  return outOfRange(L.FIELD_INDEX, 0, ENOSPC);
}

/** vm.nr_hugepages: the pool grows or shrinks, to what is in use and reserved at least. Answers its size. */
export function setHugePool(pages: u32): u32 {
  store<u32>(hugeBase, max<u32>(min<u32>(pages, 1 << 30), inUse() + reserved()), L.HUGE_POOL);
  return poolSize();
}

function checkRange(hvpn: u64, pages: u32): i32 {
  if (hvpn >= HVPN_END || HVPN_END - hvpn < <u64>pages) return outOfRange(L.FIELD_INDEX, hvpn, EINVAL);
  return pages ? 0 : outOfRange(L.FIELD_COUNT, pages, EINVAL);
}

/** mmap(MAP_PRIVATE | MAP_HUGETLB) of huge pages [hvpn, hvpn + pages), of what is not mapped yet. -ENOMEM: the pool has too few left. */
export function mapHuge(task: u32, hvpn: u64, pages: u32): i32 {
  let errno = checkRange(hvpn, pages);
  if (errno) return errno;
  let mm = load<u32>(taskAt(task), L.TASK_MM);
  if (!mm) return outOfRange(L.FIELD_TASK, task, EINVAL);
  if (pages > poolSize() - inUse() - reserved()) return -ENOMEM;
  for (let v = hvpn; v < hvpn + pages; v++) {
    if (radixGet(tree(), keyOf(mm, v))) continue;
    if (!radixSet(tree(), keyOf(mm, v), RESERVED)) return fullNodes();
    add(L.HUGE_RESERVED, 1);
  }
  return 0;
}

/** alloc_hugetlb_folio(): the id of a page, charged to the task's memcg, or a negative errno. */
function takePage(task: u32, cpu: u32, hadReservation: bool): i32 {
  if (!hadReservation && inUse() + reserved() >= poolSize()) return -ENOMEM;
  let memcg = taskMemcg(task);
  if (accounts() && chargeMemcg(task, cpu, memcg, HUGE_PAGES, GFP_KERNEL | GFP_RETRY_MAYFAIL)) {
    countLocal(memcg, L.EVENT_REFUSED, 1);
    return -ENOMEM;
  }
  let id: u32 = 1;
  while (radixGet(tree(), ownerKey(id))) id++;
  if (!radixSet(tree(), ownerKey(id), memcg)) {
    if (accounts() && memcg != ROOT) pageCounterUncharge(memoryCounter(memcg), HUGE_PAGES);
    return fullNodes();
  }
  radixSet(tree(), usersKey(id), 1); // in the same leaf
  if (accounts()) {
    modStat(memcg, L.STAT_HUGETLB, HUGE_PAGES);
    headerSet(L.H_CALL_CHARGED, headerGet(L.H_CALL_CHARGED) + HUGE_PAGES);
  }
  add(L.HUGE_USED, 1);
  return <i32>id;
}

/** One address space fewer has the page; the last gives it back to the pool, and its charge. */
function putPage(id: u32): void {
  let users = radixGet(tree(), usersKey(id)) - 1;
  if (users) {
    radixSet(tree(), usersKey(id), users);
    return;
  }
  let memcg = radixGet(tree(), ownerKey(id));
  radixClear(tree(), ownerKey(id));
  radixClear(tree(), usersKey(id));
  add(L.HUGE_USED, -1);
  if (!accounts()) return;
  modStat(memcg, L.STAT_HUGETLB, -(<i64>HUGE_PAGES));
  if (memcg != ROOT) pageCounterUncharge(memoryCounter(memcg), HUGE_PAGES);
  putMemcg(memcg);
}

/**
 * hugetlb_fault() of huge pages [hvpn, hvpn + pages): the first touch takes a page, a write to a shared one a copy. -EINVAL: not mapped;
 * -ENOMEM: the limit refused (nobody is killed for a huge page), or the pool is empty.
 */
export function touchHuge(task: u32, cpu: u32, hvpn: u64, pages: u32, write: bool): i32 {
  let errno = checkRange(hvpn, pages);
  if (errno) return errno;
  let mm = load<u32>(taskAt(task), L.TASK_MM);
  for (let v = hvpn; v < hvpn + pages; v++) {
    let word = mm ? radixGet(tree(), keyOf(mm, v)) : 0;
    if (!word) return outOfRange(L.FIELD_INDEX, v, EINVAL);
    if (isPage(word) && (!write || radixGet(tree(), usersKey(word)) == 1)) continue;
    let id = takePage(task, cpu, word == RESERVED);
    if (id < 0) return id;
    radixSet(tree(), keyOf(mm, v), id);
    if (word == RESERVED) add(L.HUGE_RESERVED, -1);
    else if (isPage(word)) putPage(word);
  }
  return 0;
}

/** munmap(): pages and reservations of [hvpn, hvpn + pages) go back to the pool. */
function unmapRange(mm: u32, hvpn: u64, end: u64): void {
  for (let key = radixNext(tree(), keyOf(mm, hvpn)); key < keyOf(mm, 0) + end; key = radixNext(tree(), key + 1)) {
    let word = radixGet(tree(), key);
    radixClear(tree(), key);
    if (word == RESERVED) add(L.HUGE_RESERVED, -1);
    else if (isPage(word)) putPage(word);
  }
}
export function unmapHuge(task: u32, hvpn: u64, pages: u32): i32 {
  let errno = checkRange(hvpn, pages);
  let mm = load<u32>(taskAt(task), L.TASK_MM);
  if (!errno && mm) unmapRange(mm, hvpn, hvpn + pages);
  return errno;
}

/** exit_mmap() */
export function unmapHugeAll(mm: u32): void {
  if (inUse() | reserved() | load<u32>(tree(), L.RADIX_ENTRIES)) unmapRange(mm, 0, HVPN_END);
}

/** copy_hugetlb_page_range(): the child shares the pages until one side writes; reservations stay the parent's. 0 or -ENOSPC. */
export function copyHuge(parent: u32, child: u32): i32 {
  let end = keyOf(parent, 0) + HVPN_END;
  for (let key = radixNext(tree(), keyOf(parent, 0)); key < end; key = radixNext(tree(), key + 1)) {
    let word = radixGet(tree(), key);
    if (!radixSet(tree(), keyOf(child, key - keyOf(parent, 0)), isPage(word) ? word : PROMISED)) return fullNodes();
    if (isPage(word)) radixSet(tree(), usersKey(word), radixGet(tree(), usersKey(word)) + 1);
  }
  return 0;
}

/** For the audit: pages that a memcg is charged for, as the tree has them; of memcg 0, how far the pool's own counts are wrong. */
export function hugePagesOf(memcg: u32): i64 {
  let pages: i64 = 0;
  let used: i64 = 0;
  let waiting: i64 = 0;
  let references: i64 = 0;
  for (let key = radixNext(tree(), 0); key != NO_KEY; key = radixNext(tree(), key + 1)) {
    let word = radixGet(tree(), key);
    if (key >> VPN_BITS) {
      if (word == RESERVED) waiting++;
      else if (isPage(word)) references++;
    } else if (key & 1) references -= word;
    else {
      used++;
      if (accounts() && word == memcg) pages += HUGE_PAGES;
    }
  }
  if (memcg) return pages;
  let over = max<i64>(0, used + waiting - <i64>poolSize());
  return abs<i64>(used - inUse()) + abs<i64>(waiting - reserved()) + abs<i64>(references) + over;
}
