/** rev(1) of util-linux */
import { SyscallError } from '../kernel/error.ts';
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command } from './command.ts';
import { Input } from './input.ts';

export const rev: Program = command(
  async (c: Command) => {
    const { operands } = c.parse('');
    for (const name of operands.length === 0 ? ['-'] : operands) {
      const opened = name === '-' ? { value: 0 } : await attempt(() => c.process.open(name, { read: true }));
      if ('error' in opened) {
        await c.error(`cannot open ${name}: ${opened.error.message}`);
        continue;
      }
      const input = new Input(c.process, opened.value);
      try {
        for (let line = await input.line(); line !== null; line = await input.line())
          await c.out.write([...line.text].reverse().join('') + (line.terminated ? '\n' : ''));
      } catch (error) {
        if (!(error instanceof SyscallError)) throw error;
        await c.error(`${name}: ${error.message}`);
      }
      if (opened.value !== 0) c.process.close(opened.value);
    }
    return undefined;
  },
  { utilLinux: true },
);
