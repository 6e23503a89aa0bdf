/** test(1) and [ of coreutils */
import type { Process, Program, Stat } from '../kernel/syscalls.ts';
import { type Command, command, statOrUndefined } from './command.ts';
import { quote } from './quote.ts';

const BINARY = ['=', '==', '!=', '<', '>', '-eq', '-ne', '-lt', '-le', '-gt', '-ge', '-nt', '-ot', '-ef'];
const UNARY = 'bcdefghknoprstuwxzGLNOS';

class Expression {
  readonly #c: Command;
  readonly #p: Process;
  readonly #words: readonly string[];
  #at = 0;

  constructor(c: Command, words: readonly string[]) {
    this.#c = c;
    this.#p = c.process;
    this.#words = words;
  }

  /** POSIX's rules by the number of arguments. */
  value(): boolean {
    if (this.#words.length === 0) return false;
    const value = this.#posix(this.#words.length);
    if (this.#at < this.#words.length) this.#c.fail(`extra argument ${quote(this.#words[this.#at]!)}`);
    return value;
  }

  #posix(count: number): boolean {
    const words = this.#words;
    const at = this.#at;
    if (count === 1) {
      this.#at++;
      return words[at] !== '';
    }
    if (count === 2) {
      if (words[at] === '!') {
        this.#at++;
        return !this.#posix(1);
      }
      if (this.#isUnary(words[at]!)) return this.#unary();
      this.#c.fail(
        /^-.$/.test(words[at]!)
          ? `${quote(words[at]!)}: unary operator expected`
          : `missing argument after ${quote(words[at + 1]!)}`,
      );
    }
    if (count === 3) {
      if (BINARY.includes(words[at + 1]!)) return this.#binary();
      if (words[at] === '!') {
        this.#at++;
        return !this.#posix(2);
      }
      if (words[at] === '(' && words[at + 2] === ')') {
        this.#at++;
        const value = this.#posix(1);
        this.#at++;
        return value;
      }
      if (words[at + 1] === '-a' || words[at + 1] === '-o' || words[at + 1] === '>' || words[at + 1] === '<')
        return this.#or();
      this.#c.fail(`${quote(words[at + 1]!)}: binary operator expected`);
    }
    if (count === 4) {
      if (words[at] === '!') {
        this.#at++;
        return !this.#posix(3);
      }
      if (words[at] === '(' && words[at + 3] === ')') {
        this.#at++;
        const value = this.#posix(2);
        this.#at++;
        return value;
      }
    }
    return this.#or();
  }

  #isUnary(word: string): boolean {
    return word.length === 2 && word[0] === '-' && UNARY.includes(word[1]!);
  }

  #or(): boolean {
    let value = this.#and();
    while (this.#words[this.#at] === '-o') {
      this.#at++;
      value = this.#and() || value;
    }
    return value;
  }

  #and(): boolean {
    let value = this.#term();
    while (this.#words[this.#at] === '-a') {
      this.#at++;
      value = this.#term() && value;
    }
    return value;
  }

  #term(): boolean {
    const words = this.#words;
    let negated = false;
    while (words[this.#at] === '!' && this.#at + 1 < words.length) {
      this.#at++;
      negated = !negated;
    }
    const word = words[this.#at];
    if (word === undefined) this.#c.fail(`missing argument after ${quote(words.at(-1)!)}`);
    let value: boolean;
    if (word === '(' && this.#at + 1 < words.length) {
      this.#at++;
      value = this.#or();
      if (words[this.#at] !== ')')
        this.#c.fail(
          words[this.#at] === undefined ? `${quote(')')} expected` : `${quote(')')} expected, found ${words[this.#at]}`,
        );
      this.#at++;
    } else if (this.#at + 2 < words.length && BINARY.includes(words[this.#at + 1]!)) value = this.#binary();
    else if (this.#isUnary(word) && this.#at + 1 < words.length) value = this.#unary();
    else {
      this.#at++;
      value = word !== '';
    }
    return negated !== value;
  }

  #integer(text: string): bigint {
    const match = /^\s*([-+]?\d+)\s*$/.exec(text);
    if (match === null) this.#c.fail(`invalid integer ${quote(text)}`);
    return BigInt(match[1]!.replace(/^\+/, ''));
  }

  #binary(): boolean {
    const [left, operator, right] = this.#words.slice(this.#at, this.#at + 3) as [string, string, string];
    this.#at += 3;
    const stat = (path: string) => statOrUndefined(this.#p, path);
    switch (operator) {
      case '=':
      case '==':
        return left === right;
      case '!=':
        return left !== right;
      case '<':
        return left < right;
      case '>':
        return left > right;
      case '-nt': {
        const [a, b] = [stat(left), stat(right)];
        return a !== undefined && (b === undefined || a.mtime > b.mtime);
      }
      case '-ot': {
        const [a, b] = [stat(left), stat(right)];
        return b !== undefined && (a === undefined || a.mtime < b.mtime);
      }
      case '-ef': {
        const [a, b] = [stat(left), stat(right)];
        return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
      }
      default: {
        const [a, b] = [this.#integer(left), this.#integer(right)];
        return { '-eq': a === b, '-ne': a !== b, '-lt': a < b, '-le': a <= b, '-gt': a > b, '-ge': a >= b }[operator]!;
      }
    }
  }

  #unary(): boolean {
    const [operator, word] = this.#words.slice(this.#at, this.#at + 2) as [string, string];
    this.#at += 2;
    const letter = operator[1]!;
    if (letter === 'n') return word !== '';
    if (letter === 'z') return word === '';
    if (letter === 't')
      return this.#p.isOpen(Number(this.#integer(word))) && this.#p.isatty(Number(this.#integer(word)));
    if (letter === 'L' || letter === 'h') return statOrUndefined(this.#p, word, false)?.type === 'symlink';
    if (letter === 'r') return this.#p.access(word, { read: true });
    if (letter === 'w') return this.#p.access(word, { write: true });
    if (letter === 'x') return this.#p.access(word, { execute: true });
    const stat = statOrUndefined(this.#p, word);
    return stat !== undefined && this.#file(letter, stat);
  }

  #file(letter: string, stat: Stat): boolean {
    switch (letter) {
      case 'b':
        return stat.type === 'block';
      case 'c':
        return stat.type === 'char';
      case 'd':
        return stat.type === 'directory';
      case 'f':
        return stat.type === 'file';
      case 'p':
        return stat.type === 'fifo';
      case 'S':
        return false;
      case 'g':
        return (stat.mode & 0o2000) !== 0;
      case 'u':
        return (stat.mode & 0o4000) !== 0;
      case 'k':
        return (stat.mode & 0o1000) !== 0;
      case 's':
        return stat.size > 0;
      case 'G':
        return stat.gid === this.#p.gid;
      case 'O':
        return stat.uid === this.#p.uid;
      case 'N':
        return stat.mtime > stat.atime;
      default:
        return true;
    }
  }
}

/** test(1) and [(1); the trouble is 2. */
export const test: Program = command(
  async (c: Command) => {
    const words = [...c.args];
    if (c.name.endsWith('[')) {
      if (words.at(-1) !== ']') c.fail(`missing ${quote(']')}`);
      words.pop();
    }
    return new Expression(c, words).value() ? 0 : 1;
  },
  { trouble: 2 },
);
