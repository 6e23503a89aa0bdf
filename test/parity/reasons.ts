/**
 * Why a line of a script differs from the kernel's: reasons.json, script → line → reason. A line is written as the kernel printed it in its
 * first run, so that a reason does not outlive what it explains.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Comparison } from './compare.ts';
import type { Kernel } from './recordings.ts';

type Reasons = Readonly<Record<string, Readonly<Record<string, string>>>>;

const all = JSON.parse(readFileSync(join(import.meta.dirname, 'reasons.json'), 'utf8')) as Record<Kernel, Reasons>;

/** The line that stands for a difference: the kernel's, or the simulator's where the kernel printed none. */
const lineOf = (difference: Comparison['lines'][number]): string => difference.want[0] ?? `(nothing) ${difference.got}`;

/** The reason for each line of the script that differs, and what the reasons and the differences have not in common. */
export function explain(
  kernel: Kernel,
  name: string,
  comparison: Comparison,
): { of: ReadonlyMap<string, string>; unexplained: string[]; outlived: string[] } {
  const reasons = new Map(Object.entries(all[kernel]?.[name] ?? {}));
  const differing = new Set(comparison.lines.filter((line) => !line.exact).map(lineOf));
  return {
    of: reasons,
    unexplained: [...differing].filter((line) => !reasons.has(line)),
    outlived: [...reasons.keys()].filter((line) => !differing.has(line)),
  };
}
