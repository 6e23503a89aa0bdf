/** touch(1) */
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command, errorOf, statOrUndefined } from './command.ts';
import { parseDate } from './date-text.ts';
import { quoteName } from './quote.ts';

const LONG = { 'no-create': 'c', 'date=': 'd', 'no-dereference': 'h', 'reference=': 'r', 'time=': 'time' };

/** `[[CC]YY]MMDDhhmm[.ss]` */
function stamp(text: string, now: bigint): bigint | undefined {
  const match = /^(\d{2}|\d{4})?(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d\d))?$/.exec(text);
  if (match === null) return undefined;
  const [, years, month, day, hour, minute, second = '00'] = match;
  let year = new Date(Number(now / 1_000_000n)).getUTCFullYear();
  if (years?.length === 4) year = Number(years);
  else if (years !== undefined) year = Number(years) + (Number(years) < 69 ? 2000 : 1900);
  const ms = Date.UTC(year, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  return BigInt(ms) * 1_000_000n;
}

export const touch: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('acd:fhmr:t:', LONG);
  const p = c.process;
  let create = true;
  let access = true;
  let modification = true;
  let times: { atime: bigint; mtime: bigint } | undefined;
  const only = new Set<string>();
  for (const { key, value } of options) {
    if (key === 'a' || key === 'm') only.add(key);
    else if (key === 'c' || key === 'h') create = false;
    else if (key === 'r') {
      const stat = await attempt(() => p.stat(value));
      if ('error' in stat) c.fail(`failed to get attributes of ${quoteName(value)}: ${stat.error.message}`);
      times = stat.value;
    } else if (key === 't' || key === 'd') {
      const at = key === 't' ? stamp(value, p.realtime) : parseDate(value, p.realtime);
      if (at === undefined) c.fail(`invalid date format ${quoteName(value)}`);
      times = { atime: at, mtime: at };
    } else if (key === 'time') only.add(['atime', 'access', 'use'].includes(value) ? 'a' : 'm');
  }
  if (only.size === 1) {
    access = only.has('a');
    modification = only.has('m');
  }
  if (operands.length === 0) c.usage('missing file operand');
  for (const name of operands) {
    const before = statOrUndefined(p, name);
    if (before === undefined && create) {
      const opened = await attempt(() => p.open(name, { write: true, create: true, nonblock: true }, 0o666));
      if ('error' in opened) {
        await c.error(
          `${opened.error.errno === 'EISDIR' ? 'setting times of' : 'cannot touch'} ${quoteName(name)}: ${
            opened.error.errno === 'EISDIR' ? 'No such file or directory' : opened.error.message
          }`,
        );
        continue;
      }
      p.close(opened.value);
    } else if (before === undefined) {
      if (p.access(name, {}) === false) continue;
    }
    const failure = await errorOf(() => {
      const old = p.stat(name);
      p.utimes(
        name,
        access ? (times?.atime ?? p.realtime) : old.atime,
        modification ? (times?.mtime ?? p.realtime) : old.mtime,
      );
    });
    if (failure !== undefined) await c.error(`setting times of ${quoteName(name)}: ${failure.message}`);
  }
  return undefined;
});
