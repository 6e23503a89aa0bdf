/** `memcharge compare TRACE --policy a,b`: the same trace under several policies, and the eight questions of the debates. */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { type CompareOptions, compareScript, compareTrace } from '../compare/compare.ts';
import type { ScriptSetup } from '../compare/run-script.ts';
import { DEFAULT_CAPACITIES } from '../engine/capacities.ts';
import type { BootOptions } from '../machine.ts';
import { type CompareResult, QUESTIONS, type Question } from '../report/compare-result.ts';
import { compareText } from '../report/compare-text.ts';
import { openTrace } from '../trace/arrow-reader.ts';
import { fileError } from '../trace/input-error.ts';
import { PAGE_SIZE } from '../trace/schema.ts';
import { InputError } from './errors.ts';
import {
  addMachineOptions,
  bootOptions,
  type MachineOptions,
  modelledOnly,
  parseMemory,
  parseOverride,
  parseResidency,
} from './machine-options.ts';
import { Progress } from './progress.ts';
import { readPolicies } from './read-policy.ts';
import { parseCount, parseDuration } from './values.ts';
import { reportTarget, writeReport } from './write-report.ts';

interface Options extends MachineOptions {
  policy: string;
  question?: string;
  sample?: string;
  shuffle?: string;
  diff?: string[];
  workers?: string;
  report?: string;
  json?: boolean;
}

/** The machine of `run`. Bytes, ns. */
const SCRIPT_MEMORY = 2 ** 30;
const SCRIPT_SWAP = 2 ** 28;
const SCRIPT_SAMPLE = 100_000_000;
/** Options that a script has no use for. */
const FOR_TRACES = [
  ['--residency', 'residency'],
  ['--shuffle', 'shuffle'],
  ['--swappiness', 'swappiness'],
  ['--readahead', 'readahead'],
  ['--fault-around', 'faultAround'],
  ['--write-rate', 'writeRate'],
  ['--min-free-kbytes', 'minFreeKbytes'],
  ['--watermark-scale-factor', 'watermarkScaleFactor'],
] as const;

/** The text of a script; null: it is a trace. InputError: it cannot be read. */
function scriptSource(path: string): Uint8Array | null {
  try {
    if (!statSync(path).isFile()) return null;
    const head = new Uint8Array(6);
    const file = openSync(path, 'r');
    try {
      readSync(file, head, 0, head.length, 0);
    } finally {
      closeSync(file);
    }
    const text = new TextDecoder('latin1').decode(head);
    const isScript = text.startsWith('#!') || (path.endsWith('.sh') && text !== 'ARROW1');
    return isScript ? readFileSync(path) : null;
  } catch (error) {
    throw fileError(path, error);
  }
}

function scriptSetup(path: string, source: Uint8Array, options: Options, boot: BootOptions): ScriptSetup {
  const wrong =
    FOR_TRACES.find(([, key]) => options[key] !== undefined)?.[0] ??
    (options.set.length > 0 ? '--set' : options.cost.length > 0 ? '--cost' : options.flusher ? null : '--no-flusher');
  if (wrong) throw new InputError(`${wrong}: for traces, and ${path} is a script`);
  const other = Object.keys(boot).find(
    (name) => name in DEFAULT_CAPACITIES && !['cpus', 'swap', 'observe'].includes(name),
  );
  if (other !== undefined) throw new InputError(`--capacity ${other}: for traces, and ${path} is a script`);
  return {
    source,
    name: basename(path),
    kernel: boot.kernel ?? '6.18',
    cpus: boot.cpus ?? 1,
    memory: options.memory === undefined ? SCRIPT_MEMORY : parseMemory(options.memory) * PAGE_SIZE,
    swap: boot.swap === undefined ? SCRIPT_SWAP : boot.swap * PAGE_SIZE,
    seed: boot.seed ?? 0,
    sampleNs: options.sample === undefined ? SCRIPT_SAMPLE : parseDuration('--sample', options.sample),
    ...(boot.observe !== undefined && { observe: boot.observe }),
  };
}

