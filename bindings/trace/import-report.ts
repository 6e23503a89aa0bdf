/** What an import says of itself: what was understood, lost, ambiguous, and what no line of such a recording can tell. */
import type { TraceSink } from './arrow-writer.ts';
import type { ByteSource } from './byte-source.ts';
import type { CgroupMap } from './cgroup-map.ts';
import type { HighWater } from './schema.ts';
import type { WarmStart } from './warm-start.ts';

/** What the importer did and what it could not know. Every figure is a count unless its name says otherwise. */
export interface ImportReport {
  /** name of the format, as `--format` takes it */
  format: string;
  files: { path: string; lines: number; events: number }[];
  /** lines of text, or records of a binary file */
  lines: number;
  /** events of the recording that were used, by name */
  understood: Record<string, number>;
  /** events of the recording that were not, by name: artefacts, other tracepoints */
  ignored: Record<string, number>;
  /** events written, by op */
  written: Record<string, number>;
  events: number;
  duration_ns: number;
  high_water: HighWater;
  /** what the recorder itself says that it lost, or what a cut left out; empty: it says of nothing */
  lost: Record<string, number>;
  /** cases in which the importer had to choose, or gave up on one; the keys say which */
  ambiguous: Record<string, number>;
  /** what a recording of this kind cannot tell, and what was assumed; a sentence each */
  unknowable: string[];
  /** parts of the recording that are missing altogether */
  missing: string[];
}

export interface ImportProgress {
  bytes: number;
  /** 0 where the size of an input is unknown */
  bytesTotal: number;
  lines: number;
}

export interface ImportResult {
  report: ImportReport;
  highWater: HighWater;
}

/** What the command line may tell an importer; each takes what concerns it. */
export interface ImportOptions {
  /** in which cgroup a process is, where the recording does not say */
  cgroups?: CgroupMap;
  /** `NAME=COLUMN` pairs of a table of columns (CSV, NDJSON) */
  columns?: ReadonlyMap<string, string>;
  /** what was charged before the recording: to be written before the first row, see {@link WarmStart.write} */
  initial?: WarmStart;
  /** of a recording of frames: write what was accessed instead, for modelled residency */
  accesses?: boolean;
  onProgress?: (progress: ImportProgress) => void;
}

/**
 * An importer: reads the files of one recording into `sink`, in the order of time. Throws InputError, after which what the sink holds
 * is worthless. Does not close the sources.
 */
export type Importer = (
  sources: readonly ByteSource[],
  sink: TraceSink,
  options: ImportOptions,
) => Promise<ImportResult>;
