/** Runs one capture folder (truth.txt, trace.txt, samples.jsonl, each compressed) through importer and engine. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT_CGROUP } from '../../bindings/index.ts';
import type { BootOptions, Machine } from '../../bindings/machine.ts';
import { bootFor, replayTrace } from '../../bindings/replay/replay.ts';
import { Against, type AgainstReport, isNear } from '../../bindings/report/against.ts';
import { readSamples } from '../../bindings/report/samples.ts';
import { openTrace } from '../../bindings/trace/arrow-reader.ts';
import { TraceWriter } from '../../bindings/trace/arrow-writer.ts';
import { ByteSource } from '../../bindings/trace/byte-source.ts';
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

/** `NAME.xz` in a folder, or `NAME.gz` where there is no such file. */
export function compressed(folder: string, name: string): string {
  const xz = join(folder, `${name}.xz`);
  return existsSync(xz) ? xz : join(folder, `${name}.gz`);
}

/** A compressed file's content, or its beginning, of `least` bytes and more. */
export async function captureBytes(path: string, least = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const source = await ByteSource.open(path);
  const parts: Buffer[] = [];
  let bytes = 0;
  for (let part = await source.next(); part !== null; part = await source.next()) {
    parts.push(Buffer.from(part));
    bytes += part.length;
    if (bytes >= least) break;
  }
  source.close();
  return Buffer.concat(parts);
}

/** The files of a capture folder. */
export function captureFiles(folder: string): { files: [string, string]; samples: string } {
  return {
    files: [compressed(folder, 'truth.txt'), compressed(folder, 'trace.txt')],
    samples: join(folder, 'samples.jsonl.gz'),
  };
}

/** The files of a capture folder without the probes: what anybody can record. */
export function publicFiles(folder: string): { files: [string]; samples: string } {
  return { files: [compressed(folder, 'trace.txt')], samples: join(folder, 'samples.jsonl.gz') };
}

/** A sample of memory.current beside the nearest value of the model, bytes. */
export interface Nearness {
  samples: number;
  /** within 2 % or 1 MiB of the kernel's */
  within: number;
  exact: number;
  /** the largest difference */
  worst: number;
  worstAt: string;
}

/** How near the samples of a run came: those of settled phases, and all. */
export function nearness(run: CaptureRun): { settled: Nearness; all: Nearness } {
  const empty = (): Nearness => ({ samples: 0, within: 0, exact: 0, worst: 0, worstAt: '' });
  const settled = empty();
  for (const { phase, path, model, kernel } of run.against.phases) {
    if (!phase.endsWith('+settled')) continue;
    settled.samples++;
    // A cgroup that the model does not know counts as empty.
    const difference = Math.abs((model ?? 0) - kernel);
    if (isNear(difference, kernel)) settled.within++;
    if (difference === 0) settled.exact++;
    if (difference > settled.worst) {
      settled.worst = difference;
      settled.worstAt = `${phase} ${path}`;
    }
  }
  const { against } = run;
  const all = { ...empty(), samples: against.samples, exact: against.exact, worst: against.worst_bytes };
  all.within = against.near;
  return { settled, all };
}
