/** date(1), of the world's clock in UTC */
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command, Failure } from './command.ts';
import { parseDate } from './date-text.ts';
import { quote, quoteIfNeeded } from './quote.ts';
import { formatTime } from './times.ts';

const LONG = {
  ...{ 'date=': 'd', 'file=': 'f', 'iso-8601=?': 'I', reference: 'r', 'reference=': 'r', 'rfc-email': 'R' },
  ...{
    'rfc-3339=': 'rfc-3339',
    'set=': 's',
    utc: 'u',
    universal: 'u',
    uct: 'u',
    resolution: 'resolution',
    debug: 'debug',
  },
};

/** argmatch_die() of gnulib */
function badArgument(c: Command, value: string, option: string, valid: readonly string[]): never {
  const list = valid.map((word) => `  - ${quote(word)}\n`).join('');
  throw new Failure(
    `${c.name}: invalid argument ${quote(value)} for ${quote(option)}\nValid arguments are:\n${list}Try '${c.name} --help' for more information.\n`,
    c.trouble,
  );
}

export const date: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('d:f:I::r:Rs:u', LONG);
  const p = c.process;
  let at = p.realtime;
  let format: string | undefined;
  for (const { key, value } of options) {
    if (key === 'd') {
      const parsed = parseDate(value, p.realtime);
      if (parsed === undefined) c.fail(`invalid date ${quote(value)}`);
      at = parsed;
    } else if (key === 'r') {
      const stat = await attempt(() => p.stat(value));
      if ('error' in stat) c.fail(`${quoteIfNeeded(value)}: ${stat.error.message}`);
      at = stat.value.mtime;
    } else if (key === 'R') format = '%a, %d %b %Y %H:%M:%S %z';
    else if (key === 'I') {
      format = {
        '': '%F',
        date: '%F',
        hours: '%FT%H%:z',
        minutes: '%FT%H:%M%:z',
        seconds: '%FT%T%:z',
        ns: '%FT%T,%N%:z',
      }[value];
      if (format === undefined) badArgument(c, value, '--iso-8601', ['hours', 'minutes', 'date', 'seconds', 'ns']);
    } else if (key === 'rfc-3339') {
      format = { date: '%F', seconds: '%F %T%:z', ns: '%F %T.%N%:z' }[value];
      if (format === undefined) badArgument(c, value, '--rfc-3339', ['date', 'seconds', 'ns']);
    } else if (key !== 'u') c.fail(`option ${key.length > 1 ? '--' : '-'}${key} is not supported`);
  }
  const [operand, extra] = operands;
  if (extra !== undefined) c.usage(`extra operand ${quote(extra)}`);
  if (operand !== undefined) {
    if (!operand.startsWith('+')) c.fail('setting the clock is not supported');
    if (format !== undefined) c.fail('multiple output formats specified');
    format = operand.slice(1);
  }
  await c.out.write(`${formatTime(format ?? '%a %b %e %H:%M:%S %Z %Y', at)}\n`);
  return 0;
});
