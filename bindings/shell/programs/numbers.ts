/** Numbers of command lines: sizes with suffixes (xstrtol of gnulib, strtosize of util-linux) and durations. */

const POWERS = 'KMGTPEZY';

/**
 * xstrtoumax: a decimal number with a multiplier out of `suffixes` (`K` with an optional `B` or `iB` when `0` is among them).
 * @returns the number, or why not: it is no number, its suffix is none, it is too large
 */
export function parseNumber(text: string, suffixes: string): number | 'invalid' | 'suffix' | 'overflow' {
  const match = /^[ \t\n\v\f\r]*([+-]?)(\d*)(.*)$/s.exec(text)!;
  const [, sign, digits, rest] = match as unknown as [string, string, string, string];
  if (sign === '-') return 'invalid';
  let value: number;
  if (digits === '') {
    if (sign !== '' || rest === '' || !suffixes.includes(rest[0]!)) return 'invalid';
    value = 1;
  } else value = Number(digits);
  if (rest !== '') {
    const factor = multiplier(rest, suffixes);
    if (factor === undefined) return 'suffix';
    value *= factor;
  }
  return value > 2 ** 63 ? 'overflow' : value;
}

function multiplier(suffix: string, allowed: string): number | undefined {
  const letter = suffix[0]!;
  if (!allowed.includes(letter)) return undefined;
  let base = 1024;
  let tail = suffix.slice(1);
  if (allowed.includes('0')) {
    if (tail === 'iB') tail = '';
    else if (tail === 'B' || tail === 'D') {
      base = 1000;
      tail = '';
    }
  }
  if (tail !== '') return undefined;
  if (letter === 'b') return 512;
  if (letter === 'c') return 1;
  if (letter === 'w') return 2;
  if (letter === 'B') return 1024;
  const power = POWERS.indexOf(letter.toUpperCase());
  return power < 0 ? undefined : base ** (power + 1);
}

/** strtosize of util-linux: `64M`, `64MiB` are 1024s, `64MB` 1000s; undefined when it is none. */
export function parseSize(text: string): number | undefined {
  const match = /^\s*(0x[0-9a-f]+|\d+)(?:\.(\d+))?([kmgtpezy]?)(ib|b)?$/i.exec(text);
  if (match === null) return undefined;
  const [, whole, fraction, letter, tail] = match;
  if (letter === '' && tail !== undefined && tail.toLowerCase() === 'ib') return undefined;
  const base = tail?.toLowerCase() === 'b' ? 1000 : 1024;
  const power = letter === '' ? 0 : POWERS.indexOf(letter!.toUpperCase()) + 1;
  if (fraction !== undefined && power === 0) return undefined;
  return Math.floor((Number(whole) + (fraction === undefined ? 0 : Number(`0.${fraction}`))) * base ** power);
}

/** A duration of sleep and timeout in ns: a decimal number, maybe with s, m, h or d; undefined when it is none. */
export function parseDuration(text: string): bigint | undefined {
  if (/^[ \t]*\+?(inf|infinity)$/i.test(text)) return 2n ** 63n;
  const match = /^[ \t]*\+?(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|0x[0-9a-f]+)([smhd]?)$/i.exec(text);
  if (match === null) return undefined;
  const unit = { '': 1, s: 1, m: 60, h: 3600, d: 86400 }[match[2]!];
  if (unit === undefined) return undefined;
  const seconds = Number(match[1]) * unit;
  return seconds > 9e9 ? 2n ** 63n : BigInt(Math.round(seconds * 1e9));
}
