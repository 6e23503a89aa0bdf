/** What the samples say, and how it is printed. */
import type { Timing } from './rounds.ts';

/** What every importer is beside. */
export const GREP = "grep -c ''";

export interface Row {
  suite: string;
  peer: string;
  /** nanoseconds per event: the best round and the median one */
  best: number;
  median: number;
  /** events per second, of the median */
  perSecond: number;
  /** half the distance of the quartiles, relative to the median */
  spread: number;
  /** this peer's time over that of another in the same round, median over the rounds; null where there is no such peer */
  toC: number | null;
  toPrefetch: number | null;
  toTypeScript: number | null;
  toGrep: number | null;
  /** this peer's time over that of each other one of the suite, by name, as the ratios above */
  toOthers: Record<string, number>;
  /** of the input, at the median; null where the events are no file's */
  megabytesPerSecond: number | null;
}

function quantile(samples: number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at % 1);
}

/** Ratios within each round: noise that lasts longer than a round cancels. */
function sameRound(samples: number[], base: number[]): number[] {
  return samples.map((ns, round) => ns / base[round]!);
}

/** `bytes`: what an event is in the input, on average. */
export function rowsOf(suite: string, timings: Timing[], bytes: number | null = null): Row[] {
  return timings.map(({ name, samples }) => {
    const ratio = (other: string) => {
      const base = timings.find((timing) => timing.name === other)?.samples;
      return base ? quantile(sameRound(samples, base), 0.5) : null;
    };
    const median = quantile(samples, 0.5);
    return {
      suite,
      peer: name,
      best: Math.min(...samples),
      median,
      perSecond: 1e9 / median,
      spread: (quantile(samples, 0.75) - quantile(samples, 0.25)) / 2 / median,
      toC: ratio('C'),
      toPrefetch: ratio('C, prefetch'),
      toTypeScript: ratio('TypeScript'),
      toGrep: ratio(GREP),
      toOthers: Object.fromEntries(timings.filter((t) => t.name !== name).map((t) => [t.name, ratio(t.name)!])),
      megabytesPerSecond: bytes === null ? null : (bytes * 1e3) / median,
    };
  });
}

const HEADINGS = [
  ...['suite', 'peer', 'best ns', 'median ns', 'M/s', 'MB/s', 'spread'],
  ...['÷ C', '÷ C prefetch', '÷ TypeScript', '÷ grep'],
];

function cells(row: Row): string[] {
  const times = (ratio: number | null) => (ratio === null ? '' : ratio.toFixed(2));
  return [
    row.suite,
    row.peer,
    row.best.toFixed(2),
    row.median.toFixed(2),
    (row.perSecond / 1e6).toFixed(row.perSecond < 1e7 ? 2 : 1),
    row.megabytesPerSecond === null ? '' : row.megabytesPerSecond.toFixed(0),
    `±${(row.spread * 100).toFixed(0)} %`,
    times(row.toC),
    times(row.toPrefetch),
    times(row.toTypeScript),
    times(row.toGrep),
  ];
}

/** Text columns to the left, figures to the right; a suite is named once. */
export function formatTable(rows: Row[]): string {
  const lines = [HEADINGS, ...rows.map(cells)];
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  let suite = '';
  const text = lines.map((line) => {
    const shown = line.map((cell, column) =>
      column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
    );
    if (line[0] === suite) shown[0] = ' '.repeat(widths[0]!);
    suite = line[0]!;
    return shown.join('  ').trimEnd();
  });
  text.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
  return `${text.join('\n')}\n`;
}
