/** The way of every importer of ftrace text through the files of one recording: merged by time, with progress. */
import type { ByteSource } from './byte-source.ts';
import { FtraceCursor } from './ftrace.ts';
import type { ImportOptions } from './import-report.ts';
import { InputError } from './input-error.ts';
import { LineReader } from './lines.ts';
import { mergeByTime } from './merge.ts';

export interface FtraceRun {
  /** take every dialect, and count losses instead of refusing them */
  dialects: boolean;
  /** at equal times these events come first */
  isFirst(event: string): boolean;
  /** the cursor's current line */
  line(cursor: FtraceCursor): void;
}

/** Walks all event lines in the order of time. Answers the cursors, at their ends. Throws InputError. */
export async function runFtrace(
  sources: readonly ByteSource[],
  { onProgress }: ImportOptions,
  { dialects, isFirst, line }: FtraceRun,
): Promise<FtraceCursor[]> {
  const readers = sources.map((source) => new LineReader(source, dialects));
  const cursors = readers.map((reader) => new FtraceCursor(reader, dialects));
  const total = sources.some((s) => s.bytesTotal === 0) ? 0 : sources.reduce((sum, s) => sum + s.bytesTotal, 0);
  const progress = () => {
    if (onProgress === undefined) return;
    let bytes = 0;
    let lines = 0;
    for (const reader of readers) {
      bytes += reader.source.bytesRead;
      lines += reader.lines;
    }
    onProgress({ bytes, bytesTotal: total, lines });
  };
  await mergeByTime(cursors, isFirst, line, progress);
  for (const cursor of cursors) {
    if (cursor.events === 0) throw new InputError(`${cursor.reader.path}: no event in this file`);
  }
  return cursors;
}
