/** Runs one capture folder (truth.txt.gz, trace.txt.gz, samples.jsonl.gz) through importer and engine. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT_CGROUP } from '../../bindings/index.ts';
import type { BootOptions, Machine } from '../../bindings/machine.ts';
import { bootFor, replayTrace } from '../../bindings/replay/replay.ts';
import { Against, type AgainstReport } from '../../bindings/report/against.ts';
import { readSamples } from '../../bindings/report/samples.ts';
import { openTrace } from '../../bindings/trace/arrow-reader.ts';
import { TraceWriter } from '../../bindings/trace/arrow-writer.ts';
import { importFiles } from '../../bindings/trace/formats.ts';
import type { ImportReport } from '../../bindings/trace/import-report.ts';
import { type Calls, EngineCalls } from './kernel-calls.ts';

export interface CaptureRun {
  machine: Machine;
  report: ImportReport;
  importSeconds: number;
  replaySeconds: number;
  against: AgainstReport;
  calls: Calls;
}

/** Imports `files`, replays them with `boot`, and compares with `samples`. `prepare` sees the machine first. */
export async function runCapture(
  files: string[],
  samples: string,
  boot: BootOptions = { kernel: '6.1' },
  prepare: (machine: Machine) => void = () => {},
): Promise<CaptureRun> {
  const folder = await mkdtemp(join(tmpdir(), 'memcharge-capture-'));
  try {
    const path = join(folder, 'capture.arrow');
    const started = performance.now();
    const writer = new TraceWriter(path, { source: 'memcg-probes', clock: 'recorded' });
    const { report, highWater } = await importFiles(files, writer);
    writer.close(highWater);
    const imported = performance.now();
    const trace = await openTrace(path);
    try {
      const machine = await bootFor(trace, boot, true);
      prepare(machine);
      const against = new Against(await readSamples(samples));
      const calls = new EngineCalls((memcg) => Number(machine.cgroups.get(memcg)?.kernelId ?? 0));
      const outcome = await replayTrace(machine, trace, {
        born: (memcg, kernelId, ts) => against.born(memcg, kernelId, ts),
        change: (change) => {
          against.change(change);
          if (change.start !== ROOT_CGROUP) calls.change(change);
        },
        passed: (ts) => against.passed(ts),
      });
      return {
        machine,
        report,
        importSeconds: (imported - started) / 1000,
        replaySeconds: outcome.elapsed,
        against: against.finish(),
        calls: calls.calls,
      };
    } finally {
      await trace.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The files of a capture folder. */
export function captureFiles(folder: string): { files: [string, string]; samples: string } {
  return {
    files: [join(folder, 'truth.txt.gz'), join(folder, 'trace.txt.gz')],
    samples: join(folder, 'samples.jsonl.gz'),
  };
}
