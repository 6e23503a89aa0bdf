/** head(1) */
import { textOf } from '../kernel/bytes.ts';
import { SyscallError } from '../kernel/error.ts';
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command } from './command.ts';
import { Input, readAll } from './input.ts';
import { parseNumber } from './numbers.ts';
import { quote, quoteName } from './quote.ts';

/** BUFSIZ of glibc */
const CHUNK = 8192;

interface Job {
  bytes: boolean;
  /** all but the last ones */
  but: boolean;
  count: number;
}

function countOf(c: Command, text: string, bytes: boolean): number {
  const value = parseNumber(text, 'bkKmMGTPEZY0');
  if (typeof value === 'number') return value;
  const note = value === 'overflow' ? ': Value too large for defined data type' : '';
  c.fail(`invalid number of ${bytes ? 'bytes' : 'lines'}: ${quote(text)}${note}`);
}

async function bytes(c: Command, fd: number, count: number): Promise<void> {
  for (let left = count; left > 0; ) {
    const got = await c.process.read(fd, Math.min(CHUNK, left));
    if (got.length === 0) return;
    await c.out.write(textOf(got));
    left -= got.length;
  }
}

async function lines(c: Command, fd: number, count: number, end: string): Promise<void> {
  let left = count;
  while (left > 0) {
    const text = textOf(await c.process.read(fd, CHUNK));
    if (text === '') return;
    let at = 0;
    while (left > 0) {
      const found = text.indexOf(end, at);
      if (found < 0) {
        at = text.length;
        break;
      }
      at = found + 1;
      left--;
    }
    await c.out.write(text.slice(0, at));
    // What was read too much goes back, for the next reader of the same open file.
    if (left === 0 && at < text.length && c.process.fstat(fd).type === 'file')
      c.process.lseek(fd, at - text.length, 'cur');
  }
}

async function allBut(c: Command, fd: number, job: Job, end: string): Promise<void> {
  if (job.bytes) {
    const text = await readAll(c.process, fd, CHUNK);
    await c.out.write(text.slice(0, Math.max(0, text.length - job.count)));
    return;
  }
  const input = new Input(c.process, fd, CHUNK);
  const held: string[] = [];
  for (;;) {
    const line = await input.line(end);
    if (line === null) return;
    held.push(line.text + (line.terminated ? end : ''));
    if (held.length > job.count) await c.out.write(held.shift()!);
  }
}

/** `-5`, `-5c`: the old spelling, as options of today. */
function oldStyle(args: readonly string[]): string[] {
  const match = /^-(\d+)([cblkmqvz]*)$/.exec(args[0] ?? '');
  if (match === null) return [...args];
  let count = match[1]!;
  let kind = '-n';
  const rest: string[] = [];
  for (const letter of match[2]!) {
    if (letter === 'c') kind = '-c';
    else if (letter === 'b' || letter === 'k' || letter === 'm') {
      kind = '-c';
      count += letter;
    } else if (letter !== 'l') rest.push(`-${letter}`);
  }
  return [kind, count, ...rest, ...args.slice(1)];
}

const LONG = { 'bytes=': 'c', 'lines=': 'n', quiet: 'q', silent: 'q', verbose: 'v', 'zero-terminated': 'z' };

export const head: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('c:n:qvz', LONG, oldStyle(c.args));
  const job: Job = { bytes: false, but: false, count: 10 };
  let headers: boolean | undefined;
  let end = '\n';
  for (const { key, value } of options) {
    if (key === 'q') headers = false;
    else if (key === 'v') headers = true;
    else if (key === 'z') end = '\0';
    else {
      job.bytes = key === 'c';
      job.but = value.startsWith('-');
      job.count = countOf(c, job.but ? value.slice(1) : value, job.bytes);
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
      if (job.but) await allBut(c, fd, job, end);
      else if (job.bytes) await bytes(c, fd, job.count);
      else await lines(c, fd, job.count, end);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      await c.error(`error reading ${quoteName(shown)}: ${error.message}`);
    }
    if (fd !== 0) c.process.close(fd);
  }
  return undefined;
});
