/**
 * POSIX regular expressions, basic and extended, with GNU's extensions, over byte strings in the C locale: translated to JavaScript's, which
 * finds where the leftmost match begins; how long the longest one from there is, a simulation of the automaton tells (JavaScript takes the
 * first alternative, POSIX the longest).
 */
import { classOf } from './posix-classes.ts';

/** A pattern that is none; glibc's text. */
export class RegexError extends Error {
  override name = 'RegexError';
}

interface RegexOptions {
  extended: boolean;
  ignoreCase?: boolean;
  /** `^` and `$` also match at newlines within */
  multiline?: boolean;
  /** `{n,m}` is a repetition; true unless told */
  intervals?: boolean;
  /** grep's extended expressions: a stray `)` is itself, and an operator without an operand is only warned of */
  grep?: boolean;
}

interface Match {
  start: number;
  end: number;
  /** what the groups matched; the whole is not among them */
  groups: (string | undefined)[];
}

type Assertion = 'start' | 'end' | 'wordStart' | 'wordEnd' | 'boundary' | 'inside' | 'bufferStart' | 'bufferEnd';

type Node =
  | { kind: 'empty' }
  | { kind: 'char'; set: boolean[] }
  | { kind: 'cat'; items: Node[] }
  | { kind: 'alt'; items: Node[] }
  | { kind: 'repeat'; item: Node; min: number; max: number }
  | { kind: 'group'; item: Node; index: number }
  | { kind: 'assert'; what: Assertion }
  | { kind: 'back'; index: number };

const MAX_REPEAT = 32767;
const WORD = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122);

const none = (): boolean[] => new Array<boolean>(256).fill(false);

function setOf(test: (code: number) => boolean): boolean[] {
  return none().map((_, code) => test(code));
}

class Parser {
  readonly #source: string;
  readonly #options: RegexOptions;
  #at = 0;
  groups = 0;
  backReferences = false;
  readonly warnings: string[] = [];
  #open = 0;
  #closed = new Set<number>();

  constructor(source: string, options: RegexOptions) {
    this.#source = source;
    this.#options = options;
  }

  parse(): Node {
    const node = this.#alternatives();
    if (this.#at < this.#source.length) throw new RegexError('Unmatched ) or \\)');
    return node;
  }

  /** Whether an operator stands here: `(` in extended, `\(` in basic expressions. */
  #operator(character: string): boolean {
    const text = this.#options.extended ? character : `\\${character}`;
    return this.#source.startsWith(text, this.#at);
  }

  #take(character: string): boolean {
    if (!this.#operator(character)) return false;
    this.#at += this.#options.extended ? 1 : 2;
    return true;
  }

