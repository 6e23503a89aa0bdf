/** setsid(1) of util-linux */
import { SyscallError } from '../kernel/error.ts';
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command, complain } from './command.ts';
import { execvp, notRun, statusOf, waitFor } from './execute.ts';

export const setsid: Program = command(
  async (c: Command) => {
    const { options, operands } = c.parse('+cfw', { ctty: 'c', fork: 'f', wait: 'w' });
    const keys = new Set(options.map(({ key }) => key));
    if (operands.length === 0) c.usage('no command specified');
    const run = async (process: typeof c.process): Promise<number> => {
      process.setsid();
      try {
        return await execvp(process, operands);
      } catch (error) {
        if (!(error instanceof SyscallError)) throw error;
        c.fail(`failed to execute ${operands[0]}: ${error.message}`, notRun(error));
      }
    };
    const p = c.process;
    if (!keys.has('f') && p.getpgid() !== p.pid) return run(p);
    const child = p.fork(async (self) => {
      try {
        return await run(self);
      } catch (error) {
        if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') throw error;
        await complain(self, error.message);
        return error.status;
      }
    });
    return keys.has('w') ? statusOf(await waitFor(p, child.pid)) : 0;
  },
  { utilLinux: true },
);
