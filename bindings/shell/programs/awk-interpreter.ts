/** Running awk: values that are text, numbers or both, records and fields, files and pipes. */
import { SyscallError } from '../kernel/error.ts';
import type { AwkProgram, Expression, Lvalue, Redirection, Statement } from './awk-parser.ts';
import { awkString } from './awk-parser.ts';
import { attempt, type Command, complain, Output } from './command.ts';
import { execvp, notRun, statusOf, waitFor } from './execute.ts';
import { formatDouble, formatInteger, formatString, type Spec } from './format.ts';
import { Input } from './input.ts';
import { Regex, RegexError } from './regex.ts';
import { formatTime } from './times.ts';

/** What ends the program with a message. */
export class AwkError extends Error {
  override name = 'AwkError';
}

/** Input that looks like a number is one in comparisons. */
class Strnum {
  readonly text: string;
  readonly value: number;
  constructor(text: string, value: number) {
    this.text = text;
    this.value = value;
  }
}

type Scalar = number | string | Strnum | undefined;
type AwkArray = Map<string, Scalar>;
/** A cell: a scalar, an array, or what becomes either when it is used. */
interface Cell {
  scalar: Scalar;
  array: AwkArray | undefined;
}
type Frame = Map<string, Cell>;

/** mawk prints whole numbers up to here with %d, larger ones by OFMT. */
const MAX_INT = 2 ** 31 - 1;

class Next extends Error {}
class NextFile extends Error {}
class Break extends Error {}
class Continue extends Error {}
class Exit extends Error {}
class Return extends Error {
  readonly value: Scalar;
  constructor(value: Scalar) {
    super();
    this.value = value;
  }
}

const NUMBER = /^[ \t\n\v\f\r]*[-+]?(?:0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)/;
const LOOKS_NUMERIC = new RegExp(`${NUMBER.source}[ \\t\\n\\v\\f\\r]*$`);

function parseNumber(text: string): number {
  const bare = text.trim();
  return bare.startsWith('-') ? -Number(bare.slice(1)) : Number(bare.replace(/^\+/, ''));
}

const inputValue = (text: string): Scalar => (LOOKS_NUMERIC.test(text) ? new Strnum(text, parseNumber(text)) : text);

function toNumber(value: Scalar): number {
  if (typeof value === 'number') return value;
  if (value === undefined) return 0;
  if (value instanceof Strnum) return value.value;
  const match = NUMBER.exec(value);
  return match === null ? 0 : parseNumber(match[0]);
}

const isTrue = (value: Scalar): boolean =>
  typeof value === 'string'
    ? value !== ''
    : value instanceof Strnum
      ? value.value !== 0
      : value !== undefined && value !== 0;

/** The regular expression of awk's text: its escapes are characters. */
function regexSource(text: string): string {
  let out = '';
  let bracket = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === '\\' && i + 1 < text.length) {
      const next = text[++i]!;
      const octal = /^[0-7]{1,3}/.exec(text.slice(i))?.[0];
      const simple = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v', a: '\x07', b: '\b', '/': '/', '"': '"', '&': '&' }[
        next
      ];
      let plain = simple;
      if (octal !== undefined) {
        plain = String.fromCharCode(Number.parseInt(octal, 8) & 255);
        i += octal.length - 1;
      }
      if (bracket) out += plain ?? next;
      else if (plain !== undefined) out += /[.*[\]^$+?(){}|\\]/.test(plain) ? `\\${plain}` : plain;
      else out += /\w/.test(next) ? next : `\\${next}`;
      continue;
    }
    if (!bracket && char === '[') {
      bracket = true;
      const lead = /^\[\^?\]?/.exec(text.slice(i))![0];
      out += lead;
      i += lead.length - 1;
      continue;
    }
    if (bracket && char === '[' && text[i + 1] === ':') {
      const end = text.indexOf(':]', i);
      if (end > 0) {
        out += text.slice(i, end + 2);
        i = end + 1;
        continue;
      }
    }
    if (bracket && char === ']') bracket = false;
    out += char;
  }
  return out;
}

