/** pwd(1) */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command, statOrUndefined } from './command.ts';

export const pwd: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('LP', { logical: 'L', physical: 'P' });
  if (operands.length > 0) await c.warn('ignoring non-option arguments');
  const p = c.process;
  const logical = p.env.get('PWD') ?? '';
  if (options.at(-1)?.key === 'L' && logical.startsWith('/') && !/(^|\/)\.\.?(\/|$)/.test(logical)) {
    const [a, b] = [statOrUndefined(p, logical), statOrUndefined(p, '.')];
    if (a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino) {
      await c.out.write(`${logical}\n`);
      return 0;
    }
  }
  await c.out.write(`${p.getcwd()}\n`);
  return 0;
});
