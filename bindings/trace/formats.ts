/** The foreign formats: name, importer, and how a file is known. A new format is one file beside this one and one entry here. */
import type { TraceSink } from './arrow-writer.ts';
import { importBpftrace, looksLikeBpftrace } from './bpftrace.ts';
import { ByteSource } from './byte-source.ts';
import { importCsv, looksLikeCsv } from './csv.ts';
import type { Importer, ImportOptions, ImportResult } from './import-report.ts';
import { InputError } from './input-error.ts';
import { importMemcgProbes, looksLikeMemcgProbes } from './memcg-probes.ts';
import { importNdjson, looksLikeNdjson } from './ndjson.ts';
import { importCacheCsv, importOracleGeneral, looksLikeOracleGeneral } from './oracle-general.ts';
import { importPerfData, looksLikePerfData } from './perf-data.ts';
import { importPerfScript, looksLikePerfScript } from './perf-script.ts';
import { importFtrace, looksLikeFtrace } from './public-trace.ts';

export interface Format {
  /** what `--format` takes */
  name: string;
  /** what it is, for the help text */
  description: string;
  import: Importer;
  /** Whether the beginning of a file (decompressed; as latin1) looks like this format. One such file is enough for a recording. */
  detect(head: string): boolean;
}

/** In the order in which they are tried: what is more special comes first. */
export const FORMATS: readonly Format[] = [
  {
    name: 'memcg-probes',
    description: 'ftrace text of kernel probes in the memory controller, with the public trace beside it',
    import: importMemcgProbes,
    detect: looksLikeMemcgProbes,
  },
  {
    name: 'perf-data',
    description: 'perf.data of perf record, to a file or a pipe, with page faults and their addresses',
    import: importPerfData,
    detect: looksLikePerfData,
  },
  {
    name: 'perf-script',
    description: 'text of perf script, with page faults and their addresses',
    import: importPerfScript,
    detect: looksLikePerfScript,
  },
  {
    name: 'ftrace',
    description: 'ftrace text of the public tracepoints alone: tracefs trace and trace_pipe, trace-cmd report',
    import: importFtrace,
    detect: looksLikeFtrace,
  },
  {
    name: 'bpftrace',
    description: 'what the bpftrace scripts of docs/record print, as text or JSON',
    import: importBpftrace,
    detect: looksLikeBpftrace,
  },
  {
    name: 'oracle-general',
    description: 'binary cache trace of libCacheSim',
    import: importOracleGeneral,
    detect: looksLikeOracleGeneral,
  },
  {
    name: 'cache-csv',
    description: 'cache trace as CSV, its columns told by --columns time-col=N,obj-id-col=N,obj-size-col=N',
    import: importCacheCsv,
    detect: () => false,
  },
  {
    name: 'ndjson',
    description: 'a JSON object a line: the columns of a trace, or others by --columns',
    import: importNdjson,
    detect: looksLikeNdjson,
  },
  {
    name: 'csv',
    description: 'a table with a header: the columns of a trace, or others by --columns',
    import: importCsv,
    detect: looksLikeCsv,
  },
];

const HEAD_BYTES = 1 << 16;

/** The opened files of one recording, and what they are. */
export interface Recording {
  format: Format;
  sources: readonly ByteSource[];
  /** Closes every file; safe to call twice. */
  close(): void;
}

/**
 * Opens the files of one recording (`-` is stdin, once). The format is the one named, or else the first that one of the files looks
 * like. Throws InputError, having closed what it opened.
 */
export async function openRecording(files: readonly string[], format?: string): Promise<Recording> {
  if (files.length === 0) throw new InputError('no capture given');
  if (files.filter((file) => file === '-').length > 1) throw new InputError('standard input can be given once only');
  const named = format === undefined ? null : formatOf(format);
  const sources: ByteSource[] = [];
  const close = () => {
    for (const source of sources) source.close();
  };
  try {
    for (const file of files) sources.push(await ByteSource.open(file));
    return { format: named ?? (await detect(sources)), sources, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Imports the files of one recording into `sink`. Throws InputError. */
export async function importFiles(
  files: readonly string[],
  sink: TraceSink,
  options: ImportOptions & { format?: string } = {},
): Promise<ImportResult> {
  const recording = await openRecording(files, options.format);
  try {
    return await recording.format.import(recording.sources, sink, options);
  } finally {
    recording.close();
  }
}

/** The format of this name. Throws InputError. */
export function formatOf(name: string): Format {
  const format = FORMATS.find((f) => f.name === name);
  if (format === undefined)
    throw new InputError(`unknown format ${name}; known: ${FORMATS.map((f) => f.name).join(', ')}`);
  return format;
}

async function detect(sources: readonly ByteSource[]): Promise<Format> {
  const heads: string[] = [];
  for (const source of sources) heads.push((await source.peek(HEAD_BYTES)).toString('latin1'));
  const format = FORMATS.find((f) => heads.some((head) => f.detect(head)));
  // tracecmd_open(): the magic of trace.dat
  if (heads.some((head) => head.startsWith('\x17\x08Dtracing')))
    throw new InputError(`${sources[0]!.path}: trace-cmd's own file: import what \`trace-cmd report -t\` prints of it`);
  if (format === undefined)
    throw new InputError(
      `${sources.map((s) => s.path).join(', ')}: no known format; --format takes ${FORMATS.map((f) => f.name).join(', ')}`,
    );
  return format;
}
