/** Who did work for whose memory (debate row S2f): CPU of reclaim, paging I/O and stalls stay with whoever allocates, whoever pays. */
import type { Machine } from '../machine.ts';
import { PAGE_SIZE } from '../trace/schema.ts';
import { table } from './table.ts';

/** What tasks of one cgroup did for memory of another, or of their own. */
export interface WorkFor {
  doer: string;
  owner: string;
  /** pages that reclaim looked at */
  scanned: number;
  /** what the tasks stalled for the owner's limit */
  stall_ns: number;
  /** what was read or written of the owner's memory */
  io_bytes: number;
}

/** In modelled residency, where a policy is on or uses are observed. Cgroups by path. */
export function workFor(machine: Machine): WorkFor[] {
  return machine.policyCross().map(({ doer, owner, scanned, stallNs, ioPages }) => ({
    doer: doer ? machine.pathOf(doer) : 'others',
    owner: owner ? machine.pathOf(owner) : 'others',
    scanned,
    stall_ns: stallNs,
    io_bytes: ioPages * PAGE_SIZE,
  }));
}

/** A line for each pair, those that did most first; null where nothing was done. `size` writes bytes. */
export function crossTable(
  policies: readonly { policy: { name: string }; work: readonly WorkFor[] }[],
  size: (bytes: number) => string,
  lines = 20,
): string | null {
  const rows = policies.flatMap(({ policy, work }) =>
    [...work]
      .sort((a, b) => b.scanned - a.scanned || b.io_bytes - a.io_bytes)
      .slice(0, lines)
      .map((each) => [
        policy.name,
        each.doer,
        each.owner,
        String(each.scanned),
        `${(each.stall_ns / 1e6).toFixed(3)} ms`,
        size(each.io_bytes),
      ]),
  );
  return rows.length === 0 ? null : table(['policy', 'work of', 'for memory of', 'scanned', 'stalled', 'I/O'], rows, 3);
}
