/** expr(1) */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command } from './command.ts';
import { quote } from './quote.ts';
import { Regex, RegexError } from './regex.ts';

const SYNTAX = 2;
const FAILURE = 3;

const isInteger = (text: string): boolean => /^-?\d+$/.test(text);
const isNull = (text: string): boolean => text === '' || /^-?0+$/.test(text);

class Expression {
  readonly #c: Command;
  readonly #words: readonly string[];
  #at = 0;

  constructor(c: Command, words: readonly string[]) {
    this.#c = c;
    this.#words = words;
  }

  value(): string {
    const value = this.#or(true);
    if (this.#at < this.#words.length)
      this.#c.fail(`syntax error: unexpected argument ${quote(this.#words[this.#at]!)}`, SYNTAX);
    return value;
  }

  #take(...words: string[]): string | undefined {
    const word = this.#words[this.#at];
    if (word === undefined || !words.includes(word)) return undefined;
    this.#at++;
    return word;
  }

  #or(evaluate: boolean): string {
    let left = this.#and(evaluate);
    while (this.#take('|') !== undefined) {
      const right = this.#and(evaluate && isNull(left));
      if (isNull(left)) left = isNull(right) ? '0' : right;
    }
    return left;
  }

  #and(evaluate: boolean): string {
    let left = this.#comparison(evaluate);
    while (this.#take('&') !== undefined) {
      const right = this.#comparison(evaluate && !isNull(left));
      if (isNull(left) || isNull(right)) left = '0';
    }
    return left;
  }

  #comparison(evaluate: boolean): string {
    let left = this.#sum(evaluate);
    for (;;) {
      const operator = this.#take('<', '<=', '=', '==', '!=', '>=', '>');
      if (operator === undefined) return left;
      const right = this.#sum(evaluate);
      const numbers = isInteger(left) && isInteger(right);
      const order = numbers
        ? Number(BigInt(left) > BigInt(right)) - Number(BigInt(left) < BigInt(right))
        : Number(left > right) - Number(left < right);
      const result = {
        '<': order < 0,
        '<=': order <= 0,
        '=': order === 0,
        '==': order === 0,
        '!=': order !== 0,
        '>=': order >= 0,
        '>': order > 0,
      }[operator]!;
      left = result ? '1' : '0';
    }
  }

  #number(text: string, evaluate: boolean): bigint {
    if (isInteger(text)) return BigInt(text);
    if (!evaluate) return 0n;
    this.#c.fail('non-integer argument', SYNTAX);
  }

  #sum(evaluate: boolean): string {
    let left = this.#product(evaluate);
    for (;;) {
      const operator = this.#take('+', '-');
      if (operator === undefined) return left;
      const right = this.#product(evaluate);
      const [a, b] = [this.#number(left, evaluate), this.#number(right, evaluate)];
      left = String(operator === '+' ? a + b : a - b);
    }
  }

  #product(evaluate: boolean): string {
    let left = this.#match(evaluate);
    for (;;) {
      const operator = this.#take('*', '/', '%');
      if (operator === undefined) return left;
      const right = this.#match(evaluate);
      const [a, b] = [this.#number(left, evaluate), this.#number(right, evaluate)];
      if (operator !== '*' && b === 0n) {
        if (evaluate) this.#c.fail('division by zero', SYNTAX);
        left = '0';
      } else left = String(operator === '*' ? a * b : operator === '/' ? a / b : a % b);
    }
  }

  #match(evaluate: boolean): string {
    let left = this.#unary(evaluate);
    while (this.#take(':') !== undefined) {
      const right = this.#unary(evaluate);
      if (evaluate) left = this.#matchOf(left, right);
    }
    return left;
  }

  #matchOf(text: string, pattern: string): string {
    try {
      const regex = new Regex(pattern, { extended: false });
      const match = regex.exec(text);
      const found = match !== null && match.start === 0 ? match : null;
      if (regex.groups > 0) return found?.groups[0] ?? '';
      return String(found?.end ?? 0);
    } catch (error) {
      if (error instanceof RegexError) this.#c.fail(error.message, SYNTAX);
      throw error;
    }
  }

  #unary(evaluate: boolean): string {
    const word = this.#words[this.#at];
    if (word === undefined) this.#c.fail(`syntax error: missing argument after ${quote(this.#words.at(-1)!)}`, SYNTAX);
    const more = this.#at + 1 < this.#words.length;
    if (word === '+' && more) {
      this.#at += 2;
      return this.#words[this.#at - 1]!;
    }
    if (word === 'length' && more) {
      this.#at++;
      return String(this.#unary(evaluate).length);
    }
    if (word === 'match' && more) {
      this.#at++;
      const text = this.#unary(evaluate);
      const pattern = this.#unary(evaluate);
      return evaluate ? this.#matchOf(text, pattern) : text;
    }
    if (word === 'index' && more) {
      this.#at++;
      const text = this.#unary(evaluate);
      const characters = this.#unary(evaluate);
      return String([...text].findIndex((char) => characters.includes(char)) + 1);
    }
    if (word === 'substr' && more) {
      this.#at++;
      const text = this.#unary(evaluate);
      const [from, length] = [this.#unary(evaluate), this.#unary(evaluate)];
      if (!isInteger(from) || !isInteger(length) || Number(from) <= 0 || Number(length) <= 0) return '';
      return text.slice(Number(from) - 1, Number(from) - 1 + Number(length));
    }
    this.#at++;
    if (word === '(') {
      const value = this.#or(evaluate);
      if (this.#take(')') === undefined) {
        const next = this.#words[this.#at];
        this.#c.fail(
          next === undefined
            ? `syntax error: expecting ')' after ${quote(this.#words.at(-1)!)}`
            : `syntax error: expecting ')' instead of ${quote(next)}`,
          SYNTAX,
        );
      }
      return value;
    }
    if (word === ')') this.#c.fail(`syntax error: unexpected ')'`, SYNTAX);
    return word;
  }
}

export const expr: Program = command(
  async (c: Command) => {
    const words = c.args[0] === '--' ? c.args.slice(1) : c.args;
    if (words.length === 0) c.usage('missing operand', SYNTAX);
    const value = new Expression(c, words).value();
    await c.out.write(`${value}\n`);
    return isNull(value) ? 1 : 0;
  },
  { trouble: FAILURE },
);
