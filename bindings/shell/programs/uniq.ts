/** uniq(1) */
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command } from './command.ts';
import { Input } from './input.ts';
import { parseNumber } from './numbers.ts';
import { quote, quoteIfNeeded } from './quote.ts';

const LONG = {
  ...{ count: 'c', repeated: 'd', 'all-repeated=?': 'D', 'skip-fields=': 'f', 'ignore-case': 'i', 'skip-chars=': 's' },
  ...{ unique: 'u', 'zero-terminated': 'z', 'check-chars=': 'w', 'group=?': 'group' },
};

export const uniq: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('cdDf:is:uw:z', LONG);
  const keys = new Set(options.map(({ key }) => key));
  const number = (letter: string, what: string): number | undefined => {
    const option = options.findLast(({ key }) => key === letter);
    if (option === undefined) return undefined;
    const value = parseNumber(option.value, '');
    if (typeof value !== 'number') c.fail(`${option.value}: invalid number of ${what}`);
    return value;
  };
  const fields = number('f', 'fields to skip') ?? 0;
  const chars = number('s', 'bytes to skip') ?? 0;
  const width = number('w', 'bytes to compare') ?? Number.POSITIVE_INFINITY;
  if (keys.has('group')) c.fail('option --group is not supported');
  if (keys.has('D') && options.some(({ key, value }) => key === 'D' && value !== '' && value !== 'none'))
    c.fail('option --all-repeated with a method is not supported');
  if (keys.has('D') && keys.has('c')) c.usage('printing all duplicated lines and repeat counts is meaningless');
  if (operands.length > 2) c.usage(`extra operand ${quote(operands[2]!)}`);
  const [from = '-', to = '-'] = operands;
  const p = c.process;
  if (from !== '-') {
    const opened = await attempt(() => p.open(from, { read: true }));
    if ('error' in opened) c.fail(`${quoteIfNeeded(from)}: ${opened.error.message}`);
    p.dup2(opened.value, 0);
    p.close(opened.value);
  }
  if (to !== '-') {
    const opened = await attempt(() => p.open(to, { write: true, create: true, truncate: true }, 0o666));
    if ('error' in opened) c.fail(`${quoteIfNeeded(to)}: ${opened.error.message}`);
    p.dup2(opened.value, 1);
    p.close(opened.value);
  }
  const end = keys.has('z') ? '\0' : '\n';
  const keyOf = (line: string): string => {
    let rest = line;
    for (let i = 0; i < fields; i++) rest = rest.replace(/^[ \t]*[^ \t]*/, '');
    rest = rest.slice(chars);
    rest = width === Number.POSITIVE_INFINITY ? rest : rest.slice(0, width);
    return keys.has('i') ? rest.toLowerCase() : rest;
  };
  const input = new Input(p, 0);
  let group: string[] = [];
  let count = 0;
  const show = async () => {
    if (count === 0) return;
    if (keys.has('D')) {
      if (count > 1) for (const line of group) await c.out.write(line + end);
      return;
    }
    if (keys.has('d') && count === 1) return;
    if (keys.has('u') && count > 1) return;
    await c.out.write(`${keys.has('c') ? `${String(count).padStart(7)} ` : ''}${group[0]}${end}`);
  };
  const read = await attempt(async () => {
    let current = '';
    for (let line = await input.line(end); line !== null; line = await input.line(end)) {
      const key = keyOf(line.text);
      if (count > 0 && key === current) {
        count++;
        if (keys.has('D')) group.push(line.text);
        continue;
      }
      await show();
      current = key;
      group = [line.text];
      count = 1;
    }
  });
  if ('error' in read) c.fail(`error reading ${quote(from)}: ${read.error.message}`);
  await show();
  return 0;
});
