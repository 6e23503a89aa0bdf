/**
 * `FREAD pid=639 /data/big128 ino=c size=134217728` and `FWRITE pid=286 /mnt/shm/f1 ino=2 size=8388608`: markers by which a program says
 * that it is about to read a file once through, or to append to it, 64 KiB at a time. What such a system call finds in the page cache no
 * tracepoint shows: only a marker tells of hits.
 */
import { PAGE_SIZE } from './schema.ts';

/** Pages of one system call. */
export const IO_PAGES = 16;

export interface IoMark {
  pid: number;
  write: boolean;
  path: string;
  ino: number;
  pages: number;
}

/** The marker's meaning, or null where its text is something else. */
export function parseIoMark(text: string): IoMark | null {
  if (!text.startsWith('FREAD ') && !text.startsWith('FWRITE ')) return null;
  const parts = /^F(READ|WRITE) pid=(\d{1,10}) (\/.*) ino=([0-9a-f]{1,12}) size=(\d{1,15})$/.exec(text);
  if (parts === null) return null;
  const [, what, pid, path, ino, size] = parts as unknown as [string, string, string, string, string, string];
  const pages = Math.ceil(Number(size) / PAGE_SIZE);
  return { pid: Number(pid), write: what === 'WRITE', path, ino: Number.parseInt(ino, 16), pages };
}

/** `UNLINK pid=288 /mnt/shm/f1`: the path means another file from here on. Null: not such a marker. */
export function parseUnlinkMark(text: string): string | null {
  return /^UNLINK pid=\d{1,10} (\/.*)$/.exec(text)?.[1] ?? null;
}
