/**
 * Who uses what is charged to whom, at one moment: a walk over the folios of a machine that observes (assembly/observe/users.ts). Pages.
 * In recorded residency nobody is seen to use anything: what is charged to a cgroup counts as used by it.
 */
import * as L from '../../assembly/layout.ts';
import { KIND_ANON } from '../../assembly/replay/ops.ts';
import { regionAt } from '../engine/capacities.ts';
import type { Machine } from '../machine.ts';
import { PAGE_COUNTER_MAX, ROOT_CGROUP } from '../trace/schema.ts';

/** Sets of users that there is room for unless told: as many as there are combinations of cgroups that share something. 2 MiB. */
export const OBSERVED_SETS = 65536;

/** Figures by cgroup id, all of the cgroup itself. */
export interface UseTable {
  /** resident user pages charged to it; to the root: nobody pays for them */
  charged: Float64Array;
  /** its share of what it uses */
  share: Float64Array;
  /** of `charged`: not used by it, and nobody has chosen it as their payer */
  unasked: Float64Array;
  /** of `share`: nobody pays for it */
  unpaid: Float64Array;
  /** kernel memory of removed cgroups that is charged to it */
  inherited: Float64Array;
  /** its share that is charged to another, or to itself: user → payer → pages */
  paidBy: Map<number, Map<number, number>>;
}

/** Members of the interned sets, by number; 0 is the empty one. */
function readSets(u32: Uint32Array, base: number): number[][] {
  const sets: number[][] = [[]];
  const count = u32[(L.HEADER + L.H_USERS + L.USERS_SETS) / 4]!;
  for (let set = 1; set <= count; set++) {
    const at = (base + set * L.USER_SET_STRIDE) / 4;
    // A set is numbered after those that it is made of.
    sets.push([...sets[u32[at + L.USER_SET_REST / 4]!]!, u32[at + L.USER_SET_MEMCG / 4]!]);
  }
  return sets;
}

/** Whether a cgroup was chosen as payer of an object, by the answer that the policy gives to "who pays". */
function chosenBy(machine: Machine, u32: Uint32Array): (object: number, owner: number) => boolean {
  const { capacities, policy } = machine;
  const { payer } = policy.answers;
  if (capacities.policies === 0 || payer === 'toucher' || payer === 'nobody') return () => false;
  const bonds = regionAt(L.R_BOND, capacities);
  const memcgs = regionAt(L.R_POLICY_MEMCG, capacities);
  const bond = (object: number, field: number) => u32[(bonds + object * L.BOND_STRIDE + field) / 4]!;
  if (payer === 'domain') return (_, owner) => u32[(memcgs + owner * L.PM_STRIDE + L.PM_DOMAIN) / 4] !== 0;
  if (payer === 'creator') return (object, owner) => bond(object, L.BOND_CREATOR) === owner;
  if (payer === 'mount')
    return (object, owner) =>
      bond(object, L.BOND_PAYER) === owner || bond(bond(object, L.BOND_SUPER), L.BOND_PAYER) === owner;
  return (object, owner) => bond(object, L.BOND_PAYER) === owner;
}

