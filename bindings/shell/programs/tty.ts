/** tty(1) */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command } from './command.ts';
import { quote } from './quote.ts';

export const tty: Program = command(
  async (c: Command) => {
    const { options, operands } = c.parse('s', { silent: 's', quiet: 's' });
    if (operands.length > 0) c.usage(`extra operand ${quote(operands[0]!)}`);
    const terminal = c.process.isOpen(0) && c.process.isatty(0);
    if (options.length === 0) await c.out.write(terminal ? '/dev/console\n' : 'not a tty\n');
    return terminal ? 0 : 1;
  },
  { trouble: 2 },
);
