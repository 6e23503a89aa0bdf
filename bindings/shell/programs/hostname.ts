/** hostname(1): shows the name */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command } from './command.ts';
import { kernelText } from './uname.ts';

export const hostname: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('s', { short: 's' });
  if (operands.length > 0) c.fail('setting the name is not supported');
  const name = await kernelText(c.process, 'hostname', '(none)');
  await c.out.write(`${options.length > 0 ? name.split('.')[0] : name}\n`);
  return 0;
});
