/** Runs a bash script as on Linux: in a world of its own, from which nothing of the host can be reached. */
import { bash } from './bash/bash.ts';
import { byteString, bytesOf } from './kernel/bytes.ts';
import type { Program } from './kernel/syscalls.ts';
import { World, type WorldOptions } from './kernel/world.ts';
import { PROGRAMS } from './programs/index.ts';

/** What lies in /usr/bin. */
const INSTALLED: ReadonlyMap<string, Program> = new Map([...PROGRAMS, ['bash', bash]]);

export interface RunOptions extends WorldOptions {
  /** where the script lies in the world, and $0: an absolute path; `/s/script.sh` unless told */
  name?: string;
  /** its arguments */
  args?: readonly string[];
}

/** What a script printed and how it ended. Text is what its UTF-8 says; bytes that are none become U+FFFD. */
export interface ScriptResult {
  stdout: string;
  stderr: string;
  /** both, in the order in which they were written */
  console: string;
  /** exit status, 128 and the signal where one ended it */
  exit: number;
  /** the world as the script left it: its machine's figures, its kills, its cgroups */
  world: World;
}

/**
 * Boots a world, runs the script with its bash, and answers what it printed. Throws DeadlockError where all its processes wait for each
 * other for ever.
 *
 * @example const { stdout } = await runScript('cat /sys/fs/cgroup/cgroup.controllers', { kernel: '6.1' });
 */
export async function runScript(source: string | Uint8Array, options: RunOptions = {}): Promise<ScriptResult> {
  const { name = '/s/script.sh', args = [], ...rest } = options;
  const world = await World.boot({ programs: INSTALLED, ...rest });
  const script = typeof source === 'string' ? bytesOf(byteString(source)) : source;
  world.writeFile(byteString(name), script, 0o644);
  const { stdout, stderr, console, exit } = await world.run('bash', ['bash', name, ...args]);
  const text = (bytes: string) => new TextDecoder().decode(bytesOf(bytes));
  return { stdout: text(stdout), stderr: text(stderr), console: text(console), exit, world };
}
