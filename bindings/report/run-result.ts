/** The object that `run --json` prints: docs/json.md describes every key. */
import type { Machine, VmStat } from '../machine.ts';
import type { PolicyCount, PolicyFigures } from '../policy/figures.ts';
import { isLinux } from '../policy/policy.ts';
import type { ScriptResult } from '../shell/run.ts';
import { killsOf } from '../shell/script-run.ts';
import { type CgroupResult, cgroupResults, type KillResult } from './result.ts';

export interface RunResult {
  stdout: string;
  stderr: string;
  exit: number;
  /** name of the charging policy */
  policy: string;
  kernel: string;
  /** virtual time that the script took, ns */
  elapsed_ns: number;
  state_digest: string;
  machine: VmStat;
  cgroups: Record<string, CgroupResult>;
  kills: KillResult[];
  /** under another policy than Linux': what it did, in total and by cgroup */
  policy_counts?: Record<PolicyCount, number>;
  policy_figures?: Record<string, PolicyFigures>;
  audit?: 'ok';
}

/** What the machine's policy did, where it differs from Linux' own answers. */
function policyResult(machine: Machine): Pick<RunResult, 'policy_counts' | 'policy_figures'> {
  if (isLinux(machine.policy.answers)) return {};
  const figures = [...machine.cgroups.keys()].map((id) => [machine.pathOf(id), machine.policyFigures(id)] as const);
  return { policy_counts: machine.policyCounts(), policy_figures: Object.fromEntries(figures) };
}

/** The figures that a script left behind. Tasks are pids. */
export function runResult({ stdout, stderr, exit, world }: ScriptResult): RunResult {
  const { machine } = world;
  return {
    stdout,
    stderr,
    exit,
    policy: machine.policy.name,
    kernel: machine.kernel,
    elapsed_ns: Number(world.elapsed),
    state_digest: machine.digest(),
    machine: machine.vmstat(),
    cgroups: cgroupResults(machine),
    kills: killsOf({ world }),
    ...policyResult(machine),
  };
}
