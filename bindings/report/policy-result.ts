/** What `replay --policy` adds to the `memcharge` key of a cgroup: what the policy did there. Bytes, ns, counts. */
import type { Machine } from '../machine.ts';
import { PAGE_SIZE } from '../trace/schema.ts';
import type { Integrals } from './integrals.ts';
import { subtreeSums } from './questions.ts';
import type { CgroupResult } from './result.ts';
import type { UseTable } from './uses.ts';

/** Of the cgroup itself, but `proportional`, which is the share of its descendants, too, as memory.current is their bill. */
export interface PolicyCgroupResult {
  charged: { anon: number; file: number; shmem: number };
  /** charges that ended in an error, by where they were made; only where there were any */
  refused: Record<'enospc' | 'enomem' | 'edquot' | 'sigbus', Record<string, number>>;
  restarts: number;
  /** bytes whose payer went, and that no touch can claim */
  unclaimed: number;
  /** charges that were forced past the limit */
  force_charge: number;
  over_max_peak: number;
  over_max_byte_ns: number;
  /** bytes that came from another payer, and that went to one */
  moved: number;
  moved_out: number;
  recharged: number;
  recharged_out: number;
  released: number;
  /** charged to it although it is dead, or although it neither used it nor was chosen */
  stranded_byte_ns: number;
  proportional: number;
  throttled_ns: number;
}

const some = (counts: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).filter(([, n]) => n > 0));

/** Writes it into the results of `cgroupResults()`. Modelled residency, and a machine that observes. */
export function addPolicyFigures(
  results: Record<string, CgroupResult>,
  machine: Machine,
  uses: UseTable,
  integrals: Integrals,
): void {
  const shares = subtreeSums(machine, uses.share);
  for (const result of Object.values(results)) {
    const { id } = result;
    const figures = machine.policyFigures(id);
    const stranded = integrals.sums(id);
    const added: PolicyCgroupResult = {
      charged: machine.charged(id),
      refused: {
        enospc: some({ call: figures.enospc }),
        enomem: some(figures.enomem),
        edquot: some({ call: figures.edquot }),
        sigbus: some({ fault: figures.sigbus }),
      },
      restarts: figures.restarts,
      unclaimed: figures.unclaimed_bytes,
      force_charge: figures.force_charge,
      over_max_peak: figures.over_max_peak * PAGE_SIZE,
      over_max_byte_ns: integrals.byClock(id, figures).over_page_ns * PAGE_SIZE,
      moved: figures.moved_in * PAGE_SIZE,
      moved_out: figures.moved_out * PAGE_SIZE,
      recharged: figures.recharged_in * PAGE_SIZE,
      recharged_out: figures.recharged_out * PAGE_SIZE,
      released: figures.released * PAGE_SIZE,
      stranded_byte_ns: Math.round((stranded.dead + stranded.unasked) * PAGE_SIZE),
      proportional: Math.round(shares[id]! * PAGE_SIZE),
      throttled_ns: machine.throttledNs(id),
    };
    result.memcharge = added;
  }
}
