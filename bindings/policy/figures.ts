/** What a policy did, as the engine counts it: names of DID_*, PMC_* and FORCED_* of assembly/layout.ts. */
import * as L from '../../assembly/layout.ts';
import { CONTEXTS, type Context } from './policy.ts';

/** Totals, in the order of DID_*. Pages, counts, ns. */
export const POLICY_COUNTS = [
  'moved',
  'recharged',
  'released',
  'slow_path',
  'counter_operations',
  'wakes',
  'wakes_wasted',
  'workers',
  'workers_peak',
  'workers_made',
  'queued_ns',
  'deadlocks',
  'skipped_victims',
  'lost_entries',
  'rolled_back',
  'refused',
  'freed',
  'unclaimed',
  'stuck_ns',
] as const;
export type PolicyCount = (typeof POLICY_COUNTS)[number];

/** Work that tasks of one cgroup did for memory of another, or of their own. */
export interface CrossFigure {
  doer: number;
  owner: number;
  /** pages that reclaim looked at */
  scanned: number;
  /** what the tasks stalled for the owner's limit, ns */
  stallNs: number;
  /** pages of the owner that were read, or written by reclaim */
  ioPages: number;
}

/** Why pages were charged past a limit. */
export const FORCED = [
  'dying',
  'nofail',
  'high_priority',
  'overcharge',
  'backcharge',
  'rollback',
  'move',
  'limit_lowered',
] as const;
export type Forced = (typeof FORCED)[number];

/** At one cgroup. Pages, unless the name says bytes or ns. */
export interface PolicyFigures {
  moved_in: number;
  moved_out: number;
  recharged_in: number;
  recharged_out: number;
  released: number;
  unclaimed_bytes: number;
  /** charges refused, by where an error could go */
  enomem: Record<Context, number>;
  enospc: number;
  edquot: number;
  sigbus: number;
  restarts: number;
  queued_ns: number;
  io_read_bytes: number;
  io_written_bytes: number;
  deficit: number;
  deficit_peak: number;
  deficit_ns: number;
  /** pages kept free below its limit for what is charged afterwards */
  reserve: number;
  /** references that loop workers hold */
  loop_workers: number;
  /** pages that its tasks scanned in others' memory */
  scans_elsewhere: number;
  wakes: number;
  wakes_wasted: number;
  /** pages that reclaim took which a charge had woken */
  wakes_reclaimed: number;
  /** bytes of kernel memory, there now, that its tasks made and nobody pays for */
  unpaid_bytes: number;
  /** charges that were forced past the limit */
  force_charge: number;
  /** pages above memory.max: now, at most, and pages × ns */
  over: number;
  over_max_peak: number;
  over_page_ns: number;
  /** pages charged past the limit, by reason */
  forced: Record<Forced, number>;
}

/** Reads the figures of a cgroup: `read` answers the 64-bit word at an offset of its record. */
export function policyFigures(read: (offset: number) => number): PolicyFigures {
  const count = (row: number) => read(L.PM_COUNTS + 8 * row);
  const past = (reason: number) => read(L.PM_FORCED + 8 * reason);
  return {
    moved_in: count(L.PMC_MOVED_IN),
    moved_out: count(L.PMC_MOVED_OUT),
    recharged_in: count(L.PMC_RECHARGED_IN),
    recharged_out: count(L.PMC_RECHARGED_OUT),
    released: count(L.PMC_RELEASED),
    unclaimed_bytes: count(L.PMC_UNCLAIMED),
    enomem: Object.fromEntries(CONTEXTS.map((name, i) => [name, count(L.PMC_ENOMEM + i)])) as Record<Context, number>,
    enospc: count(L.PMC_ENOSPC),
    edquot: count(L.PMC_EDQUOT),
    sigbus: count(L.PMC_SIGBUS),
    restarts: count(L.PMC_RESTARTS),
    queued_ns: count(L.PMC_QUEUED_NS),
    io_read_bytes: count(L.PMC_IO_READ),
    io_written_bytes: count(L.PMC_IO_WRITTEN),
    deficit: count(L.PMC_DEFICIT),
    deficit_peak: count(L.PMC_DEFICIT_PEAK),
    deficit_ns: count(L.PMC_DEFICIT_NS),
    reserve: count(L.PMC_RESERVE),
    loop_workers: count(L.PMC_LOOP_WORKERS),
    scans_elsewhere: count(L.PMC_SCANS_ELSEWHERE),
    wakes: count(L.PMC_WAKES),
    wakes_wasted: count(L.PMC_WAKES_WASTED),
    wakes_reclaimed: count(L.PMC_WAKES_RECLAIMED),
    unpaid_bytes: count(L.PMC_UNPAID),
    force_charge: count(L.PMC_FORCE_CHARGE),
    over: read(L.PM_OVER),
    over_max_peak: read(L.PM_OVER_PEAK),
    over_page_ns: read(L.PM_OVER_PAGE_NS),
    forced: {
      dying: past(L.FORCED_DYING),
      nofail: past(L.FORCED_NOFAIL),
      high_priority: past(L.FORCED_HIGH),
      overcharge: past(L.FORCED_OVERCHARGE),
      backcharge: past(L.FORCED_BACKCHARGE),
      rollback: past(L.FORCED_ROLLBACK),
      move: past(L.FORCED_MOVE),
      limit_lowered: past(L.FORCED_LIMIT),
    },
  };
}