export function lookAtUses(machine: Machine): UseTable {
  const { capacities, memory } = machine;
  const u32 = new Uint32Array(memory.buffer);
  const cgroups = u32[(L.HEADER + L.H_MEMCG_END) / 4]!;
  const none = () => new Float64Array(cgroups);
  const table: UseTable = {
    charged: none(),
    share: none(),
    unasked: none(),
    unpaid: none(),
    inherited: none(),
    paidBy: new Map(),
  };
  const pays = (user: number, payer: number, pages: number) => {
    let payers = table.paidBy.get(user);
    if (payers === undefined) {
      payers = new Map();
      table.paidBy.set(user, payers);
    }
    payers.set(payer, (payers.get(payer) ?? 0) + pages);
  };
  inheritedPages(machine, u32, table.inherited);
  if (capacities.observe === 0 || machine.residency === 'recorded') {
    for (let memcg = ROOT_CGROUP; memcg < cgroups; memcg++) {
      const pages = [L.STAT_ANON, L.STAT_FILE, L.STAT_SHMEM].reduce(
        (sum, row) => sum + Number(machine.engine.statLocal(memcg, row)),
        0,
      );
      table.charged[memcg] = pages;
      table.share[memcg] = pages;
      if (pages !== 0) pays(memcg, memcg, pages);
    }
    return table;
  }
  const sets = readSets(u32, regionAt(L.R_USER_SET, capacities));
  // A folio that nobody has used yet counts as used by whom it was made for (read ahead).
  const usersOf = (set: number) => (set < sets.length ? sets[set]! : [set - sets.length]);
  // Pages by (set, owner): neighbours mostly agree.
  const groups = new Map<number, number>();
  const unaskedOf = new Map<number, number>();
  const chosen = chosenBy(machine, u32);
  const folios = regionAt(L.R_FOLIO, capacities) / 4;
  const users = regionAt(L.R_USERS, capacities) / 4;
  const places = regionAt(L.R_PLACE, capacities) / 4;
  const end = u32[(L.HEADER + L.H_FRAME_END) / 4]!;
  let key = -1;
  let run = 0;
  let foreign = false;
  let owner = 0;
  for (let frame = 1; frame < end; frame++) {
    const at = folios + (frame * L.FOLIO_STRIDE) / 4;
    const word = u32[at + L.FOLIO_CHARGE / 4]!;
    if (word === 0 || (word & L.CHARGE_KMEM) !== 0) continue;
    const used = u32[users + frame]!;
    const set = (used & L.USER_MADE_FOR) === 0 ? used : sets.length + (used & ~L.USER_MADE_FOR);
    const next = set * 2 ** 24 + (word >>> L.CHARGE_OWNER_SHIFT);
    if (next !== key) {
      if (run > 0) groups.set(key, (groups.get(key) ?? 0) + run);
      key = next;
      run = 0;
      owner = word >>> L.CHARGE_OWNER_SHIFT;
      foreign = owner !== ROOT_CGROUP && !machine.isRemoved(owner) && !usersOf(set).includes(owner);
    }
    run++;
    if (!foreign) continue;
    const state = u32[at + L.FOLIO_STATE / 4]!;
    const object = (state & L.STATE_KIND_MASK) === KIND_ANON ? 0 : u32[places + 2 * frame + 1]!;
    if (object !== 0 && chosen(object, owner)) continue;
    unaskedOf.set(owner, (unaskedOf.get(owner) ?? 0) + 1);
  }
  if (run > 0) groups.set(key, (groups.get(key) ?? 0) + run);
  for (const [memcg, pages] of unaskedOf) table.unasked[memcg] = pages;
  // In the order of the numbers, so that sums of fractions come out alike however folios lie.
  for (const [pair, pages] of [...groups].sort(([a], [b]) => a - b)) {
    const payer = pair % 2 ** 24;
    table.charged[payer]! += pages;
    const members = usersOf(Math.floor(pair / 2 ** 24));
    const split = members.length === 0 ? [payer] : members;
    for (const user of split) {
      table.share[user]! += pages / split.length;
      if (payer === ROOT_CGROUP && user !== ROOT_CGROUP) table.unpaid[user]! += pages / split.length;
      pays(user, payer, pages / split.length);
    }
  }
  return table;
}

/** An objcg bears the number of the memcg that it was made for; once that is removed, who owes it has not used it. */
function inheritedPages(machine: Machine, u32: Uint32Array, inherited: Float64Array): void {
  const base = regionAt(L.R_OBJCG, machine.capacities);
  const u64 = new BigInt64Array(machine.memory.buffer);
  for (const id of machine.cgroups.keys()) {
    if (id === ROOT_CGROUP || !machine.isRemoved(id)) continue;
    const at = base + id * L.OBJCG_STRIDE;
    const owner = u32[(at + L.OBJCG_MEMCG) / 4]!;
    if (owner === 0 || owner === id || owner >= inherited.length) continue;
    inherited[owner]! += Number(u64[(at + L.OBJCG_PAGES) / 8]!) + Number(u64[(at + L.OBJCG_BYTES) / 8]!) / 4096;
  }
}

