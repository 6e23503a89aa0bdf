// A swap device in and out of use. mm/swapfile.c: swapon(), swapoff(), try_to_unuse().
import { EBUSY, EINVAL } from '../constants';
import * as L from '../layout';
import { headerGet, headerSet, mmAt, outOfRange, swapEnd } from '../memory';
import { setContext } from '../policy/policy';
import { unuseMm } from './anon';
import { unuseObject } from './mapping';
import { mapcount, freeFolio } from './resident';
import { closeSlots, slotFolio } from './slots';
import { freeSwap } from './swap-cache';
import { waitForDevice } from './writeback';

/** swapon() of a device of `slots` pages. -EBUSY: there is one; -EINVAL: more than the table of slots holds, or none. */
export function swapOn(slots: u32): i32 {
  if (headerGet(L.H_SWAP_SLOTS)) return -EBUSY;
  if (!slots || slots >= swapEnd) return outOfRange(L.FIELD_COUNT, slots, EINVAL);
  headerSet(L.H_SWAP_SLOTS, slots);
  return 0;
}

/**
 * swapoff(): everything in swap comes back to memory, charged to whoever owed its slot. -EINVAL: there is no device; -ENOMEM: a limit
 * refused, and the device goes on with what is left on it.
 */
export function swapOff(task: u32, cpu: u32): i32 {
  if (!headerGet(L.H_SWAP_SLOTS)) return -EINVAL;
  let slots = closeSlots();
  setContext(L.CONTEXT_CALL);
  let errno = unuseAll(task, cpu);
  if (errno) {
    headerSet(L.H_SWAP_SLOTS, slots);
    return errno;
  }
  // What nobody has mapped any more is in the swap cache alone.
  waitForDevice();
  for (let slot: u32 = 1; slot < headerGet(L.H_SLOT_END); slot++) {
    let frame = slotFolio(slot);
    if (frame && freeSwap(cpu, frame) && !mapcount(frame)) freeFolio(task, cpu, frame);
  }
  return 0;
}

function unuseAll(task: u32, cpu: u32): i32 {
  for (let object: u32 = 1; object < headerGet(L.H_OBJECT_END); object++) {
    let errno = unuseObject(task, cpu, object);
    if (errno) return errno;
  }
  for (let mm: u32 = 1; mm < headerGet(L.H_TASK_END); mm++) {
    if (!load<u32>(mmAt(mm), L.MM_USERS)) continue;
    let errno = unuseMm(task, cpu, mm);
    if (errno) return errno;
  }
  return 0;
}
