/** tail(1); it cannot follow (-f). */
import { textOf } from '../kernel/bytes.ts';
import { SyscallError } from '../kernel/error.ts';
import type { Mapping, Process, Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command } from './command.ts';
import { parseNumber } from './numbers.ts';
import { quote, quoteName } from './quote.ts';

/** BUFSIZ of glibc */
const CHUNK = 8192;

interface Job {
  bytes: boolean;
  /** from that line or byte on, counted from 1 */
  from: boolean;
  count: number;
}

async function rest(c: Command, fd: number): Promise<void> {
  for (;;) {
    const got = await c.process.read(fd, CHUNK);
    if (got.length === 0) return;
    await c.out.write(textOf(got));
  }
}

async function fromStart(c: Command, fd: number, job: Job, end: string): Promise<void> {
  const skip = Math.max(0, job.count - 1);
  if (job.bytes) {
    if (c.process.fstat(fd).type === 'file') c.process.lseek(fd, skip, 'cur');
    else
      for (let left = skip; left > 0; ) {
        const got = await c.process.read(fd, Math.min(CHUNK, left));
        if (got.length === 0) return;
        left -= got.length;
      }
    await rest(c, fd);
    return;
  }
  for (let left = skip; left > 0; ) {
    const text = textOf(await c.process.read(fd, CHUNK));
    if (text === '') return;
    let at = 0;
    while (left > 0 && at < text.length) {
      const found = text.indexOf(end, at);
      at = found < 0 ? text.length : found + 1;
      if (found >= 0) left--;
    }
    await c.out.write(text.slice(at));
  }
  await rest(c, fd);
}

/** The last lines of a file, read backwards block by block; undefined when it cannot be sought. */
async function lastLines(c: Command, fd: number, count: number, end: string): Promise<string | undefined> {
  const p = c.process;
  if (p.fstat(fd).type !== 'file') return undefined;
  const start = p.lseek(fd, 0, 'cur');
  const size = p.lseek(fd, 0, 'end');
  if (size <= start) {
    p.lseek(fd, start, 'set');
    return undefined;
  }
  let text = '';
  let at = size;
  while (at > start) {
    const length = (at - start) % CHUNK || CHUNK;
    at -= length;
    p.lseek(fd, at, 'set');
    text = textOf(await p.read(fd, length)) + text;
    const cut = cutLines(text, count, end);
    if (cut > 0) {
      p.lseek(fd, size, 'set');
      return text.slice(cut);
    }
  }
  p.lseek(fd, size, 'set');
  return text;
}

/** Where the last `count` lines begin; 0 when there may be more before. */
function cutLines(text: string, count: number, end: string): number {
  let at = text.endsWith(end) ? text.length - 1 : text.length;
  for (let left = count; left > 0; left--) {
    if (at === 0) return 0;
    const found = text.lastIndexOf(end, at - 1);
    if (found < 0) return 0;
    at = found;
  }
  return at + 1;
}

const PAGE = 4096;
/** By how much glibc moves the end of the heap at a time (M_TOP_PAD and a page), and what of it a program has anyway. Pages. */
const TOP_PAGES = 33;
const HEAP_PAGES = 2;

async function last(c: Command, fd: number, job: Job, end: string): Promise<void> {
  const p = c.process;
  if (job.bytes) {
    if (p.fstat(fd).type === 'file') {
      const now = p.lseek(fd, 0, 'cur');
      const size = p.lseek(fd, 0, 'end');
      // Files of /proc and the control files have no size: those are read.
      if (size > 0) {
        p.lseek(fd, Math.max(now, size - job.count), 'set');
        await rest(c, fd);
        return;
      }
      p.lseek(fd, now, 'set');
    }
    const text = await kept(
      p,
      fd,
      (chunks, total) => total - chunks[0]!.bytes.length > job.count,
      () => 1,
    );
    await c.out.write(text.slice(Math.max(0, text.length - job.count)));
    return;
  }
  if (job.count === 0) return;
  const found = await lastLines(c, fd, job.count, end);
  if (found !== undefined) {
    await c.out.write(found);
    return;
  }
  const mark = end.charCodeAt(0);
  let lines = 0;
  const count = (bytes: Uint8Array) => {
    let found = 0;
    for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) found++;
    lines += found;
    return found;
  };
  const enough = (chunks: readonly Chunk[]) => {
    if (lines - chunks[0]!.lines <= job.count) return false;
    lines -= chunks[0]!.lines;
    return true;
  };
  const text = await kept(p, fd, enough, count);
  await c.out.write(text.slice(text === '' ? 0 : cutLines(text, job.count, end)));
}

