/** dirname(1) */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command } from './command.ts';
import { dirName } from './paths.ts';

export const dirname: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('+z', { zero: 'z' });
  if (operands.length === 0) c.usage('missing operand');
  for (const name of operands) await c.out.write(dirName(name) + (options.length > 0 ? '\0' : '\n'));
  return undefined;
});
