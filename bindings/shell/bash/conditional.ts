/** Conditions: `[[ … ]]`, and `test`. */
import type { TestExpression } from 'unbash';
import { SyscallError } from '../kernel/error.ts';
import type { Stat } from '../kernel/syscalls.ts';
import { expandPattern, expandString, expandSubscript } from './expand.ts';
import { QUOTED } from './marks.ts';
import type { BuiltinOutput } from './output.ts';
import { Pattern } from './patterns.ts';
import { traceQuoted } from './quoting.ts';
import { Regex, RegexError } from './regex.ts';
import { OPTION_LETTERS, type Shell } from './shell.ts';
import { traceLine } from './trace.ts';
import { IndexedArray } from './variables.ts';

const UNARY = new Set('abcdefghknoprstuvwxzGLNORS'.split(''));
const BINARY = new Set(['=', '==', '!=', '<', '>', '-eq', '-ne', '-lt', '-le', '-gt', '-ge', '-nt', '-ot', '-ef']);

function statOf(shell: Shell, path: string, follow = true): Stat | undefined {
  try {
    const device = /^\/dev\/fd\/([0-9]+)$/.exec(path);
    if (device) return shell.process.fstat(Number(device[1]));
    return follow ? shell.process.stat(path) : shell.process.lstat(path);
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
}

/** `-e path` and its kind. */
async function unary(shell: Shell, operator: string, operand: string): Promise<boolean> {
  const letter = operator[1]!;
  switch (letter) {
    case 'n':
      return operand !== '';
    case 'z':
      return operand === '';
    case 't': {
      const fd = /^ *[0-9]+ *$/.test(operand) ? Number(operand) : -1;
      return fd >= 0 && shell.process.isOpen(fd) && shell.process.isatty(fd);
    }
    case 'o': {
      const option = OPTION_LETTERS[operand];
      return option === undefined ? shell.shopt(`o:${operand}`) : shell.option(option);
    }
    case 'v': {
      const element = /^([A-Za-z_][A-Za-z0-9_]*)\[(.*)\]$/s.exec(operand);
      if (!element)
        return /^[0-9]+$/.test(operand) ? shell.parameter(operand) !== undefined : shell.get(operand) !== undefined;
      const value = shell.valueOf(element[1]!);
      if (element[2] === '@' || element[2] === '*') {
        return value !== undefined && (typeof value === 'string' || value.size > 0);
      }
      try {
        return shell.element(element[1]!, await expandSubscript(shell, element[1]!, element[2]!)) !== undefined;
      } catch (error) {
        return shell.arithmeticFailed(error);
      }
    }
    case 'R':
      return shell.variables.find(operand)?.nameref === true && shell.variables.find(operand)?.value !== undefined;
    case 'r':
      return shell.process.access(operand, { read: true });
    case 'w':
      return shell.process.access(operand, { write: true });
    case 'x':
      return shell.process.access(operand, { execute: true });
    case 'h':
    case 'L':
      return statOf(shell, operand, false)?.type === 'symlink';
    default:
  }
  const stat = operand === '' ? undefined : statOf(shell, operand);
  if (stat === undefined) return false;
  switch (letter) {
    case 'f':
      return stat.type === 'file';
    case 'd':
      return stat.type === 'directory';
    case 'b':
      return stat.type === 'block';
    case 'c':
      return stat.type === 'char';
    case 'p':
      return stat.type === 'fifo';
    case 'S':
      return false;
    case 's':
      return stat.size > 0;
    case 'u':
      return (stat.mode & 0o4000) !== 0;
    case 'g':
      return (stat.mode & 0o2000) !== 0;
    case 'k':
      return (stat.mode & 0o1000) !== 0;
    case 'O':
      return stat.uid === shell.process.uid;
    case 'G':
      return stat.gid === shell.process.gid;
    case 'N':
      return stat.mtime > stat.atime;
    default:
      return true;
  }
}

function files(shell: Shell, operator: string, a: string, b: string): boolean {
  const [x, y] = [statOf(shell, a), statOf(shell, b)];
  if (operator === '-ef') return x !== undefined && y !== undefined && x.dev === y.dev && x.ino === y.ino;
  const [older, newer] = operator === '-nt' ? [y, x] : [x, y];
  if (newer === undefined) return false;
  return older === undefined || newer.mtime > older.mtime;
}

function numbers(operator: string, a: bigint, b: bigint): boolean {
  switch (operator) {
    case '-eq':
      return a === b;
    case '-ne':
      return a !== b;
    case '-lt':
      return a < b;
    case '-le':
      return a <= b;
    case '-gt':
      return a > b;
    default:
      return a >= b;
  }
}

// ------------------------------------------------------------------------------------------------ [[ ]]

/** A pattern as the trace shows it: what is quoted has backslashes. */
function tracedPattern(marked: string): string {
  let out = '';
  for (let i = 0; i < marked.length; i++) {
    const code = marked.charCodeAt(i);
    out += (code & QUOTED ? '\\' : '') + String.fromCharCode(code & 0xff);
  }
  return out === '' ? "''" : out;
}

/** The status of a `[[ … ]]`: 0, 1, or 2 of an error. */
export async function conditional(shell: Shell, expression: TestExpression): Promise<number> {
  switch (expression.type) {
    case 'TestGroup':
      return conditional(shell, expression.expression);
    case 'TestNot': {
      const status = await conditional(shell, expression.operand);
      if (status > 1) return status;
      const odd = expression.negations.length % 2 === 1;
      return odd ? 1 - status : status;
    }
    case 'TestLogical': {
      let status = 0;
      for (const operand of expression.operands) {
        status = await conditional(shell, operand);
        if (status > 1) return status;
        if (expression.operator === '&&' ? status !== 0 : status === 0) return status;
      }
      return status;
    }
    case 'TestUnary': {
      const operand = await expandString(shell, expression.operand);
      if (shell.option('x')) await traceLine(shell, `[[ ${expression.operator} ${traceQuoted(operand)} ]]`);
      return (await unary(shell, expression.operator, operand)) ? 0 : 1;
    }
    default:
  }
  const { operator } = expression;
  const left = await expandString(shell, expression.left);
  if (operator === '=' || operator === '==' || operator === '!=') {
    const marked = await expandPattern(shell, expression.right);
    if (shell.option('x')) await traceLine(shell, `[[ ${traceQuoted(left)} ${operator} ${tracedPattern(marked)} ]]`);
    const hit = new Pattern(marked, { extended: true, ignoreCase: shell.shopt('nocasematch') }).matches(left);
    return hit === (operator !== '!=') ? 0 : 1;
  }
  if (operator === '=~') {
    const marked = await expandPattern(shell, expression.right);
    if (shell.option('x')) await traceLine(shell, `[[ ${traceQuoted(left)} =~ ${tracedPattern(marked)} ]]`);
    let found: (string | undefined)[] | undefined;
    try {
      found = new Regex(marked, shell.shopt('nocasematch')).exec(left);
    } catch (error) {
      if (!(error instanceof RegexError)) throw error;
      return 2;
    }
    shell.setArray('BASH_REMATCH', IndexedArray.from((found ?? []).map((group) => group ?? '')));
    return found ? 0 : 1;
  }
  const right = await expandString(shell, expression.right);
  if (shell.option('x')) await traceLine(shell, `[[ ${traceQuoted(left)} ${operator} ${traceQuoted(right)} ]]`);
  if (operator === '<') return left < right ? 0 : 1;
  if (operator === '>') return left > right ? 0 : 1;
  if (operator === '-nt' || operator === '-ot' || operator === '-ef')
    return files(shell, operator, left, right) ? 0 : 1;
  try {
    const a = await shell.calculate(left, '[[: ');
    const b = await shell.calculate(right, '[[: ');
    return numbers(operator, a, b) ? 0 : 1;
  } catch (error) {
    if (error instanceof Error && error.name === 'Discard') return 1;
    throw error;
  }
}

// ------------------------------------------------------------------------------------------------ test

class TestError extends Error {}

class Test {
  private readonly shell: Shell;
  private readonly words: readonly string[];
  private at = 0;

  constructor(shell: Shell, words: readonly string[]) {
    this.shell = shell;
    this.words = words;
  }

  async run(): Promise<boolean> {
    const w = this.words;
    switch (w.length) {
      case 0:
        return false;
      case 1:
        return w[0] !== '';
      case 2:
        return this.two(w[0]!, w[1]!);
      case 3:
        return this.three(w[0]!, w[1]!, w[2]!);
      case 4:
        if (w[0] === '!') return !(await this.three(w[1]!, w[2]!, w[3]!));
        if (w[0] === '(' && w[3] === ')') return this.two(w[1]!, w[2]!);
    }
    const value = await this.or();
    if (this.at < w.length) {
      const next = w[this.at]!;
      throw new TestError(next.startsWith('-') ? `syntax error: \`${next}' unexpected` : 'too many arguments');
    }
    return value;
  }

  private async two(a: string, b: string): Promise<boolean> {
    if (a === '!') return b === '';
    if (/^-.$/.test(a) && UNARY.has(a[1]!)) return this.unary(a, b);
    throw new TestError(`${a}: unary operator expected`);
  }

  private async three(a: string, b: string, c: string): Promise<boolean> {
    if (BINARY.has(b)) return this.binary(a, b, c);
    if (b === '-a') return a !== '' && c !== '';
    if (b === '-o') return a !== '' || c !== '';
    if (a === '!') return !(await this.two(b, c));
    if (a === '(' && c === ')') return b !== '';
    throw new TestError(`${b}: binary operator expected`);
  }

  private async or(): Promise<boolean> {
    let value = await this.and();
    while (this.words[this.at] === '-o') {
      this.at++;
      const right = await this.and();
      value = value || right;
    }
    return value;
  }

  private async and(): Promise<boolean> {
    let value = await this.term();
    while (this.words[this.at] === '-a') {
      this.at++;
      const right = await this.term();
      value = value && right;
    }
    return value;
  }

  private async term(): Promise<boolean> {
    const w = this.words;
    if (this.at >= w.length) throw new TestError('argument expected');
    if (w[this.at] === '!') {
      this.at++;
      return !(await this.term());
    }
    if (w[this.at] === '(') {
      this.at++;
      const value = await this.or();
      if (this.at >= w.length) throw new TestError("`)' expected");
      if (w[this.at] !== ')') throw new TestError(`\`)' expected, found ${w[this.at]}`);
      this.at++;
      return value;
    }
    if (this.at + 3 <= w.length && BINARY.has(w[this.at + 1]!)) {
      const value = await this.binary(w[this.at]!, w[this.at + 1]!, w[this.at + 2]!);
      this.at += 3;
      return value;
    }
    if (/^-.$/.test(w[this.at]!) && UNARY.has(w[this.at]![1]!)) {
      if (this.at + 1 < w.length) {
        const value = await this.unary(w[this.at]!, w[this.at + 1]!);
        this.at += 2;
        return value;
      }
      if (w[this.at] === '-t') {
        this.at++;
        return false;
      }
    }
    return w[this.at++] !== '';
  }

  private unary(operator: string, operand: string): Promise<boolean> {
    return unary(this.shell, operator, operand);
  }

  private async binary(a: string, operator: string, b: string): Promise<boolean> {
    if (operator === '=' || operator === '==') return a === b;
    if (operator === '!=') return a !== b;
    if (operator === '<') return a < b;
    if (operator === '>') return a > b;
    if (operator === '-nt' || operator === '-ot' || operator === '-ef') return files(this.shell, operator, a, b);
    const number = (text: string) => {
      if (!/^[ \t]*[+-]?[0-9]+[ \t]*$/.test(text)) throw new TestError(`${text}: integer expression expected`);
      return BigInt.asIntN(64, BigInt(text.trim().replace(/^\+/, '')));
    };
    return numbers(operator, number(a), number(b));
  }
}

/** The builtins `test` and `[`. */
export async function test(shell: Shell, argv: readonly string[], _output: BuiltinOutput): Promise<number> {
  let words = argv.slice(1);
  if (argv[0] === '[') {
    if (words.at(-1) !== ']') {
      await shell.error("[: missing `]'");
      return 2;
    }
    words = words.slice(0, -1);
  }
  try {
    return (await new Test(shell, words).run()) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof TestError)) throw error;
    await shell.error(`${argv[0]}: ${error.message}`);
    return 2;
  }
}