  #alternatives(): Node {
    const items = [this.#sequence()];
    while (this.#take('|')) items.push(this.#sequence());
    return items.length === 1 ? items[0]! : { kind: 'alt', items };
  }

  #atEnd(): boolean {
    if (this.#at >= this.#source.length || this.#operator('|')) return true;
    const loose = this.#options.grep && this.#options.extended && this.#open === 0;
    return this.#operator(')') && !loose;
  }

  #sequence(): Node {
    const items: Node[] = [];
    let first = true;
    while (!this.#atEnd()) {
      const { node, literalStar } = this.#atom(first);
      items.push(this.#repetitions(node, literalStar));
      first = node.kind === 'assert' && node.what === 'start' && first && literalStar;
    }
    if (items.length === 0) return { kind: 'empty' };
    return items.length === 1 ? items[0]! : { kind: 'cat', items };
  }

  #repetitions(atom: Node, plain: boolean): Node {
    let node = atom;
    if (plain) return node;
    if (atom.kind === 'assert' && atom.what === 'start' && /[*+?]/.test(this.#source[this.#at] ?? '')) {
      if (!this.#options.grep) throw new RegexError('Invalid preceding regular expression');
      this.warnings.push(`${this.#source[this.#at]} at start of expression`);
    }
    for (;;) {
      if (this.#source[this.#at] === '*') {
        this.#at++;
        node = { kind: 'repeat', item: node, min: 0, max: Number.POSITIVE_INFINITY };
      } else if (this.#operator('+')) {
        this.#take('+');
        node = { kind: 'repeat', item: node, min: 1, max: Number.POSITIVE_INFINITY };
      } else if (this.#operator('?')) {
        this.#take('?');
        node = { kind: 'repeat', item: node, min: 0, max: 1 };
      } else {
        const interval = this.#interval();
        if (interval === undefined) return node;
        node = { kind: 'repeat', item: node, ...interval };
      }
    }
  }

  #interval(): { min: number; max: number } | undefined {
    if (this.#options.intervals === false || !this.#operator('{')) return undefined;
    const { extended } = this.#options;
    const rest = this.#source.slice(this.#at + (extended ? 1 : 2));
    const match = (extended ? /^(\d*)(?:(,)(\d*))?\}/ : /^(\d*)(?:(,)(\d*))?\\\}/).exec(rest);
    if (match === null || (match[1] === '' && match[2] === undefined)) {
      // In an extended expression it is an ordinary character then.
      if (extended) return undefined;
      throw new RegexError(/\\\}/.test(rest) ? 'Invalid content of \\{\\}' : 'Unmatched \\{');
    }
    const min = Number(match[1]);
    const max = match[2] === undefined ? min : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3]);
    if (max < min) throw new RegexError('Invalid content of \\{\\}');
    if (min > MAX_REPEAT || (max !== Number.POSITIVE_INFINITY && max > MAX_REPEAT))
      throw new RegexError('Regular expression too big');
    this.#at += (extended ? 1 : 2) + match[0].length;
    return { min, max };
  }

  #literal(character: string): Node {
    const code = character.charCodeAt(0);
    const set = none();
    set[code] = true;
    if (this.#options.ignoreCase) {
      if (code >= 65 && code <= 90) set[code + 32] = true;
      if (code >= 97 && code <= 122) set[code - 32] = true;
    }
    return { kind: 'char', set };
  }

  /** What may be repeated; `first`: at the beginning of an alternative. */
  #atom(first: boolean): { node: Node; literalStar: boolean } {
    const plain = (node: Node) => ({ node, literalStar: false });
    const { extended } = this.#options;
    if (this.#take('(')) {
      const index = ++this.groups;
      this.#open++;
      const item = this.#alternatives();
      this.#open--;
      if (!this.#take(')')) throw new RegexError('Unmatched ( or \\(');
      this.#closed.add(index);
      return plain({ kind: 'group', item, index });
    }
    const character = this.#source[this.#at]!;
    if (extended && first && /[*+?{]/.test(character) && !(character === '{' && this.#options.intervals === false)) {
      const from = this.#at;
      const interval = character === '{' ? this.#interval() : undefined;
      if (character !== '{' || interval !== undefined) {
        // An operator without an operand repeats nothing.
        if (!this.#options.grep) throw new RegexError('Invalid preceding regular expression');
        this.warnings.push(`${interval === undefined ? character : '{...}'} at start of expression`);
        if (interval === undefined) this.#at = from + 1;
        return plain({ kind: 'empty' });
      }
    }
    if (!extended && first && this.#operator('{') && this.#options.intervals !== false && !this.#options.grep)
      throw new RegexError('Invalid preceding regular expression');
    if (!extended && first && (this.#operator('+') || this.#operator('?'))) {
      this.#at += 2;
      return plain(this.#literal(this.#source[this.#at - 1]!));
    }
    this.#at++;
    switch (character) {
      case '[':
        return plain(this.#bracket());
      case '.':
        return plain({ kind: 'char', set: setOf(() => true) });
      case '*':
        return plain(this.#literal('*'));
      case '^':
        if (extended || first) return { node: { kind: 'assert', what: 'start' }, literalStar: !extended };
        return plain(this.#literal('^'));
      case '$':
        if (extended || this.#atEnd()) return plain({ kind: 'assert', what: 'end' });
        return plain(this.#literal('$'));
      case '\\':
        return plain(this.#escape());
      default:
        return plain(this.#literal(character));
    }
  }

  #escape(): Node {
    const character = this.#source[this.#at++];
    if (character === undefined) throw new RegexError('Trailing backslash');
    const assertion = (
      {
        '<': 'wordStart',
        '>': 'wordEnd',
        b: 'boundary',
        B: 'inside',
        '`': 'bufferStart',
        "'": 'bufferEnd',
      } as Readonly<Record<string, Assertion>>
    )[character];
    if (assertion !== undefined) return { kind: 'assert', what: assertion };
    if (character === 'w') return { kind: 'char', set: setOf(WORD) };
    if (character === 'W') return { kind: 'char', set: setOf((code) => !WORD(code)) };
    if (character === 's' || character === 'S') {
      const space = classOf('space')!;
      return { kind: 'char', set: setOf((code) => space.includes(String.fromCharCode(code)) === (character === 's')) };
    }
    if (/[1-9]/.test(character)) {
      const index = Number(character);
      if (!this.#closed.has(index)) throw new RegexError('Invalid back reference');
      this.backReferences = true;
      return { kind: 'back', index };
    }
    return this.#literal(character);
  }

  #bracket(): Node {
    const source = this.#source;
    const unmatched = () => new RegexError('Unmatched [, [^, [:, [., or [=');
    let negated = false;
    if (source[this.#at] === '^') {
      negated = true;
      this.#at++;
    }
    const set = none();
    for (let first = true; ; first = false) {
      const character = source[this.#at];
      if (character === undefined && first && this.#options.grep) throw new RegexError('Invalid regular expression');
      if (character === undefined) throw unmatched();
      if (character === ']' && !first) {
        this.#at++;
        break;
      }
      if (character === '[' && source[this.#at + 1] === ':') {
        const end = source.indexOf(':]', this.#at + 2);
        if (end < 0) throw unmatched();
        const members = classOf(source.slice(this.#at + 2, end));
        if (members === undefined) throw new RegexError('Invalid character class name');
        for (const member of members) set[member.charCodeAt(0)] = true;
        this.#at = end + 2;
        continue;
      }
      const from = this.#bracketCharacter(unmatched);
      if (source[this.#at] === '-' && source[this.#at + 1] !== undefined && source[this.#at + 1] !== ']') {
        this.#at++;
        const to = this.#bracketCharacter(unmatched);
        if (to < from) throw new RegexError('Invalid range end');
        for (let code = from; code <= to; code++) set[code] = true;
      } else set[from] = true;
    }
    if (this.#options.ignoreCase)
      for (let code = 65; code <= 90; code++) if (set[code] || set[code + 32]) set[code] = set[code + 32] = true;
    return { kind: 'char', set: negated ? set.map((member) => !member) : set };
  }

  /** A character, `[.c.]` or `[=c=]`. */
  #bracketCharacter(unmatched: () => RegexError): number {
    const source = this.#source;
    const kind = source[this.#at + 1];
    if (source[this.#at] === '[' && (kind === '.' || kind === '=')) {
      const end = source.indexOf(`${kind}]`, this.#at + 3);
      if (end < 0) throw unmatched();
      const name = source.slice(this.#at + 2, end);
      if (name.length !== 1) throw new RegexError('Invalid collation character');
      this.#at = end + 2;
      return name.charCodeAt(0);
    }
    return source.charCodeAt(this.#at++);
  }
}

const hex = (code: number): string => `\\x${code.toString(16).padStart(2, '0')}`;

function javascript(node: Node, multiline: boolean): string {
  switch (node.kind) {
    case 'empty':
      return '(?:)';
    case 'char': {
      const codes = node.set.flatMap((member, code) => (member ? [code] : []));
      if (codes.length === 256) return '[^]';
      if (codes.length === 1) return hex(codes[0]!);
      let out = '';
      for (let i = 0; i < codes.length; ) {
        let end = i;
        while (codes[end + 1] === codes[end]! + 1) end++;
        out += end > i ? `${hex(codes[i]!)}-${hex(codes[end]!)}` : hex(codes[i]!);
        i = end + 1;
      }
      return `[${out}]`;
    }
    case 'cat':
      return node.items.map((item) => javascript(item, multiline)).join('');
    case 'alt':
      return `(?:${node.items.map((item) => javascript(item, multiline)).join('|')})`;
    case 'repeat': {
      const { min, max } = node;
      const bounds = max === Number.POSITIVE_INFINITY ? (min < 2 ? '*+'[min]! : `{${min},}`) : `{${min},${max}}`;
      return `(?:${javascript(node.item, multiline)})${bounds}`;
    }
    case 'group':
      return `(${javascript(node.item, multiline)})`;
    case 'back':
      return `(?:\\${node.index})`;
    case 'assert':
      return {
        start: multiline ? '(?:(?<![^])|(?<=\\n))' : '(?<![^])',
        end: multiline ? '(?:(?![^])|(?=\\n))' : '(?![^])',
        wordStart: '\\b(?=\\w)',
        wordEnd: '\\b(?<=\\w)',
        boundary: '\\b',
        inside: '\\B',
        bufferStart: '(?<![^])',
        bufferEnd: '(?![^])',
      }[node.what];
  }
}

/** What the automaton does: eat a character, go on at two places, check, or be done. */
type Instruction =
  | { op: 'char'; set: boolean[] }
  | { op: 'split'; to: number[] }
  | { op: 'assert'; what: Assertion }
  | { op: 'match' };

/** How large a program is still simulated. */
const MAX_PROGRAM = 20_000;

/** The automaton of a tree without back references; undefined when it would be too large. */
function compile(root: Node): Instruction[] | undefined {
  const program: Instruction[] = [];
  const emit = (node: Node): boolean => {
    if (program.length > MAX_PROGRAM) return false;
    switch (node.kind) {
      case 'empty':
        return true;
      case 'char':
        program.push({ op: 'char', set: node.set });
        return true;
      case 'assert':
        program.push({ op: 'assert', what: node.what });
        return true;
      case 'cat':
        return node.items.every(emit);
      case 'group':
        return emit(node.item);
      case 'alt': {
        const split = { op: 'split' as const, to: [] as number[] };
        program.push(split);
        const jumps: { to: number[] }[] = [];
        for (const item of node.items) {
          split.to.push(program.length);
          if (!emit(item)) return false;
          const jump = { op: 'split' as const, to: [] as number[] };
          program.push(jump);
          jumps.push(jump);
        }
        for (const jump of jumps) jump.to.push(program.length);
        return true;
      }
      case 'repeat': {
        for (let i = 0; i < node.min; i++) if (!emit(node.item)) return false;
        if (node.max === Number.POSITIVE_INFINITY) {
          const at = program.length;
          const split = { op: 'split' as const, to: [at + 1] };
          program.push(split);
          if (!emit(node.item)) return false;
          program.push({ op: 'split', to: [at] });
          split.to.push(program.length);
          return true;
        }
        const skips: { to: number[] }[] = [];
        for (let i = node.min; i < node.max; i++) {
          const split = { op: 'split' as const, to: [program.length + 1] };
          program.push(split);
          skips.push(split);
          if (!emit(node.item)) return false;
        }
        for (const skip of skips) skip.to.push(program.length);
        return true;
      }
      case 'back':
        return false;
    }
  };
  if (!emit(root)) return undefined;
  program.push({ op: 'match' });
  return program;
}

/** Whether greedy matching may end before the longest match does. */
function ambiguous(node: Node): boolean {
  let repeats = 0;
  const visit = (each: Node): boolean => {
    if (each.kind === 'alt') return true;
    if (each.kind === 'repeat') {
      if (each.item.kind !== 'char' || ++repeats > 1) return true;
      return false;
    }
    if (each.kind === 'cat') return each.items.some(visit);
    return each.kind === 'group' && visit(each.item);
  };
  return visit(node);
}

export class Regex {
  /** number of groups */
  readonly groups: number;
  /** what grep warns of */
  readonly warnings: readonly string[];
  readonly #search: RegExp;
  readonly #whole: RegExp;
  readonly #program: Instruction[] | undefined;
  readonly #multiline: boolean;

  /** @throws RegexError */
  constructor(source: string, options: RegexOptions) {
    const parser = new Parser(source, options);
    const tree = parser.parse();
    this.groups = parser.groups;
    this.warnings = parser.warnings;
    this.#multiline = options.multiline === true;
    const text = javascript(tree, this.#multiline);
    // Letters are spelt out in both cases; what a back reference repeats cannot be.
    const flags = parser.backReferences && options.ignoreCase ? 'i' : '';
    this.#search = new RegExp(text, `g${flags}`);
    this.#whole = new RegExp(`(?:${text})(?![^])`, `y${flags}`);
    this.#program = parser.backReferences || !ambiguous(tree) ? undefined : compile(tree);
  }

  /** Whether it matches anywhere. */
  test(text: string): boolean {
    this.#search.lastIndex = 0;
    return this.#search.test(text);
  }

  /** The leftmost longest match that begins at `from` or later. */
  exec(text: string, from = 0): Match | null {
    this.#search.lastIndex = from;
    const found = this.#search.exec(text);
    if (found === null) return null;
    const start = found.index;
    let end = start + found[0].length;
    let groups = found.slice(1);
    if (this.#program !== undefined) {
      const longest = this.#longest(this.#program, text, start);
      if (longest > end) {
        end = longest;
        this.#whole.lastIndex = start;
        groups = this.#whole.exec(text.slice(0, end))?.slice(1) ?? groups;
      }
    }
    return { start, end, groups };
  }

  /** Where the longest match from `start` ends: all states of the automaton at once. */
  #longest(program: readonly Instruction[], text: string, start: number): number {
    let longest = start;
    let states: number[] = [];
    const marks = new Int32Array(program.length).fill(-1);
    const add = (list: number[], first: number, at: number) => {
      const stack = [first];
      for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
        if (marks[state] === at) continue;
        marks[state] = at;
        const instruction = program[state]!;
        if (instruction.op === 'split') stack.push(...instruction.to);
        else if (instruction.op === 'assert') {
          if (this.#holds(instruction.what, text, at)) stack.push(state + 1);
        } else if (instruction.op === 'match') longest = at;
        else list.push(state);
      }
    };
    add(states, 0, start);
    for (let at = start; at < text.length && states.length > 0; at++) {
      const code = text.charCodeAt(at);
      const next: number[] = [];
      for (const state of states) {
        const instruction = program[state]!;
        if (instruction.op === 'char' && instruction.set[code]) add(next, state + 1, at + 1);
      }
      states = next;
    }
    return longest;
  }

  #holds(what: Assertion, text: string, at: number): boolean {
    const before = at > 0 && WORD(text.charCodeAt(at - 1));
    const after = at < text.length && WORD(text.charCodeAt(at));
    switch (what) {
      case 'bufferStart':
        return at === 0;
      case 'bufferEnd':
        return at === text.length;
      case 'start':
        return at === 0 || (this.#multiline && text[at - 1] === '\n');
      case 'end':
        return at === text.length || (this.#multiline && text[at] === '\n');
      case 'wordStart':
        return !before && after;
      case 'wordEnd':
        return before && !after;
      case 'boundary':
        return before !== after;
      case 'inside':
        return before === after;
    }
  }
}
