/** How a simulated run is compared with the kernel's: what must be equal, what may lie apart. */
import { expect, it } from 'vitest';
import { compare } from './compare.ts';

const scores = (runs: readonly (readonly string[])[], got: readonly string[]) => {
  const { exact, tolerant, of } = compare(runs, got);
  return [exact, tolerant, of];
};
/** Scores of one line against what the kernel printed in one or more runs. */
const line = (want: string | readonly string[], got: string) =>
  scores(typeof want === 'string' ? [[want]] : want.map((one) => [one]), [got]);

const BOTH = [1, 1, 1];
const TOLERANT = [0, 1, 1];
const NEITHER = [0, 0, 1];

it('wants words to be equal, to one of the runs at least', () => {
  expect(line('status killed', 'status killed')).toEqual(BOTH);
  expect(line('status killed', 'status ended')).toEqual(NEITHER);
  expect(line(['in a', 'in b'], 'in b')).toEqual(BOTH);
  expect(line('a b', 'a b c')).toEqual(NEITHER);
  expect(line('a  b ', 'a b')).toEqual(BOTH);
});

it('takes a number inside the spread of the runs as exact', () => {
  expect(line(['n 5', 'n 9'], 'n 7')).toEqual(BOTH);
  expect(line(['n 5', 'n 9'], 'n 9')).toEqual(BOTH);
  expect(line(['n 70', 'n 90'], 'n 91')).toEqual(TOLERANT);
});

it('does not widen counts up to three', () => {
  expect(line('oom_kill 1', 'oom_kill 2')).toEqual(NEITHER);
  expect(line('oom_kill 3', 'oom_kill 2')).toEqual(NEITHER);
  expect(line('oom_kill 0', 'oom_kill 1')).toEqual(NEITHER);
});

it('widens counts by five in a hundred, by two at least', () => {
  expect(line('max 4', 'max 6')).toEqual(TOLERANT);
  expect(line('max 4', 'max 7')).toEqual(NEITHER);
  expect(line('max 301', 'max 316')).toEqual(TOLERANT);
  expect(line('max 301', 'max 317')).toEqual(NEITHER);
  expect(line(['max 100', 'max 200'], 'max 98')).toEqual(TOLERANT);
});

it('widens bytes by what programs use, or two in a hundred of more', () => {
  expect(line('current 0', `current ${64 * 4096}`)).toEqual(TOLERANT);
  expect(line('current 0', `current ${65 * 4096}`)).toEqual(NEITHER);
  expect(line('current 8192', 'current 0')).toEqual(TOLERANT);
  expect(line('current 8192', 'current 4095')).toEqual(NEITHER);
  expect(line('current 100000000', 'current 102000000')).toEqual(TOLERANT);
  expect(line('current 100000000', 'current 102000001')).toEqual(NEITHER);
  expect(line('bytes 1000001', 'bytes 1200000')).toEqual(TOLERANT);
});

it('compares by position and counts lines that one side lacks', () => {
  expect(scores([['a', 'b', 'exit 0']], ['a', 'exit 0'])).toEqual([1, 1, 3]);
  expect(scores([['a', 'exit 0']], ['a', 'b', 'exit 0'])).toEqual([1, 1, 3]);
  expect(scores([['a', 'exit 0']], [])).toEqual([0, 0, 2]);
  expect(scores([['a', '', 'exit 0']], ['', 'a', 'exit 0', '  '])).toEqual([2, 2, 2]);
});

it('says what the kernel printed and what the simulator did', () => {
  const { lines } = compare(
    [
      ['n 1', 'x'],
      ['n 2', 'x'],
    ],
    ['n 3'],
  );
  expect(lines).toEqual([
    { want: ['n 1', 'n 2'], got: 'n 3', exact: false, tolerant: false },
    { want: ['x'], got: null, exact: false, tolerant: false },
  ]);
});
