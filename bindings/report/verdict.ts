/** Who does best in each question: policies in the order of the figure that the question is judged by, the smallest first. */
import type { PolicyResult, Question, QuestionTotals, Verdict } from './compare-result.ts';

/** The figure of each question, by its key in the totals. */
const FIGURES: {
  readonly [Q in Question]: readonly [figure: string, value: (totals: QuestionTotals) => number | null];
} = {
  attribution: ['mean_error', ({ attribution }) => attribution.mean_error],
  determinism: ['worst_spread', ({ determinism }) => determinism?.worst_spread ?? null],
  innocents: ['kills + errors', ({ innocents }) => innocents.kills + innocents.errors],
  overrun: ['peak', ({ overrun }) => overrun.peak],
  stranded: [
    'dead_byte_s + unasked_byte_s + unpaid_byte_s',
    ({ stranded }) => stranded.dead_byte_s + stranded.unasked_byte_s + stranded.unpaid_byte_s,
  ],
  movement: ['moved + recharged + released', ({ movement }) => movement.moved + movement.recharged + movement.released],
  pressure: ['scanned', ({ pressure }) => pressure.scanned],
  refusals: [
    'all',
    ({ refusals: { enomem, enospc, edquot, sigbus, restarts } }) =>
      Object.values(enomem).reduce((sum, n) => sum + n, 0) + enospc + edquot + sigbus + restarts,
  ],
};

/** The value that a policy is judged by in a question; null where it was not asked (determinism without --shuffle). */
export function judged(question: Question, totals: QuestionTotals): number | null {
  return FIGURES[question][1](totals);
}

export function verdicts(questions: readonly Question[], policies: readonly PolicyResult[]): Verdict[] {
  return questions.flatMap((question) => {
    const values = policies.flatMap(({ policy, totals }) => {
      const value = judged(question, totals);
      return value === null ? [] : [{ policy: policy.name, value }];
    });
    if (values.length === 0) return [];
    values.sort((a, b) => a.value - b.value);
    const ranking = values.map((each) => ({
      ...each,
      rank: 1 + values.findIndex(({ value }) => value === each.value),
    }));
    return [{ question, figure: FIGURES[question][0], ranking }];
  });
}
