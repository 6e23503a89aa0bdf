/** sed(1) of GNU */
import { SyscallError } from '../kernel/error.ts';
import type { Process, Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command, errorOf, Failure, Output } from './command.ts';
import { getopt, OptionError } from './getopt.ts';
import { Input, readAll } from './input.ts';
import { Regex, RegexError } from './regex.ts';

const USAGE = 1;
const BAD_INPUT = 2;
const PANIC = 4;

type Address =
  | { kind: 'line'; line: number }
  | { kind: 'last' }
  | { kind: 'regex'; regex: Regex | undefined }
  | { kind: 'step'; first: number; step: number }
  | { kind: 'plus'; count: number }
  | { kind: 'multiple'; count: number };

interface Instruction {
  from: Address | undefined;
  to: Address | undefined;
  negated: boolean;
  name: string;
  /** text of a i c, labels, file names */
  text: string;
  /** where `{` and branches go on */
  target: number;
  substitute: Substitution | undefined;
  translate: Map<string, string> | undefined;
  /** exit status of q and Q, width of l */
  number: number;
  /** of a range: whether it is open, and the line that it ends at */
  active: boolean;
  end: number;
}

interface Substitution {
  regex: Regex | undefined;
  parts: Part[];
  global: boolean;
  nth: number;
  print: number;
  file: string;
}

/** Of a replacement: text, a group (0: all), or a change of case. */
type Part = { text: string } | { group: number } | { letters: 'U' | 'L' | 'u' | 'l' | 'E' };

class ScriptError extends Error {
  override name = 'ScriptError';
}

class ScriptParser {
  readonly #text: string;
  readonly #extended: boolean;
  #at = 0;
  readonly program: Instruction[] = [];
  readonly #blocks: number[] = [];
  readonly #labels = new Map<string, number>();

  constructor(text: string, extended: boolean) {
    this.#text = text;
    this.#extended = extended;
  }

  get at(): number {
    return this.#at;
  }

  parse(): Instruction[] {
    for (;;) {
      this.#skip(/[\s;]*/y);
      if (this.#at >= this.#text.length) break;
      this.#command();
    }
    if (this.#blocks.length > 0) {
      this.#at = 0;
      throw new ScriptError("unmatched `{'");
    }
    for (const each of this.program)
      if ('btT'.includes(each.name) && each.text !== '') {
        const target = this.#labels.get(each.text);
        if (target === undefined) throw new Failure(`sed: can't find label for jump to \`${each.text}'\n`, PANIC);
        each.target = target;
      } else if ('btT'.includes(each.name)) each.target = this.program.length;
    return this.program;
  }

  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  #next(): string | undefined {
    return this.#text[this.#at++];
  }

  #regex(source: string, flags: { ignoreCase: boolean; multiline: boolean }): Regex | undefined {
    if (source === '') return undefined;
    try {
      return new Regex(source, { extended: this.#extended, ...flags });
    } catch (error) {
      if (error instanceof RegexError) throw new ScriptError(error.message);
      throw error;
    }
  }

  /** The text up to a delimiter: `\n` is a newline, the delimiter escaped is itself. */
  #delimited(delimiter: string, regex: boolean, unterminated: string): string {
    let out = '';
    let inBracket = false;
    for (;;) {
      const char = this.#next();
      if (char === undefined || (char === '\n' && regex)) {
        if (char === undefined) this.#at--;
        throw new ScriptError(unterminated);
      }
      if (char === '\\') {
        const next = this.#next();
        if (next === undefined) {
          this.#at--;
          throw new ScriptError(unterminated);
        }
        if (next === delimiter && !inBracket)
          out += regex && /[.*[\]^$+?(){}|]/.test(delimiter) && !this.#special(delimiter) ? `\\${next}` : next;
        else if (next === 'n' && regex) out += '\n';
        else if (next === '\n' && regex) out += '\n';
        else out += char + next;
        continue;
      }
      if (regex) {
        if (inBracket) {
          if (char === ']') inBracket = false;
          else if (char === '[' && /[:.=]/.test(this.#text[this.#at] ?? '')) {
            const close = this.#text.indexOf(`${this.#text[this.#at]}]`, this.#at + 1);
            if (close >= 0) {
              out += this.#text.slice(this.#at - 1, close + 2);
              this.#at = close + 2;
              continue;
            }
          }
        } else if (char === '[') {
          inBracket = true;
          out += char;
          const first = this.#skip(/\^?\]?/y);
          out += first;
          continue;
        }
      }
      if (char === delimiter && !inBracket) return out;
      out += char;
    }
  }

  #special(delimiter: string): boolean {
    return this.#extended ? false : /[+?(){}|]/.test(delimiter);
  }

