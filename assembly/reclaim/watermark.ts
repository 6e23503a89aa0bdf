// How much memory stays free: the watermarks of the one zone that the machine has, and what /proc/vmstat counts of the machine.
// mm/page_alloc.c: calculate_min_free_kbytes(), __setup_per_zone_wmarks(), __zone_watermark_ok().
import { MIN_FREE_KBYTES_LEAST, MIN_FREE_KBYTES_MOST, PAGE_SHIFT, WATERMARK_SCALE_FACTOR } from '../constants';
import * as L from '../layout';
import { headerGet, headerGet64, headerSet, headerSet64 } from '../memory';
import { GFP_DIRECT_RECLAIM, GFP_HIGH } from '../replay/ops';

/** int_sqrt(): the largest whole number whose square is not above `n`. */
export function intSqrt(n: u64): u64 {
  let root: u64 = 0;
  for (let bit: u64 = 1 << 31; bit; bit >>= 1) if ((root | bit) * (root | bit) <= n) root |= bit;
  return root;
}

/**
 * A machine of `pages` free frames: its watermarks follow from H_MIN_FREE_KBYTES and H_WATERMARK_SCALE, or, where these are 0, from its
 * size as at the start of Linux. (khugepaged, which may raise vm.min_free_kbytes later, is not modelled.)
 */
export function initWatermarks(pages: u32): void {
  headerSet(L.H_FREE_PAGES, pages);
  if (!headerGet(L.H_MIN_FREE_KBYTES)) {
    let kbytes = intSqrt(((<u64>pages << PAGE_SHIFT) >> 10) * 16);
    headerSet(L.H_MIN_FREE_KBYTES, <u32>min<u64>(max<u64>(kbytes, MIN_FREE_KBYTES_LEAST), MIN_FREE_KBYTES_MOST));
  }
  if (!headerGet(L.H_WATERMARK_SCALE)) headerSet(L.H_WATERMARK_SCALE, WATERMARK_SCALE_FACTOR);
  let least = headerGet(L.H_MIN_FREE_KBYTES) >> (PAGE_SHIFT - 10);
  let distance = max<u32>(least >> 2, <u32>((<u64>pages * headerGet(L.H_WATERMARK_SCALE)) / 10000));
  headerSet(L.H_WMARK_MIN, least);
  headerSet(L.H_WMARK_LOW, least + distance);
  headerSet(L.H_WMARK_HIGH, least + 2 * distance);
}

/** __zone_watermark_ok(): `1 << order` pages can go, and more than `mark` were free. Frames need not lie together here. */
@inline export function watermarkOk(order: u32, mark: u32): bool {
  return headerGet(L.H_FREE_PAGES) >= (<u32>1 << order) + mark;
}

/** The min watermark, as low as an allocation with these flags may go: high priority takes half of it, and if it cannot wait more. */
export function minMark(gfp: u32): u32 {
  let mark = headerGet(L.H_WMARK_MIN);
  if (!(gfp & GFP_HIGH)) return mark;
  mark -= mark >> 1;
  return gfp & GFP_DIRECT_RECLAIM ? mark : mark - (mark >> 2);
}

@inline export function vmEvent(event: u32): u64 {
  return headerGet64(L.H_VM_EVENT + (event << 3));
}
/** count_vm_events(): an event (VM_*) of the machine. */
export function countVm(event: u32, n: u64): void {
  headerSet64(L.H_VM_EVENT + (event << 3), vmEvent(event) + n);
}
