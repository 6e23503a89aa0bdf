/** `--from` and `--until`, which inspect and replay share. */
import type { Command } from 'commander';
import type { TimePoint, TimeRange } from '../trace/time-range.ts';
import { InputError } from './errors.ts';

export interface RangeOptions {
  from?: string;
  until?: string;
}

/** Adds both options; `from` says what the first means for the command. */
export function addRange(command: Command, from: string): Command {
  return command
    .option('--from <time>', `${from}: seconds from the first row, or with ns, us, ms, s a time on the trace's clock`)
    .option('--until <time>', 'leave out what comes later, time as for --from');
}

/** Throws InputError. */
export function parseRange(options: RangeOptions): TimeRange {
  const range = {
    from: options.from === undefined ? null : parsePoint('--from', options.from),
    until: options.until === undefined ? null : parsePoint('--until', options.until),
  };
  const { from, until } = range;
  if (from !== null && until !== null) {
    const empty = 'after' in from ? 'after' in until && from.after > until.after : 'at' in until && from.at > until.at;
    if (empty) throw new InputError(`--from ${options.from} --until ${options.until}: ends before it begins`);
  }
  return range;
}

const DIGITS: Readonly<Record<string, number>> = { '': 9, s: 9, ms: 6, us: 3, ns: 0 };

function parsePoint(option: string, text: string): TimePoint {
  const match = /^(\d{1,20})(?:\.(\d{1,9}))?(ns|us|ms|s|)$/.exec(text);
  const unit = match?.[3] ?? '';
  const fraction = match?.[2] ?? '';
  const digits = DIGITS[unit]!;
  if (match === null || fraction.length > digits)
    throw new InputError(`${option} ${text}: not seconds from the first row such as 1.5, or a time such as 1200ms`);
  const ns = BigInt(match[1]! + fraction.padEnd(digits, '0'));
  return unit === '' ? { after: ns } : { at: ns };
}
