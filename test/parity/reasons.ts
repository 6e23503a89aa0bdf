/**
 * Why a line of a script is not what the kernel printed, not even tolerantly: reasons.json, kernel → script → line → reason. A line is
 * written as the kernel printed it in its first run (or, where the kernel printed none, as `(nothing) ` and the simulator's), so that a
 * reason does not outlive what it explains. Lines that differ within the tolerance need none: what is tolerated is the reason.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ComparedLine, Comparison } from './compare.ts';
import type { Kernel } from './recordings.ts';

type Reasons = Readonly<Record<string, Readonly<Record<string, string>>>>;

const all = JSON.parse(readFileSync(join(import.meta.dirname, 'reasons.json'), 'utf8')) as Record<Kernel, Reasons>;

/** The reason for a line, if there is one. */
export const reasonFor = (kernel: Kernel, name: string, line: ComparedLine): string | undefined =>
  all[kernel][name]?.[keyOf(line)];

const keyOf = (line: ComparedLine): string => (line.want[0] ?? `(nothing) ${line.got}`).trim();

/** Lines that differ without a reason, and reasons whose lines do not differ, each with the script's name. */
export function unexplained(kernel: Kernel, comparisons: ReadonlyMap<string, Comparison>): string[] {
  const missing = [...comparisons].flatMap(([name, { lines }]) =>
    lines
      .filter((line) => !line.tolerant && reasonFor(kernel, name, line) === undefined)
      .map((line) => `${name}: no reason for: ${keyOf(line)} (simulated: ${line.got})`),
  );
  const outlived = Object.entries(all[kernel]).flatMap(([name, reasons]) => {
    const differing = new Set(comparisons.get(name)?.lines.flatMap((line) => (line.tolerant ? [] : [keyOf(line)])));
    return Object.keys(reasons).flatMap((line) =>
      differing.has(line) ? [] : [`${name}: no difference any more: ${line}`],
    );
  });
  return [...missing, ...outlived];
}
