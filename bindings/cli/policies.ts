/** `memcharge policies [NAME]`: the charging policies, and what one of them answers. */
import type { Command } from 'commander';
import { CONTEXT_MEANINGS, HOOKS, OPTION_MEANINGS, type Option, REWRITE_MEANINGS } from '../policy/meaning.ts';
import { CONTEXTS, type Context, LINUX, type Policy } from '../policy/policy.ts';
import { PRESETS } from '../policy/registry.ts';
import { table } from '../report/table.ts';
import { readPolicy } from './read-policy.ts';

/** Adds the command to `program`. */
export function addPolicies(program: Command): void {
  program
    .command('policies')
    .description('list the charging policies, or tell what one of them answers')
    .argument('[name]', 'a policy, or a file that defines one (.yaml, .json)')
    .option('--json', 'print one JSON object')
    .action((name: string | undefined, { json = false }: { json?: boolean }) => {
      if (name === undefined) {
        process.stdout.write(json ? `${JSON.stringify(PRESETS.map(described))}\n` : listing());
        return;
      }
      const policy = readPolicy(name);
      process.stdout.write(json ? `${JSON.stringify(described(policy))}\n` : details(policy));
    });
}

/** One answer, beside that of Linux. `context` of refused only. */
interface Answered {
  field: string;
  asks: string;
  hook: string;
  answer: string;
  means: string;
  linux: string;
  differs: boolean;
}

function answered({ answers }: Policy): Answered[] {
  return HOOKS.flatMap(({ field, asks, hook, answers: means }): Answered[] => {
    const one = (name: string, asked: string, answer: string, linux: string) => ({
      field: name,
      asks: asked,
      hook: `assembly/policy/${hook}.ts`,
      answer,
      means: means[answer]!,
      linux,
      differs: answer !== linux,
    });
    if (field !== 'refused') return [one(field, asks, answers[field], LINUX[field])];
    return CONTEXTS.map((context: Context) =>
      one(`refused.${context}`, CONTEXT_MEANINGS[context], answers.refused[context], LINUX.refused[context]),
    );
  });
}

function optionsOf({ answers }: Policy) {
  return (Object.keys(OPTION_MEANINGS) as Option[])
    .filter((option) => answers[option] !== LINUX[option])
    .map((option) => ({
      field: option,
      answer: answers[option],
      means: OPTION_MEANINGS[option],
      linux: LINUX[option],
    }));
}

const isPreset = ({ name }: Policy) => PRESETS.some((preset) => preset.name === name);

function described(policy: Policy) {
  const { name, summary, rows, scenario, needs, needsHits, residency, rewrite = null, oracle = false } = policy;
  return {
    name,
    summary,
    rows,
    answers: answered(policy),
    options: optionsOf(policy),
    rewrite,
    needs,
    needs_hits: needsHits,
    residency,
    oracle,
    scenario: scenario === '' ? null : scenario,
    page: isPreset(policy) ? `docs/policies/${name}.md` : null,
  };
}

function listing(): string {
  const rows = PRESETS.map(({ name, rows, summary }) => [name, rows.join(' '), summary]);
  return `${table(['policy', 'rows', 'what it does'], rows, 3)}\n`;
}

/** Questions first, then what is not as in Linux: marked by *. */
function details(policy: Policy): string {
  const { name, summary, rows, rewrite, needs, needsHits, residency, oracle, scenario } = policy;
  const cells = [...answered(policy), ...optionsOf(policy).map((option) => ({ ...option, differs: true }))].map(
    ({ field, answer, means, linux, differs }) => [field, String(answer), differs ? `* ${linux}` : '', means],
  );
  const facts = [
    ['rows', rows.join(' ') || '-'],
    ['rewrite', rewrite === undefined ? '-' : `${rewrite}: ${REWRITE_MEANINGS[rewrite]}`],
    ['needs', needs.length === 0 ? '-' : `rows of ${needs.join(' or ')}`],
    ['hits', needsHits ? 'needed: on a trace of misses what it does is a lower bound' : 'not needed'],
    ['residency', residency.join(', ')],
    ...(oracle ? [['oracle', 'accounting only: what is billed is the proportional share']] : []),
    ...(scenario === '' ? [] : [['scenario', `memcharge generate ${scenario} -o ${scenario}.arrow`]]),
    ...(isPreset(policy) ? [['page', `docs/policies/${name}.md`]] : []),
  ];
  return `${name}: ${summary}\n\n${table(['question', 'answer', 'Linux', 'what it means'], cells, 4)}\n\n${facts
    .map(([key, value]) => `${key!.padEnd(9)}  ${value}`)
    .join('\n')}\n`;
}
