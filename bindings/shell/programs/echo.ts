/** echo(1) of coreutils */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command } from './command.ts';
import { echoEscapes } from './escapes.ts';

export const echo: Program = command(async (c: Command) => {
  const words = [...c.args];
  let newline = true;
  let escapes = false;
  while (/^-[neE]+$/.test(words[0] ?? ''))
    for (const letter of words.shift()!.slice(1)) {
      if (letter === 'n') newline = false;
      else escapes = letter === 'e';
    }
  const text = words.join(' ');
  if (!escapes) {
    await c.out.write(text + (newline ? '\n' : ''));
    return 0;
  }
  const { out, stopped } = echoEscapes(text);
  await c.out.write(out + (newline && !stopped ? '\n' : ''));
  return 0;
});