/** Adds the command to `program`. */
export function addCompare(program: Command): void {
  const command = program
    .command('compare')
    .description('replay a trace under several charging policies and answer the eight questions for each')
    .argument('<trace>', 'a trace (.arrow; - is standard input), or a bash script (.sh, or #! at its beginning)')
    .requiredOption('--policy <names>', 'policies, or files of them, separated by commas')
    .option('--question <names>', `only these, separated by commas: ${QUESTIONS.join(', ')}`)
    .option('--sample <interval>', 'of trace time between two samples (default: a hundredth of the trace)')
    .option('--shuffle <n>', "run every policy over n permutations of the jobs' start order, too")
    .option('--diff <policies...>', 'the differences between two of the policies, cgroup by cgroup')
    .option('--workers <n>', 'threads at most (default: as many as there are cores, if memory allows)')
    .option('--report <page>', 'write a page of the results there (.html), which a browser shows and a printer prints')
    .option('--json', 'print one JSON object');
  addMachineOptions(command, 'modelled where the trace has accesses');
  command.action(runCompare);
}

function parseQuestions(text: string | undefined): Question[] {
  if (text === undefined) return [...QUESTIONS];
  const asked = text.split(',');
  for (const name of asked)
    if (!(QUESTIONS as readonly string[]).includes(name))
      throw new InputError(`--question ${name}: known are ${QUESTIONS.join(', ')}`);
  return QUESTIONS.filter((name) => asked.includes(name));
}

function parseDiff(names: string[] | undefined, policies: readonly { name: string }[]): [string, string] | null {
  if (names === undefined) return null;
  const [a, b, more] = names.flatMap((text) => text.split(','));
  if (a === undefined || b === undefined || more !== undefined) throw new InputError('--diff: takes two policies');
  for (const name of [a, b])
    if (!policies.some((policy) => policy.name === name))
      throw new InputError(`--diff ${name}: not one of the policies compared`);
  if (a === b) throw new InputError(`--diff ${a}: is both of them, and differs in nothing from itself`);
  return [a, b];
}

async function runCompare(path: string, options: Options, command: Command): Promise<void> {
  const policies = readPolicies(options.policy);
  const boot = bootOptions(options);
  const residency = parseResidency(options.residency);
  const onlyModelled = modelledOnly(options);
  if (residency === 'recorded' && onlyModelled.length > 0)
    throw new InputError(
      `${onlyModelled[0]}: recorded residency has it from the trace; it is for --residency modelled`,
    );
  if (options.report !== undefined) reportTarget(options.report, [path, ...options.policy.split(',')]);
  const version = command.parent?.version() ?? '';
  const questions = parseQuestions(options.question);
  const diff = parseDiff(options.diff, policies);
  const workers = options.workers === undefined ? null : parseCount('--workers', options.workers, 1, 1024);
  const progress = new Progress('compare');
  const told = (done: number, of: number) => progress.update(done, of, `${done} of ${of} runs`);
  const source = path === '-' ? null : scriptSource(path);
  if (source !== null) {
    const setup = scriptSetup(path, source, options, boot);
    try {
      const result = await compareScript(path, setup, policies, { questions, diff, workers, progress: told });
      await print(result, options, progress, version);
    } finally {
      progress.end();
    }
    return;
  }
  const how: CompareOptions = {
    boot,
    residency,
    memoryPages: options.memory === undefined ? null : parseMemory(options.memory),
    overrides: options.set.map(parseOverride),
    sampleNs: options.sample === undefined ? null : parseDuration('--sample', options.sample),
    questions,
    shuffle: options.shuffle === undefined ? 0 : parseCount('--shuffle', options.shuffle, 2, 10_000),
    diff,
    workers,
    progress: told,
  };
  const trace = await openTrace(path);
  try {
    await print(await compareTrace(trace, policies, how), options, progress, version);
  } finally {
    progress.end();
    await trace.close();
  }
}

/** Results to stdout, what is to be known of them to stderr. */
async function print(result: CompareResult, options: Options, progress: Progress, version: string): Promise<void> {
  progress.end();
  for (const { policy, warnings } of result.policies)
    for (const warning of warnings) process.stderr.write(`memcharge: warning: ${policy.name}: ${warning}\n`);
  if (options.report !== undefined) await writeReport(options.report, result, version);
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : compareText(result));
}
