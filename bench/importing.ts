/** The import suite: lines per second of the memcg-probes importer, beside what the same files cost to decompress and count. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type TraceSink, TraceWriter } from '../bindings/trace/arrow-writer.ts';
import { importFiles } from '../bindings/trace/formats.ts';
import { writeCapture } from './capture.ts';
import type { Peer } from './peer.ts';
import { timeRounds } from './rounds.ts';
import { type Row, rowsOf } from './table.ts';

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
