/** A part of a trace by time. Both ends belong to it. */

/** Nanoseconds after the first row, or on the trace's clock. */
export type TimePoint = { after: bigint } | { at: bigint };

export interface TimeRange {
  from: TimePoint | null;
  until: TimePoint | null;
}

export const WHOLE_TRACE: TimeRange = { from: null, until: null };

/** The range on the trace's clock, whose first row is at `first`; null: no end. */
export function resolve(range: TimeRange, first: bigint): { from: bigint; until: bigint | null } {
  const at = (point: TimePoint) => ('at' in point ? point.at : first + point.after);
  return { from: range.from === null ? first : at(range.from), until: range.until === null ? null : at(range.until) };
}

/** First row of [from, to) later than `ts`. */
export function firstAfter(times: BigUint64Array, from: number, to: number, ts: bigint): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= ts) low = middle + 1;
    else high = middle;
  }
  return low;
}
