/** Brace expansion: of the text of a word, quotes and all, before anything else. */
import { skipOne } from './words.ts';

/** The words that a word's text stands for; itself if it has no braces that expand. */
export function braceExpand(text: string): string[] {
  if (!text.includes('{')) return [text];
  let i = 0;
  while (i < text.length) {
    const c = text[i];
    if (c === '{') {
      const found = alternatives(text, i);
      if (found) {
        const before = text.slice(0, i);
        const after = braceExpand(text.slice(found.end));
        const out: string[] = [];
        for (const middle of found.words) for (const tail of after) out.push(before + middle + tail);
        return out;
      }
      i++;
    } else if (c === '\\' || c === "'" || c === '"' || c === '`' || (c === '$' && /[({']/.test(text[i + 1] ?? ''))) {
      i = skipOne(text, i);
    } else i++;
  }
  return [text];
}

/** The expansion of the brace at `open`: its words, and where it ends; undefined if it is literal. */
function alternatives(text: string, open: number): { words: string[]; end: number } | undefined {
  let depth = 0;
  let start = open + 1;
  const pieces: string[] = [];
  let i = open + 1;
  let close = -1;
  while (i < text.length) {
    const c = text[i]!;
    if (c === '{') depth++;
    else if (c === '}') {
      if (depth === 0) {
        close = i;
        break;
      }
      depth--;
    } else if (c === ',' && depth === 0) {
      pieces.push(text.slice(start, i));
      start = i + 1;
    }
    i = skipOne(text, i);
  }
  if (close < 0) return undefined;
  if (pieces.length > 0) {
    pieces.push(text.slice(start, close));
    return { words: pieces.flatMap((piece) => braceExpand(piece)), end: close + 1 };
  }
  const words = sequence(text.slice(open + 1, close));
  if (words) return { words, end: close + 1 };
  // `{abc}` is literal, but what is inside may expand: {a{1,2}b}
  const inner = text.slice(open + 1, close);
  const expanded = braceExpand(inner);
  if (expanded.length > 1) return { words: expanded.map((word) => `{${word}}`), end: close + 1 };
  return undefined;
}

/** `1..5`, `a..e..2`, `01..10` */
function sequence(text: string): string[] | undefined {
  const numbers = /^([+-]?\d+)\.\.([+-]?\d+)(?:\.\.([+-]?\d+))?$/.exec(text);
  if (numbers) {
    const from = Number(numbers[1]);
    const to = Number(numbers[2]);
    const step = Math.abs(Number(numbers[3] ?? 1)) || 1;
    const padded = [numbers[1]!, numbers[2]!].some((n) => /^[+-]?0\d/.test(n));
    const width = padded ? Math.max(numbers[1]!.length, numbers[2]!.length) : 0;
    const words: string[] = [];
    for (let n = from; from <= to ? n <= to : n >= to; n += from <= to ? step : -step) {
      const digits = String(Math.abs(n)).padStart(width - (n < 0 ? 1 : 0), '0');
      words.push(n < 0 ? `-${digits}` : digits);
    }
    return words;
  }
  const letters = /^([A-Za-z])\.\.([A-Za-z])(?:\.\.([+-]?\d+))?$/.exec(text);
  if (letters) {
    const from = letters[1]!.charCodeAt(0);
    const to = letters[2]!.charCodeAt(0);
    const step = Math.abs(Number(letters[3] ?? 1)) || 1;
    const words: string[] = [];
    for (let n = from; from <= to ? n <= to : n >= to; n += from <= to ? step : -step) {
      const c = String.fromCharCode(n);
      words.push(/[[\]\\^`]/.test(c) ? `\\${c}` : c);
    }
    return words;
  }
  return undefined;
}