  #address(): Address | undefined {
    const digits = this.#skip(/\d+/y);
    if (digits !== '') {
      const step = this.#skip(/\s*~\s*\d*/y);
      if (step !== '') return { kind: 'step', first: Number(digits), step: Number(step.replace(/[\s~]/g, '')) };
      return { kind: 'line', line: Number(digits) };
    }
    const char = this.#text[this.#at];
    if (char === '$') {
      this.#at++;
      return { kind: 'last' };
    }
    if (char === '/' || char === '\\') {
      this.#at++;
      const delimiter = char === '/' ? '/' : this.#next();
      if (delimiter === undefined) throw new ScriptError("unexpected `,'");
      const source = this.#delimited(delimiter, true, 'unterminated address regex');
      const flags = this.#skip(/[IM]*/y);
      return {
        kind: 'regex',
        regex: this.#regex(source, { ignoreCase: flags.includes('I'), multiline: flags.includes('M') }),
      };
    }
    return undefined;
  }

  #command(): void {
    const instruction: Instruction = {
      ...{ from: this.#address(), to: undefined, negated: false, name: '', text: '', target: 0 },
      ...{ substitute: undefined, translate: undefined, number: 0, active: false, end: 0 },
    };
    this.#skip(/\s*/y);
    if (instruction.from !== undefined && this.#text[this.#at] === ',') {
      this.#at++;
      this.#skip(/\s*/y);
      const relative = this.#skip(/[+~]\d+/y);
      instruction.to =
        relative === ''
          ? this.#address()
          : { kind: relative[0] === '+' ? 'plus' : 'multiple', count: Number(relative.slice(1)) };
      if (instruction.to === undefined) {
        this.#at++;
        throw new ScriptError("unexpected `,'");
      }
      this.#skip(/\s*/y);
    }
    if (instruction.from?.kind === 'line' && instruction.from.line === 0 && instruction.to?.kind !== 'regex')
      throw this.#after('invalid usage of line address 0');
    if (this.#text[this.#at] === '!') {
      instruction.negated = true;
      this.#skip(/!\s*/y);
      if (this.#text[this.#at] === '!') {
        this.#at++;
        throw new ScriptError("multiple `!'s");
      }
    }
    const name = this.#next();
    if (name === undefined) {
      this.#at--;
      throw new ScriptError('missing command');
    }
    instruction.name = name;
    switch (name) {
      case '#':
        if (instruction.from !== undefined) throw new ScriptError("comments don't accept any addresses");
        this.#skip(/[^\n]*/y);
        return;
      case ':': {
        if (instruction.from !== undefined) throw new ScriptError(": doesn't want any addresses");
        const label = this.#skip(/\s*[^\s;]*/y).trim();
        if (label === '') throw new ScriptError('":" lacks a label');
        this.#labels.set(label, this.program.length);
        return;
      }
      case '{':
        this.#blocks.push(this.program.length);
        this.program.push(instruction);
        return;
      case '}': {
        const open = this.#blocks.pop();
        if (open === undefined) throw new ScriptError("unexpected `}'");
        if (instruction.from !== undefined) throw new ScriptError("} doesn't want any addresses");
        this.program[open]!.target = this.program.length;
        this.#end();
        return;
      }
      case 'a':
      case 'i':
      case 'c':
        instruction.text = this.#insertion();
        break;
      case 'b':
      case 't':
      case 'T':
        instruction.text = this.#skip(/[^\n;}]*/y).trim();
        break;
      case 'r':
      case 'R':
      case 'w':
      case 'W':
        instruction.text = this.#skip(/[^\n]*/y).trim();
        if (instruction.text === '') throw new ScriptError('missing filename in r/R/w/W commands');
        break;
      case 'q':
      case 'Q':
      case 'l':
      case 'L':
        if (instruction.to !== undefined && name !== 'l') throw new ScriptError('command only uses one address');
        instruction.number = Number(this.#skip(/\s*\d*/y).trim() || (name === 'l' ? -1 : 0));
        this.#end();
        break;
      case '=':
      case 'd':
      case 'D':
      case 'g':
      case 'G':
      case 'h':
      case 'H':
      case 'n':
      case 'N':
      case 'p':
      case 'P':
      case 'x':
      case 'z':
      case 'F':
        this.#end();
        break;
      case 's':
        instruction.substitute = this.#substitution();
        break;
      case 'y':
        instruction.translate = this.#translation();
        this.#end();
        break;
      case 'e':
      case 'v':
        throw new ScriptError(`command \`${name}' is not supported`);
      default:
        throw new ScriptError(`unknown command: \`${name}'`);
    }
    this.program.push(instruction);
  }

  /** Nothing but blanks, `;`, `}` or a comment may follow. */
  #end(): void {
    this.#skip(/[ \t]*/y);
    const char = this.#text[this.#at];
    if (char === undefined || char === '\n' || char === ';' || char === '}' || char === '#') return;
    this.#at++;
    throw new ScriptError('extra characters after command');
  }

  #insertion(): string {
    this.#skip(/[ \t]*/y);
    if (this.#at >= this.#text.length) throw new ScriptError("expected \\ after `a', `c' or `i'");
    let keepBlanks = false;
    if (this.#text[this.#at] === '\\') {
      this.#at++;
      const blanks = this.#skip(/[ \t]*/y);
      if (this.#text[this.#at] === '\n') this.#at++;
      else {
        // One line: blanks behind the backslash belong to the text.
        keepBlanks = true;
        this.#at -= blanks.length;
      }
      if (this.#at >= this.#text.length && !keepBlanks) throw new ScriptError("expected \\ after `a', `c' or `i'");
    }
    let out = '';
    for (;;) {
      const char = this.#next();
      if (char === undefined || char === '\n') {
        if (char === undefined) this.#at--;
        return `${out}\n`;
      }
      if (char === '\\') {
        const next = this.#next();
        if (next === undefined) {
          this.#at--;
          return `${out}\n`;
        }
        out += next === 't' && out !== '' ? '\t' : next;
      } else out += char;
    }
  }

  #substitution(): Substitution {
    const unterminated = "unterminated `s' command";
    const delimiter = this.#next();
    if (delimiter === undefined) {
      this.#at--;
      throw new ScriptError(unterminated);
    }
    const source = this.#delimited(delimiter, true, unterminated);
    const replacement = this.#delimited(delimiter, false, unterminated);
    const found: Substitution = { regex: undefined, parts: [], global: false, nth: 0, print: 0, file: '' };
    const flags = { ignoreCase: false, multiline: false };
    for (;;) {
      const char = this.#text[this.#at];
      if (char === 'g') {
        if (found.global) throw this.#after("multiple `g' options to `s' command");
        found.global = true;
      } else if (char === 'p') found.print++;
      else if (char === 'i' || char === 'I') flags.ignoreCase = true;
      else if (char === 'm' || char === 'M') flags.multiline = true;
      else if (char === 'e') throw new ScriptError("flag `e' of `s' is not supported");
      else if (char !== undefined && /\d/.test(char)) {
        const digits = this.#skip(/\d+/y);
        if (found.nth > 0) throw new ScriptError("multiple number options to `s' command");
        found.nth = Number(digits);
        if (found.nth === 0) throw new ScriptError("number option to `s' command may not be zero");
        continue;
      } else if (char === 'w') {
        this.#at++;
        found.file = this.#skip(/[^\n]*/y).trim();
        if (found.file === '') throw new ScriptError('missing filename in r/R/w/W commands');
        break;
      } else break;
      this.#at++;
    }
    this.#skip(/[ \t]*/y);
    const rest = this.#text[this.#at];
    if (rest !== undefined && !/[\n;}#]/.test(rest)) throw this.#after("unknown option to `s'");
    found.regex = this.#regex(source, flags);
    found.parts = partsOf(replacement);
    const groups = Math.max(0, ...found.parts.map((part) => ('group' in part ? part.group : 0)));
    if (found.regex !== undefined && groups > found.regex.groups)
      throw new ScriptError(`invalid reference \\${groups} on \`s' command's RHS`);
    return found;
  }

  #after(text: string): ScriptError {
    this.#at++;
    return new ScriptError(text);
  }

  #translation(): Map<string, string> {
    const unterminated = "unterminated `y' command";
    const delimiter = this.#next() ?? '';
    const plain = (text: string) =>
      [...text.matchAll(/\\([\s\S])|([\s\S])/g)].map(([, escaped, bare]) =>
        bare !== undefined ? bare : ({ n: '\n', t: '\t', '\\': '\\' }[escaped!] ?? `\\${escaped}`),
      );
    const from = plain(this.#delimited(delimiter, false, unterminated));
    const to = plain(this.#delimited(delimiter, false, unterminated));
    if (from.length !== to.length) throw new ScriptError("strings for `y' command are different lengths");
    return new Map(from.map((char, i) => [char, to[i]!]));
  }
}

function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  const add = (more: string) => {
    const last = parts.at(-1);
    if (last !== undefined && 'text' in last) last.text += more;
    else parts.push({ text: more });
  };
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === '&') parts.push({ group: 0 });
    else if (char !== '\\' || i + 1 === text.length) add(char);
    else {
      const next = text[++i]!;
      if (/\d/.test(next)) parts.push({ group: Number(next) });
      else if (/[ULulE]/.test(next)) parts.push({ letters: next as 'U' });
      else add({ n: '\n', t: '\t', a: '\x07', f: '\f', v: '\v', r: '\r' }[next] ?? next);
    }
  }
  return parts;
}

