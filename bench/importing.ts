/**
 * The import suites: lines per second of the memcg-probes importer, beside what the same files cost to decompress and count; and of every
 * importer, on a plain file, beside what grep needs to count its lines.
 */
import { spawnSync } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TraceSink, TraceWriter } from '../bindings/trace/arrow-writer.ts';
import { parseColumns } from '../bindings/trace/columns.ts';
import { FORMATS, importFiles } from '../bindings/trace/formats.ts';
import { writeCapture } from './capture.ts';
import type { Peer } from './peer.ts';
import { writeRecording } from './recordings.ts';
import { timeRounds } from './rounds.ts';
import { GREP, type Row, rowsOf } from './table.ts';

export const BASELINE = 'gzip -dc | wc -l';

/** Takes the events and keeps none. */
const nowhere: TraceSink = { setBase: () => {}, append: () => {} };

function peer(name: string, work: () => Promise<void>): Peer {
  const round = async () => {
    const began = process.hrtime.bigint();
    await work();
    return Number(process.hrtime.bigint() - began);
  };
  return { name, reset: () => {}, round, state: () => [], close: () => {} };
}

export async function importSuite(directory: string, lines: number, warmup: number, rounds: number): Promise<Row[]> {
  const capture = writeCapture(directory, lines);
  const { report } = await importFiles(capture.files, nowhere);
  if (report.lines !== capture.lines || report.ambiguous['uncharges without a charge']! > 0)
    throw new Error(`the importer misreads the capture: ${JSON.stringify(report)}`);

  const importOnly = async () => void (await importFiles(capture.files, nowhere));
  const importAndWrite = async () => {
    const writer = new TraceWriter(join(directory, 'import.arrow'), { source: 'memcg-probes', clock: 'local' });
    const { highWater } = await importFiles(capture.files, writer);
    writer.close(highWater);
  };
  const count = async () => {
    const { status, stdout } = spawnSync('sh', ['-c', 'gzip -dc "$@" | wc -l', 'sh', ...capture.files]);
    if (status !== 0 || Number(stdout) !== capture.lines) throw new Error(`${BASELINE} counts ${stdout} lines`);
  };
  const peers = [
    peer('memcharge, events dropped', importOnly),
    peer('memcharge, trace written', importAndWrite),
    peer(BASELINE, count),
  ];
  return rowsOf('import (lines)', await timeRounds(peers, capture.lines, warmup, rounds));
}

/** Where the columns of a made-up recording are, for the format that must be told. */
const COLUMNS: Readonly<Record<string, string[]>> = {
  'cache-csv': ['time-col=1,obj-id-col=2,obj-size-col=3,has-header=true'],
};

const BINARY: ReadonlySet<string> = new Set(['perf-data', 'oracle-general']);

/** Every importer of formats.ts on about `lines` lines or records. */
export async function importersSuite(
  directory: string,
  lines: number,
  warmup: number,
  rounds: number,
  note: (text: string) => void,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { name } of FORMATS) {
    note(`importer ${name}`);
    const path = join(directory, `recording.${name}`);
    const capture =
      name === 'memcg-probes'
        ? writeCapture(directory, lines, false)
        : { files: [path], lines: writeRecording(name, path, lines) };
    const options = { format: name, columns: parseColumns(COLUMNS[name] ?? []) };
    const { report } = await importFiles(capture.files, nowhere, options);
    if (report.lines < capture.lines || report.events < capture.lines / 8)
      throw new Error(`the importer misreads the recording: ${JSON.stringify(report)}`);
    const run = async () => void (await importFiles(capture.files, nowhere, options));
    const count = async () => {
      // Records of a binary file are no lines: what grep counts there does not matter, only that it reads all of it.
      const { status } = spawnSync('grep', ['-c', '', ...capture.files], { env: { ...process.env, LC_ALL: 'C' } });
      if (status !== 0) throw new Error(`${GREP} fails`);
    };
    const bytes = capture.files.reduce((sum, file) => sum + statSync(file).size, 0);
    const timings = await timeRounds([peer('memcharge', run), peer(GREP, count)], capture.lines, warmup, rounds);
    const what = BINARY.has(name) ? 'records' : 'lines';
    rows.push(...rowsOf(`${name} (${what})`, timings, bytes / capture.lines));
    for (const file of capture.files) rmSync(file, { force: true });
  }
  return rows;
}
