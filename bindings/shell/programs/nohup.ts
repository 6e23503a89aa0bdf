/** nohup(1) */
import { SyscallError } from '../kernel/error.ts';
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command } from './command.ts';
import { execvp, notRun } from './execute.ts';
import { quoteName } from './quote.ts';

const SIGHUP = 1;

export const nohup: Program = command(
  async (c: Command) => {
    const { operands } = c.parse('+');
    if (operands.length === 0) c.usage('missing operand');
    const p = c.process;
    const [input, output, errors] = [0, 1, 2].map((fd) => p.isOpen(fd) && p.isatty(fd)) as [boolean, boolean, boolean];
    if (input) {
      p.close(0);
      await p.open('/dev/null', { write: true });
    }
    if (output) {
      let file = 'nohup.out';
      let opened = await attempt(() => p.open(file, { write: true, create: true, append: true }, 0o600));
      if ('error' in opened) {
        file = `${p.env.get('HOME') ?? ''}/nohup.out`;
        opened = await attempt(() => p.open(file, { write: true, create: true, append: true }, 0o600));
      }
      if ('error' in opened) c.fail(`failed to open ${quoteName(file)}: ${opened.error.message}`);
      p.dup2(opened.value, 1);
      p.close(opened.value);
      await c.warn(`${input ? 'ignoring input and ' : ''}appending output to ${quoteName(file)}`);
    } else if (input) await c.warn(errors ? 'ignoring input and redirecting stderr to stdout' : 'ignoring input');
    else if (errors) await c.warn('redirecting stderr to stdout');
    if (errors) p.dup2(1, 2);
    p.sigaction(SIGHUP, 'ignore');
    try {
      return await execvp(p, operands);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      c.fail(`failed to run command ${quoteName(operands[0]!)}: ${error.message}`, notRun(error));
    }
  },
  { trouble: 125 },
);