/** One of tail's buffers. */
interface Chunk {
  readonly bytes: Uint8Array;
  readonly lines: number;
}

/**
 * What comes out of a pipe or a device, without the buffers at its beginning that `enough` says are not needed any more: their place is used
 * again (pipe_lines(), pipe_bytes()). A heap that only grows: `tail /dev/zero` takes all there is.
 */
async function kept(
  process: Process,
  fd: number,
  enough: (chunks: readonly Chunk[], total: number) => boolean,
  linesOf: (bytes: Uint8Array) => number,
): Promise<string> {
  const chunks: Chunk[] = [];
  let total = 0;
  let most = 0;
  let touched = 0;
  let heap: Mapping | undefined;
  for (;;) {
    const bytes = await process.read(fd, CHUNK);
    if (bytes.length === 0) break;
    chunks.push({ bytes, lines: linesOf(bytes) });
    total += bytes.length;
    while (chunks.length > 1 && enough(chunks, total)) total -= chunks.shift()!.bytes.length;
    most = Math.max(most, total);
    // The first buffers lie in the heap that every program has.
    for (; touched < Math.ceil(most / PAGE) - HEAP_PAGES; touched++) {
      const from = touched % TOP_PAGES;
      if (from === 0) heap = process.mmap(TOP_PAGES);
      await process.touch(heap!, { from, pages: 1, write: true });
    }
  }
  return chunks.map(({ bytes }) => textOf(bytes)).join('');
}

const LONG = {
  ...{ 'bytes=': 'c', 'lines=': 'n', quiet: 'q', silent: 'q', verbose: 'v', 'zero-terminated': 'z' },
  ...{ 'follow=?': 'f', retry: 'F', 'pid=': 'f', 'sleep-interval=': 's' },
};

export const tail: Program = command(async (c: Command) => {
  const args = [...c.args];
  const old = /^([-+])(\d+)([lc]?)(f?)$/.exec(args[0] ?? '');
  if (old !== null && (old[1] === '-' || args.length < 3))
    args.splice(0, 1, old[3] === 'c' ? '-c' : '-n', (old[1] === '+' ? '+' : '') + old[2], ...(old[4] ? ['-f'] : []));
  const { options, operands } = c.parse('c:n:fFs:qvz', LONG, args);
  const job: Job = { bytes: false, from: false, count: 10 };
  let headers: boolean | undefined;
  let end = '\n';
  for (const { key, value } of options) {
    if (key === 'q') headers = false;
    else if (key === 'v') headers = true;
    else if (key === 'z') end = '\0';
    else if ('fFs'.includes(key)) c.fail('following a file (-f, -F) is not supported');
    else {
      job.bytes = key === 'c';
      job.from = value.startsWith('+');
      const text = /^[-+]/.test(value) ? value.slice(1) : value;
      const count = parseNumber(text, 'bkKmMGTPEZY0');
      if (typeof count !== 'number')
        c.fail(
          `invalid number of ${job.bytes ? 'bytes' : 'lines'}: ${quote(text)}${
            count === 'overflow' ? ': Value too large for defined data type' : ''
          }`,
        );
      job.count = count;
    }
  }
  const names = operands.length === 0 ? ['-'] : operands;
  let first = true;
  for (const name of names) {
    const shown = name === '-' ? 'standard input' : name;
    const opened = name === '-' ? { value: 0 } : await attempt(() => c.process.open(name, { read: true }));
    if ('error' in opened) {
      await c.error(`cannot open ${quoteName(name)} for reading: ${opened.error.message}`);
      continue;
    }
    const fd = opened.value;
    if (headers ?? names.length > 1) await c.out.write(`${first ? '' : '\n'}==> ${shown} <==\n`);
    first = false;
    try {
      if (job.from) await fromStart(c, fd, job, end);
      else await last(c, fd, job, end);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      await c.error(`error reading ${quoteName(shown)}: ${error.message}`);
    }
    if (fd !== 0) c.process.close(fd);
  }
  return undefined;
});
