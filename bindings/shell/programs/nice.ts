/** nice(1): one scheduler without priorities, so the number is read and only shown to the program it runs */
import { SyscallError } from '../kernel/error.ts';
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command } from './command.ts';
import { execvp, notRun } from './execute.ts';
import { quote, quoteName } from './quote.ts';

export const nice: Program = command(
  async (c: Command) => {
    const args = c.args.map((arg) => (/^-[-+]?\d+$/.test(arg) ? `-n${arg.slice(1)}` : arg));
    const { options, operands } = c.parse('+n:', { 'adjustment=': 'n' }, args);
    for (const { value } of options) if (!/^[-+]?\d+$/.test(value)) c.fail(`invalid adjustment ${quote(value)}`);
    if (operands.length === 0) {
      if (options.length > 0) c.usage('a command must be given with an adjustment');
      await c.out.write('0\n');
      return 0;
    }
    try {
      return await execvp(c.process, operands);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      c.fail(`${quoteName(operands[0]!)}: ${error.message}`, notRun(error));
    }
  },
  { trouble: 125 },
);
