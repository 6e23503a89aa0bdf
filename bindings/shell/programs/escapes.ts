/** Backslash escapes of echo -e and of printf's %b and formats. */

const SIMPLE: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', e: '\x1b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\' },
};

/** A character beyond ASCII is none of the C locale: it is shown as it was written. */
function universal(code: number): string {
  if (code < 0x80) return String.fromCharCode(code);
  const digits = code.toString(16).toUpperCase();
  return code > 0xffff ? `\\U${digits.padStart(8, '0')}` : `\\u${digits.padStart(4, '0')}`;
}

/** `echo -e`: octal needs a leading 0; `\c` stops all output. */
export function echoEscapes(text: string): { out: string; stopped: boolean } {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '\\' || i + 1 === text.length) {
      out += text[i];
      continue;
    }
    const letter = text[++i]!;
    if (letter === 'c') return { out, stopped: true };
    if (letter === '0') {
      const digits = /^[0-7]{0,3}/.exec(text.slice(i + 1))![0];
      out += String.fromCharCode(Number.parseInt(digits || '0', 8) & 0xff);
      i += digits.length;
    } else if (letter === 'x' && /^[0-9a-fA-F]/.test(text.slice(i + 1))) {
      const digits = /^[0-9a-fA-F]{1,2}/.exec(text.slice(i + 1))![0];
      out += String.fromCharCode(Number.parseInt(digits, 16));
      i += digits.length;
    } else out += SIMPLE[letter] ?? `\\${letter}`;
  }
  return { out, stopped: false };
}

/** One escape of a printf format at `at` (the backslash): what it stands for and how long it is. */
export function printfEscape(text: string, at: number, octalZero: boolean): { out: string; length: number } | 'stop' {
  const rest = text.slice(at + 1);
  const octal = octalZero
    ? /^0?[0-7]{0,3}/.exec(rest)![0].slice(0, rest.startsWith('0') ? 4 : 3)
    : /^[0-7]{0,3}/.exec(rest)![0];
  if (octal !== '') return { out: String.fromCharCode(Number.parseInt(octal, 8) & 0xff), length: 1 + octal.length };
  const letter = rest[0];
  if (letter === undefined) return { out: '\\', length: 1 };
  if (letter === 'c') return 'stop';
  if (letter === 'x') {
    const digits = /^[0-9a-fA-F]{0,2}/.exec(rest.slice(1))![0];
    if (digits !== '') return { out: String.fromCharCode(Number.parseInt(digits, 16)), length: 2 + digits.length };
    return { out: '\\x', length: 2 };
  }
  if (letter === 'u' || letter === 'U') {
    const digits = (letter === 'u' ? /^[0-9a-fA-F]{1,4}/ : /^[0-9a-fA-F]{1,8}/).exec(rest.slice(1))?.[0];
    if (digits !== undefined) return { out: universal(Number.parseInt(digits, 16)), length: 2 + digits.length };
  }
  if (letter === '"') return { out: '"', length: 2 };
  return { out: SIMPLE[letter] ?? `\\${letter}`, length: 2 };
}
