/** POSIX extended regular expressions: of `[[ =~ ]]`. The leftmost match, and of those the longest. Quoted characters stand for themselves. */
import { QUOTED } from './marks.ts';
import { Pattern } from './patterns.ts';

type Node =
  | { kind: 'char'; code: number }
  | { kind: 'any' }
  | { kind: 'set'; pattern: Pattern }
  | { kind: 'start' }
  | { kind: 'end' }
  | { kind: 'group'; index: number; body: Node }
  | { kind: 'sequence'; items: Node[] }
  | { kind: 'choice'; items: Node[] }
  | { kind: 'repeat'; body: Node; least: number; most: number };

/** A regular expression that is none. */
export class RegexError extends Error {
  override name = 'RegexError';
}

/** Steps after which the search for a longer match is given up. */
const BUDGET = 2_000_000;

export class Regex {
  private readonly text: string;
  private at = 0;
  private groups = 0;
  private readonly root: Node;
  private readonly ignoreCase: boolean;
  private steps = 0;

  constructor(marked: string, ignoreCase: boolean) {
    this.text = marked;
    this.ignoreCase = ignoreCase;
    this.root = this.choice(0);
    if (this.at < marked.length) throw new RegexError('unmatched )');
  }

  private peek(): string {
    const code = this.text.charCodeAt(this.at);
    return this.at < this.text.length && !(code & QUOTED) ? String.fromCharCode(code & 0xff) : '';
  }

  private choice(depth: number): Node {
    const items = [this.sequence(depth)];
    while (this.peek() === '|') {
      this.at++;
      items.push(this.sequence(depth));
    }
    return items.length === 1 ? items[0]! : { kind: 'choice', items };
  }

  private sequence(depth: number): Node {
    const items: Node[] = [];
    while (this.at < this.text.length) {
      const c = this.peek();
      if (c === '|' || (c === ')' && depth > 0)) break;
      let item = this.atom(c, depth, items.length === 0);
      for (;;) {
        const q = this.peek();
        if (q === '*' || q === '+' || q === '?') {
          this.at++;
          item = {
            kind: 'repeat',
            body: item,
            least: q === '+' ? 1 : 0,
            most: q === '?' ? 1 : Number.POSITIVE_INFINITY,
          };
          continue;
        }
        if (q === '{') {
          const rest = String.fromCharCode(
            ...[...this.text.slice(this.at, this.at + 20)].map((x) => x.charCodeAt(0) & 0xff),
          );
          const hit = /^\{([0-9]*)(,?)([0-9]*)\}/.exec(rest);
          if (!hit || (hit[1] === '' && hit[3] === '')) throw new RegexError('bad braces');
          this.at += hit[0].length;
          const least = Number(hit[1] || 0);
          const most = hit[2] === '' ? least : hit[3] === '' ? Number.POSITIVE_INFINITY : Number(hit[3]);
          item = { kind: 'repeat', body: item, least, most };
          continue;
        }
        break;
      }
      items.push(item);
    }
    return items.length === 1 ? items[0]! : { kind: 'sequence', items };
  }

  private atom(c: string, depth: number, first: boolean): Node {
    switch (c) {
      case '(': {
        this.at++;
        const index = ++this.groups;
        const body = this.choice(depth + 1);
        if (this.peek() !== ')') throw new RegexError('unmatched (');
        this.at++;
        return { kind: 'group', index, body };
      }
      case '^':
        this.at++;
        return { kind: 'start' };
      case '$':
        this.at++;
        return { kind: 'end' };
      case '.':
        this.at++;
        return { kind: 'any' };
      case '[': {
        const end = this.bracketEnd();
        if (end < 0) throw new RegexError('unmatched [');
        let set = this.text.slice(this.at, end);
        // a backslash is nothing special here
        set = set.replace(/\\/g, String.fromCharCode(92 | QUOTED));
        this.at = end;
        return { kind: 'set', pattern: new Pattern(set, { extended: false, ignoreCase: this.ignoreCase }) };
      }
      case '*':
      case '+':
      case '?':
      case '{':
        if (first && (c === '*' || c === '{')) {
          this.at++;
          return { kind: 'char', code: c.charCodeAt(0) };
        }
        throw new RegexError('nothing to repeat');
      case '\\':
        this.at++;
        if (this.at >= this.text.length) throw new RegexError('trailing backslash');
        return { kind: 'char', code: this.text.charCodeAt(this.at++) & 0xff };
      default:
        return { kind: 'char', code: this.text.charCodeAt(this.at++) & 0xff };
    }
  }

