// A resident folio changes its payer: its owner, its list and the statistics that it counts in follow; counters are the caller's, since
// who shares which levels with whom only he knows. What Linux last had in cgroup v1: mem_cgroup_move_account(), mm/memcontrol-v1.c.
import { MAX_FOLIO_ORDER } from '../constants';
import { chargeObjectTo } from '../live';
import * as L from '../layout';
import { rstatPgpgout, rstatUpdated } from '../memcg/rstat';
import { modStat, statOfKind, thpStatOfKind } from '../memcg/stat';
import { putMemcg } from '../memcg/css';
import { folioAt, headerGet, nodesEnd, ROOT, rstatBase, userSetsEnd } from '../memory';
import { noteFlow } from '../observe/users';
import { unmark } from '../policy/release';
import { addHead, listAt, remove } from '../reclaim/lru';
import { GFP_NOFAIL, KIND_ANON, KIND_FILE, KIND_SLAB_RECLAIMABLE } from '../replay/ops';
import { freeBuffers } from './cache-nodes';
import { chargeWord, makeChargeWord, orderOf, ownerOf, pagesOf } from './folio';

function moveStat(from: u32, to: u32, stat: u32, pages: i64): void {
  modStat(from, stat, -pages);
  modStat(to, stat, pages);
}

/**
 * The charged user folio at `frame`, of whatever order, belongs to `to` from now on: on the same list, at its newest end, or in the CPU's
 * batch where it waits for its list; mapped, dirty, under writeback or in the swap cache as it was. (Its swap slot stays whose it is.) Its
 * buffer head, if it has one, is given back by the old owner's objcg and charged to the new one's, whatever the limits.
 */
export function moveFolio(cpu: u32, frame: u32, to: u32): void {
  let word = chargeWord(frame);
  let from = ownerOf(word);
  if (from == to) return;
  let at = folioAt(frame);
  let list = (load<u32>(at, L.FOLIO_STATE) & L.STATE_LIST_MASK) >> L.STATE_LIST_SHIFT;
  let listed = load<u32>(at, L.FOLIO_POSITION) != 0;
  if (listed) remove(listAt(from, list), frame, pagesOf(word));
  changeOwner(cpu, frame, to);
  if (listed) addHead(listAt(to, list), frame, pagesOf(word));
}

/** The same without its list, which the caller sees to. Answers its pages. `to` is not its owner. */
export function changeOwner(cpu: u32, frame: u32, to: u32): u32 {
  let word = chargeWord(frame);
  let from = ownerOf(word);
  let at = folioAt(frame);
  if (load<u32>(at, L.FOLIO_STATE) & L.STATE_UNOWNED && from == ROOT) unmark(frame, true);
  let buffers = (load<u32>(at, L.FOLIO_STATE) & L.STATE_BUFFERS) != 0;
  if (buffers) freeBuffers(cpu, frame);
  let state = load<u32>(at, L.FOLIO_STATE);
  let kind = state & L.STATE_KIND_MASK;
  let pages: i64 = pagesOf(word);
  if (userSetsEnd) noteFlow(from, to, pages);
  store<u32>(at, makeChargeWord(to, orderOf(word), word & ~L.CHARGE_ORDER_MASK & ((1 << L.CHARGE_OWNER_SHIFT) - 1)), L.FOLIO_CHARGE);
  if (!(state & L.STATE_UNCOUNTED)) moveStat(from, to, statOfKind(kind), pages);
  if (orderOf(word) == MAX_FOLIO_ORDER) moveStat(from, to, thpStatOfKind(kind), pages);
  if (nodesEnd > 1) {
    if (kind != KIND_ANON && load<u32>(at, L.FOLIO_MAPCOUNT)) moveStat(from, to, L.STAT_FILE_MAPPED, pages);
    if (kind == KIND_FILE && state & L.STATE_DIRTY) moveStat(from, to, L.STAT_FILE_DIRTY, pages);
    if (state & L.STATE_WRITEBACK) moveStat(from, to, L.STAT_FILE_WRITEBACK, pages);
    if (state & L.STATE_SWAPCACHE) moveStat(from, to, L.STAT_SWAPCACHED, pages);
  }
  if (rstatBase) {
    // mem_cgroup_charge_statistics(): PGPGIN here, PGPGOUT there.
    rstatUpdated(to, 1);
    rstatPgpgout(from);
  }
  putMemcg(from);
  if (!buffers || to == ROOT) return <u32>pages;
  store<u32>(at, load<u32>(at, L.FOLIO_STATE) | L.STATE_BUFFERS, L.FOLIO_STATE);
  chargeObjectTo(0, cpu, to, headerGet(L.H_BUFFER_HEAD), KIND_SLAB_RECLAIMABLE, GFP_NOFAIL);
  return <u32>pages;
}
