/** The object that `run --json` prints: docs/json.md describes every key. */
import type { VmStat } from '../machine.ts';
import type { ScriptResult } from '../shell/run.ts';
import { type CgroupResult, cgroupResults, type KillResult, killResults } from './result.ts';

export interface RunResult {
  stdout: string;
  stderr: string;
  exit: number;
  kernel: string;
  /** virtual time that the script took, ns */
  elapsed_ns: number;
  state_digest: string;
  machine: VmStat;
  cgroups: Record<string, CgroupResult>;
  kills: KillResult[];
  audit?: 'ok';
}

/** The figures that a script left behind. Tasks are pids. */
export function runResult({ stdout, stderr, exit, world }: ScriptResult): RunResult {
  const { machine, kernel } = world;
  const pid = <T extends { task: number }>(each: T): T => ({ ...each, task: kernel.pids.get(each.task) ?? each.task });
  return {
    stdout,
    stderr,
    exit,
    kernel: machine.kernel,
    elapsed_ns: Number(world.elapsed),
    state_digest: machine.digest(),
    machine: machine.vmstat(),
    cgroups: cgroupResults(machine),
    kills: killResults(machine).map((kill) => ({
      ...kill,
      victim: pid(kill.victim),
      candidates: kill.candidates.map(pid),
    })),
  };
}
