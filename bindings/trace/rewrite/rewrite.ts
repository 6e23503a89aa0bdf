/**
 * What userspace would do differently is a rewrite of the trace: each row is answered by rows. A rewrite is one file of this folder and
 * one line of table.ts.
 */
import type { Rewrite } from '../../policy/policy.ts';

/** One event, in the engine's own codes. A row that is handed to a rewrite is only valid during the call; it may be changed. */
export interface TraceRow {
  /** ns */
  ts: bigint;
  cpu: number;
  /** OP_* */
  op: number;
  task: number;
  cgroup: number;
  object: number;
  index: bigint;
  count: number;
  flags: number;
  gfp: number;
  name: string | null;
}

/** What may be chosen, by name. */
export type RewriteOptions = Readonly<Record<string, number | string>>;

/** Ids that the trace does not have: they begin behind its high-water marks, which are raised. Only look() may take some. */
export interface FreshIds {
  cgroup(): number;
  task(): number;
  object(): number;
}

/** Writes a row. Its time must not be earlier than that of the one before. */
export type Emit = (row: Readonly<TraceRow>) => void;

/** A rewrite at work on one trace. */
export interface RewriteRun {
  /**
   * Sees every row before row() sees the first: the trace is then read twice, or kept in memory where it cannot be (a stream). Leave it
   * out where a row can be answered by what came before it.
   */
  look?(row: Readonly<TraceRow>): void;
  /** All have been looked at: what follows from the whole may be worked out, and ids be taken. */
  looked?(): void;
  /** Answers a row: emit(row) keeps it. */
  row(row: TraceRow, emit: Emit): void;
  /** The trace is over; `ts` is the time of its last row. */
  end?(ts: bigint, emit: Emit): void;
}

export interface TraceRewrite {
  name: Rewrite;
  /** one line: what userspace does */
  summary: string;
  /** defaults of its options, and what each means */
  options: Readonly<Record<string, { default: number | string; summary: string }>>;
  /** InputError: an option makes no sense. `options` has a value for every option. */
  begin(ids: FreshIds, options: RewriteOptions): RewriteRun;
}
