/**
 * `npx tsx test/captures/statistics.ts FOLDER…`: memory.stat of the model, with exact and with kernel statistics, beside the kernel's
 * own at every sample of the captures, key by key. A sample's figures were read at some moment between its `t` and its `t_end`; the
 * model is read half-way.
 */
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { COLUMN_ROWS } from '../../assembly/layout.ts';
import type { BootOptions } from '../../bindings/machine.ts';
import { bootFor } from '../../bindings/replay/replay.ts';
import { table } from '../../bindings/report/table.ts';
import { openTrace } from '../../bindings/trace/arrow-reader.ts';
import { TraceWriter } from '../../bindings/trace/arrow-writer.ts';
import { importFiles } from '../../bindings/trace/formats.ts';
import { captureFiles } from './run.ts';

interface StatSample {
  at: number;
  settled: boolean;
  cgroups: { path: string; id: number; stat: Record<string, number> }[];
}

async function statSamples(path: string): Promise<StatSample[]> {
  const lines = gunzipSync(await readFile(path))
    .toString()
    .split('\n')
    .filter((line) => line !== '');
  return lines
    .map((line) => JSON.parse(line))
    .map(({ t, t_end, label, cgroups }) => ({
      at: Math.round(((t + t_end) / 2) * 1e9),
      settled: label?.includes('settled') ?? false,
      cgroups: Object.entries(cgroups as Record<string, { id: number; stat: Record<string, number> }>)
        .filter(([cgroup, { stat }]) => cgroup !== '/' && stat)
        .map(([cgroup, { id, stat }]) => ({ path: cgroup, id, stat })),
    }))
    .sort((a, b) => a.at - b.at);
}

/** How a key fared: samples where the kernel's value was met, and the sum of the distances. */
interface Tally {
  samples: number;
  equal: number;
  off: number;
}
export type Scores = Map<string, { settled: Tally; periodic: Tally }>;

function score(scores: Scores, key: string, settled: boolean, difference: number): void {
  const both = scores.get(key) ?? {
    settled: { samples: 0, equal: 0, off: 0 },
    periodic: { samples: 0, equal: 0, off: 0 },
  };
  scores.set(key, both);
  const tally = settled ? both.settled : both.periodic;
  tally.samples++;
  if (difference === 0) tally.equal++;
  tally.off += Math.abs(difference);
}

/** Replays an imported capture and reads memory.stat wherever the kernel's was read. */
async function compare(trace: string, samples: StatSample[], boot: BootOptions, scores: Scores): Promise<void> {
  const opened = await openTrace(trace);
  const machine = await bootFor(opened, boot, false);
  let next = 0;
  const read = () => {
    const sample = samples[next++]!;
    machine.engine.advance(BigInt(sample.at));
    for (const { id, stat } of sample.cgroups) {
      const memcg = [...machine.cgroups].findLast(([, { kernelId }]) => Number(kernelId) === id)?.[0];
      if (memcg === undefined) continue;
      // The periodic samples leave out what is 0.
      const own = machine.memoryStat(memcg);
      for (const [key, value] of Object.entries(own)) score(scores, key, sample.settled, value - (stat[key] ?? 0));
      // Which half of the LRU a folio is in no recording of charges says; both halves together it does.
      for (const kind of ['anon', 'file']) {
        const both = (of: Record<string, number>) => (of[`inactive_${kind}`] ?? 0) + (of[`active_${kind}`] ?? 0);
        score(scores, `(in)active_${kind}`, sample.settled, both(own) - both(stat));
      }
    }
  };
  try {
    for await (const batch of opened.batches()) {
      let row = 0;
      while (row < batch.length) {
        let to = row;
        const limit = Math.min(batch.length, row + COLUMN_ROWS);
        const at = samples[next]?.at ?? Number.POSITIVE_INFINITY;
        while (to < limit && Number(batch.ts[to]!) <= at) to++;
        if (to > row) machine.replay(batch, row, to);
        if (to < limit) read();
        row = to;
      }
    }
    while (next < samples.length) read();
    const found = machine.audit();
    if (found) throw new Error(`${trace}: audit: ${found.what} of ${found.id}: ${found.expected}, not ${found.found}`);
  } finally {
    await opened.close();
  }
}

async function run(folders: readonly string[], modes: Record<string, BootOptions>): Promise<Record<string, Scores>> {
  const scores: Record<string, Scores> = Object.fromEntries(Object.keys(modes).map((mode) => [mode, new Map()]));
  const scratch = await mkdtemp(join(tmpdir(), 'memcharge-statistics-'));
  try {
    for (const folder of folders) {
      const { files, samples } = captureFiles(folder);
      const path = join(scratch, `${basename(folder)}.arrow`);
      const writer = new TraceWriter(path, { source: 'memcg-probes', clock: 'recorded' });
      const { highWater } = await importFiles(files, writer);
      writer.close(highWater);
      const read = await statSamples(samples);
      for (const [mode, boot] of Object.entries(modes)) await compare(path, read, boot, scores[mode]!);
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return scores;
}

function captures(folder: string): string[] {
  if (existsSync(captureFiles(folder).files[0])) return [folder];
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => existsSync(captureFiles(path).files[0]));
}

const folders = process.argv.slice(2).flatMap(captures);
const modes: Record<string, BootOptions> = {
  exact: { kernel: '6.1', statistics: 'exact' },
  kernel: { kernel: '6.1', statistics: 'kernel' },
};
const scores = await run(folders, modes);
const names = [...scores.exact!.keys()];
const of = (tally: Tally | undefined) =>
  tally ? [String(tally.equal), (tally.off / 4096 / Math.max(1, tally.samples)).toFixed(1)] : ['-', '-'];
const rows = names.map((name) => [
  name,
  ...(['settled', 'periodic'] as const).flatMap((when) => [
    String(scores.exact!.get(name)?.[when].samples ?? 0),
    ...Object.keys(modes).flatMap((mode) => of(scores[mode]!.get(name)?.[when])),
  ]),
]);
const header = [
  'key',
  ...['settled', 'periodic'].flatMap((when) => [when, ...Object.keys(modes).flatMap((m) => [m, 'off'])]),
];
process.stdout.write(`${table(header, rows)}\n`);
