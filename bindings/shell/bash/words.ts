/**
 * Words: what a word of the source is made of. The tree has their extents; what expansion needs — which characters are quoted how, what
 * each `$…` asks for — is read here from their text, by the same rules for words that are only known when they run (here-documents,
 * subscripts, arithmetic, PS4).
 */
import { parse } from 'unbash';
import { ansiC } from './escapes.ts';
import { Source } from './source.ts';

export type Part =
  | { kind: 'text'; text: string }
  | { kind: 'quoted'; text: string }
  | { kind: 'double'; parts: Part[] }
  | { kind: 'tilde'; user: string }
  | Parameter
  | { kind: 'command'; source: Source; text: string }
  | { kind: 'arithmetic'; parts: Part[]; text: string }
  | { kind: 'process'; operator: '<' | '>'; source: Source }
  | { kind: 'bad'; text: string };

/** `$x`, `${…}` */
export interface Parameter {
  kind: 'parameter';
  /** as written */
  text: string;
  name: string;
  subscript: string | undefined;
  /** `${#x}` */
  length: boolean;
  /** `${!x}` */
  indirect: boolean;
  operation: Operation | undefined;
}

export type Operation =
  | { kind: 'default'; operator: string; word: Part[]; text: string }
  | { kind: 'remove'; operator: string; pattern: Part[] }
  | { kind: 'replace'; operator: string; pattern: Part[]; replacement: Part[] | undefined }
  | { kind: 'slice'; offset: Part[]; length: Part[] | undefined; lengthText: string }
  | { kind: 'case'; operator: string; pattern: Part[] | undefined }
  | { kind: 'transform'; operator: string }
  | { kind: 'names'; operator: string };

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NAME_START = /[A-Za-z_]/;

/** How a text is quoted: not at all, by double quotes, as a here-document, or as arithmetic (quoted, but double quotes vanish). */
type Mode = 'plain' | 'double' | 'document' | 'arithmetic';

/** The position after the `)` that ends commands; -1 if that takes a parser (`case`, here-documents) or there is none. */
function parenthesisEnd(text: string, from: number): number {
  let depth = 1;
  let i = from;
  let start = true;
  while (i < text.length) {
    const c = text[i]!;
    if (start && c === '#') {
      i = text.indexOf('\n', i);
      if (i < 0) return -1;
      continue;
    }
    if (start && text.startsWith('case', i) && /^case[ \t\n]/.test(text.slice(i, i + 5))) return -1;
    if (c === '<' && text[i + 1] === '<' && text[i + 2] !== '<') return -1;
    if (c === '<' && text.startsWith('<<<', i)) {
      i += 3;
      continue;
    }
    if (c === '(') depth++;
    else if (c === ')' && --depth === 0) return i + 1;
    start = ' \t\n;&|()'.includes(c);
    i = skipOne(text, i);
  }
  return -1;
}

