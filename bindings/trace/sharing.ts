/**
 * Who shares what: pages of the objects that are used most, by cgroup, or by task where all tasks are in one cgroup. A second pass over a
 * trace that {@link summarize} has seen.
 */
import * as O from '../../assembly/replay/ops.ts';
import type { Trace } from './arrow-reader.ts';
import { InputError } from './input-error.ts';
import { pagesOf, Residence, type Summary } from './summary.ts';
import { firstAfter, resolve, type TimeRange } from './time-range.ts';

export interface Party {
  id: number;
  name: string | null;
}

/** Distinct pages, by party in the order of {@link Sharing.parties}. */
export interface SharedObject {
  id: number;
  name: string | null;
  /** touched by any of the parties */
  pages: number;
  /** touched by two or more */
  shared: number;
  touched: number[];
  /** touched by this one before any other */
  first: number[];
}

export interface Sharing {
  by: 'cgroup' | 'task';
  parties: Party[];
  objects: SharedObject[];
}

/** One bit a party; those with fewer pages are left out. */
export const MAX_PARTIES = 24;
const FIRST_SHIFT = 24;
const PAGE_BITS = 10;
/** Of all objects together; a page costs four bytes. */
const MAX_PAGES = 1 << 26;

/** Pages of an object: bits of who touched it, and who was first (+ 1) above them. */
class ObjectPages {
  readonly chunks = new Map<number, Uint32Array>();

  /** Answers how many pages of room this took. */
  touch(page: number, count: number, party: number): number {
    let grown = 0;
    let chunk: Uint32Array | undefined;
    let key = -1;
    for (let p = page; p < page + count; p++) {
      const at = Math.floor(p / (1 << PAGE_BITS));
      if (at !== key) {
        key = at;
        chunk = this.chunks.get(at);
        if (chunk === undefined) {
          chunk = new Uint32Array(1 << PAGE_BITS);
          this.chunks.set(at, chunk);
          grown += 1 << PAGE_BITS;
          if (grown > MAX_PAGES) return grown;
        }
      }
      const slot = p % (1 << PAGE_BITS);
      const seen = chunk![slot]!;
      chunk![slot] = seen === 0 ? (((party + 1) << FIRST_SHIFT) | (1 << party)) >>> 0 : (seen | (1 << party)) >>> 0;
    }
    return grown;
  }
}

/** Throws InputError. */
export async function sharingOf(trace: Trace, summary: Summary, range: TimeRange): Promise<Sharing> {
  const used = summary.top.cgroups.filter((entry) => entry.pages > 0);
  const by = used.length > 1 ? 'cgroup' : 'task';
  const parties = (by === 'cgroup' ? used : summary.top.tasks.filter((t) => t.pages > 0)).slice(0, MAX_PARTIES);
  const objects = summary.top.objects.filter((entry) => entry.pages > 0);
  const column = new Map(parties.map((party, i) => [party.id, i]));
  const pages = new Map(objects.map((object) => [object.id, new ObjectPages()]));
  const residence = new Residence();
  let room = 0;
  let window: { from: bigint; until: bigint | null } | null = null;
  for await (const batch of trace.batches()) {
    const { ts } = batch;
    window ??= resolve(range, ts[0]!);
    const end = window.until === null ? batch.length : firstAfter(ts, 0, batch.length, window.until);
    const begin = window.from <= ts[0]! ? 0 : firstAfter(ts, 0, end, window.from - 1n);
    for (let row = 0; row < end; row++) {
      const op = batch.opMap[batch.op[row]!]!;
      const task = batch.task[row]!;
      residence.follow(op, task, batch.cgroup[row]!, batch.object[row]!);
      if (row < begin || (op !== O.OP_FILE_ACCESS && op !== O.OP_CHARGE)) continue;
      const object = pages.get(batch.object[row]!);
      if (object === undefined) continue;
      const party = column.get(by === 'task' ? task : batch.cgroup[row]! || residence.get(task));
      if (party === undefined) continue;
      const page = op === O.OP_CHARGE ? batch.count[row]! : Number(batch.index[row]!);
      room += object.touch(page, pagesOf(op, batch.count[row]!, batch.flags[row]!), party);
      if (room > MAX_PAGES)
        throw new InputError(`${trace.path}: row ${batch.firstRow + row}: more than ${MAX_PAGES} pages to compare`);
    }
    if (end < batch.length) break;
  }
  return {
    by,
    parties: parties.map(({ id, name }) => ({ id, name })),
    objects: objects.map(({ id, name }) => ({ id, name, ...count(pages.get(id)!, parties.length) })),
  };
}

function count(object: ObjectPages, parties: number): Omit<SharedObject, 'id' | 'name'> {
  const touched = new Array<number>(parties).fill(0);
  const first = new Array<number>(parties).fill(0);
  let pages = 0;
  let shared = 0;
  for (const chunk of object.chunks.values())
    for (const entry of chunk) {
      if (entry === 0) continue;
      pages++;
      const who = entry & ((1 << FIRST_SHIFT) - 1);
      if ((who & (who - 1)) !== 0) shared++;
      first[(entry >>> FIRST_SHIFT) - 1]!++;
      for (let party = 0; party < parties; party++) if ((who & (1 << party)) !== 0) touched[party]!++;
    }
  return { pages, shared, touched, first };
}
