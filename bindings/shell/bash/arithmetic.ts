/**
 * Arithmetic: expressions of C on 64-bit integers, evaluated as they are read, so that errors are noticed where bash notices them and
 * say what bash says of them.
 */
import { subscriptEnd } from './words.ts';

/** What an expression can see of the shell. `subscript` as written. */
export interface ArithmeticScope {
  /** The value of a variable; undefined if it is unset. */
  value(name: string, subscript: string | undefined): string | undefined;
  assign(name: string, subscript: string | undefined, value: string): void;
}

/** An expression that is none: the text as bash prints it. */
export class ArithmeticError extends Error {
  override name = 'ArithmeticError';
}

type Token =
  | 'end'
  | 'number'
  | 'name'
  | '++x'
  | '--x'
  | 'x++'
  | 'x--'
  | 'op='
  | 'cond'
  | '=='
  | '!='
  | '<='
  | '>='
  | '<<'
  | '>>'
  | '&&'
  | '||'
  | '**'
  | (string & {});

/** Operators between `&&` and `*`, the loosest first. */
const LEVELS: readonly (readonly string[])[] = [
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<=', '>=', '<', '>'],
  ['<<', '>>'],
  ['+', '-'],
];

const OPERATORS = '=<>+-*/%!()&|~^?:,';
const wrap = (value: bigint) => BigInt.asIntN(64, value);
const MAX_DEPTH = 1024;

interface State {
  at: number;
  tokenStart: number;
  token: Token;
  last: Token;
  name: string;
  subscript: string | undefined;
  value: bigint;
}

class Evaluator {
  private readonly scope: ArithmeticScope;
  private readonly depth: number;
  private readonly text: string;
  /** what stands before the expression in messages: `((: `, `let: ` */
  private readonly prefix: string;
  private at = 0;
  private tokenStart = 0;
  private token: Token = 'end';
  private last: Token = 'end';
  private name = '';
  private subscript: string | undefined;
  private value = 0n;
  private operator = '';
  private skip = 0;

  constructor(text: string, scope: ArithmeticScope, prefix: string, depth: number) {
    this.text = text;
    this.scope = scope;
    this.prefix = prefix;
    this.depth = depth;
  }

  run(): bigint {
    if (/^[ \t\n]*$/.test(this.text)) return 0n;
    this.read();
    const value = this.comma();
    if (this.token !== 'end') this.fail('syntax error in expression');
    return value;
  }

  private fail(message: string): never {
    const token = this.text.slice(this.tokenStart);
    const text = this.text.replace(/^[ \t\n]+/, '');
    throw new ArithmeticError(`${this.prefix}${text}: ${message} (error token is "${token}")`);
  }

  private save(): State {
    const { at, tokenStart, token, last, name, subscript, value } = this;
    return { at, tokenStart, token, last, name, subscript, value };
  }

  private restore(state: State): void {
    Object.assign(this, state);
  }

  /** The value of the name just read. */
  private lookup(): bigint {
    if (this.skip > 0) return 0n;
    const text = this.scope.value(this.name, this.subscript);
    if (text === undefined || text === '') return 0n;
    if (/^(0|[1-9][0-9]{0,14})$/.test(text)) return BigInt(text);
    if (this.depth >= MAX_DEPTH) this.fail('expression recursion level exceeded');
    return evaluate(text, this.scope, this.prefix, this.depth + 1);
  }

