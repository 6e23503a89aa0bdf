/**
 * Compares what the simulator printed with what a real kernel printed, line by line. Words must be equal; a number must lie within the
 * kernel's own spread over its runs. Tolerantly, it may lie outside by what programs add that no model sees: byte figures by 256 KiB (zero
 * included) or 2 %, counts by 5 %, counts up to 3 not at all.
 */

/** One place of the output: what the kernel printed there in its runs, what the simulator printed, and how well they agree. */
export interface ComparedLine {
  readonly want: readonly string[];
  readonly got: string | null;
  readonly exact: boolean;
  readonly tolerant: boolean;
}

/** The lines of a script, compared. */
export interface Comparison {
  readonly exact: number;
  readonly tolerant: number;
  readonly of: number;
  readonly lines: readonly ComparedLine[];
}

const PAGE = 4096;
const BYTES_FROM = 65_536;
const PROGRAMS = 262_144;

const words = (line: string): string[] => line.split(/\s+/).filter((word) => word !== '');
const numberIn = (word: string): number | null => (/^[+-]?\d+$/.test(word) ? Number(word) : null);
const shown = (lines: readonly string[]): string[] => lines.filter((line) => line.trim() !== '');

/** How far outside the kernel's spread a figure may lie. */
function slack(low: number, high: number, value: number): number {
  const wholePages = [low, high, value].every((x) => x % PAGE === 0);
  if (high >= BYTES_FROM || (wholePages && Math.max(high, value) >= PAGE)) return Math.max(PROGRAMS, 0.02 * high);
  return high <= 3 ? 0 : Math.max(2, 0.05 * high);
}

function agrees(got: readonly string[], runs: readonly (readonly string[])[], widen: boolean): boolean {
  if (got.length !== runs[0]!.length) return false;
  return got.every((word, i) => {
    const seen = runs.map((run) => run[i] ?? '');
    const value = numberIn(word);
    const numbers = seen.map(numberIn);
    if (value === null || numbers.some((number) => number === null)) return seen.includes(word);
    const low = Math.min(...(numbers as number[]));
    const high = Math.max(...(numbers as number[]));
    const beyond = widen ? slack(low, high, value) : 0;
    return value >= low - beyond && value <= high + beyond;
  });
}

/** Compares one run's lines with those of a kernel's runs; empty lines do not count. */
export function compare(runs: readonly (readonly string[])[], printed: readonly string[]): Comparison {
  const want = runs.map(shown);
  const got = shown(printed);
  const of = Math.max(got.length, ...want.map((run) => run.length));
  const lines = Array.from({ length: of }, (_, i): ComparedLine => {
    const mine = got[i] ?? null;
    const theirs = want.flatMap((run) => (i < run.length ? [run[i]!] : []));
    const comparable = mine !== null && theirs.length > 0;
    const split = theirs.map(words);
    const exact = comparable && agrees(words(mine), split, false);
    const tolerant = exact || (comparable && agrees(words(mine), split, true));
    return { want: [...new Set(theirs)], got: mine, exact, tolerant };
  });
  return { exact: lines.filter((l) => l.exact).length, tolerant: lines.filter((l) => l.tolerant).length, of, lines };
}
