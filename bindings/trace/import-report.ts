/** What an import says of itself: what was understood, ignored, written, and what no line could tell. */
import type { HighWater } from './schema.ts';

/** What the importer did and what it could not know. Every figure is a count unless its name says otherwise. */
export interface ImportReport {
  format: 'memcg-probes';
  files: { path: string; lines: number; events: number }[];
  lines: number;
  /** event lines that were used, by event name */
  understood: Record<string, number>;
  /** event lines that were not, by event name: check-only probes, artefacts, other tracepoints */
  ignored: Record<string, number>;
  /** events written, by op */
  written: Record<string, number>;
  events: number;
  duration_ns: number;
  high_water: HighWater;
  /** probe lines or public lines missing altogether */
  missing: ('probes' | 'public trace')[];
  /** objcg uncharges that more than one dead or living objcg could have made */
  ambiguous_objcgs: number;
  /** frames charged without a known allocation: taken as single pages */
  frames_of_unknown_order: number;
  /** cgroups that were there before the recording began */
  existing_cgroups: number;
  /** cgroups whose path no line tells */
  unnamed_cgroups: number;
  /** huge folios that were split before they were freed */
  splits: number;
  /** frames seen before the base of struct page was known for certain */
  frames_before_base: number;
  /** lines a little (0.2 ms at most) earlier than the one before, taken to be at the same time: the ring buffer's clock had stepped */
  clock_steps: number;
  unmatched: {
    /** uncharges of pages that were never seen charged */
    uncharges: number;
    /** kmem pages given back that were never seen charged (many are not charged at all) */
    kmem_pages: number;
    /** bytes given back with no object of that size outstanding */
    objects: number;
    /** swap entries freed that were never seen charged */
    swap_entries: number;
    /** lines that name a cgroup by an id that cannot be one */
    cgroups: number;
  };
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
