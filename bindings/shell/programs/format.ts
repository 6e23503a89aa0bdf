/** The conversions of printf(3): one value by one specification. */

/** `%-08.3f` taken apart. */
export interface Spec {
  flags: string;
  width: number;
  /** -1: none given */
  precision: number;
  conversion: string;
}

/** `%g` of a double. */
export function formatG(value: number): string {
  return formatDouble({ flags: '', width: 0, precision: -1, conversion: 'g' }, value);
}

/** Pads to the width, with zeros after the sign if asked to. */
function pad(spec: Spec, sign: string, body: string, zeros: boolean): string {
  const length = sign.length + body.length;
  if (length >= spec.width) return sign + body;
  if (spec.flags.includes('-')) return (sign + body).padEnd(spec.width);
  if (zeros && spec.flags.includes('0')) return sign + body.padStart(spec.width - sign.length, '0');
  return (sign + body).padStart(spec.width);
}

const signOf = (spec: Spec, negative: boolean): string =>
  negative ? '-' : spec.flags.includes('+') ? '+' : spec.flags.includes(' ') ? ' ' : '';

/** `%d %i %o %u %x %X`; unsigned ones take a negative value modulo 2^64. */
export function formatInteger(spec: Spec, value: bigint): string {
  const signed = spec.conversion === 'd' || spec.conversion === 'i';
  const magnitude = signed ? (value < 0n ? -value : value) : BigInt.asUintN(64, value);
  const base = { o: 8, x: 16, X: 16 }[spec.conversion] ?? 10;
  let digits = magnitude.toString(base);
  if (spec.conversion === 'X') digits = digits.toUpperCase();
  if (spec.precision === 0 && magnitude === 0n) digits = '';
  digits = digits.padStart(Math.max(0, spec.precision), '0');
  let prefix = signed ? signOf(spec, value < 0n) : '';
  if (spec.flags.includes('#')) {
    if (base === 8 && digits[0] !== '0') digits = `0${digits}`;
    if (base === 16 && magnitude !== 0n) prefix = spec.conversion === 'X' ? '0X' : '0x';
  }
  return pad(spec, prefix, digits, spec.precision < 0);
}

/** `%f %e %g %a` and their capitals. */
export function formatDouble(spec: Spec, value: number): string {
  const sign = signOf(spec, value < 0 || Object.is(value, -0));
  const lower = spec.conversion.toLowerCase();
  const upper = lower !== spec.conversion;
  const finish = (text: string, zeros: boolean) => pad(spec, sign, upper ? text.toUpperCase() : text, zeros);
  if (Number.isNaN(value)) return pad(spec, sign, upper ? 'NAN' : 'nan', false);
  if (!Number.isFinite(value)) return finish('inf', false);
  const magnitude = Math.abs(value);
  const precision = spec.precision < 0 ? 6 : spec.precision;
  if (lower === 'a') return finish(hexadecimal(magnitude, spec.precision), true);
  if (lower === 'f') {
    const text = fixed(magnitude, precision);
    return finish(precision === 0 && spec.flags.includes('#') ? `${text}.` : text, true);
  }
  if (lower === 'e') return finish(exponential(magnitude, precision), true);
  const digits = precision === 0 ? 1 : precision;
  const exponent = magnitude === 0 ? 0 : Number(magnitude.toExponential(Math.min(100, digits - 1)).split('e')[1]);
  let text =
    exponent < -4 || exponent >= digits
      ? exponential(magnitude, digits - 1)
      : fixed(magnitude, Math.max(0, digits - 1 - exponent));
  if (!spec.flags.includes('#') && text.includes('.')) text = text.replace(/\.?0+(?=e|$)/, '');
  return finish(text, true);
}

/** A finite double in decimal, exactly rounded, for any number of digits. */
function fixed(value: number, precision: number): string {
  if (value < 1e21 && precision <= 100)
    return evenTie(value.toFixed(precision), value, (digits) => value.toFixed(digits), precision);
  const whole = BigInt(value).toString();
  return precision === 0 ? whole : `${whole}.${'0'.repeat(precision)}`;
}

/** JavaScript rounds a tie up, C to the even digit: a last digit that is odd, and was rounded up by a tie, goes back. */
function evenTie(rounded: string, value: number, exactly: (digits: number) => string, digits: number): string {
  if (!/[13579]$/.test(rounded) || value >= 2 ** 53 || digits >= 99) return rounded;
  const exact = exactly(100);
  const point = exact.indexOf('.');
  const rest = exact.slice(point + 1 + digits);
  if (!/^50*$/.test(rest)) return rounded;
  return rounded.slice(0, -1) + String(Number(rounded.at(-1)) - 1);
}

function exponential(value: number, precision: number): string {
  const digits = Math.min(100, precision);
  const [rounded, exponent] = value.toExponential(digits).split('e') as [string, string];
  const mantissa = evenTie(rounded, value, (more) => value.toExponential(more).split('e')[0]!, digits);
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
}

/** As a long double of x86: the first digit has all four bits, 8 to f. */
function hexadecimal(value: number, precision: number): string {
  if (value === 0) return precision > 0 ? `0x0.${'0'.repeat(precision)}p+0` : '0x0p+0';
  let exponent = Math.floor(Math.log2(value));
  while (value / 2 ** exponent >= 2) exponent++;
  while (value / 2 ** exponent < 1) exponent--;
  // 64 bits, the highest one set: 16 digits, 15 of them after the point.
  let bits = BigInt(Math.round((value / 2 ** exponent) * 2 ** 52)) << 11n;
  exponent -= 3;
  let digits: string;
  if (precision >= 0 && precision < 15) {
    const drop = BigInt(4 * (15 - precision));
    const half = 1n << (drop - 1n);
    const rest = bits & ((1n << drop) - 1n);
    bits >>= drop;
    if (rest > half || (rest === half && (bits & 1n) === 1n)) bits++;
    digits = bits.toString(16);
  } else digits = bits.toString(16);
  const whole = digits.slice(0, digits.length - Math.max(0, Math.min(15, precision < 0 ? 15 : precision)));
  let fraction = digits.slice(whole.length);
  fraction = precision < 0 ? fraction.replace(/0+$/, '') : fraction.padEnd(precision, '0');
  return `0x${whole}${fraction === '' ? '' : `.${fraction}`}p${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`;
}

/** `%s` and `%c`. */
export function formatString(spec: Spec, value: string): string {
  const text = spec.precision >= 0 ? value.slice(0, spec.precision) : value;
  return spec.flags.includes('-') ? text.padEnd(spec.width) : text.padStart(spec.width);
}
