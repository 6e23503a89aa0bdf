/** Answers that contradict each other are refused, with the reason; all others can be had. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OPTION_MEANINGS, type Option } from '../../bindings/policy/meaning.ts';
import { IMPOSSIBLE } from '../../bindings/policy/mixes.ts';
import {
  type Answers,
  CONTEXTS,
  completeAnswers,
  definePolicy,
  KMEM_PAYERS,
  LINUX,
  OFFLINES,
  PAYERS,
  type Policy,
  PolicyError,
  REFUSALS,
  REUSES,
  REWRITES,
  type Rewrite,
  SHARES,
  type SomeAnswers,
  WAKES,
  WORKERS,
} from '../../bindings/policy/policy.ts';
import { rowsOfSteps, stepsUpTo } from '../debates/random-rows.ts';
import { replayRows } from '../debates/run.ts';

/** One answer that is not Linux's: what it is called, and how it is given. */
interface Choice {
  field: string;
  value: string;
  some: SomeAnswers;
  rewrite?: Rewrite;
}

const words = (field: string, values: readonly string[]): Choice[] =>
  values.slice(1).map((value) => ({ field, value, some: { [field]: value } }));

const OPTION_VALUES = (Object.keys(OPTION_MEANINGS) as Option[]).map((field): Choice => {
  const value = field === 'chunk' ? 64 : field === 'workDelay' ? 5_000_000 : !LINUX[field];
  return { field, value: String(value), some: { [field]: value } };
});

const CHOICES: Choice[] = [
  ...words('payer', PAYERS),
  ...words('kmem', KMEM_PAYERS),
  ...words('worker', WORKERS),
  ...words('share', SHARES),
  ...words('offline', OFFLINES),
  ...words('reuse', REUSES),
  ...words('wake', WAKES),
  ...CONTEXTS.flatMap((context) =>
    REFUSALS.slice(1).map((value) => ({
      field: `refused.${context}`,
      value,
      some: { refused: { [context]: value } } as SomeAnswers,
    })),
  ),
  ...OPTION_VALUES,
  ...REWRITES.map((rewrite) => ({ field: 'rewrite', value: rewrite, some: {}, rewrite })),
];

function mix(choices: readonly Choice[]): Policy {
  let answers: Answers = LINUX;
  for (const { some } of choices) answers = completeAnswers(answers, some);
  const rewrite = choices.find((choice) => choice.rewrite !== undefined)?.rewrite;
  return definePolicy({ name: 'mix', summary: '', rows: [], answers, ...(rewrite === undefined ? {} : { rewrite }) });
}

function refusalOf(choices: readonly Choice[]): PolicyError | null {
  try {
    mix(choices);
    return null;
  } catch (error) {
    if (error instanceof PolicyError) return error;
    throw error;
  }
}

const PAIRS = CHOICES.flatMap((a, i) =>
  CHOICES.slice(i + 1).flatMap((b) => (a.field === b.field ? [] : [[a, b] as const])),
);

describe('a mix', () => {
  it('of every two answers is defined or refused, and each reason to refuse is met', () => {
    const met = new Set<string>();
    let allowed = 0;
    const choice = (field: string, value: string) =>
      CHOICES.find((each) => each.field === field && each.value === value)!;
    // Some reasons hold only where others do not: with these given.
    const given = [
      [],
      [choice('payer', 'nobody'), choice('kmem', 'nobody')],
      [choice('reuse', 'recharge')],
      [choice('refused.worker', 'enomem')],
    ];
    for (const first of given)
      for (const pair of [...CHOICES.map((each) => [each]), ...PAIRS]) {
        const refused = refusalOf([...first, ...pair]);
        if (refused === null) allowed++;
        else met.add(refused.message);
      }
    // An oracle is no answer: the next but one test defines one.
    const reasons = IMPOSSIBLE.map(({ fields, why }) => `${fields[0]}: ${why}`).filter(
      (why) => !why.includes('oracle'),
    );
    expect([...met].sort()).toEqual([...new Set(reasons)].sort());
    expect(allowed).toBeGreaterThan(1000);
  });

  it('is refused by the fields that meet: without either there is nothing to refuse', () => {
    for (const pair of PAIRS) {
      const refused = refusalOf(pair);
      if (refused === null || pair.some((choice) => refusalOf([choice]) !== null)) continue;
      const fields = pair.map(({ field }) => field);
      const named = refused.fields.flatMap((field) =>
        field === 'refused' ? CONTEXTS.map((each) => `refused.${each}`) : [field],
      );
      expect(
        fields.some((field) => named.includes(field)),
        `${fields} ${refused.message}`,
      ).toBe(true);
    }
  });

  it('is refused whole when nobody pays', () => {
    const nobody: SomeAnswers = { payer: 'nobody', kmem: 'nobody' };
    for (const [some, why] of [
      [{ worker: 'backcharge' }, 'worker: assigned and backcharge choose who pays'],
      [{ offline: 'release' }, 'offline: with payer nobody'],
      [{ reuse: 'recharge' }, 'reuse: recharge moves a bill'],
      [{ refused: 'enomem' }, 'refused: payer nobody has no limit'],
      [{ wake: 'always' }, 'wake: payer nobody has no limit'],
    ] as [SomeAnswers, string][])
      expect(() => definePolicy({ name: 'x', summary: '', rows: [], answers: { ...nobody, ...some } })).toThrow(why);
    expect(() => definePolicy({ name: 'x', summary: '', rows: [], oracle: true })).toThrow('an oracle splits');
  });

  it('that is allowed boots, and what it does adds up', { timeout: 600_000 }, async () => {
    const mixes = fc
      .uniqueArray(fc.constantFrom(...CHOICES), { minLength: 1, maxLength: 6, selector: ({ field }) => field })
      .filter((choices) => refusalOf(choices) === null);
    await fc.assert(
      fc.asyncProperty(mixes, stepsUpTo(120), async (choices, list) => {
        // Rewrites change the trace, and are none of the engine's business: test/trace/rewrite/.
        const { rewrite: _, ...rest } = mix(choices);
        const policy: Policy = { ...rest, needs: [] };
        const machine = await replayRows(rowsOfSteps(list), policy, { memory: 8192, build: 'debug' });
        const again = await replayRows(rowsOfSteps(list), policy, { memory: 8192 });
        expect(again.digest()).toBe(machine.digest());
      }),
      { numRuns: Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 150) },
    );
  });
});
