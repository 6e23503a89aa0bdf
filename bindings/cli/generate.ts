/** `memcharge generate [NAME] -o TRACE.arrow`: the trace of a scenario. */
import type { Command } from 'commander';
import { SCENARIOS } from '../generate/registry.ts';
import { optionsOf, type Scenario, type ScenarioOptions } from '../generate/scenario.ts';
import { writeScenario } from '../generate/write.ts';
import { table } from '../report/table.ts';
import { removeUnfinished } from '../trace/arrow-writer.ts';
import { InputError } from './errors.ts';
import { untilSignal } from './signals.ts';
import { parseCount } from './values.ts';

interface GenerateOptions {
  output?: string;
  option: string[];
  json?: boolean;
}

const collect = (value: string, previous: string[]) => [...previous, value];

/** Adds the command to `program`. */
export function addGenerate(program: Command): void {
  program
    .command('generate')
    .description('write the trace of a scenario; without a name: list them, without -o: tell its options')
    .argument('[name]', 'which scenario')
    .option('-o, --output <trace>', 'the trace to write (.arrow); - is standard output, as a stream')
    .option('--option <name=value>', 'choose an option of the scenario; may be repeated', collect, [])
    .option('--json', 'print one JSON object')
    .action(runGenerate);
}

function runGenerate(name: string | undefined, { output, option, json = false }: GenerateOptions): void {
  if (name === undefined) {
    if (output !== undefined || option.length > 0)
      throw new InputError('generate: which scenario? Its name is missing');
    const list = SCENARIOS.map(describe);
    process.stdout.write(json ? `${JSON.stringify(list)}\n` : listing());
    return;
  }
  const scenario = SCENARIOS.find((each) => each.name === name);
  if (scenario === undefined)
    throw new InputError(`no scenario ${name}: known are ${SCENARIOS.map((each) => each.name).join(', ')}`);
  const options = optionsOf(scenario, parseOptions(scenario, option));
  if (output === undefined) {
    process.stdout.write(json ? `${JSON.stringify(describe(scenario))}\n` : details(scenario));
    return;
  }
  // Before the file exists, so that no signal can leave it behind.
  const done = untilSignal(removeUnfinished);
  try {
    const { events, durationNs } = writeScenario(scenario, options, output);
    const line = json
      ? JSON.stringify({ trace: output, scenario: name, options, events, duration_ns: durationNs })
      : `${output === '-' ? 'standard output' : output}: ${events} events over ${(durationNs / 1e9).toFixed(6)} s`;
    // Standard output may be the trace.
    (output === '-' ? process.stderr : process.stdout).write(`${line}\n`);
  } catch (error) {
    // What a scenario cannot make of its options names them, not the scenario.
    if (error instanceof InputError && option.length > 0) throw new InputError(`generate ${name}: ${error.message}`);
    throw error;
  } finally {
    done();
  }
}

function parseOptions({ name: scenario, options }: Scenario, given: readonly string[]): ScenarioOptions {
  const chosen: Record<string, number | string> = {};
  for (const text of given) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new InputError(`--option ${text}: not NAME=VALUE`);
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (option === undefined)
      throw new InputError(`--option ${name}: ${scenario} has ${Object.keys(options).join(', ') || 'no options'}`);
    if (Object.hasOwn(chosen, name)) throw new InputError(`--option ${name}: given twice`);
    chosen[name] = typeof option.default === 'number' ? parseCount(`--option ${name}`, value, 0, 2 ** 32 - 1) : value;
  }
  return chosen;
}

function describe({ name, summary, debate, options }: Scenario) {
  return { name, summary, page: debate === '' ? null : `docs/debates/${debate}.md`, options };
}

function listing(): string {
  const rows = SCENARIOS.map(({ name, debate, summary, options }) => [
    name,
    debate,
    Object.keys(options).join(' '),
    summary,
  ]);
  return `${table(['scenario', 'debate', 'options', 'what happens'], rows, 4)}\n`;
}

function details({ name, summary, debate, options }: Scenario): string {
  const head = `${name}: ${summary}${debate === '' ? '' : ` (docs/debates/${debate}.md)`}`;
  const rows = Object.entries(options).map(([key, option]) => [
    key,
    option.default === '' ? '""' : String(option.default),
    option.summary,
  ]);
  return rows.length === 0 ? `${head}\n` : `${head}\n\n${table(['option', 'default', 'meaning'], rows, 3)}\n`;
}