export class Interpreter {
  readonly #c: Command;
  readonly #program: AwkProgram;
  readonly #globals: Frame = new Map();
  #frame: Frame | undefined;
  #record = '';
  #fields: Scalar[] = [];
  /** $0 is to be split; $0 is to be put together again */
  #unsplit = true;
  #stale = false;
  readonly #regexes = new Map<string, Regex>();
  readonly #outputs = new Map<string, { output: Output; pid: number | undefined }>();
  readonly #inputs = new Map<string, { input: Input; fd: number; pid: number | undefined }>();
  #main: Input | undefined;
  #mainFd = 0;
  #argument = 1;
  #usedFile = false;
  #exit = 0;
  readonly #inRange: boolean[] = [];
  #random = 1n;
  #seed = 0;

  constructor(c: Command, program: AwkProgram, argv: readonly string[]) {
    this.#c = c;
    this.#program = program;
    for (const [name, value] of Object.entries({
      FS: ' ',
      OFS: ' ',
      ORS: '\n',
      RS: '\n',
      SUBSEP: '\x1c',
      CONVFMT: '%.6g',
      OFMT: '%.6g',
      FILENAME: '',
    }))
      this.#globals.set(name, { scalar: value, array: undefined });
    for (const name of ['NR', 'NF', 'FNR', 'RSTART']) this.#globals.set(name, { scalar: 0, array: undefined });
    this.#globals.set('RLENGTH', { scalar: -1, array: undefined });
    this.#globals.set('ARGC', { scalar: argv.length, array: undefined });
    this.#globals.set('ARGV', {
      scalar: undefined,
      array: new Map(argv.map((arg, i) => [String(i), inputValue(arg)])),
    });
    this.#globals.set('ENVIRON', {
      scalar: undefined,
      array: new Map([...c.process.env].map(([name, value]) => [name, inputValue(value)])),
    });
  }

  /** -F */
  setSeparator(text: string): void {
    this.#set('FS', awkString(text));
  }

  /** Where the program is in its input, for messages of mawk. */
  get position(): string {
    return `FILENAME="${this.#text(this.#global('FILENAME'))}" FNR=${this.#text(this.#global('FNR'))} NR=${this.#text(this.#global('NR'))}`;
  }

  /** `name=value` of the command line; false when it is none. */
  assign(text: string): boolean {
    const match = /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(text);
    if (match === null) return false;
    this.#set(match[1]!, inputValue(awkString(match[2]!)));
    return true;
  }

  #set(name: string, value: Scalar): void {
    const cell = this.#globals.get(name);
    if (cell === undefined) this.#globals.set(name, { scalar: value, array: undefined });
    else cell.scalar = value;
    if (name === 'NF') this.#resize(Math.trunc(toNumber(value)));
  }

  #global(name: string): Scalar {
    return this.#globals.get(name)?.scalar;
  }

  #text(value: Scalar, format = 'CONVFMT'): string {
    if (typeof value === 'string') return value;
    if (value === undefined) return '';
    if (value instanceof Strnum) return value.text;
    if (Number.isInteger(value) && Math.abs(value) <= MAX_INT) return String(value === 0 ? 0 : value);
    return this.#format(this.#text(this.#global(format)), [value]);
  }

  // ------------------------------------------------------------------------------------------------ records

  #setRecord(text: string): void {
    this.#record = text;
    this.#unsplit = true;
    this.#stale = false;
  }

  #split(): void {
    if (!this.#unsplit) return;
    this.#unsplit = false;
    this.#fields = this.#pieces(this.#record, this.#text(this.#global('FS'))).map(inputValue);
    this.#globals.get('NF')!.scalar = this.#fields.length;
  }

  #pieces(text: string, separator: string): string[] {
    if (text === '') return [];
    if (separator === ' ')
      return text
        .replace(/^[ \t\n]+|[ \t\n]+$/g, '')
        .split(/[ \t\n]+/)
        .filter((piece, i, all) => piece !== '' || all.length > 1 || i > 0);
    if (separator === '') return [...text];
    const paragraph = this.#text(this.#global('RS')) === '';
    if (separator.length === 1 && separator !== '\\' && !paragraph && /[^[\]()*+?^$|]/.test(separator))
      return text.split(separator);
    const source =
      separator.length === 1 && separator !== '\\' ? `[${separator === '^' ? '\\^' : separator}]` : separator;
    return this.#splitBy(text, this.#regex(paragraph ? `${source}|\n` : source));
  }

  #splitBy(text: string, regex: Regex): string[] {
    const pieces: string[] = [];
    let at = 0;
    for (let from = 0; from <= text.length; ) {
      const match = regex.exec(text, from);
      if (match === null) break;
      if (match.end === match.start) {
        from = match.end + 1;
        continue;
      }
      pieces.push(text.slice(at, match.start));
      at = from = match.end;
    }
    pieces.push(text.slice(at));
    return pieces;
  }

  #resize(count: number): void {
    this.#split();
    this.#fields.length = Math.max(0, count);
    this.#stale = true;
    this.#globals.get('NF')!.scalar = count;
  }

  #field(index: number): Scalar {
    if (index < 0) throw new AwkError(`negative field index $${index}`);
    if (index === 0) {
      if (this.#stale) {
        this.#record = Array.from(this.#fields, (value) => this.#text(value)).join(this.#text(this.#global('OFS')));
        this.#stale = false;
      }
      return inputValue(this.#record);
    }
    this.#split();
    return this.#fields[index - 1];
  }

  #setField(index: number, value: Scalar): void {
    if (index < 0) throw new AwkError(`negative field index $${index}`);
    if (index === 0) {
      this.#setRecord(this.#text(value));
      return;
    }
    this.#split();
    if (index > this.#fields.length) {
      this.#fields.length = index;
      this.#globals.get('NF')!.scalar = index;
    }
    this.#fields[index - 1] = value;
    this.#stale = true;
  }

  /** A record of a stream, by RS. */
  async #readRecord(input: Input): Promise<string | null> {
    const separator = this.#text(this.#global('RS'));
    if (separator.length === 1) return (await input.line(separator))?.text ?? null;
    if (separator === '') {
      let text: string | undefined;
      for (;;) {
        const line = await input.line('\n');
        if (line === null) return text ?? null;
        if (line.text === '') {
          if (text !== undefined) return text;
        } else text = text === undefined ? line.text : `${text}\n${line.text}`;
      }
    }
    const regex = this.#regex(separator);
    let text = '';
    for (;;) {
      const more = await input.line('\n');
      if (more === null) return text === '' ? null : text.replace(/\n$/, '');
      text += more.text + (more.terminated ? '\n' : '');
      const match = regex.exec(text);
      if (match !== null && match.end > match.start && match.end < text.length) {
        input.unread(text.slice(match.end));
        return text.slice(0, match.start);
      }
    }
  }

  /** The next record of the files of the command line. */
  async #nextMain(): Promise<string | null> {
    for (;;) {
      if (this.#main === undefined && !(await this.#openNext())) return null;
      const record = await this.#readRecord(this.#main!);
      if (record !== null) {
        this.#set('NR', toNumber(this.#global('NR')) + 1);
        this.#set('FNR', toNumber(this.#global('FNR')) + 1);
        return record;
      }
      this.#closeMain();
    }
  }

  #closeMain(): void {
    if (this.#mainFd !== 0) this.#c.process.close(this.#mainFd);
    this.#main = undefined;
  }

  async #openNext(): Promise<boolean> {
    const argv = this.#globals.get('ARGV')!.array!;
    while (this.#argument < toNumber(this.#global('ARGC'))) {
      const name = this.#text(argv.get(String(this.#argument++)));
      if (name === '' || this.assign(name)) continue;
      this.#usedFile = true;
      const opened = name === '-' ? { value: 0 } : await attempt(() => this.#c.process.open(name, { read: true }));
      if ('error' in opened) {
        await this.#c.print(`${this.#c.name}: cannot open ${name} (${opened.error.message})\n`);
        this.#exit = 2;
        continue;
      }
      this.#begin(opened.value, name);
      return true;
    }
    if (this.#usedFile) return false;
    this.#usedFile = true;
    this.#begin(0, '');
    return true;
  }

  #begin(fd: number, name: string): void {
    this.#mainFd = fd;
    this.#main = new Input(this.#c.process, fd);
    this.#set('FILENAME', name);
    this.#set('FNR', 0);
  }

  // ------------------------------------------------------------------------------------------------ the program

  async run(): Promise<number> {
    try {
      for (const action of this.#program.begin) await this.#execute(action);
      if (this.#program.rules.length > 0 || this.#program.end.length > 0) await this.#records();
    } catch (error) {
      // mawk runs END even after an exit in BEGIN.
      if (!(error instanceof Exit)) throw error;
    }
    try {
      for (const action of this.#program.end) await this.#execute(action);
    } catch (error) {
      if (!(error instanceof Exit)) throw error;
    }
    await this.#closeAll();
    return this.#exit;
  }

  async #records(): Promise<void> {
    for (;;) {
      const record = await this.#nextMain();
      if (record === null) return;
      this.#setRecord(record);
      try {
        for (const [i, rule] of this.#program.rules.entries()) {
          if (!(await this.#selects(i, rule.from, rule.to))) continue;
          if (rule.body === undefined)
            await this.#c.out.write(this.#text(this.#field(0)) + this.#text(this.#global('ORS')));
          else await this.#execute(rule.body);
        }
      } catch (error) {
        if (error instanceof NextFile) this.#closeMain();
        else if (!(error instanceof Next)) throw error;
      }
    }
  }

  async #selects(i: number, from: Expression | undefined, to: Expression | undefined): Promise<boolean> {
    if (from === undefined) return true;
    if (to === undefined) return isTrue(await this.#value(from));
    if (!this.#inRange[i] && !isTrue(await this.#value(from))) return false;
    this.#inRange[i] = !isTrue(await this.#value(to));
    return true;
  }

  async #execute(statement: Statement): Promise<void> {
    switch (statement.kind) {
      case 'block':
        for (const each of statement.body) await this.#execute(each);
        return;
      case 'expression':
        await this.#value(statement.value);
        return;
      case 'print':
        return this.#print(statement);
      case 'if':
        if (isTrue(await this.#value(statement.test))) await this.#execute(statement.yes);
        else if (statement.no !== undefined) await this.#execute(statement.no);
        return;
      case 'while':
        while (isTrue(await this.#value(statement.test))) if (!(await this.#loop(statement.body))) return;
        return;
      case 'do':
        do if (!(await this.#loop(statement.body))) return;
        while (isTrue(await this.#value(statement.test)));
        return;
      case 'for':
        if (statement.start !== undefined) await this.#execute(statement.start);
        while (statement.test === undefined || isTrue(await this.#value(statement.test))) {
          if (!(await this.#loop(statement.body))) return;
          if (statement.step !== undefined) await this.#execute(statement.step);
        }
        return;
      case 'forIn':
        for (const key of [...this.#array(statement.array).keys()]) {
          await this.#assign({ kind: 'variable', name: statement.variable }, inputValue(key));
          if (!(await this.#loop(statement.body))) return;
        }
        return;
      case 'next':
        throw new Next();
      case 'nextfile':
        throw new NextFile();
      case 'break':
        throw new Break();
      case 'continue':
        throw new Continue();
      case 'exit':
        if (statement.value !== undefined) this.#exit = Math.trunc(toNumber(await this.#value(statement.value))) & 255;
        throw new Exit();
      case 'return':
        throw new Return(statement.value === undefined ? undefined : await this.#value(statement.value));
      case 'delete': {
        const array = this.#array(statement.name);
        if (statement.subscripts === undefined) array.clear();
        else array.delete(await this.#subscript(statement.subscripts));
        return;
      }
    }
  }

  /** The body of a loop; false when it was broken out of. */
  async #loop(body: Statement): Promise<boolean> {
    try {
      await this.#execute(body);
      await this.#c.process.cpu(100);
      return true;
    } catch (error) {
      if (error instanceof Break) return false;
      if (error instanceof Continue) return true;
      throw error;
    }
  }

  async #print(statement: Statement & { kind: 'print' }): Promise<void> {
    const values: Scalar[] = [];
    for (const arg of statement.args) values.push(await this.#value(arg));
    let text: string;
    if (statement.formatted) text = this.#format(this.#text(values[0]), values.slice(1), 'printf');
    else {
      const words =
        values.length === 0 ? [this.#text(this.#field(0))] : values.map((value) => this.#text(value, 'OFMT'));
      text = words.join(this.#text(this.#global('OFS'))) + this.#text(this.#global('ORS'));
    }
    const output = statement.to === undefined ? this.#c.out : await this.#output(statement.to);
    await output.write(text);
  }

  async #output(to: Redirection): Promise<Output> {
    const p = this.#c.process;
    const name = this.#text(await this.#value(to.to));
    const known = this.#outputs.get(name);
    if (known !== undefined) return known.output;
    if (to.kind !== '|' && (name === '/dev/stdout' || name === '-')) return this.#c.out;
    let fd: number;
    let pid: number | undefined;
    if (to.kind === '|') {
      await this.#c.out.flush();
      const [read, write] = p.pipe();
      p.setCloseOnExec(write, true);
      pid = p.fork(async (self) => {
        self.dup2(read, 0);
        self.close(read);
        self.close(write);
        return this.#shell(self, name);
      }).pid;
      p.close(read);
      fd = write;
    } else {
      const append = to.kind === '>>';
      const opened = await attempt(() => p.open(name, { write: true, create: true, append, truncate: !append }, 0o666));
      if ('error' in opened) throw new AwkError(`cannot open "${name}" for output`);
      fd = opened.value;
    }
    const output = new Output(p, fd);
    this.#outputs.set(name, { output, pid });
    return output;
  }

  async #shell(self: Command['process'], command: string): Promise<number> {
    try {
      return await execvp(self, ['/bin/sh', '-c', command]);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      await complain(self, `${this.#c.name}: /bin/sh: ${error.message}\n`);
      return notRun(error);
    }
  }

  async #close(name: string): Promise<number> {
    const p = this.#c.process;
    let status = -1;
    const output = this.#outputs.get(name);
    if (output !== undefined) {
      await output.output.flush();
      p.close(output.output.fd);
      status = output.pid === undefined ? 0 : statusOf(await waitFor(p, output.pid));
      this.#outputs.delete(name);
    }
    const input = this.#inputs.get(name);
    if (input !== undefined) {
      if (input.fd !== 0) p.close(input.fd);
      status = input.pid === undefined ? 0 : statusOf(await waitFor(p, input.pid));
      this.#inputs.delete(name);
    }
    return status;
  }

  async #closeAll(): Promise<void> {
    await this.#c.out.flush();
    for (const name of [...this.#outputs.keys(), ...this.#inputs.keys()]) await this.#close(name);
  }

  // ------------------------------------------------------------------------------------------------ expressions

  #cell(name: string): Cell {
    const local = this.#frame?.get(name);
    if (local !== undefined) return local;
    let cell = this.#globals.get(name);
    if (cell === undefined) {
      cell = { scalar: undefined, array: undefined };
      this.#globals.set(name, cell);
    }
    return cell;
  }

  #array(name: string): AwkArray {
    const cell = this.#cell(name);
    cell.array ??= new Map();
    return cell.array;
  }

  async #subscript(subscripts: readonly Expression[]): Promise<string> {
    const parts: string[] = [];
    for (const each of subscripts) parts.push(this.#text(await this.#value(each)));
    return parts.join(this.#text(this.#global('SUBSEP')));
  }

  async #assign(target: Lvalue, value: Scalar): Promise<void> {
    if (target.kind === 'field') this.#setField(Math.trunc(toNumber(await this.#value(target.index))), value);
    else if (target.kind === 'index') this.#array(target.name).set(await this.#subscript(target.subscripts), value);
    else if (this.#frame?.has(target.name)) this.#frame.get(target.name)!.scalar = value;
    else this.#set(target.name, value);
  }

  #regex(source: string): Regex {
    let regex = this.#regexes.get(source);
    if (regex === undefined) {
      try {
        regex = new Regex(regexSource(source), { extended: true, intervals: false });
      } catch (error) {
        if (error instanceof RegexError)
          throw new AwkError(`regular expression compile failed (${error.message})\n${source}`);
        throw error;
      }
      this.#regexes.set(source, regex);
    }
    return regex;
  }

  /** The regular expression that an operand of `~` means. */
  async #pattern(node: Expression): Promise<Regex> {
    return this.#regex(node.kind === 'regex' ? node.source : this.#text(await this.#value(node)));
  }

  #compare(a: Scalar, b: Scalar): number {
    const numeric = (value: Scalar) => typeof value !== 'string';
    if (numeric(a) && numeric(b)) {
      const [x, y] = [toNumber(a), toNumber(b)];
      return x < y ? -1 : x > y ? 1 : x === y ? 0 : Number.NaN;
    }
    const [x, y] = [this.#text(a), this.#text(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  }

  #arithmetic(operator: string, a: number, b: number): number {
    switch (operator) {
      case '+':
        return a + b;
      case '-':
        return a - b;
      case '*':
        return a * b;
      case '/':
        return a / b;
      case '%':
        return a % b;
      default:
        return a ** b;
    }
  }

  async #value(node: Expression): Promise<Scalar> {
    switch (node.kind) {
      case 'number':
      case 'string':
        return node.value;
      case 'regex':
        return Number(this.#regex(node.source).test(this.#text(this.#field(0))));
      case 'group':
        return this.#value(node.inner);
      case 'variable':
        if (node.name === 'NF') this.#split();
        return this.#cell(node.name).scalar;
      case 'field':
        return this.#field(Math.trunc(toNumber(await this.#value(node.index))));
      case 'index': {
        const array = this.#array(node.name);
        const key = await this.#subscript(node.subscripts);
        if (!array.has(key)) array.set(key, undefined);
        return array.get(key);
      }
      case 'assign': {
        let value = await this.#value(node.value);
        if (node.operator !== '')
          value = this.#arithmetic(node.operator, toNumber(await this.#value(node.target)), toNumber(value));
        await this.#assign(node.target, value);
        return value;
      }
      case 'conditional':
        return this.#value(isTrue(await this.#value(node.test)) ? node.yes : node.no);
      case 'or':
        return Number(isTrue(await this.#value(node.left)) || isTrue(await this.#value(node.right)));
      case 'and':
        return Number(isTrue(await this.#value(node.left)) && isTrue(await this.#value(node.right)));
      case 'in':
        return Number(this.#array(node.name).has(await this.#subscript(node.subscripts)));
      case 'match': {
        const text = this.#text(await this.#value(node.left));
        return Number((await this.#pattern(node.right)).test(text) !== node.negated);
      }
      case 'compare': {
        const order = this.#compare(await this.#value(node.left), await this.#value(node.right));
        return Number(
          { '<': order < 0, '<=': order <= 0, '==': order === 0, '!=': order !== 0, '>': order > 0, '>=': order >= 0 }[
            node.operator
          ],
        );
      }
      case 'concat': {
        const left = this.#text(await this.#value(node.left));
        return left + this.#text(await this.#value(node.right));
      }
      case 'arithmetic': {
        const left = toNumber(await this.#value(node.left));
        return this.#arithmetic(node.operator, left, toNumber(await this.#value(node.right)));
      }
      case 'unary': {
        const value = await this.#value(node.operand);
        return node.operator === '!'
          ? Number(!isTrue(value))
          : node.operator === '-'
            ? -toNumber(value)
            : toNumber(value);
      }
      case 'increment': {
        const before = toNumber(await this.#value(node.target));
        await this.#assign(node.target, before + node.by);
        return node.prefix ? before + node.by : before;
      }
      case 'getline':
        return this.#getline(node);
      case 'call':
        return this.#call(node.name, node.args);
      case 'builtin':
        return this.#builtin(node.name, node.args);
    }
  }

  async #getline(node: Expression & { kind: 'getline' }): Promise<number> {
    let record: string | null;
    try {
      if (node.source === undefined) record = await this.#nextMain();
      else {
        const input = await this.#input(this.#text(await this.#value(node.source)), node.pipe);
        if (input === undefined) return -1;
        record = await this.#readRecord(input);
        if (record !== null && node.pipe) this.#set('NR', toNumber(this.#global('NR')) + 1);
      }
    } catch (error) {
      if (error instanceof SyscallError) return -1;
      throw error;
    }
    if (record === null) return 0;
    if (node.target === undefined) this.#setRecord(record);
    else await this.#assign(node.target, inputValue(record));
    return 1;
  }

  async #input(name: string, pipe: boolean): Promise<Input | undefined> {
    const known = this.#inputs.get(name);
    if (known !== undefined) return known.input;
    const p = this.#c.process;
    let fd = 0;
    let pid: number | undefined;
    if (pipe) {
      await this.#c.out.flush();
      const [read, write] = p.pipe();
      p.setCloseOnExec(read, true);
      pid = p.fork(async (self) => {
        self.dup2(write, 1);
        self.close(write);
        self.close(read);
        return this.#shell(self, name);
      }).pid;
      p.close(write);
      fd = read;
    } else if (name !== '-' && name !== '/dev/stdin') {
      const opened = await attempt(() => p.open(name, { read: true }));
      if ('error' in opened) return undefined;
      fd = opened.value;
    }
    const input = new Input(p, fd);
    this.#inputs.set(name, { input, fd, pid });
    return input;
  }

  async #call(name: string, args: readonly Expression[]): Promise<Scalar> {
    const called = this.#program.functions.get(name);
    if (called === undefined) throw new AwkError(`function ${name} never defined`);
    const frame: Frame = new Map();
    for (const [i, parameter] of called.parameters.entries()) {
      const arg = args[i];
      // A bare name may be an array: both then have the same cell's array.
      if (arg?.kind === 'variable') {
        const cell = this.#cell(arg.name);
        if (cell.scalar === undefined) cell.array ??= new Map();
        frame.set(parameter, { scalar: cell.scalar, array: cell.array });
      } else frame.set(parameter, { scalar: arg === undefined ? undefined : await this.#value(arg), array: undefined });
    }
    for (const extra of args.slice(called.parameters.length)) await this.#value(extra);
    const saved = this.#frame;
    this.#frame = frame;
    try {
      await this.#execute(called.body);
      return undefined;
    } catch (error) {
      if (error instanceof Return) return error.value;
      throw error;
    } finally {
      this.#frame = saved;
    }
  }

  async #builtin(name: string, args: readonly Expression[]): Promise<Scalar> {
    const value = async (i: number): Promise<Scalar> => (args[i] === undefined ? undefined : this.#value(args[i]));
    const text = async (i: number) => this.#text(await value(i));
    const number = async (i: number) => toNumber(await value(i));
    switch (name) {
      case 'length': {
        const [arg] = args;
        if (arg === undefined) return this.#text(this.#field(0)).length;
        if (arg.kind === 'variable' && this.#cell(arg.name).array !== undefined)
          return this.#cell(arg.name).array!.size;
        return (await text(0)).length;
      }
      case 'substr': {
        const whole = await text(0);
        const from = Math.round(await number(1));
        // mawk 1.3.4: a start before the text makes the part longer, not shorter.
        const length =
          args[2] === undefined ? Number.POSITIVE_INFINITY : Math.round(await number(2)) - Math.min(0, from);
        const end = Math.max(1, from) + length;
        return whole.slice(Math.max(0, from - 1), Math.max(0, end - 1));
      }
      case 'index':
        return (await text(0)).indexOf(await text(1)) + 1;
      case 'split': {
        const whole = await text(0);
        const target = args[1];
        if (target?.kind !== 'variable') throw new AwkError('split() needs an array');
        const by = args[2];
        const pieces =
          whole === ''
            ? []
            : by === undefined
              ? this.#pieces(whole, this.#text(this.#global('FS')))
              : by.kind === 'regex'
                ? this.#splitBy(whole, this.#regex(by.source))
                : this.#pieces(whole, await text(2));
        const array = this.#array(target.name);
        array.clear();
        for (const [i, piece] of pieces.entries()) array.set(String(i + 1), inputValue(piece));
        return pieces.length;
      }
      case 'sub':
      case 'gsub':
        return this.#substitute(args, name === 'gsub');
      case 'match': {
        const whole = await text(0);
        const found = (await this.#pattern(args[1]!)).exec(whole);
        this.#set('RSTART', found === null ? 0 : found.start + 1);
        this.#set('RLENGTH', found === null ? -1 : found.end - found.start);
        return found === null ? 0 : found.start + 1;
      }
      case 'sprintf': {
        const values: Scalar[] = [];
        for (let i = 0; i < args.length; i++) values.push(await value(i));
        return this.#format(this.#text(values[0]), values.slice(1));
      }
      case 'sin':
      case 'cos':
      case 'exp':
      case 'log':
      case 'sqrt':
        return Math[name](await number(0));
      case 'atan2':
        return Math.atan2(await number(0), await number(1));
      case 'int':
        return Math.trunc(await number(0));
      case 'rand':
        this.#random =
          (this.#random * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) & 0xffff_ffff_ffff_ffffn;
        return Number(this.#random >> 11n) / 2 ** 53;
      case 'srand': {
        const before = this.#seed;
        this.#seed =
          args[0] === undefined ? Math.floor(Number(this.#c.process.realtime / 1_000_000_000n)) : await number(0);
        this.#random = BigInt(Math.trunc(this.#seed)) & 0xffff_ffff_ffff_ffffn;
        return before;
      }
      case 'tolower':
        return (await text(0)).replace(/[A-Z]/g, (char) => char.toLowerCase());
      case 'toupper':
        return (await text(0)).replace(/[a-z]/g, (char) => char.toUpperCase());
      case 'system': {
        const command = await text(0);
        await this.#c.out.flush();
        for (const { output } of this.#outputs.values()) await output.flush();
        const child = this.#c.process.fork((self) => this.#shell(self, command));
        return statusOf(await waitFor(this.#c.process, child.pid));
      }
      case 'close':
        return this.#close(await text(0));
      case 'fflush':
        await this.#c.out.flush();
        for (const { output } of this.#outputs.values()) await output.flush();
        return 0;
      case 'systime':
        return Math.floor(Number(this.#c.process.realtime / 1_000_000_000n));
      case 'strftime': {
        const at =
          args[1] === undefined ? this.#c.process.realtime : BigInt(Math.trunc(await number(1))) * 1_000_000_000n;
        return formatTime(args[0] === undefined ? '%c' : await text(0), at);
      }
      default:
        throw new AwkError(`function ${name} is not supported`);
    }
  }

  async #substitute(args: readonly Expression[], all: boolean): Promise<number> {
    const regex = await this.#pattern(args[0]!);
    const replacement = this.#text(await this.#value(args[1]!));
    const target = args[2] ?? { kind: 'field' as const, index: { kind: 'number' as const, value: 0 } };
    const text = this.#text(await this.#value(target));
    let out = '';
    let at = 0;
    let count = 0;
    let lastEnd = -1;
    for (let from = 0; from <= text.length; ) {
      const match = regex.exec(text, from);
      if (match === null) break;
      if (match.start === match.end && match.start === lastEnd) {
        from = match.end + 1;
        continue;
      }
      count++;
      lastEnd = match.end;
      const whole = text.slice(match.start, match.end);
      out +=
        text.slice(at, match.start) +
        replacement.replace(/\\\\|\\&|&/g, (found) => (found === '&' ? whole : found === '\\&' ? '&' : '\\'));
      at = match.end;
      if (!all) break;
      from = match.end > match.start ? match.end : match.end + 1;
    }
    if (count > 0 && (target.kind === 'field' || target.kind === 'index' || target.kind === 'variable'))
      await this.#assign(target, out + text.slice(at));
    return count;
  }

  /** printf and sprintf. */
  #format(format: string, values: readonly Scalar[], name = 'sprintf'): string {
    let next = 0;
    return format.replace(
      /%([-+ #0]*)(\*|\d*)(?:\.(\*|\d*))?[hlLqjzt]*([\s\S])/g,
      (whole, flags: string, width: string, precision: string | undefined, conversion: string) => {
        if (conversion === '%') return '%';
        const argument = (): Scalar => {
          if (next >= values.length) throw new AwkError(`not enough arguments passed to ${name}("${format}")`);
          return values[next++];
        };
        const spec: Spec = {
          flags,
          width: width === '*' ? toNumber(argument()) : Number(width),
          precision: precision === undefined ? -1 : precision === '*' ? toNumber(argument()) : Number(precision),
          conversion,
        };
        if (spec.width < 0) {
          spec.flags += '-';
          spec.width = -spec.width;
        }
        if ('diouxX'.includes(conversion)) {
          const value = toNumber(argument());
          if (!Number.isFinite(value)) return formatDouble({ ...spec, conversion: 'g' }, value);
          return formatInteger(spec, BigInt(Math.trunc(value)));
        }
        if ('fFeEgGaA'.includes(conversion)) return formatDouble(spec, toNumber(argument()));
        if (conversion === 's') return formatString(spec, this.#text(argument()));
        if (conversion === 'c') {
          const value = argument();
          const char =
            typeof value === 'number' ? String.fromCharCode(Math.trunc(value) & 255) : this.#text(value).slice(0, 1);
          return formatString({ ...spec, precision: -1 }, char);
        }
        throw new AwkError(`bad conversion: ${whole}`);
      },
    );
  }
}
