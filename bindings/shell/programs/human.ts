/** Sizes for people, as gnulib's human_readable has them: `268 MB`, `1.0 MiB`, `4.0K`. */

const LETTERS = ['', 'K', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];

/** dd's size: SI (`kB`) or IEC (`KiB`) with a blank, rounded to nearest. */
export function humanSize(bytes: number, base: 1000 | 1024): string {
  const { digits, power } = scale(bytes, base, 'nearest');
  return `${digits} ${unit(power, base)}`;
}

/** dd's rate out of bytes and ns: never below kilobytes, since the quotient is no whole number. */
export function humanRate(bytes: number, ns: number): string {
  const rate = (bytes * 1e9) / ns;
  if (Number.isInteger(rate) && rate > 0 && (bytes * 1e9) % ns === 0) return `${humanSize(rate, 1000)}/s`;
  let power = 1;
  while (1000 ** (power + 1) <= rate && power < 8) power++;
  const value = rate / 1000 ** power;
  const digits = value.toFixed(1);
  return `${digits.length > 4 ? value.toFixed(0) : digits} ${unit(power, 1000)}/s`;
}

/** The size of `ls -h` and `du -h`: ceiling, no unit for bytes. */
export function humanCeiling(bytes: number, base: 1000 | 1024 = 1024): string {
  const { digits, power } = scale(bytes, base, 'ceiling');
  const letter = LETTERS[power]!;
  return digits + (base === 1000 && power === 1 ? 'k' : letter);
}

function unit(power: number, base: 1000 | 1024): string {
  if (power === 0) return 'B';
  if (base === 1024) return `${LETTERS[power]}iB`;
  return power === 1 ? 'kB' : `${LETTERS[power]}B`;
}

function scale(bytes: number, base: number, rounding: 'nearest' | 'ceiling'): { digits: string; power: number } {
  if (bytes < base) return { digits: String(Math.round(bytes)), power: 0 };
  let power = 0;
  while (base ** (power + 1) <= bytes && power < 8) power++;
  const round = (value: number) => (rounding === 'ceiling' ? Math.ceil(value) : halfToEven(value));
  const value = bytes / base ** power;
  let digits: string;
  if (value < 10) {
    const tenths = round(value * 10);
    digits = tenths < 100 ? (tenths / 10).toFixed(1) : String(tenths / 10);
  } else {
    const whole = round(value);
    if (whole >= base && power < 8) return { digits: '1.0', power: power + 1 };
    digits = String(whole);
  }
  return { digits, power };
}

function halfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** size_to_human_string of util-linux: `256M`, `1.5G`, or `1.5 MiB` when it is spelt out. */
export function shortSize(bytes: number, spelt = false): string {
  let power = 0;
  while (1024 ** (power + 1) <= bytes && power < 6) power++;
  let whole = Math.floor(bytes / 1024 ** power);
  let tenths = Math.floor((Math.floor(((bytes - whole * 1024 ** power) * 1000) / 1024 ** power) + 50) / 100);
  if (tenths === 10) {
    whole++;
    tenths = 0;
  }
  const digits = tenths === 0 ? String(whole) : `${whole}.${tenths}`;
  const letter = power === 0 ? 'B' : LETTERS[power]!;
  return spelt ? `${digits} ${power === 0 ? 'B' : `${letter}iB`}` : digits + letter;
}
