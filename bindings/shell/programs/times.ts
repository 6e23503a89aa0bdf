/** Times of the world's clock in UTC, by strftime(3)'s conversions. */

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
export const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
];

const BILLION = 1_000_000_000n;

/** Nanoseconds within the second, nine digits. */
const nanoseconds = (ns: bigint): string => String(((ns % BILLION) + BILLION) % BILLION).padStart(9, '0');

/** Whole seconds since the epoch, rounded down. */
export function seconds(ns: bigint): bigint {
  return (ns - (((ns % BILLION) + BILLION) % BILLION)) / BILLION;
}

/** The date of ns since the epoch. */
function dateOf(ns: bigint): Date {
  return new Date(Number(seconds(ns)) * 1000);
}

function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000);
}

/** ISO 8601's week and its year. */
function isoWeek(date: Date): { week: number; year: number } {
  const day = (date.getUTCDay() + 6) % 7;
  const thursday = new Date(date.getTime() + (3 - day) * 86_400_000);
  const year = thursday.getUTCFullYear();
  return { week: Math.floor(dayOfYear(thursday) / 7) + 1, year };
}

type Field = { value: string | number; width: number; fill: '0' | ' ' | '' };

function field(letter: string, ns: bigint, width: number): Field | string | undefined {
  const date = dateOf(ns);
  const year = date.getUTCFullYear();
  const hour = date.getUTCHours();
  const number = (value: number, digits: number, fill: '0' | ' ' = '0'): Field => ({ value, width: digits, fill });
  const text = (value: string): Field => ({ value, width: 0, fill: ' ' });
  switch (letter) {
    case '%':
    case 'n':
    case 't':
      return { '%': '%', n: '\n', t: '\t' }[letter];
    case 'a':
      return text(DAYS[date.getUTCDay()]!.slice(0, 3));
    case 'A':
      return text(DAYS[date.getUTCDay()]!);
    case 'b':
    case 'h':
      return text(MONTHS[date.getUTCMonth()]!.slice(0, 3));
    case 'B':
      return text(MONTHS[date.getUTCMonth()]!);
    case 'c':
      return text(formatTime('%a %b %e %H:%M:%S %Y', ns));
    case 'C':
      return number(Math.floor(year / 100), 2);
    case 'd':
      return number(date.getUTCDate(), 2);
    case 'D':
    case 'x':
      return text(formatTime('%m/%d/%y', ns));
    case 'e':
      return number(date.getUTCDate(), 2, ' ');
    case 'F':
      return text(formatTime('%Y-%m-%d', ns));
    case 'g':
      return number(isoWeek(date).year % 100, 2);
    case 'G':
      return number(isoWeek(date).year, 4);
    case 'H':
      return number(hour, 2);
    case 'I':
      return number(hour % 12 || 12, 2);
    case 'j':
      return number(dayOfYear(date) + 1, 3);
    case 'k':
      return number(hour, 2, ' ');
    case 'l':
      return number(hour % 12 || 12, 2, ' ');
    case 'm':
      return number(date.getUTCMonth() + 1, 2);
    case 'M':
      return number(date.getUTCMinutes(), 2);
    case 'N':
      return nanoseconds(ns).slice(0, width || 9);
    case 'p':
      return text(hour < 12 ? 'AM' : 'PM');
    case 'P':
      return text(hour < 12 ? 'am' : 'pm');
    case 'q':
      return number(Math.floor(date.getUTCMonth() / 3) + 1, 1);
    case 'r':
      return text(formatTime('%I:%M:%S %p', ns));
    case 'R':
      return text(formatTime('%H:%M', ns));
    case 's':
      return { value: String(seconds(ns)), width: 1, fill: '0' };
    case 'S':
      return number(date.getUTCSeconds(), 2);
    case 'T':
    case 'X':
      return text(formatTime('%H:%M:%S', ns));
    case 'u':
      return number(date.getUTCDay() || 7, 1);
    case 'U':
      return number(Math.floor((dayOfYear(date) + 7 - date.getUTCDay()) / 7), 2);
    case 'V':
      return number(isoWeek(date).week, 2);
    case 'w':
      return number(date.getUTCDay(), 1);
    case 'W':
      return number(Math.floor((dayOfYear(date) + 7 - ((date.getUTCDay() + 6) % 7)) / 7), 2);
    case 'y':
      return number(year % 100, 2);
    case 'Y':
      return number(year, 4);
    case 'z':
      return '+0000';
    case 'Z':
      return text('UTC');
    default:
      return undefined;
  }
}

/** strftime(3) with GNU's flags (`%-d`, `%_H`, `%^a`, `%3N`, `%:z`) in UTC; what is no conversion stays as it is. */
export function formatTime(format: string, ns: bigint): string {
  return format.replace(
    /%([-_0^#+]*)(\d*)(:{0,3})([EO]?)([A-Za-z%])/g,
    (whole, flags: string, width: string, colons: string, _modifier, letter: string) => {
      if (letter === '%' && whole !== '%%') return whole;
      if (letter === 'z' && colons !== '') return { ':': '+00:00', '::': '+00:00:00', ':::': '+00' }[colons]!;
      if (colons !== '') return whole;
      const found = field(letter, ns, Number(width));
      if (found === undefined) return whole;
      if (typeof found === 'string') return letter === 'N' && flags.includes('-') ? found.replace(/0+$/, '') : found;
      const fill = flags.includes('-') ? '' : flags.includes('_') ? ' ' : flags.includes('0') ? '0' : found.fill;
      const size = width === '' ? found.width : Number(width);
      let text = String(found.value);
      if (fill !== '') text = text.padStart(size, fill);
      if (flags.includes('^')) text = text.toUpperCase();
      if (flags.includes('#')) text = letter === 'p' || letter === 'Z' ? text.toLowerCase() : text.toUpperCase();
      return text;
    },
  );
}