/** The end of the `$(…)`, `<(…)` or `>(…)` that begins at `at`. */
export function commandEnd(text: string, at: number): number {
  const simple = /[$<>]\([^()'"`\\#$<>]*\)/y;
  simple.lastIndex = at;
  const hit = simple.exec(text);
  if (hit && !/\bcase\b/.test(hit[0])) return simple.lastIndex;
  const end = parenthesisEnd(text, at + 2);
  if (end >= 0) return end;
  const tail = text.slice(at);
  const first = parse(tail).commands[0]?.command;
  const word = first?.type === 'Command' ? first.name : undefined;
  const part = word?.parts?.[0];
  if (part && (part.type === 'CommandExpansion' || part.type === 'ProcessSubstitution') && part.pos === 0) {
    return at + part.end;
  }
  if (word && word.pos === 0 && tail[word.end - 1] === ')') return at + word.end;
  return text.length;
}

/** The end of a quoted stretch, or of one character: for those who look for a delimiter outside of quotes. */
export function skipOne(text: string, at: number): number {
  const c = text[at];
  if (c === '\\') return at + 2;
  if (c === "'") {
    const end = text.indexOf("'", at + 1);
    return end < 0 ? text.length : end + 1;
  }
  if (c === '"') {
    let i = at + 1;
    while (i < text.length && text[i] !== '"') i = text[i] === "'" ? i + 1 : skipOne(text, i);
    return i + 1;
  }
  if (c === '`') {
    let i = at + 1;
    while (i < text.length && text[i] !== '`') i += text[i] === '\\' ? 2 : 1;
    return i + 1;
  }
  if (c === '$') {
    if (text[at + 1] === '(') {
      if (text[at + 2] === '(') {
        const end = arithmeticEnd(text, at);
        if (end >= 0) return end;
      }
      return commandEnd(text, at);
    }
    if (text[at + 1] === '{') {
      let i = at + 2;
      while (i < text.length && text[i] !== '}') i = skipOne(text, i);
      return i + 1;
    }
    if (text[at + 1] === "'") {
      let i = at + 2;
      while (i < text.length && text[i] !== "'") i += text[i] === '\\' ? 2 : 1;
      return i + 1;
    }
  }
  return at + 1;
}

/** The end of `$((…))` at `at`; -1 if that is a command substitution of a subshell. */
function arithmeticEnd(text: string, at: number): number {
  let depth = 2;
  let i = at + 3;
  while (i < text.length) {
    const c = text[i];
    if (c === '(') depth++;
    else if (c === ')') {
      depth--;
      if (depth === 1) return text[i + 1] === ')' ? i + 2 : -1;
    }
    i = c === "'" ? i + 1 : skipOne(text, i);
  }
  return -1;
}

/** The position of the `]` that ends the subscript whose `[` is at `at`; -1 if none does. */
export function subscriptEnd(text: string, at: number): number {
  let depth = 1;
  let i = at + 1;
  while (i < text.length) {
    const c = text[i];
    if (c === '[') depth++;
    else if (c === ']' && --depth === 0) return i;
    i = skipOne(text, i);
  }
  return -1;
}

class Reader {
  readonly source: Source;
  readonly text: string;
  readonly end: number;
  at: number;

  constructor(source: Source, at: number, end: number) {
    this.source = source;
    this.text = source.text;
    this.at = at;
    this.end = end;
  }

  /**
   * Parts up to one of the characters `stop` outside of quotes, or the end.
   * `operand`: within `${…}` in double quotes, where a double quote toggles and `\}` is a brace.
   */
  parts(mode: Mode, stop: string, operand = false): Part[] {
    const parts: Part[] = [];
    let text = '';
    const quotes = mode !== 'plain';
    const flush = () => {
      if (text !== '') parts.push({ kind: quotes ? 'quoted' : 'text', text });
      text = '';
    };
    while (this.at < this.end) {
      const c = this.text[this.at]!;
      if (stop.includes(c)) break;
      if (c === '\\') {
        const next = this.at + 1 < this.end ? this.text[this.at + 1]! : undefined;
        if (next === '\n') {
          this.at += 2;
        } else if (next === undefined) {
          text += '\\';
          this.at++;
        } else if (!quotes) {
          flush();
          parts.push({ kind: 'quoted', text: next });
          this.at += 2;
        } else if (
          '$`\\'.includes(next) ||
          (next === '"' && (mode !== 'document' || operand)) ||
          (operand && next === '}')
        ) {
          text += next;
          this.at += 2;
        } else {
          text += c;
          this.at++;
        }
      } else if (c === "'" && !quotes) {
        const close = this.text.indexOf("'", this.at + 1);
        const end = close < 0 || close >= this.end ? this.end : close;
        flush();
        parts.push({ kind: 'quoted', text: this.text.slice(this.at + 1, end) });
        this.at = end + 1;
      } else if (c === '"' && (mode !== 'document' || operand)) {
        flush();
        if (mode === 'double' && !operand) {
          text += c;
          this.at++;
          continue;
        }
        this.at++;
        const inner = this.parts('double', '"');
        this.at++;
        parts.push({ kind: 'double', parts: inner });
      } else if (c === '`') {
        flush();
        parts.push(this.backticks(mode));
      } else if (c === '$') {
        flush();
        const part = this.dollar(mode);
        if (part === undefined) {
          text += '$';
          this.at++;
        } else parts.push(part);
      } else if ((c === '<' || c === '>') && !quotes && this.text[this.at + 1] === '(') {
        flush();
        const end = commandEnd(this.text, this.at);
        const inner = new Source(this.text.slice(this.at + 2, end - 1), this.source.line(this.at));
        parts.push({ kind: 'process', operator: c, source: inner });
        this.at = end;
      } else {
        text += c;
        this.at++;
      }
    }
    flush();
    return parts;
  }

  private backticks(mode: Mode): Part {
    const from = this.at;
    let inner = '';
    let i = from + 1;
    while (i < this.end && this.text[i] !== '`') {
      if (this.text[i] === '\\') {
        const next = this.text[i + 1] ?? '';
        if ('$`\\'.includes(next) || (next === '"' && mode === 'double')) inner += next;
        else inner += `\\${next}`;
        i += 2;
      } else inner += this.text[i++];
    }
    this.at = i + 1;
    const source = new Source(inner, this.source.line(from));
    source.raw = true;
    return { kind: 'command', source, text: this.text.slice(from, this.at) };
  }

  private dollar(mode: Mode): Part | undefined {
    const { text, at } = this;
    const next = at + 1 < this.end ? text[at + 1]! : '';
    if (next === '(') {
      if (text[at + 2] === '(') {
        const end = arithmeticEnd(text, at);
        if (end >= 0) {
          this.at = end;
          const inner = new Reader(this.source, at + 3, end - 2).parts('arithmetic', '');
          return { kind: 'arithmetic', parts: inner, text: text.slice(at + 3, end - 2) };
        }
      }
      const end = commandEnd(text, at);
      this.at = end;
      const source = new Source(text.slice(at + 2, end - 1), this.source.line(at));
      // what looked like arithmetic at first is not read before it runs either
      source.raw = mode === 'document' || text[at + 2] === '(';
      return { kind: 'command', source, text: text.slice(at, end) };
    }
    if (next === '[') {
      const end = subscriptEnd(text, at + 1);
      if (end >= 0) {
        this.at = end + 1;
        const inner = new Reader(this.source, at + 2, end).parts('arithmetic', '');
        return { kind: 'arithmetic', parts: inner, text: text.slice(at + 2, end) };
      }
    }
    if (next === '{') return this.braced(mode);
    if (next === "'" && mode === 'plain') {
      let i = at + 2;
      while (i < this.end && text[i] !== "'") i += text[i] === '\\' ? 2 : 1;
      this.at = i + 1;
      return { kind: 'quoted', text: ansiC(text.slice(at + 2, i)) };
    }
    if (next === '"' && mode === 'plain') {
      this.at += 2;
      const parts = this.parts('double', '"');
      this.at++;
      return { kind: 'double', parts };
    }
    NAME.lastIndex = at + 1;
    const name = NAME.exec(text);
    if (name && at + 1 + name[0].length <= this.end) {
      this.at = NAME.lastIndex;
      return parameter(`$${name[0]}`, name[0]);
    }
    if (next !== '' && '@*#?-$!0123456789'.includes(next)) {
      this.at += 2;
      // a here-document joins by blanks
      return parameter(`$${next}`, mode === 'document' && next === '*' ? '@' : next);
    }
    return undefined;
  }

  /** `${…}`: `at` is at the dollar. */
  private braced(mode: Mode): Part {
    const { text } = this;
    const from = this.at;
    const bad = (): Part => {
      this.at = skipOne(text, from);
      return { kind: 'bad', text: text.slice(from, this.at) };
    };
    this.at += 2;
    let length = false;
    let indirect = false;
    const after = text[this.at + 1] ?? '';
    if (text[this.at] === '#' && after !== '}' && (/[A-Za-z0-9_@*?$!-]/.test(after) || after === '#')) {
      // ${#-x} and ${#?x} are of $#; ${#-} is a length
      if (/[A-Za-z0-9_@*]/.test(after) || text[this.at + 2] === '}') {
        length = true;
        this.at++;
      }
    } else if (text[this.at] === '!' && /[A-Za-z0-9_@*#?$!-]/.test(after)) {
      if (/[A-Za-z0-9_@*]/.test(after) || text[this.at + 2] === '}') {
        indirect = true;
        this.at++;
      }
    }
    let name: string;
    const c = text[this.at] ?? '';
    if (NAME_START.test(c)) {
      NAME.lastIndex = this.at;
      name = NAME.exec(text)![0];
    } else if (/[0-9]/.test(c)) name = /^[0-9]+/.exec(text.slice(this.at))![0];
    else if (c !== '' && '@*#?-$!'.includes(c)) name = c;
    else return bad();
    this.at += name.length;
    if (mode === 'document' && name === '*') name = '@';
    let subscript: string | undefined;
    if (text[this.at] === '[' && NAME_START.test(c)) {
      const end = subscriptEnd(text, this.at);
      if (end < 0) return bad();
      subscript = text.slice(this.at + 1, end);
      this.at = end + 1;
    }
    let operation: Operation | undefined;
    const o = text[this.at] ?? '';
    const two = text.slice(this.at, this.at + 2);
    const inside: Mode = mode === 'plain' ? 'plain' : mode === 'document' ? 'document' : 'double';
    const word = (stop = '}'): Part[] => this.parts(inside, stop, inside !== 'plain');
    // A pattern has its own quoting, in double quotes too.
    const pattern = (stop = '}'): Part[] => this.parts('plain', stop);
    if (o === '}') {
      // nothing more
    } else if (length) {
      return bad();
    } else if (indirect && (two === '@}' || two === '*}')) {
      operation = { kind: 'names', operator: o };
      this.at++;
    } else if ([':-', ':=', ':+', ':?'].includes(two) || (o !== '' && '-=+?'.includes(o))) {
      const operator = o === ':' ? two : o;
      this.at += operator.length;
      const begin = this.at;
      operation = { kind: 'default', operator, word: word(), text: '' };
      operation.text = text.slice(begin, this.at);
    } else if (o === ':') {
      this.at++;
      const offset = this.sliceParts(':}');
      const begin = this.at + 1;
      let count: Part[] | undefined;
      if (text[this.at] === ':') {
        this.at++;
        count = this.sliceParts('}');
      }
      operation = { kind: 'slice', offset, length: count, lengthText: text.slice(begin, this.at) };
    } else if (o === '#' || o === '%') {
      const operator = two === o + o ? two : o;
      this.at += operator.length;
      operation = { kind: 'remove', operator, pattern: pattern() };
    } else if (o === '/') {
      let operator = '/';
      this.at++;
      const n = text[this.at] ?? '';
      if (n !== '' && '/#%'.includes(n)) {
        operator = `/${n}`;
        this.at++;
      }
      const body = pattern('/}');
      let replacement: Part[] | undefined;
      if (text[this.at] === '/') {
        this.at++;
        replacement = this.parts('plain', '}');
      }
      operation = { kind: 'replace', operator, pattern: body, replacement };
    } else if (o === '^' || o === ',' || o === '~') {
      const operator = two === o + o ? two : o;
      this.at += operator.length;
      const body = pattern();
      operation = { kind: 'case', operator, pattern: body.length > 0 ? body : undefined };
    } else if (o === '@' && /[QEPAKakuUL]/.test(text[this.at + 1] ?? '') && text[this.at + 2] === '}') {
      operation = { kind: 'transform', operator: text[this.at + 1]! };
      this.at += 2;
    } else return bad();
    if (text[this.at] !== '}' || this.at >= this.end) return bad();
    this.at++;
    return { kind: 'parameter', text: text.slice(from, this.at), name, subscript, length, indirect, operation };
  }

  /** An arithmetic expression of `${x:…:…}`: a colon within parentheses or of `?:` does not end it. */
  private sliceParts(stop: string): Part[] {
    const from = this.at;
    let depth = 0;
    let questions = 0;
    let i = from;
    while (i < this.end) {
      const c = this.text[i]!;
      if (c === '(') depth++;
      else if (c === ')') depth--;
      else if (c === '?') questions++;
      else if (c === '}' && depth <= 0) break;
      else if (c === ':' && stop.includes(':') && depth <= 0) {
        if (questions === 0) break;
        questions--;
      }
      i = c === "'" ? i + 1 : skipOne(this.text, i);
    }
    this.at = i;
    return new Reader(this.source, from, i).parts('arithmetic', '');
  }
}

function parameter(text: string, name: string): Parameter {
  return { kind: 'parameter', text, name, subscript: undefined, length: false, indirect: false, operation: undefined };
}

/** A text whose command substitutions are replaced by what `print` makes of their commands. */
export function mapSubstitutions(text: string, print: (commands: string) => string): string {
  let out = '';
  let i = 0;
  let quoted = false;
  while (i < text.length) {
    if (text.startsWith('$(', i) && text[i + 2] !== '(') {
      const end = commandEnd(text, i);
      out += `$(${print(text.slice(i + 2, end - 1))})`;
      i = end;
      continue;
    }
    if (text[i] === '"') {
      quoted = !quoted;
      out += text[i++];
      continue;
    }
    const next = quoted && text[i] === "'" ? i + 1 : skipOne(text, i);
    out += text.slice(i, next);
    i = next;
  }
  return out;
}

/** The parts of `source` from `from` to `to` as an unquoted word. */
export function wordParts(source: Source, from: number, to: number): Part[] {
  return new Reader(source, from, to).parts('plain', '');
}

/** The parts of a text as it stands in double quotes (PS4, prompts), in a here-document, or in arithmetic. */
export function quotedParts(text: string, mode: 'double' | 'document' | 'arithmetic', line: number): Part[] {
  return new Reader(new Source(text, line), 0, text.length).parts(mode, '');
}

/** Tilde prefixes become parts of their own: at the start; with `assignment` after each colon too. */
export function withTildes(parts: Part[], assignment: boolean): Part[] {
  if (!parts.some((part) => part.kind === 'text' && part.text.includes('~'))) return parts;
  const out: Part[] = [];
  for (const [i, part] of parts.entries()) {
    if (part.kind !== 'text' || !part.text.includes('~')) {
      out.push(part);
      continue;
    }
    const pattern = assignment ? /(^|[:])~([^/:]*)/g : /(^)~([^/]*)/g;
    let last = 0;
    for (const hit of part.text.matchAll(pattern)) {
      const at = hit.index + hit[1]!.length;
      const end = at + 1 + hit[2]!.length;
      if (hit[1] === '' && i > 0) continue;
      // the prefix must end at a slash (or colon), or with the word
      if (end === part.text.length && i + 1 < parts.length) continue;
      if (at > last) out.push({ kind: 'text', text: part.text.slice(last, at) });
      out.push({ kind: 'tilde', user: hit[2]! });
      last = end;
    }
    if (last < part.text.length) out.push({ kind: 'text', text: part.text.slice(last) });
  }
  return out;
}

/** Marks tildes of an argument that looks like an assignment: `PATH=~/bin`. */
export function tildesOfArgument(parts: Part[]): Part[] {
  const first = parts[0];
  if (first?.kind === 'text') {
    const hit = /^[A-Za-z_][A-Za-z0-9_]*\+?=/.exec(first.text);
    if (hit) {
      const rest: Part[] = [...parts];
      const tail = first.text.slice(hit[0].length);
      if (tail === '') rest.shift();
      else rest[0] = { kind: 'text', text: tail };
      return [{ kind: 'text', text: hit[0] }, ...withTildes(rest, true)];
    }
  }
  return withTildes(parts, false);
}
