/** The language of awk: from text to a tree. */

export class AwkSyntaxError extends Error {
  override name = 'AwkSyntaxError';
  readonly line: number;
  constructor(text: string, line: number) {
    super(text);
    this.line = line;
  }
}

export type Lvalue =
  | { kind: 'variable'; name: string }
  | { kind: 'index'; name: string; subscripts: Expression[] }
  | { kind: 'field'; index: Expression };

export type Expression =
  | Lvalue
  | { kind: 'number'; value: number }
  | { kind: 'string'; value: string }
  | { kind: 'regex'; source: string }
  | { kind: 'assign'; operator: string; target: Lvalue; value: Expression }
  | { kind: 'conditional'; test: Expression; yes: Expression; no: Expression }
  | { kind: 'or' | 'and'; left: Expression; right: Expression }
  | { kind: 'in'; subscripts: Expression[]; name: string }
  | { kind: 'match'; negated: boolean; left: Expression; right: Expression }
  | { kind: 'compare'; operator: string; left: Expression; right: Expression }
  | { kind: 'concat'; left: Expression; right: Expression }
  | { kind: 'arithmetic'; operator: string; left: Expression; right: Expression }
  | { kind: 'unary'; operator: string; operand: Expression }
  | { kind: 'increment'; target: Lvalue; by: 1 | -1; prefix: boolean }
  | { kind: 'group'; inner: Expression }
  | { kind: 'call'; name: string; args: Expression[] }
  | { kind: 'builtin'; name: string; args: Expression[] }
  | { kind: 'getline'; target: Lvalue | undefined; source: Expression | undefined; pipe: boolean };

export type Statement =
  | { kind: 'expression'; value: Expression }
  | { kind: 'print'; args: Expression[]; formatted: boolean; to: Redirection | undefined }
  | { kind: 'if'; test: Expression; yes: Statement; no: Statement | undefined }
  | { kind: 'while'; test: Expression; body: Statement }
  | { kind: 'do'; test: Expression; body: Statement }
  | {
      kind: 'for';
      start: Statement | undefined;
      test: Expression | undefined;
      step: Statement | undefined;
      body: Statement;
    }
  | { kind: 'forIn'; variable: string; array: string; body: Statement }
  | { kind: 'block'; body: Statement[] }
  | { kind: 'next' | 'nextfile' | 'break' | 'continue' }
  | { kind: 'exit' | 'return'; value: Expression | undefined }
  | { kind: 'delete'; name: string; subscripts: Expression[] | undefined };

export interface Redirection {
  kind: '>' | '>>' | '|';
  to: Expression;
}

interface Rule {
  from: Expression | undefined;
  to: Expression | undefined;
  body: Statement | undefined;
}

export interface AwkProgram {
  begin: Statement[];
  end: Statement[];
  rules: Rule[];
  functions: Map<string, { parameters: string[]; body: Statement }>;
}

type Token = {
  kind: 'newline' | 'number' | 'string' | 'regex' | 'name' | 'call' | 'builtin' | 'keyword' | 'punct' | 'end';
  text: string;
  line: number;
};

