/**
 * Patterns: `*`, `?`, `[…]` with ranges and classes, and the extended operators, in the C locale. A character that is marked as quoted
 * stands for itself (marks.ts).
 */
import { QUOTED } from './marks.ts';

type Node =
  | { kind: 'char'; code: number }
  | { kind: 'any' }
  | { kind: 'star' }
  | { kind: 'set'; has: Uint8Array }
  | { kind: 'group'; operator: string; choices: Node[][] };

const CLASSES: Readonly<Record<string, RegExp>> = {
  alpha: /[A-Za-z]/,
  digit: /[0-9]/,
  alnum: /[A-Za-z0-9]/,
  upper: /[A-Z]/,
  lower: /[a-z]/,
  space: /[ \t\n\v\f\r]/,
  blank: /[ \t]/,
  punct: /[!-/:-@[-`{-~]/,
  print: /[ -~]/,
  graph: /[!-~]/,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what the class is
  cntrl: /[\x00-\x1f\x7f]/,
  xdigit: /[0-9A-Fa-f]/,
  word: /[A-Za-z0-9_]/,
};

export interface PatternOptions {
  extended: boolean;
  ignoreCase: boolean;
}

const DEFAULT: PatternOptions = { extended: true, ignoreCase: false };

const isQuoted = (code: number) => (code & QUOTED) !== 0;

class Compiler {
  readonly text: string;
  readonly options: PatternOptions;
  at = 0;

  constructor(text: string, options: PatternOptions) {
    this.text = text;
    this.options = options;
  }

  /** The unquoted character at a position, or ''. */
  private raw(at: number): string {
    if (at >= this.text.length) return '';
    const code = this.text.charCodeAt(at);
    return isQuoted(code) ? '' : String.fromCharCode(code & 0xff);
  }

  sequence(stop: string): Node[] {
    const nodes: Node[] = [];
    while (this.at < this.text.length) {
      const code = this.text.charCodeAt(this.at);
      const c = this.raw(this.at);
      if (c !== '' && stop.includes(c)) break;
      if (this.options.extended && c !== '' && '?*+@!'.includes(c) && this.raw(this.at + 1) === '(') {
        const begin = this.at;
        this.at += 2;
        const choices: Node[][] = [];
        for (;;) {
          choices.push(this.sequence('|)'));
          if (this.raw(this.at) === '|') this.at++;
          else break;
        }
        if (this.raw(this.at) === ')') {
          this.at++;
          nodes.push({ kind: 'group', operator: c, choices });
          continue;
        }
        this.at = begin;
      }
      if (c === '*') {
        if (nodes.at(-1)?.kind !== 'star') nodes.push({ kind: 'star' });
        this.at++;
      } else if (c === '?') {
        nodes.push({ kind: 'any' });
        this.at++;
      } else if (c === '[') {
        const set = this.bracket();
        nodes.push(set ?? { kind: 'char', code: 91 });
        if (!set) this.at++;
      } else if (c === '\\' && this.at + 1 < this.text.length) {
        // a backslash that came out of an expansion quotes what follows
        nodes.push({ kind: 'char', code: this.text.charCodeAt(this.at + 1) & 0xff });
        this.at += 2;
      } else {
        nodes.push({ kind: 'char', code: code & 0xff });
        this.at++;
      }
    }
    return nodes;
  }

  /** `[…]` at the current position; undefined if nothing closes it. */
  private bracket(): Node | undefined {
    let i = this.at + 1;
    let negate = false;
    if (this.raw(i) === '!' || this.raw(i) === '^') {
      negate = true;
      i++;
    }
    const has = new Uint8Array(256);
    let first = true;
    for (;;) {
      if (i >= this.text.length) return undefined;
      const c = this.raw(i);
      if (c === ']' && !first) break;
      first = false;
      if (c === '[' && this.raw(i + 1) === ':') {
        const end = this.text.indexOf(':]', i + 2);
        const name = end < 0 ? '' : this.text.slice(i + 2, end);
        if (CLASSES[name]) {
          for (let code = 0; code < 256; code++) {
            const char = String.fromCharCode(code);
            if (CLASSES[name].test(char)) has[code] = 1;
            if (this.options.ignoreCase && (name === 'upper' || name === 'lower') && /[A-Za-z]/.test(char))
              has[code] = 1;
          }
          i = end + 2;
          continue;
        }
        if (end >= 0 && /^[a-z]*$/.test(name)) {
          i = end + 2;
          continue;
        }
      }
      let from: number;
      if (c === '[' && (this.raw(i + 1) === '.' || this.raw(i + 1) === '=')) {
        const mark = this.raw(i + 1);
        const end = this.text.indexOf(`${mark}]`, i + 2);
        if (end === i + 3) {
          from = this.text.charCodeAt(i + 2) & 0xff;
          i = end + 2;
        } else {
          from = 91;
          i++;
        }
      } else if (c === '\\' && i + 1 < this.text.length) {
        from = this.text.charCodeAt(i + 1) & 0xff;
        i += 2;
      } else {
        from = this.text.charCodeAt(i) & 0xff;
        i++;
      }
      if (this.raw(i) === '-' && i + 1 < this.text.length && this.raw(i + 1) !== ']') {
        let to = this.text.charCodeAt(i + 1) & 0xff;
        let after = i + 2;
        if (this.raw(i + 1) === '\\' && i + 2 < this.text.length) {
          to = this.text.charCodeAt(i + 2) & 0xff;
          after = i + 3;
        } else if (this.raw(i + 1) === '[' && this.raw(i + 2) === '.') {
          const end = this.text.indexOf('.]', i + 3);
          if (end === i + 4) {
            to = this.text.charCodeAt(i + 3) & 0xff;
            after = end + 2;
          }
        }
        for (let code = from; code <= to; code++) has[code] = 1;
        i = after;
      } else has[from] = 1;
    }
    if (this.options.ignoreCase) {
      for (let code = 65; code <= 90; code++) {
        if (has[code] || has[code + 32]) has[code] = has[code + 32] = 1;
      }
    }
    if (negate) for (let code = 0; code < 256; code++) has[code] = has[code] ? 0 : 1;
    this.at = i + 1;
    return { kind: 'set', has };
  }
}

const lower = (code: number) => (code >= 65 && code <= 90 ? code + 32 : code);

/** A compiled pattern. */
export class Pattern {
  private readonly nodes: readonly Node[];
  private readonly ignoreCase: boolean;
  /** the text that the pattern is, if it has nothing special */
  readonly literal: string | undefined;

  constructor(marked: string, options: PatternOptions = DEFAULT) {
    this.ignoreCase = options.ignoreCase;
    this.nodes = new Compiler(marked, options).sequence('');
    this.literal =
      !options.ignoreCase && this.nodes.every((node) => node.kind === 'char')
        ? String.fromCharCode(...this.nodes.map((node) => (node as { code: number }).code))
        : undefined;
  }

  /** Does the pattern match all of the (plain) text? */
  matches(text: string): boolean {
    if (this.literal !== undefined) return text === this.literal;
    return this.run(text, 0, text.length);
  }

  private run(text: string, from: number, to: number): boolean {
    return this.match(this.nodes, 0, text, from, (end) => end === to, to);
  }

  /** The length of the longest (or shortest) prefix that matches; -1 if none does. */
  prefix(text: string, longest: boolean): number {
    if (this.literal !== undefined) return text.startsWith(this.literal) ? this.literal.length : -1;
    for (let i = 0; i <= text.length; i++) {
      const length = longest ? text.length - i : i;
      if (this.run(text, 0, length)) return length;
    }
    return -1;
  }

  /** Where the longest (or shortest) suffix that matches begins; -1 if none does. */
  suffix(text: string, longest: boolean): number {
    if (this.literal !== undefined) return text.endsWith(this.literal) ? text.length - this.literal.length : -1;
    for (let i = 0; i <= text.length; i++) {
      const start = longest ? i : text.length - i;
      if (this.run(text, start, text.length)) return start;
    }
    return -1;
  }

  /** The first, and there the longest, match at or after `from`: [start, end]; undefined if there is none. */
  find(text: string, from: number): [number, number] | undefined {
    if (this.literal !== undefined) {
      const at = text.indexOf(this.literal, from);
      return at < 0 ? undefined : [at, at + this.literal.length];
    }
    for (let start = from; start <= text.length; start++) {
      let best = -1;
      this.match(
        this.nodes,
        0,
        text,
        start,
        (end) => {
          if (end > best) best = end;
          return false;
        },
        text.length,
      );
      if (best >= 0) return [start, best];
    }
    return undefined;
  }

  private match(
    nodes: readonly Node[],
    index: number,
    text: string,
    at: number,
    done: (end: number) => boolean,
    to: number,
  ): boolean {
    for (let n = index; n < nodes.length; n++) {
      const node = nodes[n]!;
      switch (node.kind) {
        case 'char': {
          if (at >= to) return false;
          const code = text.charCodeAt(at);
          if (code !== node.code && !(this.ignoreCase && lower(code) === lower(node.code))) return false;
          at++;
          break;
        }
        case 'any':
          if (at >= to) return false;
          at++;
          break;
        case 'set':
          if (at >= to || !node.has[text.charCodeAt(at)]) return false;
          at++;
          break;
        case 'star':
          for (let end = to; end >= at; end--) {
            if (this.match(nodes, n + 1, text, end, done, to)) return true;
          }
          return false;
        default:
          return this.group(node, nodes, n, text, at, done, to);
      }
    }
    return done(at);
  }

  private group(
    node: { operator: string; choices: Node[][] },
    nodes: readonly Node[],
    n: number,
    text: string,
    at: number,
    done: (end: number) => boolean,
    to: number,
  ): boolean {
    const rest = (end: number) => this.match(nodes, n + 1, text, end, done, to);
    if (node.operator === '!') {
      for (let end = to; end >= at; end--) {
        if (!node.choices.some((choice) => this.match(choice, 0, text, at, (e) => e === end, end)) && rest(end)) {
          return true;
        }
      }
      return false;
    }
    if (node.operator === '@' || node.operator === '?') {
      for (const choice of node.choices) if (this.match(choice, 0, text, at, rest, to)) return true;
      return node.operator === '?' && rest(at);
    }
    const more = (start: number): boolean => {
      for (const choice of node.choices) {
        if (this.match(choice, 0, text, start, (end) => (end > start && more(end)) || rest(end), to)) return true;
      }
      return false;
    };
    return more(at) || (node.operator === '*' && rest(at));
  }
}

/** Is there anything unquoted in the marked text that a pathname could be expanded by? */
export function hasGlob(marked: string, extended: boolean): boolean {
  for (let i = 0; i < marked.length; i++) {
    const code = marked.charCodeAt(i);
    if (isQuoted(code)) continue;
    const c = code & 0xff;
    if (c === 42 || c === 63) return true;
    if (c === 91) {
      for (let j = i + 1; j < marked.length; j++) {
        const d = marked.charCodeAt(j);
        if (!isQuoted(d) && (d & 0xff) === 93 && j > i + 1) return true;
      }
    }
    if (extended && (c === 43 || c === 64 || c === 33) && i + 1 < marked.length) {
      const next = marked.charCodeAt(i + 1);
      if (!isQuoted(next) && (next & 0xff) === 40) return true;
    }
  }
  return false;
}