/** Lines of all files as one stream (or of each with -s and -i), with a look at whether more come. */
class Lines {
  readonly #c: Command;
  readonly #names: readonly string[];
  readonly separate: boolean;
  #index = 0;
  #input: Input | undefined;
  #fd = 0;
  #ahead: { text: string; terminated: boolean } | null | undefined;
  readonly #end: string;
  name = '-';
  /** told when a file begins and ends: -i writes it anew then */
  onFile: (name: string, fd: number, begins: boolean) => Promise<void> = async () => {};

  constructor(c: Command, names: readonly string[], separate: boolean, end: string) {
    this.#c = c;
    this.#names = names;
    this.separate = separate;
    this.#end = end;
  }

  async #open(): Promise<boolean> {
    while (this.#index < this.#names.length) {
      const name = this.#names[this.#index++]!;
      if (name === '-') {
        this.#fd = 0;
        this.#input = new Input(this.#c.process, 0);
        this.name = '-';
        return true;
      }
      const opened = await attempt(() => this.#c.process.open(name, { read: true }));
      if ('error' in opened) {
        await this.#c.error(`can't read ${name}: ${opened.error.message}`, BAD_INPUT);
        continue;
      }
      if (this.#c.process.fstat(opened.value).type === 'directory') {
        if (this.inPlace) await this.#c.error(`couldn't edit ${name}: not a regular file`, PANIC);
        else await this.#c.error(`read error on ${name}: Is a directory`, PANIC);
        this.#c.process.close(opened.value);
        continue;
      }
      this.#fd = opened.value;
      this.#input = new Input(this.#c.process, opened.value);
      this.name = name;
      await this.onFile(name, opened.value, true);
      return true;
    }
    return false;
  }
  inPlace = false;

