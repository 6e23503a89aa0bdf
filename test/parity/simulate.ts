/** The simulator's side of a comparison. */
import { performance } from 'node:perf_hooks';
import { runScript } from '../../bindings/shell/run.ts';
import type { Kernel, Script } from './recordings.ts';

/** What the simulator did with a script: lines as GuestRun has them. */
export interface SimulatedRun {
  readonly lines: readonly string[];
  readonly stderr: string;
  readonly ms: number;
}

/** Runs a script in the simulator under the name it has in the guest. */
export async function simulate(script: Script, kernel: Kernel): Promise<SimulatedRun> {
  const from = performance.now();
  const { stdout, stderr, exit } = await runScript(script.source, { kernel, name: `/s/${script.name}.sh` });
  const ms = performance.now() - from;
  const lines = stdout.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return { lines: [...lines, `exit ${exit}`], stderr, ms };
}
