/** The builtin printf. */

import { echoEscapes } from './escapes.ts';
import type { BuiltinOutput } from './output.ts';
import { backslashQuoted } from './quoting.ts';
import { isName, type Shell } from './shell.ts';

const SPEC = /^%([-+ #0']*)(\*|[0-9]+)?(?:\.(\*|-?[0-9]*))?[hlLjzt]*(?![hlLjzt])([a-zA-Z%]|\([^)]*\)T)/;

function padded(text: string, flags: string, width: number): string {
  if (text.length >= width) return text;
  return flags.includes('-') ? text.padEnd(width) : text.padStart(width);
}

/** A number with sign, zeros and width. */
function shaped(
  negative: boolean,
  digits: string,
  prefix: string,
  flags: string,
  width: number,
  zeros: boolean,
): string {
  const sign = negative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  const body = sign + prefix + digits;
  if (zeros && flags.includes('0') && !flags.includes('-') && body.length < width) {
    return sign + prefix + digits.padStart(width - sign.length - prefix.length, '0');
  }
  return padded(body, flags, width);
}

/** A decimal number with so many places, ties to even: of the exact value, as the C library has it. */
function fixed(value: number, places: number): string {
  if (value === 0) return (0).toFixed(Math.min(100, places));
  let exponent = Math.max(-1074, Math.floor(Math.log2(value)) - 52);
  let mantissa = value / 2 ** exponent;
  while (!Number.isInteger(mantissa)) {
    exponent--;
    mantissa *= 2;
  }
  let top = BigInt(mantissa) * 10n ** BigInt(places);
  const bottom = exponent < 0 ? 1n << BigInt(-exponent) : 1n;
  if (exponent > 0) top <<= BigInt(exponent);
  let whole = top / bottom;
  const twice = (top % bottom) * 2n;
  if (twice > bottom || (twice === bottom && whole % 2n === 1n)) whole++;
  const digits = whole.toString().padStart(places + 1, '0');
  return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** The leading digits of a whole number whose last `drop` are rounded away. */
function roundedAt(value: number, drop: number): string {
  const all = BigInt(fixed(value, 0));
  const unit = 10n ** BigInt(drop);
  let whole = all / unit;
  const twice = (all % unit) * 2n;
  if (twice > unit || (twice === unit && whole % 2n === 1n)) whole++;
  return whole.toString();
}

function exponential(value: number, precision: number, upper: boolean): string {
  let power = value === 0 ? 0 : Number(value.toExponential(17).split('e')[1]);
  const digitsAt = (p: number) => {
    // value / 10^p with so many places
    if (p >= 0) {
      const text = fixed(value, Math.max(0, precision - p));
      return p > precision ? roundedAt(value, p - precision) : text.replace('.', '').replace(/^0+(?=.)/, '');
    }
    return fixed(value, precision - p)
      .replace('.', '')
      .replace(/^0+(?=.)/, '');
  };
  let digits = value === 0 ? '0'.repeat(precision + 1) : digitsAt(power);
  if (digits.length > precision + 1) {
    power++;
    digits = digits.slice(0, precision + 1);
  }
  const text = `${digits[0]}${precision > 0 ? `.${digits.slice(1)}` : ''}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  return upper ? text.toUpperCase() : text;
}

function general(value: number, precision: number, alternate: boolean, upper: boolean): string {
  const p = precision === 0 ? 1 : precision;
  if (value === 0) return alternate ? fixed(0, p - 1) : '0';
  const exponent = Number(exponential(value, p - 1, false).split('e')[1]);
  let text: string;
  if (exponent < -4 || exponent >= p) {
    text = exponential(value, p - 1, upper);
    if (!alternate) text = text.replace(/(\.\d*?)0+([eE])/, '$1$2').replace(/\.([eE])/, '$1');
  } else {
    text = fixed(value, Math.max(0, p - 1 - exponent));
    if (!alternate && text.includes('.')) text = text.replace(/0+$/, '').replace(/\.$/, '');
  }
  return text;
}

function hexadecimal(value: number, precision: number | undefined, upper: boolean): string {
  let text: string;
  if (value === 0) text = `0x0${precision ? `.${'0'.repeat(precision)}` : ''}p+0`;
  else {
    let exponent = Math.floor(Math.log2(value));
    if (2 ** exponent > value) exponent--;
    let mantissa = value / 2 ** exponent;
    // long double: the leading digit has four bits
    mantissa *= 8;
    exponent -= 3;
    let digits = '';
    let whole = Math.floor(mantissa);
    let rest = mantissa - whole;
    while (rest > 0 && (precision === undefined || digits.length < precision)) {
      rest *= 16;
      digits += Math.floor(rest).toString(16);
      rest -= Math.floor(rest);
    }
    if (precision !== undefined) digits = digits.padEnd(precision, '0');
    if (whole === 0) whole = 0;
    text = `0x${whole.toString(16)}${digits === '' ? '' : `.${digits}`}p${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`;
  }
  return upper ? text.toUpperCase() : text;
}

interface Run {
  status: number;
  stop: boolean;
}

/** strftime(3), in UTC. */
function time(format: string, seconds: bigint): string {
  const date = new Date(Number(seconds) * 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
  const months = 'January February March April May June July August September October November December'.split(' ');
  const yearDay =
    Math.floor(
      (Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) - Date.UTC(date.getUTCFullYear(), 0, 1)) /
        86_400_000,
    ) + 1;
  const table: Record<string, () => string> = {
    Y: () => String(date.getUTCFullYear()),
    C: () => two(Math.floor(date.getUTCFullYear() / 100)),
    y: () => two(date.getUTCFullYear() % 100),
    m: () => two(date.getUTCMonth() + 1),
    d: () => two(date.getUTCDate()),
    e: () => String(date.getUTCDate()).padStart(2),
    H: () => two(date.getUTCHours()),
    I: () => two(date.getUTCHours() % 12 || 12),
    M: () => two(date.getUTCMinutes()),
    S: () => two(date.getUTCSeconds()),
    p: () => (date.getUTCHours() < 12 ? 'AM' : 'PM'),
    s: () => String(seconds),
    j: () => String(yearDay).padStart(3, '0'),
    a: () => days[date.getUTCDay()]!.slice(0, 3),
    A: () => days[date.getUTCDay()]!,
    b: () => months[date.getUTCMonth()]!.slice(0, 3),
    h: () => months[date.getUTCMonth()]!.slice(0, 3),
    B: () => months[date.getUTCMonth()]!,
    u: () => String(date.getUTCDay() || 7),
    w: () => String(date.getUTCDay()),
    Z: () => 'UTC',
    z: () => '+0000',
    n: () => '\n',
    t: () => '\t',
    '%': () => '%',
    F: () => time('%Y-%m-%d', seconds),
    T: () => time('%H:%M:%S', seconds),
    R: () => time('%H:%M', seconds),
    D: () => time('%m/%d/%y', seconds),
    x: () => time('%m/%d/%y', seconds),
    X: () => time('%H:%M:%S', seconds),
    c: () => time('%a %b %e %H:%M:%S %Y', seconds),
    r: () => time('%I:%M:%S %p', seconds),
  };
  return format.replace(/%(.)/gs, (all, letter: string) => table[letter]?.() ?? all);
}

/** printf [-v VAR] FORMAT [ARGUMENTS] */
export async function printf(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  let at = 1;
  let target: string | undefined;
  while (at < argv.length) {
    const argument = argv[at]!;
    if (argument === '--') {
      at++;
      break;
    }
    if (argument.startsWith('-v')) {
      target = argument.length > 2 ? argument.slice(2) : argv[++at];
      at++;
      if (target === undefined) {
        await shell.error('printf: -v: option requires an argument');
        await shell.complain('printf: usage: printf [-v var] format [arguments]');
        return 2;
      }
      if (!isName(target.replace(/\[.*\]$/s, ''))) {
        await shell.error(`printf: \`${target}': not a valid identifier`);
        return 2;
      }
      continue;
    }
    if (/^-./.test(argument)) {
      await shell.error(`printf: ${argument.slice(0, 2)}: invalid option`);
      await shell.complain('printf: usage: printf [-v var] format [arguments]');
      return 2;
    }
    break;
  }
  if (at >= argv.length) {
    await shell.complain('printf: usage: printf [-v var] format [arguments]');
    return 2;
  }
  const format = argv[at++]!;
  const args = argv.slice(at);
  const run: Run = { status: 0, stop: false };
  let collected = '';
  const collect = (text: string) => {
    collected += text;
  };
  const sink = target === undefined ? output : { characters: collect, chunk: collect };
  const complain = async (text: string) => {
    await output.lines();
    await shell.error(`printf: ${text}`);
    run.status = 1;
  };
  let next = 0;
  const integer = async (text: string | undefined): Promise<bigint> => {
    if (text === undefined) return 0n;
    if (text[0] === "'" || text[0] === '"') return BigInt(text.charCodeAt(1) || 0);
    const hit = /^[ \t\n]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)/.exec(text);
    if (!hit) {
      if (text !== '') await complain(`${text}: invalid number`);
      return 0n;
    }
    if (hit[0].length < text.length) {
      const kind = /^0[xX]/.test(hit[2]!)
        ? 'invalid hex number'
        : /^0./.test(hit[2]!) || (hit[2] === '0' && /^[0-9]/.test(text.slice(hit[0].length)))
          ? 'invalid octal number'
          : 'invalid number';
      await complain(`${text}: ${kind}`);
    }
    const digits = hit[2]!;
    const magnitude = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
    const value = hit[1] === '-' ? -magnitude : magnitude;
    if (value > 0x7fffffffffffffffn || value < -0x8000000000000000n) {
      await shell.error(`printf: warning: ${text}: Numerical result out of range`);
      return value > 0n ? 0x7fffffffffffffffn : -0x8000000000000000n;
    }
    return value;
  };
  const floating = async (text: string | undefined): Promise<number> => {
    if (text === undefined || text === '') {
      if (text === '') await complain(`${text}: invalid number`);
      return 0;
    }
    if (text[0] === "'" || text[0] === '"') return text.charCodeAt(1) || 0;
    const hit =
      /^[ \t\n]*([+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|inf(?:inity)?|nan))/i.exec(
        text,
      );
    if (!hit) {
      await complain(`${text}: invalid number`);
      return 0;
    }
    if (hit[0].length < text.length) await complain(`${text}: invalid number`);
    const word = hit[1]!.toLowerCase();
    if (/inf/.test(word)) return word.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    if (/nan/.test(word)) return Number.NaN;
    return /0x/.test(word)
      ? word.startsWith('-')
        ? -Number(word.slice(1))
        : Number(word.replace('+', ''))
      : Number(word);
  };

  do {
    const before = next;
    let i = 0;
    while (i < format.length && !run.stop) {
      const c = format[i]!;
      if (c === '\\') {
        const sequence = /^\\(?:[0-7]{1,3}|x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|[\s\S]|$)/.exec(
          format.slice(i),
        )![0];
        sink.characters(sequence === '\\' ? '\\' : echoEscapes(sequence, 'format').text);
        i += sequence.length;
        continue;
      }
      if (c !== '%') {
        let end = i + 1;
        while (end < format.length && format[end] !== '%' && format[end] !== '\\') end++;
        sink.characters(format.slice(i, end));
        i = end;
        continue;
      }
      const hit = SPEC.exec(format.slice(i));
      if (!hit) {
        const rest = format.slice(i);
        const letter = /^%[-+ #0']*[0-9*]*(?:\.[0-9*]*)?[hlLjzt]*([\s\S]?)/.exec(rest)![1]!;
        await output.lines();
        if (letter === '') await shell.error(`printf: \`%': missing format character`);
        else await shell.error(`printf: \`${letter}': invalid format character`);
        run.status = 1;
        run.stop = true;
        break;
      }
      i += hit[0].length;
      let flags = hit[1]!;
      let width = 0;
      if (hit[2] === '*') {
        width = Number(await integer(args[next++]));
        if (width < 0) {
          flags += '-';
          width = -width;
        }
      } else if (hit[2] !== undefined) width = Number(hit[2]);
      let precision: number | undefined;
      if (hit[3] === '*') precision = Number(await integer(args[next++]));
      else if (hit[3] !== undefined) precision = Number(hit[3] || 0);
      if (precision !== undefined && precision < 0) precision = undefined;
      const kind = hit[4]!;
      if (kind === '%') {
        sink.characters('%');
        continue;
      }
      if (kind.endsWith('T')) {
        const argument = args[next++];
        const seconds =
          argument === undefined || argument === '-1'
            ? shell.process.realtime / 1_000_000_000n
            : argument === '-2'
              ? (shell.process.realtime - shell.process.now) / 1_000_000_000n
              : await integer(argument);
        sink.chunk(padded(time(kind.slice(1, -2) || '%X', seconds), flags, width));
        continue;
      }
      switch (kind) {
        case 's': {
          const text = args[next++] ?? '';
          sink.chunk(padded(precision === undefined ? text : text.slice(0, precision), flags, width));
          break;
        }
        case 'c':
          sink.chunk(padded((args[next++] ?? '\0')[0] ?? '\0', flags, width));
          break;
        case 'b': {
          const { text, stop } = echoEscapes(args[next++] ?? '', 'bare');
          sink.characters(padded(precision === undefined ? text : text.slice(0, precision), flags, width));
          if (stop) run.stop = true;
          break;
        }
        case 'q':
        case 'Q': {
          const argument = args[next++] ?? '';
          const cut = kind === 'Q' && precision !== undefined ? argument.slice(0, precision) : argument;
          const text = backslashQuoted(cut);
          sink.chunk(padded(kind === 'q' && precision !== undefined ? text.slice(0, precision) : text, flags, width));
          break;
        }
        case 'n': {
          const name = args[next++];
          if (name !== undefined) shell.set(name, String(collected.length));
          break;
        }
        case 'd':
        case 'i': {
          const value = await integer(args[next++]);
          let digits = (value < 0n ? -value : value).toString();
          if (precision !== undefined) digits = precision === 0 && value === 0n ? '' : digits.padStart(precision, '0');
          sink.chunk(shaped(value < 0n, digits, '', flags, width, precision === undefined));
          break;
        }
        case 'u':
        case 'o':
        case 'x':
        case 'X': {
          const value = BigInt.asUintN(64, await integer(args[next++]));
          let digits = value.toString(kind === 'u' ? 10 : kind === 'o' ? 8 : 16);
          if (kind === 'X') digits = digits.toUpperCase();
          if (precision !== undefined) digits = precision === 0 && value === 0n ? '' : digits.padStart(precision, '0');
          let prefix = '';
          if (flags.includes('#') && value !== 0n) {
            if (kind === 'o' && !digits.startsWith('0')) digits = `0${digits}`;
            else if (kind !== 'o' && kind !== 'u') prefix = kind === 'x' ? '0x' : '0X';
          }
          sink.chunk(shaped(false, digits, prefix, flags.replace(/[+ ]/g, ''), width, precision === undefined));
          break;
        }
        case 'e':
        case 'E':
        case 'f':
        case 'F':
        case 'g':
        case 'G':
        case 'a':
        case 'A': {
          const value = await floating(args[next++]);
          const upper = /[A-Z]/.test(kind);
          const magnitude = Math.abs(value);
          const negative = value < 0 || Object.is(value, -0);
          if (!Number.isFinite(value)) {
            const word = Number.isNaN(value) ? 'nan' : 'inf';
            sink.chunk(shaped(negative, upper ? word.toUpperCase() : word, '', flags, width, false));
            break;
          }
          const lower = kind.toLowerCase();
          const places = precision ?? 6;
          const text =
            lower === 'f'
              ? fixed(magnitude, places)
              : lower === 'e'
                ? exponential(magnitude, places, upper)
                : lower === 'g'
                  ? general(magnitude, places, flags.includes('#'), upper)
                  : hexadecimal(magnitude, precision, upper);
          sink.chunk(shaped(negative, text, '', flags, width, true));
          break;
        }
        default:
          await output.lines();
          await shell.error(`printf: \`${kind}': invalid format character`);
          run.status = 1;
          run.stop = true;
      }
    }
    if (next === before) break;
  } while (next < args.length && !run.stop);

  if (target !== undefined) {
    const element = /^(.*?)\[(.*)\]$/s.exec(target);
    try {
      if (element) shell.setElement(element[1]!, element[2]!, collected, false);
      else shell.set(target, collected);
    } catch (error) {
      return shell.arithmeticFailed(error);
    }
  }
  return run.status;
}
