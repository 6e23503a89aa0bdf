/** The translator of POSIX expressions beside grep's own matcher: what matches, and how long the longest match is. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Regex, RegexError } from '../../../bindings/shell/programs/regex.ts';

const character = fc.constantFrom('a', 'b', 'c', '.', '[ab]', '[^a]', '[[:digit:]]', '1', ' ');
/** A tree of an expression: both spellings come out of it. */
type Tree = string | { group: Tree[][]; times: string };
const times = fc.constantFrom('', '', '*', '?', '+', '{2}', '{1,2}', '{0,1}');
const tree: fc.Arbitrary<Tree[][]> = fc.letrec<{ alternatives: Tree[][]; piece: Tree }>((tie) => ({
  alternatives: fc.array(fc.array(tie('piece'), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
  piece: fc.oneof(
    { maxDepth: 2 },
    fc.record({ group: character.map((each): Tree[][] => [[each]]), times }),
    fc.record({ group: tie('alternatives'), times }),
  ),
})).alternatives;

function spell(alternatives: Tree[][], extended: boolean): string {
  const [open, close, or] = extended ? ['(', ')', '|'] : ['\\(', '\\)', '\\|'];
  const piece = (each: Tree): string => {
    if (typeof each === 'string') return each;
    const inner =
      each.group.length === 1 && each.group[0]!.length === 1 && typeof each.group[0]![0] === 'string'
        ? each.group[0]![0]
        : open + spell(each.group, extended) + close;
    const count = extended ? each.times : each.times.replace(/[{}?+]/g, '\\$&');
    return inner + count;
  };
  return alternatives.map((items) => items.map(piece).join('')).join(or);
}

const LINES = [
  '',
  'a',
  'b',
  'ab',
  'ba',
  'abc',
  'aab',
  'abab',
  'aaa',
  'b1',
  '1a 2b',
  'abcabc',
  'cab',
  'acb 1',
  'bbbb',
  'c c c',
  'abbbc',
  'a1b2c3',
];

describe('regular expressions', () => {
  test('match what grep matches, as long as grep does', () => {
    const directory = mkdtempSync(join(tmpdir(), 'regex-'));
    try {
      writeFileSync(join(directory, 'lines'), `${LINES.join('\n')}\n`);
      let slow = 0;
      const numRuns = Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 60);
      fc.assert(
        fc.property(tree, fc.boolean(), (expression, extended) => {
          const source = spell(expression, extended);
          const run = (options: string[]): string | undefined => {
            const { status, stdout } = spawnSync('grep', [extended ? '-E' : '-G', ...options, '-e', source, 'lines'], {
              cwd: directory,
              env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
              encoding: 'latin1',
              timeout: 1000,
            });
            return status === null ? undefined : stdout;
          };
          const parts = run(['-on']);
          // glibc's matcher takes exponential time for some: nothing to compare with then.
          if (parts === undefined) return void slow++;
          const regex = new Regex(source, { extended, grep: true });
          const matching = LINES.filter((line) => regex.test(line)).map((line) => `${line}\n`);
          expect(matching.join('')).toBe(run([]));
          const ours: string[] = [];
          for (const [i, line] of LINES.entries())
            for (let from = 0; from <= line.length; ) {
              const match = regex.exec(line, from);
              if (match === null) break;
              if (match.end > match.start) ours.push(`${i + 1}:${line.slice(match.start, match.end)}\n`);
              from = match.end > match.start ? match.end : match.end + 1;
            }
          expect(ours.join('')).toBe(parts);
        }),
        { numRuns, seed: 5 },
      );
      expect(slow).toBeLessThan(numRuns / 5);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('groups hold what they matched', () => {
    const match = new Regex('(a|ab)(c|bcd)(d*)', { extended: true }).exec('xabcd')!;
    expect([match.start, match.end]).toEqual([1, 5]);
    expect(new Regex('\\(.*\\)-\\1', { extended: false }).exec('ab-ab')!.groups).toEqual(['ab']);
  });

  test.each([
    ['a\\{1', false, 'Unmatched \\{'],
    ['\\(a', false, 'Unmatched ( or \\('],
    ['a)', true, 'Unmatched ) or \\)'],
    ['[a', true, 'Unmatched [, [^, [:, [., or [='],
    ['[b-a]', true, 'Invalid range end'],
    ['*a', true, 'Invalid preceding regular expression'],
    ['\\1', false, 'Invalid back reference'],
    ['a\\', true, 'Trailing backslash'],
  ])('%s is refused', (source, extended, text) => {
    expect(() => new Regex(source, { extended })).toThrow(new RegexError(text));
  });
});
