/** `memcharge validate TRACE…`: does a trace keep what the format promises? */
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { printable } from '../report/printable.ts';
import { openTrace } from '../trace/arrow-reader.ts';
import { fileError } from '../trace/input-error.ts';
import { type Problem, unreadableReport, type ValidateReport, validateTrace } from '../trace/validate.ts';
import { EXIT_FAILURE, InputError } from './errors.ts';
import { parseCount } from './values.ts';

interface ValidateOptions {
  limit: string;
  json?: boolean;
}

/** Adds the command to `program`. */
export function addValidate(program: Command): void {
  program
    .command('validate')
    .description('check traces against what the format promises; exit 1 where one has errors')
    .argument('<trace...>', 'traces (.arrow); - is standard input')
    .option('--limit <n>', 'describe the first N errors and the first N warnings of each trace', '20')
    .option('--json', 'print one JSON object a trace, a line each')
    .action(runValidate);
}

async function runValidate(paths: string[], options: ValidateOptions): Promise<void> {
  const limit = parseCount('--limit', options.limit, 0, 1_000_000);
  if (paths.filter((path) => path === '-').length > 1) throw new InputError('standard input can be given once only');
  for (const path of paths) {
    // What is not there, or may not be read, is no matter of the format.
    if (path !== '-')
      await stat(path).catch((error) => {
        throw fileError(path, error);
      });
    const report = await validate(path, limit);
    if (Object.keys(report.errors).length > 0) process.exitCode = EXIT_FAILURE;
    process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : text(report));
  }
}

async function validate(path: string, limit: number): Promise<ValidateReport> {
  try {
    const trace = await openTrace(path);
    try {
      return await validateTrace(trace, limit);
    } finally {
      await trace.close();
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return unreadableReport(path === '-' ? 'standard input' : path, error.message);
  }
}

function text(report: ValidateReport): string {
  const path = printable(report.trace);
  const lines = report.problems.map((problem) => `${path}: ${describe(problem)}`);
  const total = (counts: Record<string, number>) => Object.values(counts).reduce((sum, count) => sum + count, 0);
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', ');
  const errors = total(report.errors);
  const warnings = total(report.warnings);
  lines.push(
    `${path}: ${report.events} events, ${errors} errors${errors > 0 ? ` (${list(report.errors)})` : ''}, ` +
      `${warnings} warnings${warnings > 0 ? ` (${list(report.warnings)})` : ''}`,
  );
  return `${lines.join('\n')}\n`;
}

function describe({ level, row, field, message }: Problem): string {
  const where = row === null ? '' : `row ${row}: `;
  return `${level === 'warning' ? 'warning: ' : ''}${where}${field === '' ? '' : `${field}: `}${printable(message)}`;
}
