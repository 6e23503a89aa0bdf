/** `memcharge import FILE… -o TRACE.arrow`: foreign captures to a trace. */
import { realpathSync } from 'node:fs';
import type { Command } from 'commander';
import { COMPRESSIONS, removeUnfinished, TraceWriter } from '../trace/arrow-writer.ts';
import { CgroupMap } from '../trace/cgroup-map.ts';
import { parseColumns } from '../trace/columns.ts';
import { FORMATS, openRecording } from '../trace/formats.ts';
import type { ImportReport } from '../trace/import-report.ts';
import { InputError } from '../trace/input-error.ts';
import { type WarmReport, WarmStart } from '../trace/warm-start.ts';
import { Progress } from './progress.ts';
import { untilSignal } from './signals.ts';
import { parseCompression } from './values.ts';

interface ImportOptions {
  output: string;
  compress: string;
  format?: string;
  cgroups: string[];
  columns: string[];
  initial?: string;
  pageOwners?: string;
  accesses?: boolean;
  json?: boolean;
}

/** Adds the command to `program`. */
export function addImport(program: Command): void {
  program
    .command('import')
    .description('turn captures of one recording into a trace')
    .argument('<file...>', 'captures, plain, gzip, xz or zstd; - is standard input')
    .requiredOption('-o, --output <trace>', 'the trace to write (.arrow); - is standard output, as a stream')
    .option(
      '--format <format>',
      `format of the captures, where it shall not be told from them: ${FORMATS.map((f) => f.name).join(', ')}`,
    )
    .option(
      '--cgroups <rule>',
      'cgroup of a process: pid:N=/PATH, comm:NAME=/PATH, *=/PATH, or @FILE of such lines',
      collect,
      [],
    )
    .option(
      '--columns <pairs>',
      'csv, ndjson, cache-csv: where the columns of the trace come from, such as ts=time:us,op:=file_access (docs/importing.md)',
      collect,
      [],
    )
    .option('--initial <snapshot>', 'the cgroup tree just before the recording (record-help snapshot)')
    .option('--page-owners <files>', 'with --initial: KPAGECGROUP[,KPAGEFLAGS], copies of the files of /proc')
    .option('--accesses', 'ftrace: write who touched what instead of frames, for --residency modelled')
    .option('--compress <codec>', `compression of the trace: ${COMPRESSIONS.join(', ')}`, 'none')
    .option('--json', 'print the import report as JSON')
    .action(runImport);
}

async function runImport(files: string[], options: ImportOptions): Promise<void> {
  const cgroups = await CgroupMap.parse(options.cgroups);
  const columns = parseColumns(options.columns);
  if (options.pageOwners !== undefined && options.initial === undefined)
    throw new InputError('--page-owners needs --initial');
  if (options.pageOwners !== undefined && options.accesses)
    throw new InputError('--page-owners tells of frames, which a trace of --accesses does not have');
  const besides = [options.initial ?? [], options.pageOwners?.split(',') ?? []].flat();
  if (besides.includes('-')) throw new InputError('--initial and --page-owners cannot be read from standard input');
  refuseOverwrite([...files, ...besides], options.output);
  const initial = options.initial === undefined ? undefined : await WarmStart.open(options.initial, options.pageOwners);
  const compression = parseCompression('--compress', options.compress);
  const started = performance.now();
  const progress = new Progress('import');
  // Before the file exists, so that no signal can leave it behind.
  const done = untilSignal(() => {
    progress.end();
    removeUnfinished();
  });
  const recording = await openRecording(files, options.format);
  let writer: TraceWriter | null = null;
  try {
    if (options.accesses && recording.format.name !== 'ftrace')
      throw new InputError(
        `--accesses: only for ftrace; what ${recording.format.name} tells of accesses is in its trace as it is`,
      );
    writer = new TraceWriter(options.output, { source: recording.format.name, clock: 'recorded', compression });
    const { report, highWater } = await recording.format.import(recording.sources, writer, {
      cgroups,
      columns,
      accesses: options.accesses === true,
      ...(initial === undefined ? {} : { initial }),
      onProgress: ({ bytes, bytesTotal, lines }) =>
        progress.update(bytes, bytesTotal, `${lines.toLocaleString('en')} lines`),
    });
    if (initial !== undefined && initial.report === null)
      throw new InputError(`--initial: the importer of ${recording.format.name} does not take a snapshot`);
    writer.close(highWater);
    progress.end();
    const elapsed = (performance.now() - started) / 1000;
    // Standard output may be the trace.
    const out = options.output === '-' ? process.stderr : process.stdout;
    out.write(
      options.json
        ? `${JSON.stringify({ trace: options.output, ...report, initial: initial?.report ?? undefined, elapsed_s: elapsed })}\n`
        : text(options.output, report, elapsed, initial?.report ?? null),
    );
  } finally {
    progress.end();
    writer?.abort();
    recording.close();
    done();
  }
}

function collect(value: string, values: string[]): string[] {
  return [...values, value];
}

/** Writing the trace over one of its sources would lose the recording. */
function refuseOverwrite(files: readonly string[], output: string): void {
  const real = (path: string) => {
    try {
      return realpathSync(path);
    } catch {
      return null;
    }
  };
  const sources = files.filter((file) => file !== '-').map((file) => real(file) ?? file);
  const twice = sources.find((file, i) => sources.indexOf(file) !== i);
  if (twice !== undefined) throw new InputError(`${twice}: given twice`);
  if (output === '-') return;
  const target = real(output);
  if (target !== null && files.some((file) => file !== '-' && real(file) === target))
    throw new InputError(`${output}: is one of the captures`);
}

function text(path: string, report: ImportReport, elapsed: number, warm: WarmReport | null): string {
  const seconds = (report.duration_ns / 1e9).toFixed(3);
  const lines = [
    `${path}: ${report.events} events over ${seconds} s from ${report.lines} lines, in ${elapsed.toFixed(2)} s`,
    `written: ${counts(report.written)}`,
    `ignored: ${counts(report.ignored)}`,
    `high water: ${counts({ ...report.high_water })}`,
  ];
  const lost = Object.entries(report.lost).filter(([, count]) => count > 0);
  if (lost.length > 0) lines.push(`lost: ${counts(Object.fromEntries(lost))}`);
  const notes = Object.entries(report.ambiguous).filter(([, count]) => count > 0);
  if (notes.length > 0) lines.push(`not certain: ${counts(Object.fromEntries(notes))}`);
  if (warm !== null) {
    const { snapshot, ...figures } = warm;
    lines.push(`from before, by ${snapshot}: ${counts(figures)}`);
  }
  for (const part of report.missing) lines.push(`missing: ${part}`);
  for (const sentence of report.unknowable) lines.push(`cannot be known: ${sentence}`);
  return `${lines.join('\n')}\n`;
}

function counts(map: Record<string, number>): string {
  const entries = Object.entries(map);
  return entries.length === 0 ? 'none' : entries.map(([name, count]) => `${name} ${count}`).join(', ');
}
