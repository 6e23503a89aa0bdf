// What a process has in memory, as the OOM killer counts it. include/linux/mm.h: get_mm_rss(), mm_pgtables_bytes(); mm/oom_kill.c:
// dump_task().
import * as L from '../layout';
import { mapAt, mmAt, objectAt } from '../memory';
import { OBJECT_SHMEM } from '../replay/ops';
import { NO_KEY, radixGet, radixNext } from './radix';

/**
 * Writes what an mm has into a line of candidates (CANDIDATE_*): anonymous pages, swap entries, mapped pages of files and of shmem, and the
 * page tables (three levels below the top, 512 entries each) that its private memory needs. Where files are mapped nothing tells.
 */
export function measureMm(mm: u32, at: usize): void {
  let anon: u32 = 0;
  let swap: u32 = 0;
  let tables: u32 = 0;
  let last = NO_KEY;
  let pages = mmAt(mm) + L.MM_RADIX;
  for (let v = radixNext(pages, 0); v != NO_KEY; v = radixNext(pages, v + 1)) {
    let word = radixGet(pages, v);
    if (word != L.ZERO_PAGE) {
      if (word & L.PTE_SWAP) swap++;
      else anon++;
    }
    for (let shift: u64 = 9; shift <= 27; shift += 9) if (last == NO_KEY || v >> shift != last >> shift) tables++;
    last = v;
  }
  store<u32>(at, anon, L.CANDIDATE_ANON);
  store<u32>(at, swap, L.CANDIDATE_SWAP);
  store<u32>(at, tables, L.CANDIDATE_PAGE_TABLES);
  store<u32>(at, mapped(mm, false), L.CANDIDATE_FILE);
  store<u32>(at, mapped(mm, true), L.CANDIDATE_SHMEM);
}

/** Pages of shmem objects, or of all others, in the page tables of an mm. */
function mapped(mm: u32, shmem: bool): u32 {
  let count: u32 = 0;
  for (let map = load<u32>(mmAt(mm), L.MM_MAPS); map; map = load<u32>(mapAt(map), L.MAP_NEXT_OF_MM)) {
    if ((load<u32>(objectAt(load<u32>(mapAt(map), L.MAP_OBJECT)), L.OBJECT_TYPE) == OBJECT_SHMEM) != shmem) continue;
    let bits = mapAt(map) + L.MAP_RADIX;
    // Two bits a page, the lower one: it is mapped.
    for (let key = radixNext(bits, 0); key != NO_KEY; key = radixNext(bits, key + 1)) count += popcnt(radixGet(bits, key) & 0x55555555);
  }
  return count;
}
