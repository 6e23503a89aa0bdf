/** `memcharge run SCRIPT.sh`: a bash script as on Linux, in a world of its own. */
import { readFileSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { Kernel } from '../machine.ts';
import { type Policy, PolicyError } from '../policy/policy.ts';
import { runResult } from '../report/run-result.ts';
import { bytesOf } from '../shell/kernel/bytes.ts';
import { DeadlockError } from '../shell/kernel/scheduler.ts';
import { scriptPolicy } from '../shell/policy.ts';
import { runScript } from '../shell/run.ts';
import { fileError } from '../trace/input-error.ts';
import { parsePages } from '../trace/knobs.ts';
import { PAGE_SIZE } from '../trace/schema.ts';
import { EXIT_FAILURE, InputError } from './errors.ts';
import { readPolicy } from './read-policy.ts';
import { parseCount } from './values.ts';
import { checkTarget, writeCgroupfs } from './write-cgroupfs.ts';

interface Options {
  kernel: string;
  cpus: string;
  memory: string;
  swap: string;
  seed: string;
  policy: string;
  cgroupfs?: string;
  json?: boolean;
  audit?: boolean;
}

/** The kernel takes some 16 MiB for itself. Bytes. */
const LEAST_MEMORY = 24 * 2 ** 20;

/** Adds the command to `program`. */
export function addRun(program: Command): void {
  program
    .command('run')
    .description('run a bash script as Linux would, and print what it prints')
    .argument('<script>', 'a bash script; - is standard input')
    .argument('[args...]', 'its arguments; after -- where they begin with a dash')
    .option('--kernel <version>', 'whose facts to follow: 6.18 or 6.1', '6.18')
    .option('--cpus <n>', 'CPUs of the machine', '1')
    .option('--memory <size>', 'memory of the machine', '1G')
    .option('--swap <size>', 'size of the swap device /dev/ubdb, which is off until swapon; 0: none', '256M')
    .option('--policy <name>', 'who pays: a charging policy (memcharge policies lists them), or a policy file', 'linux')
    .option('--seed <n>', 'seed of the random choices', '0')
    .option('--cgroupfs <dir>', 'write the control files of all cgroups there at the end, for tools that read them')
    .option('--audit', 'check conservation at the end; a discrepancy is a failure')
    .option('--json', 'print one JSON object, with what the script printed in it')
    .action(run);
}

/** Writes at once: a script that runs on and on would never learn of a reader that is gone, which ends it quietly. */
function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') process.exit(0);
      if (code !== 'EAGAIN') throw fileError('standard output', error as NodeJS.ErrnoException);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function parseSize(option: string, text: string, most: number, least = 0): number {
  const pages = parsePages(text);
  if (pages === null) throw new InputError(`${option} ${text}: not a size such as 1G`);
  const bytes = Number(pages) * PAGE_SIZE;
  if (bytes > most) throw new InputError(`${option} ${text}: more than ${most / 2 ** 30}G`);
  if (bytes < least)
    throw new InputError(`${option} ${text}: less than ${least / 2 ** 20}M, with which nothing can run`);
  return Number(pages) * PAGE_SIZE;
}

/** Names in the world are bytes. */
function utf8(path: string): string {
  return new TextDecoder().decode(bytesOf(path));
}

function policyOf(name: string): Policy {
  try {
    return scriptPolicy(readPolicy(name));
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new InputError(error.message);
  }
}

function readSource(path: string): Uint8Array {
  try {
    return readFileSync(path === '-' ? 0 : path);
  } catch (error) {
    throw fileError(path, error as NodeJS.ErrnoException);
  }
}

async function run(path: string, args: string[], options: Options): Promise<void> {
  if (options.kernel !== '6.18' && options.kernel !== '6.1')
    throw new InputError(`--kernel ${options.kernel}: known kernels are 6.18 and 6.1`);
  if (options.cgroupfs !== undefined) checkTarget(options.cgroupfs);
  const policy = policyOf(options.policy);
  const source = readSource(path);
  const name = path === '-' ? 'stdin' : basename(path);
  let result: Awaited<ReturnType<typeof runScript>>;
  try {
    result = await runScript(source, {
      kernel: options.kernel as Kernel,
      cpus: parseCount('--cpus', options.cpus, 1, 64),
      memory: parseSize('--memory', options.memory, 64 * 2 ** 30, LEAST_MEMORY),
      swap: parseSize('--swap', options.swap, 64 * 2 ** 30),
      seed: parseCount('--seed', options.seed, 0, 2 ** 32 - 1),
      policy,
      name: `/s/${name}`,
      args,
      tty: process.stdout.isTTY === true,
      ...(!options.json && { onOutput: (bytes, stream) => writeAll(stream === 'stdout' ? 1 : 2, bytes) }),
    });
  } catch (error) {
    if (!(error instanceof DeadlockError)) throw error;
    process.stderr.write(`memcharge: ${error.message}\n`);
    process.exitCode = EXIT_FAILURE;
    return;
  }
  process.exitCode = result.exit;
  if (options.cgroupfs !== undefined) writeCgroupfs(options.cgroupfs, result.world.kernel.cgroups!, utf8);
  const wrong = options.audit ? result.world.machine.audit() : null;
  if (wrong !== null) {
    process.stderr.write(`memcharge: audit: ${wrong.what} of ${wrong.id}: ${wrong.found}, not ${wrong.expected}\n`);
    process.exitCode = EXIT_FAILURE;
  }
  if (options.json)
    process.stdout.write(
      `${JSON.stringify({ ...runResult(result), ...(options.audit && wrong === null && { audit: 'ok' }) })}\n`,
    );
}
