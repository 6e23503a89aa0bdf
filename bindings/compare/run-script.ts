/** One policy under a script: the world is the shell's, what is asked of its machine at the end is what a trace is asked. */
import type { Kernel } from '../machine.ts';
import type { Policy } from '../policy/policy.ts';
import type { PolicyResult } from '../report/compare-result.ts';
import { runScript } from '../shell/run.ts';
import { OBSERVED, resultOf, Watch } from './run-policy.ts';

/** How a script is run under every policy. Sizes in bytes. */
export interface ScriptSetup {
  source: Uint8Array;
  /** $0, without its directory */
  name: string;
  kernel: Kernel;
  cpus: number;
  memory: number;
  swap: number;
  seed: number;
  /** ns of virtual time between two samples */
  sampleNs: number;
  observe?: number;
}

/** Throws DeadlockError as `runScript()` does, PolicyError for a policy that scripts cannot have. */
export async function runScriptPolicy(
  policy: Policy,
  setup: ScriptSetup,
): Promise<PolicyResult & { elapsedNs: number }> {
  const { source, name, sampleNs, observe = OBSERVED.observe, ...machineOptions } = setup;
  const started = performance.now();
  const watch = new Watch(policy);
  const { stdout, stderr, exit, world } = await runScript(source, {
    ...machineOptions,
    name: `/s/${name}`,
    policy,
    observe,
    kills: OBSERVED.kills,
    tty: false,
    sample: {
      every: BigInt(sampleNs),
      take: (ts, machine) => void watch.take(Number(ts), machine, Number(ts) - sampleNs),
    },
  });
  const { machine, kernel } = world;
  const elapsedNs = Number(world.elapsed);
  const result = resultOf(machine, watch, { from: 0, to: elapsedNs }, false);
  const elapsed = (performance.now() - started) / 1000;
  // A person knows pids.
  const pid = <T extends { task: number }>(each: T): T => ({ ...each, task: kernel.pids.get(each.task) ?? each.task });
  const kills = result.kills.map((kill) => ({
    ...kill,
    victim: pid(kill.victim),
    candidates: kill.candidates.map(pid),
  }));
  return { ...result, kills, elapsed_s: elapsed, engine_s: 0, script: { stdout, stderr, exit }, elapsedNs };
}
