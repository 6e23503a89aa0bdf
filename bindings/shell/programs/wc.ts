/** wc(1) */
import { textOf } from '../kernel/bytes.ts';
import { SyscallError } from '../kernel/error.ts';
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command, statOrUndefined } from './command.ts';
import { quoteIfNeeded } from './quote.ts';

const CHUNK = 16 * 1024;
const SPACE = /[ \t\n\v\f\r]/;

interface Counts {
  lines: number;
  words: number;
  bytes: number;
  longest: number;
}

async function count(c: Command, fd: number, wanted: Set<string>): Promise<Counts> {
  const counts: Counts = { lines: 0, words: 0, bytes: 0, longest: 0 };
  const p = c.process;
  // Bytes alone need no reading where there is a size.
  if (!['l', 'w', 'L'].some((key) => wanted.has(key))) {
    const stat = p.fstat(fd);
    if (stat.type === 'file' && stat.size > 0) {
      const at = p.lseek(fd, 0, 'cur');
      // The last block is read all the same: sizes of /proc files are wrong.
      const near = stat.size - (stat.size % (stat.blksize + 1));
      if (at >= 0 && at < near) counts.bytes = p.lseek(fd, near, 'set') - at;
    }
  }
  let inWord = false;
  let column = 0;
  for (;;) {
    const bytes = await p.read(fd, CHUNK);
    if (bytes.length === 0) break;
    counts.bytes += bytes.length;
    if (!wanted.has('w') && !wanted.has('L')) {
      if (wanted.has('l')) for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) counts.lines++;
      continue;
    }
    for (const char of textOf(bytes)) {
      if (char === '\n') counts.lines++;
      if (SPACE.test(char)) inWord = false;
      else if (!inWord && char >= ' ' && char <= '~') {
        inWord = true;
        counts.words++;
      }
      if (char === '\n' || char === '\r' || char === '\f') {
        counts.longest = Math.max(counts.longest, column);
        column = 0;
      } else if (char === '\t') column += 8 - (column % 8);
      else if (char >= ' ' && char <= '~') column++;
    }
  }
  counts.longest = Math.max(counts.longest, column);
  return counts;
}

export const wc: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('clLmw', {
    bytes: 'c',
    chars: 'm',
    lines: 'l',
    words: 'w',
    'max-line-length': 'L',
  });
  const wanted = new Set(options.map(({ key }) => key));
  if (wanted.size === 0) for (const key of 'lwc') wanted.add(key);
  const names = operands.length === 0 ? ['-'] : operands;
  let width = 1;
  if (!(names.length === 1 && wanted.size === 1)) {
    let total = 0;
    let least = 1;
    for (const name of names) {
      const stat = name === '-' ? c.process.fstat(0) : statOrUndefined(c.process, name);
      if (stat === undefined) continue;
      if (stat.type === 'file') total += stat.size;
      else least = 7;
    }
    width = Math.max(least, String(total).length);
  }
  const show = async (counts: Counts, name: string | undefined) => {
    const columns: number[] = [];
    if (wanted.has('l')) columns.push(counts.lines);
    if (wanted.has('w')) columns.push(counts.words);
    if (wanted.has('m')) columns.push(counts.bytes);
    if (wanted.has('c')) columns.push(counts.bytes);
    if (wanted.has('L')) columns.push(counts.longest);
    const text = columns.map((value) => String(value).padStart(width)).join(' ');
    await c.out.write(`${text}${name === undefined ? '' : ` ${name.includes('\n') ? quoteIfNeeded(name) : name}`}\n`);
  };
  const total: Counts = { lines: 0, words: 0, bytes: 0, longest: 0 };
  for (const name of names) {
    const opened = name === '-' ? { value: 0 } : await attempt(() => c.process.open(name, { read: true }));
    if ('error' in opened) {
      await c.error(`${quoteIfNeeded(name)}: ${opened.error.message}`);
      continue;
    }
    let counts: Counts = { lines: 0, words: 0, bytes: 0, longest: 0 };
    try {
      counts = await count(c, opened.value, wanted);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      await c.error(`${quoteIfNeeded(name)}: ${error.message}`);
    }
    if (opened.value !== 0) c.process.close(opened.value);
    await show(counts, operands.length === 0 ? undefined : name);
    total.lines += counts.lines;
    total.words += counts.words;
    total.bytes += counts.bytes;
    total.longest = Math.max(total.longest, counts.longest);
  }
  if (names.length > 1) await show(total, 'total');
  return undefined;
});
