/** `memcharge compare TRACE --policy a,b`: the same trace under several policies, and the eight questions of the debates. */
import type { Command } from 'commander';
import { type CompareOptions, compareTrace } from '../compare/compare.ts';
import { type CompareResult, QUESTIONS, type Question } from '../report/compare-result.ts';
import { compareText } from '../report/compare-text.ts';
import { openTrace } from '../trace/arrow-reader.ts';
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

/** Adds the command to `program`. */
export function addCompare(program: Command): void {
  const command = program
    .command('compare')
    .description('replay a trace under several charging policies and answer the eight questions for each')
    .argument('<trace>', 'a trace (.arrow); - is standard input')
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
  if (options.report !== undefined) reportTarget(options.report);
  const progress = new Progress('compare');
  const how: CompareOptions = {
    boot,
    residency,
    memoryPages: options.memory === undefined ? null : parseMemory(options.memory),
    overrides: options.set.map(parseOverride),
    sampleNs: options.sample === undefined ? null : parseDuration('--sample', options.sample),
    questions: parseQuestions(options.question),
    shuffle: options.shuffle === undefined ? 0 : parseCount('--shuffle', options.shuffle, 2, 10_000),
    diff: parseDiff(options.diff, policies),
    workers: options.workers === undefined ? null : parseCount('--workers', options.workers, 1, 1024),
    progress: (done, of) => progress.update(done, of, `${done} of ${of} runs`),
  };
  const trace = await openTrace(path);
  let result: CompareResult;
  try {
    result = await compareTrace(trace, policies, how);
  } finally {
    progress.end();
    await trace.close();
  }
  for (const { policy, warnings } of result.policies)
    for (const warning of warnings) process.stderr.write(`memcharge: warning: ${policy.name}: ${warning}\n`);
  if (options.report !== undefined) await writeReport(options.report, result, command.parent?.version() ?? '');
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : compareText(result));
}
