import { COLUMN_ROWS } from '../assembly/layout.ts';
/** What takes part in a suite: the engine, or the same algorithm in another language. */

/** Rows that one call replays: calls of this size tier up, and their columns stay in the second-level cache. */
export const BATCH_ROWS = COLUMN_ROWS;

export interface Peer {
  name: string;
  /** Brings the state to where the timed rows begin. Not timed. */
  reset(): void | Promise<void>;
  /** Replays the timed rows; nanoseconds without the staging of the columns. */
  round(): number | Promise<number>;
  /** The figures that all peers must agree on, in the order of {@link stateLabel}. */
  state(): number[] | Promise<number[]>;
  close(): void;
}

export const SLOTS = 7;
export const LISTS = 5;
const CGROUP_FIELDS = ['usage', 'watermark', 'local watermark', 'anon', 'file', 'sock'];
/** Figures of one cgroup: its counter and statistics, then folios and pages of each list. */
export const PER_CGROUP = CGROUP_FIELDS.length + 2 * LISTS;
/** Figures of one CPU: hint, then memcg and pages of each slot. */
export const PER_CPU = 1 + 2 * SLOTS;

/** One step of the hash over the folios' owners and over the order of the lists (FNV-1a by words). */
export function hashWord(hash: number, word: number): number {
  return Math.imul(hash ^ word, 0x01000193) >>> 0;
}
export const HASH_START = 0x811c9dc5;

/** What the figure at `at` is: cgroups 1 …, then CPUs 0 …, then two hashes. */
export function stateLabel(at: number, cgroups: number, cpus: number): string {
  if (at < cgroups * PER_CGROUP) {
    const field = at % PER_CGROUP;
    const list = field - CGROUP_FIELDS.length;
    const what = list < 0 ? CGROUP_FIELDS[field] : `list ${list >> 1} ${list & 1 ? 'pages' : 'folios'}`;
    return `cgroup ${1 + Math.floor(at / PER_CGROUP)} ${what}`;
  }
  const rest = at - cgroups * PER_CGROUP;
  if (rest < cpus * PER_CPU) return `cpu ${Math.floor(rest / PER_CPU)} stock word ${rest % PER_CPU}`;
  return rest === cpus * PER_CPU ? 'owners of the folios' : 'order of the lists';
}
