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
  if (value < 1e21 && precision <= 100) return value.toFixed(precision);
  const whole = BigInt(value).toString();
  return precision === 0 ? whole : `${whole}.${'0'.repeat(precision)}`;
}

function exponential(value: number, precision: number): string {
  const [mantissa, exponent] = value.toExponential(Math.min(100, precision)).split('e') as [string, string];
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
}

function hexadecimal(value: number, precision: number): string {
  if (value === 0) return precision > 0 ? `0x0.${'0'.repeat(precision)}p+0` : '0x0p+0';
  let exponent = Math.floor(Math.log2(value));
  let mantissa = value / 2 ** exponent;
  if (mantissa >= 2) {
    mantissa /= 2;
    exponent++;
  } else if (mantissa < 1) {
    mantissa *= 2;
    exponent--;
  }
  let fraction = BigInt(Math.round((mantissa - 1) * 2 ** 52));
  let whole = 1n;
  let digits: string;
  if (precision >= 0 && precision < 13) {
    const drop = BigInt(4 * (13 - precision));
    const half = 1n << (drop - 1n);
    const all = (whole << 52n) | fraction;
    let kept = all >> drop;
    const rest = all & ((1n << drop) - 1n);
    if (rest > half || (rest === half && (kept & 1n) === 1n)) kept++;
    whole = kept >> BigInt(4 * precision);
    fraction = kept & ((1n << BigInt(4 * precision)) - 1n);
    digits = precision === 0 ? '' : fraction.toString(16).padStart(precision, '0');
  } else {
    digits = fraction.toString(16).padStart(13, '0');
    digits = precision < 0 ? digits.replace(/0+$/, '') : digits.padEnd(precision, '0');
  }
  return `0x${whole}${digits === '' ? '' : `.${digits}`}p${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`;
}

/** `%s` and `%c`. */
export function formatString(spec: Spec, value: string): string {
  const text = spec.precision >= 0 ? value.slice(0, spec.precision) : value;
  return spec.flags.includes('-') ? text.padEnd(spec.width) : text.padStart(spec.width);
}
