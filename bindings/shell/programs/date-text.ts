/** Dates as people write them for `date -d` and `touch -d`: the common forms of GNU's parse_datetime, in UTC. */
import { MONTHS } from './times.ts';

const BILLION = 1_000_000_000n;
const UNITS: Readonly<Record<string, number>> = {
  ...{ sec: 1, second: 1, min: 60, minute: 60, hour: 3600, day: 86400, week: 604_800, fortnight: 1_209_600 },
};

/** ns since the epoch, or undefined when the text is no date that is known here. */
export function parseDate(text: string, now: bigint): bigint | undefined {
  let rest = text.trim().toLowerCase();
  let base = now;
  const at = /^@(-?\d+)(?:\.(\d{1,9})\d*)?/.exec(rest);
  if (at !== null) {
    base = BigInt(at[1]!) * BILLION + BigInt((at[2] ?? '').padEnd(9, '0'));
    // Nothing may follow a count of seconds.
    return rest.length === at[0].length ? base : undefined;
  }
  const take = (pattern: RegExp): RegExpExecArray | null => {
    const match = pattern.exec(rest);
    if (match !== null) rest = `${rest.slice(0, match.index)} ${rest.slice(match.index + match[0].length)}`.trim();
    return match;
  };
  let day: [number, number, number] | undefined;
  const iso = take(/\b(\d{4})-(\d{1,2})-(\d{1,2})(?:t(?=\d))?(?!\d)/);
  if (iso !== null) day = [Number(iso[1]), Number(iso[2]) - 1, Number(iso[3])];
  const names = MONTHS.map((name) => name.slice(0, 3).toLowerCase());
  const named =
    take(new RegExp(`\\b(?:(\\d{1,2}) +)?(${names.join('|')})[a-z]*\\.? +(?:(\\d{1,2}),? +)?(\\d{4})\\b`)) ??
    take(new RegExp(`\\b(${names.join('|')})[a-z]* +(\\d{1,2})\\b`));
  if (named !== null && named.length === 5)
    day = [Number(named[4]), names.indexOf(named[2]!), Number(named[1] ?? named[3] ?? 1)];
  else if (named !== null)
    day = [new Date(Number(now / 1_000_000n)).getUTCFullYear(), names.indexOf(named[1]!), Number(named[2])];
  const clock = take(/\b(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?(?: ?(am|pm))?/);
  const zone = take(/(?:^|\s)(utc|gmt|z)(?=\s|$)|([-+])(\d\d):?(\d\d)(?=\s|$)/);
  if (day !== undefined || clock !== null) {
    const today = new Date(Number(now / 1_000_000n));
    const [year, month, date] = day ?? [today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate()];
    let hour = Number(clock?.[1] ?? 0);
    if (clock?.[5] === 'pm' && hour < 12) hour += 12;
    if (clock?.[5] === 'am' && hour === 12) hour = 0;
    if (month > 11 || date < 1 || date > 31 || hour > 23 || Number(clock?.[2] ?? 0) > 59) return undefined;
    base =
      BigInt(Date.UTC(year, month, date, hour, Number(clock?.[2] ?? 0), Number(clock?.[3] ?? 0))) * 1_000_000n +
      BigInt((clock?.[4] ?? '').padEnd(9, '0'));
    if (zone?.[2] !== undefined)
      base += BigInt((zone[2] === '-' ? 60 : -60) * (Number(zone[3]) * 60 + Number(zone[4]))) * BILLION;
  }
  for (;;) {
    const relative = take(
      /([-+]? ?\d+|\bnext|\blast|\ba|\ban)? *\b(sec|second|min|minute|hour|day|week|fortnight|month|year)s?\b( ago)?/,
    );
    if (relative === null) break;
    const count = { next: 1, last: -1, a: 1, an: 1 }[relative[1] ?? 'a'] ?? Number(relative[1]!.replace(' ', ''));
    const amount = relative[3] === undefined ? count : -count;
    const unit = relative[2]!;
    if (unit === 'month' || unit === 'year') {
      const date = new Date(Number(base / 1_000_000n));
      const fraction = base % 1_000_000n;
      if (unit === 'month') date.setUTCMonth(date.getUTCMonth() + amount);
      else date.setUTCFullYear(date.getUTCFullYear() + amount);
      base = BigInt(date.getTime()) * 1_000_000n + fraction;
    } else base += BigInt(amount * UNITS[unit]!) * BILLION;
  }
  const word = take(/^(now|today|yesterday|tomorrow|midnight)$/);
  if (word !== null) {
    if (word[1] === 'yesterday') base -= 86_400n * BILLION;
    if (word[1] === 'tomorrow') base += 86_400n * BILLION;
    if (word[1] === 'midnight') base -= base % (86_400n * BILLION);
  }
  if (rest !== '') return undefined;
  if (text.trim() === '') return base - (base % (86_400n * BILLION));
  return base;
}
