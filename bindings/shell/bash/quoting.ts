/** How bash shows a string so that it can be read again. */

const NEEDS = /[^A-Za-z0-9_@%+=:,./-]/;

/** `$'…'` */
function ansi(text: string): string {
  const names: Record<string, string> = {
    '\x07': 'a',
    '\b': 'b',
    '\x1b': 'E',
    '\f': 'f',
    '\n': 'n',
    '\r': 'r',
    '\t': 't',
    '\v': 'v',
    '\\': '\\',
    "'": "'",
  };
  let out = "$'";
  for (const c of text) {
    const code = c.charCodeAt(0);
    if (names[c] !== undefined) out += `\\${names[c]}`;
    else if (code < 32 || code > 126) out += `\\${code.toString(8).padStart(3, '0')}`;
    else out += c;
  }
  return `${out}'`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what the C locale cannot print
const UNPRINTABLE = /[\x00-\x1f\x7f-\xff]/;

/** A name in a message. */
export function printable(text: string): string {
  return UNPRINTABLE.test(text) ? ansi(text) : text;
}

/** printf's `%q` */
export function backslashQuoted(text: string): string {
  if (text === '') return "''";
  if (UNPRINTABLE.test(text)) return ansi(text);
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (' \t\n\'"\\|&;()<>!{}*[]?^$`,'.includes(c)) out += `\\${c}`;
    else if (c === '#' && i === 0) out += '\\#';
    else if (c === '~' && (i === 0 || text[i - 1] === ':' || text[i - 1] === '=')) out += '\\~';
    else out += c;
  }
  return out;
}

/** `'…'` */
export function singleQuoted(text: string): string {
  return text === "'" ? "\\'" : `'${text.replaceAll("'", "'\\''")}'`;
}

/** `${x@Q}` */
export function transformQuoted(text: string): string {
  if (UNPRINTABLE.test(text)) return ansi(text);
  return singleQuoted(text);
}

/** The value as `declare -p` has it: in double quotes. */
export function doubleQuoted(text: string): string {
  if (UNPRINTABLE.test(text)) return ansi(text);
  return `"${text.replace(/[\\"$`]/g, '\\$&')}"`;
}

/** The value as `set` has it: quoted only if it must be. */
export function quotedIfNeeded(text: string): string {
  if (text === '') return '';
  if (UNPRINTABLE.test(text)) return ansi(text);
  return /[ \t\n'"\\|&;()<>!{}*[\]?^$`]/.test(text) || /^[#~]|[=:]~/.test(text) ? singleQuoted(text) : text;
}

/** A word as `set -x` shows it. */
export function traceQuoted(text: string): string {
  if (text === '') return "''";
  if (UNPRINTABLE.test(text)) return ansi(text);
  return /[ \t\n'"\\|&;()<>!{}*[\]?^$`]/.test(text) || /^[#~]|[=:]~/.test(text) ? singleQuoted(text) : text;
}

/** A key of an associative array as `declare -p` has it. */
export function keyQuoted(text: string): string {
  return NEEDS.test(text) || text === '' ? doubleQuoted(text) : text;
}
