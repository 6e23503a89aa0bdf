/** A script under a charging policy, with what a comparison asks: its machine at the end, its kills, and samples on the way. */
import type { Machine } from '../machine.ts';
import type { Policy } from '../policy/policy.ts';
import { type KillResult, killResults } from '../report/result.ts';
import { type RunOptions, runScript, type ScriptResult } from './run.ts';

export interface ScriptRunOptions<Sample> extends Omit<RunOptions, 'policy' | 'sample'> {
  /** looks at the machine at these intervals of virtual time, and once more at the end; ns since the script began */
  sample?: { every: bigint; take: (ts: number, machine: Machine) => Sample };
}

export interface ScriptRun<Sample> extends ScriptResult {
  machine: Machine;
  /** virtual time that the script took, ns */
  elapsed: number;
  /** tasks are pids */
  kills: KillResult[];
  samples: Sample[];
}

/** Kills of the machine with the pids that the script's processes had. */
export function killsOf({ world }: Pick<ScriptResult, 'world'>): KillResult[] {
  const pid = <T extends { task: number }>(each: T): T => ({
    ...each,
    task: world.kernel.pids.get(each.task) ?? each.task,
  });
  return killResults(world.machine).map((kill) => ({
    ...kill,
    victim: pid(kill.victim),
    candidates: kill.candidates.map(pid),
  }));
}

/**
 * Runs a script under a policy in a world of its own, here or in a worker thread. PolicyError: the policy is none for scripts. Throws
 * DeadlockError where all processes wait for each other for ever.
 *
 * @example const { machine, kills } = await scriptRun('memcg-mount', source, { observe: 4096 });
 */
export async function scriptRun<Sample = never>(
  policy: string | Policy,
  source: string | Uint8Array,
  options: ScriptRunOptions<Sample> = {},
): Promise<ScriptRun<Sample>> {
  const { sample, ...rest } = options;
  const samples: Sample[] = [];
  const take = (ts: bigint, machine: Machine) => {
    samples.push(sample!.take(Number(ts), machine));
  };
  const result = await runScript(source, { ...rest, policy, ...(sample && { sample: { every: sample.every, take } }) });
  const { world } = result;
  const elapsed = Number(world.elapsed);
  if (sample !== undefined) samples.push(sample.take(elapsed, world.machine));
  return { ...result, machine: world.machine, elapsed, kills: killsOf(result), samples };
}
