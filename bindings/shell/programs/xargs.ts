/** xargs(1) of findutils */
import { SyscallError } from '../kernel/error.ts';
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command, complain } from './command.ts';
import { execvp, notRun, waitFor } from './execute.ts';
import { Input } from './input.ts';
import { quoteForTerminal, quoteIfNeeded } from './quote.ts';

/** what the default of -s leaves for arguments */
const SPACE = 131_072;
const LONG = {
  ...{ null: '0', 'arg-file=': 'a', 'delimiter=': 'd', 'eof=?': 'E', 'replace=?': 'I', 'max-lines=?': 'L' },
  ...{ 'max-args=': 'n', interactive: 'p', 'no-run-if-empty': 'r', 'max-chars=': 's', verbose: 't', exit: 'x' },
  ...{ 'max-procs=': 'P', 'open-tty': 'o', 'show-limits': 'limits' },
};

/** Items of the input, with the line that each is on. */
class Items {
  readonly #c: Command;
  readonly #input: Input;
  readonly #delimiter: string | undefined;
  readonly #lines: boolean;
  readonly #eof: string | undefined;
  #queue: { text: string; endsLine: boolean }[] = [];
  #ended = false;

  constructor(c: Command, input: Input, delimiter: string | undefined, lines: boolean, eof: string | undefined) {
    this.#c = c;
    this.#input = input;
    this.#delimiter = delimiter;
    this.#lines = lines;
    this.#eof = eof;
  }

  async next(): Promise<{ text: string; endsLine: boolean } | null> {
    while (this.#queue.length === 0) {
      if (this.#ended) return null;
      await this.#more();
    }
    const item = this.#queue.shift()!;
    if (this.#eof !== undefined && item.text === this.#eof) {
      this.#ended = true;
      this.#queue = [];
      return null;
    }
    return item;
  }

  async #more(): Promise<void> {
    const line = await this.#input.line(this.#delimiter ?? '\n');
    if (line === null) {
      this.#ended = true;
      return;
    }
    if (this.#delimiter !== undefined) {
      this.#queue.push({ text: line.text, endsLine: true });
      return;
    }
    let text = line.text;
    // A backslash before the newline keeps both together.
    while (/(^|[^\\])(\\\\)*\\$/.test(text)) {
      const more = await this.#input.line('\n');
      if (more === null) break;
      text = `${text}\n${more.text}`;
    }
    if (this.#lines) text = text.replace(/^[ \t]+/, '');
    let word: string | undefined;
    const words: string[] = [];
    for (let i = 0; i < text.length; i++) {
      const char = text[i]!;
      if (char === "'" || char === '"') {
        const end = text.indexOf(char, i + 1);
        if (end < 0)
          this.#c.fail(
            `unmatched ${char === '"' ? 'double' : 'single'} quote; by default quotes are special to xargs unless you use the -0 option`,
          );
        word = (word ?? '') + text.slice(i + 1, end);
        i = end;
      } else if (char === '\\' && i + 1 < text.length) word = (word ?? '') + text[++i];
      else if (!this.#lines && (char === ' ' || char === '\t')) {
        if (word !== undefined) words.push(word);
        word = undefined;
      } else word = (word ?? '') + char;
    }
    if (word !== undefined) words.push(word);
    this.#queue.push(
      ...words.map((each, i) => ({ text: each, endsLine: i === words.length - 1 && !/[ \t]$/.test(line.text) })),
    );
  }
}

export const xargs: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('+0a:E:e::i::I:l::L:n:prs:txP:d:o', LONG);
  const p = c.process;
  let delimiter: string | undefined;
  let replace: string | undefined;
  let most = Number.POSITIVE_INFINITY;
  let lines = Number.POSITIVE_INFINITY;
  let runEmpty = true;
  let trace = false;
  let eof: string | undefined;
  let fd = 0;
  let space = SPACE;
  let parallel = 1;
  const number = (text: string, option: string, least: number): number => {
    if (!/^-?\d+$/.test(text)) c.usage(`invalid number "${text}" for -${option} option`);
    if (Number(text) < least) c.usage(`value ${text} for -${option} option should be >= ${least}`);
    return Number(text);
  };
  for (const { key, value } of options) {
    if (key === '0') delimiter = '\0';
    else if (key === 'd')
      delimiter = { '\\n': '\n', '\\t': '\t', '\\0': '\0', '\\\\': '\\' }[value] ?? value.slice(0, 1);
    else if (key === 'a') {
      const opened = await attempt(() => p.open(value, { read: true }));
      if ('error' in opened) c.fail(`Cannot open input file ${quoteIfNeeded(value)}: ${opened.error.message}`);
      fd = opened.value;
    } else if (key === 'I' || key === 'i') replace = value === '' ? '{}' : value;
    else if (key === 'L' || key === 'l') lines = value === '' ? 1 : number(value, key, 1);
    else if (key === 'n') most = number(value, 'n', 1);
    else if (key === 'r') runEmpty = false;
    else if (key === 't') trace = true;
    else if (key === 's') space = number(value, 's', 1);
    else if (key === 'P') parallel = number(value, 'P', 0);
    else if (key === 'E' || key === 'e') eof = value === '' ? undefined : value;
    else if (key !== 'x') c.fail(`option -${key} is not supported`);
  }
  const base = operands.length === 0 ? ['echo'] : operands;
  const items = new Items(c, new Input(p, fd), delimiter, replace !== undefined, eof);
  let status = 0;
  let running = 0;
  const collect = async (): Promise<boolean> => {
    running--;
    const ended = await waitFor(p, -1);
    if ('signal' in ended) c.fail(`${base[0]}: terminated by signal ${ended.signal}`, 125);
    if (ended.exit === 255) c.fail(`${base[0]}: exited with status 255; aborting`, 124);
    if (ended.exit === 126 || ended.exit === 127) {
      status = ended.exit;
      return false;
    }
    if (ended.exit !== 0) status = 123;
    return true;
  };
  const run = async (words: readonly string[]): Promise<boolean> => {
    if (trace) await c.print(`${words.map(quoteForTerminal).join(' ')}\n`);
    await c.out.flush();
    p.fork(async (self) => {
      try {
        if (fd === 0) {
          // The program must not eat the arguments.
          const nothing = await self.open('/dev/null', { read: true });
          self.dup2(nothing, 0);
          self.close(nothing);
        }
        return await execvp(self, words);
      } catch (error) {
        if (!(error instanceof SyscallError)) throw error;
        await complain(self, `${c.name}: ${words[0]}: ${error.message}\n`);
        return notRun(error);
      }
    });
    running++;
    if (parallel > 0 && running >= parallel) return collect();
    return true;
  };
  let batch: string[] = [];
  let inBatch = 0;
  let size = 0;
  let ran = false;
  let going = true;
  while (going) {
    const item = await items.next();
    if (item === null) break;
    if (replace !== undefined) {
      ran = true;
      going = await run(base.map((word) => word.replaceAll(replace, item.text)));
      continue;
    }
    if (batch.length > 0 && size + item.text.length + 1 > space) {
      ran = true;
      going = await run([...base, ...batch]);
      batch = [];
      inBatch = 0;
      size = 0;
      if (!going) break;
    }
    batch.push(item.text);
    size += item.text.length + 1;
    if (item.endsLine) inBatch++;
    if (batch.length >= most || inBatch >= lines) {
      ran = true;
      going = await run([...base, ...batch]);
      batch = [];
      inBatch = 0;
      size = 0;
    }
  }
  if (going && replace === undefined && (batch.length > 0 || (!ran && runEmpty))) await run([...base, ...batch]);
  while (running > 0) await collect();
  return status;
});
