/** The object that `replay --json` prints: docs/json.md describes every key. */
import type { Kill } from '../engine/kills.ts';
import type { Machine, MemcgFigures, Residency, Statistics, VmStat } from '../machine.ts';
import type { ReplayOutcome } from '../replay/replay.ts';
import type { Trace } from '../trace/arrow-reader.ts';
import { PAGE_SIZE, ROOT_CGROUP } from '../trace/schema.ts';
import type { AgainstReport } from './against.ts';
import type { PolicyCgroupResult } from './policy-result.ts';
import type { Pressure } from './pressure.ts';

export interface CgroupResult extends MemcgFigures {
  id: number;
  parent: number;
  kernel_id: number;
  /**
   * modelled residency, of the cgroup itself: bytes ever charged, by kind; charges that were refused in the end; ns that memory.high made its
   * tasks sleep; with a policy, what it did
   */
  memcharge?:
    | {
        charged: { anon: number; file: number; shmem: number };
        refused: { enomem: number };
        throttled_ns: number;
      }
    | PolicyCgroupResult;
}

/** Every cgroup at one time. Bytes. memory.stat and memory.pressure when asked for. */
export interface SampleResult {
  ts: number;
  cgroups: Record<
    string,
    { 'memory.current': number; 'memory.stat'?: Record<string, number>; 'memory.pressure'?: Pressure }
  >;
}

/** A kill with paths for cgroups. Bytes. */
export interface KillResult {
  ts: number;
  cgroup: string;
  usage: number | null;
  limit: number | null;
  victim: { task: number; name: string | null; cgroup: string; points: number | null };
  group: string | null;
  processes: number;
  candidates: (Omit<Kill['candidates'][number], 'cgroup'> & { cgroup: string })[];
  omitted: number;
}

export interface ReplayResult {
  trace: { path: string; events: number; duration_ns: number };
  residency: Residency;
  policy: string;
  kernel: string;
  statistics: Statistics;
  seed: number;
  elapsed_s: number;
  engine_s: number;
  events_per_s: number;
  state_digest: string;
  cgroups: Record<string, CgroupResult>;
  /** modelled residency: what /proc/pressure/memory says */
  pressure?: Pressure;
  recorded?: Record<string, number>;
  kills: KillResult[];
  /** kills beyond the capacity `kills` */
  kills_lost?: number;
  /** modelled residency */
  machine?: VmStat;
  /** modelled residency: bytes in the whole machine that are to be written, and how long tasks waited for the disk */
  writeback?: { dirty: number; writeback: number; waited_ns: number };
  audit?: 'ok';
  samples?: SampleResult[];
  against?: AgainstReport & { unseen_start?: UnseenStart | null };
}

/** What a byte stock that was there before the recording would explain. */
export interface UnseenStart {
  cpu: number;
  /** bytes that a dead cgroup's objcg would have left in that CPU's byte stock */
  bytes: number;
  /** samples that are exact with it and were missed without */
  explains: number;
  exact: number;
}

/** Figures of every cgroup, living or dying, but the root. */
export function cgroupResults(machine: Machine): Record<string, CgroupResult> {
  const results: Record<string, CgroupResult> = Object.create(null);
  for (const [id, { parent, kernelId }] of machine.cgroups) {
    if (id === ROOT_CGROUP) continue;
    const result: CgroupResult = { id, parent, kernel_id: Number(kernelId), ...machine.figures(id) };
    if (machine.residency === 'modelled')
      result.memcharge = {
        charged: machine.charged(id),
        refused: { enomem: machine.refused(id) },
        throttled_ns: machine.throttledNs(id),
      };
    results[machine.pathOf(id)] = result;
  }
  return results;
}

/** Every kill that was recorded. */
export function killResults(machine: Machine): KillResult[] {
  const path = (cgroup: number) => machine.pathOf(cgroup);
  return machine.kills().map(({ ts, cgroup, usage, limit, victim, group, processes, candidates, omitted }) => ({
    ts: Number(ts),
    cgroup: path(cgroup),
    usage,
    limit,
    victim: { ...victim, cgroup: path(victim.cgroup) },
    group: group === 0 ? null : path(group),
    processes,
    candidates: candidates.map((candidate) => ({ ...candidate, cgroup: path(candidate.cgroup) })),
    omitted,
  }));
}

function writebackResult(machine: Machine): ReplayResult['writeback'] {
  const { dirty, writeback, waitedNs } = machine.writeback();
  return { dirty: dirty * PAGE_SIZE, writeback: writeback * PAGE_SIZE, waited_ns: Number(waitedNs) };
}

export function replayResult(machine: Machine, trace: Trace, outcome: ReplayOutcome, seed: number): ReplayResult {
  return {
    trace: { path: trace.path, events: outcome.events, duration_ns: outcome.durationNs },
    residency: machine.residency,
    policy: machine.policy.name,
    kernel: machine.kernel,
    statistics: machine.statistics,
    seed,
    elapsed_s: outcome.elapsed,
    engine_s: outcome.engine,
    events_per_s: outcome.elapsed > 0 ? Math.round(outcome.replayed / outcome.elapsed) : 0,
    state_digest: machine.digest(),
    cgroups: cgroupResults(machine),
    ...(machine.residency === 'modelled'
      ? { machine: machine.vmstat(), writeback: writebackResult(machine), pressure: machine.pressure(ROOT_CGROUP) }
      : {}),
    ...(machine.residency === 'recorded' ? { recorded: machine.recordedCounts() } : {}),
    kills: killResults(machine),
    ...(machine.killsLost > 0 ? { kills_lost: machine.killsLost } : {}),
  };
}
