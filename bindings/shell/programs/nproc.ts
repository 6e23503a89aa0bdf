/** nproc(1), out of /proc/stat */
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command } from './command.ts';
import { readFile } from './input.ts';
import { parseNumber } from './numbers.ts';
import { quote } from './quote.ts';

export const nproc: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('', { all: 'all', 'ignore=': 'ignore' });
  if (operands.length > 0) c.usage(`extra operand ${quote(operands[0]!)}`);
  let ignored = 0;
  for (const { key, value } of options) {
    if (key !== 'ignore') continue;
    const number = parseNumber(value, '');
    if (typeof number !== 'number') c.fail(`invalid number: ${quote(value)}`);
    ignored = number;
  }
  const stat = await attempt(() => readFile(c.process, '/proc/stat'));
  const cpus = 'value' in stat ? (stat.value.match(/^cpu\d+ /gm) ?? []).length : 1;
  await c.out.write(`${Math.max(1, cpus - ignored)}\n`);
  return 0;
});