  private read(): void {
    const { text } = this;
    while (this.at < text.length && ' \t\n'.includes(text[this.at]!)) this.at++;
    if (this.at >= text.length) {
      this.last = this.token;
      this.token = 'end';
      return;
    }
    this.tokenStart = this.at;
    const c = text[this.at]!;
    if (/[A-Za-z_]/.test(c)) {
      let end = this.at + 1;
      while (end < text.length && /[A-Za-z0-9_]/.test(text[end]!)) end++;
      const name = text.slice(this.at, end);
      let subscript: string | undefined;
      if (text[end] === '[') {
        const close = subscriptEnd(text, end);
        if (close < 0) this.fail('bad array subscript');
        subscript = text.slice(end + 1, close);
        end = close + 1;
      }
      this.name = name;
      this.subscript = subscript;
      this.at = end;
      // a name that is to be assigned is not looked at; what follows may be an error already
      const assigned = this.peek() === '=';
      this.value = this.token === '++x' || this.token === '--x' || !assigned ? this.lookup() : 0n;
      this.last = this.token;
      this.token = 'name';
      return;
    }
    if (/[0-9]/.test(c)) {
      let end = this.at;
      while (end < text.length && /[A-Za-z0-9#@_]/.test(text[end]!)) end++;
      this.value = this.number(text.slice(this.at, end));
      this.at = end;
      this.last = this.token;
      this.token = 'number';
      return;
    }
    const two = text.slice(this.at, this.at + 2);
    let token: Token = c;
    let length = 1;
    if (two === '<<' || two === '>>') {
      if (text[this.at + 2] === '=') {
        this.operator = two;
        token = 'op=';
        length = 3;
      } else {
        token = two;
        length = 2;
      }
    } else if (['==', '!=', '>=', '<=', '&&', '||', '**'].includes(two)) {
      token = two;
      length = 2;
    } else if ((two === '++' || two === '--') && this.token === 'name') {
      token = two === '++' ? 'x++' : 'x--';
      length = 2;
    } else if (two === '++' || two === '--') {
      if (/^[ \t\n]*[A-Za-z_]/.test(text.slice(this.at + 2))) {
        token = two === '++' ? '++x' : '--x';
        length = 2;
      }
    } else if (two.length === 2 && two[1] === '=' && '*/%+-&^|'.includes(c)) {
      this.operator = c;
      token = 'op=';
      length = 2;
    } else if (!OPERATORS.includes(c)) {
      const operand = ['end', 'number', 'name', 'x++', 'x--', ')', 'cond'].includes(this.token) && this.token !== 'end';
      this.fail(operand ? 'syntax error: invalid arithmetic operator' : 'syntax error: operand expected');
    }
    this.at += length;
    this.last = this.token;
    this.token = token;
  }

  /** The token after a name. */
  private peek(): Token {
    const rest = /[ \t\n]*(?:$|([-+*/%<>=!&|^?:,)])(.?))/y;
    rest.lastIndex = this.at;
    const hit = rest.exec(this.text);
    if (hit) return hit[1] === '=' && hit[2] === '=' ? '==' : (hit[1] ?? 'end');
    const state = this.save();
    this.skip++;
    this.token = 'name';
    this.read();
    const { token } = this;
    this.skip--;
    this.restore(state);
    return token;
  }

  private number(text: string): bigint {
    let base = 10n;
    let digits = text;
    if (/^0[xX]/.test(text)) {
      base = 16n;
      digits = text.slice(2);
      if (digits === '') this.bad(text, 'invalid number');
    } else if (text.startsWith('0') && text.length > 1 && !text.includes('#')) {
      base = 8n;
      digits = text.slice(1);
    } else if (text.includes('#')) {
      const hash = text.indexOf('#');
      const b = text.slice(0, hash);
      if (!/^[0-9]+$/.test(b)) this.bad(text, 'value too great for base');
      if (Number(b) < 2 || Number(b) > 64) this.bad(text, 'invalid arithmetic base');
      base = BigInt(b);
      digits = text.slice(hash + 1);
      if (digits === '') this.bad(text, 'invalid integer constant');
      if (digits.includes('#')) this.bad(text, 'invalid number');
    }
    if (base === 10n && /^[0-9]{1,15}$/.test(digits)) return BigInt(Number(digits));
    let value = 0n;
    for (const d of digits) {
      let n: number;
      if (/[0-9]/.test(d)) n = d.charCodeAt(0) - 48;
      else if (/[a-z]/.test(d)) n = d.charCodeAt(0) - 87;
      else if (/[A-Z]/.test(d)) n = d.charCodeAt(0) - (base <= 36n ? 55 : 29);
      else if (d === '@') n = 62;
      else n = 63;
      if (BigInt(n) >= base) this.bad(text, 'value too great for base');
      value = wrap(value * base + BigInt(n));
    }
    return value;
  }

  private bad(text: string, message: string): never {
    // the rest of the expression is cut off in the message
    const shown = this.text.slice(0, this.at + text.length).replace(/^[ \t\n]+/, '');
    throw new ArithmeticError(`${this.prefix}${shown}: ${message} (error token is "${text}")`);
  }

  private comma(): bigint {
    let value = this.assignment();
    while (this.token === ',') {
      this.read();
      value = this.assignment();
    }
    return value;
  }

  private assignment(): bigint {
    let value = this.conditional();
    if (this.token === '=' || this.token === 'op=') {
      const special = this.token === 'op=';
      if (this.last !== 'name') this.fail('attempted assignment to non-variable');
      const operator = this.operator;
      const left = value;
      const { name, subscript } = this;
      this.read();
      value = this.assignment();
      if (special) {
        if ((operator === '/' || operator === '%') && value === 0n) {
          if (this.skip === 0) this.fail('division by 0');
          value = 1n;
        }
        value = binary(operator, left, value);
      }
      if (this.skip === 0) this.scope.assign(name, subscript, value.toString());
      // x = 1 = 2 has no variable on the left
      if (this.last === 'name') this.last = 'number';
    }
    return value;
  }

  private conditional(): bigint {
    const test = this.logicalOr();
    if (this.token !== '?') return test;
    if (test === 0n) this.skip++;
    this.read();
    if (this.token === 'end' || this.token === ':') this.fail('expression expected');
    const yes = this.comma();
    if (test === 0n) this.skip--;
    if (this.token !== ':') this.fail("`:' expected for conditional expression");
    if (test !== 0n) this.skip++;
    this.read();
    if (this.token === 'end') this.fail('expression expected');
    const no = this.conditional();
    if (test !== 0n) this.skip--;
    this.last = 'cond';
    return test !== 0n ? yes : no;
  }

  private logicalOr(): bigint {
    let value = this.logicalAnd();
    while (this.token === '||') {
      const known = value !== 0n;
      if (known) this.skip++;
      this.read();
      const right = this.logicalAnd();
      if (known) this.skip--;
      value = known || right !== 0n ? 1n : 0n;
      this.last = '||';
    }
    return value;
  }

  private logicalAnd(): bigint {
    let value = this.left(0);
    while (this.token === '&&') {
      const known = value === 0n;
      if (known) this.skip++;
      this.read();
      const right = this.left(0);
      if (known) this.skip--;
      value = !known && right !== 0n ? 1n : 0n;
      this.last = '&&';
    }
    return value;
  }

  /** Operators of a level that goes from left to right; the next binds tighter. */
  private left(level: number): bigint {
    if (level === LEVELS.length) return this.product();
    const operators = LEVELS[level]!;
    let value = this.left(level + 1);
    while (operators.includes(this.token)) {
      const operator = this.token;
      this.read();
      value = binary(operator, value, this.left(level + 1));
      this.last = 'number';
    }
    return value;
  }

  private product(): bigint {
    let value = this.power();
    while (this.token === '*' || this.token === '/' || this.token === '%') {
      const operator = this.token;
      const start = this.at;
      this.read();
      let right = this.power();
      if (operator !== '*' && right === 0n) {
        if (this.skip === 0) {
          this.tokenStart = start;
          while (' \t\n'.includes(this.text[this.tokenStart] ?? 'x')) this.tokenStart++;
          this.fail('division by 0');
        }
        right = 1n;
      }
      value = binary(operator, value, right);
      this.last = 'number';
    }
    return value;
  }

  private power(): bigint {
    const value = this.unary();
    if (this.token !== '**') return value;
    this.read();
    const exponent = this.power();
    this.last = 'number';
    if (exponent === 0n) return 1n;
    if (exponent < 0n) this.fail('exponent less than 0');
    let result = 1n;
    let base = value;
    for (let n = exponent; n > 0n; n >>= 1n) {
      if (n & 1n) result = wrap(result * base);
      base = wrap(base * base);
    }
    return result;
  }

  private unary(): bigint {
    const operator = this.token;
    if (operator !== '!' && operator !== '~' && operator !== '-' && operator !== '+') return this.primary();
    this.read();
    const value = this.unary();
    this.last = 'number';
    if (operator === '!') return value === 0n ? 1n : 0n;
    if (operator === '~') return ~value;
    return operator === '-' ? wrap(-value) : value;
  }

  private primary(): bigint {
    let value = 0n;
    if (this.token === '++x' || this.token === '--x') {
      const step = this.token === '++x' ? 1n : -1n;
      this.last = this.token;
      this.read();
      if (this.token !== 'name') this.fail('identifier expected after pre-increment or pre-decrement');
      value = wrap(this.value + step);
      if (this.skip === 0) this.scope.assign(this.name, this.subscript, value.toString());
      this.token = 'number';
      this.read();
    } else if (this.token === '(') {
      this.read();
      value = this.comma();
      if (this.token !== ')') this.fail("missing `)'");
      this.read();
    } else if (this.token === 'number') {
      value = this.value;
      this.read();
    } else if (this.token === 'name') {
      value = this.value;
      const rest = /[ \t\n]*(\+\+|--)/y;
      rest.lastIndex = this.at;
      const hit = rest.exec(this.text);
      if (hit) {
        const state = this.save();
        this.read();
        if (this.token === 'x++' || this.token === 'x--') {
          const step = this.token === 'x++' ? 1n : -1n;
          if (this.skip === 0) this.scope.assign(state.name, state.subscript, wrap(value + step).toString());
          this.token = 'number';
          this.read();
          return value;
        }
        this.restore(state);
      }
      const { name, subscript } = this;
      this.read();
      // what follows may have been a name: an assignment wants this one
      if (this.token !== 'name') {
        this.name = name;
        this.subscript = subscript;
      }
    } else this.fail('syntax error: operand expected');
    return value;
  }
}

function binary(operator: string, a: bigint, b: bigint): bigint {
  switch (operator) {
    case '+':
      return wrap(a + b);
    case '-':
      return wrap(a - b);
    case '*':
      return wrap(a * b);
    case '/':
      return wrap(a / b);
    case '%':
      return wrap(a % b);
    case '<<':
      return wrap(a << (b & 63n));
    case '>>':
      return wrap(a >> (b & 63n));
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '==':
      return a === b ? 1n : 0n;
    case '!=':
      return a !== b ? 1n : 0n;
    case '<':
      return a < b ? 1n : 0n;
    case '>':
      return a > b ? 1n : 0n;
    case '<=':
      return a <= b ? 1n : 0n;
    default:
      return a >= b ? 1n : 0n;
  }
}

/** The value of an expression whose `$` are expanded. Throws ArithmeticError. */
export function evaluate(text: string, scope: ArithmeticScope, prefix = '', depth = 0): bigint {
  if (/^[0-9]{1,15}$/.test(text) && (text[0] !== '0' || text.length === 1)) return BigInt(text);
  return new Evaluator(text, scope, prefix, depth).run();
}
