/** `memcharge record-help [TOOL]`: how to record, with commands to copy. Prints docs/recording.md, the one place that says it. */
import { existsSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { InputError } from './errors.ts';

type Detail = 'light' | 'full';

/** A part of the document: what stands under one heading. */
export interface RecordingSection {
  /** perf, trace-cmd, …; null for what stands before the first */
  tool: string | null;
  /** null for what concerns both recipes of a tool */
  detail: Detail | null;
  /** the heading included */
  text: string;
  /** its commands, a block each */
  commands: string[];
}

/** Adds the command to `program`. */
export function addRecordHelp(program: Command): void {
  program
    .command('record-help')
    .description('how to record with stock tools: commands to copy, and what each recording can answer')
    .argument('[tool]', 'perf, trace-cmd, ftrace, bpftrace or snapshot; all of them unless told')
    .option('--light', 'only the recipe that costs least')
    .option('--full', 'only the recipe that answers most')
    .option('--json', 'print the parts as JSON')
    .action((tool: string | undefined, options: { light?: boolean; full?: boolean; json?: boolean }) => {
      if (options.light && options.full) throw new InputError('--light and --full: one of them');
      const detail = options.light ? 'light' : options.full ? 'full' : null;
      const parts = chooseSections(recordingSections(), tool ?? null, detail);
      process.stdout.write(
        options.json ? `${JSON.stringify(parts)}\n` : `${parts.map((part) => part.text).join('\n\n')}\n`,
      );
    });
}

/** The document in parts. */
export function recordingSections(): RecordingSection[] {
  return readDocument()
    .split(/^(?=##+ )/m)
    .map((text) => {
      const heading = /^##+ (\S+)(?: --(light|full))?$/m.exec(
        text.startsWith('#') && !text.startsWith('# ') ? text : '',
      );
      return {
        tool: heading?.[1] ?? null,
        detail: (heading?.[2] as Detail | undefined) ?? null,
        text: text.trimEnd(),
        commands: [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((block) => block[1]!),
      };
    });
}

/** The parts that were asked for. Throws InputError for a tool, or a recipe of it, that there is none of. */
export function chooseSections(
  sections: readonly RecordingSection[],
  tool: string | null,
  detail: Detail | null,
): RecordingSection[] {
  const tools = [...new Set(sections.map((part) => part.tool))].filter((name) => name !== null);
  if (tool !== null && !tools.includes(tool))
    throw new InputError(`record-help ${tool}: no such recipe; there are ${tools.join(', ')}`);
  const chosen = sections.filter((part) => tool === null || part.tool === tool);
  if (detail === null) return chosen;
  if (!chosen.some((part) => part.detail === detail))
    throw new InputError(`record-help ${tool} --${detail}: ${tool} has no such recipe`);
  return chosen.filter((part) => part.detail === null || part.detail === detail);
}

function readDocument(): string {
  // The sources and the built files lie at different depths below the package.
  for (const up of ['../..', '../../..']) {
    const url = new URL(`${up}/docs/recording.md`, import.meta.url);
    if (existsSync(url)) return readFileSync(url, 'utf8');
  }
  throw new InputError('docs/recording.md is missing from this installation');
}
