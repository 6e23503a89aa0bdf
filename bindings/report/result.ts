/** The object that `replay --json` prints: docs/json.md describes every key. */
import type { Machine, MemcgFigures } from '../machine.ts';
import type { ReplayOutcome } from '../replay/replay.ts';
import type { Trace } from '../trace/arrow-reader.ts';
import { ROOT_CGROUP } from '../trace/schema.ts';
import type { AgainstReport } from './against.ts';

export interface CgroupResult extends MemcgFigures {
  id: number;
  parent: number;
  kernel_id: number;
}

/** memory.current of every cgroup at one time. Bytes. */
export interface SampleResult {
  ts: number;
  cgroups: Record<string, { 'memory.current': number }>;
}

export interface ReplayResult {
  trace: { path: string; events: number; duration_ns: number };
  residency: 'recorded';
  policy: 'linux';
  kernel: string;
  seed: number;
  elapsed_s: number;
  engine_s: number;
  events_per_s: number;
  state_digest: string;
  cgroups: Record<string, CgroupResult>;
  recorded: Record<string, number>;
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
    results[machine.pathOf(id)] = { id, parent, kernel_id: Number(kernelId), ...machine.figures(id) };
  }
  return results;
}

export function replayResult(machine: Machine, trace: Trace, outcome: ReplayOutcome, seed: number): ReplayResult {
  return {
    trace: { path: trace.path, events: outcome.events, duration_ns: outcome.durationNs },
    residency: 'recorded',
    policy: 'linux',
    kernel: machine.kernel,
    seed,
    elapsed_s: outcome.elapsed,
    engine_s: outcome.engine,
    events_per_s: outcome.elapsed > 0 ? Math.round(outcome.replayed / outcome.elapsed) : 0,
    state_digest: machine.digest(),
    cgroups: cgroupResults(machine),
    recorded: machine.recordedCounts(),
  };
}
