/**
 * Text in the middle of an expansion. A byte string leaves the upper bits of each character free: they say where the character is from,
 * which decides what word splitting, pathname expansion and patterns make of it.
 */

import { stringOf } from '../kernel/bytes.ts';

/** The character was quoted: it stands for itself. */
export const QUOTED = 0x100;
/** The character is from an unquoted expansion: word splitting may cut here. */
export const SPLIT = 0x200;
/** Between two fields of `$@`: a cut whatever IFS is. */
export const BREAK = '\u0400';
/** Nothing, but quoted: a field that is empty stays. */
export const NOTHING = '\u0401';

const tableOf = (mark: number) => ({ mark, of: Array.from({ length: 256 }, (_, i) => String.fromCharCode(i | mark)) });
const QUOTE_TABLE = tableOf(QUOTED);
const SPLIT_TABLE = tableOf(SPLIT);
/** Longer texts are made at once: character by character they would be chains of as many strings. */
const LONG = 1024;

function mapped(text: string, { mark, of }: { mark: number; of: readonly string[] }): string {
  if (text.length > LONG) {
    const codes = new Uint16Array(text.length);
    for (let i = 0; i < text.length; i++) codes[i] = (text.charCodeAt(i) & 0xff) | mark;
    return stringOf(codes);
  }
  let out = '';
  for (let i = 0; i < text.length; i++) out += of[text.charCodeAt(i) & 0xff];
  return out;
}

/** Plain text as quoted text. */
export function quoted(text: string): string {
  return mapped(text, QUOTE_TABLE);
}

/** Plain text as the result of an unquoted expansion. */
export function splittable(text: string): string {
  return mapped(text, SPLIT_TABLE);
}

/** Quote removal: the plain text of marked text. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all plain bytes
  if (/^[\x00-\xff]*$/.test(text)) return text;
  const codes = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x400) codes[length++] = code & 0xff;
  }
  return stringOf(codes.subarray(0, length));
}
