/** Backslash escapes: of `$'…'`, `echo -e`, `printf`. */

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};

/** A code point as what it is in the C locale: itself below 128, else its escape. */
function codePoint(code: number): string {
  if (code < 128) return String.fromCharCode(code);
  return code <= 0xffff
    ? `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`
    : `\\U${code.toString(16).toUpperCase().padStart(8, '0')}`;
}

/** What is between the quotes of `$'…'`. */
export function ansiC(text: string): string {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c !== '\\' || i + 1 >= text.length) {
      out += c;
      continue;
    }
    const n = text[++i]!;
    if (SIMPLE[n] !== undefined) out += SIMPLE[n];
    else if (n === "'" || n === '"' || n === '?') out += n;
    else if (/[0-7]/.test(n)) {
      const digits = /^[0-7]{1,3}/.exec(text.slice(i))![0];
      i += digits.length - 1;
      const code = Number.parseInt(digits, 8) & 0xff;
      if (code === 0) return out;
      out += String.fromCharCode(code);
    } else if (n === 'x' || n === 'u' || n === 'U') {
      const most = n === 'x' ? 2 : n === 'u' ? 4 : 8;
      const digits = new RegExp(`^[0-9a-fA-F]{1,${most}}`).exec(text.slice(i + 1))?.[0];
      if (digits === undefined) out += `\\${n}`;
      else {
        i += digits.length;
        const code = Number.parseInt(digits, 16);
        if (code === 0) return out;
        out += n === 'x' ? String.fromCharCode(code) : codePoint(code);
      }
    } else if (n === 'c' && i + 1 < text.length) {
      out += String.fromCharCode(text.charCodeAt(++i) & 0x1f);
    } else out += `\\${n}`;
  }
  return out;
}

/**
 * The escapes of `echo -e` (octal needs a leading 0) and of printf's `%b` (`bare`: octal may begin with any digit) or its format
 * (`format`: `\"` and `\'`, octal of three digits; `\c` is nothing special). `stop`: a `\c` was seen.
 */
export function echoEscapes(text: string, kind: 'echo' | 'bare' | 'format'): { text: string; stop: boolean } {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c !== '\\' || i + 1 >= text.length) {
      out += c;
      continue;
    }
    const n = text[++i]!;
    if (SIMPLE[n] !== undefined) out += SIMPLE[n];
    else if (n === 'c' && kind !== 'format') return { text: out, stop: true };
    else if ((n === '"' || n === "'" || n === '?') && kind !== 'echo') out += n;
    else if (n === '0' && kind !== 'format') {
      const digits = /^[0-7]{0,3}/.exec(text.slice(i + 1))![0];
      i += digits.length;
      out += String.fromCharCode(Number.parseInt(`0${digits}`, 8) & 0xff);
    } else if (/[0-7]/.test(n) && kind !== 'echo') {
      const digits = /^[0-7]{1,3}/.exec(text.slice(i))![0];
      i += digits.length - 1;
      out += String.fromCharCode(Number.parseInt(digits, 8) & 0xff);
    } else if (n === 'x' || n === 'u' || n === 'U') {
      const most = n === 'x' ? 2 : n === 'u' ? 4 : 8;
      const digits = new RegExp(`^[0-9a-fA-F]{1,${most}}`).exec(text.slice(i + 1))?.[0];
      if (digits === undefined) out += `\\${n}`;
      else {
        i += digits.length;
        const code = Number.parseInt(digits, 16);
        out += n === 'x' ? String.fromCharCode(code) : codePoint(code);
      }
    } else out += `\\${n}`;
  }
  return { text: out, stop: false };
}
