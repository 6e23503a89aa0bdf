/** The simulator's side of a comparison. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Kernel, Script } from './recordings.ts';

type RunScript = (
  source: string,
  options: { kernel: Kernel; name: string },
) => Promise<{ stdout: string; stderr: string; exit: number }>;

const path = join(import.meta.dirname, '../../bindings/shell/run.ts');

/** What the simulator did with a script: lines as GuestRun has them. */
export interface SimulatedRun {
  readonly lines: readonly string[];
  readonly stderr: string;
  readonly ms: number;
}

/** Runs a script in the simulator under the name it has in the guest. */
export async function simulate(script: Script, kernel: Kernel): Promise<SimulatedRun> {
  if (!existsSync(path)) return { lines: [], stderr: 'no executor yet\n', ms: 0 };
  const { runScript } = (await import(path)) as { runScript: RunScript };
  const from = performance.now();
  const { stdout, stderr, exit } = await runScript(script.source, { kernel, name: `/s/${script.name}.sh` });
  const ms = performance.now() - from;
  const lines = stdout.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return { lines: [...lines, `exit ${exit}`], stderr, ms };
}