/** How many uses found the table of sets full, and whose flows. */
export function lostUses(machine: Machine): number {
  if (machine.capacities.observe === 0) return 0;
  return Number(new BigUint64Array(machine.memory.buffer)[(L.HEADER + L.H_USERS + L.USERS_LOST) / 8]!);
}

const FLOW_KINDS = ['', 'moved', 'recharged', 'reparented', 'released', 'claimed'] as const;
export interface PageFlow {
  kind: Exclude<(typeof FLOW_KINDS)[number], ''>;
  from: number;
  to: number;
  pages: number;
}

/** Pages that went from one payer to another, in the order of the ids. */
export function readFlows(machine: Machine): PageFlow[] {
  const { capacities, memory } = machine;
  if (capacities.observe === 0 || capacities.nodes === 0) return [];
  const base =
    regionAt(L.R_USER_SET, capacities) + L.userFlowsAt(capacities.cgroups, capacities.kills, capacities.observe);
  const view = new DataView(memory.buffer as ArrayBuffer, base, L.NR_FLOWS * L.FLOW_STRIDE);
  const flows: PageFlow[] = [];
  for (let at = 0; at < view.byteLength; at += L.FLOW_STRIDE) {
    const kind = FLOW_KINDS[view.getUint32(at + L.FLOW_KIND, true)]!;
    if (kind === '') continue;
    const [from, to] = [view.getUint32(at + L.FLOW_FROM, true), view.getUint32(at + L.FLOW_TO, true)];
    flows.push({ kind, from, to, pages: Number(view.getBigInt64(at + L.FLOW_PAGES, true)) });
  }
  const order = (flow: PageFlow) => FLOW_KINDS.indexOf(flow.kind);
  return flows.sort((a, b) => order(a) - order(b) || a.from - b.from || a.to - b.to);
}

/** What was observed at kill `index` (from 0): pages that the victim's cgroup used itself, and whether it was innocent. */
export function killUse(
  machine: Machine,
  index: number,
): { own_use: number; own_limit: number | null; innocent: boolean } | null {
  const { capacities, memory } = machine;
  if (capacities.observe === 0 || capacities.nodes === 0) return null;
  const base = regionAt(L.R_USER_SET, capacities) + L.userKillsAt(capacities.cgroups, capacities.observe);
  const view = new DataView(memory.buffer as ArrayBuffer, base + (index + 1) * L.USER_KILL_STRIDE, L.USER_KILL_STRIDE);
  const limit = view.getBigInt64(L.USER_KILL_LIMIT, true);
  return {
    own_use: view.getFloat64(L.USER_KILL_USE, true),
    own_limit: limit >= PAGE_COUNTER_MAX ? null : Number(limit),
    innocent: view.getUint32(L.USER_KILL_INNOCENT, true) !== 0,
  };
}

/** Innocent processes killed in a cgroup, and charges of its tasks that ended in an error although it was innocent. */
export function innocentsOf(machine: Machine, cgroup: number): { kills: number; errors: number } {
  const { capacities, memory } = machine;
  if (capacities.observe === 0 || capacities.nodes === 0) return { kills: 0, errors: 0 };
  const base = regionAt(L.R_USER_SET, capacities) + L.userMemcgsAt(capacities.observe);
  const view = new DataView(memory.buffer as ArrayBuffer, base + cgroup * L.USER_MEMCG_STRIDE, L.USER_MEMCG_STRIDE);
  return {
    kills: Number(view.getBigUint64(L.USER_KILLS, true)),
    errors: Number(view.getBigUint64(L.USER_ERRORS, true)),
  };
}