const KEYWORDS = new Set([
  ...['BEGIN', 'END', 'function', 'func', 'if', 'else', 'while', 'for', 'do', 'break', 'continue', 'next', 'nextfile'],
  ...['exit', 'return', 'delete', 'in', 'getline', 'print', 'printf'],
]);
const BUILTINS = new Set([
  ...[
    'length',
    'substr',
    'index',
    'split',
    'sub',
    'gsub',
    'match',
    'sprintf',
    'sin',
    'cos',
    'atan2',
    'exp',
    'log',
    'sqrt',
  ],
  ...['int', 'rand', 'srand', 'tolower', 'toupper', 'system', 'close', 'fflush', 'systime', 'strftime'],
]);
const PUNCTUATION = [
  ...['&&', '||', '++', '--', '+=', '-=', '*=', '/=', '%=', '^=', '==', '<=', '>=', '!=', '!~', '>>'],
  ...[
    '{',
    '}',
    '(',
    ')',
    '[',
    ']',
    ';',
    ',',
    '+',
    '-',
    '*',
    '/',
    '%',
    '^',
    '!',
    '<',
    '>',
    '|',
    '?',
    ':',
    '~',
    '$',
    '=',
  ],
];
const ESCAPES: Readonly<Record<string, string>> = {
  ...{ '"': '"', '\\': '\\', '/': '/', a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
};

/** Escapes of a string, or of an assignment of the command line. */
export function awkString(text: string): string {
  return text.replace(/\\(?:([0-7]{1,3})|([\s\S]))/g, (whole, octal: string | undefined, letter: string) =>
    octal !== undefined
      ? String.fromCharCode(Number.parseInt(octal, 8) & 255)
      : letter === '\n'
        ? ''
        : (ESCAPES[letter] ?? whole),
  );
}

class Parser {
  readonly #source: string;
  #at = 0;
  #line = 1;
  #token: Token = { kind: 'newline', text: '\n', line: 1 };
  /** within parentheses `>` compares, outside of them print redirects */
  #noRedirect = 0;
  #noIn = 0;
  #printing = false;
  readonly program: AwkProgram = { begin: [], end: [], rules: [], functions: new Map() };

  constructor(source: string) {
    this.#source = source;
  }

  // ------------------------------------------------------------------------------------------------ tokens

  #fail(): never {
    const { kind, text } = this.#token;
    throw new AwkSyntaxError(
      kind === 'end'
        ? 'syntax error at or near end of line'
        : `syntax error at or near ${text === '\n' ? 'end of line' : text}`,
      this.#token.line,
    );
  }

  #advance(): void {
    const divides =
      this.#token.kind === 'name' ||
      this.#token.kind === 'number' ||
      this.#token.kind === 'string' ||
      this.#token.kind === 'builtin' ||
      /^(\)|\]|\$|\+\+|--)$/.test(this.#token.kind === 'punct' ? this.#token.text : '');
    const source = this.#source;
    for (;;) {
      const space = /[ \t\r]+|\\\r?\n|#[^\n]*/y;
      space.lastIndex = this.#at;
      const found = space.exec(source);
      if (found === null) break;
      if (found[0].startsWith('\\')) this.#line++;
      this.#at += found[0].length;
    }
    const set = (kind: Token['kind'], text: string, length = text.length) => {
      this.#token = { kind, text, line: this.#line };
      this.#at += length;
    };
    const char = source[this.#at];
    if (char === undefined) {
      set('end', '', 0);
      return;
    }
    if (char === '\n') {
      set('newline', '\n');
      this.#line++;
      return;
    }
    const rest = source.slice(this.#at, this.#at + 400);
    const number = /^(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)/.exec(rest)?.[0];
    if (number !== undefined) {
      set('number', number);
      return;
    }
    const name = /^[A-Za-z_]\w*/.exec(rest)?.[0];
    if (name !== undefined) {
      if (KEYWORDS.has(name)) {
        set('keyword', name);
        return;
      }
      if (BUILTINS.has(name)) {
        set('builtin', name);
        return;
      }
      set(source[this.#at + name.length] === '(' ? 'call' : 'name', name);
      return;
    }
    if (char === '"') {
      const string = /"((?:[^"\\\n]|\\[\s\S])*)"/y;
      string.lastIndex = this.#at;
      const found = string.exec(source);
      if (found === null)
        throw new AwkSyntaxError(`runaway string constant ${source.slice(this.#at).split('\n')[0]} ...`, this.#line);
      set('string', awkString(found[1]!), found[0].length);
      return;
    }
    if (char === '/' && !divides) {
      const regex = /\/((?:[^\\/\n[]|\\.|\[\^?\]?(?:\[:\w+:\]|\\.|[^\]\n])*\])*)\//y;
      regex.lastIndex = this.#at;
      const found = regex.exec(source);
      if (found === null)
        throw new AwkSyntaxError(`runaway regular expression ${source.slice(this.#at).split('\n')[0]} ...`, this.#line);
      set('regex', found[1]!, found[0].length);
      return;
    }
    const punctuation = PUNCTUATION.find((each) => rest.startsWith(each));
    if (punctuation === undefined) throw new AwkSyntaxError(`syntax error at or near ${char}`, this.#line);
    set('punct', punctuation);
  }

  #is(text: string): boolean {
    return (this.#token.kind === 'punct' || this.#token.kind === 'keyword') && this.#token.text === text;
  }

  #accept(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#advance();
    return true;
  }

  #expect(text: string): void {
    if (!this.#accept(text)) this.#fail();
  }

  #newlines(): void {
    while (this.#token.kind === 'newline') this.#advance();
  }

  // ------------------------------------------------------------------------------------------------ rules

  parse(): AwkProgram {
    this.#advance();
    for (;;) {
      while (this.#token.kind === 'newline' || this.#is(';')) this.#advance();
      if (this.#token.kind === 'end') return this.program;
      if (this.#is('function') || this.#is('func')) this.#function();
      else if (this.#accept('BEGIN')) this.program.begin.push(this.#action());
      else if (this.#accept('END')) this.program.end.push(this.#action());
      else {
        const rule: Rule = { from: undefined, to: undefined, body: undefined };
        if (!this.#is('{')) {
          rule.from = this.#expression();
          if (this.#accept(',')) {
            this.#newlines();
            rule.to = this.#expression();
          }
        }
        if (this.#is('{')) rule.body = this.#action();
        this.program.rules.push(rule);
      }
    }
  }

  #action(): Statement {
    this.#newlines();
    if (!this.#is('{')) this.#fail();
    return this.#block();
  }

  #function(): void {
    this.#advance();
    const name = this.#token.text;
    if (this.#token.kind !== 'call' && this.#token.kind !== 'name') this.#fail();
    this.#advance();
    this.#expect('(');
    const parameters: string[] = [];
    while (!this.#is(')')) {
      if (this.#token.kind !== 'name') this.#fail();
      parameters.push(this.#token.text);
      this.#advance();
      if (!this.#accept(',')) break;
      this.#newlines();
    }
    this.#expect(')');
    this.#newlines();
    this.program.functions.set(name, { parameters, body: this.#block() });
  }

  #block(): Statement {
    this.#expect('{');
    const body: Statement[] = [];
    for (;;) {
      while (this.#token.kind === 'newline' || this.#is(';')) this.#advance();
      if (this.#accept('}')) return { kind: 'block', body };
      if (this.#token.kind === 'end') this.#fail();
      body.push(this.#statement());
    }
  }

  /** The end of a simple statement. */
  #terminator(): void {
    if (this.#is(';') || this.#token.kind === 'newline') this.#advance();
    else if (!this.#is('}') && this.#token.kind !== 'end') this.#fail();
  }

  #body(): Statement {
    this.#newlines();
    if (this.#accept(';')) return { kind: 'block', body: [] };
    return this.#statement();
  }

  #statement(): Statement {
    if (this.#is('{')) return this.#block();
    if (this.#accept('if')) {
      this.#expect('(');
      const test = this.#inParentheses();
      const yes = this.#body();
      // `else` may follow after newlines and a semicolon.
      const [at, line, token] = [this.#at, this.#line, this.#token];
      while (this.#token.kind === 'newline' || this.#is(';')) this.#advance();
      if (this.#accept('else')) return { kind: 'if', test, yes, no: this.#body() };
      [this.#at, this.#line, this.#token] = [at, line, token];
      return { kind: 'if', test, yes, no: undefined };
    }
    if (this.#accept('while')) {
      this.#expect('(');
      const test = this.#inParentheses();
      if (this.#is(';')) {
        this.#advance();
        return { kind: 'while', test, body: { kind: 'block', body: [] } };
      }
      return { kind: 'while', test, body: this.#body() };
    }
    if (this.#accept('do')) {
      const body = this.#body();
      while (this.#token.kind === 'newline' || this.#is(';')) this.#advance();
      this.#expect('while');
      this.#expect('(');
      const test = this.#inParentheses();
      this.#terminator();
      return { kind: 'do', test, body };
    }
    if (this.#accept('for')) return this.#for();
    const simple = this.#simple();
    this.#terminator();
    return simple;
  }

  #inParentheses(): Expression {
    this.#noRedirect++;
    const saved = [this.#noIn, this.#printing] as const;
    [this.#noIn, this.#printing] = [0, false];
    const value = this.#expression();
    [this.#noIn, this.#printing] = saved;
    this.#noRedirect--;
    this.#expect(')');
    return value;
  }

  #for(): Statement {
    this.#expect('(');
    let start: Statement | undefined;
    if (!this.#is(';')) {
      this.#noIn = 0;
      const [at, line, token] = [this.#at, this.#line, this.#token];
      if (this.#token.kind === 'name') {
        const variable = this.#token.text;
        this.#advance();
        if (this.#accept('in') && this.#isName()) {
          const array = this.#token.text;
          this.#advance();
          if (this.#accept(')')) return { kind: 'forIn', variable, array, body: this.#body() };
        }
        [this.#at, this.#line, this.#token] = [at, line, token];
      }
      start = this.#simple();
    }
    this.#expect(';');
    this.#newlines();
    const test = this.#is(';') ? undefined : this.#expression();
    this.#expect(';');
    this.#newlines();
    const step = this.#is(')') ? undefined : this.#simple();
    this.#expect(')');
    return { kind: 'for', start, test, step, body: this.#body() };
  }

  #isName(): boolean {
    return this.#token.kind === 'name' || this.#token.kind === 'call';
  }

  #simple(): Statement {
    for (const kind of ['next', 'nextfile', 'break', 'continue'] as const) if (this.#accept(kind)) return { kind };
    for (const kind of ['exit', 'return'] as const)
      if (this.#accept(kind)) {
        const bare = this.#token.kind === 'newline' || this.#token.kind === 'end' || this.#is(';') || this.#is('}');
        return { kind, value: bare ? undefined : this.#expression() };
      }
    if (this.#accept('delete')) {
      const name = this.#token.text;
      if (!this.#isName()) this.#fail();
      this.#advance();
      return { kind: 'delete', name, subscripts: this.#accept('[') ? this.#list(']') : undefined };
    }
    if (this.#is('print') || this.#is('printf')) return this.#print();
    return { kind: 'expression', value: this.#expression() };
  }

  #print(): Statement {
    const formatted = this.#is('printf');
    this.#advance();
    let args: Expression[] = [];
    const ends = () =>
      this.#token.kind === 'newline' ||
      this.#token.kind === 'end' ||
      this.#is(';') ||
      this.#is('}') ||
      this.#is('>') ||
      this.#is('>>') ||
      this.#is('|');
    this.#printing = true;
    if (!ends()) {
      const [at, line, token] = [this.#at, this.#line, this.#token];
      let grouped = false;
      if (this.#is('(')) {
        // `print (a, b) > "f"`: a list in parentheses, unless an expression goes on behind them.
        this.#advance();
        this.#printing = false;
        this.#noRedirect++;
        args = this.#list(')');
        this.#noRedirect--;
        this.#printing = true;
        grouped = ends();
      }
      if (!grouped) {
        [this.#at, this.#line, this.#token] = [at, line, token];
        args = [this.#expression()];
        while (this.#accept(',')) {
          this.#newlines();
          args.push(this.#expression());
        }
      }
    }
    this.#printing = false;
    let to: Redirection | undefined;
    for (const kind of ['>', '>>', '|'] as const)
      if (to === undefined && this.#accept(kind)) to = { kind, to: this.#concatenation(true) };
    return { kind: 'print', args, formatted, to };
  }

  #list(close: string): Expression[] {
    const items: Expression[] = [];
    this.#newlines();
    while (!this.#is(close)) {
      this.#noRedirect++;
      const saved = [this.#noIn, this.#printing] as const;
      [this.#noIn, this.#printing] = [0, false];
      items.push(this.#expression());
      [this.#noIn, this.#printing] = saved;
      this.#noRedirect--;
      this.#newlines();
      if (!this.#accept(',')) break;
      this.#newlines();
    }
    this.#expect(close);
    return items;
  }

  // ------------------------------------------------------------------------------------------------ expressions

  #expression(): Expression {
    const left = this.#ternary();
    if (this.#token.kind === 'punct' && /^[-+*/%^]?=$/.test(this.#token.text) && this.#isLvalue(left)) {
      const operator = this.#token.text.slice(0, -1);
      this.#advance();
      this.#newlines();
      return { kind: 'assign', operator, target: left, value: this.#expression() };
    }
    return left;
  }

  #isLvalue(node: Expression): node is Lvalue {
    return node.kind === 'variable' || node.kind === 'index' || node.kind === 'field';
  }

  #ternary(): Expression {
    const test = this.#or();
    if (!this.#accept('?')) return test;
    this.#newlines();
    const yes = this.#expression();
    this.#newlines();
    this.#expect(':');
    this.#newlines();
    return { kind: 'conditional', test, yes, no: this.#expression() };
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#accept('||')) {
      this.#newlines();
      left = { kind: 'or', left, right: this.#and() };
    }
    return left;
  }

  #and(): Expression {
    let left = this.#membership();
    while (this.#accept('&&')) {
      this.#newlines();
      left = { kind: 'and', left, right: this.#membership() };
    }
    return left;
  }

  #membership(): Expression {
    let left = this.#match();
    while (this.#noIn === 0 && this.#is('in')) {
      this.#advance();
      if (!this.#isName()) this.#fail();
      left = { kind: 'in', subscripts: [left], name: this.#token.text };
      this.#advance();
    }
    return left;
  }

  #match(): Expression {
    let left = this.#comparison();
    while (this.#is('~') || this.#is('!~')) {
      const negated = this.#is('!~');
      this.#advance();
      left = { kind: 'match', negated, left, right: this.#comparison() };
    }
    return left;
  }

  #comparison(): Expression {
    let left = this.#piped();
    for (const operator of ['<=', '>=', '==', '!=', '<', '>'])
      if (this.#is(operator) && !(operator === '>' && this.#printing && this.#noRedirect === 0)) {
        this.#advance();
        left = { kind: 'compare', operator, left, right: this.#piped() };
        break;
      }
    return left;
  }

  /** `"command" | getline` */
  #piped(): Expression {
    let left = this.#concatenation(false);
    while (this.#is('|')) {
      const [at, line, token] = [this.#at, this.#line, this.#token];
      this.#advance();
      if (!this.#accept('getline')) {
        [this.#at, this.#line, this.#token] = [at, line, token];
        return left;
      }
      left = { kind: 'getline', target: this.#optionalLvalue(), source: left, pipe: true };
    }
    return left;
  }

  #optionalLvalue(): Lvalue | undefined {
    if (!this.#is('$') && !this.#isName()) return undefined;
    const target = this.#primary();
    if (!this.#isLvalue(target)) this.#fail();
    return target;
  }

  #startsOperand(): boolean {
    const { kind, text } = this.#token;
    if (
      kind === 'number' ||
      kind === 'string' ||
      kind === 'regex' ||
      kind === 'name' ||
      kind === 'call' ||
      kind === 'builtin'
    )
      return true;
    return kind === 'punct' && /^([($!+-]|\+\+|--)$/.test(text);
  }

  #concatenation(simple: boolean): Expression {
    let left = this.#additive();
    while (this.#startsOperand() && !this.#is('+') && !this.#is('-') && !(this.#is('in') || (simple && this.#is('('))))
      left = { kind: 'concat', left, right: this.#additive() };
    return left;
  }

  #additive(): Expression {
    let left = this.#multiplicative();
    while (this.#is('+') || this.#is('-')) {
      const operator = this.#token.text;
      this.#advance();
      left = { kind: 'arithmetic', operator, left, right: this.#multiplicative() };
    }
    return left;
  }

  #multiplicative(): Expression {
    let left = this.#unary();
    while (this.#is('*') || this.#is('/') || this.#is('%')) {
      const operator = this.#token.text;
      this.#advance();
      left = { kind: 'arithmetic', operator, left, right: this.#unary() };
    }
    return left;
  }

  #unary(): Expression {
    if (this.#is('!') || this.#is('-') || this.#is('+')) {
      const operator = this.#token.text;
      this.#advance();
      return { kind: 'unary', operator, operand: this.#unary() };
    }
    return this.#power();
  }

  #power(): Expression {
    const base = this.#postfix();
    if (!this.#is('^')) return base;
    this.#advance();
    // The exponent binds to the right, and may have a sign.
    const right = this.#is('-') || this.#is('+') || this.#is('!') ? this.#unary() : this.#power();
    return { kind: 'arithmetic', operator: '^', left: base, right };
  }

  #postfix(): Expression {
    if (this.#is('++') || this.#is('--')) {
      const by = this.#is('++') ? 1 : -1;
      this.#advance();
      const target = this.#primary();
      if (!this.#isLvalue(target)) this.#fail();
      return { kind: 'increment', target, by, prefix: true };
    }
    const operand = this.#primary();
    if ((this.#is('++') || this.#is('--')) && this.#isLvalue(operand)) {
      const by = this.#is('++') ? 1 : -1;
      this.#advance();
      return { kind: 'increment', target: operand, by, prefix: false };
    }
    return operand;
  }

  #primary(): Expression {
    const { kind, text } = this.#token;
    switch (kind) {
      case 'number':
        this.#advance();
        return { kind: 'number', value: Number(text) };
      case 'string':
        this.#advance();
        return { kind: 'string', value: text };
      case 'regex':
        this.#token = { ...this.#token, kind: 'string' };
        this.#advance();
        return { kind: 'regex', source: text };
      case 'name':
        this.#advance();
        if (this.#accept('[')) return { kind: 'index', name: text, subscripts: this.#list(']') };
        return { kind: 'variable', name: text };
      case 'call':
        this.#advance();
        this.#expect('(');
        return { kind: 'call', name: text, args: this.#list(')') };
      case 'builtin':
        this.#advance();
        if (this.#accept('(')) return { kind: 'builtin', name: text, args: this.#list(')') };
        if (text !== 'length') this.#fail();
        return { kind: 'builtin', name: text, args: [] };
    }
    if (this.#accept('$')) {
      if (this.#is('++') || this.#is('--')) return { kind: 'field', index: this.#postfix() };
      if (this.#is('-') || this.#is('+') || this.#is('!')) return { kind: 'field', index: this.#unary() };
      return { kind: 'field', index: this.#primary() };
    }
    if (this.#accept('(')) {
      const items = this.#list(')');
      if (items.length === 1) return { kind: 'group', inner: items[0]! };
      if (items.length > 1 && this.#accept('in')) {
        const name = this.#token.text;
        this.#advance();
        return { kind: 'in', subscripts: items, name };
      }
      this.#fail();
    }
    if (this.#accept('getline')) {
      const target = this.#optionalLvalue();
      const source = this.#accept('<') ? this.#primary() : undefined;
      return { kind: 'getline', target, source, pipe: false };
    }
    this.#fail();
  }
}

/** @throws AwkSyntaxError */
export function parseAwk(source: string): AwkProgram {
  return new Parser(source).parse();
}