  private bracketEnd(): number {
    const raw = (i: number) => {
      const code = this.text.charCodeAt(i);
      return i < this.text.length && !(code & QUOTED) ? String.fromCharCode(code & 0xff) : '';
    };
    let i = this.at + 1;
    if (raw(i) === '^') i++;
    if (raw(i) === ']') i++;
    while (i < this.text.length) {
      if (raw(i) === ']') return i + 1;
      if (raw(i) === '[' && /[:.=]/.test(raw(i + 1))) {
        const end = this.text.indexOf(`${raw(i + 1)}]`, i + 2);
        if (end >= 0) {
          i = end + 2;
          continue;
        }
      }
      i++;
    }
    return -1;
  }

  /** The match and its groups (undefined: took no part); undefined if there is none. */
  exec(text: string): (string | undefined)[] | undefined {
    for (let start = 0; start <= text.length; start++) {
      let best: [number, (readonly [number, number] | undefined)[]] | undefined;
      const groups: (readonly [number, number] | undefined)[] = [];
      this.steps = 0;
      this.match(this.root, text, start, groups, (end) => {
        if (best === undefined || end > best[0]) best = [end, [...groups]];
        return end === text.length || this.steps > BUDGET;
      });
      if (best !== undefined) {
        const out: (string | undefined)[] = [text.slice(start, best[0])];
        for (let i = 1; i <= this.groups; i++) {
          const group = best[1][i];
          out.push(group === undefined ? undefined : text.slice(group[0], group[1]));
        }
        return out;
      }
    }
    return undefined;
  }

  private match(
    node: Node,
    text: string,
    at: number,
    groups: (readonly [number, number] | undefined)[],
    done: (end: number) => boolean,
  ): boolean {
    this.steps++;
    switch (node.kind) {
      case 'char': {
        const code = text.charCodeAt(at);
        const same =
          code === node.code ||
          (this.ignoreCase && String.fromCharCode(code).toLowerCase() === String.fromCharCode(node.code).toLowerCase());
        return at < text.length && same && done(at + 1);
      }
      case 'any':
        return at < text.length && done(at + 1);
      case 'set':
        return at < text.length && node.pattern.matches(text[at]!) && done(at + 1);
      case 'start':
        return at === 0 && done(at);
      case 'end':
        return at === text.length && done(at);
      case 'group': {
        const old = groups[node.index];
        const hit = this.match(node.body, text, at, groups, (end) => {
          const before = groups[node.index];
          groups[node.index] = [at, end];
          if (done(end)) return true;
          groups[node.index] = before;
          return false;
        });
        if (!hit) groups[node.index] = old;
        return hit;
      }
      case 'sequence': {
        const step = (i: number, from: number): boolean =>
          i === node.items.length
            ? done(from)
            : this.match(node.items[i]!, text, from, groups, (end) => step(i + 1, end));
        return step(0, at);
      }
      case 'choice':
        return node.items.some((item) => this.match(item, text, at, groups, done));
      default: {
        const again = (count: number, from: number): boolean => {
          if (count < node.most) {
            const more = this.match(node.body, text, from, groups, (end) =>
              end === from && count >= node.least ? false : again(count + 1, end),
            );
            if (more) return true;
          }
          return count >= node.least && done(from);
        };
        return again(0, at);
      }
    }
  }
}
