/** cat(1) */

import { textOf } from '../kernel/bytes.ts';
import { SyscallError } from '../kernel/error.ts';
import type { Program, Stat } from '../kernel/syscalls.ts';
import { attempt, type Command, command, errorOf, writeAll } from './command.ts';
import { IoBuffer } from './io-buffer.ts';
import { quoteIfNeeded } from './quote.ts';

/** io_blksize of coreutils */
const BLOCK = 128 * 1024;

const LONG = {
  'number-nonblank': 'b',
  number: 'n',
  'squeeze-blank': 's',
  'show-nonprinting': 'v',
  'show-ends': 'E',
  'show-tabs': 'T',
  'show-all': 'A',
};

interface Look {
  number: boolean;
  nonblank: boolean;
  squeeze: boolean;
  visible: boolean;
  ends: boolean;
  tabs: boolean;
}

/** State that goes on from file to file: the line's number, and how many newlines came last. */
class Formatter {
  readonly #look: Look;
  #line = 0;
  #newlines = 1;

  constructor(look: Look) {
    this.#look = look;
  }

  format(text: string): string {
    const look = this.#look;
    let out = '';
    for (const char of text) {
      if (char === '\n') {
        if (++this.#newlines > 2 && look.squeeze) {
          this.#newlines = 3;
          continue;
        }
        if (this.#newlines > 1 && look.number && !look.nonblank) out += this.#number();
        out += look.ends ? '$\n' : '\n';
        continue;
      }
      if (this.#newlines > 0 && look.number) out += this.#number();
      this.#newlines = 0;
      out += this.#show(char);
    }
    return out;
  }

  #number(): string {
    return `${String(++this.#line).padStart(6)}\t`;
  }

  #show(char: string): string {
    if (char === '\t') return this.#look.tabs ? '^I' : char;
    if (!this.#look.visible) return char;
    let code = char.charCodeAt(0);
    let prefix = '';
    if (code >= 128) {
      prefix = 'M-';
      code -= 128;
    }
    if (code < 32) return `${prefix}^${String.fromCharCode(code + 64)}`;
    return prefix + (code === 127 ? '^?' : String.fromCharCode(code));
  }
}

async function copy(c: Command, fd: number, formatter: Formatter | undefined, buffer: IoBuffer): Promise<void> {
  for (;;) {
    const bytes = await c.process.read(fd, BLOCK);
    if (bytes.length === 0) return;
    await buffer.filled(bytes.length);
    if (formatter !== undefined) await c.out.write(formatter.format(textOf(bytes)));
    else {
      const failure = await errorOf(() => writeAll(c.process, 1, bytes));
      if (failure !== undefined) c.fail(`write error: ${failure.message}`);
    }
  }
}

export const cat: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('benstuvAET', LONG);
  const look: Look = { number: false, nonblank: false, squeeze: false, visible: false, ends: false, tabs: false };
  for (const { key } of options) {
    if (key === 'b') look.number = look.nonblank = true;
    else if (key === 'n') look.number = true;
    else if (key === 's') look.squeeze = true;
    else if (key === 'E') look.ends = true;
    else if (key === 'T') look.tabs = true;
    if ('veAt'.includes(key)) look.visible = true;
    if ('eA'.includes(key)) look.ends = true;
    if ('tA'.includes(key)) look.tabs = true;
  }
  const formatter = Object.values(look).some(Boolean) ? new Formatter(look) : undefined;
  const p = c.process;
  const output = await attempt(() => p.fstat(1));
  if ('error' in output) c.fail(`standard output: ${output.error.message}`);
  const to: Stat = output.value;
  // The first page of the buffer, and malloc's header, belong to what any cat uses.
  const buffer = new IoBuffer(p, BLOCK + 4096, 2);
  for (const name of operands.length === 0 ? ['-'] : operands) {
    const opened = name === '-' ? { value: 0 } : await attempt(() => p.open(name, { read: true }));
    if ('error' in opened) {
      await c.error(`${quoteIfNeeded(name)}: ${opened.error.message}`);
      continue;
    }
    const fd = opened.value;
    try {
      const from = p.fstat(fd);
      if (to.type === 'file' && from.dev === to.dev && from.ino === to.ino && p.lseek(fd, 0, 'cur') < from.size)
        await c.error(`${quoteIfNeeded(name)}: input file is output file`);
      else await copy(c, fd, formatter, buffer);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      await c.error(`${quoteIfNeeded(name)}: ${error.message}`);
    } finally {
      if (fd !== 0) p.close(fd);
    }
  }
  return undefined;
});
