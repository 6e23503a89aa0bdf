/** Whether a policy can be had of a trace, and what it then means. */
import * as O from '../../assembly/replay/ops.ts';
import type { Residency } from '../machine.ts';
import type { TraceBatch } from '../trace/arrow-reader.ts';
import { InputError } from '../trace/input-error.ts';
import { OP_NAMES } from '../trace/schema.ts';
import type { Policy } from './policy.ts';

/** Rows that may use what is resident already, whatever is there: what is not told page by page. */
const MAY_HIT: ReadonlySet<number> = new Set([O.OP_LOOP_IO]);

/** Pages that a word of seen pages stands for. */
const WORD = 32;

/** What of a trace decides which policies can be had of it; its batches are shown to it one after the other. */
export class RowsSeen {
  /** names of the ops that occur */
  readonly ops = new Set<string>();
  /** some page is accessed twice: the second access may find it resident */
  hits = false;
  /** by object, 0 for all anonymous memory: a bit for each page that was accessed */
  #pages = new Map<number, Map<number, number>>();

  see(batch: TraceBatch): void {
    const { op, opMap, length } = batch;
    const codes = new Set(op.subarray(0, length));
    for (const code of codes) {
      const name = OP_NAMES[opMap[code]!];
      if (name !== undefined) this.ops.add(name);
    }
    for (let row = 0; row < length && !this.hits; row++) {
      const which = opMap[op[row]!]!;
      if (which === O.OP_FILE_ACCESS) this.#access(batch, row, batch.object[row]!);
      else if (which === O.OP_ANON_TOUCH) this.#access(batch, row, 0);
      else if (MAY_HIT.has(which)) this.hits = true;
    }
    if (this.hits) this.#pages.clear();
  }

  #access({ index, count }: TraceBatch, row: number, object: number): void {
    const pages = this.#pages.get(object) ?? new Map<number, number>();
    this.#pages.set(object, pages);
    const first = Number(index[row]!);
    for (let page = first; page < first + count[row]! && !this.hits; ) {
      const word = Math.floor(page / WORD);
      const from = page % WORD;
      const to = Math.min(WORD, from + first + count[row]! - page);
      const mask = (to === WORD ? 0xffffffff : 2 ** to - 1) - (2 ** from - 1);
      const seen = pages.get(word) ?? 0;
      if ((seen & mask) !== 0) this.hits = true;
      pages.set(word, seen | mask);
      page += to - from;
    }
  }
}

/** Throws InputError: the policy needs rows that the trace does not have, without which it differs in nothing from Linux. */
export function checkRows(
  { name, needs, needsHits }: Policy,
  { ops, hits }: Pick<RowsSeen, 'ops' | 'hits'>,
  residency: Residency | null,
  path: string,
): void {
  if (needs.length > 0 && !needs.some((op) => ops.has(op)))
    throw new InputError(`policy ${name}: it needs ${needs.join(' or ')}, and ${path} has none`);
  // A recording tells charges: who uses them is what is charged.
  if (needsHits && !hits && residency !== 'recorded')
    throw new InputError(
      `policy ${name}: it needs file_access or anon_touch of pages that were accessed before, and ${path} shows none`,
    );
}

/** Throws InputError: the policy changes what is resident, and the trace is followed as it was recorded. */
export function checkResidency(
  { name, residency: can }: Policy,
  residency: 'recorded' | 'modelled',
  path: string,
): void {
  if (!can.includes(residency))
    throw new InputError(
      `policy ${name}: not in ${residency} residency, in which ${path} is replayed: it changes what is resident`,
    );
}

/** Recordings of what the kernel did: their file accesses are what was not resident. Other sources have every access. */
const RECORDINGS: ReadonlySet<string> = new Set(['memcg-probes', 'ftrace', 'perf-script', 'perf-data', 'bpftrace']);

/** What the policy does is a lower bound: it acts on hits, and a trace of this source shows misses. */
export function isLowerBound({ needsHits }: Policy, source: string): boolean {
  return needsHits && RECORDINGS.has(source);
}
