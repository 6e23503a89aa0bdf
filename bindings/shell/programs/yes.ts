/** yes(1) */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command } from './command.ts';

/** as much as one write(2) of it takes */
const BLOCK = 8192;

export const yes: Program = command(async (c: Command) => {
  const { operands } = c.parse('+');
  const line = `${operands.length === 0 ? 'y' : operands.join(' ')}\n`;
  const block = line.repeat(Math.max(1, Math.floor(BLOCK / line.length)));
  while (c.out.failure === undefined) await c.out.write(block);
  await c.error(`standard output: ${c.out.failure.message}`);
  c.out.failure = undefined;
  return 1;
});