  async #close(): Promise<void> {
    if (this.#input === undefined) return;
    this.#input = undefined;
    await this.onFile(this.name, this.#fd, false);
    if (this.#fd !== 0) this.#c.process.close(this.#fd);
  }

  /** The next line, or null at the very end. */
  async next(): Promise<{ text: string; terminated: boolean } | null> {
    if (this.#ahead !== undefined) {
      const line = this.#ahead;
      this.#ahead = undefined;
      if (line !== null) return line;
    }
    for (;;) {
      if (this.#input === undefined && !(await this.#open())) return null;
      const line = await this.#read();
      if (line !== null) return line;
      await this.#close();
    }
  }

  async #read(): Promise<{ text: string; terminated: boolean } | null> {
    try {
      return await this.#input!.line(this.#end);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      await this.#c.error(`read error on ${this.name}: ${error.message}`, BAD_INPUT);
      return null;
    }
  }

  /** Whether the line at hand is the last one. */
  async last(): Promise<boolean> {
    if (this.#ahead !== undefined) return this.#ahead === null;
    if (this.separate) return this.#input === undefined || (await this.#input.ended());
    for (;;) {
      if (this.#input === undefined && !(await this.#open())) {
        this.#ahead = null;
        return true;
      }
      const line = await this.#read();
      if (line !== null) {
        this.#ahead = line;
        return false;
      }
      await this.#close();
    }
  }

  /** Reads what is left of the files: q with -i copies it. */
  async finish(copy: (text: string) => Promise<void>): Promise<void> {
    if (this.#input !== undefined) {
      if (this.inPlace)
        for (let line = await this.#read(); line !== null; line = await this.#read())
          await copy(line.text + (line.terminated ? this.#end : ''));
      await this.#close();
    }
  }
}

class Editor {
  readonly #c: Command;
  readonly #p: Process;
  readonly #program: Instruction[];
  readonly #lines: Lines;
  readonly #quiet: boolean;
  readonly #end: string;
  readonly #width: number;
  out: Output;
  #pattern = '';
  #hold = '';
  #terminated = true;
  #number = 0;
  #replaced = false;
  #queue: ({ text: string } | { file: string } | { line: string })[] = [];
  #lastRegex: Regex | undefined;
  /** a newline is owed when the last line of a file had none */
  #missing = false;
  readonly #files = new Map<string, Output>();
  readonly #readers = new Map<string, Input | undefined>();

  constructor(
    c: Command,
    program: Instruction[],
    lines: Lines,
    options: { quiet: boolean; end: string; width: number },
  ) {
    this.#c = c;
    this.#p = c.process;
    this.#program = program;
    this.#lines = lines;
    this.#quiet = options.quiet;
    this.#end = options.end;
    this.#width = options.width;
    this.out = c.out;
  }

  /** Files of w are made before anything is read. */
  async openFiles(): Promise<void> {
    for (const { name, text, substitute } of this.#program) {
      const file = name === 'w' || name === 'W' ? text : (substitute?.file ?? '');
      if (file === '' || this.#files.has(file)) continue;
      if (file === '/dev/stdout') this.#files.set(file, this.out);
      else if (file === '/dev/stderr') this.#files.set(file, new Output(this.#p, 2));
      else {
        const opened = await attempt(() => this.#p.open(file, { write: true, create: true, truncate: true }, 0o666));
        if ('error' in opened) this.#c.fail(`couldn't open file ${file}: ${opened.error.message}`, PANIC);
        this.#files.set(file, new Output(this.#p, opened.value));
      }
    }
  }

  async flushFiles(): Promise<void> {
    for (const output of this.#files.values()) await output.flush();
  }

  startFile(): void {
    if (this.#lines.separate) {
      this.#number = 0;
      this.#missing = false;
    }
  }

  async #write(text: string, terminated = true, to = this.out): Promise<void> {
    const owed = to === this.out && this.#missing ? this.#end : '';
    if (to === this.out) this.#missing = !terminated;
    await to.write(owed + text + (terminated ? this.#end : ''));
  }

  async #read(): Promise<boolean> {
    const line = await this.#lines.next();
    if (line === null) return false;
    this.#pattern = line.text;
    this.#terminated = line.terminated;
    this.#number++;
    return true;
  }

  /** What a, r and R have put off until the end of the cycle. */
  async #dump(): Promise<void> {
    const queue = this.#queue;
    this.#queue = [];
    for (const each of queue) {
      if ('text' in each) {
        if (this.#missing) await this.out.write(this.#end);
        this.#missing = false;
        await this.out.write(each.text);
      } else if ('line' in each) await this.#write(each.line);
      else {
        const text = await attempt(async () => {
          const fd = each.file === '/dev/stdin' ? 0 : await this.#p.open(each.file, { read: true });
          const all = await readAll(this.#p, fd);
          if (fd !== 0) this.#p.close(fd);
          return all;
        });
        if ('error' in text || text.value === '') continue;
        if (this.#missing) await this.out.write(this.#end);
        this.#missing = false;
        await this.out.write(text.value);
      }
    }
  }

  /** Runs the script over all lines; the exit status. */
  async run(): Promise<number> {
    let again = false;
    for (;;) {
      if (!again && !(await this.#read())) return 0;
      again = false;
      const result = await this.#cycle();
      if (result === 'again') {
        again = true;
        await this.#dump();
        continue;
      }
      if (result !== 'delete' && typeof result !== 'object' && !this.#quiet)
        await this.#write(this.#pattern, this.#terminated);
      if (typeof result === 'object') {
        if (!result.silent) {
          if (!this.#quiet) await this.#write(this.#pattern, this.#terminated);
          await this.#dump();
        }
        await this.#lines.finish((text) => this.out.write(text));
        return result.quit;
      }
      await this.#dump();
    }
  }

  /** One cycle: `end`, `delete` (nothing is printed), `again` (D), or the end of it all. */
  async #cycle(): Promise<'end' | 'delete' | 'again' | { quit: number; silent: boolean }> {
    const program = this.#program;
    this.#replaced = false;
    for (let at = 0; at < program.length; at++) {
      const instruction = program[at]!;
      if ((await this.#selects(instruction)) === instruction.negated) {
        if (instruction.name === '{') at = instruction.target - 1;
        continue;
      }
      switch (instruction.name) {
        case '=':
          await this.#write(String(this.#number));
          break;
        case 'a':
          this.#queue.push({ text: instruction.text });
          break;
        case 'i':
          if (this.#missing) await this.out.write(this.#end);
          this.#missing = false;
          await this.out.write(instruction.text);
          break;
        case 'c':
          if (instruction.to === undefined || instruction.negated || !instruction.active)
            await this.out.write(instruction.text);
          return 'delete';
        case 'b':
          at = instruction.target - 1;
          break;
        case 't':
          if (this.#replaced) {
            this.#replaced = false;
            at = instruction.target - 1;
          }
          break;
        case 'T':
          if (!this.#replaced) at = instruction.target - 1;
          else this.#replaced = false;
          break;
        case 'd':
          return 'delete';
        case 'D': {
          const newline = this.#pattern.indexOf('\n');
          if (newline < 0) return 'delete';
          this.#pattern = this.#pattern.slice(newline + 1);
          return 'again';
        }
        case 'g':
          this.#pattern = this.#hold;
          break;
        case 'G':
          this.#pattern += `\n${this.#hold}`;
          break;
        case 'h':
          this.#hold = this.#pattern;
          break;
        case 'H':
          this.#hold += `\n${this.#pattern}`;
          break;
        case 'x':
          [this.#pattern, this.#hold] = [this.#hold, this.#pattern];
          break;
        case 'l':
          await this.#write(this.#list(instruction.number));
          break;
        case 'n':
          if (await this.#lines.last()) {
            if (this.#lines.separate) break;
            return { quit: 0, silent: false };
          }
          if (!this.#quiet) await this.#write(this.#pattern, this.#terminated);
          await this.#dump();
          await this.#read();
          break;
        case 'N': {
          if (await this.#lines.last()) return { quit: 0, silent: false };
          await this.#dump();
          const before = this.#pattern;
          await this.#read();
          this.#pattern = `${before}\n${this.#pattern}`;
          break;
        }
        case 'p':
          await this.#write(this.#pattern, this.#terminated);
          break;
        case 'P':
          await this.#write(this.#pattern.split('\n')[0]!);
          break;
        case 'q':
          return { quit: instruction.number, silent: false };
        case 'Q':
          return { quit: instruction.number, silent: true };
        case 'r':
          this.#queue.push({ file: instruction.text });
          break;
        case 'R': {
          if (!this.#readers.has(instruction.text)) {
            const opened = await attempt(() => this.#p.open(instruction.text, { read: true }));
            this.#readers.set(instruction.text, 'value' in opened ? new Input(this.#p, opened.value) : undefined);
          }
          const line = await this.#readers.get(instruction.text)?.line();
          if (line) this.#queue.push({ line: line.text });
          break;
        }
        case 's':
          await this.#substitute(instruction.substitute!);
          break;
        case 'w':
          await this.#write(this.#pattern, true, this.#files.get(instruction.text)!);
          break;
        case 'W':
          await this.#write(this.#pattern.split('\n')[0]!, true, this.#files.get(instruction.text)!);
          break;
        case 'y':
          this.#pattern = [...this.#pattern].map((char) => instruction.translate!.get(char) ?? char).join('');
          break;
        case 'z':
          this.#pattern = '';
          break;
        case 'F':
          await this.#write(this.#lines.name);
          break;
      }
    }
    return 'end';
  }

  #list(width: number): string {
    const limit = width < 0 ? this.#width : width;
    let line = '';
    const lines: string[] = [];
    for (const char of this.#pattern) {
      const shown =
        { '\\': '\\\\', '\n': '\\n', '\t': '\\t', '\r': '\\r', '\x07': '\\a', '\b': '\\b', '\f': '\\f', '\v': '\\v' }[
          char
        ] ?? (char >= ' ' && char <= '~' ? char : `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
      if (limit > 1 && line.length + shown.length > limit - 1) {
        lines.push(`${line}\\`);
        line = '';
      }
      line += shown;
    }
    return [...lines, `${line}$`].join('\n');
  }

  async #matches(address: Address): Promise<boolean> {
    switch (address.kind) {
      case 'line':
        return this.#number === address.line;
      case 'last':
        return this.#lines.last();
      case 'regex':
        return this.#regexOf(address.regex).test(this.#pattern);
      case 'step':
        return address.step <= 0
          ? this.#number === address.first
          : this.#number >= address.first && (this.#number - address.first) % address.step === 0;
      default:
        return false;
    }
  }

  #regexOf(regex: Regex | undefined): Regex {
    const used = regex ?? this.#lastRegex;
    if (used === undefined) this.#c.fail('-e expression #1, char 0: no previous regular expression', USAGE);
    this.#lastRegex = used;
    return used;
  }

  async #selects(instruction: Instruction): Promise<boolean> {
    const { from, to } = instruction;
    if (from === undefined) return true;
    if (to === undefined) return this.#matches(from);
    if (!instruction.active) {
      // `0,/re/` may end on the first line.
      const zero = from.kind === 'line' && from.line === 0;
      if (zero && this.#number === 1) {
        instruction.active = !(await this.#matches(to));
        return true;
      }
      if (zero || !(await this.#matches(from))) return false;
      instruction.active = true;
      if (to.kind === 'line') instruction.end = to.line;
      else if (to.kind === 'plus') instruction.end = this.#number + to.count;
      else if (to.kind === 'multiple')
        instruction.end = to.count <= 0 ? this.#number : Math.ceil(this.#number / to.count) * to.count;
      else if (to.kind === 'last') {
        if (await this.#lines.last()) instruction.active = false;
        return true;
      } else return true;
      if (instruction.end <= this.#number) instruction.active = false;
      return true;
    }
    if (to.kind === 'line' || to.kind === 'plus' || to.kind === 'multiple') {
      if (this.#number >= instruction.end) instruction.active = false;
      // The line may have gone by while the command was not looked at.
      return this.#number <= instruction.end || to.kind !== 'line' ? true : this.#matches(from);
    }
    if (await this.#matches(to)) instruction.active = false;
    return true;
  }

  async #substitute(s: Substitution): Promise<void> {
    const regex = this.#regexOf(s.regex);
    const text = this.#pattern;
    let out = '';
    let at = 0;
    let from = 0;
    let count = 0;
    let done = false;
    let lastEnd = -1;
    while (from <= text.length) {
      const match = regex.exec(text, from);
      if (match === null) break;
      if (match.start === match.end && match.start === lastEnd) {
        // Nothing, right behind what was replaced: it does not count.
        from = match.end + 1;
        continue;
      }
      count++;
      lastEnd = match.end;
      if (count >= Math.max(1, s.nth)) {
        out += text.slice(at, match.start) + replacementOf(s.parts, text, match);
        at = match.end;
        done = true;
        if (!s.global) break;
      }
      from = match.end > match.start ? match.end : match.end + 1;
    }
    if (!done) return;
    this.#pattern = out + text.slice(at);
    this.#replaced = true;
    for (let i = 0; i < s.print; i++) await this.#write(this.#pattern, this.#terminated);
    if (s.file !== '') await this.#write(this.#pattern, true, this.#files.get(s.file)!);
  }
}

function replacementOf(
  parts: readonly Part[],
  text: string,
  match: { start: number; end: number; groups: (string | undefined)[] },
): string {
  let out = '';
  let letters: 'U' | 'L' | '' = '';
  let once: 'u' | 'l' | '' = '';
  for (const part of parts) {
    if ('letters' in part) {
      if (part.letters === 'u' || part.letters === 'l') once = part.letters;
      else {
        letters = part.letters === 'E' ? '' : part.letters;
        once = '';
      }
      continue;
    }
    let piece =
      'text' in part
        ? part.text
        : part.group === 0
          ? text.slice(match.start, match.end)
          : (match.groups[part.group - 1] ?? '');
    const upper = (each: string) => each.replace(/[a-z]/g, (char) => char.toUpperCase());
    const lower = (each: string) => each.replace(/[A-Z]/g, (char) => char.toLowerCase());
    if (letters !== '') piece = letters === 'U' ? upper(piece) : lower(piece);
    if (once !== '' && piece !== '') {
      piece = (once === 'u' ? upper(piece[0]!) : lower(piece[0]!)) + piece.slice(1);
      once = '';
    }
    out += piece;
  }
  return out;
}

const LONG = {
  ...{ quiet: 'n', silent: 'n', debug: 'debug', 'expression=': 'e', 'file=': 'f', 'follow-symlinks': 'follow' },
  ...{
    'in-place=?': 'i',
    'line-length=': 'l',
    posix: 'posix',
    'regexp-extended': 'E',
    separate: 's',
    sandbox: 'sandbox',
  },
  ...{ unbuffered: 'u', 'null-data': 'z', help: '--help', version: '--version' },
};

export const sed: Program = command(
  async (c: Command) => {
    let line: ReturnType<typeof getopt>;
    try {
      line = getopt(c.args, 'bsnrzuEe:f:l:i::', LONG);
    } catch (error) {
      if (error instanceof OptionError) throw new Failure(`${c.name}: ${error.message}\n${USAGE_TEXT}`, USAGE);
      throw error;
    }
    const pieces: string[] = [];
    let extended = false;
    let quiet = false;
    let separate = false;
    let suffix: string | undefined;
    let end = '\n';
    let width = 70;
    let given = false;
    for (const { key, value } of line.options) {
      if (key === 'e') {
        pieces.push(value);
        given = true;
      } else if (key === 'f') {
        given = true;
        const text = await attempt(async () => {
          const fd = value === '-' ? 0 : await c.process.open(value, { read: true });
          return readAll(c.process, fd);
        });
        if ('error' in text) c.fail(`couldn't open file ${value}: ${text.error.message}`, PANIC);
        pieces.push(text.value.replace(/\n$/, ''));
      } else if (key === 'E' || key === 'r') extended = true;
      else if (key === 'n') quiet = true;
      else if (key === 's') separate = true;
      else if (key === 'i') {
        suffix = value;
        separate = true;
      } else if (key === 'z') end = '\0';
      else if (key === 'l') width = Number(value);
      else if (key !== 'u' && key !== 'b' && key !== 'posix') c.fail(`option ${key} is not supported`, USAGE);
    }
    const operands = [...line.operands];
    if (!given) {
      const first = operands.shift();
      if (first === undefined) throw new Failure(USAGE_TEXT, USAGE);
      pieces.push(first);
    }
    const script = pieces.join('\n');
    if (/^#n(\n|$)/.test(script)) quiet = true;
    const parser = new ScriptParser(script, extended);
    let program: Instruction[];
    try {
      program = parser.parse();
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      // Which piece, and where in it.
      let piece = 0;
      let at = parser.at;
      while (piece < pieces.length - 1 && at > pieces[piece]!.length + 1) at -= pieces[piece++]!.length + 1;
      c.fail(`-e expression #${piece + 1}, char ${at}: ${error.message}`, USAGE);
    }
    const lines = new Lines(c, operands.length === 0 ? ['-'] : operands, separate, end);
    lines.inPlace = suffix !== undefined;
    const editor = new Editor(c, program, lines, { quiet, end, width });
    await editor.openFiles();
    let temporary = '';
    let made = 0;
    lines.onFile = async (name, fd, begins) => {
      if (begins) editor.startFile();
      if (suffix === undefined || name === '-') return;
      const p = c.process;
      const directory = name.includes('/') ? name.slice(0, name.lastIndexOf('/') + 1) : './';
      if (begins) {
        temporary = `${directory}sed${String(p.pid).padStart(5, '0')}${made++}`;
        const opened = await attempt(() => p.open(temporary, { write: true, create: true, exclusive: true }, 0o600));
        if ('error' in opened) c.fail(`couldn't open temporary file ${temporary}: ${opened.error.message}`, PANIC);
        editor.out = new Output(p, opened.value);
        return;
      }
      await editor.out.flush();
      const stat = p.fstat(fd);
      p.close(editor.out.fd);
      p.chmod(temporary, stat.mode);
      await errorOf(() => p.chown(temporary, stat.uid, stat.gid));
      if (suffix !== '')
        await p.rename(
          name,
          suffix.includes('*')
            ? directory + suffix.replaceAll('*', name.slice(name.lastIndexOf('/') + 1))
            : name + suffix,
        );
      await p.rename(temporary, name);
      editor.out = c.out;
    };
    const status = await editor.run();
    await editor.flushFiles();
    return status || c.status;
  },
  { trouble: USAGE },
);

/** What a wrong command line gets; GNU's text goes on with all options. */
const USAGE_TEXT = 'Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n\n';
