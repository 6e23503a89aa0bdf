/**
 * Merges the lines of several captures of one recording by time, in a streaming manner. At equal times `first` lines come before
 * others, and otherwise the files keep the order in which they were given; within a file the order is never changed.
 */
import type { FtraceCursor } from './ftrace.ts';

/**
 * Calls `each` for every event line in order. `isFirst` tells the lines that win at equal times; `between` is called now and then,
 * for progress. Throws what the cursors throw.
 */
export async function mergeByTime(
  cursors: readonly FtraceCursor[],
  isFirst: (event: string) => boolean,
  each: (cursor: FtraceCursor) => void,
  between: () => void,
): Promise<void> {
  const live: { cursor: FtraceCursor; first: boolean }[] = [];
  for (const cursor of cursors) {
    if (await step(cursor, between)) live.push({ cursor, first: isFirst(cursor.line.event) });
  }
  while (live.length > 0) {
    let best = live[0]!;
    for (let i = 1; i < live.length; i++) {
      const other = live[i]!;
      const a = best.cursor.line;
      const b = other.cursor.line;
      const later = b.seconds - a.seconds || b.nanos - a.nanos;
      if (later < 0 || (later === 0 && other.first && !best.first)) best = other;
    }
    const { cursor } = best;
    each(cursor);
    // Only the end of a chunk costs a turn of the event loop.
    if (!cursor.advance() && !(await step(cursor, between))) live.splice(live.indexOf(best), 1);
    else best.first = isFirst(cursor.line.event);
  }
}

async function step(cursor: FtraceCursor, between: () => void): Promise<boolean> {
  for (;;) {
    if (cursor.advance()) return true;
    if (cursor.done) return false;
    await cursor.fill();
    between();
    if (cursor.done) return false;
  }
}
