/** docs/policies.md says what the bindings know of the answers: its tables are made from them (`-u` writes them), and every count stands in it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FORCED, POLICY_COUNTS, policyFigures } from '../../bindings/policy/figures.ts';
import { CONTEXT_MEANINGS, HOOKS, OPTION_MEANINGS, REWRITE_MEANINGS } from '../../bindings/policy/meaning.ts';
import { IMPOSSIBLE } from '../../bindings/policy/mixes.ts';
import * as policy from '../../bindings/policy/policy.ts';
import { commandsOf, rerun } from '../debates/console.ts';

const path = join(import.meta.dirname, '../../docs/policies.md');
const page = readFileSync(path, 'utf8');

const listed = (means: Readonly<Record<string, string>>) =>
  `| | |\n|---|---|\n${Object.entries(means)
    .map(([name, text]) => `| \`${name}\` | ${text} |`)
    .join('\n')}\n`;

const SECTIONS: Readonly<Record<string, string>> = {
  answers: HOOKS.map(
    ({ field, asks, hook, answers }) =>
      `**${asks}** \`${field}\`, in \`assembly/policy/${hook}.ts\`\n\n${listed(answers)}`,
  ).join('\n'),
  contexts: listed(CONTEXT_MEANINGS),
  options: `| option | in Linux | |\n|---|---|---|\n${Object.entries(OPTION_MEANINGS)
    .map(([name, text]) => `| \`${name}\` | ${String(policy.LINUX[name as keyof policy.Answers])} | ${text} |`)
    .join('\n')}\n`,
  rewrites: listed(REWRITE_MEANINGS),
  mixes: `| fields | why not |\n|---|---|\n${IMPOSSIBLE.map(
    ({ fields, why }) => `| ${fields.map((field) => `\`${field}\``).join(' ')} | ${why} |`,
  ).join('\n')}\n`,
};

test('its tables are the answers', async () => {
  let filled = page;
  for (const [name, text] of Object.entries(SECTIONS)) {
    const place = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- /${name} -->)`);
    expect(filled).toMatch(place);
    filled = filled.replace(place, (_, begin, end) => `${begin}\n${text}\n${end}`);
  }
  await expect(filled).toMatchFileSnapshot(path);
});

test('the first answer of each question is that of Linux, and each answer has its meaning', () => {
  const words = {
    payer: policy.PAYERS,
    kmem: policy.KMEM_PAYERS,
    worker: policy.WORKERS,
    share: policy.SHARES,
    offline: policy.OFFLINES,
    reuse: policy.REUSES,
    refused: policy.REFUSALS,
    wake: policy.WAKES,
  };
  for (const { field, answers } of HOOKS) {
    expect(Object.keys(answers)).toEqual([...words[field]]);
    expect(field === 'refused' ? policy.LINUX.refused.fault : policy.LINUX[field]).toBe(words[field][0]);
  }
});

test('every count and figure is in a table, with its unit', () => {
  const named = [...page.matchAll(/^\| ((?:`\w+`(?:, )?)+) \| [a-z]/gm)].flatMap((match) => match[1]!.match(/\w+/g)!);
  const figures = Object.keys(policyFigures(() => 0));
  expect([...POLICY_COUNTS, ...figures, ...FORCED].filter((name) => !named.includes(name))).toEqual([]);
  expect(figures.length).toBeGreaterThan(20);
});

test('its example of a file is one, and its commands print what it shows', async () => {
  const { parsePolicy } = await import('../../bindings/policy/file.ts');
  const example = parsePolicy(/```yaml\n([\s\S]*?)```/.exec(page)![1]!, 'example.yaml');
  expect(example).toMatchObject({ name: 'shared-and-forced', answers: { payer: 'mount', wake: 'if-cache' } });
  expect(commandsOf(page)).not.toEqual([]);
  expect(await rerun(page)).toBe(page);
});
